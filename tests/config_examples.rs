//! Every example in `config/` is accepted as it is shipped.
//!
//! Input: the files of the repository. What is compared: what they mean after parsing.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is the failed test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use writeback::model::policy::{
    Departure, FlagRule, GroupTypeRule, GuardRules, MailRule, Mode, Policy,
};
use writeback::policy;
use writeback::settings::{Bind, Credential, JOURNAL_RETENTION_DEFAULT, Settings};

fn config() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
}

#[test]
fn the_example_configuration_is_accepted() {
    let settings = Settings::load(&config().join("writeback.yaml")).unwrap();
    assert_eq!(settings.owner, "corp");
    assert_eq!(settings.policies, config().join("policies"));
    assert_eq!(settings.state, Path::new("/var/lib/writeback"));
    assert_eq!(settings.directory.server.host_str(), Some("dc1.corp.example"));
    let name = match &settings.directory.bind {
        Bind::Simple { name, .. } => name,
        #[cfg(feature = "kerberos")]
        Bind::Kerberos { principal, .. } => principal,
    };
    assert_eq!(name, "CORP\\svc-writeback");
    assert!(matches!(settings.tenant.credential, Credential::ClientSecretFile(_)));
    assert_eq!(settings.schedule.interval, Duration::from_mins(15));
    assert_eq!(settings.journal_retention, JOURNAL_RETENTION_DEFAULT);
    assert_eq!(settings.admin_socket, Path::new("/var/lib/writeback/admin.sock"));
}

/// The folder of examples, and each folder in it: `policies.path` names one of them and does not
/// read the others.
fn policy_folders() -> Vec<PathBuf> {
    let all = config().join("policies");
    let entries = fs::read_dir(&all).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.push(all);
    folders.sort();
    folders
}

#[test]
fn every_example_policy_is_accepted_under_the_example_configuration() {
    let settings = Settings::load(&config().join("writeback.yaml")).unwrap();
    let folders = policy_folders();
    assert!(folders.contains(&settings.policies));
    assert_eq!(folders.len(), 3, "the examples and two ready folders");
    for folder in folders {
        let mut store = policy::PolicyStore::new(settings.directory.containers.clone());
        let report = store.load(&folder);
        assert_eq!(report.mistakes, [], "{}", folder.display());
        assert!(report.folder_error.is_none());
        let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let files = entries.filter(|path| path.is_file()).count();
        assert!(files > 0);
        assert_eq!(store.in_force().policies.len(), files, "a file of the folder was passed over");
        assert!(store.in_force().unparsed.is_empty());
    }
}

#[test]
fn no_yaml_of_the_configuration_is_left_untried() {
    let mut folders = policy_folders();
    folders.extend([config(), config().join("examples")]);
    let mut open = vec![config()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let yaml = path.extension().is_some_and(|end| end == "yaml" || end == "yml");
            assert!(!yaml || folders.contains(&folder), "{} is read by no test", path.display());
            if path.is_dir() {
                open.push(path);
            }
        }
    }
}

fn example(name: &str) -> policy::Parsed {
    let path = config().join("policies").join(name);
    policy::parse(name, &fs::read(path).unwrap(), None).unwrap()
}

#[test]
fn the_examples_mean_what_their_comments_say() {
    let observe = example("observe-everything.yaml");
    assert_eq!(observe.policy.mode, Mode::Observe);
    assert_eq!(observe.policy.selection.writeback_flag, FlagRule::Ignore);
    assert!(observe.policy.selection.include.is_none());
    assert_eq!(observe.warnings.len(), 1);
    let security = example("security-groups.yaml");
    assert_eq!(security.policy.selection.include.as_ref().map(Vec::len), Some(3));
    assert_eq!(security.warnings.len(), 2, "one for displayName, one for the expression");
    assert_eq!(security.policy.group.placement.rules.len(), 2);
    assert_eq!(security.policy.deletion.on_hard_deleted, Departure::Retain);
    let microsoft = example("microsoft365.yaml");
    assert_eq!(microsoft.policy.members.maximum_security, 50_000);
    assert!(microsoft.warnings.is_empty());
}

#[test]
fn the_example_of_the_guard_says_every_default() {
    let parsed = example("../examples/guard.yaml");
    assert_eq!(parsed.warnings, []);
    let guard = parsed.policy.guard;
    assert_eq!(guard.places.len(), GuardRules::WORDS.len(), "every limit is written down");
    let limits = GuardRules { place: None, places: BTreeMap::new(), ..guard };
    assert_eq!(limits, GuardRules::default());
    let [adoption] = parsed.policy.adoption.as_slice() else { panic!("one adoption") };
    assert!(adoption.incumbent_off);
}

#[test]
fn the_example_of_an_approval_is_one_beside_policies() {
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in
        [("policies/microsoft365.yaml", "a.yaml"), ("examples/approval.yaml", "b.yaml")]
    {
        fs::copy(config().join(from), folder.path().join(to)).unwrap();
    }
    let settings = Settings::load(&config().join("writeback.yaml")).unwrap();
    let mut store = policy::PolicyStore::new(settings.directory.containers);
    assert_eq!(store.load(folder.path()).mistakes, []);
    let set = store.in_force();
    assert_eq!((set.policies.len(), set.approvals.len()), (1, 1));
    assert!(set.unparsed.is_empty());
    let now = "2026-03-01T12:00:00Z".parse().unwrap();
    let valid = policy::validate(&[config().join("examples")], None, now);
    assert_eq!((valid.policies.len(), valid.approvals), (1, 1));
    assert_eq!((valid.mistakes, valid.warnings), (vec![], vec![]));
}

/// What both ready policies share: everything eligible, as the cloud asks, named by id.
fn ready(name: &str) -> Policy {
    let parsed = example(&format!("{name}/{name}.yaml"));
    assert_eq!(parsed.warnings, []);
    let policy = parsed.policy;
    assert_eq!(policy.name.as_str(), name);
    assert_eq!(policy.mode, Mode::Sync);
    assert!(policy.selection.include.is_none() && policy.selection.exclude.is_empty());
    assert_eq!(policy.group.group_type, GroupTypeRule::FromCloud);
    assert_eq!(policy.group.mail, MailRule::WhenPrepared);
    assert_eq!(policy.deletion.on_out_of_scope, Departure::Retain);
    assert_eq!(policy.deletion.on_hard_deleted, Departure::Delete);
    policy
}

#[test]
fn the_default_behaviour_deletes_nothing_before_it_is_gone_for_good() {
    let policy = ready("default-behaviour");
    assert_eq!(policy.selection.writeback_flag, FlagRule::Honour);
    assert_eq!(policy.deletion.on_disabled, Departure::Retain);
    assert_eq!(policy.deletion.on_soft_deleted, Departure::Retain);
    assert_eq!(policy.members.maximum_microsoft_365, 50_000);
    assert_eq!(policy.members.maximum_security, 250_000);
}

#[test]
fn only_configured_groups_are_written_and_each_end_deletes_them() {
    let policy = ready("only-configured");
    assert_eq!(policy.selection.writeback_flag, FlagRule::RequireTrue);
    assert_eq!(policy.deletion.on_disabled, Departure::Delete);
    assert_eq!(policy.deletion.on_soft_deleted, Departure::Delete);
    assert_eq!(policy.members.maximum_microsoft_365, 250_000);
    assert_eq!(policy.members.maximum_security, 250_000);
}

#[test]
fn what_the_cluster_is_given_first_is_accepted_and_only_looks() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kubernetes/base");
    let text = fs::read(base.join("instance/writeback.yaml")).unwrap();
    let settings = Settings::parse(Path::new("/etc/writeback/writeback.yaml"), &text).unwrap();
    let containers = &settings.directory.containers;
    let text = fs::read(base.join("policies/everything.yaml")).unwrap();
    let parsed = policy::parse("everything.yaml", &text, Some(containers)).unwrap();
    assert_eq!(parsed.policy.mode, Mode::Observe, "a first policy only looks");
    assert_eq!(settings.policies, Path::new("/etc/writeback/policies"));
    assert_eq!(settings.http.listen.port(), 9464);
}

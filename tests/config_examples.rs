//! Every example in `config/` is accepted as it is shipped.
//!
//! Input: the files of the repository. What is compared: what they mean after parsing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use writeback::model::policy::{FlagRule, Mode};
use writeback::policy;
use writeback::settings::{Credential, Settings};

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
    assert_eq!(settings.directory.bind_name, "CORP\\svc-writeback");
    assert!(matches!(settings.tenant.credential, Credential::ClientSecretFile(_)));
    assert_eq!(settings.schedule.interval, Duration::from_mins(15));
}

#[test]
fn every_example_policy_is_accepted_under_the_example_configuration() {
    let settings = Settings::load(&config().join("writeback.yaml")).unwrap();
    let mut store = policy::PolicyStore::new(settings.directory.containers.clone());
    let report = store.load(&settings.policies);
    assert_eq!(report.mistakes, []);
    assert!(report.folder_error.is_none());
    let files = fs::read_dir(&settings.policies).unwrap().count();
    assert_eq!(store.in_force().policies.len(), files, "a file of the folder was passed over");
    assert!(files >= 3);
    assert!(store.in_force().unparsed.is_empty());
}

#[test]
fn the_examples_mean_what_their_comments_say() {
    let folder = policy::read_folder(&config().join("policies")).unwrap();
    let parsed = |name: &str| {
        let file = folder.files.iter().find(|file| file.shown.ends_with(name)).unwrap();
        policy::parse(&file.shown, file.text.as_ref().unwrap(), None).unwrap()
    };
    let observe = parsed("observe-everything.yaml");
    assert_eq!(observe.policy.mode, Mode::Observe);
    assert_eq!(observe.policy.selection.writeback_flag, FlagRule::Ignore);
    assert!(observe.policy.selection.include.is_none());
    assert_eq!(observe.warnings.len(), 1);
    let security = parsed("security-groups.yaml");
    assert_eq!(security.policy.selection.include.as_ref().map(Vec::len), Some(2));
    assert_eq!(security.warnings.len(), 2, "one for each displayName");
    let microsoft = parsed("microsoft365.yaml");
    assert_eq!(microsoft.policy.members.maximum_security, 50_000);
    assert!(microsoft.warnings.is_empty());
}

#[test]
fn the_manifest_for_kubernetes_carries_a_configuration_and_a_policy_that_are_accepted() {
    use serde::Deserialize as _;
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kubernetes/writeback.yaml");
    let manifest = fs::read_to_string(manifest).unwrap();
    let documents: Vec<serde_yaml::Value> = serde_yaml::Deserializer::from_str(&manifest)
        .map(|document| serde_yaml::Value::deserialize(document).unwrap())
        .collect();
    let carried = |file: &str| {
        let mut found = documents.iter().filter_map(|document| document["data"][file].as_str());
        found.next().unwrap_or_else(|| panic!("no ConfigMap carries {file}"))
    };
    let text = carried("writeback.yaml").as_bytes();
    let settings = Settings::parse(Path::new("/etc/writeback/writeback.yaml"), text).unwrap();
    let containers = &settings.directory.containers;
    let text = carried("everything.yaml").as_bytes();
    let parsed = policy::parse("everything.yaml", text, Some(containers)).unwrap();
    assert_eq!(parsed.policy.mode, Mode::Observe, "a first policy only looks");
    assert_eq!(settings.policies, Path::new("/etc/writeback/policies"));
    assert_eq!(settings.http.listen.port(), 9464);
}

#[test]
fn the_readme_names_only_commands_and_options_that_exist() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let lines: Vec<&str> = readme
        .lines()
        .filter(|line| line.starts_with("writeback "))
        .map(|line| line.split('#').next().unwrap_or(line).trim())
        .collect();
    assert!(lines.len() >= 5, "the README shows the commands");
    for line in lines {
        let mut words: Vec<&str> = line.split_whitespace().skip(1).collect();
        words.push("--help");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_writeback"))
            .args(&words)
            .output()
            .unwrap();
        let help = String::from_utf8_lossy(&output.stdout);
        let command = words[0];
        assert!(
            output.status.success() && help.contains(&format!("writeback {command}")),
            "{line}"
        );
        for option in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(option), "{line}: {option}");
        }
    }
}

//! The policy folder under a running daemon: files, a ConfigMap volume, a git-sync link; swapped,
//! half-written, broken, taken away and given back.
//!
//! The interval is an hour here: a pass starts because the folder changed, or not at all. Kubernetes
//! swaps `..data` (kubernetes/pkg/volume/util/atomic_writer.go), git-sync the link to the work tree.

#![expect(clippy::float_cmp, reason = "metrics count whole things")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use crate::exposition::samples;
use crate::product::{Daemon, get};
use crate::stage::{CONTAINER, EVERYTHING, Stage, until};
use serde_json::Value;
use tokio::time::Instant;
use writeback::sim::domain::OperationKind;

/// What the policies of a story select, one more group each time.
const GENERATIONS: [&str; 4] = [
    "^Finance$",
    "^(Finance|Engineering)$",
    "^(Finance|Engineering|Board)$",
    "^(Finance|Engineering|Board|VPN Users)$",
];

/// The text of a policy that selects by this pattern.
fn policy(pattern: &str) -> String {
    let selection =
        format!("  mode: Sync\n  selection: {{ include: [{{ displayName: '{pattern}' }}] }}");
    let spec = EVERYTHING.replacen("  mode: Sync", &selection, 1);
    format!(
        "apiVersion: writeback/v1alpha1\nkind: WritebackPolicy\nmetadata: {{ name: everything }}\n\
         spec:\n{spec}\n"
    )
}

/// A stage whose policy folder is `at` and was filled by `fill`, and its daemon after one pass.
fn start(at: &str, fill: impl FnOnce(&Path)) -> (Stage, Daemon) {
    let stage = Stage::small();
    fs::remove_dir_all(stage.product.path().join("policies")).unwrap();
    stage.product.reconfigure("interval: 1s", "interval: 1h");
    stage
        .product
        .reconfigure("policies: { path: policies }", &format!("policies: {{ path: {at} }}"));
    fill(stage.product.path());
    let mut daemon = stage.product.daemon();
    daemon.passed(1);
    (stage, daemon)
}

fn names(stage: &Stage) -> Vec<String> {
    let mut names: Vec<_> = stage.held().into_values().map(|(name, _)| name).collect();
    names.sort();
    names
}

/// Holds that a swap is seen: one more group is written.
#[track_caller]
fn is_seen(stage: &Stage, count: usize) {
    until(&format!("{count} groups"), || stage.owned().len() == count);
    assert_eq!(stage.removals(), (0, 0));
}

/// Holds that a swap is seen because an event told it: the poll beside the events, which comes
/// after half a minute, is not needed.
#[track_caller]
fn is_heard(stage: &Stage, daemon: &Daemon, count: usize) {
    is_seen(stage, count);
    assert_eq!(metric(daemon, "writeback_reload_missed_total"), 0.0, "generation {count}");
}

fn metric(daemon: &Daemon, series: &str) -> f64 {
    samples(&get(&daemon.metrics, "/metrics").1)[series]
}

fn mistakes(daemon: &Daemon) -> Vec<String> {
    let status = daemon.status();
    let all = status["folder"]["mistakes"].as_array().unwrap();
    all.iter().map(|mistake| mistake.as_str().unwrap().to_owned()).collect()
}

fn condition(daemon: &Daemon, kind: &str) -> Value {
    let status = daemon.status();
    let all = status["policies"]["everything"]["conditions"].as_array();
    let all = all.unwrap_or_else(|| panic!("{status:#}"));
    all.iter().find(|condition| condition["type"] == kind).unwrap().clone()
}

/// Puts a file in its place in one step, as editors and careful scripts do.
fn put(folder: &Path, name: &str, text: &str) {
    let aside = folder.join(format!(".{name}.new"));
    fs::write(&aside, text).unwrap();
    fs::rename(aside, folder.join(name)).unwrap();
}

#[test]
fn three_replacements_of_a_plain_file_are_each_seen() {
    let (stage, daemon) = start("policies", |base| {
        fs::create_dir(base.join("policies")).unwrap();
        put(&base.join("policies"), "everything.yaml", &policy(GENERATIONS[0]));
    });
    is_heard(&stage, &daemon, 1);
    for (number, pattern) in GENERATIONS.iter().enumerate().skip(1) {
        put(&stage.product.path().join("policies"), "everything.yaml", &policy(pattern));
        is_heard(&stage, &daemon, number + 1);
    }
    assert_eq!(names(&stage), ["Board", "Engineering", "Finance", "VPN Users"]);
}

#[test]
fn three_files_written_in_place_are_each_seen() {
    let (stage, daemon) = start("policies", |base| {
        fs::create_dir(base.join("policies")).unwrap();
        fs::write(base.join("policies/everything.yaml"), policy(GENERATIONS[0])).unwrap();
    });
    for (number, pattern) in GENERATIONS.iter().enumerate().skip(1) {
        let file = stage.product.path().join("policies/everything.yaml");
        fs::write(file, policy(pattern)).unwrap();
        is_heard(&stage, &daemon, number + 1);
    }
}

/// Publishes a version of a ConfigMap volume: a new folder, a new link beside `..data`, one rename.
fn publish_config_map(mount: &Path, version: usize, text: &str) {
    let folder = format!("..2026_11_22_10_00_{version:02}.123456");
    fs::create_dir_all(mount.join(&folder)).unwrap();
    fs::write(mount.join(&folder).join("everything.yaml"), text).unwrap();
    let old = fs::read_link(mount.join("..data")).ok();
    symlink(&folder, mount.join("..data_tmp")).unwrap();
    fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    if !mount.join("everything.yaml").exists() {
        symlink("..data/everything.yaml", mount.join("everything.yaml")).unwrap();
    }
    if let Some(old) = old {
        fs::remove_dir_all(mount.join(old)).unwrap();
    }
}

#[test]
fn three_swaps_of_a_config_map_are_each_seen() {
    let (stage, daemon) = start("mount", |base| {
        publish_config_map(&base.join("mount"), 0, &policy(GENERATIONS[0]));
    });
    for (number, pattern) in GENERATIONS.iter().enumerate().skip(1) {
        publish_config_map(&stage.product.path().join("mount"), number, &policy(pattern));
        is_heard(&stage, &daemon, number + 1);
    }
    assert!(mistakes(&daemon).is_empty(), "{:?}", mistakes(&daemon));
}

/// Publishes a commit as git-sync does: a work tree named by its hash, one link that is renamed
/// over the old one; the tree before the last goes.
fn publish_commit(root: &Path, version: usize, text: &str) {
    let tree = format!(".worktrees/{version:040x}");
    fs::create_dir_all(root.join(&tree).join("policies")).unwrap();
    fs::write(root.join(&tree).join("policies/everything.yaml"), text).unwrap();
    let old = fs::read_link(root.join("current")).ok();
    symlink(&tree, root.join("tmp-link")).unwrap();
    fs::rename(root.join("tmp-link"), root.join("current")).unwrap();
    if let Some(old) = old {
        fs::remove_dir_all(root.join(old)).unwrap();
    }
}

#[test]
fn three_swaps_of_a_git_sync_link_to_the_folder_are_each_seen() {
    let (stage, daemon) = start("git/policies-link", |base| {
        fs::create_dir(base.join("git")).unwrap();
        publish_commit(&base.join("git"), 0, &policy(GENERATIONS[0]));
        symlink("current/policies", base.join("git/policies-link")).unwrap();
    });
    for (number, pattern) in GENERATIONS.iter().enumerate().skip(1) {
        publish_commit(&stage.product.path().join("git"), number, &policy(pattern));
        is_heard(&stage, &daemon, number + 1);
    }
    assert!(mistakes(&daemon).is_empty(), "{:?}", mistakes(&daemon));
}

#[test]
fn three_swaps_of_a_git_sync_link_above_the_folder_are_each_seen() {
    // The link is in the path: the folder's parent is the work tree, which goes with the swap.
    let (stage, daemon) = start("git/current/policies", |base| {
        fs::create_dir(base.join("git")).unwrap();
        publish_commit(&base.join("git"), 0, &policy(GENERATIONS[0]));
    });
    for (number, pattern) in GENERATIONS.iter().enumerate().skip(1) {
        publish_commit(&stage.product.path().join("git"), number, &policy(pattern));
        is_seen(&stage, number + 1);
    }
    assert!(mistakes(&daemon).is_empty(), "{:?}", mistakes(&daemon));
}

#[test]
fn a_folder_that_rests_is_left_alone() {
    let (stage, daemon) = start("policies", |base| {
        fs::create_dir(base.join("policies")).unwrap();
        fs::write(base.join("policies/everything.yaml"), policy(GENERATIONS[0])).unwrap();
    });
    // What it has used of the processor, in ticks of a hundredth of a second.
    let used = || -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/stat", daemon.id())).unwrap();
        let fields: Vec<_> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    // Somebody else reads the folder again and again, and touches what is no policy.
    let looks = || metric(&daemon, "writeback_reload_trigger_total{via=\"event\"}");
    let (before, looked) = (used(), looks());
    let passes = daemon.status()["lastPass"]["number"].clone();
    let begun = Instant::now();
    until("a while has passed", || {
        let folder = stage.product.path().join("policies");
        for file in fs::read_dir(&folder).unwrap() {
            fs::read(file.unwrap().path()).unwrap();
        }
        begun.elapsed() > Duration::from_secs(5)
    });
    assert_eq!(looks(), looked, "nothing was written");
    // One that never rests uses five seconds, of one that rests the slowest machine knows little.
    assert!(used() - before < 100, "{} ticks in five idle seconds", used() - before);
    assert_eq!(daemon.status()["lastPass"]["number"], passes);
}

#[test]
fn a_half_written_or_broken_file_keeps_the_last_good_version() {
    let (stage, daemon) = start("policies", |base| {
        fs::create_dir(base.join("policies")).unwrap();
        fs::write(base.join("policies/everything.yaml"), policy(GENERATIONS[1])).unwrap();
    });
    is_heard(&stage, &daemon, 2);
    let folder = stage.product.path().join("policies");
    let whole = policy(GENERATIONS[2]);
    let before = stage.portraits();
    let cut = whole.find("container").unwrap();
    let misspelt = whole.replace("mode: Sync", "mode: Snyc");
    let broken = [&whole[..cut], "", &misspelt, "\u{0}\u{1}", "- a\n- b\n"];
    // Another value each time: one that is put back again and again is contested.
    let values = ["displayName", "description", "adminDescription", "member", "sAMAccountName"];
    for (broken, value) in broken.into_iter().zip(values) {
        // A drift shows that the last good version goes on with repairs, and only with them.
        let finance = stage.dn("Finance");
        let ada = stage.account_dn("Ada Lovelace");
        stage.domain.edit(|tree| match value {
            "member" => tree.remove_member(&finance, &ada).unwrap(),
            text => tree.set(&finance, text, &["By hand"]).unwrap(),
        });
        fs::write(folder.join("everything.yaml"), broken).unwrap();
        until("the mistake shows", || {
            mistakes(&daemon).iter().any(|mistake| mistake.contains("everything.yaml:"))
        });
        until("the drift is repaired", || stage.portraits() == before);
        let (code, text) = get(&daemon.metrics, "/readyz");
        assert_eq!(code, 503, "{broken:?}");
        assert!(text.contains("everything.yaml:"), "{text}");
        until("the condition tells it", || {
            condition(&daemon, "Stalled")["reason"] == "PolicyInvalid"
        });
        assert_eq!(condition(&daemon, "Stalled")["status"], true);
        assert_eq!(condition(&daemon, "Ready")["status"], false);
    }
    assert_eq!(stage.removals(), (0, 0));
    assert_eq!(stage.owned().len(), 2);
    fs::write(folder.join("everything.yaml"), &whole).unwrap();
    is_heard(&stage, &daemon, 3);
    until("it is ready again", || get(&daemon.metrics, "/readyz").0 == 200);
    until("the condition is over", || condition(&daemon, "Stalled")["status"] == false);
    assert!(mistakes(&daemon).is_empty());
}

#[test]
fn a_broken_policy_creates_nothing_and_removes_nothing_until_it_is_fixed() {
    let (stage, daemon) = start("policies", |base| {
        fs::create_dir(base.join("policies")).unwrap();
        fs::write(base.join("policies/everything.yaml"), policy(".*")).unwrap();
    });
    is_heard(&stage, &daemon, 8);
    let file = stage.product.path().join("policies/everything.yaml");
    let board = stage.id("Board");
    stage.cloud(|cloud| cloud.hard_delete_group(board));
    let id = uuid::Uuid::from_u128(0xbead);
    let new = writeback::sim::world::WorldGroup::new(
        id,
        "New",
        "new",
        writeback::sim::world::GroupKind::Microsoft365,
    );
    stage.tenant.edit(|cloud| cloud.create_group(new));
    stage.domain.clear_operations();
    // Each text is another generation, and so another pass.
    for number in 0..3 {
        let before = daemon.status()["lastPass"]["number"].as_u64().unwrap();
        fs::write(&file, format!("nonsense: {number}\n")).unwrap();
        until("a pass under the last good version", || {
            daemon.status()["lastPass"]["number"].as_u64().unwrap() > before
        });
    }
    let kinds: Vec<_> = stage.writes().into_iter().map(|write| write.kind).collect();
    let forbidden =
        |kind: &OperationKind| matches!(kind, OperationKind::Add | OperationKind::Delete);
    assert!(!kinds.iter().any(forbidden), "{kinds:?}");
    assert_eq!(stage.owned().len(), 8);
    fs::write(&file, policy(".*")).unwrap();
    until("the new group is made", || names(&stage).contains(&"New".to_owned()));
}

#[test]
fn a_policy_that_is_removed_removes_no_group() {
    let (stage, daemon) = start("policies", |base| {
        fs::create_dir(base.join("policies")).unwrap();
        fs::write(base.join("policies/everything.yaml"), policy(GENERATIONS[1])).unwrap();
        let other = policy("^Board$").replace("name: everything", "name: other");
        fs::write(base.join("policies/other.yaml"), other).unwrap();
    });
    is_heard(&stage, &daemon, 3);
    let before = stage.portraits();
    fs::remove_file(stage.product.path().join("policies/everything.yaml")).unwrap();
    until("its groups are orphans", || {
        let status = daemon.status();
        let findings = status["plan"]["findings"].as_array().cloned().unwrap_or_default();
        findings.iter().filter(|finding| finding["code"] == "Orphaned").count() == 2
    });
    assert_eq!(stage.portraits(), before);
    assert_eq!(stage.removals(), (0, 0));
    put(&stage.product.path().join("policies"), "everything.yaml", &policy(GENERATIONS[1]));
    until("it has them again", || daemon.status()["policies"]["everything"]["groups"] == 2);
    assert_eq!(stage.portraits(), before);
}

#[test]
fn a_folder_that_is_gone_or_empty_is_unknown_and_never_means_nothing() {
    let (stage, daemon) = start("policies", |base| {
        fs::create_dir(base.join("policies")).unwrap();
        fs::write(base.join("policies/everything.yaml"), policy(GENERATIONS[1])).unwrap();
    });
    is_heard(&stage, &daemon, 2);
    let before = stage.portraits();
    let folder = stage.product.path().join("policies");
    let aside = stage.product.path().join("aside");
    for kind in ["gone", "empty"] {
        fs::rename(&folder, &aside).unwrap();
        if kind == "empty" {
            fs::create_dir(&folder).unwrap();
        }
        // It may be found gone first, and empty after that.
        until("it is unready for what the status tells", || {
            let (code, text) = get(&daemon.metrics, "/readyz");
            let told = mistakes(&daemon).iter().any(|mistake| text.contains(mistake));
            code == 503 && text.contains("policies:1:1: ") && told
        });
        assert_eq!(daemon.status()["folder"]["generation"], Value::Null, "{kind}");
        if kind == "empty" {
            fs::remove_dir(&folder).unwrap();
        }
        fs::rename(&aside, &folder).unwrap();
        until("it is ready again", || get(&daemon.metrics, "/readyz").0 == 200);
        assert_eq!(stage.portraits(), before, "{kind}");
        assert_eq!(stage.removals(), (0, 0), "{kind}");
    }
    assert_eq!(stage.portraits(), before);
    // It is not deaf afterwards.
    put(&stage.product.path().join("policies"), "everything.yaml", &policy(GENERATIONS[2]));
    is_heard(&stage, &daemon, 3);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
}

#[test]
fn passes_go_on_under_the_last_policies_while_the_folder_is_gone() {
    let stage = Stage::written();
    let mut daemon = stage.product.daemon();
    daemon.passes(1);
    let base = stage.product.path();
    fs::rename(base.join("policies"), base.join("gone")).unwrap();
    until("it is unready", || get(&daemon.metrics, "/readyz").0 == 503);
    // What it says of that is said when the pass that found it has ended.
    daemon.passes(1);
    stage.domain.clear_operations();
    let before = stage.portraits();
    let said = daemon.log().lines().count();
    daemon.passes(3);
    assert_eq!(daemon.log().lines().count(), said, "it is told once: {}", daemon.log());
    assert_eq!(stage.portraits(), before);
    assert_eq!(stage.owned().len(), 8);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    fs::rename(base.join("gone"), base.join("policies")).unwrap();
    until("it is ready again", || get(&daemon.metrics, "/readyz").0 == 200);
    stage.put_in("Board", &["Ada Lovelace"]);
    until("it goes on", || stage.held() == stage.wanted());
}

#[test]
fn a_daemon_that_starts_without_a_folder_waits_for_one() {
    let stage = Stage::small();
    let base = stage.product.path();
    fs::rename(base.join("policies"), base.join("gone")).unwrap();
    let daemon = stage.product.daemon();
    until("it is unready", || {
        let (code, text) = get(&daemon.metrics, "/readyz");
        code == 503 && text.contains("policies")
    });
    assert_eq!(get(&daemon.metrics, "/livez").0, 200);
    assert!(stage.writes().is_empty());
    fs::rename(base.join("gone"), base.join("policies")).unwrap();
    until("it has begun", || stage.held() == stage.wanted());
    assert!(stage.owned().iter().all(|entry| entry.dn.ends_with(CONTAINER)));
}

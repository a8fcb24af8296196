//! Wrong policies with the words that set them right, and what stays in force when one is.

use std::fs;
use std::os::unix::fs::symlink;

use crate::model::Dn;
use crate::model::policy::{
    FlagRule, GroupTypeRule, HiddenMembership, Membership, Mode, NamePreset, OnHardDeleted,
    SelectableType, Upkeep,
};

use super::*;

const GOOD: &str = "\
apiVersion: writeback/v1alpha1
kind: WritebackPolicy
metadata: { name: finance }
spec:
  mode: Sync
  group:
    container: { value: 'OU=Cloud Groups,DC=corp,DC=example' }
";

fn containers() -> Containers {
    Containers::new(vec![Dn::parse("OU=Cloud Groups,DC=corp,DC=example").unwrap()])
}

fn lines(mistakes: &[ConfigMistake]) -> Vec<String> {
    mistakes.iter().map(ToString::to_string).collect()
}

fn parsed(text: &str) -> Parsed {
    parse("p.yaml", text.as_bytes(), Some(&containers())).unwrap()
}

fn refused(text: &str, expected: &[&str]) {
    let found = parse("p.yaml", text.as_bytes(), Some(&containers())).unwrap_err();
    let expected = expected.iter().map(|line| format!("p.yaml:{line}")).collect::<Vec<_>>();
    assert_eq!(lines(&found), expected, "{text}");
}

/// The good policy with further lines of `spec`.
fn spec(more: &str) -> String {
    format!("{GOOD}{more}\n")
}

#[test]
fn the_shortest_policy_has_every_default() {
    let Parsed { policy, warnings } = parsed(GOOD);
    assert_eq!(policy.name.as_str(), "finance");
    assert_eq!((policy.mode, policy.suspend, policy.precedence), (Mode::Sync, false, 100));
    assert_eq!(policy.selection.writeback_flag, FlagRule::Honour);
    assert_eq!(policy.selection.hidden_membership, HiddenMembership::Skip);
    assert!(policy.selection.include.is_none() && policy.selection.exclude.is_empty());
    assert_eq!(policy.group.group_type, GroupTypeRule::FromCloud);
    assert_eq!(policy.group.container_mode, Upkeep::CreateOnly);
    assert_eq!(policy.group.common_name.preset, NamePreset::GroupId);
    assert_eq!(policy.group.common_name.mode, Upkeep::Always);
    assert_eq!(policy.group.sam_account_name.mode, Upkeep::CreateOnly);
    assert_eq!(policy.members.maximum_microsoft_365, 50_000);
    assert_eq!(policy.members.maximum_security, 250_000);
    assert_eq!(policy.on_hard_deleted, OnHardDeleted::Delete);
    assert_eq!(policy.generation, Digest::of(GOOD.as_bytes()));
    assert_eq!(policy.group_place.to_string(), "p.yaml:6:3");
    assert_eq!(policy.selection_place, policy.place);
    assert_eq!(policy.place.to_string(), "p.yaml:1:1");
    assert!(warnings.is_empty());
}

#[test]
fn every_field_that_is_built_is_read() {
    let text = "\
apiVersion: writeback/v1alpha1
kind: WritebackPolicy
metadata: { name: a-1 }
spec:
  mode: UpsertOnly
  suspend: true
  precedence: 0
  selection:
    writebackFlag: RequireTrue
    hiddenMembership: Write
    roleAssignable: Skip
    include:
      - types: [Microsoft365, Security]
        membership: [Dynamic]
        ids: [01234567-89AB-cdef-0123-456789abcdef]
        displayName: '^APP-'
    exclude:
      - membership: [Assigned]
  group:
    type: UniversalSecurity
    container: { value: 'OU=x,OU=Cloud Groups,DC=corp,DC=example', mode: Always }
    commonName: { preset: DisplayNameAndId, mode: CreateOnly }
    samAccountName: { preset: DisplayNameAndId, mode: Always }
    mail: Never
  members: { mode: Mirror, nested: Keep, devices: Skip, maximum: 250000 }
  deletion:
    onDisabled: Retain
    onOutOfScope: Retain
    onSoftDeleted: Retain
    onHardDeleted: Retain
    grace: 0s
";
    let Parsed { policy, warnings } = parsed(text);
    assert_eq!((policy.mode, policy.suspend, policy.precedence), (Mode::UpsertOnly, true, 0));
    assert_eq!(policy.selection.writeback_flag, FlagRule::RequireTrue);
    assert_eq!(policy.selection.hidden_membership, HiddenMembership::Write);
    let include = policy.selection.include.as_ref().unwrap();
    let matcher = include.first().unwrap();
    assert_eq!(matcher.place.to_string(), "p.yaml:13:9");
    let types = [SelectableType::Microsoft365, SelectableType::Security];
    assert!(matcher.types.as_ref().unwrap().iter().eq(&types));
    assert!(matcher.membership.as_ref().unwrap().iter().eq(&[Membership::Dynamic]));
    assert_eq!(matcher.ids.as_ref().unwrap().len(), 1);
    assert!(matcher.display_name.as_ref().unwrap().is_match("APP-1"));
    assert_eq!(policy.selection.exclude.len(), 1);
    assert_eq!(policy.selection_place.to_string(), "p.yaml:8:3");
    assert_eq!(policy.group.group_type, GroupTypeRule::UniversalSecurity);
    assert_eq!(policy.group.container_mode, Upkeep::Always);
    assert_eq!(policy.group.common_name.preset, NamePreset::DisplayNameAndId);
    assert_eq!(policy.group.common_name.mode, Upkeep::CreateOnly);
    assert_eq!(policy.group.sam_account_name.mode, Upkeep::Always);
    assert_eq!(policy.members.maximum_microsoft_365, 250_000);
    assert_eq!(policy.on_hard_deleted, OnHardDeleted::Retain);
    assert_eq!(
        lines(&warnings),
        ["p.yaml:16:22: `displayName` decides which groups are written, and every owner of a \
         group can change its name; use ids where that matters"]
    );
}

const WRONG_FIELDS: &[(&str, &str)] = &[
    ("  suspend: yes", "8:12: `spec.suspend` is `yes`, not true or false; write true or false"),
    ("  precedence: -1", "8:15: `spec.precedence` is -1, out of range; use 0 to 1000000"),
    ("  precedence: 1000001", "8:15: `spec.precedence` is 1000001, out of range; use 0 to 1000000"),
    (
        "  precedence: low",
        "8:15: `spec.precedence` is `low`, not a whole number; write digits without quotes",
    ),
    ("  slection: {}", "8:3: `spec.slection` is not a known field; did you mean `selection`?"),
    ("  selection:", "8:3: `spec.selection` has no value; give it one, or leave it out"),
    (
        "  selection: { writebackFlag: HonourTenantDefault }",
        "8:31: `spec.selection.writebackFlag` `HonourTenantDefault` is not supported yet; \
          the values are Honour, RequireTrue, Ignore",
    ),
    (
        "  selection: { writebackFlag: Honor }",
        "8:31: `spec.selection.writebackFlag` is `Honor`, which is none of its values; \
          did you mean `Honour`? the values are Honour, RequireTrue, Ignore",
    ),
    (
        "  selection: { roleAssignable: Include }",
        "8:32: `spec.selection.roleAssignable` `Include` is not supported yet; \
          the one value is Skip",
    ),
    (
        "  selection: { hiddenMembership: Include }",
        "8:34: `spec.selection.hiddenMembership` is `Include`, which is none of its values; \
          the values are Skip, Write",
    ),
    (
        "  selection: { include: [] }",
        "8:25: `spec.selection.include` is an empty list; \
          leave `include` out to take everything eligible, or write an entry",
    ),
    (
        "  selection: { include: }",
        "8:16: `spec.selection.include` has no value; give it one, or leave it out",
    ),
    (
        "  selection: { include: [{}] }",
        "8:26: `spec.selection.include[0]` has no condition and would match every group; \
          write one of types, membership, ids, displayName, or remove the entry",
    ),
    (
        "  selection: { exclude: [{}] }",
        "8:26: `spec.selection.exclude[0]` has no condition and would match every group; \
          write one of types, membership, ids, displayName, or remove the entry",
    ),
    (
        "  selection: { include: [{ types: [] }] }",
        "8:35: `spec.selection.include[0].types` is an empty list; \
          leave it out to match any, or write a value",
    ),
    (
        "  selection: { include: [{ types: [Securty] }] }",
        "8:36: `spec.selection.include[0].types[0]` is `Securty`, which is none of its values; \
          did you mean `Security`? the values are Microsoft365, Security",
    ),
    (
        "  selection: { include: [{ types: Security }] }",
        "8:35: `spec.selection.include[0].types` is not a list; \
          write it as `[a, b]` or one `- ` a line",
    ),
    (
        "  selection: { include: [{ membership: [Assigned, Assigned] }] }",
        "8:51: `spec.selection.include[0].membership[1]` is given twice; keep one of the two",
    ),
    (
        "  selection: { include: [{ ids: [finance] }] }",
        "8:34: `spec.selection.include[0].ids[0]` is `finance`, not an object id; \
          copy the object id of the group: 11111111-2222-3333-4444-555555555555",
    ),
    (
        "  selection: { include: [{ displayName: '(APP' }] }",
        "8:41: `spec.selection.include[0].displayName` is `(APP`, not a pattern: \
          unclosed group at character 1; \
          mend it; docs.rs/regex/1/regex/#syntax lists what is known",
    ),
    (
        "  selection: { include: [{ displayName: 'a{1000}{1000}' }] }",
        "8:41: `spec.selection.include[0].displayName` is `a{1000}{1000}`, not a pattern: \
          the pattern becomes too large; \
          mend it; docs.rs/regex/1/regex/#syntax lists what is known",
    ),
    (
        "  selection: { include: [{ displayName: '' }] }",
        "8:41: `spec.selection.include[0].displayName` is empty; \
          write a value, or leave the field out where it has a default",
    ),
    (
        "  selection: { include: [{ memberOf: x }] }",
        "8:28: `spec.selection.include[0].memberOf` is not supported yet; \
          use types, membership, ids or displayName",
    ),
    (
        "  selection: { exclude: [{ expression: 'true' }] }",
        "8:28: `spec.selection.exclude[0].expression` is not supported yet; \
          use types, membership, ids or displayName",
    ),
    (
        "    type: UniversalMailEnabledSecurity",
        "8:11: `spec.group.type` `UniversalMailEnabledSecurity` is not supported yet; \
          the values are FromCloud, UniversalDistribution, UniversalSecurity",
    ),
    (
        "    mail: WhenPrepared",
        "8:11: `spec.group.mail` `WhenPrepared` is not supported yet; the one value is Never",
    ),
    (
        "    attributes: []",
        "8:5: `spec.group.attributes` is not supported yet; leave the field out",
    ),
    (
        "    commonName: { expression: group.mailNickname }",
        "8:19: `spec.group.commonName.expression` is not supported yet; use a `preset`",
    ),
    (
        "    samAccountName: { preset: DisplayName }",
        "8:31: `spec.group.samAccountName.preset` is `DisplayName`, which is none of its \
          values; did you mean `DisplayNameAndId`? the values are GroupId, DisplayNameAndId",
    ),
    (
        "  members: { mode: AddOnly }",
        "8:20: `spec.members.mode` `AddOnly` is not supported yet; the one value is Mirror",
    ),
    (
        "  members: { nested: Flatten }",
        "8:22: `spec.members.nested` `Flatten` is not supported yet; the one value is Keep",
    ),
    (
        "  members: { devices: Include }",
        "8:23: `spec.members.devices` `Include` is not supported yet; the one value is Skip",
    ),
    (
        "  members: { keep: [] }",
        "8:14: `spec.members.keep` is not supported yet; leave the field out",
    ),
    (
        "  members: { maximum: 0 }",
        "8:23: `spec.members.maximum` is 0, out of range; use 1 to 250000",
    ),
    (
        "  members: { maximum: 250001 }",
        "8:23: `spec.members.maximum` is 250001, out of range; use 1 to 250000",
    ),
    (
        "  deletion: { onDisabled: Delete }",
        "8:27: `spec.deletion.onDisabled` `Delete` is not supported yet; \
          the one value is Retain",
    ),
    (
        "  deletion: { onHardDeleted: Quarantine }",
        "8:30: `spec.deletion.onHardDeleted` `Quarantine` is not supported yet; \
          the values are Retain, Delete",
    ),
    (
        "  deletion: { grace: 1d }",
        "8:22: `spec.deletion.grace` other than 0s is not supported yet; \
          write 0s, or leave the field out",
    ),
    (
        "  deletion: { quarantineContainer: 'OU=Q,DC=x' }",
        "8:15: `spec.deletion.quarantineContainer` is not supported yet; leave the field out",
    ),
    ("  adoption: []", "8:3: `spec.adoption` is not supported yet; leave the field out"),
    (
        "  guard: {}",
        "8:3: `spec.guard` is not supported yet; \
          leave the field out: the guards stand at their defaults",
    ),
    ("  mode: Observe", "8:3: `mode` is given twice, first on line 5; keep one of the two"),
    (
        "status: {}",
        "8:1: `status` is not a known field; \
          the fields here are apiVersion, kind, metadata, spec",
    ),
];

#[test]
fn each_wrong_policy_is_refused_at_its_place() {
    for (more, line) in WRONG_FIELDS {
        refused(&spec(more), &[line]);
    }
}

const WRONG_PARTS: &[(&str, &str, &str)] = &[
    (
        "OU=Cloud Groups,",
        "",
        "7:25: `spec.group.container.value` is `DC=corp,DC=example`, outside the containers of \
          the configuration; use a place inside `directory.containers`, or add it there",
    ),
    (
        "OU=Cloud Groups,DC",
        "OU=Cloud+Groups,DC",
        "7:25: `spec.group.container.value` is not a distinguished name: \
          `OU=Cloud+Groups` has a `+` that must be written `\\+`; \
          write a full name: 'OU=Cloud Groups,DC=corp,DC=example'",
    ),
    (
        "value: 'OU=Cloud Groups,DC=corp,DC=example'",
        "rules: []",
        "7:18: `spec.group.container.rules` is not supported yet; name one place with `value`",
    ),
    (
        "value: 'OU=Cloud Groups,DC=corp,DC=example'",
        "",
        "7:16: `spec.group.container.value` is missing; add the field `value`",
    ),
    (
        "mode: Sync",
        "mode: Synk",
        "5:9: `spec.mode` is `Synk`, which is none of its values; \
          did you mean `Sync`? the values are Observe, CreateOnly, UpsertOnly, Sync",
    ),
    ("  mode: Sync\n", "", "5:3: `spec.mode` is missing; add the field `mode`"),
    (
        "name: finance",
        "name: 2026",
        "3:19: `metadata.name` is `2026` without quotes, which is read as a number or a truth \
          value; write it in quotes: '2026'",
    ),
    (
        "name: finance",
        "name: Finance",
        "3:19: `metadata.name` is `Finance`, not a name; \
          use 1 to 50 characters of a-z, 0-9 and -",
    ),
    (
        "name: finance",
        "name: \"fin\\u202Eance\"",
        "3:19: `metadata.name` is `fin\\u{202e}ance`, not a name; \
          use 1 to 50 characters of a-z, 0-9 and -",
    ),
    (
        "WritebackPolicy",
        "Approval",
        "2:7: `kind` `Approval` is not supported yet; the one value is WritebackPolicy",
    ),
    (
        "WritebackPolicy",
        "DaemonConfiguration",
        "2:7: `kind` is `DaemonConfiguration`, which is none of its values; \
          the one value is WritebackPolicy",
    ),
];

#[test]
fn each_wrong_container_or_name_is_refused_at_its_place() {
    for (old, new, line) in WRONG_PARTS {
        assert!(GOOD.contains(old), "{old}");
        refused(&GOOD.replacen(old, new, 1), &[line]);
    }
    let long = GOOD.replacen("finance", &"x".repeat(51), 1);
    assert!(parse("p.yaml", long.as_bytes(), None).is_err());
}

#[test]
fn all_mistakes_of_a_policy_come_at_once() {
    refused(
        "apiVersion: writeback/v1alpha1\nkind: WritebackPolicy\nmetadata: { nam: x }\nspec:\n  \
         suspend: on\n  members: { maximum: many }\n",
        &[
            "3:11: `metadata.name` is missing; add the field `name`",
            "3:13: `metadata.nam` is not a known field; did you mean `name`?",
            "5:3: `spec.group` is missing; add the field `group`",
            "5:3: `spec.mode` is missing; add the field `mode`",
            "5:12: `spec.suspend` is `on`, not true or false; write true or false",
            "6:23: `spec.members.maximum` is `many`, not a whole number; \
             write digits without quotes",
        ],
    );
}

#[test]
fn a_selection_of_everything_is_warned_about() {
    let Parsed { warnings, .. } = parsed(&spec("  selection: { writebackFlag: Ignore }"));
    assert_eq!(
        lines(&warnings),
        ["p.yaml:8:3: `spec.selection` takes every eligible group of the tenant, whatever its \
         flag says; add `include`, or keep the flag with `writebackFlag: Honour`"]
    );
}

#[test]
fn without_a_configuration_the_container_is_not_compared() {
    let text = GOOD.replace("OU=Cloud Groups", "OU=Elsewhere");
    assert!(parse("p.yaml", text.as_bytes(), None).is_ok());
}

/// A folder of policies, each file with the name of its policy or its whole text.
struct Ground {
    folder: tempfile::TempDir,
    store: PolicyStore,
}

impl Ground {
    fn new(files: &[(&str, &str)]) -> Self {
        let ground =
            Self { folder: tempfile::tempdir().unwrap(), store: PolicyStore::new(containers()) };
        for (file, text) in files {
            ground.write(file, text);
        }
        ground
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.folder.path().join(file), text).unwrap();
    }

    fn remove(&self, file: &str) {
        fs::remove_file(self.folder.path().join(file)).unwrap();
    }

    fn load(&mut self) -> LoadReport {
        self.store.load(self.folder.path())
    }

    /// Names in force; last good versions with a star, then unparsed files.
    fn in_force(&self) -> String {
        let set = self.store.in_force();
        let star = |last_good| if last_good { "*" } else { "" };
        let policies =
            set.policies.iter().map(|s| format!("{}{}", s.policy.name, star(s.last_good)));
        let unparsed = set
            .unparsed
            .iter()
            .map(|file| format!("!{}", Path::new(file).file_name().unwrap().to_string_lossy()));
        policies.chain(unparsed).collect::<Vec<_>>().join(" ")
    }
}

fn named(name: &str) -> String {
    GOOD.replace("finance", name)
}

#[test]
fn files_directly_in_the_folder_are_read_and_nothing_else() {
    let mut ground = Ground::new(&[
        ("a.yaml", &named("a")),
        ("b.yml", &named("b")),
        (".hidden.yaml", "nonsense: ["),
        ("..data.yaml", "nonsense: ["),
        ("notes.txt", "nonsense: ["),
        ("c.yaml.bak", "nonsense: ["),
    ]);
    fs::create_dir(ground.folder.path().join("sub.yaml")).unwrap();
    fs::write(ground.folder.path().join("sub.yaml/d.yaml"), named("d")).unwrap();
    let report = ground.load();
    assert!(report.mistakes.is_empty() && report.changed);
    assert_eq!(ground.in_force(), "a b");
    assert!(!ground.load().changed);
}

#[test]
fn a_file_that_no_longer_parses_keeps_its_last_good_version() {
    let mut ground = Ground::new(&[("a.yaml", &named("a")), ("b.yaml", &named("b"))]);
    ground.load();
    ground.write("a.yaml", &named("a").replace("Sync", "Observ"));
    let report = ground.load();
    assert!(report.changed);
    assert_eq!(report.mistakes.len(), 1);
    assert_eq!(ground.in_force(), "a* b");
    ground.load();
    assert_eq!(ground.in_force(), "a* b", "kept over any number of loads");
    ground.write("a.yaml", &named("a").replace("Sync", "Observe"));
    assert!(ground.load().mistakes.is_empty());
    assert_eq!(ground.in_force(), "a b");
}

#[test]
fn a_file_that_never_parsed_is_counted_and_stops_no_other() {
    let mut ground = Ground::new(&[("a.yaml", &named("a")), ("b.yaml", "spec: [")]);
    assert_eq!(ground.load().mistakes.len(), 1);
    assert_eq!(ground.in_force(), "a !b.yaml");
}

#[test]
fn a_removed_file_removes_its_policy() {
    let mut ground = Ground::new(&[("a.yaml", &named("a")), ("b.yaml", &named("b"))]);
    ground.load();
    ground.remove("a.yaml");
    assert!(ground.load().changed);
    assert_eq!(ground.in_force(), "b");
}

#[test]
fn a_folder_that_tells_nothing_leaves_the_last_good_versions_in_force() {
    let mut ground = Ground::new(&[("a.yaml", &named("a"))]);
    let generation = ground.load().generation;
    ground.remove("a.yaml");
    let report = ground.load();
    assert!(matches!(report.folder_error, Some(FolderError::Empty { .. })));
    assert_eq!((report.generation, report.changed), (generation, false));
    assert_eq!(ground.in_force(), "a*");
    let missing = ground.folder.path().join("gone");
    let report = ground.store.load(&missing);
    assert!(matches!(report.folder_error, Some(FolderError::Unreadable { .. })));
    assert_eq!(report.mistakes.len(), 1);
    assert_eq!(ground.in_force(), "a*");
    ground.write("a.yaml", &named("a"));
    ground.load();
    assert_eq!(ground.in_force(), "a", "the folder came back as it was");
}

#[test]
fn two_files_with_one_name_are_both_refused_and_name_each_other() {
    let mut ground = Ground::new(&[("a.yaml", &named("x")), ("b.yaml", &named("x"))]);
    let report = ground.load();
    assert_eq!(ground.in_force(), "!a.yaml !b.yaml");
    let found = lines(&report.mistakes);
    assert_eq!(found.len(), 2);
    for (line, other) in found.iter().zip(["b.yaml", "a.yaml"]) {
        assert!(line.contains(":1:1: the policy `x` is also declared in "), "{line}");
        assert!(line.contains(&format!("{other}; ")), "{line}");
    }
    ground.remove("b.yaml");
    assert!(ground.load().mistakes.is_empty());
    assert_eq!(ground.in_force(), "x");
    ground.write("b.yaml", &named("x"));
    ground.load();
    assert_eq!(ground.in_force(), "x* !b.yaml", "the copy does not unseat the first");
}

#[test]
fn a_policy_that_moved_to_another_file_is_in_force_once() {
    let mut ground = Ground::new(&[("a.yaml", &named("x"))]);
    ground.load();
    ground.write("a.yaml", "broken");
    ground.write("b.yaml", &named("x"));
    ground.load();
    assert_eq!(ground.in_force(), "x !a.yaml");
}

#[test]
fn each_file_with_a_fault_of_its_own_is_refused_alone() {
    let mut ground = Ground::new(&[("a.yaml", &named("a")), ("b.yaml", &" ".repeat(1 << 21))]);
    symlink("nowhere", ground.folder.path().join("c.yaml")).unwrap();
    symlink("a.yaml", ground.folder.path().join("d.yaml")).unwrap();
    ground.write("e\u{1b}.yaml", "");
    let found = lines(&ground.load().mistakes);
    let folder = ground.folder.path().display().to_string();
    let said = found.iter().map(|line| line.replace(&folder, "")).collect::<Vec<_>>();
    assert_eq!(
        said,
        [
            "/a.yaml:1:1: the policy `a` is also declared in /d.yaml; \
         give each policy its own metadata.name; both files are refused",
            "/b.yaml:1:1: the file is larger than 1 MiB; split it into several",
            "/c.yaml:1:1: the file cannot be read: No such file or directory (os error 2); \
         mend the file or the right to read it",
            "/d.yaml:1:1: the policy `a` is also declared in /a.yaml; \
         give each policy its own metadata.name; both files are refused",
            "/e\\u{1b}.yaml:1:1: the document is empty; write the document, or remove the file",
        ]
    );
}

/// A folder as Kubernetes mounts it: files link through `..data`, which a rename replaces.
struct Mount(tempfile::TempDir);

impl Mount {
    fn new(files: usize) -> Self {
        let mount = Self(tempfile::tempdir().unwrap());
        mount.publish(0, files);
        for file in 0..files {
            let name = format!("{file}.yaml");
            symlink(Path::new("..data").join(&name), mount.0.path().join(&name)).unwrap();
        }
        mount
    }

    fn publish(&self, version: usize, files: usize) {
        let at = |name: &str| self.0.path().join(name);
        let content = at(&format!("..{version}"));
        fs::create_dir(&content).unwrap();
        for file in 0..files {
            let text = named(&format!("p{file}-{version}"));
            fs::write(content.join(format!("{file}.yaml")), text).unwrap();
        }
        symlink(&content, at("..next")).unwrap();
        fs::rename(at("..next"), at("..data")).unwrap();
    }
}

#[test]
fn a_folder_swapped_three_times_is_read_anew_each_time() {
    let mount = Mount::new(2);
    let mut store = PolicyStore::new(containers());
    for version in 0..4 {
        if version > 0 {
            mount.publish(version, 2);
        }
        let report = store.load(mount.0.path());
        assert!(report.changed && report.mistakes.is_empty());
        let names = store.in_force().policies.iter().map(|s| s.policy.name.to_string());
        assert!(names.eq([format!("p0-{version}"), format!("p1-{version}")]));
        assert!(!store.load(mount.0.path()).changed);
    }
}

#[test]
fn a_load_never_mixes_two_generations_while_the_folder_is_swapped() {
    let mount = Mount::new(20);
    let generation = |file: &LoadedFile| {
        let text = String::from_utf8_lossy(file.text.as_ref().unwrap()).into_owned();
        let name = text.lines().find(|line| line.starts_with("metadata")).unwrap().to_owned();
        name.split('-').nth(1).unwrap().to_owned()
    };
    std::thread::scope(|threads| {
        let writer = threads.spawn(|| (1..60).for_each(|version| mount.publish(version, 20)));
        while !writer.is_finished() {
            let Ok(folder) = read_folder(mount.0.path()) else { continue };
            let seen =
                folder.files.iter().map(generation).collect::<std::collections::BTreeSet<_>>();
            assert_eq!(seen.len(), 1, "one load saw the generations {seen:?}");
        }
    });
    let folder = read_folder(mount.0.path()).unwrap();
    assert!(folder.files.iter().all(|file| generation(file) == "59 }"));
}

#[test]
fn a_socket_in_the_folder_is_refused_unopened() {
    let folder_of_socket = tempfile::tempdir().unwrap();
    let path = folder_of_socket.path().join("a.yaml");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let folder = read_folder(folder_of_socket.path()).unwrap();
    let mistake = folder.files.first().unwrap().text.as_ref().unwrap_err();
    assert_eq!(mistake.message, "this is not a regular file");
}

#[test]
fn validate_names_every_mistake_and_warning_of_all_it_was_given() {
    let ground = Ground::new(&[("a.yaml", &named("x")), ("b.yaml", "kind: 1")]);
    let other = Ground::new(&[("c.yaml", &named("x"))]);
    let good =
        Ground::new(&[("d.yaml", &spec("  selection: { include: [{ displayName: '^A' }] }"))]);
    let none = good.folder.path().join("none.yaml");
    let single = other.folder.path().join("c.yaml");
    let found = validate(
        &[
            ground.folder.path().to_owned(),
            single,
            good.folder.path().to_owned(),
            good.folder.path().join("d.yaml"),
            none,
        ],
        Some(&containers()),
    );
    assert_eq!(found.policies.iter().map(PolicyName::as_str).collect::<Vec<_>>(), ["finance"]);
    let about = |text: &str| found.mistakes.iter().filter(|m| m.message.contains(text)).count();
    assert_eq!(about("is also declared in"), 2);
    assert_eq!(about("`kind` is `1`"), 1);
    assert_eq!(about("cannot be read"), 1);
    assert_eq!(found.warnings.len(), 1);
}

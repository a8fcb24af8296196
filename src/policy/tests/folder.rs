//! What stays in force when a file or the folder is wrong, and how folders are read.

use std::os::unix::fs::symlink;
use std::{fs, path::Path};

use super::approval::APPROVAL;
use super::*;

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

    /// Who approves, in the order of the files.
    fn approved_by(&self) -> Vec<&str> {
        let approvals = self.store.in_force().approvals.iter();
        approvals.map(|request| request.approved_by.as_str()).collect()
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

#[test]
fn an_approval_beside_the_policies_is_no_policy_and_is_gone_with_its_file() {
    let mut ground = Ground::new(&[("a.yaml", &named("a")), ("ok.yaml", APPROVAL)]);
    let report = ground.load();
    assert!(report.mistakes.is_empty() && report.warnings.is_empty(), "{report:?}");
    assert_eq!((ground.in_force().as_str(), ground.approved_by()), ("a", vec!["Ada Lovelace"]));
    assert!(!ground.load().changed);
    assert_eq!(ground.approved_by(), ["Ada Lovelace"], "asked anew in every load");
    ground.remove("ok.yaml");
    assert!(ground.load().changed);
    assert_eq!((ground.in_force().as_str(), ground.approved_by()), ("a", vec![]));
}

#[test]
fn a_wrong_approval_approves_nothing_and_leaves_every_policy_as_it_is() {
    let wrong = APPROVAL.replace("2026-03-01T17:00:00Z", "tomorrow");
    let mut ground = Ground::new(&[("a.yaml", &named("a")), ("ok.yaml", APPROVAL)]);
    ground.load();
    ground.write("ok.yaml", &wrong);
    let report = ground.load();
    assert_eq!(report.mistakes.len(), 1);
    assert_eq!((ground.in_force().as_str(), ground.approved_by()), ("a", vec![]));
    let twice = APPROVAL.replace("spec:", "spec:\n  digest: 3f1c0a77e9b24d55");
    ground.write("ok.yaml", &twice);
    assert_eq!(ground.load().mistakes.len(), 1);
    assert_eq!((ground.in_force().as_str(), ground.approved_by()), ("a", vec![]));
}

#[test]
fn a_document_that_does_not_tell_its_kind_may_be_a_policy() {
    let mut ground = Ground::new(&[("a.yaml", &named("a")), ("ok.yaml", APPROVAL)]);
    ground.load();
    for text in ["kind: Approval\nspec: [", "spec: { digest: 3f1c0a77e9b24d55 }", "kind: approval"]
    {
        ground.write("ok.yaml", text);
        ground.load();
        let found = (ground.in_force(), ground.approved_by());
        assert_eq!(found, ("a !ok.yaml".to_owned(), vec![]), "{text}");
    }
}

#[test]
fn a_policy_that_turned_into_an_approval_is_gone() {
    let mut ground = Ground::new(&[("a.yaml", &named("a")), ("b.yaml", &named("b"))]);
    ground.load();
    ground.write("b.yaml", APPROVAL);
    ground.load();
    assert_eq!((ground.in_force().as_str(), ground.approved_by()), ("a", vec!["Ada Lovelace"]));
    ground.write("b.yaml", "broken");
    ground.load();
    assert_eq!(ground.in_force(), "a !b.yaml", "no old policy comes back");
}

#[test]
fn a_folder_of_approvals_alone_has_no_policy() {
    let mut ground = Ground::new(&[("a.yaml", &named("a")), ("ok.yaml", APPROVAL)]);
    ground.load();
    ground.remove("a.yaml");
    ground.write("ok2.yaml", "kind: Approval");
    let report = ground.load();
    assert!(matches!(report.folder_error, Some(FolderError::Empty { .. })));
    assert!(report.mistakes.len() > 1, "the folder, and the wrong approval: {report:?}");
    let found = (ground.in_force(), ground.approved_by());
    assert_eq!(found, ("a*".to_owned(), vec![]), "nothing is let through meanwhile");
}

/// A policy that adopts; `group` and `object` are one digit each.
fn adopting(name: &str, pairs: &[(char, char)]) -> String {
    let id = |digit: char| "dddddddd-dddd-dddd-dddd-dddddddddddd".replace('d', &digit.to_string());
    let entries = pairs.iter().map(|(group, object)| {
        format!("    - {{ group: {}, object: {} }}\n", id(*group), id(*object))
    });
    format!("{}  adoption:\n{}", named(name), entries.collect::<String>())
}

#[test]
fn two_policies_that_adopt_the_same_group_are_both_refused() {
    for (other, what) in [(('1', '9'), "the cloud group 1"), (('9', '2'), "the directory group 2")]
    {
        let mut ground = Ground::new(&[
            ("a.yaml", &adopting("a", &[('3', '4'), ('1', '2')])),
            ("b.yaml", &adopting("b", &[other])),
            ("c.yaml", &adopting("c", &[('5', '6')])),
        ]);
        let report = ground.load();
        assert_eq!(ground.in_force(), "c !a.yaml !b.yaml");
        let found = lines(&report.mistakes);
        let [first, second] = found.as_slice() else { panic!("{found:#?}") };
        assert!(first.contains(&format!("a.yaml:10:7: {what}")), "{first}");
        assert!(first.contains("is also adopted at ") && first.contains("b.yaml:9:7; "), "{first}");
        assert!(second.contains("b.yaml:9:7: ") && second.contains("a.yaml:10:7; "), "{second}");
        ground.write("b.yaml", &named("b"));
        assert!(ground.load().mistakes.is_empty());
        assert_eq!(ground.in_force(), "a b c");
        ground.write("b.yaml", &adopting("b", &[other]));
        ground.load();
        assert_eq!(ground.in_force(), "a* b* c", "neither is more right");
    }
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
    good.write("past.yaml", APPROVAL);
    good.write("wrong.yaml", &APPROVAL.replace("digest", "hash"));
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
        "2026-03-02T00:00:00Z".parse().unwrap(),
    );
    assert_eq!(found.policies.iter().map(PolicyName::as_str).collect::<Vec<_>>(), ["finance"]);
    let about = |text: &str| found.mistakes.iter().filter(|m| m.message.contains(text)).count();
    assert_eq!(about("is also declared in"), 2);
    assert_eq!(about("`kind` is `1`"), 1);
    assert_eq!(about("cannot be read"), 1);
    assert_eq!(about("`spec.digest` is missing"), 1);
    assert_eq!(found.approvals, 1);
    let warned = lines(&found.warnings);
    assert!(matches!(warned.as_slice(), [_, past] if past.contains("is past")), "{warned:#?}");
}

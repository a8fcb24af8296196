//! The rules of the house as tests: import direction, one home per package, lengths, openings.
//!
//! Reads the source as text. All violations of a rule are printed at once, each as
//! `file:line: rule: what to do instead`.

#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is the failure")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file without its tests.
const FILE_LINES_MAX: usize = 400;
/// Lines of a function.
const FUNCTION_LINES_MAX: usize = 70;
/// Characters of a line.
const LINE_CHARACTERS_MAX: usize = 100;

/// What each room may import from this crate. Floors go down the list.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("exit", &[]),
    // Whether a defence stands is asked wherever there is one.
    ("defence", &[]),
    ("model", &["model", "defence"]),
    ("yaml", &["yaml", "defence"]),
    ("retry", &["defence"]),
    ("decide", &["decide", "defence", "model"]),
    ("schema", &["schema", "model"]),
    ("discover", &["discover", "decide", "model", "schema"]),
    ("settings", &["settings", "model", "yaml"]),
    ("policy", &["policy", "defence", "model", "yaml"]),
    ("graph", &["graph", "defence", "model", "retry"]),
    // Two sealed types of other rooms: their private constructors are the safety.
    (
        "directory",
        &[
            "directory",
            "defence",
            "model",
            "retry",
            "decide::guard::AdmittedPlan",
            "journal::Recorded",
        ],
    ),
    ("journal", &["defence", "journal", "model"]),
    ("state", &["state", "defence", "model"]),
    (
        "report",
        &["report", "decide", "defence", "directory", "discover", "graph", "model", "retry"],
    ),
    (
        "controller",
        &[
            "controller",
            "decide",
            "defence",
            "directory",
            "discover",
            "exit",
            "graph",
            "journal",
            "model",
            "policy",
            "report",
            "retry",
            "settings",
            "state",
        ],
    ),
    (
        "cli",
        &[
            "cli",
            "controller",
            "decide",
            "directory",
            "discover",
            "exit",
            "journal",
            "model",
            "policy",
            "report",
            "retry",
            "schema",
            "settings",
            "sim",
            "state",
        ],
    ),
    ("sim", &["sim"]),
    ("lib", &[]),
    ("main", &[]),
];

/// The one home of each package, as the start of a path below `src/`.
const HOMES: &[(&str, &[&str])] = &[
    ("reqwest", &["graph/", "controller/admin/remote.rs", "sim/tenant"]),
    ("ldap3", &["directory/", "sim/domain"]),
    ("serde_yaml", &["yaml"]),
    ("saphyr_parser", &["yaml"]),
    ("notify", &["controller/triggers.rs"]),
    ("tracing_subscriber", &["report/logs.rs"]),
    ("prometheus", &["report/metrics"]),
    ("backoff", &["retry.rs"]),
    ("axum", &["report/endpoint", "sim/"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli/progress.rs"]),
    ("ldap3_proto", &["sim/domain"]),
    ("cel", &["policy/expression"]),
    ("schemars", &["schema", "model/policy"]),
    ("rcgen", &["sim/"]),
    ("jsonwebtoken", &["graph/", "sim/tenant"]),
];

struct Source {
    /// Below `src/` or `tests/`, with forward slashes.
    name: String,
    text: String,
}

impl Source {
    /// The first part of the path: the room.
    fn room(&self) -> &str {
        let end = self.name.find('/').unwrap_or(self.name.len());
        self.name[..end].trim_end_matches(".rs")
    }

    /// The lines before the tests of the file, with their numbers.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let code = self.text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
        code.enumerate().map(|(index, line)| (index + 1, line))
    }

    fn is_test_module(&self) -> bool {
        self.name.ends_with("/tests.rs") || self.name.contains("/tests/")
    }
}

fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
                found.push(Source { name, text: fs::read_to_string(path).unwrap() });
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(!found.is_empty(), "{folder} holds no source");
    found
}

fn check(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

/// What a line imports from this crate: `crate::a::b` gives `a::b…`.
fn crate_paths(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("crate::").map(|(at, word)| &line[at + word.len()..])
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

#[test]
fn imports_point_down() {
    let mut violations = Vec::new();
    for source in sources("src") {
        let room = source.room();
        let allowed = MAY_IMPORT.iter().find(|(name, _)| *name == room);
        let Some((_, allowed)) = allowed else {
            violations.push(format!("src/{}:1: rooms: give `{room}` its floor here", source.name));
            continue;
        };
        for (number, line) in source.lines().filter(|(_, line)| !is_comment(line)) {
            for path in crate_paths(line) {
                let fits = |rule: &&str| {
                    path.strip_prefix(*rule).is_some_and(|rest| {
                        !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                    })
                };
                if !allowed.iter().any(fits) {
                    violations.push(format!(
                        "src/{}:{number}: import direction: `{room}` may not name crate::{path}",
                        source.name
                    ));
                }
            }
        }
    }
    check(&violations);
}

#[test]
fn the_pure_middle_knows_no_runtime_no_socket_no_clock() {
    let banned =
        ["tokio", "reqwest", "ldap3", "tracing", "SystemTime", "Instant", "Timestamp::now"];
    let mut violations = Vec::new();
    for source in sources("src") {
        if !matches!(source.room(), "model" | "decide" | "discover") {
            continue;
        }
        for (number, line) in source.lines().filter(|(_, line)| !is_comment(line)) {
            for word in banned.iter().filter(|word| line.contains(**word)) {
                violations.push(format!("src/{}:{number}: pure middle: no `{word}`", source.name));
            }
        }
    }
    check(&violations);
}

#[test]
fn every_package_has_one_home() {
    let mut violations = Vec::new();
    for source in sources("src") {
        for (package, homes) in HOMES {
            if homes.iter().any(|home| source.name.starts_with(home)) {
                continue;
            }
            let front_page = homes.iter().any(|home| {
                home.strip_suffix('/').is_some_and(|room| source.name == format!("{room}.rs"))
            });
            let uses = [format!("{package}::"), format!("use {package};")];
            for (number, line) in source.lines().filter(|(_, line)| !is_comment(line)) {
                let named = uses.iter().any(|used| {
                    line.match_indices(used.as_str()).any(|(at, _)| {
                        !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
                    })
                });
                if named && !front_page {
                    violations.push(format!(
                        "src/{}:{number}: package homes: `{package}` lives in {homes:?}",
                        source.name
                    ));
                }
            }
        }
    }
    check(&violations);
}

#[test]
fn only_finished_reads_make_witnesses() {
    let may_finish = ["graph/", "directory/"];
    let mut violations = Vec::new();
    for source in sources("src") {
        if may_finish.iter().any(|home| source.name.starts_with(home)) || source.room() == "model" {
            continue;
        }
        for (number, line) in source.lines().filter(|(_, line)| !is_comment(line)) {
            if line.contains(".finish(End::") || line.contains("Reading::begin") {
                violations.push(format!(
                    "src/{}:{number}: witnesses: only the observing edges finish a reading",
                    source.name
                ));
            }
        }
    }
    check(&violations);
}

#[test]
fn member_is_never_replaced() {
    let mut violations = Vec::new();
    for source in sources("src") {
        if source.room() == "sim" {
            continue;
        }
        for (number, line) in source.lines() {
            // The new place of a deleted object is no value: the protocol asks for a replace.
            let undelete =
                source.name == "directory/write.rs" && line.contains("\"distinguishedName\"");
            if line.contains("Mod::Replace") && !undelete {
                violations.push(format!(
                    "src/{}:{number}: writes: values are added and deleted, never replaced",
                    source.name
                ));
            }
        }
    }
    check(&violations);
}

#[test]
fn no_write_forgives_what_stands_in_its_way() {
    // LDAP_SERVER_PERMISSIVE_MODIFY_OID (MS-ADTS 3.1.1.3.4.1.8) would hide a value that somebody
    // else took away or put there since it was read.
    let mut violations = Vec::new();
    for source in sources("src").iter().filter(|source| source.room() != "sim") {
        for (number, line) in source.lines().filter(|(_, line)| !is_comment(line)) {
            if line.contains("1.2.840.113556.1.4.1413") {
                violations.push(format!(
                    "src/{}:{number}: writes: no permissive modify, read what a refusal means",
                    source.name
                ));
            }
        }
    }
    check(&violations);
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    let violations: Vec<String> = ["src", "tests"]
        .into_iter()
        .flat_map(|folder| sources(folder).into_iter().map(move |source| (folder, source)))
        .filter(|(_, source)| !source.text.starts_with("//! "))
        .map(|(folder, source)| format!("{folder}/{}:1: opening: begin with `//!`", source.name))
        .collect();
    check(&violations);
}

#[test]
fn files_functions_and_lines_are_short() {
    let mut violations = Vec::new();
    for source in sources("src") {
        let name = &source.name;
        let count = source.lines().count();
        if count > FILE_LINES_MAX && !source.is_test_module() {
            violations.push(format!("src/{name}:{count}: length: find the second noun"));
        }
        for (number, line) in source.text.lines().enumerate() {
            // A row of a table in a comment cannot be broken.
            let row = ["//! |", "/// |"].iter().any(|start| line.trim_start().starts_with(start));
            if line.chars().count() > LINE_CHARACTERS_MAX && !row {
                violations.push(format!("src/{name}:{}: length: break the line", number + 1));
            }
        }
        for (start, length) in functions(&source) {
            if length > FUNCTION_LINES_MAX {
                violations
                    .push(format!("src/{name}:{start}: length: a function of {length} lines"));
            }
        }
    }
    check(&violations);
}

/// First line and length of every function, by the indentation that rustfmt gives it.
fn functions(source: &Source) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut open: BTreeMap<usize, usize> = BTreeMap::new();
    for (number, line) in source.lines() {
        let indent = line.len() - line.trim_start().len();
        let code = line.trim_start();
        let is_function = ["fn ", "pub fn ", "async fn ", "pub async fn ", "pub(super) fn "]
            .iter()
            .chain(&["pub(super) async fn ", "pub(crate) fn ", "const fn ", "pub const fn "])
            .any(|start| code.starts_with(start));
        if is_function {
            open.insert(indent, number);
        }
        if code == "}"
            && let Some(start) = open.remove(&indent)
        {
            found.push((start, number - start + 1));
        }
    }
    found
}

#[test]
fn nothing_unfinished_is_left_behind() {
    let marks = ["todo!", "unimplemented!", "TODO", "FIXME", "#[ignore", "#[allow(", "#![allow("];
    let mut violations = Vec::new();
    for folder in ["src", "tests"] {
        for source in sources(folder).iter().filter(|source| source.name != "architecture.rs") {
            for (number, line) in source.text.lines().enumerate() {
                for mark in marks.iter().filter(|mark| line.contains(**mark)) {
                    let number = number + 1;
                    violations.push(format!("{folder}/{}:{number}: finish: `{mark}`", source.name));
                }
            }
        }
    }
    check(&violations);
}

#[test]
fn every_test_is_named_by_a_sentence() {
    let mut violations = Vec::new();
    for folder in ["src", "tests"] {
        for source in sources(folder) {
            let mut lines = source.text.lines().enumerate();
            while let Some((_, line)) = lines.next() {
                if !matches!(line.trim(), "#[test]" | "#[tokio::test]") {
                    continue;
                }
                let declaration = lines.by_ref().find(|(_, line)| line.contains("fn "));
                let Some((number, declaration)) = declaration else { continue };
                let name = declaration.split("fn ").nth(1).unwrap_or_default();
                let name = name.split('(').next().unwrap_or_default();
                if name.starts_with("test") || name.matches('_').count() < 2 {
                    violations.push(format!(
                        "{folder}/{}:{}: tests: `{name}` is no sentence",
                        source.name,
                        number + 1
                    ));
                }
            }
        }
    }
    check(&violations);
}

#[test]
fn no_front_page_is_called_mod() {
    let violations: Vec<String> = ["src", "tests"]
        .into_iter()
        .flat_map(sources)
        .filter(|source| source.name.ends_with("mod.rs"))
        .map(|source| format!("{}: front pages: name it after its room", source.name))
        .collect();
    check(&violations);
}

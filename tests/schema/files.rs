//! What is shipped: the schemas, the reference, and the examples that the schemas must accept.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use writeback::decide::guard::Row;
use writeback::report::events::{PassResult, Side};
use writeback::report::text;
use writeback::schema::codes::{
    CONDITIONS, FINDINGS, GUARD_ROWS, NOT_COMPUTED, REASONS, RESULTS, SIDES, Told,
};
use writeback::schema::reference::{PARTS, part, renewed};
use writeback::schema::{Document, order};

use crate::fields::fields;
use crate::form::Validator;

fn config() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config")
}

/// Holds that a file has this text, or writes it.
#[expect(clippy::disallowed_methods, reason = "the person who blesses says so in the environment")]
fn is_current(path: &Path, text: &str) {
    if env::var_os("WRITEBACK_BLESS").is_some() {
        return fs::write(path, text).unwrap();
    }
    let current = fs::read_to_string(path).unwrap_or_default();
    let at = current.lines().zip(text.lines()).position(|(one, other)| one != other);
    let line = at.map_or(0, |line| line + 1);
    let path = path.display();
    assert!(
        current == text,
        "{path}:{line} is not current; write it anew: WRITEBACK_BLESS=1 cargo test --test schema"
    );
}

#[test]
fn the_schemas_are_current() {
    for document in Document::ALL {
        let file = config().join(format!("schema/{}.json", document.word()));
        is_current(&file, &document.text());
    }
}

#[test]
fn the_tables_of_the_reference_are_current() {
    let file = config().join("README.md");
    let text = fs::read_to_string(&file).unwrap();
    for name in PARTS {
        assert!(
            text.contains(&format!("<!-- generated: {name} -->")),
            "the reference lacks {name}"
        );
    }
    is_current(&file, &renewed(&text));
}

#[test]
fn the_reference_tells_of_every_field_and_every_word() {
    let text: String = PARTS.iter().filter_map(|name| part(name)).collect();
    for document in [Document::Policy, Document::Approval, Document::Config] {
        for field in fields(document) {
            let name = field.name();
            // Entries of `exclude` have the fields of those of `include`.
            let name = name.replace("exclude[].", "include[].");
            assert!(text.contains(&format!("`{name}`")), "{name}");
            for word in field.words() {
                assert!(text.contains(&format!("`{word}`")), "{word}");
            }
        }
    }
    for told in [FINDINGS, CONDITIONS, REASONS, GUARD_ROWS, RESULTS].concat() {
        assert!(text.contains(&format!("| `{}` | {}", told.word, told.meaning)), "{}", told.word);
        assert!(!told.remedy.is_empty(), "{}", told.word);
    }
    assert_eq!(part("nothing"), None);
}

#[test]
fn every_row_of_the_guard_and_every_result_is_told() {
    let words = |all: &[Told]| all.iter().map(|told| told.word.to_owned()).collect::<Vec<_>>();
    assert_eq!(words(GUARD_ROWS), Row::ALL.map(|row| format!("{row:?}")));
    assert_eq!(words(RESULTS), PassResult::ALL.map(|result| format!("{result:?}")));
    assert_eq!(words(SIDES), Side::READ.map(|side| format!("{side:?}")));
    assert_eq!(words(NOT_COMPUTED), text::NOT_COMPUTED.map(|(word, _)| word));
    let counted = PassResult::ALL.map(PassResult::is_success);
    let told = RESULTS.iter().map(|told| told.remedy == "success");
    assert!(told.eq(counted));
}

#[test]
fn the_reference_has_the_fields_in_the_order_of_the_types() {
    let text = part("policy").unwrap();
    let rows: Vec<&str> = text.lines().skip(2).filter_map(|row| row.split('`').nth(1)).collect();
    let first = order::fields::<writeback::schema::policy::WritebackPolicy>();
    let top: Vec<&str> = rows.iter().filter(|row| !row.contains('.')).copied().collect();
    assert_eq!(top, first);
    let spec: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.strip_prefix("spec."))
        .filter(|row| !row.contains('.'))
        .collect();
    assert_eq!(spec, order::fields::<writeback::schema::policy::PolicySpec>());
    let mut sorted = spec.clone();
    sorted.sort_unstable();
    assert_ne!(spec, sorted, "the order is not that of the alphabet");
}

#[test]
fn every_scenario_that_the_reference_names_is_there() {
    let text = fs::read_to_string(config().join("README.md")).unwrap();
    let (_, table) = text.split_once("\n## The plan for group writeback\n").unwrap();
    let mut named = 0;
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let scenarios = row.rsplit(" | ").next().unwrap().trim_end_matches('|');
        for name in scenarios.split('`').skip(1).step_by(2) {
            let folder = config().join("../tests/scenarios").join(name);
            assert!(folder.is_dir(), "no scenario {name}");
            named += 1;
        }
    }
    assert!(named > 40, "{named}");
}

#[test]
fn the_plan_for_group_writeback_is_numbered_without_a_gap() {
    let text = fs::read_to_string(config().join("README.md")).unwrap();
    let (_, table) = text.split_once("\n## The plan for group writeback\n").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    let numbers = rows.map(|row| row.split(" | ").nth(1).unwrap().trim().to_owned());
    let numbers: Vec<String> = numbers.collect();
    let expected: Vec<String> = (1..=numbers.len()).map(|number| number.to_string()).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn a_generated_part_replaces_the_old_one_and_nothing_else() {
    let text = "a\n<!-- generated: guard -->\nold\n<!-- end -->\nb\n";
    let new = renewed(text);
    assert!(new.starts_with("a\n<!-- generated: guard -->\n\n| row |"), "{new}");
    assert!(new.ends_with("\n<!-- end -->\nb\n") && !new.contains("old"), "{new}");
    assert_eq!(renewed(&new), new);
    assert_eq!(renewed("nothing"), "nothing");
}

#[test]
fn the_schema_accepts_every_shipped_document() {
    let mut checked = 0;
    let mut open = vec![config()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let value: Value = serde_yaml::from_str(&text).unwrap();
            let document = match value["kind"].as_str() {
                Some("WritebackPolicy") => Document::Policy,
                Some("Approval") => Document::Approval,
                Some("DaemonConfiguration") => Document::Config,
                other => panic!("{}: kind {other:?}", path.display()),
            };
            let refusal = Validator::of_document(document).refusal(&value);
            assert_eq!(refusal, None, "{}", path.display());
            checked += 1;
        }
    }
    assert!(checked >= 4, "{checked}");
}

#[test]
fn the_command_prints_each_schema_as_it_is_shipped() {
    let run = |word: &str| {
        Command::new(env!("CARGO_BIN_EXE_writeback")).args(["schema", word]).output().unwrap()
    };
    for document in Document::ALL {
        let output = run(document.word());
        assert!(output.status.success());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), document.text());
    }
    assert_eq!(run("journal").status.code(), Some(64));
}

//! `tests/hazards.toml` names, for every hazard, its defence and the tests that prove it: every one
//! of them is there, and every switch in the code is one that the file knows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Hazards of the catalogue: H01 to H77.
const HAZARDS: usize = 77;
/// How many may be left out, each with its reason.
const NOT_YET_MAX: usize = 10;
/// How many defences have a switch, at least.
const TRIPWIRES_MIN: usize = 40;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    hazard: Vec<Hazard>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Hazard {
    id: String,
    #[serde(rename = "hazard")]
    what_goes_wrong: String,
    /// What is done against it.
    defence: Option<String>,
    /// Tests that prove it: `target::path::name`; `lib::…` for those beside the code.
    #[serde(default)]
    tests: Vec<String>,
    /// The tests that go red when the defence is taken away; they are among `tests`.
    #[serde(default)]
    tripwire: Vec<String>,
    /// Why there is no defence yet.
    not_yet: Option<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn catalogue() -> Vec<Hazard> {
    let text = fs::read_to_string(root().join("tests/hazards.toml")).expect("the catalogue");
    toml::from_str::<Catalogue>(&text).expect("TOML of the catalogue's form").hazard
}

/// All Rust files below a folder, or the one file.
fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_file() {
        found.push(path.to_owned());
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() || path.extension().is_some_and(|extension| extension == "rs") {
            sources(&path, found);
        }
    }
}

/// The names of all test functions of one target.
fn tests_of(target: &str) -> BTreeSet<String> {
    let mut files = Vec::new();
    if target == "lib" {
        sources(&root().join("src"), &mut files);
    } else {
        sources(&root().join(format!("tests/{target}.rs")), &mut files);
        sources(&root().join("tests").join(target), &mut files);
    }
    let mut names = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).expect("a source file");
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                is_test = true;
            } else if let Some(rest) = line.split("fn ").nth(1)
                && is_test
            {
                names.insert(rest.split('(').next().unwrap_or(rest).to_owned());
                is_test = false;
            }
        }
    }
    names
}

#[test]
fn every_hazard_of_the_catalogue_is_answered_once() {
    let catalogue = catalogue();
    let ids: Vec<_> = catalogue.iter().map(|hazard| hazard.id.clone()).collect();
    let wanted: Vec<_> = (1..=HAZARDS).map(|number| format!("H{number:02}")).collect();
    assert_eq!(ids, wanted);
    for hazard in &catalogue {
        assert!(!hazard.what_goes_wrong.is_empty(), "{}", hazard.id);
        let answered = hazard.defence.is_some() && !hazard.tests.is_empty();
        assert_ne!(answered, hazard.not_yet.is_some(), "{}: a defence or a reason", hazard.id);
    }
    let not_yet = catalogue.iter().filter(|hazard| hazard.not_yet.is_some()).count();
    assert!(not_yet <= NOT_YET_MAX, "{not_yet} hazards have no defence yet");
}

#[test]
fn every_test_that_the_catalogue_names_is_there() {
    let mut known: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for hazard in catalogue() {
        assert!(!hazard.tests.iter().any(|test| !test.contains("::")), "{}", hazard.id);
        for test in hazard.tests.iter().chain(&hazard.tripwire) {
            let (target, path) = test.split_once("::").expect("a target and a path");
            let name = path.rsplit("::").next().unwrap_or(path);
            let tests = known.entry(target.to_owned()).or_insert_with(|| tests_of(target));
            assert!(tests.contains(name), "{}: there is no test {test}", hazard.id);
        }
        let proving: BTreeSet<_> = hazard.tests.iter().collect();
        let strange = hazard.tripwire.iter().find(|test| !proving.contains(test));
        assert_eq!(strange, None, "{}: a tripwire's test is one of its tests", hazard.id);
    }
}

#[test]
fn every_switch_of_the_code_is_one_that_the_catalogue_knows() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let text: Vec<_> = files.iter().map(|file| fs::read_to_string(file).expect("a file")).collect();
    let switched: BTreeSet<String> = text
        .iter()
        .flat_map(|text| text.split("stands(\"").skip(1))
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        // Tests beside the code have verbs of the same name.
        .filter(|id| id.len() == 3 && id.starts_with('H'))
        .collect();
    let wired = catalogue().into_iter().filter(|hazard| !hazard.tripwire.is_empty());
    let wired: BTreeSet<String> = wired.map(|hazard| hazard.id).collect();
    assert_eq!(switched, wired, "the switches of the code and those of the catalogue");
    assert!(wired.len() >= TRIPWIRES_MIN, "{} defences have a switch", wired.len());
}

//! One scenario as its folder has it.
//!
//! Every file has its place in the grammar; one that has none is a mistake, so that nothing stands
//! in a folder that nobody reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::steps::{self, Event, Step};
use super::text::{Mistakes, names};
use super::world::{self, Entity};

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The sentence, as the folder is called.
    pub name: String,
    /// The folder.
    pub path: PathBuf,
    /// What it shows of the contract, or of the plan.
    pub shows: String,
    /// The world.
    pub world: Vec<Entity>,
    /// What happens before each pass; the first is mostly nothing.
    pub steps: Vec<Step>,
    /// The policies by file name, placeholders and all.
    pub policies: BTreeMap<String, String>,
}

impl Scenario {
    /// The file of an expectation: `plan.txt` after the first pass, `plan-2.txt` after the second.
    pub fn expectation(&self, what: &str, step: usize) -> PathBuf {
        let number = if step == 0 { String::new() } else { format!("-{}", step + 1) };
        self.path.join(format!("{what}{number}.txt"))
    }

    /// Reads a folder; every mistake at once.
    pub fn read(path: &Path) -> Result<Self, Vec<String>> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = |file: &str| fs::read_to_string(path.join(file)).unwrap_or_default();
        let mut mistakes = Vec::new();
        let mut files: Vec<String> = Vec::new();
        for entry in fs::read_dir(path).unwrap() {
            files.push(entry.unwrap().file_name().to_string_lossy().into_owned());
        }
        let world_text = text("world.txt");
        let shows = world_text.lines().next().and_then(|line| line.strip_prefix("# shows: "));
        if shows.is_none() {
            let wanted = "the first line is `# shows: ` and what the scenario shows";
            mistakes.push(format!("{name}/world.txt:1: {wanted}"));
        }
        let mut kept = |result: Result<_, Vec<String>>| match result {
            Ok(read) => read,
            Err(found) => {
                mistakes.extend(found);
                Vec::new()
            }
        };
        let world = kept(world::read(&format!("{name}/world.txt"), &world_text));
        let steps = match steps::read(&format!("{name}/steps.txt"), &text("steps.txt")) {
            Ok(steps) => steps,
            Err(found) => {
                mistakes.extend(found);
                vec![Step::default()]
            }
        };
        let policies: BTreeMap<String, String> = files
            .iter()
            .filter(|file| Path::new(file).extension().is_some_and(|end| end == "yaml"))
            .map(|file| (file.clone(), text(file)))
            .collect();
        let scenario = Self {
            name,
            path: path.to_owned(),
            shows: shows.unwrap_or_default().to_owned(),
            world,
            steps,
            policies,
        };
        mistakes.extend(scenario.misplaced(&files));
        mistakes.extend(scenario.strangers());
        if mistakes.is_empty() { Ok(scenario) } else { Err(mistakes) }
    }

    /// Files that no step asks for, and policies that are not there.
    fn misplaced(&self, files: &[String]) -> Vec<String> {
        let mut found = Vec::new();
        let mut used = vec!["policy.yaml".to_owned()];
        for step in &self.steps {
            for event in &step.events {
                if let Event::Policies(names) = event {
                    used.extend(names.iter().map(|(own, _)| own.clone()));
                }
            }
        }
        let starts_elsewhere = self.steps[0].events.iter().any(|e| matches!(e, Event::Policies(_)));
        for name in used.iter().skip(usize::from(starts_elsewhere)) {
            if !self.policies.contains_key(name) {
                found.push(format!("{}: there is no {name}", self.name));
            }
        }
        let expected: Vec<PathBuf> = (0..self.steps.len())
            .flat_map(|step| ["plan", "directory"].map(|what| self.expectation(what, step)))
            .collect();
        for file in files {
            let known = ["world.txt", "steps.txt"].contains(&file.as_str())
                || used.contains(file)
                || expected.contains(&self.path.join(file));
            if !known {
                found.push(format!("{}/{file}: nobody reads this file", self.name));
            }
        }
        found
    }

    /// Names in the steps that nothing has.
    fn strangers(&self) -> Vec<String> {
        let mut mistakes = Mistakes::of(&format!("{}/steps.txt", self.name));
        let events = || self.steps.iter().flat_map(|step| &step.events);
        let new = events().filter_map(Event::newcomer);
        let all: Vec<&Entity> = self.world.iter().chain(new).collect();
        let known: BTreeSet<&str> = all.iter().map(|entity| entity.name.as_str()).collect();
        for event in events() {
            let named: Vec<(usize, Vec<String>)> = match event {
                Event::Cloud(name, verb) | Event::Directory(name, verb) => {
                    let lists = matches!(verb.word, "add" | "remove");
                    let members = if lists { names(&verb.rest) } else { Vec::new() };
                    vec![(verb.number, [vec![name.clone()], members].concat())]
                }
                Event::New(entity) => {
                    let members = entity.details.iter().filter(|one| one.word == "members");
                    members.map(|detail| (detail.number, names(&detail.rest))).collect()
                }
                Event::Tenant(_)
                | Event::Policies(_)
                | Event::Restart
                | Event::Pass
                | Event::Time(_) => Vec::new(),
            };
            for (number, names) in named {
                for name in names.iter().filter(|name| !known.contains(name.as_str())) {
                    mistakes.note(number, format!("nothing is called `{name}`"));
                }
            }
        }
        mistakes.into_found()
    }

    /// Whether the world's domain is said to be so.
    pub fn domain_is(&self, word: &str) -> bool {
        self.world.iter().any(|entity| entity.noun == world::Noun::Domain && entity.has(word))
    }
}

/// Where the scenarios are.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

/// All scenarios by name, or every mistake in them.
pub fn all() -> Result<Vec<Scenario>, Vec<String>> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let (mut scenarios, mut mistakes) = (Vec::new(), Vec::new());
    for folder in folders {
        match Scenario::read(&folder) {
            Ok(scenario) => scenarios.push(scenario),
            Err(found) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() { Ok(scenarios) } else { Err(mistakes) }
}

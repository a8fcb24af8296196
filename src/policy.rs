//! The policy folder: what is in force, what is wrong, and what `validate` says.
//!
//! Input: the folder of policies. Output: a `PolicySet` for `decide` and every mistake for the
//! person. A store keeps the last good version of each file, because a slip in a text must not
//! take groups out of scope:
//!
//! | what a load finds | what stays in force |
//! |---|---|
//! | a file that parses | what it says |
//! | a file that no longer parses | its last good policy, marked `last_good` |
//! | a file that never parsed | nothing; the file stands in `unparsed` |
//! | a file that is gone | nothing; its groups become findings, none is removed |
//! | no folder, an empty or unreadable one | everything as it was, marked `last_good` |
//!
//! Two files that name the same policy are both refused: neither is more right.

mod document;
mod expression;
mod folder;
mod parse;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::Containers;
use crate::model::Digest;
use crate::model::policy::{Policy, PolicyName, PolicySet, Standing};
use crate::yaml::ConfigMistake;

pub use document::KIND;
pub use folder::{
    FILES_MAX, Folder, FolderError, LoadedFile, TOTAL_BYTES_MAX, read as read_folder,
};
pub use parse::{Parsed, parse};

/// The policies in force and the last good version of each file.
#[derive(Debug)]
pub struct PolicyStore {
    containers: Containers,
    /// By file name: the last version that parsed.
    last_good: BTreeMap<String, Policy>,
    in_force: PolicySet,
    generation: Option<Digest>,
}

/// What one load found.
#[derive(Debug)]
pub struct LoadReport {
    /// The generation of the folder in force; `None` before the first folder was read.
    pub generation: Option<Digest>,
    /// Whether the folder differs from what the load before it read.
    pub changed: bool,
    /// Everything that is wrong, sorted.
    pub mistakes: Vec<ConfigMistake>,
    /// What is right but deserves a second look, sorted.
    pub warnings: Vec<ConfigMistake>,
    /// Why the folder could not be read: everything stays as it was.
    pub folder_error: Option<FolderError>,
}

/// What `validate` found.
#[derive(Debug, Default)]
pub struct Validation {
    /// The names of the policies that are right.
    pub policies: Vec<PolicyName>,
    /// Everything that is wrong, sorted.
    pub mistakes: Vec<ConfigMistake>,
    /// What is right but deserves a second look, sorted.
    pub warnings: Vec<ConfigMistake>,
}

impl PolicyStore {
    /// A store that knows no policy yet; every policy must write inside `containers`.
    pub fn new(containers: Containers) -> Self {
        Self {
            containers,
            last_good: BTreeMap::new(),
            in_force: PolicySet::default(),
            generation: None,
        }
    }

    /// The policies in force after the last load.
    pub fn in_force(&self) -> &PolicySet {
        &self.in_force
    }

    /// Reads the folder once, as one generation, and decides what is in force.
    pub fn load(&mut self, path: &Path) -> LoadReport {
        let folder = match folder::read(path) {
            Ok(folder) => folder,
            Err(error) => return self.keep_all(path, error),
        };
        let changed = self.generation != Some(folder.generation);
        let Judged { mut parsed, mut mistakes, mut warnings, refused } =
            judge(&folder.files, Some(&self.containers));
        let (standing_in, unparsed) = self.stand_in(&refused, &parsed);
        self.last_good = standing_in
            .iter()
            .map(|(file, policy)| (file.clone(), policy.clone()))
            .chain(parsed.iter().map(|(file, policy)| (file.clone(), policy.clone())))
            .collect();
        let mut policies = standing_in
            .into_values()
            .map(|policy| Standing { policy, last_good: true })
            .collect::<Vec<_>>();
        while let Some((_, policy)) = parsed.pop_first() {
            policies.push(Standing { policy, last_good: false });
        }
        policies.sort_by(|a, b| a.policy.name.cmp(&b.policy.name));
        self.in_force = PolicySet { policies, unparsed };
        self.generation = Some(folder.generation);
        mistakes.sort();
        warnings.sort();
        LoadReport { generation: self.generation, changed, mistakes, warnings, folder_error: None }
    }

    /// For each refused file its last good policy, else the file among the unparsed. A name
    /// that another file holds by now is not stood in for: the policy has moved there.
    fn stand_in(
        &self,
        refused: &[String],
        parsed: &BTreeMap<String, Policy>,
    ) -> (BTreeMap<String, Policy>, Vec<String>) {
        let mut standing_in = BTreeMap::<String, Policy>::new();
        let mut unparsed = Vec::new();
        for file in refused {
            let last = self.last_good.get(file).filter(|last| {
                let held = |policy: &Policy| policy.name == last.name;
                !parsed.values().any(held) && !standing_in.values().any(held)
            });
            match last {
                Some(policy) => {
                    standing_in.insert(file.clone(), policy.clone());
                }
                None => unparsed.push(file.clone()),
            }
        }
        (standing_in, unparsed)
    }

    /// What was in force stays so, as last good versions: a folder that cannot be read is Unknown,
    /// and nothing is created or deleted on the word of a file that nobody can read.
    fn keep_all(&mut self, path: &Path, error: FolderError) -> LoadReport {
        for standing in &mut self.in_force.policies {
            standing.last_good = true;
        }
        LoadReport {
            generation: self.generation,
            changed: false,
            mistakes: vec![error.as_mistake(path)],
            warnings: Vec::new(),
            folder_error: Some(error),
        }
    }
}

/// Checks folders and single files offline; with `containers`, also that every policy writes
/// inside them. Names must be unique over everything that is named.
pub fn validate(paths: &[PathBuf], containers: Option<&Containers>) -> Validation {
    let mut files = Vec::new();
    let mut validation = Validation::default();
    for path in paths {
        if !path.is_dir() {
            files.push(folder::read_one(path));
            continue;
        }
        match folder::read(path) {
            Ok(folder) => files.extend(folder.files),
            Err(error) => validation.mistakes.push(error.as_mistake(path)),
        }
    }
    files.sort_by(|a, b| a.shown.cmp(&b.shown));
    files.dedup_by(|a, b| a.shown == b.shown);
    let judged = judge(&files, containers);
    validation.mistakes.extend(judged.mistakes);
    validation.warnings = judged.warnings;
    validation.policies = judged.parsed.into_values().map(|policy| policy.name).collect();
    validation.policies.sort();
    validation.mistakes.sort();
    validation.warnings.sort();
    validation
}

/// What a set of files says, before the past is asked.
struct Judged {
    /// By file; names are unique.
    parsed: BTreeMap<String, Policy>,
    mistakes: Vec<ConfigMistake>,
    warnings: Vec<ConfigMistake>,
    /// Files without a parsed version of what they now say, sorted.
    refused: Vec<String>,
}

fn judge(files: &[LoadedFile], containers: Option<&Containers>) -> Judged {
    let mut judged = Judged {
        parsed: BTreeMap::new(),
        mistakes: Vec::new(),
        warnings: Vec::new(),
        refused: Vec::new(),
    };
    for file in files {
        let outcome = match &file.text {
            Ok(text) => parse(&file.shown, text, containers),
            Err(mistake) => Err(vec![mistake.clone()]),
        };
        match outcome {
            Ok(Parsed { policy, warnings }) => {
                judged.warnings.extend(warnings);
                judged.parsed.insert(file.shown.clone(), policy);
            }
            Err(mistakes) => {
                judged.mistakes.extend(mistakes);
                judged.refused.push(file.shown.clone());
            }
        }
    }
    refuse_shared_names(&mut judged);
    judged
}

fn refuse_shared_names(judged: &mut Judged) {
    let mut holders = BTreeMap::<PolicyName, Vec<String>>::new();
    for (file, policy) in &judged.parsed {
        holders.entry(policy.name.clone()).or_default().push(file.clone());
    }
    for (name, files) in holders.iter().filter(|(_, files)| files.len() > 1) {
        for file in files {
            let others = files.iter().filter(|other| *other != file);
            let others = others.map(String::as_str).collect::<Vec<_>>().join(", ");
            let Some(policy) = judged.parsed.remove(file) else { continue };
            judged.mistakes.push(ConfigMistake {
                file: policy.place.file,
                line: policy.place.line,
                column: policy.place.column,
                message: format!("the policy `{name}` is also declared in {others}"),
                remedy: "give each policy its own metadata.name; both files are refused".to_owned(),
            });
            judged.refused.push(file.clone());
        }
    }
    judged.refused.sort();
}

#[cfg(test)]
mod tests;

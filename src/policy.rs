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
//! | no folder, one without a policy, an unreadable one | everything as it was, `last_good` |
//! | an approval, right or wrong | no policy; a right one asks that a held set be let through |
//!
//! Two files that name the same policy, or adopt the same group, are both refused: neither is
//! more right.

mod approval;
mod document;
mod expression;
mod folder;
mod judge;
mod parse;
mod revision;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::model::Containers;
use crate::model::Digest;
use crate::model::policy::{Policy, PolicyName, PolicySet, Standing};
use crate::yaml::ConfigMistake;

pub use approval::{APPROVAL_KIND, ParsedApproval, parse_approval};
pub use document::KIND;
pub use folder::{
    FILES_MAX, Folder, FolderError, LoadedFile, TOTAL_BYTES_MAX, read as read_folder,
};
use judge::{Judged, judge};
pub use parse::{Parsed, parse};

/// The policies in force and the last good version of each file.
#[derive(Debug)]
pub struct PolicyStore {
    containers: Containers,
    /// By file name: the last version that parsed, with the revision at which it did.
    last_good: BTreeMap<String, Standing>,
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
    /// The Git revision of what was read; `None` outside Git, and where nothing was read.
    pub revision: Option<String>,
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
    /// How many approvals are right.
    pub approvals: usize,
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
        let revision = folder.revision.clone();
        let judged = judge(&folder.files, Some(&self.containers));
        if judged.has_no_policy() {
            let error = FolderError::Empty { path: path.to_owned() };
            let mut report = self.keep_all(path, error);
            report.mistakes.extend(judged.mistakes);
            return report;
        }
        let Judged { parsed, approvals, mut mistakes, mut warnings, refused } = judged;
        let (standing_in, unparsed) = self.stand_in(&refused, &parsed);
        let fresh = parsed.into_iter().map(|(file, policy)| {
            (file, Standing { policy, last_good: false, revision: revision.clone() })
        });
        self.last_good = standing_in.into_iter().chain(fresh).collect();
        let mut policies = self.last_good.values().cloned().collect::<Vec<_>>();
        policies.sort_by(|a, b| a.policy.name.cmp(&b.policy.name));
        let approvals = approvals.into_iter().map(|parsed| parsed.request).collect();
        self.in_force = PolicySet { policies, unparsed, approvals };
        self.generation = Some(folder.generation);
        mistakes.sort();
        warnings.sort();
        let generation = self.generation;
        LoadReport { generation, changed, revision, mistakes, warnings, folder_error: None }
    }

    /// For each refused file its last good policy, else the file among the unparsed. A name
    /// that another file holds by now is not stood in for: the policy has moved there.
    fn stand_in(
        &self,
        refused: &[String],
        parsed: &BTreeMap<String, Policy>,
    ) -> (BTreeMap<String, Standing>, Vec<String>) {
        let mut standing_in = BTreeMap::<String, Standing>::new();
        let mut unparsed = Vec::new();
        for file in refused {
            let last = self.last_good.get(file).filter(|last| {
                let held = |policy: &Policy| policy.name == last.policy.name;
                !parsed.values().any(held)
                    && !standing_in.values().any(|standing| held(&standing.policy))
            });
            match last {
                Some(last) => {
                    let standing = Standing { last_good: true, ..last.clone() };
                    standing_in.insert(file.clone(), standing);
                }
                None => unparsed.push(file.clone()),
            }
        }
        (standing_in, unparsed)
    }

    /// What was in force stays so, as last good versions: a folder that cannot be read is Unknown,
    /// and nothing is created or deleted on the word of a file that nobody can read. Approvals are
    /// such words.
    fn keep_all(&mut self, path: &Path, error: FolderError) -> LoadReport {
        for standing in &mut self.in_force.policies {
            standing.last_good = true;
        }
        self.in_force.approvals.clear();
        LoadReport {
            generation: self.generation,
            changed: false,
            revision: None,
            mistakes: vec![error.as_mistake(path)],
            warnings: Vec::new(),
            folder_error: Some(error),
        }
    }
}

/// Checks folders and single files offline; with `containers`, also that every policy writes
/// inside them. Names must be unique over everything that is named. `now` tells which approvals
/// are past.
pub fn validate(paths: &[PathBuf], containers: Option<&Containers>, now: Timestamp) -> Validation {
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
    validation.warnings.extend(judged.approvals.iter().filter_map(|one| one.warning(now)));
    validation.approvals = judged.approvals.len();
    validation.policies = judged.parsed.into_values().map(|policy| policy.name).collect();
    validation.policies.sort();
    validation.mistakes.sort();
    validation.warnings.sort();
    validation
}

#[cfg(test)]
mod tests;

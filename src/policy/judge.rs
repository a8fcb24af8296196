//! What a set of files says, before the past is asked.
//!
//! Input: the files of a folder, or those that were named. Output: the policies and approvals that
//! are right, every mistake, and which files stand for nothing.

use std::collections::BTreeMap;

use crate::model::Containers;
use crate::model::policy::{Adoption, Place, Policy, PolicyName};
use crate::yaml::ConfigMistake;

use super::approval::{self, ParsedApproval, parse_approval};
use super::folder::LoadedFile;
use super::parse::{Parsed, parse};

/// What a set of files says.
#[derive(Default)]
pub(super) struct Judged {
    /// By file; names are unique, and so are adoptions.
    pub(super) parsed: BTreeMap<String, Policy>,
    /// In the order of their files.
    pub(super) approvals: Vec<ParsedApproval>,
    pub(super) mistakes: Vec<ConfigMistake>,
    pub(super) warnings: Vec<ConfigMistake>,
    /// Files without a parsed version of what they now say, sorted. A file that says that it is an
    /// approval is none of them, right or wrong: no policy is missing because of it.
    pub(super) refused: Vec<String>,
}

impl Judged {
    /// Whether no file is, or may be, a policy.
    pub(super) fn has_no_policy(&self) -> bool {
        self.parsed.is_empty() && self.refused.is_empty()
    }

    fn refuse(&mut self, file: &str, place: &Place, message: String, remedy: &str) {
        self.parsed.remove(file);
        self.mistakes.push(ConfigMistake {
            file: place.file.clone(),
            line: place.line,
            column: place.column,
            message,
            remedy: remedy.to_owned(),
        });
        self.refused.push(file.to_owned());
    }
}

pub(super) fn judge(files: &[LoadedFile], containers: Option<&Containers>) -> Judged {
    let mut judged = Judged::default();
    for file in files {
        let outcome = match &file.text {
            Ok(text) if approval::is_approval(text) => {
                match parse_approval(&file.shown, text) {
                    Ok(parsed) => judged.approvals.push(parsed),
                    Err(mistakes) => judged.mistakes.extend(mistakes),
                }
                continue;
            }
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
    refuse_shared_adoptions(&mut judged);
    judged.refused.sort();
    judged.refused.dedup();
    judged
}

fn refuse_shared_names(judged: &mut Judged) {
    let mut holders = BTreeMap::<PolicyName, Vec<(String, Place)>>::new();
    for (file, policy) in &judged.parsed {
        let holder = (file.clone(), policy.place.clone());
        holders.entry(policy.name.clone()).or_default().push(holder);
    }
    for (name, holders) in holders.iter().filter(|(_, holders)| holders.len() > 1) {
        for (file, place) in holders {
            let others = holders.iter().map(|(other, _)| other).filter(|other| *other != file);
            let others = others.map(String::as_str).collect::<Vec<_>>().join(", ");
            let message = format!("the policy `{name}` is also declared in {others}");
            let remedy = "give each policy its own metadata.name; both files are refused";
            judged.refuse(file, place, message, remedy);
        }
    }
}

/// One directory group is taken up by one cloud group, and the other way round.
fn refuse_shared_adoptions(judged: &mut Judged) {
    type Holders = BTreeMap<String, Vec<(String, Place)>>;
    let holders = |key: fn(&Adoption) -> String| {
        let mut holders = Holders::new();
        for (file, policy) in &judged.parsed {
            for adoption in &policy.adoption {
                let holder = (file.clone(), adoption.place.clone());
                holders.entry(key(adoption)).or_default().push(holder);
            }
        }
        holders
    };
    let mut all = holders(|adoption| format!("the cloud group {}", adoption.group));
    all.extend(holders(|adoption| format!("the directory group {}", adoption.object)));
    for (what, holders) in all.iter().filter(|(_, holders)| holders.len() > 1) {
        for (file, place) in holders {
            let others = holders.iter().filter(|(other, _)| other != file);
            let others = others.map(|(_, place)| place.to_string()).collect::<Vec<_>>().join(", ");
            let message = format!("{what} is also adopted at {others}");
            let remedy = "let one policy adopt it, once; both files are refused";
            judged.refuse(file, place, message, remedy);
        }
    }
}

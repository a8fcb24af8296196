//! The text of one policy to a `Policy`, or all that is wrong with it.
//!
//! Input: the bytes of a file and, when known, the containers of the configuration. Output: the
//! policy with warnings. The shape is read by `document`, single texts by `words`.

use crate::model::policy::Policy;
use crate::model::{Containers, Digest};
use crate::yaml::{self, ConfigMistake, Mistake};

use super::document;
use super::words::Context;

/// A policy and what deserves a second look.
#[derive(Debug)]
pub struct Parsed {
    /// What the file says.
    pub policy: Policy,
    /// What is right but may not be what is wanted.
    pub warnings: Vec<ConfigMistake>,
}

/// Reads one policy file; `file` is its name in messages and causes.
pub fn parse(
    file: &str,
    bytes: &[u8],
    containers: Option<&Containers>,
) -> Result<Parsed, Vec<ConfigMistake>> {
    let generation = Digest::of(bytes);
    let mut context = Context { file, generation, containers, warnings: Vec::new() };
    let policy = yaml::read(bytes, |fields| document::read(fields, &mut context));
    let place = |mistakes: Vec<Mistake>| {
        mistakes.into_iter().map(|mistake| mistake.within(file)).collect::<Vec<_>>()
    };
    match policy {
        Ok(policy) => Ok(Parsed { policy, warnings: place(context.warnings) }),
        Err(mistakes) => Err(place(mistakes)),
    }
}

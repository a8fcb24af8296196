//! Whether a pause, or the end of one, can be taken, and what it changes.

use std::collections::BTreeSet;

use crate::journal::Note;
use crate::model::{Pause, Pauses, PolicyName};

/// What somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing is written.
    Pause,
    /// It is written again.
    Resume,
}

/// What is paused then, and what the journal says of it; `None` where nothing changes.
///
/// A policy has to be one of those in force, `known`, so that a slip of the pen pauses nothing
/// silently. The pause of a policy that is gone can be ended.
pub fn judge(
    pauses: &Pauses,
    known: &BTreeSet<PolicyName>,
    (word, policy): (Word, Option<PolicyName>),
    pause: Pause,
) -> Result<Option<(Pauses, Note)>, String> {
    if let Some(name) = &policy {
        let was_paused = word == Word::Resume && pauses.policies.contains_key(name);
        if !known.contains(name) && !was_paused {
            return Err(unknown(name, known));
        }
    }
    let mut then = pauses.clone();
    let by = pause.by.clone();
    let (changed, note) = match word {
        Word::Pause => (then.pause(policy.clone(), pause), Note::Paused { policy, by }),
        Word::Resume => (then.resume(policy.as_ref()), Note::Resumed { policy, by }),
    };
    Ok(changed.then_some((then, note)))
}

fn unknown(name: &PolicyName, known: &BTreeSet<PolicyName>) -> String {
    if known.is_empty() {
        return format!("there is no policy `{name}`: none is in force");
    }
    let names: Vec<_> = known.iter().map(PolicyName::as_str).collect();
    format!("there is no policy `{name}`; in force are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn name(text: &str) -> PolicyName {
        PolicyName::parse(text).unwrap()
    }

    #[test]
    fn an_unknown_policy_is_refused_with_the_names_there_are() {
        let pause = || Pause { by: "ada".to_owned(), at: Timestamp::UNIX_EPOCH };
        let known = BTreeSet::from([name("finance"), name("other")]);
        let empty = Pauses::default();
        let wrong = (Word::Pause, Some(name("finence")));
        let refused = judge(&empty, &known, wrong.clone(), pause()).unwrap_err();
        assert_eq!(refused, "there is no policy `finence`; in force are finance, other");
        assert!(judge(&empty, &BTreeSet::new(), wrong, pause()).is_err());
        let right = (Word::Pause, Some(name("finance")));
        let (paused, note) = judge(&empty, &known, right.clone(), pause()).unwrap().unwrap();
        assert!(paused.cover(&name("finance")) && !paused.cover(&name("other")));
        assert_eq!(note, Note::Paused { policy: Some(name("finance")), by: "ada".to_owned() });
        assert_eq!(judge(&paused, &known, right, pause()), Ok(None));
        // One that is gone meanwhile.
        let end = (Word::Resume, Some(name("finance")));
        let (ended, _) = judge(&paused, &BTreeSet::new(), end, pause()).unwrap().unwrap();
        assert!(ended.is_empty());
        assert_eq!(judge(&empty, &known, (Word::Resume, None), pause()), Ok(None));
    }
}

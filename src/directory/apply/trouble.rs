//! What the ending of one change forbids to later changes of the same group.
//!
//! The stepper tells every ending and asks before it begins a change. These are the rules by which
//! `decide::guard` keeps changes back, for what goes wrong only when it is tried:
//!
//! | how it ended | what is not tried any more |
//! |---|---|
//! | failed or unknown, whatever it was | everything |
//! | a creation, restoration, adoption or disabling refused | everything |
//! | a release, however it ended | everything |
//! | a name or place refused | the next places, and the handover to another policy |
//! | additions refused, or made without groups that were not created | the removals, and the record that says the group is filled |
//! | removals refused or not tried | security for the group |
//! | anything refused or not tried | the record that says it is in use again |
//!
//! Members refused one by one beside others that were written forbid nothing.

use std::collections::BTreeMap;

use super::ending::Ending;
use crate::model::change::Kind;
use crate::model::record::RecordState;
use crate::model::{AttributeChange, Change, Effect, ObjectId, Outcome, OwnershipRecord};

/// What went wrong in this pass, by cloud group, in the order in which it did.
#[derive(Debug, Default)]
pub(super) struct Troubles(BTreeMap<ObjectId, Vec<Trouble>>);

#[derive(Debug)]
struct Trouble {
    kind: Kind,
    /// It was to change the name or the place.
    naming: bool,
    extent: Extent,
    why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// It failed, or nobody knows: that may concern whatever is done to the group.
    Unsettled,
    /// The directory does not want this change.
    Refused,
    /// It was made, without members whose own group was not created.
    Short,
    /// It was not tried, because of an earlier change.
    Forbidden,
    /// It was made, and the group is nobody's now.
    Released,
}

impl Troubles {
    /// Takes note of how a change ended.
    pub(super) fn note(&mut self, change: &Change, ending: &Ending) {
        let released = "its record was taken off".to_owned();
        let (extent, why) = match &ending.outcome {
            Outcome::Failed { message } | Outcome::Unknown { message } if ending.forbidden => {
                (Extent::Forbidden, message)
            }
            Outcome::Failed { message } | Outcome::Unknown { message } => {
                (Extent::Unsettled, message)
            }
            Outcome::Refused { message } => (Extent::Refused, message),
            Outcome::Done { .. } | Outcome::AlreadySo { .. }
                if change.effect.kind() == Kind::Release =>
            {
                (Extent::Released, &released)
            }
            Outcome::Done { .. } | Outcome::AlreadySo { .. } => match ending.left_out.first() {
                Some(message) => (Extent::Short, message),
                None => return,
            },
        };
        let kind = change.effect.kind();
        let naming = is_naming(kind) || names_account(&change.effect);
        let trouble = Trouble { kind, naming, extent, why: why.clone() };
        self.0.entry(change.group).or_default().push(trouble);
    }

    /// Why a change is not to be tried; `None` when nothing speaks against it.
    pub(super) fn forbid(&self, change: &Change) -> Option<String> {
        self.0.get(&change.group)?.iter().find_map(|trouble| trouble.forbids(change))
    }
}

impl Trouble {
    fn forbids(&self, change: &Change) -> Option<String> {
        let Self { kind: earlier, naming, extent, why } = self;
        let later = change.effect.kind();
        let refused = *extent == Extent::Refused;
        let reason = if *extent == Extent::Released {
            "this pass let go of the group"
        } else if *extent == Extent::Unsettled || (refused && is_a_condition(*earlier)) {
            "an earlier change of this group failed"
        } else if refused && *naming && is_naming(later) {
            "an earlier name was refused"
        } else if refused && *naming && later == Kind::Handover {
            "a group changes its policy together with its name and place, and they were refused"
        } else if *earlier == Kind::AddMembers && record_from(&change.effect, &[FILLING]) {
            "it is recorded as filled only when its members are in it"
        } else if *earlier == Kind::AddMembers && later == Kind::RemoveMembers {
            "nobody is taken out before the additions of the group are made"
        } else if *earlier == Kind::RemoveMembers && strengthens(&change.effect) {
            "it becomes a security group only when those who have to leave it are out"
        } else if *extent != Extent::Short && record_from(&change.effect, &AWAY) {
            "it is recorded as in use again only when its other changes are made"
        } else {
            return None;
        };
        Some(format!("{reason}: {why}"))
    }
}

/// Whether everything else of a group takes for granted that this was done.
fn is_a_condition(kind: Kind) -> bool {
    matches!(kind, Kind::Create | Kind::Restore | Kind::Adopt | Kind::Release | Kind::Disable)
}

fn is_naming(kind: Kind) -> bool {
    matches!(kind, Kind::Rename | Kind::Move | Kind::Quarantine)
}

/// Whether a distribution group becomes a security group: the sign of `groupType` is its security
/// bit (MS-ADTS 2.2.12).
fn strengthens(effect: &Effect) -> bool {
    matches!(effect, Effect::Convert { from, to } if *from >= 0 && *to < 0)
}

/// Whether it changes nothing but the pre-Windows 2000 name.
fn names_account(effect: &Effect) -> bool {
    let Effect::Update { attributes } = effect else { return false };
    attributes.iter().all(|attribute| attribute.name == "sAMAccountName")
}

const FILLING: RecordState = RecordState::Filling;
const AWAY: [RecordState; 2] = [RecordState::Disabled, RecordState::Quarantined];

/// Whether it changes nothing but the record, from one of these states to something else.
fn record_from(effect: &Effect, states: &[RecordState]) -> bool {
    let Effect::Update { attributes } = effect else { return false };
    attributes.iter().all(|attribute| attribute.name == "extensionName")
        && attributes.iter().any(|attribute| was(attribute, states))
}

fn was(attribute: &AttributeChange, states: &[RecordState]) -> bool {
    let record = attribute.before.as_deref().and_then(OwnershipRecord::parse);
    record.is_some_and(|record| states.contains(&record.state))
}

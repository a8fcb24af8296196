//! The first look at an object, before anything is written to it.
//!
//! Input: the change that comes first, and the object as it was just read. Output: its place, or
//! why nothing is done to it. A plan is made from a listing that may be minutes old: meanwhile the
//! object may have been deleted, moved, or given to somebody else.

use super::ending::{Ending, lost_sync};
use super::step::{Answer, Seen, Sight};
use super::{Place, Stepper, Work, outside};
use crate::defence::stands;
use crate::directory::observe::is_record;
use crate::model::change::Kind;
use crate::model::{AttributeName, Effect, ObjectGuid, ObjectId, Outcome, OwnershipRecord};

/// What an object that is not ours yet has to show: that it is a group, and nothing privileged.
const BEFORE_ADOPTION: [&str; 3] = ["objectClass", "adminCount", "isCriticalSystemObject"];

/// What the first look for a change asks for beyond the marks.
pub(super) fn asked_for(effect: &Effect) -> Vec<AttributeName> {
    match effect.kind() {
        Kind::Adopt => BEFORE_ADOPTION.into_iter().map(AttributeName::from).collect(),
        Kind::Release
        | Kind::Handover
        | Kind::Rename
        | Kind::Move
        | Kind::Update
        | Kind::Convert
        | Kind::Restore
        | Kind::Create
        | Kind::AddMembers
        | Kind::RemoveMembers
        | Kind::Disable
        | Kind::Quarantine
        | Kind::Delete
        | Kind::Freeze => Vec::new(),
    }
}

impl Stepper {
    /// Judges the first look at an object.
    pub(super) fn looked(&mut self, guid: ObjectGuid, answer: Answer) {
        let ending = match answer {
            Answer::Seen(Sight::There(seen)) => match self.accept(guid, seen) {
                Ok(()) => {
                    self.work = None;
                    return;
                }
                Err(ending) => *ending,
            },
            Answer::Seen(Sight::Absent) => match self.changes.get(self.position) {
                Some(change) if change.effect.kind() == Kind::Delete => {
                    Ending::of(Outcome::AlreadySo { object: Some(guid) })
                }
                Some(_) | None => Ending::failed("the group is not in the directory any more"),
            },
            Answer::Unseen(message) => {
                let message = format!("the group could not be read: {message}");
                Ending::unheard(Outcome::Failed { message })
            }
            Answer::Done
            | Answer::Refused(_)
            | Answer::Busy(_)
            | Answer::Lost(_)
            | Answer::Waited => lost_sync(),
        };
        self.work = Some(Work::Look { guid, attributes: Vec::new(), ending: Some(ending) });
    }

    /// Takes the object as that of the change's cloud group for the rest of the pass, or says why
    /// not.
    fn accept(&mut self, guid: ObjectGuid, seen: Seen) -> Result<(), Box<Ending>> {
        let change = self.changes.get(self.position).ok_or_else(lost_sync)?;
        let group = change.group;
        let record = record_of(&seen, group, self.owner.as_deref());
        let refused = if seen.guid != guid {
            Some("another object is there now".to_owned())
        } else if change.effect.kind() == Kind::Adopt {
            // Where an earlier answer was lost it carries our record already.
            unfit(&seen).filter(|_| record.is_none())
        } else if let Some(record) = record {
            // How a group ends is for its own policy to say.
            let by_another = change.effect.kind().ends_use() && record.policy != change.policy;
            let message = "its ownership record names another policy by now";
            (by_another && stands("H38")).then(|| message.to_owned())
        } else {
            let message = "it does not carry our ownership record of its cloud group any more";
            stands("H38").then(|| message.to_owned())
        };
        if let Some(message) = refused {
            return Err(Ending::failed(message).into());
        }
        let strayed = change.target.dn().key() != seen.dn.key();
        let place = Place { dn: seen.dn, group, strayed };
        if self.containers.admit(guid, place.dn.clone()).is_none() {
            return Err(outside(&place).into());
        }
        self.places.insert(guid, place);
        Ok(())
    }
}

/// Why an object cannot be adopted, as it stands now. `None` when nothing speaks against it.
fn unfit(seen: &Seen) -> Option<String> {
    let is = |name: &str, wanted: &str| {
        seen.values(name).iter().any(|value| value.eq_ignore_ascii_case(wanted))
    };
    let recorded = seen.values("extensionName").iter().find(|value| is_record(value));
    if let Some(text) = recorded {
        return Some(format!("it carries an ownership record by now: {text}"));
    }
    if !is("objectClass", "group") {
        return Some("it is no group".to_owned());
    }
    let privileged = is("adminCount", "1") || is("isCriticalSystemObject", "TRUE");
    (privileged && stands("H52")).then(|| "it is a privileged group by now".to_owned())
}

/// The record of a cloud group on an object, written by this owner; by any, where none is named.
pub(super) fn record_of(
    seen: &Seen,
    group: ObjectId,
    owner: Option<&str>,
) -> Option<OwnershipRecord> {
    let values = seen.values("extensionName").iter();
    let mut records = values.filter_map(|value| OwnershipRecord::parse(value));
    records.find(|record| record.id == group && owner.is_none_or(|owner| record.owner == owner))
}

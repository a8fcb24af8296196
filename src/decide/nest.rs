//! Which nested cloud groups a group holds: SEMANTICS "Members", the rows about cloud groups.
//!
//! Runs after all names are given: only then it is known which groups this pass writes.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::Inputs;
use crate::decide::claim::{Claim, Claims};
use crate::decide::holdings::Holdings;
use crate::decide::members::{Resolved, Tally};
use crate::defence::stands;
use crate::model::cloud::{Origin, Presence};
use crate::model::{FindingCode, Leave, ObjectGuid, ObjectId};

/// The groups that a pass writes.
#[derive(Debug, Default)]
pub struct Written {
    /// Existing groups, with a name for people.
    pub kept: BTreeMap<ObjectId, (ObjectGuid, String)>,
    /// Groups that are created or brought back.
    pub created: BTreeSet<ObjectId>,
}

/// What the verbs of this file look at.
#[derive(Debug)]
pub struct Nesting<'a> {
    inputs: &'a Inputs<'a>,
    claims: &'a Claims,
    holdings: &'a Holdings<'a>,
    written: &'a Written,
    /// Directory groups whose cloud group is missing, but not proven deleted: the read that lost
    /// the group may have lost its memberships as well.
    missed: BTreeSet<ObjectGuid>,
    /// Groups that their policy would let go of, which waits for a person.
    held: BTreeSet<ObjectId>,
}

/// What a nested cloud group is to its parent.
enum Child {
    /// A member, created first.
    Created,
    /// A member.
    Kept(ObjectGuid, String),
    /// Stays nested if it is, and is not added.
    Stays,
    /// The same, because its directory group is not ours.
    Foreign,
    /// Not nested.
    Out,
}

const NOT_YET: &str = "not nested yet, their own group not being written in this pass";
const FOREIGN: &str = "not added, their directory group not being ours";
const NOT_WRITTEN: &str = "not nested, not being written back (flag off, out of scope or deleted)";
const ITSELF: &str = "left out, the group itself";
const LOST: &str = "not linked any more; the groups that they led to stay members";
const HIDDEN_LINK: &str =
    "in doubt, being groups of the directory without a link; nothing is removed in this pass";

impl<'a> Nesting<'a> {
    /// Looks at what is gone. `written`: what this pass writes.
    pub fn new(
        inputs: &'a Inputs<'a>,
        claims: &'a Claims,
        holdings: &'a Holdings<'a>,
        written: &'a Written,
    ) -> Self {
        let is_listed = |id: &ObjectId| {
            let listing = inputs.cloud;
            listing.groups.value().contains_key(id) || listing.deleted.value().contains(id)
        };
        let missed = holdings
            .owned
            .iter()
            .filter(|(id, _)| !is_listed(id) && !is_deletion_confirmed(inputs, **id))
            .map(|(_, owned)| owned.group.guid)
            .collect();
        let lost = claims.shrunk.values().flat_map(|shrunk| &shrunk.lost);
        let held = lost.map(|change| change.group).collect();
        Self { inputs, claims, holdings, written, missed, held }
    }

    /// Gives each of the nested groups in `resolved` its place in the group `parent`.
    pub fn settle(&self, parent: ObjectId, resolved: &mut Resolved) {
        resolved.stay.extend(&self.missed);
        let mut tally = Tally::default();
        if let Some(own) = self.holdings.owned.get(&parent).map(|owned| owned.group.guid)
            && let Some(label) = resolved.present.remove(&own)
        {
            resolved.stay.insert(own);
            tally.add(FindingCode::MemberTypeSkipped, ITSELF, label);
        }
        for (child, label) in std::mem::take(&mut resolved.children) {
            if child == parent && stands("H48") {
                resolved.stay.extend(self.objects(child));
                tally.add(FindingCode::MemberTypeSkipped, ITSELF, label);
                continue;
            }
            match self.child(child) {
                Child::Created => {
                    resolved.created.insert(child, label);
                }
                Child::Kept(guid, name) => {
                    resolved.present.insert(guid, name);
                    resolved.stay.extend(self.objects(child));
                }
                Child::Stays => {
                    resolved.stay.extend(self.objects(child));
                    if self.objects(child).next().is_none() {
                        tally.add(FindingCode::ChildNotWrittenBack, NOT_YET, label);
                    }
                }
                Child::Foreign => {
                    resolved.stay.extend(self.objects(child));
                    tally.add(FindingCode::ChildForeign, FOREIGN, label);
                }
                Child::Out => self.out(child, &label, resolved, &mut tally),
            }
        }
        resolved.findings.extend(tally.findings());
    }

    /// A group that this daemon does not write. One that the directory masters, or that led to an
    /// object before, is in doubt as any member without its link.
    fn out(&self, child: ObjectId, label: &str, resolved: &mut Resolved, tally: &mut Tally) {
        if let Some(guid) = self.inputs.memory.counterparts.get(&child) {
            resolved.stay.insert(*guid);
            tally.add(FindingCode::LinkLost, LOST, label);
        } else if self.is_of_the_directory(child) {
            resolved.no_removal.get_or_insert_with(|| {
                let why = format!("the object of the nested group {label:?} is not known");
                (FindingCode::LinkLost, why)
            });
            tally.add(FindingCode::LinkLost, HIDDEN_LINK, label);
        } else {
            tally.add(FindingCode::ChildNotWrittenBack, NOT_WRITTEN, label);
        }
    }

    /// | the child | is |
    /// |---|---|
    /// | written, created or brought back by this pass | a member |
    /// | marks of it on an object that is not ours | Foreign |
    /// | which object is meant is in doubt | Stays |
    /// | its policy would let go of it, and a guard holds that | Stays |
    /// | Unknown, idle, over its limit, without a free name, held | Stays |
    /// | leaves, but not by one of the four events that end a nesting | Stays |
    /// | hard-deleted, which is not confirmed yet | Stays |
    /// | flag off, out of scope, soft-deleted or hard-deleted, its grace over or not | Out |
    /// | of no policy | Out |
    fn child(&self, id: ObjectId) -> Child {
        if self.written.created.contains(&id) {
            return Child::Created;
        }
        if self.held.contains(&id) {
            return Child::Stays;
        }
        if let Some((guid, label)) = self.written.kept.get(&id) {
            return Child::Kept(*guid, label.clone());
        }
        if self.holdings.strangers.contains_key(&id) {
            return Child::Foreign;
        }
        let owned = self.holdings.owned.get(&id);
        let leave = match self.claims.groups.get(&id) {
            _ if owned.is_some_and(|owned| !owned.is_certain()) => return Child::Stays,
            Some(Claim::Keep(_) | Claim::Unknown(..) | Claim::Idle(_)) => return Child::Stays,
            Some(Claim::Leaving(_, leave)) => *leave,
            Some(Claim::Departing(departing)) => departing.leave,
            None => return Child::Out,
        };
        let unproven = leave == Leave::HardDeleted && !is_deletion_confirmed(self.inputs, id);
        if leave.ends_nesting() && !unproven { Child::Out } else { Child::Stays }
    }

    /// Every directory object that carries a mark of the group: which one is meant may be in
    /// doubt, and what is in doubt is not taken out.
    fn objects(&self, id: ObjectId) -> impl Iterator<Item = ObjectGuid> + '_ {
        let remembered = self.inputs.memory.inventory.get(&id);
        self.holdings.marked.get(&id).into_iter().flatten().chain(remembered).copied()
    }

    /// Whether the directory masters the group, or once did.
    fn is_of_the_directory(&self, id: ObjectId) -> bool {
        let group = self.inputs.cloud.groups.value().get(&id);
        group.is_some_and(|group| match group.origin {
            Origin::Cloud => false,
            Origin::OnPremises(_) | Origin::Converted(_) | Origin::ConvertedUnreadable => true,
        })
    }
}

/// Whether a group is gone for good beyond doubt: a direct read does not find it now, and a listing
/// at least `confirmAfter` ago had already lost it.
pub fn is_deletion_confirmed(inputs: &Inputs<'_>, id: ObjectId) -> bool {
    let begun = inputs.cloud.groups.begun();
    let since = inputs.memory.absent_since.get(&id);
    inputs.presence.get(&id) == Some(&Presence::Absent)
        && since.is_some_and(|since| begun.duration_since(*since) >= inputs.confirm_after)
}

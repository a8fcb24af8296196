//! Which nested cloud groups a group holds: SEMANTICS "Members", the rows about cloud groups.
//!
//! Runs after all names are given: only then it is known which groups this pass writes.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::Inputs;
use crate::decide::claim::{Claim, Claims};
use crate::decide::holdings::Holdings;
use crate::decide::members::Resolved;
use crate::model::cloud::Origin;
use crate::model::directory::PrincipalClass;
use crate::model::{FindingCode, ObjectGuid, ObjectId};

/// The groups that a pass writes.
#[derive(Debug, Default)]
pub struct Written {
    /// Existing groups, with a name for people.
    pub kept: BTreeMap<ObjectId, (ObjectGuid, String)>,
    /// Groups that are created.
    pub created: BTreeSet<ObjectId>,
}

/// What the verbs of this file look at.
#[derive(Debug, Clone, Copy)]
pub struct Nesting<'a> {
    /// The inputs of the pass.
    pub inputs: &'a Inputs<'a>,
    /// Which policy each group belongs to.
    pub claims: &'a Claims,
    /// Whose directory groups are.
    pub holdings: &'a Holdings<'a>,
    /// The groups that are written.
    pub written: &'a Written,
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
    Foreign(ObjectGuid),
    /// Not nested.
    Out,
}

impl Nesting<'_> {
    /// Gives each of the nested groups in `resolved` its place in the group `parent`.
    pub fn settle(&self, parent: ObjectId, resolved: &mut Resolved) {
        for (child, label) in std::mem::take(&mut resolved.children) {
            if child == parent {
                let message = "the group is a member of itself, which is left out".to_owned();
                resolved.findings.push((FindingCode::MemberTypeSkipped, message));
                resolved.stay.extend(self.objects(child));
                continue;
            }
            let not_written = FindingCode::ChildNotWrittenBack;
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
                        let message = format!("the nested group {label:?} is not written yet");
                        resolved.findings.push((not_written, message));
                    }
                }
                Child::Foreign(guid) => {
                    resolved.stay.extend(self.objects(child));
                    let message = format!(
                        "the nested group {label:?} exists as {guid}, which is not ours: it is \
                         not added"
                    );
                    resolved.findings.push((FindingCode::ChildForeign, message));
                }
                Child::Out => {
                    if self.is_of_the_directory(child) {
                        resolved.untouched_classes.insert(PrincipalClass::Group);
                    }
                    let message = format!("the nested group {label:?} is not written back itself");
                    resolved.findings.push((not_written, message));
                }
            }
        }
    }

    fn child(&self, id: ObjectId) -> Child {
        if self.written.created.contains(&id) {
            return Child::Created;
        }
        if let Some((guid, label)) = self.written.kept.get(&id) {
            return Child::Kept(*guid, label.clone());
        }
        if let Some(stranger) = self.holdings.strangers.get(&id) {
            return Child::Foreign(stranger.guid);
        }
        let frozen = self.holdings.owned.get(&id).is_some_and(|owned| owned.frozen.is_some());
        match self.claims.groups.get(&id) {
            _ if frozen => Child::Stays,
            Some(Claim::Keep(_) | Claim::Unknown(..) | Claim::Idle(_)) => Child::Stays,
            Some(Claim::Leaving(_, leave)) if !leave.ends_nesting() => Child::Stays,
            Some(Claim::Leaving(..) | Claim::Delete(..)) | None => Child::Out,
        }
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
            Origin::OnPremises | Origin::Converted(_) | Origin::ConvertedUnreadable => true,
        })
    }
}

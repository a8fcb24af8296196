//! Groups that are let go of: our marks come off, everything else stays as it is.
//!
//! From the directory snapshot to a plan. What lies outside the containers is not touched, and
//! told.

use std::collections::BTreeSet;

use crate::decide::plan;
use crate::model::change::{AttributeChange, Cause, Change, Effect};
use crate::model::policy::Place;
use crate::model::{
    Containers, DirectoryGroup, DirectorySnapshot, ObjectGuid, ObjectId, OwnershipRecord, Plan,
    TenantId,
};

/// Which groups are let go of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The directory group of this cloud group.
    Group(ObjectId),
    /// This object.
    Object(ObjectGuid),
    /// Every group with our record.
    All,
}

/// What letting go comes to.
#[derive(Debug, Default)]
pub struct Released {
    /// One change for each group.
    pub plan: Plan,
    /// Groups that are meant and cannot be let go of, each with the reason.
    pub refused: Vec<String>,
}

/// Takes our record, and the mark of adopted groups, off the groups that are meant; with `anchor`
/// the anchors too. Groups in doubt are let go of like any other: all records of ours go.
pub fn release(
    directory: &DirectorySnapshot,
    containers: &Containers,
    (owner, tenant): (&str, TenantId),
    which: Which,
    anchor: bool,
) -> Released {
    let mut released = Released::default();
    for group in directory.groups.value().values() {
        let ours = group.records.iter().filter_map(|value| {
            let record = value.record.as_ref()?;
            (record.owner == owner && record.tenant == tenant).then_some((record, &value.text))
        });
        let ours: Vec<(&OwnershipRecord, &String)> = ours.collect();
        let Some((record, _)) = ours.first() else { continue };
        let is_meant = match which {
            Which::Group(id) => ours.iter().any(|(record, _)| record.id == id),
            Which::Object(guid) => group.guid == guid,
            Which::All => true,
        };
        if !is_meant {
            continue;
        }
        let Some(target) = containers.admit(group.guid, group.dn.clone()) else {
            let message = format!(
                "{} lies outside `directory.containers`, where nothing is written; move it back",
                group.dn
            );
            released.refused.push(message);
            continue;
        };
        released.plan.changes.push(Change {
            policy: record.policy.clone(),
            group: record.id,
            label: group.dn.leaf().to_owned(),
            target,
            effect: Effect::Release { attributes: marks(group, &ours, anchor) },
            cause: Cause::Policy(Place { file: "release".to_owned(), line: 1, column: 1 }),
        });
    }
    plan::arrange(&mut released.plan);
    released
}

/// What comes off.
fn marks(
    group: &DirectoryGroup,
    ours: &[(&OwnershipRecord, &String)],
    anchor: bool,
) -> Vec<AttributeChange> {
    let ids: BTreeSet<ObjectId> = ours.iter().map(|(record, _)| record.id).collect();
    let names_one =
        |text: &&String| ObjectId::from_any_anchor(text).is_some_and(|id| ids.contains(&id));
    let anchors = [
        ("adminDescription", &group.admin_description),
        ("msDS-ExternalDirectoryObjectId", &group.external_id),
    ];
    let anchors = anchors.into_iter().filter_map(|(name, value)| {
        let value = value.as_ref().filter(names_one).filter(|_| anchor)?;
        Some((name, value))
    });
    let records = ours.iter().map(|(_, text)| ("extensionName", *text));
    let mark = group.adopted.iter().map(|text| ("extensionName", text));
    let off = |(name, value): (&'static str, &String)| AttributeChange {
        name: name.into(),
        before: Some(value.clone()),
        after: None,
    };
    let mut attributes: Vec<_> = records.chain(mark).chain(anchors).map(off).collect();
    attributes.sort();
    attributes
}

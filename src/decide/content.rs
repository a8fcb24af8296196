//! What a written group holds beside its name and its members: attributes, type, record.
//!
//! From the cloud group and its policy to the attributes of a new group and to what differs on an
//! existing one. Table: SEMANTICS "What is written".

use std::collections::BTreeMap;

use crate::decide::convert::Conversion;
use crate::decide::holdings::Owned;
use crate::decide::name::cut;
use crate::decide::naming::Named;
use crate::decide::wanted::Wanted;
use crate::decide::{Inputs, adopt, cause, convert, form, mail};
use crate::model::change::{AttributeChange, Cause, Change, Effect, MemberReference};
use crate::model::directory::DeletedGroup;
use crate::model::memory::Intent;
use crate::model::policy::{MemberBasis, Mode, Upkeep};
use crate::model::record::RecordState;
use crate::model::{
    AttributeName, DirectoryGroup, FindingCode, OwnershipRecord, Principal, Sid, Target,
};

/// Longest `displayName` (schema rangeUpper 256).
const DISPLAY_NAME_UNITS_MAX: usize = 256;
/// Longest `description` (schema rangeUpper 1024).
const DESCRIPTION_UNITS_MAX: usize = 1024;
/// `groupType` bit of security groups (MS-ADTS 2.2.12).
const SECURITY_BIT: i32 = i32::MIN;

/// Whether a conversion takes the security bit off.
pub fn weakens(from: i32, to: i32) -> bool {
    from & SECURITY_BIT != 0 && to & SECURITY_BIT == 0
}

/// The texts that are too long for the directory, as findings.
pub fn cuts<'w>(group: &'w Wanted<'_>) -> impl Iterator<Item = (FindingCode, String)> + 'w {
    texts(group).into_iter().filter_map(|text| too_long(group, text))
}

fn too_long(
    group: &Wanted<'_>,
    (what, text, units_max): (&str, &str, usize),
) -> Option<(FindingCode, String)> {
    let name = &group.cloud.display_name;
    let message = || format!("the {what} of {name:?} is cut to {units_max} characters");
    (cut(text, units_max) != text).then(|| (FindingCode::Cut, message()))
}

fn texts<'w>(group: &'w Wanted<'_>) -> [(&'static str, &'w str, usize); 2] {
    let description = group.cloud.description.as_deref().unwrap_or_default();
    [
        ("displayName", group.cloud.display_name.as_str(), DISPLAY_NAME_UNITS_MAX),
        ("description", description, DESCRIPTION_UNITS_MAX),
    ]
}

/// Attributes that the policy adds but that cannot be written, or not whole, as findings.
pub fn unsuitable<'w>(
    inputs: &'w Inputs<'_>,
    group: &'w Wanted<'_>,
) -> impl Iterator<Item = (FindingCode, String)> + 'w {
    let unsuitable = group.shape.extras.keys().filter_map(|name| {
        let why = inputs.directory.unsuitable.get(name)?;
        Some((FindingCode::AttributeUnsuitable, format!("{name} is not written: {why}")))
    });
    let written = written_extras(inputs, group, group.owned.is_none());
    unsuitable.chain(
        written.filter_map(|(name, text, units_max)| too_long(group, (name, text, units_max))),
    )
}

/// What the attributes that the policy adds should hold; `first` at creation.
fn extras<'w>(
    inputs: &'w Inputs<'_>,
    group: &'w Wanted<'_>,
    first: bool,
) -> impl Iterator<Item = (AttributeName, Option<String>)> + 'w {
    written_extras(inputs, group, first).map(|(name, text, units_max)| {
        let value = Some(cut(text, units_max)).filter(|value| !value.trim().is_empty());
        (name.clone(), value.map(str::to_owned))
    })
}

/// The attributes that the policy adds and that are written, what it makes of them, and the
/// longest value.
fn written_extras<'w>(
    inputs: &'w Inputs<'_>,
    group: &'w Wanted<'_>,
    first: bool,
) -> impl Iterator<Item = (&'w AttributeName, &'w str, usize)> + 'w {
    let directory = inputs.directory;
    let suits = |name: &AttributeName| !directory.unsuitable.contains_key(name);
    let written = group
        .shape
        .extras
        .iter()
        .filter(move |(name, extra)| suits(name) && (first || extra.mode == Upkeep::Always));
    written.map(|(name, extra)| {
        let units_max = directory.limits.get(name).copied().unwrap_or(usize::MAX);
        (name, extra.value.as_str(), units_max)
    })
}

/// The attributes that follow the cloud and the anchor, with the values they should have.
fn attributes(inputs: &Inputs<'_>, group: &Wanted<'_>) -> BTreeMap<AttributeName, Option<String>> {
    let anchor = Some(group.cloud.id.anchor());
    let mut all = BTreeMap::from([("adminDescription".into(), anchor.clone())]);
    for (name, text, units_max) in texts(group) {
        // A NUL ends strings in some readers of the directory; a value of blanks alone is none.
        let text = cut(text, units_max).replace('\0', "");
        all.insert(name.into(), Some(text).filter(|text| !text.trim().is_empty()));
    }
    if inputs.directory.facts.has_external_id {
        all.insert("msDS-ExternalDirectoryObjectId".into(), anchor);
    }
    all
}

fn record(inputs: &Inputs<'_>, group: &Wanted<'_>, state: RecordState) -> OwnershipRecord {
    OwnershipRecord {
        owner: inputs.owner.to_owned(),
        tenant: inputs.cloud.tenant,
        policy: group.policy.name.clone(),
        id: group.cloud.id,
        state,
    }
}

/// Where a new group will stand; `None` when it cannot be created.
pub fn birthplace(inputs: &Inputs<'_>, group: &Wanted<'_>, named: &Named) -> Option<Target> {
    (named.sam.is_some() && group.written_type.is_some()).then_some(())?;
    inputs.containers.admit_new(named.dn.clone()?)
}

/// The changes that make a new group: the Add, its first members, and the record that says so.
pub fn creation(inputs: &Inputs<'_>, group: &Wanted<'_>, named: &Named) -> Vec<Change> {
    let Some(target) = birthplace(inputs, group, named) else { return Vec::new() };
    let (Some(sam), Some(group_type)) = (&named.sam, group.group_type()) else { return Vec::new() };
    let members: Vec<_> = group.resolved.references().collect();
    // Also without members: until the record says otherwise the group is part of a first
    // writeback that may have been cut short, and no base for the percentages of the guard.
    let record = record(inputs, group, RecordState::Filling);
    let mut values: Vec<_> = attributes(inputs, group)
        .into_iter()
        .chain(extras(inputs, group, true))
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    values.extend(mail::creation(inputs, group));
    values.push(("sAMAccountName".into(), sam.clone()));
    values.push(("groupType".into(), group_type.to_string()));
    values.push(("extensionName".into(), record.to_string()));
    values.sort();
    let change = |effect| Change {
        policy: group.policy.name.clone(),
        group: group.cloud.id,
        label: target.dn().leaf().to_owned(),
        target: target.clone(),
        effect,
        cause: Cause::Policy(group.policy.selection_place.clone()),
    };
    let mut changes = vec![change(Effect::Create { attributes: values })];
    if !members.is_empty() {
        changes.push(change(Effect::AddMembers { members, of: None }));
    }
    let activation = activation(inputs, group, record.to_string());
    changes.push(change(Effect::Update { attributes: vec![activation] }));
    changes
}

fn activation(inputs: &Inputs<'_>, group: &Wanted<'_>, before: String) -> AttributeChange {
    let after = record(inputs, group, RecordState::Active).to_string();
    AttributeChange { name: "extensionName".into(), before: Some(before), after: Some(after) }
}

/// What differs on an existing group. `conversion` is the verdict on its type; a group that comes
/// back is in use again only when it stands where it should, as what it should be.
pub fn updates(
    inputs: &Inputs<'_>,
    group: &Wanted<'_>,
    existing: (&Owned<'_>, &Named),
    conversion: &Conversion,
) -> Vec<(Effect, Cause)> {
    let (owned, named) = existing;
    let mut changes = Vec::new();
    changes.extend(adopt::adoption(inputs, owned));
    changes.extend(handover(group, owned));
    if group.policy.mode != Mode::CreateOnly {
        let attributes = differing(inputs, group, owned);
        if !attributes.is_empty() {
            let cause = cause::of_attributes(inputs, group, &attributes);
            changes.push((Effect::Update { attributes }, cause));
        }
    }
    let standing = owned.group.group_type;
    let scoped = convert::scoped(group, standing);
    if let Some(scoped) = scoped {
        changes.push(converted(inputs, group, standing, scoped));
    }
    if let Conversion::To(to) = conversion {
        changes.push(converted(inputs, group, scoped.unwrap_or(standing), *to));
    }
    let state = owned.record.state;
    let still_away = (state == RecordState::Quarantined && named.dn.is_none())
        || matches!(conversion, Conversion::Withheld(..));
    if state != RecordState::Active && !(group.returns() && still_away) {
        let attributes = vec![activation(inputs, group, standing_record(group, owned).to_string())];
        let cause = Cause::Policy(group.policy.selection_place.clone());
        changes.push((Effect::Update { attributes }, cause));
    }
    changes
}

fn converted(inputs: &Inputs<'_>, group: &Wanted<'_>, from: i32, to: i32) -> (Effect, Cause) {
    let changed = AttributeChange {
        name: "groupType".into(),
        before: Some(from.to_string()),
        after: Some(to.to_string()),
    };
    (Effect::Convert { from, to }, cause::of_attributes(inputs, group, &[changed]))
}

/// The record that stands there once the group belongs to the policy that writes it.
fn standing_record(group: &Wanted<'_>, owned: &Owned<'_>) -> OwnershipRecord {
    OwnershipRecord { policy: group.policy.name.clone(), ..owned.record.clone() }
}

/// The group goes from the policy in its record to the one that writes it now.
fn handover(group: &Wanted<'_>, owned: &Owned<'_>) -> Option<(Effect, Cause)> {
    let from = owned.record.policy.clone();
    if from == group.policy.name {
        return None;
    }
    let record = AttributeChange {
        name: "extensionName".into(),
        before: Some(owned.record_text.clone()),
        after: Some(standing_record(group, owned).to_string()),
    };
    let cause = Cause::Policy(group.policy.selection_place.clone());
    Some((Effect::Handover { from, record }, cause))
}

/// What brings a deleted group back: it stands under its name again, with the marks that deletion
/// took. Everything else is compared in the next pass, when the object can be read whole.
pub fn restoration(
    inputs: &Inputs<'_>,
    group: &Wanted<'_>,
    named: &Named,
    deleted: &DeletedGroup,
) -> Option<Change> {
    let target = inputs.containers.admit(deleted.guid, named.dn.clone()?)?;
    let anchor = group.cloud.id.anchor();
    let recorded = deleted.records.first().map(|value| value.text.clone());
    let record = record(inputs, group, RecordState::Filling).to_string();
    let mut marks = vec![
        ("adminDescription", deleted.admin_description.clone(), anchor.clone()),
        ("extensionName", recorded, record),
    ];
    if inputs.directory.facts.has_external_id {
        marks.push(("msDS-ExternalDirectoryObjectId", deleted.external_id.clone(), anchor));
    }
    // What deletion did not take, the mark of an adopted group with it, comes back by itself.
    let adopted = adopt::lost_mark(inputs, group, deleted);
    // Sent even when it stays: Samba looks whether it is free only when it is in the request.
    let sam = ("sAMAccountName", deleted.sam_account_name.clone(), named.sam.clone()?);
    let mut attributes: Vec<AttributeChange> = marks
        .into_iter()
        .filter(|(_, before, after)| before.as_ref() != Some(after))
        .chain([sam])
        .map(|(name, before, after)| AttributeChange {
            name: name.into(),
            before,
            after: Some(after),
        })
        .chain(adopted)
        .collect();
    attributes.sort();
    Some(Change {
        policy: group.policy.name.clone(),
        group: group.cloud.id,
        label: target.dn().leaf().to_owned(),
        target,
        effect: Effect::Restore { attributes },
        cause: cause_of_restoration(inputs, group),
    })
}

fn cause_of_restoration(inputs: &Inputs<'_>, group: &Wanted<'_>) -> Cause {
    let memory = inputs.memory;
    if memory.deleted.contains_key(&group.cloud.id) {
        Cause::Cloud("it is wanted again".to_owned())
    } else if memory.inventory.contains_key(&group.cloud.id) {
        Cause::Drift("it was deleted in the directory".to_owned())
    } else {
        Cause::Cloud("it is wanted again, or somebody deleted it".to_owned())
    }
}

/// An account that has the group as its primary group.
pub fn primary_member<'a>(inputs: &Inputs<'a>, group: &DirectoryGroup) -> Option<&'a Principal> {
    let rid = group.sid.as_ref().and_then(Sid::rid)?;
    let principals = inputs.directory.principals.value();
    principals.values().find(|principal| principal.primary_group == Some(rid))
}

fn differing(inputs: &Inputs<'_>, group: &Wanted<'_>, owned: &Owned<'_>) -> Vec<AttributeChange> {
    let standing = |name: &str| match name {
        "displayName" => owned.group.display_name.clone(),
        "description" => owned.group.description.clone(),
        "adminDescription" => owned.group.admin_description.clone(),
        "msDS-ExternalDirectoryObjectId" => owned.group.external_id.clone(),
        other => owned.group.values(other).first().cloned(),
    };
    let mut changes: Vec<_> = attributes(inputs, group)
        .into_iter()
        .chain(extras(inputs, group, false))
        .map(|(name, after)| AttributeChange { before: standing(&name), name, after })
        .filter(|change| change.before != change.after)
        .filter(|change| owned.adoption.is_none() || !adopt::is_mark(&change.name))
        .chain(mail::differing(inputs, group, owned.group))
        .filter(|change| !form::is_known(inputs, owned.group.guid, change))
        .collect();
    changes.sort();
    changes
}

/// What the group is meant to be, for memory.
pub fn intent(inputs: &Inputs<'_>, group: &Wanted<'_>, named: &Named) -> Intent {
    let mut attributes: BTreeMap<AttributeName, String> = attributes(inputs, group)
        .into_iter()
        .chain(extras(inputs, group, false))
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let more = [
        ("distinguishedName", named.dn.as_ref().map(ToString::to_string)),
        ("sAMAccountName", named.sam.clone()),
        ("groupType", group.group_type().map(|value| value.to_string())),
        ("extensionName", adopt::meant_mark(inputs, group)),
    ];
    attributes.extend(mail::creation(inputs, group));
    attributes.extend(more.into_iter().filter_map(|(name, value)| Some((name.into(), value?))));
    let members = group.resolved.references().filter_map(|member| match member {
        MemberReference::Existing { guid, .. } => Some(guid),
        MemberReference::Created { .. } => None,
    });
    Intent {
        generation: group.policy.generation,
        member_basis: Some(MemberBasis::of(group.policy)),
        attributes,
        members: members.collect(),
    }
}

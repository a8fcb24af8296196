//! The shape of a policy document, field by field, with its defaults.
//!
//! Input: the fields of the document. Output: a `Policy`; every mistake is noted with its place.
//! Fields and values of the contract that are not built yet are refused by name, and nothing is
//! read and then ignored.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::model::Dn;
use crate::model::policy::{
    FlagRule, GroupShape, GroupTypeRule, HiddenMembership, Matcher, MemberRules, Mode, NamePreset,
    Naming, OnHardDeleted, Policy, Selection, Upkeep,
};
use crate::yaml::{Fields, Mistake, Spot, Value};

use super::words::{self, Context};

/// `kind` of a policy.
pub const KIND: &str = "WritebackPolicy";

/// The lowest number claims a group; a million leaves room for any scheme of numbering.
const PRECEDENCE_MAX: u64 = 1_000_000;
const PRECEDENCE_DEFAULT: u32 = 100;

const LEAVE_OUT: &str = "leave the field out";

/// Reads the whole document.
pub(super) fn read(fields: &mut Fields<'_>, context: &mut Context<'_>) -> Option<Policy> {
    let version = fields.needed("apiVersion").and_then(|v| v.word(&["writeback/v1alpha1"], &[]));
    let kind = fields.needed("kind").and_then(|value| value.word(&[KIND], &["Approval"]));
    if kind.is_none() && fields.has("kind") {
        fields.waive_rest();
        return None;
    }
    let place = context.place(fields.spot());
    let name =
        fields.required_child("metadata", |metadata| metadata.needed("name")?.text_as(words::name));
    let spec = fields.required_child("spec", |spec| read_spec(spec, context));
    version?;
    kind?;
    let (name, spec) = (name?, spec?);
    Some(Policy {
        name,
        group_place: context.place(spec.group_spot),
        selection_place: context.place(spec.selection_spot.unwrap_or(fields.spot())),
        place,
        generation: context.generation,
        mode: spec.mode,
        suspend: spec.suspend,
        precedence: spec.precedence,
        selection: spec.selection,
        group: spec.group,
        members: spec.members,
        on_hard_deleted: spec.on_hard_deleted,
    })
}

struct Spec {
    mode: Mode,
    suspend: bool,
    precedence: u32,
    selection_spot: Option<Spot>,
    selection: Selection,
    group_spot: Spot,
    group: GroupShape,
    members: MemberRules,
    on_hard_deleted: OnHardDeleted,
}

fn read_spec(spec: &mut Fields<'_>, context: &mut Context<'_>) -> Option<Spec> {
    let mode = spec.required("mode");
    let suspend = spec.or("suspend", false);
    let precedence = spec.value("precedence").and_then(|v| v.whole(&(0..=PRECEDENCE_MAX)));
    let selection_spot = spec.key_spot("selection");
    let selection =
        spec.child_or_empty("selection", |selection| Some(read_selection(selection, context)));
    let group_spot = spec.key_spot("group").unwrap_or(spec.spot());
    let group = spec.required_child("group", |group| read_group(group, context));
    let members = spec.child_or_empty("members", |members| Some(read_members(members)));
    let on_hard_deleted = spec.child_or_empty("deletion", |deletion| Some(read_deletion(deletion)));
    spec.not_yet("adoption", LEAVE_OUT);
    spec.not_yet("guard", "leave the field out: the guards stand at their defaults");
    let selection = selection?;
    if selection.writeback_flag == FlagRule::Ignore && selection.include.is_none() {
        let spot = selection_spot.unwrap_or(spec.spot());
        context.warnings.push(Mistake::at(
            spot,
            "`spec.selection` takes every eligible group of the tenant, whatever its flag says",
            "add `include`, or keep the flag with `writebackFlag: Honour`",
        ));
    }
    Some(Spec {
        mode: mode?,
        suspend,
        precedence: precedence.map_or(Some(PRECEDENCE_DEFAULT), |n| u32::try_from(n).ok())?,
        selection_spot,
        selection,
        group_spot,
        group: group?,
        members: members?,
        on_hard_deleted: on_hard_deleted?,
    })
}

fn read_selection(selection: &mut Fields<'_>, context: &mut Context<'_>) -> Selection {
    let writeback_flag =
        choice(selection, "writebackFlag", &["HonourTenantDefault"], FlagRule::Honour);
    let hidden_membership = choice(selection, "hiddenMembership", &[], HiddenMembership::Skip);
    accept_only(selection, "roleAssignable", "Skip", &["Include"]);
    let include = selection.value("include").and_then(|value| {
        value.some_items(
            "leave `include` out to take everything eligible, or write an entry",
            |entry| read_matcher(&entry, context),
        )
    });
    let exclude = selection.list("exclude", |entry| read_matcher(&entry, context));
    Selection { writeback_flag, hidden_membership, include, exclude: exclude.unwrap_or_default() }
}

fn read_matcher(entry: &Value<'_>, context: &mut Context<'_>) -> Option<Matcher> {
    const FIELDS: [&str; 6] =
        ["types", "membership", "ids", "displayName", "memberOf", "expression"];
    let spot = entry.spot();
    entry.fields(|fields| {
        if !FIELDS.iter().any(|key| fields.has(key)) {
            entry.refuse(
                "has no condition and would match every group",
                "write one of types, membership, ids, displayName, or remove the entry",
            );
        }
        let types = read_set(fields, "types", |value| value.choice(&[]));
        let membership = read_set(fields, "membership", |value| value.choice(&[]));
        let ids = read_set(fields, "ids", |value| value.text_as(words::object_id));
        let name = fields.value("displayName");
        let display_name = name.as_ref().and_then(|value| value.text_as(words::pattern));
        if let Some(value) = name.filter(|_| display_name.is_some()) {
            context.warnings.push(Mistake::at(
                value.spot(),
                "`displayName` decides which groups are written, and every owner of a group can \
                 change its name",
                "use ids where that matters",
            ));
        }
        fields.not_yet("memberOf", "use types, membership, ids or displayName");
        fields.not_yet("expression", "use types, membership, ids or displayName");
        Some(Matcher { place: context.place(spot), types, membership, ids, display_name })
    })
}

/// A list of distinct values; an empty one would match nothing and is refused.
fn read_set<T: Ord + Clone>(
    fields: &mut Fields<'_>,
    key: &'static str,
    read: impl Fn(&Value<'_>) -> Option<T>,
) -> Option<BTreeSet<T>> {
    let mut set = BTreeSet::new();
    fields.value(key)?.some_items("leave it out to match any, or write a value", |item| {
        if !set.insert(read(&item)?) {
            item.refuse("is given twice", "keep one of the two");
        }
        Some(())
    })?;
    Some(set)
}

fn read_group(group: &mut Fields<'_>, context: &Context<'_>) -> Option<GroupShape> {
    const MAIL_SECURITY: &[&str] = &["UniversalMailEnabledSecurity"];
    let group_type = choice(group, "type", MAIL_SECURITY, GroupTypeRule::FromCloud);
    let container = group.required_child("container", |container| {
        container.not_yet("rules", "name one place with `value`");
        let mode = choice(container, "mode", &[], Upkeep::CreateOnly);
        if container.has("rules") && !container.has("value") {
            return None;
        }
        let value: Option<Dn> =
            container.needed("value").and_then(|v| v.text_as(|text| context.container(text)));
        Some((value?, mode))
    });
    let common_name = read_naming(group, "commonName", Upkeep::Always);
    let sam_account_name = read_naming(group, "samAccountName", Upkeep::CreateOnly);
    accept_only(group, "mail", "Never", &["WhenPrepared"]);
    group.not_yet("attributes", LEAVE_OUT);
    let (container, container_mode) = container?;
    Some(GroupShape {
        group_type,
        container,
        container_mode,
        common_name: common_name?,
        sam_account_name: sam_account_name?,
    })
}

fn read_naming(group: &mut Fields<'_>, key: &'static str, mode: Upkeep) -> Option<Naming> {
    group.child_or_empty(key, |naming| {
        naming.not_yet("expression", "use a `preset`");
        Some(Naming {
            preset: choice(naming, "preset", &[], NamePreset::GroupId),
            mode: choice(naming, "mode", &[], mode),
        })
    })
}

fn read_members(members: &mut Fields<'_>) -> MemberRules {
    accept_only(members, "mode", "Mirror", &["AddOnly"]);
    accept_only(members, "nested", "Keep", &["Flatten", "Skip"]);
    accept_only(members, "devices", "Skip", &["Include"]);
    members.not_yet("keep", LEAVE_OUT);
    let most = u64::try_from(MemberRules::MAXIMUM).unwrap_or(u64::MAX);
    let maximum = members.value("maximum").and_then(|value| value.whole(&(1..=most)));
    match maximum.and_then(|maximum| usize::try_from(maximum).ok()) {
        Some(maximum) => MemberRules { maximum_microsoft_365: maximum, maximum_security: maximum },
        None => MemberRules::default(),
    }
}

fn read_deletion(deletion: &mut Fields<'_>) -> OnHardDeleted {
    for key in ["onDisabled", "onOutOfScope", "onSoftDeleted"] {
        accept_only(deletion, key, "Retain", &["Disable", "Quarantine", "Delete"]);
    }
    if let Some(grace) = deletion.value("grace") {
        let most = Duration::from_hours(365 * 24);
        if grace.duration(&(Duration::ZERO..=most)).is_some_and(|grace| !grace.is_zero()) {
            grace.refuse("other than 0s is not supported yet", "write 0s, or leave the field out");
        }
    }
    deletion.not_yet("quarantineContainer", LEAVE_OUT);
    choice(deletion, "onHardDeleted", &["Disable", "Quarantine"], OnHardDeleted::Delete)
}

fn choice<T: DeserializeOwned>(
    fields: &mut Fields<'_>,
    key: &'static str,
    not_yet: &[&str],
    default: T,
) -> T {
    fields.value(key).and_then(|value| value.choice(not_yet)).unwrap_or(default)
}

/// A field whose only built value changes nothing: it is checked and not kept.
fn accept_only(
    fields: &mut Fields<'_>,
    key: &'static str,
    accepted: &'static str,
    not_yet: &[&str],
) {
    if let Some(value) = fields.value(key) {
        let _word: Option<&str> = value.word(&[accepted], not_yet);
    }
}

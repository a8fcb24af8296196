//! `spec.selection`: which cloud groups a policy takes.
//!
//! Input: its fields. Output: a `Selection`, and warnings about what takes everything, takes
//! nothing, or lets owners decide.

use std::collections::BTreeSet;

use crate::model::ObjectId;
use crate::model::policy::{
    FlagRule, HiddenMembership, Matcher, Membership, RoleAssignable, SelectableType, Selection,
};
use crate::policy::words::{self, Context};
use crate::yaml::{Fields, Spot, Value};

use super::{choice, condition};

/// What an entry may say; at least one of them.
const CONDITIONS: [&str; 6] =
    ["types", "membership", "ids", "displayName", "memberOf", "expression"];

const DECIDES: &str = "which groups are written";
const USE_INSTEAD: &str = "use ids or memberOf where that matters";

/// Reads the section; `spot` is where it starts, for warnings about the whole.
pub(super) fn read(fields: &mut Fields<'_>, spot: Spot, context: &mut Context<'_>) -> Selection {
    let writeback_flag = choice(fields, "writebackFlag", FlagRule::Honour);
    let hidden_membership = choice(fields, "hiddenMembership", HiddenMembership::Skip);
    let role_assignable = choice(fields, "roleAssignable", RoleAssignable::Skip);
    let mut entries = Vec::new();
    let include = fields.value("include").and_then(|value| {
        value.some_items(
            "leave `include` out to take everything eligible, or write an entry",
            |entry| {
                entries.push(entry.spot());
                read_matcher(&entry, context)
            },
        )
    });
    let exclude = fields.list("exclude", |entry| read_matcher(&entry, context));
    let exclude = exclude.unwrap_or_default();
    if writeback_flag == FlagRule::Ignore {
        warn_of_everything(include.as_deref(), &entries, spot, context);
    }
    warn_of_ids_taken_out(include.as_deref(), &entries, &exclude, context);
    Selection { writeback_flag, hidden_membership, role_assignable, include, exclude }
}

/// Whether every entry takes security groups alone.
pub(super) fn takes_security_only(selection: &Selection) -> bool {
    let security = BTreeSet::from([SelectableType::Security]);
    let include = selection.include.as_ref();
    include.is_some_and(|all| all.iter().all(|entry| entry.types.as_ref() == Some(&security)))
}

fn read_matcher(entry: &Value<'_>, context: &mut Context<'_>) -> Option<Matcher> {
    let place = context.place(entry.spot());
    entry.fields(|fields| {
        if !CONDITIONS.iter().any(|key| fields.has(key)) {
            let (last, others) = CONDITIONS.split_last()?;
            entry.refuse(
                "has no condition and would match every group",
                format!("write one of {} or {last}, or remove the entry", others.join(", ")),
            );
        }
        let types = read_set(fields, "types", |value| value.choice(&[]));
        let membership = read_set(fields, "membership", |value| value.choice(&[]));
        let ids = read_set(fields, "ids", |value| value.text_as(words::object_id));
        let name = fields.value("displayName");
        let display_name = name.as_ref().and_then(|value| value.text_as(words::pattern));
        if let Some(value) = name.filter(|_| display_name.is_some()) {
            context.warn(
                value.spot(),
                "`displayName` decides which groups are written, and every owner of a group can \
                 change it",
                USE_INSTEAD,
            );
        }
        let member_of = fields.value("memberOf").and_then(|v| v.text_as(words::object_id));
        let expression = fields.value("expression");
        let expression =
            expression.and_then(|value| condition(&value, DECIDES, USE_INSTEAD, context));
        Some(Matcher { place, types, membership, ids, display_name, member_of, expression })
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

/// Tells when a flag that does not count meets a selection without a condition.
fn warn_of_everything(
    include: Option<&[Matcher]>,
    entries: &[Spot],
    spot: Spot,
    context: &mut Context<'_>,
) {
    const MESSAGE: &str =
        "`spec.selection` takes every eligible group of the tenant, whatever its flag says";
    let Some(include) = include else {
        let remedy = "add `include`, or keep the flag with `writebackFlag: Honour`";
        return context.warn(spot, MESSAGE, remedy);
    };
    for (_, spot) in include.iter().zip(entries).filter(|(entry, _)| takes_any_group(entry)) {
        let remedy = "narrow this entry, or keep the flag with `writebackFlag: Honour`";
        context.warn(*spot, MESSAGE, remedy);
    }
}

fn takes_any_group(entry: &Matcher) -> bool {
    let Matcher { place: _, types, membership, ids, display_name, member_of, expression } = entry;
    let both_types = [SelectableType::Microsoft365, SelectableType::Security];
    let both_ways = [Membership::Assigned, Membership::Dynamic];
    ids.is_none()
        && display_name.is_none()
        && member_of.is_none()
        && expression.is_none()
        && types.as_ref().is_none_or(|types| both_types.iter().all(|one| types.contains(one)))
        && membership.as_ref().is_none_or(|ways| both_ways.iter().all(|one| ways.contains(one)))
}

/// Tells which entries take groups by an id that `exclude` takes out again.
fn warn_of_ids_taken_out(
    include: Option<&[Matcher]>,
    entries: &[Spot],
    exclude: &[Matcher],
    context: &mut Context<'_>,
) {
    let out = exclude.iter().filter_map(ids_alone).flatten().collect::<BTreeSet<&ObjectId>>();
    for (entry, spot) in include.unwrap_or_default().iter().zip(entries) {
        let ids = entry.ids.iter().flatten();
        for id in ids.filter(|id| out.contains(id)) {
            let message = format!("{id} is taken out again by `exclude`");
            context.warn(*spot, message, "remove it from one of the two");
        }
    }
}

/// The ids of an entry that asks for nothing else.
fn ids_alone(entry: &Matcher) -> Option<&BTreeSet<ObjectId>> {
    let Matcher { place: _, types, membership, ids, display_name, member_of, expression } = entry;
    let alone = types.is_none()
        && membership.is_none()
        && display_name.is_none()
        && member_of.is_none()
        && expression.is_none();
    ids.as_ref().filter(|_| alone)
}

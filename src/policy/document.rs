//! The shape of a policy document, field by field, with its defaults.
//!
//! Input: the fields of the document. Output: a `Policy`; every mistake is noted with its place.
//! Each section of `spec` has a file of its own, and nothing is read and then ignored.
//! Combinations that are allowed but can never do what they say become warnings.

mod adoption;
mod attributes;
mod deletion;
mod group;
mod guard;
mod members;
mod selection;

use serde::de::DeserializeOwned;

use crate::defence::stands;
use crate::model::Expression;
use crate::model::expression::Wanted;
use crate::model::policy::{
    Adoption, Deletion, FlagRule, GroupShape, GuardRules, MemberRules, Mode, Policy, Selection,
    Upkeep,
};
use crate::yaml::{Fields, Spot, Value};

use super::expression;
use super::words::{self, Context};

/// `kind` of a policy.
pub const KIND: &str = "WritebackPolicy";

/// The lowest number claims a group; a million leaves room for any scheme of numbering.
const PRECEDENCE_MAX: u64 = 1_000_000;
const PRECEDENCE_DEFAULT: u32 = 100;

/// Reads the whole document.
pub(super) fn read(fields: &mut Fields<'_>, context: &mut Context<'_>) -> Option<Policy> {
    let version = fields.needed("apiVersion").and_then(|v| v.word(&["writeback/v1alpha1"], &[]));
    let kind = words::kind(fields, KIND);
    if kind.is_none() && fields.has("kind") {
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
        members_place: context.place(spec.members_spot.unwrap_or(fields.spot())),
        place,
        generation: context.generation,
        mode: spec.mode,
        suspend: spec.suspend,
        precedence: spec.precedence,
        selection: spec.selection,
        group: spec.group,
        members: spec.members,
        deletion: spec.deletion,
        adoption: spec.adoption,
        guard: spec.guard,
    })
}

struct Spec {
    mode: Mode,
    suspend: bool,
    precedence: u32,
    selection_spot: Option<Spot>,
    members_spot: Option<Spot>,
    selection: Selection,
    group_spot: Spot,
    group: GroupShape,
    members: MemberRules,
    deletion: Deletion,
    adoption: Vec<Adoption>,
    guard: GuardRules,
}

/// What one section has to know of the others, to tell what can never happen.
#[derive(Clone, Copy)]
struct Around {
    /// `None` when it is missing or wrong.
    mode: Option<Mode>,
    flag: FlagRule,
    /// Whether every entry of the selection takes security groups alone.
    security_only: bool,
}

impl Around {
    /// The mode, where it takes no group and no member out. Observe is not meant: it shows what
    /// another mode would do.
    fn mode_that_only_adds(self) -> Option<&'static str> {
        match self.mode? {
            Mode::CreateOnly => Some("CreateOnly"),
            Mode::UpsertOnly => Some("UpsertOnly"),
            Mode::Observe | Mode::Sync => None,
        }
    }
}

fn read_spec(spec: &mut Fields<'_>, context: &mut Context<'_>) -> Option<Spec> {
    let mode = spec.required("mode");
    let suspend = spec.or("suspend", false);
    let precedence = spec.value("precedence").and_then(|v| v.whole(&(0..=PRECEDENCE_MAX)));
    let selection_spot = spec.key_spot("selection");
    let members_spot = spec.key_spot("members");
    let spot = selection_spot.unwrap_or(spec.spot());
    let selection =
        spec.child_or_empty("selection", |fields| Some(selection::read(fields, spot, context)));
    let around = Around {
        mode,
        flag: selection.as_ref().map_or(FlagRule::Honour, |selection| selection.writeback_flag),
        security_only: selection.as_ref().is_some_and(selection::takes_security_only),
    };
    let group_spot = spec.key_spot("group").unwrap_or(spec.spot());
    let group = spec.required_child("group", |fields| group::read(fields, around, context));
    let members =
        spec.child_or_empty("members", |fields| Some(members::read(fields, around, context)));
    let rules = group.as_ref().map_or([].as_slice(), |group| group.placement.rules.as_slice());
    let deletion = spec
        .child_or_empty("deletion", |fields| Some(deletion::read(fields, rules, around, context)));
    let adoption = adoption::read(spec, context);
    let guard_place = spec.key_spot("guard").map(|spot| context.place(spot));
    let guard = spec.child_or_empty("guard", |fields| {
        Some(GuardRules { place: guard_place, ..guard::read(fields, around, context) })
    });
    Some(Spec {
        mode: mode?,
        suspend,
        precedence: precedence.map_or(Some(PRECEDENCE_DEFAULT), |n| u32::try_from(n).ok())?,
        selection_spot,
        members_spot,
        selection: selection?,
        group_spot,
        group: group?,
        members: members?,
        deletion: deletion?,
        adoption,
        guard: guard?,
    })
}

/// The value of an enum, or its default when the field is absent.
fn choice<T: DeserializeOwned>(fields: &mut Fields<'_>, key: &'static str, default: T) -> T {
    fields.value(key).and_then(|value| value.choice(&[])).unwrap_or(default)
}

/// `mode` of a name, a place or an attribute.
fn upkeep(
    fields: &mut Fields<'_>,
    default: Upkeep,
    around: Around,
    context: &mut Context<'_>,
) -> Upkeep {
    let Some(value) = fields.value("mode") else { return default };
    let upkeep = value.choice(&[]).unwrap_or(default);
    if upkeep == Upkeep::Always && around.mode == Some(Mode::CreateOnly) {
        context.warn(
            value.spot(),
            "`mode: Always` never acts here: under `spec.mode` CreateOnly a group is set once",
            "write CreateOnly, or choose another `spec.mode`",
        );
    }
    upkeep
}

/// An expression (CEL) that gives what is wanted.
fn compiled(value: &Value<'_>, wanted: Wanted, context: &Context<'_>) -> Option<Expression> {
    value.text_as(|text| expression::compile(text, context.place(value.spot()), wanted))
}

/// A condition (CEL), with warnings about what it depends on: `decides` reads after "decides",
/// `use_instead` is the remedy.
fn condition(
    value: &Value<'_>,
    decides: &str,
    use_instead: &str,
    context: &mut Context<'_>,
) -> Option<Expression> {
    let condition = compiled(value, Wanted::Truth, context)?;
    if condition.reads.is_empty() {
        context.warn(
            value.spot(),
            "the condition is the same for every group: it reads nothing of `group`",
            "name a field such as group.mailNickname, or leave the condition out",
        );
    }
    let writable = condition.owner_writable();
    let fields = writable.iter().map(|field| format!("`group.{field}`")).collect::<Vec<_>>();
    let (decide, them) = if fields.len() == 1 { ("decides", "it") } else { ("decide", "them") };
    if !fields.is_empty() && stands("H54") {
        let fields = fields.join(" and ");
        let message =
            format!("{fields} {decide} {decides}, and every owner of a group can change {them}");
        context.warn(value.spot(), message, use_instead);
    }
    Some(condition)
}

/// Of two fields that say the same in two ways, only one may stand.
fn refuse_both(fields: &Fields<'_>, first: &str, second: &str) {
    if fields.has(first) && fields.has(second) {
        fields.refuse(second, format!("stands beside `{first}`"), "keep one of the two");
    }
}

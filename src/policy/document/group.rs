//! `spec.group`: type, place, names and attributes of the written groups.
//!
//! Input: its fields. Output: a `GroupShape`, and warnings about what changes nothing or lets
//! owners decide where their group stands.

use std::collections::BTreeMap;

use crate::model::Dn;
use crate::model::expression::Wanted;
use crate::model::policy::{
    ContainerRule, GroupShape, GroupTypeRule, MailRule, NamePreset, NameSource, Naming, Placement,
    Upkeep,
};
use crate::policy::words::Context;
use crate::yaml::{Fields, Value};

use super::{Around, attributes, choice, compiled, condition, refuse_both, upkeep};

/// Reads the section.
pub(super) fn read(
    fields: &mut Fields<'_>,
    around: Around,
    context: &mut Context<'_>,
) -> Option<GroupShape> {
    let group_type = choice(fields, "type", GroupTypeRule::FromCloud);
    let placement =
        fields.required_child("container", |container| read_placement(container, around, context));
    let common_name = read_naming(fields, "commonName", Upkeep::Always, around, context);
    let sam_account_name =
        read_naming(fields, "samAccountName", Upkeep::CreateOnly, around, context);
    let mail = choice(fields, "mail", MailRule::WhenPrepared);
    let attributes = attributes::read(fields, around, context);
    warn_of_type(fields, group_type, mail, around, context);
    Some(GroupShape {
        group_type,
        placement: placement?,
        common_name: common_name?,
        sam_account_name: sam_account_name?,
        mail,
        attributes,
    })
}

fn read_placement(
    container: &mut Fields<'_>,
    around: Around,
    context: &mut Context<'_>,
) -> Option<Placement> {
    let mode = upkeep(container, Upkeep::CreateOnly, around, context);
    if !container.has("value") && !container.has("rules") {
        container.refuse("value", "is missing", "add `value`, or `rules` for several places");
    }
    refuse_both(container, "value", "rules");
    let value = container.value("value").and_then(|value| {
        let place = context.place(value.spot());
        Some(ContainerRule { place, when: None, container: read_dn(&value, context)? })
    });
    let rules = container.value("rules").and_then(|value| read_rules(&value, context));
    let only = |rule| vec![rule];
    Some(Placement { rules: rules.or(value.map(only))?, mode })
}

fn read_dn(value: &Value<'_>, context: &Context<'_>) -> Option<Dn> {
    value.text_as(|text| context.container(text))
}

/// Tried from the first to the last; only the last has no condition.
fn read_rules(value: &Value<'_>, context: &mut Context<'_>) -> Option<Vec<ContainerRule>> {
    let entries = value.some_items("write a rule, or one place with `value`", Some)?;
    let mut seen = BTreeMap::new();
    let mut rules = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let is_last = index + 1 == entries.len();
        rules.extend(entry.fields(|rule| {
            let when = rule.value("when").and_then(|value| {
                const DECIDES: &str = "where a group stands";
                const USE_INSTEAD: &str =
                    "use group.id, group.kind or group.membership where that matters";
                let when = condition(&value, DECIDES, USE_INSTEAD, context)?;
                let line = value.spot().line;
                if let Some(line) = seen.insert(when.text.trim().to_owned(), line) {
                    value.refuse(
                        format!("is the condition of another rule too, on line {line}"),
                        "remove one of the two: the second is never reached",
                    );
                }
                Some(when)
            });
            match (rule.has("when"), is_last) {
                (true, true) => rule.refuse(
                    "when",
                    "stands in the last rule: a group that no rule takes would have no place",
                    "add a last rule with `value` alone",
                ),
                (false, false) => entry.refuse(
                    "has no `when`: the rules after it are never reached",
                    "give it a `when`, or move it to the end",
                ),
                (true, false) | (false, true) => {}
            }
            let value = rule.needed("value")?;
            let container = read_dn(&value, context)?;
            let place = context.place(entry.spot());
            Some(ContainerRule { place, when, container })
        }));
    }
    Some(rules)
}

fn read_naming(
    group: &mut Fields<'_>,
    key: &'static str,
    default: Upkeep,
    around: Around,
    context: &mut Context<'_>,
) -> Option<Naming> {
    let spot = group.key_spot(key).unwrap_or(group.spot());
    let place = context.place(spot);
    group.child_or_empty(key, |naming| {
        let mode = upkeep(naming, default, around, context);
        refuse_both(naming, "preset", "expression");
        let preset = choice(naming, "preset", NamePreset::GroupId);
        let Some(value) = naming.value("expression") else {
            return Some(Naming { place, source: NameSource::Preset(preset), mode });
        };
        let expression = compiled(&value, Wanted::Text, context)?;
        if expression.reads.is_empty() {
            context.warn(
                value.spot(),
                "the expression gives every group the same name: it reads nothing of `group`",
                "add a field such as group.mailNickname or group.id",
            );
        }
        Some(Naming { place, source: NameSource::Expression(expression), mode })
    })
}

/// Tells what was written down and changes nothing; defaults are passed over.
fn warn_of_type(
    fields: &Fields<'_>,
    group_type: GroupTypeRule,
    mail: MailRule,
    around: Around,
    context: &mut Context<'_>,
) {
    let leave_out = "leave the field out, or select Microsoft365 groups too";
    if let Some(spot) = fields.key_spot("type").filter(|_| around.security_only)
        && group_type != GroupTypeRule::FromCloud
    {
        context.warn(
            spot,
            "`spec.group.type` changes nothing: the selection takes security groups alone, and \
             those are always universal security groups",
            leave_out,
        );
    }
    let Some(spot) = fields.key_spot("mail") else { return };
    match mail {
        MailRule::WhenPrepared if around.security_only => context.warn(
            spot,
            "`spec.group.mail` changes nothing: the selection takes security groups alone, and \
             those have no mail attributes",
            leave_out,
        ),
        MailRule::WhenPrepared if group_type == GroupTypeRule::UniversalSecurity => context.warn(
            spot,
            "`spec.group.mail` changes nothing: `type: UniversalSecurity` has no mail attributes",
            "leave the field out, or write `type: UniversalMailEnabledSecurity`",
        ),
        MailRule::Never if group_type == GroupTypeRule::UniversalMailEnabledSecurity => {
            context.warn(
                spot,
                "`mail: Never` leaves nothing of a mail-enabled group but its security",
                "leave the field out, or write `type: UniversalSecurity`",
            );
        }
        MailRule::WhenPrepared | MailRule::Never => {}
    }
}

//! The fields of a cloud group as expressions see them.
//!
//! Input: the group as Graph told it. Output: values; an absent text is ''.

use crate::model::cloud::{CloudGroup, GroupKind};
use crate::model::expression::Field;
use crate::model::policy::Membership;

use super::value::Value;
use super::{Answer, Failure};

/// The value of one field.
pub(super) fn value(group: &CloudGroup, at: usize, field: Field) -> Answer<Value> {
    let optional = |text: &Option<String>| Value::text(text.as_deref().unwrap_or_default());
    let dynamic = match group.membership {
        Membership::Dynamic => true,
        Membership::Assigned => false,
    };
    Ok(match field {
        Field::Description => optional(&group.description),
        Field::DisplayName => Value::text(&group.display_name),
        Field::GroupTypes => {
            let unified = group.kind == GroupKind::Microsoft365;
            let types = [(dynamic, "DynamicMembership"), (unified, "Unified")];
            let has = types.into_iter().filter(|(has, _)| *has);
            Value::list(has.map(|(_, name)| Value::text(name)).collect())
        }
        Field::Id => Value::text(&group.id.to_string()),
        Field::Kind => Value::text(kind(group.kind)),
        Field::Mail => optional(&group.mail),
        Field::MailEnabled => match group.kind {
            GroupKind::Microsoft365
            | GroupKind::MailEnabledSecurity
            | GroupKind::DistributionList => Value::Truth(true),
            GroupKind::Security => Value::Truth(false),
            GroupKind::Unrecognised => return Err(unread(at, field)),
        },
        Field::MailNickname => optional(&group.mail_nickname),
        Field::Membership => Value::text(if dynamic { "Dynamic" } else { "Assigned" }),
        Field::RoleAssignable => Value::Truth(group.role_assignable),
        Field::SecurityEnabled => {
            Value::Truth(group.security_enabled.ok_or_else(|| unread(at, field))?)
        }
        Field::Visibility => optional(&group.visibility),
    })
}

fn kind(kind: GroupKind) -> &'static str {
    match kind {
        GroupKind::Microsoft365 => "Microsoft365",
        GroupKind::Security => "Security",
        GroupKind::MailEnabledSecurity => "MailEnabledSecurity",
        GroupKind::DistributionList => "DistributionList",
        GroupKind::Unrecognised => "Unrecognised",
    }
}

fn unread(at: usize, field: Field) -> Failure {
    Failure::new(at, format!("the tenant does not tell `group.{}`", field.name()))
}

//! Which cloud groups can be written, and as what: the tables of SEMANTICS 4 and 5.

use writeback::sim::world::{GroupKind, WorldGroup};

use crate::oracle::{DISTRIBUTION, Flag, SECURITY};

/// SEMANTICS 4, the table of kinds, with what the ready policies say of hidden and role-assignable
/// groups: nothing, so that they are left out.
pub(super) fn is_eligible(group: &WorldGroup) -> bool {
    let kind = match group.kind {
        GroupKind::Microsoft365 => known_type(group),
        GroupKind::Security => true,
        GroupKind::MailEnabledSecurity
        | GroupKind::DistributionList
        | GroupKind::Unusual { .. } => false,
    };
    let mastered = group.on_premises_sync_enabled == Some(true);
    let converted = group.on_premises_security_identifier.is_some();
    let hidden = group.visibility.as_deref() == Some("HiddenMembership");
    kind && !mastered && !converted && !hidden && group.role_assignable != Some(true)
}

/// SEMANTICS 4: unknown values are no reason to guess.
fn known_type(group: &WorldGroup) -> bool {
    let known = ["universaldistributiongroup", "universalsecuritygroup", MAIL_ENABLED];
    group.writeback_type.as_ref().is_none_or(|text| known.contains(&text.to_lowercase().as_str()))
}

const MAIL_ENABLED: &str = "universalmailenabledsecuritygroup";

/// SEMANTICS 4, the table of flags.
pub(super) fn is_flagged(group: &WorldGroup, flag: Flag) -> bool {
    match (flag, &group.kind) {
        (Flag::Ignore, _) => true,
        (Flag::Honour, GroupKind::Microsoft365) => group.writeback_enabled != Some(false),
        (Flag::Honour | Flag::RequireTrue, _) => group.writeback_enabled == Some(true),
    }
}

/// SEMANTICS 5: groupType, and whether mail attributes belong to it.
pub(super) fn directory_type(group: &WorldGroup) -> (i32, bool) {
    let of_cloud = group.writeback_type.as_deref().unwrap_or_default().to_lowercase();
    match (&group.kind, of_cloud.as_str()) {
        (GroupKind::Microsoft365, "universalsecuritygroup") => (SECURITY, false),
        (GroupKind::Microsoft365, MAIL_ENABLED) => (SECURITY, true),
        (GroupKind::Microsoft365, _) => (DISTRIBUTION, true),
        (_, _) => (SECURITY, false),
    }
}

//! Group scopes: which groups may hold which members, and which scope may become which.
//!
//! Input: groupType values and members. Output: the Win32 code a domain controller refuses with
//! (MS-ERREF 2.2), carried by result 53. The tables are those of "Active Directory security
//! groups" and of "Changing a group's scope or type" on learn.microsoft.com; the codes of refused
//! conversions are inferred from the nesting they would leave behind.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::refusal::Refusal;
use super::tree::{Object, Tree};

/// What groupType says (MS-ADTS 2.2.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Global,
    DomainLocal,
    Universal,
    /// Made by the system in CN=Builtin; treated as domain local.
    Builtin,
}

/// Security-enabled.
pub(super) const SECURITY: i64 = -0x8000_0000;
/// Security-enabled, global: what a group without groupType becomes (MS-SAMR 3.1.1.8.1).
pub(super) const SECURITY_GLOBAL: i64 = SECURITY | 2;

/// The scope in a groupType; 53/00002141 when the bits make no group.
pub(super) fn scope_of(group_type: i64) -> Result<Scope, Refusal> {
    match group_type {
        2 | SECURITY_GLOBAL => Ok(Scope::Global),
        4 | -0x7fff_fffc => Ok(Scope::DomainLocal),
        8 | -0x7fff_fff8 => Ok(Scope::Universal),
        -0x7fff_fffb => Ok(Scope::Builtin),
        _ => Err(Refusal::unwilling("00002141")),
    }
}

/// Whether groupType makes a security group.
pub(super) fn is_security(group_type: i64) -> bool {
    group_type & SECURITY != 0
}

/// Members as the tables know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Group(Scope),
    Foreign,
    Other,
}

fn member(object: &Object) -> Member {
    match object.class.name {
        "group" => {
            let scope = object.number("groupType").and_then(|kind| scope_of(kind).ok());
            Member::Group(scope.unwrap_or(Scope::Global))
        }
        "foreignSecurityPrincipal" => Member::Foreign,
        _ => Member::Other,
    }
}

/// `Ok` when a group of this scope may hold such a member; this is a forest of one domain.
fn may_hold(scope: Scope, member: Member) -> Result<(), &'static str> {
    use Scope::{Builtin, DomainLocal, Global, Universal};
    match (scope, member) {
        (DomainLocal | Builtin, _)
        | (Universal, Member::Group(Universal | Global) | Member::Other)
        | (Global, Member::Group(Global) | Member::Other) => Ok(()),
        (Universal, Member::Group(DomainLocal | Builtin)) => Err("00002146"),
        (Global, Member::Group(DomainLocal | Builtin)) => Err("00002144"),
        (Global, Member::Group(Universal)) => Err("00002145"),
        // Which code a universal group answers with is not documented; the one for accounts of
        // another domain is nearest.
        (Universal | Global, Member::Foreign) => Err("00002147"),
    }
}

impl Tree {
    /// Refuses a member that a group of this type cannot hold.
    pub(super) fn check_member(&self, group_type: i64, target: Uuid) -> Result<(), Refusal> {
        let scope = scope_of(group_type)?;
        let Some(object) = self.object(target) else { return Ok(()) };
        may_hold(scope, member(object)).map_err(Refusal::unwilling)
    }

    /// Refuses a change of groupType that the tables do not allow. `members` are those the group
    /// has when the change is done.
    pub(super) fn check_conversion(
        &self,
        group: &Object,
        from: i64,
        to: i64,
        members: &BTreeSet<Uuid>,
    ) -> Result<(), Refusal> {
        let (old, new) = (scope_of(from)?, scope_of(to)?);
        let has_primary = || {
            let rid = group.relative_identifier();
            rid.is_some_and(|rid| self.primary_members(rid).next().is_some())
        };
        if is_security(from) && !is_security(to) && has_primary() {
            return Err(Refusal::unwilling("00002149"));
        }
        match (old, new) {
            (Scope::Builtin, Scope::Builtin) => return Ok(()),
            (Scope::Builtin, _)
            | (_, Scope::Builtin)
            | (Scope::Global, Scope::DomainLocal)
            | (Scope::DomainLocal, Scope::Global) => return Err(Refusal::unwilling("00002141")),
            (Scope::Global | Scope::DomainLocal | Scope::Universal, _) => {}
        }
        if old == new {
            return Ok(());
        }
        for object in members.iter().filter_map(|guid| self.object(*guid)) {
            // An account group that would keep a universal member has a code of its own.
            let code = match may_hold(new, member(object)) {
                Ok(()) => continue,
                Err("00002145") => "00002182",
                Err(code) => code,
            };
            return Err(Refusal::unwilling(code));
        }
        for parent in group.sources("member").filter_map(|guid| self.object(guid)) {
            let scope = scope_of(parent.number("groupType").unwrap_or(SECURITY_GLOBAL))?;
            may_hold(scope, Member::Group(new)).map_err(Refusal::unwilling)?;
        }
        Ok(())
    }
}

//! Primary groups: an account is a member of the group that primaryGroupID names without standing
//! in its member attribute (MS-ADA3 2.120, MS-ADA2 2.43).
//!
//! Input: an account and the group it asks for. Output: refusals, and the two member attributes
//! that change with it.

use uuid::Uuid;

use super::super::nesting::is_security;
use super::super::refusal::Refusal;
use super::super::tree::{Object, Tree};

impl Tree {
    /// Whether the group is the primary group of the account.
    pub(super) fn is_primary_member(&self, group: &Object, account: Uuid) -> bool {
        let rid = group.relative_identifier();
        let primary = self.object(account).and_then(|object| object.number("primaryGroupID"));
        rid.is_some() && primary == rid.map(i64::from)
    }

    /// The new primary group has the account as a member and is a global or universal security
    /// group (MS-SAMR 3.1.1.8.2; samba's samldb_prim_group_change, modelled on Windows). The code
    /// is ERROR_DS_CANT_MOD_PRIMARYGROUPID.
    pub(super) fn check_primary_group(&self, account: &Object, rid: &str) -> Result<(), Refusal> {
        let same = account.text("primaryGroupID") == Some(rid);
        let group = rid.parse().ok().and_then(|rid| self.by_relative_identifier(rid));
        let suitable = group.and_then(|group| self.object(group)).is_some_and(|group| {
            let kind = group.number("groupType").unwrap_or_default();
            let member = group.targets("member").any(|member| member == account.guid);
            is_security(kind) && kind & 4 == 0 && member
        });
        if same || suitable { Ok(()) } else { Err(Refusal::unwilling("0000213A")) }
    }

    /// Gives an account another primary group: it leaves the member attribute of the new one and
    /// enters that of the old one (MS-SAMR 3.1.1.8.2).
    pub(in super::super) fn regroup(&mut self, account: Uuid, before: Option<i64>) {
        let after = self.object(account).and_then(|object| object.number("primaryGroupID"));
        if before == after {
            return;
        }
        let group = |tree: &Self, rid: Option<i64>| {
            let rid = rid.and_then(|rid| u32::try_from(rid).ok())?;
            tree.by_relative_identifier(rid)
        };
        if let Some(new) = group(self, after) {
            self.unlink(new, "member", account);
            self.touch(new);
        }
        if let Some(old) = group(self, before) {
            self.link(old, "member", account);
            self.touch(old);
        }
    }
}

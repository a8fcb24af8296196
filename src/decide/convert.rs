//! Whether a group changes its type, and why not where it should.
//!
//! From the type it has, the type it should have and the doubts about its members to one verdict.
//! Taking security off takes access away, putting it on gives access to whoever stands in the
//! group: neither is done in doubt.

use crate::decide::Inputs;
use crate::decide::content::{primary_member, weakens};
use crate::decide::holdings::Owned;
use crate::decide::wanted::Wanted;
use crate::model::FindingCode;
use crate::model::policy::Mode;

/// What becomes of a group's type in this pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conversion {
    /// It is as it should be, or its policy leaves it.
    None,
    /// It changes.
    To(i32),
    /// It should change and does not, for this reason.
    Withheld(FindingCode, String),
}

/// Judges the type of an existing group. `put_off` says why members that should not be in it are
/// left standing, where some are.
///
/// | change | left out |
/// |---|---|
/// | any | under CreateOnly, unless the group comes back |
/// | security to distribution | by policies that remove nothing; while removals are in doubt; while it is somebody's primary group |
/// | distribution to security | while members that should not be in it are left standing |
pub fn conversion(
    inputs: &Inputs<'_>,
    group: &Wanted<'_>,
    owned: &Owned<'_>,
    put_off: Option<&(FindingCode, String)>,
) -> Conversion {
    let (from, Some(to)) = (owned.group.group_type, group.group_type()) else {
        return Conversion::None;
    };
    if from == to || (group.policy.mode == Mode::CreateOnly && !group.returns()) {
        return Conversion::None;
    }
    let dn = &owned.group.dn;
    if weakens(from, to) {
        if group.policy.mode != Mode::Sync || group.last_good {
            return Conversion::None;
        }
        if let Some((code, why)) = &group.resolved.no_removal {
            let message = format!("{dn} is not made a distribution group: {why}");
            return Conversion::Withheld(*code, message);
        }
        if let Some(account) = primary_member(inputs, owned.group) {
            // MS-SAMR 3.1.1.8.4, ERROR_DS_HAVE_PRIMARY_MEMBERS.
            let message = format!(
                "{dn} is not made a distribution group: it is the primary group of {}; give that \
                 account another primary group",
                account.dn
            );
            return Conversion::Withheld(FindingCode::PrimaryGroupMember, message);
        }
    } else if let (Some((code, why)), true) = (put_off, weakens(to, from)) {
        let message = format!(
            "{dn} is not made a security group while members that should not be in it are not \
             removed: {why}"
        );
        return Conversion::Withheld(*code, message);
    }
    Conversion::To(to)
}

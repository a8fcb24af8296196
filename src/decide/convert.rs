//! Whether a group changes its type, and why not where it should.
//!
//! From the type it has, the type it should have and the doubts about its members to one verdict.
//! The scope comes first and for itself: every written group is universal, whatever else waits.
//! Taking security off takes access away, putting it on gives access to whoever stands in the
//! group: neither is done in doubt.

use crate::decide::content::{primary_member, weakens};
use crate::decide::holdings::Owned;
use crate::decide::wanted::Wanted;
use crate::decide::{Inputs, privilege};
use crate::model::FindingCode;
use crate::model::directory::{UNIVERSAL_DISTRIBUTION, UNIVERSAL_SECURITY};
use crate::model::policy::Mode;

/// The bits of `groupType` that say the scope: global, domain local, universal (MS-ADTS 2.2.12).
const SCOPE: i32 = 0b1110;

/// Whether the scope is universal.
pub fn is_universal(group_type: i32) -> bool {
    group_type & SCOPE == UNIVERSAL_DISTRIBUTION
}

/// The `groupType` with which a group that is not universal becomes so, security left as it is:
/// one modify changes one of the two, so that what is put off for the one does not hold the other.
pub fn scoped(group: &Wanted<'_>, standing: i32) -> Option<i32> {
    let is_left = group.policy.mode == Mode::CreateOnly && !group.returns();
    (group.group_type().is_some() && !is_left && !is_universal(standing))
        .then(|| universal(standing))
}

/// The universal type with the same security.
fn universal(group_type: i32) -> i32 {
    if weakens(group_type, UNIVERSAL_DISTRIBUTION) {
        UNIVERSAL_SECURITY
    } else {
        UNIVERSAL_DISTRIBUTION
    }
}

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

/// Judges the type of an existing group, its scope aside: see [`scoped`]. `put_off` says why
/// members that should not be in it are left standing, where some are.
///
/// | change | left out |
/// |---|---|
/// | any | under CreateOnly, unless the group comes back |
/// | security to distribution | by policies that remove nothing; while removals are in doubt; while it is somebody's primary group |
/// | distribution to security | while members that should not be in it are left standing |
/// | distribution to security | while a way leads from it into a protected group |
pub fn conversion(
    inputs: &Inputs<'_>,
    group: &Wanted<'_>,
    owned: &Owned<'_>,
    put_off: Option<&(FindingCode, String)>,
) -> Conversion {
    let standing = owned.group.group_type;
    let Some(to) = group.group_type() else { return Conversion::None };
    let from = if is_universal(standing) { standing } else { universal(standing) };
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
    } else if weakens(to, from)
        && let Some(path) = privilege::path(inputs, owned.group)
    {
        let message = format!("{dn} is not made a security group: {path}");
        return Conversion::Withheld(FindingCode::PrivilegedPath, message);
    }
    Conversion::To(to)
}

//! Which cloud groups a policy selects: kind, matchers, flag.
//!
//! Answers for one policy and one group; `claim` puts the answers of all policies together.

use crate::model::cloud::{Flag, Origin};
use crate::model::policy::{
    FlagRule, HiddenMembership, Matcher, Membership, Policy, SelectableType,
};
use crate::model::{CloudGroup, FindingCode, GroupKind};

/// What one policy says of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is selected.
    Selected,
    /// It would be, but its writeback flag is off.
    FlagOff,
    /// No entry takes it, or an exclusion takes it out.
    NotMatched,
    /// It can never be written back.
    Ineligible(FindingCode, String),
    /// The flag listing left it out: its flag is not known.
    FlagUnknown,
}

/// Judges `group` under `policy`. `flag` is what the flag listing says of the group, and is not
/// looked at where the policy ignores flags.
pub fn verdict(policy: &Policy, group: &CloudGroup, flag: Option<&Flag>) -> Verdict {
    if !matched(policy, group) {
        return Verdict::NotMatched;
    }
    if let Some((code, message)) = ineligible(policy, group) {
        return Verdict::Ineligible(code, message);
    }
    if policy.selection.writeback_flag == FlagRule::Ignore {
        return Verdict::Selected;
    }
    match flag {
        None => Verdict::FlagUnknown,
        Some(flag) if flag_is_on(policy, group, flag) => Verdict::Selected,
        Some(_) => Verdict::FlagOff,
    }
}

/// The flag table of SEMANTICS "Which groups".
pub fn flag_is_on(policy: &Policy, group: &CloudGroup, flag: &Flag) -> bool {
    match (policy.selection.writeback_flag, group.kind) {
        (FlagRule::Ignore, _) => true,
        (FlagRule::Honour, GroupKind::Microsoft365) => flag.is_enabled != Some(false),
        (FlagRule::Honour | FlagRule::RequireTrue, _) => flag.is_enabled == Some(true),
    }
}

fn matched(policy: &Policy, group: &CloudGroup) -> bool {
    let include = policy.selection.include.as_ref();
    include.is_none_or(|entries| entries.iter().any(|entry| holds(entry, group)))
        && !policy.selection.exclude.iter().any(|entry| holds(entry, group))
}

fn holds(matcher: &Matcher, group: &CloudGroup) -> bool {
    let kind = match group.kind {
        GroupKind::Microsoft365 => Some(SelectableType::Microsoft365),
        GroupKind::Security => Some(SelectableType::Security),
        GroupKind::MailEnabledSecurity | GroupKind::DistributionList | GroupKind::Unrecognised => {
            None
        }
    };
    let type_holds =
        matcher.types.as_ref().is_none_or(|types| kind.is_some_and(|kind| types.contains(&kind)));
    let membership: Membership = group.membership;
    type_holds
        && matcher.membership.as_ref().is_none_or(|all| all.contains(&membership))
        && matcher.ids.as_ref().is_none_or(|ids| ids.contains(&group.id))
        && matcher.display_name.as_ref().is_none_or(|re| re.is_match(&group.display_name))
}

/// The eligibility table of SEMANTICS "Which groups".
fn ineligible(policy: &Policy, group: &CloudGroup) -> Option<(FindingCode, String)> {
    let name = &group.display_name;
    match &group.origin {
        Origin::Cloud => {}
        Origin::OnPremises => {
            let message = format!("{name:?} is mastered on-premises and never written back");
            return Some((FindingCode::MasteredOnPremises, message));
        }
        Origin::Converted(sid) => {
            let message = format!(
                "{name:?} was converted from the directory group {sid}, which stays untouched \
                 until it is adopted"
            );
            return Some((FindingCode::ConvertedFromDirectory, message));
        }
        Origin::ConvertedUnreadable => {
            let message = format!("{name:?} was converted from a directory group with a bad SID");
            return Some((FindingCode::ConvertedFromDirectory, message));
        }
    }
    let kind = match group.kind {
        GroupKind::Microsoft365 | GroupKind::Security => None,
        GroupKind::MailEnabledSecurity => Some("a mail-enabled security group"),
        GroupKind::DistributionList => Some("a cloud distribution list"),
        GroupKind::Unrecognised => Some("of a kind this version does not know"),
    };
    if let Some(kind) = kind {
        let message = format!("{name:?} is {kind}, which cannot be written back");
        return Some((FindingCode::UnsupportedGroupKind, message));
    }
    if group.role_assignable {
        let message = format!("{name:?} can be assigned to directory roles and is left out");
        return Some((FindingCode::RoleAssignable, message));
    }
    if group.hidden_membership && policy.selection.hidden_membership == HiddenMembership::Skip {
        let message = format!(
            "the members of {name:?} are hidden in the cloud; the directory lets every account \
             read them; `hiddenMembership: Write` writes the group all the same"
        );
        return Some((FindingCode::HiddenMembership, message));
    }
    None
}

/// Whether an entry of the policy names the group by its id.
pub fn names_by_id(policy: &Policy, group: &CloudGroup) -> bool {
    let entries = policy.selection.include.iter().flatten();
    entries.filter_map(|entry| entry.ids.as_ref()).any(|ids| ids.contains(&group.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::policy::{
        GroupShape, GroupTypeRule, MemberRules, Mode, NamePreset, Naming, OnHardDeleted, Place,
        PolicyName, Selection, Upkeep,
    };
    use crate::model::{Digest, Dn, ObjectId};

    fn policy(rule: FlagRule) -> Policy {
        let place = Place { file: "p.yaml".to_owned(), line: 1, column: 1 };
        let naming = Naming { preset: NamePreset::GroupId, mode: Upkeep::Always };
        Policy {
            name: PolicyName::parse("p").unwrap(),
            place: place.clone(),
            group_place: place.clone(),
            selection_place: place,
            generation: Digest::of(b""),
            mode: Mode::Sync,
            suspend: false,
            precedence: 100,
            selection: Selection {
                writeback_flag: rule,
                hidden_membership: HiddenMembership::Skip,
                include: None,
                exclude: Vec::new(),
            },
            group: GroupShape {
                group_type: GroupTypeRule::FromCloud,
                container: Dn::parse("DC=x").unwrap(),
                container_mode: Upkeep::Always,
                common_name: naming,
                sam_account_name: naming,
            },
            members: MemberRules::default(),
            on_hard_deleted: OnHardDeleted::Delete,
        }
    }

    fn group(kind: GroupKind) -> CloudGroup {
        CloudGroup {
            id: ObjectId::parse("01234567-89ab-cdef-0123-456789abcdef").unwrap(),
            display_name: "sales".to_owned(),
            description: None,
            kind,
            membership: Membership::Assigned,
            hidden_membership: false,
            role_assignable: false,
            origin: Origin::Cloud,
        }
    }

    #[test]
    fn the_flag_table_holds_for_both_kinds() {
        use FlagRule::{Honour, Ignore, RequireTrue};
        use GroupKind::{Microsoft365, Security};
        use Verdict::{FlagOff, FlagUnknown, Selected};
        // The flag: not listed, null, false, true.
        for (rule, kind, expected) in [
            (Honour, Microsoft365, [FlagUnknown, Selected, FlagOff, Selected]),
            (Honour, Security, [FlagUnknown, FlagOff, FlagOff, Selected]),
            (RequireTrue, Microsoft365, [FlagUnknown, FlagOff, FlagOff, Selected]),
            (RequireTrue, Security, [FlagUnknown, FlagOff, FlagOff, Selected]),
            (Ignore, Microsoft365, [Selected, Selected, Selected, Selected]),
            (Ignore, Security, [Selected, Selected, Selected, Selected]),
        ] {
            let flags = [None, Some(None), Some(Some(false)), Some(Some(true))];
            let told = flags.map(|flag| {
                let flag = flag.map(|is_enabled| Flag { is_enabled, group_type: None });
                verdict(&policy(rule), &group(kind), flag.as_ref())
            });
            assert_eq!(told, expected, "{rule:?} {kind:?}");
        }
    }

    #[test]
    fn what_is_not_matched_is_not_judged_further() {
        let mut policy = policy(FlagRule::Ignore);
        policy.selection.include = Some(Vec::new());
        let told = verdict(&policy, &group(GroupKind::DistributionList), None);
        assert_eq!(told, Verdict::NotMatched);
    }
}

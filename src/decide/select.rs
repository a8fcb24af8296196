//! Which cloud groups a policy selects: kind, matchers, flag.
//!
//! Answers for one policy and one group; `claim` puts the answers of all policies together.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::expression::truth;
use crate::defence::stands;
use crate::model::cloud::{Flag, Origin, Unread};
use crate::model::policy::{
    FlagRule, HiddenMembership, Matcher, Membership, Policy, RoleAssignable, SelectableType,
};
use crate::model::{CloudGroup, Complete, FindingCode, GroupKind, ObjectId};

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
    /// Not enough is known of it, with the reason and, where one is worth telling, a finding.
    Unknown(String, Option<FindingCode>),
}

/// What a verdict rests on beside the policy and the group.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'a> {
    /// What the flag listing says of the group; not looked at where the policy ignores flags.
    pub flag: Option<&'a Flag>,
    /// The group has, or had, a directory group of ours.
    pub owned: bool,
    /// The tenant writes back new Microsoft 365 groups whose flag is null; `None`: not read.
    pub new_groups: Option<bool>,
    /// The direct members of the control groups that were read.
    pub controls: &'a Controls,
}

/// The direct members of control groups, or why they are unread.
pub type Controls = BTreeMap<ObjectId, Result<Complete<BTreeSet<ObjectId>>, Unread>>;

/// What is said where the flag listing has no entry for a group: that is never taken as null.
pub const FLAG_UNKNOWN: &str = "the flag listing left the group out";

/// Judges `group` under `policy`.
pub fn verdict(policy: &Policy, group: &CloudGroup, grounds: Grounds<'_>) -> Verdict {
    match matched(policy, group, grounds.controls) {
        Ok(true) => {}
        Ok(false) => return Verdict::NotMatched,
        Err(reason) => return Verdict::Unknown(reason, Some(FindingCode::ExpressionFailed)),
    }
    if let Some((code, message)) = ineligible(policy, group, grounds.owned) {
        return Verdict::Ineligible(code, message);
    }
    if policy.selection.writeback_flag == FlagRule::Ignore {
        return Verdict::Selected;
    }
    let unknown = |what: &str| Verdict::Unknown(what.to_owned(), None);
    let Some(flag) = grounds.flag else { return unknown(FLAG_UNKNOWN) };
    match flag_is_on(policy, group, flag, grounds) {
        Some(true) => Verdict::Selected,
        Some(false) => Verdict::FlagOff,
        None => unknown("the tenant's default for new groups is not known"),
    }
}

/// The flag table of SEMANTICS "Which groups"; `None` where the tenant's default decides and is
/// not known.
pub fn flag_is_on(
    policy: &Policy,
    group: &CloudGroup,
    flag: &Flag,
    grounds: Grounds<'_>,
) -> Option<bool> {
    match (policy.selection.writeback_flag, group.kind, flag.is_enabled) {
        (FlagRule::Ignore, _, _) => Some(true),
        (FlagRule::HonourTenantDefault, GroupKind::Microsoft365, None) if !grounds.owned => {
            grounds.new_groups
        }
        (FlagRule::Honour | FlagRule::HonourTenantDefault, GroupKind::Microsoft365, is_enabled) => {
            Some(is_enabled != Some(false))
        }
        (
            FlagRule::Honour | FlagRule::HonourTenantDefault | FlagRule::RequireTrue,
            _,
            is_enabled,
        ) => Some(is_enabled == Some(true)),
    }
}

/// Whether an entry includes the group and none excludes it. An expression that fails leaves that
/// open, unless another entry settles it.
fn matched(policy: &Policy, group: &CloudGroup, controls: &Controls) -> Result<bool, String> {
    let Entries { included, excluded } = entries(policy, group, controls);
    match (included, excluded) {
        (Ok(Inclusion::Nothing), _) | (_, Ok(Some(_))) => Ok(false),
        (Ok(Inclusion::Everything | Inclusion::Entry(_)), Ok(None)) => Ok(true),
        (Err(reason), _) | (_, Err(reason)) => Err(reason),
    }
}

/// Which entries of a selection take a group, or why that is not known.
#[derive(Debug)]
pub struct Entries<'p> {
    /// What includes it.
    pub included: Result<Inclusion<'p>, String>,
    /// The entry that excludes it.
    pub excluded: Result<Option<&'p Matcher>, String>,
}

/// What includes a group.
#[derive(Debug, Clone, Copy)]
pub enum Inclusion<'p> {
    /// The selection has no `include`: everything eligible is in it.
    Everything,
    /// The first entry that takes it.
    Entry(&'p Matcher),
    /// No entry takes it.
    Nothing,
}

/// Looks for the entries that take a group.
pub fn entries<'p>(policy: &'p Policy, group: &CloudGroup, controls: &Controls) -> Entries<'p> {
    let included = match &policy.selection.include {
        None => Ok(Inclusion::Everything),
        Some(all) => {
            let found = first(all, group, controls);
            found.map(|entry| entry.map_or(Inclusion::Nothing, Inclusion::Entry))
        }
    };
    Entries { included, excluded: first(&policy.selection.exclude, group, controls) }
}

/// The first entry that takes the group.
fn first<'p>(
    entries: &'p [Matcher],
    group: &CloudGroup,
    controls: &Controls,
) -> Result<Option<&'p Matcher>, String> {
    let mut answer = Ok(None);
    for entry in entries {
        match misses(entry, group, controls) {
            Ok(None) => return Ok(Some(entry)),
            Ok(Some(_)) => {}
            Err(reason) => answer = Err(reason),
        }
    }
    answer
}

/// The first condition of an entry that does not hold, by the name of its field; `None` where all
/// hold. Its expression is asked last.
pub fn misses(
    matcher: &Matcher,
    group: &CloudGroup,
    controls: &Controls,
) -> Result<Option<&'static str>, String> {
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
    let named = |name: &regex::Regex| name.is_match(&group.display_name);
    let plain = [
        ("types", type_holds),
        ("membership", matcher.membership.as_ref().is_none_or(|all| all.contains(&membership))),
        ("ids", matcher.ids.as_ref().is_none_or(|ids| ids.contains(&group.id))),
        ("displayName", matcher.display_name.as_ref().is_none_or(named)),
    ];
    if let Some((field, _)) = plain.into_iter().find(|(_, holds)| !holds) {
        return Ok(Some(field));
    }
    if let Some(control) = &matcher.member_of {
        match controls.get(control) {
            Some(Ok(members)) if members.value().contains(&group.id) => {}
            Some(Ok(_)) => return Ok(Some("memberOf")),
            Some(Err(unread)) => return Err(unread.reason.clone()),
            None => return Err(format!("the control group {control} was not read")),
        }
    }
    let Some(expression) = &matcher.expression else { return Ok(None) };
    Ok((!truth(expression, group)?).then_some("expression"))
}

/// The eligibility table of SEMANTICS "Which groups". A converted group counts once its directory
/// group is ours, and for the policy that adopts it.
fn ineligible(policy: &Policy, group: &CloudGroup, owned: bool) -> Option<(FindingCode, String)> {
    let name = &group.display_name;
    match &group.origin {
        Origin::Cloud => {}
        Origin::OnPremises(_) if !stands("H49") => {}
        Origin::OnPremises(_) => {
            let message = format!("{name:?} is mastered on-premises and never written back");
            return Some((FindingCode::MasteredOnPremises, message));
        }
        Origin::Converted(_) if owned || adopts(policy, group) => {}
        Origin::ConvertedUnreadable if owned => {}
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
    if group.role_assignable && policy.selection.role_assignable == RoleAssignable::Skip {
        let message = format!(
            "{name:?} can be assigned to directory roles and is left out; `roleAssignable: \
             Include` writes it all the same"
        );
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

/// Whether the policy gives the group a directory group.
fn adopts(policy: &Policy, group: &CloudGroup) -> bool {
    policy.adoption.iter().any(|entry| entry.group == group.id)
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
        ContainerRule, Deletion, GroupShape, GroupTypeRule, GuardRules, MailRule, MemberRules,
        Mode, NamePreset, NameSource, Naming, Place, Placement, PolicyName, Selection, Upkeep,
    };
    use crate::model::{Digest, Dn};

    fn policy(rule: FlagRule) -> Policy {
        let place = Place { file: "p.yaml".to_owned(), line: 1, column: 1 };
        let naming = Naming {
            place: place.clone(),
            source: NameSource::Preset(NamePreset::GroupId),
            mode: Upkeep::Always,
        };
        Policy {
            name: PolicyName::parse("p").unwrap(),
            place: place.clone(),
            group_place: place.clone(),
            selection_place: place.clone(),
            members_place: place.clone(),
            generation: Digest::of(b""),
            mode: Mode::Sync,
            suspend: false,
            precedence: 100,
            selection: Selection {
                writeback_flag: rule,
                hidden_membership: HiddenMembership::Skip,
                role_assignable: RoleAssignable::Skip,
                include: None,
                exclude: Vec::new(),
            },
            group: GroupShape {
                group_type: GroupTypeRule::FromCloud,
                placement: Placement {
                    rules: vec![ContainerRule {
                        place,
                        when: None,
                        container: Dn::parse("DC=x").unwrap(),
                    }],
                    mode: Upkeep::Always,
                },
                common_name: naming.clone(),
                sam_account_name: naming,
                mail: MailRule::WhenPrepared,
                attributes: Vec::new(),
            },
            members: MemberRules::default(),
            deletion: Deletion::default(),
            adoption: Vec::new(),
            guard: GuardRules::default(),
        }
    }

    fn group(kind: GroupKind) -> CloudGroup {
        CloudGroup {
            id: ObjectId::parse("01234567-89ab-cdef-0123-456789abcdef").unwrap(),
            display_name: "sales".to_owned(),
            description: None,
            mail: None,
            mail_nickname: None,
            security_enabled: None,
            visibility: None,
            kind,
            membership: Membership::Assigned,
            hidden_membership: false,
            role_assignable: false,
            origin: Origin::Cloud,
        }
    }

    static NOWHERE: Controls = BTreeMap::new();

    fn grounds(flag: Option<&Flag>) -> Grounds<'_> {
        Grounds { flag, owned: false, new_groups: Some(true), controls: &NOWHERE }
    }

    #[test]
    fn the_flag_table_holds_for_both_kinds() {
        use FlagRule::{Honour, Ignore, RequireTrue};
        use GroupKind::{Microsoft365, Security};
        use Verdict::{FlagOff, Selected};
        let unknown = || Verdict::Unknown(FLAG_UNKNOWN.to_owned(), None);
        // The flag: not listed, null, false, true.
        for (rule, kind, expected) in [
            (Honour, Microsoft365, [unknown(), Selected, FlagOff, Selected]),
            (Honour, Security, [unknown(), FlagOff, FlagOff, Selected]),
            (RequireTrue, Microsoft365, [unknown(), FlagOff, FlagOff, Selected]),
            (RequireTrue, Security, [unknown(), FlagOff, FlagOff, Selected]),
            (Ignore, Microsoft365, [Selected, Selected, Selected, Selected]),
            (Ignore, Security, [Selected, Selected, Selected, Selected]),
        ] {
            let flags = [None, Some(None), Some(Some(false)), Some(Some(true))];
            let told = flags.map(|flag| {
                let flag = flag.map(|is_enabled| Flag { is_enabled, group_type: None });
                verdict(&policy(rule), &group(kind), grounds(flag.as_ref()))
            });
            assert_eq!(told, expected, "{rule:?} {kind:?}");
        }
    }

    #[test]
    fn the_tenant_default_counts_for_null_on_a_group_that_is_not_written_yet() {
        use GroupKind::{Microsoft365, Security};
        let told = |kind, is_enabled, owned, new_groups| {
            let flag = Flag { is_enabled, group_type: None };
            let policy = policy(FlagRule::HonourTenantDefault);
            let grounds = Grounds { owned, new_groups, ..grounds(Some(&flag)) };
            flag_is_on(&policy, &group(kind), &flag, grounds)
        };
        for (kind, is_enabled, owned, default, expected) in [
            (Microsoft365, None, false, Some(true), Some(true)),
            (Microsoft365, None, false, Some(false), Some(false)),
            (Microsoft365, None, false, None, None),
            (Microsoft365, None, true, Some(false), Some(true)),
            (Microsoft365, Some(true), false, Some(false), Some(true)),
            (Microsoft365, Some(false), false, Some(true), Some(false)),
            (Security, None, false, Some(true), Some(false)),
            (Security, Some(true), false, Some(false), Some(true)),
        ] {
            let told = told(kind, is_enabled, owned, default);
            assert_eq!(told, expected, "{kind:?} {is_enabled:?} {owned} {default:?}");
        }
    }

    #[test]
    fn what_is_not_matched_is_not_judged_further() {
        let mut policy = policy(FlagRule::Ignore);
        policy.selection.include = Some(Vec::new());
        let told = verdict(&policy, &group(GroupKind::DistributionList), grounds(None));
        assert_eq!(told, Verdict::NotMatched);
    }
}

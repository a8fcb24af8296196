//! The tenant's groups as they are, whatever policies there are: kinds, flags, and for each
//! Microsoft 365 group what each policy would do.

use std::collections::BTreeSet;

use crate::decide::select::{Grounds, Verdict, verdict};
use crate::discover::judge::Judged;
use crate::discover::{
    Estate, Outlook, OutlookVerdict, PolicyOutlook, Problem, Setting, Told, fact, judge, number,
};
use crate::model::cloud::{Flag, OnPremisesGroupType, Origin};
use crate::model::policy::{GroupTypeRule, Membership, Mode, Policy};
use crate::model::{CloudGroup, CloudListing, Complete, FindingCode, GroupKind, ObjectId};

pub(super) fn tell(estate: &Estate<'_>, told: &mut Told) {
    let Ok(side) = &estate.tenant else { return };
    let listing = match side.listing {
        Ok(listing) => listing,
        Err(unread) => return told.unread("groups of the tenant", unread),
    };
    if let Err(unread) = &listing.flags {
        told.unread("writeback settings of groups", unread);
    }
    counts(listing, told);
    let survey = Survey { listing, owned: judge::owned(estate) };
    for group in listing.groups.value().values() {
        if let Some(problem) = survey.problem(estate, group) {
            told.problem(problem);
        }
    }
}

fn counts(listing: &CloudListing, told: &mut Told) {
    let groups: Vec<&CloudGroup> = listing.groups.value().values().collect();
    let count = |test: &dyn Fn(&CloudGroup) -> bool| {
        number(groups.iter().filter(|group| test(group)).count())
    };
    let native = |group: &CloudGroup| group.origin == Origin::Cloud;
    let unified = |group: &CloudGroup| group.kind == GroupKind::Microsoft365 && native(group);
    let security = |group: &CloudGroup| group.kind == GroupKind::Security && native(group);
    let mut facts = vec![fact("all", number(groups.len())), fact("Microsoft 365", count(&unified))];
    for (name, wanted) in [
        ("writeback not set", Setting::NotSet),
        ("writeback on", Setting::On),
        ("writeback off", Setting::Off),
        ("writeback unknown", Setting::Unknown),
    ] {
        let is_so = |group: &CloudGroup| unified(group) && setting(listing, group.id) == wanted;
        facts.push(fact(format!("Microsoft 365 with {name}"), count(&is_so)));
    }
    let on = |group: &CloudGroup| security(group) && setting(listing, group.id) == Setting::On;
    facts.extend([
        fact("security", count(&security)),
        fact("security with writeback on", count(&on)),
        fact("dynamic", count(&|group| group.membership == Membership::Dynamic)),
        fact("role-assignable", count(&|group| group.role_assignable)),
        fact("of hidden membership", count(&|group| group.hidden_membership)),
        fact("of a kind that is never written", count(&|group| native(group) && !can_be(group))),
        fact("converted from the directory", count(&is_converted)),
        fact("mastered on-premises", count(&|group| matches!(group.origin, Origin::OnPremises(_)))),
        fact("deleted and restorable", number(listing.deleted.value().len())),
    ]);
    told.section("cloud groups", facts);
}

fn can_be(group: &CloudGroup) -> bool {
    match group.kind {
        GroupKind::Microsoft365 | GroupKind::Security => true,
        GroupKind::MailEnabledSecurity | GroupKind::DistributionList | GroupKind::Unrecognised => {
            false
        }
    }
}

fn is_converted(group: &CloudGroup) -> bool {
    match group.origin {
        Origin::Converted(_) | Origin::ConvertedUnreadable => true,
        Origin::Cloud | Origin::OnPremises(_) => false,
    }
}

fn setting(listing: &CloudListing, id: ObjectId) -> Setting {
    match flag(listing, id).map(|flag| flag.is_enabled) {
        None => Setting::Unknown,
        Some(None) => Setting::NotSet,
        Some(Some(true)) => Setting::On,
        Some(Some(false)) => Setting::Off,
    }
}

fn flag(listing: &CloudListing, id: ObjectId) -> Option<&Flag> {
    listing.flags.as_ref().ok().map(Complete::value)?.get(&id)
}

/// What groups are judged by.
struct Survey<'a> {
    listing: &'a CloudListing,
    /// Those with a directory group of ours.
    owned: BTreeSet<ObjectId>,
}

impl Survey<'_> {
    /// What is wrong with a group whoever selects it.
    fn problem(&self, estate: &Estate<'_>, group: &CloudGroup) -> Option<Problem> {
        let name = &group.display_name;
        let (code, what) = match (&group.origin, group.kind) {
            (Origin::OnPremises(_), _) => return None,
            (Origin::Converted(sid), _) => (
                FindingCode::ConvertedFromDirectory,
                format!("{name:?} was converted from the directory group {sid}"),
            ),
            (Origin::ConvertedUnreadable, _) => (
                FindingCode::ConvertedFromDirectory,
                format!("{name:?} was converted from a directory group with a bad SID"),
            ),
            (Origin::Cloud, GroupKind::DistributionList) => (
                FindingCode::UnsupportedGroupKind,
                format!("{name:?} is a cloud distribution list"),
            ),
            (Origin::Cloud, GroupKind::MailEnabledSecurity) => (
                FindingCode::UnsupportedGroupKind,
                format!("{name:?} is a mail-enabled security group of the cloud"),
            ),
            (Origin::Cloud, GroupKind::Unrecognised) => (
                FindingCode::UnsupportedGroupKind,
                format!("{name:?} is of a kind that this version does not know"),
            ),
            (Origin::Cloud, GroupKind::Microsoft365 | GroupKind::Security) => {
                if !group.hidden_membership || self.is_selected(estate, group) {
                    return None;
                }
                let what = format!("the members of {name:?} are hidden in the cloud");
                (FindingCode::HiddenMembership, what)
            }
        };
        Some(Problem::finding(code, name, what))
    }

    fn is_selected(&self, estate: &Estate<'_>, group: &CloudGroup) -> bool {
        let standings = &judge::considered(estate).policies;
        standings.iter().any(|standing| self.judged(&standing.policy, group) == Verdict::Selected)
    }

    /// What one policy says of a group.
    fn judged(&self, policy: &Policy, group: &CloudGroup) -> Verdict {
        let grounds = Grounds {
            flag: flag(self.listing, group.id),
            owned: self.owned.contains(&group.id),
            new_groups: self.listing.new_groups.as_ref().ok().copied(),
            controls: &self.listing.controls,
        };
        verdict(policy, group, grounds)
    }
}

/// One line for each Microsoft 365 group that is born in the cloud.
pub(super) fn outlooks(estate: &Estate<'_>, found: &Judged) -> Vec<Outlook> {
    let Some(listing) = estate.tenant.as_ref().ok().and_then(|side| side.listing.ok()) else {
        return Vec::new();
    };
    let survey = Survey { listing, owned: judge::owned(estate) };
    let standings = judge::shown(estate);
    let of_group = |group: &CloudGroup| Outlook {
        name: group.display_name.clone(),
        id: group.id,
        setting: setting(listing, group.id),
        group_type: flag(listing, group.id)
            .and_then(|flag| flag.group_type.as_ref())
            .map(type_text),
        policies: standings
            .iter()
            .map(|policy| {
                let verdict = survey.judged(policy, group);
                let selected = || selected(policy, listing, group.id, found);
                let (verdict, what) = words(verdict, selected);
                PolicyOutlook { policy: policy.name.clone(), verdict, what }
            })
            .collect(),
    };
    let unified = listing
        .groups
        .value()
        .values()
        .filter(|group| group.kind == GroupKind::Microsoft365 && group.origin == Origin::Cloud);
    let mut outlooks: Vec<Outlook> = unified.map(of_group).collect();
    outlooks.sort();
    outlooks
}

/// What becomes of a group that the policy selects.
fn selected(
    policy: &Policy,
    listing: &CloudListing,
    id: ObjectId,
    found: &Judged,
) -> (OutlookVerdict, String) {
    let name = &policy.name;
    let taker = found.takers.get(&id);
    if policy.mode != Mode::Observe
        && let Some(other) = taker.filter(|taker| *taker != name)
    {
        return (OutlookVerdict::TakenByAnother, format!("selects it, but {other} has it"));
    }
    // A conflict leaves a group alone only where nobody has it yet.
    let blocked = found.blocked.get(&(name.clone(), id));
    let stops = |code: &&FindingCode| **code != FindingCode::PolicyConflict || taker.is_none();
    if let Some(code) = blocked.filter(stops) {
        return (OutlookVerdict::Blocked, format!("selects it, but does not write it: {code:?}"));
    }
    let kind = written_type(policy, flag(listing, id));
    let verb =
        if policy.mode == Mode::Observe || policy.suspend { "would write" } else { "writes" };
    (OutlookVerdict::Written, format!("{verb} it as {kind}"))
}

/// What is told of a group; `selected` says what becomes of one that the policy selects.
fn words(
    verdict: Verdict,
    selected: impl FnOnce() -> (OutlookVerdict, String),
) -> (OutlookVerdict, String) {
    match verdict {
        Verdict::Selected => selected(),
        Verdict::FlagOff => {
            (OutlookVerdict::FlagOff, "leaves it out: its writeback setting is not on".to_owned())
        }
        Verdict::NotMatched => (OutlookVerdict::NotSelected, "does not select it".to_owned()),
        Verdict::Ineligible(_, why) => (OutlookVerdict::Never, format!("leaves it out: {why}")),
        Verdict::Unknown(why, _) => (OutlookVerdict::Unknown, format!("cannot tell: {why}")),
    }
}

fn written_type(policy: &Policy, flag: Option<&Flag>) -> String {
    const DISTRIBUTION: &str = "a universal distribution group";
    const SECURITY: &str = "a universal security group";
    const MAIL_ENABLED: &str = "a mail-enabled universal security group";
    match policy.group.group_type {
        GroupTypeRule::UniversalDistribution => DISTRIBUTION.to_owned(),
        GroupTypeRule::UniversalSecurity => SECURITY.to_owned(),
        GroupTypeRule::UniversalMailEnabledSecurity => MAIL_ENABLED.to_owned(),
        GroupTypeRule::FromCloud => match flag.map(|flag| flag.group_type.as_ref()) {
            None => "the type that the tenant wants, which is not known".to_owned(),
            Some(None | Some(OnPremisesGroupType::UniversalDistribution)) => {
                DISTRIBUTION.to_owned()
            }
            Some(Some(OnPremisesGroupType::UniversalSecurity)) => SECURITY.to_owned(),
            Some(Some(OnPremisesGroupType::UniversalMailEnabledSecurity)) => {
                MAIL_ENABLED.to_owned()
            }
            Some(Some(OnPremisesGroupType::Unrecognised(other))) => {
                format!("{other:?}, a type this version does not know")
            }
        },
    }
}

fn type_text(kind: &OnPremisesGroupType) -> String {
    match kind {
        OnPremisesGroupType::UniversalDistribution => "universalDistributionGroup".to_owned(),
        OnPremisesGroupType::UniversalSecurity => "universalSecurityGroup".to_owned(),
        OnPremisesGroupType::UniversalMailEnabledSecurity => {
            "universalMailEnabledSecurityGroup".to_owned()
        }
        OnPremisesGroupType::Unrecognised(other) => other.clone(),
    }
}

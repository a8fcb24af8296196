//! The cloud side: token and rights, organization, licence, Microsoft's own writeback.

use std::collections::BTreeSet;

use crate::discover::{Code, Estate, Problem, Told, Value, fact, judge, text};
use crate::model::cloud::MemberKind;
use crate::model::policy::{Devices, HiddenMembership};
use crate::model::readiness::{Licence, MicrosoftWriteback, TenantReadiness};
use crate::model::{CloudMembers, Complete};

/// A right that is needed, those that do as well, and what for.
struct Need {
    right: &'static str,
    others: &'static [&'static str],
    purpose: &'static str,
}

/// What every pass needs (deploy/tenant).
const ALWAYS: [Need; 2] = [
    Need {
        right: "Group.Read.All",
        others: &["Group.ReadWrite.All"],
        purpose: "groups, their members and settings, and deleted groups",
    },
    Need {
        right: "User.Read.All",
        others: &["User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
        purpose: "the links of users to their on-premises accounts",
    },
];
const DEVICES: Need = Need {
    right: "Device.Read.All",
    others: &["Device.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
    purpose: "the devices in written groups",
};
const HIDDEN: Need = Need {
    right: "Member.Read.Hidden",
    others: &[],
    purpose: "the members of groups with hidden membership, which a policy writes",
};

/// Rights that are no excess although a pass works without them: parts of those above, and what
/// this command asks beyond them.
const HARMLESS: [&str; 7] = [
    "Group.Read.All",
    "User.Read.All",
    "GroupMember.Read.All",
    "GroupSettings.Read.All",
    "Device.Read.All",
    "Organization.Read.All",
    "OnPremDirectorySynchronization.Read.All",
];

pub(super) fn tell(estate: &Estate<'_>, members: &CloudMembers, told: &mut Told) {
    let side = match &estate.tenant {
        Ok(side) => side,
        Err(unread) => {
            told.incomplete = true;
            let subject = format!("tenant {}", estate.tenant_id);
            told.problem(Problem::new(Code::TenantUnavailable, subject, &unread.reason));
            told.section("tenant", vec![fact("reached", Value::Known(Some(false)))]);
            return;
        }
    };
    let readiness = side.readiness;
    let mut facts = vec![
        fact("reached", Value::Known(Some(true))),
        fact("id", text(readiness.tenant.to_string())),
    ];
    match &readiness.organization {
        Ok(organization) => {
            facts.push(fact("name", text(&organization.name)));
            let synchronises = organization.synchronises == Some(true);
            facts.push(fact("synchronises with a directory", Value::Known(Some(synchronises))));
        }
        Err(unread) => told.unread("organization", unread),
    }
    licence(readiness, told, &mut facts);
    writeback(readiness, told, &mut facts);
    facts.push(fact(
        "new Microsoft 365 groups are written back",
        Value::Known(readiness.new_groups.as_ref().ok().copied()),
    ));
    if let Err(unread) = &readiness.new_groups {
        told.unread("default for new groups", unread);
    }
    let granted = readiness.rights.iter().cloned().collect();
    facts.push(fact("granted rights", Value::List(granted)));
    let needed = needs(estate, members);
    let named = needed.iter().map(|need| need.right.to_owned()).collect();
    facts.push(fact("needed rights", Value::List(named)));
    rights(readiness, &needed, told);
    told.section("tenant", facts);
}

fn licence(readiness: &TenantReadiness, told: &mut Told, facts: &mut Vec<crate::discover::Fact>) {
    let name = "licence";
    match &readiness.licence {
        Ok(Licence::P1) => facts.push(fact(name, text("Entra ID P1"))),
        Ok(Licence::P2) => facts.push(fact(name, text("Entra ID P2"))),
        Ok(Licence::Missing) => {
            facts.push(fact(name, text("neither Entra ID P1 nor P2")));
            let what = "no service plan AAD_PREMIUM or AAD_PREMIUM_P2 is in force";
            told.problem(Problem::new(Code::LicenceMissing, "Entra ID P1", what));
        }
        Err(unread) => {
            facts.push(fact(name, text("unknown")));
            told.unread("licence", unread);
        }
    }
}

fn writeback(readiness: &TenantReadiness, told: &mut Told, facts: &mut Vec<crate::discover::Fact>) {
    let (first, second, devices) = match &readiness.writeback {
        MicrosoftWriteback::Told { version_1, version_2, devices } => {
            (*version_1, *version_2, *devices)
        }
        MicrosoftWriteback::Refused { .. } | MicrosoftWriteback::Unread(_) => (None, None, None),
    };
    for (version, feature, state) in
        [(1, "unifiedGroupWritebackEnabled", first), (2, "groupWriteBackEnabled", second)]
    {
        facts.push(fact(format!("Microsoft writeback version {version}"), Value::Known(state)));
        if state == Some(true) {
            let subject = format!("version {version}");
            let what = format!("{feature} is true");
            told.problem(Problem::new(Code::MicrosoftWritebackOn, subject, what));
        }
    }
    facts.push(fact("Microsoft device writeback", Value::Known(devices)));
    let unknown =
        |what: String| Problem::new(Code::MicrosoftWritebackUnknown, "versions 1 and 2", what);
    match &readiness.writeback {
        MicrosoftWriteback::Told { version_1: Some(_), version_2: Some(_), .. } => {}
        MicrosoftWriteback::Told { .. } => {
            told.problem(unknown("the tenant shows its features as null".to_owned()));
        }
        MicrosoftWriteback::Refused { right } => told.problem(unknown(format!(
            "the tenant refuses /directory/onPremisesSynchronization (403); the right for it is \
             {right}"
        ))),
        MicrosoftWriteback::Unread(unread) => {
            told.incomplete = true;
            told.problem(unknown(unread.reason.clone()));
        }
    }
}

/// What this estate needs, by its policies and by what is in the groups they take.
fn needs(estate: &Estate<'_>, members: &CloudMembers) -> Vec<Need> {
    let policies = judge::considered(estate);
    let any = |test: &dyn Fn(&crate::model::Policy) -> bool| {
        policies.policies.iter().any(|standing| test(&standing.policy))
    };
    let mut needs: Vec<Need> = ALWAYS.into();
    let is_device = |kind: &MemberKind| match kind {
        MemberKind::Device { .. } => true,
        MemberKind::Unreadable(witness) => *witness == "deviceId",
        MemberKind::User(_)
        | MemberKind::Group
        | MemberKind::DirectoryGroup(_)
        | MemberKind::Other(_) => false,
    };
    let read = members.of.values().flatten();
    let has_devices = read.flat_map(Complete::value).any(|member| is_device(&member.kind));
    if has_devices && any(&|policy| policy.members.devices == Devices::Include) {
        needs.push(DEVICES);
    }
    if any(&|policy| policy.selection.hidden_membership == HiddenMembership::Write) {
        needs.push(HIDDEN);
    }
    needs
}

fn rights(readiness: &TenantReadiness, needed: &[Need], told: &mut Told) {
    let granted = &readiness.rights;
    for need in needed {
        let enough = std::iter::once(&need.right).chain(need.others);
        if !enough.into_iter().any(|right| granted.contains(*right)) {
            let what = format!("the token lacks it; it is needed for {}", need.purpose);
            told.problem(Problem::new(Code::RightMissing, need.right, what));
        }
    }
    let expected: BTreeSet<&str> = needed.iter().map(|need| need.right).chain(HARMLESS).collect();
    for right in granted.iter().filter(|right| !expected.contains(right.as_str())) {
        let what = match needed.iter().find(|need| need.others.contains(&right.as_str())) {
            Some(need) => format!("the token carries it, where {} is enough", need.right),
            None => "the token carries it, and nothing needs it".to_owned(),
        };
        told.problem(Problem::new(Code::RightExcess, right, what));
    }
}

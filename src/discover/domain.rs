//! The directory side: domain controllers and domains, schema, recycle bin, containers, rights.

use std::collections::{BTreeMap, BTreeSet};

use crate::discover::{
    Code, Estate, Fact, Problem, Told, Value, fact, foreign, judge, number, text,
};
use crate::model::policy::MailRule;
use crate::model::readiness::{
    ContainerReadiness, ContainerState, DomainReadiness, EffectiveRights, GroupRights,
    SchemaReadiness,
};
use crate::model::{DirectorySnapshot, Dn};

/// The attributes of every group that are written whatever the policies say.
const NEEDED: [&str; 8] = [
    "member",
    "groupType",
    "sAMAccountName",
    "displayName",
    "description",
    "adminDescription",
    "extensionName",
    "cn",
];
/// Needed where the schema has them.
const NEEDED_WITH_SCHEMA: [&str; 1] = ["msDS-ExternalDirectoryObjectId"];
/// Needed where the directory is prepared for Exchange.
const NEEDED_WITH_EXCHANGE: [&str; 3] = ["mail", "proxyAddresses", "mailNickname"];
/// What the delegation gives besides: the other half of a rename, an attribute that policies may
/// add, and the five that Samba fills in while it restores a group.
const NO_EXCESS: [&str; 7] = [
    "name",
    "info",
    "isRecycled",
    "sAMAccountType",
    "objectCategory",
    "adminCount",
    "operatorCount",
];
/// The creator of a group becomes its owner, and an owner may change the access list.
const OF_THE_OWNER: &str = "nTSecurityDescriptor";

pub(super) fn tell(estate: &Estate<'_>, told: &mut Told) {
    let side = match &estate.domain {
        Ok(side) => side,
        Err(unread) => {
            told.incomplete = true;
            told.problem(Problem::new(Code::DomainUnavailable, "domain", &unread.reason));
            told.section("domain", vec![fact("reached", Value::Known(Some(false)))]);
            return;
        }
    };
    let readiness = side.readiness;
    let mut facts = vec![
        fact("reached", Value::Known(Some(true))),
        fact("domain controller", text(&readiness.server)),
        fact("product", text(if readiness.samba { "Samba" } else { "Windows Server" })),
        fact("domain", text(readiness.naming_context.to_string())),
        fact("domain functional level", text(level(readiness.domain_level))),
        fact("forest functional level", text(level(readiness.forest_level))),
    ];
    forest(readiness, told, &mut facts);
    match &readiness.schema {
        Ok(schema) => self::schema(schema, told, &mut facts),
        Err(unread) => told.unread("schema", unread),
    }
    recycle_bin(readiness, told, &mut facts);
    told.section("domain", facts);
    containers(readiness, told);
    let snapshot = match side.snapshot {
        Ok(snapshot) => Some(snapshot),
        Err(unread) => {
            told.unread("objects of the domain", unread);
            None
        }
    };
    groups(estate, readiness, snapshot, told);
    beyond(readiness, told);
}

fn forest(readiness: &DomainReadiness, told: &mut Told, facts: &mut Vec<Fact>) {
    match &readiness.controllers {
        Ok(names) => {
            facts.push(fact("domain controllers of the forest", Value::List(names.clone())));
        }
        Err(unread) => told.unread("domain controllers", unread),
    }
    let domains = match &readiness.domains {
        Ok(domains) => domains,
        Err(unread) => return told.unread("domains of the forest", unread),
    };
    facts.push(fact("domains of the forest", Value::List(domains.clone())));
    let own = readiness.naming_context.key();
    let is_other = |name: &&String| Dn::parse(name).is_ok_and(|dn| dn.key() != own);
    for other in domains.iter().filter(is_other) {
        let what = format!("the forest has it beside {}", readiness.naming_context);
        told.problem(Problem::new(Code::SeveralDomains, other, what));
    }
}

/// Names of functional levels (MS-ADTS 6.1.4.2).
fn level(level: Option<u32>) -> String {
    let name = match level {
        None => return "unknown".to_owned(),
        Some(0) => "Windows 2000",
        Some(1) => "Windows Server 2003 interim",
        Some(2) => "Windows Server 2003",
        Some(3) => "Windows Server 2008",
        Some(4) => "Windows Server 2008 R2",
        Some(5) => "Windows Server 2012",
        Some(6) => "Windows Server 2012 R2",
        Some(7) => "Windows Server 2016",
        Some(10) => "Windows Server 2025",
        Some(other) => return other.to_string(),
    };
    name.to_owned()
}

fn schema(schema: &SchemaReadiness, told: &mut Told, facts: &mut Vec<Fact>) {
    let version = match schema.version {
        None => "unknown".to_owned(),
        Some(47) => "47 (Windows Server 2008 R2)".to_owned(),
        Some(56) => "56 (Windows Server 2012)".to_owned(),
        Some(69) => "69 (Windows Server 2012 R2)".to_owned(),
        Some(87) => "87 (Windows Server 2016)".to_owned(),
        Some(88) => "88 (Windows Server 2019 or 2022)".to_owned(),
        Some(91) => "91 (Windows Server 2025)".to_owned(),
        Some(other) => other.to_string(),
    };
    facts.push(fact("schema version", text(version)));
    let exchange = match (schema.exchange_prepared, schema.exchange_version) {
        (false, _) => "no".to_owned(),
        (true, None) => "yes".to_owned(),
        (true, Some(version)) => format!("yes, schema {version} ({})", exchange_name(version)),
    };
    facts.push(fact("prepared for Exchange", text(exchange)));
    let anchors: Vec<String> = schema.anchors.iter().cloned().collect();
    facts.push(fact("anchor attributes", Value::List(anchors)));
    let all = ["adminDescription", "extensionName"].into_iter().chain(NEEDED_WITH_SCHEMA);
    for name in all.filter(|name| !schema.anchors.contains(*name)) {
        let what = "the schema does not have it";
        told.problem(Problem::new(Code::AnchorAttributeMissing, name, what));
    }
}

/// Which Exchange a `rangeUpper` belongs to (microsoft/CSS-Exchange).
fn exchange_name(version: u32) -> &'static str {
    match version {
        ..10_000 => "Exchange 2003 or older",
        10_000..14_000 => "Exchange 2007",
        14_000..15_000 => "Exchange 2010",
        15_000..15_317 => "Exchange 2013",
        15_317..17_000 => "Exchange 2016",
        17_000.. => "Exchange 2019 or Subscription Edition",
    }
}

fn recycle_bin(readiness: &DomainReadiness, told: &mut Told, facts: &mut Vec<Fact>) {
    let on = match &readiness.recycle_bin {
        Ok(on) => *on,
        Err(unread) => return told.unread("recycle bin", unread),
    };
    facts.push(fact("recycle bin", Value::Known(Some(on))));
    let domain = readiness.naming_context.to_string();
    match (readiness.samba, on) {
        (false, false) => {
            let what = "the Recycle Bin optional feature is not on";
            told.problem(Problem::new(Code::RecycleBinOff, domain, what));
        }
        (true, true) => {
            let what = "the Recycle Bin optional feature is on, and the domain controller is Samba";
            told.problem(Problem::new(Code::RecycleBinRefusesRestores, domain, what));
        }
        (false, true) | (true, false) => {}
    }
}

fn containers(readiness: &DomainReadiness, told: &mut Told) {
    let mut facts = Vec::new();
    for ContainerReadiness { dn, state } in &readiness.containers {
        let subject = dn.to_string();
        let state = match state {
            ContainerState::Outside => {
                let what = format!("it does not lie in {}", readiness.naming_context);
                told.problem(Problem::new(Code::ContainerOutsideDomain, &subject, what));
                "outside the domain".to_owned()
            }
            ContainerState::Missing => {
                let what = "it does not exist, or the account may not see it";
                told.problem(Problem::new(Code::ContainerMissing, &subject, what));
                "missing".to_owned()
            }
            ContainerState::Unread(unread) => {
                told.unread(&subject, unread);
                "unknown".to_owned()
            }
            ContainerState::There(rights) => container_rights(&subject, rights, told),
        };
        facts.push(fact(subject, text(state)));
    }
    told.section("containers", facts);
}

fn container_rights(subject: &str, rights: &EffectiveRights, told: &mut Told) -> String {
    let is_group = |class: &&String| class.eq_ignore_ascii_case("group");
    let creates = rights.child_classes.iter().any(|class| is_group(&class));
    if !creates {
        let what = "the account may not create groups in it";
        told.problem(Problem::new(Code::DirectoryRightMissing, subject, what));
    }
    let others: Vec<&str> =
        rights.child_classes.iter().filter(|c| !is_group(c)).map(String::as_str).collect();
    if !others.is_empty() {
        let what = format!("the account may also create there: {}", some(&others));
        told.problem(Problem::new(Code::DirectoryRightExcess, subject, what));
    }
    on_itself(subject, rights, told);
    if creates { "there, groups can be created" } else { "there, groups cannot be created" }.into()
}

/// Rights on an object that is never written itself.
fn on_itself(subject: &str, rights: &EffectiveRights, told: &mut Told) {
    let attributes: Vec<&str> = rights.attributes.iter().map(String::as_str).collect();
    if !attributes.is_empty() {
        let what = format!("the account may write on it: {}", some(&attributes));
        told.problem(Problem::new(Code::DirectoryRightExcess, subject, what));
    } else if rights.security {
        let what = "the account may change its owner or its access list";
        told.problem(Problem::new(Code::DirectoryRightExcess, subject, what));
    }
}

/// The first names of a list, and how many more there are.
fn some(names: &[&str]) -> String {
    /// Full control lists hundreds of attributes.
    const SHOWN_MAX: usize = 8;
    let shown = names.iter().take(SHOWN_MAX).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Rights on existing groups: what is missing on ours, what is too much on any of them. Groups of
/// the same lack or excess are told together.
fn groups(
    estate: &Estate<'_>,
    readiness: &DomainReadiness,
    snapshot: Option<&DirectorySnapshot>,
    told: &mut Told,
) {
    let groups = match &readiness.groups {
        Ok(groups) => groups,
        Err(unread) => return told.unread("rights on the groups in the containers", unread),
    };
    let needed = needed_attributes(estate, readiness);
    let mut alike: BTreeMap<(Code, String), Vec<&Dn>> = BTreeMap::new();
    for group in groups.iter().filter(|group| !group.protected) {
        let marked = snapshot.and_then(|all| all.groups.value().get(&group.guid));
        let ours = marked.is_some_and(|group| foreign::is_ours(estate, group));
        if ours {
            let missing = missing(&needed, &group.rights);
            if !missing.is_empty() {
                let what = format!("the account may not write {}", missing.join(", "));
                alike.entry((Code::DirectoryRightMissing, what)).or_default().push(&group.dn);
            }
        }
        let excess = excess(&needed, group, ours);
        if !excess.is_empty() {
            let what = format!("the account may also write {}", some(&excess));
            alike.entry((Code::DirectoryRightExcess, what)).or_default().push(&group.dn);
        }
    }
    for ((code, what), dns) in alike {
        let Some(first) = dns.first() else { continue };
        let subject = match dns.len() {
            1 => first.to_string(),
            2 => format!("{first} and 1 group like it"),
            count => format!("{first} and {} groups like it", count - 1),
        };
        told.problem(Problem::new(code, subject, what));
    }
    told.section("groups in the containers", vec![fact("all", number(groups.len()))]);
}

/// The attributes that this estate writes.
fn needed_attributes(estate: &Estate<'_>, readiness: &DomainReadiness) -> BTreeSet<String> {
    let mut needed: BTreeSet<String> = NEEDED.map(str::to_owned).into();
    let policies = || judge::considered(estate).policies.iter().map(|standing| &standing.policy);
    let writes_mail = policies().any(|policy| policy.group.mail == MailRule::WhenPrepared);
    if let Ok(schema) = &readiness.schema {
        let has = |name: &&str| schema.anchors.contains(*name);
        needed.extend(NEEDED_WITH_SCHEMA.iter().filter(|name| has(name)).map(|n| (*n).to_owned()));
        if schema.exchange_prepared && writes_mail {
            needed.extend(NEEDED_WITH_EXCHANGE.map(str::to_owned));
        }
    }
    let extras = policies().flat_map(|policy| &policy.group.attributes);
    needed.extend(extras.map(|attribute| attribute.name.to_string()));
    needed
}

fn has(names: &BTreeSet<String>, name: &str) -> bool {
    names.iter().any(|one| one.eq_ignore_ascii_case(name))
}

/// Windows asks for `name` on a rename, Samba lists `cn` alone: one of the two is enough.
fn missing(needed: &BTreeSet<String>, rights: &EffectiveRights) -> Vec<String> {
    let may = |name: &str| {
        has(&rights.attributes, name) || (name == "cn" && has(&rights.attributes, "name"))
    };
    needed.iter().filter(|name| !may(name)).cloned().collect()
}

fn excess<'g>(needed: &BTreeSet<String>, group: &'g GroupRights, ours: bool) -> Vec<&'g str> {
    let harmless = |name: &str| {
        has(needed, name)
            || NO_EXCESS
                .iter()
                .chain(&NEEDED_WITH_EXCHANGE)
                .any(|one| one.eq_ignore_ascii_case(name))
            || NEEDED_WITH_SCHEMA.iter().any(|one| one.eq_ignore_ascii_case(name))
            || (ours && name.eq_ignore_ascii_case(OF_THE_OWNER))
    };
    group.rights.attributes.iter().map(String::as_str).filter(|name| !harmless(name)).collect()
}

/// Rights where no delegation should reach.
fn beyond(readiness: &DomainReadiness, told: &mut Told) {
    let found = match &readiness.beyond {
        Ok(found) => found,
        Err(unread) => return told.unread("rights on the domain itself", unread),
    };
    for (dn, rights) in found {
        let subject = dn.to_string();
        let classes: Vec<&str> = rights.child_classes.iter().map(String::as_str).collect();
        if !classes.is_empty() {
            let what = format!("the account may create there: {}", some(&classes));
            told.problem(Problem::new(Code::DirectoryRightExcess, &subject, what));
        }
        on_itself(&subject, rights, told);
    }
}

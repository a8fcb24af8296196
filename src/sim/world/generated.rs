//! Worlds of any size: every special case once, then a random mix.
//!
//! Input: a seed and how many people and groups. Output: a [`World`] that is the same for the
//! same input, so that a failing test names its world by three numbers.

use std::collections::BTreeSet;

use fastrand::Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    DOMAIN_SID, GroupKind, MAIL_DOMAIN, OtherKind, OtherObject, Person, TenantFacts, World,
    WorldGroup, random_id,
};

/// Members of the one large group: twice the 1,500 values a domain controller gives out at once
/// (MS-ADTS 3.1.1.3.4.6, MaxValRange).
const LARGE_GROUP_MEMBERS: usize = 3_000;

/// Members an ordinary group has at most.
const ORDINARY_MEMBERS: usize = 25;

const GIVEN: [&str; 16] = [
    "Amara", "Björn", "Chloé", "Dmitri", "Elif", "Fatima", "Göran", "Hana", "Ivo", "João", "Kofi",
    "Léa", "Mei", "Nils", "Oona", "Zoë",
];
const FAMILY: [&str; 16] = [
    "Adeyemi",
    "Bauer",
    "Castro",
    "Dubois",
    "Eriksson",
    "Fischer",
    "García",
    "Huang",
    "Ito",
    "Jensen",
    "Kowalski",
    "Lindqvist",
    "Müller",
    "Nakamura",
    "O'Brien",
    "Øster",
];
const WORDS: [&str; 16] = [
    "Alpha", "Bridge", "Cargo", "Depot", "Estate", "Field", "Garden", "Harbour", "Island",
    "Junction", "Keystone", "Lantern", "Mill", "North", "Orchard", "Pier",
];

pub(super) fn world(seed: u64, people: usize, groups: usize) -> World {
    let mut rng = Rng::with_seed(seed);
    let tenant_id = random_id(&mut rng);
    let people: Vec<Person> = (0..people).map(|number| person(&mut rng, number)).collect();
    let others = others(&mut rng);
    let mut made = special(&mut rng, &people, &others);
    made.truncate(groups);
    while made.len() < groups {
        let group = ordinary(&mut rng, made.len(), &people, &made);
        made.push(group);
    }
    // A small world is cut in the middle of the special cases: members that were cut go too.
    let mut known: Vec<Uuid> = made.iter().map(|group| group.id).collect();
    known.extend(people.iter().map(|person| person.id));
    known.extend(others.iter().map(|other| other.id));
    known.sort_unstable();
    for group in &mut made {
        group.members.retain(|id| known.binary_search(id).is_ok());
    }
    let tenant_name = format!("Generated {seed}");
    let facts = TenantFacts::default();
    let mut world = World { tenant_id, tenant_name, people, groups: made, others, facts };
    world.link_all(DOMAIN_SID);
    world
}

fn person(rng: &mut Rng, number: usize) -> Person {
    let name = format!("{} {}", pick(rng, &GIVEN), pick(rng, &FAMILY));
    let guest = number % 37 == 36;
    let account = format!("u{number:06}");
    let user_principal_name = if guest {
        // The form an invited account gets: learn.microsoft.com/entra/external-id/user-properties
        format!("{account}_partner.example#EXT#@{MAIL_DOMAIN}")
    } else {
        format!("{account}@{MAIL_DOMAIN}")
    };
    Person {
        id: random_id(rng),
        display_name: name,
        user_principal_name,
        sam_account_name: account,
        account_enabled: number % 41 != 40,
        guest,
        cloud_only: number % 29 == 28,
        link: None,
    }
}

fn others(rng: &mut Rng) -> Vec<OtherObject> {
    let mut other = |kind: OtherKind, properties: Value| OtherObject {
        id: random_id(rng),
        kind,
        properties: properties.as_object().cloned().unwrap_or_default().into_iter().collect(),
    };
    vec![
        other(
            OtherKind::Device,
            json!({ "displayName": "LAPTOP-0001", "accountEnabled": true, "trustType": "ServerAd",
                "deviceId": "0f7c3c8e-6f0a-4d6a-9a43-1c2f5d8b7e10",
                "onPremisesSyncEnabled": true, "operatingSystem": "Windows" }),
        ),
        other(
            OtherKind::Device,
            json!({ "displayName": "TABLET-0002", "accountEnabled": true, "trustType": "AzureAd",
                "deviceId": "3d2b1a90-8f7e-4c6d-b5a4-93827160f5e4" }),
        ),
        other(
            OtherKind::ServicePrincipal,
            json!({ "displayName": "Build robot", "accountEnabled": true,
                "appId": "7b1e4f60-2a3c-4d5e-8f90-a1b2c3d4e5f6" }),
        ),
        other(
            OtherKind::OrgContact,
            json!({ "displayName": "Supplier", "mail": "supplier@partner.example" }),
        ),
        other(OtherKind::Unknown("agentIdentity".to_owned()), json!({})),
    ]
}

/// Names that break careless filters, DNs, comparisons and screens.
fn hostile_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "Sales, EMEA",
        "R+D",
        "The \"A\" Team",
        "Back\\slash \\2C",
        "#hash first",
        " leading space",
        "trailing space ",
        "Parentheses (all) )(",
        "Star * of *",
        "Emoji \u{1f680}\u{1f469}\u{200d}\u{1f4bb}",
        "Right-to-left \u{200f}\u{202e}mark",
        "Equals=and;semi<colon>",
        "Umläute und ß",
        "Domain Admins",
        "Dom\u{0430}in Admins",
        "Zero\u{200b}width",
    ]
    .iter()
    .map(|name| (*name).to_owned())
    .collect();
    // 256 characters are the longest display name a tenant accepts (the group's doc comment
    // in msgraph-sdk 1.65.0).
    names.push(format!("{}!", "Long name ".repeat(26).chars().take(255).collect::<String>()));
    names
}

/// One group of every special case, hostile names first.
fn special(rng: &mut Rng, people: &[Person], others: &[OtherObject]) -> Vec<WorldGroup> {
    let mut made: Vec<WorldGroup> = Vec::new();
    for (number, name) in hostile_names().iter().enumerate() {
        let kind = if number % 2 == 0 { GroupKind::Microsoft365 } else { GroupKind::Security };
        let mut group = WorldGroup {
            members: some_people(rng, people, 8),
            ..WorldGroup::new(random_id(rng), name, &format!("hostile{number:02}"), kind)
        };
        group.description = Some(format!("Hostile: {name}"));
        group.writeback_enabled = Some(true);
        made.push(group);
    }
    made.extend(shapes(rng, people, others));
    made.extend(never_written(rng, people));
    made
}

/// Large, empty, dynamic, nested, cyclic, with every type of member.
fn shapes(rng: &mut Rng, people: &[Person], others: &[OtherObject]) -> Vec<WorldGroup> {
    let mut group = |name: &str, nickname: &str, kind: GroupKind, members: Vec<Uuid>| WorldGroup {
        members,
        writeback_enabled: Some(true),
        ..WorldGroup::new(random_id(rng), name, nickname, kind)
    };
    let first =
        |count: usize| -> Vec<Uuid> { people.iter().take(count).map(|person| person.id).collect() };
    let everyone = group("Everyone", "everyone", GroupKind::Security, first(LARGE_GROUP_MEMBERS));
    let empty = group("Empty security", "empty-security", GroupKind::Security, Vec::new());
    let empty_too = group("Empty team", "empty-team", GroupKind::Microsoft365, Vec::new());
    let mut by_rule = group("By rule", "by-rule", GroupKind::Microsoft365, first(9));
    by_rule.dynamic = true;
    by_rule.writeback_enabled = None;
    let mut also = group("By rule, security", "by-rule-s", GroupKind::Security, first(4));
    also.dynamic = true;
    let leaf = group("Nested leaf", "nested-leaf", GroupKind::Security, first(3));
    let middle = group("Nested middle", "nested-middle", GroupKind::Security, vec![leaf.id]);
    let mut top = group("Nested top", "nested-top", GroupKind::Security, first(2));
    top.members.push(middle.id);
    let mut one = group("Cycle one", "cycle-one", GroupKind::Security, first(1));
    let mut two = group("Cycle two", "cycle-two", GroupKind::Security, vec![one.id]);
    let three = group("Cycle three", "cycle-three", GroupKind::Security, vec![two.id]);
    one.members.push(two.id);
    two.members.push(three.id);
    let mut mixed = group("Every type", "every-type", GroupKind::Security, first(2));
    mixed.members.extend(others.iter().map(|other| other.id));
    vec![everyone, empty, empty_too, by_rule, also, leaf, middle, top, one, two, three, mixed]
}

/// What a policy may not, or by default does not, write back.
fn never_written(rng: &mut Rng, people: &[Person]) -> Vec<WorldGroup> {
    let mut group = |name: &str, nickname: &str, kind: GroupKind| WorldGroup {
        members: some_people(rng, people, 6),
        writeback_enabled: Some(true),
        ..WorldGroup::new(random_id(rng), name, nickname, kind)
    };
    let list = group("Newsletter", "newsletter", GroupKind::DistributionList);
    let mail_enabled = group("Old team", "old-team", GroupKind::MailEnabledSecurity);
    let mut mastered = group("On-premises", "on-premises", GroupKind::Security);
    mastered.on_premises_sync_enabled = Some(true);
    mastered.on_premises_security_identifier = Some(format!("{DOMAIN_SID}-900001"));
    let mut converted = group("Converted", "converted", GroupKind::Security);
    converted.on_premises_sync_enabled = Some(false);
    converted.on_premises_security_identifier = Some(format!("{DOMAIN_SID}-900002"));
    let mut hidden = group("Hidden", "hidden", GroupKind::Microsoft365);
    hidden.visibility = Some("HiddenMembership".to_owned());
    let mut assignable = group("Role holders", "role-holders", GroupKind::Security);
    assignable.role_assignable = Some(true);
    let unusual = group(
        "Unusual",
        "unusual",
        GroupKind::Unusual { group_types: vec![], mail_enabled: false, security_enabled: false },
    );
    let mut off = group("Switched off", "switched-off", GroupKind::Microsoft365);
    off.writeback_enabled = Some(false);
    vec![list, mail_enabled, mastered, converted, hidden, assignable, unusual, off]
}

/// A group of the random mix. Nesting looks back only, so it adds no further cycles.
fn ordinary(rng: &mut Rng, number: usize, people: &[Person], made: &[WorldGroup]) -> WorldGroup {
    let name = format!("{} {} {number}", pick(rng, &WORDS), pick(rng, &WORDS));
    let security = rng.bool();
    let kind = if security { GroupKind::Security } else { GroupKind::Microsoft365 };
    let nickname = format!("g{number:06}");
    let mut group = WorldGroup::new(random_id(rng), &name, &nickname, kind);
    group.description = rng.bool().then(|| format!("About {name}"));
    group.dynamic = rng.u8(..10) == 0;
    group.writeback_enabled = match rng.u8(..10) {
        0 => Some(false),
        1 | 2 => None,
        _ => Some(true),
    };
    if !security {
        group.writeback_type = match rng.u8(..6) {
            0 => Some("universalSecurityGroup".to_owned()),
            1 => Some("universalDistributionGroup".to_owned()),
            _ => None,
        };
    }
    if rng.u8(..12) != 0 {
        group.members = some_people(rng, people, ORDINARY_MEMBERS);
    }
    if security && !group.dynamic && rng.u8(..4) == 0 {
        let eligible = |other: &&WorldGroup| other.kind == GroupKind::Security && !other.dynamic;
        let earlier: Vec<Uuid> = made.iter().filter(eligible).map(|other| other.id).collect();
        group.members.extend(rng.choice(earlier));
    }
    group
}

/// Up to `most` different people, at least one where there are any.
fn some_people(rng: &mut Rng, people: &[Person], most: usize) -> Vec<Uuid> {
    if people.is_empty() {
        return Vec::new();
    }
    let count = rng.usize(1..=most.min(people.len()));
    let mut chosen = BTreeSet::new();
    // Drawing again on a double stays cheap: at worst it collects all of a few people.
    while chosen.len() < count {
        chosen.extend(rng.choice(people).map(|person| person.id));
    }
    chosen.into_iter().collect()
}

fn pick(rng: &mut Rng, from: &[&'static str]) -> &'static str {
    rng.choice(from.iter()).copied().unwrap_or_default()
}

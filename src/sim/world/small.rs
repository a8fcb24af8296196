//! The readable world: names a newcomer can follow through a demonstration.
//!
//! Input: a seed, which only decides the ids. Output: twelve people and eight groups.

use fastrand::Rng;
use uuid::Uuid;

use super::{
    DOMAIN_SID, GroupKind, MAIL_DOMAIN, Person, TenantFacts, World, WorldGroup, random_id,
};

const PEOPLE: [&str; 12] = [
    "Ada Lovelace",
    "Alan Turing",
    "Barbara Liskov",
    "Dennis Ritchie",
    "Edsger Dijkstra",
    "Frances Allen",
    "Grace Hopper",
    "Hedy Lamarr",
    "Katherine Johnson",
    "Ken Thompson",
    "Margaret Hamilton",
    "Tony Hoare",
];

pub(super) fn world(seed: u64) -> World {
    let mut rng = Rng::with_seed(seed);
    let tenant_id = random_id(&mut rng);
    let people: Vec<Person> = PEOPLE.iter().map(|name| person(&mut rng, name)).collect();
    let groups = groups(&mut rng, &people);
    let tenant_name = "Corp Example".to_owned();
    let facts = TenantFacts::default();
    let mut world = World { tenant_id, tenant_name, people, groups, others: Vec::new(), facts };
    world.link_all(DOMAIN_SID);
    world
}

fn person(rng: &mut Rng, display_name: &str) -> Person {
    let account = display_name.to_lowercase().replace(' ', ".");
    Person {
        id: random_id(rng),
        display_name: display_name.to_owned(),
        user_principal_name: format!("{account}@{MAIL_DOMAIN}"),
        sam_account_name: account,
        account_enabled: true,
        guest: false,
        cloud_only: false,
        link: None,
    }
}

/// Security groups may hold security groups, Microsoft 365 groups hold people only
/// (microsoft-graph-docs-contrib, concepts/includes/groups-allowed-member-types.md).
fn groups(rng: &mut Rng, people: &[Person]) -> Vec<WorldGroup> {
    let ids = |from: usize, count: usize| -> Vec<Uuid> {
        people.iter().skip(from).take(count).map(|person| person.id).collect()
    };
    let mut cloud =
        |name: &str, nickname: &str, description: &str, members: Vec<Uuid>| WorldGroup {
            description: Some(description.to_owned()),
            members,
            ..WorldGroup::new(random_id(rng), name, nickname, GroupKind::Microsoft365)
        };
    let finance = cloud("Finance", "finance", "Everybody in Finance", ids(0, 5));
    let engineering = cloud("Engineering", "engineering", "Builders of things", ids(4, 6));
    let mut everybody = cloud("All Employees", "all-employees", "By rule", ids(0, 12));
    everybody.dynamic = true;
    let board = cloud("Board", "board", "Nobody yet", Vec::new());

    let mut security =
        |name: &str, nickname: &str, description: &str, members: Vec<Uuid>| WorldGroup {
            description: Some(description.to_owned()),
            members,
            writeback_enabled: Some(true),
            ..WorldGroup::new(random_id(rng), name, nickname, GroupKind::Security)
        };
    let admins = security("APP-Payroll-Admins", "app-payroll-admins", "Run payroll", ids(1, 2));
    let mut users = ids(0, 4);
    users.push(admins.id);
    let users = security("APP-Payroll-Users", "app-payroll-users", "Read payroll", users);
    let vpn = security("VPN Users", "vpn-users", "May dial in", ids(6, 6));
    let mut contractors = security("Contractors", "contractors", "By rule", ids(10, 2));
    contractors.dynamic = true;
    vec![finance, engineering, everybody, board, admins, users, vpn, contractors]
}

//! The simulated domain against Samba: the same directory operations, good and bad, drawn from a
//! seed and sent to both as the least-privilege account, lead to the same result codes and the
//! same groups. What is known to differ stands in one list, each with its reason.
//!
//! Comes from: the small lab that `tests/run` starts (WRITEBACK_LAB_SMALL), a simulated domain with the same
//! users.

#![cfg(feature = "sim")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, and no test needs everything of the support"
)]

#[path = "support/lab.rs"]
mod lab;
#[path = "support/ldaps.rs"]
mod ldaps;

#[path = "differential/draw.rs"]
mod draw;
#[path = "differential/inside.rs"]
mod inside;
#[path = "differential/known.rs"]
mod known;
#[path = "differential/life.rs"]
mod life;
#[path = "differential/operation.rs"]
mod operation;
#[path = "differential/schema.rs"]
mod schema;
#[path = "differential/server.rs"]
mod server;
#[path = "differential/side.rs"]
mod side;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::draw::{Drawing, Pool};
use crate::known::{KNOWN, LIFE, LISTED, NESTING};
use crate::lab::{Lab, child};
use crate::life::cases::{self, Case};
use crate::life::{Answers, World};
use crate::operation::Operation;
use crate::server::{Group, Server, simulated};
use crate::side::Who;
use writeback::sim::domain::Domain;

/// Users that both directories have.
const USERS: usize = 8;
const OPERATIONS: usize = 1_000;
const STEPS: usize = 600;
/// Groups that an administrator deleted where nothing is delegated.
const FOREIGN: usize = 3;
/// Any seed must find the two alike; a fixed one makes every run the same, and this one comes to
/// every case.
const SEED: u64 = 71;

/// `<SID=#3>` stands for the SID that a domain gave its fourth user.
fn numbered(sids: impl Iterator<Item = String>) -> BTreeMap<String, String> {
    let named = |(number, sid)| (format!("<SID=#{number}>"), format!("<SID={sid}>"));
    sids.enumerate().map(named).collect()
}

/// Two directories of the same containers and users.
struct Pair {
    simulated: Server,
    samba: Server,
    pool: Pool,
    // Ends with the test.
    _domain: Domain,
}

async fn pair(name: &str) -> Pair {
    let lab = Lab::prepared();
    let (inside, outside) = lab.empty_ous(name);
    let sub = lab.add_ou("Sub", &inside);
    let users = lab.users[..USERS].to_vec();
    let domain = simulated(name, &users, false).await;
    let base = lab.setting("LAB_BASE_DN").to_owned();
    assert_eq!(domain.base_dn(), base);
    let sids = users.iter().map(|user| domain.edit(|tree| tree.sid_of(&user.dn)).unwrap());
    let simulated_sids = numbered(sids);
    let account = domain.service_account();
    let simulated = Server::connect(
        &domain.url(),
        domain.ca_pem(),
        (&account.account_name, &account.password),
        simulated_sids,
    )
    .await;
    let samba = Server::connect(
        lab.setting("LAB_URL"),
        &lab.file("LAB_CA"),
        (lab.setting("LAB_BIND_NAME"), &lab.file("LAB_BIND_PASSWORD_FILE")),
        numbered(users.iter().map(|user| user.sid.clone())),
    )
    .await;
    let pool = Pool { containers: [inside, sub, outside], users, base };
    Pair { simulated, samba, pool, _domain: domain }
}

impl Pair {
    /// Sends an operation to both; the result codes.
    async fn send(&mut self, operation: &Operation) -> (u32, u32) {
        (self.simulated.send(operation).await, self.samba.send(operation).await)
    }

    /// The groups of both, as far as clients of both can see.
    async fn groups(&mut self) -> (BTreeMap<String, Group>, BTreeMap<String, Group>) {
        let container = &self.pool.containers[0];
        (self.simulated.groups(container).await, self.samba.groups(container).await)
    }

    /// Makes both the same again after a known difference: what one of them refused is taken away
    /// on both.
    async fn even_out(&mut self, operation: &Operation) {
        for dn in operation.names() {
            self.send(&Operation::Delete { dn }).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simulated_domain_answers_as_samba_does() {
    let mut pair = pair("differential").await;
    let mut drawing = Drawing::new(SEED);
    let mut unexplained: BTreeMap<String, String> = BTreeMap::new();
    let (mut done, mut refused) = (0, 0);
    let mut met: BTreeMap<usize, usize> = BTreeMap::new();
    let mut groups = BTreeMap::new();
    for number in 0..OPERATIONS {
        let drawn = drawing.operation(&pair.pool, &groups);
        let (simulated, samba) = pair.send(&drawn.operation).await;
        if simulated == samba {
            *(if samba == 0 { &mut done } else { &mut refused }) += 1;
        } else if let Some(known) =
            KNOWN.iter().position(|known| known.explains(&drawn, simulated, samba))
        {
            *met.entry(known).or_default() += 1;
        } else {
            unexplained.insert(
                format!("{:?} {:?}: simulated {simulated}, Samba {samba}", drawn.kind, drawn.fault),
                format!(
                    "{number}: {:?}\n    {}\n    {}",
                    drawn.operation, pair.simulated.message, pair.samba.message
                ),
            );
        }
        if (simulated == 0) != (samba == 0) {
            pair.even_out(&drawn.operation).await;
        }
        let (one, other) = pair.groups().await;
        if one != other {
            unexplained.insert(format!("{number}: {drawn:?}"), differing(&one, &other));
            break;
        }
        groups = one;
    }
    let list: Vec<String> =
        unexplained.iter().map(|(what, details)| format!("{what}\n    {details}")).collect();
    assert!(list.is_empty(), "seed {SEED}:\n{}\n", list.join("\n"));
    assert!(done >= OPERATIONS / 4 && refused >= OPERATIONS / 4, "{done} done, {refused} refused");
    for (number, known) in KNOWN.iter().enumerate() {
        assert!(met.contains_key(&number), "no longer met, take it out: {}", known.reason);
    }
}

fn differing(one: &BTreeMap<String, Group>, other: &BTreeMap<String, Group>) -> String {
    let mut text = String::new();
    for dn in one.keys().chain(other.keys()) {
        if one.get(dn) != other.get(dn) {
            let (one, other) = (one.get(dn), other.get(dn));
            writeln!(text, "  simulated {one:?}\n  Samba     {other:?}").unwrap();
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_simulated_domain_knows_the_nesting_rules() {
    let mut pair = pair("nesting").await;
    let containers = pair.pool.containers.clone();
    for case in NESTING {
        for (name, kind) in [("parent", case.parent), ("child", case.child)] {
            let add = operation::plain_group(name, &containers[0], kind);
            assert_eq!(pair.send(&add).await, (0, 0), "{case:?}: {name}");
        }
        let nest = operation::nest("parent", "child", &containers[0]);
        assert_eq!(pair.send(&nest).await, (case.simulated, 0), "{case:?}");
        let hex = case.hex;
        assert!(pair.simulated.message.starts_with(hex), "{case:?}: {}", pair.simulated.message);
        for name in ["parent", "child"] {
            let delete = operation::delete(name, &containers[0]);
            assert_eq!(pair.send(&delete).await, (0, 0), "{case:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_walk_through_nested_groups_alike() {
    let mut pair = pair("differential-inside").await;
    inside::fill(&mut pair).await;
    let differing = inside::differences(&mut pair).await;
    assert!(differing.is_empty(), "\n{}\n", differing.join("\n"));
    // A user who is reached on two ways counts once.
    assert_eq!(inside::inside(&mut pair, 0).await, (4, 4));
    assert_eq!(inside::inside(&mut pair, 3).await, (1, 1));
    assert_eq!(inside::inside(&mut pair, 5).await, (5, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_life_of_a_group_is_the_same_on_both() {
    let mut world = World::new().await;
    let mut drawing = cases::Drawing::new(SEED);
    for _ in 0..FOREIGN {
        for operation in drawing.foreign(&world.places) {
            world.must(Who::Administrator, &operation).await;
        }
    }
    let mut unexplained: BTreeMap<String, String> = BTreeMap::new();
    let mut met: BTreeMap<usize, usize> = BTreeMap::new();
    let mut seen: BTreeMap<Case, usize> = BTreeMap::new();
    let (mut state, other) = world.states(true).await;
    assert!(state == other, "at the start:\n{}", life::differing(&state, &other));
    for number in 0..STEPS {
        let drawn = drawing.step(&world.places, &state);
        *seen.entry(drawn.case).or_default() += 1;
        let answers = world.take(&drawn).await;
        let known = LIFE.iter().position(|known| known.explains(drawn.case, &answers));
        if answers.simulated != answers.samba || answers.found.is_some() {
            if let Some(known) = known {
                *met.entry(known).or_default() += 1;
            } else {
                let Answers { simulated, samba, .. } = answers;
                let what = format!("{:?}: simulated {simulated}, Samba {samba}", drawn.case);
                unexplained.insert(what, format!("{number}: {drawn:?}\n    {answers:?}"));
            }
        }
        if (answers.simulated == 0) != (answers.samba == 0) {
            world.even_out(&drawn).await;
        }
        let (one, other) = world.states(drawn.step.may_bury() || number % 20 == 0).await;
        if one != other {
            let what = format!("{number}: {drawn:?} {answers:?}");
            unexplained.insert(what, life::differing(&one, &other));
            world.even_out(&drawn).await;
            let (one, other) = world.states(true).await;
            if one != other || unexplained.len() > 20 {
                unexplained.insert("still".to_owned(), life::differing(&one, &other));
                break;
            }
        }
        state = one;
    }
    let list: Vec<String> =
        unexplained.iter().map(|(what, details)| format!("{what}\n    {details}")).collect();
    assert!(list.is_empty(), "seed {SEED}:\n{}\n", list.join("\n"));
    let unseen: Vec<Case> = Case::all().filter(|case| !seen.contains_key(case)).collect();
    assert_eq!(unseen, [], "never drawn with seed {SEED}");
    for (number, known) in LIFE.iter().enumerate() {
        assert!(met.contains_key(&number), "no longer met, take it out: {}", known.reason);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_say_the_same_of_their_schema_and_of_rights() {
    let lab = life::prepared();
    let (inside, outside) = lab.empty_ous("differential-schema");
    let domain = simulated("differential-schema", &[], true).await;
    // What the lab gives beside: Samba fills these in as the account that restores.
    let restores = ["adminCount", "objectCategory", "operatorCount", "sAMAccountType"];
    domain.delegate_attributes(&inside, &restores).unwrap();
    let account = domain.service_account();
    let account = (account.account_name.as_str(), account.password.as_str());
    let none = BTreeMap::new;
    let mut one = Server::connect(&domain.url(), domain.ca_pem(), account, none()).await;
    let mut other = Server::connect(
        lab.setting("LAB_URL"),
        &lab.file("LAB_CA"),
        (lab.setting("LAB_BIND_NAME"), &lab.file("LAB_BIND_PASSWORD_FILE")),
        none(),
    )
    .await;
    let base = domain.base_dn();
    let (known, mut differences) = schema::compare(&mut one, &mut other, &base).await;
    let group = operation::plain_group("schema", &inside, operation::UNIVERSAL_SECURITY);
    assert_eq!((one.send(&group).await, other.send(&group).await), (0, 0));
    let group = child("schema", &inside);
    let classes = schema::classes(&mut one, &base).await;
    for (dn, what, known) in [
        (&group, "allowedAttributes", Some(&known)),
        (&group, "allowedAttributesEffective", None),
        (&inside, "allowedAttributesEffective", None),
        (&outside, "allowedAttributesEffective", None),
        (&inside, "allowedChildClassesEffective", None),
        (&outside, "allowedChildClassesEffective", None),
        (&group, "allowedChildClassesEffective", None),
        (&inside, "allowedChildClasses", Some(&classes)),
        (&inside, "sDRightsEffective", None),
        (&group, "sDRightsEffective", None),
    ] {
        let one = schema::listed(&mut one, dn, what, known).await;
        let other = schema::listed(&mut other, dn, what, known).await;
        let expected = LISTED.iter().filter(|(list, _)| *list == what);
        let expected: Vec<&str> = expected.flat_map(|(_, names)| names.iter().copied()).collect();
        let missing: Vec<&String> = other.difference(&one).collect();
        let mut more: Vec<&String> = one.difference(&other).collect();
        more.retain(|name| !expected.contains(&name.as_str()));
        if !missing.is_empty() || !more.is_empty() {
            differences.push(format!(
                "{what} of {dn}: not simulated {missing:?}, only simulated {more:?}"
            ));
        }
    }
    let delete = operation::delete("schema", &inside);
    assert_eq!((one.send(&delete).await, other.send(&delete).await), (0, 0));
    assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
}

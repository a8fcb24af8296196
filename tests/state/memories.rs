//! Memories to keep: every field filled, different in every number.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;
use writeback::model::approval::{Approval, Item};
use writeback::model::change::Kind;
use writeback::model::memory::{Form, Intent, Inventory, Memory, Reversals};
use writeback::model::policy::MemberBasis;
use writeback::model::{
    AttributeName, Digest, Leave, ObjectGuid, ObjectId, Pause, Pauses, PolicyName, Spend, Spending,
};

pub fn id(number: u64) -> ObjectId {
    ObjectId(Uuid::from_u64_pair(0x0b1e_c700_0000_4000, number.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

pub fn guid(number: u64) -> ObjectGuid {
    ObjectGuid(Uuid::from_u64_pair(
        0x601d_0000_0000_4000,
        number.wrapping_mul(0xd1b5_4a32_d192_ed03),
    ))
}

pub fn at(seconds: u64) -> Timestamp {
    let begin: Timestamp = "2026-03-01T07:00:00.123456789Z".parse().unwrap();
    begin + SignedDuration::from_secs(i64::try_from(seconds).unwrap())
}

fn digest(number: u64) -> Digest {
    Digest::of(&number.to_be_bytes())
}

fn name(number: u64) -> PolicyName {
    PolicyName::parse(&format!("policy-{}", number % 7)).unwrap()
}

fn item(number: u64) -> Item {
    let kinds = Kind::ALL;
    Item {
        object: guid(number).to_string(),
        kind: kinds[usize::try_from(number).unwrap() % kinds.len()],
        value: format!("CN=Team \"{number}\"\\, Zürich\u{1F980},OU=Cloud Groups"),
    }
}

fn spending(number: u64) -> Spending {
    let (group, member) = (id(number), guid(number + 1));
    let spend = match number % 3 {
        0 => Spend::Group(group),
        1 => Spend::Membership { group, member, principals: 3 },
        _ => Spend::Leaver { group, member },
    };
    // Several of the same moment, and the order inside it is not that of the values.
    Spending { at: at(number / 5), policy: name(number.wrapping_mul(3)), spend }
}

/// A memory with `rows` rows in every table, all of them other ones for another `generation`.
pub fn memory(generation: u64, rows: u64) -> Memory {
    let numbers = || (0..rows).map(move |row| generation * 1_000 + row);
    let description = AttributeName::from("description");
    let named = AttributeName::parse("info").unwrap();
    let pause = |number: u64| Pause { by: "Ada \"root\"".to_owned(), at: at(number) };
    let intent = |number: u64| Intent {
        generation: digest(number),
        // Every other row as an earlier version kept it.
        member_basis: (number % 2 == 1)
            .then(|| MemberBasis { additions: digest(number + 1), removals: digest(number + 2) }),
        attributes: BTreeMap::from([
            (description.clone(), format!("Group {number}\n\u{0}\u{7f}")),
            (named.clone(), String::new()),
        ]),
        members: (0..number % 9).map(guid).collect(),
    };
    Memory {
        inventory: numbers().map(|n| (id(n), guid(n))).collect(),
        absent_since: numbers().map(|n| (id(n), at(n))).collect(),
        left: numbers().map(|n| (id(n), (Leave::FlagOff, at(n)))).collect(),
        kept: numbers().map(|n| (id(n), name(n))).collect(),
        deleted: numbers().map(|n| (id(n + 1), guid(n))).collect(),
        counterparts: numbers().map(|n| (id(n + 2), guid(n))).collect(),
        linkless: numbers().map(id).collect(),
        refused_members: numbers()
            .map(|n| (guid(n), BTreeMap::from([(guid(n + 1), format!("no: {n}"))])))
            .collect(),
        unrestorable: numbers().map(|n| (id(n), format!("no: {n}"))).collect(),
        intents: numbers().map(|n| (id(n), intent(n))).collect(),
        written: numbers().map(|n| ((guid(n), named.clone()), format!("v{n}"))).collect(),
        forms: numbers()
            .map(|n| {
                let form = Form { written: format!("A {n}"), stands: format!("a {n}") };
                ((guid(n), description.clone()), form)
            })
            .collect(),
        committed: numbers()
            .map(|n| (name(n), Inventory { groups: 3, memberships: 70, principals: 41 }))
            .collect(),
        spent: numbers().map(spending).collect(),
        closed_until: Some(at(generation)),
        strangers: numbers().map(|n| id(n + 3)).collect(),
        added: numbers().map(|n| ((guid(n), guid(n + 1)), at(n))).collect(),
        held: numbers().map(|n| (digest(n), BTreeSet::from([item(n), item(n + 1)]))).collect(),
        held_since: numbers().map(|n| (item(n), at(n))).collect(),
        approvals: numbers()
            .map(|n| {
                let approval = Approval {
                    items: BTreeSet::from([item(n)]),
                    approved_by: "Ada \"root\"".to_owned(),
                    at: at(n),
                    not_after: at(n + 60),
                };
                (digest(n), approval)
            })
            .collect(),
        used_approvals: numbers().map(|n| (digest(n + 1), at(n))).collect(),
        reversals: numbers()
            .map(|n| ((guid(n), named.clone()), Reversals { count: 2, last: at(n) }))
            .collect(),
        adopting: numbers().map(id).collect(),
        undone: numbers().map(|n| (id(n), digest(n))).collect(),
        pauses: Pauses {
            all: (generation % 2 == 1).then(|| pause(generation)),
            policies: numbers().map(|n| (name(n), pause(n))).collect(),
        },
        begun: Some(at(generation + 1)),
        passes: generation + 1,
    }
}

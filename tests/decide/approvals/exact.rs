//! An approval passes exactly the items of its set, whatever else has changed meanwhile.

use std::collections::BTreeSet;

use fastrand::Rng;
use writeback::decide::guard::Answers;
use writeback::decide::plan;
use writeback::model::Item;
use writeback::model::change::Kind;
use writeback::model::policy::{Least, Share};

use super::let_through;
use crate::observed::Order;
use crate::passes::{known, strs, weigh, words};
use crate::world::{World, world};

/// Six groups that lose four of five members each, under a policy that holds every removal.
fn strict() -> World {
    let members = words("u", 5);
    let groups = words("g", 6);
    let world = groups.iter().fold(world(), |world, word| world.both(word, &strs(&members)));
    let world = known(world).policy(|p| {
        p.guard.memberships_removed =
            Share { percent: 0, most: 0, most_per_thousand: 0, at_least: 0 };
        p.guard.one_group = Least { percent: 0, at_least: 0 };
    });
    groups.iter().fold(world, |world, word| world.group(word, &["u0"]))
}

/// Another value for one part of an item.
fn altered(item: &Item, random: &mut Rng) -> Item {
    let mut item = item.clone();
    let text = match random.u8(0..3) {
        0 => &mut item.object,
        1 => &mut item.value,
        _ => {
            let kinds = Kind::ALL.into_iter().filter(|kind| *kind != item.kind);
            item.kind = random.choice(kinds.collect::<Vec<_>>()).expect("there are many");
            return item;
        }
    };
    let place = random.usize(0..text.len());
    let old = text.chars().nth(place).expect("inside");
    let new = if old == '0' { '1' } else { '0' };
    *text = text.chars().enumerate().map(|(i, c)| if i == place { new } else { c }).collect();
    item
}

#[test]
fn nothing_passes_that_is_not_in_the_set_whatever_is_changed() {
    let base = strict();
    let decision = base.decide(Order::Given);
    let guarded = weigh(&base, &decision, &Answers::default());
    assert_eq!(guarded.admitted.changes(), []);
    let all: Vec<Item> = guarded.held.changes.iter().flat_map(plan::items).collect();
    assert_eq!(all.len(), 24);
    let (mut some, mut none) = (0, 0);
    for seed in 0..2_000 {
        let mut random = Rng::with_seed(seed);
        let mut world = base.clone();
        let keep: u8 = random.u8(0..=4);
        let mut items: BTreeSet<Item> =
            all.iter().filter(|_| random.u8(0..4) < keep).cloned().collect();
        for _ in 0..random.usize(0..4) {
            let item = random.choice(&all).expect("there are many");
            items.remove(item);
            items.insert(altered(item, &mut random));
        }
        // Some come back meanwhile, others go.
        for word in words("g", 6) {
            let members = words("u", random.usize(0..5));
            if random.bool() {
                world = world.group(&word, &strs(&members));
            }
        }
        let_through(&mut world, items.clone());
        let decision = world.decide(Order::Given);
        let guarded = weigh(&world, &decision, &Answers::default());
        let removes = |item: &Item| item.kind == Kind::RemoveMembers;
        let wanted = decision.plan.writes().flat_map(plan::items).filter(removes);
        let expected: BTreeSet<Item> = wanted.filter(|item| items.contains(item)).collect();
        let passed = guarded.admitted.changes().iter().flat_map(plan::items).filter(removes);
        let passed: BTreeSet<Item> = passed.collect();
        assert_eq!(passed, expected, "seed {seed}");
        some += usize::from(!passed.is_empty());
        none += usize::from(passed.is_empty());
    }
    assert!(some > 500 && none > 20, "{some} {none}");
}

#[test]
fn a_digest_changes_with_every_item() {
    let base = strict();
    let decision = base.decide(Order::Given);
    let held = weigh(&base, &decision, &Answers::default()).held;
    let items: BTreeSet<Item> = held.changes.iter().flat_map(plan::items).collect();
    assert_eq!(held.digest(), Some(plan::items_digest(&items)));
    let mut digests = BTreeSet::from([plan::items_digest(&items)]);
    let mut random = Rng::with_seed(7);
    for item in &items {
        let mut fewer = items.clone();
        fewer.remove(item);
        assert!(digests.insert(plan::items_digest(&fewer)));
        fewer.insert(altered(item, &mut random));
        assert!(digests.insert(plan::items_digest(&fewer)));
    }
}

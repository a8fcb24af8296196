//! Members in batches: how large they are, how a bad member is found among a thousand good ones.

use std::collections::BTreeSet;

use super::world::world;
use super::*;

#[test]
fn a_thousand_members_with_three_bad_ones_are_written_in_a_bounded_number_of_operations() {
    for reread in [false, true] {
        let mut world = world(&[(1, "a", &[])]);
        let bad = BTreeSet::from([1_000, 1_501, 1_999].map(guid));
        if reread {
            world.missing = bad.clone();
        } else {
            world.forbidden = bad.clone();
        }
        let results = world.run(vec![change(1, target(1, "a"), add(1_000..2_000))]);
        assert_eq!(words(&results), ["done"]);
        let refused: BTreeSet<_> =
            results.iter().flat_map(|r| &r.refused_members).map(|(guid, _)| *guid).collect();
        assert_eq!(refused, bad);
        assert_eq!(world.members(1).len(), 997);
        assert!(world.operations.len() <= 64, "{}", world.operations.len());
        assert!(world.questions <= 3, "{}", world.questions);
    }
}

#[test]
fn a_refused_member_is_told_with_the_rule() {
    let mut world = world(&[(1, "a", &[])]);
    world.forbidden.insert(guid(7));
    let results = world.run(vec![change(1, target(1, "a"), add([7]))]);
    assert_eq!(words(&results), ["refused"]);
    let refused = &results.first().unwrap().refused_members;
    assert!(refused.first().unwrap().1.contains("a local group"), "{refused:?}");
}

#[test]
fn a_group_that_refuses_everybody_is_given_up() {
    let mut world = world(&[(1, "a", &[])]);
    world.forbidden.extend((0..500).map(guid));
    let results = world.run(vec![change(1, target(1, "a"), add(0..500))]);
    assert_eq!(words(&results), ["refused"]);
    assert!(world.operations.len() < 200, "{}", world.operations.len());
}

#[test]
fn members_that_are_there_or_gone_already_drop_out() {
    let mut world = world(&[(1, "a", &[10, 11, 20])]);
    let results = world.run(vec![
        change(1, target(1, "a"), add(10..15)),
        change(1, target(1, "a"), remove([20, 21])),
        change(1, target(1, "a"), add(10..15)),
        change(1, target(1, "a"), remove([20, 21])),
    ]);
    assert_eq!(words(&results), ["done", "done", "already_so", "already_so"]);
    assert_eq!(world.members(1), (10..15).collect::<Vec<_>>());
}

#[test]
fn batches_are_halved_until_the_directory_takes_them() {
    let mut world = world(&[(1, "a", &[])]);
    world.values_max = 70;
    let results = world.run(vec![change(1, target(1, "a"), add(0..1_000))]);
    assert_eq!(words(&results), ["done"]);
    assert_eq!(world.members(1).len(), 1_000);
    // 500, 250, 125 are refused, then batches of 63.
    assert_eq!(world.operations.len(), 3 + 16);
}

#[test]
fn no_batch_is_larger_than_the_ceiling() {
    let mut world = world(&[(1, "a", &[])]);
    world.run_in_batches(vec![change(1, target(1, "a"), add(0..12_000))], usize::MAX);
    let size = |operation: &Operation| {
        let Operation::AddMembers { members, .. } = operation else { panic!("{operation:?}") };
        members.len()
    };
    let sizes: Vec<usize> = world.operations.iter().map(size).collect();
    assert_eq!(sizes, [5_000, 5_000, 2_000]);
}

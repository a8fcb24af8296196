//! A whole plan, with one change of every kind: undisturbed, with any two answers lost, and stopped
//! after any operation.

use super::world::{Loss, World, world};
use super::*;

/// One of everything, in the order of a plan: a handover, a swap of two names, a move of text, a
/// group brought back, a new pair of groups nested in each other, members, a group put out of use,
/// a deletion.
fn everything() -> (World, Vec<Change>) {
    let mut world = world(&[
        (1, "a", &[100]),
        (2, "b", &[101, 102]),
        (3, "c", &[]),
        (4, "old", &[]),
        (8, "unused", &[103]),
    ]);
    world.bury(7, "gone");
    world.set(8, "proxyAddresses", &["SMTP:eight@x", "smtp:8@x", "x500:8"]);
    let nested =
        |n: u128, cn: &str| MemberReference::Created { group: id(n), label: cn.to_owned() };
    let fill = |members: Vec<MemberReference>| Effect::AddMembers { members, of: None };
    let rename = |to: &str, number: u128| Effect::Rename { to: target(number, to) };
    let changes = vec![
        change(3, target(3, "c"), handover(3)),
        change(1, target(1, "a"), rename("swap", 1)),
        change(2, target(2, "b"), rename("a", 2)),
        change(1, target(1, "swap"), rename("b", 1)),
        change(3, target(3, "c"), update("description", None, Some("new"))),
        change(3, target(3, "c"), Effect::Convert { from: 8, to: -2_147_483_640 }),
        change(7, target(7, "seven"), restore(7)),
        create(5, "five"),
        create(6, "six"),
        change(5, new_target("five"), fill(vec![nested(6, "six")])),
        change(
            6,
            new_target("six"),
            fill([existing([100, 101]), vec![nested(5, "five"), nested(7, "seven")]].concat()),
        ),
        change(7, target(7, "seven"), fill(existing([100]))),
        change(3, target(3, "c"), add(100..110)),
        change(2, target(2, "b"), remove([101, 102])),
        change(8, target(8, "unused"), disable(8)),
        change(8, target(8, "unused"), Effect::Quarantine { to: target(8, "out of use") }),
        change(4, target(4, "old"), deletion()),
    ];
    (world, changes)
}

#[test]
fn a_whole_plan_is_done_with_one_look_at_each_object() {
    let (mut world, changes) = everything();
    let count = changes.len();
    let results = world.run(changes);
    assert_eq!(words(&results), vec!["done"; count]);
    assert_eq!(world.operations.len(), count);
    assert_eq!(world.questions, 5 + 2, "five objects that were there, two read back");
    assert_eq!(world.objects.get(&guid(7)).unwrap().dn, dn("seven"));
    assert_eq!(world.members(7), [100]);
    assert_eq!(world.values(8, "proxyAddresses"), ["SMTP:8@x", "smtp:eight@x", "x500:8"]);
    assert_eq!(world.objects.get(&guid(8)).unwrap().dn, dn("out of use"));
    assert_eq!(world.objects.get(&guid(1)).unwrap().dn, dn("b"));
    assert_eq!(world.objects.get(&guid(2)).unwrap().dn, dn("a"));
    assert_eq!(world.members(3), (100..110).collect::<Vec<_>>());
    assert!(!world.objects.contains_key(&guid(4)));
}

#[test]
fn losing_any_one_or_two_answers_before_or_after_the_write_reaches_the_same_end() {
    let (mut undisturbed, changes) = everything();
    undisturbed.run(changes.clone());
    let wanted = undisturbed.picture();
    let operations = changes.len();
    let losses: Vec<Loss> =
        (0..=operations).flat_map(|n| [Loss::Before(n), Loss::After(n)]).collect();
    for first in &losses {
        for second in &losses {
            let (mut world, changes) = everything();
            world.losses = vec![*first, *second];
            let results = world.run_in_batches(changes, 4);
            assert!(
                results.iter().all(|r| r.outcome.achieved()),
                "{first:?} {second:?} {results:?}"
            );
            assert_eq!(world.picture(), wanted, "{first:?} {second:?}");
        }
    }
}

#[test]
fn stopping_after_any_operation_gives_every_change_a_result() {
    let (_, changes) = everything();
    let count = changes.len();
    for cut in 0..count {
        let (mut world, changes) = everything();
        let mut stepper = Stepper::of(changes, containers(), BATCH_VALUES_DEFAULT);
        while world.operations.len() < cut {
            let answer = match stepper.next().unwrap() {
                Step::Execute { operation, .. } => world.execute(&operation),
                Step::Verify { question, .. } => world.look(&question),
                Step::Wait(_) => Answer::Waited,
            };
            stepper.feed(answer);
        }
        stepper.stop("the daemon was asked to end");
        assert_eq!(stepper.next(), None);
        assert_eq!(stepper.results().len(), count);
        let failed = stepper.results().iter().filter(|r| !r.outcome.achieved()).count();
        assert!(failed >= count - cut, "nothing is claimed that was not done");
    }
}

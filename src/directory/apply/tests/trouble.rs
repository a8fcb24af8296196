//! Answers that are late, lost, refused for good or not asked for.

use super::world::{Loss, world};
use super::*;
use crate::directory::outcome::{Verdict, classify};

#[test]
fn a_busy_server_is_tried_a_bounded_number_of_times_and_then_left() {
    for answer in [Answer::Busy("busy".to_owned()), Answer::Lost("gone".to_owned())] {
        let mut world = world(&[(1, "a", &[]), (2, "b", &[]), (3, "c", &[]), (4, "d", &[])]);
        world.always = Some(answer);
        let results = world.run(vec![
            change(1, target(1, "a"), add(100..200)),
            change(2, target(2, "b"), update("description", None, Some("x"))),
            change(3, target(3, "c"), add([100])),
            change(4, target(4, "d"), add([100])),
        ]);
        assert_eq!(words(&results), ["failed"; 4]);
        let tries = usize::try_from(crate::retry::REQUEST.tries_max).unwrap();
        assert_eq!(world.operations.len(), 2 * tries, "two groups show that it is the server");
        assert_eq!(world.waits, 2 * (tries - 1));
    }
}

#[test]
fn a_right_that_is_missing_ends_the_change_at_once() {
    let mut world = world(&[(1, "a", &[]), (2, "b", &[])]);
    let Verdict::Refused(refusal) = classify("add_members", 50, "00002098: SecErr") else {
        panic!("50 is a refusal")
    };
    world.always = Some(Answer::Refused(refusal));
    let results = world
        .run(vec![change(1, target(1, "a"), add(0..1_000)), change(2, target(2, "b"), add([1]))]);
    assert_eq!(words(&results), ["refused", "refused"]);
    assert_eq!(world.operations.len(), 2);
}

#[test]
fn after_an_unsettled_change_its_group_is_left_to_the_next_pass() {
    let mut world = world(&[(1, "a", &[5]), (2, "b", &[])]);
    let mine = update("description", Some("old"), Some("new"));
    let results = world.run(vec![
        change(1, target(1, "a"), mine),
        change(1, target(1, "a"), remove([5])),
        change(2, target(2, "b"), add([5])),
        change(2, target(2, "b"), Effect::Freeze),
    ]);
    assert_eq!(words(&results), ["failed", "failed", "done", "already_so"]);
    assert_eq!(world.members(1), [5]);
}

#[test]
fn an_answer_that_was_not_asked_for_claims_nothing() {
    let changes = vec![change(1, target(1, "a"), add([5]))];
    let mut stepper = Stepper::of(changes, containers(), 10);
    assert!(matches!(stepper.next(), Some(Step::Verify { .. })));
    stepper.feed(Answer::Done);
    assert_eq!(stepper.next(), None);
    assert_eq!(words(stepper.results()), ["unknown"]);
}

#[test]
fn what_was_sent_without_an_answer_is_looked_at_and_not_sent_again() {
    let renamed = Effect::Rename { to: target(1, "b") };
    let described = update("description", Some("x"), Some("y"));
    for effect in [described, renamed, add([100]), remove([5]), deletion()] {
        let mut world = world(&[(1, "a", &[5])]);
        world.set(1, "description", &["x"]);
        world.losses = vec![Loss::After(0)];
        let results = world.run(vec![change(1, target(1, "a"), effect.clone())]);
        assert!(results.iter().all(|result| result.outcome.achieved()), "{effect:?}: {results:?}");
        assert_eq!(world.operations.len(), 1, "{effect:?}");
    }
}

#[test]
fn out_of_use_is_one_modify_of_everything() {
    let mut world = world(&[(8, "unused", &[103])]);
    world.set(8, "proxyAddresses", &["SMTP:eight@x", "smtp:8@x"]);
    world.losses = vec![Loss::After(0)];
    let results = world.run(vec![change(8, target(8, "unused"), disable(8))]);
    assert_eq!(words(&results), ["already_so"]);
    assert_eq!(world.operations.len(), 1);
    assert_eq!(world.values(8, "groupType"), ["2"]);
    assert_eq!(world.values(8, "proxyAddresses"), ["SMTP:8@x", "smtp:eight@x"]);
    assert_eq!(world.members(8), [103]);
}

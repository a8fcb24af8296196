//! Deleted groups that come back: unanswered, refused, restored by somebody else.

use super::world::{Loss, World, world};
use super::*;
use crate::directory::outcome::{Verdict, classify};

/// What came of bringing one deleted group back, and of filling it.
fn restoration(world: &mut World) -> Vec<&'static str> {
    let results = world.run(vec![
        change(7, target(7, "seven"), restore(7)),
        change(7, target(7, "seven"), add([100])),
    ]);
    words(&results)
}

#[test]
fn a_restoration_without_an_answer_is_settled_by_reading() {
    for (loss, wanted) in [(Loss::Before(0), "done"), (Loss::After(0), "already_so")] {
        let mut world = world(&[]);
        world.bury(7, "gone");
        world.losses = vec![loss];
        assert_eq!(restoration(&mut world), [wanted, "done"], "{loss:?}");
        assert_eq!(world.members(7), [100]);
    }
}

#[test]
fn a_restored_group_is_nested_in_the_same_pass() {
    let mut world = world(&[(2, "parent", &[])]);
    world.bury(7, "gone");
    let members = vec![MemberReference::Created { group: id(7), label: "seven".to_owned() }];
    let results = world.run(vec![
        change(7, target(7, "seven"), restore(7)),
        change(2, target(2, "parent"), Effect::AddMembers { members, of: Some(0) }),
    ]);
    assert_eq!(words(&results), ["done", "done"]);
    assert_eq!(world.members(2), [7]);
}

#[test]
fn a_restoration_under_a_taken_name_is_refused_and_its_group_left_alone() {
    let mut world = world(&[(1, "SEVEN", &[])]);
    world.bury(7, "gone");
    assert_eq!(restoration(&mut world), ["refused", "failed"]);
    assert_eq!(world.operations.len(), 1);
    assert!(world.deleted.contains_key(&guid(7)));
}

#[test]
fn what_cannot_be_restored_is_refused_with_one_request() {
    let denied = |code, text| match classify("restore", code, text) {
        Verdict::Refused(refusal) => Answer::Refused(refusal),
        Verdict::Done | Verdict::Busy(_) => panic!("{code} is a refusal"),
    };
    for answer in [
        None,
        Some(denied(50, "00002098: SecErr")),
        Some(denied(53, "00002077: SvcErr")),
        Some(denied(1, "00002020: operations error")),
        Some(denied(16, "attribute 'isRecycled': no matching attribute value")),
    ] {
        let mut world = world(&[]);
        world.always = answer;
        assert_eq!(restoration(&mut world), ["refused", "failed"]);
        assert_eq!(world.operations.len(), 1);
    }
}

#[test]
fn what_somebody_else_restored_is_left_to_the_next_pass() {
    let elsewhere = world(&[(7, "by hand", &[])]);
    let mut unmarked = world(&[(7, "seven", &[])]);
    unmarked.set(7, "extensionName", &["other"]);
    let mut of_another = world(&[(7, "seven", &[])]);
    of_another.set(7, "extensionName", &[&record(8)]);
    let mut outside = world(&[(7, "seven", &[])]);
    outside.objects.get_mut(&guid(7)).unwrap().dn = Dn::parse("CN=seven,DC=corp").unwrap();
    for mut world in [elsewhere, unmarked, of_another, outside] {
        assert_eq!(restoration(&mut world), ["failed", "failed"]);
        assert_eq!(world.operations.len(), 1);
        assert_eq!(world.members(7), Vec::<u128>::new());
    }
}

#[test]
fn a_group_restored_as_it_was_to_be_is_so_already() {
    let mut world = world(&[(7, "seven", &[])]);
    world.set(7, "adminDescription", &[&id(7).anchor()]);
    world.set(7, "sAMAccountName", &["s"]);
    assert_eq!(restoration(&mut world), ["already_so", "done"]);
}

//! What others did meanwhile: names that are taken, groups that were moved, marked anew or deleted.

use super::world::world;
use super::*;
use crate::directory::outcome::{Verdict, classify};

#[test]
fn a_name_taken_by_a_stranger_is_refused_and_its_group_left_out_of_others() {
    let mut world = world(&[(1, "a", &[]), (2, "parent", &[50])]);
    let members = vec![MemberReference::Created { group: id(9), label: "a".to_owned() }];
    let results = world.run(vec![
        create(9, "A"),
        change(9, new_target("A"), add([100])),
        change(2, target(2, "parent"), Effect::AddMembers { members, of: Some(0) }),
        change(2, target(2, "parent"), remove([50])),
    ]);
    assert_eq!(words(&results), ["refused", "failed", "refused", "failed"]);
    assert_eq!(results.get(2).unwrap().left_out, ["a: its group was not created"]);
    assert_eq!(world.objects.len(), 2);
    assert_eq!(world.members(2), [50], "who is nested instead of directly is never without it");
}

#[test]
fn an_account_name_taken_in_the_domain_is_refused_with_its_own_sentence() {
    let mut world = world(&[]);
    let refusal = match classify("add", 68, "00000526: UpdErr") {
        Verdict::Refused(refusal) => refusal,
        Verdict::Done | Verdict::Busy(_) => panic!("68 is a refusal"),
    };
    world.always = Some(Answer::Refused(refusal));
    let results = world.run(vec![create(1, "a")]);
    let Outcome::Refused { message } = &results.first().unwrap().outcome else {
        panic!("{results:?}")
    };
    assert!(message.contains("sAMAccountName"), "{message}");
    assert_eq!(world.operations.len(), 2, "sent, looked at, sent once more");
}

#[test]
fn what_was_moved_out_or_lost_its_record_is_not_written() {
    for effect in [
        add([100]),
        remove([100]),
        update("description", None, Some("x")),
        deletion(),
        Effect::Rename { to: target(1, "b") },
        Effect::Convert { from: 8, to: -2_147_483_640 },
    ] {
        let mut moved = world(&[(1, "a", &[])]);
        moved.objects.get_mut(&guid(1)).unwrap().dn = Dn::parse("CN=a,DC=corp,DC=example").unwrap();
        let mut released = world(&[(1, "a", &[])]);
        released.objects.get_mut(&guid(1)).unwrap().attributes.clear();
        let mut taken = world(&[(1, "a", &[])]);
        taken.set(1, "extensionName", &[&record(2), "writeback/v1;owner=corp", "other"]);
        for mut world in [moved, released, taken] {
            let results = world.run(vec![change(1, target(1, "a"), effect.clone())]);
            assert_eq!(words(&results), ["failed"], "{effect:?}");
            assert_eq!(world.operations, [], "{effect:?}");
        }
    }
}

#[test]
fn a_group_that_another_policy_has_by_now_is_not_ended() {
    let disable = Effect::Disable { members: 0, attributes: Vec::new() };
    for effect in [disable, deletion()] {
        let mut world = world(&[(1, "a", &[])]);
        world.set(1, "extensionName", &[&record(1).replace("finance", "other")]);
        let results = world.run(vec![change(1, target(1, "a"), effect)]);
        assert_eq!(words(&results), ["failed"]);
        assert!(message(&results, 0).contains("another policy"), "{results:?}");
        assert_eq!(world.operations, []);
        let results = world.run(vec![change(1, target(1, "a"), add([100]))]);
        assert_eq!(words(&results), ["done"], "its members are the cloud group's all the same");
    }
}

#[test]
fn a_group_renamed_by_hand_gets_its_members_but_no_name_of_an_old_plan() {
    let mut world = world(&[(1, "hand", &[])]);
    let results = world.run(vec![
        change(1, target(1, "a"), add([100])),
        change(1, target(1, "a"), Effect::Rename { to: target(1, "b") }),
    ]);
    assert_eq!(words(&results), ["done", "failed"]);
    assert_eq!(world.members(1), [100]);
    assert_eq!(world.objects.get(&guid(1)).unwrap().dn, dn("hand"));
}

#[test]
fn a_value_changed_by_somebody_else_is_left_alone() {
    let mut world = world(&[(1, "a", &[])]);
    let mine = update("description", Some("old"), Some("new"));
    let results = world.run(vec![change(1, target(1, "a"), mine)]);
    assert_eq!(words(&results), ["failed"]);
    let theirs = update("extensionName", Some(&record(1)), Some("writeback/next"));
    let results = world.run(vec![change(1, target(1, "a"), theirs)]);
    assert_eq!(words(&results), ["done"]);
    let values = world.objects.get(&guid(1)).unwrap().attributes.get("extensionname").unwrap();
    assert!(values.contains("other"), "values of others stay");
}

#[test]
fn a_delete_of_what_is_gone_is_so_already() {
    let mut world = world(&[]);
    let results = world.run(vec![change(1, target(1, "a"), deletion())]);
    assert_eq!(words(&results), ["already_so"]);
    assert_eq!(world.operations, []);
}

#[test]
fn an_object_is_looked_at_for_each_cloud_group_that_claims_it() {
    let mut world = world(&[(1, "a", &[])]);
    let results =
        world.run(vec![change(1, target(1, "a"), add([6])), change(2, target(1, "a"), add([7]))]);
    assert_eq!(words(&results), ["done", "failed"]);
    assert!(message(&results, 1).contains("ownership record"), "{results:?}");
    assert_eq!(world.members(1), [6]);
}

#[test]
fn a_record_of_another_owner_is_not_ours() {
    let others = record(1).replace("owner=corp", "owner=other");
    for (owner, wanted) in [("corp", "failed"), ("other", "done")] {
        let mut world = world(&[(1, "a", &[])]);
        world.set(1, "extensionName", &[&others]);
        let mut stepper = Stepper::of(of_one([add([100])]), containers(), 10).owned_by(owner);
        while let Some(step) = stepper.next() {
            let answer = match step {
                Step::Execute { operation, .. } => world.execute(&operation),
                Step::Verify { question, .. } => world.look(&question),
                Step::Wait(_) => Answer::Waited,
            };
            stepper.feed(answer);
        }
        assert_eq!(words(stepper.results()), [wanted], "{owner}");
    }
}

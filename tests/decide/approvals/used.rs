//! An approval that is used up: no other lets an equal set through for two days, and whoever wants
//! it to hears that, since when, until when and what helps before.

use jiff::SignedDuration;
use writeback::decide::guard::HeldPlan;
use writeback::decide::guard::approve::{Answer, USED_KEPT, Used, granted, places, useless};
use writeback::model::approval::ApprovalRequest;
use writeback::model::policy::Place;
use writeback::model::{Digest, FindingCode};

use super::{HOUR, NONE, digest, held, two_policies, vanished};
use crate::passes::{approve, ask, pass, restart};
use crate::world::World;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// What was let through, and is held once more, to the digit.
pub(super) fn again() -> (World, HeldPlan, Used) {
    let (mut world, held) = held();
    let set = digest(&held);
    approve(&mut world, &set.to_string(), &held);
    assert_eq!(ask(&world, &set.to_string(), &held), Answer::Known);
    let used = Used { digest: set, at: world.now, until: world.now + USED_KEPT };
    pass(&mut world);
    restart(&mut world);
    world.now += HOUR;
    let mut world = world.group("sales", &["u0", "u1", "u2", "u3", "u4"]);
    pass(&mut world);
    // Who came within a day may go again without a question.
    world.memory.added.clear();
    let mut world = world.group("sales", &["u0"]);
    let again = pass(&mut world).held;
    assert_eq!(again.digest(), Some(set));
    (world, again, used)
}

fn document(digest: &Digest, world: &World) -> ApprovalRequest {
    ApprovalRequest {
        digest: digest.short(),
        approved_by: "ann".to_owned(),
        not_after: world.now + HOUR,
        place: Some(Place { file: "policies/today.yaml".to_owned(), line: 3, column: 1 }),
    }
}

#[test]
fn an_equal_set_is_refused_for_two_days_and_not_a_moment_longer() {
    let (mut world, held, used) = again();
    let word = used.digest.short();
    world.now = used.until - SECOND;
    assert_eq!(ask(&world, &word, &held), Answer::Used(used));
    // No pass has forgotten it yet.
    world.now = used.until;
    assert!(world.memory.used_approvals.contains_key(&used.digest));
    assert!(matches!(ask(&world, &word, &held), Answer::Granted(..)));
    approve(&mut world, &word, &held);
    assert_eq!(pass(&mut world).rows(), NONE);
    assert_eq!(world.memory.used_approvals.get(&used.digest), Some(&used.until));
}

#[test]
fn a_hold_advises_no_command_that_is_refused() {
    let (mut world, held, used) = again();
    let Used { digest, at, until } = used;
    let command = format!("`writeback approve {}`", digest.short());
    let message = &held.holds.first().expect("a hold").message;
    let wanted = format!(
        "; {command} is refused until {until}, because an equal set was approved and used up at \
         {at}; before that, raise the limit or undo the cause"
    );
    assert!(message.ends_with(&wanted), "{message}");
    world.now = until;
    let message = &pass(&mut world).held.holds.remove(0).message;
    assert!(message.ends_with(&format!("; {command} passes it once")), "{message}");
}

#[test]
fn what_no_limit_holds_has_none_to_raise() {
    let mut world = vanished();
    let set = pass(&mut world).digest();
    world.memory.used_approvals.insert(set, world.now);
    let message = &pass(&mut world).held.holds.remove(0).message;
    assert!(message.ends_with("; before that, undo the cause"), "{message}");
}

#[test]
fn of_the_sets_of_several_policies_those_are_refused_that_were_used() {
    let mut world = two_policies();
    let held = pass(&mut world).held;
    let (sets, all) = (held.sets(), digest(&held));
    let one = *sets.keys().find(|set| **set != all).expect("a set of one policy");
    world.memory.used_approvals.insert(one, world.now);
    let held = pass(&mut world).held;
    assert_eq!(held.used.keys().collect::<Vec<_>>(), [&one]);
    for set in sets.keys() {
        assert_eq!(held.how_to_pass(set).ends_with(" passes it once"), *set != one, "{set}");
    }
    let message = &held.holds.first().expect("a hold").message;
    assert!(message.ends_with(&held.how_to_pass(&all)), "{message}");
}

#[test]
fn a_document_that_is_used_up_is_told_while_its_set_is_held() {
    let (mut world, held, used) = again();
    let Used { digest, at, until } = used;
    let documents = [document(&Digest::of(b"other"), &world), document(&digest, &world)];
    assert!(granted(&documents, &held, &world.memory, world.now).is_empty());
    let found = useless(&documents, &held);
    let messages: Vec<_> = found.iter().map(|one| (one.code, one.message.as_str())).collect();
    let wanted = format!(
        "policies/today.yaml:3 lets nothing through: {} was approved and used up at {at}, and an \
         equal set is refused until {until}; remove the file, and either approve the set anew \
         after that, or raise the limit or undo the cause of the hold",
        digest.short()
    );
    assert_eq!(messages, [(FindingCode::ApprovalUsed, wanted.as_str())]);
    // Nobody has to hear of it where nothing waits for it.
    assert_eq!(useless(&documents, &HeldPlan::default()), []);
    world.now = until;
    assert_eq!(useless(&documents, &pass(&mut world).held), []);
}

#[test]
fn an_approval_is_of_the_document_that_it_comes_from() {
    let (world, held) = held();
    let (set, memory) = (digest(&held), &world.memory);
    let file = document(&set, &world);
    let person = ApprovalRequest { place: None, ..file.clone() };
    let late = ApprovalRequest { not_after: world.now, ..file.clone() };
    let of = |requests: &[ApprovalRequest]| {
        let granted = granted(requests, &held, memory, world.now);
        assert_eq!(granted.keys().collect::<Vec<_>>(), [&set]);
        places(requests, &held, memory, world.now).remove(&set)
    };
    let place = Some("policies/today.yaml:3".to_owned());
    assert_eq!(of(std::slice::from_ref(&file)), place);
    // The last of several counts, and none that lets nothing through.
    assert_eq!(of(&[person.clone(), file.clone()]), place);
    assert_eq!(of(&[file, person.clone()]), None);
    assert_eq!(of(&[person, late]), None);
}

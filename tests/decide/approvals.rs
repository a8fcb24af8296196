//! A person's word for a held set: it lets through what it names, once, while that is wanted.

#[path = "approvals/exact.rs"]
mod exact;
#[path = "approvals/used.rs"]
mod used;
#[path = "approvals/waiting.rs"]
mod waiting;

use std::collections::BTreeSet;

use jiff::SignedDuration;
use writeback::decide::guard::approve::{Answer, granted};
use writeback::decide::guard::{HeldPlan, Row};
use writeback::decide::plan;
use writeback::model::approval::{APPROVAL_MAX, Approval, ApprovalRequest};
use writeback::model::change::Kind;
use writeback::model::directory::DirectPresence;
use writeback::model::policy::Additions;
use writeback::model::{Digest, Item};

use crate::passes::{
    approve, ask, ask_until, count, fleet, hard_delete, known, pass, restart, staffed, stands,
    strs, words,
};
use crate::world::{World, id, object, only, record, world};

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const NONE: Vec<(Row, usize, usize)> = Vec::new();

/// `sales` would lose four of its five members.
fn tripped() -> World {
    staffed(5, 200).group("sales", &["u0"])
}

/// The same, held by a pass.
fn held() -> (World, HeldPlan) {
    let mut world = tripped();
    let passed = pass(&mut world);
    assert_eq!(passed.rows(), [(Row::OneGroup, 4, 3)]);
    (world, passed.held)
}

fn digest(held: &HeldPlan) -> Digest {
    held.digest().expect("something is held")
}

#[test]
fn an_approval_lets_its_set_through_and_is_used_up() {
    let (mut world, held) = held();
    approve(&mut world, &digest(&held).to_string(), &held);
    restart(&mut world);
    let passed = pass(&mut world);
    assert_eq!(passed.lines, ["remove sales: u1 u2 u3 u4"]);
    assert!(world.memory.approvals.is_empty());
    assert!(world.memory.used_approvals.contains_key(&digest(&held)));
    assert!(world.memory.held.is_empty() && world.memory.held_since.is_empty());
}

#[test]
fn what_a_person_let_through_holds_no_ordinary_change_after_it() {
    let (mut world, held) = held();
    approve(&mut world, &digest(&held).short(), &held);
    pass(&mut world);
    assert_eq!(world.memory.spent, []);
    let mut fleet = fleet(60);
    for word in words("g", 30) {
        hard_delete(&mut fleet, &word);
    }
    let passed = pass(&mut fleet);
    approve(&mut fleet, &passed.digest().short(), &passed.held);
    assert_eq!(pass(&mut fleet).rows(), NONE);
    hard_delete(&mut fleet, "g40");
    assert_eq!(pass(&mut fleet).rows(), NONE);
    assert!(!stands(&fleet, "g40"));
}

#[test]
fn what_appears_later_stays_held() {
    let (mut world, held) = held();
    approve(&mut world, &digest(&held).short(), &held);
    // The last member goes too, and another group trips.
    let more = words("o", 200);
    let fewer: Vec<_> = more.iter().skip(51).map(String::as_str).collect();
    let mut world = world.group("sales", &[]).group("more", &fewer);
    let passed = pass(&mut world);
    assert_eq!(passed.lines.first().map(String::as_str), Some("remove sales: u1 u2 u3 u4"));
    let rows: Vec<_> = passed.held.holds.iter().map(|hold| hold.row).collect();
    assert_eq!(rows, [Row::MembershipsRemoved, Row::OneGroup, Row::ToEmpty]);
    assert_eq!((count(&world, "sales"), count(&world, "more")), (1, 200));
}

#[test]
fn what_is_not_wanted_any_more_drops_out_and_does_not_pass_when_it_comes_back() {
    let (mut world, held) = held();
    approve(&mut world, &digest(&held).short(), &held);
    let mut world = world.group("sales", &["u0", "u1"]);
    let passed = pass(&mut world);
    assert_eq!(passed.lines, ["remove sales: u2 u3 u4"]);
    assert!(world.memory.approvals.is_empty());
    let (mut all, held) = self::held();
    approve(&mut all, &digest(&held).short(), &held);
    let mut all = all.group("sales", &["u0", "u1", "u2", "u3", "u4"]);
    pass(&mut all);
    assert!(all.memory.approvals.is_empty());
    let mut all = all.group("sales", &["u0"]);
    let passed = pass(&mut all);
    assert_eq!(passed.rows(), [(Row::OneGroup, 4, 3)]);
    assert!(matches!(ask(&all, &digest(&held).short(), &passed.held), Answer::Used(_)));
}

#[test]
fn what_a_read_left_out_does_not_drop_out() {
    let (mut world, held) = held();
    approve(&mut world, &digest(&held).short(), &held);
    let blind = |world: &mut World, reason: Option<&str>| {
        let members = world.members.get_mut(&id("sales")).expect("it is there");
        let keep = members.clone();
        if let Some(reason) = reason {
            *members = Err(reason.to_owned());
        }
        keep
    };
    let before = blind(&mut world, Some("503"));
    pass(&mut world);
    assert_eq!(world.memory.approvals.len(), 1);
    world.members.insert(id("sales"), before);
    assert_eq!(pass(&mut world).lines, ["remove sales: u1 u2 u3 u4"]);
}

#[test]
fn a_used_approval_is_refused_when_it_is_played_again() {
    let (world, held, used) = used::again();
    for word in [used.digest.to_string(), used.digest.short()] {
        assert_eq!(ask(&world, &word, &held), Answer::Used(used));
    }
}

#[test]
fn an_approval_ends_with_its_time_and_another_may_be_given() {
    let (mut world, held) = held();
    let word = digest(&held).short();
    approve(&mut world, &word, &held);
    world.now += HOUR;
    let passed = pass(&mut world);
    assert_eq!(passed.rows(), [(Row::OneGroup, 4, 3)]);
    assert!(world.memory.approvals.is_empty());
    approve(&mut world, &word, &passed.held);
    assert_eq!(pass(&mut world).rows(), NONE);
}

#[test]
fn an_approval_holds_a_day_at_most() {
    let (world, held) = held();
    let word = digest(&held).to_string();
    let second = SignedDuration::from_secs(1);
    let until = |not_after| ask_until(&world, &word, &held, not_after);
    assert!(matches!(until(world.now + APPROVAL_MAX), Answer::Granted(..)));
    assert_eq!(until(world.now + APPROVAL_MAX + second), Answer::Expired);
    assert_eq!(until(world.now), Answer::Expired);
    assert_eq!(until(world.now - second), Answer::Expired);
    assert!(matches!(until(world.now + second), Answer::Granted(..)));
}

#[test]
fn twelve_digits_name_a_set_and_eleven_do_not() {
    let (world, held) = held();
    let word = digest(&held).to_string();
    let asked = |word: &str| ask(&world, word, &held);
    let digits = |count: usize| word.chars().take(count).collect::<String>();
    assert!(matches!(asked(&digits(12)), Answer::Granted(..)));
    assert!(matches!(asked(&digits(13).to_uppercase()), Answer::Granted(..)));
    assert_eq!(asked(&digits(11)), Answer::NotHeld);
    assert_eq!(asked(""), Answer::NotHeld);
    let other = word.replacen(&digits(1), if word.starts_with('0') { "1" } else { "0" }, 1);
    assert_eq!(asked(&other), Answer::NotHeld);
}

#[test]
fn a_set_that_the_last_pass_held_may_be_approved_though_another_is_held_now() {
    let (mut world, held) = held();
    let word = digest(&held).to_string();
    assert!(matches!(ask(&world, &word, &HeldPlan::default()), Answer::Granted(..)));
    world.memory.held.clear();
    assert_eq!(ask(&world, &word, &HeldPlan::default()), Answer::NotHeld);
}

/// Groups of two policies, each of which would lose four of five members.
fn two_policies() -> World {
    let (ours, theirs) = (words("u", 5), words("v", 5));
    let world = world().both("sales", &strs(&ours)).both("far", &strs(&theirs));
    let world = known(
        world
            .also("q", |q| q.selection.include = Some(vec![only(&["far"])]))
            .policy(|p| p.selection.exclude = vec![only(&["far"])])
            .directory("far", |group| {
                let active = writeback::model::record::RecordState::Active;
                group.records = vec![record("far", "q", active)];
            }),
    );
    world.group("sales", &["u0"]).group("far", &["v0"])
}

#[test]
fn what_one_policy_holds_has_a_digest_of_its_own() {
    let mut world = two_policies();
    let held = pass(&mut world).held;
    let sets = held.sets();
    assert_eq!(sets.len(), 3);
    let far = object("far").to_string();
    let own = sets.iter().find(|(_, items)| items.iter().all(|item| item.object == far));
    let own = own.expect("a set of `q` alone").0;
    let mut approved = world.clone();
    approve(&mut approved, &own.to_string(), &held);
    let passed = pass(&mut approved);
    assert_eq!(passed.lines, ["remove far: v1 v2 v3 v4", "held remove sales: u1 u2 u3 u4"]);
    approve(&mut world, &digest(&held).to_string(), &held);
    assert_eq!(pass(&mut world).rows(), NONE);
}

#[test]
fn requests_that_name_nothing_held_are_passed_over() {
    let (world, held) = held();
    let request = |digest: String| ApprovalRequest {
        digest,
        approved_by: "ann".to_owned(),
        not_after: world.now + HOUR,
        place: None,
    };
    let good = digest(&held);
    let requests = [request("0".repeat(64)), request(good.short()), request(good.to_string())];
    let granted = granted(&requests, &held, &world.memory, world.now);
    assert_eq!(granted.keys().collect::<Vec<_>>(), [&good]);
    let approval = granted.values().next().expect("one");
    assert_eq!(approval.items, held.sets().remove(&good).expect("it is held"));
}

/// An approval of these items alone.
fn let_through(world: &mut World, items: BTreeSet<Item>) {
    let (at, not_after) = (world.now, world.now + HOUR);
    let approval = Approval { items, approved_by: "ann".to_owned(), at, not_after };
    world.memory.approvals.insert(Digest::of(b"a set"), approval);
}

#[test]
fn an_approved_removal_whose_addition_is_held_is_not_done() {
    let replaced = || {
        let world = staffed(5, 200).group("sales", &["v0", "v1", "v2", "v3", "v4"]);
        world.policy(|p| p.guard.additions = Additions { times: 0, at_least: 1 })
    };
    let mut world = replaced();
    let held = pass(&mut world).held;
    let removals = |item: &Item| item.kind == Kind::RemoveMembers;
    let items: BTreeSet<Item> = held.changes.iter().flat_map(plan::items).collect();
    let_through(&mut world, items.iter().filter(|item| removals(item)).cloned().collect());
    let passed = pass(&mut world);
    assert_eq!(passed.rows(), [(Row::Additions, 5, 1)]);
    assert_eq!(
        passed.lines,
        ["held add sales: v0 v1 v2 v3 v4", "held remove sales: u0 u1 u2 u3 u4"]
    );
    // It stays open, and passes with the additions.
    let_through(&mut world, items);
    assert_eq!(pass(&mut world).lines.len(), 2);
    assert_eq!(count(&world, "sales"), 5);
}

/// The directory group of `sales` is nowhere, and `parent` shall hold it.
fn vanished() -> World {
    let mut world = known(world().both("sales", &["ann"]).both("parent", &["group:sales", "bob"]));
    world.domain.groups.remove(&object("sales"));
    world.domain.members.remove(&object("sales"));
    for members in world.domain.members.values_mut() {
        members.remove(&object("sales"));
    }
    world.domain.direct.insert(object("sales"), DirectPresence::Absent);
    world
}

#[test]
fn a_group_that_is_gone_is_made_anew_once_a_person_says_so() {
    let mut world = vanished();
    let passed = pass(&mut world);
    assert_eq!(passed.rows(), [(Row::DirectoryGroupGone, 1, 0)]);
    assert!(!stands(&world, "sales"));
    assert_eq!(pass(&mut world).rows(), [(Row::DirectoryGroupGone, 1, 0)]);
    approve(&mut world, &passed.digest().short(), &passed.held);
    restart(&mut world);
    let passed = pass(&mut world);
    assert_eq!(
        passed.lines,
        ["create sales as Group_sales", "add parent: +sales", "fill sales: ann", "activate sales"]
    );
    assert!(stands(&world, "sales"));
    assert_eq!(pass(&mut world).lines, Vec::<String>::new());
    assert_eq!(pass(&mut world).lines, Vec::<String>::new());
}

#[test]
fn an_approved_group_is_made_under_the_name_that_was_approved() {
    let mut world = vanished();
    let passed = pass(&mut world);
    approve(&mut world, &passed.digest().short(), &passed.held);
    let mut world = world.policy(|p| {
        let preset = writeback::model::policy::NamePreset::DisplayNameAndId;
        p.group.common_name.source = writeback::model::policy::NameSource::Preset(preset);
    });
    let rows: Vec<_> = pass(&mut world).rows().into_iter().map(|(row, ..)| row).collect();
    assert!(rows.contains(&Row::DirectoryGroupGone), "{rows:?}");
    assert!(!stands(&world, "sales"));
}

#[test]
fn an_approval_of_one_lost_group_makes_no_other() {
    let mut world = vanished();
    let passed = pass(&mut world);
    approve(&mut world, &passed.digest().short(), &passed.held);
    world.domain.groups.remove(&object("parent"));
    world.domain.members.remove(&object("parent"));
    world.domain.direct.insert(object("parent"), DirectPresence::Absent);
    assert_eq!(pass(&mut world).rows(), [(Row::DirectoryGroupGone, 1, 0)]);
    assert!(stands(&world, "sales") && !stands(&world, "parent"));
}

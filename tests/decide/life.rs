//! Life cycle: what leaves, what is deleted and when, what comes back, what is gone.

use writeback::model::cloud::{Presence, Unread};
use writeback::model::directory::DirectPresence;
use writeback::model::policy::{Departure, Mode};

use crate::check::check;
use crate::observed::Order;
use crate::world::{CONFIRM_AFTER, Listed, World, id, object, only, world};

/// A group whose deletion an earlier pass has seen long enough ago.
fn gone(word: &str, members: &[&str]) -> World {
    world().gone(word, members).with(|world| {
        world.memory.absent_since.insert(id(word), world.now - CONFIRM_AFTER);
    })
}

#[test]
fn a_group_whose_flag_is_turned_off_is_frozen() {
    let world = world().group("sales", &["ann"]).written("sales", &["bob"]);
    check(&world.flag("sales", Listed::Off), "freeze sales");
}

#[test]
fn a_group_that_its_policy_does_not_select_any_more_is_frozen() {
    let world = world()
        .group("sales", &["ann"])
        .written("sales", &["bob"])
        .policy(|p| p.selection.exclude = vec![only(&["sales"])]);
    check(&world, "freeze sales");
}

#[test]
fn a_soft_deleted_group_is_frozen() {
    let world = world().written("sales", &["bob"]).with(|world| {
        world.deleted.insert(id("sales"));
    });
    check(&world, "freeze sales");
}

#[test]
fn a_group_listed_both_as_there_and_as_deleted_is_unknown() {
    let both = |world: World| {
        world.with(|world| {
            world.deleted.insert(id("sales"));
        })
    };
    check(&both(world().both("sales", &[])), "unknown sales");
    check(&both(world().group("sales", &[])), "");
}

#[test]
fn a_group_that_comes_back_is_taken_up_again() {
    let world = world().group("sales", &["ann"]).written("sales", &["bob"]);
    check(&world, "add sales: ann\nremove sales: bob");
}

#[test]
fn a_hard_deletion_seen_once_is_unconfirmed() {
    check(&world().gone("sales", &["bob"]), "unconfirmed delete sales");
}

#[test]
fn a_hard_deletion_seen_long_enough_is_carried_out() {
    check(&gone("sales", &["bob"]), "delete sales");
}

#[test]
fn a_hard_deletion_seen_a_moment_too_short_is_unconfirmed() {
    let early = gone("sales", &[]).with(|world| {
        let second = jiff::SignedDuration::from_secs(1);
        world.memory.absent_since.insert(id("sales"), world.now - CONFIRM_AFTER + second);
    });
    check(&early, "unconfirmed delete sales");
}

#[test]
fn a_clock_that_went_back_confirms_no_deletion() {
    let ahead = gone("sales", &[]).with(|world| {
        world.memory.absent_since.insert(id("sales"), world.now + CONFIRM_AFTER);
    });
    check(&ahead, "unconfirmed delete sales");
}

#[test]
fn two_looks_far_enough_apart_confirm_a_deletion() {
    let mut world = world().gone("sales", &[]);
    let first = world.decide(Order::Given);
    world.remember(first, &[]);
    world.now += CONFIRM_AFTER;
    check(&world, "delete sales");
}

#[test]
fn a_look_that_found_the_group_again_starts_the_clock_anew() {
    let mut world = gone("sales", &[]);
    world.presence.insert(id("sales"), Presence::There);
    let found = world.decide(Order::Given);
    world.remember(found, &[]);
    world.presence.insert(id("sales"), Presence::Absent);
    check(&world, "unconfirmed delete sales");
}

#[test]
fn a_group_missing_from_the_listing_and_not_proven_deleted_is_unknown() {
    let answers =
        [Some(Presence::There), Some(Presence::Unread(Unread { reason: "503".to_owned() })), None];
    for answer in answers {
        let world = gone("sales", &["bob"]).with(|world| {
            world.presence.remove(&id("sales"));
            world.presence.extend(answer.clone().map(|answer| (id("sales"), answer)));
        });
        check(&world, "unknown sales");
        assert!(world.decide(Order::Given).incomplete, "{answer:?}");
    }
}

#[test]
fn a_policy_that_retains_deletes_nothing() {
    let world = gone("sales", &[]).policy(|p| p.deletion.on_hard_deleted = Departure::Retain);
    check(&world, "freeze sales");
}

#[test]
fn only_sync_deletes_groups() {
    for mode in [Mode::CreateOnly, Mode::UpsertOnly] {
        check(&gone("sales", &[]).policy(|p| p.mode = mode), "freeze sales");
    }
    check(&gone("sales", &[]).policy(|p| p.mode = Mode::Observe), "");
    check(&gone("sales", &[]).policy(|p| p.suspend = true), "");
}

#[test]
fn a_group_whose_members_cannot_be_read_is_not_deleted() {
    let world = gone("sales", &[]).with(|world| {
        world.domain.unread.insert(object("sales"), "52".to_owned());
    });
    check(&world, "unknown sales\n! MembersUnread sales");
}

#[test]
fn a_tenant_that_hides_links_deletes_nothing() {
    let world = gone("sales", &[]).with(|world| {
        let reason = "User.Read.All is missing".to_owned();
        world.links = writeback::model::cloud::Links::Unreadable { reason };
    });
    check(&world, "unconfirmed delete sales\n! LinksUnreadable *");
}

#[test]
fn a_group_in_doubt_is_not_deleted() {
    let world = gone("sales", &[])
        .directory("sales", |group| group.admin_description = Some(id("hr").anchor()));
    check(&world, "! AnchorChanged sales");
}

#[test]
fn a_group_this_process_wrote_and_no_longer_finds_is_held() {
    let lost = world().group("sales", &["ann"]).remembered("sales", "sales");
    let expected = "held create sales as Group_sales
         held fill sales: ann
         held activate sales
         ! DirectoryGroupGone sales";
    check(&lost, expected);
    let looked_up = lost.with(|world| {
        world.domain.direct.insert(object("sales"), DirectPresence::Absent);
    });
    check(&looked_up, expected);
}

#[test]
fn a_group_that_lost_all_marks_is_not_created_a_second_time() {
    let world = world().group("sales", &["ann"]).remembered("sales", "sales").with(|world| {
        world.domain.direct.insert(object("sales"), DirectPresence::There);
    });
    check(&world, "! AnchorChanged sales");
}

#[test]
fn a_parent_does_not_wait_for_a_nested_group_that_is_gone() {
    let world = world().group("a", &["group:b", "ann"]).group("b", &[]).remembered("b", "b");
    check(
        &world,
        "create a as Group_a
         fill a: ann
         activate a
         held create b as Group_b
         ! DirectoryGroupGone b",
    );
}

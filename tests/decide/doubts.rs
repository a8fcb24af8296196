//! Worlds in which something is open: nothing ends, and nobody gets access, because of a doubt.

use writeback::model::cloud::Links;
use writeback::model::directory::{DeletedGroup, UNIVERSAL_DISTRIBUTION, UNIVERSAL_SECURITY};
use writeback::model::policy::{Deletion, Departure, FlagRule, Matcher, Mode, Upkeep};
use writeback::model::record::RecordState;
use writeback::model::{Outcome, PolicyName};

use crate::check::{check, guarded as judged, guarded_only, lines};
use crate::observed::Order;
use crate::world::{GROUPS, Listed, World, dn, id, object, only, policy_name, record, world};

const QUARANTINE: &str = "OU=Quarantine,OU=Groups,DC=corp,DC=example";

fn ending(world: World, departure: Departure) -> World {
    world.policy(|p| {
        p.deletion = Deletion {
            on_disabled: departure,
            on_out_of_scope: departure,
            quarantine_container: Some(dn(QUARANTINE)),
            ..Deletion::default()
        };
    })
}

fn disabled(world: World, name: &str, state: RecordState) -> World {
    world.directory(name, |group| {
        group.group_type = UNIVERSAL_DISTRIBUTION;
        group.records = vec![record(name, "p", state)];
    })
}

#[test]
fn while_links_cannot_be_read_no_group_ends_and_none_loses_its_security() {
    let blind = |world: World| {
        world.with(|world| {
            world.links = Links::Unreadable { reason: "no right".to_owned() };
        })
    };
    let off = world().both("sales", &["ann"]).flag("sales", Listed::Off);
    for (departure, expected) in [
        (Departure::Delete, "unconfirmed delete sales\n! LinksUnreadable *"),
        (
            Departure::Disable,
            "unconfirmed disable sales: extensionName groupType\n! LinksUnreadable *",
        ),
    ] {
        check(&blind(ending(off.clone(), departure)), expected);
    }
    let weaker = world().m365("team", &["ann"]).written("team", &["ann"]);
    check(&blind(weaker), "! LinksUnreadable *\n! LinksUnreadable team");
}

#[test]
fn a_group_is_secure_again_only_when_those_who_left_are_out_of_it() {
    let back = |members: &[&str]| {
        let world = world().group("sales", &["ann"]).written("sales", members);
        disabled(world, "sales", RecordState::Disabled)
    };
    check(
        &back(&["ann", "b"]),
        "remove sales: b\nconvert sales: distribution to security\nactivate sales",
    );
    // Held with the removals.
    check(
        &back(&["ann", "b", "c", "d", "e"]),
        "held remove sales: b c d e
         held convert sales: distribution to security
         held activate sales",
    );
    // Left out with them.
    let doubt = back(&["ann", "b"]).with(|world| {
        let lost = world.member("lost:eve");
        if let Some(Ok(members)) = world.members.get_mut(&id("sales")) {
            members.push(lost);
        }
    });
    let told = lines(&doubt);
    assert!(told.iter().all(|line| line.starts_with('!')), "{told:?}");
}

#[test]
fn a_flag_that_is_not_listed_leaves_open_which_event_it_is() {
    let world = world()
        .both("sales", &["ann"])
        .flag("sales", Listed::Missing)
        .policy(|p| p.selection.exclude = vec![only(&["sales"])]);
    check(&ending(world, Departure::Delete), "unknown sales");
}

#[test]
fn a_group_whose_flag_is_off_does_not_end_beside_a_document_that_cannot_be_parsed() {
    let world = world().both("sales", &["ann"]).flag("sales", Listed::Off).with(|world| {
        world.unparsed.push("q.yaml".to_owned());
    });
    check(&ending(world, Departure::Delete), "");
}

#[test]
fn a_return_that_was_cut_short_is_taken_back() {
    for (state, departure) in [
        (RecordState::Disabled, Departure::Disable),
        (RecordState::Quarantined, Departure::Disable),
    ] {
        let world = world().both("sales", &["ann"]).flag("sales", Listed::Off).directory(
            "sales",
            |group| {
                group.group_type = UNIVERSAL_SECURITY;
                group.records = vec![record("sales", "p", state)];
            },
        );
        check(&ending(world, departure), "disable sales: groupType");
    }
}

#[test]
fn a_quarantined_group_is_in_use_again_only_where_it_belongs() {
    let quarantined = |world: World, word: &str| {
        disabled(world.both(word, &[]), word, RecordState::Quarantined)
            .directory(word, |group| group.dn = dn(QUARANTINE).child(&id(word).anchor()))
    };
    // Its name is taken.
    let taken = quarantined(world(), "sales").bystander(&id("sales").anchor(), "other", GROUPS);
    check(&taken, "convert sales: distribution to security\n! NameTaken sales");
    // Its move is held with fifty others.
    let mut many = world().policy(|p| p.group.placement.mode = Upkeep::CreateOnly);
    for number in 0..51 {
        many = quarantined(many, &format!("g{number}"));
    }
    let told = lines(&many);
    assert!(told.iter().all(|line| !line.starts_with("activate")), "{told:?}");
    assert_eq!(told.iter().filter(|line| line.starts_with("held activate")).count(), 51);
}

#[test]
fn a_held_removal_is_not_carried_out_by_ending_the_member() {
    let mut world = world().both("all", &["group:a", "group:b", "group:c"]);
    for number in 0..60 {
        world = world.both(&format!("g{number}"), &[]);
    }
    for word in ["a", "b", "c"] {
        world = world.both(word, &["ann"]).flag(word, Listed::Off);
    }
    for departure in [Departure::Delete, Departure::Disable, Departure::Quarantine] {
        let told = lines(&ending(world.clone(), departure));
        let ended = ["delete", "disable", "quarantine"];
        let ends = |line: &&String| ended.iter().any(|word| line.starts_with(word));
        assert!(told.contains(&"held remove all: a b c".to_owned()), "{told:?}");
        assert_eq!(told.iter().find(ends), None, "{told:?}");
    }
}

#[test]
fn an_object_that_was_there_before_is_wanted_whatever_the_default_for_new_groups() {
    let world = world()
        .m365("team", &[])
        .policy(|p| p.selection.writeback_flag = FlagRule::HonourTenantDefault)
        .with(|world| world.new_groups = Ok(false));
    check(&world, "");
    let world = world.remembered("team", "team").with(|world| {
        let tombstone = DeletedGroup {
            guid: object("team"),
            sam_account_name: Some(id("team").anchor()),
            group_type: Some(UNIVERSAL_DISTRIBUTION),
            admin_description: None,
            external_id: Some(id("team").anchor()),
            records: Vec::new(),
        };
        world.domain.deleted.insert(object("team"), tombstone);
    });
    check(&world, "restore team: adminDescription extensionName sAMAccountName");
}

#[test]
fn what_other_policies_would_have_made_is_not_there_for_the_one_that_is_asked() {
    let world = world()
        .group("n0", &["bob"])
        .group("o0", &["group:n0"])
        .written("o0", &["bob"])
        .directory("o0", |group| group.records = vec![record("o0", "q", RecordState::Active)])
        .policy(|p| p.selection.include = Some(vec![only(&["n0"])]))
        .also("q", |q| q.selection.include = Some(vec![only(&["o0"])]));
    let decision = world.decide(Order::Given);
    let all = judged(&world, &decision);
    assert!(all.held.changes.is_empty() && !all.admitted.changes().is_empty());
    let asked: PolicyName = policy_name("q");
    let one = guarded_only(&world, &decision, &asked);
    assert_eq!(one.admitted.changes(), []);
    assert!(one.held.changes.iter().all(|change| change.policy == asked));
    assert_ne!(one.digest, all.digest);
}

#[test]
fn what_is_taken_from_a_group_that_goes_over_counts_for_both_policies() {
    let mut world = world().also("q", |q| {
        q.precedence = 1;
        q.selection.include =
            Some(vec![Matcher { ids: Some(["a", "b"].map(id).into()), ..only(&[]) }]);
        q.group.group_type = writeback::model::policy::GroupTypeRule::UniversalDistribution;
    });
    for word in ["a", "b"] {
        world = world.m365(word, &["ann"]).written(word, &["ann"]);
    }
    for number in 0..200 {
        let name = format!("g{number}");
        world = world.both(&name, &[]).directory(&name, |group| {
            group.records = vec![record(&name, "q", RecordState::Active)];
        });
    }
    let told = lines(&world);
    assert!(told.contains(&"held convert a: security to distribution".to_owned()), "{told:?}");
    assert!(told.contains(&"handover a: p to q".to_owned()), "{told:?}");
}

#[test]
fn a_restoration_that_was_refused_waits_for_a_person() {
    let mut world = world().group("sales", &["ann"]).remembered("sales", "sales").with(|world| {
        let tombstone = DeletedGroup {
            guid: object("sales"),
            sam_account_name: Some(id("sales").anchor()),
            group_type: Some(UNIVERSAL_SECURITY),
            admin_description: None,
            external_id: None,
            records: Vec::new(),
        };
        world.domain.deleted.insert(object("sales"), tombstone);
    });
    let decision = world.decide(Order::Given);
    let results: Vec<_> = decision
        .plan
        .changes
        .iter()
        .map(|change| writeback::decide::conclude::ChangeResult {
            change: change.clone(),
            outcome: Outcome::Refused { message: "the right is missing".to_owned() },
            refused_members: Vec::new(),
            left_out: Vec::new(),
        })
        .collect();
    world.remember(decision, &results);
    check(
        &world,
        "held create sales as Group_sales
         held fill sales: ann
         held activate sales
         ! DirectoryGroupGone sales",
    );
}

#[test]
fn a_process_that_has_just_begun_deletes_nothing() {
    let world = world().both("sales", &["ann"]).flag("sales", Listed::Off).with(|world| {
        world.memory.passes = 0;
    });
    check(&ending(world, Departure::Delete), "unconfirmed delete sales");
}

#[test]
fn a_group_that_comes_back_under_create_only_gets_its_security_back() {
    let world = disabled(world().both("sales", &[]), "sales", RecordState::Disabled);
    check(
        &world.policy(|p| p.mode = Mode::CreateOnly),
        "convert sales: distribution to security\nactivate sales",
    );
}

#[test]
fn a_policy_that_takes_a_group_over_names_it_once() {
    let handed_over = |mode: Upkeep| {
        world().both("sales", &[]).also("q", |q| {
            q.precedence = 1;
            q.group.common_name.source = writeback::model::policy::NameSource::Preset(
                writeback::model::policy::NamePreset::DisplayNameAndId,
            );
            q.group.common_name.mode = mode;
        })
    };
    for mode in [Upkeep::Always, Upkeep::CreateOnly] {
        check(&handed_over(mode), "rename sales: sales_~sales\nhandover sales: p to q");
    }
}

#[test]
fn a_name_that_is_taken_in_quarantine_is_told_and_the_group_is_disabled() {
    let world = world().both("sales", &["ann"]).flag("sales", Listed::Off).bystander(
        &id("sales").anchor(),
        "other",
        QUARANTINE,
    );
    let world = ending(world, Departure::Quarantine);
    check(&world, "disable sales: extensionName groupType");
    let ended = disabled(world, "sales", RecordState::Disabled);
    check(&ended, "freeze sales\n! NameTaken sales");
}

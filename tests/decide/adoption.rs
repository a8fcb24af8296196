//! Adoption and release: directory groups that a person gives to cloud groups, and takes back.

#[path = "adoption/converted.rs"]
mod converted;
#[path = "adoption/release.rs"]
mod release;
#[path = "adoption/scope.rs"]
mod scope;

use writeback::model::change::Effect;
use writeback::model::directory::{DirectPresence, PrincipalClass, UNIVERSAL_SECURITY};
use writeback::model::policy::{Mode, NamePreset, NameSource};
use writeback::model::record::{RecordState, adopted_mark};
use writeback::model::{FindingCode, Memory, Sid};

use crate::apply::containers;
use crate::check::{check, guarded};
use crate::observed::Order;
use crate::world::{Listed, World, adoption, dn, id, object, record, world};

const GLOBAL_SECURITY: i32 = -2_147_483_646;

/// A cloud group and the group that administrators made for the same people, with an entry.
fn given() -> World {
    world()
        .group("sales", &["ann", "eve"])
        .standing("old", &["ann", "bob"])
        .adoption("sales", "old")
}

/// The same where nothing has to be done but to adopt it.
fn alike() -> World {
    world()
        .group("sales", &["ann"])
        .standing("old", &["ann"])
        .adoption("sales", "old")
        .directory("old", |group| group.display_name = Some("sales".to_owned()))
}

const ADOPTED: &str = "adopt sales: old";

/// Does what the guard lets through, and remembers it.
fn pass(world: &mut World) {
    let decision = world.decide(Order::Given);
    let guarded = guarded(world, &decision);
    let results = world.execute(guarded.admitted.changes(), |_, _| {});
    world.remember_held(decision, &guarded.held, &results);
}

/// The entry is refused, nothing is written, and no other group is made; the finding says `why`.
fn refused(world: &World, why: &str) {
    check(world, "! AdoptionRefused sales");
    let decision = world.decide(Order::Given);
    let told: Vec<_> = decision.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert!(told.iter().any(|message| message.contains(why)), "{why}: {told:?}");
    assert!(told.iter().all(|message| message.contains("p.yaml:40:5")), "{told:?}");
}

#[test]
fn a_group_that_a_person_gives_is_taken_up_as_it_stands() {
    check(&alike(), ADOPTED);
    let decision = alike().decide(Order::Given);
    let [change] = decision.plan.changes.as_slice() else { panic!("{:?}", decision.plan) };
    let Effect::Adopt { attributes } = &change.effect else { panic!("{change:?}") };
    let written: Vec<_> = attributes
        .iter()
        .map(|change| (&*change.name, change.before.is_none(), change.after.clone()))
        .collect();
    let text = |text: String| Some(text);
    let expected = [
        ("adminDescription", true, text(id("sales").anchor())),
        ("extensionName", true, text(adopted_mark(id("sales")))),
        ("extensionName", true, text(record("sales", "p", RecordState::Active).text)),
        ("msDS-ExternalDirectoryObjectId", true, text(id("sales").anchor())),
    ];
    assert_eq!(written, expected);
    assert_eq!(change.target.object(), Some(object("old")));
    assert_eq!(change.cause.to_string(), "policy p.yaml:40");
}

#[test]
fn what_adoption_brings_stands_in_the_same_plan() {
    let narrow = given().directory("old", |group| group.group_type = GLOBAL_SECURITY);
    check(
        &narrow,
        "adopt sales: old
         update sales: displayName
         convert sales: narrow security to security
         add sales: eve
         held remove sales: bob",
    );
}

#[test]
fn an_adopted_group_keeps_name_and_place_whatever_the_policy_says() {
    let mut world = alike().policy(|policy| {
        let preset = NameSource::Preset(NamePreset::DisplayNameAndId);
        policy.group.common_name.source = preset.clone();
        policy.group.sam_account_name.source = preset;
    });
    check(&world, ADOPTED);
    pass(&mut world);
    check(&world, "");
    // The mark on the object says so, and no memory; the entry may stay or go.
    world.memory = Memory { passes: 1, ..Memory::default() };
    check(&world, "");
    check(&world.clone().policy(|policy| policy.adoption.clear()), "");
    // Without the mark it is a group like any other.
    let unmarked = world.directory("old", |group| group.adopted = None);
    check(
        &unmarked,
        "rename sales: sales_~sales
         sam sales: sales_~sales",
    );
}

#[test]
fn another_policy_that_takes_an_adopted_group_over_names_it_no_other_way() {
    let mut world = alike();
    pass(&mut world);
    check(&world.also("q", |policy| policy.precedence = 1), "handover sales: p to q");
}

#[test]
fn an_adopted_group_follows_its_cloud_group_from_then_on() {
    let mut world = given();
    pass(&mut world);
    check(&world, "held remove sales: bob");
    let world = world.clone().with(|world| {
        let joined = world.member("kim");
        let members = world.members.get_mut(&id("sales")).expect("it is there");
        members.as_mut().expect("they are read").push(joined);
    });
    check(&world, "add sales: kim\nheld remove sales: bob");
}

#[test]
fn the_anchors_of_microsofts_writeback_are_taken_up_once_it_is_off() {
    for anchor in [id("sales").anchor(), format!("TakenOver_{}", id("sales").anchor())] {
        let anchored = alike().directory("old", |group| {
            group.admin_description = Some(anchor.clone());
            group.external_id = Some(id("sales").anchor());
        });
        refused(&anchored, "incumbentOff: true");
        let confirmed = anchored.policy(|policy| policy.adoption[0].incumbent_off = true);
        check(&confirmed, ADOPTED);
        let mut done = confirmed;
        pass(&mut done);
        let group = &done.domain.groups[&object("old")];
        assert_eq!(group.admin_description, Some(id("sales").anchor()));
        check(&done, "");
    }
}

#[test]
fn a_foreign_group_without_an_entry_stays_foreign() {
    let world = alike()
        .policy(|policy| policy.adoption.clear())
        .directory("old", |group| group.admin_description = Some(id("sales").anchor()));
    check(&world, "! Foreign sales");
}

#[test]
fn a_group_of_the_same_name_is_never_taken_up_by_it() {
    let namesake =
        world().group("sales", &["ann"]).standing("old", &["ann"]).directory("old", |group| {
            group.dn = group.dn.parent().expect("a container").child(&id("sales").anchor());
            group.sam_account_name = id("sales").anchor();
        });
    check(&namesake, "! NameTaken sales");
}

#[test]
fn the_object_must_be_there_and_be_a_group() {
    let nothing = world().group("sales", &[]).adoption("sales", "nothing");
    refused(&nothing, "no group of this domain");
    let user = alike().directory("old", |group| group.class = PrincipalClass::User);
    refused(&user, "is no group");
}

#[test]
fn nothing_privileged_is_adopted_whatever_a_policy_says() {
    refused(&alike().directory("old", |group| group.privileged = true), "never written");
    refused(&alike().directory("old", |group| group.critical = true), "never written");
    let builtin = Sid::parse("S-1-5-32-544");
    refused(&alike().directory("old", |group| group.sid = builtin), "never written");
    let made_by_system = UNIVERSAL_SECURITY | 1;
    refused(&alike().directory("old", |group| group.group_type = made_by_system), "never written");
}

#[test]
fn a_group_inside_a_protected_one_is_not_adopted() {
    let world = alike()
        .inside("old", &["Helpers"])
        .above("Helpers", false, &["Domain Admins"])
        .above("Domain Admins", true, &[]);
    refused(&world, "old is in Helpers is in Domain Admins");
}

#[test]
fn a_group_outside_the_containers_is_not_adopted() {
    let outside = dn("OU=Elsewhere,DC=corp,DC=example").child("old");
    refused(&alike().directory("old", |group| group.dn = outside), "directory.containers");
}

#[test]
fn a_group_with_a_record_is_somebodys() {
    let mut other = record("sales", "p", RecordState::Active);
    let text = other.text.replace("owner=corp", "owner=other");
    other.record = writeback::model::OwnershipRecord::parse(&text);
    other.text = text;
    refused(&alike().directory("old", |group| group.records = vec![other]), "another owner");
    let unreadable = writeback::model::directory::RecordValue {
        text: "writeback/v9;owner=corp".to_owned(),
        record: None,
    };
    refused(&alike().directory("old", |group| group.records = vec![unreadable]), "another owner");
}

#[test]
fn a_group_of_ours_is_not_given_to_another_cloud_group() {
    let world = world().group("sales", &[]).both("hr", &["ann"]).adoption("sales", "hr");
    refused(&world, &id("hr").to_string());
}

#[test]
fn a_group_with_the_anchor_of_another_cloud_group_is_not_adopted() {
    for confirmed in [false, true] {
        let world = alike()
            .directory("old", |group| group.external_id = Some(id("hr").anchor()))
            .policy(|policy| policy.adoption[0].incumbent_off = confirmed);
        refused(&world, "anchor of another cloud group");
    }
}

#[test]
fn one_mark_on_two_objects_is_not_adopted() {
    let anchored = |world: World, word: &str| {
        world.directory(word, |group| group.admin_description = Some(id("sales").anchor()))
    };
    let world = anchored(anchored(alike().standing("twin", &[]), "old"), "twin");
    refused(&world, "carries the mark");
}

#[test]
fn a_cloud_group_that_has_a_directory_group_gets_no_second_one() {
    let world = world().both("sales", &["ann"]).standing("old", &[]).adoption("sales", "old");
    refused(&world, "already");
    // Nor while the one it had can be brought back, or lives without its marks.
    let unmarked = alike().remembered("sales", "sales").with(|world| {
        world.domain.direct.insert(object("sales"), DirectPresence::There);
    });
    refused(&unmarked, "is there or can be brought back");
    // One that is nowhere stands in nobody's way.
    check(&alike().remembered("sales", "sales"), ADOPTED);
}

#[test]
fn two_entries_for_one_group_or_one_object_are_both_refused() {
    let twice = alike().standing("other", &[]).adoption("sales", "other");
    check(&twice, "! AdoptionRefused sales\n! AdoptionRefused sales");
    let shared = alike().group("hr", &[]).adoption("hr", "old");
    check(&shared, "! AdoptionRefused hr\n! AdoptionRefused sales");
    // The same pair twice is one wish; a person's word in one of them is enough.
    let anchored = alike()
        .directory("old", |group| group.admin_description = Some(id("sales").anchor()))
        .policy(|policy| {
            let confirmed = writeback::model::policy::Adoption {
                incumbent_off: true,
                ..adoption("sales", "old")
            };
            policy.adoption.push(confirmed);
        });
    check(&anchored, ADOPTED);
}

#[test]
fn a_cloud_group_that_no_policy_takes_adopts_nothing() {
    refused(&alike().flag("sales", Listed::Off), "no policy takes");
    let gone = alike().with(|world| {
        world.groups.clear();
    });
    refused(&gone.clone(), "no group of the tenant");
    let deleted = gone.with(|world| {
        world.deleted.insert(id("sales"));
    });
    refused(&deleted, "is deleted");
}

#[test]
fn the_entry_belongs_to_the_policy_that_takes_the_group() {
    refused(&alike().also("q", |policy| policy.precedence = 1), "is the policy q's");
}

#[test]
fn who_writes_nothing_adopts_nothing() {
    check(&alike().policy(|policy| policy.suspend = true), "");
    check(&alike().with(|world| world.policies[0].last_good = true), "");
    check(&alike().policy(|policy| policy.mode = Mode::Observe), "observed adopt sales: old");
    let world = given().policy(|policy| policy.mode = Mode::Observe);
    check(
        &world,
        "observed adopt sales: old
         observed update sales: displayName
         observed add sales: eve",
    );
}

#[test]
fn what_is_not_read_whole_is_not_adopted() {
    let world = alike().with(|world| {
        world.domain.unread.insert(object("old"), "the range broke off".to_owned());
    });
    check(&world, "unknown sales\n! MembersUnread sales");
}

#[test]
fn an_adopted_group_that_somebody_deleted_comes_back_under_its_own_name() {
    for recycle_bin in [true, false] {
        let mut world = alike().with(|world| world.domain.recycle_bin = recycle_bin);
        pass(&mut world);
        pass(&mut world);
        let here = world.domain.groups[&object("old")].dn.clone();
        let target = containers().admit(object("old"), here.clone()).expect("it is inside");
        let last = writeback::model::change::LastSight::default();
        world
            .operate(&writeback::model::Operation::Delete { target, last })
            .expect("the directory takes it");
        for _ in 0..3 {
            pass(&mut world);
        }
        let back = &world.domain.groups[&object("old")];
        assert_eq!((&back.dn, back.sam_account_name.as_str()), (&here, "old"), "{recycle_bin}");
        assert_eq!(back.adopted, Some(adopted_mark(id("sales"))), "{recycle_bin}");
        check(&world, "");
    }
}

#[test]
fn a_planned_adoption_is_not_remembered_before_it_is_made() {
    let mut world = alike();
    let decision = world.decide(Order::Given);
    assert!(decision.findings.iter().all(|f| f.code != FindingCode::AdoptionRefused));
    world.remember(decision, &[]);
    assert!(world.memory.inventory.is_empty(), "{:?}", world.memory.inventory);
    check(&world, ADOPTED);
}

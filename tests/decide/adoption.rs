//! Adoption and release: directory groups that a person gives to cloud groups, and takes back.

use writeback::decide::adopt::{Which, release};
use writeback::model::change::Effect;
use writeback::model::cloud::Origin;
use writeback::model::directory::{DirectPresence, PrincipalClass, UNIVERSAL_SECURITY};
use writeback::model::policy::{Mode, NamePreset, NameSource};
use writeback::model::record::{RecordState, adopted_mark};
use writeback::model::{FindingCode, Memory, Sid};

use crate::apply::containers;
use crate::check::{check, guarded};
use crate::observed::Order;
use crate::world::{Listed, OWNER, World, adoption, dn, id, object, record, sid, tenant, world};

const GLOBAL_SECURITY: i32 = -2_147_483_646;
const LOCAL_SECURITY: i32 = -2_147_483_644;
const GLOBAL_DISTRIBUTION: i32 = 2;

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
fn scope_and_security_change_one_after_the_other() {
    let both = alike().directory("old", |group| group.group_type = GLOBAL_DISTRIBUTION);
    check(
        &both,
        "adopt sales: old
         convert sales: narrow distribution to distribution
         convert sales: distribution to security",
    );
}

#[test]
fn a_scope_is_widened_where_security_has_to_stay() {
    let world = alike()
        .cloud("sales", |group| group.kind = writeback::model::GroupKind::Microsoft365)
        .policy(|policy| policy.mode = Mode::UpsertOnly)
        .directory("old", |group| group.group_type = GLOBAL_SECURITY);
    check(&world, "adopt sales: old\nconvert sales: narrow security to security");
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

// Conversions that the directory refuses.

#[test]
fn a_global_group_in_a_global_group_is_refused_by_name() {
    let narrow = |world: World| world.directory("old", |g| g.group_type = GLOBAL_SECURITY);
    let world = narrow(alike()).principal("onprem:everybody", |p| {
        p.group_type = Some(GLOBAL_SECURITY);
    });
    let parent = world.domain.accounts[&object("everybody")].dn.clone();
    let nested = world.directory("old", |group| group.parents = vec![parent]);
    refused(&nested, "CN=everybody,");
    // A universal one may hold it, before and after.
    let wide = nested.principal("onprem:everybody", |p| p.group_type = Some(UNIVERSAL_SECURITY));
    check(&wide, "adopt sales: old\nconvert sales: narrow security to security");
    // One whose scope cannot be seen may be global.
    refused(&wide.principal("onprem:everybody", |p| p.group_type = None), "CN=everybody,");
}

#[test]
fn a_global_group_may_hold_global_groups() {
    let world = world()
        .group("sales", &["onprem:team"])
        .standing("old", &["onprem:team"])
        .adoption("sales", "old")
        .principal("onprem:team", |p| p.group_type = Some(GLOBAL_SECURITY))
        .directory("old", |group| {
            group.group_type = GLOBAL_SECURITY;
            group.display_name = Some("sales".to_owned());
        });
    check(&world, "adopt sales: old\nconvert sales: narrow security to security");
}

#[test]
fn a_domain_local_group_with_a_domain_local_member_is_refused_by_name() {
    let world = alike()
        .directory("old", |group| group.group_type = LOCAL_SECURITY)
        .principal("onprem:local", |p| p.group_type = Some(LOCAL_SECURITY));
    check(&world, "adopt sales: old\nconvert sales: narrow security to security");
    let world = world.with(|world| {
        world.domain.members.get_mut(&object("old")).expect("it is there").insert(object("local"));
    });
    refused(&world, "CN=local,");
}

#[test]
fn a_domain_local_group_with_somebody_of_another_forest_is_refused_by_name() {
    let world = alike()
        .directory("old", |group| group.group_type = LOCAL_SECURITY)
        .bystander("S-1-5-21-9-9-9-1", "", "CN=ForeignSecurityPrincipals,DC=corp,DC=example")
        .with(|world| {
            let members = world.domain.members.get_mut(&object("old")).expect("it is there");
            members.insert(object("S-1-5-21-9-9-9-1"));
        });
    refused(&world, "S-1-5-21-9-9-9-1");
}

// Converted groups.

/// A cloud group that was converted from the group `old`.
fn converted(world: World) -> World {
    world.cloud("sales", |group| group.origin = Origin::Converted(sid("old")))
}

#[test]
fn a_converted_group_is_untouched_until_its_own_object_is_adopted() {
    let world = converted(alike());
    check(
        &world.clone().policy(|policy| policy.adoption.clear()),
        "! ConvertedFromDirectory sales",
    );
    check(&world, ADOPTED);
}

#[test]
fn a_converted_group_adopts_no_other_object() {
    let world = converted(alike()).directory("old", |group| group.sid = Some(sid("other")));
    refused(&world, "is another one");
}

#[test]
fn a_converted_group_that_is_ours_by_its_record_stays_ours() {
    let mut world = converted(alike());
    pass(&mut world);
    world.memory = Memory { passes: 1, ..Memory::default() };
    world.policies[0].policy.adoption.clear();
    check(&world, "");
}

#[test]
fn a_group_that_the_tenant_reads_from_the_directory_follows_no_other() {
    let mirror = |origin: Origin| {
        alike().group("mirror", &[]).cloud("mirror", |group| group.origin = origin)
    };
    refused(&mirror(Origin::OnPremises(Some(sid("old")))), "mirror");
    let world = mirror(Origin::Converted(sid("old")));
    check(&world, "! ConvertedFromDirectory mirror\n! AdoptionRefused sales");
}

// Afterwards.

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

/// The lines of what `release` would do.
fn released(world: &World, which: Which, anchor: bool) -> (Vec<String>, Vec<String>) {
    let directory = world.directory_snapshot();
    let owner = (OWNER, tenant());
    let released = release(&directory, &containers(), owner, which, anchor);
    let changes = released.plan.changes.iter();
    (changes.map(|change| crate::check::line(world, change)).collect(), released.refused)
}

#[test]
fn release_takes_our_marks_off_and_the_anchors_only_when_asked() {
    let mut world = alike();
    pass(&mut world);
    let (lines, refused) = released(&world, Which::Group(id("sales")), false);
    assert_eq!(
        (lines, refused.len()),
        (vec!["release sales: extensionName extensionName".into()], 0)
    );
    let (lines, _) = released(&world, Which::Object(object("old")), true);
    let all = "release sales: adminDescription extensionName extensionName \
               msDS-ExternalDirectoryObjectId";
    assert_eq!(lines, [all]);
}

#[test]
fn release_leaves_the_group_as_it_is() {
    let mut world = alike();
    pass(&mut world);
    let before = (world.domain.groups[&object("old")].clone(), world.domain.members.clone());
    let directory = world.directory_snapshot();
    let plan = release(&directory, &containers(), (OWNER, tenant()), Which::All, true).plan;
    let results = world.execute(&plan.changes, |_, _| {});
    assert!(results.iter().all(|result| result.outcome.achieved()));
    let after = &world.domain.groups[&object("old")];
    assert!(
        after.records.is_empty() && after.adopted.is_none() && after.admin_description.is_none()
    );
    assert_eq!((&after.dn, after.group_type), (&before.0.dn, before.0.group_type));
    assert_eq!(world.domain.members, before.1);
}

#[test]
fn what_was_released_is_foreign_and_not_made_again() {
    let mut world = world().both("sales", &["ann"]);
    let directory = world.directory_snapshot();
    let plan = release(&directory, &containers(), (OWNER, tenant()), Which::All, false).plan;
    world.execute(&plan.changes, |_, _| {});
    check(&world, "! Foreign sales");
}

#[test]
fn release_means_those_with_our_record_alone() {
    let world = world().both("sales", &[]).both("hr", &[]).directory("hr", |group| {
        for value in &mut group.records {
            let record = value.record.as_mut().expect("it is ours");
            "other".clone_into(&mut record.owner);
        }
    });
    assert_eq!(released(&world, Which::All, false).0, ["release sales: extensionName"]);
    assert_eq!(released(&world, Which::Group(id("hr")), false).0, Vec::<String>::new());
}

#[test]
fn release_writes_nothing_outside_the_containers() {
    let world = world().both("sales", &[]).directory("sales", |group| {
        group.dn = dn("OU=Elsewhere,DC=corp,DC=example").child("sales");
    });
    let (lines, refused) = released(&world, Which::All, true);
    assert!(lines.is_empty() && refused.len() == 1, "{lines:?} {refused:?}");
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

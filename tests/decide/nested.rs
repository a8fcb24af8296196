//! Groups in groups: what is nested, what is not any more, and what stays.

#[path = "nested/flattened.rs"]
mod flattened;

use writeback::model::GroupKind;
use writeback::model::cloud::{Link, MemberKind, Origin, Presence};
use writeback::model::directory::{DeletedGroup, UNIVERSAL_SECURITY};
use writeback::model::policy::{Departure, Mode, Policy};
use writeback::model::record::RecordState;

use crate::check::{check, lines};
use crate::observed::Order;
use crate::world::{CONFIRM_AFTER, Listed, World, id, object, only, record, world};

#[test]
fn a_nested_group_that_is_written_is_a_member() {
    let world = world().group("sales", &["group:hr"]).written("sales", &[]).both("hr", &[]);
    check(&world, "add sales: hr");
}

#[test]
fn a_new_nested_group_is_created_first() {
    let world = world().group("a", &["group:b"]).written("a", &[]).group("b", &[]);
    check(&world, "create b as Group_b\nadd a: +b");
}

#[test]
fn groups_nested_in_a_circle_are_written_as_they_are() {
    check(
        &world().group("a", &["group:b"]).group("b", &["group:a"]),
        "create a as Group_a
         create b as Group_b
         fill a: +b
         fill b: +a
         activate a
         activate b",
    );
}

#[test]
fn a_group_is_not_made_a_member_of_itself() {
    check(
        &world().both("a", &[]).with(|world| {
            let own = world.member("group:a");
            world.members.insert(id("a"), Ok(vec![own]));
        }),
        "! MemberTypeSkipped a",
    );
}

#[test]
fn a_nested_group_that_leaves_is_taken_out() {
    let nested = || world().group("sales", &["group:hr"]).written("sales", &["group:hr"]);
    let off = nested().both("hr", &[]).flag("hr", Listed::Off);
    check(&off, "remove sales: hr\nfreeze hr\n! ChildNotWrittenBack sales");
}

#[test]
fn a_nested_group_that_nobody_writes_is_told() {
    let world = world().group("sales", &["group:hr"]).group("hr", &[]).flag("hr", Listed::Null);
    check(&world, "create sales as Group_sales\n! ChildNotWrittenBack sales");
}

#[test]
fn a_nested_group_that_is_unknown_stays_and_is_not_added() {
    let world = world()
        .group("sales", &["group:hr"])
        .written("sales", &["group:hr"])
        .group("it", &["group:hr"])
        .written("it", &[])
        .both("hr", &[])
        .with(|world| {
            world.members.insert(id("hr"), Err("503".to_owned()));
        });
    check(&world, "unknown hr\n! MembersUnread hr");
}

#[test]
fn a_nested_group_whose_name_is_taken_is_not_waited_for() {
    let world = world().group("sales", &["group:hr", "ann"]).group("hr", &[]).bystander(
        &id("hr").anchor(),
        "other",
        crate::world::GROUPS,
    );
    check(
        &world,
        "create sales as Group_sales
         fill sales: ann
         activate sales
         ! NameTaken hr
         ! ChildNotWrittenBack sales",
    );
}

#[test]
fn a_foreign_nested_group_stays_and_is_not_added() {
    let foreign = |members: &[&str]| {
        world()
            .group("sales", &["group:hr"])
            .written("sales", members)
            .both("hr", &[])
            .directory("hr", |group| group.records.clear())
    };
    check(&foreign(&["group:hr"]), "! Foreign hr\n! ChildForeign sales");
    check(&foreign(&[]), "! Foreign hr\n! ChildForeign sales");
}

#[test]
fn a_nested_group_in_doubt_stays_whichever_object_is_meant() {
    let world = world()
        .group("sales", &["group:hr"])
        .written("sales", &["group:hr", "group:twin"])
        .both("hr", &[])
        .written("twin", &[])
        .directory("twin", |group| {
            group.admin_description = Some(id("hr").anchor());
            group.external_id = None;
            group.records = vec![record("hr", "p", RecordState::Active)];
        });
    check(&world, "! AnchorNotUnique hr");
}

#[test]
fn a_nested_group_in_doubt_stays_even_when_its_flag_is_off() {
    let world = world()
        .group("sales", &["group:hr"])
        .written("sales", &["group:hr"])
        .both("hr", &[])
        .flag("hr", Listed::Off)
        .directory("hr", |group| group.external_id = Some(id("it").anchor()));
    check(&world, "! AnchorChanged hr");
}

/// `sales` holds `hr`, which is written, in both worlds.
fn nested() -> World {
    world().group("sales", &["group:hr"]).written("sales", &["group:hr"]).both("hr", &[])
}

/// The cloud group `hr` is not listed any more, and a direct read does not find it.
fn without_hr(world: World) -> World {
    world.with(|world| {
        world.groups.remove(&id("hr"));
        world.presence.insert(id("hr"), Presence::Absent);
    })
}

#[test]
fn a_nested_group_out_of_scope_is_taken_out() {
    let world = nested().policy(|p| p.selection.exclude = vec![only(&["hr"])]);
    check(&world, "remove sales: hr\nfreeze hr\n! ChildNotWrittenBack sales");
}

#[test]
fn a_soft_deleted_nested_group_is_taken_out() {
    let world = nested().with(|world| {
        world.groups.remove(&id("hr"));
        world.deleted.insert(id("hr"));
    });
    check(&world, "remove sales: hr\nfreeze hr\n! ChildNotWrittenBack sales");
}

#[test]
fn a_nested_group_is_taken_out_while_the_grace_before_its_end_lasts() {
    let world = nested().flag("hr", Listed::Off).policy(|p| {
        p.deletion.on_disabled = Departure::Delete;
        p.deletion.grace = jiff::SignedDuration::from_hours(24);
    });
    check(&world, "remove sales: hr\nfreeze hr\n! ChildNotWrittenBack sales");
}

#[test]
fn a_hard_deleted_nested_group_is_taken_out_when_its_deletion_is_confirmed() {
    check(&without_hr(nested()), "unconfirmed delete hr");
    let confirmed = without_hr(nested()).with(|world| {
        world.memory.absent_since.insert(id("hr"), world.now - CONFIRM_AFTER);
    });
    check(&confirmed, "remove sales: hr\ndelete hr\n! ChildNotWrittenBack sales");
    let kept = |p: &mut Policy| p.deletion.on_hard_deleted = Departure::Retain;
    check(&without_hr(nested()).policy(kept), "freeze hr");
    check(&confirmed.policy(kept), "remove sales: hr\nfreeze hr\n! ChildNotWrittenBack sales");
}

#[test]
fn a_missing_group_that_is_not_proven_deleted_stays_where_the_cloud_shows_no_nesting_either() {
    let lost = || {
        world().group("sales", &[]).written("sales", &["group:hr"]).both("hr", &[]).with(|world| {
            world.groups.remove(&id("hr"));
        })
    };
    check(&lost(), "unknown hr");
    check(&without_hr(lost()), "unconfirmed delete hr");
}

#[test]
fn a_nested_group_over_its_limit_stays_nested() {
    let world = nested().group("hr", &["ann", "bob"]).with(|world| {
        if let Some(group) = world.groups.get_mut(&id("hr")) {
            group.kind = GroupKind::Microsoft365;
        }
    });
    let world = world.policy(|p| p.members.maximum_microsoft_365 = 1);
    check(&world, "freeze hr\n! TooManyMembers hr");
}

#[test]
fn a_nested_group_of_a_suspended_policy_stays_nested_and_is_not_added() {
    let of_q = |members: &[&str]| {
        nested()
            .written("sales", members)
            .directory("hr", |hr| hr.records = vec![record("hr", "q", RecordState::Active)])
            .also("q", |q| {
                q.suspend = true;
                q.selection.include = Some(vec![only(&["hr"])]);
            })
            .policy(|p| p.selection.include = Some(vec![only(&["sales"])]))
    };
    check(&of_q(&["group:hr"]), "");
    check(&of_q(&[]), "");
    let observed = of_q(&["group:hr"]).also("q", |q| {
        q.suspend = false;
        q.mode = Mode::Observe;
    });
    check(&observed, "");
}

#[test]
fn a_nested_group_that_is_handed_over_stays_nested() {
    let world = nested()
        .directory("hr", |hr| hr.records = vec![record("hr", "q", RecordState::Active)])
        .also("q", |q| q.selection.include = Some(Vec::new()));
    check(&world, "handover hr: q to p");
}

#[test]
fn a_nested_group_whose_policy_is_gone_stays_nested() {
    let world = nested()
        .directory("hr", |hr| hr.records = vec![record("hr", "nobody", RecordState::Active)])
        .policy(|p| p.selection.include = Some(vec![only(&["sales"])]));
    check(&world, "freeze hr\n! Orphaned hr");
}

#[test]
fn a_nested_group_outside_the_containers_leaves_with_its_flag() {
    let moved = |hr: &mut writeback::model::DirectoryGroup| {
        hr.dn = crate::world::dn("OU=Elsewhere,DC=corp,DC=example").child("hr");
    };
    check(&nested().directory("hr", moved), "! OutsideContainers hr");
    let off = nested().directory("hr", moved).flag("hr", Listed::Off);
    check(&off, "remove sales: hr\n! OutsideContainers hr\n! ChildNotWrittenBack sales");
}

#[test]
fn a_nested_group_that_is_brought_back_is_nested_again() {
    let world = nested().written("sales", &[]).remembered("hr", "hr").with(|world| {
        world.domain.members.remove(&object("hr"));
        let hr = world.domain.groups.remove(&object("hr")).expect("it is there");
        let deleted = DeletedGroup {
            guid: hr.guid,
            sam_account_name: Some(hr.sam_account_name),
            group_type: Some(hr.group_type),
            admin_description: hr.admin_description,
            external_id: hr.external_id,
            records: hr.records,
        };
        world.domain.deleted.insert(hr.guid, deleted);
    });
    let said = lines(&world);
    assert!(said.contains(&"add sales: +hr".to_owned()), "{said:?}");
}

#[test]
fn many_nested_groups_that_nobody_writes_make_one_finding() {
    let world = world().group("sales", &["group:a", "group:b", "group:c"]).written("sales", &[]);
    check(&world, "! ChildNotWrittenBack sales");
}

/// The on-premises group `legacy`, with this `groupType`, in `sales`.
fn legacy(group_type: Option<i32>, written: &[&str]) -> World {
    world()
        .group("sales", &["onprem:legacy", "ann"])
        .written("sales", written)
        .principal("onprem:legacy", |legacy| legacy.group_type = group_type)
}

#[test]
fn an_on_premises_group_of_universal_or_global_scope_is_nested() {
    for group_type in [UNIVERSAL_SECURITY, 8, 2, -2_147_483_646] {
        check(&legacy(Some(group_type), &["ann"]), "add sales: legacy");
    }
    check(&legacy(Some(8), &["ann", "onprem:other"]), "add sales: legacy\nremove sales: other");
}

#[test]
fn a_domain_local_group_is_left_out_with_the_known_text_and_the_others_are_written() {
    for group_type in [4, -2_147_483_644, -2_147_483_643] {
        let world = legacy(Some(group_type), &["bob"]);
        check(&world, "add sales: ann\nremove sales: bob\n! DomainLocalInUniversal sales");
        let finding = world.decide(Order::Given).findings.pop().expect("a finding");
        let text = "A universal group cannot have a local group as a member.";
        assert!(finding.message.contains(text), "{finding:?}");
        assert!(finding.message.contains("change its scope to global or universal"), "{finding:?}");
        assert!(finding.message.contains("legacy"), "{finding:?}");
    }
}

#[test]
fn an_impossible_value_that_stands_is_left_alone() {
    check(&legacy(Some(4), &["ann", "onprem:legacy"]), "! DomainLocalInUniversal sales");
}

#[test]
fn a_group_whose_scope_is_not_shown_stays_and_is_not_added() {
    check(&legacy(None, &["ann"]), "! MemberTypeSkipped sales");
    check(&legacy(None, &["ann", "onprem:legacy"]), "! MemberTypeSkipped sales");
}

/// The member `legacy` of `sales` with another link.
fn relinked(world: World, link: &Link) -> World {
    world.with(|world| {
        for member in world.members.values_mut().flatten().flatten() {
            if member.id == id("legacy") {
                member.kind = MemberKind::DirectoryGroup(link.clone());
            }
        }
    })
}

#[test]
fn a_group_that_lost_its_link_is_treated_as_a_user_that_did() {
    let lost = || relinked(legacy(Some(8), &["ann", "bob", "onprem:legacy"]), &Link::default());
    check(&lost(), "! LinkLost sales\n! LinkLost sales");
    let remembered = lost().with(|world| {
        world.memory.counterparts.insert(id("legacy"), object("legacy"));
    });
    check(&remembered, "remove sales: bob\n! LinkLost sales");
    let nowhere = Link { sid: Some(crate::world::sid("nobody")), ..Link::default() };
    let nowhere = relinked(legacy(Some(8), &["ann", "bob"]), &nowhere);
    check(&nowhere, "! CounterpartMissing sales\n! LinkLost sales");
}

#[test]
fn a_group_whose_sid_is_an_accounts_is_ambiguous() {
    let link = Link { sid: Some(crate::world::sid("bob")), ..Link::default() };
    let world = relinked(legacy(Some(8), &["ann", "bob"]), &link);
    check(&world, "! LinkAmbiguous sales\n! LinkLost sales");
}

#[test]
fn a_link_of_a_group_is_remembered() {
    let world = legacy(Some(8), &["ann"]);
    let followed = world.decide(Order::Given).lessons.counterparts;
    assert_eq!(followed.get(&id("legacy")), Some(&object("legacy")));
}

#[test]
fn a_group_of_the_directory_that_shows_no_sid_holds_removals() {
    let world = world()
        .group("sales", &["group:hr"])
        .written("sales", &["bob"])
        .group("hr", &[])
        .cloud("hr", |hr| hr.origin = Origin::OnPremises(None));
    check(&world, "! LinkLost sales\n! LinkLost sales");
}

#[test]
fn a_group_that_is_its_own_member_by_sid_is_left_out() {
    let world = world().group("sales", &["onprem:x"]).written("sales", &[]).with(|world| {
        for member in world.members.values_mut().flatten().flatten() {
            let sid = Some(crate::world::sid("sales"));
            member.kind = MemberKind::DirectoryGroup(Link { sid, ..Link::default() });
        }
    });
    check(&world, "! MemberTypeSkipped sales");
}

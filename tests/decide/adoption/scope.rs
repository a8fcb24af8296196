//! Scope and security of groups that are adopted: how they change, and what the directory refuses.

use writeback::model::directory::UNIVERSAL_SECURITY;
use writeback::model::policy::Mode;

use super::{GLOBAL_SECURITY, alike, refused};
use crate::check::check;
use crate::world::{World, object, world};

const LOCAL_SECURITY: i32 = -2_147_483_644;
const GLOBAL_DISTRIBUTION: i32 = 2;

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

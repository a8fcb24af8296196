//! Which groups: the eligibility table, the flag table, selection by policy.

use writeback::model::GroupKind;
use writeback::model::cloud::Origin;
use writeback::model::policy::{FlagRule, HiddenMembership, Membership, Mode, SelectableType};

use crate::check::check;
use crate::world::{Listed, only, sid, world};

const CREATED: &str = "create sales as Group_sales";

#[test]
fn a_security_group_whose_flag_is_true_is_written() {
    check(&world().group("sales", &[]), CREATED);
}

#[test]
fn a_security_group_whose_flag_is_null_is_not_written() {
    check(&world().group("sales", &[]).flag("sales", Listed::Null), "");
}

#[test]
fn a_microsoft_365_group_whose_flag_is_null_is_written() {
    check(&world().m365("sales", &[]), CREATED);
}

#[test]
fn a_microsoft_365_group_whose_flag_is_false_is_not_written() {
    check(&world().m365("sales", &[]).flag("sales", Listed::Off), "");
}

#[test]
fn require_true_takes_no_microsoft_365_group_whose_flag_is_null() {
    let require = |p: &mut writeback::model::Policy| {
        p.selection.writeback_flag = FlagRule::RequireTrue;
    };
    check(&world().m365("sales", &[]).policy(require), "");
    check(&world().m365("sales", &[]).flag("sales", Listed::On).policy(require), CREATED);
}

#[test]
fn ignore_takes_a_group_whose_flag_is_false_or_not_listed() {
    let world =
        world().group("sales", &[]).policy(|p| p.selection.writeback_flag = FlagRule::Ignore);
    check(&world.clone().flag("sales", Listed::Off), CREATED);
    check(&world.flag("sales", Listed::Missing), CREATED);
}

#[test]
fn a_group_missing_from_the_flag_listing_is_unknown() {
    check(&world().m365("sales", &[]).flag("sales", Listed::Missing), "unknown sales");
    check(&world().both("sales", &[]).flag("sales", Listed::Missing), "unknown sales");
}

#[test]
fn unreadable_flags_stall_every_policy_but_ignore() {
    let world = world()
        .both("sales", &["ann"])
        .group("hr", &[])
        .written("hr", &["bob"])
        .policy(|p| p.selection.include = Some(vec![only(&["sales"])]))
        .also("q", |p| {
            p.selection.writeback_flag = FlagRule::Ignore;
            p.selection.include = Some(vec![only(&["hr", "it"])]);
        })
        .group("it", &[])
        .with(|world| world.flags = Err("403".to_owned()));
    check(&world, "create it as Group_it\nstalled p: WritebackFlagUnreadable");
}

#[test]
fn a_mail_enabled_group_is_told_and_not_written() {
    for kind in
        [GroupKind::MailEnabledSecurity, GroupKind::DistributionList, GroupKind::Unrecognised]
    {
        let world = world().group("sales", &[]).cloud("sales", |group| group.kind = kind);
        check(&world, "! UnsupportedGroupKind sales");
    }
}

#[test]
fn a_group_mastered_on_premises_is_told_only_when_a_policy_names_it_by_id() {
    let world =
        world().group("sales", &[]).cloud("sales", |group| group.origin = Origin::OnPremises(None));
    check(&world, "");
    let named = world.policy(|p| p.selection.include = Some(vec![only(&["sales"])]));
    check(&named, "! MasteredOnPremises sales");
}

#[test]
fn a_converted_group_is_never_created() {
    let world = world()
        .group("sales", &["ann"])
        .cloud("sales", |group| group.origin = Origin::Converted(sid("sales")));
    check(&world, "! ConvertedFromDirectory sales");
    let unreadable = world.cloud("sales", |group| group.origin = Origin::ConvertedUnreadable);
    check(&unreadable, "! ConvertedFromDirectory sales");
}

#[test]
fn a_group_with_hidden_members_is_written_only_where_the_policy_says_so() {
    let world = world().group("sales", &[]).cloud("sales", |group| group.hidden_membership = true);
    check(&world, "! HiddenMembership sales");
    let write = world.policy(|p| p.selection.hidden_membership = HiddenMembership::Write);
    check(&write, CREATED);
}

#[test]
fn a_role_assignable_group_is_left_out() {
    let world = world().group("sales", &[]).cloud("sales", |group| group.role_assignable = true);
    check(&world, "! RoleAssignable sales");
}

#[test]
fn an_entry_holds_only_when_all_its_fields_hold() {
    let world = world().group("sales", &[]).group("hr", &[]).m365("team", &[]).policy(|p| {
        let mut entry = only(&["sales", "team"]);
        entry.types = Some([SelectableType::Security].into());
        p.selection.include = Some(vec![entry]);
    });
    check(&world, CREATED);
}

#[test]
fn entries_are_alternatives_and_exclusions_win() {
    let world = world().group("sales", &[]).group("hr", &[]).group("it", &[]).policy(|p| {
        p.selection.include = Some(vec![only(&["sales"]), only(&["hr", "it"])]);
        p.selection.exclude = vec![only(&["hr"])];
    });
    check(&world, "create it as Group_it\ncreate sales as Group_sales");
}

#[test]
fn membership_and_display_name_select() {
    let pattern = |p: &mut writeback::model::Policy| {
        let mut entry = only(&[]);
        entry.ids = None;
        entry.membership = Some([Membership::Dynamic].into());
        entry.display_name = regex::Regex::new("^s").ok();
        p.selection.include = Some(vec![entry]);
    };
    let world = world().group("sales", &[]).group("stock", &[]).group("hr", &[]).policy(pattern);
    let dynamic = world
        .cloud("sales", |group| group.membership = Membership::Dynamic)
        .cloud("hr", |group| group.membership = Membership::Dynamic);
    check(&dynamic, CREATED);
}

#[test]
fn an_empty_list_of_entries_selects_nothing() {
    check(&world().group("sales", &[]).policy(|p| p.selection.include = Some(Vec::new())), "");
}

#[test]
fn an_id_that_no_group_has_is_told_for_that_id_only() {
    let world = world()
        .group("sales", &[])
        .policy(|p| p.selection.include = Some(vec![only(&["sales", "nobody"])]));
    let told = world.with(|world| {
        world.member("nolink:nobody");
    });
    check(&told, "create sales as Group_sales\n! IdNotFound nobody");
}

#[test]
fn an_observing_policy_takes_nothing_and_prints_what_it_would_take() {
    let world = world().group("sales", &["ann"]).policy(|p| p.mode = Mode::Observe);
    check(
        &world,
        "observed create sales as Group_sales
         observed fill sales: ann
         observed activate sales",
    );
}

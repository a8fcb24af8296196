//! What is written: type, attributes, anchor, record.

use writeback::model::change::Effect;
use writeback::model::cloud::{Flag, OnPremisesGroupType};
use writeback::model::directory::UNIVERSAL_DISTRIBUTION;
use writeback::model::policy::{FlagRule, GroupTypeRule, Mode};
use writeback::model::record::RecordState;

use crate::check::check;
use crate::observed::Order;
use crate::world::{GROUPS, Listed, World, id, record, world};

/// The attributes of the one group that is created, as `name=value` lines.
fn created(world: &World) -> Vec<String> {
    let decision = world.decide(Order::Given);
    let attributes = decision.plan.changes.iter().find_map(|change| match &change.effect {
        Effect::Create { attributes } => Some(attributes),
        Effect::Rename { .. }
        | Effect::Move { .. }
        | Effect::Update { .. }
        | Effect::Convert { .. }
        | Effect::Restore { .. }
        | Effect::Handover { .. }
        | Effect::Disable { .. }
        | Effect::Quarantine { .. }
        | Effect::AddMembers { .. }
        | Effect::RemoveMembers { .. }
        | Effect::Delete { .. }
        | Effect::Adopt { .. }
        | Effect::Release { .. }
        | Effect::Freeze => None,
    });
    let attributes = attributes.expect("a group is created");
    attributes.iter().map(|(name, value)| world.words(&format!("{name}={value}"))).collect()
}

fn team(flag: Option<OnPremisesGroupType>) -> World {
    world().m365("team", &[]).with(|world| {
        let entry = Flag { is_enabled: None, group_type: flag };
        world.flags = Ok([(id("team"), entry)].into());
    })
}

fn distribution(world: World) -> World {
    world.directory("team", |group| group.group_type = UNIVERSAL_DISTRIBUTION)
}

#[test]
fn anchor_and_record_are_in_the_add_itself() {
    let owner = format!("owner=corp;tenant={}", crate::world::tenant());
    assert_eq!(
        created(&world().group("sales", &[])),
        [
            "adminDescription=Group_sales".to_owned(),
            "displayName=sales".to_owned(),
            format!("extensionName=writeback/v1;{owner};policy=p;id=sales;state=Filling"),
            "groupType=-2147483640".to_owned(),
            "msDS-ExternalDirectoryObjectId=Group_sales".to_owned(),
            "sAMAccountName=Group_sales".to_owned(),
        ]
    );
}

#[test]
fn a_group_with_members_is_filling_until_they_are_written() {
    let world = world().group("sales", &["ann", "bob"]);
    let attributes = created(&world);
    assert!(attributes.iter().any(|text| text.ends_with(";state=Filling")), "{attributes:?}");
    check(&world, "create sales as Group_sales\nfill sales: ann bob\nactivate sales");
}

#[test]
fn a_fill_that_was_interrupted_is_finished() {
    let filling = record("sales", "p", RecordState::Filling);
    let world = world()
        .group("sales", &["ann", "bob"])
        .written("sales", &["ann"])
        .directory("sales", |group| group.records = vec![filling]);
    check(&world, "fill sales: bob\nactivate sales");
    check(&world.policy(|p| p.mode = Mode::CreateOnly), "fill sales: bob\nactivate sales");
}

#[test]
fn a_group_that_was_put_out_of_use_is_taken_up_again() {
    let disabled = record("sales", "p", RecordState::Disabled);
    let world = world().both("sales", &["ann"]).directory("sales", |group| {
        group.records = vec![disabled];
        group.group_type = UNIVERSAL_DISTRIBUTION;
    });
    check(&world, "convert sales: distribution to security\nactivate sales");
}

#[test]
fn a_group_in_step_is_left_in_peace() {
    check(&world().both("sales", &["ann"]), "");
}

#[test]
fn a_microsoft_365_group_becomes_a_distribution_group_unless_the_tenant_says_otherwise() {
    for (flag, expected) in [
        (None, "groupType=8"),
        (Some(OnPremisesGroupType::UniversalDistribution), "groupType=8"),
        (Some(OnPremisesGroupType::UniversalSecurity), "groupType=-2147483640"),
    ] {
        let attributes = created(&team(flag));
        assert!(attributes.iter().any(|text| text == expected), "{attributes:?}");
    }
}

#[test]
fn the_policy_overrules_the_type_the_tenant_wants() {
    let fixed = |rule| {
        let world = team(Some(OnPremisesGroupType::UniversalSecurity));
        created(&world.policy(|p| p.group.group_type = rule))
    };
    assert!(fixed(GroupTypeRule::UniversalDistribution).contains(&"groupType=8".to_owned()));
    let security = fixed(GroupTypeRule::UniversalSecurity);
    assert!(security.contains(&"groupType=-2147483640".to_owned()));
}

#[test]
fn a_type_that_nobody_knows_freezes_the_group() {
    let odd = || team(Some(OnPremisesGroupType::Unrecognised("tribe".to_owned())));
    check(&odd(), "! UnsupportedGroupType team");
    check(&odd().written("team", &["ann"]), "freeze team\n! UnsupportedGroupType team");
}

#[test]
fn a_change_of_type_converts_the_same_object() {
    check(&team(None).written("team", &[]), "convert team: security to distribution");
    let to_security =
        distribution(team(Some(OnPremisesGroupType::UniversalSecurity)).written("team", &[]));
    check(&to_security, "convert team: distribution to security");
}

#[test]
fn only_a_policy_that_removes_takes_security_off_a_group() {
    let world = team(None).written("team", &[]);
    check(&world.clone().policy(|p| p.mode = Mode::UpsertOnly), "");
    check(&world.with(|world| world.policies.iter_mut().for_each(|s| s.last_good = true)), "");
}

#[test]
fn a_type_the_tenant_does_not_tell_is_kept_and_not_guessed() {
    let ignoring = |p: &mut writeback::model::Policy| {
        p.selection.writeback_flag = FlagRule::Ignore;
    };
    check(&team(None).flag("team", Listed::Missing).policy(ignoring), "unknown team");
    let kept = team(None).written("team", &[]).flag("team", Listed::Missing).policy(ignoring);
    check(&kept, "");
    assert!(kept.decide(Order::Given).incomplete);
}

#[test]
fn texts_follow_the_cloud() {
    let world = world().both("sales", &[]).cloud("sales", |group| {
        group.display_name = "Sales West".to_owned();
        group.description = Some("people who sell".to_owned());
    });
    check(&world, "update sales: description displayName");
}

#[test]
fn a_description_that_is_gone_in_the_cloud_is_taken_off() {
    let world = world()
        .both("sales", &[])
        .directory("sales", |group| group.description = Some("old".to_owned()));
    check(&world, "update sales: description");
}

#[test]
fn a_change_of_case_alone_is_written() {
    let world = world()
        .both("sales", &[])
        .directory("sales", |g| g.display_name = Some("SALES".to_owned()));
    check(&world, "update sales: displayName");
}

#[test]
fn a_text_that_is_too_long_is_cut_between_characters_and_told() {
    let world = world()
        .group("sales", &[])
        .cloud("sales", |group| group.display_name = format!("a{}", "\u{1F600}".repeat(255)));
    let attributes = created(&world);
    let expected = format!("displayName=a{}", "\u{1F600}".repeat(127));
    assert!(attributes.contains(&expected), "{attributes:?}");
    check(&world, "create sales as Group_sales\n! Cut sales");
}

/// A policy that writes forty faces, eighty UTF-16 units, where the directory takes `units_max`.
fn faces(world: World, mode: &str, units_max: Option<usize>) -> World {
    let entry = format!(
        "{{ name: telephoneNumber, expression: \"'{}'\", mode: {mode} }}",
        "\u{1F600}".repeat(40)
    );
    let text = format!(
        "apiVersion: writeback/v1alpha1\nkind: WritebackPolicy\nmetadata: {{ name: p }}\n\
         spec:\n  mode: Sync\n  group:\n    container: {{ value: '{GROUPS}' }}\n    \
         attributes: [{entry}]\n"
    );
    let parsed = writeback::policy::parse("p.yaml", text.as_bytes(), None).expect("a policy");
    let limits = units_max.map(|units_max| ("telephoneNumber".into(), units_max));
    let world = world.policy(|p| p.group.attributes = parsed.policy.group.attributes);
    world.with(|world| world.domain.limits = limits.into_iter().collect())
}

#[test]
fn an_added_attribute_is_cut_to_what_the_schema_takes_and_told() {
    let line = |faces: usize| format!("telephoneNumber={}", "\u{1F600}".repeat(faces));
    for (units_max, kept) in [(Some(65), 32), (Some(64), 32), (Some(80), 40), (None, 40)] {
        let world = faces(world().group("sales", &[]), "CreateOnly", units_max);
        let attributes = created(&world);
        assert!(attributes.contains(&line(kept)), "{units_max:?}: {attributes:?}");
        let told = if kept < 40 { "\n! Cut sales" } else { "" };
        check(&world, &format!("create sales as Group_sales{told}"));
    }
    // Not even one character.
    let attributes = created(&faces(world().group("sales", &[]), "Always", Some(1)));
    assert!(!attributes.iter().any(|text| text.starts_with("telephoneNumber")), "{attributes:?}");
}

#[test]
fn a_cut_attribute_is_in_step_and_one_of_creation_is_not_looked_at_again() {
    let standing = |faces: usize| {
        world().both("sales", &[]).directory("sales", |group| {
            let value = vec!["\u{1F600}".repeat(faces)];
            group.attributes = [("telephoneNumber".into(), value)].into();
        })
    };
    check(&faces(standing(32), "Always", Some(64)), "! Cut sales");
    check(&faces(standing(9), "Always", Some(64)), "update sales: telephoneNumber\n! Cut sales");
    check(&faces(standing(9), "CreateOnly", Some(64)), "");
    let unsuitable = faces(standing(9), "Always", Some(64)).with(|world| {
        world.domain.unsuitable = [("telephoneNumber".into(), "it is odd".to_owned())].into();
    });
    check(&unsuitable, "! AttributeUnsuitable sales");
}

#[test]
fn a_nul_or_nothing_but_blanks_is_not_written() {
    let named = |name: &str| {
        created(&world().group("sales", &[]).cloud("sales", |g| g.display_name = name.to_owned()))
    };
    assert!(named("a\0b").contains(&"displayName=ab".to_owned()));
    for nothing in ["", " ", "\0", " \t\n"] {
        assert!(!named(nothing).iter().any(|text| text.starts_with("displayName")), "{nothing:?}");
    }
}

#[test]
fn an_anchor_that_is_missing_is_restored_from_the_record() {
    let world = world().both("sales", &[]).directory("sales", |group| {
        group.admin_description = None;
        group.external_id = None;
    });
    check(&world, "update sales: adminDescription msDS-ExternalDirectoryObjectId");
}

#[test]
fn create_only_leaves_a_filled_group_alone() {
    let world = world()
        .group("sales", &["ann"])
        .written("sales", &["bob"])
        .directory("sales", |group| group.display_name = None)
        .policy(|p| p.mode = Mode::CreateOnly);
    check(&world, "");
}

#[test]
fn upsert_only_adds_and_updates_and_removes_no_member() {
    let world = world()
        .group("sales", &["ann"])
        .written("sales", &["bob"])
        .directory("sales", |group| group.display_name = None)
        .policy(|p| p.mode = Mode::UpsertOnly);
    check(&world, "update sales: displayName\nadd sales: ann");
}

//! Somebody edits the directory by hand.

use writeback::sim::world::World;

use crate::oracle::SECURITY;
use crate::stage::{Stage, Upkeep, identities};

/// Groups of the container that are none of the product's business: one without any mark, one
/// anchored as Entra Connect does it for a cloud group that the policy would write.
fn add_bystanders(stage: &mut Stage) {
    let lab = &stage.lab;
    let contractors = stage.id("Contractors");
    let member = lab.users[0].dn.clone();
    let anchor = format!("Group_{contractors}");
    let name = format!("unmarked-{}", stage.policy.owner);
    let unmarked = lab.add_group(&stage.container, &name, &name, SECURITY, &[("member", &member)]);
    let foreign = lab.add_group(
        &stage.container,
        &anchor,
        &format!("foreign-{}", stage.policy.owner),
        SECURITY,
        &[("adminDescription", &anchor), ("displayName", "Contractors"), ("member", &member)],
    );
    stage.policy.foreign.insert(contractors);
    stage.bystanders = vec![unmarked, foreign];
}

fn bystanders(stage: &Stage) -> Vec<String> {
    stage.bystanders.iter().map(|dn| stage.lab.whole(dn)).collect()
}

/// A stranger joins Engineering, somebody leaves Finance, Board is renamed, VPN Users is moved to
/// the given container.
fn edit_by_hand(stage: &Stage, sub: &str) {
    let lab = &stage.lab;
    let group = |name: &str| stage.group(stage.id(name));
    let stranger = &lab.users.last().unwrap().dn;
    lab.add_value(&group("Engineering").dn, "member", stranger);
    let finance = group("Finance");
    lab.remove_value(&finance.dn, "member", &finance.values("member")[0]);
    lab.rename(&group("Board").dn, &format!("The Board of {}", stage.policy.owner));
    lab.move_to(&group("VPN Users").dn, sub);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_pass_of_run_repairs_members_names_and_places() {
    let mut stage = Stage::new("drift-always", &mut World::small(31), Upkeep::Always).await;
    add_bystanders(&mut stage);
    let sub = stage.lab.add_ou("Sub", &stage.container);
    let untouched = bystanders(&stage);
    stage.run(&["apply"]).expect(0);
    stage.assert_in_step();
    let identity = identities(&stage.found());
    let known = stage.intents().len();

    edit_by_hand(&stage, &sub);
    let expected = stage.expected();
    let differences = expected.differences(&stage.found(), &stage.accounts);
    assert_eq!(differences.len(), 4, "the edits are there: {differences:#?}");
    stage.one_pass_of_run();
    stage.assert_is(&expected);

    assert_eq!(identities(&stage.found()), identity, "the same objects, the same SIDs");
    let repairs = stage.intents().split_off(known);
    assert!(repairs.iter().all(|intent| intent["plan"] == repairs[0]["plan"]), "{repairs:#?}");
    assert_eq!(bystanders(&stage), untouched);
    stage.run(&["plan"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_create_only_names_and_places_are_left_to_administrators() {
    let mut stage = Stage::new("drift-once", &mut World::small(32), Upkeep::CreateOnly).await;
    add_bystanders(&mut stage);
    let sub = stage.lab.add_ou("Sub", &stage.container);
    let untouched = bystanders(&stage);
    stage.run(&["apply"]).expect(0);
    stage.assert_in_step();
    let identity = identities(&stage.found());

    edit_by_hand(&stage, &sub);
    stage.one_pass_of_run();

    let mut expected = stage.expected();
    let (board, vpn) = (stage.id("Board"), stage.id("VPN Users"));
    expected.groups.get_mut(&board).unwrap().common_name = "The Board of drift-once".to_owned();
    expected.groups.get_mut(&vpn).unwrap().container = sub;
    stage.assert_is(&expected);
    assert_eq!(identities(&stage.found()), identity);
    assert_eq!(bystanders(&stage), untouched);
    stage.run(&["plan"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_moved_out_of_the_containers_is_not_created_again() {
    let stage = Stage::new("drift-out", &mut World::small(33), Upkeep::Always).await;
    stage.run(&["apply"]).expect(0);
    stage.assert_in_step();

    let vpn = stage.id("VPN Users");
    let moved = stage.lab.move_to(&stage.group(vpn).dn, &stage.outside);
    let untouched = stage.lab.whole(&moved);
    // What would be written if it were inside.
    stage.cloud(|cloud| cloud.rename_group(vpn, "VPN Users of old")).unwrap();
    stage.run(&["apply"]).expect(0);
    stage.one_pass_of_run();

    let mut expected = stage.expected();
    expected.groups.remove(&vpn);
    stage.assert_is(&expected);
    assert_eq!(stage.lab.whole(&moved), untouched);
    let plan = stage.run(&["plan", "--output", "json"]).expect(0);
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    let findings = plan["findings"].as_array().unwrap();
    let told = findings.iter().any(|finding| {
        finding["code"] == "OutsideContainers" && finding["group"] == vpn.to_string()
    });
    assert!(told, "{findings:#?}");
}

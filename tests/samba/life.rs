//! What happens to a group in its life, one after the other in one directory.

use uuid::Uuid;
use writeback::sim::world::World;

use crate::oracle::{DISTRIBUTION, SECURITY};
use crate::stage::{Stage, Upkeep, identities};

fn group_type(stage: &Stage, id: Uuid) -> String {
    stage.group(id).text("groupType").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_keeps_its_object_through_renames_types_and_nesting() {
    let stage = Stage::new("life", &mut World::small(41), Upkeep::Always).await;
    stage.run(&["apply"]).expect(0);
    stage.assert_in_step();
    let identity = identities(&stage.found());
    let (finance, engineering) = (stage.id("Finance"), stage.id("Engineering"));
    let (admins, users) = (stage.id("APP-Payroll-Admins"), stage.id("APP-Payroll-Users"));
    let vpn = stage.id("VPN Users");
    assert_eq!(group_type(&stage, engineering), DISTRIBUTION.to_string());

    stage.cloud(|cloud| {
        cloud.rename_group(finance, "Finance, \"new\" + Controlling").unwrap();
        cloud.change(engineering, |group| group.description = Some("Builders".into())).unwrap();
        cloud.set_flag(engineering, Some(true), Some("universalSecurityGroup")).unwrap();
        cloud.change(vpn, |group| group.description = None).unwrap();
        cloud.add_member(vpn, admins).unwrap();
        cloud.remove_member(users, admins).unwrap();
    });
    stage.run(&["plan"]).expect(2);
    stage.run(&["apply"]).expect(0);
    stage.assert_in_step();
    assert_eq!(group_type(&stage, engineering), SECURITY.to_string());
    assert_eq!(identities(&stage.found()), identity);

    stage.cloud(|cloud| {
        cloud.set_flag(engineering, Some(true), Some("universalDistributionGroup")).unwrap();
        // Only the letter case of a name changes.
        cloud.rename_group(finance, "FINANCE, \"new\" + controlling").unwrap();
    });
    stage.run(&["apply"]).expect(0);
    stage.assert_in_step();
    assert_eq!(group_type(&stage, engineering), DISTRIBUTION.to_string());
    assert_eq!(identities(&stage.found()), identity);
    stage.run(&["plan"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_soft_deleted_group_is_frozen_and_taken_up_again() {
    let stage = Stage::new("frozen", &mut World::small(42), Upkeep::Always).await;
    stage.run(&["apply"]).expect(0);
    let identity = identities(&stage.found());
    let finance = stage.id("Finance");
    let dn = stage.group(finance).dn;
    let frozen = stage.lab.whole(&dn);
    let before = stage.expected();

    stage.cloud(|cloud| {
        cloud.soft_delete_group(finance).unwrap();
        cloud.rename_group(finance, "Finance, deleted").unwrap();
    });
    let plan = stage.run(&["plan"]).expect(0);
    let shown = plan.stdout.lines().filter(|line| line.contains("= freeze")).count();
    assert_eq!(shown, 1, "{}", plan.stdout);
    stage.run(&["apply"]).expect(0);
    stage.one_pass_of_run();
    assert_eq!(stage.lab.whole(&dn), frozen);
    stage.assert_is(&before);

    stage.cloud(|cloud| cloud.restore_group(finance)).unwrap();
    stage.run(&["plan"]).expect(2);
    stage.run(&["apply"]).expect(0);
    stage.assert_in_step();
    assert_eq!(identities(&stage.found()), identity, "the same object is taken up again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hard_deleted_group_goes_once_it_is_confirmed() {
    let stage = Stage::new("deleted", &mut World::small(43), Upkeep::Always).await;
    stage.run(&["apply"]).expect(0);
    let contractors = stage.id("Contractors");
    let before = stage.expected();
    let guid = stage.group(contractors).guid;

    stage.cloud(|cloud| cloud.hard_delete_group(contractors)).unwrap();
    let known = stage.intents().len();
    let ran = stage.run(&["apply"]).expect(0);
    assert!(ran.stdout.contains("unconfirmed"), "{}", ran.stdout);
    assert_eq!(stage.intents().len(), known);
    stage.assert_is(&before);

    let mut daemon = stage.product.daemon();
    daemon.until("the group to be deleted", || {
        let found = stage.found();
        found.iter().all(|group| group.anchor() != Some(contractors)).then_some(())
    });
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    stage.assert_in_step();
    let written = stage.intents().split_off(known);
    assert_eq!(written.len(), 1, "{written:#?}");
    assert_eq!(written[0]["operation"], "delete");
    assert_eq!(written[0]["object"], guid.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_somebody_swapped_are_swapped_back_in_one_pass() {
    let stage = Stage::new("swapped", &mut World::small(44), Upkeep::Always).await;
    stage.run(&["apply"]).expect(0);
    let identity = identities(&stage.found());
    let (one, two) = (stage.group(stage.id("Finance")), stage.group(stage.id("Engineering")));
    let names = |name: &str| (one.text(name).unwrap(), two.text(name).unwrap());
    let lab = &stage.lab;
    let (first, second) = names("cn");
    let aside = lab.rename(&one.dn, "swapped-aside");
    let two_now = lab.rename(&two.dn, first);
    let one_now = lab.rename(&aside, second);
    let (first, second) = names("sAMAccountName");
    lab.replace_value(&one_now, "sAMAccountName", "swapped-aside");
    lab.replace_value(&two_now, "sAMAccountName", first);
    lab.replace_value(&one_now, "sAMAccountName", second);
    assert_eq!(stage.group(stage.id("Finance")).text("cn"), two.text("cn"));

    stage.run(&["apply"]).expect(0);
    stage.assert_in_step();
    assert_eq!(identities(&stage.found()), identity);
    stage.run(&["plan"]).expect(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mass_removal_is_held_and_the_rest_goes_on() {
    let stage = Stage::new("held", &mut World::small(45), Upkeep::Always).await;
    stage.run(&["apply"]).expect(0);
    let (everybody, finance) = (stage.id("All Employees"), stage.id("Finance"));
    let before = stage.expected();
    let all = before.groups[&everybody].members.clone();
    assert_eq!(all.len(), 12);
    stage.product.a_day_later();

    stage.cloud(|cloud| {
        let leaving: Vec<Uuid> = cloud.people().skip(1).map(|person| person.id).collect();
        for person in leaving {
            cloud.remove_member(everybody, person).unwrap();
        }
        cloud.change(finance, |group| group.description = Some("Goes on".into())).unwrap();
    });
    stage.run(&["plan"]).expect(3);
    let ran = stage.run(&["apply"]).expect(3);
    assert!(ran.stdout.contains("held"), "{}", ran.stdout);
    let mut expected = stage.expected();
    expected.groups.get_mut(&everybody).unwrap().members = all;
    stage.assert_is(&expected);
    assert_eq!(stage.group(finance).text("description"), Some("Goes on"));
}

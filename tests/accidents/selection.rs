//! What policies select goes wrong: a typo, a control group that is deleted or emptied, a type that
//! flips for every group at once.

use fastrand::Rng;
use uuid::Uuid;
use writeback::sim::world::{GroupKind, WorldGroup, random_id};

use crate::estate::{Estate, MICROSOFT_365, seed};

const TYPO: &str = "  selection: { include: [{ displayName: '^Taem' }] }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_typo_that_deselects_everything_lets_go_of_nothing() {
    let estate =
        Estate::written_with("acc-typo", "  selection: { include: [{ displayName: '^Team' }] }")
            .await;
    let start = estate.reading();
    estate.policy(TYPO);
    let held = estate.held(3, &["SelectionShrank"]);
    assert_eq!(held.objects("freeze").len(), 12);
    assert_eq!(estate.reading(), start);
    // What would be lost goes on as before.
    estate.put_in(estate.groups[2], 2);
    estate.take_out(estate.groups[3], 1);
    estate.run(&["apply"]).expect(3);
    let before = estate.assert_in_step();
    assert_ne!(before, start);
    // A person lets them go: they stay as they are, and are no longer written.
    estate.approve_exactly(&held);
    assert_eq!(estate.reading(), before);
    estate.put_in(estate.groups[4], 2);
    let frozen = estate.run(&["apply"]).expect(0);
    assert!(frozen.stdout.contains("12 frozen"), "{}", frozen.stdout);
    assert_eq!(estate.reading(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_typo_deletes_nothing_even_where_the_policy_deletes_and_a_person_lets_go() {
    let delete = "  deletion: { onOutOfScope: Delete }\n";
    let good = format!("{delete}  selection: {{ include: [{{ displayName: '^Team' }}] }}");
    let estate = Estate::written_with("acc-typo-deletes", &good).await;
    let start = estate.reading();
    estate.policy(&format!("{delete}{TYPO}"));
    let held = estate.held(3, &["SelectionShrank"]);
    assert_eq!(estate.reading(), start);
    // The first word lets them leave the selection. That they end is another word.
    estate.run(&["apply", "--approve", &held.digest]).expect(3);
    assert_eq!(estate.reading(), start);
    let held = estate.held(3, &["GroupsRemoved"]);
    assert_eq!(held.objects("delete").len(), 12);
    assert_eq!(estate.reading(), start);
    // The typo is mended before anybody says it.
    estate.policy(&good);
    estate.run(&["apply"]).expect(0);
    assert_eq!(estate.reading(), start);
}

/// An estate, written, whose policy selects the members of a control group: four security groups.
async fn controlled(name: &'static str) -> (Estate, Uuid) {
    let estate = Estate::planned(name).await;
    let mut control = WorldGroup::new(
        random_id(&mut Rng::with_seed(seed(&format!("{name}-control")))),
        "Control",
        name,
        GroupKind::Security,
    );
    control.members = estate.groups[MICROSOFT_365..].to_vec();
    let id = control.id;
    estate.tenant.edit(|cloud| cloud.create_group(control));
    estate.policy(&format!("  selection: {{ include: [{{ memberOf: {id} }}] }}"));
    estate.settle();
    assert_eq!(estate.reading().0.len(), 4);
    (estate, id)
}

/// Makes a pass that cannot ask the control group, which is told as a read that was not whole. The
/// metrics of the daemon say the same, and none of its passes is a good one: the alert
/// `WritebackStalled` goes by the last of these.
#[track_caller]
fn is_unreadable(estate: &Estate, control: Uuid) {
    let ran = estate.run(&["apply"]).expect(4);
    let told = format!("{}: SelectionUnreadable: the control group {control} of ", estate.name);
    assert!(ran.stdout.contains(&told), "{}", ran.stdout);
    let plan = estate.plan();
    let stalled = plan["stalled"].as_array().unwrap();
    assert_eq!(stalled.len(), 1, "{plan:#}");
    assert_eq!(stalled[0]["policy"], estate.name, "{plan:#}");
    assert_eq!(stalled[0]["reason"], "SelectionUnreadable", "{plan:#}");
    assert!(plan["changes"].as_array().unwrap().is_empty(), "{plan:#}");
    let metrics = estate.metrics();
    for series in [
        "writeback_consecutive_failures",
        "writeback_read_incomplete_total{source=\"tenant\"}",
        "writeback_reconcile_total{result=\"incomplete\"}",
    ] {
        assert!(metrics[series] >= 1.0, "{series}: {metrics:?}");
    }
    let last_success = metrics["writeback_last_success_timestamp_seconds"];
    assert!(last_success < 1.0, "{metrics:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_group_that_is_gone_or_empty_lets_go_of_nothing() {
    let (estate, id) = controlled("acc-control").await;
    let start = estate.reading();
    estate.cloud(|cloud| cloud.soft_delete_group(id));
    is_unreadable(&estate, id);
    assert_eq!(estate.reading(), start);
    estate.cloud(|cloud| cloud.restore_group(id));
    estate.run(&["apply"]).expect(0);
    assert_eq!(estate.reading(), start);

    estate.cloud(|cloud| cloud.change(id, |group| group.members.clear()));
    let held = estate.held(3, &["SelectionShrank"]);
    assert_eq!(held.objects("freeze").len(), 4);
    assert_eq!(estate.reading(), start);
    estate.approve_exactly(&held);
    assert_eq!(estate.reading(), start);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_group_that_is_gone_for_good_lets_go_of_nothing() {
    let (estate, id) = controlled("acc-control-gone").await;
    let start = estate.reading();
    estate.cloud(|cloud| cloud.hard_delete_group(id));
    is_unreadable(&estate, id);
    // Not by waiting either: what is missing for long is missing all the same.
    is_unreadable(&estate, id);
    assert_eq!(estate.reading(), start);
    // A person names the groups instead.
    let ids: Vec<String> = estate.groups[MICROSOFT_365..].iter().map(Uuid::to_string).collect();
    estate.policy(&format!("  selection: {{ include: [{{ ids: [{}] }}] }}", ids.join(", ")));
    estate.run(&["apply"]).expect(0);
    assert_eq!(estate.reading(), start);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn types_that_all_flip_to_distribution_take_no_access_away() {
    let estate = Estate::written("acc-types").await;
    let before = estate.reading();
    for group in &estate.groups[..MICROSOFT_365] {
        estate.cloud(|cloud| cloud.set_flag(*group, Some(true), None));
    }
    for group in &estate.groups[MICROSOFT_365..] {
        estate.cloud(|cloud| cloud.set_kind(*group, GroupKind::DistributionList));
    }
    estate.put_in(estate.groups[0], 1);
    let held = estate.held(3, &["GroupsRemoved"]);
    assert_eq!(held.objects("convert").len(), MICROSOFT_365);
    let after = estate.reading();
    assert_eq!(after.kinds(), before.kinds());
    assert!(after.lost_since(&before).is_empty());
    estate.approve_exactly(&held);
    let kinds = estate.reading().kinds();
    let distribution = kinds.values().filter(|kind| *kind == "8").count();
    assert_eq!(distribution, MICROSOFT_365, "what cannot be written any more stays as it is");
}

//! What policies select goes wrong: a typo, a control group that is deleted or emptied, a type that
//! flips for every group at once.

use fastrand::Rng;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_group_that_is_gone_or_empty_lets_go_of_nothing() {
    let estate = Estate::planned("acc-control").await;
    let mut control = WorldGroup::new(
        random_id(&mut Rng::with_seed(seed("control"))),
        "Control",
        "acc-control",
        GroupKind::Security,
    );
    control.members = estate.groups[MICROSOFT_365..].to_vec();
    let id = control.id;
    estate.tenant.edit(|cloud| cloud.create_group(control));
    estate.policy(&format!("  selection: {{ include: [{{ memberOf: {id} }}] }}"));
    estate.settle();
    let start = estate.reading();
    assert_eq!(start.0.len(), 4);

    estate.cloud(|cloud| cloud.soft_delete_group(id));
    let ran = estate.run(&["apply"]);
    assert!(ran.stdout.contains("SelectionUnreadable"), "{ran:?}");
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

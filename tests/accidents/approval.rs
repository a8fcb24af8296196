//! A person's word for what is held: it counts for what is still wanted, and for nothing else.

use crate::estate::{Estate, first_pass, stop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn approved_items_that_nobody_wants_any_more_drop_out() {
    let estate = Estate::written("acc-dropout").await;
    estate.product.reconfigure("interval: 1s", "interval: 6h");
    let before = estate.reading();
    let mut daemon = estate.product.daemon();
    first_pass(&mut daemon);
    let leaving: Vec<_> =
        estate.groups[8..11].iter().map(|group| (*group, estate.take_out(*group, 8))).collect();
    let asked = estate.run(&["apply"]).expect(3);
    let digest = crate::estate::held_digest(&asked.stdout).unwrap();
    assert_eq!(estate.reading(), before);
    // Between the hold and the word, eight of them come back and three others leave.
    let (back, people) = &leaving[1];
    for person in people {
        estate.cloud(|cloud| cloud.add_member(*back, *person));
    }
    let others = estate.take_out(estate.groups[11], 3);
    estate.run(&["approve", &digest]).expect(0);
    daemon.until("the approved values are gone", || {
        let lost = estate.reading().lost_since(&before);
        (lost.len() >= 16).then_some(())
    });
    let again = estate.run(&["approve", &digest]).expect(1);
    assert!(again.stderr.contains("used"), "{}", again.stderr);
    estate.run(&["apply"]);
    stop(daemon);
    let after = estate.assert_in_step();
    let lost = after.lost_since(&before);
    let group = |id| before.anchored(id).unwrap().guid();
    let mut expected: std::collections::BTreeSet<_> = [&leaving[0], &leaving[2]]
        .into_iter()
        .flat_map(|(id, people)| people.iter().map(|person| (group(*id), estate.account(*person))))
        .collect();
    expected
        .extend(others.iter().map(|person| (group(estate.groups[11]), estate.account(*person))));
    assert_eq!(lost, expected);
    let notes = estate.product.journal();
    let of = |kind: &str| notes.iter().filter(|line| line["kind"] == kind).count();
    assert_eq!((of("approval"), of("approvalUsed")), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_counts_for_what_was_held_and_not_for_what_came_after() {
    let estate = Estate::written("acc-otherword").await;
    let before = estate.reading();
    estate.take_out(estate.groups[9], 12);
    let first = estate.held(3, &["OneGroup"]);
    let values = first.values(&estate.lab, "remove_members", &before);
    assert_eq!(values.len(), 12);
    // A digest that is nobody's says nothing.
    let wrong = estate.run(&["apply", "--approve", &"0".repeat(64)]).expect(1);
    assert!(wrong.stderr.contains("not held"), "{}", wrong.stderr);
    assert_eq!(estate.reading(), before);
    // More leave before the word comes: they wait for a word of their own.
    estate.take_out(estate.groups[10], 10);
    estate.run(&["apply", "--approve", &first.digest]).expect(3);
    assert_eq!(estate.reading().lost_since(&before), values);
    let second = estate.held(3, &["OneGroup"]);
    assert_ne!(first.digest, second.digest);
    estate.run(&["apply", "--approve", &first.digest]).expect(1);
    estate.approve_exactly(&second);
    estate.assert_in_step();
}

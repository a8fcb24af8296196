//! A change set is taken back: whole, in part or not at all, and what `undo` says of each.

use std::collections::BTreeSet;

use serde_json::Value;
use writeback::sim::domain::{self, DeletedRight, OperationKind};

use crate::stage::{EVERYTHING, Stage};

/// What an account that may not restore is told for each group.
const UNSEEN: &str = "cannot be seen any more: it is not restored; let the bind account read \
                      CN=Deleted Objects, grant it Reanimate Tombstones on the domain \
                      (deploy/directory) and undo once more, or restore it by hand";

/// The digests of the plans in a text, in their order.
fn digests(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("digest   "));
    lines.map(str::to_owned).collect()
}

/// The digest of everything that a plan holds.
fn held_digest(text: &str) -> Option<String> {
    let found = text.lines().filter_map(|line| line.strip_prefix("held "));
    found.map(str::to_owned).find(|digest| digest.len() == 64)
}

/// The operations in the journal, the oldest first.
fn intents(stage: &Stage) -> Vec<Value> {
    let mut lines = stage.product.journal();
    lines.retain(|line| line["kind"] == "intent");
    lines
}

/// The change set that was written last.
fn last_set(stage: &Stage) -> String {
    intents(stage).last().unwrap()["plan"].as_str().unwrap()[..12].to_owned()
}

/// What a person who read the first answer writes.
fn undo(stage: &Stage, set: &str) -> crate::product::Ran {
    let shown = stage.product.run(&["undo", set]);
    let digest = digests(&shown.stdout).remove(0);
    stage.product.run(&["undo", set, "--expect", &digest])
}

/// The small world, in which these groups were deleted; the change set that did it.
fn ended(groups: &[&str]) -> (Stage, String) {
    let stage = Stage::written();
    stage.product.a_day_later();
    let policy = format!("{EVERYTHING}\n  deletion: {{ onDisabled: Delete }}");
    stage.product.policy("everything", &policy);
    for group in groups {
        let id = stage.id(group);
        stage.cloud(|cloud| cloud.set_flag(id, Some(false), None));
    }
    let held = held_digest(&stage.product.run(&["plan", "--state", "state"]).stdout);
    let approval = held.iter().flat_map(|held| ["--approve", held]);
    stage.product.run(&["apply"].into_iter().chain(approval).collect::<Vec<_>>()).expect(0);
    let set = last_set(&stage);
    stage.product.a_day_later();
    (stage, set)
}

fn may_restore(stage: &Stage, rights: &[DeletedRight]) {
    let account = &stage.domain.service_account().dn;
    for right in rights {
        stage.domain.grant_deleted(account, *right).unwrap();
    }
}

#[test]
fn an_undo_that_takes_nothing_back_says_so_and_fails() {
    let (stage, set) = ended(&["Finance", "Engineering"]);
    let before = stage.portraits();
    let told = stage.product.run(&["undo", &set]).expect(1);
    assert_eq!(told.stdout.matches(UNSEEN).count(), 2, "{}", told.stdout);
    let left = "2 things of the change set cannot be taken back; see the findings";
    assert!(told.stderr.contains(left), "{}", told.stderr);
    assert!(!told.stderr.contains("nothing of the change set is left"), "{}", told.stderr);
    let digest = digests(&told.stdout).remove(0);
    stage.product.run(&["undo", &set, "--expect", &digest]).expect(1);
    assert_eq!(stage.portraits(), before);
}

#[test]
fn an_undo_in_part_takes_back_what_it_can_and_fails() {
    let stage = Stage::written();
    stage.product.a_day_later();
    let policy = format!("{EVERYTHING}\n  deletion: {{ onDisabled: Delete }}");
    stage.product.policy("everything", &policy);
    let (id, before) = (stage.id("Finance"), stage.held());
    stage.cloud(|cloud| cloud.set_flag(id, Some(false), None));
    stage.put_in("Board", &["Ada Lovelace"]);
    stage.product.run(&["apply"]).expect(0);
    let set = last_set(&stage);
    let left = "1 thing of the change set cannot be taken back; see the findings";
    let shown = stage.product.run(&["undo", &set]).expect(2);
    assert!(shown.stderr.contains(left), "{}", shown.stderr);
    let told = undo(&stage, &set).expect(1);
    assert!(told.stdout.contains(UNSEEN), "{}", told.stdout);
    assert!(told.stdout.contains("1 of 1 changes done"), "{}", told.stdout);
    assert!(told.stderr.contains(left), "{}", told.stderr);
    let (finance, mut before) = (format!("Group_{id}"), before);
    before.remove(&finance).unwrap();
    assert_eq!(stage.held(), before);
}

#[test]
fn a_restoration_that_is_refused_is_no_undo() {
    let (stage, set) = ended(&["Finance"]);
    may_restore(&stage, &[DeletedRight::Read]);
    let told = undo(&stage, &set).expect(1);
    assert!(told.stdout.contains("the bind account may not restore"), "{}", told.stdout);
    let left = "of the way back could not be made; see why above, mend it, and undo once more";
    assert!(told.stderr.contains(left), "{}", told.stderr);
}

#[test]
fn each_round_of_an_undo_is_shown_before_it_is_written() {
    let (stage, set) = ended(&["Finance"]);
    may_restore(&stage, &[DeletedRight::Read, DeletedRight::Reanimate]);
    let known = intents(&stage).len();
    let told = undo(&stage, &set).expect(0);
    assert_eq!(stage.held().len(), 8);
    // What the tombstone lost is a change set of its own, named like the first.
    let shown = digests(&told.stdout);
    assert_eq!(shown.len(), 2, "{}", told.stdout);
    let written: Vec<_> = intents(&stage)[known..]
        .iter()
        .map(|line| line["plan"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(BTreeSet::from_iter(&written), BTreeSet::from_iter(&shown));
    assert_eq!((written.first(), written.last()), (shown.first(), shown.last()));
    let second = told.stdout.find(&shown[1]).unwrap();
    let done: Vec<_> = told.stdout.match_indices("changes done").map(|(place, _)| place).collect();
    assert!(done.len() == 2 && done[0] < second && second < done[1], "{}", told.stdout);
    assert!(told.stderr.contains("which is a change set of its own"), "{}", told.stderr);
    let again = stage.product.run(&["undo", &set]).expect(0);
    assert!(again.stderr.contains("nothing of the change set is left to undo"), "{}", again.stderr);
}

#[test]
fn an_unexpected_way_back_is_not_gone_and_its_digest_is_told() {
    let stage = Stage::written();
    stage.product.a_day_later();
    stage.put_in("Board", &["Ada Lovelace"]);
    stage.product.run(&["apply"]).expect(0);
    let set = last_set(&stage);
    stage.domain.clear_operations();
    let told = stage.product.run(&["undo", &set, "--expect", "0123456789ab"]).expect(2);
    let digest = &digests(&told.stdout)[0][..12];
    let why = format!(
        "the way back is not the expected one (0123456789ab): nothing is written; `writeback undo \
         {set} --expect {digest}` does this"
    );
    assert!(told.stderr.contains(&why), "{}", told.stderr);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
}

#[test]
fn a_write_whose_answer_was_lost_is_taken_back() {
    let stage = Stage::written();
    stage.product.a_day_later();
    let before = stage.held();
    stage.put_in("Board", &["Ada Lovelace"]);
    let place = domain::Where::Kind(OperationKind::Modify);
    stage.domain.order(domain::Order::new(place, domain::Fault::CutAfter));
    stage.product.run(&["apply"]).expect(0);
    assert_ne!(stage.held(), before);
    let journal = stage.product.journal();
    let lost = journal.iter().filter(|line| line["result"]["outcome"] == "Unknown").count();
    assert_eq!(lost, 1, "{journal:#?}");
    let set = last_set(&stage);
    let shown = stage.product.run(&["undo", &set]).expect(2);
    let unheard = "nobody heard how 1 operation of the change set ended";
    assert!(shown.stderr.contains(unheard), "{}", shown.stderr);
    assert!(!shown.stderr.contains("came to nothing"), "{}", shown.stderr);
    undo(&stage, &set).expect(0);
    assert_eq!(stage.held(), before);
}

#[test]
fn what_was_made_and_taken_back_leaves_nothing_to_undo() {
    let stage = Stage::small();
    stage.product.run(&["apply"]).expect(0);
    let set = last_set(&stage);
    // Eight groups would go: the guard asks twice.
    let shown = stage.product.run(&["undo", &set]).expect(3);
    let (way, held) = (digests(&shown.stdout).remove(0), held_digest(&shown.stdout).unwrap());
    let go = ["undo", &set, "--expect", &way, "--approve", &held];
    stage.product.run(&go).expect(0);
    assert_eq!(stage.owned(), []);
    let again = stage.product.run(&["undo", &set]).expect(0);
    assert!(again.stderr.contains("nothing of the change set is left to undo"), "{}", again.stderr);
}

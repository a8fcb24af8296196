//! A pass is taken back: creations, renames, members and a deletion, SIDs included; and what would
//! do it again waits for a person.

use fastrand::Rng;
use uuid::Uuid;
use writeback::sim::world::{GroupKind, WorldGroup, random_id};

use crate::estate::{Estate, digest, each, held_digest, seed};
use crate::reading::assert_same;

/// What Samba adds to a restored object (4.17), and the number of an addition.
const OF_RESTORATION: [&str; 4] = ["adminCount", "operatorCount", "uSNCreated", "lastKnownParent"];

/// Two groups are new, two get other names, three other members, one is turned off.
fn change(estate: &Estate) -> Vec<Uuid> {
    let mut rng = Rng::with_seed(seed("undone"));
    let mut new = Vec::new();
    for (name, size) in [("New A", 5), ("New B", 9)] {
        let nick = name.replace(' ', "-").to_lowercase();
        let mut group = WorldGroup::new(random_id(&mut rng), name, &nick, GroupKind::Microsoft365);
        group.members = estate.people[..size].to_vec();
        new.push(group.id);
        estate.tenant.edit(|cloud| cloud.create_group(group));
    }
    estate.cloud(|cloud| cloud.rename_group(estate.groups[2], "Renamed, first"));
    estate.cloud(|cloud| cloud.rename_group(estate.groups[3], "Renamed + second"));
    estate.cloud(|cloud| {
        cloud.change(estate.groups[3], |group| group.description = Some("New words".to_owned()))
    });
    estate.put_in(estate.groups[4], 3);
    estate.take_out(estate.groups[5], 2);
    estate.put_in(estate.groups[6], 2);
    estate.take_out(estate.groups[7], 2);
    estate.cloud(|cloud| cloud.set_flag(estate.groups[9], Some(false), None));
    new
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undone_pass_leaves_the_state_before_and_is_not_done_again() {
    let estate = Estate::written_with("acc-undo", "  deletion: { onDisabled: Delete }").await;
    let before = estate.reading();
    let new = change(&estate);
    let done = estate.run(&["apply"]).expect(0);
    let set = digest(&done.stdout);
    let forward = estate.reading();
    assert_eq!(forward.gone_since(&before).len(), 1);
    assert_eq!(before.gone_since(&forward).len(), 2);

    // It is shown first, and goes through the same guard: two groups would end.
    let shown = estate.run(&["undo", &set[..12]]).expect(3);
    assert_eq!(estate.reading(), forward);
    let (expect, held) = (digest(&shown.stdout), held_digest(&shown.stdout).unwrap());
    assert!(shown.stdout.contains("! GroupsRemoved of policy acc-undo"), "{}", shown.stdout);
    estate.run(&["undo", &set[..12], "--expect", &expect, "--approve", &held]).expect(0);
    let back = estate.reading();
    assert_same(&before.lasting(&OF_RESTORATION), &back.lasting(&OF_RESTORATION));

    // Nothing of it is done again, pass after pass.
    let again = estate.held(3, &["Undone"]);
    assert_eq!(estate.reading(), back);
    let kinds = each(&again.plan["changes"], |change| change["kind"].as_str().unwrap());
    assert!(kinds.contains("remove_members") && kinds.contains("delete"), "{kinds:?}");
    estate.run(&["apply"]).expect(3);
    assert_eq!(estate.reading(), back);

    // Until a person says so.
    let first = estate.run(&["apply", "--approve", &again.digest]);
    let second = estate.run(&["apply"]);
    let last = estate.reading();
    let (values, wanted) = (last.values(), estate.wanted(&last));
    let missing: Vec<_> = wanted.difference(&values).collect();
    let extra: Vec<_> = values.difference(&wanted).collect();
    let told = format!("{}\n{}", first.stdout, second.stdout);
    assert!(missing.is_empty() && extra.is_empty(), "{missing:?}\n{extra:?}\n{told}");
    assert_eq!(last.gone_since(&before).len(), 1);
    for id in new {
        let (first, now) = (forward.anchored(id).unwrap(), last.anchored(id).unwrap());
        assert_eq!(first.sid(), now.sid(), "it comes back as the same object");
    }
    estate.run(&["apply"]).expect(0);
}

//! Directory groups that other tools made are taken up as they stand, and let go of again.

use fastrand::Rng;
use uuid::Uuid;
use writeback::sim::world::{GroupKind, WorldGroup, random_id};

use crate::estate::{Estate, digest, seed};
use crate::lab::Entry;
use crate::lab::fixtures::group_type::{
    DOMAIN_LOCAL_SECURITY, GLOBAL_SECURITY, UNIVERSAL_DISTRIBUTION, UNIVERSAL_SECURITY,
};
use crate::product::Ran;
use crate::reading::{assert_same, members};

/// A cloud group of the first eight people.
fn cloud_group(estate: &Estate, name: &str, kind: GroupKind) -> WorldGroup {
    let number = u64::try_from(estate.tenant.cloud().groups().count()).unwrap();
    let mut rng = Rng::with_seed(number + seed(estate.name) + 3);
    let nick = format!("{}-{number}", estate.name);
    let mut group = WorldGroup::new(random_id(&mut rng), name, &nick, kind);
    group.description = Some(format!("{name}, as it was"));
    group.writeback_enabled = Some(true);
    group.members = estate.people[..8].to_vec();
    group
}

/// Somebody of whom the tenant knows nothing.
fn stranger(estate: &Estate) -> String {
    estate.lab.users[47].dn.clone()
}

fn fill(estate: &Estate, dn: &str, people: &[Uuid]) {
    for person in people {
        estate.lab.add_value(dn, "member", &estate.account(*person));
    }
}

fn adopt(estate: &Estate, id: Uuid, group: &Entry, more: &[&str]) -> Ran {
    let (id, object) = (id.to_string(), group.guid().to_string());
    estate.run(&[&["adopt", "--group", &id, "--object", &object], more].concat())
}

fn release(estate: &Estate, id: Uuid, more: &[&str]) {
    let id = id.to_string();
    let shown = estate.run(&[&["release", "--group", &id], more].concat()).expect(2);
    let expect = digest(&shown.stdout);
    estate.run(&[&["release", "--group", &id, "--expect", &expect], more].concat()).expect(0);
}

/// The same object under the same name.
#[track_caller]
fn assert_kept(estate: &Estate, before: &Entry) -> Entry {
    let now = estate.lab.living(before.guid()).unwrap();
    assert_eq!((now.sid(), &now.dn), (before.sid(), &before.dn));
    assert_eq!(now.text("sAMAccountName"), before.text("sAMAccountName"));
    now
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_connect_wrote_is_adopted_and_loses_nobody_unseen() {
    let estate = Estate::bare("acc-connect").await;
    let lab = &estate.lab;
    let cloud = cloud_group(&estate, "Wrote by Connect", GroupKind::Microsoft365);
    let (id, anchor) = (cloud.id, format!("Group_{}", cloud.id));
    let description = cloud.description.clone().unwrap();
    let marks = [
        ("adminDescription", anchor.as_str()),
        ("displayName", "Wrote by Connect"),
        ("description", &description),
    ];
    let account = "$ACC000-CONNECT";
    let dn = lab.add_group(&estate.container, &anchor, account, UNIVERSAL_DISTRIBUTION, &marks);
    // Two are missing, one is too many.
    fill(&estate, &dn, &cloud.members[2..]);
    lab.add_value(&dn, "member", &stranger(&estate));
    estate.tenant.edit(|tenant| tenant.create_group(cloud));
    estate.policy("");
    let start = estate.reading();
    let before = start.0.values().next().unwrap().clone();

    let foreign = estate.run(&["apply"]).expect(0);
    assert!(foreign.stdout.contains("Foreign"), "{}", foreign.stdout);
    assert_eq!(estate.reading(), start);
    // Two writers would undo each other's work.
    adopt(&estate, id, &before, &[]).expect(1);
    assert_eq!(estate.reading(), start);
    let off = "--confirm-incumbent-off";
    let shown = adopt(&estate, id, &before, &[off]).expect(2);
    assert_eq!(estate.reading(), start);
    assert!(shown.stdout.contains("~ adopt"), "{}", shown.stdout);
    let removal = shown.stdout.lines().find(|line| line.contains("- member")).unwrap();
    assert!(removal.contains(" 1: p0048 of 7"), "{removal}");
    let wrong = "0".repeat(64);
    adopt(&estate, id, &before, &[off, "--expect", &wrong]).expect(2);
    assert_eq!(estate.reading(), start);
    adopt(&estate, id, &before, &[off, "--expect", &digest(&shown.stdout)]).expect(3);
    let now = assert_kept(&estate, &before);
    assert!(members(&now).is_superset(&members(&before)));
    // Pass after pass, the first removals wait.
    let held = estate.held(3, &["AdoptionRemoves"]);
    let all = estate.reading();
    assert_eq!(all.values().len(), 9);
    estate.approve_exactly(&held);
    let adopted = estate.assert_in_step();
    assert_eq!(adopted.0.len(), 1, "no second group");
    assert_kept(&estate, &before);
    // Names and place are the administrators'.
    estate.cloud(|cloud| cloud.rename_group(id, "Another name"));
    estate.run(&["apply"]).expect(0);
    assert_eq!(assert_kept(&estate, &before).text("displayName").unwrap(), "Another name");
    // From now on it is a group like any other.
    estate.take_out(id, 1);
    estate.run(&["apply"]).expect(0);
    let last = estate.assert_in_step();

    release(&estate, id, &[]);
    let marks = ["extensionName", "msDS-ExternalDirectoryObjectId"];
    let released = estate.reading();
    assert_same(&last.lasting(&marks), &released.lasting(&marks));
    let released = released.0.values().next().unwrap();
    assert_eq!(released.attributes.get("extensionName"), None);
    assert_eq!(released.text("adminDescription"), before.text("adminDescription"));
    let again = estate.run(&["apply"]).expect(0);
    assert!(again.stdout.contains("Foreign"), "{}", again.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_cloud_sync_wrote_is_adopted_and_released_as_it_was() {
    let estate = Estate::bare("acc-cloudsync").await;
    let lab = &estate.lab;
    let cloud = cloud_group(&estate, "Wrote by Cloud Sync", GroupKind::Security);
    let (id, anchor) = (cloud.id, format!("Group_{}", cloud.id));
    let name = format!("Wrote by Cloud Sync_{}", &cloud.id.to_string()[24..]);
    let description = cloud.description.clone().unwrap();
    let marks = [
        ("adminDescription", anchor.as_str()),
        ("msDS-ExternalDirectoryObjectId", &anchor),
        ("displayName", "Wrote by Cloud Sync"),
        ("description", &description),
    ];
    let deep = lab.add_ou("Deep", &estate.container);
    let account = "$ACC000-CLOUDSYNC";
    let dn = lab.add_group(&deep, &name, account, UNIVERSAL_SECURITY, &marks);
    fill(&estate, &dn, &cloud.members);
    estate.tenant.edit(|tenant| tenant.create_group(cloud));
    estate.policy("");
    let start = estate.reading();
    let before = start.0.values().next().unwrap().clone();

    let off = "--confirm-incumbent-off";
    let shown = adopt(&estate, id, &before, &[off]).expect(2);
    assert!(!shown.stdout.contains("member"), "{}", shown.stdout);
    adopt(&estate, id, &before, &[off, "--expect", &digest(&shown.stdout)]).expect(0);
    assert_kept(&estate, &before);
    let quiet = estate.run(&["apply"]).expect(0);
    assert!(quiet.stdout.starts_with("nothing waits"), "{}", quiet.stdout);
    let adopted = estate.assert_in_step();
    let own = ["extensionName"];
    assert_same(&start.lasting(&own), &adopted.lasting(&own));
    // Without memory it is still the administrators' name.
    std::fs::remove_dir_all(estate.product.path().join("state")).unwrap();
    estate.run(&["apply"]).expect(0);
    assert_kept(&estate, &before);

    release(&estate, id, &[]);
    assert_same(&start.lasting(&[]), &estate.reading().lasting(&[]));
    // Adopted again, and let go of without an anchor.
    let shown = adopt(&estate, id, &before, &[off]).expect(2);
    adopt(&estate, id, &before, &[off, "--expect", &digest(&shown.stdout)]).expect(0);
    release(&estate, id, &["--anchor"]);
    let marks = ["adminDescription", "msDS-ExternalDirectoryObjectId"];
    let bare = estate.reading();
    assert_same(&start.lasting(&marks), &bare.lasting(&[]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_converted_group_is_taken_up_in_place_where_its_scope_may_change() {
    let estate = Estate::bare("acc-converted").await;
    let lab = &estate.lab;
    let mut made = Vec::new();
    for (name, scope) in [
        ("Global", GLOBAL_SECURITY),
        ("Inside", GLOBAL_SECURITY),
        ("Local", DOMAIN_LOCAL_SECURITY),
        ("Holder", DOMAIN_LOCAL_SECURITY),
    ] {
        let dn = lab.add_group(&estate.container, name, &format!("acc-conv-{name}"), scope, &[]);
        let sid = lab.user(&dn).sid;
        let cloud = cloud_group(&estate, name, GroupKind::Security).converted(&sid, None);
        fill(&estate, &dn, &cloud.members);
        let id = cloud.id;
        estate.tenant.edit(|tenant| tenant.create_group(cloud));
        made.push((id, dn));
    }
    let outer = lab.add_group(&estate.outside, "acc-outer", "acc-conv-outer", GLOBAL_SECURITY, &[]);
    lab.add_value(&outer, "member", &made[1].1);
    let inner =
        lab.add_group(&estate.outside, "acc-inner", "acc-conv-inner", DOMAIN_LOCAL_SECURITY, &[]);
    lab.add_value(&made[3].1, "member", &inner);
    lab.add_value(&made[0].1, "member", &stranger(&estate));
    estate.policy("");
    let start = estate.reading();
    let entry = |dn: &str| start.0.values().find(|entry| entry.dn == dn).unwrap().clone();
    let found = estate.run(&["apply"]).expect(0);
    assert_eq!(found.stdout.matches("ConvertedFromDirectory").count(), 4, "{}", found.stdout);
    assert_eq!(estate.reading(), start);

    // What the directory would not allow is refused before anything is written, with names.
    for (place, name) in [(1, "acc-outer"), (3, "acc-inner")] {
        let (id, dn) = &made[place];
        let refused = adopt(&estate, *id, &entry(dn), &["--confirm-incumbent-off"]).expect(1);
        assert!(refused.stderr.contains(name), "{}", refused.stderr);
        assert!(refused.stderr.contains("take"), "{}", refused.stderr);
    }
    // An object that it was not converted from is another group.
    let other = adopt(&estate, made[0].0, &entry(&made[2].1), &["--confirm-incumbent-off"]);
    assert!(other.expect(1).stderr.contains("another one"));
    assert_eq!(estate.reading(), start);

    for (place, code) in [(0, 3), (2, 0)] {
        let (id, dn) = &made[place];
        let before = entry(dn);
        let shown = adopt(&estate, *id, &before, &["--confirm-incumbent-off"]).expect(2);
        assert!(shown.stdout.contains("~ convert"), "{}", shown.stdout);
        assert_eq!(shown.stdout.contains("p0048"), code == 3, "{}", shown.stdout);
        let expect = digest(&shown.stdout);
        let arguments = ["--confirm-incumbent-off", "--expect", &expect];
        adopt(&estate, *id, &before, &arguments).expect(code);
        let now = assert_kept(&estate, &before);
        assert_eq!(now.text("groupType").unwrap(), UNIVERSAL_SECURITY.to_string());
        assert_eq!(members(&now), members(&before));
    }
    let held = estate.held(3, &["AdoptionRemoves"]);
    let before = estate.reading();
    let after = estate.approve_exactly(&held);
    let lost: Vec<_> = after.lost_since(&before).into_iter().map(|(_, dn)| dn).collect();
    assert_eq!(lost, [stranger(&estate)]);
}

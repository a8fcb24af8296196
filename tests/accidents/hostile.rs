//! Names and marks that want to be somewhere else: whatever a group is called in the cloud, and
//! whatever somebody writes into the marks of the directory, nothing is written outside the
//! container, no group is poured into another, and none is refused in silence.

#[path = "hostile/names.rs"]
mod names;

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use serde_json::Value as Json;
use uuid::Uuid;
use writeback::sim::world::{GroupKind, WorldGroup, random_id};

use crate::estate::{Estate, each, seed};
use crate::lab::fixtures::group_type::UNIVERSAL_SECURITY;
use crate::lab::{Entry, Lab};
use crate::product::Ran;
use crate::reading::{Reading, members};

/// Puts one cloud group for each name into the tenant, with two people that tell it from others.
fn invite(estate: &Estate, names: &[String]) -> BTreeMap<Uuid, String> {
    let mut rng = Rng::with_seed(seed(estate.name) + 7);
    let mut invited = BTreeMap::new();
    // Two ids whose last twelve digits are the same.
    let (first, second) = (random_id(&mut rng), random_id(&mut rng));
    let twin = first.as_u128() & !0xFFFF_FFFF_FFFF | second.as_u128() & 0xFFFF_FFFF_FFFF;
    let mut ids = vec![Uuid::from_u128(twin), second];
    for (number, name) in names.iter().enumerate() {
        let id = ids.pop().unwrap_or_else(|| random_id(&mut rng));
        let nick = format!("{}-{number}", estate.name);
        let mut group = WorldGroup::new(id, name, &nick, GroupKind::Security);
        group.writeback_enabled = Some(true);
        group.description = Some(name.clone());
        let of = |step: usize| estate.people[(number * step + step) % estate.people.len()];
        group.members = vec![of(1), of(7)];
        estate.tenant.edit(|cloud| cloud.create_group(group));
        invited.insert(id, name.clone());
    }
    invited
}

/// Every group and container of the domain that is no test's, as everybody reads it.
fn elsewhere(lab: &Lab) -> BTreeMap<String, Entry> {
    let filter = "(|(objectClass=group)(objectClass=organizationalUnit)(objectClass=container))";
    let all = lab.search(lab.setting("LAB_BASE_DN"), "sub", filter, &["*"]);
    // Another test nests a group of its own in Administrators, one marks Schema Admins.
    let touched = ["CN=Administrators,", "CN=Schema Admins,"];
    let is_a_tests =
        |dn: &str| dn.contains("OU=acc-") || touched.iter().any(|name| dn.starts_with(name));
    let mut all: BTreeMap<_, _> = all.into_iter().map(|entry| (entry.dn.clone(), entry)).collect();
    all.retain(|dn, _| !is_a_tests(dn));
    all
}

/// The cloud groups of which the plan says something is wrong.
fn told(plan: &Json) -> BTreeSet<Uuid> {
    let id = |value: &Json| value["group"].as_str().and_then(|text| text.parse::<Uuid>().ok());
    let lists = [&plan["findings"], &plan["unknown"]];
    lists.into_iter().flat_map(|list| list.as_array().unwrap().iter().filter_map(id)).collect()
}

/// Holds that each group stands in the container with its own people and nobody else, or that it
/// is told why it does not. Gives how many are written and how many are refused.
#[track_caller]
fn judged(estate: &Estate, invited: &BTreeMap<Uuid, String>) -> (usize, usize) {
    let (reading, plan) = (estate.reading(), estate.plan());
    let told = told(&plan);
    let (mut written, mut refused) = (0, 0);
    for (id, name) in invited {
        let Some(entry) = reading.anchored(*id) else {
            assert!(told.contains(id), "{name:?} ({id}) is refused in silence:\n{plan:#}");
            refused += 1;
            continue;
        };
        let people = estate.tenant.cloud().group(*id).unwrap().members.clone();
        let own: BTreeSet<_> = people.iter().map(|person| estate.account(*person)).collect();
        assert_eq!(members(entry), own, "{name:?}");
        assert!(entry.dn.ends_with(&format!(",{}", estate.container)), "{}", entry.dn);
        let record = format!(";id={id};state=Active");
        let records = entry.texts().remove("extensionName").unwrap();
        assert!(records.iter().any(|text| text.ends_with(&record)), "{records:?}");
        written += 1;
    }
    let ours = reading.0.values().filter(|entry| entry.attributes.contains_key("extensionName"));
    assert_eq!(ours.count(), written, "no directory group but those");
    (written, refused)
}

/// Runs a pass over a container that holds a stranger's group, with everybody's groups around it.
async fn besieged(name: &'static str, naming: &str) -> (Estate, BTreeMap<Uuid, String>) {
    let estate = Estate::bare(name).await;
    let lab = &estate.lab;
    let stranger = format!("{name}-stranger");
    let inside = lab.add_group(&estate.container, "taken", &stranger, UNIVERSAL_SECURITY, &[]);
    let victim = format!("{name}-victim");
    let outside = lab.add_group(&estate.outside, "victim", &victim, UNIVERSAL_SECURITY, &[]);
    let admins = format!("CN=Domain Admins,CN=Users,{}", lab.setting("LAB_BASE_DN"));
    let whole = || [&inside, &outside, &admins].map(|dn| lab.whole(dn));
    let before = (whole(), elsewhere(lab));

    let invited = invite(&estate, &names::all(&estate.outside, &stranger));
    assert!(invited.len() >= 200, "{} names", invited.len());
    let policy = format!(
        "  mode: Sync
  group:
    container: {{ value: '{}', mode: Always }}
{naming}",
        estate.container
    );
    estate.product.policy(estate.name, &policy);
    for pass in ["first", "second"] {
        let ran = estate.run(&["apply"]);
        let outcomes = ran.stdout.find("changes done").map(|place| &ran.stdout[place..]);
        let held = ran.stdout.lines().filter(|line| line.starts_with("  ! ")).collect::<Vec<_>>();
        let outcomes = outcomes.unwrap_or_default();
        assert_eq!(ran.code, 0, "{pass}: {outcomes}\n{held:#?}\n{}", ran.stderr);
        let is_quiet = ran.stdout.starts_with("nothing waits");
        assert_eq!(is_quiet, pass == "second", "{}", ran.stdout);
    }
    assert_eq!(whole(), before.0);
    let after = elsewhere(lab);
    let is_new = |dn: &&String| before.1.get(*dn) != after.get(*dn);
    let changed: Vec<_> = before.1.keys().chain(after.keys()).filter(is_new).collect();
    assert!(changed.is_empty(), "{changed:?}");
    (estate, invited)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_hostile_names_beside_their_ids_stay_in_their_container() {
    let naming = "    commonName: { preset: DisplayNameAndId, mode: Always }
    samAccountName: { preset: DisplayNameAndId, mode: Always }";
    let (estate, invited) = besieged("acc-hostile", naming).await;
    let (written, refused) = judged(&estate, &invited);
    assert_eq!(written + refused, invited.len());
    // Only names of which nothing is left are refused, and one of the twins.
    assert!(written >= 190 && refused >= 1, "{written} written, {refused} refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_hostile_names_as_they_are_stay_in_their_container() {
    let naming = "    commonName: { expression: 'group.displayName', mode: Always }
    samAccountName: { expression: 'group.displayName', mode: Always }";
    let (estate, invited) = besieged("acc-hostile-cel", naming).await;
    let (written, refused) = judged(&estate, &invited);
    assert_eq!(written + refused, invited.len());
    assert!(written >= 100, "{written} written, {refused} refused");
    // Whatever cannot be told from a privileged name is not written at all.
    let reading = estate.reading();
    for (id, name) in &invited {
        let is_privileged = names::PRIVILEGED.contains(&name.as_str());
        let is_alike = names::LOOK_ALIKES.contains(&name.as_str());
        if is_privileged || is_alike {
            assert_eq!(reading.anchored(*id), None, "{name:?}");
        }
    }
}

/// The marks of a group by which it is known.
fn marks(entry: &Entry) -> [Vec<Vec<u8>>; 3] {
    ["adminDescription", "msDS-ExternalDirectoryObjectId", "extensionName"]
        .map(|name| entry.attributes.get(name).cloned().unwrap_or_default())
}

/// Puts the marks of one group onto another object, all or the anchors alone.
fn stamp(estate: &Estate, dn: &str, of: &Entry, with_record: bool) {
    let [anchor, external, records] = marks(of);
    let set = |name: &str, values: &[Vec<u8>]| {
        let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        estate.lab.set(dn, name, &values);
    };
    set("adminDescription", &anchor);
    set("msDS-ExternalDirectoryObjectId", &external);
    if with_record {
        set("extensionName", &records);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_that_somebody_moves_pour_no_group_into_another() {
    let estate = Estate::written("acc-marks").await;
    let lab = &estate.lab;
    let before = estate.reading();
    let entry = |place: usize| before.anchored(estate.groups[place]).unwrap().clone();
    let all: Vec<Entry> = (0..12).map(entry).collect();
    // The anchor of another group.
    stamp(&estate, &all[0].dn, &all[1], false);
    // A copy of everything on a stranger's object.
    let stranger =
        lab.add_group(&estate.container, "Copy", "acc-marks-copy", UNIVERSAL_SECURITY, &[]);
    stamp(&estate, &stranger, &all[2], true);
    // Anchors swapped; anchors and records swapped.
    stamp(&estate, &all[3].dn, &all[4], false);
    stamp(&estate, &all[4].dn, &all[3], false);
    stamp(&estate, &all[5].dn, &all[6], true);
    stamp(&estate, &all[6].dn, &all[5], true);
    // The anchor taken off; the record of somebody else.
    lab.set(&all[7].dn, "adminDescription", &[]);
    let record = all[8].text("extensionName").unwrap();
    let foreign = record.replace("owner=acc-marks", "owner=somebody");
    lab.set(&all[8].dn, "extensionName", &[foreign.as_bytes()]);
    // The marks of a group on one that is privileged.
    let schema_admins = format!("CN=Schema Admins,CN=Users,{}", lab.setting("LAB_BASE_DN"));
    stamp(&estate, &schema_admins, &all[9], true);
    let privileged = lab.whole(&schema_admins);

    let coming: BTreeMap<usize, Vec<Uuid>> =
        (0..11).map(|place| (place, estate.put_in(estate.groups[place], 2))).collect();
    for place in 0..11 {
        estate.take_out(estate.groups[place], 1);
    }
    let mine = |guid: &Uuid| all.iter().position(|entry| entry.guid() == *guid);
    let pour = |now: &Reading, pass: &Ran| {
        for (guid, entry) in &now.0 {
            let Some(place) = mine(guid) else {
                assert!(members(entry).is_empty(), "{}", entry.dn);
                continue;
            };
            let mut allowed = members(&all[place]);
            let people = coming.get(&place).into_iter().flatten();
            allowed.extend(people.map(|person| estate.account(*person)));
            assert!(members(entry).is_subset(&allowed), "{}\n{}", entry.dn, pass.stdout);
        }
        assert_eq!(lab.whole(&schema_admins), privileged);
    };
    let ran = estate.run(&["apply"]);
    let now = estate.reading();
    pour(&now, &ran);
    let unchanged = |place: usize| {
        let guid = all[place].guid();
        assert_eq!(members(&now.0[&guid]), members(&all[place]), "{place}\n{}", ran.stdout);
    };
    [0, 3, 4, 5, 6, 8].into_iter().for_each(unchanged);
    // Whose object is remembered stays ours; an anchor that is gone is put back.
    for place in [1, 2, 7, 9, 10, 11] {
        let guid = all[place].guid();
        let people = estate.tenant.cloud().group(estate.groups[place]).unwrap().members.clone();
        let own: BTreeSet<_> = people.iter().map(|person| estate.account(*person)).collect();
        assert_eq!(members(&now.0[&guid]), own, "{place}\n{}", ran.stdout);
    }
    assert_eq!(now.0[&all[7].guid()].text("adminDescription"), all[7].text("adminDescription"));
    let plan = estate.plan();
    let told = told(&plan);
    for place in [0, 3, 4, 5, 6, 8] {
        assert!(told.contains(&estate.groups[place]), "{place} is frozen in silence: {plan:#}");
    }
    let codes = each(&plan["findings"], |finding| finding["code"].as_str().unwrap());
    assert!(codes.contains("AnchorChanged"), "{codes:?}");

    // Without memory nobody knows which object is the right one: nothing is poured all the same.
    // Only marks that are swapped whole can then not be told from right ones; they are put back.
    stamp(&estate, &all[5].dn, &all[5], true);
    stamp(&estate, &all[6].dn, &all[6], true);
    std::fs::remove_dir_all(estate.product.path().join("state")).unwrap();
    let later = estate.run(&["apply"]);
    let now = estate.reading();
    pour(&now, &later);
    assert_eq!(now.gone_since(&before), BTreeSet::new(), "{}", later.stdout);
    lab.set(&schema_admins, "adminDescription", &[]);
    lab.set(&schema_admins, "msDS-ExternalDirectoryObjectId", &[]);
    lab.set(&schema_admins, "extensionName", &[]);
}

//! The binary is killed in the middle of its work, again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::process::Child;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::Value;
use uuid::Uuid;
use writeback::sim::world::World;

use crate::lab::Entry;
use crate::oracle::{CloudSide, Expected, Found};
use crate::stage::{Stage, Upkeep, found, identities};

const KILLS: usize = 50;
/// Of fifty groups or more a pass may create a fifth; what an interrupted first pass leaves over
/// is within that.
const WRITTEN: usize = 60;
const SEED: u64 = 61;

/// When a run is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// A while after its start, whatever it does.
    Start(Duration),
    /// A while after it has announced so many writes.
    Intents(usize, Duration),
}

fn moment(rng: &mut Rng) -> Moment {
    match rng.u8(..5) {
        0 => Moment::Start(Duration::from_micros(rng.u64(..800_000))),
        _ => Moment::Intents(rng.usize(1..=10), Duration::from_micros(rng.u64(..4_000))),
    }
}

/// A company of which exactly so many groups are written, everybody with an account.
async fn stage() -> Stage {
    let mut world = World::generated(SEED, 400, 120);
    for person in &mut world.people {
        person.cloud_only = false;
    }
    let mut stage = Stage::new("killed", &mut world, Upkeep::Always).await;
    let written = |stage: &Stage, world: &World| -> Vec<Uuid> {
        let side = CloudSide::of_world(world);
        Expected::new(&side, &stage.policy, &stage.accounts).groups.into_keys().collect()
    };
    let surplus: BTreeSet<Uuid> = written(&stage, &world).into_iter().skip(WRITTEN).collect();
    world.groups.retain(|group| !surplus.contains(&group.id));
    stage.cloud(|cloud| surplus.iter().for_each(|id| cloud.hard_delete_group(*id).unwrap()));
    assert_eq!(stage.expected().groups.len(), WRITTEN);
    stage.bystanders.clear();
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_binary_killed_fifty_times_leaves_what_it_was_asked_for() {
    let stage = stage().await;
    let mut rng = Rng::with_seed(SEED);
    let (mut kills, mut inside, mut round) = (0, 0, 0);
    while kills < KILLS {
        let moment = moment(&mut rng);
        let written = intents(&stage);
        match kill_at(&stage, moment) {
            Ended::Killed => {
                kills += 1;
                inside += usize::from(intents(&stage) > written);
            }
            Ended::ByItself => {
                round += 1;
                assert!(round < KILLS, "too little work between two kills");
                stage.assert_in_step();
                stir(&stage, &mut rng, round);
            }
        }
    }
    assert!(inside >= KILLS / 2, "{inside} of {KILLS} kills fell between writes");

    let identity = identities(&stage.found());
    stage.run(&["apply"]).expect(0);
    stage.assert_in_step();
    let now = identities(&stage.found());
    for (id, object) in identity {
        assert_eq!(now.get(&id), Some(&object), "no group is made anew");
    }
    stage.run(&["plan"]).expect(0);
    let journal = Journal::read(&stage);
    let groups = stage.found().into_iter().map(|group| (group.dn, group.guid));
    let accounts = stage.accounts.iter().map(|(guid, dn)| (dn.clone(), *guid));
    let guids: BTreeMap<String, Uuid> = accounts.chain(groups).collect();
    let entries = stage.lab.search(
        &stage.container,
        "sub",
        "(objectClass=group)",
        &["*", "replPropertyMetaData"],
    );
    assert_eq!(entries.len(), WRITTEN);
    for entry in &entries {
        journal.explains(entry, &guids);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_first_writeback_is_finished_by_the_next() {
    let mut world = World::generated(62, 400, 140);
    let stage = Stage::new("interrupted", &mut world, Upkeep::Always).await;
    // Far more groups are left to create than a fifth of those that are there.
    let (written, left) = (80, 30);
    assert!(stage.expected().groups.len() > written + left);
    let ended = kill_at(&stage, Moment::Intents(written, Duration::ZERO));
    assert!(matches!(ended, Ended::Killed));
    assert!(stage.found().len() + left <= stage.expected().groups.len());
    stage.run(&["apply"]).expect(0);
    stage.assert_in_step();
}

enum Ended {
    Killed,
    ByItself,
}

fn intents(stage: &Stage) -> usize {
    let path = stage.product.path().join("state/journal.jsonl");
    let text = fs::read(path).unwrap_or_default();
    text.windows(15).filter(|window| window == b"\"kind\":\"intent\"").count()
}

fn kill_at(stage: &Stage, moment: Moment) -> Ended {
    let known = intents(stage);
    let output = stage.product.path().join("output");
    let file = File::create(&output).unwrap();
    let mut child = stage
        .product
        .command(&["apply"])
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap();
    let start = now();
    match moment {
        Moment::Start(delay) => {
            if !lives_until(&mut child, || start.elapsed() >= delay) {
                return ended(&mut child, &output);
            }
        }
        Moment::Intents(count, delay) => {
            if !lives_until(&mut child, || intents(stage) >= known + count) {
                return ended(&mut child, &output);
            }
            let reached = now();
            if !lives_until(&mut child, || reached.elapsed() >= delay) {
                return ended(&mut child, &output);
            }
        }
    }
    // SIGKILL, on the process this test has started.
    child.kill().unwrap();
    let status = child.wait().unwrap();
    if status.code().is_some() { ended(&mut child, &output) } else { Ended::Killed }
}

#[expect(clippy::disallowed_methods, reason = "the moment of a kill is a matter of real time")]
fn now() -> Instant {
    Instant::now()
}

/// Whether the child was still alive when it came true.
fn lives_until(child: &mut Child, mut come_true: impl FnMut() -> bool) -> bool {
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if come_true() {
            return true;
        }
        std::thread::park_timeout(Duration::from_micros(500));
    }
}

fn ended(child: &mut Child, output: &std::path::Path) -> Ended {
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0), "{}", fs::read_to_string(output).unwrap());
    Ended::ByItself
}

/// Gives the product something to do: names, descriptions, members; little enough for the guards.
fn stir(stage: &Stage, rng: &mut Rng, round: usize) {
    let mut ids: Vec<Uuid> = stage.expected().groups.into_keys().collect();
    rng.shuffle(&mut ids);
    stage.cloud(|cloud| {
        let people: Vec<Uuid> = cloud.people().map(|person| person.id).collect();
        for (place, id) in ids.iter().take(40).enumerate() {
            let newcomer = people[rng.usize(..people.len())];
            cloud
                .change(*id, |group| {
                    group.display_name = format!("Round {round}, group {place}");
                    group.description = Some(format!("Round {round}"));
                    group.members.push(newcomer);
                    if place < 4 && group.members.len() > 5 {
                        group.members.remove(0);
                    }
                })
                .unwrap();
        }
    });
}

/// What the journal announced, by cloud group.
struct Journal {
    intents: BTreeMap<String, Vec<Value>>,
}

impl Journal {
    /// Reads it, and holds its form: numbers grow, each outcome has its intent and is the only one.
    fn read(stage: &Stage) -> Self {
        let mut intents: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let (mut open, mut last) = (BTreeSet::new(), 0);
        for line in stage.product.journal() {
            let sequence = line["sequence"].as_u64().unwrap();
            match line["kind"].as_str().unwrap() {
                "intent" => {
                    assert!(sequence > last, "{sequence} after {last}");
                    last = sequence;
                    open.insert(sequence);
                    let group = line["group"].as_str().unwrap().to_owned();
                    intents.entry(group).or_default().push(line);
                }
                "outcome" => assert!(open.remove(&sequence), "an outcome without intent: {line}"),
                other => panic!("{other}"),
            }
        }
        assert!(open.len() <= KILLS, "{} intents have no outcome", open.len());
        Self { intents }
    }

    /// Everything that stands in a group was announced, and as often as it was written.
    fn explains(&self, entry: &Entry, guids: &BTreeMap<String, Uuid>) {
        let group = found(entry);
        let id = group.anchor().unwrap().to_string();
        let its = &self.intents[&id];
        let of = |word: &str| its.iter().filter(|intent| intent["operation"] == word).count();
        assert!(of("add") >= 1, "{}", group.dn);
        let text: Vec<String> = its.iter().map(ToString::to_string).collect();
        for name in ["displayName", "description", "sAMAccountName", "extensionName", "groupType"] {
            let Some(value) = group.text(name) else { continue };
            let value = Value::from(value).to_string();
            assert!(text.iter().any(|line| line.contains(&value)), "{}: {name} {value}", group.dn);
        }
        members_are_announced(&group, its, guids);
        // An Add writes an attribute once; a modify that takes the old value out and puts the new
        // one in counts as two writes of it, a rename as one of the name.
        let versions = versions(&entry.attributes["replPropertyMetaData"][0]);
        let naming = |name: &str| {
            let named = format!("\"{name}\"");
            let naming = its.iter().filter(|intent| intent.to_string().contains(&named));
            naming.map(|intent| if intent["operation"] == "add" { 1 } else { 2 }).sum::<usize>()
        };
        for (attribute, announced) in [
            (DISPLAY_NAME, naming("displayName")),
            (DESCRIPTION, naming("description")),
            (NAME, of("add") + of("modify_dn")),
        ] {
            let written = versions.get(&attribute).copied().unwrap_or(0);
            assert!(
                usize::try_from(written).unwrap() <= announced,
                "{}: attribute {attribute:#x} was written {written} times, announced {announced}",
                group.dn
            );
        }
    }
}

fn members_are_announced(group: &Found, its: &[Value], guids: &BTreeMap<String, Uuid>) {
    let announced: BTreeSet<&str> = its
        .iter()
        .filter(|intent| intent["operation"] == "add_members")
        .flat_map(|intent| intent["content"]["members"].as_array().unwrap())
        .map(|guid| guid.as_str().unwrap())
        .collect();
    for member in group.values("member") {
        let guid = guids[member].to_string();
        assert!(announced.contains(guid.as_str()), "{}: {member}", group.dn);
    }
}

/// attributeIDs as the directory stores them (MS-ADTS 3.1.1.2.6, the default prefix table).
const DESCRIPTION: u32 = 0x0000_000d;
const DISPLAY_NAME: u32 = 0x0002_000d;
const NAME: u32 = 0x0009_0001;

/// How often each attribute was written (MS-DRSR 5.164 PROPERTY_META_DATA_VECTOR as stored: a
/// head of 16 octets with the count in its third word, then 48 octets for each attribute).
fn versions(stored: &[u8]) -> BTreeMap<u32, u32> {
    let word = |at: usize| u32::from_le_bytes(stored[at..at + 4].try_into().unwrap());
    let count = usize::try_from(word(8)).unwrap();
    (0..count).map(|number| 16 + number * 48).map(|at| (word(at), word(at + 4))).collect()
}

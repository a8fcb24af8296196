//! What happens in a story: the reference story, and others drawn from a seed.
//!
//! A scene is what people and administrators do, how much time passes before, and whether somebody
//! is there to approve what is held. After each scene the daemon makes passes until it is quiet.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use writeback::model::policy::{PolicySet, Standing};
use writeback::model::{Containers, ObjectGuid};
use writeback::policy::parse;

use crate::directory::{Class, Directory};
use crate::names::{ELSEWHERE, GROUPS, PEOPLE, QUARANTINE, dn, id};
use crate::observe::account;
use crate::tenant::{Kind, Life, Team, Tenant, Who};
use crate::world::World;

/// One thing that somebody does.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// The flags of these teams are on: the first writeback.
    Open(Vec<&'static str>),
    Rename(&'static str, &'static str),
    Swap(&'static str, &'static str),
    Join(&'static str, Vec<usize>),
    Part(&'static str, Vec<usize>),
    Nest(&'static str, &'static str),
    Unnest(&'static str, &'static str),
    /// A nested team is taken out, and its people come in one by one.
    Unfold(&'static str, &'static str),
    Retype(&'static str, bool),
    Flag(&'static str, bool),
    Bury(&'static str),
    Unbury(&'static str),
    Destroy(&'static str),
    Leave(usize),
    /// An administrator deletes the directory group.
    HandDelete(&'static str),
    /// An administrator changes name, values and members of the directory group.
    HandEdit(&'static str),
    /// An administrator nests the directory group in a group of the directory.
    HandNest(&'static str),
}

/// A part of a story.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) hours: i64,
    pub(crate) deeds: Vec<Deed>,
    /// Somebody approves what is held, if it is right.
    pub(crate) person: bool,
}

pub(crate) const PEOPLE_COUNT: usize = 24;

/// Word, name, whether it is a security group, people, nested teams.
type Cast = (&'static str, &'static str, bool, &'static [usize], &'static [&'static str]);

/// Teams, what they are, who is in them.
const TEAMS: [Cast; 15] = [
    ("alpha", "Team Alpha", true, &[0, 1, 2, 3, 4], &[]),
    ("beta", "Team Beta", true, &[3, 4, 5, 6, 7, 8], &[]),
    ("gamma", "Team Gamma", true, &[9], &["alpha"]),
    ("delta", "Team Delta", true, &[], &["beta", "gamma"]),
    ("epsilon", "Team Epsilon", false, &[0, 1, 2, 3, 4, 5], &[]),
    ("zeta", "Team Zeta", false, &[6, 7, 8, 9, 10, 11], &[]),
    ("eta", "Team Eta", true, &[], &[]),
    ("theta", "Team Theta", false, &[], &[]),
    ("iota", "Team Iota", true, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], &[]),
    ("kappa", "Crew Kappa", true, &[10, 11, 12, 13], &[]),
    ("lambda", "Crew Lambda", true, &[14], &["kappa"]),
    ("mu", "Team Mu", true, &[1, 2], &[]),
    ("nu", "Team Nu", true, &[15, 16, 17, 18], &[]),
    ("xi", "Team Xi", false, &[0, 1, 2, 3, 4, 5, 6, 7, 8], &[]),
    ("omicron", "Team Omicron", true, &[19, 20, 21], &[]),
];

pub(crate) fn person(number: usize) -> String {
    format!("p{number:02}")
}

/// The containers of the stories.
pub(crate) fn containers() -> Containers {
    Containers::new(vec![dn(GROUPS)])
}

const POLICIES: [(&str, &str); 2] = [
    (
        "base.yaml",
        "
apiVersion: writeback/v1alpha1
kind: WritebackPolicy
metadata: { name: base }
spec:
  mode: Sync
  precedence: 100
  group:
    container: { value: 'OU=Groups,DC=corp,DC=example', mode: Always }
    commonName: { expression: group.displayName, mode: Always }
  deletion:
    onDisabled: Disable
    onSoftDeleted: Quarantine
    onHardDeleted: Delete
    quarantineContainer: 'OU=Quarantine,OU=Groups,DC=corp,DC=example'
",
    ),
    (
        "crew.yaml",
        "
apiVersion: writeback/v1alpha1
kind: WritebackPolicy
metadata: { name: crew }
spec:
  mode: Sync
  precedence: 50
  selection:
    include:
      - displayName: '^Crew'
  group:
    container: { value: 'OU=Groups,DC=corp,DC=example', mode: Always }
    commonName: { expression: group.displayName, mode: Always }
  deletion:
    onDisabled: Delete
    onSoftDeleted: Quarantine
    onHardDeleted: Delete
    quarantineContainer: 'OU=Quarantine,OU=Groups,DC=corp,DC=example'
",
    ),
];

/// The policies of the stories.
pub(crate) fn policies() -> PolicySet {
    let standing = |(file, text): &(&str, &str)| {
        let parsed = parse(file, text.as_bytes(), Some(&containers())).expect("a right policy");
        Standing { policy: parsed.policy, last_good: false, revision: None }
    };
    PolicySet { policies: POLICIES.iter().map(standing).collect(), ..PolicySet::default() }
}

/// The two worlds before the first pass.
pub(crate) fn begin() -> (Tenant, Directory) {
    let mut tenant = Tenant::default();
    let mut directory = Directory::begin();
    for number in 0..PEOPLE_COUNT {
        let word = person(number);
        directory.place(Class::User, dn(PEOPLE).child(&word), &[("sAMAccountName", &word)]);
        tenant.people.insert(word, true);
    }
    for (word, name, is_security, people, children) in TEAMS {
        let people = people.iter().map(|number| Who::Person(person(*number)));
        let children = children.iter().map(|child| Who::Team((*child).to_owned()));
        let kind = if is_security {
            Kind::Security
        } else {
            Kind::Unified { secure: word != "epsilon" && word != "theta" }
        };
        let team = Team {
            kind,
            name: name.to_owned(),
            flag: Some(false),
            life: Life::Listed,
            members: people.chain(children).collect(),
        };
        tenant.teams.insert(word.to_owned(), team);
    }
    bystanders(&mut directory);
    (tenant, directory)
}

/// What is none of ours, inside the containers and outside.
fn bystanders(directory: &mut Directory) {
    let group = |sam: &'static str| [("sAMAccountName", sam), ("groupType", "-2147483640")];
    let own = |more: &[(&'static str, &'static str)], sam: &'static str| {
        [group(sam).as_slice(), more].concat()
    };
    let (inside, outside) = (dn(GROUPS), dn(ELSEWHERE));
    let protected = own(&[("adminCount", "1")], "Domain Admins");
    directory.place(Class::Group, outside.child("Domain Admins"), &protected);
    directory.place(Class::Group, outside.child("App Readers"), &group("App Readers"));
    directory.place(Class::Group, inside.child("Printers"), &group("Printers"));
    let anchor = id("nobody knows").anchor();
    let foreign = [("sAMAccountName", "Foreign"), ("adminDescription", anchor.as_str())];
    directory.place(Class::Group, inside.child("Foreign"), &foreign);
    let record = format!(
        "writeback/v1;owner=other;tenant={};policy=base;id={};state=Active",
        crate::names::tenant_id(),
        id("elsewhere")
    );
    let elsewhere = [("sAMAccountName", "Elsewhere"), ("extensionName", record.as_str())];
    directory.place(Class::Group, inside.child("Elsewhere"), &elsewhere);
    debug_assert!(dn(QUARANTINE).is_within(&inside), "quarantined groups stay inside");
}

impl Deed {
    /// Does it.
    pub(crate) fn happen(&self, world: &mut World) {
        match self {
            Self::Open(teams) => world.edit_tenant(|tenant| {
                for team in teams {
                    tenant.team(team).flag = Some(true);
                }
            }),
            Self::Rename(team, name) => world.edit_team(team, |team| team.name = (*name).into()),
            Self::Swap(one, two) => world.edit_tenant(|tenant| {
                let first = tenant.team(one).name.clone();
                let second = std::mem::replace(&mut tenant.team(two).name, first);
                tenant.team(one).name = second;
            }),
            Self::Join(team, people) => world.edit_tenant(|tenant| {
                let there = people.iter().map(|number| person(*number));
                let there: Vec<_> =
                    there.filter(|word| tenant.people.get(word) == Some(&true)).collect();
                tenant.team(team).members.extend(there.into_iter().map(Who::Person));
            }),
            Self::Part(team, people) => world.edit_team(team, |team| {
                let gone: BTreeSet<_> = people.iter().map(|n| Who::Person(person(*n))).collect();
                team.members.retain(|who| !gone.contains(who));
            }),
            Self::Nest(team, child) => world.edit_team(team, |team| {
                team.members.insert(Who::Team((*child).into()));
            }),
            Self::Unnest(team, child) => world.edit_team(team, |team| {
                team.members.remove(&Who::Team((*child).into()));
            }),
            Self::Unfold(team, child) => world.edit_tenant(|tenant| {
                let inside = tenant.team(child).members.clone();
                let team = tenant.team(team);
                team.members.remove(&Who::Team((*child).into()));
                team.members.extend(inside);
            }),
            Self::Retype(team, secure) => world.edit_team(team, |team| {
                if let Kind::Unified { secure: own } = &mut team.kind {
                    *own = *secure;
                }
            }),
            Self::Flag(team, on) => world.edit_team(team, |team| team.flag = Some(*on)),
            Self::Bury(team) => world.edit_team(team, |team| {
                if team.life == Life::Listed {
                    team.life = Life::SoftDeleted;
                }
            }),
            Self::Unbury(team) => world.edit_team(team, |team| {
                if team.life == Life::SoftDeleted {
                    team.life = Life::Listed;
                }
            }),
            Self::Destroy(team) => world.edit_team(team, |team| team.life = Life::Gone),
            Self::Leave(number) => world.edit_tenant(|tenant| tenant.leave(&person(*number))),
            Self::HandDelete(team) => by_hand(world, team, Directory::bury),
            Self::HandEdit(team) => by_hand(world, team, edit_by_hand),
            Self::HandNest(team) => by_hand(world, team, |directory, guid| {
                let readers = dn(ELSEWHERE).child("App Readers");
                let readers = directory.named(&readers).expect("it is there").guid;
                directory.edit(readers, |one| {
                    one.members.insert(guid);
                });
            }),
        }
    }
}

fn by_hand(world: &mut World, team: &str, change: impl FnOnce(&mut Directory, ObjectGuid)) {
    if let Some(guid) = world.object_of(team) {
        world.edit_directory(|directory| change(directory, guid));
    }
}

fn edit_by_hand(directory: &mut Directory, guid: ObjectGuid) {
    let stray = account(directory, &person(23)).expect("nobody deletes accounts");
    let free = dn(GROUPS).child(&format!("By Hand {guid}"));
    directory.edit(guid, |one| {
        one.values.insert("displayName".to_owned(), vec!["by hand".to_owned()]);
        let first = one.members.iter().next().copied();
        first.map(|first| one.members.remove(&first));
        one.members.insert(stray);
        one.dn = free;
    });
}

fn scene(hours: i64, deeds: impl Into<Vec<Deed>>) -> Scene {
    Scene { hours, deeds: deeds.into(), person: false }
}

fn watched(hours: i64, deeds: impl Into<Vec<Deed>>) -> Scene {
    Scene { person: true, ..scene(hours, deeds) }
}

/// The scenes of a seed; 0 is the reference story.
pub(crate) fn scenes(seed: u64) -> Vec<Scene> {
    if seed == 0 { reference() } else { drawn(&mut Rng::with_seed(seed)) }
}

fn reference() -> Vec<Scene> {
    let many = || vec![0, 1, 2, 3, 4, 5, 6];
    let all = TEAMS.iter().map(|team| team.0).filter(|word| *word != "mu").collect();
    vec![
        scene(0, [Deed::Open(all)]),
        scene(1, [Deed::Rename("alpha", "Team Alpine"), Deed::HandNest("alpha")]),
        scene(1, [Deed::Swap("beta", "nu")]),
        scene(
            2,
            [
                Deed::Join("alpha", vec![10, 11]),
                Deed::Part("alpha", vec![0]),
                Deed::Part("xi", vec![1]),
                Deed::Join("xi", vec![12, 13]),
                Deed::Join("eta", vec![22]),
            ],
        ),
        scene(2, [Deed::Nest("nu", "omicron"), Deed::Unfold("gamma", "alpha")]),
        scene(1, [Deed::Retype("epsilon", true)]),
        scene(25, [Deed::Flag("omicron", false)]),
        scene(2, [Deed::Flag("omicron", true)]),
        scene(25, [Deed::Bury("zeta")]),
        scene(3, [Deed::Unbury("zeta")]),
        scene(25, [Deed::Flag("kappa", false)]),
        scene(2, [Deed::Flag("kappa", true)]),
        scene(1, [Deed::HandDelete("beta")]),
        scene(25, [Deed::Part("iota", many())]),
        watched(1, []),
        scene(25, [Deed::Join("iota", many())]),
        scene(26, [Deed::Part("iota", many())]),
        scene(2, [Deed::Join("iota", many())]),
        scene(1, [Deed::Rename("nu", "Crew Nu"), Deed::Part("nu", vec![15])]),
        scene(3, [Deed::HandEdit("alpha")]),
        scene(25, [Deed::Leave(3), Deed::Leave(9)]),
        scene(1, [Deed::Destroy("eta"), Deed::Flag("mu", true)]),
        scene(25, [Deed::Retype("xi", false), Deed::Flag("theta", false)]),
        watched(1, [Deed::Rename("xi", "Team Xylophone")]),
    ]
}

const FRESH: [&str; 6] =
    ["Team North", "Team South", "Crew West", "Team Eastern", "Crew Zenith", "Team Nadir"];

fn drawn(random: &mut Rng) -> Vec<Scene> {
    let mut teams: Vec<&'static str> = TEAMS.iter().map(|team| team.0).collect();
    random.shuffle(&mut teams);
    teams.truncate(random.usize(5..8));
    let mut scenes = vec![scene(0, [Deed::Open(teams.clone())])];
    let mut fresh: Vec<&'static str> = FRESH.into();
    random.shuffle(&mut fresh);
    let mut edited = BTreeMap::new();
    for _ in 0..random.usize(4..7) {
        let hours = [0, 1, 5, 13, 25][random.usize(0..5)];
        let deeds =
            (0..random.usize(1..4)).filter_map(|_| deed(random, &teams, &mut fresh, &mut edited));
        let deeds: Vec<Deed> = deeds.collect();
        scenes.push(Scene { hours, deeds, person: random.u32(0..3) == 0 });
    }
    scenes
}

fn deed(
    random: &mut Rng,
    teams: &[&'static str],
    fresh: &mut Vec<&'static str>,
    edited: &mut BTreeMap<&'static str, usize>,
) -> Option<Deed> {
    let team = teams[random.usize(0..teams.len())];
    let other = TEAMS[random.usize(0..TEAMS.len())].0;
    let mut people = |most: usize| -> Vec<usize> {
        (0..random.usize(1..=most)).map(|_| random.usize(0..PEOPLE_COUNT - 1)).collect()
    };
    let (few, many) = (people(3), people(8));
    Some(match random.u32(0..22) {
        0 | 1 => Deed::Rename(team, fresh.pop()?),
        2 => Deed::Swap(team, (team != other).then_some(other)?),
        3..=5 => Deed::Join(team, few),
        6 | 7 => Deed::Part(team, few),
        8 => Deed::Part(team, many),
        9 => Deed::Join(team, many),
        10 => Deed::Nest(team, (team != other).then_some(other)?),
        11 => Deed::Unnest("delta", "beta"),
        12 => Deed::Unfold("delta", "gamma"),
        13 => Deed::Retype(["epsilon", "zeta", "theta", "xi"][random.usize(0..4)], random.bool()),
        14 | 15 => Deed::Flag(team, false),
        16 => Deed::Flag(team, true),
        17 => Deed::Bury(team),
        18 => Deed::Unbury(team),
        19 => Deed::Leave(few[0]),
        20 => Deed::HandDelete(team),
        _ => {
            let times = edited.entry(team).or_default();
            *times += 1;
            if *times > 1 {
                return None;
            }
            Deed::HandEdit(team)
        }
    })
}

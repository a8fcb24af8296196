//! A small company whose groups were written long ago: twelve groups of 6 to 40 people, from a
//! tenant that is simulated into an organizational unit of the lab.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use fastrand::Rng;
use serde_json::Value as Json;
use uuid::Uuid;
use writeback::settings::Settings;
use writeback::sim::tenant::{Cloud, Tenant};
use writeback::sim::world::{GroupKind, Link, Person, World, WorldGroup, random_id};
use writeback::state::{Binding, State};

use crate::lab::Lab;
use crate::product::{Daemon, DirectoryAccess, Product, Ran, get};
use crate::reading::{Reading, Value};
use crate::turn::turn;

/// How many people each group holds: 246 memberships.
pub(crate) const SIZES: [usize; 12] = [6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 36, 40];
/// The first of them come from Microsoft 365 groups, the rest from security groups.
pub(crate) const MICROSOFT_365: usize = 8;
/// Memberships that may go in a day: 5 % of them.
pub(crate) const BUDGET: usize = 12;
/// People in the tenant, each with an account of the lab.
const PEOPLE: usize = 45;

/// One test's part of both worlds, and the product between them.
pub(crate) struct Estate {
    pub(crate) lab: Lab,
    pub(crate) tenant: Tenant,
    pub(crate) product: Product,
    pub(crate) name: &'static str,
    /// DN of the container that may be written.
    pub(crate) container: String,
    /// DN of one that may not.
    pub(crate) outside: String,
    /// The cloud groups, in the order of [`SIZES`].
    pub(crate) groups: Vec<Uuid>,
    /// The people, in the order of the lab's users.
    pub(crate) people: Vec<Uuid>,
}

impl Estate {
    /// People and no group, nothing written, no policy. `name` is that of the organizational unit,
    /// the owner and the policy.
    pub(crate) async fn bare(name: &'static str) -> Self {
        let lab = Lab::prepared();
        let mut world = World::empty(seed(name), "Accidents");
        let mut rng = Rng::with_seed(seed(name) + 1);
        for (number, user) in lab.users.iter().take(PEOPLE).enumerate() {
            let person = format!("Person {number:02}");
            let mut person = Person::new(random_id(&mut rng), &person, &format!("{name}{number}"));
            person.link = Some(Link { sid: user.sid.clone(), guid: user.guid });
            world.people.push(person);
        }
        let people = world.people.iter().map(|person| person.id).collect();
        let (container, outside) = lab.empty_ous(name);
        let tenant = Tenant::start(&world).await.unwrap();
        let access = DirectoryAccess {
            url: lab.setting("LAB_URL").to_owned(),
            ca_pem: lab.file("LAB_CA"),
            bind_name: lab.setting("LAB_BIND_NAME").to_owned(),
            bind_password: lab.file("LAB_BIND_PASSWORD_FILE"),
            containers: vec![container.clone()],
        };
        let product = Product::new(&tenant, &access);
        product.reconfigure("metadata: { name: corp }", &format!("metadata: {{ name: {name} }}"));
        Self { lab, tenant, product, name, container, outside, groups: Vec::new(), people }
    }

    /// The twelve groups in the cloud, nothing written, no policy.
    pub(crate) async fn planned(name: &'static str) -> Self {
        let mut estate = Self::bare(name).await;
        let mut rng = Rng::with_seed(seed(name) + 2);
        for (number, size) in SIZES.into_iter().enumerate() {
            let kind =
                if number < MICROSOFT_365 { GroupKind::Microsoft365 } else { GroupKind::Security };
            let (title, nick) = (format!("Team {number:02}"), format!("{name}-team-{number:02}"));
            let mut group = WorldGroup::new(random_id(&mut rng), &title, &nick, kind);
            group.writeback_enabled = Some(true);
            group.writeback_type = Some("universalSecurityGroup".to_owned());
            let people = estate.people.iter().cycle().skip(number * 5).take(size);
            group.members = people.copied().collect();
            estate.groups.push(group.id);
            estate.tenant.edit(|cloud| cloud.create_group(group));
        }
        estate
    }

    /// The same, written under a policy that ends with these lines, and left alone for a day.
    pub(crate) async fn written_with(name: &'static str, more: &str) -> Self {
        let estate = Self::planned(name).await;
        estate.policy(more);
        estate.settle();
        estate
    }

    /// The same, under the policy that takes everything.
    pub(crate) async fn written(name: &'static str) -> Self {
        Self::written_with(name, "").await
    }

    /// Writes what waits, sees that a second pass finds nothing to do, and lets a day go by.
    #[track_caller]
    pub(crate) fn settle(&self) {
        self.run(&["apply"]).expect(0);
        let second = self.run(&["apply"]).expect(0);
        assert!(second.stdout.starts_with("nothing waits"), "{}", second.stdout);
        self.a_day_passes();
    }

    /// The policy of everything, with further lines of its `spec`.
    pub(crate) fn policy(&self, more: &str) {
        let spec = format!(
            "  mode: Sync
  group:
    container: {{ value: '{}', mode: Always }}
    commonName: {{ preset: DisplayNameAndId, mode: Always }}
    samAccountName: {{ preset: DisplayNameAndId, mode: Always }}
{more}",
            self.container
        );
        self.product.policy(self.name, &spec);
    }

    /// What was added and taken away up to now is no longer counted, as 24 hours later.
    pub(crate) fn a_day_passes(&self) {
        let settings = Settings::load(&self.product.path().join("writeback.yaml"));
        let settings = settings.unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let binding = Binding { tenant: settings.tenant.id, owner: settings.owner.clone() };
        let (mut state, opened) = State::open(&settings.state, binding).unwrap();
        let mut memory = opened.memory;
        memory.added.clear();
        memory.spent.clear();
        state.save(&memory, None, None).unwrap();
    }

    /// Runs a command; see [`Ran::expect`].
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.product.run(arguments)
    }

    /// Changes the cloud; every edit names something that exists.
    pub(crate) fn cloud<R, E: std::fmt::Debug>(
        &self,
        edit: impl FnOnce(&mut Cloud) -> Result<R, E>,
    ) -> R {
        self.tenant.edit(edit).unwrap()
    }

    /// Takes the first so many members out of a cloud group; gives them.
    pub(crate) fn take_out(&self, group: Uuid, count: usize) -> Vec<Uuid> {
        let members = self.tenant.cloud().group(group).unwrap().members.clone();
        let leaving: Vec<Uuid> = members.into_iter().take(count).collect();
        for member in &leaving {
            self.cloud(|cloud| cloud.remove_member(group, *member));
        }
        leaving
    }

    /// Puts so many people into a cloud group who are not in it; gives them.
    pub(crate) fn put_in(&self, group: Uuid, count: usize) -> Vec<Uuid> {
        let members = self.tenant.cloud().group(group).unwrap().members.clone();
        let others = self.people.iter().filter(|person| !members.contains(person));
        let coming: Vec<Uuid> = others.take(count).copied().collect();
        assert_eq!(coming.len(), count);
        for person in &coming {
            self.cloud(|cloud| cloud.add_member(group, *person));
        }
        coming
    }

    /// The groups of the container as they stand.
    pub(crate) fn reading(&self) -> Reading {
        Reading::of(&self.lab, &self.container)
    }

    /// The DN of a person's account.
    pub(crate) fn account(&self, person: Uuid) -> String {
        let place = self.people.iter().position(|id| *id == person).unwrap();
        self.lab.users[place].dn.clone()
    }

    /// The values of `member` that the cloud asks for, in the groups that are written.
    pub(crate) fn wanted(&self, reading: &Reading) -> BTreeSet<Value> {
        let cloud = self.tenant.cloud();
        let mut wanted = BTreeSet::new();
        for group in cloud.groups() {
            let Some(entry) = reading.anchored(group.id) else { continue };
            let people = group.members.iter().filter(|id| self.people.contains(id));
            wanted.extend(people.map(|person| (entry.guid(), self.account(*person))));
        }
        wanted
    }

    /// The directory holds whom the cloud asks for, and nobody else.
    #[track_caller]
    pub(crate) fn assert_in_step(&self) -> Reading {
        let reading = self.reading();
        assert_eq!(reading.values(), self.wanted(&reading));
        reading
    }

    /// The plan as it stands, decided with the memory on disk.
    #[track_caller]
    pub(crate) fn plan(&self) -> Json {
        let ran = self.run(&["plan", "--output", "json"]);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"))
    }

    /// Makes a pass that holds something, for these rows and no others. What the pass says, what a
    /// plan beside it says, and what the daemon's metrics say, are the same.
    #[track_caller]
    pub(crate) fn held(&self, code: i32, rows: &[&str]) -> Held {
        let ran = self.run(&["apply"]).expect(code);
        let digest = held_digest(&ran.stdout).unwrap_or_else(|| panic!("{}", ran.stdout));
        let plan = self.plan();
        assert_eq!(plan["heldDigest"], digest.as_str(), "{}", ran.stdout);
        let tripped: BTreeSet<&str> = each(&plan["held"], |hold| hold["row"].as_str().unwrap());
        assert_eq!(tripped, rows.iter().copied().collect(), "{}", ran.stdout);
        for row in rows {
            let told = format!("! {row} of policy {}: ", self.name);
            let line = ran.stdout.lines().find(|line| line.contains(&told));
            let line = line.unwrap_or_else(|| panic!("{row} is not told\n{}", ran.stdout));
            assert!(line.contains("; the limit is "), "{line}");
            let command = format!("`writeback approve {}` passes it once", &digest[..12]);
            assert!(line.contains(&command), "{line}");
        }
        let held = Held { digest, plan };
        let metrics = self.metrics();
        let series = format!("writeback_held_changes{{policy=\"{}\"}}", self.name);
        let count = held.changes().count();
        assert_eq!(metrics[&series].to_string(), count.to_string(), "{}", ran.stdout);
        let blocked = metrics
            .iter()
            .filter(|(name, value)| name.starts_with("writeback_guard_blocked") && **value > 0.0);
        assert_eq!(blocked.count(), rows.len(), "{metrics:?}");
        held
    }

    /// What the daemon shows after a pass.
    #[track_caller]
    pub(crate) fn metrics(&self) -> BTreeMap<String, f64> {
        let mut daemon = self.product.daemon();
        daemon.passes(1);
        let text = get(&daemon.metrics, "/metrics").1;
        stop(daemon);
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        lines
            .map(|line| {
                let (series, value) = line.rsplit_once(' ').unwrap();
                (series.to_owned(), value.parse().unwrap())
            })
            .collect()
    }

    /// Lets what is held through, and holds that it was this and nothing else; then that the same
    /// word counts for nothing a second time.
    #[track_caller]
    pub(crate) fn approve_exactly(&self, held: &Held) -> Reading {
        let before = self.reading();
        self.run(&["apply", "--approve", &held.digest]).expect(0);
        let after = self.reading();
        let (ended, mut lost) = (held.objects("delete"), after.lost_since(&before));
        lost.retain(|(group, _)| !ended.contains(group));
        assert_eq!(lost, held.values(&self.lab, "remove_members", &before));
        assert_eq!(before.lost_since(&after), held.values(&self.lab, "add_members", &before));
        assert_eq!(after.gone_since(&before), ended);
        let converted: BTreeSet<Uuid> = after
            .kinds()
            .into_iter()
            .filter(|(guid, kind)| before.kinds().get(guid).is_some_and(|was| was != kind))
            .map(|(guid, _)| guid)
            .collect();
        assert_eq!(converted, held.objects("convert"));
        let again = self.run(&["apply", "--approve", &held.digest]).expect(1);
        assert!(again.stderr.contains("used"), "{}", again.stderr);
        assert_eq!(self.reading(), after, "a second use writes nothing");
        after
    }
}

/// Waits until a daemon has ended a pass: the next one may be hours away.
#[track_caller]
pub(crate) fn first_pass(daemon: &mut Daemon) {
    let address = daemon.status.clone();
    daemon.until("the first pass to end", || {
        let (_, body) = get(&address, "/api/v1/status");
        let status: Json = serde_json::from_str(&body).ok()?;
        status["lastPass"]["number"].as_u64()
    });
}

/// Ends a daemon as its service manager does.
#[track_caller]
pub(crate) fn stop(daemon: Daemon) {
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
}

/// What a pass held.
pub(crate) struct Held {
    /// Of the whole held set.
    pub(crate) digest: String,
    /// The plan that says so.
    pub(crate) plan: Json,
}

impl Held {
    /// The held changes.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &Json> {
        let changes = self.plan["changes"].as_array().unwrap().iter();
        changes.filter(|change| change["admission"] == "Held")
    }

    /// The values of `member` in held changes of a kind.
    pub(crate) fn values(&self, lab: &Lab, kind: &str, reading: &Reading) -> BTreeSet<Value> {
        let own = self.changes().filter(|change| change["kind"] == kind);
        own.flat_map(|change| {
            let group = object(change);
            let members = change["content"].as_array().unwrap().iter();
            members.map(move |member| (group, name_of(lab, reading, member)))
        })
        .collect()
    }

    /// The objects of held changes of a kind.
    pub(crate) fn objects(&self, kind: &str) -> BTreeSet<Uuid> {
        self.changes().filter(|change| change["kind"] == kind).map(object).collect()
    }
}

fn object(change: &Json) -> Uuid {
    change["object"].as_str().unwrap().parse().unwrap()
}

/// The DN of an object by the objectGUID in a plan.
fn name_of(lab: &Lab, reading: &Reading, member: &Json) -> String {
    let guid: Uuid = member.as_str().unwrap().parse().unwrap();
    let user = lab.users.iter().find(|user| user.guid == guid).map(|user| user.dn.clone());
    user.or_else(|| Some(reading.0.get(&guid)?.dn.clone())).unwrap()
}

/// Some text of each element of a list.
pub(crate) fn each<'a, T: Ord>(list: &'a Json, of: impl Fn(&'a Json) -> T) -> BTreeSet<T> {
    list.as_array().unwrap().iter().map(of).collect()
}

/// The digest of everything that a plan in text form holds.
pub(crate) fn held_digest(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("held "))?;
    (line.len() == 64).then(|| line.to_owned())
}

/// The digest of a plan in text form.
#[track_caller]
pub(crate) fn digest(text: &str) -> String {
    let line = text.lines().find_map(|line| line.strip_prefix("digest "));
    line.unwrap_or_else(|| panic!("{text}")).trim().to_owned()
}

/// A number of its own for every name and every run in a lab: a group of an earlier run, deleted
/// since, is not to be brought back by a later one. The numbers next to it are of the same name, too.
pub(crate) fn seed(name: &str) -> u64 {
    static RUN: OnceLock<u64> = OnceLock::new();
    let run = *RUN.get_or_init(|| turn(&Lab::prepared(), "accidents"));
    // FNV-1a: names share no number. Half of it, so that there is room for what is added to it.
    let start = 0xcbf2_9ce4_8422_2325;
    let hash = run.to_be_bytes().into_iter().chain(name.bytes()).fold(start, |hash: u64, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash / 2
}

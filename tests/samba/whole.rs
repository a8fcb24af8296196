//! A whole company, from nothing to a directory that stays as it is.

use uuid::Uuid;
use writeback::sim::domain::{Domain, DomainOptions};
use writeback::sim::tenant::Tenant;
use writeback::sim::world::{GroupKind, World};

use crate::oracle::{self, CloudSide, DISTRIBUTION, Expected, Found, Member, SECURITY};
use crate::product::{DirectoryAccess, Product};
use crate::stage::{Stage, Upkeep, policy, spec};

/// Members of the one large group that are in the directory.
const LARGE: usize = 3_000;

/// People enough for the large group, and groups enough for eighty that are written.
fn company() -> World {
    let mut world = World::generated(21, 3_400, 140);
    let everyone = world.groups.iter_mut().find(|group| group.display_name == "Everyone").unwrap();
    let linked = world.people.iter().filter(|person| !person.cloud_only);
    everyone.members = linked.take(LARGE).map(|person| person.id).collect();
    let cloud_only = world.people.iter().filter(|person| person.cloud_only);
    everyone.members.extend(cloud_only.take(5).map(|person| person.id));
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_company_is_written_and_stays_as_it_is() {
    let mut world = company();
    let stage = Stage::new("whole", &mut world, Upkeep::Always).await;
    let expected = stage.expected();
    promised(&world, &stage);

    stage.run(&["validate"]).expect(0);
    assert_eq!(stage.found(), [], "nothing is there yet");
    stage.run(&["plan"]).expect(2);
    assert_eq!(stage.found(), [], "a plan writes nothing");
    assert_eq!(stage.product.journal(), Vec::<serde_json::Value>::new());
    stage.run(&["apply"]).expect(0);
    stage.assert_is(&expected);

    let plan = stage.run(&["plan", "--output", "json"]).expect(0);
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(plan["changes"], serde_json::json!([]));
    let journal = stage.product.journal().len();
    let before = stage.lab.groups(&stage.container);
    let mut daemon = stage.product.daemon();
    // One by one: nobody's patience is for ten passes over a whole company on a busy machine.
    for _ in 0..10 {
        daemon.passes(1);
    }
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    // uSNChanged and whenChanged are among the attributes.
    assert_eq!(stage.lab.groups(&stage.container), before);
    assert_eq!(stage.product.journal().len(), journal, "no new intent");
}

/// The company has what the issue promises.
fn promised(world: &World, stage: &Stage) {
    let expected = stage.expected();
    let groups: Vec<_> = expected.groups.values().collect();
    let count = |kind: i32| {
        let text = Some(kind.to_string());
        groups.iter().filter(|group| group.attributes["groupType"] == text).count()
    };
    assert!(world.people.iter().filter(|person| person.link.is_some()).count() >= 400);
    assert!(groups.len() >= 80, "{} groups are written", groups.len());
    assert!(count(SECURITY) >= 20 && count(DISTRIBUTION) >= 20);
    assert!(groups.iter().any(|group| group.members.is_empty()));
    assert!(groups.iter().any(|group| group.members.len() == LARGE));
    let nested = |member: &Member| matches!(member, Member::Group(_));
    assert!(groups.iter().filter(|group| group.members.iter().any(nested)).count() >= 3);
    let written = |id: Uuid| expected.groups.contains_key(&id);
    assert!(world.groups.iter().any(|group| group.dynamic && written(group.id)));
    assert!(world.groups.iter().any(|group| {
        group.kind == GroupKind::Microsoft365 && group.display_name.chars().count() == 256
    }));
    for part in [",", "+", "\"", "\\", "#", "(", "*", "\u{1f680}", "\u{200f}"] {
        let hostile = |group: &&crate::oracle::Wanted| group.common_name.contains(part);
        assert!(groups.iter().copied().any(|group| hostile(&group)), "{part}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oracle_expects_the_same_of_the_simulated_domain() {
    let domain = Domain::start(DomainOptions::default()).await.unwrap();
    let mut world = World::generated(22, 400, 100);
    world.link_all(&domain.domain_sid());
    let base = domain.base_dn();
    let container = domain.edit(|tree| {
        let people = tree.add_ou("People", &base).unwrap();
        for person in &world.people {
            let Some(link) = &person.link else { continue };
            let account = &person.sam_account_name;
            let sid = Some(link.sid.as_str());
            tree.add_user(account, &people, account, Some(link.guid), sid).unwrap();
        }
        tree.add_ou("Cloud Groups", &base).unwrap()
    });
    domain.delegate(&container).unwrap();
    let tenant = Tenant::start(&world).await.unwrap();
    let product = Product::new(&tenant, &DirectoryAccess::simulated(&domain, &[&container]));
    let policy = policy("corp", &container);
    product.policy("corp", &spec(&policy, Upkeep::Always));
    product.run(&["apply"]).expect(0);

    let dump = domain.dump();
    let accounts = oracle::accounts_in_dump(&dump);
    let expected = Expected::new(&CloudSide::of_world(&world), &policy, &accounts);
    let found = Found::in_dump(&dump, &container);
    assert!(found.len() >= 50, "{} groups", found.len());
    let differences = expected.differences(&found, &accounts);
    assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
    product.run(&["plan"]).expect(0);
}

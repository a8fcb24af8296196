//! A whole company, from nothing to a directory that stays as it is.

use uuid::Uuid;
use writeback::sim::world::{GroupKind, World};

use crate::oracle::{DISTRIBUTION, Member, SECURITY};
use crate::stage::{Stage, Upkeep};

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
    daemon.passes(10);
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

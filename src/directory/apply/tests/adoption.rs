//! Groups that are taken over, and groups that are let go.

use super::world::{Loss, unmarked, world};
use super::*;

#[test]
fn an_adopted_group_is_ours_for_the_rest_of_the_pass() {
    for loss in [None, Some(Loss::Before(0)), Some(Loss::After(0))] {
        let mut world = unmarked();
        world.losses.extend(loss);
        let changes = of_one([adoption(1), update("description", None, Some("x")), add([100])]);
        let results = world.run(changes);
        assert!(results.iter().all(|result| result.outcome.achieved()), "{loss:?} {results:?}");
        let values = world.values(1, "extensionName");
        assert!(values.contains(&"other".to_owned()) && values.len() == 3, "{values:?}");
        assert_eq!(world.values(1, "adminDescription"), [id(1).anchor()]);
        assert_eq!(world.members(1), [100]);
    }
}

#[test]
fn what_cannot_be_adopted_any_more_is_left_alone_with_everything_of_its_group() {
    let cases: [(&str, &[&str], &str); 4] = [
        ("extensionName", &["writeback/v1;owner=other"], "ownership record"),
        ("objectClass", &["top", "user"], "no group"),
        ("adminCount", &["1"], "privileged"),
        ("isCriticalSystemObject", &["TRUE"], "privileged"),
    ];
    for (name, values, told) in cases {
        let mut world = unmarked();
        world.set(1, name, values);
        let results = world.run(of_one([adoption(1), add([100])]));
        assert_eq!(words(&results), ["failed", "failed"], "{name}");
        assert!(message(&results, 0).contains(told), "{name}: {results:?}");
        assert_eq!(world.operations, [], "{name}");
    }
    let mut moved = unmarked();
    moved.objects.get_mut(&guid(1)).unwrap().dn = Dn::parse("CN=a,DC=corp,DC=example").unwrap();
    assert_eq!(words(&moved.run(of_one([adoption(1)]))), ["failed"]);
    assert_eq!(moved.operations, []);
}

#[test]
fn nothing_is_done_to_a_group_whose_adoption_is_refused() {
    let mut world = unmarked();
    world.refused.push("adminDescription");
    let results = world.run(of_one([adoption(1), add([100])]));
    assert_eq!(words(&results), ["refused", "failed"]);
    assert_eq!(world.members(1), [0_u128; 0]);
}

#[test]
fn after_a_release_the_group_is_let_alone() {
    let mut world = world(&[(1, "a", &[])]);
    let results = world.run(of_one([release(1), add([100])]));
    assert_eq!(words(&results), ["done", "failed"]);
    assert!(message(&results, 1).contains("let go"), "{results:?}");
    assert_eq!(world.values(1, "extensionName"), ["other"]);
    assert_eq!(world.operations.len(), 1);
}

//! `adopt` and `release` of the shipped binary: a group that administrators made is taken up as it
//! stands, and let go of again.

use serde_json::Value;
use uuid::Uuid;
use writeback::sim::domain::Entry;

use crate::stage::{CONTAINER, PEOPLE, Stage};

/// `groupType` of a global security group (MS-ADTS 2.2.12).
const GLOBAL_SECURITY: i32 = -2_147_483_646;
/// `groupType` of a universal security group.
const UNIVERSAL_SECURITY: &str = "-2147483640";

/// A stage with a global group of the administrators that lacks most of the people of the cloud
/// group `Finance` and holds one who is not in it.
fn with_old_group() -> (Stage, Uuid) {
    let stage = Stage::small();
    stage.domain.edit(|tree| {
        let dn = tree.add_group("Old Finance", CONTAINER, "old-finance", GLOBAL_SECURITY).unwrap();
        let stray = tree.add_user("Stray", PEOPLE, "stray", None, None).unwrap();
        tree.add_member(&dn, &stray).unwrap();
    });
    let old = named(&stage, "Old Finance").guid;
    (stage, old)
}

fn named(stage: &Stage, cn: &str) -> Entry {
    let dump = stage.domain.dump();
    let found = dump.into_iter().find(|entry| entry.dn.starts_with(&format!("CN={cn},")));
    found.unwrap_or_else(|| panic!("{cn} is not there"))
}

fn digest(text: &str) -> String {
    let plan: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e} in\n{text}"));
    plan["digest"].as_str().unwrap().to_owned()
}

#[test]
fn a_group_is_shown_adopted_and_let_go_of_again() {
    let (stage, old) = with_old_group();
    let (group, object) = (stage.id("Finance").to_string(), old.to_string());
    let wish = ["adopt", "--group", &group, "--object", &object];
    let before = named(&stage, "Old Finance");
    // The simulated tenant does not say whether Microsoft's writeback is on.
    let refused = stage.product.run(&wish).expect(1);
    assert!(refused.stderr.contains("--confirm-incumbent-off"), "{}", refused.stderr);
    let ask = |more: &[&str]| {
        let all: Vec<&str> =
            wish.iter().chain(&["--confirm-incumbent-off"]).chain(more).copied().collect();
        stage.product.run(&all)
    };
    let shown = ask(&[]).expect(2).stdout;
    assert!(shown.contains("Old Finance") && shown.contains("stray"), "{shown}");
    assert!(!shown.contains("+ create"), "{shown}");
    let shown = digest(&ask(&["--output", "json"]).expect(2).stdout);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    ask(&["--expect", "000000000000"]).expect(2);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    // The removal of whom the cloud group does not have waits for a person's word.
    ask(&["--expect", &shown]).expect(3);
    let after = named(&stage, "Old Finance");
    assert_eq!((after.guid, &after.sid, &after.dn), (before.guid, &before.sid, &before.dn));
    assert_eq!(after.text("sAMAccountName"), Some("old-finance"));
    // So does the security that it would lose.
    assert_eq!(after.text("groupType"), Some(UNIVERSAL_SECURITY));
    assert_eq!(after.texts("extensionName").len(), 2);
    let members = after.texts("member").len();
    assert!(members >= 2 && after.texts("member").iter().any(|dn| dn.starts_with("CN=Stray,")));
    assert_eq!(stage.removals().0, 0, "nobody was taken out");
    ask(&[]).expect(0);
    // A whole pass afterwards neither renames it nor makes another one.
    stage.product.run(&["apply"]).expect(3);
    let after = named(&stage, "Old Finance");
    assert_eq!((after.guid, after.text("sAMAccountName")), (old, Some("old-finance")));
    stage.journal_announces_every_write();

    let away = ["release", "--object", &object];
    let shown = stage.product.run(&[&away[..], &["--output", "json"]].concat()).expect(2).stdout;
    let shown = digest(&shown);
    stage.product.run(&[&away[..], &["--expect", &shown]].concat()).expect(0);
    let released = named(&stage, "Old Finance");
    assert_eq!(released.texts("extensionName"), Vec::<&str>::new());
    assert_eq!(released.texts("member").len(), after.texts("member").len());
    assert_eq!((released.guid, &released.sid), (before.guid, &before.sid));
    // Its anchor keeps another one from being made.
    let plan = stage.product.run(&["plan"]);
    assert!(plan.stdout.contains("Foreign"), "{}", plan.stdout);
}

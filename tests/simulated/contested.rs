//! Somebody puts a value of ours back again and again: whoever reads the plan or the status is
//! told what the directory knows of the other writer's last write.

use serde_json::Value;
use writeback::decide::contest::REVERSALS_MAX;

use crate::stage::Stage;

/// The message of the only contest among findings.
#[track_caller]
fn contest(findings: &Value) -> &str {
    let all = findings.as_array().unwrap_or_else(|| panic!("{findings}"));
    let mut contests = all.iter().filter(|finding| finding["code"] == "Contested");
    let message = contests.next().and_then(|finding| finding["message"].as_str());
    assert!(contests.next().is_none(), "{findings:#}");
    message.unwrap_or_else(|| panic!("{findings:#}"))
}

#[test]
fn a_contested_description_is_told_with_version_time_and_domain_controller() {
    let stage = Stage::written();
    let finance = stage.dn("Finance");
    let by_hand = || {
        stage.domain.edit(|tree| tree.set(&finance, "description", &["By hand"])).unwrap();
    };
    let ours = stage.portraits();
    for _ in 0..REVERSALS_MAX {
        by_hand();
        stage.product.run(&["apply"]).expect(0);
        assert_eq!(stage.portraits(), ours);
    }
    by_hand();
    let plan = stage.product.run(&["plan", "--output", "json"]).expect(0).stdout;
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let told = contest(&plan["findings"]);
    assert!(told.starts_with("description of Finance_"), "{told}");
    // One write made it, each round are two, and the last one is theirs.
    let version = 1 + 2 * REVERSALS_MAX + 1;
    let write = told.split_once(&format!("; version {version}, last written "));
    let (_, write) = write.unwrap_or_else(|| panic!("{told}"));
    let (at, server) = write.split_once(" on ").unwrap();
    assert!(at.parse::<jiff::Timestamp>().is_ok(), "{told}");
    assert!(server.starts_with("CN=NTDS Settings,CN=DC1,"), "{told}");
    let text = stage.product.run(&["plan"]).expect(0).stdout;
    assert!(text.contains(told), "{text}");

    let mut daemon = stage.product.daemon();
    daemon.passed(1);
    assert_eq!(contest(&daemon.status()["plan"]["findings"]), told);
    assert_ne!(stage.portraits(), ours, "it is left alone");
}

//! From review to merge: the digest of a plan that was made elsewhere, with the memory of the
//! daemon and an account that can only read, is that of the apply.

use std::fs;

use crate::digests;
use crate::product::{DirectoryAccess, Product, get};
use crate::stage::{CONTAINER, EVERYTHING, PEOPLE, Stage};

/// What the pull request changes: every group gets another name.
fn renamed() -> String {
    EVERYTHING
        .replace("commonName: { preset: DisplayNameAndId }", "commonName: { preset: GroupId }")
}

/// A policy of its own for one group; nobody proposes to change it.
const VPN: &str = "  mode: Sync
  precedence: 50
  selection: { include: [{ displayName: '^VPN ' }] }
  group:
    container: { value: 'OU=Cloud Groups,DC=corp,DC=example', mode: Always }
    commonName: { preset: DisplayNameAndId }";

/// A checkout with an account of the directory that has no right to write.
fn reviewer(stage: &Stage) -> Product {
    const PASSWORD: &str = "only-for-reading-1";
    stage.domain.edit(|tree| {
        let dn = tree.add_user("svc-plan", PEOPLE, "svc-plan", None, None).unwrap();
        tree.set_password(&dn, PASSWORD).unwrap();
    });
    let mut access = DirectoryAccess::simulated(&stage.domain, &[CONTAINER]);
    access.bind_name = format!("CN=svc-plan,{PEOPLE}");
    PASSWORD.clone_into(&mut access.bind_password);
    Product::new(&stage.tenant, &access)
}

#[test]
fn the_plan_of_a_pull_request_has_the_digest_of_the_apply_after_the_merge() {
    let stage = Stage::small();
    stage.product.policy("vpn", VPN);
    stage.product.run(&["apply"]).expect(0);
    stage.product.a_day_later();
    let review = reviewer(&stage);
    review.policy("vpn", VPN);
    review.policy("everything", &renamed());
    let mut daemon = stage.product.daemon();
    daemon.passes(1);
    let url = format!("http://{}", daemon.status);
    let plan = ["plan", "--output", "markdown", "--from", &url, "--out", "plan.md"];
    review.run(&plan).expect(2);
    let comment = fs::read_to_string(review.path().join("plan.md")).unwrap();
    assert!(!comment.contains("Not computed"), "{comment}");
    let (_, reviewed) = digests(&comment);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    assert!(!review.path().join("state").exists(), "a plan leaves nothing behind");
    // The identity of the plan can do no more than that.
    let refused = review.run(&["apply"]).expect(1);
    assert!(refused.stderr.contains("may not create groups"), "{}", refused.stderr);
    fs::remove_dir_all(review.path().join("state")).unwrap();

    // Merged; somebody joins a group of another policy meanwhile.
    stage.product.policy("everything", &renamed());
    stage.put_in("VPN Users", &["Ada Lovelace"]);
    stage.domain.clear_operations();
    // The plan as a whole is another one with each join, what was reviewed is not.
    let before = stage.product.run(&["plan", "--output", "markdown"]).expect(2).stdout;
    let (digest, same) = digests(&before);
    assert_eq!(same, reviewed);
    stage.put_in("VPN Users", &["Alan Turing"]);
    let refused = stage.product.run(&["apply", "--expect", &digest]).expect(2);
    assert!(refused.stderr.contains("the plan is not the expected one"), "{}", refused.stderr);
    assert!(refused.stderr.contains("nothing is written"), "{}", refused.stderr);
    assert!(stage.writes().is_empty());
    let done = stage.product.run(&["apply", "--expect", &reviewed]).expect(0).stdout;
    assert!(done.contains("8 of 8 changes done"), "{done}");
    assert!(stage.dn("Finance").starts_with(&format!("CN=Group_{}", stage.id("Finance"))));
}

#[test]
fn who_joins_a_group_of_the_very_policy_that_is_edited_asks_for_no_other_review() {
    let stage = Stage::written();
    stage.product.a_day_later();
    let review = reviewer(&stage);
    review.policy("everything", &renamed());
    let mut daemon = stage.product.daemon();
    daemon.passes(1);
    let url = format!("http://{}", daemon.status);
    let told = review.run(&["plan", "--output", "markdown", "--from", &url]).expect(2).stdout;
    let (digest, reviewed) = digests(&told);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));

    // Somebody joins, and the request is merged.
    stage.put_in("Board", &["Grace Hopper"]);
    stage.product.policy("everything", &renamed());
    stage.domain.clear_operations();
    let plan = stage.product.run(&["plan"]).expect(2).stdout;
    let joined = plan.lines().find(|line| line.contains("+ member")).unwrap_or_default();
    assert!(joined.contains("[cloud: members of"), "{plan}");
    assert!(plan.contains(&format!("reviewed {reviewed}")), "{plan}");
    assert!(!plan.contains(&format!("digest   {digest}")), "{plan}");
    stage.product.run(&["apply", "--expect", &reviewed]).expect(0);
    assert_eq!(stage.held(), stage.wanted());
    assert!(stage.dn("Board").starts_with(&format!("CN=Group_{}", stage.id("Board"))));
}

#[test]
fn what_the_merged_policy_does_beyond_the_review_is_not_applied() {
    let stage = Stage::written();
    stage.product.a_day_later();
    let review = reviewer(&stage);
    review.policy("everything", &renamed());
    let told = review.run(&["plan", "--output", "markdown"]).expect(2).stdout;
    let (_, reviewed) = digests(&told);
    // What is merged takes the nested groups out besides, and somebody joins.
    stage.put_in("Board", &["Grace Hopper"]);
    let more = format!("{}\n  members: {{ nested: Flatten }}", renamed());
    stage.product.policy("everything", &more);
    stage.domain.clear_operations();
    let refused = stage.product.run(&["apply", "--expect", &reviewed]);
    assert!(refused.stderr.contains("the plan is not the expected one"), "{}", refused.stderr);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    // A rule about members is reviewed with all whom it concerns.
    let told = stage.product.run(&["plan", "--output", "markdown"]).stdout;
    let (_, again) = digests(&told);
    stage.put_in("Finance", &["Grace Hopper"]);
    let refused = stage.product.run(&["apply", "--expect", &again]);
    assert!(refused.stderr.contains("the plan is not the expected one"), "{}", refused.stderr);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
}

#[test]
fn what_was_not_reviewed_is_not_applied() {
    let stage = Stage::written();
    stage.product.a_day_later();
    let review = reviewer(&stage);
    review.policy("everything", &renamed());
    let told = review.run(&["plan", "--output", "markdown"]).expect(2).stdout;
    let (_, reviewed) = digests(&told);
    // Merged together with something else that takes somebody out.
    stage.product.policy("everything", &renamed());
    stage.take_out("VPN Users", &["Grace Hopper"]);
    stage.domain.clear_operations();
    let refused = stage.product.run(&["apply", "--expect", &reviewed]).expect(2);
    assert!(
        refused.stderr.contains("run `writeback plan` and review it again"),
        "{}",
        refused.stderr
    );
    assert!(stage.writes().is_empty());
    // A word that is no digest is none of this plan.
    stage.product.run(&["apply", "--expect", "0123456789ab"]).expect(2);
    stage.product.run(&["apply", "--expect", ""]).expect(2);
    assert!(stage.writes().is_empty());
}

#[test]
fn the_memory_of_a_daemon_is_the_same_over_its_socket_and_over_its_api() {
    let stage = Stage::written();
    stage.product.a_day_later();
    stage.take_out("VPN Users", &["Grace Hopper"]);
    stage.empty_nearly("Engineering");
    let mut daemon = stage.product.daemon();
    // What the first one leaves is there when the next one has ended.
    daemon.passes(2);
    let url = format!("http://{}/", daemon.status);
    let review = reviewer(&stage);
    review.policy("everything", EVERYTHING);
    let over = |from: &str| review.run(&["plan", "--from", from]).expect(3).stdout;
    let socket = stage.product.path().join("state/admin.sock");
    let told = over(&url);
    assert!(told.contains("held since") && !told.contains("not computed"), "{told}");
    assert_eq!(told, over(socket.to_str().unwrap()));
    let (code, body) = get(&daemon.status, "/api/v1/memory");
    assert_eq!(code, 200);
    stage.keeps_secrets(&body);
    assert_eq!(get(&daemon.metrics, "/api/v1/memory").0, 404, "only beside the status");

    for (from, why) in [
        (format!("http://{}", daemon.metrics), "it answers 404"),
        (format!("https://{}", daemon.status), "read the memory of the daemon at https://"),
        ("http://127.0.0.1:9".to_owned(), "read the memory of the daemon at"),
    ] {
        let failed = review.run(&["plan", "--from", &from]).expect(1);
        assert!(failed.stderr.contains(why), "{from}: {}", failed.stderr);
        assert_eq!(failed.stdout, "");
    }
    let why =
        stage.product.run(&["explain", "Engineering", "ken.thompson", "--from", &url]).expect(0);
    assert!(why.stdout.contains("is held since"), "{}", why.stdout);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
}

#[test]
fn the_last_passes_are_told_across_restarts() {
    let stage = Stage::written();
    stage.product.a_day_later();
    stage.empty_nearly("Engineering");
    for _ in 0..2 {
        stage.product.run(&["apply"]).expect(3);
    }
    let text = stage.product.run(&["status"]).expect(0).stdout;
    assert!(text.contains("last passes\n"), "{text}");
    assert!(text.contains("Held: 0 changes done, 0 failed, 1 held"), "{text}");
    let status = stage.product.run(&["status", "--output", "json"]).expect(0).stdout;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let passes = status["lastPasses"].as_array().unwrap();
    let results: Vec<_> = passes.iter().map(|pass| pass["result"].as_str().unwrap()).collect();
    assert_eq!(results[..2], ["Held", "Held"], "{status:#}");
    for kind in ["Ready: no (GuardTripped)", "Held: yes (GuardTripped)", "Stalled: no, since "] {
        assert!(text.contains(kind), "{text}");
    }
}

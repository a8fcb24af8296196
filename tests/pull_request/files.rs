//! The workflow files: what they may do, and that they do it.

use std::fs;

use regex::Regex;
use serde_json::Value as Json;
use serde_yaml::Value;
use writeback::settings::Settings;

use crate::digests;
use crate::runner::{Runner, deploy, parsed};
use crate::stage::{EVERYTHING, Stage};

const GITHUB: [&str; 3] = ["writeback-plan.yaml", "writeback-apply.yaml", "writeback-promote.yaml"];

fn renamed() -> String {
    EVERYTHING
        .replace("commonName: { preset: DisplayNameAndId }", "commonName: { preset: GroupId }")
}

fn comments(runner: &Runner<'_>) -> Vec<String> {
    let all: Vec<Json> = serde_json::from_str(&runner.forge("comments.json")).unwrap();
    all.iter().map(|comment| comment["body"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_pull_request_is_planned_commented_and_applied_on_github() {
    let stage = Stage::written();
    stage.product.a_day_later();
    let runner = Runner::new(&stage);
    stage.product.policy("everything", &renamed());
    for _ in 0..2 {
        let ran = runner.github("writeback-plan.yaml").expect(0);
        stage.keeps_secrets(&format!("{}{}", ran.stdout, ran.stderr));
        assert!(!runner.leaves_credentials());
    }
    let told = comments(&runner);
    assert_eq!(told.len(), 1, "the comment is kept, not repeated: {told:?}");
    let (_, reviewed) = digests(&told[0]);

    // A stranger writes a comment that looks like it.
    let own: Vec<Json> = serde_json::from_str(&runner.forge("comments.json")).unwrap();
    let mut forged = own[0].clone();
    forged["user"]["login"] = "mallory".into();
    forged["body"] = told[0].replace(&reviewed, &"f".repeat(64)).into();
    runner.write_forge("comments.json", &serde_json::to_string(&[&own[0], &forged]).unwrap());

    stage.domain.clear_operations();
    let done = runner.github("writeback-apply.yaml").expect(0);
    assert!(done.stdout.contains("8 of 8 changes done"), "{}", done.stdout);
    // Nothing of the next change was reviewed.
    stage.product.a_day_later();
    stage.product.policy("everything", EVERYTHING);
    stage.domain.clear_operations();
    let refused = runner.github("writeback-apply.yaml").expect(2);
    assert!(refused.stderr.contains("the plan is not the expected one"), "{}", refused.stderr);
    assert!(stage.writes().is_empty());
    runner.write_forge("comments.json", "[]");
    let refused = runner.github("writeback-apply.yaml").expect(1);
    assert!(refused.stdout.contains("has no plan in a comment"), "{}", refused.stdout);
    assert!(stage.writes().is_empty());
}

#[test]
fn a_broken_policy_is_a_failed_check_without_a_comment() {
    let stage = Stage::written();
    let runner = Runner::new(&stage);
    stage.product.policy("everything", "  mode: Mirror");
    let ran = runner.github("writeback-plan.yaml").expect(5);
    assert!(
        format!("{}{}", ran.stdout, ran.stderr).contains("everything.yaml:5"),
        "{}",
        ran.stdout
    );
    assert!(comments(&runner).is_empty(), "nothing was said");
    assert!(!runner.leaves_credentials(), "also after a failure");
    runner.gitlab("writeback-plan").expect(5);
    assert!(!runner.leaves_credentials(), "also after a failure");
}

#[test]
fn a_daemon_is_given_what_was_reviewed_and_nothing_else() {
    let stage = Stage::written();
    stage.product.a_day_later();
    let mut daemon = stage.product.daemon();
    daemon.passes(1);
    let runner = Runner::new(&stage).with_daemon(&format!("http://{}", daemon.status));
    // The daemon goes on with what it was given: the checkout of the runner is another folder.
    let path = stage.product.path();
    fs::create_dir(path.join("proposed")).unwrap();
    let text = fs::read_to_string(path.join("policies/everything.yaml")).unwrap();
    let proposed =
        text.replace("commonName: { preset: DisplayNameAndId }", "commonName: { preset: GroupId }");
    stage.product.write("proposed/everything.yaml", &proposed);
    let plan = fs::read_to_string(path.join("plan.yaml")).unwrap();
    stage.product.write(
        "plan.yaml",
        &plan.replace("policies: { path: policies }", "policies: { path: proposed }"),
    );
    runner.github("writeback-plan.yaml").expect(0);
    let told = comments(&runner);
    assert!(!told[0].contains("Not computed"), "{}", told[0]);
    runner.github("writeback-promote.yaml").expect(0);
    assert_eq!(runner.forge("deployed"), format!("sha={}\nforce=false\n", "0".repeat(40)));
    runner.write_forge("deployed", "");
    stage.product.write(
        "proposed/everything.yaml",
        &proposed
            .replace("mode: Sync", "mode: UpsertOnly")
            .replace("GroupId }", "DisplayNameAndId }"),
    );
    let refused = runner.github("writeback-promote.yaml").expect(2);
    assert!(refused.stdout.contains("the plan is not the reviewed one"), "{}", refused.stdout);
    assert_eq!(runner.forge("deployed"), "");
    assert!(!runner.leaves_credentials());
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
}

#[test]
fn a_merge_request_is_planned_noted_and_applied_on_gitlab() {
    let stage = Stage::written();
    stage.product.a_day_later();
    let runner = Runner::new(&stage);
    stage.product.policy("everything", &renamed());
    for _ in 0..2 {
        runner.gitlab("writeback-plan").expect(0);
        assert!(!runner.leaves_credentials());
    }
    assert_eq!(comments(&runner).len(), 1);
    stage.domain.clear_operations();
    let done = runner.gitlab("writeback-apply").expect(0);
    assert!(done.stdout.contains("8 of 8 changes done"), "{}", done.stdout);
    stage.product.a_day_later();
    stage.product.policy("everything", EVERYTHING);
    stage.domain.clear_operations();
    runner.gitlab("writeback-apply").expect(2);
    assert!(stage.writes().is_empty());
}

#[test]
fn no_workflow_runs_what_a_stranger_proposes_or_holds_more_rights_than_it_uses() {
    let pinned = Regex::new("^actions/checkout@[0-9a-f]{40}$").unwrap();
    for name in GITHUB {
        let text = fs::read_to_string(deploy(&format!("github/{name}"))).unwrap();
        let file = parsed(&format!("github/{name}"));
        // YAML 1.1 reads the key `on` as true; serde_yaml keeps the word.
        let events: Vec<&str> =
            file["on"].as_mapping().unwrap().keys().filter_map(Value::as_str).collect();
        let is_plan = name == "writeback-plan.yaml";
        assert_eq!(events, [if is_plan { "pull_request" } else { "push" }], "{name}");
        let rights = file["permissions"].as_mapping().unwrap();
        let written: Vec<&str> = rights
            .iter()
            .filter(|(_, right)| right.as_str() == Some("write"))
            .filter_map(|(name, _)| name.as_str())
            .collect();
        let expected: &[&str] = match name {
            "writeback-plan.yaml" => &["id-token", "pull-requests"],
            "writeback-promote.yaml" => &["contents", "id-token"],
            _ => &[],
        };
        assert_eq!(written, expected, "{name}");
        let (_, job) = file["jobs"].as_mapping().unwrap().iter().next().unwrap();
        if is_plan {
            let only = "github.event.pull_request.head.repo.full_name == github.repository";
            assert_eq!(job["if"].as_str(), Some(only), "{name}");
        }
        // Only one action, by its commit, without its token left behind.
        for step in job["steps"].as_sequence().unwrap() {
            if let Some(action) = step["uses"].as_str() {
                assert!(pinned.is_match(action), "{name}: {action}");
                assert_eq!(step["with"]["persist-credentials"].as_bool(), Some(false), "{name}");
            }
            // What somebody else may choose reaches a shell as a variable, never as its text.
            let block = step["run"].as_str().unwrap_or_default();
            assert!(!block.contains("${{"), "{name}: {block}");
        }
        assert!(!text.lines().any(|line| line.trim_start().starts_with("pull_request_target")));
    }
    let file = parsed("gitlab/.gitlab-ci.yml");
    let rule = file["writeback-plan"]["rules"][0]["if"].as_str().unwrap();
    assert!(rule.contains("$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID"), "{rule}");
}

#[test]
fn the_configuration_of_the_plan_is_one() {
    let settings = Settings::load(&deploy("github/plan.yaml"));
    settings.unwrap_or_else(|mistakes| {
        let all: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        panic!("{}", all.join("\n"))
    });
}

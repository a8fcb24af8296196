//! The comment: what is in it, how long it gets, and that no name does anything in it.

use regex::Regex;
use uuid::Uuid;
use writeback::sim::domain::DomainOptions;
use writeback::sim::tenant;
use writeback::sim::world::{GroupKind, World, WorldGroup};

use crate::digests;
use crate::stage::{CONTAINER, EVERYTHING, Stage};

/// GitHub's limit, in characters.
const GITHUB_MAX: usize = 65_536;

fn comment(stage: &Stage, more: &[&str], code: i32) -> String {
    let line = [&["plan", "--output", "markdown"], more].concat();
    stage.product.run(&line).expect(code).stdout
}

#[test]
fn a_comment_has_counts_digests_changes_holds_and_what_was_not_computed() {
    let stage = Stage::small();
    let first = comment(&stage, &[], 2);
    let plan = stage.product.run(&["plan", "--output", "json"]).expect(2).stdout;
    let plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    let (digest, reviewed) = digests(&first);
    assert_eq!(
        (plan["digest"].as_str(), plan["reviewed"].as_str()),
        (Some(&*digest), Some(&*reviewed))
    );
    for part in [
        "### writeback plan of <code>corp</code>",
        "**23 changes wait (8 update, 8 create, 7 add_members",
        "8 create",
        "| waits | <code>everything</code> | <code>+ create  CN=Finance&#95;",
        "#### Findings",
        "#### Not computed without memory",
        "RollingWindow",
    ] {
        assert!(first.contains(part), "{part} is missing in\n{first}");
    }
    assert!(first.contains(&format!("| everything that waits | `{digest}` |")), "{first}");

    stage.product.run(&["apply"]).expect(0);
    stage.product.a_day_later();
    let quiet = comment(&stage, &[], 0);
    assert!(quiet.contains("**nothing waits"), "{quiet}");
    assert!(!quiet.contains("#### Changes") && !quiet.contains("Not computed"), "{quiet}");

    stage.empty_nearly("Engineering");
    stage.empty_nearly("Finance");
    let held = comment(&stage, &[], 3);
    for part in [
        "#### Held",
        "OneGroup of policy everything&#58; 5 members of one group would be removed",
        "```shell\nwriteback approve ",
        "| **held** | <code>everything</code> | <code>- member  Engineering&#95;",
    ] {
        assert!(held.contains(part), "{part} is missing in\n{held}");
    }
    let of_policy = comment(&stage, &["--policy", "everything"], 3);
    assert!(of_policy.starts_with("<!-- writeback-plan owner=corp policy=everything "));
}

/// Names that do something in one renderer or the other, if they can.
const HOSTILE: [&str; 14] = [
    "a | b | c",
    "`code` ``more``",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</code></pre><h1>big",
    "@everybody please",
    "closes #123 and !45 and %6",
    "two\n\n/close\n\n# title",
    "[click](https://evil.example)",
    "https://evil.example/x",
    "www.evil.example and me@evil.example",
    "--> out of the comment <!--",
    "**bold** _under_ ~~gone~~ $math$ :smile:",
    "turn\u{202e}ed\u{7}",
];

#[test]
fn no_name_does_anything_in_a_comment() {
    let stage = Stage::small();
    stage.tenant.edit(|cloud| {
        for (number, name) in (1_u128..).zip(HOSTILE) {
            let nickname = format!("hostile-{number}");
            let id = Uuid::from_u128(number);
            let mut group = WorldGroup::new(id, name, &nickname, GroupKind::Security);
            group.writeback_enabled = Some(true);
            group.description = Some(format!("of {name}"));
            cloud.create_group(group);
        }
    });
    let told = comment(&stage, &[], 2);
    let inside = Regex::new(r"(?s)<code>(.*?)</code>|<pre>(.*?)</pre>").unwrap();
    let entity = Regex::new("&#[0-9]+;").unwrap();
    for found in inside.captures_iter(&told) {
        let text = found.get(1).or(found.get(2)).unwrap().as_str();
        let left = entity.replace_all(text, "");
        let bad = |c: char| "<>&@#`|*_[]$~!:\"\\{}".contains(c);
        assert!(!left.contains(bad), "{text}");
        assert!(!left.to_lowercase().contains("www."), "{text}");
    }
    // What is outside is ours, word for word.
    let ours = inside.replace_all(&told, "");
    for word in ["evil", "everybody", "close", "script", "bold", "click", "turn", "title"] {
        assert!(!ours.contains(word), "{word} stands outside in\n{ours}");
    }
    // No row and no line was broken in two.
    let rows = told.lines().filter(|line| line.starts_with("| waits |"));
    assert!(rows.clone().count() > 40, "{told}");
    for row in rows {
        assert_eq!(row.matches('|').count(), 5, "{row}");
        assert!(row.ends_with(" |"), "{row}");
    }
    assert!(!told.contains(['\u{202e}', '\u{7}', '\r']));
    let starts = ["| ", "|-", "<!-- ", "#", "**", "```", "writeback ", "These", "*", "", "<pre>"];
    let preformatted = Regex::new(r"(?s)<pre>.*?</pre>").unwrap().replace_all(&told, "");
    for line in preformatted.lines() {
        assert!(
            starts.iter().any(|start| !start.is_empty() && line.starts_with(start))
                || line.is_empty(),
            "{line}"
        );
    }
}

#[test]
fn a_comment_of_a_large_plan_stays_below_the_limit_and_says_what_is_missing() {
    let world = World::generated(11, 300, 900);
    let stage = Stage::with(world, tenant::Options::default(), DomainOptions::default());
    let policy =
        EVERYTHING.replace("  mode: Sync", "  mode: Sync\n  selection: { writebackFlag: Ignore }");
    stage.product.policy("everything", &policy);
    let ran = stage.product.run(&["plan", "--output", "markdown"]);
    assert!([2, 3, 4].contains(&ran.code), "{}", ran.stderr);
    let told = ran.stdout;
    assert!(told.chars().count() < GITHUB_MAX && told.len() <= 60_000, "{}", told.len());
    assert!(told.len() > 40_000, "the room is used: {}", told.len());
    assert!(told.contains(" more changes are not shown"), "{}", &told[..2_000]);
    assert!(told.contains("#### Not computed without memory"), "the end is there, too");
    assert_eq!(told.matches("<pre>").count(), told.matches("</pre>").count());
    assert_eq!(told.matches("<code>").count(), told.matches("</code>").count());
    assert!(told.contains(CONTAINER.split(',').next().unwrap()));
}

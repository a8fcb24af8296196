//! The commands of the shipped binary between a simulated tenant and a simulated domain: exit
//! codes, what is printed where, what is refused, who may write.

#[path = "commands/offered.rs"]
mod offered;

use std::collections::BTreeMap;
use std::fs;

use crate::admin::a_day_later;
use crate::stage::{CONTAINER, EVERYTHING, PEOPLE, Stage};
use serde_json::Value;
use writeback::sim::domain::{self, OperationKind};
use writeback::sim::tenant::{Fault, Order, Where};
use writeback::sim::world::{GroupKind, World, WorldGroup};

/// The words after `digest` and `reviewed` in a plan's text.
fn digests(text: &str) -> [String; 2] {
    ["digest   ", "reviewed "].map(|title| {
        let found = text.lines().find_map(|line| line.strip_prefix(title));
        found.unwrap_or_else(|| panic!("no {title} in\n{text}")).to_owned()
    })
}

/// How many changes of each kind a plan's headline counts.
fn counted(text: &str) -> BTreeMap<String, usize> {
    let line = text.lines().next().unwrap();
    let inside = line.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
    let parts = inside.split(", ").filter_map(|part| part.split_once(' '));
    parts.map(|(count, kind)| (kind.to_owned(), count.parse().unwrap())).collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in\n{text}"))
}

#[test]
fn a_plan_writes_nothing_anywhere_and_says_that_changes_wait() {
    let stage = Stage::small();
    let before = stage.portraits();
    let plan = stage.product.run(&["plan"]).expect(2);
    assert_eq!(counted(&plan.stdout)["create"], 8, "{}", plan.stdout);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    assert_eq!(stage.portraits(), before);
    assert!(stage.product.journal().is_empty());
    assert!(!stage.product.path().join("state").exists(), "plan made a state directory");
    let posts = stage.tenant.requests().into_iter().filter(|seen| seen.method != "GET");
    assert!(posts.into_iter().all(|seen| seen.path.ends_with("/oauth2/v2.0/token")));
}

#[test]
fn a_plan_is_the_same_in_text_and_in_json_and_from_run_to_run() {
    let stage = Stage::written();
    let finance = stage.id("Finance");
    stage.cloud(|cloud| cloud.rename_group(finance, "Finance & Controlling"));
    stage.take_out("Engineering", &["Grace Hopper"]);
    stage.put_in("Board", &["Ada Lovelace", "Tony Hoare"]);
    let text = stage.product.run(&["plan"]).expect(2).stdout;
    assert_eq!(stage.product.run(&["plan"]).expect(2).stdout, text);
    let plan = json(&stage.product.run(&["plan", "--output", "json"]).expect(2).stdout);
    let [digest, reviewed] = digests(&text);
    assert_eq!(
        (plan["digest"].as_str().unwrap(), plan["reviewed"].as_str().unwrap()),
        (digest.as_str(), reviewed.as_str())
    );
    assert_eq!(plan["complete"], true);
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for change in plan["changes"].as_array().unwrap() {
        assert_eq!(change["admission"], "Admitted", "{change}");
        *kinds.entry(change["kind"].as_str().unwrap().to_owned()).or_default() += 1;
        let label = change["label"].as_str().unwrap();
        assert!(text.contains(label), "{label} is not in\n{text}");
        assert!(text.contains(change["cause"].as_str().unwrap()), "{change}\n{text}");
    }
    let mut in_text = counted(&text);
    in_text.retain(|kind, _| kind != "findings");
    assert_eq!(in_text, kinds, "{text}");
    assert!(text.contains("grace.hopper") && text.contains("Finance & Controlling"), "{text}");
}

#[test]
fn apply_does_what_the_plan_said_and_then_nothing_waits() {
    let stage = Stage::small();
    let planned = stage.product.run(&["plan"]).expect(2).stdout;
    // Nobody remembers anything yet, and the plan says what that costs.
    let (planned, lacking) = planned.split_once("\nnot computed").unwrap();
    assert!(lacking.contains("RollingWindow"), "{lacking}");
    let applied = stage.product.run(&["apply"]).expect(0).stdout;
    assert!(applied.starts_with(planned), "{planned}\n---\n{applied}");
    assert_eq!(stage.held(), stage.wanted());
    stage.journal_announces_every_write();
    let plan = stage.product.run(&["plan"]).expect(0).stdout;
    assert!(plan.starts_with("nothing waits"), "{plan}");
    stage.domain.clear_operations();
    for _ in 0..10 {
        stage.product.run(&["apply"]).expect(0);
    }
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
}

#[test]
fn what_is_not_ours_stays_byte_for_byte() {
    let stage = Stage::small();
    let before = stage.portraits();
    stage.product.run(&["apply"]).expect(0);
    let after = stage.portraits();
    for (dn, portrait) in before {
        assert_eq!(after[&dn], portrait, "{dn}");
    }
}

#[test]
fn what_waits_is_2_what_is_held_is_3_what_is_unread_is_4_what_is_invalid_is_5() {
    let stage = Stage::written();
    a_day_later(&stage.product);
    stage.product.run(&["plan"]).expect(0);
    stage.put_in("Board", &["Ada Lovelace"]);
    stage.product.run(&["plan"]).expect(2);
    stage.empty_nearly("All Employees");
    let held = stage.product.run(&["plan"]).expect(3).stdout;
    assert!(held.contains("OneGroup") && held.contains("the limit is"), "{held}");
    let finance = stage.id("Finance");
    let unreadable = || {
        let fault = Fault::NullWitness("user".to_owned());
        stage.tenant.order(Order::always(Where::MembersOf(finance), fault));
    };
    unreadable();
    stage.product.run(&["plan"]).expect(4);
    stage.product.write("policies/broken.yaml", "kind: Nonsense\n");
    let invalid = stage.product.run(&["plan"]).expect(5);
    assert!(invalid.stderr.contains("policies/broken.yaml:1:"), "{}", invalid.stderr);
    assert!(invalid.stdout.contains("ada.lovelace"), "the good policy goes on: {}", invalid.stdout);
    fs::remove_file(stage.product.path().join("policies/broken.yaml")).unwrap();

    // A refused write stands before an unread group, which stands before a hold.
    let refuse = || {
        let fault = domain::Order::new(domain::Where::Write, domain::Fault::InsufficientAccess);
        stage.domain.order(fault.times(50));
    };
    refuse();
    let refused = stage.product.run(&["apply"]).expect(1);
    assert!(refused.stdout.contains("refused: "), "{}", refused.stdout);
    stage.product.write("policies/broken.yaml", "kind: Nonsense\n");
    stage.product.run(&["apply"]).expect(5);
    fs::remove_file(stage.product.path().join("policies/broken.yaml")).unwrap();
    stage.domain.cancel_orders();

    // What may go on goes on.
    stage.product.run(&["apply"]).expect(4);
    assert!(stage.held()[&format!("Group_{}", stage.id("Board"))].1.contains("ada.lovelace"));
    stage.tenant.clear_orders();
    stage.product.run(&["apply"]).expect(3);
    assert_eq!(stage.held()[&format!("Group_{}", stage.id("All Employees"))].1.len(), 12);
    stage.product.run(&["plan", "--no-such-option"]).expect(64);
    assert_eq!(stage.removals(), (0, 0));
}

#[test]
fn the_answer_of_validate_is_0_or_5_and_needs_no_network() {
    let stage = Stage::small();
    let good = stage.product.run(&["validate"]).expect(0);
    assert!(good.stdout.contains("2 documents are valid, 0 mistakes"), "{}", good.stdout);
    stage.product.write("policies/typo.yaml", "apiVersion: writeback/v1alpha1\nknid: Policy\n");
    let bad = stage.product.run(&["validate"]).expect(5);
    assert!(bad.stdout.contains("policies/typo.yaml:2:1: "), "{}", bad.stdout);
    let one = stage.product.run(&["validate", "policies/everything.yaml"]).expect(0);
    assert!(one.stdout.contains("1 documents are valid"), "{}", one.stdout);
    stage.product.run(&["validate", "policies/typo.yaml", "policies/everything.yaml"]).expect(5);
    stage.product.run(&["validate", "writeback.yaml"]).expect(0);
    stage.product.run(&["validate", "nowhere.yaml"]).expect(5);
    assert!(stage.tenant.requests().is_empty() && stage.domain.operations().is_empty());
}

#[test]
fn apply_writes_only_the_expected_plan() {
    let stage = Stage::small();
    let [digest, _] = digests(&stage.product.run(&["plan"]).expect(2).stdout);
    for wrong in ["0123456789abcdef", &digest[..11], &digest.replace(&digest[..1], "g"), ""] {
        let refused = stage.product.run(&["apply", "--expect", wrong]).expect(2);
        assert!(refused.stderr.contains("nothing is written"), "{}", refused.stderr);
        assert!(stage.writes().is_empty(), "{wrong}");
        let journal = stage.product.journal();
        assert!(journal.iter().all(|line| line["kind"] == "opened"), "{wrong}: {journal:#?}");
    }
    stage.product.run(&["apply", "--expect", &digest[..12]]).expect(0);
    assert_eq!(stage.held(), stage.wanted());

    // Another member waits: the plan is another one, what needs review is the same.
    stage.take_out("Engineering", &["Grace Hopper"]);
    stage.put_in("Board", &["Alan Turing"]);
    let [before, reviewed] = digests(&stage.product.run(&["plan"]).expect(2).stdout);
    stage.put_in("Board", &["Ada Lovelace"]);
    let [after, same] = digests(&stage.product.run(&["plan"]).expect(2).stdout);
    assert_ne!(before, after);
    assert_eq!(reviewed, same);
    stage.product.run(&["apply", "--expect", &before]).expect(2);
    stage.product.run(&["apply", "--expect", &reviewed]).expect(0);
    assert_eq!(stage.held(), stage.wanted());
    stage.put_in("Board", &["Tony Hoare"]);
    let [whole, _] = digests(&stage.product.run(&["plan"]).expect(2).stdout);
    stage.product.run(&["apply", "--expect", &whole.to_uppercase()]).expect(0);
    assert_eq!(stage.held(), stage.wanted());
}

#[test]
fn one_policy_can_be_planned_and_applied_alone() {
    let stage = Stage::small();
    let only = |pattern: &str| {
        let selection =
            format!("  mode: Sync\n  selection: {{ include: [{{ displayName: '{pattern}' }}] }}");
        EVERYTHING.replacen("  mode: Sync", &selection, 1)
    };
    fs::remove_file(stage.product.path().join("policies/everything.yaml")).unwrap();
    stage.product.policy("finance", &only("^Finance$"));
    stage.product.policy("engineering", &only("^Engineering$"));
    let both = stage.product.run(&["plan"]).expect(2).stdout;
    assert_eq!(counted(&both)["create"], 2);
    let one = stage.product.run(&["plan", "--policy", "finance"]).expect(2).stdout;
    assert_eq!(counted(&one)["create"], 1);
    assert_ne!(digests(&one)[0], digests(&both)[0]);
    stage.product.run(&["apply", "--policy", "finance", "--expect", &digests(&one)[0]]).expect(0);
    let names: Vec<_> = stage.held().into_values().map(|(name, _)| name).collect();
    assert_eq!(names, ["Finance"]);
    stage.product.run(&["plan", "--policy", "finance"]).expect(0);
    stage.product.run(&["plan"]).expect(2);
    let unknown = stage.product.run(&["plan", "--policy", "payroll"]).expect(5);
    assert!(unknown.stderr.contains("payroll"), "{}", unknown.stderr);
    stage.product.run(&["apply", "--policy", "Not A Name"]).expect(64);
}

#[test]
fn a_plan_can_go_to_a_file() {
    let stage = Stage::small();
    let shown = stage.product.run(&["plan"]).expect(2).stdout;
    let to_file = stage.product.run(&["plan", "--out", "plan.txt"]).expect(2);
    assert_eq!(to_file.stdout, "");
    assert_eq!(fs::read_to_string(stage.product.path().join("plan.txt")).unwrap(), shown);
    stage.product.run(&["plan", "--output", "json", "--out", "plan.json"]).expect(2);
    let plan = json(&fs::read_to_string(stage.product.path().join("plan.json")).unwrap());
    assert_eq!(plan["digest"].as_str().unwrap(), digests(&shown)[0]);
    let nowhere = stage.product.run(&["plan", "--out", "no/such/folder/plan.txt"]).expect(1);
    assert!(nowhere.stderr.contains("no/such/folder/plan.txt"), "{}", nowhere.stderr);
}

#[test]
fn one_writer_at_a_time() {
    let stage = Stage::small();
    let mut daemon = stage.product.daemon();
    daemon.passes(1);
    let held = format!("another writeback holds it (process {})", daemon.id());
    let refused = stage.product.run(&["run"]).expect(1);
    assert!(refused.stderr.contains(&held), "{}", refused.stderr);
    assert_eq!(refused.stdout, "");
    // A pass is asked of the daemon; where it cannot be asked there is none.
    stage.product.run(&["apply"]).expect(0);
    std::fs::remove_file(stage.product.path().join("state/admin.sock")).unwrap();
    let refused = stage.product.run(&["apply"]).expect(1);
    assert!(refused.stderr.contains(&held), "{}", refused.stderr);
    assert_eq!(refused.stdout, "");
    // A plan writes nothing and needs no lock.
    stage.product.run(&["plan"]).expect(0);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    stage.product.run(&["apply"]).expect(0);
}

#[test]
fn status_without_a_daemon_says_how_to_start_one() {
    let stage = Stage::small();
    let absent = stage.product.run(&["status"]).expect(1);
    assert!(absent.stderr.contains("http.status") && absent.stderr.contains("writeback run"));
    assert_eq!(absent.stdout, "");
}

#[test]
fn the_demonstration_tells_its_story_and_ends_well() {
    let stage = Stage::small();
    let demo = stage.product.run(&["demo", "--once"]).expect(0);
    let scenes: Vec<_> = demo.stdout.split("--- scene ").skip(1).collect();
    assert_eq!(scenes.len(), 6, "{}", demo.stdout);
    let lines = |scene: usize, start: &str| {
        let lines = scenes[scene].lines().map(str::trim_start);
        lines.filter(|line| line.starts_with(start)).count()
    };
    assert_eq!(lines(0, "+ create"), 8, "{}", scenes[0]);
    assert_eq!(lines(1, "~ rename"), 1, "{}", scenes[1]);
    assert_eq!(lines(2, "+ member"), 1, "{}", scenes[2]);
    // The hand-made edit: a stranger goes, Ada comes back, the Board has its name again.
    assert!(lines(3, "- member") == 1 && scenes[3].contains("mallory"), "{}", scenes[3]);
    assert!(lines(3, "+ member") == 1 && scenes[3].contains("ada.lovelace"), "{}", scenes[3]);
    assert!(lines(3, "~ rename") == 1 && scenes[3].contains("The Board"), "{}", scenes[3]);
    for scene in &scenes[..4] {
        let outcome = scene.lines().find(|line| line.ends_with("changes done")).unwrap();
        let (done, of) = outcome.split_once(" of ").unwrap();
        assert_eq!(of, format!("{done} changes done"), "{scene}");
    }
    assert!(scenes[4].contains("held") && scenes[4].contains("11 members of one group"));
    assert!(!scenes[4].contains("changes done"), "{}", scenes[4]);
    assert!(scenes[5].contains("nothing waits"), "{}", scenes[5]);
}

#[test]
fn stdout_carries_data_and_nothing_else() {
    let stage = Stage::small();
    let plan = stage.product.run(&["plan", "--output", "json", "-vv"]).expect(2);
    assert_eq!(json(&plan.stdout)["kind"], "Plan");
    assert!(!plan.stderr.is_empty(), "the log goes to stderr");
    stage.keeps_secrets(&plan.stderr);
    stage.keeps_secrets(&plan.stdout);
    stage.product.write("policies/broken.yaml", "nonsense");
    let plan = stage.product.run(&["plan", "--output", "json"]).expect(5);
    assert_eq!(json(&plan.stdout)["kind"], "Plan");
    let none = stage.product.run(&["plan", "--policy", "nobody"]).expect(5);
    assert_eq!(none.stdout, "");
}

#[test]
fn hostile_names_never_reach_the_terminal_as_they_are() {
    let mut world = World::small(7);
    let hostile = [
        "Red \u{1b}[31mAlert\u{7}",
        "Turn \u{202e}txt.exe",
        "Two\nLines\r",
        "Mark\u{200f}",
        "C1 \u{9b}2J",
        "Quote\"Comma,Plus+Back\\slash#;<>=",
        "(cn=*)",
        "\u{1f680} Rocket",
        " lead and trail ",
    ];
    for (number, name) in hostile.into_iter().enumerate() {
        let id = uuid::Uuid::from_u128(0x1000 + number as u128);
        let nickname = format!("hostile-{number}");
        let member = world.people[number].id;
        world.groups.push(WorldGroup {
            description: Some(name.to_owned()),
            members: vec![member],
            ..WorldGroup::new(id, name, &nickname, GroupKind::Microsoft365)
        });
    }
    let stage = Stage::of(world);
    stage.product.policy("everything", EVERYTHING);
    let harmless = |text: &str| {
        let bad = text.chars().find(|c| {
            (c.is_control() && *c != '\n')
                || ('\u{202a}'..='\u{202e}').contains(c)
                || *c == '\u{200f}'
        });
        assert_eq!(bad, None, "{text:?}");
    };
    let plan = stage.product.run(&["plan"]).expect(2);
    let as_json = stage.product.run(&["plan", "--output", "json"]).expect(2);
    let applied = stage.product.run(&["apply", "-v"]);
    for text in [&plan.stdout, &plan.stderr, &as_json.stderr, &applied.stdout, &applied.stderr] {
        harmless(text);
    }
    // JSON keeps the names for programs, but escaped (RFC 8259 7 lets C1 and marks stand).
    assert!(!as_json.stdout.contains('\u{1b}') && !as_json.stdout.contains('\u{7}'));
    let changes = json(&as_json.stdout)["changes"].to_string();
    assert!(changes.contains("Red "), "{changes}");
    // Whoever could be written was written where it belongs.
    applied.expect(0);
    assert_eq!(stage.held().len(), 8 + hostile.len());
    assert!(stage.owned().iter().all(|entry| entry.dn.ends_with(CONTAINER)));
    let people = stage.domain.dump().into_iter().filter(|entry| entry.dn.ends_with(PEOPLE));
    assert_eq!(people.count(), 1 + 12 + 1, "nobody else was touched");
    stage.product.run(&["plan"]).expect(0);
    let adds = stage.writes().into_iter().filter(|write| write.kind == OperationKind::Add).count();
    assert_eq!(adds, 8 + hostile.len());
}

#[test]
fn no_output_and_no_file_holds_a_secret() {
    let stage = Stage::small();
    stage.put_in("Board", &["Ada Lovelace"]);
    for line in [
        ["validate"].as_slice(),
        &["plan", "-vvvv"],
        &["plan", "--output", "json"],
        &["apply", "-vvvv", "--log-format", "json"],
        &["status"],
    ] {
        let ran = stage.product.run(line);
        stage.keeps_secrets(&ran.stdout);
        stage.keeps_secrets(&ran.stderr);
    }
    let files = fs::read_dir(stage.product.path().join("state")).unwrap();
    for file in files {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        stage.keeps_secrets(&String::from_utf8_lossy(&bytes));
    }
}

//! `explain` of the shipped binary, in every situation that somebody asks about: its whole text is
//! held to `tests/explain/*.txt`.
//!
//! Ids, objectGUIDs, SIDs, times and the folder of the test are replaced by words. With
//! `WRITEBACK_BLESS=1` the texts are written, for a person to read before they are kept.

#![cfg(feature = "sim")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    dead_code,
    reason = "a failed unwrap is the failed test, and the support is open to all stories"
)]

#[path = "support/product.rs"]
mod product;
#[path = "support/stage.rs"]
mod stage;

use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::Value;
use uuid::Uuid;
use writeback::sim::tenant::{Fault, Order, Where};
use writeback::sim::world::{GroupKind, World, WorldGroup};

use product::Product;
use stage::{CONTAINER, EVERYTHING, PEOPLE, Stage};

/// Two policies: one takes what has to do with payroll, the other everything but what is left out.
const PAYROLL: &str = "  mode: Sync
  precedence: 50
  selection:
    include:
      - types: [Microsoft365]
        displayName: '^APP-'
      - types: [Security]
        displayName: '^APP-Payroll-'
  group:
    container: { value: 'OU=Cloud Groups,DC=corp,DC=example', mode: Always }
    commonName: { preset: DisplayNameAndId }";
const REST: &str = "  mode: Sync
  selection:
    exclude:
      - displayName: '^VPN '
  group:
    container:
      rules:
        - when: \"group.displayName.startsWith('Fin')\"
          value: 'OU=Cloud Groups,DC=corp,DC=example'
        - value: 'OU=Cloud Groups,DC=corp,DC=example'
    commonName: { expression: \"group.displayName + '-' + group.mailNickname\" }";

/// What is said, with words in the place of what differs from run to run.
fn settled(stage: &Stage, product: &Product, text: &str) -> String {
    let mut text = text.replace(&product.path().display().to_string(), "…");
    for group in stage.tenant.cloud().groups() {
        let id = group.id.to_string();
        text = text.replace(&id, &format!("<{}>", group.display_name));
        let tail = &id[id.len() - 12..];
        text = text.replace(tail, &format!("<tail of {}>", group.display_name));
    }
    for entry in stage.domain.dump() {
        let name = entry.dn.split(',').next().unwrap_or_default().to_owned();
        text = text.replace(&entry.guid.to_string(), &format!("<object {name}>"));
    }
    let patterns = [
        (r"S-1-5-21-[0-9-]+", "<SID>"),
        (r"\d{4}-\d{2}-\d{2}T[0-9:.]+Z", "<time>"),
        (r"`writeback approve [0-9a-f]{12}`", "`writeback approve <digest>`"),
    ];
    for (pattern, word) in patterns {
        text = Regex::new(pattern).unwrap().replace_all(&text, word).into_owned();
    }
    text
}

#[expect(clippy::disallowed_methods, reason = "who runs the tests says what of them")]
fn blesses() -> bool {
    std::env::var("WRITEBACK_BLESS").is_ok_and(|value| !value.is_empty())
}

/// Holds what `explain` says of `subject` to the file of this name.
#[track_caller]
fn says(stage: &Stage, name: &str, subject: &[&str], code: i32) {
    says_of(stage, &stage.product, name, subject, code);
}

#[track_caller]
fn says_of(stage: &Stage, product: &Product, name: &str, subject: &[&str], code: i32) {
    let ran = product.run(&[&["explain"], subject].concat()).expect(code);
    let told = settled(stage, product, &format!("{}{}", ran.stdout, ran.stderr));
    stage.keeps_secrets(&told);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/explain/{name}.txt"));
    if blesses() {
        fs::write(&file, &told).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(told, expected, "{}", file.display());
}

fn json(ran: &str) -> Value {
    serde_json::from_str(ran).unwrap_or_else(|error| panic!("{error} in\n{ran}"))
}

/// The small world under two policies, nothing written yet.
fn two_policies() -> Stage {
    let stage = Stage::of(World::small(7));
    stage.product.policy("payroll", PAYROLL);
    stage.product.policy("rest", REST);
    stage
}

#[test]
fn what_is_not_written_yet_says_which_policy_takes_it_and_which_entry() {
    let stage = two_policies();
    says(&stage, "awaited-by-the-stronger-policy", &["APP-Payroll-Admins"], 0);
    says(&stage, "awaited-by-a-rule-for-its-place", &["Finance"], 0);
    says(&stage, "excluded", &["VPN Users"], 0);
    let contractors = stage.id("Contractors");
    stage.cloud(|cloud| cloud.set_flag(contractors, None, None));
    says(&stage, "flag-off", &["Contractors"], 0);
}

#[test]
fn a_written_group_says_where_it_stands_and_who_is_in_it() {
    let stage = two_policies();
    stage.product.run(&["apply"]).expect(0);
    stage.put_in("APP-Payroll-Admins", &["Tony Hoare"]);
    stage.product.run(&["apply"]).expect(0);
    says(&stage, "written", &["APP-Payroll-Users"], 0);
    says(&stage, "direct-member", &["Finance", "ada.lovelace@corp.example"], 0);
    says(&stage, "nested-path", &["APP-Payroll-Users", "tony.hoare"], 0);
    let account = stage.account_dn("Grace Hopper");
    says(&stage, "in-neither", &["Finance", &account], 0);
    // Every word for a group and for a person means the same.
    let (group, person) = (stage.id("Finance").to_string(), stage.person("Ada Lovelace"));
    let dn = stage.dn("Finance");
    let cn = dn.split(',').next().unwrap().trim_start_matches("CN=");
    let first = stage.product.run(&["explain", &group, &person.to_string()]).expect(0).stdout;
    for (one, other) in [
        ("finance", "ADA.LOVELACE@corp.example"),
        (cn, "ada.lovelace"),
        (&dn, "CORP\\ada.lovelace"),
        (&format!("Group_{group}"), &stage.account_dn("Ada Lovelace")),
    ] {
        let same = stage.product.run(&["explain", one, other]).expect(0).stdout;
        assert_eq!(same, first, "{one} {other}");
    }
}

#[test]
fn a_flattened_group_says_so() {
    let stage = Stage::of(World::small(7));
    let flat = format!("{EVERYTHING}\n  members: {{ nested: Flatten }}");
    stage.product.policy("everything", &flat);
    stage.put_in("APP-Payroll-Admins", &["Tony Hoare"]);
    stage.product.run(&["apply"]).expect(0);
    says(&stage, "flattened", &["APP-Payroll-Users", "tony.hoare"], 0);
}

#[test]
fn somebody_without_an_account_is_left_out_with_the_reason() {
    let stage = Stage::small();
    let person = stage.person("Hedy Lamarr");
    stage.cloud(|cloud| cloud.set_link(person, None));
    // Whom no pass has seen without a link counts as one that lost it.
    says(&stage, "link-lost", &["Engineering", "hedy.lamarr@corp.example"], 0);
    stage.product.run(&["apply"]).expect(0);
    says(&stage, "no-counterpart", &["Engineering", "hedy.lamarr@corp.example"], 0);
}

#[test]
fn a_name_that_is_taken_is_told_with_the_name() {
    let stage = two_policies();
    stage.domain.edit(|tree| {
        tree.add_group("Finance-finance", CONTAINER, "other", -2_147_483_646).unwrap();
    });
    says(&stage, "name-taken", &["Finance"], 0);
}

#[test]
fn a_held_removal_says_why_and_what_passes_it() {
    let stage = Stage::written();
    stage.product.a_day_later();
    stage.empty_nearly("Engineering");
    stage.product.run(&["apply"]).expect(3);
    let gone = "ken.thompson";
    says(&stage, "held-removal", &["Engineering", gone], 0);
    let told = stage.product.run(&["explain", "Engineering", gone, "--output", "json"]);
    let told = json(&told.expect(0).stdout);
    assert_eq!(told["state"], "Written");
    assert_eq!(told["person"]["belonging"], "DirectoryOnly");
    let held: Vec<_> = told["changes"].as_array().unwrap().iter().collect();
    assert_eq!(held[0]["admission"], "Held");
    assert!(held[0]["heldSince"].is_string(), "{told:#}");
}

#[test]
fn somebody_who_leaves_is_told_when_access_ends_and_what_keeps_it() {
    let stage = Stage::written();
    stage.product.a_day_later();
    stage.take_out("VPN Users", &["Grace Hopper"]);
    says(&stage, "leaves", &["VPN Users", "grace.hopper"], 0);
    // Two ways in: out of one, and in through the other.
    stage.put_in("APP-Payroll-Admins", &["Ada Lovelace"]);
    stage.product.run(&["apply"]).expect(0);
    stage.product.a_day_later();
    stage.take_out("APP-Payroll-Users", &["Ada Lovelace"]);
    says(&stage, "leaves-and-stays", &["APP-Payroll-Users", "ada.lovelace"], 0);
}

#[test]
fn whoever_is_kept_by_the_policy_is_told_so() {
    let stage = Stage::of(World::small(7));
    let keep = format!("{EVERYTHING}\n  members: {{ keep: ['CN=Mallory,{PEOPLE}'] }}");
    stage.product.policy("everything", &keep);
    stage.product.run(&["apply"]).expect(0);
    let (group, account) = (stage.dn("Finance"), format!("CN=Mallory,{PEOPLE}"));
    stage.domain.edit(|tree| tree.add_member(&group, &account).unwrap());
    says(&stage, "kept", &["Finance", "mallory"], 0);
}

#[test]
fn whoever_stays_because_of_somebody_elses_lost_link_is_told_so() {
    let mut world = World::small(7);
    let hedy = world.people.iter().find(|person| person.display_name == "Hedy Lamarr").unwrap().id;
    for group in &mut world.groups {
        group.members.retain(|member| *member != hedy);
    }
    let stage = Stage::of(world);
    stage.product.policy("everything", EVERYTHING);
    stage.product.run(&["apply"]).expect(0);
    let (group, account) = (stage.dn("Engineering"), format!("CN=Mallory,{PEOPLE}"));
    stage.domain.edit(|tree| tree.add_member(&group, &account).unwrap());
    let why = "Nothing is removed from it now: ";
    let told = stage.product.run(&["explain", "Engineering", "mallory"]).expect(0).stdout;
    assert!(!told.contains(why), "{told}");
    // No pass has ever seen whom she leads to: it may be anybody who is in the group.
    stage.cloud(|cloud| cloud.set_link(hedy, None));
    stage.put_in("Engineering", &["Hedy Lamarr"]);
    let told = stage.product.run(&["explain", "Engineering", "mallory"]).expect(0).stdout;
    assert!(told.contains("not in the cloud group"), "{told}");
    assert!(told.contains(why) && told.contains("the object of hedy.lamarr"), "{told}");
}

#[test]
fn a_group_that_left_says_why_it_stays_as_it_is_and_since_when() {
    let stage = Stage::written();
    let id = stage.id("Contractors");
    stage.cloud(|cloud| cloud.set_flag(id, Some(false), None));
    stage.product.run(&["apply"]).expect(0);
    says(&stage, "frozen", &["Contractors", "tony.hoare"], 0);
    let delete = format!("{EVERYTHING}\n  deletion: {{ onDisabled: Delete }}");
    stage.product.policy("everything", &delete);
    says(&stage, "ending", &["Contractors"], 0);
    stage.cloud(|cloud| cloud.soft_delete_group(id));
    says(&stage, "soft-deleted", &[&id.to_string()], 0);
}

#[test]
fn a_policy_that_only_observes_or_rests_says_so() {
    let stage = Stage::of(World::small(7));
    stage.product.policy("everything", &EVERYTHING.replace("Sync", "Observe"));
    says(&stage, "observed", &["Finance"], 0);
    stage.product.policy("everything", &format!("{EVERYTHING}\n  suspend: true"));
    says(&stage, "suspended", &["Finance"], 0);
    let equal = EVERYTHING.replace("commonName: { preset: DisplayNameAndId }", "type: FromCloud");
    stage.product.policy("everything", EVERYTHING);
    stage.product.policy("twin", &equal);
    says(&stage, "equal-precedence", &["Finance"], 0);
}

#[test]
fn what_can_never_be_written_says_why() {
    let stage = Stage::small();
    let hidden = WorldGroup {
        visibility: Some("HiddenMembership".to_owned()),
        ..WorldGroup::new(Uuid::from_u128(1), "Secret Circle", "secret", GroupKind::Microsoft365)
    };
    let list =
        WorldGroup::new(Uuid::from_u128(2), "Old List", "old-list", GroupKind::DistributionList);
    stage.tenant.edit(|cloud| {
        cloud.create_group(hidden);
        cloud.create_group(list);
    });
    says(&stage, "hidden-membership", &["Secret Circle"], 0);
    says(&stage, "distribution-list", &["Old List"], 0);
}

#[test]
fn a_foreign_group_of_the_same_mark_is_told() {
    let stage = Stage::small();
    let id = stage.id("Finance");
    stage.domain.edit(|tree| {
        let dn = tree.add_group("Theirs", CONTAINER, "theirs", -2_147_483_640).unwrap();
        tree.set(&dn, "adminDescription", &[&format!("Group_{id}")]).unwrap();
    });
    says(&stage, "foreign", &["Finance"], 0);
}

#[test]
fn a_read_that_was_not_whole_is_told_and_ends_with_four() {
    let stage = Stage::written();
    let id = stage.id("Finance");
    stage.tenant.order(Order::always(Where::MembersOf(id), Fault::Html200));
    let ran = stage.product.run(&["explain", "Finance", "ada.lovelace"]).expect(4);
    assert!(ran.stdout.contains("Not enough is known of it in this pass"), "{}", ran.stdout);
    assert!(ran.stdout.contains("was not found in the cloud group"), "{}", ran.stdout);
    let ran = stage.product.run(&["explain", "Finance", "--output", "json"]).expect(4);
    let told = json(&ran.stdout);
    assert_eq!((&told["state"], &told["complete"]), (&"Unknown".into(), &false.into()));
    stage.domain.set_deaf(true);
    stage.product.run(&["explain", "Finance"]).expect(4);
}

#[test]
fn a_name_that_nobody_has_is_refused_with_those_that_come_near() {
    let stage = Stage::small();
    let twin = WorldGroup::new(Uuid::from_u128(3), "Finance", "finance2", GroupKind::Security);
    says(&stage, "unknown-group", &["Finanse"], 64);
    says(&stage, "unknown-person", &["Finance", "ada.lovelac"], 64);
    says(&stage, "unknown-at-all", &["Finance", "nobody@nowhere.example"], 64);
    stage.tenant.edit(|cloud| cloud.create_group(twin));
    let ran = stage.product.run(&["explain", "Finance"]).expect(64);
    assert!(ran.stderr.contains("several are called `Finance`"), "{}", ran.stderr);
    stage.product.run(&["explain"]).expect(64);
    stage.product.run(&["explain", "a", "b", "c"]).expect(64);
    assert!(stage.writes().is_empty());
}

#[test]
fn hostile_names_are_shown_harmlessly() {
    let stage = Stage::small();
    let id = stage.id("Board");
    stage.cloud(|cloud| cloud.rename_group(id, "a\u{1b}[2Jb\nc\u{202e}d"));
    let ran = stage.product.run(&["explain", &id.to_string()]).expect(0);
    assert!(!ran.stdout.contains(['\u{1b}', '\u{202e}']), "{}", ran.stdout);
    let first = ran.stdout.lines().next().unwrap();
    assert!(first.contains(&id.to_string()), "one line for one sentence: {first}");
}

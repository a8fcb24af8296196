//! An estate on which nothing is wrong: facts, the two forms, the recommended policy, and that
//! nothing is written.

use std::fs;

use serde_json::{Value, json};
use writeback::sim::world::TenantFacts;

use crate::stage::{CONTAINER, EVERYTHING};
use crate::{assert_found, clean_stage, discovery, grant};

#[test]
fn a_clean_estate_finds_nothing() {
    let stage = clean_stage();
    let found = discovery(&stage.product, 0);
    assert_found(&found, &[]);
    assert_eq!(found["complete"], true);
    let tenant = &found["facts"]["tenant"];
    assert_eq!(tenant["name"], "Corp Example");
    assert_eq!(tenant["licence"], "Entra ID P1");
    assert_eq!(tenant["synchronisesWithADirectory"], true);
    assert_eq!(tenant["microsoftWritebackVersion1"], false);
    assert_eq!(tenant["microsoftWritebackVersion2"], false);
    assert_eq!(tenant["newMicrosoft365GroupsAreWrittenBack"], true);
    assert_eq!(tenant["neededRights"], json!(["Group.Read.All", "User.Read.All"]));
    let groups = &found["facts"]["cloudGroups"];
    assert_eq!((&groups["all"], &groups["microsoft365"]), (&json!(8), &json!(4)));
    assert_eq!(groups["microsoft365WithWritebackNotSet"], 4);
    assert_eq!(groups["securityWithWritebackOn"], 4);
    let domain = &found["facts"]["domain"];
    assert_eq!(domain["domainController"], "dc1.corp.example");
    assert_eq!(domain["domainControllersOfTheForest"], json!(["dc1.corp.example"]));
    assert_eq!(domain["domainsOfTheForest"], json!(["DC=corp,DC=example"]));
    assert_eq!(domain["domainFunctionalLevel"], "Windows Server 2016");
    assert_eq!(domain["recycleBin"], true);
    assert!(domain["preparedForExchange"].as_str().unwrap().starts_with("yes"), "{domain}");
    let anchors = ["adminDescription", "extensionName", "msDS-ExternalDirectoryObjectId"];
    assert_eq!(domain["anchorAttributes"], json!(anchors));
    assert_eq!(found["facts"]["containers"][CONTAINER], "there, groups can be created");
}

#[test]
fn nothing_is_written_anywhere() {
    let stage = clean_stage();
    let before = stage.portraits();
    stage.product.run(&["discover"]).expect(0);
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    assert_eq!(stage.portraits(), before);
    assert!(!stage.product.path().join("state").exists(), "discover made a state directory");
    let posts = stage.tenant.requests().into_iter().filter(|seen| seen.method != "GET");
    assert!(posts.into_iter().all(|seen| seen.path.ends_with("/oauth2/v2.0/token")));
}

#[test]
fn a_written_estate_is_clean_too() {
    let stage = clean_stage();
    stage.product.policy("everything", EVERYTHING);
    stage.product.run(&["apply"]).expect(0);
    let found = discovery(&stage.product, 0);
    assert_found(&found, &[]);
    let written = &found["facts"]["writtenBackGroupsInTheDirectory"];
    assert_eq!((&written["ours"], &written["ofOthers"]), (&json!(8), &json!(0)));
}

#[test]
fn each_microsoft_365_group_shows_its_setting_and_what_each_policy_would_do() {
    let stage = clean_stage();
    let (finance, board) = (stage.id("Finance"), stage.id("Board"));
    stage.cloud(|cloud| cloud.set_flag(finance, Some(false), None));
    stage.cloud(|cloud| cloud.set_flag(board, Some(true), Some("UniversalSecurityGroup")));
    stage.product.policy("everything", EVERYTHING);
    let looks = "  mode: Observe\n  precedence: 900\n  selection: { include: [{ types: [Security] }] }\n\
                 \x20 group: { container: { value: 'OU=Cloud Groups,DC=corp,DC=example' } }";
    stage.product.policy("looks", looks);
    let found = discovery(&stage.product, 0);
    let outlook = |name: &str| -> Value {
        let groups = found["groups"].as_array().unwrap();
        groups.iter().find(|group| group["name"] == name).unwrap().clone()
    };
    assert_eq!(found["groups"].as_array().unwrap().len(), 4);
    let finance = outlook("Finance");
    assert_eq!(finance["setting"], "Off");
    let verdicts = |group: &Value| -> Vec<(String, String)> {
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let policies = group["policies"].as_array().unwrap().iter();
        policies.map(|one| (word(&one["policy"]), word(&one["verdict"]))).collect()
    };
    let said = |pairs: [(&str, &str); 2]| pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec();
    assert_eq!(verdicts(&finance), said([("everything", "FlagOff"), ("looks", "NotSelected")]));
    let board = outlook("Board");
    assert_eq!(
        (&board["setting"], &board["groupType"]),
        (&json!("On"), &json!("universalSecurityGroup"))
    );
    assert_eq!(verdicts(&board), said([("everything", "Written"), ("looks", "NotSelected")]));
    let what = &board["policies"][0]["what"];
    assert_eq!(what, "writes it as a universal security group");
    assert_eq!(outlook("Engineering")["setting"], "NotSet");
}

#[test]
fn a_group_that_two_policies_select_is_told_with_the_one_that_has_it() {
    let stage = clean_stage();
    stage.product.policy("everything", EVERYTHING);
    let strong = EVERYTHING.replacen("mode: Sync", "mode: Sync\n  precedence: 5", 1);
    stage.product.policy("stronger", &strong);
    let found = discovery(&stage.product, 0);
    assert_found(&found, &[]);
    for group in found["groups"].as_array().unwrap() {
        let [everything, stronger] = [0, 1].map(|index| &group["policies"][index]);
        assert_eq!(everything["verdict"], "TakenByAnother", "{group}");
        assert_eq!(everything["what"], "selects it, but stronger has it");
        assert_eq!(stronger["verdict"], "Written", "{group}");
    }
}

#[test]
fn text_and_json_say_the_same() {
    let stage = clean_stage();
    grant(&stage, &["Group.Read.All", "User.Read.All", "Mail.ReadWrite"]);
    let found = discovery(&stage.product, 0);
    let text = stage.product.run(&["discover"]).expect(0).stdout;
    let first = text.lines().next().unwrap();
    assert_eq!(first, "2 problems of 2 kinds, 4 Microsoft 365 groups; everything was read");
    for problem in found["problems"].as_array().unwrap() {
        for field in ["code", "subject", "what", "meaning", "remedy"] {
            assert!(text.contains(problem[field].as_str().unwrap()), "{problem:#}\n{text}");
        }
    }
    for group in found["groups"].as_array().unwrap() {
        assert!(text.contains(group["id"].as_str().unwrap()), "{group}\n{text}");
    }
    let recommendation = &found["recommendation"];
    let approach = recommendation["approach"].as_str().unwrap();
    assert!(text.contains(&format!("recommended: {approach}")), "{text}");
    for policy in recommendation["policies"].as_array().unwrap() {
        assert!(text.contains(policy["text"].as_str().unwrap().trim_end()), "{text}");
    }
    stage.keeps_secrets(&text);
}

/// Configures something, and holds what is then recommended, with a policy text that is valid.
#[track_caller]
fn recommended(configure: impl FnOnce(&crate::stage::Stage), approach: &str, because: &str) {
    let stage = clean_stage();
    configure(&stage);
    let found = discovery(&stage.product, 0);
    let recommendation = &found["recommendation"];
    assert_eq!(recommendation["approach"], approach);
    assert!(recommendation["reason"].as_str().unwrap().contains(because), "{recommendation:#}");
    for policy in recommendation["policies"].as_array().unwrap() {
        let name = format!("policies/{}", policy["file"].as_str().unwrap());
        stage.product.write(&name, policy["text"].as_str().unwrap());
    }
    stage.product.run(&["validate"]).expect(0);
    let text = stage.product.run(&["discover"]).expect(0).stdout;
    let start = text.find("\n# ").unwrap();
    let path = stage.product.write("printed.yaml", &text[start + 1..]);
    stage.product.run(&["validate", path.to_str().unwrap()]).expect(0);
    let planned = stage.product.run(&["plan"]).expect(2).stdout;
    assert!(planned.contains(approach), "{planned}");
}

#[test]
fn who_configured_nothing_keeps_the_default_behaviour() {
    recommended(|_| {}, "default-behaviour", "no writeback setting is changed");
}

#[test]
fn one_configured_group_recommends_only_configured_ones() {
    recommended(
        |stage| {
            let finance = stage.id("Finance");
            stage.cloud(|cloud| cloud.set_flag(finance, Some(true), None));
        },
        "only-configured",
        "1 are set to be written back",
    );
}

#[test]
fn a_default_of_false_for_new_groups_recommends_only_configured_ones() {
    recommended(
        |stage| {
            let told = TenantFacts::with_writeback_default(Some("false")).settings;
            stage.tenant.edit(|cloud| cloud.change_facts(|facts| facts.settings = told));
        },
        "only-configured",
        "NewUnifiedGroupWritebackDefault is false",
    );
}

#[test]
fn the_recommended_text_names_a_container_with_a_quote_in_it() {
    let stage = clean_stage();
    let base = stage.domain.base_dn();
    let made = stage.domain.edit(|tree| tree.add_ou("Anna's Groups", &base)).unwrap();
    stage.domain.delegate(&made).unwrap();
    stage.product.reconfigure(CONTAINER, "OU=Anna''s Groups,DC=corp,DC=example");
    let found = discovery(&stage.product, 0);
    assert_found(&found, &[]);
    let text = found["recommendation"]["policies"][0]["text"].as_str().unwrap();
    stage.product.write("policies/ready.yaml", text);
    stage.product.run(&["validate"]).expect(0);
    assert!(
        fs::read_to_string(stage.product.path().join("policies/ready.yaml"))
            .unwrap()
            .contains("Anna''s")
    );
}

//! Sides that answer only in part or not at all: the rest is told all the same.

use writeback::sim::domain::Rights;
use writeback::sim::tenant::{Fault, Order, Where};
use writeback::sim::world::{Synchronization, TenantFacts};

use crate::stage::{CONTAINER, EVERYTHING, Stage};
use crate::{RIGHTS, assert_found, clean_stage, discovery, grant, problems};

#[test]
fn a_tenant_that_refuses_to_tell_of_microsofts_writeback_makes_it_unknown() {
    let stage = clean_stage();
    let refusing = Synchronization { applications_may_read: false, ..Synchronization::default() };
    stage.tenant.edit(|cloud| cloud.change_facts(|facts| facts.synchronization = refusing));
    for rights in [&RIGHTS[..], &["Group.Read.All", "User.Read.All"]] {
        grant(&stage, rights);
        let found = discovery(&stage.product, 0);
        assert_found(&found, &[("MicrosoftWritebackUnknown", "versions 1 and 2")]);
        let what = found["problems"][0]["what"].as_str().unwrap();
        assert!(what.contains("403") && what.contains("OnPremDirectorySynchronization.Read.All"));
        assert!(found["facts"]["tenant"]["microsoftWritebackVersion1"].is_null());
    }
}

#[test]
fn each_version_of_microsofts_writeback_is_told_by_itself() {
    for (first, second, expected) in [
        (true, false, vec![("MicrosoftWritebackOn", "version 1")]),
        (false, true, vec![("MicrosoftWritebackOn", "version 2")]),
    ] {
        let stage = clean_stage();
        let told = Synchronization::readable(first, second);
        stage.tenant.edit(|cloud| cloud.change_facts(|facts| facts.synchronization = told));
        assert_found(&discovery(&stage.product, 0), &expected);
    }
}

#[test]
fn a_domain_that_refuses_the_bind_leaves_the_tenant_told() {
    let stage = clean_stage();
    stage.product.write("bind-password", "wrong");
    let found = discovery(&stage.product, 1);
    assert_found(&found, &[("DomainUnavailable", "domain")]);
    assert_eq!(found["complete"], false);
    assert_eq!(found["facts"]["tenant"]["name"], "Corp Example");
    assert_eq!(found["groups"].as_array().unwrap().len(), 4);
    assert_eq!(found["recommendation"]["approach"], "default-behaviour");
}

#[test]
fn a_domain_that_is_not_reached_is_an_incomplete_read() {
    let stage = clean_stage();
    stage.domain.set_deaf(true);
    let found = discovery(&stage.product, 4);
    assert_found(&found, &[("DomainUnavailable", "domain")]);
}

#[test]
fn a_tenant_that_refuses_the_secret_leaves_the_domain_told() {
    let stage = clean_stage();
    stage.product.write("client-secret", "wrong");
    let told = stage.product.run(&["discover"]).expect(1).stdout;
    assert!(told.contains("! TenantUnavailable (1)"), "{told}");
    assert!(told.contains("domain controller: dc1.corp.example"), "{told}");
    let found = discovery(&stage.product, 1);
    let subject = format!("tenant {}", stage.tenant.tenant_id());
    assert_found(&found, &[("TenantUnavailable", &subject)]);
    assert_eq!(found["recommendation"]["approach"], "only-configured");
}

#[test]
fn a_missing_right_to_groups_ends_with_one_and_names_the_right() {
    let stage = clean_stage();
    grant(&stage, &["User.Read.All", "OnPremDirectorySynchronization.Read.All"]);
    let found = discovery(&stage.product, 1);
    let words = problems(&found);
    assert!(words.contains(&("RightMissing".into(), "Group.Read.All".into())), "{found:#}");
    assert_eq!(found["facts"]["tenant"]["name"], "Corp Example");
    assert_eq!(found["facts"]["domain"]["reached"], true);
}

#[test]
fn flags_that_cannot_be_read_end_with_four() {
    let stage = clean_stage();
    stage.tenant.order(Order::always(Where::Flags, Fault::Html200));
    let found = discovery(&stage.product, 4);
    let words = problems(&found);
    let unread = ("ReadIncomplete".to_owned(), "writeback settings of groups".to_owned());
    assert!(words.contains(&unread), "{found:#}");
    assert_eq!(found["recommendation"]["approach"], "only-configured");
}

#[test]
fn without_the_right_to_the_products_the_assigned_plans_tell_the_licence() {
    let stage = clean_stage();
    assert_eq!(discovery(&stage.product, 0)["facts"]["tenant"]["licence"], "Entra ID P1");
    stage.tenant.edit(|cloud| {
        cloud.change_facts(|facts| {
            let synchronization = facts.synchronization.clone();
            *facts =
                TenantFacts { licences: Vec::new(), synchronization, ..TenantFacts::default() };
        });
    });
    assert_found(&discovery(&stage.product, 0), &[("LicenceMissing", "Entra ID P1")]);
}

#[test]
fn an_account_that_only_reads_is_told_what_it_lacks() {
    let stage = clean_stage();
    stage.domain.revoke();
    let found = discovery(&stage.product, 0);
    assert_found(&found, &[("DirectoryRightMissing", CONTAINER)]);
    assert_eq!(found["facts"]["domain"]["reached"], true);
}

/// A written stage, delegated anew.
fn redelegated(delegate: impl FnOnce(&Stage)) -> Stage {
    let stage = clean_stage();
    stage.product.policy("everything", EVERYTHING);
    stage.product.run(&["apply"]).expect(0);
    stage.domain.revoke();
    delegate(&stage);
    stage
}

#[test]
fn rights_that_are_missing_on_existing_groups_are_named() {
    let stage = redelegated(|stage| {
        let most = [
            "member",
            "groupType",
            "sAMAccountName",
            "displayName",
            "adminDescription",
            "extensionName",
            "msDS-ExternalDirectoryObjectId",
            "mail",
            "proxyAddresses",
            "name",
        ];
        stage.domain.delegate_attributes(CONTAINER, &most).unwrap();
    });
    let found = discovery(&stage.product, 0);
    let problem = &found["problems"][0];
    assert_eq!(found["problems"].as_array().unwrap().len(), 1, "{found:#}");
    assert_eq!(problem["code"], "DirectoryRightMissing");
    assert_eq!(problem["what"], "the account may not write description, mailNickname");
    assert!(problem["subject"].as_str().unwrap().ends_with("and 7 groups like it"), "{problem}");
}

#[test]
fn what_samba_needs_to_restore_is_no_excess_but_full_control_is() {
    let stage = redelegated(|stage| {
        stage.domain.delegate(CONTAINER).unwrap();
        let five =
            ["isRecycled", "sAMAccountType", "objectCategory", "adminCount", "operatorCount"];
        stage.domain.delegate_attributes(CONTAINER, &five).unwrap();
    });
    assert_found(&discovery(&stage.product, 0), &[]);
    let account = stage.domain.service_account().dn.clone();
    stage.domain.grant(&account, CONTAINER, Rights::everything()).unwrap();
    let found = discovery(&stage.product, 0);
    let words = problems(&found);
    assert!(words.iter().all(|(code, _)| code == "DirectoryRightExcess"), "{found:#}");
    assert!(words.contains(&("DirectoryRightExcess".into(), CONTAINER.into())), "{found:#}");
    assert!(words.iter().any(|(_, subject)| subject.contains("groups like it")), "{found:#}");
}

#[test]
fn rights_beyond_the_containers_are_excess() {
    let stage = clean_stage();
    let account = stage.domain.service_account().dn.clone();
    let rights =
        Rights { create: vec!["user".to_owned()], class: "user".to_owned(), ..Rights::default() };
    let base = stage.domain.base_dn();
    stage.domain.grant(&account, &base, rights).unwrap();
    let words = problems(&discovery(&stage.product, 0));
    assert!(words.contains(&("DirectoryRightExcess".into(), base)), "{words:?}");
}

#[test]
fn an_invalid_policy_ends_with_five_and_the_rest_is_told() {
    let stage = clean_stage();
    stage.product.policy("everything", EVERYTHING);
    stage.product.policy("broken", "  mode: Mirror");
    let told = stage.product.run(&["discover"]).expect(5);
    assert!(told.stderr.contains("broken.yaml:"), "{}", told.stderr);
    assert!(told.stdout.contains("in force: everything"), "{}", told.stdout);
}

#[test]
fn a_form_that_does_not_exist_is_a_wrong_command_line() {
    let stage = clean_stage();
    stage.product.run(&["discover", "--output", "markdown"]).expect(64);
    let help = stage.product.run(&["discover", "--help"]).expect(0).stdout;
    assert!(help.contains("Ends with 0 when everything was read"), "{help}");
}

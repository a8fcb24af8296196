//! Organization, settings, licences and synchronisation, and who may read them.

use serde_json::json;

use super::*;
use crate::sim::world::{
    DirectorySetting, DirectorySync, Licence, ServicePlan, Synchronization, TenantFacts,
};

const SYNCHRONIZATION: &str = "/v1.0/directory/onPremisesSynchronization";
const SYNCHRONIZATION_ROLE: &str = "OnPremDirectorySynchronization.Read.All";

async fn with_facts(facts: TenantFacts) -> Bench {
    Bench::new(&World { facts, ..World::small(1) }).await
}

#[tokio::test]
async fn a_tenant_has_no_setting_until_somebody_makes_one() {
    let bench = Bench::small().await;
    assert_eq!(bench.json("/v1.0/groupSettings").await["value"], json!([]));
    assert_eq!(bench.json("/beta/settings").await["value"], json!([]));
    // Each version has its own name for them.
    for path in ["/v1.0/settings", "/beta/groupSettings"] {
        assert_eq!(bench.refusal(path).await.0, 400, "{path}");
    }
}

#[tokio::test]
async fn the_default_for_new_groups_is_told_as_it_was_written() {
    for text in [None, Some("true"), Some("false"), Some("False"), Some("FALSE"), Some("maybe")] {
        let bench = with_facts(TenantFacts::with_writeback_default(text)).await;
        for path in ["/v1.0/groupSettings", "/beta/settings"] {
            let settings = bench.list(path).await.0;
            assert_eq!(settings.len(), 1);
            assert_eq!(settings[0]["displayName"], json!("Group.Unified"));
            let values = settings[0]["values"].as_array().unwrap();
            let default = values
                .iter()
                .find(|value| value["name"] == json!("NewUnifiedGroupWritebackDefault"))
                .map(|value| value["value"].as_str().unwrap());
            assert_eq!(default, text, "{path}");
        }
    }
}

#[tokio::test]
async fn settings_change_while_the_tenant_runs() {
    let bench = Bench::small().await;
    let mut null = DirectorySetting::unified(Some("true"));
    null.values.push(("GuestUsageGuidelinesUrl".to_owned(), None));
    bench.tenant.edit(|cloud| cloud.change_facts(|facts| facts.settings.push(null)));
    let settings = bench.list("/v1.0/groupSettings?$select=values").await.0;
    assert_eq!(settings[0].as_object().unwrap().len(), 1);
    let last = json!({ "name": "GuestUsageGuidelinesUrl", "value": null });
    assert_eq!(settings[0]["values"].as_array().unwrap().last(), Some(&last));
}

#[tokio::test]
async fn what_the_tenant_says_of_itself_needs_its_rights() {
    let bench = Bench::small().await;
    for (path, enough) in [
        ("/v1.0/groupSettings", "GroupSettings.Read.All"),
        ("/v1.0/groupSettings", "Group.Read.All"),
        ("/beta/settings", "Directory.Read.All"),
        ("/v1.0/subscribedSkus", "Organization.Read.All"),
        ("/v1.0/subscribedSkus", "LicenseAssignment.Read.All"),
        ("/v1.0/organization", "Organization.Read.All"),
    ] {
        bench.grant(&["GroupMember.Read.All"]);
        let denied = (403, "Authorization_RequestDenied".to_owned());
        assert_eq!(bench.refusal(path).await, denied, "{path}");
        bench.grant(&[enough]);
        assert_eq!(bench.get(path).await.status(), 200, "{path} with {enough}");
    }
}

#[tokio::test]
async fn no_right_opens_the_synchronisation_where_applications_are_refused() {
    let bench = Bench::small().await;
    for role in [SYNCHRONIZATION_ROLE, "Directory.ReadWrite.All", "Organization.ReadWrite.All"] {
        bench.grant(&[role]);
        assert_eq!(bench.refusal(SYNCHRONIZATION).await.0, 403, "{role}");
    }
}

#[tokio::test]
async fn the_synchronisation_tells_both_versions_where_it_may_be_read() {
    for (one, two) in [(false, false), (true, false), (true, true)] {
        let synchronization = Synchronization::readable(one, two);
        let bench = with_facts(TenantFacts { synchronization, ..TenantFacts::default() }).await;
        bench.grant(&["Directory.Read.All"]);
        assert_eq!(bench.refusal(SYNCHRONIZATION).await.0, 403);
        bench.grant(&[SYNCHRONIZATION_ROLE]);
        let listed = bench.list(SYNCHRONIZATION).await.0;
        let id = bench.tenant.tenant_id();
        assert_eq!(listed[0]["id"], json!(id));
        let features = &listed[0]["features"];
        assert_eq!(features["unifiedGroupWritebackEnabled"], json!(one));
        assert_eq!(features["groupWriteBackEnabled"], json!(two));
        assert_eq!(features.as_object().unwrap().len(), 20);
        let single = bench.json(&format!("{SYNCHRONIZATION}/{id}?$select=features")).await;
        assert_eq!(single["features"], *features);
        assert!(single.get("configuration").is_none());
        let other = format!("{SYNCHRONIZATION}/{}", Uuid::nil());
        assert_eq!(bench.refusal(&other).await.0, 404);
    }
}

#[tokio::test]
async fn the_organization_says_whether_it_syncs_and_what_it_is_licensed_for() {
    let plans = async |bench: &Bench| {
        bench.json("/v1.0/organization").await["value"][0]["assignedPlans"].clone()
    };
    let bench = Bench::small().await;
    assert_eq!(plans(&bench).await[0]["capabilityStatus"], json!("Enabled"));
    bench.tenant.edit(|cloud| {
        cloud.change_facts(|facts| facts.licences[0].capability_status = "Suspended".to_owned());
    });
    assert_eq!(plans(&bench).await[0]["capabilityStatus"], json!("Suspended"));
    bench.tenant.edit(|cloud| cloud.change_facts(|facts| facts.licences.clear()));
    assert_eq!(plans(&bench).await, json!([]));

    for (sync, told) in [
        (DirectorySync::AsPeopleSay, json!(true)),
        (DirectorySync::On, json!(true)),
        (DirectorySync::Off, json!(false)),
        (DirectorySync::Never, json!(null)),
    ] {
        bench.tenant.edit(|cloud| {
            cloud.change_facts(|facts| {
                facts.directory_sync = sync;
                facts.last_sync = Some("2026-03-04T05:06:07Z".parse().unwrap());
            });
        });
        let organization = bench.json("/v1.0/organization").await["value"][0].clone();
        assert_eq!(organization["onPremisesSyncEnabled"], told, "{sync:?}");
        let last = organization["onPremisesLastSyncDateTime"].clone();
        assert_eq!(last.is_null(), told.is_null());
        assert!(last.is_null() || last == json!("2026-03-04T05:06:07Z"));
        assert_eq!(organization["displayName"], json!("Corp Example"));
    }
}

#[tokio::test]
async fn a_plan_comes_in_a_product_of_another_name() {
    let bundle = Licence::of("SPE_E3", Uuid::from_u128(3), vec![ServicePlan::entra_p1()]);
    let bench = with_facts(TenantFacts { licences: vec![bundle], ..TenantFacts::default() }).await;
    bench.grant(&["Organization.Read.All"]);
    let listed = bench.list("/v1.0/subscribedSkus").await.0;
    assert_eq!(listed[0]["skuPartNumber"], json!("SPE_E3"));
    assert_eq!(listed[0]["servicePlans"][0]["servicePlanName"], json!("AAD_PREMIUM"));
    let id = format!("{}_{}", bench.tenant.tenant_id(), Uuid::from_u128(3));
    assert_eq!(listed[0]["id"], json!(id));
}

#[tokio::test]
async fn these_few_objects_know_no_option_but_select() {
    let bench = Bench::small().await;
    bench.grant(&["Directory.Read.All"]);
    for path in [
        "/v1.0/subscribedSkus?$filter=skuPartNumber eq 'AAD_PREMIUM'",
        "/v1.0/subscribedSkus?$top=5",
        "/v1.0/groupSettings?$select=value",
        "/v1.0/groupSettings?$orderby=id",
    ] {
        assert_eq!(bench.refusal(path).await.0, 400, "{path}");
    }
}

#[tokio::test]
async fn faults_may_be_ordered_for_each_of_them() {
    let synchronization = Synchronization::readable(false, false);
    let bench = with_facts(TenantFacts { synchronization, ..TenantFacts::default() }).await;
    bench.grant(&["Directory.Read.All", SYNCHRONIZATION_ROLE]);
    for path in ["/beta/settings", "/v1.0/subscribedSkus", "/v1.0/organization", SYNCHRONIZATION] {
        bench.tenant.order_for(path, Order::once(Where::Any, Fault::Unavailable503));
        assert_eq!(bench.get("/v1.0/groups").await.status(), 200);
        assert_eq!(bench.get("/v1.0/groupSettings").await.status(), 200);
        assert_eq!(bench.get(path).await.status(), 503, "{path}");
        assert_eq!(bench.get(path).await.status(), 200, "{path}");
    }
    assert_eq!(bench.tenant.open_orders(), 0);
}

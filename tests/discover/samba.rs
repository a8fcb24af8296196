//! The same on the Samba domain controller of the lab, as the least-privilege account.
//!
//! Other tests write into the same domain meanwhile: directory groups of others that stand
//! outside of this test's part are none of its findings.

use serde_json::Value;
use uuid::Uuid;
use writeback::sim::tenant::Tenant;
use writeback::sim::world::{Link, Synchronization, World};

use crate::lab::Lab;
use crate::lab::fixtures::{Ground, group_type};
use crate::planted::{IN_CLOUD, RIGHTS, plant_cloud, policies};
use crate::product::{DirectoryAccess, Product};
use crate::{assert_explained, assert_found, discovery};

/// A part of the lab, a tenant whose people are the lab's users, and the product between them.
struct LabStage {
    lab: Lab,
    ground: Ground,
    tenant: Tenant,
    product: Product,
}

impl LabStage {
    async fn new(name: &str, below: &[&str], mut world: World) -> Self {
        let lab = Lab::here();
        let ground = lab.ground(name, below);
        for (person, user) in world.people.iter_mut().zip(&lab.users) {
            person.link = Some(Link { sid: user.sid.clone(), guid: user.guid });
        }
        let tenant = Tenant::start(&world).await.unwrap();
        let access = DirectoryAccess::lab(&lab, &[&ground.inside]);
        let product = Product::new(&tenant, &access);
        Self { lab, ground, tenant, product }
    }

    fn grant(&self, rights: &[&str]) {
        self.tenant.set_roles(rights.iter().map(|right| (*right).to_owned()).collect());
    }

    /// The discovery without what stands outside of this test's part, and without the authority
    /// that Samba makes for itself: its 30 days have begun.
    fn discovery(&self, code: i32) -> Value {
        let mut found = discovery(&self.product, code);
        let problems = found["problems"].as_array_mut().unwrap();
        let all = problems.len();
        problems.retain(|problem| {
            problem["code"] != "CredentialEnds" || problem["subject"] != "CA of the directory"
        });
        assert_eq!(problems.len(), all - 1, "the end of the authority is told");
        let ours = |problem: &Value| {
            let subject = problem["subject"].as_str().unwrap();
            let of_others = ["Foreign", "OwnedElsewhere"].map(Value::from);
            !of_others.contains(&problem["code"])
                || subject.ends_with(&self.ground.inside)
                || subject.ends_with(&self.ground.outside)
        };
        problems.retain(ours);
        found
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clean_estate_on_samba_finds_nothing() {
    let mut world = World::small(7);
    world.facts.synchronization = Synchronization::readable(false, false);
    let stage = LabStage::new("discover-clean", &[], world).await;
    stage.grant(&crate::RIGHTS);
    let found = stage.discovery(0);
    // The lab is prepared for Exchange in some runs, and not in others.
    let prepared = found["facts"]["domain"]["preparedForExchange"] != "no";
    let expected: &[(&str, &str)] =
        if prepared { &[] } else { &[("ExchangeNotPrepared", "default-behaviour")] };
    assert_found(&found, expected);
    let domain = &found["facts"]["domain"];
    assert_eq!(domain["product"], "Samba");
    assert_eq!(domain["recycleBin"], false);
    assert_eq!(domain["domain"], stage.lab.setting("LAB_BASE_DN"));
    let controllers = &domain["domainControllersOfTheForest"];
    assert_eq!(controllers, &serde_json::json!([stage.lab.setting("LAB_HOST_NAME")]));
    let inside = &found["facts"]["containers"][&stage.ground.inside];
    assert_eq!(inside, "there, groups can be created");
    stage.lab.remove_ground(&stage.ground);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_problem_on_samba_is_found_and_nothing_else() {
    let stage = LabStage::new("discover-planted", &[], World::small(8)).await;
    stage.grant(&RIGHTS);
    let (inside, outside) = (&stage.ground.inside, &stage.ground.outside);
    let domain_local = group_type::DOMAIN_LOCAL_SECURITY;
    let local = stage.lab.add_group(outside, "Local Readers", "dp-local", domain_local, &[]);
    let hidden = plant_cloud(&stage.tenant, &stage.lab.user(&local).sid);
    policies(&stage.product, inside, hidden);
    let board = stage.tenant.cloud().group_named("Board").unwrap().id;
    let global = group_type::GLOBAL_SECURITY;
    stage.lab.add_group(inside, &format!("Group_{board}"), "dp-in-the-way", global, &[]);
    let anchor = format!("Group_{}", Uuid::new_v4());
    let marks = [("adminDescription", anchor.as_str())];
    let connect = stage.lab.add_group(outside, "Written By Connect", "dp-connect", global, &marks);
    let record = format!(
        "writeback/v1;owner=other;tenant={};policy=theirs;id={};state=Active",
        Uuid::new_v4(),
        Uuid::new_v4()
    );
    let marks = [("extensionName", record.as_str())];
    let other = stage.lab.add_group(outside, "Written By Another", "dp-other", global, &marks);
    let base = stage.lab.setting("LAB_BASE_DN");
    let nowhere = format!("OU=Nowhere,{base}");
    stage.product.reconfigure(
        &format!("containers: ['{inside}']"),
        &format!(
            "containers: ['{inside}', '{outside}', '{nowhere}', 'OU=Far,DC=other,DC=example']"
        ),
    );
    let found = stage.discovery(4);
    let in_domain = [
        ("ContainerMissing", nowhere.as_str()),
        ("ContainerOutsideDomain", "OU=Far,DC=other,DC=example"),
        ("DirectoryRightMissing", outside.as_str()),
        ("NameTaken", "Board"),
        ("Foreign", connect.as_str()),
        ("OwnedElsewhere", other.as_str()),
    ];
    let prepared = found["facts"]["domain"]["preparedForExchange"] != "no";
    let unprepared = [("ExchangeNotPrepared", "planted")];
    let exchange: &[(&str, &str)] = if prepared { &[] } else { &unprepared };
    assert_found(&found, &[&IN_CLOUD[..], &in_domain, exchange].concat());
    assert_explained(&found);
    stage.lab.remove_ground(&stage.ground);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_writeback_wrote_on_samba_has_neither_too_many_rights_nor_too_few() {
    let mut world = World::small(9);
    world.facts.synchronization = Synchronization::readable(false, false);
    let stage = LabStage::new("discover-written", &[], world).await;
    stage.grant(&crate::RIGHTS);
    let container = format!("  group: {{ container: {{ value: '{}' }} }}", stage.ground.inside);
    stage.product.policy("all", &format!("  mode: Sync\n{container}\n"));
    stage.product.run(&["apply"]).expect(0);
    let found = stage.discovery(0);
    let words: Vec<_> = found["problems"].as_array().unwrap().iter().collect();
    assert!(words.iter().all(|one| one["code"] == "ExchangeNotPrepared"), "{words:#?}");
    assert_eq!(found["facts"]["groupsInTheContainers"]["all"], 8);
    stage.lab.remove_ground(&stage.ground);
}

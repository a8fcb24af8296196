//! Managed identities: the metadata service of an Azure VM and the Azure Arc agent.

use tempfile::TempDir;
use url::Url;
use uuid::Uuid;
use writeback::graph::{Credential, Flags, IdentityPlace, Tenant, TenantOptions};
use writeback::sim::identity::{Platform, Trouble};
use writeback::sim::world::World;

use crate::bench::{Bench, at, listing};
use crate::{assert_told, fault, options};

struct Machine {
    bench: Bench,
    platform: Platform,
    keys: TempDir,
}

impl Machine {
    async fn vm() -> Self {
        let bench = Bench::new(&World::small(3)).await;
        let platform = Platform::vm(bench.tenant.tokens_of_machine()).await.unwrap();
        Self { bench, platform, keys: tempfile::tempdir().unwrap() }
    }

    async fn arc() -> Self {
        let bench = Bench::new(&World::small(3)).await;
        let keys = tempfile::tempdir().unwrap();
        let folder = keys.path().to_owned();
        let platform = Platform::arc(bench.tenant.tokens_of_machine(), folder).await.unwrap();
        Self { bench, platform, keys }
    }

    fn of_vm(&self, client_id: Option<Uuid>) -> Credential {
        let place = IdentityPlace::Vm { host: Url::parse(&self.platform.host()).unwrap() };
        Credential::ManagedIdentity { place, client_id }
    }

    fn of_arc(&self) -> Credential {
        let place = IdentityPlace::Arc {
            endpoint: Url::parse(&self.platform.endpoint()).unwrap(),
            key_folder: self.keys.path().to_owned(),
        };
        Credential::ManagedIdentity { place, client_id: None }
    }

    fn client(&self, credential: Credential) -> Tenant {
        Tenant::open(options(&self.bench, credential)).unwrap()
    }
}

#[tokio::test]
async fn the_identity_of_a_vm_opens_the_tenant() {
    let machine = Machine::vm().await;
    let client = machine.client(machine.of_vm(None));
    listing(&client).await;
    listing(&client).await;
    let [asked] = machine.platform.requests().try_into().unwrap();
    let scope = machine.bench.tenant.scope();
    let resource = scope.strip_suffix("/.default").unwrap();
    let encoded: String = url::form_urlencoded::byte_serialize(resource.as_bytes()).collect();
    let query = format!("api-version=2018-02-01&resource={encoded}");
    assert_eq!(asked, format!("/metadata/identity/oauth2/token?{query}"));
    assert_eq!(machine.bench.asked("/token"), 0, "the login is not asked");
}

#[tokio::test]
async fn an_identity_that_a_user_assigned_is_asked_for_by_its_id() {
    let machine = Machine::vm().await;
    let id = machine.bench.tenant.client_id();
    machine.platform.disown();
    let told = fault(&machine.bench, machine.of_vm(None)).await;
    assert_told(&told, "credential_refused", &["no identity of its own", "Identity not found"]);
    let told = fault(&machine.bench, machine.of_vm(Some(id))).await;
    let named = [&id.to_string(), "assign it to the VM", "managedIdentity.clientId"];
    assert_told(&told, "credential_refused", &named);
    machine.platform.assign(id);
    listing(&machine.client(machine.of_vm(Some(id)))).await;
}

#[tokio::test]
async fn a_refusal_of_the_platform_stands_for_a_while() {
    let machine = Machine::vm().await;
    machine.platform.disown();
    let client = machine.client(machine.of_vm(None));
    for _ in 0..3 {
        client.listing(Flags::Read, at()).await.unwrap_err();
    }
    assert_eq!(machine.platform.requests().len(), 1);
}

#[tokio::test]
async fn an_identity_that_is_another_application_is_not_used() {
    let machine = Machine::vm().await;
    let client_id = Uuid::from_u128(7);
    let options = TenantOptions { client_id, ..options(&machine.bench, machine.of_vm(None)) };
    let error = Tenant::open(options).unwrap().rights().await.unwrap_err();
    let id = machine.bench.tenant.client_id().to_string();
    assert_told(&error.fault(), "configuration", &["tenant.clientId", &id]);
}

#[tokio::test]
async fn a_machine_without_a_platform_is_told_so() {
    let machine = Machine::vm().await;
    let credential = machine.of_vm(None);
    drop(machine.platform);
    let told = fault(&machine.bench, credential).await;
    assert_eq!((told.reason, told.transient), ("unreachable", true), "{}", told.message);
    for word in ["managed identity", "Azure VM", "Azure Arc", "127.0.0.1"] {
        assert!(told.message.contains(word), "{}", told.message);
    }
}

#[tokio::test]
async fn a_platform_that_is_being_renewed_is_asked_again() {
    for status in [404, 410, 429, 500, 503] {
        let machine = Machine::vm().await;
        machine.platform.order(Some(Trouble::Status(status)));
        let told = fault(&machine.bench, machine.of_vm(None)).await;
        assert!(told.transient, "{status}: {}", told.message);
        assert_eq!(machine.platform.requests().len(), 5, "{status}");
        machine.platform.order(None);
        listing(&machine.client(machine.of_vm(None))).await;
    }
}

#[tokio::test]
async fn the_life_of_a_token_is_read_in_both_forms_and_an_empty_one_is_none() {
    let machine = Machine::vm().await;
    machine.platform.order(Some(Trouble::NoLife));
    let client = machine.client(machine.of_vm(None));
    listing(&client).await;
    listing(&client).await;
    assert_eq!(machine.platform.requests().len(), 1, "the token is kept for its life");
    machine.platform.order(Some(Trouble::EmptyToken));
    let told = fault(&machine.bench, machine.of_vm(None)).await;
    assert!(told.message.contains("an empty token"), "{}", told.message);
}

#[tokio::test]
async fn the_identity_of_an_arc_machine_opens_the_tenant() {
    let machine = Machine::arc().await;
    listing(&machine.client(machine.of_arc())).await;
    let [asked, again] = machine.platform.requests().try_into().unwrap();
    assert!(asked.contains("api-version=2020-06-01") && !asked.ends_with("with key"), "{asked}");
    assert_eq!(again, format!("{asked} with key"));
    assert_eq!(machine.keys.path().read_dir().unwrap().count(), 0, "a key is good once");
}

#[tokio::test]
async fn only_a_key_of_the_agent_is_shown_to_whoever_asks() {
    let machine = Machine::arc().await;
    let secret = machine.bench.write("bind.key", "the-bind-password");
    machine.platform.order(Some(Trouble::KeyAt(secret)));
    let told = fault(&machine.bench, machine.of_arc()).await;
    let folder = machine.keys.path().display().to_string();
    assert_told(&told, "credential_refused", &["outside", &folder, "bind.key", "Azure Arc agent"]);
    assert!(!told.message.contains("the-bind-password"));
    machine.platform.order(Some(Trouble::KeyOf("x".repeat(4097))));
    let told = fault(&machine.bench, machine.of_arc()).await;
    assert_told(&told, "configuration", &["Azure Arc agent", ".key", "larger than 4096 bytes"]);
    let asked = machine.platform.requests();
    assert!(asked.iter().all(|asked| !asked.ends_with("with key")), "{asked:?}");
}

#[tokio::test]
async fn every_other_way_in_which_the_agent_fails_is_named() {
    let machine = Machine::arc().await;
    machine.platform.order(Some(Trouble::NoChallenge));
    let told = fault(&machine.bench, machine.of_arc()).await;
    assert_told(&told, "credential_refused", &["names no file", "WWW-Authenticate"]);
    machine.platform.order(Some(Trouble::KeyForgotten));
    let told = fault(&machine.bench, machine.of_arc()).await;
    assert_told(&told, "credential_refused", &["does not accept the key", "azcmagent"]);
    machine.platform.order(Some(Trouble::KeyAt(machine.keys.path().join("gone.key"))));
    let told = fault(&machine.bench, machine.of_arc()).await;
    assert_told(&told, "configuration", &["gone.key", "No such file"]);
    machine.platform.order(Some(Trouble::Status(403)));
    let told = fault(&machine.bench, machine.of_arc()).await;
    assert_told(&told, "credential_refused", &["azcmagent show"]);
    let Credential::ManagedIdentity { place, .. } = machine.of_arc() else { unreachable!() };
    let assigned = Credential::ManagedIdentity { place, client_id: Some(Uuid::nil()) };
    let told = fault(&machine.bench, assigned).await;
    let words = ["managedIdentity.clientId", "Azure Arc", "leave clientId out"];
    assert_told(&told, "configuration", &words);
}

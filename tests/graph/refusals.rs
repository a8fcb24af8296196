//! What a newcomer sets wrong: one message each that names the file, setting or right to mend.

use writeback::graph::{Credential, Flags, GraphError, Tenant, TenantOptions};
use writeback::model::TenantId;
use writeback::model::cloud::Links;
use writeback::sim::tenant::{HiddenAnswer, Options};
use writeback::sim::tls::{Authority, Certificate};
use writeback::sim::world::World;

use crate::bench::{Bench, HIDDEN_RIGHT, all_members, at, id, listing};

/// The message of a wrong setting: it names what mends it, is final, and keeps the secret.
async fn check(bench: &Bench, options: TenantOptions, reason: &str, names: &[&str]) {
    let fault = match Tenant::open(options) {
        Ok(client) => client.listing(Flags::Read, at()).await.unwrap_err().fault(),
        Err(error) => error.fault(),
    };
    assert_eq!((fault.reason, fault.transient), (reason, false), "{}", fault.message);
    for name in names {
        assert!(fault.message.contains(name), "{name} is not in: {}", fault.message);
    }
    for secret in [bench.tenant.client_secret(), bench.tenant.expired_client_secret(), "eyJ"] {
        assert!(!fault.message.contains(secret), "{}", fault.message);
    }
    assert!(!fault.message.contains('\n'));
}

#[tokio::test]
async fn a_wrong_secret_is_named_by_its_file() {
    let bench = Bench::new(&World::small(3)).await;
    for (text, name) in
        [("not-the-secret", "is wrong"), (bench.tenant.expired_client_secret(), "has expired")]
    {
        let file = bench.write("other", text);
        let credential = Credential::Secret { file: file.clone() };
        let options = TenantOptions { credential, ..bench.options() };
        let file = file.display().to_string();
        check(&bench, options, "credential_refused", &[&file, name, "AADSTS7000"]).await;
    }
    let credential = Credential::Secret { file: bench.file("missing") };
    let options = TenantOptions { credential, ..bench.options() };
    check(&bench, options, "configuration", &["clientSecretFile", "missing"]).await;
}

#[tokio::test]
async fn a_wrong_certificate_is_named_by_its_file() {
    let bench = Bench::new(&World::small(3)).await;
    for pem in [bench.tenant.unregistered_certificate_pem(), bench.tenant.expired_certificate_pem()]
    {
        let client = bench.client_with_certificate(pem);
        let fault = client.rights().await.unwrap_err().fault();
        assert_eq!((fault.reason, fault.transient), ("credential_refused", false));
        let file = bench.file("certificate.pem").display().to_string();
        assert!(fault.message.contains(&file), "{}", fault.message);
        assert!(fault.message.contains("AADSTS700027"), "{}", fault.message);
    }
}

#[tokio::test]
async fn a_certificate_gets_a_token() {
    let bench = Bench::new(&World::small(3)).await;
    let client = bench.client_with_certificate(bench.tenant.certificate_pem());
    let rights = client.rights().await.unwrap();
    let mut granted = bench.tenant.roles();
    granted.sort();
    assert_eq!(rights.iter().collect::<Vec<_>>(), granted);
    listing(&client).await;
}

#[tokio::test]
async fn a_wrong_setting_is_named() {
    let bench = Bench::new(&World::small(3)).await;
    let other = uuid::Uuid::from_u128(7);
    let refused = "credential_refused";
    let tenant = TenantOptions { tenant: TenantId(other), ..bench.options() };
    check(&bench, tenant, refused, &["tenant.id", "AADSTS90002"]).await;
    let client = TenantOptions { client_id: other, ..bench.options() };
    check(&bench, client, refused, &["tenant.clientId", "AADSTS700016"]).await;
    for scope in ["https://elsewhere.example/.default", "everything"] {
        let options = TenantOptions { scope: scope.to_owned(), ..bench.options() };
        check(&bench, options, refused, &["tenant.scope"]).await;
    }
    let mut plain = bench.options();
    plain.graph_url.set_path("");
    plain.graph_url = plain.graph_url.as_str().replace("https", "http").parse().unwrap();
    check(&bench, plain, "configuration", &["tenant.graphUrl", "https://"]).await;
}

#[tokio::test]
async fn a_wrong_ca_file_is_named() {
    let bench = Bench::new(&World::small(3)).await;
    let unknown = |file| TenantOptions { ca_file: file, ..bench.options() };
    check(&bench, unknown(None), "untrusted", &["unknown authority", "tenant.caFile"]).await;
    let stranger = bench.write("stranger.pem", &Authority::new("Stranger").ca_pem());
    check(&bench, unknown(Some(stranger)), "untrusted", &["tenant.caFile"]).await;
    let missing = bench.file("missing.pem");
    check(&bench, unknown(Some(missing)), "configuration", &["tenant.caFile", "missing.pem"]).await;
    let empty = bench.write("empty.pem", "nothing");
    check(&bench, unknown(Some(empty)), "configuration", &["tenant.caFile", "no certificate"])
        .await;
    assert_eq!(bench.tenant.requests(), [], "nobody was told anything");
}

#[tokio::test]
async fn a_wrong_server_certificate_is_told_apart() {
    for (certificate, name) in
        [(Certificate::Expired, "expired certificate"), (Certificate::OtherName, "tenant.loginUrl")]
    {
        let options = Options { certificate, ..Options::default() };
        let bench = Bench::with(&World::small(3), options).await;
        check(&bench, bench.options(), "untrusted", &[name]).await;
        assert_eq!(bench.tenant.requests(), []);
    }
}

#[tokio::test]
async fn a_refused_credential_is_not_shown_again_until_its_file_changes() {
    let bench = Bench::new(&World::small(3)).await;
    let file = bench.write("secret", "not-the-secret");
    let client = bench.client();
    let world = World::small(3);
    for _ in 0..3 {
        client.listing(Flags::Read, at()).await.unwrap_err();
        assert!(all_members(&client, &world).await.values().all(Result::is_err));
    }
    assert_eq!(bench.asked("/token"), 1);
    std::fs::write(file, bench.tenant.client_secret()).unwrap();
    listing(&client).await;
    assert_eq!(bench.asked("/token"), 2);
}

#[tokio::test]
async fn one_token_serves_everybody_who_asks_at_once() {
    let world = World::generated(3, 100, 60);
    let bench = Bench::new(&world).await;
    let client = bench.client();
    let (listed, members) = tokio::join!(listing(&client), all_members(&client, &world));
    assert_eq!(listed.groups.value().len(), members.len());
    assert_eq!(bench.asked("/token"), 1);
}

#[tokio::test]
async fn a_missing_right_is_named_with_what_would_do() {
    let world = World::small(3);
    for (lacking, right) in [
        (&["Group.Read.All", "GroupMember.Read.All"][..], "GroupMember.Read.All"),
        (&["Group.Read.All"], "Group.Read.All"),
    ] {
        let bench = Bench::new(&world).await;
        let mut roles = bench.tenant.roles();
        roles.retain(|role| !lacking.contains(&role.as_str()));
        bench.tenant.set_roles(roles);
        let error = bench.client().listing(Flags::Read, at()).await.unwrap_err();
        let GraphError::MissingRight { right: named, .. } = &error else { panic!("{error}") };
        assert_eq!(*named, right);
        let fault = error.fault();
        assert_eq!((fault.reason, fault.transient), ("missing_right", false));
        assert!(fault.message.contains(right) && fault.message.contains("admin consent"));
    }
}

#[tokio::test]
async fn without_the_right_to_read_users_no_link_is_believed() {
    let world = World::small(3);
    let bench = Bench::new(&world).await;
    for instead in [None, Some("User.ReadBasic.All")] {
        let mut roles = bench.tenant.roles();
        roles.retain(|role| !role.starts_with("User."));
        roles.extend(instead.map(str::to_owned));
        bench.tenant.set_roles(roles);
        let client = bench.client();
        let members = all_members(&client, &world).await;
        let Links::Unreadable { reason } = client.links(&members).await else {
            panic!("{instead:?}")
        };
        assert!(reason.contains("the application lacks the right User.Read.All"), "{reason}");
    }
    assert_eq!((bench.asked("/organization"), bench.asked("/users")), (0, 0));
}

#[tokio::test]
async fn hidden_members_are_not_asked_for_without_the_right() {
    let world = World::generated(3, 100, 80);
    let hidden: Vec<_> = world
        .groups
        .iter()
        .filter(|group| group.visibility.as_deref() == Some("HiddenMembership"))
        .map(|group| group.id)
        .collect();
    assert!(!hidden.is_empty());
    let bench = Bench::new(&world).await;
    bench.tenant.set_hidden_answer(HiddenAnswer::Empty);
    let mut roles = bench.tenant.roles();
    roles.retain(|role| role != HIDDEN_RIGHT);
    bench.tenant.set_roles(roles);
    let members = all_members(&bench.client(), &world).await;
    let unread = members.values().filter(|read| read.is_err()).count();
    assert_eq!(unread, hidden.len());
    for one in hidden {
        let reason = &members.get(&id(one)).unwrap().as_ref().unwrap_err().reason;
        assert!(reason.contains(HIDDEN_RIGHT), "{reason}");
        assert_eq!(bench.asked(&format!("{one}/members")), 0);
    }
}

//! A token of another issuer in the place of a secret (workload identity).

use jiff::SignedDuration;
use writeback::graph::{Credential, Flags};
use writeback::sim::world::World;

use crate::bench::{Bench, at, listing};
use crate::{assert_told, fault, options};

const ISSUER: &str = "https://oidc.cluster.example/1";
const SUBJECT: &str = "system:serviceaccount:identity:writeback";
const AUDIENCE: &str = "api://AzureADTokenExchange";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn token(bench: &Bench, claims: (&str, &str, &str), life: SignedDuration) -> String {
    bench.tenant.foreign_token(claims, life).unwrap()
}

fn credential(bench: &Bench, text: &str) -> Credential {
    Credential::FederatedToken { file: bench.write("federated-token", text) }
}

async fn trusting() -> Bench {
    let bench = Bench::new(&World::small(3)).await;
    bench.tenant.trust(ISSUER, SUBJECT, AUDIENCE);
    bench
}

#[tokio::test]
async fn a_token_of_a_trusted_issuer_opens_the_tenant() {
    let bench = trusting().await;
    let text = token(&bench, (ISSUER, SUBJECT, AUDIENCE), HOUR);
    // Some tools end the file with a line end; the kubelet does not.
    for text in [text.clone(), format!("{text}\n")] {
        let client = writeback::graph::Tenant::open(options(&bench, credential(&bench, &text)));
        listing(&client.unwrap()).await;
    }
}

#[tokio::test]
async fn the_token_is_read_again_for_each_request() {
    let bench = Bench::new(&World::small(3)).await;
    let claims = (ISSUER, SUBJECT, AUDIENCE);
    let first = token(&bench, claims, HOUR);
    let client = writeback::graph::Tenant::open(options(&bench, credential(&bench, &first)));
    let client = client.unwrap();
    // Nobody trusts the first token; the second one is another file content and is tried at once.
    client.listing(Flags::Read, at()).await.unwrap_err();
    assert_eq!(bench.asked("/token"), 1);
    client.listing(Flags::Read, at()).await.unwrap_err();
    assert_eq!(bench.asked("/token"), 1, "a refused token is not shown again");
    bench.tenant.trust(ISSUER, SUBJECT, AUDIENCE);
    credential(&bench, &token(&bench, claims, HOUR * 2));
    listing(&client).await;
    assert_eq!(bench.asked("/token"), 2);
}

#[tokio::test]
async fn what_does_not_fit_the_federated_credential_is_named_with_its_value() {
    let bench = trusting().await;
    let other = "https://oidc.cluster.example/2";
    let upper = SUBJECT.to_uppercase();
    for (claims, code, words) in [
        ((other, SUBJECT, AUDIENCE), "AADSTS700211", &["the issuer of", other][..]),
        ((ISSUER, "somebody", AUDIENCE), "AADSTS700213", &["the subject of", "somebody"]),
        ((ISSUER, &upper, AUDIENCE), "AADSTS7002138", &["capital letters", &upper]),
        ((ISSUER, SUBJECT, "api://other"), "AADSTS700212", &["the audience of", "api://other"]),
    ] {
        let credential = credential(&bench, &token(&bench, claims, HOUR));
        let told = fault(&bench, credential).await;
        assert_told(&told, "credential_refused", &["federated-token", code]);
        assert_told(&told, "credential_refused", words);
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_good_is_shown_to_nobody() {
    let bench = trusting().await;
    let claims = (ISSUER, SUBJECT, AUDIENCE);
    let ended = token(&bench, claims, -HOUR);
    for (text, words) in [
        (ended.as_str(), &["the token ended at 20", "still renew it", "clock"][..]),
        ("opaque", &["holds no token (JWT)"]),
        ("", &["holds no token (JWT)"]),
    ] {
        let told = fault(&bench, credential(&bench, text)).await;
        assert_told(&told, "configuration", words);
        let names = ["tenant.credential.federatedTokenFile", "federated-token"];
        assert_told(&told, "configuration", &names);
    }
    let missing = Credential::FederatedToken { file: bench.file("missing") };
    let told = fault(&bench, missing).await;
    assert_told(&told, "configuration", &["federatedTokenFile", "missing", "No such file"]);
    assert_eq!(bench.asked("/token"), 0);
}

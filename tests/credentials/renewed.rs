//! Every credential of the tenant renewed while requests go on: no request fails, and none is
//! made with what was withdrawn.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;
use writeback::graph::{Credential, Tenant};
use writeback::sim::tenant::Options;
use writeback::sim::tls::Authority;
use writeback::sim::world::World;

use crate::bench::{Bench, all_members, listing};
use crate::options;

/// Tokens live so short that each renewal falls into the test, and so long that none ends on its
/// way twice in a row.
const LIFE: SignedDuration = SignedDuration::from_secs(2);

async fn bench() -> Bench {
    let options = Options { token_lifetime: LIFE, ..Options::default() };
    Bench::with(&World::small(3), options).await
}

/// Lists until the tenant has given out this many more tokens; a listing that fails is a failure.
async fn listed_through(bench: &Bench, client: &Tenant, tokens: usize) {
    let before = bench.asked("/token");
    let begun = Instant::now();
    while bench.asked("/token") < before + tokens {
        listing(client).await;
        assert!(begun.elapsed() < Duration::from_mins(3), "no token is renewed");
    }
}

#[tokio::test]
async fn a_client_secret_is_renewed_without_a_failed_request() {
    let bench = bench().await;
    let client = bench.client();
    listed_through(&bench, &client, 1).await;
    for _ in 0..3 {
        let renewed = bench.tenant.add_client_secret();
        listed_through(&bench, &client, 1).await;
        bench.write("secret", &renewed);
        listed_through(&bench, &client, 1).await;
        bench.tenant.withdraw_older();
        listed_through(&bench, &client, 1).await;
    }
}

#[tokio::test]
async fn a_certificate_and_its_key_are_renewed_one_after_the_other() {
    let bench = bench().await;
    let client = bench.client_with_certificate(bench.tenant.certificate_pem());
    listed_through(&bench, &client, 1).await;
    let (certificate, key) = bench.tenant.add_certificate().unwrap();
    bench.write("certificate.pem", &certificate);
    // In this moment the two files do not belong together: whoever asks for a token now waits
    // until they do, and shows the tenant nothing.
    let write_key = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        bench.write("key.pem", &key);
    };
    let ((), ()) = tokio::join!(listed_through(&bench, &client, 2), write_key);
    bench.tenant.withdraw_older();
    listed_through(&bench, &client, 2).await;
    let refused = bench.tenant.requests().into_iter();
    let refused = refused.filter(|seen| seen.path.ends_with("/token") && seen.status != Some(200));
    assert_eq!(refused.count(), 0);
}

#[tokio::test]
async fn a_key_that_stays_another_one_is_named_and_not_shown() {
    let bench = bench().await;
    let (_, key) = bench.tenant.add_certificate().unwrap();
    let credential = Credential::Certificate {
        certificate_file: bench.file("certificate.pem"),
        private_key_file: bench.write("other.pem", &key),
    };
    let told = crate::fault(&bench, credential).await;
    let words = ["privateKeyFile", "other.pem", "does not belong", "certificate.pem"];
    crate::assert_told(&told, "configuration", &words);
    assert_eq!(bench.asked("/token"), 0);
}

#[tokio::test]
async fn a_federated_token_is_renewed_without_a_failed_request() {
    let bench = Bench::new(&World::small(3)).await;
    let claims = ("https://issuer.example", "writeback", "api://AzureADTokenExchange");
    bench.tenant.trust(claims.0, claims.1, claims.2);
    let renew = || {
        let token = bench.tenant.foreign_token(claims, SignedDuration::from_hours(2)).unwrap();
        bench.write("federated", &token)
    };
    let credential = Credential::FederatedToken { file: renew() };
    let client = Tenant::open(options(&bench, credential)).unwrap();
    listed_through(&bench, &client, 1).await;
    for round in 0..4 {
        // A projected token is swapped, but a tool may write it in place: for a moment it is cut,
        // and nobody notices while the tenant's token is good.
        bench.write("federated", "eyJ");
        listing(&client).await;
        // The tenant's token ends, and the one that was shown for it.
        bench.tenant.shift_clock(SignedDuration::from_hours(2));
        if round > 0 {
            renew();
            listed_through(&bench, &client, 1).await;
            continue;
        }
        // Whoever asks in that moment waits for it: once, for such a wait is not repeated soon.
        let mend = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            renew();
        };
        let ((), ()) = tokio::join!(listed_through(&bench, &client, 1), mend);
    }
}

#[tokio::test]
async fn an_authority_is_renewed_without_a_failed_request() {
    let mut bench = bench().await;
    let client = bench.client();
    listing(&client).await;
    for name in ["Second authority", "Third authority"] {
        let authority = Authority::new(name);
        let both = format!("{}{}", bench.tenant.ca_pem(), authority.ca_pem());
        bench.write("ca.pem", &both);
        bench.tenant.change_authority(authority).await.unwrap();
        listing(&client).await;
        bench.write("ca.pem", &bench.tenant.ca_pem());
        listing(&client).await;
        let gone = bench.write("ca.pem", "");
        listing(&client).await;
        std::fs::remove_file(gone).unwrap();
        listing(&client).await;
        bench.write("ca.pem", &bench.tenant.ca_pem());
    }
}

#[tokio::test]
async fn requests_that_meet_a_renewed_authority_together_all_go_on() {
    let mut bench = bench().await;
    let world = World::small(3);
    let client = bench.client();
    // Every group is asked for its members, several of them at once.
    assert!(all_members(&client, &world).await.values().all(Result::is_ok));
    bench.tenant.set_token_lifetime(SignedDuration::from_hours(1));
    for name in ["Second authority", "Third authority", "Fourth authority"] {
        let authority = Authority::new(name);
        listed_through(&bench, &client, 1).await;
        // The token at hand is good for long: nothing but a refused certificate leads to the file.
        bench.write("ca.pem", &authority.ca_pem());
        bench.tenant.change_authority(authority).await.unwrap();
        let members = all_members(&client, &world).await;
        assert!(members.values().all(Result::is_ok), "{members:?}");
        bench.tenant.revoke_tokens();
    }
}

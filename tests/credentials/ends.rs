//! When each credential ends.

use std::path::Path;

use writeback::settings::Settings;
use writeback::sim::world::World;

use crate::bench::{Bench, now};

fn settings(bench: &Bench, credential: &str) -> Settings {
    let text = format!(
        "apiVersion: writeback/v1alpha1
kind: DaemonConfiguration
metadata: {{ name: corp }}
tenant:
  id: 11111111-2222-3333-4444-555555555555
  clientId: 66666666-7777-8888-9999-000000000000
  credential: {{ {credential} }}
  caFile: ca.pem
directory:
  servers: [ldaps://dc1.corp.example]
  bind: {{ simple: {{ name: a, passwordFile: secret }} }}
  caFile: ca.pem
  containers: ['OU=a,DC=b']
state: {{ path: state }}
"
    );
    let file = bench.file("writeback.yaml");
    Settings::parse(Path::new(&file), text.as_bytes()).unwrap()
}

#[tokio::test]
async fn every_credential_says_when_it_ends_where_it_knows() {
    let bench = Bench::new(&World::small(3)).await;
    let life = jiff::SignedDuration::from_hours(1);
    let token = bench.tenant.foreign_token(("https://a", "b", "c"), life).unwrap();
    bench.write("federated", &token);
    let hour = now() + life;
    let end_of_certificate = "2100-12-31T00:00:00Z".parse().unwrap();
    for (given, word, ends) in [
        ("clientSecretFile: secret", "client_secret", None),
        (
            "certificate: { certificateFile: certificate.pem, privateKeyFile: key.pem }",
            "certificate",
            Some(end_of_certificate),
        ),
        ("federatedTokenFile: federated", "federated_token", Some(hour)),
        ("managedIdentity: {}", "managed_identity", None),
    ] {
        let seen = settings(&bench, given).read_credentials(now());
        let words: Vec<_> = seen.iter().map(|state| state.credential.word).collect();
        assert_eq!(words, [word, "bind_password", "tenant_ca", "directory_ca"]);
        let apart = |one: jiff::Timestamp, other: jiff::Timestamp| {
            one.duration_since(other).abs() < jiff::SignedDuration::from_mins(1)
        };
        match (seen[0].expires, ends) {
            (Some(seen), Some(ends)) => assert!(apart(seen, ends), "{seen} {ends}"),
            (seen, ends) => assert_eq!(seen, ends),
        }
        assert_eq!(seen[1].expires, None, "a password does not say when it ends");
        assert!(seen[2].expires.is_some() && seen[3].expires.is_some());
    }
    std::fs::remove_file(bench.file("secret")).unwrap();
    let seen = settings(&bench, "managedIdentity: {}").read_credentials(now());
    assert_eq!(seen.len(), 3, "what cannot be read is not seen");
}

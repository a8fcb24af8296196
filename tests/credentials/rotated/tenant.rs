//! What is shown to the tenant, and the authority by which it is known.

use jiff::SignedDuration;
use writeback::sim::tls::Authority;

use super::{Secret, check, stage, swap, tokens};
use crate::stage::Stage;

struct ClientSecret {
    first: String,
}

impl Secret for ClientSecret {
    fn give(&mut self, stage: &mut Stage) {
        let fresh = stage.tenant.add_client_secret();
        swap(stage, "client-secret", &fresh);
    }

    fn take(&mut self, stage: &mut Stage) {
        stage.tenant.withdraw_older();
        stage.tenant.revoke_tokens();
    }

    fn bring_back(&mut self, stage: &mut Stage) {
        swap(stage, "client-secret", &self.first);
        stage.tenant.revoke_tokens();
    }
}

#[test]
fn a_client_secret_is_renewed_under_load_without_a_failed_pass() {
    let stage = Stage::written();
    let first = stage.tenant.client_secret().to_owned();
    check(stage, ClientSecret { first });
}

/// Two files: one of them is swapped before the other, and which one differs from round to round.
struct Certificate {
    first: (String, String),
    round: usize,
}

impl Certificate {
    fn write(&mut self, stage: &Stage, (certificate, key): &(String, String)) {
        self.round += 1;
        let mut files = [("certificate.pem", certificate), ("key.pem", key)];
        if self.round.is_multiple_of(2) {
            files.reverse();
        }
        for (name, text) in files {
            swap(stage, name, text);
        }
    }
}

impl Secret for Certificate {
    fn give(&mut self, stage: &mut Stage) {
        let fresh = stage.tenant.add_certificate().unwrap();
        self.write(stage, &fresh);
    }

    fn take(&mut self, stage: &mut Stage) {
        stage.tenant.withdraw_older();
        stage.tenant.revoke_tokens();
    }

    fn bring_back(&mut self, stage: &mut Stage) {
        let first = self.first.clone();
        self.write(stage, &first);
        stage.tenant.revoke_tokens();
    }
}

#[test]
fn a_certificate_and_its_key_are_renewed_under_load_without_a_failed_pass() {
    let stage = stage("certificate: { certificateFile: certificate.pem, privateKeyFile: key.pem }");
    let tenant = &stage.tenant;
    let first = (tenant.certificate_pem().to_owned(), tenant.private_key_pem().to_owned());
    let mut certificate = Certificate { first: first.clone(), round: 0 };
    certificate.write(&stage, &first);
    check(stage, certificate);
}

/// Tokens of another issuer are not withdrawn: they end. The tenant's clock goes on by two hours in
/// each round, so that the old one, which has an hour left, ends, and the new one keeps an hour.
struct FederatedToken {
    first: String,
}

impl FederatedToken {
    const CLAIMS: (&'static str, &'static str, &'static str) = (
        "https://oidc.corp.example/cluster",
        "system:serviceaccount:writeback:writeback",
        "api://AzureADTokenExchange",
    );

    fn new(stage: &Stage) -> Self {
        stage.tenant.trust(Self::CLAIMS.0, Self::CLAIMS.1, Self::CLAIMS.2);
        let first = Self::fresh(stage, 1);
        swap(stage, "token", &first);
        Self { first }
    }

    fn fresh(stage: &Stage, hours: i64) -> String {
        stage.tenant.foreign_token(Self::CLAIMS, SignedDuration::from_hours(hours)).unwrap()
    }
}

impl Secret for FederatedToken {
    fn give(&mut self, stage: &mut Stage) {
        swap(stage, "token", &Self::fresh(stage, 3));
    }

    fn take(&mut self, stage: &mut Stage) {
        // Tokens of the tenant end with it, too: a second word about them might meet a new one.
        stage.tenant.shift_clock(SignedDuration::from_hours(2));
    }

    fn bring_back(&mut self, stage: &mut Stage) {
        swap(stage, "token", &self.first);
        stage.tenant.revoke_tokens();
    }
}

#[test]
fn a_federated_token_is_renewed_under_load_without_a_failed_pass() {
    let stage = stage("federatedTokenFile: token");
    let token = FederatedToken::new(&stage);
    check(stage, token);
}

/// The authority of the tenant's certificate: proxies that look into TLS have authorities of their own. The server
/// goes away for a moment each time, and every connection with it.
struct TenantAuthority {
    first: Authority,
    next: Authority,
}

impl Secret for TenantAuthority {
    fn give(&mut self, stage: &mut Stage) {
        self.next = Authority::new("Next authority");
        let both = format!("{}{}", stage.tenant.ca_pem(), self.next.ca_pem());
        swap(stage, "tenant-ca.pem", &both);
    }

    fn take(&mut self, stage: &mut Stage) {
        let Stage { runtime, tenant, .. } = stage;
        runtime.block_on(tenant.change_authority(self.next.clone())).unwrap();
        swap(stage, "tenant-ca.pem", &stage.tenant.ca_pem());
    }

    /// The server shows one certificate at a time: what it is asked was asked over that.
    fn used(&self, stage: &Stage) -> (usize, usize) {
        (stage.tenant.requests().len(), tokens(stage).1)
    }

    fn bring_back(&mut self, stage: &mut Stage) {
        swap(stage, "tenant-ca.pem", &self.first.ca_pem());
        stage.tenant.revoke_tokens();
    }

    fn refusal(&self) -> &'static str {
        "untrusted"
    }
}

#[test]
fn the_authority_of_the_tenant_is_renewed_under_load_without_a_failed_pass() {
    let stage = Stage::written();
    let first = stage.tenant.authority().clone();
    let next = first.clone();
    check(stage, TenantAuthority { first, next });
}

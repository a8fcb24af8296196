//! What is set wrong about the tenant: its names, its secret, the rights that nobody granted.

use std::fs;

use writeback::sim::tls::Authority;

use super::{CLOSED_PORT, Mistake, WRONG_SECRET, check, use_certificate};
use crate::stage::Stage;

fn grant(stage: &Stage, roles: &[&str]) {
    stage.tenant.set_roles(roles.iter().map(|role| (*role).to_owned()).collect());
    stage.tenant.revoke_tokens();
}

const TENANT: [Mistake; 14] = [
    Mistake {
        what: "wrong secret",
        make: |_, product| drop(product.write("client-secret", WRONG_SECRET)),
        code: 1,
        names: &["client-secret is wrong", "AADSTS7000215"],
    },
    Mistake {
        what: "expired secret",
        make: |stage, product| {
            drop(product.write("client-secret", stage.tenant.expired_client_secret()));
        },
        code: 1,
        names: &["client-secret has expired", "AADSTS7000222"],
    },
    Mistake {
        what: "secret file missing",
        make: |_, product| fs::remove_file(product.path().join("client-secret")).unwrap(),
        code: 1,
        names: &["client-secret", "No such file"],
    },
    Mistake {
        what: "secret file empty",
        make: |_, product| drop(product.write("client-secret", "")),
        code: 1,
        names: &["client-secret", "empty"],
    },
    Mistake {
        what: "expired certificate of the application",
        make: |stage, product| {
            let tenant = &stage.tenant;
            use_certificate(product, tenant.expired_certificate_pem(), tenant.private_key_pem());
        },
        code: 1,
        names: &["certificate.pem", "expired"],
    },
    Mistake {
        what: "certificate that the application does not know",
        make: |stage, product| {
            let tenant = &stage.tenant;
            let certificate = tenant.unregistered_certificate_pem();
            use_certificate(product, certificate, tenant.private_key_pem());
        },
        code: 1,
        names: &["certificate.pem", "not registered"],
    },
    Mistake {
        what: "private key file that is a certificate",
        make: |stage, product| {
            let certificate = stage.tenant.certificate_pem();
            use_certificate(product, certificate, certificate);
        },
        code: 1,
        names: &["key.pem"],
    },
    Mistake {
        what: "wrong tenant id",
        make: |stage, product| {
            let id = stage.tenant.tenant_id().to_string();
            product.reconfigure(&id, "11111111-2222-3333-4444-555555555555");
        },
        code: 1,
        names: &["tenant.id"],
    },
    Mistake {
        what: "unknown application",
        make: |stage, product| {
            let id = stage.tenant.client_id().to_string();
            product.reconfigure(&id, "11111111-2222-3333-4444-555555555555");
        },
        code: 1,
        names: &["tenant.clientId"],
    },
    Mistake {
        what: "wrong scope",
        make: |stage, product| {
            product.reconfigure(&stage.tenant.scope(), "https://elsewhere.invalid/.default");
        },
        code: 1,
        names: &["tenant.scope"],
    },
    Mistake {
        what: "CA file of somebody else for the tenant",
        make: |_, product| {
            drop(product.write("tenant-ca.pem", &Authority::new("Somebody else").ca_pem()));
        },
        code: 1,
        names: &["unknown authority", "tenant.caFile"],
    },
    Mistake {
        what: "CA file of the tenant missing",
        make: |_, product| fs::remove_file(product.path().join("tenant-ca.pem")).unwrap(),
        code: 1,
        names: &["tenant.caFile", "tenant-ca.pem"],
    },
    Mistake {
        what: "CA file of the tenant is no PEM",
        make: |_, product| drop(product.write("tenant-ca.pem", "nonsense")),
        code: 1,
        names: &["tenant.caFile", "tenant-ca.pem"],
    },
    Mistake {
        what: "nobody listens where the tenant should be",
        make: |stage, product| {
            let here = stage.tenant.login_url();
            let nowhere = format!("https://127.0.0.1:{CLOSED_PORT}");
            product.reconfigure(&format!("loginUrl: {here}"), &format!("loginUrl: {nowhere}"));
        },
        code: 4,
        names: &["tenant.loginUrl", "gives no answer"],
    },
];

#[test]
fn mistakes_about_the_tenant() {
    let stage = Stage::small();
    for mistake in &TENANT {
        check(&stage, mistake);
    }
}

const RIGHTS: [Mistake; 5] = [
    Mistake {
        what: "no rights at all",
        make: |stage, _| grant(stage, &[]),
        code: 1,
        names: &["Group.Read.All"],
    },
    Mistake {
        what: "no right to read groups",
        make: |stage, _| grant(stage, &["User.Read.All"]),
        code: 1,
        names: &["Group.Read.All"],
    },
    Mistake {
        what: "no right to read deleted groups",
        make: |stage, _| grant(stage, &["GroupMember.Read.All", "User.Read.All"]),
        code: 1,
        names: &["deleted", "Group.Read.All"],
    },
    Mistake {
        what: "rights of nothing that is needed",
        make: |stage, _| grant(stage, &["Device.Read.All"]),
        code: 1,
        names: &["Group.Read.All"],
    },
    Mistake {
        what: "members may not be read through the proxy of a mistyped host",
        make: |stage, product| {
            grant(stage, &["Group.Read.All", "GroupMember.Read.All", "User.Read.All"]);
            let here = stage.tenant.graph_url();
            let nowhere = format!("https://127.0.0.1:{CLOSED_PORT}");
            product.reconfigure(&format!("graphUrl: {here}"), &format!("graphUrl: {nowhere}"));
        },
        code: 4,
        names: &["tenant.graphUrl", "gives no answer"],
    },
];

#[test]
fn mistakes_about_rights_in_the_tenant() {
    let stage = Stage::small();
    for mistake in &RIGHTS {
        check(&stage, mistake);
    }
}

#[test]
fn without_the_right_to_read_users_no_group_is_written_and_the_right_is_named() {
    let stage = Stage::small();
    grant(&stage, &["Group.Read.All", "GroupMember.Read.All"]);
    let ran = stage.product.run(&["apply"]).expect(4);
    assert!(ran.stdout.contains("User.Read.All"), "{}", ran.stdout);
    assert_eq!(stage.removals(), (0, 0));
    assert!(stage.held().values().all(|(_, members)| members.is_empty()), "{:?}", stage.held());
}

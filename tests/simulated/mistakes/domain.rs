//! What is set wrong about the domain: certificates, account, containers, rights.

use std::fs;

use writeback::sim::domain::DomainOptions;
use writeback::sim::tenant;
use writeback::sim::tls::{Authority, Certificate};
use writeback::sim::world::World;

use super::{CLOSED_PORT, Mistake, WRONG_SECRET, check};
use crate::stage::{CONTAINER, EVERYTHING, Stage};

fn server(certificate: Certificate) -> tenant::Options {
    tenant::Options { certificate, ..tenant::Options::default() }
}

fn controller(certificate: Certificate) -> DomainOptions {
    DomainOptions { certificate, ..DomainOptions::default() }
}

#[test]
fn mistakes_about_certificates_of_servers() {
    for (cloud, directory, what, names) in [
        (
            Certificate::Expired,
            Certificate::Valid,
            "expired certificate of the tenant",
            ["expired certificate", "clock"].as_slice(),
        ),
        (
            Certificate::OtherName,
            Certificate::Valid,
            "host name mismatch of the tenant",
            &["other host names", "tenant.loginUrl"],
        ),
        (
            Certificate::Valid,
            Certificate::Expired,
            "expired certificate of the domain controller",
            &["it has expired", "domain controller"],
        ),
        (
            Certificate::Valid,
            Certificate::OtherName,
            "host name mismatch of the domain controller",
            &["elsewhere.invalid", "directory.servers"],
        ),
    ] {
        let stage = Stage::with(World::small(7), server(cloud), controller(directory));
        let mistake = Mistake { what, make: |_, _| {}, code: 1, names: &[] };
        check(&stage, &Mistake { names, ..mistake });
    }
}

const DOMAIN: [Mistake; 10] = [
    Mistake {
        what: "wrong bind password",
        make: |_, product| drop(product.write("bind-password", WRONG_SECRET)),
        code: 1,
        names: &["bind-password", "svc-writeback"],
    },
    Mistake {
        what: "unknown bind account",
        make: |_, product| product.reconfigure("svc-writeback", "svc-writebakc"),
        code: 1,
        names: &["bind-password", "svc-writebakc"],
    },
    Mistake {
        what: "password file missing",
        make: |_, product| fs::remove_file(product.path().join("bind-password")).unwrap(),
        code: 1,
        names: &["bind-password", "No such file"],
    },
    Mistake {
        what: "password file empty",
        make: |_, product| drop(product.write("bind-password", "\n")),
        code: 1,
        names: &["bind-password", "empty"],
    },
    Mistake {
        what: "CA file of somebody else for the domain",
        make: |_, product| {
            drop(product.write("domain-ca.pem", &Authority::new("Somebody else").ca_pem()));
        },
        code: 1,
        names: &["domain-ca.pem", "directory.caFile"],
    },
    Mistake {
        what: "no CA file for the domain",
        make: |_, product| product.reconfigure("  caFile: domain-ca.pem\n", ""),
        code: 1,
        names: &["directory.caFile"],
    },
    Mistake {
        what: "CA file of the domain missing",
        make: |_, product| fs::remove_file(product.path().join("domain-ca.pem")).unwrap(),
        code: 1,
        names: &["domain-ca.pem", "directory.caFile"],
    },
    Mistake {
        what: "container that does not exist",
        make: |_, product| {
            product.reconfigure(CONTAINER, "OU=Cloud Gruops,DC=corp,DC=example");
            product.policy("everything", &EVERYTHING.replace("Cloud Groups", "Cloud Gruops"));
        },
        code: 1,
        names: &["OU=Cloud Gruops", "directory.containers"],
    },
    Mistake {
        what: "container of another domain",
        make: |_, product| {
            product.reconfigure(CONTAINER, "OU=Cloud Groups,DC=other,DC=example");
            product.policy("everything", &EVERYTHING.replace("DC=corp", "DC=other"));
        },
        code: 1,
        names: &["naming context", "directory.containers"],
    },
    Mistake {
        what: "nobody listens where the domain controller should be",
        make: |stage, product| {
            let nowhere = format!("ldaps://localhost:{CLOSED_PORT}");
            product.reconfigure(&stage.domain.url(), &nowhere);
        },
        code: 4,
        names: &["connect to ldaps://localhost:", "refused"],
    },
];

#[test]
fn a_plan_needs_no_right_to_write_and_names_what_apply_would_lack() {
    let stage = Stage::small();
    stage.product.reconfigure(CONTAINER, "OU=People,DC=corp,DC=example");
    stage.product.policy("everything", &EVERYTHING.replace("Cloud Groups", "People"));
    let planned = stage.product.run(&["plan"]).expect(2);
    let refused = stage.product.run(&["apply"]).expect(1);
    for told in [&planned.stderr, &refused.stderr] {
        for name in ["OU=People", "may not create groups", "delegate"] {
            assert!(told.contains(name), "{told}");
        }
    }
    assert!(planned.stderr.contains("a plan needs no more"), "{}", planned.stderr);
    assert!(stage.writes().is_empty());
}

#[test]
fn mistakes_about_the_domain() {
    let stage = Stage::small();
    for mistake in &DOMAIN {
        check(&stage, mistake);
    }
}

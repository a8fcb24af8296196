//! Runs that fail, in each way in which a secret can be wrong, lost or in the wrong place.

use std::fs;

use jiff::SignedDuration;
use serde_json::Value;

use crate::cage::{Cage, TRUSTED, WRONG, Way};
use crate::keytab;
use crate::product::{Product, get};

/// One mistake about a secret.
struct Mistake {
    what: &'static str,
    way: Way,
    make: fn(&Cage, &Product),
    /// The exit code of `plan`.
    code: i32,
}

fn token_of(cage: &Cage, whose: (&str, &str, &str), hours: i64) -> String {
    cage.stage.tenant.foreign_token(whose, SignedDuration::from_hours(hours)).unwrap()
}

fn write_keytab(product: &Product, file: &str) {
    fs::write(product.path().join(file), keytab::made()).unwrap();
}

const MISTAKES: [Mistake; 22] = [
    Mistake {
        what: "a wrong client secret",
        way: Way::Secret,
        make: |_, product| drop(product.write("client-secret", WRONG)),
        code: 1,
    },
    Mistake {
        what: "an expired client secret",
        way: Way::Secret,
        make: |cage, product| {
            drop(product.write("client-secret", cage.stage.tenant.expired_client_secret()));
        },
        code: 1,
    },
    Mistake {
        what: "the bind password where the client secret belongs",
        way: Way::Secret,
        make: |cage, product| {
            let password = &cage.stage.domain.service_account().password;
            drop(product.write("client-secret", password));
        },
        code: 1,
    },
    Mistake {
        what: "a client secret of two lines",
        way: Way::Secret,
        make: |cage, product| {
            let secret = cage.stage.tenant.client_secret();
            drop(product.write("client-secret", &format!("{secret}\n{WRONG}\n")));
        },
        code: 1,
    },
    Mistake {
        what: "the client secret in the configuration itself",
        way: Way::Secret,
        make: |_, product| {
            product.reconfigure(
                "clientSecretFile: client-secret",
                &format!("clientSecret: '{WRONG}'"),
            );
        },
        code: 5,
    },
    Mistake {
        what: "the bind password in the configuration itself",
        way: Way::Secret,
        make: |_, product| {
            product.reconfigure("passwordFile: bind-password", &format!("password: '{WRONG}'"));
        },
        code: 5,
    },
    Mistake {
        what: "a certificate that the application does not know",
        way: Way::Certificate,
        make: |cage, product| {
            let pem = cage.stage.tenant.unregistered_certificate_pem();
            drop(product.write("certificate.pem", pem));
        },
        code: 1,
    },
    Mistake {
        what: "an expired certificate",
        way: Way::Certificate,
        make: |cage, product| {
            drop(product.write("certificate.pem", cage.stage.tenant.expired_certificate_pem()));
        },
        code: 1,
    },
    Mistake {
        what: "certificate and key in each other's place",
        way: Way::Certificate,
        make: |cage, product| {
            product.write("certificate.pem", cage.stage.tenant.private_key_pem());
            product.write("key.pem", cage.stage.tenant.certificate_pem());
        },
        code: 1,
    },
    Mistake {
        what: "a private key that is cut off",
        way: Way::Certificate,
        make: |cage, product| {
            let pem = cage.stage.tenant.private_key_pem();
            drop(product.write("key.pem", &pem[..pem.len() / 2]));
        },
        code: 1,
    },
    Mistake {
        what: "the client secret where the private key belongs",
        way: Way::Certificate,
        make: |cage, product| {
            drop(product.write("key.pem", cage.stage.tenant.client_secret()));
        },
        code: 1,
    },
    Mistake {
        what: "a federated token whose time is over",
        way: Way::Federated,
        make: |cage, product| drop(product.write("token", &token_of(cage, TRUSTED, -1))),
        code: 1,
    },
    Mistake {
        what: "a federated token of another account",
        way: Way::Federated,
        make: |cage, product| {
            let whose = (TRUSTED.0, "system:serviceaccount:default:default", TRUSTED.2);
            drop(product.write("token", &token_of(cage, whose, 1)));
        },
        code: 1,
    },
    Mistake {
        what: "the client secret where the federated token belongs",
        way: Way::Federated,
        make: |cage, product| drop(product.write("token", cage.stage.tenant.client_secret())),
        code: 1,
    },
    Mistake {
        what: "a federated token whose signature is cut off",
        way: Way::Federated,
        make: |cage, product| {
            let token = &cage.federated;
            drop(product.write("token", &token[..token.len() - 40]));
        },
        code: 1,
    },
    Mistake {
        what: "a wrong bind password",
        way: Way::Secret,
        make: |_, product| drop(product.write("bind-password", WRONG)),
        code: 1,
    },
    Mistake {
        what: "a keytab where the bind password belongs",
        way: Way::Secret,
        make: |_, product| write_keytab(product, "bind-password"),
        code: 1,
    },
    Mistake {
        what: "a keytab where the client secret belongs",
        way: Way::Secret,
        make: |_, product| write_keytab(product, "client-secret"),
        code: 1,
    },
    Mistake {
        what: "a keytab where the private key belongs",
        way: Way::Certificate,
        make: |_, product| write_keytab(product, "key.pem"),
        code: 1,
    },
    Mistake {
        what: "a keytab where the federated token belongs",
        way: Way::Federated,
        make: |_, product| write_keytab(product, "token"),
        code: 1,
    },
    // The default build has no Kerberos; one that has takes no server inside TLS with it.
    Mistake {
        what: "a keytab that is not asked for in this way",
        way: Way::Secret,
        make: |_, product| {
            write_keytab(product, "keytab");
            let text = fs::read_to_string(product.path().join("writeback.yaml")).unwrap();
            let bind = text.lines().find(|line| line.contains("  bind: { simple:")).unwrap();
            let kerberos =
                "  bind: { kerberos: { keytabFile: keytab, principal: a@CORP.EXAMPLE } }";
            product.reconfigure(bind, kerberos);
        },
        code: 5,
    },
    Mistake {
        what: "the client secret where the bind password belongs",
        way: Way::Certificate,
        make: |cage, product| {
            drop(product.write("bind-password", cage.stage.tenant.client_secret()));
        },
        code: 1,
    },
];

/// Makes every mistake of one way, and runs what a person would try.
fn check(way: Way) {
    let mut cage = Cage::new();
    let whose = (TRUSTED.0, "system:serviceaccount:default:default", TRUSTED.2);
    for (name, token) in [
        ("an old token", token_of(&cage, TRUSTED, -1)),
        ("a strange token", token_of(&cage, whose, 1)),
    ] {
        cage.ear.learn_token(name, &token);
    }
    for mistake in MISTAKES.iter().filter(|mistake| mistake.way == way) {
        let product = cage.product(mistake.way);
        (mistake.make)(&cage, &product);
        let ran = cage.run(&product, &["plan", "--output", "json"]);
        let said = format!("{}: {}\n{}", mistake.what, ran.stdout, ran.stderr);
        assert_eq!(ran.code, mistake.code, "{said}");
        for line in [["apply"].as_slice(), &["discover"], &["discover", "--output", "json"]] {
            cage.run(&product, line);
        }
        cage.run(&product, &["status"]);
        cage.run(&product, &["validate"]);
    }
    assert!(cage.stage.writes().is_empty());
}

#[test]
fn no_mistake_with_a_client_secret_tells_it() {
    check(Way::Secret);
}

#[test]
fn no_mistake_with_a_certificate_tells_its_key() {
    check(Way::Certificate);
}

#[test]
fn no_mistake_with_a_federated_token_tells_it() {
    check(Way::Federated);
}

/// The daemon that cannot begin, and the one that loses its secret on the way.
fn check_daemon(way: Way, file: &str) {
    let cage = Cage::new();
    let product = cage.product(way);
    let right = fs::read_to_string(product.path().join(file)).unwrap();
    product.write(file, WRONG);
    let mut daemon = Cage::daemon(&product);
    let address = daemon.status.clone();
    let is_faulty = move || {
        let status: Value = serde_json::from_str(&get(&address, "/api/v1/status").1).ok()?;
        (status["lastPass"]["number"].is_u64() || !status["fault"].is_null())
            .then(|| !status["fault"].is_null())
    };
    daemon.until("the fault is told", || is_faulty().filter(|faulty| *faulty));
    cage.watch(&product, &daemon);
    // Put right while it runs, and taken away again.
    product.write(file, &right);
    daemon.until("a pass goes well", || is_faulty().filter(|faulty| !faulty));
    fs::remove_file(product.path().join(file)).unwrap();
    cage.stage.tenant.revoke_tokens();
    if file == "bind-password" {
        // A connection that is bound goes on without it.
        daemon.passes(1);
    } else {
        daemon.until("the loss is told", || is_faulty().filter(|faulty| *faulty));
    }
    cage.watch(&product, &daemon);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0), "{way:?} {file}");
}

#[test]
fn a_daemon_whose_client_secret_is_wrong_tells_none() {
    check_daemon(Way::Secret, "client-secret");
}

#[test]
fn a_daemon_whose_key_is_wrong_tells_none() {
    check_daemon(Way::Certificate, "key.pem");
}

#[test]
fn a_daemon_whose_federated_token_is_wrong_tells_none() {
    check_daemon(Way::Federated, "token");
}

#[test]
fn a_daemon_whose_bind_password_is_wrong_tells_none() {
    check_daemon(Way::Secret, "bind-password");
}

//! Every wrong setting a newcomer can make ends in one message that names the file, the setting or
//! the right to mend, with its exit code, soon, and without hammering anybody.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use crate::product::Product;
use crate::stage::{CONTAINER, EVERYTHING, Stage, until};
use tokio::time::Instant;
use writeback::sim::domain::{DomainOptions, OperationKind};
use writeback::sim::tenant;
use writeback::sim::tls::{Authority, Certificate};
use writeback::sim::world::World;

/// A person who waits longer believes that it hangs. Five tries take 7.5 s at the most.
const SOON: Duration = Duration::from_secs(20);
/// Requests to one side before anybody gives up: five tries of one request, and the token.
const REQUESTS_MAX: usize = 6;

/// One mistake.
struct Mistake {
    /// What is wrong, for the reader of a failed test.
    what: &'static str,
    /// Makes it.
    make: fn(&Stage, &Product),
    /// The exit code.
    code: i32,
    /// Words that the message has.
    names: &'static [&'static str],
}

/// Makes a mistake in a fresh folder, runs `plan`, and holds what must hold of every mistake.
fn check(stage: &Stage, mistake: &Mistake) {
    let product = stage.another_product();
    product.policy("everything", EVERYTHING);
    (mistake.make)(stage, &product);
    meet(stage, &product, "plan", mistake);
}

fn meet(stage: &Stage, product: &Product, command: &str, mistake: &Mistake) {
    stage.tenant.clear_requests();
    stage.domain.clear_operations();
    let begun = Instant::now();
    let ran = product.run(&[command]);
    let took = begun.elapsed();
    let all = format!("{}: exit {}\n{}\n{}", mistake.what, ran.code, ran.stdout, ran.stderr);
    assert_eq!(ran.code, mistake.code, "{all}");
    assert!(took < SOON, "{took:?} for {all}");
    let messages: Vec<_> = ran.stderr.lines().filter(|l| l.starts_with("writeback: ")).collect();
    assert_eq!(messages.len(), 1, "one message, not {}: {all}", messages.len());
    let warnings =
        ran.stderr.lines().filter(|line| line.contains("WARN") || line.contains("ERROR"));
    assert_eq!(warnings.count(), 0, "the log says it a second time: {all}");
    for name in mistake.names {
        assert!(messages[0].contains(name), "{name} is not named: {all}");
    }
    stage.keeps_secrets(&all);
    assert!(!all.contains(WRONG_SECRET), "a wrong secret is a secret too: {all}");
    let asked = stage.tenant.requests().len();
    assert!(asked <= REQUESTS_MAX, "{asked} requests: {all}");
    let tokens = stage.tenant.requests().into_iter().filter(|seen| seen.method == "POST").count();
    let operations = stage.domain.operations();
    let binds = operations.iter().filter(|seen| seen.kind == OperationKind::Bind).count();
    assert!(tokens <= 5 && binds <= 1, "{tokens} token requests, {binds} binds: {all}");
    assert!(stage.writes().is_empty(), "{all}");
}

const WRONG_SECRET: &str = "not-the-secret-at-all";

fn use_certificate(product: &Product, certificate: &str, key: &str) {
    product.write("certificate.pem", certificate);
    product.write("key.pem", key);
    product.reconfigure(
        "clientSecretFile: client-secret",
        "certificate: { certificateFile: certificate.pem, privateKeyFile: key.pem }",
    );
}

/// A port of loopback where nobody listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

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
            let nowhere = format!("https://127.0.0.1:{}", closed_port());
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
            let nowhere = format!("https://127.0.0.1:{}", closed_port());
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
            let nowhere = format!("ldaps://localhost:{}", closed_port());
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

const FILES: [Mistake; 13] = [
    Mistake {
        what: "a value that is none of the words",
        make: |_, product| product.policy("everything", &EVERYTHING.replace("Sync", "Snyc")),
        code: 5,
        names: &["policies/everything.yaml:5:9: ", "Snyc", "Sync"],
    },
    Mistake {
        what: "an unknown key in a policy",
        make: |_, product| {
            product.policy("everything", &format!("{EVERYTHING}\n  memebrs: {{ mode: Mirror }}"));
        },
        code: 5,
        names: &["policies/everything.yaml:10:3: ", "memebrs", "members"],
    },
    Mistake {
        what: "a key that is there twice",
        make: |_, product| {
            product.policy("everything", &format!("{EVERYTHING}\n  mode: Observe"));
        },
        code: 5,
        names: &["policies/everything.yaml:10:3: ", "mode"],
    },
    Mistake {
        what: "no mode",
        make: |_, product| {
            product.policy("everything", &EVERYTHING.replace("mode: Sync", "suspend: false"));
        },
        code: 5,
        names: &["policies/everything.yaml:", "spec.mode", "missing"],
    },
    Mistake {
        what: "a policy that writes outside the containers",
        make: |_, product| {
            product.policy("everything", &EVERYTHING.replace("Cloud Groups", "People"));
        },
        code: 5,
        names: &["policies/everything.yaml:7:", "OU=People", "directory.containers"],
    },
    Mistake {
        what: "a pattern that is no regular expression",
        make: |_, product| {
            let selection = "  selection: { include: [{ displayName: '^(' }] }";
            product.policy("everything", &format!("{EVERYTHING}\n{selection}"));
        },
        code: 5,
        names: &["policies/everything.yaml:10:", "displayName"],
    },
    Mistake {
        what: "a policy folder that is not there",
        make: |_, product| fs::remove_dir_all(product.path().join("policies")).unwrap(),
        code: 5,
        names: &["policies:1:1: ", "policies.path"],
    },
    Mistake {
        what: "a policy folder without policies",
        make: |_, product| {
            fs::remove_file(product.path().join("policies/everything.yaml")).unwrap();
        },
        code: 5,
        names: &["policies", "*.yaml"],
    },
    Mistake {
        what: "an unknown key in the configuration",
        make: |_, product| product.reconfigure("confirmAfter:", "confirmafter:"),
        code: 5,
        names: &["writeback.yaml:21:", "confirmafter", "confirmAfter"],
    },
    Mistake {
        what: "a key that is there twice in the configuration",
        make: |_, product| product.reconfigure("state:", "kind: DaemonConfiguration\nstate:"),
        code: 5,
        names: &["writeback.yaml:20:1: ", "kind"],
    },
    Mistake {
        what: "an interval that is no duration",
        make: |_, product| product.reconfigure("interval: 1s", "interval: soon"),
        code: 5,
        names: &["writeback.yaml:21:", "schedule.interval", "soon"],
    },
    Mistake {
        what: "LDAP without TLS",
        make: |_, product| product.reconfigure("ldaps://", "ldap://"),
        code: 5,
        names: &["writeback.yaml:15:", "ldaps://", "TLS"],
    },
    Mistake {
        what: "no configuration at all",
        make: |_, product| fs::remove_file(product.path().join("writeback.yaml")).unwrap(),
        code: 5,
        names: &["writeback.yaml", "--config"],
    },
];

#[test]
fn mistakes_in_files() {
    let stage = Stage::small();
    for mistake in &FILES {
        check(&stage, mistake);
    }
}

#[test]
fn every_mistake_of_a_file_is_told_at_once() {
    let stage = Stage::small();
    let spec = EVERYTHING.replace("mode: Sync", "mode: Snyc").replace("preset", "prest");
    stage.product.policy("everything", &spec);
    stage.product.reconfigure("http: {", "htpp: {");
    let ran = stage.product.run(&["validate"]).expect(5);
    assert!(ran.stdout.contains("writeback.yaml:22:1: "), "{}", ran.stdout);
    stage.product.reconfigure("htpp: {", "http: {");
    let ran = stage.product.run(&["validate"]).expect(5);
    let told = ran.stdout.lines().filter(|line| line.contains("everything.yaml:"));
    assert!(told.count() >= 3, "{}", ran.stdout);
}

#[test]
fn mistakes_about_the_machine() {
    let stage = Stage::small();
    let in_the_way = Mistake {
        what: "a file where the state directory should be",
        make: |_, _| {},
        code: 1,
        names: &["state.path", "state"],
    };
    stage.product.write("state", "no directory");
    for command in ["apply", "run"] {
        meet(&stage, &stage.product, command, &in_the_way);
    }
    fs::remove_file(stage.product.path().join("state")).unwrap();

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let listeners: [(&str, &'static [&'static str]); 2] =
        [("listen", &["http.listen", "in use"]), ("status", &["http.status", "in use"])];
    for (setting, names) in listeners {
        let product = stage.another_product();
        product.policy("everything", EVERYTHING);
        product
            .reconfigure(&format!("{setting}: '127.0.0.1:0'"), &format!("{setting}: '{address}'"));
        meet(
            &stage,
            &product,
            "run",
            &Mistake { what: "a port that is taken", make: |_, _| {}, code: 1, names },
        );
    }
}

#[test]
fn a_daemon_with_a_wrong_secret_or_password_does_not_hammer() {
    let stage = Stage::small();
    stage.product.write("bind-password", WRONG_SECRET);
    let mut daemon = stage.product.daemon();
    daemon.passes(1);
    let message = daemon.status()["fault"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("bind-password"), "{message}");
    // The interval is a second. What only a person can mend is not tried again and again.
    until("the loop has come round", || {
        let waits = daemon.status()["nextPassAt"].as_str().map(str::to_owned);
        waits.is_some()
    });
    let next =
        || daemon.status()["nextPassAt"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let ended = daemon.status()["lastPass"]["endedAt"].as_str().unwrap().parse().unwrap();
    assert!(next().duration_since(ended).as_secs() > 600, "{} after {ended}", next());
    // Mended, it goes on without a restart.
    stage.product.write("bind-password", &stage.domain.service_account().password);
    until("the mended password is used", || stage.held() == stage.wanted());
    let operations = stage.domain.operations();
    let refused =
        operations.iter().filter(|seen| seen.kind == OperationKind::Bind && seen.code != Some(0));
    assert_eq!(refused.count(), 1, "a refused password is offered once");

    stage.product.write("client-secret", WRONG_SECRET);
    stage.tenant.clear_requests();
    stage.tenant.revoke_tokens();
    until("the wrong secret is refused", || {
        daemon.status()["fault"]["message"].as_str().is_some_and(|m| m.contains("client-secret"))
    });
    let finance = stage.id("Finance");
    stage.cloud(|cloud| cloud.rename_group(finance, "Money"));
    stage.product.write("client-secret", stage.tenant.client_secret());
    until("the mended secret is used", || stage.held() == stage.wanted());
    let requests = stage.tenant.requests();
    let refused = requests.iter().filter(|seen| seen.method == "POST" && seen.status != Some(200));
    assert_eq!(refused.count(), 1, "a refused secret is offered once");
    stage.keeps_secrets(&daemon.log());
    assert!(!daemon.log().contains(WRONG_SECRET));
}

//! Every wrong setting a newcomer can make ends in one message that names the file, the setting or
//! the right to mend, with its exit code, soon, and without hammering anybody.

#[path = "mistakes/domain.rs"]
mod domain;
#[path = "mistakes/files.rs"]
mod files;
#[path = "mistakes/tenant.rs"]
mod tenant;

use std::time::Duration;

use tokio::time::Instant;
use writeback::sim::domain::OperationKind;

use crate::product::Product;
use crate::stage::{EVERYTHING, Stage, until};

/// A person who waits longer believes that it hangs. Five tries take 7.5 s at the most; the rest is
/// for a machine that does much else.
const SOON: Duration = Duration::from_mins(1);
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

/// A port where nobody listens, and which nobody is given who asks for a free one (`discard`,
/// RFC 863).
const CLOSED_PORT: u16 = 9;

#[test]
fn a_daemon_with_a_wrong_secret_or_password_does_not_hammer() {
    let stage = Stage::small();
    stage.product.write("bind-password", WRONG_SECRET);
    let mut daemon = stage.product.daemon();
    daemon.passed(1);
    let message = daemon.status()["fault"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("bind-password"), "{message}");
    // The interval is a second. What only a person can mend is not tried again and again.
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
    // For a pass that began with the right one, the mended one is the one that it knows.
    daemon.passes(1);
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

//! A daemon that waits because a person must mend something goes on as soon as a file is mended,
//! whatever kind of file it is.

use std::time::Duration;

use serde_json::Value;
use writeback::sim::tls::Authority;

use crate::product::{Daemon, get};
use crate::stage::Stage;

/// How long the daemon may be silent: what it shows a supervisor, it looks at its files for.
const SILENCE: Duration = Duration::from_secs(2);

/// A file of authorities with so many words around them that no secret is as large.
fn bundle(pem: &str) -> String {
    let words = "# An authority among many, as a distribution writes its store of them.\n";
    format!("{}{pem}", words.repeat(2_000))
}

fn start(stage: &Stage) -> Daemon {
    stage.product.daemon_with(|command| {
        command.env("NOTIFY_SOCKET", stage.product.path().join("nobody-listens"));
        command.env("WATCHDOG_USEC", SILENCE.as_micros().to_string());
    })
}

/// Holds that the daemon stands still with this fault, until `file` has the right content.
#[track_caller]
fn check(stage: &Stage, file: &str, wrong: &str, right: &str, reason: &str) {
    stage.product.write(file, wrong);
    let mut daemon = start(stage);
    let address = daemon.status.clone();
    let status =
        || -> Option<Value> { serde_json::from_str(&get(&address, "/api/v1/status").1).ok() };
    daemon.until("the fault is told", || status().filter(|now| now["fault"]["reason"] == reason));
    stage.product.write(file, right);
    // Without the file it would wait a quarter of an hour.
    daemon.until("a pass goes well", || {
        status().filter(|now| now["fault"].is_null() && now["lastPass"]["result"] == "InStep")
    });
}

#[test]
fn a_large_file_of_the_tenants_authorities_that_is_mended_wakes_the_daemon() {
    let stage = Stage::written();
    let (wrong, right) = (Authority::new("Another").ca_pem(), stage.tenant.ca_pem());
    check(&stage, "tenant-ca.pem", &bundle(&wrong), &bundle(&right), "untrusted");
}

#[test]
fn a_large_file_of_the_domains_authorities_that_is_mended_wakes_the_daemon() {
    let stage = Stage::written();
    let (wrong, right) = (Authority::new("Another").ca_pem(), stage.domain.ca_pem().to_owned());
    check(&stage, "domain-ca.pem", &bundle(&wrong), &bundle(&right), "certificate_untrusted");
}

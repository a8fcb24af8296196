//! Tenant and domain are down at once: nothing that a restart would mend. Whoever restarts what
//! does not live must leave the daemon alone.

use writeback::sim::tenant::{Fault, Order, Where};

use crate::product::{Daemon, get};
use crate::stage::{Stage, until};
use crate::{condition, pass};

/// What a probe answers. A connection that was cut says nothing of the daemon.
#[track_caller]
fn probed(daemon: &Daemon, path: &str) -> (u16, String) {
    let mut answer = (0, String::new());
    until(&format!("{path} is answered"), || {
        answer = get(&daemon.metrics, path);
        answer.0 != 0
    });
    answer
}

/// Which process answers, by its own word.
#[track_caller]
fn process(daemon: &Daemon) -> String {
    let text = probed(daemon, "/metrics").1;
    let started = text.lines().find(|line| line.starts_with("process_start_time_seconds "));
    started.unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// Waits until so many passes in a row have failed, the last one for this reason; it lives and is
/// ready all the while: its policies are valid, its state is writable, it is not shutting down.
#[track_caller]
fn fails(daemon: &Daemon, count: u64, reason: &str) {
    for failures in 1..=count {
        until(&format!("{failures} passes fail: {reason}"), || {
            let told = daemon.status()["consecutiveFailures"].as_u64() >= Some(failures);
            told && condition(daemon, "everything", "Stalled")["reason"] == reason
        });
        for path in ["/livez", "/readyz"] {
            let answer = probed(daemon, path);
            assert_eq!(answer, (200, "ok\n".to_owned()), "{path}: {:#}", daemon.status());
        }
    }
    assert_eq!(daemon.status()["lastPass"]["result"], "Failed");
}

#[test]
fn a_daemon_lives_while_tenant_and_domain_are_down_and_goes_on_by_itself() {
    let stage = Stage::written();
    let mut daemon = stage.product.daemon();
    daemon.passed(1);
    let before = (process(&daemon), pass(&daemon));
    stage.tenant.order(Order::always(Where::Any, Fault::Unavailable503));
    stage.domain.set_deaf(true);
    stage.domain.set_busy(true);
    let held = stage.held();
    stage.put_in("Board", &["Ada Lovelace"]);
    assert_ne!(stage.wanted(), held);
    fails(&daemon, 2, "DomainUnavailable");
    let down = pass(&daemon);
    assert!(down >= before.1 + 2, "{down} after {}", before.1);

    // The tenant is down as well, which shows by itself when the domain is back.
    stage.domain.set_busy(false);
    stage.domain.set_deaf(false);
    fails(&daemon, 3, "TenantUnavailable");
    assert!(pass(&daemon) > down);
    assert_eq!(stage.held(), held);

    // Nobody does anything to the daemon.
    stage.tenant.clear_orders();
    until("it is ready", || condition(&daemon, "everything", "Ready")["status"] == true);
    assert_eq!(daemon.status()["consecutiveFailures"], 0);
    assert_eq!(stage.held(), stage.wanted());
    assert_eq!(process(&daemon), before.0, "it was started again");
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
}

//! The keytab renewed while the shipped daemon runs.

use std::fs;

use uuid::Uuid;
use writeback::sim::world::WorldGroup;

use crate::line::Line;
use crate::product::{Daemon, get};
use crate::{Case, lab_says, prepare, written};

/// How long tickets live, in seconds: a new one is got when half of it is over. Samba takes one
/// with two minutes or less for a ticket to change a password with.
const TICKET_SECONDS: u32 = 125;

/// A number that the daemon tells of itself.
#[track_caller]
fn count(daemon: &Daemon, series: &str) -> u64 {
    let metrics = get(&daemon.metrics, "/metrics").1;
    let value = metrics.lines().find_map(|line| line.strip_prefix(series));
    value.unwrap_or_else(|| panic!("{series} is not there")).trim().parse().unwrap()
}

/// Changes the tenant, and holds that it arrives in the container.
#[track_caller]
fn arrives(case: &Case, container: &str, daemon: &mut Daemon, words: &str) {
    let group = case.tenant.cloud().group_named("All Employees").unwrap().id;
    let say = |group: &mut WorldGroup| group.description = Some(words.to_owned());
    case.tenant.edit(|cloud| cloud.change(group, say)).unwrap();
    let filter = format!("(&(objectClass=group)(description={words}))");
    daemon.until(words, || {
        let found = lab_says(&["search", "-b", container, &filter, "1.1"]);
        found.contains("dn: ").then_some(())
    });
}

#[test]
fn a_keytab_is_renewed_under_the_daemon_without_a_failed_pass() {
    let name = format!("Renewed-{}", Uuid::new_v4().simple());
    let container = lab_says(&["ou", &name]).trim().to_owned();
    // Its groups are not those of the other tests, which stand in the same domain.
    let case = Case::within(&container, 8);
    let line = Line::new();
    case.product.reconfigure("ldap://localhost", &format!("ldap://localhost:{}", line.port));
    let configuration = fs::read_to_string(case.lab.join("krb5.conf")).unwrap();
    let short = format!("[libdefaults]\n    ticket_lifetime = {TICKET_SECONDS}s\n");
    assert!(configuration.contains("[libdefaults]\n"));
    let configuration =
        case.product.write("krb5.conf", &configuration.replace("[libdefaults]\n", &short));
    // What the library does: it tells of keys by a few digits of a digest.
    let trace = case.product.path().join("trace");
    let mut daemon = case.product.daemon_with(|command| {
        command.arg("-vvv").env("KRB5_TRACE", &trace);
        prepare(command, &configuration);
    });
    daemon.passes(1);
    assert_eq!(written(&container).len(), 8, "{}", daemon.log());
    let told = |words: &str| fs::read_to_string(&trace).unwrap().matches(words).count();
    let tickets = || told("AS key obtained for encrypted timestamp");
    assert_eq!(tickets(), 1, "one ticket serves many binds");
    case.renew_keytab(1);
    let mut round = 0;
    while tickets() == 1 {
        round += 1;
        line.cut();
        arrives(&case, &container, &mut daemon, &format!("round {round}"));
    }
    // The controller knows the new key alone: that ticket was got with it, and binds from here on.
    line.cut();
    arrives(&case, &container, &mut daemon, "the last round");
    daemon.passes(1);
    assert_eq!(told("Preauthentication failed"), 0);
    assert!(tickets() >= 2, "{} tickets", tickets());
    for result in ["held", "incomplete", "changes_failed", "failed"] {
        let series = format!("writeback_reconcile_total{{result=\"{result}\"}}");
        assert_eq!(count(&daemon, &series), 0, "{series}\n{}", daemon.log());
    }
    assert_eq!(count(&daemon, "writeback_reconcile_errors_total{side=\"domain\"}"), 0);
    let bound = count(&daemon, "writeback_ldap_operations_total{op=\"bind\",result=\"ok\"}");
    assert!(bound > round, "{bound} binds in {round} rounds");
    {
        let ear = case.ear.lock().unwrap();
        ear.check("the log of the daemon", &daemon.log());
        ear.check("the metrics of the daemon", &get(&daemon.metrics, "/metrics").1);
        ear.check("the status of the daemon", &get(&daemon.status, "/api/v1/status").1);
    }
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    case.left_no_key_behind();
}

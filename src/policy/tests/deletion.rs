//! `spec.deletion`: what is read, refused and warned about.

use jiff::SignedDuration;

use super::*;
use crate::model::policy::Departure;

const QUARANTINE: &str = "OU=Quarantine,OU=Cloud Groups,DC=corp,DC=example";

fn deletion(fields: &str) -> Deletion {
    parsed(&spec(&format!("  deletion: {{ {fields} }}"))).policy.deletion
}

#[test]
fn each_ending_of_each_event_is_read() {
    for (word, departure) in [
        ("Retain", Departure::Retain),
        ("Disable", Departure::Disable),
        ("Quarantine", Departure::Quarantine),
        ("Delete", Departure::Delete),
    ] {
        let place = match departure {
            Departure::Quarantine => format!("quarantineContainer: '{QUARANTINE}'"),
            Departure::Retain | Departure::Disable | Departure::Delete => "grace: 0s".to_owned(),
        };
        let read = |event: &str| deletion(&format!("{event}: {word}, {place}"));
        assert_eq!(read("onDisabled").on_disabled, departure);
        assert_eq!(read("onOutOfScope").on_out_of_scope, departure);
        assert_eq!(read("onSoftDeleted").on_soft_deleted, departure);
        assert_eq!(read("onHardDeleted").on_hard_deleted, departure);
        assert_eq!(read("onDisabled").on_out_of_scope, Departure::Retain);
    }
    let read = deletion(&format!("onDisabled: Quarantine, quarantineContainer: '{QUARANTINE}'"));
    assert_eq!(read.quarantine_container, Dn::parse(QUARANTINE).ok());
}

#[test]
fn a_grace_is_read_up_to_a_year() {
    assert_eq!(deletion("grace: 36h").grace, SignedDuration::from_hours(36));
    assert_eq!(deletion("grace: 365d").grace, SignedDuration::from_hours(365 * 24));
    assert!(deletion("onDisabled: Delete, grace: 0s").grace.is_zero());
}

const WRONG: &[(&str, &str)] = &[
    (
        "  deletion: { onDisabled: Remove }",
        "8:27: `spec.deletion.onDisabled` is `Remove`, which is none of its values; \
          the values are Retain, Disable, Quarantine, Delete",
    ),
    (
        "  deletion: { onOutOfScop: Delete }",
        "8:15: `spec.deletion.onOutOfScop` is not a known field; did you mean `onOutOfScope`?",
    ),
    (
        "  deletion: { grace: 366d }",
        "8:22: `spec.deletion.grace` is 366d, out of range; use 0s to 365d",
    ),
    (
        "  deletion: { grace: 1w }",
        "8:22: `spec.deletion.grace` is `1w`, not a duration; \
          write one whole number and one unit: 30s, 10m, 6h or 1d",
    ),
    (
        "  deletion: { onSoftDeleted: Quarantine }",
        "8:15: `spec.deletion.onSoftDeleted` is `Quarantine`, but there is no quarantine \
          container; add `quarantineContainer` to `spec.deletion`, with a place inside the \
          containers",
    ),
    (
        "  deletion: { quarantineContainer: 'OU=Q,OU=Cloud Groups,DC=corp,DC=example' }",
        "8:15: `spec.deletion.quarantineContainer` is given, but nothing is quarantined; \
          leave the field out, or write Quarantine for one of the events",
    ),
    (
        "  deletion: { onDisabled: Quarantine, quarantineContainer: 'OU=Q,DC=corp,DC=example' }",
        "8:60: `spec.deletion.quarantineContainer` is `OU=Q,DC=corp,DC=example`, outside the \
          containers of the configuration; use a place inside `directory.containers`, or add \
          it there",
    ),
    (
        "  deletion: { onDisabled: Quarantine, quarantineContainer: \
          'ou=cloud groups,dc=corp,dc=example' }",
        "8:60: `spec.deletion.quarantineContainer` holds `OU=Cloud Groups,DC=corp,DC=example`, \
          where groups are created; name a place of its own, such as \
          'OU=Quarantine,OU=Cloud Groups,DC=corp,DC=example'",
    ),
    (
        "  deletion: { onDisabled: Quarantine, quarantineContainer: }",
        "8:39: `spec.deletion.quarantineContainer` has no value; give it one, or leave it out",
    ),
];

#[test]
fn each_wrong_deletion_is_refused_at_its_place() {
    each_is_refused(WRONG);
}

#[test]
fn endings_that_never_come_are_warned_about() {
    each_is_warned_about(&[
        (
            "  deletion: { onHardDeleted: Retain, grace: 1d }",
            &["8:38: `spec.deletion.grace` changes nothing: every event lets the group stay; \
               leave the field out, or choose what a group is to wait for"],
        ),
        ("  deletion: { grace: 1d }", &[]),
        (
            "  deletion: { onDisabled: Disable }\n  selection: { writebackFlag: Ignore, \
             include: [{ types: [Security] }] }",
            &["8:15: `spec.deletion.onDisabled` never acts: under `writebackFlag: Ignore` no \
               group is switched off; leave the field out, or choose another `writebackFlag`"],
        ),
    ]);
    let text = spec("  deletion: { onDisabled: Disable, onSoftDeleted: Retain }");
    let under = |mode: &str| lines(&parsed(&text.replacen("Sync", mode, 1)).warnings);
    for mode in ["CreateOnly", "UpsertOnly"] {
        let expected = format!(
            "p.yaml:8:15: `spec.deletion.onDisabled` never acts: under `spec.mode` {mode} no \
             group is disabled; leave the field out, or write `mode: Sync`"
        );
        assert_eq!(under(mode), [expected]);
    }
    assert_eq!(under("Sync"), [""; 0]);
    assert_eq!(under("Observe"), [""; 0], "it shows what another mode would do");
}

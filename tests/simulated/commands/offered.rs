//! What the command line and the configuration offer, and what they refuse by name.

use crate::stage::{EVERYTHING, Stage};

#[test]
fn commands_and_options_that_there_are_not_are_refused_by_name() {
    let stage = Stage::small();
    let refused = stage.product.run(&["synchronise"]).expect(64);
    assert!(refused.stderr.contains("`synchronise` is no command"), "{}", refused.stderr);
    for from in
        ["http://daemon.example:9465", "ftp://127.0.0.1/", "https://me:hunter2@host.example"]
    {
        for command in [["plan"].as_slice(), &["explain", "Finance"]] {
            let refused = stage.product.run(&[command, &["--from", from]].concat()).expect(64);
            assert!(refused.stderr.contains("ask the daemon at"), "{}", refused.stderr);
            assert!(!refused.stderr.contains("me:secret"), "{}", refused.stderr);
        }
    }
    for line in [
        ["plan", "--output", "yaml"].as_slice(),
        &["status", "--output", "markdown"],
        &["plan", "--expect", "0123456789ab"],
        &["apply", "--dry-run"],
        &["run", "--policy", "everything"],
        &[],
    ] {
        stage.product.run(line).expect(64);
    }
    assert!(stage.tenant.requests().is_empty() && stage.domain.operations().is_empty());
}

#[test]
fn help_lists_what_is_built_and_nothing_else() {
    let stage = Stage::small();
    let help = stage.product.run(&["--help"]).expect(0).stdout;
    let (_, commands) = help.split_once("Commands:").unwrap();
    let (commands, _) = commands.split_once("Options:").unwrap();
    let listed: Vec<_> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(
        listed,
        [
            "demo",
            "validate",
            "discover",
            "plan",
            "explain",
            "apply",
            "adopt",
            "release",
            "approve",
            "pause",
            "resume",
            "reconcile",
            "reload",
            "undo",
            "journal",
            "run",
            "status",
            "schema",
            "completions",
            "help",
        ],
        "{help}"
    );
    for (command, shown, hidden) in [
        ("plan", ["--policy", "--from", "--state"].as_slice(), "--expect"),
        ("apply", &["--policy", "--expect", "--approve"], "--output"),
        ("approve", &["--not-after"], "--policy"),
    ] {
        let help = stage.product.run(&[command, "--help"]).expect(0).stdout;
        assert!(shown.iter().all(|option| help.contains(option)), "{help}");
        assert!(!help.contains(hidden), "{help}");
    }
    let version = stage.product.run(&["--version"]).expect(0).stdout;
    assert_eq!(version, format!("writeback {}\n", env!("CARGO_PKG_VERSION")));
}

/// Fields of the contract that this version does not build, in the daemon configuration: what is
/// replaced, by what, and the name.
const CONFIGURATION_FIELDS: [(&str, &str, &str); 5] = [
    ("directory:\n", "directory:\n  startTls: true\n", "startTls"),
    ("directory:\n", "directory:\n  domain: corp.example\n", "domain"),
    ("directory:\n", "directory:\n  globalCatalog: 'ldaps://dc1:3269'\n", "globalCatalog"),
    ("servers: [", "servers: ['ldaps://other.example', ", "servers"),
    ("schedule: {", "schedule: { flagInterval: 10m,", "flagInterval"),
];

#[test]
fn configuration_fields_that_are_not_built_are_refused_by_name() {
    let stage = Stage::small();
    for (from, to, name) in CONFIGURATION_FIELDS {
        let product = stage.another_product();
        product.policy("everything", EVERYTHING);
        product.reconfigure(from, to);
        for command in ["validate", "plan", "apply", "run"] {
            let refused = product.run(&[command]).expect(5);
            let text = refused.stdout + &refused.stderr;
            let named = text.lines().any(|line| {
                line.contains("writeback.yaml:")
                    && line.contains(name)
                    && line.contains("not supported yet")
            });
            assert!(named, "{command} with {to}: {text}");
        }
    }
    assert!(stage.tenant.requests().is_empty() && stage.domain.operations().is_empty());
}

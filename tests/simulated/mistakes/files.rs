//! What is set wrong in files and on the machine: settings, policies, folders, ports.

use std::fs;
use std::net::TcpListener;

use super::{Mistake, check, meet};
use crate::stage::{EVERYTHING, Stage};

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

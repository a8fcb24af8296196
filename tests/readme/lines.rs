//! What stands for each command line of the documents: the product itself wherever the line names
//! it, and for the words of a machine or a cluster the cheapest thing that is wrong when they are.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::blocks::{project, read, words};
use crate::cluster;
use crate::ground::Ground;

/// What is there before a command of the product runs.
type Prepare = fn(&mut Ground);
/// Does what a line says.
type Deed = fn(&mut Ground, &[String]);

/// A command of the product: what is prepared, with which codes it may end, and what it says then.
struct Own {
    line: &'static str,
    prepare: Prepare,
    codes: &'static [i32],
    says: &'static str,
}

const fn own(
    line: &'static str,
    prepare: Prepare,
    code: &'static [i32],
    says: &'static str,
) -> Own {
    Own { line, prepare, codes: code, says }
}

/// Nothing has to be there.
const NOTHING: Prepare = |_| ();

const PRODUCT: [Own; 25] = [
    own("writeback validate", NOTHING, &[0], "valid"),
    own("writeback discover", NOTHING, &[0, 4], "licence"),
    own("writeback plan", NOTHING, &[0, 2, 3], "digest"),
    own("writeback plan --output markdown", NOTHING, &[0, 2, 3], "|"),
    own(
        "writeback apply --expect 1a2b3c4d5e6f",
        |ground| ground.shown_by(&["plan"]),
        &[0],
        "changes done",
    ),
    own("writeback explain \"All Employees\"", Ground::written, &[0], "everything"),
    own("writeback status", Ground::running, &[0], "pass "),
    own("writeback approve 1a2b3c4d5e6f", Ground::held, &[0], "approved"),
    own("writeback pause", Ground::running, &[0], "paused"),
    own("writeback resume", Ground::running, &[0], "resume"),
    own("writeback reconcile", Ground::running, &[0], ""),
    own("writeback reload", Ground::running, &[0], ""),
    own(
        "writeback adopt --group 5f0c2a1e-77d4-4c1b-9a55-0d2b6e3f8a10 \
         --object 0b9e4d52-3c1f-4f6a-8e07-51a2c3d4e5f6",
        Ground::stopped,
        // The simulated tenant does not say that Microsoft's own writeback is off.
        &[1],
        "--confirm-incumbent-off",
    ),
    own(
        "writeback adopt --group 5f0c2a1e-77d4-4c1b-9a55-0d2b6e3f8a10 \
         --object 0b9e4d52-3c1f-4f6a-8e07-51a2c3d4e5f6 --confirm-incumbent-off",
        Ground::stopped,
        &[2],
        "adopt",
    ),
    own(
        "writeback release --group 5f0c2a1e-77d4-4c1b-9a55-0d2b6e3f8a10",
        |ground| {
            ground.written();
            ground.stopped();
        },
        &[2],
        "release",
    ),
    own(
        "writeback release --all",
        |ground| {
            ground.written();
            ground.stopped();
        },
        &[2],
        "8 release",
    ),
    own(
        "writeback release --all --expect 1a2b3c4d5e6f",
        |ground| {
            ground.written();
            ground.stopped();
            ground.shown_by(&["release", "--all"]);
        },
        &[0],
        "8 of 8 changes done",
    ),
    own("writeback undo 1a2b3c4d5e6f", Ground::done, &[2, 3], "- member"),
    own("writeback journal verify", Ground::written, &[0], "the journal is whole"),
    own("writeback journal show", Ground::written, &[0], ""),
    own(
        "writeback journal show --group NAME --at 2026-03-01T12:00:00Z",
        Ground::written,
        &[0],
        "Finance",
    ),
    own("writeback completions bash", NOTHING, &[0], "_writeback"),
    own("writeback schema policy", NOTHING, &[0], "$schema"),
    own("writeback plan --output json", NOTHING, &[0, 2, 3], "digest"),
    own("writeback --version", NOTHING, &[0], "writeback "),
];

/// Everything else, by its whole line.
const OTHERS: [(&str, Deed); 25] = [
    ("cargo run --release -- demo", |_, _| story()),
    ("tests/run", |_, words| shows_its_usage(&words[0])),
    ("writeback run", |ground, _| ground.running()),
    ("deploy/debian/package", |_, words| shows_its_usage(&words[0])),
    ("apt install ./target/debian/writeback_0.1.0-1_amd64.deb", |_, words| {
        let name = format!("writeback_{}-1_amd64.deb", env!("CARGO_PKG_VERSION"));
        assert!(words[2].ends_with(&name), "the package is called {name}");
    }),
    ("apt purge writeback", |ground, _| {
        assert!(read("Cargo.toml").contains("\nname = \"writeback\"\n"));
        assert!(ground.stage.owned().is_empty(), "everything was let go of");
        assert!(!ground.stage.wanted().is_empty());
    }),
    ("cp -r /usr/share/doc/writeback/examples/. /etc/writeback/", |ground, _| {
        for example in examples() {
            let name = example.strip_prefix("config/").unwrap();
            let to = ground.etc.path().join(name);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(project(&example), to).unwrap();
        }
    }),
    ("install -m 0600 client-secret bind-password /etc/writeback/", |ground, words| {
        let installed = Command::new(&words[0])
            .args(&words[1..5])
            .arg(ground.etc.path())
            .current_dir(ground.stage.product.path())
            .status();
        assert!(installed.unwrap().success());
        for name in &words[3..5] {
            let mode = fs::metadata(ground.etc.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            // The unit takes them from there.
            assert!(unit().contains(&format!("LoadCredential={name}:/etc/writeback/{name}\n")));
        }
    }),
    ("writeback --config /etc/writeback/writeback.yaml validate", |ground, words| {
        ground.configured();
        is_valid(ground, &words[2]);
    }),
    (FILES_THEMSELVES, |ground, _| {
        ground.configured();
        let etc = format!("{}/", ground.etc.path().display());
        let line = FILES_THEMSELVES.replace(" /etc/writeback/", &format!(" {etc}"));
        let line = line.replace(">/etc/writeback/", &format!(">{etc}"));
        assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
        let made = fs::read_to_string(ground.etc.path().join("by-hand.yaml")).unwrap();
        assert!(!made.contains(": /run/credentials"), "{made}");
        for name in ["client-secret", "bind-password"] {
            assert!(made.contains(&format!(": /etc/writeback/{name}\n")), "{name}: {made}");
        }
    }),
    ("writeback --config /etc/writeback/by-hand.yaml validate", |ground, words| {
        is_valid(ground, &words[2]);
    }),
    ("systemctl enable --now writeback", |ground, _| {
        assert!(unit().contains("\n[Install]\n"));
        ground.running();
    }),
    ("systemctl disable --now writeback", |ground, _| {
        ground.running();
        ground.stopped();
    }),
    ("systemctl start writeback", |ground, _| ground.running()),
    ("systemctl stop writeback", |ground, _| ground.backed_up()),
    ("systemctl reload writeback", |ground, _| {
        assert!(unit().contains("\nExecReload=/bin/kill -HUP $MAINPID\n"));
        ground.running();
        ground.daemon.as_ref().unwrap().signal("HUP");
        ground.daemon.as_mut().unwrap().passes(1);
    }),
    ("journalctl -u writeback", |_, _| drop(unit())),
    ("cp -a /var/backups/writeback/state.redb /var/lib/writeback/", |ground, words| {
        let state = ground.stage.product.path().join("state");
        let name = Path::new(&words[2]).file_name().unwrap();
        fs::copy(ground.backup.path().join(name), state.join(name)).unwrap();
        ground.restored = true;
    }),
    ("kubectl apply -k deploy/kubernetes/overlays/git-sync", cluster::applies),
    ("kubectl apply -k deploy/kubernetes/overlays/lab", cluster::applies),
    (
        "kubectl -n writeback create secret generic writeback-credentials \
         --from-file=client-secret --from-file=bind-password",
        |_, words| cluster::is_asked_for("secretName: ", "writeback-credentials", words),
    ),
    (
        "kubectl -n writeback create configmap writeback-directory-ca --from-file=ca.pem",
        |_, words| cluster::is_asked_for("name: ", "writeback-directory-ca", words),
    ),
    ("deploy/kubernetes/by-hand release --all", cluster::runs_by_hand),
    ("kubectl -n writeback port-forward writeback-0 9464", |_, _| {
        let pod = read("deploy/kubernetes/overlays/lab/stateful-set.yaml");
        assert!(pod.contains("'0.0.0.0:9464'"), "the demonstration is there");
    }),
    ("kubectl -n writeback port-forward writeback-0 9465", |_, words| {
        let status = format!("status: '127.0.0.1:{}'\n", words[5]);
        assert!(read(cluster::CONFIGURATION).contains(&status));
    }),
];

/// What runs a command of the product in the pod.
const IN_THE_POD: &str = "kubectl -n writeback exec writeback-0 -- ";

/// Does what a line says.
#[track_caller]
pub fn execute(ground: &mut Ground, line: &str) {
    let line = line.strip_prefix(IN_THE_POD).unwrap_or(line);
    if let Some((_, deed)) = OTHERS.iter().find(|(known, _)| *known == line) {
        return deed(ground, &words(line));
    }
    let own = PRODUCT.iter().find(|own| own.line == line);
    let own = own.unwrap_or_else(|| panic!("nothing stands for this line yet: {line}"));
    (own.prepare)(ground);
    let words = ground.fill(&words(line)[1..]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ran = ground.run(&words, own.codes);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains(own.says), "{line} does not say {:?}:\n{said}", own.says);
    if ground.restored && line == "writeback status" {
        assert!(said.contains("all removals wait until "), "the state is an old one:\n{said}");
    }
}

/// Makes a configuration for a stopped service.
const FILES_THEMSELVES: &str = "sed 's|/run/credentials/writeback.service|/etc/writeback|' \
                                /etc/writeback/writeback.yaml >/etc/writeback/by-hand.yaml";

/// The product takes a configuration of `/etc/writeback`.
fn is_valid(ground: &Ground, path: &str) {
    let path = ground.etc.path().join(path.strip_prefix("/etc/writeback/").unwrap());
    let command = ["--config", path.to_str().unwrap(), "validate"];
    let ran = Command::new(env!("CARGO_BIN_EXE_writeback")).args(command).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// The demonstration to its end; without `--once` it would go on.
fn story() {
    let ran = Command::new(env!("CARGO_BIN_EXE_writeback")).args(["demo", "--once"]).output();
    let ran = ran.unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && told.contains("--- scene 5"), "{told}");
}

/// It is there, and can be run; what it does is what runs this.
fn shows_its_usage(path: &str) {
    let ran = Command::new(project(path)).arg("--help").output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && told.starts_with("usage: "), "{path}: {told}");
}

fn unit() -> String {
    read("deploy/systemd/writeback.service")
}

/// What the package installs as examples.
fn examples() -> Vec<String> {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let assets = manifest["package"]["metadata"]["deb"]["assets"].as_array().unwrap().clone();
    let of_asset = |asset: &toml::Value| {
        let from = asset[0].as_str().unwrap().to_owned();
        asset[1].as_str().unwrap().contains("/examples/").then_some(from)
    };
    let mut files = Vec::new();
    for from in assets.iter().filter_map(of_asset) {
        match from.strip_suffix("/*.yaml") {
            None => files.push(from),
            Some(folder) => files.extend(
                fs::read_dir(project(folder))
                    .unwrap()
                    .map(|entry| entry.unwrap().path())
                    .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
                    .map(|path| format!("{folder}/{}", path.file_name().unwrap().display())),
            ),
        }
    }
    assert!(files.len() > 1);
    files
}

//! The image as a cluster runs it: another account than root, a root that cannot be written,
//! nothing in it but the binary and what the binary needs.
//!
//! Comes from: the folder that `WRITEBACK_IMAGE_ROOT` names (`tests/lab/image` mounts the built
//! image there); without it a root laid out in the same way around the binary of the tests.

#![cfg(feature = "sim")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, and no test needs everything of the support"
)]

#[path = "support/product.rs"]
mod product;
#[path = "support/stage.rs"]
mod stage;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::net::TcpSocket;

use product::{Product, Ran};
use stage::{Stage, until};

/// Who runs the tests.
const ROOT: u32 = 0;
/// The user of the image.
const USER: &str = "65532:65532";
/// The health check of the image (`Dockerfile`), without the path of the binary.
const HEALTH_CHECK: [&str; 2] = ["status", "--live"];
/// Mounts the configuration read-only and the state beside it writable, as a pod has them, and
/// becomes the binary. The mounts live and die with the process.
const CONFINED: &str = r#"
root=$1; folder=$2; user=$3; shift 3
mount --bind "$root" "$root"
mount --bind "$folder" "$root/etc/writeback"
mount --bind "$folder/state" "$root/etc/writeback/state"
mount -o remount,bind,ro "$root/etc/writeback"
mount -o remount,bind,ro "$root"
export WRITEBACK_CONFIG=/etc/writeback/writeback.yaml
exec chroot --userspec="$user" "$root" /usr/bin/writeback "$@"
"#;

/// The root of the image, and what keeps it alive.
struct Root {
    path: PathBuf,
    _own: Option<TempDir>,
}

impl Root {
    #[expect(clippy::disallowed_methods, reason = "tests/lab/image names the root")]
    fn here() -> Self {
        if let Some(path) = std::env::var_os("WRITEBACK_IMAGE_ROOT") {
            return Self { path: path.into(), _own: None };
        }
        let own = tempfile::tempdir().unwrap();
        fs::set_permissions(own.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/container/assemble");
        let laid_out =
            Command::new(script).arg(env!("CARGO_BIN_EXE_writeback")).arg(own.path()).output();
        let laid_out = laid_out.unwrap();
        assert!(laid_out.status.success(), "{}", String::from_utf8_lossy(&laid_out.stderr));
        Self { path: own.path().to_owned(), _own: Some(own) }
    }

    /// A command in it, for this folder of configuration, policies and state.
    fn command(&self, product: &Product, arguments: &[&str]) -> Command {
        let state = product.path().join("state");
        fs::create_dir_all(&state).unwrap();
        // Once: a daemon that runs there makes files and renames them.
        if fs::metadata(product.path()).unwrap().uid() == ROOT {
            let given = Command::new("chown").arg("-R").arg(USER).arg(product.path()).status();
            assert!(given.unwrap().success());
        }
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--propagation", "private", "--", "sh", "-euc", CONFINED, "sh"])
            .arg(&self.path)
            .arg(product.path())
            .arg(USER)
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, product: &Product, arguments: &[&str]) -> Ran {
        let output = self.command(product, arguments).output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Ended when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// Where a daemon listens, by its log; what else it says goes nowhere.
fn listens_at(daemon: &mut Child) -> String {
    let mut lines = BufReader::new(daemon.stderr.take().unwrap()).lines().map_while(Result::ok);
    let found = lines.by_ref().find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(&line).ok()?;
        (line["setting"] == "http.listen").then(|| line["address"].as_str().unwrap().to_owned())
    });
    std::thread::spawn(move || lines.for_each(drop));
    found.expect("the daemon says where it listens")
}

#[test]
fn the_root_holds_the_binary_and_what_it_needs() {
    let root = Root::here();
    let mut open = vec![root.path.clone()];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                open.push(path);
            } else {
                files.push(path.strip_prefix(&root.path).unwrap().display().to_string());
            }
        }
    }
    files.sort();
    let is_library = |file: &str| file.starts_with("lib") && file.contains(".so.");
    let others: Vec<_> = files.iter().filter(|file| !is_library(file)).collect();
    let expected = [
        "etc/group",
        "etc/hosts",
        "etc/nsswitch.conf",
        "etc/passwd",
        "etc/ssl/certs/ca-certificates.crt",
        "usr/bin/writeback",
    ];
    assert_eq!(others, expected);
    assert!(files.len() - others.len() <= 8, "{files:?}");
    for file in &files {
        let mode = fs::metadata(root.path.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7022, 0, "{file} lends rights, or others may write it");
    }
    let authorities = fs::read_to_string(root.path.join(expected[4])).unwrap();
    assert!(authorities.matches("BEGIN CERTIFICATE").count() > 50);
}

#[test]
fn confined_it_validates_plans_writes_and_says_how_it_is() {
    let (root, stage) = (Root::here(), Stage::small());
    root.run(&stage.product, &["validate"]).expect(0);
    let plan = root.run(&stage.product, &["plan"]).expect(2);
    assert!(plan.stdout.contains("create"), "{}", plan.stdout);
    assert!(stage.writes().is_empty());

    let mut daemon = root.command(&stage.product, &["--log-format", "json", "run"]);
    let daemon = daemon.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut daemon = Running(daemon);
    let at = listens_at(&mut daemon.0);
    stage.product.reconfigure("listen: '127.0.0.1:0'", &format!("listen: '{at}'"));
    // A busy machine may let it wait for longer than it does.
    until("it lives", || root.run(&stage.product, &HEALTH_CHECK).code == 0);
    // The records come last in a pass.
    until("everything is written", || root.run(&stage.product, &["plan"]).code == 0);
    assert_eq!(stage.held(), stage.wanted());
    root.run(&stage.product, &["status"]).expect(0);
    let number = daemon.0.id().to_string();
    let account = fs::read_to_string(format!("/proc/{number}/status")).unwrap();
    assert!(account.contains("\nUid:\t65532\t65532\t65532\t65532\n"), "{account}");
    assert!(account.contains("\nCapEff:\t0000000000000000\n"), "{account}");
    let asked = Command::new("kill").args(["-TERM", &number]).status().unwrap();
    assert!(asked.success());
    assert_eq!(daemon.0.wait().unwrap().code(), Some(0));
    root.run(&stage.product, &["status"]).expect(0);
    // Whoever else listens here does so at another port.
    let taken = TcpSocket::new_v4().unwrap();
    taken.set_reuseaddr(true).unwrap();
    taken.bind(at.parse().unwrap()).unwrap();
    let nobody = root.run(&stage.product, &HEALTH_CHECK).expect(1);
    assert!(nobody.stderr.contains("no daemon answers"), "{}", nobody.stderr);
    root.run(&stage.product, &["plan"]).expect(0);
}

#[test]
fn the_health_check_is_the_one_that_is_run_here() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Dockerfile");
    let text = fs::read_to_string(file).unwrap();
    let words = [&["/usr/bin/writeback"], HEALTH_CHECK.as_slice()].concat();
    let line = text.lines().find(|line| line.starts_with("HEALTHCHECK ")).unwrap();
    assert!(line.ends_with(&format!(" CMD {words:?}")), "{line}");
}

#[test]
fn confined_it_can_write_nowhere_but_in_its_state() {
    let (root, stage) = (Root::here(), Stage::small());
    stage.product.reconfigure("state: { path: state }", "state: { path: /usr/state }");
    let refused = root.run(&stage.product, &["apply"]).expect(1);
    assert!(refused.stderr.contains("/usr/state"), "{}", refused.stderr);
    assert!(refused.stderr.contains("Read-only file system"), "{}", refused.stderr);
    assert!(stage.writes().is_empty());
}

//! The admin socket: approvals, a pass on request, memory and status; who may ask and how.

#[path = "admin/beside.rs"]
mod beside;

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::product::{Daemon, Product, Ran};
use crate::stage::{Stage, until};
use serde_json::{Value, json};

/// Makes what was written look a day old: what was added within a day is taken out again without
/// asking anybody.
pub fn a_day_later(product: &Product) {
    product.a_day_later();
}

/// A daemon that has nothing to do, and makes no pass by itself after its first one.
pub fn waiting(stage: &Stage) -> Daemon {
    stage.product.run(&["apply"]).expect(0);
    a_day_later(&stage.product);
    stage.product.reconfigure("interval: 1s", "interval: 6h");
    let mut daemon = stage.product.daemon();
    daemon.passed(1);
    assert_eq!(stage.held(), stage.wanted());
    stage.domain.clear_operations();
    daemon
}

fn socket(product: &Product) -> PathBuf {
    product.path().join("state/admin.sock")
}

/// One exchange over the socket, byte for byte. The daemon has forgotten it afterwards: of the
/// connections that it takes at a time this is none any more.
fn say(product: &Product, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket(product)).unwrap();
    // The daemon may have answered and gone before everything was written; what it did not read
    // ends the connection with an error instead of its end (unix(7)).
    let _gone = stream.write_all(request);
    let mut answer = Vec::new();
    let _cut = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn ask(product: &Product, request: &Value) -> Value {
    let answer = say(product, format!("{request}\n").as_bytes());
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

fn refusal(answer: &Value) -> &str {
    assert_eq!(answer["answer"], "refused", "{answer}");
    answer["why"].as_str().unwrap()
}

/// Runs a command as an account that is neither root nor the daemon's.
fn as_stranger(product: &Product, arguments: &[&str]) -> Ran {
    let own = product.command(arguments);
    let output = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"])
        .arg(own.get_program())
        .args(own.get_args())
        .current_dir(product.path())
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// What the daemon holds now, by its digest.
fn held_digest(daemon: &Daemon) -> Option<String> {
    daemon.status()["plan"]["heldDigest"].as_str().map(str::to_owned)
}

#[test]
fn an_approval_lets_exactly_the_held_set_through_and_is_used_once() {
    let stage = Stage::small();
    let mut daemon = waiting(&stage);
    stage.empty_nearly("All Employees");
    stage.product.run(&["apply"]).expect(3);
    let first = held_digest(&daemon).unwrap();
    assert_eq!(daemon.status()["memory"]["heldSets"][0]["digest"], first.as_str());
    // More is held now: the word for the smaller set is no word for the larger one.
    stage.empty_nearly("Engineering");
    let held = stage.product.run(&["apply"]).expect(3).stdout;
    let second = held_digest(&daemon).unwrap();
    assert_ne!(first, second);
    assert!(held.contains(&format!("held {second}")), "{held}");
    assert!(held.contains(&format!("`writeback approve {}`", &second[..12])), "{held}");
    assert!(held.contains("held since 20"), "{held}");
    let refused = stage.product.run(&["approve", &first]).expect(1);
    assert!(refused.stderr.contains("is not held"), "{}", refused.stderr);
    assert!(refused.stderr.contains(&second[..12]), "{}", refused.stderr);
    for wrong in [&second[..11], "0123456789abcdef", "", "../../etc"] {
        stage.product.run(&["approve", wrong]).expect(1);
    }
    assert_eq!(stage.removals(), (0, 0));

    let taken = stage.product.run(&["approve", &second[..12]]).expect(0).stdout;
    assert!(taken.contains(&second) && taken.contains("root (uid 0)"), "{taken}");
    assert!(taken.contains("remove"), "{taken}");
    daemon.until("the held set is let through", || (stage.held() == stage.wanted()).then_some(()));
    until("that pass has ended", || held_digest(&daemon).is_none());
    let again = stage.product.run(&["approve", &second]).expect(1);
    let why = format!("{} was approved and used up at 20", &second[..12]);
    assert!(again.stderr.contains(&why), "{}", again.stderr);
    assert!(again.stderr.contains(", and an equal set is refused until 20"), "{}", again.stderr);
    let notes: Vec<_> = stage.product.journal();
    let of = |kind: &str| notes.iter().filter(|line| line["kind"] == kind).count();
    assert_eq!((of("approval"), of("approvalUsed")), (1, 1), "{notes:#?}");
    let note = notes.iter().find(|line| line["kind"] == "approval").unwrap();
    assert_eq!(note["approvedBy"], "root (uid 0)", "{note}");
    assert_eq!(note["digest"], second.as_str());
}

#[test]
fn an_approval_ends_within_a_day() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    stage.empty_nearly("All Employees");
    stage.product.run(&["apply"]).expect(3);
    let digest = held_digest(&daemon).unwrap();
    for (time, why) in
        [("2020-01-01T00:00:00Z", "before it begins"), ("2999-01-01T00:00:00Z", "at most 24 hours")]
    {
        let refused = stage.product.run(&["approve", &digest, "--not-after", time]).expect(1);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
    stage.product.run(&["approve", &digest, "--not-after", "tomorrow"]).expect(64);
    assert_eq!(stage.removals(), (0, 0));
}

#[test]
fn an_approval_needs_a_daemon_and_says_what_goes_without() {
    let stage = Stage::small();
    let absent = stage.product.run(&["approve", "0123456789ab"]).expect(1);
    assert!(absent.stderr.contains("apply --approve"), "{}", absent.stderr);
    assert_eq!(absent.stdout, "");
    assert!(!stage.product.path().join("state").exists());
}

#[test]
fn the_status_of_the_last_pass_outlives_the_daemon_and_says_so() {
    let stage = Stage::small();
    let none = stage.product.run(&["status"]).expect(1);
    assert!(none.stderr.contains("no daemon answers"), "{}", none.stderr);
    let daemon = waiting(&stage);
    let text = stage.product.run(&["status"]).expect(0).stdout;
    assert!(text.contains("policy everything: 8 groups"), "{text}");
    assert!(!text.contains("no daemon"), "{text}");
    let json = stage.product.run(&["status", "--output", "json"]).expect(0).stdout;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["running"], true);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    let text = stage.product.run(&["status"]).expect(0).stdout;
    assert!(text.starts_with("! no daemon runs"), "{text}");
    assert!(text.contains("policy everything: 8 groups"), "{text}");
    let json = stage.product.run(&["status", "--output", "json"]).expect(0).stdout;
    let status: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(status["running"], false, "{status:#}");
    assert_eq!(status["lastPass"]["result"], "InStep", "{status:#}");
    let head = status["memory"]["journalHead"].as_str().unwrap();
    assert!(head.split_once(':').unwrap().1.len() == 64, "{head}");
    stage.keeps_secrets(&json);
}

#[test]
fn the_socket_is_for_its_owner_and_goes_with_the_daemon() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    let path = socket(&stage.product);
    let found = fs::symlink_metadata(&path).unwrap();
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    assert!(!path.exists());
    // One that was left behind is replaced; anything else is left alone.
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let daemon = stage.product.daemon();
    until("it answers", || UnixStream::connect(&path).is_ok());
    drop(daemon);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "mine").unwrap();
    let refused = stage.product.run(&["run"]).expect(1);
    assert!(refused.stderr.contains("is no socket"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    fs::remove_file(&path).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    let refused = stage.product.run(&["run"]).expect(1);
    assert!(refused.stderr.contains("another process serves it"), "{}", refused.stderr);
    drop(other);
    let long = format!("http: {{ adminSocket: {}/admin.sock,", "x".repeat(100));
    stage.product.reconfigure("http: {", &long);
    let refused = stage.product.run(&["run"]).expect(5);
    assert!(refused.stderr.contains("at most 107"), "{}", refused.stderr);
}

#[test]
fn a_stranger_is_told_no_and_nothing_else() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    stage.empty_nearly("All Employees");
    stage.product.run(&["apply"]).expect(3);
    let digest = held_digest(&daemon).unwrap();
    let path = socket(&stage.product);
    // The file system alone keeps strangers out; here it is taken away.
    let closed = as_stranger(&stage.product, &["approve", &digest]);
    assert_ne!(closed.code, 0, "{}", closed.stdout);
    for (path, mode) in [
        (stage.product.path().to_owned(), 0o755),
        (stage.product.path().join("writeback.yaml"), 0o644),
        (path.parent().unwrap().to_owned(), 0o755),
        (path.clone(), 0o666),
    ] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let refused = as_stranger(&stage.product, &["approve", &digest]).expect(1);
    assert!(refused.stderr.contains("uid 65534) may not ask"), "{}", refused.stderr);
    let from = ["plan", "--from", path.to_str().unwrap()];
    let refused = as_stranger(&stage.product, &from).expect(1);
    assert!(refused.stderr.contains("may not ask"), "{}", refused.stderr);
    assert_eq!(refused.stdout, "");
    assert_eq!(stage.removals(), (0, 0));
    let log = daemon.log();
    let told = log.lines().filter(|line| line.contains("stranger")).count();
    assert_eq!(told, 2, "{log}");
    stage.product.run(&["approve", &digest]).expect(0);
}

#[test]
fn junk_and_oversize_and_slow_requests_cost_an_answer_and_nothing_more() {
    let stage = Stage::small();
    let mut daemon = waiting(&stage);
    let product = &stage.product;
    for junk in [
        "\n",
        "nonsense\n",
        "{}\n",
        "[]\n",
        "{\"ask\":\"forget\"}\n",
        "{\"ask\":\"memory\",\"of\":\"x\"}\n",
        "{\"ask\":\"approve\",\"digest\":7}\n",
        "{\"ask\":\"apply\",\"policy\":\"Not A Name\"}\n",
        "GET / HTTP/1.1\r\n",
        "\u{1b}[2J\u{202e}\n",
    ] {
        let answer: Value = serde_json::from_str(&say(product, junk.as_bytes())).unwrap();
        assert!(!refusal(&answer).is_empty(), "{junk}");
        assert!(!refusal(&answer).contains('\u{1b}'), "{answer}");
    }
    let answer: Value = serde_json::from_str(&say(product, &[0xff, 0xfe, b'\n'])).unwrap();
    refusal(&answer);
    let large = say(product, &vec![b'x'; 1 << 20]);
    assert!(large.contains("at most 4096 bytes"), "{large}");
    // Slow ones are told so, and while they wait others are answered.
    let slow: Vec<UnixStream> =
        (0..15).map(|_| UnixStream::connect(socket(product)).unwrap()).collect();
    (&slow[0]).write_all(b"{\"ask\":").unwrap();
    assert_eq!(ask(product, &json!({"ask": "status"}))["answer"], "status");
    let more: Vec<UnixStream> =
        (0..5).map(|_| UnixStream::connect(socket(product)).unwrap()).collect();
    for (count, mut stream) in slow.into_iter().chain(more).enumerate() {
        stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let expected = if count < 15 { "no whole request" } else { "" };
        assert!(answer.contains(expected) && answer.contains("refused"), "{count}: {answer}");
    }
    // A request that is gone before its answer harms nobody.
    let mut gone = UnixStream::connect(socket(product)).unwrap();
    gone.write_all(b"{\"ask\":\"memory\"}\n").unwrap();
    drop(gone);
    let memory = ask(product, &json!({"ask": "memory"}));
    assert_eq!(memory["answer"], "memory");
    assert!(memory["image"]["inventory"].as_object().unwrap().len() == 8, "{memory}");
    assert!(memory["at"].is_string(), "{memory}");
    stage.put_in("Board", &["Ada Lovelace"]);
    product.run(&["apply"]).expect(0);
    daemon.until("it goes on", || (stage.held() == stage.wanted()).then_some(()));
    assert!(stage.removals() == (0, 0));
}

#[test]
fn no_answer_of_the_socket_holds_a_secret() {
    let stage = Stage::small();
    let daemon = waiting(&stage);
    stage.empty_nearly("All Employees");
    for request in [
        json!({"ask": "apply"}),
        json!({"ask": "status"}),
        json!({"ask": "memory"}),
        json!({"ask": "approve", "digest": "0123456789ab"}),
        json!({"ask": "apply", "policy": "everything", "expect": "0123456789ab"}),
    ] {
        stage.keeps_secrets(&ask(&stage.product, &request).to_string());
    }
    stage.keeps_secrets(&daemon.log());
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
    for file in fs::read_dir(stage.product.path().join("state")).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        stage.keeps_secrets(&String::from_utf8_lossy(&bytes));
    }
}

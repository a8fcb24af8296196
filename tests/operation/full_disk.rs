//! An approval while the journal has no room, for real: the state stands on a small tmpfs in a
//! mount namespace of its own, which is gone with the daemon.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::product::{Daemon, Product};
use crate::stage::{Stage, until};

/// Room for the state and little more.
const SMALL_DISK_MIB: usize = 24;
/// All of the state's file takes its room before the disk is full: what is saved finds it.
const ON_A_SMALL_DISK: &str = "
mkdir before && cp -a state/. before/
mount -t tmpfs -o size=${SIZE}m writeback-test state || exit 90
cp -a --sparse=never before/. state/
exec \"$@\"
";
/// A policy that writes nothing: whether it is paused changes no plan.
const IDLE: &str = "  mode: Observe
  precedence: 200
  selection: { include: [ { displayName: '^nothing is called so$' } ] }
  group: { container: { value: 'OU=Cloud Groups,DC=corp,DC=example', mode: CreateOnly } }";
/// Lines that fit into what is left of a page, and some.
const LINES_MAX: usize = 100;

/// A daemon whose state stands on a small disk of its own, with the state as it stands.
fn start(product: &Product) -> Daemon {
    let own = ["--user", "--map-root-user", "--mount"];
    // Everybody may mount in a namespace of their own; where that is switched off, root may.
    let may = Command::new("unshare").args(own).arg("true").status().unwrap().success();
    product.daemon_with(|command| {
        let mut small = Command::new("unshare");
        small
            .args(if may { &own[..] } else { &own[2..] })
            .args(["sh", "-c", ON_A_SMALL_DISK, "sh"])
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(product.path())
            .env("SIZE", SMALL_DISK_MIB.to_string());
        *command = small;
    })
}

/// A file of the state as the daemon sees it.
fn seen(product: &Product, daemon: &Daemon, name: &str) -> PathBuf {
    let root = format!("/proc/{}/root", daemon.id());
    let folder = product.path().strip_prefix("/").unwrap().to_owned();
    Path::new(&root).join(folder).join("state").join(name)
}

/// The whole lines: where there is no room the last one is cut for a moment.
fn lines(journal: &Path) -> Vec<Value> {
    let text = fs::read(journal).unwrap();
    let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let lines = text[..end].split_inclusive(|byte| *byte == b'\n');
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn of_kind(journal: &Path, kind: &str) -> usize {
    lines(journal).iter().filter(|line| line["kind"] == kind).count()
}

/// Pauses and resumes what does nothing anyway until not even that finds room in the journal.
fn use_up_the_last_page(product: &Product) {
    for word in ["pause", "resume"].into_iter().cycle().take(LINES_MAX) {
        let ran = product.run(&[word, "--policy", "idle"]);
        if ran.code != 0 {
            assert!(ran.stderr.contains("the disk is full"), "{}", ran.stderr);
            assert!(ran.stderr.contains("nothing is changed"), "{}", ran.stderr);
            return;
        }
    }
    panic!("{LINES_MAX} lines found room on a full disk");
}

/// A daemon that holds something, and whose journal has no room for one more line.
struct Full {
    stage: Stage,
    daemon: Daemon,
    /// Of what is held.
    digest: String,
    journal: PathBuf,
    /// What takes all the room.
    filler: PathBuf,
}

fn full() -> Full {
    let stage = Stage::written();
    stage.product.a_day_later();
    stage.product.policy("idle", IDLE);
    // Outside of the small disk, which nobody else sees.
    let outside = "status: '127.0.0.1:0', adminSocket: admin.sock }";
    stage.product.reconfigure("status: '127.0.0.1:0' }", outside);
    stage.empty_nearly("All Employees");
    let daemon = start(&stage.product);
    let held = || daemon.status()["plan"]["heldDigest"].as_str().map(str::to_owned);
    until("something is held", || held().is_some());
    let digest = held().unwrap();
    let journal = seen(&stage.product, &daemon, "journal.jsonl");
    until("that is in the journal", || of_kind(&journal, "held") == 1);
    let filler = seen(&stage.product, &daemon, "filler");
    // More than there is room for: what fits in stays.
    fs::write(&filler, vec![0; SMALL_DISK_MIB << 20]).unwrap_err();
    use_up_the_last_page(&stage.product);
    Full { stage, daemon, digest, journal, filler }
}

#[test]
fn nothing_is_done_on_an_approval_that_finds_no_room_in_the_journal_until_it_does() {
    let Full { stage, mut daemon, digest, journal, filler } = full();
    let said = stage.product.run(&["approve", &digest]).expect(0).stdout;
    assert!(said.contains(&digest[..12]), "{said}");
    let failures = || daemon.log().matches("journal failed").count();
    let before = failures();
    until("it is asked again, and again", || failures() >= before + 3);
    assert!(daemon.log().contains("the disk is full"), "{}", daemon.log());
    assert!(!daemon.log().contains("state not saved"), "{}", daemon.log());
    assert_eq!(stage.removals(), (0, 0), "it was done on a word that nobody will know of");
    assert_eq!(of_kind(&journal, "approval"), 0);
    // Those of the first writeback, which stand in the folder below the disk as well.
    let written = stage.product.path().join("state/journal.jsonl");
    assert_eq!(of_kind(&journal, "intent"), of_kind(&written, "intent"));

    fs::remove_file(&filler).unwrap();
    daemon.until("the held set is let through", || (stage.held() == stage.wanted()).then_some(()));
    assert_ne!(stage.removals().0, 0);
    until("it is used up", || of_kind(&journal, "approvalUsed") == 1);
    let lines = lines(&journal);
    let first = |kind: &str, text: &str| {
        let is_so = |line: &&Value| line["kind"] == kind && line.to_string().contains(text);
        lines.iter().position(|line| is_so(&line)).unwrap()
    };
    assert!(first("approval", &digest) < first("intent", "remove_members"));
    assert_eq!(of_kind(&journal, "approval"), 1);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
}

/// A pass on request with an approval of its own. The command would not find the daemon: outside of
/// the small disk nobody holds the state.
fn apply(product: &Product, digest: &str) -> Value {
    let mut stream = UnixStream::connect(product.path().join("admin.sock")).unwrap();
    writeln!(stream, "{}", json!({"ask": "apply", "approve": digest})).unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

#[test]
fn an_apply_whose_own_approval_finds_no_room_does_nothing_then_or_later() {
    let Full { stage, daemon, digest, journal, filler } = full();
    let refused = apply(&stage.product, &digest);
    assert_eq!(refused["exit"], 1, "{refused}");
    assert!(refused["complaints"].to_string().contains("the disk is full"), "{refused}");
    assert_eq!(stage.removals(), (0, 0), "it was done on a word that nobody will know of");
    assert_eq!(of_kind(&journal, "approval"), 0);

    fs::remove_file(&filler).unwrap();
    // The word was for that pass: later ones hold the set once more, and none of them lets it go.
    let rounds = || daemon.status()["memory"]["passes"].as_u64().unwrap();
    let before = rounds();
    until("passes are made", || rounds() >= before + 2);
    let held = || daemon.status()["plan"]["heldDigest"] == digest.as_str();
    until("it is held as before", held);
    assert_eq!(stage.removals(), (0, 0));
    assert_eq!(daemon.status()["memory"]["approvals"], Value::Array(Vec::new()));
    assert_eq!(of_kind(&journal, "approval"), 0);
    // Nor was it used up.
    let done = apply(&stage.product, &digest);
    assert_eq!(done["exit"], 0, "{done}");
    assert_eq!(stage.held(), stage.wanted());
    assert_ne!(stage.removals().0, 0);
    assert_eq!((of_kind(&journal, "approval"), of_kind(&journal, "approvalUsed")), (1, 1));
}

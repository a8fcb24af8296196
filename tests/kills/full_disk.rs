//! No room in the middle of the work, for real: the state stands on a small tmpfs in a mount
//! namespace of its own, which is gone with the process that made it.

use std::fs;
use std::path::Path;
use std::process::Command;

use redb::{Database, TableDefinition};

use crate::gate::Gate;
use crate::ground::{Ground, Side};
use crate::ledger::Ledger;
use crate::moment::{UNDISTURBED, now, start, watched};
use crate::story::{self, Story};

/// Room for some of the operations of a first writeback beside what a new state takes: some 30 KiB
/// of journal, and the 64 KiB that it keeps back for outcomes.
const ROOM_KIB: u64 = 96;

/// Operations before it.
const BEFORE: usize = 2;

/// `apply` on the small disk, then with more room; both say their codes, the journal comes out.
const SCRIPT: &str = "
mount -t tmpfs -o size=${SIZE}k writeback-test state || exit 90
cp -a before/. state/
\"$@\"; first=$?
mkdir after-first && cp state/journal.jsonl after-first/
mount -o remount,size=64m writeback-test state || exit 91
\"$@\"; second=$?
umask 077; mkdir after && cp -a state/. after/
echo codes $first $second
";

/// Takes its stamp from a state, as if an earlier version had left it: that it is moved to another
/// disk would be told, and let removals wait.
fn unstamp(state: &Path) {
    let about = TableDefinition::<&str, &str>::new("about");
    let database = Database::open(state.join(writeback::state::FILE_NAME)).unwrap();
    let writing = database.begin_write().unwrap();
    assert!(writing.open_table(about).unwrap().remove("stamps").unwrap().is_some());
    writing.commit().unwrap();
}

#[test]
fn a_full_disk_stops_the_writes_and_the_next_run_goes_on() {
    let world = story::world(2_004, 0);
    let story = Story::new(2_004, &world);
    let ground = Ground::new(Side::Simulated, world);
    let folder = ground.product.path();
    let gate = Gate::new(&ground.product, &ground.domain().unwrap().url(), BEFORE);
    // A state that was begun, as large as one is.
    let mut child = start(&ground, &["apply"]);
    let begun = watched(&mut child, UNDISTURBED, || gate.is_shut());
    assert_eq!((begun, gate.is_shut()), (None, true));
    child.kill().unwrap();
    child.wait().unwrap();
    gate.open();
    // What is announced and not done is announced once more by the next process.
    let (mut ledger, wanted) = (Ledger::new(), story.expected(&ground));
    ledger.look(&ground, &wanted);
    fs::rename(folder.join("state"), folder.join("before")).unwrap();
    unstamp(&folder.join("before"));
    fs::create_dir(folder.join("state")).unwrap();
    let state = fs::metadata(folder.join("before").join(writeback::state::FILE_NAME)).unwrap();
    let own = ["--user", "--map-root-user", "--mount"];
    // Everybody may mount in a namespace of their own; where that is switched off, root may.
    let may = Command::new("unshare").args(own).arg("true").status().unwrap().success();
    let apply = ground.product.command(&["apply"]);
    let output = Command::new("unshare")
        .args(if may { &own[..] } else { &own[2..] })
        .args(["sh", "-c", SCRIPT, "sh"])
        .arg(apply.get_program())
        .args(apply.get_args())
        .current_dir(folder)
        .env("SIZE", (state.len() / 1024 + ROOM_KIB).to_string())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("codes 1 0"), "{told}\n{errors}");
    assert!(errors.contains("the disk is full"), "{errors}");
    let lines = |name: &str| {
        let text = fs::read_to_string(folder.join(name).join("journal.jsonl")).unwrap();
        text.matches("\"kind\":\"outcome\"").count()
    };
    let (before, first, after) = (lines("before"), lines("after-first"), lines("after"));
    assert!(before < first && first < after, "{before} {first} {after}");
    println!("outcomes: {before} before, {first} on the small disk, {after} in all");

    fs::remove_dir(folder.join("state")).unwrap();
    fs::rename(folder.join("after"), folder.join("state")).unwrap();
    fs::write(folder.join("output"), "").unwrap();
    let begun = now();
    ledger.look(&ground, &wanted);
    ledger.settled(&ground, &wanted);
    ground.product.run(&["plan"]).expect(0);
    println!("looked at in {:?}", begun.elapsed());
}

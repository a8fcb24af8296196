//! A machine that Azure Arc knows: its agent asks back for a key, and the key is a canary.
//!
//! The agent's folder of keys is one place of the whole machine. The product runs in a mount
//! namespace of its own, in which that place is a folder of the test; so the agent, which names
//! files there, is one of the test as well.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::cage::{Cage, WRONG};
use crate::product::{Product, Ran};

/// The key that the agent asks for.
const KEY: &str = "4rc~agent-key-of+this/machine=ca";
/// Where the agent's keys are, below the folder that is mounted over `/var/opt`.
const FOLDER: &str = "azcmagent/tokens";
/// Mounts the folder, and becomes the program.
const CONFINED: &str = "mount --bind \"$0\" /var/opt && exec \"$@\"";

/// What the agent names, and what it was shown.
struct Desk {
    realm: String,
    shown: Vec<String>,
}

struct Machine {
    cage: Cage,
    product: Product,
    folder: tempfile::TempDir,
    endpoint: String,
    desk: Arc<Mutex<Desk>>,
}

impl Machine {
    fn new() -> Self {
        let mut cage = Cage::new();
        cage.ear.learn("the key of the agent", KEY);
        let product = cage.product(crate::cage::Way::Secret);
        product.reconfigure("clientSecretFile: client-secret", "managedIdentity: {}");
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(FOLDER)).unwrap();
        let desk = Arc::new(Mutex::new(Desk { realm: named("a.key"), shown: Vec::new() }));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint =
            format!("http://{}/metadata/identity/oauth2/token", listener.local_addr().unwrap());
        let (tokens, kept) = (cage.stage.tenant.tokens_of_machine(), Arc::clone(&desk));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                answer(&stream, &kept, &*tokens);
            }
        });
        let machine = Self { cage, product, folder, endpoint, desk };
        machine.key(KEY);
        machine
    }

    /// Puts a key where the agent says that it is.
    fn key(&self, key: &str) {
        fs::write(self.folder.path().join(FOLDER).join("a.key"), key).unwrap();
    }

    /// The command in the namespace.
    fn confined(&self, command: &Command) -> Command {
        let own = ["--user", "--map-root-user", "--mount"];
        // Everybody may mount in a namespace of their own; where that is switched off, root may.
        let may = Command::new("unshare").args(own).arg("true").status().unwrap().success();
        let mut confined = Command::new("unshare");
        confined
            .args(if may { &own[..] } else { &own[2..] })
            .args(["sh", "-c", CONFINED])
            .arg(self.folder.path())
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(self.product.path())
            .env("IDENTITY_ENDPOINT", &self.endpoint)
            .env("IMDS_ENDPOINT", "http://127.0.0.1:1");
        confined
    }

    /// Runs one command at the highest verbosity, and listens.
    #[track_caller]
    fn run(&self, line: &[&str]) -> Ran {
        let whole = [&["-vvv", "--log-format", "json"], line].concat();
        let output = self.confined(&self.product.command(&whole)).output().unwrap();
        let ran = Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        self.cage.listen(&self.product, line, ran)
    }

    fn shown(&self) -> Vec<String> {
        self.desk.lock().unwrap().shown.clone()
    }
}

/// The name of a key as the agent says it.
fn named(key: &str) -> String {
    format!("/var/opt/{FOLDER}/{key}")
}

/// Answers one request: asks back for the key, or gives out a token.
fn answer(stream: &TcpStream, desk: &Mutex<Desk>, tokens: &dyn Fn() -> Value) {
    let mut shown = None;
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if line.is_empty() {
            break;
        }
        let header = line.split_once(": ");
        let header = header.filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        shown = shown.or(header.map(|(_, value)| value.to_owned()));
    }
    let is_right = shown.as_ref().is_some_and(|shown| *shown == format!("Basic {KEY}"));
    let mut desk = desk.lock().unwrap();
    desk.shown.extend(shown);
    let (head, body) = if is_right {
        ("200 OK".to_owned(), tokens().to_string())
    } else {
        let head = format!("401 Unauthorized\r\nWWW-Authenticate: Basic realm={}", desk.realm);
        (head, "{}".to_owned())
    };
    let length = body.len();
    // Whoever has hung up wants no answer.
    let _gone = (&*stream).write_all(
        format!(
            "HTTP/1.1 {head}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        )
        .as_bytes(),
    );
}

#[test]
fn a_day_with_the_identity_of_an_arc_machine_tells_no_key() {
    let machine = Machine::new();
    machine.run(&["discover"]);
    machine.run(&["discover", "--output", "json"]);
    machine.run(&["plan", "--output", "json"]).expect(2);
    machine.run(&["apply"]).expect(0);
    assert!(machine.shown().contains(&format!("Basic {KEY}")), "the key is the one in use");
    machine.run(&["status"]).expect(0);
    machine.run(&["journal", "show"]).expect(0);
    let mut daemon = machine.product.daemon_with(|command| {
        command.arg("-vvv");
        *command = machine.confined(command);
    });
    daemon.passes(1);
    // A key is asked for again with every token.
    let before = machine.shown().len();
    machine.cage.stage.tenant.revoke_tokens();
    daemon.passes(2);
    assert!(machine.shown().len() > before);
    machine.cage.watch(&machine.product, &daemon);
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
}

#[test]
fn no_mistake_of_an_arc_agent_tells_a_key_or_gets_another_secret() {
    let machine = Machine::new();
    let password = machine.product.path().join("bind-password").display().to_string();
    let beside = format!("/var/opt/{FOLDER}/../../bind.key");
    let two_lines = format!("{KEY}\n{WRONG}\n");
    let large = KEY.repeat(200);
    for (what, realm, key, code) in [
        ("a wrong key", named("a.key"), WRONG, 1),
        ("a key of two lines", named("a.key"), two_lines.as_str(), 1),
        ("a key that is too large", named("a.key"), &large, 1),
        ("the bind password for a key", password, KEY, 1),
        ("a file beside the folder", beside, KEY, 1),
        ("the right key", named("a.key"), KEY, 2),
    ] {
        machine.desk.lock().unwrap().realm = realm;
        machine.key(key);
        let ran = machine.run(&["plan", "--output", "json"]);
        assert_eq!(ran.code, code, "{what}: {}\n{}", ran.stdout, ran.stderr);
        machine.run(&["discover", "--output", "json"]);
    }
    // Nothing but keys of the agent's own folder was shown to it.
    let (right, wrong) = (format!("Basic {KEY}"), format!("Basic {WRONG}"));
    let shown = machine.shown();
    assert!(shown.contains(&right) && shown.contains(&wrong), "{shown:?}");
    assert!(shown.iter().all(|shown| [&right, &wrong].contains(&shown)), "{shown:?}");
    assert!(machine.cage.stage.writes().is_empty());
}

//! A product whose every secret is a canary, and the places where they could sing.
//!
//! Input: a stage, and how the application proves itself. Output: everything that a run says or
//! leaves behind, searched.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::ear::Ear;
use crate::keytab;
use crate::product::{Daemon, Product, Ran, get};
use crate::stage::{EVERYTHING, Stage};

/// Whom the tenant trusts beside its own application: issuer, subject, audience.
pub const TRUSTED: (&str, &str, &str) = (
    "https://oidc.corp.example/cluster",
    "system:serviceaccount:writeback:writeback",
    "api://AzureADTokenExchange",
);
/// A secret that nobody gave out. A wrong secret is a secret too: it is right somewhere else.
pub const WRONG: &str = "Wr0ng~canary-of-somebody/else+s";
/// Pages of the status server that are looked at.
const PAGES_MAX: usize = 60;

/// How the application proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Secret,
    Certificate,
    Federated,
}

/// A product between both sides, and an ear for its secrets.
pub struct Cage {
    pub stage: Stage,
    pub ear: Ear,
    pub federated: String,
    turns: Cell<u32>,
}

impl Cage {
    pub fn new() -> Self {
        let stage = Stage::small();
        let tenant = &stage.tenant;
        tenant.trust(TRUSTED.0, TRUSTED.1, TRUSTED.2);
        let federated = tenant.foreign_token(TRUSTED, SignedDuration::from_hours(1)).unwrap();
        let mut ear = Ear::default();
        ear.learn("the client secret", tenant.client_secret());
        ear.learn("the expired client secret", tenant.expired_client_secret());
        ear.learn("the bind password", &stage.domain.service_account().password);
        ear.learn("a wrong secret", WRONG);
        ear.learn_key("the private key", tenant.private_key_pem());
        ear.learn_token("the federated token", &federated);
        ear.learn_octets("the key of the keytab", &keytab::KEY);
        Self { stage, ear, federated, turns: Cell::new(0) }
    }

    /// A folder of its own, in which the application proves itself this way.
    pub fn product(&self, way: Way) -> Product {
        let product = self.stage.another_product();
        product.policy("everything", EVERYTHING);
        let tenant = &self.stage.tenant;
        let words = match way {
            Way::Secret => return product,
            Way::Certificate => {
                product.write("certificate.pem", tenant.certificate_pem());
                product.write("key.pem", tenant.private_key_pem());
                "certificate: { certificateFile: certificate.pem, privateKeyFile: key.pem }"
            }
            Way::Federated => {
                product.write("token", &self.federated);
                "federatedTokenFile: token"
            }
        };
        product.reconfigure("clientSecretFile: client-secret", words);
        product
    }

    /// Runs one command at the highest verbosity, with either form of the log in turn, and listens.
    #[track_caller]
    pub fn run(&self, product: &Product, line: &[&str]) -> Ran {
        let form = if self.turns.get().is_multiple_of(2) { "json" } else { "text" };
        self.turns.set(self.turns.get() + 1);
        self.listen(product, line, product.run(&[&["-vvv", "--log-format", form], line].concat()))
    }

    /// Listens to what a command said, and to what it left behind.
    #[track_caller]
    pub fn listen(&self, product: &Product, line: &[&str], ran: Ran) -> Ran {
        self.ear.check(&format!("stdout of {line:?}"), &ran.stdout);
        self.ear.check(&format!("stderr of {line:?}"), &ran.stderr);
        self.left_behind(product);
        ran
    }

    /// A daemon that says all it can.
    pub fn daemon(product: &Product) -> Daemon {
        product.daemon_with(|command| {
            command.arg("-vvv").stdin(Stdio::null());
        })
    }

    /// Everything that a running daemon shows.
    #[track_caller]
    pub fn watch(&self, product: &Product, daemon: &Daemon) {
        for path in ["/metrics", "/livez", "/readyz"] {
            self.ear.check(path, &get(&daemon.metrics, path).1);
        }
        self.walk(&daemon.status);
        for request in [
            json!({"ask": "status"}),
            json!({"ask": "memory"}),
            json!({"ask": "apply"}),
            json!({"ask": "approve", "digest": "0123456789ab"}),
            json!({"ask": "nonsense"}),
        ] {
            self.ear.check("an answer of the admin socket", &ask(product, &request));
        }
        // What every account of the machine can see, and what root can.
        for name in ["cmdline", "environ", "comm", "status"] {
            let octets = fs::read(format!("/proc/{}/{name}", daemon.id())).unwrap();
            self.ear.check_octets(&format!("/proc/PID/{name}"), &octets);
        }
        self.ear.check("the log of the daemon", &daemon.log());
        self.left_behind(product);
    }

    /// Every page of the status server that leads from its first one, and its API.
    #[track_caller]
    fn walk(&self, address: &str) {
        let mut seen = BTreeSet::new();
        let mut open: Vec<String> =
            ["/", "/api/v1/status", "/api/v1/groups"].map(str::to_owned).to_vec();
        while let Some(path) = open.pop() {
            if seen.len() >= PAGES_MAX || !seen.insert(path.clone()) {
                continue;
            }
            let (_, body) = get(address, &path);
            self.ear.check(&path, &body);
            let links = body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
            open.extend(links.filter(|link| link.starts_with('/')).map(str::to_owned));
        }
        assert!(seen.contains("/api/v1/status"));
    }

    /// Everything in the folder but the files that hold the secrets themselves.
    #[track_caller]
    fn left_behind(&self, product: &Product) {
        let state = product.path().join("state");
        if state.exists() {
            self.search(&state);
        }
    }

    #[track_caller]
    fn search(&self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.search(&path);
            } else if path.is_file() {
                match fs::read(&path) {
                    Ok(octets) => self.ear.check_octets(&path.display().to_string(), &octets),
                    // A daemon renames what it has just written.
                    Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
                }
            }
        }
    }
}

/// One exchange over the admin socket.
fn ask(product: &Product, request: &Value) -> String {
    let mut stream = UnixStream::connect(product.path().join("state/admin.sock")).unwrap();
    stream.write_all(format!("{request}\n").as_bytes()).unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    assert!(!answer.is_empty());
    answer
}

//! A bind with a keytab over a connection that it seals, against Samba; the keytab renewed while
//! the daemon runs; and no key of it in anything that is said.
//!
//! Comes from: the lab that `tests/run` starts with a KDC (WRITEBACK_LAB_KERBEROS, made by
//! `lab keytab`). Built only with the feature `kerberos`. The tests share its one account, and take
//! turns.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, and no test needs everything of the support"
)]

#[path = "canary/ear.rs"]
mod ear;
#[path = "canary/keytab.rs"]
mod keytab;
#[path = "support/lab.rs"]
mod lab;
#[path = "kerberos/line.rs"]
mod line;
#[path = "support/product.rs"]
mod product;
#[path = "kerberos/renewed.rs"]
mod renewed;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::runtime::Runtime;
use writeback::sim::tenant::Tenant;
use writeback::sim::world::World;

use ear::Ear;
use line::Line;
use product::{DirectoryAccess, Product, Ran};

/// Where the story of the commands writes.
const CONTAINER: &str = "OU=Cloud Groups,DC=corp,DC=example";
const PRINCIPAL: &str = "svc-writeback@CORP.EXAMPLE";

/// Whose turn it is: the account has one key at a time.
static ACCOUNT: Mutex<()> = Mutex::new(());

/// The folder of the lab; the tests make no sense without one.
fn lab() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the lab is named by the environment")]
    let folder = std::env::var("WRITEBACK_LAB_KERBEROS");
    PathBuf::from(folder.expect("WRITEBACK_LAB_KERBEROS names a lab that has a keytab"))
}

struct Case {
    product: Product,
    tenant: Tenant,
    ear: Mutex<Ear>,
    runtime: Runtime,
    lab: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Case {
    fn new() -> Self {
        Self::within(CONTAINER, 7)
    }

    /// One that writes in this container the groups of a world of this seed.
    fn within(container: &str, seed: u64) -> Self {
        // Whoever failed in its turn has left the key in its file all the same.
        let turn = ACCOUNT.lock().unwrap_or_else(PoisonError::into_inner);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let tenant = runtime.block_on(Tenant::start(&World::small(seed))).unwrap();
        let access = DirectoryAccess {
            url: "ldap://localhost".to_owned(),
            ca_pem: String::new(),
            bind_name: String::new(),
            bind_password: String::new(),
            containers: vec![container.to_owned()],
        };
        let product = Product::new(&tenant, &access);
        let ear = Mutex::new(Ear::default());
        let case = Self { product, tenant, ear, runtime, lab: lab(), _turn: turn };
        case.product.reconfigure(
            "simple: { name: '', passwordFile: bind-password }",
            &format!("kerberos: {{ keytabFile: keytab, principal: {PRINCIPAL} }}"),
        );
        case.product.reconfigure("  caFile: domain-ca.pem\n", "");
        let policy = format!(
            "  mode: Sync
  group:
    container: {{ value: '{container}' }}
    commonName: {{ preset: DisplayNameAndId }}"
        );
        case.product.policy("everything", &policy);
        for keytab in ["service.keytab", "wrong.keytab"] {
            case.learn(&case.lab.join(keytab));
        }
        case.take_keytab();
        case
    }

    /// Listens for the keys of this file.
    fn learn(&self, keytab: &Path) {
        let keys = keytab::keys(&fs::read(keytab).unwrap());
        assert!(!keys.is_empty(), "{} has no key", keytab.display());
        for key in keys {
            self.ear.lock().unwrap().learn_octets("a key of a keytab", &key);
        }
    }

    fn take_keytab(&self) {
        self.swap_keytab(&self.lab.join("service.keytab"));
    }

    /// Puts another keytab in the place of the product's.
    fn swap_keytab(&self, fresh: &Path) {
        let beside = self.product.path().join("keytab.new");
        fs::copy(fresh, &beside).unwrap();
        fs::rename(beside, self.keytab()).unwrap();
    }

    fn keytab(&self) -> PathBuf {
        self.product.path().join("keytab")
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &self.lab.join("krb5.conf"))
    }

    fn run_with(&self, arguments: &[&str], configuration: &Path) -> Ran {
        let mut command = self.product.command(&[&["-vvv"], arguments].concat());
        prepare(&mut command, configuration);
        let output = command.output().unwrap();
        let ear = self.ear.lock().unwrap();
        ear.check_octets(&format!("stdout of {arguments:?}"), &output.stdout);
        ear.check_octets(&format!("stderr of {arguments:?}"), &output.stderr);
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Holds that no key is in what runs have left behind.
    #[track_caller]
    fn left_no_key_behind(&self) {
        for entry in fs::read_dir(self.product.path().join("state")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let octets = fs::read(&path).unwrap();
                self.ear.lock().unwrap().check_octets(&path.display().to_string(), &octets);
            }
        }
    }

    /// Gives the account another password, and both the lab and the product a keytab of it. The
    /// keytab is made first, so that there is only a moment in which the account has another key
    /// than the file.
    fn renew_keytab(&self, round: usize) {
        let password = format!("Renewed-{round}-passw0rd");
        let fresh = self.product.path().join("fresh.keytab");
        let version = round + 10;
        let orders = format!(
            "addent -password -p {PRINCIPAL} -k {version} -e aes256-cts-hmac-sha1-96\n{password}\n\
             wkt {}\n",
            fresh.display()
        );
        let mut tool = Command::new("ktutil");
        let mut tool = tool.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        tool.stdin.take().unwrap().write_all(orders.as_bytes()).unwrap();
        assert!(tool.wait().unwrap().success());
        self.learn(&fresh);
        let set = Command::new("samba-tool")
            .args(["user", "setpassword", "svc-writeback"])
            .arg(format!("--newpassword={password}"))
            .arg("-H")
            .arg(self.lab.join("private/sam.ldb"))
            .arg(format!("--configfile={}", self.lab.join("smb.conf").display()))
            .output()
            .unwrap();
        assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
        self.swap_keytab(&fresh);
        fs::rename(fresh, self.lab.join("service.keytab")).unwrap();
    }

    /// Holds that a plan fails with these words.
    #[track_caller]
    fn refuses(&self, words: &[&str]) {
        let told = self.run(&["plan"]);
        assert_ne!(told.code, 2, "{}", told.stdout);
        for word in words {
            assert!(told.stderr.contains(word), "{word} is not in: {}", told.stderr);
        }
    }
}

/// The environment of a run: nothing of Kerberos but its configuration.
fn prepare(command: &mut Command, configuration: &Path) {
    command.env("KRB5_CONFIG", configuration);
    command.env_remove("KRB5_CLIENT_KTNAME").env_remove("KRB5CCNAME");
}

/// What the lab's own tool says.
fn lab_says(arguments: &[&str]) -> String {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab");
    let (command, rest) = arguments.split_first().unwrap();
    let said = Command::new(tool).arg(command).arg(lab()).args(rest).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

/// The groups that the lab's domain has in the container.
fn written(container: &str) -> BTreeSet<String> {
    let text = lab_says(&["search", "-b", container, "(objectClass=group)", "1.1"]);
    text.lines().filter_map(|line| line.strip_prefix("dn: ").map(str::to_owned)).collect()
}

/// One story: the domain is one, and its passes follow each other.
#[test]
fn a_keytab_reads_and_writes_over_a_sealed_connection_and_every_mistake_is_named() {
    let case = Case::new();
    case.run(&["plan"]).expect(2);
    case.run(&["apply"]).expect(0);
    assert_eq!(written(CONTAINER).len(), 8, "every group of the small world");
    case.run(&["plan"]).expect(0);

    fs::write(case.keytab(), "no keytab").unwrap();
    case.refuses(&["keytab", "it is no keytab", "directory.bind.kerberos"]);
    fs::write(case.keytab(), "").unwrap();
    case.refuses(&["keytab", "it is empty"]);
    fs::remove_file(case.keytab()).unwrap();
    case.refuses(&["keytab", "No such file"]);
    fs::copy(case.lab.join("wrong.keytab"), case.keytab()).unwrap();
    case.refuses(&["bind to ldap://localhost as svc-writeback@CORP.EXAMPLE", "keytab"]);
    case.take_keytab();
    case.run(&["plan"]).expect(0);

    let silent = case.product.write(
        "krb5.conf",
        "[libdefaults]\n default_realm = CORP.EXAMPLE\n dns_lookup_kdc = false\n",
    );
    let told = case.run_with(&["plan"], &silent);
    assert_eq!(told.code, 4, "{}", told.stderr);
    assert!(told.stderr.contains("krb5.conf"), "{}", told.stderr);
    case.left_no_key_behind();
}

#[test]
fn nothing_of_the_directory_crosses_the_line_in_the_clear_and_broken_buffers_are_put_together() {
    let case = Case::new();
    let line = Line::new();
    case.product.reconfigure("ldap://localhost", &format!("ldap://localhost:{}", line.port));
    let told = case.run(&["discover", "--output", "json"]);
    let found: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(found["facts"]["domain"]["reached"], true, "{}", told.stderr);
    let carried = line.carried.lock().unwrap();
    assert!(carried.len() > 20_000, "{}", carried.len());
    for word in ["GSSAPI", "objectGUID", "Cloud Groups", "DC=corp", "sAMAccountName"] {
        let seen = carried.windows(word.len()).any(|bytes| bytes == word.as_bytes());
        assert_eq!(seen, word == "GSSAPI", "{word}");
    }
}

#[test]
fn discover_tells_what_becomes_of_a_keytab() {
    let case = Case::new();
    let told = case.run(&["discover", "--output", "json"]);
    let found: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(found["facts"]["domain"]["domainController"], "dc1.corp.example", "{found:#}");
    let keytab = found["facts"]["credentials"]["keytab"].as_str().unwrap();
    assert!(keytab.contains("ends when the account's password is changed"), "{keytab}");
}

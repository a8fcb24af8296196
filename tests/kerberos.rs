//! A bind with a keytab over a connection that it seals, against Samba.
//!
//! Comes from: the lab that `tests/run` starts with a KDC (WRITEBACK_LAB_KERBEROS, made by
//! `lab keytab`). Built only with the feature `kerberos`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, and no test needs everything of the support"
)]

#[path = "support/lab.rs"]
mod lab;
#[path = "support/product.rs"]
mod product;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use tokio::runtime::Runtime;
use writeback::sim::tenant::Tenant;
use writeback::sim::world::World;

use product::{DirectoryAccess, Product, Ran};

const POLICY: &str = "  mode: Sync
  group:
    container: { value: 'OU=Cloud Groups,DC=corp,DC=example' }
    commonName: { preset: DisplayNameAndId }";

/// The folder of the lab; the tests make no sense without one.
fn lab() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the lab is named by the environment")]
    let folder = std::env::var("WRITEBACK_LAB_KERBEROS");
    PathBuf::from(folder.expect("WRITEBACK_LAB_KERBEROS names a lab that has a keytab"))
}

struct Case {
    product: Product,
    tenant: Tenant,
    runtime: Runtime,
    lab: PathBuf,
}

impl Case {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let tenant = runtime.block_on(Tenant::start(&World::small(7))).unwrap();
        let access = DirectoryAccess {
            url: "ldap://localhost".to_owned(),
            ca_pem: String::new(),
            bind_name: String::new(),
            bind_password: String::new(),
            containers: vec!["OU=Cloud Groups,DC=corp,DC=example".to_owned()],
        };
        let case = Self { product: Product::new(&tenant, &access), tenant, runtime, lab: lab() };
        case.product.reconfigure(
            "simple: { name: '', passwordFile: bind-password }",
            "kerberos: { keytabFile: keytab, principal: svc-writeback@CORP.EXAMPLE }",
        );
        case.product.reconfigure("  caFile: domain-ca.pem\n", "");
        case.product.policy("everything", POLICY);
        case.take_keytab();
        case
    }

    fn take_keytab(&self) {
        fs::copy(self.lab.join("service.keytab"), self.keytab()).unwrap();
    }

    fn keytab(&self) -> PathBuf {
        self.product.path().join("keytab")
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &self.lab.join("krb5.conf"))
    }

    fn run_with(&self, arguments: &[&str], configuration: &Path) -> Ran {
        let mut command = self.product.command(arguments);
        command.env("KRB5_CONFIG", configuration).env_remove("KRB5_CLIENT_KTNAME");
        let output = command.env_remove("KRB5CCNAME").output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
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

/// The groups that the lab's domain has in the container.
fn written(lab: &Path) -> BTreeSet<String> {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab");
    let found = Command::new(tool)
        .arg("search")
        .arg(lab)
        .args(["-b", "OU=Cloud Groups,DC=corp,DC=example", "(objectClass=group)", "1.1"])
        .output()
        .unwrap();
    let text = String::from_utf8(found.stdout).unwrap();
    text.lines().filter_map(|line| line.strip_prefix("dn: ").map(str::to_owned)).collect()
}

/// One story: the domain is one, and its passes follow each other.
#[test]
fn a_keytab_reads_and_writes_over_a_sealed_connection_and_every_mistake_is_named() {
    let case = Case::new();
    case.run(&["plan"]).expect(2);
    case.run(&["apply"]).expect(0);
    assert_eq!(written(&case.lab).len(), 8, "every group of the small world");
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
}

/// A line to the domain controller that carries every byte by itself or in small pieces, so that no
/// length and no buffer comes whole, and keeps what it carried.
fn line() -> (u16, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let carried = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&carried);
    std::thread::spawn(move || {
        for near in listener.incoming() {
            let near = near.unwrap();
            let far = TcpStream::connect("127.0.0.1:389").unwrap();
            let ends = [(&near, &far), (&far, &near)];
            for (from, to) in ends.map(|(a, b)| (a.try_clone().unwrap(), b.try_clone().unwrap())) {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || carry(from, to, &kept));
            }
        }
    });
    (port, carried)
}

fn carry(mut from: TcpStream, mut to: TcpStream, kept: &Mutex<Vec<u8>>) {
    to.set_nodelay(true).unwrap();
    let mut buffer = [0; 1_021];
    let mut size = 1;
    while let Ok(count @ 1..) = from.read(&mut buffer[..size]) {
        kept.lock().unwrap().extend(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
        size = size % buffer.len() + 1;
    }
    // The other end may be gone already.
    let _gone = to.shutdown(Shutdown::Both);
}

#[test]
fn nothing_of_the_directory_crosses_the_line_in_the_clear_and_broken_buffers_are_put_together() {
    let case = Case::new();
    let (port, carried) = line();
    case.product.reconfigure("ldap://localhost", &format!("ldap://localhost:{port}"));
    let told = case.run(&["discover", "--output", "json"]);
    let found: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(found["facts"]["domain"]["reached"], true, "{}", told.stderr);
    let carried = carried.lock().unwrap();
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

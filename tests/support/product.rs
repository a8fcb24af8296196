//! The shipped binary as a user runs it: a folder with configuration, policies and secrets, and
//! commands with their text and exit code.

#[path = "product/daemon.rs"]
mod daemon;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use writeback::settings::Settings;
use writeback::sim::domain::Domain;
use writeback::sim::tenant::Tenant;
use writeback::state::{Binding, State};

pub use daemon::Daemon;

/// Longer than anything the product is asked to wait for in a test, on a machine that does much
/// else.
const PATIENCE: Duration = Duration::from_mins(5);

/// How a directory is reached.
#[derive(Clone, Debug)]
pub struct DirectoryAccess {
    /// `ldaps://…`
    pub url: String,
    /// The CA of its certificate.
    pub ca_pem: String,
    /// Who binds.
    pub bind_name: String,
    /// With which password.
    pub bind_password: String,
    /// The containers that may be written.
    pub containers: Vec<String>,
}

impl DirectoryAccess {
    /// The simulated domain as its least-privilege account.
    pub fn simulated(domain: &Domain, containers: &[&str]) -> Self {
        Self {
            url: domain.url(),
            ca_pem: domain.ca_pem().to_owned(),
            bind_name: domain.service_account().account_name.clone(),
            bind_password: domain.service_account().password.clone(),
            containers: containers.iter().map(|dn| (*dn).to_owned()).collect(),
        }
    }
}

/// A folder from which the product runs.
pub struct Product {
    folder: TempDir,
}

/// What one command said.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

impl Ran {
    /// Holds the exit code; prints everything when it is another.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n{}\n{}", self.stdout, self.stderr);
        self
    }
}

impl Product {
    /// Lets a day go by since the last pass: what was added just now could be taken out without a
    /// guard. The daemon must not run.
    pub fn a_day_later(&self) {
        let settings = Settings::load(&self.path().join("writeback.yaml")).unwrap();
        let binding = Binding { tenant: settings.tenant.id, owner: settings.owner };
        let (mut state, opened) = State::open(&self.path().join("state"), binding).unwrap();
        let mut memory = opened.memory;
        memory.added.clear();
        state.save(&memory, None, None).unwrap();
    }

    /// A folder with a configuration for this tenant and directory, and no policy yet.
    pub fn new(tenant: &Tenant, directory: &DirectoryAccess) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("policies")).unwrap();
        let product = Self { folder };
        product.write("client-secret", tenant.client_secret());
        product.write("bind-password", &directory.bind_password);
        product.write("tenant-ca.pem", &tenant.ca_pem());
        product.write("domain-ca.pem", &directory.ca_pem);
        let containers: Vec<_> =
            directory.containers.iter().map(|dn| format!("'{}'", dn.replace('\'', "''"))).collect();
        let text = format!(
            "apiVersion: writeback/v1alpha1
kind: DaemonConfiguration
metadata: {{ name: corp }}
tenant:
  id: {tenant_id}
  cloud: Custom
  loginUrl: {login}
  graphUrl: {graph}
  scope: {scope}
  clientId: {client}
  credential:
    clientSecretFile: client-secret
  caFile: tenant-ca.pem
directory:
  servers: ['{url}']
  bind: {{ simple: {{ name: '{bind}', passwordFile: bind-password }} }}
  caFile: domain-ca.pem
  containers: [{containers}]
policies: {{ path: policies }}
state: {{ path: state }}
schedule: {{ interval: 1s, confirmAfter: 1s }}
http: {{ listen: '127.0.0.1:0', status: '127.0.0.1:0' }}
",
            tenant_id = tenant.tenant_id(),
            login = tenant.login_url(),
            graph = tenant.graph_url(),
            scope = tenant.scope(),
            client = tenant.client_id(),
            url = directory.url,
            bind = directory.bind_name,
            containers = containers.join(", "),
        );
        product.write("writeback.yaml", &text);
        product
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The journal, line by line.
    pub fn journal(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.path().join("state/journal.jsonl")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Writes a file of the folder in one step: a daemon never reads the half of it.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        let aside = path.with_file_name(format!(".{}.new", name.replace('/', ".")));
        fs::write(&aside, text).unwrap();
        fs::rename(aside, &path).unwrap();
        path
    }

    /// Writes `policies/<name>.yaml` with this `spec` (indented by two spaces).
    pub fn policy(&self, name: &str, spec: &str) {
        let text = format!(
            "apiVersion: writeback/v1alpha1\nkind: WritebackPolicy\nmetadata: {{ name: {name} }}\n\
             spec:\n{spec}\n"
        );
        self.write(&format!("policies/{name}.yaml"), &text);
    }

    /// Changes the configuration; the text to replace must be there.
    pub fn reconfigure(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path().join("writeback.yaml")).unwrap();
        assert!(text.contains(from), "the configuration has no {from:?}:\n{text}");
        self.write("writeback.yaml", &text.replace(from, to));
    }

    /// A command line of the shipped binary, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_writeback"));
        command
            .arg("--config")
            .arg(self.path().join("writeback.yaml"))
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::null());
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(variable);
        }
        command
    }

    /// Runs a command to its end; it says no secret.
    ///
    /// The simulators live in this process: call it from a blocking task or from a runtime with
    /// more than one thread.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().unwrap();
        let ran = Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        keep_secrets(&self.secrets(), &ran.stdout);
        keep_secrets(&self.secrets(), &ran.stderr);
        ran
    }

    /// Starts the daemon and waits until whoever asks it is answered.
    pub fn daemon(&self) -> Daemon {
        self.daemon_with(|_| ())
    }

    /// The same, after `prepare` has changed its command.
    pub fn daemon_with(&self, prepare: impl FnOnce(&mut Command)) -> Daemon {
        let mut command = self.command(&["run", "--log-format", "json"]);
        prepare(&mut command);
        Daemon::start(command, self.secrets())
    }

    /// What stands in the secret files now; a word that is shorter may be anywhere.
    fn secrets(&self) -> Vec<String> {
        let files = ["client-secret", "bind-password"].map(|name| self.path().join(name));
        let texts = files.iter().filter_map(|file| fs::read_to_string(file).ok());
        texts.map(|text| text.trim().to_owned()).filter(|text| text.len() >= 8).collect()
    }
}

/// Holds that none of these secrets is in what the product said.
#[track_caller]
fn keep_secrets(secrets: &[String], said: &str) {
    for secret in secrets {
        assert!(!said.contains(secret), "a secret is in: {said}");
    }
}

/// One HTTP GET on loopback: status and body.
pub fn get(address: &str, path: &str) -> (u16, String) {
    let Ok(mut stream) = TcpStream::connect(address) else { return (0, String::new()) };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    let exchanged = stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.read_to_string(&mut answer).map(|_| ()));
    if exchanged.is_err() {
        return (0, String::new());
    }
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    (status, body)
}

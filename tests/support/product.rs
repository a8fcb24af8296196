//! The shipped binary as a user runs it: a folder with configuration, policies and secrets, and
//! commands with their text and exit code.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use writeback::settings::Settings;
use writeback::sim::domain::Domain;
use writeback::sim::tenant::Tenant;
use writeback::state::{Binding, State};

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

    /// Runs a command to its end.
    ///
    /// The simulators live in this process: call it from a blocking task or from a runtime with
    /// more than one thread.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Starts the daemon and waits until it listens everywhere: whoever asks it is answered.
    pub fn daemon(&self) -> Daemon {
        self.daemon_with(|_| ())
    }

    /// The same, after `prepare` has changed its command.
    pub fn daemon_with(&self, prepare: impl FnOnce(&mut Command)) -> Daemon {
        let mut command = self.command(&["run", "--log-format", "json"]);
        prepare(&mut command);
        let (log, stderr) = Log::open();
        let child = command.stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
        // It holds the end of the log that belongs to the daemon, which would never be closed.
        drop(command);
        let mut daemon = Daemon { child, log, metrics: String::new(), status: String::new() };
        daemon.metrics = daemon.listener("http.listen");
        daemon.status = daemon.listener("http.status");
        daemon.listener("http.adminSocket");
        daemon
    }
}

/// A running daemon; killed when it is dropped.
pub struct Daemon {
    child: Child,
    log: Arc<Mutex<Log>>,
    /// `host:port` of metrics and probes.
    pub metrics: String,
    /// `host:port` of the status.
    pub status: String,
}

impl Daemon {
    fn listener(&mut self, setting: &str) -> String {
        let log = Arc::clone(&self.log);
        self.until(&format!("{setting} is bound"), move || {
            log.lock().unwrap().text().lines().find_map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).ok()?;
                let bound = line["address"].as_str().or(line["path"].as_str())?;
                (line["setting"] == setting).then(|| bound.to_owned())
            })
        })
    }

    /// What the daemon wrote to its log so far: what it wrote before it answered is in it.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().text()
    }

    /// Asks again and again until there is an answer; fails with the log when none comes.
    #[track_caller]
    #[expect(clippy::disallowed_methods, reason = "patience is a matter of real time")]
    pub fn until<T>(&mut self, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && start.elapsed() < PATIENCE,
                "waiting for: {what}; the daemon {ended:?} said:\n{}",
                self.log()
            );
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// The status as JSON.
    pub fn status(&self) -> serde_json::Value {
        serde_json::from_str(&get(&self.status, "/api/v1/status").1).unwrap()
    }

    /// Waits until `count` passes have ended that began after this was called, and the last one is
    /// written down. As long as no pass has ended, the first one counts whenever it began: a daemon
    /// that makes no other may be waited for by `passed`.
    #[track_caller]
    pub fn passes(&mut self, count: u64) {
        let (status, metrics) = (self.status.clone(), self.metrics.clone());
        let begun = self.until("the daemon to answer", || {
            if Turn::of(&status)?.number == 0 {
                return Some(0);
            }
            let (_, text) = get(&metrics, "/metrics");
            let begun = text.lines().find_map(|line| line.strip_prefix("workqueue_adds_total"))?;
            begun.rsplit(' ').next()?.parse().ok()
        });
        self.passed(begun + count);
    }

    /// Waits until the pass of this number has ended and is written down: memory, journal and log
    /// tell of it.
    #[track_caller]
    pub fn passed(&mut self, number: u64) {
        let status = self.status.clone();
        self.until(&format!("pass {number} to end"), || {
            let turn = Turn::of(&status)?;
            let is_written = turn.number > number || turn.waits;
            (turn.number >= number && is_written).then_some(())
        });
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.id().to_string()).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end and gives the exit code.
    pub fn wait(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Where the loop of a daemon stands.
struct Turn {
    /// The last pass that ended.
    number: u64,
    /// The loop has said since then when the next one begins: nothing of the last one is left to
    /// do.
    waits: bool,
}

impl Turn {
    /// As the status at this address tells it.
    fn of(address: &str) -> Option<Self> {
        let (_, body) = get(address, "/api/v1/status");
        let status: serde_json::Value = serde_json::from_str(&body).ok()?;
        let number = status["lastPass"]["number"].as_u64().unwrap_or(0);
        let time = |value: &serde_json::Value| value.as_str()?.parse::<jiff::Timestamp>().ok();
        let ended = time(&status["lastPass"]["endedAt"]);
        let waits = ended.is_some() && time(&status["nextPassAt"]) >= ended;
        Some(Self { number, waits })
    }
}

/// The log of a daemon. It is taken from the socket by whoever asks for it, so that nobody sees an
/// older one than the daemon has written, and by a thread, so that the daemon never waits for room.
struct Log {
    ours: UnixStream,
    heard: Vec<u8>,
    ended: bool,
}

impl Log {
    /// The log, and the stderr of who writes it.
    fn open() -> (Arc<Mutex<Self>>, Stdio) {
        let (ours, stderr) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let log = Arc::new(Mutex::new(Self { ours, heard: Vec::new(), ended: false }));
        let listened = Arc::downgrade(&log);
        std::thread::spawn(move || {
            while listened.upgrade().is_some_and(|log| !log.lock().unwrap().hear()) {
                std::thread::park_timeout(Duration::from_millis(20));
            }
        });
        (log, Stdio::from(OwnedFd::from(stderr)))
    }

    /// Takes what is there; whether that was the end.
    fn hear(&mut self) -> bool {
        let mut some = [0; 8192];
        while !self.ended {
            match self.ours.read(&mut some) {
                Ok(length) => {
                    self.heard.extend_from_slice(&some[..length]);
                    self.ended = length == 0;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("the log of the daemon: {error}"),
            }
        }
        self.ended
    }

    /// The whole lines so far.
    fn text(&mut self) -> String {
        self.hear();
        let end = self.heard.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        String::from_utf8_lossy(&self.heard[..end]).into_owned()
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

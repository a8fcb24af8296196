//! A Prometheus of its own, on a loopback port of its own, and what it knows.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use url::form_urlencoded::byte_serialize;

/// Longer than anything waited for: a scrape that comes too late on a busy machine begins the
/// `for:` of an alert anew.
const PATIENCE: Duration = Duration::from_mins(10);
/// How often it scrapes, and how often it asks its rules.
const INTERVAL: &str = "500ms";

/// A running Prometheus; killed when it is dropped.
pub struct Prometheus {
    child: Child,
    address: String,
    lines: Arc<Mutex<Vec<String>>>,
    /// Its configuration and data.
    folder: TempDir,
}

impl Prometheus {
    /// Starts with these rules, scraping these addresses as the job `writeback`.
    pub fn start(rules: &[(&str, String)], targets: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        for (name, text) in rules {
            std::fs::write(folder.path().join(name), text).unwrap();
            files.push(format!("'{name}'"));
        }
        let targets: Vec<_> = targets.iter().map(|target| format!("'{target}'")).collect();
        let configuration = format!(
            "global: {{ scrape_interval: {INTERVAL}, scrape_timeout: {INTERVAL}, \
             evaluation_interval: {INTERVAL} }}\nrule_files: [{}]\nscrape_configs:\n  - job_name: \
             writeback\n    static_configs: [{{ targets: [{}] }}]\n",
            files.join(", "),
            targets.join(", ")
        );
        std::fs::write(folder.path().join("prometheus.yml"), configuration).unwrap();
        let child = Self::spawn(folder.path());
        let mut child = child.expect("prometheus, of Debian's package prometheus, is installed");
        let lines = Arc::new(Mutex::new(Vec::<String>::new()));
        let (log, kept) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&lines));
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        let mut started = Self { child, address: String::new(), lines, folder };
        let listening = || {
            let lines = started.lines.lock().unwrap();
            let line = lines.iter().find(|line| line.contains("\"Listening on\""))?;
            Some(line.rsplit_once("address=")?.1.trim_matches('"').to_owned())
        };
        until("Prometheus listens", || listening().is_some());
        started.address = listening().unwrap();
        until("Prometheus is ready", || started.get("/-/ready").0 == 200);
        started
    }

    fn spawn(folder: &Path) -> std::io::Result<Child> {
        Command::new("prometheus")
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .args(["--web.listen-address=127.0.0.1:0", "--log.format=logfmt"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
    }

    /// What it wrote to its log.
    pub fn log(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    /// HTTP/1.0, so that the answer comes in one piece.
    fn get(&self, path: &str) -> (u16, String) {
        let Ok(mut stream) = TcpStream::connect(&self.address) else { return (0, String::new()) };
        let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        (status, body.unwrap_or_default())
    }

    fn results(&self, path: &str) -> Vec<Value> {
        let (status, body) = self.get(path);
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(status, 200, "{path}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    }

    /// What an expression says now.
    pub fn query(&self, expression: &str) -> Vec<Value> {
        let expression: String = byte_serialize(expression.as_bytes()).collect();
        self.results(&format!("/api/v1/query?query={expression}"))
    }

    /// Whether an expression ever said anything since then. Prometheus gives 11,000 points: an
    /// hour and a half.
    pub fn ever_said(&self, expression: &str, since: Timestamp) -> bool {
        let expression: String = byte_serialize(expression.as_bytes()).collect();
        let seconds = |at: Timestamp| {
            let thousandths = at.as_millisecond();
            format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000)
        };
        let (start, end) = (seconds(since), seconds(now().max(since)));
        let path =
            format!("/api/v1/query_range?query={expression}&start={start}&end={end}&step=500ms");
        !self.results(&path).is_empty()
    }

    /// Whether an alert fires now, for the series that these labels pick.
    pub fn fires(&self, alert: &str, instance: &str) -> bool {
        !self.query(&firing(alert, instance)).is_empty()
    }

    /// Whether it fires now or has fired since then: one that is about a moment may be over before
    /// anybody asks.
    pub fn fired(&self, alert: &str, instance: &str, since: Timestamp) -> bool {
        self.ever_said(&firing(alert, instance), since)
    }

    /// All alerts that fire now, by their labels.
    pub fn firing(&self) -> Vec<String> {
        let names = self.query("ALERTS{alertstate=\"firing\"}").into_iter();
        names.map(|alert| alert["metric"].to_string()).collect()
    }

    /// Rules that could not be asked.
    pub fn broken_rules(&self) -> Vec<String> {
        let (_, body) = self.get("/api/v1/rules");
        let answer: Value = serde_json::from_str(&body).unwrap();
        let groups = answer["data"]["groups"].as_array().unwrap().iter();
        let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
        let broken = rules.filter(|rule| rule["health"] != "ok");
        broken.map(|rule| format!("{}: {}", rule["name"], rule["lastError"])).collect()
    }
}

fn firing(alert: &str, instance: &str) -> String {
    format!("ALERTS{{alertname=\"{alert}\",alertstate=\"firing\",{instance}}}")
}

/// What Prometheus stamps its samples with.
#[expect(clippy::disallowed_methods, reason = "Prometheus lives in real time")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Asks again and again until the answer is yes.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "patience is a matter of real time")]
pub fn until(what: &str, mut ask: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !ask() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for: {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

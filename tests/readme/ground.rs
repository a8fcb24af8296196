//! What the commands of one block run on: a tenant, a domain, a folder for the product, and what a
//! machine would have beside them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use writeback::controller::now;

use crate::blocks::project;
use crate::product::{Daemon, Ran};
use crate::stage::{CONTAINER, Stage, until};

/// `groupType` of a global security group (MS-ADTS 2.2.12).
const GLOBAL_SECURITY: i32 = -2_147_483_646;

pub struct Ground {
    pub stage: Stage,
    pub daemon: Option<Daemon>,
    /// What the placeholder for a digest stands for now.
    pub digest: Option<String>,
    /// `/etc/writeback`.
    pub etc: TempDir,
    /// `/var/backups/writeback`.
    pub backup: TempDir,
    /// The state is that of a backup.
    pub restored: bool,
}

impl Ground {
    /// Nothing is written yet.
    pub fn new() -> Self {
        let stage = Stage::small();
        stage
            .domain
            .edit(|tree| tree.add_group("Old Finance", CONTAINER, "old-finance", GLOBAL_SECURITY))
            .unwrap();
        let (etc, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        Self { stage, daemon: None, digest: None, etc, backup, restored: false }
    }

    /// Runs the product; the exit code must be one of these.
    #[track_caller]
    pub fn run(&self, words: &[&str], codes: &[i32]) -> Ran {
        let ran = self.stage.product.run(words);
        assert!(codes.contains(&ran.code), "{words:?}: {ran:?}");
        ran
    }

    /// `/etc/writeback` holds the examples, where a person who only read one block has put none.
    pub fn configured(&self) {
        if !self.etc.path().join("writeback.yaml").exists() {
            copy(&project("config"), self.etc.path());
        }
    }

    /// Everything is written, and a day has gone by.
    pub fn written(&mut self) {
        if self.stage.owned().is_empty() {
            self.stage.product.run(&["apply"]).expect(0);
        }
        if self.daemon.is_none() {
            self.stage.product.a_day_later();
        }
    }

    /// The daemon runs and has nothing to do.
    pub fn running(&mut self) {
        if self.daemon.is_none() {
            self.written();
            let mut daemon = self.stage.product.daemon();
            // What the first one remembers is told when the next one has ended.
            daemon.passes(2);
            self.daemon = Some(daemon);
        }
    }

    /// No daemon runs.
    pub fn stopped(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            daemon.signal("TERM");
            assert_eq!(daemon.wait(), Some(0));
        }
    }

    /// The daemon holds something, which the digest names.
    pub fn held(&mut self) {
        self.running();
        self.stage.empty_nearly("All Employees");
        let daemon = self.daemon.as_ref().unwrap();
        let held = || daemon.status()["plan"]["heldDigest"].as_str().map(str::to_owned);
        until("something is held", || held().is_some());
        self.digest = held();
    }

    /// The digest names what this command would do.
    #[track_caller]
    pub fn shown_by(&mut self, words: &[&str]) {
        let shown = self.run(&[words, &["--output", "json"]].concat(), &[0, 2, 3]).stdout;
        let plan: Value = serde_json::from_str(&shown).unwrap();
        self.digest = Some(plan["digest"].as_str().unwrap().to_owned());
    }

    /// A pass wrote something, and the digest names it. No daemon runs.
    pub fn done(&mut self) {
        self.written();
        self.stopped();
        self.stage.put_in("Board", &["Ada Lovelace"]);
        self.shown_by(&["plan"]);
        // What an earlier line left to be held stays so.
        self.run(&["apply"], &[0, 3]);
    }

    /// There is a backup of the state, and the daemon has worked on since, and was stopped.
    pub fn backed_up(&mut self) {
        self.written();
        self.stopped();
        copy(&self.stage.product.path().join("state"), self.backup.path());
        for name in ["Ada Lovelace", "Grace Hopper"] {
            self.stage.put_in("Board", &[name]);
            self.stage.product.run(&["apply"]).expect(0);
        }
    }

    /// How a written group is called in the directory.
    fn common_name(&self, display_name: &str) -> String {
        let owned = self.stage.owned();
        let named = owned.iter().find(|entry| entry.text("displayName") == Some(display_name));
        named.and_then(|entry| entry.text("cn")).unwrap_or(display_name).to_owned()
    }

    /// The placeholders of the documents, as they are here.
    pub fn fill(&self, words: &[String]) -> Vec<String> {
        let old = "CN=Old Finance,";
        let dump = self.stage.domain.dump();
        let old = dump.iter().find(|entry| entry.dn.starts_with(old)).unwrap().guid.to_string();
        let digest = self.digest.as_deref().map_or("1a2b3c4d5e6f", |digest| &digest[..12]);
        let values = [
            ("1a2b3c4d5e6f", digest.to_owned()),
            ("5f0c2a1e-77d4-4c1b-9a55-0d2b6e3f8a10", self.stage.id("Finance").to_string()),
            ("0b9e4d52-3c1f-4f6a-8e07-51a2c3d4e5f6", old),
            ("NAME", self.common_name("Finance")),
            ("2026-03-01T12:00:00Z", now().to_string()),
        ];
        let filled = |word: &String| {
            let value = values.iter().find(|(placeholder, _)| placeholder == word);
            value.map_or_else(|| word.clone(), |(_, value)| value.clone())
        };
        words.iter().map(filled).collect()
    }
}

/// Copies what is in a folder into another one, as `cp -a` does.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let copied = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap();
    assert!(copied.success(), "{} to {}", from.display(), to.display());
}

//! What the loop does with the folder: it waits for a word, then loads.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, timeout};
use writeback::controller::triggers::{Rhythm, Triggers};
use writeback::model::{Containers, Dn};
use writeback::policy::{LoadReport, PolicyStore};
use writeback::report::events::Via;

use crate::folder::FILES;

/// Longer than anything waited for.
const PATIENCE: Duration = Duration::from_mins(2);
/// No poll comes while a test runs: what is seen is seen by an event.
pub const NO_POLL: Duration = Duration::from_hours(1);

/// The daemon's eyes on one folder.
pub struct Eyes {
    runtime: Runtime,
    pub triggers: Triggers,
    store: PolicyStore,
    folder: PathBuf,
}

impl Eyes {
    /// Watches a folder, after it was loaded once.
    pub fn on(folder: &Path, poll: Duration) -> Self {
        Self::at(folder, Rhythm { poll, ..Rhythm::default() })
    }

    /// The same at a rhythm of its own.
    pub fn at(folder: &Path, rhythm: Rhythm) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let triggers = runtime.block_on(async { Triggers::watch_at(folder, rhythm) });
        let containers = Containers::new(vec![Dn::parse("OU=Groups,DC=corp,DC=example").unwrap()]);
        let store = PolicyStore::new(containers);
        let mut eyes = Self { runtime, triggers, store, folder: folder.to_owned() };
        eyes.load();
        eyes
    }

    /// Reads the folder now.
    pub fn load(&mut self) -> LoadReport {
        self.store.load(&self.folder)
    }

    /// Waits for the next word that the folder should be read.
    #[track_caller]
    pub fn due(&mut self) -> Via {
        let due = self.runtime.block_on(async { timeout(PATIENCE, self.triggers.due()).await });
        due.expect("nothing told of the change")
    }

    /// Waits as a pass does before it loads.
    pub fn settle(&mut self) -> bool {
        self.runtime.block_on(async { timeout(PATIENCE, self.triggers.settle()).await.unwrap() })
    }

    /// Waits for a word and loads, until something has changed; on whose word it was.
    #[track_caller]
    pub fn sees(&mut self) -> (Via, LoadReport) {
        let end = Instant::now() + PATIENCE;
        loop {
            let via = self.due();
            let load = self.load();
            if load.changed {
                return (via, load);
            }
            assert!(Instant::now() < end, "no change is seen");
        }
    }

    /// Waits until a whole version is in force.
    #[track_caller]
    pub fn sees_version(&mut self, version: u32) -> Via {
        let (mut via, _) = self.sees();
        while self.versions() != BTreeSet::from([version]) || self.count() != FILES {
            (via, _) = self.sees();
        }
        via
    }

    /// The versions that are in force.
    pub fn versions(&self) -> BTreeSet<u32> {
        let policies = self.store.in_force().policies.iter();
        policies.map(|standing| standing.policy.precedence).collect()
    }

    /// How many policies are in force.
    pub fn count(&self) -> usize {
        self.store.in_force().policies.len()
    }

    /// How many of them are last good versions.
    pub fn last_good(&self) -> usize {
        self.store.in_force().policies.iter().filter(|standing| standing.last_good).count()
    }
}

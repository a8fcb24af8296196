//! What wakes the loop: changes in the policy folder, by events and by a slow poll beside them.
//!
//! A trigger only says "look again". The folder and its parent are watched, not their files:
//! ConfigMap volumes and git-sync publish by swapping links, and a watched file is deaf after the
//! first swap. What changed is found by comparing content.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// How often the folder is read without any event: some mounts never send one.
pub const POLL: Duration = Duration::from_secs(30);
/// How long events are gathered: a checkout writes many files, a swap makes several events.
pub const GATHER: Duration = Duration::from_millis(500);

/// Watches one policy folder.
pub struct Triggers {
    folder: PathBuf,
    events: mpsc::Receiver<()>,
    /// Kept for its life only; watches end when it is dropped.
    watcher: Option<RecommendedWatcher>,
    next_poll: Instant,
    /// Events came; the end of the time in which they are gathered.
    gathering: Option<Instant>,
}

impl Triggers {
    /// Starts to watch. A platform without file events still has the poll.
    pub fn watch(folder: &Path) -> Self {
        // One waiting event says all there is to say.
        let (sender, events) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| only_looks(event.kind)) {
                return;
            }
            // Full means that a look is due anyway; closed means that nobody listens any more.
            let _due = sender.try_send(());
        });
        let mut triggers = Self {
            folder: folder.to_owned(),
            events,
            watcher: watcher.ok(),
            next_poll: Instant::now() + POLL,
            gathering: None,
        };
        triggers.renew();
        triggers
    }

    /// Resolves when the folder should be read again. Dropped half-way, it loses no event.
    pub async fn due(&mut self) {
        if self.gathering.is_none() {
            tokio::select! {
                Some(()) = self.events.recv() => {
                    self.gathering = Some(Instant::now() + GATHER);
                }
                () = sleep_until(self.next_poll) => {}
            }
        }
        if let Some(end) = self.gathering {
            sleep_until(end).await;
            while self.events.try_recv().is_ok() {}
            self.gathering = None;
        }
        self.next_poll = Instant::now() + POLL;
        self.renew();
    }

    /// Watches what the path means now: a swapped link leads to another folder.
    fn renew(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        let resolved = self.folder.canonicalize().ok();
        let places =
            [Some(self.folder.clone()), self.folder.parent().map(Path::to_owned), resolved];
        for place in places.into_iter().flatten().filter(|place| !place.as_os_str().is_empty()) {
            // A folder that is gone is found again by its parent's events or by the poll.
            let _gone = watcher.unwatch(&place);
            let _gone = watcher.watch(&place, RecursiveMode::NonRecursive);
        }
    }
}

/// Whether somebody, most likely this program, has only looked: a reader that is woken by its own
/// reading never rests.
fn only_looks(kind: EventKind) -> bool {
    let written = AccessKind::Close(AccessMode::Write);
    matches!(kind, EventKind::Access(access) if access != written)
}

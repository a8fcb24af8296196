//! What wakes the loop: changes in the policy folder, by events and by a slow poll beside them, and
//! SIGHUP.
//!
//! A trigger only says "look again". Folders are watched, not their files: ConfigMap volumes and
//! git-sync publish by swapping links, and a watched file is deaf after the first swap. What
//! changed is found by comparing content.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::report::events::Via;

/// How often the folder is read without any event: some mounts never send one.
pub const POLL: Duration = Duration::from_secs(30);
/// How long nothing may have come before the folder is read: a checkout writes many files, a swap
/// makes several events.
pub const GATHER: Duration = Duration::from_millis(500);
/// How long a writer that never rests is waited for.
pub const GATHER_MAX: Duration = Duration::from_secs(5);
/// Links on the way to the folder: as many as the kernel follows (path_resolution(7)).
const LINKS_MAX: usize = 40;

/// When the folder is read.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm {
    /// Without any event, so often.
    pub poll: Duration,
    /// After events, once nothing has come for so long.
    pub gather: Duration,
    /// After the first of them, so late at most.
    pub gather_max: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { poll: POLL, gather: GATHER, gather_max: GATHER_MAX }
    }
}

/// Watches one policy folder.
pub struct Triggers {
    folder: PathBuf,
    events: mpsc::Receiver<()>,
    /// Kept for its life only; watches end when it is dropped.
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    /// Why some events will not come; told once.
    deaf: Option<String>,
    hangup: Option<Signal>,
    rhythm: Rhythm,
    next_poll: Instant,
    gathering: Option<Gathering>,
}

/// Events came.
#[derive(Clone, Copy)]
struct Gathering {
    /// Nothing came until then.
    quiet: Instant,
    /// Whatever comes.
    longest: Instant,
}

impl Gathering {
    fn begin(rhythm: Rhythm) -> Self {
        let at = Instant::now();
        Self { quiet: at + rhythm.gather, longest: at + rhythm.gather_max }
    }

    /// One more came.
    fn goes_on(self, rhythm: Rhythm) -> Self {
        Self { quiet: Instant::now() + rhythm.gather, ..self }
    }

    fn end(self) -> Instant {
        self.quiet.min(self.longest)
    }
}

impl Triggers {
    /// Starts to watch. A platform without file events still has the poll. Needs a runtime.
    pub fn watch(folder: &Path) -> Self {
        Self::watch_at(folder, Rhythm::default())
    }

    /// The same, at a rhythm of its own.
    pub fn watch_at(folder: &Path, rhythm: Rhythm) -> Self {
        // One waiting event says all there is to say.
        let (sender, events) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if says_look(&event) {
                // Full means that a look is due anyway; closed means that nobody listens any more.
                let _due = sender.try_send(());
            }
        });
        if let Err(error) = &watcher {
            tracing::warn!(%error, "no file events: the policy folder is read by the poll alone");
        }
        let mut triggers = Self {
            folder: folder.to_owned(),
            events,
            watcher: watcher.ok(),
            watched: BTreeSet::new(),
            deaf: None,
            // Without it SIGHUP would end the daemon.
            hangup: signal(SignalKind::hangup()).ok(),
            rhythm,
            next_poll: Instant::now() + rhythm.poll,
            gathering: None,
        };
        triggers.renew();
        triggers
    }

    /// Whether events should have told what the poll finds.
    pub fn hears(&self) -> bool {
        self.watcher.is_some() && self.deaf.is_none()
    }

    /// Resolves when the folder should be read again, and says on whose word. Dropped half-way, it
    /// loses no event.
    pub async fn due(&mut self) -> Via {
        let via = loop {
            let end = self.gathering.map_or(self.next_poll, Gathering::end);
            tokio::select! {
                Some(()) = self.events.recv() => self.gather(),
                () = hung_up(&mut self.hangup) => break Via::Signal,
                () = sleep_until(end) => {
                    break if self.gathering.is_some() { Via::Event } else { Via::Poll };
                }
            }
        };
        self.looked();
        via
    }

    /// Waits while the folder is being written: what is read in the middle of a checkout is half of
    /// it. Whether there was anything to wait for.
    pub async fn settle(&mut self) -> bool {
        if self.events.try_recv().is_ok() {
            self.gather();
        }
        if self.gathering.is_none() {
            return false;
        }
        while let Some(gathering) = self.gathering {
            tokio::select! {
                Some(()) = self.events.recv() => self.gather(),
                () = sleep_until(gathering.end()) => self.gathering = None,
            }
        }
        self.looked();
        true
    }

    fn gather(&mut self) {
        let rhythm = self.rhythm;
        self.gathering = Some(match self.gathering {
            None => Gathering::begin(rhythm),
            Some(gathering) => gathering.goes_on(rhythm),
        });
    }

    /// The folder is read now.
    fn looked(&mut self) {
        self.gathering = None;
        self.next_poll = Instant::now() + self.rhythm.poll;
        // Before it is read: what comes later comes as an event.
        self.renew();
    }

    /// Watches what the path means now: a swapped link leads to another folder.
    fn renew(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        let places = places(&self.folder);
        for gone in self.watched.difference(&places) {
            let _gone = watcher.unwatch(gone);
        }
        let mut deaf = None;
        for place in &places {
            // Anew in any case: a folder that was removed and made again has the same name, and the
            // old watch is dead.
            let _gone = watcher.unwatch(place);
            if let Err(error) = watcher.watch(place, RecursiveMode::NonRecursive)
                && place.is_dir()
            {
                deaf = Some(format!("{}: {error}", place.display()));
            }
        }
        self.watched = places;
        if let Some(error) = deaf.as_deref()
            && self.deaf.is_none()
        {
            tracing::warn!(error, "a folder is not watched: changes in it are found by the poll");
        }
        self.deaf = deaf;
    }
}

/// The next SIGHUP.
async fn hung_up(hangup: &mut Option<Signal>) {
    let heard = match hangup {
        Some(hangup) => hangup.recv().await,
        None => None,
    };
    if heard.is_none() {
        std::future::pending::<()>().await;
    }
}

/// Whether the folder should be read again. An error and an overflow of the kernel's queue, which
/// comes as "rescan", say that events are missing: all the more.
fn says_look(event: &notify::Result<notify::Event>) -> bool {
    match event {
        Ok(event) => !only_looks(event.kind),
        Err(_) => true,
    }
}

/// Whether somebody, most likely this program, has only looked: a reader that is woken by its own
/// reading never rests.
fn only_looks(kind: EventKind) -> bool {
    let written = AccessKind::Close(AccessMode::Write);
    matches!(kind, EventKind::Access(access) if access != written)
}

/// The folders in which a change of the policy folder shows, without links in their names: the
/// folder itself, the one that holds it, and each that holds a link on the way to it, for a swap
/// renames the link. Where the way ends early, the last folder on it: there it begins again.
fn places(folder: &Path) -> BTreeSet<PathBuf> {
    let mut places = BTreeSet::new();
    let Ok(absolute) = std::path::absolute(folder) else { return places };
    let mut rest = parts(&absolute);
    let mut here = PathBuf::new();
    let mut links = 0;
    while let Some(part) = rest.pop() {
        if part == OsStr::new(".") {
            continue;
        }
        if part == OsStr::new("..") {
            here.pop();
            continue;
        }
        let next = here.join(&part);
        let Ok(found) = fs::symlink_metadata(&next) else {
            places.insert(here);
            return places;
        };
        if !found.is_symlink() {
            here = next;
            continue;
        }
        links += 1;
        places.insert(here.clone());
        match fs::read_link(&next) {
            Ok(target) if links <= LINKS_MAX => rest.extend(parts(&target)),
            Ok(_) | Err(_) => return places,
        }
    }
    places.extend(here.parent().map(Path::to_owned));
    places.insert(here);
    places
}

/// The parts of a path, the first one last. The root is a part of its own.
fn parts(path: &Path) -> Vec<OsString> {
    path.components().rev().map(|part| part.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use notify::event::{CreateKind, Flag, ModifyKind, RemoveKind, RenameMode};

    use super::*;

    #[test]
    fn whatever_may_mean_a_change_or_a_lost_event_says_look() {
        let event = |kind| Ok(notify::Event::new(kind));
        let overflow = notify::Event::new(EventKind::Other).set_flag(Flag::Rescan);
        for told in [
            Ok(overflow),
            Err(notify::Error::generic("the queue is gone")),
            event(EventKind::Any),
            event(EventKind::Create(CreateKind::Any)),
            event(EventKind::Remove(RemoveKind::Any)),
            event(EventKind::Modify(ModifyKind::Name(RenameMode::To))),
            event(EventKind::Access(AccessKind::Close(AccessMode::Write))),
        ] {
            assert!(says_look(&told), "{told:?}");
        }
        for told in [AccessKind::Read, AccessKind::Close(AccessMode::Read), AccessKind::Any] {
            assert!(!says_look(&event(EventKind::Access(told))), "{told:?}");
        }
    }

    #[test]
    fn every_folder_that_holds_a_link_on_the_way_is_watched() {
        let base = tempfile::tempdir().unwrap();
        let base = base.path().canonicalize().unwrap();
        let made = |name: &str| fs::create_dir_all(base.join(name)).unwrap();
        made("store/one/policies");
        made("git");
        symlink(base.join("store/one"), base.join("git/current")).unwrap();
        symlink("../git/current/./policies", base.join("store/link")).unwrap();
        let told = |path: &str| -> Vec<String> {
            let places = places(&base.join(path));
            let below = places.iter().filter_map(|place| place.strip_prefix(&base).ok());
            below.map(|place| place.display().to_string()).collect()
        };
        assert_eq!(told("store/one/policies"), ["store/one", "store/one/policies"]);
        let all = ["git", "store/one", "store/one/policies"];
        assert_eq!(told("git/current/policies"), all);
        assert_eq!(told("store/link"), ["git", "store", "store/one", "store/one/policies"]);
        assert_eq!(told("git/../git/current/policies"), all);
        // What is not there yet is waited for where it will come.
        assert_eq!(told("store/two/policies"), ["store"]);
        symlink("loop", base.join("git/loop")).unwrap();
        assert_eq!(told("git/loop"), ["git"]);
    }
}

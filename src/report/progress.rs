//! How far the long parts of a pass have come, for progress bars, and that it moves, for the
//! heartbeat.

use std::sync::Arc;

/// One step of a long part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Directory entries read so far.
    Directory(usize),
    /// Groups whose members were read, of how many.
    Members(usize, usize),
    /// Changes tried, of how many.
    Changes(usize, usize),
    /// The other side answered, or some more of a wait for it is over: nothing to count, and no
    /// standing still.
    Moving,
}

/// Told of every step; must not block.
pub type Watcher = Arc<dyn Fn(Progress) + Send + Sync>;

/// A watcher that looks away.
pub fn unwatched() -> Watcher {
    Arc::new(|_| {})
}

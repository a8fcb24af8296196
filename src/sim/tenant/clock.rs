//! The tenant's clock: the machine's time plus a shift that a test decides.
//!
//! Input: the shift. Output: the time in tokens, in `Date` headers and of deletions. Shifting it
//! lets tokens and assertions grow old without waiting.

use std::sync::{Mutex, PoisonError};

use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};

/// A clock that starts at the machine's time.
#[derive(Default)]
pub(super) struct Clock {
    shift: Mutex<SignedDuration>,
}

impl Clock {
    /// The tenant's time.
    #[expect(
        clippy::disallowed_methods,
        reason = "the tenant stands for another machine: it has a clock of its own"
    )]
    pub(super) fn now(&self) -> Timestamp {
        let shift = *self.shift.lock().unwrap_or_else(PoisonError::into_inner);
        // A shift beyond the years of a timestamp is no use to any test.
        Timestamp::now().checked_add(shift).unwrap_or(Timestamp::MAX)
    }

    /// Moves the clock; a negative duration moves it back.
    pub(super) fn shift(&self, by: SignedDuration) {
        let mut shift = self.shift.lock().unwrap_or_else(PoisonError::into_inner);
        *shift = shift.saturating_add(by);
    }
}

/// An HTTP date (RFC 9110 5.6.7).
pub(super) fn http_date(time: Timestamp) -> String {
    DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&time)
        .expect("the tenant's time lies in the years an HTTP date can tell")
}

/// A time as Graph writes it: UTC, seconds, `Z`.
pub(super) fn graph_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

//! Which fault retries, how long, how often. Delay arithmetic only: nobody waits in here.
//!
//! Edges turn their errors into a `Fault`; the controller and the clients ask for delays.

use std::time::Duration;

use backoff::backoff::Backoff as _;

use crate::defence::stands;

/// An edge failure as its caller sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// A bounded word for metrics and conditions, such as `throttled` or `bind_refused`.
    pub reason: &'static str,
    /// Whether trying again can help.
    pub transient: bool,
    /// How long the other side asked to be left alone.
    pub retry_after: Option<Duration>,
    /// Plain text for people, without secrets: what failed, and which file or right mends it.
    pub message: String,
}

/// How a kind of request is tried again.
#[derive(Clone, Copy, Debug)]
pub struct RetryRule {
    /// Tries in all.
    pub tries_max: u32,
    /// The bound of the first delay.
    pub first: Duration,
    /// The bound that delays grow to.
    pub longest: Duration,
}

/// A request inside a pass: five tries, bounds 0.5 s, 1 s, 2 s, 4 s; together under 8 s, so that
/// a pass of 60 s survives a short outage without overlapping the next one.
pub const REQUEST: RetryRule =
    RetryRule { tries_max: 5, first: Duration::from_millis(500), longest: Duration::from_secs(30) };

/// Whole passes after a failed one: bounds grow from 5 s to 15 minutes and stay there.
pub const PASS: RetryRule = RetryRule {
    tries_max: u32::MAX,
    first: Duration::from_secs(5),
    longest: Duration::from_mins(15),
};

/// The longest wait that is honoured inside a pass; a longer Retry-After ends the pass.
/// Microsoft's own client gives up at 180 s.
pub const RETRY_AFTER_MAX: Duration = Duration::from_mins(3);

impl RetryRule {
    /// The delay before try `next` (the first retry is 2), with full jitter: uniform between
    /// nothing and the exponential bound, never before `retry_after`. `None`: give up.
    ///
    /// `random` is uniform in 0..1.
    pub fn delay(&self, next: u32, retry_after: Option<Duration>, random: f64) -> Option<Duration> {
        let is_over = next > self.tries_max && stands("H73");
        if is_over || retry_after.is_some_and(|wait| wait > RETRY_AFTER_MAX) {
            return None;
        }
        let jittered = self.bound(next).mul_f64(random.clamp(0.0, 1.0));
        Some(retry_after.map_or(jittered, |wait| wait + jittered.min(wait)))
    }

    fn bound(&self, next: u32) -> Duration {
        let mut delays = backoff::ExponentialBackoff {
            initial_interval: self.first,
            current_interval: self.first,
            max_interval: self.longest,
            multiplier: 2.0,
            randomization_factor: 0.0,
            max_elapsed_time: None,
            ..backoff::ExponentialBackoff::default()
        };
        let mut bound = self.first;
        // 32 doublings of the shortest interval lie beyond every `longest`.
        for _ in 2..=next.min(34) {
            bound = delays.next_backoff().unwrap_or(self.longest);
        }
        bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_double_up_to_the_longest() {
        let bounds: Vec<_> = (2..=10).map(|next| PASS.bound(next).as_secs()).collect();
        assert_eq!(bounds, [5, 10, 20, 40, 80, 160, 320, 640, 900]);
    }

    #[test]
    fn jitter_spreads_over_the_whole_bound() {
        assert_eq!(PASS.delay(2, None, 0.0), Some(Duration::ZERO));
        assert_eq!(PASS.delay(2, None, 1.0), Some(Duration::from_secs(5)));
    }

    #[test]
    fn no_request_goes_out_before_the_time_the_other_side_asked_for() {
        let wait = Duration::from_millis(2128);
        for random in [0.0, 0.3, 1.0] {
            assert!(REQUEST.delay(2, Some(wait), random).unwrap() >= wait);
        }
    }

    #[test]
    fn tries_and_waits_have_an_end() {
        assert_eq!(REQUEST.delay(6, None, 0.5), None);
        assert_eq!(REQUEST.delay(2, Some(Duration::from_secs(181)), 0.5), None);
        assert!(PASS.delay(u32::MAX, None, 1.0).unwrap() <= PASS.longest);
    }
}

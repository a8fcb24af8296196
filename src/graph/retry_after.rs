//! How long the other side asked to be left alone.
//!
//! Input: the text of a `Retry-After` header. Output: a duration. Graph sends whole seconds,
//! fractions (`2.128`, learn.microsoft.com/graph/throttling) and HTTP dates (RFC 9110 10.2.3).

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

/// The wait that `text` asks for. `now` is the sender's time where it told it (`Date`), so that
/// a wrong clock on this machine cannot lengthen the wait. `None`: not understood.
pub(super) fn parse(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        let seconds: f64 = text.parse().ok()?;
        // More seconds than a duration can hold mean "not soon", not "at once".
        return Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    }
    let date = http_date(text)?;
    // A date that has passed: the wait is over.
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

/// A date as HTTP writes it (RFC 9110 5.6.7).
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: &str = "Sun, 22 Nov 2026 12:00:00 GMT";

    fn parsed(text: &str) -> Option<Duration> {
        parse(text, http_date(NOON).unwrap())
    }

    #[test]
    fn seconds_fractions_and_dates_are_understood() {
        assert_eq!(parsed("7"), Some(Duration::from_secs(7)));
        assert_eq!(parsed(" 0 "), Some(Duration::ZERO));
        assert_eq!(parsed("2.128"), Some(Duration::from_millis(2128)));
        assert_eq!(parsed("Sun, 22 Nov 2026 12:01:30 GMT"), Some(Duration::from_secs(90)));
    }

    #[test]
    fn a_date_that_has_passed_asks_for_no_wait() {
        assert_eq!(parsed("Sun, 22 Nov 2026 11:59:59 GMT"), Some(Duration::ZERO));
    }

    #[test]
    fn an_enormous_number_is_a_long_wait_and_not_none() {
        assert_eq!(parsed(&"9".repeat(400)), Some(Duration::MAX));
    }

    #[test]
    fn what_is_no_wait_is_not_guessed() {
        for text in ["", "soon", "-1", "1e3", "inf", "NaN", "1.2.3", "."] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}

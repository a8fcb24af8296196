//! Durations such as `30s`, `10m`, `6h`, `1d`: one whole number and one unit.
//!
//! Input: the text of a scalar. Output: a duration, or `None`.

use std::time::Duration;

/// Reads one number and one unit; fractions, signs, spaces and sums (`1h30m`) are none.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let seconds_per_unit = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let digits = text.strip_suffix(unit)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(seconds_per_unit).map(Duration::from_secs)
}

/// The shortest exact form, for messages.
pub(super) fn print(duration: Duration) -> String {
    let seconds = duration.as_secs();
    for (unit, size) in [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60)] {
        if seconds > 0 && seconds.is_multiple_of(size) {
            return format!("{}{unit}", seconds / size);
        }
    }
    format!("{seconds}s")
}

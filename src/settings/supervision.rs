//! Who started this process and wants to hear of it: what the environment says.
//!
//! sd_notify(3): `NOTIFY_SOCKET` is there where somebody listens. sd_watchdog_enabled(3):
//! `WATCHDOG_USEC` is how long it may stay silent, in microseconds, and holds for the process that
//! `WATCHDOG_PID` names, or for everybody where that is absent.

use std::env;
use std::ffi::OsStr;
use std::time::Duration;

/// Whoever started this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Supervision {
    /// It listens to how the process stands.
    pub listens: bool,
    /// It ends the process after a silence of this length.
    pub watchdog: Option<Duration>,
}

/// What the environment says of whoever started this process.
#[expect(clippy::disallowed_methods, reason = "settings are the one reader of the environment")]
pub fn supervision() -> Supervision {
    let [socket, silence, meant] =
        ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"].map(env::var_os);
    of(socket.as_deref(), silence.as_deref(), meant.as_deref(), std::process::id())
}

fn of(
    socket: Option<&OsStr>,
    silence: Option<&OsStr>,
    meant: Option<&OsStr>,
    own: u32,
) -> Supervision {
    let listens = socket.is_some_and(|path| !path.is_empty());
    let number = |text: &OsStr| text.to_str().and_then(|text| text.parse::<u64>().ok());
    let is_meant = meant.is_none_or(|text| number(text) == Some(u64::from(own)));
    let silence = silence.and_then(number).filter(|silence| *silence > 0);
    let watchdog = silence.filter(|_| listens && is_meant).map(Duration::from_micros);
    Supervision { listens, watchdog }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(socket: &str, silence: &str, meant: Option<&str>) -> (bool, Option<u64>) {
        let found = of(Some(socket.as_ref()), Some(silence.as_ref()), meant.map(OsStr::new), 42);
        (found.listens, found.watchdog.map(|silence| silence.as_secs()))
    }

    #[test]
    fn a_watchdog_holds_for_the_process_that_it_names() {
        assert_eq!(said("/run/notify", "30000000", None), (true, Some(30)));
        assert_eq!(said("/run/notify", "30000000", Some("42")), (true, Some(30)));
        assert_eq!(said("/run/notify", "30000000", Some("43")), (true, None));
        assert_eq!(said("/run/notify", "0", None), (true, None));
        assert_eq!(said("/run/notify", "soon", None), (true, None));
        assert_eq!(said("", "30000000", None), (false, None));
        assert_eq!(of(None, None, None, 42), Supervision::default());
    }
}

//! The log on stderr: text for people or JSON for collectors.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One readable line an event.
    Text,
    /// One JSON object an event.
    Json,
}

/// Starts the log. `verbosity` 0 shows what nobody else says, 1 every change, pass and mistake, 2
/// every request.
///
/// Both forms escape control characters: names come from people who own groups. Only what this
/// program says is shown: what its packages say is said again by our errors, and at their lowest
/// levels they print whole requests, with the secrets in them. A second call in one process changes
/// nothing.
pub fn start(format: Format, verbosity: u8) {
    let level = match verbosity {
        0 => Level::ERROR,
        1 => Level::INFO,
        2 => Level::DEBUG,
        _ => Level::TRACE,
    };
    let ours = Targets::new().with_target(env!("CARGO_PKG_NAME"), level);
    let log = fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_target(false);
    // Set twice only when one process runs two commands, as tests do.
    let _already_set = match format {
        Format::Text => registry().with(log.with_filter(ours)).try_init(),
        Format::Json => {
            registry().with(log.json().flatten_event(true).with_filter(ours)).try_init()
        }
    };
}

//! The log on stderr: text for people or JSON for collectors.

use tracing::Level;
use tracing_subscriber::fmt;

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One readable line an event.
    Text,
    /// One JSON object an event.
    Json,
}

/// Starts the log. `verbosity` 0 shows what went wrong, 1 every change and pass, 2 every request.
///
/// Both forms escape control characters: names come from people who own groups. A second call in
/// one process changes nothing.
pub fn start(format: Format, verbosity: u8) {
    let level = match verbosity {
        0 => Level::WARN,
        1 => Level::INFO,
        2 => Level::DEBUG,
        _ => Level::TRACE,
    };
    let log = fmt().with_max_level(level).with_writer(std::io::stderr).with_ansi(false);
    // Set twice only when one process runs two commands, as tests do.
    let _already_set = match format {
        Format::Text => log.with_target(false).try_init(),
        Format::Json => log.json().flatten_event(true).with_target(false).try_init(),
    };
}

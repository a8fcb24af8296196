//! The password of the bind, which somebody may be renewing in this moment.
//!
//! Input: the password file of the options. Output: its text, or words that name the file.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::sleep;

use crate::directory::{DirectoryError, DirectoryOptions};

/// How often a file that is being written is read again before it counts as what it is.
const SETTLE_TRIES: u32 = 4;
/// How long between two of these reads; together a second, which is long for writing a file.
const SETTLE_PAUSE: Duration = Duration::from_millis(250);

/// The password as it is now.
pub(super) fn password(options: &DirectoryOptions) -> Result<SecretString, DirectoryError> {
    let file = options.password_file.display();
    let password = (options.read_secret)(&options.password_file).map_err(|why| {
        DirectoryError::Misconfigured { message: format!("read the password file {file}: {why}") }
    })?;
    if password.expose_secret().is_empty() {
        // RFC 4513 5.1.2: a name without a password is an anonymous bind, and succeeds.
        let message = format!("bind with the password file {file}: it is empty");
        return Err(DirectoryError::Misconfigured { message });
    }
    Ok(password)
}

/// Reads a file; one that cannot be used may be being written, and is read again for a moment.
pub(super) async fn settled<T>(
    read: impl Fn() -> Result<T, DirectoryError>,
) -> Result<T, DirectoryError> {
    for _ in 0..SETTLE_TRIES {
        if let Ok(found) = read() {
            return Ok(found);
        }
        sleep(SETTLE_PAUSE).await;
    }
    read()
}

/// The password that took the place of a refused one, where one does in a moment: whoever changes
/// it in the directory and in its file does the one after the other. None is offered twice.
pub(super) async fn renewed(
    options: &DirectoryOptions,
    refused: &SecretString,
) -> Option<SecretString> {
    for _ in 0..SETTLE_TRIES {
        sleep(SETTLE_PAUSE).await;
        let now = password(options).ok();
        let is_new = |now: &SecretString| now.expose_secret() != refused.expose_secret();
        if let Some(password) = now.filter(is_new) {
            return Some(password);
        }
    }
    None
}

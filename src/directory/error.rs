//! Why the directory could not be read or reached: each variant says what the caller can do.
//!
//! Input: `connection`, `search`, `schema`. Output: `Fault`, for the controller.

use std::error::Error;

use crate::directory::outcome::Refusal;
use crate::retry::Fault;

type Source = Box<dyn Error + Send + Sync>;

/// Every message is a fragment that reads after "failed to" and names the file, the setting or
/// the right to mend, without secrets.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A setting or a file cannot be right; somebody has to mend it.
    #[error("{message}")]
    Misconfigured {
        /// Text for people.
        message: String,
    },
    /// The server's certificate is not one to trust; somebody has to mend the file, the name or
    /// the certificate.
    #[error("{message}")]
    Untrusted {
        /// Text for people.
        message: String,
        /// What rustls said.
        #[source]
        source: Option<Source>,
    },
    /// The bind was refused. Trying again could lock the account.
    #[error("{message}")]
    BindRefused {
        /// Text for people.
        message: String,
    },
    /// The account lacks a right; somebody has to delegate it.
    #[error("{message}")]
    NotPermitted {
        /// Text for people.
        message: String,
    },
    /// No connection: nothing was sent. Later may be better.
    #[error("{message}")]
    Unreachable {
        /// Text for people.
        message: String,
        /// What the network said.
        #[source]
        source: Option<Source>,
    },
    /// The server asked to be left alone for now; nothing was done.
    #[error("{message}")]
    Busy {
        /// Text for people.
        message: String,
    },
    /// The request went out and no answer came: a read is repeated, a write is settled by reading.
    #[error("{message}")]
    Lost {
        /// Text for people.
        message: String,
        /// What the network said.
        #[source]
        source: Option<Source>,
    },
    /// The answer makes no sense or is not whole. Nothing of it is used.
    #[error("{message}")]
    Unreadable {
        /// Text for people.
        message: String,
    },
    /// The directory refused a read, and would again.
    #[error("{action}: {refusal}", refusal = .refusal.message)]
    Refused {
        /// What was to be read.
        action: String,
        /// What the directory said.
        refusal: Refusal,
    },
}

impl DirectoryError {
    /// The error as the controller sees it.
    pub fn fault(&self) -> Fault {
        let (reason, transient) = match self {
            Self::Misconfigured { .. } => ("directory_misconfigured", false),
            Self::Untrusted { .. } => ("certificate_untrusted", false),
            Self::BindRefused { .. } => ("bind_refused", false),
            Self::NotPermitted { .. } => ("not_permitted", false),
            Self::Unreachable { .. } => ("directory_unreachable", true),
            Self::Busy { .. } => ("directory_busy", true),
            Self::Lost { .. } => ("connection_lost", true),
            Self::Unreadable { .. } => ("directory_unreadable", true),
            Self::Refused { .. } => ("directory_refused", false),
        };
        let mut message = format!("failed to {self}");
        let mut next = self.source();
        while let Some(source) = next {
            let text = source.to_string();
            if !message.contains(&text) {
                message.push_str(": ");
                message.push_str(&text);
            }
            next = source.source();
        }
        Fault { reason, transient, retry_after: None, message }
    }

    /// Whether a file or the account is to blame: a bind that was accepted before stays good.
    pub(super) fn is_of_credential(&self) -> bool {
        match self {
            Self::Misconfigured { .. } | Self::Untrusted { .. } | Self::BindRefused { .. } => true,
            Self::NotPermitted { .. }
            | Self::Unreachable { .. }
            | Self::Busy { .. }
            | Self::Lost { .. }
            | Self::Unreadable { .. }
            | Self::Refused { .. } => false,
        }
    }

    /// Every reason of [`DirectoryError::fault`], for series that start at zero.
    pub const REASONS: [&'static str; 9] = [
        "directory_misconfigured",
        "certificate_untrusted",
        "bind_refused",
        "not_permitted",
        "directory_unreachable",
        "directory_busy",
        "connection_lost",
        "directory_unreadable",
        "directory_refused",
    ];
}

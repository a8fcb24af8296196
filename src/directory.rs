//! Floor 2: the domain side. Reads one domain controller whole and writes what was recorded.
//!
//! Input: `DirectoryOptions`, the containers, recorded operations. Output: `DirectorySnapshot`,
//! `Answer`s, `Fault`s. Only this room names the package ldap3.
//!
//! What ldap3 0.12 does that a daemon cannot live with, and the answer here:
//!
//! - Ids of finished searches are never given back: a connection is replaced after 10,000 requests
//!   or an hour.
//! - Its driver writes without reading, so a large write beside a large result hangs for ever: one
//!   connection to read, one to write, one request at a time on each, a fifth of a MiB at most.
//! - Nothing has a time limit: every request gets one, over the whole of it (`TimeLimits`).
//! - A request that timed out goes on at the server: its connection is closed, and a write counts
//!   as lost and is settled by reading. The driver, which would wait on, is aborted.
//! - `SearchEntry::construct` panics on a DN that is not UTF-8: `entry` decodes without panics.
//! - Other malformed answers panic in the caller or in the driver: each request is polled under
//!   `catch_unwind`, and the connection is given up.
//! - Channels are unbounded: searches are paged, 500 entries at a time.
//! - One bad certificate of the platform empties the root store: the TLS settings are our own.
//! - It hands rustls the brackets of `[::1]`, which is no name: `tls` puts the address back.
//! - Referrals come among the entries: they are asked away, and one that comes is an error.

mod above;
mod client;
mod connection;
mod deleted;
mod entry;
mod error;
mod history;
mod inside;
#[cfg(feature = "kerberos")]
mod kerberos;
mod members;
mod named;
mod observe;
mod options;
mod readiness;
mod schema;
mod search;
mod secret;
mod suitable;
mod tls;
mod values;
mod write;

pub mod apply;
pub mod outcome;

pub use client::Directory;
pub use error::DirectoryError;
pub use options::{DirectoryOptions, LdapRequest, Observer, TimeLimits};

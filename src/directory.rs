//! Floor 2: the domain side. Reads one domain controller whole and writes what was recorded.
//!
//! Input: `DirectoryOptions`, the containers, recorded operations. Output: `DirectorySnapshot`,
//! `Answer`s, `Fault`s. Only this room names the package ldap3.
//!
//! What ldap3 0.12 does that a daemon cannot live with, and the answer here:
//!
//! | fault of the package | answer |
//! |---|---|
//! | message ids of finished searches are never given back | a connection is replaced after `OPERATIONS_MAX` requests or `AGE_MAX` |
//! | the driver writes without reading: large writes beside large results hang for ever | one connection to read, one to write, one request at a time on each, 1 MiB at most in it |
//! | no time limits | every request has one, over the whole of it (`TimeLimits`) |
//! | a request that timed out goes on at the server | its connection is closed; a write counts as lost and is settled by reading |
//! | `SearchEntry::construct` panics on a DN that is not UTF-8 | entries are decoded in `entry`, which cannot panic |
//! | malformed answers panic in the caller or in the driver | each request is polled under `catch_unwind`; the connection is given up |
//! | the driver outlives its handles when the peer stalls | it is aborted when the connection is dropped |
//! | unbounded channels | searches are paged, `PAGE_ENTRIES` at a time |
//! | one bad native certificate empties the root store | the TLS settings are our own |
//! | referrals are handed out among the entries | they are asked away, and one that comes is an error |

mod client;
mod connection;
mod entry;
mod error;
mod members;
mod observe;
mod options;
mod schema;
mod search;
mod tls;

pub mod apply;
pub mod outcome;

pub use client::Directory;
pub use error::DirectoryError;
pub use options::{DirectoryOptions, LdapRequest, Observer, TimeLimits};

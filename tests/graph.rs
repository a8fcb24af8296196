//! The tenant client against the simulated tenant: what it reads, what it overcomes, what it
//! refuses, and what it says then.
//!
//! Each test starts a tenant of its own on a free loopback port.

#![cfg(feature = "sim")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap is the failed test")]

#[path = "graph/bench.rs"]
mod bench;
#[path = "graph/departed.rs"]
mod departed;
#[path = "graph/incumbent.rs"]
mod incumbent;
#[path = "graph/portal.rs"]
mod portal;
#[path = "graph/reading.rs"]
mod reading;
#[path = "graph/refusals.rs"]
mod refusals;
#[path = "graph/strangers.rs"]
mod strangers;
#[path = "graph/weather.rs"]
mod weather;

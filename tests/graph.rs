//! The tenant client against the simulated tenant: what it reads, what it overcomes, what it
//! refuses, and what it says then.
//!
//! Each test starts a tenant of its own on a free loopback port.

#![cfg(feature = "sim")]

#[path = "graph/bench.rs"]
mod bench;
#[path = "graph/reading.rs"]
mod reading;
#[path = "graph/refusals.rs"]
mod refusals;
#[path = "graph/weather.rs"]
mod weather;

//! # writeback: the map of the house
//!
//! A daemon that keeps cloud groups in Active Directory. It observes, decides and acts; only the
//! middle is clever, and it touches nothing.
//!
//! ```text
//!      POLICY FILES              MICROSOFT GRAPH            ACTIVE DIRECTORY
//!           │                           │                           │
//!        policy                 graph::observe            directory::observe      edges: fail,
//!   text → Policy            pages → CloudListing,      pages → DirectorySnapshot retry, await
//!           │                  CloudMembers                         │
//! ─ ─ ─ ─ ─ │ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ┼ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ┼ ─ values only below
//!           └───────────────┬─────────┘                             │
//!                   holdings · claim     whose groups are, which policy has them
//!                   members              who is in them             │
//!                           └───────────────┬───────────────────────┘
//!                   naming · diff        what differs, on what we own             decide: no
//!                   plan                 ordered, digested, printable             tokio, no
//!                   guard                Plan → AdmittedPlan | HeldPlan           clock, no log
//! ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ┼ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─
//!                   directory::apply     steps → journal → LDAP → outcomes        edge
//!                   conclude             decision + outcomes → memory, conditions (pure again)
//!                   report               events → status · metrics · log
//! ```
//!
//! ## Floors
//!
//! `model · defence ← decide ← discover · tools ← {policy, settings, graph, directory, journal,
//! state} ← report ← controller ← cli ← main`. `discover` is as pure as `decide`, and asks it.
//! Edges import neither each other nor `decide`, with two exceptions: `directory` names
//! `decide::guard::AdmittedPlan` and `journal::Recorded`, whose private constructors are the
//! safety. `sim` stands beside the building: it imports nothing of ours and is
//! imported by `cli::demo` and the tests only. `defence` lies below all of them: whoever is a
//! defence asks it whether it stands. `tests/architecture.rs` holds all of this.
//!
//! Two arrows that need a sentence: `report` names the bounded words of `graph::Endpoint`,
//! `graph::RequestOutcome` and `directory::LdapRequest`, so that their series start at zero;
//! `policy` and `settings` both read with `yaml`, because a mistake in either must look the same.
//!
//! ## Invariants
//!
//! | # | what holds | held by |
//! |---|---|---|
//! | 1 | `model` and `decide` know no runtime, socket or clock; imports point down | `tests/architecture.rs` |
//! | 2 | the same inputs, in any order, give the same plan and digest | `tests/decide.rs` |
//! | 3 | after an applied plan the next plan is empty | `tests/decide.rs`, `tests/samba.rs` |
//! | 4 | stopping after any operation, or losing any answer, and starting again reaches the same end | `tests/stories.rs`, `tests/kills.rs` |
//! | 5 | nothing without our ownership record is changed; objects outside the containers never | `model::Target`, `tests/decide.rs`, `tests/samba.rs` |
//! | 6 | an incomplete snapshot cannot be built; without two witnesses no removal can be planned | `model::Complete`, `tests/simulated/faults.rs` |
//! | 7 | what passes a limit is held before the first write | `decide::guard`, `tests/decide.rs`, `tests/accidents.rs` |
//! | 8 | one bad policy, group or member stops neither the others nor the loop | `tests/simulated/daemon.rs`, `tests/simulated/faults.rs` |
//! | 9 | every queue, retry, page and wait has a named upper bound | constants with their derivation |
//! | 10 | no secret reaches `Debug`, logs, journal, status, metrics or an error text | `secrecy`, `tests/simulated/daemon.rs`, `tests/simulated/mistakes.rs` |
//! | 11 | (passes are not incremental yet) | |
//! | 12 | no operation reaches the directory without its intent on disk | `journal::Recorded`, `tests/kills.rs` |
//!
//! ## Memory
//!
//! [`model::Memory`] is a value that goes into `decide` and comes out of `decide::conclude`. Losing
//! any part of it may only add holds. [`state`] puts it on disk once a pass; what happened since
//! the last save is in the [`journal`], and `controller::recall` puts the two together. Where
//! neither can tell what was removed lately (`decide::begin`), every removal waits for a day.
//!
//! ```text
//!  state ──┐                               ┌──► state      one transaction at the end of a pass
//!          ├─ recall ─► Memory ─► pass ─►──┤
//!  journal ┘                               └──► journal    intent before, outcome after each write
//! ```
//!
//! One process holds both, under `controller::lock`; others ask it over `controller::admin`.
//! Between deciding and guarding the pass asks the edges what the plan brings up: which of those
//! that would be taken out left the tenant, how many people are inside a nested group. What nobody
//! answers counts as much as it can.
//!
//! ## Defences
//!
//! `tests/hazards.toml` lists what can go wrong, what stands against it, and the tests that prove
//! it. Where one condition is the defence it asks [`defence::stands`], which a test build answers
//! with no: `tests/tripwires` takes each away and demands that its tests fail.
//!
//! ## Where this house differs from its design
//!
//! - `decide` has more rooms than the design names: what an owned group is (`holdings`), which
//!   policy has it (`claim`) and what is told (`conditions`) are questions of their own.
//! - A new group, also an empty one, is `Filling` until its record is written last: what a first
//!   writeback left half done is no base for the percentages of the guard.
//! - Where additions to a group are held, its removals are held too: somebody who changes places in
//!   a group is never without it.

pub mod cli;
pub mod controller;
pub mod decide;
pub mod defence;
pub mod directory;
pub mod discover;
pub mod exit;
pub mod graph;
pub mod journal;
pub mod model;
pub mod policy;
pub mod report;
pub mod retry;
pub mod schema;
pub mod settings;
#[cfg(feature = "sim")]
pub mod sim;
pub mod state;
pub mod yaml;

//! The pure middle, case by case: one small world each, and the lines that a pass decides for it.
//!
//! The cases follow the tables of the contract: claims, eligibility and flags, what is written,
//! names, members, life cycle, ownership, guards. `random` holds the invariants on random worlds.

#![expect(
    clippy::similar_names,
    clippy::panic,
    reason = "worlds and words are told apart by one letter, and a wrong answer ends the test"
)]

#[path = "decide/adoption.rs"]
mod adoption;
#[path = "decide/apply.rs"]
mod apply;
#[path = "decide/approvals.rs"]
mod approvals;
#[path = "decide/begin.rs"]
mod begin;
#[path = "decide/budget.rs"]
mod budget;
#[path = "decide/check.rs"]
mod check;
#[path = "decide/claims.rs"]
mod claims;
#[path = "decide/conditions.rs"]
mod conditions;
#[path = "decide/contest.rs"]
mod contest;
#[path = "support/deep.rs"]
mod deep;
#[path = "decide/departures.rs"]
mod departures;
#[path = "decide/devices.rs"]
mod devices;
#[path = "decide/doubts.rs"]
mod doubts;
#[path = "decide/guards.rs"]
mod guards;
#[path = "decide/keep.rs"]
mod keep;
#[path = "decide/leavers.rs"]
mod leavers;
#[path = "decide/life.rs"]
mod life;
#[path = "decide/members.rs"]
mod members;
#[path = "decide/memory.rs"]
mod memory;
#[path = "decide/names.rs"]
mod names;
#[path = "decide/nested.rs"]
mod nested;
#[path = "decide/observed.rs"]
mod observed;
#[path = "decide/ownership.rs"]
mod ownership;
#[path = "decide/passes.rs"]
mod passes;
#[path = "decide/privilege.rs"]
mod privilege;
#[path = "decide/random.rs"]
mod random;
#[path = "decide/restored.rs"]
mod restored;
#[path = "decide/reviewed.rs"]
mod reviewed;
#[path = "decide/selection.rs"]
mod selection;
#[path = "decide/shrink.rs"]
mod shrink;
#[path = "decide/undo.rs"]
mod undo;
#[path = "decide/unread.rs"]
mod unread;
#[path = "decide/upward.rs"]
mod upward;
#[path = "decide/window.rs"]
mod window;
#[path = "decide/world.rs"]
mod world;
#[path = "decide/written.rs"]
mod written;

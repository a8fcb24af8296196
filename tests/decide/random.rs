//! The invariants on some hundred random worlds, each from a seed that a failure names.
//!
//! `draw` makes tenant and policies, `standing` the directory. `plans` looks at one plan, `access`
//! at who reaches what while it is carried out, `ends` at where plan after plan leads, also where
//! the directory refuses, falls silent or outlives the writer (`stepped`).

#[path = "random/access.rs"]
mod access;
#[path = "random/draw.rs"]
mod draw;
#[path = "random/ends.rs"]
mod ends;
#[path = "random/plans.rs"]
mod plans;
#[path = "random/standing.rs"]
mod standing;
#[path = "random/stepped.rs"]
mod stepped;

use writeback::decide::guard::Guarded;

use crate::deep::deep;
use crate::observed::Order;
use crate::world::World;

const WORLDS: u64 = 250;
const GROUP_COUNT: usize = 12;
const USER_COUNT: usize = 16;
const QUARANTINE: &str = "OU=Quarantine,OU=Groups,DC=corp,DC=example";

pub(crate) fn each_world(mut look: impl FnMut(World, &str)) {
    for seed in 0..deep(WORLDS) {
        look(draw::random(seed), &format!("seed {seed}"));
    }
}

fn guarded(world: &World) -> Guarded {
    let decision = world.decide(Order::Given);
    crate::check::guarded(world, &decision)
}

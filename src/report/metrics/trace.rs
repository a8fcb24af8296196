//! What waits from one pass to the next: since when, and what came of it.
//!
//! Comes from plans and outcomes; goes to the gauges of groups, to the age of the oldest drift, and
//! to the time that changes take from the cloud to the directory. One entry for each change that
//! the last plan holds and that is not made: never more than the plan itself. It ends with the
//! process: after a restart ages begin anew.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::decide::Decision;
use crate::decide::conclude::ChangeResult;
use crate::decide::guard::Guarded;
use crate::model::ObjectId;
use crate::model::change::{Cause, Change, Effect, Kind};
use crate::report::metrics::between;

/// One change that waits.
#[expect(clippy::struct_excessive_bools, reason = "each is true or not of its own")]
#[derive(Debug)]
struct Waiting {
    /// The first of the passes, one after the other, that planned it.
    since: Timestamp,
    /// The first that might have made it.
    admitted: Option<Timestamp>,
    /// A guard keeps all or part of it back.
    held: bool,
    /// Somebody else's hand is the cause.
    drift: bool,
    /// The tenant is the cause.
    cloud: bool,
    /// What was admitted of it is made.
    made: bool,
}

/// Changes that wait, by group and kind.
#[derive(Debug, Default)]
pub(super) struct Trace {
    waiting: BTreeMap<(ObjectId, Kind), Waiting>,
    /// Owned groups of which nothing is to be done, as the last plan has it.
    still: usize,
    /// Those that came to it by what was made since.
    settled: BTreeSet<ObjectId>,
    /// Groups that came and went since.
    come: usize,
    gone: usize,
    failed: BTreeSet<ObjectId>,
    /// A pass has looked and has not ended.
    open: bool,
}

/// What a pass leaves.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Standing {
    /// Groups that wait for a change.
    pub pending: usize,
    /// Groups of which something is held.
    pub held: usize,
    /// Groups that somebody else changed and that are not put right.
    pub drifted: usize,
    /// Groups of which a change failed or was refused in this pass.
    pub failed: usize,
    /// Owned groups of which nothing is to be done.
    pub in_step: usize,
    /// Groups that came and went in this pass.
    pub come: usize,
    pub gone: usize,
    /// Drifted groups, by the change that puts them right.
    pub drift: BTreeMap<Kind, usize>,
    /// Since when the oldest of them is so.
    pub oldest_drift: Option<Timestamp>,
    /// How long each change took that the tenant caused and that was made now, in seconds.
    pub took: Vec<f64>,
}

impl Trace {
    /// Takes a plan. `active`: owned groups that are neither frozen nor unknown.
    pub(super) fn planned(
        &mut self,
        decision: &Decision,
        guarded: &Guarded,
        active: &BTreeSet<ObjectId>,
        at: Timestamp,
    ) -> Standing {
        let before = std::mem::take(self);
        let keys = |changes: &[Change]| -> BTreeSet<(ObjectId, Kind)> {
            changes.iter().map(|change| (change.group, change.effect.kind())).collect()
        };
        let (admitted, held) = (keys(guarded.admitted.changes()), keys(&guarded.held.changes));
        for change in decision.plan.writes().chain(&guarded.held.changes) {
            let key = (change.group, change.effect.kind());
            if change.effect == Effect::Freeze {
                continue;
            }
            let known = before.waiting.get(&key);
            // What a guard kept back has a time of its own: it is not on its way.
            let on_its_way = known.filter(|known| !known.held).and_then(|known| known.admitted);
            let admitted = admitted.contains(&key).then(|| on_its_way.unwrap_or(at));
            let waiting = Waiting {
                since: known.map_or(at, |known| known.since),
                admitted,
                held: held.contains(&key),
                drift: matches!(change.cause, Cause::Drift(_)),
                cloud: matches!(change.cause, Cause::Cloud(_)),
                made: false,
            };
            self.waiting.insert(key, waiting);
        }
        let busy: BTreeSet<ObjectId> = self.waiting.keys().map(|(group, _)| *group).collect();
        self.still = active.iter().filter(|id| !busy.contains(id)).count();
        self.open = true;
        self.standing(before.failed.len(), Vec::new())
    }

    /// Takes what came of one change.
    pub(super) fn made(&mut self, result: &ChangeResult) {
        let (group, kind) = (result.change.group, result.change.effect.kind());
        if !result.outcome.achieved() {
            self.failed.insert(group);
        } else if let Some(waiting) = self.waiting.get_mut(&(group, kind)) {
            waiting.made = true;
        }
    }

    /// A pass has ended; `None` where it did not look.
    pub(super) fn ended(&mut self, at: Timestamp) -> Option<Standing> {
        if !std::mem::take(&mut self.open) {
            return None;
        }
        let took = self.waiting.values().filter(|waiting| waiting.made && waiting.cloud);
        let took = took.filter_map(|waiting| Some(between(waiting.admitted?, at))).collect();
        let (mut done, mut ended) = (BTreeSet::new(), BTreeSet::new());
        self.waiting.retain(|(group, kind), waiting| {
            if waiting.made {
                waiting.admitted = None;
                done.insert(*group);
                match kind {
                    Kind::Create | Kind::Restore | Kind::Adopt => self.come += 1,
                    Kind::Delete | Kind::Release => {
                        self.gone += 1;
                        ended.insert(*group);
                    }
                    Kind::Disable | Kind::Quarantine => {
                        ended.insert(*group);
                    }
                    Kind::Handover
                    | Kind::Rename
                    | Kind::Move
                    | Kind::Update
                    | Kind::Convert
                    | Kind::AddMembers
                    | Kind::RemoveMembers
                    | Kind::Freeze => {}
                }
            }
            !waiting.made || waiting.held
        });
        done.retain(|group| !ended.contains(group) && !self.waits(*group));
        self.settled.extend(done);
        Some(self.standing(self.failed.len(), took))
    }

    fn waits(&self, group: ObjectId) -> bool {
        self.waiting.range((group, Kind::Adopt)..=(group, Kind::Freeze)).next().is_some()
    }

    fn standing(&self, failed: usize, took: Vec<f64>) -> Standing {
        let groups = |which: fn(&Waiting) -> bool| {
            let own = self.waiting.iter().filter(|(_, waiting)| which(waiting));
            own.map(|((group, _), _)| *group).collect::<BTreeSet<_>>().len()
        };
        let drifted = || self.waiting.iter().filter(|(_, waiting)| waiting.drift);
        let mut drift: BTreeMap<Kind, usize> = BTreeMap::new();
        for ((_, kind), _) in drifted() {
            *drift.entry(*kind).or_default() += 1;
        }
        Standing {
            pending: groups(|_| true),
            held: groups(|waiting| waiting.held),
            drifted: groups(|waiting| waiting.drift),
            failed,
            in_step: self.still + self.settled.len(),
            come: self.come,
            gone: self.gone,
            drift,
            oldest_drift: drifted().map(|(_, waiting)| waiting.since).min(),
            took,
        }
    }
}

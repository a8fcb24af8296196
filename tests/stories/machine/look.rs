//! What a pass reads and decides, as `controller::pass::look` does: both sides, late, with a gap or
//! not at all; then the product's own decision and its guard.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jiff::Timestamp;
use writeback::decide::guard::approve::granted;
use writeback::decide::guard::{Answers, Guarded, Scale, guard};
use writeback::decide::{Decision, Inputs, begin, claim, decide, holdings, members, upward};
use writeback::model::change::Kind;
use writeback::model::cloud::{Presence, Unread};
use writeback::model::policy::PolicySet;
use writeback::model::{
    Approval, CloudListing, CloudMembers, Containers, Digest, DirectorySnapshot, Memory,
    ObjectGuid, ObjectId,
};

use super::{CONFIRM_AFTER, Daemon, Halt, Living, Machine};
use crate::names::OWNER;
use crate::observe::{self, Gaps};
use crate::tenant::{Life, Tenant};
use crate::trouble::{Act, Point};
use crate::world::World;

/// What a look found.
pub(super) struct Look {
    pub(super) begun: Timestamp,
    pub(super) decision: Decision,
    pub(super) guarded: Guarded,
    pub(super) granted: BTreeMap<Digest, Approval>,
    /// What was not read as it stands.
    pub(super) doubtful: bool,
}

/// What a pass read, for whoever decides on it.
#[derive(Clone, Copy)]
struct Read<'a> {
    policies: &'a PolicySet,
    containers: &'a Containers,
    listing: &'a CloudListing,
    snapshot: &'a DirectorySnapshot,
}

impl<'a> Read<'a> {
    fn of<'i>(&self, memory: &'i Memory, presence: &'i BTreeMap<ObjectId, Presence>) -> Inputs<'i>
    where
        'a: 'i,
    {
        Inputs {
            owner: OWNER,
            containers: self.containers,
            policies: self.policies,
            cloud: self.listing,
            presence,
            directory: self.snapshot,
            memory,
            confirm_after: CONFIRM_AFTER,
        }
    }
}

impl Machine {
    /// The tenant as a read shows it. `None`: the read failed.
    fn tenant_read(&mut self, point: Point) -> Living<Option<(Rc<Tenant>, Option<usize>)>> {
        Ok(match self.gate.pass(point) {
            Some(Act::StopBefore) => return Err(Halt::Died),
            Some(Act::Stale(steps)) => Some((self.world.tenant_before(steps), None)),
            Some(Act::Incomplete) => {
                self.sometimes.count("a read of the tenant that failed");
                None
            }
            Some(Act::Partial(which)) => {
                self.sometimes.count("a read of the tenant with a gap");
                Some((Rc::clone(&self.world.tenant), Some(which)))
            }
            _ => Some((Rc::clone(&self.world.tenant), None)),
        })
    }

    pub(super) fn look(&mut self, begun: Timestamp) -> Living<Option<Look>> {
        let mut doubtful = false;
        let Some((tenant, gap)) = self.tenant_read(Point::Tenant)? else { return Ok(None) };
        let gaps = match gap {
            Some(0) => Gaps { flagless: true, ..Gaps::default() },
            Some(which) if which % 2 == 1 => Gaps { missing: Some(which), ..Gaps::default() },
            Some(which) => Gaps { unflagged: Some(which), ..Gaps::default() },
            None => Gaps::default(),
        };
        doubtful |= gap.is_some() || !Rc::ptr_eq(&tenant, &self.world.tenant);
        let listing = observe::listing(&tenant, begun, gaps);
        let Some((directory, gap)) = self.directory_read()? else { return Ok(None) };
        let late = !Rc::ptr_eq(&directory, &self.world.directory);
        self.sometimes.count_if("a stale read of the domain", late);
        doubtful |= gap.is_some() || late;
        let memory = &self.life().memory;
        let known = memory.inventory.values().chain(memory.deleted.values());
        let remembered: BTreeSet<ObjectGuid> = known.copied().collect();
        let snapshot = observe::snapshot(&directory, &remembered, begun, gap);

        let Some(mut life) = self.life.take() else { return Err(Halt::Died) };
        let looked = self.judge(&mut life, (&tenant, &listing, &snapshot), begun, &mut doubtful);
        self.life = Some(life);
        looked.map(|(decision, guarded, granted)| {
            Some(Look { begun, decision, guarded, granted, doubtful })
        })
    }

    fn directory_read(
        &mut self,
    ) -> Living<Option<(Rc<crate::directory::Directory>, Option<usize>)>> {
        Ok(match self.gate.pass(Point::Directory) {
            Some(Act::StopBefore) => return Err(Halt::Died),
            Some(Act::Stale(steps)) => Some((self.world.directory_before(steps), None)),
            Some(Act::Incomplete) => {
                self.sometimes.count("a read of the domain that failed");
                None
            }
            Some(Act::Partial(which)) => {
                self.sometimes.count("a read of the domain with a gap");
                Some((Rc::clone(&self.world.directory), Some(which)))
            }
            _ => Some((Rc::clone(&self.world.directory), None)),
        })
    }

    /// As `Engine::judge`: decides and guards; once more where a person let something through.
    fn judge(
        &mut self,
        life: &mut Daemon,
        (tenant, listing, snapshot): (&Rc<Tenant>, &CloudListing, &DirectorySnapshot),
        begun: Timestamp,
        doubtful: &mut bool,
    ) -> Living<(Decision, Guarded, BTreeMap<Digest, Approval>)> {
        let (policies, containers) = (Rc::clone(&self.policies), self.containers.clone());
        let inputs = Read { policies: &policies, containers: &containers, listing, snapshot };
        let mut presence = BTreeMap::new();
        let owned = holdings::holdings(&inputs.of(&life.memory, &presence)).owned;
        let owned: BTreeSet<ObjectId> = owned.into_keys().collect();
        begin::begin(&owned, &mut life.memory, begun);
        let absent = {
            let first = inputs.of(&life.memory, &presence);
            claim::absent_ids(&first, &holdings::holdings(&first))
        };
        for id in absent {
            let answer = self.presence(id)?;
            *doubtful |= matches!(answer, Presence::Unread(_));
            presence.insert(id, answer);
        }
        let read = self.read_members(&inputs.of(&life.memory, &presence), begun)?;
        let Some((members, late)) = read else {
            // Each group's members on their own: none of them could be read.
            *doubtful = true;
            let nothing = CloudMembers {
                of: BTreeMap::new(),
                links: writeback::model::cloud::Links::Readable,
            };
            let decision = decide(&inputs.of(&life.memory, &presence), &nothing);
            let answers = Answers::default();
            let scale = Scale::of(&policies, &life.memory, &decision, &answers, begun);
            let guarded = guard(&decision.plan, &scale);
            self.watch(&[], &guarded, begun);
            return Ok((decision, guarded, BTreeMap::new()));
        };
        *doubtful |= late.is_some();
        let mut seen: Vec<Rc<Tenant>> = late.into_iter().collect();
        if !Rc::ptr_eq(tenant, &self.world.tenant) {
            seen.push(Rc::clone(tenant));
        }
        let stale = !seen.is_empty();
        let mut decision = decide(&inputs.of(&life.memory, &presence), &members);
        let answers = self.ask(&decision, doubtful)?;
        let weigh = |decision: &Decision, memory: &Memory| {
            guard(&decision.plan, &Scale::of(&policies, memory, decision, &answers, begun))
        };
        let mut guarded = weigh(&decision, &life.memory);
        let requests = std::mem::take(&mut life.requests);
        let granted = granted(&requests, &guarded.held, &life.memory, begun);
        if !granted.is_empty() {
            self.sometimes.count("an approval that was taken");
            for approval in granted.values() {
                self.world.oracle.approve(&approval.items, approval.not_after);
            }
            life.memory.approvals.extend(granted.clone());
            decision = decide(&inputs.of(&life.memory, &presence), &members);
            guarded = weigh(&decision, &life.memory);
        }
        self.watch(&seen, &guarded, begun);
        let removes = decision.plan.changes.iter().any(|c| c.effect.kind() == Kind::RemoveMembers);
        self.sometimes.count_if("a stale read of the tenant before a removal", stale && removes);
        self.sometimes.count_if("a removal while a read was not whole", *doubtful && removes);
        Ok((decision, guarded, granted))
    }

    /// Before the first write of a pass: what must not be lost in it.
    fn watch(&mut self, seen: &[Rc<Tenant>], guarded: &Guarded, begun: Timestamp) {
        if !guarded.admitted.changes().is_empty() {
            let World { oracle, tenant, directory, .. } = &mut self.world;
            oracle.begin(tenant, seen, directory, begun);
        }
    }

    fn presence(&mut self, id: ObjectId) -> Living<Presence> {
        Ok(match self.gate.pass(Point::Presence) {
            Some(Act::StopBefore) => return Err(Halt::Died),
            Some(Act::Incomplete) => {
                Presence::Unread(Unread { reason: "it answered 503".to_owned() })
            }
            _ => {
                let tenant = &self.world.tenant;
                let team = tenant.word(id).and_then(|word| tenant.teams.get(word));
                match team {
                    Some(team) if team.life == Life::Listed => Presence::There,
                    Some(_) | None => Presence::Absent,
                }
            }
        })
    }

    /// Reads the members of every group that needs it, level by level.
    fn read_members(
        &mut self,
        inputs: &Inputs<'_>,
        begun: Timestamp,
    ) -> Living<Option<(CloudMembers, Option<Rc<Tenant>>)>> {
        let holdings = holdings::holdings(inputs);
        let needed = claim::claims(inputs, &holdings).members_needed();
        let flat = members::flatten_roots(inputs.policies, &needed);
        let mut asked: BTreeSet<ObjectId> = needed.into_keys().collect();
        asked.extend(upward::questions(inputs, &holdings));
        let Some((tenant, gap)) = self.tenant_read(Point::Members)? else { return Ok(None) };
        let late = (!Rc::ptr_eq(&tenant, &self.world.tenant)).then(|| Rc::clone(&tenant));
        let mut all = observe::members(&tenant, &self.world.directory, &asked, begun, gap);
        // Each round goes one level down and asks nothing twice.
        loop {
            asked = members::flatten_needs(&all.of, &flat);
            if asked.is_empty() {
                return Ok(Some((all, late)));
            }
            let more = observe::members(&tenant, &self.world.directory, &asked, begun, None);
            all.of.extend(more.of);
        }
    }

    fn ask(&mut self, decision: &Decision, doubtful: &mut bool) -> Living<Answers> {
        let asked = &decision.asked;
        let mut answers = Answers::default();
        if asked.principals.is_empty() && asked.nested.is_empty() {
            return Ok(answers);
        }
        match self.gate.pass(Point::Questions) {
            Some(Act::StopBefore) => return Err(Halt::Died),
            Some(Act::Incomplete) => {
                *doubtful = true;
                return Ok(answers);
            }
            _ => {}
        }
        let tenant = &self.world.tenant;
        let left = asked.principals.iter().filter(|(_, id)| {
            let word = tenant.word(**id);
            word.is_some_and(|word| tenant.people.get(word) == Some(&false))
        });
        answers.leavers = left.map(|(guid, _)| *guid).collect();
        let inside = asked.nested.iter();
        let inside = inside.filter(|guid| self.world.directory.get(**guid).is_some());
        answers.inside =
            inside.map(|guid| (*guid, self.world.directory.inside(*guid).len())).collect();
        Ok(answers)
    }
}

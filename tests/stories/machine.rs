//! One daemon in one thread: the product's own parts, called in the order in which
//! `controller::pass`, `act`, `books` and `schedule` call them, over the world of a story.
//!
//! What the machine adds is the time, the crashes and the lost answers: every effect and every
//! read passes the gate.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::rc::Rc;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use writeback::decide::conclude::{self, ChangeResult, Course};
use writeback::decide::guard::approve::granted;
use writeback::decide::guard::{Answers, Guarded, Scale, guard};
use writeback::decide::{Decision, Inputs, begin, claim, decide, holdings, members, upward};
use writeback::directory::apply::{Answer, Step, Stepper};
use writeback::directory::outcome::{Verdict, classify};
use writeback::journal::{Journal, JournalError, Note, Recorded};
use writeback::model::change::{Change, Effect, Kind, MemberReference};
use writeback::model::cloud::{Presence, Unread};
use writeback::model::policy::PolicySet;
use writeback::model::{
    Approval, ApprovalRequest, CloudListing, CloudMembers, Containers, Digest, DirectorySnapshot,
    Memory, ObjectGuid, ObjectId, Operation, Outcome, Spend, Spending,
};
use writeback::state::State;

use crate::books::{self, Books};
use crate::disk::{Folder, Platter};
use crate::names::OWNER;
use crate::observe::{self, Gaps};
use crate::oracle::recorded;
use crate::sometimes::Sometimes;
use crate::story;
use crate::tenant::{Fate, Life, Tenant, Who};
use crate::trouble::{Act, Gate, Point, Script};
use crate::world::{World, object_of};

/// Members in one operation: few, so that additions and removals can end in their midst.
const BATCH_VALUES: usize = 4;
const CONFIRM_AFTER: SignedDuration = SignedDuration::from_mins(10);
const RESYNC: SignedDuration = SignedDuration::from_hours(6);

/// Why a round ends early.
pub(crate) enum Halt {
    /// The process is dead.
    Died,
    /// Something happened that must never happen.
    Wrong(String),
}

type Living<T> = Result<T, Halt>;

/// The process while it lives.
pub(crate) struct Daemon {
    pub(crate) memory: Memory,
    pub(crate) books: Books,
    /// The journal fails until somebody starts the daemon again.
    broken: bool,
    requests: Vec<ApprovalRequest>,
    resynced: Timestamp,
}

/// What a look found.
struct Look {
    begun: Timestamp,
    decision: Decision,
    guarded: Guarded,
    granted: BTreeMap<Digest, Approval>,
    /// What was not read as it stands.
    doubtful: bool,
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

/// How a round went.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// Nothing is left to do but what is held.
    pub(crate) quiet: bool,
    /// What is held, with its digest.
    pub(crate) held: Option<(Digest, Vec<Change>)>,
    pub(crate) wrote: usize,
    pub(crate) rows: Vec<String>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a situation of its own")]
pub(crate) struct Machine {
    pub(crate) world: World,
    pub(crate) gate: Gate,
    pub(crate) sometimes: Sometimes,
    pub(crate) policies: Rc<PolicySet>,
    containers: Containers,
    random: Rng,
    pub(crate) folder: Folder,
    pub(crate) platter: Platter,
    pub(crate) life: Option<Daemon>,
    /// How much of what was not synced survives the next crash, of 256.
    share: u8,
    /// The line that a crash tears begins here.
    tear: Option<u64>,
    /// The process died in its start the last time.
    died_starting: bool,
    died_writing: bool,
    died_holding: bool,
    died_approving: bool,
    died_unsaved: bool,
    /// The state was lost in this story.
    is_lost: bool,
    pub(crate) trace: bool,
}

impl Machine {
    pub(crate) fn new(script: &Script) -> Self {
        let mut random = Rng::with_seed(script.seed ^ 0x5702);
        let share = [0, 255, 100][random.usize(0..3)];
        Self {
            world: World::new(story::begin()),
            gate: Gate::new(script),
            sometimes: Sometimes::default(),
            policies: Rc::new(story::policies()),
            containers: story::containers(),
            random,
            folder: Folder::new(),
            platter: Platter::default(),
            life: None,
            share,
            tear: None,
            died_starting: false,
            died_writing: false,
            died_holding: false,
            died_approving: false,
            died_unsaved: false,
            is_lost: false,
            trace: false,
        }
    }

    /// The same machine once more, in a folder of its own, with other things to come. Its journal
    /// is opened anew.
    pub(crate) fn fork(&self, script: &Script) -> Self {
        let (folder, platter) = (self.folder.copy(), self.platter.fork());
        let now = self.world.now;
        let life = self.life.as_ref().map(|life| Daemon {
            memory: life.memory.clone(),
            books: books::reopen(&folder, &platter, now),
            broken: life.broken,
            requests: life.requests.clone(),
            resynced: life.resynced,
        });
        Self {
            world: self.world.clone(),
            gate: self.gate.with(script),
            sometimes: self.sometimes.clone(),
            policies: Rc::clone(&self.policies),
            containers: self.containers.clone(),
            random: self.random.clone(),
            folder,
            platter,
            life,
            tear: None,
            ..*self
        }
    }

    /// Nothing goes wrong any more.
    pub(crate) fn heal(&mut self) {
        self.gate = self.gate.with(&Script::default());
    }

    /// One pass, and the start before it where the process is dead.
    pub(crate) fn round(&mut self) -> Result<Round, String> {
        self.world.pass_time(SignedDuration::from_mins(15));
        match self.live() {
            Ok(round) => self.blamed().map_or(Ok(round), Err),
            Err(Halt::Died) => {
                self.die();
                self.blamed().map_or(Ok(Round::default()), Err)
            }
            Err(Halt::Wrong(what)) => Err(what),
        }
    }

    fn blamed(&mut self) -> Option<String> {
        self.world.oracle.wrong.take()
    }

    fn live(&mut self) -> Living<Round> {
        if self.life.as_ref().is_some_and(|life| life.broken) {
            self.die();
        }
        if self.life.is_none() {
            self.start()?;
        }
        self.pass()
    }

    /// The process is gone, with all it had in mind.
    fn die(&mut self) {
        self.say("dies");
        let share = self.share;
        self.platter = self.platter.crash(share);
        self.life = None;
        if let Some(length) = self.tear.take() {
            self.folder.tear(length, &mut self.random);
        }
        self.share = [0, 255, 100][self.random.usize(0..3)];
    }

    fn start(&mut self) -> Living<()> {
        let restarted = self.folder.length() > 0;
        let act = self.gate.pass(Point::Open);
        match act {
            Some(Act::StopBefore) => {
                self.sometimes.count_if("a crash in a start", restarted);
                self.sometimes.count_if("a crash in the start after a crash", self.died_starting);
                self.died_starting = true;
                return Err(Halt::Died);
            }
            Some(Act::Lost) => {
                self.sometimes.count_if("a lost state", restarted);
                self.platter = Platter::default();
                self.is_lost = true;
            }
            _ => {}
        }
        let now = self.world.now;
        let (books, memory, told) = books::open(self, now)?;
        self.sometimes.count_if("an intent without an outcome", told.open_intents > 0);
        self.sometimes.count_if("a state behind the journal", told.is_news);
        self.sometimes.count_if("a window that is closed", memory.closed_until.is_some());
        if let (Some(why), false) = (&told.warning, self.is_lost) {
            let first = self.world.writes == 0;
            if !first {
                return Err(Halt::Wrong(format!("nothing was lost, and removals wait: {why}")));
            }
        }
        let (died, held, approved) = (self.died_writing, self.died_holding, self.died_approving);
        self.sometimes.count_if("a crash in the midst of writing", died);
        self.sometimes.count_if("a crash while something was held", held);
        self.sometimes.count_if("a crash while an approval was open", approved);
        self.sometimes.count_if("a lost save, the journal kept", self.died_unsaved);
        (self.died_writing, self.died_holding) = (false, false);
        (self.died_approving, self.died_unsaved) = (false, false);
        self.say(&format!("starts: {told:?}"));
        let (broken, requests) = (false, Vec::new());
        self.life = Some(Daemon { memory, books, broken, requests, resynced: now });
        if act == Some(Act::StopAfter) {
            self.sometimes.count_if("a crash in a start", restarted);
            self.sometimes.count_if("a crash in the start after a crash", self.died_starting);
            self.died_starting = true;
            return Err(Halt::Died);
        }
        self.died_starting = false;
        Ok(())
    }

    pub(crate) fn life(&mut self) -> &mut Daemon {
        self.life.as_mut().expect("the process lives")
    }

    /// A person asks that a held set be let through.
    pub(crate) fn request(&mut self, digest: Digest) {
        let not_after = self.world.now + SignedDuration::from_hours(12);
        let (digest, approved_by) = (digest.to_string(), "somebody".to_owned());
        if let Some(life) = &mut self.life {
            life.requests.push(ApprovalRequest { digest, approved_by, not_after, place: None });
        }
    }

    /// A line of the journal.
    pub(crate) fn journalled<T>(
        &mut self,
        work: impl FnOnce(&mut Journal) -> Result<T, JournalError>,
    ) -> Living<Result<T, JournalError>> {
        let path = self.folder.path().join(writeback::journal::FILE_NAME);
        match self.gate.pass(Point::Journal) {
            Some(Act::StopBefore) => Err(Halt::Died),
            Some(Act::Full) => {
                self.sometimes.count("a full disk under the journal");
                let source = io::Error::from(io::ErrorKind::StorageFull);
                Ok(Err(JournalError::Full { path, source }))
            }
            Some(Act::Broken) => {
                self.sometimes.count("a journal that cannot be written");
                self.life().broken = true;
                let source = io::Error::other("the disk fails");
                Ok(Err(JournalError::Write { path, source }))
            }
            act => {
                let length = self.folder.length();
                let done = work(&mut self.life().books.journal);
                match act {
                    Some(Act::StopAfter) => Err(Halt::Died),
                    Some(Act::Torn) => {
                        self.sometimes.count("a torn line of the journal");
                        self.tear = Some(length);
                        Err(Halt::Died)
                    }
                    _ => Ok(done),
                }
            }
        }
    }

    /// Puts memory on disk.
    fn save(&mut self) -> Living<bool> {
        let act = self.gate.pass(Point::Save);
        if act == Some(Act::StopBefore) {
            return Err(Halt::Died);
        }
        let Some(mut life) = self.life.take() else { return Err(Halt::Died) };
        if life.books.state.is_none() {
            // What stands in it is older than the memory that will be saved.
            let platter = self.platter.crash(255);
            self.platter = platter.clone();
            let opened = State::open_backend(platter, Path::new("state"), books::binding());
            life.books.state = opened.ok().map(|(state, _)| state);
        }
        match act {
            Some(Act::Torn) => self.platter.limit(Some(self.random.usize(0..24))),
            Some(Act::Full) => self.platter.limit(Some(self.random.usize(0..8))),
            _ => {}
        }
        let saved = life.books.save(&life.memory);
        self.platter.limit(None);
        self.life = Some(life);
        match act {
            Some(Act::Torn) => {
                self.sometimes.count("a torn save");
                return Err(Halt::Died);
            }
            Some(Act::StopAfter) => return Err(Halt::Died),
            _ => {}
        }
        self.sometimes.count_if("a full disk under the state", saved.is_err());
        Ok(saved.is_ok())
    }

    fn pass(&mut self) -> Living<Round> {
        if self.life().books.behind && !self.save()? {
            return Ok(Round::default());
        }
        let begun = self.world.now;
        let life = self.life();
        if begun.duration_since(life.resynced) >= RESYNC {
            life.memory.refused_members.clear();
            life.memory.unrestorable.clear();
            life.resynced = begun;
        }
        let Some(look) = self.look(begun)? else { return Ok(Round::default()) };
        self.tell(&look);
        let held = look.guarded.held.digest();
        let held = held.map(|digest| (digest, look.guarded.held.changes.clone()));
        self.died_holding = held.is_some();
        self.died_approving = !self.life().memory.approvals.is_empty();
        let unconfirmed = !look.decision.plan.unconfirmed.is_empty();
        let (wrote, doubtful) = (look.guarded.admitted.changes().len(), look.doubtful);
        let incomplete = look.decision.incomplete;
        // What else a group brought back needs is seen when it stands again.
        let mut admitted = look.guarded.admitted.changes().iter();
        let restores = admitted.any(|change| change.effect.kind() == Kind::Restore);
        let rows = look.guarded.held.holds.iter();
        let rows = rows.map(|hold| format!("{:?} {}", hold.row, hold.message)).collect();
        let finished = self.finish(look)?;
        (self.died_holding, self.died_approving) = (false, false);
        let waits = unconfirmed || doubtful || incomplete || restores || !finished;
        Ok(Round { quiet: !waits, held, wrote, rows })
    }

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

    fn look(&mut self, begun: Timestamp) -> Living<Option<Look>> {
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

    /// As `books::finish`: writes, concludes, and puts the pass in the books.
    fn finish(&mut self, look: Look) -> Living<bool> {
        let mut noted = true;
        for (digest, approval) in &look.granted {
            let note = books::approval(digest, approval);
            noted = self.note(note)?;
            if !noted {
                break;
            }
        }
        if !noted {
            // As `Engine::ask_again`.
            let life = self.life();
            for (digest, approval) in &look.granted {
                life.memory.approvals.remove(digest);
                life.requests.push(ApprovalRequest {
                    digest: digest.to_string(),
                    approved_by: approval.approved_by.clone(),
                    not_after: approval.not_after,
                    place: None,
                });
            }
        }
        let acted =
            if noted { self.act(&look)? } else { Acted { failed: true, ..Acted::default() } };
        let Look { begun, decision, guarded, .. } = look;
        let held = guarded.held.digest();
        let held = held.filter(|digest| !self.life().memory.held.contains_key(digest));
        let holds = guarded.held.holds.iter().map(|hold| hold.message.clone()).collect();
        let held = held.map(|digest| Note::Held { digest, holds });
        let used: BTreeSet<Digest> = self.life().memory.used_approvals.keys().copied().collect();
        let course = Course {
            begun,
            held: &guarded.held,
            results: &acted.results,
            spent: &acted.spent,
            added: &acted.added,
            partial: false,
        };
        conclude::remember(&mut self.life().memory, decision, &course);
        let now_used = self.life().memory.used_approvals.keys();
        let now_used = now_used.filter(|digest| !used.contains(*digest));
        let used_up: Vec<Note> =
            now_used.map(|digest| Note::ApprovalUsed { digest: *digest }).collect();
        self.sometimes.count_if("an approval used up", !used_up.is_empty());
        let mut failed = acted.failed;
        let mut writable = acted.journalled && noted;
        for note in used_up.into_iter().chain(held) {
            if writable {
                writable = self.note(note)?;
                failed |= !writable;
            }
        }
        self.died_unsaved = !acted.results.is_empty();
        let saved = self.save()?;
        self.died_unsaved = false;
        Ok(saved && !failed)
    }

    fn note(&mut self, note: Note) -> Living<bool> {
        let at = self.world.now;
        Ok(self.journalled(|journal| journal.note(note, at))?.is_ok())
    }

    fn tell(&mut self, look: &Look) {
        let admitted = look.guarded.admitted.changes();
        for change in admitted {
            let words = [
                (Kind::Restore, "a group brought back"),
                (Kind::Handover, "a group handed over"),
                (Kind::Disable, "a group disabled"),
                (Kind::Quarantine, "a group quarantined"),
                (Kind::Delete, "a group deleted"),
                (Kind::Convert, "a group of another type"),
            ];
            let word = words.into_iter().find(|(kind, _)| *kind == change.effect.kind());
            if let Some((_, word)) = word {
                self.sometimes.count(word);
            }
        }
        self.sometimes.count_if("something held", look.guarded.held.digest().is_some());
        if self.trace {
            let lines = admitted.iter().map(line).chain(
                look.guarded.held.changes.iter().map(|change| format!("held {}", line(change))),
            );
            let lines: Vec<String> = lines.collect();
            self.say(&format!("pass, doubtful {}:\n    {}", look.doubtful, lines.join("\n    ")));
            for hold in &look.guarded.held.holds {
                self.say(&format!("hold {:?}: {}", hold.row, hold.message));
            }
            for (id, why) in &look.decision.unknown {
                self.say(&format!("unknown {:?}: {why}", self.world.tenant.word(*id)));
            }
        }
    }

    pub(crate) fn say(&self, text: &str) {
        if self.trace {
            let passed = self.gate.passed();
            println!("{} {passed:?} {text}", self.world.now);
        }
    }
}

fn line(change: &Change) -> String {
    let cause = &change.cause;
    let members = match &change.effect {
        Effect::AddMembers { members, .. } | Effect::RemoveMembers { members, .. } => {
            members.iter().map(MemberReference::label).collect::<Vec<_>>().join(" ")
        }
        Effect::Update { attributes } => {
            attributes.iter().map(|a| a.name.to_string()).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    };
    format!("{} {:?} {} {members} ({cause})", change.policy, change.effect.kind(), change.label)
}

/// What writing led to.
#[derive(Debug)]
struct Acted {
    results: Vec<ChangeResult>,
    spent: Vec<Spending>,
    added: Vec<(ObjectGuid, ObjectGuid)>,
    /// It ended early, or something did not go well.
    failed: bool,
    /// The journal took every line.
    journalled: bool,
}

impl Default for Acted {
    fn default() -> Self {
        let (results, spent, added) = (Vec::new(), Vec::new(), Vec::new());
        Self { results, spent, added, failed: false, journalled: true }
    }
}

// As `controller::act`.
impl Machine {
    fn act(&mut self, look: &Look) -> Living<Acted> {
        let admitted = &look.guarded.admitted;
        let mut acted = Acted::default();
        let mut stepper =
            Stepper::new(admitted, self.containers.clone(), BATCH_VALUES).owned_by(OWNER);
        while let Some(step) = stepper.next() {
            self.died_writing = true;
            match step {
                Step::Wait(delay) => {
                    self.world.pass_time(SignedDuration::try_from(delay).expect("it is short"));
                    stepper.feed(Answer::Waited);
                }
                Step::Verify { question, .. } => {
                    let answer = self.verify(&question)?;
                    stepper.feed(answer);
                }
                Step::Execute { operation, change } => {
                    let change = stepper.change(change).expect("it is of this plan").clone();
                    match self.execute_one(look, operation, &change, &mut acted)? {
                        Ok(answer) => stepper.feed(answer),
                        Err(why) => {
                            acted.failed = true;
                            stepper.stop(why);
                        }
                    }
                }
            }
        }
        self.died_writing = false;
        acted.results = stepper
            .results()
            .iter()
            .map(|result| ChangeResult {
                change: stepper.change(result.change).expect("it is of this plan").clone(),
                outcome: result.outcome.clone(),
                refused_members: result.refused_members.clone(),
                left_out: result.left_out.clone(),
            })
            .collect();
        for result in &acted.results {
            if self.trace && !result.outcome.achieved() {
                self.say(&format!("{}: {:?}", line(&result.change), result.outcome));
            }
        }
        acted.failed |= acted.results.iter().any(|result| !result.outcome.achieved());
        Ok(acted)
    }

    /// Records one operation, sends it, and records what came of it.
    fn execute_one(
        &mut self,
        look: &Look,
        operation: Operation,
        change: &Change,
        acted: &mut Acted,
    ) -> Living<Result<Answer, &'static str>> {
        let spends: Vec<Spend> = look.guarded.admitted.spends(change, &operation);
        self.held_stays_held(look, change, &operation)?;
        let context = books::context(&self.policies, look.guarded.digest, change, spends.clone());
        let at = self.world.now;
        let recorded = self.journalled(|journal| journal.intend(operation, &context, at))?;
        let Ok(recorded) = recorded else {
            acted.journalled = false;
            return Ok(Err("the journal cannot be written"));
        };
        self.world.pass_time(SignedDuration::from_secs(1));
        let answer = self.execute(&recorded)?;
        let outcome = match &answer {
            Ok(answer) => answer.outcome(),
            Err(why) => Outcome::Failed { message: (*why).to_owned() },
        };
        books::collect(acted_parts(acted), change, &recorded, &outcome, spends, at);
        let at = self.world.now;
        let concluded = self.journalled(|journal| journal.conclude(&recorded, &outcome, at))?;
        if concluded.is_err() {
            acted.journalled = false;
            return Ok(Err("the journal cannot be written"));
        }
        Ok(answer)
    }

    /// Nothing that is held, and nothing that was held and is not approved, is written.
    fn held_stays_held(&self, look: &Look, change: &Change, operation: &Operation) -> Living<()> {
        let Operation::RemoveMembers { target, members } = operation else { return Ok(()) };
        let held: BTreeSet<_> = look.guarded.held.sets().into_values().flatten().collect();
        for member in members {
            let item = writeback::model::Item {
                object: target.object().expect("it is there").to_string(),
                kind: Kind::RemoveMembers,
                value: member.to_string(),
            };
            if held.contains(&item) {
                let what = format!("{member} of {} is held and written", change.label);
                return Err(Halt::Wrong(what));
            }
            let memory = &self.life.as_ref().expect("it lives").memory;
            let mut letting =
                memory.approvals.iter().filter(|(_, one)| one.items.contains(&item)).peekable();
            if letting.peek().is_some()
                && !letting.any(|(digest, _)| self.folder.tells_of_approval(digest))
            {
                let what = format!("{member} of {} goes on a word not journalled", change.label);
                return Err(Halt::Wrong(what));
            }
        }
        Ok(())
    }

    fn execute(&mut self, recorded: &Recorded) -> Living<Result<Answer, &'static str>> {
        let operation = recorded.operation();
        let refuse = |code, text: &str| match classify(operation.word(), code, text) {
            Verdict::Done => Answer::Done,
            Verdict::Busy(message) => Answer::Busy(message),
            Verdict::Refused(refusal) => Answer::Refused(refusal),
        };
        let act = self.gate.pass(Point::Write);
        match act {
            Some(Act::StopBefore) => return Err(Halt::Died),
            Some(Act::LostUndone) => {
                self.sometimes.count("a lost answer to what was not done");
                return Ok(Ok(Answer::Lost("the connection was cut".to_owned())));
            }
            Some(Act::Busy) => {
                self.sometimes.count("a busy domain controller");
                return Ok(Ok(refuse(51, "0000200E: ")));
            }
            Some(Act::Refused) => {
                self.sometimes.count("a refusal");
                return Ok(Ok(refuse(50, "00002098: ")));
            }
            Some(Act::Failed) => {
                self.sometimes.count("a connection beyond repair");
                return Ok(Err("the password is refused"));
            }
            _ => {}
        }
        self.is_announced(recorded)?;
        let done = self.world.write(operation);
        if self.trace {
            self.say(&format!("write {} {}: {done:?}", operation.word(), operation.target()));
        }
        if let Some(what) = self.blamed() {
            return Err(Halt::Wrong(what));
        }
        match act {
            Some(Act::StopAfter) => Err(Halt::Died),
            Some(Act::LostDone) => {
                self.sometimes.count_if("a lost answer to what was done", done.is_ok());
                Ok(Ok(Answer::Lost("the connection was cut".to_owned())))
            }
            _ => Ok(Ok(done.map_or_else(|(code, text)| refuse(code, text), |()| Answer::Done))),
        }
    }

    /// The intent is in the file before the write.
    fn is_announced(&self, recorded: &Recorded) -> Living<()> {
        let lines = self.folder.last_lines(4 << 10);
        let announced = lines.iter().any(|line| {
            line.get("kind").and_then(|kind| kind.as_str()) == Some("intent")
                && line.get("sequence").and_then(serde_json::Value::as_u64)
                    == Some(recorded.sequence())
        });
        if announced {
            return Ok(());
        }
        Err(Halt::Wrong(format!("operation {} has no intent on disk", recorded.sequence())))
    }

    fn verify(&mut self, question: &writeback::directory::apply::Question) -> Living<Answer> {
        Ok(match self.gate.pass(Point::Verify) {
            Some(Act::StopBefore) => return Err(Halt::Died),
            Some(Act::Stale(steps)) => {
                self.sometimes.count("a stale look");
                observe::look(&self.world.directory_before(steps), question)
            }
            Some(Act::Incomplete) => {
                self.sometimes.count("a look that failed");
                Answer::Unseen("the connection was cut".to_owned())
            }
            _ => observe::look(&self.world.directory, question),
        })
    }

    /// Whether everything of a held set is what the tenant wants, for the person who approves.
    pub(crate) fn is_right(&self, held: &[Change]) -> bool {
        let (tenant, directory) = (&self.world.tenant, &self.world.directory);
        held.iter().all(|change| {
            let Some(team) = tenant.word(change.group) else { return false };
            let fate = tenant.fate_under(team, change.policy.as_str());
            match &change.effect {
                Effect::RemoveMembers { members, .. } => {
                    let Some(wanted) = tenant.wanted(team) else { return false };
                    members.iter().filter_map(MemberReference::guid).all(|guid| {
                        let person = directory.get(guid).map(|one| one.dn.leaf().to_owned());
                        let stays = person.is_some_and(|word| wanted.contains(&Who::Person(word)));
                        let mut teams = wanted.iter().filter_map(|who| match who {
                            Who::Team(child) => object_of(directory, child),
                            Who::Person(_) => None,
                        });
                        !stays && !teams.any(|child| child == guid)
                    })
                }
                Effect::Delete { .. } => fate == Fate::Deleted,
                Effect::Disable { .. } | Effect::Quarantine { .. } => {
                    matches!(fate, Fate::Disabled | Fate::Quarantined)
                }
                // A group that can still be brought back keeps its SID: nobody lets a new one be made.
                Effect::Create { .. } => !directory
                    .graves
                    .values()
                    .any(|grave| recorded(&grave.object, tenant).is_some_and(|(of, _)| of == team)),
                Effect::Freeze => fate != Fate::Kept,
                _ => true,
            }
        })
    }
}

fn acted_parts(acted: &mut Acted) -> (&mut Vec<Spending>, &mut Vec<(ObjectGuid, ObjectGuid)>) {
    (&mut acted.spent, &mut acted.added)
}

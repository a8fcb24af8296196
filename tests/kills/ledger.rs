//! What must hold after every kill, and what the kill hit: journal, state and directory, each
//! compared with what stood there before and with what the tenant asks for.

#[path = "ledger/lines.rs"]
mod lines;

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;
use writeback::decide::contest::REVERSALS_MAX;
use writeback::journal::entry::{Body, Content, Entry, IntentEntry};
use writeback::journal::read::entries;
use writeback::model::{Outcome, Spending};

use crate::ground::Ground;
use crate::moment::output;
use crate::oracle::{Expected, Found, Member};
use crate::tally::Hit;
use lines::{announces, entries_head, is_being_saved, told};

/// What no start may say after a kill: nothing was lost.
const NEVER_SAID: [&str; 5] = ["older copy", "damaged", "is gone", "wait 24 hours", "panic"];
/// Add, members, and the record that says that it is filled.
const OPERATIONS_OF_A_NEW_GROUP: usize = 3;

/// What stood there when it was last looked at.
pub(crate) struct Ledger {
    lines: usize,
    intents: BTreeMap<u64, IntentEntry>,
    open: BTreeSet<u64>,
    done: usize,
    writes: usize,
    /// The number of the intent that announced the last write.
    announced: u64,
    /// Head and passes of the state.
    saved: (u64, u64),
    /// The state lacked something that the journal told.
    behind: bool,
    groups: BTreeMap<Uuid, Found>,
    /// objectGUID and SID of every group that ever was, by cloud group.
    identities: BTreeMap<Uuid, (Uuid, String)>,
    pub(crate) removed: usize,
    pub(crate) torn: usize,
    /// Changes that were taken for repairs of what somebody else did.
    pub(crate) mistaken: usize,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            lines: 0,
            intents: BTreeMap::new(),
            open: BTreeSet::new(),
            done: 0,
            writes: 0,
            announced: 0,
            saved: (0, 0),
            behind: false,
            groups: BTreeMap::new(),
            identities: BTreeMap::new(),
            removed: 0,
            torn: 0,
            mistaken: 0,
        }
    }

    /// Looks at everything after a process ended. While it ran the tenant asked for `wanted`.
    pub(crate) fn look(&mut self, ground: &Ground, wanted: &Expected) -> Hit {
        said(ground);
        self.journal_is_whole(ground);
        let before = self.groups.clone();
        let needed = self.needed(ground, wanted);
        let fresh = self.read(ground);
        no_more_than(&needed, &fresh, &before, wanted);
        for entry in &fresh {
            if let Body::Intent(intent) = &entry.body {
                self.asked_for(intent, wanted);
            }
        }
        self.writes_are_announced(ground);
        self.nothing_is_lost(ground, wanted);
        self.place(ground, &fresh)
    }

    fn journal_is_whole(&mut self, ground: &Ground) {
        let text = ground.journal_text();
        if text.is_empty() {
            return;
        }
        self.torn += usize::from(!text.ends_with('\n'));
        let folder = ground.state_folder();
        let ran = ground.product.run(&["journal", "verify", "--state", folder.to_str().unwrap()]);
        ran.expect(0);
    }

    /// How many operations lead from what stood there to what is wanted, at the most, by group.
    fn needed(&self, ground: &Ground, wanted: &Expected) -> BTreeMap<Uuid, usize> {
        let of = |id: &Uuid, found: Option<&Found>| match (found, wanted.groups.get(id)) {
            (None, None) => 0,
            (None, Some(_)) => OPERATIONS_OF_A_NEW_GROUP,
            (Some(_), None) => 1,
            (Some(found), Some(wanted)) => {
                let text = |name: &str| found.text(name).map(str::to_owned);
                let kind = text("groupType") != wanted.attributes["groupType"];
                let record = found.values("extensionName") != [wanted.record.clone()];
                let name = text("cn").as_deref() != Some(&wanted.common_name);
                let apart = ["groupType", "sAMAccountName"];
                let account = text("sAMAccountName") != wanted.attributes["sAMAccountName"];
                let others = wanted.attributes.iter().filter(|(name, _)| !apart.contains(name));
                let others = others.into_iter().any(|(name, value)| text(name) != *value);
                let have = self.members(ground, found);
                let come = wanted.members.difference(&have).next().is_some();
                let go = have.difference(&wanted.members).next().is_some();
                [kind, record, name, account, others, come, go]
                    .into_iter()
                    .filter(|one| *one)
                    .count()
            }
        };
        let ids: BTreeSet<&Uuid> = self.groups.keys().chain(wanted.groups.keys()).collect();
        ids.into_iter().map(|id| (*id, of(id, self.groups.get(id)))).collect()
    }

    /// Who is in a group, as far as it was seen.
    fn members(&self, ground: &Ground, group: &Found) -> BTreeSet<Member> {
        let groups = self.groups.iter().map(|(id, group)| (&group.dn, Member::Group(*id)));
        let accounts = ground.accounts.iter().map(|(guid, dn)| (dn, Member::Account(*guid)));
        let names: BTreeMap<&String, Member> = groups.chain(accounts).collect();
        let members = group.values("member").iter();
        let member = |dn: &String| names.get(dn).cloned();
        members.map(|dn| member(dn).unwrap_or_else(|| Member::Stranger(dn.clone()))).collect()
    }

    /// Reads the lines that came since.
    fn read(&mut self, ground: &Ground) -> Vec<Entry> {
        if ground.journal_text().is_empty() {
            return Vec::new();
        }
        let all = entries(&ground.state_folder()).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
        let fresh = all[self.lines..].to_vec();
        self.lines = all.len();
        for entry in &fresh {
            match &entry.body {
                Body::Intent(intent) => {
                    let number = intent.sequence;
                    let last = self.intents.last_key_value().map_or(0, |(last, _)| *last);
                    assert!(number > last, "{number} after {last}");
                    self.intents.insert(number, (**intent).clone());
                    self.open.insert(number);
                }
                Body::Outcome(outcome) => {
                    let number = outcome.sequence;
                    assert!(self.open.remove(&number), "no intent or two outcomes: {outcome:?}");
                    let (result, intent) = (&outcome.result, &self.intents[&number]);
                    assert!(result.achieved(), "{result:?} of {intent:?}");
                    self.done += usize::from(matches!(result, Outcome::Done { .. }));
                }
                Body::Opened(_) => {}
                Body::Removed { .. }
                | Body::Approval { .. }
                | Body::ApprovalUsed { .. }
                | Body::Held { .. }
                | Body::Undo { .. }
                | Body::Paused { .. }
                | Body::Resumed { .. } => panic!("nobody asked for {entry:?}"),
            }
        }
        fresh
    }

    /// What was announced is what the tenant asked for while it was announced.
    fn asked_for(&self, intent: &IntentEntry, wanted: &Expected) {
        let id: Uuid = intent.group.to_string().parse().unwrap();
        let group = wanted.groups.get(&id);
        let is_wanted = |guid: &str| {
            let guid: Uuid = guid.parse().unwrap();
            let mut known = self.identities.iter();
            let of_group = known.find(|(_, (object, _))| *object == guid).map(|(id, _)| *id);
            let member = of_group.map_or(Member::Account(guid), Member::Group);
            group.is_some_and(|group| group.members.contains(&member))
        };
        match &intent.content {
            Content::Created(_) => {
                assert!(group.is_some(), "{intent:?} is not wanted");
                assert!(!self.identities.contains_key(&id), "{intent:?} was there before");
            }
            Content::MembersAdded(_) | Content::Changed(_) | Content::Moved { .. } => {
                assert!(group.is_some(), "{intent:?} is not wanted");
            }
            Content::MembersRemoved(members) => {
                for member in members {
                    assert!(!is_wanted(&member.to_string()), "{member} is wanted: {intent:?}");
                }
            }
            Content::Deleted(_) => assert!(group.is_none(), "{intent:?} is wanted"),
            Content::Restored(_) => panic!("nothing was there to restore: {intent:?}"),
        }
    }

    /// The writes that the domain has seen are the intents in their order, some of which were
    /// never sent.
    fn writes_are_announced(&mut self, ground: &Ground) {
        let writes = ground.writes();
        for write in writes.iter().skip(self.writes) {
            let mut later = self.intents.range(self.announced + 1..);
            let found = later.find(|(_, intent)| announces(intent, write));
            let (number, _) =
                found.unwrap_or_else(|| panic!("no intent stands before {write:?}\n"));
            self.announced = *number;
        }
        self.writes = writes.len();
        if ground.domain().is_some() {
            let changed = writes.iter().filter(|write| write.changed()).count();
            let most = self.done + self.open.len();
            assert!(
                (self.done..=most).contains(&changed),
                "{changed} writes changed something, {} are done, {} open",
                self.done,
                self.open.len()
            );
        }
    }

    /// One object for each cloud group, the same for ever, and what is wanted and was there is
    /// there.
    fn nothing_is_lost(&mut self, ground: &Ground, wanted: &Expected) {
        let before = std::mem::take(&mut self.groups);
        for group in ground.found() {
            let id = group.anchor().unwrap_or_else(|| panic!("no anchor: {group:?}"));
            let identity = (group.guid, group.sid.clone());
            let known = self.identities.entry(id).or_insert_with(|| identity.clone());
            assert_eq!(*known, identity, "{} is another object", group.dn);
            let twin = self.groups.insert(id, group);
            assert_eq!(twin, None, "{id} has two objects");
        }
        for (id, group) in &before {
            let Some(asked) = wanted.groups.get(id) else { continue };
            let still = self.groups.get(id).unwrap_or_else(|| panic!("{} is lost", group.dn));
            // Accounts alone: their names never change.
            let dns: BTreeSet<&String> = asked
                .members
                .iter()
                .filter_map(|member| match member {
                    Member::Account(guid) => ground.accounts.get(guid),
                    Member::Group(_) | Member::Stranger(_) => None,
                })
                .collect();
            for dn in group.values("member").iter().filter(|dn| dns.contains(dn)) {
                assert!(still.values("member").contains(dn), "{}: {dn} is lost", group.dn);
            }
        }
    }

    /// Where the kill fell.
    fn place(&mut self, ground: &Ground, fresh: &[Entry]) -> Hit {
        let was_behind = self.behind;
        let head = entries_head(ground);
        let state = ground.state();
        let saved = state.as_ref().map_or((0, 0), |opened| {
            assert_eq!(opened.memory.closed_until, None, "the window is closed");
            let head = opened.journal_head.as_ref().map_or(0, |head| head.sequence);
            (head, opened.memory.passes)
        });
        assert!(saved >= self.saved, "the state went back from {:?} to {saved:?}", self.saved);
        let is_news = saved != self.saved;
        self.saved = saved;
        self.behind = head > saved.0;
        let last = fresh.iter().rev().find_map(|entry| match &entry.body {
            Body::Intent(_) => Some(Hit::BetweenIntentAndOutcome),
            Body::Outcome(_) => Some(Hit::BetweenOperations),
            Body::Opened(_)
            | Body::Removed { .. }
            | Body::Approval { .. }
            | Body::ApprovalUsed { .. }
            | Body::Held { .. }
            | Body::Undo { .. }
            | Body::Paused { .. }
            | Body::Resumed { .. } => None,
        });
        match last {
            Some(_) if !self.behind => Hit::AfterSave,
            Some(Hit::BetweenOperations) if is_being_saved(ground) => Hit::DuringSave,
            Some(hit) => hit,
            None if was_behind && !is_news => Hit::Recovery,
            None if was_behind => Hit::AfterRecovery,
            None if is_news => Hit::AfterSave,
            None => Hit::BeforeTheFirstIntent,
        }
    }

    /// The tenant was at rest, and the product has done everything: the directory is in step, and
    /// state and journal tell the same.
    pub(crate) fn settled(&mut self, ground: &Ground, wanted: &Expected) {
        let found = ground.found();
        let differences = wanted.differences(&found, &ground.accounts);
        assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
        let memory = ground.state().expect("something was saved").memory;
        assert!(!self.behind, "the state lacks the end of the journal");
        for group in &found {
            let id = group.anchor().unwrap();
            let known =
                memory.inventory.iter().find(|(known, _)| known.to_string() == id.to_string());
            let object = known.map(|(_, object)| object.to_string());
            assert_eq!(object, Some(group.guid.to_string()), "{} is not remembered", group.dn);
        }
        crate::explained::by_metadata(ground, &self.intents);
        let told = told(ground);
        let kept: Vec<Spending> = memory.spent.clone();
        assert_eq!(kept.len(), told.len(), "the window holds what the journal tells");
        assert_eq!(kept.iter().cloned().collect::<BTreeSet<_>>(), told);
        self.removed = told.len();
        assert!(memory.held.is_empty(), "{:?}", memory.held);
        // What a killed pass was about to do, and the tenant then takes back, may pass for somebody's
        // hand in the directory; never so often that the group is left alone.
        let counts = memory.reversals.values().map(|reversals| reversals.count);
        let most = counts.max().unwrap_or_default();
        assert!(most < REVERSALS_MAX, "nobody else writes: {:?}", memory.reversals);
        self.mistaken = memory.reversals.len();
        self.groups = found.into_iter().map(|group| (group.anchor().unwrap(), group)).collect();
    }

    /// Whether the state lacks something that the journal tells.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind
    }

    /// How many intents never got an outcome.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn operations(&self) -> usize {
        self.intents.len()
    }
}

/// What the last process said.
fn said(ground: &Ground) {
    let said = output(ground);
    let bad = |line: &&str| NEVER_SAID.iter().any(|word| line.to_lowercase().contains(word));
    let lines: Vec<&str> = said.lines().filter(bad).collect();
    assert!(lines.is_empty(), "it says:\n{}", lines.join("\n"));
}

/// A process announces what is needed, and nothing twice.
fn no_more_than(
    needed: &BTreeMap<Uuid, usize>,
    fresh: &[Entry],
    before: &BTreeMap<Uuid, Found>,
    wanted: &Expected,
) {
    let mut announced: BTreeMap<Uuid, Vec<&Content>> = BTreeMap::new();
    for entry in fresh {
        if let Body::Intent(intent) = &entry.body {
            let id = intent.group.to_string().parse().unwrap();
            announced.entry(id).or_default().push(&intent.content);
        }
    }
    for (id, contents) in announced {
        let enough = needed.get(&id).copied().unwrap_or_default();
        assert!(
            contents.len() <= enough,
            "{enough} operations are enough for {id}:\n{contents:?}\nstood there: {:?}\n\
             wanted: {:?}",
            before.get(&id),
            wanted.groups.get(&id)
        );
    }
}

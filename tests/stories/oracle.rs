//! Who watches every write: what must never happen, whatever went wrong before.
//!
//! Counts removals from the directory's own changes, and knows what is right from the true tenant
//! alone. The product's decisions are not asked. Invariants: DESIGN 2, and I1 to I10 of the test
//! architecture.

#[path = "oracle/budget.rs"]
mod budget;
#[path = "oracle/portrait.rs"]
pub(crate) mod portrait;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use writeback::model::change::Kind;
use writeback::model::{Item, ObjectGuid, ObjectId, Operation};

use crate::directory::{Class, Directory, Object};
use crate::names::{GROUPS, OWNER, QUARANTINE, dn, id};
use crate::observe::accounts;
use crate::tenant::{Fate, Kind as TeamKind, Tenant, Who};
use crate::world::object_of;
use budget::{Size, Taken, sizes};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The watcher.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    taken: Vec<Taken>,
    added: BTreeMap<(ObjectGuid, ObjectGuid), Timestamp>,
    /// What a person let through, and until when.
    approved: BTreeMap<Item, Timestamp>,
    /// What came in under each team's record by an Add.
    made: BTreeMap<String, BTreeSet<ObjectGuid>>,
    /// Who must not lose what, in this pass.
    standing: BTreeMap<ObjectGuid, BTreeSet<ObjectGuid>>,
    /// What the tenant was when it was read, where it was read late.
    tolerated: Vec<Rc<Tenant>>,
    /// Groups whose leaving the selection the guard holds: they go on being updated as before.
    retained: BTreeSet<ObjectId>,
    sizes: Vec<(Timestamp, BTreeMap<String, Size>)>,
    /// Removals by the daemon in all.
    pub(crate) removals: usize,
    /// What went wrong first.
    pub(crate) wrong: Option<String>,
}

/// What our record on an object says: the team and the policy.
pub(crate) fn recorded(one: &Object, tenant: &Tenant) -> Option<(String, String)> {
    let owner = format!("owner={OWNER}");
    let ours = one.values("extensionName").iter().find(|text| {
        text.starts_with("writeback/v1;") && text.split(';').any(|part| part == owner)
    })?;
    let field = |name: &str| ours.split(';').find_map(|part| part.strip_prefix(name));
    let (policy, number) = (field("policy=")?, field("id=")?);
    let team = tenant.teams.keys().find(|word| id(word).to_string() == number)?;
    Some((team.clone(), policy.to_owned()))
}

impl Oracle {
    fn blame(&mut self, what: String) {
        self.wrong.get_or_insert(what);
    }

    /// A pass begins. `seen`: what it read of the tenant, where that is not as it stands.
    pub(crate) fn begin(
        &mut self,
        tenant: &Rc<Tenant>,
        seen: &[Rc<Tenant>],
        directory: &Directory,
        now: Timestamp,
    ) {
        self.tolerated = seen.to_vec();
        self.retained.clear();
        self.sizes.push((now, sizes(directory, tenant)));
        self.sizes.retain(|(at, _)| now.duration_since(*at) <= DAY + DAY);
        self.taken.retain(|taken| now.duration_since(taken.at) <= DAY + DAY);
        self.standing.clear();
        if !seen.is_empty() {
            return;
        }
        let accounts = accounts(directory);
        for one in directory.objects.values().filter(|one| one.class == Class::Group) {
            let Some((word, _)) = recorded(one, tenant) else { continue };
            if tenant.fate(&word) == Fate::Kept {
                let inside = directory.inside(one.guid);
                let entitled = tenant.entitled(&word);
                let entitled = entitled.iter().filter_map(|person| accounts.get(person.as_str()));
                let has = entitled.filter(|one| inside.contains(one)).copied();
                self.standing.insert(one.guid, has.collect());
            }
        }
    }

    /// The guard keeps these groups in the selection in this pass.
    pub(crate) fn retain(&mut self, groups: impl Iterator<Item = ObjectId>) {
        self.retained.extend(groups);
    }

    /// Whether the team's group is one that is updated.
    fn is_kept(&self, tenant: &Rc<Tenant>, team: &str) -> bool {
        self.is_right(tenant, |tenant| tenant.fate(team) == Fate::Kept)
            || self.retained.contains(&id(team))
    }

    /// A person lets this through.
    pub(crate) fn approve(&mut self, items: &BTreeSet<Item>, until: Timestamp) {
        self.approved.extend(items.iter().map(|item| (item.clone(), until)));
    }

    /// Judges one write that was done.
    pub(crate) fn judge(
        &mut self,
        operation: &Operation,
        (before, after): (&Directory, &Directory),
        tenant: &Rc<Tenant>,
        now: Timestamp,
    ) {
        if let Operation::Add { target, attributes } = operation {
            let one = after.named(target.dn()).expect("it was added").clone();
            let marked = attributes.iter().any(|(name, _)| name == "adminDescription");
            match recorded(&one, tenant) {
                Some((team, _)) if marked => self.created(&one, &team, (before, tenant)),
                Some(_) | None => self.blame(format!("{} has no mark of ours", one.dn)),
            }
            return;
        }
        let guid = operation.target().object().expect("only an Add has none");
        let former = match operation {
            Operation::Restore { .. } => before.graves.get(&guid).map(|grave| &grave.object),
            // It is named by its place: whatever stands there is renamed.
            Operation::ModifyDn { target, .. } => before.named(target.dn()),
            Operation::Add { .. }
            | Operation::Modify { .. }
            | Operation::AddMembers { .. }
            | Operation::RemoveMembers { .. }
            | Operation::Delete { .. } => before.get(guid),
        };
        let Some(former) = former.cloned() else {
            return self.blame(format!("{guid} was not there: {operation:?}"));
        };
        let Some((team, policy)) = recorded(&former, tenant) else {
            return self.blame(format!("{} carries no record of ours: {operation:?}", former.dn));
        };
        if former.guid != guid {
            self.blame(format!("{} is another object than {guid}", former.dn));
        }
        if former.is_privileged() {
            self.blame(format!("{} is protected: {operation:?}", former.dn));
        }
        let inside = dn(GROUPS);
        let stands = after.get(guid);
        let left = stands.is_some_and(|one| !one.dn.is_within(&inside));
        let strange =
            !former.dn.is_within(&inside) && !matches!(operation, Operation::Restore { .. });
        if left || strange {
            self.blame(format!("{} and {operation:?}: outside the containers", former.dn));
        }
        self.weigh(operation, (&former, stands), (&team, &policy), (before, tenant, now));
        self.hold_access(after, operation);
    }

    fn created(&mut self, one: &Object, team: &str, (before, tenant): (&Directory, &Rc<Tenant>)) {
        if !one.dn.is_within(&dn(GROUPS)) {
            self.blame(format!("{} was created outside the containers", one.dn));
        }
        let all = self.made.entry(team.to_owned()).or_default();
        all.insert(one.guid);
        let (count, twin) = (all.len(), object_of(before, team));
        if twin.is_some() || count > 1 {
            self.blame(format!("{team} was created {count} times: its SID is lost"));
        }
        if !self.is_right(tenant, |tenant| tenant.fate(team) == Fate::Kept) {
            self.blame(format!("{team} was created although it is not wanted"));
        }
    }

    /// Whether the tenant, as it is or as it was read, says so.
    fn is_right(&self, now: &Rc<Tenant>, says: impl Fn(&Tenant) -> bool) -> bool {
        says(now) || self.tolerated.iter().any(|tenant| says(tenant))
    }

    /// Whether what is done to the group is what the tenant wants, and within the budget.
    fn weigh(
        &mut self,
        operation: &Operation,
        (former, stands): (&Object, Option<&Object>),
        (team, policy): (&str, &str),
        (before, tenant, now): (&Directory, &Rc<Tenant>, Timestamp),
    ) {
        let guid = former.guid;
        match operation {
            Operation::AddMembers { members, .. } => {
                for member in members {
                    let who = who(before, *member, tenant);
                    let comes = who.as_ref().is_some_and(|who| {
                        self.is_right(tenant, |tenant| tenant.lists(team, who))
                            && self.is_right(tenant, |tenant| tenant.is_there(who))
                    });
                    // Groups and members are two reads: each may be as it was at its time.
                    let is_kept = self.is_kept(tenant, team);
                    if !is_kept || !comes {
                        self.blame(format!("{who:?} came into {team} without any right"));
                    }
                    self.added.insert((guid, *member), now);
                }
            }
            Operation::RemoveMembers { members, .. } => {
                self.removals += members.len();
                for member in members {
                    let who = who(before, *member, tenant);
                    let goes = who.as_ref().is_none_or(|who| {
                        self.is_right(tenant, |tenant| !tenant.lists(team, who))
                            || self.is_right(tenant, |tenant| !tenant.is_there(who))
                    });
                    let is_kept = self.is_kept(tenant, team);
                    if !is_kept || !goes {
                        self.blame(format!("{who:?} was wrongly taken out of {team}"));
                    }
                    self.take_member(former, *member, (team, policy), (tenant, now), who.as_ref());
                }
            }
            Operation::Delete { .. } => {
                if !self.is_right(tenant, |tenant| tenant.fate_under(team, policy) == Fate::Deleted)
                {
                    self.blame(format!("the group of {team} was wrongly deleted"));
                }
                self.take_group(guid, Kind::Delete, (team, policy), now);
            }
            Operation::ModifyDn { to, .. } => {
                let here = former.dn.is_within(&dn(QUARANTINE));
                if to.dn().is_within(&dn(QUARANTINE)) && !here {
                    if !self.is_right(tenant, |tenant| {
                        tenant.fate_under(team, policy) == Fate::Quarantined
                    }) {
                        self.blame(format!("the group of {team} was wrongly quarantined"));
                    }
                    self.take_group(guid, Kind::Quarantine, (team, policy), now);
                }
            }
            Operation::Modify { .. } => {
                let secure =
                    |one: &Object| one.value("groupType").is_some_and(|t| t.starts_with('-'));
                let weakened = secure(former) && !stands.is_some_and(secure);
                let state = |one: &Object, word: &str| {
                    let mut all = one.values("extensionName").iter();
                    all.any(|text| text.ends_with(&format!("state={word}")))
                };
                let ended = ["Disabled", "Quarantined"]
                    .into_iter()
                    .any(|word| !state(former, word) && stands.is_some_and(|one| state(one, word)));
                if !weakened && !ended {
                    return;
                }
                let right = |tenant: &Tenant| match tenant.fate_under(team, policy) {
                    Fate::Disabled | Fate::Quarantined => true,
                    Fate::Deleted => false,
                    Fate::Kept => {
                        let kind = tenant.teams.get(team).map(|team| team.kind);
                        kind == Some(TeamKind::Unified { secure: false }) && !ended
                    }
                };
                if !self.is_right(tenant, right) {
                    self.blame(format!("the group of {team} wrongly lost its use: {operation:?}"));
                }
                let kind = if ended { Kind::Disable } else { Kind::Convert };
                self.take_group(guid, kind, (team, policy), now);
            }
            Operation::Restore { .. } => {
                if !self.is_right(tenant, |tenant| tenant.fate(team) == Fate::Kept) {
                    self.blame(format!("the group of {team} was restored although not wanted"));
                }
            }
            Operation::Add { .. } => {}
        }
    }

    /// Nobody who is entitled and had it is without it between two writes.
    fn hold_access(&mut self, after: &Directory, operation: &Operation) {
        if !matches!(operation, Operation::RemoveMembers { .. } | Operation::Delete { .. }) {
            return;
        }
        let mut lost = None;
        for (group, people) in &self.standing {
            let inside = after.inside(*group);
            lost = lost.or(people.difference(&inside).next().map(|one| (*group, *one)));
        }
        if let Some((group, one)) = lost {
            let name =
                |guid| after.get(guid).map_or_else(|| format!("{guid}"), |o| o.dn.to_string());
            self.blame(format!("{} is locked out of {}: {operation:?}", name(one), name(group)));
        }
    }
}

/// Who a member is.
fn who(directory: &Directory, member: ObjectGuid, tenant: &Tenant) -> Option<Who> {
    let one = directory.get(member)?;
    match one.class {
        Class::User => Some(Who::Person(one.dn.leaf().to_owned())),
        Class::Group => recorded(one, tenant).map(|(team, _)| Who::Team(team)),
        Class::Container => None,
    }
}

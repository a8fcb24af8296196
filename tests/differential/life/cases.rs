//! What may happen to a group beyond its names and texts, from a seed: types, members of every
//! kind, primary groups, addresses of mail, deletion and the way back. Each case is drawn again
//! and again, as far as the state of the directories allows it.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the cases of a topic have a function of their own, which no other case comes to"
)]

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use ldap3::Scope;

use crate::draw::{Change, Operation, Verb, change, plain};
use crate::lab::child;
use crate::server::Group;
use crate::side::{Look, Places, State, Who};

/// Without and with the security bit: global, domain local, universal (MS-ADTS 2.2.12).
const TYPES: [i32; 6] = [2, 4, 8, -2_147_483_646, -2_147_483_644, -2_147_483_640];

/// Few, so that they meet again; two need escaping. A semicolon is in none: Samba spells it in
/// another way than a client does, and then denies that a member that came with a restore is one.
const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "Beta, \"quoted\" + more", "#gamma back\\slash"];

const ADDRESSES: [&str; 7] = [
    "SMTP:first@corp.example",
    "smtp:second@corp.example",
    "smtp:third@corp.example",
    "smtp:Zo\u{eb}@corp.example",
    "x500:/o=Corp/ou=Exchange/cn=Recipients/cn=a",
    "SIP:first@corp.example",
    "smtp:fourth@corp.example",
];

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Case {
    Add,
    /// proxyAddresses with two values that letter case alone tells apart.
    AddAddressTwice,
    Delete,
    /// Of a group that is somebody's primary group.
    DeletePrimary,
    /// To a type that the scope, the members and the groups it is in allow.
    Convert,
    /// Between global and domain local.
    ConvertAcross,
    /// To a scope that a member or a group it is in does not allow.
    ConvertNested,
    /// To the type of builtin groups.
    ConvertBuiltin,
    /// Of a primary group to a distribution group.
    ConvertPrimary,
    /// Of a primary group to a domain local one.
    ConvertPrimaryLocal,
    /// Accounts, contacts, devices and groups that may be members.
    AddMembers,
    /// A group that may not be one.
    AddMemberOfScope,
    AddMemberThere,
    /// An account whose primary group it is.
    AddMemberPrimary,
    /// By the GUID of a deleted group.
    AddMemberGone,
    RemoveMembers,
    RemoveMemberPrimary,
    Primary,
    /// The one that every user starts with.
    PrimaryBack,
    /// A group without the account.
    PrimaryStranger,
    PrimaryDistribution,
    PrimaryLocal,
    /// A relative identifier that nobody has.
    PrimaryUnknown,
    /// By the account that has the delegation only.
    PrimaryNotDelegated,
    /// Several values out and in, in one modify and in any letter case.
    Mail,
    /// The same value in other letters, as a change of the primary address is made.
    MailLetters,
    /// An address is added that is there in other letters.
    MailThere,
    MailAbsent,
    /// Two values that letter case alone tells apart.
    MailTwice,
    MailReplace,
    MailReplaceTwice,
    /// Out and in again, of the same value.
    MailAgain,
    MailLong,
    MailAll,
    MailText,
    NicknameLong,
    NicknameTwo,
    NicknameEmpty,
    Undelete,
    /// With another groupType.
    UndeleteConverted,
    UndeleteNameTaken,
    UndeleteAccountNameTaken,
    /// The account name that the deleted group had, which the request does not repeat.
    UndeleteAccountNameKept,
    /// The same where another group has it meanwhile.
    UndeleteAccountNameLost,
    UndeleteNoParent,
    UndeleteNotDelegated,
    UndeleteBelowGroup,
    UndeleteNoName,
    /// By an account without any right.
    UndeleteStranger,
    /// Of a group that was restored.
    UndeleteAgain,
    /// Of a group that was never deleted.
    UndeleteLiving,
    /// Without the control that shows deleted objects.
    UndeleteHidden,
    /// isDeleted alone.
    UndeleteNameless,
    UndeleteAttribute,
    UndeleteMemberUnknown,
    /// Of a group that an administrator deleted where nothing is delegated.
    UndeleteForeign,
    /// Another modify of a deleted group.
    ChangeGone,
    DeleteGone,
    Find,
    FindStranger,
    FindHidden,
}

/// How often a case comes for one time of those that come least.
type Times = &'static [(Case, usize)];

const GROUPS: Times = &[
    (Case::Add, 6),
    (Case::AddAddressTwice, 1),
    (Case::Delete, 4),
    (Case::DeletePrimary, 1),
    (Case::Convert, 4),
    (Case::ConvertAcross, 1),
    (Case::ConvertNested, 1),
    (Case::ConvertBuiltin, 1),
    (Case::ConvertPrimary, 1),
    (Case::ConvertPrimaryLocal, 3),
];

const MEMBERS: Times = &[
    (Case::AddMembers, 5),
    (Case::AddMemberOfScope, 1),
    (Case::AddMemberThere, 1),
    (Case::AddMemberPrimary, 1),
    (Case::AddMemberGone, 1),
    (Case::RemoveMembers, 2),
    (Case::RemoveMemberPrimary, 1),
];

const PRIMARY: Times = &[
    (Case::Primary, 6),
    (Case::PrimaryBack, 1),
    (Case::PrimaryStranger, 1),
    (Case::PrimaryDistribution, 1),
    (Case::PrimaryLocal, 1),
    (Case::PrimaryUnknown, 1),
    (Case::PrimaryNotDelegated, 1),
];

const MAIL: Times = &[
    (Case::Mail, 4),
    (Case::MailLetters, 2),
    (Case::MailThere, 1),
    (Case::MailAbsent, 1),
    (Case::MailTwice, 1),
    (Case::MailReplace, 2),
    (Case::MailReplaceTwice, 1),
    (Case::MailAgain, 1),
    (Case::MailLong, 1),
    (Case::MailAll, 1),
    (Case::MailText, 2),
    (Case::NicknameLong, 1),
    (Case::NicknameTwo, 1),
    (Case::NicknameEmpty, 1),
];

const DELETED: Times = &[
    (Case::Undelete, 3),
    (Case::UndeleteConverted, 1),
    (Case::UndeleteNameTaken, 1),
    (Case::UndeleteAccountNameTaken, 1),
    (Case::UndeleteAccountNameKept, 1),
    (Case::UndeleteAccountNameLost, 3),
    (Case::UndeleteNoParent, 1),
    (Case::UndeleteNotDelegated, 1),
    (Case::UndeleteBelowGroup, 1),
    (Case::UndeleteNoName, 1),
    (Case::UndeleteStranger, 1),
    (Case::UndeleteAgain, 1),
    (Case::UndeleteLiving, 1),
    (Case::UndeleteHidden, 1),
    (Case::UndeleteNameless, 1),
    (Case::UndeleteAttribute, 1),
    (Case::UndeleteMemberUnknown, 1),
    (Case::UndeleteForeign, 1),
    (Case::ChangeGone, 1),
    (Case::DeleteGone, 1),
];

const FOUND: Times = &[(Case::Find, 4), (Case::FindStranger, 1), (Case::FindHidden, 1)];

const TOPICS: [Times; 6] = [GROUPS, MEMBERS, PRIMARY, MAIL, DELETED, FOUND];

impl Case {
    /// Every one of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        TOPICS.into_iter().flatten().map(|(case, _)| *case)
    }

    fn is_of(self, topic: Times) -> bool {
        topic.iter().any(|(case, _)| *case == self)
    }
}

/// What is asked of both directories.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Send(Operation),
    Look(Look),
}

impl Step {
    /// Whether groups may be deleted, restored, or changed while they are deleted.
    pub(crate) fn may_bury(&self) -> bool {
        match self {
            Self::Send(operation) => {
                matches!(operation, Operation::Delete { .. } | Operation::Undelete { .. })
            }
            Self::Look(_) => false,
        }
    }
}

/// A step, by whom, and what it is about.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub(crate) case: Case,
    pub(crate) who: Who,
    pub(crate) step: Step,
}

/// A source of steps.
pub(crate) struct Drawing {
    pub(crate) rng: Rng,
    waiting: Vec<Case>,
    added: usize,
    /// Deleted where nothing is delegated.
    foreign: Vec<String>,
    /// Restored at least once.
    restored: BTreeSet<String>,
}

/// A group that is there: its DN, escaped, and its values.
type Standing<'a> = (String, &'a Group);

fn first<'a>(group: &'a Group, name: &str) -> &'a str {
    group.get(name).and_then(|values| values.first()).map_or("", String::as_str)
}

fn id_of(group: &Group) -> &str {
    first(group, "msDS-ExternalDirectoryObjectId")
}

fn type_of(group: &Group) -> i32 {
    first(group, "groupType").parse().unwrap()
}

/// The bits of the scope.
fn scope_of(group_type: i32) -> i32 {
    group_type & 0xe
}

/// Which groups a group may hold (learn.microsoft.com, "Active Directory security groups").
fn holds(parent: i32, member: i32) -> bool {
    match scope_of(parent) {
        2 => scope_of(member) == 2,
        8 => scope_of(member) != 4,
        _ => true,
    }
}

/// Whether this is a group for a case of a primary group.
fn suits(case: Case, group: &Group, user: &str, now: &str) -> bool {
    let kind = type_of(group);
    let member = group.get("member").is_some_and(|members| members.contains(user));
    let (security, local) = (kind < 0, scope_of(kind) == 4);
    match case {
        Case::PrimaryDistribution => member && !security && !local,
        Case::PrimaryLocal => member && security && local,
        Case::PrimaryStranger => {
            !member && security && !local && first(group, "sAMAccountName") != now
        }
        _ => member && security && !local,
    }
}

fn one(dn: &str, change: Change) -> Step {
    Step::Send(Operation::Modify { dn: dn.to_owned(), changes: vec![change] })
}

/// The request that restores a deleted object (MS-ADTS 3.1.1.5.3.7), and what else it changes.
fn undelete(id: &str, to: &str, others: Vec<Change>) -> Operation {
    let mut changes = vec![
        change(Verb::Delete, "isDeleted", &[]),
        change(Verb::Replace, "distinguishedName", &[to]),
    ];
    changes.extend(others);
    Operation::Undelete { dn: format!("#gone:{id};"), changes, shown: true }
}

impl Drawing {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            waiting: Vec::new(),
            added: 0,
            foreign: Vec::new(),
            restored: BTreeSet::new(),
        }
    }

    /// The next step on directories in this state.
    pub(crate) fn step(&mut self, places: &Places, state: &State) -> Drawn {
        loop {
            let Some(case) = self.waiting.pop() else {
                for (case, times) in TOPICS.into_iter().flatten() {
                    self.waiting.extend(std::iter::repeat_n(*case, *times));
                }
                self.rng.shuffle(&mut self.waiting);
                continue;
            };
            let who = match case {
                Case::Primary
                | Case::PrimaryBack
                | Case::PrimaryStranger
                | Case::PrimaryDistribution
                | Case::PrimaryLocal
                | Case::PrimaryUnknown => Who::Administrator,
                Case::UndeleteStranger | Case::FindStranger => Who::Stranger,
                _ => Who::Service,
            };
            // What the state does not allow waits for the next round.
            if let Some(step) = self.drawn(case, places, state) {
                return Drawn { case, who, step };
            }
        }
    }

    fn drawn(&mut self, case: Case, places: &Places, state: &State) -> Option<Step> {
        let mut draft = Draft { drawing: self, places, state };
        if case.is_of(GROUPS) {
            draft.group(case)
        } else if case.is_of(MEMBERS) {
            draft.members(case)
        } else if case.is_of(PRIMARY) {
            draft.primary(case)
        } else if case.is_of(MAIL) {
            draft.mail(case)
        } else if case.is_of(DELETED) {
            draft.deleted(case)
        } else {
            draft.search(case)
        }
    }

    /// A group that an administrator adds and deletes where nothing is delegated.
    pub(crate) fn foreign(&mut self, places: &Places) -> [Operation; 2] {
        self.added += 1;
        let id = format!("{}{}", places.prefix, self.added);
        let dn = child(&format!("foreign {}", self.added), &places.outside);
        let attributes = [
            ("objectClass", "group".to_owned()),
            ("sAMAccountName", format!("life-{}", self.added)),
            ("groupType", TYPES[5].to_string()),
            ("msDS-ExternalDirectoryObjectId", id.clone()),
        ];
        self.foreign.push(id);
        let attributes = attributes.map(|(name, value)| (name, vec![value])).to_vec();
        [Operation::Add { dn: dn.clone(), attributes }, Operation::Delete { dn }]
    }
}

/// One attempt to draw a step of a case.
struct Draft<'a> {
    drawing: &'a mut Drawing,
    places: &'a Places,
    state: &'a State,
}

impl<'a> Draft<'a> {
    fn below(&mut self, count: usize) -> usize {
        self.drawing.rng.usize(..count)
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        self.drawing.rng.choice(from).cloned()
    }

    /// Between one and so many of these.
    fn some<T: Clone>(&mut self, from: &[T], most: usize) -> Vec<T> {
        let mut from = from.to_vec();
        self.drawing.rng.shuffle(&mut from);
        from.truncate(1 + self.below(most));
        from
    }

    fn containers(&self) -> [String; 2] {
        [self.places.inside.clone(), format!("OU=Sub,{}", self.places.inside)]
    }

    fn standing(&self) -> Vec<Standing<'a>> {
        let mut all = Vec::new();
        for container in self.containers() {
            for (key, group) in &self.state.groups {
                let dn = child(first(group, "cn"), &container);
                if plain(&dn) == *key {
                    all.push((dn, group));
                }
            }
        }
        all
    }

    /// A group for which something holds.
    fn group_that(&mut self, holds: impl Fn(&Group) -> bool) -> Option<Standing<'a>> {
        let mut all = self.standing();
        all.retain(|(_, group)| holds(group));
        self.pick(&all)
    }

    fn free_name(&mut self) -> Option<String> {
        let containers = self.containers();
        let names = NAMES.iter().flat_map(|name| containers.iter().map(|one| child(name, one)));
        let free: Vec<String> =
            names.filter(|dn| !self.state.groups.contains_key(&plain(dn))).collect();
        self.pick(&free)
    }

    /// A deleted group of the delegated container.
    fn gone(&mut self) -> Option<(String, &'a Group)> {
        self.gone_that(|_, _| true)
    }

    fn gone_that(&mut self, holds: impl Fn(&Self, &Group) -> bool) -> Option<(String, &'a Group)> {
        let gone = self.state.gone.iter();
        let gone =
            gone.filter(|(id, group)| !self.drawing.foreign.contains(id) && holds(self, group));
        let gone: Vec<(String, &Group)> = gone.map(|(id, group)| (id.clone(), group)).collect();
        self.pick(&gone)
    }

    fn account_name_is_free(&self, name: &str) -> bool {
        let taken = |group: &Group| first(group, "sAMAccountName").eq_ignore_ascii_case(name);
        !self.state.groups.values().any(taken)
    }

    /// Accounts of which the group is the primary group.
    fn primary_members(&self, group: &Group) -> Vec<String> {
        let name = first(group, "sAMAccountName");
        let accounts = self.state.accounts.iter();
        accounts
            .filter(|(_, account)| first(account, "primaryGroupID") == name)
            .map(|(dn, _)| dn.clone())
            .collect()
    }

    /// Any letter case but the spelt one, or that one.
    fn varied(&mut self, text: &str) -> String {
        match self.below(3) {
            0 => text.to_uppercase(),
            1 => text.to_lowercase(),
            _ => text.to_owned(),
        }
    }

    fn group(&mut self, case: Case) -> Option<Step> {
        match case {
            Case::Add | Case::AddAddressTwice => self.add(case).map(Step::Send),
            Case::Delete | Case::DeletePrimary => {
                let mut all = self.standing();
                let primary = case == Case::DeletePrimary;
                all.retain(|(_, group)| self.primary_members(group).is_empty() != primary);
                self.pick(&all).map(|(dn, _)| Step::Send(Operation::Delete { dn }))
            }
            _ => self.conversion(case),
        }
    }

    fn add(&mut self, case: Case) -> Option<Operation> {
        let dn = self.free_name()?;
        self.drawing.added += 1;
        let number = self.drawing.added;
        let kind = TYPES[self.below(TYPES.len())];
        // Now and then the one of a deleted group, which may come back.
        let once = self.gone().map(|(_, group)| first(group, "sAMAccountName").to_owned());
        let once = once.filter(|name| self.account_name_is_free(name));
        let account_name = once.filter(|_| self.below(2) == 0);
        let account_name = account_name.unwrap_or_else(|| format!("life-{number}"));
        let mut attributes: Vec<(&'static str, Vec<String>)> = vec![
            ("objectClass", vec!["group".to_owned()]),
            ("sAMAccountName", vec![account_name]),
            ("groupType", vec![kind.to_string()]),
            ("msDS-ExternalDirectoryObjectId", vec![format!("{}{number}", self.places.prefix)]),
        ];
        for (name, value) in [
            ("displayName", "Zo\u{eb}"),
            ("description", "text"),
            ("adminDescription", "Group_1"),
            ("info", "more text"),
            ("mail", "first@corp.example"),
            ("mailNickname", "first"),
            ("extensionName", "writeback/v1;x"),
        ] {
            if self.below(2) == 0 {
                attributes.push((name, vec![value.to_owned()]));
            }
        }
        let mut addresses = self.some(&ADDRESSES.map(str::to_owned), 4);
        if case == Case::AddAddressTwice {
            addresses.push(addresses[0].to_uppercase());
            addresses.push(addresses[0].to_lowercase());
            addresses.swap_remove(0);
        }
        attributes.push(("proxyAddresses", addresses));
        if self.below(3) == 0 && case == Case::Add {
            let members = self.allowed_members(&Group::new(), &dn, kind);
            let members = self.some(&members, 3);
            attributes.push(("member", members));
        }
        Some(Operation::Add { dn, attributes })
    }

    /// Everything that a group of this type may hold and does not.
    fn allowed_members(&self, group: &Group, dn: &str, kind: i32) -> Vec<String> {
        let empty = BTreeSet::new();
        let held = group.get("member").unwrap_or(&empty);
        let primary = self.primary_members(group);
        let accounts = self.state.accounts.keys().cloned();
        let groups = self.standing().into_iter();
        let groups = groups.filter(|(_, one)| holds(kind, type_of(one))).map(|(dn, _)| dn);
        let all = accounts.chain(groups);
        all.filter(|one| one != dn && !held.contains(&plain(one)) && !primary.contains(one))
            .collect()
    }

    /// Whether members and parents allow the type.
    fn nesting_allows(&self, dn: &str, group: &Group, kind: i32) -> bool {
        let type_named = |dn: &String| self.state.groups.get(dn).map(type_of);
        let end = |name: &str| group.get(name).into_iter().flatten().filter_map(type_named);
        let own = plain(dn);
        // A group that holds itself.
        let itself = group.get("member").is_some_and(|members| members.contains(&own));
        !itself
            && end("member").all(|member| holds(kind, member))
            && end("memberOf").all(|parent| holds(parent, kind))
    }

    fn conversion(&mut self, case: Case) -> Option<Step> {
        let mut possible = Vec::new();
        for (dn, group) in self.standing() {
            let (before, primary) = (type_of(group), !self.primary_members(group).is_empty());
            for kind in TYPES {
                let across = scope_of(before) | scope_of(kind) == 6;
                let nested =
                    scope_of(before) != scope_of(kind) && !self.nesting_allows(&dn, group, kind);
                let disarmed = primary && before < 0 && kind > 0;
                let local = primary && scope_of(kind) == 4;
                let found = match (across, nested, disarmed, local) {
                    (false, false, false, false) => Case::Convert,
                    (true, _, false, false) => Case::ConvertAcross,
                    (false, true, false, false) => Case::ConvertNested,
                    (false, false, true, _) => Case::ConvertPrimary,
                    (false, false, false, true) => Case::ConvertPrimaryLocal,
                    _ => continue,
                };
                if found == case && before != kind {
                    possible.push((dn.clone(), before, kind));
                }
            }
            if case == Case::ConvertBuiltin {
                possible.push((dn, before, -2_147_483_643));
            }
        }
        let (dn, before, kind) = self.pick(&possible)?;
        let (before, kind) = (before.to_string(), kind.to_string());
        let changes = if self.below(2) == 0 {
            vec![change(Verb::Replace, "groupType", &[&kind])]
        } else {
            let old = change(Verb::Delete, "groupType", &[&before]);
            vec![old, change(Verb::Add, "groupType", &[&kind])]
        };
        Some(Step::Send(Operation::Modify { dn, changes }))
    }

    fn members(&mut self, case: Case) -> Option<Step> {
        let add = |values: Vec<String>| Change { verb: Verb::Add, attribute: "member", values };
        let mut all = self.standing();
        self.drawing.rng.shuffle(&mut all);
        for (dn, group) in all {
            let kind = type_of(group);
            let allowed = self.allowed_members(group, &dn, kind);
            let held: Vec<String> = group.get("member").into_iter().flatten().cloned().collect();
            let primary = self.primary_members(group);
            let values = match case {
                Case::AddMembers => self.some(&allowed, 3),
                Case::AddMemberOfScope => {
                    let others = self.standing().into_iter();
                    let others = others.filter(|(_, one)| !holds(kind, type_of(one)));
                    let others: Vec<String> = others.map(|(dn, _)| dn).collect();
                    self.pick(&others).into_iter().filter(|one| *one != dn).collect()
                }
                Case::AddMemberThere => {
                    let there = self.spelt(&held);
                    self.pick(&there).into_iter().collect()
                }
                Case::AddMemberGone => {
                    let gone = self.gone().map(|(id, _)| format!("#guid:{id};"));
                    gone.into_iter().collect()
                }
                Case::RemoveMembers => {
                    let held = self.spelt(&held);
                    self.some(&held, 3)
                }
                _ => self.pick(&primary).into_iter().collect(),
            };
            if values.is_empty() {
                continue;
            }
            if matches!(case, Case::RemoveMembers | Case::RemoveMemberPrimary) {
                let verb = Verb::Delete;
                return Some(one(&dn, Change { verb, attribute: "member", values }));
            }
            return Some(one(&dn, add(values)));
        }
        None
    }

    /// Those of the members whose names need no escaping, or the escaped names.
    fn spelt(&self, members: &[String]) -> Vec<String> {
        let groups: BTreeMap<String, String> =
            self.standing().into_iter().map(|(dn, _)| (plain(&dn), dn)).collect();
        let known = members.iter().filter_map(|member| {
            let account = self.state.accounts.contains_key(member).then(|| member.clone());
            account.or_else(|| groups.get(member).cloned())
        });
        known.collect()
    }

    fn primary(&mut self, case: Case) -> Option<Step> {
        let accounts = self.state.accounts.iter();
        let users = accounts.filter(|(_, one)| !first(one, "primaryGroupID").is_empty());
        let users: Vec<(String, String)> =
            users.map(|(dn, one)| (dn.clone(), first(one, "primaryGroupID").to_owned())).collect();
        let primary =
            |user: &str, value: &str| one(user, change(Verb::Replace, "primaryGroupID", &[value]));
        let mut possible = Vec::new();
        for (user, now) in &users {
            let computer = self.state.accounts[user]["objectClass"].contains("computer");
            let start = if computer { "515" } else { "513" };
            match case {
                Case::PrimaryUnknown => possible.push(primary(user, "999999")),
                Case::PrimaryBack if now != start => possible.push(primary(user, start)),
                Case::PrimaryBack => {}
                _ => {
                    let groups = self.state.groups.values();
                    let groups = groups.filter(|group| suits(case, group, user, now));
                    possible.extend(
                        groups.map(|group| primary(user, &format!("#relative:{};", id_of(group)))),
                    );
                }
            }
        }
        self.pick(&possible)
    }

    fn mail(&mut self, case: Case) -> Option<Step> {
        let (dn, group) = self.group_that(|_| true)?;
        let held: Vec<String> =
            group.get("proxyAddresses").into_iter().flatten().cloned().collect();
        let folded: BTreeSet<String> = held.iter().map(|one| one.to_lowercase()).collect();
        let absent = ADDRESSES.iter().filter(|one| !folded.contains(&one.to_lowercase()));
        let absent: Vec<String> = absent.map(|one| (*one).to_owned()).collect();
        let name = "proxyAddresses";
        let several = |verb, values: Vec<String>| Change { verb, attribute: name, values };
        let changes = match case {
            Case::Mail => {
                let mut out = if held.is_empty() { Vec::new() } else { self.some(&held, 3) };
                for value in &mut out {
                    *value = self.varied(value);
                }
                let new = if absent.is_empty() { Vec::new() } else { self.some(&absent, 3) };
                let together = self.below(2) == 0;
                let mut changes = Vec::new();
                for (verb, values) in [(Verb::Delete, out), (Verb::Add, new)] {
                    if together && !values.is_empty() {
                        changes.push(several(verb, values));
                    } else {
                        changes.extend(values.into_iter().map(|one| several(verb, vec![one])));
                    }
                }
                changes
            }
            Case::MailLetters => {
                let value = self.pick(&held)?;
                let other = self.varied(&value);
                vec![several(Verb::Delete, vec![value]), several(Verb::Add, vec![other])]
            }
            Case::MailThere => {
                let value = self.pick(&held)?;
                vec![several(Verb::Add, vec![self.varied(&value)])]
            }
            Case::MailAbsent => {
                let value = self.pick(&absent).filter(|_| !held.is_empty())?;
                vec![several(Verb::Delete, vec![value])]
            }
            Case::MailTwice => {
                let value = self.pick(&absent)?;
                vec![several(Verb::Add, vec![value.to_uppercase(), value.to_lowercase()])]
            }
            Case::MailReplace => {
                vec![several(Verb::Replace, self.some(&ADDRESSES.map(str::to_owned), 5))]
            }
            Case::MailReplaceTwice => {
                let value = ADDRESSES[self.below(ADDRESSES.len())];
                vec![several(Verb::Replace, vec![value.to_uppercase(), value.to_lowercase()])]
            }
            Case::MailAgain => {
                let value = self.pick(&held)?;
                vec![several(Verb::Add, vec![value.clone()]), several(Verb::Delete, vec![value])]
            }
            Case::MailLong => {
                vec![several(Verb::Replace, vec![format!("smtp:{}", "x".repeat(1119))])]
            }
            Case::MailAll => vec![several(Verb::Replace, Vec::new())],
            Case::MailText => {
                let name = if self.below(2) == 0 { "mail" } else { "mailNickname" };
                let old = group.get(name).and_then(|values| values.first());
                let old = old.map(|old| change(Verb::Delete, name, &[&self.varied(old)]));
                let new = ["first", "FIRST", "Zo\u{eb}"][self.below(3)];
                old.into_iter().chain([change(Verb::Add, name, &[new])]).collect()
            }
            Case::NicknameLong => {
                vec![change(Verb::Replace, "mailNickname", &[&"x".repeat(65)])]
            }
            Case::NicknameTwo => vec![change(Verb::Replace, "mailNickname", &["one", "two"])],
            _ => vec![change(Verb::Replace, "mailNickname", &[""])],
        };
        let changes = (!changes.is_empty()).then_some(changes)?;
        Some(Step::Send(Operation::Modify { dn, changes }))
    }

    /// A free account name for a restored group: its own, or a new one.
    fn account_name_for(&mut self, group: &Group) -> Change {
        let own = first(group, "sAMAccountName").to_owned();
        self.drawing.added += 1;
        let new = format!("life-{}", self.drawing.added);
        let keeps = self.account_name_is_free(&own) && self.below(2) == 0;
        change(Verb::Replace, "sAMAccountName", &[if keeps { &own } else { &new }])
    }

    fn deleted(&mut self, case: Case) -> Option<Step> {
        if case == Case::UndeleteForeign {
            let foreign = self.drawing.foreign.clone();
            let (id, to) = (self.pick(&foreign)?, self.free_name()?);
            return Some(Step::Send(undelete(&id, &to, Vec::new())));
        }
        if case == Case::UndeleteAgain {
            let living: BTreeSet<&str> = self.state.groups.values().map(id_of).collect();
            let again = self.drawing.restored.iter().filter(|id| living.contains(id.as_str()));
            let again: Vec<String> = again.cloned().collect();
            let (id, to) = (self.pick(&again)?, self.free_name()?);
            return Some(Step::Send(undelete(&id, &to, Vec::new())));
        }
        let (id, group) = self.gone()?;
        let to = self.free_name()?;
        let name = self.account_name_for(group);
        let leaf = crate::lab::leaf_of(&to).to_owned();
        let operation = match case {
            Case::Undelete => {
                let mut others = vec![name];
                others.extend(self.restored_values(group));
                self.drawing.restored.insert(id.clone());
                undelete(&id, &to, others)
            }
            Case::UndeleteConverted => {
                self.drawing.restored.insert(id.clone());
                let kind = match type_of(group) {
                    kind if scope_of(kind) == 8 => TYPES[self.below(TYPES.len())],
                    kind => kind ^ i32::MIN,
                };
                undelete(
                    &id,
                    &to,
                    vec![name, change(Verb::Replace, "groupType", &[&kind.to_string()])],
                )
            }
            Case::UndeleteNameTaken => {
                let (taken, _) = self.group_that(|_| true)?;
                undelete(&id, &self.varied(&taken), vec![name])
            }
            Case::UndeleteAccountNameTaken => {
                let (_, other) = self.group_that(|_| true)?;
                let taken = self.varied(first(other, "sAMAccountName"));
                undelete(&id, &to, vec![change(Verb::Replace, "sAMAccountName", &[&taken])])
            }
            Case::UndeleteAccountNameKept | Case::UndeleteAccountNameLost => {
                let lost = case == Case::UndeleteAccountNameLost;
                let (id, _) = self.gone_that(|draft, group| {
                    draft.account_name_is_free(first(group, "sAMAccountName")) != lost
                })?;
                if !lost {
                    self.drawing.restored.insert(id.clone());
                }
                undelete(&id, &to, Vec::new())
            }
            Case::UndeleteNoParent => {
                undelete(&id, &format!("{leaf},OU=Missing,{}", self.places.base), vec![name])
            }
            Case::UndeleteNotDelegated => {
                undelete(&id, &format!("{leaf},{}", self.places.outside), vec![name])
            }
            Case::UndeleteBelowGroup => {
                let (parent, _) = self.group_that(|_| true)?;
                undelete(&id, &format!("{leaf},{parent}"), vec![name])
            }
            Case::UndeleteNoName => undelete(&id, "no name at all", vec![name]),
            Case::UndeleteStranger => undelete(&id, &to, vec![name]),
            Case::UndeleteAttribute => {
                let page = change(Verb::Replace, "wWWHomePage", &["https://corp.example"]);
                undelete(&id, &to, vec![name, page])
            }
            Case::UndeleteMemberUnknown => {
                let nobody = format!("CN=nobody,OU=People,{}", self.places.base);
                undelete(&id, &to, vec![name, change(Verb::Add, "member", &[&nobody])])
            }
            Case::UndeleteLiving => {
                let (dn, _) = self.group_that(|_| true)?;
                let Operation::Undelete { changes, .. } = undelete(&id, &to, Vec::new()) else {
                    return None;
                };
                Operation::Undelete { dn, changes, shown: true }
            }
            Case::UndeleteHidden => {
                let Operation::Undelete { dn, changes, .. } = undelete(&id, &to, vec![name]) else {
                    return None;
                };
                Operation::Undelete { dn, changes, shown: false }
            }
            Case::UndeleteNameless => {
                let changes = vec![change(Verb::Delete, "isDeleted", &[])];
                Operation::Undelete { dn: format!("#gone:{id};"), changes, shown: true }
            }
            Case::ChangeGone => {
                let changes = vec![change(Verb::Replace, "info", &["x"])];
                Operation::Undelete { dn: format!("#gone:{id};"), changes, shown: true }
            }
            _ => Operation::Delete { dn: format!("#gone:{id};") },
        };
        Some(Step::Send(operation))
    }

    /// What comes back with a group in the same request.
    fn restored_values(&mut self, group: &Group) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, value) in [
            ("displayName", "back"),
            ("adminDescription", "Group_1"),
            ("mail", "first@corp.example"),
            ("mailNickname", "back"),
        ] {
            if self.below(2) == 0 {
                changes.push(change(Verb::Replace, name, &[value]));
            }
        }
        if self.below(2) == 0 {
            changes.push(change(Verb::Replace, "extensionName", &["writeback/v1;x", "another"]));
        }
        if self.below(2) == 0 {
            let addresses = self.some(&ADDRESSES, 3);
            changes.push(change(Verb::Add, "proxyAddresses", &addresses));
        }
        if self.below(2) == 0 {
            let members = self.allowed_members(&Group::new(), "", type_of(group));
            let members = self.some(&members, 3);
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            changes.push(change(Verb::Add, "member", &members));
        }
        changes
    }

    fn search(&mut self, case: Case) -> Option<Step> {
        let gone = self.gone().map(|(id, _)| id);
        let living = self.group_that(|_| true).map(|(_, group)| id_of(group).to_owned());
        let id = if self.below(4) == 0 { living.or(gone) } else { gone.or(living) }?;
        let filter = match self.below(3) {
            0 => format!("(objectGUID=#octets:{id};)"),
            1 => format!("(msDS-ExternalDirectoryObjectId={})", id.to_uppercase()),
            _ => format!("(&(objectClass=group)(msDS-ExternalDirectoryObjectId={id}))"),
        };
        let (base, scope) = match self.below(3) {
            0 => (self.places.base.clone(), Scope::Subtree),
            1 => (format!("CN=Deleted Objects,{}", self.places.base), Scope::OneLevel),
            _ => (format!("#guid:{id};"), Scope::Base),
        };
        Some(Step::Look(Look { base, scope, filter, shown: case != Case::FindHidden }))
    }
}

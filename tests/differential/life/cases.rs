//! What may happen to a group beyond its names and texts, from a seed: types, members of every
//! kind, primary groups, addresses of mail, deletion and the way back. Each case is drawn again
//! and again, as far as the state of the directories allows it.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the cases of a topic have a function of their own, which no other case comes to"
)]

#[path = "cases/deleted.rs"]
mod deleted;
#[path = "cases/draft.rs"]
mod draft;
#[path = "cases/groups.rs"]
mod groups;
#[path = "cases/mail.rs"]
mod mail;
#[path = "cases/members.rs"]
mod members;

use std::collections::BTreeSet;

use fastrand::Rng;

use self::draft::Draft;
use crate::lab::child;
use crate::operation::Operation;
use crate::side::{Look, Places, State, Who};

/// Without and with the security bit: global, domain local, universal (MS-ADTS 2.2.12).
const TYPES: [i32; 6] = [2, 4, 8, -2_147_483_646, -2_147_483_644, -2_147_483_640];

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

//! Where the simulated domain and Samba are known to differ, and why.

use crate::draw::fault::Fault;
use crate::draw::{Drawn, Kind};
use crate::life::Answers;
use crate::life::cases::Case;

/// One known difference in result codes.
pub(crate) struct Known {
    /// In which operations.
    pub(crate) kind: Kind,
    /// With which fault.
    pub(crate) fault: Fault,
    /// What the simulated domain answers, as Windows does.
    pub(crate) simulated: u32,
    /// What Samba answers.
    pub(crate) samba: u32,
    /// Why.
    pub(crate) reason: &'static str,
}

impl Known {
    pub(crate) fn explains(&self, drawn: &Drawn, simulated: u32, samba: u32) -> bool {
        (self.simulated, self.samba) == (simulated, samba)
            && Some(self.fault) == drawn.fault
            && self.kind == drawn.kind
    }
}

const fn known(
    kind: Kind,
    fault: Fault,
    simulated: u32,
    samba: u32,
    reason: &'static str,
) -> Known {
    Known { kind, fault, simulated, samba, reason }
}

/// The list, seen with Samba 4.17. The product classifies both codes of a row alike, or never sends
/// such a request. An entry that no operation meets any more fails the test.
pub(crate) const KNOWN: &[Known] = &[
    known(
        Kind::Modify,
        Fault::TextLong,
        19,
        21,
        "Samba answers 21 where a value breaks a range of the schema (objectclass_attrs)",
    ),
    known(Kind::Modify, Fault::AccountNameLong, 19, 21, "the same"),
    known(Kind::Add, Fault::TextLong, 19, 21, "the same"),
    known(Kind::Add, Fault::AccountNameLong, 19, 21, "the same"),
    known(Kind::Add, Fault::NameLong, 19, 0, "Samba holds no relative name to the range of cn"),
    known(Kind::Rename, Fault::NameLong, 19, 0, "the same"),
    known(
        Kind::Add,
        Fault::TypeNonsense,
        21,
        53,
        "Samba reads a groupType that is no number as 0, which is no type",
    ),
    known(Kind::Modify, Fault::TypeNonsense, 21, 53, "the same"),
    known(
        Kind::Add,
        Fault::TwoDescriptions,
        20,
        0,
        "Samba makes description single-valued in a modify only (samldb)",
    ),
    known(
        Kind::Modify,
        Fault::TwoValues,
        19,
        20,
        "Samba sees two values of a single-valued attribute as a double value",
    ),
    known(Kind::Modify, Fault::SecondValue, 19, 20, "the same"),
    known(
        Kind::Modify,
        Fault::NeededRemoved,
        65,
        53,
        "Samba has a list of protected attributes and refuses with 53",
    ),
    known(
        Kind::Modify,
        Fault::AttributeOfSystem,
        19,
        50,
        "Samba asks for the right to an attribute before it asks who may write it at all",
    ),
    known(Kind::Modify, Fault::AttributeBackLink, 53, 50, "the same"),
    known(
        Kind::Add,
        Fault::AttributeOfSystem,
        53,
        0,
        "Samba takes whenCreated in an add and puts its own value there",
    ),
    known(
        Kind::Add,
        Fault::ClassUnknown,
        65,
        16,
        "Samba looks a class up as it looks up an attribute",
    ),
    known(
        Kind::Member,
        Fault::MemberAbsent,
        53,
        16,
        "Samba: 16 where the group has no member at all, 53 where it has others",
    ),
    known(Kind::Member, Fault::AbsentUnknown, 53, 16, "the same"),
    known(
        Kind::Member,
        Fault::AbsentUnknownGuid,
        53,
        21,
        "Samba takes a GUID that leads nowhere for a malformed value",
    ),
    known(
        Kind::Rename,
        Fault::OtherNaming,
        64,
        53,
        "Samba refuses another naming attribute with 53 (objectclass)",
    ),
    known(
        Kind::Rename,
        Fault::NewNameNone,
        34,
        80,
        "Samba answers 80 where a new relative name cannot be read",
    ),
    known(
        Kind::Rename,
        Fault::NoName,
        34,
        32,
        "Samba looks for the parent of a name that is none and does not find it",
    ),
    known(
        Kind::Rename,
        Fault::ParentIsGroup,
        53,
        64,
        "Samba calls every wrong parent a naming violation",
    ),
];

/// A nesting that Windows refuses and Samba accepts: Samba has none of these rules, in no version
/// (facts: MS-ERREF codes 8516 to 8520 are used nowhere in its directory modules).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nesting {
    /// groupType of the group.
    pub(crate) parent: i32,
    /// groupType of its would-be member.
    pub(crate) child: i32,
    /// What Windows answers.
    pub(crate) simulated: u32,
    /// The Win32 code at the start of its message.
    pub(crate) hex: &'static str,
}

const GLOBAL: i32 = -2_147_483_646;
const LOCAL: i32 = -2_147_483_644;
const UNIVERSAL: i32 = crate::operation::UNIVERSAL_SECURITY;

pub(crate) const NESTING: &[Nesting] = &[
    Nesting { parent: UNIVERSAL, child: LOCAL, simulated: 53, hex: "00002146" },
    Nesting { parent: GLOBAL, child: UNIVERSAL, simulated: 53, hex: "00002145" },
    Nesting { parent: GLOBAL, child: LOCAL, simulated: 53, hex: "00002144" },
];

/// One known difference in the life of a group.
pub(crate) struct KnownLife {
    /// In which cases.
    pub(crate) cases: &'static [Case],
    /// What the simulated domain answers, as Windows does.
    pub(crate) simulated: u32,
    /// What Samba answers.
    pub(crate) samba: u32,
    /// Why.
    pub(crate) reason: &'static str,
}

impl KnownLife {
    pub(crate) fn explains(&self, case: Case, answers: &Answers) -> bool {
        self.cases.contains(&case)
            && (self.simulated, self.samba) == (answers.simulated, answers.samba)
    }
}

const fn life(
    cases: &'static [Case],
    simulated: u32,
    samba: u32,
    reason: &'static str,
) -> KnownLife {
    KnownLife { cases, simulated, samba, reason }
}

/// The same for the life of a group. What is not drawn at all: a member that one request names
/// twice. Windows refuses it (68); Samba makes two back links and never takes the second one away.
pub(crate) const LIFE: &[KnownLife] = &[
    life(&[Case::AddMemberOfScope, Case::ConvertNested], 53, 0, "Samba has no rules of nesting"),
    life(
        &[Case::AddAddressTwice, Case::MailThere, Case::MailTwice, Case::MailReplaceTwice],
        20,
        0,
        "Samba compares values that are added octet by octet, and only deleted ones by their rule",
    ),
    life(
        &[Case::MailLong, Case::NicknameLong],
        19,
        21,
        "Samba answers 21 where a value breaks a range of the schema (objectclass_attrs)",
    ),
    life(
        &[Case::NicknameTwo],
        19,
        20,
        "Samba sees two values of a single-valued attribute as a double value",
    ),
    life(
        &[Case::ConvertPrimary, Case::PrimaryDistribution, Case::PrimaryLocal],
        53,
        0,
        "Samba does not ask for the type of a primary group (samldb)",
    ),
    life(
        &[Case::ChangeGone],
        53,
        0,
        "Samba lets a deleted object be changed without being restored",
    ),
    life(
        &[Case::UndeleteAgain, Case::UndeleteStranger],
        32,
        1,
        "Samba answers 1 where it finds no deleted object (tombstone_reanimate)",
    ),
    life(&[Case::UndeleteNoParent], 80, 1, "the same where it finds no new parent"),
    life(&[Case::UndeleteNoName], 34, 1, "the same where the new name is none"),
    life(
        &[Case::UndeleteAccountNameLost],
        68,
        0,
        "Samba looks at the account name only where the request gives one: two groups then share it",
    ),
    life(
        &[Case::UndeleteNameless],
        53,
        50,
        "Samba takes isDeleted alone for a change of that attribute and asks for the right to it",
    ),
    life(
        &[Case::UndeleteHidden],
        32,
        0,
        "Samba looks for the deleted object itself, whatever the controls",
    ),
    life(&[Case::UndeleteBelowGroup], 64, 0, "Samba restores without asking for the classes above"),
    life(
        &[Case::DeleteGone],
        32,
        53,
        "Samba finds the deleted object without the control and refuses to delete it again",
    ),
    life(
        &[Case::FindHidden],
        32,
        0,
        "Samba lets a search start at CN=Deleted Objects without the control, and finds nothing",
    ),
];

/// What is said of an attribute in another way: name, and which statement.
pub(crate) const SCHEMA: &[(&str, &str)] = &[];

/// Attributes that the simulated domain has alone: those that came after Samba's schema, and those
/// of Exchange but for the one by which its schema is known.
pub(crate) const UNKNOWN_TO_SAMBA: &[&str] = &["msDS-DeviceTrustType", "msDS-ObjectSoa"];

/// Attributes that an object's list of them names on one side alone: the list, and which.
pub(crate) const LISTED: &[(&str, &[&str])] = &[
    // Class top got both after Samba's schema.
    ("allowedAttributes", &["msDS-CloudAnchor", "msDS-ObjectSoa"]),
    // systemOnly, and yet to be written by who renames (MS-ADTS 3.1.1.4.5.7 does not except it).
    ("allowedAttributesEffective", &["name"]),
];

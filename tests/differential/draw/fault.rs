//! What can be wrong with an operation, by its kind, and the values that are wrong.

use super::Pool;

/// What is wrong with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The object is not there.
    NoObject,
    /// The DN is none.
    NoName,
    /// The parent is not there.
    NoParent,
    /// The object stands where nothing is delegated.
    NotDelegated,
    /// The attribute is not delegated.
    AttributeNotDelegated,
    /// An add of a user.
    ClassNotDelegated,
    /// The DN is taken.
    NameTaken,
    /// The pre-Windows 2000 name is taken.
    AccountNameTaken,
    /// It has a character that is not allowed.
    AccountNameWrong,
    /// It has 257 characters.
    AccountNameLong,
    /// The last value of an attribute that the class needs is removed.
    NeededRemoved,
    /// A common name of 65 characters.
    NameLong,
    /// Longer than the schema allows.
    TextLong,
    /// A value without a character.
    TextEmpty,
    /// groupType is no number.
    TypeNonsense,
    /// groupType has several scopes.
    TypeSeveral,
    /// groupType has no scope.
    TypeNone,
    /// groupType is that of builtin groups.
    TypeBuiltin,
    /// Two values of a single-valued attribute.
    TwoValues,
    /// Two values of `description`, which the schema would allow.
    TwoDescriptions,
    /// A value is added to a single-valued attribute that has another.
    SecondValue,
    /// A value is added that is there.
    ValueThere,
    /// A value is deleted that is not there.
    ValueAbsent,
    /// An attribute is deleted that is not there.
    AttributeAbsent,
    /// The schema has no such attribute.
    AttributeUnknown,
    /// The attribute is not one of the class.
    AttributeOfOthers,
    /// The directory alone writes the attribute.
    AttributeOfSystem,
    /// The naming attribute.
    AttributeNaming,
    /// A back link.
    AttributeBackLink,
    /// The schema has no such class.
    ClassUnknown,
    /// A member is added that is one.
    MemberThere,
    /// A member is removed that is none.
    MemberAbsent,
    /// A member is added that does not exist.
    MemberUnknown,
    /// The same by GUID.
    MemberUnknownGuid,
    /// A member is removed that does not exist.
    AbsentUnknown,
    /// The same by GUID.
    AbsentUnknownGuid,
    /// A member's DN is none.
    MemberNoName,
    /// The old relative name is to be kept.
    KeepOld,
    /// The new relative name is of another attribute.
    OtherNaming,
    /// The new relative name is none.
    NewNameNone,
    /// The new parent is a group.
    ParentIsGroup,
}

impl Fault {
    /// Faults of adds, of modifies, of member changes, of renames and moves, of deletes.
    pub(super) const OF: [&'static [Self]; 5] = [
        &[
            Self::NoName,
            Self::NoParent,
            Self::ParentIsGroup,
            Self::NotDelegated,
            Self::ClassNotDelegated,
            Self::NameTaken,
            Self::AccountNameTaken,
            Self::AccountNameWrong,
            Self::AccountNameLong,
            Self::NameLong,
            Self::TextLong,
            Self::TextEmpty,
            Self::TypeNonsense,
            Self::TypeSeveral,
            Self::TypeNone,
            Self::TypeBuiltin,
            Self::TwoValues,
            Self::TwoDescriptions,
            Self::AttributeUnknown,
            Self::AttributeOfOthers,
            Self::AttributeOfSystem,
            Self::ClassUnknown,
            Self::MemberUnknown,
            Self::MemberUnknownGuid,
            Self::MemberNoName,
        ],
        &[
            Self::NoObject,
            Self::NoName,
            Self::NotDelegated,
            Self::AttributeNotDelegated,
            Self::AccountNameTaken,
            Self::AccountNameWrong,
            Self::AccountNameLong,
            Self::NeededRemoved,
            Self::TextLong,
            Self::TextEmpty,
            Self::TypeNonsense,
            Self::TypeSeveral,
            Self::TypeNone,
            Self::TypeBuiltin,
            Self::TwoValues,
            Self::TwoDescriptions,
            Self::SecondValue,
            Self::ValueThere,
            Self::ValueAbsent,
            Self::AttributeAbsent,
            Self::AttributeUnknown,
            Self::AttributeOfOthers,
            Self::AttributeOfSystem,
            Self::AttributeNaming,
            Self::AttributeBackLink,
        ],
        &[
            Self::NoObject,
            Self::NotDelegated,
            Self::MemberThere,
            Self::MemberAbsent,
            Self::MemberUnknown,
            Self::MemberUnknownGuid,
            Self::AbsentUnknown,
            Self::AbsentUnknownGuid,
            Self::MemberNoName,
        ],
        &[
            Self::NoObject,
            Self::NoName,
            Self::NoParent,
            Self::NotDelegated,
            Self::NameTaken,
            Self::NameLong,
            Self::KeepOld,
            Self::OtherNaming,
            Self::NewNameNone,
            Self::ParentIsGroup,
        ],
        &[Self::NoObject, Self::NoName, Self::NotDelegated],
    ];
}

/// The groupType of a fault that is about one.
pub(super) fn bad_type(fault: Fault) -> Option<&'static str> {
    let types = [
        (Fault::TypeNonsense, "nonsense"),
        (Fault::TypeSeveral, "10"),
        (Fault::TypeNone, "0"),
        (Fault::TypeBuiltin, "-2147483643"),
    ];
    types.into_iter().find(|(one, _)| *one == fault).map(|(_, value)| value)
}

/// The member of a fault that is about one.
pub(super) fn bad_member(pool: &Pool, fault: Fault) -> Option<String> {
    let nobody = format!("CN=nobody,OU=People,{}", pool.base);
    let nothing = "<GUID=01234567-89ab-cdef-0123-456789abcdef>";
    let members = [
        (Fault::MemberUnknown, nobody.as_str()),
        (Fault::AbsentUnknown, nobody.as_str()),
        (Fault::MemberUnknownGuid, nothing),
        (Fault::AbsentUnknownGuid, nothing),
        (Fault::MemberNoName, "no name at all"),
    ];
    members.into_iter().find(|(one, _)| *one == fault).map(|(_, value)| value.to_owned())
}

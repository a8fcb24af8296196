//! What each code means, and the sentence for it.
//!
//! Input: the operation, and the result code or the Win32 code that opens the message. Output: what
//! can be done about it, for `outcome`; a code that stands in no table has no sentence.

use super::Reaction;
use crate::defence::stands;

#[derive(Clone, Copy)]
pub(super) enum Meaning {
    Busy,
    Refused(Reaction),
}

type Reading = (Meaning, Option<&'static str>);

const BUSY: Meaning = Meaning::Busy;
const HALVE: Meaning = Meaning::Refused(Reaction::Halve);
const REREAD: Meaning = Meaning::Refused(Reaction::Reread);
const RULE: Meaning = Meaning::Refused(Reaction::Rule);
pub(super) const FINAL: Meaning = Meaning::Refused(Reaction::Final);

pub(super) fn by_extended(operation: &str, code: u32) -> Option<Reading> {
    let members = matches!(operation, "add_members" | "remove_members");
    if let Some(sentence) = group_rule(code) {
        return Some((RULE, Some(sentence)));
    }
    if let Some(reading) = restored_by_extended(code).filter(|_| operation == "restore") {
        return Some(reading);
    }
    let (meaning, sentence) = match code {
        0x524 | 0x526 | 0x563 => {
            (REREAD, "the sAMAccountName is taken by another object of the domain")
        }
        0x523 => (RULE, "the directory refuses this sAMAccountName: it has a character it cannot"),
        0x2071 if !members => (REREAD, taken(operation)),
        0x528 if operation == "delete" => (FINAL, PRIMARY_GROUP),
        0x528 | 0x562 => (REREAD, "it is a member already, or this is its primary group"),
        0x529 | 0x561 => (REREAD, "it is no member"),
        0x56B => (REREAD, "the member is not in the directory"),
        0x21B1 => (HALVE, "the change is too large for the directory's audit queue"),
        0x217D => (HALVE, "the directory is out of version store"),
        0x2022..=0x2024 => (HALVE, "the change passes a limit of the directory"),
        0x200E => (BUSY, "the domain controller is busy"),
        0x200F => (BUSY, "the domain controller is unavailable"),
        0x2010 | 0x2011 => (BUSY, "the domain controller has no RIDs to give; see its RID master"),
        0x57 if operation == "search" => (FINAL, "the range starts behind the last value"),
        0x4DC => (BUSY, "the domain controller has forgotten the bind"),
        0x2098 => (FINAL, no_right(operation)),
        0x202B if stands("H41") => {
            (FINAL, "the domain controller is read-only: name a writable one")
        }
        0x2077 => (FINAL, "the directory lets nobody make this change"),
        0x2081 => (RULE, "the attribute takes one value only"),
        0x2082 => (RULE, TOO_LONG),
        0x206F => (RULE, "the schema does not know the attribute"),
        0x2070 => (RULE, "the object would become larger than the directory takes"),
        0x2089 => (FINAL, "the container is not in the directory"),
        0x208F => (FINAL, "the directory does not take the name"),
        0x2015 => (FINAL, "the object has children"),
        _ => return None,
    };
    Some((meaning, Some(sentence)))
}

/// What groups cannot be or have (codes 8513 to 8521 and 8578), in Microsoft's words where they
/// say what is meant, and what to do.
fn group_rule(code: u32) -> Option<&'static str> {
    Some(match code {
        0x2141 => "these bits make no group type",
        0x2142 | 0x2143 => "a domain in mixed mode cannot nest these groups",
        0x2144 => "a global group cannot have a local group as a member",
        0x2145 => "a global group cannot have a universal group as a member; convert it first",
        0x2146 => {
            "a universal group cannot have a local group as a member; remove it in the cloud or \
             change its scope"
        }
        0x2147 => "a global group cannot have a member of another domain",
        0x2148 => "a domain local group cannot have a domain local group of another domain",
        0x2149 => {
            "a group with primary members cannot change to a security-disabled group; give the \
             accounts that have it as their primary group another one"
        }
        0x2182 => "an account group cannot have a universal group as a member",
        _ => return None,
    })
}

/// Codes that say something else of a restoration than of another write.
fn restored_by_extended(code: u32) -> Option<Reading> {
    let (meaning, sentence) = match code {
        // Samba says 00002071 for account names as well.
        0x2071 => (
            REREAD,
            "the name is taken in its container, or its sAMAccountName by another object of the \
             domain; rename that one",
        ),
        // ERROR_DS_ILLEGAL_MOD_OPERATION: no such thing as an undelete of this object.
        0x2077 => (REREAD, NOT_RESTORABLE),
        0x208D => (REREAD, NOT_DELETED),
        _ => return None,
    };
    Some((meaning, Some(sentence)))
}

/// Result codes that say something else of a restoration than of another write. 1 is what Windows
/// and Samba answer when the object cannot be put into its place; nothing was done then.
fn restored_by_code(code: u32) -> Option<Reading> {
    let (meaning, sentence) = match code {
        1 | 53 => (REREAD, NOT_RESTORABLE),
        16 => {
            let sentence = "an old value is not there any more; or this is Samba with its Recycle \
                            Bin on, which restores nothing";
            (REREAD, sentence)
        }
        32 => (REREAD, NOT_DELETED),
        68 => return restored_by_extended(0x2071),
        _ => return None,
    };
    Some((meaning, Some(sentence)))
}

const NOT_RESTORABLE: &str = "the object cannot be restored to this place: it was recycled or \
                              restored meanwhile, or the container is not in the directory";
const NOT_DELETED: &str = "the object is not to be found among the deleted ones: it was recycled, \
                           or the bind account may not list CN=Deleted Objects (deploy/directory)";
const PRIMARY_GROUP: &str = "it is the primary group of an account; give that account another one";
const TOO_LONG: &str = "the value is longer or shorter than the attribute takes; change it in the \
                        cloud or in the policy";

pub(super) fn by_code(operation: &str, code: u32, extended: Option<u32>) -> Reading {
    let members = matches!(operation, "add_members" | "remove_members");
    if let Some(reading) = restored_by_code(code).filter(|_| operation == "restore") {
        return reading;
    }
    let (meaning, sentence) = match code {
        51 => (BUSY, "the domain controller is busy"),
        52 => (BUSY, "the domain controller is unavailable"),
        1 | 80 | 54 => return (BUSY, None),
        3 | 4 | 11 => (HALVE, "the request passes a limit of the directory"),
        // 00000057, ERROR_INVALID_PARAMETER: the schema has no such attribute.
        16 if extended == Some(0x57) => (RULE, "the schema does not know the attribute"),
        16 => (REREAD, "the old value is not there any more, or the schema lacks the attribute"),
        20 => (REREAD, "the value is there already"),
        32 if operation == "add_members" => (REREAD, "the member is not in the directory"),
        32 if operation == "add" => (REREAD, "the container is not in the directory"),
        32 => (REREAD, "the object is not in the directory"),
        68 if members => (REREAD, "it is a member already, or this is its primary group"),
        68 if operation == "delete" => (FINAL, PRIMARY_GROUP),
        68 => (REREAD, taken(operation)),
        53 if operation == "remove_members" => (REREAD, "it is no member"),
        53 => return (REREAD, None),
        50 => (FINAL, no_right(operation)),
        10 if stands("H41") => (FINAL, "the domain controller is read-only: name a writable one"),
        8 | 13 => (FINAL, "the domain controller asks for TLS or signing"),
        19 => {
            let sentence = "the value breaks a constraint of the attribute, such as its longest \
                            length; change it in the cloud or in the policy";
            (RULE, sentence)
        }
        17 => (RULE, "the schema does not know the attribute"),
        // Samba, for a member that was deleted: its value went with it.
        21 if operation == "remove_members" => (REREAD, "the member is not in the directory"),
        21 => (RULE, "the value does not fit the attribute"),
        65 => (RULE, "a group cannot carry the attribute, or lacks one it needs"),
        34 | 64 => (FINAL, "the directory does not take the name"),
        66 => (FINAL, "the object has children"),
        _ => return (FINAL, None),
    };
    (meaning, Some(sentence))
}

/// What is taken. Samba says 00002071 for account names as well; after an add the common name was
/// looked at, so what is left is the account name, or an object that this account may not see.
fn taken(operation: &str) -> &'static str {
    match operation {
        "add" => {
            "the sAMAccountName is taken by another object of the domain, or the name in the \
             container by one that cannot be seen"
        }
        "modify" => "the sAMAccountName is taken by another object of the domain",
        _ => "the name is taken in this container",
    }
}

/// Which right is missing (MS-ADTS 3.1.1.5; the delegation of `deploy/directory`).
fn no_right(operation: &str) -> &'static str {
    match operation {
        "add" => {
            "the bind account may not create groups here: delegate create child for class group \
             on the container (deploy/directory)"
        }
        "delete" => {
            "the bind account may not delete this group: delegate delete child for class group on \
             the container (deploy/directory), or take off the protection from deletion"
        }
        "restore" => {
            "the bind account may not restore this group: grant it Reanimate Tombstones on the \
             domain, and on the container create child for class group and write on name and cn \
             (deploy/directory)"
        }
        "modify_dn" => {
            "the bind account may not rename or move this group: delegate write on name and cn, \
             create child and delete child for class group (deploy/directory)"
        }
        "add_members" | "remove_members" => {
            "the bind account may not write member of this group: delegate write on member on the \
             container (deploy/directory), unless adminCount=1 protects the group"
        }
        "modify" => {
            "the bind account may not write these attributes: delegate them on the container \
             (deploy/directory), unless adminCount=1 protects the group"
        }
        _ => "the bind account may not read this",
    }
}

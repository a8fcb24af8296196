//! What an LDAP result means for the operation it answers, and a sentence for people.
//!
//! Input: result code and diagnostic message. Output: `Verdict`, for `client` and `apply`. The
//! hexadecimal Win32 code that opens a message of Active Directory is read first, the result code
//! second: one result code carries several meanings there (MS-ERREF 2.2, MS-ADTS 3.1.1.1.9).

use crate::defence::stands;

/// What the operation's owner can do about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Too much at once: send less.
    Halve,
    /// Something is not as it was thought to be: read, then decide.
    Reread,
    /// A rule forbids this value: find the value, set it aside.
    Rule,
    /// The whole operation is refused and would be again.
    Final,
}

/// The directory's no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The LDAP result code (RFC 4511 appendix A).
    pub code: u32,
    /// The Win32 code that opens the message, where there is one.
    pub extended: Option<u32>,
    /// What to do about it.
    pub reaction: Reaction,
    /// A plain sentence, with both codes.
    pub message: String,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Result code 0.
    Done,
    /// Not done; later may be better.
    Busy(String),
    /// Not done.
    Refused(Refusal),
}

/// Characters of a diagnostic message that are shown: one line of a log.
const DIAGNOSTIC_CHARACTERS_MAX: usize = 200;

/// What an answer to `operation` (a word of `Operation::WORDS`, or `search`) means.
pub fn classify(operation: &str, code: u32, diagnostic: &str) -> Verdict {
    if code == 0 {
        return Verdict::Done;
    }
    let extended = leading_code(diagnostic);
    let named = tells_enforcement(diagnostic).then_some((FINAL, Some(ENFORCED)));
    let (meaning, sentence) = named
        .or_else(|| by_extended(operation, extended?))
        .unwrap_or_else(|| by_code(operation, code, extended));
    let codes = match extended {
        Some(extended) => format!("result {code}, {extended:08X}"),
        None => format!("result {code}"),
    };
    let codes = match attribute_named(diagnostic).filter(|_| sentence.is_some()) {
        Some(name) => format!("attribute {name}, {codes}"),
        None => codes,
    };
    // A sentence of our own needs no quotation; what we cannot explain is shown as it came.
    let message = match sentence {
        Some(sentence) => format!("{sentence} ({codes})"),
        None => format!("the directory answers: {} ({codes})", shown(diagnostic)),
    };
    match meaning {
        Meaning::Busy => Verdict::Busy(message),
        Meaning::Refused(reaction) => {
            Verdict::Refused(Refusal { code, extended, reaction, message })
        }
    }
}

/// Whether a refusal may come from AD object enforcement, which lets only the accounts on a list
/// change, move or restore objects that carry msDS-ObjectSoa. Microsoft does not say which code it
/// answers with, only that it is not that of access denied: whatever has no explanation of its own
/// may be it, and the object has to be looked at.
pub(super) fn may_be_enforced(operation: &str, refusal: &Refusal) -> bool {
    // 0000202F and 00002035 are constraint violation and unwilling to perform, without a reason.
    const UNEXPLAINED: [u32; 4] = [0x2098, 0x2077, 0x202F, 0x2035];
    let change = !matches!(operation, "add" | "delete" | "search" | "bind");
    let explained = |code: u32| !UNEXPLAINED.contains(&code) && by_extended("", code).is_some();
    let by_code = matches!(refusal.code, 3 | 4 | 10 | 11 | 16 | 17 | 20 | 21 | 32 | 34 | 64..=68);
    change && !by_code && !refusal.extended.is_some_and(explained)
}

/// The refusal of a change to an object that carries msDS-ObjectSoa.
pub(super) fn enforced(refusal: &Refusal) -> Refusal {
    let message = format!("{ENFORCED}; the answer was: {}", refusal.message);
    Refusal { reaction: Reaction::Final, message, ..*refusal }
}

/// Whether the directory names the policy itself.
fn tells_enforcement(diagnostic: &str) -> bool {
    let text = diagnostic.to_ascii_lowercase();
    ["objectsoa", "soa-policies", "soapolicy"].iter().any(|word| text.contains(word))
}

/// What enforcement means, and what to do (learn.microsoft.com/entra cloud-sync, "Active Directory
/// object enforcement").
const ENFORCED: &str = "the object carries msDS-ObjectSoa, and the domain controller lets only \
                        listed accounts change such objects (AD object enforcement): add the \
                        SID of the bind account to msDS-Settings of CN=Cloud,CN=SOA-Policies,\
                        CN=System, or take msDS-ObjectSoa off";

#[derive(Clone, Copy)]
enum Meaning {
    Busy,
    Refused(Reaction),
}

type Reading = (Meaning, Option<&'static str>);

const BUSY: Meaning = Meaning::Busy;
const HALVE: Meaning = Meaning::Refused(Reaction::Halve);
const REREAD: Meaning = Meaning::Refused(Reaction::Reread);
const RULE: Meaning = Meaning::Refused(Reaction::Rule);
const FINAL: Meaning = Meaning::Refused(Reaction::Final);

/// The eight hexadecimal digits before the first colon.
fn leading_code(diagnostic: &str) -> Option<u32> {
    let digits = diagnostic.get(..8)?;
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (hex && diagnostic.get(8..9) == Some(":")).then(|| u32::from_str_radix(digits, 16).ok())?
}

/// The attribute that a diagnostic message names: `Att 9005c (mail)` on Windows,
/// `attribute 'mail'` on Samba.
fn attribute_named(diagnostic: &str) -> Option<&str> {
    let between = |start: &str, open: char, close: char| {
        let (_, rest) = diagnostic.split_once(start)?;
        let (name, _) = rest.split_once(open)?.1.split_once(close)?;
        let keystring = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (keystring && !name.is_empty()).then_some(name)
    };
    between("Att ", '(', ')').or_else(|| between("ttribute ", '\'', '\''))
}

fn by_extended(operation: &str, code: u32) -> Option<Reading> {
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

fn by_code(operation: &str, code: u32, extended: Option<u32>) -> Reading {
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

/// A diagnostic message fit for a log: one line, no control characters, not long.
pub(super) fn shown(diagnostic: &str) -> String {
    let spaced = diagnostic.chars().map(|c| if c.is_control() { ' ' } else { c });
    let text: String = spaced.take(DIAGNOSTIC_CHARACTERS_MAX).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { "nothing".to_owned() } else { text }
}

/// Why a bind was refused with 49, by the code behind `data` (AcceptSecurityContext; the numbers
/// are Win32 codes of MS-ERREF 2.2), and what to mend.
pub(super) fn bind_refusal(diagnostic: &str) -> &'static str {
    let data = diagnostic.split("data ").nth(1).unwrap_or_default();
    let data = data.split([',', ' ', '\0']).next().unwrap_or_default();
    match data.to_ascii_lowercase().as_str() {
        "525" => "there is no such account; mend directory.bind.simple.name",
        "52e" => {
            "the name or the password is wrong; mend directory.bind.simple.name or the password \
             file"
        }
        "530" => "the account may not log on at this hour; mend its logon hours",
        "531" => "the account may not log on from here; mend its list of workstations",
        "532" => "the password has expired; set a new one, in the domain and in the password file",
        "533" => "the account is disabled; enable it in the domain",
        "701" => "the account has expired; mend its expiry date in the domain",
        "773" => "the password must be changed first; set one that is not to be changed at logon",
        "775" => "the account is locked out; unlock it in the domain, then mend the password file",
        "80090346" => "the domain controller requires channel binding, which a simple bind lacks",
        _ => {
            "the name or the password is wrong, or the account may not log on; see \
             directory.bind.simple"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reaction(operation: &str, code: u32, text: &str) -> Option<Reaction> {
        match classify(operation, code, text) {
            Verdict::Refused(refusal) => Some(refusal.reaction),
            Verdict::Done | Verdict::Busy(_) => None,
        }
    }

    #[test]
    fn the_leading_code_decides_before_the_result_code() {
        let case = |operation, code, text| reaction(operation, code, text);
        let nesting =
            "00002146: SvcErr: DSID-031A1254, problem 5003 (WILL_NOT_PERFORM), data 0\n\0";
        assert_eq!(case("add_members", 53, nesting), Some(Reaction::Rule));
        assert_eq!(case("add_members", 53, "00002035: x"), Some(Reaction::Reread));
        assert_eq!(case("add_members", 1, "000021B1: x"), Some(Reaction::Halve));
        assert_eq!(case("add_members", 68, "00000562: x"), Some(Reaction::Reread));
        assert_eq!(case("modify", 53, "00002149: x"), Some(Reaction::Rule));
        assert_eq!(case("modify", 16, "00000057: x"), Some(Reaction::Rule));
        assert_eq!(case("modify", 16, "0000200A: x"), Some(Reaction::Reread));
        assert_eq!(case("add", 50, "00002098: x"), Some(Reaction::Final));
        assert_eq!(case("add", 10, "0000202B: x"), Some(Reaction::Final));
    }

    #[test]
    fn two_meanings_of_68_read_differently() {
        let text = |hex: &str| match classify("add", 68, &format!("{hex}: UpdErr")) {
            Verdict::Refused(refusal) => refusal.message,
            Verdict::Done | Verdict::Busy(_) => panic!("68 is a refusal"),
        };
        assert!(text("00000526").contains("sAMAccountName"));
        assert!(text("00002071").contains("container"));
        assert!(!text("00000526").contains("container"));
    }

    fn message(operation: &str, code: u32, text: &str) -> String {
        match classify(operation, code, text) {
            Verdict::Refused(refusal) => refusal.message,
            Verdict::Done | Verdict::Busy(_) => panic!("{operation} {code} {text} is a refusal"),
        }
    }

    #[test]
    fn rules_of_groups_are_told_in_microsofts_words_with_the_remedy() {
        let nested = message("add_members", 53, "00002146: SvcErr: DSID-031A1254, problem 5003");
        assert_eq!(
            nested,
            "a universal group cannot have a local group as a member; remove it in the cloud or \
             change its scope (result 53, 00002146)"
        );
        let weakened = message("modify", 53, "00002149: SvcErr");
        assert!(weakened.contains("cannot change to a security-disabled group"), "{weakened}");
        assert!(weakened.contains("primary group"), "{weakened}");
        for text in ["00000528: UpdErr", "Already exists"] {
            let deleted = message("delete", 68, text);
            assert!(deleted.contains("primary group of an account"), "{deleted}");
            assert_eq!(reaction("delete", 68, text), Some(Reaction::Final));
        }
    }

    #[test]
    fn a_refused_value_names_its_attribute() {
        let windows = "00002082: AtrErr: DSID-03151904, #1:\n\t0: 00002082: DSID-03151904, problem \
                       1005 (CONSTRAINT_ATT_TYPE), data 0, Att 9005c (mail):len 1026\n\0";
        let told = message("modify", 19, windows);
        assert!(told.ends_with("(attribute mail, result 19, 00002082)"), "{told}");
        let samba = "0000202F: attribute 'proxyAddresses' on entry 'CN=a' is too long";
        let told = message("modify", 19, samba);
        assert!(told.ends_with("(attribute proxyAddresses, result 19, 0000202F)"), "{told}");
        assert!(message("modify", 19, "Att 1 (a b)").ends_with("(result 19)"));
    }

    #[test]
    fn a_refused_restoration_says_what_is_missing() {
        let case = |code, text, wanted: &str, reacted| {
            let told = message("restore", code, text);
            assert!(told.contains(wanted), "{told}");
            assert_eq!(reaction("restore", code, text), Some(reacted), "{told}");
        };
        case(50, "00002098: SecErr", "Reanimate Tombstones", Reaction::Final);
        case(50, "acl:access_denied renaming", "Reanimate Tombstones", Reaction::Final);
        case(32, "", "CN=Deleted Objects", Reaction::Reread);
        case(68, "00002071: UpdErr", "taken in its container", Reaction::Reread);
        case(68, "Entry CN=a already exists", "taken in its container", Reaction::Reread);
        case(68, "00000526: UpdErr", "sAMAccountName is taken", Reaction::Reread);
        case(53, "00002077: SvcErr", "recycled", Reaction::Reread);
        case(1, "00002020: operations error", "container", Reaction::Reread);
        case(80, "00002089: UpdErr", "container is not in", Reaction::Final);
        // A busy domain controller is busy here too.
        assert!(matches!(classify("restore", 51, "0000200E: x"), Verdict::Busy(_)));
        assert!(matches!(classify("restore", 1, "000004DC: x"), Verdict::Busy(_)));
    }

    #[test]
    fn trouble_that_passes_is_busy() {
        for (code, text) in [(51, "0000200E: x"), (52, ""), (1, "000004DC: x"), (80, "x"), (1, "")]
        {
            assert!(matches!(classify("modify", code, text), Verdict::Busy(_)), "{code} {text}");
        }
    }

    #[test]
    fn an_unknown_code_is_final_and_shown_as_it_came() {
        let Verdict::Refused(refusal) = classify("modify", 71, "00001234: a\n\u{7}b\0") else {
            panic!("71 is a refusal")
        };
        assert_eq!(refusal.reaction, Reaction::Final);
        assert_eq!(refusal.extended, Some(0x1234));
        assert!(refusal.message.contains("00001234: a b"), "{}", refusal.message);
        assert!(!refusal.message.contains(char::is_control));
    }

    #[test]
    fn a_code_is_eight_digits_and_a_colon() {
        for text in ["", "0000210", "00002144", "00002144 x", "0000214g: x", "ééééé: x"] {
            assert_eq!(leading_code(text), None, "{text}");
        }
        assert_eq!(leading_code("0000214a: x"), Some(0x214a));
    }

    #[test]
    fn bind_refusals_say_what_to_mend() {
        let text = "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data \
                    775, v4563\0";
        assert!(bind_refusal(text).contains("locked"));
        assert!(bind_refusal(&text.replace("775", "52e")).contains("password file"));
        assert!(bind_refusal("").contains("directory.bind.simple"));
    }

    fn refusal(operation: &str, code: u32, text: &str) -> Refusal {
        match classify(operation, code, text) {
            Verdict::Refused(refusal) => refusal,
            Verdict::Done | Verdict::Busy(_) => panic!("{operation} {code} {text} is a refusal"),
        }
    }

    #[test]
    fn only_a_refusal_without_a_reason_may_be_enforcement() {
        let may =
            |operation, code, text| may_be_enforced(operation, &refusal(operation, code, text));
        for operation in ["modify", "add_members", "remove_members", "modify_dn", "restore"] {
            assert!(may(operation, 50, "00002098: SecErr"), "{operation}");
            assert!(may(operation, 53, "00002035: SvcErr"), "{operation}");
            assert!(may(operation, 71, "00001234: x"), "{operation}");
        }
        // It lets everybody add and delete.
        assert!(!may("add", 53, "00002035: SvcErr"));
        assert!(!may("delete", 53, "00002035: SvcErr"));
        assert!(!may("add_members", 53, "00002146: SvcErr"));
        assert!(!may("remove_members", 53, "00000561: SvcErr"));
        assert!(!may("modify", 16, "0000200A: AtrErr"));
        assert!(!may("modify_dn", 68, "00002071: UpdErr"));
    }

    #[test]
    fn enforcement_is_told_with_the_list_to_mend() {
        let told = enforced(&refusal("add_members", 53, "00002035: SvcErr"));
        assert_eq!(told.reaction, Reaction::Final);
        for wanted in ["msDS-ObjectSoa", "CN=SOA-Policies", "msDS-Settings", "result 53"] {
            assert!(told.message.contains(wanted), "{}", told.message);
        }
        let named = refusal("modify", 19, "00002082: blocked by SOA-Policies\n\0");
        assert_eq!(named.reaction, Reaction::Final);
        assert!(named.message.contains("msDS-Settings"), "{}", named.message);
    }
}

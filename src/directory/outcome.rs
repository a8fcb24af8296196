//! What an LDAP result means for the operation it answers, and a sentence for people.
//!
//! Input: result code and diagnostic message. Output: `Verdict`, for `client` and `apply`. The
//! hexadecimal Win32 code that opens a message of Active Directory is read first, the result code
//! second: one result code carries several meanings there (MS-ERREF 2.2, MS-ADTS 3.1.1.1.9).

mod meaning;

use self::meaning::{FINAL, Meaning, by_code, by_extended};

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

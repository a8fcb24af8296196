//! How a Windows domain controller says no: the LDAP result code and the diagnostic message,
//! which opens with a Win32 code of MS-ERREF 2.2 as eight hexadecimal digits.
//!
//! Input: what went wrong. Output: the result of an answer. As on the wire, a message ends in a
//! zero octet, after a line feed where the directory service itself made the text.

use ldap3_proto::LdapResultCode;
use ldap3_proto::proto::LdapResult;

/// The operation is refused; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}", message = .message.trim_end_matches(['\0', '\n']))]
pub struct Refusal {
    code: u32,
    message: String,
    matched: String,
    referral: Option<String>,
}

/// Kinds of text a directory service writes behind the code.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Svc,
    Upd,
    Sec,
}

impl Refusal {
    fn new(code: LdapResultCode, message: String) -> Self {
        let code = u32::try_from(code as i64).expect("result codes are small and positive");
        Self { code, message, matched: String::new(), referral: None }
    }

    fn service(code: LdapResultCode, hex: &str, kind: Kind, problem: &str) -> Self {
        let (kind, dsid) = match kind {
            Kind::Svc => ("SvcErr", "031A1254"),
            Kind::Upd => ("UpdErr", "031A11DA"),
            Kind::Sec => ("SecErr", "03150E49"),
        };
        let text = format!("{hex}: {kind}: DSID-{dsid}, problem {problem}, data 0\n\0");
        Self::new(code, text)
    }

    /// Result code of the answer.
    pub fn code(&self) -> u32 {
        self.code
    }

    /// The diagnostic message as it goes over the wire, with its trailing zero octet.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// 53 with the given Win32 code.
    pub(super) fn unwilling(hex: &str) -> Self {
        let problem = "5003 (WILL_NOT_PERFORM)";
        Self::service(LdapResultCode::UnwillingToPerform, hex, Kind::Svc, problem)
    }

    /// 68 with the given Win32 code.
    pub(super) fn exists(hex: &str) -> Self {
        let problem = "6005 (ENTRY_EXISTS)";
        Self::service(LdapResultCode::EntryAlreadyExists, hex, Kind::Upd, problem)
    }

    /// 50: the account holds no right to this.
    pub(super) fn no_right() -> Self {
        let problem = "4003 (INSUFF_ACCESS_RIGHTS)";
        Self::service(LdapResultCode::InsufficentAccessRights, "00002098", Kind::Sec, problem)
    }

    /// The object is mastered in the cloud and the account is not on the list. Microsoft says that
    /// the error differs from access denied, not which one it is: 53 with
    /// ERROR_DS_UNWILLING_TO_PERFORM stands for it here.
    pub(super) fn enforced() -> Self {
        Self::unwilling("00002035")
    }

    /// 32, with the nearest name above that exists.
    pub(super) fn no_object(matched: &str) -> Self {
        let text = format!(
            "0000208D: NameErr: DSID-03100238, problem 2001 (NO_OBJECT), data 0, \
             best match of:\n\t'{matched}'\n\0"
        );
        let mut refusal = Self::new(LdapResultCode::NoSuchObject, text);
        matched.clone_into(&mut refusal.matched);
        refusal
    }

    /// 34: the text is no name.
    pub(super) fn bad_name() -> Self {
        let text = "0000208F: NameErr: DSID-03100225, problem 2006 (BAD_NAME), data 8350, \
                    best match of:\n\t''\n\0";
        Self::new(LdapResultCode::InvalidDNSyntax, text.to_owned())
    }

    /// 10: another server is the one to ask (0000202B, ERROR_DS_REFERRAL).
    pub(super) fn referral(domain: &str, dn: &str) -> Self {
        let text = format!(
            "0000202B: RefErr: DSID-03100835, data 0, 1 access points\n\tref 1: '{domain}'\n\0"
        );
        let mut refusal = Self::new(LdapResultCode::Referral, text);
        refusal.referral = Some(format!("ldap://{domain}/{dn}"));
        refusal
    }

    /// 16 or 21: the message could not be turned into attributes of the schema.
    pub(super) fn conversion(code: LdapResultCode) -> Self {
        let text = "00000057: LdapErr: DSID-0C090D8A, comment: Error in attribute conversion \
                    operation, data 0, v4563\0";
        Self::new(code, text.to_owned())
    }

    /// An attribute error: `problem` is the number and name the directory gives it.
    fn attribute(code: LdapResultCode, hex: &str, problem: &str, name: &str) -> Self {
        let text = format!(
            "{hex}: AtrErr: DSID-03151E7B, #1:\n\t0: {hex}: DSID-03151E7B, problem {problem}, \
             data 0, Att 0 ({name})\n\0"
        );
        Self::new(code, text)
    }

    /// 19 with the given Win32 code.
    pub(super) fn constraint(hex: &str, name: &str) -> Self {
        let problem = "1005 (CONSTRAINT_ATT_TYPE)";
        Self::attribute(LdapResultCode::ConstraintViolation, hex, problem, name)
    }

    /// 16: the value to delete is not there.
    pub(super) fn no_value(name: &str) -> Self {
        let problem = "1001 (NO_ATTRIBUTE_OR_VAL)";
        Self::attribute(LdapResultCode::NoSuchAttribute, "0000200A", problem, name)
    }

    /// 20: the value to add is there.
    pub(super) fn value_exists(hex: &str, name: &str) -> Self {
        let problem = "1006 (ATT_OR_VALUE_EXISTS)";
        Self::attribute(LdapResultCode::AttributeOrValueExists, hex, problem, name)
    }

    /// 67: the naming attribute changes by modifyDN alone.
    pub(super) fn on_rdn() -> Self {
        let problem = "6004 (CANT_ON_RDN)";
        Self::service(LdapResultCode::NotALlowedOnRDN, "00002016", Kind::Upd, problem)
    }

    /// 65: the class does not allow this, or needs what is missing.
    pub(super) fn class_violation() -> Self {
        let problem = "6002 (OBJ_CLASS_VIOLATION)";
        Self::service(LdapResultCode::ObjectClassViolation, "0000207D", Kind::Upd, problem)
    }

    /// 64: the naming attribute is not the one of the class.
    pub(super) fn naming() -> Self {
        let problem = "6001 (NAMING_VIOLATION)";
        Self::service(LdapResultCode::NamingViolation, "00002099", Kind::Upd, problem)
    }

    /// 66: the object has children.
    pub(super) fn non_leaf() -> Self {
        let problem = "6003 (CANT_ON_NON_LEAF)";
        Self::service(LdapResultCode::NotAllowedOnNonLeaf, "00002015", Kind::Upd, problem)
    }

    /// 80: the new parent does not exist (MS-ADTS 3.1.1.5.4.1.2, ERROR_DS_NO_PARENT_OBJECT).
    pub(super) fn no_parent() -> Self {
        Self::service(LdapResultCode::Other, "00002089", Kind::Upd, "6001 (NAMING_VIOLATION)")
    }

    /// 1: an undelete into another naming context (samba's tombstone_reanimation.py).
    pub(super) fn other_context() -> Self {
        let text = "00002077: SvcErr: DSID-031A1254, problem 5005 (UNABLE_TO_PROCEED), data 0\n\0";
        Self::new(LdapResultCode::OperationsError, text.to_owned())
    }

    /// 1: too much for one transaction (KB of event 2866).
    pub(super) fn too_much() -> Self {
        let text = "000021B1: SvcErr: DSID-0315155D, problem 5005 (UNABLE_TO_PROCEED), data 0\n\0";
        Self::new(LdapResultCode::OperationsError, text.to_owned())
    }

    /// 1: the connection is not bound.
    pub(super) fn not_bound() -> Self {
        let text = "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation \
                    a successful bind must be completed on the connection., data 0, v4563\0";
        Self::new(LdapResultCode::OperationsError, text.to_owned())
    }

    /// 1: a range that starts behind the last value (MS-ADTS 3.1.1.3.1.3.3).
    pub(super) fn range_past_end() -> Self {
        let text = "00000057: LdapErr: DSID-0C090AA5, comment: Error processing range option, \
                    data 0, v4563\0";
        Self::new(LdapResultCode::OperationsError, text.to_owned())
    }

    /// 49 with the sub-code of AcceptSecurityContext: 52e wrong password, 533 disabled.
    pub(super) fn credentials(data: &str) -> Self {
        let text = format!(
            "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, \
             data {data}, v4563\0"
        );
        Self::new(LdapResultCode::InvalidCredentials, text)
    }

    /// 7: no such mechanism here.
    pub(super) fn mechanism() -> Self {
        let text = "00002027: LdapErr: DSID-0C09059B, comment: Invalid Authentication method, \
                    data 0, v4563\0";
        Self::new(LdapResultCode::AuthMethodNotSupported, text.to_owned())
    }

    /// 12: a critical control is unknown, or a cookie is not one of this connection.
    pub(super) fn critical_extension() -> Self {
        let problem = "5010 (UNAVAIL_EXTENSION)";
        let code = LdapResultCode::UnavailableCriticalExtension;
        Self::service(code, "000020EF", Kind::Svc, problem)
    }

    /// 2: the message makes no sense.
    pub(super) fn protocol() -> Self {
        let text = "00000057: LdapErr: DSID-0C0C00A5, comment: Server decoding error, \
                    data 0, v4563\0";
        Self::new(LdapResultCode::ProtocolError, text.to_owned())
    }

    /// 51 (0000200E, ERROR_DS_BUSY).
    pub(super) fn busy() -> Self {
        Self::service(LdapResultCode::Busy, "0000200E", Kind::Svc, "5001 (BUSY)")
    }

    /// 52 (0000200F, ERROR_DS_UNAVAILABLE).
    pub(super) fn unavailable() -> Self {
        Self::service(LdapResultCode::Unavailable, "0000200F", Kind::Svc, "5002 (UNAVAILABLE)")
    }

    /// 11 (00002024, ERROR_DS_ADMIN_LIMIT_EXCEEDED).
    pub(super) fn admin_limit() -> Self {
        let problem = "5008 (ADMIN_LIMIT_EXCEEDED)";
        Self::service(LdapResultCode::AdminLimitExceeded, "00002024", Kind::Svc, problem)
    }

    /// 3 (00002022, ERROR_DS_TIMELIMIT_EXCEEDED).
    pub(super) fn time_limit() -> Self {
        let problem = "5006 (TIME_LIMIT_EXCEEDED)";
        Self::service(LdapResultCode::TimeLimitExceeded, "00002022", Kind::Svc, problem)
    }

    /// 4 (00002023, ERROR_DS_SIZELIMIT_EXCEEDED).
    pub(super) fn size_limit() -> Self {
        let problem = "5007 (SIZE_LIMIT_EXCEEDED)";
        Self::service(LdapResultCode::SizeLimitExceeded, "00002023", Kind::Svc, problem)
    }

    /// The result for the wire.
    pub(super) fn into_result(self) -> LdapResult {
        let code = LdapResultCode::try_from(i64::from(self.code))
            .expect("the number was made from a result code");
        LdapResult {
            code,
            matcheddn: self.matched,
            message: self.message,
            referral: self.referral.into_iter().collect(),
        }
    }
}

/// The result of an operation that went well.
pub(super) fn success() -> LdapResult {
    LdapResult {
        code: LdapResultCode::Success,
        matcheddn: String::new(),
        message: String::new(),
        referral: Vec::new(),
    }
}

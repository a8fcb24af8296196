//! The four writes: add, modify, modifyDN and delete, each whole or not at all.
//!
//! Input: a request and the account behind it. Output: the changed tree, or a refusal with the
//! codes of a Windows domain controller and no change. What the writes share stands here: checks
//! of values and of account names.

mod add;
mod delete;
mod modify;
mod primary;
mod rename;
mod undelete;

pub(super) use add::Identifiers;
pub(super) use modify::Manner;

use ldap3_proto::LdapResultCode;
use uuid::Uuid;

use super::dn::Rdn;
use super::refusal::Refusal;
use super::schema::{Attribute, Class, Syntax};
use super::tree::{Object, Tree};

/// An unbroken run of this many values is the documented ceiling of one modify; more overflow the
/// audit queue or the transaction (AD DS maximum limits; event 2866).
const VALUES_LIMIT: usize = 5000;

/// Values that fit beside each other into one record of a database with 8 kB pages
/// (learn.microsoft.com, AD DS maximum limits: about 1,200).
const UNLINKED_VALUES_LIMIT: usize = 1200;

/// Characters that no account name may hold (MS-SAMR 3.1.1.6; adschema a-samaccountname).
const FORBIDDEN_IN_ACCOUNT_NAMES: &str = "\"/\\[]:;|=,+*?<>";

/// Refuses values that the attribute cannot take.
fn check_values(attribute: &Attribute, class: &Class, values: &[Vec<u8>]) -> Result<(), Refusal> {
    if !attribute.is_carried_by(class) {
        return Err(Refusal::class_violation());
    }
    for value in values {
        check_value(attribute, value)?;
    }
    if attribute.single && values.len() > 1 {
        return Err(Refusal::constraint("00002081", attribute.name));
    }
    if values.len() > UNLINKED_VALUES_LIMIT {
        return Err(Refusal::admin_limit());
    }
    // One value for SAM objects although the schema says many; seen as 20, not 19.
    if attribute.name == "description" && class.principal && values.len() > 1 {
        return Err(Refusal::value_exists("00002081", attribute.name));
    }
    Ok(())
}

fn check_value(attribute: &Attribute, value: &[u8]) -> Result<(), Refusal> {
    let malformed = || Refusal::conversion(LdapResultCode::InvalidAttributeSyntax);
    let text = || std::str::from_utf8(value).map_err(|_| malformed());
    if value.is_empty() {
        return Err(malformed());
    }
    match attribute.syntax {
        Syntax::Integer => {
            text()?.parse::<i64>().map_err(|_| malformed())?;
        }
        Syntax::Boolean if !matches!(text()?, "TRUE" | "FALSE") => return Err(malformed()),
        Syntax::Text | Syntax::Name | Syntax::Time => {
            text()?;
        }
        Syntax::Boolean | Syntax::Octets | Syntax::Sid => {}
    }
    // Numbers that clients write have no range.
    let length = match attribute.syntax {
        Syntax::Octets | Syntax::Sid => value.len(),
        Syntax::Text | Syntax::Name | Syntax::Time | Syntax::Integer | Syntax::Boolean => {
            text()?.encode_utf16().count()
        }
    };
    let (short, long) = (
        attribute.lower.is_some_and(|lower| length < lower),
        attribute.upper.is_some_and(|upper| length > upper),
    );
    if short || long || (attribute.name == "mS-DS-ConsistencyGuid" && length != 16) {
        return Err(Refusal::constraint("00002082", attribute.name));
    }
    Ok(())
}

/// Refuses relative names that are too long (cn, ou and dc: 64 UTF-16 units; KB909264) or hold a
/// zero character.
fn check_rdn(rdn: &Rdn, class: &Class) -> Result<(), Refusal> {
    if rdn.attribute != class.naming {
        return Err(Refusal::naming());
    }
    if rdn.value.contains('\0') {
        return Err(Refusal::bad_name());
    }
    if rdn.value.encode_utf16().count() > 64 {
        return Err(Refusal::constraint("00002082", &class.naming.to_ascii_lowercase()));
    }
    Ok(())
}

/// Two values are the same by the attribute's comparison rule (MS-ADTS 3.1.1.2.2.4).
fn equal(attribute: &Attribute, one: &[u8], two: &[u8]) -> bool {
    if one == two {
        return true;
    }
    let (Ok(one), Ok(two)) = (std::str::from_utf8(one), std::str::from_utf8(two)) else {
        return false;
    };
    match attribute.syntax {
        Syntax::Text | Syntax::Name | Syntax::Boolean => {
            super::dn::fold(one) == super::dn::fold(two)
        }
        Syntax::Integer => one.parse::<i64>().ok() == two.parse::<i64>().ok(),
        Syntax::Octets | Syntax::Sid | Syntax::Time => false,
    }
}

impl Tree {
    /// Refuses an account name that the SAM does not take, or that another principal has.
    fn check_account_name(
        &self,
        name: &str,
        class: &Class,
        own: Option<Uuid>,
    ) -> Result<(), Refusal> {
        let forbidden = |c: char| FORBIDDEN_IN_ACCOUNT_NAMES.contains(c) || c.is_ascii_control();
        // 20 characters bind users only (MS-SAMR 3.1.1.6).
        let too_long = class.name == "user" && name.encode_utf16().count() > 20;
        if name.contains(forbidden) || name.ends_with('.') || name.trim().is_empty() || too_long {
            return Err(Refusal::constraint("00000523", "sAMAccountName"));
        }
        let holder = self.by_account_name(name).filter(|holder| Some(*holder) != own);
        match holder.and_then(|holder| self.object(holder)) {
            Some(holder) => Err(name_taken(holder)),
            None => Ok(()),
        }
    }
}

/// The code says what kind of principal has the name (MS-SAMR 3.1.1.6, uniqueness).
fn name_taken(holder: &Object) -> Refusal {
    let local = holder.number("groupType").is_some_and(|kind| kind & 4 != 0);
    match holder.class.name {
        "group" if local => Refusal::exists("00000563"),
        "group" => Refusal::exists("00000526"),
        _ => Refusal::exists("00000524"),
    }
}

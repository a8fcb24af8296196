//! One recorded operation as one LDAP request.
//!
//! Input: an `Operation`, and for a restoration the name of the deleted object. Output: the result
//! of the request, whatever its code, for `client`.

use std::collections::BTreeSet;

use ldap3::{Ldap, LdapError, LdapResult, Mod};

use super::connection::Connection;
use super::search::{Search, show_deleted};
use crate::defence::stands;
use crate::directory::DirectoryError;
use crate::model::change::AttributeChange;
use crate::model::{AttributeName, ObjectGuid, Operation, Target};

impl Connection {
    /// Sends one write to the object `base` names, and returns its result, whatever the code.
    pub(super) async fn write(
        &mut self,
        operation: &Operation,
        base: &str,
    ) -> Result<LdapResult, DirectoryError> {
        let (ldap, limit, word) = (self.handle(), self.limits().write, operation.word());
        self.bounded(word, limit, send(ldap, operation, base), |result| result.rc).await
    }

    /// How the request names its object; `None` when it is a deleted one that is not there, or
    /// that this account may not see.
    pub(super) async fn base(
        &mut self,
        operation: &Operation,
    ) -> Result<Option<String>, DirectoryError> {
        match operation {
            Operation::Restore { target, .. } => self.tombstone(&base_of(target)).await,
            // Samba computes the parent from the text of `<GUID=…>` and finds none.
            Operation::Add { target, .. } | Operation::ModifyDn { target, .. } => {
                Ok(Some(target.dn().to_string()))
            }
            Operation::Modify { target, .. }
            | Operation::AddMembers { target, .. }
            | Operation::RemoveMembers { target, .. }
            | Operation::Delete { target, .. } => Ok(Some(base_of(target))),
        }
    }

    /// The full name of a deleted object: Samba restores nothing by `<GUID=…>`, which it answers
    /// with 1.
    async fn tombstone(&mut self, base: &str) -> Result<Option<String>, DirectoryError> {
        let action = format!("look for the deleted object {base}");
        let search = Search::object(base, &["isDeleted"]).deleted();
        let entry = self.find_object(&action, &search).await?;
        Ok(entry.filter(|entry| entry.is_true("isDeleted")).map(|entry| entry.dn_text().to_owned()))
    }
}

async fn send(mut ldap: Ldap, operation: &Operation, base: &str) -> Result<LdapResult, LdapError> {
    match operation {
        Operation::Add { attributes, .. } => {
            let class = ("objectClass".to_owned(), ["top", "group"].map(str::to_owned).into());
            let given = attributes
                .iter()
                .map(|(name, value)| (name.to_string(), std::iter::once(value.clone()).collect()));
            ldap.add(base, std::iter::once(class).chain(given).collect()).await
        }
        Operation::Modify { attributes, .. } => ldap.modify(base, value_changes(attributes)).await,
        Operation::AddMembers { members, .. } => {
            let values = members.iter().copied().map(ObjectGuid::as_dn).collect();
            ldap.modify(base, vec![Mod::Add("member".to_owned(), values)]).await
        }
        Operation::RemoveMembers { members, .. } => {
            let values = members.iter().copied().map(ObjectGuid::as_dn).collect();
            ldap.modify(base, vec![Mod::Delete("member".to_owned(), values)]).await
        }
        Operation::ModifyDn { target, to } => {
            let (from, to) = (target.dn(), to.dn());
            let parent = to.parent().map(|parent| parent.to_string()).unwrap_or_default();
            let moved = from.parent().map(|parent| parent.key()) != to.parent().map(|p| p.key());
            let new_parent = moved.then_some(parent.as_str());
            ldap.modifydn(base, &to.rdn(), true, new_parent).await
        }
        Operation::Restore { target, attributes } => {
            let changes = restoration(target, attributes);
            ldap.with_controls(show_deleted()).modify(base, changes).await
        }
        Operation::Delete { .. } => ldap.delete(base).await,
    }
}

/// What brings a deleted object back, all in one modify: the two instructions, then what else it
/// gets (MS-ADTS 3.1.1.5.3.7).
fn restoration(target: &Target, attributes: &[AttributeChange]) -> Vec<Mod<String>> {
    let place = std::iter::once(target.dn().to_string()).collect();
    let mut changes = vec![
        Mod::Delete("isDeleted".to_owned(), [].into()),
        Mod::Replace("distinguishedName".to_owned(), place),
    ];
    changes.extend(value_changes(attributes));
    changes
}

/// The object by its GUID, which survives renames; by its DN while the GUID is not known.
fn base_of(target: &Target) -> String {
    let object = target.object().filter(|_| stands("H37"));
    object.map_or_else(|| target.dn().to_string(), ObjectGuid::as_dn)
}

/// Deletes exactly the old values and adds exactly the new ones: other values of an attribute are
/// not touched, and the modify fails when an old value is not there (RFC 4511 4.6).
///
/// Attribute by attribute, what goes before what comes: values that differ in case alone are equal
/// to the directory, and it takes no value that is there still.
fn value_changes(changes: &[AttributeChange]) -> Vec<Mod<String>> {
    let names: BTreeSet<&AttributeName> = changes.iter().map(|change| &change.name).collect();
    let mut requests = Vec::new();
    for name in names {
        let own = || changes.iter().filter(|change| change.name == *name);
        let going: Vec<String> = own().filter_map(|change| change.before.clone()).collect();
        let coming: Vec<String> = own().filter_map(|change| change.after.clone()).collect();
        if !going.is_empty() {
            // A deletion without values takes those of others with it.
            let kept = going.into_iter().filter(|_| stands("H33"));
            requests.push(Mod::Delete(name.to_string(), kept.collect()));
        }
        if !coming.is_empty() {
            requests.push(Mod::Add(name.to_string(), coming.into_iter().collect()));
        }
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Containers, Dn};

    fn change(name: &'static str, before: Option<&str>, after: Option<&str>) -> AttributeChange {
        let own = |text: Option<&str>| text.map(str::to_owned);
        AttributeChange { name: name.into(), before: own(before), after: own(after) }
    }

    fn delete(name: &str, values: &[&str]) -> Mod<String> {
        Mod::Delete(name.to_owned(), values.iter().map(|text| (*text).to_owned()).collect())
    }

    fn add(name: &str, values: &[&str]) -> Mod<String> {
        Mod::Add(name.to_owned(), values.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn a_changed_value_is_deleted_and_added_by_value_and_nothing_is_replaced() {
        let name = "extensionName";
        let changes = |before, after| value_changes(&[change(name, before, after)]);
        assert_eq!(changes(Some("a"), Some("b")), [delete(name, &["a"]), add(name, &["b"])]);
        assert_eq!(changes(None, Some("b")), [add(name, &["b"])]);
        assert_eq!(changes(Some("a"), None), [delete(name, &["a"])]);
    }

    #[test]
    fn several_values_of_an_attribute_go_before_others_come() {
        let name = "proxyAddresses";
        let changes = [
            change("mail", Some("a"), Some("b")),
            change(name, None, Some("SMTP:b")),
            change(name, Some("SMTP:a"), Some("smtp:a")),
            change(name, Some("smtp:b"), None),
        ];
        let wanted = [
            delete("mail", &["a"]),
            add("mail", &["b"]),
            delete(name, &["SMTP:a", "smtp:b"]),
            add(name, &["SMTP:b", "smtp:a"]),
        ];
        assert_eq!(value_changes(&changes), wanted);
    }

    #[test]
    fn a_deleted_object_comes_back_in_one_modify() {
        let dn = Dn::parse("CN=a,OU=g,DC=x").unwrap();
        let containers = Containers::new(vec![dn.parent().unwrap()]);
        let guid = ObjectGuid::parse("01234567-89ab-cdef-0123-456789abcdef").unwrap();
        let target = containers.admit(guid, dn).unwrap();
        let wanted = [
            delete("isDeleted", &[]),
            Mod::Replace("distinguishedName".to_owned(), ["CN=a,OU=g,DC=x".to_owned()].into()),
            add("extensionName", &["x"]),
        ];
        assert_eq!(restoration(&target, &[change("extensionName", None, Some("x"))]), wanted);
    }

    #[test]
    fn an_object_is_named_by_its_guid_where_it_is_known() {
        let dn = Dn::parse("CN=a,OU=g,DC=x").unwrap();
        let containers = Containers::new(vec![dn.parent().unwrap()]);
        let guid = ObjectGuid::parse("01234567-89ab-cdef-0123-456789abcdef").unwrap();
        let known = containers.admit(guid, dn.clone()).unwrap();
        assert_eq!(base_of(&known), "<GUID=01234567-89ab-cdef-0123-456789abcdef>");
        assert_eq!(base_of(&containers.admit_new(dn).unwrap()), "CN=a,OU=g,DC=x");
    }
}

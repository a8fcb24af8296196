//! What an administrator does to the directory behind everybody's back: the verbs of
//! `Domain::edit`.
//!
//! Input: names and values. Output: the changed tree. Additions, memberships, renames, moves and
//! deletions go through the same checks as requests, with every right; `set` goes past them,
//! because tests need objects that only the system makes. Nothing here is counted as an
//! operation.

use ldap3_proto::proto::LdapModifyDNRequest;
use ldap3_proto::proto::{LdapModify, LdapModifyType, LdapPartialAttribute};
use uuid::Uuid;

use super::access::Actor;
use super::dn::{Dn, Rdn};
use super::identity::{sid_octets, sid_text};
use super::refusal::Refusal;
use super::schema::class_named;
use super::tree::Tree;
use super::write::{Identifiers, Manner};

fn attribute(name: &str, values: &[&str]) -> LdapPartialAttribute {
    let vals = values.iter().map(|value| value.as_bytes().to_vec()).collect();
    LdapPartialAttribute { atype: name.to_owned(), vals }
}

impl Tree {
    fn put(
        &mut self,
        class: &str,
        name: &str,
        parent: &str,
        identifiers: Identifiers,
        attributes: &[(&str, &str)],
    ) -> Result<String, Refusal> {
        let class = class_named(class).ok_or_else(Refusal::class_violation)?;
        let parent = self.resolve(parent)?;
        let dn = format!("{},{}", Rdn::new(class.naming, name).text(), self.name(parent));
        let mut all = vec![attribute("objectClass", class.chain)];
        all.extend(attributes.iter().map(|(name, value)| attribute(name, &[value])));
        let guid = self.add(Actor::System, &dn, &all, identifiers)?;
        Ok(self.name(guid))
    }

    fn change(
        &mut self,
        dn: &str,
        operation: LdapModifyType,
        name: &str,
        values: &[&str],
    ) -> Result<(), Refusal> {
        let change = LdapModify { operation, modification: attribute(name, values) };
        self.modify(Actor::System, dn, &[change], Manner::Strict).map(|_| ())
    }

    /// Makes an organizational unit; its DN is given back, as by all verbs that make or move.
    pub fn add_ou(&mut self, name: &str, parent: &str) -> Result<String, Refusal> {
        self.put("organizationalUnit", name, parent, Identifiers::default(), &[])
    }

    /// Makes a container.
    pub fn add_container(&mut self, name: &str, parent: &str) -> Result<String, Refusal> {
        self.put("container", name, parent, Identifiers::default(), &[])
    }

    /// Makes a user, with the identifiers of a given world (`S-1-…` text) or with new ones.
    pub fn add_user(
        &mut self,
        name: &str,
        parent: &str,
        account_name: &str,
        guid: Option<Uuid>,
        sid: Option<&str>,
    ) -> Result<String, Refusal> {
        let identifiers = Identifiers { guid, sid: sid.map(known_sid).transpose()? };
        let suffix = self.base.domain_name();
        let principal_name = format!("{account_name}@{suffix}");
        let values = [
            ("sAMAccountName", account_name),
            ("userPrincipalName", principal_name.as_str()),
            ("displayName", name),
        ];
        self.put("user", name, parent, identifiers, &values)
    }

    /// Makes a computer; `account_name` ends in `$`.
    pub fn add_computer(
        &mut self,
        name: &str,
        parent: &str,
        account_name: &str,
        guid: Option<Uuid>,
        sid: Option<&str>,
    ) -> Result<String, Refusal> {
        let identifiers = Identifiers { guid, sid: sid.map(known_sid).transpose()? };
        self.put("computer", name, parent, identifiers, &[("sAMAccountName", account_name)])
    }

    /// Makes the device object that device writeback makes, in CN=RegisteredDevices, which is made
    /// with the first one (MS-ADSC 2.136; its msDS-DeviceID is the cloud's deviceId).
    pub fn add_device(
        &mut self,
        display_name: &str,
        device_id: Uuid,
        guid: Option<Uuid>,
    ) -> Result<String, Refusal> {
        let base = self.base_dn();
        let container = format!("CN=RegisteredDevices,{base}");
        if !self.exists(&container) {
            let none = Identifiers::default();
            self.put("msDS-DeviceContainer", "RegisteredDevices", &base, none, &[])?;
        }
        let class = class_named("msDS-Device").ok_or_else(Refusal::class_violation)?;
        let name = device_id.to_string();
        let key = format!("X509:<SHA1-TP-PUBKEY>{name}");
        let mut all = vec![
            attribute("objectClass", class.chain),
            attribute("displayName", &[display_name]),
            attribute("msDS-IsEnabled", &["TRUE"]),
            attribute("altSecurityIdentities", &[&key]),
        ];
        let octets = vec![device_id.to_bytes_le().to_vec()];
        all.push(LdapPartialAttribute { atype: "msDS-DeviceID".to_owned(), vals: octets });
        let dn = format!("{},{container}", Rdn::new("CN", &name).text());
        let made = self.add(Actor::System, &dn, &all, Identifiers { guid, sid: None })?;
        Ok(self.name(made))
    }

    /// Makes a contact.
    pub fn add_contact(&mut self, name: &str, parent: &str) -> Result<String, Refusal> {
        self.put("contact", name, parent, Identifiers::default(), &[])
    }

    /// Makes a group of the given groupType.
    pub fn add_group(
        &mut self,
        name: &str,
        parent: &str,
        account_name: &str,
        group_type: i32,
    ) -> Result<String, Refusal> {
        let kind = group_type.to_string();
        let values = [("sAMAccountName", account_name), ("groupType", kind.as_str())];
        self.put("group", name, parent, Identifiers::default(), &values)
    }

    /// Gives an attribute exactly these values, past every check but the schema's; none removes
    /// it. Naming attributes, links and identifiers are not set this way.
    pub fn set(&mut self, dn: &str, name: &str, values: &[&str]) -> Result<(), Refusal> {
        let octets = values.iter().map(|value| value.as_bytes().to_vec()).collect();
        self.set_octets(dn, name, octets)
    }

    /// The same for values that are no text.
    pub fn set_octets(
        &mut self,
        dn: &str,
        name: &str,
        values: Vec<Vec<u8>>,
    ) -> Result<(), Refusal> {
        use super::schema::Origin;
        let guid = self.resolve(dn)?;
        let attribute = self.schema.attribute(name).ok_or_else(Refusal::class_violation)?;
        match attribute.origin {
            Origin::Stored | Origin::System => {}
            Origin::Naming | Origin::Link | Origin::BackLink(_) | Origin::Constructed => {
                return Err(Refusal::constraint("0000209A", attribute.name));
            }
        }
        let primary_group = self.object(guid).and_then(|object| object.number("primaryGroupID"));
        self.rewrite(guid, |object| {
            if values.is_empty() {
                object.attributes.remove(attribute.name);
            } else {
                object.attributes.insert(attribute.name, values);
            }
        });
        self.regroup(guid, primary_group);
        Ok(())
    }

    /// Makes a group the primary group of an account: the account leaves its member attribute and
    /// enters that of the group that was it before.
    pub fn set_primary_group(&mut self, account: &str, group: &str) -> Result<(), Refusal> {
        let group = self.object(self.resolve(group)?);
        let rid = group.and_then(super::tree::Object::relative_identifier);
        let rid = rid.ok_or_else(|| Refusal::unwilling("0000213A"))?;
        self.set(account, "primaryGroupID", &[&rid.to_string()])
    }

    /// Adds one value.
    pub fn add_value(&mut self, dn: &str, name: &str, value: &str) -> Result<(), Refusal> {
        self.change(dn, LdapModifyType::Add, name, &[value])
    }

    /// Deletes one value.
    pub fn remove_value(&mut self, dn: &str, name: &str, value: &str) -> Result<(), Refusal> {
        self.change(dn, LdapModifyType::Delete, name, &[value])
    }

    /// Adds a member, under the nesting rules.
    pub fn add_member(&mut self, group: &str, member: &str) -> Result<(), Refusal> {
        self.add_value(group, "member", member)
    }

    /// Adds many members, in order and by the thousand.
    pub fn add_members<'a>(
        &mut self,
        group: &str,
        members: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Refusal> {
        let members: Vec<&str> = members.into_iter().collect();
        members
            .chunks(1000)
            .try_for_each(|chunk| self.change(group, LdapModifyType::Add, "member", chunk))
    }

    /// Removes a member.
    pub fn remove_member(&mut self, group: &str, member: &str) -> Result<(), Refusal> {
        self.remove_value(group, "member", member)
    }

    fn relocate(
        &mut self,
        dn: &str,
        name: Option<&str>,
        parent: Option<&str>,
    ) -> Result<String, Refusal> {
        let guid = self.resolve(dn)?;
        let object = self.object(guid).ok_or_else(|| Refusal::no_object(""))?;
        let rdn = name.map_or(object.rdn.clone(), |name| Rdn::new(object.class.naming, name));
        let request = LdapModifyDNRequest {
            dn: dn.to_owned(),
            newrdn: rdn.text(),
            deleteoldrdn: true,
            new_superior: parent.map(str::to_owned),
        };
        self.rename(Actor::System, &request)?;
        Ok(self.name(guid))
    }

    /// Gives an object another name in its place. The name is unescaped.
    pub fn rename_to(&mut self, dn: &str, name: &str) -> Result<String, Refusal> {
        self.relocate(dn, Some(name), None)
    }

    /// Puts an object below another parent.
    pub fn move_to(&mut self, dn: &str, parent: &str) -> Result<String, Refusal> {
        self.relocate(dn, None, Some(parent))
    }

    /// Restores a deleted object under this name, as an administrator would.
    pub fn restore(&mut self, guid: Uuid, dn: &str) -> Result<String, Refusal> {
        if !self.object(guid).is_some_and(|object| object.deleted) {
            return Err(Refusal::no_object(""));
        }
        let change = |operation, name: &str, values: &[&str]| LdapModify {
            operation,
            modification: attribute(name, values),
        };
        let changes = [
            change(LdapModifyType::Delete, "isDeleted", &[]),
            change(LdapModifyType::Replace, "distinguishedName", &[dn]),
        ];
        self.undelete(Actor::System, guid, &changes, Manner::Strict)?;
        Ok(self.name(guid))
    }

    /// Takes a deleted object away for good, as the end of its lifetime would.
    pub fn purge(&mut self, guid: Uuid) -> Result<(), Refusal> {
        self.collect_garbage(guid)
    }

    /// The name in CN=Deleted Objects of an object that is deleted.
    pub fn deleted_dn_of(&self, guid: Uuid) -> Option<String> {
        self.object(guid).filter(|object| object.deleted).map(|_| self.name(guid))
    }

    /// Deletes a leaf; what remains is a tombstone, or a deleted-object where the Recycle Bin is
    /// on.
    pub fn remove(&mut self, dn: &str) -> Result<(), Refusal> {
        self.delete(Actor::System, dn).map(|_| ())
    }

    /// Gives an account a password, so that it can bind.
    pub fn set_password(&mut self, dn: &str, password: &str) -> Result<(), Refusal> {
        let guid = self.resolve(dn)?;
        self.access.passwords.insert(guid, password.to_owned());
        Ok(())
    }

    /// Disables an account: its bind ends with 49, data 533.
    pub fn disable(&mut self, dn: &str) -> Result<(), Refusal> {
        self.set(dn, "userAccountControl", &["514"])
    }

    /// Protects an object from accidental deletion: delete and move away end with 50.
    pub fn protect(&mut self, dn: &str) -> Result<(), Refusal> {
        let guid = self.resolve(dn)?;
        self.access.protected.insert(guid);
        Ok(())
    }

    /// The name of the object with this GUID, as long as it is not deleted.
    pub fn dn_of(&self, guid: Uuid) -> Option<String> {
        self.object(guid).filter(|object| !object.deleted).map(|_| self.name(guid))
    }

    /// The GUID of a named object.
    pub fn guid_of(&self, dn: &str) -> Option<Uuid> {
        self.resolve(dn).ok()
    }

    /// The SID of a named object as text.
    pub fn sid_of(&self, dn: &str) -> Option<String> {
        self.object(self.resolve(dn).ok()?)?.sid.as_deref().and_then(sid_text)
    }

    /// Whether there is a living object of this name.
    pub fn exists(&self, dn: &str) -> bool {
        let found = self.resolve(dn).ok().and_then(|guid| self.object(guid));
        found.is_some_and(|object| !object.deleted)
    }

    /// Textual values of an attribute, link values as names; empty when there are none.
    pub fn values(&self, dn: &str, name: &str) -> Vec<String> {
        let found = self.resolve(dn).ok().and_then(|guid| self.object(guid));
        let (Some(object), Some(attribute)) = (found, self.schema.attribute(name)) else {
            return Vec::new();
        };
        if let Some(ends) = super::dump::ends(object, attribute) {
            return ends.iter().map(|end| self.name(*end)).collect();
        }
        let stored = self.stored(object, attribute);
        stored.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect()
    }

    /// Current names of the direct members of a group.
    pub fn members(&self, group: &str) -> Vec<String> {
        self.values(group, "member")
    }

    /// The name of the domain's head.
    pub fn base_dn(&self) -> String {
        self.base.text()
    }

    /// A child's name: the unescaped `name` below `parent`.
    pub fn child_dn(&self, name: &str, parent: &str) -> Result<String, Refusal> {
        let parent = Dn::parse(parent).map_err(|_| Refusal::bad_name())?;
        Ok(format!("{},{}", Rdn::new("CN", name).text(), parent.text()))
    }
}

fn known_sid(text: &str) -> Result<Vec<u8>, Refusal> {
    sid_octets(text).ok_or_else(|| Refusal::constraint("00002082", "objectSid"))
}

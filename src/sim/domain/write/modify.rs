//! Modify (MS-ADTS 3.1.1.5.3): changes in their order, all of them or none.
//!
//! Input: a target and its changes. They are worked out on a draft that keeps deltas of links, so
//! that a batch on a group of 50,000 members costs what the batch costs. Output: the draft is
//! committed when everything holds at the end.

use std::collections::{BTreeMap, BTreeSet};

use ldap3_proto::LdapResultCode;
use ldap3_proto::proto::{LdapModify, LdapModifyType};
use uuid::Uuid;

use super::super::access::Actor;
use super::super::dn::Reference;
use super::super::identity::sid_text;
use super::super::refusal::Refusal;
use super::super::schema::{Attribute, Origin, class_named};
use super::super::tree::{Object, Tree};
use super::add::Identifiers;
use super::undelete::instructions;
use super::{VALUES_LIMIT, check_values, equal};

/// Values added to and taken from a link attribute.
#[derive(Clone, Debug, Default)]
struct LinkDelta {
    added: BTreeSet<Uuid>,
    removed: BTreeSet<Uuid>,
}

/// What the object will be.
#[derive(Debug, Default)]
pub(super) struct Draft {
    attributes: BTreeMap<&'static str, Vec<Vec<u8>>>,
    links: BTreeMap<&'static str, LinkDelta>,
}

/// Whether absent values may be deleted and present ones added (control 1.2.840.113556.1.4.1413,
/// MS-ADTS 3.1.1.3.4.1.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Manner {
    Strict,
    Permissive,
}

impl Draft {
    fn links(&self, object: &Object, name: &str, target: Uuid) -> bool {
        let before = object.forward.get(name).is_some_and(|ends| ends.contains(&target));
        self.links.get(name).map_or(before, |delta| {
            delta.added.contains(&target) || (before && !delta.removed.contains(&target))
        })
    }

    fn targets(&self, object: &Object, name: &str) -> BTreeSet<Uuid> {
        let mut ends = object.forward.get(name).cloned().unwrap_or_default();
        if let Some(delta) = self.links.get(name) {
            ends.retain(|end| !delta.removed.contains(end));
            ends.extend(&delta.added);
        }
        ends
    }

    fn add_link(&mut self, name: &'static str, target: Uuid) {
        let delta = self.links.entry(name).or_default();
        if !delta.removed.remove(&target) {
            delta.added.insert(target);
        }
    }

    fn remove_link(&mut self, name: &'static str, target: Uuid) {
        let delta = self.links.entry(name).or_default();
        if !delta.added.remove(&target) {
            delta.removed.insert(target);
        }
    }

    /// The first value that an attribute was given, as text.
    pub(super) fn first(&self, name: &str) -> Option<String> {
        let value = self.attributes.get(name)?.first()?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    fn values(&self, object: &Object, name: &str) -> Vec<Vec<u8>> {
        let drafted = self.attributes.get(name).or_else(|| object.attributes.get(name));
        drafted.cloned().unwrap_or_default()
    }
}

impl Tree {
    /// Changes an object for an account; the GUID of the object is given back.
    pub(in super::super) fn modify(
        &mut self,
        actor: Actor,
        dn: &str,
        changes: &[LdapModify],
        manner: Manner,
    ) -> Result<Uuid, Refusal> {
        let guid = self.resolve(dn)?;
        if !self.may_see(actor, guid) || self.object(guid).is_none_or(|object| object.deleted) {
            return Err(Refusal::no_object(""));
        }
        if self.is_enforced(actor, guid) {
            return Err(Refusal::enforced());
        }
        // An undelete of what lives (the result is Samba's).
        if instructions(changes).is_some() {
            return Err(Refusal::unwilling("00002077"));
        }
        let changes: Vec<&LdapModify> = changes.iter().collect();
        let draft = self.drafted(actor, guid, &changes, manner)?;
        self.commit(guid, draft);
        Ok(guid)
    }

    /// What the object will be after these changes, if they may all be made.
    pub(super) fn drafted(
        &mut self,
        actor: Actor,
        guid: Uuid,
        changes: &[&LdapModify],
        manner: Manner,
    ) -> Result<Draft, Refusal> {
        let values: usize = changes.iter().map(|change| change.modification.vals.len()).sum();
        if values > VALUES_LIMIT {
            return Err(Refusal::too_much());
        }
        let mut draft = Draft::default();
        for change in changes {
            let attribute = self.writable(actor, guid, &change.modification.atype)?;
            if attribute.name == "member" {
                self.make_foreign_principals(guid, change)?;
            }
            let object = self.object(guid).ok_or_else(|| Refusal::no_object(""))?;
            if attribute.origin == Origin::Link {
                self.draft_links(&mut draft, object, attribute, change, manner)?;
            } else {
                draft_values(&mut draft, object, attribute, change, manner)?;
            }
        }
        let object = self.object(guid).ok_or_else(|| Refusal::no_object(""))?;
        self.check(&draft, object)?;
        Ok(draft)
    }

    /// The attribute, if it exists, can be written at all, and by this account.
    fn writable(
        &self,
        actor: Actor,
        guid: Uuid,
        name: &str,
    ) -> Result<&'static Attribute, Refusal> {
        let attribute = self
            .schema
            .attribute(name)
            .ok_or_else(|| Refusal::conversion(LdapResultCode::NoSuchAttribute))?;
        match attribute.origin {
            Origin::Naming => return Err(Refusal::on_rdn()),
            Origin::BackLink(_) => return Err(Refusal::unwilling("0000209A")),
            Origin::System | Origin::Constructed => {
                return Err(Refusal::constraint("0000209A", attribute.name));
            }
            Origin::Stored | Origin::Link => {}
        }
        if !self.may_write(actor, guid, attribute.name) {
            return Err(Refusal::no_right());
        }
        Ok(attribute)
    }

    fn draft_links(
        &self,
        draft: &mut Draft,
        object: &Object,
        attribute: &'static Attribute,
        change: &LdapModify,
        manner: Manner,
    ) -> Result<(), Refusal> {
        let name = attribute.name;
        let values = &change.modification.vals;
        match change.operation {
            LdapModifyType::Add => {
                for value in values {
                    let target = self.link_target(value)?;
                    if name == "member" && self.is_primary_member(object, target) {
                        return Err(Refusal::exists("00000562"));
                    }
                    if !draft.links(object, name, target) {
                        draft.add_link(name, target);
                    } else if manner == Manner::Strict && name == "member" {
                        return Err(Refusal::exists("00000562"));
                    } else if manner == Manner::Strict {
                        return Err(Refusal::value_exists("0000200D", name));
                    }
                }
                Ok(())
            }
            LdapModifyType::Delete if values.is_empty() => {
                let targets = draft.targets(object, name);
                if targets.is_empty() && manner == Manner::Strict {
                    return Err(Refusal::no_value(name));
                }
                for target in targets {
                    draft.remove_link(name, target);
                }
                Ok(())
            }
            LdapModifyType::Delete => {
                for value in values {
                    let found = self.absent_is_none(value)?;
                    let held = found.filter(|target| draft.links(object, name, *target));
                    match held {
                        Some(target) => draft.remove_link(name, target),
                        None if manner == Manner::Permissive => {}
                        None if name == "member" => return Err(Refusal::unwilling("00000561")),
                        None => return Err(Refusal::no_value(name)),
                    }
                }
                Ok(())
            }
            LdapModifyType::Replace => {
                let targets = draft.targets(object, name);
                for target in targets {
                    draft.remove_link(name, target);
                }
                for value in values {
                    let target = self.link_target(value)?;
                    if name == "member" && self.is_primary_member(object, target) {
                        return Err(Refusal::exists("00000562"));
                    }
                    if draft.links(object, name, target) {
                        return Err(Refusal::value_exists("00002083", name));
                    }
                    draft.add_link(name, target);
                }
                Ok(())
            }
            LdapModifyType::Increment => Err(Refusal::protocol()),
        }
    }

    /// A name that leads nowhere is simply no value of the attribute; one that is no name is 34.
    fn absent_is_none(&self, value: &[u8]) -> Result<Option<Uuid>, Refusal> {
        let text = std::str::from_utf8(value).map_err(|_| Refusal::bad_name())?;
        match self.resolve(text) {
            Ok(found) => Ok(Some(found)),
            Err(refusal) if refusal.code() == LdapResultCode::InvalidDNSyntax as u32 => {
                Err(refusal)
            }
            Err(_) => Ok(None),
        }
    }

    /// A SID of another domain becomes a foreignSecurityPrincipal when a domain local group takes
    /// it as a member (MS-SAMR 3.1.1.8.9). Elsewhere it stays an unknown name.
    fn make_foreign_principals(&mut self, group: Uuid, change: &LdapModify) -> Result<(), Refusal> {
        let kind = self.object(group).and_then(|object| object.number("groupType")).unwrap_or(0);
        if kind & 4 == 0 || change.operation == LdapModifyType::Delete {
            return Ok(());
        }
        let own = format!("{}-", self.domain_sid);
        for value in &change.modification.vals {
            let text = std::str::from_utf8(value).unwrap_or_default();
            let Ok(Reference::Sid(sid)) = Reference::parse(text) else { continue };
            let Some(name) = sid_text(&sid) else { continue };
            let foreign = name.starts_with("S-1-5-21-") && !name.starts_with(&own);
            if !foreign || self.by_sid(&sid).is_some() {
                continue;
            }
            let dn = format!("CN={name},{}", self.name(self.foreign_principals));
            let class = class_named("foreignSecurityPrincipal").expect("the class is in the table");
            let classes = ldap3_proto::proto::LdapPartialAttribute {
                atype: "objectClass".to_owned(),
                vals: class.chain.iter().map(|one| one.as_bytes().to_vec()).collect(),
            };
            let identifiers = Identifiers { guid: None, sid: Some(sid) };
            self.add(Actor::System, &dn, &[classes], identifiers)?;
        }
        Ok(())
    }

    /// What must hold when every change is done.
    fn check(&self, draft: &Draft, object: &Object) -> Result<(), Refusal> {
        for (name, values) in &draft.attributes {
            let attribute = self.schema.attribute(name).ok_or_else(Refusal::protocol)?;
            check_values(attribute, object.class, values)?;
            let needed = matches!(*name, "sAMAccountName" | "groupType") && object.class.principal;
            if needed && values.is_empty() {
                return Err(Refusal::class_violation());
            }
        }
        for name in draft.links.keys() {
            let attribute = self.schema.attribute(name).ok_or_else(Refusal::protocol)?;
            if attribute.single && draft.targets(object, name).len() > 1 {
                return Err(Refusal::constraint("00002081", name));
            }
        }
        if let Some(name) = draft.first("sAMAccountName") {
            self.check_account_name(&name, object.class, Some(object.guid))?;
        }
        if let Some(rid) = draft.first("primaryGroupID") {
            return self.check_primary_group(object, &rid);
        }
        if object.class.name != "group" {
            return Ok(());
        }
        let before = object.number("groupType").unwrap_or_default();
        let after = draft.first("groupType").and_then(|text| text.parse().ok()).unwrap_or(before);
        if let Some(delta) = draft.links.get("member") {
            delta.added.iter().try_for_each(|target| self.check_member(after, *target))?;
        }
        if before != after {
            let members = draft.targets(object, "member");
            self.check_conversion(object, before, after, &members)?;
        }
        Ok(())
    }

    pub(super) fn commit(&mut self, guid: Uuid, draft: Draft) {
        let primary_group = self.object(guid).and_then(|object| object.number("primaryGroupID"));
        self.rewrite(guid, |object| {
            for (name, values) in draft.attributes {
                if values.is_empty() {
                    object.attributes.remove(name);
                } else {
                    object.attributes.insert(name, values);
                }
            }
        });
        self.regroup(guid, primary_group);
        for (name, delta) in draft.links {
            for target in delta.removed {
                self.unlink(guid, name, target);
            }
            for target in delta.added {
                self.link(guid, name, target);
            }
        }
    }
}

fn draft_values(
    draft: &mut Draft,
    object: &Object,
    attribute: &'static Attribute,
    change: &LdapModify,
    manner: Manner,
) -> Result<(), Refusal> {
    let name = attribute.name;
    let asserted = &change.modification.vals;
    let mut values = draft.values(object, name);
    match change.operation {
        LdapModifyType::Add => {
            for value in asserted {
                if !values.iter().any(|one| equal(attribute, one, value)) {
                    values.push(value.clone());
                } else if manner == Manner::Strict {
                    return Err(Refusal::value_exists("0000200D", name));
                }
            }
        }
        LdapModifyType::Delete if asserted.is_empty() => {
            if values.is_empty() && manner == Manner::Strict {
                return Err(Refusal::no_value(name));
            }
            values.clear();
        }
        LdapModifyType::Delete => {
            for value in asserted {
                match values.iter().position(|one| equal(attribute, one, value)) {
                    Some(position) => {
                        values.remove(position);
                    }
                    None if manner == Manner::Permissive => {}
                    None => return Err(Refusal::no_value(name)),
                }
            }
        }
        LdapModifyType::Replace => {
            values.clear();
            for value in asserted {
                if values.iter().any(|one| equal(attribute, one, value)) {
                    return Err(Refusal::value_exists("00002083", name));
                }
                values.push(value.clone());
            }
        }
        LdapModifyType::Increment => return Err(Refusal::protocol()),
    }
    draft.attributes.insert(name, values);
    Ok(())
}

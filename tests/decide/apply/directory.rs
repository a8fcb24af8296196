//! The directory that takes one operation after the other: it refuses a name that is taken, a value
//! that is not as it was seen, a member who is there or not, and an object that is gone.

use std::collections::{BTreeMap, BTreeSet};

use writeback::model::change::AttributeChange;
use writeback::model::directory::{DeletedGroup, PrincipalClass, RecordValue};
use writeback::model::record::ADOPTED;
use writeback::model::{
    AttributeName, DirectoryGroup, Dn, ObjectGuid, Operation, OwnershipRecord, Target,
};

use crate::world::{GROUPS, Grave, World, dn};

/// The directory's reason for a no.
pub(crate) type No = String;

impl World {
    /// Does one operation, or nothing of it.
    pub(crate) fn operate(&mut self, operation: &Operation) -> Result<(), No> {
        assert!(operation.target().dn().is_within(&dn(GROUPS)), "outside: {operation:?}");
        if let Operation::Add { target, attributes } = operation {
            return self.create(target, attributes);
        }
        let guid = operation.target().object().expect("what is there is named by its GUID");
        if let Operation::Restore { target, attributes } = operation {
            return self.restore(guid, target, attributes);
        }
        if !self.domain.groups.contains_key(&guid) {
            return Err(format!("{guid} is not there"));
        }
        match operation {
            Operation::Modify { attributes, .. } => self.modify(guid, attributes),
            Operation::ModifyDn { to, .. } => {
                self.free(guid, to.dn())?;
                self.at(guid).dn = to.dn().clone();
                Ok(())
            }
            Operation::AddMembers { members, .. } => {
                let there = self.domain.members.entry(guid).or_default();
                if let Some(member) = members.iter().find(|member| there.contains(member)) {
                    return Err(format!("{member} is a member already"));
                }
                there.extend(members);
                Ok(())
            }
            Operation::RemoveMembers { members, .. } => {
                let there = self.domain.members.entry(guid).or_default();
                if let Some(member) = members.iter().find(|member| !there.contains(member)) {
                    return Err(format!("{member} is no member"));
                }
                there.retain(|member| !members.contains(member));
                Ok(())
            }
            Operation::Delete { .. } => {
                self.bury(guid);
                Ok(())
            }
            Operation::Add { .. } | Operation::Restore { .. } => Ok(()),
        }
    }

    fn create(
        &mut self,
        target: &Target,
        attributes: &[(AttributeName, String)],
    ) -> Result<(), No> {
        let of = |name: &str| attributes.iter().find(|(n, _)| *n == *name).map(|(_, v)| v.as_str());
        let record = of("extensionName").and_then(OwnershipRecord::parse);
        let guid = ObjectGuid(record.expect("the record is in the Add itself").id.0);
        assert!(!self.domain.groups.contains_key(&guid), "{guid} exists already");
        self.free(guid, target.dn())?;
        self.sam_free(guid, of("sAMAccountName").unwrap_or_default())?;
        self.stand(DirectoryGroup { dn: target.dn().clone(), ..nothing(guid) }, BTreeSet::new());
        for (name, value) in attributes {
            self.set(guid, name, Some(value));
        }
        Ok(())
    }

    /// A deleted group stands again: whole from the recycle bin, else as its tombstone shows it.
    fn restore(
        &mut self,
        guid: ObjectGuid,
        target: &Target,
        attributes: &[AttributeChange],
    ) -> Result<(), No> {
        let deleted = self.domain.deleted.get(&guid);
        let deleted = deleted.ok_or_else(|| format!("{guid} is not deleted"))?.clone();
        self.free(guid, target.dn())?;
        let sam = attributes.iter().find(|change| &*change.name == "sAMAccountName");
        self.sam_free(guid, sam.and_then(|change| change.after.as_deref()).unwrap_or_default())?;
        self.domain.deleted.remove(&guid);
        let grave = self.domain.graves.remove(&guid).unwrap_or_else(|| Grave {
            group: DirectoryGroup {
                sam_account_name: deleted.sam_account_name.unwrap_or_default(),
                group_type: deleted.group_type.unwrap_or(0),
                admin_description: deleted.admin_description,
                external_id: deleted.external_id,
                records: deleted.records,
                ..nothing(guid)
            },
            members: BTreeSet::new(),
            holders: BTreeSet::new(),
        });
        let mut members = grave.members;
        members.retain(|member| self.is_there(*member));
        self.stand(DirectoryGroup { dn: target.dn().clone(), ..grave.group }, members);
        for holder in grave.holders {
            self.domain.members.get_mut(&holder).map(|members| members.insert(guid));
        }
        self.modify(guid, attributes)
    }

    /// Deletes a group. Without the recycle bin its tombstone keeps little, and nothing of who was
    /// in it and what it was in.
    fn bury(&mut self, guid: ObjectGuid) {
        let group = self.domain.groups.remove(&guid).expect("it is there");
        let members = self.domain.members.remove(&guid).unwrap_or_default();
        let holds = self.domain.members.iter().filter(|(_, members)| members.contains(&guid));
        let holders = holds.map(|(holder, _)| *holder).collect();
        self.domain.members.values_mut().for_each(|members| {
            members.remove(&guid);
        });
        let whole = self.domain.recycle_bin;
        let deleted = DeletedGroup {
            guid,
            sam_account_name: Some(group.sam_account_name.clone()),
            group_type: Some(group.group_type),
            admin_description: group.admin_description.clone().filter(|_| whole),
            external_id: group.external_id.clone(),
            records: if whole { group.records.clone() } else { Vec::new() },
        };
        self.domain.deleted.insert(guid, deleted);
        if whole {
            self.domain.graves.insert(guid, Grave { group, members, holders });
        }
    }

    fn stand(&mut self, group: DirectoryGroup, members: BTreeSet<ObjectGuid>) {
        self.domain.members.insert(group.guid, members);
        self.domain.groups.insert(group.guid, group);
    }

    /// Whether there is such an object.
    pub(crate) fn is_there(&self, guid: ObjectGuid) -> bool {
        self.domain.groups.contains_key(&guid) || self.domain.accounts.contains_key(&guid)
    }

    fn free(&self, guid: ObjectGuid, place: &Dn) -> Result<(), No> {
        match self.named(place) {
            Some(holder) if holder != guid => Err(format!("{place} is taken")),
            Some(_) | None => Ok(()),
        }
    }

    /// The object of that name.
    pub(crate) fn named(&self, place: &Dn) -> Option<ObjectGuid> {
        let groups = self.domain.groups.values().map(|group| (group.guid, &group.dn));
        let accounts = self.domain.accounts.values().map(|account| (account.guid, &account.dn));
        let mut all = groups.chain(accounts);
        all.find(|(_, dn)| dn.key() == place.key()).map(|(guid, _)| guid)
    }

    fn sam_free(&self, guid: ObjectGuid, name: &str) -> Result<(), No> {
        let groups = self.domain.groups.values().map(|g| (g.guid, g.sam_account_name.as_str()));
        let accounts = self.domain.accounts.values();
        let accounts = accounts.filter_map(|a| Some((a.guid, a.sam_account_name.as_deref()?)));
        let wanted = name.to_lowercase();
        let holder = groups.chain(accounts).find(|(_, sam)| sam.to_lowercase() == wanted);
        assert!(!wanted.is_empty(), "an empty name");
        match holder {
            Some((holder, _)) if holder != guid => Err(format!("{name} is taken")),
            Some(_) | None => Ok(()),
        }
    }

    fn modify(&mut self, guid: ObjectGuid, attributes: &[AttributeChange]) -> Result<(), No> {
        for change in attributes {
            let there = self.get(guid, change);
            if there != change.before {
                return Err(format!("{} is {there:?}, not {:?}", change.name, change.before));
            }
            if let (true, Some(after)) = (change.name == "sAMAccountName", &change.after) {
                self.sam_free(guid, after)?;
            }
        }
        for change in attributes {
            self.put(guid, change);
        }
        Ok(())
    }

    fn at(&mut self, guid: ObjectGuid) -> &mut DirectoryGroup {
        self.domain.groups.get_mut(&guid).expect("the group is there")
    }

    fn get(&self, guid: ObjectGuid, change: &AttributeChange) -> Option<String> {
        let there = self.values(guid, &change.name);
        if change.before.is_some() {
            return change.before.clone().filter(|before| there.contains(before));
        }
        let one = !MULTI_VALUED.iter().any(|name| change.name == *name);
        there.into_iter().next().filter(|_| one)
    }

    /// The values of an attribute.
    pub(crate) fn values(&self, guid: ObjectGuid, name: &str) -> Vec<String> {
        let Some(group) = self.domain.groups.get(&guid) else { return Vec::new() };
        let one = |value: &Option<String>| value.clone().into_iter().collect();
        match name {
            "groupType" => vec![group.group_type.to_string()],
            "displayName" => one(&group.display_name),
            "description" => one(&group.description),
            "adminDescription" => one(&group.admin_description),
            "msDS-ExternalDirectoryObjectId" => one(&group.external_id),
            "sAMAccountName" => vec![group.sam_account_name.clone()],
            "extensionName" => {
                let records = group.records.iter().map(|value| &value.text);
                records.chain(&group.adopted).cloned().collect()
            }
            other => group.values(other).to_vec(),
        }
    }

    /// Takes the old value out and puts the new one in.
    fn put(&mut self, guid: ObjectGuid, change: &AttributeChange) {
        if change.name == "extensionName" {
            return self.put_mark(guid, change);
        }
        if change.name == "proxyAddresses" {
            let values = self.at(guid).attributes.entry(change.name.clone()).or_default();
            values.retain(|value| Some(value) != change.before.as_ref());
            values.extend(change.after.clone());
            return;
        }
        self.set(guid, &change.name, change.after.as_deref());
    }

    fn put_mark(&mut self, guid: ObjectGuid, change: &AttributeChange) {
        let group = self.at(guid);
        group.adopted = group.adopted.take().filter(|text| Some(text) != change.before.as_ref());
        group.records.retain(|value| Some(&value.text) != change.before.as_ref());
        let Some(text) = change.after.clone() else { return };
        if text.starts_with(ADOPTED) {
            group.adopted = Some(text);
        } else {
            let record = OwnershipRecord::parse(&text);
            assert!(record.is_some(), "{text} is no record");
            group.records.push(RecordValue { text, record });
        }
    }

    fn set(&mut self, guid: ObjectGuid, name: &str, value: Option<&str>) {
        let text = value.map(ToOwned::to_owned);
        let group = self.at(guid);
        match name {
            "displayName" => group.display_name = text,
            "description" => group.description = text,
            "adminDescription" => group.admin_description = text,
            "msDS-ExternalDirectoryObjectId" => group.external_id = text,
            "sAMAccountName" => group.sam_account_name = text.expect("never taken off"),
            "groupType" => {
                group.group_type = text.and_then(|t| t.parse().ok()).expect("a number");
            }
            "extensionName" => {
                let text = text.expect("never taken off");
                let record = OwnershipRecord::parse(&text);
                assert!(record.is_some(), "{text} is no record");
                group.records = vec![RecordValue { text, record }];
            }
            other => {
                let name = AttributeName::parse(other).expect("an attribute name");
                group.attributes.remove(&name);
                group.attributes.extend(text.map(|text| (name, vec![text])));
            }
        }
    }
}

const MULTI_VALUED: [&str; 2] = ["extensionName", "proxyAddresses"];

/// A group of which nothing is known yet.
fn nothing(guid: ObjectGuid) -> DirectoryGroup {
    DirectoryGroup {
        guid,
        sid: None,
        dn: dn(GROUPS),
        sam_account_name: String::new(),
        display_name: None,
        description: None,
        group_type: 0,
        admin_description: None,
        external_id: None,
        records: Vec::new(),
        adopted: None,
        attributes: BTreeMap::new(),
        parents: Vec::new(),
        class: PrincipalClass::Group,
        critical: false,
        privileged: false,
    }
}

//! A directory that takes changes one by one and refuses what Active Directory would refuse.
//!
//! It stands in for the domain where a test needs the world after a plan: every name is free when
//! it is taken, every object is there when it is aimed at, and carries our record.

use std::collections::{BTreeMap, BTreeSet};

use writeback::decide::Decision;
use writeback::decide::conclude::{ChangeResult, remember};
use writeback::decide::guard::HeldPlan;
use writeback::model::change::{AttributeChange, Change, Effect, MemberReference};
use writeback::model::directory::RecordValue;
use writeback::model::{
    AttributeName, DirectoryGroup, Dn, ObjectGuid, ObjectId, Outcome, OwnershipRecord, Target,
};

use crate::world::{GROUPS, OWNER, World, dn};

impl World {
    /// Executes changes in their order; `watch` sees the world after each.
    pub(crate) fn execute(
        &mut self,
        changes: &[Change],
        mut watch: impl FnMut(&Self, &Change),
    ) -> Vec<ChangeResult> {
        let mut results = Vec::new();
        for change in changes.iter().filter(|change| change.effect != Effect::Freeze) {
            let object = self.execute_one(change);
            watch(self, change);
            results.push(ChangeResult {
                change: change.clone(),
                outcome: Outcome::Done { object: Some(object) },
                refused_members: Vec::new(),
                left_out: Vec::new(),
            });
        }
        results
    }

    /// Carries memory over the pass.
    pub(crate) fn remember(&mut self, decision: Decision, results: &[ChangeResult]) {
        let begun = self.now;
        remember(&mut self.memory, decision, &HeldPlan::default(), results, begun);
    }

    fn execute_one(&mut self, change: &Change) -> ObjectGuid {
        if let Effect::Create { attributes } = &change.effect {
            return self.create(change.group, &change.target, attributes);
        }
        if let Effect::Restore { attributes } = &change.effect {
            return self.restore(&change.target, attributes);
        }
        let guid = self.aimed_at(change);
        match &change.effect {
            Effect::Rename { to } | Effect::Move { to } | Effect::Quarantine { to } => {
                self.rename(guid, to.dn());
            }
            Effect::Update { attributes } | Effect::Disable { attributes, .. } => {
                self.update(guid, attributes);
            }
            Effect::Handover { record, .. } => self.update(guid, std::slice::from_ref(record)),
            Effect::Convert { from, to } => {
                let group = self.at(guid);
                assert_eq!(group.group_type, *from, "{change:?}");
                group.group_type = *to;
            }
            Effect::AddMembers { members, .. } => {
                let members: Vec<_> = members.iter().map(|member| self.referred(member)).collect();
                let there = self.domain.members.entry(guid).or_default();
                for member in members {
                    assert!(there.insert(member), "{member} is a member already: {change:?}");
                }
            }
            Effect::RemoveMembers { members, of } => {
                let members: Vec<_> = members.iter().map(|member| self.referred(member)).collect();
                let there = self.domain.members.entry(guid).or_default();
                assert!(there.len() >= *of, "{of} members before: {change:?}");
                for member in members {
                    assert!(there.remove(&member), "{member} is no member: {change:?}");
                }
            }
            Effect::Delete { .. } => {
                self.domain.groups.remove(&guid);
                self.domain.members.remove(&guid);
                self.domain.members.values_mut().for_each(|members| {
                    members.remove(&guid);
                });
            }
            Effect::Create { .. } | Effect::Restore { .. } | Effect::Freeze => {}
        }
        guid
    }

    /// The object of a change. It must be there, in the container, and carry our record.
    fn aimed_at(&mut self, change: &Change) -> ObjectGuid {
        let guid = change.target.object().unwrap_or_else(|| self.created(change.group));
        let group = self.domain.groups.get(&guid);
        let group = group.expect("a change is aimed at an object that is there");
        let ours = matches!(group.records.as_slice(), [value]
            if value.record.as_ref().is_some_and(|r| r.owner == OWNER && r.id == change.group));
        assert!(ours, "no record of ours: {change:?}");
        assert!(group.dn.is_within(&dn(GROUPS)), "outside the containers: {change:?}");
        guid
    }

    fn create(
        &mut self,
        id: ObjectId,
        target: &Target,
        attributes: &[(AttributeName, String)],
    ) -> ObjectGuid {
        let guid = ObjectGuid(id.0);
        assert!(!self.domain.groups.contains_key(&guid), "{id} exists already");
        let group = DirectoryGroup {
            guid,
            sid: None,
            dn: target.dn().clone(),
            sam_account_name: String::new(),
            display_name: None,
            description: None,
            group_type: 0,
            admin_description: None,
            external_id: None,
            records: Vec::new(),
            attributes: BTreeMap::new(),
            parents: Vec::new(),
            privileged: false,
        };
        self.assert_free(guid, target.dn());
        self.domain.groups.insert(guid, group);
        self.domain.members.insert(guid, BTreeSet::new());
        for (name, value) in attributes {
            self.set(guid, name, Some(value));
        }
        guid
    }

    /// A deleted group stands again, without members, as a tombstone comes back.
    fn restore(&mut self, target: &Target, attributes: &[AttributeChange]) -> ObjectGuid {
        let guid = target.object().expect("a deleted object is named by its GUID");
        let deleted = self.domain.deleted.remove(&guid).expect("it is deleted");
        let group = DirectoryGroup {
            guid,
            sid: None,
            dn: target.dn().clone(),
            sam_account_name: deleted.sam_account_name.unwrap_or_default(),
            display_name: None,
            description: None,
            group_type: deleted.group_type.unwrap_or(0),
            admin_description: deleted.admin_description,
            external_id: deleted.external_id,
            records: deleted.records,
            attributes: BTreeMap::new(),
            parents: Vec::new(),
            privileged: false,
        };
        self.assert_free(guid, target.dn());
        self.domain.groups.insert(guid, group);
        self.domain.members.insert(guid, BTreeSet::new());
        self.update(guid, attributes);
        guid
    }

    fn created(&self, id: ObjectId) -> ObjectGuid {
        let ours = |group: &&DirectoryGroup| {
            group.records.iter().any(|v| v.record.as_ref().is_some_and(|r| r.id == id))
        };
        let found = self.domain.groups.values().find(ours);
        found.expect("a group is created before it is filled or nested").guid
    }

    fn referred(&self, member: &MemberReference) -> ObjectGuid {
        match member {
            MemberReference::Existing { guid, .. } => *guid,
            MemberReference::Created { group, .. } => self.created(*group),
        }
    }

    fn rename(&mut self, guid: ObjectGuid, to: &Dn) {
        self.assert_free(guid, to);
        self.at(guid).dn = to.clone();
    }

    fn assert_free(&self, guid: ObjectGuid, place: &Dn) {
        let groups = self.domain.groups.values().map(|group| (group.guid, &group.dn));
        let accounts = self.domain.accounts.values().map(|account| (account.guid, &account.dn));
        let holder = groups.chain(accounts).find(|(_, dn)| dn.key() == place.key());
        assert!(holder.is_none_or(|(holder, _)| holder == guid), "{place} is taken");
    }

    fn update(&mut self, guid: ObjectGuid, attributes: &[AttributeChange]) {
        for change in attributes {
            assert_eq!(self.get(guid, change), change.before, "{change:?}");
            self.put(guid, change);
        }
    }

    fn at(&mut self, guid: ObjectGuid) -> &mut DirectoryGroup {
        self.domain.groups.get_mut(&guid).expect("the group is there")
    }

    fn get(&mut self, guid: ObjectGuid, change: &AttributeChange) -> Option<String> {
        let group = self.at(guid);
        match &*change.name {
            "groupType" => Some(group.group_type.to_string()),
            "displayName" => group.display_name.clone(),
            "description" => group.description.clone(),
            "adminDescription" => group.admin_description.clone(),
            "msDS-ExternalDirectoryObjectId" => group.external_id.clone(),
            "sAMAccountName" => Some(group.sam_account_name.clone()),
            "extensionName" => group.records.first().map(|value| value.text.clone()),
            other => {
                let there = group.values(other);
                change.before.clone().filter(|before| there.contains(before))
            }
        }
    }

    /// Takes the old value out and puts the new one in.
    fn put(&mut self, guid: ObjectGuid, change: &AttributeChange) {
        const MULTI_VALUED: &str = "proxyAddresses";
        if change.name == MULTI_VALUED {
            let values = self.at(guid).attributes.entry(change.name.clone()).or_default();
            values.retain(|value| Some(value) != change.before.as_ref());
            values.extend(change.after.clone());
            return;
        }
        self.set(guid, &change.name, change.after.as_deref());
    }

    fn set(&mut self, guid: ObjectGuid, name: &str, value: Option<&str>) {
        let text = value.map(ToOwned::to_owned);
        if name == "sAMAccountName" {
            self.assert_sam_free(guid, text.as_deref().unwrap_or_default());
        }
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

    fn assert_sam_free(&self, guid: ObjectGuid, name: &str) {
        let groups = self.domain.groups.values().map(|g| (g.guid, g.sam_account_name.as_str()));
        let accounts = self.domain.accounts.values();
        let accounts = accounts.filter_map(|a| Some((a.guid, a.sam_account_name.as_deref()?)));
        let wanted = name.to_lowercase();
        let holder = groups.chain(accounts).find(|(_, sam)| sam.to_lowercase() == wanted);
        assert!(!wanted.is_empty(), "an empty name");
        assert!(holder.is_none_or(|(holder, _)| holder == guid), "{name} is taken");
    }
}

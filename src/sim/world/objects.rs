//! Devices, contacts and identities of applications, and people by the hundred thousand.
//!
//! Input: what tells one from another. Output: objects with the properties a tenant says of them.

use fastrand::Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    FIRST_RID, Link, MAIL_DOMAIN, OtherKind, OtherObject, Person, TenantFacts, World, WorldGroup,
    random_id,
};

/// How a device is known to the tenant (`trustType`,
/// learn.microsoft.com/graph/api/resources/device).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceTrust {
    /// `ServerAd`: a computer of the directory, joined to the tenant as well.
    HybridJoined,
    /// `AzureAd`: joined to the tenant alone.
    Joined,
    /// `Workplace`: somebody's own.
    Registered,
}

impl OtherObject {
    /// A device. `device_id` is its registration, for a hybrid-joined one the `objectGUID` of its
    /// computer account (learn.microsoft.com/entra/identity/devices/how-to-hybrid-join-verify).
    /// It has no SID: see [`OtherObject::with`] for `onPremisesSecurityIdentifier`.
    pub fn device(id: Uuid, display_name: &str, device_id: Uuid, trust: DeviceTrust) -> Self {
        let (trust_type, synced) = match trust {
            DeviceTrust::HybridJoined => ("ServerAd", Some(true)),
            DeviceTrust::Joined => ("AzureAd", None),
            DeviceTrust::Registered => ("Workplace", None),
        };
        Self::of(id, OtherKind::Device, display_name)
            .with("deviceId", json!(device_id))
            .with("trustType", json!(trust_type))
            .with("profileType", json!("RegisteredDevice"))
            .with("onPremisesSyncEnabled", json!(synced))
            .with("accountEnabled", json!(true))
            .with("operatingSystem", json!("Windows"))
            .with("deviceVersion", json!(2))
    }

    /// The hybrid-joined device of a computer account, with the account's SID.
    pub fn computer(id: Uuid, display_name: &str, account: &Link) -> Self {
        Self::device(id, display_name, account.guid, DeviceTrust::HybridJoined)
            .with("onPremisesSecurityIdentifier", json!(account.sid))
    }

    /// A mail contact. It has no SID and no other link to a directory.
    pub fn contact(id: Uuid, display_name: &str, mail: &str) -> Self {
        Self::of(id, OtherKind::OrgContact, display_name)
            .with("mail", json!(mail))
            .with("proxyAddresses", json!([format!("SMTP:{mail}")]))
    }

    /// An application's identity.
    pub fn service_principal(id: Uuid, display_name: &str, app_id: Uuid) -> Self {
        Self::of(id, OtherKind::ServicePrincipal, display_name)
            .with("appId", json!(app_id))
            .with("servicePrincipalType", json!("Application"))
            .with("accountEnabled", json!(true))
    }

    /// An object of a type not yet known, by its name without namespace.
    pub fn unknown(id: Uuid, type_name: &str) -> Self {
        Self { id, kind: OtherKind::Unknown(type_name.to_owned()), properties: [].into() }
    }

    /// The same object that says this of itself.
    #[must_use]
    pub fn with(mut self, property: &str, value: Value) -> Self {
        self.properties.insert(property.to_owned(), value);
        self
    }

    fn of(id: Uuid, kind: OtherKind, display_name: &str) -> Self {
        Self { id, kind, properties: [].into() }.with("displayName", json!(display_name))
    }
}

impl Person {
    /// A person with a sign-in name and mail address made from the account name, without a
    /// directory account.
    pub fn new(id: Uuid, display_name: &str, sam_account_name: &str) -> Self {
        Self {
            id,
            display_name: display_name.to_owned(),
            user_principal_name: format!("{sam_account_name}@{MAIL_DOMAIN}"),
            sam_account_name: sam_account_name.to_owned(),
            account_enabled: true,
            guest: false,
            cloud_only: false,
            link: None,
        }
    }
}

impl WorldGroup {
    /// The same group, mastered on-premises with this SID. Its scope is not in the tenant: no
    /// property of a cloud group tells it (learn.microsoft.com/graph/api/resources/group).
    #[must_use]
    pub fn mastered_on_premises(mut self, sid: &str) -> Self {
        self.on_premises_sync_enabled = Some(true);
        self.on_premises_security_identifier = Some(sid.to_owned());
        self
    }

    /// The same group, once mastered on-premises and then converted to the cloud: the SID stays.
    /// Whether `onPremisesSyncEnabled` is false or null then is not documented.
    #[must_use]
    pub fn converted(mut self, sid: &str, sync_enabled: Option<bool>) -> Self {
        self.on_premises_sync_enabled = sync_enabled.filter(|enabled| !enabled);
        self.on_premises_security_identifier = Some(sid.to_owned());
        self
    }
}

impl World {
    /// A tenant with a name and nothing in it.
    pub fn empty(seed: u64, tenant_name: &str) -> Self {
        Self {
            tenant_id: random_id(&mut Rng::with_seed(seed)),
            tenant_name: tenant_name.to_owned(),
            people: Vec::new(),
            groups: Vec::new(),
            others: Vec::new(),
            facts: TenantFacts::default(),
        }
    }

    /// Adds so many people and gives back their ids, for the members of a group at a limit. Each
    /// is linked into the domain of this SID, with RIDs that follow on those given out before:
    /// `None` leaves them without a directory account.
    pub fn add_crowd(&mut self, count: usize, domain_sid: Option<&str>) -> Vec<Uuid> {
        let (first, _) = self.tenant_id.as_u64_pair();
        let before = self.people.len();
        let mut rng = Rng::with_seed(first ^ u64::try_from(before).unwrap_or_default());
        let mut ids = Vec::with_capacity(count);
        self.people.reserve(count);
        for (number, rid) in (before..before + count).zip(self.next_rid()..) {
            let id = random_id(&mut rng);
            let mut person = Person::new(id, &format!("Crowd {number:06}"), &format!("c{number}"));
            person.cloud_only = domain_sid.is_none();
            person.link = domain_sid
                .map(|sid| Link { sid: format!("{sid}-{rid}"), guid: random_id(&mut rng) });
            self.people.push(person);
            ids.push(id);
        }
        ids
    }

    /// The first RID that no link of the world has.
    fn next_rid(&self) -> u32 {
        let links = self.people.iter().filter_map(|person| person.link.as_ref());
        let rids = links.filter_map(|link| link.sid.rsplit('-').next()?.parse::<u32>().ok());
        rids.max().map_or(FIRST_RID, |rid| rid.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sim::world::{DOMAIN_SID, GroupKind};

    #[test]
    fn a_crowd_follows_on_the_people_before_it() {
        let mut world = World::small(1);
        let first = world.add_crowd(50, Some(DOMAIN_SID));
        let second = world.add_crowd(50, Some(DOMAIN_SID));
        let alone = world.add_crowd(5, None);
        assert_eq!(world.people.len(), 117);
        let ids: BTreeSet<Uuid> = world.people.iter().map(|person| person.id).collect();
        assert_eq!(ids.len(), 117);
        assert!(first.iter().chain(&second).chain(&alone).all(|id| ids.contains(id)));
        let links = || world.people.iter().filter_map(|person| person.link.as_ref());
        assert_eq!(links().map(|link| &link.sid).collect::<BTreeSet<_>>().len(), 112);
        assert_eq!(links().map(|link| link.guid).collect::<BTreeSet<_>>().len(), 112);
        assert!(links().any(|link| link.sid == format!("{DOMAIN_SID}-{}", FIRST_RID + 111)));
        let accounts: BTreeSet<&str> =
            world.people.iter().map(|person| person.sam_account_name.as_str()).collect();
        assert_eq!(accounts.len(), 117);
    }

    #[test]
    fn a_converted_group_is_never_one_that_syncs() {
        let group = WorldGroup::new(Uuid::nil(), "Old", "old", GroupKind::Security);
        let converted = group.converted("S-1-5-21-1-2-3-4", Some(true));
        assert_eq!(converted.on_premises_sync_enabled, None);
        assert!(converted.on_premises_security_identifier.is_some());
    }
}

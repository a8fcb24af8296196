//! What a scenario finds in the directory before the product comes: people, computers, devices and
//! groups of every kind, in organizational units of its own.
//!
//! Comes from: calls of a test. Goes to: the lab, as Administrator over LDAPS. Names are unique in
//! the whole domain (`sAMAccountName`), so tests that run at once put theirs in front.

use uuid::Uuid;

use super::{Entry, Lab, User, child, head, line};

/// `groupType` as it is written (MS-ADTS 2.2.12): a signed number of 32 bits.
pub mod group_type {
    /// Universal, distribution.
    pub const UNIVERSAL_DISTRIBUTION: i32 = 8;
    /// Universal, security.
    pub const UNIVERSAL_SECURITY: i32 = -2_147_483_640;
    /// Global, distribution.
    pub const GLOBAL_DISTRIBUTION: i32 = 2;
    /// Global, security.
    pub const GLOBAL_SECURITY: i32 = -2_147_483_646;
    /// Domain local, distribution.
    pub const DOMAIN_LOCAL_DISTRIBUTION: i32 = 4;
    /// Domain local, security.
    pub const DOMAIN_LOCAL_SECURITY: i32 = -2_147_483_644;
}

/// Whether a person may log on; neither has a password (`PASSWD_NOTREQD`, MS-ADTS 2.2.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logon {
    /// `NORMAL_ACCOUNT`.
    Enabled,
    /// `NORMAL_ACCOUNT` and `ACCOUNTDISABLE`.
    Disabled,
}

/// A scenario's part of the domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// An organizational unit that the service account may write.
    pub inside: String,
    /// One that it may only read.
    pub outside: String,
}

impl Lab {
    /// Makes an organizational unit of this name below the lab's delegated container, `below` in it
    /// (`OU=Quarantine`, `OU=Deep,OU=Nested` after `OU=Nested`), and one below `OU=Outside`. What
    /// stood there before is removed.
    pub fn ground(&self, name: &str, below: &[&str]) -> Ground {
        let container = self.setting("LAB_CONTAINER_DN");
        let ground = Ground {
            inside: format!("OU={name},{container}"),
            outside: format!("OU={name},OU=Outside,{}", self.setting("LAB_BASE_DN")),
        };
        self.remove_ground(&ground);
        let below = below.iter().map(|relative| format!("{relative},{}", ground.inside));
        let units = [ground.outside.clone(), ground.inside.clone()].into_iter().chain(below);
        let ldif: Vec<String> =
            units.map(|dn| format!("{}objectClass: organizationalUnit\n", head(&dn))).collect();
        self.change("add", &ldif.join("\n"));
        ground
    }

    /// Removes a ground with everything in it; what is not there is as good as removed.
    pub fn remove_ground(&self, ground: &Ground) {
        // The people outside go first: a group is not deleted while it is somebody's primary group.
        for unit in [&ground.outside, &ground.inside] {
            let filter = format!("(distinguishedName={unit})");
            if !self.search(self.setting("LAB_BASE_DN"), "sub", &filter, &["1.1"]).is_empty() {
                // LDAP_SERVER_TREE_DELETE_OID (MS-ADTS 3.1.1.3.4.1.15).
                let tree = ["-e", "!1.2.840.113556.1.4.805"];
                self.run(&["modify"], &tree, &format!("{}changetype: delete\n", head(unit)));
            }
        }
    }

    /// Adds a person; gives the DN.
    pub fn add_user(
        &self,
        parent: &str,
        name: &str,
        logon: Logon,
        more: &[(&str, &str)],
    ) -> String {
        let control = match logon {
            Logon::Enabled => "544",
            Logon::Disabled => "546",
        };
        let own = [("sAMAccountName", name), ("userAccountControl", control)];
        self.add_object(parent, "user", name, &[&own, more].concat())
    }

    /// Adds a computer; gives its DN.
    pub fn add_computer(&self, parent: &str, name: &str, more: &[(&str, &str)]) -> String {
        let account = format!("{name}$");
        // WORKSTATION_TRUST_ACCOUNT.
        let own = [("sAMAccountName", account.as_str()), ("userAccountControl", "4096")];
        self.add_object(parent, "computer", name, &[&own, more].concat())
    }

    /// Adds a contact, which is no account and has no SID; gives its DN.
    pub fn add_contact(&self, parent: &str, name: &str, more: &[(&str, &str)]) -> String {
        self.add_object(parent, "contact", name, more)
    }

    /// Adds the object that device writeback makes for a registered device; gives its DN. It may
    /// stand in `CN=RegisteredDevices` of the domain only (MS-ADSC 2.136), belongs to no ground and
    /// stays until [`Self::delete`] takes it away.
    pub fn add_device(&self, device_id: Uuid, display_name: &str) -> String {
        let container = format!("CN=RegisteredDevices,{}", self.setting("LAB_BASE_DN"));
        let dn = child(&device_id.to_string(), &container);
        let mut ldif = format!("{}objectClass: msDS-Device\nmsDS-IsEnabled: TRUE\n", head(&dn));
        ldif.push_str(&line("displayName", display_name));
        ldif.push_str(&line("msDS-DeviceID", device_id.to_bytes_le()));
        // Mandatory, and of no meaning here.
        ldif.push_str(&line("altSecurityIdentities", format!("X509:<SHA1-TP-PUBKEY>{device_id}")));
        self.change("add", &ldif);
        dn
    }

    fn add_object(&self, parent: &str, class: &str, name: &str, more: &[(&str, &str)]) -> String {
        let dn = child(name, parent);
        let mut ldif = format!("{}objectClass: {class}\n", head(&dn));
        for (name, value) in more {
            ldif.push_str(&line(name, value));
        }
        self.change("add", &ldif);
        dn
    }

    /// Makes a group a person's primary group: a member then, though not in `member`.
    pub fn make_primary_group(&self, user: &str, group: &str) {
        // Only a member may be given it (MS-SAMR 3.1.1.8.2, checked by Samba too).
        self.add_value(group, "member", user);
        let sid = self.entry(group).sid().to_vec();
        let relative = u32::from_le_bytes(*sid.last_chunk().unwrap());
        self.replace_value(user, "primaryGroupID", &relative.to_string());
    }

    /// Gives an attribute exactly these values, octets as they are; none takes it off.
    pub fn set(&self, dn: &str, name: &str, values: &[&[u8]]) {
        let values: String = values.iter().map(|value| line(name, value)).collect();
        let change = format!("{}changetype: modify\nreplace: {name}\n{values}-\n", head(dn));
        self.change("modify", &change);
    }

    /// Deletes one object, as somebody does it by hand.
    pub fn delete(&self, dn: &str) {
        self.change("modify", &format!("{}changetype: delete\n", head(dn)));
    }

    /// All attributes of an object that is there.
    pub fn entry(&self, dn: &str) -> Entry {
        let mut found = self.search(dn, "base", "(objectClass=*)", &["*", "memberOf"]);
        assert_eq!(found.len(), 1, "{dn}");
        found.remove(0)
    }

    /// The identifiers by which the cloud names an account.
    pub fn user(&self, dn: &str) -> User {
        let entry = self.entry(dn);
        User { sid: sid_text(entry.sid()), guid: entry.guid(), dn: entry.dn }
    }

    /// The object of this objectGUID, wherever it stands now; `None` when it was deleted.
    pub fn living(&self, guid: Uuid) -> Option<Entry> {
        let domain = self.setting("LAB_BASE_DN");
        self.search(domain, "sub", &guid_filter(guid), &["*", "memberOf"]).pop()
    }

    /// The deleted object of this objectGUID.
    pub fn deleted(&self, guid: Uuid) -> Option<Entry> {
        let container = format!("CN=Deleted Objects,{}", self.setting("LAB_BASE_DN"));
        // LDAP_SERVER_SHOW_DELETED_OID (MS-ADTS 3.1.1.3.4.1.14), by ldapsearch's name.
        let arguments =
            ["-E", "!showDeleted", "-b", &container, "-s", "one", &guid_filter(guid), "*"];
        super::parse(&self.run(&["search"], &arguments, "")).pop()
    }

    /// Lets the service account write one more attribute of the groups below a container.
    pub fn allow_attribute(&self, container: &str, name: &str) {
        self.run(&["delegate"], &[container, "--attribute", name], "");
    }
}

/// `(objectGUID=…)` with every octet escaped (RFC 4515).
fn guid_filter(guid: Uuid) -> String {
    let octets = guid.to_bytes_le().map(|octet| format!("\\{octet:02x}"));
    format!("(objectGUID={})", octets.concat())
}

/// A SID as text (MS-DTYP 2.4.2.1): revision, authority, and the little-endian numbers after them.
pub fn sid_text(octets: &[u8]) -> String {
    let authority = octets[2..8].iter().fold(0_u64, |sum, octet| (sum << 8) | u64::from(*octet));
    let numbers = octets[8..].chunks_exact(4).map(|number| {
        let number: [u8; 4] = number.try_into().unwrap();
        u32::from_le_bytes(number).to_string()
    });
    let start = format!("S-{}-{authority}", octets[0]);
    [start].into_iter().chain(numbers).collect::<Vec<_>>().join("-")
}

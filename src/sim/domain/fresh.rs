//! What a domain holds on its first day: naming contexts, containers, well-known principals and
//! the schema (MS-ADTS 6.1.1; well-known SIDs of MS-DTYP 2.4.2.4).
//!
//! Input: the options of the domain. Output: a tree that a client cannot tell from a new forest
//! as far as it looks: privileged groups with adminCount=1, critical objects, their identifiers.

mod forest;
mod schema;

use std::collections::BTreeMap;

use uuid::Uuid;

use super::DomainOptions;
use super::dn::{Dn, Rdn};
use super::identity::sid_octets;
use super::schema::{Schema, class_named};
use super::tree::{History, Object, Tree};

/// groupType values: global and universal security, domain local security, builtin.
const GLOBAL: i64 = -2_147_483_646;
const UNIVERSAL: i64 = -2_147_483_640;
const LOCAL: i64 = -2_147_483_644;
const BUILTIN: i64 = -2_147_483_643;

/// Well-known groups of CN=Users: name, relative identifier, type, adminCount.
const GROUPS: &[(&str, u32, i64, bool)] = &[
    ("Domain Admins", 512, GLOBAL, true),
    ("Domain Users", 513, GLOBAL, false),
    ("Domain Guests", 514, GLOBAL, false),
    ("Domain Computers", 515, GLOBAL, false),
    ("Domain Controllers", 516, GLOBAL, true),
    ("Cert Publishers", 517, LOCAL, false),
    ("Schema Admins", 518, UNIVERSAL, true),
    ("Enterprise Admins", 519, UNIVERSAL, true),
    ("Group Policy Creator Owners", 520, GLOBAL, false),
    ("Read-only Domain Controllers", 521, GLOBAL, true),
    ("Cloneable Domain Controllers", 522, GLOBAL, false),
    ("Protected Users", 525, GLOBAL, false),
    ("Key Admins", 526, GLOBAL, true),
    ("Enterprise Key Admins", 527, UNIVERSAL, true),
    ("RAS and IAS Servers", 553, LOCAL, false),
    ("DnsAdmins", 1101, LOCAL, false),
    ("DnsUpdateProxy", 1102, GLOBAL, false),
];

/// Aliases of CN=Builtin: name, relative identifier below S-1-5-32, adminCount.
const ALIASES: &[(&str, u32, bool)] = &[
    ("Administrators", 544, true),
    ("Users", 545, false),
    ("Guests", 546, false),
    ("Account Operators", 548, true),
    ("Server Operators", 549, true),
    ("Print Operators", 550, true),
    ("Backup Operators", 551, true),
    ("Replicator", 552, true),
    ("Remote Desktop Users", 555, false),
    ("Hyper-V Administrators", 578, false),
    ("Remote Management Users", 580, false),
];

type Values<'a> = &'a [(&'static str, String)];

fn critical() -> (&'static str, String) {
    ("isCriticalSystemObject", "TRUE".to_owned())
}

/// What a domain controller's own account says of it.
fn controller(name: &str, domain: &str) -> Vec<(&'static str, String)> {
    vec![
        ("dNSHostName", format!("{}.{domain}", name.to_lowercase())),
        ("operatingSystem", "Windows Server 2022 Standard".to_owned()),
        ("operatingSystemVersion", "10.0 (20348)".to_owned()),
    ]
}

/// Places objects without the checks that writes go through.
struct Builder {
    tree: Tree,
}

impl Builder {
    fn put(
        &mut self,
        parent: Option<Uuid>,
        name: &str,
        class: &str,
        sid: Option<&str>,
        values: Values<'_>,
    ) -> Uuid {
        let class = class_named(class).expect("classes of a fresh domain are in the table");
        let guid = self.tree.next_guid();
        let usn = self.tree.next_usn();
        let text =
            |(name, value): &(&'static str, String)| (*name, vec![value.clone().into_bytes()]);
        self.tree.plant(Object {
            guid,
            parent,
            rdn: Rdn::new(class.naming, name),
            class,
            sid: sid.and_then(sid_octets),
            attributes: values.iter().map(text).collect(),
            forward: BTreeMap::new(),
            backward: BTreeMap::new(),
            created: usn,
            changed: usn,
            deleted: false,
            last_parent: None,
            history: History::default(),
        });
        guid
    }

    fn head(&mut self, dn: Dn, class: &str, sid: Option<&str>) -> Uuid {
        let name = dn.0.first().map(|rdn| rdn.value.clone()).unwrap_or_default();
        let guid = self.put(None, &name, class, sid, &[]);
        self.tree.heads.push((dn, guid));
        self.tree.heads.sort_by_key(|(dn, _)| std::cmp::Reverse(dn.0.len()));
        guid
    }

    fn principal(
        &mut self,
        parent: Uuid,
        name: &str,
        class: &str,
        rid: u32,
        values: Values<'_>,
    ) -> Uuid {
        let sid = format!("{}-{rid}", self.tree.domain_sid);
        let account = match class {
            "computer" => format!("{name}$"),
            _ => name.to_owned(),
        };
        let mut all = vec![("sAMAccountName", account)];
        all.extend_from_slice(values);
        self.put(Some(parent), name, class, Some(&sid), &all)
    }

    fn accounts(&mut self, users: Uuid, controllers: Uuid) -> (Uuid, Uuid) {
        let flags = |control: i64, group: u32| {
            vec![
                ("userAccountControl", control.to_string()),
                ("primaryGroupID", group.to_string()),
                critical(),
            ]
        };
        let mut privileged = flags(0x200, 513);
        privileged.push(("adminCount", "1".to_owned()));
        let administrator = self.principal(users, "Administrator", "user", 500, &privileged);
        // Disabled accounts: 0x2 is ACCOUNTDISABLE (MS-ADTS 2.2.16).
        self.principal(users, "Guest", "user", 501, &flags(0x10222, 514));
        let mut disabled = flags(0x202, 513);
        disabled.push(("adminCount", "1".to_owned()));
        let krbtgt = self.principal(users, "krbtgt", "user", 502, &disabled);
        let mut server = flags(0x82000, 516);
        server.extend(controller("DC1", &self.tree.base.domain_name()));
        self.principal(controllers, "DC1", "computer", 1000, &server);
        (administrator, krbtgt)
    }

    fn groups(&mut self, users: Uuid, builtin: Uuid) -> BTreeMap<&'static str, Uuid> {
        let mut found = BTreeMap::new();
        let values = |kind: i64, privileged: bool| {
            let mut values = vec![("groupType", kind.to_string()), critical()];
            if privileged {
                values.push(("adminCount", "1".to_owned()));
            }
            values
        };
        for &(name, rid, kind, privileged) in GROUPS {
            let guid = self.principal(users, name, "group", rid, &values(kind, privileged));
            found.insert(name, guid);
        }
        for &(name, rid, privileged) in ALIASES {
            let mut all = vec![("sAMAccountName", name.to_owned())];
            all.extend(values(BUILTIN, privileged));
            let sid = format!("S-1-5-32-{rid}");
            found.insert(name, self.put(Some(builtin), name, "group", Some(&sid), &all));
        }
        found
    }

    fn memberships(&mut self, groups: &BTreeMap<&'static str, Uuid>, administrator: Uuid) {
        for (group, member) in [
            ("Administrators", "Domain Admins"),
            ("Administrators", "Enterprise Admins"),
            ("Users", "Domain Users"),
            ("Guests", "Domain Guests"),
        ] {
            if let (Some(&group), Some(&member)) = (groups.get(group), groups.get(member)) {
                self.tree.link(group, "member", member);
            }
        }
        for group in ["Administrators", "Domain Admins", "Enterprise Admins", "Schema Admins"] {
            if let Some(&group) = groups.get(group) {
                self.tree.link(group, "member", administrator);
            }
        }
    }
}

/// The tree of a new forest, and its Administrator.
pub(super) fn fresh(options: &DomainOptions, base: &Dn, random: fastrand::Rng) -> (Tree, Uuid) {
    let schema = Schema::new(options.exchange, options.external_id);
    let mut builder = Builder { tree: Tree::empty(schema, base.clone(), &options.netbios, random) };
    let domain_sid = builder.tree.domain_sid.clone();
    let below = |name: &str, dn: &Dn| {
        let mut parts = vec![Rdn::new("CN", name)];
        parts.extend(dn.0.clone());
        Dn(parts)
    };
    let configuration_dn = below("Configuration", base);
    let schema_dn = below("Schema", &configuration_dn);
    let domain = builder.head(base.clone(), "domainDNS", Some(&domain_sid));
    let configuration = builder.head(configuration_dn, "configuration", None);
    let container = builder.head(schema_dn, "dMD", None);
    let version = if options.external_id { 88 } else { 69 };
    builder.schema(container, version);
    builder.configuration(options, configuration, domain);
    let at = Some(domain);
    let users = builder.put(at, "Users", "container", None, &[critical()]);
    builder.put(at, "Computers", "container", None, &[critical()]);
    builder.put(at, "System", "container", None, &[critical()]);
    if options.exchange {
        let version = [("objectVersion", forest::EXCHANGE_DOMAIN.to_owned())];
        let name = "Microsoft Exchange System Objects";
        builder.put(at, name, "msExchSystemObjectsContainer", None, &version);
    }
    let builtin = builder.put(at, "Builtin", "builtinDomain", None, &[critical()]);
    let foreign = builder.put(at, "ForeignSecurityPrincipals", "container", None, &[critical()]);
    let deleted = builder.put(at, "Deleted Objects", "container", None, &[critical()]);
    let controllers =
        builder.put(at, "Domain Controllers", "organizationalUnit", None, &[critical()]);
    builder.tree.deleted_objects = deleted;
    builder.tree.foreign_principals = foreign;
    let (administrator, _) = builder.accounts(users, controllers);
    let groups = builder.groups(users, builtin);
    builder.memberships(&groups, administrator);
    builder.other_controllers(&options.other_controllers, controllers);
    (builder.tree, administrator)
}

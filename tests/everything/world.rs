//! A world with one of everything that the plan for group writeback and SEMANTICS 4 to 7 name.
//!
//! The directory is made first and gives out objectGUIDs and SIDs; the tenant repeats them, and so
//! does the [`Truth`] by which an oracle judges.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use uuid::Uuid;
use writeback::sim::tenant::Tenant;
use writeback::sim::world::{
    DeviceTrust, GroupKind, Link, MAIL_DOMAIN, OtherObject, Person, World, WorldGroup,
};

use crate::course::Truth;
use crate::directory::Object;
use crate::ground::Ground;
use crate::lab::child;

/// People with accounts and nothing else to them: `p01` and so on.
const PEOPLE: usize = 24;
/// Groups of each kind beside those with a story, `team 01` and so on: the guards of a policy with
/// few groups let one change at a time pass.
const TEAMS: usize = 24;
/// NORMAL_ACCOUNT and PASSWD_NOTREQD (MS-ADTS 2.2.16).
const ACCOUNT: &[u8] = b"544";
/// WORKSTATION_TRUST_ACCOUNT and PASSWD_NOTREQD.
const COMPUTER: &[u8] = b"4128";
const UNIVERSAL: i32 = -2_147_483_640;
const GLOBAL: i32 = -2_147_483_646;
const DOMAIN_LOCAL: i32 = -2_147_483_644;

/// The world, and who is who in it.
pub struct Cast {
    /// The cloud side.
    pub world: World,
    /// What stands behind it.
    pub truth: Truth,
    /// Objects of the container that are none of the product's business.
    pub bystanders: BTreeSet<Uuid>,
    tag: String,
    ids: BTreeMap<String, Uuid>,
    objects: BTreeMap<String, Object>,
    said: Vec<(Uuid, &'static str, Value)>,
}

impl Cast {
    /// Makes the directory's part and gathers the tenant's. `tag` stands in front of names that are
    /// unique in a domain.
    pub async fn assemble(ground: &mut Ground, tag: &str) -> Self {
        // Tombstones of earlier runs carry the ids of theirs.
        let world = World::empty(fastrand::u64(..), "Contoso");
        let truth = Truth { exchange: true, ..Truth::default() };
        let mut cast = Self {
            world,
            truth,
            bystanders: BTreeSet::new(),
            tag: tag.to_owned(),
            ids: BTreeMap::new(),
            objects: BTreeMap::new(),
            said: Vec::new(),
        };
        cast.people(ground).await;
        cast.devices(ground).await;
        cast.directory_groups(ground).await;
        cast.things();
        cast.microsoft365_groups();
        cast.security_groups();
        cast.other_groups();
        cast.actors();
        cast.teams();
        cast.is_whole();
        cast
    }

    /// Starts the tenant.
    pub async fn tenant(&self) -> Tenant {
        let tenant = Tenant::start(&self.world).await.unwrap();
        tenant.edit(|cloud| {
            for (id, property, value) in &self.said {
                cloud.say(*id, property, value.clone());
            }
        });
        tenant
    }

    /// The id of something in the cloud.
    pub fn id(&self, name: &str) -> Uuid {
        *self.ids.get(name).unwrap_or_else(|| panic!("nothing is called {name}"))
    }

    /// objectGUID of something that was in the directory before us.
    pub fn guid(&self, name: &str) -> Uuid {
        self.objects[name].guid
    }

    /// A name that is unique in the domain, fit for an account and an address.
    fn tagged(&self, name: &str) -> String {
        let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        format!("{}-{}", self.tag, words.join("-").to_lowercase())
    }

    fn id_for(&mut self, name: &str) -> Uuid {
        *self.ids.entry(name.to_owned()).or_insert_with(Uuid::new_v4)
    }

    /// Every name that something is a member by belongs to something.
    fn is_whole(&self) {
        let world = &self.world;
        let made: BTreeSet<Uuid> = (world.people.iter().map(|one| one.id))
            .chain(world.groups.iter().map(|one| one.id))
            .chain(world.others.iter().map(|one| one.id))
            .collect();
        for (name, id) in &self.ids {
            assert!(made.contains(id), "{name} is a member of something and was never made");
        }
    }
}

/// People, devices and things.
impl Cast {
    async fn account(&mut self, ground: &mut Ground, name: &str) -> Object {
        let dn = child(name, &ground.outside);
        let account_name = self.tagged(name);
        let values = [
            ("sAMAccountName", account_name.as_bytes()),
            ("displayName", name.as_bytes()),
            ("userAccountControl", ACCOUNT),
        ];
        ground.directory.add(&dn, "user", &values).await;
        let object = ground.directory.named(&dn).await;
        self.objects.insert(name.to_owned(), object.clone());
        object
    }

    async fn linked(&mut self, ground: &mut Ground, name: &str) -> &mut Person {
        let object = self.account(ground, name).await;
        let sid = object.sid.clone().expect("an account has a SID");
        let guid = object.guid;
        let id = self.id_for(name);
        self.truth.counterparts.insert(id, guid);
        let person = self.cloud_only(name);
        person.cloud_only = false;
        person.link = Some(Link { sid, guid });
        person
    }

    fn cloud_only(&mut self, name: &str) -> &mut Person {
        let mut person = Person::new(self.id_for(name), name, &self.tagged(name));
        person.cloud_only = true;
        self.world.people.push(person);
        self.world.people.last_mut().unwrap()
    }

    async fn people(&mut self, ground: &mut Ground) {
        for number in 1..=PEOPLE {
            self.linked(ground, &format!("p{number:02}")).await;
        }
        self.linked(ground, "guest linked").await.guest = true;
        self.cloud_only("guest alone").guest = true;
        self.cloud_only("cloud only");
        self.linked(ground, "disabled").await.account_enabled = false;
        let by_id = self.linked(ground, "known by id").await.id;
        self.said.push((by_id, "onPremisesSecurityIdentifier", Value::Null));
        let by_sid = self.linked(ground, "known by sid").await.id;
        self.said.push((by_sid, "onPremisesImmutableId", Value::Null));
        let consistency = Uuid::new_v4();
        let person = self.linked(ground, "known by anchor").await;
        person.link.as_mut().unwrap().guid = consistency;
        let id = person.id;
        self.said.push((id, "onPremisesSecurityIdentifier", Value::Null));
        let dn = self.objects["known by anchor"].dn.clone();
        let octets = consistency.to_bytes_le();
        ground.directory.set(&dn, "mS-DS-ConsistencyGuid", &[&octets]).await;
    }

    async fn computer(&mut self, ground: &mut Ground, name: &str) -> Object {
        let dn = child(name, &ground.outside);
        let account_name = format!("{}$", self.tagged(name));
        let values =
            [("sAMAccountName", account_name.as_bytes()), ("userAccountControl", COMPUTER)];
        ground.directory.add(&dn, "computer", &values).await;
        ground.directory.named(&dn).await
    }

    async fn written_back_device(&mut self, ground: &mut Ground, name: &str) -> Uuid {
        let device_id = Uuid::new_v4();
        let dn = child(&device_id.to_string(), &ground.devices());
        let key = format!("X509:<SHA1-TP-PUBKEY>{device_id}");
        let values: [(&str, &[u8]); 4] = [
            ("displayName", name.as_bytes()),
            ("msDS-IsEnabled", b"TRUE"),
            ("msDS-DeviceID", &device_id.to_bytes_le()),
            ("altSecurityIdentities", key.as_bytes()),
        ];
        ground.directory.add(&dn, "msDS-Device", &values).await;
        ground.elsewhere.push(dn.clone());
        let object = ground.directory.named(&dn).await;
        let id = self.id_for(name);
        self.truth.counterparts.insert(id, object.guid);
        device_id
    }

    async fn devices(&mut self, ground: &mut Ground) {
        let computer = self.computer(ground, "pc").await;
        let id = self.id_for("pc");
        self.truth.counterparts.insert(id, computer.guid);
        let device = OtherObject::device(id, "pc", computer.guid, DeviceTrust::HybridJoined);
        self.world.others.push(device);
        let computer = self.computer(ground, "pc by sid").await;
        let id = self.id_for("pc by sid");
        self.truth.counterparts.insert(id, computer.guid);
        let link = Link { sid: computer.sid.clone().unwrap(), guid: computer.guid };
        self.world.others.push(OtherObject::computer(id, "pc by sid", &link));
        for (name, trust) in [
            ("joined with object", DeviceTrust::Joined),
            ("registered with object", DeviceTrust::Registered),
        ] {
            let device_id = self.written_back_device(ground, name).await;
            let device = OtherObject::device(self.id_for(name), name, device_id, trust);
            self.world.others.push(device);
        }
        for (name, trust) in [
            ("joined alone", DeviceTrust::Joined),
            ("registered alone", DeviceTrust::Registered),
            ("pc without computer", DeviceTrust::HybridJoined),
        ] {
            let device = OtherObject::device(self.id_for(name), name, Uuid::new_v4(), trust);
            self.world.others.push(device);
        }
    }

    fn things(&mut self) {
        let id = self.id_for("contact");
        self.world.others.push(OtherObject::contact(id, "contact", "contact@elsewhere.example"));
        let id = self.id_for("application");
        let application = OtherObject::service_principal(id, "application", Uuid::new_v4());
        self.world.others.push(application);
        let id = self.id_for("thing");
        self.world.others.push(OtherObject::unknown(id, "planet").with("tilt", json!(23)));
    }
}

/// Groups.
impl Cast {
    async fn directory_group(&mut self, ground: &mut Ground, name: &str, place: &str, kind: i32) {
        let dn = child(name, place);
        let (account_name, kind) = (self.tagged(name), kind.to_string());
        let values = [("sAMAccountName", account_name.as_bytes()), ("groupType", kind.as_bytes())];
        ground.directory.add(&dn, "group", &values).await;
        let object = ground.directory.named(&dn).await;
        self.objects.insert(name.to_owned(), object);
    }

    fn sid(&self, name: &str) -> String {
        self.objects[name].sid.clone().expect("a group has a SID")
    }

    /// Groups of the directory: some the tenant knows, one it took over, one it never heard of.
    async fn directory_groups(&mut self, ground: &mut Ground) {
        let (inside, outside) = (ground.container.clone(), ground.outside.clone());
        let mastered = [
            ("op universal", UNIVERSAL),
            ("op global", GLOBAL),
            ("op local", DOMAIN_LOCAL),
            ("op universal list", 8),
            ("op parent", UNIVERSAL),
        ];
        for (name, kind) in mastered {
            self.directory_group(ground, name, &outside, kind).await;
            let group = self.group(name, GroupKind::Security, Some(true), "p01");
            let id = group.id;
            let sid = self.sid(name);
            let group = self.world.groups.pop().unwrap().mastered_on_premises(&sid);
            self.world.groups.push(group);
            if kind != DOMAIN_LOCAL {
                let guid = self.guid(name);
                self.truth.counterparts.insert(id, guid);
            }
        }
        for (name, sync_enabled) in [("converted", None), ("converted, false", Some(false))] {
            self.directory_group(ground, name, &inside, UNIVERSAL).await;
            let id = self.group(name, GroupKind::Security, Some(true), "p01, p02").id;
            let sid = self.sid(name);
            let group = self.world.groups.pop().unwrap().converted(&sid, sync_enabled);
            self.world.groups.push(group);
            let guid = self.guid(name);
            self.truth.counterparts.insert(id, guid);
            self.bystanders.insert(guid);
        }
        self.directory_group(ground, "printer users", &inside, GLOBAL).await;
        let guid = self.guid("printer users");
        self.bystanders.insert(guid);
        self.directory_group(ground, "fileserver", &outside, DOMAIN_LOCAL).await;
        for group in ["converted", "printer users", "op global", "fileserver"] {
            let (group, member) = (self.objects[group].dn.clone(), self.objects["p03"].dn.clone());
            ground.directory.add_value(&group, "member", &member).await;
        }
        // Somebody who has the address of a group.
        let address = format!("{}@{MAIL_DOMAIN}", self.tagged("taken"));
        let dn = child("address holder", &outside);
        ground.directory.add(&dn, "contact", &[("mail", address.as_bytes())]).await;
        self.truth.taken_addresses.insert(address);
    }

    fn group(
        &mut self,
        name: &str,
        kind: GroupKind,
        flag: Option<bool>,
        members: &str,
    ) -> &mut WorldGroup {
        let members = members.split(", ").filter(|member| !member.is_empty());
        let members: Vec<Uuid> = members.map(|member| self.id_for(member)).collect();
        let mut group = WorldGroup::new(self.id_for(name), name, &self.tagged(name), kind);
        group.writeback_enabled = flag;
        group.members = members;
        self.world.groups.push(group);
        self.world.groups.last_mut().unwrap()
    }

    fn microsoft365(&mut self, name: &str, flag: Option<bool>, members: &str) -> &mut WorldGroup {
        self.group(name, GroupKind::Microsoft365, flag, members)
    }

    fn security(&mut self, name: &str, flag: Option<bool>, members: &str) -> &mut WorldGroup {
        self.group(name, GroupKind::Security, flag, members)
    }

    fn microsoft365_groups(&mut self) {
        let everyone = "p01, p02, p03, guest linked, guest alone, cloud only, \
                        disabled, known by id, known by sid, known by anchor";
        let group = self.microsoft365("365 null", None, everyone);
        group.description = Some("Nobody has configured it".to_owned());
        group.further_addresses = vec!["smtp:old@corp.example".to_owned()];
        let text = |text: &str| Some(text.to_owned());
        let on = Some(true);
        self.microsoft365("365 plain", on, "p01, p02").description = text("Zoë’s \"team\", (a*b)");
        self.microsoft365("365 list", on, "p02, p03").writeback_type =
            text("UniversalDistributionGroup");
        self.microsoft365("365 security", on, "p03, p04").writeback_type =
            text("UNIVERSALSECURITYGROUP");
        self.microsoft365("365 mail security", on, "p04, p05").writeback_type =
            text("universalmailenabledSecurityGroup");
        self.microsoft365("365 null, security", None, "p05").writeback_type =
            text("universalSecurityGroup");
        self.microsoft365("365 printers", on, "p21, p06").writeback_type =
            text("UniversalMailEnabledSecurityGroup");
        self.microsoft365("365 off", Some(false), "p06");
        self.microsoft365("365 off, security", Some(false), "p06").writeback_type =
            text("universalSecurityGroup");
        self.microsoft365("365 odd type", on, "p06").writeback_type = text("globalSecurityGroup");
        self.microsoft365("365 empty", on, "");
        self.microsoft365("365 dynamic", on, "p07, p08, p09").dynamic = true;
        self.microsoft365("365 dynamic null", None, "p08, p09").dynamic = true;
        self.microsoft365("365 dynamic off", Some(false), "p08, p09").dynamic = true;
        self.microsoft365("365 hidden", on, "p09").visibility = text("HiddenMembership");
        self.microsoft365("365 role", on, "p09").role_assignable = Some(true);
        self.microsoft365("taken", on, "p10");
        self.microsoft365("Fünf, \"<+\\;>\" #1 = (x*y) \u{1f680}", on, "p10, p11").description =
            text("  spaces  ");
    }

    fn security_groups(&mut self) {
        let on = Some(true);
        self.security("sec on", on, "p01, p02, known by sid").description =
            Some("Switched on".to_owned());
        self.security("sec null", None, "p01");
        self.security("sec off", Some(false), "p01");
        self.security("sec dynamic", on, "p02, p03").dynamic = true;
        self.security("sec dynamic off", Some(false), "p02").dynamic = true;
        self.security("sec role", on, "p03").role_assignable = Some(true);
        self.security("sec primary", on, "p20, p12");
        self.security(
            "devices",
            on,
            "pc, pc by sid, joined with object, registered with object, joined alone, \
             registered alone, pc without computer",
        );
        self.security(
            "mixed",
            on,
            "p04, guest linked, guest alone, cloud only, pc, contact, \
             application, thing, op universal, op global, op local, op universal list, converted, \
             sec on, sec null, sec off, mail list, mail security, sec role",
        );
        self.security("ring a", on, "p13, ring b");
        self.security("ring b", on, "p14, ring a");
        self.security("top", on, "left, right");
        self.security("left", on, "bottom, p15");
        self.security("right", on, "bottom");
        self.security("bottom", on, "p16");
    }

    fn other_groups(&mut self) {
        let on = Some(true);
        self.group("mail list", GroupKind::DistributionList, on, "p01");
        self.group("mail security", GroupKind::MailEnabledSecurity, on, "p01");
        let unusual = GroupKind::Unusual {
            group_types: vec!["Constellation".to_owned()],
            mail_enabled: false,
            security_enabled: false,
        };
        self.group("unusual", unusual, on, "p01");
    }

    /// Those to whom something happens.
    fn actors(&mut self) {
        let on = Some(true);
        for name in ["swing", "soft", "gone"] {
            self.microsoft365(&format!("{name} 365"), on, "p01, p02, p03");
            let child = format!("{name} sec");
            self.security(&child, on, "p02, p03");
            self.security(&format!("{name} parent"), on, &format!("p04, {child}"));
        }
        self.security("renamed sec", on, "p05").description = Some("Before".to_owned());
        self.security("child", on, "p17, p18");
        self.security("big child", on, "p18, p19");
        self.security("handmade", on, "p20, child");
        self.security("parent", on, "p21, child, big child, handmade");
        self.security("grandparent", on, "parent, child");
    }

    fn teams(&mut self) {
        for number in 1..=TEAMS {
            let one = format!("p{:02}", number % PEOPLE + 1);
            let two = format!("p{:02}", (number + 7) % PEOPLE + 1);
            let members = format!("{one}, {two}");
            self.microsoft365(&format!("team {number:02}"), Some(true), &members);
            self.security(&format!("crew {number:02}"), Some(true), &members);
        }
    }
}

//! Groups: those of the directory, those of the cloud by kind and flag, and those to whom
//! something happens.

use uuid::Uuid;
use writeback::sim::world::{GroupKind, MAIL_DOMAIN, WorldGroup};

use super::{Cast, PEOPLE, TEAMS};
use crate::ground::Ground;
use crate::lab::child;

const UNIVERSAL: i32 = -2_147_483_640;
const GLOBAL: i32 = -2_147_483_646;
const DOMAIN_LOCAL: i32 = -2_147_483_644;

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
    pub(super) async fn directory_groups(&mut self, ground: &mut Ground) {
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

    pub(super) fn microsoft365_groups(&mut self) {
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

    pub(super) fn security_groups(&mut self) {
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

    pub(super) fn other_groups(&mut self) {
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
    pub(super) fn actors(&mut self) {
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

    pub(super) fn teams(&mut self) {
        for number in 1..=TEAMS {
            let one = format!("p{:02}", number % PEOPLE + 1);
            let two = format!("p{:02}", (number + 7) % PEOPLE + 1);
            let members = format!("{one}, {two}");
            self.microsoft365(&format!("team {number:02}"), Some(true), &members);
            self.security(&format!("crew {number:02}"), Some(true), &members);
        }
    }
}

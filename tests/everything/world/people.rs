//! Who may be a member: people, devices, and things that no directory group holds.

use serde_json::{Value, json};
use uuid::Uuid;
use writeback::sim::world::{DeviceTrust, Link, OtherObject, Person};

use super::{Cast, PEOPLE};
use crate::directory::Object;
use crate::ground::Ground;
use crate::lab::child;

/// NORMAL_ACCOUNT and PASSWD_NOTREQD (MS-ADTS 2.2.16).
const ACCOUNT: &[u8] = b"544";
/// WORKSTATION_TRUST_ACCOUNT and PASSWD_NOTREQD.
const COMPUTER: &[u8] = b"4128";

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

    pub(super) async fn people(&mut self, ground: &mut Ground) {
        for number in 1..=PEOPLE {
            self.linked(ground, &format!("p{number:02}")).await;
        }
        self.linked(ground, "guest linked").await.guest = true;
        self.cloud_only("guest alone").guest = true;
        self.cloud_only("cloud only");
        self.linked(ground, "disabled").await.account_enabled = false;
        for (name, silent) in [
            ("known by id", "onPremisesSecurityIdentifier"),
            ("known by sid", "onPremisesImmutableId"),
        ] {
            let id = self.linked(ground, name).await.id;
            self.said.push((id, silent, Value::Null));
        }
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

    pub(super) async fn devices(&mut self, ground: &mut Ground) {
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

    pub(super) fn things(&mut self) {
        let id = self.id_for("contact");
        self.world.others.push(OtherObject::contact(id, "contact", "contact@elsewhere.example"));
        let id = self.id_for("application");
        let application = OtherObject::service_principal(id, "application", Uuid::new_v4());
        self.world.others.push(application);
        let id = self.id_for("thing");
        self.world.others.push(OtherObject::unknown(id, "planet").with("tilt", json!(23)));
    }
}

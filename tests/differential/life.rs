//! The two directories with what the life of a group needs: people, a computer, a contact and a
//! device, and accounts with and without the right to restore.
//!
//! Comes from: the lab, which is made ready for Exchange and for restoring, and gets back what it
//! had: everything else stands in organizational units of its own that go when the test ends.

#[path = "life/cases.rs"]
pub(crate) mod cases;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use uuid::Uuid;
use writeback::sim::domain::{DeletedRight, Domain, DomainOptions};

use crate::lab::Lab;
use crate::lab::fixtures::{Ground, Logon};
use crate::life::cases::{Drawn, Step};
use crate::operation::{Operation, Verb, change};
use crate::server::{Group, Server};
use crate::side::{Places, Side, State, Who};

const NAME: &str = "life";
const STRANGER: &str = "life-stranger";
const PASSWORD: &str = "Gf7.long-enough-and-of-no-use";
const PEOPLE: [&str; 4] = ["life-u1", "life-u2", "life-u3", "life-u4"];

/// Takes away what the test made in the lab.
struct Rented {
    lab: Lab,
    ground: Ground,
    device: String,
}

impl Drop for Rented {
    fn drop(&mut self) {
        self.lab.delete(&self.device);
        self.lab.remove_ground(&self.ground);
    }
}

/// What one step came to on each side.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) simulated: u32,
    pub(crate) samba: u32,
    /// The message of the simulated domain.
    pub(crate) message: String,
    pub(crate) samba_message: String,
    /// Where a search found something else.
    pub(crate) found: Option<String>,
}

/// Two directories of the same objects.
pub(crate) struct World {
    pub(crate) simulated: Side,
    pub(crate) samba: Side,
    pub(crate) places: Places,
    /// Groups of which the two directories keep something else since a known difference.
    spoilt: BTreeSet<String>,
    _rented: Rented,
    _domain: Domain,
}

/// The lab with a schema that is prepared for Exchange, and with the right to restore. Two tests
/// need it, and one makes it so.
pub(crate) fn prepared() -> Lab {
    static READY: Mutex<bool> = Mutex::new(false);
    let lab = Lab::prepared();
    let mut ready = READY.lock().unwrap();
    if !*ready {
        tool(&lab, "exchange");
        tool(&lab, "undelete");
        *ready = true;
    }
    lab
}

fn tool(lab: &Lab, command: &str) {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab");
    let output = Command::new(tool).args([command, lab.setting("LAB_DIR")]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "lab {command}: {said}");
}

fn rented(lab: Lab, device_id: Uuid) -> Rented {
    let ground = lab.ground(NAME, &["OU=Sub"]);
    for name in PEOPLE {
        lab.add_user(&ground.outside, name, Logon::Enabled, &[]);
    }
    lab.add_computer(&ground.outside, "life-c1", &[]);
    lab.add_contact(&ground.outside, "life-contact", &[]);
    let stranger = lab.add_user(&ground.outside, STRANGER, Logon::Enabled, &[]);
    let password: Vec<u8> =
        format!("\"{PASSWORD}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
    lab.set(&stranger, "unicodePwd", &[&password]);
    let device = lab.add_device(device_id, "life-device");
    Rented { lab, ground, device }
}

async fn simulated(ground: &Ground, device_id: Uuid, device: &str) -> Domain {
    let options = DomainOptions { exchange: true, ..DomainOptions::default() };
    let domain = Domain::start(options).await.unwrap();
    let base = domain.base_dn();
    let container = domain.edit(|tree| {
        let container = tree.add_ou("Cloud Groups", &base).unwrap();
        let inside = tree.add_ou(NAME, &container).unwrap();
        assert_eq!(inside, ground.inside);
        tree.add_ou("Sub", &inside).unwrap();
        let above = tree.add_ou("Outside", &base).unwrap();
        let outside = tree.add_ou(NAME, &above).unwrap();
        for name in PEOPLE.into_iter().chain([STRANGER]) {
            tree.add_user(name, &outside, name, None, None).unwrap();
        }
        tree.add_computer("life-c1", &outside, "life-c1$", None, None).unwrap();
        tree.add_contact("life-contact", &outside).unwrap();
        assert_eq!(tree.add_device("life-device", device_id, None).unwrap(), device);
        tree.set_password(&format!("CN={STRANGER},{outside}"), PASSWORD).unwrap();
        container
    });
    domain.delegate(&container).unwrap();
    let service = domain.service_account().dn.clone();
    for right in [DeletedRight::Read, DeletedRight::Reanimate] {
        domain.grant_deleted(&service, right).unwrap();
    }
    domain
}

async fn side(url: &str, ca_pem: &str, accounts: [(&str, &str); 3]) -> Side {
    let mut servers = Vec::new();
    for account in accounts {
        servers.push(Server::connect(url, ca_pem, account, BTreeMap::new()).await);
    }
    let [service, administrator, stranger] = servers.try_into().ok().unwrap();
    Side::new(service, administrator, stranger)
}

impl World {
    /// Makes both.
    pub(crate) async fn new() -> Self {
        let device_id = Uuid::new_v4();
        let rented = rented(prepared(), device_id);
        let lab = &rented.lab;
        let domain = simulated(&rented.ground, device_id, &rented.device).await;
        let stranger = format!("CORP\\{STRANGER}");
        let (service, administrator) = (domain.service_account(), domain.administrator());
        let url = domain.url();
        let simulated = side(
            &url,
            domain.ca_pem(),
            [
                (&service.account_name, &service.password),
                (&administrator.account_name, &administrator.password),
                (&stranger, PASSWORD),
            ],
        );
        let samba = side(
            lab.setting("LAB_URL"),
            &lab.file("LAB_CA"),
            [
                (lab.setting("LAB_BIND_NAME"), &lab.file("LAB_BIND_PASSWORD_FILE")),
                (lab.setting("LAB_ADMIN_NAME"), &lab.file("LAB_ADMIN_PASSWORD_FILE")),
                (&stranger, PASSWORD),
            ],
        )
        .await;
        let simulated = simulated.await;
        let places = Places {
            base: domain.base_dn(),
            inside: rented.ground.inside.clone(),
            outside: rented.ground.outside.clone(),
            device: rented.device.clone(),
            // A domain keeps what other runs deleted.
            prefix: format!("{}-", device_id.simple()),
        };
        let spoilt = BTreeSet::new();
        Self { simulated, samba, places, spoilt, _rented: rented, _domain: domain }
    }

    /// Does the same on both.
    pub(crate) async fn take(&mut self, drawn: &Drawn) -> Answers {
        match &drawn.step {
            Step::Send(operation) => {
                let (simulated, message) = self.simulated.send(drawn.who, operation).await;
                let (samba, samba_message) = self.samba.send(drawn.who, operation).await;
                Answers { simulated, samba, message, samba_message, found: None }
            }
            Step::Look(look) => {
                let one = self.simulated.look(drawn.who, look).await;
                let other = self.samba.look(drawn.who, look).await;
                let found = (one.1 != other.1)
                    .then(|| format!("simulated {:?}, Samba {:?}", one.1, other.1));
                let (message, samba_message) = (String::new(), String::new());
                Answers { simulated: one.0, samba: other.0, message, samba_message, found }
            }
        }
    }

    /// Sends what must work on both.
    pub(crate) async fn must(&mut self, who: Who, operation: &Operation) {
        let one = self.simulated.send(who, operation).await;
        let other = self.samba.send(who, operation).await;
        assert_eq!((one.0, other.0), (0, 0), "{operation:?}: {one:?} {other:?}");
    }

    /// What both hold, without groups that are spoilt; what is deleted as it was read before, where
    /// nothing can have changed there.
    pub(crate) async fn states(&mut self, gone: bool) -> (State, State) {
        let (mut one, mut other) = tokio::join!(
            self.simulated.state(&self.places, gone),
            self.samba.state(&self.places, gone)
        );
        for state in [&mut one, &mut other] {
            state.gone.retain(|id, _| !self.spoilt.contains(id));
        }
        (one, other)
    }

    /// Makes both the same again after a known difference: what differs is taken away on both.
    pub(crate) async fn even_out(&mut self, drawn: &Drawn) {
        if let Step::Send(Operation::Undelete { changes, .. }) = &drawn.step {
            let name = changes.iter().find(|change| change.attribute == "distinguishedName");
            for dn in name.into_iter().flat_map(|change| change.values.clone()) {
                let delete = Operation::Delete { dn };
                self.simulated.send(Who::Administrator, &delete).await;
                self.samba.send(Who::Administrator, &delete).await;
            }
        }
        let (one, other) = self.states(true).await;
        // Deleted is only what is nobody's primary group.
        let differ = |dn: &&String| one.groups.get(*dn) != other.groups.get(*dn);
        let groups = one.groups.keys().chain(other.groups.keys()).filter(differ);
        let groups = groups.filter_map(|dn| one.groups.get(dn).or(other.groups.get(dn)));
        let names: BTreeSet<String> =
            groups.flat_map(|group| group["sAMAccountName"].iter().cloned()).collect();
        let start = |dn: &str, account: &Group| {
            let computer = account["objectClass"].contains("computer");
            let value = if computer { "515" } else { "513" };
            let changes = vec![change(Verb::Replace, "primaryGroupID", &[value])];
            Operation::Modify { dn: dn.to_owned(), changes }
        };
        for (dn, account) in &one.accounts {
            let Some(primary) = account.get("primaryGroupID") else { continue };
            if !primary.is_disjoint(&names) || other.accounts.get(dn) != Some(account) {
                let back = start(dn, account);
                self.simulated.send(Who::Administrator, &back).await;
                self.samba.send(Who::Administrator, &back).await;
            }
        }
        let (one, other) = self.states(true).await;
        for dn in one.groups.keys().chain(other.groups.keys()) {
            let (here, there) = (one.groups.get(dn), other.groups.get(dn));
            if here == there {
                continue;
            }
            let group = here.or(there).unwrap();
            self.spoilt.extend(group["msDS-ExternalDirectoryObjectId"].iter().cloned());
            let name = group["cn"].first().unwrap();
            for container in [self.places.inside.clone(), format!("OU=Sub,{}", self.places.inside)]
            {
                let dn_here = crate::lab::child(name, &container);
                if crate::operation::plain(&dn_here) == *dn {
                    let delete = Operation::Delete { dn: dn_here };
                    self.simulated.send(Who::Administrator, &delete).await;
                    self.samba.send(Who::Administrator, &delete).await;
                }
            }
        }
        let (one, other) = self.states(true).await;
        for id in one.gone.keys().chain(other.gone.keys()) {
            if one.gone.get(id) != other.gone.get(id) {
                self.spoilt.insert(id.clone());
            }
        }
    }
}

/// What differs between two states.
pub(crate) fn differing(one: &State, other: &State) -> String {
    let mut text = String::new();
    for (one, other) in
        [(&one.groups, &other.groups), (&one.accounts, &other.accounts), (&one.gone, &other.gone)]
    {
        for name in one.keys().chain(other.keys().filter(|name| !one.contains_key(*name))) {
            let empty = Group::new();
            let here = one.get(name).unwrap_or(&empty);
            let there = other.get(name).unwrap_or(&empty);
            for what in here.keys().chain(there.keys().filter(|what| !here.contains_key(*what))) {
                let (here, there) = (here.get(what), there.get(what));
                if here != there {
                    writeln!(text, "  {name} {what}: simulated {here:?}, Samba {there:?}").unwrap();
                }
            }
        }
    }
    text
}

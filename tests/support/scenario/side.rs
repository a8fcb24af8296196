//! The two directories a scenario is played in, and the part of one that a scenario gets.
//!
//! The simulated domain is made anew for each scenario, as its world wants it. Samba is one domain
//! for all of them: each gets two organizational units of its own, which go with it. What cannot
//! be taken back there, such as a schema prepared for Exchange, orders the scenarios.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use writeback::sim::domain::{DeletedRight, Domain, DomainOptions, Rights};

use super::directory::Directory;
use super::folder::Scenario;
use crate::lab::Lab;
use crate::product::DirectoryAccess;

/// The name of a scenario's organizational units.
const NAME: &str = "Scenario";

/// A kind of directory.
#[derive(Clone)]
pub enum Side {
    /// A simulated domain for each scenario.
    Simulated,
    /// One Samba domain controller for all.
    Samba(Arc<Samba>),
}

/// A Samba domain controller, and its administrator's connection.
pub struct Samba {
    lab: Lab,
    directory: Directory,
    /// What it is now.
    is: Mutex<Need>,
}

/// What a scenario asks of its domain, from what a domain can be first to what it can be last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Not prepared for Exchange, and nobody may restore anything.
    Bare,
    /// Prepared for Exchange, and nobody may restore anything.
    Closed,
    /// Prepared for Exchange; the account may restore what was deleted.
    Open,
}

impl Need {
    /// What a scenario needs.
    pub fn of(scenario: &Scenario) -> Self {
        if scenario.domain_is("not-prepared-for-exchange") {
            Self::Bare
        } else if scenario.domain_is("deleted-objects-closed") {
            Self::Closed
        } else {
            Self::Open
        }
    }
}

/// A scenario's part of a directory.
pub struct Ground {
    /// The organizational unit that the product may write.
    pub container: String,
    /// One that it may only read.
    pub outside: String,
    /// How the product reaches the directory.
    pub access: DirectoryAccess,
    /// How the administrator does.
    pub directory: Directory,
    /// What stands elsewhere and is taken away at the end.
    pub elsewhere: Vec<String>,
    domain: Option<Domain>,
}

impl Samba {
    /// Connects to a lab.
    pub async fn of(lab: Lab) -> Self {
        let mut directory = Directory::lab(&lab).await;
        let prepared = directory.has_attribute("mailNickname").await;
        let open = Path::new(lab.setting("LAB_DIR")).join("undelete").exists();
        let is = if open {
            Need::Open
        } else if prepared {
            Need::Closed
        } else {
            Need::Bare
        };
        let samba = Self { lab, directory, is: Mutex::new(is) };
        if open && !prepared {
            samba.tool("exchange");
        }
        samba
    }

    /// Makes the domain what a scenario needs, as far as it is not that already.
    fn become_what_is_needed(&self, need: Need) {
        let is = *self.is.lock().unwrap();
        let folder = self.lab.setting("LAB_DIR");
        assert!(
            is <= need,
            "{folder} is {is:?}, and {need:?} is needed, which it cannot become again: this takes \
             a new lab"
        );
        if is == Need::Bare && need > Need::Bare {
            self.tool("exchange");
        }
        if is < Need::Open && need == Need::Open {
            self.tool("undelete");
        }
        *self.is.lock().unwrap() = need;
    }

    /// Runs a command of the lab that takes its folder alone.
    fn tool(&self, command: &str) {
        let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab");
        let output =
            Command::new(tool).args([command, self.lab.setting("LAB_DIR")]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "lab {command}: {said}");
    }

    /// Takes away what the last scenario left.
    pub async fn clear(&self) {
        let container = self.lab.setting("LAB_CONTAINER_DN");
        clear(&mut self.directory.clone(), container).await;
    }
}

/// The organizational units of a scenario: the one it may write, the one it may only read.
fn units(directory: &Directory, above: &str) -> (String, String) {
    (format!("OU={NAME},{above}"), format!("OU={NAME},OU=Outside,{}", directory.base))
}

/// Takes both away with all that stands in them.
async fn clear(directory: &mut Directory, above: &str) {
    let (container, outside) = units(directory, above);
    // The people outside go first: a group is not deleted while it is somebody's primary group.
    directory.delete_tree(&outside).await;
    directory.delete_tree(&container).await;
}

impl Side {
    /// Makes ready for a scenario.
    pub async fn ground(&self, scenario: &Scenario) -> Ground {
        let need = Need::of(scenario);
        let attributes: Vec<&str> =
            scenario.world.iter().flat_map(|entity| entity.texts("may-write")).collect();
        match self {
            Self::Simulated => simulated(scenario, need, &attributes).await,
            Self::Samba(domain) => samba(domain, need, &attributes).await,
        }
    }
}

async fn simulated(scenario: &Scenario, need: Need, attributes: &[&str]) -> Ground {
    let options = DomainOptions {
        exchange: need != Need::Bare,
        external_id: !scenario.domain_is("without-external-id"),
        ..DomainOptions::default()
    };
    let domain = Domain::start(options).await.unwrap();
    let mut directory = Directory::simulated(&domain).await;
    let above = format!("OU=Cloud Groups,{}", directory.base);
    directory.add(&above, "organizationalUnit", &[]).await;
    directory.add(&format!("OU=Outside,{}", directory.base), "organizationalUnit", &[]).await;
    let devices = format!("CN=RegisteredDevices,{}", directory.base);
    directory.ensure(&devices, "msDS-DeviceContainer").await;
    domain.delegate(&above).unwrap();
    let service = domain.service_account().dn.clone();
    if !attributes.is_empty() {
        let write = attributes.iter().map(|name| (*name).to_owned()).collect();
        let rights = Rights { class: "group".to_owned(), write, ..Rights::default() };
        domain.grant(&service, &above, rights).unwrap();
    }
    if need == Need::Open {
        domain.grant_deleted(&service, DeletedRight::Read).unwrap();
        domain.grant_deleted(&service, DeletedRight::Reanimate).unwrap();
    }
    let access = DirectoryAccess::simulated(&domain, &[]);
    Ground::new(directory, &above, access, Some(domain)).await
}

async fn samba(samba: &Samba, need: Need, attributes: &[&str]) -> Ground {
    samba.become_what_is_needed(need);
    let lab = &samba.lab;
    let above = lab.setting("LAB_CONTAINER_DN");
    for name in attributes {
        lab.allow_attribute(above, name);
    }
    let access = DirectoryAccess::lab(lab, &[]);
    let mut directory = samba.directory.clone();
    // A scenario leaves what it made to the next one, which may follow one that was cut short.
    clear(&mut directory, above).await;
    Ground::new(directory, above, access, None).await
}

impl Ground {
    async fn new(
        directory: Directory,
        above: &str,
        mut access: DirectoryAccess,
        domain: Option<Domain>,
    ) -> Self {
        let (container, outside) = units(&directory, above);
        access.containers = vec![container.clone()];
        let elsewhere = Vec::new();
        let mut ground = Self { container, outside, access, directory, elsewhere, domain };
        for unit in [ground.outside.clone(), ground.container.clone()] {
            ground.directory.add(&unit, "organizationalUnit", &[]).await;
        }
        ground
    }

    /// Takes away what stands outside of the two units.
    pub async fn leave(mut self) {
        for dn in std::mem::take(&mut self.elsewhere) {
            self.directory.delete(&dn).await;
        }
        // The simulated domain ends here.
        drop(self.domain);
    }
}

//! The two directories a scenario is played in, and the part of one that a scenario gets.
//!
//! The simulated domain is made anew for each scenario, as its world wants it. Samba is one domain
//! for all of them: each gets two organizational units of its own, which go with it. What cannot
//! be taken back there, such as a schema prepared for Exchange, orders the scenarios.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use writeback::sim::domain::{DeletedRight, Domain, DomainOptions, Rights};

use super::directory::Directory;
use super::folder::Scenario;
use crate::lab::Lab;
use crate::product::DirectoryAccess;

/// The name of a scenario's organizational units.
const NAME: &str = "Scenario";

/// A kind of directory.
#[derive(Clone, Debug)]
pub enum Side {
    /// A simulated domain for each scenario.
    Simulated,
    /// One Samba domain controller for all.
    Samba(Arc<Lab>),
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

impl Side {
    /// Makes ready for a scenario.
    pub async fn ground(&self, scenario: &Scenario) -> Ground {
        let need = Need::of(scenario);
        let attributes: Vec<&str> =
            scenario.world.iter().flat_map(|entity| entity.texts("may-write")).collect();
        match self {
            Self::Simulated => simulated(scenario, need, &attributes).await,
            Self::Samba(lab) => samba(lab, need, &attributes).await,
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
    let administrator = domain.administrator();
    let mut directory = Directory::connect(
        &domain.url(),
        domain.ca_pem(),
        &administrator.account_name,
        &administrator.password,
        &domain.base_dn(),
    )
    .await;
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

async fn samba(lab: &Lab, need: Need, attributes: &[&str]) -> Ground {
    let mut directory = Directory::connect(
        lab.setting("LAB_URL"),
        &lab.file("LAB_CA"),
        lab.setting("LAB_ADMIN_NAME"),
        &lab.file("LAB_ADMIN_PASSWORD_FILE"),
        lab.setting("LAB_BASE_DN"),
    )
    .await;
    let folder = lab.setting("LAB_DIR");
    let prepared = directory.has_attribute("mailNickname").await;
    let open = Path::new(folder).join("undelete").exists();
    match need {
        Need::Bare => assert!(
            !prepared && !open,
            "{folder} is prepared for Exchange, which cannot be undone: this takes a new lab"
        ),
        Need::Closed => assert!(
            !open,
            "the account of {folder} may restore deleted objects: this takes a new lab"
        ),
        Need::Open => {}
    }
    if need > Need::Bare && !prepared {
        tool("exchange", folder);
    }
    if need > Need::Closed && !open {
        tool("undelete", folder);
    }
    let above = lab.setting("LAB_CONTAINER_DN");
    for name in attributes {
        lab.allow_attribute(above, name);
    }
    let access = DirectoryAccess {
        url: lab.setting("LAB_URL").to_owned(),
        ca_pem: lab.file("LAB_CA"),
        bind_name: lab.setting("LAB_BIND_NAME").to_owned(),
        bind_password: lab.file("LAB_BIND_PASSWORD_FILE"),
        containers: Vec::new(),
    };
    Ground::new(directory, above, access, None).await
}

/// Runs a command of the lab that takes its folder alone.
fn tool(command: &str, folder: &str) {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab");
    let output = Command::new(tool).args([command, folder]).output().unwrap();
    assert!(output.status.success(), "lab {command}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Ground {
    async fn new(
        directory: Directory,
        above: &str,
        mut access: DirectoryAccess,
        domain: Option<Domain>,
    ) -> Self {
        let container = format!("OU={NAME},{above}");
        access.containers = vec![container.clone()];
        let outside = format!("OU={NAME},OU=Outside,{}", directory.base);
        let elsewhere = Vec::new();
        let mut ground = Self { container, outside, access, directory, elsewhere, domain };
        ground.clear().await;
        for unit in [ground.outside.clone(), ground.container.clone()] {
            ground.directory.add(&unit, "organizationalUnit", &[]).await;
        }
        ground
    }

    /// Takes away what the scenario, or one that was cut short before it, left.
    pub async fn clear(&mut self) {
        // The people outside go first: a group is not deleted while it is somebody's primary group.
        if self.domain.is_none() {
            self.directory.delete_tree(&self.outside.clone()).await;
            self.directory.delete_tree(&self.container.clone()).await;
            for dn in std::mem::take(&mut self.elsewhere) {
                self.directory.delete_tree(&dn).await;
            }
        }
    }
}

//! The two directories, and the part of one that a test gets: a container that the account may
//! write, an organizational unit beside it, prepared for Exchange, deleted objects restorable.

use std::path::Path;

use writeback::sim::domain::{DeletedRight, Domain, DomainOptions};

use crate::directory::{Directory, Object};
use crate::lab::Lab;
use crate::product::DirectoryAccess;

/// A kind of directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A simulated domain of its own.
    Simulated,
    /// The Samba domain controller of this run of the tests.
    Samba,
}

/// A test's part of a directory.
pub struct Ground {
    /// Which directory.
    pub side: Side,
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
    _domain: Option<Domain>,
}

impl Ground {
    /// Makes ready, with nothing in it. Names are of this test alone.
    pub async fn new(side: Side, name: &str) -> Self {
        let (access, mut directory, domain) = match side {
            Side::Simulated => simulated().await,
            Side::Samba => samba().await,
        };
        let container = format!("OU={name},OU=Cloud Groups,{}", directory.base);
        let outside = format!("OU={name},OU=Outside,{}", directory.base);
        for unit in [&outside, &container] {
            if side == Side::Samba {
                directory.delete_tree(unit).await;
            }
            directory.add(unit, "organizationalUnit", &[]).await;
        }
        let access = DirectoryAccess { containers: vec![container.clone()], ..access };
        let elsewhere = Vec::new();
        Self { side, container, outside, access, directory, elsewhere, _domain: domain }
    }

    /// Where device writeback puts its objects.
    pub fn devices(&self) -> String {
        format!("CN=RegisteredDevices,{}", self.directory.base)
    }

    /// Everything of this test.
    pub async fn objects(&mut self) -> Vec<Object> {
        let mut all = Vec::new();
        for place in [&self.container, &self.outside].into_iter().chain(&self.elsewhere) {
            all.extend(self.directory.below(place).await);
        }
        all
    }

    /// Takes away what the test left in a directory that others go on using.
    pub async fn clear(&mut self) {
        if self.side == Side::Samba {
            let own = [self.outside.clone(), self.container.clone()];
            for dn in own.into_iter().chain(std::mem::take(&mut self.elsewhere)) {
                self.directory.delete_tree(&dn).await;
            }
        }
    }
}

async fn simulated() -> (DirectoryAccess, Directory, Option<Domain>) {
    let options = DomainOptions { exchange: true, ..DomainOptions::default() };
    let domain = Domain::start(options).await.unwrap();
    let mut directory = Directory::simulated(&domain).await;
    let above = format!("OU=Cloud Groups,{}", directory.base);
    for unit in [above.clone(), format!("OU=Outside,{}", directory.base)] {
        directory.add(&unit, "organizationalUnit", &[]).await;
    }
    let devices = format!("CN=RegisteredDevices,{}", directory.base);
    directory.ensure(&devices, "msDS-DeviceContainer").await;
    domain.delegate(&above).unwrap();
    let service = domain.service_account().dn.clone();
    for right in [DeletedRight::Read, DeletedRight::Reanimate] {
        domain.grant_deleted(&service, right).unwrap();
    }
    (DirectoryAccess::simulated(&domain, &[]), directory, Some(domain))
}

/// The lab that `WRITEBACK_LAB_SMALL`, else `WRITEBACK_LAB`, names.
async fn samba() -> (DirectoryAccess, Directory, Option<Domain>) {
    let lab = Lab::prepared();
    let folder = lab.setting("LAB_DIR");
    let mut directory = Directory::lab(&lab).await;
    let prepared = directory.has_attribute("mailNickname").await;
    assert!(prepared, "run `tests/lab/lab exchange {folder}`: it is not prepared for Exchange");
    let open = Path::new(folder).join("undelete").exists();
    assert!(open, "run `tests/lab/lab undelete {folder}`: its account may not restore anything");
    (DirectoryAccess::lab(&lab, &[]), directory, None)
}

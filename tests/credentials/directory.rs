//! The bind password and the authority of the domain controller, renewed while reads go on.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tempfile::TempDir;
use tokio::time::Instant;
use writeback::directory::{Directory, DirectoryError, DirectoryOptions, LdapRequest, TimeLimits};
use writeback::model::Containers;
use writeback::sim::domain::{Domain, DomainOptions, Fault, Order, Where};

use crate::bench::at;

struct Case {
    domain: Domain,
    folder: TempDir,
}

impl Case {
    async fn new() -> Self {
        let domain = Domain::start(DomainOptions::default()).await.unwrap();
        let case = Self { domain, folder: tempfile::tempdir().unwrap() };
        case.write("password", &case.domain.service_account().password);
        case.write("ca.pem", case.domain.ca_pem());
        case
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    async fn connect(&self) -> Result<Directory, DirectoryError> {
        let options = DirectoryOptions {
            url: self.domain.url(),
            bind_name: self.domain.service_account().account_name.clone(),
            password_file: self.folder.path().join("password"),
            read_secret: read,
            ca_file: Some(self.folder.path().join("ca.pem")),
            limits: TimeLimits { age: AGE, ..TimeLimits::default() },
        };
        let observer = Arc::new(|_: LdapRequest| {});
        Directory::connect_to_read(options, Containers::new(Vec::new()), observer).await
    }

    fn change_password(&self, password: &str) {
        let account = self.domain.service_account().dn.clone();
        self.domain.edit(|tree| tree.set_password(&account, password)).unwrap();
    }
}

fn read(path: &Path) -> Result<SecretString, String> {
    std::fs::read_to_string(path).map(SecretString::from).map_err(|error| error.to_string())
}

async fn observe(directory: &Directory) -> Result<(), DirectoryError> {
    let nothing = BTreeSet::new();
    directory.observe(at(), &nothing, &nothing, &BTreeSet::new(), &|_| {}).await.map(|_| ())
}

/// The age at which a connection is replaced: long beside what reads take on a busy machine, for
/// all of them are made before it is twice as old.
const AGE: Duration = Duration::from_secs(12);
/// A quarter of it, after which a new one is tried again.
const WHILE: Duration = Duration::from_secs(3);

/// Lets a connection grow old.
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

#[tokio::test]
async fn a_password_is_renewed_first_in_the_directory_and_then_in_its_file() {
    let case = Case::new().await;
    let directory = case.connect().await.unwrap();
    observe(&directory).await.unwrap();
    case.change_password("second");
    let binds = case.domain.counters().binds;
    pass(AGE).await;
    // The connection is old and no new one can be had: the old one goes on.
    let begun = Instant::now();
    for _ in 0..3 {
        observe(&directory).await.unwrap();
    }
    let offered = case.domain.counters().binds - binds;
    let most = 1 + usize::try_from(begun.elapsed().as_secs() / WHILE.as_secs()).unwrap();
    assert!((1..=most).contains(&offered), "the wrong password is offered {offered} times");
    let binds = case.domain.counters().binds;
    case.write("password", "second");
    pass(WHILE).await;
    observe(&directory).await.unwrap();
    observe(&directory).await.unwrap();
    assert_eq!(case.domain.counters().binds, binds + 1, "the new one is used, once");
}

#[tokio::test]
async fn an_old_connection_does_not_last_for_ever() {
    let case = Case::new().await;
    let directory = case.connect().await.unwrap();
    case.change_password("second");
    pass(AGE).await;
    observe(&directory).await.unwrap();
    pass(AGE).await;
    assert_eq!(observe(&directory).await.unwrap_err().fault().reason, "bind_refused");
}

#[tokio::test]
async fn a_broken_connection_comes_back_with_the_password_that_is_just_being_written() {
    let case = Case::new().await;
    let directory = case.connect().await.unwrap();
    observe(&directory).await.unwrap();
    case.change_password("second");
    case.domain.order(Order::new(Where::Search, Fault::CutBefore));
    let binds = case.domain.counters().binds;
    let write = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        case.write("password", "");
        tokio::time::sleep(Duration::from_millis(250)).await;
        case.write("password", "second");
    };
    let (read, ()) = tokio::join!(observe(&directory), write);
    read.unwrap();
    assert!(case.domain.counters().binds <= binds + 2, "no password is offered twice");
}

#[tokio::test]
async fn a_file_of_authorities_is_renewed_in_place() {
    let case = Case::new().await;
    let directory = case.connect().await.unwrap();
    for wrong in ["", "-----BEGIN CERTIFICATE-----\n"] {
        case.write("ca.pem", wrong);
        pass(AGE).await;
        observe(&directory).await.unwrap();
        case.write("ca.pem", case.domain.ca_pem());
        let binds = case.domain.counters().binds;
        pass(WHILE).await;
        observe(&directory).await.unwrap();
        assert_eq!(case.domain.counters().binds, binds + 1);
    }
}

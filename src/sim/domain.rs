//! A domain controller of Active Directory on loopback: LDAPS in front of a directory in memory.
//!
//! Input: options, an administrator's edits, orders for bad weather, and the requests of LDAP
//! clients. Output: the answers a Windows Server 2016 or later would give, with its result codes
//! and Win32 codes, and a record of everything asked. It stands in for a real domain in tests and
//! in the demonstration; nothing of the product is used in it.
//!
//! Not imitated: security descriptors as values, sorted and virtual list views, DirSync,
//! notifications, SASL, continuation references, the objects of a second domain, replication
//! between controllers.
//!
//! The rooms: `wire` and `ber` read messages, `session` answers them, `search`, `filter` and
//! `root` read the `tree`, `write` changes it under `access`, `nesting` and `schema`; `fresh`
//! makes the first day, `edit` and `dump` are for tests, `fault` and `record` are the weather and
//! the log book.

mod access;
mod ber;
mod controls;
mod credentials;
mod dn;
mod dump;
mod edit;
mod fault;
mod filter;
mod fresh;
mod identity;
mod nesting;
mod record;
mod refusal;
mod root;
mod schema;
mod search;
mod session;
mod tree;
mod wire;
mod write;

#[cfg(test)]
mod tests;

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

pub use access::{DeletedRight, Rights};
pub use credentials::Credentials;
pub use dump::{Entry, Value};
pub use fault::{Fault, Order, Where};
pub use record::{Counters, OperationKind, SeenChange, SeenOperation, Verb};
pub use refusal::Refusal;
pub use tree::Tree;

use super::tls::{Authority, Certificate};
use access::{DELEGATED, Delegation};
use dn::Dn;
use session::{Session, State, Switches, lock};

/// How a simulated domain is made.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent fact of a forest")]
pub struct DomainOptions {
    /// The domain's naming context.
    pub base_dn: String,
    /// The domain's short name.
    pub netbios: String,
    /// All GUIDs, SIDs and passwords come from it: the same seed makes the same domain.
    pub seed: u64,
    /// Names in the certificate.
    pub server_names: Vec<String>,
    /// What is wrong with the certificate, if anything.
    pub certificate: Certificate,
    /// Whether Exchange has extended the schema (attributeSchema mailNickname exists).
    pub exchange: bool,
    /// Whether msDS-ExternalDirectoryObjectId exists (Windows Server 2016 schema and later).
    pub external_id: bool,
    /// Whether accounts other than administrators were given CN=Deleted Objects (KB892806).
    pub deleted_readable: bool,
    /// Whether the Recycle Bin optional feature is on.
    pub recycle_bin: bool,
    /// Naming contexts of further domains of the forest, known by their crossRef alone.
    pub other_domains: Vec<String>,
    /// Host names of further domain controllers of this domain, known by their objects alone.
    pub other_controllers: Vec<String>,
}

impl Default for DomainOptions {
    fn default() -> Self {
        Self {
            base_dn: "DC=corp,DC=example".to_owned(),
            netbios: "CORP".to_owned(),
            seed: 1,
            server_names: super::tls::LOOPBACK_NAMES.map(str::to_owned).to_vec(),
            certificate: Certificate::Valid,
            exchange: false,
            external_id: true,
            deleted_readable: false,
            recycle_bin: false,
            other_domains: Vec::new(),
            other_controllers: Vec::new(),
        }
    }
}

/// A running domain controller. Dropping it closes its port and every connection.
#[derive(Debug)]
pub struct Domain {
    state: Arc<Mutex<State>>,
    port: u16,
    ca_pem: String,
    administrator: Credentials,
    service: Credentials,
    server: JoinHandle<()>,
}

/// The name of the account with few rights.
const SERVICE_ACCOUNT: &str = "svc-writeback";

impl Domain {
    /// Makes a fresh domain and serves it on a free loopback port.
    ///
    /// # Errors
    /// When the port cannot be had, or when the base is no name made of `DC` parts.
    pub async fn start(options: DomainOptions) -> io::Result<Self> {
        let invalid = |message| io::Error::new(io::ErrorKind::InvalidInput, message);
        let base = Dn::parse(&options.base_dn)
            .ok()
            .filter(|dn| !dn.0.is_empty() && dn.0.iter().all(|rdn| rdn.attribute == "DC"))
            .ok_or_else(|| invalid("the base is not made of DC parts"))?;
        let mut random = fastrand::Rng::with_seed(options.seed);
        let mut password = || -> String { (0..24).map(|_| random.alphanumeric()).collect() };
        let passwords = (password(), password());
        let (mut tree, administrator_guid) = fresh::fresh(&options, &base, random);
        tree.access.deleted_readable = options.deleted_readable;
        if options.recycle_bin {
            tree.enable_recycle_bin();
        }
        let service_dn = tree
            .add_user(
                SERVICE_ACCOUNT,
                &format!("CN=Users,{}", base.text()),
                SERVICE_ACCOUNT,
                None,
                None,
            )
            .map_err(io::Error::other)?;
        let service_guid = tree.resolve(&service_dn).map_err(io::Error::other)?;
        tree.access.passwords.insert(administrator_guid, passwords.0.clone());
        tree.access.passwords.insert(service_guid, passwords.1.clone());
        let credentials = |dn: String, name: &str, password: String| Credentials {
            dn,
            account_name: format!("{}\\{name}", options.netbios),
            principal_name: format!("{name}@{}", base.domain_name()),
            password,
        };
        let administrator_dn = tree.name(administrator_guid);
        let administrator = credentials(administrator_dn, "Administrator", passwords.0);
        let service = credentials(service_dn, SERVICE_ACCOUNT, passwords.1);
        let authority = Authority::new("Simulated domain CA");
        let names: Vec<&str> = options.server_names.iter().map(String::as_str).collect();
        let acceptor = TlsAcceptor::from(authority.server_with(&names, options.certificate));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(Mutex::new(State {
            tree,
            faults: fault::Faults::default(),
            operations: Vec::new(),
            switches: Switches::default(),
        }));
        let server = tokio::spawn(accept(listener, acceptor, Arc::clone(&state)));
        Ok(Self { state, port, ca_pem: authority.ca_pem(), administrator, service, server })
    }

    /// `ldaps://localhost:port`.
    pub fn url(&self) -> String {
        format!("ldaps://localhost:{}", self.port)
    }

    /// The certificate of the authority that signed the server's, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The naming context of the domain.
    pub fn base_dn(&self) -> String {
        lock(&self.state).tree.base.text()
    }

    /// `S-1-5-21-…` without a relative identifier.
    pub fn domain_sid(&self) -> String {
        lock(&self.state).tree.domain_sid.clone()
    }

    /// The account with every right.
    pub fn administrator(&self) -> &Credentials {
        &self.administrator
    }

    /// The account that reads everything and writes where it was delegated.
    pub fn service_account(&self) -> &Credentials {
        &self.service
    }

    /// Delegates groups in a subtree to the service account, as `deploy/directory` does: create
    /// and delete groups, and write their documented attributes.
    ///
    /// # Errors
    /// When there is no such container.
    pub fn delegate(&self, container: &str) -> Result<(), Refusal> {
        self.delegate_attributes(container, &DELEGATED)
    }

    /// The same with write-property on exactly these attributes.
    ///
    /// # Errors
    /// When there is no such container.
    pub fn delegate_attributes(&self, container: &str, attributes: &[&str]) -> Result<(), Refusal> {
        self.grant(&self.service.dn, container, Rights::over_groups(attributes))
    }

    /// Gives an account rights in a container and below it, beside those it has.
    ///
    /// # Errors
    /// When there is no such account or container.
    pub fn grant(&self, account: &str, container: &str, rights: Rights) -> Result<(), Refusal> {
        let tree = &mut lock(&self.state).tree;
        let (account, container) = (tree.resolve(account)?, tree.resolve(container)?);
        tree.access.delegations.push(Delegation { account, container, rights });
        Ok(())
    }

    /// Takes every delegation back.
    pub fn revoke(&self) {
        lock(&self.state).tree.access.delegations.clear();
    }

    /// Gives an account a right over deleted objects.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn grant_deleted(&self, account: &str, right: DeletedRight) -> Result<(), Refusal> {
        let tree = &mut lock(&self.state).tree;
        let account = tree.resolve(account)?;
        tree.access.deleted.insert((account, right));
        Ok(())
    }

    /// Takes every right over deleted objects back that accounts were given one by one.
    pub fn revoke_deleted(&self) {
        lock(&self.state).tree.access.deleted.clear();
    }

    /// Turns AD object enforcement on: from now on only these accounts change objects whose
    /// msDS-ObjectSoa is `Cloud`.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn enforce(&self, allowed: &[&str]) -> Result<(), Refusal> {
        let tree = &mut lock(&self.state).tree;
        let allowed = allowed.iter().map(|account| tree.resolve(account)).collect::<Result<_, _>>();
        tree.access.enforced = Some(allowed?);
        Ok(())
    }

    /// Turns the Recycle Bin on, which cannot be turned off again; the tombstones there are become
    /// recycled-objects, which nobody can restore (MS-ADTS 3.1.1.9.1).
    pub fn enable_recycle_bin(&self) {
        lock(&self.state).tree.enable_recycle_bin();
    }

    /// Changes the directory as an administrator at the console would.
    pub fn edit<R>(&self, change: impl FnOnce(&mut Tree) -> R) -> R {
        change(&mut lock(&self.state).tree)
    }

    /// Makes an object invisible to every account but administrators, as a lost read right or a
    /// lagging replica would; its name and account name stay taken.
    ///
    /// # Errors
    /// When there is no such object.
    pub fn hide(&self, dn: &str) -> Result<(), Refusal> {
        let tree = &mut lock(&self.state).tree;
        let guid = tree.resolve(dn)?;
        tree.access.hidden.insert(guid);
        Ok(())
    }

    /// Makes every hidden object visible again.
    pub fn unhide(&self) {
        lock(&self.state).tree.access.hidden.clear();
    }

    /// Every object, tombstones included; the schema is left out.
    pub fn dump(&self) -> Vec<Entry> {
        lock(&self.state).tree.dump()
    }

    /// Every operation since the start or the last `clear_operations`.
    pub fn operations(&self) -> Vec<SeenOperation> {
        lock(&self.state).operations.clone()
    }

    /// Forgets the operations seen so far.
    pub fn clear_operations(&self) {
        lock(&self.state).operations.clear();
    }

    /// Sums over `operations`.
    pub fn counters(&self) -> Counters {
        Counters::of(&lock(&self.state).operations)
    }

    /// Orders a fault.
    pub fn order(&self, order: Order) {
        lock(&self.state).faults.add(order);
    }

    /// Orders `count` faults drawn from a seed, each of a kind that a retry overcomes.
    pub fn order_mix(&self, seed: u64, count: u32) {
        lock(&self.state).faults.mix(seed, count);
    }

    /// Cancels every open order.
    pub fn cancel_orders(&self) {
        lock(&self.state).faults.clear();
    }

    /// How many ordered faults have not struck yet.
    pub fn open_orders(&self) -> u32 {
        lock(&self.state).faults.open()
    }

    /// While on, everything ends with 51 busy.
    pub fn set_busy(&self, on: bool) {
        lock(&self.state).switches.busy = on;
    }

    /// While on, writes end with a referral, as on a read-only domain controller.
    pub fn set_read_only(&self, on: bool) {
        lock(&self.state).switches.read_only = on;
    }

    /// Takes so many more writes; those that come later wait, neither done nor answered, until this
    /// is called again. None: all are taken.
    pub fn set_writes_left(&self, left: Option<u32>) {
        lock(&self.state).switches.writes_left = left;
    }

    /// While on, new connections are closed at once; open ones stay.
    pub fn set_deaf(&self, on: bool) {
        lock(&self.state).switches.deaf = on;
    }
}

impl Drop for Domain {
    fn drop(&mut self) {
        // The task owns the listener and the set of connections, which end with it.
        self.server.abort();
    }
}

/// Accepts connections until the task is aborted; each is served by a task of its own.
async fn accept(listener: TcpListener, acceptor: TlsAcceptor, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    let mut number = 0;
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A client that vanished between SYN and accept is no reason to stop.
                let Ok((stream, _)) = accepted else { continue };
                if lock(&state).switches.deaf {
                    continue;
                }
                number += 1;
                connections.spawn(connection(number, stream, acceptor.clone(), Arc::clone(&state)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection. What goes wrong on it, a failed handshake or a client that is gone,
/// concerns nobody else and ends here.
async fn connection(
    number: u64,
    stream: TcpStream,
    acceptor: TlsAcceptor,
    state: Arc<Mutex<State>>,
) {
    let _ = stream.set_nodelay(true);
    if let Ok(stream) = acceptor.accept(stream).await {
        let _ = Session::new(number).serve(stream, state).await;
    }
}

//! The simulated tenant: login and Graph on one loopback address, over HTTPS.
//!
//! Input: a [`World`], edits by tests, faults on order, and requests as the real services get
//! them. Output: answers in Microsoft's shape. It shares no code with the client: a wrong
//! escape or a wrong idea must not agree with itself.
//!
//! Where the services are known only in part, the simulator takes the stricter reading: a client
//! that is content here is content there. Each such place names its page; what no page tells is
//! called "not documented".

mod about;
mod ask;
mod assertion;
mod change;
mod clock;
mod cloud;
mod credentials;
mod drip;
mod error;
mod federation;
mod front;
mod graph;
mod login;
mod orders;
mod people;
mod property;
mod reply;
mod resource;
mod roles;
#[cfg(test)]
mod tests;
mod trap;
mod wire;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

use jiff::SignedDuration;
use uuid::Uuid;

use self::clock::{Clock, http_date};
use self::credentials::{Credentials, Registered};
use self::federation::Federated;
use self::front::{Desk, Shared};
use self::orders::Orders;
use self::wire::Server;
use super::tls::{Authority, Certificate, LOOPBACK_NAMES};
use super::world::World;

pub use self::cloud::{Cloud, NoSuchObject};
pub use self::front::Seen;
pub use self::graph::HiddenAnswer;
pub use self::orders::{Fault, Order, Where};
pub use self::trap::Trap;

/// Seconds a token lives, as in the page's own example
/// (learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
const TOKEN_LIFETIME_SECONDS: i64 = 3_599;

/// How a tenant is started. The default is what a newcomer's tenant is like.
#[derive(Clone)]
pub struct Options {
    /// 0: any free port.
    pub port: u16,
    /// Who signs the server's certificate. None: an authority of its own.
    pub authority: Option<Authority>,
    /// What is wrong with the server's certificate.
    pub certificate: Certificate,
    /// How long tokens live.
    pub token_lifetime: SignedDuration,
    /// What hidden memberships answer without the right to them.
    pub hidden: HiddenAnswer,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            authority: None,
            certificate: Certificate::Valid,
            token_lifetime: SignedDuration::from_secs(TOKEN_LIFETIME_SECONDS),
            hidden: HiddenAnswer::default(),
        }
    }
}

/// A running tenant. Dropping it ends the server and every connection.
pub struct Tenant {
    shared: Arc<Shared>,
    server: Option<Server>,
    authority: Authority,
    certificate: Certificate,
    port: u16,
}

impl Tenant {
    /// Starts a tenant that holds this world, on a free port.
    pub async fn start(world: &World) -> io::Result<Self> {
        Self::start_with(world, Options::default()).await
    }

    /// Starts a tenant with options.
    pub async fn start_with(world: &World, options: Options) -> io::Result<Self> {
        let clock = Clock::default();
        let credentials = Credentials::new()?;
        let desk = Desk {
            registered: Registered::of(&credentials),
            cloud: Arc::new(Cloud::new(world, clock.now())),
            history: VecDeque::new(),
            older: None,
            orders: Orders::default(),
            roles: roles::GRANTED.map(str::to_owned).to_vec(),
            tokens: BTreeMap::new(),
            lifetime: options.token_lifetime,
            hidden: options.hidden,
            seen: Vec::new(),
        };
        let mut tenant = Self {
            shared: Arc::new(Shared::new(credentials, clock, desk)),
            server: None,
            authority: options.authority.unwrap_or_else(|| Authority::new("Simulated tenant CA")),
            certificate: options.certificate,
            port: options.port,
        };
        tenant.resume().await?;
        Ok(tenant)
    }

    /// Stops listening and cuts every connection; state, tokens and orders stay.
    pub async fn suspend(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
    }

    /// Listens again, on the same port as before.
    pub async fn resume(&mut self) -> io::Result<()> {
        if self.server.is_none() {
            let tls = self.authority.server_with(&LOOPBACK_NAMES, self.certificate);
            let router = front::router(Arc::clone(&self.shared));
            let server = Server::start(self.port, tls, router).await?;
            self.port = server.address().port();
            self.shared.base.get_or_init(|| format!("https://{}", server.address()));
            self.server = Some(server);
        }
        Ok(())
    }

    /// A stranger's server with a certificate of this tenant's authority.
    pub async fn trap(&self) -> io::Result<Trap> {
        Trap::start(&self.authority).await
    }
}

/// What an administrator would copy into the configuration.
impl Tenant {
    /// `https://127.0.0.1:port`, without a slash at the end.
    pub fn login_url(&self) -> String {
        self.shared.base().to_owned()
    }

    /// The same host: login and Graph are told apart by their paths.
    pub fn graph_url(&self) -> String {
        self.shared.base().to_owned()
    }

    /// The scope to ask a token for.
    pub fn scope(&self) -> String {
        format!("{}/.default", self.shared.base())
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of its authority, PEM.
    pub fn ca_pem(&self) -> String {
        self.authority.ca_pem()
    }

    /// Its authority, for further servers.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The tenant's id.
    pub fn tenant_id(&self) -> Uuid {
        self.shared.desk().cloud.tenant_id
    }

    /// The application's id.
    pub fn client_id(&self) -> Uuid {
        self.shared.credentials.client_id
    }

    /// The application's secret. It has characters that a form must escape.
    pub fn client_secret(&self) -> &str {
        &self.shared.credentials.secret
    }

    /// A secret whose time is over.
    pub fn expired_client_secret(&self) -> &str {
        &self.shared.credentials.expired_secret
    }

    /// The application's certificate, PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.shared.credentials.current.pem
    }

    /// A registered certificate of the same key that expired in 2001, PEM.
    pub fn expired_certificate_pem(&self) -> &str {
        &self.shared.credentials.expired.pem
    }

    /// A certificate of the same key that was never registered, PEM.
    pub fn unregistered_certificate_pem(&self) -> &str {
        &self.shared.credentials.unregistered.pem
    }

    /// The RSA key of all three certificates, PKCS #8 PEM.
    pub fn private_key_pem(&self) -> &str {
        &self.shared.credentials.private_key_pem
    }
}

/// What an administrator does to the application's credentials while it runs.
impl Tenant {
    /// Adds a client secret beside those before it.
    pub fn add_client_secret(&self) -> String {
        self.shared.desk().registered.add_secret()
    }

    /// Adds a certificate beside those before it: certificate and key, PEM.
    pub fn add_certificate(&self) -> io::Result<(String, String)> {
        self.shared.desk().registered.add_certificate()
    }

    /// Withdraws every client secret and certificate but the newest.
    pub fn withdraw_older(&self) {
        self.shared.desk().registered.withdraw_older();
    }

    /// Lets the application trust tokens of this issuer, subject and audience.
    pub fn trust(&self, issuer: &str, subject: &str, audience: &str) {
        let federated = Federated::new(issuer, subject, audience);
        self.shared.desk().registered.federated.push(federated);
    }

    /// A token of such an issuer, with this life from now on; one below zero has ended.
    pub fn foreign_token(
        &self,
        (issuer, subject, audience): (&str, &str, &str),
        life: SignedDuration,
    ) -> io::Result<String> {
        federation::token(&Federated::new(issuer, subject, audience), self.shared.clock.now(), life)
    }

    /// What the platform is given for the machine, each time it asks: for a simulated identity
    /// endpoint.
    pub fn tokens_of_machine(&self) -> Arc<dyn Fn() -> serde_json::Value + Send + Sync> {
        let shared = Arc::clone(&self.shared);
        Arc::new(move || shared.issue_to_machine())
    }

    /// Comes back with a server certificate of another authority, on the same port.
    pub async fn change_authority(&mut self, authority: Authority) -> io::Result<()> {
        self.suspend().await;
        self.authority = authority;
        self.resume().await
    }
}

/// What tests do to it and see of it.
impl Tenant {
    /// Changes the cloud. Requests see the state before or after, never between. An edit inside
    /// an edit would wait for itself; everything else may be called there.
    pub fn edit<R>(&self, edit: impl FnOnce(&mut Cloud) -> R) -> R {
        let turn = self.shared.turn();
        let mut cloud = Cloud::clone(&self.cloud());
        cloud.set_now(self.shared.clock.now());
        let answer = edit(&mut cloud);
        self.shared.desk().put(cloud);
        drop(turn);
        answer
    }

    /// The present state, to look at.
    pub fn cloud(&self) -> Arc<Cloud> {
        Arc::clone(&self.shared.desk().cloud)
    }

    /// Lets every listing tell this earlier state from now on, as a replica does that fell behind
    /// and stays behind: what [`Tenant::cloud`] gave at some time. What is asked for by its id is
    /// told as it is, and edits go on.
    pub fn serve_older(&self, earlier: Arc<Cloud>) {
        self.shared.desk().older = Some(earlier);
    }

    /// Lets listings tell the present state again.
    pub fn serve_present(&self) {
        self.shared.desk().older = None;
    }

    /// Orders bad weather.
    pub fn order(&self, order: Order) {
        self.shared.desk().orders.add(order);
    }

    /// Orders bad weather for one path among those that the order is about, such as
    /// `/beta/settings`.
    pub fn order_for(&self, path: &str, order: Order) {
        self.shared.desk().orders.add_for(path, order);
    }

    /// Orders a random mix that a client overcomes by trying again: the same for the same seed.
    pub fn order_mix(&self, seed: u64, count: u32) {
        let now = http_date(self.shared.clock.now());
        let mut desk = self.shared.desk();
        for order in orders::mix(seed, count, &now) {
            desk.orders.add(order);
        }
    }

    /// Takes back every order; the rest of an answer that drips comes at once.
    pub fn clear_orders(&self) {
        self.shared.desk().orders.clear();
    }

    /// How many orders have not run out.
    pub fn open_orders(&self) -> usize {
        self.shared.desk().orders.open()
    }

    /// Grants these application permissions and no others. Tokens given out before keep theirs
    /// until they expire or are revoked, as real ones do.
    pub fn set_roles(&self, roles: Vec<String>) {
        self.shared.desk().roles = roles;
    }

    /// The granted application permissions.
    pub fn roles(&self) -> Vec<String> {
        self.shared.desk().roles.clone()
    }

    /// Sets how long tokens live that are given out from now on.
    pub fn set_token_lifetime(&self, lifetime: SignedDuration) {
        self.shared.desk().lifetime = lifetime;
    }

    /// Makes every token given out so far unknown.
    pub fn revoke_tokens(&self) {
        self.shared.desk().tokens.clear();
    }

    /// Sets what hidden memberships answer without the right to them.
    pub fn set_hidden_answer(&self, hidden: HiddenAnswer) {
        self.shared.desk().hidden = hidden;
    }

    /// Moves the tenant's clock away from the machine's; tokens and assertions grow old by it.
    pub fn shift_clock(&self, by: SignedDuration) {
        self.shared.clock.shift(by);
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.desk().seen.clone()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.shared.desk().seen.clear();
    }
}

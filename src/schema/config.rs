//! The daemon configuration as a type: `kind: DaemonConfiguration`.
//!
//! The comments are what people read in their editor and in the reference. `settings` reads the
//! document.

use schemars::JsonSchema;
use serde::Deserialize;

use super::words::{ApiVersion, Dn, Duration, HttpsHost, Id, ListenAddress, Name, Path, Text};

/// One daemon: one tenant, one domain, one folder of policies.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DaemonConfiguration {
    /// The version of this form.
    pub api_version: ApiVersion,
    /// What the document is.
    pub kind: ConfigurationKind,
    /// What the daemon is called.
    pub metadata: OwnerMetadata,
    /// The cloud side.
    pub tenant: Tenant,
    /// The directory side.
    pub directory: Directory,
    /// Where the policies are.
    pub policies: Option<Policies>,
    /// Where the daemon keeps what it must not lose.
    pub state: State,
    /// When passes run.
    pub schedule: Option<Schedule>,
    /// What is served.
    pub http: Option<Http>,
}

/// What the document is.
#[derive(Debug, Deserialize, JsonSchema)]
pub enum ConfigurationKind {
    /// A daemon configuration.
    DaemonConfiguration,
}

/// What the daemon is called.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnerMetadata {
    /// The owner name. It stands in the ownership record of every group and decides which groups
    /// are the daemon's own: choose it once.
    pub name: Name,
}

/// The cloud side.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend(
    "if" = { "properties": { "cloud": { "const": "Custom" } }, "required": ["cloud"] },
    "then" = { "required": ["loginUrl", "graphUrl", "scope"] },
    "else" = { "properties": { "loginUrl": false, "graphUrl": false, "scope": false } },
))]
pub struct Tenant {
    /// The directory (tenant) id.
    pub id: Id,
    /// Where the tenant is reached.
    #[schemars(extend("default" = "Global"))]
    pub cloud: Option<Cloud>,
    /// Where tokens come from. Required with `cloud: Custom`, else refused.
    #[schemars(extend("examples" = ["https://login.example"]))]
    pub login_url: Option<HttpsHost>,
    /// Where Graph is: the only host a token is sent to. Required with `cloud: Custom`, else
    /// refused.
    pub graph_url: Option<HttpsHost>,
    /// The scope of a token request, `https://<Graph host>/.default`. Required with
    /// `cloud: Custom`, else refused.
    #[schemars(extend(
        "pattern" = r"^[Hh][Tt][Tt][Pp][Ss]:.*/\.default$",
        "examples" = ["https://graph.example/.default"],
    ))]
    pub scope: Option<Text>,
    /// The application (client) id of the app registration; with `managedIdentity` that of the
    /// identity.
    pub client_id: Id,
    /// How the app registration proves itself: exactly one field.
    pub credential: Credential,
    /// A private CA (PEM), trusted beside the system's: a proxy that opens TLS may stand before
    /// one of the two hosts.
    pub ca_file: Option<Path>,
}

/// Where a tenant is reached.
#[derive(Debug, Deserialize, JsonSchema)]
pub enum Cloud {
    /// The worldwide cloud, with GCC.
    Global,
    /// US Government L4 (GCC High).
    UsGovernment,
    /// US Government L5 (DoD).
    UsGovernmentDod,
    /// China, operated by 21Vianet.
    China,
    /// The hosts in `loginUrl` and `graphUrl`.
    Custom,
}

/// How the app registration proves itself: exactly one field. The files are read each time they
/// are needed: a renewed secret needs no restart.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct Credential {
    /// A file of at most 64 KiB with the client secret; one line end at its end does not count.
    pub client_secret_file: Option<Path>,
    /// A certificate and its key.
    pub certificate: Option<Certificate>,
    /// A token of another issuer that the application trusts (workload identity federation); the
    /// platform renews it in its file, which is read again for each token request.
    #[schemars(extend("examples" = ["/var/run/secrets/azure/tokens/azure-identity-token"]))]
    pub federated_token_file: Option<Path>,
    /// The identity that Azure gives this machine: an Azure VM, or a server with the Azure Arc
    /// agent. The account needs the group `himds` there. No secret is kept anywhere.
    pub managed_identity: Option<ManagedIdentity>,
}

/// The identity that Azure gives this machine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ManagedIdentity {
    /// The client id of an identity that a user assigned to the VM. When absent: the identity of
    /// the machine itself.
    pub client_id: Option<Id>,
}

/// A certificate and its key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Certificate {
    /// The certificate that the app registration knows; PEM.
    pub certificate_file: Path,
    /// Its private key; PEM.
    pub private_key_file: Path,
}

/// The directory side.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Directory {
    /// Exactly one domain controller, `ldaps://host[:port]`, by a name or IPv4 address that its
    /// certificate names.
    #[schemars(
        length(min = 1, max = 1),
        inner(regex(pattern = LDAPS)),
        extend("examples" = [["ldaps://dc1.corp.example"]]),
    )]
    pub servers: Vec<Text>,
    /// Who binds.
    pub bind: Bind,
    /// A private CA (PEM), trusted instead of the system's: there is one server.
    pub ca_file: Option<Path>,
    /// Full names, none of them a whole domain. Nothing outside these subtrees is ever written.
    #[schemars(
        length(min = 1),
        extend("examples" = [["OU=Cloud Groups,DC=corp,DC=example"]]),
    )]
    pub containers: Vec<Dn>,
}

#[cfg(not(feature = "kerberos"))]
const LDAPS: &str = r"^[Ll][Dd][Aa][Pp][Ss]://[^/?#@]+/?$";
/// `ldap://` is for Kerberos, which seals it.
#[cfg(feature = "kerberos")]
const LDAPS: &str = r"^[Ll][Dd][Aa][Pp][Ss]?://[^/?#@]+/?$";

/// Who binds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "kerberos", schemars(extend("minProperties" = 1, "maxProperties" = 1)))]
pub struct Bind {
    /// By name and password, over TLS.
    #[cfg(not(feature = "kerberos"))]
    pub simple: SimpleBind,
    /// By name and password, over TLS.
    #[cfg(feature = "kerberos")]
    pub simple: Option<SimpleBind>,
    /// By a key of a keytab; the connection begins as `ldap://` and is sealed by the bind.
    #[cfg(feature = "kerberos")]
    pub kerberos: Option<KerberosBind>,
}

/// By a key of a keytab.
#[cfg(feature = "kerberos")]
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KerberosBind {
    /// The keytab; only the daemon's account may read it.
    pub keytab_file: Path,
    /// `account@REALM`, a principal of the keytab.
    #[schemars(extend("examples" = ["svc-writeback@CORP.EXAMPLE"]))]
    pub principal: Text,
}

/// By name and password, over TLS.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SimpleBind {
    /// `DOMAIN\name`, a user principal name or a DN.
    #[schemars(extend("examples" = [r"CORP\svc-writeback"]))]
    pub name: Text,
    /// A file of at most 64 KiB with the password; one line end at its end does not count.
    pub password_file: Path,
}

/// Where the policies are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Policies {
    /// A folder: `*.yaml` and `*.yml` directly in it are read; names that start with a dot are
    /// passed over.
    #[schemars(extend("default" = "policies"))]
    pub path: Option<Path>,
}

/// Where the daemon keeps what it must not lose.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct State {
    /// The folder of lock, journal and memory.
    pub path: Path,
    /// How long what the journal says is kept: 1d to 3650d. An undo reaches no further back.
    #[schemars(extend("default" = "400d", "examples" = ["90d"]))]
    pub journal_retention: Option<Duration>,
}

/// When passes run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Schedule {
    /// From the start of one pass to the start of the next: 1s to 1d.
    #[schemars(extend("default" = "15m"))]
    pub interval: Option<Duration>,
    /// How long members that the directory refused are left alone: 1m to 7d, not below the
    /// interval. When absent and the interval is longer: the interval.
    #[schemars(extend("default" = "6h"))]
    pub resync: Option<Duration>,
    /// How far apart two complete listings without a group stand before it counts as deleted: 1s
    /// to 30d.
    #[schemars(extend("default" = "10m"))]
    pub confirm_after: Option<Duration>,
}

/// What is served.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Http {
    /// Metrics and probes.
    #[schemars(extend("default" = "127.0.0.1:9464"))]
    pub listen: Option<ListenAddress>,
    /// The status; another address than `listen`.
    #[schemars(extend("default" = "127.0.0.1:9465"))]
    pub status: Option<ListenAddress>,
    /// The Unix socket on which commands on the same machine ask the daemon, at most 107 bytes
    /// long. When absent: `admin.sock` in `state.path`.
    #[schemars(extend("examples" = ["/run/writeback/admin.sock"]))]
    pub admin_socket: Option<Path>,
}

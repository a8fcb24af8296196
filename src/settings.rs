//! The daemon configuration as it is meant: no absent fields, nothing to re-check.
//!
//! Input: `writeback.yaml` and, nowhere else, the environment. Output: `Settings` for the
//! controller and the edges. Secrets are only named here, by file; `read_secret` reads one
//! again each time it is needed, so that a renewed secret needs no restart.

mod bind;
mod cloud;
mod credential;
mod document;
mod expiry;
mod platform;
mod secret;
mod supervision;

use std::env;
use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;
use uuid::Uuid;

use crate::model::{Containers, TenantId};
use crate::yaml;

pub use crate::yaml::ConfigMistake;
pub use expiry::{CredentialFile, CredentialState};
pub use platform::IdentityPlace;
pub use secret::{SECRET_BYTES_MAX, SecretError, read_secret};
pub use supervision::{Supervision, supervision};

/// `kind` of the daemon configuration.
pub const KIND: &str = "DaemonConfiguration";

/// The time between two passes until passes are incremental: every pass reads everything.
pub const INTERVAL_DEFAULT: Duration = Duration::from_mins(15);
/// A shorter interval only adds load: a pass never starts before the last one ended.
pub const INTERVAL_MIN: Duration = Duration::from_secs(1);
/// Longer than a day is no daemon any more.
pub const INTERVAL_MAX: Duration = Duration::from_hours(24);
/// How long members that the directory refused are remembered.
pub const RESYNC_DEFAULT: Duration = Duration::from_hours(6);
/// A refused member asked for more often than this keeps no pass quiet.
pub const RESYNC_MIN: Duration = Duration::from_mins(1);
/// A refusal that was mended in the directory shows after a week at the latest.
pub const RESYNC_MAX: Duration = Duration::from_hours(7 * 24);
/// How far apart two listings without a group stand before it counts as deleted: longer than
/// replicas of the tenant usually disagree.
pub const CONFIRM_AFTER_DEFAULT: Duration = Duration::from_mins(10);
/// Two listings in one moment would be one witness.
pub const CONFIRM_AFTER_MIN: Duration = Duration::from_secs(1);
/// Longer than soft-deleted groups are kept (30 days) waits for nothing.
pub const CONFIRM_AFTER_MAX: Duration = Duration::from_hours(30 * 24);

/// How long the journal is kept unless `state.journalRetention` says otherwise: a year and the
/// month in which somebody asks about it.
pub const JOURNAL_RETENTION_DEFAULT: Duration = Duration::from_hours(400 * 24);
/// An undo and the guard's window reach a day back.
pub const JOURNAL_RETENTION_MIN: Duration = Duration::from_hours(24);
/// Longer than ten years is an archive's task.
pub const JOURNAL_RETENTION_MAX: Duration = Duration::from_hours(3_650 * 24);

/// The name of the admin socket inside `state.path` unless `http.adminSocket` says otherwise.
pub const ADMIN_SOCKET_DEFAULT: &str = "admin.sock";
/// The longest path of a Unix socket in bytes: `sun_path` has 108 with the NUL at its end
/// (unix(7)).
pub const ADMIN_SOCKET_BYTES_MAX: usize = 107;

/// Where metrics and probes are served unless `http.listen` says otherwise.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:9464";
/// Where status is served unless `http.status` says otherwise.
pub const STATUS_DEFAULT: &str = "127.0.0.1:9465";

/// Where the configuration is looked for when nobody names it, in this order.
pub const USUAL_PLACES: [&str; 2] = ["config/writeback.yaml", "/etc/writeback/writeback.yaml"];
/// The variable that names the configuration.
pub const VARIABLE: &str = "WRITEBACK_CONFIG";

/// The daemon configuration. Every path is resolved against the folder of the file.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The file this was read from, as it was named.
    pub file: PathBuf,
    /// `metadata.name`: the owner in ownership records; `[a-z0-9-]`, 1 to 50 characters.
    pub owner: String,
    /// The cloud side.
    pub tenant: TenantSettings,
    /// The directory side.
    pub directory: DirectorySettings,
    /// The folder of policies.
    pub policies: PathBuf,
    /// The folder of lock, journal and memory.
    pub state: PathBuf,
    /// How long what the journal says is kept.
    pub journal_retention: Duration,
    /// The Unix socket on which people on this machine ask the daemon; at most
    /// [`ADMIN_SOCKET_BYTES_MAX`] bytes.
    pub admin_socket: PathBuf,
    /// When passes run.
    pub schedule: Schedule,
    /// What is served.
    pub http: HttpSettings,
}

/// The cloud side.
#[derive(Clone, Debug)]
pub struct TenantSettings {
    /// The tenant.
    pub id: TenantId,
    /// Where it is reached.
    pub cloud: Cloud,
    /// The app registration's application (client) id.
    pub client_id: Uuid,
    /// How the app registration proves itself.
    pub credential: Credential,
    /// A private CA beside the system's own; PEM.
    pub ca_file: Option<PathBuf>,
}

/// Where a cloud is reached (learn.microsoft.com/graph/deployments).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cloud {
    /// Tokens: `https`, no path.
    pub login_url: Url,
    /// Graph: `https`, no path; the only host a token is sent to.
    pub graph_url: Url,
    /// The scope of a token request; ends in `/.default`.
    pub scope: String,
}

/// How the app registration proves itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Credential {
    /// A client secret.
    ClientSecretFile(PathBuf),
    /// A certificate and its private key; PEM.
    Certificate {
        /// The certificate that the app registration knows.
        certificate_file: PathBuf,
        /// Its private key.
        private_key_file: PathBuf,
    },
    /// A token of another issuer, which the platform renews in its file (workload identity).
    FederatedTokenFile(PathBuf),
    /// The identity that Azure gives this machine.
    ManagedIdentity {
        /// Which of its identities, where a user assigned one; else that of the machine itself.
        client_id: Option<Uuid>,
    },
}

/// Who binds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Bind {
    /// A name and a password, inside TLS.
    Simple {
        /// A DN, `DOMAIN\name` or a user principal name (MS-ADTS 5.1.1.1.1).
        name: String,
        /// The file that holds the password.
        password_file: PathBuf,
    },
    /// A key of a keytab; the connection is sealed by it.
    #[cfg(feature = "kerberos")]
    Kerberos {
        /// `account@REALM`.
        principal: String,
        /// The keytab.
        keytab_file: PathBuf,
    },
}

/// The directory side.
#[derive(Clone, Debug)]
pub struct DirectorySettings {
    /// `ldaps://host[:port]`; with Kerberos `ldap://host[:port]`.
    pub server: Url,
    /// Who binds.
    pub bind: Bind,
    /// A private CA beside the system's own; PEM.
    pub ca_file: Option<PathBuf>,
    /// Nothing outside these subtrees is ever written.
    pub containers: Containers,
}

/// When passes run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schedule {
    /// From the start of one pass to the start of the next.
    pub interval: Duration,
    /// How long members that the directory refused are remembered.
    pub resync: Duration,
    /// How far apart two complete listings without a group must stand before it is deleted.
    pub confirm_after: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            interval: INTERVAL_DEFAULT,
            resync: RESYNC_DEFAULT,
            confirm_after: CONFIRM_AFTER_DEFAULT,
        }
    }
}

/// What is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HttpSettings {
    /// Metrics and probes.
    pub listen: SocketAddr,
    /// Status.
    pub status: SocketAddr,
}

impl Settings {
    /// Reads and checks the file; every mistake at once.
    pub fn load(path: &Path) -> Result<Self, Vec<ConfigMistake>> {
        Self::parse(path, &read_file(path).map_err(|mistake| vec![mistake])?)
    }

    /// The files that hold secrets, and those that say whom to trust: whoever renews one expects
    /// it to be used.
    pub fn secret_files(&self) -> Vec<&Path> {
        let credential = match &self.tenant.credential {
            Credential::ClientSecretFile(file) | Credential::FederatedTokenFile(file) => vec![file],
            Credential::Certificate { certificate_file, private_key_file } => {
                vec![certificate_file, private_key_file]
            }
            Credential::ManagedIdentity { .. } => Vec::new(),
        };
        let bind = match &self.directory.bind {
            Bind::Simple { password_file, .. } => password_file,
            #[cfg(feature = "kerberos")]
            Bind::Kerberos { keytab_file, .. } => keytab_file,
        };
        let trusted = [&self.tenant.ca_file, &self.directory.ca_file].into_iter().flatten();
        credential.into_iter().chain([bind]).chain(trusted).map(PathBuf::as_path).collect()
    }

    /// Checks the text of a configuration that stands, or would stand, at `path`.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, Vec<ConfigMistake>> {
        yaml::read(bytes, |fields| document::read(path, fields)).map_err(|mistakes| {
            let file = path.display().to_string();
            mistakes.into_iter().map(|mistake| mistake.within(&file)).collect()
        })
    }
}

/// Whether the file at `path` says that it is a daemon configuration, right or wrong in the rest.
pub fn is_configuration(path: &Path) -> bool {
    path.is_file()
        && read_file(path).is_ok_and(|bytes| yaml::peek(&bytes, "kind").as_deref() == Some(KIND))
}

/// Where the platform gives out tokens of a managed identity: what its variables say, else the
/// Azure Arc agent where one is installed, else the metadata service of an Azure VM. The error is
/// text for people.
#[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
pub fn identity_place() -> Result<IdentityPlace, String> {
    platform::identity_place(|name| env::var(name).ok(), Path::exists)
}

/// The variables with which MIT Kerberos takes a keytab and keeps tickets to this process
/// (web.mit.edu/kerberos/krb5-latest/doc/admin/env_variables.html), where the configuration binds
/// with one and the process was started without them.
#[cfg(feature = "kerberos")]
#[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
pub fn kerberos_variables(settings: &Settings) -> Option<[(&'static str, std::ffi::OsString); 2]> {
    let Bind::Kerberos { keytab_file, .. } = &settings.directory.bind else { return None };
    let file = std::path::absolute(keytab_file).unwrap_or_else(|_| keytab_file.clone());
    let mut keytab = std::ffi::OsString::from("FILE:");
    keytab.push(file);
    let wanted = [("KRB5_CLIENT_KTNAME", keytab), ("KRB5CCNAME", "MEMORY:writeback".into())];
    let is_set = wanted.iter().all(|(name, value)| env::var_os(name).as_ref() == Some(value));
    (!is_set).then_some(wanted)
}

/// Which configuration to read: the flag, else `WRITEBACK_CONFIG`, else the first of the usual
/// places that exists, else the last of them (reading it then says what is missing).
#[expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]
pub fn find(config_flag: Option<&Path>) -> PathBuf {
    let variable = env::var_os(VARIABLE).filter(|text| !text.is_empty()).map(PathBuf::from);
    choose(config_flag, variable, Path::exists)
}

fn choose(
    flag: Option<&Path>,
    variable: Option<PathBuf>,
    exists: impl Fn(&Path) -> bool,
) -> PathBuf {
    let [first, last] = USUAL_PLACES.map(Path::new);
    let usual = || if exists(first) { first } else { last }.to_owned();
    flag.map(Path::to_owned).or(variable).unwrap_or_else(usual)
}

fn read_file(path: &Path) -> Result<Vec<u8>, ConfigMistake> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(yaml::BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    match File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)) {
        Ok(_) => Ok(bytes),
        Err(fault) => Err(ConfigMistake::of_file(
            &path.display().to_string(),
            format!("the configuration cannot be read: {fault}"),
            format!("create it, or name another one with --config or {VARIABLE}"),
        )),
    }
}

#[cfg(test)]
mod tests;

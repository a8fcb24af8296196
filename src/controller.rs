//! Floor 4: running. Reads the clock, looks, has it decided, writes, tells; nothing clever.
//!
//! `pass` is one round, `questions` what its policies make it read, `act` its writing half,
//! `schedule` the loop around it, `triggers` what wakes it, `notify` what whoever started it hears,
//! `lock` who may.

pub mod act;
pub mod admin;
pub mod adopt;
pub mod books;
pub mod credentials;
pub mod discover;
pub mod lock;
pub mod notify;
pub mod pass;
mod questions;
pub mod recall;
pub mod recover;
pub mod schedule;
pub mod stop;
pub mod triggers;
pub mod undo;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::directory::{self, Directory, DirectoryError, DirectoryOptions, LdapRequest};
use crate::graph::{self, GraphError, Patience, Request, RequestOutcome, Tenant, TenantOptions};
use crate::model::Containers;
use crate::report::Report;
use crate::report::events::Event;
use crate::report::progress::{Progress, Watcher};
use crate::settings::{self, Bind, Credential, Settings, read_secret};

/// The time of day. The one place that reads the clock.
#[expect(clippy::disallowed_methods, reason = "time enters the house here, as an argument")]
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Opens the tenant client. Sends nothing yet. `watcher` is told of every answer, and of every
/// second of a wait that the tenant asked for.
pub fn open_tenant(
    settings: &Settings,
    report: &Arc<Report>,
    watcher: &Watcher,
) -> Result<Tenant, GraphError> {
    let (report, moving, waiting) = (Arc::clone(report), watcher.clone(), watcher.clone());
    let tenant = &settings.tenant;
    Tenant::open(TenantOptions {
        login_url: tenant.cloud.login_url.clone(),
        graph_url: tenant.cloud.graph_url.clone(),
        scope: tenant.cloud.scope.clone(),
        tenant: tenant.id,
        client_id: tenant.client_id,
        credential: credential(&tenant.credential)?,
        ca_file: tenant.ca_file.clone(),
        read_secret: read_secret_file,
        now,
        patience: Patience::default(),
        observer: Arc::new(move |request: Request| {
            let code = match request.outcome {
                RequestOutcome::Status(status) => status.to_string(),
                RequestOutcome::Failed(word) => word.to_owned(),
            };
            report.emit(&Event::GraphAnswered {
                endpoint: request.endpoint,
                code,
                seconds: request.seconds,
                throttled: request.throttled,
            });
            moving(Progress::Moving);
        }),
        waiter: Arc::new(move || waiting(Progress::Moving)),
    })
}

fn credential(named: &Credential) -> Result<graph::Credential, GraphError> {
    Ok(match named.clone() {
        Credential::ClientSecretFile(file) => graph::Credential::Secret { file },
        Credential::Certificate { certificate_file, private_key_file } => {
            graph::Credential::Certificate { certificate_file, private_key_file }
        }
        Credential::FederatedTokenFile(file) => graph::Credential::FederatedToken { file },
        Credential::ManagedIdentity { client_id } => {
            let place = settings::identity_place().map_err(|problem| {
                let setting = "tenant.credential.managedIdentity".to_owned();
                GraphError::Configuration { setting, problem }
            })?;
            graph::Credential::ManagedIdentity { place: place_of(place), client_id }
        }
    })
}

fn place_of(place: settings::IdentityPlace) -> graph::IdentityPlace {
    match place {
        settings::IdentityPlace::Vm { host } => graph::IdentityPlace::Vm { host },
        settings::IdentityPlace::Arc { endpoint, key_folder } => {
            graph::IdentityPlace::Arc { endpoint, key_folder }
        }
    }
}

/// Connects to the domain and checks that the account may do what the daemon needs. `watcher` is
/// told of every answer.
pub async fn connect_directory(
    settings: &Settings,
    report: &Arc<Report>,
    watcher: &Watcher,
) -> Result<Directory, DirectoryError> {
    let (options, observer) = directory_options(settings, report, watcher);
    Directory::connect(options, settings.directory.containers.clone(), observer).await
}

/// Connects to the domain for whoever only reads: the containers have to exist, rights on them
/// are not asked for.
pub async fn connect_to_read(
    settings: &Settings,
    containers: Containers,
    report: &Arc<Report>,
    watcher: &Watcher,
) -> Result<Directory, DirectoryError> {
    let (options, observer) = directory_options(settings, report, watcher);
    Directory::connect_to_read(options, containers, observer).await
}

fn directory_options(
    settings: &Settings,
    report: &Arc<Report>,
    watcher: &Watcher,
) -> (DirectoryOptions, directory::Observer) {
    let (report, moving) = (Arc::clone(report), watcher.clone());
    let domain = &settings.directory;
    let (bind_name, password_file) = match domain.bind.clone() {
        Bind::Simple { name, password_file } => (name, password_file),
        #[cfg(feature = "kerberos")]
        Bind::Kerberos { principal, keytab_file } => (principal, keytab_file),
    };
    let options = DirectoryOptions {
        url: domain.server.to_string(),
        bind_name,
        password_file,
        read_secret: read_secret_file,
        ca_file: domain.ca_file.clone(),
        limits: directory::TimeLimits::default(),
    };
    let observer = Arc::new(move |request: LdapRequest| {
        report.emit(&Event::DirectoryAnswered {
            operation: request.operation,
            result: request.result,
            seconds: request.seconds,
        });
        moving(Progress::Moving);
    });
    (options, observer)
}

fn read_secret_file(path: &Path) -> Result<secrecy::SecretString, String> {
    read_secret(path).map_err(|error| {
        let source = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        format!("{error}{}", source.unwrap_or_default())
    })
}

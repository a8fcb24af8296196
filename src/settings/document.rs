//! The shape of the daemon configuration, field by field.
//!
//! Input: the fields of the document. Output: `Settings`; every mistake is noted with its place.
//! Fields of the contract that are not built yet are refused by name.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;
use uuid::Uuid;

use super::{
    ADMIN_SOCKET_BYTES_MAX, ADMIN_SOCKET_DEFAULT, Bind, CONFIRM_AFTER_MAX, CONFIRM_AFTER_MIN,
    DirectorySettings, HttpSettings, INTERVAL_MAX, INTERVAL_MIN, JOURNAL_RETENTION_DEFAULT,
    JOURNAL_RETENTION_MAX, JOURNAL_RETENTION_MIN, KIND, LISTEN_DEFAULT, RESYNC_MAX, RESYNC_MIN,
    STATUS_DEFAULT, Schedule, Settings, TenantSettings, bind, cloud, credential,
};
use crate::model::{Containers, Dn, PolicyName, TenantId};
use crate::yaml::{Fields, Refusal, Value, shown};

/// Reads the whole document; `path` is where it stands.
pub(super) fn read(path: &Path, fields: &mut Fields<'_>) -> Option<Settings> {
    let version = fields.needed("apiVersion").and_then(|v| v.word(&["writeback/v1alpha1"], &[]));
    let kind = fields.needed("kind").and_then(|value| value.word(&[KIND], &[]));
    if kind.is_none() && fields.has("kind") {
        fields.waive_rest();
        return None;
    }
    let base = path.parent().unwrap_or(Path::new(""));
    let owner =
        fields.required_child("metadata", |metadata| metadata.needed("name")?.text_as(owner_name));
    let tenant = fields.required_child("tenant", |tenant| read_tenant(base, tenant));
    let directory = fields.required_child("directory", |directory| read_directory(base, directory));
    let policies = fields.child_or_empty("policies", |policies| {
        let path = policies.value("path");
        path.map_or_else(|| Some(base.join("policies")), |value| read_path(base, &value))
    });
    let (state, journal_retention) = read_state(base, fields).unzip();
    let schedule = fields.child_or_empty("schedule", |schedule| Some(read_schedule(schedule)));
    let http = fields.child_or_empty("http", |http| {
        let admin_socket = read_admin_socket(base, state.as_deref(), http);
        Some((read_http(http)?, admin_socket))
    });
    version?;
    kind?;
    let (http, admin_socket) = http?;
    Some(Settings {
        file: path.to_owned(),
        owner: owner?,
        tenant: tenant?,
        directory: directory?,
        policies: policies?,
        state: state?,
        journal_retention: journal_retention?,
        admin_socket: admin_socket?,
        schedule: schedule?,
        http,
    })
}

/// The owner shares the alphabet and the length of policy names: both stand in the record.
fn owner_name(text: &str) -> Result<String, Refusal> {
    let name = PolicyName::parse(text).map(|name| name.as_str().to_owned());
    name.ok_or_else(|| {
        Refusal::new(
            format!("is `{}`, not a name", shown(text)),
            "use 1 to 50 characters of a-z, 0-9 and -",
        )
    })
}

fn read_tenant(base: &Path, tenant: &mut Fields<'_>) -> Option<TenantSettings> {
    let id = tenant.needed("id").and_then(|value| value.text_as(guid)).map(TenantId);
    let cloud = cloud::read(tenant);
    let client_id = tenant.needed("clientId").and_then(|value| value.text_as(guid));
    let credential = tenant.required_child("credential", |fields| credential::read(base, fields));
    let ca_file = tenant.value("caFile").and_then(|value| read_path(base, &value));
    Some(TenantSettings {
        id: id?,
        cloud: cloud?,
        client_id: client_id?,
        credential: credential?,
        ca_file,
    })
}

pub(super) fn guid(text: &str) -> Result<Uuid, Refusal> {
    TenantId::parse(text).map(|id| id.0).ok_or_else(|| {
        Refusal::new(
            format!("is `{}`, not an id", shown(text)),
            "copy it from the tenant: 11111111-2222-3333-4444-555555555555",
        )
    })
}

/// An address that is scheme, host and port and nothing else.
pub(super) fn host_only(text: &str, scheme: &str, example: &str) -> Result<Url, Refusal> {
    let refuse = |what: &str| {
        Refusal::new(format!("is `{}`, {what}", shown(text)), format!("write it as {example}"))
    };
    let url = Url::parse(text).map_err(|_| refuse("not an address"))?;
    if url.scheme() != scheme {
        return Err(refuse(&format!("not {scheme}://")));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(refuse("an address without a host"));
    }
    let bare = url.username().is_empty()
        && url.password().is_none()
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none();
    bare.then_some(url).ok_or_else(|| refuse("more than scheme, host and port"))
}

fn read_directory(base: &Path, directory: &mut Fields<'_>) -> Option<DirectorySettings> {
    directory.not_yet("domain", "name one server in `servers`");
    directory.not_yet("startTls", "use an ldaps:// server");
    directory.not_yet("globalCatalog", "write the groups of one domain only");
    let bind = directory.required_child("bind", |fields| bind::read(base, fields));
    let sealed = bind.as_ref().is_some_and(Bind::seals);
    let server = directory.needed("servers").and_then(|value| read_servers(&value, sealed));
    let ca_file = directory.value("caFile").and_then(|value| read_path(base, &value));
    let containers = directory.needed("containers").and_then(|value| read_containers(&value));
    Some(DirectorySettings { server: server?, bind: bind?, ca_file, containers: containers? })
}

fn read_servers(value: &Value<'_>, sealed: bool) -> Option<Url> {
    const REMEDY: &str = "name one server: [ldaps://dc1.corp.example]";
    let mut count = 0_usize;
    let mut servers = value.some_items(REMEDY, |item| {
        count += 1;
        if count > 1 {
            item.refuse("is a second server, which is not supported yet", "name one server");
            return None;
        }
        item.text_as(if sealed { bind::sealed_server } else { ldaps_server })
    })?;
    servers.pop()
}

fn ldaps_server(text: &str) -> Result<Url, Refusal> {
    const EXAMPLE: &str = "ldaps://dc1.corp.example";
    if text.to_ascii_lowercase().starts_with("ldap://") {
        return Err(Refusal::new(
            format!(
                "is `{}`: without TLS nothing is sent, StartTLS is not supported yet",
                shown(text)
            ),
            format!("write it as {EXAMPLE}"),
        ));
    }
    host_only(text, "ldaps", EXAMPLE)
}

fn read_containers(value: &Value<'_>) -> Option<Containers> {
    const REMEDY: &str = "name at least one: ['OU=Groups,DC=corp,DC=example']";
    let mut seen = Vec::new();
    let dns = value.some_items(REMEDY, |item| {
        let dn = item.text_as(container_dn)?;
        if seen.contains(&dn.key()) {
            item.refuse(
                format!("is `{}`, which is given twice", shown(&dn.to_string())),
                "keep one",
            );
            return None;
        }
        seen.push(dn.key());
        Some(dn)
    })?;
    (!dns.is_empty()).then(|| Containers::new(dns))
}

/// A container is a full DN: it ends in the components of a domain, and is not the domain
/// itself, which would put the domain controllers and built-in groups within reach.
fn container_dn(text: &str) -> Result<Dn, Refusal> {
    const REMEDY: &str = "write a full name: 'OU=Groups,DC=corp,DC=example'";
    let dn = Dn::parse(text).map_err(|mistake| {
        Refusal::new(
            format!("is not a distinguished name: {}", shown(&mistake.to_string())),
            REMEDY,
        )
    })?;
    let is_domain_part = |dn: &Dn| dn.rdn().to_ascii_lowercase().starts_with("dc=");
    if is_domain_part(&dn) {
        let message = format!("is `{}`, a whole domain", shown(text));
        return Err(Refusal::new(message, "name an organisational unit inside it"));
    }
    let top = std::iter::successors(dn.parent(), Dn::parent).last();
    if !top.is_some_and(|top| is_domain_part(&top)) {
        return Err(Refusal::new(format!("is `{}`, not a full name", shown(text)), REMEDY));
    }
    Ok(dn)
}

fn read_schedule(schedule: &mut Fields<'_>) -> Schedule {
    schedule.not_yet("flagInterval", "leave it out: every pass reads the flags");
    let default = Schedule::default();
    let mut read = |key, range: RangeInclusive<Duration>| {
        schedule.value(key).and_then(|value| value.duration(&range))
    };
    let interval = read("interval", INTERVAL_MIN..=INTERVAL_MAX).unwrap_or(default.interval);
    let resync = read("resync", RESYNC_MIN..=RESYNC_MAX).unwrap_or(default.resync.max(interval));
    let confirm_after = read("confirmAfter", CONFIRM_AFTER_MIN..=CONFIRM_AFTER_MAX)
        .unwrap_or(default.confirm_after);
    if resync < interval {
        let remedy = "write a resync at least as long as the interval";
        schedule.refuse("resync", "is shorter than `schedule.interval`", remedy);
    }
    Schedule { interval, resync, confirm_after }
}

fn read_state(base: &Path, fields: &mut Fields<'_>) -> Option<(PathBuf, Duration)> {
    const RETENTION: RangeInclusive<Duration> = JOURNAL_RETENTION_MIN..=JOURNAL_RETENTION_MAX;
    fields.required_child("state", |state| {
        let path = state.needed("path").and_then(|value| read_path(base, &value));
        let retention = state.value("journalRetention").and_then(|v| v.duration(&RETENTION));
        Some((path?, retention.unwrap_or(JOURNAL_RETENTION_DEFAULT)))
    })
}

/// The path as it is given, else inside the folder of the state; too long a one cannot be bound.
fn read_admin_socket(base: &Path, state: Option<&Path>, http: &mut Fields<'_>) -> Option<PathBuf> {
    const KEY: &str = "adminSocket";
    let given = http.value(KEY);
    if given.is_none() && http.has(KEY) {
        return None;
    }
    let path = match given {
        Some(value) => read_path(base, &value)?,
        None => state?.join(ADMIN_SOCKET_DEFAULT),
    };
    let bytes = path.as_os_str().len();
    if bytes > ADMIN_SOCKET_BYTES_MAX {
        let message = format!(
            "would be `{}`, {bytes} bytes long: a socket has at most {ADMIN_SOCKET_BYTES_MAX}",
            shown(&path.display().to_string())
        );
        http.refuse(KEY, message, "name a shorter path, such as /run/writeback/admin.sock");
        return None;
    }
    Some(path)
}

fn read_http(http: &mut Fields<'_>) -> Option<HttpSettings> {
    let mut read = |key, default: &str| match http.value(key) {
        Some(value) => value.text_as(socket_address),
        None => default.parse().ok(),
    };
    let (listen, status) = (read("listen", LISTEN_DEFAULT), read("status", STATUS_DEFAULT));
    let (listen, status) = (listen?, status?);
    if listen == status && listen.port() != 0 {
        http.refuse("status", "is the same address as `http.listen`", "give each its own port");
        return None;
    }
    Some(HttpSettings { listen, status })
}

fn socket_address(text: &str) -> Result<SocketAddr, Refusal> {
    text.parse().map_err(|_| {
        Refusal::new(
            format!("is `{}`, not an address with a port", shown(text)),
            "write it as 127.0.0.1:9464 or '[::1]:9464'",
        )
    })
}

/// A path, taken from the folder of the configuration unless it is absolute.
pub(super) fn read_path(base: &Path, value: &Value<'_>) -> Option<PathBuf> {
    value.text_as(|text| {
        if text.contains('\0') {
            return Err(Refusal::new("holds a NUL character", "write a path"));
        }
        Ok(base.join(text))
    })
}

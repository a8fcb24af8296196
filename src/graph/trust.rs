//! Whom the client trusts: the platform's authorities, and those of the CA file as it is now.
//!
//! Input: `tenant.caFile`. Output: the HTTP client. A renewed file is taken up when a certificate
//! is refused and whenever a token is renewed: no restart, and no pass that fails over it.

use std::error::Error as _;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::{Certificate, redirect};
use tokio::time::sleep;

use crate::graph::transport::{REQUESTS_IN_FLIGHT_MAX, unusable};
use crate::graph::{GraphError, Patience, TenantOptions};

/// Connections kept open to one host: one for each request in flight.
const IDLE_CONNECTIONS_MAX: usize = REQUESTS_IN_FLIGHT_MAX;
/// Who asks, for the tenant's sign-in and activity logs.
const USER_AGENT: &str = concat!("writeback/", env!("CARGO_PKG_VERSION"));

/// How often a file that is being written is read again before it counts as what it is.
pub(super) const SETTLE_TRIES: u32 = 4;
/// How long between two of these reads; together a second, which is long for writing two files.
pub(super) const SETTLE_PAUSE: Duration = Duration::from_millis(250);

/// The HTTP client and the authorities that it was made with.
pub(super) struct Trust {
    ca_file: Option<PathBuf>,
    patience: Patience,
    made: Mutex<Made>,
}

struct Made {
    client: reqwest::Client,
    pem: Vec<u8>,
    /// How often the authorities have changed.
    number: u64,
}

impl Trust {
    /// Reads the CA file and makes the client.
    pub(super) fn open(options: &TenantOptions) -> Result<Self, GraphError> {
        let (ca_file, patience) = (options.ca_file.clone(), options.patience);
        let made = make(ca_file.as_ref(), patience)?;
        Ok(Self { ca_file, patience, made: Mutex::new(made) })
    }

    /// The client as it is now.
    pub(super) fn client(&self) -> reqwest::Client {
        self.made().client.clone()
    }

    /// How often its authorities have changed.
    pub(super) fn number(&self) -> u64 {
        self.made().number
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the client anew where the CA file has changed. Whether it is another than that of
    /// number `before`: of several requests that an old one refused together, the first takes up
    /// the file, and all of them are sent again. A file that cannot be used is being written: it is
    /// read again for a moment, then the old authorities stay.
    pub(super) async fn renew(&self, before: u64) -> bool {
        if self.ca_file.is_none() {
            return false;
        }
        for reading in 0..=SETTLE_TRIES {
            if reading > 0 {
                sleep(SETTLE_PAUSE).await;
            }
            let Ok(renewed) = make(self.ca_file.as_ref(), self.patience) else { continue };
            let mut made = self.made();
            if renewed.pem != made.pem {
                let number = made.number.saturating_add(1);
                *made = Made { number, ..renewed };
            }
            return made.number != before;
        }
        self.number() != before
    }
}

fn make(ca_file: Option<&PathBuf>, patience: Patience) -> Result<Made, GraphError> {
    let mut builder = reqwest::Client::builder()
        .https_only(true)
        .redirect(redirect::Policy::none())
        .referer(false)
        .user_agent(USER_AGENT)
        .connect_timeout(patience.connect)
        .read_timeout(patience.read)
        .timeout(patience.total)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX);
    let (mut trust, mut pem) = ("the certificates of the platform".to_owned(), Vec::new());
    if let Some(file) = ca_file {
        trust = format!("tenant.caFile ({})", file.display());
        pem = std::fs::read(file).map_err(|error| unusable(&trust, &error.to_string()))?;
        let authorities = Certificate::from_pem_bundle(&pem).unwrap_or_default();
        if authorities.is_empty() {
            return Err(unusable(&trust, "the file holds no certificate in PEM form"));
        }
        builder = builder.tls_certs_merge(authorities);
    }
    let client = builder.build().map_err(|error| {
        let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        unusable(&trust, &cause)
    })?;
    Ok(Made { client, pem, number: 0 })
}

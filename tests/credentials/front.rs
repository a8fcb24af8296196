//! A front of the simulated domain controller, which ends TLS and begins it again behind: its
//! certificate is renewed and its connections are cut while the domain goes on.
//!
//! Comes from: connections of the product. Goes to: the domain, as they are.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use url::Url;
use writeback::sim::domain::Domain;
use writeback::sim::tls::{Authority, LOOPBACK_NAMES};

/// A running front. Dropping it closes its port and every connection.
pub struct Front {
    shared: Arc<Shared>,
    port: u16,
    serving: JoinHandle<()>,
}

struct Shared {
    domain: u16,
    acceptor: Mutex<TlsAcceptor>,
    connector: TlsConnector,
    cut: watch::Sender<()>,
    opened: AtomicUsize,
    refused: AtomicUsize,
}

impl Front {
    /// Before this domain, with a certificate of this authority.
    pub async fn start(domain: &Domain, authority: &Authority) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(domain.ca_pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let shared = Arc::new(Shared {
            domain: Url::parse(&domain.url()).unwrap().port().unwrap(),
            acceptor: Mutex::new(acceptor(authority)),
            connector: TlsConnector::from(Arc::new(config)),
            cut: watch::Sender::new(()),
            opened: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Self { shared, port, serving }
    }

    /// `ldaps://localhost:port`.
    pub fn url(&self) -> String {
        format!("ldaps://localhost:{}", self.port)
    }

    /// From now on the certificate is one of this authority.
    pub fn renew(&self, authority: &Authority) {
        *self.shared.acceptor.lock().unwrap() = acceptor(authority);
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        self.shared.cut.send_replace(());
    }

    /// How many connections were opened so far, and how many a client gave up over TLS.
    pub fn handshakes(&self) -> (usize, usize) {
        let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
        (count(&self.shared.opened), count(&self.shared.refused))
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // The task owns the listener and the set of connections, which end with it.
        self.serving.abort();
    }
}

fn acceptor(authority: &Authority) -> TlsAcceptor {
    TlsAcceptor::from(authority.server(&LOOPBACK_NAMES))
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((near, _)) = listener.accept().await else { continue };
        connections.spawn(carry(near, Arc::clone(&shared)));
    }
}

async fn carry(near: TcpStream, shared: Arc<Shared>) {
    // Before the certificate is taken: a cut that follows its renewal cuts this one as well.
    let mut cut = shared.cut.subscribe();
    let acceptor = shared.acceptor.lock().unwrap().clone();
    let Ok(mut near) = acceptor.accept(near).await else {
        shared.refused.fetch_add(1, Ordering::Relaxed);
        return;
    };
    shared.opened.fetch_add(1, Ordering::Relaxed);
    let far = TcpStream::connect((Ipv4Addr::LOCALHOST, shared.domain)).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut far = shared.connector.connect(name, far).await.unwrap();
    tokio::select! {
        // Whoever hangs up does so on both sides.
        ended = copy_bidirectional(&mut near, &mut far) => drop(ended),
        ended = cut.changed() => drop(ended),
    }
}

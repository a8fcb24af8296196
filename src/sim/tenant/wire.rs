//! The loopback listener: TCP, TLS, and connections that can be cut.
//!
//! Input: a port, TLS settings and a router. Output: a running HTTPS server whose connections end
//! when it is stopped, so that a tenant that "went down" is down for kept-alive clients as well.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Connections that are past their handshake and not yet taken up. A client has a handful of
/// connections; a full queue only makes the next handshake wait.
const WAITING_CONNECTIONS: usize = 64;

/// A running HTTPS server. Dropping it ends the listener and every connection.
pub(super) struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    accepting: JoinHandle<()>,
    serving: JoinHandle<()>,
}

impl Server {
    /// Listens on 127.0.0.1. Port 0 takes any free port.
    pub(super) async fn start(
        port: u16,
        tls: Arc<ServerConfig>,
        router: Router,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let stop = CancellationToken::new();
        let (ready, waiting) = mpsc::channel(WAITING_CONNECTIONS);
        let accepting = tokio::spawn(accept(listener, TlsAcceptor::from(tls), ready, stop.clone()));
        let connections = Connections { waiting, address };
        let service = router.into_make_service_with_connect_info::<Cut>();
        let serving = tokio::spawn(async move {
            // `axum::serve` ends only when its task is aborted; it has no error to report.
            drop(axum::serve(connections, service).await);
        });
        Ok(Self { address, stop, accepting, serving })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the listener and every connection, and waits until the port is free again.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        self.accepting.abort();
        self.serving.abort();
        // Both answers are "cancelled" or "finished": either way the listening socket is closed.
        drop((&mut self.accepting).await);
        drop((&mut self.serving).await);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        self.accepting.abort();
        self.serving.abort();
    }
}

/// Takes connections and shakes hands with each in a task of its own, so that a client that
/// never speaks TLS keeps nobody else waiting.
async fn accept(
    listener: TcpListener,
    tls: TlsAcceptor,
    ready: mpsc::Sender<(Connection, SocketAddr)>,
    stop: CancellationToken,
) {
    loop {
        // An error of accept concerns the connection that was lost; the next one may be fine.
        let Ok((stream, remote)) = listener.accept().await else {
            continue;
        };
        let (tls, ready, stop) = (tls.clone(), ready.clone(), stop.clone());
        tokio::spawn(async move {
            let connection = tokio::select! {
                () = stop.cancelled() => return,
                connection = handshake(&tls, stream, &stop) => connection,
            };
            // A client that refuses our certificate ends here: that is its right.
            if let Ok(connection) = connection {
                drop(ready.send((connection, remote)).await);
            }
        });
    }
}

async fn handshake(
    tls: &TlsAcceptor,
    stream: TcpStream,
    stop: &CancellationToken,
) -> io::Result<Connection> {
    stream.set_nodelay(true)?;
    let stream = tls.accept(stream).await?;
    let stopped = Box::pin(stop.clone().cancelled_owned());
    Ok(Connection { stream, stopped, cut: Cut::default() })
}

struct Connections {
    waiting: mpsc::Receiver<(Connection, SocketAddr)>,
    address: SocketAddr,
}

impl Listener for Connections {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        match self.waiting.recv().await {
            Some(connection) => connection,
            // The accepting task is gone: the server is being stopped and this task with it.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// The scissors for one connection: once cut, nothing more is sent on it.
#[derive(Clone, Default)]
pub(super) struct Cut(Arc<AtomicBool>);

impl Cut {
    /// Lets the connection end at the next byte the server wants to send.
    pub(super) fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_cut(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Connected<IncomingStream<'_, Connections>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Connections>) -> Self {
        stream.io().cut.clone()
    }
}

/// A TLS connection that ends when it is cut or its server is stopped.
struct Connection {
    stream: TlsStream<TcpStream>,
    stopped: Pin<Box<WaitForCancellationFutureOwned>>,
    cut: Cut,
}

impl Connection {
    fn ended(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.cut.is_cut() || self.stopped.as_mut().poll(context).is_ready() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.ended(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.ended(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ended(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ended(context)?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

//! Whoever connects, and stays silent, or asks and does not read: nobody takes what others need.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_mins(1);
/// What is waited for: long enough for a busy machine to ask and to answer within it.
const SHORT: Duration = Duration::from_secs(2);
/// What none of these tests waits for.
const AGES: Duration = Duration::from_hours(1);

/// A listener whose only page is one word.
async fn listener(limits: Limits) -> SocketAddr {
    let router = Router::new().route("/", get(async || "word"));
    serve_within("127.0.0.1:0".parse().unwrap(), router, limits).await.unwrap()
}

fn patient() -> Limits {
    Limits { connections_max: 100_000, head: AGES, age: AGES, answer: AGES }
}

/// Asks for a path without reading the answer.
async fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// The first bytes of an answer, enough for its status; fewer where the other side closed.
async fn begins(stream: &mut TcpStream) -> String {
    let mut begun = [0; 12];
    let _cut = timeout(PATIENCE, stream.read_exact(&mut begun)).await.unwrap();
    String::from_utf8(begun.to_vec()).unwrap()
}

/// What still comes until the other side closes.
async fn rest(stream: &mut TcpStream) -> usize {
    let mut rest = Vec::new();
    // A connection that is cut may end with an error: it has ended.
    let _cut = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
    rest.len()
}

#[tokio::test]
async fn a_connection_that_stays_silent_is_closed() {
    let address = listener(Limits { head: SHORT, ..patient() }).await;
    for begun in ["", "GET / HTTP/1.1\r\nHost: loc"] {
        let mut silent = TcpStream::connect(address).await.unwrap();
        silent.write_all(begun.as_bytes()).await.unwrap();
        rest(&mut silent).await;
    }
    // After an answer, too.
    let mut idle = ask(address, "/").await;
    assert_eq!(begins(&mut idle).await, "HTTP/1.1 200");
    rest(&mut idle).await;
}

#[tokio::test]
async fn however_many_stay_connected_the_next_one_is_answered() {
    let address = listener(Limits { connections_max: 4, ..patient() }).await;
    let mut silent = Vec::new();
    for _ in 0..12 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    assert_eq!(begins(&mut ask(address, "/").await).await, "HTTP/1.1 200");
    // The oldest made place, and those that came last are still served.
    for oldest in silent.iter_mut().take(9) {
        assert_eq!(rest(oldest).await, 0);
    }
    let youngest = silent.last_mut().unwrap();
    youngest.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert_eq!(begins(youngest).await, "HTTP/1.1 200");
}

#[tokio::test]
async fn a_connection_ends_with_its_age() {
    let address = listener(Limits { age: SHORT, ..patient() }).await;
    let mut idle = ask(address, "/").await;
    assert_eq!(begins(&mut idle).await, "HTTP/1.1 200");
    rest(&mut idle).await;
}

/// Two readers of the memory whose answers have begun, and that do not read on.
async fn readers(limits: Limits) -> (SocketAddr, Vec<TcpStream>) {
    let tell: TellMemory = Arc::new(|| "m".repeat(LARGE));
    let anywhere = "127.0.0.1:0".parse().unwrap();
    let address = serve_within(anywhere, memory(tell), limits).await.unwrap();
    let mut readers = Vec::new();
    for _ in 0..MEMORIES_MAX {
        let mut reader = ask(address, MEMORY_PATH).await;
        assert_eq!(begins(&mut reader).await, "HTTP/1.1 200");
        readers.push(reader);
    }
    (address, readers)
}

/// Asks until it is somebody else's turn.
async fn has_a_turn(address: SocketAddr) {
    let taken = async {
        while begins(&mut ask(address, MEMORY_PATH).await).await != "HTTP/1.1 200" {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, taken).await.unwrap();
}

/// More than the kernel keeps of an answer that nobody reads.
const LARGE: usize = 24 * 1024 * 1024;

#[tokio::test]
async fn as_many_copies_of_the_memory_as_allowed_are_under_way_until_they_are_read() {
    let (address, mut reading) = readers(patient()).await;
    // Their copies are made and not read yet.
    assert_eq!(begins(&mut ask(address, MEMORY_PATH).await).await, "HTTP/1.1 503");
    // Whoever goes away leaves his turn to the next one.
    drop(reading.pop());
    has_a_turn(address).await;
}

#[tokio::test]
async fn readers_that_stopped_reading_lose_their_turn() {
    let (address, stalled) = readers(Limits { age: SHORT, answer: SHORT, ..patient() }).await;
    has_a_turn(address).await;
    drop(stalled);
}

//! `status --live`: whether the loop of the running daemon moves, for whoever watches over it.
//!
//! Input: what `/livez` answers at `http.listen`, and nothing that a daemon left behind. Output:
//! one line, and 0 for a daemon that lives alone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hyper::StatusCode;
use tokio::time::timeout;

use super::{ANSWER_MAX, get};
use crate::cli::{complain, say};
use crate::exit::Exit;
use crate::report::text::safe;
use crate::settings::LISTEN_DEFAULT;

const PATH: &str = "/livez";
/// The daemon says why in a short sentence. What somebody else says at its address is cut.
const REASON_CHARACTERS_MAX: usize = 200;

pub(super) async fn run(listen: SocketAddr) -> Exit {
    match ask(listen).await {
        Ok(line) => {
            say(&format!("{line}\n"));
            Exit::Done
        }
        Err(why) => {
            complain(&why);
            Exit::Failed
        }
    }
}

/// What was found, in a sentence; an error where that is no daemon whose loop moves.
async fn ask(listen: SocketAddr) -> Result<String, String> {
    if listen.port() == 0 {
        return Err(format!(
            "nobody can be asked at {listen} (http.listen): port 0 is another one after each \
             start; give http.listen a port of its own, such as {LISTEN_DEFAULT}"
        ));
    }
    let place = format!("http://{listen}{PATH} (http.listen)");
    let Ok(asked) = timeout(ANSWER_MAX, get(&doors(listen), PATH)).await else {
        return Err(format!(
            "the daemon stands still: {place} does not answer within {} s; a restart is safe",
            ANSWER_MAX.as_secs()
        ));
    };
    let (status, body) = asked.map_err(|why| {
        format!("no daemon answers at {place}: {why}; start it with `writeback run`")
    })?;
    let text = String::from_utf8_lossy(&body);
    let reason: String = text.trim().chars().take(REASON_CHARACTERS_MAX).collect();
    let reason = safe(&reason);
    match status {
        StatusCode::OK => Ok(format!("the daemon lives: {place} answers {status}")),
        StatusCode::SERVICE_UNAVAILABLE => Err(format!(
            "the daemon stands still: {place} answers {status}: {reason}; a restart is safe"
        )),
        _ => Err(format!(
            "that is no daemon: {place} answers {status}: {reason}; look which program has that \
             port"
        )),
    }
}

/// Where a listener is asked from its own machine, in this order. A wildcard is nobody's address:
/// loopback is asked in its place (RFC 1122 3.2.1.3, RFC 4291 2.5.2). That of IPv6 takes IPv4 as
/// well (ipv6(7), `IPV6_V6ONLY`), also where the machine has no `::1`.
fn doors(listen: SocketAddr) -> Vec<SocketAddr> {
    let at = |address: IpAddr| SocketAddr::new(address, listen.port());
    let (four, six) = (at(Ipv4Addr::LOCALHOST.into()), at(Ipv6Addr::LOCALHOST.into()));
    match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => vec![four],
        IpAddr::V6(address) if address.is_unspecified() => vec![six, four],
        IpAddr::V4(_) | IpAddr::V6(_) => vec![listen],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_asked_at_loopback_and_an_address_at_itself() {
        for (listen, asked) in [
            ("127.0.0.1:9464", vec!["127.0.0.1:9464"]),
            ("0.0.0.0:9464", vec!["127.0.0.1:9464"]),
            ("[::]:9464", vec!["[::1]:9464", "127.0.0.1:9464"]),
            ("[::1]:9464", vec!["[::1]:9464"]),
            ("10.1.2.3:80", vec!["10.1.2.3:80"]),
        ] {
            let doors: Vec<_> =
                doors(listen.parse().unwrap()).iter().map(ToString::to_string).collect();
            assert_eq!(doors, asked, "{listen}");
        }
    }
}

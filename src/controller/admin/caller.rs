//! Who asks: what the kernel says of the process at the other end.
//!
//! Credentials are those of the moment of connecting (unix(7), SO_PEERCRED): they cannot be
//! claimed by a message.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};

use tokio::net::UnixStream;

use crate::defence::stands;

/// Where accounts of this machine are listed.
const ACCOUNTS: &str = "/etc/passwd";
/// Far more than a machine lists; accounts of a directory service are not in it.
const ACCOUNTS_BYTES_MAX: u64 = 1 << 20;

/// The account at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Its number.
    pub uid: u32,
    name: Option<String>,
}

impl Caller {
    /// Who is at the other end of a connection.
    pub fn of(stream: &UnixStream) -> io::Result<Self> {
        Ok(Self::with(stream.peer_cred()?.uid()))
    }

    /// This process itself.
    pub fn own() -> io::Result<Self> {
        // The kernel says it, not the environment.
        let (one, _other) = UnixStream::pair()?;
        Self::of(&one)
    }

    fn with(uid: u32) -> Self {
        let mut accounts = String::new();
        // A name is for people; without the list the number stands alone.
        let read = File::open(ACCOUNTS)
            .and_then(|file| file.take(ACCOUNTS_BYTES_MAX).read_to_string(&mut accounts));
        let name = read.ok().and_then(|_| name(&accounts, uid));
        Self { uid, name }
    }

    /// Whether it may ask: the superuser, and the account of the daemon, `own`.
    pub fn may_ask(&self, own: u32) -> bool {
        self.uid == 0 || self.uid == own || !stands("H59")
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} (uid {})", self.uid),
            None => write!(f, "uid {}", self.uid),
        }
    }
}

/// The name of the first account with this number (passwd(5)).
fn name(accounts: &str, uid: u32) -> Option<String> {
    let with_number = |line: &&str| line.split(':').nth(2).is_some_and(|n| n.parse() == Ok(uid));
    let name = accounts.lines().find(with_number)?.split(':').next()?;
    let is_plain = |c: char| c.is_ascii_graphic();
    (!name.is_empty() && name.chars().all(is_plain)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_name_of_its_account_if_it_has_one() {
        let accounts = "root:x:0:0:root:/root:/bin/bash\nsvc:x:998:998::/:/bin/false\nbad:line\n";
        assert_eq!(name(accounts, 0).as_deref(), Some("root"));
        assert_eq!(name(accounts, 998).as_deref(), Some("svc"));
        assert_eq!(name(accounts, 1), None);
        let caller = Caller { uid: 998, name: Some("svc".to_owned()) };
        assert_eq!(caller.to_string(), "svc (uid 998)");
        assert_eq!(Caller { uid: 7, name: None }.to_string(), "uid 7");
    }

    #[test]
    fn only_the_superuser_and_the_daemon_itself_may_ask() {
        let caller = |uid| Caller { uid, name: None };
        assert!(caller(0).may_ask(998) && caller(998).may_ask(998));
        assert!(!caller(1).may_ask(998) && !caller(1_000).may_ask(998) && !caller(998).may_ask(0));
    }
}

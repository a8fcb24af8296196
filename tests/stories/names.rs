//! Words and the numbers that stand for them: everything in a story is called by a word.

use uuid::Uuid;
use writeback::model::{Dn, ObjectId, PolicyName, Sid, TenantId};

pub(crate) const OWNER: &str = "corp";
pub(crate) const DOMAIN: &str = "DC=corp,DC=example";
pub(crate) const GROUPS: &str = "OU=Groups,DC=corp,DC=example";
pub(crate) const QUARANTINE: &str = "OU=Quarantine,OU=Groups,DC=corp,DC=example";
pub(crate) const PEOPLE: &str = "OU=People,DC=corp,DC=example";
pub(crate) const ELSEWHERE: &str = "OU=Elsewhere,DC=corp,DC=example";

/// A number of its own for every word.
fn number(kind: &str, word: &str) -> Uuid {
    let hash = |seed: u64, byte: u8| (seed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    let low = format!("{kind}/{word}").bytes().fold(0xcbf2_9ce4_8422_2325, hash);
    let high = format!("{word}/{kind}").bytes().fold(0x8422_2325_cbf2_9ce4, hash);
    Uuid::from_u64_pair(high, low)
}

/// The id of a team or person in the tenant.
pub(crate) fn id(word: &str) -> ObjectId {
    ObjectId(number("cloud", word))
}

pub(crate) fn tenant_id() -> TenantId {
    TenantId(number("tenant", "corp"))
}

/// The SID with this relative identifier.
pub(crate) fn sid(rid: u64) -> Sid {
    Sid::parse(&format!("S-1-5-21-1-2-3-{rid}")).expect("a SID of the domain")
}

pub(crate) fn dn(text: &str) -> Dn {
    Dn::parse(text).expect("a DN of the stories")
}

pub(crate) fn policy_name(name: &str) -> PolicyName {
    PolicyName::parse(name).expect("a policy name of the stories")
}

//! Who is inside nested groups, and which groups are above others: the domain controllers walk the
//! links themselves (LDAP_MATCHING_RULE_TRANSITIVE_EVAL, MS-ADTS 3.1.1.3.4.4.3).

use std::collections::BTreeSet;

use ldap3::Scope;

use crate::Pair;
use crate::lab::child;
use crate::operation::{self, Operation, Verb, change, plain};
use crate::server::Server;

const GROUPS: [&str; 6] = ["a", "b", "c (x*)", "d", "e", "f, g"];
/// A tree, a cycle, and a group that is reached on two ways.
const NESTED: [(usize, usize); 7] = [(0, 1), (1, 2), (2, 0), (2, 3), (0, 3), (3, 4), (5, 0)];
/// Which user is a member of which group.
const MEMBERS: [(usize, usize); 6] = [(0, 0), (1, 1), (2, 2), (4, 3), (0, 3), (5, 4)];
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";

/// Fills both with the same groups.
pub(crate) async fn fill(pair: &mut Pair) {
    let container = pair.pool.containers[0].clone();
    for name in GROUPS {
        let mut add = operation::plain_group(name, &container, operation::UNIVERSAL_SECURITY);
        if let Operation::Add { attributes, .. } = &mut add {
            attributes.retain(|(name, _)| *name != "sAMAccountName");
        }
        assert_eq!(pair.send(&add).await, (0, 0), "{name}");
    }
    for (parent, member) in NESTED {
        let nest = operation::nest(GROUPS[parent], GROUPS[member], &container);
        assert_eq!(pair.send(&nest).await, (0, 0), "{nest:?}");
    }
    for (group, user) in MEMBERS {
        let changes = vec![change(Verb::Add, "member", &[&pair.pool.users[user].dn])];
        let add = Operation::Modify { dn: child(GROUPS[group], &container), changes };
        assert_eq!(pair.send(&add).await, (0, 0), "{add:?}");
    }
}

/// What a filter finds below a place, and the result code.
async fn found(server: &mut Server, base: &str, filter: &str) -> (u32, BTreeSet<String>) {
    let attributes = ["objectGUID"];
    let (code, entries) = server.search(base, Scope::Subtree, filter, &attributes, false).await;
    (code, entries.iter().map(|entry| plain(&entry.dn)).collect())
}

/// Every question that the two answer differently.
pub(crate) async fn differences(pair: &mut Pair) -> Vec<String> {
    let (container, base) = (pair.pool.containers[0].clone(), pair.pool.base.clone());
    let users: Vec<String> = pair.pool.users.iter().map(|user| user.dn.clone()).collect();
    let mut filters = Vec::new();
    for name in GROUPS {
        let dn = ldap3::ldap_escape(child(name, &container)).into_owned();
        for which in ["(!(objectClass=group))", "(objectClass=group)"] {
            filters.push(format!("(&{which}(memberOf:{IN_CHAIN}:={dn}))"));
            filters.push(format!("(&{which}(member:{IN_CHAIN}:={dn}))"));
        }
    }
    filters.extend(users.iter().map(|dn| format!("(member:{IN_CHAIN}:={dn})")));
    let mut differing = Vec::new();
    for filter in filters {
        // The users are in groups of other tests as well.
        let base = if filter.contains("(member:") { &container } else { &base };
        let one = found(&mut pair.simulated, base, &filter).await;
        let other = found(&mut pair.samba, base, &filter).await;
        if one != other {
            differing.push(format!("{filter}\n  simulated {one:?}\n  Samba     {other:?}"));
        }
    }
    differing
}

/// How many users a group holds at any depth, as both say.
pub(crate) async fn inside(pair: &mut Pair, group: usize) -> (usize, usize) {
    let (container, base) = (pair.pool.containers[0].clone(), pair.pool.base.clone());
    let dn = ldap3::ldap_escape(child(GROUPS[group], &container)).into_owned();
    let filter = format!("(&(!(objectClass=group))(memberOf:{IN_CHAIN}:={dn}))");
    let one = found(&mut pair.simulated, &base, &filter).await;
    let other = found(&mut pair.samba, &base, &filter).await;
    (one.1.len(), other.1.len())
}

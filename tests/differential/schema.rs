//! What the two directories say of their schema and of the rights of the service account.
//!
//! Comes from: the attributes that the simulated domain knows. A Windows Server 2016 schema has
//! more of them than Samba's, and a simulated one fewer than either.

use std::collections::{BTreeMap, BTreeSet};

use ldap3::{Scope, SearchEntry};

use crate::known::{SCHEMA, UNKNOWN_TO_SAMBA};
use crate::server::Server;

const SAID: [&str; 6] =
    ["isSingleValued", "attributeSyntax", "oMSyntax", "rangeLower", "rangeUpper", "linkID"];

/// The lab has the one attribute by which a schema is known to be prepared, and no more.
fn is_of_exchange(name: &str) -> bool {
    ["msExch", "extensionAttribute"].iter().any(|start| name.starts_with(start))
        || matches!(name, "targetAddress" | "hideDLMembership")
}

/// Every attribute of a schema, and what is said of it.
async fn attributes(server: &mut Server, base: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let container = format!("CN=Schema,CN=Configuration,{base}");
    let mut said = BTreeMap::new();
    // A page holds 1,000 entries, a schema more.
    for syntax in ["2.5.5.1*", "2.5.5.2", "2.5.5.4", "2.5.5.5", "2.5.5.8", "2.5.5.9"] {
        for start in ["a*", "m*", "s*", ""] {
            let name = if start.is_empty() {
                "(!(|(lDAPDisplayName=a*)(lDAPDisplayName=m*)(lDAPDisplayName=s*)))".to_owned()
            } else {
                format!("(lDAPDisplayName={start})")
            };
            let exact = syntax.trim_end_matches('*');
            let tail = ["", "0", "1", "2", "3", "4", "5", "6", "7"];
            let count = if exact == syntax { 1 } else { tail.len() };
            let syntaxes = tail.iter().take(count);
            let syntaxes = syntaxes.map(|end| format!("(attributeSyntax={exact}{end})"));
            let syntaxes: Vec<String> = syntaxes.collect();
            let filter = format!("(&(objectClass=attributeSchema){name}(|{}))", syntaxes.concat());
            let wanted = [&SAID[..], &["lDAPDisplayName"]].concat();
            let (code, found) =
                server.search(&container, Scope::OneLevel, &filter, &wanted, false).await;
            assert_eq!(code, 0, "{filter}");
            for entry in found {
                let name = entry.attrs["lDAPDisplayName"][0].clone();
                let values = entry.attrs.into_iter().filter(|(name, _)| name != "lDAPDisplayName");
                let values = values.map(|(name, values)| (name, values[0].clone()));
                said.insert(name, values.collect());
            }
        }
    }
    said
}

/// Checks that both say the same of every attribute that the simulated domain knows; gives these.
pub(crate) async fn compare(
    simulated: &mut Server,
    samba: &mut Server,
    base: &str,
) -> (BTreeSet<String>, Vec<String>) {
    let (one, other) = (attributes(simulated, base).await, attributes(samba, base).await);
    let mut differences = Vec::new();
    for (name, values) in &one {
        let Some(others) = other.get(name) else {
            if !UNKNOWN_TO_SAMBA.contains(&name.as_str()) && !is_of_exchange(name) {
                differences.push(format!("Samba has no {name}"));
            }
            continue;
        };
        for what in SAID {
            let pair = (values.get(what), others.get(what));
            let known = SCHEMA.iter().any(|known| known.0 == name && known.1 == what);
            if (pair.0 != pair.1) != known {
                differences.push(format!("{name} {what}: {pair:?}, known {known}"));
            }
        }
    }
    (one.into_keys().collect(), differences)
}

/// The classes that the simulated domain knows.
pub(crate) async fn classes(simulated: &mut Server, base: &str) -> BTreeSet<String> {
    let container = format!("CN=Schema,CN=Configuration,{base}");
    let (filter, wanted) = ("(objectClass=classSchema)", ["lDAPDisplayName"]);
    let found = simulated.search(&container, Scope::OneLevel, filter, &wanted, false).await;
    found.1.into_iter().flat_map(|entry| entry.attrs.into_values().flatten()).collect()
}

/// The names that a constructed attribute of an object lists, of those that both know.
pub(crate) async fn listed(
    server: &mut Server,
    dn: &str,
    what: &str,
    known: Option<&BTreeSet<String>>,
) -> BTreeSet<String> {
    let (code, found) = server.search(dn, Scope::Base, "(objectClass=*)", &[what], false).await;
    assert_eq!((code, found.len()), (0, 1), "{dn}");
    let named = |entry: SearchEntry| entry.attrs.into_values().flatten();
    let both =
        |name: &String| known.is_none_or(|known| known.contains(name)) && !is_of_exchange(name);
    found.into_iter().flat_map(named).filter(both).collect()
}

//! One of the two directories in the hands of three accounts, and what can be compared of it: its
//! groups, the accounts in them, its deleted groups.
//!
//! Comes from: the lab or a simulated domain. Identifiers that each directory gives out itself
//! stand in operations as `#what:which;`, and are taken out of what is read.

use std::collections::{BTreeMap, BTreeSet};

use ldap3::{Scope, SearchEntry};
use uuid::Uuid;

use crate::operation::{Operation, plain};
use crate::server::{Group, Server};

/// On whose behalf something is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// The account with the delegation, which may also restore deleted groups.
    Service,
    Administrator,
    /// An account without any right but to read.
    Stranger,
}

/// A search for a group that may be deleted.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) base: String,
    pub(crate) scope: Scope,
    pub(crate) filter: String,
    pub(crate) shown: bool,
}

/// Where everything stands.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) base: String,
    pub(crate) inside: String,
    pub(crate) outside: String,
    pub(crate) device: String,
    /// How the value of msDS-ExternalDirectoryObjectId of every group of this run starts.
    pub(crate) prefix: String,
}

/// What one directory says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// Groups of the delegated container, by unescaped DN in lower case.
    pub(crate) groups: BTreeMap<String, Group>,
    /// Who and what can be a member, by the same.
    pub(crate) accounts: BTreeMap<String, Group>,
    /// Deleted groups, by msDS-ExternalDirectoryObjectId.
    pub(crate) gone: BTreeMap<String, Group>,
}

/// A directory with three connections.
pub(crate) struct Side {
    pub(crate) service: Server,
    pub(crate) administrator: Server,
    pub(crate) stranger: Server,
    /// objectGUID and objectSid of every group, which outlive a deletion and a restore.
    identities: BTreeMap<String, (Uuid, Vec<u8>)>,
    /// What was deleted when it was last read.
    gone: BTreeMap<String, Group>,
    /// sAMAccountName by relative identifier.
    account_names: BTreeMap<u32, String>,
}

const OF_GROUPS: [&str; 26] = [
    "adminCount",
    "adminDescription",
    "cn",
    "description",
    "displayName",
    "distinguishedName",
    "extensionName",
    "groupType",
    "info",
    "isDeleted",
    "isRecycled",
    "lastKnownParent",
    "mail",
    "mailNickname",
    "member",
    "memberOf",
    "msDS-ExternalDirectoryObjectId",
    "msDS-LastKnownRDN",
    "name",
    "objectCategory",
    "objectClass",
    "objectGUID",
    "objectSid",
    "operatorCount",
    "proxyAddresses",
    "sAMAccountType",
];

/// Values that each directory makes for itself, and times.
const OWN: [&str; 8] = [
    "dSCorePropagationData",
    "nTSecurityDescriptor",
    "objectGUID",
    "objectSid",
    "uSNChanged",
    "uSNCreated",
    "whenChanged",
    "whenCreated",
];

const NAMES: [&str; 5] =
    ["distinguishedName", "lastKnownParent", "member", "memberOf", "objectCategory"];

fn guid_of(entry: &SearchEntry) -> Uuid {
    let octets = entry.bin_attrs.get("objectGUID").map(|values| values[0].clone());
    // Sixteen octets may happen to be text.
    let octets = octets.unwrap_or_else(|| entry.attrs["objectGUID"][0].clone().into_bytes());
    Uuid::from_bytes_le(octets.try_into().unwrap())
}

fn sid_of(entry: &SearchEntry) -> Vec<u8> {
    let octets = entry.bin_attrs.get("objectSid").map(|values| values[0].clone());
    octets.unwrap_or_else(|| entry.attrs["objectSid"][0].clone().into_bytes())
}

fn relative_identifier(sid: &[u8]) -> u32 {
    u32::from_le_bytes(*sid.last_chunk().unwrap())
}

/// The values of an entry without the identifiers of its directory.
fn comparable(entry: &SearchEntry, guid: Option<Uuid>) -> Group {
    let own = guid.map(|guid| guid.to_string()).unwrap_or_default();
    let without = |text: &str| {
        let text = text.replace("\\0A", "\n");
        if own.is_empty() { text } else { text.replace(&own, "GUID") }
    };
    let values = entry.attrs.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
    let values = values.map(|(name, values)| {
        let one = |value: &String| {
            if NAMES.contains(&name.as_str()) { plain(&without(value)) } else { without(value) }
        };
        (name.clone(), values.iter().map(one).collect::<BTreeSet<String>>())
    });
    values.collect()
}

impl Side {
    pub(crate) fn new(service: Server, administrator: Server, stranger: Server) -> Self {
        Self {
            service,
            administrator,
            stranger,
            identities: BTreeMap::new(),
            gone: BTreeMap::new(),
            account_names: BTreeMap::new(),
        }
    }

    fn server(&mut self, who: Who) -> &mut Server {
        match who {
            Who::Service => &mut self.service,
            Who::Administrator => &mut self.administrator,
            Who::Stranger => &mut self.stranger,
        }
    }

    /// Sends an operation; its result code and the message with it.
    pub(crate) async fn send(&mut self, who: Who, operation: &Operation) -> (u32, String) {
        let server = self.server(who);
        (server.send(operation).await, server.message.clone())
    }

    /// What a search finds: its result code, and the names.
    pub(crate) async fn look(&mut self, who: Who, look: &Look) -> (u32, BTreeSet<String>) {
        let Look { base, scope, filter, shown } = look;
        let attributes = ["objectGUID"];
        let found = self.server(who).search(base, *scope, filter, &attributes, *shown).await;
        let name = |entry: &SearchEntry| {
            let guid = guid_of(entry).to_string();
            plain(&entry.dn.replace("\\0A", "\n").replace(&guid, "GUID"))
        };
        (found.0, found.1.iter().map(name).collect())
    }

    fn name(&mut self, placeholder: &str, own: &str) {
        for server in [&mut self.service, &mut self.administrator, &mut self.stranger] {
            server.identifiers.insert(placeholder.to_owned(), own.to_owned());
        }
    }

    /// Remembers the identifiers of a group, and that they stay.
    fn identify(&mut self, entry: &SearchEntry) -> String {
        let id = entry.attrs["msDS-ExternalDirectoryObjectId"][0].clone();
        let identity = (guid_of(entry), sid_of(entry));
        let relative = relative_identifier(&identity.1);
        self.account_names.insert(relative, entry.attrs["sAMAccountName"][0].clone());
        if let Some(before) = self.identities.get(&id) {
            assert_eq!(*before, identity, "{id} is another object");
            return id;
        }
        let octets = identity.0.to_bytes_le().map(|octet| format!("\\{octet:02x}"));
        self.name(&format!("#octets:{id};"), &octets.concat());
        self.name(&format!("#guid:{id};"), &format!("<GUID={}>", identity.0));
        self.name(&format!("#relative:{id};"), &relative.to_string());
        self.identities.insert(id.clone(), identity);
        id
    }

    /// Reads everything as the service account does, what is deleted only if that is asked for.
    pub(crate) async fn state(&mut self, places: &Places, gone: bool) -> State {
        let mut state = State::default();
        let attributes = [&OF_GROUPS[..], &["sAMAccountName"]].concat();
        let filter = "(objectClass=group)";
        let found = self.service.search(&places.inside, Scope::Subtree, filter, &attributes, false);
        for entry in found.await.1 {
            self.identify(&entry);
            state.groups.insert(plain(&entry.dn), comparable(&entry, None));
        }
        let filter = "(|(objectClass=person)(objectClass=msDS-Device))";
        let attributes = ["objectClass", "memberOf", "primaryGroupID"];
        for (base, scope) in [(&places.outside, Scope::Subtree), (&places.device, Scope::Base)] {
            let found = self.service.search(base, scope, filter, &attributes, false).await;
            for entry in found.1 {
                let mut account = comparable(&entry, None);
                if let Some(values) = account.get_mut("primaryGroupID") {
                    let relative: u32 = values.first().unwrap().parse().unwrap();
                    let name = self.account_names.get(&relative).cloned();
                    *values = BTreeSet::from([name.unwrap_or_else(|| relative.to_string())]);
                }
                state.accounts.insert(plain(&entry.dn), account);
            }
        }
        if gone {
            self.read_gone(places).await;
        }
        state.gone = self.gone.clone();
        state
    }

    async fn read_gone(&mut self, places: &Places) {
        let container = format!("CN=Deleted Objects,{}", places.base);
        let filter =
            format!("(&(isDeleted=TRUE)(msDS-ExternalDirectoryObjectId={}*))", places.prefix);
        let found = self.service.search(&container, Scope::OneLevel, &filter, &["*"], true).await;
        self.gone.clear();
        for entry in found.1 {
            let id = self.identify(&entry);
            self.name(&format!("#gone:{id};"), &entry.dn);
            self.gone.insert(id, comparable(&entry, Some(guid_of(&entry))));
        }
    }
}

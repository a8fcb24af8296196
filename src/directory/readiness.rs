//! What the domain is and what the bind account may do in it, for `discover`.
//!
//! Input: an open directory and the containers to ask about. Output: `DomainReadiness`. Without
//! the rootDSE there is none; of the rest, whatever cannot be read says why beside what can. All
//! questions are reads; rights are those the directory itself works out for the asking account
//! (MS-ADTS 3.1.1.4.5), so nothing is tried.

use std::collections::{BTreeMap, BTreeSet};

use super::connection::Connection;
use super::entry::{Entry, Malformed};
use super::search::{PAGE_ENTRIES, Search};
use crate::directory::{Directory, DirectoryError};
use crate::model::cloud::Unread;
use crate::model::readiness::{
    ContainerReadiness, ContainerState, DomainReadiness, EffectiveRights, GroupRights,
    SchemaReadiness,
};
use crate::model::{Dn, ObjectGuid};
use crate::retry::REQUEST;

/// The attributes that hold anchor and ownership record.
const ANCHORS: [&str; 3] = ["adminDescription", "extensionName", "msDS-ExternalDirectoryObjectId"];
/// Comes with the preparation for Exchange
/// (learn.microsoft.com/exchange/plan-and-deploy/prepare-ad-and-domains).
const MAIL_NICKNAME: &str = "mailNickname";
/// What says which Exchange prepared the schema (microsoft/CSS-Exchange).
const EXCHANGE_VERSION: &str = "CN=ms-Exch-Schema-Version-Pt";
/// `systemFlags` of a crossRef: FLAG_CR_NTDS_DOMAIN (MS-ADTS 2.2.10).
const DOMAIN_FLAG: u32 = 2;
/// Every DN of a feature that is on starts with its name (MS-ADTS 3.1.1.9.1).
const RECYCLE_BIN: &str = "CN=Recycle Bin Feature,";
/// The constructed attributes that tell rights.
const RIGHTS: [&str; 3] =
    ["allowedChildClassesEffective", "allowedAttributesEffective", "sDRightsEffective"];

/// The rootDSE as far as readiness needs it.
struct Root {
    naming_context: Dn,
    configuration: String,
    schema: String,
    server: String,
    samba: bool,
    domain_level: Option<u32>,
    forest_level: Option<u32>,
}

impl Directory {
    /// Asks the domain what it is, and what the account may do to these containers, to every
    /// group in them, and to the two places that no delegation should reach.
    pub async fn readiness(&self, containers: &[Dn]) -> Result<DomainReadiness, DirectoryError> {
        let root = self.ask(async |connection| connection.root().await).await?;
        let mut found = Vec::new();
        for dn in containers {
            let state = self.container(&root, dn).await;
            found.push(ContainerReadiness { dn: dn.clone(), state });
        }
        let there: Vec<&Dn> = found
            .iter()
            .filter(|one| matches!(one.state, ContainerState::There(_)))
            .map(|one| &one.dn)
            .collect();
        let groups = self.ask(async |connection| connection.rights_over_groups(&there).await).await;
        let controllers = self.ask(async |connection| connection.controllers(&root).await).await;
        let domains = self.ask(async |connection| connection.domains(&root).await).await;
        let schema = self.ask(async |connection| connection.schema(&root).await).await;
        let recycle_bin = self.ask(async |connection| connection.recycle_bin(&root).await).await;
        let beyond = self.ask(async |connection| connection.rights_beyond(&root).await).await;
        Ok(DomainReadiness {
            controllers: controllers.map_err(|error| unread(&error)),
            domains: domains.map_err(|error| unread(&error)),
            schema: schema.map_err(|error| unread(&error)),
            recycle_bin: recycle_bin.map_err(|error| unread(&error)),
            groups: groups.map_err(|error| unread(&error)),
            beyond: beyond.map_err(|error| unread(&error)),
            containers: found,
            server: root.server,
            samba: root.samba,
            naming_context: root.naming_context,
            domain_level: root.domain_level,
            forest_level: root.forest_level,
        })
    }

    /// Repeats a question on passing trouble, each time over a connection that is good.
    async fn ask<T>(
        &self,
        question: impl AsyncFn(&mut Connection) -> Result<T, DirectoryError>,
    ) -> Result<T, DirectoryError> {
        let mut tries = 1;
        loop {
            let answer = match self.reading().await {
                Ok(mut connection) => question(&mut connection).await,
                Err(error) => Err(error),
            };
            let error = match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            tries += 1;
            let fault = error.fault();
            match REQUEST.delay(tries, fault.retry_after, 1.0).filter(|_| fault.transient) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Err(error),
            }
        }
    }

    async fn container(&self, root: &Root, dn: &Dn) -> ContainerState {
        if !dn.is_within(&root.naming_context) {
            return ContainerState::Outside;
        }
        let base = dn.to_string();
        match self.ask(async |connection| connection.rights_over(&base).await).await {
            Ok(Some(rights)) => ContainerState::There(rights),
            Ok(None) => ContainerState::Missing,
            Err(error) => ContainerState::Unread(unread(&error)),
        }
    }
}

fn unread(error: &DirectoryError) -> Unread {
    Unread { reason: error.fault().message }
}

impl Connection {
    async fn root(&mut self) -> Result<Root, DirectoryError> {
        const ATTRIBUTES: [&str; 7] = [
            "defaultNamingContext",
            "configurationNamingContext",
            "schemaNamingContext",
            "dnsHostName",
            "vendorName",
            "domainFunctionality",
            "forestFunctionality",
        ];
        let action = "read the rootDSE";
        let entry = self.find_object(action, &Search::object("", &ATTRIBUTES)).await?;
        let entry = entry.unwrap_or_default();
        let wanted = |name: &str| {
            entry.text(name).map(str::to_owned).ok_or_else(|| DirectoryError::Unreadable {
                message: format!("{action}: {name} is not there"),
            })
        };
        let context = wanted("defaultNamingContext")?;
        let naming_context = Dn::parse(&context).map_err(|mistake| DirectoryError::Unreadable {
            message: format!("{action}: a bad defaultNamingContext: {mistake}"),
        })?;
        Ok(Root {
            naming_context,
            configuration: wanted("configurationNamingContext")?,
            schema: wanted("schemaNamingContext")?,
            server: wanted("dnsHostName")?,
            samba: entry.text("vendorName").is_some_and(|vendor| vendor.starts_with("Samba")),
            domain_level: entry.number("domainFunctionality"),
            forest_level: entry.number("forestFunctionality"),
        })
    }

    /// What the account may do to one object; `None` when it is not there.
    async fn rights_over(&mut self, dn: &str) -> Result<Option<EffectiveRights>, DirectoryError> {
        let action = format!("read the rights on {dn}");
        let search = Search::object(dn, &RIGHTS);
        let entry = self.find_object(&action, &search).await?;
        Ok(entry.as_ref().map(rights))
    }

    /// What the account may do to each group below these containers, each once.
    async fn rights_over_groups(
        &mut self,
        containers: &[&Dn],
    ) -> Result<Vec<GroupRights>, DirectoryError> {
        let wanted = [&["objectGUID", "adminCount"], RIGHTS.as_slice()].concat();
        let mut groups: BTreeMap<ObjectGuid, GroupRights> = BTreeMap::new();
        for container in containers {
            let action = format!("read the rights on the groups in {container}");
            let search = Search::subtree(container.to_string(), "(objectClass=group)", &wanted);
            self.list(&action, &search, PAGE_ENTRIES, |entries| {
                for entry in entries {
                    let group = group(&entry)?;
                    groups.insert(group.guid, group);
                }
                Ok(())
            })
            .await?;
        }
        let mut groups: Vec<GroupRights> = groups.into_values().collect();
        groups.sort_by_cached_key(|group| group.dn.key());
        Ok(groups)
    }

    /// Rights on the head of the domain and on the object whose access list privileged groups
    /// get (MS-ADTS 3.1.1.6.1): what a delegation of containers never reaches.
    async fn rights_beyond(
        &mut self,
        root: &Root,
    ) -> Result<Vec<(Dn, EffectiveRights)>, DirectoryError> {
        let head = &root.naming_context;
        let mut beyond = Vec::new();
        for text in [head.to_string(), format!("CN=AdminSDHolder,CN=System,{head}")] {
            let Ok(dn) = Dn::parse(&text) else { continue };
            let rights = self.rights_over(&text).await?;
            beyond.extend(rights.map(|rights| (dn, rights)));
        }
        Ok(beyond)
    }

    /// Servers that have the settings object of a domain controller (MS-ADTS 6.1.1.2.2.1.2.1):
    /// a server object stays behind when one is demoted.
    async fn controllers(&mut self, root: &Root) -> Result<Vec<String>, DirectoryError> {
        let action = "list the domain controllers";
        let sites = format!("CN=Sites,{}", root.configuration);
        let mut alive = BTreeSet::new();
        let search = Search::subtree(&sites, "(objectClass=nTDSDSA)", &["objectClass"]);
        self.list(action, &search, PAGE_ENTRIES, |entries| {
            for entry in entries {
                alive.extend(entry.dn()?.parent().map(|server| server.key()));
            }
            Ok(())
        })
        .await?;
        let mut controllers = BTreeSet::new();
        let search = Search::subtree(&sites, "(objectClass=server)", &["dNSHostName"]);
        self.list(action, &search, PAGE_ENTRIES, |entries| {
            for entry in entries {
                let dn = entry.dn()?;
                if alive.contains(&dn.key()) {
                    let name = entry.text("dNSHostName").unwrap_or_else(|| dn.leaf());
                    controllers.insert(name.to_lowercase());
                }
            }
            Ok(())
        })
        .await?;
        Ok(controllers.into_iter().collect())
    }

    /// The crossRef objects of domains (MS-ADTS 6.1.1.2.1.1).
    async fn domains(&mut self, root: &Root) -> Result<Vec<String>, DirectoryError> {
        let partitions = format!("CN=Partitions,{}", root.configuration);
        let search =
            Search::subtree(partitions, "(objectClass=crossRef)", &["nCName", "systemFlags"]);
        let mut domains = BTreeSet::new();
        self.list("list the domains of the forest", &search, PAGE_ENTRIES, |entries| {
            let is_domain = |entry: &&Entry| {
                entry.number::<u32>("systemFlags").is_some_and(|flags| flags & DOMAIN_FLAG != 0)
            };
            let names = entries.iter().filter(is_domain).filter_map(|entry| entry.text("nCName"));
            domains.extend(names.map(str::to_owned));
            Ok(())
        })
        .await?;
        Ok(domains.into_iter().collect())
    }

    async fn schema(&mut self, root: &Root) -> Result<SchemaReadiness, DirectoryError> {
        let action = "read the schema";
        let head = Search::object(&*root.schema, &["objectVersion"]);
        let version = self.find_object(action, &head).await?;
        let mut filter = "(&(objectClass=attributeSchema)(|".to_owned();
        for name in ANCHORS.iter().chain(&[MAIL_NICKNAME]) {
            filter.extend(["(lDAPDisplayName=", &ldap3::ldap_escape(*name), ")"]);
        }
        filter.push_str("))");
        let search = Search::subtree(&*root.schema, &filter, &["lDAPDisplayName"]);
        let mut known = BTreeSet::new();
        self.list(action, &search, PAGE_ENTRIES, |entries| {
            let names = entries.iter().filter_map(|entry| entry.text("lDAPDisplayName"));
            known.extend(names.map(str::to_owned));
            Ok(())
        })
        .await?;
        let has = |name: &str| known.iter().any(|known| known.eq_ignore_ascii_case(name));
        let exchange = format!("{EXCHANGE_VERSION},{}", root.schema);
        let exchange = self.find_object(action, &Search::object(exchange, &["rangeUpper"])).await?;
        Ok(SchemaReadiness {
            version: version.and_then(|entry| entry.number("objectVersion")),
            anchors: ANCHORS.iter().filter(|name| has(name)).map(|name| (*name).into()).collect(),
            exchange_prepared: has(MAIL_NICKNAME),
            exchange_version: exchange.and_then(|entry| entry.number("rangeUpper")),
        })
    }

    /// Features that are on are entered in CN=Partitions (MS-ADTS 3.1.1.9).
    async fn recycle_bin(&mut self, root: &Root) -> Result<bool, DirectoryError> {
        let action = "read whether the recycle bin is on";
        let partitions = format!("CN=Partitions,{}", root.configuration);
        let search = Search::object(partitions, &["msDS-EnabledFeature"]);
        let entry = self.find_object(action, &search).await?.unwrap_or_default();
        let is_bin = |name: &str| {
            let start = name.get(..RECYCLE_BIN.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(RECYCLE_BIN))
        };
        Ok(entry.texts("msDS-EnabledFeature").any(is_bin))
    }
}

fn rights(entry: &Entry) -> EffectiveRights {
    let all = |name: &str| entry.texts(name).map(str::to_owned).collect();
    EffectiveRights {
        child_classes: all("allowedChildClassesEffective"),
        attributes: all("allowedAttributesEffective"),
        security: entry.number::<u32>("sDRightsEffective").is_some_and(|rights| rights != 0),
    }
}

fn group(entry: &Entry) -> Result<GroupRights, Malformed> {
    Ok(GroupRights {
        guid: entry.object_guid()?,
        dn: entry.dn()?,
        protected: entry.number("adminCount") == Some(1),
        rights: rights(entry),
    })
}

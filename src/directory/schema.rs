//! What the domain is and can do, read once at the start: rootDSE, schema, containers; and the
//! rights, for those who write.
//!
//! Input: a fresh connection and the configured containers. Output: `DomainFacts`, or one error
//! that names the setting or the right to mend.

use super::connection::Connection;
use super::entry::Entry;
use super::search::Search;
use crate::directory::DirectoryError;
use crate::model::directory::DomainFacts;
use crate::model::{Containers, Dn};

/// Windows Server 2016 and later (facts of MS-ADA2 2.325).
const EXTERNAL_ID: &str = "msDS-ExternalDirectoryObjectId";

/// Comes with the preparation for Exchange
/// (learn.microsoft.com/exchange/plan-and-deploy/prepare-ad-and-domains).
const MAIL_NICKNAME: &str = "mailNickname";

/// The part of the rootDSE that matters (MS-ADTS 3.1.1.3.2).
#[derive(Debug)]
pub(super) struct RootDse {
    naming_context: String,
    schema_naming_context: String,
    /// `dnsHostName`
    pub(super) server: String,
}

impl Connection {
    /// Reads the rootDSE and refuses a domain controller that is not yet in step.
    pub(super) async fn root_dse(&mut self) -> Result<RootDse, DirectoryError> {
        const ATTRIBUTES: [&str; 4] =
            ["defaultNamingContext", "schemaNamingContext", "dnsHostName", "isSynchronized"];
        let action = "read the rootDSE";
        let entry = self.find_object(action, &Search::object("", &ATTRIBUTES)).await?;
        let entry = entry.unwrap_or_default();
        let wanted = |name: &str| {
            entry.text(name).map(str::to_owned).ok_or_else(|| DirectoryError::Misconfigured {
                message: format!(
                    "{action}: {name} is not there; directory.servers must name an Active \
                     Directory domain controller"
                ),
            })
        };
        if entry.text("isSynchronized") == Some("FALSE") {
            let message = format!("{action}: the domain controller has not finished replicating");
            return Err(DirectoryError::Busy { message });
        }
        Ok(RootDse {
            naming_context: wanted("defaultNamingContext")?,
            schema_naming_context: wanted("schemaNamingContext")?,
            server: wanted("dnsHostName")?,
        })
    }

    /// Reads the facts and the schema's naming context, and checks that every container exists.
    pub(super) async fn learn(
        &mut self,
        containers: &Containers,
    ) -> Result<(DomainFacts, String), DirectoryError> {
        let root = self.root_dse().await?;
        let naming_context = Dn::parse(&root.naming_context).map_err(|mistake| {
            let message = format!("read the rootDSE: a bad defaultNamingContext: {mistake}");
            DirectoryError::Unreadable { message }
        })?;
        for container in containers.iter() {
            if !container.is_within(&naming_context) {
                return Err(DirectoryError::Misconfigured {
                    message: format!(
                        "use the container {container}: it does not lie in the domain's naming \
                         context {naming_context}; mend directory.containers"
                    ),
                });
            }
            self.container(container).await?;
        }
        let has_external_id = self.has_attribute(&root.schema_naming_context, EXTERNAL_ID).await?;
        let exchange_prepared =
            self.has_attribute(&root.schema_naming_context, MAIL_NICKNAME).await?;
        let server = root.server;
        let facts = DomainFacts { naming_context, server, has_external_id, exchange_prepared };
        Ok((facts, root.schema_naming_context))
    }

    /// Checks that the account may create groups in every container.
    pub(super) async fn check_rights(
        &mut self,
        containers: &Containers,
    ) -> Result<(), DirectoryError> {
        for container in containers.iter() {
            let entry = self.container(container).await?;
            if !may_hold_groups(&entry) {
                return Err(DirectoryError::NotPermitted {
                    message: format!(
                        "use the container {container}: the bind account may not create groups in \
                         it; delegate create child and delete child for class group on it \
                         (deploy/directory)"
                    ),
                });
            }
        }
        Ok(())
    }

    /// The container, with what this account may create in it.
    async fn container(&mut self, container: &Dn) -> Result<Entry, DirectoryError> {
        let action = format!("find the container {container}");
        let search = Search::object(container.to_string(), &["allowedChildClassesEffective"]);
        let found = self.find_object(&action, &search).await?;
        found.ok_or_else(|| DirectoryError::Misconfigured {
            message: format!(
                "use the container {container}: it does not exist, or the bind account may not see \
                 it; mend directory.containers or create it"
            ),
        })
    }

    async fn has_attribute(&mut self, schema: &str, name: &str) -> Result<bool, DirectoryError> {
        let filter = format!(
            "(&(objectClass=attributeSchema)(lDAPDisplayName={}))",
            ldap3::ldap_escape(name)
        );
        let search = Search::subtree(schema, &filter, &["lDAPDisplayName"]);
        Ok(!self.find("read the schema", &search).await?.is_empty())
    }
}

/// `allowedChildClassesEffective` (MS-ADTS 3.1.1.4.5.5): what this account may create here.
fn may_hold_groups(entry: &Entry) -> bool {
    entry.texts("allowedChildClassesEffective").any(|class| class.eq_ignore_ascii_case("group"))
}

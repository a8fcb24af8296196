//! The rootDSE (MS-ADTS 3.1.1.3.2): what a server tells before anybody has bound.
//!
//! Input: the tree. Output: one entry without a name.

use ldap3_proto::LdapSearchResultEntry;
use ldap3_proto::proto::LdapPartialAttribute;

use super::controls::SUPPORTED;
use super::tree::Tree;

/// LDAP_CAP_ACTIVE_DIRECTORY and its versions up to Windows 8 (MS-ADTS 3.1.1.3.4.3).
const CAPABILITIES: [&str; 6] = [
    "1.2.840.113556.1.4.800",
    "1.2.840.113556.1.4.1670",
    "1.2.840.113556.1.4.1791",
    "1.2.840.113556.1.4.1935",
    "1.2.840.113556.1.4.2080",
    "1.2.840.113556.1.4.2237",
];

impl Tree {
    /// The rootDSE with the attributes of the selection.
    pub(super) fn root(&self, wanted: &[String]) -> LdapSearchResultEntry {
        let everything = wanted.is_empty() || wanted.iter().any(|name| name == "*" || name == "+");
        let listed =
            |name: &str| everything || wanted.iter().any(|one| one.eq_ignore_ascii_case(name));
        let attributes = self
            .root_values()
            .into_iter()
            .filter(|(name, _)| listed(name))
            .map(|(name, values)| LdapPartialAttribute {
                atype: name.to_owned(),
                vals: values.into_iter().map(String::into_bytes).collect(),
            })
            .collect();
        LdapSearchResultEntry { dn: String::new(), attributes }
    }

    fn root_values(&self) -> Vec<(&'static str, Vec<String>)> {
        let base = self.base.text();
        let domain = self.base.domain_name();
        let configuration = format!("CN=Configuration,{base}");
        let schema = format!("CN=Schema,{configuration}");
        let server =
            format!("CN=DC1,CN=Servers,CN=Default-First-Site-Name,CN=Sites,{configuration}");
        // The levels follow the schema: without the attributes of Windows Server 2016 the forest
        // stands at 2012 R2 (MS-ADTS 6.1.4.4).
        let level = match self.schema.attribute("msDS-ExternalDirectoryObjectId") {
            Some(_) => "7",
            None => "6",
        };
        let one = |text: &str| vec![text.to_owned()];
        let many = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        vec![
            ("configurationNamingContext", one(&configuration)),
            ("defaultNamingContext", one(&base)),
            ("rootDomainNamingContext", one(&base)),
            ("schemaNamingContext", one(&schema)),
            ("namingContexts", vec![base, configuration, schema.clone()]),
            ("subschemaSubentry", vec![format!("CN=Aggregate,{schema}")]),
            ("dnsHostName", vec![format!("dc1.{domain}")]),
            ("dsServiceName", vec![format!("CN=NTDS Settings,{server}")]),
            ("serverName", vec![server]),
            ("ldapServiceName", vec![format!("{domain}:dc1$@{}", domain.to_uppercase())]),
            ("highestCommittedUSN", vec![self.usn.to_string()]),
            ("isSynchronized", one("TRUE")),
            ("isGlobalCatalogReady", one("TRUE")),
            ("currentTime", vec![super::tree::time(self.usn)]),
            ("domainFunctionality", one(level)),
            ("forestFunctionality", one(level)),
            ("domainControllerFunctionality", one("7")),
            ("supportedLDAPVersion", many(&["3", "2"])),
            ("supportedControl", many(&SUPPORTED)),
            ("supportedCapabilities", many(&CAPABILITIES)),
            ("supportedSASLMechanisms", many(&["GSSAPI", "GSS-SPNEGO", "EXTERNAL", "DIGEST-MD5"])),
            ("supportedExtension", many(&["1.3.6.1.4.1.4203.1.11.3"])),
        ]
    }
}

//! The structural classes of this forest's schema.
//!
//! Names, superclasses, naming attributes, possible parents and identifiers are those of
//! Microsoft's schema files (AD_DS_Classes__Windows_Server_2016.ldf; MS-ADSC). Output: what the
//! other rooms ask about a class.

/// A structural class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Class {
    /// lDAPDisplayName.
    pub(in super::super) name: &'static str,
    /// Values of objectClass, the most general first.
    pub(in super::super) chain: &'static [&'static str],
    /// The relative name of its defaultObjectCategory.
    pub(in super::super) category: &'static str,
    /// rDNAttID.
    pub(in super::super) naming: &'static str,
    /// systemPossSuperiors and possSuperiors, inherited ones included, as far as known here.
    pub(in super::super) parents: &'static [&'static str],
    /// Whether objects are security principals with an objectSid of the domain.
    pub(in super::super) principal: bool,
}

const fn class(
    name: &'static str,
    chain: &'static [&'static str],
    category: &'static str,
    parents: &'static [&'static str],
) -> Class {
    Class { name, chain, category, naming: "CN", parents, principal: false }
}

impl Class {
    const fn named_by(mut self, attribute: &'static str) -> Self {
        self.naming = attribute;
        self
    }

    const fn principal(mut self) -> Self {
        self.principal = true;
        self
    }
}

const PERSON: &[&str] = &["top", "person", "organizationalPerson", "user"];
const COMPUTER: &[&str] = &["top", "person", "organizationalPerson", "user", "computer"];
const CONTACT: &[&str] = &["top", "person", "organizationalPerson", "contact"];
const DEVICES: &[&str] = &["top", "msDS-DeviceContainer"];
const FEATURE: &[&str] = &["top", "msDS-OptionalFeature"];
const EXCHANGES: &[&str] = &["top", "container", "msExchConfigurationContainer"];
const ORGANIZATION: &[&str] = &["top", "container", "msExchOrganizationContainer"];
const OBJECTS: &[&str] = &["top", "container", "msExchSystemObjectsContainer"];
const CONFIGURATION: &[&str] = &["configuration"];
const EXCHANGE: &[&str] = &["container", "msExchConfigurationContainer"];
const FOREIGN: &[&str] = &["top", "foreignSecurityPrincipal"];

const SETTINGS: &[&str] = &["top", "applicationSettings", "nTDSDSA"];
const SITE_SETTINGS: &[&str] = &["top", "nTDSService"];

/// Where groups, people and computers may stand.
const PLACES: &[&str] = &["organizationalUnit", "container", "domainDNS", "builtinDomain"];
const UNITS: &[&str] = &["organizationalUnit", "domainDNS"];
const BOXES: &[&str] = &["container", "organizationalUnit", "domainDNS", "configuration", "server"];

/// Every structural class.
pub(in super::super) const CLASSES: &[Class] = &[
    class("group", &["top", "group"], "Group", PLACES).principal(),
    class("user", PERSON, "Person", PLACES).principal(),
    class("computer", COMPUTER, "Computer", PLACES).principal(),
    class("contact", CONTACT, "Person", PLACES),
    class("organizationalUnit", &["top", "organizationalUnit"], "Organizational-Unit", UNITS)
        .named_by("OU"),
    class("container", &["top", "container"], "Container", BOXES),
    class("builtinDomain", &["top", "builtinDomain"], "Builtin-Domain", &["domainDNS"]),
    class("domainDNS", &["top", "domain", "domainDNS"], "Domain-DNS", &[]).named_by("DC"),
    class("foreignSecurityPrincipal", FOREIGN, "Foreign-Security-Principal", &["container"]),
    class("msDS-DeviceContainer", DEVICES, "ms-DS-Device-Container", &["domainDNS"]),
    class("msDS-Device", &["top", "msDS-Device"], "ms-DS-Device", &["msDS-DeviceContainer"]),
    class("configuration", &["top", "configuration"], "Configuration", &[]),
    class("dMD", &["top", "dMD"], "DMD", &["configuration"]),
    class("attributeSchema", &["top", "attributeSchema"], "Attribute-Schema", &["dMD"]),
    class("classSchema", &["top", "classSchema"], "Class-Schema", &["dMD"]),
    class("crossRefContainer", &["top", "crossRefContainer"], "Cross-Ref-Container", CONFIGURATION),
    class("crossRef", &["top", "crossRef"], "Cross-Ref", &["crossRefContainer"]),
    class("sitesContainer", &["top", "sitesContainer"], "Sites-Container", CONFIGURATION),
    class("site", &["top", "site"], "Site", &["sitesContainer"]),
    class("serversContainer", &["top", "serversContainer"], "Servers-Container", &["site"]),
    class("server", &["top", "server"], "Server", &["serversContainer"]),
    class("nTDSDSA", SETTINGS, "NTDS-DSA", &["server"]),
    class("nTDSService", SITE_SETTINGS, "NTDS-Service", &["container"]),
    class("msDS-OptionalFeature", FEATURE, "ms-DS-Optional-Feature", &["container"]),
    class("msExchOrganizationContainer", ORGANIZATION, "ms-Exch-Organization-Container", EXCHANGE),
    class("msExchConfigurationContainer", EXCHANGES, "ms-Exch-Configuration-Container", BOXES),
    class("msExchSystemObjectsContainer", OBJECTS, "ms-Exch-System-Objects-Container", UNITS),
];

/// The class of this name; letter case does not count.
pub(in super::super) fn class_named(name: &str) -> Option<&'static Class> {
    CLASSES.iter().find(|class| class.name.eq_ignore_ascii_case(name))
}

/// The category that `(objectCategory=name)` means when `name` is a class and no DN
/// (MS-ADTS 3.1.1.3.1.3.5).
pub(in super::super) fn category_of(name: &str) -> Option<&'static str> {
    if ["person", "organizationalPerson"].iter().any(|one| one.eq_ignore_ascii_case(name)) {
        return Some("Person");
    }
    class_named(name).map(|class| class.category)
}

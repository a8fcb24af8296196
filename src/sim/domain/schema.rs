//! The part of the Windows Server 2019 schema (objectVersion 88) that this domain knows.
//!
//! Ranges, single values and search flags are those of Microsoft's schema files
//! (AD_DS_Attributes__Windows_Server_2016.ldf and siblings; MS-ADA1/2/3). Output: what the other
//! rooms ask about an attribute or a class, and the attributeSchema objects clients search for.

use std::collections::BTreeMap;

/// How values of an attribute are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// String(Unicode) 2.5.5.12 and String(Object-Identifier) 2.5.5.2.
    Text,
    /// Integer 2.5.5.9 and LargeInteger 2.5.5.16.
    Integer,
    /// Boolean 2.5.5.8.
    Boolean,
    /// String(Octet) 2.5.5.10.
    Octets,
    /// String(Sid) 2.5.5.17.
    Sid,
    /// String(Generalized-Time) 2.5.5.11.
    Time,
    /// Object(DS-DN) 2.5.5.1 kept as text.
    Name,
}

/// Where values of an attribute come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Clients write it.
    Stored,
    /// The directory writes it and keeps it.
    System,
    /// Part of the relative name.
    Naming,
    /// A forward link of this attribute.
    Link,
    /// The way back of the named forward link.
    BackLink(&'static str),
    /// Made when asked for, and only then (MS-ADTS 3.1.1.4.5).
    Constructed,
}

/// Which classes may carry an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// Groups among others.
    Anything,
    /// Users and computers, not groups.
    Account,
    /// Objects outside the account classes.
    Other,
}

/// One attributeSchema object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute {
    /// lDAPDisplayName, spelt as the schema spells it.
    pub(super) name: &'static str,
    pub(super) syntax: Syntax,
    pub(super) origin: Origin,
    pub(super) holder: Holder,
    pub(super) single: bool,
    /// rangeLower and rangeUpper, in UTF-16 units.
    pub(super) range: Option<(usize, usize)>,
    /// searchFlags 8, fPRESERVEONDELETE (MS-ADTS 2.2.10).
    pub(super) kept: bool,
}

const fn attribute(name: &'static str, syntax: Syntax, origin: Origin) -> Attribute {
    Attribute {
        name,
        syntax,
        origin,
        holder: Holder::Anything,
        single: true,
        range: None,
        kept: false,
    }
}

const fn text(name: &'static str, lower: usize, upper: usize) -> Attribute {
    let mut made = attribute(name, Syntax::Text, Origin::Stored);
    made.range = Some((lower, upper));
    made
}

const fn plain(name: &'static str, syntax: Syntax) -> Attribute {
    attribute(name, syntax, Origin::Stored)
}

const fn system(name: &'static str, syntax: Syntax) -> Attribute {
    attribute(name, syntax, Origin::System)
}

impl Attribute {
    const fn many(mut self) -> Self {
        self.single = false;
        self
    }

    const fn kept(mut self) -> Self {
        self.kept = true;
        self
    }

    const fn held_by(mut self, holder: Holder) -> Self {
        self.holder = holder;
        self
    }

    /// Whether values are object references.
    pub(super) fn is_link(&self) -> bool {
        matches!(self.origin, Origin::Link | Origin::BackLink(_))
    }
}

use Holder::{Account, Other};
use Origin::{BackLink, Constructed, Link, Naming, System};
use Syntax::{Boolean, Integer, Name, Octets, Sid, Text, Time};

const ATTRIBUTES: &[Attribute] = &[
    attribute("cn", Text, Naming),
    attribute("ou", Text, Naming),
    attribute("dc", Text, Naming),
    attribute("name", Text, Naming),
    attribute("distinguishedName", Name, Naming),
    text("sAMAccountName", 0, 256).kept(),
    text("displayName", 0, 256),
    // Multi-valued in the schema, one value for SAM objects (MS-SAMR 3.1.1.8).
    text("description", 0, 1024).many(),
    text("info", 1, 1024),
    text("notes", 0, 32_768),
    text("mail", 0, 256),
    text("adminDescription", 0, 1024),
    text("adminDisplayName", 1, 256),
    text("proxyAddresses", 1, 1123).many(),
    text("wWWHomePage", 1, 2048),
    text("textEncodedORAddress", 1, 1024),
    text("legacyExchangeDN", 1, 256),
    text("telephoneNumber", 1, 64),
    text("extensionName", 1, 255).many(),
    attribute("managedBy", Name, Link),
    attribute("member", Name, Link).many(),
    attribute("memberOf", Name, BackLink("member")).many(),
    attribute("managedObjects", Name, BackLink("managedBy")).many(),
    plain("groupType", Integer).kept(),
    plain("mS-DS-ConsistencyGuid", Octets),
    text("msDS-ExternalDirectoryObjectId", 0, 256).kept(),
    text("msDS-ObjectSoa", 1, 256),
    plain("adminCount", Integer),
    text("userPrincipalName", 0, 1024).held_by(Account),
    plain("userAccountControl", Integer).held_by(Account),
    plain("primaryGroupID", Integer).held_by(Account),
    text("givenName", 1, 64).held_by(Account),
    text("sn", 1, 64).held_by(Account),
    text("title", 1, 128).held_by(Account),
    text("department", 1, 64).held_by(Account),
    text("company", 1, 64).held_by(Account),
    text("employeeID", 0, 16).held_by(Account),
    text("dNSHostName", 0, 2048).held_by(Account),
    text("operatingSystem", 0, 1024).held_by(Account),
    text("servicePrincipalName", 0, 1024).many().held_by(Account),
    plain("sIDHistory", Sid).many(),
    plain("msDS-DeviceID", Octets).held_by(Other),
    plain("msDS-IsEnabled", Boolean).held_by(Other),
    text("altSecurityIdentities", 0, 1024).many(),
    text("gPLink", 0, 32_768).held_by(Other),
    // Only with the Exchange schema.
    text("mailNickname", 1, 64),
    plain("hideDLMembership", Boolean),
    text("extensionAttribute1", 1, 1024),
    plain("msExchRecipientDisplayType", Integer),
    // Kept by the directory itself.
    attribute("objectClass", Text, System).many(),
    attribute("objectCategory", Name, System),
    attribute("objectGUID", Octets, System),
    attribute("objectSid", Sid, System),
    system("sAMAccountType", Integer),
    system("instanceType", Integer),
    system("whenCreated", Time),
    system("whenChanged", Time),
    system("uSNCreated", Integer),
    system("uSNChanged", Integer),
    system("isDeleted", Boolean),
    system("isCriticalSystemObject", Boolean),
    system("lastKnownParent", Name),
    system("msDS-LastKnownRDN", Text).kept(),
    system("systemFlags", Integer),
    system("invocationId", Octets).held_by(Other),
    system("objectVersion", Integer).held_by(Other),
    system("lDAPDisplayName", Text).held_by(Other),
    system("isSingleValued", Boolean).held_by(Other),
    system("attributeSyntax", Text).held_by(Other),
    system("rangeLower", Integer).held_by(Other),
    system("rangeUpper", Integer).held_by(Other),
    system("searchFlags", Integer).held_by(Other),
    system("linkID", Integer).held_by(Other),
    attribute("primaryGroupToken", Integer, Constructed),
    attribute("canonicalName", Text, Constructed),
    attribute("allowedChildClassesEffective", Text, Constructed).many(),
    attribute("allowedAttributesEffective", Text, Constructed).many(),
];

/// Attributes that come with Exchange's schema only (facts: base schema files lack them).
const EXCHANGE: [&str; 4] =
    ["mailNickname", "hideDLMembership", "extensionAttribute1", "msExchRecipientDisplayType"];

/// The attributes of one forest, by lower-case name.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    attributes: BTreeMap<String, &'static Attribute>,
}

impl Schema {
    /// The base schema, with or without Exchange's part and the identifier of Server 2016.
    pub(super) fn new(exchange: bool, external_id: bool) -> Self {
        let attributes = ATTRIBUTES
            .iter()
            .filter(|attribute| exchange || !EXCHANGE.contains(&attribute.name))
            .filter(|attribute| external_id || attribute.name != "msDS-ExternalDirectoryObjectId")
            .map(|attribute| (attribute.name.to_ascii_lowercase(), attribute))
            .collect();
        Self { attributes }
    }

    /// The attribute of this name; letter case does not count (RFC 4512 2.5).
    pub(super) fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.get(&name.to_ascii_lowercase()).copied()
    }

    /// Every attribute.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &'static Attribute> + '_ {
        self.attributes.values().copied()
    }
}

/// The OID of an attributeSyntax (MS-ADTS 3.1.1.2.2.2).
pub(super) fn syntax_oid(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Text => "2.5.5.12",
        Syntax::Integer => "2.5.5.9",
        Syntax::Boolean => "2.5.5.8",
        Syntax::Octets => "2.5.5.10",
        Syntax::Sid => "2.5.5.17",
        Syntax::Time => "2.5.5.11",
        Syntax::Name => "2.5.5.1",
    }
}

/// A structural class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// lDAPDisplayName.
    pub(super) name: &'static str,
    /// Values of objectClass, the most general first.
    pub(super) chain: &'static [&'static str],
    /// The relative name of its defaultObjectCategory.
    pub(super) category: &'static str,
    /// rDNAttID.
    pub(super) naming: &'static str,
    /// Whether objects are security principals with an objectSid of the domain.
    pub(super) principal: bool,
}

const fn class(
    name: &'static str,
    chain: &'static [&'static str],
    category: &'static str,
    naming: &'static str,
    principal: bool,
) -> Class {
    Class { name, chain, category, naming, principal }
}

const PERSON: &[&str] = &["top", "person", "organizationalPerson", "user"];
const COMPUTER: &[&str] = &["top", "person", "organizationalPerson", "user", "computer"];
const CONTACT: &[&str] = &["top", "person", "organizationalPerson", "contact"];
const FOREIGN: &[&str] = &["top", "foreignSecurityPrincipal"];

const CLASSES: &[Class] = &[
    class("group", &["top", "group"], "Group", "CN", true),
    class("user", PERSON, "Person", "CN", true),
    class("computer", COMPUTER, "Computer", "CN", true),
    class("contact", CONTACT, "Person", "CN", false),
    class("organizationalUnit", &["top", "organizationalUnit"], "Organizational-Unit", "OU", false),
    class("container", &["top", "container"], "Container", "CN", false),
    class("builtinDomain", &["top", "builtinDomain"], "Builtin-Domain", "CN", false),
    class("domainDNS", &["top", "domain", "domainDNS"], "Domain-DNS", "DC", false),
    class("foreignSecurityPrincipal", FOREIGN, "Foreign-Security-Principal", "CN", false),
    class("msDS-Device", &["top", "msDS-Device"], "ms-DS-Device", "CN", false),
    class("configuration", &["top", "configuration"], "Configuration", "CN", false),
    class("dMD", &["top", "dMD"], "DMD", "CN", false),
    class("attributeSchema", &["top", "attributeSchema"], "Attribute-Schema", "CN", false),
    class("nTDSDSA", &["top", "applicationSettings", "nTDSDSA"], "NTDS-DSA", "CN", false),
    class("server", &["top", "server"], "Server", "CN", false),
];

/// The class of this name; letter case does not count.
pub(super) fn class_named(name: &str) -> Option<&'static Class> {
    CLASSES.iter().find(|class| class.name.eq_ignore_ascii_case(name))
}

/// The category that `(objectCategory=name)` means when `name` is a class and no DN
/// (MS-ADTS 3.1.1.3.1.3.5).
pub(super) fn category_of(name: &str) -> Option<&'static str> {
    if ["person", "organizationalPerson"].iter().any(|one| one.eq_ignore_ascii_case(name)) {
        return Some("Person");
    }
    class_named(name).map(|class| class.category)
}

//! The attributes of this forest's schema.
//!
//! Single values, ranges, search flags, syntaxes, link identifiers and the classes that may carry
//! an attribute are those of Microsoft's schema files (AD_DS_Attributes__Windows_Server_2016.ldf,
//! AD_DS_Classes__Windows_Server_2016.ldf; MS-ADA1 to 3, MS-ADSC); those of Exchange are the ones
//! of its schema. Output: the table that `Schema` is made from.

use super::Origin::{BackLink, Constructed, Link, Naming, Stored, System};
use super::Syntax::{Boolean, Integer, Name, Octets, Sid, Text, Time};
use super::{Attribute, EVERY, attribute};

const fn text(name: &'static str, classes: &'static [&'static str]) -> Attribute {
    attribute(name, Text, Stored, classes)
}

const fn integer(name: &'static str, classes: &'static [&'static str]) -> Attribute {
    attribute(name, Integer, Stored, classes)
}

const fn octets(name: &'static str, classes: &'static [&'static str]) -> Attribute {
    attribute(name, Octets, Stored, classes)
}

const PRINCIPALS: &[&str] = &["group", "user", "computer"];
const RECIPIENTS: &[&str] = &["group", "user", "computer", "contact"];
const ACCOUNTS: &[&str] = &["user", "computer"];
const PEOPLE: &[&str] = &["user", "computer", "contact"];
const PLACES: &[&str] = &["user", "computer", "contact", "organizationalUnit"];
const ATTRIBUTE: &[&str] = &["attributeSchema"];
const CLASS: &[&str] = &["classSchema"];
const DEVICE: &[&str] = &["msDS-Device"];
const GROUP: &[&str] = &["group"];

/// The base schema.
pub(super) const BASE: &[Attribute] = &[
    // The relative name, and what follows from it.
    attribute("cn", Text, Naming, EVERY).range(1, 64).flags(1),
    attribute("ou", Text, Naming, PLACES).many().range(1, 64).flags(1),
    attribute("dc", Text, Naming, &["domainDNS"]).range(1, 255),
    attribute("name", Text, Naming, EVERY).range(1, 255).flags(13),
    attribute("distinguishedName", Name, Naming, EVERY).flags(8),
    // What groups and other principals carry.
    text("sAMAccountName", PRINCIPALS).range(0, 256).flags(13),
    integer("groupType", GROUP).flags(9),
    attribute("member", Name, Link, GROUP).many().linked(2),
    attribute("memberOf", Name, BackLink("member"), EVERY).many().flags(16).linked(3),
    attribute(
        "managedBy",
        Name,
        Link,
        &["group", "computer", "organizationalUnit", "domainDNS", "nTDSDSA", "server"],
    )
    .linked(72),
    attribute("managedObjects", Name, BackLink("managedBy"), EVERY).many().linked(73),
    integer("adminCount", PRINCIPALS),
    integer("operatorCount", PRINCIPALS),
    attribute("sIDHistory", Sid, Stored, PRINCIPALS).many().flags(1),
    text("altSecurityIdentities", &["group", "user", "computer", "msDS-Device"]).many().flags(1),
    text("desktopProfile", &["group", "user", "computer", "organizationalUnit", "domainDNS"]),
    // What every object may carry.
    text("displayName", EVERY).range(0, 256).flags(5),
    text("displayNamePrintable", EVERY).range(1, 256).wire("2.5.5.5", 19),
    text("description", EVERY).many().range(0, 1024),
    text("adminDescription", EVERY).range(0, 1024),
    text("adminDisplayName", EVERY).range(1, 256),
    text("proxyAddresses", EVERY).many().range(1, 1123).flags(5),
    text("wWWHomePage", EVERY).range(1, 2048),
    text("url", EVERY).many(),
    text("extensionName", EVERY).many().range(1, 255),
    octets("mS-DS-ConsistencyGuid", EVERY),
    text("msDS-ObjectSoa", EVERY),
    octets("msDS-CloudAnchor", EVERY),
    // What recipients of mail carry.
    text("info", RECIPIENTS).range(1, 1024),
    text("mail", RECIPIENTS).range(0, 256).flags(1),
    text("telephoneNumber", &["group", "user", "computer", "contact", "organizationalUnit"])
        .range(1, 64),
    text("textEncodedORAddress", RECIPIENTS).range(1, 1024),
    text("legacyExchangeDN", RECIPIENTS).flags(13).wire("2.5.5.4", 20),
    text("labeledURI", RECIPIENTS).many(),
    integer("garbageCollPeriod", &["group", "user", "computer", "contact", "nTDSService"]),
    text("msDS-PhoneticDisplayName", RECIPIENTS).range(0, 256).flags(5),
    text("msDS-ExternalDirectoryObjectId", RECIPIENTS).at_most(256).flags(9),
    // What accounts and contacts carry.
    text("userPrincipalName", ACCOUNTS).at_most(1024).flags(1),
    integer("userAccountControl", ACCOUNTS).flags(25),
    integer("primaryGroupID", ACCOUNTS).flags(17),
    text("servicePrincipalName", ACCOUNTS).many().flags(1),
    text("dNSHostName", &["computer", "server"]).range(0, 2048),
    text("operatingSystem", &["computer"]),
    text("operatingSystemVersion", &["computer"]),
    text("givenName", PEOPLE).range(1, 64).flags(5),
    text("sn", PEOPLE).range(1, 64).flags(5),
    text("initials", PEOPLE).range(1, 6),
    text("title", PEOPLE).range(1, 128),
    text("department", PEOPLE).range(1, 64).flags(16),
    text("division", PEOPLE).range(0, 256).flags(16),
    text("company", PEOPLE).range(1, 64).flags(16),
    text("employeeID", PEOPLE).range(0, 16),
    text("employeeNumber", ACCOUNTS).range(1, 512),
    text("employeeType", ACCOUNTS).range(1, 256).flags(16),
    text("comment", PEOPLE),
    text("notes", &["contact"]).at_most(32_768),
    text("mobile", PEOPLE).range(1, 64),
    text("homePhone", PEOPLE).range(1, 64),
    text("facsimileTelephoneNumber", PLACES).range(1, 64),
    text("streetAddress", PEOPLE).range(1, 1024),
    text("street", PLACES).range(1, 1024).flags(16),
    text("l", PLACES).range(1, 128).flags(17),
    text("st", PLACES).range(1, 128).flags(16),
    text("co", PLACES).range(1, 128).flags(16),
    text("c", PLACES).range(1, 3).flags(16),
    text("postalCode", PLACES).range(1, 40).flags(16),
    text("physicalDeliveryOfficeName", PLACES).range(1, 128).flags(5),
    // What device writeback carries (MS-ADSC 2.136).
    octets("msDS-DeviceID", DEVICE).range(16, 16).flags(1),
    attribute("msDS-IsEnabled", Boolean, Stored, DEVICE),
    attribute("msDS-IsManaged", Boolean, Stored, DEVICE).flags(1),
    octets("msDS-RegisteredOwner", DEVICE).flags(1),
    integer("msDS-DeviceTrustType", DEVICE),
    // What containers carry.
    text("gPLink", &["organizationalUnit", "domainDNS", "configuration"]),
    // Kept by the directory itself.
    attribute("objectClass", Text, System, EVERY).many().flags(9).wire("2.5.5.2", 6),
    attribute("objectCategory", Name, System, EVERY).flags(1),
    attribute("objectGUID", Octets, System, EVERY).range(16, 16).flags(9),
    attribute(
        "objectSid",
        Sid,
        System,
        &["group", "user", "computer", "domainDNS", "builtinDomain", "foreignSecurityPrincipal"],
    )
    .range(0, 28)
    .flags(9),
    attribute("sAMAccountType", Integer, System, PRINCIPALS).flags(1),
    attribute("instanceType", Integer, System, EVERY).flags(8),
    attribute("whenCreated", Time, System, EVERY),
    attribute("whenChanged", Time, System, EVERY),
    attribute("uSNCreated", Integer, System, EVERY).flags(9).wire("2.5.5.16", 65),
    attribute("uSNChanged", Integer, System, EVERY).flags(9).wire("2.5.5.16", 65),
    attribute("isDeleted", Boolean, System, EVERY),
    attribute("isRecycled", Boolean, System, EVERY).flags(8),
    attribute("isCriticalSystemObject", Boolean, System, EVERY),
    attribute("lastKnownParent", Name, System, EVERY),
    attribute("msDS-LastKnownRDN", Text, System, EVERY).range(1, 255),
    attribute("systemFlags", Integer, System, EVERY).flags(8),
    // The configuration of the forest.
    attribute("nCName", Name, System, &["crossRef"]).flags(8),
    attribute("dnsRoot", Text, System, &["crossRef"]).many().range(1, 255).flags(1),
    attribute("nETBIOSName", Text, System, &["domainDNS", "crossRef"]).range(1, 16).flags(1),
    attribute("invocationId", Octets, System, &["nTDSDSA"]).flags(1),
    attribute("serverReference", Name, System, &["nTDSDSA", "server"]).linked(94),
    attribute("hasMasterNCs", Name, System, &["nTDSDSA"]).many().linked(76),
    attribute("options", Integer, System, &["nTDSDSA"]),
    attribute("tombstoneLifetime", Integer, System, &["nTDSService"]),
    attribute(
        "msDS-Behavior-Version",
        Integer,
        System,
        &["domainDNS", "nTDSDSA", "crossRef", "crossRefContainer"],
    )
    .at_least(0),
    attribute("msDS-EnabledFeature", Name, System, &["domainDNS", "nTDSDSA", "crossRefContainer"])
        .many()
        .linked(2168),
    attribute("msDS-OptionalFeatureGUID", Octets, System, &["msDS-OptionalFeature"]).range(16, 16),
    attribute("msDS-OptionalFeatureFlags", Integer, System, &["msDS-OptionalFeature"]),
    attribute("fSMORoleOwner", Name, System, EVERY).flags(1),
    // The schema in itself.
    attribute("objectVersion", Integer, System, EVERY),
    attribute("lDAPDisplayName", Text, System, &["attributeSchema", "classSchema"])
        .range(1, 256)
        .flags(9),
    attribute("isSingleValued", Boolean, System, ATTRIBUTE),
    attribute("attributeSyntax", Text, System, ATTRIBUTE).flags(8).wire("2.5.5.2", 6),
    attribute("oMSyntax", Integer, System, ATTRIBUTE).flags(8),
    attribute("rangeLower", Integer, System, ATTRIBUTE),
    attribute("rangeUpper", Integer, System, ATTRIBUTE),
    attribute("searchFlags", Integer, System, ATTRIBUTE).at_least(0).wire("2.5.5.9", 10),
    attribute("linkID", Integer, System, ATTRIBUTE),
    attribute("systemOnly", Boolean, System, &["attributeSchema", "classSchema"]),
    attribute("objectClassCategory", Integer, System, CLASS).range(0, 3).wire("2.5.5.9", 10),
    attribute("subClassOf", Text, System, CLASS).flags(8).wire("2.5.5.2", 6),
    attribute("rDNAttID", Text, System, CLASS).wire("2.5.5.2", 6),
    attribute("defaultObjectCategory", Name, System, CLASS),
    attribute("systemAuxiliaryClass", Text, System, CLASS).many().wire("2.5.5.2", 6),
    attribute("systemMayContain", Text, System, CLASS).many().wire("2.5.5.2", 6),
    attribute("systemPossSuperiors", Text, System, CLASS).many().wire("2.5.5.2", 6),
    // Made when asked for (MS-ADTS 3.1.1.4.5).
    attribute("primaryGroupToken", Integer, Constructed, GROUP),
    attribute("canonicalName", Text, Constructed, EVERY).many(),
    attribute("allowedAttributes", Text, Constructed, EVERY).many().wire("2.5.5.2", 6),
    attribute("allowedAttributesEffective", Text, Constructed, EVERY).many().wire("2.5.5.2", 6),
    attribute("allowedChildClasses", Text, Constructed, EVERY).many().wire("2.5.5.2", 6),
    attribute("allowedChildClassesEffective", Text, Constructed, EVERY).many().wire("2.5.5.2", 6),
    attribute("sDRightsEffective", Integer, Constructed, EVERY),
    attribute("msDS-ReplAttributeMetaData", Text, Constructed, EVERY).many(),
    attribute("msDS-ReplValueMetaData", Text, Constructed, EVERY).many(),
];

/// What Exchange adds (not in the base schema files; learn.microsoft.com/exchange, "Active
/// Directory schema changes"). `ms-Exch-Schema-Version-Pt` tells the version by its rangeUpper.
pub(super) const EXCHANGE: &[Attribute] = &[
    text("mailNickname", RECIPIENTS).range(1, 64).flags(5),
    text("targetAddress", RECIPIENTS).range(1, 1123).flags(1),
    attribute("hideDLMembership", Boolean, Stored, RECIPIENTS),
    integer("msExchRecipientDisplayType", RECIPIENTS).flags(1),
    attribute("msExchHideFromAddressLists", Boolean, Stored, RECIPIENTS),
    attribute("msExchRequireAuthToSendTo", Boolean, Stored, RECIPIENTS),
    text("msExchSchemaVersionPt", &[]).range(0, 17_003),
    text("extensionAttribute1", RECIPIENTS).range(1, 1024).flags(1),
    text("extensionAttribute2", RECIPIENTS).range(1, 1024).flags(1),
    text("extensionAttribute3", RECIPIENTS).range(1, 1024).flags(1),
    text("extensionAttribute4", RECIPIENTS).range(1, 1024).flags(1),
    text("extensionAttribute5", RECIPIENTS).range(1, 1024).flags(1),
    text("extensionAttribute6", RECIPIENTS).range(1, 1024).flags(1),
    text("extensionAttribute7", RECIPIENTS).range(1, 1024).flags(1),
    text("extensionAttribute8", RECIPIENTS).range(1, 1024).flags(1),
    text("extensionAttribute9", RECIPIENTS).range(1, 1024).flags(1),
    text("extensionAttribute10", RECIPIENTS).range(1, 1024).flags(1),
    text("extensionAttribute11", RECIPIENTS).range(1, 1024).flags(1),
    text("extensionAttribute12", RECIPIENTS).range(1, 1024).flags(1),
    text("extensionAttribute13", RECIPIENTS).range(1, 1024).flags(1),
    text("extensionAttribute14", RECIPIENTS).range(1, 1024).flags(1),
    text("extensionAttribute15", RECIPIENTS).range(1, 1024).flags(1),
];

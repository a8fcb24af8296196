//! The forest as discovery reads it: schema, rights, partitions, servers, features, devices.

use super::*;

async fn entries(ldap: &mut Ldap, base: &str, filter: &str, wanted: &[&str]) -> Vec<SearchEntry> {
    let (entries, result) = search(ldap, base, Scope::Subtree, filter, wanted).await;
    assert_eq!(result, done(), "{filter}");
    entries
}

/// The values of one attribute over all entries, sorted.
fn values(entries: &[SearchEntry], name: &str) -> Vec<String> {
    let mut all: Vec<String> =
        entries.iter().filter_map(|entry| entry.attrs.get(name)).flatten().cloned().collect();
    all.sort();
    all
}

#[tokio::test]
async fn the_schema_describes_its_attributes_as_microsoft_does() {
    let domain = domain_with(DomainOptions { exchange: true, ..DomainOptions::default() }).await;
    let mut ldap = service(&domain).await;
    let schema = format!("CN=Schema,CN=Configuration,{BASE}");
    for (name, syntax, om_syntax, single, flags) in [
        ("displayName", "2.5.5.12", "64", "TRUE", "5"),
        ("proxyAddresses", "2.5.5.12", "64", "FALSE", "5"),
        ("groupType", "2.5.5.9", "2", "TRUE", "9"),
        ("member", "2.5.5.1", "127", "FALSE", "0"),
        ("msDS-DeviceID", "2.5.5.10", "4", "TRUE", "1"),
        ("msDS-ExternalDirectoryObjectId", "2.5.5.12", "64", "TRUE", "9"),
        ("uSNChanged", "2.5.5.16", "65", "TRUE", "9"),
        ("objectClass", "2.5.5.2", "6", "FALSE", "9"),
        ("mailNickname", "2.5.5.12", "64", "TRUE", "5"),
        ("extensionAttribute15", "2.5.5.12", "64", "TRUE", "1"),
    ] {
        let filter = format!("(&(objectClass=attributeSchema)(lDAPDisplayName={name}))");
        let found = entries(&mut ldap, &schema, &filter, &["*"]).await;
        let of = |attribute: &str| values(&found, attribute);
        assert_eq!(of("attributeSyntax"), [syntax], "{name}");
        assert_eq!(of("oMSyntax"), [om_syntax], "{name}");
        assert_eq!(of("isSingleValued"), [single], "{name}");
        assert_eq!(of("searchFlags"), [flags], "{name}");
    }
    let group = "(&(objectClass=classSchema)(lDAPDisplayName=group))";
    let found = entries(&mut ldap, &schema, group, &["systemMayContain", "subClassOf"]).await;
    assert_eq!(values(&found, "subClassOf"), ["top"]);
    let may = values(&found, "systemMayContain");
    for (name, expected) in
        [("info", true), ("mailNickname", true), ("givenName", false), ("notes", false)]
    {
        assert_eq!(may.contains(&name.to_owned()), expected, "{name}");
    }
    let version = format!("CN=ms-Exch-Schema-Version-Pt,{schema}");
    let version = object(&mut ldap, &version, &["rangeUpper"]).await;
    assert_eq!(version.get("rangeUpper").unwrap(), &["17003"]);
    let organization = "(objectCategory=msExchOrganizationContainer)";
    let configuration = format!("CN=Configuration,{BASE}");
    let found = entries(&mut ldap, &configuration, organization, &["objectVersion"]).await;
    assert_eq!(values(&found, "objectVersion"), ["16761"]);
}

#[tokio::test]
async fn a_forest_before_2016_says_so() {
    let domain =
        domain_with(DomainOptions { external_id: false, ..DomainOptions::default() }).await;
    let mut ldap = service(&domain).await;
    let root = object(&mut ldap, "", &["*"]).await;
    assert_eq!(root.get("forestFunctionality").unwrap(), &["6"]);
    let schema = format!("CN=Schema,CN=Configuration,{BASE}");
    let version = object(&mut ldap, &schema, &["objectVersion"]).await;
    assert_eq!(version.get("objectVersion").unwrap(), &["69"]);
}

#[tokio::test]
async fn the_configuration_lists_domains_servers_and_features() {
    let domain = domain_with(DomainOptions {
        other_domains: vec!["DC=emea,DC=corp,DC=example".to_owned()],
        other_controllers: vec!["DC2".to_owned()],
        ..DomainOptions::default()
    })
    .await;
    let mut ldap = service(&domain).await;
    let configuration = format!("CN=Configuration,{BASE}");
    let partitions = format!("CN=Partitions,{configuration}");
    let domains = "(&(objectClass=crossRef)(systemFlags:1.2.840.113556.1.4.803:=2))";
    let found = entries(&mut ldap, &partitions, domains, &["*"]).await;
    assert_eq!(values(&found, "nCName"), [BASE, "DC=emea,DC=corp,DC=example"]);
    assert_eq!(values(&found, "dnsRoot"), ["corp.example", "emea.corp.example"]);
    assert_eq!(values(&found, "nETBIOSName"), ["CORP", "EMEA"]);
    let controllers = "(userAccountControl:1.2.840.113556.1.4.803:=8192)";
    let found = entries(&mut ldap, BASE, controllers, &["dNSHostName"]).await;
    assert_eq!(values(&found, "dNSHostName"), ["dc1.corp.example", "dc2.corp.example"]);
    let found = entries(&mut ldap, &configuration, "(objectClass=nTDSDSA)", &["options"]).await;
    assert_eq!(found.len(), 2);
    let found = entries(&mut ldap, &configuration, "(objectClass=server)", &["dNSHostName"]).await;
    assert_eq!(values(&found, "dNSHostName"), ["dc1.corp.example", "dc2.corp.example"]);
    let features = object(&mut ldap, &partitions, &["msDS-EnabledFeature"]).await;
    assert!(features.is_empty());
    domain.enable_recycle_bin();
    let features = object(&mut ldap, &partitions, &["msDS-EnabledFeature"]).await;
    let feature = features.get("msDS-EnabledFeature").unwrap().first().unwrap();
    let found = entries(&mut ldap, feature, "(objectClass=msDS-OptionalFeature)", &["cn"]).await;
    assert_eq!(values(&found, "cn"), ["Recycle Bin Feature"]);
    let sid = object(&mut ldap, BASE, &["msDS-Behavior-Version"]).await;
    assert_eq!(sid.get("msDS-Behavior-Version").unwrap(), &["7"]);
}

#[tokio::test]
async fn effective_rights_tell_missing_from_excess() {
    let domain = domain().await;
    domain.edit(|tree| tree.add_group("g", OU, "g", UNIVERSAL)).unwrap();
    let wanted = &[
        "allowedAttributes",
        "allowedAttributesEffective",
        "allowedChildClasses",
        "allowedChildClassesEffective",
        "sDRightsEffective",
    ];
    let mut ldap = service(&domain).await;
    let read = object(&mut ldap, &group("g"), wanted).await;
    let has = |read: &BTreeMap<String, Vec<String>>, name: &str, value: &str| {
        read.get(name).is_some_and(|values| values.iter().any(|one| one == value))
    };
    assert!(has(&read, "allowedAttributes", "wWWHomePage"));
    assert!(!has(&read, "allowedAttributes", "givenName"));
    assert!(!has(&read, "allowedAttributesEffective", "wWWHomePage"));
    assert!(has(&read, "allowedAttributesEffective", "member"));
    assert!(has(&read, "sDRightsEffective", "0"));
    let unit = object(&mut ldap, OU, wanted).await;
    assert_eq!(unit.get("allowedChildClassesEffective").unwrap(), &["group"]);
    assert!(has(&unit, "allowedChildClasses", "user"));
    assert!(!has(&unit, "allowedChildClasses", "crossRef"));
    // One attribute is missing, one class too much was given.
    domain.revoke();
    domain.delegate_attributes(OU, &["member", "groupType"]).unwrap();
    let account = domain.service_account().dn.clone();
    let people = format!("OU=People,{BASE}");
    let users = Rights { create: vec!["user".to_owned()], ..Rights::default() };
    domain.grant(&account, &people, users).unwrap();
    let read = object(&mut ldap, &group("g"), wanted).await;
    let writable = read.get("allowedAttributesEffective").unwrap();
    assert_eq!(writable, &["groupType", "member"]);
    let unit = object(&mut ldap, &people, wanted).await;
    assert_eq!(unit.get("allowedChildClassesEffective").unwrap(), &["user"]);
    let dave = vec![("objectClass", vec!["user".to_owned()])];
    assert_eq!(add(&mut ldap, &person("dave"), dave).await, done());
    // Whoever makes an object owns it.
    let dave = object(&mut ldap, &person("dave"), wanted).await;
    assert!(has(&dave, "sDRightsEffective", "4"));
    let result = ldap.delete(&person("dave")).await.unwrap();
    assert_eq!(codes(&result), refused(50, "00002098"));
    domain.grant(&account, BASE, Rights::everything()).unwrap();
    let alice = object(&mut ldap, &person("alice"), wanted).await;
    assert!(has(&alice, "sDRightsEffective", "7"));
    assert!(has(&alice, "allowedAttributesEffective", "userAccountControl"));
    assert!(!has(&alice, "allowedAttributesEffective", "memberOf"));
    assert!(!has(&alice, "allowedAttributesEffective", "canonicalName"));
    let head = object(&mut ldap, BASE, wanted).await;
    assert!(has(&head, "allowedChildClassesEffective", "organizationalUnit"));
}

#[tokio::test]
async fn devices_are_found_by_their_identifier_and_are_members() {
    let domain = domain().await;
    let id = Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10);
    let device = domain.edit(|tree| {
        tree.add_group("g", OU, "g", UNIVERSAL).unwrap();
        tree.add_device("Tablet", id, None).unwrap()
    });
    let container = format!("CN=RegisteredDevices,{BASE}");
    assert_eq!(device, format!("CN={id},{container}"));
    let mut ldap = service(&domain).await;
    let octets = identity::escaped_octets("\\", &id.to_bytes_le());
    let filter = format!("(&(objectClass=msDS-Device)(msDS-DeviceID={octets}))");
    let found = entries(&mut ldap, &container, &filter, &["displayName", "objectSid"]).await;
    assert_eq!(values(&found, "displayName"), ["Tablet"]);
    assert_eq!(modify(&mut ldap, &group("g"), How::Add, "member", &[&device]).await, done());
    let laptop = domain.edit(|tree| {
        tree.add_computer("LAPTOP", &format!("CN=Computers,{BASE}"), "LAPTOP$", Some(id), None)
            .unwrap()
    });
    let by_guid = format!("<GUID={id}>");
    assert_eq!(modify(&mut ldap, &group("g"), How::Add, "member", &[&by_guid]).await, done());
    let members = domain.edit(|tree| tree.members(&group("g")));
    assert_eq!(BTreeSet::from_iter(members), BTreeSet::from([device, laptop]));
    // A device has its own container, and its identifier 16 octets.
    let mut ldap = administrator(&domain).await;
    let bare = |id: &str| {
        vec![
            ("objectClass", vec!["msDS-Device".to_owned()]),
            ("displayName", vec!["x".to_owned()]),
            ("altSecurityIdentities", vec!["x".to_owned()]),
            ("msDS-IsEnabled", vec!["TRUE".to_owned()]),
            ("msDS-DeviceID", vec![id.to_owned()]),
        ]
    };
    let here = format!("CN=x,{container}");
    for (dn, attributes, expected) in [
        (group("x"), bare("0123456789abcdef"), refused(64, "00002099")),
        (here.clone(), bare("short"), refused(19, "00002082")),
        (here, bare("0123456789abcdef"), done()),
    ] {
        assert_eq!(add(&mut ldap, &dn, attributes).await, expected, "{dn}");
    }
}

#[tokio::test]
async fn parents_of_a_group_are_read_in_ranges() {
    let domain = domain().await;
    domain.edit(|tree| {
        tree.add_group("child", OU, "child", UNIVERSAL).unwrap();
        for number in 0..1_600 {
            let parent =
                tree.add_group(&format!("p{number}"), OU, &format!("p{number}"), UNIVERSAL);
            tree.add_member(&parent.unwrap(), &group("child")).unwrap();
        }
    });
    let mut ldap = service(&domain).await;
    for (wanted, name, count) in [
        ("memberOf", "memberOf;range=0-1499", 1500),
        ("memberOf;range=1500-*", "memberOf;range=1500-*", 100),
    ] {
        let (found, _) = search(&mut ldap, &group("child"), Scope::Base, "(cn=*)", &[wanted]).await;
        let attributes = &found.first().unwrap().attrs;
        assert_eq!(attributes.get(name).map(Vec::len), Some(count), "{wanted}");
    }
}

#[tokio::test]
async fn addresses_are_swapped_in_one_modify_without_regard_to_case() {
    let domain = domain().await;
    domain.edit(|tree| {
        tree.add_group("g", OU, "g", DISTRIBUTION).unwrap();
        tree.add_group("h", OU, "h", DISTRIBUTION).unwrap();
        let given = &["SMTP:old@corp.example", "smtp:side@corp.example", "x500:/o=x"];
        tree.set(&group("g"), "proxyAddresses", given).unwrap();
    });
    let mut ldap = service(&domain).await;
    let held = modification(How::Add, "proxyAddresses", &["SMTP:Side@corp.example"]);
    let result = ldap.modify(&group("g"), vec![held]).await.unwrap();
    assert_eq!(codes(&result), refused(20, "0000200D"));
    let swap = vec![
        modification(How::Delete, "proxyAddresses", &["smtp:OLD@corp.example"]),
        modification(How::Delete, "proxyAddresses", &["SMTP:side@corp.example"]),
        modification(
            How::Add,
            "proxyAddresses",
            &["SMTP:side@corp.example", "smtp:old@corp.example"],
        ),
        modification(How::Add, "proxyAddresses", &["smtp:third@corp.example"]),
    ];
    assert_eq!(codes(&ldap.modify(&group("g"), swap).await.unwrap()), done());
    let mut addresses = domain.edit(|tree| tree.values(&group("g"), "proxyAddresses"));
    addresses.sort();
    assert_eq!(
        addresses,
        ["SMTP:side@corp.example", "smtp:old@corp.example", "smtp:third@corp.example", "x500:/o=x"]
    );
    assert_eq!(found(&mut ldap, "(proxyAddresses=SMTP:third@CORP.example)").await.len(), 1);
    assert_eq!(found(&mut ldap, "(proxyAddresses=smtp:gone@corp.example)").await.len(), 0);
    // The directory does not keep addresses unique.
    let same = &["smtp:third@corp.example"];
    let result = modify(&mut ldap, &group("h"), How::Add, "proxyAddresses", same).await;
    assert_eq!(result, done());
    assert_eq!(found(&mut ldap, "(proxyAddresses=smtp:third@corp.example)").await.len(), 2);
    let twice = &["smtp:a@corp.example", "SMTP:A@corp.example"];
    let result = modify(&mut ldap, &group("h"), How::Replace, "proxyAddresses", twice).await;
    assert_eq!(result, refused(20, "00002083"));
    let many: Vec<String> =
        (0..1_201).map(|number| format!("smtp:{number}@corp.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let result = modify(&mut ldap, &group("h"), How::Add, "proxyAddresses", &many).await;
    assert_eq!(result, refused(11, "00002024"));
}

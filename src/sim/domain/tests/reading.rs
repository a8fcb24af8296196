//! Searches: filters, selections, pages, ranges, extended names, the rootDSE.

use super::*;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};

#[tokio::test]
async fn the_root_is_open_to_everybody_and_nothing_else_is() {
    let domain = domain().await;
    let mut ldap = connect(&domain).await;
    let root = object(&mut ldap, "", &["*"]).await;
    assert_eq!(root.get("defaultNamingContext").unwrap(), &[BASE]);
    assert_eq!(root.get("dnsHostName").unwrap(), &["dc1.corp.example"]);
    assert!(root.get("supportedControl").unwrap().contains(&EXTENDED_DN.to_owned()));
    assert!(!root.contains_key("vendorName"));
    let service_name = root.get("dsServiceName").unwrap().first().unwrap().clone();
    let (_, result) = search(&mut ldap, BASE, Scope::Base, "(objectClass=*)", &["dc"]).await;
    assert_eq!(result, refused(1, "000004DC"));
    assert_eq!(add_group(&mut ldap, "g", UNIVERSAL).await, refused(1, "000004DC"));
    let mut ldap = service(&domain).await;
    let (entries, _) =
        search(&mut ldap, &service_name, Scope::Base, "(objectClass=nTDSDSA)", &["invocationId"])
            .await;
    assert_eq!(entries.len(), 1);
}

#[tokio::test]
async fn the_schema_tells_what_exists() {
    for (exchange, external_id, expected) in
        [(false, true, vec!["msDS-ExternalDirectoryObjectId"]), (true, false, vec!["mailNickname"])]
    {
        let options = DomainOptions { exchange, external_id, ..DomainOptions::default() };
        let domain = domain_with(options).await;
        let mut ldap = service(&domain).await;
        let filter = "(&(objectClass=attributeSchema)(|(lDAPDisplayName=mailNickname)\
                      (lDAPDisplayName=msDS-ExternalDirectoryObjectId)))";
        let schema = format!("CN=Schema,CN=Configuration,{BASE}");
        let (entries, _) =
            search(&mut ldap, &schema, Scope::OneLevel, filter, &["lDAPDisplayName"]).await;
        let names: Vec<String> =
            entries.into_iter().flat_map(|entry| entry.attrs).flat_map(|(_, v)| v).collect();
        assert_eq!(names, expected);
    }
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let domain = domain().await;
    domain.edit(|tree| {
        let inner = tree.add_group("inner", OU, "inner", UNIVERSAL).unwrap();
        let outer = tree.add_group("outer", OU, "outer", DISTRIBUTION).unwrap();
        tree.add_member(&inner, &person("alice")).unwrap();
        tree.add_member(&outer, &inner).unwrap();
        tree.set(&inner, "adminDescription", &["Group_1"]).unwrap();
        tree.set(&inner, "info", &["x(1)"]).unwrap();
    });
    let mut ldap = service(&domain).await;
    let inner = "CN=inner,OU=Cloud Groups";
    let outer = "CN=outer,OU=Cloud Groups";
    let alice = "CN=alice,OU=People";
    let cases: Vec<(String, Vec<&str>)> = vec![
        ("(adminDescription=group_1)".into(), vec![inner]),
        ("(adminDescription=Group_*)".into(), vec![inner]),
        ("(adminDescription=*_1)".into(), vec![inner]),
        ("(adminDescription=*rou*1)".into(), vec![inner]),
        (r"(info=x\281\29)".into(), vec![inner]),
        ("(&(adminDescription=*)(objectCategory=group))".into(), vec![inner]),
        ("(|(sAMAccountName=INNER)(sAMAccountName=outer))".into(), vec![inner, outer]),
        ("(&(ou:=x)(cn=inner))".into(), vec![]),
        ("(&(!(unknownAttribute=x))(cn=inner))".into(), vec![]),
        ("(&(!(displayName=x))(cn=inner))".into(), vec![inner]),
        (format!("(member={})", person("Alice")), vec![inner]),
        (format!("(memberOf=CN=outer,{OU})"), vec![inner]),
        (format!("(member:1.2.840.113556.1.4.1941:={})", person("alice")), vec![inner, outer]),
        (format!("(memberOf:1.2.840.113556.1.4.1941:=CN=outer,{OU})"), vec![inner, alice]),
        (format!("(distinguishedName={})", person("ALICE")), vec![alice]),
        ("(&(groupType:1.2.840.113556.1.4.803:=2147483648)(cn=inner))".into(), vec![inner]),
        (
            "(&(groupType:1.2.840.113556.1.4.803:=8)(|(cn=inner)(cn=outer)))".into(),
            vec![inner, outer],
        ),
        ("(groupType=8)".into(), vec![outer]),
        ("(&(groupType<=-2147483640)(cn=inner))".into(), vec![inner]),
        ("(&(uSNChanged>=999999))".into(), vec![]),
        ("(&(objectCategory=person)(sAMAccountName=alice))".into(), vec![alice]),
        ("(&(objectCategory=computer)(cn=alice))".into(), vec![]),
        ("(&(objectClass=user)(cn=alice))".into(), vec![alice]),
    ];
    for (filter, mut expected) in cases {
        expected.sort_unstable();
        assert_eq!(found(&mut ldap, &filter).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn filters_take_any_octets() {
    let domain = domain().await;
    // These octets are no UTF-8, as those of nearly every GUID.
    let guid = Uuid::from_bytes_le([0xff, 0xfe, 0, 1, 0x80, 0x81, 3, 4, 5, 6, 7, 8, 9, 0xc0, 0, 2]);
    domain.edit(|tree| {
        let people = format!("OU=People,{BASE}");
        let dn = tree.add_user("dave", &people, "dave", Some(guid), None).unwrap();
        tree.set_octets(&dn, "mS-DS-ConsistencyGuid", vec![guid.to_bytes_le().to_vec()]).unwrap();
    });
    let mut ldap = service(&domain).await;
    let octets = identity::escaped_octets("\\", &guid.to_bytes_le());
    for attribute in ["objectGUID", "mS-DS-ConsistencyGuid"] {
        let filter = format!("({attribute}={octets})");
        assert_eq!(found(&mut ldap, &filter).await, ["CN=dave,OU=People"], "{attribute}");
    }
    let sid = domain.edit(|tree| tree.sid_of(&person("alice")).unwrap());
    assert_eq!(found(&mut ldap, &format!("(objectSid={sid})")).await, ["CN=alice,OU=People"]);
}

#[tokio::test]
async fn a_selection_shows_what_was_asked() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    let nothing = object(&mut ldap, &person("alice"), &["1.1"]).await;
    assert!(nothing.is_empty());
    let some = object(&mut ldap, &person("alice"), &["SAMACCOUNTNAME", "nonsense"]).await;
    assert_eq!(some.keys().collect::<Vec<_>>(), ["sAMAccountName"]);
    let all = object(&mut ldap, &person("alice"), &["*"]).await;
    assert!(all.contains_key("whenCreated") && all.contains_key("uSNChanged"));
    assert!(!all.contains_key("canonicalName"));
    let made = object(&mut ldap, &person("alice"), &["canonicalName"]).await;
    assert_eq!(made.get("canonicalName").unwrap(), &["corp.example/People/alice"]);
}

#[tokio::test]
async fn searches_end_at_a_thousand_unless_they_are_paged() {
    let domain = domain().await;
    domain.edit(|tree| {
        for number in 0..2_345 {
            let name = format!("g{number}");
            tree.add_group(&name, OU, &name, UNIVERSAL).unwrap();
        }
    });
    let mut ldap = service(&domain).await;
    let (entries, result) = search(&mut ldap, OU, Scope::OneLevel, "(cn=*)", &["cn"]).await;
    assert_eq!((entries.len(), result), (1000, refused(4, "00002023")));
    for (size, pages) in [(1000, 3), (500, 5), (5000, 3)] {
        domain.clear_operations();
        let adapters: Vec<Box<dyn Adapter<_, _>>> =
            vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(size))];
        let mut stream = ldap
            .streaming_search_with(adapters, OU, Scope::OneLevel, "(cn=*)", vec!["cn"])
            .await
            .unwrap();
        let mut names = BTreeSet::new();
        while let Some(entry) = stream.next().await.unwrap() {
            names.insert(SearchEntry::construct(entry).dn);
        }
        assert_eq!(stream.finish().await.rc, 0);
        assert_eq!((names.len(), domain.counters().searches), (2_345, pages), "{size}");
    }
}

#[tokio::test]
async fn a_cookie_of_nobody_is_refused() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    let page = ldap3::controls::PagedResults { size: 10, cookie: vec![7; 8] };
    let result =
        ldap.with_controls(page).search(BASE, Scope::Subtree, "(cn=*)", vec!["cn"]).await.unwrap();
    assert_eq!(codes(&result.1), refused(12, "000020EF"));
}

#[tokio::test]
async fn big_groups_come_in_ranges() {
    let domain = domain().await;
    domain.edit(|tree| {
        tree.add_group("big", OU, "big", UNIVERSAL).unwrap();
        for number in 0..3_200 {
            let name = format!("u{number}");
            let dn = tree.add_user(&name, &format!("OU=People,{BASE}"), &name, None, None);
            tree.add_member(&group("big"), &dn.unwrap()).unwrap();
        }
    });
    let mut ldap = service(&domain).await;
    for (wanted, name, count) in [
        ("member", "member;range=0-1499", 1500),
        ("*", "member;range=0-1499", 1500),
        ("member;range=0-*", "member;range=0-1499", 1500),
        ("member;range=1500-*", "member;range=1500-2999", 1500),
        ("member;range=3000-*", "member;range=3000-*", 200),
        ("member;range=0-3", "member;range=0-3", 4),
        ("member;range=3100-9999", "member;range=3100-*", 100),
    ] {
        let (entries, _) =
            search(&mut ldap, &group("big"), Scope::Base, "(objectClass=*)", &[wanted]).await;
        let attributes = &entries.first().unwrap().attrs;
        assert_eq!(attributes.get(name).map(Vec::len), Some(count), "{wanted}");
        let bare = attributes.get("member").map(Vec::len);
        assert_eq!(bare, (!wanted.contains("range")).then_some(0), "{wanted}");
    }
    let past = &["member;range=3200-*"];
    let (_, result) = search(&mut ldap, &group("big"), Scope::Base, "(cn=*)", past).await;
    assert_eq!(result, refused(1, "00000057"));
}

#[tokio::test]
async fn extended_names_carry_guid_and_sid() {
    let domain = domain().await;
    domain.edit(|tree| {
        tree.add_group("g", OU, "g", UNIVERSAL).unwrap();
        tree.add_member(&group("g"), &person("alice")).unwrap();
    });
    let (guid, sid) = domain.edit(|tree| {
        (tree.guid_of(&person("alice")).unwrap(), tree.sid_of(&person("alice")).unwrap())
    });
    let raw = identity::hexadecimal(&guid.to_bytes_le());
    let mut ldap = service(&domain).await;
    let text = format!("<GUID={guid}>;<SID={sid}>;{}", person("alice"));
    for (value, starts) in [
        (Some(vec![0x30, 3, 2, 1, 1]), text.clone()),
        (Some(vec![0x30, 3, 2, 1, 0]), format!("<GUID={raw}>;<SID=0105")),
        (None, format!("<GUID={raw}>;<SID=0105")),
    ] {
        let result = ldap
            .with_controls(control(EXTENDED_DN, value))
            .search(&group("g"), Scope::Base, "(cn=*)", vec!["member"])
            .await
            .unwrap();
        let entry = SearchEntry::construct(result.0.into_iter().next().unwrap());
        assert!(entry.dn.starts_with("<GUID=") && entry.dn.ends_with(&group("g")));
        let member = entry.attrs.get("member").unwrap().first().unwrap();
        assert!(member.starts_with(&starts) && member.ends_with(&person("alice")), "{member}");
    }
    // The form the server prints is one it reads.
    assert_eq!(modify(&mut ldap, &group("g"), How::Delete, "member", &[&text]).await, done());
}

#[tokio::test]
async fn an_unknown_critical_control_is_refused() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    let result = ldap
        .with_controls(control("1.3.6.1.1.12", Some(Vec::new())))
        .search(BASE, Scope::Base, "(cn=*)", vec!["cn"])
        .await
        .unwrap();
    assert_eq!(codes(&result.1), refused(12, "000020EF"));
    let mut harmless = control("1.2.840.113556.1.4.801", Some(vec![0x30, 3, 2, 1, 7]));
    harmless.crit = true;
    let result = ldap
        .with_controls(harmless)
        .search(BASE, Scope::Base, "(objectClass=*)", vec!["dc"])
        .await
        .unwrap();
    assert_eq!((result.0.len(), result.1.rc), (1, 0));
}

#[tokio::test]
async fn a_clients_own_limit_is_kept() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    let result = ldap
        .with_search_options(ldap3::SearchOptions::new().sizelimit(2))
        .search(BASE, Scope::Subtree, "(objectClass=group)", vec!["cn"])
        .await
        .unwrap();
    assert_eq!((result.0.len(), result.1.rc), (2, 4));
}

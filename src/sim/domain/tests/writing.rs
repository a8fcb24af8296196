//! Add, modify, modifyDN and delete, with the result codes of a Windows domain controller.

use super::*;

/// How, attribute, values and what comes of it.
type Modification<'a> = (How, &'a str, Vec<&'a str>, Codes);

/// Target, new name, whether the old one goes, new parent and what comes of it.
type Renaming<'a> = (String, &'a str, bool, Option<String>, Codes);

#[tokio::test]
async fn an_add_makes_what_the_directory_makes() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    let mut attributes = group_attributes("g1", UNIVERSAL);
    attributes.push(("ADMINDESCRIPTION", vec!["Group_1".to_owned()]));
    attributes.push(("extensionName", vec!["one".to_owned(), "two".to_owned()]));
    attributes.push(("member", vec![person("alice"), person("bob")]));
    assert_eq!(add(&mut ldap, &group("g1"), attributes).await, done());
    let made = object(&mut ldap, &group("g1"), &["*"]).await;
    for (name, value) in [
        ("cn", "g1"),
        ("name", "g1"),
        ("sAMAccountType", "268435456"),
        ("instanceType", "4"),
        ("adminDescription", "Group_1"),
        ("groupType", "-2147483640"),
    ] {
        assert_eq!(made.get(name).unwrap(), &[value], "{name}");
    }
    assert_eq!(made.get("objectClass").unwrap(), &["top", "group"]);
    assert_eq!(made.get("member").map(Vec::len), Some(2));
    let entry = domain.dump().into_iter().find(|entry| entry.dn == group("g1")).unwrap();
    assert!(entry.sid.unwrap().starts_with(&format!("{}-11", domain.domain_sid())));
    assert_eq!(
        entry.attributes.get("objectGUID").unwrap(),
        &[Value::Binary(entry.guid.to_bytes_le().to_vec())]
    );
}

#[tokio::test]
async fn what_an_add_leaves_out_is_filled_in() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    let bare = vec![("objectClass", vec!["top".to_owned(), "group".to_owned()])];
    assert_eq!(add(&mut ldap, &group("bare"), bare).await, done());
    let made = object(&mut ldap, &group("bare"), &["groupType", "sAMAccountName"]).await;
    assert_eq!(made.get("groupType").unwrap(), &["-2147483646"]);
    let name = made.get("sAMAccountName").unwrap().first().unwrap();
    assert!(name.len() == 20 && name.starts_with('$') && name.chars().nth(7) == Some('-'));
}

#[tokio::test]
async fn wrong_adds_are_refused_by_kind() {
    let domain = domain().await;
    domain.edit(|tree| {
        tree.add_group("taken", OU, "taken", UNIVERSAL).unwrap();
        tree.add_group("local", OU, "local", LOCAL).unwrap();
    });
    let mut ldap = service(&domain).await;
    let with = |name: &str, values: &[&str]| {
        let mut attributes = group_attributes("new", UNIVERSAL);
        attributes.retain(|(one, _)| *one != name);
        let name: &'static str = name.to_owned().leak();
        attributes.push((name, values.iter().map(|value| (*value).to_owned()).collect()));
        attributes
    };
    let plain = || group_attributes("new", UNIVERSAL);
    let long = "x".repeat(65);
    let cases = vec![
        (group("TAKEN"), plain(), refused(68, "00002071")),
        (group("new"), with("sAMAccountName", &["TAKEN"]), refused(68, "00000526")),
        (group("new"), with("sAMAccountName", &["Local"]), refused(68, "00000563")),
        (group("new"), with("sAMAccountName", &["Alice"]), refused(68, "00000524")),
        (group("new"), with("sAMAccountName", &["a*b"]), refused(19, "00000523")),
        (group("new"), with("sAMAccountName", &["ends."]), refused(19, "00000523")),
        (group("new"), with("groupType", &["3"]), refused(53, "00002141")),
        (group("new"), with("groupType", &["x"]), refused(21, "00000057")),
        (group("new"), with("noSuchThing", &["x"]), refused(16, "00000057")),
        (group("new"), with("mailNickname", &["x"]), refused(16, "00000057")),
        (group("new"), with("displayName", &["a", "b"]), refused(19, "00002081")),
        (group("new"), with("displayName", &[&"x".repeat(257)]), refused(19, "00002082")),
        (group("new"), with("description", &["a", "b"]), refused(20, "00002081")),
        (group("new"), with("memberOf", &[&group("taken")]), refused(53, "0000209A")),
        (group("new"), with("member", &[&person("nobody")]), refused(32, "0000208D")),
        (group("new"), with("member", &[&group("local")]), refused(53, "00002146")),
        (group("new"), with("userPrincipalName", &["x"]), refused(65, "0000207D")),
        (group("new"), with("objectClass", &["nonsense"]), refused(65, "0000207D")),
        (format!("CN={long},{OU}"), plain(), refused(19, "00002082")),
        (format!("OU=new,{OU}"), plain(), refused(64, "00002099")),
        (format!("CN=new,OU=missing,{BASE}"), plain(), refused(32, "0000208D")),
        (format!("CN=new,{}", group("taken")), plain(), refused(64, "00002099")),
        (format!("CN=new+CN=two,{OU}"), plain(), refused(34, "0000208F")),
    ];
    let before = domain.dump();
    for (dn, attributes, expected) in cases {
        let text = format!("{dn} {attributes:?}");
        assert_eq!(add(&mut ldap, &dn, attributes).await, expected, "{text}");
    }
    assert_eq!(before, domain.dump());
    // An emoji takes two units of 64.
    let emoji = format!("CN={},{OU}", "😀".repeat(32));
    assert_eq!(add(&mut ldap, &emoji, plain()).await, done());
}

#[tokio::test]
async fn membership_answers_with_the_codes_of_windows() {
    let domain = domain().await;
    domain.edit(|tree| {
        tree.add_group("g", OU, "g", UNIVERSAL).unwrap();
        tree.add_member(&group("g"), &person("alice")).unwrap();
    });
    let mut ldap = service(&domain).await;
    let users = format!("CN=Domain Users,CN=Users,{BASE}");
    let (guid, sid) = domain.edit(|tree| {
        (tree.guid_of(&person("bob")).unwrap(), tree.sid_of(&person("carol")).unwrap())
    });
    let (by_guid, by_sid) = (format!("<GUID={guid}>"), format!("<SID={sid}>"));
    let alice = person("ALICE");
    let (bob, nobody) = (person("bob"), person("nobody"));
    let cases: Vec<Modification<'_>> = vec![
        (How::Add, "member", vec![&alice], refused(68, "00000562")),
        (How::Add, "member", vec![&bob, &alice], refused(68, "00000562")),
        (How::Add, "member", vec![&nobody], refused(32, "0000208D")),
        (How::Add, "member", vec!["nonsense"], refused(34, "0000208F")),
        (How::Delete, "member", vec![&bob], refused(53, "00000561")),
        (How::Delete, "member", vec![&nobody], refused(53, "00000561")),
        (How::Delete, "member", vec![&alice, &bob], refused(53, "00000561")),
        (How::Add, "memberOf", vec![&users], refused(53, "0000209A")),
        (How::Replace, "objectGUID", vec!["x"], refused(19, "0000209A")),
        (How::Replace, "cn", vec!["x"], refused(67, "00002016")),
        (How::Add, "member", vec![&by_guid, &by_sid], done()),
        (How::Delete, "member", vec![&by_guid], done()),
    ];
    for (how, name, values, expected) in cases {
        let result = modify(&mut ldap, &group("g"), how, name, &values).await;
        assert_eq!(result, expected, "{name} {values:?}");
    }
    let members = domain.edit(|tree| tree.members(&group("g")));
    assert_eq!(BTreeSet::from_iter(members), BTreeSet::from([person("alice"), person("carol")]));
    // The primary group: 68 for its account as a member, 68 for deleting it.
    let mut ldap = administrator(&domain).await;
    let result = modify(&mut ldap, &users, How::Add, "member", &[&alice]).await;
    assert_eq!(result, refused(68, "00000562"));
    domain.edit(|tree| tree.set(&users, "isCriticalSystemObject", &[])).unwrap();
    assert_eq!(codes(&ldap.delete(&users).await.unwrap()), refused(68, "00002149"));
}

#[tokio::test]
async fn a_modify_is_whole_or_nothing_and_in_order() {
    let domain = domain().await;
    domain.edit(|tree| tree.add_group("g", OU, "g", UNIVERSAL).unwrap());
    let mut ldap = service(&domain).await;
    let both = vec![
        modification(How::Replace, "displayName", &["x"]),
        modification(How::Delete, "member", &[&person("bob")]),
    ];
    let before = domain.dump();
    assert_eq!(codes(&ldap.modify(&group("g"), both).await.unwrap()), refused(53, "00000561"));
    assert_eq!(before, domain.dump());
    let swap = vec![
        modification(How::Add, "info", &["one"]),
        modification(How::Delete, "info", &["ONE"]),
        modification(How::Add, "info", &["two"]),
    ];
    assert_eq!(codes(&ldap.modify(&group("g"), swap).await.unwrap()), done());
    assert_eq!(domain.edit(|tree| tree.values(&group("g"), "info")), ["two"]);
}

#[tokio::test]
async fn ordinary_attributes_answer_with_their_codes() {
    let domain = domain().await;
    domain.edit(|tree| {
        tree.add_group("g", OU, "g", UNIVERSAL).unwrap();
        tree.set(&group("g"), "extensionName", &["one"]).unwrap();
        tree.set(&group("g"), "displayName", &["x"]).unwrap();
    });
    let mut ldap = service(&domain).await;
    for (how, name, values, expected) in [
        (How::Add, "extensionName", vec!["ONE"], refused(20, "0000200D")),
        (How::Delete, "extensionName", vec!["two"], refused(16, "0000200A")),
        (How::Delete, "info", vec![], refused(16, "0000200A")),
        (How::Add, "displayName", vec!["y"], refused(19, "00002081")),
        (How::Replace, "sAMAccountName", vec!["alice"], refused(68, "00000524")),
        (How::Replace, "sAMAccountName", vec![], refused(65, "0000207D")),
        (How::Replace, "noSuchThing", vec!["y"], refused(16, "00000057")),
        (How::Replace, "displayName", vec![""], refused(21, "00000057")),
        (How::Replace, "managedBy", vec!["CN=nobody,DC=corp,DC=example"], refused(50, "00002098")),
        (How::Add, "extensionName", vec!["two"], done()),
        (How::Delete, "extensionName", vec!["one"], done()),
        (How::Replace, "displayName", vec!["X"], done()),
        (How::Replace, "sAMAccountName", vec!["G"], done()),
        (How::Replace, "displayName", vec![], done()),
    ] {
        let result = modify(&mut ldap, &group("g"), how, name, &values).await;
        assert_eq!(result, expected, "{name} {values:?}");
    }
    domain.edit(|tree| {
        assert_eq!(tree.values(&group("g"), "extensionName"), ["two"]);
        assert_eq!(tree.values(&group("g"), "sAMAccountName"), ["G"]);
        assert!(tree.values(&group("g"), "displayName").is_empty());
    });
}

#[tokio::test]
async fn a_permissive_modify_forgives() {
    let domain = domain().await;
    domain.edit(|tree| {
        tree.add_group("g", OU, "g", UNIVERSAL).unwrap();
        tree.add_member(&group("g"), &person("alice")).unwrap();
    });
    let mut ldap = service(&domain).await;
    let changes = vec![
        modification(How::Add, "member", &[&person("alice"), &person("bob")]),
        modification(How::Delete, "member", &[&person("carol"), &person("nobody")]),
        modification(How::Delete, "info", &["absent"]),
    ];
    let result =
        ldap.with_controls(control(PERMISSIVE, None)).modify(&group("g"), changes).await.unwrap();
    assert_eq!(codes(&result), done());
    assert_eq!(domain.edit(|tree| tree.members(&group("g")).len()), 2);
}

#[tokio::test]
async fn five_thousand_values_are_the_ceiling() {
    let domain = domain().await;
    domain.edit(|tree| tree.add_group("g", OU, "g", UNIVERSAL).unwrap());
    let people: Vec<String> = domain.edit(|tree| {
        let make = |number| {
            let name = format!("u{number}");
            tree.add_user(&name, &format!("OU=People,{BASE}"), &name, None, None).unwrap()
        };
        (0..5_001).map(make).collect()
    });
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let mut ldap = service(&domain).await;
    let result = modify(&mut ldap, &group("g"), How::Add, "member", &people).await;
    assert_eq!(result, refused(1, "000021B1"));
    let (_, batch) = people.split_first().unwrap();
    assert_eq!(modify(&mut ldap, &group("g"), How::Add, "member", batch).await, done());
    assert_eq!(domain.edit(|tree| tree.members(&group("g")).len()), 5_000);
    assert_eq!(domain.counters().largest_batch, 5_001);
    assert_eq!(domain.counters().member_replacements, 0);
    let one = modify(&mut ldap, &group("g"), How::Replace, "MEMBER", &[&person("bob")]).await;
    assert_eq!((one, domain.counters().member_replacements), (done(), 1));
}

#[tokio::test]
async fn links_follow_renames_and_moves() {
    let domain = domain().await;
    domain.edit(|tree| {
        tree.add_ou("Inner", OU).unwrap();
        tree.add_group("child", OU, "child", UNIVERSAL).unwrap();
        tree.add_group("parent", OU, "parent", UNIVERSAL).unwrap();
        tree.add_group("other", OU, "other", UNIVERSAL).unwrap();
        tree.add_member(&group("parent"), &group("child")).unwrap();
    });
    let guid = domain.edit(|tree| tree.guid_of(&group("child")));
    let mut ldap = service(&domain).await;
    let inner = format!("OU=Inner,{OU}");
    let long = format!("CN={}", "x".repeat(65));
    let cases: Vec<Renaming<'_>> = vec![
        (group("child"), "CN=x", false, None, refused(53, "00000057")),
        (group("child"), "CN=other", true, None, refused(68, "00002071")),
        (group("child"), &long, true, None, refused(19, "00002082")),
        (group("child"), "OU=x", true, None, refused(64, "00002099")),
        (
            group("child"),
            "CN=x",
            true,
            Some("OU=gone,DC=corp,DC=example".into()),
            refused(80, "00002089"),
        ),
        (group("child"), "CN=x", true, Some(format!("OU=People,{BASE}")), refused(50, "00002098")),
        (group("missing"), "CN=x", true, None, refused(32, "0000208D")),
        (group("child"), "CN=CHILD", true, None, done()),
        (group("child"), r"CN=new\, name", true, Some(inner.clone()), done()),
    ];
    for (dn, name, delete_old, parent, expected) in cases {
        let result = ldap.modifydn(&dn, name, delete_old, parent.as_deref()).await.unwrap();
        assert_eq!(codes(&result), expected, "{dn} {name} {parent:?}");
    }
    let moved = format!(r"CN=new\, name,{inner}");
    domain.edit(|tree| {
        assert_eq!(tree.members(&group("parent")), std::slice::from_ref(&moved));
        assert_eq!(tree.guid_of(&moved), guid);
        assert_eq!(tree.values(&moved, "name"), ["new, name"]);
        assert!(!tree.exists(&group("child")));
    });
}

#[tokio::test]
async fn what_is_deleted_becomes_a_tombstone() {
    let domain = domain().await;
    let guid = domain.edit(|tree| {
        let child = tree.add_group("child", OU, "child", UNIVERSAL).unwrap();
        tree.add_group("parent", OU, "parent", UNIVERSAL).unwrap();
        tree.add_member(&group("parent"), &child).unwrap();
        tree.add_member(&child, &person("alice")).unwrap();
        tree.set(&child, "adminDescription", &["Group_1"]).unwrap();
        tree.set(&child, "msDS-ExternalDirectoryObjectId", &["Group_1"]).unwrap();
        tree.guid_of(&child).unwrap()
    });
    let mut ldap = service(&domain).await;
    assert_eq!(codes(&ldap.delete(&group("child")).await.unwrap()), done());
    assert_eq!(codes(&ldap.delete(&group("child")).await.unwrap()), refused(32, "0000208D"));
    assert!(domain.edit(|tree| tree.members(&group("parent"))).is_empty());
    // The name and the account name are free again.
    assert_eq!(add_group(&mut ldap, "child", UNIVERSAL).await, done());
    let filter = "(msDS-ExternalDirectoryObjectId=Group_1)";
    assert!(found(&mut ldap, filter).await.is_empty());
    for (account, expected) in [(service(&domain).await, 0), (administrator(&domain).await, 1)] {
        let mut ldap = account;
        let result = ldap
            .with_controls(control(SHOW_DELETED, None))
            .search(BASE, Scope::Subtree, filter, vec!["*"])
            .await
            .unwrap();
        assert_eq!(result.0.len(), expected);
        for entry in result.0.into_iter().map(SearchEntry::construct) {
            assert_eq!(entry.dn, format!(r"CN=child\0ADEL:{guid},CN=Deleted Objects,{BASE}"));
            assert_eq!(entry.attrs.get("isDeleted").unwrap(), &["TRUE"]);
            assert_eq!(entry.attrs.get("lastKnownParent").unwrap(), &[OU]);
            assert_eq!(entry.attrs.get("sAMAccountName").unwrap(), &["child"]);
            assert!(!entry.attrs.contains_key("adminDescription"));
            assert!(!entry.attrs.contains_key("member"));
        }
    }
}

#[tokio::test]
async fn only_leaves_and_ordinary_objects_can_be_deleted() {
    let domain = domain().await;
    domain.edit(|tree| {
        tree.add_group("g", OU, "g", UNIVERSAL).unwrap();
        tree.protect(&group("g")).unwrap();
    });
    let mut ldap = administrator(&domain).await;
    for (dn, expected) in [
        (OU.to_owned(), refused(66, "00002015")),
        (group("g"), refused(50, "00002098")),
        (format!("CN=Domain Admins,CN=Users,{BASE}"), refused(53, "000020CE")),
    ] {
        assert_eq!(codes(&ldap.delete(&dn).await.unwrap()), expected, "{dn}");
    }
}

//! Deleted objects: what is kept, who sees them, and how they come back.

use super::*;

const SHOW_RECYCLED: &str = "1.2.840.113556.1.4.2064";

/// A group with two members in a parent group, deleted; its GUID and SID.
async fn bereaved(options: DomainOptions) -> (Domain, Uuid, String) {
    let domain = domain_with(options).await;
    let (guid, sid) = domain.edit(|tree| {
        let child = tree.add_group("child", OU, "child", UNIVERSAL).unwrap();
        tree.add_group("parent", OU, "parent", UNIVERSAL).unwrap();
        tree.add_member(&group("parent"), &child).unwrap();
        tree.add_member(&child, &person("alice")).unwrap();
        tree.add_member(&child, &person("bob")).unwrap();
        for (name, value) in [
            ("adminDescription", "Group_1"),
            ("extensionName", "writeback/v1"),
            ("displayName", "Child"),
            ("msDS-ExternalDirectoryObjectId", "Group_1"),
            ("legacyExchangeDN", "/o=x"),
        ] {
            tree.set(&child, name, &[value]).unwrap();
        }
        (tree.guid_of(&child).unwrap(), tree.sid_of(&child).unwrap())
    });
    let mut ldap = service(&domain).await;
    assert_eq!(codes(&ldap.delete(&group("child")).await.unwrap()), done());
    (domain, guid, sid)
}

async fn plain() -> (Domain, Uuid, String) {
    bereaved(DomainOptions::default()).await
}

fn trusted(domain: &Domain, rights: &[DeletedRight]) {
    for right in rights {
        domain.grant_deleted(&domain.service_account().dn, *right).unwrap();
    }
}

async fn restore(ldap: &mut Ldap, target: &str, name: &str, others: Vec<Mod<String>>) -> Codes {
    let mut changes = vec![
        modification(How::Delete, "isDeleted", &[]),
        modification(How::Replace, "distinguishedName", &[name]),
    ];
    changes.extend(others);
    let shown = ldap.with_controls(control(SHOW_DELETED, None));
    codes(&shown.modify(target, changes).await.unwrap())
}

/// Entries and the result of a search that sees deleted objects.
async fn shown(
    ldap: &mut Ldap,
    oid: &str,
    base: &str,
    scope: Scope,
    filter: &str,
) -> (Vec<SearchEntry>, Codes) {
    let asked = ldap.with_controls(control(oid, None));
    let result = asked.search(base, scope, filter, vec!["*"]).await.unwrap();
    let entries = result.0.into_iter().map(SearchEntry::construct).collect();
    (entries, codes(&result.1))
}

#[tokio::test]
async fn a_tombstone_keeps_what_the_specification_lists() {
    let (domain, guid, sid) = plain().await;
    let entry = domain.dump().into_iter().find(|entry| entry.guid == guid).unwrap();
    assert_eq!(entry.sid, Some(sid));
    let expected = BTreeSet::from([
        "cn",
        "distinguishedName",
        "groupType",
        "instanceType",
        "isDeleted",
        "isRecycled",
        "lastKnownParent",
        "legacyExchangeDN",
        "msDS-ExternalDirectoryObjectId",
        "name",
        "objectClass",
        "objectGUID",
        "objectSid",
        "sAMAccountName",
        "uSNChanged",
        "uSNCreated",
        "whenChanged",
        "whenCreated",
    ]);
    assert_eq!(entry.attributes.keys().map(String::as_str).collect::<BTreeSet<_>>(), expected);
    domain.edit(|tree| {
        tree.disable(&person("alice")).unwrap();
        tree.remove(&person("alice")).unwrap();
    });
    let alice = domain.dump().into_iter().find(|entry| entry.dn.starts_with("CN=alice")).unwrap();
    assert_eq!(alice.text("userAccountControl"), Some("514"));
    assert_eq!((alice.text("primaryGroupID"), alice.text("userPrincipalName")), (None, None));
}

#[tokio::test]
async fn the_container_looks_empty_without_the_right_to_read_it() {
    let (domain, guid, _) = plain().await;
    let container = format!("CN=Deleted Objects,{BASE}");
    let well_known = format!("<WKGUID=18E2EA80684F11D2B9AA00C04F79F805,{BASE}>");
    let by_guid = format!("<GUID={guid}>");
    let mut ldap = service(&domain).await;
    for base in [&container, &well_known] {
        let found = shown(&mut ldap, SHOW_DELETED, base, Scope::Subtree, "(cn=*)").await;
        assert_eq!((found.0.len(), found.1), (0, done()), "{base}");
    }
    let (_, result) = shown(&mut ldap, SHOW_DELETED, &by_guid, Scope::Base, "(cn=*)").await;
    assert_eq!(result, refused(32, "0000208D"));
    trusted(&domain, &[DeletedRight::Read]);
    for filter in [
        "(isDeleted=TRUE)".to_owned(),
        "(msDS-ExternalDirectoryObjectId=group_1)".to_owned(),
        format!("(objectGUID={})", identity::escaped_octets("\\", &guid.to_bytes_le())),
        "(&(isDeleted=TRUE)(sAMAccountName=child)(objectClass=group))".to_owned(),
    ] {
        for base in [container.as_str(), BASE, &well_known] {
            let (entries, result) =
                shown(&mut ldap, SHOW_DELETED, base, Scope::Subtree, &filter).await;
            let mut names: Vec<String> = entries.into_iter().map(|entry| entry.dn).collect();
            names.retain(|name| *name != container);
            let name = format!(r"CN=child\0ADEL:{guid},{container}");
            assert_eq!((names, result), (vec![name], done()), "{base} {filter}");
        }
    }
    let (entries, _) = shown(&mut ldap, SHOW_DELETED, &by_guid, Scope::Base, "(cn=*)").await;
    let entry = entries.into_iter().next().unwrap();
    assert_eq!(entry.attrs.get("lastKnownParent").unwrap(), &[OU]);
    // Without the control nothing of it is there, whatever the rights.
    let (_, result) = search(&mut ldap, &by_guid, Scope::Base, "(cn=*)", &["cn"]).await;
    assert_eq!(result, refused(32, "0000208D"));
    domain.revoke_deleted();
    let found = shown(&mut ldap, SHOW_DELETED, &container, Scope::Subtree, "(cn=*)").await;
    assert_eq!((found.0.len(), found.1), (0, done()));
}

#[tokio::test]
async fn a_tombstone_is_restored_with_its_identity_in_one_modify() {
    let (domain, guid, sid) = plain().await;
    trusted(&domain, &[DeletedRight::Read, DeletedRight::Reanimate]);
    let mut ldap = service(&domain).await;
    let others = vec![
        modification(How::Replace, "adminDescription", &["Group_1"]),
        modification(How::Replace, "extensionName", &["writeback/v1"]),
        modification(How::Replace, "sAMAccountName", &["again"]),
        modification(How::Add, "member", &[&person("carol")]),
    ];
    let name = group("child again");
    assert_eq!(restore(&mut ldap, &format!("<GUID={guid}>"), &name, others).await, done());
    let again = object(&mut ldap, &name, &["*"]).await;
    for (attribute, value) in [
        ("adminDescription", "Group_1"),
        ("extensionName", "writeback/v1"),
        ("sAMAccountName", "again"),
        ("msDS-ExternalDirectoryObjectId", "Group_1"),
        ("groupType", "-2147483640"),
        ("sAMAccountType", "268435456"),
        ("adminCount", "0"),
        ("operatorCount", "0"),
        ("lastKnownParent", OU),
        ("cn", "child again"),
    ] {
        assert_eq!(again.get(attribute).unwrap(), &[value], "{attribute}");
    }
    assert!(again.contains_key("objectCategory"));
    for absent in ["isDeleted", "isRecycled", "displayName", "memberOf"] {
        assert!(!again.contains_key(absent), "{absent}");
    }
    assert_eq!(again.get("member").unwrap(), &[person("carol")]);
    domain.edit(|tree| {
        assert_eq!(tree.guid_of(&name), Some(guid));
        assert_eq!(tree.sid_of(&name), Some(sid));
    });
    let again = vec![
        modification(How::Delete, "isDeleted", &[]),
        modification(How::Replace, "distinguishedName", &[&group("x")]),
    ];
    assert_eq!(codes(&ldap.modify(&name, again).await.unwrap()), refused(53, "00002077"));
    // It is an ordinary object again: its delegated attributes can be written.
    assert_eq!(modify(&mut ldap, &name, How::Replace, "info", &["x"]).await, done());
}

#[tokio::test]
async fn an_undelete_is_refused_by_kind() {
    let (domain, guid, _) = plain().await;
    let target = format!("<GUID={guid}>");
    let mut ldap = service(&domain).await;
    let home = group("child");
    let no_right = refused(50, "00002098");
    assert_eq!(restore(&mut ldap, &target, &home, vec![]).await, refused(32, "0000208D"));
    trusted(&domain, &[DeletedRight::Read]);
    assert_eq!(restore(&mut ldap, &target, &home, vec![]).await, no_right);
    trusted(&domain, &[DeletedRight::Reanimate]);
    domain.edit(|tree| tree.add_group("taken", OU, "free", UNIVERSAL).unwrap());
    let long = format!("CN={},{OU}", "x".repeat(65));
    let before = domain.dump();
    for (name, others, expected) in [
        (group("TAKEN"), vec![], refused(68, "00002071")),
        (format!("CN=child,OU=gone,{BASE}"), vec![], refused(80, "00002089")),
        (format!("CN=child,OU=People,{BASE}"), vec![], no_right.clone()),
        (format!("CN=child,CN=Configuration,{BASE}"), vec![], refused(1, "00002077")),
        (format!("OU=child,{OU}"), vec![], refused(64, "00002099")),
        ("nonsense".to_owned(), vec![], refused(34, "0000208F")),
        (long, vec![], refused(19, "00002082")),
        (home.clone(), vec![modification(How::Replace, "wWWHomePage", &["x"])], no_right.clone()),
        (
            home.clone(),
            vec![modification(How::Replace, "sAMAccountName", &["free"])],
            refused(68, "00000526"),
        ),
        (
            home.clone(),
            vec![modification(How::Add, "member", &[&person("nobody")])],
            refused(32, "0000208D"),
        ),
    ] {
        let text = format!("{name} {others:?}");
        assert_eq!(restore(&mut ldap, &target, &name, others).await, expected, "{text}");
    }
    assert_eq!(domain.dump(), before);
    // Somebody has the account name meanwhile.
    domain
        .edit(|tree| tree.add_user("child", &format!("OU=People,{BASE}"), "child", None, None))
        .unwrap();
    assert_eq!(restore(&mut ldap, &target, &home, vec![]).await, refused(68, "00000524"));
    // Other writes of a deleted object.
    let shown = |ldap: &mut Ldap| {
        ldap.with_controls(control(SHOW_DELETED, None));
    };
    shown(&mut ldap);
    let result = modify(&mut ldap, &target, How::Replace, "info", &["x"]).await;
    assert_eq!(result, refused(53, "00002077"));
    let tombstone = domain.edit(|tree| tree.deleted_dn_of(guid)).unwrap();
    shown(&mut ldap);
    let moved = ldap.modifydn(&tombstone, "CN=child", true, Some(OU)).await.unwrap();
    assert_eq!(codes(&moved), refused(53, "00002077"));
    assert_eq!(codes(&ldap.delete(&tombstone).await.unwrap()), refused(32, "0000208D"));
    domain.edit(|tree| tree.purge(guid)).unwrap();
    assert_eq!(restore(&mut ldap, &target, &home, vec![]).await, refused(32, "0000208D"));
}

#[tokio::test]
async fn a_restored_user_is_in_its_default_primary_group() {
    let domain = domain().await;
    let guid = domain.edit(|tree| {
        let guid = tree.guid_of(&person("alice")).unwrap();
        tree.remove(&person("alice")).unwrap();
        tree.restore(guid, &person("alice")).unwrap();
        guid
    });
    domain.edit(|tree| {
        assert_eq!(tree.guid_of(&person("alice")), Some(guid));
        assert_eq!(tree.values(&person("alice"), "primaryGroupID"), ["513"]);
        assert_eq!(tree.values(&person("alice"), "sAMAccountName"), ["alice"]);
        assert!(tree.restore(guid, &person("alice")).is_err());
    });
}

#[tokio::test]
async fn the_recycle_bin_keeps_attributes_and_links() {
    let options = DomainOptions { recycle_bin: true, ..DomainOptions::default() };
    let (domain, guid, _) = bereaved(options).await;
    let entry = domain.dump().into_iter().find(|entry| entry.guid == guid).unwrap();
    assert_eq!(entry.text("adminDescription"), Some("Group_1"));
    assert_eq!(entry.text("msDS-LastKnownRDN"), Some("child"));
    assert!(!entry.attributes.contains_key("isRecycled"));
    // Links from and to deleted objects are not shown.
    assert!(!entry.attributes.contains_key("member"));
    assert!(domain.edit(|tree| tree.members(&group("parent"))).is_empty());
    domain.edit(|tree| tree.remove(&person("bob"))).unwrap();
    trusted(&domain, &[DeletedRight::Read, DeletedRight::Reanimate]);
    let mut ldap = service(&domain).await;
    let target = format!("<GUID={guid}>");
    assert_eq!(restore(&mut ldap, &target, &group("child"), vec![]).await, done());
    domain.edit(|tree| {
        assert_eq!(tree.members(&group("parent")), [group("child")]);
        assert_eq!(tree.members(&group("child")), [person("alice")]);
        assert_eq!(tree.values(&group("child"), "extensionName"), ["writeback/v1"]);
        assert!(tree.values(&group("child"), "adminCount").is_empty());
        let bob = tree.dump().into_iter().find(|one| one.dn.starts_with("CN=bob")).unwrap();
        tree.restore(bob.guid, &person("bob")).unwrap();
        assert_eq!(tree.members(&group("child")).len(), 2);
    });
}

#[tokio::test]
async fn tombstones_are_lost_when_the_recycle_bin_is_turned_on() {
    let (domain, guid, _) = plain().await;
    domain.enable_recycle_bin();
    let mut ldap = administrator(&domain).await;
    let target = format!("<GUID={guid}>");
    let (_, result) = shown(&mut ldap, SHOW_DELETED, &target, Scope::Base, "(cn=*)").await;
    assert_eq!(result, refused(32, "0000208D"));
    let (entries, _) = shown(&mut ldap, SHOW_RECYCLED, &target, Scope::Base, "(cn=*)").await;
    assert_eq!(entries.len(), 1);
    let result = restore(&mut ldap, &target, &group("child"), vec![]).await;
    assert_eq!(result, refused(32, "0000208D"));
}

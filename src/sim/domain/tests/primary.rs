//! Primary groups.

use super::*;

/// alice's primary group is `staff`, a universal security group of the delegated unit.
async fn staffed() -> Domain {
    let domain = domain().await;
    domain.edit(|tree| {
        tree.add_group("staff", OU, "staff", UNIVERSAL).unwrap();
        tree.add_member(&group("staff"), &person("alice")).unwrap();
        tree.add_member(&group("staff"), &person("bob")).unwrap();
        tree.set_primary_group(&person("alice"), &group("staff")).unwrap();
    });
    domain
}

#[tokio::test]
async fn a_primary_member_is_not_in_the_member_attribute() {
    let domain = staffed().await;
    let users = format!("CN=Domain Users,CN=Users,{BASE}");
    domain.edit(|tree| {
        assert_eq!(tree.members(&group("staff")), [person("bob")]);
        // The primary group of before holds the account openly now.
        assert_eq!(tree.members(&users), [person("alice")]);
        assert_eq!(tree.values(&person("alice"), "memberOf"), std::slice::from_ref(&users));
    });
    let mut ldap = service(&domain).await;
    let staff = group("staff");
    for (how, expected) in
        [(How::Add, refused(68, "00000562")), (How::Delete, refused(53, "00000561"))]
    {
        let result = modify(&mut ldap, &staff, how, "member", &[&person("alice")]).await;
        assert_eq!(result, expected);
    }
    let token = object(&mut ldap, &staff, &["primaryGroupToken"]).await;
    let primary = object(&mut ldap, &person("alice"), &["primaryGroupID"]).await;
    assert_eq!(token.get("primaryGroupToken"), primary.get("primaryGroupID"));
}

#[tokio::test]
async fn a_primary_group_is_neither_converted_nor_deleted() {
    let domain = staffed().await;
    let mut ldap = service(&domain).await;
    let staff = group("staff");
    let convert = modify(&mut ldap, &staff, How::Replace, "groupType", &["8"]).await;
    assert_eq!(convert, refused(53, "00002149"));
    assert_eq!(codes(&ldap.delete(&staff).await.unwrap()), refused(68, "00002149"));
    domain.edit(|tree| {
        let users = format!("CN=Domain Users,CN=Users,{BASE}");
        tree.set_primary_group(&person("alice"), &users).unwrap();
        assert_eq!(tree.members(&staff).len(), 2);
    });
    let sid = domain.edit(|tree| tree.sid_of(&staff));
    for kind in ["8", "-2147483640"] {
        let result = modify(&mut ldap, &staff, How::Replace, "groupType", &[kind]).await;
        assert_eq!(result, done(), "{kind}");
    }
    assert_eq!(domain.edit(|tree| tree.sid_of(&staff)), sid);
    assert_eq!(codes(&ldap.delete(&staff).await.unwrap()), done());
}

#[tokio::test]
async fn only_a_group_that_holds_the_account_becomes_its_primary_group() {
    let domain = staffed().await;
    let rid = |domain: &Domain, name: &str| {
        let sid = domain.edit(|tree| tree.sid_of(&group(name))).unwrap();
        sid.rsplit('-').next().unwrap().to_owned()
    };
    domain.edit(|tree| {
        for (name, kind) in [("mail", DISTRIBUTION), ("local", LOCAL), ("global", GLOBAL)] {
            tree.add_group(name, OU, name, kind).unwrap();
            tree.add_member(&group(name), &person("bob")).unwrap();
        }
        tree.add_group("other", OU, "other", GLOBAL).unwrap();
    });
    let mut ldap = administrator(&domain).await;
    let refusal = refused(53, "0000213A");
    for (name, expected) in [
        ("mail", refusal.clone()),
        ("local", refusal.clone()),
        ("other", refusal),
        ("global", done()),
    ] {
        let rid = rid(&domain, name);
        let bob = person("bob");
        let result = modify(&mut ldap, &bob, How::Replace, "primaryGroupID", &[&rid]).await;
        assert_eq!(result, expected, "{name}");
    }
    assert!(domain.edit(|tree| tree.members(&group("global"))).is_empty());
}

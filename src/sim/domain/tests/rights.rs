//! Binds and what each account may do.

use super::*;

#[tokio::test]
async fn every_form_of_a_name_binds() {
    let domain = domain().await;
    let account = domain.service_account().clone();
    for name in [&account.dn, &account.account_name, &account.principal_name] {
        let mut ldap = connect(&domain).await;
        let result = ldap.simple_bind(name, &account.password).await.unwrap();
        assert_eq!(codes(&result), done(), "{name}");
        let (exop, result) = ldap.extended(ldap3::exop::WhoAmI).await.unwrap().success().unwrap();
        assert_eq!(result.rc, 0);
        let text = String::from_utf8(exop.val.unwrap()).unwrap();
        assert_eq!(text, r"u:CORP\svc-writeback");
    }
}

#[tokio::test]
async fn wrong_credentials_are_refused_by_kind() {
    let domain = domain().await;
    let mut ldap = connect(&domain).await;
    let account = domain.service_account().clone();
    let other = r"OTHER\svc-writeback".to_owned();
    for name in [&account.account_name, &account.dn, &other] {
        let result = ldap.simple_bind(name, "wrong").await.unwrap();
        assert_eq!(result.rc, 49);
        let text = "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, \
                    data 52e, v4563";
        assert!(result.text.starts_with(text), "{}", result.text);
    }
    let result = ldap.simple_bind(&other, &account.password).await.unwrap();
    assert_eq!(result.rc, 49);
    // A name without a password is a bind that succeeds and proves nothing.
    assert_eq!(ldap.simple_bind(&account.dn, "").await.unwrap().rc, 0);
    let (_, result) = search(&mut ldap, BASE, Scope::Base, "(cn=*)", &["cn"]).await;
    assert_eq!(result.0, 1);
    domain.edit(|tree| tree.disable(&account.dn)).unwrap();
    let result = ldap.simple_bind(&account.dn, &account.password).await.unwrap();
    assert!(result.rc == 49 && result.text.contains("data 533"), "{}", result.text);
}

#[tokio::test]
async fn the_delegation_ends_at_the_unit() {
    let domain = domain().await;
    let outside = format!("CN=outside,CN=Users,{BASE}");
    domain.edit(|tree| {
        tree.add_group("inside", OU, "inside", UNIVERSAL).unwrap();
        tree.add_group("high", OU, "high", UNIVERSAL).unwrap();
        tree.set(&group("high"), "adminCount", &["1"]).unwrap();
        tree.add_group("outside", &format!("CN=Users,{BASE}"), "outside", UNIVERSAL).unwrap();
    });
    let mut ldap = service(&domain).await;
    let no_right = refused(50, "00002098");
    let admins = format!("CN=Domain Admins,CN=Users,{BASE}");
    for (dn, name, expected) in [
        (group("inside"), "displayName", done()),
        (group("inside"), "extensionName", done()),
        (group("inside"), "msDS-ExternalDirectoryObjectId", done()),
        (group("inside"), "wWWHomePage", no_right.clone()),
        (group("inside"), "adminCount", no_right.clone()),
        (group("high"), "displayName", no_right.clone()),
        (outside.clone(), "displayName", no_right.clone()),
        (admins.clone(), "displayName", no_right.clone()),
        (person("alice"), "displayName", no_right.clone()),
        (OU.to_owned(), "description", no_right.clone()),
    ] {
        let result = modify(&mut ldap, &dn, How::Replace, name, &["1"]).await;
        assert_eq!(result, expected, "{dn} {name}");
    }
    let member = modify(&mut ldap, &admins, How::Add, "member", &[&person("alice")]).await;
    assert_eq!(member, no_right);
    let user = vec![("objectClass", vec!["user".to_owned()])];
    assert_eq!(add(&mut ldap, &group("user"), user).await, no_right);
    let there = format!("CN=new,CN=Users,{BASE}");
    assert_eq!(add(&mut ldap, &there, group_attributes("n", UNIVERSAL)).await, no_right);
    assert_eq!(codes(&ldap.delete(&outside).await.unwrap()), no_right);
    let users = format!("CN=Users,{BASE}");
    let away = ldap.modifydn(&group("inside"), "CN=inside", true, Some(&users)).await.unwrap();
    assert_eq!(codes(&away), no_right);
    let rename = ldap.modifydn(&group("high"), "CN=low", true, None).await.unwrap();
    assert_eq!(codes(&rename), no_right);
    domain.revoke();
    assert_eq!(add_group(&mut ldap, "late", UNIVERSAL).await, no_right);
}

#[tokio::test]
async fn effective_rights_can_be_read() {
    let domain = domain().await;
    domain.edit(|tree| tree.add_group("g", OU, "g", UNIVERSAL).unwrap());
    let wanted = &["allowedChildClassesEffective", "allowedAttributesEffective"];
    let mut ldap = service(&domain).await;
    let unit = object(&mut ldap, OU, wanted).await;
    assert_eq!(unit.get("allowedChildClassesEffective").unwrap(), &["group"]);
    assert!(!unit.contains_key("allowedAttributesEffective"));
    let rights = object(&mut ldap, &group("g"), wanted).await;
    let names = rights.get("allowedAttributesEffective").unwrap();
    // mailNickname is not in this schema.
    assert_eq!(names.len(), access::DELEGATED.len() - 1);
    assert!(object(&mut ldap, &format!("CN=Users,{BASE}"), wanted).await.is_empty());
    let mut ldap = administrator(&domain).await;
    let unit = object(&mut ldap, OU, wanted).await;
    assert!(unit.get("allowedChildClassesEffective").unwrap().contains(&"user".to_owned()));
}

#[tokio::test]
async fn hidden_objects_are_not_there_but_keep_their_names() {
    let domain = domain().await;
    domain.edit(|tree| tree.add_group("g", OU, "g", UNIVERSAL).unwrap());
    domain.hide(&group("g")).unwrap();
    let mut ldap = service(&domain).await;
    assert!(found(&mut ldap, "(cn=g)").await.is_empty());
    let (_, result) = search(&mut ldap, &group("g"), Scope::Base, "(cn=*)", &["cn"]).await;
    assert_eq!(result, refused(32, "0000208D"));
    let result = modify(&mut ldap, &group("g"), How::Replace, "info", &["x"]).await;
    assert_eq!(result, refused(32, "0000208D"));
    assert_eq!(add_group(&mut ldap, "g", UNIVERSAL).await, refused(68, "00002071"));
    domain.unhide();
    assert_eq!(found(&mut ldap, "(cn=g)").await.len(), 1);
}

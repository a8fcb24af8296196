//! Nesting and conversion of groups.

use super::*;

async fn scopes() -> Domain {
    let domain = domain().await;
    domain.edit(|tree| {
        for (name, kind) in
            [("universal", UNIVERSAL), ("global", GLOBAL), ("local", LOCAL), ("mail", DISTRIBUTION)]
        {
            tree.add_group(name, OU, name, kind).unwrap();
            tree.add_group(&format!("{name} 2"), OU, &format!("{name} 2"), kind).unwrap();
        }
    });
    domain
}

#[tokio::test]
async fn nesting_follows_the_table_of_scopes() {
    let domain = scopes().await;
    let mut ldap = service(&domain).await;
    for (parent, child, expected) in [
        ("universal", "universal 2", done()),
        ("universal", "global 2", done()),
        ("universal", "mail 2", done()),
        ("universal", "local 2", refused(53, "00002146")),
        ("mail", "local 2", refused(53, "00002146")),
        ("global", "global 2", done()),
        ("global", "universal 2", refused(53, "00002145")),
        ("global", "local 2", refused(53, "00002144")),
        ("local", "universal 2", done()),
        ("local", "global 2", done()),
        ("local", "local 2", done()),
    ] {
        let result = modify(&mut ldap, &group(parent), How::Add, "member", &[&group(child)]).await;
        assert_eq!(result, expected, "{child} in {parent}");
    }
}

#[tokio::test]
async fn conversions_keep_the_table_of_scopes() {
    let domain = scopes().await;
    let mut ldap = service(&domain).await;
    let nested = [("universal", "universal 2"), ("local", "local 2"), ("global", "global 2")];
    domain.edit(|tree| {
        for (parent, child) in nested {
            tree.add_member(&group(parent), &group(child)).unwrap();
        }
    });
    for (name, kind, expected) in [
        ("universal", GLOBAL, refused(53, "00002182")),
        ("universal 2", LOCAL, refused(53, "00002146")),
        ("local", UNIVERSAL, refused(53, "00002146")),
        ("local", GLOBAL, refused(53, "00002141")),
        ("global", LOCAL, refused(53, "00002141")),
        ("global 2", UNIVERSAL, refused(53, "00002145")),
        ("universal", DISTRIBUTION, done()),
        ("universal", UNIVERSAL, done()),
        ("universal", LOCAL, done()),
        ("global", UNIVERSAL, done()),
        ("universal", 5, refused(53, "00002141")),
    ] {
        let kind_text = kind.to_string();
        let result =
            modify(&mut ldap, &group(name), How::Replace, "groupType", &[&kind_text]).await;
        assert_eq!(result, expected, "{name} to {kind}");
    }
    let kept = object(&mut ldap, &group("universal"), &["member", "sAMAccountType"]).await;
    assert_eq!(kept.get("member").map(Vec::len), Some(1));
    assert_eq!(kept.get("sAMAccountType").unwrap(), &["536870912"]);
}

#[tokio::test]
async fn a_primary_group_stays_a_security_group() {
    let domain = scopes().await;
    domain.edit(|tree| {
        let sid = tree.sid_of(&group("global")).unwrap();
        let rid = sid.rsplit('-').next().unwrap().to_owned();
        tree.add_member(&group("global"), &person("alice")).unwrap();
        tree.set(&person("alice"), "primaryGroupID", &[&rid]).unwrap();
    });
    let mut ldap = service(&domain).await;
    let result = modify(&mut ldap, &group("global"), How::Replace, "groupType", &["2"]).await;
    assert_eq!(result, refused(53, "00002149"));
}

#[tokio::test]
async fn a_foreign_sid_becomes_a_principal_in_local_groups_only() {
    let domain = scopes().await;
    let mut ldap = service(&domain).await;
    let foreign = "<SID=S-1-5-21-1-2-3-1104>";
    let result = modify(&mut ldap, &group("universal"), How::Add, "member", &[foreign]).await;
    assert_eq!(result, refused(32, "0000208D"));
    let result = modify(&mut ldap, &group("local"), How::Add, "member", &[foreign]).await;
    assert_eq!(result, done());
    let name = format!("CN=S-1-5-21-1-2-3-1104,CN=ForeignSecurityPrincipals,{BASE}");
    assert_eq!(domain.edit(|tree| tree.members(&group("local"))), std::slice::from_ref(&name));
    let result = modify(&mut ldap, &group("universal"), How::Add, "member", &[&name]).await;
    assert_eq!(result, refused(53, "00002147"));
}

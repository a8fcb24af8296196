//! Names over the wire: escaping, letter case, references.

use super::*;

/// Names that break careless code; each is a group of its own.
const HOSTILE: [&str; 13] = [
    "a, b",
    "a+b",
    "say \"hello\"",
    r"back\slash",
    "#hash",
    " lead",
    "trail ",
    "(parentheses)",
    "as*terisk",
    "less<more>",
    "semi;colon=equals",
    "emoji 😀",
    "right\u{200f}to left",
];

#[tokio::test]
async fn hostile_names_make_the_round_trip() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    for (number, name) in HOSTILE.iter().enumerate() {
        let dn = format!("CN={},{OU}", ldap3::dn_escape(*name));
        let attributes = group_attributes(&format!("hostile-{number}"), UNIVERSAL);
        assert_eq!(add(&mut ldap, &dn, attributes).await, done(), "{name}");
        let filter = format!("(cn={})", ldap3::ldap_escape(*name));
        let (entries, result) =
            search(&mut ldap, OU, Scope::OneLevel, &filter, &["cn", "name"]).await;
        assert_eq!(result, done());
        assert_eq!(entries.len(), 1, "{name}");
        let entry = entries.first().unwrap();
        assert_eq!(entry.attrs.get("cn").unwrap(), &[*name]);
        // The name that the server prints leads to the object again.
        let again = object(&mut ldap, &entry.dn, &["name"]).await;
        assert_eq!(again.get("name").unwrap(), &[*name]);
    }
    assert_eq!(found(&mut ldap, "(sAMAccountName=hostile-*)").await.len(), HOSTILE.len());
}

#[tokio::test]
async fn names_differ_by_more_than_case_and_accents() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    assert_eq!(add_group(&mut ldap, "Müller", UNIVERSAL).await, done());
    for same in ["müller", "MULLER", "Mu\u{308}ller"] {
        let attributes = group_attributes("free", UNIVERSAL);
        let result = add(&mut ldap, &group(same), attributes).await;
        assert_eq!(result, refused(68, "00002071"), "{same}");
        let result = add(&mut ldap, &group("free"), group_attributes(same, UNIVERSAL)).await;
        assert_eq!(result, refused(68, "00000526"), "{same}");
    }
    let upper = format!("cn=MÜLLER,ou=cloud groups,{}", BASE.to_lowercase());
    let values = object(&mut ldap, &upper, &["CN"]).await;
    assert_eq!(values.get("cn").unwrap(), &["Müller"]);
}

#[tokio::test]
async fn guid_and_sid_are_names_too() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    let (guid, sid) = domain.edit(|tree| {
        (tree.guid_of(&person("alice")).unwrap(), tree.sid_of(&person("alice")).unwrap())
    });
    let raw = identity::hexadecimal(&guid.to_bytes_le());
    for base in [format!("<GUID={guid}>"), format!("<GUID={raw}>"), format!("<SID={sid}>")] {
        let values = object(&mut ldap, &base, &["distinguishedName"]).await;
        assert_eq!(values.get("distinguishedName").unwrap(), &[person("alice")], "{base}");
    }
    let unknown = "<GUID=00000000-0000-0000-0000-000000000001>";
    let (_, result) = search(&mut ldap, unknown, Scope::Base, "(objectClass=*)", &["cn"]).await;
    assert_eq!(result, refused(32, "0000208D"));
}

#[tokio::test]
async fn wrong_names_are_refused_by_kind() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    for (base, expected) in [
        ("nonsense", refused(34, "0000208F")),
        ("CN=nobody,DC=corp,DC=example", refused(32, "0000208D")),
        ("DC=other,DC=example", refused(10, "0000202B")),
    ] {
        let (_, result) = search(&mut ldap, base, Scope::Base, "(objectClass=*)", &["cn"]).await;
        assert_eq!(result, expected, "{base}");
    }
}

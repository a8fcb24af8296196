//! The domain client against Samba: deleted groups, their return, and what a pass reads beyond
//! names and members.
//!
//! Comes from: the small lab that `tests/run` starts (WRITEBACK_LAB_SMALL).

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use writeback::directory::{Directory, DirectoryOptions, LdapRequest, TimeLimits};
use writeback::model::directory::DirectPresence;
use writeback::model::{AttributeChange, Containers, Dn, Effect, ObjectGuid};

use super::lab::Lab;
use super::{
    RECORD, UNIVERSAL, apply, change, disable, id, observe, observe_with, read_secret, record_of,
    update, words,
};

/// Lets the service account see and restore deleted objects.
fn trust(lab: &Lab) {
    let tool = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab");
    let done = Command::new(tool).arg("undelete").arg(lab.setting("LAB_DIR")).status().unwrap();
    assert!(done.success());
}

pub(super) async fn open(lab: &Lab, container: &str) -> (Directory, Containers) {
    let options = DirectoryOptions {
        url: lab.setting("LAB_URL").to_owned(),
        bind_name: lab.setting("LAB_BIND_NAME").to_owned(),
        password_file: lab.setting("LAB_BIND_PASSWORD_FILE").into(),
        read_secret,
        ca_file: Some(lab.setting("LAB_CA").into()),
        limits: TimeLimits::default(),
    };
    let containers = Containers::new(vec![Dn::parse(container).unwrap()]);
    let observer = Arc::new(|_: LdapRequest| {});
    (Directory::connect(options, containers.clone(), observer).await.unwrap(), containers)
}

#[tokio::test]
async fn samba_shows_and_restores_what_it_deleted() {
    let lab = Lab::prepared();
    trust(&lab);
    let (container, _) = lab.empty_ous("directory-edge");
    let more = [("extensionName", RECORD), ("adminDescription", &id(1).anchor())];
    let dn = lab.add_group(&container, "a", "directory-edge-a", UNIVERSAL, &more);
    let before = lab.search(&dn, "base", "(objectClass=*)", &["*"]).remove(0);
    let guid = ObjectGuid(before.guid());
    lab.change("modify", &format!("dn: {dn}\nchangetype: delete\n"));
    let (directory, containers) = open(&lab, &container).await;
    let snapshot = observe_with(&directory, &[guid], &[]).await;
    assert_eq!(snapshot.direct.get(&guid), Some(&DirectPresence::Deleted));
    let deleted = snapshot.deleted.get(&guid).unwrap();
    assert_eq!(deleted.sam_account_name.as_deref(), Some("directory-edge-a"));
    assert_eq!(deleted.group_type, Some(UNIVERSAL));
    assert_eq!(deleted.records, [], "a tombstone of Samba keeps no record");

    let own = |name: &'static str, before: Option<&str>, value: &str| AttributeChange {
        name: name.into(),
        before: before.map(str::to_owned),
        after: Some(value.to_owned()),
    };
    let sam = "directory-edge-a";
    let attributes = vec![
        own("adminDescription", None, &id(1).anchor()),
        own("extensionName", None, RECORD),
        own("sAMAccountName", Some(sam), sam),
    ];
    let files = tempfile::tempdir().unwrap();
    let target = containers.admit(guid, Dn::parse(&container).unwrap().child("b")).unwrap();
    let restoration = change(1, target, Effect::Restore { attributes });
    let thief = lab.add_group(&container, "b", "directory-edge-b", UNIVERSAL, &[]);
    let refused = apply(&directory, &containers, files.path(), vec![restoration.clone()]).await;
    assert_eq!(words(&refused), ["refused"], "{refused:?}");
    lab.change("modify", &format!("dn: {thief}\nchangetype: delete\n"));
    let thief = lab.add_group(&container, "c", sam, UNIVERSAL, &[]);
    let refused = apply(&directory, &containers, files.path(), vec![restoration.clone()]).await;
    assert_eq!(words(&refused), ["refused"], "{refused:?}");
    lab.change("modify", &format!("dn: {thief}\nchangetype: delete\n"));
    let results = apply(&directory, &containers, files.path(), vec![restoration.clone()]).await;
    assert_eq!(words(&results), ["done"], "{results:?}");
    let again = apply(&directory, &containers, files.path(), vec![restoration]).await;
    assert_eq!(words(&again), ["already_so"], "{again:?}");
    let after = lab.search(&format!("CN=b,{container}"), "base", "(objectClass=*)", &["*"]);
    let after = after.first().unwrap();
    assert_eq!((after.guid(), after.sid()), (before.guid(), before.sid()));
    assert_eq!(after.text("extensionName").as_deref(), Some(RECORD));
}

#[tokio::test]
async fn samba_tells_attributes_parents_and_what_cannot_be_written() {
    let lab = Lab::prepared();
    let (container, _) = lab.empty_ous("directory-beyond");
    let more = [("extensionName", RECORD), ("info", "a note"), ("mail", "a@edge.example")];
    let dn = lab.add_group(&container, "a", "directory-beyond-a", UNIVERSAL, &more);
    lab.add_value(&dn, "proxyAddresses", "SMTP:A2@edge.example");
    let parent = lab.add_group(&container, "p", "directory-beyond-p", UNIVERSAL, &[]);
    lab.add_value(&parent, "member", &dn);
    let (directory, _) = open(&lab, &container).await;
    let names = ["info", "nonsense", "memberOf", "legacyExchangeDN", "givenName", "description"];
    let snapshot = observe_with(&directory, &[], &names).await;
    let guid = ObjectGuid(lab.search(&dn, "base", "(objectClass=*)", &["*"]).remove(0).guid());
    let group = snapshot.groups.value().get(&guid).unwrap();
    assert_eq!(group.values("info"), ["a note"]);
    assert_eq!(group.parents.iter().map(ToString::to_string).collect::<Vec<_>>(), [parent]);
    let unsuitable: Vec<&str> = snapshot.unsuitable.keys().map(|name| &**name).collect();
    // In the schema, description takes several values.
    assert_eq!(
        unsuitable,
        ["description", "givenName", "legacyExchangeDN", "memberOf", "nonsense"],
        "{:?}",
        snapshot.unsuitable
    );
    let schema = format!("CN=Schema,CN=Configuration,{}", lab.setting("LAB_BASE_DN"));
    let prepared =
        !lab.search(&schema, "sub", "(lDAPDisplayName=mailNickname)", &["cn"]).is_empty();
    assert_eq!(directory.facts().exchange_prepared, prepared);
    let snapshot = observe(&directory).await.unwrap();
    let holders = |address: &str| snapshot.addresses.get(address).cloned().unwrap_or_default();
    let wanted: BTreeSet<ObjectGuid> = prepared.then_some(guid).into_iter().collect();
    assert_eq!((holders("a@edge.example"), holders("a2@edge.example")), (wanted.clone(), wanted));
}

#[tokio::test]
async fn samba_takes_the_longest_value_that_its_schema_tells_and_none_longer() {
    let lab = Lab::prepared();
    let (container, _) = lab.empty_ous("directory-limits");
    let record = record_of(1);
    let more = [("extensionName", record.as_str())];
    let dn = lab.add_group(&container, "a", "directory-limits-a", UNIVERSAL, &more);
    let (directory, containers) = open(&lab, &container).await;
    let snapshot = observe_with(&directory, &[], &["info", "telephoneNumber", "nonsense"]).await;
    let limits: Vec<_> = snapshot.limits.iter().map(|(name, max)| (&**name, *max)).collect();
    assert_eq!(limits, [("info", 1_024), ("telephoneNumber", 64)]);
    let guid = ObjectGuid(lab.search(&dn, "base", "(objectClass=*)", &["*"]).remove(0).guid());
    // A face takes two units.
    for (faces, told) in [(513, "does not fit"), (512, "Done")] {
        let files = tempfile::tempdir().unwrap();
        let target = containers.admit(guid, Dn::parse(&dn).unwrap()).unwrap();
        let value = "\u{1F600}".repeat(faces);
        let effect = update("info", None, Some(&value));
        let changes = vec![change(1, target, effect)];
        let results = apply(&directory, &containers, files.path(), changes).await;
        assert!(format!("{results:?}").contains(told), "{results:?}");
    }
}

#[tokio::test]
async fn samba_takes_several_values_of_an_attribute_in_one_modify() {
    let lab = Lab::prepared();
    let (container, _) = lab.empty_ous("directory-values");
    let more = [("extensionName", RECORD), ("mail", "a@corp.example")];
    let dn = lab.add_group(&container, "a", "directory-values-a", UNIVERSAL, &more);
    for address in ["SMTP:a@corp.example", "smtp:b@corp.example", "x500:1"] {
        lab.add_value(&dn, "proxyAddresses", address);
    }
    let (directory, containers) = open(&lab, &container).await;
    let guid = ObjectGuid(lab.search(&dn, "base", "(objectClass=*)", &["*"]).remove(0).guid());
    let target = containers.admit(guid, Dn::parse(&dn).unwrap()).unwrap();
    let files = tempfile::tempdir().unwrap();
    let changes = vec![change(1, target, disable(RECORD))];
    let results = apply(&directory, &containers, files.path(), changes).await;
    assert_eq!(words(&results), ["done"], "{results:?}");
    let texts = lab.search(&dn, "base", "(objectClass=*)", &["*"]).remove(0).texts();
    let mut addresses = texts.get("proxyAddresses").unwrap().clone();
    addresses.sort();
    assert_eq!(addresses, ["SMTP:b@corp.example", "smtp:a@corp.example", "x500:1"]);
    assert_eq!(texts.get("groupType").unwrap(), &["8"]);
    assert!(!texts.contains_key("mail"));
    assert_eq!(texts.get("extensionName").unwrap(), &[RECORD.replace("Active", "Disabled")]);
}

//! What stands above our groups, and who is inside the groups that are nested in them.

use std::collections::{BTreeMap, BTreeSet};

use writeback::model::directory::Above;
use writeback::model::{DirectorySnapshot, Dn, ObjectGuid};
use writeback::sim::domain::{OperationKind, Tree};

use super::lab::Lab;
use super::samba::open;
use super::{Case, RECORD, UNIVERSAL, observe};

const LOCAL: i32 = -2_147_483_644;

/// What is above, by its name.
fn above(snapshot: &DirectorySnapshot) -> BTreeMap<String, &Above> {
    snapshot.above.values().map(|above| (above.dn.to_string(), above)).collect()
}

fn count(tree: &Tree, dn: &str) -> usize {
    tree.members(dn).len()
}

#[tokio::test]
async fn every_group_above_is_read_once_and_the_protected_ones_are_known() {
    let case = Case::new().await;
    let base = case.domain.base_dn();
    let (own, twin) = (case.own_group("own"), case.own_group_of(2, "twin"));
    let (middle, top) = (case.group("middle"), case.group("top"));
    let helpers = case.edit(|tree| tree.add_group("Helpers", &base, "helpers", LOCAL));
    let administrators = format!("CN=Administrators,CN=Builtin,{base}");
    let desktop = format!("CN=Remote Desktop Users,CN=Builtin,{base}");
    for (parent, child) in [
        (&middle, &own),
        (&middle, &twin),
        (&top, &middle),
        // A cycle.
        (&middle, &top),
        (&helpers, &top),
        (&desktop, &middle),
        (&administrators, &top),
    ] {
        case.edit(|tree| tree.add_member(parent, child));
    }
    case.edit(|tree| tree.set(&helpers, "adminCount", &["1"]));
    let directory = case.open().await;
    case.domain.clear_operations();
    let snapshot = observe(&directory).await.unwrap();

    let above = above(&snapshot);
    let protected: BTreeMap<&str, bool> =
        above.iter().map(|(dn, above)| (dn.as_str(), above.protected)).collect();
    let wanted = [
        (middle.as_str(), false),
        (&top, false),
        (&helpers, true),
        (&administrators, true),
        (&desktop, false),
    ];
    assert_eq!(protected, wanted.into());
    let middle_above = above.get(&middle).unwrap();
    assert_eq!(middle_above.guid, case.guid(&middle));
    assert_eq!(
        middle_above.sid.as_ref().map(ToString::to_string),
        case.domain.edit(|tree| tree.sid_of(&middle))
    );
    let parents: BTreeSet<String> = middle_above.parents.iter().map(Dn::to_string).collect();
    assert_eq!(parents, [top, desktop].into());
    let asked = case.domain.operations();
    let times = asked.iter().filter(|seen| seen.dn == middle).count();
    assert_eq!(times, 1, "each group is read once");
}

#[tokio::test]
async fn nothing_is_asked_where_no_group_has_a_parent() {
    let case = Case::new().await;
    let own = case.own_group("own");
    let directory = case.open().await;
    let searches = async || {
        case.domain.clear_operations();
        let snapshot = observe(&directory).await.unwrap();
        let seen = case.domain.operations();
        let searches = seen.iter().filter(|seen| seen.kind == OperationKind::Search).count();
        (snapshot.above.len(), searches)
    };
    let (none, before) = searches().await;
    let parent = case.group("parent");
    case.edit(|tree| tree.add_member(&parent, &own));
    let (one, after) = searches().await;
    assert_eq!((none, one, after), (0, 1, before + 1));
}

#[tokio::test]
async fn a_group_above_that_cannot_be_read_counts_as_protected() {
    let case = Case::new().await;
    let own = case.own_group("own");
    let (hidden, beyond) = (case.group("hidden"), case.group("beyond"));
    case.edit(|tree| tree.add_member(&hidden, &own));
    case.edit(|tree| tree.add_member(&beyond, &hidden));
    case.domain.hide(&hidden).unwrap();
    let directory = case.open().await;
    let snapshot = observe(&directory).await.unwrap();
    let above = above(&snapshot);
    assert_eq!(above.keys().collect::<Vec<_>>(), [&hidden]);
    let one = above.get(&hidden).unwrap();
    assert!(one.protected && one.parents.is_empty());
    assert_eq!(one.guid, ObjectGuid(case.domain.edit(|tree| tree.guid_of(&hidden)).unwrap()));
    case.domain.unhide();
    let snapshot = observe(&directory).await.unwrap();
    assert!(snapshot.above.len() == 2 && snapshot.above.values().all(|above| !above.protected));
}

#[tokio::test]
async fn everybody_inside_a_nested_group_is_counted_once() {
    let case = Case::new().await;
    let base = case.domain.base_dn();
    let people = case.people(0..1_200);
    let (outer, inner, deep) = (case.group("outer (a*b)"), case.group("inner"), case.group("deep"));
    let computer = case.edit(|tree| tree.add_computer("PC1", &case.container, "PC1$", None, None));
    let contact = case.edit(|tree| tree.add_contact("contact", &case.container));
    case.edit(|tree| tree.add_members(&outer, people.iter().take(1_100).map(String::as_str)));
    case.edit(|tree| tree.add_members(&inner, people.iter().skip(1_000).map(String::as_str)));
    for (parent, child) in [
        (&outer, &inner),
        (&inner, &deep),
        // A cycle.
        (&deep, &outer),
        (&deep, &computer),
        (&deep, &contact),
    ] {
        case.edit(|tree| tree.add_member(parent, child));
    }
    let (empty, gone) = (case.group("empty"), ObjectGuid(uuid::Uuid::from_u128(77)));
    let users = format!("CN=Domain Users,CN=Users,{base}");
    let everybody = case.group("everybody");
    case.edit(|tree| tree.add_member(&everybody, &users));
    assert_eq!(case.edit(|tree| Ok(count(tree, &users))), 0, "by their primary group alone");
    let directory = case.open().await;
    let asked = [&outer, &inner, &deep, &empty, &everybody].map(|dn| case.guid(dn));
    let asked: BTreeSet<ObjectGuid> = asked.into_iter().chain([gone]).collect();
    let inside = directory.inside(&asked).await;

    let of = |dn: &str| inside.get(&case.guid(dn)).copied();
    for dn in [&outer, &inner, &deep] {
        assert_eq!(of(dn), Some(1_202), "{dn}");
    }
    assert_eq!(of(&empty), Some(0));
    let by_primary = |entry: &&writeback::sim::domain::Entry| {
        entry.text("primaryGroupID") == Some("513") && !entry.deleted
    };
    let wanted = case.domain.dump().iter().filter(by_primary).count();
    assert!(wanted >= 1_200);
    assert_eq!(of(&everybody), Some(wanted));
    assert_eq!(inside.get(&gone), None, "nobody knows");

    case.domain.hide(&outer).unwrap();
    let inside = directory.inside(&asked).await;
    assert_eq!(inside.get(&case.guid(&outer)), None, "what cannot be read is not known");
}

#[tokio::test]
async fn samba_tells_what_is_above_and_who_is_inside() {
    let lab = Lab::prepared();
    let (container, _) = lab.empty_ous("directory-around");
    let group = |name: &str, kind| {
        lab.add_group(&container, name, &format!("directory-around-{name}"), kind, &[])
    };
    let own_marks = [("extensionName", RECORD)];
    let own = lab.add_group(&container, "own", "directory-around-own", UNIVERSAL, &own_marks);
    let (middle, top, helpers) =
        (group("middle", UNIVERSAL), group("top", UNIVERSAL), group("helpers", LOCAL));
    let operators = format!("CN=Print Operators,CN=Builtin,{}", lab.setting("LAB_BASE_DN"));
    let users: Vec<&str> = lab.users.iter().take(5).map(|user| user.dn.as_str()).collect();
    for (parent, child) in [
        (&middle, own.as_str()),
        (&top, &middle),
        (&middle, &top),
        (&helpers, &top),
        (&operators, &helpers),
        (&own, users.first().unwrap()),
        (&own, users.get(1).unwrap()),
        (&middle, users.get(1).unwrap()),
        (&top, users.get(2).unwrap()),
    ] {
        lab.add_value(parent, "member", child);
    }
    let guid = |dn: &str| {
        ObjectGuid(lab.search(dn, "base", "(objectClass=*)", &["objectGUID"]).remove(0).guid())
    };
    let (directory, _) = open(&lab, &container).await;
    let snapshot = observe(&directory).await.unwrap();
    let above = above(&snapshot);
    let own_above: BTreeMap<&str, bool> = [&middle, &top, &helpers, &operators]
        .into_iter()
        .filter_map(|dn| above.get(dn).map(|above| (dn.as_str(), above.protected)))
        .collect();
    let wanted = [(middle.as_str(), false), (&top, false), (&helpers, false), (&operators, true)];
    assert_eq!(own_above, wanted.into());
    assert_eq!(above.get(&middle).unwrap().guid, guid(&middle));

    let asked = [&own, &middle, &top, &helpers].map(|dn| guid(dn));
    let inside = directory.inside(&asked.into()).await;
    let counts: Vec<Option<usize>> = asked.iter().map(|guid| inside.get(guid).copied()).collect();
    assert_eq!(counts, [Some(2), Some(3), Some(3), Some(3)]);
    lab.remove_value(&operators, "member", &helpers);
}

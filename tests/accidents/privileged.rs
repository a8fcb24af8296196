//! One of our groups is nested in a protected group: whoever is put in gets its rights.

use crate::estate::Estate;
use crate::lab::fixtures::group_type::DOMAIN_LOCAL_SECURITY;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_inside_a_protected_one_gets_nobody_and_loses_its_leavers() {
    let estate = Estate::written("acc-privileged").await;
    let before = estate.reading();
    let id = estate.groups[4];
    let own = before.anchored(id).unwrap().clone();
    let lab = &estate.lab;
    let admins = format!("CN=Administrators,CN=Builtin,{}", lab.setting("LAB_BASE_DN"));
    let middle = lab.add_group(
        &estate.outside,
        "acc-privileged-middle",
        "acc-privileged-middle",
        DOMAIN_LOCAL_SECURITY,
        &[],
    );
    lab.add_value(&middle, "member", &own.dn);
    lab.add_value(&admins, "member", &middle);

    let members = estate.tenant.cloud().group(id).unwrap().members.clone();
    let (disabled, deleted, moved) = (members[0], members[1], members[2]);
    estate.cloud(|cloud| cloud.set_account_enabled(disabled, false));
    for person in [disabled, deleted, moved] {
        estate.cloud(|cloud| cloud.remove_member(id, person));
    }
    estate.cloud(|cloud| cloud.hard_delete_person(deleted));
    let coming = estate.put_in(id, 2);
    let held = estate.held(3, &["PrivilegedPath"]);
    let after = estate.reading();
    let lost: Vec<_> =
        after.lost_since(&before).into_iter().filter(|(g, _)| *g == own.guid()).collect();
    let mut leavers: Vec<_> =
        [disabled, deleted, moved].map(|person| (own.guid(), estate.account(person))).to_vec();
    leavers.sort();
    assert_eq!(lost, leavers, "removals go on");
    assert!(before.lost_since(&after).is_empty(), "additions wait");
    let mut findings = held.plan["findings"].as_array().unwrap().iter();
    let finding = findings.find(|finding| finding["code"] == "PrivilegedPath").unwrap();
    let message = finding["message"].as_str().unwrap();
    let way = "is in acc-privileged-middle is in Administrators";
    assert!(message.contains(way), "{message}");
    let names: Vec<_> = coming.iter().map(|person| (own.guid(), estate.account(*person))).collect();
    assert_eq!(held.values(lab, "add_members", &after), names.into_iter().collect());

    // It is filled by a person's word alone.
    estate.approve_exactly(&held);
    lab.remove_value(&admins, "member", &middle);
    lab.remove_value(&middle, "member", &own.dn);
    estate.run(&["apply"]).expect(0);
    estate.assert_in_step();
}

//! `members.keep`: objects that are never taken out.

use writeback::model::policy::{Departure, Keep, KeepReference, Place};
use writeback::model::{FindingCode, Policy};

use crate::check::check;
use crate::observed::Order;
use crate::world::{Listed, World, dn, object, sid, world};

fn keep(object: KeepReference) -> impl FnOnce(&mut Policy) {
    move |policy| {
        let line = 30 + policy.members.keep.len();
        let place = Place { file: "p.yaml".to_owned(), line, column: 9 };
        policy.members.keep.push(Keep { place, object });
    }
}

/// `bob` and `carl` stand in a group whose cloud group is empty.
fn stray() -> World {
    world().group("sales", &[]).written("sales", &["bob", "carl"])
}

#[test]
fn a_kept_object_is_never_taken_out_however_it_is_named() {
    let names = [
        KeepReference::Sid(sid("bob")),
        KeepReference::Guid(object("bob")),
        KeepReference::Dn(dn("cn=BOB, ou=people,dc=Corp,DC=example")),
    ];
    for name in names {
        check(&stray().policy(keep(name)), "remove sales: carl");
    }
}

#[test]
fn a_kept_object_is_not_added() {
    let world = world().both("sales", &[]).principal("bob", |_| ());
    check(&world.policy(keep(KeepReference::Guid(object("bob")))), "");
}

#[test]
fn a_kept_object_of_the_same_name_elsewhere_is_not_meant() {
    let elsewhere = KeepReference::Dn(dn("CN=bob,OU=Elsewhere,DC=corp,DC=example"));
    check(&stray().policy(keep(elsewhere)), "! KeepNotFound *");
}

#[test]
fn an_entry_that_is_not_found_holds_every_removal_of_its_policy_and_is_told_once() {
    let world = stray()
        .group("hr", &["ann"])
        .written("hr", &["bob"])
        .both("it", &[])
        .flag("it", Listed::Off)
        .policy(|p| p.deletion.on_disabled = Departure::Delete)
        .policy(keep(KeepReference::Guid(object("bob"))))
        .policy(keep(KeepReference::Sid(sid("nobody"))));
    check(&world, "add hr: ann\nfreeze it\n! KeepNotFound *");
    let findings = world.decide(Order::Given).findings;
    let told = findings.iter().find(|finding| finding.code == FindingCode::KeepNotFound);
    let text = format!("sid:{} (p.yaml:31:9)", sid("nobody"));
    assert!(told.is_some_and(|told| told.message.contains(&text)), "{told:?}");
}

#[test]
fn an_entry_that_is_not_found_holds_no_other_policy() {
    let world = stray().also("q", |q| {
        q.precedence = 200;
        keep(KeepReference::Sid(sid("nobody")))(q);
    });
    check(&world, "remove sales: bob carl\n! KeepNotFound *");
}

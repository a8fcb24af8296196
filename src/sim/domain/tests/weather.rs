//! Faults on order, and clients that vanish.

use super::*;
use std::time::Duration;

#[tokio::test]
async fn every_refusal_on_order_carries_its_code_and_changes_nothing() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    let before = domain.dump();
    for (what, expected) in [
        (Fault::Busy, refused(51, "0000200E")),
        (Fault::Unavailable, refused(52, "0000200F")),
        (Fault::AdminLimit, refused(11, "00002024")),
        (Fault::TimeLimit, refused(3, "00002022")),
        (Fault::OperationsError, refused(1, "000021B1")),
        (Fault::Referral, refused(10, "0000202B")),
        (Fault::Refuse("00002146".to_owned()), refused(53, "00002146")),
        (Fault::InsufficientAccess, refused(50, "00002098")),
    ] {
        domain.order(Order::new(Where::Write, what.clone()));
        assert_eq!(add_group(&mut ldap, "g", UNIVERSAL).await, expected, "{what:?}");
        assert_eq!(domain.open_orders(), 0);
    }
    assert_eq!(before, domain.dump());
    assert_eq!(add_group(&mut ldap, "g", UNIVERSAL).await, done());
}

#[tokio::test]
async fn orders_hit_where_and_when_they_say() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    domain.order(Order::new(Where::Write, Fault::Busy).after(1).times(2));
    domain.order(Order::new(Where::Object(group("C").to_uppercase()), Fault::Unavailable));
    domain.order(Order::new(Where::Kind(OperationKind::Delete), Fault::InsufficientAccess));
    let mut codes_seen = Vec::new();
    for name in ["a", "b", "c", "d"] {
        codes_seen.push(add_group(&mut ldap, name, UNIVERSAL).await.0);
    }
    assert_eq!(codes_seen, [0, 51, 51, 0]);
    assert_eq!(add_group(&mut ldap, "c", UNIVERSAL).await.0, 52);
    assert_eq!(ldap.delete(&group("a")).await.unwrap().rc, 50);
    assert_eq!(ldap.delete(&group("a")).await.unwrap().rc, 0);
    domain.order(Order::new(Where::Bind, Fault::Busy));
    let account = domain.service_account();
    assert_eq!(ldap.simple_bind(&account.dn, &account.password).await.unwrap().rc, 51);
    domain.order(Order::new(Where::Any, Fault::Busy).times(9));
    domain.cancel_orders();
    assert_eq!(ldap.simple_bind(&account.dn, &account.password).await.unwrap().rc, 0);
}

#[tokio::test]
async fn a_search_can_end_half_way() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    let (all, _) = search(&mut ldap, BASE, Scope::Subtree, "(objectClass=group)", &["cn"]).await;
    for (what, code) in [(Fault::SizeLimit, 4), (Fault::TimeLimit, 3)] {
        domain.order(Order::new(Where::Any, what));
        let (some, result) =
            search(&mut ldap, BASE, Scope::Subtree, "(objectClass=group)", &["cn"]).await;
        assert_eq!(result.0, code);
        assert!(!some.is_empty() && some.len() < all.len());
    }
    domain.order(Order::new(Where::Any, Fault::CutMidSearch));
    let result = ldap.search(BASE, Scope::Subtree, "(objectClass=group)", vec!["cn"]).await;
    assert!(matches!(result, Err(LdapError::EndOfStream)), "{result:?}");
}

#[tokio::test]
async fn a_cut_before_leaves_nothing_and_a_cut_after_leaves_everything() {
    let domain = domain().await;
    for (what, exists) in [(Fault::CutBefore, false), (Fault::CutAfter, true)] {
        let mut ldap = service(&domain).await;
        domain.clear_operations();
        domain.order(Order::new(Where::Kind(OperationKind::Add), what));
        let attributes = group_attributes("g", UNIVERSAL)
            .into_iter()
            .map(|(name, values)| (name.to_owned(), values.into_iter().collect()))
            .collect();
        let result = ldap.add(&group("g"), attributes).await;
        assert!(result.is_err(), "{result:?}");
        assert_eq!(domain.edit(|tree| tree.exists(&group("g"))), exists);
        let seen = domain.operations();
        let last = seen.last().unwrap();
        assert_eq!((last.code, last.answered), (exists.then_some(0), false));
        assert_eq!(last.changed(), exists);
    }
}

#[tokio::test]
async fn a_stalled_operation_hurts_only_itself() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    domain.order(Order::new(Where::Write, Fault::Stall));
    let result = ldap.with_timeout(Duration::from_millis(50)).delete(&group("g")).await;
    assert!(matches!(result, Err(LdapError::Timeout { .. })), "{result:?}");
    assert_eq!(add_group(&mut ldap, "g", UNIVERSAL).await, done());
    // A client that goes away in the middle of its own search, too.
    let mut other = service(&domain).await;
    drop(other.streaming_search(BASE, Scope::Subtree, "(cn=*)", vec!["cn"]).await.unwrap());
    drop(other);
    assert_eq!(found(&mut ldap, "(cn=g)").await.len(), 1);
}

#[tokio::test]
async fn switches_stay_until_they_are_lifted() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    domain.set_busy(true);
    assert_eq!(add_group(&mut ldap, "g", UNIVERSAL).await.0, 51);
    let (_, result) = search(&mut ldap, BASE, Scope::Base, "(dc=*)", &["dc"]).await;
    assert_eq!(result.0, 51);
    domain.set_busy(false);
    domain.set_read_only(true);
    assert_eq!(add_group(&mut ldap, "g", UNIVERSAL).await, refused(10, "0000202B"));
    let (entries, _) = search(&mut ldap, BASE, Scope::Base, "(dc=*)", &["dc"]).await;
    assert_eq!(entries.len(), 1);
    domain.set_read_only(false);
    domain.set_deaf(true);
    let new = LdapConnAsync::with_settings(settings(domain.ca_pem()), &domain.url()).await;
    assert!(new.is_err());
    domain.set_deaf(false);
    assert_eq!(add_group(&mut ldap, "g", UNIVERSAL).await, done());
}

#[tokio::test]
async fn a_mix_from_a_seed_is_overcome_by_retry() {
    let domain = domain().await;
    domain.order_mix(7, 25);
    let mut ldap = None;
    let mut made = 0;
    let mut attempts = 0;
    while made < 60 {
        attempts += 1;
        assert!(attempts < 400, "{made} made, {} orders open", domain.open_orders());
        let mut handle = if let Some(handle) = ldap.take() {
            handle
        } else {
            let mut handle = connect(&domain).await;
            let account = domain.service_account();
            match handle.simple_bind(&account.dn, &account.password).await {
                Ok(result) if result.rc == 0 => handle,
                Ok(_) | Err(_) => continue,
            }
        };
        let filter = format!("(cn=g{made})");
        let seen = handle.search(OU, Scope::OneLevel, &filter, vec!["cn"]).await;
        let Ok(seen) = seen else { continue };
        if seen.1.rc == 0 && seen.0.is_empty() {
            let name = format!("g{made}");
            let attributes = group_attributes(&name, UNIVERSAL)
                .into_iter()
                .map(|(name, values)| (name.to_owned(), values.into_iter().collect()))
                .collect();
            if handle.add(&group(&name), attributes).await.is_err() {
                continue;
            }
        } else if seen.1.rc == 0 {
            made += 1;
        }
        ldap = Some(handle);
    }
    assert_eq!(domain.open_orders(), 0);
    assert_eq!(domain.counters().changes, 60);
}

#[tokio::test]
async fn what_is_no_ldap_ends_the_connection() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let domain = domain().await;
    let port = domain.url().rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let mut plain = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // A TLS alert and the end, or the end alone.
    let _ = plain.read_to_end(&mut answer).await;
    let mut ldap = service(&domain).await;
    assert_eq!(found(&mut ldap, "(cn=alice)").await.len(), 1);
}

#[tokio::test]
async fn the_record_tells_what_was_asked() {
    let domain = domain().await;
    let mut ldap = service(&domain).await;
    assert_eq!(add_group(&mut ldap, "g", UNIVERSAL).await, done());
    domain.clear_operations();
    let values = [person("alice"), person("bob")];
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    assert_eq!(modify(&mut ldap, &group("g"), How::Add, "member", &values).await, done());
    assert_eq!(found(&mut ldap, "(&(cn=g)(!(cn=h*)))").await.len(), 1);
    let seen = domain.operations();
    let [first, second] = seen.as_slice() else { unreachable!("two operations") };
    assert_eq!(first.account, r"CORP\svc-writeback");
    let change = SeenChange { attribute: "member".to_owned(), verb: Verb::Add, values: 2 };
    assert_eq!((first.kind, &first.changes), (OperationKind::Modify, &vec![change]));
    assert_eq!((second.kind, second.entries), (OperationKind::Search, 1));
    assert_eq!(second.detail, "(&(cn=g)(!(cn=h*)))");
    let sums =
        Counters { searches: 1, writes: 1, changes: 1, largest_batch: 2, ..Counters::default() };
    assert_eq!(domain.counters(), sums);
}

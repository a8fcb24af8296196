//! Answers that look like the tenant's and are not: nothing is concluded from them.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use uuid::Uuid;
use writeback::graph::{Flags, GraphError, Tenant, TenantOptions};
use writeback::model::cloud::{MemberKind, Presence};
use writeback::model::{ObjectId, TenantId};
use writeback::sim::world::World;

use crate::bench::{Bench, at, plain};
use crate::portal::{Line, Portal, Script};

const TENANT: Uuid = Uuid::from_u128(0x1111_2222_3333);
const GROUP: ObjectId = ObjectId(Uuid::from_u128(7));

/// A portal that answers by the script, and a client that takes it for its tenant.
async fn fooled(script: Script) -> (Fooled, Tenant) {
    let bench = Bench::new(&World::small(1)).await;
    let portal = Portal::start(bench.tenant.authority(), TENANT, script).await;
    let client = Tenant::open(TenantOptions {
        login_url: portal.url.clone(),
        graph_url: portal.url.clone(),
        tenant: TenantId(TENANT),
        ..bench.options()
    });
    (Fooled { portal, _bench: bench }, client.unwrap())
}

/// What a fooled client needs as long as it asks: the portal, and the files of its credential.
struct Fooled {
    portal: Portal,
    _bench: Bench,
}

async fn presence(script: Script) -> Presence {
    let (_fooled, client) = fooled(script).await;
    client.presence(GROUP).await
}

#[tokio::test]
async fn only_the_word_of_graph_counts_as_absence() {
    let said = |code: &'static str| {
        presence(Box::new(move |_, _| Line::json(404, &json!({ "error": { "code": code } }))))
    };
    assert_eq!(said("Request_ResourceNotFound").await, Presence::Absent);
    for code in ["", "NotFound", "ResourceNotFound", "itemNotFound"] {
        assert!(matches!(said(code).await, Presence::Unread(_)), "{code}");
    }
    let page = presence(Box::new(|_, _| Line::page(404))).await;
    assert!(matches!(page, Presence::Unread(_)), "{page:?}");
    let other = json!({ "id": Uuid::from_u128(8) });
    let swapped = presence(Box::new(move |_, _| Line::json(200, &other))).await;
    assert!(matches!(swapped, Presence::Unread(_)), "{swapped:?}");
}

#[tokio::test]
async fn a_web_page_in_place_of_an_answer_is_called_one() {
    for status in [200, 403, 404, 511] {
        let (_fooled, client) = fooled(Box::new(move |_, _| Line::page(status))).await;
        let error = client.listing(Flags::Skip, at()).await.unwrap_err();
        assert!(!matches!(error, GraphError::MissingRight { .. } | GraphError::NotFound { .. }));
        if status == 200 {
            assert!(error.to_string().contains("text/html instead of JSON"), "{error}");
        } else {
            assert!(error.to_string().contains("without Graph's error shape"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let script: Script = Box::new(|base, _| Line {
        headers: format!("location: {base}elsewhere\r\n"),
        ..Line::page(302)
    });
    let (fooled, client) = fooled(script).await;
    let error = client.listing(Flags::Skip, at()).await.unwrap_err();
    assert!(error.to_string().contains("points elsewhere"), "{error}");
    assert!(fooled.portal.asked().iter().all(|path| path.starts_with("/v1.0/groups?")));
}

#[tokio::test]
async fn a_token_for_another_tenant_is_not_used() {
    let bench = Bench::new(&World::small(1)).await;
    let script: Script = Box::new(|_, _| Line::json(200, &json!({ "value": [] })));
    let portal = Portal::start(bench.tenant.authority(), Uuid::from_u128(9), script).await;
    let client = Tenant::open(TenantOptions {
        login_url: portal.url.clone(),
        graph_url: portal.url.clone(),
        tenant: TenantId(TENANT),
        ..bench.options()
    });
    let error = client.unwrap().listing(Flags::Skip, at()).await.unwrap_err();
    assert!(matches!(error, GraphError::WrongTenant { .. }), "{error}");
    assert!(error.to_string().contains("tenant.id"), "{error}");
    assert!(portal.asked().is_empty());
}

#[tokio::test]
async fn empty_pages_that_always_lead_on_are_not_turned_for_ever() {
    let page = AtomicUsize::new(0);
    let script: Script = Box::new(move |base, _| {
        let next = format!("{base}v1.0/groups?$skiptoken={}", page.fetch_add(1, Ordering::Relaxed));
        Line::json(200, &json!({ "value": [], "@odata.nextLink": next }))
    });
    let (fooled, client) = fooled(script).await;
    let error = client.listing(Flags::Skip, at()).await.unwrap_err();
    assert!(matches!(error, GraphError::Endless { .. }), "{error}");
    assert_eq!(fooled.portal.asked().len(), 100);
}

#[tokio::test]
async fn a_member_that_comes_on_two_pages_is_one_member() {
    let script: Script = Box::new(|base, path| {
        let user = |id: u128| {
            json!({ "@odata.type": "#microsoft.graph.user", "id": Uuid::from_u128(id),
                "userPrincipalName": format!("u{id}@corp.example") })
        };
        let mut body = json!({ "value": [user(1), user(2)] });
        if !path.contains("second") {
            body = json!({ "value": [user(2), user(3)],
                "@odata.nextLink": format!("{base}v1.0/second") });
        }
        Line::json(200, &body)
    });
    let (_fooled, client) = fooled(script).await;
    let ids = [GROUP].into();
    let members = plain(&client.members(&ids, &[].into(), at(), &|_, _| {}).await);
    let read = members.get(&GROUP).unwrap().as_ref().unwrap();
    let labels: Vec<_> = read.iter().map(|member| member.label.as_str()).collect();
    assert_eq!(labels, ["u1@corp.example", "u2@corp.example", "u3@corp.example"]);
    assert!(read.iter().all(|member| matches!(member.kind, MemberKind::User(_))));
}

#[tokio::test]
async fn a_link_with_a_name_that_only_looks_like_ours_is_foreign() {
    let links = [
        "https://127.0.0.1.evil.example/v1.0/groups",
        "https://127.0.0.1@evil.example/v1.0/groups",
        "http://127.0.0.1/v1.0/groups",
        "https://localhost/v1.0/groups",
        "https://127.0.0.1:1/v1.0/groups",
        "ftp://127.0.0.1/v1.0/groups",
    ];
    for link in links {
        let script: Script =
            Box::new(move |_, _| Line::json(200, &json!({ "value": [], "@odata.nextLink": link })));
        let (_fooled, client) = fooled(script).await;
        let error = client.listing(Flags::Skip, at()).await.unwrap_err();
        assert!(matches!(error, GraphError::ForeignNextLink { .. }), "{link}: {error}");
    }
    for link in ["", "/v1.0/groups", "no address"] {
        let script: Script =
            Box::new(move |_, _| Line::json(200, &json!({ "value": [], "@odata.nextLink": link })));
        let (_fooled, client) = fooled(script).await;
        let error = client.listing(Flags::Skip, at()).await.unwrap_err();
        assert!(matches!(error, GraphError::Unreadable { .. }), "{link}: {error}");
    }
}

#[tokio::test]
async fn an_answer_that_announces_too_much_is_not_read() {
    let script: Script = Box::new(|_, _| Line {
        headers: "content-length: 99999999999\r\n".to_owned(),
        ..Line::json(200, &json!({}))
    });
    let (_fooled, client) = fooled(script).await;
    let error = client.listing(Flags::Skip, at()).await.unwrap_err();
    assert!(error.to_string().contains("longer than"), "{error}");
}

#[tokio::test]
async fn an_answer_about_others_says_nothing_of_who_left() {
    let asked = [GROUP].into();
    let other = json!({ "id": Uuid::from_u128(8), "accountEnabled": false });
    let others = json!({ "value": [other] });
    let gone = json!({ "error": { "code": "Request_ResourceNotFound" } });
    // A filter that nobody heeded leaves out whoever comes later.
    let script: Script = {
        let gone = gone.clone();
        Box::new(move |_, path| {
            let filter = path.starts_with("/v1.0/users?");
            if filter { Line::json(200, &others) } else { Line::json(404, &gone) }
        })
    };
    let (fooled_by, client) = fooled(script).await;
    assert!(client.departed(&asked).await.is_empty());
    assert_eq!(fooled_by.portal.asked().len(), 1);

    // A direct read that tells of somebody else, and one that is no word of Graph.
    for (status, body) in [(200, other), (404, json!({ "error": { "code": "NotFound" } }))] {
        let script: Script = Box::new(move |_, path| {
            let filter = path.starts_with("/v1.0/users?");
            if filter {
                Line::json(200, &json!({ "value": [] }))
            } else {
                Line::json(status, &body)
            }
        });
        let (_fooled, client) = fooled(script).await;
        assert!(client.departed(&asked).await.is_empty(), "{status}");
    }

    // Whom Graph itself does not know at all left.
    let script: Script = Box::new(move |_, path| {
        let filter = path.starts_with("/v1.0/users?");
        if filter { Line::json(200, &json!({ "value": [] })) } else { Line::json(404, &gone) }
    });
    let (_fooled, client) = fooled(script).await;
    assert_eq!(client.departed(&asked).await, asked);
}

//! Each fault does what it is ordered to do, and nothing else does.

use std::time::Duration;

use serde_json::json;

use super::*;

const GROUPS: &str = "/v1.0/groups?$select=id&$top=5";
const FLAGS: &str = "/beta/groups?$select=id,writebackConfiguration";

async fn status_after(bench: &Bench, fault: Fault) -> u16 {
    bench.tenant.order(Order::once(Where::Groups, fault));
    bench.get(GROUPS).await.status().as_u16()
}

#[tokio::test]
async fn refusals_on_order_have_microsofts_shape() {
    let bench = Bench::small().await;
    let scope = "Tenant_Application/Read/a/b".to_owned();
    let throttled =
        Fault::Throttled { retry_after: Some("2.128".to_owned()), scope: Some(scope.clone()) };
    bench.tenant.order(Order::once(Where::Groups, throttled));
    let answer = bench.get(GROUPS).await;
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "2.128");
    assert_eq!(answer.headers()["x-ms-throttle-scope"], scope.as_str());
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], json!("TooManyRequests"));

    assert_eq!(status_after(&bench, Fault::Unavailable503).await, 503);
    assert_eq!(status_after(&bench, Fault::GatewayTimeout504).await, 504);
    assert_eq!(status_after(&bench, Fault::Unauthorized401).await, 401);
    assert_eq!(bench.get(GROUPS).await.status(), 200);
}

#[tokio::test]
async fn broken_connections_and_bodies_break() {
    let bench = Bench::small().await;
    let token = bench.token().await;
    let order = |what| bench.tenant.order(Order::once(Where::Groups, what));
    order(Fault::Reset);
    assert!(bench.try_get(&token, GROUPS).await.is_err());
    assert_eq!(bench.tenant.requests().last().unwrap().status, None);

    order(Fault::TruncatedBody);
    let cut = bench.try_get(&token, GROUPS).await.unwrap();
    assert_eq!(cut.status(), 200);
    assert!(cut.bytes().await.is_err());

    order(Fault::Html200);
    let page = bench.try_get(&token, GROUPS).await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert!(page.text().await.unwrap().starts_with("<!DOCTYPE html>"));

    order(Fault::WrongJson);
    let wrong: Value = bench.try_get(&token, GROUPS).await.unwrap().json().await.unwrap();
    assert!(!wrong["value"].is_array());

    order(Fault::SlowDrip { pause: Duration::from_mins(1) });
    let impatient = bench.http.get(format!("{}{GROUPS}", bench.tenant.graph_url()));
    let late = impatient.bearer_auth(&token).timeout(Duration::from_millis(200)).send().await;
    assert!(late.unwrap().bytes().await.unwrap_err().is_timeout());

    order(Fault::SlowDrip { pause: Duration::ZERO });
    let whole = bench.try_get(&token, GROUPS).await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(whole["value"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn an_empty_page_loses_nothing_and_an_empty_answer_lies() {
    let bench = Bench::small().await;
    bench.tenant.order(Order { on: Where::Groups, nth: 2, times: 2, what: Fault::EmptyPage });
    let (groups, pages) = bench.list(GROUPS).await;
    assert_eq!((groups.len(), pages), (8, 4));
    bench.tenant.order(Order::once(Where::Groups, Fault::EmptyAnswer));
    assert_eq!(bench.list(GROUPS).await, (vec![], 1));
}

#[tokio::test]
async fn next_links_are_bent_as_ordered() {
    let bench = Bench::small().await;
    let trap = bench.tenant.trap().await.unwrap();
    bench.tenant.order(Order::once(Where::Groups, Fault::ForeignNextLink(trap.url())));
    let page = bench.json(GROUPS).await;
    assert_eq!(page["@odata.nextLink"], json!(trap.url()));
    // The trap can see a token: a client without care walks into it.
    assert_eq!((trap.requests(), trap.authorized_requests()), (0, 0));
    bench.get(&trap.url()).await;
    assert_eq!((trap.requests(), trap.authorized_requests()), (1, 1));

    bench.tenant.order(Order {
        on: Where::Groups,
        nth: 2,
        times: 2,
        what: Fault::RepeatingNextLink,
    });
    let (groups, pages) = bench.list(GROUPS).await;
    assert_eq!((groups.len(), pages), (5 + 3 * 3, 4));

    bench.tenant.order(Order::once(Where::Groups, Fault::ExpiredPageToken));
    let first = bench.json(GROUPS).await;
    let next = first["@odata.nextLink"].as_str().unwrap().to_owned();
    let expired = (400, "Directory_ExpiredPageToken".to_owned());
    assert_eq!(bench.refusal(&next).await, expired);
    assert_eq!(bench.get(&next).await.status(), 200);
}

#[tokio::test]
async fn a_stale_replica_tells_an_earlier_state() {
    let bench = Bench::small().await;
    let count = async || bench.list(GROUPS).await.0.len();
    let (vpn, board) = (bench.group("VPN Users"), bench.group("Board"));
    bench.tenant.edit(|cloud| cloud.hard_delete_group(vpn)).unwrap();
    bench.tenant.edit(|cloud| cloud.hard_delete_group(board)).unwrap();
    let stale =
        |edits| Order { on: Where::Groups, nth: 1, times: 2, what: Fault::StaleReplica { edits } };
    assert_eq!(count().await, 6);
    bench.tenant.order(stale(1));
    assert_eq!(count().await, 7);
    bench.tenant.order(stale(2));
    assert_eq!(count().await, 8);
    bench.tenant.order(stale(9));
    assert_eq!(count().await, 8);
    assert_eq!(count().await, 6);
}

#[tokio::test]
async fn orders_reach_the_requests_they_name() {
    let bench = Bench::small().await;
    let (finance, vpn) = (bench.group("Finance"), bench.group("VPN Users"));
    let member = |group: Uuid| format!("/v1.0/groups/{group}/members?$select=id");
    let paths = [
        GROUPS.to_owned(),
        FLAGS.to_owned(),
        "/v1.0/directory/deletedItems/graph.group".to_owned(),
        member(finance),
        member(vpn),
        "/v1.0/users".to_owned(),
        format!("/v1.0/groups/{finance}"),
    ];
    let hits = async |on: Where| -> Vec<bool> {
        bench.tenant.clear_orders();
        let token = bench.token().await;
        bench.tenant.order(Order::always(on, Fault::Unavailable503));
        let mut hits = Vec::new();
        for path in &paths {
            hits.push(bench.try_get(&token, path).await.unwrap().status() == 503);
        }
        hits
    };
    let only = |places: &[usize]| -> Vec<bool> { (0..7).map(|at| places.contains(&at)).collect() };
    assert_eq!(hits(Where::Any).await, only(&[0, 1, 2, 3, 4, 5, 6]));
    assert_eq!(hits(Where::Groups).await, only(&[0]));
    assert_eq!(hits(Where::Flags).await, only(&[1]));
    assert_eq!(hits(Where::DeletedGroups).await, only(&[2]));
    assert_eq!(hits(Where::MembersOf(vpn)).await, only(&[4]));
    assert_eq!(hits(Where::Members).await, only(&[3, 4]));
    assert_eq!(hits(Where::Users).await, only(&[5]));
    assert_eq!(hits(Where::Object(finance)).await, only(&[6]));
    assert_eq!(hits(Where::Token).await, only(&[]));
    let login = bench.post(&[("grant_type", "client_credentials")]).await;
    assert_eq!(login.status(), 503);
    let body: Value = login.json().await.unwrap();
    assert_eq!(body["error_codes"], json!([90033]));
}

#[tokio::test]
async fn what_the_tenant_sees_can_be_bent() {
    let bench = Bench::small().await;
    let (finance, payroll) = (bench.group("Finance"), bench.group("APP-Payroll-Users"));
    bench.tenant.order(Order::once(Where::Any, Fault::OmitFromFlagListing(finance)));
    assert_eq!(bench.list(FLAGS).await.0.len(), 7);
    assert_eq!(bench.list(FLAGS).await.0.len(), 8);
    bench.tenant.order(Order::always(Where::Groups, Fault::OmitFromListing(finance)));
    assert_eq!(bench.list(GROUPS).await.0.len(), 7);
    assert_eq!(bench.list(FLAGS).await.0.len(), 8);

    bench.tenant.order(Order::once(Where::Members, Fault::NullWitness("group".to_owned())));
    let path =
        format!("/v1.0/groups/{payroll}/members?$select=id,securityEnabled,userPrincipalName");
    let (members, _) = bench.list(&path).await;
    let of = |kind: &str| {
        let kind = json!(format!("#microsoft.graph.{kind}"));
        members.iter().find(|member| member["@odata.type"] == kind).unwrap().clone()
    };
    assert_eq!(of("group")["securityEnabled"], Value::Null);
    assert!(of("group").as_object().unwrap().contains_key("securityEnabled"));
    assert!(of("user")["userPrincipalName"].is_string());
}

#[tokio::test]
async fn orders_wait_for_their_turn_and_run_out() {
    let bench = Bench::small().await;
    let token = bench.token().await;
    let order = |nth, times, what| {
        bench.tenant.order(Order { on: Where::Any, nth, times, what });
    };
    order(2, 2, Fault::Unavailable503);
    order(1, 1, Fault::GatewayTimeout504);
    let mut told = Vec::new();
    for _ in 0..6 {
        told.push(bench.try_get(&token, GROUPS).await.unwrap().status().as_u16());
    }
    // The 503 keeps its count while the 504 has the first request: both are asked about it.
    assert_eq!(told, [504, 503, 503, 200, 200, 200]);
    assert_eq!(bench.tenant.open_orders(), 0);
}

#[tokio::test]
async fn a_mix_is_overcome_by_a_client_that_tries_again() {
    for seed in 0..8 {
        let bench = Bench::small().await;
        bench.tenant.order_mix(seed, 6);
        let mut tries = 0;
        let groups = loop {
            tries += 1;
            assert!(tries < 40, "seed {seed} does not end");
            if let Some(groups) = try_list(&bench).await
                && bench.tenant.requests().len() > 30
            {
                break groups;
            }
        };
        assert_eq!(groups.len(), 8, "seed {seed}");
        let failed = bench.tenant.requests().iter().filter(|one| one.status != Some(200)).count();
        assert!(failed > 0, "seed {seed} has no fault");
    }
}

/// One attempt at a whole listing with a fresh token. None: something failed.
async fn try_list(bench: &Bench) -> Option<Vec<Value>> {
    let (id, scope) = (bench.tenant.client_id().to_string(), bench.tenant.scope());
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &id),
        ("client_secret", bench.tenant.client_secret()),
        ("scope", &scope),
    ];
    let answer = bench.http.post(bench.token_url()).form(&form).send().await.ok()?;
    let answer: Value = answer.json().await.ok()?;
    let token = answer["access_token"].as_str()?.to_owned();
    let (mut all, mut next) = (Vec::new(), Some(GROUPS.to_owned()));
    while let Some(path) = next {
        let body: Value = bench.try_get(&token, &path).await.ok()?.json().await.ok()?;
        all.extend(body["value"].as_array()?.iter().cloned());
        next = body["@odata.nextLink"].as_str().map(str::to_owned);
    }
    Some(all)
}

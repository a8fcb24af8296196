//! The simulated tenant, asked over TLS by a plain HTTP client.
//!
//! Input: worlds, edits, orders. Output: proof that it answers as its pages say and fails as it is
//! told to; a simulator that cannot fail proves nothing about its client.

mod about;
mod access;
mod faults;
mod kinds;
mod large;
mod login;
mod people;
mod reading;
mod schema;
mod writing;

use reqwest::Response;
use serde_json::Value;
use uuid::Uuid;

use super::*;

/// A tenant and a client that trusts it and nobody else.
struct Bench {
    tenant: Tenant,
    http: reqwest::Client,
}

impl Bench {
    async fn new(world: &World) -> Self {
        Self::with(world, Options::default()).await
    }

    async fn with(world: &World, options: Options) -> Self {
        let tenant = Tenant::start_with(world, options).await.unwrap();
        let http = client(&tenant.ca_pem());
        Self { tenant, http }
    }

    async fn small() -> Self {
        Self::new(&World::small(1)).await
    }

    fn token_url(&self) -> String {
        format!("{}/{}/oauth2/v2.0/token", self.tenant.login_url(), self.tenant.tenant_id())
    }

    async fn post(&self, form: &[(&str, &str)]) -> Response {
        self.http.post(self.token_url()).form(form).send().await.unwrap()
    }

    async fn token(&self) -> String {
        let id = self.tenant.client_id().to_string();
        let scope = self.tenant.scope();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            ("client_secret", self.tenant.client_secret()),
            ("scope", &scope),
        ];
        let answer: Value = self.post(&form).await.json().await.unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    async fn try_get(&self, token: &str, path: &str) -> reqwest::Result<Response> {
        let url = match path.strip_prefix('/') {
            Some(path) => format!("{}/{path}", self.tenant.graph_url()),
            None => path.to_owned(),
        };
        let request = self.http.get(url).bearer_auth(token);
        request.header("ConsistencyLevel", "eventual").send().await
    }

    async fn get(&self, path: &str) -> Response {
        let token = self.token().await;
        self.try_get(&token, path).await.unwrap()
    }

    /// Status and error code of a refusal.
    async fn refusal(&self, path: &str) -> (u16, String) {
        let answer = self.get(path).await;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        (status, body["error"]["code"].as_str().unwrap().to_owned())
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        answer.json().await.unwrap()
    }

    /// Every element of a listing and the number of pages.
    async fn list(&self, path: &str) -> (Vec<Value>, usize) {
        let token = self.token().await;
        let (mut all, mut pages, mut next) = (Vec::new(), 0, Some(path.to_owned()));
        while let Some(path) = next {
            let answer = self.try_get(&token, &path).await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            let body: Value = answer.json().await.unwrap();
            all.extend(body["value"].as_array().unwrap().iter().cloned());
            pages += 1;
            next = body["@odata.nextLink"].as_str().map(str::to_owned);
        }
        (all, pages)
    }

    fn group(&self, name: &str) -> Uuid {
        self.tenant.cloud().group_named(name).unwrap().id
    }

    /// Grants these roles and no others, from the next token on.
    fn grant(&self, roles: &[&str]) {
        self.tenant.set_roles(roles.iter().map(|role| (*role).to_owned()).collect());
    }
}

fn client(ca_pem: &str) -> reqwest::Client {
    let ca = reqwest::Certificate::from_pem(ca_pem.as_bytes()).unwrap();
    reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap()
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_authority_gets_nothing() {
    let bench = Bench::small().await;
    let stranger = Authority::new("Simulated tenant CA").ca_pem();
    let refused = client(&stranger).get(bench.tenant.graph_url()).send().await;
    assert!(refused.is_err());
    assert_eq!(bench.tenant.requests(), []);
}

#[tokio::test]
async fn an_expired_certificate_and_one_of_another_name_are_refused_by_clients() {
    for certificate in [Certificate::Expired, Certificate::OtherName] {
        let options = Options { certificate, ..Options::default() };
        let bench = Bench::with(&World::small(1), options).await;
        let refused = bench.http.get(bench.tenant.graph_url()).send().await;
        assert!(refused.is_err(), "{certificate:?}");
    }
}

#[tokio::test]
async fn a_tenant_that_went_down_comes_back_under_the_same_address() {
    let mut bench = Bench::small().await;
    let address = bench.tenant.graph_url();
    let token = bench.token().await;
    bench.tenant.suspend().await;
    assert!(bench.try_get(&token, "/v1.0/groups").await.is_err());
    bench.tenant.resume().await.unwrap();
    assert_eq!(bench.try_get(&token, "/v1.0/groups").await.unwrap().status(), 200);
    assert_eq!(bench.tenant.graph_url(), address);
}

#[tokio::test]
async fn a_dropped_tenant_is_gone_for_kept_connections_too() {
    let Bench { tenant, http } = Bench::small().await;
    let url = tenant.graph_url();
    assert_eq!(http.get(&url).send().await.unwrap().status(), 401);
    drop(tenant);
    assert!(http.get(&url).send().await.is_err());
}

#[tokio::test]
async fn a_port_may_be_pinned() {
    let first = Bench::small().await;
    let (port, authority) = (first.tenant.port(), first.tenant.authority().clone());
    let Bench { mut tenant, .. } = first;
    tenant.suspend().await;
    drop(tenant);
    let options = Options { port, authority: Some(authority), ..Options::default() };
    let second = Bench::with(&World::small(1), options).await;
    assert_eq!(second.tenant.port(), port);
}

#[tokio::test]
async fn every_request_is_written_down() {
    let bench = Bench::small().await;
    bench.list("/v1.0/groups?$top=5&$select=id").await;
    let seen = bench.tenant.requests();
    let lines: Vec<_> =
        seen.iter().map(|one| (one.method.as_str(), one.path.as_str(), one.had_bearer)).collect();
    let token = format!("/{}/oauth2/v2.0/token", bench.tenant.tenant_id());
    let page = ("GET", "/v1.0/groups", true);
    assert_eq!(lines, [("POST", token.as_str(), false), page, page]);
    assert!(seen.iter().all(|one| one.status == Some(200)));
    bench.tenant.clear_requests();
    assert_eq!(bench.tenant.requests(), []);
}

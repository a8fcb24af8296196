//! Tokens and the refusals of the login page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::json;

use super::*;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn thumbprint(pem: &str, algorithm: &'static aws_lc_rs::digest::Algorithm) -> String {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(algorithm, &der))
}

/// An assertion as the page describes it, bent by `change`.
fn assertion(
    tenant: &Tenant,
    certificate_pem: &str,
    change: impl FnOnce(&mut Value, &mut Value),
) -> String {
    let now = tenant.shared.clock.now().as_second();
    let hash = thumbprint(certificate_pem, &aws_lc_rs::digest::SHA256);
    let mut header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": hash });
    let mut claims = json!({
        "aud": format!("{}/{}/oauth2/v2.0/token", tenant.login_url(), tenant.tenant_id()),
        "iss": tenant.client_id(), "sub": tenant.client_id(), "jti": Uuid::new_v4(),
        "nbf": now, "iat": now, "exp": now + 600,
    });
    change(&mut header, &mut claims);
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&header), part(&claims));
    let key = EncodingKey::from_rsa_pem(tenant.private_key_pem().as_bytes()).unwrap();
    let algorithm = match header["alg"].as_str() {
        Some("RS256") => Algorithm::RS256,
        _ => Algorithm::PS256,
    };
    let signature = crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// A field of the form set to another value, or left out.
type Change<'a> = (&'a str, Option<&'a str>);

/// Changes, and the status, error and code they lead to.
type Case<'a> = (&'a [Change<'a>], (u16, &'a str, u64));

/// Status, error and AADSTS code of an answer; (200, "", 0) for a token.
async fn outcome(bench: &Bench, changes: &[Change<'_>]) -> (u16, String, u64) {
    let (id, scope) = (bench.tenant.client_id().to_string(), bench.tenant.scope());
    let mut form: BTreeMap<&str, &str> = BTreeMap::from([
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", bench.tenant.client_secret()),
        ("scope", scope.as_str()),
    ]);
    for (name, value) in changes {
        match value {
            Some(value) => form.insert(name, value),
            None => form.remove(name),
        };
    }
    let form: Vec<(&str, &str)> = form.into_iter().collect();
    let answer = bench.post(&form).await;
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    let code = body["error_codes"][0].as_u64().unwrap_or_default();
    let error = body["error"].as_str().unwrap_or_default().to_owned();
    if code != 0 {
        let text = body["error_description"].as_str().unwrap();
        assert!(text.starts_with(&format!("AADSTS{code}: ")), "{text}");
    }
    (status, error, code)
}

async fn by_assertion(bench: &Bench, assertion: &str) -> (u16, String, u64) {
    let changes = [
        ("client_secret", None),
        ("client_assertion_type", Some(ASSERTION_TYPE)),
        ("client_assertion", Some(assertion)),
    ];
    outcome(bench, &changes).await
}

#[tokio::test]
async fn a_secret_is_answered_as_the_codes_say() {
    let bench = Bench::small().await;
    let expired = bench.tenant.expired_client_secret().to_owned();
    let stranger = Uuid::new_v4().to_string();
    let cases: [Case<'_>; 8] = [
        (&[], (200, "", 0)),
        (&[("client_secret", Some("wrong"))], (401, "invalid_client", 7_000_215)),
        (&[("client_secret", Some(&expired))], (401, "invalid_client", 7_000_222)),
        (&[("client_secret", None)], (401, "invalid_client", 7_000_218)),
        (&[("client_id", Some(&stranger))], (400, "unauthorized_client", 700_016)),
        (
            &[("scope", Some("https://graph.microsoft.com/.default"))],
            (400, "invalid_resource", 500_011),
        ),
        (&[("scope", Some("User.Read"))], (400, "invalid_scope", 70011)),
        (&[("grant_type", Some("password"))], (400, "unsupported_grant_type", 70003)),
    ];
    for (changes, expected) in cases {
        let (status, error, code) = outcome(&bench, changes).await;
        assert_eq!((status, error.as_str(), code), expected, "{changes:?}");
    }
}

#[tokio::test]
async fn an_unknown_tenant_is_not_found() {
    let bench = Bench::small().await;
    let url = format!("{}/{}/oauth2/v2.0/token", bench.tenant.login_url(), Uuid::new_v4());
    let answer = bench.http.post(url).form(&[("grant_type", "x")]).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error_codes"], json!([90002]));
}

#[tokio::test]
async fn a_registered_certificate_is_accepted_in_both_algorithms() {
    let bench = Bench::small().await;
    let pem = bench.tenant.certificate_pem().to_owned();
    let modern = assertion(&bench.tenant, &pem, |_, _| {});
    assert_eq!(by_assertion(&bench, &modern).await.0, 200);
    let hash = thumbprint(&pem, &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY);
    let legacy = assertion(&bench.tenant, &pem, |header, claims| {
        *header = json!({ "alg": "RS256", "typ": "JWT", "x5t": format!("{hash}=") });
        claims["exp"] = json!(claims["exp"].as_f64().unwrap() - 0.5);
    });
    assert_eq!(by_assertion(&bench, &legacy).await.0, 200);
}

#[tokio::test]
async fn every_fault_of_an_assertion_has_its_code() {
    let bench = Bench::small().await;
    let tenant = &bench.tenant;
    let good = tenant.certificate_pem();
    let now = tenant.shared.clock.now().as_second();
    let wrong_alg = |header: &mut Value, _: &mut Value| header["alg"] = json!("RS256");
    let bent = |change: fn(&mut Value, i64), now: i64| {
        assertion(tenant, good, |_, claims| change(claims, now))
    };
    let mut forged = assertion(tenant, good, wrong_alg);
    forged.truncate(forged.len() - 8);
    let cases = [
        (forged, 700_027),
        (assertion(tenant, tenant.unregistered_certificate_pem(), |_, _| {}), 700_027),
        (assertion(tenant, tenant.expired_certificate_pem(), |_, _| {}), 700_027),
        (bent(|claims, _| claims["aud"] = json!("https://login.invalid/"), now), 700_023),
        (bent(|claims, _| claims["sub"] = json!(Uuid::new_v4()), now), 700_021),
        (bent(|claims, _| claims["iss"] = Value::Null, now), 700_021),
        (bent(|claims, now| claims["exp"] = json!(now - 4_000), now), 700_024),
        (bent(|claims, now| claims["nbf"] = json!(now + 400), now), 700_024),
        (bent(|claims, now| claims["exp"] = json!(now + 3_600), now), 700_024),
        ("not.a.token".to_owned(), 50027),
    ];
    for (assertion, code) in cases {
        let outcome = by_assertion(&bench, &assertion).await;
        assert_eq!(outcome, (401, "invalid_client".to_owned(), code), "{assertion}");
    }
    let late = assertion(&bench.tenant, good, |_, _| {});
    bench.tenant.shift_clock(SignedDuration::from_hours(1));
    assert_eq!(by_assertion(&bench, &late).await.2, 700_024);
}

#[tokio::test]
async fn a_token_tells_who_it_is_for() {
    let bench = Bench::small().await;
    bench.grant(&["Group.Read.All"]);
    let token = bench.token().await;
    let claims = token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["roles"], json!(["Group.Read.All"]));
    assert_eq!(claims["tid"], json!(bench.tenant.tenant_id()));
    assert_eq!(claims["appid"], json!(bench.tenant.client_id()));
    assert_eq!(claims["aud"], json!(bench.tenant.graph_url()));
    assert_eq!(token.split('.').count(), 3);
}

#[tokio::test]
async fn the_metadata_leads_to_the_token_endpoint() {
    let bench = Bench::small().await;
    let id = bench.tenant.tenant_id();
    let url = format!("{}/{id}/v2.0/.well-known/openid-configuration", bench.tenant.login_url());
    let metadata: Value = bench.http.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(metadata["token_endpoint"], json!(bench.token_url()));
}

#[tokio::test]
async fn a_token_that_is_missing_unknown_revoked_or_old_is_refused() {
    let bench = Bench::small().await;
    let status = async |token: &str| {
        let answer = bench.try_get(token, "/v1.0/groups").await.unwrap();
        let challenge = answer.headers().contains_key("www-authenticate");
        let status = answer.status().as_u16();
        assert_eq!(challenge, status == 401);
        status
    };
    let token = bench.token().await;
    assert_eq!(status(&token).await, 200);
    assert_eq!(status("").await, 401);
    assert_eq!(status("a.b.c").await, 401);
    bench.tenant.revoke_tokens();
    assert_eq!(status(&token).await, 401);
    bench.tenant.set_token_lifetime(SignedDuration::from_secs(60));
    let short = bench.token().await;
    assert_eq!(status(&short).await, 200);
    bench.tenant.shift_clock(SignedDuration::from_secs(61));
    assert_eq!(status(&short).await, 401);
}

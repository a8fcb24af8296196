//! The credentials, and when each of them ends: a credential that ends unnoticed stops everything.

use jiff::{SignedDuration, Timestamp};

use crate::discover::{Code, CredentialEnd, Estate, Problem, Told, Value, fact, text};

/// Below this a credential is to be renewed: a month is time for a change that needs a permission.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

pub(super) fn tell(estate: &Estate<'_>, told: &mut Told) {
    let facts = estate.credentials.iter().map(|one| fact(name(one.word), describe(one))).collect();
    told.section("credentials", facts);
    for problem in estate.credentials.iter().filter_map(|one| problem(one, estate.now)) {
        told.problem(problem);
    }
}

/// What a credential is called among people.
fn name(word: &str) -> String {
    match word {
        "tenant_ca" => "CA of the tenant".to_owned(),
        "directory_ca" => "CA of the directory".to_owned(),
        word => word.replace('_', " "),
    }
}

fn describe(one: &CredentialEnd) -> Value {
    let place = one.file.as_ref().map_or_else(String::new, |file| format!("{file}, "));
    text(match (one.word, one.expires) {
        (_, Some(end)) => format!("{place}ends {end:.0}"),
        ("client_secret", None) => format!(
            "{place}does not say when it ends; the tenant does (App registrations, Certificates & \
             secrets)"
        ),
        ("bind_password", None) => format!(
            "{place}does not say when it ends; the domain's password policy does \
             (msDS-UserPasswordExpiryTimeComputed of the account)"
        ),
        ("keytab", None) => format!("{place}ends when the account's password is changed"),
        ("managed_identity", None) => "renewed by the platform".to_owned(),
        (_, None) => format!("{place}does not say when it ends"),
    })
}

/// A federated token lives for hours and is renewed by the platform: that is no problem.
fn problem(one: &CredentialEnd, now: Timestamp) -> Option<Problem> {
    let end = one.expires.filter(|_| one.word != "federated_token")?;
    let left = end.duration_since(now);
    let file = one.file.as_deref().unwrap_or_default();
    let what = if left <= SignedDuration::ZERO {
        format!("{file} ended {end:.0}")
    } else if left < SOON {
        format!("{file} ends {end:.0}, in {} days", left.as_hours() / 24)
    } else {
        return None;
    };
    Some(Problem::new(Code::CredentialEnds, name(one.word), what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_a_problem_from_thirty_days_before_its_end() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let told = |word, hours| {
            let expires = Some(now + SignedDuration::from_hours(hours));
            let one = CredentialEnd { word, file: Some("/c.pem".to_owned()), expires };
            problem(&one, now).map(|problem| problem.what)
        };
        assert_eq!(told("certificate", 30 * 24), None);
        assert_eq!(
            told("certificate", 30 * 24 - 1).unwrap(),
            "/c.pem ends 2026-01-30T23:00:00Z, in 29 days"
        );
        assert_eq!(told("tenant_ca", -1).unwrap(), "/c.pem ended 2025-12-31T23:00:00Z");
        assert_eq!(told("federated_token", 1), None);
        let endless = CredentialEnd { word: "client_secret", file: None, expires: None };
        assert_eq!(problem(&endless, now), None);
    }
}

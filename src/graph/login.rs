//! What the login says when it refuses, turned into what a person can mend.
//!
//! Input: the body of a refused token request and which files were shown. Output: one sentence
//! that names the file or setting. The numbers are those of
//! learn.microsoft.com/entra/identity-platform/reference-error-codes and of azure-identity's
//! troubleshooting guide; programs act on them only to choose a sentence.

use serde::Deserialize;

/// The longest piece of Microsoft's own text that is repeated, characters.
const QUOTE_MAX: usize = 300;

/// A refusal (learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
    #[serde(default)]
    error_codes: Vec<u32>,
}

impl Refusal {
    /// The number behind `AADSTS`.
    pub(super) fn code(&self) -> Option<u32> {
        let text = || {
            let rest = self.error_description.as_deref()?.split_once("AADSTS")?.1;
            let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
            rest.get(..digits)?.parse().ok()
        };
        self.error_codes.first().copied().or_else(text)
    }

    /// Whether trying again soon can help.
    pub(super) fn is_transient(&self) -> bool {
        const TRANSIENT: [u32; 6] = [90006, 90012, 90024, 90033, 90055, 90090];
        self.error == "temporarily_unavailable"
            || self.code().is_some_and(|code| TRANSIENT.contains(&code))
    }

    /// What to mend, with the first line of what the login said. `files` names what was shown.
    pub(super) fn advice(&self, files: &str) -> String {
        let said = self.first_line();
        match self.code().and_then(|code| sentence(code, files)) {
            Some(sentence) => format!("{sentence} (the login says: {said})"),
            None => format!(
                "the login refuses the application; check tenant.id, tenant.clientId and {files} \
                 (the login says: {said})"
            ),
        }
    }

    /// The first line of the description, without ids and control characters.
    fn first_line(&self) -> String {
        let text = self.error_description.as_deref().unwrap_or(&self.error);
        let line = text.lines().next().unwrap_or_default();
        let line = line.split(" Trace ID:").next().unwrap_or_default().trim();
        line.chars().filter(|letter| !letter.is_control()).take(QUOTE_MAX).collect()
    }
}

fn sentence(code: u32, files: &str) -> Option<String> {
    Some(match code {
        7_000_215 => {
            format!("{files} is wrong (often the secret's id was pasted instead of its value)")
        }
        7_000_222 => format!("{files} has expired; make a new one and put it into the file"),
        700_016 | 70_001 | 700_011 | 700_021 => {
            "the tenant has no such application; check tenant.clientId and tenant.id".to_owned()
        }
        7_000_112 => "the application is disabled in the tenant; enable it there".to_owned(),
        700_027 => format!(
            "{files} is not registered on the application, has expired, or does not belong to \
             the private key"
        ),
        700_030 => format!("the subject of {files} is not authorised on the application"),
        700_023 => "the login host or tenant is not the one meant; check tenant.loginUrl and \
                    tenant.id"
            .to_owned(),
        700_024 => format!("this machine's clock is wrong, or {files} has ended; mend either"),
        70_021 => format!(
            "the application trusts no federated credential that fits {files}; add one with \
             these values to the application"
        ),
        700_211 => federated("issuer", files),
        700_212 => federated("audience", files),
        700_213 => federated("subject", files),
        7_002_138 => format!(
            "the application has a federated credential whose subject differs in capital letters \
             from {files}; write it there letter by letter"
        ),
        70_011 | 28_002 => "the scope is wrong; check tenant.scope".to_owned(),
        500_011 | 50_001 => {
            "the tenant does not know the resource of tenant.scope, or has disabled it".to_owned()
        }
        90_002 | 900_023 => {
            "there is no such tenant; check tenant.id and tenant.loginUrl".to_owned()
        }
        90_038 => "the tenant belongs to another national cloud; check tenant.cloud".to_owned(),
        53_003 => "Conditional Access of the tenant blocks the application".to_owned(),
        50_196 => "the application asks for tokens too often; is another program using the \
                   same tenant.clientId?"
            .to_owned(),
        _ => return None,
    })
}

/// Issuer, subject and audience of a token have to be those of one federated credential, letter by
/// letter (learn.microsoft.com/entra/workload-id/workload-identity-federation).
fn federated(claim: &str, files: &str) -> String {
    format!(
        "no federated credential of the application has the {claim} of {files}; mend it there, or \
         the {claim} of the token where it is issued"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(code: u32, text: &str) -> Refusal {
        serde_json::from_value(json!({ "error": "invalid_client", "error_codes": [code],
            "error_description": format!("AADSTS{code}: {text}\r\nTrace ID: 1\r\nTimestamp: 2") }))
        .unwrap()
    }

    #[test]
    fn every_known_refusal_names_what_mends_it() {
        let file = "the client secret in /run/secret";
        for (code, names) in [
            (7_000_215, "/run/secret"),
            (7_000_222, "/run/secret"),
            (700_016, "tenant.clientId"),
            (700_027, "/run/secret"),
            (700_030, "/run/secret"),
            (700_021, "tenant.clientId"),
            (700_023, "tenant.loginUrl"),
            (700_024, "clock"),
            (70_021, "federated credential"),
            (700_211, "the issuer of"),
            (700_212, "the audience of"),
            (700_213, "the subject of"),
            (7_002_138, "capital letters"),
            (70_011, "tenant.scope"),
            (28_002, "tenant.scope"),
            (500_011, "tenant.scope"),
            (90_002, "tenant.id"),
            (900_023, "tenant.id"),
            (90_038, "tenant.cloud"),
            (53_003, "Conditional Access"),
            (50_196, "tenant.clientId"),
            (123, "tenant.clientId"),
        ] {
            let refusal = refusal(code, "Said so.");
            let advice = refusal.advice(file);
            assert!(advice.contains(names), "{advice}");
            assert!(advice.ends_with(&format!("(the login says: AADSTS{code}: Said so.)")));
            assert!(!refusal.is_transient());
        }
    }

    #[test]
    fn transient_refusals_are_told_from_the_others() {
        for code in [90_006, 90_012, 90_024, 90_033, 90_055, 90_090] {
            assert!(refusal(code, "Later.").is_transient());
        }
    }

    #[test]
    fn the_number_is_found_in_the_text_when_it_is_nowhere_else() {
        let text = json!({ "error": "invalid_client", "error_description": "AADSTS7000222: Old." });
        let refusal: Refusal = serde_json::from_value(text).unwrap();
        assert_eq!(refusal.code(), Some(7_000_222));
    }

    #[test]
    fn what_the_login_says_is_cut_and_cleaned() {
        let refusal = refusal(1, &format!("\u{1b}[31m{}", "x".repeat(1000)));
        let advice = refusal.advice("the file");
        assert!(!advice.contains('\u{1b}') && advice.len() < 500);
    }
}

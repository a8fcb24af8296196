//! What can go wrong with the tenant, in words that say what the caller or a person can do.
//!
//! Input: transport errors, statuses, bodies. Output: [`GraphError`] and, for the controller,
//! the [`Fault`] it stands for. No text in here carries a secret, a token or a whole URL.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Duration;

use crate::graph::Endpoint;
use crate::model::TenantId;
use crate::model::cloud::Unread;
use crate::retry::Fault;

/// Why the tenant did not tell what was asked.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// A setting or a file it names cannot be used: mend it.
    #[error("use {setting}: {problem}")]
    Configuration {
        /// The setting, with the file it names.
        setting: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The login or Graph refuses the credential: mend what the text names.
    #[error("{}: {advice}", Endpoint::Token)]
    Refused {
        /// The number behind `AADSTS`.
        code: Option<u32>,
        /// What to mend, and the first line of what the login said.
        advice: String,
    },
    /// The token is for another tenant than the configured one.
    #[error(
        "use the token: it was issued for tenant {issued}, and tenant.id is {configured}; \
         one of tenant.id and tenant.loginUrl is wrong"
    )]
    WrongTenant {
        /// The tenant that issued the token.
        issued: TenantId,
        /// The tenant of the configuration.
        configured: TenantId,
    },
    /// 403: the application may not ask this.
    #[error("{endpoint}: {advice}")]
    MissingRight {
        /// What was asked.
        endpoint: Endpoint,
        /// The right to grant.
        right: &'static str,
        /// The right to grant and those that would do as well.
        advice: String,
    },
    /// 429: the tenant asks for a slower pace.
    #[error("{endpoint}: Graph throttles this application{}", wait(*.retry_after))]
    Throttled {
        /// What was asked.
        endpoint: Endpoint,
        /// How long to leave it alone.
        retry_after: Option<Duration>,
    },
    /// 5xx: the other side is out of order for now.
    #[error(
        "{endpoint}: the tenant is out of order for now (status {status}){}",
        wait(*.retry_after)
    )]
    Unavailable {
        /// What was asked.
        endpoint: Endpoint,
        /// The status.
        status: u16,
        /// How long to leave it alone.
        retry_after: Option<Duration>,
    },
    /// No connection, a reset, or no answer in time.
    #[error("{endpoint}: {host} gives no answer; {}", .endpoint.silence())]
    Unreachable {
        /// What was asked.
        endpoint: Endpoint,
        /// Who does not answer.
        host: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The host shows a certificate that is not accepted.
    #[error("{endpoint}: {host} {problem}")]
    Untrusted {
        /// What was asked.
        endpoint: Endpoint,
        /// Who shows it.
        host: String,
        /// What is wrong with it and what to mend.
        problem: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// An answer came, but none of Graph's: cut, a web page, other JSON.
    #[error("{endpoint}: {problem}")]
    Unreadable {
        /// What was asked.
        endpoint: Endpoint,
        /// What is wrong with it.
        problem: String,
    },
    /// A next link leads away from the configured host; it was not requested.
    #[error(
        "{endpoint}: the answer's next page lies on another host ({host}), which gets no token"
    )]
    ForeignNextLink {
        /// What was asked.
        endpoint: Endpoint,
        /// Where it leads.
        host: String,
    },
    /// The pages come to no end.
    #[error("{endpoint}: {problem}")]
    Endless {
        /// What was asked.
        endpoint: Endpoint,
        /// Which limit was met.
        problem: String,
    },
    /// `Directory_ExpiredPageToken`: the enumeration has to start again.
    #[error("{endpoint}: the tenant forgot the enumeration's place again and again")]
    ExpiredPage {
        /// What was asked.
        endpoint: Endpoint,
    },
    /// Graph itself says that the object does not exist.
    #[error("{endpoint}: the tenant has no such object (any more)")]
    NotFound {
        /// What was asked.
        endpoint: Endpoint,
    },
    /// A status nobody expects here.
    #[error("{endpoint}: the answer has status {status} {detail}")]
    Unexpected {
        /// What was asked.
        endpoint: Endpoint,
        /// The status.
        status: u16,
        /// Graph's error code and request id, or what came instead.
        detail: String,
    },
}

impl GraphError {
    /// The failure as the controller sees it.
    pub fn fault(&self) -> Fault {
        Fault {
            reason: self.word(),
            transient: self.is_transient(),
            retry_after: self.retry_after(),
            message: format!("could not {}", self.whole()),
        }
    }

    /// A bounded word for metrics and conditions.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Configuration { .. } => "configuration",
            Self::Refused { .. } => "credential_refused",
            Self::WrongTenant { .. } => "wrong_tenant",
            Self::MissingRight { .. } => "missing_right",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
            Self::Unreachable { .. } => "unreachable",
            Self::Untrusted { .. } => "untrusted",
            Self::Unreadable { .. } => "unreadable",
            Self::ForeignNextLink { .. } => "foreign_next_link",
            Self::Endless { .. } => "endless",
            Self::ExpiredPage { .. } => "expired_page",
            Self::NotFound { .. } => "not_found",
            Self::Unexpected { .. } => "unexpected",
        }
    }

    /// Whether a later pass may succeed without anybody mending anything.
    fn is_transient(&self) -> bool {
        match self {
            Self::Configuration { .. }
            | Self::Refused { .. }
            | Self::WrongTenant { .. }
            | Self::MissingRight { .. }
            | Self::Untrusted { .. }
            | Self::NotFound { .. } => false,
            Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::Unreachable { .. }
            | Self::Unreadable { .. }
            | Self::ForeignNextLink { .. }
            | Self::Endless { .. }
            | Self::ExpiredPage { .. } => true,
            Self::Unexpected { status, .. } => *status >= 500,
        }
    }

    /// Whether the same request is worth sending again within this pass.
    pub(super) fn is_worth_repeating(&self) -> bool {
        match self {
            Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::Unreachable { .. }
            | Self::Unreadable { .. } => true,
            Self::Configuration { .. }
            | Self::Refused { .. }
            | Self::WrongTenant { .. }
            | Self::MissingRight { .. }
            | Self::Untrusted { .. }
            | Self::ForeignNextLink { .. }
            | Self::Endless { .. }
            | Self::ExpiredPage { .. }
            | Self::NotFound { .. }
            | Self::Unexpected { .. } => false,
        }
    }

    /// Whether every other request would fail the same way.
    pub(super) fn concerns_everything(&self) -> bool {
        match self {
            Self::Configuration { .. }
            | Self::Refused { .. }
            | Self::WrongTenant { .. }
            | Self::Untrusted { .. } => true,
            Self::MissingRight { .. }
            | Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::Unreachable { .. }
            | Self::Unreadable { .. }
            | Self::ForeignNextLink { .. }
            | Self::Endless { .. }
            | Self::ExpiredPage { .. }
            | Self::NotFound { .. }
            | Self::Unexpected { .. } => false,
        }
    }

    /// How long the tenant asked to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                *retry_after
            }
            Self::Configuration { .. }
            | Self::Refused { .. }
            | Self::WrongTenant { .. }
            | Self::MissingRight { .. }
            | Self::Unreachable { .. }
            | Self::Untrusted { .. }
            | Self::Unreadable { .. }
            | Self::ForeignNextLink { .. }
            | Self::Endless { .. }
            | Self::ExpiredPage { .. }
            | Self::NotFound { .. }
            | Self::Unexpected { .. } => None,
        }
    }

    /// The failure as the reason why one thing is unread.
    pub(super) fn unread(&self) -> Unread {
        Unread { reason: format!("writeback could not {}", self.whole()) }
    }

    /// The text with its sources.
    fn whole(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        // A chain of reqwest, hyper, TLS and socket errors has five links.
        for _ in 0..8 {
            let Some(error) = source else { break };
            let part = error.to_string();
            if !text.contains(&part) {
                // Writing to a string cannot fail.
                let _ = write!(text, ": {part}");
            }
            source = error.source();
        }
        text
    }
}

fn wait(retry_after: Option<Duration>) -> String {
    match retry_after {
        Some(Duration::MAX) => " for longer than can be said".to_owned(),
        Some(wait) => format!(" for {:.1} s", wait.as_secs_f64()),
        None => String::new(),
    }
}

/// What a host's certificate lacks, if that is why the connection failed.
pub(super) fn certificate_problem(
    endpoint: Endpoint,
    error: &(dyn Error + 'static),
) -> Option<String> {
    use rustls::CertificateError as Bad;
    let rustls::Error::InvalidCertificate(bad) = find_tls_error(error)? else { return None };
    let setting = endpoint.host_setting();
    Some(if *bad == Bad::UnknownIssuer {
        "shows a certificate of an unknown authority; if that is a private authority or a proxy \
         that opens TLS, name its PEM file in tenant.caFile"
            .to_owned()
    } else if matches!(bad, Bad::NotValidForName | Bad::NotValidForNameContext { .. }) {
        format!("shows a certificate for other host names; check {setting}")
    } else if matches!(bad, Bad::Expired | Bad::ExpiredContext { .. }) {
        "shows an expired certificate; renew it there, or set this machine's clock".to_owned()
    } else if matches!(bad, Bad::NotValidYet | Bad::NotValidYetContext { .. }) {
        "shows a certificate that is not valid yet; set this machine's clock".to_owned()
    } else {
        format!("shows a certificate that is not accepted; check {setting} and tenant.caFile")
    })
}

/// The TLS error inside a chain. `io::Error` hides what it wraps from `source`, so it is opened.
fn find_tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    // A chain of reqwest, hyper, TLS and socket errors has five links.
    for _ in 0..16 {
        let error = next?;
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn problem(bad: rustls::CertificateError) -> String {
        let error = io::Error::other(io::Error::other(rustls::Error::InvalidCertificate(bad)));
        certificate_problem(Endpoint::Token, &error).unwrap()
    }

    #[test]
    fn a_certificate_problem_names_the_setting_that_mends_it() {
        assert!(problem(rustls::CertificateError::UnknownIssuer).contains("tenant.caFile"));
        assert!(problem(rustls::CertificateError::NotValidForName).contains("tenant.loginUrl"));
        assert!(problem(rustls::CertificateError::Expired).contains("clock"));
        assert!(certificate_problem(Endpoint::Token, &io::Error::other("reset")).is_none());
    }

    #[test]
    fn a_fault_keeps_the_wait_and_the_sources() {
        let throttled = GraphError::Throttled {
            endpoint: Endpoint::Members,
            retry_after: Some(Duration::from_millis(2128)),
        };
        let fault = throttled.fault();
        assert_eq!((fault.reason, fault.transient), ("throttled", true));
        assert_eq!(fault.retry_after, Some(Duration::from_millis(2128)));
        assert_eq!(
            fault.message,
            "could not read the members of a group: Graph throttles this application for 2.1 s"
        );
        let unreachable = GraphError::Unreachable {
            endpoint: Endpoint::Groups,
            host: "graph.microsoft.com".to_owned(),
            source: io::Error::other("connection refused").into(),
        };
        assert!(unreachable.fault().message.ends_with(": connection refused"));
    }
}

//! The accounts that a domain makes for its clients, with their passwords.
//!
//! Input: the seed of the domain, by `Domain::start`. Output: what a client binds with.

/// An account that can bind.
#[derive(Clone)]
pub struct Credentials {
    /// Distinguished name.
    pub dn: String,
    /// `CORP\name`.
    pub account_name: String,
    /// `name@corp.example`.
    pub principal_name: String,
    /// The password; it is not part of any `Debug` text.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Credentials").field("dn", &self.dn).finish_non_exhaustive()
    }
}

//! The LDAP name of an attribute: ours by constant, others by policy.
//!
//! Written in changes and operations, asked for in reads.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// An attribute's LDAP display name, as the schema spells it or as a policy writes it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AttributeName(Cow<'static, str>);

impl AttributeName {
    /// The longest name taken (schema attribute `lDAPDisplayName`, rangeUpper 256).
    pub const CHARACTERS_MAX: usize = 256;

    /// A name from a policy: a letter, then letters, digits and hyphens (RFC 4512 1.4,
    /// `keystring`).
    pub fn parse(text: &str) -> Option<Self> {
        let starts = text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic());
        let keystring = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let fits = text.len() <= Self::CHARACTERS_MAX;
        (starts && keystring && fits).then(|| Self(Cow::Owned(text.to_owned())))
    }
}

impl AttributeName {
    /// A name that is told and never asked for: what a reversal is about.
    pub fn told(text: &str) -> Self {
        Self(Cow::Owned(text.to_owned()))
    }
}

impl From<&'static str> for AttributeName {
    fn from(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }
}

impl Deref for AttributeName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for AttributeName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for AttributeName {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for AttributeName {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

//! The subtrees that may be written, and the only way to name an object inside them.
//!
//! A `Target` is what a directory operation is aimed at. Its constructor is private to this
//! file: what lies outside the configured containers cannot be expressed.

use std::fmt;

use crate::defence::stands;
use crate::model::{Dn, ObjectGuid};

/// `directory.containers`: full DNs, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Containers(Vec<Dn>);

impl Containers {
    /// Takes the configured DNs; duplicates are kept as they are.
    pub fn new(dns: Vec<Dn>) -> Self {
        Self(dns)
    }

    /// The containers in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Dn> {
        self.0.iter()
    }

    /// Whether `dn` is one of the containers or lies below one.
    pub fn hold(&self, dn: &Dn) -> bool {
        self.0.iter().any(|container| dn.is_within(container))
    }

    /// Names a new object; `None` unless its parent is a container or lies below one.
    pub fn admit_new(&self, dn: Dn) -> Option<Target> {
        self.below(&dn).then_some(Target { object: None, dn })
    }

    /// Names an existing object that was seen at `dn`; `None` when that is outside.
    pub fn admit(&self, object: ObjectGuid, dn: Dn) -> Option<Target> {
        self.below(&dn).then_some(Target { object: Some(object), dn })
    }

    fn below(&self, dn: &Dn) -> bool {
        dn.parent().is_some_and(|parent| self.hold(&parent)) || !stands("H56")
    }
}

/// An object inside the containers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Target {
    object: Option<ObjectGuid>,
    dn: Dn,
}

impl Target {
    /// The object's GUID; `None` before it is created.
    pub fn object(&self) -> Option<ObjectGuid> {
        self.object
    }

    /// Where it is, or will be created.
    pub fn dn(&self) -> &Dn {
        &self.dn
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.dn.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outside_the_containers_can_be_named() {
        let dn = |text: &str| Dn::parse(text).unwrap();
        let containers = Containers::new(vec![dn("OU=Groups,DC=corp,DC=example")]);
        assert!(containers.admit_new(dn("CN=a,OU=Groups,DC=corp,DC=example")).is_some());
        assert!(containers.admit_new(dn("CN=a,OU=x,OU=Groups,DC=corp,DC=example")).is_some());
        for outside in [
            "OU=Groups,DC=corp,DC=example",
            "CN=a,DC=corp,DC=example",
            "CN=a\\,OU=Groups,DC=corp,DC=example",
            "CN=a,OU=Groups,DC=other,DC=example",
        ] {
            assert_eq!(containers.admit_new(dn(outside)), None, "{outside}");
        }
    }
}

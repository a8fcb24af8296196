//! One LDAP request of a client, as both directories are sent it.

use crate::lab::child;

/// A universal security group (MS-ADTS 2.2.12).
pub(crate) const UNIVERSAL_SECURITY: i32 = -2_147_483_640;
/// A universal distribution group.
pub(crate) const UNIVERSAL_DISTRIBUTION: i32 = 8;

/// One LDAP request.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Add {
        dn: String,
        attributes: Vec<(&'static str, Vec<String>)>,
    },
    Modify {
        dn: String,
        changes: Vec<Change>,
    },
    Rename {
        dn: String,
        to: String,
        keep_old: bool,
        parent: Option<String>,
    },
    Delete {
        dn: String,
    },
    /// A modify of what may be deleted, with or without the control that shows deleted objects.
    Undelete {
        dn: String,
        changes: Vec<Change>,
        shown: bool,
    },
}

/// One change of a modify.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) verb: Verb,
    pub(crate) attribute: &'static str,
    pub(crate) values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Add,
    Delete,
    Replace,
}

pub(crate) fn change(verb: Verb, attribute: &'static str, values: &[&str]) -> Change {
    Change { verb, attribute, values: values.iter().map(|value| (*value).to_owned()).collect() }
}

impl Operation {
    /// Every name that the operation may have made or changed.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Self::Add { dn, .. }
            | Self::Modify { dn, .. }
            | Self::Delete { dn }
            | Self::Undelete { dn, .. } => vec![dn.clone()],
            Self::Rename { dn, to, parent, .. } => {
                let parent = parent.as_deref().unwrap_or_else(|| crate::lab::parent_of(dn));
                vec![dn.clone(), format!("{to},{parent}")]
            }
        }
    }
}

/// A DN as AD compares it, whatever its escaping.
pub(crate) fn plain(dn: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = dn.as_bytes().iter().copied().peekable();
    let hex = |octet: Option<&u8>| octet.and_then(|octet| char::from(*octet).to_digit(16));
    while let Some(octet) = rest.next() {
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        let Some(first) = rest.next() else { break };
        match (hex(Some(&first)), hex(rest.peek())) {
            (Some(high), Some(low)) => {
                octets.push(u8::try_from(high * 16 + low).unwrap());
                rest.next();
            }
            _ => octets.push(first),
        }
    }
    String::from_utf8_lossy(&octets).to_lowercase()
}

/// An add of a group without anything particular.
pub(crate) fn plain_group(name: &str, container: &str, kind: i32) -> Operation {
    let attributes = [
        ("objectClass", "group".to_owned()),
        ("sAMAccountName", format!("nesting-{name}")),
        ("groupType", kind.to_string()),
    ];
    let attributes = attributes.map(|(name, value)| (name, vec![value]));
    Operation::Add { dn: child(name, container), attributes: attributes.to_vec() }
}

/// Makes one group a member of another.
pub(crate) fn nest(parent: &str, member: &str, container: &str) -> Operation {
    let changes = vec![change(Verb::Add, "member", &[&child(member, container)])];
    Operation::Modify { dn: child(parent, container), changes }
}

/// A delete.
pub(crate) fn delete(name: &str, container: &str) -> Operation {
    Operation::Delete { dn: child(name, container) }
}

//! Operations from a seed: few names, so that they meet again and again.

use fastrand::Rng;

use crate::lab::{User, child};

/// groupType values (MS-ADTS 2.2.12).
pub(crate) const UNIVERSAL_SECURITY: i32 = -2_147_483_640;
const UNIVERSAL_DISTRIBUTION: i32 = 8;

/// Two differ only in case, one needs every kind of escaping.
const NAMES: [&str; 9] = [
    "Alpha",
    "ALPHA",
    "Beta, \"quoted\" + more",
    "#gamma; <delta> ",
    "back\\slash=equals",
    "Zo\u{eb} \u{1f680}",
    "Parentheses (all) * )",
    "Sixty-four characters are the most that a common name can have..",
    "eta",
];

const TEXTS: [&str; 6] =
    ["", "plain", "PLAIN", "Zo\u{eb} \u{1f680}", " blanks around ", "a,b+c\\2C"];

/// What the names are drawn from.
pub(crate) struct Pool {
    /// Delegated, delegated from above, not delegated.
    pub(crate) containers: [String; 3],
    /// The users of both directories.
    pub(crate) users: Vec<User>,
    /// DN of the domain.
    pub(crate) base: String,
}

/// One LDAP request.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Add { dn: String, attributes: Vec<(String, Vec<String>)> },
    Modify { dn: String, changes: Vec<Change> },
    Rename { dn: String, to: String, keep_old: bool, parent: Option<String> },
    Delete { dn: String },
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

impl Operation {
    /// Every name that the operation may have made or changed.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Self::Add { dn, .. } | Self::Modify { dn, .. } | Self::Delete { dn } => {
                vec![dn.clone()]
            }
            Self::Rename { dn, to, parent, .. } => {
                let parent = parent.as_deref().unwrap_or_else(|| crate::lab::parent_of(dn));
                vec![dn.clone(), format!("{to},{parent}")]
            }
        }
    }

    /// The values that a request gives an attribute.
    pub(crate) fn values(&self, attribute: &str) -> Vec<&str> {
        let values: Vec<&Vec<String>> = match self {
            Self::Add { attributes, .. } => {
                attributes.iter().filter(|one| one.0 == attribute).map(|one| &one.1).collect()
            }
            Self::Modify { changes, .. } => {
                let its = changes.iter().filter(|change| change.attribute == attribute);
                its.map(|change| &change.values).collect()
            }
            Self::Rename { .. } | Self::Delete { .. } => Vec::new(),
        };
        values.into_iter().flatten().map(String::as_str).collect()
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
    let attributes = attributes.map(|(name, value)| (name.to_owned(), vec![value]));
    Operation::Add { dn: child(name, container), attributes: attributes.to_vec() }
}

/// Makes one group a member of another.
pub(crate) fn nest(parent: &str, member: &str, container: &str) -> Operation {
    let values = vec![child(member, container)];
    let change = Change { verb: Verb::Add, attribute: "member", values };
    Operation::Modify { dn: child(parent, container), changes: vec![change] }
}

/// A delete.
pub(crate) fn delete(name: &str, container: &str) -> Operation {
    Operation::Delete { dn: child(name, container) }
}

/// A source of operations.
pub(crate) struct Drawing {
    rng: Rng,
}

impl Drawing {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed) }
    }

    pub(crate) fn operation(&mut self, pool: &Pool) -> Operation {
        match self.rng.u8(..100) {
            0..=29 => self.add(pool),
            30..=54 => self.modify(pool),
            55..=79 => self.members(pool),
            80..=92 => self.rename(pool),
            _ => Operation::Delete { dn: self.name(pool) },
        }
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.rng.u32(..count) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.rng.usize(..from.len())]
    }

    fn container(&mut self, pool: &Pool) -> String {
        match self.rng.u8(..30) {
            0 => pool.containers[2].clone(),
            1 => format!("OU=Missing,{}", pool.base),
            2..=9 => pool.containers[1].clone(),
            _ => pool.containers[0].clone(),
        }
    }

    /// The DN of a group that may or may not be there.
    fn name(&mut self, pool: &Pool) -> String {
        match self.rng.u8(..60) {
            0 => "no name at all".to_owned(),
            1 => format!("CN=p0001,OU=People,{}", pool.base),
            2 => format!("CN=Domain Admins,CN=Users,{}", pool.base),
            _ => {
                let (name, container) = (self.pick(&NAMES), self.container(pool));
                child(name, &container)
            }
        }
    }

    fn account_name(&mut self) -> String {
        match self.rng.u8(..30) {
            0 => "bad*name".to_owned(),
            1 => "p0001".to_owned(),
            2 => "Domain Admins".to_owned(),
            3 => "x".repeat(257),
            _ => format!("{}-{}", self.pick(&["diff", "DIFF"]), self.rng.u8(..14)),
        }
    }

    fn group_type(&mut self) -> String {
        match self.rng.u8(..24) {
            0 => "7".to_owned(),
            1 => "0".to_owned(),
            2 => "-2147483643".to_owned(),
            3 => "nonsense".to_owned(),
            4..=10 => UNIVERSAL_DISTRIBUTION.to_string(),
            _ => UNIVERSAL_SECURITY.to_string(),
        }
    }

    fn text(&mut self) -> String {
        match self.rng.u8(..12) {
            0 => "x".repeat(256),
            1 => "x".repeat(257),
            2 => "x".repeat(1025),
            _ => self.pick(&TEXTS).to_owned(),
        }
    }

    fn add(&mut self, pool: &Pool) -> Operation {
        let mut attributes = vec![
            ("objectClass".to_owned(), vec!["group".to_owned()]),
            ("sAMAccountName".to_owned(), vec![self.account_name()]),
            ("groupType".to_owned(), vec![self.group_type()]),
        ];
        let mut more = |name: &str, values: Vec<String>| attributes.push((name.to_owned(), values));
        if self.one_in(2) {
            more("displayName", vec![self.text()]);
        }
        if self.one_in(3) {
            more("extensionName", vec!["writeback/v1;x".to_owned(), "another".to_owned()]);
        }
        if self.one_in(3) {
            more("adminDescription", vec![self.text()]);
        }
        if self.one_in(3) {
            more("member", self.some_members(pool));
        }
        if self.one_in(12) {
            more("description", vec!["one".to_owned(), "two".to_owned()]);
        }
        match self.rng.u8(..40) {
            0 => more("noSuchAttribute", vec!["x".to_owned()]),
            1 => more("userAccountControl", vec!["512".to_owned()]),
            2 => attributes[0].1 = vec!["user".to_owned()],
            3 => attributes[0].1 = vec!["noSuchClass".to_owned()],
            _ => {}
        }
        Operation::Add { dn: self.name(pool), attributes }
    }

    fn modify(&mut self, pool: &Pool) -> Operation {
        let count = if self.one_in(4) { 2 } else { 1 };
        let changes = (0..count).map(|_| self.change()).collect();
        Operation::Modify { dn: self.name(pool), changes }
    }

    fn change(&mut self) -> Change {
        let verb = match self.rng.u8(..4) {
            0 => Verb::Add,
            1 => Verb::Delete,
            _ => Verb::Replace,
        };
        let attribute = match self.rng.u8(..40) {
            0 => "noSuchAttribute",
            1 => "objectGUID",
            2 => "cn",
            3 => "managedBy",
            4 => "userAccountControl",
            5 => "memberOf",
            6..=12 => "groupType",
            13..=17 => "sAMAccountName",
            18..=21 => "extensionName",
            22..=25 => "description",
            26..=29 => "info",
            30..=32 => "msDS-ExternalDirectoryObjectId",
            33..=35 => "adminDescription",
            _ => "displayName",
        };
        let value = match attribute {
            "groupType" => self.group_type(),
            "sAMAccountName" => self.account_name(),
            "managedBy" | "memberOf" => "CN=p0001,OU=People,DC=corp,DC=example".to_owned(),
            "userAccountControl" => "512".to_owned(),
            _ => self.text(),
        };
        let mut values = vec![value];
        match self.rng.u8(..12) {
            0 if verb != Verb::Add => values.clear(),
            1 => values.push("another".to_owned()),
            _ => {}
        }
        Change { verb, attribute, values }
    }

    fn members(&mut self, pool: &Pool) -> Operation {
        let verb = if self.one_in(3) { Verb::Delete } else { Verb::Add };
        let change = Change { verb, attribute: "member", values: self.some_members(pool) };
        Operation::Modify { dn: self.name(pool), changes: vec![change] }
    }

    /// One to three names, mostly of objects that are there.
    fn some_members(&mut self, pool: &Pool) -> Vec<String> {
        let mut values: Vec<String> = Vec::new();
        for _ in 0..self.rng.usize(1..=3) {
            let number = self.rng.usize(..pool.users.len());
            let user = &pool.users[number];
            values.push(match self.rng.u8(..40) {
                0 => format!("CN=nobody,OU=People,{}", pool.base),
                1 => "no name at all".to_owned(),
                2 => "<GUID=01234567-89ab-cdef-0123-456789abcdef>".to_owned(),
                3..=8 => format!("<GUID={}>", user.guid),
                9..=14 => format!("<SID=#{number}>"),
                15..=24 => {
                    let name = self.pick(&NAMES);
                    child(name, &pool.containers[0])
                }
                _ => user.dn.clone(),
            });
        }
        values.sort();
        values.dedup();
        values
    }

    fn rename(&mut self, pool: &Pool) -> Operation {
        let name = match self.rng.u8(..20) {
            0 => "x".repeat(65),
            _ => self.pick(&NAMES).to_owned(),
        };
        let to = match self.rng.u8(..30) {
            0 => "OU=Unit".to_owned(),
            1 => "nothing".to_owned(),
            _ => crate::lab::leaf_of(&child(&name, "")).to_owned(),
        };
        let parent = if self.one_in(2) { Some(self.container(pool)) } else { None };
        Operation::Rename { dn: self.name(pool), to, keep_old: self.one_in(20), parent }
    }
}

//! What a look at an object says about the values that one operation changes.
//!
//! Input: the changes of an operation, taken together by attribute, and the object as it was just
//! read. Output: whether it is as before or as after, for `single`.

use std::collections::BTreeSet;

use super::step::Seen;
use crate::model::{AttributeChange, AttributeName};

/// The multi-valued attributes that are written value by value, beside values of others.
const SHARED: [&str; 2] = ["extensionName", "proxyAddresses"];

/// Everything one operation does to one attribute.
#[derive(Debug)]
pub(super) struct ValueChange<'a> {
    pub(super) name: &'a AttributeName,
    going: BTreeSet<&'a str>,
    coming: BTreeSet<&'a str>,
}

/// The changes of an operation, attribute by attribute.
pub(super) fn by_name(changes: &[AttributeChange]) -> Vec<ValueChange<'_>> {
    let names: BTreeSet<&AttributeName> = changes.iter().map(|change| &change.name).collect();
    let mut all = Vec::new();
    for name in names {
        let own = || changes.iter().filter(|change| change.name == *name);
        all.push(ValueChange {
            name,
            going: own().filter_map(|change| change.before.as_deref()).collect(),
            coming: own().filter_map(|change| change.after.as_deref()).collect(),
        });
    }
    all
}

impl ValueChange<'_> {
    /// What should come is there, byte for byte, and what should go is not.
    pub(super) fn is_after(&self, seen: &Seen) -> bool {
        let values = values(self.name, seen);
        self.coming.is_subset(&values)
            && self.going.difference(&self.coming).all(|gone| !values.contains(gone))
    }

    /// What should go is there, byte for byte, and nothing that stays would be in the way of what
    /// should come: any value of an attribute that holds one, an equal one of a shared attribute.
    /// The directory compares without case.
    pub(super) fn is_before(&self, seen: &Seen) -> bool {
        let values = values(self.name, seen);
        let mut staying = values.difference(&self.going);
        let shared = SHARED.iter().any(|name| self.name.eq_ignore_ascii_case(name));
        let in_the_way = |value: &&str| {
            !shared || self.coming.iter().any(|new| new.to_lowercase() == value.to_lowercase())
        };
        self.going.is_subset(&values) && !staying.any(in_the_way)
    }
}

fn values<'s>(name: &str, seen: &'s Seen) -> BTreeSet<&'s str> {
    seen.values(name).iter().map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Dn, ObjectGuid};

    type Values<'a> = &'a [&'a str];

    /// `-value` goes, `+value` comes.
    fn stands(name: &'static str, changes: Values<'_>, values: Values<'_>) -> (bool, bool) {
        let own = |text: &str| Some(text.to_owned());
        let change = |text: &&str| match text.strip_prefix('-') {
            Some(old) => AttributeChange { name: name.into(), before: own(old), after: None },
            None => AttributeChange { name: name.into(), before: None, after: own(&text[1..]) },
        };
        let changes: Vec<AttributeChange> = changes.iter().map(change).collect();
        let values: Vec<String> = values.iter().map(|text| (*text).to_owned()).collect();
        let seen = Seen {
            guid: ObjectGuid(uuid::Uuid::nil()),
            dn: Dn::parse("CN=a,DC=x").unwrap(),
            attributes: [(name.to_lowercase(), values)].into(),
            members: None,
        };
        let changes = by_name(&changes);
        let [change] = changes.as_slice() else { panic!("one attribute: {changes:?}") };
        (change.is_before(&seen), change.is_after(&seen))
    }

    const BEFORE: (bool, bool) = (true, false);
    const AFTER: (bool, bool) = (false, true);
    const NEITHER: (bool, bool) = (false, false);

    #[test]
    fn an_attribute_of_one_value_is_before_after_or_changed() {
        let stands = |changes, values| stands("description", changes, values);
        assert_eq!(stands(&["-old", "+new"], &["old"]), BEFORE);
        assert_eq!(stands(&["-old", "+new"], &["new"]), AFTER);
        assert_eq!(stands(&["-old", "+new"], &["other"]), NEITHER);
        assert_eq!(stands(&["-old", "+new"], &[]), NEITHER);
        assert_eq!(stands(&["+new"], &[]), BEFORE);
        assert_eq!(stands(&["+new"], &["other"]), NEITHER);
        assert_eq!(stands(&["-old"], &[]), AFTER);
        assert_eq!(stands(&["-OLD", "+old"], &["OLD"]), BEFORE);
        assert_eq!(stands(&["-OLD", "+old"], &["old"]), AFTER);
    }

    #[test]
    fn values_of_others_beside_shared_ones_are_in_nobodys_way() {
        let stands = |changes, values| stands("proxyAddresses", changes, values);
        assert_eq!(stands(&["+SMTP:a"], &["x500:1"]), BEFORE);
        assert_eq!(stands(&["+SMTP:a"], &["x500:1", "SMTP:a"]), AFTER);
        // Equal to the directory, which takes no second one.
        assert_eq!(stands(&["+SMTP:a"], &["smtp:A"]), NEITHER);
        assert_eq!(stands(&["-smtp:a", "+SMTP:a"], &["smtp:a", "SMTP:b"]), BEFORE);
        assert_eq!(stands(&["-smtp:a", "-SMTP:b", "+SMTP:a"], &["SMTP:a"]), AFTER);
        assert_eq!(stands(&["-smtp:a", "-SMTP:b", "+SMTP:a"], &["SMTP:a", "SMTP:b"]), NEITHER);
    }
}

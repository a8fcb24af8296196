//! The ownership record: our own mark on a directory group, one value of `extensionName`.
//!
//! `writeback/v1;owner=…;tenant=…;policy=…;id=<object id>;state=Filling|Active|…`, written in
//! the Add itself and read back by every pass.

use std::fmt;

use crate::model::{ObjectId, PolicyName, TenantId};

const VERSION: &str = "writeback/v1";
/// How every record of any version and owner starts.
pub const PREFIX: &str = "writeback/";
/// How the value of `extensionName` starts that tells an adopted group. It is no record: it starts
/// otherwise.
pub const ADOPTED: &str = "writeback-adopted/v1";

/// The mark of a group that was adopted for a cloud group. It stands beside the record: the name
/// and the place of a group that carries it are its administrators', whatever the policy says.
pub fn adopted_mark(id: ObjectId) -> String {
    format!("{ADOPTED};id={id}")
}

/// How far a written-back group has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordState {
    /// Created, its first members not all written yet.
    Filling,
    /// Filled once; kept as the policy says.
    Active,
    /// Out of use: made a distribution group because its cloud group left.
    Disabled,
    /// Moved to the quarantine container.
    Quarantined,
}

impl RecordState {
    const ALL: [Self; 4] = [Self::Filling, Self::Active, Self::Disabled, Self::Quarantined];

    /// The word in the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Filling => "Filling",
            Self::Active => "Active",
            Self::Disabled => "Disabled",
            Self::Quarantined => "Quarantined",
        }
    }
}

/// Who wrote a directory group, for which cloud group, under which policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnershipRecord {
    /// `metadata.name` of the daemon configuration that owns the group.
    pub owner: String,
    /// The tenant the cloud group lives in.
    pub tenant: TenantId,
    /// The policy that keeps the group.
    pub policy: PolicyName,
    /// The cloud group.
    pub id: ObjectId,
    /// How far it has come.
    pub state: RecordState,
}

impl OwnershipRecord {
    /// Reads a value of `extensionName`. `None` when it is not a record of this version, or a
    /// field is missing, doubled, unknown or malformed: such a value is somebody else's.
    pub fn parse(value: &str) -> Option<Self> {
        let mut parts = value.split(';');
        if parts.next()? != VERSION {
            return None;
        }
        let mut field = |name: &str| {
            parts.next()?.split_once('=').filter(|(key, _)| *key == name).map(|(_, text)| text)
        };
        let record = Self {
            owner: field("owner").filter(|owner| !owner.is_empty())?.to_owned(),
            tenant: TenantId::parse(field("tenant")?)?,
            policy: PolicyName::parse(field("policy")?)?,
            id: ObjectId::parse(field("id")?)?,
            state: {
                let word = field("state")?;
                RecordState::ALL.into_iter().find(|state| state.word() == word)?
            },
        };
        parts.next().is_none().then_some(record)
    }
}

impl fmt::Display for OwnershipRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, tenant, policy, id, state } = self;
        let state = state.word();
        write!(f, "{VERSION};owner={owner};tenant={tenant};policy={policy};id={id};state={state}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "writeback/v1;owner=corp;tenant=11111111-2222-3333-4444-555555555555;\
        policy=finance;id=01234567-89ab-cdef-0123-456789abcdef;state=Active";

    #[test]
    fn a_record_reads_as_it_was_written() {
        let record = OwnershipRecord::parse(TEXT).unwrap();
        assert_eq!(record.to_string(), TEXT);
        assert_eq!(record.state, RecordState::Active);
    }

    #[test]
    fn the_mark_of_an_adopted_group_is_no_record() {
        let id = ObjectId::parse("01234567-89ab-cdef-0123-456789abcdef").unwrap();
        let mark = adopted_mark(id);
        assert_eq!(mark, "writeback-adopted/v1;id=01234567-89ab-cdef-0123-456789abcdef");
        assert!(!mark.starts_with(PREFIX) && OwnershipRecord::parse(&mark).is_none());
    }

    #[test]
    fn what_is_not_exactly_a_record_is_nobodys() {
        for text in [
            "",
            "writeback/v2;owner=corp",
            "writeback/v1;owner=corp",
            &TEXT.replace("Active", "Sleeping"),
            &TEXT.replace("owner=corp", "owner="),
            &format!("{TEXT};extra=1"),
            &TEXT.replace(";policy=finance", ";policy=finance;policy=finance"),
        ] {
            assert_eq!(OwnershipRecord::parse(text), None, "{text}");
        }
    }
}

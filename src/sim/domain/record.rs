//! What the server saw: one line for every operation, and sums over them.
//!
//! Input: the session, after each operation. Output: what tests assert on, for instance that no
//! membership was ever replaced, or that ten passes wrote nothing.

/// The operation of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OperationKind {
    /// A bind.
    Bind,
    /// A search.
    Search,
    /// An add.
    Add,
    /// A modify.
    Modify,
    /// A rename or move.
    ModifyDn,
    /// A delete.
    Delete,
    /// Who am I, and every other extended operation.
    Extended,
}

impl OperationKind {
    /// Add, modify, modifyDN and delete.
    pub fn is_write(self) -> bool {
        match self {
            Self::Add | Self::Modify | Self::ModifyDn | Self::Delete => true,
            Self::Bind | Self::Search | Self::Extended => false,
        }
    }
}

/// How values of a modification are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Add these values.
    Add,
    /// Delete these values.
    Delete,
    /// Have exactly these values.
    Replace,
}

/// One attribute of an add or a modify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenChange {
    /// As the client spelt it.
    pub attribute: String,
    /// How its values are meant; `Add` in an add.
    pub verb: Verb,
    /// How many values.
    pub values: usize,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenOperation {
    /// Which connection, counted from the start of the server.
    pub connection: u64,
    /// Account name of the bind, for instance `CORP\svc-writeback`; empty before a bind.
    pub account: String,
    /// Which operation.
    pub kind: OperationKind,
    /// Target, search base or bind name, as the client sent it.
    pub dn: String,
    /// Filter of a search, or new name (and new parent) of a modifyDN.
    pub detail: String,
    /// Attributes of an add or a modify.
    pub changes: Vec<SeenChange>,
    /// Result code; `None` when a fault kept the operation from being executed.
    pub code: Option<u32>,
    /// Entries of a search.
    pub entries: usize,
    /// Whether the client was told.
    pub answered: bool,
}

impl SeenOperation {
    /// Whether the directory was changed.
    pub fn changed(&self) -> bool {
        self.kind.is_write() && self.code == Some(0)
    }
}

/// Sums over the operations since the start or since they were cleared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Binds, also failed ones.
    pub binds: usize,
    /// Searches; each page counts.
    pub searches: usize,
    /// Writes asked for, also refused ones.
    pub writes: usize,
    /// Writes that changed the directory.
    pub changes: usize,
    /// Modifications that replace `member`: there must never be one (KB818031).
    pub member_replacements: usize,
    /// Most values in one modify.
    pub largest_batch: usize,
}

impl Counters {
    /// Sums up.
    pub(super) fn of(operations: &[SeenOperation]) -> Self {
        let mut sum = Self::default();
        for operation in operations {
            match operation.kind {
                OperationKind::Bind => sum.binds += 1,
                OperationKind::Search => sum.searches += 1,
                OperationKind::Add
                | OperationKind::Modify
                | OperationKind::ModifyDn
                | OperationKind::Delete => sum.writes += 1,
                OperationKind::Extended => {}
            }
            sum.changes += usize::from(operation.changed());
            let replaces = |change: &&SeenChange| {
                change.verb == Verb::Replace && change.attribute.eq_ignore_ascii_case("member")
            };
            sum.member_replacements += operation.changes.iter().filter(replaces).count();
            if operation.kind == OperationKind::Modify {
                let batch = operation.changes.iter().map(|change| change.values).sum();
                sum.largest_batch = sum.largest_batch.max(batch);
            }
        }
        sum
    }
}

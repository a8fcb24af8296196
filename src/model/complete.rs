//! The witness that a read was whole: no removal is planned without it.
//!
//! A `Complete` can only be made by a `Reading` that reached its end, and only the observing
//! edges hold readings; `tests/architecture.rs` names the files that may call `finish`.

use jiff::Timestamp;

/// How a read showed that nothing is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The last page of a Graph collection carried no next link.
    NoNextLink,
    /// The directory answered result code 0 and left no paging cookie.
    NoCookie,
    /// The last range of a multi-valued attribute ended in `*` and the object had not moved.
    LastRange,
}

/// A read under way: what came so far. Dropped on any error, with all it held.
#[derive(Debug)]
pub struct Reading<T> {
    source: &'static str,
    begun: Timestamp,
    items: Vec<T>,
}

impl<T> Reading<T> {
    /// Starts a read of `source` at the time `begun`: the world may have changed since.
    pub fn begin(source: &'static str, begun: Timestamp) -> Self {
        Self { source, begun, items: Vec::new() }
    }

    /// Takes one page.
    pub fn page(&mut self, items: impl IntoIterator<Item = T>) {
        self.items.extend(items);
    }

    /// How many items came so far.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing came so far.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Ends the read. `end` says by what it is known to be whole.
    pub fn finish(self, end: End) -> Complete<Vec<T>> {
        Complete { source: self.source, begun: self.begun, end, value: self.items }
    }
}

/// A value that was read whole. Never deserialised, never built by hand.
#[derive(Debug, Clone)]
pub struct Complete<T> {
    source: &'static str,
    begun: Timestamp,
    end: End,
    value: T,
}

impl<T> Complete<T> {
    /// What was read.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// When the read began.
    pub fn begun(&self) -> Timestamp {
        self.begun
    }

    /// What was read, from where.
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// By what the read is known to be whole.
    pub fn end(&self) -> End {
        self.end
    }

    /// The same witness over a value made from this one.
    pub fn map<U>(self, shape: impl FnOnce(T) -> U) -> Complete<U> {
        let Self { source, begun, end, value } = self;
        Complete { source, begun, end, value: shape(value) }
    }
}

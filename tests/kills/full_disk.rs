//! No room for the journal in the middle of the work.

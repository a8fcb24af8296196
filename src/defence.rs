//! The defences against the hazards of `tests/hazards.toml`, each with its switch.
//!
//! In every build that is shipped a defence stands, and the question costs nothing. A test build
//! (feature `tripwire`) may take one away, to see the tests that prove it fail.

/// Whether the defence against a hazard stands.
#[cfg(not(feature = "tripwire"))]
#[inline]
pub const fn stands(_hazard: &str) -> bool {
    true
}

/// Whether the defence against a hazard stands: not, where `WRITEBACK_TRIPWIRE` names it.
#[cfg(feature = "tripwire")]
#[expect(clippy::disallowed_methods, reason = "a test build is told which defence to take away")]
pub fn stands(hazard: &str) -> bool {
    static FALLEN: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let fallen = FALLEN.get_or_init(|| std::env::var("WRITEBACK_TRIPWIRE").ok());
    fallen.as_deref() != Some(hazard)
}

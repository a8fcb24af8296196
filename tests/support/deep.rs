//! How many of what is drawn at random: as many as a change is waited for, or more where
//! `tests/run --deep` asks for it (`WRITEBACK_DEEP`).

/// More, so many times.
const TIMES: u64 = 5;

/// So many, or more where the tests dig deep.
#[expect(clippy::disallowed_methods, reason = "how deep the tests dig is said from outside")]
pub(crate) fn deep(usual: u64) -> u64 {
    let is_deep = std::env::var_os("WRITEBACK_DEEP").is_some_and(|word| !word.is_empty());
    if is_deep { usual * TIMES } else { usual }
}

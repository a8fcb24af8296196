//! YAML text to values, strictly, with line and column, every mistake of a file at once.
//!
//! Input: the bytes of one file. Output: what the caller builds from its fields, or the list of
//! all mistakes. Two layers: `tree` turns parser events into positioned nodes and refuses what
//! hides meaning (duplicate keys, anchors, merge keys, tags, second documents); `fields` reads
//! nodes field by field, each scalar through serde_yaml, and reports every unknown key.
//!
//! | input | answer |
//! |---|---|
//! | duplicate key, also in maps | refused at the second one |
//! | anchor, alias, merge key `<<`, tag, directive | refused; nothing is ever expanded |
//! | second document, empty document | refused |
//! | `yes`, `on`, `~`, floats, unquoted numbers where text is meant | refused with the remedy |
//! | nesting, nodes, bytes | limits below |

mod duration;
mod fields;
mod mistake;
mod scalar;
mod tree;
mod written;

pub use fields::{Fields, Value};
pub use mistake::{ConfigMistake, Mistake, Refusal, Spot, escaped, shown};
pub use tree::{BYTES_MAX, DEPTH_MAX, NODES_MAX};

use mistake::Mistakes;

/// Reads one file: `build` asks for the fields it knows; what it does not ask for is unknown.
///
/// `build` returns `None` only after a mistake was noted. The mistakes come sorted by place.
pub fn read<T>(
    bytes: &[u8],
    build: impl FnOnce(&mut Fields<'_>) -> Option<T>,
) -> Result<T, Vec<Mistake>> {
    let mistakes = Mistakes::default();
    let root = tree::parse(bytes, &mistakes);
    let answer = root.and_then(|root| Value::of_root(&root, &mistakes).fields(build));
    let found = mistakes.into_sorted();
    match answer {
        Some(value) if found.is_empty() => Ok(value),
        None if found.is_empty() => {
            let spot = Spot { line: 1, column: 1 };
            Err(vec![Mistake::at(spot, "the document gives no value", "rewrite the document")])
        }
        Some(_) | None => Err(found),
    }
}

/// The text of one top-level field, when the file is a mapping that has it: to tell kinds of
/// documents apart before the right reader is chosen.
pub fn peek(bytes: &[u8], key: &str) -> Option<String> {
    tree::parse(bytes, &Mistakes::default())?.top_level_text(key)
}

#[cfg(test)]
mod tests;

//! What the parser stumbles over, told in words of ours.
//!
//! Input: the text and the errors of the package `cel`. Output: a `Flaw` at the first character
//! that does not fit.

use cel::parser::ParseErrors;

use super::Flaw;
use crate::yaml::shown;

/// The first thing the parser stumbles over, told by what stands there: its own messages list the
/// tokens of a grammar.
pub(super) fn syntax_flaw(text: &str, errors: &ParseErrors) -> Flaw {
    let told = |error: &&cel::ParseError| !error.msg.starts_with(['I', 'N', 'U']);
    let first = errors.errors.iter().find(told).or(errors.errors.first());
    let (line, column) = first.map_or((1, 1), |error| error.pos);
    let at = character(text, line, column);
    let rest: String = text.chars().skip(at.saturating_sub(1)).collect();
    let message = first.map_or("", |error| error.msg.as_str());
    if rest.trim().is_empty() {
        return Flaw::new(
            at,
            "it ends where a value is expected",
            "complete it, or remove the last operator",
        );
    }
    let token = token(&rest);
    if message.starts_with("reserved identifier") {
        let message = format!("`{}` is a reserved word", shown(token));
        return Flaw::new(at, message, "choose another name");
    }
    if message.starts_with("invalid string") {
        let remedy = "write the character itself, or its number in Unicode: \\u00e9";
        return Flaw::new(at, "an escape in this text is no character", remedy);
    }
    if message.starts_with("invalid") && !token.starts_with(['\'', '"']) {
        let message = format!("`{}` is too large for a number", shown(token));
        return Flaw::new(at, message, "use a number of at most 64 bits");
    }
    let remedy = match token.chars().next() {
        Some('\'' | '"') => {
            "mend the text and its escapes; between two values write an operator: +, ==, &&"
        }
        Some('?') => "write a condition and both values: condition ? 'one' : 'other'",
        Some(',' | ')' | ']') => "write a value before it, or remove it",
        Some(first) if first.is_alphanumeric() || first == '_' => {
            "write an operator between two values: ==, &&, ||, +"
        }
        _ => "write a value before it and after it",
    };
    Flaw::new(at, format!("`{}` is not expected", shown(token)), remedy)
}

/// The parser counts lines from 1 and characters of a line from 1.
fn character(text: &str, line: isize, column: isize) -> usize {
    let lines = usize::try_from(line).unwrap_or(1).saturating_sub(1);
    let before: usize =
        text.split_inclusive('\n').take(lines).map(|line| line.chars().count()).sum();
    (before + usize::try_from(column).unwrap_or(1).max(1)).min(text.chars().count() + 1)
}

/// The word or sign that a text starts with.
fn token(rest: &str) -> &str {
    let word = rest.find(|one: char| !one.is_alphanumeric() && one != '_').unwrap_or(rest.len());
    let first = rest.chars().next().map_or(0, char::len_utf8);
    let two = ["==", "!=", "<=", ">=", "&&", "||"].iter().find(|sign| rest.starts_with(**sign));
    let end = if word > 0 { word } else { two.map_or(first, |sign| sign.len()) };
    rest.get(..end).unwrap_or(rest)
}

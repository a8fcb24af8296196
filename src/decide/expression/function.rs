//! The functions of expressions.
//!
//! Input: values the checker found to fit. Output: a value, or why there is none for these. The
//! answers are those of cel-go's standard library and of its strings extension, version 1.

use crate::model::expression::Function;

use super::value::Value;
use super::{Answer, Evaluation, Failure};

impl Evaluation<'_> {
    pub(super) fn call(
        &mut self,
        at: usize,
        function: Function,
        values: &[Value],
    ) -> Answer<Value> {
        let size: usize = values.iter().filter_map(Value::as_text).map(str::len).sum();
        self.charge(at, size / super::BYTES_OF_A_STEP)?;
        match (function, values) {
            (Function::Size, [Value::List(items)]) => Ok(number(items.len())),
            (Function::Join, [Value::List(items), rest @ ..]) => self.join(at, items, rest),
            (Function::Text, [Value::Truth(truth)]) => Ok(Value::text(&truth.to_string())),
            (Function::Text, [Value::Number(number)]) => Ok(Value::text(&number.to_string())),
            (_, [Value::Text(text), rest @ ..]) => self.of_text(at, function, text, rest),
            _ => Err(Failure::mistyped(at)),
        }
    }

    fn of_text(
        &mut self,
        at: usize,
        function: Function,
        text: &str,
        rest: &[Value],
    ) -> Answer<Value> {
        match (function, rest) {
            (Function::Contains, [Value::Text(part)]) => Ok(Value::Truth(text.contains(&**part))),
            (Function::StartsWith, [Value::Text(part)]) => {
                Ok(Value::Truth(text.starts_with(&**part)))
            }
            (Function::EndsWith, [Value::Text(part)]) => Ok(Value::Truth(text.ends_with(&**part))),
            (Function::IndexOf, [Value::Text(part)]) => Ok(position(text, text.find(&**part))),
            (Function::LastIndexOf, [Value::Text(part)]) => Ok(position(text, text.rfind(&**part))),
            (Function::LowerAscii, []) => Ok(Value::text(&text.to_ascii_lowercase())),
            (Function::UpperAscii, []) => Ok(Value::text(&text.to_ascii_uppercase())),
            (Function::Trim, []) => Ok(Value::text(text.trim())),
            (Function::Text, []) => Ok(Value::text(text)),
            (Function::Size, []) => Ok(number(text.chars().count())),
            (Function::Number, []) => match text.parse() {
                Ok(number) => Ok(Value::Number(number)),
                Err(_) => Err(Failure::new(at, "a text is not a whole number")),
            },
            (Function::CharAt, [Value::Number(index)]) => char_at(at, text, *index),
            (Function::Substring, [Value::Number(start)]) => substring(at, text, *start, None),
            (Function::Substring, [Value::Number(start), Value::Number(end)]) => {
                substring(at, text, *start, Some(*end))
            }
            (Function::Replace, [Value::Text(old), Value::Text(new)]) => {
                self.replace(at, text, old, new, None)
            }
            (Function::Replace, [Value::Text(old), Value::Text(new), Value::Number(most)]) => {
                self.replace(at, text, old, new, usize::try_from(*most).ok())
            }
            (Function::Split, [Value::Text(separator)]) => self.split(at, text, separator, None),
            (Function::Split, [Value::Text(separator), Value::Number(most)]) => {
                self.split(at, text, separator, usize::try_from(*most).ok())
            }
            _ => Err(Failure::mistyped(at)),
        }
    }

    fn join(&mut self, at: usize, items: &[Value], rest: &[Value]) -> Answer<Value> {
        let separator = rest.first().map_or(Some(""), Value::as_text);
        let texts: Option<Vec<&str>> = items.iter().map(Value::as_text).collect();
        let (Some(separator), Some(texts)) = (separator, texts) else {
            return Err(Failure::mistyped(at));
        };
        let bytes = texts.iter().map(|text| text.len()).sum::<usize>();
        self.room(at, bytes.saturating_add(separator.len().saturating_mul(texts.len())))?;
        Ok(Value::text(&texts.join(separator)))
    }

    /// `most` replacements; `None` is all.
    fn replace(
        &mut self,
        at: usize,
        text: &str,
        old: &str,
        new: &str,
        most: Option<usize>,
    ) -> Answer<Value> {
        let most = most.unwrap_or(usize::MAX);
        let times = text.matches(old).take(most).count();
        self.room(at, text.len().saturating_add(times.saturating_mul(new.len())))?;
        Ok(Value::text(&text.replacen(old, new, most)))
    }

    /// At most `most` parts, the last with what is left; an empty separator splits between
    /// characters.
    fn split(
        &mut self,
        at: usize,
        text: &str,
        separator: &str,
        most: Option<usize>,
    ) -> Answer<Value> {
        let most = most.unwrap_or(usize::MAX);
        let parts: Vec<Value> = if separator.is_empty() {
            characters(text, most).into_iter().map(Value::text).collect()
        } else {
            text.splitn(most, separator).map(Value::text).collect()
        };
        self.charge(at, parts.len())?;
        self.list(at, parts)
    }
}

fn characters(text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next().filter(|_| parts.len() < most) {
        let last = parts.len() + 1 == most;
        let (part, left) = rest.split_at(if last { rest.len() } else { character.len_utf8() });
        parts.push(part);
        rest = left;
    }
    parts
}

/// Lengths and positions are far below 2^63: texts and lists are bounded.
fn number(count: usize) -> Value {
    Value::Number(i64::try_from(count).unwrap_or(i64::MAX))
}

/// A position in bytes as one in code points; -1 when there is none.
fn position(text: &str, byte: Option<usize>) -> Value {
    match byte {
        Some(byte) => number(text.char_indices().take_while(|(index, _)| *index < byte).count()),
        None => Value::Number(-1),
    }
}

fn char_at(at: usize, text: &str, index: i64) -> Answer<Value> {
    let length = text.chars().count();
    match usize::try_from(index).ok().filter(|index| *index <= length) {
        Some(index) => {
            let character: String = text.chars().skip(index).take(1).collect();
            Ok(Value::text(&character))
        }
        None => Err(outside(at, index, length)),
    }
}

fn substring(at: usize, text: &str, start: i64, end: Option<i64>) -> Answer<Value> {
    let length = text.chars().count();
    let inside = |position: i64| {
        let within = usize::try_from(position).ok().filter(|position| *position <= length);
        within.ok_or_else(|| outside(at, position, length))
    };
    let first = inside(start)?;
    let last = end.map_or(Ok(length), inside)?;
    match last.checked_sub(first) {
        Some(count) => {
            let part: String = text.chars().skip(first).take(count).collect();
            Ok(Value::text(&part))
        }
        None => Err(Failure::new(at, format!("a part ends at {last}, before its start {first}"))),
    }
}

fn outside(at: usize, position: i64, length: usize) -> Failure {
    Failure::new(at, format!("a text of {length} characters has no position {position}"))
}

//! One scalar to a typed value, through serde_yaml, with an answer a person can act on.
//!
//! Input: the text of a node and whether it was quoted. Output: the value, or what is wrong and
//! what to write instead. Stricter than YAML 1.2: a text that some tools read as a number or a
//! truth value and others as text (`yes`, `0123`, `1.10`) is refused unless it is quoted.

use serde::de::DeserializeOwned;
use serde_yaml::Value;

use super::mistake::{Refusal, shown};
use super::tree::Scalar;

/// What an unquoted or quoted scalar is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Looks {
    /// Text without a second meaning.
    Text,
    /// `true` or `false`.
    Truth(bool),
    /// Decimal digits that fit.
    Whole(i64),
    /// A number in any other spelling, or one that does not fit.
    OtherNumber,
    /// `yes`, `on`, `True` …: truth values of YAML 1.1.
    OldTruth,
    /// Nothing, `~` or `null`.
    Nothing,
}

/// How a scalar looks to the tools that could read the file.
pub(super) fn looks(scalar: &Scalar) -> Looks {
    let text = scalar.text.as_str();
    if !scalar.plain {
        return Looks::Text;
    }
    match text {
        "true" => Looks::Truth(true),
        "false" => Looks::Truth(false),
        "" | "~" | "null" | "Null" | "NULL" => Looks::Nothing,
        _ if is_old_truth(text) => Looks::OldTruth,
        _ if is_decimal(text) => text.parse().map_or(Looks::OtherNumber, Looks::Whole),
        _ if is_other_number(text) => Looks::OtherNumber,
        _ => Looks::Text,
    }
}

fn is_old_truth(text: &str) -> bool {
    ["y", "n", "yes", "no", "on", "off", "true", "false"]
        .iter()
        .any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether the text is a decimal whole number in its one canonical spelling.
pub(super) fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}

/// Floats, infinities, signs, leading zeros, `0x`, `0o`, `0b` and `1_000`
/// (YAML 1.2.2, 10.3.2 and YAML 1.1, tag int).
fn is_other_number(text: &str) -> bool {
    let bare = text.strip_prefix(['-', '+']).unwrap_or(text);
    let word = bare.to_ascii_lowercase();
    if matches!(word.as_str(), ".inf" | ".nan") {
        return true;
    }
    if ["0x", "0o", "0b"].iter().any(|prefix| word.starts_with(prefix)) {
        return word.bytes().skip(2).all(|byte| byte.is_ascii_hexdigit() || byte == b'_');
    }
    let starts_as_number =
        word.bytes().find(|byte| *byte != b'.').is_some_and(|b| b.is_ascii_digit());
    let plain = word.replace('_', "");
    starts_as_number && plain.parse::<f64>().is_ok()
}

/// Reads a scalar as `T`: text, a truth value, a whole number, or an enum of plain words.
pub(super) fn read<T: DeserializeOwned>(scalar: &Scalar) -> Result<T, Refusal> {
    let value = match looks(scalar) {
        Looks::Text => Value::String(scalar.text.clone()),
        Looks::Truth(truth) => Value::Bool(truth),
        Looks::Whole(number) => Value::Number(number.into()),
        Looks::OtherNumber | Looks::OldTruth | Looks::Nothing => {
            return Err(explain(&wanted::<T>(), scalar));
        }
    };
    serde_yaml::from_value(value).map_err(|_| explain(&wanted::<T>(), scalar))
}

/// The words an enum accepts; empty for every other type.
pub(super) fn words_of<T: DeserializeOwned>() -> Vec<String> {
    match wanted::<T>() {
        Wanted::Word(words) => words,
        Wanted::Truth | Wanted::Text | Wanted::Whole => Vec::new(),
    }
}

enum Wanted {
    Truth,
    Text,
    Whole,
    Word(Vec<String>),
}

/// What a type accepts, found out by offering it one value of each kind: serde says it only in
/// the text of its errors.
fn wanted<T: DeserializeOwned>() -> Wanted {
    let takes = |value: Value| serde_yaml::from_value::<T>(value).is_ok();
    if takes(Value::Bool(true)) {
        return Wanted::Truth;
    }
    if takes(Value::Number(1.into())) {
        return Wanted::Whole;
    }
    match serde_yaml::from_value::<T>(Value::String(String::new())) {
        Ok(_) => Wanted::Text,
        Err(fault) => {
            let message = fault.to_string();
            let expected = message.split_once(", expected ").map_or("", |(_, expected)| expected);
            Wanted::Word(expected.split('`').skip(1).step_by(2).map(str::to_owned).collect())
        }
    }
}

fn explain(wanted: &Wanted, scalar: &Scalar) -> Refusal {
    let text = shown(&scalar.text);
    match wanted {
        Wanted::Truth if scalar.plain => {
            Refusal::new(format!("is `{text}`, not true or false"), "write true or false")
        }
        Wanted::Truth => Refusal::new(
            format!("is the text `{text}`, not true or false"),
            "write true or false without quotes",
        ),
        Wanted::Text => Refusal::new(
            format!("is `{text}` without quotes, which is read as a number or a truth value"),
            format!("write it in quotes: '{text}'"),
        ),
        Wanted::Whole => {
            Refusal::new(format!("is `{text}`, not a whole number"), "write digits without quotes")
        }
        Wanted::Word(words) => {
            Refusal::new(format!("is `{text}`, which is none of its values"), one_of(words, &text))
        }
    }
}

/// The values as a remedy, the nearest first when there is one.
pub(super) fn one_of<S: AsRef<str>>(words: &[S], written: &str) -> String {
    let list = words.iter().map(AsRef::as_ref).collect::<Vec<_>>();
    let all = match list.as_slice() {
        [only] => format!("the one value is {only}"),
        several => format!("the values are {}", several.join(", ")),
    };
    match nearest(written, list) {
        Some(near) => format!("did you mean `{near}`? {all}"),
        None => all,
    }
}

/// The known word a misspelt one was most likely meant to be: at most half of its letters
/// differ, without regard to case.
pub(super) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    /// No word of ours is longer; a longer text is no misspelling of one.
    const CHARACTERS_MAX: usize = 40;
    let length = written.chars().count();
    if length > CHARACTERS_MAX {
        return None;
    }
    known
        .into_iter()
        .map(|word| (distance(&written.to_lowercase(), &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= (length / 2).max(1) && *distance < word.len())
        .min()
        .map(|(_, word)| word)
}

/// Levenshtein distance: letters put in, left out or replaced.
fn distance(left: &str, right: &str) -> usize {
    let right = right.chars().collect::<Vec<_>>();
    let mut row = (0..=right.len()).collect::<Vec<_>>();
    for (index, a) in left.chars().enumerate() {
        let mut corner = index;
        let mut before = index + 1;
        let mut next = vec![before];
        for (b, above) in right.iter().zip(row.iter().skip(1)) {
            let replaced = corner + usize::from(a != *b);
            before = replaced.min(before + 1).min(*above + 1);
            corner = *above;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

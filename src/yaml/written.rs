//! How a scalar stands in its file, to say at which column one of its characters stands.
//!
//! Input: the value of a scalar and the text of the file from where it starts. Output: how far
//! each character is from that start, as long as the scalar stands on one line.

use saphyr_parser::ScalarStyle;

/// How a scalar stands in its file.
pub(super) enum Written {
    /// Without quotes, on one line.
    Plain,
    /// In quotes on one line, each character as itself.
    Quoted,
    /// In quotes on one line, some characters escaped: how wide each of them is.
    Escaped(Box<[u8]>),
    /// Over several lines.
    Lines,
}

impl Written {
    /// `source` is the text of the file from the first character of the scalar, or its quote.
    pub(super) fn of(style: ScalarStyle, text: &str, source: &str) -> Self {
        let quote = match style {
            ScalarStyle::Plain if source.starts_with(text) => return Self::Plain,
            ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => return Self::Lines,
            ScalarStyle::SingleQuoted => '\'',
            ScalarStyle::DoubleQuoted => '"',
        };
        let Some(inner) = source.strip_prefix(quote) else { return Self::Lines };
        let rest = inner.strip_prefix(text).filter(|_| !text.contains(quote));
        if rest.is_some_and(|rest| rest.starts_with(quote)) {
            return Self::Quoted;
        }
        match widths(inner, quote) {
            Some(widths) if widths.len() == text.chars().count() => Self::Escaped(widths.into()),
            Some(_) | None => Self::Lines,
        }
    }

    /// How many columns after the start of the scalar one of its characters stands, counted
    /// from 1; the one after the last is the end. `None` over several lines.
    pub(super) fn offset(&self, character: usize) -> Option<usize> {
        let before = character.saturating_sub(1);
        match self {
            Self::Plain => Some(before),
            Self::Quoted => Some(1 + before),
            Self::Escaped(widths) => {
                let widths = widths.iter().take(before).copied();
                Some(1 + widths.map(usize::from).sum::<usize>())
            }
            Self::Lines => None,
        }
    }
}

/// The widths of the characters up to the closing quote (YAML 1.2.2, 7.3.1, 7.3.2 and 5.7);
/// `None` when the quote is not closed on this line.
fn widths(inner: &str, quote: char) -> Option<Vec<u8>> {
    let mut widths = Vec::new();
    let mut rest = inner.chars().peekable();
    loop {
        let width = match rest.next()? {
            '\n' | '\r' => return None,
            one if one == quote => {
                if quote == '"' || rest.next_if_eq(&quote).is_none() {
                    return Some(widths);
                }
                2
            }
            '\\' if quote == '"' => {
                let digits = match rest.next()? {
                    '\n' | '\r' => return None,
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                for _ in 0..digits {
                    rest.next()?;
                }
                2 + digits
            }
            _ => 1,
        };
        widths.push(width);
    }
}

/// Walks along a text once, from one scalar to the next.
pub(super) struct Cursor<'a> {
    rest: &'a str,
    index: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, index: 0 }
    }

    /// The text from the character `index` on, counted from 0; nothing before the last answer.
    pub(super) fn from(&mut self, index: usize) -> &'a str {
        let Some(ahead) = index.checked_sub(self.index) else { return "" };
        let mut characters = self.rest.chars();
        // All but the last of the characters that are passed over.
        if let Some(last) = ahead.checked_sub(1) {
            characters.nth(last);
        }
        self.rest = characters.as_str();
        self.index = index;
        self.rest
    }
}

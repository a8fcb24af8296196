//! Lines of a scenario's file: what is empty or a comment is gone, the rest keeps its number and
//! how deep it stands.
//!
//! Mistakes are texts `file:line: what is wrong`; a file's mistakes come all at once.

/// What may follow a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// The rest of the line.
    Text,
}

/// A word that a place of the grammar knows, and what follows it.
pub type Word = (&'static str, Takes);

/// A line that says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub number: usize,
    /// Steps of two blanks in front of it.
    pub depth: usize,
    /// What it says, without blanks at the ends.
    pub text: String,
}

/// A word of a line and what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The word.
    pub word: &'static str,
    /// The rest of the line.
    pub rest: String,
    /// The number of its line.
    pub number: usize,
}

/// Collects the mistakes of one file.
#[derive(Debug)]
pub struct Mistakes {
    file: String,
    found: Vec<String>,
}

impl Mistakes {
    /// None yet.
    pub fn of(file: &str) -> Self {
        Self { file: file.to_owned(), found: Vec::new() }
    }

    /// Notes one.
    pub fn note(&mut self, number: usize, what: impl std::fmt::Display) {
        self.found.push(format!("{}:{number}: {what}", self.file));
    }

    /// All of them.
    pub fn into_found(self) -> Vec<String> {
        self.found
    }
}

/// The lines of a text that say something.
pub fn lines(text: &str, mistakes: &mut Mistakes) -> Vec<Line> {
    let mut lines = Vec::new();
    for (number, text) in (1..).zip(text.lines()) {
        let said = text.trim();
        if said.is_empty() || said.starts_with('#') {
            continue;
        }
        let blanks = text.len() - text.trim_start().len();
        if !blanks.is_multiple_of(2) || text.starts_with('\t') {
            mistakes.note(number, "a line stands in by steps of two blanks");
        }
        lines.push(Line { number, depth: blanks / 2, text: said.to_owned() });
    }
    lines
}

/// The word a line begins with, of those that may stand here, the longest that fits.
pub fn detail(line: &Line, words: &[Word], mistakes: &mut Mistakes) -> Option<Detail> {
    let rest = |word: &str| -> Option<String> {
        let rest = line.text.strip_prefix(word)?;
        (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim_start().to_owned())
    };
    let fitting = words.iter().filter_map(|(word, takes)| Some((*word, *takes, rest(word)?)));
    let Some((word, takes, rest)) = fitting.max_by_key(|(word, ..)| word.len()) else {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        mistakes.note(
            line.number,
            format!("`{}` begins with none of: {}", line.text, known.join(", ")),
        );
        return None;
    };
    match takes {
        Takes::Nothing if !rest.is_empty() => {
            mistakes.note(line.number, format!("nothing follows `{word}`, yet there is `{rest}`"));
            None
        }
        Takes::Text if rest.is_empty() => {
            mistakes.note(line.number, format!("something follows `{word}`"));
            None
        }
        Takes::Nothing | Takes::Text => Some(Detail { word, rest, number: line.number }),
    }
}

/// Names with a comma and a blank between them.
pub fn names(text: &str) -> Vec<String> {
    text.split(", ").map(|name| name.trim().to_owned()).collect()
}

/// A text as it stands, or, in quotation marks, as JSON writes it: for blanks at the ends and
/// characters that no editor shows.
pub fn unquoted(text: &str) -> Result<String, String> {
    if text.starts_with('"') {
        serde_json::from_str(text).map_err(|error| format!("{text} is no JSON string: {error}"))
    } else {
        Ok(text.to_owned())
    }
}

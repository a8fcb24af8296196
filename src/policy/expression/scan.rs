//! The first look at an expression: whether it may be parsed at all.
//!
//! Input: its text. Output: nothing, or the first flaw that can be named better here than by a
//! grammar: a text without end, a bracket without partner, a sign the language does not have, or
//! more nesting than the parser's stack is made for.
//!
//! The depth of the tree that the parser will build is bounded without building it: between two
//! brackets, every operator, dot and call may add one level, except that chains of `&&` and `||`
//! are balanced by the parser and start to count afresh.

use crate::yaml::shown;

use super::Flaw;

/// The most brackets inside one another: far more than people can read.
const BRACKETS_MAX: usize = 16;
/// The deepest tree: one text put together from twenty-five parts with a call each. The parser
/// itself gives up at 96 choices or brackets.
const DEPTH_MAX: usize = 80;

/// What follows an open bracket, or the start of the text.
struct Level {
    /// The bracket and its place; `None` for the whole text.
    bracket: Option<(char, usize)>,
    /// Operators, dots and calls since the last `&&` or `||`.
    chain: usize,
    /// Choices since the last comma: they nest to the right.
    choices: usize,
}

struct Scan<'a> {
    characters: std::iter::Peekable<std::iter::Enumerate<std::str::Chars<'a>>>,
    levels: Vec<Level>,
}

/// Looks at every character once.
pub(super) fn scan(text: &str) -> Result<(), Flaw> {
    let whole = Level { bracket: None, chain: 0, choices: 0 };
    let mut scan = Scan { characters: text.chars().enumerate().peekable(), levels: vec![whole] };
    while let Some((index, character)) = scan.characters.next() {
        scan.see(index + 1, character)?;
    }
    match scan.levels.last().and_then(|level| level.bracket) {
        Some((bracket, at)) => Err(Flaw::new(
            at,
            format!("`{bracket}` is not closed"),
            format!("write `{}` where it ends", partner(bracket)),
        )),
        None => Ok(()),
    }
}

impl Scan<'_> {
    fn see(&mut self, at: usize, character: char) -> Result<(), Flaw> {
        match character {
            ' ' | '\t' | '\r' | '\n' | '\u{c}' | ':' => Ok(()),
            '\'' | '"' => self.text(at, character, false),
            'a'..='z' | 'A'..='Z' | '_' | '0'..='9' => self.word(at, character),
            '(' | '[' => self.open(at, character),
            ')' | ']' => self.close(at, character),
            ',' => {
                self.level(|level| (level.chain, level.choices) = (0, 0));
                Ok(())
            }
            '?' => {
                self.level(|level| (level.chain, level.choices) = (0, level.choices + 1));
                self.depth(at)
            }
            '/' if self.next_is('/') => {
                while self.characters.next_if(|(_, one)| *one != '\n').is_some() {}
                Ok(())
            }
            '&' | '|' => {
                if !self.next_is(character) {
                    let remedy = format!("write `{character}{character}`");
                    return Err(Flaw::new(at, format!("`{character}` stands alone"), remedy));
                }
                self.characters.next();
                self.level(|level| level.chain = 0);
                Ok(())
            }
            '=' | '!' | '<' | '>' => {
                if self.next_is('=') {
                    self.characters.next();
                } else if character == '=' {
                    return Err(Flaw::new(at, "`=` stands alone", "compare with `==`"));
                }
                self.link(at)
            }
            '+' | '-' | '*' | '/' | '%' | '.' => self.link(at),
            _ => Err(foreign(at, character)),
        }
    }

    /// A word, a number, or what stands before a text: `r` for a raw one.
    fn word(&mut self, at: usize, first: char) -> Result<(), Flaw> {
        let mut word = String::from(first);
        while let Some((_, one)) =
            self.characters.next_if(|(_, one)| one.is_ascii_alphanumeric() || *one == '_')
        {
            word.push(one);
        }
        let quote = self.characters.peek().map(|(_, one)| *one).filter(|one| "'\"".contains(*one));
        match (word.as_str(), quote) {
            ("r" | "R", Some(quote)) => {
                self.characters.next();
                self.text(at, quote, true)
            }
            (prefix, Some(_)) if matches!(prefix.to_ascii_lowercase().as_str(), "b" | "br") => {
                let message = format!("`{prefix}` before a text makes bytes of it");
                Err(Flaw::new(at, message, "remove it: policies have no use for bytes"))
            }
            ("in", _) => self.link(at),
            _ => Ok(()),
        }
    }

    /// The rest of a text after its opening quote.
    fn text(&mut self, at: usize, quote: char, raw: bool) -> Result<(), Flaw> {
        let triple = self.next_is(quote) && {
            self.characters.next();
            if !self.next_is(quote) {
                return Ok(());
            }
            self.characters.next();
            true
        };
        let mut quotes = 0;
        while let Some((index, character)) = self.characters.next() {
            quotes = if character == quote { quotes + 1 } else { 0 };
            if quotes == if triple { 3 } else { 1 } {
                return Ok(());
            }
            match character {
                '\\' if !raw => self.escape(index + 1)?,
                '\n' | '\r' if !triple => break,
                _ => {}
            }
        }
        let message = "the text that starts here is not closed";
        let quotes = if triple { quote.to_string().repeat(3) } else { quote.to_string() };
        Err(Flaw::new(at, message, format!("close it with {quotes}")))
    }

    fn escape(&mut self, at: usize) -> Result<(), Flaw> {
        const KNOWN: &str = "abfnrtv\"'\\?`xXuU0123";
        match self.characters.next() {
            Some((_, one)) if KNOWN.contains(one) => Ok(()),
            Some((_, one)) => Err(Flaw::new(
                at,
                format!("`\\{}` is not an escape", shown(&one.to_string())),
                "write two backslashes, or a raw text: r'…'",
            )),
            None => Ok(()),
        }
    }

    fn open(&mut self, at: usize, bracket: char) -> Result<(), Flaw> {
        self.link(at)?;
        if self.levels.len() > BRACKETS_MAX {
            let message = format!("more than {BRACKETS_MAX} brackets stand inside one another");
            return Err(Flaw::new(at, message, "take it apart"));
        }
        self.levels.push(Level { bracket: Some((bracket, at)), chain: 0, choices: 0 });
        Ok(())
    }

    fn close(&mut self, at: usize, bracket: char) -> Result<(), Flaw> {
        match self.levels.last().and_then(|level| level.bracket) {
            Some((open, _)) if partner(open) == bracket => {
                self.levels.pop();
                Ok(())
            }
            Some((open, started)) => Err(Flaw::new(
                at,
                format!("`{bracket}` stands where `{open}` of character {started} is still open"),
                format!("write `{}` before it", partner(open)),
            )),
            None => Err(Flaw::new(at, format!("`{bracket}` closes nothing"), "remove it")),
        }
    }

    /// An operator, a dot or a call: one level deeper.
    fn link(&mut self, at: usize) -> Result<(), Flaw> {
        self.level(|level| level.chain += 1);
        self.depth(at)
    }

    fn depth(&self, at: usize) -> Result<(), Flaw> {
        let depth: usize = self.levels.iter().map(|level| 1 + level.chain + level.choices).sum();
        if depth > DEPTH_MAX {
            let message = format!("more than {DEPTH_MAX} operators and calls build on one another");
            return Err(Flaw::new(at, message, "shorten it: `matches` or `join` replace many"));
        }
        Ok(())
    }

    fn level(&mut self, change: impl FnOnce(&mut Level)) {
        if let Some(level) = self.levels.last_mut() {
            change(level);
        }
    }

    fn next_is(&mut self, wanted: char) -> bool {
        self.characters.peek().is_some_and(|(_, one)| *one == wanted)
    }
}

fn partner(open: char) -> char {
    if open == '(' { ')' } else { ']' }
}

fn foreign(at: usize, character: char) -> Flaw {
    let character_shown = shown(&character.to_string());
    let remedy = match character {
        '‘' | '’' | '“' | '”' | '„' | '«' | '»' | '´' => "use straight quotes: 'text'",
        '{' | '}' => "write without maps and messages: policies have no use for them",
        '`' => "write texts in straight quotes: 'text'",
        _ => "remove it, or put it into a text: 'text'",
    };
    Flaw::new(at, format!("`{character_shown}` is not part of the language"), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<usize> {
        scan(text).err().map(|flaw| flaw.at)
    }

    #[test]
    fn texts_are_seen_as_cel_sees_them() {
        for text in [
            "'('",
            "\"'\"",
            r"'\'('",
            "''",
            "'' + ''",
            "'''it's\n('''",
            "\"\"\"\"\"\"",
            r"r'\' + '('",
            r"R'\d('",
            "r + '('",
            "// (\n1",
            "[1, 2]",
            "a ? b : c",
            "1 <= 2 && 3 >= 2 || !true",
        ] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn the_first_flaw_is_found_at_its_character() {
        for (text, place) in [
            ("é", 1),
            ("'é' + (", 7),
            ("[1)", 3),
            ("'a\n'", 1),
            ("'''a'", 1),
            (r"'a\q'", 3),
            (r"'\", 1),
            ("a | b", 3),
            ("a = b", 3),
            ("b'x'", 1),
            ("`a`", 1),
            ("a;", 2),
        ] {
            assert_eq!(at(text), Some(place), "{text}");
        }
    }

    #[test]
    fn chains_of_alternatives_may_be_long_and_chains_of_calls_may_not() {
        let alternatives = format!("a{}", " || b.c() == 'd' && e.f()".repeat(100));
        assert_eq!(at(&alternatives), None);
        assert!(at(&format!("a{}", ".b()".repeat(80))).is_some());
        assert!(at(&format!("f({})", ["a.b + c"; 100].join(", "))).is_none());
    }
}

//! Parser events to a tree of nodes that know their place.
//!
//! Input: the bytes of one file. Output: the root, or nothing after a mistake that leaves no
//! tree to read; lesser mistakes are noted and the tree goes on, so that all are seen at once.
//! Nothing is expanded and nothing recurses: the size of the tree is bounded by the text.

use std::collections::BTreeMap;
use std::mem;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::mistake::{Mistake, Mistakes, Spot, escaped, reorders_text, shown};
use super::written::{Cursor, Written};

/// The largest file that is read: a policy of 10,000 ids is about 400 KiB.
pub const BYTES_MAX: usize = 1 << 20;
/// The deepest nesting: the deepest field of a policy stands at 6.
pub const DEPTH_MAX: usize = 32;
/// The most nodes of one file: twice what 1 MiB of ids can hold.
pub const NODES_MAX: usize = 100_000;

/// A value and its place.
pub(super) struct Node {
    pub(super) spot: Spot,
    pub(super) kind: Kind,
}

/// What a value is.
pub(super) enum Kind {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Already noted as a mistake; readers pass over it in silence.
    Refused,
}

/// A text, and whether it stood without quotes: only then can it be a number or truth value.
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) plain: bool,
    pub(super) written: Written,
}

/// One key of a mapping.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) spot: Spot,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn top_level_text(self, key: &str) -> Option<String> {
        let Kind::Map(entries) = self.kind else { return None };
        let entry = entries.into_iter().find(|entry| entry.key == key)?;
        match entry.value.kind {
            Kind::Scalar(scalar) => Some(scalar.text),
            Kind::List(_) | Kind::Map(_) | Kind::Refused => None,
        }
    }
}

/// Reads the one document of a file.
pub(super) fn parse(bytes: &[u8], mistakes: &Mistakes) -> Option<Node> {
    let text = match decode(bytes) {
        Ok(text) => text,
        Err(mistake) => {
            mistakes.note(mistake);
            return None;
        }
    };
    note_forbidden_characters(text, mistakes);
    note_directives(text, mistakes);
    match build(text, mistakes) {
        Ok(root) => Some(root),
        Err(mistake) => {
            if !mistakes.has_one_at(Spot { line: mistake.line, column: mistake.column }) {
                mistakes.note(mistake);
            }
            None
        }
    }
}

fn build(text: &str, mistakes: &Mistakes) -> Result<Node, Mistake> {
    let mut builder = Builder { mistakes, open: Vec::new(), root: None, nodes: 0 };
    let mut cursor = Cursor::new(text);
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|fault| {
            let marker = fault.marker();
            syntax_mistake(Spot { line: marker.line(), column: marker.col() + 1 }, fault.info())
        })?;
        let spot = Spot { line: span.start.line(), column: span.start.col() + 1 };
        if matches!(event, Event::DocumentStart(_)) && builder.root.is_some() {
            mistakes.note(Mistake::at(
                spot,
                "a second document starts here",
                "put each document into a file of its own",
            ));
            break;
        }
        builder.take(event, spot, || cursor.from(span.start.index()))?;
    }
    let empty = || {
        let spot = Spot { line: 1, column: 1 };
        Mistake::at(spot, "the document is empty", "write the document, or remove the file")
    };
    builder.root.filter(|root| !is_empty_scalar(&root.kind)).ok_or_else(empty)
}

fn is_empty_scalar(kind: &Kind) -> bool {
    matches!(kind, Kind::Scalar(scalar) if scalar.plain && scalar.text.is_empty())
}

/// A collection whose end has not come yet.
struct Open {
    spot: Spot,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, lines: BTreeMap<String, usize>, key: Option<Key> },
}

/// A key whose value has not come yet; `Refused` takes its value along.
enum Key {
    Named(String, Spot),
    Refused,
}

struct Builder<'a> {
    mistakes: &'a Mistakes,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
}

impl Builder<'_> {
    /// `source` is the text of the file from where the event starts.
    fn take<'s>(
        &mut self,
        event: Event<'_>,
        spot: Spot,
        source: impl FnOnce() -> &'s str,
    ) -> Result<(), Mistake> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(spot)?;
                self.note_marks(anchor, tag.is_some(), spot);
                let plain = style == ScalarStyle::Plain;
                let written = Written::of(style, &text, source());
                let scalar = Scalar { text: text.into_owned(), plain, written };
                self.put(Node { spot, kind: Kind::Scalar(scalar) });
            }
            Event::SequenceStart(anchor, tag) => {
                self.note_marks(anchor, tag.is_some(), spot);
                self.enter(spot, Content::List(Vec::new()))?;
            }
            Event::MappingStart(anchor, tag) => {
                self.note_marks(anchor, tag.is_some(), spot);
                let lines = BTreeMap::new();
                self.enter(spot, Content::Map { entries: Vec::new(), lines, key: None })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave(),
            Event::Alias(_) => {
                self.count(spot)?;
                self.mistakes.note(Mistake::at(spot, "an alias is refused", ALIAS_REMEDY));
                self.put(Node { spot, kind: Kind::Refused });
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn count(&mut self, spot: Spot) -> Result<(), Mistake> {
        self.nodes += 1;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        let message = format!("the file has more than {NODES_MAX} values");
        Err(Mistake::at(spot, message, "split it into several files"))
    }

    fn enter(&mut self, spot: Spot, content: Content) -> Result<(), Mistake> {
        self.count(spot)?;
        if self.open.len() >= DEPTH_MAX {
            return Err(too_deep(spot));
        }
        self.open.push(Open { spot, content });
        Ok(())
    }

    fn leave(&mut self) {
        let Some(Open { spot, content }) = self.open.pop() else { return };
        let kind = match content {
            Content::List(items) => Kind::List(items),
            Content::Map { entries, .. } => Kind::Map(entries),
        };
        self.put(Node { spot, kind });
    }

    fn put(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { content: Content::List(items), .. }) => items.push(node),
            Some(Open { content: Content::Map { entries, lines, key }, .. }) => match key.take() {
                None => *key = Some(read_key(node, self.mistakes)),
                Some(Key::Refused) => {}
                Some(Key::Named(key, spot)) => {
                    if let Some(line) = lines.get(&key) {
                        let key = shown(&key);
                        let message = format!("`{key}` is given twice, first on line {line}");
                        self.mistakes.note(Mistake::at(spot, message, "keep one of the two"));
                        return;
                    }
                    lines.insert(key.clone(), spot.line);
                    entries.push(Entry { key, spot, value: node });
                }
            },
        }
    }

    fn note_marks(&self, anchor: usize, tagged: bool, spot: Spot) {
        if anchor != 0 {
            self.mistakes.note(Mistake::at(spot, "an anchor is refused", ALIAS_REMEDY));
        }
        if tagged {
            self.mistakes.note(Mistake::at(spot, "a tag is refused", "remove the `!` tag"));
        }
    }
}

const ALIAS_REMEDY: &str = "write the value out at each place";

fn read_key(node: Node, mistakes: &Mistakes) -> Key {
    let (message, remedy) = match node.kind {
        Kind::Refused => return Key::Refused,
        Kind::List(_) | Kind::Map(_) => ("a key must be a text", "write a plain word before `:`"),
        Kind::Scalar(Scalar { text, plain: true, .. }) if text == "<<" => {
            drop(text);
            ("the merge key `<<` is refused", "write the fields out at each place")
        }
        Kind::Scalar(Scalar { text, plain: true, .. }) if text.is_empty() => {
            drop(text);
            ("a key is missing before `:`", "write the name of the field before `:`")
        }
        Kind::Scalar(mut scalar) => return Key::Named(mem::take(&mut scalar.text), node.spot),
    };
    mistakes.note(Mistake::at(node.spot, message, remedy));
    Key::Refused
}

fn too_deep(spot: Spot) -> Mistake {
    let message = format!("the nesting is deeper than {DEPTH_MAX} levels");
    Mistake::at(spot, message, "no document needs that: remove the inner levels")
}

fn syntax_mistake(spot: Spot, info: &str) -> Mistake {
    if info.contains("recursion limit") {
        return too_deep(spot);
    }
    let remedy = if info.contains("tab") || info.contains("valid YAML whitespace") {
        "use spaces, not tabs"
    } else if info.contains("unknown anchor") {
        ALIAS_REMEDY
    } else if info.contains("mapping values are not allowed") {
        "check the indentation, and put a text that holds `: ` in quotes"
    } else {
        "check quotes, brackets and indentation here and just before"
    };
    Mistake::at(spot, format!("this is not YAML: {}", escaped(info)), remedy)
}

/// Size, encoding, and the byte order mark that some editors write.
fn decode(bytes: &[u8]) -> Result<&str, Mistake> {
    let start = Spot { line: 1, column: 1 };
    if bytes.len() > BYTES_MAX {
        return Err(Mistake::at(start, "the file is larger than 1 MiB", "split it into several"));
    }
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text)),
        Err(fault) => {
            let good = bytes.get(..fault.valid_up_to()).and_then(|good| str::from_utf8(good).ok());
            let spot = end_of(good.unwrap_or_default());
            Err(Mistake::at(spot, "the text is not UTF-8", "save the file as UTF-8"))
        }
    }
}

fn end_of(text: &str) -> Spot {
    places(text).last().map_or(Spot { line: 1, column: 1 }, |(spot, character)| {
        if character == '\n' {
            Spot { line: spot.line + 1, column: 1 }
        } else {
            Spot { line: spot.line, column: spot.column + 1 }
        }
    })
}

/// Each character with its place; lines end with CR LF, LF or CR (YAML 1.2.2, 5.4).
fn places(text: &str) -> impl Iterator<Item = (Spot, char)> {
    let mut next = Spot { line: 1, column: 1 };
    let mut characters = text.chars().peekable();
    std::iter::from_fn(move || {
        let character = characters.next()?;
        let spot = next;
        let ends_line =
            character == '\n' || (character == '\r' && characters.peek() != Some(&'\n'));
        next = if ends_line {
            Spot { line: spot.line + 1, column: 1 }
        } else {
            Spot { line: spot.line, column: spot.column + 1 }
        };
        Some((spot, character))
    })
}

/// Characters that YAML 1.2.2 (5.1) calls unprintable, and those that reorder what is shown.
fn note_forbidden_characters(text: &str, mistakes: &Mistakes) {
    for (spot, character) in places(text) {
        let allowed_control = matches!(character, '\t' | '\n' | '\r' | '\u{85}');
        if (character.is_control() && !allowed_control) || reorders_text(character) {
            let code = u32::from(character);
            mistakes.note(Mistake::at(
                spot,
                format!("the character U+{code:04X} cannot be seen and is refused"),
                format!("remove it, or write \"\\u{code:04X}\" in double quotes"),
            ));
        }
    }
}

/// Directives stand before the document; they could change how it reads.
fn note_directives(text: &str, mistakes: &Mistakes) {
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('%') {
            let spot = Spot { line: index + 1, column: 1 };
            mistakes.note(Mistake::at(spot, "a directive is refused", "remove the line"));
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            return;
        }
    }
}

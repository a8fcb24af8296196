//! The functions that expressions know, and what they take and give.
//!
//! Read by the checker. The names and signatures are those of CEL's standard library and of its
//! strings extension (github.com/google/cel-spec; github.com/google/cel-go, ext "Strings").

use crate::model::expression::Function;

use super::check::Kind;

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `x.f(…)`
    Member,
    /// `f(x, …)`
    Global,
    /// Both.
    Either,
}

/// What fits as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fits {
    Text,
    Number,
    /// A list of texts.
    Texts,
    /// A text or any list.
    Sized,
    /// A text, number or truth value.
    Plain,
}

impl Fits {
    /// Whether a value of this kind fits.
    pub(super) fn take(self, kind: &Kind) -> bool {
        match self {
            Self::Text => *kind == Kind::Text,
            Self::Number => *kind == Kind::Number,
            Self::Texts => {
                matches!(kind, Kind::List(item) if matches!(**item, Kind::Text | Kind::Nothing))
            }
            Self::Sized => matches!(kind, Kind::Text | Kind::List(_)),
            Self::Plain => matches!(kind, Kind::Text | Kind::Number | Kind::Truth),
        }
    }

    /// For people, in the words of CEL.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Number => "int",
            Self::Texts => "list(string)",
            Self::Sized => "string or list",
            Self::Plain => "string, int or bool",
        }
    }
}

/// One function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) function: Function,
    pub(super) style: Style,
    /// The receiver, or the first argument of a global call.
    pub(super) of: Fits,
    pub(super) required: &'static [Fits],
    pub(super) optional: &'static [Fits],
    pub(super) gives: Gives,
}

/// What a function gives.
#[derive(Clone, Copy, Debug)]
pub(super) enum Gives {
    Truth,
    Number,
    Text,
    Texts,
}

impl Gives {
    /// The kind of the value.
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Truth => Kind::Truth,
            Self::Number => Kind::Number,
            Self::Text => Kind::Text,
            Self::Texts => Kind::List(Box::new(Kind::Text)),
        }
    }
}

/// The pattern of `matches` must be a literal, so that it is compiled once, here.
pub(super) const MATCHES: &str = "matches";
/// What is written as a function but reads its arguments in its own way.
pub(super) const MACROS: [&str; 6] = ["all", "exists", "exists_one", "filter", "has", "map"];

const fn of_text(
    name: &'static str,
    function: Function,
    required: &'static [Fits],
    gives: Gives,
) -> Signature {
    let (style, of) = (Style::Member, Fits::Text);
    Signature { name, function, style, of, required, optional: &[], gives }
}

const fn more(signature: Signature, optional: &'static [Fits]) -> Signature {
    Signature { optional, ..signature }
}

const fn called(signature: Signature, style: Style, of: Fits) -> Signature {
    Signature { style, of, ..signature }
}

/// Every function, by name.
pub(super) const SIGNATURES: [Signature; 16] = {
    use Fits::{Number, Text};
    [
        of_text("charAt", Function::CharAt, &[Number], Gives::Text),
        of_text("contains", Function::Contains, &[Text], Gives::Truth),
        of_text("endsWith", Function::EndsWith, &[Text], Gives::Truth),
        of_text("indexOf", Function::IndexOf, &[Text], Gives::Number),
        called(of_text("int", Function::Number, &[], Gives::Number), Style::Global, Text),
        more(
            called(of_text("join", Function::Join, &[], Gives::Text), Style::Member, Fits::Texts),
            &[Text],
        ),
        of_text("lastIndexOf", Function::LastIndexOf, &[Text], Gives::Number),
        of_text("lowerAscii", Function::LowerAscii, &[], Gives::Text),
        more(of_text("replace", Function::Replace, &[Text, Text], Gives::Text), &[Number]),
        called(of_text("size", Function::Size, &[], Gives::Number), Style::Either, Fits::Sized),
        more(of_text("split", Function::Split, &[Text], Gives::Texts), &[Number]),
        of_text("startsWith", Function::StartsWith, &[Text], Gives::Truth),
        called(of_text("string", Function::Text, &[], Gives::Text), Style::Global, Fits::Plain),
        more(of_text("substring", Function::Substring, &[Number], Gives::Text), &[Number]),
        of_text("trim", Function::Trim, &[], Gives::Text),
        of_text("upperAscii", Function::UpperAscii, &[], Gives::Text),
    ]
};

/// The known word that is nearest to a written one, when one is near: the same without case, or
/// at most two letters different.
pub(super) fn nearest<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const DIFFERENT_MAX: usize = 2;
    let folded = written.to_lowercase();
    known
        .map(|word| (distance(&folded, &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= DIFFERENT_MAX && *distance < word.len())
        .min()
        .map(|(_, word)| word)
}

/// How many letters must be put in, taken out or changed (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (index, one) in left.chars().enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        let mut next = vec![before];
        for (other, above) in right.chars().zip(row.iter().skip(1)) {
            let changed = diagonal + usize::from(one != other);
            diagonal = *above;
            before = changed.min(above + 1).min(before + 1);
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

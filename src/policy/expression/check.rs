//! Gives every part of an expression its type and compiles it.
//!
//! Input: the tree that the parser built, with the place of each node. Output: the steps of the
//! evaluation, or the first part whose type cannot be right. `operator` knows the operators,
//! `call` the functions and loops; here are values, names and fields.

mod call;
mod operator;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use cel::common::ast::{CallExpr, Expr, IdedExpr, ListExpr, LiteralValue, SelectExpr, SourceInfo};

use crate::model::expression::{Field, Node, Step};
use crate::yaml::shown;

use super::Flaw;
use super::function::nearest;

/// The one variable.
const GROUP: &str = "group";

/// The type of a value; prints in the words of CEL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Truth,
    Number,
    Text,
    List(Box<Kind>),
    /// Of the items of an empty list.
    Nothing,
}

impl Kind {
    /// The kind of both, if they are alike: an empty list is like any list.
    fn union(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Nothing, kind) | (kind, Self::Nothing) => Some(kind.clone()),
            (Self::List(left), Self::List(right)) => {
                left.union(right).map(|item| Self::List(Box::new(item)))
            }
            _ => (self == other).then(|| self.clone()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truth => f.write_str("bool"),
            Self::Number => f.write_str("int"),
            Self::Text => f.write_str("string"),
            Self::List(item) if **item == Self::Nothing => f.write_str("empty list"),
            Self::List(item) => write!(f, "list({item})"),
            Self::Nothing => f.write_str("item of an empty list"),
        }
    }
}

/// What a part becomes, with its kind.
type Typed = (Step, Kind);

/// Goes through the tree once, from the leaves up. The depth of the tree is bounded by `scan`.
pub(super) struct Checker<'a> {
    text: &'a str,
    spots: &'a SourceInfo,
    /// The variables of the loops around the part, outermost first.
    variables: Vec<(String, Kind)>,
    reads: BTreeSet<Field>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(text: &'a str, spots: &'a SourceInfo) -> Self {
        Self { text, spots, variables: Vec::new(), reads: BTreeSet::new() }
    }

    /// The fields that were met.
    pub(super) fn into_reads(self) -> BTreeSet<Field> {
        self.reads
    }

    /// Compiles one part.
    pub(super) fn step(&mut self, part: &IdedExpr) -> Result<Typed, Flaw> {
        let at = self.at(part);
        let (node, kind) = match &part.expr {
            Expr::Literal(literal) => value(at, literal)?,
            Expr::Ident(name) => self.name(at, name)?,
            Expr::Select(select) => self.select(at, select)?,
            Expr::List(list) => self.list(list)?,
            Expr::Call(call) => self.call(at, call)?,
            Expr::Map(_) => return Err(unused(at, "a map")),
            Expr::Struct(_) => return Err(unused(at, "a message")),
            Expr::Comprehension(_) | Expr::Unspecified => return Err(unused(at, "this")),
        };
        Ok((Step { at, node }, kind))
    }

    fn call(&mut self, at: usize, call: &CallExpr) -> Result<(Node, Kind), Flaw> {
        match self.operator(at, call)? {
            Some(typed) => Ok(typed),
            None => self.function(at, call),
        }
    }

    fn name(&self, at: usize, name: &str) -> Result<(Node, Kind), Flaw> {
        let found = self.variables.iter().rposition(|(known, _)| known == name);
        if let Some((index, (_, kind))) = found.and_then(|at| Some((at, self.variables.get(at)?))) {
            return Ok((Node::Variable(index), kind.clone()));
        }
        if name == GROUP {
            let remedy = "name one of its fields: group.displayName";
            return Err(Flaw::new(at, "`group` is no value of its own", remedy));
        }
        let field = nearest(name, Field::ALL.iter().map(|field| field.name()));
        let known = self.variables.iter().map(|(known, _)| known.as_str()).chain([GROUP]);
        let remedy = match (field, nearest(name, known)) {
            (Some(field), _) => format!("write `group.{field}`"),
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => "write texts in quotes; the one variable is `group`".to_owned(),
        };
        Err(Flaw::new(at, format!("`{}` is not a variable", shown(name)), remedy))
    }

    fn select(&mut self, at: usize, select: &SelectExpr) -> Result<(Node, Kind), Flaw> {
        if let Some(field) = self.field(select)? {
            self.reads.insert(field);
            return Ok((Node::Field(field), kind_of(field)));
        }
        let (_, kind) = self.step(&select.operand)?;
        let name = shown(&select.field);
        let message = format!("{kind} has no field `{name}`");
        Err(Flaw::new(
            at,
            message,
            format!("only `group` has fields; functions end in (): {name}()"),
        ))
    }

    /// The field, when it is one of the group.
    fn field(&self, select: &SelectExpr) -> Result<Option<Field>, Flaw> {
        if !matches!(&select.operand.expr, Expr::Ident(name) if name == GROUP) {
            return Ok(None);
        }
        let names = || Field::ALL.iter().map(|field| field.name());
        let found = Field::ALL.into_iter().find(|field| field.name() == select.field);
        found.map(Some).ok_or_else(|| {
            let remedy = match nearest(&select.field, names()) {
                Some(near) => format!("write `group.{near}`"),
                None => format!("the fields are {}", names().collect::<Vec<_>>().join(", ")),
            };
            let name = shown(&select.field);
            // The name is what is wrong, not the `group` before it.
            let at = self.end_of(&select.operand) + 1;
            Flaw::new(at, format!("`group` has no field `{name}`"), remedy)
        })
    }

    fn list(&mut self, list: &ListExpr) -> Result<(Node, Kind), Flaw> {
        let mut steps = Vec::new();
        let mut item = Kind::Nothing;
        for element in &list.elements {
            let (step, kind) = self.step(element)?;
            item = item.union(&kind).ok_or_else(|| {
                Flaw::new(
                    self.start(element),
                    format!("{kind} stands in a list of {item}"),
                    "use items of one type; string(…) makes texts of others",
                )
            })?;
            steps.push(step);
        }
        Ok((Node::List(steps), Kind::List(Box::new(item))))
    }

    /// A part of the one kind that fits.
    fn of_kind(&mut self, part: &IdedExpr, wanted: &Kind, what: &str) -> Result<Step, Flaw> {
        let (step, kind) = self.step(part)?;
        if kind == *wanted {
            return Ok(step);
        }
        let message = format!("{what} takes {wanted}, not {kind}");
        Err(Flaw::new(self.start(part), message, conversion(wanted, &kind)))
    }

    /// The character at which people see a part: for a call the name of the function, for an
    /// operator the operator.
    fn at(&self, part: &IdedExpr) -> usize {
        if matches!(part.expr, Expr::Select(_)) {
            return self.start(part);
        }
        let Some((start, _)) = self.offsets(part) else { return 1 };
        let before = self.text.get(..start).unwrap_or_default().trim_end();
        let name = if let Expr::Call(call) = &part.expr {
            before.strip_suffix(call.func_name.as_str())
        } else {
            None
        };
        name.map_or_else(|| self.characters_to(start), |before| before.chars().count() + 1)
    }

    /// The character at which a part starts: that of its leftmost part.
    fn start(&self, part: &IdedExpr) -> usize {
        if let Expr::Select(select) = &part.expr {
            return self.start(&select.operand);
        }
        let own = self.at(part);
        let Expr::Call(call) = &part.expr else { return own };
        let first = call.target.as_deref().or(call.args.first());
        first.map_or(own, |first| self.start(first).min(own))
    }

    /// The last character of a name.
    fn end_of(&self, part: &IdedExpr) -> usize {
        let dot = |end: usize| {
            let after = self.text.get(end + 1..).unwrap_or_default();
            let gap = after.find(|one: char| one != '.' && !one.is_whitespace());
            self.characters_to(end + gap.unwrap_or_default())
        };
        self.offsets(part).map_or(1, |(_, end)| dot(end))
    }

    fn offsets(&self, part: &IdedExpr) -> Option<(usize, usize)> {
        let (start, end) = self.spots.offset_for(part.id)?;
        Some((usize::try_from(start).ok()?, usize::try_from(end).ok()?))
    }

    /// The parser's offsets are bytes, people count characters.
    fn characters_to(&self, offset: usize) -> usize {
        self.text.char_indices().take_while(|(index, _)| *index < offset).count() + 1
    }
}

fn value(at: usize, literal: &LiteralValue) -> Result<(Node, Kind), Flaw> {
    match literal {
        LiteralValue::Boolean(truth) => Ok((Node::Truth(*truth.inner()), Kind::Truth)),
        LiteralValue::Int(number) => Ok((Node::Number(*number.inner()), Kind::Number)),
        LiteralValue::String(text) => Ok((Node::Text(Arc::from(text.inner())), Kind::Text)),
        LiteralValue::Bytes(_) => Err(unused(at, "a byte text")),
        LiteralValue::Double(_) => Err(unused(at, "a number with a fraction")),
        LiteralValue::UInt(_) => Err(unused(at, "an unsigned number")),
        LiteralValue::Null => {
            let message = "`null` is not known here";
            Err(Flaw::new(at, message, "compare with '': an absent text is ''"))
        }
    }
}

fn unused(at: usize, what: &str) -> Flaw {
    let remedy = "use texts, whole numbers, true, false and lists of them";
    Flaw::new(at, format!("{what} is not known here"), remedy)
}

fn kind_of(field: Field) -> Kind {
    match field {
        Field::Description
        | Field::DisplayName
        | Field::Id
        | Field::Kind
        | Field::Mail
        | Field::MailNickname
        | Field::Membership
        | Field::Visibility => Kind::Text,
        Field::MailEnabled | Field::RoleAssignable | Field::SecurityEnabled => Kind::Truth,
        Field::GroupTypes => Kind::List(Box::new(Kind::Text)),
    }
}

/// How to make a value of the wanted kind.
fn conversion(wanted: &Kind, kind: &Kind) -> &'static str {
    match (wanted, kind) {
        (Kind::Text, Kind::Number | Kind::Truth) => "make it a text: string(…)",
        (Kind::Text, _) => "make it a text: ….join('-')",
        (Kind::Number, Kind::Text) => "make it a number: int(…), or size(…) for its length",
        (Kind::Truth, Kind::Text) => "compare it: … == 'value', or … != ''",
        (Kind::Truth, Kind::Number) => "compare it: … > 0",
        _ => "use a value of that type",
    }
}

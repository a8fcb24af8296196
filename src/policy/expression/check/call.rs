//! The functions and loops of expressions: what they take and what they give.

use std::sync::Arc;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue};

use crate::model::expression::{Comparison, Function, Loop, Node, Quantifier, Step};
use crate::policy::words;
use crate::yaml::shown;

use super::super::Flaw;
use super::super::function::{MACROS, MATCHES, SIGNATURES, Signature, Style, nearest};
use super::{Checker, GROUP, Kind};

/// Loops inside one another: a list of lists is the most that a text can be split into.
const LOOPS_MAX: usize = 2;

impl Checker<'_> {
    pub(super) fn function(&mut self, at: usize, call: &CallExpr) -> Result<(Node, Kind), Flaw> {
        let name = call.func_name.as_str();
        match (name, call.target.as_deref(), call.args.as_slice()) {
            (MATCHES, Some(text), [pattern]) | (MATCHES, None, [text, pattern]) => {
                self.matches(text, pattern)
            }
            (MATCHES, ..) => Err(usage(at, name, "text.matches('pattern')")),
            ("has", None, [one]) => self.has(at, one),
            ("has", ..) => Err(usage(at, name, "has(group.description)")),
            ("map", Some(list), [variable, becomes]) => {
                self.each(at, name, list, variable, [None, Some(becomes)])
            }
            ("map", Some(list), [variable, condition, becomes]) => {
                self.each(at, name, list, variable, [Some(condition), Some(becomes)])
            }
            ("all" | "exists" | "exists_one" | "filter", Some(list), [variable, condition]) => {
                self.each(at, name, list, variable, [Some(condition), None])
            }
            ("all" | "exists" | "exists_one" | "filter", ..) => {
                Err(usage(at, name, &format!("list.{name}(item, condition)")))
            }
            ("map", ..) => Err(usage(at, name, "list.map(item, value)")),
            _ => {
                let signature = SIGNATURES.iter().find(|signature| signature.name == name);
                match signature {
                    Some(signature) => self.apply(at, signature, call),
                    None => Err(unknown(at, name)),
                }
            }
        }
    }

    fn apply(
        &mut self,
        at: usize,
        signature: &Signature,
        call: &CallExpr,
    ) -> Result<(Node, Kind), Flaw> {
        let name = signature.name;
        let fits = match signature.style {
            Style::Member => call.target.is_some(),
            Style::Global => call.target.is_none(),
            Style::Either => true,
        };
        if !fits {
            return Err(usage(at, name, &written(signature)));
        }
        let needed = 1 + signature.required.len();
        let wanted =
            std::iter::once(&signature.of).chain(signature.required).chain(signature.optional);
        let mut given = call.target.as_deref().into_iter().chain(&call.args);
        let mut steps = Vec::new();
        for (index, fits) in wanted.enumerate() {
            let Some(part) = given.next() else {
                if index < needed {
                    return Err(usage(at, name, &written(signature)));
                }
                break;
            };
            let (step, kind) = self.step(part)?;
            if !fits.take(&kind) {
                let message = format!("`{name}` takes {}, not {kind}", fits.name());
                let remedy = format!("use it as {}", written(signature));
                return Err(Flaw::new(self.start(part), message, remedy));
            }
            steps.push(step);
        }
        if given.next().is_some() {
            return Err(usage(at, name, &written(signature)));
        }
        Ok((Node::Call(signature.function, steps), signature.gives.kind()))
    }

    fn matches(&mut self, text: &IdedExpr, pattern: &IdedExpr) -> Result<(Node, Kind), Flaw> {
        let text = self.of_kind(text, &Kind::Text, "`matches`")?;
        let start = self.start(pattern);
        let Expr::Literal(LiteralValue::String(literal)) = &pattern.expr else {
            let message = "the pattern of `matches` is not a literal text";
            return Err(Flaw::new(start, message, "write the pattern itself in quotes"));
        };
        let pattern = words::pattern(literal.inner()).map_err(|refusal| {
            Flaw::new(start, format!("the text {}", refusal.message), refusal.remedy)
        })?;
        Ok((Node::Matches(Box::new(text), pattern), Kind::Truth))
    }

    /// `has(group.field)`: whether it is there; an absent text is ''.
    fn has(&mut self, at: usize, part: &IdedExpr) -> Result<(Node, Kind), Flaw> {
        let of_group = if let Expr::Select(select) = &part.expr {
            self.field(select)?.is_some()
        } else {
            false
        };
        if !of_group {
            return Err(usage(at, "has", "has(group.description)"));
        }
        let (step, kind) = self.step(part)?;
        let nothing = |node| Step { at, node };
        let node = match kind {
            Kind::Text => {
                let empty = nothing(Node::Text(Arc::from("")));
                Node::Compare(Comparison::Unequal, Box::new([step, empty]))
            }
            Kind::List(_) => {
                let size = nothing(Node::Call(Function::Size, vec![step]));
                Node::Compare(Comparison::Greater, Box::new([size, nothing(Node::Number(0))]))
            }
            Kind::Truth | Kind::Number | Kind::Nothing => {
                let message = format!("`has` takes a field that can be absent, not {kind}");
                return Err(Flaw::new(self.start(part), message, "use the field itself"));
            }
        };
        Ok((node, Kind::Truth))
    }

    fn each(
        &mut self,
        at: usize,
        name: &str,
        list: &IdedExpr,
        variable: &IdedExpr,
        [condition, becomes]: [Option<&IdedExpr>; 2],
    ) -> Result<(Node, Kind), Flaw> {
        let start = self.start(list);
        let (over, kind) = self.step(list)?;
        let item = match kind {
            Kind::List(item) if *item != Kind::Nothing => *item,
            Kind::Truth | Kind::Number | Kind::Text | Kind::List(_) | Kind::Nothing => {
                let message = format!("`{name}` goes through a list, not {kind}");
                return Err(Flaw::new(start, message, "split a text first: text.split(',')"));
            }
        };
        let spot = self.start(variable);
        let new = |name: &&String| *name != GROUP && !name.starts_with('.');
        let found = if let Expr::Ident(name) = &variable.expr { Some(name) } else { None };
        let Some(variable) = found.filter(new) else {
            let message = format!("`{name}` takes the name of a new variable first");
            return Err(Flaw::new(spot, message, format!("write {name}(item, …)")));
        };
        if self.variables.len() == LOOPS_MAX {
            let message = format!("more than {LOOPS_MAX} loops stand inside one another");
            return Err(Flaw::new(at, message, "write it with fewer loops"));
        }
        self.variables.push((variable.clone(), item.clone()));
        let condition = match condition {
            Some(part) => Some(self.of_kind(part, &Kind::Truth, "the condition of a loop")?),
            None => None,
        };
        let becomes = match becomes {
            Some(part) => Some(self.step(part)?),
            None => None,
        };
        self.variables.pop();
        let (becomes, made) = becomes.unzip();
        let (quantifier, kind) = match name {
            "all" => (Quantifier::All, Kind::Truth),
            "exists" => (Quantifier::Exists, Kind::Truth),
            "exists_one" => (Quantifier::ExistsOne, Kind::Truth),
            _ => (Quantifier::Collect, Kind::List(Box::new(made.unwrap_or(item)))),
        };
        Ok((Node::Each(quantifier, Box::new(Loop { over, condition, becomes })), kind))
    }
}

/// How a function is written, with the types that it takes.
fn written(signature: &Signature) -> String {
    let mut inside: Vec<&str> = signature.required.iter().map(|fits| fits.name()).collect();
    let of = signature.of.name();
    let name = signature.name;
    let optional: Vec<String> =
        signature.optional.iter().map(|fits| format!("[{}]", fits.name())).collect();
    inside.extend(optional.iter().map(String::as_str));
    match signature.style {
        Style::Member => format!("{of}.{name}({})", inside.join(", ")),
        Style::Global | Style::Either => {
            inside.insert(0, of);
            format!("{name}({})", inside.join(", "))
        }
    }
}

fn usage(at: usize, name: &str, written: &str) -> Flaw {
    let message = format!("`{name}` is not used as it can be");
    Flaw::new(at, message, format!("use it as {written}"))
}

fn unknown(at: usize, name: &str) -> Flaw {
    let known = || {
        let functions = SIGNATURES.iter().map(|signature| signature.name);
        functions.chain([MATCHES]).chain(MACROS)
    };
    let remedy = if let Some(near) = nearest(name, known()) {
        format!("did you mean `{near}`?")
    } else {
        let mut names: Vec<&str> = known().collect();
        names.sort_unstable();
        format!("the functions are {}", names.join(", "))
    };
    Flaw::new(at, format!("`{}` is not a function", shown(name)), remedy)
}

//! The operators of expressions: what they take and what they give.

use cel::common::ast::{CallExpr, IdedExpr, operators};

use crate::model::expression::{Arithmetic, Comparison, Node};

use super::super::Flaw;
use super::{Checker, Kind, Typed, conversion};

impl Checker<'_> {
    /// What an operator becomes; `None` when the call is of a function.
    pub(super) fn operator(
        &mut self,
        at: usize,
        call: &CallExpr,
    ) -> Result<Option<(Node, Kind)>, Flaw> {
        if call.target.is_some() {
            return Ok(None);
        }
        let name = call.func_name.as_str();
        let typed = match (name, call.args.as_slice()) {
            (operators::LOGICAL_NOT, [one]) => {
                let step = self.of_kind(one, &Kind::Truth, "`!`")?;
                (Node::Not(Box::new(step)), Kind::Truth)
            }
            (operators::NEGATE, [one]) => {
                let step = self.of_kind(one, &Kind::Number, "`-`")?;
                (Node::Negate(Box::new(step)), Kind::Number)
            }
            (operators::LOGICAL_AND, [left, right]) => {
                let left = self.of_kind(left, &Kind::Truth, "`&&`")?;
                let right = self.of_kind(right, &Kind::Truth, "`&&`")?;
                (Node::Both(Box::new([left, right])), Kind::Truth)
            }
            (operators::LOGICAL_OR, [left, right]) => {
                let left = self.of_kind(left, &Kind::Truth, "`||`")?;
                let right = self.of_kind(right, &Kind::Truth, "`||`")?;
                (Node::Either(Box::new([left, right])), Kind::Truth)
            }
            (operators::CONDITIONAL, [condition, left, right]) => {
                self.choice(condition, left, right)?
            }
            (operators::INDEX, [list, index]) => self.item(list, index)?,
            (operators::IN, [item, list]) => self.within(item, list)?,
            (_, [left, right]) => {
                if let Some(comparison) = comparison(name) {
                    self.compare(at, comparison, left, right)?
                } else if let Some(arithmetic) = arithmetic(name) {
                    self.combine(at, arithmetic, left, right)?
                } else {
                    return Ok(None);
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(typed))
    }

    fn choice(
        &mut self,
        condition: &IdedExpr,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Result<(Node, Kind), Flaw> {
        let condition = self.of_kind(condition, &Kind::Truth, "the condition before `?`")?;
        let (left, one) = self.step(left)?;
        let start = self.start(right);
        let (right, other) = self.step(right)?;
        let kind = one.union(&other).ok_or_else(|| {
            let message = format!("`? :` chooses between {one} and {other}");
            Flaw::new(start, message, "choose between two values of one type")
        })?;
        Ok((Node::Choice(Box::new([condition, left, right])), kind))
    }

    fn item(&mut self, list: &IdedExpr, index: &IdedExpr) -> Result<(Node, Kind), Flaw> {
        let start = self.start(list);
        let (list, kind) = self.step(list)?;
        let Kind::List(item) = kind else {
            let message = format!("{kind} has no items");
            return Err(Flaw::new(
                start,
                message,
                "take a part of a text with charAt or substring",
            ));
        };
        if *item == Kind::Nothing {
            return Err(Flaw::new(start, "an empty list has no items", "write its items"));
        }
        let index = self.of_kind(index, &Kind::Number, "`[ ]`")?;
        Ok((Node::Item(Box::new([list, index])), *item))
    }

    fn within(&mut self, item: &IdedExpr, list: &IdedExpr) -> Result<(Node, Kind), Flaw> {
        let (item, one) = self.step(item)?;
        let start = self.start(list);
        let (list, kind) = self.step(list)?;
        let Kind::List(other) = &kind else {
            let message = format!("`in` takes a list after it, not {kind}");
            let remedy = match kind {
                Kind::Text => "for a part of a text write text.contains(part)",
                Kind::Truth | Kind::Number | Kind::List(_) | Kind::Nothing => {
                    "write a list: ['one', 'other']"
                }
            };
            return Err(Flaw::new(start, message, remedy));
        };
        if one.union(other).is_none() {
            let message = format!("{one} is never in {kind}");
            return Err(Flaw::new(start, message, conversion(other, &one)));
        }
        Ok((Node::Within(Box::new([item, list])), Kind::Truth))
    }

    fn compare(
        &mut self,
        at: usize,
        comparison: Comparison,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Result<(Node, Kind), Flaw> {
        let (left, one): Typed = self.step(left)?;
        let (right, other): Typed = self.step(right)?;
        let ordered = !matches!(comparison, Comparison::Equal | Comparison::Unequal);
        let kind = one.union(&other).ok_or_else(|| {
            let message = format!("{one} is compared with {other}");
            Flaw::new(at, message, conversion(&one, &other))
        })?;
        if ordered && matches!(kind, Kind::List(_) | Kind::Nothing) {
            let message = format!("{kind} has no order");
            return Err(Flaw::new(at, message, "compare its size(…), or use == and !="));
        }
        Ok((Node::Compare(comparison, Box::new([left, right])), Kind::Truth))
    }

    fn combine(
        &mut self,
        at: usize,
        arithmetic: Arithmetic,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Result<(Node, Kind), Flaw> {
        let (left, one) = self.step(left)?;
        let (right, other) = self.step(right)?;
        let fits = |kind: &Kind| match arithmetic {
            Arithmetic::Add => matches!(kind, Kind::Number | Kind::Text | Kind::List(_)),
            Arithmetic::Subtract
            | Arithmetic::Multiply
            | Arithmetic::Divide
            | Arithmetic::Remainder => *kind == Kind::Number,
        };
        let Some(kind) = one.union(&other).filter(fits) else {
            let sign = sign(arithmetic);
            let takes = match arithmetic {
                Arithmetic::Add => "two strings, two ints or two lists",
                Arithmetic::Subtract
                | Arithmetic::Multiply
                | Arithmetic::Divide
                | Arithmetic::Remainder => "two ints",
            };
            let remedy = match (&one, &other) {
                (Kind::Text, Kind::Number | Kind::Truth)
                | (Kind::Number | Kind::Truth, Kind::Text) => "make both texts: string(…)",
                _ => "use values of one type",
            };
            let message = format!("`{sign}` takes {takes}, not {one} and {other}");
            return Err(Flaw::new(at, message, remedy));
        };
        Ok((Node::Combine(arithmetic, Box::new([left, right])), kind))
    }
}

fn comparison(name: &str) -> Option<Comparison> {
    match name {
        operators::EQUALS => Some(Comparison::Equal),
        operators::NOT_EQUALS => Some(Comparison::Unequal),
        operators::LESS => Some(Comparison::Less),
        operators::LESS_EQUALS => Some(Comparison::LessOrEqual),
        operators::GREATER => Some(Comparison::Greater),
        operators::GREATER_EQUALS => Some(Comparison::GreaterOrEqual),
        _ => None,
    }
}

fn arithmetic(name: &str) -> Option<Arithmetic> {
    match name {
        operators::ADD => Some(Arithmetic::Add),
        operators::SUBSTRACT => Some(Arithmetic::Subtract),
        operators::MULTIPLY => Some(Arithmetic::Multiply),
        operators::DIVIDE => Some(Arithmetic::Divide),
        operators::MODULO => Some(Arithmetic::Remainder),
        _ => None,
    }
}

fn sign(arithmetic: Arithmetic) -> char {
    match arithmetic {
        Arithmetic::Add => '+',
        Arithmetic::Subtract => '-',
        Arithmetic::Multiply => '*',
        Arithmetic::Divide => '/',
        Arithmetic::Remainder => '%',
    }
}

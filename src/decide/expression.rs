//! Evaluates the expressions of policies over cloud groups.
//!
//! Input: a compiled expression and a group. Output: its truth or text, or a clause for people
//! that says why there is none; such a group is Unknown for the pass. The checker has settled
//! every type, so what is left to fail is what depends on the group: a position outside a text,
//! a text that is no number, an overflow, or one of the limits below.
//!
//! `field` reads the group, `function` holds the functions, `value` what a step gives.

mod field;
mod function;
mod value;

use crate::model::expression::{Arithmetic, Comparison, Loop, Node, Quantifier, Step, whereabouts};
use crate::model::{CloudGroup, Expression};

use value::Value;

/// The most steps of one evaluation. A walk over the 1,024 characters of the longest field with
/// ten steps for each takes 10,240; ten times that is 30 ms at worst, and stops a loop in a loop
/// over lists that grow.
const STEPS_MAX: usize = 100_000;
/// The most bytes of a text on the way: four times the longest field, 1,024 characters of up to
/// 4 bytes each.
const TEXT_BYTES_MAX: usize = 4 * 1_024 * 4;
/// The most items of a list on the way: as many as a text has bytes, so that every text can be
/// taken apart.
const ITEMS_MAX: usize = TEXT_BYTES_MAX;
/// The longest result: the longest value of the directory attributes that policies write
/// (`description`, `info`: rangeUpper 1024, MS-ADA1).
const RESULT_CHARACTERS_MAX: usize = 1_024;
/// How many bytes of text, or items of a list, cost as much as one step.
const BYTES_OF_A_STEP: usize = 64;

/// Whether a condition holds for the group.
pub fn truth(expression: &Expression, group: &CloudGroup) -> Result<bool, String> {
    match run(expression, group)? {
        Value::Truth(truth) => Ok(truth),
        Value::Number(_) | Value::Text(_) | Value::List(_) => Err(mistyped(expression)),
    }
}

/// The text an expression gives for the group: possibly empty, at most 1,024 characters.
pub fn text(expression: &Expression, group: &CloudGroup) -> Result<String, String> {
    let Value::Text(text) = run(expression, group)? else { return Err(mistyped(expression)) };
    let length = text.chars().count();
    if length > RESULT_CHARACTERS_MAX {
        return Err(format!(
            "the expression at {} gives {length} characters, more than {RESULT_CHARACTERS_MAX}",
            expression.place
        ));
    }
    Ok(text.as_ref().to_owned())
}

fn run(expression: &Expression, group: &CloudGroup) -> Result<Value, String> {
    let mut evaluation = Evaluation { group, variables: Vec::new(), steps_left: STEPS_MAX };
    evaluation.value(&expression.program).map_err(|failure| {
        let spot = whereabouts(&expression.text, failure.at);
        format!("the expression at {} fails at {spot}: {}", expression.place, failure.why)
    })
}

/// Only for expressions that did not come from the checker.
fn mistyped(expression: &Expression) -> String {
    format!("the expression at {} does not give what it was declared to give", expression.place)
}

/// Why a step gives no value.
#[derive(Debug)]
struct Failure {
    /// The character of the step, from 1.
    at: usize,
    /// A clause for people.
    why: String,
}

impl Failure {
    fn new(at: usize, why: impl Into<String>) -> Self {
        Self { at, why: why.into() }
    }

    fn mistyped(at: usize) -> Self {
        Self::new(at, "a value has another type than the one that was checked")
    }
}

type Answer<T> = Result<T, Failure>;

struct Evaluation<'a> {
    group: &'a CloudGroup,
    /// The items of the loops around the step, outermost first.
    variables: Vec<Value>,
    steps_left: usize,
}

impl Evaluation<'_> {
    fn value(&mut self, step: &Step) -> Answer<Value> {
        let at = step.at;
        self.charge(at, 1)?;
        match &step.node {
            Node::Truth(truth) => Ok(Value::Truth(*truth)),
            Node::Number(number) => Ok(Value::Number(*number)),
            Node::Text(text) => Ok(Value::Text(text.clone())),
            Node::List(items) => {
                let items: Answer<Vec<Value>> = items.iter().map(|item| self.value(item)).collect();
                self.list(at, items?)
            }
            Node::Field(field) => field::value(self.group, at, *field),
            Node::Variable(depth) => {
                self.variables.get(*depth).cloned().ok_or_else(|| Failure::mistyped(at))
            }
            Node::Not(step) => Ok(Value::Truth(!self.truth(step)?)),
            Node::Negate(step) => {
                let negated = self.number(step)?.checked_neg();
                negated.map(Value::Number).ok_or_else(|| overflow(at))
            }
            Node::Both(pair) => self.either(pair, false).map(Value::Truth),
            Node::Either(pair) => self.either(pair, true).map(Value::Truth),
            Node::Choice(parts) => {
                let [condition, left, right] = &**parts;
                if self.truth(condition)? { self.value(left) } else { self.value(right) }
            }
            Node::Compare(comparison, pair) => {
                let (left, right) = self.pair(pair)?;
                self.compare(at, *comparison, &left, &right).map(Value::Truth)
            }
            Node::Combine(arithmetic, pair) => {
                let (left, right) = self.pair(pair)?;
                self.combine(at, *arithmetic, &left, &right)
            }
            Node::Within(pair) => {
                let (item, list) = self.pair(pair)?;
                self.within(at, &item, &list).map(Value::Truth)
            }
            Node::Item(pair) => {
                let (list, index) = self.pair(pair)?;
                item(at, &list, &index)
            }
            Node::Call(function, steps) => {
                let values: Answer<Vec<Value>> = steps.iter().map(|one| self.value(one)).collect();
                self.call(at, *function, &values?)
            }
            Node::Matches(step, pattern) => {
                let text = self.text(step)?;
                self.charge(at, text.len())?;
                Ok(Value::Truth(pattern.is_match(&text)))
            }
            Node::Each(quantifier, parts) => self.each(at, *quantifier, parts),
        }
    }

    /// `||` where `winner` is true, `&&` where it is false: a side that decides wins over a side
    /// that fails (cel-spec, langdef "Logical Operators").
    fn either(&mut self, pair: &[Step; 2], winner: bool) -> Answer<bool> {
        let [left, right] = pair;
        match self.truth(left) {
            Ok(truth) if truth == winner => Ok(winner),
            Ok(_) => self.truth(right),
            Err(failure) => match self.truth(right) {
                Ok(truth) if truth == winner => Ok(winner),
                Ok(_) | Err(_) => Err(failure),
            },
        }
    }

    fn each(&mut self, at: usize, quantifier: Quantifier, parts: &Loop) -> Answer<Value> {
        let Value::List(items) = self.value(&parts.over)? else {
            return Err(Failure::mistyped(at));
        };
        match quantifier {
            Quantifier::Exists => self.any(&items, parts, true).map(Value::Truth),
            Quantifier::All => self.any(&items, parts, false).map(|any| Value::Truth(!any)),
            Quantifier::ExistsOne => {
                let mut count = 0_usize;
                for item in items.iter() {
                    count += usize::from(self.counts(item, parts)?);
                }
                Ok(Value::Truth(count == 1))
            }
            Quantifier::Collect => {
                let mut kept = Vec::new();
                for item in items.iter() {
                    if self.counts(item, parts)? {
                        kept.push(match &parts.becomes {
                            Some(becomes) => self.with(item, |this| this.value(becomes))?,
                            None => item.clone(),
                        });
                    }
                }
                self.list(at, kept)
            }
        }
    }

    /// Whether the condition of one item is `sought`; an item that decides wins over items that
    /// fail (cel-spec, langdef "Macros").
    fn any(&mut self, items: &[Value], parts: &Loop, sought: bool) -> Answer<bool> {
        let mut failed = None;
        for item in items {
            match self.counts(item, parts) {
                Ok(truth) if truth == sought => return Ok(true),
                Ok(_) => {}
                Err(failure) => failed = failed.or(Some(failure)),
            }
        }
        failed.map_or(Ok(false), Err)
    }

    fn counts(&mut self, item: &Value, parts: &Loop) -> Answer<bool> {
        match &parts.condition {
            Some(condition) => self.with(item, |this| this.truth(condition)),
            None => Ok(true),
        }
    }

    fn with<T>(&mut self, item: &Value, run: impl FnOnce(&mut Self) -> Answer<T>) -> Answer<T> {
        self.variables.push(item.clone());
        let answer = run(self);
        self.variables.pop();
        answer
    }

    fn compare(
        &mut self,
        at: usize,
        comparison: Comparison,
        left: &Value,
        right: &Value,
    ) -> Answer<bool> {
        let order = match (left, right) {
            (Value::Truth(left), Value::Truth(right)) => Some(left.cmp(right)),
            (Value::Number(left), Value::Number(right)) => Some(left.cmp(right)),
            (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
            _ => None,
        };
        match comparison {
            Comparison::Equal => self.equal(at, left, right),
            Comparison::Unequal => self.equal(at, left, right).map(|equal| !equal),
            Comparison::Less => order.map(std::cmp::Ordering::is_lt).ok_or(Failure::mistyped(at)),
            Comparison::LessOrEqual => {
                order.map(std::cmp::Ordering::is_le).ok_or(Failure::mistyped(at))
            }
            Comparison::Greater => {
                order.map(std::cmp::Ordering::is_gt).ok_or(Failure::mistyped(at))
            }
            Comparison::GreaterOrEqual => {
                order.map(std::cmp::Ordering::is_ge).ok_or(Failure::mistyped(at))
            }
        }
    }

    /// Each pair of items is charged: lists share their items, so that a list of a few steps can
    /// be as wide as a tree of 2^30 leaves.
    fn equal(&mut self, at: usize, left: &Value, right: &Value) -> Answer<bool> {
        self.charge(at, 1)?;
        match (left, right) {
            (Value::Truth(left), Value::Truth(right)) => Ok(left == right),
            (Value::Number(left), Value::Number(right)) => Ok(left == right),
            (Value::Text(left), Value::Text(right)) => {
                self.charge(at, left.len() / BYTES_OF_A_STEP)?;
                Ok(left == right)
            }
            (Value::List(left), Value::List(right)) => {
                if left.len() != right.len() {
                    return Ok(false);
                }
                for (left, right) in left.iter().zip(right.iter()) {
                    if !self.equal(at, left, right)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            _ => Err(Failure::mistyped(at)),
        }
    }

    fn within(&mut self, at: usize, item: &Value, list: &Value) -> Answer<bool> {
        let Value::List(items) = list else { return Err(Failure::mistyped(at)) };
        for one in items.iter() {
            if self.equal(at, item, one)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn combine(
        &mut self,
        at: usize,
        arithmetic: Arithmetic,
        left: &Value,
        right: &Value,
    ) -> Answer<Value> {
        let (left, right) = match (left, right) {
            (Value::Number(left), Value::Number(right)) => (*left, *right),
            (Value::Text(left), Value::Text(right)) if arithmetic == Arithmetic::Add => {
                self.room(at, left.len().saturating_add(right.len()))?;
                return Ok(Value::text(&[left.as_ref(), right.as_ref()].concat()));
            }
            (Value::List(left), Value::List(right)) if arithmetic == Arithmetic::Add => {
                return self.list(at, left.iter().chain(right.iter()).cloned().collect());
            }
            _ => return Err(Failure::mistyped(at)),
        };
        let zero = matches!(arithmetic, Arithmetic::Divide | Arithmetic::Remainder) && right == 0;
        if zero {
            return Err(Failure::new(at, "a number is divided by 0"));
        }
        let result = match arithmetic {
            Arithmetic::Add => left.checked_add(right),
            Arithmetic::Subtract => left.checked_sub(right),
            Arithmetic::Multiply => left.checked_mul(right),
            Arithmetic::Divide => left.checked_div(right),
            Arithmetic::Remainder => left.checked_rem(right),
        };
        result.map(Value::Number).ok_or_else(|| overflow(at))
    }

    fn pair(&mut self, pair: &[Step; 2]) -> Answer<(Value, Value)> {
        let [left, right] = pair;
        Ok((self.value(left)?, self.value(right)?))
    }

    fn truth(&mut self, step: &Step) -> Answer<bool> {
        match self.value(step)? {
            Value::Truth(truth) => Ok(truth),
            Value::Number(_) | Value::Text(_) | Value::List(_) => Err(Failure::mistyped(step.at)),
        }
    }

    fn number(&mut self, step: &Step) -> Answer<i64> {
        self.value(step)?.number().ok_or_else(|| Failure::mistyped(step.at))
    }

    fn text(&mut self, step: &Step) -> Answer<std::sync::Arc<str>> {
        match self.value(step)? {
            Value::Text(text) => Ok(text),
            Value::Truth(_) | Value::Number(_) | Value::List(_) => Err(Failure::mistyped(step.at)),
        }
    }

    /// A list, when it is not too long.
    fn list(&mut self, at: usize, items: Vec<Value>) -> Answer<Value> {
        if items.len() > ITEMS_MAX {
            return Err(Failure::new(at, format!("a list grows beyond {ITEMS_MAX} items")));
        }
        self.charge(at, items.len() / BYTES_OF_A_STEP)?;
        Ok(Value::list(items))
    }

    /// Whether a text of so many bytes may be made.
    fn room(&mut self, at: usize, bytes: usize) -> Answer<()> {
        if bytes > TEXT_BYTES_MAX {
            return Err(Failure::new(at, format!("a text grows beyond {TEXT_BYTES_MAX} bytes")));
        }
        self.charge(at, bytes / BYTES_OF_A_STEP)
    }

    fn charge(&mut self, at: usize, steps: usize) -> Answer<()> {
        if let Some(left) = self.steps_left.checked_sub(steps) {
            self.steps_left = left;
            return Ok(());
        }
        // What fails for want of steps fails for good: no `||` may go on after it.
        self.steps_left = 0;
        Err(Failure::new(at, format!("it takes more than {STEPS_MAX} steps")))
    }
}

fn overflow(at: usize) -> Failure {
    Failure::new(at, "a number grows beyond 64 bits")
}

fn item(at: usize, list: &Value, index: &Value) -> Answer<Value> {
    let (Value::List(items), Value::Number(index)) = (list, index) else {
        return Err(Failure::mistyped(at));
    };
    let item = usize::try_from(*index).ok().and_then(|index| items.get(index));
    item.cloned().ok_or_else(|| {
        let count = items.len();
        Failure::new(at, format!("a list of {count} items has no item {index}"))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use super::*;
    use crate::model::ObjectId;
    use crate::model::cloud::{GroupKind, Origin};
    use crate::model::expression::{Field, Function, Wanted};
    use crate::model::policy::{Membership, Place};

    fn group(kind: GroupKind, membership: Membership) -> CloudGroup {
        CloudGroup {
            id: ObjectId::parse("01234567-89ab-cdef-0123-456789abcdef").unwrap(),
            display_name: "sales".to_owned(),
            description: None,
            mail: None,
            mail_nickname: None,
            security_enabled: Some(kind == GroupKind::Security),
            visibility: None,
            kind,
            membership,
            hidden_membership: false,
            role_assignable: true,
            origin: Origin::Cloud,
        }
    }

    fn step(node: Node) -> Step {
        Step { at: 3, node }
    }

    fn expression(wanted: Wanted, node: Node) -> Expression {
        Expression {
            text: "a text".to_owned(),
            place: Place { file: "p.yaml".to_owned(), line: 2, column: 5 },
            wanted,
            reads: BTreeSet::new(),
            program: Arc::new(step(node)),
        }
    }

    fn read(field: Field, kind: GroupKind, membership: Membership) -> String {
        let group = group(kind, membership);
        let plain = expression(Wanted::Text, Node::Field(field));
        let joined = Node::Call(Function::Join, vec![step(Node::Field(field))]);
        text(&plain, &group)
            .or_else(|_| truth(&plain, &group).map(|truth| truth.to_string()))
            .or_else(|_| text(&expression(Wanted::Text, joined), &group))
            .unwrap_or_else(|why| why)
    }

    #[test]
    fn every_field_has_a_value_and_an_absent_text_is_empty() {
        use GroupKind::{DistributionList, Microsoft365, Security};
        use Membership::{Assigned, Dynamic};
        for (field, kind, membership, expected) in [
            (Field::Id, Security, Assigned, "01234567-89ab-cdef-0123-456789abcdef"),
            (Field::DisplayName, Security, Assigned, "sales"),
            (Field::Description, Security, Assigned, ""),
            (Field::Mail, Security, Assigned, ""),
            (Field::MailNickname, Security, Assigned, ""),
            (Field::Visibility, Security, Assigned, ""),
            (Field::Kind, Security, Assigned, "Security"),
            (Field::Kind, Microsoft365, Assigned, "Microsoft365"),
            (Field::Membership, Security, Assigned, "Assigned"),
            (Field::Membership, Security, Dynamic, "Dynamic"),
            (Field::RoleAssignable, Security, Assigned, "true"),
            (Field::MailEnabled, Security, Assigned, "false"),
            (Field::MailEnabled, Microsoft365, Assigned, "true"),
            (Field::SecurityEnabled, Security, Assigned, "true"),
            (Field::SecurityEnabled, DistributionList, Assigned, "false"),
            (Field::GroupTypes, Security, Assigned, ""),
            (Field::GroupTypes, Security, Dynamic, "DynamicMembership"),
            (Field::GroupTypes, Microsoft365, Dynamic, "DynamicMembershipUnified"),
        ] {
            assert_eq!(read(field, kind, membership), expected, "{field:?} {kind:?}");
        }
    }

    #[test]
    fn what_no_checker_saw_fails_and_does_not_panic() {
        let group = group(GroupKind::Security, Membership::Assigned);
        let text_node = || step(Node::Text(Arc::from("a")));
        for node in [
            Node::Text(Arc::from("a")),
            Node::Variable(7),
            Node::Not(Box::new(text_node())),
            Node::Negate(Box::new(text_node())),
            Node::Item(Box::new([text_node(), text_node()])),
            Node::Within(Box::new([text_node(), text_node()])),
            Node::Compare(Comparison::Less, Box::new([text_node(), step(Node::Number(1))])),
            Node::Compare(Comparison::Equal, Box::new([text_node(), step(Node::Number(1))])),
            Node::Combine(Arithmetic::Subtract, Box::new([text_node(), text_node()])),
            Node::Call(Function::Contains, Vec::new()),
            Node::Call(Function::Trim, vec![step(Node::Number(1))]),
        ] {
            let told = truth(&expression(Wanted::Truth, node.clone()), &group).unwrap_err();
            assert!(told.starts_with("the expression at p.yaml:2:5 "), "{node:?}: {told}");
        }
    }

    #[test]
    fn a_side_that_decides_wins_over_a_side_that_fails() {
        let group = group(GroupKind::Security, Membership::Assigned);
        let fails = || step(Node::Variable(0));
        let sure = |truth| step(Node::Truth(truth));
        let told = |node| truth(&expression(Wanted::Truth, node), &group).ok();
        assert_eq!(told(Node::Either(Box::new([fails(), sure(true)]))), Some(true));
        assert_eq!(told(Node::Either(Box::new([fails(), sure(false)]))), None);
        assert_eq!(told(Node::Both(Box::new([fails(), sure(false)]))), Some(false));
        assert_eq!(told(Node::Both(Box::new([sure(true), fails()]))), None);
    }
}

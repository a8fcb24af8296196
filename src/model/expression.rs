//! An expression of a policy (CEL), checked and compiled: nothing in it can be of a wrong type.
//!
//! Made by `policy::expression` from a text; evaluated by `decide::expression`. The steps form a
//! tree that holds every pattern already compiled, so that an evaluation for each of 100,000
//! groups parses nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use regex::Regex;

use crate::model::policy::Place;

/// A compiled expression over one cloud group.
#[derive(Clone, Debug)]
pub struct Expression {
    /// Its source.
    pub text: String,
    /// Where the text stands: file, line and column of the scalar.
    pub place: Place,
    /// What it was declared to give; the checker held it to that.
    pub wanted: Wanted,
    /// The fields of the group that it reads.
    pub reads: BTreeSet<Field>,
    /// What is evaluated.
    pub program: Arc<Step>,
}

impl Expression {
    /// The fields it reads that an owner of the group can change without any role in the tenant,
    /// by their names in the policy, sorted.
    pub fn owner_writable(&self) -> Vec<&'static str> {
        let writable = self.reads.iter().filter(|field| field.is_owner_writable());
        writable.map(|field| field.name()).collect()
    }
}

/// What an expression is declared to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A condition: `bool`.
    Truth,
    /// A name or value: `string`.
    Text,
}

/// The characters before and up to a place in an expression, for people: the number of the
/// character, with its line where the text has several.
pub fn whereabouts(text: &str, character: usize) -> String {
    let before: String = text.chars().take(character.saturating_sub(1)).collect();
    if !text.trim_end().contains('\n') {
        return format!("character {character}");
    }
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|one| *one != '\n').count() + 1;
    format!("line {line}, character {column} of the expression")
}

/// A field of `group`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Its description, or ''.
    Description,
    /// Its display name.
    DisplayName,
    /// `groupTypes`: of `DynamicMembership` and `Unified` those that it has.
    GroupTypes,
    /// Its object id.
    Id,
    /// Its kind: `Microsoft365`, `Security`, `MailEnabledSecurity`, `DistributionList`,
    /// `Unrecognised`.
    Kind,
    /// Its mail address, or ''.
    Mail,
    /// Whether it has a mail address of its own.
    MailEnabled,
    /// The part of the address that its owners choose, or ''.
    MailNickname,
    /// `Assigned` or `Dynamic`.
    Membership,
    /// Whether it can be assigned to directory roles of the tenant.
    RoleAssignable,
    /// Whether it is a security principal.
    SecurityEnabled,
    /// `visibility` as it came: `Public`, `Private`, `HiddenMembership`, or ''.
    Visibility,
}

impl Field {
    /// Every field, by name.
    pub const ALL: [Self; 12] = [
        Self::Description,
        Self::DisplayName,
        Self::GroupTypes,
        Self::Id,
        Self::Kind,
        Self::Mail,
        Self::MailEnabled,
        Self::MailNickname,
        Self::Membership,
        Self::RoleAssignable,
        Self::SecurityEnabled,
        Self::Visibility,
    ];

    /// Its name after `group.`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Description => "description",
            Self::DisplayName => "displayName",
            Self::GroupTypes => "groupTypes",
            Self::Id => "id",
            Self::Kind => "kind",
            Self::Mail => "mail",
            Self::MailEnabled => "mailEnabled",
            Self::MailNickname => "mailNickname",
            Self::Membership => "membership",
            Self::RoleAssignable => "roleAssignable",
            Self::SecurityEnabled => "securityEnabled",
            Self::Visibility => "visibility",
        }
    }

    /// Whether owners can change it: they manage the properties of their groups
    /// (learn.microsoft.com/entra/fundamentals/users-default-permissions, "Groups") and their
    /// privacy (learn.microsoft.com/graph/api/group-update, `visibility`).
    ///
    /// `mail` is read-only in Graph. Kind, `isAssignableToRole` and the enabled flags are settled
    /// when the group is made, and the type of membership is changed by administrators.
    pub fn is_owner_writable(self) -> bool {
        match self {
            Self::Description | Self::DisplayName | Self::MailNickname | Self::Visibility => true,
            Self::GroupTypes
            | Self::Id
            | Self::Kind
            | Self::Mail
            | Self::MailEnabled
            | Self::Membership
            | Self::RoleAssignable
            | Self::SecurityEnabled => false,
        }
    }
}

/// One step of an evaluation, and where it stands in the text.
#[derive(Clone, Debug)]
pub struct Step {
    /// The character it starts at, from 1.
    pub at: usize,
    /// What it does.
    pub node: Node,
}

/// What a step does. Types are CEL's: `bool`, `int`, `string`, `list`.
#[derive(Clone, Debug)]
pub enum Node {
    /// A literal `bool`.
    Truth(bool),
    /// A literal `int`.
    Number(i64),
    /// A literal `string`.
    Text(Arc<str>),
    /// A list of its items.
    List(Vec<Step>),
    /// A field of the group.
    Field(Field),
    /// The variable of a loop; 0 is that of the outermost.
    Variable(usize),
    /// `!x`
    Not(Box<Step>),
    /// `-x`
    Negate(Box<Step>),
    /// `x && y`
    Both(Box<[Step; 2]>),
    /// `x || y`
    Either(Box<[Step; 2]>),
    /// `x ? y : z`
    Choice(Box<[Step; 3]>),
    /// `x == y` and the like.
    Compare(Comparison, Box<[Step; 2]>),
    /// `x + y` and the like.
    Combine(Arithmetic, Box<[Step; 2]>),
    /// `x in list`
    Within(Box<[Step; 2]>),
    /// `list[x]`
    Item(Box<[Step; 2]>),
    /// A function over its arguments, the receiver first.
    Call(Function, Vec<Step>),
    /// `text.matches('…')`
    Matches(Box<Step>, Regex),
    /// A loop over a list.
    Each(Quantifier, Box<Loop>),
}

/// The parts of a loop over a list; the body sees the item as a variable.
#[derive(Clone, Debug)]
pub struct Loop {
    /// The list.
    pub over: Step,
    /// Which items count: a `bool` for each.
    pub condition: Option<Step>,
    /// What each item becomes.
    pub becomes: Option<Step>,
}

/// What a loop makes of its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    /// `all`: whether the condition holds for every item.
    All,
    /// `exists`: whether it holds for one at least.
    Exists,
    /// `exists_one`: whether it holds for exactly one.
    ExistsOne,
    /// `filter` and `map`: the list of what is left, or of what it becomes.
    Collect,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// How two values are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+` of numbers, texts or lists.
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

/// The functions, by CEL's standard definitions and its strings extension
/// (github.com/google/cel-spec, langdef "Functions"; github.com/google/cel-go, ext "Strings").
/// Positions in texts count code points from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `text.charAt(position)`; '' at the end.
    CharAt,
    /// `text.contains(text)`
    Contains,
    /// `text.endsWith(text)`
    EndsWith,
    /// `text.indexOf(text)`; -1 when it is not there.
    IndexOf,
    /// `texts.join()` or `texts.join(separator)`
    Join,
    /// `text.lastIndexOf(text)`; -1 when it is not there.
    LastIndexOf,
    /// `text.lowerAscii()`
    LowerAscii,
    /// `int(text)`
    Number,
    /// `text.replace(old, new)` or `text.replace(old, new, most)`
    Replace,
    /// `size(x)` or `x.size()`: code points of a text, items of a list.
    Size,
    /// `text.split(separator)` or `text.split(separator, most)`
    Split,
    /// `text.startsWith(text)`
    StartsWith,
    /// `text.substring(start)` or `text.substring(start, end)`
    Substring,
    /// `string(x)` of a text, number or truth value.
    Text,
    /// `text.trim()`
    Trim,
    /// `text.upperAscii()`
    UpperAscii,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_sorted_by_name_and_listed_once() {
        let names: Vec<&str> = Field::ALL.iter().map(|field| field.name()).collect();
        let sorted: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names, sorted.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_character_is_counted_within_its_line_where_there_are_several() {
        assert_eq!(whereabouts("a && é", 6), "character 6");
        assert_eq!(whereabouts("a\n", 1), "character 1");
        assert_eq!(whereabouts("a &&\n  b\n", 8), "line 2, character 3 of the expression");
    }
}

//! The text of an expression (CEL) to a checked and compiled one.
//!
//! Input: one scalar of a policy, and whether a condition or a text is wanted. Output: the
//! expression, or what is wrong with it, at which character, and how to mend it.
//!
//! `scan` bounds the text before anything parses it; the package `cel` parses, and `syntax` tells
//! what it stumbles over; `check` gives every part its type, by the signatures in `function`. The
//! language is CEL without what group policies have no use for: maps, messages, bytes, doubles,
//! unsigned numbers, timestamps, null and optional values are refused by name. All types are known
//! here: nothing is left dynamic, and mixed lists, whose items would be, are refused.
//!
//! The parser's generated code needs over 100 KiB of stack for each bracket in a debug build, so
//! it runs on a thread with a stack for the deepest text that `scan` lets through. A panic in it
//! ends that thread alone and becomes a refusal.

mod check;
mod function;
mod scan;
mod syntax;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;

use cel::Env;

use self::check::Kind;
use self::syntax::syntax_flaw;
use crate::model::Expression;
use crate::model::expression::{Field, Step, Wanted, whereabouts};
use crate::model::policy::Place;
use crate::yaml::Refusal;

/// The longest text, in bytes: some eighty alternatives like `group.id == '…'`. Longer lists of
/// groups belong in `ids`.
const BYTES_MAX: usize = 4_096;
/// The stack of the parser's thread: the deepest text that `scan` lets through takes less than a
/// quarter of it in a debug build; pages that are not touched cost nothing.
const STACK_BYTES: usize = 16 << 20;

/// What is wrong with a text, and where.
#[derive(Debug)]
struct Flaw {
    /// The character, from 1.
    at: usize,
    message: String,
    remedy: String,
}

impl Flaw {
    fn new(at: usize, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { at, message: message.into(), remedy: remedy.into() }
    }
}

/// Compiles one expression; the refusal names the character at which it is wrong.
pub(super) fn compile(text: &str, place: Place, wanted: Wanted) -> Result<Expression, Refusal> {
    if text.trim().is_empty() {
        let example = match wanted {
            Wanted::Truth => "group.mailNickname.startsWith('app-')",
            Wanted::Text => "'app-' + group.mailNickname",
        };
        return Err(Refusal::new("is empty", format!("write an expression: {example}")));
    }
    if text.len() > BYTES_MAX {
        return Err(Refusal::new(
            format!("is {} bytes long, more than the {BYTES_MAX} of an expression", text.len()),
            "shorten it: a pattern with `matches` holds many names, `ids` many groups",
        ));
    }
    let (program, reads) =
        scan::scan(text).and_then(|()| on_a_large_stack(text, wanted)).map_err(|flaw| {
            let spot = whereabouts(text, flaw.at);
            Refusal::new(format!("is wrong at {spot}: {}", flaw.message), flaw.remedy).at(flaw.at)
        })?;
    Ok(Expression { text: text.to_owned(), place, wanted, reads, program: Arc::new(program) })
}

fn on_a_large_stack(text: &str, wanted: Wanted) -> Result<(Step, BTreeSet<Field>), Flaw> {
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("expression".to_owned()).stack_size(STACK_BYTES);
        let started = builder.spawn_scoped(scope, || parse(text, wanted));
        let cannot_start = |error| {
            let message = format!("there is no memory to read it: {error}");
            Flaw::new(1, message, "give the process more memory or threads")
        };
        let answer = started.map_err(cannot_start)?.join();
        answer.unwrap_or_else(|_panic| {
            let message = "the parser of expressions fails on this text";
            Err(Flaw::new(1, message, "write it in another way, and report it"))
        })
    })
}

fn parse(text: &str, wanted: Wanted) -> Result<(Step, BTreeSet<Field>), Flaw> {
    // Without the standard macros: `exists` and its like stay the calls they are written as, and
    // can be checked and named as such.
    let environment = Env::default().with_optional_support(false);
    let parsed = environment.compile(text).map_err(|errors| syntax_flaw(text, &errors))?;
    let mut checker = check::Checker::new(text, parsed.source_info());
    let (program, kind) = checker.step(parsed.expression())?;
    let expected = match wanted {
        Wanted::Truth => Kind::Truth,
        Wanted::Text => Kind::Text,
    };
    if kind != expected {
        let remedy = match (wanted, &kind) {
            (Wanted::Truth, Kind::Text) => "compare it: … == 'value', or … != ''",
            (Wanted::Truth, _) => "write a condition: group.mailNickname.startsWith('app-')",
            (Wanted::Text, Kind::Truth) => "choose between two texts: condition ? 'one' : 'other'",
            (Wanted::Text, Kind::Number) => "make it a text: string(…)",
            (Wanted::Text, _) => "make it a text: ….join('-')",
        };
        let message = format!("it gives {kind}, but {expected} is wanted");
        return Err(Flaw::new(1, message, remedy));
    }
    Ok((program, checker.into_reads()))
}

#[cfg(test)]
mod tests {
    mod bounds;
    mod mistakes;
    mod random;

    use super::*;
    use crate::decide::expression::{text, truth};
    use crate::model::ObjectId;
    use crate::model::cloud::{CloudGroup, GroupKind, Origin};
    use crate::model::policy::Membership;

    fn place() -> Place {
        Place { file: "p.yaml".to_owned(), line: 12, column: 9 }
    }

    fn group() -> CloudGroup {
        CloudGroup {
            id: ObjectId::parse("01234567-89ab-cdef-0123-456789abcdef").unwrap(),
            display_name: "APP Zürich, Prod".to_owned(),
            description: None,
            mail: Some("app-zuerich@corp.example".to_owned()),
            mail_nickname: Some("app-zuerich".to_owned()),
            security_enabled: None,
            visibility: Some("Private".to_owned()),
            kind: GroupKind::Microsoft365,
            membership: Membership::Dynamic,
            hidden_membership: false,
            role_assignable: false,
            origin: Origin::Cloud,
        }
    }

    fn told(source: &str, wanted: Wanted) -> String {
        match compile(source, place(), wanted) {
            Ok(_) => "compiles".to_owned(),
            Err(refusal) => format!("{}; {}", refusal.message, refusal.remedy),
        }
    }

    /// The value as CEL would print it, or why there is none.
    fn value(source: &str) -> String {
        let expression = match compile(source, place(), Wanted::Truth) {
            Ok(expression) => expression,
            Err(first) => match compile(source, place(), Wanted::Text) {
                Ok(expression) => expression,
                Err(_) => return first.message,
            },
        };
        let answer = match expression.wanted {
            Wanted::Truth => truth(&expression, &group()).map(|truth| truth.to_string()),
            Wanted::Text => text(&expression, &group()).map(|text| format!("{text:?}")),
        };
        answer.unwrap_or_else(|why| why)
    }

    #[test]
    fn expressions_give_what_cel_says() {
        for (source, expected) in [
            ("group.mailNickname.startsWith('app-')", "true"),
            ("group.displayName.endsWith('prod')", "false"),
            ("group.displayName.contains('ü')", "true"),
            ("group.displayName.matches('^APP .*[Pp]rod$')", "true"),
            ("matches(group.displayName, 'rich')", "true"),
            ("group.description == ''", "true"),
            ("has(group.description) || has(group.mail)", "true"),
            ("has(group.groupTypes)", "true"),
            ("group.id", "\"01234567-89ab-cdef-0123-456789abcdef\""),
            ("group.kind == 'Microsoft365' && group.membership == 'Dynamic'", "true"),
            ("group.visibility in ['Private', 'Public']", "true"),
            ("'x' in []", "false"),
            ("group.mailEnabled && !group.roleAssignable", "true"),
            ("'Unified' in group.groupTypes", "true"),
            ("group.groupTypes.exists(one, one.startsWith('Dyn'))", "true"),
            ("group.groupTypes.all(one, size(one) > 7)", "false"),
            ("group.groupTypes.exists_one(one, one.size() == 7)", "true"),
            (
                "group.groupTypes.map(one, one.lowerAscii()).join('+')",
                "\"dynamicmembership+unified\"",
            ),
            ("group.groupTypes.filter(one, one != 'Unified').join()", "\"DynamicMembership\""),
            ("group.groupTypes.map(one, one == 'Unified', 'x' + one).join()", "\"xUnified\""),
            (
                "['ab', 'cd'].map(a, a.split('').map(b, b + a).join()).join('|')",
                "\"aabbab|ccddcd\"",
            ),
            ("group.displayName.lowerAscii().replace(' ', '-')", "\"app-zürich,-prod\""),
            ("group.displayName.upperAscii()", "\"APP ZüRICH, PROD\""),
            ("group.displayName.substring(4, 10)", "\"Zürich\""),
            ("group.displayName.charAt(5) + group.displayName.charAt(16)", "\"ü\""),
            ("group.displayName.split(',', 1).join('/') + ' a '.trim()", "\"APP Zürich, Proda\""),
            ("group.displayName.split(' ')[1]", "\"Zürich,\""),
            ("'aaa'.replace('a', 'b', 2) + string(7) + string(true)", "\"bba7true\""),
            ("'äb'.replace('', '-')", "\"-ä-b-\""),
            ("group.displayName.indexOf('rich') == 6", "true"),
            ("group.displayName.indexOf('?') == -1 && 'aba'.lastIndexOf('a') == 2", "true"),
            ("int('42') + 1 == 43 && 7 / 2 == 3 && -7 % 3 == -1 && 2 * 3 - 1 == 5", "true"),
            ("'a' < 'b' && 1 <= 1 && 2 > 1 && 'b' >= 'a' && false < true", "true"),
            ("[1, 2] + [3] == [1, 2, 3] && [[1]] != [[2]]", "true"),
            ("1 / 0 == 1 || true", "true"),
            ("[0, 1].exists(x, 1 / x == 1)", "true"),
            ("group.roleAssignable ? 'role' : 'plain'", "\"plain\""),
            ("// the prefix\n'a' + // and\n 'b'", "\"ab\""),
            (r#"r'\d' + '\u00e9' + "it's""#, r#""\\déit's""#),
        ] {
            assert_eq!(value(source), expected, "{source}");
        }
    }

    #[test]
    fn what_fails_for_a_group_says_where_and_why() {
        for (source, why) in [
            ("group.mail.substring(99)", "12: a text of 24 characters has no position 99"),
            ("'abc'.substring(2, 1)", "7: a part ends at 1, before its start 2"),
            ("group.groupTypes[2]", "17: a list of 2 items has no item 2"),
            ("string(1 / size(group.description))", "10: a number is divided by 0"),
            ("string(int(group.mail))", "8: a text is not a whole number"),
            ("string(9223372036854775807 + 1)", "28: a number grows beyond 64 bits"),
            ("string(-9223372036854775808 / -1)", "29: a number grows beyond 64 bits"),
            (
                "string(group.securityEnabled)",
                "8: the tenant does not tell `group.securityEnabled`",
            ),
        ] {
            let expected = format!("the expression at p.yaml:12:9 fails at character {why}");
            assert_eq!(value(source), expected, "{source}");
        }
    }

    #[test]
    fn the_fields_that_owners_change_are_told() {
        let source = "group.mailNickname == 'a' || group.id == 'b' || group.displayName == ''";
        let compiled = compile(source, place(), Wanted::Truth).unwrap();
        assert_eq!(compiled.owner_writable(), ["displayName", "mailNickname"]);
        let compiled = compile("group.kind == 'Security'", place(), Wanted::Truth).unwrap();
        assert!(compiled.owner_writable().is_empty());
    }
}

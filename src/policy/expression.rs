//! The text of an expression (CEL) to a checked and compiled one.
//!
//! Input: one scalar of a policy, and whether a condition or a text is wanted. Output: the
//! expression, or what is wrong with it, at which character, and how to mend it.
//!
//! `scan` bounds the text before anything parses it; the package `cel` parses; `check` gives
//! every part its type, by the signatures in `function`. The language is CEL without what group
//! policies have no use for: maps, messages, bytes, doubles, unsigned numbers, timestamps, null
//! and optional values are refused by name. All types are known here: nothing is left dynamic,
//! and mixed lists, whose items would be, are refused.
//!
//! The parser's generated code needs over 100 KiB of stack for each bracket in a debug build, so
//! it runs on a thread with a stack for the deepest text that `scan` lets through. A panic in it
//! ends that thread alone and becomes a refusal.

mod check;
mod function;
mod scan;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;

use cel::Env;
use cel::parser::ParseErrors;

use crate::model::Expression;
use crate::model::expression::{Field, Step, Wanted, whereabouts};
use crate::model::policy::Place;
use crate::yaml::{Refusal, shown};

use check::Kind;

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

/// The first thing the parser stumbles over, told by what stands there: its own messages list the
/// tokens of a grammar.
fn syntax_flaw(text: &str, errors: &ParseErrors) -> Flaw {
    let told = |error: &&cel::ParseError| !error.msg.starts_with(['I', 'N', 'U']);
    let first = errors.errors.iter().find(told).or(errors.errors.first());
    let (line, column) = first.map_or((1, 1), |error| error.pos);
    let at = character(text, line, column);
    let rest: String = text.chars().skip(at.saturating_sub(1)).collect();
    let message = first.map_or("", |error| error.msg.as_str());
    if rest.trim().is_empty() {
        return Flaw::new(
            at,
            "it ends where a value is expected",
            "complete it, or remove the last operator",
        );
    }
    let token = token(&rest);
    if message.starts_with("reserved identifier") {
        let message = format!("`{}` is a reserved word", shown(token));
        return Flaw::new(at, message, "choose another name");
    }
    if message.starts_with("invalid string") {
        let remedy = "write the character itself, or its number in Unicode: \\u00e9";
        return Flaw::new(at, "an escape in this text is no character", remedy);
    }
    if message.starts_with("invalid") && !token.starts_with(['\'', '"']) {
        let message = format!("`{}` is too large for a number", shown(token));
        return Flaw::new(at, message, "use a number of at most 64 bits");
    }
    let remedy = match token.chars().next() {
        Some('\'' | '"') => {
            "mend the text and its escapes; between two values write an operator: +, ==, &&"
        }
        Some('?') => "write a condition and both values: condition ? 'one' : 'other'",
        Some(',' | ')' | ']') => "write a value before it, or remove it",
        Some(first) if first.is_alphanumeric() || first == '_' => {
            "write an operator between two values: ==, &&, ||, +"
        }
        _ => "write a value before it and after it",
    };
    Flaw::new(at, format!("`{}` is not expected", shown(token)), remedy)
}

/// The parser counts lines from 1 and characters of a line from 1.
fn character(text: &str, line: isize, column: isize) -> usize {
    let lines = usize::try_from(line).unwrap_or(1).saturating_sub(1);
    let before: usize =
        text.split_inclusive('\n').take(lines).map(|line| line.chars().count()).sum();
    (before + usize::try_from(column).unwrap_or(1).max(1)).min(text.chars().count() + 1)
}

/// The word or sign that a text starts with.
fn token(rest: &str) -> &str {
    let word = rest.find(|one: char| !one.is_alphanumeric() && one != '_').unwrap_or(rest.len());
    let first = rest.chars().next().map_or(0, char::len_utf8);
    let two = ["==", "!=", "<=", ">=", "&&", "||"].iter().find(|sign| rest.starts_with(**sign));
    let end = if word > 0 { word } else { two.map_or(first, |sign| sign.len()) };
    rest.get(..end).unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use cel::{Context, Value, extensions};

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

    const MISTAKES: &[(&str, &str)] = &[
        ("", "is empty; write an expression: group.mailNickname.startsWith('app-')"),
        (
            "group.displayname == 'x'",
            "is wrong at character 7: `group` has no field `displayname`; \
             write `group.displayName`",
        ),
        (
            "'é' == group . owner",
            "is wrong at character 16: `group` has no field `owner`; the fields are \
             description, displayName, groupTypes, id, kind, mail, mailEnabled, mailNickname, \
             membership, roleAssignable, securityEnabled, visibility",
        ),
        (
            "mailnickname == ''",
            "is wrong at character 1: `mailnickname` is not a variable; \
             write `group.mailNickname`",
        ),
        (
            "grup.id == ''",
            "is wrong at character 1: `grup` is not a variable; did you mean `group`?",
        ),
        (
            "group == 'x'",
            "is wrong at character 1: `group` is no value of its own; \
             name one of its fields: group.displayName",
        ),
        (
            "group.id.startswith('a')",
            "is wrong at character 10: `startswith` is not a function; \
             did you mean `startsWith`?",
        ),
        (
            "group.id.startsWith(1)",
            "is wrong at character 21: `startsWith` takes string, not int; \
             use it as string.startsWith(string)",
        ),
        (
            "group.id.startsWith()",
            "is wrong at character 10: `startsWith` is not used as it can be; \
             use it as string.startsWith(string)",
        ),
        (
            "group.id.length > 3",
            "is wrong at character 1: string has no field `length`; \
             only `group` has fields; functions end in (): length()",
        ),
        (
            "group.id == 1",
            "is wrong at character 10: string is compared with int; \
             make it a text: string(…)",
        ),
        (
            "true && group.id",
            "is wrong at character 9: `&&` takes bool, not string; \
             compare it: … == 'value', or … != ''",
        ),
        (
            "'a' in group.displayName",
            "is wrong at character 8: `in` takes a list after it, not string; \
             for a part of a text write text.contains(part)",
        ),
        (
            "group.displayName",
            "is wrong at character 1: it gives string, but bool is wanted; \
             compare it: … == 'value', or … != ''",
        ),
        (
            "['a', 1] == []",
            "is wrong at character 7: int stands in a list of string; \
             use items of one type; string(…) makes texts of others",
        ),
        (
            "group.id.matches('[')",
            "is wrong at character 18: the text is `[`, not a pattern: unclosed character \
             class at character 1; mend it; docs.rs/regex/1/regex/#syntax lists what is known",
        ),
        (
            "group.id.matches(group.mail)",
            "is wrong at character 18: the pattern of `matches` is not a literal text; \
             write the pattern itself in quotes",
        ),
        ("group.id = 'x'", "is wrong at character 10: `=` stands alone; compare with `==`"),
        ("true & true", "is wrong at character 6: `&` stands alone; write `&&`"),
        (
            "group.id == 'x",
            "is wrong at character 13: the text that starts here is not closed; \
             close it with '",
        ),
        (
            "group.id == ‘x’",
            "is wrong at character 13: `‘` is not part of the language; \
             use straight quotes: 'text'",
        ),
        (
            r"group.id.matches('\d')",
            "is wrong at character 19: `\\d` is not an escape; \
             write two backslashes, or a raw text: r'…'",
        ),
        (
            r"group.id == '\ud800'",
            "is wrong at character 13: an escape in this text is no character; \
             write the character itself, or its number in Unicode: \\u00e9",
        ),
        ("(true", "is wrong at character 1: `(` is not closed; write `)` where it ends"),
        ("true)", "is wrong at character 5: `)` closes nothing; remove it"),
        (
            "true &&",
            "is wrong at character 8: it ends where a value is expected; \
             complete it, or remove the last operator",
        ),
        (
            "true false",
            "is wrong at character 6: `false` is not expected; \
             write an operator between two values: ==, &&, ||, +",
        ),
        (
            "true &&\n  && 'é' == 'é'",
            "is wrong at line 2, character 3 of the expression: `&&` is not expected; \
             write a value before it and after it",
        ),
        ("if == 1", "is wrong at character 1: `if` is a reserved word; choose another name"),
        (
            "99999999999999999999 > 1",
            "is wrong at character 1: `99999999999999999999` is too large for a number; \
             use a number of at most 64 bits",
        ),
        (
            "1.5 > 1",
            "is wrong at character 1: a number with a fraction is not known here; \
             use texts, whole numbers, true, false and lists of them",
        ),
        (
            "group.mail == null",
            "is wrong at character 15: `null` is not known here; \
             compare with '': an absent text is ''",
        ),
        (
            "{'a': 1} == {}",
            "is wrong at character 1: `{` is not part of the language; \
             write without maps and messages: policies have no use for them",
        ),
        (
            "group.groupTypes.exists(group, true)",
            "is wrong at character 25: `exists` takes the name of a new variable first; \
             write exists(item, …)",
        ),
        (
            "group.id.exists(one, one == 'a')",
            "is wrong at character 1: `exists` goes through a list, not string; \
             split a text first: text.split(',')",
        ),
        (
            "has(group.roleAssignable)",
            "is wrong at character 5: `has` takes a field that can be absent, not bool; \
             use the field itself",
        ),
    ];

    #[test]
    fn what_is_wrong_is_told_with_its_character_and_a_remedy() {
        for (source, expected) in MISTAKES {
            assert_eq!(told(source, Wanted::Truth), *expected, "{source}");
        }
    }

    #[test]
    fn a_refusal_carries_the_character_for_whoever_knows_the_file() {
        let character = |source| compile(source, place(), Wanted::Truth).unwrap_err().character;
        assert_eq!(character("'é' == group.owner"), Some(14));
        assert_eq!(character("true\n&& 1"), Some(9));
        assert_eq!(character(" "), None);
    }

    #[test]
    fn a_condition_where_a_text_is_wanted_is_refused() {
        assert_eq!(
            told("group.roleAssignable", Wanted::Text),
            "is wrong at character 1: it gives bool, but string is wanted; \
             choose between two texts: condition ? 'one' : 'other'"
        );
        assert_eq!(told("group.mail", Wanted::Text), "compiles");
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

    #[test]
    fn hostile_texts_are_refused_before_they_cost_anything() {
        let nested = |open: &str, close: &str, times: usize| {
            format!("{}true{}", open.repeat(times), close.repeat(times))
        };
        for source in [
            nested("(", ")", 10_000),
            nested("(", ")", 2_000),
            nested("(", ")", 17),
            nested("[", "]", 1_000),
            nested("!(", ")", 100),
            nested("size(", ")", 200),
            "(".repeat(4_000),
            "!".repeat(4_000),
            "-".repeat(4_000),
            format!("true{}", " == true".repeat(81)),
            format!("{}'a'", "true ? 'a' : ".repeat(81)),
            format!("'a'{}", ".trim()".repeat(100)),
            format!("group.id.matches('{}')", r"\\w{1000}{1000}"),
            format!("group.id.matches('{}')", "(".repeat(1_000)),
            "a".repeat(5_000),
        ] {
            assert_ne!(told(&source, Wanted::Truth), "compiles", "{source}");
        }
    }

    #[test]
    fn the_deepest_texts_that_are_allowed_compile_and_run() {
        for source in [
            format!("{}true{}", "(".repeat(16), ")".repeat(16)),
            format!("{}true{}", "!(".repeat(16), ")".repeat(16)),
            format!("size({}1{}) == 1", "[".repeat(15), "]".repeat(15)),
            format!("'a'{} == ''", "+'a'".repeat(70)),
            format!("'a'{} == ''", ".trim()".repeat(25)),
            format!("({}false)", "false ? true : ".repeat(70)),
            format!("false{}", " || group.displayName.contains('abc-')".repeat(107)),
            format!("true{}", "&&true".repeat(680)),
            format!("{}true{}", format!("({}", "false||".repeat(34)).repeat(16), ")".repeat(16)),
        ] {
            assert!(["true", "false"].contains(&value(&source).as_str()), "{source}");
        }
    }

    #[test]
    fn what_grows_without_end_is_stopped() {
        for (source, end) in [
            (format!("'ab'{}", ".replace('', 'abc')".repeat(12)), "beyond 16384 bytes"),
            (
                format!("'0123456789abcdef'{}", ".replace('', 'abc')".repeat(4)),
                "characters, more than 1024",
            ),
            (
                {
                    let letters = "'x'.replace('', '0123456789').replace('', '0123456789')";
                    let letters = format!("{letters}.replace('', 'x').split('')");
                    format!("{letters}.all(a, {letters}.all(b, a + b != 'zz'))")
                },
                "it takes more than 100000 steps",
            ),
            (
                // A tree of 2^20 leaves, each list holding the one before twice.
                format!("[['a']]{}.map(x, x == x)[0]", ".map(x, [x, x])".repeat(20)),
                "it takes more than 100000 steps",
            ),
        ] {
            let answer = value(&source);
            assert!(answer.ends_with(end), "{source}: {answer}");
        }
    }

    #[test]
    fn no_garbage_ends_the_parser() {
        const PARTS: [&str; 48] = [
            "group",
            ".",
            "displayName",
            "id",
            "groupTypes",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ",",
            "?",
            ":",
            "&&",
            "||",
            "!",
            "-",
            "+",
            "*",
            "/",
            "%",
            "==",
            "!=",
            "<",
            ">=",
            " in ",
            "'a'",
            "\"b\"",
            "r'\\d'",
            "'''",
            "'",
            "\\",
            "1",
            "0x",
            "9223372036854775807",
            "1.5",
            "2u",
            "b'x'",
            "true",
            "null",
            "startsWith",
            "exists(x, ",
            "x",
            "é",
            "\0",
            "//",
            "\n",
        ];
        let mut random = fastrand::Rng::with_seed(11);
        for _ in 0..3_000 {
            let length = random.usize(1..14);
            let source: String = (0..length).map(|_| PARTS[random.usize(..PARTS.len())]).collect();
            for wanted in [Wanted::Truth, Wanted::Text] {
                let answer = told(&source, wanted);
                assert!(!answer.contains("the parser of expressions fails"), "{source}");
            }
            assert!(!value(&source).is_empty(), "{source}");
        }
    }

    /// Expressions of every kind, grown at random, all of them well typed.
    struct Growth(fastrand::Rng);

    impl Growth {
        fn one(&mut self, choices: &[&str]) -> String {
            choices[self.0.usize(..choices.len())].to_owned()
        }

        fn truth(&mut self, depth: usize) -> String {
            if depth == 0 {
                return self.one(&["true", "false", "group.roleAssignable", "1 / 0 == 1"]);
            }
            let depth = depth - 1;
            match self.0.u8(..12) {
                0 => format!("({} && {})", self.truth(depth), self.truth(depth)),
                1 => format!("({} || {})", self.truth(depth), self.truth(depth)),
                2 => format!("!({})", self.truth(depth)),
                3 => format!("{}.startsWith({})", self.text(depth), self.text(depth)),
                4 => format!("{}.contains({})", self.text(depth), self.text(depth)),
                5 => format!("{}.matches('^[a-c]*.$')", self.text(depth)),
                6 => format!("{} == {}", self.text(depth), self.text(depth)),
                7 => format!("{} < {}", self.number(depth), self.number(depth)),
                8 => format!("{} in {}", self.text(depth), self.texts(depth)),
                9 => {
                    let loops = self.one(&["all", "exists", "exists_one"]);
                    format!("{}.{loops}(x, x.size() > {})", self.texts(depth), self.number(0))
                }
                10 => format!("{} == {}", self.texts(depth), self.texts(depth)),
                _ => format!("{}.endsWith({})", self.text(depth), self.text(depth)),
            }
        }

        fn text(&mut self, depth: usize) -> String {
            if depth == 0 {
                return self.one(&["'a'", "'äb c'", "''", "group.displayName", "group.mail"]);
            }
            let depth = depth - 1;
            let text = self.text(depth);
            match self.0.u8(..10) {
                0 => format!("({text} + {})", self.text(depth)),
                1 => format!("{text}.lowerAscii()"),
                2 => format!("{text}.upperAscii().trim()"),
                3 => format!("{text}.replace({}, {})", self.text(0), self.text(0)),
                4 => format!("{text}.replace('a', 'bc', {})", self.number(0)),
                5 => format!("{text}.substring({})", self.number(depth)),
                6 => format!("{text}.substring({}, {})", self.number(0), self.number(depth)),
                7 => format!("{text}.charAt({})", self.number(depth)),
                8 => format!("{}.join({})", self.texts(depth), self.text(0)),
                _ => format!("({} ? {text} : {})", self.truth(depth), self.text(depth)),
            }
        }

        fn number(&mut self, depth: usize) -> String {
            if depth == 0 {
                return self.one(&["0", "1", "2", "5", "-1", "9223372036854775807"]);
            }
            let depth = depth - 1;
            match self.0.u8(..6) {
                0 => format!("size({})", self.text(depth)),
                1 => format!("{}.size()", self.texts(depth)),
                2 => format!("{}.indexOf({})", self.text(depth), self.text(0)),
                3 => format!("{}.lastIndexOf({})", self.text(depth), self.text(0)),
                _ => {
                    let sign = self.one(&["+", "-", "*", "/", "%"]);
                    format!("({} {sign} {})", self.number(depth), self.number(depth))
                }
            }
        }

        fn texts(&mut self, depth: usize) -> String {
            if depth == 0 {
                return self.one(&["['a', 'b']", "group.groupTypes", "['ä']"]);
            }
            let depth = depth - 1;
            match self.0.u8(..5) {
                0 => format!("[{}, {}]", self.text(depth), self.text(depth)),
                1 => format!("{}.split({})", self.text(depth), self.text(0)),
                2 => format!("{}.split('', {})", self.text(depth), self.number(0)),
                3 => format!("{}.filter(x, x.contains({}))", self.texts(depth), self.text(0)),
                _ => format!("{}.map(x, x + {})", self.texts(depth), self.text(0)),
            }
        }
    }

    /// What the package itself evaluates for the same group; an error is `None`.
    fn oracle(context: &Context<'_, '_>, source: &str) -> Option<String> {
        let group = group();
        let (name, mail) = (&group.display_name, group.mail.unwrap_or_default());
        let fields = format!(
            "{{'displayName': '{name}', 'mail': '{mail}', 'roleAssignable': false, \
             'groupTypes': ['DynamicMembership', 'Unified']}}"
        );
        let wrapped = format!("[{fields}].map(group, {source})[0]");
        let program = Env::stdlib().compile(&wrapped).unwrap();
        let given = program.execute(context).ok()?;
        if let Value::Bool(truth) = given {
            return Some(truth.to_string());
        }
        let Value::String(text) = given else { panic!("{source} gives {given:?}") };
        Some(format!("{text:?}"))
    }

    #[test]
    fn random_expressions_give_what_the_package_itself_gives() {
        let compared = thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {
            let mut environment = Env::stdlib();
            environment.add_extension(extensions::strings).unwrap();
            let context = Context::with_env(Arc::new(environment));
            let mut growth = Growth(fastrand::Rng::with_seed(7));
            let mut both = 0;
            for index in 0..1_000 {
                let (source, wanted) = match index % 2 {
                    0 => (growth.truth(3), Wanted::Truth),
                    _ => (growth.text(3), Wanted::Text),
                };
                let compiled = compile(&source, place(), wanted).unwrap();
                let ours = match wanted {
                    Wanted::Truth => truth(&compiled, &group()).map(|truth| truth.to_string()),
                    Wanted::Text => text(&compiled, &group()).map(|text| format!("{text:?}")),
                };
                let limited = |why: &String| why.contains("more than") || why.contains("beyond 1");
                if ours.as_ref().is_err_and(limited) {
                    continue;
                }
                let theirs = oracle(&context, &source);
                assert_eq!(ours.as_ref().ok(), theirs.as_ref(), "{source}: {ours:?}");
                both += usize::from(theirs.is_some());
            }
            both
        });
        let both = compared.unwrap().join().unwrap();
        assert!(both > 400, "only {both} expressions have a value");
    }
}

//! What is wrong with a text: at which character, and how to mend it.

use super::*;

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
    ("grup.id == ''", "is wrong at character 1: `grup` is not a variable; did you mean `group`?"),
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

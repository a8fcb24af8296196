//! What is refused, where, and with which words; what is read and as what.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Deserialize;

use super::*;

#[derive(Debug, PartialEq, Deserialize)]
enum Colour {
    Red,
    Green,
}

#[derive(Debug, PartialEq)]
struct Garden {
    name: String,
    open: bool,
    colour: Colour,
    depth: u64,
    wait: Duration,
    beds: Vec<String>,
    pond: Option<String>,
}

fn read_garden(fields: &mut Fields<'_>) -> Option<Garden> {
    let name = fields.needed("name").and_then(|value| value.text().map(str::to_owned));
    let open = fields.or("open", true);
    let colour = fields.value("colour").map_or(Some(Colour::Red), |v| v.choice(&["Blue"]));
    let depth = fields.value("depth").map_or(Some(1), |value| value.whole(&(1..=9)));
    let second = Duration::from_secs(1);
    let wait = fields
        .value("wait")
        .map_or(Some(second), |value| value.duration(&(second..=Duration::from_hours(24))));
    let beds = fields.list("beds", |item| item.text().map(str::to_owned)).unwrap_or_default();
    let pond = fields.child("pond", |pond| {
        pond.not_yet("fish", "leave the field out");
        pond.required::<String>("kind")
    });
    Some(Garden { name: name?, open, colour: colour?, depth: depth?, wait: wait?, beds, pond })
}

fn mistakes_of(bytes: &[u8]) -> Vec<String> {
    let mistakes = read(bytes, read_garden).expect_err("the text is wrong");
    mistakes.iter().map(ToString::to_string).collect()
}

fn refused(text: &str, expected: &[&str]) {
    assert_eq!(mistakes_of(text.as_bytes()), expected, "{text:?}");
}

const SYNTAX_REMEDY: &str = "check quotes, brackets and indentation here and just before";

#[test]
fn what_is_right_is_read() {
    let text = "\u{FEFF}# a garden\r\nname: 'Kew'\r\nopen: false\r\ncolour: Green\r\ndepth: 3\r\n\
                wait: 6h\r\nbeds: [a, \"yes\", '1']\r\npond: { kind: round }\r\n";
    let garden = Garden {
        name: "Kew".to_owned(),
        open: false,
        colour: Colour::Green,
        depth: 3,
        wait: Duration::from_hours(6),
        beds: vec!["a".to_owned(), "yes".to_owned(), "1".to_owned()],
        pond: Some("round".to_owned()),
    };
    assert_eq!(read(text.as_bytes(), read_garden), Ok(garden));
}

#[test]
fn what_is_absent_has_its_default() {
    let garden = read(b"name: Kew\n...\n", read_garden).unwrap();
    assert!(garden.open && garden.colour == Colour::Red && garden.beds.is_empty());
    assert_eq!((garden.depth, garden.wait), (1, Duration::from_secs(1)));
}

#[test]
fn each_wrong_text_is_refused_at_its_place() {
    let quote = |text: &str| format!("write it in quotes: '{text}'");
    let number = |text: &str| {
        let why = "without quotes, which is read as a number or a truth value";
        format!("`name` is `{text}` {why}; {}", quote(text))
    };
    for (text, line) in [
        ("name: 12", format!("1:7: {}", number("12"))),
        ("name: 0123", format!("1:7: {}", number("0123"))),
        ("name: 1.10", format!("1:7: {}", number("1.10"))),
        ("name: 1e3", format!("1:7: {}", number("1e3"))),
        ("name: 0x1F", format!("1:7: {}", number("0x1F"))),
        ("name: 1_000", format!("1:7: {}", number("1_000"))),
        ("name: .inf", format!("1:7: {}", number(".inf"))),
        ("name: +5", format!("1:7: {}", number("+5"))),
        ("name: true", format!("1:7: {}", number("true"))),
        ("name: no", format!("1:7: {}", number("no"))),
        ("name: Off", format!("1:7: {}", number("Off"))),
        ("name: 99999999999999999999", format!("1:7: {}", number("99999999999999999999"))),
    ] {
        refused(text, &[&line]);
    }
}

const WRONG_VALUES: &[(&str, &str)] = &[
    ("open: yes", "2:7: `open` is `yes`, not true or false; write true or false"),
    ("open: on", "2:7: `open` is `on`, not true or false; write true or false"),
    ("open: True", "2:7: `open` is `True`, not true or false; write true or false"),
    ("open: 1", "2:7: `open` is `1`, not true or false; write true or false"),
    (
        "open: 'true'",
        "2:7: `open` is the text `true`, not true or false; write true or false without quotes",
    ),
    ("open:", "2:1: `open` has no value; give it one, or leave it out"),
    ("open: ~", "2:1: `open` has no value; give it one, or leave it out"),
    ("open: null", "2:1: `open` has no value; give it one, or leave it out"),
    ("open: [true]", "2:7: `open` is a list, not a single value; write one value"),
    ("open: {a: b}", "2:7: `open` is a mapping, not a single value; write one value"),
    (
        "colour: Grene",
        "2:9: `colour` is `Grene`, which is none of its values; \
          did you mean `Green`? the values are Red, Green",
    ),
    (
        "colour: red",
        "2:9: `colour` is `red`, which is none of its values; \
          did you mean `Red`? the values are Red, Green",
    ),
    ("colour: 7", "2:9: `colour` is `7`, which is none of its values; the values are Red, Green"),
    (
        "colour: yes",
        "2:9: `colour` is `yes`, which is none of its values; \
          the values are Red, Green",
    ),
    ("colour: Blue", "2:9: `colour` `Blue` is not supported yet; the values are Red, Green"),
    ("depth: 0", "2:8: `depth` is 0, out of range; use 1 to 9"),
    ("depth: -3", "2:8: `depth` is -3, out of range; use 1 to 9"),
    (
        "depth: 99999999999999999999",
        "2:8: `depth` is 99999999999999999999, out of range; use 1 to 9",
    ),
    ("depth: 1.5", "2:8: `depth` is `1.5`, not a whole number; write digits without quotes"),
    ("depth: 03", "2:8: `depth` is `03`, not a whole number; write digits without quotes"),
    ("depth: '3'", "2:8: `depth` is `3`, not a whole number; write digits without quotes"),
    ("depth: deep", "2:8: `depth` is `deep`, not a whole number; write digits without quotes"),
    (
        "wait: 90",
        "2:7: `wait` is `90`, not a duration; write one whole number and one unit: \
          30s, 10m, 6h or 1d",
    ),
    (
        "wait: 1h30m",
        "2:7: `wait` is `1h30m`, not a duration; write one whole number and one unit: \
          30s, 10m, 6h or 1d",
    ),
    (
        "wait: -5s",
        "2:7: `wait` is `-5s`, not a duration; write one whole number and one unit: \
          30s, 10m, 6h or 1d",
    ),
    ("wait: 0s", "2:7: `wait` is 0s, out of range; use 1s to 1d"),
    ("wait: 25h", "2:7: `wait` is 25h, out of range; use 1s to 1d"),
    ("beds: a", "2:7: `beds` is not a list; write it as `[a, b]` or one `- ` a line"),
    (
        "beds: [a, 2]",
        "2:11: `beds[1]` is `2` without quotes, which is read as a number or a truth value; \
          write it in quotes: '2'",
    ),
    ("beds:\n  - a\n  -\n", "4:4: `beds[1]` has no value; give it one, or leave it out"),
    ("pond: round", "2:7: `pond` is not a mapping; write fields as `name: value` below it"),
    ("pond: {}", "2:7: `pond.kind` is missing; add the field `kind`"),
    ("pond: { kind: a, fish: 3 }", "2:18: `pond.fish` is not supported yet; leave the field out"),
    ("pond: { kind: a, kin: b }", "2:18: `pond.kin` is not a known field; did you mean `kind`?"),
    ("Open: true", "2:1: `Open` is not a known field; did you mean `open`?"),
    (
        "unrelated: 1",
        "2:1: `unrelated` is not a known field; the fields here are \
          name, open, colour, depth, wait, beds, pond",
    ),
];

#[test]
fn each_wrong_value_is_refused_with_a_remedy() {
    for (field, line) in WRONG_VALUES {
        refused(&format!("name: Kew\n{field}"), &[line]);
    }
}

const HIDDEN_MEANING: &[(&str, &[&str])] = &[
    ("name: a\nname: b", &["2:1: `name` is given twice, first on line 1; keep one of the two"]),
    (
        "name: a\npond: { kind: x, kind: y }",
        &["2:18: `kind` is given twice, first on line 2; keep one of the two"],
    ),
    ("name: &n a", &["1:7: an anchor is refused; write the value out at each place"]),
    (
        "name: &n a\nbeds: [*n]",
        &[
            "1:7: an anchor is refused; write the value out at each place",
            "2:8: an alias is refused; write the value out at each place",
        ],
    ),
    (
        "name: *nobody",
        &["1:7: this is not YAML: while parsing node, found unknown anchor; \
             write the value out at each place"],
    ),
    (
        "name: a\n<<: { open: true }",
        &["2:1: the merge key `<<` is refused; write the fields out at each place"],
    ),
    (
        "name: !!str 12",
        &[
            "1:7: `name` is `12` without quotes, which is read as a number or a truth value; \
             write it in quotes: '12'",
            "1:7: a tag is refused; remove the `!` tag",
        ],
    ),
    ("name: a\npond: !x { kind: b }", &["2:7: a tag is refused; remove the `!` tag"]),
    ("name: a\n? [b]\n: c", &["2:3: a key must be a text; write a plain word before `:`"]),
    ("name: a\n: c", &["2:1: a key is missing before `:`; write the name of the field before `:`"]),
    (
        "name: a\n---\nname: b",
        &["2:1: a second document starts here; put each document into a file of its own"],
    ),
    ("%YAML 1.1\n---\nname: a", &["1:1: a directive is refused; remove the line"]),
    (
        "name: a\u{7}",
        &["1:8: the character U+0007 cannot be seen and is refused; \
             remove it, or write \"\\u0007\" in double quotes"],
    ),
    (
        "name: a # \u{202E}",
        &["1:11: the character U+202E cannot be seen and is refused; \
             remove it, or write \"\\u202E\" in double quotes"],
    ),
];

#[test]
fn what_hides_meaning_is_refused_at_its_place() {
    for (text, lines) in HIDDEN_MEANING {
        refused(text, lines);
    }
}

#[test]
fn what_is_no_document_is_refused_at_its_place() {
    let empty = "1:1: the document is empty; write the document, or remove the file";
    let no_mapping = "1:1: the document is not a mapping; write fields as `name: value` below it";
    refused("", &[empty]);
    refused("\u{FEFF}", &[empty]);
    refused("# only a comment\n", &[empty]);
    refused("---\n", &[empty]);
    refused("just text", &[no_mapping]);
    refused("- a\n- b", &[no_mapping]);
    refused("{}", &["1:1: `name` is missing; add the field `name`"]);
    let tab = "this is not YAML: tabs disallowed within this context (block indentation)";
    refused("pond:\n\tkind: a", &[&format!("2:2: {tab}; use spaces, not tabs")]);
    refused(
        "name: \"a",
        &[&format!(
            "1:7: this is not YAML: while scanning a quoted scalar, \
             found unexpected end of stream; \
         {SYNTAX_REMEDY}"
        )],
    );
    refused(
        "name: a\n  open: true",
        &["2:7: this is not YAML: mapping values are not allowed in this context; \
         check the indentation, and put a text that holds `: ` in quotes"],
    );
    let cut = mistakes_of(b"beds: [a\nname: b");
    assert!(matches!(cut.as_slice(), [only] if only.contains("this is not YAML")), "{cut:?}");
}

#[test]
fn bytes_that_are_no_text_are_refused_at_their_place() {
    assert_eq!(
        mistakes_of(b"name: a\nopen: \xFF"),
        ["2:7: the text is not UTF-8; save the file as UTF-8"]
    );
    assert_eq!(
        mistakes_of(b"\xFF\xFEn\0a\0"),
        ["1:1: the text is not UTF-8; save the file as UTF-8"]
    );
    assert_eq!(
        mistakes_of(b"name: a\0b"),
        ["1:8: the character U+0000 cannot be seen and is refused; \
          remove it, or write \"\\u0000\" in double quotes"]
    );
}

#[test]
fn all_mistakes_of_a_file_come_at_once_in_the_order_of_the_text() {
    let text = "nmae: a\nopen: yes\r\ncolour: Pink\ndepth: 77\npond:\n  kind: a\n  kind: b\n\
                  \x20 depth: 2\nbeds: &b [1, *b]\n";
    let found = mistakes_of(text.as_bytes());
    let places = found.iter().map(|line| line.split(": ").next().unwrap()).collect::<Vec<_>>();
    assert_eq!(
        places,
        ["1:1", "1:1", "2:7", "3:9", "4:8", "7:3", "8:3", "9:7", "9:11", "9:14"],
        "{found:#?}"
    );
}

#[test]
fn an_alias_bomb_is_refused_without_being_expanded() {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, last) in ('b'..='z').zip('a'..) {
        let list = vec![format!("*{last}"); 9].join(", ");
        writeln!(text, "{name}: &{name} [{list}]").unwrap();
    }
    let found = mistakes_of(text.as_bytes());
    assert_eq!(found.iter().filter(|line| line.contains("an alias is refused")).count(), 25 * 9);
    assert_eq!(found.iter().filter(|line| line.contains("an anchor is refused")).count(), 26);
}

#[test]
fn deep_nesting_is_refused_in_every_style() {
    let message = "the nesting is deeper than 32 levels";
    let flow_list = format!("name: {}{}", "[".repeat(3_000), "]".repeat(3_000));
    let flow_map = format!("name: {}1{}", "{a: ".repeat(3_000), "}".repeat(3_000));
    let mut block = String::new();
    for depth in 0..1_000 {
        writeln!(block, "{}a:", " ".repeat(depth)).unwrap();
    }
    let dashes = format!("name:\n {}x", "- ".repeat(3_000));
    for text in [flow_list, flow_map, block, dashes] {
        let found = mistakes_of(text.as_bytes());
        assert!(matches!(found.as_slice(), [one] if one.contains(message)), "{found:?}");
    }
    let allowed = format!("name: a\nbeds: {}x{}", "[".repeat(31), "]".repeat(31));
    let found = mistakes_of(allowed.as_bytes());
    assert!(found.iter().all(|line| !line.contains(message)), "{found:?}");
    let one_more = format!("name: a\nbeds: {}x{}", "[".repeat(32), "]".repeat(32));
    assert_eq!(
        mistakes_of(one_more.as_bytes()),
        [format!("2:38: {message}; no document needs that: remove the inner levels")]
    );
}

#[test]
fn limits_of_bytes_and_values_hold() {
    let large = format!("name: a\n#{}", "x".repeat(BYTES_MAX));
    refused(&large, &["1:1: the file is larger than 1 MiB; split it into several"]);
    let fits = format!("name: a\n#{}", "x".repeat(BYTES_MAX - 9));
    assert!(read(fits.as_bytes(), read_garden).is_ok());
    let many = format!("name: a\nbeds: [{}]", "a,".repeat(NODES_MAX));
    let found = mistakes_of(many.as_bytes());
    assert!(
        matches!(found.as_slice(), [one] if one.contains("more than 100000 values")),
        "{found:?}"
    );
}

#[test]
fn the_number_of_mistakes_kept_is_bounded() {
    let text = (0..5_000).fold(String::new(), |mut text, number| {
        writeln!(text, "key-{number}: 1").unwrap();
        text
    });
    let found = read(text.as_bytes(), read_garden).unwrap_err();
    assert_eq!(found.len(), 1_000);
    assert!(found.last().unwrap().message.ends_with("(more mistakes may follow)"));
}

#[test]
fn hostile_texts_are_shown_escaped_and_cut() {
    let hostile = format!("name: a\n\"\\e[31m\\u202E{}\": 1", "x".repeat(500));
    let found = mistakes_of(hostile.as_bytes());
    let [only] = found.as_slice() else { panic!("{found:?}") };
    assert!(only.starts_with("2:1: `\\u{1b}[31m\\u{202e}xxx"), "{only}");
    assert!(only.chars().all(|c| !c.is_control()) && only.chars().count() < 300, "{only}");
    let named = Mistake::at(Spot { line: 1, column: 2 }, "m", "r").within("a\n\u{1b}b.yaml");
    assert_eq!(named.to_string(), "a\\u{a}\\u{1b}b.yaml:1:2: m; r");
}

#[test]
fn columns_count_characters_and_every_line_end_counts_once() {
    refused("name: [é, 1]", &["1:7: `name` is a list, not a single value; write one value"]);
    refused(
        "name: a\r\n\r\n  # é\r\n\"ö\": 1",
        &["4:1: `ö` is not a known field; the fields here are \
         name, open, colour, depth, wait, beds, pond"],
    );
    refused(
        "beds: ['é', 1]\nname: a",
        &["1:13: `beds[1]` is `1` without quotes, which is read as a number or a truth value; \
         write it in quotes: '1'"],
    );
}

#[test]
fn the_kind_of_a_document_can_be_asked_for_first() {
    assert_eq!(peek(b"a: b\nkind: X\n", "kind"), Some("X".to_owned()));
    assert_eq!(peek(b"kind: [X]", "kind"), None);
    assert_eq!(peek(b"\xFF", "kind"), None);
}

#[test]
fn a_wrong_character_has_the_column_at_which_it_stands_in_the_file() {
    let of_question_mark = |text: &str| {
        let answer = read(text.as_bytes(), |fields| {
            fields.list("a", |item| item.text().map(|_| ()));
            fields.needed("name")?.text_as(|name| {
                let before = name.chars().position(|one| one == '?').unwrap();
                Err::<(), _>(Refusal::new("is wrong", "mend it").at(before + 1))
            })
        });
        let mistake = answer.unwrap_err().remove(0);
        (mistake.line, mistake.column)
    };
    for (text, place) in [
        ("name: ab?", (1, 9)),
        ("name:   äb?  # why", (1, 11)),
        ("name: a 'b' \"c\" ?", (1, 17)),
        ("name: 'ab?'", (1, 10)),
        ("name: 'it''s ?'", (1, 14)),
        ("name: '''?'", (1, 10)),
        ("name: \"ab?\"", (1, 10)),
        ("name: \"a\\\"\\x41\\u00e9\\U0001F600?\"", (1, 31)),
        ("a: ['é', \"x\\n\", x]\r\nname: '''?'\r\n", (2, 10)),
        ("a: ['ä''', 'b\n\n  c']\nname: '''?'\n", (4, 10)),
        ("\u{FEFF}a: [é, 'x''']\nname: '''?'\n", (2, 10)),
        ("name: a\n  b?", (1, 7)),
        ("name: 'a\n  b?'", (1, 7)),
        ("name: \"a\\\n  b?\"", (1, 7)),
        ("name: |\n  a\n  b?\n", (2, 3)),
        ("name: >-\n  ab?\n", (2, 3)),
    ] {
        assert_eq!(of_question_mark(text), place, "{text:?}");
    }
}

//! Texts from a seed: garbage, which ends no parser, and expressions of every kind, which give what
//! the package itself gives.

use cel::{Context, Value, extensions};

use super::*;

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

    pub(super) fn text(&mut self, depth: usize) -> String {
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

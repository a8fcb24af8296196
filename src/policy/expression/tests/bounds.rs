//! Texts that would cost much: refused before they do, or stopped while they do.

use super::*;

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

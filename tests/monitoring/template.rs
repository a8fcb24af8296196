//! The rules are made from templates, so that a story can live through hours in seconds.

use crate::{read, shipped};

/// The files that are made, each from `NAME.template.yaml`.
const MADE: [&str; 2] = ["alerts", "recording"];

/// A duration as a template writes it, in milliseconds.
fn milliseconds(duration: &str) -> u64 {
    let (number, unit) = duration.split_at(duration.len() - 1);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => panic!("{duration} is no duration"),
    };
    number.parse::<u64>().unwrap() * seconds * 1_000
}

/// What a mark stands for: `1h` a duration, `s 1h` the same as a number of seconds.
fn stands_for(mark: &str, divisor: u64) -> String {
    if let Some(duration) = mark.strip_prefix("s ") {
        let thousandths = milliseconds(duration) / divisor;
        let (whole, rest) = (thousandths / 1_000, thousandths % 1_000);
        return if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:03}") };
    }
    if divisor == 1 {
        return mark.to_owned();
    }
    format!("{}ms", milliseconds(mark) / divisor)
}

/// What a template says with all its durations divided.
pub fn render(name: &str, divisor: u64) -> String {
    let text = read(&format!("{name}.template.yaml"));
    let (_, text) = text.split_once("\n\n").expect("an empty line ends what is about the template");
    let mut rendered = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<<") {
        let (mark, after) = after.split_once(">>").expect("every mark ends");
        rendered.push_str(before);
        rendered.push_str(&stands_for(mark, divisor));
        rest = after;
    }
    rendered.push_str(rest);
    rendered
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whoever runs the test asks for the files")]
fn the_shipped_rules_are_what_their_templates_say() {
    for name in MADE {
        let wanted = format!(
            "# Made from {name}.template.yaml: change that, and run `WRITEBACK_BLESS=1 cargo test \
             --test monitoring`.\n{}",
            render(name, 1)
        );
        let file = format!("{name}.yaml");
        if std::env::var_os("WRITEBACK_BLESS").is_some() {
            std::fs::write(shipped(&file), &wanted).unwrap();
        }
        assert!(read(&file) == wanted, "{file} is not what its template says: bless it");
    }
}

#[test]
fn durations_are_divided_to_the_millisecond() {
    for (mark, divisor, wanted) in [
        ("1h", 1, "1h"),
        ("1h", 600, "6000ms"),
        ("5m", 600, "500ms"),
        ("s 1h", 1, "3600"),
        ("s 14d", 600, "2016"),
        ("s 5m", 600, "0.500"),
    ] {
        assert_eq!(stands_for(mark, divisor), wanted, "{mark} by {divisor}");
    }
}

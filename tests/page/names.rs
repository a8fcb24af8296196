//! Names that mean harm come out as names.

use crate::ask::get;
use crate::estate::{HOSTILE, estate, hostile};

#[test]
fn hostile_names_stay_names_on_every_page() {
    let (_stage, daemon) = estate();
    let at = daemon.status.as_str();
    let mut pages = vec!["/".to_owned(), "/groups".to_owned(), "/plan".to_owned()];
    pages.extend((0..HOSTILE.len()).map(|number| format!("/groups/{}", hostile(number))));
    // What is asked comes back on the page, too.
    pages.push(
        "/groups?q=%3Cscript%3E%22%27&member=%22%20autofocus%20onfocus%3Dalert(1)".to_owned(),
    );
    pages.push("/groups?policy=%22%3E%3Cscript%3E".to_owned());
    for path in &pages {
        let page = get(at, path).expect(200);
        harmless(path, &page.body);
    }
    for path in ["/groups?state=%3Cscript%3E", "/groups?%3Cscript%3E=1", "/plan?part=%3Cb%3E"] {
        harmless(path, &get(at, path).expect(400).body);
    }
    harmless("/groups/ID", &get(at, "/groups/%3Cscript%3E").expect(404).body);
}

#[test]
fn hostile_names_can_still_be_read() {
    let (_stage, daemon) = estate();
    let list = get(&daemon.status, "/groups").expect(200).body;
    for shown in [
        "<bdi>&lt;script&gt;document.title=&#39;taken&#39;&lt;/script&gt;</bdi>",
        "<bdi>&quot;&gt;&lt;img src=x onerror=alert(1)&gt;</bdi>",
        "<bdi>Bell \\u{7}\\u{1b}[31m red\\u{a}line</bdi>",
        "<bdi>Turn \\u{202e}txt.exe</bdi>",
        "<bdi>שכר ומשכורות</bdi>",
        "<bdi>&amp;lt;b&amp;gt; &amp; &#39;quoted&#39;</bdi>",
        "<bdi>&lt;/title&gt;&lt;/h1&gt;&lt;h1&gt;Everything is fine</bdi>",
    ] {
        assert!(list.contains(shown), "{shown} is not in:\n{list}");
    }
}

/// One title, one heading of the first order, one script, no handler, nothing that turns text.
fn harmless(path: &str, page: &str) {
    for (markup, times) in [("<title>", 1), ("<h1", 1), ("</h1>", 1), ("<script", 1), ("<img", 0)] {
        assert_eq!(page.matches(markup).count(), times, "{path}: {markup}\n{page}");
    }
    for (tag, _) in page.split('<').skip(1).filter_map(|part| part.split_once('>')) {
        // What stands between quotes is a value, and no value holds a quote.
        let names: String = tag.split('"').step_by(2).collect();
        assert!(!names.contains(" on") && !tag.contains("=\"javascript:"), "{path}: <{tag}>");
    }
    let turns = |c: char| {
        let marks = ['\u{200e}'..='\u{200f}', '\u{202a}'..='\u{202e}', '\u{2066}'..='\u{2069}'];
        marks.iter().any(|range| range.contains(&c))
    };
    let bad = |c: &char| (c.is_control() && *c != '\n') || turns(*c);
    assert_eq!(page.chars().find(bad), None, "{path}");
}

//! `/plan`: the whole plan of the last pass line by line, the held part first.

use crate::report::groups::question::{Leaf, Window};
use crate::report::groups::sheet::{Line, Part};
use crate::report::page::Shown;
use crate::report::page::frame::{Frame, Tab};
use crate::report::page::html::Html;
use crate::report::page::parts::{lines, pager, part_title};

/// The page of the plan.
pub fn plan(shown: Shown<'_>, leaf: Leaf) -> String {
    let sheet = shown.view.sheet();
    let mut main = Html::default();
    main.raw("<h1>Plan</h1>\n<p class=\"lead\">What the last pass found to do, as ");
    main.raw("<code>writeback plan</code> prints it. Waiting lines are made by that pass; what ");
    main.raw("came of them stands on the pages of their groups.</p>\n<dl class=\"facts\">");
    for (name, digest) in
        [("Digest", sheet.digest), ("Reviewed", sheet.reviewed), ("Held", sheet.held_digest)]
    {
        if let Some(digest) = digest {
            main.raw("<div><dt>").raw(name).raw("</dt><dd><code>").shown(digest);
            main.raw("</code></dd></div>");
        }
    }
    main.raw("</dl>\n<nav aria-label=\"Parts of the plan\"><ul class=\"counts\">");
    counted_part(&mut main, leaf, None, sheet.lines().len());
    for part in Part::ALL {
        let count = sheet.lines().iter().filter(|line| line.part == part).count();
        if count > 0 || leaf.part == Some(part) {
            counted_part(&mut main, leaf, Some(part), count);
        }
    }
    main.raw("</ul></nav>\n");
    let asked = |line: &&Line| leaf.part.is_none_or(|part| line.part == part);
    let asked: Vec<&Line> = sheet.lines().iter().filter(asked).collect();
    let window = Window::of(asked.len(), leaf.page, leaf.limit);
    let here: Vec<&Line> = window.cut(asked.into_iter()).collect();
    if here.is_empty() {
        main.raw("<p>Nothing is to be done.</p>\n");
    }
    for part in here.chunk_by(|one, next| one.part == next.part) {
        if let Some(first) = part.first() {
            main.raw("<h2>").raw(part_title(first.part)).raw("</h2>\n<p>");
            main.raw(first.part.meaning()).raw("</p>\n");
            lines(&mut main, Some(shown.view), part.iter().copied());
        }
    }
    pager(&mut main, window, "Pages of the plan", "/plan", |page| leaf.query(page));
    Frame { shown, title: "Plan", tab: Tab::Plan }.around(&main)
}

fn counted_part(main: &mut Html, leaf: Leaf, part: Option<Part>, count: usize) {
    let query = Leaf { part, ..leaf }.query(1);
    let address = if query.is_empty() { "/plan".to_owned() } else { format!("/plan?{query}") };
    main.raw("<li><a").attribute("href", &address);
    if leaf.part == part {
        main.raw(" aria-current=\"true\"");
    }
    main.raw("><b>").shown(count).raw("</b> ");
    main.raw(part.map_or("All", part_title)).raw("</a></li>");
}

//! What every page has: head, navigation, the content, and where it comes from.

use crate::report::page::Shown;
use crate::report::page::html::Html;
use crate::report::page::parts::word;

/// Which page of the navigation this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Groups,
    Plan,
    None,
}

/// What surrounds the content of a page.
pub(super) struct Frame<'a> {
    pub(super) shown: Shown<'a>,
    pub(super) title: &'a str,
    pub(super) tab: Tab,
}

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
<meta name=\"color-scheme\" content=\"light dark\">\n\
<meta name=\"robots\" content=\"noindex\">\n\
<link rel=\"icon\" href=\"/assets/icon.svg\" type=\"image/svg+xml\">\n\
<link rel=\"stylesheet\" href=\"/assets/page.css\">\n\
<script src=\"/assets/page.js\" defer></script>\n";

const TABS: [(Tab, &str, &str); 3] = [
    (Tab::Overview, "/", "Overview"),
    (Tab::Groups, "/groups", "Groups"),
    (Tab::Plan, "/plan", "Plan"),
];

impl Frame<'_> {
    pub(super) fn around(&self, main: &Html) -> String {
        let status = self.shown.status;
        let mut page = Html::default();
        page.raw(HEAD).raw("<title>").text(self.title).raw(" · writeback ");
        page.text(word(status, "/owner")).raw("</title>\n</head>\n<body>\n");
        page.raw("<a class=\"skip\" href=\"#content\">Skip to the content</a>\n<header>\n");
        page.raw("<p class=\"brand\"><strong>writeback</strong> ");
        page.name(word(status, "/owner")).raw("</p>\n<nav aria-label=\"Pages\"><ul>");
        for (tab, address, name) in TABS {
            page.raw("<li><a").attribute("href", address);
            if tab == self.tab {
                page.raw(" aria-current=\"page\"");
            }
            page.raw(">").raw(name).raw("</a></li>");
        }
        page.raw("</ul></nav>\n</header>\n<main id=\"content\" tabindex=\"-1\">\n").part(main);
        page.raw("</main>\n<footer>\n<p>");
        match self.shown.view.sheet().at {
            Some(at) => page.raw("As of the pass that began ").time(at).raw("."),
            None => page.raw("No pass has looked yet."),
        };
        page.raw(" <span>Version ").text(word(status, "/version")).raw("</span>, ");
        page.raw("<span>configuration ").name(word(status, "/configuration")).raw(".</span> ");
        page.raw("For programs: <a href=\"/api/v1/status\">status</a>, ");
        page.raw("<a href=\"/api/v1/groups\">groups</a>. ");
        page.raw("This page changes nothing.</p>\n</footer>\n</body>\n</html>\n");
        page.finish()
    }
}

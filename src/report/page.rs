//! The status page: what is in step, what is held, what failed, and why. Read-only, and useful
//! without JavaScript.
//!
//! Comes from the status as `/api/v1/status` answers it and from `report::groups`; goes out through
//! `report::endpoint`. `html` escapes, `frame` is what every page has, `parts` what several share;
//! `overview`, `list`, `group` and `plan` are the pages, `policies` a part of the first.

mod frame;
mod group;
mod html;
mod list;
mod overview;
mod parts;
mod plan;
mod policies;

use serde_json::Value;

use crate::report::groups::View;
use frame::{Frame, Tab};
pub use group::group;
use html::Html;
pub use list::groups;
pub use overview::overview;
pub use plan::plan;

/// The look of all pages.
pub const CSS: &str = include_str!("page/page.css");
/// What a browser may do besides: copy a command, load again by itself, say how long ago.
pub const JAVASCRIPT: &str = include_str!("page/page.js");
/// The sign in the tab of the browser.
pub const ICON: &str = include_str!("page/icon.svg");

/// What pages are made of.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The status, as `/api/v1/status` answers it.
    pub status: &'a Value,
    /// The groups.
    pub view: &'a View,
}

/// A page that only says why there is none.
pub fn refusal(shown: Shown<'_>, title: &'static str, why: &str) -> String {
    let mut main = Html::default();
    main.raw("<h1>").raw(title).raw("</h1><p>").text(why).raw("</p>");
    main.raw("<p><a href=\"/groups\">All groups</a></p>");
    Frame { shown, title, tab: Tab::None }.around(&main)
}

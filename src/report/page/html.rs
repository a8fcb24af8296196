//! HTML that escapes by default: markup is what the source says, everything else is text.
//!
//! Comes from `report::page`; goes into answers. Markup is a `&'static str`, so that nothing from
//! outside can become one; names come as text, and are shown with their control characters and
//! marks of direction as escapes, each kept apart from the direction of what surrounds it.

use std::fmt::Display;

use jiff::Timestamp;

use crate::report::text::safe;

/// A page, or a part of one.
#[derive(Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup as the source has it.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text from outside.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.escape(&safe(text));
        self
    }

    /// A number, an id, a word of ours.
    pub(super) fn shown(&mut self, value: impl Display) -> &mut Self {
        self.text(&value.to_string())
    }

    /// A name from outside, in its own direction.
    pub(super) fn name(&mut self, name: &str) -> &mut Self {
        self.raw("<bdi>").text(name).raw("</bdi>")
    }

    /// ` name="value"`: an attribute inside a tag that is open.
    pub(super) fn attribute(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.raw(" ").raw(name).raw("=\"").text(value).raw("\"")
    }

    /// A moment, for people in whole seconds and for programs exactly.
    pub(super) fn time(&mut self, at: Timestamp) -> &mut Self {
        let shown = at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
        self.raw("<time").attribute("datetime", &at.to_string()).raw(">").text(&shown);
        self.raw("</time>")
    }

    /// Another part.
    pub(super) fn part(&mut self, part: &Self) -> &mut Self {
        self.0.push_str(&part.0);
        self
    }

    /// The whole text.
    pub(super) fn finish(self) -> String {
        self.0
    }

    fn escape(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                other => self.0.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_never_becomes_markup() {
        let mut html = Html::default();
        html.raw("<p").attribute("title", "\" onload='x' <b>&").raw(">").name("<script>&\u{202E}");
        assert_eq!(
            html.finish(),
            "<p title=\"&quot; onload=&#39;x&#39; &lt;b&gt;&amp;\"><bdi>&lt;script&gt;&amp;\
             \\u{202e}</bdi>"
        );
    }

    #[test]
    fn control_characters_are_shown_and_letters_of_every_script_stay() {
        let mut html = Html::default();
        html.text("a\u{0}\u{1b}[31m\n").text("שלום é 漢");
        assert_eq!(html.finish(), "a\\u{0}\\u{1b}[31m\\u{a}שלום é 漢");
    }
}

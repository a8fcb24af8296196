//! Progress bars for the long reads and writes, on a terminal only.

use std::io::IsTerminal as _;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};

use crate::report::progress::{Progress, Watcher, unwatched};

/// A watcher that draws, or one that looks away when stderr is no terminal.
pub(super) fn watcher() -> Watcher {
    if !std::io::stderr().is_terminal() {
        return unwatched();
    }
    let style = ProgressStyle::with_template("{msg:<28} {wide_bar} {pos}/{len}");
    let bar = ProgressBar::new(0);
    if let Ok(style) = style {
        bar.set_style(style);
    }
    Arc::new(move |progress| draw(&bar, progress))
}

fn draw(bar: &ProgressBar, progress: Progress) {
    let (message, position, length) = match progress {
        Progress::Directory(read) => ("reading the domain", read, read),
        Progress::Members(done, total) => ("reading members", done, total),
        Progress::Changes(done, total) => ("writing changes", done, total),
        Progress::Moving => return,
    };
    bar.set_message(message);
    bar.set_length(u64::try_from(length).unwrap_or(u64::MAX));
    bar.set_position(u64::try_from(position).unwrap_or(u64::MAX));
    if position >= length && !matches!(progress, Progress::Directory(_)) {
        bar.finish_and_clear();
        bar.reset();
    }
}

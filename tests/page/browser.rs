//! The page in a real Chromium: both themes, three widths, axe, the keyboard, and no JavaScript.

use std::path::Path;
use std::process::Command;

use crate::estate::estate;

/// Runs `browser.mjs` in one of its modes against this address, and gives what it says: it has
/// found nothing wrong.
#[track_caller]
pub fn driven(mode: &str, address: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder =
        Path::new(env!("CARGO_BIN_EXE_writeback")).ancestors().nth(2).unwrap().join("page");
    let axe = folder.join("node_modules/axe-core/axe.min.js");
    assert!(
        axe.exists(),
        "no axe-core in {}: run `tests/run --only packages`, which installs it and Chromium",
        folder.display()
    );
    let ran = Command::new("node")
        .arg(root.join("tests/page/browser.mjs"))
        .arg(mode)
        .arg(format!("http://{address}"))
        .arg(folder.join("shots"))
        .arg(axe)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    said
}

#[test]
fn a_browser_finds_nothing_wrong() {
    let (_stage, daemon) = estate();
    let said = driven("looks", &daemon.status);
    assert!(said.contains("36 pictures"), "{said}");
}

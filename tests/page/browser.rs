//! The page in a real Chromium: both themes, three widths, axe, the keyboard, and no JavaScript.

use std::path::Path;
use std::process::Command;

use crate::estate::estate;

#[test]
fn a_browser_finds_nothing_wrong() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder =
        Path::new(env!("CARGO_BIN_EXE_writeback")).ancestors().nth(2).unwrap().join("page");
    let axe = folder.join("node_modules/axe-core/axe.min.js");
    assert!(
        axe.exists(),
        "no axe-core in {}: run `tests/run --only packages`, which installs it and Chromium",
        folder.display()
    );
    let (_stage, daemon) = estate();
    let ran = Command::new("node")
        .arg(root.join("tests/page/browser.mjs"))
        .arg(format!("http://{}", daemon.status))
        .arg(folder.join("shots"))
        .arg(axe)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.contains("36 pictures"), "{said}");
}

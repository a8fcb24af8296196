//! How often a lab has seen a test. What a test made is deleted in the end, and a directory remembers
//! the identities of what was deleted: the next time they have to be others, and in a new lab the
//! same ones every time.
//!
//! Comes from and goes to: `turns-NAME` in the folder of the lab.

use std::fs;
use std::path::Path;

use crate::lab::Lab;

/// Which time it is, counted from 1. Whoever asks under one name asks one after the other.
pub fn turn(lab: &Lab, name: &str) -> u64 {
    let file = Path::new(lab.setting("LAB_DIR")).join(format!("turns-{name}"));
    let before = fs::read_to_string(&file).map_or(0, |text| text.trim().parse().unwrap());
    let turn = before + 1;
    fs::write(file, format!("{turn}\n")).unwrap();
    turn
}

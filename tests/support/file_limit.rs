//! A daemon whose files may not grow, for real (RLIMIT_FSIZE of setrlimit(2)): what is refused then
//! is a save of the state, which is made anew each time, and every line of the journal.

use std::process::Command;

use crate::product::Product;

/// The page with the header of the state, and nothing behind it.
pub const FIRST_PAGE: &str = "4096";
/// No bound at all.
pub const UNBOUND: &str = "unlimited";

/// Starts a command with SIGXFSZ ignored: whoever writes too much sees EFBIG and lives on.
pub fn outlive_limits(command: &mut Command, product: &Product) {
    let mut deaf = Command::new("sh");
    deaf.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(product.path());
    *command = deaf;
}

/// Bounds the files of a running process.
pub fn bound_files(process: u32, bytes: &str) {
    let bound = Command::new("prlimit")
        .args(["--pid", &process.to_string()])
        .arg(format!("--fsize={bytes}:"))
        .status();
    assert!(bound.unwrap().success());
}

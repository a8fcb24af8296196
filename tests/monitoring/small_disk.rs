//! A daemon whose disk can be filled, for real: its state stands on a small tmpfs in a mount
//! namespace of its own, which is gone with the process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::product::Product;

/// Room for the state and little more.
pub const SMALL_DISK_MIB: usize = 24;
/// Its state on a small disk of its own, in a mount namespace that ends with the process.
const ON_A_SMALL_DISK: &str = "
mkdir before && cp -a state/. before/
mount -t tmpfs -o size=${SIZE}m writeback-test state || exit 90
cp -a before/. state/
exec \"$@\"
";

/// A daemon whose state stands on a small disk; killed when it is dropped.
pub struct Small {
    child: Child,
    folder: PathBuf,
}

impl Small {
    /// Starts it with the state as it stands.
    pub fn start(product: &Product) -> Self {
        let own = ["--user", "--map-root-user", "--mount"];
        // Everybody may mount in a namespace of their own; where that is switched off, root may.
        let may = Command::new("unshare").args(own).arg("true").status().unwrap().success();
        let run = product.command(&["run", "--log-format", "json"]);
        let child = Command::new("unshare")
            .args(if may { &own[..] } else { &own[2..] })
            .args(["sh", "-c", ON_A_SMALL_DISK, "sh"])
            .arg(run.get_program())
            .args(run.get_args())
            .current_dir(product.path())
            .env("SIZE", SMALL_DISK_MIB.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self { child: child.unwrap(), folder: product.path().to_owned() }
    }

    /// A file as the daemon sees it.
    pub fn path(&self, name: &str) -> PathBuf {
        let root = format!("/proc/{}/root", self.child.id());
        let folder = self.folder.strip_prefix("/").unwrap();
        Path::new(&root).join(folder).join(name)
    }

    /// Leaves its journal where it can be read after its end.
    pub fn keep(&self) {
        let last = self.folder.join("last-journal.jsonl");
        fs::copy(self.path("state/journal.jsonl"), last).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

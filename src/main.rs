//! argv in, exit code out; the one place that starts a runtime.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    writeback::cli::run(std::env::args_os()).await.into()
}

//! The admin socket: how people on this machine ask the running daemon.
//!
//! One JSON line in, one JSON line out, over a Unix socket; who asks is what the kernel says of
//! the other side. `words` is what can be asked and answered, `caller` who may ask, `server` the
//! daemon's side, `client` that of the commands, `remote` asks a daemon on another machine for its
//! memory. `approve` judges an approval, `pause` a pause, `round` is the pass that `apply` asks
//! for, `reconcile` the one that tells of one group. The loop of `schedule` owns what passes need:
//! requests that touch it wait for the end of the pass; memory and status are answered at once.

pub mod approve;
pub mod caller;
pub mod client;
pub mod pause;
pub mod reconcile;
pub mod remote;
pub mod round;
pub mod server;
pub mod words;

//! Beside the building: stand-ins for Microsoft's side, as real servers on loopback.
//!
//! Nothing here is imported from the product and nothing of its parsing is shared: a wrong escape
//! must not agree with itself. Used by `writeback demo` and by the tests; the image has none of it.

pub mod domain;
pub mod identity;
pub mod story;
pub mod tenant;
pub mod tls;
pub mod world;

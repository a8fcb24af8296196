//! Scenarios: small worlds in readable text, one for each sentence of the contract, played through
//! the product's own library between a simulated tenant and either directory.
//!
//! Comes from: the folders below `tests/scenarios`, whose grammar its README gives. Goes to:
//! complaints, one readable text for each place where the product does something else.

#[path = "scenario/build.rs"]
pub mod build;
#[path = "scenario/directory.rs"]
pub mod directory;
#[path = "scenario/folder.rs"]
pub mod folder;
#[path = "scenario/names.rs"]
pub mod names;
#[path = "scenario/play.rs"]
pub mod play;
#[path = "scenario/run.rs"]
pub mod run;
#[path = "scenario/show.rs"]
pub mod show;
#[path = "scenario/side.rs"]
pub mod side;
#[path = "scenario/steps.rs"]
pub mod steps;
#[path = "scenario/text.rs"]
pub mod text;
#[path = "scenario/world.rs"]
pub mod world;

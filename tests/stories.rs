//! Stories: the product's own parts over a model of both worlds, with everything that may go wrong
//! in between, at every point at which it may.
//!
//! Each story is its seed and its disturbances. The undisturbed story of the same seed says how it
//! has to end; `oracle` says what must not happen on the way. One that fails is printed as the
//! command that tells it again.

#[path = "stories/books.rs"]
mod books;
#[path = "stories/campaign.rs"]
mod campaign;
#[path = "stories/directory.rs"]
mod directory;
#[path = "stories/disk.rs"]
mod disk;
#[path = "stories/machine.rs"]
mod machine;
#[path = "stories/names.rs"]
mod names;
#[path = "stories/observe.rs"]
mod observe;
#[path = "stories/oracle.rs"]
mod oracle;
#[path = "stories/play.rs"]
mod play;
#[path = "stories/sometimes.rs"]
mod sometimes;
#[path = "stories/story.rs"]
mod story;
#[path = "stories/tenant.rs"]
mod tenant;
#[path = "stories/trouble.rs"]
mod trouble;
#[path = "stories/world.rs"]
mod world;

use play::Stage;
use trouble::Script;

/// Tells one story aloud: `STORY='seed=7 stop-after=write:41'`.
#[test]
#[expect(clippy::disallowed_methods, reason = "the one story is named by the environment")]
fn one_story() {
    let text = std::env::var("STORY").unwrap_or_else(|_| "seed=0".to_owned());
    let script: Script = text.parse().expect("a story is written seed=7 stop-after=write:41");
    let stage = Stage::new(script.seed).unwrap_or_else(|what| panic!("{what}"));
    let ended = stage.play(&script, std::env::var("STORY").is_ok());
    let ended = ended.unwrap_or_else(|what| panic!("{what}\n{}", script.command()));
    let counts = (ended.writes, ended.sent, ended.removals, ended.rounds, ended.met);
    println!("writes, sent, removals, rounds, met: {counts:?}; passed {:?}", ended.passed);
    assert!(ended.writes >= 80, "the reference story is too short");
}

/// Each disturbance alone, at every point at which it can come.
#[test]
fn every_single_disturbance_leads_to_the_same_end() {
    let stage = Stage::new(0).unwrap_or_else(|what| panic!("{what}"));
    let scripts: Vec<Script> =
        campaign::singles(&stage).into_iter().map(|one| Script::new(0, [one])).collect();
    drop(stage);
    let pieces: Vec<Vec<Script>> = scripts.chunks(25).map(<[Script]>::to_vec).collect();
    let told = campaign::tell(pieces.len(), |number| (0, pieces[number].clone()));
    println!("{} stories, {} different", told.stories, campaign::distinct(&scripts));
    told.sometimes.print();
    told.check();
}

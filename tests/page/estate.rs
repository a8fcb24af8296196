//! A small estate in which something of everything stands: groups in step, held, frozen, with a
//! member left out, and with names that mean harm.

use uuid::Uuid;
use writeback::sim::world::{GroupKind, World, WorldGroup};

use crate::product::Daemon;
use crate::stage::{EVERYTHING, Stage};

/// Names that a group owner may give, and that must stay names.
pub const HOSTILE: [&str; 8] = [
    "<script>document.title='taken'</script>",
    "\"><img src=x onerror=alert(1)>",
    "Bell \u{7}\u{1b}[31m red\nline",
    "Turn \u{202e}txt.exe",
    "שכר ומשכורות",
    "&lt;b&gt; & 'quoted'",
    "</title></h1><h1>Everything is fine",
    "javascript:alert(1)",
];

/// The id of the hostile group of this number.
pub fn hostile(number: usize) -> Uuid {
    Uuid::from_u128(0x1000 + number as u128)
}

/// The world of the estate: the small one, hostile groups, and one person without an account.
fn world() -> World {
    let mut world = World::small(7);
    for (number, name) in HOSTILE.into_iter().enumerate() {
        let nickname = format!("hostile-{number}");
        let kind = GroupKind::Microsoft365;
        world.groups.push(WorldGroup {
            description: Some(name.to_owned()),
            members: vec![world.people[number].id],
            ..WorldGroup::new(hostile(number), name, &nickname, kind)
        });
    }
    world
}

/// Written, a day old, then: All Employees loses nearly everybody (held), Contractors is switched
/// off (frozen), a person without an account joins Engineering (left out).
pub fn estate() -> (Stage, Daemon) {
    let mut world = world();
    let stranger = world.people[11].id;
    world.people[11].cloud_only = true;
    world.people[11].link = None;
    for group in &mut world.groups {
        group.members.retain(|member| *member != stranger);
    }
    let stage = Stage::of(world);
    stage.product.policy("everything", EVERYTHING);
    // A stranger's first look is a doubt: the second is not.
    stage.product.run(&["apply"]).expect(0);
    let engineering = stage.id("Engineering");
    stage.cloud(|cloud| cloud.add_member(engineering, stranger));
    stage.product.run(&["apply"]);
    stage.product.run(&["apply"]);
    stage.product.a_day_later();
    stage.empty_nearly("All Employees");
    let contractors = stage.id("Contractors");
    stage.cloud(|cloud| cloud.set_flag(contractors, Some(false), None));
    let mut daemon = stage.product.daemon();
    daemon.passes(2);
    (stage, daemon)
}

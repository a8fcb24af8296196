//! `spec.deletion`: how a written group ends.
//!
//! Input: its fields and the places where groups are created. Output: a `Deletion`, and warnings
//! about what can never happen.

use std::time::Duration;

use jiff::SignedDuration;

use crate::model::Dn;
use crate::model::policy::{ContainerRule, Deletion, Departure, FlagRule};
use crate::policy::words::Context;
use crate::yaml::{Fields, Spot};

use super::{Around, choice};

/// The longest wait: what is still wanted after a year is no slip any more.
const GRACE_MAX: Duration = Duration::from_hours(365 * 24);

/// Reads the section.
pub(super) fn read(
    fields: &mut Fields<'_>,
    places: &[ContainerRule],
    around: Around,
    context: &mut Context<'_>,
) -> Deletion {
    let default = Deletion::default();
    let on_disabled = choice(fields, "onDisabled", default.on_disabled);
    let on_out_of_scope = choice(fields, "onOutOfScope", default.on_out_of_scope);
    let on_soft_deleted = choice(fields, "onSoftDeleted", default.on_soft_deleted);
    let on_hard_deleted = choice(fields, "onHardDeleted", default.on_hard_deleted);
    let endings = [
        ("onDisabled", on_disabled),
        ("onOutOfScope", on_out_of_scope),
        ("onSoftDeleted", on_soft_deleted),
        ("onHardDeleted", on_hard_deleted),
    ];
    let grace = fields.value("grace").and_then(|v| v.duration(&(Duration::ZERO..=GRACE_MAX)));
    let grace = grace.and_then(|grace| SignedDuration::try_from(grace).ok());
    let grace = grace.unwrap_or(default.grace);
    let quarantine_container = read_quarantine(fields, &endings, places, context);
    warn_of_endings(fields, &endings, around, context);
    if let Some(spot) = fields.key_spot("grace")
        && !grace.is_zero()
        && endings.iter().all(|(_, departure)| *departure == Departure::Retain)
    {
        context.warn(
            spot,
            "`spec.deletion.grace` changes nothing: every event lets the group stay",
            "leave the field out, or choose what a group is to wait for",
        );
    }
    Deletion {
        on_disabled,
        on_out_of_scope,
        on_soft_deleted,
        on_hard_deleted,
        grace,
        quarantine_container,
    }
}

/// The quarantine container, which stands exactly where something is quarantined. No place for new
/// groups may lie in it: a group that stands there already is not moved.
fn read_quarantine(
    fields: &mut Fields<'_>,
    endings: &[(&'static str, Departure)],
    places: &[ContainerRule],
    context: &Context<'_>,
) -> Option<Dn> {
    const KEY: &str = "quarantineContainer";
    let quarantined = endings.iter().find(|(_, departure)| *departure == Departure::Quarantine);
    let Some(value) = fields.value(KEY) else {
        if let Some((key, _)) = quarantined.filter(|_| !fields.has(KEY)) {
            fields.refuse(
                key,
                "is `Quarantine`, but there is no quarantine container",
                format!("add `{KEY}` to `spec.deletion`, with a place inside the containers"),
            );
        }
        return None;
    };
    if quarantined.is_none() {
        fields.refuse(
            KEY,
            "is given, but nothing is quarantined",
            "leave the field out, or write Quarantine for one of the events",
        );
    }
    let quarantine = value.text_as(|text| context.container(text))?;
    let inside = places.iter().find(|rule| rule.container.is_within(&quarantine));
    if let Some(ContainerRule { container, .. }) = inside {
        value.refuse(
            format!("holds `{container}`, where groups are created"),
            "name a place of its own, such as 'OU=Quarantine,OU=Cloud Groups,DC=corp,DC=example'",
        );
    }
    Some(quarantine)
}

/// Tells which events never lead to what is written down; defaults are passed over.
fn warn_of_endings(
    fields: &Fields<'_>,
    endings: &[(&'static str, Departure)],
    around: Around,
    context: &mut Context<'_>,
) {
    let written = endings.iter().filter_map(|(key, departure)| {
        let spot: Spot = fields.key_spot(key)?;
        (*departure != Departure::Retain).then_some((*key, *departure, spot))
    });
    for (key, departure, spot) in written {
        if let Some(mode) = around.mode_that_only_adds() {
            let message = format!(
                "`spec.deletion.{key}` never acts: under `spec.mode` {mode} no group is {}",
                departure.verb()
            );
            context.warn(spot, message, "leave the field out, or write `mode: Sync`");
        } else if key == "onDisabled" && around.flag == FlagRule::Ignore {
            context.warn(
                spot,
                "`spec.deletion.onDisabled` never acts: under `writebackFlag: Ignore` no group \
                 is switched off",
                "leave the field out, or choose another `writebackFlag`",
            );
        }
    }
}

//! A crash at every moment of a few saves: of what was not synced, any part may be on disk.

use std::collections::BTreeSet;

use writeback::model::{Digest, Memory};
use writeback::state::{Found, JournalHead, State};

use crate::disk::{Deed, Disk};
use crate::memories::{guid, memory};
use crate::{binding, nowhere};

/// The saves of the story: it grows beyond what a new file holds, changes a little, shrinks.
fn saves() -> Vec<Memory> {
    let mut large = memory(1, 6);
    for intent in large.intents.values_mut() {
        intent.members = (0..150).map(guid).collect();
    }
    let mut little = large.clone();
    little.passes += 1;
    little.spent.remove(0);
    vec![memory(0, 2), large, little, memory(2, 3), memory(2, 4), memory(0, 2)]
}

fn head(save: usize) -> JournalHead {
    JournalHead { sequence: save as u64, hash: format!("{save:064}") }
}

/// Runs the story, reopening in the middle of it, and gives everything that was done to the disk.
fn story(saves: &[Memory]) -> Vec<Deed> {
    let disk = Disk::default();
    let mut open = None;
    for (number, memory) in saves.iter().enumerate() {
        if number % 3 == 0 {
            drop(open.take());
            open = Some(State::open_backend(disk.clone(), nowhere(), binding()).unwrap().0);
        }
        let state = open.as_mut().unwrap();
        let status = format!("{{\"pass\":{number}}}");
        state.save(memory, Some(&head(number)), Some(&status)).unwrap();
        disk.note(Deed::Acknowledged(number));
    }
    drop(open);
    disk.trace()
}

/// Everything that a disk may hold after a crash: what was synced, and of the rest all, nothing,
/// all but one, one alone, or all with the last one torn.
fn images(durable: &[u8], loose: &[&Deed]) -> Vec<Vec<u8>> {
    let made = |deeds: &mut dyn Iterator<Item = &Deed>| {
        let mut file = durable.to_vec();
        deeds.for_each(|deed| deed.make(&mut file));
        file
    };
    let mut images = vec![made(&mut loose.iter().copied())];
    if loose.is_empty() {
        return images;
    }
    images.push(durable.to_vec());
    if loose.len() > 1 {
        for one in 0..loose.len() {
            let others = loose.iter().enumerate().filter(|(at, _)| *at != one);
            images.push(made(&mut others.map(|(_, deed)| *deed)));
            images.push(made(&mut loose[one..=one].iter().copied()));
        }
    }
    if let Some((Deed::Write { offset, bytes }, before)) = loose.split_last() {
        for kept in [512, 4096].into_iter().filter(|kept| *kept < bytes.len()) {
            let torn = Deed::Write { offset: *offset, bytes: bytes[..kept].to_vec() };
            images.push(made(&mut before.iter().copied().chain([&torn])));
            images.push(made(&mut [&torn].into_iter()));
        }
    }
    images
}

/// Opens what a crash left. It must hold the last acknowledged save or the one in flight, whole.
fn check(file: Vec<u8>, saves: &[Memory], acknowledged: Option<usize>) -> Result<Disk, String> {
    let disk = Disk::of(file);
    let opened = State::open_backend(disk.clone(), nowhere(), binding());
    let (_, opened) = opened.map_err(|error| format!("{error:?}"))?;
    let flying = acknowledged.map_or(0, |number| number + 1);
    let may: Vec<usize> = acknowledged.into_iter().chain([flying]).collect();
    let is_new = opened.status == Found::Fresh { lost: false };
    if is_new && acknowledged.is_none() && opened.memory == Memory::default() {
        return Ok(disk);
    }
    if opened.status != Found::Known {
        return Err(format!("found {:?} after save {acknowledged:?}", opened.status));
    }
    let number = opened.journal_head.as_ref().map(|head| usize::try_from(head.sequence).unwrap());
    let whole = number.is_some_and(|number| {
        may.contains(&number)
            && saves.get(number) == Some(&opened.memory)
            && opened.journal_head == Some(head(number))
            && opened.status_document == Some(format!("{{\"pass\":{number}}}"))
    });
    if whole { Ok(disk) } else { Err(format!("holds save {number:?} and not one of {may:?}")) }
}

/// Shows `visit` every different image of every moment of `trace`, with the save that was
/// acknowledged by then. Gives their number.
fn crash_everywhere(
    begin: Vec<u8>,
    trace: &[Deed],
    mut acknowledged: Option<usize>,
    visit: &mut dyn FnMut(usize, Vec<u8>, Option<usize>),
) -> usize {
    let (mut durable, mut loose): (Vec<u8>, Vec<&Deed>) = (begin, Vec::new());
    let mut seen = BTreeSet::new();
    for deed in trace {
        match deed {
            Deed::Write { .. } | Deed::SetLen(_) => loose.push(deed),
            Deed::Synced => loose.drain(..).for_each(|deed| deed.make(&mut durable)),
            Deed::Acknowledged(number) => acknowledged = Some(*number),
        }
        for image in images(&durable, &loose) {
            if seen.insert((acknowledged, Digest::of(&image))) {
                visit(seen.len(), image, acknowledged);
            }
        }
    }
    seen.len()
}

#[test]
fn a_crash_at_any_moment_leaves_the_last_acknowledged_save_or_the_one_in_flight() {
    let saves = saves();
    let trace = story(&saves);
    let mut wrong = Vec::new();
    let count = crash_everywhere(Vec::new(), &trace, None, &mut |number, image, acknowledged| {
        if let Err(what) = check(image, &saves, acknowledged) {
            wrong.push(format!("image {number}: {what}"));
        }
    });
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 2_500, "only {count} images");
}

#[test]
fn a_crash_while_a_crashed_state_is_opened_loses_nothing() {
    let saves = saves();
    let trace = story(&saves);
    let (mut count, mut wrong) = (0, Vec::new());
    crash_everywhere(Vec::new(), &trace, None, &mut |number, image, acknowledged| {
        if number % 100 != 0 {
            return;
        }
        let opening = check(image.clone(), &saves, acknowledged).unwrap().trace();
        count += crash_everywhere(image, &opening, acknowledged, &mut |again, image, known| {
            if let Err(what) = check(image, &saves, known) {
                wrong.push(format!("image {again} of opening image {number}: {what}"));
            }
        });
    });
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 500, "only {count} images");
}

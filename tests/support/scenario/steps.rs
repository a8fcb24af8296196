//! The grammar of `steps.txt`: what happens between two passes.

use std::time::Duration;

use super::text::{Detail, Line, Mistakes, Takes, Word, detail, lines, names};
use super::world::{self, Entity};
use Takes::{Nothing, Text};

/// What happens to a thing in the tenant.
const IN_CLOUD: &[Word] = &[
    ("flag true", Nothing),
    ("flag false", Nothing),
    ("flag null", Nothing),
    ("type", Text),
    ("no-type", Nothing),
    ("display-name", Text),
    ("description", Text),
    ("no-description", Nothing),
    ("mail", Text),
    ("nickname", Text),
    ("address", Text),
    ("kind", Text),
    ("hidden-membership", Nothing),
    ("role-assignable", Nothing),
    ("add", Text),
    ("remove", Text),
    ("soft-delete", Nothing),
    ("restore", Nothing),
    ("hard-delete", Nothing),
    ("unlink", Nothing),
    ("link-to", Text),
    ("says", Text),
    ("says-no-more", Nothing),
];

/// What an administrator does to an object of the directory.
const IN_DIRECTORY: &[Word] = &[
    ("delete", Nothing),
    ("rename", Text),
    ("move", Text),
    ("add", Text),
    ("remove", Text),
    ("set", Text),
    ("unset", Text),
    ("add-value", Text),
    ("remove-value", Text),
    // mS-DS-ConsistencyGuid of that account.
    ("copy-consistency-guid", Text),
    ("make-primary-group-of", Text),
    ("primary-group-domain-users", Nothing),
];

/// What happens to the tenant as a whole.
const IN_TENANT: &[Word] = &[
    ("default-for-new-groups", Text),
    ("without-right", Text),
    ("all-rights", Nothing),
    // What the tenant answers to the flag listing is none of its answers.
    ("garbles-flags", Nothing),
    // Every listing leaves this out.
    ("listing-omits", Text),
    // The flag listing leaves this out.
    ("flag-listing-omits", Text),
    // Members of this type show type and id alone.
    ("hides-witness", Text),
    // None of the above any more.
    ("all-is-well", Nothing),
];

/// What stands in a step.
const EVENTS: &[Word] = &[
    ("cloud", Text),
    ("directory", Text),
    ("tenant", Text),
    ("new", Text),
    // From now on these files are the policies.
    ("policies", Text),
    // The daemon is started anew: its memory is gone.
    ("restart", Nothing),
    // One more pass before the one that is shown.
    ("pass", Nothing),
    // The daemon goes on passing for so long.
    ("time", Text),
    // Why the pass after this one is not quiet.
    ("unsettled", Text),
];

/// One event.
#[derive(Clone, Debug)]
pub enum Event {
    /// In the tenant, to the thing of this name.
    Cloud(String, Detail),
    /// In the directory, to the thing of this name.
    Directory(String, Detail),
    /// To the tenant.
    Tenant(Detail),
    /// Something comes to be.
    New(Entity),
    /// Other policies: the scenario's file, and what it is called in the policy folder.
    Policies(Vec<(String, String)>),
    /// A new process, whose state is lost.
    Restart,
    /// A pass.
    Pass,
    /// Passes for so long.
    Time(Duration),
}

impl Event {
    /// What comes to be.
    pub fn newcomer(&self) -> Option<&Entity> {
        if let Self::New(entity) = self { Some(entity) } else { None }
    }
}

/// What happens before one pass.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// What happens, in words.
    pub sentence: String,
    /// What happens.
    pub events: Vec<Event>,
    /// Why a second pass would not be quiet.
    pub unsettled: Option<String>,
}

/// Reads the steps. The first is what stands under `first`, before the first pass; it may be
/// empty.
pub fn read(file: &str, text: &str) -> Result<Vec<Step>, Vec<String>> {
    let mut mistakes = Mistakes::of(file);
    let lines = lines(text, &mut mistakes);
    let mut steps = vec![Step::default()];
    let mut at = 0;
    while let Some(head) = lines.get(at) {
        let end = lines[at + 1..].iter().position(|line| line.depth == 0);
        let end = end.map_or(lines.len(), |length| at + 1 + length);
        if let Some(found) = detail(head, &[("first", Text), ("step", Text)], &mut mistakes) {
            let step = step(found.rest, &lines[at + 1..end], &mut mistakes);
            match found.word {
                "first" if steps.len() == 1 && steps[0].sentence.is_empty() => steps[0] = step,
                "first" => mistakes.note(head.number, "`first` stands first"),
                _ => steps.push(step),
            }
        }
        at = end;
    }
    let found = mistakes.into_found();
    if found.is_empty() { Ok(steps) } else { Err(found) }
}

fn step(sentence: String, lines: &[Line], mistakes: &mut Mistakes) -> Step {
    let mut step = Step { sentence, ..Step::default() };
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let deeper = lines[at + 1..].iter().take_while(|line| line.depth > 1).count();
        let below = &lines[at + 1..=at + deeper];
        at += 1 + deeper;
        if line.depth != 1 {
            mistakes.note(line.number, "an event stands two blanks in");
            continue;
        }
        let Some(found) = detail(line, EVENTS, mistakes) else { continue };
        if found.word != "new" && deeper > 0 {
            mistakes.note(line.number, format!("nothing stands below `{}`", found.word));
        }
        if found.word == "unsettled" {
            step.unsettled = Some(found.rest);
        } else {
            step.events.extend(event(line, found, below, mistakes));
        }
    }
    step
}

fn event(line: &Line, found: Detail, below: &[Line], mistakes: &mut Mistakes) -> Vec<Event> {
    match found.word {
        "cloud" => of_thing(&found, IN_CLOUD, Event::Cloud, mistakes).into_iter().collect(),
        "directory" => {
            of_thing(&found, IN_DIRECTORY, Event::Directory, mistakes).into_iter().collect()
        }
        "tenant" => {
            let line = Line { number: found.number, depth: 1, text: found.rest };
            detail(&line, IN_TENANT, mistakes).map(Event::Tenant).into_iter().collect()
        }
        "new" => {
            let head = Line { number: line.number, depth: 1, text: found.rest };
            let all: Vec<Line> = std::iter::once(head).chain(below.iter().cloned()).collect();
            world::read_lines(&all, 1, mistakes).into_iter().map(Event::New).collect()
        }
        "policies" => {
            let files = names(&found.rest).into_iter().map(|file| {
                let (own, called) = file.split_once(" as ").unwrap_or((&file, &file));
                (own.to_owned(), called.to_owned())
            });
            vec![Event::Policies(files.collect())]
        }
        "restart" => vec![Event::Restart],
        "pass" => vec![Event::Pass],
        _ => {
            let seconds = found.rest.strip_suffix('s').and_then(|seconds| seconds.parse().ok());
            if seconds.is_none() {
                mistakes.note(found.number, format!("`{}` is no time such as 1s", found.rest));
            }
            seconds.map(|seconds| Event::Time(Duration::from_secs(seconds))).into_iter().collect()
        }
    }
}

/// `NAME: VERB …`
fn of_thing(
    found: &Detail,
    verbs: &[Word],
    make: impl Fn(String, Detail) -> Event,
    mistakes: &mut Mistakes,
) -> Option<Event> {
    let Some((name, verb)) = found.rest.split_once(": ") else {
        mistakes.note(found.number, format!("`{}` is not `NAME: VERB`", found.rest));
        return None;
    };
    let line = Line { number: found.number, depth: 1, text: verb.trim().to_owned() };
    Some(make(name.to_owned(), detail(&line, verbs, mistakes)?))
}

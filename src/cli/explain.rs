//! `explain`: why a group is or is not written, under which name and by which rule; why a person is
//! or is not in it. Observes and decides as `plan` does, and writes nothing.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::remembered::{Reader, Source};
use super::{complain, say};
use crate::controller::admin::round;
use crate::controller::now;
use crate::controller::pass::{Engine, Look, Sighting};
use crate::decide::explain::{
    Case, Direct, Found, Person, explain, find_group, find_person, nested_unread,
};
use crate::exit::Exit;
use crate::model::ObjectId;
use crate::report::explanation;
use crate::report::text::safe;

#[derive(Args)]
#[command(after_help = "Ends with 0 when the answer rests on whole reads, with 4 when a read was \
                        not whole, with 64 when nobody knows the group or the person.")]
pub(super) struct Arguments {
    /// The group: its object id, display name, cn, DN or sAMAccountName
    #[arg(value_name = "GROUP")]
    group: String,
    /// The person: an object id, user principal name, sAMAccountName, objectGUID or DN
    #[arg(value_name = "PERSON")]
    person: Option<String>,
    /// The form of the answer
    #[arg(long, value_name = "FORM", value_enum, default_value = "text")]
    output: Form,
    #[command(flatten)]
    source: Source,
}

/// The form of an answer.
#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Text,
    Json,
}

pub(super) async fn run(arguments: Arguments, config: Option<PathBuf>) -> Exit {
    let reader = arguments.source.reader(config.as_deref()).await;
    let Reader { mut engine, .. } = match reader {
        Ok(reader) => reader,
        Err(exit) => return exit,
    };
    let load = engine.load_policies();
    for mistake in &load.mistakes {
        complain(&safe(&mistake.to_string()));
    }
    let invalid = if load.mistakes.is_empty() { Exit::Done } else { Exit::Invalid };
    if load.folder_error.is_some() && load.generation.is_none() {
        return invalid;
    }
    let (look, seen) = match engine.look_around(None, now()).await {
        Ok(looked) => looked,
        Err(why) => {
            complain(&round::blind(&why));
            return round::of_blind(&why).max(invalid);
        }
    };
    let told = answer(&engine, (&look, &seen), &arguments).await;
    match told {
        Ok(exit) => exit.max(invalid),
        Err(why) => {
            complain(&why);
            Exit::Usage
        }
    }
}

/// Says why. An error says that nobody knows who is meant.
async fn answer(
    engine: &Engine,
    (look, seen): (&Look, &Sighting),
    arguments: &Arguments,
) -> Result<Exit, String> {
    let inputs = engine.inputs(look, seen);
    let id = one("group", &arguments.group, find_group(&inputs, &arguments.group))?;
    let mut nested = Direct::new();
    let mut person: Option<Person> = None;
    if let Some(text) = &arguments.person {
        nested = below(engine, (look, seen), id).await;
        let case = case(&inputs, (look, seen), &nested);
        person = Some(one("person", text, find_person(&case, text))?);
    }
    let case = case(&inputs, (look, seen), &nested);
    let explanation = explain(&case, id, person.as_ref());
    let view = engine.report().groups();
    let conditions = view.group(id).map(|group| view.conditions(group)).unwrap_or_default();
    match arguments.output {
        Form::Text => say(&explanation::text(&explanation, &conditions)),
        Form::Json => say(&format!("{:#}\n", explanation::json(&explanation, &conditions))),
    }
    Ok(if explanation.incomplete { Exit::Incomplete } else { Exit::Done })
}

fn case<'a>(
    inputs: &'a crate::decide::Inputs<'a>,
    (look, seen): (&'a Look, &'a Sighting),
    nested: &'a Direct,
) -> Case<'a> {
    let (decision, guarded) = (&look.decision, &look.guarded);
    Case { inputs, members: &seen.members, nested, decision, guarded }
}

/// The members of every group nested in one that the pass did not read.
async fn below(engine: &Engine, (look, seen): (&Look, &Sighting), id: ObjectId) -> Direct {
    let inputs = engine.inputs(look, seen);
    let mut read = Direct::new();
    // Each round goes one level down and asks nothing twice: it ends with the tenant's groups.
    loop {
        let unread = nested_unread(&case(&inputs, (look, seen), &read), id);
        if unread.is_empty() {
            return read;
        }
        let more = engine.further_members(&unread, look, seen).await;
        let answered = unread.iter().all(|id| more.contains_key(id));
        read.extend(more);
        if !answered {
            return read;
        }
    }
}

/// The one that is meant, or a sentence that says why none is.
fn one<T>(what: &str, text: &str, found: Found<T>) -> Result<T, String> {
    let text = safe(text);
    let list = |names: &[String]| safe(&names.join(", "));
    match found {
        Found::One(it) => Ok(it),
        Found::Several(names) => {
            Err(format!("several are called `{text}`: name one by its id: {}", list(&names)))
        }
        Found::Nothing(names) if names.is_empty() => Err(match what {
            "person" => format!(
                "nobody knows a person `{text}`: neither among the members that were read nor \
                 among the accounts of the domain"
            ),
            _ => format!("nobody knows a group `{text}`, neither in the tenant nor in the domain"),
        }),
        Found::Nothing(names) => {
            Err(format!("nobody knows a {what} `{text}`; near are {}", list(&names)))
        }
    }
}

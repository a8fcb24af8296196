//! `schema`: the form of a document, as JSON Schema.

use clap::{Args, ValueEnum};

use super::say;
use crate::exit::Exit;
use crate::schema::Document;

#[derive(Args)]
pub(super) struct Arguments {
    /// The document
    #[arg(value_enum, value_name = "DOCUMENT")]
    document: Word,
}

/// A document by its word on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum Word {
    /// A policy file
    Policy,
    /// The daemon configuration
    Config,
    /// What `plan --output json` prints
    Plan,
    /// What `status --output json` prints and `/api/v1/status` answers
    Status,
    /// What `explain --output json` prints
    Explain,
    /// What `discover --output json` prints
    Discover,
    /// What `/api/v1/groups` answers
    Groups,
    /// What `/api/v1/groups/ID` answers
    Group,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let document = match arguments.document {
        Word::Policy => Document::Policy,
        Word::Config => Document::Config,
        Word::Plan => Document::Plan,
        Word::Status => Document::Status,
        Word::Explain => Document::Explain,
        Word::Discover => Document::Discover,
        Word::Groups => Document::Groups,
        Word::Group => Document::Group,
    };
    say(&document.text());
    Exit::Done
}

//! `completions` and `man`: what shells and manuals know of the command line, made from it.

use clap::{Args, Command, ValueEnum};
use clap_complete::{Shell, generate};
use clap_mangen::Man;

use super::{complain, say};
use crate::exit::Exit;
use crate::report::text::safe;

#[derive(Args)]
pub(super) struct Arguments {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Word,
}

/// A shell by its word on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum Word {
    /// ~/.local/share/bash-completion/completions/writeback
    Bash,
    /// _writeback in a folder of $fpath
    Zsh,
    /// ~/.config/fish/completions/writeback.fish
    Fish,
}

#[derive(Args)]
pub(super) struct ManArguments {
    /// The page of this command [default: the one of the program]
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

pub(super) fn run(arguments: &Arguments, mut line: Command) -> Exit {
    let shell = match arguments.shell {
        Word::Bash => Shell::Bash,
        Word::Zsh => Shell::Zsh,
        Word::Fish => Shell::Fish,
    };
    let name = line.get_name().to_owned();
    let mut text = Vec::new();
    generate(shell, &mut line, name, &mut text);
    say(&String::from_utf8_lossy(&text));
    Exit::Done
}

pub(super) fn man(arguments: &ManArguments, mut line: Command) -> Exit {
    // Names the sub-commands after the program: `writeback-plan`.
    line.build();
    let page = match &arguments.command {
        None => line,
        Some(name) => {
            let Some(command) = line.find_subcommand(name) else {
                complain(&format!("`{}` is no command; see `writeback --help`", safe(name)));
                return Exit::Usage;
            };
            command.clone()
        }
    };
    let mut text = Vec::new();
    match Man::new(page).render(&mut text) {
        Ok(()) => {
            say(&String::from_utf8_lossy(&text));
            Exit::Done
        }
        Err(error) => {
            complain(&format!("failed to write the manual page: {error}"));
            Exit::Failed
        }
    }
}

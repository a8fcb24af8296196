//! Completion scripts and manual pages: made from the command line, so that they know all of it.

use std::process::Command;

use crate::product::Ran;

/// The binary without any configuration: none of this needs one.
fn run(arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_writeback"))
        .args(arguments)
        .current_dir("/")
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The commands that `--help` names.
fn commands() -> Vec<String> {
    let help = run(&["--help"]).expect(0).stdout;
    let lines = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    lines.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

#[test]
fn the_completion_of_every_shell_knows_every_command() {
    let commands = commands();
    for wanted in ["pause", "resume", "reconcile", "reload", "completions", "status"] {
        assert!(commands.iter().any(|command| command == wanted), "{commands:?}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell]).expect(0);
        for command in &commands {
            assert!(script.stdout.contains(command.as_str()), "{shell} does not know {command}");
        }
        for option in ["policy", "live"] {
            assert!(script.stdout.contains(option), "{shell} does not know --{option}");
        }
        assert_eq!(script.stderr, "");
    }
    run(&["completions", "tcsh"]).expect(64);
    run(&["completions"]).expect(64);
}

#[test]
fn bash_takes_its_script_and_completes_a_command() {
    let script = run(&["completions", "bash"]).expect(0).stdout;
    let asked = format!(
        "{script}\nCOMP_WORDS=(writeback rec); COMP_CWORD=1; _writeback writeback rec writeback\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    );
    let output = Command::new("bash").args(["--norc", "-c", &asked]).output().unwrap();
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(answer.trim(), "reconcile", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_command_has_a_page_of_the_manual() {
    let page = run(&["man"]).expect(0).stdout;
    assert!(page.contains(".TH writeback 1"), "{page}");
    for command in commands().iter().filter(|command| *command != "help") {
        assert!(page.contains(&format!("writeback\\-{command}(1)")), "{command}: {page}");
        let own = run(&["man", command]).expect(0).stdout;
        assert!(own.contains(&format!(".TH writeback-{command} 1")), "{own}");
        assert!(own.contains(".SH SYNOPSIS"), "{own}");
    }
    let status = run(&["man", "status"]).expect(0).stdout;
    assert!(status.contains("\\-\\-live") && status.contains("no daemon answers"), "{status}");
    run(&["man", "nothing"]).expect(64);
}

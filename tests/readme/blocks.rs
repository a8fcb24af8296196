//! The command blocks of a document.

use std::fs;
use std::path::{Path, PathBuf};

/// One block marked `sh`.
pub struct Block {
    /// The line of the document on which it begins.
    pub number: usize,
    /// Its commands, without comments.
    pub lines: Vec<String>,
}

/// A file of the project.
pub fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The text of a file of the project.
#[track_caller]
pub fn read(path: &str) -> String {
    fs::read_to_string(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The blocks of a document of the project.
pub fn of(document: &str) -> Vec<Block> {
    let text = read(document);
    let blocks = parse(&text);
    let marks = text.lines().filter(|line| line.trim_start() == "```sh").count();
    assert_eq!(blocks.len(), marks, "{document}");
    blocks
}

fn parse(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line.trim()) {
            (None, "```sh") => open = Some(Block { number: number + 1, lines: Vec::new() }),
            (Some(_), "```") => blocks.extend(open.take()),
            (Some(block), line) => {
                let command = line.split(" #").next().unwrap_or_default().trim();
                if !command.is_empty() && !command.starts_with('#') {
                    block.lines.push(command.to_owned());
                }
            }
            (None, _) => (),
        }
    }
    assert!(open.is_none(), "the last block has no end");
    blocks
}

/// The words of a command, as a shell takes them apart where only double quotes are used.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('"').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[test]
fn blocks_are_found_with_their_commands_alone() {
    let text = "words\n```sh\na b   # why\n\n# only why\nc \"d e\"\n```\n```yaml\nx: y\n```\n";
    let blocks = parse(text);
    assert_eq!(blocks.len(), 1);
    assert_eq!(
        (blocks[0].number, &blocks[0].lines[..]),
        (2, &["a b", "c \"d e\""].map(str::to_owned)[..])
    );
    assert_eq!(words("c \"d e\" f"), ["c", "d e", "f"]);
}

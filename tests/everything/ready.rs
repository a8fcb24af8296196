//! The two ready policy folders, as files and as what they are meant to do.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::course::{Leavers, Rules};
use crate::oracle::Flag;

/// A ready policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// All Microsoft 365 groups, nothing deleted before hard deletion.
    DefaultBehaviour,
    /// What is configured alone, deleted when it is switched off or soft-deleted.
    OnlyConfigured,
}

impl Ready {
    /// Its folder below `config/policies`, and the name of its policy.
    pub fn name(self) -> &'static str {
        match self {
            Self::DefaultBehaviour => "default-behaviour",
            Self::OnlyConfigured => "only-configured",
        }
    }

    /// What the plan for group writeback says of it ("Choose the right approach").
    pub fn rules(self, container: &str) -> Rules {
        let (flag, leavers, maximum) = match self {
            Self::DefaultBehaviour => (Flag::Honour, Leavers::Retain, None),
            Self::OnlyConfigured => (Flag::RequireTrue, Leavers::Delete, Some(250_000)),
        };
        Rules {
            owner: "corp".to_owned(),
            policy: self.name().to_owned(),
            flag,
            leavers,
            maximum,
            container: container.to_owned(),
        }
    }

    /// Its files with another container put in, by name.
    pub fn files(self, container: &str) -> BTreeMap<String, String> {
        const EXAMPLE: &str = "OU=Cloud Groups,DC=corp,DC=example";
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("config/policies").join(self.name());
        let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap());
        let files: BTreeMap<String, String> = files
            .map(|entry| {
                let text = fs::read_to_string(entry.path()).unwrap();
                assert!(text.contains(EXAMPLE), "{}: another container", entry.path().display());
                let name = entry.file_name().into_string().unwrap();
                (name, text.replace(EXAMPLE, container))
            })
            .collect();
        assert!(!files.is_empty(), "{} is empty", folder.display());
        files
    }
}

//! The grammar of `world.txt`: things, each with its noun, its name and what is said of it.

use std::collections::BTreeSet;

use super::text::{Detail, Line, Mistakes, Takes, Word, detail, lines, names};
use Takes::{Nothing, Text};

/// What a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noun {
    /// A user of the tenant, with an account of the directory.
    User,
    /// A guest; the same otherwise.
    Guest,
    /// A cloud group of this kind.
    Microsoft365Group,
    /// A cloud group of this kind.
    SecurityGroup,
    /// A cloud group of this kind.
    MailEnabledSecurityGroup,
    /// A cloud group of this kind.
    DistributionList,
    /// A cloud group of a kind that no documentation names.
    UnusualGroup,
    /// A group that the directory masters and the tenant knows.
    OnPremisesGroup,
    /// A group of the directory alone.
    DirectoryGroup,
    /// An account of the directory alone.
    DirectoryUser,
    /// A device of the tenant.
    Device,
    /// An application's identity in the tenant.
    Application,
    /// A contact of the tenant.
    Contact,
    /// An object of the tenant of a type that nobody knows.
    Thing,
    /// An organizational unit in the container.
    Unit,
    /// An organizational unit outside of it.
    OutsideUnit,
    /// What the tenant says of itself.
    Tenant,
    /// What the domain is like.
    Domain,
}

/// Whether a noun has a name behind it.
const NAMELESS: [Noun; 2] = [Noun::Tenant, Noun::Domain];

const PERSON: &[Word] = &[
    // No account in the directory.
    ("cloud-only", Nothing),
    // An account, of which the tenant does not know.
    ("unlinked", Nothing),
    // The tenant tells the immutable id alone, or the SID alone.
    ("linked-by id", Nothing),
    ("linked-by sid", Nothing),
    // The account carries an mS-DS-ConsistencyGuid of its own, which the tenant tells.
    ("consistency-guid", Nothing),
    ("says", Text),
];
const CLOUD_GROUP: &[Word] = &[
    ("flag true", Nothing),
    ("flag false", Nothing),
    ("type", Text),
    ("dynamic", Nothing),
    ("display-name", Text),
    ("description", Text),
    ("nickname", Text),
    ("mail", Text),
    ("address", Text),
    ("hidden-membership", Nothing),
    ("role-assignable", Nothing),
    ("members", Text),
    ("says", Text),
];
const DIRECTORY_GROUP: &[Word] = &[
    ("scope universal", Nothing),
    ("scope global", Nothing),
    ("scope domain-local", Nothing),
    ("distribution", Nothing),
    ("account-name", Text),
    ("in", Text),
    ("members", Text),
    ("with", Text),
];
const ON_PREMISES_GROUP: &[Word] = &[
    ("scope universal", Nothing),
    ("scope global", Nothing),
    ("scope domain-local", Nothing),
    ("distribution", Nothing),
    ("account-name", Text),
    ("in", Text),
    ("members", Text),
    ("with", Text),
    // Mastered on-premises once, in the cloud now.
    ("converted", Nothing),
    ("flag true", Nothing),
    ("cloud-members", Text),
];

/// The words of each noun.
const NOUNS: &[(&str, Noun, &[Word])] = &[
    ("user", Noun::User, PERSON),
    ("guest", Noun::Guest, PERSON),
    ("microsoft365 group", Noun::Microsoft365Group, CLOUD_GROUP),
    ("security group", Noun::SecurityGroup, CLOUD_GROUP),
    ("mail-enabled security group", Noun::MailEnabledSecurityGroup, CLOUD_GROUP),
    ("distribution list", Noun::DistributionList, CLOUD_GROUP),
    ("unusual group", Noun::UnusualGroup, CLOUD_GROUP),
    ("on-premises group", Noun::OnPremisesGroup, ON_PREMISES_GROUP),
    ("directory group", Noun::DirectoryGroup, DIRECTORY_GROUP),
    (
        "directory user",
        Noun::DirectoryUser,
        &[("account-name", Text), ("in", Text), ("with", Text)],
    ),
    (
        "device",
        Noun::Device,
        &[
            // A computer of the directory stands behind it.
            ("hybrid-joined", Nothing),
            ("joined", Nothing),
            ("registered", Nothing),
            // Device writeback made its object.
            ("written-back", Nothing),
            // The tenant tells the computer's SID as well.
            ("with-sid", Nothing),
            ("says", Text),
        ],
    ),
    ("application", Noun::Application, &[]),
    ("contact", Noun::Contact, &[]),
    ("thing", Noun::Thing, &[]),
    ("unit", Noun::Unit, &[]),
    ("outside-unit", Noun::OutsideUnit, &[]),
    ("tenant", Noun::Tenant, &[("default-for-new-groups", Text), ("with-right", Text)]),
    (
        "domain",
        Noun::Domain,
        &[
            ("not-prepared-for-exchange", Nothing),
            ("deleted-objects-closed", Nothing),
            ("without-external-id", Nothing),
            // An attribute beyond the documented delegation that the account may write.
            ("may-write", Text),
        ],
    ),
];

/// A thing of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// What it is.
    pub noun: Noun,
    /// What the scenario calls it.
    pub name: String,
    /// What is said of it.
    pub details: Vec<Detail>,
    /// The number of its line.
    pub number: usize,
}

impl Entity {
    /// Whether this is said.
    pub fn has(&self, word: &str) -> bool {
        self.details.iter().any(|detail| detail.word == word)
    }

    /// What is said behind a word, each time it is said.
    pub fn texts(&self, word: &str) -> impl Iterator<Item = &str> {
        self.details.iter().filter(move |one| one.word == word).map(|one| one.rest.as_str())
    }

    /// What is said behind a word.
    pub fn text(&self, word: &str) -> Option<&str> {
        self.texts(word).next()
    }

    /// The names behind a word.
    pub fn named(&self, word: &str) -> Vec<String> {
        self.texts(word).flat_map(names).collect()
    }

    /// `groupType` of a group of the directory (MS-ADTS 2.2.12).
    pub fn group_type(&self) -> i32 {
        let scope = if self.has("scope global") {
            2
        } else if self.has("scope domain-local") {
            4
        } else {
            8
        };
        if self.has("distribution") { scope } else { scope | i32::MIN }
    }
}

/// Reads a world.
pub fn read(file: &str, text: &str) -> Result<Vec<Entity>, Vec<String>> {
    let mut mistakes = Mistakes::of(file);
    let lines = lines(text, &mut mistakes);
    let entities = read_lines(&lines, 0, &mut mistakes);
    let known: BTreeSet<&str> = entities.iter().map(|entity| entity.name.as_str()).collect();
    check_names(&entities, &known, &mut mistakes);
    let mut seen = BTreeSet::new();
    for entity in &entities {
        if !seen.insert(&entity.name) {
            mistakes.note(entity.number, format!("there is a second `{}`", entity.name));
        }
    }
    let found = mistakes.into_found();
    if found.is_empty() { Ok(entities) } else { Err(found) }
}

/// Notes names of members that nothing has.
fn check_names(entities: &[Entity], known: &BTreeSet<&str>, mistakes: &mut Mistakes) {
    for entity in entities {
        for detail in entity.details.iter().filter(|one| one.word.ends_with("members")) {
            for name in names(&detail.rest) {
                if !known.contains(name.as_str()) {
                    mistakes.note(detail.number, format!("nothing is called `{name}`"));
                }
            }
        }
    }
}

/// Reads things that stand at one depth.
pub fn read_lines(lines: &[Line], depth: usize, mistakes: &mut Mistakes) -> Vec<Entity> {
    let mut entities: Vec<Entity> = Vec::new();
    let mut words: &[Word] = &[];
    for line in lines {
        if line.depth == depth {
            let heads: Vec<Word> = NOUNS
                .iter()
                .map(|(head, noun, _)| {
                    (*head, if NAMELESS.contains(noun) { Nothing } else { Text })
                })
                .collect();
            let Some(head) = detail(line, &heads, mistakes) else {
                words = &[];
                continue;
            };
            let found = NOUNS.iter().find(|(word, ..)| *word == head.word);
            let (word, noun, own) = found.expect("the words are those of the nouns");
            words = own;
            let name = if NAMELESS.contains(noun) { (*word).to_owned() } else { head.rest };
            let details = Vec::new();
            entities.push(Entity { noun: *noun, name, details, number: line.number });
        } else if line.depth == depth + 1 && !entities.is_empty() {
            let found = detail(line, words, mistakes);
            if let Some(last) = entities.last_mut() {
                last.details.extend(found);
            }
        } else {
            mistakes.note(line.number, "stands deeper than anything it could be said of");
        }
    }
    entities
}

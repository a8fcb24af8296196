//! The words between the step machine and whoever executes for it.
//!
//! `Step` is what the machine wants next, `Answer` what came of it. Plain values: the journal,
//! the client and the tests speak them alike.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::directory::outcome::Refusal;
use crate::model::{AttributeName, Dn, ObjectGuid, Operation, Outcome};

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Record the operation, execute it, feed the answer.
    Execute {
        /// One write.
        operation: Operation,
        /// The change it belongs to, by its place in the plan.
        change: usize,
    },
    /// Read, feed what was seen.
    Verify {
        /// What to look at.
        question: Question,
        /// The change it belongs to, by its place in the plan.
        change: usize,
    },
    /// Wait that long, feed [`Answer::Waited`].
    Wait(Duration),
}

/// Something to read before going on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Where an object is, what marks and which of these attributes it carries.
    Object {
        /// Its objectGUID.
        guid: ObjectGuid,
        /// LDAP names beyond the marks.
        attributes: Vec<AttributeName>,
    },
    /// Where a group is, and all its members.
    Members {
        /// Its objectGUID.
        guid: ObjectGuid,
    },
    /// Which object has this name, and what marks it carries.
    Name {
        /// Its full name.
        dn: Dn,
    },
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The operation was done.
    Done,
    /// The operation was refused; nothing of it was done.
    Refused(Refusal),
    /// Nothing was done; later may be better.
    Busy(String),
    /// The operation was sent and nobody knows what came of it.
    Lost(String),
    /// What a question showed.
    Seen(Sight),
    /// The question could not be answered.
    Unseen(String),
    /// The wait is over.
    Waited,
}

/// What reading showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// There is no such object.
    Absent,
    /// There is.
    There(Seen),
}

/// An object as it was just read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its objectGUID.
    pub guid: ObjectGuid,
    /// Where it is.
    pub dn: Dn,
    /// Values by attribute name in lower case; what has no value is not here.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// Its members, after [`Question::Members`].
    pub members: Option<BTreeSet<ObjectGuid>>,
}

impl Seen {
    /// The attributes that every question about an object asks for.
    pub const MARKS: [&'static str; 2] = ["adminDescription", "extensionName"];

    /// The values of an attribute.
    pub fn values(&self, name: &str) -> &[String] {
        self.attributes.get(&name.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }
}

impl Answer {
    /// The outcome of the one operation this answers, for the journal.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Done => Outcome::Done { object: None },
            Self::Refused(refusal) => Outcome::Refused { message: refusal.message.clone() },
            Self::Busy(message) => Outcome::Failed { message: message.clone() },
            Self::Lost(message) | Self::Unseen(message) => {
                Outcome::Unknown { message: message.clone() }
            }
            Self::Seen(_) | Self::Waited => {
                Outcome::Unknown { message: "the operation was not answered".to_owned() }
            }
        }
    }
}

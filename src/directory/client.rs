//! The open directory: one connection to read, one to write, both to the same domain controller.
//!
//! Input: options, containers, recorded operations, questions. Output: the snapshot, answers.
//! Reads are repeated on passing trouble; a write is sent once, and whoever asked decides.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use super::connection::Connection;
use super::entry::{Entry, Malformed};
use super::observe::Progress;
use super::outcome::{Verdict, classify};
use super::search::Search;
use crate::directory::apply::{Answer, Question, Seen, Sight};
use crate::directory::options::Observer;
use crate::directory::{DirectoryError, DirectoryOptions};
use crate::journal::Recorded;
use crate::model::directory::{DirectPresence, DomainFacts};
use crate::model::{Containers, DirectorySnapshot, ObjectGuid, Principal};
use crate::retry::REQUEST;

/// One domain controller, reached and found fit.
pub struct Directory {
    options: DirectoryOptions,
    containers: Containers,
    observer: Observer,
    facts: DomainFacts,
    reader: Slot,
    writer: Slot,
}

/// Holds a connection while it is good; one request at a time.
type Slot = Mutex<Option<Connection>>;

/// Tries of one read.
#[derive(Default)]
struct Attempts(u32);

/// Repeats a read on passing trouble, each time over a connection that is good.
macro_rules! repeated {
    ($read:expr) => {{
        let mut attempts = Attempts::default();
        loop {
            let read: Result<_, DirectoryError> = async { $read }.await;
            match read {
                Ok(read) => break read,
                Err(error) => attempts.wait_after(error).await?,
            }
        }
    }};
}

impl Directory {
    /// Connects, binds, reads what the domain is, and checks that every container exists and that
    /// the account may create groups in it. Busy or lost answers are asked for again; a server
    /// that cannot be reached is not, that is left to the next pass.
    pub async fn connect(
        options: DirectoryOptions,
        containers: Containers,
        observer: Observer,
    ) -> Result<Self, DirectoryError> {
        let mut attempts = Attempts::default();
        let (connection, facts) = loop {
            match reach(&options, &containers, &observer).await {
                Ok(reached) => break reached,
                Err(error @ DirectoryError::Unreachable { .. }) => return Err(error),
                Err(error) => attempts.wait_after(error).await?,
            }
        };
        let (reader, writer) = (Mutex::new(Some(connection)), Mutex::new(None));
        Ok(Self { options, containers, observer, facts, reader, writer })
    }

    /// What the domain is and can do.
    pub fn facts(&self) -> &DomainFacts {
        &self.facts
    }

    /// Reads everything a pass needs. `begun` is the time at which the read begins, `remembered`
    /// the objects whose absence from the listing is to be proven one by one; `progress` hears
    /// after every page how many entries came in all.
    pub async fn observe(
        &self,
        begun: Timestamp,
        remembered: &BTreeSet<ObjectGuid>,
        progress: Progress<'_>,
    ) -> Result<DirectorySnapshot, DirectoryError> {
        let entries = AtomicUsize::new(0);
        let told = |came: usize| {
            progress(entries.fetch_add(came, Ordering::Relaxed) + came);
        };
        let facts = &self.facts;
        let listing = repeated!(self.reading().await?.list_domain(facts, begun, &told).await);
        let containers = &self.containers;
        let occupied = repeated!(self.reading().await?.list_names(containers, begun, &told).await);
        let groups = listing.groups.value();
        let members =
            repeated!(self.reading().await?.list_members_of(groups, facts, begun, &told).await);
        let direct = self.look_for(remembered, listing.principals.value()).await?;
        Ok(DirectorySnapshot {
            facts: facts.clone(),
            principals: listing.principals,
            groups: listing.groups,
            occupied,
            members,
            direct,
        })
    }

    /// Looks up one by one what the listing did not show.
    async fn look_for(
        &self,
        remembered: &BTreeSet<ObjectGuid>,
        seen: &BTreeMap<ObjectGuid, Principal>,
    ) -> Result<BTreeMap<ObjectGuid, DirectPresence>, DirectoryError> {
        let mut direct = BTreeMap::new();
        for object in remembered.iter().filter(|object| !seen.contains_key(object)) {
            let presence = repeated!(self.reading().await?.presence(*object).await);
            direct.insert(*object, presence);
        }
        Ok(direct)
    }

    /// Sends one recorded operation, once. An error means that no further operation can succeed
    /// before somebody mends something; everything else is an answer.
    pub async fn execute(&self, recorded: &Recorded) -> Result<Answer, DirectoryError> {
        let operation = recorded.operation();
        let mut connection = match self.connection(&self.writer).await {
            Ok(connection) => connection,
            Err(error) if error.fault().transient => {
                return Ok(Answer::Busy(error.fault().message));
            }
            Err(error) => return Err(error),
        };
        match connection.write(operation).await {
            Ok(result) => Ok(match classify(operation.word(), result.rc, &result.text) {
                Verdict::Done => Answer::Done,
                Verdict::Busy(message) => Answer::Busy(message),
                Verdict::Refused(refusal) => Answer::Refused(refusal),
            }),
            Err(error @ DirectoryError::Lost { .. }) => Ok(Answer::Lost(error.fault().message)),
            Err(error) => Err(error),
        }
    }

    /// Reads what a question asks for. An error means what it means for [`Directory::execute`].
    pub async fn verify(&self, question: &Question) -> Result<Answer, DirectoryError> {
        match self.see(question).await {
            Ok(answer) => Ok(answer),
            Err(error) if error.fault().transient => Ok(Answer::Unseen(error.fault().message)),
            Err(error @ DirectoryError::Refused { .. }) => {
                Ok(Answer::Unseen(error.fault().message))
            }
            Err(error) => Err(error),
        }
    }

    async fn see(&self, question: &Question) -> Result<Answer, DirectoryError> {
        let (base, attributes) = match question {
            Question::Object { guid, attributes } => (guid.as_dn(), attributes.as_slice()),
            Question::Name { dn } => (dn.to_string(), [].as_slice()),
            Question::Members { guid } => return self.see_members(*guid).await,
        };
        let action = format!("look at {base}");
        let wanted: Vec<&str> = Seen::MARKS.iter().chain(attributes).copied().collect();
        let search = Search::object(base, &[&["objectGUID"], wanted.as_slice()].concat());
        let entry = repeated!(self.reading().await?.find_object(&action, &search).await);
        let Some(entry) = entry else { return Ok(Answer::Seen(Sight::Absent)) };
        Ok(Answer::Seen(Sight::There(seen(&entry, &wanted).map_err(unreadable)?)))
    }

    async fn see_members(&self, group: ObjectGuid) -> Result<Answer, DirectoryError> {
        let read = repeated!(self.reading().await?.read_members(group).await);
        Ok(match read {
            None => Answer::Seen(Sight::Absent),
            Some((_, Err(why))) => Answer::Unseen(why),
            Some((entry, Ok(members))) => {
                let members = members.into_iter().map(|member| member.guid).collect();
                let seen = seen(&entry, &[]).map_err(unreadable)?;
                Answer::Seen(Sight::There(Seen { members: Some(members), ..seen }))
            }
        })
    }

    async fn reading(&self) -> Result<MappedMutexGuard<'_, Connection>, DirectoryError> {
        self.connection(&self.reader).await
    }

    /// The connection of a slot, opened anew when the old one is spent.
    async fn connection<'slot>(
        &self,
        slot: &'slot Slot,
    ) -> Result<MappedMutexGuard<'slot, Connection>, DirectoryError> {
        let mut slot = slot.lock().await;
        let connection = match slot.take() {
            Some(connection) if !connection.is_spent() => connection,
            Some(_) | None => self.reopen().await?,
        };
        Ok(MutexGuard::map(slot, |slot| slot.insert(connection)))
    }

    /// A new connection, to the domain controller that the facts are about: what one of them
    /// tells, another one may not know yet, and a name may lead to several.
    async fn reopen(&self) -> Result<Connection, DirectoryError> {
        let mut connection = Connection::open(&self.options, &self.observer).await?;
        let server = connection.root_dse().await?.server;
        if server == self.facts.server {
            return Ok(connection);
        }
        let (url, before) = (&self.options.url, &self.facts.server);
        let message = format!(
            "reach {before} again: {url} leads to {server} now; name one domain controller in \
             directory.servers"
        );
        Err(DirectoryError::Unreachable { message, source: None })
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl Attempts {
    /// Waits before the next try; gives the error back when there is none.
    async fn wait_after(&mut self, error: DirectoryError) -> Result<(), DirectoryError> {
        self.0 += 1;
        let fault = error.fault();
        let delay = REQUEST.delay(self.0 + 1, fault.retry_after, 1.0);
        match delay.filter(|_| fault.transient) {
            Some(delay) => {
                tokio::time::sleep(delay).await;
                Ok(())
            }
            None => Err(error),
        }
    }
}

async fn reach(
    options: &DirectoryOptions,
    containers: &Containers,
    observer: &Observer,
) -> Result<(Connection, DomainFacts), DirectoryError> {
    let mut connection = Connection::open(options, observer).await?;
    let facts = connection.learn(containers).await?;
    Ok((connection, facts))
}

fn seen(entry: &Entry, wanted: &[&str]) -> Result<Seen, Malformed> {
    let attributes = wanted.iter().filter_map(|name| {
        let values: Vec<String> = entry.texts(name).map(str::to_owned).collect();
        (!values.is_empty()).then(|| (name.to_ascii_lowercase(), values))
    });
    Ok(Seen {
        guid: entry.object_guid()?,
        dn: entry.dn()?,
        attributes: attributes.collect(),
        members: None,
    })
}

fn unreadable(Malformed(what): Malformed) -> DirectoryError {
    DirectoryError::Unreadable { message: format!("understand an entry: {what}") }
}

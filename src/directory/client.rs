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
use super::outcome::{Verdict, classify, enforced, may_be_enforced};
use super::search::{NO_SUCH_OBJECT, Search};
use crate::defence::stands;
use crate::directory::apply::{Answer, Question, Seen, Sight};
use crate::directory::options::Observer;
use crate::directory::{DirectoryError, DirectoryOptions};
use crate::journal::Recorded;
use crate::model::directory::{DeletedGroup, DirectPresence, DomainFacts, PrincipalClass};
use crate::model::{
    AttributeName, Containers, DirectorySnapshot, ObjectGuid, Operation, Principal,
};
use crate::retry::REQUEST;

/// One domain controller, reached and found fit.
pub struct Directory {
    options: DirectoryOptions,
    containers: Containers,
    observer: Observer,
    facts: DomainFacts,
    /// `schemaNamingContext`
    pub(super) schema: String,
    /// Attributes beyond the standing set that were found fit to be written, with the longest
    /// value, in UTF-16 units, where the schema has a limit.
    suitable: Mutex<BTreeMap<AttributeName, Option<usize>>>,
    reader: Slot,
    writer: Slot,
}

/// Holds a connection while it is good; one request at a time.
type Slot = Mutex<Option<Connection>>;

/// Tries of one read.
#[derive(Default)]
pub(super) struct Attempts(u32);

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
pub(super) use repeated;

impl Directory {
    /// Connects to read and to write: [`Directory::connect_to_read`], then
    /// [`Directory::check_rights`].
    pub async fn connect(
        options: DirectoryOptions,
        containers: Containers,
        observer: Observer,
    ) -> Result<Self, DirectoryError> {
        let directory = Self::connect_to_read(options, containers, observer).await?;
        directory.check_rights().await?;
        Ok(directory)
    }

    /// Connects, binds, reads what the domain is, and checks that every container exists. Busy or
    /// lost answers are asked for again; a server that cannot be reached is not, that is left to
    /// the next pass.
    pub async fn connect_to_read(
        options: DirectoryOptions,
        containers: Containers,
        observer: Observer,
    ) -> Result<Self, DirectoryError> {
        let mut attempts = Attempts::default();
        let (connection, facts, schema) = loop {
            match reach(&options, &containers, &observer).await {
                Ok(reached) => break reached,
                Err(error @ DirectoryError::Unreachable { .. }) => return Err(error),
                Err(error) => attempts.wait_after(error).await?,
            }
        };
        let (reader, writer) = (Mutex::new(Some(connection)), Mutex::new(None));
        let suitable = Mutex::default();
        Ok(Self { options, containers, observer, facts, schema, suitable, reader, writer })
    }

    /// Checks that the account may create groups in every container: for whoever writes.
    pub async fn check_rights(&self) -> Result<(), DirectoryError> {
        repeated!(self.reading().await?.check_rights(&self.containers).await);
        Ok(())
    }

    /// What the domain is and can do.
    pub fn facts(&self) -> &DomainFacts {
        &self.facts
    }

    /// Reads everything a pass needs. `begun` is the time at which the read begins, `remembered`
    /// the objects whose absence from the listing is to be proven one by one, `named` those that
    /// are to be read although they may carry no mark, `extras` the attributes that policies add
    /// to the standing set; `progress` hears after every page how many entries came in all.
    pub async fn observe(
        &self,
        begun: Timestamp,
        remembered: &BTreeSet<ObjectGuid>,
        named: &BTreeSet<ObjectGuid>,
        extras: &BTreeSet<AttributeName>,
        progress: Progress<'_>,
    ) -> Result<DirectorySnapshot, DirectoryError> {
        let entries = AtomicUsize::new(0);
        let told = |came: usize| {
            progress(entries.fetch_add(came, Ordering::Relaxed) + came);
        };
        let facts = &self.facts;
        let listing =
            repeated!(self.reading().await?.list_domain(facts, extras, begun, &told).await);
        let containers = &self.containers;
        let occupied = repeated!(self.reading().await?.list_names(containers, begun, &told).await);
        let groups = listing.groups.value();
        let mut members =
            repeated!(self.reading().await?.list_members_of(groups, facts, begun, &told).await);
        let unmarked = named.iter().filter(|guid| !groups.contains_key(guid)).copied().collect();
        let (named, their_members) =
            repeated!(self.reading().await?.list_named(&unmarked, facts, extras, begun).await);
        members.extend(their_members);
        let below: Vec<_> = groups.values().chain(named.values().flatten()).collect();
        let above = repeated!(self.reading().await?.list_above(&below, facts).await);
        let living = listing.principals.value();
        let missed =
            remembered.iter().filter(|object| !living.contains_key(object)).copied().collect();
        let mut deleted = repeated!(self.reading().await?.list_deleted(facts, &missed).await);
        // What was deleted while the domain was read counts as it was seen first.
        deleted.retain(|object, _| !living.contains_key(object));
        let direct = self.look_for(&missed, &deleted).await?;
        let (limits, unsuitable) = self.judge(extras, living).await?;
        Ok(DirectorySnapshot {
            facts: facts.clone(),
            principals: listing.principals,
            groups: listing.groups,
            named,
            above,
            occupied,
            members,
            direct,
            addresses: listing.addresses,
            deleted,
            unsuitable,
            limits,
        })
    }

    /// Looks up one by one what neither listing showed.
    async fn look_for(
        &self,
        missed: &BTreeSet<ObjectGuid>,
        deleted: &BTreeMap<ObjectGuid, DeletedGroup>,
    ) -> Result<BTreeMap<ObjectGuid, DirectPresence>, DirectoryError> {
        let mut direct = BTreeMap::new();
        for object in missed {
            let presence = if deleted.contains_key(object) {
                DirectPresence::Deleted
            } else {
                repeated!(self.reading().await?.presence(*object).await)
            };
            direct.insert(*object, presence);
        }
        Ok(direct)
    }

    /// Asks the schema about attributes that were not found fit before: what is unfit is asked for
    /// again in each pass, so that a mended schema is noticed. Gives the limits of those that are
    /// fit, and why the others are not.
    async fn judge(
        &self,
        extras: &BTreeSet<AttributeName>,
        living: &BTreeMap<ObjectGuid, Principal>,
    ) -> Result<(BTreeMap<AttributeName, usize>, BTreeMap<AttributeName, String>), DirectoryError>
    {
        let mut suitable = self.suitable.lock().await;
        let asked: BTreeSet<AttributeName> =
            extras.iter().filter(|name| !suitable.contains_key(*name)).cloned().collect();
        // The built-in groups come first: nobody can delete them meanwhile.
        let groups = living.values().filter(|one| one.class == PrincipalClass::Group);
        let group = groups.max_by_key(|group| group.privileged).map(|group| group.guid);
        let schema = &self.schema;
        let mut unsuitable = BTreeMap::new();
        for (name, suits) in repeated!(self.reading().await?.suits(schema, &asked, group).await) {
            match suits {
                Ok(limit) => {
                    suitable.insert(name, limit);
                }
                Err(why) => {
                    unsuitable.insert(name, why);
                }
            }
        }
        let limits = suitable.iter().filter(|(name, _)| extras.contains(*name));
        let limits = limits.filter_map(|(name, limit)| Some((name.clone(), (*limit)?)));
        Ok((limits.collect(), unsuitable))
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
        let base = match connection.base(operation).await {
            Ok(Some(base)) => base,
            Ok(None) => return Ok(answered(operation, NO_SUCH_OBJECT, "")),
            Err(DirectoryError::Refused { refusal, .. }) => return Ok(Answer::Refused(refusal)),
            Err(error) if error.fault().transient => {
                return Ok(Answer::Busy(error.fault().message));
            }
            Err(error) => return Err(error),
        };
        match connection.write(operation, &base).await {
            Ok(result) => {
                drop(connection);
                let answer = answered(operation, result.rc, &result.text);
                Ok(self.explained(operation, &base, answer).await)
            }
            Err(error @ DirectoryError::Lost { .. }) => Ok(Answer::Lost(error.fault().message)),
            Err(error) => Err(error),
        }
    }

    /// A refusal that nothing explains is told as enforcement where the object is under it. The
    /// attribute came with the schema of the external id.
    async fn explained(&self, operation: &Operation, base: &str, answer: Answer) -> Answer {
        if let Answer::Refused(refusal) = &answer
            && may_be_enforced(operation.word(), refusal)
            && self.facts.has_external_id
            && self.is_mastered_elsewhere(base).await
        {
            return Answer::Refused(enforced(refusal));
        }
        answer
    }

    /// Whether an object carries msDS-ObjectSoa; not, where it cannot be read.
    async fn is_mastered_elsewhere(&self, base: &str) -> bool {
        let search = Search::object(base, &["msDS-ObjectSoa"]).deleted();
        let Ok(mut connection) = self.reading().await else { return false };
        let found = connection.find_object("look for msDS-ObjectSoa", &search).await;
        found.is_ok_and(|entry| entry.is_some_and(|entry| entry.text("msDS-ObjectSoa").is_some()))
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
        let asked = attributes.iter().map(|name| &**name);
        let wanted: Vec<&str> = Seen::MARKS.into_iter().chain(asked).collect();
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

    pub(super) async fn reading(&self) -> Result<MappedMutexGuard<'_, Connection>, DirectoryError> {
        self.connection(&self.reader).await
    }

    /// The connection of a slot: a spent one goes on while a credential is being renewed.
    async fn connection<'slot>(
        &self,
        slot: &'slot Slot,
    ) -> Result<MappedMutexGuard<'slot, Connection>, DirectoryError> {
        let mut slot = slot.lock().await;
        let connection = match slot.take() {
            Some(connection) if !connection.is_spent() => connection,
            Some(old) => match self.reopen().await {
                Err(error) if error.is_of_credential() && old.lasts() => old.put_off(),
                reopened => reopened?,
            },
            None => self.reopen().await?,
        };
        Ok(MutexGuard::map(slot, |slot| slot.insert(connection)))
    }

    /// A new connection, to the domain controller that the facts are about: what one of them
    /// tells, another one may not know yet, and a name may lead to several.
    async fn reopen(&self) -> Result<Connection, DirectoryError> {
        let mut connection = Box::pin(Connection::open(&self.options, &self.observer)).await?;
        let server = connection.root_dse().await?.server;
        if server == self.facts.server || !stands("H31") {
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
    pub(super) async fn wait_after(&mut self, error: DirectoryError) -> Result<(), DirectoryError> {
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
) -> Result<(Connection, DomainFacts, String), DirectoryError> {
    let mut connection = Box::pin(Connection::open(options, observer)).await?;
    let (facts, schema) = connection.learn(containers).await?;
    Ok((connection, facts, schema))
}

fn answered(operation: &Operation, code: u32, text: &str) -> Answer {
    match classify(operation.word(), code, text) {
        Verdict::Done => Answer::Done,
        Verdict::Busy(message) => Answer::Busy(message),
        Verdict::Refused(refusal) => Answer::Refused(refusal),
    }
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

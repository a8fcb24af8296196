//! The domain client against the simulated domain: real sockets, real TLS, real LDAP.
//!
//! Each test starts a domain of its own, reads or writes it through `writeback::directory`, and
//! then asks the domain itself what stands there.

#![cfg(feature = "sim")]
#![expect(clippy::unwrap_used, reason = "in a test, a failed unwrap is the failure")]

#[path = "directory/adoption.rs"]
mod adoption;
#[path = "directory/around.rs"]
mod around;
#[path = "directory/beyond.rs"]
mod beyond;
#[path = "directory/connecting.rs"]
mod connecting;
#[path = "directory/deleted.rs"]
mod deleted;
#[path = "support/lab.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "no test needs everything of the support, and a failed one is the failed test"
)]
mod lab;
#[path = "directory/reading.rs"]
mod reading;
#[path = "directory/samba.rs"]
mod samba;
#[path = "directory/told.rs"]
mod told;
#[path = "directory/writing.rs"]
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use writeback::decide::guard::{AdmittedPlan, Answers, Scale, guard};
use writeback::directory::apply::{Answer, BATCH_VALUES_DEFAULT, ChangeResult, Step, Stepper};
use writeback::directory::{Directory, DirectoryError, DirectoryOptions, LdapRequest, TimeLimits};
use writeback::journal::{Context, Journal, Options};
use writeback::model::change::LastSight;
use writeback::model::policy::PolicySet;
use writeback::model::{
    AttributeChange, AttributeName, Cause, Change, Containers, Digest, DirectorySnapshot, Dn,
    Effect, Inventory, MemberReference, Memory, ObjectGuid, ObjectId, Plan, PolicyName, Target,
};
use writeback::sim::domain::{Domain, DomainOptions, Refusal, Tree};

const UNIVERSAL: i32 = -2_147_483_640;
const RECORD: &str = "writeback/v1;owner=corp;tenant=11111111-2222-3333-4444-555555555555;\
                      policy=finance;id=00000000-0000-0000-0000-000000000001;state=Active";

/// One domain, the files that lead to it, and what the client said about its requests.
struct Case {
    domain: Domain,
    files: tempfile::TempDir,
    options: DirectoryOptions,
    containers: Containers,
    container: String,
    requests: Arc<Mutex<Vec<(&'static str, &'static str)>>>,
}

fn read_secret(path: &Path) -> Result<SecretString, String> {
    std::fs::read_to_string(path).map(SecretString::from).map_err(|error| error.to_string())
}

impl Case {
    async fn new() -> Self {
        Self::with(DomainOptions::default()).await
    }

    async fn with(options: DomainOptions) -> Self {
        let domain = Domain::start(options).await.unwrap();
        let base = domain.base_dn();
        let container = domain.edit(|tree| tree.add_ou("Cloud Groups", &base)).unwrap();
        domain.edit(|tree| tree.add_ou("People", &base)).unwrap();
        domain.delegate(&container).unwrap();
        let files = tempfile::tempdir().unwrap();
        let (ca_file, password_file) = (files.path().join("ca.pem"), files.path().join("password"));
        std::fs::write(&ca_file, domain.ca_pem()).unwrap();
        std::fs::write(&password_file, &domain.service_account().password).unwrap();
        let options = DirectoryOptions {
            url: domain.url(),
            bind_name: domain.service_account().account_name.clone(),
            password_file,
            read_secret,
            ca_file: Some(ca_file),
            limits: TimeLimits::default(),
        };
        let containers = Containers::new(vec![Dn::parse(&container).unwrap()]);
        Self { domain, files, options, containers, container, requests: Arc::default() }
    }

    /// The same with short patience, for servers that do not answer. Whoever does answer has that
    /// long on a busy machine, too.
    fn impatient(mut self) -> Self {
        let short = Duration::from_secs(3);
        self.options.limits.search = short;
        self.options.limits.write = short;
        self.options.limits.bind = short;
        self
    }

    async fn connect(&self) -> Result<Directory, DirectoryError> {
        let requests = Arc::clone(&self.requests);
        let observer = Arc::new(move |request: LdapRequest| {
            assert!(LdapRequest::OPERATIONS.contains(&request.operation));
            assert!(LdapRequest::RESULTS.contains(&request.result));
            requests.lock().unwrap().push((request.operation, request.result));
        });
        Directory::connect(self.options.clone(), self.containers.clone(), observer).await
    }

    async fn open(&self) -> Directory {
        self.connect().await.unwrap()
    }

    fn edit<R>(&self, change: impl FnOnce(&mut Tree) -> Result<R, Refusal>) -> R {
        self.domain.edit(change).unwrap()
    }

    fn group(&self, name: &str) -> String {
        let account: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        self.edit(|tree| tree.add_group(name, &self.container, &account, UNIVERSAL))
    }

    /// A group with our record of the first cloud group.
    fn own_group(&self, name: &str) -> String {
        self.own_group_of(1, name)
    }

    /// A group with our record of a cloud group.
    fn own_group_of(&self, number: u128, name: &str) -> String {
        let (dn, record) = (self.group(name), record_of(number));
        self.edit(|tree| tree.set(&dn, "extensionName", &[&record, "somebody else's"]));
        dn
    }

    fn people(&self, numbers: std::ops::Range<usize>) -> Vec<String> {
        let parent = format!("OU=People,{}", self.domain.base_dn());
        self.domain.edit(|tree| {
            let add = |n| tree.add_user(&format!("p{n}"), &parent, &format!("p{n}"), None, None);
            numbers.map(add).collect::<Result<_, _>>().unwrap()
        })
    }

    fn guid(&self, dn: &str) -> ObjectGuid {
        ObjectGuid(self.domain.edit(|tree| tree.guid_of(dn)).unwrap())
    }

    fn target(&self, dn: &str) -> Target {
        self.containers.admit(self.guid(dn), Dn::parse(dn).unwrap()).unwrap()
    }

    fn values(&self, dn: &str, name: &str) -> Vec<String> {
        self.domain.edit(|tree| tree.values(dn, name))
    }

    fn members(&self, dn: &str) -> BTreeSet<String> {
        self.domain.edit(|tree| tree.members(dn)).into_iter().collect()
    }

    fn child(&self, name: &str) -> Dn {
        Dn::parse(&self.container).unwrap().child(name)
    }

    /// Applies changes as the controller does.
    async fn apply(&self, directory: &Directory, changes: Vec<Change>) -> Vec<ChangeResult> {
        let results = apply(directory, &self.containers, self.files.path(), changes).await;
        let counters = self.domain.counters();
        assert_eq!(counters.member_replacements, 0, "members are never replaced");
        assert!(counters.largest_batch <= BATCH_VALUES_DEFAULT);
        results
    }

    fn requests_of(&self, operation: &str) -> Vec<&'static str> {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|(name, _)| *name == operation).map(|(_, result)| *result).collect()
    }
}

/// Applies changes as the controller does: intent, operation, outcome, answer.
async fn apply(
    directory: &Directory,
    containers: &Containers,
    files: &Path,
    changes: Vec<Change>,
) -> Vec<ChangeResult> {
    let mut journal = Journal::open(files, Options::default(), Timestamp::UNIX_EPOCH).unwrap();
    let context = Context {
        policy: PolicyName::parse("finance").unwrap(),
        group: id(1),
        cause: cause(),
        plan: Digest::of(b"plan"),
        generation: None,
        file: None,
        revision: None,
        spends: Vec::new(),
    };
    let mut stepper = Stepper::new(&admitted(changes), containers.clone(), BATCH_VALUES_DEFAULT);
    while let Some(step) = stepper.next() {
        let answer = match step {
            Step::Execute { operation, .. } => {
                let at = Timestamp::UNIX_EPOCH;
                let recorded = journal.intend(operation, &context, at).unwrap();
                let answer = directory.execute(&recorded).await.unwrap();
                journal.conclude(&recorded, &answer.outcome(), at).unwrap();
                answer
            }
            Step::Verify { question, .. } => directory.verify(&question).await.unwrap(),
            Step::Wait(delay) => {
                tokio::time::sleep(delay).await;
                Answer::Waited
            }
        };
        stepper.feed(answer);
    }
    stepper.results().to_vec()
}

/// What the guard of an estate admits that is so large that none of its limits is reached here.
fn admitted(changes: Vec<Change>) -> AdmittedPlan {
    let names = changes.iter().map(|change| change.policy.clone());
    let vast = Inventory { groups: 1_000_000, memberships: 10_000_000, principals: 1_000_000 };
    let (policies, memory) = (PolicySet::default(), Memory::default());
    let scale = Scale {
        policies: &policies,
        memory: &memory,
        inventory: names.map(|name| (name, vast)).collect(),
        answers: &Answers::default(),
        nested: &BTreeSet::new(),
        privileged: &BTreeMap::new(),
        shrunk: &BTreeMap::new(),
        begun: Timestamp::UNIX_EPOCH,
        only: None,
    };
    let guarded = guard(&Plan { changes, ..Plan::default() }, &scale);
    assert_eq!(guarded.held.holds, [], "the guard is generous here");
    guarded.admitted
}

async fn observe(directory: &Directory) -> Result<DirectorySnapshot, DirectoryError> {
    // The controller's tasks move between threads.
    fn sent<T: Send>(value: T) -> T {
        value
    }
    let nothing = BTreeSet::new();
    sent(directory.observe(Timestamp::UNIX_EPOCH, &nothing, &nothing, &BTreeSet::new(), &|_| {}))
        .await
}

/// With objects that somebody names.
async fn observe_named(directory: &Directory, named: &[ObjectGuid]) -> DirectorySnapshot {
    let (named, nothing) = (named.iter().copied().collect(), BTreeSet::new());
    let none = BTreeSet::new();
    let seen = directory.observe(Timestamp::UNIX_EPOCH, &nothing, &named, &none, &|_| {});
    seen.await.unwrap()
}

/// With remembered objects and attributes that policies add.
async fn observe_with(
    directory: &Directory,
    remembered: &[ObjectGuid],
    extras: &[&str],
) -> DirectorySnapshot {
    let remembered = remembered.iter().copied().collect();
    let extras = extras.iter().map(|name| AttributeName::parse(name).unwrap()).collect();
    let nothing = BTreeSet::new();
    let seen = directory.observe(Timestamp::UNIX_EPOCH, &remembered, &nothing, &extras, &|_| {});
    seen.await.unwrap()
}

fn id(number: u128) -> ObjectId {
    ObjectId(uuid::Uuid::from_u128(number))
}

fn cause() -> Cause {
    Cause::Cloud("a case".to_owned())
}

/// Our record of a cloud group.
fn record_of(number: u128) -> String {
    RECORD.replace(&id(1).to_string(), &id(number).to_string())
}

fn change(number: u128, target: Target, effect: Effect) -> Change {
    Change {
        policy: PolicyName::parse("finance").unwrap(),
        group: id(number),
        label: target.dn().leaf().to_owned(),
        target,
        effect,
        cause: cause(),
    }
}

fn create(case: &Case, number: u128, name: &str) -> Change {
    let attributes = [
        ("adminDescription", id(number).anchor()),
        ("displayName", name.to_owned()),
        ("extensionName", record_of(number)),
        ("groupType", UNIVERSAL.to_string()),
        ("msDS-ExternalDirectoryObjectId", id(number).anchor()),
        ("sAMAccountName", format!("g{number}")),
    ]
    .map(|(name, value)| (name.into(), value))
    .to_vec();
    let target = case.containers.admit_new(case.child(name)).unwrap();
    change(number, target, Effect::Create { attributes })
}

fn references(case: &Case, dns: &[String]) -> Vec<MemberReference> {
    let member = |dn: &String| MemberReference::Existing { guid: case.guid(dn), label: dn.clone() };
    dns.iter().map(member).collect()
}

fn add(case: &Case, dns: &[String]) -> Effect {
    Effect::AddMembers { members: references(case, dns), of: Some(0) }
}

fn remove(case: &Case, dns: &[String]) -> Effect {
    Effect::RemoveMembers { members: references(case, dns), of: 1_000_000 }
}

fn deletion() -> Effect {
    Effect::Delete { last: LastSight::default() }
}

fn update(name: &'static str, before: Option<&str>, after: Option<&str>) -> Effect {
    let own = |text: Option<&str>| text.map(str::to_owned);
    let change = AttributeChange { name: name.into(), before: own(before), after: own(after) };
    Effect::Update { attributes: vec![change] }
}

/// Out of use: type, addresses of mail and record at once, each from what stands there.
fn disable(record: &str) -> Effect {
    let own = |name: &'static str, before: Option<&str>, after: Option<&str>| AttributeChange {
        name: name.into(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    let mut attributes = vec![
        own("groupType", Some("-2147483640"), Some("8")),
        own("extensionName", Some(record), Some(&record.replace("Active", "Disabled"))),
        own("mail", Some("a@corp.example"), None),
        own("proxyAddresses", None, Some("SMTP:b@corp.example")),
        own("proxyAddresses", Some("SMTP:a@corp.example"), Some("smtp:a@corp.example")),
        own("proxyAddresses", Some("smtp:b@corp.example"), None),
    ];
    attributes.sort();
    Effect::Disable { members: 0, attributes }
}

fn words(results: &[ChangeResult]) -> Vec<&'static str> {
    results.iter().map(|result| result.outcome.word()).collect()
}

fn member_dns(snapshot: &DirectorySnapshot, group: ObjectGuid) -> BTreeSet<String> {
    let members = snapshot.members.get(&group).unwrap().as_ref().unwrap();
    members.value().iter().map(|member| member.dn.clone()).collect()
}

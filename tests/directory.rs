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
#[path = "directory/samba.rs"]
mod samba;
#[path = "directory/told.rs"]
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use writeback::decide::guard::{AdmittedPlan, Answers, Scale, guard};
use writeback::directory::apply::{
    Answer, BATCH_VALUES_DEFAULT, ChangeResult, Question, Step, Stepper,
};
use writeback::directory::{Directory, DirectoryError, DirectoryOptions, LdapRequest, TimeLimits};
use writeback::journal::{Context, Journal, Options};
use writeback::model::change::LastSight;
use writeback::model::directory::{DirectPresence, PrincipalClass};
use writeback::model::policy::PolicySet;
use writeback::model::{
    AttributeChange, AttributeName, Cause, Change, Containers, Digest, DirectorySnapshot, Dn,
    Effect, Inventory, MemberReference, Memory, ObjectGuid, ObjectId, Outcome, Plan, PolicyName,
    Target,
};
use writeback::sim::domain::{
    Domain, DomainOptions, Fault, OperationKind, Order, Refusal, Tree, Where,
};
use writeback::sim::tls::{Authority, Certificate};

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

    /// The same with short patience, for servers that do not answer.
    fn impatient(mut self) -> Self {
        let short = Duration::from_millis(300);
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

// --- reading

#[tokio::test]
async fn a_filled_domain_is_read_whole() {
    let case = Case::new().await;
    let people = case.people(0..1_203);
    let mut marked = BTreeMap::new();
    for (name, attribute, value) in [
        ("owned", "extensionName", RECORD),
        ("strange record", "extensionName", "writeback/v9;x"),
        ("anchored", "adminDescription", "Group_01234567-89ab-cdef-0123-456789abcdef"),
        ("upper case", "adminDescription", "GROUP_01234567-89AB-CDEF-0123-456789ABCDEF"),
        ("taken over", "adminDescription", "TakenOver_Group_01234567-89ab-cdef-0123-456789abcdef"),
        (
            "external",
            "msDS-ExternalDirectoryObjectId",
            "Group_01234567-89ab-cdef-0123-456789abcdef",
        ),
    ] {
        let dn = case.group(name);
        case.edit(|tree| tree.set(&dn, attribute, &[value]));
        case.edit(|tree| tree.add_members(&dn, people.iter().take(5).map(String::as_str)));
        marked.insert(case.guid(&dn), dn);
    }
    let unmarked = case.group("unmarked, with (hostile) \\ name*");
    let nearly = case.group("nearly anchored");
    case.edit(|tree| tree.set(&nearly, "adminDescription", &["Group_of friends"]));
    let contact = case.edit(|tree| tree.add_contact("a contact", &case.container));
    let external = people.first().unwrap();
    case.edit(|tree| tree.set_octets(external, "mS-DS-ConsistencyGuid", vec![(0..16).collect()]));

    let directory = case.open().await;
    let gone = ObjectGuid(uuid::Uuid::from_u128(77));
    let ou = case.guid(&case.container);
    let remembered = BTreeSet::from([gone, ou, *marked.keys().next().unwrap()]);
    let told = Mutex::new(Vec::new());
    let snapshot = directory
        .observe(Timestamp::UNIX_EPOCH, &remembered, &BTreeSet::new(), &BTreeSet::new(), &|n| {
            told.lock().unwrap().push(n);
        })
        .await
        .unwrap();

    let facts = directory.facts();
    assert_eq!(facts.naming_context.to_string(), case.domain.base_dn());
    assert!(facts.has_external_id);
    let wanted: BTreeSet<ObjectGuid> = case
        .domain
        .dump()
        .into_iter()
        .filter(|entry| entry.text("sAMAccountName").is_some() || entry.class() == Some("contact"))
        .map(|entry| ObjectGuid(entry.guid))
        .collect();
    let principals = snapshot.principals.value();
    assert_eq!(principals.keys().copied().collect::<BTreeSet<_>>(), wanted);
    let groups = snapshot.groups.value();
    assert_eq!(groups.keys().collect::<Vec<_>>(), marked.keys().collect::<Vec<_>>());
    for (guid, dn) in &marked {
        assert_eq!(groups.get(guid).unwrap().dn.to_string(), *dn);
        assert_eq!(member_dns(&snapshot, *guid), case.members(dn), "{dn}");
    }
    let occupied = snapshot.occupied.value();
    for dn in [&unmarked, &nearly, &contact, &case.container] {
        assert_eq!(occupied.get(&Dn::parse(dn).unwrap().key()), Some(&case.guid(dn)), "{dn}");
    }
    assert_eq!(
        snapshot.direct,
        [(gone, DirectPresence::Absent), (ou, DirectPresence::There)].into()
    );

    let person = principals.get(&case.guid(external)).unwrap();
    assert_eq!(person.class, PrincipalClass::User);
    assert_eq!(person.sam_account_name.as_deref(), Some("p0"));
    assert_eq!(
        person.consistency_guid.unwrap().to_string(),
        "03020100-0504-0706-0809-0a0b0c0d0e0f"
    );
    assert_eq!(
        person.sid.as_ref().unwrap().to_string(),
        case.domain.edit(|tree| tree.sid_of(external)).unwrap()
    );
    assert!(!person.privileged);
    assert_eq!(principals.get(&case.guid(&contact)).unwrap().class, PrincipalClass::Contact);
    let administrators = format!("CN=Administrators,CN=Builtin,{}", case.domain.base_dn());
    assert!(principals.get(&case.guid(&administrators)).unwrap().privileged);
    let told = told.into_inner().unwrap();
    assert!(told.is_sorted() && told.len() > 3, "{told:?}");
}

#[tokio::test]
async fn records_are_read_with_their_exact_text_and_those_of_others_left_out() {
    let case = Case::new().await;
    let dn = case.own_group("a");
    case.edit(|tree| tree.set(&dn, "description", &["as it is"]));
    let snapshot = observe(&case.open().await).await.unwrap();
    let group = snapshot.groups.value().get(&case.guid(&dn)).unwrap();
    assert_eq!(group.records.len(), 1);
    assert_eq!(group.records.first().unwrap().text, RECORD);
    assert_eq!(group.records.first().unwrap().record.as_ref().unwrap().owner, "corp");
    assert_eq!(group.description.as_deref(), Some("as it is"));
    assert_eq!(group.group_type, UNIVERSAL);
}

#[tokio::test]
async fn a_group_of_more_members_than_one_answer_holds_is_read_by_ranges() {
    let case = Case::new().await;
    let people = case.people(0..3_100);
    for (name, count) in [("a", 1_499), ("b", 1_500), ("c", 1_501), ("d", 3_000), ("e", 3_100)] {
        let dn = case.own_group(name);
        case.edit(|tree| tree.add_members(&dn, people.iter().take(count).map(String::as_str)));
    }
    let empty = case.own_group("empty");
    let snapshot = observe(&case.open().await).await.unwrap();
    for name in ["a", "b", "c", "d", "e"] {
        let dn = case.child(name).to_string();
        assert_eq!(member_dns(&snapshot, case.guid(&dn)), case.members(&dn), "{name}");
    }
    assert_eq!(member_dns(&snapshot, case.guid(&empty)), BTreeSet::new());
}

#[tokio::test]
async fn a_group_that_changes_between_two_ranges_is_read_again() {
    let case = Case::new().await;
    let people = case.people(0..1_700);
    let dn = case.own_group("a");
    case.edit(|tree| tree.add_members(&dn, people.iter().take(1_600).map(String::as_str)));
    // Pages are told in the order of the reads; the members of groups come after the four of the
    // domain, the attributes of groups and the container, and the ranges of a large group after
    // them.
    for shrink in [false, true] {
        let directory = case.open().await;
        let pages = std::sync::atomic::AtomicUsize::new(0);
        let edit = |_| {
            if pages.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 6 {
                return;
            }
            let members = case.members(&dn);
            case.edit(|tree| {
                if !shrink {
                    let mut absent = people.iter().filter(|person| !members.contains(*person));
                    return absent.next().map_or(Ok(()), |person| tree.add_member(&dn, person));
                }
                let surplus = members.len().saturating_sub(600);
                members.iter().take(surplus).try_for_each(|person| tree.remove_member(&dn, person))
            });
        };
        let snapshot = directory
            .observe(
                Timestamp::UNIX_EPOCH,
                &BTreeSet::new(),
                &BTreeSet::new(),
                &BTreeSet::new(),
                &edit,
            )
            .await;
        assert_eq!(member_dns(&snapshot.unwrap(), case.guid(&dn)), case.members(&dn));
    }
}

#[tokio::test]
async fn a_fault_overcome_by_asking_again_changes_nothing() {
    let case = Case::new().await;
    let people = case.people(0..1_100);
    let dn = case.own_group("a");
    case.edit(|tree| tree.add_members(&dn, people.iter().map(String::as_str)));
    let directory = case.open().await;
    let calm = observe(&directory).await.unwrap();
    for fault in [Fault::Busy, Fault::CutBefore, Fault::CutMidSearch, Fault::TimeLimit] {
        for after in [0, 1, 3, 4] {
            case.domain.order(Order::new(Where::Search, fault.clone()).after(after));
            let snapshot = observe(&directory).await.unwrap();
            assert_eq!(case.domain.open_orders(), 0);
            assert_eq!(snapshot.principals.value(), calm.principals.value());
            assert_eq!(snapshot.groups.value(), calm.groups.value());
            assert_eq!(snapshot.occupied.value(), calm.occupied.value());
            let guid = case.guid(&dn);
            assert_eq!(member_dns(&snapshot, guid), member_dns(&calm, guid));
        }
    }
}

#[tokio::test]
async fn a_read_that_stays_unfinished_gives_no_snapshot() {
    let case = Case::new().await.impatient();
    case.people(0..600);
    let directory = case.open().await;
    for (fault, reason, transient) in [
        (Fault::Referral, "directory_refused", false),
        (Fault::InsufficientAccess, "directory_refused", false),
        (Fault::SizeLimit, "directory_busy", true),
        (Fault::Stall, "connection_lost", true),
    ] {
        // The second page: the first came whole.
        case.domain.order(Order::new(Where::Search, fault.clone()).after(1).times(50));
        let found = observe(&directory).await.unwrap_err().fault();
        assert_eq!((found.reason, found.transient), (reason, transient), "{fault:?}");
        case.domain.cancel_orders();
    }
    observe(&directory).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_opened_again() {
    let case = Case::new().await;
    let directory = case.open().await;
    for _ in 0..3 {
        case.domain.order(Order::new(Where::Search, Fault::CutAfter));
        observe(&directory).await.unwrap();
    }
    assert_eq!(case.requests_of("bind"), ["ok"; 4]);
    assert_eq!(case.requests_of("connect"), ["ok"; 4]);
}

#[tokio::test]
async fn a_connection_is_replaced_before_it_grows_old() {
    let case = Case::new().await;
    let directory = case.open().await;
    let question = Question::Object { guid: case.guid(&case.container), attributes: Vec::new() };
    for _ in 0..10_000 {
        assert!(matches!(directory.verify(&question).await.unwrap(), Answer::Seen(_)));
    }
    assert_eq!(case.requests_of("bind"), ["ok"; 2]);
    assert!(case.requests_of("search").iter().all(|result| *result == "ok"));
}

// --- writing

#[tokio::test]
async fn every_kind_of_change_is_made() {
    let case = Case::new().await;
    let people = case.people(0..1_200);
    let sub = case.edit(|tree| tree.add_ou("Sub", &case.container));
    let (a, b) = (case.own_group("a"), case.own_group_of(2, "b"));
    let c = case.own_group_of(3, "c");
    let renewed = record_of(3).replace("Active", "Disabled");
    let guids = (case.guid(&a), case.guid(&b), case.guid(&c));
    let place = |guid, dn: Dn| case.containers.admit(guid, dn).unwrap();
    let sub = Dn::parse(&sub).unwrap();
    let hostile = " #a,b+c\"d\\e<f>;=(g)* \u{1F600}\u{200F}é ";
    let nested = |n: u128| MemberReference::Created { group: id(n), label: n.to_string() };
    let fill = |members| Effect::AddMembers { members, of: None };
    let new_one = |name: &str| case.containers.admit_new(case.child(name)).unwrap();
    let changes = vec![
        change(1, case.target(&a), Effect::Rename { to: place(guids.0, case.child("swap")) }),
        change(2, case.target(&b), Effect::Rename { to: place(guids.1, case.child("a")) }),
        change(1, case.target(&a), Effect::Rename { to: place(guids.0, case.child("b")) }),
        change(3, case.target(&c), Effect::Move { to: place(guids.2, sub.child("C")) }),
        change(3, case.target(&c), update("description", None, Some("one"))),
        change(3, case.target(&c), update("description", Some("one"), Some("ONE"))),
        change(3, case.target(&c), update("description", Some("ONE"), None)),
        change(3, case.target(&c), update("extensionName", Some(&record_of(3)), Some(&renewed))),
        change(3, case.target(&c), update("sAMAccountName", Some("c"), Some("C"))),
        change(3, case.target(&c), Effect::Convert { from: UNIVERSAL, to: 8 }),
        create(&case, 4, hostile),
        create(&case, 5, "five"),
        change(4, new_one(hostile), fill([references(&case, &people), vec![nested(5)]].concat())),
        change(5, new_one("five"), fill(vec![nested(4)])),
        change(4, new_one(hostile), remove(&case, people.get(..700).unwrap())),
    ];
    let count = changes.len();
    let directory = case.open().await;
    let results = case.apply(&directory, changes).await;
    assert_eq!(words(&results), vec!["done"; count], "{results:?}");
    assert_eq!(case.guid(&case.child("a").to_string()), guids.1);
    assert_eq!(case.guid(&case.child("b").to_string()), guids.0);
    let c = sub.child("C").to_string();
    assert_eq!(case.guid(&c), guids.2);
    assert_eq!(case.values(&c, "groupType"), ["8"]);
    assert_eq!(case.values(&c, "sAMAccountName"), ["C"]);
    assert_eq!(case.values(&c, "description"), [""; 0]);
    let mut records = case.values(&c, "extensionName");
    records.sort();
    assert_eq!(records, ["somebody else's".to_owned(), renewed]);
    let (four, five) = (case.child(hostile).to_string(), case.child("five").to_string());
    let mut wanted: BTreeSet<String> = people.iter().skip(700).cloned().collect();
    wanted.extend(case.members(&four).into_iter().filter(|dn| dn.starts_with("CN=five")));
    assert_eq!(case.members(&four).len(), 501);
    assert_eq!(case.members(&four), wanted);
    assert_eq!(case.members(&five).len(), 1);
    assert_eq!(case.values(&five, "adminDescription"), [id(5).anchor()]);

    let results = case.apply(&directory, vec![change(3, case.target(&c), deletion())]).await;
    assert_eq!(words(&results), ["done"]);
    assert!(!case.domain.edit(|tree| tree.exists(&c)));
}

#[tokio::test]
async fn members_that_a_rule_forbids_are_set_aside_and_the_others_written() {
    let case = Case::new().await;
    let mut people = case.people(0..600);
    let local = case.edit(|tree| {
        tree.add_group("local", &format!("OU=People,{}", tree.base_dn()), "local", -2_147_483_644)
    });
    people.insert(300, local.clone());
    let gone = people.get(10).unwrap().clone();
    let effect = add(&case, &people);
    let guid = case.guid(&gone);
    case.edit(|tree| tree.remove(&gone));
    let dn = case.own_group("a");
    let results = case.apply(&case.open().await, vec![change(1, case.target(&dn), effect)]).await;
    assert_eq!(words(&results), ["done"]);
    let refused: BTreeMap<_, _> =
        results.first().unwrap().refused_members.iter().cloned().collect();
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused.get(&case.guid(&local)).unwrap().contains("a local group"), "{refused:?}");
    assert!(refused.get(&guid).unwrap().contains("not in the directory"), "{refused:?}");
    assert_eq!(case.members(&dn).len(), 599);
    assert!(case.domain.counters().writes < 60);
}

#[tokio::test]
async fn refusals_end_in_one_sentence_that_says_what_to_mend() {
    let case = Case::new().await;
    let stranger = case.group("stranger");
    let taken = case.edit(|tree| tree.add_user("u", &case.container, "g2", None, None));
    let own = case.own_group_of(3, "own");
    let protected = case.own_group_of(4, "protected");
    case.edit(|tree| tree.protect(&protected));
    let delegated = ["member", "displayName"];
    let directory = case.open().await;
    let results = case
        .apply(
            &directory,
            vec![
                create(&case, 1, "Stranger"),
                create(&case, 2, "two"),
                change(
                    3,
                    case.target(&own),
                    Effect::Rename {
                        to: case.containers.admit(case.guid(&own), case.child("stranger")).unwrap(),
                    },
                ),
                change(3, case.target(&own), update("displayName", None, Some(&"x".repeat(257)))),
                change(4, case.target(&protected), deletion()),
            ],
        )
        .await;
    case.domain.revoke();
    case.domain.delegate_attributes(&case.container, &delegated).unwrap();
    let denied = vec![change(3, case.target(&own), update("description", None, Some("x")))];
    let results = [results, case.apply(&directory, denied).await].concat();
    let said: Vec<&str> = results
        .iter()
        .map(|result| {
            let Outcome::Refused { message } = &result.outcome else { panic!("{result:?}") };
            message.as_str()
        })
        .collect();
    for (said, wanted) in said.iter().zip([
        "not ours",
        "sAMAccountName is taken",
        "name is taken",
        "longer or shorter",
        "may not delete",
        "may not write these attributes",
    ]) {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    assert_eq!(said.len(), 6);
    assert!(case.domain.edit(|tree| tree.exists(&stranger) && tree.exists(&taken)));
}

#[tokio::test]
async fn an_answer_lost_before_or_after_any_write_reaches_the_same_end() {
    for fault in [Fault::CutBefore, Fault::CutAfter] {
        for after in 0..6 {
            let case = Case::new().await;
            let people = case.people(0..20);
            let (a, old) = (case.own_group("a"), case.own_group_of(2, "old"));
            let to = case.containers.admit(case.guid(&a), case.child("b")).unwrap();
            let nested = MemberReference::Created { group: id(3), label: "three".to_owned() };
            let members = [references(&case, &people), vec![nested]].concat();
            let changes = vec![
                change(1, case.target(&a), Effect::Rename { to }),
                change(1, case.target(&a), update("description", None, Some("x"))),
                create(&case, 3, "three"),
                change(1, case.target(&a), Effect::AddMembers { members, of: Some(0) }),
                change(1, case.target(&a), remove(&case, people.get(..5).unwrap())),
                change(2, case.target(&old), deletion()),
            ];
            let directory = case.open().await;
            case.domain.order(Order::new(Where::Write, fault.clone()).after(after));
            let results = case.apply(&directory, changes).await;
            assert_eq!(case.domain.open_orders(), 0, "{fault:?} {after}");
            assert!(results.iter().all(|r| r.outcome.achieved()), "{fault:?} {after} {results:?}");
            let b = case.child("b").to_string();
            let mut wanted: BTreeSet<String> = people.iter().skip(5).cloned().collect();
            wanted.insert(case.child("three").to_string());
            assert_eq!(case.members(&b), wanted, "{fault:?} {after}");
            assert_eq!(case.values(&b, "description"), ["x"]);
            assert!(!case.domain.edit(|tree| tree.exists(&old)));
        }
    }
}

#[tokio::test]
async fn trouble_that_passes_is_waited_for() {
    let case = Case::new().await.impatient();
    let people = case.people(0..300);
    let dn = case.own_group("a");
    let directory = case.open().await;
    for fault in
        [Fault::Busy, Fault::Unavailable, Fault::OperationsError, Fault::AdminLimit, Fault::Stall]
    {
        case.domain.order(Order::new(Where::Write, fault.clone()).times(2));
        let effects = vec![
            change(1, case.target(&dn), add(&case, &people)),
            change(1, case.target(&dn), remove(&case, &people)),
        ];
        let results = case.apply(&directory, effects).await;
        assert_eq!(words(&results), ["done", "done"], "{fault:?}");
        assert_eq!(case.domain.open_orders(), 0);
    }
}

#[tokio::test]
async fn a_read_only_domain_controller_is_named_as_such() {
    let case = Case::new().await;
    let dn = case.own_group("a");
    case.domain.set_read_only(true);
    let update = change(1, case.target(&dn), update("description", None, Some("x")));
    let results = case.apply(&case.open().await, vec![update]).await;
    let outcome = format!("{:?}", results.first().unwrap().outcome);
    assert!(outcome.contains("read-only"), "{outcome}");
}

// --- what a newcomer can set wrong

async fn mistake(case: &Case) -> (&'static str, bool, String) {
    let error = case.connect().await.unwrap_err();
    let fault = error.fault();
    let password = &case.domain.service_account().password;
    let told = format!("{error:?} {} {:?}", fault.message, case.options);
    assert!(!told.contains(password.as_str()), "the password is told: {told}");
    (fault.reason, fault.transient, fault.message)
}

fn says(told: &(&'static str, bool, String), reason: &str, transient: bool, words: &[&str]) {
    assert_eq!((told.0, told.1), (reason, transient), "{}", told.2);
    for word in words {
        assert!(told.2.contains(word), "`{word}` is missing in: {}", told.2);
    }
}

#[tokio::test]
async fn a_wrong_certificate_is_told_with_what_to_mend() {
    let case = Case::new().await;
    let ca_file = case.options.ca_file.clone().unwrap();
    std::fs::write(&ca_file, Authority::new("another").ca_pem()).unwrap();
    let ca = ca_file.display().to_string();
    says(&mistake(&case).await, "certificate_untrusted", false, &["directory.caFile", &ca]);
    std::fs::write(&ca_file, "no certificate").unwrap();
    says(&mistake(&case).await, "directory_misconfigured", false, &["no PEM certificate", &ca]);
    std::fs::remove_file(&ca_file).unwrap();
    says(&mistake(&case).await, "directory_misconfigured", false, &[&ca]);

    let mut unknown = Case::new().await;
    unknown.options.ca_file = None;
    says(&mistake(&unknown).await, "certificate_untrusted", false, &["directory.caFile"]);

    for (certificate, words) in [
        (Certificate::Expired, ["expired", "renew"]),
        (Certificate::OtherName, ["elsewhere.invalid", "directory.servers"]),
    ] {
        let case = Case::with(DomainOptions { certificate, ..DomainOptions::default() }).await;
        says(&mistake(&case).await, "certificate_untrusted", false, &words);
        assert_eq!(case.domain.counters().binds, 0, "no password goes to a stranger");
    }
}

#[tokio::test]
async fn an_ipv6_address_is_connected_to_and_checked_against_the_certificate() {
    for (names, trusted) in [(["localhost", "::1"], true), (["localhost", "::2"], false)] {
        let names = names.map(str::to_owned).to_vec();
        let options = DomainOptions { server_names: names, ..DomainOptions::default() };
        let mut case = Case::with(options).await;
        // The simulated domain listens on IPv4 alone.
        let listener = tokio::net::TcpListener::bind("[::1]:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let behind = case.options.url.rsplit(':').next().unwrap().parse::<u16>().unwrap();
        let forward = tokio::spawn(async move {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut far = tokio::net::TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
            // How it ends is the client's business.
            drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
        });
        case.options.url = format!("ldaps://[::1]:{port}");
        match case.connect().await {
            Ok(directory) => {
                assert!(trusted);
                observe(&directory).await.unwrap();
            }
            Err(error) => {
                assert!(!trusted, "{}", error.fault().message);
                assert_eq!(error.fault().reason, "certificate_untrusted");
            }
        }
        forward.abort();
    }
}

#[tokio::test]
async fn whoever_only_reads_needs_no_right_to_create_groups() {
    let case = Case::new().await;
    case.domain.revoke();
    let (_, _, message) = mistake(&case).await;
    assert!(message.contains("may not create groups"), "{message}");
    let (options, containers) = (case.options.clone(), case.containers.clone());
    let observer = Arc::new(|_: LdapRequest| {});
    let directory = Directory::connect_to_read(options, containers, observer).await.unwrap();
    observe(&directory).await.unwrap();
    let refused = directory.check_rights().await.unwrap_err().fault();
    assert_eq!((refused.reason, refused.transient), ("not_permitted", false));
    case.domain.delegate(&case.container).unwrap();
    directory.check_rights().await.unwrap();
}

#[tokio::test]
async fn a_refused_bind_is_told_and_not_tried_again() {
    let mut case = Case::new().await;
    let file = case.options.password_file.display().to_string();
    std::fs::write(&case.options.password_file, "wrong").unwrap();
    says(&mistake(&case).await, "bind_refused", false, &["svc-writeback", &file, "wrong"]);
    assert_eq!(case.domain.counters().binds, 1);
    std::fs::write(&case.options.password_file, "").unwrap();
    says(&mistake(&case).await, "directory_misconfigured", false, &["empty", &file]);
    assert_eq!(case.domain.counters().binds, 1, "an empty password would bind nobody");
    std::fs::remove_file(&case.options.password_file).unwrap();
    says(&mistake(&case).await, "directory_misconfigured", false, &[&file]);

    let password = case.domain.service_account().password.clone();
    std::fs::write(&case.options.password_file, password).unwrap();
    let account = case.domain.service_account().dn.clone();
    case.edit(|tree| tree.disable(&account));
    says(&mistake(&case).await, "bind_refused", false, &["disabled"]);
    case.options.bind_name = "CORP\\nobody".to_owned();
    says(&mistake(&case).await, "bind_refused", false, &["CORP\\nobody"]);
}

#[tokio::test]
async fn a_wrong_container_is_told_by_name() {
    let mut case = Case::new().await;
    let of = |dn: &str| Containers::new(vec![Dn::parse(dn).unwrap()]);
    case.containers = of("OU=Cloud Groups,DC=other,DC=example");
    let words = ["DC=other", "naming context", "directory.containers"];
    says(&mistake(&case).await, "directory_misconfigured", false, &words);
    let missing = format!("OU=Missing,{}", case.domain.base_dn());
    case.containers = of(&missing);
    says(&mistake(&case).await, "directory_misconfigured", false, &[&missing, "does not exist"]);
    case.containers = of(&case.container);
    case.domain.revoke();
    let words = ["may not create groups", "deploy/directory", &case.container];
    says(&mistake(&case).await, "not_permitted", false, &words);
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_told_at_once() {
    let mut case = Case::new().await;
    case.domain.set_deaf(true);
    says(&mistake(&case).await, "directory_unreachable", true, &[&case.domain.url()]);
    // Taken and given back: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    case.options.url = format!("ldaps://localhost:{port}");
    says(&mistake(&case).await, "directory_unreachable", true, &[&case.options.url]);
    case.options.url = "ldap://localhost".to_owned();
    says(&mistake(&case).await, "directory_misconfigured", false, &["ldaps://"]);
}

#[tokio::test]
async fn a_silent_server_is_left_after_its_time() {
    let mut case = Case::new().await;
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    case.options.url = format!("ldaps://localhost:{}", silent.local_addr().unwrap().port());
    case.options.limits.connect = Duration::from_millis(200);
    says(&mistake(&case).await, "directory_unreachable", true, &["within 0.2 s"]);
}

#[tokio::test]
async fn a_name_that_leads_to_another_domain_controller_by_now_is_not_followed() {
    // Both take the same account: only the name of the second one tells it from the first.
    let mut case = Case::new().await;
    let base_dn = "DC=other,DC=example".to_owned();
    let other = DomainOptions { base_dn, ..DomainOptions::default() };
    let other = Domain::start(other).await.unwrap();
    let authorities = format!("{}{}", case.domain.ca_pem(), other.ca_pem());
    std::fs::write(case.options.ca_file.as_ref().unwrap(), authorities).unwrap();
    let port = |url: &str| url.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let behind = Arc::new(Mutex::new(port(&case.domain.url())));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    case.options.url = format!("ldaps://localhost:{}", listener.local_addr().unwrap().port());
    let leads = Arc::clone(&behind);
    let forward = tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let far = *leads.lock().unwrap();
            let mut far = tokio::net::TcpStream::connect(("127.0.0.1", far)).await.unwrap();
            // How it ends is the client's business.
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
        }
    });
    let directory = case.open().await;
    observe(&directory).await.unwrap();
    *behind.lock().unwrap() = port(&other.url());
    case.domain.order(Order::new(Where::Search, Fault::CutBefore));
    let error = observe(&directory).await.unwrap_err();
    assert_eq!(error.fault().reason, "directory_unreachable");
    assert!(error.fault().message.contains("leads to dc1.other.example now"), "{error}");
    forward.abort();
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left_after_its_time() {
    let case = Case::new().await.impatient();
    let directory = case.open().await;
    for place in [Where::Search, Where::Kind(OperationKind::Bind)] {
        case.domain.order(Order::new(place, Fault::Stall).times(50));
        let read = async {
            match case.connect().await {
                Ok(_) => observe(&directory).await.unwrap_err(),
                Err(error) => error,
            }
        };
        let error = tokio::time::timeout(Duration::from_secs(20), read).await.unwrap();
        assert!(error.fault().transient, "{error:?}");
        case.domain.cancel_orders();
    }
}

#[tokio::test]
async fn a_busy_start_is_waited_for() {
    let case = Case::new().await;
    case.domain.order(Order::new(Where::Kind(OperationKind::Bind), Fault::Busy));
    case.domain.order(Order::new(Where::Search, Fault::CutAfter).after(1));
    case.connect().await.unwrap();
    assert_eq!(case.domain.open_orders(), 0);
}

#[tokio::test]
async fn a_password_changed_during_a_run_stops_it_without_hammering() {
    let case = Case::new().await;
    let dn = case.own_group("a");
    let directory = case.open().await;
    let account = case.domain.service_account().dn.clone();
    case.edit(|tree| tree.set_password(&account, "another"));
    case.domain.order(Order::new(Where::Search, Fault::CutBefore));
    let binds = case.domain.counters().binds;
    let error = observe(&directory).await.unwrap_err();
    assert_eq!(error.fault().reason, "bind_refused");
    assert_eq!(case.domain.counters().binds, binds + 1);
    std::fs::write(&case.options.password_file, "another").unwrap();
    observe(&directory).await.unwrap();
    let update = change(1, case.target(&dn), update("description", None, Some("x")));
    assert_eq!(words(&case.apply(&directory, vec![update]).await), ["done"]);
}

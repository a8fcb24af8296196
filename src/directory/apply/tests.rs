//! The step machine against a directory that fits on one page: every order of lost answers, bad
//! members, moved objects.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::*;
use crate::directory::outcome::{Verdict, classify};
use crate::model::change::LastSight;
use crate::model::{Cause, PolicyName, record as model_record};

const CONTAINER: &str = "OU=Groups,DC=corp,DC=example";
const TENANT: &str = "11111111-2222-3333-4444-555555555555";

fn guid(number: u128) -> ObjectGuid {
    ObjectGuid(Uuid::from_u128(number))
}

fn id(number: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(number))
}

/// The record of a group in use.
fn record(number: u128) -> String {
    let id = id(number);
    format!("writeback/v1;owner=corp;tenant={TENANT};policy=finance;id={id};state=Active")
}

fn dn(cn: &str) -> Dn {
    Dn::parse(CONTAINER).unwrap().child(cn)
}

fn containers() -> Containers {
    Containers::new(vec![Dn::parse(CONTAINER).unwrap()])
}

fn target(number: u128, cn: &str) -> Target {
    containers().admit(guid(number), dn(cn)).unwrap()
}

fn new_target(cn: &str) -> Target {
    containers().admit_new(dn(cn)).unwrap()
}

fn change(number: u128, target: Target, effect: Effect) -> Change {
    Change {
        policy: PolicyName::parse("finance").unwrap(),
        group: id(number),
        label: target.dn().leaf().to_owned(),
        target,
        effect,
        cause: Cause::Cloud("a case".to_owned()),
    }
}

fn create(number: u128, cn: &str) -> Change {
    let attributes = [
        ("adminDescription", id(number).anchor()),
        ("extensionName", record(number)),
        ("groupType", "8".to_owned()),
        ("sAMAccountName", cn.to_owned()),
    ]
    .map(|(name, value)| (name.into(), value))
    .to_vec();
    change(number, new_target(cn), Effect::Create { attributes })
}

fn existing(numbers: impl IntoIterator<Item = u128>) -> Vec<MemberReference> {
    let member = |n| MemberReference::Existing { guid: guid(n), label: n.to_string() };
    numbers.into_iter().map(member).collect()
}

fn add(numbers: impl IntoIterator<Item = u128>) -> Effect {
    Effect::AddMembers { members: existing(numbers), of: Some(0) }
}

fn remove(numbers: impl IntoIterator<Item = u128>) -> Effect {
    Effect::RemoveMembers { members: existing(numbers), of: 0 }
}

fn update(name: &'static str, before: Option<&str>, after: Option<&str>) -> Effect {
    let own = |text: Option<&str>| text.map(str::to_owned);
    let change = AttributeChange { name: name.into(), before: own(before), after: own(after) };
    Effect::Update { attributes: vec![change] }
}

/// What a deleted group without its marks gets when it comes back.
fn restore(number: u128) -> Effect {
    let own = |text: &str| Some(text.to_owned());
    let attributes = vec![
        AttributeChange {
            name: "adminDescription".into(),
            before: None,
            after: Some(id(number).anchor()),
        },
        AttributeChange { name: "extensionName".into(), before: None, after: Some(record(number)) },
        AttributeChange { name: "sAMAccountName".into(), before: own("s"), after: own("s") },
    ];
    Effect::Restore { attributes }
}

fn handover(number: u128) -> Effect {
    let after = record(number).replace("finance", "other");
    let record = AttributeChange {
        name: "extensionName".into(),
        before: Some(record(number)),
        after: Some(after),
    };
    Effect::Handover { from: PolicyName::parse("finance").unwrap(), record }
}

fn deletion() -> Effect {
    Effect::Delete { last: LastSight::default() }
}

/// Record, mark and anchor on a group of somebody else's.
fn adoption(number: u128) -> Effect {
    let added = |name: &'static str, value: String| AttributeChange {
        name: name.into(),
        before: None,
        after: Some(value),
    };
    let attributes = vec![
        added("adminDescription", id(number).anchor()),
        added("extensionName", record(number)),
        added("extensionName", model_record::adopted_mark(id(number))),
    ];
    Effect::Adopt { attributes }
}

fn release(number: u128) -> Effect {
    let record =
        AttributeChange { name: "extensionName".into(), before: Some(record(number)), after: None };
    Effect::Release { attributes: vec![record] }
}

/// A group that nobody has marked yet.
fn unmarked() -> World {
    let mut world = world(&[(1, "a", &[])]);
    world.set(1, "extensionName", &["other"]);
    world.set(1, "objectClass", &["top", "group"]);
    world
}

/// Three attributes at once, one of them with several values that differ in case.
fn disable(number: u128) -> Effect {
    let own = |text: &str| Some(text.to_owned());
    let change =
        |name: &'static str, before, after| AttributeChange { name: name.into(), before, after };
    let after = record(number).replace("Active", "Disabled");
    let attributes = vec![
        change("extensionName", Some(record(number)), Some(after)),
        change("groupType", own("8"), own("2")),
        change("proxyAddresses", None, own("SMTP:8@x")),
        change("proxyAddresses", own("SMTP:eight@x"), own("smtp:eight@x")),
        change("proxyAddresses", own("smtp:8@x"), None),
    ];
    Effect::Disable { members: 1, attributes }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Object {
    dn: Dn,
    attributes: BTreeMap<String, BTreeSet<String>>,
    members: BTreeSet<ObjectGuid>,
}

/// When the answer to the n-th operation is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    Before(usize),
    After(usize),
}

/// A directory of groups; members are bare GUIDs.
#[derive(Clone, Debug)]
struct World {
    objects: BTreeMap<ObjectGuid, Object>,
    /// What was deleted, as it was.
    deleted: BTreeMap<ObjectGuid, Object>,
    /// Members a rule forbids.
    forbidden: BTreeSet<ObjectGuid>,
    /// Members that are not there.
    missing: BTreeSet<ObjectGuid>,
    /// Attributes that may not be written.
    refused: Vec<&'static str>,
    values_max: usize,
    losses: Vec<Loss>,
    /// Every operation is answered so.
    always: Option<Answer>,
    operations: Vec<Operation>,
    questions: usize,
    waits: usize,
    next: u128,
}

fn world(groups: &[(u128, &str, &[u128])]) -> World {
    let object = |number: u128, cn: &str, members: &[u128]| Object {
        dn: dn(cn),
        attributes: [
            ("extensionname".to_owned(), BTreeSet::from([record(number), "other".to_owned()])),
            ("grouptype".to_owned(), BTreeSet::from(["8".to_owned()])),
        ]
        .into(),
        members: members.iter().copied().map(guid).collect(),
    };
    let objects = groups.iter().map(|(n, cn, members)| (guid(*n), object(*n, cn, members)));
    World {
        objects: objects.collect(),
        deleted: BTreeMap::new(),
        forbidden: BTreeSet::new(),
        missing: BTreeSet::new(),
        refused: Vec::new(),
        values_max: usize::MAX,
        losses: Vec::new(),
        always: None,
        operations: Vec::new(),
        questions: 0,
        waits: 0,
        next: 1 << 64,
    }
}

/// Result code and diagnostic message.
type Refused = (u32, &'static str);
type Values = BTreeMap<String, BTreeSet<String>>;

/// What one modify makes of an object: first what goes, then what comes; values that differ in
/// case alone are equal.
fn changed(before: &Values, changes: &[AttributeChange]) -> Result<Values, Refused> {
    let mut all = before.clone();
    for AttributeChange { name, before, .. } in changes {
        let values = all.entry(name.to_ascii_lowercase()).or_default();
        if before.as_ref().is_some_and(|before| !values.remove(before)) {
            return Err((16, "0000200A: AtrErr"));
        }
    }
    for AttributeChange { name, after, .. } in changes {
        let values = all.entry(name.to_ascii_lowercase()).or_default();
        let Some(after) = after else { continue };
        if values.iter().any(|value| value.to_lowercase() == after.to_lowercase()) {
            return Err((20, "00002083: AtrErr"));
        }
        values.insert(after.clone());
    }
    all.retain(|_, values| !values.is_empty());
    Ok(all)
}

impl World {
    fn run(&mut self, changes: Vec<Change>) -> Vec<ChangeResult> {
        self.run_in_batches(changes, BATCH_VALUES_DEFAULT)
    }

    fn run_in_batches(&mut self, changes: Vec<Change>, batch_values: usize) -> Vec<ChangeResult> {
        let mut stepper = Stepper::of(changes, containers(), batch_values);
        for _ in 0..20_000 {
            let Some(step) = stepper.next() else { return stepper.results().to_vec() };
            assert_eq!(stepper.next(), Some(step.clone()), "asking twice changes nothing");
            let answer = match step {
                Step::Execute { operation, .. } => self.execute(&operation),
                Step::Verify { question, .. } => self.look(&question),
                Step::Wait(delay) => {
                    assert!(delay <= crate::retry::REQUEST.longest);
                    self.waits += 1;
                    Answer::Waited
                }
            };
            stepper.feed(answer);
        }
        panic!("the machine does not come to an end");
    }

    fn execute(&mut self, operation: &Operation) -> Answer {
        assert!(containers().hold(&operation.target().dn().parent().unwrap()));
        let number = self.operations.len();
        self.operations.push(operation.clone());
        if let Some(answer) = &self.always {
            return answer.clone();
        }
        let lost = || Answer::Lost("the connection is gone".to_owned());
        if self.losses.contains(&Loss::Before(number)) {
            return lost();
        }
        let denied = Err((50, "00002098: SecErr"));
        let done = if self.denies(operation) { denied } else { self.write(operation) };
        if self.losses.contains(&Loss::After(number)) {
            return lost();
        }
        let (code, text) = done.err().unwrap_or((0, ""));
        match classify(operation.word(), code, text) {
            Verdict::Done => Answer::Done,
            Verdict::Busy(message) => Answer::Busy(message),
            Verdict::Refused(refusal) => Answer::Refused(refusal),
        }
    }

    fn denies(&self, operation: &Operation) -> bool {
        self.refused.iter().any(|name| match operation {
            Operation::Modify { attributes, .. } => attributes.iter().any(|a| a.name == **name),
            Operation::AddMembers { .. } | Operation::RemoveMembers { .. } => *name == "member",
            Operation::Add { .. }
            | Operation::Restore { .. }
            | Operation::ModifyDn { .. }
            | Operation::Delete { .. } => false,
        })
    }

    fn write(&mut self, operation: &Operation) -> Result<(), Refused> {
        let taken = |world: &Self, dn: &Dn, own: Option<ObjectGuid>| {
            world.objects.iter().any(|(guid, o)| o.dn.key() == dn.key() && Some(*guid) != own)
        };
        let object = operation.target().object();
        match operation {
            Operation::Add { target, attributes } => {
                if taken(self, target.dn(), None) {
                    return Err((68, "00002071: UpdErr"));
                }
                self.next += 1;
                let values = attributes.iter().map(|(name, value)| {
                    (name.to_ascii_lowercase(), BTreeSet::from([value.clone()]))
                });
                let (dn, attributes) = (target.dn().clone(), values.collect());
                let object = Object { dn, attributes, members: BTreeSet::new() };
                self.objects.insert(guid(self.next), object);
                Ok(())
            }
            Operation::ModifyDn { target, to } => {
                let object = object.unwrap();
                if taken(self, to.dn(), Some(object)) {
                    return Err((68, "00002071: UpdErr"));
                }
                let found = self.objects.get_mut(&object).filter(|o| o.dn == *target.dn());
                found.ok_or((32, "0000208D: NameErr"))?.dn = to.dn().clone();
                Ok(())
            }
            Operation::Delete { .. } => {
                let object = object.unwrap();
                let gone = self.objects.remove(&object).ok_or((32, "0000208D: NameErr"))?;
                self.deleted.insert(object, gone);
                Ok(())
            }
            Operation::Restore { target, attributes } => {
                let object = object.unwrap();
                if self.objects.contains_key(&object) {
                    return Err((53, "00002077: SvcErr"));
                }
                let gone = self.deleted.get(&object).ok_or((32, "0000208D: NameErr"))?;
                if taken(self, target.dn(), None) {
                    return Err((68, "00002071: UpdErr"));
                }
                let attributes = changed(&gone.attributes, attributes)?;
                let (dn, members) = (target.dn().clone(), BTreeSet::new());
                self.deleted.remove(&object);
                self.objects.insert(object, Object { dn, attributes, members });
                Ok(())
            }
            Operation::Modify { attributes, .. } => {
                let found = self.objects.get_mut(&object.unwrap()).ok_or((32, "0000208D: x"))?;
                found.attributes = changed(&found.attributes, attributes)?;
                Ok(())
            }
            Operation::AddMembers { members, .. } => self.add(object.unwrap(), members),
            Operation::RemoveMembers { members, .. } => {
                let found = self.objects.get_mut(&object.unwrap()).ok_or((32, "0000208D: x"))?;
                if members.len() > self.values_max {
                    return Err((1, "000021B1: SvcErr"));
                }
                if members.iter().any(|member| !found.members.contains(member)) {
                    return Err((53, "00000561: SvcErr"));
                }
                found.members.retain(|member| !members.contains(member));
                Ok(())
            }
        }
    }

    fn add(&mut self, group: ObjectGuid, members: &[ObjectGuid]) -> Result<(), Refused> {
        let found = self.objects.get_mut(&group).ok_or((32, "0000208D: x"))?;
        if members.len() > self.values_max {
            return Err((1, "000021B1: SvcErr"));
        }
        if members.iter().any(|member| self.missing.contains(member)) {
            return Err((32, "0000208D: NameErr"));
        }
        if members.iter().any(|member| self.forbidden.contains(member)) {
            return Err((53, "00002146: SvcErr"));
        }
        if members.iter().any(|member| found.members.contains(member)) {
            return Err((68, "00000562: UpdErr"));
        }
        found.members.extend(members);
        Ok(())
    }

    fn look(&mut self, question: &Question) -> Answer {
        self.questions += 1;
        let found = match question {
            Question::Object { guid, .. } | Question::Members { guid } => {
                self.objects.get_key_value(guid)
            }
            Question::Name { dn } => self.objects.iter().find(|(_, o)| o.dn.key() == dn.key()),
        };
        let Some((guid, object)) = found else { return Answer::Seen(Sight::Absent) };
        let attributes = object.attributes.iter();
        Answer::Seen(Sight::There(Seen {
            guid: *guid,
            dn: object.dn.clone(),
            attributes: attributes
                .map(|(name, values)| (name.clone(), values.iter().cloned().collect()))
                .collect(),
            members: matches!(question, Question::Members { .. }).then(|| object.members.clone()),
        }))
    }

    /// Puts a group among the deleted ones, as a tombstone: without its marks.
    fn bury(&mut self, number: u128, cn: &str) {
        let attributes = [("samaccountname".to_owned(), BTreeSet::from(["s".to_owned()]))].into();
        let object = Object { dn: dn(cn), attributes, members: BTreeSet::new() };
        self.deleted.insert(guid(number), object);
    }

    fn set(&mut self, number: u128, name: &str, values: &[&str]) {
        let values = values.iter().map(|text| (*text).to_owned()).collect();
        let object = self.objects.get_mut(&guid(number)).unwrap();
        object.attributes.insert(name.to_ascii_lowercase(), values);
    }

    fn values(&self, number: u128, name: &str) -> Vec<String> {
        let object = self.objects.get(&guid(number)).unwrap();
        let values = object.attributes.get(&name.to_ascii_lowercase());
        values.into_iter().flatten().cloned().collect()
    }

    fn members(&self, number: u128) -> Vec<u128> {
        let members = &self.objects.get(&guid(number)).unwrap().members;
        members.iter().map(|member| member.0.as_u128()).collect()
    }

    /// What stands there, without the GUIDs that creating hands out.
    fn picture(&self) -> Vec<(String, Vec<String>, Vec<String>)> {
        let name = |guid: &ObjectGuid| {
            self.objects.get(guid).map_or_else(|| guid.to_string(), |object| object.dn.to_string())
        };
        let mut picture: Vec<_> = self
            .objects
            .values()
            .map(|object| {
                let values = object.attributes.iter().map(|(n, v)| format!("{n}={v:?}"));
                let mut members: Vec<_> = object.members.iter().map(name).collect();
                members.sort();
                (object.dn.to_string(), values.collect(), members)
            })
            .collect();
        picture.sort();
        picture
    }
}

fn words(results: &[ChangeResult]) -> Vec<&'static str> {
    results.iter().map(|result| result.outcome.word()).collect()
}

/// One of everything, in the order of a plan: a handover, a swap of two names, a move of text, a
/// group brought back, a new pair of groups nested in each other, members, a group put out of use,
/// a deletion.
fn everything() -> (World, Vec<Change>) {
    let mut world = world(&[
        (1, "a", &[100]),
        (2, "b", &[101, 102]),
        (3, "c", &[]),
        (4, "old", &[]),
        (8, "unused", &[103]),
    ]);
    world.bury(7, "gone");
    world.set(8, "proxyAddresses", &["SMTP:eight@x", "smtp:8@x", "x500:8"]);
    let nested =
        |n: u128, cn: &str| MemberReference::Created { group: id(n), label: cn.to_owned() };
    let fill = |members: Vec<MemberReference>| Effect::AddMembers { members, of: None };
    let rename = |to: &str, number: u128| Effect::Rename { to: target(number, to) };
    let changes = vec![
        change(3, target(3, "c"), handover(3)),
        change(1, target(1, "a"), rename("swap", 1)),
        change(2, target(2, "b"), rename("a", 2)),
        change(1, target(1, "swap"), rename("b", 1)),
        change(3, target(3, "c"), update("description", None, Some("new"))),
        change(3, target(3, "c"), Effect::Convert { from: 8, to: -2_147_483_640 }),
        change(7, target(7, "seven"), restore(7)),
        create(5, "five"),
        create(6, "six"),
        change(5, new_target("five"), fill(vec![nested(6, "six")])),
        change(
            6,
            new_target("six"),
            fill([existing([100, 101]), vec![nested(5, "five"), nested(7, "seven")]].concat()),
        ),
        change(7, target(7, "seven"), fill(existing([100]))),
        change(3, target(3, "c"), add(100..110)),
        change(2, target(2, "b"), remove([101, 102])),
        change(8, target(8, "unused"), disable(8)),
        change(8, target(8, "unused"), Effect::Quarantine { to: target(8, "out of use") }),
        change(4, target(4, "old"), deletion()),
    ];
    (world, changes)
}

#[test]
fn a_whole_plan_is_done_with_one_look_at_each_object() {
    let (mut world, changes) = everything();
    let count = changes.len();
    let results = world.run(changes);
    assert_eq!(words(&results), vec!["done"; count]);
    assert_eq!(world.operations.len(), count);
    assert_eq!(world.questions, 5 + 2, "five objects that were there, two read back");
    assert_eq!(world.objects.get(&guid(7)).unwrap().dn, dn("seven"));
    assert_eq!(world.members(7), [100]);
    assert_eq!(world.values(8, "proxyAddresses"), ["SMTP:8@x", "smtp:eight@x", "x500:8"]);
    assert_eq!(world.objects.get(&guid(8)).unwrap().dn, dn("out of use"));
    assert_eq!(world.objects.get(&guid(1)).unwrap().dn, dn("b"));
    assert_eq!(world.objects.get(&guid(2)).unwrap().dn, dn("a"));
    assert_eq!(world.members(3), (100..110).collect::<Vec<_>>());
    assert!(!world.objects.contains_key(&guid(4)));
}

#[test]
fn losing_any_one_or_two_answers_before_or_after_the_write_reaches_the_same_end() {
    let (mut undisturbed, changes) = everything();
    undisturbed.run(changes.clone());
    let wanted = undisturbed.picture();
    let operations = changes.len();
    let losses: Vec<Loss> =
        (0..=operations).flat_map(|n| [Loss::Before(n), Loss::After(n)]).collect();
    for first in &losses {
        for second in &losses {
            let (mut world, changes) = everything();
            world.losses = vec![*first, *second];
            let results = world.run_in_batches(changes, 4);
            assert!(
                results.iter().all(|r| r.outcome.achieved()),
                "{first:?} {second:?} {results:?}"
            );
            assert_eq!(world.picture(), wanted, "{first:?} {second:?}");
        }
    }
}

#[test]
fn stopping_after_any_operation_gives_every_change_a_result() {
    let (_, changes) = everything();
    let count = changes.len();
    for cut in 0..count {
        let (mut world, changes) = everything();
        let mut stepper = Stepper::of(changes, containers(), BATCH_VALUES_DEFAULT);
        while world.operations.len() < cut {
            let answer = match stepper.next().unwrap() {
                Step::Execute { operation, .. } => world.execute(&operation),
                Step::Verify { question, .. } => world.look(&question),
                Step::Wait(_) => Answer::Waited,
            };
            stepper.feed(answer);
        }
        stepper.stop("the daemon was asked to end");
        assert_eq!(stepper.next(), None);
        assert_eq!(stepper.results().len(), count);
        let failed = stepper.results().iter().filter(|r| !r.outcome.achieved()).count();
        assert!(failed >= count - cut, "nothing is claimed that was not done");
    }
}

#[test]
fn a_thousand_members_with_three_bad_ones_are_written_in_a_bounded_number_of_operations() {
    for reread in [false, true] {
        let mut world = world(&[(1, "a", &[])]);
        let bad = BTreeSet::from([1_000, 1_501, 1_999].map(guid));
        if reread {
            world.missing = bad.clone();
        } else {
            world.forbidden = bad.clone();
        }
        let results = world.run(vec![change(1, target(1, "a"), add(1_000..2_000))]);
        assert_eq!(words(&results), ["done"]);
        let refused: BTreeSet<_> =
            results.iter().flat_map(|r| &r.refused_members).map(|(guid, _)| *guid).collect();
        assert_eq!(refused, bad);
        assert_eq!(world.members(1).len(), 997);
        assert!(world.operations.len() <= 64, "{}", world.operations.len());
        assert!(world.questions <= 3, "{}", world.questions);
    }
}

#[test]
fn a_refused_member_is_told_with_the_rule() {
    let mut world = world(&[(1, "a", &[])]);
    world.forbidden.insert(guid(7));
    let results = world.run(vec![change(1, target(1, "a"), add([7]))]);
    assert_eq!(words(&results), ["refused"]);
    let refused = &results.first().unwrap().refused_members;
    assert!(refused.first().unwrap().1.contains("a local group"), "{refused:?}");
}

#[test]
fn a_group_that_refuses_everybody_is_given_up() {
    let mut world = world(&[(1, "a", &[])]);
    world.forbidden.extend((0..500).map(guid));
    let results = world.run(vec![change(1, target(1, "a"), add(0..500))]);
    assert_eq!(words(&results), ["refused"]);
    assert!(world.operations.len() < 200, "{}", world.operations.len());
}

#[test]
fn members_that_are_there_or_gone_already_drop_out() {
    let mut world = world(&[(1, "a", &[10, 11, 20])]);
    let results = world.run(vec![
        change(1, target(1, "a"), add(10..15)),
        change(1, target(1, "a"), remove([20, 21])),
        change(1, target(1, "a"), add(10..15)),
        change(1, target(1, "a"), remove([20, 21])),
    ]);
    assert_eq!(words(&results), ["done", "done", "already_so", "already_so"]);
    assert_eq!(world.members(1), (10..15).collect::<Vec<_>>());
}

#[test]
fn batches_are_halved_until_the_directory_takes_them() {
    let mut world = world(&[(1, "a", &[])]);
    world.values_max = 70;
    let results = world.run(vec![change(1, target(1, "a"), add(0..1_000))]);
    assert_eq!(words(&results), ["done"]);
    assert_eq!(world.members(1).len(), 1_000);
    // 500, 250, 125 are refused, then batches of 63.
    assert_eq!(world.operations.len(), 3 + 16);
}

#[test]
fn no_batch_is_larger_than_the_ceiling() {
    let mut world = world(&[(1, "a", &[])]);
    world.run_in_batches(vec![change(1, target(1, "a"), add(0..12_000))], usize::MAX);
    let size = |operation: &Operation| {
        let Operation::AddMembers { members, .. } = operation else { panic!("{operation:?}") };
        members.len()
    };
    let sizes: Vec<usize> = world.operations.iter().map(size).collect();
    assert_eq!(sizes, [5_000, 5_000, 2_000]);
}

#[test]
fn a_name_taken_by_a_stranger_is_refused_and_its_group_left_out_of_others() {
    let mut world = world(&[(1, "a", &[]), (2, "parent", &[50])]);
    let members = vec![MemberReference::Created { group: id(9), label: "a".to_owned() }];
    let results = world.run(vec![
        create(9, "A"),
        change(9, new_target("A"), add([100])),
        change(2, target(2, "parent"), Effect::AddMembers { members, of: Some(0) }),
        change(2, target(2, "parent"), remove([50])),
    ]);
    assert_eq!(words(&results), ["refused", "failed", "refused", "failed"]);
    assert_eq!(results.get(2).unwrap().left_out, ["a: its group was not created"]);
    assert_eq!(world.objects.len(), 2);
    assert_eq!(world.members(2), [50], "who is nested instead of directly is never without it");
}

#[test]
fn an_account_name_taken_in_the_domain_is_refused_with_its_own_sentence() {
    let mut world = world(&[]);
    let refusal = match classify("add", 68, "00000526: UpdErr") {
        Verdict::Refused(refusal) => refusal,
        Verdict::Done | Verdict::Busy(_) => panic!("68 is a refusal"),
    };
    world.always = Some(Answer::Refused(refusal));
    let results = world.run(vec![create(1, "a")]);
    let Outcome::Refused { message } = &results.first().unwrap().outcome else {
        panic!("{results:?}")
    };
    assert!(message.contains("sAMAccountName"), "{message}");
    assert_eq!(world.operations.len(), 2, "sent, looked at, sent once more");
}

#[test]
fn what_was_moved_out_or_lost_its_record_is_not_written() {
    for effect in [
        add([100]),
        remove([100]),
        update("description", None, Some("x")),
        deletion(),
        Effect::Rename { to: target(1, "b") },
        Effect::Convert { from: 8, to: -2_147_483_640 },
    ] {
        let mut moved = world(&[(1, "a", &[])]);
        moved.objects.get_mut(&guid(1)).unwrap().dn = Dn::parse("CN=a,DC=corp,DC=example").unwrap();
        let mut released = world(&[(1, "a", &[])]);
        released.objects.get_mut(&guid(1)).unwrap().attributes.clear();
        let mut taken = world(&[(1, "a", &[])]);
        taken.set(1, "extensionName", &[&record(2), "writeback/v1;owner=corp", "other"]);
        for mut world in [moved, released, taken] {
            let results = world.run(vec![change(1, target(1, "a"), effect.clone())]);
            assert_eq!(words(&results), ["failed"], "{effect:?}");
            assert_eq!(world.operations, [], "{effect:?}");
        }
    }
}

#[test]
fn a_group_that_another_policy_has_by_now_is_not_ended() {
    let disable = Effect::Disable { members: 0, attributes: Vec::new() };
    for effect in [disable, deletion()] {
        let mut world = world(&[(1, "a", &[])]);
        world.set(1, "extensionName", &[&record(1).replace("finance", "other")]);
        let results = world.run(vec![change(1, target(1, "a"), effect)]);
        assert_eq!(words(&results), ["failed"]);
        assert!(message(&results, 0).contains("another policy"), "{results:?}");
        assert_eq!(world.operations, []);
        let results = world.run(vec![change(1, target(1, "a"), add([100]))]);
        assert_eq!(words(&results), ["done"], "its members are the cloud group's all the same");
    }
}

#[test]
fn a_group_renamed_by_hand_gets_its_members_but_no_name_of_an_old_plan() {
    let mut world = world(&[(1, "hand", &[])]);
    let results = world.run(vec![
        change(1, target(1, "a"), add([100])),
        change(1, target(1, "a"), Effect::Rename { to: target(1, "b") }),
    ]);
    assert_eq!(words(&results), ["done", "failed"]);
    assert_eq!(world.members(1), [100]);
    assert_eq!(world.objects.get(&guid(1)).unwrap().dn, dn("hand"));
}

#[test]
fn a_value_changed_by_somebody_else_is_left_alone() {
    let mut world = world(&[(1, "a", &[])]);
    let mine = update("description", Some("old"), Some("new"));
    let results = world.run(vec![change(1, target(1, "a"), mine)]);
    assert_eq!(words(&results), ["failed"]);
    let theirs = update("extensionName", Some(&record(1)), Some("writeback/next"));
    let results = world.run(vec![change(1, target(1, "a"), theirs)]);
    assert_eq!(words(&results), ["done"]);
    let values = world.objects.get(&guid(1)).unwrap().attributes.get("extensionname").unwrap();
    assert!(values.contains("other"), "values of others stay");
}

#[test]
fn a_delete_of_what_is_gone_is_so_already() {
    let mut world = world(&[]);
    let results = world.run(vec![change(1, target(1, "a"), deletion())]);
    assert_eq!(words(&results), ["already_so"]);
    assert_eq!(world.operations, []);
}

#[test]
fn a_busy_server_is_tried_a_bounded_number_of_times_and_then_left() {
    for answer in [Answer::Busy("busy".to_owned()), Answer::Lost("gone".to_owned())] {
        let mut world = world(&[(1, "a", &[]), (2, "b", &[]), (3, "c", &[]), (4, "d", &[])]);
        world.always = Some(answer);
        let results = world.run(vec![
            change(1, target(1, "a"), add(100..200)),
            change(2, target(2, "b"), update("description", None, Some("x"))),
            change(3, target(3, "c"), add([100])),
            change(4, target(4, "d"), add([100])),
        ]);
        assert_eq!(words(&results), ["failed"; 4]);
        let tries = usize::try_from(crate::retry::REQUEST.tries_max).unwrap();
        assert_eq!(world.operations.len(), 2 * tries, "two groups show that it is the server");
        assert_eq!(world.waits, 2 * (tries - 1));
    }
}

#[test]
fn a_right_that_is_missing_ends_the_change_at_once() {
    let mut world = world(&[(1, "a", &[]), (2, "b", &[])]);
    let Verdict::Refused(refusal) = classify("add_members", 50, "00002098: SecErr") else {
        panic!("50 is a refusal")
    };
    world.always = Some(Answer::Refused(refusal));
    let results = world
        .run(vec![change(1, target(1, "a"), add(0..1_000)), change(2, target(2, "b"), add([1]))]);
    assert_eq!(words(&results), ["refused", "refused"]);
    assert_eq!(world.operations.len(), 2);
}

#[test]
fn after_an_unsettled_change_its_group_is_left_to_the_next_pass() {
    let mut world = world(&[(1, "a", &[5]), (2, "b", &[])]);
    let mine = update("description", Some("old"), Some("new"));
    let results = world.run(vec![
        change(1, target(1, "a"), mine),
        change(1, target(1, "a"), remove([5])),
        change(2, target(2, "b"), add([5])),
        change(2, target(2, "b"), Effect::Freeze),
    ]);
    assert_eq!(words(&results), ["failed", "failed", "done", "already_so"]);
    assert_eq!(world.members(1), [5]);
}

#[test]
fn an_answer_that_was_not_asked_for_claims_nothing() {
    let changes = vec![change(1, target(1, "a"), add([5]))];
    let mut stepper = Stepper::of(changes, containers(), 10);
    assert!(matches!(stepper.next(), Some(Step::Verify { .. })));
    stepper.feed(Answer::Done);
    assert_eq!(stepper.next(), None);
    assert_eq!(words(stepper.results()), ["unknown"]);
}

/// What came of bringing one deleted group back, and of filling it.
fn restoration(world: &mut World) -> Vec<&'static str> {
    let results = world.run(vec![
        change(7, target(7, "seven"), restore(7)),
        change(7, target(7, "seven"), add([100])),
    ]);
    words(&results)
}

#[test]
fn a_restoration_without_an_answer_is_settled_by_reading() {
    for (loss, wanted) in [(Loss::Before(0), "done"), (Loss::After(0), "already_so")] {
        let mut world = world(&[]);
        world.bury(7, "gone");
        world.losses = vec![loss];
        assert_eq!(restoration(&mut world), [wanted, "done"], "{loss:?}");
        assert_eq!(world.members(7), [100]);
    }
}

#[test]
fn what_was_sent_without_an_answer_is_looked_at_and_not_sent_again() {
    let renamed = Effect::Rename { to: target(1, "b") };
    let described = update("description", Some("x"), Some("y"));
    for effect in [described, renamed, add([100]), remove([5]), deletion()] {
        let mut world = world(&[(1, "a", &[5])]);
        world.set(1, "description", &["x"]);
        world.losses = vec![Loss::After(0)];
        let results = world.run(vec![change(1, target(1, "a"), effect.clone())]);
        assert!(results.iter().all(|result| result.outcome.achieved()), "{effect:?}: {results:?}");
        assert_eq!(world.operations.len(), 1, "{effect:?}");
    }
}

#[test]
fn a_restored_group_is_nested_in_the_same_pass() {
    let mut world = world(&[(2, "parent", &[])]);
    world.bury(7, "gone");
    let members = vec![MemberReference::Created { group: id(7), label: "seven".to_owned() }];
    let results = world.run(vec![
        change(7, target(7, "seven"), restore(7)),
        change(2, target(2, "parent"), Effect::AddMembers { members, of: Some(0) }),
    ]);
    assert_eq!(words(&results), ["done", "done"]);
    assert_eq!(world.members(2), [7]);
}

#[test]
fn a_restoration_under_a_taken_name_is_refused_and_its_group_left_alone() {
    let mut world = world(&[(1, "SEVEN", &[])]);
    world.bury(7, "gone");
    assert_eq!(restoration(&mut world), ["refused", "failed"]);
    assert_eq!(world.operations.len(), 1);
    assert!(world.deleted.contains_key(&guid(7)));
}

#[test]
fn what_cannot_be_restored_is_refused_with_one_request() {
    let denied = |code, text| match classify("restore", code, text) {
        Verdict::Refused(refusal) => Answer::Refused(refusal),
        Verdict::Done | Verdict::Busy(_) => panic!("{code} is a refusal"),
    };
    for answer in [
        None,
        Some(denied(50, "00002098: SecErr")),
        Some(denied(53, "00002077: SvcErr")),
        Some(denied(1, "00002020: operations error")),
        Some(denied(16, "attribute 'isRecycled': no matching attribute value")),
    ] {
        let mut world = world(&[]);
        world.always = answer;
        assert_eq!(restoration(&mut world), ["refused", "failed"]);
        assert_eq!(world.operations.len(), 1);
    }
}

#[test]
fn what_somebody_else_restored_is_left_to_the_next_pass() {
    let elsewhere = world(&[(7, "by hand", &[])]);
    let mut unmarked = world(&[(7, "seven", &[])]);
    unmarked.set(7, "extensionName", &["other"]);
    let mut of_another = world(&[(7, "seven", &[])]);
    of_another.set(7, "extensionName", &[&record(8)]);
    let mut outside = world(&[(7, "seven", &[])]);
    outside.objects.get_mut(&guid(7)).unwrap().dn = Dn::parse("CN=seven,DC=corp").unwrap();
    for mut world in [elsewhere, unmarked, of_another, outside] {
        assert_eq!(restoration(&mut world), ["failed", "failed"]);
        assert_eq!(world.operations.len(), 1);
        assert_eq!(world.members(7), Vec::<u128>::new());
    }
}

#[test]
fn a_group_restored_as_it_was_to_be_is_so_already() {
    let mut world = world(&[(7, "seven", &[])]);
    world.set(7, "adminDescription", &[&id(7).anchor()]);
    world.set(7, "sAMAccountName", &["s"]);
    assert_eq!(restoration(&mut world), ["already_so", "done"]);
}

#[test]
fn out_of_use_is_one_modify_of_everything() {
    let mut world = world(&[(8, "unused", &[103])]);
    world.set(8, "proxyAddresses", &["SMTP:eight@x", "smtp:8@x"]);
    world.losses = vec![Loss::After(0)];
    let results = world.run(vec![change(8, target(8, "unused"), disable(8))]);
    assert_eq!(words(&results), ["already_so"]);
    assert_eq!(world.operations.len(), 1);
    assert_eq!(world.values(8, "groupType"), ["2"]);
    assert_eq!(world.values(8, "proxyAddresses"), ["SMTP:8@x", "smtp:eight@x"]);
    assert_eq!(world.members(8), [103]);
}

/// The record of a group that is out of use becomes that of one in use.
fn reactivation(number: u128, state: &str) -> Effect {
    let before = record(number).replace("Active", state);
    update("extensionName", Some(&before), Some(&record(number)))
}

/// A world of one group, 1, with a record of that state and with one member, 5.
fn one_group(state: &str) -> World {
    let mut world = world(&[(1, "a", &[5])]);
    world.set(1, "extensionName", &[&record(1).replace("Active", state)]);
    world
}

fn of_one(effects: impl IntoIterator<Item = Effect>) -> Vec<Change> {
    effects.into_iter().map(|effect| change(1, target(1, "a"), effect)).collect()
}

fn message(results: &[ChangeResult], index: usize) -> &str {
    match &results.get(index).unwrap().outcome {
        Outcome::Failed { message }
        | Outcome::Unknown { message }
        | Outcome::Refused { message } => message,
        Outcome::Done { .. } | Outcome::AlreadySo { .. } => panic!("{results:?}"),
    }
}

/// An update of the group of [`one_group`] that the directory refuses.
fn refused_update(world: &mut World) -> Effect {
    world.set(1, "description", &["X"]);
    world.refused.push("description");
    update("description", Some("X"), Some("y"))
}

const TO_SECURITY: Effect = Effect::Convert { from: 8, to: -2_147_483_640 };

#[test]
fn nobody_is_taken_out_of_a_group_that_refuses_its_additions() {
    let mut world = one_group("Active");
    world.forbidden.insert(guid(7));
    let results = world.run(of_one([add([7]), remove([5])]));
    assert_eq!(words(&results), ["refused", "failed"]);
    assert!(message(&results, 1).starts_with("nobody is taken out before"), "{results:?}");
    assert!(message(&results, 1).contains("a local group"), "the reason is told: {results:?}");
    assert_eq!(world.members(1), [5]);
}

#[test]
fn nobody_is_taken_out_while_a_nested_group_is_missing_beside_members_that_were_added() {
    let mut world = one_group("Active");
    let nested = MemberReference::Created { group: id(9), label: "new".to_owned() };
    let members = [existing([6]), vec![nested]].concat();
    let additions = Effect::AddMembers { members, of: Some(1) };
    let results =
        world.run(of_one([additions, remove([5]), update("description", None, Some("x"))]));
    assert_eq!(words(&results), ["done", "failed", "done"]);
    assert!(message(&results, 1).contains("new: its group was not created"), "{results:?}");
    assert_eq!(world.members(1), [5, 6]);
}

#[test]
fn a_member_refused_beside_others_does_not_stop_the_removals() {
    let mut world = one_group("Active");
    world.forbidden.insert(guid(7));
    let results = world.run(of_one([add([6, 7]), remove([5])]));
    assert_eq!(words(&results), ["done", "done"]);
    assert_eq!(results.first().unwrap().refused_members.len(), 1);
    assert_eq!(world.members(1), [6]);
}

#[test]
fn additions_to_one_group_do_not_concern_the_removals_of_another() {
    let mut world = world(&[(1, "a", &[]), (2, "b", &[5])]);
    world.forbidden.insert(guid(7));
    let results = world
        .run(vec![change(1, target(1, "a"), add([7])), change(2, target(2, "b"), remove([5]))]);
    assert_eq!(words(&results), ["refused", "done"]);
}

#[test]
fn a_group_is_in_use_again_only_when_nothing_of_it_was_refused() {
    for state in ["Disabled", "Quarantined"] {
        let mut world = one_group(state);
        let update = refused_update(&mut world);
        let results = world.run(of_one([update, add([6]), reactivation(1, state)]));
        assert_eq!(words(&results), ["refused", "done", "failed"], "{state}");
        assert!(message(&results, 2).starts_with("it is recorded as in use again only when"));
        assert_eq!(world.values(1, "extensionName"), [record(1).replace("Active", state)]);

        let mut world = one_group(state);
        let results = world.run(of_one([add([6]), remove([5]), reactivation(1, state)]));
        assert_eq!(words(&results), ["done"; 3], "{state}");
        assert_eq!(world.values(1, "extensionName"), [record(1)]);
    }
}

#[test]
fn a_group_whose_way_out_of_quarantine_is_refused_stays_recorded_as_quarantined() {
    let mut world = world(&[(1, "a", &[]), (2, "B", &[])]);
    let before = record(1).replace("Active", "Quarantined");
    world.set(1, "extensionName", &[&before]);
    let to = target(1, "b");
    let results = world.run(of_one([Effect::Move { to }, reactivation(1, "Quarantined")]));
    assert_eq!(words(&results), ["refused", "failed"]);
    assert_eq!(world.values(1, "extensionName"), [before]);
}

#[test]
fn a_change_that_was_not_tried_holds_the_record_back_as_well() {
    let mut world = one_group("Disabled");
    let nested = MemberReference::Created { group: id(9), label: "new".to_owned() };
    let additions = Effect::AddMembers { members: vec![nested], of: Some(1) };
    let results = world.run(of_one([additions, remove([5]), reactivation(1, "Disabled")]));
    assert_eq!(words(&results), ["refused", "failed", "failed"]);
}

#[test]
fn a_new_group_is_recorded_as_filled_only_when_its_members_are_in_it() {
    let mut world = one_group("Filling");
    let update = refused_update(&mut world);
    world.forbidden.insert(guid(7));
    let changes = of_one([update, add([7]), remove([5]), reactivation(1, "Filling")]);
    let results = world.run(changes);
    assert_eq!(words(&results), ["refused", "refused", "failed", "failed"]);
    let standing = record(1).replace("Active", "Filling");
    assert_eq!(world.values(1, "extensionName"), [standing]);
}

#[test]
fn a_record_changed_beside_other_attributes_waits_for_nothing() {
    let mut world = one_group("Disabled");
    let update = refused_update(&mut world);
    let Effect::Update { mut attributes } = reactivation(1, "Disabled") else { panic!("a record") };
    let (name, after) = ("info".into(), Some("x".to_owned()));
    attributes.push(AttributeChange { name, before: None, after });
    let results = world.run(of_one([update, Effect::Update { attributes }]));
    assert_eq!(words(&results), ["refused", "done"]);
}

#[test]
fn a_group_becomes_a_security_group_only_without_those_who_had_to_leave() {
    let denied = |world: &mut World| {
        world.refused.push("member");
        world.run(of_one([remove([5]), TO_SECURITY]))
    };
    let mut world = one_group("Active");
    let results = denied(&mut world);
    assert_eq!(words(&results), ["refused", "failed"]);
    assert!(message(&results, 1).starts_with("it becomes a security group only when"));
    assert_eq!(world.values(1, "groupType"), ["8"]);

    // Removals that were not tried leave the members as well.
    let mut world = one_group("Active");
    world.forbidden.insert(guid(7));
    let results = world.run(of_one([add([7]), remove([5]), TO_SECURITY]));
    assert_eq!(words(&results), ["refused", "failed", "failed"]);
    assert_eq!(world.values(1, "groupType"), ["8"]);

    for members in [&[5_u128][..], &[]] {
        let mut world = one_group("Active");
        world.objects.get_mut(&guid(1)).unwrap().members =
            members.iter().copied().map(guid).collect();
        let results = world.run(of_one([remove([5]), TO_SECURITY]));
        assert!(results.iter().all(|result| result.outcome.achieved()), "{results:?}");
        assert_eq!(world.values(1, "groupType"), ["-2147483640"]);
    }
}

#[test]
fn a_group_loses_its_security_whatever_becomes_of_its_removals() {
    let mut world = one_group("Active");
    world.set(1, "groupType", &["-2147483640"]);
    world.refused.push("member");
    let weaker = Effect::Convert { from: -2_147_483_640, to: 8 };
    let results = world.run(of_one([remove([5]), weaker]));
    assert_eq!(words(&results), ["refused", "done"]);
    assert_eq!(world.values(1, "groupType"), ["8"]);
}

#[test]
fn a_group_that_cannot_be_disabled_is_not_moved_into_quarantine() {
    let mut world = world(&[(8, "unused", &[103])]);
    world.set(8, "proxyAddresses", &["SMTP:eight@x", "smtp:8@x"]);
    world.refused.push("groupType");
    let results = world.run(vec![
        change(8, target(8, "unused"), disable(8)),
        change(8, target(8, "unused"), Effect::Quarantine { to: target(8, "out of use") }),
        change(8, target(8, "unused"), deletion()),
    ]);
    assert_eq!(words(&results), ["refused", "failed", "failed"]);
    assert_eq!(world.objects.get(&guid(8)).unwrap().dn, dn("unused"));
}

#[test]
fn a_group_keeps_its_policy_while_its_name_or_place_is_refused() {
    let to = || target(1, "b");
    for naming in [Effect::Rename { to: to() }, Effect::Move { to: to() }] {
        let mut world = world(&[(1, "a", &[]), (2, "B", &[])]);
        let results = world.run(of_one([naming, handover(1), add([6])]));
        assert_eq!(words(&results), ["refused", "failed", "done"]);
        assert!(message(&results, 1).starts_with("a group changes its policy together with"));
        assert_eq!(world.values(1, "extensionName"), ["other".to_owned(), record(1)]);
    }
    let mut world = world(&[(1, "a", &[])]);
    let rename = change(1, target(1, "a"), Effect::Rename { to: to() });
    let results = world.run(vec![rename, change(1, to(), handover(1))]);
    assert_eq!(words(&results), ["done", "done"]);
}

#[test]
fn nothing_is_tried_for_a_group_that_did_not_come_to_be() {
    for number in [5, 7] {
        let mut world = world(&[(1, "S", &[])]);
        world.bury(7, "gone");
        let first = match number {
            5 => create(5, "s"),
            _ => change(7, target(7, "s"), restore(7)),
        };
        let at = first.target.clone();
        let effects = [
            Effect::Rename { to: target(number, "b") },
            handover(number),
            update("description", None, Some("x")),
            TO_SECURITY,
            add([6]),
            remove([6]),
            reactivation(number, "Filling"),
            disable(number),
            deletion(),
        ];
        let later = effects.into_iter().map(|effect| change(number, at.clone(), effect));
        let results = world.run([first].into_iter().chain(later).collect());
        assert_eq!(words(&results).first(), Some(&"refused"));
        assert!(words(&results).iter().skip(1).all(|word| *word == "failed"), "{results:?}");
        assert_eq!(world.operations.len(), 1);
    }
}

#[test]
fn a_failure_after_a_refused_name_stops_the_group_as_any_other_does() {
    let mut world = world(&[(1, "a", &[5]), (2, "B", &[])]);
    let mine = update("description", Some("old"), Some("new"));
    let results = world.run(of_one([Effect::Rename { to: target(1, "b") }, mine, add([6])]));
    assert_eq!(words(&results), ["refused", "failed", "failed"]);
    assert_eq!(world.members(1), [5]);
}

#[test]
fn an_object_is_looked_at_for_each_cloud_group_that_claims_it() {
    let mut world = world(&[(1, "a", &[])]);
    let results =
        world.run(vec![change(1, target(1, "a"), add([6])), change(2, target(1, "a"), add([7]))]);
    assert_eq!(words(&results), ["done", "failed"]);
    assert!(message(&results, 1).contains("ownership record"), "{results:?}");
    assert_eq!(world.members(1), [6]);
}

#[test]
fn an_adopted_group_is_ours_for_the_rest_of_the_pass() {
    for loss in [None, Some(Loss::Before(0)), Some(Loss::After(0))] {
        let mut world = unmarked();
        world.losses.extend(loss);
        let changes = of_one([adoption(1), update("description", None, Some("x")), add([100])]);
        let results = world.run(changes);
        assert!(results.iter().all(|result| result.outcome.achieved()), "{loss:?} {results:?}");
        let values = world.values(1, "extensionName");
        assert!(values.contains(&"other".to_owned()) && values.len() == 3, "{values:?}");
        assert_eq!(world.values(1, "adminDescription"), [id(1).anchor()]);
        assert_eq!(world.members(1), [100]);
    }
}

#[test]
fn what_cannot_be_adopted_any_more_is_left_alone_with_everything_of_its_group() {
    let cases: [(&str, &[&str], &str); 4] = [
        ("extensionName", &["writeback/v1;owner=other"], "ownership record"),
        ("objectClass", &["top", "user"], "no group"),
        ("adminCount", &["1"], "privileged"),
        ("isCriticalSystemObject", &["TRUE"], "privileged"),
    ];
    for (name, values, told) in cases {
        let mut world = unmarked();
        world.set(1, name, values);
        let results = world.run(of_one([adoption(1), add([100])]));
        assert_eq!(words(&results), ["failed", "failed"], "{name}");
        assert!(message(&results, 0).contains(told), "{name}: {results:?}");
        assert_eq!(world.operations, [], "{name}");
    }
    let mut moved = unmarked();
    moved.objects.get_mut(&guid(1)).unwrap().dn = Dn::parse("CN=a,DC=corp,DC=example").unwrap();
    assert_eq!(words(&moved.run(of_one([adoption(1)]))), ["failed"]);
    assert_eq!(moved.operations, []);
}

#[test]
fn nothing_is_done_to_a_group_whose_adoption_is_refused() {
    let mut world = unmarked();
    world.refused.push("adminDescription");
    let results = world.run(of_one([adoption(1), add([100])]));
    assert_eq!(words(&results), ["refused", "failed"]);
    assert_eq!(world.members(1), [0_u128; 0]);
}

#[test]
fn after_a_release_the_group_is_let_alone() {
    let mut world = world(&[(1, "a", &[])]);
    let results = world.run(of_one([release(1), add([100])]));
    assert_eq!(words(&results), ["done", "failed"]);
    assert!(message(&results, 1).contains("let go"), "{results:?}");
    assert_eq!(world.values(1, "extensionName"), ["other"]);
    assert_eq!(world.operations.len(), 1);
}

#[test]
fn a_record_of_another_owner_is_not_ours() {
    let others = record(1).replace("owner=corp", "owner=other");
    for (owner, wanted) in [("corp", "failed"), ("other", "done")] {
        let mut world = world(&[(1, "a", &[])]);
        world.set(1, "extensionName", &[&others]);
        let mut stepper = Stepper::of(of_one([add([100])]), containers(), 10).owned_by(owner);
        while let Some(step) = stepper.next() {
            let answer = match step {
                Step::Execute { operation, .. } => world.execute(&operation),
                Step::Verify { question, .. } => world.look(&question),
                Step::Wait(_) => Answer::Waited,
            };
            stepper.feed(answer);
        }
        assert_eq!(words(stepper.results()), [wanted], "{owner}");
    }
}

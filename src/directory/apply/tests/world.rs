//! A directory of groups that fits on one page: it takes the operations of the machine, answers as
//! a domain controller does, and loses the answers it is told to lose.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::directory::outcome::{Verdict, classify};

/// A group that nobody has marked yet.
pub(super) fn unmarked() -> World {
    let mut world = world(&[(1, "a", &[])]);
    world.set(1, "extensionName", &["other"]);
    world.set(1, "objectClass", &["top", "group"]);
    world
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) dn: Dn,
    pub(super) attributes: BTreeMap<String, BTreeSet<String>>,
    pub(super) members: BTreeSet<ObjectGuid>,
}

/// When the answer to the n-th operation is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    Before(usize),
    After(usize),
}

/// A directory of groups; members are bare GUIDs.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) objects: BTreeMap<ObjectGuid, Object>,
    /// What was deleted, as it was.
    pub(super) deleted: BTreeMap<ObjectGuid, Object>,
    /// Members a rule forbids.
    pub(super) forbidden: BTreeSet<ObjectGuid>,
    /// Members that are not there.
    pub(super) missing: BTreeSet<ObjectGuid>,
    /// Attributes that may not be written.
    pub(super) refused: Vec<&'static str>,
    pub(super) values_max: usize,
    pub(super) losses: Vec<Loss>,
    /// Every operation is answered so.
    pub(super) always: Option<Answer>,
    pub(super) operations: Vec<Operation>,
    pub(super) questions: usize,
    pub(super) waits: usize,
    next: u128,
}

pub(super) fn world(groups: &[(u128, &str, &[u128])]) -> World {
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
    pub(super) fn run(&mut self, changes: Vec<Change>) -> Vec<ChangeResult> {
        self.run_in_batches(changes, BATCH_VALUES_DEFAULT)
    }

    pub(super) fn run_in_batches(
        &mut self,
        changes: Vec<Change>,
        batch_values: usize,
    ) -> Vec<ChangeResult> {
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

    pub(super) fn execute(&mut self, operation: &Operation) -> Answer {
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

    pub(super) fn look(&mut self, question: &Question) -> Answer {
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
    pub(super) fn bury(&mut self, number: u128, cn: &str) {
        let attributes = [("samaccountname".to_owned(), BTreeSet::from(["s".to_owned()]))].into();
        let object = Object { dn: dn(cn), attributes, members: BTreeSet::new() };
        self.deleted.insert(guid(number), object);
    }

    pub(super) fn set(&mut self, number: u128, name: &str, values: &[&str]) {
        let values = values.iter().map(|text| (*text).to_owned()).collect();
        let object = self.objects.get_mut(&guid(number)).unwrap();
        object.attributes.insert(name.to_ascii_lowercase(), values);
    }

    pub(super) fn values(&self, number: u128, name: &str) -> Vec<String> {
        let object = self.objects.get(&guid(number)).unwrap();
        let values = object.attributes.get(&name.to_ascii_lowercase());
        values.into_iter().flatten().cloned().collect()
    }

    pub(super) fn members(&self, number: u128) -> Vec<u128> {
        let members = &self.objects.get(&guid(number)).unwrap().members;
        members.iter().map(|member| member.0.as_u128()).collect()
    }

    /// What stands there, without the GUIDs that creating hands out.
    pub(super) fn picture(&self) -> Vec<(String, Vec<String>, Vec<String>)> {
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

//! One world, one policy, one daemon, and everything that happens to them, step after step. After
//! each step the daemon passes until it is quiet, and the directory is compared with the oracle's.
//! `steps` says what happens.

#[path = "steps.rs"]
mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use uuid::Uuid;
use writeback::sim::tenant::{Cloud, NoSuchObject, Tenant};
use writeback::sim::world::WorldGroup;

use crate::course::Course;
use crate::daemon::{Daemon, Passed};
use crate::directory::{Object, SHOWN};
use crate::ground::{Ground, Side};
use crate::product::Product;
use crate::ready::Ready;
use crate::world::Cast;

/// Passes after a step until nothing is left to do, the quiet one among them.
const PASSES_MAX: usize = 4;

/// What went on.
pub struct Story {
    ground: Ground,
    cast: Cast,
    tenant: Tenant,
    product: Product,
    daemon: Option<Daemon>,
    ready: Ready,
    course: Course,
    complaints: Vec<String>,
    /// Passes by step.
    passes: Vec<(String, usize)>,
}

impl Story {
    /// A world, and nothing written yet.
    pub async fn open(side: Side, ready: Ready) -> Self {
        let (name, tag) = match ready {
            Ready::DefaultBehaviour => ("Everything", "ev"),
            Ready::OnlyConfigured => ("Everything configured", "ec"),
        };
        let mut ground = Ground::new(side, name).await;
        let cast = Cast::assemble(&mut ground, tag).await;
        let tenant = cast.tenant().await;
        let product = Product::new(&tenant, &ground.access);
        let course = Course::new(ready.rules(&ground.container));
        let mut story = Self {
            ground,
            cast,
            tenant,
            product,
            daemon: None,
            ready,
            course,
            complaints: Vec::new(),
            passes: Vec::new(),
        };
        story.policy(|text| text);
        story
    }

    /// Writes the ready policy, changed a little.
    fn policy(&mut self, change: impl Fn(String) -> String) {
        for (name, text) in self.ready.files(&self.ground.container) {
            self.product.write(&format!("policies/{name}"), &change(text));
        }
    }

    fn id(&self, name: &str) -> Uuid {
        self.cast.id(name)
    }

    fn cloud<R>(&self, edit: impl FnOnce(&mut Cloud) -> Result<R, NoSuchObject>) -> R {
        self.tenant.edit(edit).unwrap()
    }

    fn change(&self, name: &str, edit: impl FnOnce(&mut WorldGroup)) {
        let id = self.id(name);
        self.cloud(|cloud| cloud.change(id, edit));
    }

    fn flag(&self, name: &str, enabled: bool) {
        self.change(name, |group| group.writeback_enabled = Some(enabled));
    }

    /// Something changes in a group, whatever became of it.
    fn edit(&self, name: &str, number: u32) {
        let person = self.id(&format!("p{:02}", 9 + number));
        self.change(name, |group| {
            group.display_name = format!("{name}, edited {number}");
            group.members.push(person);
        });
    }

    /// The present DN of a written group.
    async fn dn(&mut self, name: &str) -> String {
        let guid = self.course.guid(self.cast.id(name)).unwrap_or_else(|| panic!("{name}: unseen"));
        let object = self.ground.directory.object(guid).await;
        object.unwrap_or_else(|| panic!("{name}: its object is gone")).dn
    }

    /// The present DN of an object that was there before us.
    async fn dn_of(&mut self, name: &str) -> String {
        let guid = self.cast.guid(name);
        self.ground.directory.object(guid).await.unwrap().dn
    }

    /// Passes until it is quiet, and compares.
    async fn settle(&mut self, step: &str) {
        let before = self.ground.objects().await;
        let cloud = self.tenant.cloud();
        self.course.advance(self.tenant.tenant_id(), &cloud, &self.cast.truth);
        let daemon = match self.daemon.take() {
            Some(daemon) => daemon,
            None => Daemon::start(&self.product),
        };
        let daemon = self.daemon.insert(daemon);
        let passes = daemon.settle(PASSES_MAX).await;
        self.passes.push((step.to_owned(), passes.len()));
        let after = self.ground.objects().await;
        let mut lines = restless(&passes);
        lines.extend(self.course.differences(&after, &self.cast.bystanders));
        lines.extend(self.bystanders(&before, &after));
        if !lines.is_empty() {
            self.complaints.push(format!("=== {step}\n{}", lines.join("\n")));
        }
    }

    /// The same where nothing is to be done.
    async fn nothing(&mut self, step: &str) {
        self.settle(step).await;
        if self.passes.last().is_some_and(|(_, count)| *count != 1) {
            self.complaints.push(format!("=== {step}\nit was for the product to do nothing"));
        }
    }

    /// What is none of the product's business is as it was, but for members that are gone.
    fn bystanders(&self, before: &[Object], after: &[Object]) -> Vec<String> {
        let inside = format!(",{}", self.ground.container);
        let is_bystander = |object: &&Object| {
            !object.dn.ends_with(&inside) || self.cast.bystanders.contains(&object.guid)
        };
        let living: BTreeSet<Uuid> = after.iter().map(|object| object.guid).collect();
        let mut lines = Vec::new();
        for old in before.iter().filter(is_bystander) {
            let Some(new) = after.iter().find(|object| object.guid == old.guid) else {
                lines.push(format!("the bystander {} is gone", old.dn));
                continue;
            };
            let (old_portrait, new_portrait) =
                (portrait(old, before, &living), portrait(new, after, &living));
            if old_portrait != new_portrait || old.dn != new.dn {
                lines.push(format!(
                    "the bystander {} was {old_portrait:?}, is {new_portrait:?}",
                    new.dn
                ));
            }
        }
        for new in after.iter().filter(is_bystander) {
            if !before.iter().any(|object| object.guid == new.guid) {
                lines.push(format!("the bystander {} is new", new.dn));
            }
        }
        lines
    }

    /// Ends; gives how many passes each step took, or everything that was not as it should be.
    async fn end(mut self) -> Vec<(String, usize)> {
        self.ground.clear().await;
        assert!(self.complaints.is_empty(), "\n{}\n", self.complaints.join("\n\n"));
        self.passes
    }
}

fn portrait(
    object: &Object,
    all: &[Object],
    living: &BTreeSet<Uuid>,
) -> BTreeMap<&'static str, BTreeSet<String>> {
    let member = |dn: &String| {
        let found = all.iter().find(|one| one.dn.eq_ignore_ascii_case(dn));
        match found {
            Some(object) => living.contains(&object.guid).then(|| object.guid.to_string()),
            None => Some(dn.clone()),
        }
    };
    let values = |name: &'static str| -> BTreeSet<String> {
        let values = object.values(name).iter();
        if name == "member" {
            values.filter_map(member).collect()
        } else {
            values.cloned().collect()
        }
    };
    SHOWN.into_iter().map(|name| (name, values(name))).collect()
}

/// Why passes are not as they should be.
fn restless(passes: &[Passed]) -> Vec<String> {
    let mut lines: Vec<String> = passes.iter().flat_map(|pass| pass.troubles.clone()).collect();
    if let Some(last) = passes.last().filter(|last| !last.is_quiet()) {
        let mut line = format!("pass {} is not quiet:\n", passes.len());
        let plan = last.plan.lines().take_while(|line| *line != "findings").take(30);
        for text in plan {
            let _ = writeln!(line, "    {text}");
        }
        lines.push(line);
    }
    lines
}

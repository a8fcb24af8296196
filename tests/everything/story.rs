//! One world, one policy, one daemon, and everything that happens to them, step after step. After
//! each step the daemon passes until it is quiet, and the directory is compared with the oracle's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use uuid::Uuid;
use writeback::sim::tenant::{Cloud, NoSuchObject, Tenant};
use writeback::sim::world::{GroupKind, Person, WorldGroup};

use crate::course::{Course, Leavers, Rules};
use crate::daemon::{Daemon, Passed};
use crate::directory::Object;
use crate::ground::{Ground, Side};
use crate::lab::{leaf_of, parent_of};
use crate::oracle::Flag;
use crate::product::Product;
use crate::world::Cast;

/// Passes after a step until nothing is left to do, the quiet one among them.
const PASSES_MAX: usize = 4;
/// `members.maximum` for a while: above every group but one.
const LOW: usize = 30;
/// Attributes of bystanders that are compared.
const SHOWN: [&str; 17] = [
    "objectClass",
    "cn",
    "sAMAccountName",
    "groupType",
    "displayName",
    "description",
    "info",
    "mail",
    "mailNickname",
    "proxyAddresses",
    "wWWHomePage",
    "adminDescription",
    "msDS-ExternalDirectoryObjectId",
    "extensionName",
    "adminCount",
    "primaryGroupID",
    "member",
];

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

/// Everything that happens.
impl Story {
    /// Lets it happen, to its end.
    pub async fn play(mut self) -> Vec<(String, usize)> {
        self.settle("first pass").await;
        self.in_the_directory().await;
        self.flags().await;
        self.soft_deletion().await;
        self.hard_deletion().await;
        self.renames().await;
        self.types().await;
        self.nested_children().await;
        self.over_the_limit().await;
        self.moved_member().await;
        self.deleted_by_hand().await;
        self.daemon = None;
        self.nothing("the daemon is started anew").await;
        self.end().await
    }

    /// Groups of the directory hold written groups, and accounts have them as primary groups: what
    /// the administrators do stays.
    async fn in_the_directory(&mut self) {
        for (parent, member) in [
            ("fileserver", "handmade"),
            ("fileserver", "sec on"),
            ("op parent", "parent"),
            ("op universal", "365 plain"),
        ] {
            let (parent, member) = (self.dn_of(parent).await, self.dn(member).await);
            self.ground.directory.add_value(&parent, "member", &member).await;
        }
        self.nothing("nested in groups of the directory").await;
        if self.ground.side == Side::Samba {
            // It keeps no primary group out of `member`, nor a type from changing.
            return;
        }
        for (account, group) in [("p20", "sec primary"), ("p21", "365 printers")] {
            let (account, written) = (self.dn_of(account).await, self.dn(group).await);
            let object = self.ground.directory.named(&written).await;
            let relative = object.relative_identifier().unwrap().to_owned();
            self.ground.directory.set(&account, "primaryGroupID", &[relative.as_bytes()]).await;
            let id = self.id(group);
            self.cast.truth.primary_groups.insert(id);
        }
        self.nothing("primary groups").await;
    }

    async fn flags(&mut self) {
        self.flag("swing 365", false);
        self.flag("swing sec", false);
        self.settle("flag off").await;
        self.edit("swing 365", 1);
        self.edit("swing sec", 1);
        self.nothing("changed while off").await;
        self.flag("swing 365", true);
        self.flag("swing sec", true);
        self.settle("flag on again").await;
    }

    async fn soft_deletion(&mut self) {
        for name in ["soft 365", "soft sec"] {
            let id = self.id(name);
            self.cloud(|cloud| cloud.soft_delete_group(id));
        }
        self.settle("soft delete").await;
        self.edit("soft 365", 1);
        self.edit("soft sec", 1);
        self.nothing("changed while deleted").await;
        for name in ["soft 365", "soft sec"] {
            let id = self.id(name);
            self.cloud(|cloud| cloud.restore_group(id));
        }
        self.settle("restore").await;
    }

    async fn hard_deletion(&mut self) {
        for name in ["gone 365", "gone sec"] {
            let id = self.id(name);
            self.cloud(|cloud| cloud.hard_delete_group(id));
        }
        self.settle("hard delete").await;
    }

    async fn renames(&mut self) {
        self.change("365 plain", |group| {
            group.display_name = "365, renamed".to_owned();
            group.description = None;
            group.mail = group.mail.as_ref().map(|mail| format!("new-{mail}"));
            group.mail_nickname = format!("new-{}", group.mail_nickname);
        });
        self.change("renamed sec", |group| {
            group.display_name = "RENAMED sec".to_owned();
            group.description = Some("After".to_owned());
        });
        self.settle("rename").await;
    }

    async fn types(&mut self) {
        for (name, kind) in [
            ("365 list", "universalSecurityGroup"),
            ("365 security", "UNIVERSALmailenabledsecurityGROUP"),
            ("365 mail security", "universaldistributiongroup"),
            ("365 printers", "UniversalDistributionGroup"),
            ("365 null", "universalMailEnabledSecurityGroup"),
            ("365 null, security", "universalDistributionGroup"),
        ] {
            self.change(name, |group| group.writeback_type = Some(kind.to_owned()));
        }
        self.settle("type change").await;
    }

    async fn nested_children(&mut self) {
        self.flag("child", false);
        self.settle("nested child disabled").await;
        self.flag("child", true);
        self.settle("nested child enabled again").await;
    }

    /// The child grows above its limit and stays nested; one that is above it from the start is
    /// not written until the limit is raised.
    async fn over_the_limit(&mut self) {
        let (child, parent) = (self.id("big child"), self.id("parent"));
        let newcomer = Uuid::new_v4();
        self.tenant.edit(|cloud| {
            let crowd: Vec<Uuid> = (0..LOW)
                .map(|number| {
                    let name = format!("crowd {number:02}");
                    let person = Person::new(Uuid::new_v4(), &name, &name.replace(' ', "-"));
                    let id = person.id;
                    cloud.create_person(Person { cloud_only: true, ..person });
                    id
                })
                .collect();
            let kind = GroupKind::Security;
            let mut group = WorldGroup::new(newcomer, "big newcomer", "big-newcomer", kind);
            group.writeback_enabled = Some(true);
            group.members.clone_from(&crowd);
            group.members.push(self.cast.id("p01"));
            cloud.create_group(group);
            cloud.change(child, |group| group.members.extend(crowd)).unwrap();
            cloud.add_member(parent, newcomer).unwrap();
        });
        self.policy(|text| {
            let kept: Vec<&str> =
                text.lines().filter(|line| !line.trim_start().starts_with("maximum:")).collect();
            let text = kept.join("\n");
            assert!(text.contains("\n  members:\n"), "the policy says nothing of members:\n{text}");
            text.replace("\n  members:\n", &format!("\n  members:\n    maximum: {LOW}\n")) + "\n"
        });
        self.course.set_maximum(Some(LOW));
        self.settle("nested child over its limit").await;
        self.edit("big child", 1);
        self.nothing("changed while over its limit").await;
        self.policy(|text| text);
        self.course.set_maximum(self.ready.rules("").maximum);
        self.settle("limit raised").await;
    }

    async fn moved_member(&mut self) {
        let unit = format!("OU=Moved,{}", self.ground.outside);
        self.ground.directory.add(&unit, "organizationalUnit", &[]).await;
        for name in ["p02", "guest linked", "op global", "p20"] {
            let dn = self.dn_of(name).await;
            assert_ne!(parent_of(&dn), unit);
            self.ground.directory.rename(&dn, &format!("{},{unit}", leaf_of(&dn))).await;
        }
        self.nothing("member moved to another OU in AD").await;
    }

    async fn deleted_by_hand(&mut self) {
        let names = ["handmade", "365 null", "crew 01"].into_iter();
        let there: Vec<&str> =
            names.filter(|name| self.course.stands(self.cast.id(name))).collect();
        for name in &there {
            let dn = self.dn(name).await;
            self.ground.directory.delete(&dn).await;
        }
        let ids: Vec<Uuid> = there.iter().map(|name| self.id(name)).collect();
        self.course.deleted_by_hand(&ids);
        self.settle("group deleted by hand in AD").await;
    }
}

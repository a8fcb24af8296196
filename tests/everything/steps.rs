//! What happens: in the cloud, in the directory, in the policy.

use uuid::Uuid;
use writeback::sim::world::{GroupKind, Person, WorldGroup};

use super::Story;
use crate::lab::{leaf_of, parent_of};

/// `members.maximum` for a while: above every group but one.
const LOW: usize = 30;

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
            "365, renamed".clone_into(&mut group.display_name);
            group.description = None;
            group.mail = group.mail.as_ref().map(|mail| format!("new-{mail}"));
            group.mail_nickname = format!("new-{}", group.mail_nickname);
        });
        self.change("renamed sec", |group| {
            "RENAMED sec".clone_into(&mut group.display_name);
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

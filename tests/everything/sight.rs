//! The oracle sees what it is there to see: whatever somebody changes by hand is a difference.

use crate::course::Course;
use crate::ground::{Ground, Side};
use crate::lab::{child, leaf_of};
use crate::product::Product;
use crate::ready::Ready;
use crate::world::Cast;

struct Sight {
    ground: Ground,
    cast: Cast,
    course: Course,
}

impl Sight {
    async fn dn(&mut self, name: &str) -> String {
        let guid = self.course.guid(self.cast.id(name)).unwrap();
        self.ground.directory.object(guid).await.unwrap().dn
    }

    async fn differences(&mut self) -> Vec<String> {
        let objects = self.ground.objects().await;
        self.course.differences(&objects, &self.cast.bystanders)
    }

    /// The one difference that there is now.
    async fn one(&mut self, part: &str) {
        let found = self.differences().await;
        let [only] = &found[..] else { panic!("{part}: {found:#?}") };
        assert!(only.contains(part), "{part}: {only}");
    }

    async fn none(&mut self) {
        assert_eq!(self.differences().await, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oracle_sees_whatever_somebody_changes() {
    let mut ground = Ground::new(Side::Simulated, "Sight").await;
    let cast = Cast::assemble(&mut ground, "si").await;
    let tenant = cast.tenant().await;
    let product = Product::new(&tenant, &ground.access);
    for (name, text) in Ready::DefaultBehaviour.files(&ground.container) {
        product.write(&format!("policies/{name}"), &text);
    }
    product.run(&["apply"]).expect(0);
    let mut course = Course::new(Ready::DefaultBehaviour.rules(&ground.container));
    course.advance(tenant.tenant_id(), &tenant.cloud(), &cast.truth);
    let mut sight = Sight { ground, cast, course };
    sight.none().await;

    let team = sight.dn("team 01").await;
    for (name, value) in [
        ("displayName", "another"),
        ("description", "another"),
        ("mail", "another@corp.example"),
        ("mailNickname", "another"),
        ("extensionName", "writeback/v1;owner=corp"),
        ("info", "another"),
    ] {
        let object = sight.ground.directory.named(&team).await;
        let before: Vec<String> = object.values(name).to_vec();
        let before: Vec<&[u8]> = before.iter().map(String::as_bytes).collect();
        sight.ground.directory.set(&team, name, &[value.as_bytes()]).await;
        sight.one(name).await;
        sight.ground.directory.set(&team, name, &before).await;
    }
    sight.none().await;

    let stranger = child("p24", &sight.ground.outside);
    sight.ground.directory.add_value(&team, "member", &stranger).await;
    sight.one("should not hold CN=p24").await;
    sight.ground.directory.remove_value(&team, "member", &stranger).await;
    let nested = sight.dn("child").await;
    let parent = sight.dn("parent").await;
    sight.ground.directory.remove_value(&parent, "member", &nested).await;
    sight.one("lacks the member").await;
    sight.ground.directory.add_value(&parent, "member", &nested).await;

    let unit = format!("OU=Elsewhere,{}", sight.ground.container);
    sight.ground.directory.add(&unit, "organizationalUnit", &[]).await;
    let moved = format!("{},{unit}", leaf_of(&team));
    sight.ground.directory.rename(&team, &moved).await;
    sight.one("stands below").await;
    sight.ground.directory.rename(&moved, &team).await;
    sight.none().await;

    // Deleted, and there again as another object.
    let anchor = format!("Group_{}", sight.cast.id("team 01"));
    sight.ground.directory.delete(&team).await;
    sight.one("is not there").await;
    let values = [
        ("sAMAccountName", anchor.as_bytes()),
        ("adminDescription", anchor.as_bytes()),
        ("groupType", b"8"),
    ];
    sight.ground.directory.add(&team, "group", &values).await;
    let found = sight.differences().await;
    assert!(found.iter().any(|line| line.contains("as before")), "{found:#?}");
    let extra = format!("CN=extra,{}", sight.ground.container);
    sight.ground.directory.add(&extra, "group", &[("groupType", b"8")]).await;
    let found = sight.differences().await;
    assert!(found.iter().any(|line| line.contains("should not be")), "{found:#?}");
}

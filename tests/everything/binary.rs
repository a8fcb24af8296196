//! The shipped binary in a world with one of everything: `plan`, `apply` and `status` say what is
//! so, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

use crate::course::Course;
use crate::ground::{Ground, Side};
use crate::product::Product;
use crate::ready::Ready;
use crate::world::Cast;

/// What there is to tell of which cloud group, and how often.
type Told = BTreeMap<(String, String), usize>;

/// What SEMANTICS 4 to 6 say there is to tell of this world whatever the flag does, beside users
/// without a link.
const FINDINGS: &[(&str, &str, usize)] = &[
    ("AddressTaken", "taken", 1),
    ("ChildNotWrittenBack", "mixed", 1),
    ("ConvertedFromDirectory", "converted", 1),
    ("ConvertedFromDirectory", "converted, false", 1),
    ("DeviceNotWrittenBack", "devices", 1),
    ("DomainLocalInUniversal", "mixed", 1),
    ("HiddenMembership", "365 hidden", 1),
    // An application, a contact, and an object of a type that nobody knows.
    ("MemberTypeSkipped", "mixed", 3),
    ("RoleAssignable", "365 role", 1),
    ("RoleAssignable", "sec role", 1),
    ("UnsupportedGroupKind", "mail list", 1),
    ("UnsupportedGroupKind", "mail security", 1),
    ("UnsupportedGroupKind", "unusual", 1),
    ("UnsupportedGroupType", "365 odd type", 1),
];

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in\n{text}"))
}

/// The findings of a plan or status, by code and the display name of the cloud group.
fn told(findings: &Value, names: &BTreeMap<Uuid, String>) -> Told {
    let mut told = Told::new();
    for finding in findings.as_array().unwrap() {
        let id = finding["group"].as_str().and_then(|id| id.parse().ok());
        let name = id.map_or_else(String::new, |id: Uuid| names[&id].clone());
        let code = finding["code"].as_str().unwrap().to_owned();
        *told.entry((code, name)).or_default() += 1;
    }
    told
}

/// What there is to tell, with this code for users without a link.
fn expected(without_link: &str, course: &Course, cast: &Cast) -> Told {
    let told = |code: &str, name: &str, count| ((code.to_owned(), name.to_owned()), count);
    let mut all: Told =
        FINDINGS.iter().map(|(code, name, count)| told(code, name, *count)).collect();
    let holders = ["365 null", "mixed"].into_iter().filter(|name| course.stands(cast.id(name)));
    all.extend(holders.map(|name| told(without_link, name, 1)));
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_commands_tell_what_is_so() {
    for ready in [Ready::DefaultBehaviour, Ready::OnlyConfigured] {
        commands(ready).await;
    }
}

async fn commands(ready: Ready) {
    let mut ground = Ground::new(Side::Simulated, "Commands").await;
    let cast = Cast::assemble(&mut ground, "co").await;
    let tenant = cast.tenant().await;
    let product = Product::new(&tenant, &ground.access);
    for (name, text) in ready.files(&ground.container) {
        product.write(&format!("policies/{name}"), &text);
    }
    product.run(&["validate"]).expect(0);
    let cloud = tenant.cloud();
    let mut course = Course::new(ready.rules(&ground.container));
    course.advance(tenant.tenant_id(), &cloud, &cast.truth);
    let names: BTreeMap<Uuid, String> =
        cloud.groups().map(|group| (group.id, group.display_name.clone())).collect();
    // Whom no pass has seen without a link before counts as one that lost it.
    let newcomers = expected("LinkLost", &course, &cast);

    let planned = product.run(&["plan"]).expect(2).stdout;
    let creations = format!("{} create", course.count());
    assert!(planned.lines().next().unwrap().contains(&creations), "{planned}");
    let plan = json(&product.run(&["plan", "--output", "json"]).expect(2).stdout);
    assert_eq!(plan["complete"], true);
    let created: BTreeSet<Uuid> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["kind"] == "create")
        .map(|change| change["group"].as_str().unwrap().parse().unwrap())
        .collect();
    let wanted: BTreeSet<Uuid> = names.keys().copied().filter(|id| course.stands(*id)).collect();
    assert_eq!(created, wanted);
    assert_eq!(told(&plan["findings"], &names), newcomers, "{planned}");

    let applied = product.run(&["apply"]).expect(0).stdout;
    // Only a plan without memory says what it could not compute.
    let (same, _) = planned.split_once("\nnot computed").unwrap();
    assert!(applied.starts_with(same), "{planned}\n---\n{applied}");
    let differences = course.differences(&ground.objects().await, &cast.bystanders);
    assert!(differences.is_empty(), "\n{}\n", differences.join("\n"));
    let quiet = product.run(&["plan"]).expect(0).stdout;
    assert!(quiet.starts_with("nothing waits"), "{quiet}");

    // An administrator nests a written group: who looks sees it.
    let written = course.guid(cast.id("sec on")).unwrap();
    let written = ground.directory.object(written).await.unwrap().dn;
    for name in ["fileserver", "op parent"] {
        let parent = ground.directory.object(cast.guid(name)).await.unwrap().dn;
        ground.directory.add_value(&parent, "member", &written).await;
    }
    let mut daemon = product.daemon();
    daemon.passes(2);
    product.reconfigure("status: '127.0.0.1:0'", &format!("status: '{}'", daemon.status));
    let text = product.run(&["status"]).expect(0).stdout;
    let status = json(&product.run(&["status", "--output", "json"]).expect(0).stdout);
    assert_eq!(status["lastPass"]["result"], "InStep", "{text}");
    assert_eq!(status["policies"][ready.name()]["groups"], course.count());
    let known = expected("NoCounterpart", &course, &cast);
    assert_eq!(told(&status["plan"]["findings"], &names), known, "{text}");
    let id = cast.id("sec on").to_string();
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(&id)).collect();
    let said = |parent: &str, what: &str| {
        lines.iter().any(|line| line.contains(&format!("CN={parent},")) && line.contains(what))
    };
    assert!(said("fileserver", "not synchronised"), "{text}");
    assert!(said("op parent", "does not show the nesting"), "{text}");
    daemon.signal("TERM");
    assert_eq!(daemon.wait(), Some(0));
}

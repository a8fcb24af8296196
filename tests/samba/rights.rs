//! The account may write where it was delegated, and nowhere else.

use writeback::sim::world::World;

use crate::product::{DirectoryAccess, Product};
use crate::stage::{Stage, Upkeep, spec};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_right_one_message_names_it_and_nothing_is_written() {
    let mut world = World::small(51);
    let mut stage = Stage::new("rights", &mut world, Upkeep::Always).await;
    assert_eq!(stage.expected().groups.len(), 8);
    stage.policy.container.clone_from(&stage.outside);
    stage.product =
        Product::new(&stage.tenant, &DirectoryAccess::lab(&stage.lab, &[&stage.outside]));
    stage.product.policy("rights", &spec(&stage.policy, Upkeep::Always));

    let ran = stage.run(&["apply"]).expect(1);
    let said = format!("{}\n{}", ran.stdout, ran.stderr);
    let about_rights: Vec<&str> =
        said.lines().filter(|line| line.to_lowercase().contains("right")).collect();
    assert_eq!(about_rights.len(), 1, "one message:\n{said}");
    for word in ["create", "group", &stage.outside] {
        assert!(about_rights[0].to_lowercase().contains(&word.to_lowercase()), "{word}:\n{said}");
    }
    assert!(stage.lab.groups(&stage.outside).is_empty());
    assert!(stage.lab.groups(&stage.container).is_empty());
}

//! Which side the metrics name for a read that was not whole.

use writeback::decide::guard::Answers;
use writeback::report::events::{Event, Sight};
use writeback::report::metrics::Metrics;

use crate::observed::Order;
use crate::passes::weigh;
use crate::world::{World, id, object, world};

/// What is counted for the tenant and for the domain after a pass over two groups.
fn counted(trouble: impl FnOnce(&mut World)) -> [String; 2] {
    let world = world().both("sales", &["ann"]).both("hr", &["bob"]).with(trouble);
    let decision = world.decide(Order::Given);
    let guarded = weigh(&world, &decision, &Answers::default());
    let (metrics, policies) = (Metrics::new(), world.policy_set());
    let directory = world.directory_snapshot();
    world.look(Order::Given, |inputs, members| {
        let (at, cloud, memory) = (world.now, inputs.cloud, &world.memory);
        let sight = Sight { at, cloud, members, directory: &directory, memory };
        let (policies, decision, guarded) = (&policies, &decision, &guarded);
        metrics.take(&Event::Planned { policies, decision, guarded, sight });
    });
    let text = metrics.text();
    ["tenant", "domain"].map(|side| {
        let series = format!("writeback_read_incomplete_total{{source=\"{side}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&series)).expect("it is told").to_owned()
    })
}

#[test]
fn what_a_side_did_not_show_is_counted_for_that_side() {
    let tenant = |world: &mut World| {
        world.members.insert(id("sales"), Err("503".to_owned()));
    };
    let domain = |world: &mut World| {
        world.domain.unread.insert(object("hr"), "the range broke off".to_owned());
    };
    assert_eq!(counted(|_| {}), ["0", "0"]);
    assert_eq!(counted(tenant), ["1", "0"]);
    assert_eq!(counted(domain), ["0", "1"]);
    assert_eq!(counted(|world| (tenant(world), domain(world)).0), ["1", "1"]);
    // What else the tenant does not tell is in no list of members.
    assert_eq!(counted(|world| world.flags = Err("403".to_owned())), ["1", "0"]);
}

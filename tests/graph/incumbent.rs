//! Whether Microsoft's own writeback is on: on, off, or not known.

use writeback::model::readiness::Incumbent;
use writeback::sim::tenant::{Fault, Order, Where};
use writeback::sim::world::{Synchronization, World};

use crate::bench::Bench;

const PATH: &str = "/v1.0/directory/onPremisesSynchronization";
const RIGHT: &str = "OnPremDirectorySynchronization.Read.All";

async fn bench(synchronization: Synchronization) -> Bench {
    let mut world = World::small(5);
    world.facts.synchronization = synchronization;
    let bench = Bench::new(&world).await;
    let mut roles = bench.tenant.roles();
    roles.push(RIGHT.to_owned());
    bench.tenant.set_roles(roles);
    bench
}

/// Why it is unknown.
async fn unknown(bench: &Bench) -> String {
    match bench.client().incumbent().await {
        Incumbent::Unknown(unread) => Some(unread.reason),
        Incumbent::On | Incumbent::Off => None,
    }
    .expect("the tenant does not say")
}

#[tokio::test]
async fn either_version_alone_is_on() {
    for (first, second, expected) in [
        (false, false, Incumbent::Off),
        (true, false, Incumbent::On),
        (false, true, Incumbent::On),
        (true, true, Incumbent::On),
    ] {
        let bench = bench(Synchronization::readable(first, second)).await;
        assert_eq!(bench.client().incumbent().await, expected, "{first} {second}");
    }
}

#[tokio::test]
async fn a_null_is_not_off() {
    let features = ["unifiedGroupWritebackEnabled", "groupWriteBackEnabled"];
    for feature in features {
        let mut synchronization = Synchronization::readable(false, false);
        synchronization.features.insert(feature.to_owned(), None);
        let bench = bench(synchronization.clone()).await;
        assert!(unknown(&bench).await.contains("null"));
        let other = features.into_iter().find(|other| *other != feature).unwrap();
        synchronization.features.insert(other.to_owned(), Some(true));
        bench.tenant.edit(|cloud| {
            cloud.change_facts(|facts| facts.synchronization = synchronization);
        });
        assert_eq!(bench.client().incumbent().await, Incumbent::On);
    }
}

#[tokio::test]
async fn a_tenant_that_refuses_or_fails_makes_it_unknown() {
    let bench = bench(Synchronization::readable(false, false)).await;
    for fault in [Fault::Unavailable503, Fault::Reset, Fault::Html200, Fault::WrongJson] {
        bench.tenant.clear_orders();
        bench.tenant.order_for(PATH, Order::always(Where::Any, fault.clone()));
        assert!(!unknown(&bench).await.is_empty(), "{fault:?}");
    }
    bench.tenant.clear_orders();
    let throttled = Fault::Throttled { retry_after: Some("0".to_owned()), scope: None };
    bench.tenant.order_for(PATH, Order::once(Where::Any, throttled));
    assert_eq!(bench.client().incumbent().await, Incumbent::Off);
    bench.tenant.set_roles(vec!["Group.Read.All".to_owned()]);
    let reason = unknown(&bench).await;
    assert!(reason.contains("403") && reason.contains(RIGHT), "{reason}");
}

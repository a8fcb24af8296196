//! Passes told by hand: what metrics make of time, of holds, and of a hundred thousand groups.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;
use writeback::decide::Decision;
use writeback::decide::conclude::ChangeResult;
use writeback::decide::guard::{Answers, Guarded, Scale, guard};
use writeback::model::change::{Cause, Change, Effect, MemberReference};
use writeback::model::cloud::Links;
use writeback::model::complete::End;
use writeback::model::directory::{DirectoryMember, DomainFacts, PrincipalClass};
use writeback::model::policy::PolicySet;
use writeback::model::{
    Approval, AttributeChange, CloudListing, CloudMembers, Complete, Containers, Digest,
    DirectorySnapshot, Dn, Memory, ObjectGuid, ObjectId, Outcome, PolicyName, Principal, Reading,
    TenantId,
};
use writeback::report::events::{Event, PassEnd, PassResult, Sight, Via};
use writeback::report::metrics::Metrics;

use crate::exposition::samples;

const CONTAINER: &str = "OU=Cloud Groups,DC=corp,DC=example";

/// Metrics, and the world that passes are told of.
struct Bench {
    metrics: Metrics,
    memory: Memory,
    cloud: CloudListing,
    members: CloudMembers,
    directory: DirectorySnapshot,
    number: u64,
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_secs(seconds)
}

fn whole<T, C: FromIterator<T>>(items: impl IntoIterator<Item = T>) -> Complete<C> {
    let mut reading = Reading::begin("test", at(0));
    reading.page(items);
    reading.finish(End::NoCookie).map(|items| items.into_iter().collect())
}

fn object(number: u128) -> ObjectGuid {
    ObjectGuid(Uuid::from_u128(number))
}

fn change(number: u128, effect: Effect, cause: Cause) -> Change {
    let containers = Containers::new(vec![Dn::parse(CONTAINER).unwrap()]);
    let dn = Dn::parse(&format!("CN=Group {number},{CONTAINER}")).unwrap();
    Change {
        policy: PolicyName::parse("everything").unwrap(),
        group: ObjectId(Uuid::from_u128(number)),
        label: format!("Group {number}"),
        target: containers.admit(object(number), dn).unwrap(),
        effect,
        cause,
    }
}

fn update() -> Effect {
    let name = "description".into();
    let attributes = vec![AttributeChange { name, before: None, after: Some("Money".to_owned()) }];
    Effect::Update { attributes }
}

fn removal(members: impl IntoIterator<Item = u128>, of: usize) -> Effect {
    let member = |number| MemberReference::Existing {
        guid: object(number),
        label: format!("member {number}"),
    };
    Effect::RemoveMembers { members: members.into_iter().map(member).collect(), of }
}

fn cloud() -> Cause {
    Cause::Cloud("the tenant".to_owned())
}

fn drift() -> Cause {
    Cause::Drift("a hand".to_owned())
}

impl Bench {
    fn new() -> Self {
        let directory = DirectorySnapshot {
            facts: DomainFacts {
                naming_context: Dn::parse("DC=corp,DC=example").unwrap(),
                server: "dc1".to_owned(),
                has_external_id: true,
                exchange_prepared: false,
            },
            principals: whole([]),
            groups: whole([]),
            occupied: whole([]),
            named: BTreeMap::new(),
            above: BTreeMap::new(),
            members: BTreeMap::new(),
            direct: BTreeMap::new(),
            addresses: BTreeMap::new(),
            deleted: BTreeMap::new(),
            unsuitable: BTreeMap::new(),
            limits: BTreeMap::new(),
        };
        let cloud = CloudListing {
            tenant: TenantId(Uuid::nil()),
            groups: whole([]),
            deleted: whole([]),
            flags: Ok(whole([])),
            controls: BTreeMap::new(),
            new_groups: Ok(true),
        };
        Self {
            metrics: Metrics::new(),
            memory: Memory::default(),
            cloud,
            members: CloudMembers { of: BTreeMap::new(), links: Links::Readable },
            directory,
            number: 0,
        }
    }

    /// A principal of the domain, with members where it is a group whose members were read.
    fn principal(&mut self, number: u128, members: Option<&[u128]>) {
        let class = if members.is_some() { PrincipalClass::Group } else { PrincipalClass::User };
        let principal = Principal {
            guid: object(number),
            sid: None,
            consistency_guid: None,
            class,
            dn: Dn::parse(&format!("CN=Object {number},DC=corp,DC=example")).unwrap(),
            sam_account_name: None,
            group_type: None,
            primary_group: None,
            device_id: None,
            privileged: false,
        };
        let known = self.directory.principals.value().values().cloned().chain([principal]);
        self.directory.principals = whole(known.map(|p| (p.guid, p)).collect::<Vec<_>>());
        if let Some(members) = members {
            let member =
                |number: &u128| DirectoryMember { guid: object(*number), dn: String::new() };
            let members: Complete<BTreeSet<_>> = whole(members.iter().map(member));
            self.directory.members.insert(object(number), Ok(members));
        }
    }

    /// A pass that begins at one second and ends at another, with these changes; `outcome` for
    /// those that the guard admits.
    fn pass(&mut self, (begun, ended): (i64, i64), changes: Vec<Change>, outcome: &Outcome) {
        let mut decision = Decision::default();
        decision.plan.changes = changes;
        let policies = PolicySet::default();
        let answers = Answers::default();
        let guarded: Guarded = {
            let scale = Scale::of(&policies, &self.memory, &decision, &answers, at(begun));
            guard(&decision.plan, &scale)
        };
        self.number += 1;
        let number = self.number;
        self.metrics.take(&Event::PassBegun { number, at: at(begun) });
        let sight = Sight {
            at: at(begun),
            cloud: &self.cloud,
            members: &self.members,
            directory: &self.directory,
            memory: &self.memory,
        };
        let (policies, decision) = (&policies, &decision);
        self.metrics.take(&Event::Planned { policies, decision, guarded: &guarded, sight });
        for change in guarded.admitted.changes() {
            self.metrics.take(&Event::ChangeMade(&ChangeResult {
                change: change.clone(),
                outcome: outcome.clone(),
                refused_members: Vec::new(),
                left_out: Vec::new(),
            }));
        }
        self.metrics.take(&Event::PassEnded(PassEnd {
            number,
            at: at(ended),
            seconds: at(ended).duration_since(at(begun)).as_secs_f64(),
            result: PassResult::Applied,
            changes_done: guarded.admitted.changes().len(),
            changes_failed: 0,
            held_changes: guarded.held.changes.len(),
            journal: None,
            conditions: BTreeMap::new(),
        }));
    }

    /// One sample at a time.
    #[track_caller]
    fn shows(&self, seconds: i64, series: &str, value: f64) {
        let text = self.metrics.text_at(at(seconds));
        let shown = samples(&text).get(series).copied();
        assert!(shown.is_some_and(|shown| (shown - value).abs() < 1e-6), "{series}: {shown:?}");
    }
}

fn done() -> Outcome {
    Outcome::Done { object: None }
}

fn failed() -> Outcome {
    Outcome::Failed { message: "busy".to_owned() }
}

#[test]
fn an_exposition_is_as_long_for_a_hundred_thousand_groups_as_for_ten() {
    let lines = |count: u128| {
        let mut bench = Bench::new();
        let changes = |cause: fn() -> Cause| {
            (0..count).map(|number| change(number, update(), cause())).collect::<Vec<_>>()
        };
        bench.pass((0, 1), changes(cloud), &failed());
        bench.pass((2, 3), changes(drift), &done());
        let text = bench.metrics.text_at(at(4));
        let pending = samples(&text)["writeback_groups{state=\"pending\"}"];
        assert!(pending.abs() < 1e-6, "all is made");
        assert!(!text.contains(&Uuid::from_u128(3).to_string()));
        text.lines().count()
    };
    assert_eq!(lines(10), lines(100_000));
}

#[test]
fn a_change_is_timed_from_the_pass_that_first_showed_it_to_the_one_that_made_it() {
    let mut bench = Bench::new();
    bench.pass((0, 1), vec![change(1, update(), cloud())], &failed());
    bench.shows(1, "writeback_groups{state=\"failed\"}", 1.0);
    bench.shows(1, "writeback_propagation_seconds_count", 0.0);
    bench.pass((60, 62), vec![change(1, update(), cloud())], &done());
    bench.shows(62, "writeback_propagation_seconds_count", 1.0);
    bench.shows(62, "writeback_propagation_seconds_sum", 62.0);
    bench.shows(62, "writeback_groups{state=\"failed\"}", 0.0);
    bench.shows(62, "writeback_groups{state=\"pending\"}", 0.0);
    // The next change of the same kind is another one.
    bench.pass((100, 101), vec![change(1, update(), cloud())], &done());
    bench.shows(101, "writeback_propagation_seconds_sum", 63.0);
    // What somebody did in the directory did not come from the tenant.
    bench.pass((200, 201), vec![change(1, update(), drift())], &done());
    bench.shows(201, "writeback_propagation_seconds_count", 2.0);
}

#[test]
fn what_a_guard_held_is_timed_from_its_release() {
    let mut bench = Bench::new();
    let held = || vec![change(1, removal(10..20, 20), cloud())];
    bench.pass((0, 1), held(), &done());
    bench.shows(1, "writeback_groups{state=\"held\"}", 1.0);
    bench.shows(1, "writeback_held_removals{kind=\"memberships\"}", 10.0);
    bench.pass((3_600, 3_601), vec![change(1, removal([10], 20), cloud())], &done());
    bench.shows(3_601, "writeback_propagation_seconds_count", 1.0);
    bench.shows(3_601, "writeback_propagation_seconds_sum", 1.0);
    bench.shows(3_601, "writeback_groups{state=\"held\"}", 0.0);
}

#[test]
fn drift_grows_old_until_it_is_put_right() {
    let mut bench = Bench::new();
    bench.pass((0, 1), vec![change(1, update(), drift())], &failed());
    bench.pass((60, 61), vec![change(1, update(), drift())], &failed());
    bench.shows(90, "writeback_oldest_drift_age_seconds", 90.0);
    bench.shows(90, "writeback_drift_objects{cause=\"attributes\"}", 1.0);
    bench.pass((120, 121), vec![change(1, update(), drift())], &done());
    bench.shows(150, "writeback_oldest_drift_age_seconds", 0.0);
    bench.shows(150, "writeback_drift_objects{cause=\"attributes\"}", 0.0);
}

#[test]
fn people_behind_a_hold_are_counted_once_and_through_nested_groups() {
    let mut bench = Bench::new();
    for person in 10..20 {
        bench.principal(person, None);
    }
    // One group inside another and back, and one whose members nobody read.
    bench.principal(30, Some(&[10, 11, 40]));
    bench.principal(40, Some(&[12, 30]));
    let members = || [10, 11, 13, 14, 30, 50];
    let changes =
        vec![change(1, removal(members(), 6), cloud()), change(2, removal(members(), 6), cloud())];
    bench.pass((0, 1), changes, &done());
    // 10, 11, 12, 13, 14, and 50 as one.
    bench.shows(1, "writeback_held_people", 6.0);
    bench.shows(61, "writeback_oldest_held_age_seconds", 61.0);
    bench.pass((100, 101), Vec::new(), &done());
    bench.shows(161, "writeback_held_people", 0.0);
    bench.shows(161, "writeback_oldest_held_age_seconds", 0.0);
}

#[test]
fn an_approval_counts_until_it_ends() {
    let mut bench = Bench::new();
    for (name, end) in [("one", 100), ("another", 200)] {
        let approval = Approval {
            items: BTreeSet::new(),
            approved_by: "root (uid 0)".to_owned(),
            at: at(0),
            not_after: at(end),
        };
        bench.memory.approvals.insert(Digest::of(name.as_bytes()), approval);
    }
    for (begun, lasting) in [(10, 2.0), (110, 1.0), (210, 0.0)] {
        bench.pass((begun, begun + 1), Vec::new(), &done());
        bench.shows(begun + 1, "writeback_overrides_active", lasting);
    }
}

#[test]
fn the_loop_is_a_queue_with_one_key() {
    let mut bench = Bench::new();
    bench.metrics.take(&Event::Next { at: at(100) });
    bench.shows(50, "workqueue_depth{name=\"reconcile\"}", 0.0);
    bench.shows(110, "workqueue_depth{name=\"reconcile\"}", 1.0);
    bench.pass((130, 140), Vec::new(), &done());
    bench.shows(141, "workqueue_depth{name=\"reconcile\"}", 0.0);
    bench.shows(141, "workqueue_queue_duration_seconds_sum{name=\"reconcile\"}", 30.0);
    bench.shows(141, "workqueue_work_duration_seconds_sum{name=\"reconcile\"}", 10.0);
    bench.metrics.take(&Event::PassBegun { number: 2, at: at(200) });
    bench.shows(260, "workqueue_unfinished_work_seconds{name=\"reconcile\"}", 60.0);
    bench.shows(260, "workqueue_longest_running_processor_seconds{name=\"reconcile\"}", 60.0);
    // A look that nobody wrote on has ended: the loop is about something else.
    bench.metrics.take(&Event::Reloaded { via: Via::Poll, changed: true });
    bench.shows(270, "workqueue_unfinished_work_seconds{name=\"reconcile\"}", 0.0);
    bench.shows(270, "writeback_reload_missed_total", 1.0);
    bench.shows(270, "writeback_reload_trigger_total{via=\"poll\"}", 1.0);
}

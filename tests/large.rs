//! Groups at the limits that Microsoft's plan for group writeback names: 50,000 members of a
//! Microsoft 365 group, 250,000 of a security group. Everybody has an account of the simulated
//! domain; the passes are those of the daemon, in this process.

#![cfg(feature = "sim")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "a failed unwrap is the failed test, and no test needs everything of the support"
)]

#[path = "everything/daemon.rs"]
mod daemon;
#[path = "support/ldaps.rs"]
mod ldaps;
#[path = "support/product.rs"]
mod product;

use std::collections::BTreeSet;

use ldap3::{Scope, SearchEntry};
use uuid::Uuid;
use writeback::model::FindingCode;
use writeback::sim::domain::{Domain, DomainOptions};
use writeback::sim::tenant::Tenant;
use writeback::sim::world::{GroupKind, World, WorldGroup};

use daemon::{Daemon, Passed};
use ldaps::bound;
use product::{DirectoryAccess, Product};

const CONTAINER: &str = "OU=Cloud Groups,DC=corp,DC=example";
/// What a domain controller gives at once (MS-ADTS 3.1.1.3.1.3.3, MaxValRange).
const RANGE: usize = 1_500;
/// The default for Microsoft 365 groups.
const MICROSOFT365: usize = 50_000;
/// The default for security groups, and the most that can be set.
const SECURITY: usize = 250_000;

/// A tenant with one group, a domain with all its members, and the product between them.
struct Stage {
    id: Uuid,
    members: Vec<Uuid>,
    tenant: Tenant,
    domain: Domain,
    product: Product,
}

impl Stage {
    /// Everybody of a crowd is a member and has an account.
    async fn new(kind: GroupKind, count: usize) -> Self {
        let domain = Domain::start(DomainOptions::default()).await.unwrap();
        let sid = domain.domain_sid();
        Self::with(domain, kind, count, Some(&sid)).await
    }

    /// Everybody of a crowd is a member; with an account in the domain of this SID, if any.
    async fn with(domain: Domain, kind: GroupKind, count: usize, sid: Option<&str>) -> Self {
        let mut world = World::empty(5, "Large");
        let members = world.add_crowd(count, sid);
        let id = Uuid::from_u128(1);
        let mut group = WorldGroup::new(id, "Everybody", "everybody", kind);
        group.writeback_enabled = Some(true);
        group.members.clone_from(&members);
        world.groups.push(group);
        let base = domain.base_dn();
        domain.edit(|tree| {
            tree.add_ou("Cloud Groups", &base).unwrap();
            let people = tree.add_ou("People", &base).unwrap();
            for person in &world.people {
                let (name, Some(link)) = (&person.sam_account_name, &person.link) else { continue };
                tree.add_user(name, &people, name, Some(link.guid), Some(&link.sid)).unwrap();
            }
        });
        domain.delegate(CONTAINER).unwrap();
        let tenant = Tenant::start(&world).await.unwrap();
        let product = Product::new(&tenant, &DirectoryAccess::simulated(&domain, &[CONTAINER]));
        let stage = Self { id, members, tenant, domain, product };
        stage.maximum(None);
        stage
    }

    fn maximum(&self, maximum: Option<usize>) {
        let maximum = maximum.map(|count| format!("\n  members: {{ maximum: {count} }}"));
        let spec = format!(
            "  mode: Sync\n  group:\n    container: {{ value: '{CONTAINER}' }}\n    mail: Never{}",
            maximum.unwrap_or_default()
        );
        self.product.policy("large", &spec);
    }

    fn rename(&self, name: &str) {
        self.tenant.edit(|cloud| cloud.rename_group(self.id, name)).unwrap();
    }

    fn dn(&self) -> String {
        format!("CN=Group_{},{CONTAINER}", self.id)
    }

    fn is_there(&self) -> bool {
        self.domain.edit(|tree| tree.exists(&self.dn()))
    }

    fn display_name(&self) -> Vec<String> {
        self.domain.edit(|tree| tree.values(&self.dn(), "displayName"))
    }

    fn guid(&self) -> Option<Uuid> {
        self.domain.edit(|tree| tree.guid_of(&self.dn()))
    }

    /// The accounts of these people, by DN.
    fn accounts(&self, people: &[Uuid]) -> BTreeSet<String> {
        let cloud = self.tenant.cloud();
        let name = |id: &Uuid| {
            let account = &cloud.person(*id).unwrap().sam_account_name;
            format!("CN={account},OU=People,{}", "DC=corp,DC=example")
        };
        people.iter().map(name).collect()
    }

    /// The members as a client reads them: range after range. Gives the number of ranges too.
    async fn read_back(&self) -> (BTreeSet<String>, usize) {
        let (url, account) = (self.domain.url(), self.domain.service_account());
        let ca_pem = self.domain.ca_pem();
        let mut ldap = bound(&url, ca_pem, &account.account_name, &account.password).await;
        let (mut read, mut ranges) = (BTreeSet::new(), 0);
        loop {
            let wanted = format!("member;range={}-*", read.len());
            let scope = Scope::Base;
            let answer = ldap.search(&self.dn(), scope, "(objectClass=*)", vec![wanted]).await;
            let (entries, _) = answer.unwrap().success().unwrap();
            let entry = SearchEntry::construct(entries.into_iter().next().unwrap());
            let (name, values) =
                entry.attrs.into_iter().find(|(name, _)| name.starts_with("member;")).unwrap();
            assert!(values.len() <= RANGE, "{} values at once", values.len());
            ranges += 1;
            read.extend(values);
            if name.ends_with("-*") {
                break;
            }
        }
        (read, ranges)
    }
}

/// The group is left alone because it is too large, and the finding has both numbers.
#[track_caller]
fn is_too_large(pass: &Passed, count: usize, maximum: usize) {
    assert_eq!((pass.changes, &pass.troubles), (0, &Vec::new()), "{}", pass.plan);
    let [finding] = &pass.findings[..] else { panic!("{:#?}", pass.findings) };
    assert_eq!(finding.code, FindingCode::TooManyMembers);
    let told: Vec<usize> = finding
        .message
        .replace(',', "")
        .split(|character: char| !character.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect();
    let both = told.contains(&count) && told.contains(&maximum);
    assert!(both, "{}", finding.message);
}

#[track_caller]
fn is_written(pass: &Passed) {
    assert!(pass.changes > 0 && pass.troubles.is_empty(), "{:?}\n{}", pass.troubles, pass.plan);
    assert_eq!(pass.findings, []);
}

#[track_caller]
fn is_quiet(pass: &Passed) {
    assert!(pass.is_quiet(), "{:?}\n{}", pass.troubles, pass.plan);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_microsoft365_group_beyond_50000_members_waits_until_its_maximum_is_raised() {
    let stage = Stage::new(GroupKind::Microsoft365, MICROSOFT365 + 1).await;
    let mut daemon = Daemon::start(&stage.product);
    is_too_large(&daemon.pass().await, MICROSOFT365 + 1, MICROSOFT365);
    assert!(!stage.is_there());

    stage.maximum(Some(SECURITY));
    is_written(&daemon.pass().await);
    let (read, ranges) = stage.read_back().await;
    assert!(read == stage.accounts(&stage.members), "{} members", read.len());
    assert_eq!(ranges, (MICROSOFT365 + 1).div_ceil(RANGE));
    let guid = stage.guid();

    // It exists now: it is frozen, and follows again once it may.
    stage.maximum(None);
    stage.rename("Everybody, renamed");
    let pass = daemon.pass().await;
    is_too_large(&pass, MICROSOFT365 + 1, MICROSOFT365);
    assert!(pass.plan.contains("= freeze"), "{}", pass.plan);
    assert_eq!(stage.display_name(), ["Everybody"]);
    stage.maximum(Some(MICROSOFT365 + 1));
    is_written(&daemon.pass().await);
    assert_eq!(stage.display_name(), ["Everybody, renamed"]);
    assert_eq!(stage.guid(), guid);
    is_quiet(&daemon.pass().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_security_group_of_250000_members_is_written_and_read_back_by_range() {
    let stage = Stage::new(GroupKind::Security, SECURITY).await;
    let mut daemon = Daemon::start(&stage.product);
    is_written(&daemon.pass().await);
    let (read, ranges) = stage.read_back().await;
    assert!(read == stage.accounts(&stage.members), "{} members", read.len());
    assert_eq!(ranges, SECURITY.div_ceil(RANGE));

    stage.domain.clear_operations();
    is_quiet(&daemon.pass().await);
    assert!(!stage.domain.operations().iter().any(|operation| operation.kind.is_write()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_security_group_of_250001_members_is_not_written() {
    // Who has an account makes no difference to the count.
    let domain = Domain::start(DomainOptions::default()).await.unwrap();
    let stage = Stage::with(domain, GroupKind::Security, SECURITY + 1, None).await;
    let mut daemon = Daemon::start(&stage.product);
    is_too_large(&daemon.pass().await, SECURITY + 1, SECURITY);
    assert!(!stage.is_there());
}

//! An estate with one planted problem of each kind: every one is found, and nothing else.

use serde_json::{Value, json};
use uuid::Uuid;
use writeback::sim::domain::{DomainOptions, Rights, Tree};
use writeback::sim::tenant::{self, Tenant};
use writeback::sim::world::{
    DeviceTrust, DirectorySetting, GroupKind, OtherObject, Person, Synchronization, World,
    WorldGroup,
};

use crate::product::Product;
use crate::stage::{CONTAINER, PEOPLE, Stage};
use crate::{assert_explained, assert_found, discovery, grant};

/// A domain local security group (MS-ADTS 2.2.12).
const DOMAIN_LOCAL: i32 = -2_147_483_644;
/// A global security group.
const GLOBAL: i32 = -2_147_483_646;

/// What the tenant grants: `Mail.ReadWrite` is nothing that is needed, `Member.Read.Hidden` is
/// missing.
pub(crate) const RIGHTS: [&str; 5] = [
    "Device.Read.All",
    "Group.Read.All",
    "Mail.ReadWrite",
    "OnPremDirectorySynchronization.Read.All",
    "User.Read.All",
];

/// The two policies: one for everything, of at most six members, and one for a hidden group.
pub(crate) fn policies(product: &Product, container: &str, hidden: Uuid) {
    let container = format!("  group: {{ container: {{ value: '{container}' }} }}");
    product.policy("planted", &format!("  mode: Sync\n{container}\n  members: {{ maximum: 6 }}"));
    let selection = format!(
        "  selection: {{ hiddenMembership: Write, writebackFlag: Ignore, \
         include: [{{ ids: [{hidden}] }}] }}"
    );
    product.policy("secret", &format!("  mode: Sync\n  precedence: 50\n{selection}\n{container}"));
}

/// Plants everything that can be wrong in the cloud; gives the hidden group that a policy writes.
/// `local` is the SID of a domain local group of the directory.
pub(crate) fn plant_cloud(tenant: &Tenant, local: &str) -> Uuid {
    let group = |name: &str, nickname: &str, kind: GroupKind| {
        WorldGroup::new(Uuid::new_v4(), name, nickname, kind)
    };
    let secret = Uuid::new_v4();
    tenant.edit(|cloud| {
        let id = |name: &str| cloud.group_named(name).unwrap().id;
        let (finance, contractors, admins) =
            (id("Finance"), id("Contractors"), id("APP-Payroll-Admins"));
        cloud.create_group(group("All Staff List", "all-staff", GroupKind::DistributionList));
        cloud.create_group(group("Old Mail Group", "old-mail", GroupKind::MailEnabledSecurity));
        let unusual = GroupKind::Unusual {
            group_types: vec!["Tomorrow".to_owned()],
            mail_enabled: false,
            security_enabled: false,
        };
        cloud.create_group(group("Strange Group", "strange", unusual));
        let converted = group("Once On Premises", "once", GroupKind::Security);
        cloud.create_group(converted.converted("S-1-5-21-1-2-3-4711", Some(false)));
        let mut hidden = group("Quiet Circle", "quiet", GroupKind::Microsoft365);
        hidden.visibility = Some("HiddenMembership".to_owned());
        cloud.create_group(hidden.clone());
        let name = "Quiet Board".to_owned();
        cloud.create_group(WorldGroup { id: secret, display_name: name, ..hidden });
        let mut roles = group("Role Holders", "role-holders", GroupKind::Security);
        roles.role_assignable = Some(true);
        roles.writeback_enabled = Some(true);
        cloud.create_group(roles);
        cloud.set_flag(admins, Some(false), None).unwrap();
        let outsider = Person::new(Uuid::new_v4(), "Olga Outsider", "olga");
        let outsider = Person { cloud_only: true, ..outsider };
        let (outsider_id, device, group_id) = (outsider.id, Uuid::new_v4(), Uuid::new_v4());
        cloud.create_person(outsider);
        cloud.add_member(finance, outsider_id).unwrap();
        let phone = OtherObject::device(device, "Phone", Uuid::new_v4(), DeviceTrust::Registered);
        cloud.create_other(phone);
        cloud.add_member(contractors, device).unwrap();
        let readers = WorldGroup::new(group_id, "Local Readers", "readers", GroupKind::Security);
        cloud.create_group(readers.mastered_on_premises(local));
        cloud.add_member(contractors, group_id).unwrap();
        cloud.change_facts(|facts| {
            facts.licences.clear();
            facts.settings = vec![DirectorySetting::unified(Some("false"))];
            facts.synchronization = Synchronization::readable(true, true);
        });
    });
    secret
}

/// What is found of it.
pub(crate) const IN_CLOUD: [(&str, &str); 17] = [
    ("LicenceMissing", "Entra ID P1"),
    ("MicrosoftWritebackOn", "version 1"),
    ("MicrosoftWritebackOn", "version 2"),
    ("RightExcess", "Mail.ReadWrite"),
    ("RightMissing", "Member.Read.Hidden"),
    ("MembersUnread", "Quiet Board"),
    ("UnsupportedGroupKind", "All Staff List"),
    ("UnsupportedGroupKind", "Old Mail Group"),
    ("UnsupportedGroupKind", "Strange Group"),
    ("ConvertedFromDirectory", "Once On Premises"),
    ("HiddenMembership", "Quiet Circle"),
    ("RoleAssignable", "Role Holders"),
    ("ChildNotWrittenBack", "APP-Payroll-Users"),
    ("DomainLocalInUniversal", "Contractors"),
    ("DeviceNotWrittenBack", "Contractors"),
    ("NoCounterpart", "Finance"),
    ("TooManyMembers", "All Employees"),
];

/// Plants what can be wrong in the directory. The last two are directory groups of others.
fn plant_domain(stage: &Stage) -> [String; 2] {
    let board = stage.id("Board");
    let base = stage.domain.base_dn();
    let strangers = stage.domain.edit(|tree: &mut Tree| {
        for name in ["Undelegated", "Generous"] {
            tree.add_ou(name, &base).unwrap();
        }
        tree.add_group(&format!("Group_{board}"), CONTAINER, "in-the-way", GLOBAL).unwrap();
        let connect = tree.add_group("Written By Connect", PEOPLE, "connect", GLOBAL).unwrap();
        let anchor = format!("Group_{}", Uuid::new_v4());
        tree.set(&connect, "adminDescription", &[&anchor]).unwrap();
        let other = tree.add_group("Written By Another", PEOPLE, "another", GLOBAL).unwrap();
        let record = format!(
            "writeback/v1;owner=other;tenant={};policy=theirs;id={};state=Active",
            Uuid::new_v4(),
            Uuid::new_v4()
        );
        tree.set(&other, "extensionName", &[&record]).unwrap();
        [connect, other]
    });
    let generous = "OU=Generous,DC=corp,DC=example";
    stage.domain.delegate(generous).unwrap();
    let account = stage.domain.service_account().dn.clone();
    let rights = Rights { create: vec!["user".to_owned()], ..Rights::default() };
    stage.domain.grant(&account, generous, rights).unwrap();
    stage.product.reconfigure(
        "containers: ['OU=Cloud Groups,DC=corp,DC=example']",
        "containers: ['OU=Cloud Groups,DC=corp,DC=example', 'OU=Undelegated,DC=corp,DC=example', \
         'OU=Generous,DC=corp,DC=example', 'OU=Nowhere,DC=corp,DC=example', \
         'OU=Far,DC=other,DC=example']",
    );
    strangers
}

/// What is found of it, and the two directory groups of others.
const IN_DOMAIN: [(&str, &str); 9] = [
    ("AnchorAttributeMissing", "msDS-ExternalDirectoryObjectId"),
    ("ContainerMissing", "OU=Nowhere,DC=corp,DC=example"),
    ("ContainerOutsideDomain", "OU=Far,DC=other,DC=example"),
    ("DirectoryRightExcess", "OU=Generous,DC=corp,DC=example"),
    ("DirectoryRightMissing", "OU=Undelegated,DC=corp,DC=example"),
    ("ExchangeNotPrepared", "planted"),
    ("NameTaken", "Board"),
    ("RecycleBinOff", "DC=corp,DC=example"),
    ("SeveralDomains", "DC=emea,DC=corp,DC=example"),
];

/// The estate with everything wrong, and what is to be found of the directory groups of others.
pub(crate) fn planted() -> (Stage, [String; 2]) {
    let options = DomainOptions {
        exchange: false,
        external_id: false,
        recycle_bin: false,
        other_domains: vec!["DC=emea,DC=corp,DC=example".to_owned()],
        ..DomainOptions::default()
    };
    let stage = Stage::with(World::small(7), tenant::Options::default(), options);
    grant(&stage, &RIGHTS);
    let local = stage.domain.edit(|tree| {
        let dn = tree.add_group("Local Readers", PEOPLE, "local-readers", DOMAIN_LOCAL).unwrap();
        tree.sid_of(&dn).unwrap()
    });
    let hidden = plant_cloud(&stage.tenant, &local);
    policies(&stage.product, CONTAINER, hidden);
    let strangers = plant_domain(&stage);
    (stage, strangers)
}

#[test]
fn every_planted_problem_is_found_and_nothing_else() {
    let (stage, [connect, other]) = planted();
    let found = discovery(&stage.product, 4);
    let strangers = [("Foreign", connect.as_str()), ("OwnedElsewhere", other.as_str())];
    assert_found(&found, &[&IN_CLOUD[..], &IN_DOMAIN, &strangers].concat());
    assert_explained(&found);
    assert_eq!(found["recommendation"]["approach"], "only-configured");
    assert_eq!(found["facts"]["tenant"]["newMicrosoft365GroupsAreWrittenBack"], false);
    let needed = &found["facts"]["tenant"]["neededRights"];
    let expected = ["Group.Read.All", "User.Read.All", "Device.Read.All", "Member.Read.Hidden"];
    assert_eq!(needed, &json!(expected));
    let domain = &found["facts"]["domain"];
    assert_eq!(domain["preparedForExchange"], "no");
    assert_eq!(domain["domainFunctionalLevel"], "Windows Server 2012 R2");
    assert!(stage.writes().is_empty(), "{:?}", stage.writes());
    for (name, planted, secret) in [
        ("All Employees", "Blocked", "NotSelected"),
        ("Board", "Blocked", "NotSelected"),
        ("Engineering", "Written", "NotSelected"),
        ("Quiet Board", "Never", "Blocked"),
        ("Quiet Circle", "Never", "NotSelected"),
    ] {
        let group = found["groups"].as_array().unwrap().iter().find(|one| one["name"] == name);
        let verdicts = &group.unwrap()["policies"];
        assert_eq!(
            (&verdicts[0]["verdict"], &verdicts[1]["verdict"]),
            (&json!(planted), &json!(secret))
        );
    }
}

#[test]
fn a_policy_that_only_observes_or_is_suspended_is_judged_as_if_it_wrote() {
    for (from, to) in [
        ("mode: Sync\n  group", "mode: Observe\n  group"),
        ("mode: Sync\n  group", "mode: Sync\n  suspend: true\n  group"),
    ] {
        let (stage, [connect, other]) = planted();
        let path = stage.product.path().join("policies/planted.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        stage.product.write("policies/planted.yaml", &text.replace(from, to));
        let found = discovery(&stage.product, 4);
        let strangers = [("Foreign", connect.as_str()), ("OwnedElsewhere", other.as_str())];
        assert_found(&found, &[&IN_CLOUD[..], &IN_DOMAIN, &strangers].concat());
    }
}

#[test]
fn foreign_groups_are_told_apart_by_their_marks() {
    let stage = crate::clean_stage();
    let anchor = || format!("Group_{}", Uuid::new_v4());
    let cases = [
        ("Connect", vec![("adminDescription", anchor())], "Entra Connect group writeback"),
        ("Alone", vec![("msDS-ExternalDirectoryObjectId", anchor())], "anchor alone"),
        (
            "Taken",
            vec![("adminDescription", format!("TakenOver_{}", anchor()))],
            "which took it over",
        ),
        (
            "Both",
            {
                let anchor = anchor();
                vec![
                    ("adminDescription", anchor.clone()),
                    ("msDS-ExternalDirectoryObjectId", anchor),
                ]
            },
            "Cloud Sync (or of Entra Connect, moved",
        ),
        ("Odd", vec![("extensionName", "writeback/v9;owner=corp".to_owned())], "cannot read"),
    ];
    for (name, marks, _) in &cases {
        stage.domain.edit(|tree| {
            let dn = tree.add_group(name, PEOPLE, name, GLOBAL).unwrap();
            for (attribute, value) in marks {
                tree.set(&dn, attribute, &[value]).unwrap();
            }
        });
    }
    let found = discovery(&stage.product, 0);
    assert_eq!(found["problems"].as_array().unwrap().len(), cases.len(), "{found:#}");
    let what = |name: &str| -> Value {
        let subject = format!("CN={name},{PEOPLE}");
        let problems = found["problems"].as_array().unwrap();
        problems.iter().find(|one| one["subject"] == subject).unwrap()["what"].clone()
    };
    for (name, _, expected) in cases {
        assert!(what(name).as_str().unwrap().contains(expected), "{name}: {}", what(name));
    }
}

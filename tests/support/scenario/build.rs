//! Makes a scenario's world: first the directory, which gives out objectGUIDs and SIDs, then the
//! tenant, which repeats them.

use serde_json::{Value, json};
use uuid::Uuid;
use writeback::sim::tenant::Cloud;
use writeback::sim::world::{
    DeviceTrust, GroupKind, Link, OtherObject, Person, TenantFacts, World, WorldGroup,
};

use super::names::Names;
use super::side::Ground;
use super::text::unquoted;
use super::world::{Entity, Noun};
use crate::lab::child;

/// NORMAL_ACCOUNT and PASSWD_NOTREQD (MS-ADTS 2.2.16).
const ACCOUNT: &[u8] = b"544";
/// WORKSTATION_TRUST_ACCOUNT and PASSWD_NOTREQD.
const COMPUTER: &[u8] = b"4128";

/// Makes what the directory holds of some things, and learns which objects they are.
pub async fn in_directory(entities: &[&Entity], ground: &mut Ground, names: &mut Names) {
    for entity in entities {
        match entity.noun {
            Noun::Unit => unit(entity, &ground.container.clone(), ground).await,
            Noun::OutsideUnit => unit(entity, &ground.outside.clone(), ground).await,
            Noun::User | Noun::Guest if !entity.has("cloud-only") => {
                account(entity, ground, names).await;
            }
            Noun::DirectoryUser => account(entity, ground, names).await,
            Noun::OnPremisesGroup | Noun::DirectoryGroup => group(entity, ground, names).await,
            Noun::Device => device(entity, ground, names).await,
            Noun::User
            | Noun::Guest
            | Noun::Microsoft365Group
            | Noun::SecurityGroup
            | Noun::MailEnabledSecurityGroup
            | Noun::DistributionList
            | Noun::UnusualGroup
            | Noun::Application
            | Noun::Contact
            | Noun::Thing
            | Noun::Tenant
            | Noun::Domain => {}
        }
    }
    for entity in entities {
        if matches!(entity.noun, Noun::OnPremisesGroup | Noun::DirectoryGroup) {
            for member in entity.named("members") {
                let (group, member) = (&names.objects[&entity.name], &names.objects[&member]);
                ground.directory.add_value(&group.dn, "member", &member.dn).await;
            }
        }
    }
}

async fn unit(entity: &Entity, parent: &str, ground: &mut Ground) {
    let dn = format!("OU={},{parent}", entity.name);
    ground.directory.add(&dn, "organizationalUnit", &[]).await;
}

/// Where an object of the directory stands unless it is said.
fn place(entity: &Entity, ground: &Ground, names: &Names) -> String {
    entity.text("in").map_or_else(|| ground.outside.clone(), |place| names.fill(place))
}

/// sAMAccountName of whatever says nothing of it.
fn account_name(entity: &Entity) -> String {
    entity.text("account-name").map_or_else(|| entity.name.replace(' ', "."), str::to_owned)
}

async fn account(entity: &Entity, ground: &mut Ground, names: &mut Names) {
    let dn = child(&entity.name, &place(entity, ground, names));
    let account_name = account_name(entity);
    let values = [
        ("sAMAccountName", account_name.as_bytes()),
        ("displayName", entity.name.as_bytes()),
        ("userAccountControl", ACCOUNT),
    ];
    ground.directory.add(&dn, "user", &values).await;
    with(entity, &dn, ground, names).await;
    if entity.has("consistency-guid") {
        let guid = Uuid::new_v4().to_bytes_le();
        ground.directory.set(&dn, "mS-DS-ConsistencyGuid", &[&guid]).await;
        names.consistency.insert(entity.name.clone(), Uuid::from_bytes_le(guid));
    }
    names.learn(&entity.name, &ground.directory.named(&dn).await);
}

async fn group(entity: &Entity, ground: &mut Ground, names: &mut Names) {
    let dn = child(&entity.name, &place(entity, ground, names));
    let (account_name, kind) = (account_name(entity), entity.group_type().to_string());
    let values = [("sAMAccountName", account_name.as_bytes()), ("groupType", kind.as_bytes())];
    ground.directory.add(&dn, "group", &values).await;
    with(entity, &dn, ground, names).await;
    names.learn(&entity.name, &ground.directory.named(&dn).await);
}

/// `with ATTRIBUTE VALUE`
async fn with(entity: &Entity, dn: &str, ground: &mut Ground, names: &Names) {
    for text in entity.texts("with") {
        let (name, value) = attribute(text);
        ground.directory.add_value(dn, &name, &names.fill(&value)).await;
    }
}

/// `ATTRIBUTE VALUE`; the value may stand in quotation marks.
pub fn attribute(text: &str) -> (String, String) {
    let (name, value) = text.split_once(' ').unwrap_or_else(|| panic!("`{text}` has no value"));
    (name.to_owned(), unquoted(value).unwrap())
}

async fn device(entity: &Entity, ground: &mut Ground, names: &mut Names) {
    if entity.has("hybrid-joined") {
        let dn = child(&entity.name, &ground.outside);
        let account_name = format!("{}$", entity.name);
        let values =
            [("sAMAccountName", account_name.as_bytes()), ("userAccountControl", COMPUTER)];
        ground.directory.add(&dn, "computer", &values).await;
        let object = ground.directory.named(&dn).await;
        names.learn(&entity.name, &object);
        names.devices.insert(entity.name.clone(), object.guid);
        return;
    }
    let id = Uuid::new_v4();
    names.devices.insert(entity.name.clone(), id);
    if !entity.has("written-back") {
        return;
    }
    let container = format!("CN=RegisteredDevices,{}", ground.directory.base);
    let dn = child(&id.to_string(), &container);
    let key = format!("X509:<SHA1-TP-PUBKEY>{id}");
    let values: [(&str, &[u8]); 4] = [
        ("displayName", entity.name.as_bytes()),
        ("msDS-IsEnabled", b"TRUE"),
        ("msDS-DeviceID", &id.to_bytes_le()),
        ("altSecurityIdentities", key.as_bytes()),
    ];
    ground.directory.add(&dn, "msDS-Device", &values).await;
    ground.elsewhere.push(dn.clone());
    names.learn(&entity.name, &ground.directory.named(&dn).await);
}

/// The tenant's side of the whole world.
pub fn tenant_world(entities: &[&Entity], names: &Names) -> World {
    let mut world = World::empty(0, "Contoso");
    world.tenant_id = names.tenant;
    for entity in entities {
        let id = || names.id(&entity.name);
        match entity.noun {
            Noun::User | Noun::Guest => world.people.push(person(entity, names)),
            Noun::Device => world.others.push(cloud_device(entity, names)),
            Noun::Application => {
                let app = Uuid::new_v4();
                world.others.push(OtherObject::service_principal(id(), &entity.name, app));
            }
            Noun::Contact => {
                let mail = "contact@elsewhere.example";
                world.others.push(OtherObject::contact(id(), &entity.name, mail));
            }
            Noun::Thing => world.others.push(OtherObject::unknown(id(), "planet")),
            Noun::Tenant => {
                if let Some(text) = entity.text("default-for-new-groups") {
                    world.facts = facts(text);
                }
            }
            Noun::DirectoryGroup
            | Noun::DirectoryUser
            | Noun::Unit
            | Noun::OutsideUnit
            | Noun::Domain => {}
            Noun::Microsoft365Group => {
                world.groups.push(cloud_group(entity, "microsoft365", names));
            }
            Noun::SecurityGroup => world.groups.push(cloud_group(entity, "security", names)),
            Noun::OnPremisesGroup => world.groups.push(on_premises_group(entity, names)),
            Noun::MailEnabledSecurityGroup => {
                world.groups.push(cloud_group(entity, "mail-enabled-security", names));
            }
            Noun::DistributionList => {
                world.groups.push(cloud_group(entity, "distribution-list", names));
            }
            Noun::UnusualGroup => world.groups.push(cloud_group(entity, "unusual", names)),
        }
    }
    world
}

/// Adds things to a running tenant.
pub fn into_cloud(entity: &Entity, cloud: &mut Cloud, names: &Names) {
    let world = tenant_world(&[entity], names);
    world.people.into_iter().for_each(|person| cloud.create_person(person));
    world.groups.into_iter().for_each(|group| cloud.create_group(group));
    world.others.into_iter().for_each(|other| cloud.create_other(other));
    say(entity, cloud, names);
}

/// Lets the tenant tell what no other detail can express.
pub fn say(entity: &Entity, cloud: &mut Cloud, names: &Names) {
    let null = |cloud: &mut Cloud, property| {
        cloud.say(names.id(&entity.name), property, Value::Null);
    };
    if entity.has("linked-by id") {
        null(cloud, "onPremisesSecurityIdentifier");
    }
    if entity.has("linked-by sid") {
        null(cloud, "onPremisesImmutableId");
    }
    for text in entity.texts("says") {
        let (property, value) = property(text, names);
        cloud.say(names.id(&entity.name), &property, value);
    }
}

/// `PROPERTY JSON`, with placeholders.
pub fn property(text: &str, names: &Names) -> (String, Value) {
    let (name, value) = text.split_once(' ').unwrap_or_else(|| panic!("`{text}` has no value"));
    let value = names.fill(value);
    let value = serde_json::from_str(&value)
        .unwrap_or_else(|error| panic!("`{value}` is no JSON: {error}"));
    (name.to_owned(), value)
}

/// The tenant's facts with this default for new groups; `unspecified` is a setting that says
/// nothing of writeback.
pub fn facts(text: &str) -> TenantFacts {
    TenantFacts::with_writeback_default((text != "unspecified").then_some(text))
}

/// The link that the tenant keeps of an account.
pub fn link(name: &str, names: &Names) -> Link {
    let known = &names.objects[name];
    let guid = names.consistency.get(name).copied().unwrap_or(known.guid);
    Link { sid: known.sid.clone().expect("an account has a SID"), guid }
}

fn person(entity: &Entity, names: &Names) -> Person {
    let mut person =
        Person::new(names.id(&entity.name), &entity.name, &entity.name.replace(' ', "."));
    person.guest = entity.noun == Noun::Guest;
    person.cloud_only = entity.has("cloud-only");
    let linked = !person.cloud_only && !entity.has("unlinked");
    person.link = linked.then(|| link(&entity.name, names));
    person
}

fn cloud_device(entity: &Entity, names: &Names) -> OtherObject {
    let (id, name) = (names.id(&entity.name), &entity.name);
    let trust = if entity.has("hybrid-joined") {
        DeviceTrust::HybridJoined
    } else if entity.has("joined") {
        DeviceTrust::Joined
    } else {
        DeviceTrust::Registered
    };
    let device = OtherObject::device(id, name, names.devices[name], trust);
    if entity.has("with-sid") {
        let sid = names.objects[name].sid.clone();
        return device.with("onPremisesSecurityIdentifier", json!(sid));
    }
    device
}

/// The kind of a cloud group, as a world or a step names it.
pub fn group_kind(word: &str) -> GroupKind {
    match word {
        "microsoft365" => GroupKind::Microsoft365,
        "security" => GroupKind::Security,
        "mail-enabled-security" => GroupKind::MailEnabledSecurity,
        "distribution-list" => GroupKind::DistributionList,
        "unusual" => GroupKind::Unusual {
            group_types: vec!["Constellation".to_owned()],
            mail_enabled: false,
            security_enabled: false,
        },
        other => panic!("`{other}` is no kind of group"),
    }
}

fn cloud_group(entity: &Entity, kind: &str, names: &Names) -> WorldGroup {
    let nickname = entity.name.to_lowercase().replace(' ', "-");
    let nickname = entity.text("nickname").unwrap_or(&nickname);
    let kind = group_kind(kind);
    let mut group = WorldGroup::new(names.id(&entity.name), &entity.name, nickname, kind);
    if let Some(text) = entity.text("display-name") {
        group.display_name = unquoted(text).unwrap();
    }
    group.description = entity.text("description").map(|text| unquoted(text).unwrap());
    if let Some(mail) = entity.text("mail") {
        group.mail = Some(mail.to_owned());
    }
    group.further_addresses = entity.texts("address").map(str::to_owned).collect();
    group.dynamic = entity.has("dynamic");
    group.role_assignable = entity.has("role-assignable").then_some(true);
    if entity.has("hidden-membership") {
        group.visibility = Some("HiddenMembership".to_owned());
    }
    if entity.has("flag true") || entity.has("flag false") {
        group.writeback_enabled = Some(entity.has("flag true"));
    }
    group.writeback_type = entity.text("type").map(str::to_owned);
    group.members = entity.named("members").iter().map(|name| names.id(name)).collect();
    group
}

/// What the tenant has of a group that the directory masters, or once did.
fn on_premises_group(entity: &Entity, names: &Names) -> WorldGroup {
    let mut group = cloud_group(entity, "security", names);
    group.members = entity.named("cloud-members").iter().map(|name| names.id(name)).collect();
    let sid = names.objects[&entity.name].sid.clone().expect("a group has a SID");
    if entity.has("converted") {
        group.converted(&sid, None)
    } else {
        group.mastered_on_premises(&sid)
    }
}

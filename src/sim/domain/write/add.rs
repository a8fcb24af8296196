//! Add (MS-ADTS 3.1.1.5.2).
//!
//! Input: a name and attributes. Output: a new object with the identifiers, the account name and
//! the type that the directory gives it.

use std::collections::{BTreeMap, BTreeSet};

use ldap3_proto::LdapResultCode;
use ldap3_proto::proto::LdapPartialAttribute;
use uuid::Uuid;

use super::super::access::Actor;
use super::super::dn::{BadName, Dn, Rdn};
use super::super::nesting::{SECURITY_GLOBAL, scope_of};
use super::super::refusal::Refusal;
use super::super::schema::{Attribute, Class, Origin, class_named};
use super::super::tree::{History, Object, Tree};
use super::{check_rdn, check_values};

/// Identifiers that only an administrator's tool brings along (migration, test worlds).
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Identifiers {
    pub(in super::super) guid: Option<Uuid>,
    pub(in super::super) sid: Option<Vec<u8>>,
}

/// systemMustContain of class msDS-Device (MS-ADSC 2.136).
const DEVICE_MUST_CONTAIN: [&str; 4] =
    ["altSecurityIdentities", "displayName", "msDS-DeviceID", "msDS-IsEnabled"];

/// An attribute of the request and its values.
type Known<'a> = (&'static Attribute, &'a [Vec<u8>]);

/// What a request says, checked attribute by attribute.
struct Draft {
    attributes: BTreeMap<&'static str, Vec<Vec<u8>>>,
    links: BTreeMap<&'static str, BTreeSet<Uuid>>,
}

impl Tree {
    /// Adds an object for an account.
    pub(in super::super) fn add(
        &mut self,
        actor: Actor,
        dn: &str,
        attributes: &[LdapPartialAttribute],
        identifiers: Identifiers,
    ) -> Result<Uuid, Refusal> {
        let dn = Dn::parse(dn).map_err(|BadName| Refusal::bad_name())?;
        let rdn = dn.0.first().cloned().ok_or_else(Refusal::bad_name)?;
        let known = self.known_attributes(attributes)?;
        let parent = dn.parent().ok_or_else(Refusal::bad_name)?;
        let parent = self.locate(&parent)?;
        if !self.may_see(actor, parent) {
            return Err(Refusal::no_object(""));
        }
        let class = class_of(&known)?;
        if !self.may_create(actor, parent, class) {
            return Err(Refusal::no_right());
        }
        check_rdn(&rdn, class)?;
        if !self.is_possible_parent(parent, class) {
            return Err(Refusal::naming());
        }
        if self.child(parent, &rdn).is_some() {
            return Err(Refusal::exists("00002071"));
        }
        let mut draft = self.draft(&known, &rdn, class)?;
        self.complete(&mut draft, class)?;
        let sid = match (class.principal, identifiers.sid) {
            (true, Some(sid)) => Some(sid),
            (true, None) => Some(self.next_sid()),
            (false, sid) => sid.filter(|_| class.name == "foreignSecurityPrincipal"),
        };
        let guid = identifiers.guid.unwrap_or_else(|| self.next_guid());
        if self.object(guid).is_some() || sid.as_ref().is_some_and(|s| self.by_sid(s).is_some()) {
            return Err(Refusal::exists("00002071"));
        }
        let usn = self.next_usn();
        self.plant(Object {
            guid,
            parent: Some(parent),
            rdn,
            class,
            sid,
            attributes: draft.attributes,
            forward: BTreeMap::new(),
            backward: BTreeMap::new(),
            created: usn,
            changed: usn,
            deleted: false,
            last_parent: None,
            history: History::default(),
        });
        for (name, targets) in draft.links {
            for target in targets {
                self.link(guid, name, target);
            }
        }
        // What an administrator makes belongs to all of them (MS-ADTS 6.1.3.4).
        if let Actor::Account(account) = actor
            && !self.is_administrator(actor)
        {
            self.access.owners.insert(guid, account);
        }
        Ok(guid)
    }

    fn known_attributes<'a>(
        &self,
        attributes: &'a [LdapPartialAttribute],
    ) -> Result<Vec<Known<'a>>, Refusal> {
        let known = |one: &'a LdapPartialAttribute| {
            let attribute = self
                .schema
                .attribute(&one.atype)
                .ok_or_else(|| Refusal::conversion(LdapResultCode::NoSuchAttribute))?;
            if one.vals.is_empty() {
                return Err(Refusal::conversion(LdapResultCode::InvalidAttributeSyntax));
            }
            Ok((attribute, one.vals.as_slice()))
        };
        attributes.iter().map(known).collect()
    }

    /// Whether objects of the class may stand there (possSuperiors, MS-ADTS 3.1.1.5.2.2).
    pub(super) fn is_possible_parent(&self, parent: Uuid, class: &Class) -> bool {
        let parent = self.object(parent).filter(|object| !object.deleted);
        parent.is_some_and(|object| class.parents.contains(&object.class.name))
    }

    fn draft(&self, known: &[Known<'_>], rdn: &Rdn, class: &Class) -> Result<Draft, Refusal> {
        let mut draft = Draft { attributes: BTreeMap::new(), links: BTreeMap::new() };
        for &(attribute, values) in known {
            match attribute.origin {
                Origin::System if attribute.name == "objectClass" => {}
                Origin::System | Origin::BackLink(_) | Origin::Constructed => {
                    return Err(Refusal::unwilling("0000209A"));
                }
                // The naming attribute may be given too, with the value of the name.
                Origin::Naming => {
                    let same = |value: &Vec<u8>| value.as_slice() == rdn.value.as_bytes();
                    if attribute.name == "distinguishedName" || !values.iter().all(same) {
                        return Err(Refusal::naming());
                    }
                }
                Origin::Link => {
                    let mut targets = BTreeSet::new();
                    for value in values {
                        if !targets.insert(self.link_target(value)?) {
                            return Err(Refusal::value_exists("00002083", attribute.name));
                        }
                    }
                    if attribute.single && targets.len() > 1 {
                        return Err(Refusal::constraint("00002081", attribute.name));
                    }
                    draft.links.insert(attribute.name, targets);
                }
                Origin::Stored => {
                    check_values(attribute, class, values)?;
                    let before = draft.attributes.insert(attribute.name, values.to_vec());
                    let twice = values.iter().enumerate().any(|(position, value)| {
                        values.iter().take(position).any(|one| super::equal(attribute, one, value))
                    });
                    if before.is_some() || twice {
                        return Err(Refusal::value_exists("00002083", attribute.name));
                    }
                }
            }
        }
        Ok(draft)
    }

    /// Fills in what the directory makes itself, and checks what depends on it.
    fn complete(&mut self, draft: &mut Draft, class: &Class) -> Result<(), Refusal> {
        if class.name == "msDS-Device" {
            let lacks = |name: &&str| !draft.attributes.contains_key(*name);
            let complete = !DEVICE_MUST_CONTAIN.iter().any(lacks);
            return if complete { Ok(()) } else { Err(Refusal::class_violation()) };
        }
        if !class.principal {
            return Ok(());
        }
        let text = |number: i64| vec![number.to_string().into_bytes()];
        let defaults: &[(&'static str, i64)] = match class.name {
            "group" => &[("groupType", SECURITY_GLOBAL)],
            // NORMAL_ACCOUNT and DOMAIN_USERS; WORKSTATION_TRUST_ACCOUNT and DOMAIN_COMPUTERS
            // (MS-SAMR 3.1.1.8.1).
            "user" => &[("userAccountControl", 0x200), ("primaryGroupID", 513)],
            _ => &[("userAccountControl", 0x1000), ("primaryGroupID", 515)],
        };
        for (name, value) in defaults {
            draft.attributes.entry(*name).or_insert_with(|| text(*value));
        }
        let given = draft.attributes.get("sAMAccountName").and_then(|values| values.first());
        let name = given.map(|value| String::from_utf8_lossy(value).into_owned());
        let name = name.unwrap_or_else(|| self.generated_account_name());
        self.check_account_name(&name, class, None)?;
        draft.attributes.insert("sAMAccountName", vec![name.into_bytes()]);
        if class.name != "group" {
            return Ok(());
        }
        let kind = draft.attributes.get("groupType").and_then(|values| values.first());
        let kind = kind.and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
        let kind = kind.ok_or_else(|| Refusal::unwilling("00002141"))?;
        // Builtin groups are made by the system alone (MS-ADTS 2.2.12).
        if scope_of(kind)? == super::super::nesting::Scope::Builtin {
            return Err(Refusal::unwilling("00002141"));
        }
        let members = draft.links.get("member").into_iter().flatten();
        members.into_iter().try_for_each(|member| self.check_member(kind, *member))
    }

    /// `$XXXXXX-XXXXXXXXXXXX`: what an object without an account name gets (MS-SAMR 3.1.1.8.1).
    fn generated_account_name(&mut self) -> String {
        let mut letters = |count: usize| -> String {
            (0..count).map(|_| self.random.digit(36).to_ascii_uppercase()).collect()
        };
        format!("${}-{}", letters(6), letters(12))
    }

    /// The object that a link value names: 34 when it is no name, 32 when nothing is there.
    pub(super) fn link_target(&self, value: &[u8]) -> Result<Uuid, Refusal> {
        let text = std::str::from_utf8(value).map_err(|_| Refusal::bad_name())?;
        let found = self.resolve(text)?;
        match self.object(found) {
            Some(object) if !object.deleted => Ok(found),
            _ => Err(Refusal::no_object("")),
        }
    }
}

/// The structural class: the last of the named ones that is known.
fn class_of(known: &[Known<'_>]) -> Result<&'static Class, Refusal> {
    let values = known
        .iter()
        .find(|(attribute, _)| attribute.name == "objectClass")
        .ok_or_else(Refusal::class_violation)?
        .1;
    let names: Vec<&str> =
        values.iter().filter_map(|value| std::str::from_utf8(value).ok()).collect();
    // The order of values in an add is not the order of inheritance: the longest chain wins.
    let classes = names.iter().filter_map(|name| class_named(name));
    let class = classes.max_by_key(|class| class.chain.len());
    let class = class.ok_or_else(Refusal::class_violation)?;
    let foreign = |name: &&str| !class.chain.iter().any(|one| one.eq_ignore_ascii_case(name));
    if names.iter().any(foreign) {
        return Err(Refusal::class_violation());
    }
    Ok(class)
}

//! Undelete (MS-ADTS 3.1.1.5.3.7): one modify that takes isDeleted away and gives a new name.
//!
//! Input: a deleted object and the changes of the request, with those of other attributes. Output:
//! the living object in its new place, with its old GUID and SID; of a tombstone only what a
//! tombstone keeps comes back, a deleted-object of the Recycle Bin comes back with its links.
//!
//! Result codes: 32, 68 and 1 are those of samba's tombstone_reanimation.py, which was run against
//! Windows; 53 with ERROR_DS_ILLEGAL_MOD_OPERATION stands for every other modify of a deleted
//! object (MS-ADTS 3.1.1.5.3.2).

use ldap3_proto::proto::{LdapModify, LdapModifyType};
use uuid::Uuid;

use super::super::access::Actor;
use super::super::dn::{BadName, Dn, Rdn};
use super::super::refusal::Refusal;
use super::super::search::Deletion;
use super::super::tree::{Object, Tree};
use super::check_rdn;
use super::modify::Manner;

/// What every undelete carries.
pub(super) struct Instructions<'a> {
    name: &'a [u8],
    others: Vec<&'a LdapModify>,
}

/// REMOVE isDeleted and REPLACE distinguishedName: both, or it is no undelete.
pub(super) fn instructions(changes: &[LdapModify]) -> Option<Instructions<'_>> {
    let mut lives = false;
    let mut name = None;
    let mut others = Vec::new();
    for change in changes {
        let attribute = &change.modification;
        if attribute.atype.eq_ignore_ascii_case("isDeleted") {
            lives |= change.operation == LdapModifyType::Delete;
        } else if attribute.atype.eq_ignore_ascii_case("distinguishedName") {
            if change.operation == LdapModifyType::Replace && attribute.vals.len() == 1 {
                name = attribute.vals.first();
            }
        } else {
            others.push(change);
        }
    }
    name.filter(|_| lives).map(|name| Instructions { name, others })
}

impl Tree {
    /// The deleted object that a write is about, where its controls let it see one.
    pub(in super::super) fn deleted_target(
        &self,
        actor: Actor,
        dn: &str,
        deletion: Deletion,
    ) -> Option<Uuid> {
        let found = self.resolve(dn).ok()?;
        let deleted = self.object(found).is_some_and(|object| object.deleted);
        let shown = self.is_shown(found, deletion) && self.may_see(actor, found);
        (deleted && shown).then_some(found)
    }

    /// Restores a deleted object for an account.
    pub(in super::super) fn undelete(
        &mut self,
        actor: Actor,
        guid: Uuid,
        changes: &[LdapModify],
        manner: Manner,
    ) -> Result<Uuid, Refusal> {
        let illegal = || Refusal::unwilling("00002077");
        let Some(Instructions { name, others }) = instructions(changes) else {
            return Err(illegal());
        };
        let object = self.object(guid).ok_or_else(|| Refusal::no_object(""))?;
        if self.is_recycled(object) {
            return Err(illegal());
        }
        if self.is_enforced(actor, guid) {
            return Err(Refusal::enforced());
        }
        if !self.may_reanimate(actor) {
            return Err(Refusal::no_right());
        }
        let (parent, rdn) = self.new_place(actor, object, name)?;
        let draft = self.drafted(actor, guid, &others, manner)?;
        let object = self.object(guid).ok_or_else(|| Refusal::no_object(""))?;
        // Another principal may have taken the account name meanwhile.
        let account_name = draft.first("sAMAccountName");
        let account_name =
            account_name.or_else(|| object.text("sAMAccountName").map(str::to_owned));
        if let Some(account_name) = account_name {
            self.check_account_name(&account_name, object.class, Some(guid))?;
        }
        self.revive(guid);
        self.commit(guid, draft);
        self.place(guid, parent, &rdn);
        self.wake_links(guid);
        Ok(guid)
    }

    /// The destination: the constraints are those of modifyDN (MS-ADTS 3.1.1.5.3.7.3).
    fn new_place(
        &self,
        actor: Actor,
        object: &Object,
        name: &[u8],
    ) -> Result<(Uuid, Rdn), Refusal> {
        let text = std::str::from_utf8(name).map_err(|_| Refusal::bad_name())?;
        let dn = Dn::parse(text).map_err(|BadName| Refusal::bad_name())?;
        let rdn = dn.0.first().cloned().ok_or_else(Refusal::bad_name)?;
        check_rdn(&rdn, object.class)?;
        let parent = dn.parent().ok_or_else(Refusal::bad_name)?;
        let Ok(parent) = self.locate(&parent) else { return Err(Refusal::no_parent()) };
        if self.head_of(parent) != self.head_of(object.guid) {
            return Err(Refusal::other_context());
        }
        if !self.is_shown(parent, Deletion::Hidden) || !self.may_see(actor, parent) {
            return Err(Refusal::no_parent());
        }
        if !self.may_create(actor, parent, object.class) {
            return Err(Refusal::no_right());
        }
        let naming = object.class.naming.to_ascii_lowercase();
        if !self.may_write(actor, object.guid, "name")
            || !self.may_write(actor, object.guid, &naming)
        {
            return Err(Refusal::no_right());
        }
        if !self.is_possible_parent(parent, object.class) {
            return Err(Refusal::naming());
        }
        match self.child(parent, &rdn) {
            Some(_) => Err(Refusal::exists("00002071")),
            None => Ok((parent, rdn)),
        }
    }

    /// Makes the object a living one. A principal that was a tombstone gets what Windows gives it
    /// (samba's tombstone_reanimation.py): adminCount and operatorCount 0, and an account the
    /// primary group of its kind and the state of a new account, disabled, if it kept none.
    fn revive(&mut self, guid: Uuid) {
        self.rewrite(guid, |object| {
            let stripped = object.is_stripped();
            object.deleted = false;
            object.attributes.remove("isRecycled");
            object.attributes.remove("msDS-LastKnownRDN");
            if !(stripped && object.class.principal) {
                return;
            }
            let mut given = vec![("adminCount", "0"), ("operatorCount", "0")];
            match object.class.name {
                "user" => given.extend([("primaryGroupID", "513"), ("userAccountControl", "546")]),
                "computer" => {
                    given.extend([("primaryGroupID", "515"), ("userAccountControl", "4098")]);
                }
                _ => {}
            }
            for (name, value) in given {
                object.attributes.entry(name).or_insert_with(|| vec![value.as_bytes().to_vec()]);
            }
        });
    }

    /// Brings back the links whose other end lives (MS-ADTS 3.1.1.1.6, deactivated links).
    fn wake_links(&mut self, guid: Uuid) {
        let lives = |end: &Uuid| self.object(*end).is_some_and(|object| !object.deleted);
        let waking: Vec<(Uuid, &'static str, Uuid)> = self
            .dormant
            .iter()
            .filter(|(source, _, target)| *source == guid || *target == guid)
            .filter(|(source, _, target)| lives(source) && lives(target))
            .copied()
            .collect();
        for (source, name, target) in waking {
            self.dormant.remove(&(source, name, target));
            // A single-valued attribute that was given another value meanwhile keeps that one.
            let taken = self.schema.attribute(name).is_some_and(|attribute| attribute.single)
                && self.object(source).is_some_and(|one| one.targets(name).next().is_some());
            if !taken {
                self.link(source, name, target);
            }
        }
    }
}

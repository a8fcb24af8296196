//! ModifyDN (MS-ADTS 3.1.1.5.4): rename and move. GUID and SID stay; links follow.
//!
//! Input: a target, its new relative name and perhaps a new parent. Output: the object in its new
//! place.

use ldap3_proto::proto::LdapModifyDNRequest;
use uuid::Uuid;

use super::super::access::Actor;
use super::super::dn::{BadName, Rdn};
use super::super::refusal::Refusal;
use super::super::tree::Tree;
use super::check_rdn;

impl Tree {
    /// Renames or moves an object for an account; the GUID of the object is given back.
    pub(in super::super) fn rename(
        &mut self,
        actor: Actor,
        request: &LdapModifyDNRequest,
    ) -> Result<Uuid, Refusal> {
        let guid = self.resolve(&request.dn)?;
        if !self.may_see(actor, guid) || self.object(guid).is_none_or(|object| object.deleted) {
            return Err(Refusal::no_object(""));
        }
        if self.is_enforced(actor, guid) {
            return Err(Refusal::enforced());
        }
        if !request.deleteoldrdn {
            // MS-ADTS 3.1.1.5.4.1.2: unwillingToPerform / ERROR_INVALID_PARAMETER.
            return Err(Refusal::unwilling("00000057"));
        }
        let rdn = Rdn::parse(&request.newrdn).map_err(|BadName| Refusal::bad_name())?;
        let object = self.object(guid).ok_or_else(|| Refusal::no_object(""))?;
        let class = object.class;
        let Some(old_parent) = object.parent else { return Err(Refusal::unwilling("00002015")) };
        let critical = object.text("isCriticalSystemObject") == Some("TRUE");
        check_rdn(&rdn, class)?;
        let parent = match request.new_superior.as_deref() {
            Some(name) => self.new_parent(actor, guid, name)?,
            None => old_parent,
        };
        let naming = class.naming.to_ascii_lowercase();
        if !self.may_write(actor, guid, "name") || !self.may_write(actor, guid, &naming) {
            return Err(Refusal::no_right());
        }
        if parent != old_parent {
            let moves = self.may_delete(actor, guid) && self.may_create(actor, parent, class);
            if !moves {
                return Err(Refusal::no_right());
            }
            if critical && actor != Actor::System {
                return Err(Refusal::unwilling("000020CE"));
            }
        }
        match self.child(parent, &rdn) {
            Some(holder) if holder != guid => return Err(Refusal::exists("00002071")),
            Some(_) | None => {}
        }
        self.place(guid, parent, &rdn);
        Ok(guid)
    }

    fn new_parent(&self, actor: Actor, guid: Uuid, name: &str) -> Result<Uuid, Refusal> {
        let parent = match self.resolve(name) {
            Ok(parent) => parent,
            Err(refusal) if refusal.code() == 32 => return Err(Refusal::no_parent()),
            Err(refusal) => return Err(refusal),
        };
        let object = self.object(parent).ok_or_else(Refusal::no_parent)?;
        if object.deleted || !self.may_see(actor, parent) {
            return Err(Refusal::no_parent());
        }
        // Not below itself, and not below something that cannot have children.
        if self.is_within(parent, guid) || object.class.principal {
            return Err(Refusal::unwilling("00002015"));
        }
        Ok(parent)
    }
}

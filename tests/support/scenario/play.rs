//! Lets the events of a step happen, in the tenant or in the directory.

use writeback::sim::tenant::{Cloud, Fault, NoSuchObject, Order, Tenant, Where};
use writeback::sim::world::WorldGroup;

use super::build;
use super::names::Names;
use super::side::Ground;
use super::text::{Detail, names as listed, unquoted};
use crate::lab::{child, leaf_of, parent_of};

/// What happens to a thing of the tenant.
pub fn in_cloud(name: &str, verb: &Detail, tenant: &Tenant, names: &Names) {
    let done = tenant.edit(|cloud| cloud_edit(name, verb, cloud, names));
    done.unwrap_or_else(|error| panic!("{name}: {}: {error}", verb.word));
}

fn cloud_edit(
    name: &str,
    verb: &Detail,
    cloud: &mut Cloud,
    names: &Names,
) -> Result<(), NoSuchObject> {
    let (id, rest) = (names.id(name), verb.rest.as_str());
    let is_person = cloud.person(id).is_some();
    match verb.word {
        "soft-delete" if is_person => cloud.soft_delete_person(id),
        "soft-delete" => cloud.soft_delete_group(id),
        "restore" => cloud.restore_group(id).or_else(|_| cloud.restore_person(id)),
        "hard-delete" => cloud
            .hard_delete_group(id)
            .or_else(|_| cloud.hard_delete_person(id))
            .or_else(|_| cloud.hard_delete_other(id)),
        "unlink" => cloud.set_link(id, None),
        "link-to" => cloud.set_link(id, Some(build::link(rest, names))),
        "says" => {
            let (property, value) = build::property(rest, names);
            cloud.say(id, &property, value);
            Ok(())
        }
        "says-no-more" => {
            cloud.unsay(id);
            Ok(())
        }
        "add" => listed(rest).iter().try_for_each(|one| cloud.add_member(id, names.id(one))),
        "remove" => listed(rest).iter().try_for_each(|one| cloud.remove_member(id, names.id(one))),
        word => cloud.change(id, |group| group_edit(word, rest, group)),
    }
}

fn group_edit(word: &str, rest: &str, group: &mut WorldGroup) {
    let text = || unquoted(rest).unwrap();
    match word {
        "flag true" => group.writeback_enabled = Some(true),
        "flag false" => group.writeback_enabled = Some(false),
        "flag null" => group.writeback_enabled = None,
        "type" => group.writeback_type = Some(rest.to_owned()),
        "no-type" => group.writeback_type = None,
        "display-name" => group.display_name = text(),
        "description" => group.description = Some(text()),
        "no-description" => group.description = None,
        "mail" => group.mail = Some(rest.to_owned()),
        "nickname" => rest.clone_into(&mut group.mail_nickname),
        "address" => group.further_addresses.push(rest.to_owned()),
        "hidden-membership" => group.visibility = Some("HiddenMembership".to_owned()),
        "role-assignable" => group.role_assignable = Some(true),
        "kind" => group.kind = build::group_kind(rest),
        other => panic!("`{other}` is no word for a group"),
    }
}

/// What happens to the tenant. `rights` are those it was started with.
pub fn in_tenant(verb: &Detail, tenant: &Tenant, rights: &[String], names: &Names) {
    let order = |on, what| tenant.order(Order::always(on, what));
    match verb.word {
        "garbles-flags" => order(Where::Flags, Fault::WrongJson),
        "listing-omits" => order(Where::Groups, Fault::OmitFromListing(names.id(&verb.rest))),
        "flag-listing-omits" => {
            order(Where::Flags, Fault::OmitFromFlagListing(names.id(&verb.rest)));
        }
        "hides-witness" => order(Where::Members, Fault::NullWitness(verb.rest.clone())),
        "all-is-well" => tenant.clear_orders(),
        "default-for-new-groups" => {
            let facts = build::facts(&verb.rest);
            tenant.edit(|cloud| cloud.change_facts(|own| own.settings = facts.settings));
        }
        "without-right" => {
            let mut left = tenant.roles();
            let before = left.len();
            left.retain(|right| *right != verb.rest);
            assert!(left.len() < before, "the right {} was never there: {left:?}", verb.rest);
            tenant.set_roles(left);
            tenant.revoke_tokens();
        }
        _ => {
            tenant.set_roles(rights.to_vec());
            tenant.revoke_tokens();
        }
    }
}

/// What an administrator does to an object of the directory.
pub async fn in_directory(name: &str, verb: &Detail, ground: &mut Ground, names: &mut Names) {
    let rest = names.fill(&verb.rest);
    let dn = dn_of(name, ground, names).await;
    match verb.word {
        "delete" => ground.directory.delete(&dn).await,
        "rename" => {
            let to = child(&unquoted(&rest).unwrap(), parent_of(&dn));
            ground.directory.rename(&dn, &to).await;
        }
        "move" => {
            let to = format!("{},{rest}", leaf_of(&dn));
            ground.directory.rename(&dn, &to).await;
        }
        "add" => {
            for member in listed(&rest) {
                let member = dn_of(&member, ground, names).await;
                ground.directory.add_value(&dn, "member", &member).await;
            }
        }
        "remove" => {
            for member in listed(&rest) {
                let member = dn_of(&member, ground, names).await;
                ground.directory.remove_value(&dn, "member", &member).await;
            }
        }
        "set" => {
            let (attribute, value) = build::attribute(&rest);
            ground.directory.set(&dn, &attribute, &[value.as_bytes()]).await;
        }
        "unset" => ground.directory.set(&dn, &rest, &[]).await,
        "add-value" => {
            let (attribute, value) = build::attribute(&rest);
            ground.directory.add_value(&dn, &attribute, &value).await;
        }
        "remove-value" => {
            let (attribute, value) = build::attribute(&rest);
            ground.directory.remove_value(&dn, &attribute, &value).await;
        }
        "copy-consistency-guid" => {
            let guid = names.consistency[&rest].to_bytes_le();
            ground.directory.set(&dn, "mS-DS-ConsistencyGuid", &[&guid]).await;
        }
        "make-primary-group-of" => {
            let account = dn_of(&rest, ground, names).await;
            let group = ground.directory.named(&dn).await;
            let relative = group.relative_identifier().expect("a group has a SID").to_owned();
            // Only a member may be given it (MS-SAMR 3.1.1.8.2).
            let inside =
                group.values("member").iter().any(|one| one.eq_ignore_ascii_case(&account));
            if !inside {
                ground.directory.add_value(&dn, "member", &account).await;
            }
            ground.directory.set(&account, "primaryGroupID", &[relative.as_bytes()]).await;
        }
        "primary-group-domain-users" => {
            ground.directory.set(&dn, "primaryGroupID", &[b"513"]).await;
        }
        other => panic!("`{other}` is no word for an object"),
    }
}

/// The present DN of a thing.
async fn dn_of(name: &str, ground: &mut Ground, names: &Names) -> String {
    let guid = names.guid(name).unwrap_or_else(|| panic!("{name} is no object of the directory"));
    let object = ground.directory.object(guid).await;
    object.unwrap_or_else(|| panic!("the object of {name} is gone")).dn
}

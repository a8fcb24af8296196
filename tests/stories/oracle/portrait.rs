//! How everything stands at the end, and what of it is not as the tenant wants it.

use std::collections::{BTreeMap, BTreeSet};

use writeback::model::ObjectGuid;

use super::{recorded, who};
use crate::directory::{Class, Directory};
use crate::names::{GROUPS, QUARANTINE, dn};
use crate::tenant::{Fate, Kind as TeamKind, Tenant};
use crate::world::object_of;

/// The place of a group whose name somebody else keeps. Who came first to a name that a group out
/// of use keeps for good is a matter of when each pass looked.
pub(crate) const NAME_TAKEN: &str = "its name is taken";

/// How everything stands, by words: two stories that end alike give the same.
pub(crate) fn portrait(directory: &Directory, tenant: &Tenant) -> BTreeMap<String, String> {
    let label = |guid: &ObjectGuid| {
        let Some(one) = directory.get(*guid) else { return "nobody".to_owned() };
        recorded(one, tenant).map_or_else(|| one.dn.leaf().to_owned(), |(team, _)| team)
    };
    let mut portrait = BTreeMap::new();
    for one in directory.objects.values().filter(|one| one.class != Class::Container) {
        let name = recorded(one, tenant).map_or_else(|| one.dn.to_string(), |(team, _)| team);
        let mut members: Vec<String> = one.members.iter().map(label).collect();
        members.sort();
        let values = one.values.iter().map(|(name, values)| {
            let mut values = values.clone();
            values.sort();
            format!("{name}={values:?}")
        });
        let values: Vec<String> = values.collect();
        let text = format!("{values:?} members {members:?}");
        let wanted = tenant.teams.get(&name).map(|team| dn(GROUPS).child(&team.name));
        let is_taken = wanted.is_some_and(|wanted| wanted != one.dn);
        let place = if is_taken { NAME_TAKEN.to_owned() } else { one.dn.to_string() };
        portrait.insert(format!("place of {name}"), place);
        let twin = portrait.insert(name.clone(), text);
        if let Some(twin) = twin {
            portrait.insert(format!("{name}, once more"), twin);
        }
    }
    for grave in directory.graves.values() {
        let name = recorded(&grave.object, tenant);
        let name = name.map_or_else(|| grave.object.dn.to_string(), |(team, _)| team);
        *portrait.entry(format!("deleted {name}")).or_default() += "once ";
    }
    portrait
}

/// What is not as the tenant wants it, for a story that has come to rest.
pub(crate) fn shortfalls(directory: &Directory, tenant: &Tenant) -> Vec<String> {
    let mut all = Vec::new();
    for (word, team) in &tenant.teams {
        let found = object_of(directory, word).and_then(|guid| directory.get(guid));
        let Some(one) = found else {
            if tenant.fate(word) == Fate::Kept {
                all.push(format!("{word} is not there"));
            }
            continue;
        };
        let secure = one.value("groupType").is_some_and(|text| text.starts_with('-'));
        let policy = recorded(one, tenant).map(|(_, policy)| policy);
        let fate = tenant.fate_under(word, policy.as_deref().unwrap_or_default());
        match fate {
            Fate::Deleted => all.push(format!("{word} is still there")),
            Fate::Disabled | Fate::Quarantined => {
                let kept = one.dn.is_within(&dn(QUARANTINE));
                if secure || (fate == Fate::Quarantined) != kept {
                    all.push(format!("{word} is still in use at {}", one.dn));
                }
            }
            Fate::Kept => {
                let wanted_dn = dn(GROUPS).child(&team.name);
                let wanted_type = team.kind != TeamKind::Unified { secure: false };
                let there: BTreeSet<_> =
                    one.members.iter().map(|guid| who(directory, *guid, tenant)).collect();
                let wanted = tenant.wanted(word).unwrap_or_default();
                let wanted: BTreeSet<_> = wanted.into_iter().map(Some).collect();
                // A name that somebody else keeps, for good, is told as taken.
                let taken = directory.named(&wanted_dn).is_some_and(|other| other.guid != one.guid);
                if (one.dn != wanted_dn && !taken) || secure != wanted_type || there != wanted {
                    all.push(format!("{word} is {} {secure} {there:?}", one.dn));
                }
                if one.value("displayName") != Some(team.name.as_str()) {
                    all.push(format!("{word} is called {:?}", one.value("displayName")));
                }
            }
        }
    }
    all
}

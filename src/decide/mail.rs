//! The mail attributes of a written group: `mail`, `mailNickname` and the primary address.
//!
//! From the cloud group, its policy and what the directory is prepared for to attribute changes.
//! Other values of `proxyAddresses` are somebody else's and stay.

use crate::decide::Inputs;
use crate::decide::wanted::Wanted;
use crate::model::change::AttributeChange;
use crate::model::policy::MailRule;
use crate::model::{AttributeName, CloudGroup, DirectoryGroup, FindingCode, Memory, ObjectId};

/// How a primary address starts; secondary ones start with `smtp:` (MS-OXABREF 2.2.3.23).
const PRIMARY: &str = "SMTP:";
const MAIL: &str = "mail";
const NICKNAME: &str = "mailNickname";
const ADDRESSES: &str = "proxyAddresses";
/// The attributes of this file.
pub const NAMES: [&str; 3] = [MAIL, NICKNAME, ADDRESSES];

/// What a group's mail attributes should be.
enum Wish<'w> {
    /// Whatever they are.
    Leave,
    /// None of ours.
    Off,
    /// These.
    On { address: &'w str, nickname: Option<&'w str> },
}

/// What a new group gets.
pub fn creation(inputs: &Inputs<'_>, group: &Wanted<'_>) -> Vec<(AttributeName, String)> {
    let Wish::On { address, nickname } = wish(inputs, group) else { return Vec::new() };
    let mut values =
        vec![(MAIL.into(), address.to_owned()), (ADDRESSES.into(), format!("{PRIMARY}{address}"))];
    values.extend(nickname.map(|nickname| (NICKNAME.into(), nickname.to_owned())));
    values
}

/// What differs on an existing group.
pub fn differing(
    inputs: &Inputs<'_>,
    group: &Wanted<'_>,
    standing: &DirectoryGroup,
) -> Vec<AttributeChange> {
    match wish(inputs, group) {
        Wish::Leave => Vec::new(),
        // Where members are not removed for doubt, mail is not either.
        Wish::Off if group.resolved.no_removal.is_some() => Vec::new(),
        Wish::Off => ours_off(inputs.memory, group.cloud.id, Some(group.cloud), standing),
        Wish::On { address, nickname } => {
            let mut changes = addresses(&format!("{PRIMARY}{address}"), standing);
            changes.extend(single(MAIL, Some(address), standing));
            changes.extend(nickname.and_then(|name| single(NICKNAME, Some(name), standing)));
            changes
        }
    }
}

/// What is worth telling of a group's mail: one finding of the group, or one of its policy.
pub fn finding(inputs: &Inputs<'_>, group: &Wanted<'_>) -> Option<(FindingCode, String)> {
    if !wants_mail(group) {
        return None;
    }
    if !inputs.directory.facts.exchange_prepared {
        let message = "mail attributes are not written: the directory was not prepared for \
                       Exchange; prepare it, or write `mail: Never`";
        return Some((FindingCode::ExchangeNotPrepared, message.to_owned()));
    }
    let address = group.cloud.mail.as_deref()?;
    let holder = holder(inputs, group, address)?;
    let message = format!(
        "the address {address} of {:?} is that of {holder}; no mail attribute is written",
        group.cloud.display_name
    );
    Some((FindingCode::AddressTaken, message))
}

fn wants_mail(group: &Wanted<'_>) -> bool {
    let has_mail = group.written_type.is_some_and(super::wanted::WrittenType::has_mail);
    has_mail && group.policy.group.mail == MailRule::WhenPrepared
}

fn wish<'w>(inputs: &Inputs<'_>, group: &'w Wanted<'_>) -> Wish<'w> {
    let prepared = inputs.directory.facts.exchange_prepared;
    if group.policy.group.mail == MailRule::Never || !prepared || group.written_type.is_none() {
        return Wish::Leave;
    }
    if !wants_mail(group) {
        return Wish::Off;
    }
    match group.cloud.mail.as_deref().filter(|address| !address.trim().is_empty()) {
        Some(address) if holder(inputs, group, address).is_none() => {
            let nickname = group.cloud.mail_nickname.as_deref();
            Wish::On { address, nickname: nickname.filter(|name| !name.trim().is_empty()) }
        }
        Some(_) | None => Wish::Leave,
    }
}

/// Another object with the address.
fn holder(inputs: &Inputs<'_>, group: &Wanted<'_>, address: &str) -> Option<String> {
    let own = group.existing().map(|existing| existing.guid);
    let holders = inputs.directory.addresses.get(&address.to_lowercase())?;
    let other = holders.iter().find(|holder| Some(**holder) != own)?;
    let principal = inputs.directory.principals.value().get(other);
    Some(principal.map_or_else(|| other.to_string(), |principal| principal.dn.to_string()))
}

/// Puts the primary address in its place. There is one primary address: another one goes.
fn addresses(wanted: &str, standing: &DirectoryGroup) -> Vec<AttributeChange> {
    let values = standing.values(ADDRESSES);
    let is_there = values.iter().any(|value| value == wanted);
    let mut going = values.iter().filter(|value| {
        *value != wanted && (value.starts_with(PRIMARY) || value.eq_ignore_ascii_case(wanted))
    });
    let change = |before: Option<&String>, after: Option<&str>| AttributeChange {
        name: ADDRESSES.into(),
        before: before.cloned(),
        after: after.map(ToOwned::to_owned),
    };
    let mut changes = Vec::new();
    if !is_there {
        changes.push(change(going.next(), Some(wanted)));
    }
    changes.extend(going.map(|value| change(Some(value), None)));
    changes
}

fn single(
    name: &'static str,
    after: Option<&str>,
    standing: &DirectoryGroup,
) -> Option<AttributeChange> {
    let before = standing.values(name).first().cloned();
    let after = after.map(ToOwned::to_owned);
    (before != after).then(|| AttributeChange { name: name.into(), before, after })
}

/// The mail attributes that this daemon wrote and that a group out of use loses. `cloud` is the
/// cloud group while it is listed.
pub fn taken_off(
    inputs: &Inputs<'_>,
    rule: MailRule,
    id: ObjectId,
    cloud: Option<&CloudGroup>,
    standing: &DirectoryGroup,
) -> Vec<AttributeChange> {
    if rule == MailRule::Never || !inputs.directory.facts.exchange_prepared {
        return Vec::new();
    }
    ours_off(inputs.memory, id, cloud, standing)
}

/// Takes off what is as the cloud has it or as an earlier pass meant it; nothing else is surely
/// ours.
fn ours_off(
    memory: &Memory,
    id: ObjectId,
    cloud: Option<&CloudGroup>,
    standing: &DirectoryGroup,
) -> Vec<AttributeChange> {
    let meant = |name: &str| memory.intents.get(&id).and_then(|all| all.attributes.get(name));
    let is_ours = |name: &str, value: &String, of_cloud: Option<&String>| {
        of_cloud == Some(value) || meant(name) == Some(value)
    };
    let address = cloud.and_then(|cloud| cloud.mail.as_ref());
    let nickname = cloud.and_then(|cloud| cloud.mail_nickname.as_ref());
    let primary = address.map(|address| format!("{PRIMARY}{address}"));
    let wanted = [(MAIL, address), (NICKNAME, nickname), (ADDRESSES, primary.as_ref())];
    let mut changes = Vec::new();
    for (name, of_cloud) in wanted {
        let values = standing.values(name).iter();
        let ours = values.filter(|value| {
            is_ours(name, value, of_cloud) && (name != ADDRESSES || value.starts_with(PRIMARY))
        });
        changes.extend(ours.map(|value| AttributeChange {
            name: name.into(),
            before: Some(value.clone()),
            after: None,
        }));
    }
    changes
}

//! What a group is called and where it stands, by which rule, and what its directory group is.

use super::policies::short;
use super::{Sentence, View};
use crate::decide::name::Trouble;
use crate::decide::shape::{placement, shape};
use crate::model::change::{Effect, Kind};
use crate::model::directory::{UNIVERSAL_DISTRIBUTION, UNIVERSAL_SECURITY};
use crate::model::policy::{Mode, NamePreset, NameSource, Naming, Policy, Upkeep};
use crate::model::{Complete, DirectoryGroup};

impl View<'_> {
    /// The DN of the directory group of ours.
    pub(super) fn dn(&self) -> Option<String> {
        self.holdings.owned.get(&self.id).map(|owned| owned.group.dn.to_string())
    }

    /// Where a directory group that is not there yet will stand.
    pub(super) fn place_of_birth(&self) -> Option<String> {
        let mut born = self.changes().filter(|change| match change.effect.kind() {
            Kind::Create | Kind::Restore => true,
            Kind::Adopt
            | Kind::Release
            | Kind::Handover
            | Kind::Rename
            | Kind::Move
            | Kind::Update
            | Kind::Convert
            | Kind::AddMembers
            | Kind::RemoveMembers
            | Kind::Disable
            | Kind::Quarantine
            | Kind::Delete
            | Kind::Freeze => false,
        });
        born.next().map(|change| change.target.dn().to_string())
    }

    /// What the policy calls it and where it puts it.
    pub(super) fn name(&self, policy: &Policy) -> Vec<Sentence> {
        let Some(group) = self.cloud else { return Vec::new() };
        let shape = match shape(policy, group) {
            Ok(shape) => shape,
            Err(reason) => {
                let text = format!("Its name and place are not known: {reason}.");
                return vec![Sentence::at(text, &policy.group_place)];
            }
        };
        let rules = &policy.group;
        let kept = self.kept(policy);
        let mut told = vec![
            named("common name", &rules.common_name, shape.common_name.as_ref(), kept),
            named(
                "pre-Windows 2000 name",
                &rules.sam_account_name,
                shape
                    .sam_account_names
                    .as_ref()
                    .map(|all| all.first().unwrap_or(&group.display_name)),
                kept,
            ),
        ];
        if let Ok(Some(rule)) = placement(policy, group) {
            let condition = rule.when.as_ref();
            let condition = condition.map(|when| format!(", as `{}` holds", when.text));
            let text = format!(
                "The container of {} is {}{}{}.",
                short(&rule.place),
                rule.container,
                condition.unwrap_or_default(),
                upkeep(rules.placement.mode, kept)
            );
            told.push(Sentence::at(text, &rule.place));
        }
        told.extend(self.moves());
        told
    }

    /// Why name and place of a group that is there are left to its administrators.
    fn kept(&self, policy: &Policy) -> Option<&'static str> {
        let owned = self.holdings.owned.get(&self.id)?;
        if owned.is_adopted() {
            Some("the group was adopted and keeps what it has")
        } else if policy.mode == Mode::CreateOnly {
            Some("the mode of the policy is CreateOnly: what is there is kept")
        } else {
            None
        }
    }

    /// Where the group goes from where it stands.
    fn moves(&self) -> impl Iterator<Item = Sentence> {
        self.changes().filter_map(|change| match &change.effect {
            Effect::Rename { to } | Effect::Move { to } | Effect::Quarantine { to } => {
                Some(Sentence::new(format!("It is to become {to} ({}).", change.cause)))
            }
            Effect::Create { .. }
            | Effect::Update { .. }
            | Effect::Convert { .. }
            | Effect::Restore { .. }
            | Effect::Handover { .. }
            | Effect::AddMembers { .. }
            | Effect::RemoveMembers { .. }
            | Effect::Disable { .. }
            | Effect::Delete { .. }
            | Effect::Adopt { .. }
            | Effect::Release { .. }
            | Effect::Freeze => None,
        })
    }

    /// Its directory group as it stands.
    pub(super) fn directory(&self) -> Vec<Sentence> {
        let mut told = Vec::new();
        let (inputs, id) = (self.case.inputs, self.id);
        if let Some(owned) = self.holdings.owned.get(&id) {
            let group = owned.group;
            let members = inputs.directory.members.get(&group.guid);
            let members = members.and_then(|read| read.as_ref().ok()).map(Complete::value);
            let members = members.map_or_else(
                || "its members could not be read".to_owned(),
                |members| format!("{} members", members.len()),
            );
            let sid = group.sid.as_ref().map(|sid| format!(", SID {sid}")).unwrap_or_default();
            told.push(Sentence::new(format!(
                "{} is {}: objectGUID {}{sid}, sAMAccountName {}, {members}.",
                group.dn,
                type_of(group),
                group.guid,
                group.sam_account_name,
            )));
            let (policy, state) = (&owned.record.policy, owned.record.state.word());
            told.push(Sentence::new(match owned.adoption {
                Some(entry) => format!("It is taken up in this pass, as {} asks.", entry.object),
                None => format!("Its record names the policy {policy} and the state {state}."),
            }));
            if let Some(path) = self.case.decision.privileged.get(&id) {
                told.push(Sentence::new(format!(
                    "It is privileged, so nobody is added to it: {path}."
                )));
            }
        } else if let Some(stranger) = self.holdings.strangers.get(&id) {
            let (guid, phrase) = (stranger.guid, stranger.kind.phrase());
            let dn = inputs.directory.groups.value().get(&guid).map(|group| group.dn.to_string());
            let dn = dn.unwrap_or_else(|| guid.to_string());
            told.push(Sentence::new(format!(
                "It exists in the directory as {dn}, {phrase}; it stays untouched."
            )));
        } else if let Some(guid) = inputs.memory.deleted.get(&id) {
            told.push(Sentence::new(format!(
                "It has no directory group: this daemon deleted {guid}."
            )));
        } else {
            told.push(Sentence::new("It has no directory group.".to_owned()));
        }
        told
    }
}

fn named(
    what: &str,
    naming: &Naming,
    name: Result<&String, &Trouble>,
    kept: Option<&str>,
) -> Sentence {
    let source = match &naming.source {
        NameSource::Preset(NamePreset::GroupId) => "preset GroupId".to_owned(),
        NameSource::Preset(NamePreset::DisplayNameAndId) => "preset DisplayNameAndId".to_owned(),
        NameSource::Expression(expression) => format!("expression `{}`", expression.text),
    };
    let name = match name {
        Ok(name) => format!("is {name:?}"),
        Err(Trouble::Empty) => "would be empty".to_owned(),
        Err(Trouble::TooLong { units, units_max }) => {
            format!("would have {units} characters, of which the directory takes {units_max}")
        }
    };
    let place = short(&naming.place);
    let text = format!("The {what} of {place} ({source}) {name}{}.", upkeep(naming.mode, kept));
    Sentence::at(text, &naming.place)
}

fn upkeep(mode: Upkeep, kept: Option<&str>) -> String {
    match (kept, mode) {
        (Some(why), _) => format!("; {why}"),
        (None, Upkeep::Always) => ", put right whenever it differs".to_owned(),
        (None, Upkeep::CreateOnly) => ", set once and then left to the administrators".to_owned(),
    }
}

fn type_of(group: &DirectoryGroup) -> &'static str {
    match group.group_type {
        UNIVERSAL_DISTRIBUTION => "a universal distribution group",
        UNIVERSAL_SECURITY => "a universal security group",
        _ => "a group of another type than universal",
    }
}

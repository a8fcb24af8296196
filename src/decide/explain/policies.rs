//! What each policy says of a group, and what that comes to.

use super::{Sentence, State, View, noun};
use crate::decide::claim::{Claim, Opinion, opinions};
use crate::decide::select::{Entries, Inclusion, Verdict, entries, misses};
use crate::model::change::Cause;
use crate::model::cloud::{Flag, Presence};
use crate::model::policy::{FlagRule, Membership, Mode, Place, Policy, Standing};
use crate::model::{CloudGroup, GroupKind, Leave};

impl View<'_> {
    /// What the group is, and what it comes to.
    pub(super) fn summary(&self) -> Vec<Sentence> {
        let mut summary = vec![Sentence::new(self.subject())];
        summary.push(Sentence::new(match self.state() {
            State::Written => {
                format!("{} writes it, as {}.", self.taker(), self.dn().unwrap_or_default())
            }
            State::Awaited => format!(
                "{} takes it; its directory group is not there yet and waits to be made or brought \
                 back{}.",
                self.taker(),
                self.place_of_birth().map(|dn| format!(", as {dn}")).unwrap_or_default()
            ),
            State::Blocked => {
                format!("{} takes it, but it is not written: {}", self.taker(), self.obstacle())
            }
            State::Frozen => {
                let dn = self.dn().unwrap_or_default();
                format!("Its directory group {dn} stays as it is: {}.", self.freeze())
            }
            State::Ending => format!("Its directory group is to end: {}.", self.leave()),
            State::Unknown => format!(
                "Not enough is known of it in this pass, so nothing of it is changed: {}.",
                self.doubt()
            ),
            State::Idle => format!("It is left as it is: {}.", self.idle()),
            State::Observed => {
                format!("{} would take it, but only observes: nobody writes it.", self.taker())
            }
            State::NotWritten if self.found().is_empty() => {
                "It is not written: no policy takes it.".to_owned()
            }
            State::NotWritten => {
                let found = self.found().join(", ");
                format!("It is not written: no policy takes it, see the findings ({found}).")
            }
        }));
        let left = self.case.inputs.memory.left.get(&self.id);
        if let Some((leave, since)) = left.filter(|(leave, _)| self.event() == Some(*leave)) {
            let phrase = leave.phrase();
            summary.push(Sentence::new(format!("First seen at {since}: {phrase}.")));
        }
        summary
    }

    /// Why the group leaves its policy, where it does.
    fn event(&self) -> Option<Leave> {
        match self.claims.groups.get(&self.id)? {
            Claim::Leaving(_, leave) => Some(*leave),
            Claim::Departing(departing) => Some(departing.leave),
            Claim::Keep(_) | Claim::Unknown(..) | Claim::Idle(_) => None,
        }
    }

    /// What was found of the group, by its codes.
    fn found(&self) -> Vec<String> {
        let found = self.case.decision.findings.iter().filter(|f| f.group == Some(self.id));
        found.map(|finding| format!("{:?}", finding.code)).collect()
    }

    fn subject(&self) -> String {
        let (cloud, id) = (&self.case.inputs.cloud, self.id);
        let Some(group) = self.cloud else {
            let why = if cloud.deleted.value().contains(&id) {
                "is in the deleted items of the tenant"
            } else {
                match self.case.inputs.presence.get(&id) {
                    Some(Presence::Absent) => {
                        "is neither among the groups of the tenant nor among the deleted ones, and \
                         a direct read does not find it"
                    }
                    Some(Presence::There) => "is missing from the listing of the tenant's groups",
                    Some(Presence::Unread(_)) | None => {
                        "is neither among the groups of the tenant nor among the deleted ones"
                    }
                }
            };
            return format!("The cloud group {id} {why}.");
        };
        let membership = match group.membership {
            Membership::Assigned => "assigned",
            Membership::Dynamic => "dynamic",
        };
        let name = &group.display_name;
        format!("{name:?} ({id}) is {} of {membership} membership.", noun(group.kind))
    }

    fn taker(&self) -> String {
        let name = self.policy().map(|policy| &policy.name);
        name.map_or_else(|| "A policy".to_owned(), |name| format!("The policy {name}"))
    }

    /// What stands in the way of a group that a policy takes: its findings say it.
    fn obstacle(&self) -> String {
        let found = self.found();
        if !found.is_empty() {
            return format!("see the findings ({}).", found.join(", "));
        }
        let last_good = self.case.inputs.policies.policies.iter().any(|standing| {
            standing.last_good && self.policy().is_some_and(|own| own.name == standing.policy.name)
        });
        if last_good {
            "the file of the policy cannot be parsed, and a last good version creates no group."
                .to_owned()
        } else {
            "what it builds on is not written in this pass.".to_owned()
        }
    }

    /// Why the directory group is frozen.
    fn freeze(&self) -> String {
        let owned = self.holdings.owned.get(&self.id);
        if let Some(code) = owned.and_then(|owned| owned.frozen) {
            return format!("{code:?}, see the findings");
        }
        let freeze = self.waiting().into_iter().find(|waiting| waiting.admission == "Frozen");
        let cause = freeze.map(|freeze| match freeze.change.cause {
            Cause::Cloud(what) => what,
            cause @ (Cause::Policy(_) | Cause::Drift(_) | Cause::Person(_)) => cause.to_string(),
        });
        cause.unwrap_or_else(|| self.leave())
    }

    fn leave(&self) -> String {
        match self.claims.groups.get(&self.id) {
            Some(Claim::Leaving(_, leave)) => leave.phrase().to_owned(),
            Some(Claim::Departing(departing)) => {
                let (phrase, verb) = (departing.leave.phrase(), departing.departure.verb());
                format!("{phrase}, and the policy says that it is {verb} (`{}`)", {
                    event(departing.leave)
                })
            }
            Some(Claim::Keep(_) | Claim::Unknown(..) | Claim::Idle(_)) | None => {
                "nothing is known of why".to_owned()
            }
        }
    }

    fn doubt(&self) -> String {
        let claimed = match self.claims.groups.get(&self.id) {
            Some(Claim::Unknown(_, reason)) => Some(reason.clone()),
            Some(Claim::Keep(_) | Claim::Leaving(..) | Claim::Departing(_) | Claim::Idle(_))
            | None => None,
        };
        let told = || self.case.decision.unknown.get(&self.id).cloned();
        claimed.or_else(told).unwrap_or_else(|| "no reason was told".to_owned())
    }

    /// Why the policy of the group writes nothing now.
    fn idle(&self) -> String {
        let Some(name) = self.keeper() else { return "its policy writes nothing now".to_owned() };
        let inputs = self.case.inputs;
        if let Some(pause) = inputs.memory.pauses.of(&name) {
            let (by, at) = (&pause.by, pause.at);
            return format!("its policy {name} is paused by {by} since {at}");
        }
        if let Some((reason, message)) = self.case.decision.stalled.get(&name) {
            return format!("its policy {name} is stalled ({reason:?}): {message}");
        }
        let standing = inputs.policies.policies.iter().find(|s| s.policy.name == name);
        match standing.map(|standing| &standing.policy) {
            Some(policy) if policy.suspend => {
                format!("its policy {name} is suspended ({})", policy.place)
            }
            Some(policy) if policy.mode == Mode::Observe => {
                format!("its policy {name} only observes ({})", policy.place)
            }
            Some(_) | None => format!(
                "it belongs to the policy {name}, and while {} cannot be parsed no group leaves",
                inputs.policies.unparsed.join(", ")
            ),
        }
    }

    /// One sentence for each policy, the strongest claim first.
    pub(super) fn policies(&self) -> Vec<Sentence> {
        let Some(group) = self.cloud else { return Vec::new() };
        let opinions = opinions(self.case.inputs, self.holdings, group);
        opinions.iter().map(|opinion| self.opinion(group, opinion)).collect()
    }

    fn opinion(&self, group: &CloudGroup, opinion: &Opinion<'_>) -> Sentence {
        let Standing { policy, last_good, .. } = opinion.standing;
        let found = entries(policy, group, opinion.grounds.controls);
        let place = place(policy, &found, &opinion.verdict);
        let what = match &opinion.verdict {
            Verdict::Selected => format!(
                "selects it {}; {}{}",
                included(policy, &found),
                flag(policy, opinion.grounds.flag),
                self.but(policy)
            ),
            Verdict::FlagOff => format!(
                "would select it {}, but {}, and `writebackFlag: {:?}` ({}) {}",
                included(policy, &found),
                flag(policy, opinion.grounds.flag),
                policy.selection.writeback_flag,
                short(&policy.selection_place),
                writes(policy.selection.writeback_flag, group.kind),
            ),
            Verdict::NotMatched => {
                format!("does not select it: {}", missed(group, opinion, &found))
            }
            Verdict::Ineligible(code, message) => {
                format!("selects it, but cannot write it ({code:?}): {message}")
            }
            Verdict::Unknown(reason, _) => {
                format!("may select it, which is not known in this pass: {reason}")
            }
        };
        let (name, precedence, mode) = (&policy.name, policy.precedence, policy.mode);
        let last_good = if *last_good { ", last good version" } else { "" };
        Sentence::at(
            format!("{name} (precedence {precedence}, {mode:?}{last_good}) {what}."),
            &place,
        )
    }

    /// What becomes of a group that a policy selects.
    fn but(&self, policy: &Policy) -> String {
        let has = self.policy().is_some_and(|own| own.name == policy.name);
        if has {
            return String::new();
        }
        if self.case.inputs.memory.pauses.cover(&policy.name) {
            "; it is paused".to_owned()
        } else if policy.suspend {
            "; it is suspended".to_owned()
        } else if policy.mode == Mode::Observe {
            "; it only observes".to_owned()
        } else {
            let other = self.policy().map(|own| own.name.clone()).or_else(|| self.keeper());
            match other.filter(|other| *other != policy.name) {
                Some(other) => format!("; {other} has the stronger claim"),
                None => "; see the findings".to_owned(),
            }
        }
    }
}

/// The setting that says how a directory group ends.
fn event(leave: Leave) -> &'static str {
    match leave {
        Leave::HardDeleted => "deletion.onHardDeleted",
        Leave::SoftDeleted => "deletion.onSoftDeleted",
        Leave::FlagOff => "deletion.onDisabled",
        Leave::OutOfScope => "deletion.onOutOfScope",
        Leave::Ineligible | Leave::Elsewhere | Leave::Orphaned => "always",
    }
}

/// Where a policy says what it says of the group.
fn place(policy: &Policy, found: &Entries<'_>, verdict: &Verdict) -> Place {
    if let Ok(Some(entry)) = found.excluded {
        return entry.place.clone();
    }
    match (&found.included, verdict) {
        (Ok(Inclusion::Entry(entry)), Verdict::Selected) => entry.place.clone(),
        (Ok(_) | Err(_), _) => policy.selection_place.clone(),
    }
}

/// A place without its column: what editors open.
pub(super) fn short(place: &Place) -> String {
    format!("{}:{}", place.file, place.line)
}

fn included(policy: &Policy, found: &Entries<'_>) -> String {
    match &found.included {
        Ok(Inclusion::Entry(entry)) => format!("by the entry at {}", short(&entry.place)),
        Ok(Inclusion::Everything) => {
            let place = short(&policy.selection_place);
            format!("as everything eligible ({place} has no `include`)")
        }
        Ok(Inclusion::Nothing) | Err(_) => "by no entry".to_owned(),
    }
}

/// What the flag of the group says.
fn flag(policy: &Policy, flag: Option<&Flag>) -> String {
    if policy.selection.writeback_flag == FlagRule::Ignore {
        return "the writeback flag does not count (`writebackFlag: Ignore`)".to_owned();
    }
    let value = match flag.map(|flag| flag.is_enabled) {
        Some(Some(true)) => "true",
        Some(Some(false)) => "false",
        Some(None) => "null",
        None => "not listed",
    };
    format!("its writeback flag is {value}")
}

/// Which groups a rule for the flag writes; reads after the name of the rule.
fn writes(rule: FlagRule, kind: GroupKind) -> &'static str {
    match (rule, kind) {
        (FlagRule::Honour, GroupKind::Microsoft365) => {
            "writes Microsoft 365 groups unless it is false"
        }
        (FlagRule::HonourTenantDefault, GroupKind::Microsoft365) => {
            "writes Microsoft 365 groups unless it is false; null on a new one follows the \
             tenant's default for new groups, which is off"
        }
        (FlagRule::RequireTrue, _) => "writes groups only if it is true",
        (FlagRule::Honour | FlagRule::HonourTenantDefault, _) => {
            "writes security groups only if it is true"
        }
        (FlagRule::Ignore, _) => "does not look at it",
    }
}

/// Why no entry takes the group: of each entry the first condition that does not hold.
fn missed(group: &CloudGroup, opinion: &Opinion<'_>, found: &Entries<'_>) -> String {
    if let Ok(Some(entry)) = found.excluded {
        return format!("the entry of `exclude` at {} takes it out", short(&entry.place));
    }
    let all = opinion.standing.policy.selection.include.iter().flatten();
    let missed: Vec<String> = all
        .map(|entry| {
            let why = match misses(entry, group, opinion.grounds.controls) {
                Ok(Some(field)) => format!("`{field}` does not hold"),
                Ok(None) => "holds".to_owned(),
                Err(reason) => reason,
            };
            format!("{}: {why}", short(&entry.place))
        })
        .collect();
    if missed.is_empty() {
        return "its `include` is empty".to_owned();
    }
    format!("no entry of `include` takes it ({})", missed.join("; "))
}

//! Adoption and release as a person asks for them: looks that are about one group, or about the
//! groups that are let go of, and nothing else.
//!
//! `look` decides as any pass would, with the wish of the command line among the entries of the
//! policies; what it decided for other groups is left out and guarded anew, so that neither plan
//! nor digest depends on them.

use crate::controller::pass::{Blind, Engine, Look};
use crate::decide::adopt::{Which, release};
use crate::decide::guard::{Answers, Scale, guard};
use crate::model::change::{Effect, Kind, MemberReference};
use crate::model::policy::{Adoption, Place};
use crate::model::{Finding, FindingCode, ObjectGuid, ObjectId, Pause, Pauses, PolicyName};

/// A wish of the command line.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The cloud group.
    pub group: ObjectId,
    /// The directory group that it takes up.
    pub object: ObjectGuid,
    /// Under this policy; without, under the one that takes the cloud group.
    pub policy: Option<PolicyName>,
    /// A person says that Microsoft's own writeback does not write it any more, or the tenant
    /// does.
    pub incumbent_off: bool,
}

/// What comes of a wish.
#[derive(Debug)]
pub enum Answered {
    /// It can be followed: a plan for this group alone.
    Planned(Box<Look>),
    /// It was followed before.
    Done,
    /// It cannot, for these reasons. The flag says that a read was not whole.
    Refused(Vec<String>, bool),
}

impl Engine {
    /// Looks what adopting one group comes to. The policies must have been loaded.
    pub async fn look_to_adopt(&mut self, wish: &Wish) -> Result<Answered, Blind> {
        let all = self.policies().policies.iter().map(|standing| &standing.policy.name);
        let meant = all.filter(|name| wish.policy.as_ref().is_none_or(|only| only == *name));
        let meant: Vec<PolicyName> = meant.cloned().collect();
        for name in &meant {
            self.adopt(name.clone(), entry(wish));
        }
        let mut look = self.look(None).await?;
        let adopts = |kind: Kind, group: ObjectId| kind == Kind::Adopt && group == wish.group;
        let changes = &look.decision.plan.changes;
        if changes.iter().any(|change| adopts(change.effect.kind(), change.group)) {
            narrow(&mut look, wish.group);
            self.weigh_alone(&mut look);
            return Ok(Answered::Planned(Box::new(look)));
        }
        if look.decision.lessons.inventory.get(&wish.group) == Some(&wish.object) {
            return Ok(Answered::Done);
        }
        let paused = paused(&self.memory().pauses, &meant);
        Ok(Answered::Refused(reasons(&look, wish, paused), look.decision.incomplete))
    }

    /// Looks what letting go comes to. Groups that are meant and cannot be let go of are findings.
    pub async fn look_to_release(&mut self, which: Which, anchor: bool) -> Result<Look, Blind> {
        self.look_for(move |inputs, decision| {
            let owner = (inputs.owner, inputs.cloud.tenant);
            let released = release(inputs.directory, inputs.containers, owner, which, anchor);
            decision.plan = released.plan;
            decision.findings.extend(released.refused.into_iter().map(|message| Finding {
                policy: None,
                group: None,
                code: FindingCode::OutsideContainers,
                message,
            }));
        })
        .await
    }

    /// Guards what is left of a look. The questions that were asked for the whole plan are not
    /// asked again: what is not answered counts as much as it can.
    fn weigh_alone(&self, look: &mut Look) {
        let answers = Answers::default();
        let scale = Scale::of(&look.policies, self.memory(), &look.decision, &answers, look.begun);
        look.guarded = guard(&look.decision.plan, &scale);
    }
}

/// The entry that the command line stands for.
fn entry(wish: &Wish) -> Adoption {
    Adoption {
        place: Place { file: "the command `adopt`".to_owned(), line: 1, column: 1 },
        group: wish.group,
        object: wish.object,
        incumbent_off: wish.incumbent_off,
    }
}

/// Leaves what concerns one group. Nested groups that the whole plan would make first are added by
/// the pass that makes them.
fn narrow(look: &mut Look, group: ObjectId) {
    let (decision, own) = (&mut look.decision, |of: Option<ObjectId>| of == Some(group));
    let plan = &mut decision.plan;
    for list in [&mut plan.changes, &mut plan.observed, &mut plan.gone, &mut plan.unconfirmed] {
        list.retain(|change| change.group == group);
    }
    plan.changes.retain_mut(|change| {
        let Effect::AddMembers { members, .. } = &mut change.effect else { return true };
        members.retain(|member| matches!(member, MemberReference::Existing { .. }));
        !members.is_empty()
    });
    decision.findings.retain(|finding| own(finding.group));
    decision.unknown.retain(|id, _| *id == group);
    decision.shrunk.clear();
    decision.stalled.clear();
    decision.incomplete = !decision.unknown.is_empty();
    // Memory takes over what became of this group, and of no other.
    (look.partial, look.errand) = (true, true);
}

/// Who paused the policies that might have taken the group: an adopted group is written by its
/// policy from then on, and that is what a pause holds.
fn paused(pauses: &Pauses, meant: &[PolicyName]) -> Option<String> {
    let told = |what: &str, Pause { by, at }: &Pause, word: &str| {
        format!(
            "{what} is paused by {by} since {at} and adopts nothing; `writeback {word}`, while the \
             daemon runs, ends it"
        )
    };
    if let Some(all) = &pauses.all {
        return Some(told("everything", all, "resume"));
    }
    let by_name = meant.iter().filter_map(|name| Some((name, pauses.policies.get(name)?)));
    let told = by_name.map(|(name, pause)| {
        told(&format!("policy {name}"), pause, &format!("resume --policy {name}"))
    });
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// Why a wish cannot be followed. `paused`: who keeps policies from it.
fn reasons(look: &Look, wish: &Wish, paused: Option<String>) -> Vec<String> {
    let findings =
        look.decision.findings.iter().filter(|finding| finding.group == Some(wish.group));
    let told = |of: &dyn Fn(&Finding) -> bool| -> Vec<String> {
        let told = findings.clone().filter(|finding| of(finding));
        let mut told: Vec<_> = told.map(|finding| finding.message.clone()).collect();
        told.dedup();
        told
    };
    // Every policy was given the wish; who does not take the group says so, which is no news.
    let claimant = look.decision.plan.observed.iter().find(|change| change.group == wish.group);
    if let Some(observed) = claimant {
        return vec![format!("the policy {} only observes and adopts nothing", observed.policy)];
    }
    let refused = |finding: &Finding| finding.code == FindingCode::AdoptionRefused;
    let elsewhere = |finding: &Finding| finding.message.contains("move the entry there");
    for chosen in [
        told(&|finding| refused(finding) && !elsewhere(finding)),
        told(&|finding| !refused(finding)),
        paused.into_iter().collect(),
        told(&refused),
    ] {
        if !chosen.is_empty() {
            return chosen;
        }
    }
    let unknown = look.decision.unknown.get(&wish.group).cloned();
    let nothing = "no policy that may write now takes this cloud group; see `writeback plan`";
    vec![unknown.unwrap_or_else(|| nothing.to_owned())]
}

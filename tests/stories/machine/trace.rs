//! The story told aloud: what each pass found and what became of it.

use writeback::model::change::{Change, Effect, Kind, MemberReference};

use super::Machine;
use super::look::Look;

impl Machine {
    pub(super) fn tell(&mut self, look: &Look) {
        let admitted = look.guarded.admitted.changes();
        for change in admitted {
            let words = [
                (Kind::Restore, "a group brought back"),
                (Kind::Handover, "a group handed over"),
                (Kind::Disable, "a group disabled"),
                (Kind::Quarantine, "a group quarantined"),
                (Kind::Delete, "a group deleted"),
                (Kind::Convert, "a group of another type"),
            ];
            let word = words.into_iter().find(|(kind, _)| *kind == change.effect.kind());
            if let Some((_, word)) = word {
                self.sometimes.count(word);
            }
        }
        self.sometimes.count_if("something held", look.guarded.held.digest().is_some());
        if self.trace {
            let lines = admitted.iter().map(line).chain(
                look.guarded.held.changes.iter().map(|change| format!("held {}", line(change))),
            );
            let lines: Vec<String> = lines.collect();
            self.say(&format!("pass, doubtful {}:\n    {}", look.doubtful, lines.join("\n    ")));
            for hold in &look.guarded.held.holds {
                self.say(&format!("hold {:?}: {}", hold.row, hold.message));
            }
            for (id, why) in &look.decision.unknown {
                self.say(&format!("unknown {:?}: {why}", self.world.tenant.word(*id)));
            }
        }
    }

    pub(crate) fn say(&self, text: &str) {
        if self.trace {
            let passed = self.gate.passed();
            println!("{} {passed:?} {text}", self.world.now);
        }
    }
}

pub(super) fn line(change: &Change) -> String {
    let cause = &change.cause;
    let members = match &change.effect {
        Effect::AddMembers { members, .. } | Effect::RemoveMembers { members, .. } => {
            members.iter().map(MemberReference::label).collect::<Vec<_>>().join(" ")
        }
        Effect::Update { attributes } => {
            attributes.iter().map(|a| a.name.to_string()).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    };
    format!("{} {:?} {} {members} ({cause})", change.policy, change.effect.kind(), change.label)
}

//! A look for an errand: what one person asks for is planned and guarded, and nothing else.
//!
//! `controller::undo` and `controller::adopt` say what is to be planned; whoever runs the command
//! hands the look on to `books::finish`, as that of any pass.

use std::collections::BTreeMap;

use super::Seen;
use crate::controller::now;
use crate::controller::pass::{Blind, Engine, Look};
use crate::controller::questions::Questions;
use crate::decide::conditions::Conditions;
use crate::decide::guard::approve::granted;
use crate::decide::guard::{Scale, guard};
use crate::decide::{Decision, Inputs, errand};
use crate::model::Memory;
use crate::report::events::Event;

impl Engine {
    /// Looks at both worlds for an errand: `plan` says what is to be done.
    pub async fn look_for(
        &mut self,
        plan: impl Fn(&Inputs<'_>, &mut Decision) + Send + Sync,
    ) -> Result<Look, Blind> {
        let begun = now();
        self.number += 1;
        self.report.emit(&Event::PassBegun { number: self.number, at: begun });
        let policies = self.policies_now();
        let questions = Questions::of(&policies);
        let (directory, cloud) = self.read_both(&questions, begun).await?;
        let presence = BTreeMap::new();
        let settings = self.settings.clone();
        let seen = Seen {
            settings: &settings,
            policies: &policies,
            directory: &directory,
            cloud: &cloud,
            presence: &presence,
        };
        let decision = errand(&seen.inputs(&self.memory), &plan);
        let answers = self.ask(&decision).await;
        let weigh = |memory: &Memory| {
            let scale = Scale::of(&policies, memory, &decision, &answers, begun);
            guard(&decision.plan, &scale)
        };
        let guarded = weigh(&self.memory);
        let granted = granted(&self.requests, &guarded.held, &self.memory, now());
        let taken = self.take_up(&granted);
        // An errand is a person's own: what it does not hold, no later one does for it.
        self.requests.clear();
        let guarded = if granted.is_empty() { guarded } else { weigh(&self.memory) };
        Ok(Look {
            begun,
            policies,
            decision,
            guarded,
            granted,
            places: BTreeMap::new(),
            taken,
            partial: true,
            others: Conditions::new(),
            remembers: self.remembers,
            errand: true,
            forgotten: None,
        })
    }
}

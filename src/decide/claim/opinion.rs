//! What every policy says of one group, for whoever explains a claim.

use super::{Claims, Judge};
use crate::decide::Inputs;
use crate::decide::holdings::Holdings;
use crate::decide::select::{Grounds, Verdict};
use crate::model::CloudGroup;
use crate::model::policy::Standing;

/// What one policy says of a group.
#[derive(Debug)]
pub struct Opinion<'a> {
    /// The policy.
    pub standing: &'a Standing,
    /// What it says.
    pub verdict: Verdict,
    /// What that rests on.
    pub grounds: Grounds<'a>,
}

/// Asks every policy about a group, the strongest claim first.
pub fn opinions<'a>(
    inputs: &'a Inputs<'a>,
    holdings: &'a Holdings<'a>,
    group: &CloudGroup,
) -> Vec<Opinion<'a>> {
    let judge = Judge::new(inputs, holdings, &mut Claims::default());
    let ranked = judge.ranking.iter().filter_map(|index| judge.standings.get(*index));
    let opinion = |standing: &'a Standing| Opinion {
        standing,
        verdict: judge.verdict(standing, group),
        grounds: judge.grounds(group),
    };
    ranked.map(opinion).collect()
}

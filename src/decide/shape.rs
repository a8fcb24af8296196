//! What a policy makes of one cloud group: its container, its names, its extra attributes.
//!
//! From a policy and a cloud group to texts; who gets which name when several want one is settled
//! in `naming`. An expression that fails leaves the whole group alone.

use std::collections::BTreeMap;

use crate::decide::expression::{text, truth};
use crate::decide::name::{CN_UNITS_MAX, Trouble, clean, common_name, sam_account_names, sam_base};
use crate::model::policy::{ContainerRule, NameSource, Naming, Policy, Upkeep};
use crate::model::{AttributeName, CloudGroup, Dn};

/// What a policy makes of one cloud group.
#[derive(Debug)]
pub struct Shape {
    /// Where it belongs; `None` where no rule holds.
    pub container: Option<Dn>,
    /// Its common name.
    pub common_name: Result<String, Trouble>,
    /// The pre-Windows 2000 names it may have, best first.
    pub sam_account_names: Result<Vec<String>, Trouble>,
    /// Attributes beyond the standard set; an empty text takes one off.
    pub extras: BTreeMap<AttributeName, Extra>,
}

/// What an attribute beyond the standard set holds.
#[derive(Debug)]
pub struct Extra {
    /// Its value; empty for none.
    pub value: String,
    /// Whether it is kept after creation.
    pub mode: Upkeep,
}

/// Applies names, rules and expressions. `Err`: an expression fails, for this reason.
pub fn shape(policy: &Policy, group: &CloudGroup) -> Result<Shape, String> {
    let shape = &policy.group;
    let mut extras = BTreeMap::new();
    for attribute in &shape.attributes {
        // A NUL ends strings in some readers of the directory.
        let value = text(&attribute.expression, group)?.replace('\0', "");
        let value = if value.trim().is_empty() { String::new() } else { value };
        extras.insert(attribute.name.clone(), Extra { value, mode: attribute.mode });
    }
    Ok(Shape {
        container: container(policy, group)?,
        common_name: cn(&shape.common_name, group)?,
        sam_account_names: sams(&shape.sam_account_name, group)?,
        extras,
    })
}

fn container(policy: &Policy, group: &CloudGroup) -> Result<Option<Dn>, String> {
    Ok(placement(policy, group)?.map(|rule| rule.container.clone()))
}

/// The rule that says where a group stands: the first whose condition holds. `Err`: a condition
/// before it fails, for this reason.
pub fn placement<'p>(
    policy: &'p Policy,
    group: &CloudGroup,
) -> Result<Option<&'p ContainerRule>, String> {
    for rule in &policy.group.placement.rules {
        let holds = rule.when.as_ref().map_or(Ok(true), |when| truth(when, group))?;
        if holds {
            return Ok(Some(rule));
        }
    }
    Ok(None)
}

fn cn(naming: &Naming, group: &CloudGroup) -> Result<Result<String, Trouble>, String> {
    let expression = match &naming.source {
        NameSource::Preset(preset) => {
            return Ok(common_name(*preset, group).ok_or(Trouble::Empty));
        }
        NameSource::Expression(expression) => expression,
    };
    let name = clean(&text(expression, group)?);
    Ok(bounded(name, CN_UNITS_MAX))
}

fn sams(naming: &Naming, group: &CloudGroup) -> Result<Result<Vec<String>, Trouble>, String> {
    /// Schema attribute `sAMAccountName`, rangeUpper 256, less the longest suffix.
    const UNITS_MAX: usize = 254;
    let base = match &naming.source {
        NameSource::Preset(preset) => match common_name(*preset, group) {
            Some(name) => sam_base(&name),
            None => return Ok(Err(Trouble::Empty)),
        },
        NameSource::Expression(expression) => sam_base(&text(expression, group)?),
    };
    Ok(bounded(base, UNITS_MAX).map(|base| sam_account_names(&base)))
}

/// A name that an expression makes is never cut: two groups could become one.
fn bounded(name: String, units_max: usize) -> Result<String, Trouble> {
    let units = name.encode_utf16().count();
    if name.is_empty() {
        Err(Trouble::Empty)
    } else if units > units_max {
        Err(Trouble::TooLong { units, units_max })
    } else {
        Ok(name)
    }
}

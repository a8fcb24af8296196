//! Whose the marked groups of the directory are: ours, another owner's, or Microsoft's.
//!
//! From every directory group with an anchor or a record to one problem for each that is not ours.
//! Microsoft's two products are told apart by their marks; case tables in
//! learn.microsoft.com/entra/identity/hybrid/cloud-sync (attribute mappings, migration from Entra
//! Connect group writeback).

use crate::discover::{Estate, Problem, Told, fact, number};
use crate::model::directory::RecordValue;
use crate::model::{DirectoryGroup, FindingCode, OwnershipRecord};

/// How Cloud Sync marks a group that it took over from the directory.
const TAKEN_OVER: &str = "TakenOver_";

pub(super) fn tell(estate: &Estate<'_>, told: &mut Told) {
    let Ok(side) = &estate.domain else { return };
    let Ok(snapshot) = side.snapshot else { return };
    let groups = snapshot.groups.value();
    let mut ours = 0_usize;
    let mut foreign = 0_usize;
    for group in groups.values() {
        match stranger(estate, group) {
            None => ours += 1,
            Some(problem) => {
                foreign += 1;
                told.problem(problem);
            }
        }
    }
    told.section(
        "written-back groups in the directory",
        vec![fact("ours", number(ours)), fact("of others", number(foreign))],
    );
}

/// Whether a directory group carries our record and nobody else's.
pub(super) fn is_ours(estate: &Estate<'_>, group: &DirectoryGroup) -> bool {
    stranger(estate, group).is_none()
}

/// What is told of a group that is not ours.
fn stranger(estate: &Estate<'_>, group: &DirectoryGroup) -> Option<Problem> {
    let subject = group.dn.to_string();
    if group.records.is_empty() {
        let what = format!("it carries {}", incumbent(group));
        return Some(Problem::finding(FindingCode::Foreign, subject, what));
    }
    let is_ours = |value: &&RecordValue| {
        value
            .record
            .as_ref()
            .is_some_and(|record| record.owner == estate.owner && record.tenant == estate.tenant_id)
    };
    let other = group.records.iter().find(|value| !is_ours(value))?;
    let what = match &other.record {
        Some(OwnershipRecord { owner, tenant, policy, .. }) => format!(
            "it carries the record of the owner {owner} for the tenant {tenant}, policy {policy}"
        ),
        None => format!("it carries a record that this version cannot read ({})", other.text),
    };
    Some(Problem::finding(FindingCode::OwnedElsewhere, subject, what))
}

/// Who wrote a group that carries an anchor and no record:
///
/// | `adminDescription` | `msDS-ExternalDirectoryObjectId` | written by |
/// |---|---|---|
/// | `TakenOver_Group_…` | any | Cloud Sync, taken over from the directory |
/// | `Group_…` | `Group_…` | Cloud Sync, or Entra Connect and moved to it |
/// | `Group_…` | | Entra Connect |
/// | | `Group_…` | a part of Cloud Sync's marks |
fn incumbent(group: &DirectoryGroup) -> &'static str {
    let starts = |text: Option<&String>, start: &str| {
        text.and_then(|text| text.get(..start.len()))
            .is_some_and(|found| found.eq_ignore_ascii_case(start))
    };
    let (admin, external) = (group.admin_description.as_ref(), group.external_id.as_ref());
    if starts(admin, TAKEN_OVER) {
        "the marks of Cloud Sync, which took it over from the directory"
    } else if starts(admin, "Group_") && starts(external, "Group_") {
        "the marks of Cloud Sync (or of Entra Connect, moved to Cloud Sync)"
    } else if starts(admin, "Group_") {
        "the mark of Entra Connect group writeback"
    } else {
        "Cloud Sync's anchor alone (msDS-ExternalDirectoryObjectId without adminDescription)"
    }
}

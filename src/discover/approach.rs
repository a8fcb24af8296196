//! Which of the two ways to begin is recommended, and the policy text for it.
//!
//! From the tenant's settings and flags to an [`Approach`] with its reason. The texts are the two
//! folders `config/policies/default-behaviour` and `config/policies/only-configured`, with the
//! estate's own container in the place of the example's.

use serde::Serialize;

use crate::discover::{Estate, Recommendation};
use crate::model::cloud::{Flag, Origin};
use crate::model::readiness::MicrosoftWriteback;
use crate::model::{Complete, Containers, Dn, GroupKind};

/// The container that the ready policies name.
const EXAMPLE: &str = "OU=Cloud Groups,DC=corp,DC=example";

/// The two ways to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Approach {
    /// Every Microsoft 365 group, as a distribution group, nothing deleted before hard deletion.
    #[serde(rename = "default-behaviour")]
    DefaultBehaviour,
    /// Only groups that are configured; deleted when they are disabled or deleted.
    #[serde(rename = "only-configured")]
    OnlyConfigured,
}

/// One policy file of an approach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReadyPolicy {
    /// Its name in the policy folder.
    pub file: &'static str,
    /// What it says.
    pub text: String,
}

impl Approach {
    /// Both.
    pub const ALL: [Self; 2] = [Self::DefaultBehaviour, Self::OnlyConfigured];

    /// The word for it, which is the name of its folder.
    pub fn word(self) -> &'static str {
        match self {
            Self::DefaultBehaviour => "default-behaviour",
            Self::OnlyConfigured => "only-configured",
        }
    }

    /// Its policy files for these containers: the first one takes the place of the example's.
    pub fn policies(self, containers: &Containers) -> Vec<ReadyPolicy> {
        let container = containers.iter().next().map(Dn::to_string);
        // The texts quote the name in single quotes, where a quote is doubled (YAML 1.2, 7.3.2).
        let container = container.unwrap_or_else(|| EXAMPLE.to_owned()).replace('\'', "''");
        let ready = |(file, text): &(&'static str, &str)| ReadyPolicy {
            file,
            text: text.replace(EXAMPLE, &container),
        };
        self.files().iter().map(ready).collect()
    }

    fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::DefaultBehaviour => &[(
                "default-behaviour.yaml",
                include_str!("../../config/policies/default-behaviour/default-behaviour.yaml"),
            )],
            Self::OnlyConfigured => &[(
                "only-configured.yaml",
                include_str!("../../config/policies/only-configured/only-configured.yaml"),
            )],
        }
    }
}

/// What is recommended, the first row that holds:
///
/// | the tenant | approach |
/// |---|---|
/// | its groups, flags or default for new groups are not known | only configured |
/// | does not write back new groups by default | only configured |
/// | has Microsoft 365 groups with a writeback setting, on or off | only configured |
/// | has configured nothing | default behaviour |
pub(super) fn recommend(estate: &Estate<'_>) -> Recommendation {
    let (approach, reason) = choose(estate);
    Recommendation { approach, reason, policies: approach.policies(estate.containers) }
}

pub(super) fn choose(estate: &Estate<'_>) -> (Approach, String) {
    let careful = |reason: String| (Approach::OnlyConfigured, reason);
    let Ok(tenant) = &estate.tenant else {
        return careful(
            "the tenant is not known; this way writes nothing that nobody asked for".into(),
        );
    };
    let Ok(listing) = tenant.listing else {
        return careful(
            "the tenant's groups are not known; this way writes nothing that nobody asked for"
                .into(),
        );
    };
    match &tenant.readiness.new_groups {
        Ok(true) => {}
        Ok(false) => {
            return careful(
                "the tenant does not write back new Microsoft 365 groups by default \
                 (NewUnifiedGroupWritebackDefault is false)"
                    .into(),
            );
        }
        Err(_) => {
            return careful(
                "the tenant's default for new groups is not known; this way does not depend on it"
                    .into(),
            );
        }
    }
    let Ok(flags) = listing.flags.as_ref().map(Complete::value) else {
        return careful(
            "the groups' writeback settings are not known; this way writes nothing while they are \
             not"
            .into(),
        );
    };
    let unified = listing
        .groups
        .value()
        .values()
        .filter(|group| group.kind == GroupKind::Microsoft365 && group.origin == Origin::Cloud);
    let (mut all, mut on, mut off) = (0_usize, 0_usize, 0_usize);
    for group in unified {
        all += 1;
        match flags.get(&group.id) {
            Some(Flag { is_enabled: Some(true), .. }) => on += 1,
            Some(Flag { is_enabled: Some(false), .. }) => off += 1,
            Some(Flag { is_enabled: None, .. }) | None => {}
        }
    }
    if on + off > 0 {
        return careful(format!(
            "of {all} Microsoft 365 groups {on} are set to be written back and {off} are set not \
             to be: somebody configures them one by one"
        ));
    }
    let incumbent = match &tenant.readiness.writeback {
        MicrosoftWriteback::Told { version_1: Some(true), .. } => {
            ", and Microsoft's own writeback writes all of them already"
        }
        MicrosoftWriteback::Told { .. }
        | MicrosoftWriteback::Refused { .. }
        | MicrosoftWriteback::Unread(_) => "",
    };
    let reason = format!(
        "no writeback setting is changed, neither the tenant's default nor that of any of its \
         {all} Microsoft 365 groups{incumbent}"
    );
    (Approach::DefaultBehaviour, reason)
}

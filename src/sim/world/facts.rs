//! What a tenant says of itself: settings, licences, whether and how it syncs.
//!
//! Input: what a test plants. Output: values that `sim::tenant` tells under `/groupSettings`,
//! `/subscribedSkus`, `/organization` and `/directory/onPremisesSynchronization`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::{Uuid, uuid};

/// The service plan of Entra ID P1, `AAD_PREMIUM`
/// (learn.microsoft.com/entra/identity/users/licensing-service-plan-reference).
pub const ENTRA_P1_PLAN: Uuid = uuid!("41781fb2-bc02-4b7c-bd55-b576c07bb09d");

/// The product of that name (the same page).
const ENTRA_P1_SKU: Uuid = uuid!("078d2b04-f1bd-4111-bbd6-b4b1b354cef4");

/// The template that settings named `Group.Unified` are made from
/// (learn.microsoft.com/entra/identity/users/groups-settings-cmdlets).
const UNIFIED_TEMPLATE: Uuid = uuid!("62375ab9-6b52-47ed-826b-58e47e0e304b");

/// What a tenant says of itself. The default is a newcomer's tenant: licensed, without settings.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantFacts {
    /// The settings somebody made. Empty: every default applies
    /// (learn.microsoft.com/graph/group-directory-settings).
    pub settings: Vec<DirectorySetting>,
    /// What is subscribed to.
    pub licences: Vec<Licence>,
    /// Whether the tenant calls itself synchronised.
    pub directory_sync: DirectorySync,
    /// When the last sync ended. None: just now, in a tenant that syncs.
    pub last_sync: Option<Timestamp>,
    /// What the sync client may do.
    pub synchronization: Synchronization,
    /// Whether a deleted security group can be restored. True since Message Center MC1183299
    /// (2026-02); before that, and in pages not yet rewritten, only Microsoft 365 groups could
    /// (learn.microsoft.com/graph/api/group-delete).
    pub security_groups_restorable: bool,
}

impl Default for TenantFacts {
    fn default() -> Self {
        Self {
            settings: Vec::new(),
            licences: vec![Licence::entra_p1()],
            directory_sync: DirectorySync::default(),
            last_sync: None,
            synchronization: Synchronization::default(),
            security_groups_restorable: true,
        }
    }
}

impl TenantFacts {
    /// The default facts and a setting `Group.Unified` whose `NewUnifiedGroupWritebackDefault` is
    /// this text. None: the setting is there and says nothing of writeback.
    pub fn with_writeback_default(text: Option<&str>) -> Self {
        Self { settings: vec![DirectorySetting::unified(text)], ..Self::default() }
    }
}

/// One settings object of the tenant. All values are texts
/// (learn.microsoft.com/graph/api/resources/groupsetting).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectorySetting {
    /// Its id.
    pub id: Uuid,
    /// The template's name, such as `Group.Unified`.
    pub display_name: String,
    /// The template's id.
    pub template_id: Uuid,
    /// Names and values in order; the schema lets a value be null.
    pub values: Vec<(String, Option<String>)>,
}

impl DirectorySetting {
    /// `Group.Unified` with some of the values its template has; `writeback_default` is the text
    /// of `NewUnifiedGroupWritebackDefault` in any case, None leaves the name out.
    pub fn unified(writeback_default: Option<&str>) -> Self {
        let text = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        let mut values = vec![text("EnableGroupCreation", "true"), text("ClassificationList", "")];
        let default = writeback_default.map(|value| text("NewUnifiedGroupWritebackDefault", value));
        values.extend(default);
        Self {
            id: uuid!("f0b2d6f5-097d-4177-91af-a24e530b53cc"),
            display_name: "Group.Unified".to_owned(),
            template_id: UNIFIED_TEMPLATE,
            values,
        }
    }
}

/// A product the tenant is subscribed to (learn.microsoft.com/graph/api/resources/subscribedsku).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Licence {
    /// The product's id.
    pub sku_id: Uuid,
    /// The product's name, such as `AAD_PREMIUM`.
    pub part_number: String,
    /// `Enabled`, `Warning`, `Suspended`, `Deleted` or `LockedOut`.
    pub capability_status: String,
    /// Bought units.
    pub enabled_units: i32,
    /// Units given to users.
    pub consumed_units: i32,
    /// What is in it.
    pub plans: Vec<ServicePlan>,
}

/// A part of a [`Licence`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePlan {
    /// The plan's id: what tells P1, whatever product it comes in.
    pub id: Uuid,
    /// The plan's name.
    pub name: String,
    /// The service's name in `assignedPlans`.
    pub service: String,
    /// `Success`, `Disabled`, `PendingInput` and others.
    pub provisioning_status: String,
}

impl Licence {
    /// Entra ID P1 on its own, in force.
    pub fn entra_p1() -> Self {
        Self::of("AAD_PREMIUM", ENTRA_P1_SKU, vec![ServicePlan::entra_p1()])
    }

    /// A product in force with these plans; one unit of ten is given out.
    pub fn of(part_number: &str, sku_id: Uuid, plans: Vec<ServicePlan>) -> Self {
        Self {
            sku_id,
            part_number: part_number.to_owned(),
            capability_status: "Enabled".to_owned(),
            enabled_units: 10,
            consumed_units: 1,
            plans,
        }
    }
}

impl ServicePlan {
    /// Entra ID P1, in force.
    pub fn entra_p1() -> Self {
        Self {
            id: ENTRA_P1_PLAN,
            name: "AAD_PREMIUM".to_owned(),
            service: "AADPremiumService".to_owned(),
            provisioning_status: "Success".to_owned(),
        }
    }
}

/// What `onPremisesSyncEnabled` of the organization says
/// (learn.microsoft.com/graph/api/resources/organization: true, false once it was, null never).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DirectorySync {
    /// True where a person of the world has a link, null where none has.
    #[default]
    AsPeopleSay,
    /// True.
    On,
    /// False: it synced once.
    Off,
    /// Null: it never did.
    Never,
}

/// What `/directory/onPremisesSynchronization` says, and to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Synchronization {
    /// False, as Microsoft's own list of permissions says: no application permission covers the
    /// request, every application gets 403. True: an application that has
    /// `OnPremDirectorySynchronization.Read.All`, a role that exists without a text, gets an
    /// answer. Which of the two a tenant does is not documented.
    pub applications_may_read: bool,
    /// `features` by name; a feature not named here is false.
    pub features: BTreeMap<String, Option<bool>>,
}

impl Synchronization {
    /// Readable by an application that has the role, with both versions of Microsoft's own
    /// writeback as given: the first is `unifiedGroupWritebackEnabled`, the second
    /// `groupWriteBackEnabled`.
    pub fn readable(version_one: bool, version_two: bool) -> Self {
        let features = [
            ("unifiedGroupWritebackEnabled".to_owned(), Some(version_one)),
            ("groupWriteBackEnabled".to_owned(), Some(version_two)),
        ];
        Self { applications_may_read: true, features: features.into() }
    }
}

//! What the tenant says of itself: organization, settings, licences, synchronisation.
//!
//! Input: the facts of the world. Output: JSON documents in Graph's shape.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::ask::Ask;
use super::clock::graph_time;
use super::error::Refusal;
use super::graph::{View, check_select, no_such_property};
use super::property::{Type, Version, nothing};
use super::resource::CREATED;
use crate::sim::world::{DirectorySync, Licence, MAIL_DOMAIN, TenantFacts};

/// The properties of a setting (learn.microsoft.com/graph/api/resources/groupsetting).
const SETTING: [&str; 4] = ["id", "displayName", "templateId", "values"];

/// The properties of a product (learn.microsoft.com/graph/api/resources/subscribedsku).
const LICENCE: [&str; 11] = [
    "id",
    "accountId",
    "accountName",
    "appliesTo",
    "capabilityStatus",
    "consumedUnits",
    "prepaidUnits",
    "servicePlans",
    "skuId",
    "skuPartNumber",
    "subscriptionIds",
];

/// The properties of the synchronisation
/// (learn.microsoft.com/graph/api/resources/onpremisesdirectorysynchronization).
const SYNCHRONIZATION: [&str; 3] = ["id", "configuration", "features"];

/// Every feature (learn.microsoft.com/graph/api/resources/
/// onpremisesdirectorysynchronizationfeature; schemas/v1.0-Prod.csdl of 2026-08).
const FEATURES: [&str; 20] = [
    "allowOnPremUpdateOfOnPremisesObjectIdentifierEnabled",
    "blockCloudObjectTakeoverThroughHardMatchEnabled",
    "blockSoftMatchEnabled",
    "bypassDirSyncOverridesEnabled",
    "cloudPasswordPolicyForPasswordSyncedUsersEnabled",
    "concurrentCredentialUpdateEnabled",
    "concurrentOrgIdProvisioningEnabled",
    "deviceWritebackEnabled",
    "directoryExtensionsEnabled",
    "fopeConflictResolutionEnabled",
    "groupWriteBackEnabled",
    "passwordSyncEnabled",
    "passwordWritebackEnabled",
    "quarantineUponProxyAddressesConflictEnabled",
    "quarantineUponUpnConflictEnabled",
    "softMatchOnUpnEnabled",
    "synchronizeUpnForManagedUsersEnabled",
    "unifiedGroupWritebackEnabled",
    "userForcePasswordChangeOnLogonEnabled",
    "userWritebackEnabled",
];

impl View<'_> {
    /// `GET /organization` (learn.microsoft.com/graph/api/resources/organization).
    pub(super) fn organization(&self, ask: &Ask) -> Result<Map<String, Value>, Refusal> {
        check_select(ask, &[Type::Organization])?;
        let all = Type::Organization.default_properties();
        let body = chosen(ask, all, |name| self.organization_value(name));
        Ok(self.collection(ask, "organization", [body]))
    }

    /// `GET /groupSettings`, in beta `GET /settings`. A tenant has no setting until somebody made
    /// one from a template (learn.microsoft.com/graph/group-directory-settings).
    pub(super) fn settings(&self, ask: &Ask) -> Result<Map<String, Value>, Refusal> {
        check_options(ask, &SETTING, "groupSetting")?;
        let settings = self.facts().settings.iter().map(|setting| {
            chosen(ask, &SETTING, |name| match name {
                "id" => json!(setting.id),
                "displayName" => json!(setting.display_name),
                "templateId" => json!(setting.template_id),
                _ => {
                    let pair = |(name, value): &(String, Option<String>)| {
                        json!({ "name": name, "value": value })
                    };
                    setting.values.iter().map(pair).collect()
                }
            })
        });
        let set = match ask.version {
            Version::V1 => "groupSettings",
            Version::Beta => "settings",
        };
        Ok(self.collection(ask, set, settings))
    }

    /// `GET /subscribedSkus`. Filters are not supported, the page of the resource says.
    pub(super) fn licences(&self, ask: &Ask) -> Result<Map<String, Value>, Refusal> {
        check_options(ask, &LICENCE, "subscribedSku")?;
        let tenant = self.cloud.tenant_id;
        let licences = self.facts().licences.iter();
        let body = licences
            .map(|licence| chosen(ask, &LICENCE, |name| licence_value(tenant, licence, name)));
        Ok(self.collection(ask, "subscribedSkus", body))
    }

    /// `GET /directory/onPremisesSynchronization`, with or without the tenant's id: the rights of
    /// the token are known to be enough, the tenant may refuse all the same.
    pub(super) fn synchronization(
        &self,
        ask: &Ask,
        id: Option<Uuid>,
    ) -> Result<Map<String, Value>, Refusal> {
        if !self.facts().synchronization.applications_may_read {
            return Err(Refusal::denied());
        }
        check_options(ask, &SYNCHRONIZATION, "onPremisesDirectorySynchronization")?;
        let body = chosen(ask, &SYNCHRONIZATION, |name| self.synchronization_value(name));
        let set = "directory/onPremisesSynchronization";
        let Some(id) = id else {
            return Ok(self.collection(ask, set, [body]));
        };
        if id != self.cloud.tenant_id {
            return Err(Refusal::not_found(&id.to_string()));
        }
        let mut document = Map::new();
        let context = self.context(ask, set);
        document.insert("@odata.context".into(), json!(format!("{context}/$entity")));
        document.extend(body);
        Ok(document)
    }

    fn synchronization_value(&self, name: &str) -> Value {
        match name {
            "id" => json!(self.cloud.tenant_id),
            // What a tenant has that never changed it: 500 objects, the page of the resource says.
            "configuration" => json!({ "accidentalDeletionPrevention":
                { "synchronizationPreventionType": "enabledForCount", "alertThreshold": 500 } }),
            _ => {
                let said = &self.facts().synchronization.features;
                let feature = |name: &&str| {
                    let value = said.get(*name).copied().unwrap_or(Some(false));
                    ((*name).to_owned(), json!(value))
                };
                Value::Object(FEATURES.iter().map(feature).collect())
            }
        }
    }

    fn organization_value(&self, name: &str) -> Value {
        let cloud = self.cloud;
        match name {
            "id" => json!(cloud.tenant_id),
            "displayName" => json!(cloud.tenant_name),
            "tenantType" => json!("AAD"),
            "createdDateTime" => json!(CREATED),
            "countryLetterCode" => json!("SE"),
            "onPremisesSyncEnabled" => json!(self.syncs()),
            "onPremisesLastSyncDateTime" => {
                let last = self.facts().last_sync.unwrap_or(cloud.now());
                self.syncs().map(|_| graph_time(last)).into()
            }
            "verifiedDomains" => json!([{ "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": true, "isInitial": true, "name": MAIL_DOMAIN, "type": "Managed" }]),
            "assignedPlans" => assigned_plans(self.facts()),
            _ => nothing(name),
        }
    }

    /// True: it syncs; false: it did once; null: it never did.
    fn syncs(&self) -> Option<bool> {
        match self.facts().directory_sync {
            DirectorySync::AsPeopleSay => self.cloud.syncs().then_some(true),
            DirectorySync::On => Some(true),
            DirectorySync::Off => Some(false),
            DirectorySync::Never => None,
        }
    }

    fn facts(&self) -> &TenantFacts {
        self.cloud.facts()
    }

    fn collection(
        &self,
        ask: &Ask,
        entity_set: &str,
        elements: impl IntoIterator<Item = Map<String, Value>>,
    ) -> Map<String, Value> {
        let value: Value = elements.into_iter().collect();
        let mut document = Map::new();
        document.insert("@odata.context".into(), json!(self.context(ask, entity_set)));
        document.insert("value".into(), value);
        document
    }
}

/// The plans of every product, with the product's own state.
fn assigned_plans(facts: &TenantFacts) -> Value {
    let of = |licence: &Licence| {
        let status = licence.capability_status.clone();
        let plans = licence.plans.iter().map(move |plan| {
            json!({ "assignedDateTime": CREATED, "capabilityStatus": status,
                "service": plan.service, "servicePlanId": plan.id })
        });
        plans.collect::<Vec<Value>>()
    };
    facts.licences.iter().flat_map(of).collect()
}

fn licence_value(tenant: Uuid, licence: &Licence, name: &str) -> Value {
    match name {
        "id" => json!(format!("{tenant}_{}", licence.sku_id)),
        "accountId" => json!(tenant),
        "accountName" => json!(MAIL_DOMAIN),
        "appliesTo" => json!("User"),
        "capabilityStatus" => json!(licence.capability_status),
        "consumedUnits" => json!(licence.consumed_units),
        "prepaidUnits" => json!({ "enabled": licence.enabled_units, "suspended": 0,
            "warning": 0, "lockedOut": 0 }),
        "servicePlans" => {
            let plans = licence.plans.iter().map(|plan| {
                json!({ "servicePlanId": plan.id, "servicePlanName": plan.name,
                    "provisioningStatus": plan.provisioning_status, "appliesTo": "User" })
            });
            plans.collect()
        }
        "skuId" => json!(licence.sku_id),
        "skuPartNumber" => json!(licence.part_number),
        _ => json!([]),
    }
}

/// The selected properties, or all of them.
fn chosen(ask: &Ask, all: &[&str], value: impl Fn(&str) -> Value) -> Map<String, Value> {
    let select = ask.options.select.as_deref();
    let asked = |name: &&&str| select.is_none_or(|select| select.iter().any(|one| one == **name));
    all.iter().filter(asked).map(|name| ((*name).to_owned(), value(name))).collect()
}

/// These few objects come whole: their pages know `$select` at most.
fn check_options(ask: &Ask, all: &[&str], type_name: &str) -> Result<(), Refusal> {
    let unknown = |name: &&String| !all.contains(&name.as_str());
    if let Some(name) = ask.options.select.iter().flatten().find(unknown) {
        return Err(no_such_property(name, type_name));
    }
    let options = &ask.options;
    if options.top.is_some() || options.filter.is_some() || options.count {
        return Err(Refusal::bad_request("The query is not supported by the service."));
    }
    Ok(())
}

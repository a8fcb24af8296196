//! What the tenant is and what the application may do in it, for `discover` and `adopt`.
//!
//! Input: the time of the look. Output: `TenantReadiness`. Without a token there is none; of the
//! rest, whatever cannot be read says why beside what can. `Incumbent` is one part of it.

use jiff::Timestamp;
use serde::Deserialize;

use crate::graph::wire::Page;
use crate::graph::{Endpoint, GraphError, Tenant, pages};
use crate::model::readiness::{
    Incumbent, Licence, MicrosoftWriteback, Organization, TenantReadiness,
};

/// The service plan `AAD_PREMIUM`
/// (learn.microsoft.com/entra/identity/users/licensing-service-plan-reference).
const ENTRA_P1: &str = "41781fb2-bc02-4b7c-bd55-b576c07bb09d";
/// The service plan `AAD_PREMIUM_P2` (the same page).
const ENTRA_P2: &str = "eec0eb4f-6444-4f95-aba0-50c24d67f998";

const ORGANIZATION_SELECT: &str = "id,displayName,onPremisesSyncEnabled,assignedPlans";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrganizationWire {
    display_name: Option<String>,
    on_premises_sync_enabled: Option<bool>,
    /// `None`: the answer does not speak of plans, which is not the same as having none.
    assigned_plans: Option<Vec<AssignedPlan>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssignedPlan {
    service_plan_id: Option<String>,
    capability_status: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubscribedSku {
    capability_status: Option<String>,
    #[serde(default)]
    service_plans: Vec<ServicePlan>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServicePlan {
    service_plan_id: Option<String>,
    provisioning_status: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Synchronization {
    #[serde(default)]
    features: Features,
}

#[derive(Debug, Default, Deserialize)]
struct Features {
    #[serde(rename = "unifiedGroupWritebackEnabled")]
    version_1: Option<bool>,
    #[serde(rename = "groupWriteBackEnabled")]
    version_2: Option<bool>,
    #[serde(rename = "deviceWritebackEnabled")]
    devices: Option<bool>,
}

impl Tenant {
    /// Asks the tenant what it is: token, organization, licence, Microsoft's own writeback, the
    /// default for new groups. Fails only where there is no token at all.
    pub async fn readiness(&self, at: Timestamp) -> Result<TenantReadiness, GraphError> {
        let (tenant, rights) = {
            let token = self.client.token().await?;
            (token.tenant, token.rights.iter().map(str::to_owned).collect())
        };
        let organization = self.organization().await;
        let plans = organization.as_ref().ok().and_then(|one| one.assigned_plans.as_deref());
        let licence = match plans.map(licence_of_plans) {
            Some(licence @ (Licence::P1 | Licence::P2)) => Ok(licence),
            // The products are the second witness; a refusal leaves what the first one said.
            told @ (Some(Licence::Missing) | None) => {
                let products = self.products(at).await.map_err(|error| error.unread());
                products.or_else(|unread| told.ok_or(unread))
            }
        };
        Ok(TenantReadiness {
            tenant,
            rights,
            licence,
            organization: organization.map(named).map_err(|error| error.unread()),
            writeback: self.microsoft_writeback().await,
            new_groups: self.new_groups(at).await,
        })
    }

    /// Whether Microsoft's own group writeback is on, for whoever is about to take a group over.
    pub async fn incumbent(&self) -> Incumbent {
        self.microsoft_writeback().await.incumbent()
    }

    async fn organization(&self) -> Result<OrganizationWire, GraphError> {
        let url = self.client.url("v1.0/organization", &format!("$select={ORGANIZATION_SELECT}"));
        let page: Page<OrganizationWire> = self.client.get(Endpoint::Organization, &url).await?;
        page.value.into_iter().next().ok_or_else(|| empty(Endpoint::Organization))
    }

    /// The licence by the subscribed products.
    async fn products(&self, at: Timestamp) -> Result<Licence, GraphError> {
        let select = "$select=capabilityStatus,servicePlans";
        let url = self.client.url("v1.0/subscribedSkus", select);
        let listed =
            pages::whole::<SubscribedSku>(&self.client, Endpoint::Licences, url, at).await?;
        Ok(licence_of_products(listed.value()))
    }

    async fn microsoft_writeback(&self) -> MicrosoftWriteback {
        let endpoint = Endpoint::Synchronization;
        let url = self.client.url("v1.0/directory/onPremisesSynchronization", "");
        let page = self.client.get::<Page<Synchronization>>(endpoint, &url).await;
        match page.map(|page| page.value.into_iter().next()) {
            Ok(Some(Synchronization { features })) => MicrosoftWriteback::Told {
                version_1: features.version_1,
                version_2: features.version_2,
                devices: features.devices,
            },
            Ok(None) => MicrosoftWriteback::Unread(empty(endpoint).unread()),
            Err(GraphError::MissingRight { right, .. }) => MicrosoftWriteback::Refused { right },
            Err(error) => MicrosoftWriteback::Unread(error.unread()),
        }
    }
}

fn empty(endpoint: Endpoint) -> GraphError {
    GraphError::Unreadable { endpoint, problem: "the answer holds nothing".to_owned() }
}

fn named(wire: OrganizationWire) -> Organization {
    Organization {
        name: wire.display_name.unwrap_or_default(),
        synchronises: wire.on_premises_sync_enabled,
    }
}

/// A plan in `Warning` ran out a moment ago and still works
/// (learn.microsoft.com/graph/api/resources/assignedplan).
fn is_in_force(status: Option<&String>) -> bool {
    status.is_some_and(|text| {
        text.eq_ignore_ascii_case("Enabled") || text.eq_ignore_ascii_case("Warning")
    })
}

fn licence_of<'a>(plans: impl Iterator<Item = Option<&'a String>>) -> Licence {
    let known = plans.flatten().map(|id| match id {
        id if id.eq_ignore_ascii_case(ENTRA_P2) => Licence::P2,
        id if id.eq_ignore_ascii_case(ENTRA_P1) => Licence::P1,
        _ => Licence::Missing,
    });
    known.max().unwrap_or(Licence::Missing)
}

fn licence_of_plans(plans: &[AssignedPlan]) -> Licence {
    let in_force = plans.iter().filter(|plan| is_in_force(plan.capability_status.as_ref()));
    licence_of(in_force.map(|plan| plan.service_plan_id.as_ref()))
}

fn licence_of_products(products: &[SubscribedSku]) -> Licence {
    let in_force =
        products.iter().filter(|product| is_in_force(product.capability_status.as_ref()));
    let plans = in_force.flat_map(|product| &product.service_plans).filter(|plan| {
        let status = plan.provisioning_status.as_deref();
        status.is_some_and(|text| text.eq_ignore_ascii_case("Success"))
    });
    licence_of(plans.map(|plan| plan.service_plan_id.as_ref()))
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn the_licence_is_told_by_its_plan_and_only_while_it_is_in_force() {
        let plan = |id: &str, status: &str| {
            from_value::<AssignedPlan>(json!({ "servicePlanId": id, "capabilityStatus": status }))
                .unwrap()
        };
        assert_eq!(licence_of_plans(&[plan(ENTRA_P1, "Enabled")]), Licence::P1);
        assert_eq!(licence_of_plans(&[plan(ENTRA_P1, "Warning")]), Licence::P1);
        assert_eq!(licence_of_plans(&[plan(ENTRA_P1, "Deleted")]), Licence::Missing);
        assert_eq!(licence_of_plans(&[plan("another", "Enabled")]), Licence::Missing);
        let both = [plan(ENTRA_P1, "Enabled"), plan(&ENTRA_P2.to_uppercase(), "enabled")];
        assert_eq!(licence_of_plans(&both), Licence::P2);
        assert_eq!(licence_of_plans(&[]), Licence::Missing);
    }

    #[test]
    fn a_plan_counts_only_inside_a_product_that_is_in_force() {
        let product = |status: &str, provisioning: &str| {
            let plans = json!([{ "servicePlanId": ENTRA_P1, "provisioningStatus": provisioning }]);
            from_value::<SubscribedSku>(
                json!({ "capabilityStatus": status, "servicePlans": plans }),
            )
            .unwrap()
        };
        assert_eq!(licence_of_products(&[product("Enabled", "Success")]), Licence::P1);
        assert_eq!(licence_of_products(&[product("Suspended", "Success")]), Licence::Missing);
        assert_eq!(licence_of_products(&[product("Enabled", "Disabled")]), Licence::Missing);
    }
}

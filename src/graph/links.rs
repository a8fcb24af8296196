//! Whether the links of users can be read at all.
//!
//! Input: the rights in the token, the members read in this pass, at worst two more questions.
//! Output: `Links`. Without the right Graph shows users as if they had no link
//! (learn.microsoft.com/graph/permissions-overview, limited information), and a program that
//! believed it would empty every group.

use std::collections::BTreeMap;

use crate::defence::stands;
use crate::graph::client::Client;
use crate::graph::pages::Pages;
use crate::graph::wire::{ORGANIZATION_SELECT, Organization, Page, USER_SELECT, User};
use crate::graph::{Endpoint, GraphError, Tenant};
use crate::model::cloud::{Links, MemberKind, Unread};
use crate::model::{CloudMember, Complete, ObjectId};

/// Rights of which one shows the links of users. `User.ReadBasic.All` does not.
const LINK_RIGHTS: [&str; 4] =
    ["User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"];

/// Pages of synchronised users that are looked at: a thousand users of whom none shows a link
/// are no accident.
const SAMPLE_PAGES: usize = 10;

/// Users on such a page; Graph's own default.
const SAMPLE_PAGE: usize = 100;

impl Tenant {
    /// Judges by what was seen in this pass, and asks further only if that shows no link.
    ///
    /// | the token's rights | a user read shows a link | the tenant | links are |
    /// |---|---|---|---|
    /// | lack all of them | | | unreadable |
    /// | have one | yes | | readable |
    /// | have one | no | does not synchronise | readable: there are none |
    /// | have one | no | synchronises, and some user shows a link | readable |
    /// | have one | no | synchronises, and no user shows a link | unreadable |
    /// | have one | no | cannot be read, but some user shows a link | readable |
    /// | have one | no | cannot be read, and no user shows a link | unreadable |
    pub async fn links(
        &self,
        members: &BTreeMap<ObjectId, Result<Complete<Vec<CloudMember>>, Unread>>,
    ) -> Links {
        match self.rights().await {
            Err(error) => return Links::Unreadable { reason: error.unread().reason },
            Ok(rights) if !rights.has_any(&LINK_RIGHTS) && stands("H11") => return lacking(),
            Ok(_) if members.values().flatten().any(shows_link) => return Links::Readable,
            Ok(_) => {}
        }
        let organization = synchronises(&self.client).await;
        if matches!(organization, Ok(false)) {
            return Links::Readable;
        }
        match (sample_shows_link(&self.client).await, organization) {
            (Ok(true), _) => Links::Readable,
            (Ok(false), Ok(_)) => Links::Unreadable {
                reason: "the tenant synchronises with a directory, but no user in it shows a link \
                         (onPremisesSecurityIdentifier or onPremisesImmutableId)"
                    .to_owned(),
            },
            (Ok(false), Err(error)) | (Err(error), _) => {
                Links::Unreadable { reason: error.unread().reason }
            }
        }
    }
}

fn lacking() -> Links {
    let [right, others @ ..] = LINK_RIGHTS;
    Links::Unreadable {
        reason: format!(
            "the application lacks the right {right} ({} do as well) and sees no user's link to \
             the directory; grant it as an application permission and give admin consent",
            others.join(" or ")
        ),
    }
}

fn shows_link(members: &Complete<Vec<CloudMember>>) -> bool {
    members.value().iter().any(|member| match &member.kind {
        MemberKind::User(link) => !link.is_empty(),
        MemberKind::Group
        | MemberKind::DirectoryGroup(_)
        | MemberKind::Device { .. }
        | MemberKind::Other(_)
        | MemberKind::Unreadable(_) => false,
    })
}

async fn synchronises(client: &Client) -> Result<bool, GraphError> {
    let url = client.url("v1.0/organization", &format!("$select={ORGANIZATION_SELECT}"));
    let page: Page<Organization> = client.get(Endpoint::Organization, &url).await?;
    let organization = page.value.into_iter().next().ok_or_else(|| GraphError::Unreadable {
        endpoint: Endpoint::Organization,
        problem: "the tenant shows no organization".to_owned(),
    })?;
    Ok(organization.on_premises_sync_enabled == Some(true))
}

async fn sample_shows_link(client: &Client) -> Result<bool, GraphError> {
    let query =
        format!("$filter=onPremisesSyncEnabled eq true&$select={USER_SELECT}&$top={SAMPLE_PAGE}");
    let mut pages = Pages::new(client, Endpoint::Users, client.url("v1.0/users", &query));
    for _ in 0..SAMPLE_PAGES {
        match pages.turn::<User>().await? {
            None => return Ok(false),
            Some(users) if users.iter().any(|user| !user.link().is_empty()) => return Ok(true),
            Some(_) => {}
        }
    }
    Ok(false)
}

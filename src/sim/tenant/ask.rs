//! What a request asks for, read once at the door.
//!
//! Input: method, path and query of an HTTP request. Output: an [`Endpoint`] and the OData
//! options, or which of them this API does not understand.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::error::Refusal;
use super::property::{Type, Version};

/// The largest page of a directory listing (learn.microsoft.com/graph/api/group-list).
pub(super) const LARGEST_PAGE: usize = 999;

/// The page size without `$top` (the same page).
pub(super) const DEFAULT_PAGE: usize = 100;

/// Which resource a path names. Both versions have the same ones but for the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Token {
        tenant: String,
    },
    Metadata {
        tenant: String,
    },
    Groups,
    Group(Uuid),
    Members {
        group: Uuid,
        transitive: bool,
        cast: Option<Cast>,
    },
    /// `members/$ref`, `members/{id}/$ref`: for writing alone.
    Reference {
        group: Uuid,
        member: Option<Uuid>,
    },
    DeletedGroups,
    DeletedItem(Uuid),
    /// `directory/deletedItems/{id}/restore`: for writing alone.
    Restore(Uuid),
    Organization,
    /// `groupSettings`, in beta `settings`.
    Settings,
    /// `subscribedSkus`.
    Licences,
    /// `directory/onPremisesSynchronization`, with or without the tenant's id.
    Synchronization(Option<Uuid>),
    Users,
    User(String),
    /// `devices/{id}`, the object's id and not the registration's.
    Device(Uuid),
    /// A path this API does not have; the segment that is not known.
    Nowhere(String),
}

/// An OData cast at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cast {
    To(Type),
    /// A type that no group holds.
    Unsupported,
}

/// The OData options of a listing.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    /// The properties asked for. None: the default ones.
    pub(super) select: Option<Vec<String>>,
    pub(super) top: Option<String>,
    pub(super) filter: Option<String>,
    /// `$count=true`.
    pub(super) count: bool,
    pub(super) skip_token: Option<String>,
    /// An option with a `$` that listings here do not have.
    pub(super) unknown: Option<String>,
}

/// A request, understood.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) endpoint: Endpoint,
    pub(super) version: Version,
    pub(super) options: Options,
    pub(super) path: String,
    pub(super) query: Option<String>,
}

impl Ask {
    /// Reads a path such as `/v1.0/groups/{id}/members` and its query.
    pub(super) fn read(path: &str, query: Option<&str>) -> Self {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let (version, endpoint) = match segments.as_slice() {
            ["v1.0", rest @ ..] => (Version::V1, graph_endpoint(rest, Version::V1)),
            ["beta", rest @ ..] => (Version::Beta, graph_endpoint(rest, Version::Beta)),
            [tenant, "oauth2", "v2.0", "token"] => {
                (Version::V1, Endpoint::Token { tenant: (*tenant).to_owned() })
            }
            [tenant, "v2.0", ".well-known", "openid-configuration"] => {
                (Version::V1, Endpoint::Metadata { tenant: (*tenant).to_owned() })
            }
            rest => (Version::V1, Endpoint::Nowhere(rest.join("/"))),
        };
        let options = Options::read(query.unwrap_or_default());
        let query = query.map(str::to_owned);
        Self { endpoint, version, options, path: path.to_owned(), query }
    }

    /// Whether Graph answers it, and not the login page.
    pub(super) fn is_of_graph(&self) -> bool {
        !matches!(self.endpoint, Endpoint::Token { .. } | Endpoint::Metadata { .. })
    }

    /// Whether this is a listing of objects, which comes in pages.
    pub(super) fn is_listing(&self) -> bool {
        matches!(
            self.endpoint,
            Endpoint::Groups | Endpoint::Members { .. } | Endpoint::DeletedGroups | Endpoint::Users
        )
    }

    /// Whether this is a later page of a listing.
    pub(super) fn continues(&self) -> bool {
        self.options.skip_token.is_some()
    }

    /// Whether this is the listing that tells the writeback flags.
    pub(super) fn asks_for_flags(&self) -> bool {
        let selected =
            |select: &Vec<String>| select.iter().any(|one| one == "writebackConfiguration");
        self.endpoint == Endpoint::Groups
            && self.version == Version::Beta
            && self.options.select.as_ref().is_some_and(selected)
    }

    /// How many objects a page holds. The text of the refusal is not documented.
    pub(super) fn page_size(&self) -> Result<usize, Refusal> {
        let Some(top) = &self.options.top else {
            return Ok(DEFAULT_PAGE);
        };
        match top.parse() {
            Ok(size @ 1..=LARGEST_PAGE) => Ok(size),
            _ => Err(Refusal::bad_request(&format!(
                "Invalid page size specified: '{top}'. Must be between 1 and 999 inclusive."
            ))),
        }
    }

    /// The id after which this page begins. None: at the start.
    pub(super) fn position(&self) -> Result<Option<Uuid>, Refusal> {
        let Some(token) = &self.options.skip_token else {
            return Ok(None);
        };
        let refused = || Refusal::bad_request("The specified page token value is invalid.");
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused())?;
        let text = String::from_utf8(bytes).map_err(|_| refused())?;
        // The token belongs to the listing it was given out for.
        match text.split_once(' ') {
            Some((path, "start")) if path == self.path => Ok(None),
            Some((path, id)) if path == self.path => id.parse().map(Some).map_err(|_| refused()),
            _ => Err(refused()),
        }
    }

    /// The address of the page after `last`: the same request with an opaque `$skiptoken`
    /// (learn.microsoft.com/graph/paging).
    pub(super) fn next_link(&self, base: &str, last: Option<Uuid>) -> String {
        let position = last.map_or("start".to_owned(), |id| id.to_string());
        let token = URL_SAFE_NO_PAD.encode(format!("{} {position}", self.path));
        let mut link = format!("{base}{}?", self.path);
        for part in self.query.as_deref().unwrap_or_default().split('&') {
            let decoded = url::form_urlencoded::parse(part.as_bytes()).next();
            if decoded.is_some_and(|(name, _)| name != "$skiptoken") {
                link.push_str(part);
                link.push('&');
            }
        }
        link.push_str("$skiptoken=");
        link.push_str(&token);
        link
    }
}

impl Options {
    fn read(query: &str) -> Self {
        let mut options = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "$select" => {
                    let names = value.split(',').map(|one| one.trim().to_owned());
                    options.select = Some(names.filter(|one| !one.is_empty()).collect());
                }
                "$top" => options.top = Some(value.into_owned()),
                "$filter" => options.filter = Some(value.into_owned()),
                "$count" => options.count = value == "true",
                "$skiptoken" => options.skip_token = Some(value.into_owned()),
                other if other.starts_with('$') => options.unknown = Some(other.to_owned()),
                _ => {}
            }
        }
        options
    }
}

fn graph_endpoint(segments: &[&str], version: Version) -> Endpoint {
    let nowhere = || Endpoint::Nowhere(segments.join("/"));
    let group = |id: &str| id.parse::<Uuid>().ok();
    match segments {
        ["groupSettings"] if version == Version::V1 => Endpoint::Settings,
        ["settings"] if version == Version::Beta => Endpoint::Settings,
        ["subscribedSkus"] => Endpoint::Licences,
        ["directory", rest @ ..] => directory_endpoint(rest).unwrap_or_else(nowhere),
        ["groups", id, "members", "$ref"] => match group(id) {
            Some(group) => Endpoint::Reference { group, member: None },
            None => nowhere(),
        },
        ["groups", id, "members", member, "$ref"] => match (group(id), group(member)) {
            (Some(group), Some(member)) => Endpoint::Reference { group, member: Some(member) },
            _ => nowhere(),
        },
        ["groups"] => Endpoint::Groups,
        ["groups", id] => group(id).map_or_else(nowhere, Endpoint::Group),
        ["groups", id, members @ ("members" | "transitiveMembers")] => {
            let transitive = *members == "transitiveMembers";
            let to = |group| Endpoint::Members { group, transitive, cast: None };
            group(id).map_or_else(nowhere, to)
        }
        ["groups", id, members @ ("members" | "transitiveMembers"), cast] => {
            let transitive = *members == "transitiveMembers";
            match (group(id), cast_to(cast)) {
                (Some(group), Some(cast)) => {
                    Endpoint::Members { group, transitive, cast: Some(cast) }
                }
                _ => nowhere(),
            }
        }
        ["organization"] => Endpoint::Organization,
        ["users"] => Endpoint::Users,
        ["users", id] => Endpoint::User((*id).to_owned()),
        ["devices", id] => group(id).map_or_else(nowhere, Endpoint::Device),
        _ => nowhere(),
    }
}

/// What is under `directory/`. None: nothing.
fn directory_endpoint(segments: &[&str]) -> Option<Endpoint> {
    let is = |segment: &str, name: &str| segment.eq_ignore_ascii_case(name);
    match segments {
        [items, cast] if is(items, "deletedItems") => match cast_to(cast) {
            Some(Cast::To(Type::Group)) => Some(Endpoint::DeletedGroups),
            _ => cast.parse().ok().map(Endpoint::DeletedItem),
        },
        [items, id, "restore"] if is(items, "deletedItems") => {
            id.parse().ok().map(Endpoint::Restore)
        }
        [one] if is(one, "onPremisesSynchronization") => Some(Endpoint::Synchronization(None)),
        [one, id] if is(one, "onPremisesSynchronization") => {
            id.parse().ok().map(|id| Endpoint::Synchronization(Some(id)))
        }
        _ => None,
    }
}

/// Both `microsoft.graph.user` and its alias `graph.user`, which the SDKs write (msgraph-sdk
/// 1.65.0). None: not a cast at all.
fn cast_to(segment: &str) -> Option<Cast> {
    let name = segment.strip_prefix("microsoft.graph.").or(segment.strip_prefix("graph."))?;
    let supported = Type::members().into_iter().find(|kind| kind.name() == name);
    Some(match supported {
        Some(Type::DirectoryObject | Type::Organization) | None => Cast::Unsupported,
        Some(
            kind @ (Type::Group
            | Type::User
            | Type::Device
            | Type::ServicePrincipal
            | Type::OrgContact),
        ) => Cast::To(kind),
    })
}

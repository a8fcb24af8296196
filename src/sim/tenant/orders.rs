//! Bad weather on order.
//!
//! Input: orders from a test: where, when, what. Output: for each request, what is to go wrong
//! with it. A request suffers at most one fault of its answer; faults of what the tenant sees
//! (a stale replica, an omitted group) add up.

use std::time::Duration;

use fastrand::Rng;
use uuid::Uuid;

use super::ask::{Ask, Endpoint};

/// Which requests an order is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// Every request.
    Any,
    /// `POST /{tenant}/oauth2/v2.0/token`.
    Token,
    /// A listing of groups that does not ask for flags.
    Groups,
    /// A beta listing of groups that selects `writebackConfiguration`.
    Flags,
    /// The listing of soft-deleted groups.
    DeletedGroups,
    /// The members, direct or transitive, of this group.
    MembersOf(Uuid),
    /// The members of any group.
    Members,
    /// The listing of users.
    Users,
    /// One object asked for by its id: a group, user, device or deleted item.
    Object(Uuid),
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 429 (learn.microsoft.com/graph/throttling). Microsoft's own sample has `2.128`.
    Throttled {
        /// `Retry-After`: seconds, a fraction, an HTTP date, or no header at all.
        retry_after: Option<String>,
        /// `x-ms-throttle-scope`, for instance `Tenant_Application/Read/<app>/<tenant>`.
        scope: Option<String>,
    },
    /// 503 `serviceNotAvailable`.
    Unavailable503,
    /// 504 `serviceNotAvailable`.
    GatewayTimeout504,
    /// The connection ends before an answer.
    Reset,
    /// `Content-Length` promises all, half is sent, the connection ends.
    TruncatedBody,
    /// 200 with a web page, as a proxy or captive portal answers.
    Html200,
    /// A page without elements that has a next link; the next page goes on as if nothing was.
    EmptyPage,
    /// A well-formed lie: no elements and no next link.
    EmptyAnswer,
    /// The page's next link leads to this address.
    ForeignNextLink(String),
    /// The page's next link leads to the page itself.
    RepeatingNextLink,
    /// 400 `Directory_ExpiredPageToken` to a next link (msgraph-sdk-dotnet issue 2254).
    ExpiredPageToken,
    /// 200 with JSON that is none of this API's answers.
    WrongJson,
    /// The body comes byte by byte with this pause before each.
    SlowDrip {
        /// The pause before each byte.
        pause: Duration,
    },
    /// The answer tells the state of so many edits ago (learn.microsoft.com/graph/api/group-list,
    /// replication delay). More edits than there were: the state at the start.
    StaleReplica {
        /// How many edits are not seen.
        edits: usize,
    },
    /// Members of this type (`user`, `group`, `device` …) show type and id alone, whatever
    /// the token's roles.
    NullWitness(String),
    /// Members of every type show type and id alone, whatever the token's roles.
    NullWitnesses,
    /// Listings of members leave every second one out.
    HalfTheMembers,
    /// The flag listing leaves this group out.
    OmitFromFlagListing(Uuid),
    /// Any listing leaves this object out.
    OmitFromListing(Uuid),
    /// 401 `InvalidAuthenticationToken` though the token is good.
    Unauthorized401,
}

/// A fault for some requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which requests.
    pub on: Where,
    /// The first of them that is hit, counted from 1 and from the moment of the order. Only
    /// requests that the fault can act on are counted.
    pub nth: u32,
    /// How many of them in a row are hit; `u32::MAX` is for ever.
    pub times: u32,
    /// What happens to them.
    pub what: Fault,
}

impl Order {
    /// The next matching request only.
    pub fn once(on: Where, what: Fault) -> Self {
        Self { on, nth: 1, times: 1, what }
    }

    /// Every matching request from now on.
    pub fn always(on: Where, what: Fault) -> Self {
        Self { on, nth: 1, times: u32::MAX, what }
    }
}

/// The orders that stand.
#[derive(Default)]
pub(super) struct Orders {
    standing: Vec<Standing>,
    /// How often all of them were taken back.
    lifted: u64,
}

struct Standing {
    order: Order,
    /// The one path it is about. None: every path of its place.
    path: Option<String>,
    seen: u32,
}

impl Orders {
    pub(super) fn add(&mut self, order: Order) {
        self.standing.push(Standing { order, path: None, seen: 0 });
    }

    pub(super) fn add_for(&mut self, path: &str, order: Order) {
        self.standing.push(Standing { order, path: Some(path.to_owned()), seen: 0 });
    }

    pub(super) fn clear(&mut self) {
        self.standing.clear();
        self.lifted += 1;
    }

    /// How often all of them were taken back: an answer that suffers from one is whole then.
    pub(super) fn lifted(&self) -> u64 {
        self.lifted
    }

    /// How many orders have not run out.
    pub(super) fn open(&self) -> usize {
        self.standing.iter().filter(|standing| !standing.is_over()).count()
    }

    /// What goes wrong with this request. An order whose turn would come on a request that
    /// already fails keeps its turn for the next one.
    pub(super) fn take(&mut self, ask: &Ask) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut answer_fails = false;
        for standing in &mut self.standing {
            let order = &standing.order;
            let elsewhere = standing.path.as_ref().is_some_and(|path| *path != ask.path);
            let covered = order.on.covers(ask) && !elsewhere;
            if standing.is_over() || !covered || !order.what.acts_on(ask) {
                continue;
            }
            if !order.what.is_of_view() && answer_fails {
                continue;
            }
            standing.seen = standing.seen.saturating_add(1);
            if standing.seen >= order.nth {
                answer_fails |= !order.what.is_of_view();
                faults.push(order.what.clone());
            }
        }
        faults
    }
}

impl Standing {
    fn is_over(&self) -> bool {
        let last = self.order.nth.saturating_add(self.order.times.saturating_sub(1));
        self.order.times == 0 || (self.order.times < u32::MAX && self.seen >= last)
    }
}

impl Where {
    fn covers(&self, ask: &Ask) -> bool {
        match self {
            Self::Any => true,
            Self::Token => matches!(ask.endpoint, Endpoint::Token { .. }),
            Self::Groups => ask.endpoint == Endpoint::Groups && !ask.asks_for_flags(),
            Self::Flags => ask.asks_for_flags(),
            Self::DeletedGroups => ask.endpoint == Endpoint::DeletedGroups,
            Self::MembersOf(id) => {
                matches!(&ask.endpoint, Endpoint::Members { group, .. } if group == id)
            }
            Self::Members => matches!(ask.endpoint, Endpoint::Members { .. }),
            Self::Users => ask.endpoint == Endpoint::Users,
            Self::Object(id) => match &ask.endpoint {
                Endpoint::Group(asked) | Endpoint::Device(asked) | Endpoint::DeletedItem(asked) => {
                    asked == id
                }
                Endpoint::User(asked) => *asked == id.to_string(),
                Endpoint::Token { .. }
                | Endpoint::Metadata { .. }
                | Endpoint::Groups
                | Endpoint::Members { .. }
                | Endpoint::Reference { .. }
                | Endpoint::DeletedGroups
                | Endpoint::Restore(_)
                | Endpoint::Organization
                | Endpoint::Settings
                | Endpoint::Licences
                | Endpoint::Synchronization(_)
                | Endpoint::Users
                | Endpoint::Nowhere(_) => false,
            },
        }
    }
}

impl Fault {
    /// Whether it changes what the tenant sees, and not how it answers.
    pub(super) fn is_of_view(&self) -> bool {
        match self {
            Self::StaleReplica { .. }
            | Self::NullWitness(_)
            | Self::NullWitnesses
            | Self::HalfTheMembers
            | Self::OmitFromFlagListing(_)
            | Self::OmitFromListing(_) => true,
            Self::Throttled { .. }
            | Self::Unavailable503
            | Self::GatewayTimeout504
            | Self::Reset
            | Self::TruncatedBody
            | Self::Html200
            | Self::EmptyPage
            | Self::EmptyAnswer
            | Self::ForeignNextLink(_)
            | Self::RepeatingNextLink
            | Self::ExpiredPageToken
            | Self::WrongJson
            | Self::SlowDrip { .. }
            | Self::Unauthorized401 => false,
        }
    }

    fn acts_on(&self, ask: &Ask) -> bool {
        let of_graph = ask.is_of_graph();
        let of_pages = ask.is_listing();
        match self {
            Self::Throttled { .. }
            | Self::Unavailable503
            | Self::GatewayTimeout504
            | Self::Reset
            | Self::TruncatedBody
            | Self::Html200
            | Self::WrongJson
            | Self::SlowDrip { .. } => true,
            Self::EmptyPage
            | Self::EmptyAnswer
            | Self::ForeignNextLink(_)
            | Self::RepeatingNextLink
            | Self::OmitFromListing(_) => of_pages,
            Self::ExpiredPageToken => of_pages && ask.continues(),
            Self::NullWitness(_) | Self::NullWitnesses | Self::HalfTheMembers => {
                matches!(ask.endpoint, Endpoint::Members { .. })
            }
            Self::OmitFromFlagListing(_) => ask.asks_for_flags(),
            Self::StaleReplica { .. } | Self::Unauthorized401 => of_graph,
        }
    }
}

/// So many orders from a seed, all of which a client overcomes by trying again. They lie
/// [`MIX_GAP`] requests apart on average, so that no request meets more than a few.
pub(super) fn mix(seed: u64, count: u32, http_date: &str) -> Vec<Order> {
    let mut rng = Rng::with_seed(seed);
    let mut orders = Vec::new();
    let mut unauthorized = false;
    for place in 0..count {
        let nth = place.saturating_mul(MIX_GAP).saturating_add(rng.u32(1..=MIX_GAP));
        let waits =
            [Some("0.05".to_owned()), Some("0".to_owned()), Some(http_date.to_owned()), None];
        let what = match rng.u8(..9) {
            0 | 1 => {
                let retry_after = rng.choice(waits).flatten();
                Fault::Throttled { retry_after, scope: None }
            }
            2 => Fault::Unavailable503,
            3 => Fault::GatewayTimeout504,
            4 => Fault::Reset,
            5 => Fault::TruncatedBody,
            6 => Fault::Html200,
            7 => Fault::EmptyPage,
            // A second 401 in a row is fatal for good reason, so a mix has one.
            _ if !unauthorized => {
                unauthorized = true;
                Fault::Unauthorized401
            }
            _ => Fault::ExpiredPageToken,
        };
        orders.push(Order { on: Where::Any, nth, times: 1, what });
    }
    orders
}

/// Requests between two faults of a mix: a client that tries three times meets one at most
/// once in its tries, as retries are counted as requests.
const MIX_GAP: u32 = 4;

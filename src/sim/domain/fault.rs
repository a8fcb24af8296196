//! Bad weather on order: what goes wrong, where and how often.
//!
//! Input: orders of a test. Output: for each operation the fault that hits it, if any. Nothing
//! here is random unless a seed asks for it.

use super::record::OperationKind;
use super::refusal::Refusal;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 51 busy, 0000200E.
    Busy,
    /// 52 unavailable, 0000200F.
    Unavailable,
    /// 11 adminLimitExceeded.
    AdminLimit,
    /// 3 timeLimitExceeded; a search has given half of its entries by then.
    TimeLimit,
    /// 4 sizeLimitExceeded after half of the entries; hits searches only.
    SizeLimit,
    /// 1 operationsError with 000021B1, the overflow of the audit queue.
    OperationsError,
    /// 10 referral with 0000202B, as a read-only DC answers a write.
    Referral,
    /// The connection is closed and nothing was done.
    CutBefore,
    /// The operation is done, then the connection is closed without an answer.
    CutAfter,
    /// The connection is closed after half of the entries; hits searches only.
    CutMidSearch,
    /// Nothing is done and there is never an answer; the connection lives on.
    Stall,
    /// 53 with the given Win32 code, eight hexadecimal digits.
    Refuse(String),
    /// 50 insufficientAccessRights.
    InsufficientAccess,
}

/// Which operations an order is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// Every bind, search and write.
    Any,
    /// Binds.
    Bind,
    /// Searches.
    Search,
    /// Add, modify, modifyDN and delete.
    Write,
    /// Operations of one kind.
    Kind(OperationKind),
    /// Whatever has this object as its target or search base; the name is compared without case,
    /// as the client sends it.
    Object(String),
}

/// One order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which operations.
    pub on: Where,
    /// How many of them go well first.
    pub after: u32,
    /// How many of the following are hit.
    pub times: u32,
    /// What happens to them.
    pub what: Fault,
}

impl Order {
    /// The next such operation goes wrong.
    pub fn new(on: Where, what: Fault) -> Self {
        Self { on, after: 0, times: 1, what }
    }

    /// So many go wrong.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// So many go well before.
    #[must_use]
    pub fn after(mut self, after: u32) -> Self {
        self.after = after;
        self
    }

    fn concerns(&self, kind: OperationKind, dn: &str) -> bool {
        let place = match &self.on {
            Where::Any => kind != OperationKind::Extended,
            Where::Bind => kind == OperationKind::Bind,
            Where::Search => kind == OperationKind::Search,
            Where::Write => kind.is_write(),
            Where::Kind(wanted) => kind == *wanted,
            Where::Object(name) => name.to_lowercase() == dn.to_lowercase(),
        };
        let searches_only = matches!(self.what, Fault::SizeLimit | Fault::CutMidSearch);
        place && (!searches_only || kind == OperationKind::Search)
    }
}

/// The orders that are still open.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    orders: Vec<Order>,
}

impl Faults {
    /// Takes an order.
    pub(super) fn add(&mut self, order: Order) {
        self.orders.push(order);
    }

    /// Forgets every open order.
    pub(super) fn clear(&mut self) {
        self.orders.clear();
    }

    /// How many strikes are still to come.
    pub(super) fn open(&self) -> u32 {
        self.orders.iter().map(|order| order.times).sum()
    }

    /// The fault for this operation. Every order counts the operations it is about; the first
    /// one that is due strikes.
    pub(super) fn strike(&mut self, kind: OperationKind, dn: &str) -> Option<Fault> {
        let mut struck = None;
        for order in self.orders.iter_mut().filter(|order| order.concerns(kind, dn)) {
            if order.after > 0 {
                order.after -= 1;
            } else if struck.is_none() && order.times > 0 {
                order.times -= 1;
                struck = Some(order.what.clone());
            }
        }
        self.orders.retain(|order| order.times > 0);
        struck
    }

    /// `count` orders drawn from a seed, each of a kind that a retry overcomes.
    pub(super) fn mix(&mut self, seed: u64, count: u32) {
        let mut random = fastrand::Rng::with_seed(seed);
        for _ in 0..count {
            let what = match random.u8(0..7) {
                0 => Fault::Busy,
                1 => Fault::Unavailable,
                2 => Fault::OperationsError,
                3 => Fault::TimeLimit,
                4 => Fault::CutBefore,
                5 => Fault::CutAfter,
                _ => Fault::CutMidSearch,
            };
            let on = match random.u8(0..4) {
                _ if what == Fault::CutMidSearch => Where::Search,
                0 => Where::Any,
                1 => Where::Search,
                _ => Where::Write,
            };
            // Spread over the first operations of a pass: a small one has a few dozen.
            self.add(Order::new(on, what).after(random.u32(0..40)));
        }
    }
}

impl Fault {
    /// The refusal that a fault amounts to; `None` for those that touch the connection.
    pub(super) fn refusal(&self, domain: &str, dn: &str) -> Option<Refusal> {
        match self {
            Self::Busy => Some(Refusal::busy()),
            Self::Unavailable => Some(Refusal::unavailable()),
            Self::AdminLimit => Some(Refusal::admin_limit()),
            Self::TimeLimit => Some(Refusal::time_limit()),
            Self::SizeLimit => Some(Refusal::size_limit()),
            Self::OperationsError => Some(Refusal::too_much()),
            Self::Referral => Some(Refusal::referral(domain, dn)),
            Self::Refuse(hex) => Some(Refusal::unwilling(hex)),
            Self::InsufficientAccess => Some(Refusal::no_right()),
            Self::CutBefore | Self::CutAfter | Self::CutMidSearch | Self::Stall => None,
        }
    }
}

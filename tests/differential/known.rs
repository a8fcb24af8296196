//! Where the simulated domain and Samba are known to differ, and why.

use crate::draw::{Drawn, Fault, Kind};

/// One known difference in result codes.
pub(crate) struct Known {
    /// In which operations.
    pub(crate) kinds: &'static [Kind],
    /// With which fault.
    pub(crate) fault: Option<Fault>,
    /// What the simulated domain answers, as Windows does.
    pub(crate) simulated: u32,
    /// What Samba answers.
    pub(crate) samba: u32,
    /// Why.
    pub(crate) reason: &'static str,
}

impl Known {
    pub(crate) fn explains(&self, drawn: &Drawn, simulated: u32, samba: u32) -> bool {
        (self.simulated, self.samba) == (simulated, samba)
            && self.fault == drawn.fault
            && self.kinds.contains(&drawn.kind)
    }
}

/// The list. An entry that no operation meets any more fails the test.
pub(crate) const KNOWN: &[Known] = &[];

/// A nesting that Windows refuses and Samba accepts: Samba has none of these rules, in no version
/// (facts: MS-ERREF codes 8516 to 8520 are used nowhere in its directory modules).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nesting {
    /// groupType of the group.
    pub(crate) parent: i32,
    /// groupType of its would-be member.
    pub(crate) child: i32,
    /// What Windows answers.
    pub(crate) simulated: u32,
    /// The Win32 code at the start of its message.
    pub(crate) hex: &'static str,
}

const GLOBAL: i32 = -2_147_483_646;
const LOCAL: i32 = -2_147_483_644;
const UNIVERSAL: i32 = crate::draw::UNIVERSAL_SECURITY;

pub(crate) const NESTING: &[Nesting] = &[
    Nesting { parent: UNIVERSAL, child: LOCAL, simulated: 53, hex: "00002146" },
    Nesting { parent: GLOBAL, child: UNIVERSAL, simulated: 53, hex: "00002145" },
    Nesting { parent: GLOBAL, child: LOCAL, simulated: 53, hex: "00002144" },
];

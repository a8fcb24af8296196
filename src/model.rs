//! Floor 0: the nouns. Values without behaviour towards the outside: no clock, no socket, no log.
//!
//! Edges build them from what they read, `decide` turns them into plans, and everybody prints them.

pub mod approval;
pub mod attribute;
pub mod change;
pub mod cloud;
pub mod complete;
pub mod condition;
pub mod containers;
pub mod digest;
pub mod directory;
pub mod distinguished_name;
pub mod expression;
pub mod finding;
pub mod ids;
pub mod leave;
pub mod memory;
pub mod operation;
pub mod past;
pub mod pause;
pub mod plan;
pub mod policy;
pub mod readiness;
pub mod record;
pub mod window;

pub use approval::{Approval, ApprovalRequest, Item};
pub use attribute::AttributeName;
pub use change::{AttributeChange, Cause, Change, Effect, MemberReference};
pub use cloud::{CloudGroup, CloudListing, CloudMember, CloudMembers, GroupKind};
pub use complete::{Complete, Reading};
pub use containers::{Containers, Target};
pub use digest::Digest;
pub use directory::{DirectoryGroup, DirectorySnapshot, Principal};
pub use distinguished_name::Dn;
pub use expression::Expression;
pub use finding::{Finding, FindingCode};
pub use ids::{DeviceId, ObjectGuid, ObjectId, Sid, TenantId};
pub use leave::Leave;
pub use memory::{Inventory, Memory};
pub use operation::{Operation, Outcome};
pub use pause::{Pause, Pauses};
pub use plan::Plan;
pub use policy::{Policy, PolicyName};
pub use record::OwnershipRecord;
pub use window::{Spend, Spending};

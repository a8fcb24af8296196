//! `spec.adoption`: directory groups that a person gives to cloud groups.
//!
//! Made by `policy::document` and by the command `adopt`; read by `decide::adopt`.

use crate::model::policy::Place;
use crate::model::{ObjectGuid, ObjectId};

/// One directory group that a cloud group takes up as it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Adoption {
    /// Where the entry stands.
    pub place: Place,
    /// The cloud group.
    pub group: ObjectId,
    /// The directory group.
    pub object: ObjectGuid,
    /// A person says that Microsoft's own writeback does not write it any more.
    pub incumbent_off: bool,
}

//! How the product reaches a lab.
//!
//! Comes from: the settings of the lab, which `tests/run` starts.

use crate::lab::Lab;
use crate::product::DirectoryAccess;

impl DirectoryAccess {
    /// The lab as its least-privilege account.
    pub fn lab(lab: &Lab, containers: &[&str]) -> Self {
        Self {
            url: lab.setting("LAB_URL").to_owned(),
            ca_pem: lab.file("LAB_CA"),
            bind_name: lab.setting("LAB_BIND_NAME").to_owned(),
            bind_password: lab.file("LAB_BIND_PASSWORD_FILE"),
            containers: containers.iter().map(|container| (*container).to_owned()).collect(),
        }
    }
}

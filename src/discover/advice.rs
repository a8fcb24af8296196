//! What each problem means and what to do about it: one row for each word.
//!
//! Read by `problem`; the rows of findings stand in `findings`.

mod findings;

use crate::discover::problem::Code;

/// Two plain sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Advice {
    /// What follows from the problem.
    pub(super) meaning: &'static str,
    /// What to do about it.
    pub(super) remedy: &'static str,
}

const fn advice(meaning: &'static str, remedy: &'static str) -> Advice {
    Advice { meaning, remedy }
}

/// The row of a word.
pub(super) fn of(code: Code) -> Advice {
    match code {
        Code::Finding(code) => findings::of(code),
        Code::TenantUnavailable => advice(
            "nothing is known of the tenant; a pass would end here and write nothing",
            "mend what the message names and run `writeback discover` again",
        ),
        Code::DomainUnavailable => advice(
            "nothing is known of the domain; a pass would end here and write nothing",
            "mend what the message names and run `writeback discover` again",
        ),
        Code::ReadIncomplete => advice(
            "what depends on it is missing from this report, and a pass leaves it as it is",
            "mend what the message names, or try again later where it names nothing to mend",
        ),
        Code::RightMissing => advice(
            "what the right opens cannot be read, and what cannot be read is never changed",
            "grant it to the application as an application permission and give admin consent \
             (deploy/tenant)",
        ),
        Code::RightExcess => advice(
            "whoever takes the credential over may do more than writeback ever does",
            "remove the application permission (deploy/tenant)",
        ),
        Code::LicenceMissing => advice(
            "Microsoft licenses group writeback with Entra ID P1",
            "buy Entra ID P1 or a product that holds it, for the members of written groups",
        ),
        Code::MicrosoftWritebackOn => advice(
            "Entra Connect writes cloud groups into the directory itself: the same group would be \
             there twice",
            "turn it off before writeback writes the same groups, and adopt what it has written \
             instead of deleting it; turning it off by its wizard deletes the groups",
        ),
        Code::MicrosoftWritebackUnknown => advice(
            "Entra Connect may be writing the same groups; no application permission is known to \
             open the question",
            "ask on the server of Entra Connect: Get-ADSyncAADCompanyFeature, UnifiedGroupWriteback \
             for version 1 and GroupWritebackV2 for version 2",
        ),
        Code::ContainerMissing => advice(
            "no group can be written there",
            "create it, let the account read it, or mend directory.containers and the policy",
        ),
        Code::ContainerOutsideDomain => advice(
            "a container must lie in the domain of the configured domain controller",
            "mend directory.containers or the policy",
        ),
        Code::DirectoryRightMissing => advice(
            "what needs the right is refused with result code 50",
            "delegate the container again with deploy/directory",
        ),
        Code::DirectoryRightExcess => advice(
            "whoever takes the account over may do more than writeback ever does",
            "take the right off the account; what it needs is in deploy/directory",
        ),
        Code::AnchorAttributeMissing => advice(
            "groups are written without it; a deleted group is found again only by its objectGUID",
            "extend the schema to Windows Server 2016 (adprep), or leave it so",
        ),
        Code::SeveralDomains => advice(
            "one domain is read: members whose accounts are in another one are left out",
            "run one writeback for each domain, for the groups whose members are there",
        ),
        Code::RecycleBinOff => advice(
            "a directory group that somebody deletes comes back without its members and without \
             its place in other groups",
            "turn on the Active Directory Recycle Bin before groups are written",
        ),
        Code::RecycleBinRefusesRestores => advice(
            "Samba refuses every restoration while the recycle bin is on (result code 16): a \
             deleted group can only be created anew, with a new SID",
            "keep the recycle bin off on Samba domain controllers",
        ),
        Code::PolicyStalled => advice(
            "the policy keeps its groups and writes nothing until the input can be read",
            "mend what the message names",
        ),
    }
}

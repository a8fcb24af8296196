//! What each problem means and what to do about it: one row for each word.
//!
//! Read by `problem`; the rows of findings are those of the reference.

use crate::discover::problem::Code;
use crate::schema::codes;

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
        Code::Finding(code) => {
            let told = codes::finding(code);
            advice(told.meaning, told.remedy)
        }
        Code::TenantUnavailable => TENANT_UNAVAILABLE,
        Code::DomainUnavailable => DOMAIN_UNAVAILABLE,
        Code::ReadIncomplete => READ_INCOMPLETE,
        Code::RightMissing => RIGHT_MISSING,
        Code::RightExcess => RIGHT_EXCESS,
        Code::CredentialEnds => CREDENTIAL_ENDS,
        Code::LicenceMissing => LICENCE_MISSING,
        Code::MicrosoftWritebackOn => MICROSOFT_WRITEBACK_ON,
        Code::MicrosoftWritebackUnknown => MICROSOFT_WRITEBACK_UNKNOWN,
        Code::ContainerMissing => CONTAINER_MISSING,
        Code::ContainerOutsideDomain => CONTAINER_OUTSIDE_DOMAIN,
        Code::DirectoryRightMissing => DIRECTORY_RIGHT_MISSING,
        Code::DirectoryRightExcess => DIRECTORY_RIGHT_EXCESS,
        Code::AnchorAttributeMissing => ANCHOR_ATTRIBUTE_MISSING,
        Code::SeveralDomains => SEVERAL_DOMAINS,
        Code::RecycleBinOff => RECYCLE_BIN_OFF,
        Code::RecycleBinRefusesRestores => RECYCLE_BIN_REFUSES_RESTORES,
        Code::PolicyStalled => POLICY_STALLED,
    }
}

const TENANT_UNAVAILABLE: Advice = advice(
    "Nothing is known of the tenant; a pass would end here and write nothing.",
    "Mend what the message names and run `writeback discover` again.",
);
const DOMAIN_UNAVAILABLE: Advice = advice(
    "Nothing is known of the domain; a pass would end here and write nothing.",
    "Mend what the message names and run `writeback discover` again.",
);
const READ_INCOMPLETE: Advice = advice(
    "What depends on it is missing from this report, and a pass leaves it as it is.",
    "Mend what the message names, or try again later where it names nothing to mend.",
);
const RIGHT_MISSING: Advice = advice(
    "What the right opens cannot be read, and what cannot be read is never changed.",
    "Grant it to the application as an application permission and give admin consent \
     (deploy/tenant).",
);
const RIGHT_EXCESS: Advice = advice(
    "Whoever takes the credential over may do more than writeback ever does.",
    "Remove the application permission (deploy/tenant).",
);
const CREDENTIAL_ENDS: Advice = advice(
    "When it ends, the side that asks for it is not read and nothing is written any more.",
    "Make a new one, register it where the old one is known, and write it into the same file; no \
     restart is needed. Of authorities, add the new one to the file before the old one ends.",
);
const LICENCE_MISSING: Advice = advice(
    "Microsoft licenses group writeback with Entra ID P1.",
    "Buy Entra ID P1 or a product that holds it, for the members of written groups.",
);
const MICROSOFT_WRITEBACK_ON: Advice = advice(
    "Entra Connect writes cloud groups into the directory itself: the same group would be \
     there twice.",
    "Turn it off before writeback writes the same groups, and adopt what it has written \
     instead of deleting it; turning it off by its wizard deletes the groups.",
);
const MICROSOFT_WRITEBACK_UNKNOWN: Advice = advice(
    "Entra Connect may be writing the same groups; no application permission is known to \
     open the question.",
    "Ask on the server of Entra Connect: Get-ADSyncAADCompanyFeature, \
     UnifiedGroupWriteback for version 1 and GroupWritebackV2 for version 2.",
);
const CONTAINER_MISSING: Advice = advice(
    "No group can be written there.",
    "Create it, let the account read it, or mend directory.containers and the policy.",
);
const CONTAINER_OUTSIDE_DOMAIN: Advice = advice(
    "A container must lie in the domain of the configured domain controller.",
    "Mend directory.containers or the policy.",
);
const DIRECTORY_RIGHT_MISSING: Advice = advice(
    "What needs the right is refused with result code 50.",
    "Delegate the container again with deploy/directory.",
);
const DIRECTORY_RIGHT_EXCESS: Advice = advice(
    "Whoever takes the account over may do more than writeback ever does.",
    "Take the right off the account; what it needs is in deploy/directory.",
);
const ANCHOR_ATTRIBUTE_MISSING: Advice = advice(
    "Groups are written without it; a deleted group is found again only by its objectGUID.",
    "Extend the schema to Windows Server 2016 (adprep), or leave it so.",
);
const SEVERAL_DOMAINS: Advice = advice(
    "One domain is read: members whose accounts are in another one are left out.",
    "Run one writeback for each domain, for the groups whose members are there.",
);
const RECYCLE_BIN_OFF: Advice = advice(
    "A directory group that somebody deletes comes back without its members and without \
     its place in other groups.",
    "Turn on the Active Directory Recycle Bin before groups are written.",
);
const RECYCLE_BIN_REFUSES_RESTORES: Advice = advice(
    "Samba refuses every restoration while the recycle bin is on (result code 16): a \
     deleted group can only be created anew, with a new SID.",
    "Keep the recycle bin off on Samba domain controllers.",
);
const POLICY_STALLED: Advice = advice(
    "The policy keeps its groups and writes nothing until the input can be read.",
    "Mend what the message names.",
);

//! `spec.group.attributes`: what is written beyond the standard set.
//!
//! Input: the list. Output: `ExtraAttribute`s. Which attributes a policy may never write is a
//! table here: offline, before a directory is asked, a slip must not reach what grants access,
//! what says whose a group is, or what the directory keeps itself. Whether an attribute that is
//! let through exists, and is a single-valued string of class group, only the schema of the
//! directory can say.

use std::collections::BTreeMap;

use crate::model::AttributeName;
use crate::model::expression::Wanted;
use crate::model::policy::{ExtraAttribute, Upkeep};
use crate::policy::words::Context;
use crate::yaml::{Fields, Refusal, shown};

use super::{Around, compiled, upkeep};

/// Reads the list.
pub(super) fn read(
    group: &mut Fields<'_>,
    around: Around,
    context: &mut Context<'_>,
) -> Vec<ExtraAttribute> {
    let mut seen = BTreeMap::new();
    let attributes = group.list("attributes", |entry| {
        let place = context.place(entry.spot());
        entry.fields(|fields| {
            let mode = upkeep(fields, Upkeep::Always, around, context);
            let expression = fields.needed("expression");
            let expression = expression.and_then(|v| compiled(&v, Wanted::Text, context));
            let value = fields.needed("name")?;
            let name = value.text_as(attribute_name)?;
            let line = value.spot().line;
            if let Some(line) = seen.insert(name.to_ascii_lowercase(), line) {
                value.refuse(
                    format!("is the attribute of another entry too, on line {line}"),
                    "keep one of the two",
                );
            }
            Some(ExtraAttribute { place, name, expression: expression?, mode })
        })
    });
    attributes.unwrap_or_default()
}

fn attribute_name(text: &str) -> Result<AttributeName, Refusal> {
    let name = AttributeName::parse(text).ok_or_else(|| {
        Refusal::new(
            format!("is `{}`, not the name of an attribute", shown(text)),
            "write its lDAPDisplayName, such as info or extensionAttribute1",
        )
    })?;
    let refused = REFUSED.iter().find(|refused| refused.names(text));
    match refused {
        Some(Refused { because, remedy, .. }) => {
            Err(Refusal::new(format!("is `{}`, {because}", shown(text)), *remedy))
        }
        None => Ok(name),
    }
}

/// Attributes that a policy may not write.
struct Refused {
    /// Reads after "is `name`,".
    because: &'static str,
    remedy: &'static str,
    /// Whole names, compared without case as the directory does (RFC 4512, 2.5).
    attributes: &'static [&'static str],
    /// Starts of names.
    families: &'static [&'static str],
    /// Names in those families that are free to use.
    except: &'static [&'static str],
}

impl Refused {
    fn names(&self, text: &str) -> bool {
        let starts = |family: &&str| {
            text.get(..family.len()).is_some_and(|start| start.eq_ignore_ascii_case(family))
        };
        let is = |name: &&str| text.eq_ignore_ascii_case(name);
        let in_family = self.families.iter().any(starts)
            && !self.except.iter().any(|free| {
                // A family of numbered attributes stands with its stem.
                free.strip_suffix('*').map_or_else(|| is(free), |stem| starts(&stem))
            });
        in_family || self.attributes.iter().any(is)
    }
}

const ANOTHER: &str = "use another one: info, telephoneNumber, wWWHomePage, extensionAttribute1 …";

/// In the order of what is most helpful to be told. Names and syntaxes: MS-ADSC, classes group,
/// mailRecipient, securityPrincipal, posixGroup and top; MS-ADA1 to MS-ADA3.
const REFUSED: &[Refused] = &[
    Refused {
        because: "which is written by its own field",
        remedy: "use `commonName` or `samAccountName`",
        attributes: &["cn", "name", "distinguishedName", "sAMAccountName"],
        families: &[],
        except: &[],
    },
    Refused {
        because: "which follows the cloud group",
        remedy: "change it in the cloud, or use another attribute",
        attributes: &["displayName", "description"],
        families: &[],
        except: &[],
    },
    Refused {
        because: "which says whose group it is",
        remedy: ANOTHER,
        attributes: &["adminDescription", "msDS-ExternalDirectoryObjectId", "extensionName"],
        families: &[],
        except: &[],
    },
    Refused {
        because: "which follows the addresses of the cloud group",
        remedy: "use `spec.group.mail`",
        attributes: &["mail", "mailNickname", "proxyAddresses"],
        families: &[],
        except: &[],
    },
    Refused {
        because: "which is written by its own field",
        remedy: "use `spec.group.type`",
        attributes: &["groupType", "sAMAccountType"],
        families: &[],
        except: &[],
    },
    Refused {
        because: "which holds members",
        remedy: "change the members in the cloud, or use `spec.members`",
        attributes: &["member", "memberOf", "memberUid", "memberNisNetgroup", "nonSecurityMember"],
        families: &["msSFU30Posix"],
        except: &[],
    },
    // The descriptor and what protects an object (MS-ADTS 3.1.1.6.1), credentials and what takes
    // their place (MS-ADTS 3.1.1.3.1.5, 5.1.1), the names that a service is trusted by (MS-ADTS
    // 3.1.1.5.3.1.1), and delegation. Some are attributes of accounts alone: a schema may be
    // extended, and a slip is told from a plan here.
    Refused {
        because: "which decides about access",
        remedy: ANOTHER,
        attributes: &[
            "accountExpires",
            "adminCount",
            "altSecurityIdentities",
            "controlAccessRights",
            "dBCSPwd",
            "dNSHostName",
            "dSASignature",
            "groupAttributes",
            "groupMembershipSAM",
            "isCriticalSystemObject",
            "isPrivilegeHolder",
            "lmPwdHistory",
            "managedBy",
            "nTGroupMembers",
            "nTSecurityDescriptor",
            "ntPwdHistory",
            "operatorCount",
            "primaryGroupID",
            "pwdLastSet",
            "scriptPath",
            "servicePrincipalName",
            "supplementalCredentials",
            "unicodePwd",
            "unixUserPassword",
            "userAccountControl",
            "userCert",
            "userCertificate",
            "userPassword",
            "userSMIMECertificate",
        ],
        families: &[
            "msDS-AllowedTo",
            "msDS-Az",
            "msDS-Key",
            "msDS-Managed",
            "msPKI",
            "msLAPS",
            "ms-Mcs-",
        ],
        except: &[],
    },
    // Security and POSIX identities (MS-ADTS 3.1.1.1; RFC 2307, 2.2), and the anchors of other
    // synchronisers.
    Refused {
        because: "which is part of an identity",
        remedy: ANOTHER,
        attributes: &[
            "accountNameHistory",
            "gidNumber",
            "objectGUID",
            "objectSid",
            "rid",
            "securityIdentifier",
            "sIDHistory",
            "uid",
            "uidNumber",
            "userPrincipalName",
        ],
        families: &["mS-DS-", "msSFU30", "tokenGroups", "primaryGroup"],
        except: &[],
    },
    // Who may send, and where mail goes (learn.microsoft.com/exchange, "Active
    // Directory schema changes in Exchange Server").
    Refused {
        because: "by which Exchange delivers mail",
        remedy: "use `spec.group.mail`, or change it with the tools of Exchange",
        attributes: &[
            "altRecipient",
            "authOrig",
            "autoReply",
            "delivContLength",
            "dLMemDefault",
            "dLMemRejectPerms",
            "dLMemSubmitPerms",
            "garbageCollPeriod",
            "hideDLMembership",
            "homeMDB",
            "homeMTA",
            "legacyExchangeDN",
            "mAPIRecipient",
            "oOFReplyToOriginator",
            "publicDelegates",
            "reportToOriginator",
            "reportToOwner",
            "showInAddressBook",
            "submissionContLength",
            "targetAddress",
            "textEncodedORAddress",
            "unauthOrig",
        ],
        families: &["msExch"],
        except: &[],
    },
    // Kept by the directory: system-only and constructed attributes (MS-ADTS 3.1.1.4.5), and
    // whole families that belong to services of the directory.
    Refused {
        because: "which the directory or one of its services keeps itself",
        remedy: ANOTHER,
        attributes: &[
            "canonicalName",
            "createTimeStamp",
            "dSCorePropagationData",
            "flags",
            "fSMORoleOwner",
            "instanceType",
            "isDeleted",
            "isRecycled",
            "lastKnownParent",
            "modifyTimeStamp",
            "objectCategory",
            "objectClass",
            "objectVersion",
            "otherWellKnownObjects",
            "parentGUID",
            "possibleInferiors",
            "proxiedObjectName",
            "replPropertyMetaData",
            "replUpToDateVector",
            "revision",
            "sDRightsEffective",
            "showInAdvancedViewOnly",
            "structuralObjectClass",
            "subRefs",
            "subSchemaSubEntry",
            "systemFlags",
            "wellKnownObjects",
            "whenChanged",
            "whenCreated",
        ],
        families: &["allowed", "msDS-", "msCOM-", "msDFSR-", "mSMQ", "repsFrom", "repsTo", "uSN"],
        except: &["msDS-PhoneticDisplayName", "msDS-cloudExtensionAttribute*"],
    },
    Refused {
        because: "which does not hold one text",
        remedy: ANOTHER,
        attributes: &["labeledURI", "managedObjects", "secretary", "url", "wbemPath"],
        families: &[],
        except: &[],
    },
];

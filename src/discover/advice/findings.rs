//! What the findings of a pass mean and what to do about them: one row for each word.
//!
//! Read by `advice`.

use super::{Advice, advice};
use crate::model::FindingCode;

/// The row of a finding.
pub(super) fn of(code: FindingCode) -> Advice {
    match code {
        FindingCode::AddressTaken => ADDRESS_TAKEN,
        FindingCode::AnchorChanged => ANCHOR_CHANGED,
        FindingCode::AnchorNotUnique => ANCHOR_NOT_UNIQUE,
        FindingCode::AttributeUnsuitable => ATTRIBUTE_UNSUITABLE,
        FindingCode::ChildNotWrittenBack => CHILD_NOT_WRITTEN_BACK,
        FindingCode::ChildForeign => CHILD_FOREIGN,
        FindingCode::ConvertedFromDirectory => CONVERTED_FROM_DIRECTORY,
        FindingCode::CounterpartMissing => COUNTERPART_MISSING,
        FindingCode::Cut => CUT,
        FindingCode::DeviceNotWrittenBack => DEVICE_NOT_WRITTEN_BACK,
        FindingCode::DirectoryGroupGone => DIRECTORY_GROUP_GONE,
        FindingCode::DomainLocalInUniversal => DOMAIN_LOCAL_IN_UNIVERSAL,
        FindingCode::ExchangeNotPrepared => EXCHANGE_NOT_PREPARED,
        FindingCode::ExpressionFailed => EXPRESSION_FAILED,
        FindingCode::Foreign => FOREIGN,
        FindingCode::HiddenMembership => HIDDEN_MEMBERSHIP,
        FindingCode::IdNotFound => ID_NOT_FOUND,
        FindingCode::ImpossibleName => IMPOSSIBLE_NAME,
        FindingCode::KeepNotFound => KEEP_NOT_FOUND,
        FindingCode::LinkAmbiguous => LINK_AMBIGUOUS,
        FindingCode::LinkLost => LINK_LOST,
        FindingCode::LinksUnreadable => LINKS_UNREADABLE,
        FindingCode::MasteredOnPremises => MASTERED_ON_PREMISES,
        FindingCode::MemberTypeSkipped => MEMBER_TYPE_SKIPPED,
        FindingCode::MembersUnread => MEMBERS_UNREAD,
        FindingCode::NameTaken => NAME_TAKEN,
        FindingCode::NoCounterpart => NO_COUNTERPART,
        FindingCode::Orphaned => ORPHANED,
        FindingCode::OutsideContainers => OUTSIDE_CONTAINERS,
        FindingCode::OwnedElsewhere => OWNED_ELSEWHERE,
        FindingCode::PolicyConflict => POLICY_CONFLICT,
        FindingCode::PrimaryGroupMember => PRIMARY_GROUP_MEMBER,
        FindingCode::PrivilegedPath => PRIVILEGED_PATH,
        FindingCode::Refused => REFUSED,
        FindingCode::RoleAssignable => ROLE_ASSIGNABLE,
        FindingCode::TooManyMembers => TOO_MANY_MEMBERS,
        FindingCode::Unknown => UNKNOWN,
        FindingCode::UnsupportedGroupKind => UNSUPPORTED_GROUP_KIND,
        FindingCode::UnsupportedGroupType => UNSUPPORTED_GROUP_TYPE,
    }
}

const ADDRESS_TAKEN: Advice = advice(
    "no mail attribute is written for the group",
    "take the address off the other object, or write `mail: Never`",
);
const ANCHOR_CHANGED: Advice = advice(
    "its marks contradict each other, so nothing of it is changed",
    "put the anchor back to the id that the record names",
);
const ANCHOR_NOT_UNIQUE: Advice = advice(
    "which of the objects is meant is not known, so none is changed",
    "take the anchor off all but one of them",
);
const ATTRIBUTE_UNSUITABLE: Advice = advice(
    "the policy's attribute is not written",
    "take it out of the policy's `attributes`, or name one that groups can carry",
);
const CHILD_NOT_WRITTEN_BACK: Advice = advice(
    "the nesting drops out: members of the inner group do not get what the outer group \
     gives",
    "let a policy write the inner group as well, or write `nested: Flatten`",
);
const CHILD_FOREIGN: Advice = advice(
    "the nesting is not added, because the directory group of the inner group is not ours",
    "adopt the directory group of the inner group",
);
const CONVERTED_FROM_DIRECTORY: Advice = advice(
    "its directory group is the one with its SID, which stays untouched",
    "adopt that directory group, or leave it to the administrators",
);
const COUNTERPART_MISSING: Advice = advice(
    "the link leads to no object of this domain, so the member is left out",
    "look whether the account was deleted, or lies in another domain or out of sight of \
     the account",
);
const CUT: Advice = advice(
    "the directory takes no longer text, so the rest is not written",
    "make the text in the cloud shorter where the rest matters",
);
const DEVICE_NOT_WRITTEN_BACK: Advice = advice(
    "the directory has no object for the device, so it is left out",
    "turn on device writeback in Entra Connect, or write `devices: Skip`",
);
const DIRECTORY_GROUP_GONE: Advice = advice(
    "created anew it would have a new SID, so it waits for a person",
    "restore it from Deleted Objects, or approve a new one",
);
const DOMAIN_LOCAL_IN_UNIVERSAL: Advice = advice(
    "a universal group cannot have a local group as a member; the other members are \
     written",
    "remove it from the cloud group, or change its scope to global or universal",
);
const EXCHANGE_NOT_PREPARED: Advice = advice(
    "mail attributes of groups are not written",
    "prepare the directory for Exchange, or write `mail: Never` in the policy",
);
const EXPRESSION_FAILED: Advice = advice(
    "what the policy makes of the group is not known, so nothing of it is changed",
    "mend the expression so that it holds for every group it meets",
);
const FOREIGN: Advice = advice(
    "it is untouched, and its cloud group is not written a second time",
    "turn off the product that wrote it, then adopt it; or leave it",
);
const HIDDEN_MEMBERSHIP: Advice = advice(
    "in the directory every account could read the members that the cloud hides, so it is \
     left out",
    "leave it so, or write `hiddenMembership: Write` and grant Member.Read.Hidden",
);
const ID_NOT_FOUND: Advice =
    advice("the entry of the policy selects nothing", "mend the id, or take the entry out");
const IMPOSSIBLE_NAME: Advice = advice(
    "the group is not written, because nothing can name it",
    "give it another display name, or change the naming of the policy",
);
const KEEP_NOT_FOUND: Advice = advice(
    "the policy removes nothing until the entry leads to an object",
    "mend the entry of `keep`, or take it out",
);
const LINK_AMBIGUOUS: Advice = advice(
    "which account is meant is not known, so none is added",
    "make the links of the cloud user lead to one account, and one user to each account",
);
const LINK_LOST: Advice = advice(
    "the user may have an account all the same, so nothing is removed from the group",
    "look at the user's onPremisesSecurityIdentifier and onPremisesImmutableId",
);
const LINKS_UNREADABLE: Advice = advice(
    "every user seems to have no account: no member is removed anywhere",
    "grant User.Read.All as an application permission and give admin consent",
);
const MASTERED_ON_PREMISES: Advice = advice(
    "the group comes from the directory and is never written back",
    "take its id out of the policy",
);
const MEMBER_TYPE_SKIPPED: Advice = advice(
    "members of this type cannot be written and are left out",
    "leave them in the cloud, or put their people into the group",
);
const MEMBERS_UNREAD: Advice = advice(
    "not enough of the group could be read, so nothing of it is changed",
    "mend what the message names, or try again later where it names nothing to mend",
);
const NAME_TAKEN: Advice = advice(
    "the group is not written under a name that is another object's or imitates a \
     privileged one",
    "rename the other object or the group, or change the naming or the container of the \
     policy",
);
const NO_COUNTERPART: Advice = advice(
    "a user without an on-premises account cannot be a member in the directory",
    "leave it so, or give the user an account that is synchronised",
);
const ORPHANED: Advice =
    advice("no policy keeps it: it stays as it is", "let a policy select its cloud group");
const OUTSIDE_CONTAINERS: Advice = advice(
    "what stands outside of the containers is never changed",
    "move it back, or name its container in directory.containers",
);
const OWNED_ELSEWHERE: Advice = advice(
    "another writeback keeps it, and its cloud group is not written a second time",
    "leave it to the other owner, or release it there",
);
const POLICY_CONFLICT: Advice = advice(
    "two policies want the group, and nothing says which should have it",
    "give one of them a lower precedence, or select the group in one of them only",
);
const PRIMARY_GROUP_MEMBER: Advice = advice(
    "the directory refuses the change while an account has the group as its primary group",
    "give the account another primary group",
);
const PRIVILEGED_PATH: Advice = advice(
    "the group leads to privileges, so no member is added",
    "take it out of the privileged group",
);
const REFUSED: Advice =
    advice("the directory refuses the value, so it is left out", "mend what the message names");
const ROLE_ASSIGNABLE: Advice = advice(
    "a group that can be given directory roles of the tenant is left out",
    "leave it so, or write `roleAssignable: Include`",
);
const TOO_MANY_MEMBERS: Advice = advice(
    "a group above the limit is not written; one that is written is frozen",
    "raise `members.maximum` of the policy (at most 250000), or make the group smaller",
);
const UNKNOWN: Advice = advice(
    "not enough is known of the group, so nothing of it is changed",
    "mend what the message names, or try again later where it names nothing to mend",
);
const UNSUPPORTED_GROUP_KIND: Advice = advice(
    "cloud distribution lists and mail-enabled security groups cannot be written back",
    "make a Microsoft 365 group or a security group of it, or leave it in the cloud",
);
const UNSUPPORTED_GROUP_TYPE: Advice = advice(
    "the tenant asks for a type that this version cannot write, so the group is left \
     alone",
    "set its `onPremisesGroupType` to a known type, or `group.type` in the policy",
);

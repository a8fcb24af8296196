//! Every word that plans and statuses use, with its meaning and what to do about it.
//!
//! Read by the schemas and by the reference. A table `of` an enum names each of its variants: a
//! word without a row does not compile. `tests/schema.rs` holds the others to the rooms above.

use schemars::Schema;
use serde_json::{Value, json};

use crate::model::FindingCode;
use crate::model::condition::{ConditionKind, Reason};

/// A word with its meaning.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// The word as it is printed.
    pub word: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it, or what else the table tells.
    pub remedy: &'static str,
}

/// The row of a finding. There always is one: a finding without a row does not compile.
#[expect(clippy::missing_panics_doc, reason = "the table names every variant")]
pub fn finding(code: FindingCode) -> &'static Told {
    let word = format!("{code:?}");
    FINDINGS.iter().find(|told| told.word == word).expect("every finding has a row")
}

/// One of the words of a table, as a schema.
pub fn choice_of(all: &[Told]) -> Schema {
    let words = all
        .iter()
        .map(|told| json!({ "type": "string", "const": told.word, "description": told.meaning }));
    schemars::json_schema!({ "oneOf": words.collect::<Vec<Value>>() })
}

macro_rules! table {
    (
        $(#[$meta:meta])*
        $name:ident of $kind:ident:
        $($variant:ident: $meaning:literal, $remedy:literal;)+
    ) => {
        table! { $(#[$meta])* $name: $($variant: $meaning, $remedy;)+ }
        // Names every variant.
        const _: fn($kind) = |one| match one {
            $($kind::$variant => (),)+
        };
    };
    (
        $(#[$meta:meta])*
        $name:ident:
        $($word:ident: $meaning:literal, $remedy:literal;)+
    ) => {
        $(#[$meta])*
        pub const $name: &[Told] = &[$(
            Told { word: stringify!($word), meaning: $meaning, remedy: $remedy },
        )+];
    };
}

table! {
    /// What a finding can be.
    FINDINGS of FindingCode:
    AddressTaken:
        "The mail address of the group is another object's; none of its mail attributes is \
         written.",
        "Take the address off the other object, or write `mail: Never`.";
    AnchorChanged:
        "Record and anchor name different cloud groups, the object is not the one that was \
         remembered, or it has lost its marks. It is frozen.",
        "Put `adminDescription` right, or remove the object that is a copy.";
    AnchorNotUnique:
        "Several objects carry the mark of one cloud group and none is known to be the right one. \
         All are frozen.",
        "Take the marks off the wrong ones.";
    AdoptionRefused:
        "A directory group that was to be adopted cannot be: it is not there, is somebody else's, \
         is privileged, stands outside `directory.containers`, cannot become universal, or \
         Microsoft's own writeback may still write it. It stays untouched.",
        "Mend what the message names, or take the entry out.";
    ApprovalUsed:
        "A document of `kind: Approval` names a held set that was approved and used up already. It \
         lets nothing through: no approval of an equal set does within 48 hours.",
        "Remove the file. Approve the set anew after the time that the message names, or raise the \
         limit or undo the cause of the hold.";
    AttributeUnsuitable:
        "An attribute in `group.attributes` is not in the directory's schema, is not a \
         single-valued string, or does not belong to class group. It is not written.",
        "Name another attribute.";
    ChildNotWrittenBack:
        "A nested cloud group is not written back itself, so it is not nested.",
        "Enable it for writeback, select it, or write `nested: Flatten`.";
    ChildForeign:
        "The directory group of a nested cloud group is not ours. It stays nested if it is, and is \
         not added.",
        "Leave it to its owner, or let one daemon write both.";
    Contested:
        "Somebody else put back a value of ours three times. The object is frozen; the message \
         tells what the directory knows of the other side.",
        "Find the other writer and stop it, or exclude the group.";
    ConvertedFromDirectory:
        "The cloud group was once mastered in the directory; its directory group is the object \
         with its SID and stays untouched.",
        "Adopt that object, or exclude the group.";
    CounterpartMissing:
        "The link of a member leads to no object. What it led to before stays a member.",
        "Look whether the account was deleted or lies where the service account cannot read.";
    Cut:
        "A text (display name, description, an added attribute) is longer than the directory \
         takes and was cut.",
        "Shorten it in the cloud.";
    DeviceNotWrittenBack:
        "A device has neither a computer nor an `msDS-Device` in the directory and is left out.",
        "Turn on device writeback, or write `devices: Skip`.";
    DirectoryGroupGone:
        "The directory group that was written is nowhere in the domain and cannot be restored. \
         Created anew it would have a new SID, so its creation is held.",
        "Restore it by hand from a backup, or approve that it is created anew.";
    DomainLocalInUniversal:
        "A nested on-premises group is of domain local scope, which no universal group can hold. \
         It is left out, the others are written.",
        "Remove it from the cloud group, or change its scope to global or universal.";
    ExchangeNotPrepared:
        "Mail attributes are wanted, but the directory was not prepared for Exchange. None is \
         written. Told once for each policy.",
        "Prepare the directory, or write `mail: Never`.";
    ExpressionFailed:
        "An expression gives no value for this group. Nothing of the group is changed in this \
         pass.",
        "Mend the expression at the place that the message names.";
    Foreign:
        "A directory group carries the anchor of the cloud group but no record: another tool wrote \
         it. It stays untouched, and no second one is made.",
        "Adopt it, let the other tool go on, or exclude the group.";
    HiddenMembership:
        "The members are hidden in the cloud; in the directory every account could read them.",
        "Write `hiddenMembership: Write` if that is wanted.";
    IdNotFound:
        "A policy names an id that no group of the tenant has.",
        "Correct the id, or take it out.";
    ImpossibleName:
        "Nothing is left of the name, or it is longer than the directory takes. A group without \
         one is not created, and an existing one keeps its name.",
        "Change the display name, or the expression of the name.";
    KeepNotFound:
        "An entry of `members.keep` names no object of the domain. The policy removes no member \
         and no group meanwhile.",
        "Correct the entry, or take it out.";
    LinkAmbiguous:
        "The links of a member lead to several objects or contradict each other, or several cloud \
         principals lead to one object. What was a member stays, nothing new is added.",
        "Put SID and immutable id right.";
    LinkLost:
        "A member carries no link and is not known to be without one. Its former object stays; \
         where that is not known, nothing is removed from the group.",
        "Look whether synchronisation still covers the account. For an account of the cloud alone \
         it settles in the next pass of the daemon.";
    LinksUnreadable:
        "The links of users cannot be read. Nothing is removed anywhere.",
        "Grant User.Read.All.";
    MasteredOnPremises:
        "A policy names the id of a group that the directory masters; it is never written back.",
        "Take the id out.";
    MemberTypeSkipped:
        "Members of a type that is not written are left out: service principals, contacts, what \
         the policy skips, the group itself.",
        "Nothing, unless one of them is missed.";
    MembersUnread:
        "The members could not be read whole. Nothing of the group is changed in this pass.",
        "Wait for the next pass; where it stays, grant the right that the message names.";
    NameTaken:
        "The name is another object's, or cannot be told by eye from that of a privileged object. \
         The group is not created, or keeps the name it has.",
        "Rename one of the two, or choose another name in the policy.";
    NoCounterpart:
        "A user has no account on-premises and is left out.",
        "Nothing, unless the account should be synchronised.";
    Orphaned:
        "The policy in the record of the group is not there any more. The group stays as it is.",
        "Select it in another policy, or put the file back.";
    OutsideContainers:
        "The group stands, or would stand, outside `directory.containers`. It is frozen, or not \
         created.",
        "Move it back, mend `group.container`, or widen `directory.containers`.";
    OwnedElsewhere:
        "The directory group carries the record of another owner or tenant. It stays untouched.",
        "Let one daemon write the group.";
    PolicyConflict:
        "Several policies select the group and none has the stronger claim. It stays with the \
         policy in its record; without one it is left alone.",
        "Give one policy a lower `precedence`, or exclude the group in the other.";
    PrimaryGroupMember:
        "Accounts have the group as their primary group, which forbids the change.",
        "Give the accounts another primary group.";
    PrivilegedPath:
        "The group carries the marks of a privileged one, or lies inside a protected group at the \
         depth that the message shows. Additions are held, removals go on.",
        "Find out who made it privileged; take it out of protected groups.";
    Refused:
        "The directory refused a member. It is left alone until the next `schedule.resync`.",
        "The message repeats what the directory said.";
    RoleAssignable:
        "The group can be assigned to roles of the tenant and is left out.",
        "Write `roleAssignable: Include` if that is wanted.";
    TooManyMembers:
        "The group has more members than `members.maximum`. It is not created, or frozen.",
        "Raise `members.maximum`, to 250000 at most, or shrink the group.";
    Unknown:
        "The tenant does not say what is needed to judge the group.",
        "Wait for the next pass.";
    UndoConflict:
        "Somebody changed since what a change set did, or what would come back cannot be seen any \
         more; it is not undone there.",
        "Look at the group, and put it right by hand or in the cloud; the finding names the right \
         that restoring needs.";
    UnsupportedGroupKind:
        "The group is a distribution list, a mail-enabled security group, or of a kind that is not \
         known; it cannot be written back.",
        "Narrow the selection, or make it a Microsoft 365 or security group.";
    UnsupportedGroupType:
        "The tenant asks for a directory type that this version does not know. The group is not \
         created, or frozen.",
        "Set `onPremisesGroupType` in the cloud, or `group.type` in the policy.";
}

table! {
    /// What a condition speaks of.
    CONDITIONS of ConditionKind:
    Ready:
        "The directory is as the policy says.",
        "Where it is false, the reason says what stands in the way.";
    Reconciling:
        "Changes wait or are being made.",
        "Nothing, unless it lasts.";
    Stalled:
        "The policy cannot be acted on; of a group: nothing of it is written.",
        "See the reason.";
    Held:
        "A guard keeps changes back.",
        "Read the held changes in the plan; undo their cause, or approve their digest.";
    Drifted:
        "Somebody else changed what the policy keeps; the pass puts it right.",
        "Find out who edits written groups by hand.";
}

table! {
    /// Why a condition is as it is.
    REASONS of Reason:
    InStep:
        "Nothing waits.",
        "Nothing.";
    ChangesWaiting:
        "Changes wait for the next pass.",
        "Nothing, or `writeback apply`.";
    GuardTripped:
        "A limit of the guard was passed.",
        "As for `Held`.";
    PolicyInvalid:
        "The file cannot be read or parsed. Its last good version keeps names, members and \
         repairs; it creates, disables, quarantines and deletes no group.",
        "`writeback validate` says what is wrong and where.";
    Suspended:
        "The policy says `suspend: true`.",
        "Take it out when the policy should write again.";
    Observing:
        "The policy says `mode: Observe`.",
        "Choose another mode when the plan is what you want.";
    WritebackFlagUnreadable:
        "The writeback flags, or the tenant's default for new groups, cannot be read. The policy \
         keeps its groups and writes nothing.",
        "Grant the right that the message names, or write `writebackFlag: Ignore`.";
    SelectionShrank:
        "The selection would lose too many of its groups at once. They go on being updated as \
         before until a person lets them go.",
        "Undo the change of the policy, or approve the digest of what is held.";
    SelectionUnreadable:
        "A control group in `memberOf` is missing or cannot be read. No group enters or leaves the \
         policy.",
        "Correct the id, or mend the control group.";
    LinksUnreadable:
        "The links of users cannot be read. Nothing is removed anywhere.",
        "Grant User.Read.All.";
    ReadIncomplete:
        "Some readings were not whole. Their groups are left alone.",
        "The list of unknown groups says why; wait for the next pass.";
    TenantUnavailable:
        "The tenant could not be read.",
        "The fault in the status says why; what time may mend is tried again.";
    DomainUnavailable:
        "The domain could not be read.",
        "The fault in the status says why; what time may mend is tried again.";
    PoliciesUnavailable:
        "The policy folder could not be read.",
        "Mend `policies.path` or the right to read it.";
    StateUnavailable:
        "What passes remember cannot be put on disk, or belongs to another domain. Nothing is \
         written to the directory until it is saved.",
        "`memory.fault` in the status says why: make room or mend the file; saving is tried again.";
    OperationsFailed:
        "Some changes failed or were refused.",
        "The log and the journal repeat what the directory said.";
    ChangedByOthers:
        "Values were changed by somebody else.",
        "As for `Drifted`.";
    Frozen:
        "Of a group: its directory group stays as it is, and updates have stopped.",
        "Nothing where that is wanted; else see the message and the findings of the group.";
    Foreign:
        "Of a group: its directory group belongs to somebody else.",
        "As for the findings `Foreign` and `OwnedElsewhere`.";
    NotWritten:
        "Of a group: something stands in its way, and nothing of it is written.",
        "See the message and the findings of the group.";
}

table! {
    /// What the guard counts, for each policy.
    GUARD_ROWS:
    GroupsRemoved:
        "Groups are deleted, disabled, quarantined, or turned from security to distribution.",
        "`groupsRemoved`: min(5 % of the groups, max(10, 0.5 %)), at least 1; pass and 24 h";
    MembershipsRemoved:
        "Memberships are removed; a nested group counts as many principals as are in it.",
        "`membershipsRemoved`: min(5 % of the memberships, max(200, 0.5 %)), at least 5; pass and \
         24 h";
    Leavers:
        "Principals that are gone from the tenant or disabled there lose their memberships: each \
         counts once, and in no other row.",
        "`leavers`: 2 % of the principals, at least 10; pass and 24 h";
    OneGroup:
        "Members of one group are removed.",
        "`oneGroup`: 25 % of its members, at least 3; pass and 24 h";
    ToEmpty:
        "All members of a group are removed, none is added, and not all of them are leavers.",
        "`toEmpty`: none from 3 members on";
    Renames:
        "Groups are renamed or moved.",
        "`renames`: max(10 % of the groups, 50); pass";
    Creations:
        "Groups are created or brought back.",
        "`creations`: 500, and from 50 groups on 20 % of them; pass";
    Additions:
        "Members are added to one group that was filled before.",
        "`additions`: max(10 times its size, 5,000); pass";
    DirectoryGroupGone:
        "Groups that were written are nowhere in the domain: created anew they would have a new \
         SID.",
        "none";
    SelectionShrank:
        "A policy's selection loses groups. They go on being updated as before meanwhile.",
        "`selection`: 10 % of its groups, at least 3, and never all; pass";
    PrivilegedPath:
        "Members are added to a group that is privileged, or inside a protected group.",
        "none";
    AdoptionRemoves:
        "Members are removed from a group that was adopted: the first removals, whatever they \
         are.",
        "none";
    Undone:
        "A change would do again what a person has undone.",
        "none";
}

table! {
    /// What a plan without memory leaves out.
    NOT_COMPUTED:
    RollingWindow:
        "What was removed in the last 24 hours does not count against the limits.",
        "";
    Leavers:
        "Who left the tenant is not told from who was taken out, where only memory knows.",
        "";
    SelectionShrank: "What a selection loses is not compared with what it kept.", "";
    Approvals: "What people approved is not let through.", "";
}

table! {
    /// How a pass ended.
    RESULTS:
    InStep: "Found everything as it should be.", "success";
    Applied: "Made everything that waited.", "success";
    Held: "Made everything but what a guard holds.", "success";
    Incomplete: "Made what could be made; a reading was not whole.", "failure";
    ChangesFailed: "Tried; some changes failed or were refused.", "failure";
    Failed: "Could not look, or the journal or the state could not be written.", "failure";
}

table! {
    /// What could not be read.
    SIDES:
    Tenant: "Microsoft Graph.", "";
    Domain: "Active Directory.", "";
    Policies: "The policy folder.", "";
}

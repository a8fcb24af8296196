//! Graph's JSON, as far as it is read, and what each shape means.
//!
//! Input: bodies of answers (learn.microsoft.com/graph/api/resources). Output: the nouns of
//! `model::cloud`. A property that is read has to have its documented type or be null; unknown
//! properties, enum values and object types are never fatal.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Deserializer};

use crate::defence::stands;
use crate::model::cloud::{Flag, Link, MemberKind, OnPremisesGroupType, Origin};
use crate::model::policy::Membership;
use crate::model::{CloudGroup, CloudMember, DeviceId, GroupKind, ObjectGuid, ObjectId, Sid};

/// One page of a collection. `value` has to be there: without it this is no page.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) value: Vec<T>,
    #[serde(rename = "@odata.nextLink")]
    pub(super) next_link: Option<String>,
}

/// An object of which only the id is asked.
#[derive(Debug, Deserialize)]
pub(super) struct Identity {
    pub(super) id: ObjectId,
}

/// An error (learn.microsoft.com/graph/errors).
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    pub(super) error: FailureBody,
}

/// What is inside an error.
#[derive(Debug, Deserialize)]
pub(super) struct FailureBody {
    pub(super) code: String,
    #[serde(alias = "innererror", rename = "innerError")]
    inner: Option<Box<FailureInner>>,
}

#[derive(Debug, Deserialize)]
struct FailureInner {
    code: Option<String>,
    #[serde(alias = "innererror", rename = "innerError")]
    inner: Option<Box<FailureInner>>,
}

impl FailureBody {
    /// Whether this error or one inside it has the code; codes compare without case.
    pub(super) fn is(&self, code: &str) -> bool {
        let mut inner = self.inner.as_deref();
        if self.code.eq_ignore_ascii_case(code) {
            return true;
        }
        while let Some(next) = inner {
            if next.code.as_deref().is_some_and(|one| one.eq_ignore_ascii_case(code)) {
                return true;
            }
            inner = next.inner.as_deref();
        }
        false
    }
}

/// The properties of a group that are asked for.
pub(super) const GROUP_SELECT: &str = "id,displayName,description,mail,mailNickname,groupTypes,\
     mailEnabled,\
     securityEnabled,visibility,isAssignableToRole,onPremisesSyncEnabled,\
     onPremisesSecurityIdentifier";

/// A group in the listing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    id: ObjectId,
    display_name: Option<String>,
    description: Option<String>,
    mail: Option<String>,
    mail_nickname: Option<String>,
    #[serde(rename = "groupTypes")]
    types: Option<Vec<String>>,
    mail_enabled: Option<bool>,
    security_enabled: Option<bool>,
    visibility: Option<String>,
    is_assignable_to_role: Option<bool>,
    on_premises_sync_enabled: Option<bool>,
    on_premises_security_identifier: Option<String>,
}

impl Group {
    /// The group in our own words.
    ///
    /// | `visibility` | counts as hidden membership |
    /// |---|---|
    /// | null, `Public`, `Private` | no |
    /// | `HiddenMembership` | yes |
    /// | a value of tomorrow | yes: the directory would show its members to everybody |
    pub(super) fn read(self) -> CloudGroup {
        let kind = self.kind();
        let dynamic = self.has_type("DynamicMembership");
        let visible = self.visibility.as_deref().is_none_or(|visibility| {
            ["Public", "Private"].iter().any(|known| known.eq_ignore_ascii_case(visibility))
        });
        CloudGroup {
            id: self.id,
            kind,
            membership: if dynamic { Membership::Dynamic } else { Membership::Assigned },
            hidden_membership: !visible,
            role_assignable: self.is_assignable_to_role == Some(true),
            origin: origin(self.on_premises_sync_enabled, self.on_premises_security_identifier),
            display_name: self.display_name.unwrap_or_default(),
            description: self.description,
            mail: self.mail,
            mail_nickname: self.mail_nickname,
            security_enabled: self.security_enabled,
            visibility: self.visibility,
        }
    }

    /// The table of learn.microsoft.com/graph/api/resources/groups-overview. What the token may
    /// not see is null, and a group of which too little is seen is of no known kind.
    fn kind(&self) -> GroupKind {
        if self.types.is_none() {
            return GroupKind::Unrecognised;
        }
        if self.has_type("Unified") {
            return GroupKind::Microsoft365;
        }
        match (self.mail_enabled, self.security_enabled) {
            (Some(false), Some(true)) => GroupKind::Security,
            (Some(true), Some(true)) => GroupKind::MailEnabledSecurity,
            (Some(true), Some(false)) => GroupKind::DistributionList,
            (Some(false), Some(false)) | (None, _) | (_, None) => GroupKind::Unrecognised,
        }
    }

    fn has_type(&self, name: &str) -> bool {
        self.types.iter().flatten().any(|one| one.eq_ignore_ascii_case(name))
    }
}

fn origin(sync_enabled: Option<bool>, sid: Option<String>) -> Origin {
    match (sync_enabled, sid) {
        (Some(true), text) => Origin::OnPremises(text.as_deref().and_then(Sid::parse)),
        (_, None) => Origin::Cloud,
        (_, Some(text)) => Sid::parse(&text).map_or(Origin::ConvertedUnreadable, Origin::Converted),
    }
}

/// The properties of the beta listing of flags.
pub(super) const FLAG_SELECT: &str = "id,writebackConfiguration";

/// A group in the listing of flags.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Flagged {
    pub(super) id: ObjectId,
    /// `None`: the property is missing, which is no answer. Null is one: nothing is set.
    #[serde(default, deserialize_with = "null_is_empty")]
    writeback_configuration: Option<WritebackConfiguration>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WritebackConfiguration {
    is_enabled: Option<bool>,
    on_premises_group_type: Option<String>,
}

impl Flagged {
    /// The flag; `None` where the answer did not speak of it, which is not the same as null.
    pub(super) fn read(self) -> Option<Flag> {
        self.writeback_configuration.map(|configuration| Flag {
            is_enabled: configuration.is_enabled,
            group_type: configuration.on_premises_group_type.map(group_type),
        })
    }
}

fn null_is_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Some(Option::deserialize(deserializer)?.unwrap_or_default()))
}

/// Terraform writes `UniversalSecurityGroup` with a capital and it works: case does not count.
fn group_type(text: String) -> OnPremisesGroupType {
    let is = |name: &str| text.eq_ignore_ascii_case(name);
    if is("universalDistributionGroup") {
        OnPremisesGroupType::UniversalDistribution
    } else if is("universalSecurityGroup") {
        OnPremisesGroupType::UniversalSecurity
    } else if is("universalMailEnabledSecurityGroup") {
        OnPremisesGroupType::UniversalMailEnabledSecurity
    } else {
        OnPremisesGroupType::Unrecognised(text)
    }
}

/// The properties of a member that are asked for. `userPrincipalName`, `securityEnabled` and
/// `deviceId` are never null in truth, so a null says that the right to read the type is missing
/// (learn.microsoft.com/graph/permissions-overview, limited information).
pub(super) const MEMBER_SELECT: &str = "id,displayName,userPrincipalName,securityEnabled,\
     deviceId,onPremisesSecurityIdentifier,onPremisesImmutableId,onPremisesSyncEnabled";

/// A member, of any type.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Member {
    pub(super) id: ObjectId,
    #[serde(rename = "@odata.type")]
    odata_type: Option<String>,
    display_name: Option<String>,
    user_principal_name: Option<String>,
    security_enabled: Option<bool>,
    device_id: Option<String>,
    on_premises_security_identifier: Option<String>,
    on_premises_immutable_id: Option<String>,
    on_premises_sync_enabled: Option<bool>,
}

impl Member {
    /// The member in our own words.
    ///
    /// | `@odata.type` | witness | kind |
    /// |---|---|---|
    /// | missing | | Unreadable |
    /// | user | `userPrincipalName` | User with its links |
    /// | group | `securityEnabled` | Group; DirectoryGroup if it has a SID or is synchronised |
    /// | device | `deviceId` | Device |
    /// | any other | | Other |
    pub(super) fn read(self) -> CloudMember {
        let kind = self.kind();
        let label = self.user_principal_name.or(self.display_name).unwrap_or_default();
        CloudMember { id: self.id, label, kind }
    }

    fn kind(&self) -> MemberKind {
        let Some(odata_type) = &self.odata_type else {
            return MemberKind::Unreadable("@odata.type");
        };
        let name = odata_name(odata_type);
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("user") {
            if self.user_principal_name.is_none() && stands("H10") {
                return MemberKind::Unreadable("userPrincipalName");
            }
            MemberKind::User(link(
                self.on_premises_security_identifier.as_deref(),
                self.on_premises_immutable_id.as_deref(),
            ))
        } else if is("group") {
            if self.security_enabled.is_none() {
                return MemberKind::Unreadable("securityEnabled");
            }
            let sid = self.on_premises_security_identifier.as_deref();
            if sid.is_some() || self.on_premises_sync_enabled == Some(true) {
                MemberKind::DirectoryGroup(link(sid, None))
            } else {
                MemberKind::Group
            }
        } else if is("device") {
            match &self.device_id {
                None => MemberKind::Unreadable("deviceId"),
                Some(id) => MemberKind::Device {
                    device_id: DeviceId::parse(id),
                    link: link(self.on_premises_security_identifier.as_deref(), None),
                },
            }
        } else {
            MemberKind::Other(name.to_owned())
        }
    }
}

/// The type in `#microsoft.graph.user` and the like.
pub(super) fn odata_name(odata_type: &str) -> &str {
    odata_type.rsplit(['.', '#']).next().unwrap_or_default()
}

/// The properties of the organization that are asked for.
pub(super) const ORGANIZATION_SELECT: &str = "id,onPremisesSyncEnabled";

/// The tenant itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Organization {
    pub(super) on_premises_sync_enabled: Option<bool>,
}

/// The properties of a synchronised user that are asked for.
pub(super) const USER_SELECT: &str = "id,onPremisesSecurityIdentifier,onPremisesImmutableId";

/// A synchronised user.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    on_premises_security_identifier: Option<String>,
    on_premises_immutable_id: Option<String>,
}

impl User {
    /// The links it carries.
    pub(super) fn link(&self) -> Link {
        link(
            self.on_premises_security_identifier.as_deref(),
            self.on_premises_immutable_id.as_deref(),
        )
    }
}

/// What the two texts lead to. A tenant may use a source anchor that is no GUID: beside a good
/// SID that is not malformed, since the SID alone decides.
fn link(sid: Option<&str>, immutable_id: Option<&str>) -> Link {
    let sid_text = sid.filter(|text| !text.is_empty());
    let id_text = immutable_id.filter(|text| !text.is_empty());
    let sid = sid_text.and_then(Sid::parse);
    let immutable_id = id_text.and_then(decode_immutable_id);
    let malformed =
        sid.is_none() && (sid_text.is_some() || (id_text.is_some() && immutable_id.is_none()));
    Link { sid, immutable_id, malformed }
}

/// Base64 of the 16 bytes of `mS-DS-ConsistencyGuid` or `objectGUID` as the directory stores them
/// (learn.microsoft.com/entra/identity/hybrid/connect/plan-connect-design-concepts).
fn decode_immutable_id(text: &str) -> Option<ObjectGuid> {
    /// People set this property by hand, with and without the trailing `==`.
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    LENIENT.decode(text.trim()).ok().and_then(|bytes| ObjectGuid::from_directory_bytes(&bytes))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "01234567-89ab-cdef-0123-456789abcdef";

    fn group(mut properties: Value) -> CloudGroup {
        properties["id"] = json!(ID);
        serde_json::from_value::<Group>(properties).unwrap().read()
    }

    fn kind(types: &[&str], mail: Option<bool>, security: Option<bool>) -> GroupKind {
        group(json!({ "groupTypes": types, "mailEnabled": mail, "securityEnabled": security })).kind
    }

    fn member(mut properties: Value) -> MemberKind {
        properties["id"] = json!(ID);
        serde_json::from_value::<Member>(properties).unwrap().read().kind
    }

    #[test]
    fn group_kinds_follow_the_table() {
        assert_eq!(kind(&["Unified"], Some(true), Some(false)), GroupKind::Microsoft365);
        assert_eq!(kind(&["unified"], Some(true), Some(true)), GroupKind::Microsoft365);
        assert_eq!(kind(&[], Some(false), Some(true)), GroupKind::Security);
        assert_eq!(kind(&[], Some(true), Some(true)), GroupKind::MailEnabledSecurity);
        assert_eq!(kind(&[], Some(true), Some(false)), GroupKind::DistributionList);
        assert_eq!(kind(&[], Some(false), Some(false)), GroupKind::Unrecognised);
        assert_eq!(kind(&["Tomorrow"], None, Some(true)), GroupKind::Unrecognised);
        assert_eq!(group(json!({})).kind, GroupKind::Unrecognised);
    }

    #[test]
    fn a_dynamic_group_is_known_by_its_type() {
        let types = json!({ "groupTypes": ["Unified", "dynamicmembership"] });
        assert_eq!(group(types).membership, Membership::Dynamic);
        assert_eq!(group(json!({ "groupTypes": [] })).membership, Membership::Assigned);
    }

    #[test]
    fn a_visibility_of_tomorrow_counts_as_hidden() {
        let hidden =
            |visibility: Value| group(json!({ "visibility": visibility })).hidden_membership;
        assert!(!hidden(Value::Null) && !hidden(json!("Public")) && !hidden(json!("private")));
        assert!(hidden(json!("HiddenMembership")) && hidden(json!("unknownFutureValue")));
    }

    #[test]
    fn the_origin_of_a_group_is_where_it_is_mastered() {
        let sid = "S-1-5-21-1-2-3-1104";
        let origin = |sync: Value, sid: Value| {
            group(json!({ "onPremisesSyncEnabled": sync, "onPremisesSecurityIdentifier": sid }))
                .origin
        };
        assert_eq!(origin(Value::Null, Value::Null), Origin::Cloud);
        assert_eq!(origin(json!(false), Value::Null), Origin::Cloud);
        let mastered = |sid| Origin::OnPremises(sid);
        assert_eq!(origin(json!(true), json!(sid)), mastered(Sid::parse(sid)));
        assert_eq!(origin(json!(true), json!("?")), mastered(None));
        let converted = Origin::Converted(Sid::parse(sid).unwrap());
        assert_eq!(origin(json!(false), json!(sid)), converted);
        assert_eq!(origin(Value::Null, json!(sid)), converted);
        assert_eq!(origin(Value::Null, json!("?")), Origin::ConvertedUnreadable);
    }

    #[test]
    fn a_flag_that_is_null_is_not_one_that_is_missing() {
        let flag = |mut properties: Value| {
            properties["id"] = json!(ID);
            serde_json::from_value::<Flagged>(properties).unwrap().read()
        };
        assert_eq!(flag(json!({})), None);
        assert_eq!(flag(json!({ "writebackConfiguration": null })), Some(Flag::default()));
        let set = json!({ "writebackConfiguration":
            { "isEnabled": true, "onPremisesGroupType": "UniversalSecurityGroup" } });
        let group_type = Some(OnPremisesGroupType::UniversalSecurity);
        assert_eq!(flag(set), Some(Flag { is_enabled: Some(true), group_type }));
        let odd = json!({ "writebackConfiguration":
            { "isEnabled": null, "onPremisesGroupType": "universalTeapot" } });
        let group_type = Some(OnPremisesGroupType::Unrecognised("universalTeapot".to_owned()));
        assert_eq!(flag(odd), Some(Flag { is_enabled: None, group_type }));
    }

    #[test]
    fn a_member_without_its_witness_is_unreadable_and_not_unlinked() {
        for (kind, witness) in
            [("user", "userPrincipalName"), ("group", "securityEnabled"), ("device", "deviceId")]
        {
            let bare = json!({ "@odata.type": format!("#microsoft.graph.{kind}") });
            assert_eq!(member(bare), MemberKind::Unreadable(witness));
        }
        assert_eq!(member(json!({})), MemberKind::Unreadable("@odata.type"));
    }

    #[test]
    fn member_types_that_have_no_counterpart_are_counted_by_name() {
        let other = |name: &str| member(json!({ "@odata.type": name }));
        let named = |name: &str| MemberKind::Other(name.to_owned());
        assert_eq!(other("#microsoft.graph.servicePrincipal"), named("servicePrincipal"));
        assert_eq!(other("#microsoft.graph.agentIdentity"), named("agentIdentity"));
    }

    #[test]
    fn a_nested_group_with_a_sid_is_on_premises() {
        let nested = |sid: Value, sync: Value| {
            member(json!({ "@odata.type": "#microsoft.graph.group", "securityEnabled": true,
                "onPremisesSecurityIdentifier": sid, "onPremisesSyncEnabled": sync }))
        };
        let mastered = |sid: Option<&str>| {
            let sid = sid.and_then(Sid::parse);
            MemberKind::DirectoryGroup(Link { sid, ..Link::default() })
        };
        let sid = "S-1-5-21-1-2-3-4";
        assert_eq!(nested(Value::Null, Value::Null), MemberKind::Group);
        assert_eq!(nested(json!(sid), Value::Null), mastered(Some(sid)));
        assert_eq!(nested(Value::Null, json!(true)), mastered(None));
    }

    #[test]
    fn a_device_carries_its_registration_id() {
        let device =
            |id: &str| member(json!({ "@odata.type": "#microsoft.graph.device", "deviceId": id }));
        let read = |device_id| MemberKind::Device { device_id, link: Link::default() };
        assert_eq!(device(ID), read(DeviceId::parse(ID)));
        assert_eq!(device("not an id"), read(None));
    }

    #[test]
    fn an_immutable_id_reads_the_directory_byte_order() {
        let guid = ObjectGuid::parse(ID).unwrap();
        let read = link(None, Some("Z0UjAauJ780BI0VniavN7w=="));
        assert_eq!(read, Link { sid: None, immutable_id: Some(guid), malformed: false });
        assert_eq!(link(None, Some("Z0UjAauJ780BI0VniavN7w")).immutable_id, Some(guid));
    }

    #[test]
    fn a_link_that_cannot_be_decoded_is_malformed_and_not_missing() {
        assert!(link(None, Some("employee-17")).malformed);
        assert!(link(None, Some("AAAA")).malformed);
        assert!(link(Some("S-?"), None).malformed);
        assert!(link(None, None).is_empty() && link(Some(""), Some("")).is_empty());
        let good = link(Some("S-1-5-21-1-2-3-4"), Some("employee-17"));
        assert!(good.sid.is_some() && !good.malformed);
    }

    #[test]
    fn an_error_code_is_found_at_any_depth_and_in_any_case() {
        let failure: Failure = serde_json::from_value(json!({ "error": { "code": "badRequest",
            "message": "x", "innererror": { "code": "directory_expiredPageToken" } } }))
        .unwrap();
        assert!(failure.error.is("BadRequest") && failure.error.is("Directory_ExpiredPageToken"));
        assert!(!failure.error.is("x"));
    }

    #[test]
    fn a_page_without_value_is_no_page() {
        for text in ["{}", r#"{"value":null}"#, r#"{"value":{}}"#, "[]"] {
            assert!(serde_json::from_str::<Page<Identity>>(text).is_err(), "{text}");
        }
    }
}

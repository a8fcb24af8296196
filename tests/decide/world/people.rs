//! The members of groups and the accounts that belong to them, by their words.

use writeback::model::cloud::{Link, MemberKind};
use writeback::model::directory::PrincipalClass;
use writeback::model::{CloudMember, DeviceId, ObjectGuid, Principal};

use super::{World, dn, id, object, sid};

const PEOPLE: &str = "OU=People,DC=corp,DC=example";

impl World {
    /// An object of another class or outside our hands that occupies names.
    pub(crate) fn bystander(mut self, cn: &str, sam: &str, container: &str) -> Self {
        let principal = Principal {
            guid: object(cn),
            sid: Some(sid(cn)),
            consistency_guid: None,
            class: PrincipalClass::Other,
            dn: dn(container).child(cn),
            sam_account_name: Some(sam.to_owned()),
            group_type: None,
            primary_group: None,
            device_id: None,
            privileged: false,
        };
        self.domain.accounts.insert(object(cn), principal);
        self
    }

    pub(crate) fn principal(mut self, word: &str, edit: impl FnOnce(&mut Principal)) -> Self {
        let guid = self.account(word);
        edit(self.domain.accounts.get_mut(&guid).expect("the account is there"));
        self
    }

    /// The account of a member's word; made when it is not there.
    pub(crate) fn account(&mut self, member: &str) -> ObjectGuid {
        let (kind, word) = member.split_once(':').unwrap_or(("user", member));
        let class = match kind {
            "device" => PrincipalClass::Computer,
            "onprem" => PrincipalClass::Group,
            _ => PrincipalClass::User,
        };
        self.names.insert(object(word).0, word.to_owned());
        if kind != "group" {
            self.domain.accounts.entry(object(word)).or_insert_with(|| Principal {
                guid: object(word),
                sid: Some(sid(word)),
                consistency_guid: None,
                class,
                dn: dn(PEOPLE).child(word),
                sam_account_name: Some(word.to_owned()),
                group_type: None,
                primary_group: None,
                device_id: None,
                privileged: false,
            });
        }
        object(word)
    }

    /// A cloud member, with its account when it is one that should have one.
    pub(crate) fn member(&mut self, member: &str) -> CloudMember {
        let (kind, word) = member.split_once(':').unwrap_or(("user", member));
        let by_sid = |sid| Link { sid: Some(sid), ..Link::default() };
        let kind = match kind {
            "group" => MemberKind::Group,
            "onprem" => {
                self.account(member);
                MemberKind::DirectoryGroup(by_sid(sid(word)))
            }
            "device" => {
                self.account(member);
                MemberKind::Device {
                    device_id: Some(DeviceId(object(word).0)),
                    link: Link::default(),
                }
            }
            "app" => MemberKind::Other("servicePrincipal".to_owned()),
            "blind" => MemberKind::Unreadable("userPrincipalName"),
            "nolink" => MemberKind::User(Link::default()),
            // A SID that no object has.
            "lost" => MemberKind::User(by_sid(sid(&format!("nobody-{word}")))),
            _ => {
                self.account(member);
                MemberKind::User(by_sid(sid(word)))
            }
        };
        self.names.insert(id(word).0, word.to_owned());
        CloudMember { id: id(word), label: word.to_owned(), kind }
    }
}

//! The objects of the schema container: one attributeSchema for each attribute, one classSchema
//! for each class.
//!
//! Input: the schema as the other rooms know it. Output: what a client reads of it. Relative names
//! are the LDAP display names, but for those that clients look up by name (a real schema says
//! `Is-Member-Of-DL`), and a class lists all it may contain itself, where a real one shares the
//! list with its superclasses and auxiliary classes.

use uuid::Uuid;

use super::super::schema::{Attribute, CLASSES, Class, Origin};
use super::Builder;

/// FLAG_SCHEMA_BASE_OBJECT, FLAG_ATTR_NOT_REPLICATED and FLAG_ATTR_IS_CONSTRUCTED (MS-ADTS
/// 2.2.10).
const BASE_OBJECT: u8 = 0x10;
const NOT_REPLICATED: u8 = 0x1;
const CONSTRUCTED: u8 = 0x4;

fn flag(yes: bool) -> String {
    if yes { "TRUE" } else { "FALSE" }.to_owned()
}

fn attribute_values(attribute: &Attribute) -> Vec<(&'static str, String)> {
    let (syntax, om_syntax) = attribute.wire_syntax();
    let (system_only, flags) = match attribute.origin {
        Origin::Stored | Origin::Link | Origin::Naming => (false, BASE_OBJECT),
        Origin::System => (true, BASE_OBJECT),
        Origin::BackLink(_) => (true, BASE_OBJECT | NOT_REPLICATED),
        Origin::Constructed => (true, BASE_OBJECT | CONSTRUCTED),
    };
    let mut values = vec![
        ("lDAPDisplayName", attribute.name.to_owned()),
        ("isSingleValued", flag(attribute.single)),
        ("attributeSyntax", syntax.to_owned()),
        ("oMSyntax", om_syntax.to_string()),
        ("searchFlags", attribute.search_flags.to_string()),
        ("systemFlags", flags.to_string()),
        ("systemOnly", flag(system_only)),
    ];
    values.extend(attribute.lower.map(|lower| ("rangeLower", lower.to_string())));
    values.extend(attribute.upper.map(|upper| ("rangeUpper", upper.to_string())));
    values.extend(attribute.link.map(|link| ("linkID", link.to_string())));
    values
}

fn class_values(class: &Class) -> Vec<(&'static str, String)> {
    let superclass = class.chain.iter().rev().nth(1).copied().unwrap_or("top");
    vec![
        ("lDAPDisplayName", class.name.to_owned()),
        ("objectClassCategory", "1".to_owned()),
        ("subClassOf", superclass.to_owned()),
        ("rDNAttID", class.naming.to_ascii_lowercase()),
    ]
}

fn octets(names: impl Iterator<Item = &'static str>) -> Vec<Vec<u8>> {
    names.map(|name| name.as_bytes().to_vec()).collect()
}

impl Builder {
    /// Fills the schema container.
    pub(super) fn schema(&mut self, container: Uuid, version: u32) {
        self.tree.rewrite(container, |object| {
            object.attributes.insert("objectVersion", vec![version.to_string().into_bytes()]);
        });
        let attributes: Vec<&'static Attribute> = self.tree.schema.attributes().collect();
        for attribute in &attributes {
            let name = match attribute.name {
                "mailNickname" => "ms-Exch-Mail-Nickname",
                "msExchSchemaVersionPt" => "ms-Exch-Schema-Version-Pt",
                name => name,
            };
            let values = attribute_values(attribute);
            self.put(Some(container), name, "attributeSchema", None, &values);
        }
        let known = |class: &&Class| {
            // The base schema has this one of them.
            class.name == "msExchConfigurationContainer"
                || !class.name.starts_with("msExch")
                || self.tree.schema.attribute("mailNickname").is_some()
        };
        for class in CLASSES.iter().filter(known).collect::<Vec<_>>() {
            let guid =
                self.put(Some(container), class.name, "classSchema", None, &class_values(class));
            let carried = attributes.iter().filter(|attribute| attribute.is_carried_by(class));
            let carried = octets(carried.map(|attribute| attribute.name));
            let category = self.tree.category_name(class.category).into_bytes();
            let auxiliary: &[&'static str] = match class.name {
                "group" | "user" => &["mailRecipient", "securityPrincipal"],
                _ => &[],
            };
            self.tree.rewrite(guid, |object| {
                object.attributes.insert("systemMayContain", carried);
                object.attributes.insert("defaultObjectCategory", vec![category]);
                let above = octets(class.parents.iter().copied());
                for (name, values) in [
                    ("systemPossSuperiors", above),
                    ("systemAuxiliaryClass", octets(auxiliary.iter().copied())),
                ] {
                    if !values.is_empty() {
                        object.attributes.insert(name, values);
                    }
                }
            });
        }
    }
}

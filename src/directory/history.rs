//! Who wrote a value last, as far as the directory remembers: for people who look for the hand
//! that changed a group behind our back.
//!
//! Input: an object and an attribute. Output: one sentence. Active Directory tells it in words
//! (msDS-ReplAttributeMetaData, and msDS-ReplValueMetaData for links); Samba has no such
//! attributes, but keeps the stamps themselves (replPropertyMetaData). The stamp names the domain
//! controller that took the write, never the account: that stands in its security log alone.

use jiff::Timestamp;

use super::client::{Attempts, repeated};
use super::connection::Connection;
use super::deleted::octets;
use super::entry::Entry;
use super::search::Search;
use crate::directory::{Directory, DirectoryError};
use crate::model::{Dn, ObjectGuid};

/// One fragment for each attribute (MS-ADA2; DS_REPL_ATTR_META_DATA_2, MS-DRSR 4.1.13.1.17).
const OF_ATTRIBUTES: &str = "msDS-ReplAttributeMetaData";
/// One fragment for each value of a link (DS_REPL_VALUE_META_DATA_2, MS-DRSR 4.1.13.1.18).
const OF_VALUES: &str = "msDS-ReplValueMetaData";
/// The stamps as they are stored (`replPropertyMetaDataBlob`, drsblobs.idl of Samba).
const STORED: &str = "replPropertyMetaData";
const WHEN_CHANGED: &str = "whenChanged";
/// 1601-01-01, where the directory begins to count seconds, as seconds before 1970 (MS-DTYP 2.3.3).
const BEGINNING: i64 = 11_644_473_600;

/// The stamp of an attribute or of one value (AttributeStamp, MS-DRSR 5.11).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    version: u32,
    at: Timestamp,
    by: Writer,
    /// The value, of a link.
    value: Option<String>,
}

/// The domain controller that took the write.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Writer {
    /// Its NTDS settings object.
    Named(String),
    /// The invocationId of its database.
    Invocation(ObjectGuid),
}

impl Directory {
    /// Who wrote an attribute of an object last, in a sentence for people: version, time and
    /// domain controller; the time alone at which the object changed, where the directory tells
    /// no more. `None` when it tells nothing.
    pub async fn last_writer(&self, object: ObjectGuid, attribute: &str) -> Option<String> {
        self.stamped(object, attribute).await.ok().flatten()
    }

    async fn stamped(
        &self,
        object: ObjectGuid,
        attribute: &str,
    ) -> Result<Option<String>, DirectoryError> {
        let action = format!("read who wrote {attribute} of {}", object.as_dn());
        let search =
            Search::object(object.as_dn(), &["objectGUID", OF_ATTRIBUTES, STORED, WHEN_CHANGED]);
        let entry = repeated!(self.reading().await?.find_object(&action, &search).await);
        let Some(entry) = entry else { return Ok(None) };
        let mut stamp = newest(entry.texts(OF_ATTRIBUTES), attribute);
        if stamp.is_none() && attribute.eq_ignore_ascii_case("member") {
            let values = repeated!(self.reading().await?.values_of(object, OF_VALUES).await);
            stamp = newest(values.iter().map(String::as_str), attribute);
        }
        if stamp.is_none()
            && let Some(stored) = entry.values(STORED).first()
        {
            let schema = &self.schema;
            let id = repeated!(self.reading().await?.attribute_id(schema, attribute).await);
            stamp = id.and_then(|id| stored_stamp(stored, id));
        }
        let Some(stamp) = stamp else { return Ok(changed(&entry)) };
        let by = match stamp.by {
            Writer::Named(ref dn) => dn.clone(),
            Writer::Invocation(id) => {
                let schema = &self.schema;
                let name = repeated!(self.reading().await?.server_of(schema, id).await);
                name.unwrap_or_else(|| format!("the domain controller with invocationId {id}"))
            }
        };
        let of = stamp.value.map(|value| format!("{value}: ")).unwrap_or_default();
        Ok(Some(format!("{of}version {}, last written {} on {by}", stamp.version, stamp.at)))
    }
}

impl Connection {
    /// The number by which stamps name an attribute (ATTRTYP, MS-DRSR 5.16.4).
    async fn attribute_id(
        &mut self,
        schema: &str,
        name: &str,
    ) -> Result<Option<u32>, DirectoryError> {
        let action = format!("look for {name} in the schema");
        let name = ldap3::ldap_escape(name);
        let filter = format!("(&(objectClass=attributeSchema)(lDAPDisplayName={name}))");
        let search = Search::subtree(schema, &filter, &["attributeID", "msDS-IntId"]);
        let found = self.find(&action, &search).await?;
        Ok(found.first().and_then(|entry| {
            let own = entry.number::<i32>("msDS-IntId").map(i32::cast_unsigned);
            own.or_else(|| number_of(entry.text("attributeID")?))
        }))
    }

    /// The settings object of the domain controller with this invocationId.
    async fn server_of(
        &mut self,
        schema: &str,
        invocation: ObjectGuid,
    ) -> Result<Option<String>, DirectoryError> {
        // The schema stands below the configuration (MS-ADTS 6.1.1.1).
        let Some(configuration) = Dn::parse(schema).ok().and_then(|dn| dn.parent()) else {
            return Ok(None);
        };
        let filter = format!("(&(objectClass=nTDSDSA)(invocationId={}))", octets(invocation));
        let search = Search::subtree(configuration.to_string(), &filter, &["invocationId"]);
        let found = self.find("look for a domain controller", &search).await?;
        Ok(found.first().map(|entry| entry.dn_text().to_owned()))
    }
}

/// When the object changed, whatever of it did.
fn changed(entry: &Entry) -> Option<String> {
    let text = entry.text(WHEN_CHANGED)?;
    let at = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S.0Z", text).ok()?;
    let at = at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Some(format!("the object was last changed {at}; the directory does not tell where"))
}

/// The newest stamp of an attribute among fragments of XML.
fn newest<'t>(fragments: impl Iterator<Item = &'t str>, attribute: &str) -> Option<Stamp> {
    let stamps = fragments.filter_map(|fragment| told_stamp(fragment, attribute));
    stamps.max_by_key(|stamp| stamp.at)
}

/// What a fragment of XML tells, if it is about this attribute.
fn told_stamp(fragment: &str, attribute: &str) -> Option<Stamp> {
    if !element(fragment, "pszAttributeName")?.eq_ignore_ascii_case(attribute) {
        return None;
    }
    let by = element(fragment, "pszLastOriginatingDsaDN").filter(|dn| !dn.is_empty());
    let by = by.map(Writer::Named).or_else(|| {
        let id = element(fragment, "uuidLastOriginatingDsaInvocationID")?;
        ObjectGuid::parse(&id).map(Writer::Invocation)
    })?;
    Some(Stamp {
        version: element(fragment, "dwVersion")?.parse().ok()?,
        at: element(fragment, "ftimeLastOriginatingChange")?.parse().ok()?,
        by,
        value: element(fragment, "pszObjectDn"),
    })
}

/// The text of an element. The fragments have one level and no attributes.
fn element(fragment: &str, name: &str) -> Option<String> {
    let (_, rest) = fragment.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let text = text.trim();
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    Some(plain.iter().fold(text.to_owned(), |text, (entity, own)| text.replace(entity, own)))
}

/// The stamp of an attribute among the stored ones: version 1, their number, then 48 octets each
/// (attribute, version, seconds, invocationId, two update sequence numbers).
fn stored_stamp(octets: &[u8], attribute: u32) -> Option<Stamp> {
    const HEAD: usize = 16;
    const STAMP: usize = 48;
    let (head, stamps) = octets.split_at_checked(HEAD)?;
    let (version, head) = head.split_first_chunk::<4>()?;
    let count = head.get(4..)?.first_chunk::<4>()?;
    let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
    if u32::from_le_bytes(*version) != 1 || stamps.len() < count.checked_mul(STAMP)? {
        return None;
    }
    stamps.chunks_exact(STAMP).take(count).find_map(|stamp| {
        let (id, rest) = stamp.split_first_chunk::<4>()?;
        let (version, rest) = rest.split_first_chunk::<4>()?;
        let (seconds, rest) = rest.split_first_chunk::<8>()?;
        let seconds = i64::from_le_bytes(*seconds).checked_sub(BEGINNING)?;
        let invocation = ObjectGuid::from_directory_bytes(rest.get(..16)?)?;
        (u32::from_le_bytes(*id) == attribute).then_some(Stamp {
            version: u32::from_le_bytes(*version),
            at: Timestamp::from_second(seconds).ok()?,
            by: Writer::Invocation(invocation),
            value: None,
        })
    })
}

/// The number of an attribute whose object identifier starts with one of the prefixes that every
/// forest has (MS-DRSR 5.12.2, the prefixes of the base schema).
fn number_of(identifier: &str) -> Option<u32> {
    const PREFIXES: [(&str, u32); 3] =
        [("2.5.4", 0), ("1.2.840.113556.1.2", 2), ("1.2.840.113556.1.4", 9)];
    let (prefix, last) = identifier.rsplit_once('.')?;
    let (_, place) = PREFIXES.into_iter().find(|(known, _)| *known == prefix)?;
    // Above 16,383 the last part does not fit into its half of the number as it is.
    let last = last.parse::<u32>().ok().filter(|last| *last < 0x4000)?;
    Some((place << 16) | last)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// As a Windows domain controller sends it, the zero octet at its end with it.
    const FRAGMENT: &str = "<DS_REPL_ATTR_META_DATA>\n\
        \t<pszAttributeName>description</pszAttributeName>\n\
        \t<dwVersion>14</dwVersion>\n\
        \t<ftimeLastOriginatingChange>2026-11-22T10:00:00Z</ftimeLastOriginatingChange>\n\
        \t<uuidLastOriginatingDsaInvocationID>01234567-89ab-cdef-0123-456789abcdef\
        </uuidLastOriginatingDsaInvocationID>\n\
        \t<usnOriginatingChange>1</usnOriginatingChange>\n\
        \t<usnLocalChange>1</usnLocalChange>\n\
        \t<pszLastOriginatingDsaDN>CN=NTDS Settings,CN=R&amp;D,DC=x</pszLastOriginatingDsaDN>\n\
        </DS_REPL_ATTR_META_DATA>\n\0";

    #[test]
    fn a_fragment_tells_version_time_and_domain_controller() {
        let stamp = told_stamp(FRAGMENT, "Description").unwrap();
        assert_eq!(stamp.version, 14);
        assert_eq!(stamp.at.to_string(), "2026-11-22T10:00:00Z");
        assert_eq!(stamp.by, Writer::Named("CN=NTDS Settings,CN=R&D,DC=x".to_owned()));
        assert_eq!(told_stamp(FRAGMENT, "mail"), None);
    }

    #[test]
    fn a_domain_controller_that_is_gone_is_told_by_its_invocation() {
        let (head, _) = FRAGMENT.split_once("\t<pszLastOriginatingDsaDN>").unwrap();
        let id = ObjectGuid::parse("01234567-89ab-cdef-0123-456789abcdef").unwrap();
        assert_eq!(told_stamp(head, "description").unwrap().by, Writer::Invocation(id));
    }

    #[test]
    fn the_newest_of_several_values_counts() {
        let newer = FRAGMENT.replace("2026-11-22", "2026-11-23").replace("14", "2");
        let older = FRAGMENT.replace("2026-11-22", "2026-11-21");
        let all = [older.as_str(), newer.as_str(), FRAGMENT];
        assert_eq!(newest(all.into_iter(), "description").unwrap().version, 2);
    }

    #[test]
    fn stored_stamps_are_read_as_samba_keeps_them() {
        // Two of the stamps of Domain Admins in a fresh Samba domain: objectClass, description.
        let blob = "AQAAAAAAAAACAAAAAAAAAAAAAAABAAAAPakTIQMAAAAIRikhWplJToTq62g4Mky2EQ8AAAAAAAARDw\
                    AAAAAAAA0AAAABAAAAPakTIQMAAAAIRikhWplJToTq62g4Mky2EQ8AAAAAAAARDwAAAAAAAA==";
        let octets = STANDARD.decode(blob).unwrap();
        let stamp = stored_stamp(&octets, number_of("2.5.4.13").unwrap()).unwrap();
        assert_eq!(stamp.version, 1);
        assert_eq!(stamp.at.to_string(), "2026-11-22T16:28:45Z");
        assert_eq!(stored_stamp(&octets, number_of("1.2.840.113556.1.2.13").unwrap()), None);
        assert_eq!(stored_stamp(octets.get(..100).unwrap(), 13), None);
        assert_eq!(stored_stamp(&[], 13), None);
    }

    #[test]
    fn attributes_are_numbered_as_the_prefixes_of_the_base_schema_say() {
        assert_eq!(number_of("2.5.4.31"), Some(0x1f));
        assert_eq!(number_of("1.2.840.113556.1.2.13"), Some(0x2_000d));
        assert_eq!(number_of("1.2.840.113556.1.4.750"), Some(0x9_02ee));
        assert_eq!(number_of("1.3.6.1.4.1.1"), None);
    }
}

//! The tenant's own settings for groups, as far as writeback asks for them.
//!
//! Input: nothing. Output: whether new Microsoft 365 groups are written back by default
//! (learn.microsoft.com/entra/identity/users/groups-settings-cmdlets, template `Group.Unified`).

use jiff::Timestamp;
use serde::Deserialize;

use crate::graph::{Endpoint, Tenant, pages};
use crate::model::cloud::Unread;

/// The setting that holds the default.
const GROUP_UNIFIED: &str = "Group.Unified";
/// The value in it.
const DEFAULT: &str = "NewUnifiedGroupWritebackDefault";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Setting {
    display_name: Option<String>,
    #[serde(default)]
    values: Vec<NamedValue>,
}

#[derive(Debug, Deserialize)]
struct NamedValue {
    name: Option<String>,
    value: Option<String>,
}

impl Tenant {
    /// Whether the tenant writes back new Microsoft 365 groups whose flag is null.
    ///
    /// | setting `Group.Unified` | its value | answer |
    /// |---|---|---|
    /// | absent | | yes |
    /// | there | absent, empty, `true` | yes |
    /// | there | `false` | no |
    /// | there | anything else | unread |
    pub async fn new_groups(&self, at: Timestamp) -> Result<bool, Unread> {
        let endpoint = Endpoint::GroupSettings;
        let url = self.client.url("v1.0/groupSettings", "$select=id,displayName,values");
        let listed = pages::whole::<Setting>(&self.client, endpoint, url, at).await;
        let listed = listed.map_err(|error| error.unread())?;
        default_of(listed.value())
    }
}

fn default_of(settings: &[Setting]) -> Result<bool, Unread> {
    let is = |text: &Option<String>, name: &str| {
        text.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(name))
    };
    let setting = settings.iter().find(|setting| is(&setting.display_name, GROUP_UNIFIED));
    let values = setting.into_iter().flat_map(|setting| &setting.values);
    let mut values = values.filter(|value| is(&value.name, DEFAULT));
    let text = values.next().and_then(|value| value.value.as_deref()).unwrap_or_default().trim();
    if text.is_empty() || text.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if text.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        let reason = format!("the setting {DEFAULT} is {text:?}, neither true nor false");
        Err(Unread { reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_groups_are_written_unless_the_tenant_says_false() {
        let unified = |value: &str| {
            format!(
                r#"[{{"displayName":"Group.Unified.Guest","values":[]}},
                    {{"displayName":"Group.Unified","values":[
                        {{"name":"EnableGroupCreation","value":"false"}}{value}]}}]"#
            )
        };
        let entry = |value: &str| {
            unified(&format!(r#",{{"name":"NewUnifiedGroupWritebackDefault","value":{value}}}"#))
        };
        for (text, expected) in [
            ("[]".to_owned(), Some(true)),
            (unified(""), Some(true)),
            (entry("null"), Some(true)),
            (entry("\"\""), Some(true)),
            (entry("\"True\""), Some(true)),
            (entry("\"false\""), Some(false)),
            (entry("\"FALSE\""), Some(false)),
            (entry("\"never\""), None),
        ] {
            let settings: Vec<Setting> = serde_json::from_str(&text).unwrap();
            assert_eq!(default_of(&settings).ok(), expected, "{text}");
        }
    }
}

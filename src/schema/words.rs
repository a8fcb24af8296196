//! Single values of the documents: what a text must look like.
//!
//! Used by the documents' types. The patterns refuse only what the readers refuse, too; the
//! readers know more, such as whether a name lies inside the containers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of every document.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The one version there is.
    #[serde(rename = "writeback/v1alpha1")]
    V1Alpha1,
}

macro_rules! word {
    ($(#[$meta:meta])* $name:ident) => {
        #[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
        $(#[$meta])*
        #[serde(transparent)]
        #[schemars(inline)]
        pub struct $name(String);
    };
}

word! {
    /// A text that is not blank.
    #[schemars(title = "text")]
    #[schemars(extend("pattern" = r"\S"))]
    Text
}
word! {
    /// 1 to 50 characters of a-z, 0-9 and -.
    #[schemars(title = "name")]
    #[schemars(extend("pattern" = "^[a-z0-9-]{1,50}$", "examples" = ["finance"]))]
    Name
}
word! {
    /// An id of the tenant: 32 hexadecimal digits with dashes.
    #[schemars(title = "id")]
    #[schemars(extend(
        "pattern" = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$",
        "examples" = ["0c0ffee0-1111-4222-8333-444444444444"],
    ))]
    Id
}
word! {
    /// A distinguished name in full (RFC 4514), in single quotes.
    #[schemars(title = "DN")]
    #[schemars(extend(
        "pattern" = "=",
        "examples" = ["OU=Applications,OU=Cloud Groups,DC=corp,DC=example"],
    ))]
    Dn
}
word! {
    /// A regular expression (docs.rs/regex), found anywhere unless anchored.
    #[schemars(title = "pattern")]
    #[schemars(extend("pattern" = r"\S", "examples" = ["^APP-"]))]
    Pattern
}
word! {
    /// A condition (CEL) over the cloud group.
    #[schemars(title = "condition (CEL)")]
    #[schemars(extend(
        "pattern" = r"\S",
        "examples" = ["group.mailNickname.startsWith('app-')"],
        "maxLength" = 4096,
    ))]
    Condition
}
word! {
    /// An expression (CEL) over the cloud group that gives a text.
    #[schemars(title = "text (CEL)")]
    #[schemars(extend(
        "pattern" = r"\S",
        "examples" = ["'app-' + group.mailNickname"],
        "maxLength" = 4096,
    ))]
    TextExpression
}
word! {
    /// One whole number and one unit: `30s`, `10m`, `6h`, `1d`.
    #[schemars(title = "duration")]
    #[schemars(extend("pattern" = "^[0-9]+[smhd]$", "examples" = ["1h"]))]
    Duration
}
word! {
    /// A path; a relative one starts at the folder of the configuration.
    #[schemars(title = "path")]
    #[schemars(extend("pattern" = r"\S", "examples" = ["/etc/writeback/file"]))]
    Path
}
word! {
    /// The address of a host: scheme, host and port, nothing else.
    #[schemars(title = "`https://host[:port]`")]
    #[schemars(extend(
        "pattern" = r"^[Hh][Tt][Tt][Pp][Ss]:[/\\]{2}[^/\\?#@]+[/\\]?$",
        "examples" = ["https://graph.example"],
    ))]
    HttpsHost
}
word! {
    /// An IP address and a port.
    #[schemars(title = "`address:port`")]
    #[schemars(extend("pattern" = r"^.+:[0-9]{1,5}$", "examples" = ["127.0.0.1:9470"]))]
    ListenAddress
}
word! {
    /// A SHA-256 digest in hexadecimal digits.
    #[schemars(title = "digest")]
    #[schemars(extend("pattern" = "^[0-9a-f]{64}$"))]
    Sha256
}
word! {
    /// A moment (RFC 3339); what programs read is in UTC.
    #[schemars(title = "time")]
    #[schemars(extend("format" = "date-time", "examples" = ["2026-03-01T17:00:00Z"]))]
    Moment
}
word! {
    /// At least 12 of the 64 hexadecimal digits of a digest.
    #[schemars(title = "digest")]
    #[schemars(extend(
        "pattern" = "^[0-9A-Fa-f]{12,64}$",
        "examples" = ["3f1c0a77e9b24d55"],
    ))]
    HeldDigest
}

//! The Samba domain controller that `tests/run` starts, as an administrator works with it.
//!
//! Comes from: the folder that `WRITEBACK_LAB` names, with its `env` and `users.tsv`. Everything
//! is read and changed with OpenLDAP's tools through `tests/lab/lab`, and the LDIF is parsed
//! here: what the product wrote is never read back by code of the product.

#[path = "lab/fixtures.rs"]
pub mod fixtures;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use uuid::Uuid;

/// A running lab.
#[derive(Debug)]
pub struct Lab {
    folder: PathBuf,
    settings: BTreeMap<String, String>,
    /// The users that the lab made, in the order of their names.
    pub users: Vec<User>,
}

/// A user of the lab: `p0001` and so on.
#[derive(Clone, Debug)]
pub struct User {
    /// objectSid as text.
    pub sid: String,
    /// objectGUID.
    pub guid: Uuid,
    /// Distinguished name.
    pub dn: String,
}

/// One object as ldapsearch prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Distinguished name as the server spells it.
    pub dn: String,
    /// Octets of all values, by attribute as the server spells it.
    pub attributes: BTreeMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    /// The values that are text.
    pub fn texts(&self) -> BTreeMap<String, Vec<String>> {
        let text = |values: &Vec<Vec<u8>>| -> Option<Vec<String>> {
            values.iter().map(|value| String::from_utf8(value.clone()).ok()).collect()
        };
        let attributes = self.attributes.iter();
        attributes.filter_map(|(name, values)| Some((name.clone(), text(values)?))).collect()
    }

    /// The first value of an attribute, as text.
    pub fn text(&self, name: &str) -> Option<String> {
        String::from_utf8(self.attributes.get(name)?.first()?.clone()).ok()
    }

    /// objectGUID (MS-DTYP 2.3.4.2: the first three fields are little-endian).
    pub fn guid(&self) -> Uuid {
        let octets = &self.attributes["objectGUID"][0];
        Uuid::from_bytes_le(octets.as_slice().try_into().unwrap())
    }

    /// The octets of objectSid.
    pub fn sid(&self) -> &[u8] {
        &self.attributes["objectSid"][0]
    }
}

impl Lab {
    /// The lab of this run of the tests.
    pub fn here() -> Self {
        Self::named_in("WRITEBACK_LAB")
    }

    /// The lab that is prepared for everything: where there is none, that of this run.
    #[expect(clippy::disallowed_methods, reason = "tests/run names the labs in the environment")]
    pub fn prepared() -> Self {
        const SMALL: &str = "WRITEBACK_LAB_SMALL";
        let is_there = std::env::var(SMALL).is_ok_and(|folder| !folder.is_empty());
        if is_there { Self::named_in(SMALL) } else { Self::here() }
    }

    /// The lab whose folder an environment variable names: a second domain runs beside the first.
    #[expect(clippy::disallowed_methods, reason = "tests/run names the labs in the environment")]
    pub fn named_in(variable: &str) -> Self {
        let folder = std::env::var(variable).unwrap_or_default();
        assert!(
            !folder.is_empty(),
            "no Samba domain controller: run `tests/run`, which starts one and names it in \
             {variable}"
        );
        Self::at(Path::new(&folder))
    }

    fn at(folder: &Path) -> Self {
        let read = |name: &str| {
            fs::read_to_string(folder.join(name))
                .unwrap_or_else(|error| panic!("{} holds no {name}: {error}", folder.display()))
        };
        let settings = read("env")
            .lines()
            .map(|line| {
                let (name, value) = line.split_once('=').unwrap();
                (name.to_owned(), value.trim_matches('\'').to_owned())
            })
            .collect();
        let users = read("users.tsv")
            .lines()
            .map(|line| {
                let fields: Vec<&str> = line.split('\t').collect();
                let [_, sid, guid, dn] = fields[..] else { panic!("users.tsv: {line}") };
                User { sid: sid.to_owned(), guid: guid.parse().unwrap(), dn: dn.to_owned() }
            })
            .collect();
        Self { folder: folder.to_owned(), settings, users }
    }

    /// A value of `env`, such as `LAB_URL`.
    pub fn setting(&self, name: &str) -> &str {
        &self.settings[name]
    }

    /// The content of a file that a value of `env` names.
    pub fn file(&self, setting: &str) -> String {
        fs::read_to_string(self.setting(setting)).unwrap()
    }

    /// Makes sure of `OU=name`, delegated, and of `OU=name-outside`, not delegated, both without
    /// anything in them: a lab may have seen this test before. Gives both DNs.
    pub fn empty_ous(&self, name: &str) -> (String, String) {
        let inside = self.run(&["ou"], &[name], "").trim().to_owned();
        let outside = inside.replacen(name, &format!("{name}-outside"), 1);
        for ou in [&inside, &outside] {
            let mut below: Vec<String> = self
                .search(ou, "sub", "(objectClass=*)", &["1.1"])
                .into_iter()
                .map(|e| e.dn)
                .collect();
            below.retain(|dn| dn != ou);
            // Children stand after their parents in no certain order: the longest name goes first.
            below.sort_by_key(|dn| std::cmp::Reverse(dn.len()));
            let changes: Vec<String> =
                below.iter().map(|dn| format!("{}changetype: delete\n", head(dn))).collect();
            if !changes.is_empty() {
                self.change("modify", &changes.join("\n"));
            }
        }
        (inside, outside)
    }

    /// Everything an administrator can read of some objects.
    pub fn search(&self, base: &str, scope: &str, filter: &str, attributes: &[&str]) -> Vec<Entry> {
        let mut arguments = vec!["-b", base, "-s", scope, filter];
        arguments.extend_from_slice(attributes);
        parse(&self.run(&["search"], &arguments, ""))
    }

    /// The groups below a container, by DN.
    pub fn groups(&self, container: &str) -> Vec<Entry> {
        let mut found = self.search(container, "sub", "(objectClass=group)", &["*"]);
        found.sort_by(|a, b| a.dn.cmp(&b.dn));
        found
    }

    /// One object, byte for byte: every attribute, its security descriptor and its numbers of
    /// change with them.
    pub fn whole(&self, dn: &str) -> String {
        let attributes = ["*", "nTSecurityDescriptor", "uSNChanged", "whenChanged"];
        let mut arguments = vec!["-b", dn, "-s", "base", "(objectClass=*)"];
        arguments.extend(attributes);
        let mut lines: Vec<String> =
            self.run(&["search"], &arguments, "").lines().map(str::to_owned).collect();
        // Attributes come in no promised order.
        lines.sort();
        assert!(lines.iter().any(|line| line.starts_with("uSNChanged: ")), "{dn}: {lines:?}");
        lines.join("\n")
    }

    /// Adds a group; gives its DN.
    pub fn add_group(
        &self,
        parent: &str,
        name: &str,
        account_name: &str,
        group_type: i32,
        more: &[(&str, &str)],
    ) -> String {
        let dn = child(name, parent);
        let mut ldif = format!("{}objectClass: group\n", head(&dn));
        let kind = group_type.to_string();
        for (name, value) in [("sAMAccountName", account_name), ("groupType", &kind)]
            .into_iter()
            .chain(more.iter().copied())
        {
            ldif.push_str(&line(name, value));
        }
        self.change("add", &ldif);
        dn
    }

    /// Adds an organizational unit; gives its DN.
    pub fn add_ou(&self, name: &str, parent: &str) -> String {
        let dn = format!("OU={name},{parent}");
        self.change("add", &format!("{}objectClass: organizationalUnit\n", head(&dn)));
        dn
    }

    /// Gives an object another common name in its place; gives its new DN.
    pub fn rename(&self, dn: &str, name: &str) -> String {
        let to = child(name, parent_of(dn));
        let relative = line("newrdn", leaf_of(&to));
        self.change(
            "modify",
            &format!("{}changetype: modrdn\n{relative}deleteoldrdn: 1\n", head(dn)),
        );
        to
    }

    /// Puts an object below another parent; gives its new DN.
    pub fn move_to(&self, dn: &str, parent: &str) -> String {
        let (relative, above) = (line("newrdn", leaf_of(dn)), line("newsuperior", parent));
        self.change(
            "modify",
            &format!("{}changetype: modrdn\n{relative}deleteoldrdn: 1\n{above}", head(dn)),
        );
        format!("{},{parent}", leaf_of(dn))
    }

    /// Adds one value.
    pub fn add_value(&self, dn: &str, name: &str, value: &str) {
        self.one_value(dn, "add", name, value);
    }

    /// Removes one value.
    pub fn remove_value(&self, dn: &str, name: &str, value: &str) {
        self.one_value(dn, "delete", name, value);
    }

    /// Gives an attribute this value alone.
    pub fn replace_value(&self, dn: &str, name: &str, value: &str) {
        self.one_value(dn, "replace", name, value);
    }

    fn one_value(&self, dn: &str, verb: &str, name: &str, value: &str) {
        let value = line(name, value);
        self.change(
            "modify",
            &format!("{}changetype: modify\n{verb}: {name}\n{value}-\n", head(dn)),
        );
    }

    /// Sends LDIF as administrator with `lab add` or `lab modify`.
    pub fn change(&self, command: &str, ldif: &str) {
        self.run(&[command], &[], ldif);
    }

    fn run(&self, command: &[&str], arguments: &[&str], input: &str) -> String {
        let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab");
        let mut child = Command::new(tool)
            .args(command)
            .arg(&self.folder)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let text = input.to_owned();
        // A thread of its own: nobody waits for the other with full pipes.
        let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
        let output = child.wait_with_output().unwrap();
        // A command that reads no input may have closed it; what it says of itself counts.
        let _written = writer.join().unwrap();
        assert!(
            output.status.success(),
            "lab {command:?} {arguments:?}: {}\n{input}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }
}

/// The DN line of an LDIF record (RFC 2849), always in base64.
fn head(dn: &str) -> String {
    line("dn", dn)
}

fn line(name: &str, value: impl AsRef<[u8]>) -> String {
    format!("{name}:: {}\n", BASE64.encode(value))
}

/// `CN=name,parent`, with the characters escaped that RFC 4514 2.4 names, and the equals sign, which
/// it allows and Samba (ldb) asks for.
pub fn child(name: &str, parent: &str) -> String {
    let last = name.chars().count().saturating_sub(1);
    let mut escaped = String::new();
    for (place, character) in name.chars().enumerate() {
        let edge =
            (place == 0 && matches!(character, ' ' | '#')) || (place == last && character == ' ');
        if edge || matches!(character, '"' | '+' | ',' | ';' | '<' | '=' | '>' | '\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    format!("CN={escaped},{parent}")
}

/// Where the first relative name of a DN ends: at its first comma without a backslash.
fn cut(dn: &str) -> usize {
    let mut escaped = false;
    for (place, octet) in dn.bytes().enumerate() {
        match octet {
            b',' if !escaped => return place,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    dn.len()
}

/// The first relative name of a DN, as it is spelt.
pub fn leaf_of(dn: &str) -> &str {
    &dn[..cut(dn)]
}

/// The DN without its first relative name.
pub fn parent_of(dn: &str) -> &str {
    dn.get(cut(dn) + 1..).unwrap_or_default()
}

/// Reads what ldapsearch prints with wrapping off: `name: text`, `name:: base64`, an empty line
/// after each record; `ref` records name other servers and are no objects.
fn parse(ldif: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    for record in ldif.split("\n\n") {
        let mut dn = None;
        let mut attributes: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        for text in record.lines().filter(|text| !text.is_empty() && !text.starts_with('#')) {
            assert!(!text.starts_with(' '), "a wrapped line: {text}");
            let (name, rest) = text.split_once(':').unwrap_or_else(|| panic!("LDIF: {text}"));
            let value = match rest.strip_prefix(':') {
                Some(encoded) => BASE64.decode(encoded.trim_start()).unwrap(),
                None => rest.strip_prefix(' ').unwrap_or(rest).as_bytes().to_vec(),
            };
            if name == "dn" {
                dn = Some(String::from_utf8(value).unwrap());
            } else {
                attributes.entry(name.to_owned()).or_default().push(value);
            }
        }
        entries.extend(dn.map(|dn| Entry { dn, attributes }));
    }
    entries
}

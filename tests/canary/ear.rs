//! Hears a canary in any text, whatever it was wrapped into on its way.
//!
//! Input: secrets. Output: a failed test that names the secret and the place, never the secret.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use url::form_urlencoded::byte_serialize;

/// Shorter parts stand in texts by chance.
const SHORTEST: usize = 8;

/// The secrets of one run, in every form in which they could come out.
#[derive(Default)]
pub struct Ear {
    forms: Vec<(String, String)>,
    /// Secrets that are no text, as they are.
    octets: Vec<(String, Vec<u8>)>,
}

impl Ear {
    /// Listens for one more secret.
    pub fn learn(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= SHORTEST, "{name} is too short to be heard");
        for form in forms(secret) {
            self.forms.push((name.to_owned(), form));
        }
    }

    /// Listens for every line of a private key: one of them is enough to lose it.
    pub fn learn_key(&mut self, name: &str, pem: &str) {
        for line in pem.lines().filter(|line| !line.starts_with("-----")) {
            if line.len() >= SHORTEST {
                self.learn(name, line);
            }
        }
    }

    /// Listens for a secret that is no text, such as a key of a keytab.
    pub fn learn_octets(&mut self, name: &str, secret: &[u8]) {
        assert!(secret.len() >= SHORTEST, "{name} is too short to be heard");
        let hexadecimal = hexadecimal(secret);
        let listed = |open: &str| open.trim_matches(['[', ']']).to_owned();
        let mut forms = BTreeSet::from([
            hexadecimal.to_uppercase(),
            hexadecimal,
            // As `Debug` and JSON write octets, and what is left of them where they pass for text.
            listed(&format!("{secret:?}")),
            listed(&serde_json::to_string(secret).unwrap()),
            String::from_utf8_lossy(secret).into_owned(),
        ]);
        forms.extend(in_base64(secret));
        self.forms.extend(forms.into_iter().map(|form| (name.to_owned(), form)));
        self.octets.push((name.to_owned(), secret.to_owned()));
    }

    /// Listens for the claims and the signature of a token; its header is no secret.
    pub fn learn_token(&mut self, name: &str, token: &str) {
        for part in token.split('.').skip(1) {
            self.learn(name, part);
        }
    }

    /// The secret that is in this text.
    pub fn hears(&self, text: &str) -> Option<&str> {
        let found = self.forms.iter().find(|(_, form)| text.contains(form));
        // Access tokens are made while the test runs. Every one of them starts so: `{"` in base64,
        // and its first claim `alg` or `typ`.
        let token = ["eyJhbGciO", "eyJ0eXAiO"].into_iter().any(|start| text.contains(start));
        found.map(|(name, _)| name.as_str()).or(token.then_some("a token"))
    }

    /// Holds that there is none.
    #[track_caller]
    pub fn check(&self, place: &str, text: &str) {
        if let Some(name) = self.hears(text) {
            panic!("{name} is in {place}");
        }
    }

    /// The same of a file's octets.
    #[track_caller]
    pub fn check_octets(&self, place: &str, octets: &[u8]) {
        // Every form is ASCII, which stands in text of any encoding as it is; what is none of it
        // becomes another character and parts nothing that belongs together.
        self.check(place, &String::from_utf8_lossy(octets));
        if let Some(name) = self.hears_octets(octets) {
            panic!("{name} is in {place}");
        }
    }

    /// The secret that is no text and stands among these octets as it is.
    fn hears_octets(&self, octets: &[u8]) -> Option<&str> {
        let stands = |secret: &[u8]| {
            let starts = octets.iter().enumerate().filter(|(_, octet)| **octet == secret[0]);
            starts.into_iter().any(|(start, _)| octets[start..].starts_with(secret))
        };
        let found = self.octets.iter().find(|(_, secret)| stands(secret));
        found.map(|(name, _)| name.as_str())
    }
}

/// A text as it is, in base64 at each of the three places at which it can begin in a longer text,
/// in a form (WHATWG URL 5.2), in JSON, as `Debug` writes it, in hexadecimal.
fn forms(secret: &str) -> BTreeSet<String> {
    let trimmed = |text: String| text.trim_matches('"').to_owned();
    let mut found = BTreeSet::from([
        secret.to_owned(),
        byte_serialize(secret.as_bytes()).collect(),
        trimmed(serde_json::to_string(secret).unwrap()),
        trimmed(format!("{secret:?}")),
    ]);
    found.insert(hexadecimal(secret.as_bytes()));
    found.extend(in_base64(secret.as_bytes()));
    found
}

fn hexadecimal(octets: &[u8]) -> String {
    let mut text = String::new();
    for octet in octets {
        write!(text, "{octet:02x}").unwrap();
    }
    text
}

/// In both alphabets, at each of the three places at which it can begin in a longer text.
fn in_base64(secret: &[u8]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for before in 0..3 {
        let mut octets = vec![0; before];
        octets.extend(secret);
        // Six bits a character: those that hold bits of a neighbour are cut off.
        let (first, last) = ((before * 8).div_ceil(6), octets.len() * 8 / 6);
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            found.insert(engine.encode(&octets)[first..last].to_owned());
        }
    }
    found
}

#[test]
fn a_canary_is_heard_in_every_form() {
    let secret = "s3cr~t/with \"odd\" ch+racters";
    let mut ear = Ear::default();
    ear.learn("the secret", secret);
    let wrapped = |text: &str| format!("user:{text}:x");
    for heard in [
        format!("it is {secret}."),
        STANDARD_NO_PAD.encode(secret),
        STANDARD_NO_PAD.encode(wrapped(secret)),
        URL_SAFE_NO_PAD.encode(format!("1{}", wrapped(secret))),
        STANDARD_NO_PAD.encode(format!("22{}", wrapped(secret))),
        format!("client_secret={}&x=y", byte_serialize(secret.as_bytes()).collect::<String>()),
        serde_json::json!({ "secret": secret }).to_string(),
        format!("{:?}", Some(secret)),
    ] {
        assert_eq!(ear.hears(&heard), Some("the secret"), "{heard}");
        ear.check_octets_is_loud(heard.as_bytes());
    }
    assert_eq!(ear.hears("Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln"), Some("a token"));
    assert_eq!(ear.hears("s3cr~t is only a part of it"), None);
}

#[test]
fn a_canary_that_is_no_text_is_heard_in_every_form() {
    let secret = [0x9c, 0x00, 0xf1, 0x0a, 0x80, 0xfe, 0x41, 0x42, 0xc3, 0x28];
    let mut ear = Ear::default();
    ear.learn_octets("the key", &secret);
    let wrapped = [&[0x05, 0x02][..], &secret, &[0x00]].concat();
    for heard in [
        STANDARD_NO_PAD.encode(&wrapped),
        URL_SAFE_NO_PAD.encode(&wrapped[1..]),
        STANDARD_NO_PAD.encode(secret),
        hexadecimal(&wrapped),
        hexadecimal(&wrapped).to_uppercase(),
        format!("{wrapped:?}"),
        serde_json::json!({ "keytab": &wrapped[..] }).to_string(),
        String::from_utf8_lossy(&wrapped).into_owned(),
    ] {
        assert_eq!(ear.hears(&heard), Some("the key"), "{heard}");
    }
    assert_eq!(ear.hears_octets(&wrapped), Some("the key"));
    assert_eq!(ear.hears_octets(&wrapped[..11]), None);
    assert_eq!(ear.hears("9c00f10a80fe4142"), None);
}

impl Ear {
    fn check_octets_is_loud(&self, octets: &[u8]) {
        let surrounded = [&[0, 0xff, 0xfe][..], octets, &[0xc3, 0]].concat();
        assert!(self.hears(&String::from_utf8_lossy(&surrounded)).is_some());
    }
}

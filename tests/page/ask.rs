//! One HTTP request, with whatever method and `Host`, and its whole answer.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

/// An answer.
pub struct Answer {
    pub code: u16,
    /// In lower case, one header a line.
    pub headers: String,
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|why| panic!("{why}: {}", self.body))
    }

    /// The same, which must have this code.
    #[track_caller]
    pub fn expect(self, code: u16) -> Self {
        assert_eq!(self.code, code, "{}", self.body);
        self
    }

    /// Text of the page without its tags.
    pub fn words(&self) -> String {
        let mut words = String::new();
        for part in self.body.split('<') {
            words.push_str(part.split_once('>').map_or("", |(_, text)| text));
            words.push(' ');
        }
        words
    }
}

/// Sends one request.
#[track_caller]
pub fn request(address: &str, method: &str, path: &str, host: Option<&str>) -> Answer {
    let host = host.map(|host| format!("Host: {host}\r\n")).unwrap_or_default();
    let text = format!("{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { code, headers: head.to_lowercase(), body: body.to_owned() }
}

/// Asks for a page.
#[track_caller]
pub fn get(address: &str, path: &str) -> Answer {
    request(address, "GET", path, Some(address))
}

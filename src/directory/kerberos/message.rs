//! The bind with SASL as messages: three requests and their answers, before ldap3 has the
//! connection (RFC 4511 4.2).
//!
//! Input: tokens; a stream. Output: bytes; a [`BindAnswer`].

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The largest answer: a token has the tickets of its account's groups, 64 KiB at most
/// (MaxTokenSize, KB327825), and a text beside it.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// An answer to a bind.
pub(super) struct BindAnswer {
    /// The result code.
    pub(super) code: u32,
    /// What the server says.
    pub(super) text: String,
    /// `serverSaslCreds`.
    pub(super) token: Option<Vec<u8>>,
}

/// `BindRequest` with mechanism GSSAPI, under a message id below 128.
pub(super) fn bind_request(id: u8, token: Option<&[u8]>) -> Vec<u8> {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    const OCTETS: u8 = 0x04;
    const BIND_REQUEST: u8 = 0x60;
    const SASL: u8 = 0xA3;
    let token = token.map(|token| element(OCTETS, token)).unwrap_or_default();
    let sasl = element(SASL, &[element(OCTETS, b"GSSAPI"), token].concat());
    let bind = [element(INTEGER, &[3]), element(OCTETS, b""), sasl].concat();
    element(SEQUENCE, &[element(INTEGER, &[id]), element(BIND_REQUEST, &bind)].concat())
}

/// Reads one message from the stream and not a byte more.
pub(super) async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<BindAnswer> {
    let garbled = || io::Error::new(io::ErrorKind::InvalidData, "the answer makes no sense");
    let _sequence = stream.read_u8().await?;
    let length = match usize::from(stream.read_u8().await?) {
        short @ 0..=0x7F => short,
        long @ 0x81..=0x84 => {
            let mut length = 0;
            for _ in 0x80..long {
                length = (length << 8) | usize::from(stream.read_u8().await?);
            }
            length
        }
        _ => return Err(garbled()),
    };
    if length > ANSWER_BYTES_MAX {
        return Err(garbled());
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await?;
    answer(&message).ok_or_else(garbled)
}

fn answer(message: &[u8]) -> Option<BindAnswer> {
    const BIND_RESPONSE: u8 = 0x61;
    const SERVER_TOKEN: u8 = 0x87;
    let (_, _id, rest) = take(message)?;
    let (tag, response, _) = take(rest)?;
    let (_, code, rest) = take(response).filter(|_| tag == BIND_RESPONSE)?;
    let (_, _matched, rest) = take(rest)?;
    let (_, text, mut rest) = take(rest)?;
    let mut token = None;
    while let Some((tag, content, after)) = take(rest) {
        if tag == SERVER_TOKEN {
            token = Some(content.to_vec());
        }
        rest = after;
    }
    let code = code.iter().fold(0, |code, byte| (code << 8) | u32::from(*byte));
    Some(BindAnswer { code, text: String::from_utf8_lossy(text).into_owned(), token })
}

/// The first element: tag, content, what follows (ITU-T X.690 8.1; tags of one byte).
fn take(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*first) {
        short @ 0..=0x7F => (short, rest),
        long => {
            let (digits, rest) = rest.split_at_checked(long - 0x80)?;
            let length = digits.iter().try_fold(0_usize, |length, digit| {
                length.checked_mul(256)?.checked_add(usize::from(*digit))
            })?;
            (length, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let digits = u64::try_from(content.len()).unwrap_or(u64::MAX).to_be_bytes();
    let digits: Vec<u8> = digits.into_iter().skip_while(|digit| *digit == 0).collect();
    let length = match digits.as_slice() {
        [] => vec![0],
        [short @ 0..=0x7F] => vec![*short],
        long => {
            let count = u8::try_from(long.len()).unwrap_or(u8::MAX);
            [&[0x80 | count][..], long].concat()
        }
    };
    [&[tag], length.as_slice(), content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_bytes_of_the_rfc() {
        let none = bind_request(2, None);
        let expected = b"\x30\x14\x02\x01\x02\x60\x0f\x02\x01\x03\x04\x00\xa3\x08\x04\x06GSSAPI";
        assert_eq!(none, expected);
        let long = bind_request(1, Some(&[7; 300]));
        assert_eq!(long.get(..4), Some(&b"\x30\x82\x01\x48"[..]));
        assert!(long.ends_with(&[7; 300]));
    }

    #[tokio::test]
    async fn an_answer_is_read_to_its_end_and_no_further() {
        let text = b"\x30\x15\x02\x01\x01\x61\x10\x0a\x01\x0e\x04\x00\x04\x02hi\x87\x05token";
        let mut stream: &[u8] = &[&text[..], b"rest"].concat();
        let answer = read_answer(&mut stream).await.unwrap();
        assert_eq!((answer.code, answer.text.as_str()), (14, "hi"));
        assert_eq!(answer.token.as_deref(), Some(&b"token"[..]));
        assert_eq!(stream, b"rest");
        for length in 0..text.len() {
            let mut cut = &text[..length];
            assert!(read_answer(&mut cut).await.is_err(), "{length}");
        }
        for wrong in [&b"\x30\x03\x02\x01\x01"[..], b"\x30\x80", b"\x30\x84\xff\xff\xff\xff"] {
            let mut wrong = wrong;
            assert!(read_answer(&mut wrong).await.is_err());
        }
    }
}

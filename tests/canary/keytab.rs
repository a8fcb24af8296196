//! Keytabs (MIT Kerberos, "keytab file format"): one whose key is a canary, and the keys of any.
//!
//! Comes from: nothing, or the octets of a file. Goes to: files of the product, and the ear.

/// The key of the keytab that is made here: no text, and nothing that stands anywhere by chance.
pub const KEY: [u8; 32] = [
    0xe7, 0x1f, 0x9c, 0x83, 0x00, 0xb4, 0xfe, 0x27, 0xd1, 0x0d, 0x6a, 0xc5, 0x91, 0x3e, 0xf8, 0x42,
    0x0a, 0xba, 0xdc, 0x75, 0x18, 0x86, 0xe3, 0x5c, 0xaf, 0x99, 0x02, 0xcb, 0x64, 0xf0, 0xd7, 0x8e,
];
/// aes256-cts-hmac-sha1-96 (RFC 3962 7).
const AES256: u16 = 18;

/// A keytab of one entry: `svc-writeback@CORP.EXAMPLE` with the key above.
pub fn made() -> Vec<u8> {
    let mut entry = Vec::new();
    let counted = |entry: &mut Vec<u8>, part: &[u8]| {
        entry.extend(u16::try_from(part.len()).unwrap().to_be_bytes());
        entry.extend(part);
    };
    entry.extend(1_u16.to_be_bytes());
    counted(&mut entry, b"CORP.EXAMPLE");
    counted(&mut entry, b"svc-writeback");
    // Kind of name, time, version of the key.
    entry.extend(1_u32.to_be_bytes());
    entry.extend(1_700_000_000_u32.to_be_bytes());
    entry.push(2);
    entry.extend(AES256.to_be_bytes());
    counted(&mut entry, &KEY);
    let size = i32::try_from(entry.len()).unwrap().to_be_bytes();
    [&[5, 2][..], &size, &entry].concat()
}

/// Every key of a keytab.
pub fn keys(keytab: &[u8]) -> Vec<Vec<u8>> {
    let number =
        |octets: &[u8]| octets.iter().fold(0_usize, |sum, one| (sum << 8) | usize::from(*one));
    let mut rest = keytab.strip_prefix(&[5, 2]).unwrap();
    let mut keys = Vec::new();
    while let Some((size, after)) = rest.split_at_checked(4) {
        let size = i32::from_be_bytes(size.try_into().unwrap());
        let (entry, next) = after.split_at(usize::try_from(size.unsigned_abs()).unwrap());
        rest = next;
        // One below zero is a hole where an entry was.
        if size <= 0 {
            continue;
        }
        let components = number(&entry[..2]);
        let mut at = 2;
        for _realm_and_components in 0..=components {
            at += 2 + number(&entry[at..at + 2]);
        }
        // Kind of name, time, version of the key, kind of key.
        at += 4 + 4 + 1 + 2;
        let length = number(&entry[at..at + 2]);
        keys.push(entry[at + 2..at + 2 + length].to_owned());
    }
    keys
}

#[test]
fn the_key_of_a_keytab_is_found() {
    assert_eq!(keys(&made()), [KEY.to_vec()]);
    let twice = [made(), made()[2..].to_vec()].concat();
    assert_eq!(keys(&twice).len(), 2);
}

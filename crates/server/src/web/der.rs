//! The alternative names of a certificate's subject, read from its DER bytes.
//!
//! A certificate is a tree of elements: tag, length, content. Only the way to the extension
//! `subjectAltName` is followed. What is malformed has no names; nothing here can panic.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

const SEQUENCE: u8 = 0x30;
const OBJECT_ID: u8 = 0x06;
const OCTETS: u8 = 0x04;
/// `[3]`, the extensions in the certificate's body.
const EXTENSIONS: u8 = 0xa3;
/// 2.5.29.17
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const IP: u8 = 0x87;

/// E-mail addresses, DNS names, URIs and IP addresses, as text.
pub(super) fn alternative_names(certificate: &[u8]) -> Vec<String> {
    extension(certificate).map(names).unwrap_or_default()
}

/// The content of the extension.
fn extension(certificate: &[u8]) -> Option<&[u8]> {
    let mut outer = Elements(certificate);
    let body = outer.find(SEQUENCE)?;
    let body = Elements(body).find(SEQUENCE)?;
    let list = Elements(Elements(body).find(EXTENSIONS)?).find(SEQUENCE)?;
    for (tag, content) in Elements(list) {
        let mut fields = Elements(content);
        if tag == SEQUENCE && fields.next() == Some((OBJECT_ID, SUBJECT_ALT_NAME)) {
            return Elements(fields.find(OCTETS)?).find(SEQUENCE);
        }
    }
    None
}

fn names(content: &[u8]) -> Vec<String> {
    let texts = Elements(content).filter_map(|(tag, bytes)| match tag {
        EMAIL | DNS | URI => std::str::from_utf8(bytes).ok().map(str::to_owned),
        IP => address(bytes),
        _ => None,
    });
    texts.collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    let mut text = String::new();
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        write!(text, "{}", Ipv4Addr::from(bytes)).ok()?;
    } else {
        write!(text, "{}", Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)).ok()?;
    }
    Some(text)
}

/// The elements that follow each other in a content, until one is malformed.
struct Elements<'a>(&'a [u8]);

impl<'a> Elements<'a> {
    /// The content of the next element of a tag.
    fn find(&mut self, tag: u8) -> Option<&'a [u8]> {
        Iterator::find(self, |(found, _)| *found == tag).map(|(_, content)| content)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if digits.len() > 4 {
                return None;
            }
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap();
        [&[tag, 0x82][..], &length.to_be_bytes(), content].concat()
    }

    fn certificate(names: &[u8]) -> Vec<u8> {
        let octets = element(OCTETS, &element(SEQUENCE, names));
        let wanted = element(SEQUENCE, &[element(OBJECT_ID, SUBJECT_ALT_NAME), octets].concat());
        let other = element(SEQUENCE, &element(OBJECT_ID, &[0x55, 0x1d, 0x0f]));
        let list = element(SEQUENCE, &[other, wanted].concat());
        let body = [element(0x02, &[1]), element(SEQUENCE, b""), element(EXTENSIONS, &list)];
        element(SEQUENCE, &element(SEQUENCE, &body.concat()))
    }

    #[test]
    fn names_of_every_kind() {
        let names = [
            element(EMAIL, b"a@b.c"),
            element(DNS, b"host.example"),
            element(URI, b"spiffe://x/y"),
            element(IP, &[127, 0, 0, 1]),
            element(IP, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            element(IP, &[1, 2]),
            element(0xa4, b"a directory name"),
        ];
        let found = alternative_names(&certificate(&names.concat()));
        assert_eq!(found, ["a@b.c", "host.example", "spiffe://x/y", "127.0.0.1", "::1"]);
    }

    #[test]
    fn damage_has_no_names() {
        let whole = certificate(&element(DNS, b"host"));
        for length in 0..whole.len() {
            assert!(alternative_names(&whole[..length]).is_empty(), "{length}");
        }
        for at in 0..whole.len() {
            for byte in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                alternative_names(&damaged);
            }
        }
    }
}

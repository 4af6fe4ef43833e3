//! Texts that each object has of its own, in fewer bytes than they have letters.

use super::ContainerStatus;
use super::compact::shared_texts;
use cluster::{Text, read_text};
use serde::de::{Deserialize, Deserializer};
use std::fmt;
use std::net::Ipv4Addr;
use std::ops::Deref;
use std::slice::{Iter, from_ref};
use std::sync::Arc;

/// An address, as it is written.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address(Written);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Written {
    /// Written in the one way there is.
    V4(Ipv4Addr),
    /// Anything else: of IPv6, a name, nothing.
    Other(Text),
}

impl Address {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(&self.0, Written::Other(text) if text.is_empty())
    }
}

impl Default for Address {
    fn default() -> Self {
        Self(Written::Other(Text::default()))
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        // What is read here is written the same way again: the standard library takes no zeros before
        // a number.
        Self(text.parse().map_or_else(|_| Written::Other(text.into()), Written::V4))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Written::V4(address) => address.fmt(f),
            Written::Other(text) => text.fmt(f),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, |text| text.into())
    }
}

/// The addresses of one endpoint: one, nearly always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses(Few);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Few {
    One(Address),
    Others(Box<[Address]>),
}

impl Default for Addresses {
    fn default() -> Self {
        Self(Few::Others(Box::default()))
    }
}

impl Deref for Addresses {
    type Target = [Address];

    fn deref(&self) -> &[Address] {
        match &self.0 {
            Few::One(address) => from_ref(address),
            Few::Others(addresses) => addresses,
        }
    }
}

impl<'a> IntoIterator for &'a Addresses {
    type Item = &'a Address;
    type IntoIter = Iter<'a, Address>;

    fn into_iter(self) -> Iter<'a, Address> {
        self.iter()
    }
}

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all = Option::<Vec<Address>>::deserialize(deserializer)?.unwrap_or_default();
        let one = if all.len() == 1 { all.pop() } else { None };
        Ok(Self(one.map_or_else(|| Few::Others(all.into()), Few::One)))
    }
}

/// What tells an object from others of its name.
#[derive(Clone, PartialEq, Eq)]
pub struct Uid(Digits);

#[derive(Clone, PartialEq, Eq)]
enum Digits {
    /// Groups of 8, 4, 4, 4 and 12 digits.
    Usual([u8; 16]),
    Other(Text),
}

const DASHES: [usize; 4] = [8, 13, 18, 23];

impl Default for Uid {
    fn default() -> Self {
        Self(Digits::Other(Text::default()))
    }
}

impl From<&str> for Uid {
    fn from(text: &str) -> Self {
        let has_dashes = text.len() == 36 && DASHES.iter().all(|at| text.as_bytes()[*at] == b'-');
        let digits = if has_dashes { text.replace('-', "") } else { String::new() };
        let usual = from_hex::<16>(&digits).map(Digits::Usual);
        Self(usual.unwrap_or_else(|| Digits::Other(Text::unshared(text))))
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Digits::Usual(bytes) => {
                let digits = to_hex(bytes);
                let [a, b, c, d] = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20]];
                write!(f, "{a}-{b}-{c}-{d}-{}", &digits[20..])
            }
            Digits::Other(text) => text.fmt(f),
        }
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Uid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, |text| text.into())
    }
}

/// What identifies the runs of a pod's containers.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ContainerIds {
    /// The containers; those that run before the others come last.
    names: Arc<[Text]>,
    /// For each: whether it runs before the others, and how the rest is written, in one byte; then 32
    /// bytes of digits behind a known beginning, or the length and the text.
    packed: Box<[u8]>,
}

/// How ids begin; then come 64 digits.
const RUNTIMES: [&str; 3] = ["containerd://", "cri-o://", "docker://"];
/// Instead of the number of one of those.
const OTHER: u8 = 0x7f;
const IS_INIT: u8 = 0x80;

impl ContainerIds {
    pub(super) fn new(main: &[ContainerStatus], init: &[ContainerStatus]) -> Self {
        let (mut names, mut packed) = (Vec::new(), Vec::new());
        let main = main.iter().map(|status| (status, 0));
        for (ContainerStatus { name, container_id }, flag) in
            main.chain(init.iter().map(|status| (status, IS_INIT)))
        {
            // No name or id is longer than some hundred letters.
            let Ok(len) = u16::try_from(container_id.len()) else { continue };
            names.push(name.clone());
            let runtime = (0..).zip(RUNTIMES).find_map(|(number, runtime)| {
                Some((number, from_hex::<32>(container_id.strip_prefix(runtime)?)?))
            });
            if let Some((number, digits)) = runtime {
                packed.push(flag | number);
                packed.extend(digits);
            } else {
                packed.push(flag | OTHER);
                packed.extend(len.to_le_bytes());
                packed.extend(container_id.as_bytes());
            }
        }
        Self { names: shared_texts(&names), packed: packed.into() }
    }

    /// All of them: name, whether it runs before the others, id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, bool, String)> {
        let mut rest = &*self.packed;
        self.names.iter().map_while(move |name| {
            let (&first, behind) = rest.split_first()?;
            let id = if first & !IS_INIT == OTHER {
                let (len, behind) = behind.split_first_chunk()?;
                let (id, behind) = behind.split_at_checked(u16::from_le_bytes(*len).into())?;
                rest = behind;
                String::from_utf8_lossy(id).into_owned()
            } else {
                let (digits, behind) = behind.split_first_chunk::<32>()?;
                rest = behind;
                let runtime = RUNTIMES.get(usize::from(first & !IS_INIT))?;
                format!("{runtime}{}", to_hex(digits))
            };
            Some((name.as_str(), first & IS_INIT != 0, id))
        })
    }
}

impl fmt::Debug for ContainerIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The bytes of twice as many digits; small letters only, so that they are written the same way again.
fn from_hex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |number: u8| DIGITS[usize::from(number & 0xf)];
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

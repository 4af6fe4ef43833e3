//! Byte strings kept once and known by small numbers: label texts, and label sets made of them.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Append-only; a number stays valid as long as the interner lives.
#[derive(Default)]
pub(crate) struct Interner {
    bytes: Vec<u8>,
    /// End of each string in `bytes`; it begins where the one before ends.
    ends: Vec<u32>,
    table: HashTable<u32>,
    hasher: RandomState,
}

impl Interner {
    /// The number of an equal string, if one is held.
    pub(crate) fn find(&self, string: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(string);
        self.table.find(hash, |i| slice(&self.bytes, &self.ends, *i) == string).copied()
    }

    /// The number of a string, held from now on. `None` when 4 GiB or 2^32 - 2 strings are full.
    pub(crate) fn intern(&mut self, string: &[u8]) -> Option<u32> {
        if let Some(found) = self.find(string) {
            return Some(found);
        }
        let end = u32::try_from(self.bytes.len() + string.len()).ok()?;
        let new = u32::try_from(self.ends.len()).ok().filter(|i| *i < u32::MAX - 1)?;
        self.bytes.extend_from_slice(string);
        self.ends.push(end);
        let (bytes, ends, hasher) = (&self.bytes, &self.ends, &self.hasher);
        let rehash = |i: &u32| hasher.hash_one(slice(bytes, ends, *i));
        self.table.insert_unique(hasher.hash_one(string), new, rehash);
        Some(new)
    }

    /// The string of a number.
    ///
    /// # Panics
    /// When the number did not come from this interner: a bug.
    pub(crate) fn get(&self, number: u32) -> &[u8] {
        slice(&self.bytes, &self.ends, number)
    }

    /// The string of a number that was interned from text.
    pub(crate) fn text(&self, number: u32) -> &str {
        std::str::from_utf8(self.get(number)).expect("interned from text")
    }

    /// How many strings are held.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 4 + self.table.allocation_size()
    }
}

fn slice<'a>(bytes: &'a [u8], ends: &[u32], number: u32) -> &'a [u8] {
    let i = number as usize;
    let start = if i == 0 { 0 } else { ends[i - 1] as usize };
    &bytes[start..ends[i] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_get_one_number() {
        let mut interner = Interner::default();
        let numbers: Vec<_> =
            ["", "a", "b", "a", ""].map(|s| interner.intern(s.as_bytes()).unwrap()).into();
        assert_eq!(numbers, [0, 1, 2, 1, 0]);
        assert_eq!(interner.len(), 3);
        assert_eq!(interner.text(2), "b");
        assert_eq!(interner.find(b"c"), None);
    }
}

//! Strings kept once and known by small numbers: label texts, and label sets made of them.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hash};
use std::ops::Range;

/// Strings one after the other: bytes, or text, which is not checked again when it is read.
pub(crate) trait Joined: Default {
    type Piece: ?Sized + Eq + Hash;

    fn len(&self) -> usize;
    fn capacity(&self) -> usize;
    fn append(&mut self, piece: &Self::Piece);
    fn piece(&self, range: Range<usize>) -> &Self::Piece;
}

impl Joined for Vec<u8> {
    type Piece = [u8];

    fn len(&self) -> usize {
        self.len()
    }
    fn capacity(&self) -> usize {
        self.capacity()
    }
    fn append(&mut self, piece: &[u8]) {
        self.extend_from_slice(piece);
    }
    fn piece(&self, range: Range<usize>) -> &[u8] {
        &self[range]
    }
}

impl Joined for String {
    type Piece = str;

    fn len(&self) -> usize {
        self.len()
    }
    fn capacity(&self) -> usize {
        self.capacity()
    }
    fn append(&mut self, piece: &str) {
        self.push_str(piece);
    }
    fn piece(&self, range: Range<usize>) -> &str {
        &self[range]
    }
}

/// Append-only; a number stays valid as long as the interner lives.
#[derive(Default)]
pub(crate) struct Interner<S> {
    all: S,
    /// End of each string in `all`; it begins where the one before ends.
    ends: Vec<u32>,
    table: HashTable<u32>,
    hasher: RandomState,
}

impl<S: Joined> Interner<S> {
    /// The number of an equal string, if one is held.
    pub(crate) fn find(&self, string: &S::Piece) -> Option<u32> {
        let hash = self.hasher.hash_one(string);
        self.table.find(hash, |i| piece(&self.all, &self.ends, *i) == string).copied()
    }

    /// The number of a string, held from now on. `None` when 4 GiB or 2^32 - 2 strings are full.
    pub(crate) fn intern(&mut self, string: &S::Piece) -> Option<u32> {
        if let Some(found) = self.find(string) {
            return Some(found);
        }
        let end = u32::try_from(self.all.len() + size_of_val(string)).ok()?;
        let new = u32::try_from(self.ends.len()).ok().filter(|i| *i < u32::MAX - 1)?;
        self.all.append(string);
        self.ends.push(end);
        let (all, ends, hasher) = (&self.all, &self.ends, &self.hasher);
        let rehash = |i: &u32| hasher.hash_one(piece(all, ends, *i));
        self.table.insert_unique(hasher.hash_one(string), new, rehash);
        Some(new)
    }

    /// The string of a number.
    ///
    /// # Panics
    /// When the number did not come from this interner: a bug.
    pub(crate) fn get(&self, number: u32) -> &S::Piece {
        piece(&self.all, &self.ends, number)
    }

    /// How many strings are held.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.all.capacity() + self.ends.capacity() * 4 + self.table.allocation_size()
    }
}

fn piece<'a, S: Joined>(all: &'a S, ends: &[u32], number: u32) -> &'a S::Piece {
    let i = number as usize;
    let start = if i == 0 { 0 } else { ends[i - 1] as usize };
    all.piece(start..ends[i] as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_get_one_number() {
        let mut interner = Interner::<String>::default();
        let numbers: Vec<_> = ["", "a", "b", "a", ""].map(|s| interner.intern(s).unwrap()).into();
        assert_eq!(numbers, [0, 1, 2, 1, 0]);
        assert_eq!(interner.len(), 3);
        assert_eq!(interner.get(2), "b");
        assert_eq!(interner.find("c"), None);
    }
}

//! Writes the file `index`: series as they come, names, values and postings at the end.

use super::super::meta::{Section, SectionFile};
use super::super::postings::Builder;
use super::super::series::{PER_RESTART, Pairs, encode_pairs};
use super::super::{Error, dictionary};
use super::FILE;
use crate::codec::bits::put_varint;
use crate::disk::Disk;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use model::Labels;
use std::collections::HashMap;
use std::hash::BuildHasher;
use std::path::Path;

/// Memory: the distinct values of all labels, and their postings.
#[derive(Debug)]
pub(in super::super) struct IndexWriter {
    file: SectionFile,
    restarts: Vec<u8>,
    series: u32,
    names: HashMap<Box<str>, u32>,
    values: Vec<Values>,
    before: Pairs,
    pairs: Pairs,
    record: Vec<u8>,
}

/// The values of one name, numbered by first appearance.
#[derive(Debug, Default)]
struct Values {
    text: String,
    ends: Vec<usize>,
    by_text: HashTable<u32>,
    postings: Vec<Builder>,
    any: Option<Builder>,
}

impl Values {
    fn get(&self, number: u32) -> &str {
        let i = number as usize;
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.text[start..self.ends[i]]
    }

    fn number(&mut self, value: &str, series: u32) -> u32 {
        match &mut self.any {
            Some(any) => any.push(series),
            none => *none = Some(Builder::new(series)),
        }
        let hash = |text: &str| FixedState::default().hash_one(text);
        if let Some(number) = self.by_text.find(hash(value), |n| self.get(*n) == value).copied() {
            self.postings[number as usize].push(series);
            return number;
        }
        let number = u32::try_from(self.ends.len()).expect("fewer than 2^32 values");
        self.text.push_str(value);
        self.ends.push(self.text.len());
        self.postings.push(Builder::new(series));
        let Self { text, ends, by_text, .. } = self;
        by_text.insert_unique(hash(value), number, |n| {
            let i = *n as usize;
            hash(&text[if i == 0 { 0 } else { ends[i - 1] }..ends[i]])
        });
        number
    }
}

impl IndexWriter {
    pub(in super::super) fn create(disk: &dyn Disk, dir: &Path) -> Result<Self, Error> {
        Ok(Self {
            file: SectionFile::create(disk, dir, FILE)?,
            restarts: Vec::new(),
            series: 0,
            names: HashMap::new(),
            values: Vec::new(),
            before: Pairs::new(),
            pairs: Pairs::new(),
            record: Vec::new(),
        })
    }

    pub(in super::super) fn num_series(&self) -> u32 {
        self.series
    }

    /// Adds a series, in label order, whose bytes start at `chunks`; `rest` appends its parts.
    pub(in super::super) fn series(
        &mut self,
        labels: &Labels,
        chunks: u64,
        rest: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), Error> {
        std::mem::swap(&mut self.before, &mut self.pairs);
        self.pairs.clear();
        for (name, value) in labels {
            let name = self.name(name);
            let value = self.values[name as usize].number(value, self.series);
            self.pairs.push((name, value));
        }
        if self.series.is_multiple_of(PER_RESTART) {
            self.restarts.extend_from_slice(&self.file.section_len().to_le_bytes());
            self.restarts.extend_from_slice(&chunks.to_le_bytes());
            self.before.clear();
        }
        self.record.clear();
        encode_pairs(&self.pairs, &self.before, &mut self.record);
        rest(&mut self.record);
        self.file.write(&self.record)?;
        self.series = self.series.checked_add(1).expect("fewer than 2^32 series");
        Ok(())
    }

    fn name(&mut self, name: &str) -> u32 {
        if let Some(number) = self.names.get(name) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).expect("fewer than 2^32 names");
        self.names.insert(name.into(), number);
        self.values.push(Values::default());
        number
    }

    pub(in super::super) fn finish(mut self, page_crcs: &[u8]) -> Result<Vec<Section>, Error> {
        self.file.end_section("series", true);
        self.file.write(&self.restarts)?;
        self.file.end_section("restarts", true);

        let mut names: Vec<(Box<str>, u32)> = self.names.into_iter().collect();
        names.sort();
        let mut directory = Vec::new();
        put_varint(&mut directory, names.len() as u64);
        let mut all_values = Vec::new();
        let mut postings = Vec::new();
        for (name, number) in names {
            put_varint(&mut directory, name.len() as u64);
            directory.extend_from_slice(name.as_bytes());
            put_varint(&mut directory, u64::from(number));
            postings.clear();
            let values = std::mem::take(&mut self.values[number as usize]);
            let start = all_values.len();
            encode_values(values, &mut all_values, &mut postings);
            put_varint(&mut directory, (all_values.len() - start) as u64);
            put_varint(&mut directory, postings.len() as u64);
            self.file.write(&postings)?;
        }
        self.file.end_section("postings", true);
        for (name, bytes) in [("values", &*all_values), ("names", &directory), ("pages", page_crcs)]
        {
            self.file.write(bytes)?;
            self.file.end_section(name, true);
        }
        self.file.finish()
    }
}

fn encode_values(mut values: Values, out: &mut Vec<u8>, postings: &mut Vec<u8>) {
    let count = u32::try_from(values.ends.len()).expect("fewer than 2^32 values");
    let mut order: Vec<u32> = (0..count).collect();
    order.sort_by(|a, b| values.get(*a).cmp(values.get(*b)));

    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    dictionary::encode(order.iter().map(|number| values.get(*number)), out);
    let length = u32::try_from(out.len() - start - 4).expect("less than 4 GiB of values");
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());

    let mut ranks = vec![0_u32; order.len()];
    for (rank, number) in (0..).zip(&order) {
        ranks[*number as usize] = rank;
    }
    for rank in ranks {
        out.extend_from_slice(&rank.to_le_bytes());
    }

    let mut offset = |postings: &Vec<u8>| {
        let offset = u32::try_from(postings.len()).expect("less than 4 GiB of postings");
        out.extend_from_slice(&offset.to_le_bytes());
    };
    for number in order {
        offset(postings);
        values.postings[number as usize].encode(postings);
    }
    offset(postings);
    if let Some(any) = &mut values.any {
        any.encode(postings);
    }
    offset(postings);
}

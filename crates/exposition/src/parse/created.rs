//! Start timestamps: the `_created` lines of OpenMetrics and whose they are.
//!
//! A `_created` line is about the lines of the same group (the same labels, but for `le` of
//! histograms and `quantile` of summaries) in the same family. It is looked for ahead of a line, and
//! found it stays good for the lines of its group that follow. One that stands before all other
//! lines of its group is not found.

use super::Lexer;
use super::lexer::Place;
use super::sample::{self, SeriesSpan};
use crate::dialect::Dialect;
use crate::predictor::Walk;
use crate::sink::{FamilyType, LabelSpan, Span};

/// Bytes ahead of a line that are searched.
const LOOK_AHEAD: usize = 32 << 10;
const SUFFIX: &[u8] = b"_created";

/// What was found so far; places count from the start of the page.
#[derive(Debug, Default)]
pub(super) struct Starts {
    /// No `_created` line begins before this place but the one found.
    searched: usize,
    next: Option<Created>,
    /// The group of the last one that was used.
    group: Option<(u64, i64)>,
    labels: Vec<LabelSpan>,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Created {
    at: usize,
    group: u64,
    start_ms: i64,
}

/// What is known of a line's start timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    At(i64),
    None,
    /// More bytes must come first.
    Unsure,
}

/// Whether families of this type have `_created` lines.
pub(super) fn has_created(family_type: FamilyType) -> bool {
    matches!(family_type, FamilyType::Counter | FamilyType::Histogram | FamilyType::Summary)
}

pub(super) fn is_created(name: &[u8]) -> bool {
    name.ends_with(SUFFIX)
}

/// A piece of a page and where it begins.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) body: &'a [u8],
    pub(super) base: usize,
    pub(super) is_last: bool,
}

impl Starts {
    /// The start timestamp of the series read, whose line ends at `end`.
    pub(super) fn find(
        &mut self,
        piece: Piece<'_>,
        walk: &Walk<'_>,
        series: SeriesSpan,
        labels: &[LabelSpan],
        end: usize,
    ) -> Start {
        let group = self.group_of(piece.body, walk, series, labels);
        if let Some((last, start_ms)) = self.group
            && last == group
        {
            return Start::At(start_ms);
        }
        if !self.search(piece, walk, end) {
            return Start::Unsure;
        }
        self.group = match self.next {
            Some(next) if next.group == group && next.start_ms != 0 => Some((group, next.start_ms)),
            _ => None,
        };
        self.group.map_or(Start::None, |(_, start_ms)| Start::At(start_ms))
    }

    /// Finds the next `_created` line of the family from `end` on; false when that needs more bytes.
    fn search(&mut self, piece: Piece<'_>, walk: &Walk<'_>, end: usize) -> bool {
        let end = end.min(piece.body.len());
        if self.next.is_some_and(|next| next.at < piece.base + end) {
            self.next = None;
        }
        if self.next.is_some() {
            return true;
        }
        let from = end.max(self.searched.saturating_sub(piece.base));
        let limit = (end + LOOK_AHEAD).min(piece.body.len());
        let mut at = from;
        while at < limit {
            if piece.body[at] == b'#' {
                // The family ends; what is behind it will be searched when it has begun.
                return true;
            }
            let line = &piece.body[at..];
            let len = memchr::memchr(b'\n', line).map_or(line.len(), |len| len + 1);
            let line = &line[..len];
            if memchr::memmem::find(line, SUFFIX).is_some()
                && let Some(created) = self.read(piece, walk, at)
            {
                self.next = Some(created);
                self.searched = piece.base + at + len;
                return true;
            }
            at += len;
            self.searched = piece.base + at;
        }
        at >= end + LOOK_AHEAD || piece.is_last
    }

    /// The line at a place, if it is a good `_created` line.
    fn read(&mut self, piece: Piece<'_>, walk: &Walk<'_>, at: usize) -> Option<Created> {
        let mut labels = std::mem::take(&mut self.labels);
        let mut lexer = Lexer::new(piece.body, Dialect::OpenMetrics, at, at, Place::Start);
        let first = lexer.next();
        let read = sample::series(&mut lexer, first, &mut labels).and_then(|(series, ahead)| {
            let tail = sample::tail(&mut lexer, ahead, &mut Vec::new())?;
            Ok((series, tail.value))
        });
        let created = match read {
            Ok((series, seconds))
                if is_created(&piece.body[series.name.start..series.name.end]) =>
            {
                let group = self.group_of(piece.body, walk, series, &labels);
                #[expect(clippy::cast_possible_truncation, reason = "saturates, NaN is none")]
                let start_ms = (seconds * 1000.0) as i64;
                Some(Created { at: piece.base + at, group, start_ms })
            }
            _ => None,
        };
        self.labels = labels;
        created
    }

    /// What the lines about one thing have in common.
    fn group_of(
        &mut self,
        body: &[u8],
        walk: &Walk<'_>,
        series: SeriesSpan,
        labels: &[LabelSpan],
    ) -> u64 {
        let text = |span: Span| &body[span.start..span.end];
        let family_type = walk.family_type();
        let suffixes: &[&[u8]] = match family_type {
            FamilyType::Counter => &[SUFFIX, b"_total"],
            FamilyType::Histogram => &[SUFFIX, b"_bucket", b"_sum", b"_count"],
            _ => &[SUFFIX, b"_sum", b"_count"],
        };
        let name = text(series.name);
        let stem = suffixes.iter().find_map(|suffix| name.strip_suffix(*suffix)).unwrap_or(name);
        let left_out = family_type.bound_label().map_or(&b""[..], str::as_bytes);
        self.bytes.clear();
        self.bytes.extend_from_slice(stem);
        for label in labels.iter().filter(|label| text(label.name) != left_out) {
            for part in [label.name, label.value] {
                self.bytes.push(0xff);
                self.bytes.extend_from_slice(text(part));
            }
        }
        walk.hash(&self.bytes)
    }
}

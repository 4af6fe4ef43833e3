//! Pages of lines: one loop over them, the remembered ones first.
//!
//! The quick way takes a line whose series is the expected one and whose value is a plain decimal
//! up to the line feed. Whatever differs goes the exact way, word by word; from which word on does
//! not matter to the result, because the words before it were the same when they were read exactly.
//!
//! A page may come in pieces that end in line feeds. What cannot be judged from one piece (a line
//! feed in a label value, a run of comments) is left to be read again with more; nothing is told of
//! it before.

mod comment;
mod created;
mod lexer;
mod sample;

use comment::Comment;
use created::{Piece, Start, Starts, has_created, is_created};
use lexer::{Lexer, Place, Token};
use sample::{SeriesSpan, Tail};

use crate::dialect::Dialect;
use crate::error::{Broken, Stop, error_at};
use crate::number;
use crate::options::Options;
use crate::predictor::{Expected, Family, Key, LONGEST_BLOCK, Walk};
use crate::sink::{ExemplarLine, Extras, FamilyType, Known, LabelSpan, Metadata, SeriesLine, Span};
use crate::teller::Teller;

/// A page of lines being read.
pub(crate) struct Lines<'m> {
    dialect: Dialect,
    pub(crate) walk: Walk<'m>,
    /// Labels of the series being read, as spans in the piece.
    labels: Vec<LabelSpan>,
    exemplar_labels: Vec<LabelSpan>,
    /// Where the piece begins in the page.
    base: usize,
    /// The end mark was read.
    has_ended: bool,
    /// The last piece ended in a run of comments that is too long to be remembered.
    in_long_block: bool,
    /// When start timestamps are wanted.
    starts: Option<Starts>,
    /// When type and unit become labels.
    unit_labels: Option<Unit>,
}

/// The unit of a family.
#[derive(Debug, Default)]
struct Unit {
    family: String,
    unit: String,
}

/// Where to go on.
enum Next {
    At(usize),
    /// The page is over.
    Over,
    /// What begins here cannot be judged before there are more bytes.
    Unsure(usize),
}

impl<'m> Lines<'m> {
    pub(crate) fn new(dialect: Dialect, options: &Options, walk: Walk<'m>) -> Self {
        let has_starts = options.start_timestamps && dialect == Dialect::OpenMetrics;
        Self {
            dialect,
            walk,
            labels: Vec::new(),
            exemplar_labels: Vec::new(),
            base: 0,
            has_ended: false,
            in_long_block: false,
            starts: has_starts.then(Starts::default),
            unit_labels: options.type_and_unit_labels.then(Unit::default),
        }
    }

    /// Reads a piece of the page: how much of it was read. The last piece is read to its end.
    pub(crate) fn read<T: Teller>(
        &mut self,
        piece: &[u8],
        is_last: bool,
        teller: &mut T,
    ) -> Result<usize, Stop<T::Error>> {
        if self.has_ended && !piece.is_empty() {
            return Err(after_end(piece, 0).into());
        }
        let whole_lines = if is_last {
            piece
        } else {
            &piece[..memchr::memrchr(b'\n', piece).map_or(0, |at| at + 1)]
        };
        let read = match self.lines(whole_lines, is_last, teller) {
            Err((at, Stop::Broken(broken))) if !is_last && broken.reach > whole_lines.len() => at,
            Err((_, stop)) => return Err(stop),
            Ok(at) => at.min(whole_lines.len()),
        };
        self.base += read;
        Ok(read)
    }

    /// Reads lines up to the end or the first that needs more bytes. An error comes with the place
    /// where its line begins.
    fn lines<T: Teller>(
        &mut self,
        body: &[u8],
        is_last: bool,
        teller: &mut T,
    ) -> Result<usize, (usize, Stop<T::Error>)> {
        if body.first().is_some_and(|first| *first != b'#') {
            self.in_long_block = false;
        }
        let mut at = 0;
        while at < body.len() {
            if self.starts.is_none() && !self.walk.is_torn() {
                at = self.quick_lines(body, at, teller)?;
            }
            let next = match body.get(at) {
                None => break,
                Some(b'#') => self.comments(body, at, is_last, teller),
                Some(_) => self.line(body, at, is_last, teller),
            };
            match next.map_err(|stop| (at, stop))? {
                Next::At(next) => at = next,
                Next::Unsure(at) => return Ok(at),
                Next::Over => {
                    self.has_ended = true;
                    return Ok(body.len());
                }
            }
        }
        if is_last {
            self.end(body, teller).map_err(|stop| (at, stop))?;
        }
        Ok(at)
    }

    /// Takes lines as long as they are the expected ones and simple, and blocks of comments that are
    /// remembered; returns where something else begins.
    fn quick_lines<T: Teller>(
        &mut self,
        body: &[u8],
        start: usize,
        teller: &mut T,
    ) -> Result<usize, (usize, Stop<T::Error>)> {
        let has_units = self.unit_labels.is_some();
        let mut at = start;
        while let Some(first) = body.get(at) {
            if *first == b'#' {
                if has_units || self.in_long_block {
                    break;
                }
                // Pieces of a page end in no block that is expected and not whole.
                let Expected::Until(end) = self.walk.expected_block(body, at, false) else { break };
                if let Err(error) = teller.interrupted() {
                    return Err((at, Stop::Sink(error)));
                }
                at = end;
                continue;
            }
            let Some((end, slot)) = self.walk.expected(body, at) else { break };
            let Some((value, t_ms, next)) = quick_tail(self.dialect, body, end + 1) else {
                let next = self.expected_line(body, at, end, slot, teller);
                at = next.map_err(|stop| (at, stop))?;
                continue;
            };
            self.walk.advance();
            at = match teller.known(slot, value, t_ms) {
                Ok(Known::Taken) => next,
                Ok(Known::Forget) => {
                    self.forgotten_line(body, at, teller).map_err(|stop| (at, stop))?
                }
                Err(error) => return Err((at, Stop::Sink(error))),
            };
        }
        Ok(at)
    }

    fn end<T: Teller>(&mut self, body: &[u8], teller: &mut T) -> Result<(), Stop<T::Error>> {
        if self.dialect == Dialect::OpenMetrics && !self.has_ended {
            let message = "data does not end with # EOF".to_owned();
            return Err(error_at(body, body.len(), message).into());
        }
        teller.interrupted().map_err(Stop::Sink)
    }

    /// Reads a run of comment lines.
    fn comments<T: Teller>(
        &mut self,
        body: &[u8],
        start: usize,
        is_last: bool,
        teller: &mut T,
    ) -> Result<Next, Stop<T::Error>> {
        if !self.in_long_block {
            match self.walk.expected_block(body, start, is_last) {
                Expected::Until(end) => {
                    teller.interrupted().map_err(Stop::Sink)?;
                    if self.unit_labels.is_some() {
                        self.note_units(&body[..end], start)?;
                    }
                    return Ok(Next::At(end));
                }
                Expected::Unsure => return Ok(Next::Unsure(start)),
                Expected::Not => {}
            }
            self.in_long_block = !is_last && self.run_is_cut(body, start);
            if self.in_long_block && body.len() - start <= LONGEST_BLOCK {
                self.in_long_block = false;
                return Ok(Next::Unsure(start));
            }
        }
        teller.interrupted().map_err(Stop::Sink)?;
        let mut family = None;
        let mut at = start;
        while body.get(at) == Some(&b'#') {
            let (comment, next) = match comment::read(body, self.dialect, at, at) {
                Err(broken) if !is_last && broken.reach > body.len() => {
                    self.walk.note_blocks();
                    return Ok(Next::Unsure(at));
                }
                read => read?,
            };
            match comment {
                Comment::Remark => {}
                Comment::Metadata(metadata) => {
                    family = self.note(&metadata).or(family);
                    teller.metadata(metadata);
                }
                Comment::End if next < body.len() => return Err(after_end(body, next).into()),
                Comment::End => {
                    self.learn_block(body, start, at, family);
                    return Ok(Next::Over);
                }
            }
            at = next;
        }
        self.learn_block(body, start, at, family);
        Ok(Next::At(at))
    }

    /// Whether a run of comments goes on to the end of the piece, or behind it.
    fn run_is_cut(&self, body: &[u8], start: usize) -> bool {
        let mut at = start;
        while body.get(at) == Some(&b'#') {
            match comment::read(body, self.dialect, at, at) {
                Ok((Comment::End, _)) => return false,
                Ok((_, next)) => at = next,
                Err(broken) => return broken.reach > body.len(),
            }
        }
        at >= body.len()
    }

    /// Only whole lines are remembered: a line cut off by the end of the page may go on next time.
    fn learn_block(&mut self, body: &[u8], start: usize, end: usize, family: Option<Family>) {
        if self.in_long_block {
            self.walk.note_blocks();
            self.in_long_block = end >= body.len();
        } else if let Some(text @ [.., b'\n']) = body.get(start..end) {
            self.walk.learn_block(text, family);
        }
    }

    /// Takes from a line about a family what matters to the series behind it; the family, if it is a
    /// TYPE line.
    fn note(&mut self, metadata: &Metadata<'_>) -> Option<Family> {
        if let Some(noted) = &mut self.unit_labels {
            let (Metadata::Type { family, .. }
            | Metadata::Help { family, .. }
            | Metadata::Unit { family, .. }) = metadata;
            if noted.family != **family {
                noted.family.clear();
                noted.family.push_str(family);
                noted.unit.clear();
            }
            if let Metadata::Unit { unit, .. } = metadata {
                noted.unit.clear();
                noted.unit.push_str(unit);
            }
            self.walk.set_unit(&noted.unit);
        }
        let Metadata::Type { family, kind } = metadata else { return None };
        let family = self.walk.family(family, *kind);
        self.walk.set_family(family);
        Some(family)
    }

    /// Reads again what a remembered block says of families.
    fn note_units(&mut self, body: &[u8], start: usize) -> Result<(), Broken> {
        let mut at = start;
        while body.get(at) == Some(&b'#') {
            let (comment, next) = comment::read(body, self.dialect, at, at)?;
            if let Comment::Metadata(metadata) = comment {
                self.note(&metadata);
            }
            at = next;
        }
        Ok(())
    }

    /// Reads the rest of a line whose series, up to `end`, is the expected one.
    #[cold]
    fn expected_line<T: Teller>(
        &mut self,
        body: &[u8],
        start: usize,
        end: usize,
        slot: u32,
        teller: &mut T,
    ) -> Result<usize, Stop<T::Error>> {
        let mut lexer = Lexer::new(body, self.dialect, start, end, Place::Value);
        let ahead = lexer.next();
        if ahead == Token::BraceOpen {
            // What looked like the whole series is only its name.
            return self.sample_line(body, start, teller);
        }
        let tail = sample::tail(&mut lexer, ahead, &mut self.exemplar_labels)?;
        self.walk.advance();
        if teller.known(slot, tail.value, tail.t_ms).map_err(Stop::Sink)? == Known::Forget {
            return self.forgotten_line(body, start, teller);
        }
        self.tell_exemplar(body, tail, teller)?;
        Ok(lexer.at())
    }

    /// Reads a line again whose slot the sink does not want any more.
    #[cold]
    fn forgotten_line<T: Teller>(
        &mut self,
        body: &[u8],
        start: usize,
        teller: &mut T,
    ) -> Result<usize, Stop<T::Error>> {
        let (series, tail, next) = self.sample(body, start)?;
        let slot = self.tell_unknown(body, series, tail, teller)?;
        self.walk.replace_slot(slot);
        self.tell_exemplar(body, tail, teller)?;
        Ok(next)
    }

    /// Reads a line word by word.
    #[cold]
    fn line<T: Teller>(
        &mut self,
        body: &[u8],
        start: usize,
        is_last: bool,
        teller: &mut T,
    ) -> Result<Next, Stop<T::Error>> {
        let mut lexer = Lexer::new(body, self.dialect, start, start, Place::Start);
        match lexer.next() {
            Token::Linebreak => return Ok(Next::At(lexer.at())),
            // A comment behind blanks.
            Token::Invalid if body.get(lexer.at()) == Some(&b'#') => {
                let (comment, next) = comment::read(body, self.dialect, start, lexer.at())?;
                teller.interrupted().map_err(Stop::Sink)?;
                if let Comment::Metadata(metadata) = comment {
                    self.note(&metadata);
                    teller.metadata(metadata);
                }
                return Ok(Next::At(next));
            }
            _ => {}
        }
        if self.starts.is_some() && has_created(self.walk.family_type()) {
            self.line_with_start(body, start, is_last, teller)
        } else {
            self.sample_line(body, start, teller).map(Next::At)
        }
    }

    /// Reads a line of which it is not known what it tells; returns where the next line begins.
    fn sample_line<T: Teller>(
        &mut self,
        body: &[u8],
        start: usize,
        teller: &mut T,
    ) -> Result<usize, Stop<T::Error>> {
        let (series, tail, next) = self.sample(body, start)?;
        self.tell_sample(body, series, tail, teller)?;
        self.tell_exemplar(body, tail, teller)?;
        Ok(next)
    }

    /// Reads a line of a family that has start timestamps.
    fn line_with_start<T: Teller>(
        &mut self,
        body: &[u8],
        start: usize,
        is_last: bool,
        teller: &mut T,
    ) -> Result<Next, Stop<T::Error>> {
        let (series, tail, next) = self.sample(body, start)?;
        if is_created(&body[series.name.start..series.name.end]) {
            return Ok(Next::At(next));
        }
        let piece = Piece { body, base: self.base, is_last };
        let starts = self.starts.as_mut().expect("asked by the caller");
        let start_time = starts.find(piece, &self.walk, series, &self.labels, next);
        if start_time == Start::Unsure {
            return Ok(Next::Unsure(start));
        }
        self.tell_sample(body, series, tail, teller)?;
        if let Start::At(start_ms) = start_time {
            teller.created(start_ms);
        }
        self.tell_exemplar(body, tail, teller)?;
        Ok(Next::At(next))
    }

    /// Reads a sample line: its series, what stands behind, and where the next line begins.
    fn sample(&mut self, body: &[u8], start: usize) -> Result<(SeriesSpan, Tail, usize), Broken> {
        let mut lexer = Lexer::new(body, self.dialect, start, start, Place::Start);
        let first = lexer.next();
        let (series, ahead) = sample::series(&mut lexer, first, &mut self.labels)?;
        let tail = sample::tail(&mut lexer, ahead, &mut self.exemplar_labels)?;
        Ok((series, tail, lexer.at()))
    }

    fn tell_sample<T: Teller>(
        &mut self,
        body: &[u8],
        series: SeriesSpan,
        tail: Tail,
        teller: &mut T,
    ) -> Result<(), Stop<T::Error>> {
        let key = self.walk.key(&body[series.whole.start..series.whole.end]);
        let bounds = key.filter(|_| self.labels.iter().any(|label| is_bound(body, label.name)));
        if self.walk.is_torn() && self.told_as_other(bounds, body, series, tail, teller)? {
            return Ok(());
        }
        if let Some(slot) = key.and_then(|key| self.walk.find(key)) {
            if teller.known(slot, tail.value, tail.t_ms).map_err(Stop::Sink)? == Known::Forget {
                let slot = self.tell_unknown(body, series, tail, teller)?;
                self.walk.replace_slot(slot);
            }
            if let Some(key) = bounds.filter(|_| self.walk.is_torn()) {
                self.walk.note_text(key, slot);
            }
            return Ok(());
        }
        if self.told_as_other(bounds, body, series, tail, teller)? {
            return Ok(());
        }
        let slot = self.tell_unknown(body, series, tail, teller)?;
        if let Some(key) = key {
            self.walk.learn(key, slot);
        }
        if let Some(key) = bounds {
            self.walk.note_text(key, slot);
        }
        Ok(())
    }

    /// Tells a line again as the series that its text was before in this page, under another type.
    fn told_as_other<T: Teller>(
        &mut self,
        bounds: Option<Key>,
        body: &[u8],
        series: SeriesSpan,
        tail: Tail,
        teller: &mut T,
    ) -> Result<bool, Stop<T::Error>> {
        let told = bounds.and_then(|key| self.walk.told_as_other(key));
        let Some((slot, family_type)) = told else { return Ok(false) };
        if teller.known(slot, tail.value, tail.t_ms).map_err(Stop::Sink)? == Known::Forget {
            self.tell_unknown_as(family_type, body, series, tail, teller)?;
        }
        Ok(true)
    }

    fn tell_unknown<T: Teller>(
        &mut self,
        body: &[u8],
        series: SeriesSpan,
        tail: Tail,
        teller: &mut T,
    ) -> Result<u32, Stop<T::Error>> {
        self.tell_unknown_as(self.walk.family_type(), body, series, tail, teller)
    }

    fn tell_unknown_as<T: Teller>(
        &mut self,
        family_type: FamilyType,
        body: &[u8],
        series: SeriesSpan,
        tail: Tail,
        teller: &mut T,
    ) -> Result<u32, Stop<T::Error>> {
        let start = series.whole.start;
        let text = utf8(body, series.whole)?;
        make_relative(&mut self.labels, start);
        let name = Span { start: series.name.start - start, end: series.name.end - start };
        let extras = match &self.unit_labels {
            Some(noted) => Extras { has_type: true, unit: &noted.unit },
            None => Extras::default(),
        };
        let line = SeriesLine::new(text, name, &self.labels, family_type, extras);
        let is_own = |name: &str| self.walk.is_family(name);
        teller.unknown(&line, &is_own, tail.value, tail.t_ms).map_err(Stop::Sink)
    }

    fn tell_exemplar<T: Teller>(
        &mut self,
        body: &[u8],
        tail: Tail,
        teller: &mut T,
    ) -> Result<(), Stop<T::Error>> {
        let Some(exemplar) = tail.exemplar else { return Ok(()) };
        let start = self.exemplar_labels.first().map_or(0, |label| label.name.start);
        let end = self.exemplar_labels.last().map_or(0, |label| label.value.end);
        let text = utf8(body, Span { start, end })?;
        make_relative(&mut self.exemplar_labels, start);
        let line = ExemplarLine::new(text, &self.exemplar_labels, exemplar.value, exemplar.t_ms);
        teller.exemplar(&line);
        Ok(())
    }
}

/// Reads a series that we wrote: its name and labels, as spans in the text.
pub(crate) fn read_series(text: &str, labels: &mut Vec<LabelSpan>) -> Span {
    let mut lexer = Lexer::new(text.as_bytes(), Dialect::Text, 0, 0, Place::Start);
    let first = lexer.next();
    let read = sample::series(&mut lexer, first, labels);
    read.map(|(series, _)| series.name).expect("what was read once is read again")
}

fn after_end(body: &[u8], at: usize) -> Broken {
    error_at(body, at, "unexpected data after # EOF".to_owned())
}

/// Whether a label's value may be a bound.
fn is_bound(body: &[u8], name: Span) -> bool {
    matches!(&body[name.start..name.end], b"le" | b"quantile")
}

/// Values are checked word by word; this finds quoted names that are not UTF-8.
fn utf8(body: &[u8], span: Span) -> Result<&str, Broken> {
    std::str::from_utf8(&body[span.start..span.end]).map_err(|error| {
        let message = "invalid UTF-8 in a quoted name".to_owned();
        error_at(body, span.start + error.valid_up_to(), message)
    })
}

fn make_relative(labels: &mut [LabelSpan], start: usize) {
    for span in labels.iter_mut().flat_map(|label| [&mut label.name, &mut label.value]) {
        span.start -= start;
        span.end -= start;
    }
}

/// Reads a decimal and, in the text format, a timestamp up to the line feed: value, timestamp, the
/// next line. `None` for everything else. A call for every sample would cost a twentieth.
#[inline(always)]
fn quick_tail(dialect: Dialect, body: &[u8], at: usize) -> Option<(f64, Option<i64>, usize)> {
    let rest = body.get(at..)?;
    let (value, len) = number::take_decimal(rest)?;
    match rest.get(len)? {
        b'\n' => Some((value, None, at + len + 1)),
        b' ' if dialect == Dialect::Text => {
            let (t_ms, digits) = quick_digits(&rest[len + 1..])?;
            let end = len + 1 + digits;
            (rest.get(end) == Some(&b'\n')).then_some((value, Some(t_ms), at + end + 1))
        }
        _ => None,
    }
}

/// As many digits as surely fit.
fn quick_digits(text: &[u8]) -> Option<(i64, usize)> {
    let len = text.iter().take(19).take_while(|b| b.is_ascii_digit()).count();
    let fold = |value, digit: &u8| value * 10 + i64::from(digit - b'0');
    (1..=18).contains(&len).then(|| (text[..len].iter().fold(0, fold), len))
}

#[test]
fn digits_that_may_not_fit_are_not_read_quickly() {
    assert_eq!(quick_digits(b"999999999999999999 "), Some((999_999_999_999_999_999, 18)));
    assert_eq!(quick_digits(b"9999999999999999999 "), None);
    assert_eq!(quick_digits(b"x"), None);
}

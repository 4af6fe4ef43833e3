//! The door: a page, whole or in pieces, to a sink.

use crate::dialect::Dialect;
use crate::error::{Broken, Failure, Stop, SyntaxError, error_at};
use crate::negotiate::Format;
use crate::nhcb::{Collecting, Converting};
use crate::options::Options;
use crate::parse::Lines;
use crate::predictor::{Predictor, Walk};
use crate::protobuf::Messages;
use crate::sink::Sink;

/// Longer lines are refused.
const LONGEST_LINE: usize = 16 << 20;
/// Larger messages are refused: a family of 200,000 series is one.
pub(crate) const LONGEST_MESSAGE: usize = 64 << 20;

/// Reads a page and tells the sink its samples in order. Known series go to [`Sink::known`] by the
/// slot they got before.
///
/// # Errors
/// When the page breaks its format or the sink refuses a sample. The sink has the samples before
/// that place; the memory is as it was before the page, except that other options clear it, and that
/// slots that the sink replaced stay replaced.
pub fn parse<S: Sink>(
    options: &Options,
    body: &[u8],
    memory: &mut Predictor,
    sink: &mut S,
) -> Result<(), Failure<S::Error>> {
    Parser::new(options, memory).finish(body, sink)
}

/// Reads a page that comes in pieces. What it tells and refuses does not depend on how the page is
/// cut, nor do the positions of errors. After an error it is of no more use; dropped without
/// [`Parser::finish`] or [`Parser::interrupt`], it leaves the memory as it was.
pub struct Parser<'m> {
    form: Form<'m>,
    collecting: Collecting,
    keep_classic: bool,
    type_labels: bool,
    longest: usize,
    /// Bytes of the page read before.
    offset: usize,
    /// Lines of the page read before.
    lines: usize,
    /// Fewer bytes than these cannot be judged.
    needed: usize,
}

enum Form<'m> {
    Lines(Box<Lines<'m>>),
    Messages(Box<Messages<'m>>),
}

impl<'m> Parser<'m> {
    /// Begins a page.
    pub fn new(options: &Options, memory: &'m mut Predictor) -> Self {
        let walk = Walk::new(memory, options);
        let lines = |dialect, walk| Form::Lines(Box::new(Lines::new(dialect, options, walk)));
        let (form, longest) = match options.format {
            Format::Text => (lines(Dialect::Text, walk), LONGEST_LINE),
            Format::OpenMetrics => (lines(Dialect::OpenMetrics, walk), LONGEST_LINE),
            Format::Protobuf => {
                let messages = Messages::new(options, walk);
                // The length stands before it.
                (Form::Messages(Box::new(messages)), LONGEST_MESSAGE + 10)
            }
        };
        Self {
            form,
            collecting: Collecting::default(),
            keep_classic: options.keep_classic,
            type_labels: options.type_and_unit_labels,
            longest,
            offset: 0,
            lines: 0,
            needed: 0,
        }
    }

    /// Reads as much as can be judged already, and returns how much that was. The rest is to be
    /// given again, with more behind it.
    ///
    /// # Errors
    /// As [`parse`]; also when a line is longer than 16 MiB, or a message than 64 MiB.
    pub fn feed<S: Sink>(
        &mut self,
        bytes: &[u8],
        sink: &mut S,
    ) -> Result<usize, Failure<S::Error>> {
        if bytes.len() < self.needed {
            return Ok(0);
        }
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let piece = &rest[..rest.len().min(self.longest)];
            let read = self.read(piece, false, sink)?;
            if read == 0 {
                if piece.len() < rest.len() {
                    return Err(self.too_long());
                }
                break;
            }
            self.advance(&piece[..read]);
            at += read;
        }
        // So that a long line is not read from its start with every few bytes more.
        let rest = bytes.len() - at;
        self.needed = rest.saturating_mul(2).min(self.longest + 1);
        Ok(at)
    }

    /// Reads the rest of the page, and remembers it.
    ///
    /// # Errors
    /// As [`Parser::feed`].
    pub fn finish<S: Sink>(mut self, rest: &[u8], sink: &mut S) -> Result<(), Failure<S::Error>> {
        let mut rest = rest;
        while rest.len() > self.longest {
            let piece = &rest[..self.longest];
            let read = self.read(piece, false, sink)?;
            if read == 0 {
                return Err(self.too_long());
            }
            self.advance(&piece[..read]);
            rest = &rest[read..];
        }
        self.read(rest, true, sink)?;
        match self.form {
            Form::Lines(lines) => lines.walk.finish(),
            Form::Messages(messages) => messages.walk.finish(),
        }
        Ok(())
    }

    /// Gives the page up for no fault of its own. The series that were new in it are remembered, up to
    /// 262,144 of them; so the next page, if it is the same, is read faster.
    pub fn interrupt(self) {
        match self.form {
            Form::Lines(lines) => lines.walk.interrupt(),
            Form::Messages(messages) => messages.walk.interrupt(),
        }
    }

    fn read<S: Sink>(
        &mut self,
        piece: &[u8],
        is_last: bool,
        sink: &mut S,
    ) -> Result<usize, Failure<S::Error>> {
        let read = match &mut self.form {
            Form::Messages(messages) => messages.read(piece, is_last, sink),
            Form::Lines(lines) => match lines.walk.conversion.take() {
                None => lines.read(piece, is_last, sink),
                Some(mut conversion) => {
                    let mut teller = Converting {
                        sink,
                        conversion: &mut conversion,
                        collecting: &mut self.collecting,
                        keep_classic: self.keep_classic,
                        type_labels: self.type_labels,
                    };
                    let read = lines.read(piece, is_last, &mut teller);
                    lines.walk.conversion = Some(conversion);
                    read
                }
            },
        };
        read.map_err(|stop| match stop {
            Stop::Sink(error) => Failure::Sink(error),
            Stop::Broken(broken) => Failure::Syntax(self.in_page(broken)),
        })
    }

    fn advance(&mut self, read: &[u8]) {
        self.offset += read.len();
        if matches!(self.form, Form::Lines(_)) {
            self.lines += memchr::memchr_iter(b'\n', read).count();
        }
    }

    fn too_long<E>(&self) -> Failure<E> {
        let what = if matches!(self.form, Form::Lines(_)) { "line" } else { "message" };
        let message = format!("{what} longer than {} bytes", self.longest);
        Failure::Syntax(self.in_page(error_at(&[], 0, message)))
    }

    /// Gives the position in the page to an error in a piece.
    fn in_page(&self, broken: Broken) -> SyntaxError {
        let mut error = broken.error;
        error.offset += self.offset;
        match self.form {
            Form::Lines(_) => error.line += self.lines,
            Form::Messages(_) => (error.line, error.column) = (1, error.offset + 1),
        }
        error
    }
}

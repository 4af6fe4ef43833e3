//! The words of the language.

use super::ast::{AggregateOp, BinaryOp, Span};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something the lexer could not read; the message is kept in the lexer.
    Error,
    Eof,
    Comma,
    Colon,
    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    /// `=`
    Assign,
    /// `=~`
    EqRegex,
    /// `!~`
    NeRegex,
    /// `@`
    At,
    Number,
    Duration,
    String,
    Identifier,
    /// An identifier with a colon.
    MetricIdentifier,
    Operator(BinaryOp),
    Aggregator(AggregateOp),
    Keyword(Keyword),
}

/// A word with a meaning, besides operators and aggregations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Offset,
    Smoothed,
    Anchored,
    By,
    Without,
    On,
    Ignoring,
    GroupLeft,
    GroupRight,
    Fill,
    FillLeft,
    FillRight,
    Bool,
    Start,
    End,
    Step,
    Range,
    MinOf,
    MaxOf,
}

/// A token: what it is and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

impl Kind {
    /// The meaning of a word outside of braces; letter case does not matter.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        const LONGEST: usize = 12;
        let mut lower = [0; LONGEST];
        let lower = lower.get_mut(..word.len())?;
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        Some(match &*lower {
            b"inf" | b"nan" => Self::Number,
            b"and" => Self::Operator(BinaryOp::And),
            b"or" => Self::Operator(BinaryOp::Or),
            b"unless" => Self::Operator(BinaryOp::Unless),
            b"atan2" => Self::Operator(BinaryOp::Atan2),
            b"sum" => Self::Aggregator(AggregateOp::Sum),
            b"avg" => Self::Aggregator(AggregateOp::Avg),
            b"count" => Self::Aggregator(AggregateOp::Count),
            b"min" => Self::Aggregator(AggregateOp::Min),
            b"max" => Self::Aggregator(AggregateOp::Max),
            b"group" => Self::Aggregator(AggregateOp::Group),
            b"stddev" => Self::Aggregator(AggregateOp::Stddev),
            b"stdvar" => Self::Aggregator(AggregateOp::Stdvar),
            b"topk" => Self::Aggregator(AggregateOp::Topk),
            b"bottomk" => Self::Aggregator(AggregateOp::Bottomk),
            b"count_values" => Self::Aggregator(AggregateOp::CountValues),
            b"quantile" => Self::Aggregator(AggregateOp::Quantile),
            b"limitk" => Self::Aggregator(AggregateOp::Limitk),
            b"limit_ratio" => Self::Aggregator(AggregateOp::LimitRatio),
            b"offset" => Self::Keyword(Keyword::Offset),
            b"smoothed" => Self::Keyword(Keyword::Smoothed),
            b"anchored" => Self::Keyword(Keyword::Anchored),
            b"by" => Self::Keyword(Keyword::By),
            b"without" => Self::Keyword(Keyword::Without),
            b"on" => Self::Keyword(Keyword::On),
            b"ignoring" => Self::Keyword(Keyword::Ignoring),
            b"group_left" => Self::Keyword(Keyword::GroupLeft),
            b"group_right" => Self::Keyword(Keyword::GroupRight),
            b"fill" => Self::Keyword(Keyword::Fill),
            b"fill_left" => Self::Keyword(Keyword::FillLeft),
            b"fill_right" => Self::Keyword(Keyword::FillRight),
            b"bool" => Self::Keyword(Keyword::Bool),
            b"start" => Self::Keyword(Keyword::Start),
            b"end" => Self::Keyword(Keyword::End),
            _ => return Self::of_duration_word(lower),
        })
    }

    /// The meaning of a word where a duration is wanted.
    pub(super) fn of_duration_word(lower: &[u8]) -> Option<Self> {
        Some(Self::Keyword(match lower {
            b"step" => Keyword::Step,
            b"range" => Keyword::Range,
            b"min_of" => Keyword::MinOf,
            b"max_of" => Keyword::MaxOf,
            _ => return None,
        }))
    }

    /// Whether the word may name a metric.
    pub(super) fn is_metric_name(self) -> bool {
        match self {
            Self::Identifier | Self::MetricIdentifier | Self::Aggregator(_) => true,
            Self::Operator(op) => op.is_set(),
            Self::Keyword(keyword) => !matches!(
                keyword,
                Keyword::On
                    | Keyword::Ignoring
                    | Keyword::GroupLeft
                    | Keyword::GroupRight
                    | Keyword::Bool
            ),
            _ => false,
        }
    }

    /// Whether the word may name a label in `by`, `on` and the like.
    pub(super) fn is_label_name(self) -> bool {
        match self {
            Self::Identifier | Self::MetricIdentifier | Self::Aggregator(_) => true,
            Self::Operator(op) => op.is_set() || op == BinaryOp::Atan2,
            Self::Keyword(keyword) => keyword != Keyword::Without,
            _ => false,
        }
    }

    /// How an unexpected token of this kind is called in an error.
    pub(super) fn describe(self, text: &str) -> String {
        match self {
            Self::Error => String::from("error"),
            Self::Eof => String::from("end of input"),
            Self::Number => format!("number {}", clipped(text)),
            Self::Duration => format!("duration {}", clipped(text)),
            Self::String => format!("string {}", clipped(text)),
            Self::Identifier => format!("identifier {}", quoted(text)),
            Self::MetricIdentifier => format!("metric identifier {}", quoted(text)),
            Self::Operator(_) | Self::EqRegex | Self::NeRegex | Self::At => format!("<op:{text}>"),
            Self::Aggregator(_) => format!("<aggr:{text}>"),
            Self::Keyword(
                Keyword::Start
                | Keyword::End
                | Keyword::Step
                | Keyword::Range
                | Keyword::MinOf
                | Keyword::MaxOf,
            ) => quoted(text),
            Self::Keyword(_) => format!("<{text}>"),
            Self::Comma
            | Self::Colon
            | Self::LeftParen
            | Self::RightParen
            | Self::LeftBrace
            | Self::RightBrace
            | Self::LeftBracket
            | Self::RightBracket
            | Self::Assign => quoted(text),
        }
    }
}

/// Text as Go's `%q` writes it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::new();
    model::names::write_quoted(&mut out, text).expect("a string takes text");
    out
}

/// Text as Go's `%q` writes it, cut after ten characters.
fn clipped(text: &str) -> String {
    if text.len() <= 10 {
        return quoted(text);
    }
    let end = text.char_indices().nth(10).map_or(text.len(), |(i, _)| i);
    quoted(&text[..end]) + "..."
}

/// A character as Go's `%q` writes it.
pub(super) fn quoted_char(c: char) -> String {
    match c {
        '\'' => String::from("'\\''"),
        '"' => String::from("'\"'"),
        c => {
            let text = quoted(c.encode_utf8(&mut [0; 4]));
            format!("'{}'", &text[1..text.len() - 1])
        }
    }
}

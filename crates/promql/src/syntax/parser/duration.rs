//! Durations in brackets and after `offset`: literals and arithmetic on them.

use super::super::ast::{BinaryOp, Dur, DurationExpr, DurationOp, Node, Span};
use super::super::token::{Keyword, Kind, Token};
use super::operator::Power;
use super::{Parsed, Parser};

/// A duration being read: a literal becomes a node only when it is part of something larger.
#[derive(Clone, Copy)]
pub(super) enum Amount {
    Literal { seconds: f64, duration: bool, span: Span },
    Computed(DurationExpr, Span),
}

/// What may be written, as errors say it.
pub(super) const WANTED: &str = "number, duration, step(), or range()";

impl Parser<'_> {
    /// The range or step in brackets; a literal must be positive.
    pub(super) fn positive_duration(&mut self) -> Parsed<Dur> {
        let amount = self.duration(Power::LOWEST)?;
        if let Amount::Literal { seconds, span, .. } = amount {
            let ms = whole_ms(seconds);
            if seconds <= 0.0 || ms == Some(0) {
                self.error(span, "duration must be greater than 0");
            }
            return Ok(Dur::Ms(ms.unwrap_or(0)));
        }
        self.computed(amount)
    }

    /// What follows `offset`. Without parentheses it is one literal or call with at most one sign,
    /// so that `x offset 5m + y` is a sum of vectors.
    pub(super) fn offset_duration(&mut self) -> Parsed<Dur> {
        let sign = match self.token.kind {
            Kind::Operator(BinaryOp::Add | BinaryOp::Sub) => Some(self.take()),
            _ => None,
        };
        let amount = match (self.token.kind, sign) {
            (Kind::Operator(BinaryOp::Add | BinaryOp::Sub), Some(sign)) => {
                let inner = self.deeper(|parser| parser.duration(Power::below_sign()))?;
                let signed = self.signed_amount(sign, inner)?;
                self.duration_operators(signed, Power::LOWEST)?
            }
            (Kind::LeftParen, None) => self.duration(Power::LOWEST)?,
            (_, Some(sign)) => {
                let inner = self.amount()?;
                self.signed_amount(sign, inner)?
            }
            (_, None) => self.amount()?,
        };
        match amount {
            Amount::Literal { seconds, .. } => Ok(Dur::Ms(whole_ms(seconds).unwrap_or(0))),
            Amount::Computed(..) => self.computed(amount),
        }
    }

    fn duration(&mut self, least: Power) -> Parsed<Amount> {
        let first = match self.token.kind {
            Kind::Operator(BinaryOp::Add | BinaryOp::Sub) => {
                let sign = self.take();
                let inner = self.deeper(|parser| parser.duration(Power::below_sign()))?;
                self.signed_amount(sign, inner)?
            }
            _ => self.amount()?,
        };
        self.duration_operators(first, least)
    }

    fn duration_operators(&mut self, first: Amount, least: Power) -> Parsed<Amount> {
        let mut left = first;
        while let Kind::Operator(op) = self.token.kind {
            let Some(duration_op) = duration_op(op) else { break };
            let power = Power::of(op);
            if power < least {
                break;
            }
            let sign = self.take();
            let right = self.deeper(|parser| parser.duration(power.right()))?;
            if let (DurationOp::Div | DurationOp::Mod, Amount::Literal { seconds: 0.0, .. }) =
                (duration_op, right)
            {
                let what = if duration_op == DurationOp::Div { "division" } else { "modulo" };
                self.error(sign.span, format!("{what} by zero"));
            }
            left = self.join(duration_op, left, right)?;
        }
        Ok(left)
    }

    fn join(&mut self, op: DurationOp, left: Amount, right: Amount) -> Parsed<Amount> {
        let span = left.span().to(right.span());
        let (lhs, rhs) = (Some(self.node_of(left)?), Some(self.node_of(right)?));
        Ok(Amount::Computed(DurationExpr { op, lhs, rhs, wrapped: false }, span))
    }

    fn signed_amount(&mut self, sign: Token, amount: Amount) -> Parsed<Amount> {
        let negative = sign.kind == Kind::Operator(BinaryOp::Sub);
        let span = sign.span.to(amount.span());
        match amount {
            Amount::Literal { seconds, duration, .. } => {
                let seconds = if negative { -seconds } else { seconds };
                Ok(Amount::Literal { seconds, duration, span })
            }
            Amount::Computed(..) if negative => {
                let rhs = Some(self.node_of(amount)?);
                let op = DurationOp::Sub;
                Ok(Amount::Computed(DurationExpr { op, lhs: None, rhs, wrapped: false }, span))
            }
            Amount::Computed(..) => Ok(amount),
        }
    }

    /// A literal, a call or parentheses.
    fn amount(&mut self) -> Parsed<Amount> {
        match self.token.kind {
            Kind::Number | Kind::Duration => {
                let token = self.take();
                let mut seconds = self.value_of(token);
                if whole_ms(seconds).is_none() {
                    self.error(token.span, "duration out of range");
                    seconds = 0.0;
                }
                let duration = token.kind == Kind::Duration;
                Ok(Amount::Literal { seconds, duration, span: token.span })
            }
            Kind::Keyword(keyword @ (Keyword::Step | Keyword::Range)) => {
                let start = self.take().span;
                self.expect(Kind::LeftParen)?;
                let end = self.expect(Kind::RightParen)?.span;
                let step = keyword == Keyword::Step;
                let op = if step { DurationOp::Step } else { DurationOp::Range };
                let call = DurationExpr { op, lhs: None, rhs: None, wrapped: false };
                Ok(Amount::Computed(call, start.to(end)))
            }
            Kind::Keyword(keyword @ (Keyword::MinOf | Keyword::MaxOf)) => {
                let start = self.take().span;
                self.expect(Kind::LeftParen)?;
                let left = self.deeper(|parser| parser.duration(Power::LOWEST))?;
                self.expect(Kind::Comma)?;
                let right = self.deeper(|parser| parser.duration(Power::LOWEST))?;
                let end = self.expect(Kind::RightParen)?.span;
                let min = keyword == Keyword::MinOf;
                let op = if min { DurationOp::Min } else { DurationOp::Max };
                let (lhs, rhs) = (Some(self.node_of(left)?), Some(self.node_of(right)?));
                let call = DurationExpr { op, lhs, rhs, wrapped: false };
                Ok(Amount::Computed(call, start.to(end)))
            }
            Kind::LeftParen => {
                let start = self.take().span;
                let inner = self.deeper(|parser| parser.duration(Power::LOWEST))?;
                let end = self.expect(Kind::RightParen)?.span;
                self.wrapped(inner, start.to(end))
            }
            _ => self.unexpected(),
        }
    }

    fn wrapped(&mut self, inner: Amount, span: Span) -> Parsed<Amount> {
        let expr = match inner {
            Amount::Computed(expr, _) => DurationExpr { wrapped: true, ..expr },
            Amount::Literal { .. } => {
                let rhs = Some(self.node_of(inner)?);
                DurationExpr { op: DurationOp::Add, lhs: None, rhs, wrapped: true }
            }
        };
        Ok(Amount::Computed(expr, span))
    }

    fn computed(&mut self, amount: Amount) -> Parsed<Dur> {
        Ok(Dur::Expr(self.node_of(amount)?))
    }

    fn node_of(&mut self, amount: Amount) -> Parsed {
        match amount {
            Amount::Literal { seconds: value, duration, span } => {
                self.push(Node::Number { value, duration }, span)
            }
            Amount::Computed(expr, span) => self.push(Node::Duration(expr), span),
        }
    }
}

impl Amount {
    fn span(self) -> Span {
        match self {
            Self::Literal { span, .. } | Self::Computed(_, span) => span,
        }
    }
}

fn duration_op(op: BinaryOp) -> Option<DurationOp> {
    Some(match op {
        BinaryOp::Add => DurationOp::Add,
        BinaryOp::Sub => DurationOp::Sub,
        BinaryOp::Mul => DurationOp::Mul,
        BinaryOp::Div => DurationOp::Div,
        BinaryOp::Mod => DurationOp::Mod,
        BinaryOp::Pow => DurationOp::Pow,
        _ => return None,
    })
}

/// Seconds as milliseconds, what is below cut off; `None` beyond 292 years.
fn whole_ms(seconds: f64) -> Option<i64> {
    const MAX_SECONDS: f64 = 9_223_372_036.0;
    if !(-MAX_SECONDS..=MAX_SECONDS).contains(&seconds) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "below 10^13, and cutting is meant")]
    Some(((seconds * 1e9).round() / 1e6) as i64)
}

//! Operands: literals, selectors, parentheses, function calls and aggregations.

use super::super::ast::{Aggregate, AggregateOp, BinaryOp, Node, NodeId, Span};
use super::super::functions::Function;
use super::super::string::unquote;
use super::super::token::{Keyword, Kind, Token, quoted};
use super::operator::Power;
use super::{Parsed, Parser};

impl Parser<'_> {
    /// An operand with everything that follows it closely.
    pub(super) fn operand(&mut self) -> Parsed {
        let id = self.primary()?;
        self.postfix(id)
    }

    fn primary(&mut self) -> Parsed {
        match self.token.kind {
            Kind::Number | Kind::Duration => {
                let token = self.take();
                let value = self.value_of(token);
                let duration = token.kind == Kind::Duration;
                self.push(Node::Number { value, duration }, token.span)
            }
            Kind::String => {
                let token = self.take();
                self.push(Node::String(unquote(self.text_of(token))), token.span)
            }
            Kind::LeftParen => self.parentheses(),
            Kind::LeftBrace => self.vector_selector(None),
            kind if kind.is_metric_name() => self.named(kind),
            _ => self.unexpected(),
        }
    }

    fn parentheses(&mut self) -> Parsed {
        let start = self.take().span;
        let inner = self.deeper(|parser| parser.expression(Power::LOWEST))?;
        let end = self.expect(Kind::RightParen)?.span;
        self.push(Node::Paren(inner), start.to(end))
    }

    /// Something that starts with a word: what comes after it decides.
    fn named(&mut self, kind: Kind) -> Parsed {
        let name = self.take();
        let grouped = matches!(self.token.kind, Kind::Keyword(Keyword::By | Keyword::Without));
        let called = self.token.kind == Kind::LeftParen;
        match kind {
            Kind::Aggregator(op) if called || grouped => {
                self.within("aggregation", "", |parser| parser.aggregate(op, name.span))
            }
            Kind::Identifier
            | Kind::Keyword(
                Keyword::Start
                | Keyword::End
                | Keyword::Step
                | Keyword::Range
                | Keyword::MinOf
                | Keyword::MaxOf,
            ) if called => self.call(name),
            _ => self.vector_selector(Some(name)),
        }
    }

    fn call(&mut self, name: Token) -> Parsed {
        let function = Function::by_name(self.text_of(name));
        let shown = || quoted(&self.text[name.span.range()]);
        let fault = match function {
            None => Some(format!("unknown function with name {}", shown())),
            Some(function)
                if function.signature().experimental && !self.features.experimental_functions =>
            {
                Some(format!("function {} is not enabled", shown()))
            }
            Some(_) => None,
        };
        let (args, end) = self.arguments()?;
        if let Some(fault) = fault {
            self.error(name.span, fault);
        }
        let span = name.span.to(end);
        match function {
            Some(func) => self.push(Node::Call { func, args }, span),
            None => self.placeholder(span),
        }
    }

    /// Arguments in parentheses, and the right one.
    fn arguments(&mut self) -> Parsed<(Vec<NodeId>, Span)> {
        self.expect(Kind::LeftParen)?;
        let mut args = Vec::new();
        if let Some(end) = self.eat(Kind::RightParen) {
            return Ok((args, end.span));
        }
        loop {
            args.push(self.deeper(|parser| parser.expression(Power::LOWEST))?);
            let mut more = false;
            while let Some(comma) = self.eat(Kind::Comma) {
                more = self.starts_expression();
                if more {
                    break;
                }
                self.error(comma.span, "trailing commas not allowed in function call args");
            }
            if !more {
                let end = self.expect(Kind::RightParen)?;
                return Ok((args, end.span));
            }
        }
    }

    fn starts_expression(&self) -> bool {
        match self.token.kind {
            Kind::Number | Kind::Duration | Kind::String | Kind::LeftParen | Kind::LeftBrace => {
                true
            }
            Kind::Operator(BinaryOp::Add | BinaryOp::Sub) => true,
            // So that the lexer's own error is reported.
            Kind::Error => true,
            kind => kind.is_metric_name(),
        }
    }

    /// An aggregation; its name was read.
    fn aggregate(&mut self, op: AggregateOp, start: Span) -> Parsed {
        let mut grouping = self.aggregate_modifier()?;
        let (args, mut end) = self.arguments()?;
        if grouping.is_none() {
            grouping = self.aggregate_modifier()?;
            if grouping.is_some() {
                end.end = self.last_end;
            }
        }
        let span = start.to(end);
        let (without, grouping) = grouping.unwrap_or_default();
        let wanted = 1 + usize::from(op.param_type().is_some());
        if args.is_empty() {
            self.error(span, "no arguments for aggregate expression provided");
        } else if op.is_experimental() && !self.features.experimental_functions {
            let name = op.as_str();
            let flag = "--enable-feature=promql-experimental-functions";
            self.error(span, format!("{name}() is experimental and must be enabled with {flag}"));
        } else if args.len() != wanted {
            let got = args.len();
            let fault = "wrong number of arguments for aggregate expression provided";
            self.error(span, format!("{fault}, expected {wanted}, got {got}"));
        }
        let (param, expr) = match *args {
            [expr] => (None, expr),
            [param, expr] => (Some(param), expr),
            _ => return self.placeholder(span),
        };
        self.push(Node::Aggregate(Aggregate { op, expr, param, grouping, without }), span)
    }

    /// `by (...)` or `without (...)`, if it comes next: whether it is `without`, and the labels.
    fn aggregate_modifier(&mut self) -> Parsed<Option<(bool, Vec<Box<str>>)>> {
        let without = match self.token.kind {
            Kind::Keyword(Keyword::By) => false,
            Kind::Keyword(Keyword::Without) => true,
            _ => return Ok(None),
        };
        self.take();
        Ok(Some((without, self.grouping()?)))
    }

    /// A list of label names in parentheses.
    pub(super) fn grouping(&mut self) -> Parsed<Vec<Box<str>>> {
        const PLACE: &str = "grouping opts";
        if self.eat(Kind::LeftParen).is_none() {
            return self.unexpected_in(PLACE, "\"(\"");
        }
        let mut labels = Vec::new();
        if self.eat(Kind::RightParen).is_some() {
            return Ok(labels);
        }
        loop {
            let token = self.token;
            let label = match token.kind {
                Kind::String => {
                    self.take();
                    self.utf8(token)
                }
                kind if kind.is_label_name() => {
                    self.take();
                    String::from(self.text_of(token))
                }
                _ => return self.unexpected_in(PLACE, "label"),
            };
            if label.is_empty() {
                self.error(token.span, "invalid label name for grouping: \"\"");
            }
            labels.push(label.into());
            let comma = self.eat(Kind::Comma).is_some();
            if self.eat(Kind::RightParen).is_some() {
                return Ok(labels);
            }
            if !comma {
                return self.unexpected_in(PLACE, "\",\" or \")\"");
            }
        }
    }
}

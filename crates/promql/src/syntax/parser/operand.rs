//! Operands: literals, selectors, parentheses, function calls and aggregations.

use super::super::ast::{Aggregate, AggregateOp, BinaryOp, Node, NodeId, Span};
use super::super::functions::Function;
use super::super::string::unquote;
use super::super::token::{Keyword, Kind, Token, quoted};
use super::operator::Power;
use super::{Context, Parsed, Parser};

impl Parser<'_> {
    /// An operand with its signs and everything that follows it closely.
    ///
    /// What lies on the way from one level of nesting to the next is kept in small functions: it is
    /// the stack that bounds the depth.
    pub(super) fn operand(&mut self) -> Parsed {
        let id = match self.token.kind {
            Kind::Operator(BinaryOp::Add | BinaryOp::Sub) => return self.signed(),
            Kind::LeftParen => self.parentheses()?,
            Kind::LeftBrace => self.vector_selector(None)?,
            kind if kind.is_metric_name() => self.named(kind)?,
            _ => self.literal()?,
        };
        self.postfix(id)
    }

    fn literal(&mut self) -> Parsed {
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
            _ => self.unexpected(),
        }
    }

    fn parentheses(&mut self) -> Parsed {
        let start = self.take().span;
        self.enter()?;
        let inner = self.expression(Power::LOWEST)?;
        self.leave();
        let end = self.expect(Kind::RightParen)?.span;
        self.push(Node::Paren(inner), start.to(end))
    }

    /// Something that starts with a word: what comes after it decides.
    fn named(&mut self, kind: Kind) -> Parsed {
        let name = self.take();
        let grouped = matches!(self.token.kind, Kind::Keyword(Keyword::By | Keyword::Without));
        let called = self.token.kind == Kind::LeftParen;
        match kind {
            Kind::Aggregator(op) if called || grouped => self.aggregate(op, name.span),
            Kind::Identifier
            | Kind::Keyword(
                Keyword::Start
                | Keyword::End
                | Keyword::Step
                | Keyword::Range
                | Keyword::MinOf
                | Keyword::MaxOf,
            ) if called => {
                let mut args = Vec::new();
                let end = self.arguments(&mut args)?;
                self.call(name, args, end)
            }
            _ => self.vector_selector(Some(name)),
        }
    }

    fn call(&mut self, name: Token, args: Vec<NodeId>, end: Span) -> Parsed {
        let function = Function::by_name(self.text_of(name));
        let shown = quoted(self.text_of(name));
        let span = name.span.to(end);
        let Some(func) = function else {
            self.error(name.span, format!("unknown function with name {shown}"));
            return self.placeholder(span);
        };
        if func.signature().experimental && !self.features.experimental_functions {
            self.error(name.span, format!("function {shown} is not enabled"));
        }
        self.push(Node::Call { func, args }, span)
    }

    /// Arguments in parentheses; returns where the right one is.
    fn arguments(&mut self, args: &mut Vec<NodeId>) -> Parsed<Span> {
        self.expect(Kind::LeftParen)?;
        if let Some(end) = self.eat(Kind::RightParen) {
            return Ok(end.span);
        }
        loop {
            self.enter()?;
            args.push(self.expression(Power::LOWEST)?);
            self.leave();
            if !self.another_argument() {
                return Ok(self.expect(Kind::RightParen)?.span);
            }
        }
    }

    /// Takes a comma that an argument follows; other commas are faults.
    fn another_argument(&mut self) -> bool {
        while let Some(comma) = self.eat(Kind::Comma) {
            if self.starts_expression() {
                return true;
            }
            self.error(comma.span, "trailing commas not allowed in function call args");
        }
        false
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
        self.contexts.push(Context { place: "aggregation", expected: "" });
        let before = self.aggregate_modifier()?;
        let mut args = Vec::new();
        let end = self.arguments(&mut args)?;
        self.aggregate_end(op, start.to(end), before, &args)
    }

    fn aggregate_end(
        &mut self,
        op: AggregateOp,
        mut span: Span,
        before: Option<(bool, Vec<Box<str>>)>,
        args: &[NodeId],
    ) -> Parsed {
        let mut grouping = before;
        if grouping.is_none() {
            grouping = self.aggregate_modifier()?;
            if grouping.is_some() {
                span.end = self.last_end;
            }
        }
        self.contexts.pop();
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

//! Vector selectors and what may follow them: ranges, `offset`, `@`, `anchored`, `smoothed`.

use super::super::ast::{At, BinaryOp, Dur, Edges, Node, NodeId, Span, Subquery, VectorSelector};
use super::super::string::unquote;
use super::super::token::{Keyword, Kind, Token};
use super::duration::WANTED;
use super::{Parsed, Parser};
use model::labels::METRIC_NAME;
use model::{MatchOp, Matcher};

impl Parser<'_> {
    /// A selector; its name, if any, was read.
    pub(super) fn vector_selector(&mut self, name: Option<Token>) -> Parsed {
        let start = name.unwrap_or(self.token).span;
        let mut matchers = Vec::new();
        let mut end = start;
        if self.eat(Kind::LeftBrace).is_some() {
            end = self.matchers(&mut matchers)?;
        }
        let name = name.map(|token| Box::from(self.text_of(token)));
        matchers.extend(name.as_deref().map(|name| Matcher::equal(METRIC_NAME, name)));
        let selector = VectorSelector {
            name,
            matchers,
            offset: Dur::Ms(0),
            at: None,
            edges: None,
            bypass_empty_check: false,
        };
        self.push(Node::VectorSelector(selector), start.to(end))
    }

    /// The inside of braces and the right brace.
    pub(super) fn matchers(&mut self, matchers: &mut Vec<Matcher>) -> Parsed<Span> {
        const PLACE: &str = "label matching";
        loop {
            if let Some(brace) = self.eat(Kind::RightBrace) {
                return Ok(brace.span);
            }
            match self.token.kind {
                Kind::Identifier => {
                    let label = self.take();
                    let name = self.text_of(label);
                    let Some(op) = match_op(self.token.kind) else {
                        return self.unexpected_in(PLACE, "label matching operator");
                    };
                    self.matcher(label, name, op, matchers)?;
                }
                Kind::String => {
                    let label = self.take();
                    let name = self.utf8(label);
                    match match_op(self.token.kind) {
                        Some(op) => self.matcher(label, &name, op, matchers)?,
                        None => matchers.push(Matcher::equal(METRIC_NAME, &name)),
                    }
                }
                _ => return self.unexpected_in(PLACE, "identifier or \"}\""),
            }
            if self.eat(Kind::Comma).is_none() && self.token.kind != Kind::RightBrace {
                return self.unexpected_in(PLACE, "\",\" or \"}\"");
            }
        }
    }

    /// The operator and the value of a matcher.
    fn matcher(
        &mut self,
        label: Token,
        name: &str,
        op: MatchOp,
        matchers: &mut Vec<Matcher>,
    ) -> Parsed<()> {
        self.take();
        if self.token.kind != Kind::String {
            return self.unexpected_in("label matching", "string");
        }
        let token = self.take();
        let value = self.utf8(token);
        match Matcher::new(op, name, &value) {
            Ok(matcher) => matchers.push(matcher),
            Err(error) => self.error(label.span.to(token.span), error.to_string()),
        }
        Ok(())
    }

    /// The text of a string token that has to be UTF-8.
    pub(super) fn utf8(&mut self, token: Token) -> String {
        let bytes = unquote(self.text_of(token)).into_vec();
        String::from_utf8(bytes).unwrap_or_else(|_| {
            let text = self.text_of(token);
            self.error(token.span, format!("string is not valid UTF-8: {text}"));
            String::new()
        })
    }

    /// Everything that binds more tightly than any operator.
    pub(super) fn postfix(&mut self, mut id: NodeId) -> Parsed {
        loop {
            match self.token.kind {
                Kind::LeftBracket => id = self.brackets(id)?,
                Kind::Keyword(Keyword::Offset) => {
                    self.take();
                    let offset =
                        self.within("offset", WANTED, |parser| parser.offset_duration())?;
                    self.set_offset(id, offset);
                }
                Kind::At => {
                    self.take();
                    self.within("@", "timestamp", |parser| parser.at_modifier(id))?;
                }
                Kind::Keyword(Keyword::Anchored) => {
                    self.take();
                    self.set_edges(id, Edges::Anchored);
                }
                Kind::Keyword(Keyword::Smoothed) => {
                    self.take();
                    self.set_edges(id, Edges::Smoothed);
                }
                _ => return Ok(id),
            }
        }
    }

    fn brackets(&mut self, id: NodeId) -> Parsed {
        let open = self.take().span;
        let range =
            self.within("subquery or range selector", WANTED, |parser| parser.positive_duration())?;
        if let Some(close) = self.eat(Kind::RightBracket) {
            return self.matrix_selector(id, range, open.to(close.span));
        }
        if self.eat(Kind::Colon).is_none() {
            return self.unexpected_in("subquery or range", "\":\" or \"]\"");
        }
        let step = if self.token.kind == Kind::RightBracket {
            None
        } else {
            let wanted = "number, duration, step(), range(), or \"]\"";
            Some(self.within("subquery selector", wanted, |parser| parser.positive_duration())?)
        };
        let Some(close) = self.eat(Kind::RightBracket) else {
            return self.unexpected_in("subquery selector", "\"]\"");
        };
        let span = self.expr.span(id).to(close.span);
        let subquery = Subquery { expr: id, range, step, offset: Dur::Ms(0), at: None };
        self.push(Node::Subquery(subquery), span)
    }

    fn matrix_selector(&mut self, id: NodeId, range: Dur, brackets: Span) -> Parsed {
        let fault = match self.expr.node(id) {
            Node::VectorSelector(selector) if selector.offset != Dur::Ms(0) => {
                "no offset modifiers allowed before range"
            }
            Node::VectorSelector(selector) if selector.at.is_some() => {
                "no @ modifiers allowed before range"
            }
            Node::VectorSelector(_) => {
                let span = self.expr.span(id).to(brackets);
                return self.push(Node::MatrixSelector { selector: id, range }, span);
            }
            _ => "ranges only allowed for vector selectors",
        };
        self.error(brackets, fault);
        self.placeholder(brackets)
    }

    fn at_modifier(&mut self, id: NodeId) -> Parsed<()> {
        let at = match self.token.kind {
            Kind::Keyword(keyword @ (Keyword::Start | Keyword::End)) => {
                self.take();
                self.expect(Kind::LeftParen)?;
                self.expect(Kind::RightParen)?;
                if keyword == Keyword::Start { At::Start } else { At::End }
            }
            _ => {
                let seconds = self.signed_number()?;
                let Some(ms) = timestamp_ms(seconds) else {
                    let span = self.expr.span(id);
                    let fault = "timestamp out of bounds for @ modifier";
                    self.error(span, format!("{fault}: {}", fixed_6(seconds)));
                    return Ok(());
                };
                At::Time(ms)
            }
        };
        self.set_at(id, at);
        Ok(())
    }

    fn set_at(&mut self, id: NodeId, at: At) {
        let span = self.expr.span(id);
        let slot = match self.selector_of(id) {
            Some(selector) => &mut selector.at,
            None => match self.expr.node_mut(id) {
                Node::Subquery(subquery) => &mut subquery.at,
                _ => return self.error(span, must_follow("@")),
            },
        };
        if slot.replace(at).is_some() {
            self.error(span, "@ <timestamp> may not be set multiple times");
        }
        self.extend(id);
    }

    fn set_offset(&mut self, id: NodeId, offset: Dur) {
        let span = self.expr.span(id);
        let slot = match self.selector_of(id) {
            Some(selector) => &mut selector.offset,
            None => match self.expr.node_mut(id) {
                Node::Subquery(subquery) => &mut subquery.offset,
                _ => return self.error(span, must_follow("offset")),
            },
        };
        if std::mem::replace(slot, offset) != Dur::Ms(0) {
            self.error(span, "offset may not be set multiple times");
        }
        self.extend(id);
    }

    fn set_edges(&mut self, id: NodeId, edges: Edges) {
        let span = self.expr.span(id);
        let word = match edges {
            Edges::Anchored => "anchored",
            Edges::Smoothed => "smoothed",
        };
        if !self.features.extended_selectors {
            self.error(span, format!("{word} modifier is experimental and not enabled"));
            return;
        }
        if let Some(selector) = self.selector_of(id) {
            if selector.edges.replace(edges).is_some_and(|other| other != edges) {
                self.error(span, "anchored and smoothed modifiers cannot be used together");
            }
            self.extend(id);
            return;
        }
        let subquery = matches!(self.expr.node(id), Node::Subquery(_));
        let fault = if subquery { "is not supported for subqueries" } else { "not implemented" };
        self.error(span, format!("{word} modifier {fault}"));
    }

    /// The vector selector that holds the modifiers of an instant or range selector.
    fn selector_of(&mut self, id: NodeId) -> Option<&mut VectorSelector> {
        let id = match self.expr.node(id) {
            Node::MatrixSelector { selector, .. } => *selector,
            _ => id,
        };
        match self.expr.node_mut(id) {
            Node::VectorSelector(selector) => Some(selector),
            _ => None,
        }
    }

    /// Makes a node end where the last token ended.
    fn extend(&mut self, id: NodeId) {
        let span = Span { end: self.last_end, ..self.expr.span(id) };
        self.expr.set_span(id, span);
    }
}

fn match_op(kind: Kind) -> Option<MatchOp> {
    Some(match kind {
        Kind::Assign => MatchOp::Equal,
        Kind::Operator(BinaryOp::Ne) => MatchOp::NotEqual,
        Kind::EqRegex => MatchOp::Regex,
        Kind::NeRegex => MatchOp::NotRegex,
        _ => return None,
    })
}

fn must_follow(modifier: &str) -> String {
    format!(
        "{modifier} modifier must be preceded by an instant vector selector or range vector \
         selector or a subquery"
    )
}

/// A number as Go's `%f` writes it.
fn fixed_6(value: f64) -> String {
    if value.is_nan() {
        String::from("NaN")
    } else if value.is_infinite() {
        String::from(if value > 0.0 { "+Inf" } else { "-Inf" })
    } else {
        format!("{value:.6}")
    }
}

/// Seconds as milliseconds, rounded; `None` when they do not fit.
fn timestamp_ms(seconds: f64) -> Option<i64> {
    const MAX_MS: f64 = 9_223_372_036_854_774_784.0;
    let ms = (seconds * 1000.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "in range, and rounded before")]
    (-MAX_MS..=MAX_MS).contains(&ms).then_some(ms as i64)
}

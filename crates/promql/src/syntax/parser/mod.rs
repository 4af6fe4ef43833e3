//! From tokens to a tree: operators by precedence climbing, everything else by descent.
//!
//! A syntax error ends the reading, since what follows would only be a consequence of it; other
//! faults are collected. Types are checked in a second pass, and only when there were no faults.

mod check;
mod duration;
mod number;
mod operand;
mod operator;
mod selector;

use super::Expr;
use super::Features;
use super::ast::{Node, NodeId, Position, Span};
use super::error::{ParseError, ParseErrors};
use super::lexer::Lexer;
use super::token::{Kind, Token};
use model::Matcher;
pub(crate) use number::parse_number;
use operator::Power;

/// How deeply expressions may be nested. Whoever walks over a tree may recurse.
pub(super) const MAX_DEPTH: u32 = 1000;

/// The most faults that are kept; one is shown.
const MAX_ERRORS: usize = 20;

/// The longest query.
const MAX_BYTES: usize = 1 << 28;

/// Reads and checks a query.
///
/// # Errors
/// All faults that were found.
pub fn parse(text: &str, features: &Features) -> Result<Expr, ParseErrors> {
    if text.len() > MAX_BYTES {
        let message = format!("query of {} bytes is too long", text.len());
        let position = Some(Position { line: 1, column: 1 });
        return Err(ParseErrors(vec![ParseError { span: Span::default(), position, message }]));
    }
    let mut parser = Parser::new(text, *features);
    if let Ok(root) = parser.query()
        && parser.errors.is_empty()
    {
        parser.check(root);
    }
    if parser.errors.is_empty() { Ok(parser.expr) } else { Err(ParseErrors(parser.errors)) }
}

/// Reads a label set in braces at the start of a text, as matchers, and says where it ends.
pub(crate) fn parse_label_set(text: &str) -> Result<(Vec<Matcher>, usize), ParseErrors> {
    let mut parser = Parser::new(text, Features::default());
    let mut matchers = Vec::new();
    let read = parser.expect(Kind::LeftBrace).and_then(|_| parser.matchers(&mut matchers));
    match read {
        Ok(end) if parser.errors.is_empty() => Ok((matchers, end.range().end)),
        _ => Err(ParseErrors(parser.errors)),
    }
}

/// A syntax error was found and recorded; reading ends.
struct Stop;

type Parsed<T = NodeId> = Result<T, Stop>;

/// Where we are and what may come, for errors.
#[derive(Clone, Copy)]
struct Context {
    place: &'static str,
    expected: &'static str,
}

struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    /// The token that comes next.
    token: Token,
    /// The end of the token before it.
    last_end: u32,
    expr: Expr,
    errors: Vec<ParseError>,
    features: Features,
    contexts: Vec<Context>,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, features: Features) -> Self {
        let mut lexer = Lexer::new(text);
        let token = lexer.next();
        Self {
            text,
            lexer,
            token,
            last_end: 0,
            expr: Expr::new(text),
            errors: Vec::new(),
            features,
            contexts: Vec::new(),
            depth: 0,
        }
    }

    fn query(&mut self) -> Parsed {
        if self.token.kind == Kind::Eof {
            self.error(Span::default(), "no expression found in input");
            return Err(Stop);
        }
        let root = self.expression(Power::LOWEST)?;
        if self.token.kind != Kind::Eof {
            return self.unexpected();
        }
        self.expr.set_root(root);
        Ok(root)
    }

    fn error(&mut self, span: Span, message: impl Into<String>) {
        if self.errors.len() == MAX_ERRORS {
            return;
        }
        let start = span.start as usize;
        let position = (!self.text.is_empty()).then(|| Position::of(self.text, start));
        self.errors.push(ParseError { span, position, message: message.into() });
    }

    /// Records that the next token does not fit.
    fn unexpected<T>(&mut self) -> Parsed<T> {
        let none = Context { place: "", expected: "" };
        let context = self.contexts.last().copied().unwrap_or(none);
        self.unexpected_in(context.place, context.expected)
    }

    fn unexpected_in<T>(&mut self, place: &str, expected: &str) -> Parsed<T> {
        let Token { kind, span } = self.token;
        if kind == Kind::Error {
            let message = self.lexer.error().unwrap_or_default().to_owned();
            self.error(span, message);
            return Err(Stop);
        }
        let mut message = format!("unexpected {}", kind.describe(&self.text[span.range()]));
        if !place.is_empty() {
            message = format!("{message} in {place}");
        }
        if !expected.is_empty() {
            message = format!("{message}, expected {expected}");
        }
        self.error(span, message);
        Err(Stop)
    }

    /// Runs a part of the grammar in which errors name another place.
    fn within<T>(
        &mut self,
        place: &'static str,
        expected: &'static str,
        part: impl FnOnce(&mut Self) -> Parsed<T>,
    ) -> Parsed<T> {
        self.contexts.push(Context { place, expected });
        let parsed = part(self);
        self.contexts.pop();
        parsed
    }

    /// Takes the next token.
    fn take(&mut self) -> Token {
        let token = self.token;
        self.last_end = token.span.end;
        self.token = self.lexer.next();
        token
    }

    /// Takes the next token if it is of a kind.
    fn eat(&mut self, kind: Kind) -> Option<Token> {
        (self.token.kind == kind).then(|| self.take())
    }

    fn expect(&mut self, kind: Kind) -> Parsed<Token> {
        match self.eat(kind) {
            Some(token) => Ok(token),
            None => self.unexpected(),
        }
    }

    fn text_of(&self, token: Token) -> &'a str {
        &self.text[token.span.range()]
    }

    /// Adds a node, unless the tree would become too deep.
    fn push(&mut self, node: Node, span: Span) -> Parsed {
        let id = self.expr.push(node, span);
        if self.expr.height(id) > MAX_DEPTH {
            return self.too_deep(span);
        }
        Ok(id)
    }

    /// Stands for something faulty, so that reading can go on; the tree is never handed out.
    fn placeholder(&mut self, span: Span) -> Parsed {
        self.push(Node::Number { value: 0.0, duration: false }, span)
    }

    /// Counts one level of nesting; [`Self::leave`] ends it, unless reading stops.
    fn enter(&mut self) -> Parsed<()> {
        if self.depth == MAX_DEPTH {
            let span = self.token.span;
            return self.too_deep(span);
        }
        self.depth += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn deeper<T>(&mut self, part: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.enter()?;
        let parsed = part(self)?;
        self.leave();
        Ok(parsed)
    }

    fn too_deep<T>(&mut self, span: Span) -> Parsed<T> {
        self.error(span, format!("expression is nested more than {MAX_DEPTH} levels deep"));
        Err(Stop)
    }
}

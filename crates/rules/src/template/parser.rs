//! Tokens to a tree, refusing what Go refuses.

use super::lexer::{self, Kind, Token};
use super::tree::{Branch, Call, Command, Node, Pipeline, Tree, Word, WordKind};
use super::{TemplateError, functions};

/// Parentheses and blocks within each other; more are an attack on the stack.
const MAX_DEPTH: usize = 100;

/// Reads a text.
pub(super) fn parse(name: &str, text: &str) -> Result<Tree, TemplateError> {
    let error = |at: usize, message: String| TemplateError {
        name: name.to_owned(),
        line: 1 + text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count(),
        message,
    };
    let tokens = lexer::tokens(text);
    let mut parser = Parser {
        text,
        tokens: &tokens,
        next: 0,
        variables: vec!["$".to_owned()],
        tree: Tree::default(),
        depth: 0,
        loops: 0,
    };
    let read = parser.list(Place::Top).and_then(|(root, end)| match end {
        Ending::End => Ok(root),
        other => Err(Fault { at: other.at(), message: format!("unexpected {{{{{other}}}}}") }),
    });
    let root = read.and_then(|root| match parser.tree.defined.get(name) {
        Some(other) if !says_nothing(other) => Err(twice(text.len(), name)),
        _ => Ok(root),
    });
    parser.tree.root = root.map_err(|fault| error(fault.at, fault.message))?;
    Ok(parser.tree)
}

struct Fault {
    at: usize,
    message: String,
}

fn twice(at: usize, name: &str) -> Fault {
    Fault { at, message: format!("template: multiple definition of template {name:?}") }
}

fn says_nothing(nodes: &[Node]) -> bool {
    nodes.iter().all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
}

type Result<T, E = Fault> = std::result::Result<T, E>;

/// Where a list of nodes stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Top,
    Within,
}

/// What ended a list of nodes.
#[derive(Clone, Copy, Debug)]
enum Ending {
    End,
    /// `{{end}}`
    Closed(usize),
    /// `{{else}}`, or the start of `{{else if ...}}` and `{{else with ...}}`.
    Else(usize),
}

impl Ending {
    fn at(self) -> usize {
        match self {
            Self::End => 0,
            Self::Closed(at) | Self::Else(at) => at,
        }
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::End => "EOF",
            Self::Closed(_) => "end",
            Self::Else(_) => "else",
        })
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token<'a>],
    next: usize,
    /// Those in scope, innermost last.
    variables: Vec<String>,
    tree: Tree,
    depth: usize,
    /// `range`s around.
    loops: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &'a Token<'a> {
        // The last token is the end, and is never passed.
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> &'a Token<'a> {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn skip_space(&mut self) {
        while self.peek().kind == Kind::Space {
            self.next += 1;
        }
    }

    fn fault<T>(&self, at: usize, message: impl Into<String>) -> Result<T> {
        Err(Fault { at, message: message.into() })
    }

    fn unexpected<T>(&self, token: &Token<'_>, context: &str) -> Result<T> {
        let message = match &token.kind {
            Kind::Fault(message) => message.clone(),
            Kind::End => "unexpected EOF".to_owned(),
            _ => format!("unexpected {} in {context}", self.shown(token)),
        };
        self.fault(token.at, message)
    }

    /// A token as Go shows it.
    fn shown(&self, token: &Token<'_>) -> String {
        let end = self.tokens.iter().map(|t| t.at).find(|at| *at > token.at);
        let text = &self.text[token.at..end.unwrap_or(self.text.len())];
        match &token.kind {
            Kind::Name(name) if is_keyword(name) => format!("<{name}>"),
            Kind::Dot => "<.>".to_owned(),
            _ => format!("{:?}", text.trim_end()),
        }
    }

    fn enter(&mut self, at: usize) -> Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fault(at, format!("nested deeper than {MAX_DEPTH}"));
        }
        Ok(())
    }

    /// Nodes up to the end, an `{{end}}` or an `{{else`.
    fn list(&mut self, place: Place) -> Result<(Vec<Node>, Ending)> {
        let mut nodes = Vec::new();
        loop {
            let token = self.take();
            match &token.kind {
                Kind::End if place == Place::Top => return Ok((nodes, Ending::End)),
                Kind::End => return self.fault(token.at, "unexpected EOF"),
                Kind::Fault(message) => return self.fault(token.at, message.clone()),
                Kind::Text(text) => nodes.push(Node::Text((*text).to_owned())),
                _ => match self.action(place)? {
                    Action::Node(node) => nodes.push(node),
                    Action::Nothing => {}
                    Action::Ends(ending) => return Ok((nodes, ending)),
                },
            }
        }
    }

    /// What stands after an opening delimiter.
    fn action(&mut self, place: Place) -> Result<Action> {
        self.skip_space();
        let token = self.peek();
        let Kind::Name(word) = token.kind else { return self.output().map(Action::Node) };
        if !is_keyword(word) {
            return self.output().map(Action::Node);
        }
        self.next += 1;
        let at = token.at;
        let node = match word {
            "if" => Node::If(self.branch("if", at)?),
            "with" => Node::With(self.branch("with", at)?),
            "range" => Node::Range(self.branch("range", at)?),
            "end" => {
                self.close("end")?;
                return Ok(Action::Ends(Ending::Closed(at)));
            }
            "else" => {
                // What follows it is read by who waits for it.
                let next = self.next;
                self.skip_space();
                let token = self.peek();
                if !matches!(token.kind, Kind::Close | Kind::Name("if" | "with")) {
                    return self.unexpected(token, "else");
                }
                self.next = next;
                return Ok(Action::Ends(Ending::Else(at)));
            }
            "break" | "continue" => {
                self.close(&format!("{{{{{word}}}}}"))?;
                if self.loops == 0 {
                    return self.fault(at, format!("{{{{{word}}}}} outside {{{{range}}}}"));
                }
                if word == "break" { Node::Break } else { Node::Continue }
            }
            "define" => {
                if place != Place::Top || self.depth > 0 {
                    return self.unexpected(token, "command");
                }
                self.define()?;
                return Ok(Action::Nothing);
            }
            "template" => {
                let (name, at) = self.template_name("template clause")?;
                let dot = self.optional_pipeline("template clause")?;
                Node::Template(Call { at, name, dot })
            }
            "block" => {
                let (name, at) = self.template_name("block clause")?;
                let dot = Some(self.pipeline("block clause", &Kind::Close)?);
                self.defined(&name, at)?;
                Node::Template(Call { at, name, dot })
            }
            _ => unreachable!("all key words"),
        };
        Ok(Action::Node(node))
    }

    fn close(&mut self, context: &str) -> Result<()> {
        self.skip_space();
        let token = self.take();
        if token.kind != Kind::Close {
            return self.unexpected(token, context);
        }
        Ok(())
    }

    fn output(&mut self) -> Result<Node> {
        Ok(Node::Action(self.pipeline("command", &Kind::Close)?))
    }

    /// `if`, `with` or `range`, after the word.
    fn branch(&mut self, word: &'static str, at: usize) -> Result<Branch> {
        self.enter(at)?;
        let outer = self.variables.len();
        let pipeline = self.pipeline(word, &Kind::Close)?;
        let in_loop = usize::from(word == "range");
        self.loops += in_loop;
        let (body, ending) = self.list(Place::Within)?;
        self.loops -= in_loop;
        let mut otherwise = Vec::new();
        if let Ending::Else(at) = ending {
            let spaced = self.peek().kind == Kind::Space;
            self.skip_space();
            let next = self.peek();
            match next.kind {
                // `{{else if x}}` is `{{else}}{{if x}}` with one `{{end}}` for both.
                Kind::Name(then @ ("if" | "with")) if spaced && word == then => {
                    self.next += 1;
                    let then_at = next.at;
                    let branch = self.branch(word, then_at)?;
                    otherwise.push(if then == "if" {
                        Node::If(branch)
                    } else {
                        Node::With(branch)
                    });
                }
                _ => {
                    let is_branch = matches!(next.kind, Kind::Name("if"));
                    self.close(if is_branch { "input" } else { "else" })?;
                    let (nodes, ending) = self.list(Place::Within)?;
                    otherwise = nodes;
                    if let Ending::Else(_) = ending {
                        return self.fault(at, "expected end; found {{else}}");
                    }
                }
            }
        }
        self.variables.truncate(outer);
        self.depth -= 1;
        Ok(Branch { pipeline, body, otherwise })
    }

    fn template_name(&mut self, context: &str) -> Result<(String, usize)> {
        self.skip_space();
        let token = self.take();
        match &token.kind {
            Kind::Quoted(name) => Ok((name.clone(), token.at)),
            _ => self.unexpected(token, context),
        }
    }

    fn optional_pipeline(&mut self, context: &str) -> Result<Option<Pipeline>> {
        self.skip_space();
        if self.peek().kind == Kind::Close {
            self.next += 1;
            return Ok(None);
        }
        self.pipeline(context, &Kind::Close).map(Some)
    }

    fn define(&mut self) -> Result<()> {
        let (name, _) = self.template_name("define clause")?;
        let at = self.peek().at;
        self.close("define clause")?;
        self.defined(&name, at)
    }

    /// Reads the body of a template with a name; it knows no variables but its dot.
    fn defined(&mut self, name: &str, at: usize) -> Result<()> {
        self.enter(at)?;
        let outer = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let loops = std::mem::take(&mut self.loops);
        let (body, ending) = self.list(Place::Within)?;
        if let Ending::Else(at) = ending {
            return self.fault(at, "unexpected {{else}} in define clause");
        }
        (self.variables, self.loops) = (outer, loops);
        self.depth -= 1;
        // One that says nothing is as if it were not there.
        match self.tree.defined.get(name) {
            Some(other) if !says_nothing(other) && says_nothing(&body) => {}
            Some(other) if !says_nothing(other) => return Err(twice(at, name)),
            _ => drop(self.tree.defined.insert(name.to_owned(), body)),
        }
        Ok(())
    }

    /// Commands with `|` between them, and the token that ends them.
    fn pipeline(&mut self, context: &str, end: &Kind<'_>) -> Result<Pipeline> {
        self.skip_space();
        let at = self.peek().at;
        let (variables, assigns) = self.declarations(context)?;
        self.variables.extend(variables.iter().cloned());
        let mut commands = Vec::new();
        loop {
            self.skip_space();
            let token = self.peek();
            if token.kind == *end {
                self.next += 1;
                break;
            }
            match token.kind {
                Kind::Close
                | Kind::Right
                | Kind::Pipe
                | Kind::Comma
                | Kind::Declare
                | Kind::Assign
                | Kind::Char
                | Kind::Fault(_)
                | Kind::End
                | Kind::Text(_)
                | Kind::Open
                | Kind::Space => {
                    return self.unexpected(token, context);
                }
                Kind::Name(name) if is_keyword(name) => return self.unexpected(token, context),
                _ => commands.push(self.command(context)?),
            }
            self.skip_space();
            if self.peek().kind == Kind::Pipe {
                self.next += 1;
                self.skip_space();
            }
        }
        if commands.is_empty() {
            return self.fault(at, format!("missing value for {context}"));
        }
        for (stage, command) in commands.iter().enumerate().skip(1) {
            if !command.words[0].kind.takes_argument() {
                let stage = stage + 1;
                let message = format!("non executable command in pipeline stage {stage}");
                return self.fault(command.at, message);
            }
        }
        Ok(Pipeline { at, variables, assigns, commands })
    }

    /// `$x :=`, `$x =` or, for a range, `$i, $x :=`.
    fn declarations(&mut self, context: &str) -> Result<(Vec<String>, bool)> {
        let start = self.next;
        let mut variables = Vec::new();
        loop {
            self.skip_space();
            let token = self.take();
            let Kind::Variable(name) = token.kind else { break };
            variables.push(name.to_owned());
            self.skip_space();
            let after = self.take();
            match after.kind {
                Kind::Declare => return Ok((variables, false)),
                // Whether there is one to assign to shows when it is done, as in Go.
                Kind::Assign => return Ok((variables, true)),
                Kind::Comma if context == "range" && variables.len() == 1 => {}
                Kind::Comma => {
                    return self.fault(after.at, format!("too many declarations in {context}"));
                }
                _ => break,
            }
        }
        self.next = start;
        Ok((Vec::new(), false))
    }

    fn known(&self, name: &str, at: usize) -> Result<()> {
        if self.variables.iter().any(|known| known == name) {
            return Ok(());
        }
        self.fault(at, format!("undefined variable {name:?}"))
    }

    /// Words with spaces between them.
    fn command(&mut self, context: &str) -> Result<Command> {
        let at = self.peek().at;
        let mut words = Vec::new();
        loop {
            words.extend(self.word()?);
            let token = self.peek();
            match token.kind {
                Kind::Space => self.skip_space(),
                Kind::Close | Kind::Right | Kind::Pipe => break,
                _ => return self.unexpected(token, "operand"),
            }
        }
        if words.is_empty() {
            return self.fault(at, format!("empty command in {context}"));
        }
        Ok(Command { at, words })
    }

    fn word(&mut self) -> Result<Option<Word>> {
        let at = self.peek().at;
        let Some((kind, at)) = self.word_kind()?.map(|kind| (kind, at)) else { return Ok(None) };
        // Tokens follow each other without gaps.
        let end = self.peek().at;
        // What has fields stands where the first of them does, as Go has it.
        let fields = |names: &[String]| names.iter().map(|name| 1 + name.len()).sum::<usize>();
        let at = match &kind {
            WordKind::Field(names) if names.len() > 1 => at + 1 + names[0].len(),
            WordKind::Variable(_, names) | WordKind::Group(_, names) if !names.is_empty() => {
                end - fields(names)
            }
            _ => at,
        };
        Ok(Some(Word { at, end, kind }))
    }

    fn word_kind(&mut self) -> Result<Option<WordKind>> {
        let token = self.peek();
        let at = token.at;
        let kind = match &token.kind {
            Kind::Dot => WordKind::Dot,
            Kind::Int(number) => WordKind::Int(*number),
            Kind::TooLarge => WordKind::TooLarge,
            Kind::Float(number) => WordKind::Float(*number),
            Kind::Quoted(text) => WordKind::Text(text.clone()),
            Kind::Name("true") => WordKind::Bool(true),
            Kind::Name("false") => WordKind::Bool(false),
            Kind::Name("nil") => WordKind::Nil,
            Kind::Name(name) => match functions::find(name) {
                Some(name) => WordKind::Function(name),
                None if is_keyword(name) => return Ok(None),
                None => return self.fault(at, format!("function {name:?} not defined")),
            },
            Kind::Field(_) => {
                return Ok(Some(WordKind::Field(self.fields())));
            }
            Kind::Variable(name) => {
                self.known(name, at)?;
                self.next += 1;
                return Ok(Some(WordKind::Variable((*name).to_owned(), self.fields())));
            }
            Kind::Left => {
                self.next += 1;
                self.enter(at)?;
                let pipeline = self.pipeline("parenthesized pipeline", &Kind::Right)?;
                self.depth -= 1;
                return Ok(Some(WordKind::Group(Box::new(pipeline), self.fields())));
            }
            _ => return Ok(None),
        };
        self.next += 1;
        let next = self.peek();
        match (&next.kind, kind) {
            // A function without arguments may have fields.
            (Kind::Field(_), kind @ WordKind::Function(_)) => {
                let word = Word { at, end: next.at, kind };
                let commands = vec![Command { at, words: vec![word] }];
                let pipeline = Pipeline { at, variables: Vec::new(), assigns: false, commands };
                Ok(Some(WordKind::Group(Box::new(pipeline), self.fields())))
            }
            (Kind::Field(_), _) => {
                let term = &self.text[at..next.at];
                self.fault(next.at, format!("unexpected . after term {term:?}"))
            }
            (_, kind) => Ok(Some(kind)),
        }
    }

    /// `.A.B` without spaces.
    fn fields(&mut self) -> Vec<String> {
        let mut fields = Vec::new();
        while let Kind::Field(name) = self.peek().kind {
            fields.push(name.to_owned());
            self.next += 1;
        }
        fields
    }
}

enum Action {
    Node(Node),
    Nothing,
    Ends(Ending),
}

fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "if" | "else"
            | "end"
            | "range"
            | "with"
            | "define"
            | "template"
            | "block"
            | "break"
            | "continue"
    )
}

//! What a template is made of. Places are offsets in its text.

use std::collections::BTreeMap;

/// A template and those it defines.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) root: Vec<Node>,
    pub(super) defined: BTreeMap<String, Vec<Node>>,
}

impl Tree {
    /// Whether there is nothing but text, after the declarations that stand in every template.
    pub(super) fn is_constant(&self) -> bool {
        self.root.iter().all(|node| match node {
            Node::Text(_) => true,
            Node::Action(pipeline) => !pipeline.variables.is_empty(),
            _ => false,
        })
    }
}

/// A piece of output, or what decides about output.
#[derive(Debug)]
pub(super) enum Node {
    Text(String),
    /// Shown, unless it declares or assigns.
    Action(Pipeline),
    If(Branch),
    With(Branch),
    Range(Branch),
    /// Another template, with the value that is its dot.
    Template(Call),
    Break,
    Continue,
}

/// A template that is called.
#[derive(Debug)]
pub(super) struct Call {
    /// Where its name stands.
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) dot: Option<Pipeline>,
}

/// A condition or a list, and what happens with and without it.
#[derive(Debug)]
pub(super) struct Branch {
    pub(super) pipeline: Pipeline,
    pub(super) body: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

/// Commands, each taking the result of the one before as its last argument.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) at: usize,
    /// Variables that are declared, or assigned, with their dollar signs.
    pub(super) variables: Vec<String>,
    pub(super) assigns: bool,
    pub(super) commands: Vec<Command>,
}

/// A function or a value, with arguments.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) at: usize,
    /// Never empty.
    pub(super) words: Vec<Word>,
}

/// A value in a command.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) kind: WordKind,
}

#[derive(Debug)]
pub(super) enum WordKind {
    Dot,
    Nil,
    Bool(bool),
    Int(i64),
    /// More than an integer holds.
    TooLarge,
    Float(f64),
    Text(String),
    /// `.A.B`
    Field(Vec<String>),
    /// `$x.A.B`, the name with its dollar sign.
    Variable(String, Vec<String>),
    Function(&'static str),
    /// `(...)`, or `(...).A.B`
    Group(Box<Pipeline>, Vec<String>),
}

impl WordKind {
    /// Whether it can stand after a `|`.
    pub(super) fn takes_argument(&self) -> bool {
        !matches!(self, Self::Dot | Self::Nil | Self::Bool(_) | Self::Int(_) | Self::Float(_))
            && !matches!(self, Self::Text(_) | Self::TooLarge)
    }
}

/// As Go shows pieces of a template in errors; they take the template's text for what stands in it
/// literally.
impl Word {
    pub(super) fn shown(&self, text: &str) -> String {
        match &self.kind {
            WordKind::Dot => ".".to_owned(),
            WordKind::Nil => "nil".to_owned(),
            WordKind::Bool(value) => value.to_string(),
            WordKind::Int(_) | WordKind::TooLarge | WordKind::Float(_) | WordKind::Text(_) => {
                text[self.at..self.end].to_owned()
            }
            WordKind::Field(names) => dotted(String::new(), names),
            WordKind::Variable(name, names) => dotted(name.clone(), names),
            WordKind::Function(name) => (*name).to_owned(),
            WordKind::Group(pipeline, names) if names.is_empty() => pipeline.shown(text),
            WordKind::Group(pipeline, names) => {
                dotted(format!("({})", pipeline.shown(text)), names)
            }
        }
    }
}

fn dotted(first: String, names: &[String]) -> String {
    names.iter().fold(first, |all, name| format!("{all}.{name}"))
}

impl Command {
    pub(super) fn shown(&self, text: &str) -> String {
        let words = self.words.iter().map(|word| match &word.kind {
            WordKind::Group(_, names) if names.is_empty() => format!("({})", word.shown(text)),
            _ => word.shown(text),
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

impl Pipeline {
    pub(super) fn shown(&self, text: &str) -> String {
        let sign = if self.assigns { " = " } else { " := " };
        let variables = match self.variables.as_slice() {
            [] => String::new(),
            variables => variables.join(", ") + sign,
        };
        let commands: Vec<_> = self.commands.iter().map(|command| command.shown(text)).collect();
        variables + &commands.join(" | ")
    }
}

impl Call {
    pub(super) fn shown(&self, text: &str) -> String {
        let mut out = String::from("{{template ");
        model::names::write_quoted(&mut out, &self.name).expect("a string takes text");
        if let Some(dot) = &self.dot {
            out.push(' ');
            out.push_str(&dot.shown(text));
        }
        out + "}}"
    }
}

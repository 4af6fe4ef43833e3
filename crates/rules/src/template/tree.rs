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
    Template {
        name: String,
        dot: Option<Pipeline>,
    },
    Break,
    Continue,
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
    pub(super) kind: WordKind,
}

#[derive(Debug)]
pub(super) enum WordKind {
    Dot,
    Nil,
    Bool(bool),
    Int(i64),
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
            && !matches!(self, Self::Text(_))
    }
}

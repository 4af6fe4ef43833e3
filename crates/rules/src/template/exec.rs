//! A tree and data to text.

use super::functions::{self, Param};
use super::tree::{Branch, Call, Command, Node, Pipeline, Tree, Word, WordKind};
use super::value::{Data, Field, Sample, Value};
use std::rc::Rc;

/// A result may be as long.
pub(super) const MAX_BYTES: usize = 64 << 10;
/// Steps that one expansion may take; a loop in a loop ends here.
const MAX_STEPS: usize = 100_000;
/// Templates that call each other.
const MAX_DEPTH: usize = 100;

/// What templates can ask about.
pub trait Host {
    /// The result of an instant query at the time of the evaluation.
    ///
    /// # Errors
    /// When the query is refused or fails.
    fn query(&self, expr: &str) -> Result<Vec<Sample>, String>;

    /// The time of the evaluation, in milliseconds since the epoch.
    fn now_ms(&self) -> i64;

    /// Under which URL people find this server.
    fn external_url(&self) -> &str;
}

/// Why an expansion failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// Where, in the template's text.
    pub(super) at: usize,
    /// What stands there.
    pub(super) context: String,
    pub(super) message: String,
}

/// Fills a template in; the name is its own.
pub(super) fn expand(
    name: &str,
    text: &str,
    tree: &Tree,
    data: Data,
    host: &dyn Host,
) -> Result<String> {
    let root = Value::Data(Rc::new(data));
    let mut run = Run {
        name,
        text,
        tree,
        host,
        out: String::new(),
        steps: 0,
        depth: 0,
        variables: Vec::new(),
        mark: Mark::Start,
    };
    run.variables.push(("$".to_owned(), root.clone()));
    run.nodes(&tree.root, &root)?;
    Ok(run.out)
}

/// What was looked at last: errors speak of it.
#[derive(Clone, Copy)]
enum Mark<'a> {
    Start,
    Word(&'a Word),
    Command(&'a Command),
    Pipeline(&'a Pipeline),
    Call(&'a Call),
}

struct Run<'a> {
    name: &'a str,
    text: &'a str,
    tree: &'a Tree,
    host: &'a dyn Host,
    out: String,
    steps: usize,
    depth: usize,
    /// Innermost last.
    variables: Vec<(String, Value)>,
    mark: Mark<'a>,
}

/// How a list of nodes ended.
#[derive(Clone, Copy, PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

type Result<T, E = Failure> = std::result::Result<T, E>;

/// Words after a function or a method, and what comes out of the pipe.
#[derive(Default)]
struct Given<'a> {
    words: &'a [Word],
    piped: Option<Value>,
}

impl Given<'_> {
    fn count(&self) -> usize {
        self.words.len() + usize::from(self.piped.is_some())
    }
}

impl<'a> Run<'a> {
    #[cold]
    fn failure(&self, message: impl Into<String>) -> Failure {
        let (at, context) = match self.mark {
            Mark::Start => (0, String::new()),
            Mark::Word(word) => (word.at, word.shown(self.text)),
            Mark::Command(command) => (command.at, command.shown(self.text)),
            Mark::Pipeline(pipeline) => (pipeline.at, pipeline.shown(self.text)),
            Mark::Call(call) => (call.at, call.shown(self.text)),
        };
        Failure { at, context, message: message.into() }
    }

    fn fail<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(self.failure(message))
    }

    fn step(&mut self) -> Result<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return self.fail(format!("more than {MAX_STEPS} steps"));
        }
        Ok(())
    }

    fn write(&mut self, text: &str) -> Result<()> {
        if self.out.len() + text.len() > MAX_BYTES {
            return self.fail(format!("result is longer than {MAX_BYTES} bytes"));
        }
        self.out.push_str(text);
        Ok(())
    }

    fn nodes(&mut self, nodes: &'a [Node], dot: &Value) -> Result<Flow> {
        for node in nodes {
            let flow = self.node(node, dot)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn node(&mut self, node: &'a Node, dot: &Value) -> Result<Flow> {
        match node {
            Node::Text(text) => self.write(text)?,
            Node::Action(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                if pipeline.variables.is_empty() {
                    self.mark = Mark::Pipeline(pipeline);
                    self.write(&value.to_string())?;
                }
            }
            Node::If(branch) => return self.branch(branch, dot, false),
            Node::With(branch) => return self.branch(branch, dot, true),
            Node::Range(branch) => return self.range(branch, dot),
            Node::Template(call) => self.template(call, dot)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn branch(&mut self, branch: &'a Branch, dot: &Value, is_with: bool) -> Result<Flow> {
        let scope = self.variables.len();
        let value = self.pipeline(&branch.pipeline, dot)?;
        let flow = if !value.is_true() {
            self.nodes(&branch.otherwise, dot)
        } else if is_with {
            self.nodes(&branch.body, &value)
        } else {
            self.nodes(&branch.body, dot)
        };
        self.variables.truncate(scope);
        flow
    }

    fn range(&mut self, branch: &'a Branch, dot: &Value) -> Result<Flow> {
        let scope = self.variables.len();
        let value = self.words_of(&branch.pipeline, dot)?;
        let Some(items) = items(&value) else {
            return self.fail(format!("range can't iterate over {value}"));
        };
        // Its variables are the whole list first, as they are where there is nothing in it.
        self.declare(&branch.pipeline, &value)?;
        let inner = self.variables.len();
        if items.is_empty() {
            let flow = self.nodes(&branch.otherwise, dot);
            self.variables.truncate(scope);
            return flow;
        }
        for (key, item) in items {
            self.step()?;
            self.bind(&branch.pipeline, &key, &item)?;
            let flow = self.nodes(&branch.body, &item)?;
            self.variables.truncate(inner);
            if flow == Flow::Break {
                break;
            }
        }
        self.variables.truncate(scope);
        Ok(Flow::On)
    }

    /// One variable of a range is the item; two are its place and the item.
    fn bind(&mut self, pipeline: &Pipeline, key: &Value, item: &Value) -> Result<()> {
        let values: &[&Value] = if pipeline.variables.len() == 2 { &[key, item] } else { &[item] };
        for (name, value) in pipeline.variables.iter().zip(values) {
            if pipeline.assigns {
                self.assign(name, (*value).clone())?;
            } else {
                self.variables.push((name.clone(), (*value).clone()));
            }
        }
        Ok(())
    }

    fn assign(&mut self, name: &str, value: Value) -> Result<()> {
        match self.variables.iter_mut().rev().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => return self.fail(format!("undefined variable: {name}")),
        }
        Ok(())
    }

    fn template(&mut self, call: &'a Call, dot: &Value) -> Result<()> {
        self.mark = Mark::Call(call);
        let tree = self.tree;
        let nodes = match tree.defined.get(&call.name) {
            Some(nodes) => nodes,
            None if call.name == self.name => &tree.root,
            None => return self.fail(format!("template {:?} not defined", call.name)),
        };
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail(format!("exceeded maximum template depth ({MAX_DEPTH})"));
        }
        let dot = call.dot.as_ref().map(|given| self.pipeline(given, dot)).transpose()?;
        let dot = dot.unwrap_or(Value::Nothing);
        let outer = std::mem::replace(&mut self.variables, vec![("$".to_owned(), dot.clone())]);
        self.nodes(nodes, &dot)?;
        self.variables = outer;
        self.depth -= 1;
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &'a Pipeline, dot: &Value) -> Result<Value> {
        let value = self.words_of(pipeline, dot)?;
        self.declare(pipeline, &value)?;
        Ok(value)
    }

    fn declare(&mut self, pipeline: &Pipeline, value: &Value) -> Result<()> {
        for name in &pipeline.variables {
            if pipeline.assigns {
                self.assign(name, value.clone())?;
            } else {
                self.variables.push((name.clone(), value.clone()));
            }
        }
        Ok(())
    }

    fn words_of(&mut self, pipeline: &'a Pipeline, dot: &Value) -> Result<Value> {
        self.mark = Mark::Pipeline(pipeline);
        let mut value = None;
        for command in &pipeline.commands {
            self.step()?;
            value = Some(self.command(command, dot, value)?);
        }
        Ok(value.expect("a pipeline has a command"))
    }

    fn command(
        &mut self,
        command: &'a Command,
        dot: &Value,
        piped: Option<Value>,
    ) -> Result<Value> {
        let (first, words) = command.words.split_first().expect("a command has a word");
        let given = Given { words, piped };
        match &first.kind {
            WordKind::Function(name) => {
                self.mark = Mark::Word(first);
                self.function(name, Mark::Command(command), given, dot)
            }
            WordKind::Group(pipeline, names) if names.is_empty() => {
                self.not_a_function(first, &given)?;
                self.pipeline(pipeline, dot)
            }
            WordKind::Field(_) | WordKind::Variable(..) | WordKind::Group(..) => {
                self.chain(first, given, dot)
            }
            _ => {
                self.mark = Mark::Word(first);
                self.not_a_function(first, &given)?;
                if matches!(first.kind, WordKind::Nil) {
                    return self.fail("nil is not a command");
                }
                self.constant(first, dot)
            }
        }
    }

    fn not_a_function(&self, word: &Word, given: &Given<'_>) -> Result<()> {
        if given.count() > 0 {
            let word = word.shown(self.text);
            return self.fail(format!("can't give argument to non-function {word}"));
        }
        Ok(())
    }

    /// A value with its fields; the last of them may be a method that takes what is given.
    fn chain(&mut self, word: &'a Word, given: Given<'a>, dot: &Value) -> Result<Value> {
        self.mark = Mark::Word(word);
        let (mut value, names) = match &word.kind {
            WordKind::Field(names) => (dot.clone(), names),
            WordKind::Variable(name, names) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                let Some((_, value)) = known else {
                    return self.fail(format!("undefined variable: {name}"));
                };
                let value = value.clone();
                if names.is_empty() {
                    self.not_a_function(word, &given)?;
                }
                (value, names)
            }
            WordKind::Group(pipeline, names) => (self.pipeline(pipeline, dot)?, names),
            _ => unreachable!("others have no fields"),
        };
        let Some((last, before)) = names.split_last() else { return Ok(value) };
        for (i, name) in before.iter().enumerate() {
            value = self.field(word, value, name, Given::default(), dot)?;
            if let Value::Nothing = value {
                let next = &names[i + 1];
                return self.fail(format!("nil pointer evaluating interface {{}}.{next}"));
            }
        }
        self.field(word, value, last, given, dot)
    }

    fn field(
        &mut self,
        word: &'a Word,
        of: Value,
        name: &str,
        given: Given<'a>,
        dot: &Value,
    ) -> Result<Value> {
        if let Some(params) = of.method(name) {
            let args = self.arguments(name, params, None, given, dot)?;
            return of.call(name, &args).map_err(|message| {
                self.mark = Mark::Word(word);
                self.failure(format!("error calling {name}: {message}"))
            });
        }
        let has_arguments = given.count() > 0;
        match of.field(name) {
            // Nothing has any field, which is nothing.
            Field::Of(value) if !has_arguments || matches!(of, Value::Nothing) => Ok(value),
            Field::Of(_) => {
                self.fail(format!("{name} has arguments but cannot be invoked as function"))
            }
            Field::Key(value) if !has_arguments => Ok(value),
            Field::Key(_) => self.fail(format!("{name} is not a method but has arguments")),
            Field::Unknown => {
                self.fail(format!("can't evaluate field {name} in type {}", of.type_name()))
            }
        }
    }

    fn function(
        &mut self,
        name: &'static str,
        caller: Mark<'a>,
        given: Given<'a>,
        dot: &Value,
    ) -> Result<Value> {
        let (params, more) = functions::params(name);
        if name == "and" || name == "or" {
            self.check_count(name, params, more, &given)?;
            return self.until(name == "or", given, dot);
        }
        let callee = given.words.first().map(|word| word.shown(self.text));
        let args = self.arguments(name, params, more, given, dot)?;
        functions::call(name, &args, self.host).map_err(|message| {
            self.mark = caller;
            // What is called and is no function is told as it is written.
            let written = callee.filter(|_| name == "call").unwrap_or_default();
            let message = message.replace("{callee}", &written);
            self.failure(format!("error calling {name}: {message}"))
        })
    }

    fn check_count(
        &self,
        name: &str,
        params: &[Param],
        more: Option<Param>,
        given: &Given<'_>,
    ) -> Result<()> {
        let (wanted, count) = (params.len(), given.count());
        if more.is_some() && count < wanted {
            let given = given.words.len();
            return self.fail(format!(
                "wrong number of args for {name}: want at least {wanted} got {given}"
            ));
        }
        if more.is_none() && count != wanted {
            return self
                .fail(format!("wrong number of args for {name}: want {wanted} got {count}"));
        }
        Ok(())
    }

    /// The values of what is given, if they are what is wanted.
    fn arguments(
        &mut self,
        name: &str,
        params: &[Param],
        more: Option<Param>,
        given: Given<'a>,
        dot: &Value,
    ) -> Result<Vec<Value>> {
        self.check_count(name, params, more, &given)?;
        let param = |i: usize| params.get(i).copied().or(more).unwrap_or(Param::Any);
        let mut args = Vec::with_capacity(given.count());
        for (i, word) in given.words.iter().enumerate() {
            args.push(self.argument(word, param(i), dot)?);
        }
        if let Some(value) = given.piped {
            args.push(self.checked(value, param(args.len()))?);
        }
        Ok(args)
    }

    fn argument(&mut self, word: &'a Word, param: Param, dot: &Value) -> Result<Value> {
        self.mark = Mark::Word(word);
        match &word.kind {
            WordKind::Nil if param.may_be_nil() => Ok(Value::Nothing),
            WordKind::Nil => self.fail(format!("cannot assign nil to {}", param.type_name())),
            WordKind::Dot => self.checked(dot.clone(), param),
            WordKind::Field(_) | WordKind::Variable(..) => {
                let value = self.chain(word, Given::default(), dot)?;
                self.checked(value, param)
            }
            WordKind::Group(pipeline, names) => {
                let value = match names.is_empty() {
                    true => self.pipeline(pipeline, dot)?,
                    false => self.chain(word, Given::default(), dot)?,
                };
                self.checked(value, param)
            }
            WordKind::Function(name) => {
                let value = self.function(name, Mark::Word(word), Given::default(), dot)?;
                self.checked(value, param)
            }
            _ => {
                let value = self.constant(word, dot)?;
                match param.takes_constant(&value) {
                    Ok(()) => Ok(value),
                    Err(wanted) => self.fail(wanted.replace("{}", &word.shown(self.text))),
                }
            }
        }
    }

    fn checked(&self, value: Value, param: Param) -> Result<Value> {
        if param.takes(&value) {
            return Ok(value);
        }
        let wanted = param.type_name();
        match value {
            Value::Nothing => self.fail(format!("invalid value; expected {wanted}")),
            value => {
                let got = value.type_name();
                self.fail(format!("wrong type for value; expected {wanted}; got {got}"))
            }
        }
    }

    /// `and` and `or`: the first value that decides, else the last.
    fn until(&mut self, decides: bool, given: Given<'a>, dot: &Value) -> Result<Value> {
        let mut last = None;
        for word in given.words {
            let value = self.argument(word, Param::Any, dot)?;
            if value.is_true() == decides {
                return Ok(value);
            }
            last = Some(value);
        }
        Ok(given.piped.or(last).expect("the number of arguments was checked"))
    }

    fn constant(&self, word: &Word, dot: &Value) -> Result<Value> {
        Ok(match &word.kind {
            WordKind::Dot => dot.clone(),
            WordKind::Bool(value) => Value::Bool(*value),
            WordKind::Int(value) => Value::Int(*value),
            WordKind::TooLarge => {
                let text = word.shown(self.text);
                return self.fail(format!("{text} overflows int"));
            }
            WordKind::Float(value) => Value::Float(*value),
            WordKind::Text(text) => Value::text(text),
            _ => unreachable!("others are no constants"),
        })
    }
}

/// What a loop goes through: places and items.
fn items(value: &Value) -> Option<Vec<(Value, Value)>> {
    Some(match value {
        Value::List(items) => items.iter().enumerate().map(|(i, v)| (int(i), v.clone())).collect(),
        Value::Labels(labels) => {
            labels.iter().map(|(n, v)| (Value::text(n), Value::text(v))).collect()
        }
        Value::Map(map) => map.iter().map(|(n, v)| (Value::text(n), v.clone())).collect(),
        // As Go 1.22: a number is as many rounds.
        Value::Int(count) => {
            let count = usize::try_from(*count).unwrap_or(0).min(MAX_STEPS + 1);
            (0..count).map(|i| (int(i), int(i))).collect()
        }
        Value::Nothing => Vec::new(),
        _ => return None,
    })
}

fn int(i: usize) -> Value {
    Value::Int(i64::try_from(i).unwrap_or(i64::MAX))
}

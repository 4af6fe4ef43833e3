//! A tree and data to text.

use super::functions;
use super::tree::{Branch, Command, Node, Pipeline, Tree, Word, WordKind};
use super::value::{Data, Sample, Value};
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
    pub(super) message: String,
}

/// Fills a template in.
pub(super) fn expand(tree: &Tree, data: Data, host: &dyn Host) -> Result<String, Failure> {
    let root = Value::Data(Rc::new(data));
    let mut run = Run { tree, host, out: String::new(), steps: 0, depth: 0, variables: Vec::new() };
    run.variables.push(("$".to_owned(), root.clone()));
    run.nodes(&tree.root, &root)?;
    Ok(run.out)
}

struct Run<'a> {
    tree: &'a Tree,
    host: &'a dyn Host,
    out: String,
    steps: usize,
    depth: usize,
    /// Innermost last.
    variables: Vec<(String, Value)>,
}

/// How a list of nodes ended.
#[derive(Clone, Copy, PartialEq)]
enum Flow {
    On,
    Break,
    Continue,
}

type Result<T, E = Failure> = std::result::Result<T, E>;

fn fail<T>(at: usize, message: impl Into<String>) -> Result<T> {
    Err(Failure { at, message: message.into() })
}

impl Run<'_> {
    fn step(&mut self, at: usize) -> Result<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return fail(at, format!("more than {MAX_STEPS} steps"));
        }
        Ok(())
    }

    fn write(&mut self, at: usize, text: &str) -> Result<()> {
        if self.out.len() + text.len() > MAX_BYTES {
            return fail(at, format!("result is longer than {MAX_BYTES} bytes"));
        }
        self.out.push_str(text);
        Ok(())
    }

    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Result<Flow> {
        for node in nodes {
            let flow = self.node(node, dot)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    fn node(&mut self, node: &Node, dot: &Value) -> Result<Flow> {
        match node {
            Node::Text(text) => self.write(0, text)?,
            Node::Action(pipeline) => {
                let value = self.pipeline(pipeline, dot)?;
                if pipeline.variables.is_empty() {
                    self.write(pipeline.at, &value.to_string())?;
                }
            }
            Node::If(branch) => return self.branch(branch, dot, false),
            Node::With(branch) => return self.branch(branch, dot, true),
            Node::Range(branch) => return self.range(branch, dot),
            Node::Template { name, dot: given } => {
                let given = given.as_ref().map(|given| self.pipeline(given, dot)).transpose()?;
                self.template(name, given.unwrap_or(Value::Nothing))?;
            }
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    fn branch(&mut self, branch: &Branch, dot: &Value, is_with: bool) -> Result<Flow> {
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

    fn range(&mut self, branch: &Branch, dot: &Value) -> Result<Flow> {
        let scope = self.variables.len();
        let value = self.words_of(&branch.pipeline, dot)?;
        let at = branch.pipeline.at;
        let items: Vec<(Value, Value)> = match &value {
            Value::List(items) => {
                items.iter().enumerate().map(|(i, v)| (int(i), v.clone())).collect()
            }
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
            other => return fail(at, format!("range can't iterate over {other}")),
        };
        if items.is_empty() {
            let flow = self.nodes(&branch.otherwise, dot);
            self.variables.truncate(scope);
            return flow;
        }
        for (key, item) in items {
            self.step(at)?;
            self.bind(&branch.pipeline, &key, &item);
            let flow = self.nodes(&branch.body, &item)?;
            self.variables.truncate(scope);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Flow::On)
    }

    /// One variable of a range is the item; two are its place and the item.
    fn bind(&mut self, pipeline: &Pipeline, key: &Value, item: &Value) {
        let values: &[&Value] = if pipeline.variables.len() == 2 { &[key, item] } else { &[item] };
        for (name, value) in pipeline.variables.iter().zip(values) {
            if pipeline.assigns {
                self.assign(name, (*value).clone());
            } else {
                self.variables.push((name.clone(), (*value).clone()));
            }
        }
    }

    fn assign(&mut self, name: &str, value: Value) {
        let known = self.variables.iter_mut().rev().find(|(known, _)| known == name);
        known.expect("the parser knows all variables").1 = value;
    }

    fn template(&mut self, name: &str, dot: Value) -> Result<()> {
        let Some(nodes) = self.tree.defined.get(name) else {
            return fail(0, format!("template {name:?} not defined"));
        };
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return fail(0, format!("exceeded maximum template depth ({MAX_DEPTH})"));
        }
        let outer = std::mem::replace(&mut self.variables, vec![("$".to_owned(), dot.clone())]);
        self.nodes(nodes, &dot)?;
        self.variables = outer;
        self.depth -= 1;
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Value) -> Result<Value> {
        let value = self.words_of(pipeline, dot)?;
        for name in &pipeline.variables {
            if pipeline.assigns {
                self.assign(name, value.clone());
            } else {
                self.variables.push((name.clone(), value.clone()));
            }
        }
        Ok(value)
    }

    fn words_of(&mut self, pipeline: &Pipeline, dot: &Value) -> Result<Value> {
        let mut value = None;
        for command in &pipeline.commands {
            self.step(command.at)?;
            value = Some(self.command(command, dot, value)?);
        }
        Ok(value.expect("a pipeline has a command"))
    }

    fn command(&mut self, command: &Command, dot: &Value, piped: Option<Value>) -> Result<Value> {
        let (first, rest) = command.words.split_first().expect("a command has a word");
        let WordKind::Function(name) = first.kind else {
            if !rest.is_empty() || piped.is_some() {
                if let WordKind::Field(_) | WordKind::Variable(..) | WordKind::Group(..) =
                    first.kind
                {
                    return fail(first.at, "it has arguments but cannot be invoked as function");
                }
                return fail(first.at, "can't give argument to non-function");
            }
            return self.word(first, dot);
        };
        let given = rest.len() + usize::from(piped.is_some());
        functions::check_arity(name, given).map_err(|message| Failure { at: first.at, message })?;
        if name == "and" || name == "or" {
            return self.until(name == "or", rest, dot, piped);
        }
        let mut args = Vec::with_capacity(given);
        for word in rest {
            args.push(self.word(word, dot)?);
        }
        args.extend(piped);
        functions::call(name, &args, self.host).map_err(|message| {
            let message = format!("error calling {name}: {message}");
            Failure { at: first.at, message }
        })
    }

    /// `and` and `or`: the first value that decides, else the last.
    fn until(
        &mut self,
        decides: bool,
        words: &[Word],
        dot: &Value,
        piped: Option<Value>,
    ) -> Result<Value> {
        let mut last = None;
        for word in words {
            let value = self.word(word, dot)?;
            if value.is_true() == decides {
                return Ok(value);
            }
            last = Some(value);
        }
        Ok(piped.or(last).expect("the number of arguments was checked"))
    }

    fn word(&mut self, word: &Word, dot: &Value) -> Result<Value> {
        let fields = |value: Value, names: &[String]| {
            names.iter().try_fold(value, |value, name| {
                value.field(name).map_err(|message| Failure { at: word.at, message })
            })
        };
        match &word.kind {
            WordKind::Dot => Ok(dot.clone()),
            WordKind::Nil => fail(word.at, "nil is not a command"),
            WordKind::Bool(value) => Ok(Value::Bool(*value)),
            WordKind::Int(value) => Ok(Value::Int(*value)),
            WordKind::Float(value) => Ok(Value::Float(*value)),
            WordKind::Text(text) => Ok(Value::text(text)),
            WordKind::Field(names) => fields(dot.clone(), names),
            WordKind::Variable(name, names) => {
                let known = self.variables.iter().rev().find(|(known, _)| known == name);
                let (_, value) = known.expect("the parser knows all variables");
                fields(value.clone(), names)
            }
            WordKind::Function(name) => functions::check_arity(name, 0)
                .and_then(|()| functions::call(name, &[], self.host))
                .map_err(|message| Failure { at: word.at, message }),
            WordKind::Group(pipeline, names) => {
                let value = self.pipeline(pipeline, dot)?;
                fields(value, names)
            }
        }
    }
}

fn int(i: usize) -> Value {
    Value::Int(i64::try_from(i).unwrap_or(i64::MAX))
}

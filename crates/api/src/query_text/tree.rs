//! A query's tree as JSON, for the explain view of clients. Durations are whole milliseconds.

use model::float;
use promql::Expr;
use promql::syntax::{
    Aggregate, At, Binary, Cardinality, Dur, Edges, Node, NodeId, Signature, Subquery,
    VectorMatching, VectorSelector,
};
use serde_json::{Value, json};

/// Deeper trees are refused: JSON libraries on both ends walk them by recursion.
const MAX_DEPTH: u32 = 500;

/// The tree; `None` when it is too deep to be written.
pub(super) fn tree(expr: &Expr) -> Option<Value> {
    let mut depths: Vec<u32> = Vec::with_capacity(expr.node_count());
    for id in expr.ids() {
        let below = expr.children(id).iter().map(|child| depths[child.index()]).max();
        depths.push(below.unwrap_or(0) + 1);
    }
    let fits = depths.last().is_some_and(|depth| *depth <= MAX_DEPTH);
    fits.then(|| build(expr))
}

/// Nodes are made in the order of the arena, children first.
fn build(expr: &Expr) -> Value {
    let mut made: Vec<Value> = Vec::with_capacity(expr.node_count());
    for id in expr.ids() {
        let mut child = |id: NodeId| made[id.index()].take();
        let value = match expr.node(id) {
            Node::Number { value, .. } => number(*value),
            Node::String(text) => {
                json!({ "type": "stringLiteral", "val": String::from_utf8_lossy(text) })
            }
            Node::VectorSelector(selector) => vector_selector(selector),
            Node::MatrixSelector { selector, range } => {
                let mut value = child(*selector);
                value["type"] = "matrixSelector".into();
                value["range"] = ms(*range);
                value["rangeExpr"] = Value::Null;
                value
            }
            Node::Subquery(subquery) => self::subquery(subquery, child(subquery.expr)),
            Node::Call { func, args } => {
                let signature = func.signature();
                json!({
                    "type": "call",
                    "func": {
                        "name": signature.name,
                        "argTypes": signature.args.iter().map(|t| t.as_str()).collect::<Vec<_>>(),
                        "variadic": variadic(signature),
                        "returnType": signature.returns.as_str(),
                    },
                    "args": args.iter().map(|arg| child(*arg)).collect::<Vec<_>>(),
                })
            }
            Node::Aggregate(aggregate) => self::aggregate(aggregate, child),
            Node::Binary(binary) => self::binary(binary, child),
            Node::Unary { negative, expr } => json!({
                "type": "unaryExpr",
                "op": if *negative { "-" } else { "+" },
                "expr": child(*expr),
            }),
            Node::Paren(inner) => json!({ "type": "parenExpr", "expr": child(*inner) }),
            Node::Duration(_) => Value::Null,
        };
        made.push(value);
    }
    made.pop().unwrap_or(Value::Null)
}

/// How many arguments may be left out or repeated: -1 is without end.
fn variadic(signature: &Signature) -> i64 {
    if signature.max_args == usize::MAX {
        return -1;
    }
    i64::try_from(signature.max_args - signature.min_args).unwrap_or(-1)
}

fn number(value: f64) -> Value {
    let mut text = String::new();
    float::write_f(&mut text, value).expect("a string takes text");
    json!({ "type": "numberLiteral", "val": text })
}

/// What arithmetic gives is known only when the query runs.
fn ms(duration: Dur) -> Value {
    duration.ms().unwrap_or(0).into()
}

fn at(at: Option<At>) -> (Value, Value) {
    match at {
        None => (Value::Null, Value::Null),
        Some(At::Time(t_ms)) => (t_ms.into(), Value::Null),
        Some(At::Start) => (Value::Null, "start".into()),
        Some(At::End) => (Value::Null, "end".into()),
    }
}

fn vector_selector(selector: &VectorSelector) -> Value {
    let (timestamp, start_or_end) = at(selector.at);
    let matchers: Vec<Value> = selector
        .matchers
        .iter()
        .map(|m| json!({ "name": m.name(), "value": m.value(), "type": m.op().as_str() }))
        .collect();
    json!({
        "type": "vectorSelector",
        "name": selector.name.as_deref().unwrap_or(""),
        "offset": ms(selector.offset),
        "offsetExpr": null,
        "matchers": matchers,
        "timestamp": timestamp,
        "startOrEnd": start_or_end,
        "anchored": selector.edges == Some(Edges::Anchored),
        "smoothed": selector.edges == Some(Edges::Smoothed),
    })
}

fn subquery(subquery: &Subquery, expr: Value) -> Value {
    let (timestamp, start_or_end) = at(subquery.at);
    json!({
        "type": "subquery",
        "expr": expr,
        "range": ms(subquery.range),
        "rangeExpr": null,
        "offset": ms(subquery.offset),
        "offsetExpr": null,
        "step": subquery.step.map_or(0.into(), ms),
        "stepExpr": null,
        "timestamp": timestamp,
        "startOrEnd": start_or_end,
    })
}

fn aggregate(aggregate: &Aggregate, mut child: impl FnMut(NodeId) -> Value) -> Value {
    json!({
        "type": "aggregation",
        "op": aggregate.op.as_str(),
        "expr": child(aggregate.expr),
        "param": aggregate.param.map(&mut child),
        "grouping": aggregate.grouping,
        "without": aggregate.without,
    })
}

fn binary(binary: &Binary, mut child: impl FnMut(NodeId) -> Value) -> Value {
    json!({
        "type": "binaryExpr",
        "op": binary.op.as_str(),
        "lhs": child(binary.lhs),
        "rhs": child(binary.rhs),
        "matching": binary.matching.as_ref().map(matching),
        "bool": binary.return_bool,
    })
}

fn matching(matching: &VectorMatching) -> Value {
    let card = match matching.card {
        Cardinality::OneToOne => "one-to-one",
        Cardinality::ManyToOne => "many-to-one",
        Cardinality::OneToMany => "one-to-many",
        Cardinality::ManyToMany => "many-to-many",
    };
    json!({
        "card": card,
        "labels": matching.labels,
        "on": matching.on,
        "include": matching.include,
        "fillValues": { "lhs": matching.fill_left, "rhs": matching.fill_right },
    })
}

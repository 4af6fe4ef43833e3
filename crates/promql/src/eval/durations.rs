//! Arithmetic on durations, worked out once before the plan: in seconds, then cut to milliseconds.

use super::plan::Query;
use crate::engine::EvalError;
use crate::functions::math;
use crate::functions::window::seconds;
use crate::syntax::{Dur, DurationOp, Expr, Node, NodeId};

/// The longest duration: what nanoseconds in 64 bits hold, as in Prometheus.
const MAX_MS: f64 = 9_223_372_036_854.0;

/// A duration that may be negative or zero: an offset.
pub(crate) fn offset(expr: &Expr, query: &Query, duration: Dur) -> Result<i64, EvalError> {
    match duration {
        Dur::Ms(ms) => Ok(ms),
        Dur::Expr(node) => to_ms(evaluate(expr, query, node)?),
    }
}

/// A duration that must be positive: a range or a step.
pub(crate) fn positive(expr: &Expr, query: &Query, duration: Dur) -> Result<i64, EvalError> {
    let ms = offset(expr, query, duration)?;
    if ms <= 0 {
        return Err(EvalError::Execution("duration must be greater than 0".into()));
    }
    Ok(ms)
}

#[expect(clippy::cast_possible_truncation, reason = "checked before")]
fn to_ms(value: f64) -> Result<i64, EvalError> {
    let ms = value * 1000.0;
    if ms.is_nan() || ms.abs() > MAX_MS {
        return Err(EvalError::Execution("duration out of range".into()));
    }
    Ok(ms as i64)
}

fn evaluate(expr: &Expr, query: &Query, node: NodeId) -> Result<f64, EvalError> {
    let duration = match expr.node(node) {
        Node::Number { value, .. } => return Ok(*value),
        Node::Paren(inner) => return evaluate(expr, query, *inner),
        Node::Duration(duration) => duration,
        _ => unreachable!("the parser puts nothing else into a duration"),
    };
    let operand = |node: Option<NodeId>| node.map(|node| evaluate(expr, query, node)).transpose();
    let (left, right) = (operand(duration.lhs)?, operand(duration.rhs)?.unwrap_or(0.0));
    Ok(match (duration.op, left) {
        (DurationOp::Step, _) => seconds(query.step),
        (DurationOp::Range, _) => seconds(query.end.saturating_sub(query.start)),
        (DurationOp::Sub, None) => -right,
        (_, None) => right,
        (DurationOp::Add, Some(left)) => left + right,
        (DurationOp::Sub, Some(left)) => left - right,
        (DurationOp::Mul, Some(left)) => left * right,
        (DurationOp::Div, Some(_)) if right == 0.0 => {
            return Err(EvalError::Execution("division by zero".into()));
        }
        (DurationOp::Div, Some(left)) => left / right,
        (DurationOp::Mod, Some(_)) if right == 0.0 => {
            return Err(EvalError::Execution("modulo by zero".into()));
        }
        (DurationOp::Mod, Some(left)) => left % right,
        (DurationOp::Pow, Some(left)) => left.powf(right),
        (DurationOp::Min, Some(left)) => math::min(left, right),
        (DurationOp::Max, Some(left)) => math::max(left, right),
    })
}

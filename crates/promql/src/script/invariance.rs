//! A query with `@` on every selector gives the same at any time.

use crate::syntax::{At, Expr, Function, Node};

/// The query with `@ at_ms` on all selectors and subqueries that have no time of their own and are
/// not within another subquery, printed; `None` when it calls a function that looks at the evaluation time.
pub(super) fn pinned(expr: &Expr, at_ms: i64) -> Option<String> {
    let time_dependent = expr
        .ids()
        .any(|id| matches!(expr.node(id), Node::Call { func, .. } if looks_at_time(*func)));
    if time_dependent {
        return None;
    }
    let mut ids = Vec::new();
    expr.walk(expr.root(), |id, node| {
        ids.push(id);
        // What a subquery evaluates is at its own times, which are fixed now.
        !matches!(node, Node::Subquery(_))
    });
    let mut pinned = expr.clone();
    for id in ids {
        let at = match pinned.node_mut(id) {
            Node::VectorSelector(selector) => &mut selector.at,
            Node::Subquery(subquery) => &mut subquery.at,
            _ => continue,
        };
        if !matches!(at, Some(At::Time(_))) {
            *at = Some(At::Time(at_ms));
        }
    }
    Some(pinned.to_string())
}

fn looks_at_time(function: Function) -> bool {
    matches!(
        function,
        Function::DaysInMonth
            | Function::DayOfMonth
            | Function::DayOfWeek
            | Function::DayOfYear
            | Function::End
            | Function::Hour
            | Function::Minute
            | Function::Month
            | Function::Year
            | Function::PredictLinear
            | Function::Range
            | Function::Start
            | Function::Step
            | Function::Time
            | Function::Timestamp
    )
}

/// The times at which a pinned query is run, in milliseconds.
pub(super) fn times(at_ms: i64) -> Vec<i64> {
    if at_ms == 0 {
        return vec![-1000, 0, 1000];
    }
    let ten = at_ms.saturating_mul(10);
    vec![-ten, 0, at_ms / 5, at_ms, ten]
}

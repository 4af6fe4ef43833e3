//! A query over several lines, as Prometheus formats it: what fits into 100 characters stays on its
//! line, else its parts are indented below each other.

use promql::Expr;
use promql::syntax::{Node, NodeId};

/// Longer expressions are split.
const MAX_CHARS: usize = 100;
/// Longer queries stay on one line: every level prints all that is below it.
const MAX_QUERY_BYTES: usize = 64 << 10;
/// Deeper ones are printed as they are: the printer goes down by recursion.
const MAX_LEVEL: usize = 500;

/// The formatted query.
pub(super) fn pretty(expr: &Expr) -> String {
    if expr.text().len() > MAX_QUERY_BYTES {
        return expr.to_string();
    }
    at_level(expr, expr.root(), 0)
}

fn at_level(expr: &Expr, id: NodeId, level: usize) -> String {
    let indent = "  ".repeat(level);
    let whole = expr.printed(id).to_string();
    if whole.len() <= MAX_CHARS || level >= MAX_LEVEL {
        return indent + &whole;
    }
    let text = |id| expr.printed(id).to_string();
    let below = |id| at_level(expr, id, level + 1);
    match expr.node(id) {
        Node::Aggregate(aggregate) => {
            let mut arguments = text(aggregate.expr) + ")";
            let mut lines = below(aggregate.expr);
            if let Some(param) = aggregate.param {
                arguments = format!("{}, {arguments}", text(param));
                lines = format!("{},\n{lines}", below(param));
            }
            let head = whole.strip_suffix(&arguments).unwrap_or(&whole);
            format!("{indent}{head}\n{lines}\n{indent})")
        }
        Node::Binary(binary) => {
            let (left, right) = (text(binary.lhs), text(binary.rhs));
            let operator = whole.strip_prefix(&left).and_then(|rest| rest.strip_suffix(&right));
            let operator = operator.unwrap_or(binary.op.as_str()).trim();
            format!("{}\n{indent}{operator}\n{}", below(binary.lhs), below(binary.rhs))
        }
        Node::Call { func, args } => {
            let lines: Vec<String> = args.iter().map(|arg| below(*arg)).collect();
            let name = func.signature().name;
            format!("{indent}{name}(\n{}\n{indent})", lines.join(",\n"))
        }
        Node::Paren(inner) => format!("{indent}(\n{}\n{indent})", below(*inner)),
        Node::Subquery(subquery) => {
            let inner = text(subquery.expr);
            let suffix = whole.strip_prefix(&inner).unwrap_or("");
            at_level(expr, subquery.expr, level) + suffix
        }
        Node::Unary { negative, expr: inner } => {
            let sign = if *negative { "-" } else { "+" };
            format!("{indent}{sign}{}", at_level(expr, *inner, level).trim())
        }
        Node::Number { .. }
        | Node::String(_)
        | Node::VectorSelector(_)
        | Node::MatrixSelector { .. }
        | Node::Duration(_) => indent + &whole,
    }
}

#[cfg(test)]
mod tests {
    use super::pretty;
    use promql::Features;

    #[test]
    fn long_queries_are_split() {
        let check = |query: &str, expected: &str| {
            let expr = promql::parse(query, &Features::default()).unwrap();
            assert_eq!(pretty(&expr), expected);
        };
        check("sum( rate( a[5m] ) )by(b)", "sum by (b) (rate(a[5m]))");
        let long = "request_duration_seconds_bucket{cluster=\"production\",service=\"frontend\"}";
        check(
            &format!("histogram_quantile(0.9,sum by(le,job)(rate({long}[5m])))"),
            &format!(
                "histogram_quantile(\n  0.9,\n  sum by (le, job) (\n    rate({long}[5m])\n  )\n)"
            ),
        );
        check(
            &format!("{long} / on (job) group_left () {long}"),
            &format!("  {long}\n/ on (job) group_left ()\n  {long}"),
        );
    }
}

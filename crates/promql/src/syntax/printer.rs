//! From a tree back to text, as Prometheus prints it.

use super::Expr;
use super::ast::{
    Aggregate, At, Binary, Cardinality, Dur, DurationExpr, DurationOp, Edges, Node, NodeId,
    Subquery, VectorMatching, VectorSelector,
};
use model::duration::Duration;
use model::float::{write_f, write_g};
use model::labels::METRIC_NAME;
use model::names::{write_label_name, write_quoted};
use model::{MatchOp, Matcher};
use std::fmt::{Display, Formatter, Result, Write};

/// Matchers sorted, one blank around operators, labels of `by` and the like as written.
impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.print(f, self.root())
    }
}

/// A part of a tree, as a text.
#[derive(Clone, Copy, Debug)]
pub struct Printed<'a> {
    expr: &'a Expr,
    id: NodeId,
}

impl Display for Printed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.expr.print(f, self.id)
    }
}

impl Expr {
    /// A node, to be printed.
    #[must_use]
    pub fn printed(&self, id: NodeId) -> Printed<'_> {
        Printed { expr: self, id }
    }

    fn print(&self, f: &mut Formatter<'_>, id: NodeId) -> Result {
        match self.node(id) {
            Node::Number { value, duration: false } => write_f(f, *value),
            Node::Number { value, duration: true } => print_seconds(f, *value),
            Node::String(bytes) => print_bytes(f, bytes),
            Node::VectorSelector(selector) => {
                print_matchers(f, selector)?;
                print_at(f, selector.at)?;
                print_edges(f, selector.edges)?;
                self.print_offset(f, selector.offset)
            }
            Node::MatrixSelector { selector, range } => self.print_matrix(f, *selector, *range),
            Node::Subquery(subquery) => self.print_subquery(f, subquery),
            Node::Call { func, args } => {
                write!(f, "{}(", func.name())?;
                self.print_list(f, args)?;
                f.write_char(')')
            }
            Node::Aggregate(aggregate) => self.print_aggregate(f, aggregate),
            Node::Binary(binary) => self.print_binary(f, binary),
            Node::Unary { negative, expr } => {
                f.write_char(if *negative { '-' } else { '+' })?;
                self.print(f, *expr)
            }
            Node::Paren(inner) => {
                f.write_char('(')?;
                self.print(f, *inner)?;
                f.write_char(')')
            }
            Node::Duration(duration) => self.print_duration(f, duration),
        }
    }

    fn print_list(&self, f: &mut Formatter<'_>, ids: &[NodeId]) -> Result {
        for (i, id) in ids.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            self.print(f, *id)?;
        }
        Ok(())
    }

    /// The range comes before the modifiers, which the inner selector holds.
    fn print_matrix(&self, f: &mut Formatter<'_>, selector: NodeId, range: Dur) -> Result {
        let Node::VectorSelector(selector) = self.node(selector) else {
            unreachable!("the parser makes ranges of vector selectors only")
        };
        print_matchers(f, selector)?;
        f.write_char('[')?;
        self.print_dur(f, range)?;
        f.write_char(']')?;
        print_edges(f, selector.edges)?;
        print_at(f, selector.at)?;
        self.print_offset(f, selector.offset)
    }

    fn print_subquery(&self, f: &mut Formatter<'_>, subquery: &Subquery) -> Result {
        self.print(f, subquery.expr)?;
        f.write_char('[')?;
        self.print_dur(f, subquery.range)?;
        f.write_char(':')?;
        if let Some(step) = subquery.step {
            self.print_dur(f, step)?;
        }
        f.write_char(']')?;
        print_at(f, subquery.at)?;
        self.print_offset(f, subquery.offset)
    }

    fn print_aggregate(&self, f: &mut Formatter<'_>, aggregate: &Aggregate) -> Result {
        f.write_str(aggregate.op.as_str())?;
        if aggregate.without || !aggregate.grouping.is_empty() {
            f.write_str(if aggregate.without { " without (" } else { " by (" })?;
            print_labels(f, &aggregate.grouping)?;
            f.write_str(") ")?;
        }
        f.write_char('(')?;
        if let Some(param) = aggregate.param {
            self.print(f, param)?;
            f.write_str(", ")?;
        }
        self.print(f, aggregate.expr)?;
        f.write_char(')')
    }

    fn print_binary(&self, f: &mut Formatter<'_>, binary: &Binary) -> Result {
        self.print(f, binary.lhs)?;
        write!(f, " {}", binary.op.as_str())?;
        if binary.return_bool {
            f.write_str(" bool")?;
        }
        if let Some(matching) = &binary.matching {
            print_matching(f, matching)?;
        }
        f.write_char(' ')?;
        self.print(f, binary.rhs)
    }

    fn print_offset(&self, f: &mut Formatter<'_>, offset: Dur) -> Result {
        match offset {
            Dur::Ms(0) => Ok(()),
            Dur::Ms(ms) => {
                f.write_str(if ms < 0 { " offset -" } else { " offset " })?;
                print_ms(f, ms.saturating_abs())
            }
            Dur::Expr(id) => {
                f.write_str(" offset ")?;
                self.print(f, id)
            }
        }
    }

    fn print_dur(&self, f: &mut Formatter<'_>, dur: Dur) -> Result {
        match dur {
            Dur::Ms(ms) => print_ms(f, ms),
            Dur::Expr(id) => self.print(f, id),
        }
    }

    fn print_duration(&self, f: &mut Formatter<'_>, duration: &DurationExpr) -> Result {
        let DurationExpr { op, lhs, rhs, wrapped } = *duration;
        if wrapped {
            f.write_char('(')?;
        }
        let word = op.as_str();
        match (op, lhs, rhs) {
            (DurationOp::Min | DurationOp::Max, Some(lhs), Some(rhs)) => {
                write!(f, "{word}(")?;
                self.print_list(f, &[lhs, rhs])?;
                f.write_char(')')?;
            }
            (_, Some(lhs), Some(rhs)) => {
                self.print(f, lhs)?;
                write!(f, " {word} ")?;
                self.print(f, rhs)?;
            }
            (DurationOp::Sub, None, Some(rhs)) => {
                f.write_str(word)?;
                self.print(f, rhs)?;
            }
            // A plus only carries the parentheses around a literal.
            (_, None, Some(rhs)) => self.print(f, rhs)?,
            (_, _, None) => write!(f, "{word}()")?,
        }
        if wrapped {
            f.write_char(')')?;
        }
        Ok(())
    }
}

fn print_matchers(f: &mut Formatter<'_>, selector: &VectorSelector) -> Result {
    let name = selector.name.as_deref().unwrap_or("");
    f.write_str(name)?;
    let is_name = |matcher: &&Matcher| {
        matcher.op() == MatchOp::Equal && matcher.name() == METRIC_NAME && matcher.value() == name
    };
    let others = selector.matchers.iter().filter(|m| name.is_empty() || !is_name(m));
    let mut others: Vec<_> = others.map(ToString::to_string).collect();
    if !others.is_empty() || name.is_empty() {
        others.sort_unstable();
        write!(f, "{{{}}}", others.join(","))?;
    }
    Ok(())
}

fn print_at(f: &mut Formatter<'_>, at: Option<At>) -> Result {
    match at {
        None => Ok(()),
        Some(At::Start) => f.write_str(" @ start()"),
        Some(At::End) => f.write_str(" @ end()"),
        Some(At::Time(ms)) => {
            let sign = if ms < 0 { "-" } else { "" };
            let ms = ms.unsigned_abs();
            write!(f, " @ {sign}{}.{:03}", ms / 1000, ms % 1000)
        }
    }
}

fn print_edges(f: &mut Formatter<'_>, edges: Option<Edges>) -> Result {
    match edges {
        None => Ok(()),
        Some(Edges::Anchored) => f.write_str(" anchored"),
        Some(Edges::Smoothed) => f.write_str(" smoothed"),
    }
}

fn print_matching(f: &mut Formatter<'_>, matching: &VectorMatching) -> Result {
    let side = match matching.card {
        Cardinality::ManyToOne => Some("left"),
        Cardinality::OneToMany => Some("right"),
        Cardinality::OneToOne | Cardinality::ManyToMany => None,
    };
    if matching.on || side.is_some() || !matching.labels.is_empty() {
        f.write_str(if matching.on { " on (" } else { " ignoring (" })?;
        print_labels(f, &matching.labels)?;
        f.write_char(')')?;
    }
    if let Some(side) = side {
        write!(f, " group_{side} (")?;
        print_labels(f, &matching.include)?;
        f.write_char(')')?;
    }
    let (left, right) = (matching.fill_left, matching.fill_right);
    let fills = if left.is_some() && left == right {
        [("fill", left), ("", None)]
    } else {
        [("fill_left", left), ("fill_right", right)]
    };
    for (word, value) in fills {
        if let Some(value) = value {
            write!(f, " {word} (")?;
            write_g(f, value)?;
            f.write_char(')')?;
        }
    }
    Ok(())
}

fn print_labels(f: &mut Formatter<'_>, labels: &[Box<str>]) -> Result {
    for (i, label) in labels.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        write_label_name(f, label)?;
    }
    Ok(())
}

fn print_seconds(f: &mut Formatter<'_>, seconds: f64) -> Result {
    if seconds < 0.0 {
        f.write_char('-')?;
    }
    #[expect(clippy::cast_possible_truncation, reason = "saturates; read from whole milliseconds")]
    print_ms(f, (seconds.abs() * 1000.0).round() as i64)
}

fn print_ms(f: &mut Formatter<'_>, ms: i64) -> Result {
    Display::fmt(&Duration::from_ms(ms), f)
}

fn print_bytes(f: &mut Formatter<'_>, bytes: &[u8]) -> Result {
    f.write_char('"')?;
    for chunk in bytes.utf8_chunks() {
        let mut quoted = String::new();
        write_quoted(&mut quoted, chunk.valid())?;
        f.write_str(&quoted[1..quoted.len() - 1])?;
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    f.write_char('"')
}

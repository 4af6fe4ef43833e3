//! Types: every operand and argument must be what its place asks for.
//!
//! Parents are looked at where their faults should be reported relative to those of their
//! children, so that the first fault is the one Prometheus reports.

use super::super::ast::{
    Aggregate, Binary, BinaryOp, Cardinality, Node, NodeId, Span, ValueType, VectorSelector,
};
use super::super::functions::Function;
use super::super::token::quoted;
use super::Parser;
use model::labels::METRIC_NAME;

impl Parser<'_> {
    /// Checks a node and everything below it; the tree is at most `MAX_DEPTH` deep.
    pub(super) fn check(&mut self, id: NodeId) {
        match self.expr.node(id) {
            Node::Number { .. } | Node::String(_) | Node::Duration(_) => {}
            Node::VectorSelector(selector) => {
                if let Some(fault) = selector_fault(selector) {
                    self.error(self.expr.span(id), fault);
                }
            }
            Node::MatrixSelector { selector, .. } => self.check(*selector),
            Node::Subquery(subquery) => self.check_subquery(id, subquery.expr),
            Node::Call { func, .. } => self.check_call(id, *func),
            Node::Aggregate(aggregate) => {
                let Aggregate { op, expr, param, .. } = *aggregate;
                self.expect_type(expr, ValueType::Vector, "aggregation expression");
                if let (Some(param), Some(wanted)) = (param, op.param_type()) {
                    self.expect_type(param, wanted, "aggregation parameter");
                }
            }
            Node::Binary(binary) => {
                let Binary { op, lhs, rhs, return_bool, .. } = *binary;
                self.check(lhs);
                self.check(rhs);
                self.check_binary(id, op, lhs, rhs, return_bool);
            }
            Node::Unary { expr, .. } => self.check_unary(id, *expr),
            Node::Paren(inner) => self.check(*inner),
        }
    }

    fn expect_type(&mut self, id: NodeId, wanted: ValueType, place: &str) {
        self.check(id);
        let got = self.expr.value_type(id);
        if got != wanted {
            let fault = mismatch(wanted, place, got);
            self.error(self.expr.span(id), fault);
        }
    }

    fn check_subquery(&mut self, id: NodeId, inner: NodeId) {
        self.check(inner);
        let got = self.expr.value_type(inner);
        if got != ValueType::Vector {
            let got = got.as_str();
            let fault = format!("subquery is only allowed on instant vector, got {got} instead");
            self.error(self.expr.span(id), fault);
        }
    }

    fn check_unary(&mut self, id: NodeId, inner: NodeId) {
        self.check(inner);
        let got = self.expr.value_type(inner);
        if !matches!(got, ValueType::Scalar | ValueType::Vector) {
            let fault = "unary expression only allowed on expressions of type scalar or instant \
                         vector";
            self.error(self.expr.span(id), format!("{fault}, got {}", quoted(got.documented())));
        }
    }

    fn check_call(&mut self, id: NodeId, func: Function) {
        let span = self.expr.span(id);
        let args = self.expr.children(id);
        let signature = func.signature();
        let (min, max, got) = (signature.min_args, signature.max_args, args.len());
        let wanted = if min == max && got != min {
            Some(min.to_string())
        } else if got < min {
            Some(format!("at least {min}"))
        } else if got > max {
            Some(format!("at most {max}"))
        } else {
            None
        };
        if let Some(wanted) = wanted {
            let name = signature.name;
            let fault = format!("expected {wanted} argument(s) in call to \"{name}\", got {got}");
            self.error(span, fault);
        }
        if func == Function::Info && got > 1 {
            self.check_info(span, args[1]);
        }
        let place = format!("call to function \"{}\"", signature.name);
        for (i, arg) in args.into_iter().enumerate() {
            match signature.arg_type(i) {
                Some(wanted) if i < max => self.expect_type(arg, wanted, &place),
                _ => return,
            }
        }
    }

    /// The second argument of `info` is a selector without a name, and may match everything.
    fn check_info(&mut self, call: Span, arg: NodeId) {
        let got = self.expr.value_type(arg);
        if got != ValueType::Vector {
            self.error(call, mismatch(ValueType::Vector, "call to function \"info\"", got));
        }
        let fault = match self.expr.node_mut(arg) {
            Node::VectorSelector(selector) if selector.name.is_none() => {
                selector.bypass_empty_check = true;
                return;
            }
            Node::VectorSelector(_) => "expected label selectors only, got vector selector instead",
            _ => "expected label selectors only",
        };
        self.error(self.expr.span(arg), fault);
    }

    fn check_binary(
        &mut self,
        id: NodeId,
        op: BinaryOp,
        lhs: NodeId,
        rhs: NodeId,
        return_bool: bool,
    ) {
        let (left, right) = (self.expr.value_type(lhs), self.expr.value_type(rhs));
        let scalars = left == ValueType::Scalar && right == ValueType::Scalar;
        if return_bool && !op.is_comparison() {
            let span = self.operator_span(lhs, rhs);
            self.error(span, "bool modifier can only be used on comparison operators");
        }
        if op.is_comparison() && !return_bool && scalars {
            let span = self.operator_span(lhs, rhs);
            self.error(span, "comparisons between scalars must use BOOL modifier");
        }
        self.check_shared_labels(id, lhs, rhs);
        for (side, got) in [(lhs, left), (rhs, right)] {
            if !matches!(got, ValueType::Scalar | ValueType::Vector) {
                let fault = "binary expression must contain only scalar and instant vector types";
                self.error(self.expr.span(side), fault);
            }
        }
        self.check_matching(id, op, left == ValueType::Vector && right == ValueType::Vector);
        if op.is_set() && (left == ValueType::Scalar || right == ValueType::Scalar) {
            let fault =
                format!("set operator \"{}\" not allowed in binary scalar expression", op.as_str());
            self.error(self.expr.span(id), fault);
        }
    }

    fn check_shared_labels(&mut self, id: NodeId, lhs: NodeId, rhs: NodeId) {
        let Node::Binary(Binary { matching: Some(matching), .. }) = self.expr.node(id) else {
            return;
        };
        let shared = matching.labels.iter().find(|label| matching.include.contains(label));
        if let Some(label) = shared.filter(|_| matching.on) {
            let label = quoted(label);
            let fault = format!("label {label} must not occur in ON and GROUP clause at once");
            let span = self.operator_span(lhs, rhs);
            self.error(span, fault);
        }
    }

    /// Matching is for vectors on both sides; set operators match many with many.
    fn check_matching(&mut self, id: NodeId, op: BinaryOp, vectors: bool) {
        let span = self.expr.span(id);
        let Node::Binary(binary) = self.expr.node_mut(id) else { return };
        let Some(matching) = &mut binary.matching else { return };
        let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
        let mut faults = Vec::new();
        if !vectors {
            if !matching.labels.is_empty() {
                faults.push("vector matching only allowed between instant vectors".to_owned());
            }
            if fills {
                let fault = "filling in missing series only allowed between instant vectors";
                faults.push(fault.to_owned());
            }
            binary.matching = None;
        } else if op.is_set() {
            if matching.card == Cardinality::OneToOne {
                matching.card = Cardinality::ManyToMany;
            } else {
                faults.push(format!("no grouping allowed for \"{}\" operation", op.as_str()));
                faults.push("set operations must always be many-to-many".to_owned());
            }
            if fills {
                let fault = "filling in missing series not allowed for set operators";
                faults.push(fault.to_owned());
            }
        }
        for fault in faults {
            self.error(span, fault);
        }
    }

    /// The part of the text between two operands, without the blanks around it.
    fn operator_span(&self, lhs: NodeId, rhs: NodeId) -> Span {
        let (start, end) = (self.expr.span(lhs).end, self.expr.span(rhs).start);
        let text = &self.text[start as usize..end as usize];
        let blanks = text.len() - text.trim_ascii_start().len();
        let start = start + u32::try_from(blanks).expect("shorter than the query");
        Span { start, end: start + u32::try_from(text.trim_ascii().len()).expect("shorter still") }
    }
}

fn mismatch(wanted: ValueType, place: &str, got: ValueType) -> String {
    let (wanted, got) = (wanted.documented(), got.documented());
    format!("expected type {wanted} in {place}, got {got}")
}

fn selector_fault(selector: &VectorSelector) -> Option<String> {
    let matchers = &selector.matchers;
    if let Some(name) = &selector.name {
        let inside = &matchers[..matchers.len() - 1];
        let other = inside.iter().find(|matcher| matcher.name() == METRIC_NAME)?;
        let (name, other) = (quoted(name), quoted(other.value()));
        return Some(format!("metric name must not be set twice: {name} or {other}"));
    }
    let selects = selector.bypass_empty_check || matchers.iter().any(|m| !m.matches(""));
    let fault = "vector selector must contain at least one non-empty matcher";
    (!selects).then(|| fault.to_owned())
}

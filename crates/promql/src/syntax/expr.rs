//! The syntax tree of a query: nodes in one arena, each with the part of the text it was read from.
//!
//! Children are made before their parents, so a node's id is larger than those of its children; only
//! the duration expression of an `offset` comes later. Dropping a tree is dropping a few vectors,
//! however deep it is.

use super::ast::{Dur, Node, NodeId, Position, Span, Subquery, ValueType};
use smallvec::SmallVec;

/// A parsed and checked query.
#[derive(Clone, Debug)]
pub struct Expr {
    text: Box<str>,
    nodes: Vec<Node>,
    meta: Vec<Meta>,
    root: NodeId,
}

#[derive(Clone, Copy, Debug)]
struct Meta {
    span: Span,
    value_type: ValueType,
    height: u32,
}

/// Ids of direct children.
pub type Children = SmallVec<[NodeId; 4]>;

impl Expr {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.into(), nodes: Vec::new(), meta: Vec::new(), root: NodeId(0) }
    }

    /// Adds a node above all others so far.
    pub(super) fn push(&mut self, node: Node, span: Span) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("one node a byte of text at most"));
        let value_type = self.type_of(&node);
        self.nodes.push(node);
        let height = 1 + self.below(id).into_iter().map(|id| self.height(id)).max().unwrap_or(0);
        self.meta.push(Meta { span, value_type, height });
        id
    }

    /// The number of nodes on the longest way down from a node, itself included.
    pub(crate) fn height(&self, id: NodeId) -> u32 {
        self.meta[id.index()].height
    }

    /// Direct children, those in duration expressions included.
    fn below(&self, id: NodeId) -> Children {
        let mut below = self.children(id);
        let durations = match self.node(id) {
            Node::VectorSelector(selector) => [Some(selector.offset), None, None],
            Node::MatrixSelector { range, .. } => [Some(*range), None, None],
            Node::Subquery(Subquery { range, step, offset, .. }) => {
                [Some(*range), *step, Some(*offset)]
            }
            Node::Duration(duration) => {
                [duration.lhs, duration.rhs, None].map(|id| id.map(Dur::Expr))
            }
            _ => [None; 3],
        };
        below.extend(durations.into_iter().flatten().filter_map(|dur| match dur {
            Dur::Expr(id) => Some(id),
            Dur::Ms(_) => None,
        }));
        below
    }

    /// The outermost expression.
    #[must_use]
    pub fn root(&self) -> NodeId {
        self.root
    }

    pub(super) fn set_root(&mut self, root: NodeId) {
        self.root = root;
    }

    /// A node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    pub(crate) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.index()]
    }

    pub(super) fn set_span(&mut self, id: NodeId, span: Span) {
        self.meta[id.index()].span = span;
    }

    /// The number of nodes.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// All nodes, children before parents.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..u32::try_from(self.nodes.len()).expect("checked by push")).map(NodeId)
    }

    /// Where a node was read from.
    #[must_use]
    pub fn span(&self, id: NodeId) -> Span {
        self.meta[id.index()].span
    }

    /// The whole query as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A node as written.
    #[must_use]
    pub fn span_text(&self, id: NodeId) -> &str {
        self.text.get(self.span(id).range()).unwrap_or("")
    }

    /// Where a node starts, as `line:column` of annotations counts.
    #[must_use]
    pub fn position(&self, id: NodeId) -> Position {
        Position::of(&self.text, self.span(id).start as usize)
    }

    /// What a node evaluates to. Nodes of a duration expression are scalars.
    #[must_use]
    pub fn value_type(&self, id: NodeId) -> ValueType {
        self.meta[id.index()].value_type
    }

    /// The node inside of any parentheses.
    #[must_use]
    pub fn unparen(&self, mut id: NodeId) -> NodeId {
        while let Node::Paren(inner) = self.node(id) {
            id = *inner;
        }
        id
    }

    /// Direct children in the order of the text, an aggregation's parameter before its expression;
    /// duration expressions are not among them.
    #[must_use]
    pub fn children(&self, id: NodeId) -> Children {
        match self.node(id) {
            Node::Number { .. } | Node::String(_) | Node::VectorSelector(_) | Node::Duration(_) => {
                Children::new()
            }
            Node::MatrixSelector { selector, .. } => [*selector].into_iter().collect(),
            Node::Subquery(subquery) => [subquery.expr].into_iter().collect(),
            Node::Call { args, .. } => args.iter().copied().collect(),
            Node::Aggregate(aggregate) => {
                aggregate.param.into_iter().chain([aggregate.expr]).collect()
            }
            Node::Binary(binary) => [binary.lhs, binary.rhs].into_iter().collect(),
            Node::Unary { expr, .. } | Node::Paren(expr) => [*expr].into_iter().collect(),
        }
    }

    /// Calls `visit` for a node and everything below it, parents first, without recursion; goes
    /// below a node only when `visit` returns true.
    pub fn walk(&self, from: NodeId, mut visit: impl FnMut(NodeId, &Node) -> bool) {
        let mut stack = vec![from];
        while let Some(id) = stack.pop() {
            if visit(id, self.node(id)) {
                stack.extend(self.children(id).into_iter().rev());
            }
        }
    }

    fn type_of(&self, node: &Node) -> ValueType {
        match node {
            Node::Number { .. } | Node::Duration(_) => ValueType::Scalar,
            Node::String(_) => ValueType::String,
            Node::VectorSelector(_) | Node::Aggregate(_) => ValueType::Vector,
            Node::MatrixSelector { .. } | Node::Subquery(_) => ValueType::Matrix,
            Node::Call { func, .. } => func.signature().returns,
            Node::Binary(binary) => {
                let scalar = |id| self.value_type(id) == ValueType::Scalar;
                if scalar(binary.lhs) && scalar(binary.rhs) {
                    ValueType::Scalar
                } else {
                    ValueType::Vector
                }
            }
            Node::Unary { expr, .. } | Node::Paren(expr) => self.value_type(*expr),
        }
    }
}

//! What a query is made of: the kinds of nodes and operators, types, and places in the text.
//!
//! An [`Expr`](super::Expr) holds the nodes of one query; they name each other by [`NodeId`].

use super::functions::Function;
use model::Matcher;
use std::ops::Range;

/// A node of an [`Expr`](super::Expr).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The place in the arena.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A part of the query text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// Byte after the last one.
    pub end: u32,
}

impl Span {
    /// The bytes from `start` to before `end`.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// From the start of this one to the end of the other.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }
}

/// What an expression evaluates to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// One number a step.
    Scalar,
    /// A text.
    String,
    /// At most one sample a series and step: an instant vector.
    Vector,
    /// Many samples a series: a range vector.
    Matrix,
}

impl ValueType {
    /// The word in error texts.
    #[must_use]
    pub fn documented(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::String => "string",
            Self::Vector => "instant vector",
            Self::Matrix => "range vector",
        }
    }

    /// The word in the HTTP API (`resultType`).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::String => "string",
            Self::Vector => "vector",
            Self::Matrix => "matrix",
        }
    }
}

/// One expression.
#[derive(Clone, Debug)]
pub enum Node {
    /// A number; `duration` when it was written as one (`5m` is 300).
    Number {
        /// The value, durations in seconds.
        value: f64,
        /// Whether it is printed as a duration.
        duration: bool,
    },
    /// A text; escapes may have made it something else than UTF-8.
    String(Box<[u8]>),
    /// An instant vector selector.
    VectorSelector(VectorSelector),
    /// A range vector selector: a [`Node::VectorSelector`] (which holds offset, `@` and modifier)
    /// and a range.
    MatrixSelector {
        /// The vector selector.
        selector: NodeId,
        /// How far to look back.
        range: Dur,
    },
    /// A subquery `expr[range:step]`.
    Subquery(Subquery),
    /// A function call.
    Call {
        /// Which function.
        func: Function,
        /// Its arguments, as many as the function accepts.
        args: Vec<NodeId>,
    },
    /// An aggregation over series.
    Aggregate(Aggregate),
    /// A binary operation.
    Binary(Binary),
    /// A sign before an expression.
    Unary {
        /// `true` for minus.
        negative: bool,
        /// What it applies to.
        expr: NodeId,
    },
    /// An expression in parentheses.
    Paren(NodeId),
    /// Arithmetic on durations; occurs only below a [`Dur::Expr`].
    Duration(DurationExpr),
}

/// A duration where the grammar wants one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dur {
    /// Known when the query is read, in milliseconds.
    Ms(i64),
    /// A [`Node::Number`] or [`Node::Duration`] that is worked out before evaluation, in seconds.
    Expr(NodeId),
}

impl Dur {
    /// The duration, when it is known without evaluation.
    #[must_use]
    pub fn ms(self) -> Option<i64> {
        match self {
            Self::Ms(ms) => Some(ms),
            Self::Expr(_) => None,
        }
    }
}

/// The time an `@` modifier fixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Milliseconds since the Unix epoch.
    Time(i64),
    /// The start of the query range.
    Start,
    /// The end of the query range.
    End,
}

/// How the edges of a range are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edges {
    /// `anchored`: real samples at or before the edges.
    Anchored,
    /// `smoothed`: values interpolated at the edges.
    Smoothed,
}

/// An instant vector selector.
#[derive(Clone, Debug)]
pub struct VectorSelector {
    /// The metric name, when it was written before the braces.
    pub name: Option<Box<str>>,
    /// All conditions as written, then the one for `name`.
    pub matchers: Vec<Matcher>,
    /// How much older the samples are; negative for later ones. 0 without the modifier.
    pub offset: Dur,
    /// The time that replaces the evaluation time.
    pub at: Option<At>,
    /// `anchored` or `smoothed`.
    pub edges: Option<Edges>,
    /// Whether it may consist of matchers that all match the empty text: the second argument of
    /// `info`.
    pub bypass_empty_check: bool,
}

/// A subquery.
#[derive(Clone, Debug)]
pub struct Subquery {
    /// What is evaluated.
    pub expr: NodeId,
    /// How far to look back.
    pub range: Dur,
    /// Distance of the evaluations; `None` is the engine's default.
    pub step: Option<Dur>,
    /// How much earlier it ends. 0 without the modifier.
    pub offset: Dur,
    /// The time that replaces the evaluation time.
    pub at: Option<At>,
}

/// An aggregation.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// Which one.
    pub op: AggregateOp,
    /// The aggregated expression.
    pub expr: NodeId,
    /// The first argument of those that take two.
    pub param: Option<NodeId>,
    /// The labels in `by (...)` or `without (...)`, as written.
    pub grouping: Vec<Box<str>>,
    /// Whether all labels but `grouping` are kept.
    pub without: bool,
}

/// A binary operation.
#[derive(Clone, Debug)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// The left operand.
    pub lhs: NodeId,
    /// The right operand.
    pub rhs: NodeId,
    /// Whether a comparison gives 0 or 1 instead of filtering.
    pub return_bool: bool,
    /// How series find their partners; `Some` exactly when both sides are vectors.
    pub matching: Option<VectorMatching>,
}

/// How the series of two vectors find each other.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorMatching {
    /// How many partners a series may have.
    pub card: Cardinality,
    /// Whether `labels` are those that must agree (`on`) or those that need not (`ignoring`).
    pub on: bool,
    /// The labels of `on` or `ignoring`, as written.
    pub labels: Vec<Box<str>>,
    /// Labels copied from the "one" side: those of `group_left` or `group_right`.
    pub include: Vec<Box<str>>,
    /// The value of a missing left partner.
    pub fill_left: Option<f64>,
    /// The value of a missing right partner.
    pub fill_right: Option<f64>,
}

/// How many series of each side form a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cardinality {
    /// One and one.
    OneToOne,
    /// Many on the left: `group_left`.
    ManyToOne,
    /// Many on the right: `group_right`.
    OneToMany,
    /// Set operators.
    ManyToMany,
}

/// Arithmetic on durations; the operands are [`Node::Number`] (in seconds) or [`Node::Duration`].
#[derive(Clone, Copy, Debug)]
pub struct DurationExpr {
    /// What is computed.
    pub op: DurationOp,
    /// The left operand of a binary operation or of `min_of`, `max_of`.
    pub lhs: Option<NodeId>,
    /// The right or only operand; none for `step()` and `range()`.
    pub rhs: Option<NodeId>,
    /// Whether it stands in parentheses.
    pub wrapped: bool,
}

/// An operation on durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DurationOp {
    /// `+`, with one operand or two.
    Add,
    /// `-`, with one operand or two.
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `^`
    Pow,
    /// `step()`
    Step,
    /// `range()`
    Range,
    /// `min_of(a, b)`
    Min,
    /// `max_of(a, b)`
    Max,
}

impl DurationOp {
    /// How it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Step => "step",
            Self::Range => "range",
            Self::Min => "min_of",
            Self::Max => "max_of",
        }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// How it is written.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

words! {
    /// A binary operator.
    BinaryOp {
        /// Sum.
        Add = "+",
        /// Difference.
        Sub = "-",
        /// Product.
        Mul = "*",
        /// Quotient.
        Div = "/",
        /// Remainder with the sign of the dividend.
        Mod = "%",
        /// Power.
        Pow = "^",
        /// Angle of a point.
        Atan2 = "atan2",
        /// Equal.
        Eq = "==",
        /// Not equal.
        Ne = "!=",
        /// Less.
        Lt = "<",
        /// Less or equal.
        Le = "<=",
        /// Greater.
        Gt = ">",
        /// Greater or equal.
        Ge = ">=",
        /// Keeps the observations of a histogram below a value.
        TrimUpper = "</",
        /// Keeps the observations of a histogram above a value.
        TrimLower = ">/",
        /// Intersection.
        And = "and",
        /// Union.
        Or = "or",
        /// Complement.
        Unless = "unless",
    }
}

impl BinaryOp {
    /// `==`, `!=`, `<`, `<=`, `>` or `>=`.
    #[must_use]
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge)
    }

    /// `and`, `or` or `unless`.
    #[must_use]
    pub fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }

    /// `</` or `>/`.
    #[must_use]
    pub fn is_trim(self) -> bool {
        matches!(self, Self::TrimUpper | Self::TrimLower)
    }
}

words! {
    /// An aggregation operator.
    AggregateOp {
        /// Sum.
        Sum = "sum",
        /// Mean.
        Avg = "avg",
        /// Smallest.
        Min = "min",
        /// Largest.
        Max = "max",
        /// Number of series.
        Count = "count",
        /// 1 for every group.
        Group = "group",
        /// Population standard deviation.
        Stddev = "stddev",
        /// Population variance.
        Stdvar = "stdvar",
        /// The k largest.
        Topk = "topk",
        /// The k smallest.
        Bottomk = "bottomk",
        /// A quantile over series.
        Quantile = "quantile",
        /// Number of series by value.
        CountValues = "count_values",
        /// Any k.
        Limitk = "limitk",
        /// A share of the series.
        LimitRatio = "limit_ratio",
    }
}

impl AggregateOp {
    /// The type of the first of two arguments, for those that have two.
    #[must_use]
    pub fn param_type(self) -> Option<ValueType> {
        match self {
            Self::Topk | Self::Bottomk | Self::Quantile | Self::Limitk | Self::LimitRatio => {
                Some(ValueType::Scalar)
            }
            Self::CountValues => Some(ValueType::String),
            _ => None,
        }
    }

    /// Whether it is available only with the switch for experimental functions.
    #[must_use]
    pub fn is_experimental(self) -> bool {
        matches!(self, Self::Limitk | Self::LimitRatio)
    }
}

/// A place in a text, both from 1; the column counts bytes, as Prometheus does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    /// The position of a byte.
    #[must_use]
    pub fn of(text: &str, byte: usize) -> Self {
        let before = &text.as_bytes()[..byte.min(text.len())];
        let line_start = before.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        Self { line, column: before.len() - line_start + 1 }
    }
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

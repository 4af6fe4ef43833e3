//! Binary and unary operators.

use super::super::ast::{Binary, BinaryOp, Cardinality, Node, NodeId, Span, VectorMatching};
use super::super::token::{Keyword, Kind};
use super::{Parsed, Parser};
use smallvec::SmallVec;

/// How tightly an operator binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Power(u8);

impl Power {
    pub(super) const LOWEST: Self = Self(0);
    const POW: Self = Self(6);

    pub(super) fn of(op: BinaryOp) -> Self {
        Self(match op {
            BinaryOp::Or => 1,
            BinaryOp::And | BinaryOp::Unless => 2,
            op if op.is_comparison() || op.is_trim() => 3,
            BinaryOp::Add | BinaryOp::Sub => 4,
            BinaryOp::Pow => return Self::POW,
            _ => 5,
        })
    }

    /// The least power of the operators in the right operand.
    pub(super) fn right(self) -> Self {
        // Only powers group from the right.
        if self == Self::POW { self } else { Self(self.0 + 1) }
    }

    /// The least power of the operators below a sign, which binds like `*`.
    pub(super) fn below_sign() -> Self {
        Self::POW
    }
}

impl Parser<'_> {
    /// An expression of operators that bind at least so tightly.
    pub(super) fn expression(&mut self, least: Power) -> Parsed {
        let mut left = self.operand()?;
        while let Kind::Operator(op) = self.token.kind {
            if Power::of(op) < least {
                break;
            }
            left = self.operation(op, left)?;
        }
        Ok(left)
    }

    /// An operator and its right operand.
    fn operation(&mut self, op: BinaryOp, left: NodeId) -> Parsed {
        self.take();
        let (return_bool, matching) = self.modifiers()?;
        self.enter()?;
        let right = self.expression(Power::of(op).right())?;
        self.leave();
        self.binary(op, left, right, return_bool, matching)
    }

    /// An operand with signs before it.
    pub(super) fn signed(&mut self) -> Parsed {
        let mut signs = SmallVec::<[(bool, Span); 4]>::new();
        while let Kind::Operator(op @ (BinaryOp::Add | BinaryOp::Sub)) = self.token.kind {
            let negative = op == BinaryOp::Sub;
            signs.push((negative, self.take().span));
        }
        self.enter()?;
        let mut id = self.expression(Power::below_sign())?;
        self.leave();
        for (negative, sign) in signs.into_iter().rev() {
            id = self.unary(negative, sign, id)?;
        }
        Ok(id)
    }

    fn unary(&mut self, negative: bool, sign: Span, expr: NodeId) -> Parsed {
        let span = sign.to(self.expr.span(expr));
        if let Node::Number { value, .. } = self.expr.node_mut(expr) {
            // A sign before a number is part of the number.
            if negative {
                *value = -*value;
            }
            self.expr.set_span(expr, span);
            return Ok(expr);
        }
        self.push(Node::Unary { negative, expr }, span)
    }

    fn binary(
        &mut self,
        op: BinaryOp,
        lhs: NodeId,
        rhs: NodeId,
        return_bool: bool,
        matching: VectorMatching,
    ) -> Parsed {
        let span = self.expr.span(lhs).to(self.expr.span(rhs));
        if !self.features.fill && (matching.fill_left.is_some() || matching.fill_right.is_some()) {
            self.error(span, "binop fill modifiers are experimental and not enabled");
        }
        let matching = Some(matching);
        self.push(Node::Binary(Binary { op, lhs, rhs, return_bool, matching }), span)
    }

    /// What may stand between an operator and its right operand.
    fn modifiers(&mut self) -> Parsed<(bool, VectorMatching)> {
        let mut matching = VectorMatching {
            card: Cardinality::OneToOne,
            on: false,
            labels: Vec::new(),
            include: Vec::new(),
            fill_left: None,
            fill_right: None,
        };
        let return_bool = self.eat(Kind::Keyword(Keyword::Bool)).is_some();
        if let Kind::Keyword(keyword @ (Keyword::On | Keyword::Ignoring)) = self.token.kind {
            self.take();
            matching.on = keyword == Keyword::On;
            matching.labels = self.grouping()?;
            self.group_side(&mut matching)?;
        }
        self.fill_values(&mut matching)?;
        Ok((return_bool, matching))
    }

    fn group_side(&mut self, matching: &mut VectorMatching) -> Parsed<()> {
        matching.card = match self.token.kind {
            Kind::Keyword(Keyword::GroupLeft) => Cardinality::ManyToOne,
            Kind::Keyword(Keyword::GroupRight) => Cardinality::OneToMany,
            _ => return Ok(()),
        };
        self.take();
        if self.token.kind == Kind::LeftParen {
            matching.include = self.grouping()?;
        }
        Ok(())
    }

    fn fill_values(&mut self, matching: &mut VectorMatching) -> Parsed<()> {
        if self.eat(Kind::Keyword(Keyword::Fill)).is_some() {
            let value = Some(self.fill_value()?);
            (matching.fill_left, matching.fill_right) = (value, value);
            return Ok(());
        }
        loop {
            match self.token.kind {
                Kind::Keyword(Keyword::FillLeft) if matching.fill_left.is_none() => {
                    self.take();
                    matching.fill_left = Some(self.fill_value()?);
                }
                Kind::Keyword(Keyword::FillRight) if matching.fill_right.is_none() => {
                    self.take();
                    matching.fill_right = Some(self.fill_value()?);
                }
                _ => return Ok(()),
            }
        }
    }

    fn fill_value(&mut self) -> Parsed<f64> {
        self.expect(Kind::LeftParen)?;
        let value = self.signed_number()?;
        self.expect(Kind::RightParen)?;
        Ok(value)
    }
}

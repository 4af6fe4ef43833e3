//! Arithmetic and comparison between two vectors.
//!
//! The "one" side is read first and kept; the "many" side (the left one when both are "one") is
//! streamed past it. Each pair of partners is worked out once, as a column; a result that several
//! pairs contribute to comes out with the last of them. Faults are looked for per step with bit
//! operations: two series of the "one" side with a value at the same step, two of the "many" side
//! that find the same partner, two pairs with the same result.

use super::binary::Operation;
use super::column::Sample;
use super::instant::refuse_trim;
use super::{Column, Context, Node, Operator, Series, column, matching, same_labelset};
use crate::annotations::Remarks;
use crate::engine::EvalError;
use crate::syntax::{Cardinality, NodeId, VectorMatching};
use hashbrown::HashMap;
use model::Labels;
use std::collections::VecDeque;

/// A contribution to a result: one series of the "many" side and its partner.
#[derive(Clone, Copy, Debug)]
struct Pair {
    /// `None` is the fill value.
    many: Option<u32>,
    /// `None` is the fill value.
    one: Option<u32>,
    result: u32,
}

/// A match group.
#[derive(Clone, Debug, Default)]
struct Group {
    one: Vec<u32>,
    many: Vec<u32>,
    /// Steps at which some series of the "one" side has a value.
    one_present: Vec<u64>,
    /// Steps at which some series of the "many" side has a value.
    many_present: Vec<u64>,
    /// Steps at which a series of the "many" side found its partner.
    matched: Vec<u64>,
}

/// A result under construction.
#[derive(Debug, Default)]
struct Pending {
    column: Option<Column>,
    /// The group that contributed first.
    group: u32,
    /// Contributions that are still to come.
    left: u32,
}

/// A binary operation between vectors.
pub(crate) struct Join {
    operation: Operation,
    matching: VectorMatching,
    node: NodeId,
    n: usize,
    many: Node,
    one: Node,
    one_columns: Vec<Option<Column>>,
    group_of_many: Vec<u32>,
    group_of_one: Vec<u32>,
    groups: Vec<Group>,
    /// Sorted by the series of the "many" side, filled ones last.
    pairs: Vec<Pair>,
    next_pair: usize,
    results: Vec<Pending>,
    ready: VecDeque<Column>,
    /// The "many" side, when it had to be read before.
    buffered: Option<VecDeque<Column>>,
    next_many: u32,
    input: Column,
    pool: Vec<Column>,
}

impl Join {
    pub(crate) fn new(
        operation: Operation,
        matching: VectorMatching,
        node: NodeId,
        (left, right): (Node, Node),
        n: usize,
    ) -> Self {
        let swapped = matching.card == Cardinality::OneToMany;
        let (many, one) = if swapped { (right, left) } else { (left, right) };
        Self {
            operation: Operation { swapped, keep_other: swapped, ..operation },
            matching,
            node,
            n,
            many,
            one,
            one_columns: Vec::new(),
            group_of_many: Vec::new(),
            group_of_one: Vec::new(),
            groups: Vec::new(),
            pairs: Vec::new(),
            next_pair: 0,
            results: Vec::new(),
            ready: VecDeque::new(),
            buffered: None,
            next_many: 0,
            input: Column::default(),
            pool: Vec::new(),
        }
    }

    /// `fill_left` stands for the "many" side also when that is the right one: what Prometheus does,
    /// whatever the word says.
    fn fill_many(&self) -> Option<f64> {
        self.matching.fill_left
    }

    fn fill_one(&self) -> Option<f64> {
        self.matching.fill_right
    }

    /// Lists all pairs and what they are called; results in the order of their last pairs.
    fn plan(
        &mut self,
        cx: &Context<'_>,
        many: &[Series],
        one: &[Series],
        keys: &[Labels],
    ) -> Vec<Series> {
        let mut places: HashMap<Series, u32> = HashMap::new();
        let mut series: Vec<Series> = Vec::new();
        let mut last: Vec<usize> = Vec::new();
        let mut pairs = std::mem::take(&mut self.pairs);
        let mut add = |many_i: Option<u32>, one_i: Option<u32>, named: Series| {
            let result = *places.entry(named).or_insert_with_key(|named| {
                series.push(named.clone());
                last.push(0);
                u32::try_from(series.len() - 1).expect("fewer than 2^32 series")
            });
            last[result as usize] = pairs.len();
            pairs.push(Pair { many: many_i, one: one_i, result });
        };
        let name = |many: &Series, one: &Labels| {
            matching::result(cx, &self.matching, &self.operation, many, one)
        };
        for ((i, labels), group) in (0..).zip(many).zip(&self.group_of_many) {
            let has_values = |j: &&u32| {
                self.one_columns[**j as usize].as_ref().is_some_and(|one| !one.is_empty())
            };
            for j in self.groups[*group as usize].one.iter().filter(has_values) {
                add(Some(i), Some(*j), name(labels, &one[*j as usize].labels));
            }
            if self.fill_one().is_some() {
                add(Some(i), None, name(labels, &keys[*group as usize]));
            }
        }
        if self.fill_many().is_some() {
            for ((j, labels), group) in (0..).zip(one).zip(&self.group_of_one) {
                let many = Series::of(keys[*group as usize].clone());
                add(None, Some(j), name(&many, &labels.labels));
            }
        }
        // Renumber the results in the order in which they will be complete.
        let mut order: Vec<usize> = (0..series.len()).collect();
        order.sort_unstable_by_key(|result| last[*result]);
        let mut number = vec![0; series.len()];
        for (new, old) in (0..).zip(&order) {
            number[*old] = new;
        }
        self.results.resize_with(series.len(), Pending::default);
        for pair in &mut pairs {
            pair.result = number[pair.result as usize];
            self.results[pair.result as usize].left += 1;
        }
        self.pairs = pairs;
        order.into_iter().map(|old| series[old].clone()).collect()
    }

    /// Reads the "one" side and looks for series that are there twice.
    fn read_one(&mut self, cx: &mut Context<'_>, one: &[Series]) -> Result<(), EvalError> {
        let words = column::words(self.n);
        let fills = self.fill_many().is_some();
        let mut twice: Vec<u32> = Vec::new();
        for (j, group) in (0_u32..).zip(&self.group_of_one) {
            cx.check()?;
            let mut input = Column::default();
            self.one.next(cx, &mut input)?;
            let group = &mut self.groups[*group as usize];
            group.one_present.resize(words, 0);
            twice.extend(column::common(&group.one_present, &input.present).map(|_| j));
            column::unite(&mut group.one_present, &input.present);
            let needed = fills || !group.many.is_empty() || group.one.len() > 1;
            if needed {
                cx.hold(input.weight())?;
            }
            self.one_columns.push(needed.then_some(input));
        }
        if twice.is_empty() {
            return Ok(());
        }
        // It is a fault only at steps at which the other side has anything at all.
        let mut any = vec![if fills { u64::MAX } else { 0 }; words];
        let mut buffered = VecDeque::new();
        for _ in 0..self.group_of_many.len() {
            cx.check()?;
            let mut input = Column::default();
            self.many.next(cx, &mut input)?;
            cx.hold(input.weight())?;
            column::unite(&mut any, &input.present);
            buffered.push_back(input);
        }
        self.buffered = Some(buffered);
        for j in twice {
            self.refuse_duplicate(j, &any, one)?;
        }
        Ok(())
    }

    /// Fails when a series of the "one" side meets another one of its group at one of the steps.
    fn refuse_duplicate(&self, j: u32, at: &[u64], one: &[Series]) -> Result<(), EvalError> {
        let group = self.group_of_one[j as usize];
        let column = |j: u32| self.one_columns[j as usize].as_ref().expect("kept in such groups");
        let mine: Vec<u64> = column(j).present.iter().zip(at).map(|(a, b)| a & b).collect();
        let before = self.groups[group as usize].one.iter().take_while(|other| **other != j);
        for other in before {
            if column::common(&mine, &column(*other).present).is_some() {
                let mut pair = [&one[*other as usize].labels, &one[j as usize].labels];
                pair.sort();
                let key = matching::key(&self.matching).of(pair[0]);
                let side = if self.operation.swapped { "left" } else { "right" };
                return Err(EvalError::Execution(format!(
                    "found duplicate series for the match group {key} on the {side} hand-side of \
                     the operation: [{}, {}];many-to-many matching not allowed: matching labels \
                     must be unique on one side",
                    pair[0], pair[1]
                )));
            }
        }
        Ok(())
    }

    fn next_input(&mut self, cx: &mut Context<'_>) -> Result<(), EvalError> {
        match &mut self.buffered {
            Some(buffered) => {
                self.input = buffered.pop_front().expect("all columns were read before");
                cx.release(self.input.weight());
            }
            None => self.many.next(cx, &mut self.input)?,
        }
        Ok(())
    }

    /// Streams the next series of the "many" side past its partners.
    fn advance(&mut self, cx: &mut Context<'_>) -> Result<(), EvalError> {
        cx.check()?;
        let i = self.next_many;
        self.next_many += 1;
        self.next_input(cx)?;
        let group_number = self.group_of_many[i as usize];
        self.check_partners(group_number)?;
        while let Some(pair) = self.pairs.get(self.next_pair).copied()
            && pair.many == Some(i)
        {
            self.next_pair += 1;
            let mut result = self.pool.pop().unwrap_or_default();
            result.clone_from(&self.input);
            match pair.one {
                Some(j) => {
                    let one = self.one_columns[j as usize].as_ref().expect("kept for its pairs");
                    result.present.iter_mut().zip(&one.present).for_each(|(a, b)| *a &= b);
                    if result.has_histograms() || one.has_histograms() {
                        let mut remarks = Remarks::default();
                        let one = |step| one.sample(step);
                        self.operation.apply_mixed(&mut result, one, &mut remarks);
                        remarks.drain().for_each(|remark| cx.remark(self.node, remark, ""));
                    } else {
                        self.refuse_floats(cx, &result);
                        self.operation.apply(&mut result, |step| one.values[step]);
                    }
                }
                None => {
                    let one = &self.groups[group_number as usize].one_present;
                    result.present.iter_mut().zip(one).for_each(|(a, b)| *a &= !b);
                    let fill = self.fill_one().expect("such pairs are made for it");
                    self.with_fill(cx, self.operation, &mut result, fill);
                }
            }
            self.contribute(cx, pair, result, group_number)?;
        }
        Ok(())
    }

    /// Two series of the "many" side with the same partner are a fault in one-to-one matching.
    fn check_partners(&mut self, group: u32) -> Result<(), EvalError> {
        let (words, fills) = (column::words(self.n), self.fill_one().is_some());
        let group = &mut self.groups[group as usize];
        group.many_present.resize(words, 0);
        column::unite(&mut group.many_present, &self.input.present);
        if self.matching.card != Cardinality::OneToOne || group.many.len() < 2 {
            return Ok(());
        }
        group.matched.resize(words, 0);
        group.one_present.resize(words, 0);
        for (w, input) in self.input.present.iter().enumerate() {
            let found = if fills { *input } else { input & group.one_present[w] };
            if found & group.matched[w] != 0 {
                return Err(EvalError::Execution(
                    "multiple matches for labels: many-to-one matching must be explicit \
                     (group_left/group_right)"
                        .into(),
                ));
            }
            group.matched[w] |= found;
        }
        Ok(())
    }

    /// The steps at which a series of the "one" side has no partner.
    fn fill_next(&mut self, cx: &mut Context<'_>) -> Result<(), EvalError> {
        cx.check()?;
        let pair = self.pairs[self.next_pair];
        self.next_pair += 1;
        let (j, fill) = (pair.one.expect("only one side is filled"), self.fill_many());
        let fill = fill.expect("such pairs are made for it");
        let group_number = self.group_of_one[j as usize];
        let one = self.one_columns[j as usize].as_ref().expect("kept to be filled");
        let mut result = self.pool.pop().unwrap_or_default();
        result.clone_from(one);
        let many = &self.groups[group_number as usize].many_present;
        result.present.iter_mut().zip(many).for_each(|(a, b)| *a &= !b);
        // Here the column at hand is the "one" side.
        let Operation { swapped, keep_other, .. } = self.operation;
        let turned = Operation { swapped: !swapped, keep_other: !keep_other, ..self.operation };
        self.with_fill(cx, turned, &mut result, fill);
        self.contribute(cx, pair, result, group_number)
    }

    fn with_fill(&self, cx: &mut Context<'_>, operation: Operation, out: &mut Column, fill: f64) {
        if out.has_histograms() {
            let mut remarks = Remarks::default();
            operation.apply_mixed(out, |_| Some(Sample::Float(fill)), &mut remarks);
            remarks.drain().for_each(|remark| cx.remark(self.node, remark, ""));
        } else {
            self.refuse_floats(cx, out);
            operation.apply(out, |_| fill);
        }
    }

    /// Floats cannot be trimmed.
    fn refuse_floats(&self, cx: &mut Context<'_>, floats: &Column) {
        if self.operation.op.is_trim() && !floats.is_empty() {
            refuse_trim(cx, self.operation, self.node);
        }
    }

    /// Adds a pair's column to its result.
    fn contribute(
        &mut self,
        cx: &mut Context<'_>,
        pair: Pair,
        column: Column,
        group: u32,
    ) -> Result<(), EvalError> {
        let pending = &mut self.results[pair.result as usize];
        pending.left -= 1;
        let merged = match pending.column.take() {
            None => {
                pending.group = group;
                column
            }
            Some(mut merged) => {
                if column::common(&merged.present, &column.present).is_some() {
                    return Err(if pending.group == group {
                        EvalError::Execution(
                            "multiple matches for labels: grouping labels must ensure unique \
                             matches"
                                .into(),
                        )
                    } else {
                        same_labelset()
                    });
                }
                cx.release(merged.weight());
                merged.absorb(&column);
                self.pool.push(column);
                merged
            }
        };
        if pending.left == 0 {
            self.ready.push_back(merged);
        } else {
            cx.hold(merged.weight())?;
            pending.column = Some(merged);
        }
        Ok(())
    }
}

impl Operator for Join {
    fn series(&mut self, cx: &mut Context<'_>) -> Result<Vec<Series>, EvalError> {
        let many = self.many.series(cx)?;
        let one = self.one.series(cx)?;
        if (many.is_empty() && self.fill_many().is_none())
            || (one.is_empty() && self.fill_one().is_none())
        {
            return Ok(Vec::new());
        }
        let (of_many, of_one, keys) = matching::groups(&self.matching, &many, &one);
        self.groups.resize_with(keys.len(), Group::default);
        for (i, group) in (0..).zip(&of_many) {
            self.groups[*group as usize].many.push(i);
        }
        for (j, group) in (0..).zip(&of_one) {
            self.groups[*group as usize].one.push(j);
        }
        (self.group_of_many, self.group_of_one) = (of_many, of_one);
        let words = column::words(self.n);
        for group in &mut self.groups {
            group.one_present.resize(words, 0);
            group.many_present.resize(words, 0);
        }
        self.read_one(cx, &one)?;
        Ok(self.plan(cx, &many, &one, &keys))
    }

    fn next(&mut self, cx: &mut Context<'_>, out: &mut Column) -> Result<(), EvalError> {
        while self.ready.is_empty() {
            if (self.next_many as usize) < self.group_of_many.len() {
                self.advance(cx)?;
            } else {
                self.fill_next(cx)?;
            }
        }
        let column = self.ready.pop_front().expect("something is ready");
        self.pool.push(std::mem::replace(out, column));
        Ok(())
    }
}

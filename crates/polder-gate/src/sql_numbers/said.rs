//! The texts that an expression may give, where all of them stand in the statement itself: literals, behind names, in `VALUES`,
//! chosen by `CASE`, put together by `||`.

use std::collections::BTreeSet;

use datafusion::common::tree_node::TreeNode;
use datafusion::common::utils::quote_identifier;
use datafusion::common::{Column, JoinType, ScalarValue};
use datafusion::logical_expr::expr::{AggregateFunction, Cast, ScalarFunction, TryCast};
use datafusion::logical_expr::{Distinct, Expr, Join, LogicalPlan, Operator};
use datafusion::optimizer::simplify_expressions::{ExprSimplifier, SimplifyContext};

/// What one expression may give; `None` is null.
pub(super) type Texts = BTreeSet<Option<String>>;

/// Expressions that are looked at for one of them: names may stand for names that stand for more, again and again.
const STEPS: usize = 100_000;

/// Expressions and plans inside of one another.
const DEPTH: usize = 128;

/// Bytes of a text that is put together. No day and no decimal needs as many.
const LONGEST: usize = 128;

/// Functions that may be computed for it: they make no more of a text than it is.
const COMPUTED: [&str; 10] = [
    "btrim", "left", "lower", "ltrim", "right", "rtrim", "substr", "to_char", "to_date", "upper",
];

/// All texts that an expression over these inputs may give; none where anything else has a say, such as a table.
pub(super) fn texts(expression: &Expr, inputs: &[&LogicalPlan]) -> Option<Texts> {
    let mut reading = Reading {
        steps: STEPS,
        depth: DEPTH,
    };
    reading.expression(expression, inputs)
}

/// What may be looked at still.
struct Reading {
    steps: usize,
    depth: usize,
}

impl Reading {
    fn deeper(&mut self, look: impl FnOnce(&mut Self) -> Option<Texts>) -> Option<Texts> {
        self.steps = self.steps.checked_sub(1)?;
        self.depth = self.depth.checked_sub(1)?;
        let texts = look(self);
        self.depth += 1;
        texts
    }

    fn expression(&mut self, expression: &Expr, inputs: &[&LogicalPlan]) -> Option<Texts> {
        self.deeper(|reading| match expression {
            Expr::Literal(value, _) => literal(value),
            Expr::Alias(alias) => reading.expression(&alias.expr, inputs),
            Expr::Column(column) => {
                let (plan, at) = source(column, inputs)?;
                reading.column(plan, at)
            }
            Expr::ScalarSubquery(subquery) => reading.column(&subquery.subquery, 0).map(or_null),
            Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field })
                if field.data_type().is_string() =>
            {
                let inner = reading.expression(expr, inputs);
                inner.or_else(|| computed(expression))
            }
            Expr::Case(case) => {
                let branches = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
                let texts = reading.any(branches.chain(case.else_expr.as_deref()), inputs)?;
                Some(or_null(texts))
            }
            Expr::BinaryExpr(both) if both.op == Operator::StringConcat => {
                reading.joined([both.left.as_ref(), both.right.as_ref()], inputs, None)
            }
            Expr::ScalarFunction(call) => reading.call(expression, call, inputs),
            _ => None,
        })
    }

    fn call(&mut self, whole: &Expr, call: &ScalarFunction, inputs: &[&LogicalPlan]) -> Option<Texts> {
        match (call.name(), call.args.as_slice()) {
            ("coalesce" | "nvl" | "greatest" | "least", values) => self.any(values, inputs),
            ("nvl2", [_, chosen @ ..]) => self.any(chosen, inputs),
            ("nullif", [value, never]) => {
                let mut texts = self.expression(value, inputs)?;
                if let Some(never) = self.expression(never, inputs).filter(|all| all.len() == 1) {
                    texts.retain(|text| !never.contains(text));
                }
                Some(or_null(texts))
            }
            ("concat", values) => self.joined(values, inputs, Some("")),
            _ => computed(whole),
        }
    }

    /// What one or another of them gives.
    fn any<'e>(&mut self, values: impl IntoIterator<Item = &'e Expr>, inputs: &[&LogicalPlan]) -> Option<Texts> {
        let mut texts = Texts::new();
        for value in values {
            texts.extend(self.expression(value, inputs)?);
        }
        Some(texts)
    }

    /// What they give one after another, where a null is `null`.
    fn joined<'e>(
        &mut self,
        parts: impl IntoIterator<Item = &'e Expr>,
        inputs: &[&LogicalPlan],
        null: Option<&str>,
    ) -> Option<Texts> {
        let mut whole = Texts::from([Some(String::new())]);
        for part in parts {
            let ends = self.expression(part, inputs)?;
            self.steps = self.steps.checked_sub(whole.len().saturating_mul(ends.len()))?;
            if whole.iter().chain(&ends).flatten().any(|text| text.len() > LONGEST) {
                return None;
            }
            let pairs = whole
                .iter()
                .flat_map(|start| ends.iter().map(move |end| (start.as_deref(), end.as_deref())));
            whole = pairs
                .map(|(start, end)| Some(format!("{}{}", start.or(null)?, end.or(null)?)))
                .collect();
        }
        Some(whole)
    }

    /// What one column of a plan holds, counted from 0.
    fn column(&mut self, plan: &LogicalPlan, at: usize) -> Option<Texts> {
        self.deeper(|reading| match plan {
            LogicalPlan::Projection(projection) if projection.expr.len() == plan.schema().fields().len() => {
                reading.expression(projection.expr.get(at)?, &[&projection.input])
            }
            LogicalPlan::Values(values) => {
                let mut texts = Texts::new();
                for row in &values.values {
                    texts.extend(reading.expression(row.get(at)?, &[])?);
                }
                Some(texts)
            }
            LogicalPlan::Union(union) => {
                let mut texts = Texts::new();
                for input in &union.inputs {
                    texts.extend(reading.column(input, at)?);
                }
                Some(texts)
            }
            LogicalPlan::Aggregate(aggregate) => {
                let sets = |group: &Expr| matches!(group, Expr::GroupingSet(_));
                if aggregate.group_expr.iter().any(sets) {
                    return None;
                }
                let inputs = [aggregate.input.as_ref()];
                match at.checked_sub(aggregate.group_expr.len()) {
                    None => reading.expression(aggregate.group_expr.get(at)?, &inputs),
                    Some(own) => {
                        let call = aggregated(aggregate.aggr_expr.get(own)?)?;
                        match (call.func.name(), call.params.args.as_slice()) {
                            ("min" | "max", [value]) => reading.expression(value, &inputs).map(or_null),
                            _ => None,
                        }
                    }
                }
            }
            LogicalPlan::Window(window) if at < window.input.schema().fields().len() => {
                reading.column(&window.input, at)
            }
            LogicalPlan::Join(join) => {
                let (plan, at) = side(join, at)?;
                reading.column(plan, at).map(or_null)
            }
            LogicalPlan::SubqueryAlias(alias) => reading.column(&alias.input, at),
            LogicalPlan::Subquery(subquery) => reading.column(&subquery.subquery, at),
            plan => reading.column(fewer_rows(plan)?, at),
        })
    }
}

/// What a plan takes rows from that leaves them as they are.
fn fewer_rows(plan: &LogicalPlan) -> Option<&LogicalPlan> {
    match plan {
        LogicalPlan::Filter(filter) => Some(&filter.input),
        LogicalPlan::Sort(sort) => Some(&sort.input),
        LogicalPlan::Limit(limit) => Some(&limit.input),
        LogicalPlan::Distinct(Distinct::All(input)) => Some(input),
        LogicalPlan::Repartition(repartition) => Some(&repartition.input),
        _ => None,
    }
}

/// Where a column of a join comes from.
fn side(join: &Join, at: usize) -> Option<(&LogicalPlan, usize)> {
    let left = join.left.schema().fields().len();
    match join.join_type {
        JoinType::RightSemi | JoinType::RightAnti => Some((&join.right, at)),
        JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full if at >= left => {
            Some((&join.right, at - left))
        }
        JoinType::RightMark => None,
        _ => (at < left).then_some((&*join.left, at)),
    }
}

/// The only column of the inputs that is meant, and the input that it is of.
fn source<'p>(column: &Column, inputs: &[&'p LogicalPlan]) -> Option<(&'p LogicalPlan, usize)> {
    let all = inputs.iter().flat_map(|plan| {
        plan.schema()
            .iter()
            .enumerate()
            .map(move |(at, field)| (*plan, at, field))
    });
    let mut meant = all.filter(|(_, _, (qualifier, field))| {
        let relation = column.relation.as_ref();
        field.name() == &column.name
            && relation.is_none_or(|relation| qualifier.is_some_and(|qualifier| relation.resolved_eq(qualifier)))
    });
    let (plan, at, _) = meant.next()?;
    meant.next().is_none().then_some((plan, at))
}

fn or_null(mut texts: Texts) -> Texts {
    texts.insert(None);
    texts
}

fn literal(value: &ScalarValue) -> Option<Texts> {
    match value {
        ScalarValue::Null => Some(Texts::from([None])),
        value => value.try_as_str().map(|text| Texts::from([text.map(str::to_owned)])),
    }
}

/// What an expression without columns gives.
fn computed(expression: &Expr) -> Option<Texts> {
    let others = expression.exists(|part| {
        Ok(!match part {
            Expr::Literal(..) | Expr::Alias(_) | Expr::Cast(_) | Expr::TryCast(_) => true,
            Expr::ScalarFunction(call) => COMPUTED.contains(&call.name()),
            _ => false,
        })
    });
    if others.unwrap_or(true) {
        return None;
    }
    let simplifier = ExprSimplifier::new(SimplifyContext::builder().build());
    match simplifier.simplify(expression.clone()).ok()? {
        Expr::Literal(value, _) => literal(&value),
        _ => None,
    }
}

fn aggregated(expression: &Expr) -> Option<&AggregateFunction> {
    match expression {
        Expr::AggregateFunction(call) => Some(call),
        _ => None,
    }
}

/// How the query over these inputs writes what is in one of their columns; none where the column has a name that nobody wrote.
pub(super) fn written(column: &Column, inputs: &[&LogicalPlan]) -> Option<String> {
    let name = quote_identifier(&column.name).into_owned();
    let mut found = source(column, inputs);
    while let Some((plan, at)) = found {
        found = match plan {
            LogicalPlan::Projection(projection) => match projection.expr.get(at)? {
                Expr::Alias(_) => None,
                Expr::Column(column) => source(column, &[&projection.input]),
                _ => return None,
            },
            LogicalPlan::Aggregate(aggregate) => match at.checked_sub(aggregate.group_expr.len()) {
                None => match aggregate.group_expr.get(at)? {
                    Expr::Column(column) => source(column, &[&aggregate.input]),
                    _ => return None,
                },
                Some(own) => match aggregate.aggr_expr.get(own)? {
                    Expr::Alias(_) => None,
                    call => return call_of(call),
                },
            },
            LogicalPlan::Window(window) => match at < window.input.schema().fields().len() {
                true => Some((&*window.input, at)),
                false => return None,
            },
            plan => fewer_rows(plan).map(|plan| (plan, at)),
        };
    }
    Some(name)
}

/// An aggregate of one column, as it is written.
fn call_of(expression: &Expr) -> Option<String> {
    let call = aggregated(expression)?;
    let params = &call.params;
    match params.args.as_slice() {
        [Expr::Column(column)] if !params.distinct && params.filter.is_none() && params.order_by.is_empty() => {
            Some(format!("{}({})", call.func.name(), quote_identifier(&column.name)))
        }
        _ => None,
    }
}

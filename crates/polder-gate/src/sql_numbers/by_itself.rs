//! Casts that nobody wrote: the engine makes a decimal of one digit behind the point of any text beside `1.5`, and rounds;
//! beside a day it makes a day of any text, and leaves out what the clock said.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::compute::kernels::cast_utils::string_to_datetime;
use arrow::datatypes::{DataType, Field, FieldRef};
use chrono::{NaiveTime, Utc};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::expr::{Cast, TryCast};
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, Values};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercion;
use datafusion::optimizer::simplify_expressions::{ExprSimplifier, SimplifyContext};
use datafusion::prelude::SessionContext;

use super::rewrite::{Rewrite, of_inputs};
use super::{rounded, said};
use crate::reading::{from_text, words};

/// Says of a cast that somebody wrote it.
const WRITTEN: &str = "polder.written";

/// The engine's rule that settles types.
const COERCION: &str = "type_coercion";

/// The expression, in which the casts that are there now are known as those that somebody wrote, until [`without_notes`].
///
/// # Errors
/// None of its own.
pub fn with_written_casts(expression: Expr) -> Result<Expr> {
    noted(expression).map(|expression| expression.data)
}

/// The expression without what tells who wrote a cast.
///
/// # Errors
/// None of its own.
pub fn without_notes(expression: Expr) -> Result<Expr> {
    let plain = change_casts(expression, |field| {
        let mut metadata = field.metadata().clone();
        metadata.remove(WRITTEN);
        field.as_ref().clone().with_metadata(metadata)
    })?;
    Ok(plain.data)
}

fn noted(expression: Expr) -> Result<Transformed<Expr>> {
    change_casts(expression, |field| {
        let mut metadata = field.metadata().clone();
        metadata.insert(WRITTEN.to_owned(), String::new());
        field.as_ref().clone().with_metadata(metadata)
    })
}

fn change_casts(expression: Expr, change: impl Fn(&FieldRef) -> Field) -> Result<Transformed<Expr>> {
    expression.transform_up(|mut part| {
        let (Expr::Cast(Cast { field, .. }) | Expr::TryCast(TryCast { field, .. })) = &mut part else {
            return Ok(Transformed::no(part));
        };
        *field = Arc::new(change(field));
        Ok(Transformed::yes(part))
    })
}

/// What is cast, and to what, where this is a cast that nobody [wrote](with_written_casts).
pub fn unwritten(part: &Expr) -> Option<(&Expr, &DataType)> {
    let (Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field })) = part else {
        return None;
    };
    (!field.metadata().contains_key(WRITTEN)).then(|| (expr.as_ref(), field.data_type()))
}

/// The first type that a value inside of another may be changed by, which `changes` says of two plain types.
pub fn changed<'t>(
    from: &DataType,
    to: &'t DataType,
    changes: fn(&DataType, &DataType) -> bool,
) -> Option<&'t DataType> {
    use DataType::*;
    match (from, to) {
        (Struct(from), Struct(to)) => to.iter().enumerate().find_map(|(place, to)| {
            let from = from.find(to.name()).map(|(_, from)| from).or_else(|| from.get(place))?;
            changed(from.data_type(), to.data_type(), changes)
        }),
        (List(from) | LargeList(from) | FixedSizeList(from, _), List(to) | LargeList(to) | FixedSizeList(to, _))
        | (Map(from, _), Map(to, _)) => changed(from.data_type(), to.data_type(), changes),
        (Dictionary(_, from), to) => changed(from, to, changes),
        (from, Dictionary(_, to)) => changed(from, to, changes),
        (from, to_plain) => changes(from, to_plain).then_some(to),
    }
}

/// Whether it makes of text what might be less than the text says. Whole numbers a text is or is not, and of floating-point
/// numbers it is the nearest to everybody; times keep all digits.
fn less_than_text(from: &DataType, to: &DataType) -> bool {
    from.is_string() && (to.is_decimal() || is_day(to))
}

fn is_day(kind: &DataType) -> bool {
    matches!(kind, DataType::Date32 | DataType::Date64)
}

/// Whether a text says no more than this type holds. What is no number or time is left to the engine where it is a literal in
/// this very place: it says so before anything runs.
fn holds(kind: &DataType, text: Option<&str>, in_place: bool) -> Result<bool> {
    if !in_place && ScalarValue::from(text).cast_to(kind).is_err() {
        return Ok(false);
    }
    if kind.is_decimal() {
        let number = from_text(&StringArray::from(vec![text]), kind)?;
        return Ok(number.failures.is_empty() || ScalarValue::from(text).cast_to(kind).is_err());
    }
    // No type of the engine has every day of the calendar and every digit of a clock.
    let time = text.filter(|_| is_day(kind)).map(|text| string_to_datetime(&Utc, text));
    Ok(!matches!(time, Some(Ok(time)) if time.time() != NaiveTime::MIN))
}

/// An error where this is a cast of text that nobody wrote and that `changes` tells of, except of texts that somebody wrote and
/// that say exactly that.
///
/// # Errors
/// `Plan`.
pub fn no_text(part: &Expr, schema: &DFSchema, changes: fn(&DataType, &DataType) -> bool) -> Result<()> {
    no_text_of(part, schema, &[], changes)
}

/// The same in a plan with these inputs.
fn no_text_of(
    part: &Expr,
    schema: &DFSchema,
    inputs: &[&LogicalPlan],
    changes: fn(&DataType, &DataType) -> bool,
) -> Result<()> {
    let Some((from, to)) = unwritten(part) else {
        return Ok(());
    };
    // What has no type here, such as a variable of a lambda, is left to the engine.
    let Ok(of) = from.get_type(schema) else {
        return Ok(());
    };
    let Some(kind) = changed(&of, to, changes) else {
        return Ok(());
    };
    // Texts inside of lists and objects are looked at where these are made.
    if let Some(texts) = of.is_string().then(|| said::texts(from, inputs)).flatten() {
        let in_place = matches!(from, Expr::Literal(..));
        let all = texts.iter().map(|text| holds(kind, text.as_deref(), in_place));
        if all.collect::<Result<Vec<_>>>()?.into_iter().all(|holds| holds) {
            return Ok(());
        }
    }
    let name = match from {
        Expr::Column(column) => said::written(column, inputs),
        _ => None,
    };
    let what = match (from, name) {
        (Expr::Literal(..), _) if is_day(kind) => {
            "write TIMESTAMP before it, or CAST it AS DATE where that is meant".to_owned()
        }
        (Expr::Literal(..), _) => "write a number without quotes, or CAST the text where that is meant".to_owned(),
        (_, Some(name)) if kind.is_decimal() => {
            format!("write CAST({name} AS DECIMAL(38,10)), with as many digits as it may have, or the number as text")
        }
        (_, Some(name)) if is_day(kind) => {
            format!("write CAST({name} AS TIMESTAMP), or CAST({name} AS DATE) where that is meant")
        }
        _ => "CAST it where that is meant".to_owned(),
    };
    let why = format!(
        "text is not taken for {} by itself, which might round or cut it: {what}",
        words(kind)
    );
    Err(DataFusionError::Plan(why))
}

/// An expression with the types of its operands settled by the engine.
///
/// # Errors
/// What the engine says of an expression that is none, and `Plan` where it would by itself make less of a text than it says.
pub fn coerced(simplifier: &ExprSimplifier, expression: Expr, schema: &DFSchema) -> Result<Expr> {
    let expression = simplifier.coerce(with_written_casts(expression)?, schema)?;
    expression.apply(|part| no_text(part, schema, less_than_text).map(|()| TreeNodeRecursion::Continue))?;
    without_notes(expression)
}

/// An expression in which `round` has its places written out wherever no column has a say, as whole queries have: its type
/// depends on them. It stays as it is where it would be none any more, among the values of a list for instance.
pub fn with_known_places(expression: Expr, schema: &DFSchema) -> Expr {
    let known = expression
        .clone()
        .transform_up(|part| rounded::known_places(part, schema));
    let simplifier = ExprSimplifier::new(SimplifyContext::builder().build());
    match known {
        Ok(known) if known.transformed && simplifier.coerce(known.data.clone(), schema).is_ok() => known.data,
        _ => expression,
    }
}

/// Puts the same in the place of the rule of a context that settles types.
pub(super) fn settle(context: &SessionContext) {
    let state = context.state_ref();
    let mut state = state.write();
    let id = state.session_id().to_owned();
    let mut builder = SessionStateBuilder::new_from_existing(state.clone()).with_session_id(id);
    let rules = builder.analyzer().iter_mut().flat_map(|analyzer| &mut analyzer.rules);
    for rule in rules.filter(|rule| rule.name() == COERCION) {
        *rule = Arc::new(Settled);
    }
    *state = builder.build();
}

/// The engine's rule that settles types, with an error where it would make less of a text than it says.
#[derive(Debug)]
struct Settled;

impl AnalyzerRule for Settled {
    fn name(&self) -> &str {
        COERCION
    }

    fn analyze(&self, plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
        let plan = Rewrite::new("written_places", rounded::places).analyze(plan, config)?;
        if rounded::has_known_places(&plan)?
            && let Ok(known) = rounded::with_known_places(plan.clone())
            && let Ok(settled) = types_settled(known.data, config)
            && rounded::outer_columns_are_known(&settled)?
        {
            return Ok(settled);
        }
        types_settled(plan, config)
    }
}

fn types_settled(plan: LogicalPlan, config: &ConfigOptions) -> Result<LogicalPlan> {
    let written = plan.clone();
    let settled = TypeCoercion::new().analyze(plan, config)?;
    if takes_no_text(&settled).is_ok() {
        return Ok(settled);
    }
    // The notes would stay in the types of columns: they are made for nothing but to tell.
    let written = written.transform_up_with_subqueries(|plan| match plan {
        LogicalPlan::Values(values) => noted_values(values),
        plan => plan.map_expressions(noted),
    })?;
    takes_no_text(&TypeCoercion::new().analyze(written.data, config)?)?;
    Ok(settled)
}

/// The types of `VALUES` were settled when they were read: where other rows of a column are not cast, the engine may be the one
/// who did it.
fn noted_values(mut values: Values) -> Result<Transformed<LogicalPlan>> {
    for column in 0..values.schema.fields().len() {
        let parts = || values.values.iter().filter_map(|row| row.get(column));
        let all_cast = parts().all(|part| unwritten(part).is_some());
        for part in values.values.iter_mut().filter_map(|row| row.get_mut(column)) {
            if all_cast || unwritten(part).is_none() {
                *part = with_written_casts(std::mem::take(part))?;
            }
        }
    }
    Ok(Transformed::yes(LogicalPlan::Values(values)))
}

fn takes_no_text(plan: &LogicalPlan) -> Result<()> {
    let walked = plan.apply_with_subqueries(|plan| {
        let schema = of_inputs(plan)?;
        plan.apply_expressions(|expression| {
            expression.apply(|part| {
                no_text_of(part, &schema, &plan.inputs(), less_than_text).map(|()| TreeNodeRecursion::Continue)
            })
        })
    });
    walked.map(|_| ())
}

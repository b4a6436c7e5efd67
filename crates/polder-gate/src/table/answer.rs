//! From figures to verdicts: what is known of a table so far, and where it comes from.

mod asked;
mod verdict;

use std::collections::BTreeMap;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit};
use datafusion::common::ScalarValue;
use polder_core::Result;

use crate::schema::in_words;
use crate::table::facts::Facts;
use crate::table::plan::{HowCounted, Measure, Plan};
use crate::table::report::How;
use crate::table::state::{DAY, TableState, Wanted};
use asked::Asked;
pub(crate) use asked::{Others, ask};

/// Microseconds of a millisecond: what Delta cuts from timestamps.
const MILLISECOND: i64 = 1_000;

/// The figures that are known so far, each with where it comes from.
pub(crate) struct Answers {
    rows: Option<(u64, How)>,
    /// By the contract's columns.
    unfit: Vec<Option<(u64, How)>>,
    /// By the plan's counted tests.
    failing: Vec<Option<(u64, How)>>,
    /// By the plan's keys.
    duplicates: Vec<Option<u64>>,
    /// By the plan's columns with an age: the newest value, if any.
    newest: Vec<Option<(Option<i64>, How)>>,
    /// What queries and other tables said, by the plan's rules.
    asked: BTreeMap<usize, Asked>,
    /// Columns whose type in the table cannot become the contract's, and why.
    refused: BTreeMap<usize, String>,
    /// Whether there is a log of commits.
    is_of_log: bool,
    /// Rows of the recent commits, newest first.
    commits: Vec<u64>,
    /// Whether there may have been more.
    commits_cut: bool,
}

impl Answers {
    /// Nothing but what the log tells of commits.
    pub(crate) fn of_commits(plan: &Plan, facts: &dyn Facts) -> Self {
        Self {
            rows: None,
            unfit: vec![None; plan.schema.fields().len()],
            failing: vec![None; plan.counted.len()],
            duplicates: vec![None; plan.keys.len()],
            newest: vec![None; plan.newest.len()],
            asked: BTreeMap::new(),
            refused: BTreeMap::new(),
            is_of_log: facts.is_of_log(),
            commits: facts.recent_commits().to_vec(),
            commits_cut: facts.commits_cut(),
        }
    }

    /// Everything that facts answer exactly.
    pub(crate) fn of_facts(plan: &Plan, facts: &dyn Facts) -> Self {
        let mut answers = Self::of_commits(plan, facts);
        answers.rows = facts.rows().map(|rows| (rows, How::Statistics));
        for (answer, counted) in answers.failing.iter_mut().zip(&plan.counted) {
            let Some(column) = counted.column else { continue };
            let field = plan.schema.field(column);
            let figure = match &counted.how {
                HowCounted::Nulls => facts.nulls(field.name()),
                HowCounted::Range(check) => bounds(field, facts).and_then(|bounds| match bounds {
                    None => Some(0),
                    Some(bounds) => check.failing(&bounds).filter(Vec::is_empty).map(|_| 0),
                }),
                HowCounted::Text(_) | HowCounted::Value(_) | HowCounted::Row(_) => None,
            };
            *answer = figure.map(|figure| (figure, How::Statistics));
        }
        for (answer, column) in answers.newest.iter_mut().zip(&plan.newest) {
            let newest = facts
                .maximum(plan.schema.field(*column).name())
                .and_then(|value| moment(&value));
            *answer = newest.map(|newest| (newest, How::Statistics));
        }
        answers
    }

    /// What a scan of a table with these columns must still find. Columns that cannot be read as the contract's type
    /// are noted with why.
    pub(crate) fn open(&mut self, plan: &Plan, table: &SchemaRef, odd: impl Fn(usize) -> bool) -> Wanted {
        for column in 0..plan.schema.fields().len() {
            let field = plan.schema.field(column);
            let Some(found) = table.field_with_name(field.name()).ok().filter(|_| odd(column)) else {
                self.unfit[column] = Some((0, How::Statistics));
                continue;
            };
            let empty = arrow::array::new_empty_array(found.data_type());
            if crate::conform::convert(&empty, field).is_err() {
                let why = format!(
                    "the column is {}, the contract says {}",
                    in_words(found.data_type()),
                    in_words(field.data_type())
                );
                self.refused.insert(column, why);
            }
        }
        let mut wanted = Wanted::all(plan, true);
        for column in 0..wanted.types.len() {
            wanted.types[column] &= self.unfit[column].is_none() && !self.refused.contains_key(&column);
        }
        for (place, counted) in plan.counted.iter().enumerate() {
            // Facts of another type say nothing of what its values become.
            if counted.column.is_some_and(&odd) {
                self.failing[place] = None;
            }
            wanted.counted[place] =
                self.failing[place].is_none() && self.refusal(plan, &Measure::Count(place)).is_none();
        }
        for (place, column) in plan.newest.iter().enumerate() {
            if odd(*column) {
                self.newest[place] = None;
            }
            wanted.newest[place] = self.newest[place].is_none() && !self.refused.contains_key(column);
        }
        for place in 0..wanted.keys.len() {
            wanted.keys[place] = self.refusal(plan, &Measure::Duplicates(place)).is_none();
        }
        wanted
    }

    /// Whether a scan is needed for what is wanted.
    pub(crate) fn needs_scan(&self, plan: &Plan, wanted: &Wanted) -> bool {
        let any = |wanted: &[bool]| wanted.contains(&true);
        let rows_matter = plan.judges_rows || !plan.rules.is_empty();
        any(&wanted.types)
            || any(&wanted.counted)
            || any(&wanted.keys)
            || any(&wanted.newest)
            || (self.rows.is_none() && rows_matter)
    }

    /// Takes over what a scan found.
    ///
    /// # Errors
    /// `Refused`, where fingerprints that were put on disk cannot be read.
    pub(crate) fn take(&mut self, plan: &Plan, state: &TableState) -> Result<()> {
        let wanted = state.wanted();
        let found = |wanted: &[bool], place: usize| wanted[place];
        self.rows = self.rows.or(Some((state.rows, How::Scan)));
        for (place, answer) in self.unfit.iter_mut().enumerate() {
            if found(&wanted.types, place) {
                *answer = Some((state.unfit[place], How::Scan));
            }
        }
        for (place, answer) in self.failing.iter_mut().enumerate() {
            if found(&wanted.counted, place) {
                *answer = Some((state.failing[place], How::Scan));
            }
        }
        for (place, answer) in self.newest.iter_mut().enumerate() {
            if found(&wanted.newest, place) {
                *answer = Some((state.newest[place], How::Scan));
            }
        }
        for (place, answer) in self.duplicates.iter_mut().enumerate() {
            if plan.asks_for_duplicates(place) && found(&wanted.keys, place) {
                *answer = Some(state.keys[place].duplicates()?);
            }
        }
        Ok(())
    }

    /// Why a measure cannot be taken in this table, where a column has a type that the contract's cannot come from.
    fn refusal(&self, plan: &Plan, measure: &Measure) -> Option<&String> {
        let named = |name: &str| self.refused.get(&plan.schema.index_of(name).ok()?);
        match measure {
            Measure::Count(place) => match (plan.counted[*place].column, &plan.counted[*place].how) {
                (Some(column), _) => self.refused.get(&column),
                (None, HowCounted::Row(test)) => test.columns().iter().find_map(|name| named(name)),
                (None, _) => None,
            },
            Measure::Duplicates(key) | Measure::Orphans { key, .. } => {
                plan.keys[*key].iter().find_map(|path| match path.first() {
                    Some(polder_contract::rule::PathStep::Field(name)) => named(name),
                    _ => None,
                })
            }
            Measure::Age(place) => self.refused.get(&plan.newest[*place]),
            Measure::Rows | Measure::Query(_) | Measure::Volume(_) | Measure::Nothing(_) => None,
        }
    }
}

/// The least and the greatest value that a column may hold by what facts tell, in the contract's type: outer none where
/// they do not tell, inner none where there is no value.
fn bounds(field: &Field, facts: &dyn Facts) -> Option<Option<ArrayRef>> {
    let (minimum, maximum) = (facts.minimum(field.name())?, facts.maximum(field.name())?);
    if minimum.is_null() && maximum.is_null() {
        return Some(None);
    }
    if minimum.is_null() || maximum.is_null() {
        return None;
    }
    let bounds = match field.data_type() {
        // Delta cuts timestamps, so the greatest may be up to a millisecond later.
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let microseconds = |value: &ScalarValue| match value {
                ScalarValue::TimestampMicrosecond(value, _) => *value,
                _ => None,
            };
            let latest = microseconds(&maximum)?.saturating_add(MILLISECOND - 1);
            let of = |value| ScalarValue::TimestampMicrosecond(Some(value), zone.clone());
            [of(microseconds(&minimum)?), of(latest)]
        }
        // The least and greatest float say nothing of those that are no number.
        DataType::Float64 => return None,
        wanted if minimum.data_type() == *wanted && maximum.data_type() == *wanted => [minimum, maximum],
        _ => return None,
    };
    ScalarValue::iter_to_array(bounds).ok().map(Some)
}

/// The moment of a date or timestamp, microseconds since 1970: outer none where the value is neither.
fn moment(value: &ScalarValue) -> Option<Option<i64>> {
    match value {
        ScalarValue::Date32(day) => Some(day.map(|day| i64::from(day) * DAY)),
        ScalarValue::TimestampMicrosecond(value, _) => Some(*value),
        _ => None,
    }
}

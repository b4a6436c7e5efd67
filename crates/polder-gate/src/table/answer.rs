//! From figures to verdicts: each rule's figure, where it comes from, and what it means.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit};
use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use polder_contract::rule::{Figure, LEAST_COMMITS, OnFailure, Rule, RuleKind, RuleSeverity};
use polder_core::Result;
use polder_core::units::counted;

use crate::schema::in_words;
use crate::table::facts::Facts;
use crate::table::orphans;
use crate::table::plan::{HowCounted, Measure, Plan};
use crate::table::queries::Queries;
use crate::table::report::{How, RuleResult, RuleVerdict, TableReport};
use crate::table::state::{DAY, TableState, Wanted};

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
    /// Rows of the recent commits, newest first.
    commits: Vec<u64>,
    /// Whether there may have been more.
    commits_cut: bool,
}

/// What came of a question to somebody else.
pub(crate) enum Asked {
    Figure(Figure),
    /// The rule failed to run.
    Failed(String),
    /// Nobody was there to ask.
    NotRun(String),
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

    /// The verdicts.
    pub(crate) fn report(&self, plan: &Plan, now: DateTime<Utc>) -> TableReport {
        let rows = self.rows.map(|(rows, _)| rows);
        let mut results = Vec::new();
        if plan.judges_rows {
            results.extend((0..plan.schema.fields().len()).map(|column| self.of_type(plan, column)));
        }
        let rules = plan.rules.iter().enumerate();
        results.extend(rules.map(|(place, (rule, measure))| self.of_rule(plan, place, rule, measure, now)));
        TableReport { rows, results }
    }

    fn of_type(&self, plan: &Plan, column: usize) -> RuleResult {
        let field = plan.schema.field(column);
        let refused = self.refused.get(&column);
        let (unfit, how) = match self.unfit[column] {
            Some((unfit, how)) => (Some(unfit), how),
            None => (None, How::Schema),
        };
        let verdict = if refused.is_some() || unfit.is_some_and(|unfit| unfit > 0) {
            RuleVerdict::Failed
        } else {
            RuleVerdict::Passed
        };
        RuleResult {
            rule: format!("{}.type", field.name()),
            column: Some(field.name().clone()),
            dimension: None,
            severity: RuleSeverity::Error,
            on_failure: match plan
                .contract
                .object()
                .on_failure(&plan.contract.object().properties[column])
            {
                // What the type cannot hold cannot be written, whatever anybody says.
                OnFailure::Warn => OnFailure::Quarantine,
                declared => declared,
            },
            verdict,
            figure: unfit.map(|unfit| Figure::Whole(unfit.into())),
            measured: None,
            says: format!("every value fits the contract's type {}", in_words(field.data_type())),
            note: refused.cloned(),
            failing_rows: unfit,
            how,
            place: plan.contract.object().properties[column].place.clone(),
        }
    }

    fn of_rule(&self, plan: &Plan, place: usize, rule: &Rule, measure: &Measure, now: DateTime<Utc>) -> RuleResult {
        let mut result = RuleResult {
            rule: rule.id.clone(),
            column: rule.column.clone(),
            dimension: rule.dimension.clone(),
            severity: rule.severity,
            on_failure: rule.on_failure,
            verdict: RuleVerdict::Passed,
            figure: None,
            measured: None,
            says: rule.says.clone(),
            note: None,
            failing_rows: None,
            how: How::Scan,
            place: rule.place.clone(),
        };
        if let Some(why) = self.refusal(plan, measure) {
            result.verdict = RuleVerdict::NotRun(why.clone());
            return result;
        }
        let figure = match self.figure(plan, place, measure, now, &mut result) {
            Ok(figure) => figure,
            Err(verdict) => {
                result.verdict = verdict;
                return result;
            }
        };
        let holds = match &rule.kind {
            RuleKind::Set(test) => {
                result.measured = Some(test.measured(&figure));
                test.holds(&figure)
            }
            _ => figure == Figure::Whole(0),
        };
        if !holds {
            result.verdict = broken(rule);
        }
        result.figure = Some(figure);
        result
    }

    /// The figure that a rule compares; or the verdict, where there is none.
    fn figure(
        &self,
        plan: &Plan,
        place: usize,
        measure: &Measure,
        now: DateTime<Utc>,
        result: &mut RuleResult,
    ) -> std::result::Result<Figure, RuleVerdict> {
        let rule = &plan.rules[place].0;
        let unknown = || RuleVerdict::NotRun("nobody read the table for it".to_owned());
        let share = |failing: u64, result: &mut RuleResult| {
            result.failing_rows = Some(failing);
            match (&rule.kind, self.rows) {
                (RuleKind::Set(test), Some((rows, _))) if test.percent => Ok(Figure::Real(if rows == 0 {
                    0.0
                } else {
                    100.0 * failing as f64 / rows as f64
                })),
                (RuleKind::Set(test), None) if test.percent => Err(unknown()),
                _ => Ok(Figure::Whole(failing.into())),
            }
        };
        match measure {
            Measure::Nothing(why) => Err(RuleVerdict::NotRun(why.clone())),
            Measure::Rows => {
                let (rows, how) = self.rows.ok_or_else(unknown)?;
                result.how = how;
                Ok(match &rule.kind {
                    RuleKind::Set(test) if test.percent => Figure::Real(if rows == 0 { 0.0 } else { 100.0 }),
                    _ => Figure::Whole(rows.into()),
                })
            }
            Measure::Count(counted) => {
                let (failing, how) = self.failing[*counted].ok_or_else(unknown)?;
                result.how = how;
                share(failing, result)
            }
            Measure::Duplicates(key) => share(self.duplicates[*key].ok_or_else(unknown)?, result),
            Measure::Age(column) => {
                let (newest, how) = self.newest[*column].ok_or_else(unknown)?;
                result.how = how;
                match newest {
                    // Cut to milliseconds as Delta's statistics are, so that both ways give one figure.
                    Some(newest) => {
                        let age = now.timestamp_millis() - newest.div_euclid(MILLISECOND);
                        Ok(Figure::Whole(age.div_euclid(1_000).into()))
                    }
                    None => {
                        result.note = Some("there is no value whose age could be told".to_owned());
                        Ok(Figure::Null)
                    }
                }
            }
            Measure::Volume(commits) => {
                result.how = How::Statistics;
                self.volume(*commits, result)
            }
            Measure::Query(_) | Measure::Orphans { .. } => {
                result.how = How::Query;
                match self.asked.get(&place) {
                    Some(Asked::Figure(figure)) => {
                        if let (Measure::Orphans { .. }, Figure::Whole(orphans)) = (measure, figure) {
                            return share(u64::try_from(*orphans).unwrap_or_default(), result);
                        }
                        if *figure == Figure::Null {
                            result.note = Some("the query gave NULL".to_owned());
                        }
                        Ok(figure.clone())
                    }
                    Some(Asked::Failed(why)) => {
                        result.note = Some(format!("it failed to run: {why}"));
                        Err(broken(rule))
                    }
                    Some(Asked::NotRun(why)) => Err(RuleVerdict::NotRun(why.clone())),
                    None => Err(unknown()),
                }
            }
        }
    }

    /// The distance of the newest commit's rows from the mean of those before it, in their standard deviations (of a
    /// sample: n - 1).
    fn volume(&self, commits: u32, result: &mut RuleResult) -> std::result::Result<Figure, RuleVerdict> {
        let Some((newest, before)) = self.commits.split_first() else {
            return Err(RuleVerdict::NotRun(
                "the log tells of no commit that brought rows".to_owned(),
            ));
        };
        let before = &before[..before.len().min(commits as usize)];
        if self.commits_cut && before.len() < commits as usize {
            let why = format!(
                "the log tells of {} of the {} before the newest one: older ones are not in it any more, \
                 have no statistics, or lie too far behind",
                before.len(),
                counted(commits, "commit")
            );
            return Err(RuleVerdict::NotRun(why));
        }
        if before.len() < LEAST_COMMITS as usize {
            let why = format!(
                "there {} {} before the newest one, and it needs {LEAST_COMMITS}",
                if before.len() == 1 { "is" } else { "are" },
                counted(before.len(), "commit")
            );
            return Err(RuleVerdict::NotRun(why));
        }
        let count = before.len() as f64;
        let mean = before.iter().map(|rows| *rows as f64).sum::<f64>() / count;
        let squares: f64 = before.iter().map(|rows| (*rows as f64 - mean).powi(2)).sum();
        let deviation = (squares / (count - 1.0)).sqrt();
        let distance = (*newest as f64 - mean).abs();
        result.note = Some(format!(
            "the newest commit brought {}, the {} before it {mean:.1} on average",
            counted(newest, "row"),
            before.len()
        ));
        Ok(Figure::Real(if distance == 0.0 { 0.0 } else { distance / deviation }))
    }
}

/// The verdict of a rule that does not hold.
fn broken(rule: &Rule) -> RuleVerdict {
    if rule.on_failure == OnFailure::Warn || rule.severity != RuleSeverity::Error {
        RuleVerdict::Warned
    } else {
        RuleVerdict::Failed
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

/// Asks others what no scan of the table itself answers.
pub(crate) async fn ask(
    plan: &Plan,
    answers: &mut Answers,
    state: &TableState,
    table: Option<&Arc<dyn TableProvider>>,
    queries: &dyn Queries,
    memory: usize,
) -> Result<()> {
    for (place, (rule, measure)) in plan.rules.iter().enumerate() {
        if answers.refusal(plan, measure).is_some() {
            continue;
        }
        let asked = match (measure, table) {
            (Measure::Query(_) | Measure::Orphans { .. }, _) if !queries.answers() => {
                Asked::NotRun("no query engine is at hand".to_owned())
            }
            (Measure::Query(sql), Some(table)) => match queries.query_out_of_reach(sql, rule.column.as_deref()) {
                Some(why) => Asked::NotRun(why),
                None => match queries.figure(sql, rule.column.as_deref(), Arc::clone(table)).await {
                    Ok(figure) => Asked::Figure(figure),
                    Err(error) => Asked::Failed(error.to_string()),
                },
            },
            (Measure::Query(_), None) => Asked::NotRun("the table's rows are not at hand for a query".to_owned()),
            (Measure::Orphans { dataset, .. }, _)
                if dataset != plan.contract.dataset() && queries.out_of_reach(dataset).is_some() =>
            {
                Asked::NotRun(queries.out_of_reach(dataset).unwrap_or_default())
            }
            (Measure::Orphans { key, dataset, to }, _) => {
                let own = table.filter(|_| dataset == plan.contract.dataset());
                let other = match own {
                    Some(own) => Ok(Some(Arc::clone(own))),
                    None => queries.provider(dataset).await,
                };
                let types = orphans::types(plan, *key);
                let counted = match other {
                    Ok(other) => orphans::count(&state.keys[*key], &types, other.as_ref(), to, memory).await,
                    Err(error) => Err(error),
                };
                match counted {
                    Ok(orphans) => Asked::Figure(Figure::Whole(orphans.into())),
                    Err(error) => Asked::Failed(format!("{dataset}: {error}")),
                }
            }
            _ => continue,
        };
        answers.asked.insert(place, asked);
    }
    Ok(())
}

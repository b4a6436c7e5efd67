//! What the figures mean: each rule's figure and verdict.

use arrow::datatypes::DataType;
use chrono::{DateTime, Utc};
use polder_contract::rule::{Figure, LEAST_COMMITS, OnFailure, Rule, RuleKind, RuleSeverity};
use polder_core::clock;
use polder_core::units::counted;

use super::{Answers, Asked, MILLISECOND};
use crate::schema::in_words;
use crate::table::plan::{Measure, Plan};
use crate::table::report::{How, RuleResult, RuleVerdict, TableReport};
use crate::table::state::DAY;

impl Answers {
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
            on_failure: plan
                .contract
                .object()
                .on_misfit(&plan.contract.object().properties[column]),
            verdict,
            figure: unfit.map(|unfit| Figure::Whole(unfit.into())),
            figure_in_words: None,
            measured: None,
            says: format!("every value fits the contract's type {}", in_words(field.data_type())),
            note: refused.cloned(),
            note_quotes: false,
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
            figure_in_words: None,
            measured: None,
            says: rule.says.clone(),
            note: None,
            note_quotes: false,
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
                result.figure_in_words = test.figure_in_words(&figure);
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
    ) -> Result<Figure, RuleVerdict> {
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
                        let begins = newest.div_euclid(MILLISECOND);
                        let is_date = *plan.schema.field(plan.newest[*column]).data_type() == DataType::Date32;
                        let lasts = if is_date { DAY / MILLISECOND } else { 0 };
                        let age: i64 = clock::age(begins, begins.saturating_add(lasts), now.timestamp_millis());
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
                    Some(Asked::Failed { why, quotes }) => {
                        result.note = Some(format!("it failed to run: {why}"));
                        result.note_quotes = *quotes;
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
    fn volume(&self, commits: u32, result: &mut RuleResult) -> Result<Figure, RuleVerdict> {
        if !self.is_of_log {
            let why = "there is no log of commits here: it is of tables, and so is this rule";
            return Err(RuleVerdict::NotRun(why.to_owned()));
        }
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

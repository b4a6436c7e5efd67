//! The compiled contract and its verdicts.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{BooleanArray, BooleanBufferBuilder, RecordBatch};
use arrow::datatypes::SchemaRef;
use polder_contract::rule::{OnFailure, RowTest, Rule, RuleKind};
use polder_contract::{DatasetContract, ReadableRules};
use polder_core::document::Diagnostic;
use polder_core::{Error, Result};

use crate::conform::conform;
use crate::digits;
use crate::row_sql::RowSql;
use crate::row_tests::{Broken, CompiledTest, shown};
use crate::schema::{arrow_schema, in_words};

/// A contract's row rules, compiled.
pub struct Gate {
    schema: SchemaRef,
    rules: Vec<Rule>,
    tests: Vec<Test>,
    /// For each column the rule that its values fit its type, and what happens where one does not.
    types: Vec<(Arc<str>, OnFailure)>,
    not_run: Vec<(String, String)>,
}

/// What the gate found in one batch.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The batch that was judged: its contract columns in the contract's types, every other column as it came. A
    /// value that its type cannot hold is null in here, and its row is not accepted.
    pub batch: RecordBatch,
    /// For each row whether it keeps every rule but those that only warn; never null.
    pub accepted: BooleanArray,
    /// What the other rows break, by row and then in the contract's order; rules that only warn are left out.
    pub violations: Vec<Violation>,
    /// What rows break of the rules that only warn, in the same order. Such rows may well be accepted.
    pub warnings: Vec<Violation>,
}

/// A rule that a row breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The row's place in its batch.
    pub row: usize,
    /// The rule's id, such as `quantity.minimum`.
    pub rule: Arc<str>,
    /// What is wrong with the value, in words.
    pub reason: String,
    /// What happens to the row.
    pub on_failure: OnFailure,
}

struct Test {
    id: Arc<str>,
    /// The value or columns that reasons name.
    subject: String,
    says: String,
    on_failure: OnFailure,
    /// The places of its columns in the contract.
    columns: Vec<usize>,
    test: CompiledTest,
}

impl Gate {
    /// Compiles the row rules of a dataset's contract.
    ///
    /// # Errors
    /// `Document`, where a property has no type that a table can hold, or a rule makes no sense for its column: every
    /// such rule with its place.
    pub fn compile(contract: &DatasetContract) -> Result<Self> {
        let object = contract.object();
        let schema = arrow_schema(object)?;
        let (mut rules, mut tests, mut not_run) = (Vec::new(), Vec::new(), Vec::new());
        let mut problems = Vec::new();
        for rule in contract.rules().map_err(Error::document)? {
            match &rule.kind {
                RuleKind::Row(test) => {
                    match CompiledTest::compile(test, object, &schema) {
                        Ok(compiled) => tests.push(Test::new(&rule, compiled, &schema)),
                        Err(why) => problems.push(refusal(contract, &rule, &why)),
                    }
                    rules.push(rule);
                }
                RuleKind::NotRun { why } => not_run.push((rule.id.clone(), why.clone())),
                RuleKind::Set(_) => {}
            }
        }
        if !problems.is_empty() {
            return Err(Error::document(problems));
        }
        let types = object
            .properties
            .iter()
            .map(|property| (format!("{}.type", property.name).into(), object.on_misfit(property)))
            .collect();
        Ok(Self {
            schema,
            rules,
            tests,
            types,
            not_run,
        })
    }

    /// The contract's columns and their types; see [`arrow_schema`].
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The rules that the gate runs, in the contract's order. Beside these it refuses values that do not fit their
    /// column's type, by the rule `<column>.type`.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Declared rules that nothing can run, and why: whoever reports a verdict reports these beside it. Rules about
    /// whole tables are not among them: [`TableCheck`](crate::table::TableCheck) runs those.
    pub fn not_run(&self) -> &[(String, String)] {
        &self.not_run
    }

    /// The columns whose values the reasons of a rule may quote; nothing for rules that the gate does not run.
    pub fn quoted_by(&self, rule: &str) -> Option<Vec<&str>> {
        if let Some(test) = self.tests.iter().find(|test| &*test.id == rule) {
            return Some(test.test.columns().iter().map(String::as_str).collect());
        }
        let column = self.types.iter().position(|(id, _)| &**id == rule)?;
        Some(vec![self.schema.field(column).name()])
    }

    /// Judges each row of a batch, alone: how rows are split into batches changes no verdict. Columns are found by name;
    /// the batch may carry more than the contract names. A missing column counts as a column of nulls.
    ///
    /// # Errors
    /// `Document`, where a column's type cannot become the contract's.
    pub fn check(&self, batch: &RecordBatch) -> Result<Verdict> {
        self.judge(batch, Vec::new())
    }

    /// Judges rows of which values did not fit their columns when they were read: they are null in `batch`, and rules
    /// about these columns are not asked. `found` has for each row the rules that it breaks so, such as `amount.type`,
    /// and the reasons.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn check_misread(&self, batch: &RecordBatch, found: &[&[(String, String)]]) -> Result<Verdict> {
        let mut misread = Vec::new();
        for (row, found) in found.iter().enumerate() {
            misread.extend(found.iter().map(|(rule, reason)| (row, rule.as_str(), reason.clone())));
        }
        self.judge(batch, misread)
    }

    fn judge(&self, batch: &RecordBatch, misread: Vec<(usize, &str, String)>) -> Result<Verdict> {
        let conformed = conform(batch, &self.schema)?;
        let (mut violations, mut warnings) = (Vec::new(), Vec::new());
        // A value that does not fit is null from here on, but it is not missing.
        let mut unfit = HashSet::new();
        for (row, rule, reason) in misread {
            let column = self.types.iter().position(|(id, _)| &**id == rule);
            unfit.extend(column.map(|column| (column, row)));
            violations.push(Violation {
                row,
                rule: rule.into(),
                reason,
                on_failure: column.map_or(OnFailure::Quarantine, |column| self.types[column].1),
            });
        }
        for (column, rows) in conformed.misfits {
            violations.extend(self.misfits(batch, column, &rows, &conformed.repeated)?);
            unfit.extend(rows.into_iter().map(|row| (column, row)));
        }
        for test in &self.tests {
            let mut broken = test.test.broken(&conformed.batch)?;
            if broken.rows.is_empty() {
                continue;
            }
            if !unfit.is_empty() {
                CompiledTest::retain(&mut broken, |row| {
                    !test.columns.iter().any(|column| unfit.contains(&(*column, row)))
                });
            }
            let found = test.violations(&broken, &conformed.batch)?;
            match test.on_failure {
                OnFailure::Warn => warnings.extend(found),
                OnFailure::Quarantine | OnFailure::Reject => violations.extend(found),
            }
        }
        violations.sort_by_key(|violation| violation.row);
        warnings.sort_by_key(|violation| violation.row);
        let mut accepted = BooleanBufferBuilder::new(batch.num_rows());
        accepted.append_n(batch.num_rows(), true);
        violations
            .iter()
            .for_each(|violation| accepted.set_bit(violation.row, false));
        Ok(Verdict {
            batch: conformed.batch,
            accepted: BooleanArray::new(accepted.finish(), None),
            violations,
            warnings,
        })
    }

    /// A violation for each row whose value does not fit its type; of those with a key twice `repeated` says so.
    fn misfits(
        &self,
        batch: &RecordBatch,
        column: usize,
        rows: &[usize],
        repeated: &HashMap<(usize, usize), String>,
    ) -> Result<Vec<Violation>> {
        let field = self.schema.field(column);
        let (rule, on_failure) = &self.types[column];
        let says = format!("it does not fit the contract's type {}", in_words(field.data_type()));
        let values = batch
            .column_by_name(field.name())
            .filter(|values| !values.data_type().is_nested());
        let violation = |row: usize, subject: String| Violation {
            row,
            rule: Arc::clone(rule),
            reason: match repeated.get(&(column, row)) {
                Some(reason) => format!("{subject}: {reason}"),
                None => format!("{subject}: {says}"),
            },
            on_failure: *on_failure,
        };
        Ok(match values {
            Some(values) => shown(values, rows)?
                .zip(rows)
                .map(|(value, row)| match digits::has_longest(values.data_type()) {
                    // The reason has it, and with all its digits.
                    true if repeated.contains_key(&(column, *row)) => violation(*row, field.name().clone()),
                    _ => violation(*row, format!("{} {value}", field.name())),
                })
                .collect(),
            None => rows.iter().map(|row| violation(*row, field.name().clone())).collect(),
        })
    }
}

impl Test {
    fn new(rule: &Rule, compiled: CompiledTest, schema: &SchemaRef) -> Self {
        let columns = compiled.columns().iter().filter_map(|name| schema.index_of(name).ok());
        Self {
            id: rule.id.as_str().into(),
            subject: rule.column.clone().unwrap_or_default(),
            says: rule.says.clone(),
            on_failure: rule.on_failure,
            columns: columns.collect(),
            test: compiled,
        }
    }

    fn violations(&self, broken: &Broken, batch: &RecordBatch) -> Result<Vec<Violation>> {
        let reasons = self.test.reasons(broken, &self.subject, &self.says, batch)?;
        let violation = |(row, reason): (&usize, String)| Violation {
            row: *row,
            rule: Arc::clone(&self.id),
            reason,
            on_failure: self.on_failure,
        };
        Ok(broken.rows.iter().zip(reasons).map(violation).collect())
    }
}

/// What is wrong with the SQL over one row in the rules that could be read of a contract with errors, each at its place. Its
/// columns are held against the dataset's where all of these are known.
pub fn wrong_row_sql(readable: &ReadableRules) -> Vec<Diagnostic> {
    let object = readable.dataset.object();
    let schema = arrow_schema(object).ok().filter(|_| readable.columns_are_known);
    let wrong = readable.rules.iter().filter_map(|rule| {
        let RuleKind::Row(test @ RowTest::Sql(sql)) = &rule.kind else {
            return None;
        };
        let judged = match &schema {
            Some(schema) => CompiledTest::compile(test, object, schema).map(drop),
            None => RowSql::read(sql),
        };
        judged.err().map(|why| refusal(&readable.dataset, rule, &why))
    });
    wrong.collect()
}

/// That a rule of a contract cannot be compiled, and why, at its place.
pub(crate) fn refusal(contract: &DatasetContract, rule: &Rule, why: &str) -> Diagnostic {
    let message = format!(
        "the contract of {} cannot be enforced: rule {}: {why}",
        contract.dataset(),
        rule.id
    );
    rule.place.error("rule", message, None)
}

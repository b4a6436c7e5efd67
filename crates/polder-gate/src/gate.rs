//! The compiled contract and its verdicts.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, BooleanBufferBuilder, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use polder_contract::DatasetContract;
use polder_core::{Error, ErrorKind, Result};

use crate::check::{Check, says};
use crate::conform::conform;
use crate::nested::RequiredInside;
use crate::schema::arrow_schema;

/// Characters of a value that a reason quotes at most.
const QUOTED: usize = 80;

/// A contract's row rules, compiled.
pub struct Gate {
    schema: SchemaRef,
    rules: Vec<Rule>,
    type_rules: Vec<Arc<str>>,
    not_run: Vec<String>,
}

/// What the gate found in one batch.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The batch that was judged: its contract columns in the contract's types, every other column as it came. A
    /// value that its type cannot hold is null in here, and its row is not accepted.
    pub batch: RecordBatch,
    /// For each row whether it keeps every rule; never null.
    pub accepted: BooleanArray,
    /// What the other rows break, by row and then in the contract's order.
    pub violations: Vec<Violation>,
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
}

struct Rule {
    id: Arc<str>,
    /// The place of the column in the contract.
    column: usize,
    /// What the rule asks for.
    says: String,
    test: Test,
}

enum Test {
    Value(Check),
    Inside(RequiredInside),
}

impl Gate {
    /// Compiles the row rules of a dataset's contract.
    ///
    /// # Errors
    /// `Document`, where a property has no type that a table can hold, or a rule makes no sense for its column.
    pub fn compile(contract: &DatasetContract) -> Result<Self> {
        let object = contract.object();
        let schema = arrow_schema(object)?;
        let row_rules = object.row_rules().map_err(Error::document)?;
        let mut rules = Vec::new();
        for rule in row_rules {
            let column = schema
                .index_of(&rule.column)
                .map_err(|_| refusal(contract, &rule.id, &format!("there is no column `{}`", rule.column)))?;
            let property = &object.properties[column];
            let test = Check::compile(&rule.check, &property.column_type()?)
                .map(Test::Value)
                .map_err(|why| refusal(contract, &rule.id, &why))?;
            rules.push(Rule {
                id: rule.id.into(),
                column,
                says: says(&rule.check),
                test,
            });
        }
        for (column, property) in object.properties.iter().enumerate() {
            rules.extend(RequiredInside::of(property).into_iter().map(|place| Rule {
                id: format!("{}.required", place.name).into(),
                column,
                says: format!("{} is required", place.name),
                test: Test::Inside(place),
            }));
        }
        let type_rules = object
            .properties
            .iter()
            .map(|property| format!("{}.type", property.name).into())
            .collect();
        Ok(Self {
            schema,
            rules,
            type_rules,
            not_run: object.not_row_rules(),
        })
    }

    /// The contract's columns and their types; see [`arrow_schema`].
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Declared rules that this gate does not run, in words: whoever reports a verdict reports these beside it.
    pub fn not_run(&self) -> &[String] {
        &self.not_run
    }

    /// Judges each row of a batch. Columns are found by name; the batch may carry more than the contract names. A
    /// missing column counts as a column of nulls.
    ///
    /// # Errors
    /// `Document`, where a column's type cannot become the contract's.
    pub fn check(&self, batch: &RecordBatch) -> Result<Verdict> {
        let conformed = conform(batch, &self.schema)?;
        let mut violations = Vec::new();
        // A value that does not fit is null from here on, but it is not missing.
        let mut unfit = HashSet::new();
        for (column, rows) in conformed.misfits {
            let field = self.schema.field(column);
            let wanted = format!("it does not fit the contract's type {}", field.data_type());
            self.report(&mut violations, batch, column, &self.type_rules[column], &wanted, &rows)?;
            unfit.extend(rows.into_iter().map(|row| (column, row)));
        }
        for rule in &self.rules {
            let name = self.schema.field(rule.column).name();
            let rows = match (conformed.batch.column_by_name(name), &rule.test) {
                (Some(array), Test::Inside(place)) => place.failing(array),
                (Some(array), Test::Value(check)) => {
                    let mut rows = check.failing(array).ok_or_else(|| {
                        Error::new(
                            ErrorKind::Internal,
                            format!("rule {} cannot read {}", rule.id, array.data_type()),
                        )
                    })?;
                    rows.retain(|row| !unfit.contains(&(rule.column, *row)));
                    rows
                }
                (None, Test::Value(Check::Required)) => (0..batch.num_rows()).collect(),
                (None, _) => continue,
            };
            if !rows.is_empty() {
                self.report(&mut violations, batch, rule.column, &rule.id, &rule.says, &rows)?;
            }
        }
        violations.sort_by_key(|violation| violation.row);
        let mut accepted = BooleanBufferBuilder::new(batch.num_rows());
        accepted.append_n(batch.num_rows(), true);
        violations
            .iter()
            .for_each(|violation| accepted.set_bit(violation.row, false));
        Ok(Verdict {
            batch: conformed.batch,
            accepted: BooleanArray::new(accepted.finish(), None),
            violations,
        })
    }

    /// Adds a violation of one rule for each of the rows.
    fn report(
        &self,
        violations: &mut Vec<Violation>,
        batch: &RecordBatch,
        column: usize,
        rule: &Arc<str>,
        says: &str,
        rows: &[usize],
    ) -> Result<()> {
        let name = self.schema.field(column).name();
        let options = FormatOptions::default().with_display_error(true);
        let array = batch
            .column_by_name(name)
            .filter(|array| !array.data_type().is_nested());
        let formatter = array
            .map(|array| ArrayFormatter::try_new(array, &options))
            .transpose()
            .map_err(|cause| {
                Error::new(ErrorKind::Internal, format!("cannot show values of column `{name}`")).with_source(cause)
            })?;
        violations.extend(rows.iter().map(|&row| {
            let value = match (&formatter, array) {
                (Some(formatter), Some(array)) if array.is_valid(row) => {
                    format!(" is {}", quoted(formatter.value(row)))
                }
                (Some(_), _) => " is missing".to_owned(),
                (None, _) => String::new(),
            };
            Violation {
                row,
                rule: Arc::clone(rule),
                reason: format!("{name}{value}: {says}"),
            }
        }));
        Ok(())
    }
}

/// The value's text, cut where it is long.
fn quoted(value: impl std::fmt::Display) -> String {
    let text = value.to_string();
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn refusal(contract: &DatasetContract, rule: &str, why: &str) -> Error {
    let dataset = contract.dataset();
    Error::new(
        ErrorKind::Document,
        format!("the contract of {dataset} cannot be enforced: rule {rule}: {why}"),
    )
}

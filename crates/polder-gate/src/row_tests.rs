//! Row rules, compiled: which rows of a batch break one, and what to say about those.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::Schema;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use polder_contract::SchemaObject;
use polder_contract::rule::{PathStep, RowTest};
use polder_core::plain::plain;
use polder_core::{Error, ErrorKind, Result};

use crate::check::Check;
use crate::nested::Inside;
use crate::row_sql::RowSql;

/// Characters of a value that a reason quotes at most.
const QUOTED: usize = 80;
/// Columns of an expression whose values a reason shows at most.
const SHOWN: usize = 6;

/// A row rule, compiled for batches in the contract's types.
pub(crate) struct CompiledTest {
    test: Test,
    columns: Vec<String>,
}

enum Test {
    Value { steps: Vec<PathStep>, check: Check },
    Sql(RowSql),
}

/// The rows of a batch that break a rule.
#[derive(Default)]
pub(crate) struct Broken {
    /// The rows, ascending and each once.
    pub(crate) rows: Vec<usize>,
    /// The values that break it, and where the one of each row is; nothing where there are none.
    values: Option<(ArrayRef, Vec<usize>)>,
    /// What went wrong in judging a row.
    failed: Vec<(usize, String)>,
}

impl CompiledTest {
    /// Compiles a test of an object's rows, or says why it makes no sense. `schema` is the object's
    /// ([`arrow_schema`](crate::arrow_schema)).
    pub(crate) fn compile(test: &RowTest, object: &SchemaObject, schema: &Schema) -> std::result::Result<Self, String> {
        match test {
            RowTest::Value { path, check } => {
                let Some((PathStep::Field(column), steps)) = path.split_first() else {
                    return Err("it is about no column".to_owned());
                };
                let Some(property) = object.value(path) else {
                    return Err(format!("there is no such value in `{column}`"));
                };
                let kind = property.column_type().map_err(|error| error.to_string())?;
                let check = Check::compile(check, &kind)?;
                Ok(Self {
                    columns: vec![column.clone()],
                    test: Test::Value {
                        steps: steps.to_vec(),
                        check,
                    },
                })
            }
            RowTest::Sql(sql) => {
                let sql = RowSql::compile(sql, schema)?;
                Ok(Self {
                    columns: sql.columns().to_vec(),
                    test: Test::Sql(sql),
                })
            }
        }
    }

    /// The columns that it reads.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The rows of a batch that break the rule, ascending and each once. The columns have the contract's types; one that
    /// is missing counts as nulls.
    ///
    /// # Errors
    /// `Internal`, where a column has another type.
    pub(crate) fn failing(&self, batch: &RecordBatch) -> Result<Vec<usize>> {
        self.broken(batch).map(|broken| broken.rows)
    }

    /// The same, with what is needed to say why.
    pub(crate) fn broken(&self, batch: &RecordBatch) -> Result<Broken> {
        let (steps, check) = match &self.test {
            Test::Sql(sql) => {
                let broken = sql.broken(batch)?;
                return Ok(Broken {
                    rows: broken.rows,
                    values: None,
                    failed: broken.failed,
                });
            }
            Test::Value { steps, check } => (steps, check),
        };
        let name = &self.columns[0];
        let Some(column) = batch.column_by_name(name) else {
            let all = steps.is_empty() && check.needs_value();
            return Ok(Broken {
                rows: if all {
                    (0..batch.num_rows()).collect()
                } else {
                    Vec::new()
                },
                ..Broken::default()
            });
        };
        let unreadable = || {
            let message = format!("a rule about `{name}` cannot read {}", column.data_type());
            Error::new(ErrorKind::Internal, message)
        };
        if steps.is_empty() {
            let rows = check.failing(column).ok_or_else(unreadable)?;
            let values = (!rows.is_empty()).then(|| (column.clone(), rows.clone()));
            return Ok(Broken {
                rows,
                values,
                failed: Vec::new(),
            });
        }
        let inside = Inside::follow(column, steps).ok_or_else(unreadable)?;
        let (mut rows, mut places) = (Vec::new(), Vec::new());
        for place in check.failing(&inside.values).ok_or_else(unreadable)? {
            if let Some(row) = inside.row(place)
                && rows.last() != Some(&row)
            {
                rows.push(row);
                places.push(place);
            }
        }
        Ok(Broken {
            values: (!rows.is_empty()).then_some((inside.values, places)),
            rows,
            failed: Vec::new(),
        })
    }

    /// Keeps the rows for which `keep` holds.
    pub(crate) fn retain(broken: &mut Broken, keep: impl Fn(usize) -> bool) {
        let kept: Vec<bool> = broken.rows.iter().map(|row| keep(*row)).collect();
        let mut all = kept.iter();
        broken.rows.retain(|_| all.next().copied().unwrap_or_default());
        if let Some((_, places)) = &mut broken.values {
            let mut all = kept.iter();
            places.retain(|_| all.next().copied().unwrap_or_default());
        }
        broken.failed.retain(|(row, _)| keep(*row));
    }

    /// What is wrong with each of the rows, in words: `address.city is x: it must be one of a, b`.
    pub(crate) fn reasons(
        &self,
        broken: &Broken,
        subject: &str,
        says: &str,
        batch: &RecordBatch,
    ) -> Result<Vec<String>> {
        match &self.test {
            Test::Value { .. } => {
                let Some((values, places)) = &broken.values else {
                    return Ok(broken
                        .rows
                        .iter()
                        .map(|_| format!("{subject} is missing: {says}"))
                        .collect());
                };
                if values.data_type().is_nested() {
                    return Ok(broken.rows.iter().map(|_| format!("{subject}: {says}")).collect());
                }
                let shown = shown(values, places)?;
                Ok(shown.map(|value| format!("{subject} {value}: {says}")).collect())
            }
            Test::Sql(_) => {
                let mut reasons: Vec<_> = broken.rows.iter().map(|_| says.to_owned()).collect();
                let columns = self
                    .columns
                    .iter()
                    .filter_map(|name| Some((name, batch.column_by_name(name)?)));
                let columns = columns.filter(|(_, column)| !column.data_type().is_nested());
                for (index, (name, column)) in columns.take(SHOWN).enumerate() {
                    for (reason, value) in reasons.iter_mut().zip(shown(column, &broken.rows)?) {
                        reason.push_str(if index == 0 { ", but " } else { " and " });
                        reason.push_str(name);
                        reason.push(' ');
                        reason.push_str(&value);
                    }
                }
                for (row, why) in &broken.failed {
                    if let Ok(index) = broken.rows.binary_search(row) {
                        reasons[index].push_str(": ");
                        reasons[index].push_str(&plain(why));
                    }
                }
                Ok(reasons)
            }
        }
    }
}

/// `is 5` or `is missing`, for each of the places.
pub(crate) fn shown(values: &ArrayRef, places: &[usize]) -> Result<impl Iterator<Item = String> + use<>> {
    let nulls = values.logical_nulls();
    let texts: Vec<_> = quoted_values(values, places)?
        .into_iter()
        .zip(places)
        .map(|(text, place)| match &nulls {
            Some(nulls) if nulls.is_null(*place) => "is missing".to_owned(),
            _ => format!("is {text}"),
        })
        .collect();
    Ok(texts.into_iter())
}

/// The values at these places as people read them; of null nothing that says so.
pub(crate) fn quoted_values(values: &ArrayRef, places: &[usize]) -> Result<Vec<String>> {
    let options = FormatOptions::default().with_display_error(true);
    let formatter = ArrayFormatter::try_new(values, &options).map_err(|cause| {
        Error::new(
            ErrorKind::Internal,
            format!("cannot show values of the type {}", values.data_type()),
        )
        .with_source(cause)
    })?;
    Ok(places.iter().map(|place| quoted(formatter.value(*place))).collect())
}

/// The value's text, cut where it is long, and two quotation marks where there is none; what acts on terminals and logs is
/// written out.
fn quoted(value: impl std::fmt::Display) -> String {
    let text = value.to_string();
    if text.is_empty() {
        return "\"\"".to_owned();
    }
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", plain(&text[..end])),
        None => plain(&text).into_owned(),
    }
}

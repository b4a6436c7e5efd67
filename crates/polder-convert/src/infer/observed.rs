//! What the rows of a table show: nulls, least and greatest values, what may be a key.

use std::collections::HashSet;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::Schema;
use arrow::row::{OwnedRow, RowConverter, SortField};
use arrow::util::display::array_value_to_string;
use polder_core::plain::plain;
use polder_core::units::counted;
use polder_core::{ErrorKind, Result, ResultExt};

/// What stands for a value that is not told.
const HIDDEN: &str = "***";
/// Rows that are kept to prove a column unique; a longer table is not proven.
const MAX_ROWS: u64 = 1_000_000;

/// What the rows of a table show, gathered batch by batch.
pub struct Observed {
    rows: u64,
    /// Whether the table has more rows than were looked at.
    cut_off: bool,
    /// Whether a value holds what must stand in no document.
    is_secret: fn(&str) -> bool,
    columns: Vec<ObservedColumn>,
}

struct ObservedColumn {
    name: String,
    /// Whether its values must not be told.
    hidden: bool,
    nulls: u64,
    converter: RowConverter,
    least: Option<OwnedRow>,
    greatest: Option<OwnedRow>,
    /// Every value so far, while all differ.
    distinct: Option<HashSet<Box<[u8]>>>,
}

impl Observed {
    /// Nothing seen yet of a table with this schema. Columns whose values have no order (maps) are left out.
    pub fn new(schema: &Schema) -> Self {
        let columns = schema
            .fields()
            .iter()
            .filter(|field| !field.name().starts_with('_') && !field.data_type().is_nested())
            .filter_map(|field| {
                let converter = RowConverter::new(vec![SortField::new(field.data_type().clone())]).ok()?;
                // Amounts and times that happen to differ make no key.
                let identifies = field.data_type().is_integer() || field.data_type().is_string();
                Some(ObservedColumn {
                    name: field.name().clone(),
                    hidden: false,
                    nulls: 0,
                    converter,
                    least: None,
                    greatest: None,
                    distinct: identifies.then(HashSet::new),
                })
            })
            .collect();
        Self {
            rows: 0,
            cut_off: false,
            is_secret: |_| false,
            columns,
        }
    }

    /// Tells no value of the columns that `is_hidden` names, and none that `is_secret` recognises.
    #[must_use]
    pub fn hiding(mut self, is_hidden: impl Fn(&str) -> bool, is_secret: fn(&str) -> bool) -> Self {
        for column in &mut self.columns {
            column.hidden = is_hidden(&column.name);
        }
        self.is_secret = is_secret;
        self
    }

    /// Takes the next rows.
    ///
    /// # Errors
    /// `Data` where a column cannot be compared.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        for column in &mut self.columns {
            let Some(array) = batch.column_by_name(&column.name) else {
                continue;
            };
            let rows = column
                .converter
                .convert_columns(&[std::sync::Arc::clone(array)])
                .context(ErrorKind::Data, || {
                    format!("the values of `{}` cannot be compared", column.name)
                })?;
            for (index, row) in rows.iter().enumerate() {
                if array.is_null(index) {
                    column.nulls += 1;
                    continue;
                }
                if column.least.as_ref().is_none_or(|least| row < least.row()) {
                    column.least = Some(row.owned());
                }
                if column.greatest.as_ref().is_none_or(|greatest| row > greatest.row()) {
                    column.greatest = Some(row.owned());
                }
                if let Some(distinct) = &mut column.distinct
                    && (self.rows > MAX_ROWS || !distinct.insert(row.as_ref().into()))
                {
                    column.distinct = None;
                }
            }
        }
        Ok(())
    }

    /// The table has more rows than these: what they show is true of them alone, and no column is proven unique.
    pub fn cut_off(&mut self) {
        self.cut_off = true;
        for column in &mut self.columns {
            column.distinct = None;
        }
    }

    /// What they show, as comments of a contract; empty where there were none.
    pub(super) fn comments(&self) -> String {
        if self.rows == 0 {
            return String::new();
        }
        let mut out = format!(
            "# Observed in {}{}, and promised nowhere below: take up what is meant, and delete this.\n",
            if self.cut_off { "the first " } else { "" },
            counted(self.rows, "row")
        );
        for column in &self.columns {
            let text = |row: &Option<OwnedRow>| {
                let arrays = column.converter.convert_rows([row.as_ref()?.row()]).ok()?;
                let text = array_value_to_string(arrays.first()?, 0).ok()?;
                if column.hidden || (self.is_secret)(&text) {
                    return Some(HIDDEN.to_owned());
                }
                let start: String = text.chars().take(40).collect();
                Some(plain(&start).into_owned())
            };
            let mut says = vec![match column.nulls {
                0 => "never null".to_owned(),
                nulls => format!("{nulls} null"),
            }];
            if let (Some(least), Some(greatest)) = (text(&column.least), text(&column.greatest)) {
                says.push(format!("from `{least}` to `{greatest}`"));
            }
            if column.distinct.is_some() && column.nulls < self.rows {
                says.push(if column.nulls == 0 {
                    "every value differs: a candidate for primaryKey".to_owned()
                } else {
                    "every value differs: a candidate for unique".to_owned()
                });
            }
            out.push_str(&format!("# - {}: {}\n", plain(&column.name), says.join("; ")));
        }
        out
    }
}

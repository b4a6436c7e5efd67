//! Columns of a file that become a table's of another type, while the file is read.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, StringArray, StructArray, UInt64Array, new_null_array};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::{can_cast_types, cast, take};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr_adapter::{DefaultPhysicalExprAdapter, PhysicalExprAdapter, PhysicalExprAdapterFactory};
use polder_core::Error;
use polder_delivery::json_values;
use polder_gate::reading::misread_type;
use polder_gate::{becomes, convert, convert_telling, in_words};

use super::together::How;

/// Reads the columns of each file as the table has them.
#[derive(Debug)]
pub(super) struct Bringing(pub(super) Arc<BTreeMap<String, How>>);

impl PhysicalExprAdapterFactory for Bringing {
    fn create(&self, table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        Ok(Arc::new(OfFile {
            brought: Arc::clone(&self.0),
            others: DefaultPhysicalExprAdapter::new(Arc::clone(&table), Arc::clone(&file)),
            table,
            file,
        }))
    }
}

#[derive(Debug)]
struct OfFile {
    brought: Arc<BTreeMap<String, How>>,
    /// For columns on which the files agree.
    others: DefaultPhysicalExprAdapter,
    table: SchemaRef,
    file: SchemaRef,
}

impl PhysicalExprAdapter for OfFile {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let rewritten = expr.transform_down(|expr| match expr.downcast_ref::<Column>() {
            // What is put in its place names the file's column.
            Some(column) => Ok(Transformed::new(self.column(column)?, true, TreeNodeRecursion::Jump)),
            None => Ok(Transformed::no(expr)),
        });
        rewritten.data()
    }
}

impl OfFile {
    fn column(&self, column: &Column) -> Result<Arc<dyn PhysicalExpr>> {
        let name = column.name();
        let (Some(how), Some((_, field))) = (self.brought.get(name), self.table.fields().find(name)) else {
            return self.others.rewrite(Arc::new(column.clone()));
        };
        let Some((at, found)) = self.file.fields().find(name) else {
            return Ok(Arc::new(Literal::new(ScalarValue::try_from(field.data_type())?)));
        };
        let column = Arc::new(Column::new(name, at));
        if found.data_type() == field.data_type() {
            return Ok(column);
        }
        Ok(Arc::new(Brought {
            column,
            field: Arc::clone(field),
            how: how.clone(),
        }))
    }
}

/// A column of a file as the table has it.
#[derive(Debug, Eq)]
struct Brought {
    column: Arc<dyn PhysicalExpr>,
    /// The table's.
    field: FieldRef,
    how: How,
}

impl PartialEq for Brought {
    fn eq(&self, other: &Self) -> bool {
        self.column.eq(&other.column) && self.field == other.field && self.how == other.how
    }
}

impl Hash for Brought {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.column.hash(state);
        self.field.hash(state);
        self.how.hash(state);
    }
}

impl Display for Brought {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "brought({})", self.column)
    }
}

impl PhysicalExpr for Brought {
    fn data_type(&self, _input: &Schema) -> Result<DataType> {
        Ok(self.field.data_type().clone())
    }

    fn nullable(&self, _input: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let own = self.column.evaluate(batch)?.into_array(batch.num_rows())?;
        let array = match &self.how {
            How::Kept => match convert(&own, &self.field).map_err(as_engine)? {
                Some((array, _)) => array,
                None => own,
            },
            How::Told(wanted) => told(own, wanted, self.field.data_type())?,
            How::Cast => cast_or_nulls(&own, self.field.data_type())?,
        };
        Ok(ColumnarValue::Array(array))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.column]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(match children.into_iter().next() {
            Some(column) => Arc::new(Self {
                column,
                field: Arc::clone(&self.field),
                how: self.how.clone(),
            }),
            None => self,
        })
    }

    fn fmt_sql(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, formatter)
    }
}

fn as_engine(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// The values of a field, and what is none of them with why.
fn told(own: ArrayRef, wanted: &Field, kind: &DataType) -> Result<ArrayRef> {
    let (read, misread) = if becomes(own.data_type(), wanted) {
        match convert_telling(&own, wanted).map_err(as_engine)? {
            Some((array, misread)) => (array, misread),
            None => (Arc::clone(&own), Vec::new()),
        }
    } else {
        let [is, says] = [own.data_type(), wanted.data_type()].map(in_words);
        let reason = format!("it is {is} in its file, and not {says}");
        let nulls = own.logical_nulls();
        let held = (0..own.len()).filter(|row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*row)));
        let misread = held.map(|row| (row, reason.clone())).collect();
        (new_null_array(wanted.data_type(), own.len()), misread)
    };
    let misread = match misread.is_empty() {
        true => new_null_array(&misread_type(), own.len()),
        false => Arc::new(of_misread(&own, misread)?),
    };
    let fields = fields_of(kind)?;
    Ok(Arc::new(StructArray::try_new(fields, vec![read, misread], None)?))
}

fn of_misread(own: &ArrayRef, misread: Vec<(usize, String)>) -> Result<StructArray> {
    let rows: UInt64Array = misread.iter().map(|(row, _)| *row as u64).collect();
    // What cannot be written as JSON is not shown.
    let texts = json_values(&take(own, &rows, None)?).ok();
    let (mut reasons, mut received) = (vec![None; own.len()], vec![None; own.len()]);
    for (place, (row, reason)) in misread.into_iter().enumerate() {
        reasons[row] = Some(reason);
        let text = texts.as_ref().filter(|texts| texts.is_valid(place));
        received[row] = text.map(|texts| texts.value(place).to_owned());
    }
    let nulls: NullBuffer = reasons.iter().map(Option::is_some).collect::<Vec<_>>().into();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(reasons)),
        Arc::new(StringArray::from(received)),
    ];
    Ok(StructArray::try_new(fields_of(&misread_type())?, columns, Some(nulls))?)
}

fn fields_of(kind: &DataType) -> Result<Fields> {
    match kind {
        DataType::Struct(fields) => Ok(fields.clone()),
        other => Err(DataFusionError::Internal(format!("{other} has no fields"))),
    }
}

/// The values in a type, as far as the engine gives them.
fn cast_or_nulls(own: &ArrayRef, kind: &DataType) -> Result<ArrayRef> {
    let is_plain = !own.data_type().is_nested() && !kind.is_nested();
    match is_plain && can_cast_types(own.data_type(), kind) {
        true => Ok(cast(own, kind)?),
        false => Ok(new_null_array(kind, own.len())),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{AsArray, Int64Array};
    use datafusion::arrow::datatypes::Int32Type;
    use polder_gate::reading::tells_misread;

    use super::super::together::telling;
    use super::*;

    #[test]
    fn what_is_no_value_of_the_field_is_told_with_how_it_came() {
        let wanted = Field::new("n", DataType::Int32, true);
        let kind = telling(&wanted);
        assert!(tells_misread(&kind));
        let says = |own: ArrayRef| {
            let told = told(own, &wanted, &kind).unwrap();
            assert_eq!(*told.data_type(), kind);
            let told = told.as_struct();
            let read: Vec<_> = told.column(0).as_primitive::<Int32Type>().iter().collect();
            let misread = told.column(1).as_struct();
            let text = |column: usize, row| {
                let texts = misread.column(column).as_string::<i32>();
                texts.is_valid(row).then(|| texts.value(row).to_owned())
            };
            let misread: Vec<_> = (0..told.len())
                .filter(|row| misread.is_valid(*row))
                .map(|row| (row, text(0, row).unwrap(), text(1, row).unwrap()))
                .collect();
            (read, misread)
        };
        let of = |row, reason: &str, received: &str| (row, reason.to_owned(), received.to_owned());
        assert_eq!(
            says(Arc::new(Int64Array::from(vec![Some(1), None, Some(1 << 40)]))),
            (
                vec![Some(1), None, None],
                vec![of(
                    2,
                    "1099511627776 does not fit the contract's type int",
                    "1099511627776"
                )]
            )
        );
        assert_eq!(
            says(Arc::new(StringArray::from(vec![Some("1"), None]))),
            (
                vec![None, None],
                vec![of(0, "it is string in its file, and not int", "\"1\"")]
            )
        );
    }

    #[test]
    fn what_no_rule_looks_at_is_cast_where_it_can_be() {
        let text: ArrayRef = Arc::new(StringArray::from(vec!["1", "x"]));
        assert_eq!(cast_or_nulls(&text, &DataType::Int64).unwrap().null_count(), 1);
        let object = DataType::Struct(vec![Field::new("a", DataType::Utf8, true)].into());
        assert_eq!(cast_or_nulls(&text, &object).unwrap().null_count(), 2);
    }
}

//! Sets of keys: which groups a change touches, and which rows belong to them. Null is a key like any other.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, FieldRef, Float32Type, Float64Type, SchemaRef};
use arrow::row::{RowConverter, SortField};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, ident, lit};
use polder_core::{Error, ErrorKind, Result, ResultExt as _};
use polder_delivery::Groups;

/// Up to so many distinct values of a column become a filter of the query.
const FEW: usize = 1_000;

/// Distinct keys in memory.
#[derive(Debug)]
pub(crate) struct KeySet {
    fields: Vec<FieldRef>,
    converter: RowConverter,
    keys: HashSet<Box<[u8]>>,
    /// Distinct values by column; nothing for a column with more than [`FEW`], or of a type that has no plain equality.
    few: Vec<Option<HashSet<ScalarValue>>>,
}

impl KeySet {
    /// An empty set of keys over these columns of a table.
    ///
    /// # Errors
    /// `Document` for a column that is not there or whose type has no equality.
    pub(crate) fn new(schema: &SchemaRef, key: &[String]) -> Result<Self> {
        let fields = key
            .iter()
            .map(|name| {
                let field = schema.field_with_name(name);
                field
                    .map(|field| field.clone().into())
                    .context(ErrorKind::Document, || format!("there is no key column `{name}`"))
            })
            .collect::<Result<Vec<FieldRef>>>()?;
        let converter = converter(&fields)?;
        let few = fields
            .iter()
            .map(|field| comparable(field.data_type()).then(HashSet::new))
            .collect();
        Ok(Self {
            fields,
            converter,
            keys: HashSet::new(),
            few,
        })
    }

    /// How many keys are in the set.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Adds the keys of these rows.
    pub(crate) fn add(&mut self, rows: &RecordBatch) -> Result<()> {
        let columns = self.columns(rows)?;
        let encoded = encode(&self.converter, &columns)?;
        for (i, key) in encoded.iter().enumerate() {
            if !self.keys.insert(key.data().into()) {
                continue;
            }
            for (column, few) in columns.iter().zip(&mut self.few) {
                if let Some(values) = few {
                    let value = ScalarValue::try_from_array(column, i)
                        .context(ErrorKind::Internal, || "a key cannot be read".to_owned())?;
                    values.insert(value);
                    if values.len() > FEW {
                        *few = None;
                    }
                }
            }
        }
        Ok(())
    }

    /// For each row whether its key is in the set.
    pub(crate) fn contains(&self, rows: &RecordBatch) -> Result<BooleanArray> {
        let encoded = encode(&self.converter, &self.columns(rows)?)?;
        Ok(encoded.iter().map(|key| Some(self.keys.contains(key.data()))).collect())
    }

    /// A condition that all rows of the set's keys meet, and few others; nothing when no column has few values. It is
    /// what lets scans skip files and groups of rows.
    pub(crate) fn prefilter(&self) -> Option<Expr> {
        self.fields
            .iter()
            .zip(&self.few)
            .filter_map(|(field, few)| {
                let values = few.as_ref()?;
                let column = ident(field.name());
                let given: Vec<_> = values
                    .iter()
                    .filter(|value| !value.is_null())
                    .cloned()
                    .map(lit)
                    .collect();
                let null = values
                    .iter()
                    .any(ScalarValue::is_null)
                    .then(|| column.clone().is_null());
                match (given.is_empty(), null) {
                    (false, Some(null)) => Some(column.in_list(given, false).or(null)),
                    (false, None) => Some(column.in_list(given, false)),
                    (true, null) => null,
                }
            })
            .reduce(Expr::and)
    }

    fn columns(&self, rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
        self.fields
            .iter()
            .map(|field| {
                let column = rows.column_by_name(field.name()).ok_or_else(|| {
                    Error::new(
                        ErrorKind::Internal,
                        format!("rows came without the key column `{}`", field.name()),
                    )
                })?;
                Ok(one_value_a_key(&typed(column, field.data_type())?))
            })
            .collect()
    }
}

impl Groups for KeySet {
    fn key(&self) -> Vec<&str> {
        self.fields.iter().map(|field| field.name().as_str()).collect()
    }

    fn contains(&self, rows: &RecordBatch) -> Result<BooleanArray> {
        Self::contains(self, rows)
    }
}

/// The column with one value for all that are the same key: `-0.0` is `0.0` and every NaN the same, as in keys that a
/// contract declares. The engine has several words on that, by what it does with them.
pub(crate) fn one_value_a_key(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Float32 => {
            let values = column.as_primitive::<Float32Type>();
            Arc::new(values.unary::<_, Float32Type>(|value| if value.is_nan() { f32::NAN } else { value + 0.0 }))
        }
        DataType::Float64 => {
            let values = column.as_primitive::<Float64Type>();
            Arc::new(values.unary::<_, Float64Type>(|value| if value.is_nan() { f64::NAN } else { value + 0.0 }))
        }
        _ => ArrayRef::clone(column),
    }
}

/// Floats have values that are equal to none, and nested values have no literals: both are left to the set itself.
fn comparable(data_type: &DataType) -> bool {
    !data_type.is_floating() && !data_type.is_nested()
}

/// The column in this very type: engines may give text in another encoding.
pub(crate) fn typed(column: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    if column.data_type() == data_type {
        return Ok(ArrayRef::clone(column));
    }
    arrow::compute::cast(column, data_type).context(ErrorKind::Data, || {
        format!("{} cannot become {data_type}", column.data_type())
    })
}

pub(crate) fn converter(fields: &[FieldRef]) -> Result<RowConverter> {
    let sort = fields
        .iter()
        .map(|field| SortField::new(field.data_type().clone()))
        .collect();
    RowConverter::new(sort).context(ErrorKind::Document, || {
        let names: Vec<_> = fields.iter().map(|field| field.name().as_str()).collect();
        format!("rows cannot be compared by {}", names.join(", "))
    })
}

pub(crate) fn encode(converter: &RowConverter, columns: &[ArrayRef]) -> Result<arrow::row::Rows> {
    converter
        .convert_columns(columns)
        .context(ErrorKind::Internal, || "rows cannot be compared".to_owned())
}

#[cfg(test)]
mod tests {
    use arrow::array::{Float64Array, Int64Array, StringArray};
    use arrow::datatypes::{Field, Schema};

    use super::*;

    fn rows(names: &[Option<&str>], numbers: &[Option<i64>]) -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("name", DataType::Utf8, true),
            Field::new("number", DataType::Int64, true),
        ]);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(names.to_vec())),
            Arc::new(Int64Array::from(numbers.to_vec())),
        ];
        RecordBatch::try_new(Arc::new(schema), columns).unwrap()
    }

    #[test]
    fn null_is_a_key_of_its_own() {
        let given = rows(&[Some("a"), None], &[Some(1), None]);
        let mut keys = KeySet::new(&given.schema(), &["name".to_owned(), "number".to_owned()]).unwrap();
        keys.add(&given).unwrap();
        let asked = rows(
            &[Some("a"), Some("a"), None, Some(""), None],
            &[Some(1), None, None, None, Some(0)],
        );
        let found: Vec<_> = keys.contains(&asked).unwrap().iter().flatten().collect();
        assert_eq!(found, [true, false, true, false, false]);
        assert_eq!(keys.len(), 2);
    }

    #[test]
    fn zero_has_no_sign_and_nan_is_a_key() {
        let floats = |values: [f64; 3]| {
            let column = Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
            RecordBatch::try_from_iter([("f", column)]).unwrap()
        };
        let given = floats([-0.0, f64::NAN, 1.0]);
        let mut keys = KeySet::new(&given.schema(), &["f".to_owned()]).unwrap();
        keys.add(&given).unwrap();
        let found: Vec<_> = keys
            .contains(&floats([0.0, -f64::NAN, 2.0]))
            .unwrap()
            .iter()
            .flatten()
            .collect();
        assert_eq!(found, [true, true, false]);
    }

    #[test]
    fn the_prefilter_names_few_values_and_leaves_many_out() {
        let numbers: Vec<_> = (0..2_000).map(Some).collect();
        let given = rows(&vec![None; 2_000], &numbers);
        let mut keys = KeySet::new(&given.schema(), &["name".to_owned(), "number".to_owned()]).unwrap();
        keys.add(&given).unwrap();
        assert_eq!(keys.prefilter().unwrap().to_string(), "name IS NULL");
    }
}

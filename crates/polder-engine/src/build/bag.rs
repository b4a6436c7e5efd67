//! Whether two streams hold the same rows, each as often, in whatever order.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::row::RowConverter;
use polder_core::{Error, ErrorKind, Result};
use sha2::{Digest as _, Sha256};

use super::keys::{converter, encode, typed};

/// A sum of row hashes: equal bags have equal sums, and other bags have others but for a chance of 2^-128.
pub(crate) struct Bag {
    schema: SchemaRef,
    converter: RowConverter,
    sum: u128,
    rows: u64,
}

impl Bag {
    /// An empty bag of rows with these columns.
    pub(crate) fn new(schema: &SchemaRef) -> Result<Self> {
        Ok(Self {
            schema: SchemaRef::clone(schema),
            converter: converter(schema.fields())?,
            sum: 0,
            rows: 0,
        })
    }

    /// Adds rows; columns are taken by name, and a column that is not there is null.
    pub(crate) fn add(&mut self, rows: &RecordBatch) -> Result<()> {
        let columns = self
            .schema
            .fields()
            .iter()
            .map(|field| match rows.column_by_name(field.name()) {
                Some(column) => typed(column, field.data_type()),
                None => Ok(arrow::array::new_null_array(field.data_type(), rows.num_rows())),
            })
            .collect::<Result<Vec<_>>>()?;
        for row in &encode(&self.converter, &columns)? {
            let digest = Sha256::digest(row.data());
            let half = digest
                .first_chunk::<16>()
                .ok_or_else(|| Error::new(ErrorKind::Internal, "a hash is short"))?;
            self.sum = self.sum.wrapping_add(u128::from_le_bytes(*half));
        }
        self.rows += rows.num_rows() as u64;
        Ok(())
    }

    /// Whether both hold the same rows.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.rows == other.rows && self.sum == other.sum
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array};

    use super::*;

    fn bag(batches: &[&[Option<i64>]]) -> Bag {
        let rows = |values: &[Option<i64>]| {
            RecordBatch::try_from_iter_with_nullable([(
                "n",
                Arc::new(Int64Array::from(values.to_vec())) as ArrayRef,
                true,
            )])
            .unwrap()
        };
        let mut bag = Bag::new(&rows(&[]).schema()).unwrap();
        batches.iter().for_each(|values| bag.add(&rows(values)).unwrap());
        bag
    }

    #[test]
    fn order_and_batches_do_not_matter_but_counts_do() {
        let one = bag(&[&[Some(1), None, Some(2)], &[Some(1)]]);
        assert!(one.equals(&bag(&[&[Some(2)], &[Some(1), Some(1), None]])));
        assert!(!one.equals(&bag(&[&[Some(2), Some(1), None]])));
        assert!(!one.equals(&bag(&[&[Some(2), Some(2), Some(1), None]])));
        assert!(!one.equals(&bag(&[&[Some(1), Some(1), Some(2), Some(0)]])));
    }
}

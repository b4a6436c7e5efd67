//! Totals of many groups at once.

use std::marker::PhantomData;
use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, PrimitiveArray};
use arrow::datatypes::{DataType, Decimal128Type};
use datafusion::common::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::{Summed, too_large, wide};

/// A total of each group.
#[derive(Debug)]
pub(super) struct GroupTotals<T: Summed> {
    totals: Vec<i128>,
    /// Groups that have a value.
    seen: Vec<bool>,
    returned: DataType,
    of: PhantomData<T>,
}

impl<T: Summed> GroupTotals<T> {
    pub(super) fn new(returned: &DataType) -> Self {
        Self {
            totals: Vec::new(),
            seen: Vec::new(),
            returned: returned.clone(),
            of: PhantomData,
        }
    }

    fn update<V: Summed>(
        &mut self,
        values: &PrimitiveArray<V>,
        groups: &[usize],
        filter: Option<&BooleanArray>,
        all: usize,
    ) -> Result<()> {
        self.totals.resize(all, 0);
        self.seen.resize(all, false);
        // Checked once for all rows: what overflows stays so.
        let mut overflows = false;
        let mut add = |group: usize, value: V::Native| {
            let (total, overflown) = self.totals[group].overflowing_add(V::widen(value));
            self.totals[group] = total;
            self.seen[group] = true;
            overflows |= overflown;
        };
        if values.null_count() == 0 && filter.is_none() {
            for (group, value) in groups.iter().zip(values.values()) {
                add(*group, *value);
            }
        } else {
            for (row, (group, value)) in groups.iter().zip(values).enumerate() {
                let kept = filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
                if let (true, Some(value)) = (kept, value) {
                    add(*group, value);
                }
            }
        }
        if overflows {
            return Err(too_large(None, &self.returned));
        }
        Ok(())
    }

    fn take(&mut self, emitted: EmitTo) -> impl Iterator<Item = Option<i128>> + use<T> {
        let totals = emitted.take_needed(&mut self.totals);
        let seen = emitted.take_needed(&mut self.seen);
        totals.into_iter().zip(seen).map(|(total, seen)| seen.then_some(total))
    }
}

impl<T: Summed> GroupsAccumulator for GroupTotals<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        all: usize,
    ) -> Result<()> {
        match values.first() {
            Some(values) => self.update(values.as_primitive::<T>(), groups, filter, all),
            None => Ok(()),
        }
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], all: usize) -> Result<()> {
        match states.first() {
            Some(states) => self.update(states.as_primitive::<Decimal128Type>(), groups, None, all),
            None => Ok(()),
        }
    }

    fn evaluate(&mut self, emitted: EmitTo) -> Result<ArrayRef> {
        let totals = self.take(emitted);
        let narrow = |total: Option<i128>| match total {
            None => Ok(None),
            Some(total) => T::narrow(total)
                .map(Some)
                .ok_or_else(|| too_large(Some(total), &self.returned)),
        };
        let totals: PrimitiveArray<T> = totals.map(narrow).collect::<Result<_>>()?;
        Ok(Arc::new(totals.with_data_type(self.returned.clone())))
    }

    fn state(&mut self, emitted: EmitTo) -> Result<Vec<ArrayRef>> {
        let totals: PrimitiveArray<Decimal128Type> = self.take(emitted).collect();
        Ok(vec![Arc::new(totals.with_data_type(wide(&self.returned)))])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let Some(values) = values.first() else {
            return Ok(Vec::new());
        };
        let values = values.as_primitive::<T>().iter().enumerate();
        let totals: PrimitiveArray<Decimal128Type> = values
            .map(|(row, value)| {
                let kept = filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
                value.filter(|_| kept).map(T::widen)
            })
            .collect();
        Ok(vec![Arc::new(totals.with_data_type(wide(&self.returned)))])
    }

    fn size(&self) -> usize {
        self.totals.capacity() * size_of::<i128>() + self.seen.capacity()
    }
}

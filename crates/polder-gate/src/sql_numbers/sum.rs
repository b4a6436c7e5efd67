//! `sum` of whole numbers and of the longest decimals, which fails where the sum does not fit its type.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;
use std::mem::{size_of, size_of_val};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, DecimalType as _, Field, FieldRef, Int64Type, UInt64Type,
};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_datafusion_err};
use datafusion::functions_aggregate::sum::Sum;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
};

use groups::GroupTotals;

mod groups;

/// The engine's `sum`, but for types whose sums can outgrow theirs with the rows that a table may well have.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct ExactSum {
    engine: Sum,
}

/// Runs for the type of a result that is summed here, or gives the engine's own.
macro_rules! of_type {
    ($kind:expr, $make:ident, $engine:expr) => {
        match $kind {
            DataType::Int64 => Ok(Box::new($make::<Int64Type>::new($kind))),
            DataType::UInt64 => Ok(Box::new($make::<UInt64Type>::new($kind))),
            DataType::Decimal128(DECIMAL128_MAX_PRECISION, _) => Ok(Box::new($make::<Decimal128Type>::new($kind))),
            // The engine gives decimals ten digits more, which no table uses up; floating-point numbers become infinite.
            _ => $engine,
        }
    };
}

impl AggregateUDFImpl for ExactSum {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn signature(&self) -> &Signature {
        self.engine.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.engine.return_type(arguments)
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let kind = arguments.return_type();
        if arguments.is_distinct {
            of_type!(kind, DistinctTotal, self.engine.accumulator(arguments))
        } else {
            of_type!(kind, Total, self.engine.accumulator(arguments))
        }
    }

    fn create_sliding_accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let kind = arguments.return_type();
        if arguments.is_distinct {
            of_type!(kind, DistinctTotal, self.engine.create_sliding_accumulator(arguments))
        } else {
            of_type!(kind, Total, self.engine.create_sliding_accumulator(arguments))
        }
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let kind = match arguments.return_type() {
            DataType::Int64 | DataType::UInt64 if !arguments.is_distinct => wide(arguments.return_type()),
            _ => return self.engine.state_fields(arguments),
        };
        let name = format_state_name(arguments.name, "sum");
        Ok(vec![Arc::new(Field::new(name, kind, true))])
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs<'_>) -> bool {
        self.engine.groups_accumulator_supported(arguments)
    }

    fn create_groups_accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        let kind = arguments.return_type();
        of_type!(kind, GroupTotals, self.engine.create_groups_accumulator(arguments))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.engine.reverse_expr()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.engine.order_sensitivity()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.engine.documentation()
    }

    fn set_monotonicity(&self, kind: &DataType) -> SetMonotonicity {
        self.engine.set_monotonicity(kind)
    }
}

/// Numbers whose sums are kept as 128 bits until they are asked for. Of 64-bit numbers no table has enough to fill them.
pub(super) trait Summed: ArrowPrimitiveType<Native: Hash + Eq> + Debug + Send + Sync + Sized {
    fn widen(value: Self::Native) -> i128;

    /// None where it does not fit.
    fn narrow(total: i128) -> Option<Self::Native>;

    /// The total of an array; none where that does not fit 128 bits.
    fn total(values: &PrimitiveArray<Self>) -> Option<i128> {
        let mut values = values.iter().flatten();
        values.try_fold(0_i128, |total, value| total.checked_add(Self::widen(value)))
    }
}

impl Summed for Int64Type {
    fn widen(value: i64) -> i128 {
        value.into()
    }

    fn narrow(total: i128) -> Option<i64> {
        total.try_into().ok()
    }

    fn total(values: &PrimitiveArray<Self>) -> Option<i128> {
        if values.null_count() > 0 {
            return Some(values.iter().flatten().map(i128::from).sum());
        }
        // Upper and lower halves apart fit registers, several at once: no array is long enough to overflow them.
        let (mut upper, mut lower) = (0_i64, 0_u64);
        for value in values.values() {
            upper = upper.wrapping_add(value >> 32);
            lower = lower.wrapping_add(value.cast_unsigned() & 0xffff_ffff);
        }
        Some((i128::from(upper) << 32) + i128::from(lower))
    }
}

impl Summed for UInt64Type {
    fn widen(value: u64) -> i128 {
        value.into()
    }

    fn narrow(total: i128) -> Option<u64> {
        total.try_into().ok()
    }
}

impl Summed for Decimal128Type {
    fn widen(value: i128) -> i128 {
        value
    }

    fn narrow(total: i128) -> Option<i128> {
        Self::is_valid_decimal_precision(total, DECIMAL128_MAX_PRECISION).then_some(total)
    }
}

/// The type in which totals of a result's type are kept.
fn wide(returned: &DataType) -> DataType {
    match returned {
        DataType::Decimal128(..) => returned.clone(),
        _ => DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0),
    }
}

fn too_large(total: Option<i128>, returned: &DataType) -> DataFusionError {
    let kind = crate::in_words(returned);
    match (total, returned) {
        (Some(total), DataType::Int64 | DataType::UInt64) => exec_datafusion_err!(
            "the sum is {total}, which does not fit {kind}: add up decimals, as in sum(cast(… AS decimal(38, 0)))"
        ),
        _ => exec_datafusion_err!("the sum needs more digits than {kind} has"),
    }
}

/// A total, also of rows that leave again.
#[derive(Debug)]
struct Total<T: Summed> {
    total: i128,
    values: u64,
    returned: DataType,
    of: PhantomData<T>,
}

impl<T: Summed> Total<T> {
    fn new(returned: &DataType) -> Self {
        Self {
            total: 0,
            values: 0,
            returned: returned.clone(),
            of: PhantomData,
        }
    }

    fn add(&mut self, total: Option<i128>, values: usize) -> Result<()> {
        let total = total.and_then(|more| self.total.checked_add(more));
        self.total = total.ok_or_else(|| too_large(None, &self.returned))?;
        self.values += values as u64;
        Ok(())
    }
}

impl<T: Summed> Accumulator for Total<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(values) = values.first() else { return Ok(()) };
        let values = values.as_primitive::<T>();
        self.add(T::total(values), values.len() - values.null_count())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(values) = values.first() else { return Ok(()) };
        let values = values.as_primitive::<T>();
        let total = T::total(values).and_then(|less| self.total.checked_sub(less));
        self.total = total.ok_or_else(|| too_large(None, &self.returned))?;
        self.values = self.values.saturating_sub((values.len() - values.null_count()) as u64);
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(states) = states.first() else { return Ok(()) };
        let states = states.as_primitive::<Decimal128Type>();
        self.add(Decimal128Type::total(states), states.len() - states.null_count())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let total = (self.values > 0).then_some(self.total);
        Ok(vec![ScalarValue::new_primitive::<Decimal128Type>(
            total,
            &wide(&self.returned),
        )?])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let total = match self.values {
            0 => None,
            _ => Some(T::narrow(self.total).ok_or_else(|| too_large(Some(self.total), &self.returned))?),
        };
        ScalarValue::new_primitive::<T>(total, &self.returned)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// The total of each value once, however often it comes and leaves.
#[derive(Debug)]
struct DistinctTotal<T: Summed> {
    counts: HashMap<T::Native, u64>,
    returned: DataType,
}

impl<T: Summed> DistinctTotal<T> {
    fn new(returned: &DataType) -> Self {
        Self {
            counts: HashMap::new(),
            returned: returned.clone(),
        }
    }

    fn add(&mut self, values: &dyn Array) {
        for value in values.as_primitive::<T>().iter().flatten() {
            *self.counts.entry(value).or_default() += 1;
        }
    }
}

impl<T: Summed> Accumulator for DistinctTotal<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if let Some(values) = values.first() {
            self.add(values);
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(values) = values.first() else { return Ok(()) };
        for value in values.as_primitive::<T>().iter().flatten() {
            if let Some(count) = self.counts.get_mut(&value) {
                *count -= 1;
                if *count == 0 {
                    self.counts.remove(&value);
                }
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(states) = states.first() else { return Ok(()) };
        for values in states.as_list::<i32>().iter().flatten() {
            self.add(&values);
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = self.counts.keys();
        let values = values.map(|value| ScalarValue::new_primitive::<T>(Some(*value), &self.returned));
        let values = values.collect::<Result<Vec<_>>>()?;
        Ok(vec![ScalarValue::List(ScalarValue::new_list_nullable(
            &values,
            &self.returned,
        ))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut values = self.counts.keys();
        let total = values.try_fold(0_i128, |total, value| total.checked_add(T::widen(*value)));
        let narrow = match total {
            _ if self.counts.is_empty() => None,
            Some(total) => Some(T::narrow(total).ok_or_else(|| too_large(Some(total), &self.returned))?),
            None => return Err(too_large(None, &self.returned)),
        };
        ScalarValue::new_primitive::<T>(narrow, &self.returned)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.counts.capacity() * size_of::<(T::Native, u64)>()
    }
}

//! What a check has seen of a table so far.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StructArray, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::compute::{cast, is_null, max, nullif};
use arrow::datatypes::{DataType, Date32Type, Field, Schema, TimeUnit, TimestampMicrosecondType};
use polder_contract::rule::PathStep;
use polder_core::{Error, ErrorKind, Result, ResultExt};

use crate::check::Check;
use crate::conform::{conform, convert};
use crate::schema::in_words;
use crate::table::distinct::{Budget, Fingerprints};
use crate::table::distinct_text::{TextMemory, Texts};
use crate::table::fingerprint;
use crate::table::plan::{HowCounted, Plan};
use crate::{digits, map_keys};

/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// The figures of the rows that were pushed. States of one check can be merged: of parts of a table, or of the rows that
/// it has and those that are to come.
#[derive(Clone)]
pub struct TableState {
    plan: Arc<Plan>,
    wanted: Arc<Wanted>,
    pub(crate) rows: u64,
    /// Rows whose value does not fit the contract's type, by the contract's columns.
    pub(crate) unfit: Vec<u64>,
    /// Failing rows, by the plan's counted tests.
    pub(crate) failing: Vec<u64>,
    /// By the plan's keys.
    pub(crate) keys: Vec<Fingerprints>,
    /// Microseconds since 1970, by the plan's columns with an age.
    pub(crate) newest: Vec<Option<i64>>,
    texts: Vec<TextMemory>,
    budget: Arc<Budget>,
}

/// Which of a plan's figures are looked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) types: Vec<bool>,
    pub(crate) counted: Vec<bool>,
    pub(crate) keys: Vec<bool>,
    pub(crate) newest: Vec<bool>,
}

impl Wanted {
    /// Everything, or nothing.
    pub(crate) fn all(plan: &Plan, wanted: bool) -> Self {
        Self {
            types: vec![wanted && plan.judges_rows; plan.schema.fields().len()],
            counted: vec![wanted; plan.counted.len()],
            keys: vec![wanted; plan.keys.len()],
            newest: vec![wanted; plan.newest.len()],
        }
    }

    /// The contract's columns that must be read for it; `odd` tells of a column whether some of its values may not fit the
    /// contract's type.
    pub(crate) fn columns(&self, plan: &Plan, odd: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut columns = HashSet::new();
        columns.extend(places(&self.types).filter(|column| odd(*column)));
        for place in places(&self.counted) {
            let counted = &plan.counted[place];
            columns.extend(counted.column);
            if let HowCounted::Row(test) = &counted.how {
                columns.extend(test.columns().iter().filter_map(|name| plan.schema.index_of(name).ok()));
            }
        }
        let of_keys = places(&self.keys).flat_map(|key| &plan.keys[key]);
        columns.extend(of_keys.filter_map(|path| column_of(plan, path)));
        columns.extend(places(&self.newest).map(|place| plan.newest[place]));
        let mut columns: Vec<_> = columns.into_iter().collect();
        columns.sort_unstable();
        columns
    }
}

fn places(wanted: &[bool]) -> impl Iterator<Item = usize> + '_ {
    wanted
        .iter()
        .enumerate()
        .filter(|(_, wanted)| **wanted)
        .map(|(place, _)| place)
}

fn column_of(plan: &Plan, path: &[PathStep]) -> Option<usize> {
    match path.first()? {
        PathStep::Field(name) => plan.schema.index_of(name).ok(),
        _ => None,
    }
}

/// One column of a batch, with what was found out about it on the way.
struct Column {
    /// As it came, or in the contract's type where that is another than a way of writing the same.
    array: ArrayRef,
    /// Rows whose value does not fit the contract's type; it is null here.
    unfit: HashSet<usize>,
    texts: Option<Texts>,
    plain: Option<ArrayRef>,
}

impl TableState {
    pub(crate) fn new(plan: &Arc<Plan>, wanted: Wanted, budget: &Arc<Budget>) -> Self {
        Self {
            plan: Arc::clone(plan),
            rows: 0,
            unfit: vec![0; plan.schema.fields().len()],
            failing: vec![0; plan.counted.len()],
            keys: plan.keys.iter().map(|_| Fingerprints::new(budget)).collect(),
            newest: vec![None; plan.newest.len()],
            texts: vec![TextMemory::default(); plan.schema.fields().len()],
            wanted: Arc::new(wanted),
            budget: Arc::clone(budget),
        }
    }

    /// A state of the same figures that has seen nothing.
    pub(crate) fn fresh(&self) -> Self {
        Self::new(&self.plan, Wanted::clone(&self.wanted), &self.budget)
    }

    pub(crate) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Rows that were pushed.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes in the rows of a batch. Columns are found by name, a missing one counts as a column of nulls.
    ///
    /// # Errors
    /// `Document`, where a column's type cannot become the contract's; `Refused`, where fingerprints of keys cannot be
    /// put on disk.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let plan = Arc::clone(&self.plan);
        let wanted = Arc::clone(&self.wanted);
        self.rows += batch.num_rows() as u64;
        let mut columns: Vec<Option<Column>> = Vec::new();
        columns.resize_with(plan.schema.fields().len(), || None);
        let odd = |column: usize| {
            let field = plan.schema.field(column);
            batch
                .column_by_name(field.name())
                .is_some_and(|array| !fits(array.data_type(), field.data_type()))
        };
        for column in wanted.columns(&plan, odd) {
            let read = self.column(batch, plan.schema.field(column))?;
            if wanted.types[column] {
                self.unfit[column] += read.unfit.len() as u64;
            }
            columns[column] = Some(read);
        }
        for place in places(&wanted.counted) {
            let counted = &plan.counted[place];
            self.failing[place] += match (counted.column, &counted.how) {
                (Some(column), how) => match &mut columns[column] {
                    Some(read) => count(how, read, &mut self.texts[column]).context(ErrorKind::Internal, || {
                        format!("cannot read column `{}`", plan.schema.field(column).name())
                    })?,
                    None => 0,
                },
                (None, HowCounted::Row(test)) => {
                    let (rows, unfit) = whole(batch, test.columns(), &plan.schema)?;
                    test.failing(&rows)?.iter().filter(|row| !unfit.contains(row)).count() as u64
                }
                (None, _) => 0,
            };
        }
        for key in places(&wanted.keys) {
            let values = plan.keys[key]
                .iter()
                .map(|path| {
                    let column = column_of(&plan, path).and_then(|column| columns[column].as_ref());
                    column.map_or_else(
                        || new_null_array(&DataType::Int32, batch.num_rows()),
                        |column| inside(&column.array, &path[1..]),
                    )
                })
                .collect::<Vec<_>>();
            let (fingerprints, nulls) = fingerprints(&values)?;
            self.keys[key].extend(&fingerprints, nulls.as_ref())?;
        }
        for place in places(&wanted.newest) {
            let newest = columns[plan.newest[place]]
                .as_ref()
                .and_then(|column| newest(&column.array));
            self.newest[place] = self.newest[place].max(newest);
        }
        Ok(())
    }

    /// Takes in what another state of the same check has seen.
    ///
    /// # Errors
    /// `Refused`, where fingerprints of keys cannot be put on disk; then the state is of no use any more.
    pub fn merge(&mut self, other: Self) -> Result<()> {
        self.rows += other.rows;
        add(&mut self.unfit, &other.unfit);
        add(&mut self.failing, &other.failing);
        for (mine, theirs) in self.keys.iter_mut().zip(other.keys) {
            mine.merge(theirs)?;
        }
        for (mine, theirs) in self.newest.iter_mut().zip(other.newest) {
            *mine = (*mine).max(theirs);
        }
        Ok(())
    }

    /// Gets ready to be cloned again and again, each time for a few more rows: clones share the keys that it has seen,
    /// and how often those repeat is counted here, once in a while, and not by each of them.
    ///
    /// # Errors
    /// `Refused`, where fingerprints that were put on disk cannot be read.
    pub fn settle(&mut self) -> Result<()> {
        for (place, keys) in self.keys.iter_mut().enumerate() {
            keys.settle(self.plan.asks_for_duplicates(place))?;
        }
        Ok(())
    }

    fn column(&self, batch: &RecordBatch, field: &Field) -> Result<Column> {
        let read = |array: ArrayRef, unfit: Vec<usize>| Column {
            array,
            unfit: unfit.into_iter().collect(),
            texts: None,
            plain: None,
        };
        let Some(array) = batch.column_by_name(field.name()) else {
            return Ok(read(new_null_array(field.data_type(), batch.num_rows()), Vec::new()));
        };
        if fits(array.data_type(), field.data_type()) {
            return Ok(read(Arc::clone(array), Vec::new()));
        }
        Ok(match convert(array, field)? {
            Some((array, unfit)) => read(array, unfit),
            None => read(Arc::clone(array), Vec::new()),
        })
    }
}

fn add(mine: &mut [u64], theirs: &[u64]) {
    mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
}

/// Whether every value of an array's type is one of the contract's, however it is written. Of maps that is not so: each must
/// be looked at for keys that are there twice; and the longest decimals for a digit more.
pub(crate) fn fits(array: &DataType, wanted: &DataType) -> bool {
    same(array, wanted) && !map_keys::has_maps(wanted) && !digits::has_longest(wanted)
}

/// Whether an array holds values of the contract's type, however it writes them.
pub fn same(array: &DataType, wanted: &DataType) -> bool {
    use DataType::{BinaryView, Dictionary, LargeBinary, LargeUtf8, Utf8, Utf8View};
    match (array, wanted) {
        (array, wanted) if array == wanted => true,
        (LargeUtf8 | Utf8View, Utf8) | (LargeBinary | BinaryView, DataType::Binary) => true,
        (Dictionary(_, values), Utf8) => matches!(values.as_ref(), Utf8 | LargeUtf8 | Utf8View),
        _ => false,
    }
}

/// The rows of a column that fail a test.
fn count(
    how: &HowCounted,
    column: &mut Column,
    texts: &mut TextMemory,
) -> std::result::Result<u64, arrow::error::ArrowError> {
    if !column.unfit.is_empty() {
        return count_each(how, column);
    }
    Ok(match how {
        HowCounted::Nulls => column.array.logical_null_count() as u64,
        HowCounted::Range(check) => check
            .count_failing(&column.array)
            .ok_or_else(|| unreadable(&column.array))?,
        HowCounted::Text(check) => {
            let read = match &column.texts {
                Some(read) => read,
                None => column.texts.insert(texts.read(&column.array)?),
            };
            read.count(&failing(check, &read.values)?)
        }
        HowCounted::Value(_) | HowCounted::Row(_) => return count_each(how, column),
    })
}

/// The same, row by row; a value that does not fit its type breaks that, and nothing else.
fn count_each(how: &HowCounted, column: &mut Column) -> std::result::Result<u64, arrow::error::ArrowError> {
    let rows = match how {
        HowCounted::Nulls => {
            let nulls = column.array.logical_nulls();
            let is_null = |row: &usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(*row));
            (0..column.array.len()).filter(is_null).collect()
        }
        HowCounted::Range(check) | HowCounted::Text(check) | HowCounted::Value(check) => {
            let plain = match &column.plain {
                Some(plain) => plain,
                None => column.plain.insert(plain(&column.array)?),
            };
            failing(check, plain)?
        }
        HowCounted::Row(_) => Vec::new(),
    };
    Ok(rows.iter().filter(|row| !column.unfit.contains(row)).count() as u64)
}

fn failing(check: &Check, array: &ArrayRef) -> std::result::Result<Vec<usize>, arrow::error::ArrowError> {
    check.failing(array).ok_or_else(|| unreadable(array))
}

fn unreadable(array: &ArrayRef) -> arrow::error::ArrowError {
    arrow::error::ArrowError::InvalidArgumentError(format!("a check cannot read values of {}", array.data_type()))
}

/// The array in the plain encoding of its values.
fn plain(array: &ArrayRef) -> std::result::Result<ArrayRef, arrow::error::ArrowError> {
    match array.data_type() {
        DataType::Utf8View | DataType::LargeUtf8 => cast(array, &DataType::Utf8),
        DataType::BinaryView | DataType::LargeBinary => cast(array, &DataType::Binary),
        DataType::Dictionary(_, _) => cast(array, &DataType::Utf8),
        _ => Ok(Arc::clone(array)),
    }
}

/// The greatest moment, in microseconds since 1970; of a date its beginning.
fn newest(array: &ArrayRef) -> Option<i64> {
    match array.data_type() {
        DataType::Date32 => max(array.as_primitive::<Date32Type>()).map(|day| i64::from(day) * DAY),
        DataType::Timestamp(TimeUnit::Microsecond, _) => max(array.as_primitive::<TimestampMicrosecondType>()),
        _ => None,
    }
}

/// The values of a field inside structs; null wherever something around it is.
pub(crate) fn inside(array: &ArrayRef, path: &[PathStep]) -> ArrayRef {
    let Some((step, rest)) = path.split_first() else {
        return Arc::clone(array);
    };
    let field = match (step, array.as_struct_opt()) {
        (PathStep::Field(name), Some(outer)) => field_of(outer, name),
        _ => None,
    };
    match field {
        Some(field) => inside(&field, rest),
        None => new_null_array(&DataType::Int32, array.len()),
    }
}

fn field_of(outer: &StructArray, name: &str) -> Option<ArrayRef> {
    let field = outer.column_by_name(name)?;
    if outer.null_count() == 0 {
        return Some(Arc::clone(field));
    }
    nullif(field, &is_null(outer).ok()?).ok()
}

/// Fingerprints of keys, and which rows have none.
pub(crate) fn fingerprints(columns: &[ArrayRef]) -> Result<(Vec<u128>, Option<NullBuffer>)> {
    fingerprint::of_key(columns).map_err(|odd| {
        let message = format!("values of the type {} cannot be a key", in_words(&odd));
        Error::new(ErrorKind::Document, message)
    })
}

/// The columns that a row test looks at, in the contract's types, and the rows in which one does not fit its type: those
/// break that, and nothing else.
pub(crate) fn whole(
    batch: &RecordBatch,
    columns: &[String],
    contract: &Schema,
) -> Result<(RecordBatch, HashSet<usize>)> {
    let schema = batch.schema();
    let places: Vec<_> = columns.iter().filter_map(|name| schema.index_of(name).ok()).collect();
    let failure = || "cannot choose the columns of a rule".to_owned();
    let chosen = if places.is_empty() {
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)
    } else {
        batch.project(&places)
    };
    let conformed = conform(&chosen.context(ErrorKind::Internal, failure)?, contract)?;
    let unfit = conformed.misfits.into_iter().flat_map(|(_, rows)| rows).collect();
    Ok((conformed.batch, unfit))
}

//! Objects inside columns with their fields as the contract has them.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, GenericListArray, MapArray, OffsetSizeTrait, StructArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use arrow::error::ArrowError;

/// The column with the fields of its objects by name: in the wanted order, without those that are not wanted, and with nulls for
/// wanted ones that it lacks (whether they must have a value is another rule's to say). Lists of a fixed size and views of lists
/// are lists like others. The types of what is inside stay as they are. `None`
/// where nothing is to be done, or where it could not be the wanted column: it has none of the fields that are wanted, or writes
/// one in other case, whose values must not be taken for nulls.
pub(crate) fn by_name(column: &ArrayRef, wanted: &DataType) -> Result<Option<ArrayRef>, ArrowError> {
    Ok(match wanted {
        DataType::Struct(fields) => match column.as_struct_opt() {
            Some(objects) => object(objects, fields)?.map(|object| Arc::new(object) as ArrayRef),
            None => None,
        },
        DataType::List(item) => {
            let plain = plain_lists(column)?;
            let lists = plain.as_ref().unwrap_or(column);
            let named = match lists.data_type() {
                DataType::List(_) => list(lists.as_list::<i32>(), item)?,
                DataType::LargeList(_) => list(lists.as_list::<i64>(), item)?,
                _ => None,
            };
            named.or(plain)
        }
        DataType::Map(entries, _) => match (column.as_map_opt(), entries.data_type()) {
            (Some(pairs), DataType::Struct(entry)) => map(pairs, entry)?,
            _ => None,
        },
        _ => None,
    })
}

fn object(objects: &StructArray, wanted: &Fields) -> Result<Option<StructArray>, ArrowError> {
    let own = objects.fields();
    let is_there = |field: &FieldRef| own.iter().any(|own| own.name() == field.name());
    let by_another_name = |field: &FieldRef| own.iter().any(|own| own.name().eq_ignore_ascii_case(field.name()));
    let may_lack = |field: &FieldRef| field.is_nullable() && !by_another_name(field);
    if !wanted.iter().any(is_there) || !wanted.iter().all(|field| is_there(field) || may_lack(field)) {
        return Ok(None);
    }
    let mut changed = own.len() != wanted.len();
    let (mut fields, mut columns) = (Vec::with_capacity(wanted.len()), Vec::with_capacity(wanted.len()));
    for (place, field) in wanted.iter().enumerate() {
        match own.iter().position(|own| own.name() == field.name()) {
            Some(at) => {
                let inside = by_name(objects.column(at), field.data_type())?;
                changed |= at != place || inside.is_some();
                let column = inside.unwrap_or_else(|| Arc::clone(objects.column(at)));
                fields.push(of_type(&own[at], column.data_type()));
                columns.push(column);
            }
            None => {
                changed = true;
                fields.push(Arc::clone(field));
                columns.push(new_null_array(field.data_type(), objects.len()));
            }
        }
    }
    match changed {
        true => StructArray::try_new(fields.into(), columns, objects.nulls().cloned()).map(Some),
        false => Ok(None),
    }
}

/// The lists where each begins and ends, of lists that are kept otherwise; nothing of other columns.
fn plain_lists(column: &ArrayRef) -> Result<Option<ArrayRef>, ArrowError> {
    let plain = match column.data_type() {
        DataType::FixedSizeList(item, _) | DataType::ListView(item) => DataType::List(Arc::clone(item)),
        DataType::LargeListView(item) => DataType::LargeList(Arc::clone(item)),
        _ => return Ok(None),
    };
    cast(column, &plain).map(Some)
}

fn list<O: OffsetSizeTrait>(lists: &GenericListArray<O>, item: &FieldRef) -> Result<Option<ArrayRef>, ArrowError> {
    let Some(items) = by_name(lists.values(), item.data_type())? else {
        return Ok(None);
    };
    let field = match lists.data_type() {
        DataType::List(own) | DataType::LargeList(own) => of_type(own, items.data_type()),
        _ => Arc::clone(item),
    };
    let lists = GenericListArray::<O>::try_new(field, lists.offsets().clone(), items, lists.nulls().cloned())?;
    Ok(Some(Arc::new(lists)))
}

/// What stands for key and value may be called otherwise.
fn map(pairs: &MapArray, entry: &Fields) -> Result<Option<ArrayRef>, ArrowError> {
    let [_, value] = entry.as_ref() else { return Ok(None) };
    let Some(values) = by_name(pairs.values(), value.data_type())? else {
        return Ok(None);
    };
    let (DataType::Map(entries, sorted), DataType::Struct(own)) = (pairs.data_type(), pairs.entries().data_type())
    else {
        return Ok(None);
    };
    let [key, value] = own.as_ref() else { return Ok(None) };
    let fields = Fields::from(vec![Arc::clone(key), of_type(value, values.data_type())]);
    let field = of_type(entries, &DataType::Struct(fields.clone()));
    let columns = vec![Arc::clone(pairs.keys()), values];
    let own = StructArray::try_new(fields, columns, pairs.entries().nulls().cloned())?;
    let pairs = MapArray::try_new(field, pairs.offsets().clone(), own, pairs.nulls().cloned(), *sorted)?;
    Ok(Some(Arc::new(pairs)))
}

fn of_type(field: &FieldRef, kind: &DataType) -> FieldRef {
    Arc::new(Field::clone(field).with_data_type(kind.clone()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{FixedSizeListArray, Int32Array, Int64Array, ListArray, StringArray};
    use arrow::buffer::{NullBuffer, OffsetBuffer};
    use arrow::util::display::{ArrayFormatter, FormatOptions};

    use super::*;
    use crate::{becomes, convert};

    fn fields(of: &[(&str, DataType, bool)]) -> Fields {
        let fields = of
            .iter()
            .map(|(name, kind, null)| Field::new(*name, kind.clone(), *null));
        fields.collect()
    }

    /// Of the fields `b`, `x` and `a` the second object is null.
    fn objects() -> StructArray {
        StructArray::new(
            fields(&[
                ("b", DataType::Utf8, true),
                ("x", DataType::Utf8, true),
                ("a", DataType::Int32, true),
            ]),
            vec![
                Arc::new(StringArray::from(vec!["one", "two", "three"])),
                Arc::new(StringArray::from(vec!["x"; 3])),
                Arc::new(Int32Array::from(vec![1, 2, 3])),
            ],
            Some(NullBuffer::from(vec![true, false, true])),
        )
    }

    fn wanted(more: &[(&str, DataType, bool)]) -> DataType {
        let own = [("a", DataType::Int64, true), ("b", DataType::Utf8, true)];
        DataType::Struct(fields(&[&own[..], more].concat()))
    }

    fn texts(array: &ArrayRef) -> Vec<String> {
        let options = FormatOptions::default().with_null("null");
        let shown = ArrayFormatter::try_new(array, &options).unwrap();
        (0..array.len()).map(|row| shown.value(row).to_string()).collect()
    }

    #[test]
    fn fields_of_objects_are_found_by_name_wherever_the_objects_are() {
        let kind = wanted(&[("c", DataType::Float64, true)]);
        let field = Field::new("o", kind.clone(), true);
        let (read, unfit) = convert(&(Arc::new(objects()) as ArrayRef), &field).unwrap().unwrap();
        assert_eq!((read.data_type(), unfit), (&kind, vec![]));
        assert_eq!(
            texts(&read),
            ["{a: 1, b: one, c: null}", "null", "{a: 3, b: three, c: null}"]
        );

        let item = Arc::new(Field::new_list_field(objects().data_type().clone(), true));
        let lists = ListArray::new(item, OffsetBuffer::from_lengths([2, 1]), Arc::new(objects()), None);
        let field = Field::new_list("l", Field::new_list_field(kind.clone(), true), true);
        let (read, _) = convert(&(Arc::new(lists) as ArrayRef), &field).unwrap().unwrap();
        assert_eq!(
            texts(&read),
            ["[{a: 1, b: one, c: null}, null]", "[{a: 3, b: three, c: null}]"]
        );

        let entries = |value: DataType| {
            let entry = fields(&[("key", DataType::Int64, false), ("value", value, true)]);
            (
                entry.clone(),
                Arc::new(Field::new("entries", DataType::Struct(entry), false)),
            )
        };
        let (entry, own) = entries(objects().data_type().clone());
        let keys = Arc::new(Int64Array::from(vec![7, 8, 9]));
        let pairs = StructArray::new(entry, vec![keys, Arc::new(objects())], None);
        let maps = MapArray::new(own, OffsetBuffer::from_lengths([1, 2]), pairs, None, false);
        let field = Field::new("m", DataType::Map(entries(kind).1, false), true);
        let (read, _) = convert(&(Arc::new(maps) as ArrayRef), &field).unwrap().unwrap();
        assert_eq!(
            texts(&read),
            [
                "{7: {a: 1, b: one, c: null}}",
                "{8: null, 9: {a: 3, b: three, c: null}}"
            ]
        );
    }

    #[test]
    fn lists_of_a_fixed_size_and_views_of_lists_are_lists() {
        let kind = wanted(&[]);
        let wanted = Field::new_list("l", Field::new("element", kind, true), true);
        let item = Arc::new(Field::new_list_field(objects().data_type().clone(), true));
        // The second list is null, whatever lies under it.
        let items: ArrayRef = Arc::new(arrow::compute::concat(&[&objects(), &objects()]).unwrap());
        let nulls = NullBuffer::from(vec![true, false, true]);
        let fixed = FixedSizeListArray::new(Arc::clone(&item), 2, items, Some(nulls));
        let expected = ["[{a: 1, b: one}, null]", "null", "[null, {a: 3, b: three}]"];
        for kind in [
            fixed.data_type().clone(),
            DataType::ListView(Arc::clone(&item)),
            DataType::LargeListView(Arc::clone(&item)),
            DataType::LargeList(item),
        ] {
            let lists = cast(&fixed, &kind).unwrap();
            assert!(becomes(&kind, &wanted), "{kind}");
            let (read, unfit) = convert(&lists, &wanted).unwrap().unwrap();
            assert_eq!((read.data_type(), unfit), (wanted.data_type(), vec![]), "{kind}");
            assert_eq!(texts(&read), expected, "{kind}");
        }
        // Inside of others too, and what does not fit is found: a pair of 2 and 2^40.
        let pair = |item| Field::new_fixed_size_list("p", Field::new_list_field(item, true), 2, true);
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 2, 1 << 40]));
        let fixed = FixedSizeListArray::new(Arc::new(Field::new_list_field(DataType::Int64, true)), 2, numbers, None);
        let outer: ArrayRef = Arc::new(StructArray::from(vec![(
            Arc::new(pair(DataType::Int64)),
            Arc::new(fixed) as ArrayRef,
        )]));
        let list = Field::new_list("p", Field::new("element", DataType::Int32, true), true);
        let wanted = Field::new_struct("o", vec![list], true);
        let (read, unfit) = convert(&outer, &wanted).unwrap().unwrap();
        assert_eq!(
            (texts(&read), unfit),
            (vec!["{p: [1, 2]}".to_owned(), "null".to_owned()], vec![1])
        );
        let text = Field::new_list("p", Field::new("element", DataType::Utf8, true), true);
        assert!(!becomes(pair(DataType::Int64).data_type(), &text));
    }

    #[test]
    fn objects_without_what_must_be_there_or_with_nothing_that_is_wanted_are_others() {
        let own = objects().data_type().clone();
        assert!(becomes(&own, &Field::new("o", wanted(&[]), true)));
        let required = wanted(&[("c", DataType::Float64, false)]);
        assert!(!becomes(&own, &Field::new("o", required, true)));
        let others = DataType::Struct(fields(&[("c", DataType::Utf8, true)]));
        assert!(!becomes(&own, &Field::new("o", others, true)));
        // `A` has the values of `a`, which are no nulls.
        let capital = DataType::Struct(fields(&[("A", DataType::Int64, true), ("b", DataType::Utf8, true)]));
        assert!(!becomes(&own, &Field::new("o", capital, true)));
    }
}

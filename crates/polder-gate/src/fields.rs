//! Objects inside columns with their fields as the contract has them.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, GenericListArray, MapArray, OffsetSizeTrait, StructArray, new_null_array,
};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use arrow::error::ArrowError;

/// The column with the fields of its objects by name: in the wanted order, without those that are not wanted, and with nulls for
/// wanted ones that it lacks (whether they must have a value is another rule's to say). Their types stay as they are. `None`
/// where nothing is to be done, or where it could not be the wanted column: it has none of the fields that are wanted, or writes
/// one in other case, whose values must not be taken for nulls.
pub(crate) fn by_name(column: &ArrayRef, wanted: &DataType) -> Result<Option<ArrayRef>, ArrowError> {
    Ok(match wanted {
        DataType::Struct(fields) => match column.as_struct_opt() {
            Some(objects) => object(objects, fields)?.map(|object| Arc::new(object) as ArrayRef),
            None => None,
        },
        DataType::List(item) => match column.data_type() {
            DataType::List(_) => list(column.as_list::<i32>(), item)?,
            DataType::LargeList(_) => list(column.as_list::<i64>(), item)?,
            _ => None,
        },
        DataType::Map(entries, _) => match (column.as_map_opt(), entries.data_type()) {
            (Some(pairs), DataType::Struct(entry)) => map(pairs, entry)?,
            _ => None,
        },
        _ => None,
    })
}

/// Whether objects of a type have all the fields that objects of the wanted one have, also those inside of others.
pub fn has_fields(kind: &DataType, wanted: &DataType) -> bool {
    match (kind, wanted) {
        (DataType::Struct(own), DataType::Struct(wanted)) => wanted.iter().all(|field| {
            let own = own.iter().find(|own| own.name() == field.name());
            own.is_some_and(|own| has_fields(own.data_type(), field.data_type()))
        }),
        (DataType::List(own) | DataType::LargeList(own), DataType::List(item)) => {
            has_fields(own.data_type(), item.data_type())
        }
        (DataType::Map(own, _), DataType::Map(entries, _)) => match (own.data_type(), entries.data_type()) {
            (DataType::Struct(own), DataType::Struct(entry)) => {
                let mut pairs = own.iter().zip(entry);
                pairs.all(|(own, wanted)| has_fields(own.data_type(), wanted.data_type()))
            }
            _ => true,
        },
        _ => true,
    }
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
    use arrow::array::{Int32Array, Int64Array, ListArray, StringArray};
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
        let more = wanted(&[("c", DataType::Float64, true)]);
        assert!(has_fields(&own, &wanted(&[])) && !has_fields(&own, &more));
        let list = |kind| DataType::List(Arc::new(Field::new_list_field(kind, true)));
        assert!(!has_fields(&list(own), &list(more)));
    }
}

//! Fields of objects that their types do not have, however deep: whoever reads such objects passes them over, and may tell
//! of them.
//!
//! A field is named by its way from the column: `spec.weight`, `variants[].price`, `titles.value.text`.

use std::collections::{BTreeSet, HashMap};
use std::mem;

use arrow::datatypes::{DataType, Fields};

use super::{Written, sides};

/// Names of one object's fields that are remembered at most: whoever writes records chooses them.
const REMEMBERED: usize = 100;

/// A field that a type has and another one has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeyondField {
    /// Its way, from the column down.
    pub way: String,
    /// Its own name.
    pub name: String,
    /// The fields that the other type has in that place.
    pub beside: Vec<String>,
}

/// The fields that objects of the one type have and those of the other have not, as they are written. `way` is the
/// column's. What is not of one kind in both types is passed over: its values do not fit.
pub fn fields_beyond(found: &DataType, wanted: &DataType, way: &str) -> Vec<BeyondField> {
    let mut beyond = Vec::new();
    of_type(found, wanted, way, &mut beyond);
    beyond
}

fn of_type(found: &DataType, wanted: &DataType, way: &str, beyond: &mut Vec<BeyondField>) {
    use DataType::*;
    match (found, wanted) {
        (Union(branches, _), _) => {
            let branches = branches.iter();
            branches.for_each(|(_, branch)| of_type(branch.data_type(), wanted, way, beyond));
        }
        (Struct(fields), Struct(known)) => {
            for field in fields {
                let way = format!("{way}.{}", field.name());
                match known.find(field.name()) {
                    Some((_, known)) => of_type(field.data_type(), known.data_type(), &way, beyond),
                    None => beyond.push(BeyondField {
                        way,
                        name: field.name().clone(),
                        beside: known.iter().map(|field| field.name().clone()).collect(),
                    }),
                }
            }
        }
        (List(item) | LargeList(item) | ListView(item) | LargeListView(item) | FixedSizeList(item, _), List(known)) => {
            of_type(item.data_type(), known.data_type(), &format!("{way}[]"), beyond)
        }
        (Map(..), Map(..)) => {
            if let (Some((_, found)), Some((_, known))) = (sides(found), sides(wanted)) {
                let way = format!("{way}.value");
                of_type(found[1].data_type(), known[1].data_type(), &way, beyond);
            }
        }
        _ => {}
    }
}

/// Looks for such fields in the values of columns, record after record, and remembers their names. Columns whose types hold
/// no object cost nothing, the others a comparison a field.
#[derive(Debug, Default)]
pub struct FieldsBeyond(Vec<(String, Inside)>);

/// What of a type can hold objects.
#[derive(Debug)]
enum Inside {
    Object(Object),
    /// The items of lists.
    Items(Box<Self>),
    /// The values of maps.
    Values(Box<Self>),
}

#[derive(Debug)]
struct Object {
    /// In the type's order, in which most records name them.
    fields: Vec<(String, Option<Inside>)>,
    places: HashMap<String, usize>,
    beyond: BTreeSet<String>,
}

impl FieldsBeyond {
    /// For values of these columns. `read` is the way of a field that is read although no column may have it.
    pub fn of(columns: &Fields, read: Option<&str>) -> Self {
        let read: Option<Vec<&str>> = read.map(|way| way.split('.').collect());
        let inside = |name: &str, data_type: &DataType| {
            let mut inside = Inside::of(data_type)?;
            if let Some([column, way @ ..]) = read.as_deref()
                && *column == name
            {
                inside.know(way);
            }
            Some((name.to_owned(), inside))
        };
        let columns = columns.iter();
        Self(
            columns
                .filter_map(|column| inside(column.name(), column.data_type()))
                .collect(),
        )
    }

    /// Whether a record has such fields with a value; `column` gives its values.
    pub fn look<'v, V: Written + 'v>(&mut self, column: impl Fn(&str) -> Option<&'v V>) -> bool {
        let mut any = false;
        for (name, inside) in &mut self.0 {
            if let Some(value) = column(name) {
                any |= inside.look(value);
            }
        }
        any
    }

    /// The ways of those that were found since this was last asked.
    pub fn take(&mut self) -> Vec<String> {
        let mut ways = Vec::new();
        for (name, inside) in &mut self.0 {
            inside.take(name, &mut ways);
        }
        ways
    }
}

impl Inside {
    fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Struct(fields) => {
                let fields = fields.iter();
                let fields: Vec<_> = fields
                    .map(|field| (field.name().clone(), Self::of(field.data_type())))
                    .collect();
                let places = fields.iter().enumerate();
                Some(Self::Object(Object {
                    places: places.map(|(place, (name, _))| (name.clone(), place)).collect(),
                    fields,
                    beyond: BTreeSet::new(),
                }))
            }
            DataType::List(item) => Some(Self::Items(Box::new(Self::of(item.data_type())?))),
            DataType::Map(..) => {
                let (_, sides) = sides(data_type)?;
                Some(Self::Values(Box::new(Self::of(sides[1].data_type())?)))
            }
            _ => None,
        }
    }

    /// Takes the field at the end of a way for known.
    fn know(&mut self, way: &[&str]) {
        let (Self::Object(object), [name, rest @ ..]) = (self, way) else {
            return;
        };
        match object.places.get(*name) {
            Some(place) => {
                if let Some(inside) = &mut object.fields[*place].1 {
                    inside.know(rest);
                }
            }
            None => {
                object.places.insert((*name).to_owned(), object.fields.len());
                object.fields.push(((*name).to_owned(), None));
            }
        }
    }

    fn look<V: Written>(&mut self, value: &V) -> bool {
        let mut any = false;
        match self {
            Self::Object(object) => {
                let mut next = 0;
                for (name, value) in value.entries().into_iter().flatten() {
                    any |= object.look(name, value, &mut next);
                }
            }
            Self::Items(item) => {
                let items = value.items().into_iter().flatten();
                items.for_each(|value| any |= item.look(value));
            }
            Self::Values(inside) => {
                let entries = value.entries().into_iter().flatten();
                entries.for_each(|(_, value)| any |= inside.look(value));
            }
        }
        any
    }

    fn take(&mut self, way: &str, ways: &mut Vec<String>) {
        match self {
            Self::Object(object) => {
                let beyond = mem::take(&mut object.beyond);
                ways.extend(beyond.into_iter().map(|name| format!("{way}.{name}")));
                for (name, inside) in &mut object.fields {
                    if let Some(inside) = inside {
                        inside.take(&format!("{way}.{name}"), ways);
                    }
                }
            }
            Self::Items(item) => item.take(&format!("{way}[]"), ways),
            Self::Values(inside) => inside.take(&format!("{way}.value"), ways),
        }
    }
}

impl Object {
    /// Whether this field is beyond the type, or one in it is. `next` is the place that comes next in the type's order.
    fn look<V: Written>(&mut self, name: &str, value: &V, next: &mut usize) -> bool {
        let is_next = self.fields.get(*next).is_some_and(|(field, _)| field == name);
        let place = match is_next {
            true => Some(*next),
            false => self.places.get(name).copied(),
        };
        match place {
            Some(place) => {
                *next = place + 1;
                let inside = &mut self.fields[place].1;
                inside.as_mut().is_some_and(|inside| inside.look(value))
            }
            None if value.is_null() => false,
            None => {
                if !self.beyond.contains(name) && self.beyond.len() < REMEMBERED {
                    self.beyond.insert(name.to_owned());
                }
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Field;
    use serde_json::{Value, json};

    use super::*;

    fn object(fields: Vec<Field>) -> DataType {
        DataType::Struct(fields.into())
    }

    fn number(name: &str) -> Field {
        Field::new(name, DataType::Int32, true)
    }

    fn map_of(value: DataType) -> DataType {
        let sides = vec![
            Field::new("key", DataType::Utf8, false),
            Field::new("value", value, true),
        ];
        DataType::Map(Arc::new(Field::new("key_value", object(sides), false)), false)
    }

    fn list_of(item: DataType) -> DataType {
        DataType::List(Arc::new(Field::new("element", item, true)))
    }

    /// `n`, `o` with `a` and an object `i` with `b`, lists of lists of objects with `a`, maps of objects with `a`.
    fn columns() -> Fields {
        let i = Field::new("i", object(vec![number("b")]), true);
        let of_a = || object(vec![number("a")]);
        Fields::from(vec![
            number("n"),
            Field::new("o", object(vec![number("a"), i]), true),
            Field::new("l", list_of(list_of(of_a())), true),
            Field::new("m", map_of(of_a()), true),
            Field::new("numbers", list_of(DataType::Int32), true),
        ])
    }

    #[test]
    fn fields_are_found_in_objects_lists_and_maps() {
        let mut beyond = FieldsBeyond::of(&columns(), None);
        let mut look = |record: Value| beyond.look(|name| record.get(name));
        assert!(look(json!({"o": {"i": {"b": 1, "c": 2}, "a": 1, "z": [1]}})));
        assert!(look(json!({"l": [[], null, [{"a": 1}, {"a": 1, "x": false}]]})));
        assert!(look(json!({"m": {"k": {"a": 1}, "j": {"y": {}}}})));
        // Nothing is said of nulls, of values of other kinds, and of what is no field of a column.
        assert!(!look(
            json!({"o": {"a": 1, "z": null}, "l": [1], "m": [{"x": 1}], "numbers": [{"x": 1}], "top": 1})
        ));
        assert!(!look(
            json!({"o": {"i": {"b": 1}, "a": 1}, "l": [[{"a": 1}]], "m": {"x": {"a": 1}}})
        ));
        assert_eq!(beyond.take(), ["o.z", "o.i.c", "l[][].x", "m.value.y"]);
        assert_eq!(beyond.take(), [""; 0]);
    }

    #[test]
    fn a_field_that_is_read_all_the_same_is_known() {
        let mut beyond = FieldsBeyond::of(&columns(), Some("o.i.at"));
        let record = json!({"o": {"i": {"at": 1}}});
        assert!(!beyond.look(|name| record.get(name)));
        let record = json!({"o": {"at": 1}});
        assert!(beyond.look(|name| record.get(name)));
        assert_eq!(beyond.take(), ["o.at"]);
    }

    #[test]
    fn no_more_names_are_remembered_than_a_few() {
        let mut beyond = FieldsBeyond::of(&columns(), None);
        let many: serde_json::Map<_, _> = (0..1_000).map(|n| (format!("f{n}"), Value::from(n))).collect();
        let record = json!({ "o": many });
        assert!(beyond.look(|name| record.get(name)));
        assert_eq!(beyond.take().len(), REMEMBERED);
    }

    #[test]
    fn types_are_compared_the_same_way() {
        let i = Field::new("i", object(vec![number("b"), number("c")]), true);
        let found = object(vec![number("z"), i]);
        let ways = |found: &DataType, column: &str| {
            let columns = columns();
            let (_, wanted) = columns.find(column).unwrap();
            let beyond = fields_beyond(found, wanted.data_type(), column);
            beyond.into_iter().map(|field| field.way).collect::<Vec<_>>()
        };
        assert_eq!(ways(&found, "o"), ["o.z", "o.i.c"]);
        let listed = list_of(DataType::LargeList(Arc::new(Field::new("item", found.clone(), true))));
        assert_eq!(ways(&listed, "l"), ["l[][].z", "l[][].i"]);
        assert_eq!(ways(&map_of(found.clone()), "m"), ["m.value.z", "m.value.i"]);
        assert_eq!(ways(&found, "n"), [""; 0]);
        let columns = columns();
        let beyond = fields_beyond(&found, columns[1].data_type(), "o");
        assert_eq!(
            (beyond[0].name.as_str(), beyond[0].beside.clone()),
            ("z", vec!["a".to_owned(), "i".to_owned()])
        );
    }
}

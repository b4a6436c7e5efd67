//! What is required inside structs and lists.

use arrow::array::{Array, ArrayRef, AsArray};
use polder_contract::Property;

/// One step from a column towards a nested value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Into a field of a struct.
    Field(String),
    /// Into each element of a list.
    Elements,
}

/// A place inside a column where a value is required wherever its surroundings are there.
#[derive(Debug, Clone)]
pub(crate) struct RequiredInside {
    /// The place as people write it: `address.city`, `lines[].sku`.
    pub(crate) name: String,
    path: Vec<Step>,
}

impl RequiredInside {
    /// Every place inside this column that its contract requires.
    pub(crate) fn of(column: &Property) -> Vec<Self> {
        let mut found = Vec::new();
        collect(column, &column.name, &[], &mut found);
        found
    }

    /// The rows in which the value is missing, ascending and each once.
    pub(crate) fn failing(&self, column: &ArrayRef) -> Vec<usize> {
        let alive = (0..column.len()).map(|row| (row, row)).collect();
        let mut rows = missing(column, &self.path, alive);
        rows.dedup();
        rows
    }
}

fn collect(property: &Property, name: &str, path: &[Step], found: &mut Vec<RequiredInside>) {
    let mut visit = |child: &Property, step: Step, name: String| {
        let path = [path, &[step]].concat();
        if child.required {
            found.push(RequiredInside {
                name: name.clone(),
                path: path.clone(),
            });
        }
        collect(child, &name, &path, found);
    };
    for child in &property.properties {
        visit(child, Step::Field(child.name.clone()), format!("{name}.{}", child.name));
    }
    if let Some(items) = property.items.as_deref() {
        visit(items, Step::Elements, format!("{name}[]"));
    }
}

/// Rows that lack a value at the end of the path. `alive` pairs the places of `array` that matter with their rows,
/// ascending by row; what lies in a null struct or list is not looked at.
fn missing(array: &ArrayRef, path: &[Step], alive: Vec<(usize, usize)>) -> Vec<usize> {
    let Some((step, rest)) = path.split_first() else {
        return alive
            .into_iter()
            .filter(|(place, _)| array.is_null(*place))
            .map(|(_, row)| row)
            .collect();
    };
    let alive = alive.into_iter().filter(|(place, _)| array.is_valid(*place));
    match step {
        Step::Field(name) => match array.as_struct_opt().and_then(|array| array.column_by_name(name)) {
            Some(field) => missing(field, rest, alive.collect()),
            None => alive.map(|(_, row)| row).collect(),
        },
        Step::Elements => match array.as_list_opt::<i32>() {
            Some(list) => {
                let offsets = list.value_offsets();
                let places = alive
                    .flat_map(|(place, row)| {
                        (offsets[place]..offsets[place + 1]).map(move |element| (element as usize, row))
                    })
                    .collect();
                missing(list.values(), rest, places)
            }
            None => alive.map(|(_, row)| row).collect(),
        },
    }
}

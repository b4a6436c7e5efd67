//! Paths to values: the steps that gates take, and how people write them.

use super::PathStep;
use crate::schema::{LogicalType, Property, SchemaObject};

impl SchemaObject {
    /// The steps to the value that a written path names (`address.city`, `lines[].price`, `prices.key`,
    /// `prices.value`); none where there is no such value.
    pub fn path(&self, written: &str) -> Option<Vec<PathStep>> {
        self.properties.iter().find_map(|column| {
            let rest = written.strip_prefix(column.name.as_str())?;
            let mut steps = vec![PathStep::Field(column.name.clone())];
            walk(column, rest, &mut steps).then_some(steps)
        })
    }

    /// The value at the end of the steps.
    pub fn value(&self, steps: &[PathStep]) -> Option<&Property> {
        let (PathStep::Field(column), rest) = steps.split_first()? else {
            return None;
        };
        rest.iter()
            .try_fold(self.property(column)?, |property, step| inside(property, step))
    }
}

fn inside<'p>(property: &'p Property, step: &PathStep) -> Option<&'p Property> {
    match step {
        PathStep::Field(name) => property.properties.iter().find(|field| field.name == *name),
        PathStep::Items => property.items.as_deref(),
        PathStep::MapKey => property.map.as_deref().map(|(key, _)| key),
        PathStep::MapValue => property.map.as_deref().map(|(_, value)| value),
    }
}

/// Names may have dots in them, so every field whose name the rest begins with is tried.
fn walk(property: &Property, rest: &str, steps: &mut Vec<PathStep>) -> bool {
    if rest.is_empty() {
        return true;
    }
    let mut attempt = |child: &Property, step: PathStep, rest: &str| {
        steps.push(step);
        let found = walk(child, rest, steps);
        if !found {
            steps.pop();
        }
        found
    };
    if let Some(items) = &property.items
        && let Some(rest) = rest.strip_prefix("[]")
    {
        return attempt(items, PathStep::Items, rest);
    }
    let Some(rest) = rest.strip_prefix('.') else {
        return false;
    };
    if let Some((key, value)) = property.map.as_deref() {
        return match (rest.strip_prefix("key"), rest.strip_prefix("value")) {
            (Some(rest), _) => attempt(key, PathStep::MapKey, rest),
            (None, Some(rest)) => attempt(value, PathStep::MapValue, rest),
            (None, None) => false,
        };
    }
    property.properties.iter().any(|field| {
        rest.strip_prefix(field.name.as_str())
            .is_some_and(|rest| attempt(field, PathStep::Field(field.name.clone()), rest))
    })
}

/// The values directly inside another, each with its step.
pub(super) fn children(property: &Property) -> Vec<(PathStep, &Property)> {
    let fields = property
        .properties
        .iter()
        .map(|field| (PathStep::Field(field.name.clone()), field));
    let items = property.items.as_deref().map(|items| (PathStep::Items, items));
    let map = property
        .map
        .as_deref()
        .map(|(key, value)| [(PathStep::MapKey, key), (PathStep::MapValue, value)]);
    // What a property says beside its type is no part of it.
    match property.logical_type {
        Some(LogicalType::Array) => items.into_iter().collect(),
        Some(LogicalType::Map) => map.into_iter().flatten().collect(),
        Some(LogicalType::Object) => fields.collect(),
        _ => Vec::new(),
    }
}

/// The path as people write it.
pub(crate) fn written(steps: &[PathStep]) -> String {
    let mut text = String::new();
    for step in steps {
        match step {
            PathStep::Field(name) if text.is_empty() => text.push_str(name),
            PathStep::Field(name) => {
                text.push('.');
                text.push_str(name);
            }
            PathStep::Items => text.push_str("[]"),
            PathStep::MapKey => text.push_str(".key"),
            PathStep::MapValue => text.push_str(".value"),
        }
    }
    text
}

//! Documents as CEL's values.

use std::collections::HashMap;

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString};
use cel::common::value::Val;
use polder_core::document::{Node, Value};

/// A document, converted once. Texts are borrowed from it.
pub(crate) struct Document<'a>(Box<dyn Val + 'a>);

impl<'a> Document<'a> {
    pub(crate) fn new(node: &'a Node) -> Self {
        Self(value(node))
    }

    pub(crate) fn root(&self) -> &(dyn Val + 'a) {
        self.0.as_ref()
    }
}

/// The value under a key of a mapping, or at a place of a list under that key.
pub(crate) fn child<'b, 'a>(
    value: &'b (dyn Val + 'a),
    key: &'b str,
    place: Option<usize>,
) -> Option<&'b (dyn Val + 'a)> {
    let map = value.downcast_ref::<CelMap<'_>>()?;
    let found = map.inner().get(&CelMapKey::from(key))?.as_ref();
    match place {
        Some(place) => found
            .downcast_ref::<CelList<'_>>()?
            .inner()
            .get(place)
            .map(AsRef::as_ref),
        None => Some(found),
    }
}

fn value<'a>(node: &'a Node) -> Box<dyn Val + 'a> {
    match &node.value {
        Value::Null => Box::new(CelNull),
        Value::Bool(value) => Box::new(CelBool::from(*value)),
        Value::Number(text) => number(text),
        Value::String(text) => Box::new(CelString::from(text.as_str())),
        Value::List(items) => Box::new(CelList::from(items.iter().map(value).collect::<Vec<_>>())),
        Value::Map(entries) => {
            let entries = entries
                .iter()
                .map(|entry| (CelMapKey::from(entry.key.as_str()), value(&entry.value)));
            Box::new(CelMap::from(entries.collect::<HashMap<_, _>>()))
        }
    }
}

/// A whole number where it is one of 64 bits, else a double, else the text as written.
fn number<'a>(text: &'a str) -> Box<dyn Val + 'a> {
    if let Ok(whole) = text.parse::<i64>() {
        return Box::new(CelInt::from(whole));
    }
    match text.parse::<f64>() {
        Ok(real) => Box::new(CelDouble::from(real)),
        Err(_) => Box::new(CelString::from(text)),
    }
}

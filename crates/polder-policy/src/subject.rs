//! What a policy looks at: a contract, one of its objects, or a property with the element that declares it.

use polder_contract::{Contract, Place, Property, SchemaObject};
use polder_core::DatasetName;
use polder_core::document::{Node, Span};

/// An object that is bound to a dataset.
#[derive(Clone, Copy)]
pub(crate) struct Object<'a> {
    /// The position in the contract's schema.
    pub(crate) index: usize,
    pub(crate) dataset: &'a DatasetName,
    pub(crate) object: &'a SchemaObject,
    pub(crate) node: &'a Node,
}

/// A column, or a value inside one.
#[derive(Clone)]
pub(crate) struct Column<'a> {
    /// The way from the row: `address.city`, `lines[].price`.
    pub(crate) path: String,
    pub(crate) property: &'a Property,
    pub(crate) node: &'a Node,
    /// The lists and maps that it is a part of without a name of its own, from the outside in.
    pub(crate) within: Vec<Within<'a>>,
}

/// A list or map, and which part of it something is.
#[derive(Clone, Copy)]
pub(crate) struct Within<'a> {
    pub(crate) property: &'a Property,
    pub(crate) node: &'a Node,
    pub(crate) part: Part,
}

/// A part of a list or map.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Item,
    Key,
    Value,
}

/// The objects of a contract that are bound to datasets.
pub(crate) fn objects(contract: &Contract) -> Vec<Object<'_>> {
    let nodes = list(&contract.document, "schema");
    let bound = contract.objects.iter().zip(nodes).enumerate();
    bound
        .filter_map(|(index, (object, node))| {
            let dataset = object.dataset.as_ref()?;
            Some(Object {
                index,
                dataset,
                object,
                node,
            })
        })
        .collect()
}

/// Every property of an object, from the outside in.
pub(crate) fn columns<'a>(object: &Object<'a>) -> Vec<Column<'a>> {
    let mut columns = Vec::new();
    for (property, node) in object.object.properties.iter().zip(list(object.node, "properties")) {
        descend(property, node, property.name.clone(), Vec::new(), &mut columns);
    }
    columns
}

fn descend<'a>(
    property: &'a Property,
    node: &'a Node,
    path: String,
    within: Vec<Within<'a>>,
    columns: &mut Vec<Column<'a>>,
) {
    columns.push(Column {
        path: path.clone(),
        property,
        node,
        within: within.clone(),
    });
    for (inner, node) in property.properties.iter().zip(list(node, "properties")) {
        descend(inner, node, format!("{path}.{}", inner.name), Vec::new(), columns);
    }
    let inside = |part| {
        let own = Within { property, node, part };
        within.iter().copied().chain([own]).collect::<Vec<_>>()
    };
    if let (Some(items), Some(node)) = (&property.items, node.get("items")) {
        descend(items, node, format!("{path}[]"), inside(Part::Item), columns);
    }
    if let (Some(map), Some(node)) = (&property.map, node.get("map")) {
        for (inner, key, part) in [(&map.0, "key", Part::Key), (&map.1, "value", Part::Value)] {
            if let Some(node) = node.get(key) {
                descend(inner, node, format!("{path}.{key}"), inside(part), columns);
            }
        }
    }
}

/// The items of the list under a key; empty where there is none.
pub(crate) fn list<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    node.get(key).and_then(Node::as_list).unwrap_or_default()
}

/// Whether there is text under a key that says something.
pub(crate) fn says(node: &Node, key: &str) -> bool {
    node.get(key)
        .and_then(Node::as_str)
        .is_some_and(|text| !text.trim().is_empty())
}

/// The value of a custom property of an element.
pub(crate) fn custom<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let property = list(node, "customProperties").iter();
    property
        .filter(|property| property.get("property").and_then(Node::as_str) == Some(name))
        .find_map(|property| property.get("value"))
}

/// Where a contract as a whole is shown: at its id.
pub(crate) fn head(contract: &Contract) -> Span {
    contract.document.get("id").map_or(contract.document.span, |id| id.span)
}

/// The place of another stretch of the same contract.
pub(crate) fn at(contract: &Contract, span: Span) -> Place {
    Place {
        file: contract.source_path.as_path().into(),
        span,
    }
}

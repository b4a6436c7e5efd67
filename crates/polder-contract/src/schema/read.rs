//! Objects and properties as their document says them.

use polder_core::document::{Node, Value};

use super::{LogicalType, Property, Relationship, SchemaObject, Transform, TypeOptions};
use crate::custom_property::CustomProperty;
use crate::definition::Definition;
use crate::place::{Place, Written, count, flag, items, tags, text, texts};
use crate::quality::Quality;
use crate::structure::OPERATORS;

impl SchemaObject {
    pub(crate) fn read(node: &Node, document: &Place) -> Self {
        let place = document.at(node.get("name").map_or(node.span, |name| name.span));
        let physical_name = text(node, "physicalName");
        Self {
            id: text(node, "id"),
            name: text(node, "name").unwrap_or_default(),
            dataset: physical_name.as_deref().and_then(|name| name.parse().ok()),
            physical_name,
            physical_type: text(node, "physicalType"),
            business_name: text(node, "businessName"),
            granularity: text(node, "dataGranularityDescription"),
            tags: tags(node),
            definitions: Definition::all(node, document),
            description: text(node, "description"),
            properties: items(node, "properties")
                .iter()
                .map(|property| Property::read(property, document))
                .map(|column| Property {
                    // As SQL has it: no part of a primary key is null.
                    required: column.required || column.primary_key.is_some(),
                    required_by_key: !column.required && column.primary_key.is_some(),
                    ..column
                })
                .collect(),
            quality: rules(node, document),
            relationships: Relationship::read(node, document),
            custom_properties: CustomProperty::read(node, document),
            place,
        }
    }
}

impl Property {
    pub(crate) fn read(node: &Node, document: &Place) -> Self {
        let place = document.at(node.get("name").map_or(node.span, |name| name.span));
        let declared_name = text(node, "name");
        let map = node
            .get("map")
            .and_then(|map| Some((map.get("key")?, map.get("value")?)));
        Self {
            id: text(node, "id"),
            name: text(node, "physicalName")
                .or_else(|| declared_name.clone())
                .unwrap_or_default(),
            declared_name,
            logical_type: node
                .get("logicalType")
                .and_then(Node::as_str)
                .and_then(LogicalType::from_word),
            physical_type: Written::under(node, "physicalType", document),
            required: flag(node, "required"),
            required_by_key: false,
            unique: flag(node, "unique"),
            primary_key: position(node, "primaryKey", "primaryKeyPosition"),
            description: text(node, "description"),
            business_name: text(node, "businessName"),
            partition_key: position(node, "partitioned", "partitionKeyPosition"),
            encrypted_name: text(node, "encryptedName"),
            critical: flag(node, "criticalDataElement"),
            transform: Transform::read(node),
            examples: items(node, "examples").to_vec(),
            tags: tags(node),
            definitions: Definition::all(node, document),
            classification: text(node, "classification"),
            options: node
                .get("logicalTypeOptions")
                .map(|node| TypeOptions::read(node, document))
                .unwrap_or_default(),
            allowed: items(node, "enum")
                .iter()
                .filter_map(|value| Written::under(value, "value", document))
                .collect(),
            quality: rules(node, document),
            relationships: Relationship::read(node, document),
            custom_properties: CustomProperty::read(node, document),
            properties: items(node, "properties")
                .iter()
                .map(|property| Self::read(property, document))
                .collect(),
            items: node.get("items").map(|items| Box::new(Self::read(items, document))),
            map: map.map(|(key, value)| Box::new((Self::read(key, document), Self::read(value, document)))),
            place,
        }
    }
}

impl Transform {
    fn read(node: &Node) -> Option<Self> {
        let transform = Self {
            sources: texts(node, "transformSourceObjects"),
            logic: text(node, "transformLogic"),
            description: text(node, "transformDescription"),
        };
        (transform != Self::default()).then_some(transform)
    }
}

impl Relationship {
    fn read(element: &Node, document: &Place) -> Vec<Self> {
        let ends = |node: &Node, key| -> Vec<Written> {
            let written = |node: &Node| {
                let text = node.as_str()?.to_owned();
                let place = document.at(node.span);
                Some(Written { text, place })
            };
            match node.get(key) {
                Some(end) => match end.as_list() {
                    Some(ends) => ends.iter().filter_map(written).collect(),
                    None => written(end).into_iter().collect(),
                },
                None => Vec::new(),
            }
        };
        items(element, "relationships")
            .iter()
            .map(|node| Self {
                from: ends(node, "from"),
                to: ends(node, "to"),
                custom_properties: CustomProperty::read(node, document),
                place: document.at(node.span),
            })
            .collect()
    }
}

/// The position in a key, from 1, of what a flag says is part of it.
fn position(node: &Node, is_part: &str, key: &str) -> Option<u32> {
    flag(node, is_part).then(|| {
        let position = count(node, key).and_then(|position| u32::try_from(position).ok());
        position.filter(|position| *position > 0).unwrap_or(1)
    })
}

/// The rules that an element declares.
fn rules(element: &Node, document: &Place) -> Vec<Quality> {
    let declared = items(element, "quality").iter();
    declared.flat_map(|rule| read_rules(rule, document)).collect()
}

/// A declared rule, as two where it has a lower and an upper bound.
fn read_rules(node: &Node, document: &Place) -> Vec<Quality> {
    let mut bounds = OPERATORS.iter().filter(|operator| node.get(operator).is_some());
    let (Some(first), Some(second)) = (bounds.next(), bounds.next()) else {
        return vec![Quality::read(node, document)];
    };
    let without = |operator: &str| {
        let mut node = node.clone();
        if let Value::Map(entries) = &mut node.value {
            entries.retain(|entry| entry.key != operator);
        }
        Quality::read(&node, document)
    };
    // Without the upper bound the lower one remains, and the other way round.
    let (lower, mut upper) = (without(second), without(first));
    upper.lower.clone_from(&lower.operator);
    vec![lower, upper]
}

impl TypeOptions {
    fn read(node: &Node, document: &Place) -> Self {
        let written = |key| Written::under(node, key, document);
        Self {
            minimum: written("minimum"),
            maximum: written("maximum"),
            exclusive_minimum: written("exclusiveMinimum"),
            exclusive_maximum: written("exclusiveMaximum"),
            multiple_of: written("multipleOf"),
            min_length: count(node, "minLength"),
            max_length: count(node, "maxLength"),
            pattern: written("pattern"),
            format: written("format"),
            timezone: written("timezone"),
            default_timezone: written("defaultTimezone"),
            min_items: count(node, "minItems"),
            max_items: count(node, "maxItems"),
            unique_items: flag(node, "uniqueItems"),
            min_properties: count(node, "minProperties"),
            max_properties: count(node, "maxProperties"),
            required: items(node, "required")
                .iter()
                .filter_map(Node::as_str)
                .map(str::to_owned)
                .collect(),
        }
    }
}

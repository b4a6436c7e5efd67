//! Rules about contracts and objects: owner, texts, names, keys, service levels.

use polder_contract::{Contract, Place, service_level_name};
use polder_core::DatasetName;
use polder_core::document::Node;
use regex::Regex;

use super::finding;
use crate::found::Found;
use crate::subject::{Column, Object, at, head};

pub(super) fn owner(contract: &Contract, found: &mut Vec<Found>) {
    if contract.owner.as_deref().is_none_or(|owner| owner.trim().is_empty()) {
        let span = contract.document.get("team").map_or(head(contract), |team| team.span);
        let span = if contract.document.get("team").is_some() {
            first_line(contract, span)
        } else {
            span
        };
        let message = format!("the contract `{}` has no owner", contract.name);
        found.push(finding(message, &at(contract, span), None));
    }
}

/// The first line of a stretch: a whole mapping is no place to look at.
fn first_line(contract: &Contract, span: polder_core::document::Span) -> polder_core::document::Span {
    let text = contract.text.get(span.start..span.end).unwrap_or_default();
    let end = text.find('\n').map_or(span.end, |line| span.start + line);
    polder_core::document::Span { end, ..span }
}

pub(super) fn present_in_contract(fields: &[String], contract: &Contract, found: &mut Vec<Found>) {
    let of = format!("the contract `{}`", contract.name);
    present(
        fields,
        &contract.document,
        &of,
        &at(contract, head(contract)),
        None,
        found,
    );
}

/// One of the keys leads to text.
pub(super) fn present(
    fields: &[String],
    node: &Node,
    of: &str,
    place: &Place,
    column: Option<&str>,
    found: &mut Vec<Found>,
) {
    let given = |field: &String| {
        let value = field.split('.').try_fold(node, |node, key| node.get(key));
        value.is_some_and(|value| match value.scalar_text() {
            Some(text) => !text.trim().is_empty(),
            None => {
                value.as_list().is_some_and(|items| !items.is_empty())
                    || value.as_map().is_some_and(|map| !map.is_empty())
            }
        })
    };
    if !fields.iter().any(given) {
        let names: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
        found.push(finding(format!("{of} has no {}", names.join(" or ")), place, column));
    }
}

pub(super) fn naming(
    pattern: &Regex,
    name: &str,
    what: &str,
    dataset: &DatasetName,
    place: &Place,
    column: Option<&str>,
    found: &mut Vec<Found>,
) {
    if !pattern.is_match(name) {
        let message = format!("the {what} name `{name}` of {dataset} does not fit the pattern {pattern}");
        found.push(finding(message, place, column));
    }
}

pub(super) fn keys(object: &Object<'_>, columns: &[Column<'_>], found: &mut Vec<Found>) {
    let keyed = |column: &&Column<'_>| column.property.primary_key.is_some() || column.property.unique;
    if columns.iter().find(keyed).is_none() {
        let message = format!("{} has no key: nothing tells its rows apart", object.dataset);
        found.push(finding(message, &object.object.place, None));
    }
}

pub(super) fn service_levels(properties: &[String], contract: &Contract, found: &mut Vec<Found>) {
    let promised = |word: &str| {
        let asked = service_level_name(word.trim());
        let mut levels = contract.service_levels.iter();
        levels.any(|level| service_level_name(&level.property) == asked)
    };
    let missing: Vec<String> = properties
        .iter()
        .filter(|property| !property.split('|').any(promised))
        .map(|property| {
            property
                .split('|')
                .map(|word| format!("`{}`", word.trim()))
                .collect::<Vec<_>>()
                .join(" or ")
        })
        .collect();
    if !missing.is_empty() {
        let span = contract
            .document
            .get("slaProperties")
            .map_or(head(contract), |levels| first_line(contract, levels.span));
        let message = format!("the contract `{}` promises no {}", contract.name, missing.join(", no "));
        found.push(finding(message, &at(contract, span), None));
    }
}

//! Names that mean another column than before.

use polder_core::DatasetName;
use polder_core::document::Node;

use super::pairing::{COLUMN_IDENTITIES, by_physical_name, pair};
use crate::contract::Contract;
use crate::place::items;

/// The paths of a dataset's columns that mean other columns in a new contract than in the old one (`address.city`,
/// `lines[].price`, `prices.value.net` in the values of a map), each with the path under which the old one had that column: none for a column that is new and took
/// the name of another. Which column is which is told as by [`compare`](super::compare).
pub fn renamed_columns(old: &Contract, new: &Contract, dataset: &DatasetName) -> Vec<(String, Option<String>)> {
    let mut renamed = Vec::new();
    if let (Some(old), Some(new)) = (object(old, dataset), object(new, dataset)) {
        fields((old, ""), (new, ""), &mut renamed);
    }
    renamed
}

fn object<'c>(contract: &'c Contract, dataset: &DatasetName) -> Option<&'c Node> {
    let mut objects = items(&contract.document, "schema").iter().zip(&contract.objects);
    let found = objects.find(|(_, object)| object.dataset.as_ref() == Some(dataset));
    found.map(|(node, _)| node)
}

/// The fields of a value (a node, with the path and dot that stand before their names), and what is inside of them.
fn fields(old: (&Node, &str), new: (&Node, &str), renamed: &mut Vec<(String, Option<String>)>) {
    let (were, before) = (items(old.0, "properties"), old.1);
    let path = |path: &str, node: &Node| by_physical_name(node).map(|name| format!("{path}{name}"));
    let taken: Vec<_> = were.iter().filter_map(|node| path(before, node)).collect();
    for paired in pair(were, items(new.0, "properties"), &COLUMN_IDENTITIES, false) {
        let Some((_, now)) = paired.new else { continue };
        let Some(here) = path(new.1, now) else { continue };
        let was = paired.old.map(|(_, was)| was);
        let there = was.and_then(|was| path(before, was));
        match &there {
            Some(there) if *there == here => {}
            None if !taken.contains(&here) => {}
            _ => renamed.push((here.clone(), there.clone())),
        }
        let (Some(mut was), Some(there)) = (was, there) else {
            continue;
        };
        let (mut now, mut suffix) = (now, String::new());
        loop {
            let (old, new) = (format!("{there}{suffix}."), format!("{here}{suffix}."));
            fields((was, &old), (now, &new), renamed);
            let Some((inside, of, step)) = both_inside(was, now) else {
                break;
            };
            (was, now) = (inside, of);
            suffix.push_str(step);
        }
    }
}

/// The items of two lists, or the values of two maps, with what their paths add.
fn both_inside<'n>(old: &'n Node, new: &'n Node) -> Option<(&'n Node, &'n Node, &'static str)> {
    let value = |node: &'n Node| node.get("map")?.get("value");
    if let (Some(old), Some(new)) = (old.get("items"), new.get("items")) {
        return Some((old, new, "[]"));
    }
    Some((value(old)?, value(new)?, ".value"))
}

#[cfg(test)]
mod tests {
    use polder_core::document::Source;

    use super::*;
    use crate::parse;

    fn contract(properties: &str) -> Contract {
        let text = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: x\nname: x\nversion: 1.0.0\nstatus: active\nschema:\n  - name: rows\n    \
             physicalName: s.silver.x\n    properties: [{properties}]\n"
        );
        parse(&Source::new("contracts/s/x.odcs.yaml", text)).contract.unwrap()
    }

    #[test]
    fn names_that_mean_other_columns_are_told_by_what_those_were_called() {
        let text = |id: &str, name: &str| format!("{{id: {id}, name: {name}, logicalType: string}}");
        let both = |one: &str, other: &str| format!("{}, {}", text("i1", one), text("i2", other));
        let object = |fields: &str| format!("{{name: o, logicalType: object, properties: [{fields}]}}");
        let list = |fields: &str| {
            format!("{{name: l, logicalType: array, items: {{logicalType: object, properties: [{fields}]}}}}")
        };
        let map = |fields: &str| {
            let value = format!("{{logicalType: object, properties: [{fields}]}}");
            format!("{{name: m, logicalType: map, map: {{key: {{logicalType: string}}, value: {value}}}}}")
        };
        for (old, new, expected) in [
            (both("a", "b"), both("b", "a"), vec![("b", Some("a")), ("a", Some("b"))]),
            (both("a", "b"), text("i2", "a"), vec![("a", Some("b"))]),
            (both("a", "b"), text("i2", "b"), vec![]),
            (
                text("i1", "a"),
                format!("{}, {}", text("i1", "b"), text("i3", "a")),
                vec![("b", Some("a")), ("a", None)],
            ),
            (
                object(&both("a", "b")),
                object(&both("b", "a")),
                vec![("o.b", Some("o.a")), ("o.a", Some("o.b"))],
            ),
            (
                list(&text("i1", "a")),
                list(&text("i1", "b")),
                vec![("l[].b", Some("l[].a"))],
            ),
            (
                map(&both("a", "b")),
                map(&both("b", "a")),
                vec![("m.value.b", Some("m.value.a")), ("m.value.a", Some("m.value.b"))],
            ),
            (text("i1", "a"), both("a", "z"), vec![]),
        ] {
            let dataset = "s.silver.x".parse().unwrap();
            let renamed = renamed_columns(&contract(&old), &contract(&new), &dataset);
            let shown: Vec<_> = renamed
                .iter()
                .map(|(now, was)| (now.as_str(), was.as_deref()))
                .collect();
            assert_eq!(shown, expected, "{old} → {new}");
        }
    }
}

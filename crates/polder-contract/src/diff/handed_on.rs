//! Values that one column takes from another: whether it refuses some that the other may have.

use polder_core::DatasetName;
use polder_core::document::{Node, Value};

use super::pairing::by_physical_name;
use super::policies::Policies;
use super::walk::{At, Pair, Walk};
use crate::contract::Contract;
use crate::place::items;
use crate::rule::id;

/// A column of a dataset under contract, by its path in the store: `price`, `address.city`, `lines[].price`.
#[derive(Debug, Clone, Copy)]
pub struct ColumnOf<'c> {
    /// The contract.
    pub contract: &'c Contract,
    /// The dataset.
    pub dataset: &'c DatasetName,
    /// The column's path.
    pub column: &'c str,
}

/// Whether a column (`to`) refuses values that another one (`from`) may have, by the limit that a rule about `from` was
/// (`price.maximum`): by the same limit, or by one of the same kind. Where `reported` is said, what breaks the rule lands
/// in `from` all the same. A column that only warns refuses nothing.
pub fn refuses(from: ColumnOf<'_>, to: ColumnOf<'_>, rule: &str, reported: bool) -> bool {
    let Some(key) = rule.strip_prefix(from.column).and_then(|rest| rest.strip_prefix('.')) else {
        return false;
    };
    let (Some(from_path), Some(to_path)) = (path(from), path(to)) else {
        return false;
    };
    let Some((source, target)) = from_path.last().copied().zip(to_path.last().copied()) else {
        return false;
    };
    let without = reported.then(|| without(source, key));
    let source = without.as_ref().unwrap_or(source);
    let policies = |path: &[&Node]| {
        let all = path.iter().fold(Policies::default(), |policies, node| {
            policies.of(Some(node), Some(node))
        });
        all.new
    };
    // What `from` says of failures is what `reported` stands for.
    let at = At {
        dataset: Some(to.dataset.clone()),
        column: Some(to.column.to_owned()),
        policies: Policies {
            new: policies(&to_path),
            ..Policies::default()
        },
        ..At::default()
    };
    let files = (from.contract.source_path.as_path(), to.contract.source_path.as_path());
    let found = Walk::over_documents(
        (files.0, source),
        (files.1, target),
        |walk: &mut Walk, pair: Pair<'_>| {
            walk.value(pair, &at, &mut Vec::new());
        },
    );
    found.iter().any(|change| {
        let other = change
            .rule
            .as_deref()
            .and_then(|rule| rule.strip_prefix(to.column)?.strip_prefix('.'));
        change.class.breaks_writers() && other.is_some_and(|other| same_kind(key, other))
    })
}

/// Whether two limits are of one kind. The name of a type can limit lengths and numbers alike.
fn same_kind(one: &str, other: &str) -> bool {
    let kind = |key: &str| match key {
        "exclusiveMinimum" => "minimum".to_owned(),
        "exclusiveMaximum" => "maximum".to_owned(),
        key => key.to_owned(),
    };
    let (one, other) = (kind(one), kind(other));
    let by_type = |key: &str| {
        matches!(
            key,
            "physicalType" | "maxLength" | "minimum" | "maximum" | "format" | "enum"
        )
    };
    let named = one == "physicalType" || other == "physicalType";
    one == other || (named && by_type(&one) && by_type(&other))
}

/// The object and the values on the way to a column.
fn path(of: ColumnOf<'_>) -> Option<Vec<&Node>> {
    let objects = items(&of.contract.document, "schema").iter().zip(&of.contract.objects);
    let mut here = objects
        .filter(|(_, object)| object.dataset.as_ref() == Some(of.dataset))
        .map(|(node, _)| node)
        .next()?;
    let mut path = vec![here];
    for step in of.column.split('.') {
        let name = step.trim_end_matches("[]");
        let mut fields = items(here, "properties").iter();
        here = fields.find(|field| by_physical_name(field).is_some_and(|own| own == name))?;
        path.push(here);
        for _ in 0..(step.len() - name.len()) / 2 {
            here = here.get("items")?;
            path.push(here);
        }
    }
    Some(path)
}

/// A value without the limit that makes this rule.
fn without(value: &Node, rule: &str) -> Node {
    let option = id::option_of(rule);
    let mut value = value.clone();
    if let Value::Map(entries) = &mut value.value {
        entries.retain(|entry| entry.key != rule);
        for entry in entries {
            if entry.key == "logicalTypeOptions"
                && let Value::Map(options) = &mut entry.value.value
            {
                options.retain(|entry| Some(entry.key.as_str()) != option);
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use polder_core::document::Source;

    use super::*;
    use crate::parse;

    fn contract(dataset: &str, properties: &str) -> Contract {
        let text = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: {dataset}\nname: x\nversion: 1.0.0\nstatus: active\nschema:\n  - \
             name: rows\n    physicalName: {dataset}\n    properties:\n{properties}"
        );
        parse(&Source::new("contracts/s/x.odcs.yaml", text)).contract.unwrap()
    }

    fn of<'c>(contract: &'c Contract, column: &'c str) -> ColumnOf<'c> {
        ColumnOf {
            contract,
            dataset: contract.datasets().next().unwrap(),
            column,
        }
    }

    /// Whether `t` of one column refuses what `c` of another may be now.
    fn refused(from: &str, to: &str, rule: &str) -> bool {
        let from = contract("s.bronze.src", &format!("      - {{name: c, {from}}}\n"));
        let to = contract("s.silver.x", &format!("      - {{name: t, {to}}}\n"));
        refuses(of(&from, "c"), of(&to, "t"), rule, false)
    }

    #[test]
    fn a_tighter_limit_of_the_same_kind_refuses_and_no_other() {
        let listed = |words: &str| {
            let words: Vec<_> = words.split(' ').map(|word| format!("{{value: {word}}}")).collect();
            format!("logicalType: string, enum: [{}]", words.join(", "))
        };
        let number = |limit: &str| format!("logicalType: integer, logicalTypeOptions: {{{limit}}}");
        let text = |limit: &str| format!("logicalType: string, logicalTypeOptions: {{{limit}}}");
        for (from, to, rule, expected) in [
            (listed("x y z"), listed("x y"), "c.enum", true),
            (listed("x y z"), listed("z y x w"), "c.enum", false),
            (listed("x y z"), text(""), "c.enum", false),
            (number("maximum: 1000"), number("maximum: 100"), "c.maximum", true),
            (
                number("maximum: 1000"),
                number("exclusiveMaximum: 1001"),
                "c.maximum",
                false,
            ),
            (
                number("maximum: 1000"),
                number("exclusiveMaximum: 1000"),
                "c.maximum",
                true,
            ),
            // The other bound is as it was before.
            (
                number("maximum: 10"),
                number("maximum: 10, minimum: 5"),
                "c.maximum",
                false,
            ),
            (text("maxLength: 50"), text("maxLength: 5"), "c.maxLength", true),
            (
                text("maxLength: 50"),
                "logicalType: string, physicalType: varchar(5)".to_owned(),
                "c.maxLength",
                true,
            ),
            (
                "logicalType: string, physicalType: varchar(50)".to_owned(),
                "logicalType: string, physicalType: varchar(5)".to_owned(),
                "c.physicalType",
                true,
            ),
            (
                "logicalType: string".to_owned(),
                "logicalType: string, unique: true".to_owned(),
                "c.unique",
                true,
            ),
            (
                "logicalType: string".to_owned(),
                "logicalType: string, required: true".to_owned(),
                "c.required",
                true,
            ),
            (
                "logicalType: string".to_owned(),
                "logicalType: string, unique: true, customProperties: [{property: polder.onFailure, value: warn}]"
                    .to_owned(),
                "c.unique",
                false,
            ),
        ] {
            assert_eq!(refused(&from, &to, rule), expected, "{rule}: {from} → {to}");
        }
    }

    #[test]
    fn a_limit_that_only_reports_lets_everything_through() {
        let limited = "      - {name: c, logicalType: integer, logicalTypeOptions: {maximum: 100}}\n";
        let (from, to) = (contract("s.bronze.src", limited), contract("s.silver.x", limited));
        assert!(!refuses(of(&from, "c"), of(&to, "c"), "c.maximum", false));
        assert!(refuses(of(&from, "c"), of(&to, "c"), "c.maximum", true));
    }

    #[test]
    fn fields_that_must_be_there_are_no_value_that_must() {
        let object =
            |asks: &str| format!("logicalType: object, {asks}properties: [{{name: city, logicalType: string}}]");
        let fields = object("logicalTypeOptions: {required: [city]}, ");
        assert!(refused(&object(""), &fields, "c.requiredProperties"));
        assert!(!refused(
            &object(""),
            &object("required: true, "),
            "c.requiredProperties"
        ));
        assert!(!refused(&object(""), &fields, "c.required"));
    }

    #[test]
    fn values_inside_are_found_by_their_paths() {
        let lines = |most: u32| {
            format!(
                "      - name: lines\n        logicalType: array\n        items:\n          logicalType: object\n          \
                 properties:\n            - {{name: n, logicalType: integer, logicalTypeOptions: {{maximum: {most}}}}}\n"
            )
        };
        let (from, to) = (contract("s.bronze.src", &lines(9)), contract("s.silver.x", &lines(8)));
        let (from, to) = (of(&from, "lines[].n"), of(&to, "lines[].n"));
        assert!(refuses(from, to, "lines[].n.maximum", false));
        assert!(!refuses(to, from, "lines[].n.maximum", false));
    }
}

//! What service levels are measured on, however it comes to be another column or none.

use super::said;
use crate::Contract;
use crate::diff::{Bump, Reliance, compare};
use crate::tests::contract;

const GOLD: &str = r"apiVersion: v3.1.0
kind: DataContract
id: shop.gold.days
version: 1.0.0
status: active
schema:
  - name: days
    physicalName: shop.gold.days
    properties:
      - {name: day, logicalType: date, physicalType: date}
      - {id: c_seen, name: seen, logicalType: date, physicalType: date}
      - {id: c_at, name: at, physicalName: seen_at, logicalType: timestamp, physicalType: timestamp}
      - {name: orders, logicalType: integer, physicalType: bigint}
slaDefaultElement: days.seen
slaProperties:
  - {property: latency, value: 1, unit: d}
  - {property: frequency, value: 1, unit: d}
  - {property: endOfLife, value: '2099-01-01'}
";

fn with(edits: &[(&str, &str)]) -> Contract {
    let text = edits.iter().fold(GOLD.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "`{from}`");
        text.replacen(from, to, 1)
    });
    contract(&text)
}

/// What happens to the latency and to who relies on it, from one contract to the other.
fn latency(old: &Contract, new: &Contract) -> (Vec<&'static str>, bool) {
    let comparison = compare(old, new);
    let of = comparison.changes.iter();
    let of = of.filter(|change| change.rule.as_deref() == Some("latency"));
    let mut classes: Vec<_> = of.map(|change| change.class.as_str()).collect();
    classes.sort_unstable();
    let relies = Reliance {
        columns: Some(vec!["day".to_owned()]),
        guarantees: vec!["latency".to_owned()],
    };
    (
        classes,
        comparison.breaks(&relies).iter().any(|change| change.rule.is_some()),
    )
}

const LOWERED: &str = "service level lowered";
const RAISED: &str = "service level raised";

#[test]
fn who_relies_on_a_level_is_broken_when_it_is_measured_on_another_column() {
    let own = ("latency, value: 1", "latency, element: days.day, value: 1");
    let cases: [(&str, &[(&str, &str)]); 6] = [
        (
            "another default",
            &[("slaDefaultElement: days.seen", "slaDefaultElement: days.day")],
        ),
        ("no default", &[("slaDefaultElement: days.seen\n", "")]),
        ("an element of its own", &[own]),
        (
            "one more column",
            &[(
                "slaDefaultElement: days.seen",
                "slaDefaultElement: 'days.seen, days.day'",
            )],
        ),
        (
            "another column under the old name",
            &[
                ("id: c_seen, name: seen", "id: c_seen, name: saw"),
                ("id: c_at, name: at, physicalName: seen_at", "id: c_at, name: seen"),
            ],
        ),
        (
            "instants instead of days",
            &[(
                "name: seen, logicalType: date, physicalType: date",
                "name: seen, logicalType: timestamp, physicalType: timestamp",
            )],
        ),
    ];
    for (case, edits) in cases {
        let new = with(edits);
        assert_eq!(latency(&with(&[]), &new), (vec![LOWERED, RAISED], true), "{case}");
        assert_eq!(latency(&new, &with(&[])), (vec![LOWERED, RAISED], true), "{case}, back");
    }
}

#[test]
fn who_relies_on_a_level_is_broken_when_it_is_not_measured_any_more() {
    type Edits<'t> = &'t [(&'t str, &'t str)];
    let cases: [(&str, Edits<'_>, &str); 6] = [
        (
            "its column went",
            &[(
                "      - {id: c_seen, name: seen, logicalType: date, physicalType: date}\n",
                "",
            )],
            "the schema has no element `days.seen`",
        ),
        (
            "its column has another name",
            &[("id: c_seen, name: seen", "id: c_seen, name: saw")],
            "the schema has no element `days.seen`",
        ),
        (
            "its column has another name in the contract alone",
            &[(
                "id: c_seen, name: seen",
                "id: c_seen, name: saw, physicalName: was_seen",
            )],
            "the schema has no element `days.seen`",
        ),
        (
            "its column is text",
            &[(
                "name: seen, logicalType: date, physicalType: date",
                "name: seen, logicalType: string, physicalType: string",
            )],
            "`seen` has no dates or timestamps",
        ),
        (
            "its object has another name in the contract",
            &[("  - name: days\n", "  - name: by_day\n")],
            "the schema has no element `days.seen`",
        ),
        (
            "the default names nothing",
            &[("slaDefaultElement: days.seen", "slaDefaultElement: days.sene")],
            "the schema has no element `days.sene`",
        ),
    ];
    for (case, edits, why) in cases {
        let (old, new) = (with(&[]), with(edits));
        assert_eq!(latency(&old, &new), (vec![LOWERED], true), "{case}");
        assert_eq!(latency(&new, &old), (vec![RAISED], false), "{case}, back");
        let comparison = compare(&old, &new);
        let told = comparison
            .changes
            .iter()
            .find(|change| change.rule.as_deref() == Some("latency"));
        let told = told.unwrap();
        assert_eq!(
            told.what,
            format!("the service level `latency` is measured on `days.seen` no longer: {why}")
        );
        assert_eq!(told.dataset.as_ref().unwrap().to_string(), "shop.gold.days");
        assert!(comparison.required_bump() >= Bump::Minor, "{case}");
    }
}

#[test]
fn the_same_column_by_other_words_is_words() {
    let named = |name: &str| format!("slaDefaultElement: {name}");
    let default = "slaDefaultElement: days.seen";
    for other in ["shop.gold.days.seen", "seen", "' days.seen '"] {
        let new = with(&[(default, &named(other))]);
        let words = ["documentation-changed documentation | - -"];
        assert_eq!(said(&compare(&with(&[]), &new)), words, "{other}");
        assert_eq!(said(&compare(&new, &with(&[]))), words, "{other}, back");
    }
    // The contract's and the table's name of the column.
    let (at, seen_at) = (
        with(&[(default, &named("days.at"))]),
        with(&[(default, &named("days.seen_at"))]),
    );
    assert_eq!(latency(&at, &seen_at), (vec![], false));
    // The default written out at each level.
    let own = with(&[
        ("latency, value", "latency, element: seen, value"),
        ("frequency, value", "frequency, element: days.seen, value"),
    ]);
    let of_both = [
        "documentation-changed documentation | - latency",
        "documentation-changed documentation | - frequency",
    ];
    assert_eq!(said(&compare(&with(&[]), &own)), of_both);
    assert_eq!(said(&compare(&own, &with(&[]))), of_both);
    // Nothing is left for the default to say, but the end of life: which never was about a column.
    let without = with(&[
        ("latency, value", "latency, element: seen, value"),
        ("frequency, value", "frequency, element: days.seen, value"),
        ("slaDefaultElement: days.seen\n", ""),
    ]);
    assert_eq!(
        said(&compare(&own, &without)),
        ["documentation-changed documentation | - -"]
    );
    // The name goes along with the column and with the object.
    let renamed = with(&[
        ("id: c_seen, name: seen", "id: c_seen, name: saw"),
        (default, &named("days.saw")),
    ]);
    assert_eq!(latency(&with(&[]), &renamed), (vec![], false));
    let renamed = with(&[
        ("  - name: days\n", "  - name: by_day\n"),
        (default, &named("by_day.seen")),
    ]);
    assert_eq!(latency(&with(&[]), &renamed), (vec![], false));
    // Of what is no age only the column counts.
    let instants = "name: seen, logicalType: timestamp, physicalType: timestamp";
    let new = with(&[("name: seen, logicalType: date, physicalType: date", instants)]);
    assert!(
        compare(&with(&[]), &new)
            .changes
            .iter()
            .all(|change| change.rule.as_deref() != Some("frequency")),
        "{:?}",
        said(&compare(&with(&[]), &new))
    );
}

const TWO: &str = r"apiVersion: v3.1.0
kind: DataContract
id: shop.gold.two
version: 1.0.0
status: active
schema:
  - name: one
    physicalName: shop.gold.one
    properties: [{name: at, logicalType: timestamp}]
  - name: two
    physicalName: shop.gold.two
    properties: [{name: at, logicalType: timestamp}]
slaProperties:
  - {property: latency, value: 1, unit: d, element: one.at}
  - {property: endOfLife, value: '2099-01-01', element: one}
";

#[test]
fn a_level_that_goes_from_one_object_to_another_is_lowered_of_the_one_and_raised_of_the_other() {
    let (one, two) = (
        contract(TWO),
        contract(&TWO.replace("element: one.at", "element: two.at")),
    );
    let told = |old: &Contract, new: &Contract| -> Vec<(String, &'static str)> {
        let changes = compare(old, new).changes.into_iter();
        changes
            .map(|change| (change.dataset.unwrap().to_string(), change.class.as_str()))
            .collect()
    };
    let of = |one: &'static str, two: &'static str| {
        [("shop.gold.one".to_owned(), one), ("shop.gold.two".to_owned(), two)].to_vec()
    };
    assert_eq!(told(&one, &two), of(LOWERED, RAISED));
    assert_eq!(told(&two, &one), of(RAISED, LOWERED));
    let other_end = contract(&TWO.replace("element: one}", "element: two}"));
    // An end is less where it comes, and more where it goes.
    assert_eq!(told(&one, &other_end), of(RAISED, LOWERED));
}

#[test]
fn the_name_of_a_column_alone_is_enough_while_there_is_one_object() {
    let bare = with(&[("slaDefaultElement: days.seen", "slaDefaultElement: seen")]);
    let second = contract(&bare.text.replacen(
        "slaDefaultElement",
        "  - {name: more, physicalName: shop.gold.more, properties: [{name: day, logicalType: date}]}\nslaDefaultElement",
        1,
    ));
    assert_eq!(latency(&bare, &second), (vec![LOWERED], true));
}

#[test]
fn where_nothing_is_known_of_the_objects_the_words_count() {
    let of = |element: &str| {
        contract(&format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: active\nslaDefaultElement: {element}\n\
             slaProperties:\n  - {{property: latency, value: 1, unit: d}}\n"
        ))
    };
    assert_eq!(latency(&of("a.b"), &of("a.c")), (vec![LOWERED, RAISED], true));
    assert_eq!(latency(&of("a.b"), &of("a.b")), (vec![], false));
}

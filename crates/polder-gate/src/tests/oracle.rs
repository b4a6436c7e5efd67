//! The gate against a naive reading of the same rules, row by row over JSON.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{gate, inside::rows};
use crate::Gate;

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    gate(&[
        "{name: n, logicalType: integer, required: true, logicalTypeOptions: {minimum: -2, exclusiveMaximum: 5, multipleOf: 2}}",
        "{name: small, logicalType: integer, physicalType: bigint, logicalTypeOptions: {format: i8}, enum: [{value: 1}, {value: 200}, {value: -1}]}",
        "{name: code, logicalType: string, logicalTypeOptions: {minLength: 2, maxLength: 3, pattern: '^[ab]', format: ipv4}}",
        "{name: label, logicalType: string, quality: [{id: labelled, metric: missingValues, mustBe: 0, arguments: {missingValues: ['', ab]}}, \
         {id: valid, metric: invalidValues, mustBe: 0, arguments: {validValues: [ab, bb, a], pattern: '^.b$'}}]}",
        "{name: amount, logicalType: number, physicalType: 'decimal(9,2)', logicalTypeOptions: {exclusiveMinimum: -0.5, maximum: 1.25, multipleOf: 0.25}}",
        "{name: ratio, logicalType: number, logicalTypeOptions: {minimum: 0, exclusiveMaximum: 1}}",
        "{name: day, logicalType: date, logicalTypeOptions: {minimum: '2026-01-02', maximum: '2026-01-03'}}",
        "{name: at, logicalType: timestamp, logicalTypeOptions: {exclusiveMinimum: '2026-01-02T00:00:00Z'}}",
        "{name: flag, logicalType: boolean, enum: [{value: true}]}",
        "{name: tags, logicalType: array, logicalTypeOptions: {minItems: 1, maxItems: 2, uniqueItems: true}, \
         items: {logicalType: string, required: true, logicalTypeOptions: {minLength: 2}}}",
        "{name: o, logicalType: object, logicalTypeOptions: {minProperties: 2, maxProperties: 2, required: [x]}, properties: [\
         {name: x, logicalType: integer, logicalTypeOptions: {minimum: 0}}, {name: y, logicalType: string, required: true, enum: [{value: ab}]}, \
         {name: z, logicalType: object, properties: [{name: v, logicalType: integer, required: true, logicalTypeOptions: {maximum: 3}}]}]}",
        "{name: l, logicalType: array, items: {logicalType: array, logicalTypeOptions: {maxItems: 1}, items: {logicalType: object, properties: [\
         {name: p, logicalType: integer, required: true, logicalTypeOptions: {minimum: 0}}, \
         {name: m, logicalType: map, map: {key: {logicalType: string, logicalTypeOptions: {pattern: '^a'}}, \
         value: {logicalType: integer, required: true, logicalTypeOptions: {minimum: 0}}}}]}}}",
        "{name: k, logicalType: integer, quality: [{id: order, type: custom, engine: polder, implementation: {row: \"n <= k OR flag\"}}, \
         {id: share, type: custom, engine: polder, implementation: {row: \"100 / k <> 50\"}}]}",
    ])
});

/// Values at the end of a path, `*` being each item, `#` each key and `=` each value; a missing field is a null.
fn at(value: &Value, path: &[&str], found: &mut Vec<Value>) {
    let Some((step, rest)) = path.split_first() else {
        found.push(value.clone());
        return;
    };
    match (*step, value) {
        (_, Value::Null) => {}
        ("*", Value::Array(items)) => items.iter().for_each(|item| at(item, rest, found)),
        ("#", Value::Object(map)) => found.extend(map.keys().map(|key| json!(key))),
        ("=", Value::Object(map)) => map.values().for_each(|value| at(value, rest, found)),
        (name, Value::Object(map)) => at(map.get(name).unwrap_or(&Value::Null), rest, found),
        other => panic!("{other:?}"),
    }
}

type Keeps = fn(&Value) -> bool;

fn whole(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn cents(value: &Value) -> i64 {
    let digits = text(value).replace('.', "");
    digits.parse().unwrap()
}

fn there(value: &Value) -> usize {
    value
        .as_object()
        .unwrap()
        .values()
        .filter(|value| !value.is_null())
        .count()
}

fn differ(value: &Value) -> bool {
    let items = value.as_array().unwrap();
    let distinct: BTreeSet<_> = items.iter().map(ToString::to_string).collect();
    distinct.len() == items.len()
}

/// Each rule with its path and what a value that is not null keeps.
const RULES: &[(&str, &[&str], Keeps)] = &[
    ("n.minimum", &["n"], |v| whole(v) > -3),
    ("n.exclusiveMaximum", &["n"], |v| whole(v) < 5),
    ("n.multipleOf", &["n"], |v| whole(v).rem_euclid(2) == 0),
    ("small.format", &["small"], |v| i8::try_from(whole(v)).is_ok()),
    ("small.enum", &["small"], |v| [1, 200, -1].contains(&whole(v))),
    ("code.minLength", &["code"], |v| text(v).chars().count() >= 2),
    ("code.maxLength", &["code"], |v| text(v).chars().count() <= 3),
    ("code.pattern", &["code"], |v| text(v).starts_with(['a', 'b'])),
    ("code.format", &["code"], |v| {
        text(v).parse::<std::net::Ipv4Addr>().is_ok()
    }),
    ("labelled", &["label"], |v| !["", "ab"].contains(&text(v))),
    ("valid", &["label"], |v| ["ab", "bb"].contains(&text(v))),
    ("amount.exclusiveMinimum", &["amount"], |v| cents(v) > -50),
    ("amount.maximum", &["amount"], |v| cents(v) <= 125),
    ("amount.multipleOf", &["amount"], |v| cents(v) % 25 == 0),
    ("ratio.minimum", &["ratio"], |v| v.as_f64().unwrap() >= 0.0),
    ("ratio.exclusiveMaximum", &["ratio"], |v| v.as_f64().unwrap() < 1.0),
    ("day.minimum", &["day"], |v| text(v) >= "2026-01-02"),
    ("day.maximum", &["day"], |v| text(v) <= "2026-01-03"),
    ("at.exclusiveMinimum", &["at"], |v| text(v) > "2026-01-02T00:00:00Z"),
    ("flag.enum", &["flag"], |v| v == &json!(true)),
    ("tags.minItems", &["tags"], |v| !v.as_array().unwrap().is_empty()),
    ("tags.maxItems", &["tags"], |v| v.as_array().unwrap().len() < 3),
    ("tags.uniqueItems", &["tags"], differ),
    ("tags[].minLength", &["tags", "*"], |v| text(v).chars().count() >= 2),
    ("o.minProperties", &["o"], |v| there(v) >= 2),
    ("o.maxProperties", &["o"], |v| there(v) <= 2),
    ("o.requiredProperties", &["o"], |v| {
        v.get("x").is_some_and(|x| !x.is_null())
    }),
    ("o.x.minimum", &["o", "x"], |v| whole(v) >= 0),
    ("o.y.enum", &["o", "y"], |v| text(v) == "ab"),
    ("o.z.v.maximum", &["o", "z", "v"], |v| whole(v) <= 3),
    ("l[].maxItems", &["l", "*"], |v| v.as_array().unwrap().len() <= 1),
    ("l[][].p.minimum", &["l", "*", "*", "p"], |v| whole(v) >= 0),
    ("l[][].m.key.pattern", &["l", "*", "*", "m", "#"], |v| {
        text(v).starts_with('a')
    }),
    ("l[][].m.value.minimum", &["l", "*", "*", "m", "="], |v| whole(v) >= 0),
];

/// Each value that must not be null.
const REQUIRED: &[(&str, &[&str])] = &[
    ("n.required", &["n"]),
    ("labelled", &["label"]),
    ("tags[].required", &["tags", "*"]),
    ("o.y.required", &["o", "y"]),
    ("o.z.v.required", &["o", "z", "v"]),
    ("l[][].p.required", &["l", "*", "*", "p"]),
    ("l[][].m.value.required", &["l", "*", "*", "m", "="]),
];

fn expected(row: &Value) -> BTreeSet<String> {
    let mut broken = BTreeSet::new();
    for (rule, path, keeps) in RULES {
        let mut values = Vec::new();
        at(row, path, &mut values);
        if values.iter().any(|value| !value.is_null() && !keeps(value)) {
            broken.insert((*rule).to_owned());
        }
    }
    for (rule, path) in REQUIRED {
        let mut values = Vec::new();
        at(row, path, &mut values);
        if values.iter().any(Value::is_null) {
            broken.insert((*rule).to_owned());
        }
    }
    // SQL's three truth values, by hand.
    let number = |name: &str| row.get(name).and_then(Value::as_i64);
    let ordered = number("n").zip(number("k")).map(|(n, k)| n <= k);
    let flag = row.get("flag").and_then(Value::as_bool);
    if ordered == Some(false) && flag == Some(false) {
        broken.insert("order".to_owned());
    }
    match number("k") {
        Some(0) => _ = broken.insert("share".to_owned()),
        Some(k) if 100 / k == 50 => _ = broken.insert("share".to_owned()),
        _ => {}
    }
    broken
}

fn maybe(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![1 => Just(Value::Null), 6 => value].boxed()
}

fn number(range: std::ops::Range<i64>) -> BoxedStrategy<Value> {
    maybe(range.prop_map(|number| json!(number)))
}

fn word() -> BoxedStrategy<Value> {
    let words = ["", "a", "ab", "bb", "xb", "aéb", "abcd", "1.2.3.4", "ä"];
    maybe(proptest::sample::select(words.to_vec()).prop_map(|word| json!(word)))
}

fn list(items: BoxedStrategy<Value>, most: usize) -> BoxedStrategy<Value> {
    maybe(proptest::collection::vec(items, 0..=most).prop_map(Value::Array))
}

fn object(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    values
        .prop_map(move |values| {
            // A null may be written or left out: it is the same.
            let pairs = names.iter().zip(values).enumerate();
            let kept = pairs.filter(|(index, (_, value))| index % 2 == 0 || !value.is_null());
            Value::Object(kept.map(|(_, (name, value))| ((*name).to_owned(), value)).collect())
        })
        .boxed()
}

fn map() -> BoxedStrategy<Value> {
    let entry = (proptest::sample::select(vec!["a", "b", "ab"]), number(-1..3));
    maybe(proptest::collection::vec(entry, 0..3).prop_map(|entries| {
        Value::Object(
            entries
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }))
}

fn row() -> BoxedStrategy<Value> {
    let amount = (-80i64..160).prop_map(|cents| {
        let sign = if cents < 0 { "-" } else { "" };
        json!(format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100))
    });
    let ratio = proptest::sample::select(vec![-0.1, 0.0, 0.5, 1.0, 1.5]).prop_map(|ratio| json!(ratio));
    let day = (1u32..5).prop_map(|day| json!(format!("2026-01-{day:02}")));
    let at = (1u32..4, 0u32..2).prop_map(|(day, second)| json!(format!("2026-01-{day:02}T00:00:{second:02}Z")));
    let inner = object(vec![("p", number(-1..3)), ("m", map())]);
    let z = maybe(object(vec![("v", number(2..5))]));
    let o = maybe(object(vec![("x", number(-1..2)), ("y", word()), ("z", z)]));
    object(vec![
        ("n", number(-4..7)),
        (
            "small",
            maybe(proptest::sample::select(vec![1, 2, -1, 200]).prop_map(|value| json!(value))),
        ),
        ("code", word()),
        ("label", word()),
        ("amount", maybe(amount)),
        ("ratio", maybe(ratio)),
        ("day", maybe(day)),
        ("at", maybe(at)),
        ("flag", maybe(any::<bool>().prop_map(|flag| json!(flag)))),
        ("tags", list(word(), 4)),
        ("o", o),
        ("l", list(list(maybe(inner), 2), 3)),
        ("k", number(-3..4)),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_row_breaks_the_rules_that_a_naive_reading_says(
        list in proptest::collection::vec(row(), 1..40),
        cuts in proptest::collection::vec(1usize..40, 0..4),
    ) {
        let wanted: Vec<_> = list.iter().map(expected).collect();
        let batch = rows(&GATE, &list);
        let mut starts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < list.len()).chain([0, list.len()]).collect();
        starts.sort_unstable();
        starts.dedup();
        let mut found = vec![BTreeSet::new(); list.len()];
        for part in starts.windows(2) {
            let verdict = GATE.check(&batch.slice(part[0], part[1] - part[0])).unwrap();
            for violation in &verdict.violations {
                let fresh = found[part[0] + violation.row].insert(violation.rule.to_string());
                prop_assert!(fresh, "{} twice", violation.rule);
            }
            for (row, accepted) in verdict.accepted.iter().enumerate() {
                prop_assert_eq!(accepted, Some(found[part[0] + row].is_empty()));
            }
        }
        prop_assert_eq!(found, wanted);
    }
}

#[test]
fn the_naive_reading_knows_every_rule_of_the_gate() {
    let known: BTreeSet<_> = RULES
        .iter()
        .map(|(rule, ..)| *rule)
        .chain(REQUIRED.iter().map(|(rule, _)| *rule))
        .chain(["order", "share"])
        .collect();
    let own: BTreeSet<_> = GATE.rules().iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(own, known);
}

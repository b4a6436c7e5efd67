use polder_core::document::Source;

use super::*;
use crate::parse;

fn kept_of(dataset: &str, properties: &str) -> Guarantees {
    let text = format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: {dataset}\nname: x\nversion: 1.0.0\nstatus: active\nschema:\n  - \
         name: rows\n    physicalName: {dataset}\n    properties: [{properties}]\n"
    );
    let contract = parse(&Source::new("contracts/s/x.odcs.yaml", text)).contract.unwrap();
    Guarantees::of(&contract, contract.datasets().next().unwrap()).unwrap()
}

/// Whether values of one column keep all that another one asks, at the paths inside of them.
fn kept(from: &str, to: &str, inside: &str) -> Kept {
    let from = kept_of("s.bronze.src", &format!("{{name: c, {from}}}"));
    let to = kept_of("s.silver.x", &format!("{{name: t, {to}}}"));
    let (there, here) = (format!("c{inside}"), format!("t{inside}"));
    let kept = to
        .about(&here)
        .map(|rule| match refuses_null(rule) && !from.require(&there) {
            true => Kept::Not,
            false => from.keep(&there, rule, &to),
        });
    kept.min().unwrap_or(Kept::Surely)
}

fn text(more: &str) -> String {
    format!("logicalType: string, physicalType: string{more}")
}

fn options(of_type: &str, options: &str) -> String {
    format!("logicalType: {of_type}, logicalTypeOptions: {{{options}}}")
}

fn pattern(pattern: &str) -> String {
    options("string", &format!("pattern: '{pattern}'"))
}

fn rule(metric: &str, arguments: &str) -> String {
    text(&format!(
        ", quality: [{{id: ok, type: library, metric: {metric}, arguments: {{{arguments}}}, mustBe: 0}}]"
    ))
}

fn listed(values: &str) -> String {
    let values: Vec<_> = values.split(' ').map(|value| format!("{{value: {value}}}")).collect();
    text(&format!(", enum: [{}]", values.join(", ")))
}

const WARNS: &str = ", customProperties: [{property: polder.onFailure, value: warn}]";

#[test]
fn texts_are_kept_in_whatever_words_either_side_limits_them() {
    let valid = |values: &str| rule("invalidValues", &format!("validValues: [{values}]"));
    let matching = |pattern: &str| rule("invalidValues", &format!("pattern: '{pattern}'"));
    let missing = |values: &str| rule("missingValues", &format!("missingValues: [{values}]"));
    let (surely, not, unsure) = (Kept::Surely, Kept::Not, Kept::Unsure);
    for (from, to, expected) in [
        (listed("a b"), listed("b a c"), surely),
        (listed("a b c"), listed("a b"), not),
        (listed("a b"), valid("a, b"), surely),
        (listed("a b c"), valid("a, b"), not),
        (valid("a, b, c"), listed("a b"), not),
        (text(""), listed("a b"), not),
        (options("string", "maxLength: 5"), valid("a, b"), not),
        (listed("a b"), pattern("^[ab]$"), surely),
        (listed("a c"), matching("^[ab]$"), not),
        (pattern("^[ab]$"), matching("^[ab]$"), surely),
        (pattern("^[abc]$"), matching("^[ab]$"), not),
        (matching("^[ab]$"), pattern("^[abc]$"), surely),
        (matching("^[ab]$"), valid("a, b"), surely),
        (matching("^[ab]$"), valid("a"), not),
        (text(""), pattern("^[ab]$"), not),
        // Whether there is a text of the one that is none of the other is not worked out.
        (pattern("^x[a-z]*$"), pattern("^x[a-z]*?$"), unsure),
        (pattern("^x[a-z]*$"), pattern("^x[a-y]+$"), not),
        (pattern("[a-z]+"), options("string", "maxLength: 1000"), not),
        (pattern("[a-z]+"), options("string", "maxLength: 2"), not),
        (pattern("c$"), options("string", "maxLength: 2"), not),
        (pattern("^[a-z]{1,9}$"), options("string", "maxLength: 9"), surely),
        (pattern("^[a-z]{1,9}$"), options("string", "minLength: 1"), surely),
        (pattern("^[a-z]{1,9}$"), options("string", "minLength: 2"), not),
        (options("string", "maxLength: 1"), pattern("^[^b]*$"), not),
        (
            options("string", "format: uuid"),
            options("string", "maxLength: 36"),
            unsure,
        ),
        (
            options("string", "format: uuid"),
            options("string", "format: uuid"),
            surely,
        ),
        (text(""), options("string", "format: uuid"), not),
        // A limit of lengths beside a pattern or a format that has none of its own.
        (
            options("string", "pattern: '^[a-z.]+@[a-z.]+$', maxLength: 20"),
            options("string", "pattern: '^[a-z.]+@[a-z.]+$', maxLength: 10"),
            not,
        ),
        (
            options("string", "pattern: '^[a-z.]+@[a-z.]+$', maxLength: 10"),
            options("string", "maxLength: 20"),
            surely,
        ),
        (
            options("string", r"pattern: '^\p{L}+ \p{L}+$', maxLength: 2000"),
            options("string", "maxLength: 1999"),
            not,
        ),
        (
            options("string", "pattern: '^[A-Z]{2}[0-9]{1,8}$', maxLength: 20"),
            options("string", "maxLength: 10"),
            surely,
        ),
        (
            options("string", "pattern: '^[A-Z]{2}[0-9]{1,8}$', minLength: 5"),
            options("string", "minLength: 6"),
            not,
        ),
        (
            options("string", "format: email, maxLength: 20"),
            options("string", "maxLength: 10"),
            not,
        ),
        (
            options("string", "format: email, minLength: 5"),
            options("string", "minLength: 6"),
            not,
        ),
        (
            options("string", "format: date, maxLength: 20"),
            options("string", "maxLength: 10"),
            unsure,
        ),
        (
            options("string", "format: email, pattern: '^[a-z]+@x[.]org$', maxLength: 20"),
            options("string", "maxLength: 10"),
            not,
        ),
        (listed("a bb"), options("string", "maxLength: 2"), surely),
        (listed("a bbb"), options("string", "maxLength: 2"), not),
        (
            options("string", "maxLength: 5"),
            options("string", "maxLength: 50"),
            surely,
        ),
        (
            options("string", "maxLength: 50"),
            "logicalType: string, physicalType: varchar(5)".to_owned(),
            not,
        ),
        (
            "logicalType: string, physicalType: varchar(5)".to_owned(),
            options("string", "maxLength: 5"),
            surely,
        ),
        (
            options("string", "minLength: 2"),
            options("string", "minLength: 3"),
            not,
        ),
        (text(", required: true"), rule("nullValues", ""), surely),
        (rule("nullValues", ""), text(", required: true"), surely),
        (text(""), rule("nullValues", ""), not),
        (text(", required: true"), missing("n/a"), not),
        (missing("n/a, x"), missing("n/a"), surely),
        (missing("n/a"), text(", required: true"), surely),
        (format!("{}, required: true", listed("a b")), missing("n/a"), surely),
        (
            format!("{}, required: true", pattern("^[a-z]+$")),
            missing("n/a"),
            surely,
        ),
        // What counts as missing is none of the values.
        (missing("''"), options("string", "minLength: 1"), surely),
        (missing("''"), options("string", "minLength: 2"), not),
        (missing("n/a"), options("string", "minLength: 1"), not),
        (missing("''"), options("string", "maxLength: 1000"), not),
        (missing("''"), pattern("^[ab]$"), not),
        // What only warns keeps nothing, and asks nothing.
        (format!("{}{WARNS}", listed("a b")), listed("a b"), not),
        (listed("a b c"), format!("{}{WARNS}", listed("a b")), surely),
    ] {
        assert_eq!(kept(&from, &to, ""), expected, "{from} → {to}");
    }
}

#[test]
fn numbers_and_moments_are_kept_in_the_range_that_type_width_and_bounds_make() {
    let whole = |more: &str| format!("logicalType: integer{more}");
    let bounded = |bounds: &str| options("integer", bounds);
    let day = |bounds: &str| options("date", bounds);
    let moment = |bounds: &str| options("timestamp", bounds);
    let without = |bounds: &str, missing: &str| {
        format!(
            "{}, quality: [{{id: ok, type: library, metric: missingValues, arguments: {{missingValues: [{missing}]}}, mustBe: 0}}]",
            options("integer", bounds)
        )
    };
    let smallint = whole(", physicalType: smallint");
    let bigint = whole(", physicalType: bigint");
    let (surely, not) = (Kept::Surely, Kept::Not);
    for (from, to, expected) in [
        (bounded("maximum: 1000"), bounded("maximum: 100"), not),
        (bounded("maximum: 1000"), bounded("exclusiveMaximum: 1001"), surely),
        (bounded("maximum: 1000"), bounded("exclusiveMaximum: 1000"), not),
        (bounded("minimum: 0, maximum: 300"), bounded("format: u8"), not),
        (bounded("minimum: 0, maximum: 255"), bounded("format: u8"), surely),
        (bounded("format: i16"), bounded("maximum: 9999"), not),
        (bounded("format: i16"), smallint.clone(), surely),
        (bounded("format: i16"), bounded("maximum: 40000"), surely),
        (whole(""), smallint.clone(), not),
        (smallint.clone(), bounded("minimum: -40000"), surely),
        // What a type holds anyway is no limit of it.
        (whole(""), bounded("maximum: 2147483647"), surely),
        (bigint.clone(), bounded("maximum: 2147483647"), surely),
        (bigint.clone(), bounded("maximum: 2147483646"), not),
        (
            bounded("format: u32"),
            bounded("format: i64, maximum: 4294967295"),
            surely,
        ),
        (bigint.clone(), bounded("format: i64, maximum: 4294967295"), not),
        (
            bounded("minimum: 1, maximum: 3"),
            format!("{bigint}, enum: [{{value: 1}}, {{value: 2}}, {{value: 3}}]"),
            surely,
        ),
        (
            bounded("minimum: 1, maximum: 4"),
            format!("{bigint}, enum: [{{value: 1}}, {{value: 2}}, {{value: 3}}]"),
            not,
        ),
        (
            bounded("minimum: 1"),
            format!("{bigint}, enum: [{{value: 1}}, {{value: 2}}]"),
            not,
        ),
        (
            format!("{bigint}, enum: [{{value: 1}}, {{value: 20}}]"),
            bounded("maximum: 20"),
            surely,
        ),
        (
            format!("{bigint}, enum: [{{value: 1}}, {{value: 21}}]"),
            bounded("maximum: 20"),
            not,
        ),
        // What counts as missing is none of the values: whole numbers go on beside it.
        (without("minimum: 0", "0"), bounded("minimum: 1"), surely),
        (without("minimum: 0", "2, 1, 0"), bounded("minimum: 3"), surely),
        (without("minimum: 0", "1"), bounded("minimum: 1"), not),
        (without("minimum: 0", "0"), bounded("minimum: 2"), not),
        (without("maximum: 9", "9.0"), bounded("maximum: 8"), surely),
        (without("maximum: 9", "8.5"), bounded("maximum: 8"), not),
        (bounded("multipleOf: 4"), bounded("multipleOf: 2"), surely),
        (bounded("multipleOf: 2"), bounded("multipleOf: 4"), not),
        (whole(""), bounded("multipleOf: 1"), surely),
        (
            day("maximum: '2026-12-31'"),
            day("exclusiveMaximum: '2027-01-01'"),
            surely,
        ),
        // A day is its first moment.
        (
            day("maximum: '2026-12-31'"),
            moment("maximum: '2026-12-31T00:00:00Z'"),
            surely,
        ),
        (
            day("maximum: '2026-12-31'"),
            moment("exclusiveMaximum: '2026-12-31T00:00:00Z'"),
            not,
        ),
        (whole(""), format!("{}{WARNS}", bounded("maximum: 5")), surely),
        (format!("{}{WARNS}", bounded("maximum: 5")), bounded("maximum: 5"), not),
    ] {
        assert_eq!(kept(&from, &to, ""), expected, "{from} → {to}");
    }
}

#[test]
fn each_end_of_a_width_is_kept_by_itself() {
    let from = kept_of(
        "s.bronze.src",
        "{name: c, logicalType: integer, logicalTypeOptions: {maximum: 255}}",
    );
    let to = kept_of(
        "s.silver.x",
        "{name: t, logicalType: integer, logicalTypeOptions: {format: u8}}",
    );
    let rule = to.about("t").next().unwrap();
    assert_eq!(from.keep_each("c", rule, &to), [Kept::Not, Kept::Surely]);
}

#[test]
fn values_inside_are_kept_by_their_paths() {
    let number = |limit: &str| options("integer", limit);
    let list = |limit: &str| format!("logicalType: array, items: {{{}}}", number(limit));
    let lines = |limit: &str| {
        format!(
            "logicalType: array, items: {{logicalType: object, properties: [{{name: n, {}}}]}}",
            number(limit)
        )
    };
    let map = |key: &str, value: &str| {
        let key = options("string", key);
        format!("logicalType: map, map: {{key: {{{key}}}, value: {{{value}}}}}")
    };
    let object = |asks: &str, field: &str| {
        format!("logicalType: object, {asks}properties: [{{name: city, logicalType: string{field}}}]")
    };
    let items = |most: u32| format!("{}, logicalTypeOptions: {{maxItems: {most}}}", list(""));
    let required = format!("{}, required: true", number(""));
    let fields = "logicalTypeOptions: {required: [city]}, ";
    let (surely, not) = (Kept::Surely, Kept::Not);
    for (from, to, inside, expected) in [
        (list("maximum: 9"), list("maximum: 8"), "[]", not),
        (list("maximum: 8"), list("maximum: 9"), "[]", surely),
        (lines("maximum: 9"), lines("maximum: 8"), "[].n", not),
        (
            map("", &number("maximum: 9")),
            map("", &number("maximum: 8")),
            ".value",
            not,
        ),
        (
            map("", &number("maximum: 8")),
            map("", &number("maximum: 9")),
            ".value",
            surely,
        ),
        (
            map("maxLength: 3", &number("")),
            map("maxLength: 1", &number("")),
            ".key",
            not,
        ),
        (
            map("maxLength: 1", &number("")),
            map("maxLength: 3", &number("")),
            ".key",
            surely,
        ),
        (map("", &number("")), map("", &required), ".value", not),
        (map("", &required), map("", &required), ".value", surely),
        (items(3), items(1), "", not),
        (items(1), items(3), "", surely),
        (object("", ""), object(fields, ""), "", not),
        (object("", ", required: true"), object(fields, ""), "", surely),
        (object(fields, ""), object("", ", required: true"), ".city", not),
        (object("", ""), object("required: true, ", ""), "", not),
    ] {
        assert_eq!(kept(&from, &to, inside), expected, "{inside}: {from} → {to}");
    }
}

#[test]
fn a_row_has_a_value_where_all_around_it_have_one() {
    let text = |asks: &str| format!("logicalType: string{asks}");
    let yes = ", required: true";
    let object =
        |asks: &str, field: &str| format!("{{name: o, logicalType: object{asks}, properties: [{{name: x, {field}}}]}}");
    let map = format!(
        "{{name: m, logicalType: map{yes}, map: {{key: {{{}}}, value: {{{}}}}}}}",
        text(""),
        text(yes)
    );
    for (properties, path, has, requires) in [
        (object(yes, &text(yes)), "o.x", true, true),
        (object("", &text(yes)), "o.x", false, true),
        (object(yes, &text("")), "o.x", false, false),
        (map.clone(), "m.value", false, true),
        (map.clone(), "m.key", false, true),
        (map, "m", true, true),
    ] {
        let kept = kept_of("s.silver.x", &properties);
        assert_eq!(
            (kept.have_value(path), kept.require(path)),
            (has, requires),
            "{path}: {properties}"
        );
    }
}

#[test]
fn rows_are_told_apart_by_keys_of_any_words_and_by_fewer_columns_too() {
    let column = |name: &str, more: &str| format!("{{name: {name}, logicalType: string{more}}}");
    let both = |one: &str, other: &str| format!("{}, {}", column("a", one), column("b", other));
    let doubles = |more: &str| format!(", quality: [{{id: d, type: library, metric: duplicateValues, {more}}}]");
    let unique = ", unique: true";
    for (properties, told) in [
        (both(unique, ""), true),
        (both(&doubles("mustBe: 0"), ""), true),
        (both(&doubles("mustBeLessThan: 1"), ""), true),
        (both(&doubles("mustBeLessThan: 1, unit: percent"), ""), false),
        (both(&doubles("mustBe: 0, severity: warning"), ""), false),
        (both(", primaryKey: true", ""), true),
        (
            both(
                ", primaryKey: true, primaryKeyPosition: 1",
                ", primaryKey: true, primaryKeyPosition: 2",
            ),
            false,
        ),
        (both("", unique), false),
    ] {
        let kept = kept_of("s.silver.x", &properties);
        assert_eq!(kept.tell_apart(&BTreeSet::from(["a"])), told, "{properties}");
        assert!(!told || kept.tell_apart(&BTreeSet::from(["a", "b"])), "{properties}");
    }
}

#[test]
fn values_whose_checks_alone_are_known_keep_what_these_say() {
    let to = kept_of(
        "s.silver.x",
        "{name: t, logicalType: integer, logicalTypeOptions: {maximum: 10}}",
    );
    let most = |most: &str| RowCheck::Maximum {
        value: most.to_owned(),
        exclusive: false,
    };
    let listed = |value: &str| RowCheck::OneOf(vec![value.to_owned()]);
    let rule = to.about("t").next().unwrap();
    for (checks, expected) in [
        (vec![most("10")], Kept::Surely),
        (vec![most("11")], Kept::Not),
        (vec![most("11"), most("9")], Kept::Surely),
        (vec![listed("5")], Kept::Surely),
        (vec![listed("99")], Kept::Not),
        (vec![], Kept::Not),
    ] {
        assert_eq!(to.keep_by_checks("t", &checks, rule), [expected], "{checks:?}");
    }
}

#[test]
fn a_value_may_be_at_another_path_where_both_are_of_one_kind() {
    let from = kept_of(
        "s.bronze.src",
        "{name: x, logicalType: integer}, {name: k, logicalType: string}, {name: l, logicalType: array, items: {logicalType: integer}}",
    );
    let to = kept_of(
        "s.silver.x",
        "{name: o, logicalType: object, properties: [{name: x, logicalType: number}]}, {name: l, logicalType: array, items: \
         {logicalType: array, items: {logicalType: integer}}}",
    );
    for (path, there, expected) in [
        ("x", "o.x", true),
        ("k", "o.x", false),
        ("x.x", "o.x", false),
        ("x", "o", false),
        ("l", "l[]", true),
        ("l", "l", false),
        ("x", "l[][]", true),
        ("l[]", "l[][]", true),
    ] {
        assert_eq!(from.may_be_at(path, &to, there), expected, "{path} → {there}");
    }
}

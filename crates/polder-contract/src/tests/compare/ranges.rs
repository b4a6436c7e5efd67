//! Limits of what has an order: one range a column, whatever sets its ends.

use proptest::prelude::*;

use super::said;
use crate::Contract;
use crate::diff::{Bump, Mode, compare};
use crate::tests::{contract, parsed, with_properties};

fn column(keys: &str) -> Contract {
    contract(&with_properties(&[&format!("{{name: a, {keys}}}")]))
}

/// What a change of the column `a` is, there and back.
fn moved(old: &str, new: &str) -> [Vec<String>; 2] {
    let (old, new) = (column(old), column(new));
    [said(&compare(&old, &new)), said(&compare(&new, &old))]
}

/// A column of this type with these options.
fn with(kind: &str, options: &str) -> String {
    match options {
        "" => kind.to_owned(),
        options => format!("{kind}, logicalTypeOptions: {{{options}}}"),
    }
}

const INT: &str = "logicalType: integer";
const SMALL: &str = "logicalType: integer, physicalType: smallint";
const BIG: &str = "logicalType: integer, physicalType: bigint";
const MONEY: &str = "logicalType: number, physicalType: 'decimal(5,2)'";
const DOUBLE: &str = "logicalType: number";
const DAY: &str = "logicalType: date";
const INSTANT: &str = "logicalType: timestamp";

#[test]
fn a_limit_that_takes_nothing_away_is_documentation() {
    for (kind, old, new) in [
        (INT, "", "minimum: -2147483648"),
        (INT, "", "minimum: -3147483648"),
        (INT, "", "exclusiveMaximum: 2147483648, exclusiveMinimum: -2147483648.5"),
        (SMALL, "", "maximum: 100000"),
        (SMALL, "", "maximum: 32767, format: i16"),
        (SMALL, "", "exclusiveMaximum: 32768"),
        (SMALL, "format: u8", "minimum: 0, maximum: 255"),
        (SMALL, "format: u8", "format: u8, maximum: 300"),
        (BIG, "", "maximum: 9223372036854775807, minimum: -1e30"),
        (BIG, "format: u16", "exclusiveMinimum: -1, exclusiveMaximum: 65536"),
        (MONEY, "", "minimum: -999.99, maximum: 999.99"),
        (MONEY, "", "exclusiveMaximum: 1000"),
        (MONEY, "exclusiveMaximum: 10", "maximum: 9.999"),
        (MONEY, "", "multipleOf: 0.01"),
        (
            DOUBLE,
            "minimum: 0, maximum: 100",
            "minimum: 0, maximum: 100, format: f32",
        ),
        (DOUBLE, "minimum: 0", "minimum: 0, exclusiveMinimum: -5"),
        (DAY, "maximum: '2026-12-31'", "exclusiveMaximum: '2027-01-01'"),
        (
            INSTANT,
            "maximum: '2026-12-31T23:59:59.999999Z'",
            "exclusiveMaximum: '2027-01-01 01:00:00+01:00'",
        ),
    ] {
        let (old, new) = (with(kind, old), with(kind, new));
        for (from, to) in [(&old, &new), (&new, &old)] {
            let comparison = compare(&column(from), &column(to));
            assert!(!comparison.is_empty(), "{from} → {to}");
            for mode in [Mode::Backward, Mode::Forward, Mode::Full] {
                assert_eq!(
                    comparison.required_bump_in(mode),
                    Bump::Patch,
                    "{from} → {to}: {comparison:#?}"
                );
            }
        }
    }
}

#[test]
fn every_end_is_told_where_it_moved_and_by_what_moved_it() {
    let restated = |rule: &str| format!("limit-restated documentation | a a.{rule}");
    let tightened = |rule: &str| format!("limit-tightened breaks writers | a a.{rule}");
    let loosened = |rule: &str| format!("limit-loosened breaks readers | a a.{rule}");
    let cases: [(String, String, Vec<String>, Vec<String>); 11] = [
        (
            with(INT, ""),
            with(INT, "minimum: -2147483647"),
            vec![tightened("minimum")],
            vec![loosened("minimum")],
        ),
        (
            with(SMALL, ""),
            with(SMALL, "maximum: 32766"),
            vec![tightened("maximum")],
            vec![loosened("maximum")],
        ),
        (
            with(MONEY, ""),
            with(MONEY, "exclusiveMaximum: 999.99"),
            vec![tightened("exclusiveMaximum")],
            vec![loosened("exclusiveMaximum")],
        ),
        (
            with(MONEY, ""),
            with(MONEY, "multipleOf: 0.05"),
            vec![tightened("multipleOf")],
            vec![loosened("multipleOf")],
        ),
        // The width let nothing below 0 in, the bound nothing beyond 255.
        (
            with(INT, "format: u8"),
            with(INT, "maximum: 255"),
            vec![restated("maximum"), loosened("format")],
            vec![restated("maximum"), tightened("format")],
        ),
        (
            with(INT, "format: u8, maximum: 9"),
            with(INT, "minimum: 3"),
            vec![tightened("minimum"), loosened("maximum"), restated("format")],
            vec![loosened("minimum"), tightened("maximum"), restated("format")],
        ),
        (
            SMALL.to_owned(),
            INT.to_owned(),
            vec!["type-widened breaks readers | a a.physicalType".to_owned()],
            vec!["type-narrowed breaks writers | a a.physicalType".to_owned()],
        ),
        (
            SMALL.to_owned(),
            with(INT, "minimum: -32768, maximum: 32767"),
            vec![
                "type-restated documentation | a -".to_owned(),
                restated("minimum"),
                restated("maximum"),
            ],
            vec![
                "type-restated documentation | a -".to_owned(),
                restated("minimum"),
                restated("maximum"),
            ],
        ),
        (
            SMALL.to_owned(),
            with(INT, "maximum: 32767"),
            vec![
                "type-widened breaks readers | a a.physicalType".to_owned(),
                restated("maximum"),
            ],
            vec![
                "type-narrowed breaks writers | a a.physicalType".to_owned(),
                restated("maximum"),
            ],
        ),
        // Another type is another type, and its values go as far as before.
        (
            INT.to_owned(),
            with(BIG, "maximum: 2147483647"),
            vec!["type-widened breaks readers | a -".to_owned(), restated("maximum")],
            vec![
                "type-narrowed breaks readers and writers | a -".to_owned(),
                restated("maximum"),
            ],
        ),
        (
            format!("logicalType: array, items: {{{INT}}}"),
            format!("logicalType: array, items: {{{}}}", with(INT, "maximum: 2147483647")),
            vec!["limit-restated documentation | a[] a[].maximum".to_owned()],
            vec!["limit-restated documentation | a[] a[].maximum".to_owned()],
        ),
    ];
    for (old, new, there, back) in cases {
        assert_eq!(moved(&old, &new), [there, back], "{old} → {new}");
    }
}

#[test]
fn what_happens_to_rows_counts_for_limits_that_keep_some_out() {
    let warns = |column: &str| format!("{column}, customProperties: [{{property: polder.onFailure, value: warn}}]");
    let idle = with(SMALL.replace("small", "").as_str(), "minimum: -2147483648");
    let closer = with(INT, "minimum: 0");
    assert_eq!(
        moved(&idle, &warns(&idle)),
        [
            ["on-failure-changed quality loosened | a a.minimum"],
            ["on-failure-changed quality tightened | a a.minimum"]
        ]
    );
    assert_eq!(
        moved(&closer, &warns(&closer)),
        [
            ["on-failure-changed breaks readers | a a.minimum"],
            ["on-failure-changed breaks writers | a a.minimum"]
        ]
    );
    // With the word it goes, and with the limit too.
    let plain = "logicalType: integer, physicalType: int";
    let there = moved(&idle, &warns(plain)).concat();
    assert!(there.iter().all(|change| !change.contains("breaks")), "{there:?}");
    let [there, back] = moved(&closer, &warns(INT));
    assert!(
        there.iter().any(|change| change.contains("breaks readers |")),
        "{there:?}"
    );
    assert!(
        back.iter().any(|change| change.contains("breaks writers |")),
        "{back:?}"
    );
}

#[test]
fn whether_times_have_a_zone_goes_by_their_type() {
    let local = "logicalType: timestamp, physicalType: timestamp_ntz";
    let said_of = |kind: &str, zoned: bool| with(kind, &format!("timezone: {zoned}"));
    let none: [Vec<String>; 2] = [Vec::new(), Vec::new()];
    let restated = ["limit-restated documentation | a a.timezone"];
    let changed = ["limit-changed breaks readers and writers | a a.timezone"];
    assert_eq!(moved(local, &said_of(local, false)), [restated, restated]);
    assert_eq!(moved(local, &said_of(local, true)), [restated, restated]);
    assert_eq!(
        moved(&said_of(local, false), &said_of(local, true)),
        [restated, restated]
    );
    assert_eq!(moved(INSTANT, &said_of(INSTANT, true)), none);
    assert_eq!(moved(INSTANT, &said_of(INSTANT, false)), [changed, changed]);
    assert_eq!(
        moved(&said_of(INSTANT, true), &said_of(INSTANT, false)),
        [changed, changed]
    );
    // Inside of other values too.
    let list = |items: &str| format!("logicalType: array, items: {{{items}}}");
    assert_eq!(moved(&list(INSTANT), &list(&said_of(INSTANT, true))), none);
}

/// Types, with the least and the greatest number that they hold, in hundredths, and the step from one to the next.
const TYPES: [(&str, i64, i64, i64); 7] = [
    ("logicalType: integer", -214_748_364_800, 214_748_364_700, 100),
    (
        "logicalType: integer, physicalType: smallint",
        -3_276_800,
        3_276_700,
        100,
    ),
    ("logicalType: integer, physicalType: tinyint", -12_800, 12_700, 100),
    (
        "logicalType: integer, physicalType: 'decimal(4,0)'",
        -999_900,
        999_900,
        100,
    ),
    ("logicalType: number, physicalType: 'decimal(5,2)'", -99_999, 99_999, 1),
    ("logicalType: number, physicalType: 'decimal(3,1)'", -9_990, 9_990, 10),
    (
        "logicalType: integer, physicalType: bigint",
        i64::MIN / 2,
        i64::MAX / 2,
        100,
    ),
];

/// Formats of whole numbers that change no type, with their ends in hundredths.
const FORMATS: [(&str, i64, i64); 5] = [
    ("", i64::MIN, i64::MAX),
    ("i8", -12_800, 12_700),
    ("u8", 0, 25_500),
    ("i16", -3_276_800, 3_276_700),
    ("u16", 0, 6_553_500),
];

/// Bounds, in hundredths.
const BOUNDS: [i64; 14] = [
    -3_276_900, -3_276_800, -12_850, -12_800, -100, -1, 0, 5, 99_999, 12_700, 25_500, 25_600, 3_276_750, 6_553_500,
];

/// A column as random numbers have it: of which of the three first types (which are columns of one), which format, which
/// bounds and whether they leave themselves out.
type Picked = (usize, usize, Option<(usize, bool)>, Option<(usize, bool)>);

fn picked() -> impl Strategy<Value = Picked> {
    let bound = || prop::option::of((0..BOUNDS.len(), any::<bool>()));
    (0..3_usize, 0..FORMATS.len(), bound(), bound())
}

/// The column's kind: one of its own, or one of those that are stored alike.
fn kind(family: usize, of: &Picked) -> (&'static str, i64, i64, i64) {
    if family == 0 { TYPES[of.0] } else { TYPES[2 + family] }
}

fn document(family: usize, of: &Picked) -> String {
    let (kind, ..) = kind(family, of);
    let whole = kind.starts_with("logicalType: integer");
    let mut options = Vec::new();
    if whole && !FORMATS[of.1].0.is_empty() {
        options.push(format!("format: {}", FORMATS[of.1].0));
    }
    for (bound, name, exclusive_name) in [
        (of.2, "minimum", "exclusiveMinimum"),
        (of.3, "maximum", "exclusiveMaximum"),
    ] {
        if let Some((at, exclusive)) = bound {
            let key = if exclusive { exclusive_name } else { name };
            options.push(format!("{key}: {}e-2", BOUNDS[at]));
        }
    }
    format!("{kind}, logicalTypeOptions: {{{}}}", options.join(", "))
}

/// Whether the column takes a number of hundredths, key by key.
fn takes(family: usize, of: &Picked, value: i64) -> bool {
    let (kind, least, greatest, step) = kind(family, of);
    let whole = kind.starts_with("logicalType: integer");
    let (_, format_least, format_greatest) = FORMATS[of.1];
    let in_format = !whole || (format_least <= value && value <= format_greatest);
    let above = of.2.is_none_or(|(at, exclusive)| match exclusive {
        true => value > BOUNDS[at],
        false => value >= BOUNDS[at],
    });
    let below = of.3.is_none_or(|(at, exclusive)| match exclusive {
        true => value < BOUNDS[at],
        false => value <= BOUNDS[at],
    });
    value % step == 0 && least <= value && value <= greatest && in_format && above && below
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Readers are broken where some number is taken that was not, writers where some number is not that was.
    #[test]
    fn a_change_of_limits_breaks_whom_some_number_breaks(
        family in 0..5_usize, old in picked(), new in picked()
    ) {
        let read = |of: &Picked| parsed(&with_properties(&[&format!("{{name: a, {}}}", document(family, of))])).contract;
        // No value keeps both bounds: the lint says so.
        let (Some(before), Some(now)) = (read(&old), read(&new)) else {
            return Ok(());
        };
        // Around each end of anything: of the numbers that each column has, and of hundredths.
        let ends = BOUNDS.into_iter().chain(FORMATS.iter().flat_map(|of| [of.1, of.2]));
        let ends = ends.chain(TYPES.iter().flat_map(|of| [of.1, of.2]));
        let around = |end: i64| {
            [1, 10, 100].into_iter().flat_map(move |step| {
                let near = end.div_euclid(step).saturating_mul(step);
                [-1, 0, 1, 2].map(|steps| near.saturating_add(steps * step))
            })
        };
        let samples: Vec<i64> = ends.flat_map(around).collect();
        let come = samples.iter().any(|value| takes(family, &new, *value) && !takes(family, &old, *value));
        let gone = samples.iter().any(|value| takes(family, &old, *value) && !takes(family, &new, *value));
        let comparison = compare(&before, &now);
        let any = |breaks: fn(crate::diff::Class) -> bool| comparison.changes.iter().any(|one| breaks(one.class));
        prop_assert_eq!(
            (any(crate::diff::Class::breaks_readers), any(crate::diff::Class::breaks_writers)),
            (come, gone),
            "{} → {}: {:?}", document(family, &old), document(family, &new), said(&comparison)
        );
    }
}

//! Widths that take nothing away, beside widths that do.

use super::said;
use crate::diff::compare;
use crate::tests::{contract, with_properties};

/// What a change of the column `a` is, there and back.
fn moved(old: &str, new: &str) -> [Vec<String>; 2] {
    let read = |keys: &str| contract(&with_properties(&[&format!("{{name: a, {keys}}}")]));
    let (old, new) = (read(old), read(new));
    [said(&compare(&old, &new)), said(&compare(&new, &old))]
}

#[test]
fn a_width_that_the_column_has_by_its_type_is_documentation_and_a_closer_one_is_a_limit() {
    let of = |format: &str| format!("logicalTypeOptions: {{format: {format}}}");
    for (column, same, closer) in [
        ("logicalType: integer", "i32", "i16"),
        ("logicalType: integer, physicalType: int", "i64", "u8"),
        ("logicalType: integer, physicalType: bigint", "i64", "i32"),
        ("logicalType: integer, physicalType: bigint", "i128", "u64"),
        ("logicalType: integer, physicalType: 'decimal(5,0)'", "i32", "i16"),
        ("logicalType: number", "f64", "f32"),
        ("logicalType: number, physicalType: double", "f64", "f32"),
    ] {
        let with = |format: &str| format!("{column}, {}", of(format));
        assert_eq!(
            moved(column, &with(same)),
            [
                ["limit-restated documentation | a a.format"],
                ["limit-restated documentation | a a.format"]
            ],
            "{column} → {same}"
        );
        for from in [column.to_owned(), with(same)] {
            assert_eq!(
                moved(&from, &with(closer)),
                [
                    ["limit-tightened breaks writers | a a.format"],
                    ["limit-loosened breaks readers | a a.format"]
                ],
                "{from} → {closer}"
            );
        }
    }
    // A decimal holds no number as great as 32 bits of floating point do.
    let decimal = "logicalType: number, physicalType: 'decimal(38,2)'";
    assert_eq!(
        moved(decimal, &format!("{decimal}, {}", of("f32")))[0],
        ["limit-restated documentation | a a.format"]
    );
    // A wider width is another type where the type follows it.
    assert_eq!(
        moved("logicalType: integer", &format!("logicalType: integer, {}", of("i64"))),
        [
            ["type-widened breaks readers | a -"],
            ["type-narrowed breaks readers and writers | a -"]
        ]
    );
}

#[test]
fn a_type_of_32_bits_is_the_same_limit_as_its_format() {
    let typed = |name: &str| format!("logicalType: number, physicalType: {name}");
    let formatted = "logicalType: number, logicalTypeOptions: {format: f32}";
    let classes = |found: &[String]| -> Vec<String> {
        let class = |line: &String| line.split_once(' ').unwrap().1.split(" |").next().unwrap().to_owned();
        found.iter().map(class).collect()
    };
    for wide in ["double", "float", "float8"] {
        for narrow in ["real", "float4", "FLOAT32"] {
            let [there, back] = moved(&typed(wide), &typed(narrow));
            assert_eq!(classes(&there), ["breaks writers"], "{wide} → {narrow}: {there:?}");
            assert_eq!(classes(&back), ["breaks readers"], "{narrow} → {wide}: {back:?}");
        }
    }
    let all_documentation = |moves: [Vec<String>; 2]| {
        let found: Vec<_> = moves.iter().flat_map(|found| classes(found)).collect();
        assert!(
            !found.is_empty() && found.iter().all(|class| class == "documentation"),
            "{moves:?}"
        );
    };
    all_documentation(moved(&typed("real"), &typed("float4")));
    all_documentation(moved(&typed("real"), formatted));
    all_documentation(moved(&typed("float"), &typed("double")));
    // Numbers that are kept small anyway.
    let bounded = |name: &str| format!("{}, logicalTypeOptions: {{minimum: -5, maximum: 5}}", typed(name));
    all_documentation(moved(&bounded("double"), &bounded("real")));
}

#[test]
fn the_key_of_a_map_is_never_null_and_its_value_may_be() {
    let map = |key: &str, value: &str| {
        format!("logicalType: map, map: {{key: {{logicalType: string{key}}}, value: {{logicalType: string{value}}}}}")
    };
    let plain = map("", "");
    let required = ", required: true";
    assert_eq!(
        moved(&plain, &map(required, "")),
        [
            ["documentation-changed documentation | a.key -"],
            ["documentation-changed documentation | a.key -"]
        ]
    );
    assert_eq!(
        moved(&plain, &map("", required)),
        [
            ["column-became-required breaks writers | a.value a.value.required"],
            ["column-became-optional breaks readers | a.value a.value.required"]
        ]
    );
    // What is inside of a key may be null as anything else.
    let object = |name: &str| {
        format!(
            "logicalType: map, map: {{key: {{logicalType: object, properties: [{{name: k, logicalType: string{name}}}]}}, \
             value: {{logicalType: string}}}}"
        )
    };
    assert_eq!(
        moved(&object(""), &object(required))[0],
        ["column-became-required breaks writers | a.key.k a.key.k.required"]
    );
}

//! Columns, their types and keys.

use super::{BASE, contract, said, there_and_back};
use crate::diff::compare;

#[test]
fn every_change_of_a_column_has_its_class_there_and_back() {
    there_and_back(&[
        (
            "      - id: p_day\n        name: day\n        logicalType: date\n",
            "",
            // The latency is measured on it.
            &[
                "column-removed breaks readers | day -",
                "service-level-changed service level lowered | - latency",
            ],
            &[
                "column-added compatible | day -",
                "service-level-changed service level raised | - latency",
            ],
        ),
        (
            "      - id: p_day\n        name: day\n        logicalType: date\n",
            "      - id: p_day\n        name: day\n        logicalType: date\n      - name: hour\n        logicalType: integer\n        required: true\n",
            &["required-column-added breaks writers | hour -"],
            &["column-removed breaks readers | hour -"],
        ),
        (
            "name: day",
            "name: sold_on",
            &[
                "column-renamed breaks readers and writers | day -",
                "service-level-changed service level lowered | - latency",
            ],
            &[
                "column-renamed breaks readers and writers | sold_on -",
                "service-level-changed service level raised | - latency",
            ],
        ),
        (
            "logicalType: date\n",
            "logicalType: date\n        physicalName: sold_on\n",
            &["column-renamed breaks readers and writers | day -"],
            &["column-renamed breaks readers and writers | sold_on -"],
        ),
        (
            "          - name: zip\n            logicalType: string\n",
            "",
            &["column-removed breaks readers | address.zip -"],
            &["column-added compatible | address.zip -"],
        ),
        (
            "          - name: city\n            logicalType: string\n            required: true\n",
            "          - name: city\n            logicalType: string\n",
            &["column-became-optional breaks readers | address.city address.city.required"],
            &["column-became-required breaks writers | address.city address.city.required"],
        ),
        // Types.
        (
            "physicalType: int\n",
            "physicalType: bigint\n",
            &["type-widened breaks readers | quantity -"],
            &["type-narrowed breaks readers and writers | quantity -"],
        ),
        (
            "physicalType: int\n",
            "physicalType: integer\n",
            &["type-restated documentation | quantity -"],
            &["type-restated documentation | quantity -"],
        ),
        // No value was outside of it before: from 0 to 100 go those of both.
        (
            "physicalType: int\n",
            "physicalType: smallint\n",
            &["type-restated documentation | quantity -"],
            &["type-restated documentation | quantity -"],
        ),
        // What the name of a type keeps out is a limit: the column is the same.
        (
            "name: kind\n        logicalType: string\n",
            "name: kind\n        logicalType: string\n        physicalType: varchar(10)\n",
            &["type-narrowed breaks writers | kind kind.physicalType"],
            &["type-widened breaks readers | kind kind.physicalType"],
        ),
        // What another key asks for as well is asked for still.
        (
            "name: kind\n        logicalType: string\n",
            "name: kind\n        logicalType: string\n        physicalType: varchar(20)\n",
            &["type-restated documentation | kind -"],
            &["type-restated documentation | kind -"],
        ),
        (
            "        required: true\n        primaryKey: true\n",
            "        primaryKey: true\n",
            &["documentation-changed documentation | id -"],
            &["documentation-changed documentation | id -"],
        ),
        (
            "        required: true\n        primaryKey: true\n",
            "        required: true\n        unique: true\n        primaryKey: true\n",
            &["documentation-changed documentation | id -"],
            &["documentation-changed documentation | id -"],
        ),
        (
            "      - id: p_day\n",
            "      - {name: second, logicalType: string, primaryKey: true, primaryKeyPosition: 2}\n      - id: p_day\n",
            &[
                "primary-key-changed breaks readers and writers | - primaryKey",
                "required-column-added breaks writers | second -",
            ],
            &[
                "column-removed breaks readers | second -",
                "primary-key-changed breaks readers and writers | - primaryKey",
            ],
        ),
        (
            "decimal(12,3)",
            "decimal(14,3)",
            &["type-widened breaks readers | price -"],
            &["type-narrowed breaks readers and writers | price -"],
        ),
        (
            "decimal(12,3)",
            "decimal(12,4)",
            &["type-changed breaks readers and writers | price -"],
            &["type-changed breaks readers and writers | price -"],
        ),
        (
            "logicalType: date\n",
            "logicalType: timestamp\n",
            &[
                "service-level-changed service level lowered | - latency",
                "service-level-changed service level raised | - latency",
                "type-changed breaks readers and writers | day -",
            ],
            &[
                "service-level-changed service level lowered | - latency",
                "service-level-changed service level raised | - latency",
                "type-changed breaks readers and writers | day -",
            ],
        ),
        // Keys.
        (
            "      - id: p_day\n        name: day\n",
            "      - id: p_day\n        name: day\n        primaryKey: true\n        primaryKeyPosition: 2\n",
            &[
                "column-became-required breaks writers | day day.required",
                "primary-key-changed breaks readers and writers | - primaryKey",
            ],
            &[
                "column-became-optional breaks readers | day day.required",
                "primary-key-changed breaks readers and writers | - primaryKey",
            ],
        ),
        (
            "        primaryKey: true\n        primaryKeyPosition: 1\n",
            "        primaryKey: false\n        primaryKeyPosition: -1\n",
            &["primary-key-changed breaks readers | - primaryKey"],
            &["primary-key-changed breaks writers | - primaryKey"],
        ),
        (
            "name: day\n",
            "name: day\n        unique: true\n",
            &["column-became-unique breaks writers | day day.unique"],
            &["column-became-repeatable breaks readers | day day.unique"],
        ),
    ]);
}

#[test]
fn another_order_of_columns_is_compatible() {
    let day = "      - id: p_day\n        name: day\n        logicalType: date\n";
    let moved = BASE.replacen(day, "", 1).replacen(
        "    quality:\n      - id: enough_rows",
        &format!("{day}    quality:\n      - id: enough_rows"),
        1,
    );
    let comparison = compare(&contract(BASE), &contract(&moved));
    assert_eq!(said(&comparison), ["columns-reordered compatible | - -"]);
}

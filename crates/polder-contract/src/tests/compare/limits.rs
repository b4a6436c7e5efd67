//! Limits of values.

use super::there_and_back;

#[test]
fn every_change_of_a_limit_has_its_class_there_and_back() {
    there_and_back(&[
        (
            "maximum: 100",
            "maximum: 50",
            &["limit-tightened breaks writers | quantity quantity.maximum"],
            &["limit-loosened breaks readers | quantity quantity.maximum"],
        ),
        (
            "          minimum: 0\n",
            "",
            &["limit-loosened breaks readers | quantity quantity.minimum"],
            &["limit-tightened breaks writers | quantity quantity.minimum"],
        ),
        (
            "exclusiveMinimum: 0",
            "minimum: 0",
            &["limit-loosened breaks readers | price price.exclusiveMinimum"],
            &["limit-tightened breaks writers | price price.minimum"],
        ),
        (
            "maxLength: 20",
            "maxLength: 40",
            &["limit-loosened breaks readers | kind kind.maxLength"],
            &["limit-tightened breaks writers | kind kind.maxLength"],
        ),
        (
            "^[a-z]+$",
            "^[a-z0-9]+$",
            &["limit-changed breaks readers and writers | labels[] labels[].pattern"],
            &["limit-changed breaks readers and writers | labels[] labels[].pattern"],
        ),
        (
            "{value: other}]",
            "{value: other}, {value: fee}]",
            &["enum-grown breaks readers | kind kind.enum"],
            &["enum-shrunk breaks writers | kind kind.enum"],
        ),
        (
            "        enum: [{value: product}, {value: other}]\n",
            "",
            &["limit-loosened breaks readers | kind kind.enum"],
            &["limit-tightened breaks writers | kind kind.enum"],
        ),
        // Whole numbers and days have a next one; at least nothing is no limit, and a width beside closer bounds neither.
        (
            "          minimum: 0\n",
            "          exclusiveMinimum: -1\n",
            &["limit-restated documentation | quantity quantity.minimum"],
            &["limit-restated documentation | quantity quantity.exclusiveMinimum"],
        ),
        (
            "          maximum: 100\n",
            "          exclusiveMaximum: 100.5\n",
            &["limit-restated documentation | quantity quantity.maximum"],
            &["limit-restated documentation | quantity quantity.exclusiveMaximum"],
        ),
        (
            "          maximum: 100\n",
            "          exclusiveMaximum: 100\n",
            &["limit-tightened breaks writers | quantity quantity.maximum"],
            &["limit-loosened breaks readers | quantity quantity.exclusiveMaximum"],
        ),
        (
            "          maxLength: 20\n",
            "          maxLength: 20\n          minLength: 0\n",
            &["limit-restated documentation | kind kind.minLength"],
            &["limit-restated documentation | kind kind.minLength"],
        ),
        (
            "          maximum: 100\n",
            "          maximum: 100\n          format: u8\n",
            &["limit-restated documentation | quantity quantity.format"],
            &["limit-restated documentation | quantity quantity.format"],
        ),
        (
            "          maximum: 100\n",
            "          maximum: 100\n          multipleOf: 1\n",
            &["limit-restated documentation | quantity quantity.multipleOf"],
            &["limit-restated documentation | quantity quantity.multipleOf"],
        ),
    ]);
}

//! What is no change, and the words of the classes.

use super::{BASE, contract, edited, said};
use crate::diff::{Bump, Class, compare};

#[test]
fn what_means_the_same_is_no_change() {
    let cases = [
        ("tags: [silver]", "tags:\n  - silver"),
        (
            "          minimum: 0\n          maximum: 100\n",
            "          maximum: 100.0\n          minimum: 0e0\n",
        ),
        ("{value: product}, {value: other}", "{value: other}, {value: product}"),
        (
            "metric: rowCount",
            "metric: rowCount\n        type: library\n        severity: error",
        ),
        (
            "name: zip\n",
            "name: zip\n            required: false\n            tags: []\n",
        ),
        (
            "  - property: availability\n    value: 99.5\n    unit: percent\n  - property: retention\n    value: 1\n    unit: y\n",
            "  - property: retention\n    unit: y\n    value: 1\n  - property: availability\n    value: 99.50\n    unit: percent\n",
        ),
    ];
    for (from, to) in cases {
        let comparison = compare(&contract(BASE), &edited(from, to));
        assert_eq!(said(&comparison), Vec::<String>::new(), "{to}");
        assert_eq!(comparison.required_bump(), Bump::None);
    }
}

#[test]
fn classes_have_words_of_their_own() {
    let words: std::collections::BTreeSet<_> = Class::ALL.iter().map(|class| class.as_str()).collect();
    assert_eq!(words.len(), Class::ALL.len());
}

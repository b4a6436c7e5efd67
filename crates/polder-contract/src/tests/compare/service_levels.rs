//! Service levels, with their units.

use super::there_and_back;

#[test]
fn every_change_of_a_service_level_has_its_class_there_and_back() {
    there_and_back(&[
        ("value: 60\n    unit: m\n", "value: 1\n    unit: h\n", &[], &[]),
        (
            "value: 60\n    unit: m\n",
            "value: 2\n    unit: h\n",
            &["service-level-changed service level lowered | - latency"],
            &["service-level-changed service level raised | - latency"],
        ),
        (
            "value: 60\n    unit: m\n",
            "value: PT2H\n",
            &["service-level-changed service level lowered | - latency"],
            &["service-level-changed service level raised | - latency"],
        ),
        ("value: 1\n    unit: y\n", "value: 12\n    unit: months\n", &[], &[]),
        // As long as a year in the mean only.
        (
            "value: 1\n    unit: y\n",
            "value: 31556952\n    unit: s\n",
            &["service-level-changed documentation | - retention"],
            &["service-level-changed documentation | - retention"],
        ),
        (
            "value: 99.5\n",
            "value: 99.9\n",
            &["service-level-changed service level raised | - availability"],
            &["service-level-changed service level lowered | - availability"],
        ),
        (
            "value: 1\n    unit: y\n",
            "value: 200\n    unit: d\n",
            &["service-level-changed service level lowered | - retention"],
            &["service-level-changed service level raised | - retention"],
        ),
        (
            "2030-01-01",
            "2029-06-30",
            &["service-level-changed service level lowered | - endOfLife"],
            &["service-level-changed service level raised | - endOfLife"],
        ),
        (
            "element: lines.day",
            "element: lines.price",
            // Prices have no age.
            &["service-level-changed service level lowered | - latency"],
            &["service-level-changed service level raised | - latency"],
        ),
        (
            "  - property: retention\n    value: 1\n    unit: y\n",
            "",
            &["service-level-removed service level lowered | - retention"],
            &["service-level-added service level raised | - retention"],
        ),
        (
            "  - property: endOfLife\n    value: \"2030-01-01\"\n",
            "",
            &["service-level-removed service level raised | - endOfLife"],
            &["service-level-added service level lowered | - endOfLife"],
        ),
        (
            "value: 99.5\n",
            "value: 99.5\n    schedule: daily\n",
            &["service-level-changed service level raised | - availability"],
            &["service-level-changed service level lowered | - availability"],
        ),
    ]);
}

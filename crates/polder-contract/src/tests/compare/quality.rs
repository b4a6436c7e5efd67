//! Rules about quality and relationships.

use super::there_and_back;

#[test]
fn every_change_of_a_rule_has_its_class_there_and_back() {
    there_and_back(&[
        (
            "validValues: [GBP, EUR]",
            "validValues: [EUR, GBP, USD]",
            &["rule-arguments-changed quality loosened | currency currency_known"],
            &["rule-arguments-changed quality tightened | currency currency_known"],
        ),
        (
            "mustBeLessThan: 5\n",
            "mustBeLessThan: 7.5\n",
            &["threshold-changed quality loosened | currency currency.nullValues"],
            &["threshold-changed quality tightened | currency currency.nullValues"],
        ),
        (
            "unit: percent\n    quality",
            "unit: rows\n    quality",
            &[
                "threshold-changed quality loosened | currency currency.nullValues",
                "threshold-changed quality tightened | currency currency.nullValues",
            ],
            &[
                "threshold-changed quality loosened | currency currency.nullValues",
                "threshold-changed quality tightened | currency currency.nullValues",
            ],
        ),
        (
            "mustBeGreaterOrEqualTo: 1000\n",
            "mustBeBetween: [1000, 5000]\n",
            &["threshold-changed quality tightened | - enough_rows"],
            &["threshold-changed quality loosened | - enough_rows"],
        ),
        (
            "mustBeGreaterOrEqualTo: 1000\n",
            "mustBeGreaterOrEqualTo: 1000\n        severity: warning\n",
            &["severity-changed quality loosened | - enough_rows"],
            &["severity-changed quality tightened | - enough_rows"],
        ),
        (
            "mustBeGreaterOrEqualTo: 1000\n",
            "mustBeGreaterOrEqualTo: 1000\n        customProperties: [{property: polder.onFailure, value: warn}]\n",
            &["on-failure-changed quality loosened | - enough_rows"],
            &["on-failure-changed quality tightened | - enough_rows"],
        ),
        (
            "WHERE price < 0",
            "WHERE price < 1",
            &[
                "rule-changed quality loosened | - totals",
                "rule-changed quality tightened | - totals",
            ],
            &[
                "rule-changed quality loosened | - totals",
                "rule-changed quality tightened | - totals",
            ],
        ),
        (
            "WHERE price < 0",
            "WHERE price < 0 AND kind = 'a  b'",
            &[
                "rule-changed quality loosened | - totals",
                "rule-changed quality tightened | - totals",
            ],
            &[
                "rule-changed quality loosened | - totals",
                "rule-changed quality tightened | - totals",
            ],
        ),
        // A lower and an upper bound are judged together; the ends of a range are outside, as gates judge it.
        (
            "mustBeGreaterOrEqualTo: 1000\n",
            "mustBeGreaterOrEqualTo: 1000\n        mustBeLessThan: 5000\n",
            &["threshold-changed quality tightened | - enough_rows"],
            &["threshold-changed quality loosened | - enough_rows"],
        ),
        (
            "mustBeGreaterOrEqualTo: 1000\n",
            "mustNotBeBetween: [1000, 2000]\n",
            &[
                "threshold-changed quality loosened | - enough_rows",
                "threshold-changed quality tightened | - enough_rows",
            ],
            &[
                "threshold-changed quality loosened | - enough_rows",
                "threshold-changed quality tightened | - enough_rows",
            ],
        ),
        (
            "mustBeGreaterOrEqualTo: 1000\n",
            "mustBeGreaterOrEqualTo: 1000\n        severity: warn\n",
            &["severity-changed quality loosened | - enough_rows"],
            &["severity-changed quality tightened | - enough_rows"],
        ),
        (
            "mustBeGreaterOrEqualTo: 1000\n",
            "mustBeGreaterOrEqualTo: 1000\n        severity: critical\n",
            &["severity-changed documentation | - enough_rows"],
            &["severity-changed documentation | - enough_rows"],
        ),
        (
            "mustBeLessThan: 5\n            unit: percent\n",
            "mustBeLessThan: 5\n            unit: '%'\n",
            &[],
            &[],
        ),
        (
            "WHERE price < 0",
            "WHERE  price < 0",
            &["documentation-changed documentation | - totals"],
            &["documentation-changed documentation | - totals"],
        ),
        (
            "      - id: enough_rows\n        metric: rowCount\n        mustBeGreaterOrEqualTo: 1000\n",
            "",
            &["rule-removed quality loosened | - enough_rows"],
            &["rule-added quality tightened | - enough_rows"],
        ),
        (
            "name: day\n",
            "name: day\n        relationships: [{to: lines.id}]\n",
            &["relationship-added quality tightened | day day.foreignKey"],
            &["relationship-removed quality loosened | day day.foreignKey"],
        ),
        (
            "mustBeGreaterOrEqualTo: 1000\n",
            "mustBeGreaterThan: 999\n",
            &["threshold-changed documentation | - enough_rows"],
            &["threshold-changed documentation | - enough_rows"],
        ),
        (
            "WHERE price < 0",
            "/* what was sold */ WHERE price < 0 -- for nothing",
            &["documentation-changed documentation | - totals"],
            &["documentation-changed documentation | - totals"],
        ),
    ]);
}

//! Whose values are hidden.

use super::*;

/// Whether the values of a column of this class are hidden.
fn hides(policies: &Policies, classification: &str) -> bool {
    let column = format!("      - {{name: card, logicalType: string, classification: {classification}}}\n");
    let text = contract("silver", &column, "");
    let set = contracts(&text);
    let contract = set.iter().next().unwrap();
    policies.hides(&contract.object().properties[0])
}

const OWN: &str = "policies:
  - id: described
    description: Contracts have an owner.
    reason: Somebody answers.
    remedy: Name one.
    severity: error
    rule: owner
";

#[test]
fn policies_about_other_things_leave_restricted_values_hidden() {
    let none = Policies::load([Source::new("catalog/policies/own.yaml", "policies: []\n")]).0;
    for (what, policies) in [("one of one's own", policies(OWN)), ("none", none)] {
        for class in ["restricted", "Highly Confidential", "secret"] {
            assert!(hides(&policies, class), "{what}: {class}");
        }
        assert!(!hides(&policies, "internal") && !hides(&policies, "public"), "{what}");
    }
}

#[test]
fn classes_of_ones_own_take_the_place_of_the_default_ones() {
    let own = |restricted: &str| {
        policies(&format!(
            "policies:
  - id: personal
    description: Personal data is classified.
    reason: The law.
    remedy: Classify it.
    severity: error
    rule: personal-data
    parameters: {{words: [email]{restricted}}}
"
        ))
    };
    let named = own(", restricted: [geheim]");
    assert!(hides(&named, "geheim") && !hides(&named, "restricted"));
    // One that names no class says nothing of what is hidden.
    let unnamed = own("");
    assert!(hides(&unnamed, "restricted") && !hides(&unnamed, "geheim"));
}

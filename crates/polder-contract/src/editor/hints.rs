//! What keys mean, in one sentence each, for editors. Keys that mean different things in different places have none.

/// The meaning of a key.
pub(super) fn hint(key: &str) -> Option<&'static str> {
    HINTS.iter().find(|(known, _)| *known == key).map(|(_, hint)| *hint)
}

/// The meaning of a custom property of Polder's.
pub(super) fn property_hint(name: &str) -> Option<&'static str> {
    PROPERTY_HINTS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, hint)| *hint)
}

const PROPERTY_HINTS: [(&str, &str); 7] = [
    (
        "polder.noticePeriod",
        "How long before its end consumers are told: 90d, 12w, 6mo, 1y.",
    ),
    (
        "polder.replacement",
        "What takes the contract's place: a dataset, a contract's id or an address; `none` where nothing does.",
    ),
    (
        "polder.compatibility",
        "Whom changes within one major version may not break; `backward` (readers) where it is not said.",
    ),
    ("polder.currency", "The currency that amounts are in, by ISO 4217."),
    (
        "polder.samples",
        "Rows that keep every rule, and rows that show what each rule refuses.",
    ),
    (
        "polder.mask",
        "How a column's values are hidden from those who may not see them.",
    ),
    (
        "polder.onFailure",
        "What happens to rows that break a rule: quarantine (the default), reject or warn.",
    ),
];

const HINTS: [(&str, &str); 62] = [
    (
        "apiVersion",
        "The version of the standard that the document is written to.",
    ),
    ("kind", "What the document is: a data contract."),
    (
        "version",
        "The contract's own version, by semantic versioning: a breaking change raises the first number.",
    ),
    (
        "status",
        "Where the contract is in its life: proposed, draft, active, deprecated or retired.",
    ),
    ("tenant", "Whom the data is of."),
    ("domain", "The domain that the contract belongs to."),
    ("dataProduct", "The data product that the contract belongs to."),
    ("purpose", "What the data is for."),
    ("usage", "How the data is meant to be used."),
    ("limitations", "What the data is not fit for."),
    ("servers", "Where the data is."),
    (
        "team",
        "Who answers for the data; the member with the role `owner` owns it.",
    ),
    ("support", "Where to ask, and where news are told."),
    ("price", "What the data costs."),
    (
        "slaProperties",
        "What is promised about delivery: latency, frequency, availability, retention and the like.",
    ),
    (
        "slaDefaultElement",
        "The element that service levels without one are measured on (deprecated).",
    ),
    (
        "element",
        "What it is measured on: object.column, several separated by commas.",
    ),
    ("driver", "Why it matters: regulatory, analytics or operational."),
    ("valueExt", "More about how much, where the property needs it."),
    (
        "physicalName",
        "The name in the store. Of an object: the dataset's full name, such as sales.bronze.orders.",
    ),
    (
        "physicalType",
        "The type in the store, such as decimal(12,2); of an object: table, view or topic.",
    ),
    ("logicalType", "The kind of value."),
    (
        "logicalTypeOptions",
        "Limits of the value; which there are depends on the logical type.",
    ),
    ("businessName", "What business calls it."),
    ("dataGranularityDescription", "What one row stands for."),
    ("required", "Whether null is refused."),
    ("unique", "Whether values must differ from each other."),
    (
        "primaryKey",
        "Whether the column belongs to the primary key; such a column is required.",
    ),
    ("primaryKeyPosition", "The position in the primary key, from 1."),
    ("partitioned", "Whether the data is partitioned by the column."),
    (
        "partitionKeyPosition",
        "The position among the partition columns, from 1.",
    ),
    (
        "classification",
        "How sensitive the value is, such as public, internal, confidential or restricted.",
    ),
    ("encryptedName", "The column with the encrypted value."),
    ("criticalDataElement", "Whether the column is critical to the business."),
    ("transformSourceObjects", "From which objects the value is made."),
    ("transformLogic", "By which logic the value is made."),
    ("transformDescription", "What the transformation does, in words."),
    ("examples", "Values as they occur."),
    ("enum", "The values that are allowed."),
    ("items", "What the items of the array are."),
    ("map", "What keys and values of the map are."),
    (
        "relationships",
        "Which properties of other objects it refers to: every value here is one that is there.",
    ),
    ("quality", "Rules that the data keeps."),
    ("metric", "What is counted."),
    (
        "arguments",
        "What the metric needs: validValues, missingValues, pattern or properties.",
    ),
    ("mustBe", "What the figure must be."),
    ("mustNotBe", "What the figure must not be."),
    ("mustBeGreaterThan", "The figure is greater than this."),
    ("mustBeGreaterOrEqualTo", "The figure is this or greater."),
    ("mustBeLessThan", "The figure is less than this."),
    ("mustBeLessOrEqualTo", "The figure is this or less."),
    (
        "mustBeBetween",
        "The figure is greater than the first number and less than the second.",
    ),
    ("mustNotBeBetween", "The figure is not between the two numbers."),
    (
        "query",
        "SQL that gives one figure; {object} and {property} stand for the table and the column.",
    ),
    ("engine", "The tool that runs the rule; `polder` for Polder's own."),
    ("implementation", "The rule in the engine's own form."),
    ("dimension", "The dimension of quality that the rule belongs to."),
    (
        "severity",
        "How much a failure weighs: error (the default), warning or info.",
    ),
    ("businessImpact", "What a failure means to the business."),
    (
        "customProperties",
        "What is said beyond the standard; `polder.onFailure` says what happens to failing rows.",
    ),
    ("authoritativeDefinitions", "Where it is defined or explained."),
    ("tags", "Free labels."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unheeded::PROPERTIES;

    #[test]
    fn every_property_of_polders_has_a_hint() {
        let known = PROPERTIES.map(|(name, ..)| name);
        assert_eq!(PROPERTY_HINTS.map(|(name, _)| name), known);
    }

    #[test]
    fn every_hint_is_for_a_key_of_the_standard() {
        let schema = super::super::editor_schema().to_string();
        for (key, _) in HINTS {
            assert!(schema.contains(&format!("\"{key}\":{{")), "{key}");
        }
    }
}

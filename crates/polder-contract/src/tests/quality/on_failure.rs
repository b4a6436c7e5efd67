//! What happens to failing rows.

use super::*;

#[test]
fn the_nearest_word_says_what_happens_to_a_failing_row() {
    let on = |word: &str| format!("customProperties: [{{property: polder.onFailure, value: {word}}}]");
    let columns = [
        format!("{{name: a, logicalType: string, required: true, {}}}", on("warn")),
        format!(
            "{{name: b, logicalType: string, required: true, {}, quality: [{{metric: nullValues, mustBe: 0, {}}}, \
             {{metric: duplicateValues, mustBe: 0, severity: warning}}, {{metric: rowCount, mustBeGreaterThan: 0}}]}}",
            on("reject"),
            on("quarantine")
        ),
        format!(
            "{{name: o, logicalType: object, {}, properties: [{{name: x, logicalType: string, required: true}}]}}",
            on("reject")
        ),
        "{name: c, logicalType: string, required: true, unique: true}".to_owned(),
        "{name: d, logicalType: string, quality: [{metric: nullValues, mustBe: 0, severity: info}]}".to_owned(),
    ];
    let columns: Vec<_> = columns.iter().map(String::as_str).collect();
    let text = with_properties(&columns);
    let found = |text: &str| -> Vec<(String, OnFailure, RuleSeverity)> {
        let rules = contract(text).objects[0].rules().unwrap();
        rules
            .into_iter()
            .map(|rule| (rule.id, rule.on_failure, rule.severity))
            .collect()
    };
    let of_object = text.replace("    properties:\n", &format!("    {}\n    properties:\n", on("warn")));
    let expected = |rest: OnFailure, severity: RuleSeverity| {
        use {OnFailure as F, RuleSeverity as S};
        [
            ("a.required", F::Warn, S::Warning),
            ("b.required", F::Reject, S::Error),
            ("b.nullValues", F::Quarantine, S::Error),
            ("b.duplicateValues", F::Warn, S::Warning),
            ("b.rowCount", F::Reject, S::Error),
            ("o.x.required", F::Reject, S::Error),
            ("c.required", rest, severity),
            ("c.unique", rest, severity),
            ("d.nullValues", F::Warn, S::Info),
        ]
        .map(|(id, on_failure, severity)| (id.to_owned(), on_failure, severity))
    };
    assert_eq!(found(&text), expected(OnFailure::Quarantine, RuleSeverity::Error));
    assert_eq!(found(&of_object), expected(OnFailure::Warn, RuleSeverity::Warning));
}

#[test]
fn what_happens_to_failing_rows_is_not_said_for_the_whole_contract() {
    let text = document("v3.1.0", "", "").replace(
        "status: active\n",
        "status: active\ncustomProperties: [{property: polder.onFailure, value: warn}]\n",
    );
    let found = findings(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].starts_with("6:31 custom-property `polder.onFailure` means nothing"),
        "{found:#?}"
    );
}

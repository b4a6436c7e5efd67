//! What changes ask of the version, and whom they break.

use super::compare::{BASE, edited};
use super::contract;
use crate::diff::{Bump, Mode, Reliance, compare};

#[test]
fn the_version_asks_for_what_changed() {
    let column = "      - id: p_day\n        name: day\n        logicalType: date\n";
    let add = format!("{column}      - name: hour\n        logicalType: integer\n");
    // (from, to, version) and what is said, nothing where the version is right.
    let cases = [
        (
            column,
            String::new(),
            "1.4.0",
            Some("its version is still 1.4.0: the column `day` was removed | write version: 2.0.0"),
        ),
        (
            column,
            String::new(),
            "1.5.0",
            Some("does not say enough: the column `day` was removed | write version: 2.0.0"),
        ),
        (column, String::new(), "2.0.0", None),
        (column, String::new(), "2.0.0-rc.1", None),
        (
            column,
            add.clone(),
            "1.4.1",
            Some("does not say enough: the column `hour` was added and is optional | write version: 1.5.0"),
        ),
        (column, add.clone(), "1.5.0", None),
        (column, add.clone(), "3.0.0", None),
        (
            column,
            add,
            "1.3.9",
            Some("went back from 1.4.0 to 1.3.9 | write version: 1.5.0"),
        ),
        (
            "purpose: Lines.",
            "purpose: Invoice lines.".to_owned(),
            "1.4.0",
            Some("still 1.4.0: `purpose`"),
        ),
        ("purpose: Lines.", "purpose: Invoice lines.".to_owned(), "1.4.1", None),
        (
            "value: 99.5",
            "value: 90".to_owned(),
            "1.4.1",
            Some("write version: 1.5.0"),
        ),
        ("value: 99.5", "value: 90".to_owned(), "1.5.0", None),
        (
            "purpose: Lines.",
            "purpose: x".to_owned(),
            "newest",
            Some("`newest` is no semantic version"),
        ),
    ];
    let old = contract(BASE);
    for (from, to, version, expected) in cases {
        let text = BASE
            .replacen(from, &to, 1)
            .replacen("version: 1.4.0", &format!("version: {version}"), 1);
        let new = contract(&text);
        let problem = compare(&old, &new).version_problem(&old, &new);
        match (problem, expected) {
            (None, None) => {}
            (Some(problem), Some(expected)) => {
                let span = problem.span.unwrap();
                assert_eq!(&text[span.start..span.end], version);
                let shown = format!("{} | {}", problem.message, problem.help.unwrap_or_default());
                for part in expected.split(" | ") {
                    assert!(shown.contains(part), "`{part}` is not in `{shown}`");
                }
            }
            (problem, expected) => panic!("{version}: {problem:?}, expected {expected:?}"),
        }
    }
}

#[test]
fn a_prerelease_is_free_as_far_as_its_own_numbers_say() {
    let day = "      - id: p_day\n        name: day\n        logicalType: date\n";
    let hour = format!("{day}      - name: hour\n        logicalType: integer\n");
    let cases = [
        ("2.0.0-rc.1", "", "2.0.0-rc.2", true),
        ("2.0.0-rc.1", "", "2.0.0", true),
        ("1.5.0-rc.1", "", "1.5.0", false),
        ("1.4.1-rc.1", "", "1.4.1", false),
        ("1.4.1-rc.1", "", "2.0.0-rc.1", true),
        ("1.5.0-rc.1", hour.as_str(), "1.5.0-rc.2", true),
        ("1.4.1-rc.1", hour.as_str(), "1.4.1", false),
        ("1.4.1-rc.1", hour.as_str(), "1.5.0", true),
        // No prereleases: there are no three numbers before the hyphen.
        ("2026-01", "", "2026-02", false),
        ("1-beta", hour.as_str(), "1-gamma", false),
    ];
    for (from, now, to, enough) in cases {
        let old = contract(&BASE.replacen("version: 1.4.0", &format!("version: {from}"), 1));
        let new = contract(
            &BASE
                .replacen(day, now, 1)
                .replacen("version: 1.4.0", &format!("version: {to}"), 1),
        );
        let problem = compare(&old, &new).version_problem(&old, &new);
        assert_eq!(problem.is_none(), enough, "{from} {to}: {problem:?}");
    }
}

#[test]
fn the_mode_says_whom_a_minor_version_may_break() {
    let required = "      - id: p_day\n        name: day\n        logicalType: date\n        required: true\n";
    let changes = [
        (
            edited("      - id: p_day\n        name: day\n        logicalType: date\n", ""),
            "readers",
        ),
        (
            edited(
                "      - id: p_day\n        name: day\n        logicalType: date\n",
                required,
            ),
            "writers",
        ),
        (edited("host: db.example", "host: db2.example"), "both"),
        (edited("value: 99.5", "value: 90"), "nobody"),
    ];
    for mode in Mode::ALL {
        let custom = format!("tags: [silver]\ncustomProperties: [{{property: polder.compatibility, value: {mode}}}]");
        let old = edited("tags: [silver]", &custom);
        for (new, breaks) in &changes {
            let mut comparison = compare(&old, new);
            assert_eq!(comparison.mode, mode);
            comparison
                .changes
                .retain(|change| change.code != "compatibility-mode-changed");
            let refused = match mode.as_str().split('_').next().unwrap() {
                "none" => false,
                "backward" => matches!(*breaks, "readers" | "both"),
                "forward" => matches!(*breaks, "writers" | "both"),
                _ => *breaks != "nobody",
            };
            assert_eq!(!mode.problems(&comparison).is_empty(), refused, "{mode} {breaks}");
            let bump = if refused { Bump::Major } else { Bump::Minor };
            assert_eq!(comparison.required_bump(), bump, "{mode} {breaks}");
        }
    }
    assert_eq!(Mode::of(&contract(BASE)), Mode::Backward);
}

#[test]
fn a_change_cannot_lift_the_mode_that_it_breaks() {
    let text = BASE
        .replacen(
            "      - id: p_day\n        name: day\n        logicalType: date\n",
            "",
            1,
        )
        .replacen(
            "tags: [silver]",
            "customProperties: [{property: polder.compatibility, value: none}]",
            1,
        );
    assert_eq!(compare(&contract(BASE), &contract(&text)).required_bump(), Bump::Major);
}

#[test]
fn drafts_are_free_to_break() {
    for (from, to) in [
        ("status: active", "status: draft"),
        ("version: 1.4.0", "version: 0.4.0"),
    ] {
        let old = edited(from, to);
        let new = contract(&old.text.replacen(
            "      - id: p_day\n        name: day\n        logicalType: date\n",
            "",
            1,
        ));
        assert_eq!(compare(&old, &new).required_bump(), Bump::Minor);
    }
}

#[test]
fn transitive_modes_look_at_every_earlier_version() {
    let with = |version: &str, day: bool, mode: &str| {
        let mut text = BASE
            .replacen("version: 1.4.0", &format!("version: {version}"), 1)
            .replacen(
                "tags: [silver]",
                &format!("customProperties: [{{property: polder.compatibility, value: {mode}}}]"),
                1,
            );
        if !day {
            text = text.replacen(
                "      - id: p_day\n        name: day\n        logicalType: date\n",
                "",
                1,
            );
        }
        contract(&text)
    };
    for (mode, found) in [("backward_transitive", 1), ("backward", 0), ("forward_transitive", 0)] {
        let earlier = [
            with("1.2.0", false, mode),
            with("1.1.0", true, mode),
            with("0.9.0", true, mode),
        ];
        let problems = crate::diff::problems_with_history(&earlier, &with("1.3.0", false, mode));
        assert_eq!(problems.len(), found, "{mode} {problems:?}");
        let next_major = crate::diff::problems_with_history(&earlier, &with("2.0.0", false, mode));
        assert_eq!(next_major, []);
    }
}

#[test]
fn a_consumer_is_broken_by_what_it_relies_on() {
    let columns = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    let broken = |from: &str, to: &str, read: Option<Vec<String>>, guarantees: &[&str]| {
        let reliance = Reliance {
            columns: read,
            guarantees: guarantees.iter().map(|name| (*name).to_owned()).collect(),
        };
        !compare(&contract(BASE), &edited(from, to)).breaks(&reliance).is_empty()
    };
    let day = "      - id: p_day\n        name: day\n        logicalType: date\n";
    assert!(broken(day, "", columns(&["id", "day"]), &[]));
    assert!(broken(day, "", None, &[]), "who reads all columns reads this one");
    assert!(!broken(day, "", columns(&["id", "days"]), &[]));
    let zip = "          - name: zip\n            logicalType: string\n";
    assert!(broken(zip, "", columns(&["address"]), &[]));
    assert!(broken(zip, "", columns(&["address.zip"]), &[]));
    assert!(!broken(zip, "", columns(&["address.city"]), &[]));
    assert!(broken(
        "physicalType: int\n",
        "physicalType: bigint\n",
        columns(&["quantity"]),
        &[]
    ));
    // A guarantee counts for those who named it only.
    let thousand = "mustBeGreaterOrEqualTo: 1000";
    assert!(broken(
        thousand,
        "mustBeGreaterOrEqualTo: 10",
        columns(&["id"]),
        &["enough_rows"]
    ));
    assert!(!broken(thousand, "mustBeGreaterOrEqualTo: 10", None, &[]));
    assert!(!broken(
        thousand,
        "mustBeGreaterOrEqualTo: 2000",
        columns(&["id"]),
        &["enough_rows"]
    ));
    assert!(broken(
        "value: 60\n    unit: m\n",
        "value: 2\n    unit: h\n",
        columns(&["id"]),
        &["latency"]
    ));
    assert!(broken(
        "value: 60\n    unit: m\n",
        "value: 2\n    unit: h\n",
        columns(&["id"]),
        &["ly"]
    ));
    assert!(broken(
        "maximum: 100",
        "maximum: 200",
        columns(&["id"]),
        &["quantity.maximum"]
    ));
    // A rule that goes with its column was a guarantee too.
    let gone = BASE.find("      - id: p_currency").unwrap();
    let end = BASE.find("    quality:\n      - id: enough_rows").unwrap();
    let currency = BASE[gone..end].to_owned();
    assert!(broken(&currency, "", columns(&["id"]), &["currency_known"]));
    assert!(!broken(&currency, "", columns(&["id"]), &["enough_rows"]));
}

#[test]
fn a_guarantee_that_goes_by_the_old_name_of_a_column_goes_with_that_name() {
    let broken = |from: &str, to: &str, guarantee: &str| {
        let reliance = Reliance {
            columns: Some(vec!["day".to_owned()]),
            guarantees: vec![guarantee.to_owned()],
        };
        !compare(&contract(BASE), &edited(from, to)).breaks(&reliance).is_empty()
    };
    for (name, guarantees) in [
        (
            "quantity",
            ["quantity.required", "quantity.minimum", "quantity.maximum"].as_slice(),
        ),
        ("kind", &["kind.enum", "kind.maxLength"]),
        ("currency", &["currency.nullValues"]),
        ("address", &["address.city.required"]),
        ("labels", &["labels[].pattern"]),
    ] {
        let (old, new) = (format!("        name: {name}\n"), format!("        name: {name}_2\n"));
        // The name in the store is what rules go by.
        let kept = format!("        name: {name}_2\n        physicalName: {name}\n");
        for guarantee in guarantees {
            assert!(broken(&old, &new, guarantee), "{guarantee}");
            assert!(!broken(&old, &kept, guarantee), "{guarantee}");
        }
        for others in ["currency_known", "enough_rows", "price.exclusiveMinimum"] {
            assert!(!broken(&old, &new, others), "{name}: {others}");
        }
    }
}

#[test]
fn rules_are_called_what_gates_call_them() {
    let old = contract(BASE);
    let contract_rules = crate::DatasetContract::all(&std::sync::Arc::new(old.clone()))[0]
        .rules()
        .unwrap();
    assert!(contract_rules.len() > 10, "{contract_rules:?}");
    let start = BASE.find("schema:\n  - name: lines").unwrap();
    let end = BASE.find("team:\n").unwrap();
    let gone = contract(&format!("{}{}", &BASE[..start], &BASE[end..]));
    let comparison = compare(&old, &gone);
    for rule in contract_rules {
        let reliance = Reliance {
            columns: Some(Vec::new()),
            guarantees: vec![rule.id.clone()],
        };
        let removed = comparison
            .changes
            .iter()
            .find(|change| change.code == "object-removed")
            .unwrap();
        assert!(
            removed.gone_rules().contains(&rule.id),
            "{} is not among {:?}",
            rule.id,
            removed.gone_rules()
        );
        assert!(!comparison.breaks(&reliance).is_empty());
    }
}

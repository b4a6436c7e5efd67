//! The forms, held against what their readers' specifications say.

use std::path::{Path, PathBuf};

use polder_core::document::{Diagnostic, Severity, Span};

use super::*;

fn span(line: usize, column: usize) -> Option<Span> {
    Some(Span {
        line,
        column,
        start: 0,
        end: 1,
    })
}

fn findings() -> Findings {
    let diagnostics = [Diagnostic {
        severity: Severity::Error,
        code: "wrong-value".into(),
        message: "`activ` is no status: 100% wrong,\nsee <the standard>".to_owned(),
        help: Some("did you mean `active`?".to_owned()),
        file: PathBuf::from("contracts/sales/a.odcs.yaml"),
        span: span(5, 9),
    }];
    let checked = ["contracts/sales/a.odcs.yaml", "contracts/sales/b.odcs.yaml"].map(Path::new);
    let mut findings = Findings::of_documents(&diagnostics, checked);
    findings.add(Case {
        suite: "sales.silver.orders".to_owned(),
        name: "agreed".to_owned(),
        outcome: Outcome::NotRun,
        message: "a rule in words, for people".to_owned(),
        help: None,
        place: None,
        severity: None,
        dimension: None,
    });
    findings
}

#[test]
fn junit_has_a_suite_for_each_subject_and_its_failures_and_skips_count() {
    let text = junit::render("polder check", &findings().cases).unwrap();
    let report = quick_junit::Report::deserialize_from_str(&text).unwrap();
    assert_eq!((report.tests, report.failures), (3, 1));
    let names: Vec<_> = report.test_suites.iter().map(|suite| suite.name.to_string()).collect();
    assert_eq!(
        names,
        [
            "contracts/sales/a.odcs.yaml",
            "contracts/sales/b.odcs.yaml",
            "sales.silver.orders"
        ]
    );
    assert!(text.contains("contracts/sales/a.odcs.yaml:5:9"), "{text}");
    assert!(text.contains("skipped"), "{text}");
}

#[test]
fn junit_is_well_formed_whatever_rules_and_values_hold() {
    let mut findings = Findings::default();
    for outcome in [Outcome::Failed, Outcome::Warned, Outcome::NotRun, Outcome::Passed] {
        findings.add(Case {
            suite: "a]]> <b> & \"c\" \u{1}".to_owned(),
            name: "line\r\nbreak\ttab \u{7}\u{0}\u{1b}[2J \u{FFFE} 🦀 'x' --> <![CDATA[".to_owned(),
            outcome,
            message: "is \u{FFFF}\u{8}]]>\nnext".to_owned(),
            help: Some("\u{c}".to_owned()),
            place: Some((PathBuf::from("a\u{2}<&>.yaml"), span(1, 1))),
            severity: None,
            dimension: None,
        });
    }
    let text = junit::render("polder test", &findings.cases).unwrap();
    let report = quick_junit::Report::deserialize_from_str(&text).unwrap();
    assert_eq!((report.tests, report.failures), (4, 1));
    let case = &report.test_suites[0].test_cases[0];
    assert_eq!(
        case.name.as_str(),
        "line break tab \u{FFFD}\u{FFFD}\u{FFFD}[2J \u{FFFD} 🦀 'x' --> <![CDATA["
    );
    // The production Char of XML 1.0, section 2.2.
    let allowed = |character: char| matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    assert_eq!(text.chars().find(|character| !allowed(*character)), None);
    assert!(!text.contains("]]>"), "{text}");
}

#[test]
fn sarif_tells_failures_with_their_lines_and_what_was_not_run_beside_the_results() {
    let log: Value = serde_json::from_str(&sarif::render(&findings().cases).unwrap()).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), 1);
    let result = &run["results"][0];
    assert_eq!(result["level"], "error");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(rules.iter().any(|rule| rule["id"] == result["ruleId"]), "{rules:?}");
    let not_run = &run["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(not_run.as_array().unwrap().len(), 1);
    assert_eq!(not_run[0]["associatedRule"]["id"], "agreed");
    assert_eq!(
        not_run[0]["message"]["text"],
        "sales.silver.orders: agreed was not run: a rule in words, for people"
    );
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "contracts/sales/a.odcs.yaml");
    assert_eq!(
        (&place["region"]["startLine"], &place["region"]["startColumn"]),
        (&5.into(), &9.into())
    );
}

#[test]
fn what_to_do_about_a_finding_stands_at_no_other_one_of_its_code_in_sarif() {
    let mut findings = Findings::default();
    for help in ["mend this", "mend that"] {
        findings.add(Case {
            help: Some(help.to_owned()),
            ..findings_of_one_code()
        });
    }
    let log: Value = serde_json::from_str(&sarif::render(&findings.cases).unwrap()).unwrap();
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["rules"], serde_json::json!([{"id": "breaks"}]));
    for (result, help) in run["results"]
        .as_array()
        .unwrap()
        .iter()
        .zip(["mend this", "mend that"])
    {
        let text = result["message"]["text"].as_str().unwrap();
        assert!(text.ends_with(&format!("({help})")), "{text}");
    }
}

fn findings_of_one_code() -> Case {
    Case {
        suite: "a.odcs.yaml".to_owned(),
        name: "breaks".to_owned(),
        outcome: Outcome::Failed,
        message: "it breaks somebody".to_owned(),
        help: None,
        place: None,
        severity: None,
        dimension: None,
    }
}

#[test]
fn annotations_escape_what_the_runner_would_take_for_its_own() {
    assert_eq!(
        github::render(&findings().cases),
        "::error file=contracts/sales/a.odcs.yaml,line=5,col=9,title=contracts/sales/a.odcs.yaml wrong-value::\
         `activ` is no status: 100%25 wrong,%0Asee <the standard>%0Adid you mean `active`?\n\
         ::notice title=1 check not run::sales.silver.orders agreed: a rule in words, for people\n"
    );
}

#[test]
fn an_annotation_is_one_command_whatever_names_and_values_hold() {
    let hostile = "a\r\n::stop-commands::x\n##[error]y,title=z:: \u{1b}[31m\u{9b}\u{202e}%0A";
    let mut findings = Findings::default();
    for outcome in [Outcome::Failed, Outcome::Warned, Outcome::Noted, Outcome::NotRun] {
        findings.add(Case {
            suite: hostile.to_owned(),
            name: hostile.to_owned(),
            outcome,
            message: hostile.to_owned(),
            help: Some(hostile.to_owned()),
            place: Some((PathBuf::from(hostile), span(1, 1))),
            severity: None,
            dimension: None,
        });
    }
    let text = github::render(&findings.cases);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    let begins = [
        "::error file=",
        "::warning file=",
        "::notice file=",
        "::notice title=1 check not run::",
    ];
    for (line, begin) in lines.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}");
        // `ActionCommand.TryParseV2`: what comes before the second `::` are the properties.
        let properties = line[2..].split("::").next().unwrap();
        assert!(!properties.contains(",title=z"), "{line}");
        assert!(!line.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\r']), "{line}");
        // A percent sign of the text stays one.
        assert!(line.contains("%250A"), "{line}");
    }
    let log: Value = serde_json::from_str(&sarif::render(&findings.cases).unwrap()).unwrap();
    assert!(
        log["runs"][0]["results"][0]["message"]["text"]
            .as_str()
            .unwrap()
            .contains(hostile)
    );
}

#[test]
fn json_names_every_check_and_the_share_that_was_run() {
    let report: Value = serde_json::from_str(&json::render("polder check", &findings()).unwrap()).unwrap();
    assert_eq!(
        (&report["passed"], &report["failed"], &report["not_run"]),
        (&1.into(), &1.into(), &1.into())
    );
    assert_eq!(report["checks"].as_array().unwrap().len(), 3);
    let share: f64 = report["coverage_percent"].to_string().parse().unwrap();
    assert!((share - 66.666_666).abs() < 0.001, "{share}");
}

#[test]
fn a_report_is_a_form_and_perhaps_a_file() {
    assert_eq!(
        "junit=out/report.xml".parse(),
        Ok(Report {
            format: ReportFormat::Junit,
            file: Some(PathBuf::from("out/report.xml"))
        })
    );
    // GitHub reads annotations out of a log with other lines; every other form stands alone.
    for (text, alone) in [
        ("json", true),
        ("json=-", true),
        ("json=a.json", false),
        ("github", false),
    ] {
        let report = text.parse::<Report>().unwrap();
        assert_eq!(Report::takes_output(&[report]), alone, "{text}");
    }
    assert!("xunit=a".parse::<Report>().unwrap_err().contains("junit"));
    assert!("sarif=".parse::<Report>().is_err());
}

#[test]
fn a_rule_that_nothing_runs_is_not_run_and_its_document_holds() {
    let diagnostics = [Diagnostic {
        severity: Severity::Note,
        code: NOT_RUN.into(),
        message: "a rule of soda".to_owned(),
        help: None,
        file: PathBuf::from("contracts/sales/a.odcs.yaml"),
        span: span(5, 9),
    }];
    let findings = Findings::of_documents(&diagnostics, [Path::new("contracts/sales/a.odcs.yaml")]);
    assert_eq!(
        (findings.count(Outcome::NotRun), findings.count(Outcome::Passed)),
        (1, 1)
    );
}

#[test]
fn paths_begin_at_the_root_of_the_repository_and_are_uris_in_sarif() {
    let folder = tempfile::tempdir().unwrap();
    let shop = folder.path().join("data/shop");
    for made in [&shop, &folder.path().join(".git")] {
        fs::create_dir_all(made).unwrap();
    }
    fs::write(folder.path().join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    for (path, uri) in [
        ("contracts/a b.yaml", "data/shop/contracts/a%20b.yaml"),
        ("main:a.yaml", "data/shop/main%3Aa.yaml"),
        ("/elsewhere/é.yaml", "file:///elsewhere/%C3%A9.yaml"),
    ] {
        let mut findings = findings();
        for case in &mut findings.cases {
            case.place = Some((PathBuf::from(path), None));
        }
        let log = sarif::render(&findings.placed(&shop)).unwrap();
        assert!(log.contains(&format!("\"uri\": \"{uri}\"")), "{log}");
    }
}

#[test]
fn standard_output_takes_one_report() {
    let report = |text: &str| text.parse::<Report>().unwrap();
    assert!(Report::refuse_several(&[report("github"), report("json=a.json")]).is_ok());
    let error = Report::refuse_several(&[report("github"), report("json")]).unwrap_err();
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn what_sorts_rules_is_in_every_report_that_programs_read() {
    let mut findings = Findings::default();
    for outcome in [Outcome::Failed, Outcome::NotRun] {
        findings.add(Case {
            suite: "sales.silver.orders".to_owned(),
            name: "many".to_owned(),
            outcome,
            message: "no row".to_owned(),
            help: None,
            place: None,
            severity: Some(RuleSeverity::Warning),
            dimension: Some("completeness".to_owned()),
        });
    }
    let expected = serde_json::json!({"severity": "warning", "dimension": "completeness"});
    let log: Value = serde_json::from_str(&sarif::render(&findings.cases).unwrap()).unwrap();
    let run = &log["runs"][0];
    assert_eq!(run["results"][0]["properties"], expected);
    assert_eq!(
        run["invocations"][0]["toolExecutionNotifications"][0]["properties"],
        expected
    );
    let report: Value = serde_json::from_str(&json::render("polder test", &findings).unwrap()).unwrap();
    for check in report["checks"].as_array().unwrap() {
        assert_eq!(
            (&check["severity"], &check["dimension"]),
            (&expected["severity"], &expected["dimension"])
        );
    }
    let junit = junit::render("polder test", &findings.cases).unwrap();
    for property in [
        "name=\"severity\" value=\"warning\"",
        "name=\"dimension\" value=\"completeness\"",
    ] {
        assert_eq!(junit.matches(property).count(), 2, "{junit}");
    }
}

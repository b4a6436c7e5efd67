//! The forms that continuous integration reads tell the same verdicts and figures as the table for people.

use serde_json::Value;

use super::{CONTRACT, DATASET, Mesh, contract, sets::unwrapped, ten_rows};

/// Of the rows four states are unknown, two values are null, and there are ten of them.
const RULES: [(&str, &str); 2] = [
    (
        "state",
        "quality: [{id: known, metric: invalidValues, arguments: {validValues: [new, paid]}, mustBe: 0}]",
    ),
    (
        "must",
        "quality: [{id: mostly, metric: nullValues, mustBeLessThan: 20, unit: percent, severity: warning}]",
    ),
];
const OBJECT: &str =
    "    quality: [{id: nine, metric: rowCount, mustBe: 9}, {id: ten, metric: rowCount, mustBe: 10}]\n";

#[test]
fn every_form_of_report_tells_what_failed_and_what_warned_with_its_figure() {
    let mesh = Mesh::landed_before(&contract("2.0.0", &RULES, OBJECT), &ten_rows());
    let mut arguments = vec!["test", DATASET, "--report", "json=r.json", "--report", "junit=r.xml"];
    arguments.extend(["--report", "sarif=r.sarif", "--report", "github=r.txt"]);
    let ended = mesh.polder.run(&arguments);
    assert_eq!(ended.code, Some(1), "{ended:?}");

    // Rule, outcome, and the figure in words.
    let expected = [
        ("known", "failed", "4 rows fail"),
        ("mostly", "warned", "it is 20, 2 rows fail"),
        ("nine", "failed", "it is 10"),
        ("ten", "passed", "it is 10"),
    ];
    let json: Value = serde_json::from_str(&mesh.read("r.json")).unwrap();
    let sarif: Value = serde_json::from_str(&mesh.read("r.sarif")).unwrap();
    let (junit, github) = (mesh.read("r.xml"), mesh.read("r.txt"));
    for (rule, outcome, figure) in expected {
        let checks = json["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["check"] == rule).unwrap();
        assert_eq!(check["outcome"], outcome, "{rule}");
        assert!(check["message"].as_str().unwrap().ends_with(figure), "{check}");

        let results = sarif["runs"][0]["results"].as_array().unwrap();
        let result = results.iter().find(|result| result["ruleId"] == rule);
        let level = result.map(|result| result["level"].as_str().unwrap());
        let (expected_level, command) = match outcome {
            "failed" => (Some("error"), Some("::error ")),
            "warned" => (Some("warning"), Some("::warning ")),
            _ => (None, None),
        };
        assert_eq!(level, expected_level, "{rule}");
        if let Some(result) = result {
            assert!(result.to_string().contains(figure), "{result}");
        }

        let title = format!("title={DATASET} {rule}::");
        let line = github.lines().find(|line| line.contains(&title));
        assert_eq!(line.is_some(), command.is_some(), "{rule}: {github}");
        if let (Some(line), Some(command)) = (line, command) {
            assert!(line.starts_with(command) && line.ends_with(figure), "{line}");
        }

        let case = junit
            .split("<testcase ")
            .find(|case| case.contains(&format!("name=\"{rule}\"")));
        let case = case.unwrap_or_else(|| panic!("{rule} is not in {junit}"));
        assert_eq!(case.contains("<failure"), outcome == "failed", "{case}");
        assert_eq!(case.contains("warned: "), outcome == "warned", "{case}");
        assert!(outcome == "passed" || case.contains(figure), "{case}");
    }
}

#[test]
fn a_rule_whose_name_is_a_number_is_told_with_its_line_where_it_refuses_a_write() {
    let rules = "    quality: [{metric: rowCount, mustBe: 10},\n      {metric: rowCount, mustBeLessThan: 9}]\n";
    let mesh = Mesh::under(&contract("2.0.0", &[], rules), &ten_rows());
    let text = mesh.read(CONTRACT);
    let line = 1 + text.lines().position(|line| line.contains("mustBeLessThan")).unwrap();
    let refused = mesh.polder.run(&["ingest", "--until-end"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let sentence = format!("rule rowCount#2 ({CONTRACT}:{line}): it would be 10 rows, asked: less than 9");
    assert!(
        unwrapped(&refused.stderr).contains(&sentence),
        "{sentence}: {refused:?}"
    );
}

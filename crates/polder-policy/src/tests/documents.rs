//! Documents of policies: what is refused, exceptions, to whom a policy applies.

use polder_core::config::Mesh;

use super::*;

fn problems(text: &str) -> Vec<String> {
    let (_, problems) = Policies::load([Source::new("own.yaml", text)]);
    problems
        .iter()
        .map(|problem| {
            format!(
                "{problem}{}",
                problem.help.as_ref().map_or(String::new(), |help| format!(" ({help})"))
            )
        })
        .collect()
}

const HEAD: &str = "policies:\n  - {id: x, description: d, reason: r, remedy: m, severity: error, ";

#[test]
fn what_is_wrong_with_a_document_is_said_at_its_place() {
    let cases = [
        (
            "rule: ownr}",
            "own.yaml:2:74: there is no rule `ownr` (did you mean `owner`?)",
        ),
        (
            "rule: present}",
            "own.yaml:2:74: `present` needs to know what it is asked about (add `scope: contract`, `object` or `property` to `applies`)",
        ),
        (
            "rule: owner, applies: {scope: column}}",
            "own.yaml:2:98: `column` is not a scope (a scope is contract, object or property)",
        ),
        (
            "rule: owner, applies: {scope: object}}",
            "own.yaml:2:90: this rule is about each contract, not about each object (leave `scope` out: this rule has no choice)",
        ),
        (
            "rule: owner, applies: {layers: [iron]}}",
            "own.yaml:2:100: this is no layer (layers are bronze, silver, gold and quarantine)",
        ),
        (
            "rule: owner, applies: {statuses: [aktive, in review]}}",
            "own.yaml:2:102: `aktive` is not a status of the standard (did you mean `active`?)",
        ),
        (
            "rule: naming, applies: {scope: object}, parameters: {pattern: '('}}",
            "own.yaml:2:130: the pattern cannot be used: unclosed group",
        ),
        (
            "rule: owner, parameters: {who: me}}",
            "own.yaml:2:94: `parameters.who` is not known (known here: )",
        ),
        (
            "rule: owner, exceptions: [{dataset: a, reason: b, until: soon}]}",
            "own.yaml:2:125: `soon` is not a date (write the last day on which the exception holds, such as 2027-03-31)",
        ),
        (
            "rule: owner, seeverity: error}",
            "own.yaml:2:81: `seeverity` is not known (did you mean `severity`?)",
        ),
    ];
    for (rest, said) in cases {
        let said_now = problems(&format!("{HEAD}{rest}\n"));
        assert!(
            said_now.iter().any(|text| text == said),
            "{rest} gave\n{}",
            said_now.join("\n")
        );
    }
    assert!(problems(&format!("{HEAD}}}\n"))[0].contains("the policy asks for nothing"));
    assert!(problems("policies: []\n").is_empty());
    assert!(
        problems("polices: []\n")
            .iter()
            .any(|text| text.contains("`policies` is missing"))
    );
    let twice = format!(
        "{HEAD}rule: owner}}\n{}rule: keys}}\n",
        HEAD.trim_start_matches("policies:\n")
    );
    assert!(problems(&twice)[0].contains("there is another policy `x`"));
}

#[test]
fn a_mesh_that_declares_no_policy_is_not_left_unchecked_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("polder.yaml"), "name: shop\nlake: {location: x}\n").unwrap();
    let mesh = Mesh::load_with(folder.path(), |_| None, []).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join("catalog/policies").join(name), text);
    let load = || Policies::of_mesh(&mesh).unwrap();
    assert!(load().0.are_defaults());
    // A folder without documents says as little as none: a clone of the repository does not have it.
    std::fs::create_dir_all(folder.path().join("catalog/policies")).unwrap();
    write("own.yml", &format!("{HEAD}rule: owner}}\n")).unwrap();
    let (set, found) = load();
    assert!(set.are_defaults() && found.is_empty());
    write("own.yaml", "policies: []\n").unwrap();
    let (set, found) = load();
    assert_eq!((set.iter().count(), codes(&found)), (0, vec!["no-policy"]));
    assert_eq!(found[0].severity, Severity::Warning);
    // What is wrong with the document is told instead.
    write("own.yaml", "polices: []\n").unwrap();
    assert!(!codes(&load().1).contains(&"no-policy"));
    write("own.yaml", &format!("{HEAD}rule: owner}}\n")).unwrap();
    let (set, found) = load();
    assert!(set.get("x").is_some() && !set.are_defaults() && found.is_empty());
}

#[test]
fn a_policy_is_about_the_contracts_that_it_names() {
    let set = contracts(&contract("gold", KEY, ""));
    let found = |applies: &str| {
        let text =
            format!("{HEAD}applies: {applies}, rule: service-levels, parameters: {{properties: [retention]}}}}\n");
        check(&policies(&text), &set, today()).len()
    };
    for applies in [
        "{}",
        "{layers: [gold]}",
        "{domains: [sales]}",
        "{datasets: ['sales.*']}",
        "{statuses: [Active]}",
    ] {
        assert_eq!(found(applies), 1, "{applies}");
    }
    for applies in [
        "{layers: [silver]}",
        "{domains: [shop]}",
        "{datasets: ['*.silver.*']}",
        "{statuses: [draft]}",
        "{layers: [gold], domains: [shop]}",
    ] {
        assert_eq!(found(applies), 0, "{applies}");
    }
}

#[test]
fn an_exception_excuses_until_its_day_is_over() {
    let set = contracts(&contract(
        "silver",
        &format!("{KEY}      - {{name: orderNote, logicalType: string}}\n"),
        "",
    ));
    let found = |exceptions: &str| {
        let text = format!("{HEAD}applies: {{scope: property}}, rule: naming, exceptions: {exceptions}}}\n");
        let found = check(&policies(&text), &set, today());
        codes(&found).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found("[]"), ["x"]);
    assert_eq!(
        found("[{dataset: sales.silver.orders, column: orderNote, reason: r, until: 2026-06-30}]"),
        Vec::<String>::new()
    );
    assert_eq!(
        found("[{dataset: 'sales.*', reason: r, until: 2026-06-30}]"),
        Vec::<String>::new()
    );
    assert_eq!(
        found("[{dataset: 'sales.*', reason: r, until: 2026-06-29}]"),
        ["expired-exception", "x"]
    );
    assert_eq!(
        found("[{dataset: 'sales.*', column: 'other*', reason: r, until: 2026-07-01}]"),
        ["unused-exception", "x"]
    );
}

#[test]
fn an_exception_without_a_reason_or_day_is_refused() {
    let said = problems(&format!("{HEAD}rule: owner, exceptions: [{{dataset: a}}]}}\n"));
    assert!(said.iter().any(|text| text.contains("`reason` is missing")), "{said:?}");
    assert!(said.iter().any(|text| text.contains("`until` is missing")), "{said:?}");
}

#[test]
fn findings_have_severity_place_and_remedy() {
    let set = contracts(&contract("gold", KEY, "").replace("team:\n  name: sales\n", ""));
    let text = "policies:\n  - id: somebody\n    description: d\n    reason: r\n    remedy: name somebody\n    severity: note\n    rule: owner\n";
    let found = check(&policies(text), &set, today());
    assert_eq!(found[0].severity, Severity::Note);
    assert_eq!(found[0].help.as_deref(), Some("name somebody"));
    assert_eq!(
        found[0].to_string(),
        "contracts/sales/orders.odcs.yaml:3:5: the contract `Orders` has no owner"
    );
}

#[test]
fn a_policy_about_names_that_are_nearly_there_is_told() {
    let text = format!(
        "{HEAD}rule: owner, applies: {{domains: [slaes, finance], datasets: [sales.gold.odrers, 'sales.*', shop.gold.x, 'sales.glod.*', 'slaes.*', '*.gold.odrers', 'hr.*']}}}}\n"
    );
    let set = contracts(&contract("gold", KEY, LEVELS));
    let found = check(&policies(&text), &set, today());
    let found: Vec<_> = found
        .iter()
        .map(|found| (found.message.as_str(), found.help.as_deref()))
        .collect();
    assert_eq!(
        found,
        [
            (
                "the policy `x` applies to `slaes`, which no contract has",
                Some("did you mean `sales`?")
            ),
            (
                "the policy `x` applies to `sales.gold.odrers`, which no contract has",
                Some("did you mean `sales.gold.orders`?")
            ),
            (
                "the policy `x` applies to `sales.glod.*`, which no contract has",
                Some("did you mean `sales.gold.*`?")
            ),
            (
                "the policy `x` applies to `slaes.*`, which no contract has",
                Some("did you mean `sales.*`?")
            ),
            (
                "the policy `x` applies to `*.gold.odrers`, which no contract has",
                Some("did you mean `*.gold.orders`?")
            ),
        ]
    );
}

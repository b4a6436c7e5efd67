//! A slip of the pen in any document of the mesh: one finding, at its place, and nothing that only follows from it.

use crate::mesh::Mesh;

const BRONZE: &str = "contracts/sales/invoice_lines.bronze.odcs.yaml";
const SILVER: &str = "contracts/sales/invoice_lines.silver.odcs.yaml";
const GOLD: &str = "contracts/product/product_sales.odcs.yaml";
const PRODUCT: &str = "contracts/product/product_sales.odps.yaml";
const SAMPLES: &str = "contracts/sales/invoice_lines.bronze.samples.yaml";

/// The findings in what was printed: each head with its place.
fn findings(printed: &str) -> Vec<String> {
    let lines: Vec<&str> = printed.lines().collect();
    let head = |line: &str| {
        ["error", "warning", "note"]
            .iter()
            .any(|word| line.starts_with(&format!("{word}[")))
    };
    let heads = lines.iter().enumerate().filter(|(_, line)| head(line));
    heads
        .map(|(at, line)| format!("{line} {}", lines.get(at + 1).unwrap_or(&"").trim()))
        .collect()
}

#[test]
fn a_slip_of_the_pen_is_told_once_where_it_is() {
    let query =
        |query: &str| format!("    quality:\n      - {{id: q, type: sql, query: \"{query}\", mustBe: 0}}\nteam:\n");
    let cases = [
        // A document that is wrong leads to nothing that is said of those who use what it declares.
        (BRONZE, "\nid: ", "\nidd: ".to_owned(), Some(2), "did you mean `id`?"),
        (
            BRONZE,
            "status: active",
            "stauts: active".to_owned(),
            Some(2),
            "did you mean `status`?",
        ),
        (
            BRONZE,
            "schema:",
            "shcema:".to_owned(),
            Some(2),
            "did you mean `schema`?",
        ),
        (
            BRONZE,
            "  - name: invoice_lines\n",
            "  - nmae: invoice_lines\n".to_owned(),
            Some(2),
            "did you mean `name`?",
        ),
        (
            BRONZE,
            "    physicalName:",
            "    physicalNam:".to_owned(),
            Some(2),
            "did you mean `physicalName`?",
        ),
        (
            BRONZE,
            "sales.bronze.invoice_lines\n    physicalType",
            "sales.bronz.invoice_lines\n    physicalType".to_owned(),
            Some(2),
            "sales.bronz.invoice_lines",
        ),
        (
            BRONZE,
            "metric: invalidValues\n            arguments:\n              validValues: [retail",
            "metrc: invalidValues\n            arguments:\n              validValues: [retail".to_owned(),
            Some(2),
            "did you mean `metric`?",
        ),
        (
            BRONZE,
            "mustBe: 0\n      - name: event_version",
            "mustbe: 0\n      - name: event_version".to_owned(),
            Some(2),
            "did you mean `mustBe`?",
        ),
        (
            BRONZE,
            "physicalType: int\n",
            "physicalType: itn\n".to_owned(),
            Some(2),
            "`itn`",
        ),
        (
            BRONZE,
            "      - name: event_type",
            "     - name: event_type".to_owned(),
            Some(2),
            "not valid YAML",
        ),
        (
            SILVER,
            "primaryKeyPosition: 1",
            "primaryKeyPositon: 1".to_owned(),
            Some(2),
            "did you mean `primaryKeyPosition`?",
        ),
        // What is accepted and would not be heeded.
        (
            BRONZE,
            "{12}$\"",
            "{12$\"".to_owned(),
            Some(0),
            "`{12` is no repetition",
        ),
        (
            BRONZE,
            "status: active",
            "status: actve".to_owned(),
            Some(0),
            "did you mean `active`?",
        ),
        (
            BRONZE,
            "domain: sales",
            "domain: slaes".to_owned(),
            Some(0),
            "did you mean `sales`?",
        ),
        (
            BRONZE,
            "element: invoice_lines.timestamp",
            "element: invoice_lines.timestmp".to_owned(),
            Some(0),
            "did you mean `invoice_lines.timestamp`?",
        ),
        (
            BRONZE,
            "unit: m\n",
            "unit: mins.\n".to_owned(),
            Some(0),
            "no length of time",
        ),
        // Rules that cannot be run.
        (SILVER, "team:\n", query("SELEC 1"), Some(2), "cannot be read"),
        (SILVER, "team:\n", query("DELETE FROM {object}"), Some(2), "only read"),
        (
            SILVER,
            "      - name: stock_code\n",
            "      - name: stock_code\n        relationships: [{to: sales.silver.products.stock_cod}]\n".to_owned(),
            Some(2),
            "has no column `stock_cod`",
        ),
        // Notice, products, samples.
        (
            GOLD,
            "    value: 90d",
            "    value: 90 dys".to_owned(),
            Some(2),
            "write it as 90d",
        ),
        (
            PRODUCT,
            "outputPorts:",
            "outputPort:".to_owned(),
            Some(2),
            "did you mean `outputPorts`?",
        ),
        (
            PRODUCT,
            "tool: email",
            "tool: emial".to_owned(),
            Some(0),
            "did you mean `email`?",
        ),
        (
            SAMPLES,
            "invoice_lines:",
            "invoice_line:".to_owned(),
            Some(2),
            "did you mean `invoice_lines`?",
        ),
        (SAMPLES, "good:", "god:".to_owned(), Some(2), "did you mean `good`?"),
        (
            SAMPLES,
            "rule: quantity",
            "rule: quantty".to_owned(),
            Some(2),
            "did you mean `quantity.required`?",
        ),
        (SAMPLES, "bad:", "bad: [".to_owned(), Some(2), "not valid YAML"),
    ];
    let mut wrong = Vec::new();
    for (file, from, to, code, says) in cases {
        let mesh = Mesh::offline();
        mesh.edit(file, from, &to);
        for command in [&["contract", "lint"][..], &["check"]] {
            let ended = mesh.polder.run(command);
            let printed = format!("{}{}", ended.stdout, ended.stderr);
            let found = findings(&printed);
            let right = found.len() == 1 && found[0].contains(file) && printed.contains(says) && ended.code == code;
            if !right {
                wrong.push(format!(
                    "{command:?} of {to:?} in {file}: exit code {:?}, {found:#?}",
                    ended.code
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_check_tells_of_a_contract_with_mistakes_what_its_lint_tells() {
    let mesh = Mesh::offline();
    mesh.edit(
        GOLD,
        "schema:\n",
        "schema:\n  - name: other\n    physicalName: product.gold.other\n    properties:\n      - {name: n, logicalType: integer, \
         logicalTypeOptions: {minimum: 5, maximum: 3}}\n      - {name: m, logicalType: integer}\n    quality:\n      - {id: row, \
         type: custom, engine: polder, implementation: {row: mm > 0}}\n      - {id: query, type: sql, mustBe: 0, query: SELECT \
         count(*) FROM hr.gold.wages}\n",
    );
    let lint = mesh.polder.run(&["contract", "lint"]);
    let told = findings(&format!("{}{}", lint.stdout, lint.stderr));
    assert_eq!((lint.code, told.len()), (Some(2), 3), "{told:#?}");
    let check = mesh.polder.run(&["check"]);
    let all = findings(&format!("{}{}", check.stdout, check.stderr));
    assert_eq!((check.code, all), (Some(2), told));
}

#[test]
fn a_mistake_in_the_first_good_row_is_told_once_by_the_test_of_samples() {
    let mesh = Mesh::offline();
    mesh.edit(SAMPLES, "quantity: ", "quantiy: ");
    let ended = mesh.polder.run(&["contract", "test", "sales.bronze.invoice_lines"]);
    let found = findings(&format!("{}{}", ended.stdout, ended.stderr));
    assert_eq!((ended.code, found.len()), (Some(2), 1), "{found:#?}");
}

#[test]
fn a_document_whose_ending_is_not_known_is_not_left_out_in_silence() {
    let mesh = Mesh::offline();
    std::fs::rename(mesh.path(GOLD), mesh.path("contracts/product/product_sales.odcs.yml")).unwrap();
    let ended = mesh.polder.run(&["contract", "lint"]);
    let found = findings(&format!("{}{}", ended.stdout, ended.stderr));
    let told =
        |found: &&String| found.starts_with("warning[unknown-document]") && found.contains("product_sales.odcs.yml");
    assert_eq!(found.iter().filter(told).count(), 1, "{found:#?}");
}

#[test]
fn documents_of_the_catalog_that_nothing_reads_are_told() {
    let mesh = Mesh::offline();
    for file in [
        "catalog/consumers/bi.yml",
        "catalog/consumers/team/bi.yaml",
        "catalog/cancellations/x.yml",
        "catalog/policies/sub/own.yaml",
        "catalog/consumer/bi.yaml",
    ] {
        let path = mesh.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "name: bi\n").unwrap();
        for (command, tells) in [
            (&["check"][..], true),
            (
                &["contract", "status"],
                file.contains("consumers/") || file.contains("cancellations/"),
            ),
            (&["policy", "list"], file.contains("policies/")),
        ] {
            let ended = mesh.polder.run(command);
            let found = findings(&format!("{}{}", ended.stdout, ended.stderr));
            let told = |found: &&String| found.starts_with(&format!("warning[unknown-document]: {file}: "));
            assert_eq!(ended.code, Some(0), "{command:?} {file}");
            assert_eq!(
                found.iter().filter(told).count() == 1,
                tells,
                "{command:?} {file}: {found:#?}"
            );
        }
    }
}

#[test]
fn the_list_of_domains_is_held_against_the_domains_that_have_datasets() {
    const DOMAINS: &str = "catalog/domains.yaml";
    let check = |from: &str, to: &str| {
        let mesh = Mesh::offline();
        mesh.edit(DOMAINS, from, to);
        let ended = mesh.polder.run(&["check"]);
        (ended.code, findings(&ended.stderr), ended.stderr)
    };
    let at = |line: usize| format!("--> {DOMAINS}:{line}:");
    // A misspelt one is a warning, with the one that was meant.
    let (code, found, said) = check("  product:\n", "  produt:\n");
    assert_eq!(code, Some(0), "{said}");
    let [one] = found.as_slice() else { panic!("{said}") };
    let head = "warning[undeclared-domain]: the domain `product` has datasets and is not declared here";
    assert!(
        one.starts_with(head) && one.contains(&format!("--> {DOMAINS}:")),
        "{said}"
    );
    assert!(said.contains("is `produt` meant to be `product`?"), "{said}");
    // Each domain needs both keys, and has no other.
    let owner = "    owner: product@shop.example\n";
    for (from, to, line, words) in [
        (owner, "", 7, "`owner`"),
        (owner, "    ownr: product@shop.example\n", 8, "did you mean `owner`?"),
        ("domains:\n", "domain:\n", 2, "did you mean `domains`?"),
    ] {
        let (code, found, said) = check(from, to);
        assert_eq!(code, Some(2), "{to}: {said}");
        assert!(said.contains(words), "{words}: {said}");
        assert!(found.iter().any(|found| found.contains(&at(line))), "{line}: {said}");
    }
    // A mesh may go without it.
    let mesh = Mesh::offline();
    std::fs::remove_file(mesh.path(DOMAINS)).unwrap();
    let ended = mesh.polder.run(&["check"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
}

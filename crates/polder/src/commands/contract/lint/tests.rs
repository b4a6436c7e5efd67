use super::*;

#[test]
fn row_sql_that_cannot_be_compiled_and_service_levels_without_a_unit_are_told() {
    let text = "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: active\nschema:\n  - name: refunds\n    \
                physicalName: shop.silver.refunds\n    properties:\n      - {name: refund, logicalType: number}\n    quality:\n      \
                - {id: sound, type: custom, engine: polder, implementation: {row: refund BETWEEN 0 AND 500}}\n      \
                - {id: odd, type: custom, engine: polder, implementation: {row: refnd BETWEEN 0 AND 500}}\n\
                slaProperties:\n  - {property: retention, value: 3, unit: fortnights}\n  - {property: latency, value: 1, unit: d}\n";
    for domain in [Some("shop".to_owned()), None] {
        let found = lint(&Documents {
            sources: vec![(domain, Source::new("contracts/shop/refunds.odcs.yaml", text))],
            told: Vec::new(),
            root: PathBuf::new(),
        })
        .unwrap();
        let lines: Vec<_> = found
            .iter()
            .map(|found| (found.severity, found.span.map(|span| span.line)))
            .collect();
        assert_eq!(
            lines,
            [(Severity::Error, Some(13)), (Severity::Warning, Some(15))],
            "{found:#?}"
        );
        assert!(found[0].message.contains("refnd"), "{found:#?}");
        assert!(found[1].message.contains("`retention`"), "{found:#?}");
    }
}

const REFUNDS: &str = "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: active\nschema:\n  - name: refunds\n    \
                       physicalName: shop.silver.refunds\n    properties:\n      - {name: refund, logicalType: integer}\n";

fn documents(sources: &[(&str, &str)], domain: Option<&str>) -> Documents {
    let sources = sources.iter().map(|(name, text)| {
        let path = format!("contracts/shop/{name}");
        (domain.map(str::to_owned), Source::new(path, *text))
    });
    Documents {
        sources: sources.collect(),
        told: Vec::new(),
        root: PathBuf::new(),
    }
}

/// `file:line code` of each finding.
fn told(documents: &Documents) -> Vec<String> {
    let found = lint(documents).unwrap();
    let line = |found: &Diagnostic| {
        let line = found.span.map_or(0, |span| span.line);
        format!("{}:{line} {}", found.file.file_name().unwrap().display(), found.message)
    };
    found.iter().map(line).collect()
}

#[test]
fn queries_of_rules_are_read_without_a_table() {
    let cases = [
        ("SELECT count(*) FROM {object}", None),
        ("SELECT count(refnd) FROM {object}", None),
        ("SELEC count(*) FROM {object}", Some("cannot be read")),
        ("DELETE FROM {object}", Some("is not allowed")),
        ("SELECT 1; SELECT 2", Some("one statement at a time")),
        (
            "SELECT count(*) FROM shop.gold.other",
            Some("neither the contract's nor named"),
        ),
        ("SELECT count(*) FROM {objct}", Some("cannot be read")),
    ];
    for (query, wrong) in cases {
        let text = format!("{REFUNDS}    quality:\n      - {{id: q, type: sql, query: \"{query}\", mustBe: 0}}\n");
        for domain in [Some("shop"), None] {
            let found = told(&documents(&[("refunds.odcs.yaml", &text)], domain));
            match wrong {
                None => assert_eq!(found, [""; 0], "{query}"),
                Some(said) => assert!(
                    found.len() == 1 && found[0].starts_with("refunds.odcs.yaml:12 q: ") && found[0].contains(said),
                    "{query}: {found:?}"
                ),
            }
        }
    }
}

/// Of every rule the SQL is wrong, but of `related`; lines from 14 on.
const WRONG_SQL: &str = "apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: active\nschema:\n  - name: refunds\n    \
                         physicalName: shop.silver.refunds\n    relationships: [{from: refunds.buyer, to: crm.gold.people.number}]\n    \
                         properties:\n      - {name: refund, logicalType: integer}\n      - {name: paid, logicalType: number}\n      \
                         - {name: buyer, logicalType: integer}\n    quality:\n      \
                         - {id: unended, type: custom, engine: polder, implementation: {row: (refund > 0}}\n      \
                         - {id: unknown, type: custom, engine: polder, implementation: {row: payd > 0}}\n      \
                         - {id: written, type: sql, query: 'DELETE FROM {object}', mustBe: 0}\n      \
                         - {id: foreign, type: sql, query: SELECT count(*) FROM hr.gold.wages, mustBe: 0}\n      \
                         - {id: related, type: sql, query: SELECT count(*) FROM crm.gold.people, mustBe: 0}\n";

#[test]
fn sql_of_rules_is_told_beside_other_mistakes_and_what_follows_from_these_is_not() {
    let unended = "15 the contract of shop.silver.refunds cannot be enforced: rule unended: ";
    let unknown = "16 the contract of shop.silver.refunds cannot be enforced: rule unknown: there is no column `payd`";
    let written = "17 written: DELETE FROM is not allowed";
    let foreign = "18 foreign: the query reads hr.gold.wages, which is neither";
    let cases: [(&str, &str, &[&str]); 11] = [
        (
            "status: active",
            "status: active",
            &[unended, unknown, written, foreign],
        ),
        // Far from the schema.
        (
            "status: active",
            "status: 7",
            &["5 `status` must be", unended, unknown, written, foreign],
        ),
        (
            "version: 1.0.0\n",
            "version: 1.0.0\ndescripton: {}\n",
            &[
                "5 `descripton` is not known",
                "16 the contract",
                "17 the contract",
                "18 written",
                "19 foreign",
            ],
        ),
        // A column of which nobody can say what it is: what reads it is left out, and so are unknown columns.
        (
            "paid, logicalType: number",
            "paid, logicalType: numbr",
            &["12 ", unended, written, foreign],
        ),
        (
            "refund, logicalType: integer",
            "refund, logicalType: intger",
            &["11 ", written, foreign],
        ),
        // A limit that makes no sense is no other column.
        (
            "paid, logicalType: number",
            "paid, logicalType: number, logicalTypeOptions: {minimum: x}",
            &["12 ", unended, unknown, written, foreign],
        ),
        // What may be read is not known where a reference is wrong.
        ("to: crm", "too: crm", &["9 ", unended, unknown, written]),
        ("relationships:", "relationship:", &["9 ", unended, unknown, written]),
        (
            "{from: refunds.buyer,",
            "{from: refunds.bier,",
            &["9 ", unended, unknown, written],
        ),
        // In the rule itself: a key beside the SQL, and what it is held against.
        (
            "{object}', mustBe: 0",
            "{object}', mustBe: 0, sevrity: error",
            &[
                unended,
                unknown,
                written,
                "17 `schema[0].quality[2].sevrity` is not known",
                foreign,
            ],
        ),
        (
            "{object}', mustBe: 0",
            "{object}', mustBe: [0]",
            &[unended, unknown, "17 `schema[0]", foreign],
        ),
    ];
    for (right, wrong, expected) in cases {
        let text = WRONG_SQL.replacen(right, wrong, 1);
        for domain in [Some("shop"), None] {
            let mut found = told(&documents(&[("refunds.odcs.yaml", &text)], domain));
            // References are held against the mesh where nothing else is wrong.
            found.retain(|line| !line.contains("there is no contract of crm.gold.people"));
            let begins = |(found, expected): (&String, &&str)| {
                let found = found.strip_prefix("refunds.odcs.yaml:");
                found.is_some_and(|found| found.starts_with(expected))
            };
            let same = found.len() == expected.len() && found.iter().zip(expected).all(begins);
            assert!(same, "{wrong}: {found:#?}");
        }
    }
}

#[test]
fn samples_beside_contracts_are_read_too() {
    let cases = [
        ("refunds:\n  good: [{refund: 1}]\n", ""),
        (
            "refunds:\n  good: [{refund: 1]\n",
            "refunds.samples.yaml:2 not valid YAML",
        ),
        (
            "refnds:\n  good: [{refund: 1}]\n",
            "refunds.samples.yaml:1 the contract has no object `refnds`",
        ),
        (
            "refunds:\n  good:\n  - {refnd: 1}\n  - {refnd: 2}\n",
            "refunds.samples.yaml:3 there is no column `refnd`",
        ),
        (
            "refunds:\n  good:\n  - {refund: one}\n",
            "refunds.samples.yaml:3 `refund` of a sample row: `one` is no",
        ),
        (
            "refunds:\n  good:\n  - {refund: 1}\n  bad:\n  - {rule: refund.minimum, change: {refund: 0}}\n",
            "refunds.samples.yaml:5 the contract has no rule `refund.minimum`",
        ),
        (
            "refunds:\n  god: [{refund: 1}]\n  bad: [{rule: r, change: {refund: 0}}]\n",
            "refunds.samples.yaml:2 `samples.god` is not known",
        ),
    ];
    let text = format!(
        "{REFUNDS}    quality:\n      - {{id: r, type: custom, engine: polder, implementation: {{row: refund > 0}}}}\n"
    );
    for (samples, said) in cases {
        for domain in [Some("shop"), None] {
            let found = told(&documents(
                &[("refunds.odcs.yaml", &text), ("refunds.samples.yaml", samples)],
                domain,
            ));
            let right = match said {
                "" => found.is_empty(),
                said => found.len() == 1 && found[0].starts_with(said),
            };
            assert!(right, "{samples}: {found:?}");
        }
    }
    let alone = told(&documents(&[("refunds.samples.yaml", cases[0].0)], None));
    assert_eq!(
        alone,
        ["refunds.samples.yaml:0 there is no contract beside these samples"]
    );
    // A contract that is wrong is told, and not that nothing lies beside the samples.
    let wrong = text.replace("logicalType: integer", "logicalType: integr");
    let sources = [
        ("refunds.odcs.yaml", wrong.as_str()),
        ("refunds.samples.yaml", cases[0].0),
    ];
    let found = told(&documents(&sources, Some("shop")));
    assert!(
        found.len() == 1 && found[0].starts_with("refunds.odcs.yaml:10"),
        "{found:?}"
    );
}

#[test]
fn documents_of_a_mesh_are_held_against_each_other() {
    let text = REFUNDS.replace(
        "{name: refund, ",
        "{name: refund, relationships: [{to: shop.silver.order.id}], ",
    );
    let product = "apiVersion: v1.0.0\nkind: DataProduct\nid: p\nstatus: active\nversion: 1.0.0\noutputPorts:\n  \
                   - {name: refunds, version: 1.0.0, contractId: y}\n";
    let sources = [("refunds.odcs.yaml", text.as_str()), ("p.odps.yaml", product)];
    assert_eq!(
        told(&documents(&sources, Some("shop"))),
        [
            "p.odps.yaml:7 the output port `refunds` names the contract `y`, which is not there",
            "refunds.odcs.yaml:10 refund.foreignKey: there is no contract of shop.silver.order",
        ]
    );
    assert_eq!(told(&documents(&sources, None)), [""; 0]);
}

#[test]
fn samples_beside_a_named_contract_are_linted_with_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let texts = [
        ("refunds.odcs.yaml", REFUNDS),
        ("refunds.samples.yaml", "refunds:\n  good: [{refnd: 1}]\n"),
        ("alone.odcs.yaml", REFUNDS),
    ];
    for (name, text) in texts {
        fs::write(path(name), text).unwrap();
    }
    let (contract, samples) = (path("refunds.odcs.yaml"), path("refunds.samples.yaml"));
    let dotted = folder.path().join(".").join("refunds.samples.yaml");
    let both = [contract.clone(), samples.clone()];
    let named: [(&[PathBuf], usize); 6] = [
        (std::slice::from_ref(&contract), 2),
        (&both, 2),
        (&[samples.clone(), contract.clone()], 2),
        (&[contract.clone(), dotted], 2),
        (&[path("alone.odcs.yaml")], 1),
        (&[folder.path().to_owned()], 3),
    ];
    for (paths, expected) in named {
        let (found, told) = files(paths);
        assert_eq!((found.len(), told.len()), (expected, 0), "{paths:?}: {found:?}");
        assert_eq!(
            found.iter().any(|path| path.ends_with("refunds.samples.yaml")),
            expected > 1
        );
    }
    let (found, _) = files(&[contract]);
    let sources = found
        .iter()
        .map(|path| (None, Source::read(folder.path(), path).unwrap()));
    let told = told(&Documents {
        sources: sources.collect(),
        told: Vec::new(),
        root: folder.path().to_owned(),
    });
    assert_eq!(told, ["refunds.samples.yaml:2 there is no column `refnd`"]);
}

#[test]
fn an_output_port_without_a_contract_is_told_of_a_product_that_is_named_too() {
    let text = "apiVersion: v1.0.0\nkind: DataProduct\nid: shop.report\nname: Report\nversion: 1.0.0\nstatus: draft\n\
                outputPorts:\n  - {name: bound, version: 1.0.0, contractId: shop.gold.elsewhere}\n  \
                - {name: loose, version: 1.0.0}\n";
    // Whether `shop.gold.elsewhere` is there, only a mesh can tell.
    let cases: [(Option<&str>, &[&str]); 2] = [
        (None, &["shop.odps.yaml:9 no-contract"]),
        (
            Some("shop"),
            &["shop.odps.yaml:8 no-contract", "shop.odps.yaml:9 no-contract"],
        ),
    ];
    for (domain, expected) in cases {
        let found = lint(&documents(&[("shop.odps.yaml", text)], domain)).unwrap();
        let line = |found: &Diagnostic| {
            let line = found.span.map_or(0, |span| span.line);
            format!("{}:{line} {}", found.file.file_name().unwrap().display(), found.code)
        };
        assert_eq!(found.iter().map(line).collect::<Vec<_>>(), expected, "{found:?}");
    }
}

#[test]
fn relationships_within_a_contract_have_types_that_compare_whether_in_a_mesh_or_not() {
    let text = |kind: &str, other: &str| {
        format!(
            "{REFUNDS}  - name: orders\n    physicalName: shop.silver.orders\n    properties:\n      - {{name: order, {kind}, \
             relationships: [{{to: others.id}}]}}\n  - name: others\n    physicalName: shop.silver.others\n    properties:\n      \
             - {{name: id, {other}}}\n"
        )
    };
    let cases = [
        (
            "logicalType: string",
            "logicalType: integer",
            "`order` is string, but shop.silver.others.id is int",
        ),
        (
            "logicalType: date",
            "logicalType: timestamp",
            "`order` is date, but shop.silver.others.id is timestamp",
        ),
        (
            "logicalType: integer",
            "logicalType: number, physicalType: 'decimal(10,0)'",
            "",
        ),
        (
            "logicalType: number, physicalType: 'decimal(10,0)'",
            "logicalType: integer",
            "",
        ),
    ];
    for (kind, other, said) in cases {
        for domain in [Some("shop"), None] {
            let found = told(&documents(&[("refunds.odcs.yaml", &text(kind, other))], domain));
            let expected = match said {
                "" => Vec::new(),
                said => vec![format!(
                    "refunds.odcs.yaml:14 order.foreignKey: {said}: their values cannot be compared"
                )],
            };
            assert_eq!(found, expected, "{domain:?}");
        }
    }
}

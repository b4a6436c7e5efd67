//! What finds things prints them as JSON too, and pages tell products beside contracts.

use std::fs;

use polder_testkit::Polder;
use serde_json::Value;

use crate::mesh::Mesh;
use crate::new_mesh::NewMesh;

const PRODUCT: &str = "contracts/product/product_sales.odps.yaml";

#[test]
fn findings_as_json_are_the_json_report_and_nothing_else() {
    let mesh = Mesh::offline();
    let (polder, root) = (&mesh.polder, mesh.path("."));
    let root = root.as_path();
    let commands: [&[&str]; 3] = [&["check"], &["contract", "lint"], &["contract", "lint", PRODUCT]];
    let told = |arguments: &[&str], code: i32| -> Value {
        let all = [arguments, &["--format", "json", "--report", "json=report.json"]].concat();
        let ended = polder.run(&all);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        let printed: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        let written: Value = serde_json::from_slice(&fs::read(root.join("report.json")).unwrap()).unwrap();
        assert_eq!(printed, written, "{arguments:?}");
        written
    };
    for arguments in commands {
        let report = told(arguments, 0);
        assert_eq!(
            (&report["failed"], &report["warned"]),
            (&0.into(), &0.into()),
            "{report}"
        );
        assert!(report["passed"].as_u64().unwrap() > 0, "{report}");
        assert!(
            arguments
                .join(" ")
                .contains(report["command"].as_str().unwrap().trim_start_matches("polder "))
        );
    }
    mesh.edit(PRODUCT, "    contractId: product.gold.product_sales\n", "");
    let line = 1 + fs::read_to_string(root.join(PRODUCT))
        .unwrap()
        .lines()
        .position(|line| line == "outputPorts:")
        .unwrap();
    for arguments in commands {
        let report = told(arguments, 2);
        let failed: Vec<_> = report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|check| check["outcome"] == "failed")
            .collect();
        assert_eq!(failed.len(), 1, "{report}");
        assert_eq!(failed[0]["check"], "no-contract", "{report}");
        assert_eq!(failed[0]["file"], PRODUCT, "{report}");
        assert_eq!(failed[0]["line"], line + 1, "{report}");
    }
    // For people nothing changes, and two documents on one output are refused.
    let ended = polder.run(&["contract", "lint", PRODUCT]);
    assert_eq!(ended.stdout, "1 document: 1 error, 0 warnings\n");
    for report in ["junit", "github"] {
        let ended = polder.run(&["check", "--format", "json", "--report", report]);
        assert!(ended.code == Some(2) && ended.stdout.is_empty(), "{ended:?}");
        assert!(
            ended.stderr.contains("only one report can go to standard output"),
            "{ended:?}"
        );
    }
    let once = polder.run(&["contract", "lint", PRODUCT, "--format", "json", "--report", "json"]);
    serde_json::from_str::<Value>(&once.stdout).unwrap_or_else(|error| panic!("{error}: {once:?}"));
    // Where there is no mesh, the document says so.
    let nowhere = tempfile::tempdir().unwrap();
    let ended = Polder::in_folder(nowhere.path()).run(&["check", "--format", "json"]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    assert_eq!((ended.code, &report["failed"]), (Some(2), &1.into()), "{report}");
}

#[test]
fn what_services_answer_is_told_beside_the_json() {
    let mesh = NewMesh::landed();
    let told = |arguments: &[&str]| {
        let ended = mesh.polder.run(arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    };
    let ended = told(&["check", "--connect", "--format", "json"]);
    serde_json::from_str::<Value>(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    assert!(ended.stderr.contains("ok      lake"), "{ended:?}");
    let ended = told(&["check", "--connect"]);
    assert!(
        ended.stdout.contains("ok      lake") && ended.stderr.is_empty(),
        "{ended:?}"
    );
}

#[test]
fn a_site_has_a_page_for_each_contract_and_product() {
    let mesh = Mesh::offline();
    let (polder, root) = (&mesh.polder, mesh.path("."));
    let root = root.as_path();
    // What a document says is text, whatever it looks like.
    mesh.edit(
        PRODUCT,
        "name: Product sales",
        "name: <script>alert(1)</script>\nauthoritativeDefinitions: [{type: handbook, url: 'javascript:alert(2)'}]",
    );
    polder.expect(&["contract", "docs", "-o", "site"]);
    let site = root.join("site");
    let page = |name: &str| fs::read_to_string(site.join(name)).unwrap();
    let index = page("index.html");
    assert!(index.contains("<h2>Data products</h2>"), "{index}");
    let mut pages = 0;
    for entry in fs::read_dir(&site).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let text = page(&name);
        assert!(
            !text.contains("<script") && !text.contains("href=\"javascript"),
            "{name}"
        );
        assert!(
            name == "index.html" || index.contains(&format!("<a href=\"{name}\">")),
            "{name}"
        );
        // Whatever a page leads to is there.
        for link in text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let outside = ["#", "https:", "http:", "mailto:"]
                .iter()
                .any(|head| link.starts_with(head));
            assert!(outside || site.join(link).is_file(), "{name}: {link}");
        }
        pages += 1;
    }
    let declared = |ending: &str| {
        let domains = fs::read_dir(root.join("contracts"))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let files = domains.flat_map(|domain| fs::read_dir(domain).unwrap().map(|entry| entry.unwrap().file_name()));
        files.filter(|name| name.to_string_lossy().ends_with(ending)).count()
    };
    assert_eq!(pages, 1 + declared(".odcs.yaml") + declared(".odps.yaml"));
    let product = page("product.sales.html");
    assert!(product.contains("&lt;script&gt;alert(1)"), "{product}");
    assert!(
        product.contains("<a href=\"product.gold.product_sales.html\">"),
        "{product}"
    );
    let contract = page("sales.silver.invoice_lines.html");
    assert!(contract.contains("<a href=\"product.sales.html\">"), "{contract}");
    assert!(contract.contains("is made from it"), "{contract}");

    // The page of what is gone goes, too; what is not of a site stays, though it looks like one.
    let exported = site.join("mine.html").display().to_string();
    polder.expect(&["contract", "export", PRODUCT, "--to", "html", "-o", &exported]);
    fs::write(site.join("notes.html"), "<html></html>").unwrap();
    let other = page("product.gold.product_sales.html").replace("contract docs of ", "contract docs of another ");
    fs::write(site.join("another.html"), other).unwrap();
    fs::remove_file(root.join(PRODUCT)).unwrap();
    let ended = polder.run(&["contract", "docs", "-o", "site"]);
    let told = format!("{} pages in site, 1 of what is gone removed", pages - 1);
    assert!(ended.code == Some(0) && ended.stderr.contains(&told), "{ended:?}");
    let is_there = [
        "product.sales.html",
        "product.gold.product_sales.html",
        "mine.html",
        "notes.html",
        "another.html",
    ]
    .map(|name| site.join(name).is_file());
    assert_eq!(is_there, [false, true, true, true, true]);
}

#[test]
fn a_product_is_exported_as_a_page_and_as_nothing_else() {
    let polder = Mesh::offline();
    let polder = &polder.polder;
    let page = polder.expect(&["contract", "export", PRODUCT, "--to", "markdown"]);
    assert!(
        page.starts_with("# Product sales\n\nData product, version 1.0.0, active.\n"),
        "{page}"
    );
    assert!(
        page.contains("| `product_sales` | tables | 1.0.0 | `product.gold.product_sales` |"),
        "{page}"
    );
    let page = polder.expect(&["contract", "export", PRODUCT, "--to", "html"]);
    assert!(
        page.starts_with("<!doctype html>") && page.contains("<code>product.gold.product_sales</code>"),
        "{page}"
    );
    for format in ["sql", "avro", "jsonschema", "protobuf", "dbt", "dcs"] {
        let ended = polder.run(&["contract", "export", PRODUCT, "--to", format]);
        assert!(ended.code == Some(2) && ended.stdout.is_empty(), "{ended:?}");
        let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [
            format!("{PRODUCT} is a data product, which has no columns that {format} could say"),
            "--to markdown or html".to_owned(),
            "product.gold.product_sales".to_owned(),
        ] {
            assert!(said.contains(&words), "{words}: {said}");
        }
    }
}

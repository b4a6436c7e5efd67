//! What `polder check --base` says of changes of the shop's mesh, which lies in a folder of a git repository.

mod promises;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use polder_testkit::{Ended, Polder};
use tempfile::TempDir;

use crate::mesh::{copy_folder, repository};

pub(super) const BRONZE: &str = "contracts/sales/invoice_lines.bronze.odcs.yaml";
pub(super) const SILVER: &str = "contracts/sales/invoice_lines.silver.odcs.yaml";

/// A repository with the shop's mesh in `data/shop`, committed on the branch `main`.
pub(super) struct Repository {
    folder: TempDir,
    polder: Polder,
}

impl Repository {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mesh = folder.path().join("data/shop");
        fs::create_dir_all(&mesh).unwrap();
        fs::copy(repository().join("polder.yaml"), mesh.join("polder.yaml")).unwrap();
        for documents in ["contracts", "pipelines", "catalog"] {
            copy_folder(&repository().join(documents), &mesh.join(documents));
        }
        Self::committed(folder)
    }

    /// A repository with a mesh of these documents instead, each with its text.
    pub(super) fn of(documents: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (document, text) in documents {
            let path = folder.path().join("data/shop").join(document);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self::committed(folder)
    }

    fn committed(folder: TempDir) -> Self {
        let polder = Polder::in_folder(&folder.path().join("data/shop"));
        let repository = Self { folder, polder };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit();
        repository
    }

    pub(super) fn git(&self, arguments: &[&str]) {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@shop.example"];
        let status = Command::new("git")
            .arg("-C")
            .arg(self.folder.path())
            .args(identity)
            .args(arguments)
            .status()
            .unwrap();
        assert!(status.success(), "git {}", arguments.join(" "));
    }

    pub(super) fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "a state"]);
    }

    pub(super) fn path(&self, document: &str) -> PathBuf {
        self.folder.path().join("data/shop").join(document)
    }

    /// Replaces a text that the document has exactly once.
    pub(super) fn edit(&self, document: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.path(document)).unwrap();
        assert_eq!(text.matches(old).count(), 1, "{old:?} in {document}");
        fs::write(self.path(document), text.replace(old, new)).unwrap();
    }

    /// Puts a second object into bronze's contract. Gives its text without it, and that of a contract of the object alone.
    pub(super) fn add_object(&self) -> [String; 2] {
        let object = "  - name: extra\n    physicalName: sales.bronze.extra\n    description: More.\n    properties:\n      - name: \
                      one\n        description: One.\n        logicalType: string\n        physicalType: string\n";
        let one = fs::read_to_string(self.path(BRONZE)).unwrap();
        let both = one.replacen("schema:\n", &format!("schema:\n{object}"), 1);
        fs::write(self.path(BRONZE), both).unwrap();
        let (head, _) = one.split_once("schema:\n").unwrap();
        let head = head.replace("id: sales.bronze.invoice_lines", "id: sales.bronze.extra");
        let extra = format!("{head}schema:\n{object}");
        [one, extra]
    }

    /// Takes a column out of a contract. Gives its lines.
    fn take_column(&self, document: &str, column: &str) -> String {
        let text = fs::read_to_string(self.path(document)).unwrap();
        let start = text.find(&format!("      - name: {column}\n")).unwrap();
        let length = text[start + 1..]
            .match_indices('\n')
            .map(|(at, _)| at + 2)
            .find(|at| !text[start + at..].starts_with("        "))
            .unwrap();
        fs::write(
            self.path(document),
            format!("{}{}", &text[..start], &text[start + length..]),
        )
        .unwrap();
        text[start..start + length].to_owned()
    }

    /// Makes a column of a contract its first.
    pub(super) fn put_first(&self, document: &str, column: &str) {
        let lines = self.take_column(document, column);
        self.edit(document, "    properties:\n", &format!("    properties:\n{lines}"));
    }

    /// Takes a column out of a contract, and out of its samples.
    pub(super) fn drop_column(&self, document: &str, column: &str) {
        self.take_column(document, column);
        let samples = self.path(&document.replace(".odcs.", ".samples."));
        let rows = fs::read_to_string(&samples).unwrap();
        let rows: Vec<_> = rows.lines().filter(|line| !line.contains(column)).collect();
        fs::write(samples, rows.join("\n") + "\n").unwrap();
    }

    /// Records that a consumer of the product's sales goes.
    fn cancel(&self, announced: &str, party: &str) {
        fs::create_dir_all(self.path("catalog/cancellations")).unwrap();
        let text = format!(
            "contract: product.gold.product_sales\nby: consumer\nparty: {party}\nannounced: \"{announced}\"\nnotice: \
             400d\neffective: \"3001-01-01\"\nreason: moved\n"
        );
        fs::write(self.path("catalog/cancellations/one.yaml"), text).unwrap();
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Ended {
        self.polder.run(arguments)
    }

    /// Runs in the mesh's folder.
    pub(super) fn polder(&self) -> &Polder {
        &self.polder
    }

    pub(super) fn check(&self) -> Ended {
        self.polder.run(&["check", "--base", "main"])
    }
}

pub(super) fn said(ended: &Ended) -> String {
    format!("{}{}", ended.stdout, ended.stderr)
}

#[test]
fn dropping_a_column_that_is_used_three_steps_downstream_fails_with_that_chain() {
    let repository = Repository::new();
    repository.drop_column(BRONZE, "country");
    repository.edit(BRONZE, "version: 1.0.0", "version: 2.0.0");
    let ended = repository.check();
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    for chain in [
        "sales.bronze.invoice_lines.country (removed) → pipeline sales.invoice_lines → \
         sales.silver.invoice_lines.country → pipeline product.product_sales → product.gold.product_sales.country → \
         consumer finance-dashboard",
        "sales.bronze.invoice_lines.country (removed) → pipeline sales.invoice_lines → \
         sales.silver.invoice_lines.country → pipeline sales.customers → sales.silver.customers.country → \
         pipeline customer.customers → customer.gold.customers.country → consumer crm-export",
    ] {
        assert!(ended.stderr.contains(chain), "{chain}\n{}", said(&ended));
    }
    // They read none of it, but nothing is built for them either.
    let waiting = "not built until mended: consumer assortment-planning, model finance.net_revenue_forecast, \
                   model recommendation.bought_together, model recommendation.personal_top_n, \
                   pipeline sales.products";
    assert!(ended.stderr.contains(waiting), "{}", said(&ended));
    assert!(!ended.stderr.contains("not affected: "), "{}", said(&ended));
}

#[test]
fn adding_an_optional_column_passes() {
    let repository = Repository::new();
    repository.edit(
        BRONZE,
        "      - name: invoice_no\n",
        "      - name: channel\n        description: Where it was sold.\n        logicalType: string\n        \
         physicalType: string\n      - name: invoice_no\n",
    );
    repository.edit(BRONZE, "version: 1.0.0", "version: 1.1.0");
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    assert!(
        ended.stdout.contains("1.0.0 → 1.1.0: compatible (1)"),
        "{}",
        said(&ended)
    );
}

#[test]
fn a_change_needs_the_version_that_says_so() {
    let repository = Repository::new();
    repository.edit(
        BRONZE,
        "      - name: invoice_no\n",
        "      - name: channel\n        description: Where it was sold.\n        logicalType: string\n        \
         physicalType: string\n      - name: invoice_no\n",
    );
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    assert!(ended.stderr.contains("1.1.0"), "{}", said(&ended));
}

/// Takes gross_revenue, which nobody reads but the dashboard, out of the product.
fn drop_gross_revenue(repository: &Repository) {
    let gold = "contracts/product/product_sales.odcs.yaml";
    repository.drop_column(gold, "gross_revenue");
    repository.edit(gold, "version: 1.0.0", "version: 2.0.0");
    repository.edit(
        "pipelines/product/product_sales.sql",
        "    sum(sold) AS gross_revenue,\n",
        "",
    );
    let product = "contracts/product/product_sales.odps.yaml";
    repository.edit(
        product,
        "name: Product sales\nversion: 1.0.0",
        "name: Product sales\nversion: 2.0.0",
    );
    repository.edit(
        product,
        "type: tables\n    version: 1.0.0",
        "type: tables\n    version: 2.0.0",
    );
}

const DASHBOARD: &str = "catalog/consumers/finance-dashboard.yaml";

#[test]
fn what_came_to_the_base_since_is_no_change_of_this_branch() {
    let repository = Repository::new();
    repository.git(&["checkout", "--quiet", "-b", "feature"]);
    repository.git(&["checkout", "--quiet", "main"]);
    drop_gross_revenue(&repository);
    repository.edit(DASHBOARD, "gross_revenue, ", "");
    repository.commit();
    repository.git(&["checkout", "--quiet", "feature"]);
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    assert!(ended.stdout.contains("contracts changed: 0"), "{}", said(&ended));
}

#[test]
fn a_transitive_mode_remembers_versions_under_other_names_and_misses_those_that_are_not_here() {
    let repository = Repository::new();
    let text = fs::read_to_string(repository.path(BRONZE)).unwrap();
    let with_mode = |text: &str, mode: &str| {
        format!("{text}customProperties:\n  - property: polder.compatibility\n    value: {mode}\n")
    };
    fs::write(repository.path(BRONZE), with_mode(&text, "none")).unwrap();
    repository.commit();
    // While anything may change a column goes; the promise to break no version comes later, under another name.
    repository.drop_column(BRONZE, "correlation_id");
    repository.edit(BRONZE, "version: 1.0.0", "version: 1.1.0");
    repository.commit();
    repository.edit(BRONZE, "value: none", "value: backward_transitive");
    let moved = "contracts/sales/lines [v1].odcs.yaml";
    fs::rename(repository.path(BRONZE), repository.path(moved)).unwrap();
    let samples = |contract: &str| repository.path(&contract.replace(".odcs.", ".samples."));
    fs::rename(samples(BRONZE), samples(moved)).unwrap();
    repository.commit();
    repository.edit(moved, "purpose: Every", "purpose: Each");
    repository.edit(moved, "version: 1.1.0", "version: 1.1.1");
    let ended = repository.check();
    assert!(
        ended.stderr.contains("`correlation_id` was removed"),
        "{}",
        said(&ended)
    );
    assert!(!ended.stderr.contains("incomplete-history"), "{}", said(&ended));
    let clone = repository.folder.path().join("clone");
    let from = format!("file://{}", repository.folder.path().display());
    let to = clone.display().to_string();
    repository.git(&["clone", "--quiet", "--depth=1", &from, &to]);
    let shallow = Polder::in_folder(&clone.join("data/shop"));
    let document = clone.join("data/shop").join(moved);
    let text = fs::read_to_string(&document).unwrap();
    fs::write(&document, text.replace("version: 1.1.0", "version: 1.1.1")).unwrap();
    let ended = shallow.run(&["check", "--base", "main"]);
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    assert!(ended.stderr.contains("error[incomplete-history]"), "{}", said(&ended));
}

#[test]
fn a_pipeline_whose_result_needs_a_value_is_broken_where_there_may_be_none() {
    let repository = Repository::new();
    repository.edit(
        BRONZE,
        "      - name: country\n",
        "      - name: country\n        required: false\n",
    );
    let text = fs::read_to_string(repository.path(BRONZE)).unwrap();
    let (before, country) = text.split_once("        required: false\n").unwrap();
    let country = country.replacen("        required: true\n", "", 1);
    fs::write(
        repository.path(BRONZE),
        format!("{before}{country}").replace("version: 1.0.0", "version: 2.0.0"),
    )
    .unwrap();
    let ended = repository.check();
    assert!(
        ended.stderr.contains(
            "pipeline sales.invoice_lines would refuse rows: sales.silver.invoice_lines.country must have a value"
        ),
        "{}",
        said(&ended)
    );
    assert!(ended.stderr.contains("it breaks consumer"), "{}", said(&ended));
}

#[test]
fn reports_name_documents_from_the_root_of_the_repository_on() {
    let repository = Repository::new();
    fs::remove_file(repository.path(SILVER)).unwrap();
    let ended = repository.polder.run(&[
        "check",
        "--base",
        "main",
        "--report",
        "sarif=report.sarif",
        "--report",
        "json=report.json",
        "--report",
        "github",
    ]);
    assert!(
        ended.stdout.contains(&format!("::error file=data/shop/{SILVER},line=")),
        "{}",
        said(&ended)
    );
    let sarif = fs::read_to_string(repository.path("report.sarif")).unwrap();
    assert!(sarif.contains(&format!("\"uri\": \"data/shop/{SILVER}\"")), "{sarif}");
    assert!(!sarif.contains("main:"), "{sarif}");
    let ended = repository
        .polder
        .run(&["check", "--report", "github", "--report", "json"]);
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    assert!(ended.stderr.contains("only one report"), "{}", said(&ended));
}

#[test]
fn wrong_samples_are_in_the_report() {
    let repository = Repository::new();
    for contract in [
        "customers.silver",
        "invoice_lines.bronze",
        "invoice_lines.silver",
        "products.silver",
    ] {
        let samples = format!("contracts/sales/{contract}.samples.yaml");
        fs::write(repository.path(&samples), "nobody:\n  good: []\n").unwrap();
    }
    let test = [
        "contract",
        "test",
        "sales.silver.products",
        "--report",
        "sarif=report.sarif",
    ];
    let ended = repository.polder.run(&test);
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    let sarif = fs::read_to_string(repository.path("report.sarif")).unwrap();
    assert!(sarif.contains("products.silver.samples.yaml"), "{sarif}");
}

#[test]
fn a_pipeline_that_still_checks_with_another_type_is_not_broken() {
    let repository = Repository::new();
    let text = fs::read_to_string(repository.path(BRONZE)).unwrap();
    let wider = text
        .replace("version: 1.0.0", "version: 2.0.0")
        .replace("physicalType: int\n", "physicalType: bigint\n");
    fs::write(repository.path(BRONZE), wider).unwrap();
    let product = "contracts/sales/sales.odps.yaml";
    repository.edit(product, "name: Sales\nversion: 1.0.0", "name: Sales\nversion: 2.0.0");
    repository.edit(
        product,
        "version: 1.0.0\n    contractId: sales.bronze.invoice_lines",
        "version: 2.0.0\n    contractId: sales.bronze.invoice_lines",
    );
    // What each output port says that it is made of.
    let text = fs::read_to_string(repository.path(product)).unwrap();
    let made_of = "- id: sales.bronze.invoice_lines\n        version: ";
    let text = text.replace(&format!("{made_of}1.0.0"), &format!("{made_of}2.0.0"));
    fs::write(repository.path(product), text).unwrap();
    let ended = repository.check();
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    let chain = "sales.bronze.invoice_lines.quantity (other type) → pipeline sales.invoice_lines → \
                 sales.silver.invoice_lines.quantity → pipeline product.product_sales → \
                 product.gold.product_sales.units → consumer assortment-planning";
    assert!(ended.stderr.contains(chain), "{}", said(&ended));
    // Silver keeps its promise: nothing behind it is concerned.
    repository.edit(
        "pipelines/sales/invoice_lines.sql",
        "        quantity,\n        invoice_date,\n        unit_price,\n        nullif",
        "        CAST(quantity AS INT) AS quantity,\n        invoice_date,\n        unit_price,\n        nullif",
    );
    let ended = repository.check();
    // What is left is the table, which keeps its type.
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    for part in [
        "breaks nobody who reads it, but its table does not take it; not affected: ",
        "changes that break somebody: 0; that tables do not take: 1",
        "1 error, 0 warnings",
    ] {
        assert!(ended.stdout.contains(part), "{part}\n{}", said(&ended));
    }
}

#[test]
fn a_removed_contract_breaks_all_that_is_made_of_its_dataset() {
    let repository = Repository::new();
    fs::remove_file(repository.path(SILVER)).unwrap();
    let ended = repository.check();
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    let chain = "sales.silver.invoice_lines (removed) → pipeline product.product_sales → product.gold.product_sales → \
                 consumer finance-dashboard";
    assert!(ended.stderr.contains(chain), "{}", said(&ended));
    // What is gone stands where it was.
    assert!(ended.stderr.contains(&format!("main:{SILVER}:")), "{}", said(&ended));
}

#[test]
fn a_revision_or_repository_that_is_not_there_is_named() {
    let repository = Repository::new();
    let ended = repository.polder.run(&["check", "--base", "no-such-branch"]);
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    assert!(
        ended.stderr.contains("there is no revision `no-such-branch`"),
        "{}",
        said(&ended)
    );
    let old = "no-such-branch:contracts/sales/x.odcs.yaml";
    let compared = repository.polder.run(&["contract", "diff", old, old]);
    let told = |stderr: &str| stderr[stderr.find("there is no revision").unwrap()..].to_owned();
    assert_eq!(compared.code, Some(2), "{}", said(&compared));
    assert_eq!(told(&compared.stderr), told(&ended.stderr));
    // What else is found is told with it, and rules that nobody can run only to those who ask.
    repository.edit(
        BRONZE,
        "schema:\n  - name",
        "schema:\n  - quality: [{type: text, description: x}]\n    name",
    );
    let mistyped = ["check", "--base", "no-such-branch", "--report", "json=found.json"];
    let ended = repository.polder.run(&mistyped);
    assert!(!ended.stderr.contains("not-run"), "{}", said(&ended));
    let written = fs::read_to_string(repository.path("found.json")).unwrap();
    assert!(written.contains("a rule in words, for people"), "{written}");
    let ended = repository.polder.run(&[&["-v"], &mistyped[..]].concat());
    assert!(ended.stderr.contains("a rule in words, for people"), "{}", said(&ended));
    // What git has against a repository, it says itself.
    let config = repository.folder.path().join(".git/config");
    fs::write(&config, "[core]\n\trepositoryformatversion = 9\n").unwrap();
    let ended = repository.check();
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    assert!(ended.stderr.contains("repo version"), "{}", said(&ended));
    fs::remove_dir_all(repository.folder.path().join(".git")).unwrap();
    let ended = repository.check();
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    assert!(ended.stderr.contains("in no git repository"), "{}", said(&ended));
}

#[test]
fn reports_are_written_however_a_check_ends() {
    let repository = Repository::new();
    let wrong = "contracts/sales/latin.odcs.yaml";
    fs::write(repository.path(wrong), b"id: caf\xe9\n").unwrap();
    fs::create_dir(repository.path("contracts/sales/folder.odcs.yaml")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("/dev/zero", repository.path("contracts/sales/zero.odcs.yaml")).unwrap();
    fs::write(repository.path("contracts/sales/other.ODCS.yml"), "id: x\n").unwrap();
    let everything = [
        "sales/latin.odcs.yaml",
        "sales/folder.odcs.yaml",
        "sales/other.ODCS.yml",
    ];
    for (report, arguments) in [
        ("base.json", &["check", "--base", "no-such-branch"][..]),
        ("check.json", &["check"]),
        ("lint.json", &["contract", "lint"]),
        ("folder.json", &["contract", "lint", "contracts"]),
    ] {
        let mut all = arguments.to_vec();
        let option = format!("json={report}");
        all.extend(["--report", &option]);
        let ended = repository.polder.run(&all);
        assert_eq!(ended.code, Some(2), "{}", said(&ended));
        let written = fs::read_to_string(repository.path(report)).unwrap();
        // A folder that is named like a contract is one to look into where folders are named.
        let everything = everything
            .iter()
            .filter(|file| report != "folder.json" || !file.contains("folder"));
        for file in everything {
            assert!(
                ended.stderr.contains(file) && written.contains(file),
                "{file}: {}",
                said(&ended)
            );
        }
        if report == "base.json" {
            assert!(written.contains("there is no revision `no-such-branch`"), "{written}");
        }
    }
    fs::write(repository.path("polder.yaml"), "name: [\n").unwrap();
    let ended = repository.polder.run(&["check", "--report", "junit=unread.xml"]);
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    let written = fs::read_to_string(repository.path("unread.xml")).unwrap();
    assert!(written.contains("polder.yaml"), "{written}");
}

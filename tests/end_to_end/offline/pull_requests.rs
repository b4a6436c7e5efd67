//! What `polder check --base` says of changes of the shop's mesh, which lies in a folder of a git repository.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use polder_testkit::{Ended, Polder};
use tempfile::TempDir;

use crate::mesh::{copy_folder, repository};

const BRONZE: &str = "contracts/sales/invoice_lines.bronze.odcs.yaml";
const SILVER: &str = "contracts/sales/invoice_lines.silver.odcs.yaml";

/// A repository with the shop's mesh in `data/shop`, committed on the branch `main`.
struct Repository {
    folder: TempDir,
    polder: Polder,
}

impl Repository {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mesh = folder.path().join("data/shop");
        fs::create_dir_all(&mesh).unwrap();
        fs::copy(repository().join("polder.yaml"), mesh.join("polder.yaml")).unwrap();
        for documents in ["contracts", "pipelines", "catalog"] {
            copy_folder(&repository().join(documents), &mesh.join(documents));
        }
        let polder = Polder::in_folder(&mesh);
        let repository = Self { folder, polder };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit();
        repository
    }

    fn git(&self, arguments: &[&str]) {
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

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "a state"]);
    }

    fn path(&self, document: &str) -> PathBuf {
        self.folder.path().join("data/shop").join(document)
    }

    /// Replaces a text that the document has exactly once.
    fn edit(&self, document: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.path(document)).unwrap();
        assert_eq!(text.matches(old).count(), 1, "{old:?} in {document}");
        fs::write(self.path(document), text.replace(old, new)).unwrap();
    }

    /// Takes a column out of a contract.
    fn drop_column(&self, document: &str, column: &str) {
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
    }

    fn check(&self) -> Ended {
        self.polder.run(&["check", "--base", "main"])
    }
}

fn said(ended: &Ended) -> String {
    format!("{}{}", ended.stdout, ended.stderr)
}

#[test]
fn dropping_a_column_that_is_used_three_steps_downstream_fails_with_that_chain() {
    let repository = Repository::new();
    repository.drop_column(BRONZE, "country");
    repository.edit(BRONZE, "version: 1.0.0", "version: 2.0.0");
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
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
    let unaffected = "not affected: consumer assortment-planning, model finance.net_revenue_forecast, \
                      model recommendation.bought_together, model recommendation.personal_top_n, \
                      pipeline sales.products";
    assert!(ended.stderr.contains(unaffected), "{}", said(&ended));
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
    assert!(ended.stdout.contains("1.0.0 → 1.1.0: 1 compatible"), "{}", said(&ended));
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

#[test]
fn whoever_was_adapted_or_deleted_in_the_same_change_is_not_broken() {
    let repository = Repository::new();
    // Nobody reads gross_revenue but the dashboard.
    let gold = "contracts/product/product_sales.odcs.yaml";
    repository.drop_column(gold, "gross_revenue");
    repository.edit(gold, "version: 1.0.0", "version: 2.0.0");
    repository.edit(
        "pipelines/product/product_sales.sql",
        "    sum(sold) AS gross_revenue,\n",
        "",
    );
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    let chain = "product.gold.product_sales.gross_revenue (removed) → consumer finance-dashboard";
    assert!(ended.stderr.contains(chain), "{}", said(&ended));
    // The product says so, and the consumer goes with what it read.
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
    fs::remove_file(repository.path("catalog/consumers/finance-dashboard.yaml")).unwrap();
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    assert!(ended.stdout.contains("breaks nobody"), "{}", said(&ended));
    // The change is the base of the next.
    repository.commit();
    let ended = repository.check();
    assert!(ended.stdout.contains("contracts changed: 0"), "{}", said(&ended));
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
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
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
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    assert!(
        ended.stdout.contains("breaks nobody; not affected: "),
        "{}",
        said(&ended)
    );
}

#[test]
fn a_contract_is_not_retired_while_somebody_uses_it() {
    let repository = Repository::new();
    repository.edit(
        "contracts/sales/products.silver.odcs.yaml",
        "status: active",
        "status: retired",
    );
    let ended = repository.polder.run(&["check"]);
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    let names = "retired while consumers remain: assortment-planning, model recommendation.bought_together, \
                 model recommendation.personal_top_n";
    for said_of in [
        names,
        "the pipeline sales.products writes sales.silver.products, and the contract is retired",
    ] {
        assert!(ended.stderr.contains(said_of), "{}", said(&ended));
    }
}

#[test]
fn a_removed_contract_breaks_all_that_is_made_of_its_dataset() {
    let repository = Repository::new();
    fs::remove_file(repository.path(SILVER)).unwrap();
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
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
    fs::remove_dir_all(repository.folder.path().join(".git")).unwrap();
    let ended = repository.check();
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    assert!(ended.stderr.contains("in no git repository"), "{}", said(&ended));
}

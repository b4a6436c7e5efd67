//! How `polder check --base` finds what a contract was before: through links, in submodules, and under other names.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::pull_requests::{BRONZE, Repository, SILVER, said};

const CHAIN: &str = "sales.bronze.invoice_lines.country (removed) → pipeline sales.invoice_lines → \
                     sales.silver.invoice_lines.country → pipeline product.product_sales → \
                     product.gold.product_sales.country → consumer finance-dashboard";

#[cfg(unix)]
#[test]
fn contracts_behind_links_are_compared() {
    let repository = Repository::new();
    // A file, and a whole folder.
    fs::create_dir_all(repository.path("../shared")).unwrap();
    fs::rename(repository.path(BRONZE), repository.path("../shared/lines.yaml")).unwrap();
    std::os::unix::fs::symlink("../../../shared/lines.yaml", repository.path(BRONZE)).unwrap();
    fs::rename(
        repository.path("contracts/product"),
        repository.path("../shared/product"),
    )
    .unwrap();
    std::os::unix::fs::symlink("../../shared/product", repository.path("contracts/product")).unwrap();
    repository.commit();
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    let same = "contracts changed: 0, added: 0, removed: 0";
    assert!(ended.stdout.contains(same), "{}", said(&ended));
    repository.drop_column(BRONZE, "country");
    let ended = repository.check();
    assert!(ended.stderr.contains(CHAIN), "{}", said(&ended));
    assert!(ended.stdout.contains("added: 0"), "{}", said(&ended));
    // What a link leads to outside of the repository is in no revision.
    let outside = tempfile::tempdir().unwrap();
    fs::copy(repository.path(BRONZE), outside.path().join("lines.yaml")).unwrap();
    fs::remove_file(repository.path(BRONZE)).unwrap();
    std::os::unix::fs::symlink(outside.path().join("lines.yaml"), repository.path(BRONZE)).unwrap();
    repository.commit();
    let ended = repository.check();
    let refused =
        format!("error[not-compared]: main:{BRONZE}: cannot compare main:{BRONZE}, which leads out of the repository");
    assert!(ended.stderr.contains(&refused), "{refused}\n{}", said(&ended));
}

/// A repository of its own for the contracts of sales.
fn team(repository: &Repository, folder: &Path) {
    let contracts = repository.path("contracts/sales");
    fs::create_dir_all(folder).unwrap();
    for file in fs::read_dir(&contracts).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    in_folder(folder, &["init", "--quiet", "--initial-branch=main"]);
    in_folder(folder, &["add", "--all"]);
    in_folder(folder, &["commit", "--quiet", "--message", "a state"]);
    fs::remove_dir_all(contracts).unwrap();
}

fn in_folder(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=Test", "-c", "user.email=test@shop.example"])
        .args(arguments)
        .status()
        .unwrap();
    assert!(status.success(), "git {}", arguments.join(" "));
}

#[test]
fn contracts_in_a_submodule_are_compared() {
    let repository = Repository::new();
    let teams = tempfile::tempdir().unwrap();
    let folder = teams.path().join("sales");
    team(&repository, &folder);
    repository.git(&["add", "--all"]);
    repository.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        folder.to_str().unwrap(),
        "data/shop/contracts/sales",
    ]);
    repository.commit();
    let ended = repository.check();
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    let same = "contracts changed: 0, added: 0, removed: 0";
    assert!(ended.stdout.contains(same), "{}", said(&ended));
    repository.drop_column(BRONZE, "country");
    let ended = repository.check();
    assert!(ended.stderr.contains(CHAIN), "{}", said(&ended));
    assert!(ended.stdout.contains("added: 0"), "{}", said(&ended));
    // Without the submodule's repository nobody knows what it said.
    let mesh = repository.path("contracts/sales");
    fs::remove_file(mesh.join(".git")).unwrap();
    let ended = repository.check();
    assert_ne!(ended.code, Some(0), "{}", said(&ended));
    let refused = "error[not-compared]: main:contracts/sales: cannot compare main:contracts/sales, which is in the submodule \
                   data/shop/contracts/sales, whose commit ";
    assert!(ended.stderr.contains(refused), "{}", said(&ended));
}

#[test]
fn a_query_may_be_in_a_file_with_any_name() {
    let repository = Repository::new();
    let (sql, text) = ("pipelines/sales/products.sql", "pipelines/sales/products.query.txt");
    fs::rename(repository.path(sql), repository.path(text)).unwrap();
    repository.edit(
        "pipelines/sales/products.pipeline.yaml",
        "dataset:",
        "sql: products.query.txt\ndataset:",
    );
    repository.commit();
    repository.drop_column(SILVER, "description");
    repository.edit(SILVER, "version: 1.0.0", "version: 2.0.0");
    let ended = repository.check();
    let chain = "sales.silver.invoice_lines.description (removed) → pipeline sales.products → \
                 sales.silver.products.description";
    assert!(ended.stderr.contains(chain), "{}", said(&ended));
}

#[test]
fn a_transitive_mode_remembers_what_stood_under_another_name_in_other_words() {
    let repository = Repository::new();
    repository.drop_column(BRONZE, "correlation_id");
    repository.edit(BRONZE, "version: 1.0.0", "version: 1.1.0");
    repository.commit();
    // The new document has little in common with the old one, so git sees no rename.
    let text = fs::read_to_string(repository.path(BRONZE)).unwrap();
    let words = "# Nothing of this is in the old document, which is much shorter than all of it.\n".repeat(600);
    let text = text.replace("version: 1.1.0", "version: 1.2.0");
    let mode = "customProperties:\n  - property: polder.compatibility\n    value: backward_transitive\n";
    fs::remove_file(repository.path(BRONZE)).unwrap();
    let renamed = "contracts/sales/received.odcs.yaml";
    fs::write(repository.path(renamed), format!("{words}{text}{mode}")).unwrap();
    fs::rename(
        repository.path(&BRONZE.replace(".odcs.", ".samples.")),
        repository.path("contracts/sales/received.samples.yaml"),
    )
    .unwrap();
    repository.commit();
    repository.edit(renamed, "version: 1.2.0", "version: 1.2.1");
    repository.edit(
        renamed,
        "Source of silver and of audits.",
        "The source of silver and of audits.",
    );
    let ended = repository.check();
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    let broken =
        "error[incompatible]: the column `correlation_id` was removed, since version 1.0.0: this breaks readers";
    assert!(ended.stderr.contains(broken), "{}", said(&ended));
}

#[test]
fn what_a_contract_promised_as_a_whole_goes_with_a_dataset_that_leaves_it() {
    let repository = Repository::new();
    let [one, extra] = repository.add_object();
    let consumer = "catalog/consumers/auditors.yaml";
    let registered = |guarantees: &str| {
        format!(
            "consumer: auditors\nowner: audit@shop.example\ndescription: They look.\nreads:\n  - dataset: \
             sales.bronze.extra\n    columns: [one]\n    guarantees: [{guarantees}]\n    since: 2026-01-01\n"
        )
    };
    fs::write(repository.path(consumer), registered("retention")).unwrap();
    repository.commit();
    fs::write(repository.path(BRONZE), &one).unwrap();
    let moved = "contracts/sales/extra.odcs.yaml";
    let team = "team:\n  name: data-platform\n";
    fs::write(repository.path(moved), format!("{extra}{team}")).unwrap();
    fs::write(repository.path(consumer), registered("")).unwrap();
    let ended = repository.check();
    let broken = "error[breaking-change]: the service level `retention` (10 y) was removed: it breaks consumer auditors \
                  (unregistered by this change)";
    assert!(ended.stderr.contains(broken), "{}", said(&ended));
    // The latency was that of another object, and the contract that stays keeps all of it.
    assert!(!said(&ended).contains("`latency`"), "{}", said(&ended));
    let promise = "slaProperties:\n  - property: retention\n    value: 10\n    unit: y\n";
    fs::write(repository.path(moved), format!("{extra}{team}{promise}")).unwrap();
    let ended = repository.check();
    assert!(!ended.stderr.contains("error["), "{}", said(&ended));
}

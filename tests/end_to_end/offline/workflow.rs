//! The workflow and the pre-commit configuration of `docs/ci` and the commands of its page, run as they stand there.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use polder_testkit::{Polder, skip};
use serde_json::Value;

use super::pull_requests::{BRONZE, Repository};
use crate::mesh::repository;
use crate::new_mesh::NewMesh;

const SAMPLES: &str = "contracts/sales/customers.silver.samples.yaml";
const SAMPLE: &str = "{rule: country.required, change: {country: null}}";

fn document(name: &str) -> String {
    fs::read_to_string(repository().join("docs/ci").join(name)).unwrap()
}

/// The repository with the shop's mesh, whose branch `main` was fetched.
fn fetched() -> Repository {
    let repository = Repository::new();
    repository.git(&["update-ref", "refs/remotes/origin/main", "main"]);
    repository
}

/// Runs a script in a folder as GitHub's runner does.
fn on_a_runner(folder: &Path, script: &str) -> Output {
    let programs = tempfile::tempdir().unwrap();
    let (polder, path) = (Polder::in_folder(folder), env::var_os("PATH").unwrap_or_default());
    symlink(polder.file(), programs.path().join("polder")).unwrap();
    let path = env::join_paths([programs.path().to_owned()].into_iter().chain(env::split_paths(&path))).unwrap();
    Command::new("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
        .current_dir(folder)
        // Nothing here depends on who runs the tests.
        .env_clear()
        .env("PATH", path)
        .env("GITHUB_ACTIONS", "true")
        .output()
        .unwrap()
}

/// The scripts of a workflow's steps: what stands behind `run:`, or below it where that is `>` or `|`.
fn scripts(workflow: &str) -> Vec<String> {
    let lines: Vec<&str> = workflow.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let begun = lines.iter().enumerate().filter_map(|(at, line)| {
        let behind = line.trim_start().trim_start_matches("- ").strip_prefix("run: ")?;
        let glue = match behind {
            ">" => " ",
            "|" => "\n",
            whole => return Some(whole.to_owned()),
        };
        let below = lines[at + 1..].iter().take_while(|below| indent(below) > indent(line));
        Some(below.map(|below| below.trim()).collect::<Vec<_>>().join(glue))
    });
    begun.collect()
}

/// The workflow's two steps that run `polder`, for a pull request to `main`.
fn steps(workflow: &str) -> [String; 2] {
    let scripts = scripts(workflow).into_iter();
    let steps: Vec<String> = scripts
        .filter(|script| script.starts_with("polder "))
        .map(|step| step.replace("${{ github.base_ref }}", "main"))
        .collect();
    assert!(!steps.concat().contains("${{"), "{steps:?}");
    steps.try_into().expect("two steps run polder")
}

fn expect(repository: &Repository, step: &str, code: i32) -> String {
    let ended = on_a_runner(&repository.path("."), step);
    assert_eq!(ended.status.code(), Some(code), "{step}: {ended:?}");
    String::from_utf8(ended.stdout).unwrap()
}

#[test]
fn both_are_valid_yaml() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["github.yml", "pre-commit-config.yaml"] {
        // No contract, which is said of them key by key: so they were read to their ends.
        fs::write(folder.path().join("it.odcs.yaml"), document(name)).unwrap();
        let ended = Polder::in_folder(folder.path()).run(&["contract", "lint", "it.odcs.yaml", "--format", "json"]);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap();
        let said: Vec<_> = report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|check| &check["check"])
            .collect();
        assert!(said.contains(&&"missing-value".into()), "{name}: {ended:?}");
        for broken in ["syntax", "duplicate-key"] {
            assert!(!said.contains(&&broken.into()), "{name}: {ended:?}");
        }
    }
}

#[test]
fn the_workflow_lets_a_clean_mesh_pass_and_hands_on_its_reports() {
    let workflow = document("github.yml");
    let (repository, [check, prove]) = (fetched(), steps(&workflow));
    expect(&repository, &check, 0);
    expect(&repository, &prove, 0);
    let sarif: Value = serde_json::from_slice(&fs::read(repository.path("reports/check.sarif")).unwrap()).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let named: Vec<&str> = workflow
        .split(|c: char| c.is_whitespace() || "'\"=".contains(c))
        .filter(|word| word.starts_with("reports/"))
        .collect();
    assert!(named.len() > 3, "{named:?}");
    for name in named {
        assert!(repository.path(name).exists(), "{name}");
    }
    // What begins it are the folders of a mesh.
    for named in workflow
        .lines()
        .find(|line| line.trim_start().starts_with("paths: "))
        .unwrap()
        .split('"')
        .skip(1)
        .step_by(2)
    {
        assert!(repository.path(named.trim_end_matches("/**")).exists(), "{named}");
    }
}

#[test]
fn the_workflow_fails_with_the_codes_that_its_page_tells() {
    let [check, prove] = steps(&document("github.yml"));
    // Somebody is broken, and nothing else is wrong.
    let broken = fetched();
    let gold = "contracts/product/product_sales.odcs.yaml";
    broken.edit(gold, "value: 90d", "value: 30d");
    broken.edit(gold, "version: 1.0.0", "version: 2.0.0");
    broken.edit(
        "contracts/product/product_sales.odps.yaml",
        "    version: 1.0.0\n    contractId: product.gold.product_sales\n",
        "    version: 2.0.0\n    contractId: product.gold.product_sales\n",
    );
    let said = expect(&broken, &check, 1);
    assert!(
        said.contains("::error ") && said.contains("file=data/shop/contracts/product/product_sales.odcs.yaml"),
        "{said}"
    );
    // A version that was not raised.
    let same = fetched();
    same.edit(gold, "value: 90d", "value: 120d");
    expect(&same, &check, 1);
    // A document is wrong; a column is gone, and a query does not fit any more.
    let wrong = fetched();
    wrong.edit(BRONZE, "version: 1.0.0", "vershion: 1.0.0");
    expect(&wrong, &check, 2);
    let column = fetched();
    column.drop_column(BRONZE, "country");
    column.edit(BRONZE, "version: 1.0.0", "version: 2.0.0");
    let said = expect(&column, &check, 2);
    assert!(said.contains("breaks consumer"), "{said}");
    // A rule that lets a bad sample pass, and samples that are wrong themselves.
    let samples = fetched();
    samples.edit(SAMPLES, SAMPLE, "{rule: country.required, change: {country: Spain}}");
    expect(&samples, &prove, 1);
    samples.edit(
        SAMPLES,
        "{rule: country.required, change: {country: Spain}}",
        "{rule: country.length, change: {country: null}}",
    );
    expect(&samples, &prove, 2);
    // There is no table yet.
    expect(&fetched(), "polder test", 0);
    expect(&fetched(), "polder test sales.bronze.invoice_lines", 1);
}

#[test]
fn the_framework_hands_every_document_to_the_hook() {
    let configuration = document("pre-commit-config.yaml");
    let value = |key: &str| {
        let line = configuration
            .lines()
            .find_map(|line| line.trim_start().strip_prefix(key));
        line.unwrap_or_else(|| panic!("{key} is not there")).to_owned()
    };
    let (entry, files) = (value("entry: "), value("files: "));
    // The framework appends the names of the staged files that the pattern finds.
    let hook = format!("git ls-files | grep -E '{files}' | tee names | xargs {entry}");
    let repository = fetched();
    expect(&repository, &hook, 0);
    let names = fs::read_to_string(repository.path("names")).unwrap();
    for kind in ["odcs", "odps", "samples"] {
        let ending = format!(".{kind}.yaml");
        let tracked = on_a_runner(&repository.path("."), &format!("git ls-files | grep -cF '{ending}'"));
        let tracked = String::from_utf8(tracked.stdout)
            .unwrap()
            .trim()
            .parse::<usize>()
            .unwrap();
        assert_eq!(
            names.lines().filter(|name| name.ends_with(&ending)).count(),
            tracked,
            "{names}"
        );
    }
    repository.edit(BRONZE, "version: 1.0.0", "vershion: 1.0.0");
    // `xargs` says so of a command that fails.
    expect(&repository, &hook, 123);
}

#[test]
fn the_commands_of_the_page_do_what_they_are_there_for() {
    let page = document("README.md");
    let blocks = page
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap());
    let [reports, changes, lists]: [&str; 3] = blocks.collect::<Vec<_>>().try_into().unwrap();
    let repository = fetched();
    expect(&repository, reports.trim(), 0);
    for name in ["report.xml", "polder.sarif", "report.json"] {
        assert!(repository.path(name).is_file(), "{name}");
    }
    if Command::new("jq").arg("--version").output().is_err() {
        skip("offline", "the lists of docs/ci/README.md: there is no jq");
        return;
    }
    repository.drop_column(BRONZE, "country");
    repository.edit(BRONZE, "version: 1.0.0", "version: 2.0.0");
    let said = expect(&repository, &format!("set +o pipefail; {changes}"), 0);
    for line in [
        "breaks readers: the column `country` was removed",
        "sales.bronze.invoice_lines.country → pipeline sales.invoice_lines → sales.silver.invoice_lines.country → \
         pipeline product.product_sales → product.gold.product_sales.country → consumer finance-dashboard",
    ] {
        assert!(said.lines().any(|told| told == line), "{line}\n{said}");
    }
    let mesh = NewMesh::built();
    let consumer =
        "consumer: report\nowner: ada@shop.example\ndescription: One.\nreads:\n  - dataset: shop.bronze.orders\n";
    fs::create_dir_all(mesh.path("catalog/consumers")).unwrap();
    fs::write(mesh.path("catalog/consumers/report.yaml"), consumer).unwrap();
    let said: Vec<String> = lists
        .lines()
        .map(|line| {
            let ended = on_a_runner(&mesh.path("."), &format!("set +o pipefail; {line}"));
            assert_eq!(ended.status.code(), Some(0), "{line}: {ended:?}");
            String::from_utf8(ended.stdout).unwrap()
        })
        .collect();
    // The orders are of January 2026, and were promised a day later.
    assert!(said[1].starts_with("shop.gold.daily_orders latency "), "{said:?}");
    assert_eq!(
        (said[0].trim(), said[2].trim(), said.len()),
        ("true", "shop.bronze.orders", 3)
    );
}

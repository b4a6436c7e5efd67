//! What `polder check` says of tables, held against what becomes of a run: whatever a table would not take is found
//! before, and nothing else is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use polder_testkit::{Ended, Polder};
use tempfile::TempDir;

use crate::mesh::copy_folder;
use crate::new_mesh::NewMesh;

pub(super) const ORDERS: &str = "contracts/shop/orders.odcs.yaml";
pub(super) const DAILY: &str = "contracts/shop/daily_orders.odcs.yaml";
const STREAM: &str = "pipelines/shop/orders.stream.yaml";

/// What a check or a run says of a column that the table does not take.
const REFUSES: &str = "[table-refuses]";
const REFUSES_TOO: &str = "the table does not take it either";

/// A copy of a mesh under git, whose tables hold rows.
pub(super) struct Copy {
    folder: TempDir,
    pub(super) polder: Polder,
}

impl Copy {
    fn of(mesh: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(mesh, folder.path());
        let polder = Polder::in_folder(folder.path());
        Self { folder, polder }
    }

    /// The mesh that `polder new` makes, built, as the branch `main`; `edits` were made before anything was built.
    pub(super) fn built(edits: &[Edit]) -> Self {
        let new = NewMesh::landed();
        let copy = Self::of(&new.path(""));
        fs::remove_dir_all(copy.path(".polder")).unwrap();
        // The samples are of the contracts as they come.
        fs::remove_file(copy.path("contracts/shop/orders.samples.yaml")).unwrap();
        fs::remove_file(copy.path("contracts/shop/daily_orders.samples.yaml")).unwrap();
        edits.iter().for_each(|edit| copy.edit(edit));
        copy.polder.expect(&["ingest", "--until-end"]);
        copy.polder.expect(&["run"]);
        copy.git(&["init", "--quiet", "--initial-branch=main"]);
        copy.commit();
        copy
    }

    fn twin(&self) -> Self {
        Self::of(self.folder.path())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn git(&self, arguments: &[&str]) {
        let identity = ["-c", "user.name=Test", "-c", "user.email=test@shop.example"];
        let mut git = Command::new("git");
        let status = git.arg("-C").arg(self.folder.path()).args(identity).args(arguments);
        assert!(status.status().unwrap().success(), "git {}", arguments.join(" "));
    }

    pub(super) fn commit(&self) {
        self.git(&["add", "--all", "--", "contracts", "pipelines", "catalog", "polder.yaml"]);
        self.git(&["commit", "--quiet", "--message", "a state"]);
    }

    pub(super) fn edit(&self, (document, old, new): &Edit) {
        let path = self.path(document);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(old).count(), 1, "{old:?} in {document}");
        fs::write(path, text.replace(old, new)).unwrap();
    }

    /// What a run of everything ends with.
    fn runs(&self) -> Ended {
        let ended = self.polder.run(&["ingest", "--until-end"]);
        match ended.code {
            Some(0) => self.polder.run(&["run"]),
            _ => ended,
        }
    }
}

/// A document, what stands in it once, and what is written instead.
pub(super) type Edit = (&'static str, &'static str, &'static str);

pub(super) fn said(ended: &Ended) -> String {
    format!("{}{}", ended.stdout, ended.stderr)
}

/// A column with nested values, in the base of a comparison.
const PLACE: Edit = (
    ORDERS,
    "      - name: currency\n",
    "      - name: place\n        description: Where to.\n        logicalType: object\n        properties:\n          - name: \
     city\n            description: The city.\n            logicalType: string\n          - name: zip\n            \
     description: The code.\n            logicalType: integer\n            physicalType: int\n      - name: currency\n",
);

const CITY: &str = "          - name: city\n            description: The city.\n            logicalType: string\n";

fn column(name: &str, kind: &str, required: bool) -> String {
    let required = if required { "        required: true\n" } else { "" };
    format!("      - name: {name}\n        description: One more.\n{kind}{required}")
}

/// What is changed, and what the table does not take of it, as check and run say it.
type Case = (Vec<(&'static str, &'static str, String)>, Option<&'static str>);

fn cases() -> Vec<Case> {
    let text = "        logicalType: string\n        physicalType: string\n";
    let before = "      - name: order_id\n";
    let add = |column: String| vec![(ORDERS, before, format!("{column}{before}"))];
    let orders = |old: &'static str, new: &str| vec![(ORDERS, old, new.to_owned())];
    let customer = "      - name: customer\n        description: The name by which the customer signed in.\n        \
                    logicalType: string\n        physicalType: string\n";
    let lines = "        logicalType: integer\n        physicalType: bigint\n";
    let gold = |required: bool| {
        let sql = "    sum(amount) AS amount\n";
        let counted = "    sum(amount) AS amount,\n    count(*) AS lines\n";
        let before = "      - name: amount\n";
        vec![
            (DAILY, before, format!("{}{before}", column("lines", lines, required))),
            ("pipelines/shop/daily_orders.sql", sql, counted.to_owned()),
        ]
    };
    vec![
        (add(column("channel", text, false)), None),
        (
            add(column("channel", text, true)),
            Some("shop.bronze.orders: column `channel` is new and required, but the table has rows without it"),
        ),
        (orders(customer, ""), None),
        (orders(customer, &format!("{customer}        required: true\n")), None),
        (
            orders(customer, &customer.replace("string", "timestamp")),
            Some("shop.bronze.orders: column `customer` is string in the table and timestamp in the contract"),
        ),
        (
            orders("physicalType: decimal(12,2)", "physicalType: decimal(14,2)"),
            Some("shop.bronze.orders: column `amount` is decimal(12,2) in the table and decimal(14,2) in the contract"),
        ),
        // It breaks the pipeline too, which is told with it.
        (
            orders("physicalType: timestamp\n", "physicalType: timestamp_ntz\n"),
            Some("shop.bronze.orders: column `ordered_at` is timestamp in the table and timestamp_ntz in the contract"),
        ),
        (
            orders("- name: customer\n", "- name: Customer\n"),
            Some(
                "shop.bronze.orders: column `Customer` is new, but the table has a column `customer`, which differs by case alone",
            ),
        ),
        (
            orders("          - name: city\n", "          - name: town\n"),
            Some("shop.bronze.orders: `place.town` is new, but the table's values of `place` do not have that field"),
        ),
        (
            orders(CITY, ""),
            Some(
                "shop.bronze.orders: `place.city` is not in the contract, but the table's values of `place` have that field",
            ),
        ),
        (
            orders("            physicalType: int\n", "            physicalType: bigint\n"),
            Some("shop.bronze.orders: column `place.zip` is int in the table and bigint in the contract"),
        ),
        (orders("description: Where to.", "description: Whither."), None),
        (gold(false), None),
        (
            gold(true),
            Some("shop.gold.daily_orders: column `lines` is new and required, but the table has rows without it"),
        ),
        (
            vec![(
                DAILY,
                "physicalType: decimal(38,2)",
                "physicalType: decimal(38,4)".to_owned(),
            )],
            Some(
                "shop.gold.daily_orders: column `amount` is decimal(38,2) in the table and decimal(38,4) in the contract",
            ),
        ),
    ]
}

#[test]
fn a_check_finds_what_a_run_would_end_with_and_nothing_else() {
    let base = Copy::built(&[PLACE]);
    for (edits, refused) in cases() {
        let copy = base.twin();
        for (document, old, new) in &edits {
            let text = fs::read_to_string(copy.path(document)).unwrap();
            assert_eq!(text.matches(old).count(), 1, "{old:?} in {document}");
            fs::write(copy.path(document), text.replacen(old, new, 1)).unwrap();
        }
        let compared = copy.polder.run(&["check", "--base", "main"]);
        let connected = copy.polder.run(&["check", "--connect"]);
        let both = copy.polder.run(&["check", "--base", "main", "--connect"]);
        let runs = copy.runs();
        let Some(refused) = refused else {
            for checked in [&compared, &connected, &both] {
                let said = said(checked);
                assert!(
                    !said.contains(REFUSES) && !said.contains(REFUSES_TOO),
                    "{edits:?}\n{said}"
                );
            }
            assert_eq!(connected.code, Some(0), "{edits:?}\n{}", said(&connected));
            assert_eq!(runs.code, Some(0), "{edits:?}\n{}", said(&runs));
            continue;
        };
        assert_ne!(runs.code, Some(0), "{edits:?}\n{}", said(&runs));
        assert!(said(&runs).contains(refused), "{edits:?}\n{}", said(&runs));
        for checked in [&compared, &both] {
            let said = said(checked);
            assert!(matches!(checked.code, Some(1 | 2)), "{edits:?}\n{said}");
            assert!(
                said.contains(REFUSES) || said.contains(REFUSES_TOO),
                "{edits:?}\n{said}"
            );
            assert!(said.contains("that tables do not take: 1"), "{edits:?}\n{said}");
            assert_eq!(said.matches(refused).count(), 1, "once: {edits:?}\n{said}");
        }
        assert_eq!(connected.code, Some(1), "{edits:?}\n{}", said(&connected));
        assert!(connected.stderr.contains(REFUSES), "{edits:?}\n{}", said(&connected));
        assert!(connected.stderr.contains(refused), "{edits:?}\n{}", said(&connected));
    }
}

#[test]
fn a_required_column_is_told_at_its_line_with_what_to_do() {
    let base = Copy::built(&[]);
    let currency = "      - name: order_id\n";
    let text = "        logicalType: string\n        physicalType: string\n";
    let path = base.path(ORDERS);
    let contract = fs::read_to_string(&path).unwrap();
    let channel = column("channel", text, true);
    fs::write(&path, contract.replacen(currency, &format!("{channel}{currency}"), 1)).unwrap();
    base.edit(&(ORDERS, "version: 1.0.0", "version: 1.1.0"));
    let line = 1 + fs::read_to_string(&path)
        .unwrap()
        .lines()
        .position(|line| line.ends_with("- name: channel"))
        .unwrap();
    let ended = base.polder.run(&["check", "--base", "main"]);
    assert_eq!(ended.code, Some(1), "{}", said(&ended));
    for part in [
        "error[table-refuses]: shop.bronze.orders: column `channel` is new and required",
        &format!("{ORDERS}:{line}:15"),
        "leave out `required: true`",
        "shop.bronze.orders_v2",
        "check --connect looks at it",
        "that tables do not take: 1",
    ] {
        assert!(said(&ended).contains(part), "{part}\n{}", said(&ended));
    }
    assert!(!said(&ended).contains("breaks-writers"), "said once: {}", said(&ended));
    // A run ends with the same.
    let run = base.polder.run(&["ingest", "--until-end"]);
    assert_eq!(run.code, Some(2), "{}", said(&run));
    assert!(said(&run).contains(&format!("{ORDERS}:{line}:15")), "{}", said(&run));
    assert!(said(&run).contains("leave out `required: true`"), "{}", said(&run));
    // As long as the table has no rows, it takes the column; that the base's table would have some is not known better.
    fs::remove_dir_all(base.path(".polder/lake")).unwrap();
    let connected = base.polder.run(&["check", "--connect"]);
    assert_eq!(connected.code, Some(0), "{}", said(&connected));
    assert!(connected.stdout.contains("0 of 2"), "{}", said(&connected));
}

#[test]
fn the_tables_that_are_there_are_what_counts_with_connect() {
    let base = Copy::built(&[]);
    // A column that the contract lost stays in the table; one that comes back as another type is only known from there.
    let customer = "      - name: customer\n        description: The name by which the customer signed in.\n        \
                    logicalType: string\n        physicalType: string\n        classification: confidential\n";
    base.edit(&(ORDERS, customer, ""));
    base.commit();
    let ended = base.polder.run(&["check", "--connect"]);
    assert_eq!(ended.code, Some(0), "{}", said(&ended));
    let note = "shop.bronze.orders: its contract does not name 1 column any more: `customer`";
    assert!(ended.stdout.contains(note), "{}", said(&ended));
    let contract = fs::read_to_string(base.path(ORDERS)).unwrap();
    let again = customer
        .replace("string", "date")
        .replace("        classification: confidential\n", "");
    let amount = "      - name: amount\n";
    fs::write(
        base.path(ORDERS),
        contract.replacen(amount, &format!("{again}{amount}"), 1),
    )
    .unwrap();
    base.edit(&(ORDERS, "version: 1.0.0", "version: 1.1.0"));
    let compared = base.polder.run(&["check", "--base", "main"]);
    assert!(!said(&compared).contains(REFUSES), "{}", said(&compared));
    let both = base
        .polder
        .run(&["check", "--base", "main", "--connect", "--report", "sarif=report.sarif"]);
    assert_eq!(both.code, Some(1), "{}", said(&both));
    let refused = "column `customer` is string in the table and date in the contract";
    assert_eq!(both.stderr.matches(refused).count(), 1, "{}", said(&both));
    assert!(both.stdout.contains("1 of them cannot take"), "{}", said(&both));
    let sarif = fs::read_to_string(base.path("report.sarif")).unwrap();
    assert!(sarif.contains(refused), "{sarif}");
    // A table that was made anew takes it, whatever the base says.
    let table = base.path(".polder/lake/shop/bronze/orders");
    fs::remove_dir_all(&table).unwrap();
    base.polder.expect(&["ingest", "--until-end"]);
    let both = base.polder.run(&["check", "--base", "main", "--connect"]);
    assert_eq!(both.code, Some(0), "{}", said(&both));
}

#[test]
fn a_stream_does_not_take_over_the_table_of_a_pipeline() {
    let copies = |text: String| text.replace("shop.bronze.orders", "shop.bronze.copies");
    let base = Copy::built(&[]);
    let contract = copies(fs::read_to_string(base.path(ORDERS)).unwrap());
    fs::write(base.path("contracts/shop/copies.odcs.yaml"), contract).unwrap();
    let pipeline = "description: Orders once more.\ndataset: shop.bronze.copies\nmaterialization: append\n";
    fs::write(base.path("pipelines/shop/copies.pipeline.yaml"), pipeline).unwrap();
    let query = "SELECT order_id, ordered_at, customer, amount, currency FROM shop.bronze.orders\n";
    fs::write(base.path("pipelines/shop/copies.sql"), query).unwrap();
    base.polder.expect(&["check"]);
    base.polder.expect(&["run"]);
    base.commit();
    for file in ["pipelines/shop/copies.pipeline.yaml", "pipelines/shop/copies.sql"] {
        fs::remove_file(base.path(file)).unwrap();
    }
    let stream = copies(fs::read_to_string(base.path(STREAM)).unwrap());
    fs::write(base.path("pipelines/shop/copies.stream.yaml"), stream).unwrap();
    let lacks = "its table was not made by a stream, and does not take a stream's rows: it lacks `_topic`";
    for arguments in [["check", "--base", "main"].as_slice(), &["check", "--connect"]] {
        let ended = base.polder.run(arguments);
        assert_eq!(ended.code, Some(1), "{}", said(&ended));
        assert!(ended.stderr.contains(lacks), "{}", said(&ended));
    }
    let ended = base.polder.run(&["ingest", "--until-end", "shop.copies"]);
    assert_eq!(ended.code, Some(2), "{}", said(&ended));
    assert!(said(&ended).contains(lacks), "{}", said(&ended));
}

//! What a changed contract would have refused of the past is what the write refuses of the same rows.

use serde_json::{Value, json};

use super::{CONTRACT, DATASET, Mesh, contract, good};

/// Rows with these words, of which each is one of a key.
fn words(words: &[&str]) -> Vec<Value> {
    let row = |(id, word): (usize, &&str)| {
        let mut row = good(id);
        row["word"] = json!(word);
        row
    };
    words.iter().enumerate().map(row).collect()
}

/// A mesh in which each of these deliveries is written under this contract, one after the other.
fn written(contract: &str, deliveries: &[Vec<Value>]) -> Mesh {
    let mesh = Mesh::under(contract, &deliveries[0]);
    for (number, rows) in deliveries.iter().enumerate() {
        mesh.rows(&number.to_string(), rows);
        // A contract may refuse a whole delivery.
        let ended = mesh.polder.run(&["ingest", "--until-end"]);
        assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
    }
    mesh
}

/// The same where the contract asked for nothing when they came.
fn past(contract_now: &str, deliveries: &[Vec<Value>]) -> Mesh {
    let mesh = written(&contract("1.0.0", &[], ""), deliveries);
    mesh.write(CONTRACT, contract_now);
    mesh
}

/// How a backtest of all of it ends, what it says below its table, and of each commit its rows and how many of them it
/// refuses.
fn backtest(mesh: &Mesh) -> (Option<i32>, String, Vec<(u64, u64)>, Value) {
    let asked = ["contract", "backtest", DATASET, "--since", "0", "--format", "json"];
    let (ended, commits) = mesh.json(&asked);
    let figures = commits.as_array().unwrap().iter();
    let figures = figures.map(|commit| (commit["rows"].as_u64().unwrap(), commit["refused"].as_u64().unwrap()));
    (ended.code, ended.stderr, figures.collect(), commits)
}

/// The rule in the line of a commit.
fn rule<'a>(commits: &'a Value, commit: usize, rule: &str) -> &'a Value {
    let rules = commits[commit]["rules"].as_array().unwrap();
    let found = rules.iter().find(|found| found["rule"] == rule);
    found.unwrap_or_else(|| panic!("{rule} is not in {rules:?}"))
}

#[test]
fn later_rows_of_a_key_would_have_been_refused_in_their_commit_and_after_it() {
    // The second `a` repeats one of its own delivery, the second `b` one of an earlier.
    let deliveries = [words(&["a", "b", "a"]), words(&["b", "c"])];
    let unique = contract("1.1.0", &[("word", "unique: true")], "");
    let mesh = past(&unique, &deliveries);
    let (code, said, figures, commits) = backtest(&mesh);
    assert_eq!((code, &figures[..]), (Some(1), &[(3, 1), (2, 1)][..]), "{said}");
    assert!(
        said.contains("2 of 5 rows in 2 commits would have been refused"),
        "{said}"
    );
    assert!(!said.contains("as a whole"), "{said}");
    let of_key = rule(&commits, 1, "word.unique");
    assert_eq!((&of_key["rows"], &of_key["refuses_commit"]), (&json!(1), &json!(false)));
    // The write takes the other three.
    assert_eq!(written(&unique, &deliveries).count(), "3");
}

#[test]
fn a_commit_that_a_rule_about_the_table_refuses_counts_whole_and_one_that_is_not_to_blame_does_not() {
    let deliveries = [words(&["a", "b", "c"]), words(&["d"]), words(&["e"])];
    let few = "{id: few, type: library, metric: rowCount, mustBeLessThan: 4}";
    let enough = "{id: enough, type: library, metric: rowCount, mustBeGreaterThan: 10}";
    let both = contract("1.1.0", &[], &format!("    quality: [{few}, {enough}]\n"));
    let mesh = past(&both, &deliveries);
    let (code, said, figures, commits) = backtest(&mesh);
    // Three rows are less than four; with four and five nothing of the delivery is taken.
    assert_eq!((code, &figures[..]), (Some(1), &[(3, 0), (1, 1), (1, 1)][..]), "{said}");
    assert!(
        said.contains("2 of 5 rows in 3 commits would have been refused"),
        "{said}"
    );
    let last = said.lines().last().unwrap();
    assert_eq!(
        last,
        format!("{DATASET}: 2 of 3 commits would have been refused as a whole, by few (2)")
    );
    // More rows bring no table further from having more than ten.
    let excuse = "rule enough fails on 3 of 3 commits and would not have refused them: without these rows it is 4 and no \
                  better, so it is not refused";
    assert!(said.contains(excuse), "{said}");
    let refuses = |name: &str| [0, 1, 2].map(|commit| rule(&commits, commit, name)["refuses_commit"].clone());
    assert_eq!(refuses("enough"), [false, false, false]);
    assert_eq!(rule(&commits, 0, "enough")["verdict"], "failed");
    assert_eq!(rule(&commits, 1, "few")["refuses_commit"], true);
    let table = mesh.polder.run(&["contract", "backtest", DATASET, "--since", "0"]);
    assert!(table.stdout.contains("enough: fails, not to blame (3)"), "{table:?}");
    // At the write the first delivery is all that lands.
    assert_eq!(written(&both, &deliveries).count(), "3");
    // What alone is not to blame refuses nothing.
    mesh.write(CONTRACT, &contract("1.1.0", &[], &format!("    quality: [{enough}]\n")));
    let (code, said, figures, _) = backtest(&mesh);
    assert_eq!((code, &figures[..]), (Some(0), &[(3, 0), (1, 0), (1, 0)][..]), "{said}");
}

#[test]
fn rules_about_the_table_are_asked_without_the_rows_that_are_refused_and_a_row_may_refuse_all() {
    let mut rows = words(&["a", "b", "c", "d"]);
    rows[1]["level"] = json!(1);
    let deliveries = [rows];
    let few = "    quality: [{id: few, type: library, metric: rowCount, mustBeLessThan: 4}]\n";
    let least = "logicalTypeOptions: {minimum: 5}";
    let quarantines = contract("1.1.0", &[("level", least)], few);
    let mesh = past(&quarantines, &deliveries);
    let (code, said, figures, _) = backtest(&mesh);
    assert_eq!((code, &figures[..]), (Some(1), &[(4, 1)][..]), "{said}");
    assert!(!said.contains("as a whole"), "{said}");
    assert_eq!(written(&quarantines, &deliveries).count(), "3");

    let reject = format!("{least}, customProperties: [{{property: polder.onFailure, value: reject}}]");
    let rejects = contract("1.1.0", &[("level", &reject)], few);
    mesh.write(CONTRACT, &rejects);
    let (code, said, figures, commits) = backtest(&mesh);
    assert_eq!((code, &figures[..]), (Some(1), &[(4, 4)][..]), "{said}");
    assert!(
        said.contains("1 of 1 commit would have been refused as a whole, by level.minimum (1)"),
        "{said}"
    );
    assert_eq!(rule(&commits, 0, "level.minimum")["rows"], 1);
    assert_eq!(written(&rejects, &deliveries).count(), "0");
}

#[test]
fn queries_are_asked_without_the_rows_that_are_refused_by_themselves_or_for_their_key() {
    let mut second = words(&["b", "c", "a"]);
    second[1]["level"] = json!(500);
    let deliveries = [words(&["a"]), second];
    let added = [
        ("level", "logicalTypeOptions: {maximum: 100}"),
        ("word", "unique: true"),
    ];
    let sum = |below: u32| {
        let query = "SELECT sum(level) FROM {object}";
        let rule = format!("    quality: [{{id: sum, type: sql, query: '{query}', mustBeLessThan: {below}}}]\n");
        contract("1.1.0", &added, &rule)
    };
    // Of the second delivery one row is taken: two levels of 95 are 190.
    let mesh = past(&sum(191), &deliveries);
    let (code, said, figures, _) = backtest(&mesh);
    assert_eq!((code, &figures[..]), (Some(1), &[(1, 0), (3, 2)][..]), "{said}");
    assert!(!said.contains("as a whole"), "{said}");
    assert_eq!(written(&sum(191), &deliveries).count(), "2");

    mesh.write(CONTRACT, &sum(190));
    let (code, said, figures, _) = backtest(&mesh);
    assert_eq!((code, &figures[..]), (Some(1), &[(1, 0), (3, 3)][..]), "{said}");
    assert!(
        said.contains("1 of 2 commits would have been refused as a whole, by sum (1)"),
        "{said}"
    );
    assert_eq!(written(&sum(190), &deliveries).count(), "1");
}

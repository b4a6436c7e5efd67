//! Rules that nobody here can check are reported as not run, with why, wherever rules are reported; they never pass.

use serde_json::Value;

use super::{DATASET, Mesh, contract, sets::unwrapped, ten_rows};

const OBJECT: &str = "    quality:
      - {id: agreed, type: text, description: Agreed with the shop once a year.}
      - {id: checked_by_soda, type: custom, engine: soda, implementation: 'type: duplicate_percent'}
";
const COLUMNS: [(&str, &str); 1] = [("word", "logicalTypeOptions: {format: password}")];

/// The rules, and a part of why each is not run.
const NOT_RUN: [(&str, &str); 3] = [
    ("agreed", "a rule in words, for people"),
    ("checked_by_soda", "soda"),
    ("word.format", "`password` says how a text is to be shown"),
];

fn mesh() -> Mesh {
    Mesh::under(&contract("2.0.0", &COLUMNS, OBJECT), &ten_rows())
}

/// Each rule with its reason is in a text.
fn told(text: &str) {
    let text = unwrapped(text);
    for (rule, why) in NOT_RUN {
        assert!(text.contains(rule) && text.contains(why), "{rule}: {text}");
    }
}

/// The reports of a command: each tells each rule as not run, in its own form.
fn reported(mesh: &Mesh, command: &[&str]) {
    let mut arguments = command.to_vec();
    arguments.extend(["--report", "json=out/r.json", "--report", "junit=out/r.xml"]);
    arguments.extend(["--report", "sarif=out/r.sarif", "--report", "github=out/r.txt"]);
    let ended = mesh.polder.run(&arguments);
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let json: Value = serde_json::from_str(&mesh.read("out/r.json")).unwrap();
    assert_eq!(json["not_run"], 3, "{json}");
    let checks = json["checks"].as_array().unwrap().iter();
    let not_run: Vec<&Value> = checks.filter(|check| check["outcome"] == "not run").collect();
    assert_eq!(not_run.len(), 3);
    let sarif: Value = serde_json::from_str(&mesh.read("out/r.sarif")).unwrap();
    let notes = &sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(notes.as_array().unwrap().len(), 3);
    let failed = sarif["runs"][0]["results"].as_array().unwrap().iter();
    let failed = failed.filter(|result| NOT_RUN.iter().any(|(rule, _)| result["ruleId"] == *rule));
    assert_eq!(failed.count(), 0, "no alert comes of it");
    let junit = mesh.read("out/r.xml");
    assert_eq!(junit.matches("<skipped").count(), 3, "{junit}");
    let github = mesh.read("out/r.txt");
    assert!(github.contains("::notice title=3 checks not run::"), "{github}");

    for (rule, why) in NOT_RUN {
        assert!(
            not_run.iter().any(|check| check.to_string().contains(rule)
                && check["message"].as_str().is_some_and(|message| message.contains(why))),
            "{rule}"
        );
        for text in [&notes.to_string(), &junit, &github] {
            assert!(text.contains(rule) && text.contains(why), "{rule}: {text}");
        }
    }
}

#[test]
fn at_the_write_by_streams_pipelines_and_replays() {
    let mesh = mesh();
    told(&mesh.ingest().stderr);
    // A second run has nothing to judge, and nothing to say.
    let again = mesh.ingest();
    assert!(!again.stderr.contains("not run"), "{again:?}");

    mesh.write(
        "contracts/sales/picked.odcs.yaml",
        &contract("1.0.0", &COLUMNS, OBJECT).replace(DATASET, "sales.silver.picked"),
    );
    mesh.write(
        "pipelines/sales/picked.pipeline.yaml",
        "description: The rows.\ndataset: sales.silver.picked\nmaterialization: append\n",
    );
    let columns: Vec<&str> = super::COLUMNS.iter().map(|(name, _)| *name).collect();
    let sql = format!("SELECT {} FROM {DATASET}\n", columns.join(", "));
    mesh.write("pipelines/sales/picked.sql", &sql);
    let built = mesh.polder.run(&["run"]);
    assert_eq!(built.code, Some(0), "{built:?}");
    told(&built.stderr);

    mesh.write("data/cut.jsonl", "{\"id\": 11, \"level\": \"no number\"}\n");
    told(&mesh.ingest().stderr);
    let replayed = mesh.polder.run(&["quarantine", "replay", DATASET]);
    assert_eq!(replayed.code, Some(1), "{replayed:?}");
}

#[test]
fn in_a_test_of_the_table() {
    let mesh = mesh();
    mesh.ingest();
    for format in ["table", "csv", "json"] {
        let ended = mesh.polder.run(&["test", DATASET, "--format", format]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.stdout.matches("not run").count(), 3, "{format}: {ended:?}");
        told(&ended.stdout);
        assert!(ended.stderr.contains("3 not run"), "{ended:?}");
    }
    reported(&mesh, &["test", DATASET]);
    let ended = mesh.polder.run(&["test", DATASET, "--min-coverage", "100"]);
    assert_eq!(
        ended.code,
        Some(1),
        "a rule that is not run is no covered one: {ended:?}"
    );
}

#[test]
fn in_continuous_integration_by_check_and_by_samples() {
    let mesh = mesh();
    let ended = mesh.polder.run(&["check"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("3 declared rules cannot be run"), "{ended:?}");
    let listed = mesh.polder.run(&["check", "-v"]);
    told(&format!("{}{}", listed.stdout, listed.stderr));
    reported(&mesh, &["check"]);

    mesh.samples(&ten_rows(), &[]);
    let ended = mesh.polder.run(&["contract", "test"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    told(&ended.stdout);
    assert!(ended.stdout.contains("3 not run"), "{ended:?}");
    let (_, proved) = mesh.proved();
    for (rule, why) in NOT_RUN {
        assert_eq!(proved[rule].0, "not run");
        assert!(proved[rule].1.contains(why), "{:?}", proved[rule]);
    }
    reported(&mesh, &["contract", "test"]);
}

#[test]
fn partitions_that_polder_does_not_make_are_told_by_a_check() {
    let column = [("state", "partitioned: true, partitionKeyPosition: 1")];
    let mesh = Mesh::under(&contract("2.0.0", &column, ""), &ten_rows());
    let checked = mesh.polder.run(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let sentence = format!("{DATASET} is written without partitions, though its contract declares them by `state`");
    let told = unwrapped(&checked.stderr);
    assert!(
        told.contains("warning[not-followed]") && told.contains(&sentence),
        "{told}"
    );

    mesh.write("contracts/sales/everything.odcs.yaml", &contract("2.0.0", &[], ""));
    let checked = mesh.polder.run(&["check"]);
    assert!(!checked.stderr.contains("not-followed"), "{checked:?}");
}

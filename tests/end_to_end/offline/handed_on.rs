//! What `polder check --base` says of limits that are loosened above a pipeline which hands the values on, and of those that
//! are tightened on what it builds: in whatever words either side says them.

mod further;
mod lost_keys;
mod reached;
mod replaced;
mod within;

use std::cell::{Cell, RefCell};
use std::fs;

use polder_testkit::Ended;

use super::pull_requests::{Repository, said};

/// What is said of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// It breaks, with who reads what it builds.
    Breaks,
    /// It may lose rows.
    Perhaps,
    /// Nothing happens to it.
    Nothing,
}
use Told::{Breaks, Nothing, Perhaps};

/// A mesh of `s.bronze.a` and of `s.gold.g`, which a pipeline builds of it and a consumer reads.
struct Mesh {
    repository: Repository,
    states: Cell<usize>,
    /// How the pipeline builds.
    builds: RefCell<String>,
}

fn contract(dataset: &str, version: &str, columns: &str) -> String {
    let id = "{name: id, logicalType: integer, physicalType: bigint}";
    format!(
        "apiVersion: v3.1.0\nkind: DataContract\nid: {dataset}\nname: it\nversion: {version}\nstatus: active\ndomain: s\nschema:\n  \
         - name: it\n    physicalName: {dataset}\n    properties: [{id}, {columns}]\n"
    )
}

impl Mesh {
    fn new() -> Self {
        let repository = Repository::of(&[
            ("polder.yaml", "name: m\nlake: {location: .polder/lake}\n"),
            ("catalog/policies/none.yaml", "policies: []\n"),
            (
                "catalog/domains.yaml",
                "domains:\n  s: {description: S., owner: you@s.example}\n",
            ),
            (
                "catalog/consumers/board.yaml",
                "consumer: board\nowner: board@s.example\ndescription: It.\nreads:\n  - dataset: s.gold.g\n    since: 2026-01-01\n",
            ),
        ]);
        Self {
            repository,
            states: Cell::new(0),
            builds: RefCell::new("materialization: replace_groups\n".to_owned()),
        }
    }

    fn write(&self, document: &str, text: &str) {
        let path = self.repository.path(document);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Checks a change of the columns of both contracts beside `id`.
    fn check(&self, bronze: [&str; 2], gold: [&str; 2], sql: &str) -> Ended {
        let state = self.states.get();
        self.states.set(state + 1);
        self.write("contracts/s/a.odcs.yaml", &contract("s.bronze.a", "1.0.0", bronze[0]));
        self.write("contracts/s/g.odcs.yaml", &contract("s.gold.g", "1.0.0", gold[0]));
        let pipeline = format!(
            "description: State {state}.\ndataset: s.gold.g\n{}",
            self.builds.borrow()
        );
        self.write("pipelines/s/g.pipeline.yaml", &pipeline);
        self.write("pipelines/s/g.sql", sql);
        self.repository.commit();
        for (document, dataset, columns) in [
            ("contracts/s/a.odcs.yaml", "s.bronze.a", bronze),
            ("contracts/s/g.odcs.yaml", "s.gold.g", gold),
        ] {
            if columns[0] != columns[1] {
                self.write(document, &contract(dataset, "2.0.0", columns[1]));
            }
        }
        self.repository.check()
    }

    fn builds_gold_by(&self, builds: &str) {
        self.builds.replace(builds.to_owned());
    }

    /// Puts a dataset between, with the pipeline that makes it.
    fn between(&self, name: &str, columns: &str, sql: &str) {
        self.write(
            &format!("contracts/s/{name}.odcs.yaml"),
            &contract(&format!("s.silver.{name}"), "1.0.0", columns),
        );
        self.write(
            &format!("pipelines/s/{name}.pipeline.yaml"),
            &format!("description: It.\ndataset: s.silver.{name}\nmaterialization: replace_groups\n"),
        );
        self.write(&format!("pipelines/s/{name}.sql"), sql);
    }

    /// Says what is told where bronze alone changes.
    fn loosened(&self, bronze: [&str; 2], gold: &str, sql: &str) -> (Told, String) {
        let ended = self.check(bronze, [gold, gold], sql);
        let all = said(&ended);
        let perhaps = all.contains("pipeline s.g may lose rows") || all.contains("pipeline s.g may refuse rows");
        let told = match ended.code {
            Some(1) if all.contains("it breaks consumer board, pipeline s.g") => Breaks,
            Some(0) if perhaps => Perhaps,
            Some(0) if !all.contains("it breaks") => Nothing,
            _ => panic!("{all}"),
        };
        (told, all)
    }
}

/// A column `x` of whole numbers.
fn number(more: &str) -> String {
    format!("{{name: x, logicalType: integer, physicalType: bigint{more}}}")
}

/// A column `k` of text.
fn text(more: &str) -> String {
    format!("{{name: k, logicalType: string, physicalType: string{more}}}")
}

/// A rule of the standard's library.
fn rule(metric: &str, arguments: &str) -> String {
    text(&format!(
        ", quality: [{{id: ok, type: library, metric: {metric}, arguments: {{{arguments}}}, mustBe: 0}}]"
    ))
}

fn valid(values: &str) -> String {
    rule("invalidValues", &format!("validValues: [{values}]"))
}

fn matching(pattern: &str) -> String {
    rule("invalidValues", &format!("pattern: '{pattern}'"))
}

fn pattern(pattern: &str) -> String {
    text(&format!(", logicalTypeOptions: {{pattern: '{pattern}'}}"))
}

fn listed(values: &str) -> String {
    let values: Vec<_> = values.split(", ").map(|value| format!("{{value: {value}}}")).collect();
    text(&format!(", enum: [{}]", values.join(", ")))
}

#[test]
fn a_loosened_limit_breaks_whoever_hands_values_on_to_it_in_whatever_words() {
    let mesh = Mesh::new();
    let (required, unique) = (text(", required: true"), text(", unique: true"));
    let warns = text(
        ", quality: [{id: ok, type: library, metric: invalidValues, arguments: {validValues: [a]}, mustBe: 0, severity: warning}]",
    );
    let some = text(
        ", quality: [{id: ok, type: library, metric: invalidValues, arguments: {validValues: [a]}, mustBeLessThan: 50, unit: percent}]",
    );
    let (nulls, doubles, missing) = (
        rule("nullValues", ""),
        rule("duplicateValues", ""),
        rule("missingValues", "missingValues: [n/a]"),
    );
    let any = text("");
    let rows = "pipeline s.g would refuse rows: ";
    let set = "pipeline s.g would commit nothing: no two rows of s.gold.g may have the same k";
    for (was, is, gold, why) in [
        (valid("a, b"), valid("a, b, c"), listed("a, b"), rows),
        (listed("a, b"), listed("a, b, c"), valid("a, b"), rows),
        (listed("a, b"), any.clone(), valid("a, b"), rows),
        (listed("a, b"), listed("a, c"), pattern("^[ab]$"), rows),
        (
            listed("a, bb"),
            listed("a, bbb"),
            text(", logicalTypeOptions: {maxLength: 2}"),
            rows,
        ),
        (valid("a"), warns, listed("a"), rows),
        (valid("a"), some, listed("a"), rows),
        (pattern("^[ab]$"), pattern("^[abc]$"), matching("^[ab]$"), rows),
        (matching("^[ab]$"), any.clone(), pattern("^[ab]$"), rows),
        (matching("^[ab]$"), matching("^[abc]$"), valid("a, b"), rows),
        (required.clone(), any.clone(), nulls.clone(), rows),
        (nulls.clone(), any.clone(), required.clone(), rows),
        // Gold refused `n/a` before, and null it did not.
        (required.clone(), any.clone(), missing.clone(), rows),
        (missing.clone(), nulls.clone(), missing, rows),
        (
            rule("missingValues", "missingValues: ['']"),
            any.clone(),
            text(", logicalTypeOptions: {minLength: 1}"),
            rows,
        ),
        (unique.clone(), any.clone(), doubles.clone(), set),
        (doubles.clone(), any.clone(), unique.clone(), set),
        (doubles.clone(), any.clone(), doubles.clone(), set),
        (text(", primaryKey: true"), required, unique.clone(), set),
    ] {
        let (told, all) = mesh.loosened([&was, &is], &gold, "SELECT id, k FROM s.bronze.a");
        assert!(told == Breaks && all.contains(why), "{was} → {is}, {gold}: {all}");
    }
}

#[test]
fn a_length_that_is_loosened_beside_the_same_pattern_or_format_breaks() {
    let mesh = Mesh::new();
    let email = "pattern: '^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+$'";
    let few = "pattern: '^[A-Z]{2}[0-9]{1,8}$'";
    let limited = |more: &str| text(&format!(", logicalTypeOptions: {{{more}}}"));
    for (beside, was, is, expected) in [
        (email, "maxLength: 10", "maxLength: 20", Breaks),
        (email, "minLength: 5", "minLength: 4", Breaks),
        (email, "maxLength: 10", "maxLength: 9", Nothing),
        ("format: email", "maxLength: 10", "maxLength: 20", Breaks),
        ("format: uri", "minLength: 5", "minLength: 4", Breaks),
        // The pattern has no longer ones.
        (few, "maxLength: 10", "maxLength: 20", Nothing),
        (few, "maxLength: 9", "maxLength: 20", Breaks),
    ] {
        let [was, is] = [was, is].map(|length| limited(&format!("{beside}, {length}")));
        let (told, all) = mesh.loosened([&was, &is], &was, "SELECT id, k FROM s.bronze.a");
        assert_eq!(told, expected, "{was} → {is}: {all}");
    }
}

#[test]
fn nothing_breaks_where_nothing_comes_that_was_not_refused_before() {
    let mesh = Mesh::new();
    let any = text("");
    let (doubles, unique) = (rule("duplicateValues", ""), text(", unique: true"));
    let required = text(", required: true");
    let query = ", quality: [{id: q, type: sql, query: 'SELECT count(*) FROM {object} WHERE id < 0', mustBe: 0}]";
    let share = rule("nullValues", "").replace("mustBe: 0", "mustBeLessThan: 50, unit: percent");
    let keyed = "SELECT max(id) AS id, k FROM s.bronze.a GROUP BY k";
    let plain = "SELECT id, k FROM s.bronze.a";
    for (was, is, gold, sql, expected) in [
        // Gold takes as much, or more.
        (
            matching("^[ab]$"),
            matching("^[abc]$"),
            matching("^[a-z]$"),
            plain,
            Nothing,
        ),
        (
            pattern("^[ab]$"),
            pattern("^[abc]$"),
            pattern("^[a-z]$"),
            plain,
            Nothing,
        ),
        (valid("a, b"), valid("a, b, c"), listed("c, b, a"), plain, Nothing),
        // Bronze keeps as much, or more, in other words.
        (
            matching("^[abc]$"),
            matching("^[ab]$"),
            matching("^[abc]$"),
            plain,
            Nothing,
        ),
        (valid("a, b"), matching("^[ab]$"), valid("a, b"), plain, Nothing),
        (valid("a, b"), listed("a, b"), valid("a, b"), plain, Nothing),
        (unique.clone(), doubles.clone(), unique.clone(), plain, Nothing),
        (
            text(", required: true"),
            rule("nullValues", ""),
            text(", required: true"),
            plain,
            Nothing,
        ),
        // Gold refused some of it before.
        (valid("a, b, c"), valid("a, b, c, d"), valid("a"), plain, Nothing),
        (
            any.clone(),
            any.replace("}", ", description: X}"),
            valid("a"),
            plain,
            Nothing,
        ),
        // One row of each value comes, whatever is there.
        (unique.clone(), any.clone(), doubles, keyed, Nothing),
        // The query keeps it, whatever comes.
        (
            required.clone(),
            any.clone(),
            required.clone(),
            "SELECT id, k FROM s.bronze.a WHERE k IS NOT NULL",
            Nothing,
        ),
        (
            valid("a, b"),
            valid("a, b, c"),
            listed("a, b"),
            "SELECT id, k FROM s.bronze.a WHERE k IN ('a', 'b')",
            Nothing,
        ),
        // What cannot be told is told as that.
        (text(query), any.clone(), text(query), plain, Perhaps),
        (required.clone(), any.clone(), share, plain, Perhaps),
        (
            pattern("^x[a-z]*$"),
            pattern("^x[a-z]*?$"),
            pattern("^x[a-z]*$"),
            plain,
            Perhaps,
        ),
        (
            valid("a, b"),
            valid("a, b, c"),
            listed("a, b"),
            "SELECT id, k FROM s.bronze.a WHERE k < 'c'",
            Perhaps,
        ),
        (
            unique.clone(),
            any,
            unique,
            "SELECT id, k FROM s.bronze.a WHERE k < 'c'",
            Perhaps,
        ),
    ] {
        let (told, all) = mesh.loosened([&was, &is], &gold, sql);
        assert_eq!(told, expected, "{was} → {is}, {gold}: {all}");
    }
}

#[test]
fn limits_of_the_keys_and_values_of_maps_are_followed_like_those_of_fields_and_items() {
    let mesh = Mesh::new();
    let number = |limit: &str| format!("logicalType: integer, physicalType: bigint, logicalTypeOptions: {{{limit}}}");
    let map = |longest: u32, value: &str| {
        format!(
            "{{name: m, logicalType: map, map: {{key: {{logicalType: string, logicalTypeOptions: {{maxLength: {longest}}}}}, value: \
             {{{value}}}}}}}"
        )
    };
    let (tight, loose) = (number("maximum: 10"), number("maximum: 100"));
    let column = |limit: &str| format!("{{name: x, {limit}}}");
    let required = format!("{tight}, required: true");
    let keys =
        "{name: l, logicalType: array, items: {logicalType: string, logicalTypeOptions: {maxLength: 1}}}".to_owned();
    let listed = "SELECT id, map_keys(m) AS l FROM s.bronze.a";
    let (whole, one) = ("SELECT id, m FROM s.bronze.a", "SELECT id, m['x'] AS x FROM s.bronze.a");
    for (was, is, gold, sql, expected) in [
        (map(3, &tight), map(3, &loose), map(3, &tight), whole, Breaks),
        (map(3, &tight), map(3, &loose), column(&tight), one, Breaks),
        (map(1, &tight), map(3, &tight), map(1, &tight), whole, Breaks),
        (map(3, &required), map(3, &tight), map(3, &required), whole, Breaks),
        (map(3, &required), map(3, &tight), column(&required), one, Breaks),
        (map(1, &tight), map(3, &tight), keys, listed, Perhaps),
        (map(3, &tight), map(3, &loose), map(3, &loose), whole, Nothing),
        (map(3, &tight), map(3, &loose), column(&loose), one, Nothing),
        (map(1, &tight), map(3, &tight), map(3, &tight), whole, Nothing),
        (map(3, &required), map(3, &tight), map(3, &tight), whole, Nothing),
    ] {
        let (told, all) = mesh.loosened([&was, &is], &gold, sql);
        assert_eq!(told, expected, "{was} → {is}, {gold}: {all}");
    }
}

#[test]
fn a_limit_tightened_on_what_a_pipeline_builds_warns_unless_its_source_keeps_to_it() {
    let mesh = Mesh::new();
    let number = |name: &str, more: &str| format!("{{name: {name}, logicalType: integer, physicalType: bigint{more}}}");
    let most = |most: u32| number("x", &format!(", logicalTypeOptions: {{maximum: {most}}}"));
    let (any, required, unique) = (
        number("x", ""),
        number("x", ", required: true"),
        number("x", ", unique: true"),
    );
    let nulls = number(
        "x",
        ", quality: [{id: nn, type: library, metric: nullValues, mustBe: 0}]",
    );
    let plain = "SELECT id, x FROM s.bronze.a";
    let (loses, fails) = (
        "pipeline s.g may lose rows to quarantine",
        "pipeline s.g may commit nothing",
    );
    for (bronze, was, is, sql, told) in [
        (&any, &any, &most(10), plain, Some(loses)),
        (&most(11), &any, &most(10), plain, Some(loses)),
        (&most(10), &most(20), &most(10), plain, None),
        (&most(10), &any, &most(20), plain, None),
        (
            &most(10),
            &any,
            &most(10),
            "SELECT id, x + 1 AS x FROM s.bronze.a",
            Some(loses),
        ),
        (&any, &any, &required, plain, Some(loses)),
        (&any, &any, &nulls, plain, Some(loses)),
        (&required, &any, &nulls, plain, None),
        (&nulls, &any, &required, plain, None),
        (
            &any,
            &any,
            &required,
            "SELECT id, coalesce(x, 0) AS x FROM s.bronze.a",
            None,
        ),
        (
            &any,
            &any,
            &required,
            "SELECT id, count(*) AS x FROM s.bronze.a GROUP BY id",
            None,
        ),
        (&any, &any, &unique, plain, Some(fails)),
        (&unique, &any, &unique, plain, None),
        (
            &any,
            &any,
            &unique,
            "SELECT max(id) AS id, x FROM s.bronze.a GROUP BY x",
            None,
        ),
        // The query keeps it.
        (
            &any,
            &any,
            &required,
            "SELECT id, x FROM s.bronze.a WHERE x IS NOT NULL",
            None,
        ),
        (&any, &any, &required, "SELECT id, x FROM s.bronze.a WHERE x > 0", None),
        (
            &any,
            &any,
            &most(10),
            "SELECT id, x FROM s.bronze.a WHERE x <= 10",
            None,
        ),
        (
            &any,
            &any,
            &most(10),
            "SELECT id, x FROM s.bronze.a WHERE x <= 11",
            Some(loses),
        ),
        (
            &any,
            &any,
            &most(10),
            "SELECT id, least(x, 10) AS x FROM s.bronze.a",
            None,
        ),
        (&any, &any, &most(10), "SELECT id, 10 AS x FROM s.bronze.a", None),
        // Or breaks it for each row.
        (&any, &any, &most(10), "SELECT id, 99 AS x FROM s.bronze.a", Some(loses)),
        (
            &any,
            &any,
            &required,
            "SELECT id, CAST(NULL AS bigint) AS x FROM s.bronze.a",
            Some(loses),
        ),
        (
            &any,
            &any,
            &most(10),
            "SELECT id, CAST(NULL AS bigint) AS x FROM s.bronze.a",
            None,
        ),
        // It asks less, or the same in other words.
        (&any, &most(10), &most(20), plain, None),
        (&any, &required, &nulls, plain, None),
    ] {
        let ended = mesh.check([bronze, bronze], [was, is], sql);
        let all = said(&ended);
        assert!(!all.contains("pipeline s.g would"), "{bronze}: {was} → {is}: {all}");
        let found = [loses, fails].into_iter().find(|words| ended.stderr.contains(words));
        assert_eq!(found, told, "{bronze}: {was} → {is}: {all}");
        let readers = "who reads what it builds: consumer board";
        assert_eq!(ended.stderr.contains(readers), told.is_some(), "{all}");
    }
}

#[test]
fn each_change_is_told_of_what_it_took_away_alone() {
    let mesh = Mesh::new();
    let limited = |longest: u32, more: &str| text(&format!(", logicalTypeOptions: {{maxLength: {longest}}}{more}"));
    let gold = limited(3, ", required: true, unique: true");
    let bronze = [
        limited(3, ", required: true, unique: true"),
        limited(5, ", required: true"),
    ];
    let (_, all) = mesh.loosened([&bronze[0], &bronze[1]], &gold, "SELECT id, k FROM s.bronze.a");
    let mut told: Vec<_> = all
        .lines()
        .filter(|line| line.contains("pipeline s.g would"))
        .map(str::trim)
        .collect();
    told.sort_unstable();
    let expected = [
        "pipeline s.g would commit nothing: no two rows of s.gold.g may have the same k (k.unique), and those of s.bronze.a may now",
        "pipeline s.g would refuse rows: `maxLength` of s.gold.g.k allows less than that of s.bronze.a.k",
    ];
    assert_eq!(told, expected, "{all}");
}

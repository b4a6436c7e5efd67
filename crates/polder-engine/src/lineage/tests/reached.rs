//! What is made of a column, through all that is built.

use std::collections::BTreeSet;

use super::super::*;
use super::{column, step};

/// Edges by value: `from column → step → to column`, all in `a.silver`.
fn mesh(edges: &[(&str, &str, &str)]) -> ColumnLineage {
    let split = |name: &str| {
        let (dataset, path) = name.split_once('.').unwrap();
        column(&format!("a.silver.{dataset}"), path)
    };
    let edge = |(from, via, to): &(&str, &str, &str)| ColumnEdge {
        from: split(from),
        via: step(&format!("p.{via}")),
        to: match to.split_once('.') {
            Some(_) => Target::Column(split(to)),
            None => Target::Rows(format!("a.silver.{to}").parse().unwrap()),
        },
        how: Dependency::Identity,
        keeps_values: true,
    };
    let edges: Vec<_> = edges.iter().map(edge).collect();
    let reads: BTreeSet<_> = edges
        .iter()
        .map(|edge| {
            (
                edge.from.dataset.clone(),
                edge.via.name.clone(),
                edge.to.dataset().cloned(),
            )
        })
        .collect();
    let steps = reads.into_iter().map(|(from, via, to)| LineageEdge {
        from,
        via,
        kind: StepKind::Pipeline,
        to,
    });
    let steps = steps.collect();
    ColumnLineage::new(edges, steps)
}

fn chains(lineage: &ColumnLineage, from: &str, path: &str) -> Vec<String> {
    let chains = lineage.downstream(&from.parse().unwrap(), path);
    chains.iter().map(ToString::to_string).collect()
}

#[test]
fn chains_lead_to_every_end_and_through_structs() {
    let lineage = mesh(&[
        ("x.address", "one", "y.place"),
        ("y.place.city", "two", "z.city"),
        ("y.place.zip", "two", "z.zip"),
        ("z.city", "three", "w"),
    ]);
    assert_eq!(
        chains(&lineage, "a.silver.x", "address.city"),
        [
            "a.silver.x.address.city → pipeline p.one → a.silver.y.place.city → pipeline p.two → a.silver.z.city \
             → pipeline p.three → rows of a.silver.w"
        ]
    );
    assert_eq!(chains(&lineage, "a.silver.x", "address").len(), 2);
    assert_eq!(chains(&lineage, "a.silver.x", "addr"), Vec::<String>::new());
}

#[test]
fn a_column_is_followed_up_to_where_data_comes_in() {
    let lineage = mesh(&[
        ("w.raw", "zero", "x.address"),
        ("x.address", "one", "y.place"),
        ("x.kind", "one", "y"),
        ("x.other", "one", "y.other"),
        ("y.place.city", "two", "z.city"),
        ("y.open", "two", "z"),
    ]);
    let up = |dataset: &str, column: &str| -> Vec<Vec<String>> {
        let steps = lineage.upstream(&dataset.parse().unwrap(), column);
        let told = |edge: &ColumnEdge| format!("{} → {}", edge.from, edge.to);
        steps.iter().map(|step| step.iter().map(told).collect()).collect()
    };
    // Of the struct it is the one value that is followed; what picks the rows is told, and `open` no further.
    assert_eq!(
        up("a.silver.z", "city"),
        [
            vec![
                "a.silver.y.place.city → a.silver.z.city",
                "a.silver.y.open → rows of a.silver.z"
            ],
            vec![
                "a.silver.x.address.city → a.silver.y.place.city",
                "a.silver.x.kind → rows of a.silver.y"
            ],
            vec!["a.silver.w.raw.city → a.silver.x.address.city"],
        ]
    );
    assert_eq!(up("a.silver.w", "raw"), Vec::<Vec<String>>::new());
}

#[test]
fn circles_end() {
    let lineage = mesh(&[("x.k", "one", "y.k"), ("y.k", "two", "x.k")]);
    assert_eq!(lineage.upstream(&"a.silver.x".parse().unwrap(), "k").len(), 2);
    let deeper = mesh(&[("x.k.k", "one", "y.k"), ("y.k", "two", "x.k")]);
    assert!(!deeper.upstream(&"a.silver.x".parse().unwrap(), "k").is_empty());
    assert_eq!(
        chains(&lineage, "a.silver.x", "k"),
        ["a.silver.x.k → pipeline p.one → a.silver.y.k"]
    );
}

fn reader(name: &str, dataset: &str, columns: Option<&[&str]>) -> Reader {
    Reader {
        name: format!("consumer {name}"),
        dataset: format!("a.silver.{dataset}").parse().unwrap(),
        columns: columns.map(|columns| columns.iter().map(|one| (*one).to_owned()).collect()),
    }
}

#[test]
fn a_change_breaks_what_is_made_of_what_no_longer_checks_and_nothing_else() {
    let before = mesh(&[
        ("x.k", "one", "y.k"),
        ("x.v", "one", "y.v"),
        ("y.k", "two", "z.k"),
        ("y.v", "other", "o.v"),
        ("x.k", "adapted", "q.k"),
    ]);
    let after = mesh(&[
        ("y.k", "two", "z.k"),
        ("y.v", "other", "o.v"),
        ("x.v", "adapted", "q.k"),
    ]);
    let unsound = BTreeSet::from(["p.one".parse().unwrap()]);
    let readers = [
        reader("board", "z", Some(&["k"])),
        reader("crm", "z", Some(&["n"])),
        reader("all", "y", None),
        reader("later", "q", None),
    ];
    let reached = Reach::new(&before, &after, &unsound, &BTreeSet::new(), &readers).of(
        &"a.silver.x".parse().unwrap(),
        Some("k"),
        &BTreeSet::new(),
    );
    assert_eq!(
        reached.chains,
        [
            "a.silver.x.k → pipeline p.one → a.silver.y.k → consumer all",
            "a.silver.x.k → pipeline p.one → a.silver.y.k → pipeline p.two → a.silver.z.k → consumer board",
        ]
    );
    let words = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
    assert_eq!(
        words(&reached.broken),
        "consumer all, consumer board, pipeline p.one, pipeline p.two"
    );
    assert_eq!(words(&reached.unaffected), "consumer later, pipeline p.adapted");
    // What is not built gives none of its columns.
    assert_eq!(words(&reached.waiting), "consumer crm, pipeline p.other");
}

#[test]
fn a_query_that_only_counts_rows_goes_with_its_dataset_all_the_same() {
    let mut before = mesh(&[("y.n", "two", "z.n")]);
    let counts = LineageEdge {
        from: "a.silver.x".parse().unwrap(),
        via: "p.counts".parse().unwrap(),
        kind: StepKind::Pipeline,
        to: Some("a.silver.y".parse().unwrap()),
    };
    before = ColumnLineage::new(before.edges, [before.steps, vec![counts]].concat());
    let unsound = BTreeSet::from(["p.counts".parse().unwrap()]);
    let reached = Reach::new(&before, &before, &unsound, &BTreeSet::new(), &[]).of(
        &"a.silver.x".parse().unwrap(),
        None,
        &BTreeSet::new(),
    );
    assert_eq!(
        reached.chains,
        ["a.silver.x → pipeline p.counts → a.silver.y → pipeline p.two → a.silver.z"]
    );
}

#[test]
fn a_dataset_that_goes_takes_along_all_that_is_made_of_it() {
    let before = mesh(&[("x.k", "one", "y.k"), ("y.v", "two", "z.v")]);
    let after = mesh(&[("y.v", "two", "z.v")]);
    let unsound = BTreeSet::from(["p.one".parse().unwrap()]);
    let readers = [reader("board", "z", Some(&["v"])), reader("own", "x", None)];
    let reach = Reach::new(&before, &after, &unsound, &BTreeSet::new(), &readers);
    let reached = reach.of(&"a.silver.x".parse().unwrap(), None, &BTreeSet::from([1]));
    assert_eq!(
        reached.chains,
        [
            "a.silver.x → consumer own",
            "a.silver.x → pipeline p.one → a.silver.y → pipeline p.two → a.silver.z → consumer board",
        ]
    );
    let only = BTreeMap::from([("pipeline", 2), ("consumer", 2)]);
    for (kind, count) in only {
        assert_eq!(
            reached.broken.iter().filter(|name| name.starts_with(kind)).count(),
            count
        );
    }
    assert_eq!(reached.unaffected, BTreeSet::new());
}

#[test]
fn a_dataset_that_nobody_builds_breaks_everything_that_reads_it() {
    let mesh = mesh(&[("x.k", "one", "y.k"), ("x.v", "other", "z.v"), ("w.k", "third", "q.k")]);
    let readers = [reader("board", "y", Some(&["n"])), reader("own", "x", Some(&["k"]))];
    let unbuilt = "a.silver.x".parse().unwrap();
    let all = BTreeSet::from([unbuilt]);
    let none = BTreeSet::new();
    let reach = Reach::new(&mesh, &mesh, &none, &all, &readers);
    let reached = reach.unbuilt(all.first().unwrap());
    assert_eq!(
        reached.chains,
        [
            "a.silver.x → consumer own",
            "a.silver.x → pipeline p.other → a.silver.z",
            "a.silver.x → pipeline p.one → a.silver.y → consumer board",
        ]
    );
    // A change that breaks nobody does not say of them that they are not affected.
    let reached = reach.by_promise(all.first().unwrap(), Some("k"), &BTreeSet::new(), &Broken::default());
    assert_eq!(reached.broken, BTreeSet::new());
    assert_eq!(reached.unaffected, BTreeSet::new());
    assert_eq!(reached.waiting.len(), 4);
}

#[test]
fn who_reads_refused_rows_waits_for_what_refuses_them() {
    let read = |name: &str| -> DatasetName { format!("a.{name}").parse().unwrap() };
    let edge = |from: (&str, &str), via: &str, to: (&str, &str)| ColumnEdge {
        from: column(&format!("a.{}", from.0), from.1),
        via: step(&format!("p.{via}")),
        to: Target::Column(column(&format!("a.{}", to.0), to.1)),
        how: Dependency::Identity,
        keeps_values: true,
    };
    let mut edges = vec![
        edge(("silver.x", "k"), "one", ("silver.y", "k")),
        edge(("quarantine.silver_y", "rule"), "two", ("gold.z", "rule")),
    ];
    let reads = |from: &str, via: &str, to: &str| LineageEdge {
        from: read(from),
        via: step(&format!("p.{via}")).name,
        kind: StepKind::Pipeline,
        to: Some(read(to)),
    };
    let mut steps = vec![
        reads("silver.x", "one", "silver.y"),
        reads("quarantine.silver_y", "two", "gold.z"),
    ];
    add_refused(&mut edges, &mut steps);
    let mesh = ColumnLineage::new(edges, steps);
    let (none, readers) = (BTreeSet::new(), []);
    // A step that is not built refuses nothing.
    let (unsound, sound) = (BTreeSet::from([step("p.one").name]), BTreeSet::new());
    let reach = Reach::new(&mesh, &mesh, &unsound, &BTreeSet::new(), &readers);
    let reached = reach.of(&read("silver.x"), Some("k"), &none);
    assert_eq!(
        reached.chains,
        [
            "a.silver.x.k → pipeline p.one → a.silver.y.k",
            "a.silver.x.k → pipeline p.one → a.quarantine.silver_y.rule → pipeline p.two → a.gold.z.rule",
        ]
    );
    assert!(reach.is_waiting("pipeline p.two"));
    // One that refuses more breaks those who read what it makes, and nobody who reads what it refuses.
    let reach = Reach::new(&mesh, &mesh, &sound, &BTreeSet::new(), &readers);
    let refusing = Broken {
        rows: BTreeSet::from([step("p.one").name]),
        ..Broken::default()
    };
    let reached = reach.by_promise(&read("silver.x"), Some("k"), &none, &refusing);
    assert_eq!(reached.chains, ["a.silver.x.k → pipeline p.one → a.silver.y"]);
    assert_eq!(reached.unaffected, BTreeSet::from(["pipeline p.two".to_owned()]));
    // What nobody builds has no refused rows either.
    let unbuilt = BTreeSet::from([read("silver.y")]);
    let reach = Reach::new(&mesh, &mesh, &sound, &unbuilt, &readers);
    let reached = reach.unbuilt(&read("silver.y"));
    assert_eq!(reached.chains, ["a.quarantine.silver_y → pipeline p.two → a.gold.z"]);
    assert!(reach.is_waiting("pipeline p.two"));
}

#[test]
fn a_row_that_is_refused_is_missing_with_all_its_columns() {
    let mesh = mesh(&[("x.k", "one", "y.k"), ("x.v", "one", "y.v"), ("x.k", "other", "z.k")]);
    let readers = [reader("board", "y", Some(&["v"])), reader("crm", "z", None)];
    let (sound, unbuilt) = (BTreeSet::new(), BTreeSet::new());
    let reach = Reach::new(&mesh, &mesh, &sound, &unbuilt, &readers);
    let refusing = Broken {
        rows: BTreeSet::from(["p.one".parse().unwrap()]),
        ..Broken::default()
    };
    let dataset = "a.silver.x".parse().unwrap();
    let reached = reach.by_promise(&dataset, Some("k"), &BTreeSet::new(), &refusing);
    assert_eq!(
        reached.chains,
        ["a.silver.x.k → pipeline p.one → a.silver.y → consumer board"]
    );
    let words: Vec<_> = reached.unaffected.iter().map(String::as_str).collect();
    assert_eq!(words, ["consumer crm", "pipeline p.other"]);
}

#[test]
fn a_query_that_asks_something_else_breaks_who_reads_what_it_makes_of_it() {
    // `one` made y.k of x.k, and makes it of x.n now, though it checks.
    let before = mesh(&[("x.k", "one", "y.k"), ("x.v", "one", "y.v")]);
    let after = mesh(&[("x.n", "one", "y.k"), ("x.v", "one", "y.v")]);
    let readers = [reader("board", "y", Some(&["k"])), reader("crm", "y", Some(&["v"]))];
    let dataset = "a.silver.x".parse().unwrap();
    let one = Altered {
        asker: Asker::Step(step("p.one")),
        to: Some(Target::Column(column("a.silver.y", "k"))),
        was: BTreeSet::from([column("a.silver.x", "k")]),
        is: BTreeMap::from([(column("a.silver.x", "n"), Some(column("a.silver.x", "n")))]),
        still: Still::Asks,
        retyped: Vec::new(),
    };
    let (none, sound) = (BTreeSet::new(), BTreeSet::new());
    let reach = Reach::new(&before, &after, &sound, &BTreeSet::new(), &readers).with_altered(&[one]);
    let broken = Broken {
        values: BTreeSet::from(["p.one".parse().unwrap()]),
        ..Broken::default()
    };
    for name in ["k", "n"] {
        let reached = reach.with_broken(&dataset, Some(name), &none, &broken);
        let chain = format!("a.silver.x.{name} → pipeline p.one → a.silver.y.k → consumer board");
        assert_eq!(reached.chains, [chain]);
        let rest: Vec<_> = reached.unaffected.iter().map(String::as_str).collect();
        assert_eq!(rest, ["consumer crm"]);
    }
}

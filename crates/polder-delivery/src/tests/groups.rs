//! Builds of some groups: what they refuse no more is open no more, whatever ended, was decided or went on in between.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::BooleanArray;
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};
use polder_core::ErrorKind;
use polder_lake::Operation;
use proptest::prelude::*;

use super::increments::discard_all;
use super::pipelines::{pipeline, states};
use super::*;
use crate::resolution::Rejudged;
use crate::{Extent, Groups, NoRecords};

const SOURCE: &str = "pipeline/sales.build/0000000000000000/sales.bronze.source";
const DATASET: &str = "sales.bronze.events";

/// What a query gives: for each group its numbers, of which those below zero are refused.
type Source = BTreeMap<String, Vec<i32>>;

/// Groups by name.
#[derive(Debug)]
struct Names(BTreeSet<String>);

impl Groups for Names {
    fn key(&self) -> Vec<&str> {
        vec!["name"]
    }

    fn contains(&self, rows: &RecordBatch) -> Result<BooleanArray> {
        let names = rows.column(0).as_string::<i32>();
        Ok(names
            .iter()
            .map(|name| Some(name.is_some_and(|name| self.0.contains(name))))
            .collect())
    }
}

fn batch(groups: &[(&String, &Vec<i32>)]) -> RecordBatch {
    let rows = || {
        groups
            .iter()
            .flat_map(|(name, numbers)| numbers.iter().map(|n| (name.as_str(), *n)))
    };
    RecordBatch::try_from_iter(vec![
        (
            "n",
            Arc::new(rows().map(|(_, n)| n).collect::<Int32Array>()) as ArrayRef,
        ),
        (
            "name",
            Arc::new(rows().map(|(name, _)| Some(name)).collect::<StringArray>()),
        ),
    ])
    .unwrap()
}

/// A pipeline with what it knows of its source.
struct Mesh {
    lake: Lake,
    source: Source,
    /// The source as the table has it.
    built: Option<Source>,
}

/// A build that was begun.
struct Begun<'d> {
    shipment: Shipment<'d>,
    outcome: Outcome,
    source: Source,
}

impl Mesh {
    fn new() -> Self {
        Self {
            lake: lake(),
            source: Source::new(),
            built: None,
        }
    }

    fn set(&mut self, name: &str, numbers: &[i32]) {
        match numbers.is_empty() {
            true => self.source.remove(name),
            false => self.source.insert(name.to_owned(), numbers.to_vec()),
        };
    }

    /// Begins a build: of the groups that changed, where they are all that may have to be built.
    async fn begin<'d>(&self, delivery: &'d mut Delivery, whole: bool) -> Begun<'d> {
        let touched = match &self.built {
            Some(built) if !whole && delivery.is_settled().await.unwrap() => {
                let names = built.keys().chain(self.source.keys());
                let changed = names.filter(|name| built.get(*name) != self.source.get(*name));
                Some(changed.cloned().collect::<BTreeSet<_>>())
            }
            _ => None,
        };
        let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
        let expected = shipment.progress(SOURCE).await.unwrap();
        let remove = shipment.table().files().unwrap();
        let mut kept = 0;
        if let (Some(touched), Some(built)) = (&touched, &self.built) {
            let others = built.iter().filter(|(name, _)| !touched.contains(*name));
            let good: Vec<(&String, Vec<i32>)> = others.map(|(name, numbers)| (name, good(numbers))).collect();
            let good: Vec<_> = good.iter().map(|(name, numbers)| (*name, numbers)).collect();
            shipment.push(&batch(&good), &NoRecords).await.unwrap();
            kept = shipment.rows();
        }
        let inside = |name: &String| touched.as_ref().is_none_or(|touched| touched.contains(name));
        let fresh: Vec<_> = self.source.iter().filter(|(name, _)| inside(name)).collect();
        shipment.push(&batch(&fresh), &NoRecords).await.unwrap();
        let progress = Progress {
            id: SOURCE.to_owned(),
            expected,
            next: expected.map_or(1, |version| version + 1),
        };
        let outcome = Outcome {
            progress: vec![progress],
            remove,
            operation: Operation::Replace,
            kept,
            extent: match touched {
                Some(touched) => Extent::Groups(Arc::new(Names(touched))),
                None => Extent::Everything,
            },
        };
        Begun {
            shipment,
            outcome,
            source: self.source.clone(),
        }
    }

    async fn build(&mut self) -> Receipt {
        let mut delivery = pipeline(&self.lake).await;
        let Begun {
            shipment,
            outcome,
            source,
        } = self.begin(&mut delivery, false).await;
        let receipt = shipment.commit(outcome).await.unwrap();
        self.built = Some(source);
        receipt
    }

    /// The same by a process that ends before quarantine is told what became of rows. Gives what that would have been.
    async fn build_untold(&mut self, whole: bool) -> Option<Rejudged> {
        let mut delivery = pipeline(&self.lake).await;
        let mut begun = self.begin(&mut delivery, whole).await;
        let (_, rejudged) = begun.shipment.commit_and_announce(begun.outcome).await.unwrap();
        self.built = Some(begun.source);
        rejudged
    }

    async fn is_settled(&self) -> bool {
        pipeline(&self.lake).await.is_settled().await.unwrap()
    }

    /// The rows of quarantine that are not marked as replayed.
    async fn held(&self) -> Vec<String> {
        let states = states(&self.lake).await.into_iter();
        let held = states.filter(|(_, state)| state.as_deref() != Some("replayed"));
        held.map(|(record, _)| record).collect()
    }

    async fn accepted(&self) -> Vec<String> {
        let Some(rows) = rows(&self.lake, DATASET).await else {
            return Vec::new();
        };
        let names = texts(&rows, "name").into_iter().flatten();
        let mut rows: Vec<_> = names
            .zip(texts(&rows, "n").into_iter().flatten())
            .map(|(name, n)| format!("{name} {n}"))
            .collect();
        rows.sort_unstable();
        rows
    }
}

fn good(numbers: &[i32]) -> Vec<i32> {
    numbers.iter().copied().filter(|n| *n >= 0).collect()
}

fn record(name: &str, n: i32) -> String {
    format!(r#"{{"name":"{name}","n":{n}}}"#)
}

/// The refused and the accepted rows of a source, each sorted.
fn expected(source: &Source) -> (Vec<String>, Vec<String>) {
    let (mut refused, mut accepted) = (Vec::new(), Vec::new());
    for (name, n) in source
        .iter()
        .flat_map(|(name, numbers)| numbers.iter().map(move |n| (name, *n)))
    {
        match n < 0 {
            true => refused.push(record(name, n)),
            false => accepted.push(format!("{name} {n}")),
        }
    }
    refused.sort_unstable();
    accepted.sort_unstable();
    (refused, accepted)
}

#[tokio::test]
async fn what_a_build_of_a_group_refuses_no_more_is_replayed_and_other_groups_are_left_alone() {
    let mut mesh = Mesh::new();
    mesh.set("a", &[-3]);
    mesh.set("b", &[-1]);
    mesh.build().await;
    // Still refused, with another content.
    mesh.set("a", &[-2]);
    mesh.build().await;
    assert_eq!(mesh.held().await, [record("a", -2), record("b", -1)]);
    mesh.set("a", &[4]);
    mesh.build().await;
    let word = |record: String| (record, Some("replayed".to_owned()));
    assert_eq!(
        states(&mesh.lake).await,
        [
            word(record("a", -2)),
            word(record("a", -3)),
            (record("b", -1), Some("open".to_owned()))
        ]
    );
    // As a build of everything says it, with what was decided before.
    let rows = rows(&mesh.lake, "sales.quarantine.bronze_events").await.unwrap();
    let place = texts(&rows, "record")
        .iter()
        .position(|said| *said == Some(record("a", -2)));
    let of_row = |column: &str| texts(&rows, column).swap_remove(place.unwrap());
    assert_eq!(of_row("resolution").unwrap(), "built anew under contract version 1.0.0");
    assert_eq!(of_row("resolved_by").unwrap(), "sales.build");
    assert!(of_row("resolved_by_run").is_some() && of_row("resolved_at").is_some());
    let history: Vec<serde_json::Value> = serde_json::from_str(&of_row("history").unwrap()).unwrap();
    let outcomes: Vec<_> = history.iter().map(|entry| entry["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["refused", "replayed"]);
    // A group that is gone is settled as well, and one that is back is open again, once.
    mesh.set("b", &[]);
    mesh.build().await;
    assert_eq!(mesh.held().await, [""; 0]);
    mesh.set("b", &[-1, -1]);
    let receipt = mesh.build().await;
    assert_eq!((receipt.rejected, receipt.recognised), (1, 1));
    assert_eq!(mesh.held().await, [record("b", -1), record("b", -1)]);
}

#[tokio::test]
async fn what_is_rejudged_makes_no_error_smaller() {
    let mut mesh = Mesh::new();
    for n in [-3, -2, -1, 5] {
        mesh.set("a", &[n]);
        mesh.build().await;
    }
    let table = mesh.lake.load(&DATASET.parse().unwrap()).await.unwrap().unwrap();
    let history = table.history(4).await.unwrap();
    let counts: Vec<_> = history
        .iter()
        .map(|commit| {
            (
                commit.metadata["accepted"].as_str(),
                commit.metadata["rejected"].as_str(),
            )
        })
        .collect();
    assert_eq!(counts, [("1", "0"), ("0", "1"), ("0", "1"), ("0", "1")]);
}

#[tokio::test]
async fn a_process_that_ends_before_quarantine_is_told_is_made_up_for() {
    let mut mesh = Mesh::new();
    mesh.set("a", &[-3]);
    mesh.build().await;
    mesh.set("a", &[3]);
    assert!(mesh.build_untold(false).await.is_some());
    assert_eq!(mesh.held().await, [record("a", -3)]);
    assert!(!mesh.is_settled().await);
    // Nothing of the group changes any more.
    mesh.set("b", &[1]);
    mesh.build().await;
    assert_eq!(mesh.held().await, [""; 0]);
    assert!(mesh.is_settled().await);
}

#[tokio::test]
async fn a_build_of_everything_that_found_nothing_to_tell_settles_what_an_earlier_one_announced() {
    let mut mesh = Mesh::new();
    mesh.set("a", &[-3]);
    mesh.build().await;
    mesh.set("a", &[3]);
    mesh.build_untold(false).await;
    mesh.set("a", &[-3]);
    mesh.build().await;
    assert!(mesh.is_settled().await);
    assert_eq!(states(&mesh.lake).await, [(record("a", -3), Some("open".to_owned()))]);
}

#[tokio::test]
async fn groups_are_not_built_where_another_process_refused_rows_and_did_not_go_on() {
    let mut mesh = Mesh::new();
    mesh.set("a", &[-3]);
    mesh.build().await;
    mesh.set("a", &[-2]);
    let (mut early, mut other) = (pipeline(&mesh.lake).await, pipeline(&mesh.lake).await);
    let mut half = mesh.begin(&mut other, false).await;
    half.shipment.commit_refused().await.unwrap();
    let begun = mesh.begin(&mut early, false).await;
    assert!(matches!(begun.outcome.extent, Extent::Groups(_)));
    let error = begun.shipment.commit(begun.outcome).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    mesh.build().await;
    assert_eq!(mesh.held().await, [record("a", -2)]);
    assert!(mesh.is_settled().await);
}

#[tokio::test]
async fn whoever_tells_quarantine_late_leaves_what_a_later_build_decided() {
    let mut mesh = Mesh::new();
    mesh.set("a", &[-3]);
    mesh.build().await;
    mesh.set("a", &[3]);
    let late = mesh.build_untold(false).await.unwrap();
    mesh.set("a", &[-3]);
    mesh.build().await;
    let dataset = DATASET.parse().unwrap();
    assert_eq!(late.tell(&mesh.lake, &dataset).await.unwrap(), 0);
    assert_eq!(mesh.held().await, [record("a", -3)]);
    assert!(mesh.is_settled().await);
}

#[tokio::test]
async fn of_two_processes_that_tell_quarantine_at_once_the_later_build_has_the_last_word() {
    let mut mesh = Mesh::new();
    mesh.set("a", &[-3]);
    mesh.build().await;
    mesh.set("a", &[3]);
    let first = mesh.build_untold(false).await.unwrap();
    mesh.set("a", &[-3]);
    let second = mesh.build_untold(false).await.unwrap();
    let dataset = DATASET.parse().unwrap();
    assert_eq!(first.tell(&mesh.lake, &dataset).await.unwrap(), 1);
    assert!(!mesh.is_settled().await);
    assert_eq!(second.tell(&mesh.lake, &dataset).await.unwrap(), 1);
    assert_eq!(mesh.held().await, [record("a", -3)]);
    assert!(mesh.is_settled().await);
}

#[tokio::test]
async fn a_table_that_somebody_removed_goes_on_counting_where_quarantine_is() {
    let store = Arc::new(InMemory::new());
    let mut mesh = Mesh {
        lake: Lake::over(
            Arc::clone(&store) as Arc<dyn ObjectStore>,
            "memory:///lake".parse().unwrap(),
        )
        .unwrap(),
        ..Mesh::new()
    };
    mesh.set("a", &[-3]);
    mesh.build().await;
    mesh.set("a", &[3]);
    mesh.set("b", &[-1]);
    mesh.set("c", &[-2]);
    mesh.build().await;
    let files: Vec<_> = store.list(None).try_collect().await.unwrap();
    let of_table = files.iter().filter(|file| file.location.as_ref().contains("bronze/"));
    let mut removed = 0;
    for file in of_table {
        store.delete(&file.location).await.unwrap();
        removed += 1;
    }
    assert!(removed > 0);
    mesh.built = None;
    mesh.set("c", &[2]);
    mesh.build().await;
    assert_eq!(mesh.held().await, [record("b", -1)]);
    assert!(mesh.is_settled().await);
}

/// What happens to a pipeline.
#[derive(Debug, Clone)]
enum Event {
    /// A group has these numbers from now on; without any it is gone.
    Group(&'static str, Vec<i32>),
    /// It is built.
    Build { whole: bool, end: End },
    /// All open rows are discarded.
    Discard,
}

/// How far a build gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Never,
    BeforeAnyCommit,
    BetweenTheCommits,
    BeforeQuarantineIsTold,
    /// The process goes on when another build is done.
    TellsLate,
    /// Another process builds everything before this one commits.
    Outrun,
}

fn event() -> impl Strategy<Value = Event> {
    let group = prop::sample::select(vec!["a", "b", "c"]);
    let group = (group, prop::collection::vec(-2i32..3, 0..4));
    let end = prop_oneof![
        4 => Just(End::Never),
        1 => Just(End::BeforeAnyCommit),
        1 => Just(End::BetweenTheCommits),
        1 => Just(End::BeforeQuarantineIsTold),
        1 => Just(End::TellsLate),
        1 => Just(End::Outrun),
    ];
    prop_oneof![
        4 => group.prop_map(|(name, numbers)| Event::Group(name, numbers)),
        4 => (prop::bool::weighted(0.1), end).prop_map(|(whole, end)| Event::Build { whole, end }),
        1 => Just(Event::Discard),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// After each build that is done, whatever was before: what the query gives is in the table, or in quarantine and not
    /// replayed, as often as it is there, and nothing else is.
    #[test]
    fn quarantine_holds_what_the_last_build_refused(events in prop::collection::vec(event(), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut mesh, mut late) = (Mesh::new(), Vec::new());
            let dataset: DatasetName = DATASET.parse().unwrap();
            let last = Event::Build { whole: false, end: End::Never };
            for event in events.iter().chain([&last]) {
                let (whole, end) = match event {
                    Event::Group(name, numbers) => {
                        mesh.set(name, numbers);
                        continue;
                    }
                    Event::Discard => {
                        discard_all(&mesh.lake).await;
                        continue;
                    }
                    Event::Build { whole, end } => (*whole, *end),
                };
                let mut delivery = pipeline(&mesh.lake).await;
                let mut begun = mesh.begin(&mut delivery, whole).await;
                match end {
                    End::BeforeAnyCommit => continue,
                    End::BetweenTheCommits => {
                        begun.shipment.commit_refused().await.unwrap();
                        continue;
                    }
                    End::BeforeQuarantineIsTold | End::TellsLate => {
                        let (_, rejudged) = begun.shipment.commit_and_announce(begun.outcome).await.unwrap();
                        mesh.built = Some(begun.source);
                        late.extend(rejudged.filter(|_| end == End::TellsLate));
                        continue;
                    }
                    End::Outrun => {
                        mesh.build().await;
                        let error = begun.shipment.commit(begun.outcome).await.unwrap_err();
                        assert_eq!(error.kind(), ErrorKind::Conflict);
                    }
                    End::Never => {
                        begun.shipment.commit(begun.outcome).await.unwrap();
                        mesh.built = Some(begun.source);
                    }
                }
                assert!(mesh.is_settled().await);
                for late in late.drain(..) {
                    late.tell(&mesh.lake, &dataset).await.unwrap();
                }
                let (refused, accepted) = expected(&mesh.source);
                assert_eq!(mesh.held().await, refused);
                assert_eq!(mesh.accepted().await, accepted);
                assert!(mesh.is_settled().await);
            }
        });
    }
}

//! SIGKILL at a random commit, again and again: nothing is lost and nothing comes twice.

use std::{
    io::Write,
    path::Path,
    sync::OnceLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use polder_testkit::{Polder, delta, retail::Totals, unique};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    invoices::{BRONZE, Days, bronze, net_revenue, once, told_by},
    mesh::{Mesh, Services},
    records,
};

/// Killed runs of each command.
const RUNS: u64 = 20;
/// A run that had ended, or had not begun, when it was killed does not count; so often it is repeated.
const REPEATS: u64 = 10;
/// Rows a commit: small, so that there are many.
const ROWS: u64 = 3_000;
/// Records that cannot be decoded, in each part of the topic.
const SPOILT: u64 = 40;

/// The datasets that `polder run` builds.
const BUILT: [&str; 5] = [
    "sales.silver.invoice_lines",
    "sales.silver.products",
    "sales.silver.customers",
    "product.gold.product_sales",
    "customer.gold.customers",
];

/// What both tests work on: a topic with twenty trading days and some spoilt records, and meshes that read it.
struct Setup {
    services: Services,
    topic: String,
    totals: Totals,
    /// All is landed, nothing is built.
    landed: Mesh,
    /// The first half was landed and built; the rest is landed.
    half_built: Mesh,
}

fn setup(suite: &str) -> Option<&'static Setup> {
    static SETUP: OnceLock<Setup> = OnceLock::new();
    let services = Services::of(suite)?;
    let [first, second, all] = Days::parts(suite, [0..10, 10..20, 0..20])?;
    Some(SETUP.get_or_init(|| {
        let topic = unique("kill");
        let half_built = fresh(&services, &topic);
        half_built.publish(&topic, first.path());
        spoil(&services, &topic);
        half_built.ingest();
        half_built.run();
        half_built.publish(&topic, second.path());
        spoil(&services, &topic);
        half_built.ingest();
        let landed = fresh(&services, &topic);
        landed.ingest();
        Setup {
            totals: all.totals(),
            services,
            topic,
            landed,
            half_built,
        }
    }))
}

fn fresh(services: &Services, topic: &str) -> Mesh {
    Mesh::on(services, topic).without_models().committing_each(ROWS, "10s")
}

/// Adds records that name a schema that no registry gives, to all partitions.
fn spoil(services: &Services, topic: &str) {
    let record = [&[0][..], &i32::MAX.to_be_bytes(), b"no such schema"].concat();
    let partitions = records::ends(&services.kafka, topic).len();
    for partition in 0..partitions {
        let share = usize::try_from(SPOILT).unwrap() / partitions;
        records::send(
            &services.kafka,
            topic,
            i32::try_from(partition).unwrap(),
            vec![&record[..]; share],
        );
    }
}

/// Commits that brought rows.
fn commits(table: &Path) -> usize {
    let brings_rows = |version: &u64| {
        delta::actions(table, *version)
            .iter()
            .any(|action| !action["add"].is_null())
    };
    delta::versions(table)
        .iter()
        .filter(|version| brings_rows(version))
        .count()
}

/// Starts a command, kills it a random moment after the `target`-th commit, and gives whether that hit it alive.
fn kill_after(
    polder: &Polder,
    arguments: &[&str],
    target: usize,
    delay: Duration,
    commits: impl Fn() -> usize,
) -> bool {
    let mut reached: Option<Instant> = None;
    let (was_alive, ended) = polder.start(arguments).kill_when(|| {
        if reached.is_none() && commits() >= target {
            reached = Some(Instant::now());
        }
        reached.is_some_and(|reached| reached.elapsed() >= delay)
    });
    assert!(
        was_alive || ended.code == Some(0),
        "polder {}\n{}",
        arguments.join(" "),
        ended.stderr
    );
    was_alive
}

/// Seeds of this execution: from `POLDER_TEST_SEED`, else from the clock. They are printed, to run the same again.
fn first_seed(suite: &str) -> u64 {
    let clock = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(1, |age| age.as_secs())
    };
    let seed = std::env::var("POLDER_TEST_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(clock);
    say(&format!("{suite}: seeds from {seed} (POLDER_TEST_SEED)"));
    seed
}

/// Prints past libtest's capture, so that a later failure elsewhere can be put beside it.
fn say(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// Tries seeds until so many runs were killed in between.
fn killed_runs(suite: &str, mut run: impl FnMut(&mut ChaCha8Rng, u64) -> bool) {
    let first = first_seed(suite);
    let mut killed = 0;
    for seed in first..first + RUNS * REPEATS {
        if run(&mut ChaCha8Rng::seed_from_u64(seed), killed) {
            killed += 1;
        } else {
            say(&format!(
                "{suite}: seed {seed} does not count, it was not killed in between"
            ));
        }
        if killed == RUNS {
            return;
        }
    }
    panic!("only {killed} of {RUNS} runs were killed between their first and last commit");
}

#[test]
fn an_ingest_that_is_killed_at_any_commit_loses_and_doubles_nothing() {
    let suite = "kill ingest";
    let Some(setup) = setup(suite) else { return };
    let whole = commits(&setup.landed.table(BRONZE));
    assert!(whole >= 10, "ingest makes {whole} commits; it must make ten at least");
    killed_runs(suite, |random, _| {
        let mesh = fresh(&setup.services, &setup.topic);
        let table = mesh.table(BRONZE);
        let target = random.random_range(1..whole - 1);
        let delay = Duration::from_micros(random.random_range(0..150_000));
        let killed = kill_after(&mesh.polder, &["ingest", "--until-end"], target, delay, || {
            commits(&table)
        });
        let before = commits(&table);
        mesh.ingest();
        let lines = once(&setup.totals.all);
        assert_eq!(bronze(&mesh), lines, "killed after commit {before}");
        let rejected =
            mesh.row("SELECT count(*), count(DISTINCT _quarantine_id) FROM sales.quarantine.bronze_invoice_lines");
        assert_eq!(
            rejected,
            [(2 * SPOILT).to_string(), (2 * SPOILT).to_string()],
            "killed after commit {before}"
        );
        // What the restart had to do proves that the last commit was still to come.
        killed && before >= 1 && commits(&table) > before
    });
}

#[test]
fn a_run_that_is_killed_between_its_commits_loses_and_doubles_nothing() {
    let suite = "kill run";
    let Some(setup) = setup(suite) else { return };
    killed_runs(suite, |random, number| {
        // Builds from nothing and builds of what is new take turns.
        let mesh = if number % 2 == 0 {
            setup.landed.twin()
        } else {
            setup.half_built.twin()
        };
        let commits = || BUILT.iter().map(|dataset| commits(&mesh.table(dataset))).sum::<usize>();
        let start = commits();
        let target = start + random.random_range(1..BUILT.len());
        let delay = Duration::from_micros(random.random_range(0..200_000));
        let killed = kill_after(&mesh.polder, &["run"], target, delay, commits);
        let before = commits();
        mesh.run();
        let told = told_by(&mesh);
        assert_eq!(told, setup.totals, "killed after commit {}", before - start);
        assert_eq!(net_revenue(&mesh), setup.totals.distinct_products.amount);
        killed && before > start && commits() > before
    });
}

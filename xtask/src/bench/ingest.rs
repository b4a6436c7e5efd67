//! Kafka to bronze: `polder ingest` beside a consumer that only reads.

use anyhow::{Result, bail};

use super::{
    Options, Programs,
    figures::{Table, mebibytes, median, thousands},
    kafka::{self, Content, Services},
    mesh::Mesh,
    process::Run,
};

/// The most memory that ingest may take, whatever the topic's size.
const MEMORY_LIMIT: f64 = 512.0;

/// Lands the topic into a fresh lake and reads it bare, in turn; then lands a topic twice as large.
pub(super) fn run(programs: &Programs, options: Options) -> Result<()> {
    let retail = super::retail()?;
    let scratch = super::scratch("ingest")?;
    let services = Services::start(&scratch)?;
    let mesh = Mesh::create(scratch.join("mesh"), &programs.polder, &services.environment)?;
    kafka::publish(&mesh, &retail, options.events)?;
    // Also so that both sides find the topic in the broker's page cache.
    let content = measure_topic(programs, &services, options.events)?;
    println!(
        "topic: {} events, {:.1} MB of keys and messages, 4 partitions",
        thousands(content.events as f64),
        content.bytes as f64 / 1e6
    );

    let (mut landed, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..options.runs {
        mesh.forget()?;
        landed.push(mesh.ingest(options.events)?);
        bare.push(kafka::consume(&programs.consume, &services)?.0);
    }
    let mut table = Table::new(&["run", "rows/s", "MB/s", "CPU s a million rows", "peak MiB", "wall s"]);
    for (name, runs) in [("polder ingest", &landed), ("bare consume loop", &bare)] {
        for run in runs {
            table.row(name, &cells(std::slice::from_ref(run), content));
        }
    }
    table.row("**polder ingest, median**", &cells(&landed, content));
    table.row("**bare consume loop, median**", &cells(&bare, content));
    table.print();
    println!(
        "polder ingest takes {:.1} times the bare loop's time and {:.1} times its processor time",
        median(seconds(&landed)) / median(seconds(&bare)),
        median(processor(&landed)) / median(processor(&bare)),
    );

    kafka::publish(&mesh, &retail, options.events)?;
    let content = measure_topic(programs, &services, 2 * options.events)?;
    mesh.forget()?;
    let twice = mesh.ingest(content.events)?;
    println!("\na topic twice as large, once:");
    let mut table = Table::new(&["run", "rows/s", "MB/s", "CPU s a million rows", "peak MiB", "wall s"]);
    table.row("polder ingest", &cells(std::slice::from_ref(&twice), content));
    table.print();
    let peak = landed
        .iter()
        .chain([&twice])
        .map(|run| mebibytes(run.peak))
        .fold(0.0, f64::max);
    if peak > MEMORY_LIMIT {
        bail!("polder ingest took {peak:.0} MiB, more than the {MEMORY_LIMIT:.0} MiB that it may take");
    }
    println!("peak memory {peak:.0} MiB stays under {MEMORY_LIMIT:.0} MiB");
    Ok(())
}

fn measure_topic(programs: &Programs, services: &Services, events: u64) -> Result<Content> {
    let (_, content) = kafka::consume(&programs.consume, services)?;
    if content.events != events {
        bail!("{events} events were published, the topic holds {}", content.events);
    }
    Ok(content)
}

fn seconds(runs: &[Run]) -> impl Iterator<Item = f64> {
    runs.iter().map(|run| run.wall.as_secs_f64())
}

fn processor(runs: &[Run]) -> impl Iterator<Item = f64> {
    runs.iter().map(|run| run.cpu.as_secs_f64())
}

fn cells(runs: &[Run], content: Content) -> Vec<String> {
    let (wall, cpu) = (median(seconds(runs)), median(processor(runs)));
    let peak = median(runs.iter().map(|run| mebibytes(run.peak)));
    let events = content.events as f64;
    vec![
        thousands(events / wall),
        format!("{:.1}", content.bytes as f64 / 1e6 / wall),
        format!("{:.2}", cpu / (events / 1e6)),
        format!("{peak:.0}"),
        format!("{wall:.2}"),
    ]
}

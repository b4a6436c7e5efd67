//! The `polder` binary: reads the configuration, wires the crates, prints.

mod cli;
mod commands;
mod documents;
mod domains;
mod findings;
mod git;
mod inventory;
mod options;
mod output;
mod past;
mod platform;
mod progress;
mod recorder;
mod report;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use tracing_subscriber::EnvFilter;

use crate::cli::Cli;

/// Windows, plans and comparisons ask for many small blocks on several threads at once. Beside the C library's, this one takes a fifth
/// off `polder run` and `polder check`, with the same memory at the peak.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Plans of deep queries recurse further than the usual stack of a thread reaches in a build without optimisation.
const STACK_BYTES: usize = 16 << 20;

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(cli.global.verbose);
    // A writer that other makers' code catches panicking (on a full disk, say) comes back as an error, which is what people see.
    std::panic::set_hook(Box::new(|panic| tracing::debug!(%panic, "panicked")));
    match run(&cli) {
        Ok(code) => code,
        Err(error) => {
            report::error(&error, platform::root(&cli.global).as_deref());
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(cli: &Cli) -> Result<ExitCode> {
    let failed = || "the runtime does not start".to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build()
        .context(ErrorKind::Internal, failed)?;
    // The main thread's stack is the system's to size; that of a thread of ours is not.
    std::thread::scope(|scope| {
        let command = std::thread::Builder::new()
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || runtime.block_on(cli::run(cli)))
            .context(ErrorKind::Internal, failed)?;
        command.join().unwrap_or_else(|panic| {
            let said = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or(panic.downcast_ref::<&str>().copied());
            Err(Error::new(
                ErrorKind::Internal,
                format!("the command broke off: {}", said.unwrap_or("no reason was given")),
            )
            .with_help("this is a bug of Polder: please report it with what you did; -vv says more"))
        })
    })
}

/// Logs go to standard error: warnings, with -v what is done, with -vv every detail of Polder's own crates.
fn start_log(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let crates = [
        "catalog", "contract", "core", "delivery", "domain", "engine", "gate", "ingest", "lake", "policy", "query",
        "registry", "slo", "source",
    ];
    let ours: String = crates.iter().map(|name| format!(",polder_{name}={level}")).collect();
    // What other makers' crates log is no news to a user: what matters of it comes back as an error.
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("off,polder={level}{ours}")));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| output::door::Log)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(verbose > 1);
    if verbose == 0 {
        log.without_time().init()
    } else {
        log.init()
    }
}

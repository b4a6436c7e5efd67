//! Polder's own tasks: services, tests, layers, demo. Run as `cargo xtask NAME`.
//!
//! It builds within seconds on a bare machine, so it depends on next to nothing.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task runner talks to a terminal"
)]

mod bench;
mod checkout;
#[cfg(test)]
mod compose;
mod demo;
mod layers;
mod polder;
mod processes;
mod programs;
mod readers;
mod services;
mod suites;

use std::process::ExitCode;

use anyhow::Result;

const HELP: &str = "\
cargo xtask TASK

  demo [ARGS]                 build Polder and run `polder demo` (in target/demo unless --dir is given)
  test [--require-all]        format, layers, lints, unit and end-to-end suites, demo; with --require-all a skip fails
  bench NAME [--events N] [--rows N] [--runs N]
                              in release mode, beside a peer: ingest (Kafka to bronze), build (bronze to gold), contracts
                              (rules and documents; gate is its last part alone), start
  layers                      check that crates depend downwards only
  services up [NAME…]         install what is missing and start services (kafka postgres versitygw apicurio)
  services down               stop them all and delete their data
  services status [--env]     what runs and where; --env prints NAME=value lines for a shell
  services start|stop NAME    stop keeps the data and the port, start brings it back
  services kill NAME          as stop, but with SIGKILL
  help                        this text

Environment
  POLDER_SERVICES_CACHE       where programs are installed (default: /var/cache/polder for root, else the user's cache folder)
  POLDER_SERVICES_STATE       where services keep data, logs and ports (default: `run` in the cache)
  POLDER_SERVICES_<NAME>_PORT a fixed port for a service, as POLDER_SERVICES_KAFKA_PORT
  POLDER_DATA                 real data for tests (default: ../shared/data)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<ExitCode> {
    match arguments {
        ["help" | "--help" | "-h"] => println!("{HELP}"),
        ["demo", rest @ ..] => return demo::run(rest),
        ["test"] => return suites::run(false),
        ["test", "--require-all"] => return suites::run(true),
        ["bench", rest @ ..] => return bench::run(rest),
        ["layers"] => return layers::run(),
        ["services", rest @ ..] => return services::run(rest),
        _ => {
            eprintln!("{HELP}");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}

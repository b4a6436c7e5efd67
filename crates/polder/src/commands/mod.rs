//! The commands, one module each.

mod catalog;
pub(crate) mod check;
pub(crate) mod contract;
mod demo;
mod ingest;
mod lineage;
mod model;
mod new;
pub(crate) mod policy;
pub(crate) mod product;
pub(crate) mod quarantine;
mod run;
pub(crate) mod slo;
mod source;
mod sql;
pub(crate) mod test;

use std::path::Path;
use std::process::ExitCode;

use polder_core::{Error, ErrorKind, Result};

use crate::cli::{Cli, Command, NewCommand};
use crate::platform::Platform;

/// Runs the command that the command line names.
pub(crate) async fn run(cli: &Cli) -> Result<ExitCode> {
    match &cli.command {
        Command::Demo(args) => demo::run(args, cli.quiet).await?,
        Command::New(NewCommand::Mesh { dir }) => new::mesh(dir, cli.quiet)?,
        Command::Contract(command) => return contract::run(cli, command).await,
        Command::Product(command) => return product::run(cli, command),
        Command::Test(args) => return test::run(cli, args).await,
        command => return on_mesh(cli, command).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn on_mesh(cli: &Cli, command: &Command) -> Result<ExitCode> {
    let platform = match command {
        Command::Check(args) => check::open(cli, args)?,
        _ => Platform::open(cli)?,
    };
    match command {
        Command::Demo(_) | Command::New(_) | Command::Contract(_) | Command::Product(_) | Command::Test(_) => {}
        Command::Check(args) => return check::run(&platform, args, cli.verbose > 0).await,
        Command::Plan(args) => run::plan(&platform, args).await?,
        Command::Run(args) => return run::run(&platform, args, cli.quiet).await,
        Command::Ingest(args) => return ingest::run(&platform, args, cli.quiet).await,
        Command::Sql(args) => sql::run(&platform, args, cli.quiet).await?,
        Command::Policy(command) => return policy::run(&platform, command).await,
        Command::Quarantine(command) => return quarantine::run(&platform, command, cli.quiet).await,
        Command::Catalog(command) => catalog::run(&platform, command).await?,
        Command::Lineage(args) => lineage::run(&platform, args).await?,
        Command::Model(command) => model::run(&platform, command).await?,
        Command::Slo(args) => return slo::run(&platform, args, cli.quiet).await,
        Command::Source(command) => source::run(&platform, command, cli.quiet).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What to say of a name that is neither a dataset's nor a file's but looks like a file's.
fn missing_file(name: &str) -> Option<Error> {
    let looks_like_one = name.contains('/') || [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
    (looks_like_one && !Path::new(name).is_file())
        .then(|| Error::new(ErrorKind::NotFound, format!("there is no file {name}")))
}

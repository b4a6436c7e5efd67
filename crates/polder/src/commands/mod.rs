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

use polder_contract::ContractSet;
use polder_core::{DatasetName, Error, ErrorKind, Result};

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

/// A dataset that a command line names. Where it names a file, the error says which datasets that is the contract of.
fn named_dataset(platform: &Platform, contracts: &ContractSet, name: &str) -> Result<DatasetName> {
    name.parse().map_err(|error: Error| {
        let Ok(file) = Path::new(name).canonicalize() else {
            let missing = missing_file(name).map(|missing| missing.with_help("name a dataset: domain.layer.name"));
            return missing.unwrap_or(error);
        };
        let is_here = |path: &Path| platform.mesh.path(path).canonicalize().is_ok_and(|path| path == file);
        let described = contracts.iter().filter(|bound| is_here(&bound.contract.source_path));
        let described: Vec<_> = described.map(|bound| bound.dataset().to_string()).collect();
        let help = match described.as_slice() {
            [] => "name one as domain.layer.name; `polder contract status` lists them".to_owned(),
            [one] => format!("name the one that it describes: {one}"),
            many => format!("name one that it describes: {}", many.join(", ")),
        };
        let what = if file.is_dir() { "a folder" } else { "a file" };
        Error::new(
            ErrorKind::Usage,
            format!("{name} is {what}, and this is about datasets"),
        )
        .with_help(help)
    })
}

/// What to say of a name that is neither a dataset's nor a file's but looks like a file's.
fn missing_file(name: &str) -> Option<Error> {
    let looks_like_one = name.contains('/') || [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
    (looks_like_one && !Path::new(name).is_file())
        .then(|| Error::new(ErrorKind::NotFound, format!("there is no file {name}")))
}

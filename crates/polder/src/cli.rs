//! The command line: every command, as clap shows them, and what each runs.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use polder_core::Result;

use crate::commands;
use crate::options::{
    CatalogCommand, DemoArgs, Global, IngestArgs, LineageArgs, ModelCommand, NewCommand, PlanArgs, RunArgs,
    SourceCommand, SqlArgs,
};
use crate::platform::Platform;

/// The data mesh that a company runs on its lakehouse.
#[derive(Debug, Clone, Parser)]
#[command(name = "polder", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    /// Show the whole mesh in one process, from nothing to answers.
    Demo(DemoArgs),
    /// Check everything that can be known without data: documents, contracts, the SQL of all pipelines.
    Check(commands::check::Args),
    /// Show what a run would build, and why.
    Plan(PlanArgs),
    /// Build what is out of date: pipelines in the order of their dependencies, then models.
    Run(RunArgs),
    /// Run streams: land events in bronze, exactly once.
    Ingest(IngestArgs),
    /// Query datasets by domain.layer.name; without a query, an interactive prompt.
    Sql(SqlArgs),
    /// Hold datasets, or files, against their contracts: every declared rule, with its verdict.
    Test(commands::test::Args),
    /// Lint, prove, compare and convert contracts; follow their life, cancel them.
    #[command(subcommand)]
    Contract(commands::contract::ContractCommand),
    /// Data products: what the domains offer, and what it is made from.
    #[command(subcommand)]
    Product(commands::product::ProductCommand),
    /// List the mesh's policies; search tables for what may never be in them.
    #[command(subcommand)]
    Policy(commands::policy::PolicyCommand),
    /// Look at the rows that were rejected, mend and replay them, or discard them.
    #[command(subcommand)]
    Quarantine(commands::quarantine::QuarantineCommand),
    /// Hold service levels against what happened: promised, measured, what is left of the error budget.
    Slo(commands::slo::Args),
    /// Find and describe datasets; rebuild the catalog from repository and lake.
    #[command(subcommand)]
    Catalog(CatalogCommand),
    /// Show where a dataset comes from and what is made of it.
    Lineage(LineageArgs),
    /// List, show, promote and ask models.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Publish events for trials to Kafka.
    #[command(subcommand)]
    Source(SourceCommand),
    /// Start something new.
    #[command(subcommand)]
    New(NewCommand),
}

/// Runs the command that the command line names.
pub(crate) async fn run(cli: &Cli) -> Result<ExitCode> {
    let global = &cli.global;
    match &cli.command {
        Command::Demo(args) => commands::demo::run(args, global.quiet).await?,
        Command::New(NewCommand::Mesh { dir }) => commands::new::mesh(dir, global.quiet)?,
        Command::Contract(command) => return commands::contract::run(global, command).await,
        Command::Product(command) => return commands::product::run(global, command),
        Command::Test(args) => return commands::test::run(global, args).await,
        command => return on_mesh(global, command).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn on_mesh(global: &Global, command: &Command) -> Result<ExitCode> {
    let platform = match command {
        Command::Check(args) => commands::check::open(global, args)?,
        _ => Platform::open(global)?,
    };
    match command {
        Command::Demo(_) | Command::New(_) | Command::Contract(_) | Command::Product(_) | Command::Test(_) => {}
        Command::Check(args) => return commands::check::run(&platform, args, global.verbose > 0).await,
        Command::Plan(args) => commands::run::plan(&platform, args).await?,
        Command::Run(args) => return commands::run::run(&platform, args, global.quiet).await,
        Command::Ingest(args) => return commands::ingest::run(&platform, args, global.quiet).await,
        Command::Sql(args) => commands::sql::run(&platform, args, global.quiet).await?,
        Command::Policy(command) => return commands::policy::run(&platform, command).await,
        Command::Quarantine(command) => return commands::quarantine::run(&platform, command, global.quiet).await,
        Command::Catalog(command) => commands::catalog::run(&platform, command).await?,
        Command::Lineage(args) => commands::lineage::run(&platform, args).await?,
        Command::Model(command) => commands::model::run(&platform, command).await?,
        Command::Slo(args) => return commands::slo::run(&platform, args, global.quiet).await,
        Command::Source(command) => commands::source::run(&platform, command, global.quiet).await?,
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn every_command_and_option_is_well_formed() {
        super::Cli::command().debug_assert();
    }

    /// Every command with what its help says, as it is printed where nobody says how wide a line may be.
    fn helps() -> Vec<(String, String)> {
        fn collect(command: &mut clap::Command, path: &str, found: &mut Vec<(String, String)>) {
            found.push((path.to_owned(), command.render_long_help().to_string()));
            for inner in command.get_subcommands_mut() {
                if inner.get_name() != "help" {
                    let path = format!("{path} {}", inner.get_name());
                    collect(inner, &path, found);
                }
            }
        }
        let mut command = super::Cli::command().term_width(100);
        command.build();
        let mut found = Vec::new();
        collect(&mut command, "polder", &mut found);
        found
    }

    #[test]
    fn a_command_s_own_options_come_first_and_those_of_every_command_last() {
        let helps = helps();
        assert!(helps.len() > 20, "{}", helps.len());
        for (path, help) in helps {
            let (own, global) = help
                .split_once(&format!("\n{}:\n", crate::options::EVERYWHERE))
                .unwrap_or_else(|| panic!("{path}: {help}"));
            for option in ["--mesh", "--verbose", "--quiet"] {
                assert!(
                    global.contains(option) && !own.contains(&format!("{option} ")),
                    "{path}: {help}"
                );
            }
            assert!(!global.contains("--help"), "{path}: {help}");
        }
    }

    #[test]
    fn an_example_is_one_line() {
        let mut examples = 0;
        for (path, help) in helps() {
            let Some((_, list)) = help.split_once("Examples:\n") else {
                continue;
            };
            for line in list.lines().take_while(|line| !line.is_empty()) {
                assert!(line.starts_with("  polder "), "{path}: {line}");
                examples += 1;
            }
        }
        assert!(examples >= 6, "{examples}");
    }

    #[test]
    fn an_option_that_takes_no_such_word_names_those_that_it_takes() {
        let cases = [
            ("contract export x --to sql --dialect db2", "snowflake"),
            ("contract cancel x --by other --party p", "`consumer`"),
            ("contract diff a b --mode foo", "forward"),
            ("contract import x --from sql --dataset a", "<domain>.<layer>.<name>"),
        ];
        for (line, word) in cases {
            let words = std::iter::once("polder").chain(line.split(' '));
            let error = super::Cli::command()
                .try_get_matches_from(words)
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("invalid value") && error.contains(word),
                "{line}: {error}"
            );
        }
    }
}

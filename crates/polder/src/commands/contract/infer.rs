//! `polder contract infer`: a contract from a table that is there.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use futures::StreamExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use polder_convert::{Binding, Converted, ImportOptions, Observed, infer};
use polder_core::{DatasetName, ErrorKind, Result, ResultExt};
use polder_query::query_error;

use super::conversion::OutputArgs;
use super::import::{AboutArgs, stem};
use crate::cli::Cli;
use crate::platform::Platform;

/// The table, and how closely it is looked at.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// A dataset of the lake (domain.layer.name), or a Parquet file.
    #[arg(value_name = "DATASET|FILE")]
    table: String,
    /// Look at so many rows for what stands in comments (values, candidates for keys); 0 at none.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    rows: u64,
    #[command(flatten)]
    about: AboutArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Prints the contract, or writes it to a file.
pub(crate) async fn run(cli: &Cli, args: &Args) -> Result<ExitCode> {
    let file = PathBuf::from(&args.table);
    let converted = match args.table.parse::<DatasetName>() {
        Ok(dataset) if !file.is_file() => of_dataset(&Platform::open(cli)?, &dataset, args).await?,
        _ => of_file(&file, args)?,
    };
    args.output.give(&converted, cli.quiet)
}

async fn of_dataset(platform: &Platform, dataset: &DatasetName, args: &Args) -> Result<Converted<String>> {
    let mut options = args.about.options(Some(dataset.name().to_owned()));
    options.dataset.get_or_insert_with(|| Binding::Dataset(dataset.clone()));
    let session = platform.session()?;
    let frame = session.sql(&format!("SELECT * FROM {dataset}")).await?;
    let schema = frame.schema().as_arrow().clone();
    if args.rows == 0 {
        return infer(&schema, None, &options);
    }
    let mut observed = Observed::new(&schema);
    let mut left = args.rows;
    let mut rows = frame.execute_stream().await.map_err(query_error)?;
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(query_error)?;
        if batch.num_rows() as u64 > left {
            observed.cut_off();
        }
        if left == 0 {
            break;
        }
        let taken = batch.slice(
            0,
            usize::try_from(left).map_or(batch.num_rows(), |left| left.min(batch.num_rows())),
        );
        left -= taken.num_rows() as u64;
        observed.push(&taken)?;
    }
    infer(&schema, Some(&observed), &options)
}

fn of_file(path: &Path, args: &Args) -> Result<Converted<String>> {
    let file = File::open(path).context(ErrorKind::NotFound, || format!("cannot open {}", path.display()))?;
    let unreadable = || format!("{} is not a Parquet file that can be read", path.display());
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).context(ErrorKind::Document, unreadable)?;
    let schema = reader.schema().clone();
    let mut options: ImportOptions = args.about.options(stem(path));
    if let Some(Binding::Dataset(dataset)) = &options.dataset {
        options.name = Some(dataset.name().to_owned());
    }
    if args.rows == 0 {
        return infer(&schema, None, &options);
    }
    let mut observed = Observed::new(&schema);
    let all = u64::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or(u64::MAX);
    if all > args.rows {
        observed.cut_off();
    }
    let reader = reader
        .with_limit(usize::try_from(args.rows).unwrap_or(usize::MAX))
        .build()
        .context(ErrorKind::Document, unreadable)?;
    for batch in reader {
        observed.push(&batch.context(ErrorKind::Data, unreadable)?)?;
    }
    infer(&schema, Some(&observed), &options)
}

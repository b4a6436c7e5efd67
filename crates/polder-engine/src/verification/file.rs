//! A Parquet file held against a contract, as a dataset is.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use polder_contract::DatasetContract;
use polder_core::{Error, ErrorKind, Result, ResultExt};
use polder_delivery::Discretion;
use polder_gate::table::{NoFacts, RuleResult, RuleVerdict, TableCheck};
use polder_query::{RuleQueries, Session};
use url::Url;

use super::{Verification, floats, verify};

/// How every Parquet file begins and ends that is not encrypted.
const MAGIC: &[u8; 4] = b"PAR1";
/// How one ends whose footer is encrypted.
const ENCRYPTED: &[u8; 4] = b"PARE";
/// Bytes of a file's end: the length of the footer before it, and the magic word.
const END: usize = 8;
/// Columns that a message lists at most.
const LISTED: usize = 12;

/// Holds a Parquet file against a contract, as [`Engine::verify`](crate::Engine::verify) does a dataset; `discretion` says what of it may be
/// told to everybody.
///
/// # Errors
/// `NotFound` where there is no such file; `Usage` for a file that cannot be read as Parquet, or has none of the
/// contract's columns; `Document` for a contract that cannot be compiled.
pub async fn verify_file(
    session: &Session,
    contract: DatasetContract,
    file: &Path,
    show: usize,
    discretion: &Discretion,
) -> Result<Verification> {
    let check = TableCheck::compile(&contract)?;
    let provider = parquet(session.context(), file).await?;
    let schema = provider.schema();
    let declared: Vec<&str> = contract
        .object()
        .properties
        .iter()
        .map(|property| property.name.as_str())
        .collect();
    let (known, unknown): (Vec<_>, Vec<_>) = schema
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .partition(|name| declared.contains(&name.as_str()));
    if known.is_empty() && !declared.is_empty() {
        let message = format!(
            "{} has none of the columns of {}: it has {}",
            file.display(),
            contract.title(),
            listed(&unknown)
        );
        return Err(Error::new(ErrorKind::Usage, message).with_help(format!(
            "the contract's columns are {}: name the contract (and with --object the object) that the file is about",
            listed(&declared)
        )));
    }
    let lacking = declared
        .iter()
        .filter(|name| schema.field_with_name(name).is_err())
        .map(|name| (*name).to_owned())
        .collect::<Vec<_>>();
    let queries = RuleQueries::new(session, &contract).alone();
    let mut verification = verify(contract, &check, provider, &NoFacts, (&queries, discretion), show)
        .await
        .map_err(|error| match error.kind() {
            // What is in the file is judged; that it cannot be read is no verdict about it.
            ErrorKind::Data => unreadable(file).with_source(error),
            _ => error,
        })?;
    judge_absence(&mut verification.report.results, &lacking);
    (verification.lacking, verification.unknown) = (lacking, unknown);
    Ok(verification)
}

/// Judges columns that the file does not have by that, whatever its rows: one that a value is required of is missing also
/// where there is no row, and what is not there has no type.
fn judge_absence(results: &mut [RuleResult], lacking: &[String]) {
    for result in results {
        let Some(column) = lacking.iter().find(|name| result.column.as_ref() == Some(*name)) else {
            continue;
        };
        let why = format!("the file has no column `{column}`");
        match result.rule.strip_prefix(column.as_str()) {
            Some(".required") if !matches!(result.verdict, RuleVerdict::NotRun(_)) => {
                result.verdict = RuleVerdict::Failed;
                result.note = Some(why);
            }
            Some(".type") => {
                result.verdict = RuleVerdict::NotRun(why);
                (result.figure, result.failing_rows) = (None, None);
            }
            _ => {}
        }
    }
}

/// Names, the first of them where there are many.
fn listed(names: &[impl AsRef<str>]) -> String {
    let mut text: Vec<&str> = names.iter().take(LISTED).map(AsRef::as_ref).collect();
    if names.len() > LISTED {
        text.push("…");
    }
    match text.is_empty() {
        true => "no column".to_owned(),
        false => text.join(", "),
    }
}

fn unreadable(file: &Path) -> Error {
    Error::new(
        ErrorKind::Usage,
        format!("{} cannot be read as Parquet", file.display()),
    )
}

/// What tells that a file is no whole Parquet file, before anybody reads it: where it begins and ends.
fn wrong_at_first_sight(file: &Path) -> std::io::Result<Option<&'static str>> {
    let mut open = File::open(file)?;
    let length = open.metadata()?.len();
    if length == 0 {
        return Ok(Some("is empty"));
    }
    let (mut begin, mut end) = ([0; MAGIC.len()], [0; END]);
    if length < (begin.len() + end.len()) as u64 {
        return Ok(Some("is no Parquet file"));
    }
    open.read_exact(&mut begin)?;
    open.seek(SeekFrom::End(-(END as i64)))?;
    open.read_exact(&mut end)?;
    let (footer, magic) = end.split_at(END - MAGIC.len());
    if begin == *ENCRYPTED || magic == ENCRYPTED {
        return Ok(Some("is encrypted"));
    }
    if begin != *MAGIC {
        return Ok(Some("is no Parquet file"));
    }
    let footer = footer
        .iter()
        .rev()
        .fold(0, |length, byte| length << 8 | u64::from(*byte));
    let fits = footer + (begin.len() + end.len()) as u64 <= length;
    Ok((magic != MAGIC || !fits).then_some("is cut off: it does not end as a Parquet file does"))
}

async fn parquet(context: &SessionContext, file: &Path) -> Result<Arc<dyn TableProvider>> {
    if file.is_dir() {
        let message = format!("{} is a folder", file.display());
        return Err(Error::new(ErrorKind::Usage, message).with_help("name one Parquet file: --data FILE"));
    }
    if !file.is_file() {
        let message = format!("there is no file {}", file.display());
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    if let Some(what) =
        wrong_at_first_sight(file).context(ErrorKind::Usage, || format!("cannot read {}", file.display()))?
    {
        let message = format!("{} {what}", file.display());
        return Err(Error::new(ErrorKind::Usage, message)
            .with_help("`polder test` holds Parquet files against contracts: write the rows as Parquet first"));
    }
    let failure = |cause: DataFusionError| unreadable(file).with_source(cause);
    // As a URL the name stands for itself: an asterisk in it does not stand for other files.
    let url = std::path::absolute(file)
        .ok()
        .and_then(|path| Url::from_file_path(path).ok())
        .ok_or_else(|| unreadable(file))?;
    let url = ListingTableUrl::try_new(url, None).map_err(failure)?;
    // As views, texts that occur again and again are looked at once.
    let format = ParquetFormat::default().with_force_view_types(true);
    let options = ListingOptions::new(Arc::new(format)).with_file_extension("");
    let config = ListingTableConfig::new(url)
        .with_listing_options(options)
        .infer_schema(&context.state())
        .await
        .map_err(failure)?;
    Ok(floats::without_bounds(ListingTable::try_new(config).map_err(failure)?))
}

//! `polder quarantine`: what was rejected, and why.

use polder_core::document::nearest;
use polder_core::{DatasetName, Error, ErrorKind, Layer, Result};

use super::sql::print_query;
use crate::cli::{Format, QuarantineCommand, SqlFormat};
use crate::output;
use crate::platform::Platform;

/// What the command names.
pub(crate) async fn run(platform: &Platform, command: &QuarantineCommand) -> Result<()> {
    match command {
        QuarantineCommand::List { dataset, format } => list(platform, dataset.as_deref(), format.format).await,
        QuarantineCommand::Show {
            dataset,
            rule,
            limit,
            format,
        } => show(platform, &dataset.parse()?, rule.as_deref(), *limit, format.format).await,
    }
}

async fn list(platform: &Platform, dataset: Option<&str>, format: Format) -> Result<()> {
    let tables = tables(platform).await?;
    let tables = match dataset {
        Some(name) => find(platform, &tables, &name.parse()?)?.into_iter().collect(),
        None => tables,
    };
    if tables.is_empty() && format == Format::Table {
        return output::line("nothing was rejected");
    }
    let parts: Vec<String> = tables
        .iter()
        .map(|table| {
            format!(
                "SELECT '{}' AS dataset, rule, contract_version, count(*) AS rows, min(_ingested_at) AS first, \
                 max(_ingested_at) AS last, min(reason) AS example FROM {table} GROUP BY rule, contract_version",
                rejected_by(table)
            )
        })
        .collect();
    let none = "SELECT '' AS dataset, '' AS rule, '' AS contract_version, 0 AS rows WHERE false".to_owned();
    let query = if parts.is_empty() {
        none
    } else {
        parts.join(" UNION ALL ")
    };
    let query = format!("SELECT * FROM ({query}) AS rejected ORDER BY dataset, rows DESC, rule");
    print_query(&platform.session()?, &query, format.into(), 0)
        .await
        .map(|_| ())
}

async fn show(
    platform: &Platform,
    dataset: &DatasetName,
    rule: Option<&str>,
    limit: usize,
    format: Format,
) -> Result<()> {
    let Some(table) = find(platform, &tables(platform).await?, dataset)? else {
        return output::line(&format!("nothing was rejected from {dataset}"));
    };
    let columns = match format {
        Format::Table => {
            "_topic, _partition, _offset, rule, reason, contract_version, \
             coalesce(record, try_cast(raw AS varchar), 'bytes ' || encode(raw, 'hex')) AS record"
        }
        Format::Json | Format::Csv => {
            "_quarantine_id, _origin, _topic, _partition, _offset, encode(_key, 'hex') AS _key, _event_time, _schema_id, \
             _ingested_at, _run_id, rule, reason, contract_version, record, encode(raw, 'hex') AS raw"
        }
    };
    let condition = rule.map_or_else(String::new, |rule| {
        format!(" WHERE rule = '{}'", rule.replace('\'', "''"))
    });
    let query = format!(
        "SELECT {columns} FROM {table}{condition} ORDER BY _ingested_at DESC, _topic, _partition, _offset LIMIT {limit}"
    );
    print_query(&platform.session()?, &query, SqlFormat::from(format), 0)
        .await
        .map(|_| ())
}

/// The quarantine tables that there are.
async fn tables(platform: &Platform) -> Result<Vec<DatasetName>> {
    let names = platform.lake()?.datasets().await?;
    Ok(names
        .into_iter()
        .filter(|name| name.layer() == Layer::Quarantine)
        .collect())
}

/// The dataset that refused the rows of a quarantine table, by the table's name.
fn rejected_by(table: &DatasetName) -> String {
    match table.name().split_once('_') {
        Some((layer, name)) => format!("{}.{layer}.{name}", table.domain()),
        None => table.to_string(),
    }
}

/// The quarantine table of a dataset, if anything was rejected from it; the table's own name is taken as well. A name that
/// nothing in the mesh has is an error.
fn find(platform: &Platform, tables: &[DatasetName], dataset: &DatasetName) -> Result<Option<DatasetName>> {
    let wanted = if dataset.layer() == Layer::Quarantine {
        dataset.clone()
    } else {
        dataset.quarantine()
    };
    if let Some(table) = tables.iter().find(|table| **table == wanted) {
        return Ok(Some(table.clone()));
    }
    let contracts = platform.contracts()?;
    if contracts.get(dataset).is_some() {
        return Ok(None);
    }
    let known: Vec<String> = contracts.datasets().map(ToString::to_string).collect();
    let error = Error::new(ErrorKind::NotFound, format!("there is no dataset `{dataset}`"));
    Err(match nearest(&dataset.to_string(), known.iter().map(String::as_str)) {
        Some(near) => error.with_help(format!("did you mean `{near}`?")),
        None => error.with_help("`polder quarantine list` shows what was rejected"),
    })
}

//! Looking at what was rejected: counts, and rows.

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use polder_core::units::counted;
use polder_core::{DatasetName, Error, ErrorKind, Result, ResultExt};
use polder_delivery::Quarantine;
use polder_lake::Lake;
use polder_query::query_error;

use super::{Dimension, Which, history, quoted};
use crate::commands::sql::print_query;
use crate::options::{Format, SqlFormat};
use crate::output;
use crate::platform::Platform;

/// A quarantine table, and the dataset whose contract refused its rows.
pub(super) struct Place {
    pub(super) table: DatasetName,
    pub(super) dataset: DatasetName,
    /// SQL that says what became of a row.
    pub(super) state: String,
    /// Whether the table has a column for the history of rows; those of an earlier Polder do not.
    has_history: bool,
    /// Whether it has the columns for the source's own timestamp and the header that names the schema.
    has_headers: bool,
}

/// SQL for what became of rows of a table without a column that says so.
const OPEN: &str = "'open'";
/// The same where there is one: those that an earlier Polder refused have nothing in it.
pub(super) const KNOWN: &str = "coalesce(state, 'open')";

/// The rows of a quarantine table as SQL, with a word in `state` for what became of each.
pub(super) fn rows(table: &DatasetName, state: Option<&str>) -> String {
    let columns = match state {
        Some(state) => format!("* REPLACE ({state} AS state)"),
        None => format!("*, {OPEN} AS state"),
    };
    format!("(SELECT {columns} FROM {table}) AS refused")
}

impl Place {
    /// Reads how the table's rows stand. A replay that was not settled is told by what it did.
    pub(super) async fn read(lake: &Lake, table: &DatasetName) -> Result<Option<Self>> {
        let dataset = table.refused().unwrap_or_else(|| table.clone());
        let Some(loaded) = lake.load(table).await? else {
            return Ok(None);
        };
        let has_history = loaded.schema().index_of("history").is_ok();
        let has_headers = loaded.schema().index_of("_schema_header").is_ok();
        // Tables of an earlier Polder have no such column: nobody decided about their rows.
        let state = match loaded.schema().index_of("state") {
            Err(_) => OPEN.to_owned(),
            Ok(_) => match Quarantine::under_way(lake, &dataset, &loaded).await? {
                Some((number, true)) => format!(
                    "CASE WHEN state = 'replaying' AND replay = {number} THEN 'replayed' ELSE coalesce(state, 'open') END"
                ),
                _ => KNOWN.to_owned(),
            },
        };
        Ok(Some(Self {
            table: table.clone(),
            dataset,
            state,
            has_history,
            has_headers,
        }))
    }

    /// SQL that holds for rows that nobody decided about.
    fn open(&self) -> String {
        format!("({}) IN ('open', 'replaying')", self.state)
    }

    /// The columns that are shown of a row, as SQL.
    fn columns(&self, all: bool, format: Format) -> String {
        let has_states = self.state != OPEN;
        match format {
            Format::Table => format!(
                "_topic, _partition, _offset, rule, reason, contract_version, {}\
             coalesce(record, try_cast(raw AS varchar), 'bytes ' || encode(raw, 'hex')) AS record",
                if all {
                    format!("{} AS state, ", self.state)
                } else {
                    String::new()
                }
            ),
            Format::Json | Format::Csv => {
                format!(
                    "_quarantine_id, _origin, _topic, _partition, _offset, encode(_key, 'hex') AS _key, _event_time, _schema_id, \
             _ingested_at, _run_id, rule, reason, contract_version, record, encode(raw, 'hex') AS raw, {}{} AS state{}",
                    if self.has_headers {
                        "_timestamp, encode(_schema_header, 'hex') AS _schema_header, "
                    } else {
                        ""
                    },
                    self.state,
                    if has_states {
                        ", attempts, resolved_at, resolution, resolved_by, resolved_by_run"
                    } else {
                        ""
                    }
                ) + if self.has_history { ", history" } else { "" }
            }
        }
    }
}

/// Counts by dataset, rule and contract version, with an example.
pub(super) async fn list(platform: &Platform, dataset: Option<&str>, all: bool, format: Format) -> Result<()> {
    let places = places(platform, dataset).await?;
    if places.is_empty() && format == Format::Table {
        return output::line("nothing was rejected");
    }
    // People do not need microseconds, and the line is long without them.
    let [first, last] = ["min", "max"].map(|end| match format {
        Format::Table => format!("date_trunc('second', {end}(_ingested_at))"),
        Format::Json | Format::Csv => format!("{end}(_ingested_at)"),
    });
    let parts: Vec<String> = places
        .iter()
        .map(|place| {
            let (table, name) = (&place.table, &place.dataset);
            let state = &place.state;
            let (condition, state, group) = match all {
                true => (String::new(), format!("{state} AS state, "), format!(", {state}")),
                false => (format!("WHERE {}", place.open()), String::new(), String::new()),
            };
            format!(
                "SELECT '{name}' AS dataset, rule, {state}contract_version, count(*) AS rows, {first} AS first, \
                 {last} AS last, min(reason) AS example FROM {table} {condition} \
                 GROUP BY rule, contract_version{group}"
            )
        })
        .collect();
    let state = if all { "'' AS state, " } else { "" };
    let none = format!(
        "SELECT '' AS dataset, '' AS rule, {state}'' AS contract_version, 0 AS rows, '' AS first, '' AS last, \
         '' AS example WHERE false"
    );
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

/// Rows, whole, newest first.
pub(super) async fn show(
    platform: &Platform,
    dataset: &DatasetName,
    which: &Which,
    all: bool,
    limit: usize,
    format: Format,
) -> Result<()> {
    let lake = platform.lake()?;
    let place = match find(platform, &tables(platform).await?, dataset)? {
        Some(table) => Place::read(&lake, &table).await?,
        None => None,
    };
    let Some(place) = place else {
        // Without a table there are no columns either.
        return match format {
            Format::Table => output::line(&format!("nothing was rejected from {dataset}")),
            Format::Json => output::line("[]"),
            Format::Csv => Ok(()),
        };
    };
    let columns = place.columns(all, format);
    if let Some(rule) = &which.rule {
        is_a_rule(platform, &place.table, &place.dataset, rule).await?;
    }
    let mut conditions = which.conditions();
    if !all && which.id.is_empty() {
        conditions.push(place.open());
    }
    let condition = match conditions.is_empty() {
        true => String::new(),
        false => format!(" WHERE {}", conditions.join(" AND ")),
    };
    let order = "ORDER BY _ingested_at DESC, _topic, _partition, _offset";
    let rows = rows(&place.table, Some(place.state.as_str()).filter(|state| *state != OPEN));
    let from = format!("FROM {rows}{condition} {order} LIMIT {limit}");
    let session = platform.session()?;
    let selected = format!("SELECT count(*) FROM {rows}{condition}");
    let selected = async { session.sql(&selected).await?.collect().await.map_err(query_error) };
    let selected = selected.await.map_err(about_columns)?;
    let selected: i64 = selected
        .iter()
        .map(|batch| batch.column(0).as_primitive::<Int64Type>().values().iter().sum::<i64>())
        .sum();
    if selected == 0 && format == Format::Table {
        let kind = if all || !which.id.is_empty() { "row" } else { "open row" };
        return output::line(&format!("no {kind} in the quarantine of {} is selected", place.dataset));
    }
    let query = format!("SELECT {columns} {from}");
    match format {
        Format::Json => history::print_with_rows(&session, &query).await?,
        Format::Table | Format::Csv => {
            print_query(&session, &query, SqlFormat::from(format), 0).await?;
        }
    }
    if format == Format::Table && place.has_history {
        let query = format!(
            "SELECT coalesce(_topic || '/' || _partition || ' offset ' || _offset, _quarantine_id) AS place, history \
             FROM (SELECT * {from}) AS shown WHERE history IS NOT NULL {order}"
        );
        history::print(&session, &query).await?;
    }
    if usize::try_from(selected).is_ok_and(|selected| selected > limit) {
        output::remark(&format!(
            "{limit} of {} shown; --limit {selected} shows all",
            counted(selected.unsigned_abs(), "row")
        ));
    }
    Ok(())
}

/// The error of a query with a condition that somebody gave, where it can be the condition's.
pub(super) fn about_columns(error: Error) -> Error {
    if error.kind() != ErrorKind::Usage {
        return error;
    }
    let own = "--where is SQL over the quarantine's columns; what a row said is in `record`, as JSON: --where \"record LIKE \
               '%\\\"country\\\":\\\"GB\\\"%'\"";
    match error.help().map(str::to_owned) {
        Some(help) => error.with_help(format!("{help}; {own}")),
        None => error.with_help(own),
    }
}

/// Whether there is a rule of this name: rows in quarantine were refused by it, or the dataset's contract has it.
///
/// # Errors
/// `NotFound` where there is none, with those that there are.
pub(super) async fn is_a_rule(
    platform: &Platform,
    table: &DatasetName,
    dataset: &DatasetName,
    rule: &str,
) -> Result<()> {
    let query = format!("SELECT DISTINCT rule FROM {table} ORDER BY rule");
    let batches = platform
        .session()?
        .sql(&query)
        .await?
        .collect()
        .await
        .map_err(query_error)?;
    let mut rules = Vec::new();
    for batch in &batches {
        let column = cast(batch.column(0), &DataType::Utf8).context(ErrorKind::Internal, || {
            "the rules of quarantined rows cannot be read".to_owned()
        })?;
        rules.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    if rules.iter().any(|known| known == rule) {
        return Ok(());
    }
    if let Some(contract) = platform.contracts()?.get(dataset) {
        let declared = contract.rules().map_err(Error::document)?;
        if declared.iter().any(|declared| declared.id == rule) {
            return Ok(());
        }
    }
    let message = format!("no row in the quarantine of {dataset} is refused by a rule `{rule}`");
    let known = format!("rows are refused by {}", rules.join(", "));
    let help = match polder_core::document::nearest(rule, rules.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`? {known}"),
        None if rules.is_empty() => "there are no refused rows at all".to_owned(),
        None => known,
    };
    Err(Error::new(ErrorKind::NotFound, message).with_help(help))
}

/// Counts by what is asked for, with the share of all rows that came for the dataset.
pub(super) async fn stats(platform: &Platform, dataset: Option<&str>, by: &[Dimension], format: Format) -> Result<()> {
    let lake = platform.lake()?;
    let places = places(platform, dataset).await?;
    if places.is_empty() && format == Format::Table {
        return output::line("nothing was rejected");
    }
    let session = platform.session()?;
    let by: &[Dimension] = if by.is_empty() {
        &[Dimension::Rule, Dimension::State]
    } else {
        by
    };
    let mut parts = Vec::new();
    for Place {
        table, dataset, state, ..
    } in &places
    {
        // A row that was replayed is in both.
        let accepted = match lake.load(dataset).await? {
            Some(loaded) => format!("(SELECT count(*) FROM {})", loaded.name()),
            None => "0".to_owned(),
        };
        parts.push(format!(
            "SELECT '{dataset}' AS dataset, rule, {state} AS state, cast(_ingested_at AS date) AS day, contract_version, \
             {accepted} + (SELECT sum(CASE WHEN {state} = 'replayed' THEN 0 ELSE 1 END) FROM {table}) AS of_all \
             FROM {table}"
        ));
    }
    let names: Vec<&str> = by.iter().map(|dimension| dimension.column()).collect();
    let names = names.join(", ");
    let query = match parts.is_empty() {
        true => format!(
            "SELECT dataset, {names}, rows, percent FROM (SELECT '' AS dataset, '' AS rule, '' AS state, \
             current_date() AS day, '' AS contract_version, 0 AS rows, 0.0 AS percent) AS none WHERE false"
        ),
        false => format!(
            "SELECT dataset, {names}, count(*) AS rows, round(100.0 * count(*) / max(of_all), 3) AS percent \
             FROM ({}) AS rejected GROUP BY dataset, {names} ORDER BY dataset, rows DESC, {names}",
            parts.join(" UNION ALL ")
        ),
    };
    print_query(&session, &query, format.into(), 0).await.map(|_| ())
}

async fn places(platform: &Platform, dataset: Option<&str>) -> Result<Vec<Place>> {
    let tables = tables(platform).await?;
    let tables = match dataset {
        Some(name) => find(platform, &tables, &name.parse()?)?.into_iter().collect(),
        None => tables,
    };
    let lake = platform.lake()?;
    let mut places = Vec::new();
    for table in &tables {
        places.extend(Place::read(&lake, table).await?);
    }
    Ok(places)
}

/// The quarantine tables that there are.
pub(super) async fn tables(platform: &Platform) -> Result<Vec<DatasetName>> {
    let names = platform.lake()?.datasets().await?;
    Ok(names
        .into_iter()
        .filter(|name| name.layer() == polder_core::Layer::Quarantine)
        .collect())
}

/// The quarantine table of a dataset, if anything was rejected from it; the table's own name is taken as well. A name that
/// nothing in the mesh has is an error.
pub(super) fn find(platform: &Platform, tables: &[DatasetName], dataset: &DatasetName) -> Result<Option<DatasetName>> {
    let wanted = dataset.quarantine();
    if let Some(table) = tables.iter().find(|table| **table == wanted) {
        return Ok(Some(table.clone()));
    }
    let contracts = platform.contracts()?;
    if contracts.get(dataset).is_some() {
        return Ok(None);
    }
    let known: Vec<String> = contracts.datasets().map(ToString::to_string).collect();
    let error = Error::new(ErrorKind::NotFound, format!("there is no dataset `{dataset}`"));
    Err(
        match polder_core::document::nearest(&dataset.to_string(), known.iter().map(String::as_str)) {
            Some(near) => error.with_help(format!("did you mean `{near}`?")),
            None => error.with_help("`polder quarantine list` shows what was rejected"),
        },
    )
}

impl Which {
    /// SQL conditions over the quarantine's columns.
    pub(super) fn conditions(&self) -> Vec<String> {
        let mut conditions = Vec::new();
        if let Some(rule) = &self.rule {
            conditions.push(format!("rule = {}", quoted(rule)));
        }
        if let Some(condition) = &self.condition {
            // A comment at its end ends with the line.
            conditions.push(format!("({condition}\n)"));
        }
        if !self.id.is_empty() {
            let ids: Vec<String> = self.id.iter().map(|id| quoted(id)).collect();
            conditions.push(format!("_quarantine_id IN ({})", ids.join(", ")));
        }
        conditions
    }
}

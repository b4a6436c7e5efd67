//! Whether a dataset's table takes what its contract promises: one judgement, for whoever writes and for whoever checks,
//! in the contract's words and at its places.

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use polder_contract::{DatasetContract, Place, Property};
use polder_core::document::Diagnostic;
use polder_core::{Error, ErrorKind, Result};
use polder_gate::{arrow_schema, in_words};
use polder_lake::{Refusal, Table, Why, refusals};

/// The code of what a table does not take of its contract.
const TABLE_REFUSES: &str = "table-refuses";

/// What a table does not take of its contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// The column as the contract names it; none for the platform's own.
    pub column: Option<String>,
    /// What is wrong, where, and what to do about it.
    pub diagnostic: Diagnostic,
}

/// The columns of a dataset's table: those of its contract, then the platform's
/// ([`STREAM_COLUMNS`](crate::STREAM_COLUMNS) where a stream feeds it, none where a pipeline builds it).
///
/// # Errors
/// `Document`, where a column has no type that a table can hold, or the name of a platform column.
pub fn table_columns(contract: &DatasetContract, platform: &[FieldRef]) -> Result<SchemaRef> {
    let mut fields = arrow_schema(contract.object())?.fields().to_vec();
    for column in platform {
        if fields.iter().any(|field| field.name() == column.name()) {
            let message = format!(
                "column `{}` of {} belongs to the platform",
                column.name(),
                contract.dataset()
            );
            return Err(Error::new(ErrorKind::Document, message)
                .with_help("names with a leading underscore are Polder's: give the column another name"));
        }
        fields.push(Arc::clone(column));
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// What a table with these columns does not take of its contract; nothing where rows can be written under it.
///
/// # Errors
/// As [`table_columns`].
pub fn unfit(contract: &DatasetContract, platform: &[FieldRef], table: &Schema, has_rows: bool) -> Result<Vec<Unfit>> {
    let wanted = table_columns(contract, platform)?;
    Ok(in_the_contract(contract, &refusals(table, &wanted, has_rows)))
}

/// What a dataset's table, as it is, does not take of its contract.
///
/// # Errors
/// As [`unfit`]; `Data`, where the table forgets progress, and takes no rows for that.
pub fn unfit_table(contract: &DatasetContract, platform: &[FieldRef], table: &Table) -> Result<Vec<Unfit>> {
    table.keeps_progress()?;
    unfit(contract, platform, &table.schema(), table.has_files()?)
}

/// The columns of a table that neither its contract nor the platform names: they stay, and are null in new rows.
///
/// # Errors
/// As [`table_columns`].
pub fn unnamed_columns(contract: &DatasetContract, platform: &[FieldRef], table: &Table) -> Result<Vec<String>> {
    let wanted = table_columns(contract, platform)?;
    let schema = table.schema();
    let names = schema.fields().iter().map(|field| field.name());
    Ok(names
        .filter(|name| wanted.field_with_name(name).is_err())
        .cloned()
        .collect())
}

/// Refusals in the contract's words, each at its column.
pub(crate) fn in_the_contract(contract: &DatasetContract, refusals: &[Refusal]) -> Vec<Unfit> {
    let properties = &contract.object().properties;
    let mut unfit = Vec::new();
    let mut platform = Vec::new();
    for refusal in refusals {
        match properties.iter().find(|property| property.name == refusal.column) {
            Some(property) => unfit.push(of_column(contract, property, refusal)),
            None => platform.push(format!("`{}`", refusal.column)),
        }
    }
    if !platform.is_empty() {
        let message = format!(
            "{}: its table was not made by a stream, and does not take a stream's rows: it lacks {}",
            contract.dataset(),
            platform.join(", ")
        );
        let help = format!(
            "let the stream feed another dataset, such as {}_raw",
            contract.dataset()
        );
        let diagnostic = contract.object().place.error(TABLE_REFUSES, message, Some(&help));
        unfit.push(Unfit {
            column: None,
            diagnostic,
        });
    }
    unfit
}

fn of_column(contract: &DatasetContract, property: &Property, refusal: &Refusal) -> Unfit {
    let words = |kind: &DataType| in_words(kind);
    let message = format!("{}: {}", contract.dataset(), refusal.says(words));
    let anew = format!(
        "give the dataset a new name (such as {}) and fill that from the beginning",
        next_name(contract)
    );
    let help = match &refusal.why {
        Why::Required => format!(
            "leave out `required: true`: the rows that are there have no value in it, and a later version may require \
             one; or {anew}"
        ),
        Why::OtherCase(known) => format!("write `{known}`, or use a name of its own"),
        Why::OtherType { table, .. } if refusal.path == refusal.column => format!(
            "keep it {}, and add an optional column under a new name for the new type; or {anew}",
            in_words(table)
        ),
        Why::OtherOrder(fields) => format!("write the fields in the table's order: {}", fields.join(", ")),
        Why::OtherType { .. } | Why::NewField | Why::LostField => format!(
            "keep the fields of `{}` as they are, and add an optional column beside it; or {anew}",
            refusal.column
        ),
    };
    let place = declared_at(property, &refusal.path);
    Unfit {
        column: Some(refusal.column.clone()),
        diagnostic: place.error(TABLE_REFUSES, message, Some(&help)),
    }
}

/// The dataset's name with the contract's major version behind it.
fn next_name(contract: &DatasetContract) -> String {
    let name = contract.dataset().to_string();
    let number = |text: &str| text.trim_start_matches('v').split('.').next()?.parse::<u64>().ok();
    let (name, known) = match name.rsplit_once("_v") {
        Some((head, version)) if number(version).is_some() => {
            (head, number(version).map(|version| version.saturating_add(1)))
        }
        _ => (name.as_str(), None),
    };
    let next = number(contract.version()).max(known).unwrap_or(2).max(2);
    format!("{name}_v{next}")
}

/// Where the value at a path (`address.city`, `lines[].price`, `totals.value`) into a column is declared; of what is not, what is
/// around it.
pub fn declared_at<'p>(property: &'p Property, path: &str) -> &'p Place {
    let mut here = property;
    let inside = path.get(property.name.len()..).unwrap_or_default();
    for step in inside.replace("[]", ".[]").split('.').skip(1) {
        let map = here.map.as_deref();
        let next = match (step, map) {
            ("[]", _) => here.items.as_deref(),
            ("key", Some((key, _))) => Some(key),
            ("value", Some((_, value))) => Some(value),
            _ => here.properties.iter().find(|field| field.name == step),
        };
        let Some(next) = next else { break };
        here = next;
    }
    &here.place
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, RecordBatch, new_null_array};
    use object_store::memory::InMemory;
    use polder_contract::parse;
    use polder_core::RunId;
    use polder_core::document::Source;
    use polder_lake::Lake;

    use super::*;
    use crate::{Delivery, NoRecords, Outcome, STREAM_COLUMNS};

    const ID: &str = "      - {name: id, logicalType: integer, physicalType: int, required: true}\n";
    const PLACE: &str = "      - name: place\n        logicalType: object\n        properties:\n";
    const CITY: &str = "          - {name: city, logicalType: string}\n";
    const ZIP: &str = "          - {name: zip, logicalType: integer, physicalType: int}\n";
    const LINES: &str = "      - name: lines\n        logicalType: array\n        items:\n          logicalType: \
                         object\n          properties:\n";

    fn contract(columns: &str) -> DatasetContract {
        let text = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: orders\nname: orders\nversion: 3.0.0\nstatus: active\n\
             domain: sales\nschema:\n  - name: orders\n    physicalName: sales.silver.orders\n    properties:\n{columns}"
        );
        let parsed = parse(&Source::new("contracts/sales/orders.odcs.yaml", text));
        let contract = parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics));
        DatasetContract {
            contract: Arc::new(contract),
            object: 0,
        }
    }

    /// A lake whose table was made by a contract, and holds a row.
    async fn with_a_row(contract: &DatasetContract) -> Lake {
        let lake = Lake::over(Arc::new(InMemory::new()), "memory:///lake".parse().unwrap()).unwrap();
        let mut delivery = Delivery::open(&lake, contract, &[], "sales.orders").await.unwrap();
        let columns = delivery
            .schema()
            .fields()
            .iter()
            .map(|field| match field.name().as_str() {
                "id" => Arc::new(Int32Array::from(vec![1])) as ArrayRef,
                _ => new_null_array(field.data_type(), 1),
            });
        let batch = RecordBatch::try_new(Arc::clone(delivery.schema()), columns.collect()).unwrap();
        let mut shipment = delivery.shipment(RunId::new()).await.unwrap();
        shipment.push(&batch, &NoRecords).await.unwrap();
        assert_eq!(shipment.commit(Outcome::default()).await.unwrap().accepted, 1);
        lake
    }

    #[tokio::test]
    async fn what_is_judged_is_what_a_table_with_rows_takes() {
        let note = "      - {name: note, logicalType: string}\n";
        let must = "      - {name: must, logicalType: string, required: true}\n";
        let price = |kind: &str| format!("      - {{name: price, logicalType: number, physicalType: \"{kind}\"}}\n");
        let place = |fields: &str| format!("{PLACE}{fields}");
        let lines = |fields: &str| format!("{LINES}{}", fields.replace("          - ", "            - "));
        let both = format!("{CITY}{ZIP}");
        let price_becomes = |kind: &str| {
            let column = "column `price` is decimal(10,2) in the table";
            Some(format!("{column} and {kind} in the contract"))
        };
        let cases: [(String, String, Option<String>); 14] = [
            (note.to_owned(), String::new(), None),
            (String::new(), note.to_owned(), None),
            (
                note.to_owned(),
                note.replace("string}", "string, required: true}"),
                None,
            ),
            (
                String::new(),
                must.to_owned(),
                Some("column `must` is new and required, but the table has rows without it".to_owned()),
            ),
            (
                note.to_owned(),
                note.replace("note", "Note"),
                Some("column `Note` is new, but the table has a column `note`, which differs by case alone".to_owned()),
            ),
            (
                price("decimal(10,2)"),
                price("decimal(10,2)").replace("number", "number, unique: true"),
                None,
            ),
            (
                price("decimal(10,2)"),
                price("decimal(12,2)"),
                price_becomes("decimal(12,2)"),
            ),
            (price("decimal(10,2)"), price("double"), price_becomes("double")),
            (
                note.to_owned(),
                note.replace("string", "timestamp"),
                Some("column `note` is string in the table and timestamp in the contract".to_owned()),
            ),
            (
                place(CITY),
                place(&CITY.replace("string}", "string, required: true}")),
                None,
            ),
            (
                place(CITY),
                place(&both),
                Some("`place.zip` is new, but the table's values of `place` do not have that field".to_owned()),
            ),
            (
                place(&both),
                place(ZIP),
                Some(
                    "`place.city` is not in the contract, but the table's values of `place` have that field".to_owned(),
                ),
            ),
            (
                place(&both),
                place(&format!("{ZIP}{CITY}")),
                Some("the fields of `place` stand in another order in the table: city, zip".to_owned()),
            ),
            (
                lines(&both),
                lines(&both.replace("physicalType: int", "physicalType: bigint")),
                Some("column `lines[].zip` is int in the table and bigint in the contract".to_owned()),
            ),
        ];
        for (old, new, expected) in cases {
            let (old, new) = (contract(&format!("{ID}{old}")), contract(&format!("{ID}{new}")));
            let said = unfit(&new, &[], &table_columns(&old, &[]).unwrap(), true).unwrap();
            let lake = with_a_row(&old).await;
            let table = lake.load(new.dataset()).await.unwrap().unwrap();
            assert_eq!(unfit_table(&new, &[], &table).unwrap(), said);
            let opened = Delivery::open(&lake, &new, &[], "sales.orders").await;
            match (expected, opened) {
                (None, Ok(_)) => assert_eq!(said, []),
                (Some(expected), Err(error)) => {
                    assert_eq!(error.kind(), ErrorKind::Document);
                    let said: Vec<_> = said.into_iter().map(|unfit| unfit.diagnostic).collect();
                    assert_eq!(error.diagnostics(), said);
                    assert!(said[0].message.ends_with(&expected), "{}\n{expected}", said[0].message);
                }
                (expected, opened) => panic!("{expected:?}, {:?}", opened.err()),
            }
        }
    }

    #[test]
    fn a_refusal_stands_where_the_value_is_declared_and_says_what_to_do() {
        let table = contract(&format!("{ID}{PLACE}{CITY}"));
        let wanted = contract(&format!(
            "{ID}{PLACE}{CITY}{ZIP}      - {{name: must, logicalType: date, required: true}}\n"
        ));
        let said = unfit(&wanted, &[], &table_columns(&table, &[]).unwrap(), true).unwrap();
        let said: Vec<_> = said
            .iter()
            .map(|unfit| (unfit.diagnostic.to_string(), unfit.diagnostic.help.clone().unwrap()))
            .collect();
        assert!(
            said[0].0.starts_with("contracts/sales/orders.odcs.yaml:17:20: "),
            "{said:?}"
        );
        assert!(
            said[0].1.starts_with("keep the fields of `place` as they are"),
            "{said:?}"
        );
        assert!(
            said[1].0.starts_with("contracts/sales/orders.odcs.yaml:18:16: "),
            "{said:?}"
        );
        assert!(said[1].1.starts_with("leave out `required: true`"), "{said:?}");
        assert!(said[1].1.contains("sales.silver.orders_v3"), "{said:?}");
    }

    #[test]
    fn a_table_of_a_pipeline_does_not_take_a_stream() {
        let contract = contract(ID);
        let (built, fed) = (
            table_columns(&contract, &[]).unwrap(),
            table_columns(&contract, STREAM_COLUMNS.as_slice()).unwrap(),
        );
        let said = unfit(&contract, STREAM_COLUMNS.as_slice(), &built, true).unwrap();
        assert_eq!(said.len(), 1);
        let message = &said[0].diagnostic.message;
        assert!(
            message.ends_with("it lacks `_topic`, `_partition`, `_offset`, `_ingested_at`, `_run_id`"),
            "{message}"
        );
        assert_eq!(unfit(&contract, &[], &fed, true).unwrap(), []);
    }
}

//! What CREATE TABLE says beside its columns and keys. Whatever the parser knows of a table is named: the clauses that
//! have a place in a contract are taken out of its text, and the rest is what is lost.

use sqlparser::ast::helpers::stmt_create_table::CreateTableBuilder;
use sqlparser::ast::{CreateTable, CreateTableOptions, HiveDistributionStyle};

/// The clauses that go nowhere, each as it is written.
pub(super) fn lost(create: &CreateTable) -> Vec<String> {
    // Clauses that are named one by one.
    let clear: [fn(&mut CreateTable); 14] = [
        |table| table.temporary = false,
        |table| table.external = false,
        |table| table.transient = false,
        |table| {
            table.partition_of = None;
            table.for_values = None;
        },
        |table| table.inherits = None,
        |table| table.partition_by = None,
        |table| table.cluster_by = None,
        |table| table.clustered_by = None,
        |table| table.like = None,
        |table| table.clone = None,
        |table| table.query = None,
        |table| table.location = None,
        |table| table.on_commit = None,
        |table| table.with_tags = None,
    ];
    let mut rest = create.clone();
    rest.or_replace = false;
    rest.if_not_exists = false;
    rest.columns.clear();
    rest.constraints.clear();
    rest.comment = None;
    rest.table_options = CreateTableOptions::None;
    if matches!(rest.hive_distribution, HiveDistributionStyle::PARTITIONED { .. }) {
        rest.hive_distribution = HiveDistributionStyle::NONE;
    }
    // The name can hold any words.
    rest.name.0.clear();
    let mut text = rest.to_string();
    let mut found = Vec::new();
    for clear in clear {
        clear(&mut rest);
        let without = rest.to_string();
        found.extend(difference(&text, &without));
        text = without;
    }
    let bare = CreateTableBuilder::new(rest.name.clone()).build().to_string();
    found.extend(difference(&text, &bare));
    found
}

/// The words of `long` that are not in `short`, which has all others in their order.
fn difference(long: &str, short: &str) -> Option<String> {
    if long == short {
        return None;
    }
    let (long, short): (Vec<&str>, Vec<&str>) = (long.split_whitespace().collect(), short.split_whitespace().collect());
    let before = long.iter().zip(&short).take_while(|(a, b)| a == b).count();
    let behind = long[before..]
        .iter()
        .rev()
        .zip(short[before.min(short.len())..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let words = &long[before..long.len() - behind];
    (!words.is_empty()).then(|| words.join(" "))
}

//! Lists and what is inside of them, in forms of SQL that other engines have.

use super::types::{leading_type, types_in_words};
use super::{Asked, Said, between};

/// The sentence for a form that there is not, with the one that there is.
pub(super) fn said(text: &str, asked: Asked<'_>) -> Option<Said> {
    if let Some(part) = text.strip_prefix("Dot access not supported for non-string expr: ") {
        return Some(field_of_more(part, asked.sql));
    }
    if let Some(field) = text.strip_prefix("Physical plan does not support logical expression OuterReferenceColumn(") {
        return Some(of_other_table(field));
    }
    if let Some(kind) = text.strip_prefix("array_element does not support type ") {
        let kind = leading_type(kind).map_or_else(|| types_in_words(kind), |(kind, _)| kind);
        return Some(no_item_of(&kind));
    }
    if text.starts_with("LATERAL VIEWS") {
        return Some(Said::new("there is no `LATERAL VIEW`").with_help(unnested("items", Some("sku"))));
    }
    if text.starts_with("Unnest should be rewritten to LogicalPlan::Unnest") {
        return Some(Said::new("`unnest` stands in SELECT alone").with_help(unnested("items", Some("sku"))));
    }
    None
}

/// A number in brackets behind what is no list; `kind` is what it is, in words.
pub(super) fn no_item_of(kind: &str) -> Said {
    let said = Said::new(format!("`[ ]` with a number is for lists, and this is {kind}"));
    match kind.split('<').next() {
        Some("struct") => said.with_help("a field of an object is o.name or o['name']"),
        Some("map") => said.with_help("a value of a map is m['key'], with the key in quotes where it is text"),
        Some("string") => said.with_help("a part of a text is substr(text, 1, 1)"),
        _ => said,
    }
}

/// How a list becomes rows, one for each of its items; `field` is one of an item's, where it has any.
pub(super) fn unnested(list: &str, field: Option<&str>) -> String {
    let item = field.map_or("item".to_owned(), |field| format!("item{}", inside(field)));
    format!("unnest it in a query of its own: WITH l AS (SELECT *, unnest({list}) AS item FROM …) SELECT {item} FROM l")
}

/// A field by `.` of what is no name, such as `items[1].price`; `part` is the field as the parser keeps it.
fn field_of_more(part: &str, sql: &str) -> Said {
    let message = "`.` cannot go from an item or a call to a field of it";
    let Some(field) = part
        .strip_prefix("Identifier(")
        .and_then(|part| between(part, "value: \"", "\""))
    else {
        return Said::new(message).with_help("write the field in brackets, as in items[1]['price']");
    };
    let place = between(part, "Span(Location(", ")").and_then(|place| {
        let (line, column) = place.split_once(',')?;
        Some((line.trim().parse().ok()?, column.trim().parse().ok()?))
    });
    let field_in_brackets = inside(field);
    let Some((line, column)) = place else {
        return Said::new(format!("{message}: `{field}`"))
            .with_help(format!("write it as in items[1]{field_in_brackets}"));
    };
    let said = Said::new(format!(
        "`.` cannot go from an item or a call to its field `{field}` at line {line}, column {column}"
    ));
    match before_the_dot(sql, line, column) {
        Some(whole) => said.with_help(format!("write {whole}{field_in_brackets}")),
        None => said.with_help(format!("write it as in items[1]{field_in_brackets}")),
    }
}

/// What stands before the dot before a place: names, and what is in brackets behind them.
fn before_the_dot(sql: &str, line: usize, column: usize) -> Option<&str> {
    let text = sql.split('\n').nth(line.checked_sub(1)?)?;
    let (end, _) = text.char_indices().nth(column.checked_sub(1)?)?;
    let text = text[..end].trim_end().strip_suffix('.')?;
    let mut depth = 0_usize;
    let mut start = text.len();
    for (at, c) in text.char_indices().rev() {
        match c {
            ']' | ')' => depth += 1,
            '[' | '(' if depth == 0 => break,
            '[' | '(' => depth -= 1,
            _ if depth > 0 || c.is_alphanumeric() || matches!(c, '_' | '.' | '"') => {}
            _ => break,
        }
        start = at;
    }
    Some(&text[start..]).filter(|whole| depth == 0 && !whole.is_empty())
}

/// A column of a table that stands beside a query or call in FROM. `field` is the column as the engine shows it, with the
/// table behind it.
fn of_other_table(field: &str) -> Said {
    let name = between(field, "name: \"", "\"").unwrap_or_default();
    let table = field
        .rsplit_once("relation: Some(Bare { table: \"")
        .and_then(|(_, rest)| rest.split('"').next());
    let column = table.map_or(name.to_owned(), |table| format!("{table}.{name}"));
    let Some(items) = list_of(field) else {
        return Said::new(format!(
            "what stands in FROM cannot read a column of a table beside it: `{column}`"
        ))
        .with_help("join the two on what they have in common");
    };
    let first = between(items, "Struct([Field { name: \"", "\"").filter(|_| items.starts_with("Struct("));
    Said::new(format!(
        "`unnest` in FROM cannot read a column of a table beside it: `{column}`"
    ))
    .with_help(unnested(name, first))
}

/// The type of a list's items, as the engine shows it, where the column is a list.
fn list_of(field: &str) -> Option<&str> {
    let (_, kind) = field.split_once("data_type: ")?;
    let kind = kind.strip_prefix("List(")?;
    kind.split_once("data_type: ").map(|(_, items)| items)
}

/// A field in brackets.
fn inside(field: &str) -> String {
    format!("['{}']", field.replace('\'', "''"))
}

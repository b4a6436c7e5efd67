//! What stands in a rule's query for the dataset and the column that it is about.
//!
//! The standard writes `{object}` and `{property}`; its older versions and other tools write `${object}`, `{table}`,
//! `{model}`, `{column}` and `{field}` for the same. Quotes right around a placeholder belong to it.

/// The query with every placeholder replaced; `None` in place of a name that there is none for refuses it.
pub(crate) fn replaced(query: &str, object: &str, property: Option<&str>) -> Result<String, String> {
    let mut text = String::with_capacity(query.len());
    let mut rest = query;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        let name = from[1..].split_once('}').map(|(name, _)| name);
        let value = match name {
            Some("object" | "table" | "model") => object,
            Some(name @ ("property" | "column" | "field")) => {
                property.ok_or_else(|| format!("{{{name}}} stands for nothing: the rule is about no single column"))?
            }
            _ => {
                text.push_str(before);
                text.push('{');
                rest = &from[1..];
                continue;
            }
        };
        let after = &from[name.map_or(0, str::len) + 2..];
        let before = before.strip_suffix('$').unwrap_or(before);
        let quoted = ['"', '`'].into_iter().find_map(|quote| {
            let (before, after) = (before.strip_suffix(quote)?, after.strip_prefix(quote)?);
            Some((before, after))
        });
        let (before, after) = quoted.unwrap_or((before, after));
        text.push_str(before);
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

/// A path as SQL names it: `"address"['city']`; nothing for what a row has many of.
pub(crate) fn column(path: &str) -> Option<String> {
    if path.contains("[]") {
        return None;
    }
    let mut parts = path.split('.');
    let first = parts.next().unwrap_or_default().replace('"', "\"\"");
    let rest: String = parts.map(|part| format!("['{}']", part.replace('\'', "''"))).collect();
    Some(format!("\"{first}\"{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_every_spelling_are_replaced() {
        let cases = [
            (
                "SELECT count({property}) FROM {object}",
                "SELECT count(\"price\") FROM sales.bronze.lines",
            ),
            (
                "SELECT count(${column}) FROM ${table}",
                "SELECT count(\"price\") FROM sales.bronze.lines",
            ),
            (
                "SELECT count(\"{field}\") FROM `{model}`",
                "SELECT count(\"price\") FROM sales.bronze.lines",
            ),
            (
                "SELECT '{', '{other}' FROM {object}",
                "SELECT '{', '{other}' FROM sales.bronze.lines",
            ),
            ("SELECT '{object", "SELECT '{object"),
        ];
        for (query, expected) in cases {
            let found = replaced(query, "sales.bronze.lines", column("price").as_deref()).unwrap();
            assert_eq!(found, expected, "{query}");
        }
    }

    #[test]
    fn a_rule_of_the_whole_table_has_no_property() {
        let refused = replaced("SELECT max({property}) FROM {object}", "a.bronze.b", None).unwrap_err();
        assert!(refused.contains("{property}"), "{refused}");
    }

    #[test]
    fn paths_are_quoted_and_lists_have_none() {
        assert_eq!(column("address.city").as_deref(), Some("\"address\"['city']"));
        assert_eq!(column("od\"d").as_deref(), Some("\"od\"\"d\""));
        assert_eq!(column("lines[].price"), None);
    }
}

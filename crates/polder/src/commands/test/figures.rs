//! Figures of rules with a query, as lists and reports print them: a count says nothing of anybody, the greatest of a
//! column is somebody's value.

use polder_contract::rule::{Figure, Metric, RuleKind};
use polder_contract::{DatasetContract, Property};
use polder_core::Result;
use polder_engine::Verification;
use polder_gate::table::{How, RuleResult};
use polder_policy::Policies;

use super::shown::{HIDDEN, holds_hidden, is_platforms, reads_hidden};

/// Words of SQL that name no value.
const KEYWORDS: &[&str] = &[
    "all",
    "and",
    "any",
    "as",
    "asc",
    "between",
    "by",
    "case",
    "cast",
    "cross",
    "desc",
    "distinct",
    "else",
    "end",
    "escape",
    "exists",
    "false",
    "filter",
    "first",
    "from",
    "full",
    "group",
    "having",
    "ilike",
    "in",
    "inner",
    "interval",
    "is",
    "join",
    "last",
    "lateral",
    "left",
    "like",
    "limit",
    "natural",
    "not",
    "null",
    "nulls",
    "offset",
    "on",
    "or",
    "order",
    "outer",
    "over",
    "partition",
    "right",
    "select",
    "similar",
    "then",
    "to",
    "true",
    "try_cast",
    "union",
    "using",
    "values",
    "when",
    "where",
    "with",
    "within",
];
/// Functions and clauses that give no value of what stands in their parentheses.
const COUNTING: &[&str] = &["count", "count_if", "approx_distinct", "filter", "over"];

/// Takes the figures out that show values of columns that not everybody may see; `policies` is asked once there is
/// a query.
///
/// # Errors
/// Those of `policies`.
pub(super) fn hide(tested: &mut [Verification], policies: impl FnOnce() -> Result<Policies>) -> Result<()> {
    let asked = |result: &RuleResult| result.how == How::Query && (result.figure.is_some() || result.note.is_some());
    if !tested.iter().any(|one| one.report.results.iter().any(asked)) {
        return Ok(());
    }
    let policies = policies()?;
    for verification in tested {
        let contract = &verification.contract;
        let rules = contract.rules().unwrap_or_default();
        for result in verification.report.results.iter_mut().filter(|result| asked(result)) {
            let rule = rules.iter().find(|rule| rule.id == result.rule);
            if let Some(RuleKind::Set(test)) = rule.map(|rule| &rule.kind)
                && let Metric::Sql { query } = &test.metric
            {
                hide_of_query(result, query, contract, &policies);
            }
        }
    }
    Ok(())
}

fn hide_of_query(result: &mut RuleResult, query: &str, contract: &DatasetContract, policies: &Policies) {
    let tokens = tokens(query);
    let column: Vec<String> = result.column.iter().cloned().collect();
    let named = |hidden: bool| {
        contract
            .object()
            .properties
            .iter()
            .filter(move |one| holds_hidden(one, policies) == hidden)
    };
    let hidden = tokens.iter().any(|token| match token {
        Token::Word(word) => named(true).any(|property| property.name.eq_ignore_ascii_case(word)),
        Token::Property => reads_hidden(contract, &column, policies),
        _ => false,
    });
    if hidden && let Some(note) = &mut result.note {
        *note = without_quoted(note);
    }
    let shows = match &result.figure {
        None | Some(Figure::Null) => false,
        Some(_) if counts(&tokens) => false,
        // Of a column that the contract does not name nobody said who may see it.
        Some(Figure::Text(_)) => {
            let mut open = Vec::new();
            named(false).for_each(|property| names(property, &mut open));
            hidden || names_others(&tokens, &open)
        }
        Some(Figure::Whole(_) | Figure::Real(_)) => hidden,
    };
    if shows {
        result.figure = Some(Figure::Text(HIDDEN.to_owned()));
        result.measured = None;
    }
}

/// The name of a value, and the names of those inside of it.
fn names<'p>(property: &'p Property, into: &mut Vec<&'p str>) {
    into.push(&property.name);
    let inside = property.properties.iter().chain(property.items.as_deref());
    let map = property.map.iter().flat_map(|map| [&map.0, &map.1]);
    inside.chain(map).for_each(|property| names(property, into));
}

/// The text, with what its quotes hold hidden: engines quote the value that they stumble on.
fn without_quoted(text: &str) -> String {
    let parts = text.split('\'').enumerate();
    let shown: Vec<&str> = parts
        .map(|(place, part)| if place % 2 == 1 { HIDDEN } else { part })
        .collect();
    shown.join("'")
}

/// What a query consists of, as far as it matters here; texts, numbers and comments are left out.
#[derive(Debug, PartialEq)]
enum Token {
    /// A name or keyword, in lower case.
    Word(String),
    /// The rule's column.
    Property,
    /// The rule's dataset.
    Object,
    Mark(char),
}

fn tokens(query: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        // What lies before the mark that ends it, and what behind.
        let until = |end: &str| after.split_once(end).unwrap_or((after, ""));
        rest = match first {
            '\'' => until("'").1,
            '"' | '`' => {
                let (name, behind) = until(&first.to_string());
                found.push(
                    placeholder(name.trim_matches(['$', '{', '}']))
                        .filter(|_| name.contains('{'))
                        .unwrap_or_else(|| Token::Word(name.to_lowercase())),
                );
                behind
            }
            '{' => {
                let (name, behind) = until("}");
                found.extend(placeholder(name));
                behind
            }
            '-' if after.starts_with('-') => until("\n").1,
            '/' if after.starts_with('*') => until("*/").1,
            _ if first.is_alphanumeric() || first == '_' => {
                let length = rest.find(|next: char| !next.is_alphanumeric() && next != '_');
                let (word, behind) = rest.split_at(length.unwrap_or(rest.len()));
                if !first.is_numeric() {
                    found.push(Token::Word(word.to_lowercase()));
                }
                behind
            }
            _ => {
                if !first.is_whitespace() && first != '$' {
                    found.push(Token::Mark(first));
                }
                after
            }
        };
    }
    found
}

fn placeholder(name: &str) -> Option<Token> {
    match name {
        "property" | "column" | "field" => Some(Token::Property),
        "object" | "table" | "model" => Some(Token::Object),
        _ => None,
    }
}

/// Whether the query gives a count, or something calculated of counts alone.
fn counts(tokens: &[Token]) -> bool {
    let combines =
        |token: &Token| matches!(token, Token::Word(word) if matches!(word.as_str(), "union" | "intersect" | "except"));
    let is = |place: usize, word: &str| matches!(tokens.get(place), Some(Token::Word(found)) if found == word);
    let is_mark = |place: usize, mark: char| tokens.get(place) == Some(&Token::Mark(mark));
    if !is(0, "select") || is_mark(1, '*') || tokens.iter().any(combines) {
        return false;
    }
    let mut at = 1;
    let mut depth = 0_usize;
    while at < tokens.len() && !(depth == 0 && is(at, "from")) {
        at += 1;
        match &tokens[at - 1] {
            Token::Property | Token::Object => return false,
            Token::Mark('(') => depth += 1,
            Token::Mark(')') => depth = depth.saturating_sub(1),
            Token::Mark(_) => {}
            Token::Word(word) if is_mark(at, '(') => {
                if COUNTING.contains(&word.as_str()) {
                    at = behind_parentheses(tokens, at);
                }
            }
            Token::Word(word) => match word.as_str() {
                // What decides between results is none.
                "case" | "when" => {
                    let end = if word == "case" { "when" } else { "then" };
                    while at < tokens.len() && !is(at, end) {
                        at += 1;
                    }
                }
                // The name of the figure, or of a type.
                "as" => at += 1,
                _ if at >= 2 && (is_mark(at - 2, ':') || (is_mark(at - 2, ')') && is(at, "from"))) => {}
                "then" | "else" | "end" | "null" | "true" | "false" | "distinct" => {}
                _ => return false,
            },
        }
    }
    true
}

/// Behind the parenthesis that closes the one here.
fn behind_parentheses(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate().skip(at) {
        match token {
            Token::Mark('(') => depth += 1,
            Token::Mark(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return place + 1;
        }
    }
    tokens.len()
}

/// Whether the query names a value that is none of these, nor a platform column.
fn names_others(tokens: &[Token], open: &[&str]) -> bool {
    let mut aliases: Vec<&str> = Vec::new();
    for pair in tokens.windows(2) {
        if let [Token::Word(before), Token::Word(name)] = pair
            && before == "as"
        {
            aliases.push(name);
        }
    }
    // Whether a query began in each of the parentheses around, and whether its tables are being named.
    let mut around = vec![(false, false)];
    for (place, token) in tokens.iter().enumerate() {
        let (selects, tables) = around.last().copied().unwrap_or_default();
        let next = tokens.get(place + 1);
        match token {
            Token::Mark('(') => around.push((false, false)),
            Token::Mark(')') => {
                around.pop();
            }
            Token::Word(word) if KEYWORDS.contains(&word.as_str()) => {
                if let Some(last) = around.last_mut() {
                    let from = word == "from" && selects;
                    let stays = tables && matches!(word.as_str(), "as" | "left" | "inner" | "outer" | "cross" | "full");
                    *last = (selects || word == "select", from || word == "join" || stays);
                }
            }
            // A function, or what a value lies in.
            Token::Word(_) if matches!(next, Some(Token::Mark('(' | '.'))) => {}
            Token::Word(_) if tables => {}
            Token::Word(_) if place > 0 && tokens[place - 1] == Token::Mark(':') => {}
            Token::Word(word) => {
                let known = open.iter().any(|name| name.eq_ignore_ascii_case(word));
                if !known && !aliases.contains(&word.as_str()) && !is_platforms(word) {
                    return true;
                }
            }
            Token::Property | Token::Object | Token::Mark(_) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use polder_contract::rule::{OnFailure, RuleSeverity};
    use polder_core::document::Source;
    use polder_gate::table::RuleVerdict;

    use super::*;

    /// What is printed of a figure and of a note.
    fn printed(query: &str, figure: Figure) -> (String, String) {
        let text = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: t\nname: t\nversion: 1.0.0\nstatus: active\n\
             schema:\n  - name: t\n    physicalName: sales.silver.t\n    properties:\n\
             \x20     - {{name: id, logicalType: integer}}\n\
             \x20     - {{name: status, logicalType: string, classification: public}}\n\
             \x20     - name: customer\n        logicalType: string\n        classification: restricted\n\
             \x20       quality: [{{id: rule, type: sql, query: \"{query}\", mustBe: 1}}]\n"
        );
        let parsed = polder_contract::parse(&Source::new("contracts/sales/t.odcs.yaml", text));
        let contract = Arc::new(parsed.contract.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics)));
        let contract = DatasetContract { contract, object: 0 };
        let rule = contract
            .rules()
            .unwrap()
            .into_iter()
            .find(|rule| rule.id == "rule")
            .unwrap();
        let mut result = RuleResult {
            rule: rule.id,
            column: rule.column,
            dimension: None,
            severity: RuleSeverity::Error,
            on_failure: OnFailure::Warn,
            verdict: RuleVerdict::Failed,
            figure: Some(figure),
            says: rule.says,
            measured: None,
            note: Some("it failed to run: cannot cast 'grace'".to_owned()),
            failing_rows: None,
            how: How::Query,
            place: rule.place,
        };
        hide_of_query(&mut result, query, &contract, &Policies::defaults());
        (result.figure.unwrap().to_string(), result.note.unwrap())
    }

    #[test]
    fn a_figure_that_is_a_value_of_a_hidden_column_is_not_printed() {
        let text = || Figure::Text("grace".to_owned());
        for query in [
            "SELECT max(customer) FROM {object}",
            "SELECT max({property}) FROM {object}",
            "SELECT max(n) FROM (SELECT CUSTOMER AS n FROM {object}) AS x",
            "SELECT CASE WHEN id > 1 THEN customer END FROM {object}",
            "SELECT count(*) FROM {object} UNION SELECT max(customer) FROM {object}",
            "SELECT (SELECT min(customer) FROM {object})",
            // The contract says nothing of it.
            "SELECT max(nickname) FROM {object} AS o",
            "SELECT max(b) FROM {object} AS o(a, b)",
        ] {
            assert_eq!(printed(query, text()).0, "***", "{query}");
        }
        let longest = "SELECT max(length(customer)) FROM {object}";
        assert_eq!(
            printed(longest, Figure::Whole(5)),
            ("***".to_owned(), "it failed to run: cannot cast '***'".to_owned())
        );
    }

    #[test]
    fn counts_and_values_that_everybody_may_see_are_printed() {
        for query in [
            "SELECT count(*) FROM {object} WHERE customer IS NULL",
            "SELECT 100.0 * count(DISTINCT customer) / count(*) AS share FROM {object}",
            "SELECT CAST(sum(CASE WHEN customer = 'x' THEN 1 ELSE 0 END) AS bigint) FROM {object}",
            "SELECT count(*) FILTER (WHERE customer LIKE '%x') AS n FROM {object}",
            "SELECT max(id) FROM {object}",
        ] {
            assert_eq!(printed(query, Figure::Whole(7)).0, "7", "{query}");
        }
        for query in [
            "SELECT max(status) FROM {object}",
            "SELECT max(o.status) FROM sales.silver.t o WHERE o.id > 3",
            "SELECT string_agg(DISTINCT status, ',') FROM (SELECT status FROM {object} WHERE _offset > 1) AS x",
            "SELECT CASE WHEN max(customer) = 'grace' THEN 'bad' ELSE 'good' END FROM {object}",
        ] {
            assert_eq!(printed(query, Figure::Text("paid".to_owned())).0, "paid", "{query}");
        }
        assert_eq!(
            printed("SELECT max(status) FROM {object}", Figure::Null).1,
            "it failed to run: cannot cast 'grace'"
        );
    }
}

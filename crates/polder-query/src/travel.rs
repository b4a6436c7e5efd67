//! Time travel in SQL text: `domain.layer.name VERSION AS OF 3`.
//!
//! The parser of the query engine does not know these clauses in its dialect, and its planner ignores them. They are
//! taken out of the token stream, and the moment goes into the table's name (`"name@v3"`), which is resolved like any
//! other name; no dataset has such a name of its own.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Word};
use polder_core::{Error, ErrorKind, Result};
use polder_lake::Version;

/// Which state of a dataset a statement asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Moment {
    /// A version by its number.
    Version(u64),
    /// The newest version at this time.
    Time(DateTime<Utc>),
}

impl From<Moment> for Version {
    fn from(moment: Moment) -> Self {
        match moment {
            Moment::Version(number) => Self::Number(number),
            Moment::Time(time) => Self::Timestamp(time),
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(number) => write!(f, "@v{number}"),
            Self::Time(time) => write!(f, "@t{}", time.timestamp_micros()),
        }
    }
}

/// A table's name and the moment in it: `orders@v3`.
pub(crate) fn split(name: &str) -> (&str, Option<Moment>) {
    let moment = |text: &str| match text.split_at_checked(1)? {
        ("v", number) => number.parse().ok().map(Moment::Version),
        ("t", micros) => micros
            .parse()
            .ok()
            .and_then(DateTime::from_timestamp_micros)
            .map(Moment::Time),
        _ => None,
    };
    match name.split_once('@') {
        Some((base, text)) => match moment(text) {
            Some(moment) => (base, Some(moment)),
            None => (name, None),
        },
        None => (name, None),
    }
}

/// Takes all time travel out of a statement and puts it into the names of its tables.
///
/// # Errors
/// `Usage` for a moment that cannot be read, or one of something that is no dataset.
pub(crate) fn resolve(tokens: Vec<TokenWithSpan>) -> Result<Vec<TokenWithSpan>> {
    let mut resolved: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        if let Some((kind, value)) = clause(&tokens, at) {
            let dataset = last_of_dataset(&resolved);
            let moment = kind.moment(&tokens, value);
            match (dataset, moment) {
                (Some(name), Ok((moment, after))) => {
                    mark(&mut resolved[name].token, moment);
                    at = after;
                    continue;
                }
                (Some(_), Err(error)) => return Err(error),
                (None, Ok(_)) if ends_with_name(&resolved) => {
                    return Err(Error::new(
                        ErrorKind::Usage,
                        format!("{} works on datasets only ({})", kind.words(), place(&tokens[at])),
                    )
                    .with_help(format!("write domain.layer.name {} …", kind.words())));
                }
                // The words have another meaning here; the parser judges them.
                (None, _) => {}
            }
        }
        resolved.push(tokens[at].clone());
        at += 1;
    }
    Ok(resolved)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Version,
    Time,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Version => "VERSION AS OF",
            Self::Time => "TIMESTAMP AS OF",
        }
    }

    /// Reads the moment at a token, and gives the index of the token after it.
    fn moment(self, tokens: &[TokenWithSpan], value: usize) -> Result<(Moment, usize)> {
        let wrong = |what: &str| {
            let place = tokens.get(value).or(tokens.last()).map(place).unwrap_or_default();
            Error::new(ErrorKind::Usage, format!("{} takes {what} ({place})", self.words()))
        };
        match self {
            Self::Version => match tokens.get(value).map(|token| &token.token) {
                Some(Token::Number(number, _)) => {
                    let number = number.parse().map_err(|_| wrong("a whole number"))?;
                    Ok((Moment::Version(number), value + 1))
                }
                _ => Err(wrong("a whole number")),
            },
            Self::Time => {
                // TIMESTAMP '…' is the same as '…'.
                let text = if keyword(tokens, value) == Some(Keyword::TIMESTAMP) {
                    significant(tokens, value + 1)
                } else {
                    value
                };
                match tokens.get(text).map(|token| &token.token) {
                    Some(Token::SingleQuotedString(moment)) => {
                        let time = instant(moment).ok_or_else(|| wrong("a time like '2026-01-31T08:00:00Z'"))?;
                        Ok((Moment::Time(time), text + 1))
                    }
                    _ => Err(wrong("a time like '2026-01-31T08:00:00Z'")),
                }
            }
        }
    }
}

/// The clause that begins at a token, and the index of its value: `VERSION AS OF`, `TIMESTAMP AS OF`, both also after
/// `FOR`, and `FOR SYSTEM_TIME AS OF`.
fn clause(tokens: &[TokenWithSpan], start: usize) -> Option<(Kind, usize)> {
    let first = keyword(tokens, start)?;
    let (head, head_at) = match first {
        Keyword::FOR => {
            let next = significant(tokens, start + 1);
            (keyword(tokens, next)?, next)
        }
        other => (other, start),
    };
    let kind = match head {
        Keyword::VERSION => Kind::Version,
        Keyword::TIMESTAMP => Kind::Time,
        Keyword::SYSTEM_TIME if first == Keyword::FOR => Kind::Time,
        _ => return None,
    };
    let as_at = significant(tokens, head_at + 1);
    let of_at = significant(tokens, as_at + 1);
    let matches = keyword(tokens, as_at) == Some(Keyword::AS) && keyword(tokens, of_at) == Some(Keyword::OF);
    matches.then(|| (kind, significant(tokens, of_at + 1)))
}

/// The first index from `at` on that is not white space or a comment.
fn significant(tokens: &[TokenWithSpan], mut at: usize) -> usize {
    while matches!(tokens.get(at).map(|token| &token.token), Some(Token::Whitespace(_))) {
        at += 1;
    }
    at
}

fn keyword(tokens: &[TokenWithSpan], at: usize) -> Option<Keyword> {
    match &tokens.get(at)?.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    }
}

/// The index of the last word of `a.b.c`, where the tokens end with it.
fn last_of_dataset(tokens: &[TokenWithSpan]) -> Option<usize> {
    let mut significant = tokens
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, token)| !matches!(token.token, Token::Whitespace(_)));
    let (last, token) = significant.next()?;
    let mut shape = vec![&token.token];
    shape.extend(significant.take(4).map(|(_, token)| &token.token));
    matches!(
        shape[..],
        [
            Token::Word(_),
            Token::Period,
            Token::Word(_),
            Token::Period,
            Token::Word(_)
        ]
    )
    .then_some(last)
}

/// Whether the tokens end with something that names a table or closes a subquery.
fn ends_with_name(tokens: &[TokenWithSpan]) -> bool {
    let last = tokens
        .iter()
        .rev()
        .find(|token| !matches!(token.token, Token::Whitespace(_)));
    matches!(last.map(|token| &token.token), Some(Token::Word(_) | Token::RParen))
}

fn mark(token: &mut Token, moment: Moment) {
    if let Token::Word(word) = token {
        let name = if word.quote_style.is_none() {
            word.value.to_lowercase()
        } else {
            word.value.clone()
        };
        *token = Token::Word(Word {
            value: format!("{name}{moment}"),
            quote_style: Some('"'),
            keyword: Keyword::NoKeyword,
        });
    }
}

fn place(token: &TokenWithSpan) -> String {
    format!("line {}, column {}", token.span.start.line, token.span.start.column)
}

/// RFC 3339, or a date with or without a time of day, which is UTC then.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
            return Some(time.and_utc());
        }
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_time(NaiveTime::MIN).and_utc())
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::tokenizer::Tokenizer;

    use super::*;

    /// The statement afterwards, its white space made single blanks.
    fn resolved(sql: &str) -> Result<String> {
        let tokens = Tokenizer::new(&GenericDialect {}, sql)
            .tokenize_with_location()
            .unwrap();
        let text: String = resolve(tokens)?.iter().map(|token| token.token.to_string()).collect();
        Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_version_goes_into_the_name_wherever_the_table_stands() {
        for (sql, expected) in [
            (
                "SELECT * FROM a.bronze.t VERSION AS OF 3",
                r#"SELECT * FROM a.bronze."t@v3""#,
            ),
            (
                "select * from A.Bronze.T version as of 0 x",
                r#"select * from A.Bronze."t@v0" x"#,
            ),
            (
                "SELECT * FROM a.bronze.t /* c */ FOR VERSION\nAS OF 12, b.gold.u",
                r#"SELECT * FROM a.bronze."t@v12" /* c */ , b.gold.u"#,
            ),
            (
                "FROM a.gold.t JOIN a.gold.t VERSION AS OF 1 o ON true",
                r#"FROM a.gold.t JOIN a.gold."t@v1" o ON true"#,
            ),
        ] {
            assert_eq!(resolved(sql).unwrap(), expected);
        }
    }

    #[test]
    fn a_time_is_utc_unless_it_says_otherwise() {
        // 1 January 2026, 00:00 UTC, is 1,767,225,600 seconds after the epoch.
        for time in [
            "TIMESTAMP AS OF '2026-01-01T00:00:00Z'",
            "TIMESTAMP AS OF '2026-01-01'",
            "TIMESTAMP AS OF '2026-01-01 00:00:00.000'",
            "TIMESTAMP AS OF TIMESTAMP '2026-01-01T01:00:00+01:00'",
            "FOR SYSTEM_TIME AS OF '2026-01-01T00:00:00'",
            "for timestamp as of '2026-01-01 00:00'",
        ] {
            assert_eq!(
                resolved(&format!("FROM a.gold.t {time}")).unwrap(),
                r#"FROM a.gold."t@t1767225600000000""#,
                "{time}"
            );
        }
    }

    #[test]
    fn a_moment_that_cannot_be_read_is_refused_with_its_place() {
        for (sql, what) in [
            ("FROM a.gold.t VERSION AS OF -1", "a whole number (line 1, column 29)"),
            ("FROM a.gold.t VERSION AS OF 1.5", "a whole number"),
            ("FROM a.gold.t VERSION AS OF '3'", "a whole number"),
            ("FROM a.gold.t VERSION AS OF", "a whole number"),
            ("FROM a.gold.t VERSION AS OF 99999999999999999999", "a whole number"),
            ("FROM a.gold.t TIMESTAMP AS OF now()", "a time like"),
            ("FROM a.gold.t TIMESTAMP AS OF 'yesterday'", "a time like"),
        ] {
            let error = resolved(sql).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(error.to_string().contains(what), "{sql}: {error}");
        }
    }

    #[test]
    fn only_datasets_have_a_past() {
        for sql in [
            "FROM t VERSION AS OF 3",
            "FROM gold.t VERSION AS OF 3",
            "FROM (SELECT 1) TIMESTAMP AS OF '2026-01-01'",
        ] {
            let error = resolved(sql).unwrap_err();
            assert!(error.to_string().contains("works on datasets only"), "{sql}: {error}");
        }
    }

    #[test]
    fn the_same_words_elsewhere_are_left_alone() {
        for sql in [
            "SELECT version AS of FROM a.gold.t",
            "SELECT timestamp AS t FROM a.gold.t",
            "SELECT 'a.gold.t VERSION AS OF 3'",
            "SELECT \"VERSION\" FROM a.gold.t -- a.gold.t VERSION AS OF 3",
        ] {
            assert_eq!(resolved(sql).unwrap(), sql);
        }
    }

    #[test]
    fn names_with_moments_are_split_again() {
        let time = "2026-01-01T00:00:00.000001Z".parse().unwrap();
        for moment in [Moment::Version(7), Moment::Time(time)] {
            assert_eq!(split(&format!("orders{moment}")), ("orders", Some(moment)));
        }
        for name in ["orders", "orders@", "orders@x1", "orders@v", "orders@v-1", "orders@€"] {
            assert_eq!(split(name), (name, None));
        }
    }
}

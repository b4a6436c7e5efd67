//! What a query says, whatever it looks like: without comments, line breaks, and words that may as well be left out.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::{
    Keyword, RESERVED_FOR_COLUMN_ALIAS, RESERVED_FOR_IDENTIFIER, RESERVED_FOR_TABLE_ALIAS,
};
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer, Word};

/// The tokens of a query, one a line. Two queries with the same are one and the same; a text that is no SQL stays itself.
pub(super) fn wording(sql: &str) -> String {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else {
        return sql.trim().to_owned();
    };
    let mut tokens: Vec<_> = tokens
        .into_iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .collect();
    while tokens.last() == Some(&Token::SemiColon) {
        tokens.pop();
    }
    let behind = tokens.iter().skip(1).map(Some).chain([None]);
    let said = tokens
        .iter()
        .zip(behind)
        .filter(|(token, behind)| !is_noise(token, *behind));
    let said: Vec<_> = said.map(|(token, _)| written(token)).collect();
    said.join("\n")
}

/// Whether a word says nothing where it stands.
fn is_noise(token: &Token, behind: Option<&Token>) -> bool {
    let keyword = |token: &Token| match token {
        Token::Word(word) if word.quote_style.is_none() => word.keyword,
        _ => Keyword::NoKeyword,
    };
    match keyword(token) {
        // `WITH a AS (…)` and `CAST(x AS …)` always have it.
        Keyword::AS => true,
        Keyword::INNER | Keyword::OUTER => behind.is_some_and(|behind| keyword(behind) == Keyword::JOIN),
        _ => false,
    }
}

fn written(token: &Token) -> String {
    match token {
        Token::Word(word) => name(word),
        // One token of several lines is one line here.
        other => other.to_string().replace('\\', "\\\\").replace('\n', "\\n"),
    }
}

/// A word as the engine reads it: without quotes in small letters. With quotes it is the same where these keep nothing.
fn name(word: &Word) -> String {
    let small = word.value.to_lowercase();
    let is_plain = || {
        let mut letters = small.chars();
        let first = letters
            .next()
            .is_some_and(|first| first.is_ascii_lowercase() || first == '_');
        first && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    match word.quote_style {
        None => small,
        Some('"') if word.value == small && is_plain() && is_only_name(&small) => small,
        Some(_) => word.to_string().replace('\\', "\\\\").replace('\n', "\\n"),
    }
}

/// Whether a word is a name wherever a name may stand, also without quotes.
fn is_only_name(small: &str) -> bool {
    let Token::Word(word) = Token::make_word(small, None) else {
        return false;
    };
    let reserved = [
        RESERVED_FOR_COLUMN_ALIAS,
        RESERVED_FOR_IDENTIFIER,
        RESERVED_FOR_TABLE_ALIAS,
    ];
    let is_value = matches!(
        word.keyword,
        Keyword::ARRAY
            | Keyword::CURRENT_CATALOG
            | Keyword::CURRENT_DATE
            | Keyword::CURRENT_ROLE
            | Keyword::CURRENT_SCHEMA
            | Keyword::CURRENT_TIME
            | Keyword::CURRENT_TIMESTAMP
            | Keyword::CURRENT_USER
            | Keyword::DEFAULT
            | Keyword::FALSE
            | Keyword::LOCALTIME
            | Keyword::LOCALTIMESTAMP
            | Keyword::NULL
            | Keyword::SESSION_USER
            | Keyword::TRUE
            | Keyword::USER
    );
    !is_value && !reserved.iter().any(|words| words.contains(&word.keyword))
}

/// Whether a name stands in a query.
pub(super) fn names(sql: &str, name: &str) -> bool {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else {
        return true;
    };
    tokens.iter().any(|token| match token {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_lowercase() == name,
        Token::Word(word) => word.value == name,
        _ => false,
    })
}

/// Whether the SQL of a rule may be about a column: its name stands there, however it is written, or all columns do.
/// A text that is no SQL may be about any.
pub fn may_name(sql: &str, column: &str) -> bool {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else {
        return true;
    };
    let tokens: Vec<_> = tokens
        .iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .collect();
    let word = |at: usize| match tokens.get(at) {
        Some(Token::Word(word)) => Some(word),
        _ => None,
    };
    (0..tokens.len()).any(|at| match tokens[at] {
        Token::Word(word) => word.value.to_lowercase() == column.to_lowercase(),
        // A `*` that multiplies stands behind a value.
        Token::Mul => match at.checked_sub(1).map(|ahead| tokens[ahead]) {
            None | Some(Token::Period | Token::Comma) => true,
            Some(Token::Word(word)) => matches!(word.keyword, Keyword::SELECT | Keyword::DISTINCT | Keyword::ALL),
            Some(_) => false,
        },
        // `{object} AS t(a, b)` gives the columns other names.
        Token::RBrace => {
            let is_said = word(at + 1).is_some_and(|word| word.keyword == Keyword::AS);
            let alias = if is_said { at + 2 } else { at + 1 };
            let is_name = word(alias).is_some_and(|word| is_said || !RESERVED_FOR_TABLE_ALIAS.contains(&word.keyword));
            is_name && tokens.get(alias + 1) == Some(&&Token::LParen)
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_looks_otherwise_is_the_same() {
        const QUERY: &str = "SELECT a.id AS n, count(*) FROM s.bronze.a a JOIN b ON a.x <> 'Q' ORDER BY id";
        for same in [
            "-- it\nselect a.id n, COUNT( * ) /* all */\n\nfrom S.Bronze.a as A inner join B\n  on A.x != 'Q' order by ID;\n",
            "SELECT a.\"id\" AS \"n\", count(*) FROM s.bronze.a a JOIN b ON a.x <> 'Q' ORDER BY id",
        ] {
            assert_eq!(wording(same), wording(QUERY), "{same}");
        }
        for other in [
            "SELECT a.id AS n, count(*) FROM s.bronze.a a JOIN b ON a.x <> 'q' ORDER BY id",
            "SELECT a.\"ID\" AS n, count(*) FROM s.bronze.a a JOIN b ON a.x <> 'Q' ORDER BY id",
            "SELECT a.id AS n, count(*) FROM s.bronze.a a LEFT JOIN b ON a.x <> 'Q' ORDER BY id",
            "SELECT a.id AS n, count(*) FROM s.bronze.a a JOIN b ON a.x = 'Q' ORDER BY id",
            "SELECT a.id AS n, count(*) FROM s.bronze.a a JOIN b ON a.x <> 'Q' ORDER BY id DESC",
        ] {
            assert_ne!(wording(other), wording(QUERY), "{other}");
        }
        // Quotes make a name of a word that is something else without them; a literal holds its line breaks.
        assert_ne!(wording("SELECT \"current_date\""), wording("SELECT current_date"));
        assert_ne!(wording("SELECT 'a\nb'"), wording("SELECT 'a' 'b'"));
        assert_ne!(wording("SELECT 'a\nb'"), wording("SELECT 'a\\nb'"));
        assert_eq!(wording(" it's \n"), "it's");
    }

    #[test]
    fn a_name_stands_in_a_query_by_its_letters() {
        let sql = "SELECT Note, \"Kind\", 'said' FROM d -- more";
        for (name, stands) in [
            ("note", true),
            ("Kind", true),
            ("kind", false),
            ("said", false),
            ("more", false),
        ] {
            assert_eq!(names(sql, name), stands, "{name}");
        }
    }
    #[test]
    fn a_rule_may_be_about_the_columns_whose_names_stand_outside_of_texts_and_comments() {
        for (sql, is_about) in [
            ("price > 0", true),
            ("s.\"Price\" > 0", true),
            ("-- it's whole\nprice > 0", true),
            ("SELECT count(*) FROM (SELECT * FROM {object})", true),
            ("SELECT t.* FROM {object} AS t", true),
            ("SELECT count(*) FROM {object} AS t(i, y) WHERE y < 0", true),
            ("SELECT count(*) FROM {object} t(i, y) WHERE y < 0", true),
            ("SELECT count(*) FROM {object} AS data(i, y) WHERE y < 0", true),
            ("SELECT count(*) FROM {object} rows(i, y) WHERE y < 0", true),
            ("SELECT count(*) FROM {object} AS t WHERE (i < 0)", false),
            ("SELECT count(*) FROM {object} WHERE (i < 0)", false),
            ("it's no SQL", true),
            ("unit_price > 0 AND name <> 'price'", false),
            ("amount * total > 0 /* not the price */", false),
            ("SELECT count(*) FROM {object}", false),
        ] {
            assert_eq!(may_name(sql, "price"), is_about, "{sql}");
        }
        assert!(may_name("\"unit price\" > 0", "unit price"));
    }
}

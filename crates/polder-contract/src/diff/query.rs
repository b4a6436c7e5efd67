//! When two queries mean the same: comments and blanks outside of quotes mean nothing.

/// A query without its comments, and with one blank for each run of blanks outside of quotes.
pub(super) fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        let (kept, skipped) = match character {
            '\'' | '"' | '`' => match after.find(character) {
                Some(end) => rest.split_at(character.len_utf8() + end + 1),
                None => (rest, ""),
            },
            '-' if after.starts_with('-') => (" ", rest.find('\n').map_or("", |end| &rest[end..])),
            '/' if after.starts_with('*') => match block_comment(rest) {
                Some(after) => (" ", after),
                // What is no comment for sure stays as it is.
                None => (rest, ""),
            },
            _ => rest.split_at(character.len_utf8()),
        };
        out.push_str(kept);
        rest = skipped;
    }
    without_blanks(&out)
}

/// What follows a comment `/* … */`; nothing where it has no end, or another one may begin inside: not every dialect
/// counts those.
fn block_comment(text: &str) -> Option<&str> {
    let (comment, after) = text.strip_prefix("/*")?.split_once("*/")?;
    (!comment.contains("/*")).then_some(after)
}

/// A query or expression in which each run of blanks is one, but for those in quotes; a comment ends with its line.
pub(super) fn without_blanks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.trim().chars().peekable();
    let mut quote: Option<char> = None;
    while let Some(character) = characters.next() {
        match quote {
            Some(end) => {
                out.push(character);
                quote = quote.filter(|_| character != end);
            }
            None if character.is_whitespace() => {
                while characters.next_if(|next| next.is_whitespace()).is_some() {}
                out.push(' ');
            }
            None => {
                out.push(character);
                match character {
                    '\'' | '"' | '`' => quote = Some(character),
                    '-' if characters.next_if_eq(&'-').is_some() => {
                        out.push('-');
                        quote = Some('\n');
                    }
                    _ => {}
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{without_blanks, without_comments};

    #[test]
    fn blanks_mean_nothing_but_in_quotes_and_at_the_end_of_comments() {
        let cases = [
            ("select  a\n from t", "select a from t", true),
            ("a = 'x  y'", "a = 'x y'", false),
            ("a = 'it''s  x'  and b", "a = 'it''s  x' and b", true),
            ("\"a  b\" = 1", "\"a b\" = 1", false),
            ("a -- no\nand b", "a -- no and b", false),
        ];
        for (one, other, same) in cases {
            assert_eq!(without_blanks(one) == without_blanks(other), same, "{one} {other}");
            assert_eq!(without_comments(one) == without_comments(other), same, "{one} {other}");
        }
    }

    #[test]
    fn comments_of_queries_mean_nothing() {
        let cases = [
            (
                "select a from t",
                "select /* the\n key */ a -- of\n from t -- all",
                true,
            ),
            ("select 1/2", "select 1/*2*/", false),
            ("a/*x*/b", "ab", false),
            ("a = '/* x */'", "a = '/* y */'", false),
            ("a = '-- x'", "a = ' '", false),
            ("\"--x\" = 1 -- y", "\"--x\" = 1", true),
            ("a = 'it''s' -- x", "a = 'it''s'", true),
            ("a -- no\nand b", "a\nand b", true),
            ("a /* x /* y */ z */ b", "a /* x /* y */ w */ b", false),
            ("a /* x", "a /* y", false),
        ];
        for (one, other, same) in cases {
            assert_eq!(without_comments(one) == without_comments(other), same, "{one} {other}");
        }
    }
}

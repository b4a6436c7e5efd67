//! Plurals, and what one in the name of a single value means: the things (`passwords_plain`), or something else that is said of
//! them (`passwords_policy`).
//!
//! Words that nobody knows here say which of the things are meant, so that no plural hides what its singular tells. Only
//! closed lists of words take a plural back.

/// What the single values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    /// Texts, times, bytes.
    Texts,
    /// Numbers: measures of the things, unless the things are numbers themselves.
    Numbers,
}

/// Words for something that is said of things and that none of them is.
const SAID: [&str; 32] = [
    "age",
    "algorithm",
    "carrier",
    "channel",
    "complexity",
    "currency",
    "domain",
    "duration",
    "entropy",
    "expiration",
    "expiry",
    "frequency",
    "interval",
    "latency",
    "len",
    "length",
    "policy",
    "quality",
    "reason",
    "retention",
    "rotation",
    "schedule",
    "score",
    "size",
    "status",
    "strength",
    "template",
    "timezone",
    "ttl",
    "tz",
    "usage",
    "validity",
];

/// Words for how many there are of things, and for parts of them.
const COUNTS: [&str; 10] = [
    "cnt",
    "count",
    "pct",
    "percent",
    "percentage",
    "qty",
    "quantity",
    "quota",
    "rank",
    "ratio",
];

/// Measures of things; of amounts they are amounts again: `salaries_total`.
const MEASURES: [&str; 9] = [
    "average", "avg", "mean", "median", "per", "rate", "sum", "total", "volume",
];

/// Words before a plural that make a number a count or a share, at the beginning of the name or before `of`.
const COUNTING: [&str; 10] = [
    "cnt",
    "count",
    "n",
    "num",
    "number",
    "pct",
    "percent",
    "percentage",
    "ratio",
    "share",
];

/// Amounts: a number under their plural is one.
const AMOUNTS: [&str; 25] = [
    "allowance",
    "amount",
    "balance",
    "bonus",
    "compensation",
    "cost",
    "debt",
    "earning",
    "expense",
    "fee",
    "height",
    "income",
    "latitude",
    "longitude",
    "pay",
    "pension",
    "price",
    "remuneration",
    "revenue",
    "salary",
    "stipend",
    "tax",
    "turnover",
    "wage",
    "weight",
];

/// Numbers that are written without counting anything: a number under their plural is one.
const NUMBERS: [&str; 24] = [
    "bsn",
    "card_no",
    "card_num",
    "card_number",
    "card_pin",
    "card_security_code",
    "cardnum",
    "cardnumber",
    "cc_no",
    "cc_num",
    "cc_number",
    "ccnum",
    "ccnumber",
    "cvc",
    "cvc2",
    "cvv",
    "cvv2",
    "pan",
    "pin_code",
    "pin_number",
    "security_code",
    "social_security_number",
    "ssn",
    "user_pin",
];

/// Words that begin something of its own: what stands behind them is not said of the things.
const JOINING: [&str; 9] = ["and", "by", "for", "from", "in", "of", "or", "to", "with"];

/// Persons: a word before them tells whose the things are, `phones_policy_holder`.
const PERSONS: [&str; 33] = [
    "admin",
    "administrator",
    "agent",
    "applicant",
    "beneficiary",
    "broker",
    "buyer",
    "client",
    "contact",
    "customer",
    "driver",
    "employee",
    "guest",
    "holder",
    "keeper",
    "manager",
    "member",
    "officer",
    "owner",
    "partner",
    "patient",
    "payee",
    "payer",
    "person",
    "recipient",
    "representative",
    "seller",
    "sender",
    "student",
    "subscriber",
    "supplier",
    "user",
    "vendor",
];

/// Words for a time, behind something that is done.
const TIMES: [&str; 6] = ["date", "datetime", "on", "time", "timestamp", "ts"];

/// Things done that do not end in `ed` or `ion`.
const DEEDS: [&str; 8] = ["change", "renewal", "reset", "seen", "send", "sent", "set", "update"];

/// Words at the end that tell only how the rest is written.
const WRITTEN: [&str; 11] = [
    "csv", "epoch", "gmt", "json", "local", "ms", "raw", "string", "text", "utc", "xml",
];

/// Whether a word is the regular plural of another one: `prices`, `addresses`, `salaries`.
pub(crate) fn is_plural(word: &str, of: &str) -> bool {
    let by_y = of
        .strip_suffix('y')
        .filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    if let Some(stem) = by_y {
        return word.strip_prefix(stem) == Some("ies");
    }
    let hisses = of.ends_with(['s', 'x', 'z']) || of.ends_with("ch") || of.ends_with("sh");
    word.strip_prefix(of) == Some(if hisses { "es" } else { "s" })
}

/// Whether the plural of a phrase, with these words around it, means the things.
pub(crate) fn are_things(values: Values, before: &[String], phrase: &[String], behind: &[String]) -> bool {
    let last = phrase.last().map(String::as_str).unwrap_or_default();
    let amounts = AMOUNTS.contains(&last);
    if values == Values::Numbers {
        let numbers = amounts || NUMBERS.contains(&phrase.join("_").as_str());
        if !numbers || are_counted(before) {
            return false;
        }
    }
    let joined = behind.iter().position(|word| JOINING.contains(&word.as_str()));
    let behind = &behind[..joined.unwrap_or(behind.len())];
    // A ratio, whoever stands behind it.
    if !amounts && behind.iter().any(|word| word == "per") {
        return false;
    }
    let whose = behind.iter().rposition(|word| is_one_of(word, &PERSONS));
    let rest = &behind[whose.map_or(0, |at| at + 1)..];
    // What is said of a person is personal, but for how many they are.
    let persons = is_one_of(last, &PERSONS);
    let says_else = |word: &String| {
        is_one_of(word, &COUNTS) || (!amounts && is_one_of(word, &MEASURES)) || (!persons && is_one_of(word, &SAID))
    };
    !rest.iter().any(says_else) && (persons || !is_time(rest))
}

/// Whether the words before a plural make a count or a share of it: `number_of_wages`.
fn are_counted(before: &[String]) -> bool {
    let counting = |word: &String| COUNTING.contains(&word.as_str());
    let of = before.windows(2).any(|pair| counting(&pair[0]) && pair[1] == "of");
    of || before.first().is_some_and(counting)
}

/// Whether words behind a plural name the time of something that was done: `sent_at`, `changed_date`.
fn is_time(words: &[String]) -> bool {
    let is_written = |word: &String| WRITTEN.contains(&word.as_str()) || word.parse::<u64>().is_ok();
    let end = words
        .iter()
        .rposition(|word| !is_written(word))
        .map_or(0, |last| last + 1);
    let Some(([.., done], [time])) = words[..end].split_at_checked(end.saturating_sub(1)) else {
        return false;
    };
    let is_deed = done.ends_with("ed") || done.ends_with("ion") || DEEDS.contains(&done.as_str());
    time == "at" || (is_deed && TIMES.contains(&time.as_str()))
}

/// Whether a word is one of these, or the plural of one.
fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| word == *known || is_plural(word, known))
}

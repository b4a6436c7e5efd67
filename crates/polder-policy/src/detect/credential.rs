//! Keys, tokens and passwords that can be told by their form.

use std::sync::LazyLock;

use regex::Regex;

use super::{Finding, Kind};

/// A form of credential.
struct Form {
    kind: Kind,
    /// A text without this has none of them: most texts are done with after a search for a few bytes.
    mark: &'static str,
    pattern: Regex,
    /// How many characters may be shown: those that say what it is, and none of the secret.
    shown: usize,
}

static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let forms: [(Kind, &'static str, &str, usize); 20] = [
        (
            Kind::PrivateKey,
            "PRIVATE KEY",
            r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
            usize::MAX,
        ),
        (Kind::AwsKey, "AKIA", r"\bAKIA[0-9A-Z]{16}\b", 4),
        (Kind::AwsKey, "ASIA", r"\bASIA[0-9A-Z]{16}\b", 4),
        (
            Kind::JsonWebToken,
            "eyJ",
            r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{16,}",
            3,
        ),
        (Kind::BearerToken, "earer", r"\b[Bb]earer\s+[A-Za-z0-9._~+/-]{20,}=*", 6),
        (Kind::BearerToken, "EARER", r"\bBEARER\s+[A-Za-z0-9._~+/-]{20,}=*", 6),
        (Kind::ServiceToken, "gh", r"\bgh[pousr]_[A-Za-z0-9]{36,}\b", 4),
        (
            Kind::ServiceToken,
            "github_pat_",
            r"\bgithub_pat_[A-Za-z0-9_]{36,}\b",
            11,
        ),
        (Kind::ServiceToken, "npm_", r"\bnpm_[A-Za-z0-9]{36}\b", 4),
        (Kind::ServiceToken, "AIza", r"\bAIza[A-Za-z0-9_-]{35}", 4),
        (
            Kind::ServiceToken,
            "sk-",
            r"\bsk-(?:proj|ant|svcacct|admin)[A-Za-z0-9]*-[A-Za-z0-9_-]{20,}",
            3,
        ),
        (
            Kind::ServiceToken,
            "AccountKey=",
            r"\bAccountKey=[A-Za-z0-9+/]{86}==",
            11,
        ),
        // The names under which Amazon's tools keep the secret half of a key, which has no form of its own.
        (
            Kind::AwsKey,
            "ecret",
            r#"(?i)\b(?:aws_?)?secret_?access_?key["']?\s*[=:]\s*["']?(?P<secret>[a-z0-9/+]{40})(?:[^a-z0-9/+=]|$)"#,
            0,
        ),
        (
            Kind::AwsKey,
            "ECRET",
            r#"\bAWS_SECRET_ACCESS_KEY["']?\s*[=:]\s*["']?(?P<secret>[A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#,
            0,
        ),
        (Kind::ServiceToken, "glpat-", r"\bglpat-[A-Za-z0-9_-]{20,}", 6),
        (Kind::ServiceToken, "xox", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}", 5),
        (Kind::ServiceToken, "k_live_", r"\b[rs]k_live_[A-Za-z0-9]{16,}\b", 8),
        (
            Kind::BasicCredentials,
            "asic",
            r#"(?i)\bauthorization["']?\s*[:=]\s*["']?basic\s+(?P<secret>[a-z0-9+/]{8,}={0,2})"#,
            0,
        ),
        (
            Kind::BasicCredentials,
            "BASIC",
            r#"(?i)\bauthorization["']?\s*[:=]\s*["']?BASIC\s+(?P<secret>[a-z0-9+/]{8,}={0,2})"#,
            0,
        ),
        (
            Kind::UrlPassword,
            "://",
            r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@?#]*:(?P<secret>[^\s/@?#]+)@[^\s/]",
            0,
        ),
    ];
    forms
        .into_iter()
        .filter_map(|(kind, mark, pattern, shown)| {
            // The patterns are the ones above; a test holds that each of them is in the list.
            let pattern = Regex::new(pattern).ok()?;
            Some(Form {
                kind,
                mark,
                pattern,
                shown,
            })
        })
        .collect()
});

/// The marks of all forms: one search tells of most texts that they have none.
static MARKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let marks: Vec<String> = FORMS.iter().map(|form| regex::escape(form.mark)).collect();
    Regex::new(&marks.join("|")).ok()
});

/// Adds every key, token and password of the text.
pub(super) fn find(text: &str, findings: &mut Vec<Finding>) {
    if MARKS.as_ref().is_some_and(|marks| !marks.is_match(text)) {
        return;
    }
    for form in FORMS.iter().filter(|form| text.contains(form.mark)) {
        for found in form.pattern.captures_iter(text) {
            let Some(whole) = found.get(0) else { continue };
            let secret = found.name("secret");
            if secret.is_some_and(|secret| is_placeholder(secret.as_str())) {
                continue;
            }
            let masked = match secret {
                Some(secret) => format!("{}***", &whole.as_str()[..secret.start() - whole.start()]),
                None => masked_head(whole.as_str(), form.shown),
            };
            findings.push(Finding {
                kind: form.kind,
                range: secret.unwrap_or(whole).range(),
                masked,
            });
        }
    }
}

/// Whether the text only stands for a password: `***`, `<password>`, `${PASSWORD}`, `{{ password }}`.
fn is_placeholder(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'*' || byte == b'x')
        || text.starts_with(['<', '$', '{', '%'])
        || text.eq_ignore_ascii_case("password")
}

fn masked_head(found: &str, shown: usize) -> String {
    let head: String = found.chars().take(shown).collect();
    if head.len() == found.len() {
        head
    } else {
        format!("{head}***")
    }
}

#[cfg(test)]
pub(super) fn forms() -> usize {
    FORMS.len()
}

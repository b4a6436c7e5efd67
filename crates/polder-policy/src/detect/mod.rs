//! What must not lie about in data: card numbers, credentials and bank account numbers, found in text.
//!
//! A finding never carries what was found, only a mask of it: reports, logs and exit codes may show it.

mod bank;
mod batch;
mod card;
mod credential;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

pub(crate) use batch::weight;
pub use batch::{Sighting, scan};

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A payment card's number (ISO/IEC 7812, with a right Luhn digit and an issuer that exists).
    CardNumber,
    /// An international bank account number (ISO 13616) with right check digits: personal data.
    BankAccount,
    /// The header of a private key in PEM form.
    PrivateKey,
    /// The id of an AWS access key, or its secret behind the name that Amazon's tools give it.
    AwsKey,
    /// A JSON web token (RFC 7519).
    JsonWebToken,
    /// A token after the word `Bearer` (RFC 6750).
    BearerToken,
    /// Name and password in a header `Authorization: Basic` (RFC 7617).
    BasicCredentials,
    /// A token of a service that marks its own by a prefix (GitHub, GitLab, npm, Slack, Stripe, Google, OpenAI,
    /// Anthropic, Azure Storage).
    ServiceToken,
    /// A password within a URL.
    UrlPassword,
}

/// How a finding is to be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// May never land, whatever a contract says.
    Forbidden,
    /// Personal data: may be there where the contract classifies the column.
    Personal,
}

/// One thing found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// The bytes of the text that it takes.
    pub range: Range<usize>,
    /// What may be shown of it.
    pub masked: String,
}

impl Kind {
    /// The kind's word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CardNumber => "card-number",
            Self::BankAccount => "bank-account",
            Self::PrivateKey => "private-key",
            Self::AwsKey => "aws-key",
            Self::JsonWebToken => "json-web-token",
            Self::BearerToken => "bearer-token",
            Self::BasicCredentials => "basic-credentials",
            Self::ServiceToken => "service-token",
            Self::UrlPassword => "url-password",
        }
    }

    /// What it is, in words with their article.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::CardNumber => "a card number",
            Self::BankAccount => "a bank account number",
            Self::PrivateKey => "a private key",
            Self::AwsKey => "an AWS access key",
            Self::JsonWebToken => "a JSON web token",
            Self::BearerToken => "a bearer token",
            Self::BasicCredentials => "a name and password of basic authentication",
            Self::ServiceToken => "a service's access token",
            Self::UrlPassword => "a password in a URL",
        }
    }

    /// How it is to be judged.
    pub fn class(self) -> Class {
        match self {
            Self::BankAccount => Class::Personal,
            _ => Class::Forbidden,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The shortest text that has any of it: a password in a URL (`a://:b@c`). Most values of a table are shorter.
const SHORTEST: usize = 8;

/// Everything of these kinds in a text, by place. The time is linear in the text's length.
pub fn detect(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if text.len() < SHORTEST {
        return findings;
    }
    card::find(text, &mut findings);
    bank::find(text, &mut findings);
    credential::find(text, &mut findings);
    findings.sort_by_key(|finding| (finding.range.start, finding.kind));
    findings
}

/// Stars for all but the last `shown` characters of what was found; its separators are left out.
fn masked_tail(found: &str, shown: usize) -> String {
    let plain: Vec<char> = found.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let hidden = plain.len().saturating_sub(shown);
    std::iter::repeat_n('*', hidden)
        .chain(plain.into_iter().skip(hidden))
        .collect()
}

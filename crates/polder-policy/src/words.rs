//! Words in names: `customerName`, `customer_name` and `CUSTOMER-NAME` are the words `customer` and `name`.

use crate::plurals::{Values, are_things, is_plural};

/// The words of a name, in lower case.
pub(crate) fn of(name: &str) -> Vec<String> {
    let characters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (index, character) in characters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| characters.get(before));
        let after = characters.get(index + 1);
        // A capital begins a word behind a small letter, and before one (`IBANNumber` is `iban`, `number`).
        let begins = character.is_uppercase()
            && before.is_some_and(|b| {
                b.is_lowercase() || b.is_ascii_digit() || (b.is_uppercase() && after.is_some_and(|a| a.is_lowercase()))
            });
        if !character.is_alphanumeric() || begins {
            words.push(String::new());
        }
        if character.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Which forms of a word count as it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forms {
    /// As it is declared.
    AsDeclared,
    /// Its plural too.
    Plural,
    /// Its plural too where such values under the whole name are the things: `emails_work`, not `emails_domain`.
    Things(Values),
}

impl Forms {
    fn is(self, word: &str, declared: &str) -> bool {
        word == declared || (self != Self::AsDeclared && is_plural(word, declared))
    }

    fn are(self, words: &[String], phrase: &[String]) -> bool {
        words.len() == phrase.len() && words.iter().zip(phrase).all(|(word, declared)| self.is(word, declared))
    }
}

/// Phrases that names are searched for: words with underscores between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Phrases(Vec<(String, Vec<String>)>);

impl Phrases {
    pub(crate) fn new(phrases: &[String]) -> Self {
        Self(phrases.iter().map(|phrase| (phrase.clone(), of(phrase))).collect())
    }

    /// The phrases as they are declared.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(text, _)| text.as_str())
    }

    /// The first phrase whose words stand together in the name.
    pub(crate) fn find(&self, words: &[String], forms: Forms) -> Option<&str> {
        let holds = |phrase: &[String]| {
            let mut windows = words.windows(phrase.len().max(1)).enumerate();
            let is_it = |(at, window): (usize, &[String])| {
                let behind = words.get(at + phrase.len()..).unwrap_or_default();
                // What a plural means is asked only where there is one: few names have any.
                forms.are(window, phrase)
                    && match forms {
                        Forms::Things(values) => {
                            Forms::AsDeclared.are(window, phrase) || are_things(values, &words[..at], phrase, behind)
                        }
                        Forms::AsDeclared | Forms::Plural => true,
                    }
            };
            !phrase.is_empty() && windows.any(is_it)
        };
        self.0
            .iter()
            .find(|(_, phrase)| holds(phrase))
            .map(|(text, _)| text.as_str())
    }

    /// The phrase that is the whole name.
    pub(crate) fn is(&self, words: &[String], forms: Forms) -> Option<&str> {
        self.0
            .iter()
            .find(|(_, phrase)| !phrase.is_empty() && forms.are(words, phrase))
            .map(|(text, _)| text.as_str())
    }

    /// Whether the name ends in one of the phrases.
    pub(crate) fn ends(&self, words: &[String], forms: Forms) -> bool {
        let end = |phrase: &[String]| words.len().checked_sub(phrase.len()).map(|from| &words[from..]);
        self.0
            .iter()
            .any(|(_, phrase)| !phrase.is_empty() && end(phrase).is_some_and(|end| forms.are(end, phrase)))
    }
}

#[cfg(test)]
mod tests {
    use super::Forms::{AsDeclared, Plural};
    use super::*;

    #[test]
    fn names_are_parted_however_they_are_written() {
        let cases = [
            ("customer_name", vec!["customer", "name"]),
            ("customerName", vec!["customer", "name"]),
            ("CUSTOMER-NAME", vec!["customer", "name"]),
            ("IBANNumber", vec!["iban", "number"]),
            ("address2", vec!["address2"]),
            ("ipV4", vec!["ip", "v4"]),
            ("_x", vec!["x"]),
        ];
        for (name, words) in cases {
            assert_eq!(of(name), words, "{name}");
        }
    }

    #[test]
    fn a_phrase_stands_together() {
        let phrases = Phrases::new(&["ip".to_owned(), "customer_name".to_owned()]);
        assert_eq!(phrases.find(&of("client_ip"), AsDeclared), Some("ip"));
        assert_eq!(phrases.find(&of("customerName"), AsDeclared), Some("customer_name"));
        for name in ["description", "customer_first_name", "shipment"] {
            assert_eq!(phrases.find(&of(name), Plural), None, "{name}");
        }
        assert_eq!(phrases.is(&of("IP"), AsDeclared), Some("ip"));
        assert_eq!(phrases.is(&of("client_ip"), Plural), None);
        assert!(phrases.ends(&of("best_customer_name"), AsDeclared));
        assert!(!phrases.ends(&of("ip_count"), Plural) && !phrases.ends(&of("name"), Plural));
    }

    #[test]
    fn a_plural_is_its_word_where_plurals_count() {
        let phrases = |phrase: &str| Phrases::new(&[phrase.to_owned()]);
        for (phrase, name) in [
            ("price", "unit_prices"),
            ("address", "addresses"),
            ("fax", "faxes"),
            ("salary", "salaries"),
            ("birthday", "birthdays"),
            ("date_of_birth", "dates_of_birth"),
            ("customer_id", "customersIds"),
        ] {
            let (phrases, words) = (phrases(phrase), of(name));
            assert_eq!(phrases.find(&words, Plural), Some(phrase), "{name}");
            assert!(phrases.ends(&words, Plural), "{name}");
            assert_eq!(phrases.find(&words, AsDeclared), None, "{name}");
            assert!(!phrases.ends(&words, AsDeclared), "{name}");
        }
        assert_eq!(phrases("token").is(&of("tokens"), Plural), Some("token"));
        // What only ends like a plural.
        for (phrase, name) in [
            ("addres", "address"),
            ("statu", "statuses"),
            ("pan", "panes"),
            ("day", "daies"),
            ("fee", "feed"),
        ] {
            assert_eq!(phrases(phrase).find(&of(name), Plural), None, "{name}");
        }
    }
}

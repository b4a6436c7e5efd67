//! Words in names: `customerName`, `customer_name` and `CUSTOMER-NAME` are the words `customer` and `name`.

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

/// Phrases that names are searched for: words with underscores between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Phrases(Vec<(String, Vec<String>)>);

impl Phrases {
    pub(crate) fn new(phrases: &[String]) -> Self {
        Self(phrases.iter().map(|phrase| (phrase.clone(), of(phrase))).collect())
    }

    /// The first phrase whose words stand together in the name.
    pub(crate) fn find(&self, words: &[String]) -> Option<&str> {
        let holds =
            |phrase: &[String]| !phrase.is_empty() && words.windows(phrase.len()).any(|window| window == phrase);
        self.0
            .iter()
            .find(|(_, phrase)| holds(phrase))
            .map(|(text, _)| text.as_str())
    }

    /// The phrase that is the whole name.
    pub(crate) fn is(&self, words: &[String]) -> Option<&str> {
        self.0
            .iter()
            .find(|(_, phrase)| !phrase.is_empty() && phrase == words)
            .map(|(text, _)| text.as_str())
    }

    /// Whether the name ends in one of the phrases.
    pub(crate) fn ends(&self, words: &[String]) -> bool {
        self.0
            .iter()
            .any(|(_, phrase)| !phrase.is_empty() && words.ends_with(phrase))
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(phrases.find(&of("client_ip")), Some("ip"));
        assert_eq!(phrases.find(&of("customerName")), Some("customer_name"));
        for name in ["description", "customer_first_name", "shipment"] {
            assert_eq!(phrases.find(&of(name)), None, "{name}");
        }
        assert_eq!(phrases.is(&of("IP")), Some("ip"));
        assert_eq!(phrases.is(&of("client_ip")), None);
        assert!(phrases.ends(&of("best_customer_name")) && !phrases.ends(&of("ip_count")));
    }
}

//! Parameters of a training and of a request: named values, read with their type.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Error, ErrorKind, Result};

/// Named values. A getter gives `None` for a name that is not there and an error for a value of another type.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parameters(Map<String, Value>);

impl Parameters {
    /// Parameters from a JSON object.
    pub fn new(values: Map<String, Value>) -> Self {
        Self(values)
    }

    /// Parameters from texts such as `customer=17850`; a value is a number or boolean where it reads as one.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a text without `=`.
    pub fn from_pairs<S: AsRef<str>>(pairs: impl IntoIterator<Item = S>) -> Result<Self> {
        let mut values = Map::new();
        for pair in pairs {
            let pair = pair.as_ref();
            let Some((name, value)) = pair.split_once('=') else {
                return Err(Error::new(
                    ErrorKind::Usage,
                    format!("`{pair}` is not of the form name=value"),
                ));
            };
            let value = match serde_json::from_str::<Value>(value) {
                Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
                _ => Value::String(value.to_owned()),
            };
            values.insert(name.to_owned(), value);
        }
        Ok(Self(values))
    }

    /// The names that are given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The values as a JSON object.
    pub fn as_json(&self) -> &Map<String, Value> {
        &self.0
    }

    /// A text; a number or boolean is given as it was written.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where the value is none of these.
    pub fn text(&self, name: &str) -> Result<Option<String>> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
            Some(value) => Err(wrong(name, "a text", value)),
        }
    }

    /// A whole number, not negative.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where the value is something else.
    pub fn whole(&self, name: &str) -> Result<Option<usize>> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64().and_then(|n| usize::try_from(n).ok()) {
                Some(n) => Ok(Some(n)),
                None => Err(wrong(name, "a whole number", value)),
            },
        }
    }

    /// A number.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] where the value is something else.
    pub fn number(&self, name: &str) -> Result<Option<f64>> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| wrong(name, "a number", value)),
        }
    }

    /// Refuses names that are not among the known ones.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] that names the unknown one and what is known.
    pub fn only(&self, known: &[&str]) -> Result<()> {
        match self.names().find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(name) => Err(Error::new(ErrorKind::Usage, format!("`{name}` is not known here"))
                .with_help(format!("known are: {}", known.join(", ")))),
        }
    }
}

fn wrong(name: &str, wanted: &str, value: &Value) -> Error {
    Error::new(ErrorKind::Usage, format!("`{name}` must be {wanted}, not {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_with_their_type() {
        let parameters = Parameters::from_pairs(["customer=17850", "country=United Kingdom", "share=0.5"]).unwrap();
        assert_eq!(parameters.text("customer").unwrap().as_deref(), Some("17850"));
        assert_eq!(parameters.whole("customer").unwrap(), Some(17_850));
        assert_eq!(parameters.number("share").unwrap(), Some(0.5));
        assert_eq!(parameters.text("absent").unwrap(), None);
        assert_eq!(parameters.whole("country").unwrap_err().kind(), ErrorKind::Usage);
        assert_eq!(
            parameters.only(&["customer", "share"]).unwrap_err().kind(),
            ErrorKind::Usage
        );
        assert_eq!(
            Parameters::from_pairs(["customer"]).unwrap_err().kind(),
            ErrorKind::Usage
        );
    }
}

//! Enums that are words: in the database, in JSON and on the screen.

/// Gives a field-less enum its words: `as_str`, `Display`, `FromStr`, and serde as text.
macro_rules! words {
    ($type:ident, $what:literal, { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $type {
            /// The word, as it is stored and shown.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = polder_core::Error;

            fn from_str(text: &str) -> polder_core::Result<Self> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(polder_core::Error::new(
                        polder_core::ErrorKind::Usage,
                        format!(concat!("`{}` is no ", $what), text),
                    )
                    .with_help(concat!("one of: " $(, $word, " ")+).trim_end())),
                }
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;

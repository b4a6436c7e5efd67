//! Texts that are of a format whatever else is.

use crate::format::TextFormat;

/// A regular expression of which each text is of the format, of many lengths; of others nothing is said.
pub(super) fn simple(format: TextFormat) -> &'static str {
    match format {
        TextFormat::Uuid => "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
        TextFormat::Email => "^[a-z0-9._-]+@[a-z]{1,60}([.][a-z]{1,60}){0,2}$",
        TextFormat::Ipv4 => "^(1?[1-9]{1,2}[.]){3}1?[1-9]{1,2}$",
        TextFormat::Ipv6 => "^(::[1-9a-f]{1,4}|([1-9a-f]{1,4}:){7}[1-9a-f]{1,4})$",
        TextFormat::Hostname => "^[a-z]{1,60}([.][a-z]{1,60}){0,3}$",
        TextFormat::Uri => "^[a-z]{1,9}:[a-z]*$",
        TextFormat::Byte => "^([A-Za-z0-9]{4})+$",
        TextFormat::Json => "^([1-9][0-9]{0,8}|\"[a-z]*\")$",
        TextFormat::Date => "^20[0-9]{2}-0[1-9]-1[0-9]$",
        TextFormat::DateTime => "^20[0-9]{2}-0[1-9]-1[0-9]T1[0-9]:[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?Z$",
        TextFormat::Time => "^1[0-9]:[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?Z?$",
        TextFormat::Duration => "^P[1-9][0-9]*D$",
    }
}

//! Events of the shop: what a source gives, before encoding.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use polder_core::Result;
use uuid::Uuid;

/// The topic of invoice line events.
pub const TOPIC: &str = "retail.invoice_line";

/// What is published: events in order, one at a time.
///
/// The order is the order of publication. A source gives the same events with the same ids each time that it is
/// opened with the same arguments, so publishing it twice is recognised downstream.
pub trait EventSource: Send {
    /// The next event, or nothing at the end; after the end it stays at the end.
    ///
    /// # Errors
    /// The source cannot be read or holds something that is not an event; nothing of the part that was refused
    /// (for files: the whole file) has been given before.
    fn next_event(&mut self) -> Result<Option<Event>>;

    /// About how many events the source gives in all, where it knows; for progress bars.
    fn expected(&self) -> Option<u64>;
}

/// One invoice line in the envelope of the event bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Identifies the event; the same line has the same id whenever it is published. Text, because a broken one is
    /// among the faults.
    pub event_id: String,
    /// When it happened at the source.
    pub timestamp: DateTime<Utc>,
    /// The line itself.
    pub line: InvoiceLine,
    /// What is wrong with it on purpose.
    pub fault: Option<Fault>,
}

impl Event {
    /// An event that happened at the line's invoice date. Its id is the UUIDv5 of `name` in the namespace of the
    /// topic's URN, where `name` is the line's place in its source.
    pub fn new(name: &str, line: InvoiceLine) -> Self {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("urn:polder:{TOPIC}").as_bytes());
        let event_id = Uuid::new_v5(&namespace, name.as_bytes()).to_string();
        Self {
            event_id,
            timestamp: line.invoice_date,
            line,
            fault: None,
        }
    }

    /// The record's key: the invoice number, so that an invoice's lines keep their order in one partition.
    pub fn key(&self) -> &str {
        &self.line.invoice_no
    }
}

/// A line of an invoice as the shop sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvoiceLine {
    /// The invoice's number; a leading `C` marks a cancellation.
    pub invoice_no: String,
    /// The product's code; some codes are no product (`POST`).
    pub stock_code: Option<String>,
    /// The product's name or a note.
    pub description: Option<String>,
    /// Units; negative where goods went back.
    pub quantity: i32,
    /// When the invoice was written.
    pub invoice_date: DateTime<Utc>,
    /// Price of a unit, in the line's currency.
    pub unit_price: Price,
    /// The customer's number as received.
    pub customer_id: Option<String>,
    /// The customer's country.
    pub country: Option<String>,
    /// ISO 4217 code of the price.
    pub currency: String,
}

/// A decimal(12,3): thousandths of the currency's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(i64);

impl Price {
    /// Digits behind the point.
    pub const SCALE: usize = 3;
    /// Digits in all.
    pub const PRECISION: usize = 12;

    /// A price of so many thousandths, or nothing beyond twelve digits.
    pub fn from_thousandths(thousandths: i64) -> Option<Self> {
        (thousandths.unsigned_abs() < 10_u64.pow(Self::PRECISION as u32)).then_some(Self(thousandths))
    }

    /// A price of so many hundredths (pence).
    pub(crate) const fn from_pence(pence: i32) -> Self {
        Self(pence as i64 * 10)
    }

    /// The price in thousandths.
    pub fn thousandths(self) -> i64 {
        self.0
    }
}

impl FromStr for Price {
    type Err = &'static str;

    /// Reads `-12.345`: digits, at most three of them behind the point, nine before it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
            return Err("is not a decimal number");
        }
        if fraction.len() > Self::SCALE {
            return Err("has more than three decimals");
        }
        let thousandths = format!("{whole}{fraction:0<width$}", width = Self::SCALE)
            .parse::<i64>()
            .ok();
        thousandths
            .and_then(|value| Self::from_thousandths(if negative { -value } else { value }))
            .ok_or("has more than nine digits before the point")
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let value = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:03}", value / 1000, value % 1000)
    }
}

/// A fault on purpose: what a stream must keep out of its dataset and put into quarantine.
///
/// The first five decode well and break a rule of the contract; the others do not decode as the stream's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A required field is null: `stock_code`.
    MissingStockCode,
    /// The price is beyond every sensible bound: −999,999.
    PriceOutOfRange,
    /// A currency that the shop does not trade in: `XXX`.
    UnknownCurrency,
    /// A country of one character: `?`.
    BadCountry,
    /// An event id that is no UUID.
    BadEventId,
    /// The message ends in the middle of the record.
    Truncated,
    /// The message names a schema that the registry does not know.
    UnknownSchema,
    /// The message is a whole record of another type, with its own registered schema.
    ForeignRecord,
    /// Text where Avro is expected.
    NotAvro,
}

impl Fault {
    /// Every kind of fault.
    pub const ALL: [Self; 9] = [
        Self::MissingStockCode,
        Self::PriceOutOfRange,
        Self::UnknownCurrency,
        Self::BadCountry,
        Self::BadEventId,
        Self::Truncated,
        Self::UnknownSchema,
        Self::ForeignRecord,
        Self::NotAvro,
    ];

    /// Whether the message still decodes, and only a rule of the contract tells that it is faulty.
    pub fn decodes(self) -> bool {
        matches!(
            self,
            Self::MissingStockCode
                | Self::PriceOutOfRange
                | Self::UnknownCurrency
                | Self::BadCountry
                | Self::BadEventId
        )
    }

    /// Breaks the event. Faults of the wire format are marked here and made by the encoder.
    pub(crate) fn apply(self, event: &mut Event) {
        event.fault = Some(self);
        let line = &mut event.line;
        match self {
            Self::MissingStockCode => line.stock_code = None,
            Self::PriceOutOfRange => line.unit_price = Price(-999_999_000),
            Self::UnknownCurrency => line.currency = "XXX".to_owned(),
            Self::BadCountry => line.country = Some("?".to_owned()),
            Self::BadEventId => event.event_id = format!("event-{}", line.invoice_no),
            Self::Truncated | Self::UnknownSchema | Self::ForeignRecord | Self::NotAvro => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_to_the_thousandth() {
        for (text, thousandths) in [
            ("2.55", 2_550),
            ("0.001", 1),
            ("-11062.06", -11_062_060),
            ("7", 7_000),
            ("999999999.999", 999_999_999_999),
        ] {
            assert_eq!(text.parse::<Price>().unwrap().thousandths(), thousandths, "{text}");
        }
        assert_eq!("-0.5".parse::<Price>().unwrap().to_string(), "-0.500");
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for text in [
            "",
            "-",
            ".5",
            "1e3",
            "1,5",
            "+1",
            "1.2345",
            "1000000000",
            "12345678901234567890",
            "nan",
        ] {
            assert!(text.parse::<Price>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_event_has_the_same_id_each_time_and_another_for_another_place() {
        let line = InvoiceLine {
            invoice_no: "536365".to_owned(),
            stock_code: None,
            description: None,
            quantity: 1,
            invoice_date: DateTime::UNIX_EPOCH,
            unit_price: Price(0),
            customer_id: None,
            country: None,
            currency: "GBP".to_owned(),
        };
        let first = Event::new("2010-12-01.csv:2", line.clone());
        assert_eq!(first.event_id, Event::new("2010-12-01.csv:2", line.clone()).event_id);
        assert_ne!(first.event_id, Event::new("2010-12-01.csv:3", line).event_id);
        let id = Uuid::parse_str(&first.event_id).unwrap();
        assert_eq!(id.get_version_num(), 5);
    }
}

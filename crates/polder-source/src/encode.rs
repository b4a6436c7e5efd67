//! Avro in Confluent's wire format: magic byte 0, schema id as four bytes big-endian, the datum.

use std::sync::OnceLock;

use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use apache_avro::{Decimal, Schema};
use polder_core::{ErrorKind, Result, ResultExt};

use crate::event::{Event, Fault, InvoiceLine, TOPIC};

/// The registry's subject of invoice line events.
pub const SUBJECT: &str = "retail.invoice_line-value";

/// The full name of the record that invoice line events are written with.
pub const RECORD_NAME: &str = "retail.InvoiceLine";

/// The schema of invoice line events. `stock_code` and `country` may be null on the wire, because it is the
/// contract that requires them.
pub const SCHEMA: &str = r#"{
  "type": "record", "name": "InvoiceLine", "namespace": "retail",
  "doc": "A line of an invoice, in the envelope of the event bus.",
  "fields": [
    {"name": "event_id", "type": "string"},
    {"name": "event_type", "type": "string"},
    {"name": "event_version", "type": "string"},
    {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "correlation_id", "type": ["null", "string"], "default": null},
    {"name": "payload", "type": {"type": "record", "name": "InvoiceLinePayload", "fields": [
      {"name": "invoice_no", "type": "string"},
      {"name": "stock_code", "type": ["null", "string"], "default": null},
      {"name": "description", "type": ["null", "string"], "default": null},
      {"name": "quantity", "type": "int"},
      {"name": "invoice_date", "type": {"type": "long", "logicalType": "timestamp-millis"}},
      {"name": "unit_price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 3}},
      {"name": "customer_id", "type": ["null", "string"], "default": null},
      {"name": "country", "type": ["null", "string"], "default": null},
      {"name": "currency", "type": "string"}
    ]}}
  ]
}"#;

/// The registry's subject of the record that is sent into the wrong topic on purpose.
pub const FOREIGN_SUBJECT: &str = "retail.stock_count-value";

/// The schema of the record that is sent into the wrong topic on purpose.
pub const FOREIGN_SCHEMA: &str = r#"{
  "type": "record", "name": "StockCount", "namespace": "retail",
  "doc": "Units counted on a shelf.",
  "fields": [{"name": "shelf", "type": "string"}, {"name": "units", "type": "int"}]
}"#;

/// A schema id that no registry gives: the largest one.
pub const UNKNOWN_SCHEMA_ID: u32 = i32::MAX as u32;

const EVENT_VERSION: &str = "1";

/// Turns events into messages.
pub struct Encoder {
    schema_id: u32,
    foreign_schema_id: u32,
    writer: GenericDatumWriter<'static>,
    foreign: GenericDatumWriter<'static>,
}

impl Encoder {
    /// An encoder that writes these ids of [`SCHEMA`] and [`FOREIGN_SCHEMA`] into its messages.
    ///
    /// # Errors
    /// `Internal` where a schema does not parse.
    pub fn new(schema_id: u32, foreign_schema_id: u32) -> Result<Self> {
        static OWN: OnceLock<Schema> = OnceLock::new();
        static FOREIGN: OnceLock<Schema> = OnceLock::new();
        Ok(Self {
            schema_id,
            foreign_schema_id,
            writer: datum_writer(parsed(&OWN, SCHEMA)?)?,
            foreign: datum_writer(parsed(&FOREIGN, FOREIGN_SCHEMA)?)?,
        })
    }

    /// Writes the message of an event to `message`, which is cleared first; a fault of the wire format is made here.
    ///
    /// # Errors
    /// `Internal` where the event does not fit the schema.
    pub fn encode(&self, event: &Event, message: &mut Vec<u8>) -> Result<()> {
        message.clear();
        match event.fault {
            Some(Fault::NotAvro) => {
                message
                    .extend_from_slice(format!(r#"{{"invoice_no": "{}", "sent": "as JSON"}}"#, event.key()).as_bytes());
                return Ok(());
            }
            Some(Fault::ForeignRecord) => {
                frame(self.foreign_schema_id, message);
                return write(&self.foreign, stock_count(&event.line), message);
            }
            Some(Fault::UnknownSchema) => frame(UNKNOWN_SCHEMA_ID, message),
            _ => frame(self.schema_id, message),
        }
        write(&self.writer, record(event), message)?;
        if event.fault == Some(Fault::Truncated) {
            message.truncate(message.len() / 2);
        }
        Ok(())
    }
}

fn parsed(cell: &'static OnceLock<Schema>, text: &str) -> Result<&'static Schema> {
    if let Some(schema) = cell.get() {
        return Ok(schema);
    }
    let schema =
        Schema::parse_str(text).context(ErrorKind::Internal, || "the event's schema does not parse".to_owned())?;
    Ok(cell.get_or_init(|| schema))
}

fn datum_writer(schema: &'static Schema) -> Result<GenericDatumWriter<'static>> {
    GenericDatumWriter::builder(schema)
        .build()
        .context(ErrorKind::Internal, || "the event's schema does not resolve".to_owned())
}

fn frame(schema_id: u32, message: &mut Vec<u8>) {
    message.push(0);
    message.extend_from_slice(&schema_id.to_be_bytes());
}

fn write(writer: &GenericDatumWriter<'_>, value: Value, message: &mut Vec<u8>) -> Result<()> {
    writer
        .write_value(message, value)
        .context(ErrorKind::Internal, || "an event does not fit its schema".to_owned())?;
    Ok(())
}

fn record(event: &Event) -> Value {
    let line = &event.line;
    let payload = vec![
        field("invoice_no", text(&line.invoice_no)),
        field("stock_code", nullable(line.stock_code.as_deref())),
        field("description", nullable(line.description.as_deref())),
        field("quantity", Value::Int(line.quantity)),
        field(
            "invoice_date",
            Value::TimestampMillis(line.invoice_date.timestamp_millis()),
        ),
        field(
            "unit_price",
            Value::Decimal(Decimal::from(unscaled(line.unit_price.thousandths()))),
        ),
        field("customer_id", nullable(line.customer_id.as_deref())),
        field("country", nullable(line.country.as_deref())),
        field("currency", text(&line.currency)),
    ];
    Value::Record(vec![
        field("event_id", text(&event.event_id)),
        field("event_type", text(TOPIC)),
        field("event_version", text(EVENT_VERSION)),
        field("timestamp", Value::TimestampMillis(event.timestamp.timestamp_millis())),
        field("correlation_id", nullable(Some(&line.invoice_no))),
        field("payload", Value::Record(payload)),
    ])
}

fn stock_count(line: &InvoiceLine) -> Value {
    Value::Record(vec![
        field("shelf", text(&line.invoice_no)),
        field("units", Value::Int(line.quantity)),
    ])
}

fn field(name: &str, value: Value) -> (String, Value) {
    (name.to_owned(), value)
}

fn text(value: &str) -> Value {
    Value::String(value.to_owned())
}

/// A value of the union of null and string.
fn nullable(value: Option<&str>) -> Value {
    match value {
        None => Value::Union(0, Box::new(Value::Null)),
        Some(value) => Value::Union(1, Box::new(text(value))),
    }
}

/// The shortest two's complement of a number, big-endian, as Avro's decimal wants it.
fn unscaled(value: i64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let sign = if value < 0 { 0xff } else { 0 };
    let superfluous = bytes
        .windows(2)
        .take_while(|pair| pair[0] == sign && (pair[0] ^ pair[1]) & 0x80 == 0)
        .count();
    bytes[superfluous..].to_vec()
}

#[cfg(test)]
mod tests {
    use apache_avro::reader::datum::GenericDatumReader;
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::event::Price;

    fn event() -> Event {
        let invoice_date = "2010-12-01T08:26:00Z".parse::<DateTime<Utc>>().unwrap();
        Event::new(
            "2010-12-01.csv:2",
            InvoiceLine {
                invoice_no: "536365".to_owned(),
                stock_code: Some("85123A".to_owned()),
                description: None,
                quantity: -6,
                invoice_date,
                unit_price: Price::from_thousandths(-2_550).unwrap(),
                customer_id: Some("17850.0".to_owned()),
                country: Some("United Kingdom".to_owned()),
                currency: "GBP".to_owned(),
            },
        )
    }

    fn message(event: &Event) -> Vec<u8> {
        let mut message = Vec::new();
        Encoder::new(7, 8).unwrap().encode(event, &mut message).unwrap();
        message
    }

    fn decode(schema: &str, message: &[u8]) -> Result<Value, apache_avro::Error> {
        let schema = Schema::parse_str(schema)?;
        GenericDatumReader::builder(&schema)
            .build()?
            .read_value(&mut &message[5..])
    }

    #[test]
    fn the_payload_is_encoded_byte_for_byte_as_the_avro_specification_says() {
        let message = message(&event());
        let mut payload = vec![12];
        payload.extend(b"536365");
        payload.extend([2, 12]);
        payload.extend(b"85123A");
        payload.push(0); // description: null
        payload.push(11); // quantity -6, zigzag
        payload.extend([0x80, 0x87, 0xce, 0x90, 0x94, 0x4b]); // 1291191960000, zigzag
        payload.extend([4, 0xf6, 0x0a]); // -2550 as two bytes
        payload.extend([2, 14]);
        payload.extend(b"17850.0");
        payload.extend([2, 28]);
        payload.extend(b"United Kingdom");
        payload.push(6);
        payload.extend(b"GBP");
        assert_eq!(&message[..5], &[0, 0, 0, 0, 7]);
        assert!(message.ends_with(&payload), "{message:02x?}");
    }

    #[test]
    fn a_message_reads_back() {
        let Value::Record(fields) = decode(SCHEMA, &message(&event())).unwrap() else {
            panic!("no record")
        };
        assert_eq!(fields[1].1, Value::String("retail.invoice_line".to_owned()));
        assert_eq!(fields[3].1, Value::TimestampMillis(1_291_191_960_000));
        assert_eq!(
            fields[4].1,
            Value::Union(1, Box::new(Value::String("536365".to_owned())))
        );
    }

    #[test]
    fn decimals_are_written_in_the_fewest_bytes() {
        assert_eq!(unscaled(0), [0]);
        assert_eq!(unscaled(127), [0x7f]);
        assert_eq!(unscaled(128), [0, 0x80]);
        assert_eq!(unscaled(-128), [0x80]);
        assert_eq!(unscaled(-129), [0xff, 0x7f]);
        assert_eq!(unscaled(-1), [0xff]);
        assert_eq!(unscaled(999_999_999_999), [0, 0xe8, 0xd4, 0xa5, 0x0f, 0xff]);
    }

    #[test]
    fn faults_of_the_wire_format_are_what_they_say() {
        let broken = |fault: Fault| {
            let mut event = event();
            fault.apply(&mut event);
            message(&event)
        };
        assert!(decode(SCHEMA, &broken(Fault::Truncated)).is_err());
        assert_eq!(&broken(Fault::UnknownSchema)[..5], &[0, 0x7f, 0xff, 0xff, 0xff]);
        let foreign = broken(Fault::ForeignRecord);
        assert_eq!(&foreign[..5], &[0, 0, 0, 0, 8]);
        assert!(decode(FOREIGN_SCHEMA, &foreign).is_ok());
        assert_ne!(broken(Fault::NotAvro)[0], 0);
        for fault in Fault::ALL.into_iter().filter(|fault| fault.decodes()) {
            assert!(decode(SCHEMA, &broken(fault)).is_ok(), "{fault:?}");
        }
    }
}

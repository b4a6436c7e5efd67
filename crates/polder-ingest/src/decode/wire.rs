//! Confluent's wire format: what names a value's schema, and where its body begins.
//!
//! The name is a magic byte 0 and the schema's id in four bytes, big-endian, or a magic byte 1 and its GUID in 16 bytes. It
//! stands before the body, or in a header, and then the value is all body. The header counts where it is there, as it
//! does for Confluent's own readers; what follows a name in it (message indexes of Protobuf) does not concern Avro.

use polder_core::units::counted;
use polder_registry::SchemaName;

/// The header in which clients may name the schema of a value.
pub(crate) const SCHEMA_HEADER: &str = "__value_schema_id";

/// A value taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) schema: SchemaName,
    pub(crate) body: &'a [u8],
}

/// The frame of a value that came with these bytes in its [`SCHEMA_HEADER`], or why it has none that can be used.
pub(crate) fn frame<'a>(value: &'a [u8], header: Option<&[u8]>) -> Result<Frame<'a>, String> {
    match header {
        Some(header) => {
            let (schema, _) = name(header).map_err(|why| format!("the header {SCHEMA_HEADER} {why}"))?;
            Ok(Frame { schema, body: value })
        }
        None => {
            let (schema, body) = name(value).map_err(|why| format!("the value {why}"))?;
            Ok(Frame { schema, body })
        }
    }
}

/// The name at the beginning of these bytes, and what follows it.
fn name(bytes: &[u8]) -> Result<(SchemaName, &[u8]), String> {
    let ends = |within: &str| format!("ends after {}, within its {within}", counted(bytes.len(), "byte"));
    match bytes {
        [] => Err("is empty: no magic byte, no schema id".to_owned()),
        [0, rest @ ..] => match rest.split_first_chunk() {
            Some((id, rest)) => Ok((SchemaName::Id(u32::from_be_bytes(*id)), rest)),
            None => Err(ends("schema id")),
        },
        [1, rest @ ..] => match rest.split_first_chunk() {
            Some((guid, rest)) => Ok((SchemaName::Guid(*guid), rest)),
            None => Err(ends("schema's GUID")),
        },
        [first, ..] => Err(format!(
            "begins with byte {first}, not with magic byte 0 (a schema id) or 1 (a GUID) of Confluent's wire format"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: [u8; 16] = [
        0xcc, 0x0e, 0x0e, 0x0e, 0x53, 0xc1, 0x4a, 0x1a, 0x8f, 0x1a, 0, 0, 0, 0, 0, 1,
    ];

    fn framed(value: &'static [u8], header: Option<&[u8]>) -> (SchemaName, &'static [u8]) {
        let Frame { schema, body } = frame(value, header).unwrap();
        (schema, body)
    }

    #[test]
    fn the_name_is_big_endian_behind_the_magic_byte() {
        assert_eq!(framed(&[0, 0, 0, 1, 2, 9, 9], None), (SchemaName::Id(258), &[9, 9][..]));
        assert_eq!(
            framed(&[0, 255, 255, 255, 255], None),
            (SchemaName::Id(u32::MAX), &[][..])
        );
        let value = [&[1][..], &GUID, b"body"].concat();
        let found = frame(&value, None).unwrap();
        assert_eq!((found.schema, found.body), (SchemaName::Guid(GUID), &b"body"[..]));
        // As the schema registry's own documents write it.
        assert_eq!(found.schema.to_string(), "cc0e0e0e-53c1-4a1a-8f1a-000000000001");
    }

    #[test]
    fn what_a_header_names_counts_and_the_value_is_all_body() {
        let guid = [&[1][..], &GUID].concat();
        // A body may begin like a frame.
        let value = &[0, 0, 0, 0, 7, 9];
        assert_eq!(framed(value, Some(&guid)), (SchemaName::Guid(GUID), &value[..]));
        assert_eq!(framed(value, Some(&[0, 0, 0, 0, 3])), (SchemaName::Id(3), &value[..]));
        let with_indexes = [&guid[..], &[0]].concat();
        assert_eq!(framed(b"x", Some(&with_indexes)), (SchemaName::Guid(GUID), &b"x"[..]));
    }

    #[test]
    fn what_is_no_frame_says_why() {
        type Case<'a> = (&'a [u8], Option<&'a [u8]>, &'a str);
        let cases: [Case<'_>; 7] = [
            (b"", None, "the value is empty"),
            (&[0, 0, 1], None, "the value ends after 3 bytes, within its schema id"),
            (&[1, 2], None, "the value ends after 2 bytes, within its schema's GUID"),
            (b"{\"a\":1}", None, "the value begins with byte 123"),
            (b"body", Some(b""), "the header __value_schema_id is empty"),
            (
                &[0, 0, 0, 0, 7],
                Some(&[1, 9]),
                "the header __value_schema_id ends after 2 bytes",
            ),
            (
                &[0, 0, 0, 0, 7],
                Some(b"guid"),
                "the header __value_schema_id begins with byte 103",
            ),
        ];
        for (value, header, reason) in cases {
            let found = frame(value, header).unwrap_err();
            assert!(found.contains(reason), "{found}");
        }
    }
}

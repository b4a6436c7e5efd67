//! Confluent's wire format: a magic byte 0, the schema's id in four bytes, big-endian, then the body.

use polder_core::units::counted;

/// Bytes before the body.
pub(crate) const HEAD: usize = 5;
/// The header in which newer clients send the schema's GUID instead of an id in the value.
pub(crate) const GUID_HEADER: &str = "__value_schema_id";

/// The schema id of a framed value, or why the frame cannot be used.
pub(crate) fn schema_id(value: &[u8], guid_header: bool) -> Result<u32, String> {
    match value {
        [0, a, b, c, d, ..] => Ok(u32::from_be_bytes([*a, *b, *c, *d])),
        [1, ..] if value.len() >= 17 || guid_header => Err(format!(
            "the value begins with magic byte 1: its schema is named by GUID, but only ids (magic byte 0) are resolved{}",
            if guid_header {
                " (there is a GUID in the header, too)"
            } else {
                ""
            }
        )),
        _ if guid_header => Err(format!(
            "the schema is named by GUID in the header {GUID_HEADER}, but only ids in the value (magic byte 0) are resolved"
        )),
        [] => Err("the value is empty: no magic byte, no schema id".to_owned()),
        [0, ..] => Err(format!(
            "the value ends after {}, within its schema id",
            counted(value.len(), "byte")
        )),
        [first, ..] => Err(format!(
            "the value begins with byte {first}, not with magic byte 0 of Confluent's wire format"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_big_endian_behind_the_magic_byte() {
        assert_eq!(schema_id(&[0, 0, 0, 1, 2, 9, 9], false), Ok(258));
        assert_eq!(schema_id(&[0, 255, 255, 255, 255], true), Ok(u32::MAX));
    }

    #[test]
    fn what_is_no_frame_says_why() {
        let guid = [&[1_u8][..], &[7; 16], b"body"].concat();
        let cases: [(&[u8], bool, &str); 6] = [
            (b"", false, "empty"),
            (&[0, 0, 1], false, "ends after 3 bytes"),
            (b"{\"a\":1}", false, "begins with byte 123"),
            (&guid, false, "GUID"),
            (&[1, 2], false, "begins with byte 1"),
            (b"body", true, "__value_schema_id"),
        ];
        for (value, header, reason) in cases {
            let found = schema_id(value, header).unwrap_err();
            assert!(found.contains(reason), "{found}");
        }
    }
}

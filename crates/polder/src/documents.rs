//! Documents that the binary carries, as (path, text): `SHOP`, the demo's mesh, and `NEW_MESH`.

include!(concat!(env!("OUT_DIR"), "/documents.rs"));

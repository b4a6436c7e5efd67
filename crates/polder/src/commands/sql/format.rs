//! In which format rows are written: as it is asked for, else as the ending of the file says.

use std::path::Path;

use polder_core::{Error, ErrorKind, Result};

use crate::options::{SqlArgs, SqlFormat};

/// What endings say.
const ENDINGS: [(&str, SqlFormat); 5] = [
    ("parquet", SqlFormat::Parquet),
    ("csv", SqlFormat::Csv),
    ("json", SqlFormat::Json),
    ("jsonl", SqlFormat::Jsonl),
    ("ndjson", SqlFormat::Jsonl),
];

/// The format that is asked for, else that of the file; on a terminal a table.
///
/// # Errors
/// `Usage` for a file whose ending says nothing.
pub(super) fn format(args: &SqlArgs) -> Result<SqlFormat> {
    match (args.format, &args.output) {
        (Some(format), _) => Ok(format),
        (None, None) => Ok(SqlFormat::default()),
        (None, Some(path)) => of_file(path),
    }
}

fn of_file(path: &Path) -> Result<SqlFormat> {
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let known = ENDINGS.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known));
    known.map(|(_, format)| *format).ok_or_else(|| {
        let message = format!("nothing says in which format {} is to be written", path.display());
        let endings = ENDINGS.map(|(ending, _)| format!(".{ending}")).join(", ");
        Error::new(ErrorKind::Usage, message)
            .with_help(format!("say it with --format, or end the name with one of {endings}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_a_file_says_its_format() {
        for (name, format) in [
            ("rows.parquet", SqlFormat::Parquet),
            ("a/b.c/rows.CSV", SqlFormat::Csv),
            ("rows.json", SqlFormat::Json),
            ("rows.jsonl", SqlFormat::Jsonl),
            ("rows.2026.ndjson", SqlFormat::Jsonl),
        ] {
            assert_eq!(of_file(Path::new(name)).unwrap(), format, "{name}");
        }
        for name in ["rows", ".parquet", "rows.csv.gz", "rows.txt", "parquet/rows"] {
            let error = of_file(Path::new(name)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{name}");
            assert!(error.help().unwrap().contains("--format"), "{name}");
        }
    }
}

//! The UCI Online Retail invoices: one CSV file a trading day, one line an event.

use std::fs;
use std::path::{Path, PathBuf};
use std::vec;

use chrono::{DateTime, NaiveDateTime, Utc};
use csv::StringRecord;
use polder_core::{Error, ErrorKind, Result, ResultExt};

use crate::event::{Event, EventSource, InvoiceLine, Price};

/// Where the files lie under a data folder.
const FOLDER: &str = "online_retail/by-day";

const HEADER: [&str; 8] = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
];

const DATE_FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// The shop sells in pounds; the files name no currency.
const CURRENCY: &str = "GBP";

/// The lines of a folder of CSV files, by file name and line.
///
/// A file is read and validated as a whole before its first line is given: either all of its lines are given or none.
/// Text is kept as it is; an empty field is null.
pub struct RetailFiles {
    files: vec::IntoIter<PathBuf>,
    lines: vec::IntoIter<Event>,
    expected: u64,
}

impl RetailFiles {
    /// The files of `folder`, or of `online_retail/by-day` below it, where that exists.
    ///
    /// # Errors
    /// `NotFound` where the folder or its CSV files are missing; `Unreachable` where they cannot be read.
    pub fn open(folder: &Path) -> Result<Self> {
        let below = folder.join(FOLDER);
        let folder = if below.is_dir() { below } else { folder.to_owned() };
        let missing = |what: &str| {
            Error::new(ErrorKind::NotFound, format!("{}: {what}", folder.display()))
                .with_help(format!("name the folder of the CSV files, or one that holds {FOLDER}"))
        };
        if !folder.is_dir() {
            return Err(missing("no such folder"));
        }
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder).context(ErrorKind::Unreachable, || cannot_read(&folder))? {
            let path = entry.context(ErrorKind::Unreachable, || cannot_read(&folder))?.path();
            if path.extension().is_some_and(|extension| extension == "csv") {
                files.push(path);
            }
        }
        if files.is_empty() {
            return Err(missing("no CSV files in this folder"));
        }
        files.sort();
        let expected = files.iter().map(|file| line_breaks(file)).sum::<Result<u64>>()?;
        Ok(Self {
            expected: expected.saturating_sub(files.len() as u64),
            files: files.into_iter(),
            lines: vec::IntoIter::default(),
        })
    }
}

impl EventSource for RetailFiles {
    fn next_event(&mut self) -> Result<Option<Event>> {
        loop {
            if let Some(event) = self.lines.next() {
                return Ok(Some(event));
            }
            let Some(file) = self.files.next() else {
                return Ok(None);
            };
            self.lines = read_file(&file)?.into_iter();
        }
    }

    fn expected(&self) -> Option<u64> {
        Some(self.expected)
    }
}

fn cannot_read(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

fn line_breaks(file: &Path) -> Result<u64> {
    let bytes = fs::read(file).context(ErrorKind::Unreachable, || cannot_read(file))?;
    Ok(bytes.iter().filter(|byte| **byte == b'\n').count() as u64)
}

/// All events of one file, or the first thing that is wrong with it.
fn read_file(path: &Path) -> Result<Vec<Event>> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let at = |line: u64, what: String| {
        Error::new(ErrorKind::Document, format!("{}:{line}: {what}", path.display()))
            .with_help("nothing of this file was published; mend it and start again, ids stay the same")
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_path(path)
        .context(ErrorKind::Unreachable, || cannot_read(path))?;

    let mut events = Vec::new();
    let mut record = StringRecord::new();
    let mut header_seen = false;
    loop {
        let more = reader.read_record(&mut record).map_err(|error| match error.kind() {
            csv::ErrorKind::Io(_) => Error::new(ErrorKind::Unreachable, cannot_read(path)).with_source(error),
            _ => {
                let line = error.position().map_or(1, csv::Position::line);
                at(line, "is not UTF-8 text".to_owned())
            }
        })?;
        if !more {
            break;
        }
        let line = record.position().map_or(1, csv::Position::line);
        if !header_seen {
            if record.iter().ne(HEADER) {
                return Err(at(line, format!("expected the header {}", HEADER.join(","))));
            }
            header_seen = true;
            continue;
        }
        let parsed = parse(&record).map_err(|what| at(line, what))?;
        events.push(Event::new(&format!("{name}:{line}"), parsed));
    }
    if !header_seen {
        return Err(at(1, "the file is empty".to_owned()));
    }
    Ok(events)
}

/// One line, or what is wrong with it.
fn parse(record: &StringRecord) -> Result<InvoiceLine, String> {
    if record.len() != HEADER.len() {
        return Err(format!("{} fields where {} are expected", record.len(), HEADER.len()));
    }
    let wrong = |column: usize, what: &str| format!("{} `{}` {what}", HEADER[column], &record[column]);
    let text = |column: usize| (!record[column].is_empty()).then(|| record[column].to_owned());
    Ok(InvoiceLine {
        invoice_no: record[0].to_owned(),
        stock_code: text(1),
        description: text(2),
        quantity: record[3]
            .parse()
            .map_err(|_| wrong(3, "is not a whole number of 32 bits"))?,
        invoice_date: instant(&record[4]).ok_or_else(|| wrong(4, "is not a date like 2010-12-01 08:26:00"))?,
        unit_price: record[5].parse::<Price>().map_err(|what| wrong(5, what))?,
        customer_id: text(6),
        country: text(7),
        currency: CURRENCY.to_owned(),
    })
}

/// The files name no time zone; their times are taken as UTC.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text, DATE_FORMAT)
        .ok()
        .map(|time| time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "536365,85123A,\"HOLDER, WHITE\n(large)\",6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n\
                        C536379,D,,-1,2010-12-01 09:41:00,27.5,,EIRE\n";

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, lines) in files {
            fs::write(folder.path().join(name), format!("{}\n{lines}", HEADER.join(","))).unwrap();
        }
        folder
    }

    fn all(source: &mut RetailFiles) -> Result<Vec<Event>> {
        std::iter::from_fn(|| source.next_event().transpose()).collect()
    }

    #[test]
    fn lines_come_in_order_of_files_and_keep_their_text() {
        let folder = folder(&[
            ("2010-12-02.csv", "1,A,B,1,2010-12-02 08:00:00,1,,X\n"),
            ("2010-12-01.csv", GOOD),
        ]);
        let events = all(&mut RetailFiles::open(folder.path()).unwrap()).unwrap();
        let lines: Vec<_> = events.iter().map(|event| &event.line).collect();
        assert_eq!(
            lines.iter().map(|line| line.invoice_no.as_str()).collect::<Vec<_>>(),
            ["536365", "C536379", "1"]
        );
        assert_eq!(lines[0].description.as_deref(), Some("HOLDER, WHITE\n(large)"));
        assert_eq!(lines[0].customer_id.as_deref(), Some("17850.0"));
        assert_eq!(lines[0].unit_price.thousandths(), 2550);
        assert_eq!(lines[0].invoice_date.to_rfc3339(), "2010-12-01T08:26:00+00:00");
        assert_eq!(
            (lines[1].description.as_ref(), lines[1].customer_id.as_ref()),
            (None, None)
        );
        assert_eq!(lines[1].quantity, -1);
    }

    #[test]
    fn an_event_is_named_after_its_file_and_the_line_it_starts_on() {
        let folder = folder(&[("day.csv", GOOD)]);
        let events = all(&mut RetailFiles::open(folder.path()).unwrap()).unwrap();
        let expected = ["day.csv:2", "day.csv:4"].map(|name| Event::new(name, events[0].line.clone()).event_id);
        assert_eq!(
            events.iter().map(|event| event.event_id.clone()).collect::<Vec<_>>(),
            expected
        );
    }

    #[test]
    fn a_file_with_a_bad_line_gives_nothing_and_names_the_line() {
        for (line, what) in [
            ("1,A,B,1,2010-12-01 08:00:00,1,X", "7 fields where 8"),
            ("1,A,B,1,2010-12-01 08:00:00,1,,X,Y", "9 fields where 8"),
            ("1,A,B,1.5,2010-12-01 08:00:00,1,,X", "Quantity `1.5`"),
            ("1,A,B,3000000000,2010-12-01 08:00:00,1,,X", "Quantity `3000000000`"),
            ("1,A,B,1,2010-12-32 08:00:00,1,,X", "InvoiceDate `2010-12-32 08:00:00`"),
            (
                "1,A,B,1,2010-12-01 08:00:00,one,,X",
                "UnitPrice `one` is not a decimal number",
            ),
        ] {
            let folder = folder(&[("day.csv", &format!("{GOOD}{line}\n"))]);
            let mut source = RetailFiles::open(folder.path()).unwrap();
            let error = source.next_event().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Document);
            let message = error.to_string();
            assert!(message.contains("day.csv:5: ") && message.contains(what), "{message}");
        }
    }

    #[test]
    fn a_file_without_the_header_or_in_another_encoding_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for (text, what) in [
            (&b"InvoiceNo,StockCode\n"[..], "day.csv:1: expected the header"),
            (b"", "day.csv:1: the file is empty"),
            (b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n1,A,\xe9,1,,1,,X\n", "day.csv:2: is not UTF-8"),
        ] {
            fs::write(folder.path().join("day.csv"), text).unwrap();
            let error = RetailFiles::open(folder.path()).unwrap().next_event().unwrap_err();
            assert!(error.to_string().contains(what), "{error}");
        }
    }

    #[test]
    fn a_folder_without_files_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            RetailFiles::open(folder.path()).err().unwrap().kind(),
            ErrorKind::NotFound
        );
        assert_eq!(
            RetailFiles::open(&folder.path().join("none")).err().unwrap().kind(),
            ErrorKind::NotFound
        );
    }

    /// Control totals from the data's own README, computed there with Python.
    #[test]
    fn the_real_invoices_meet_their_control_totals() {
        let Some(folder) = polder_testkit::data::retail("polder-source") else {
            return;
        };
        let mut source = RetailFiles::open(&folder).unwrap();
        let expected = source.expected();
        let (mut lines, mut cancelled, mut anonymous, mut value) = (0_u64, 0, 0, 0_i128);
        let mut ids = std::collections::HashSet::new();
        while let Some(event) = source.next_event().unwrap() {
            let line = &event.line;
            lines += 1;
            cancelled += u64::from(line.invoice_no.starts_with('C'));
            anonymous += u64::from(line.customer_id.is_none());
            value += i128::from(line.quantity) * i128::from(line.unit_price.thousandths());
            ids.insert(event.event_id);
        }
        assert_eq!((lines, cancelled, anonymous), (370_931, 6_652, 98_056));
        assert_eq!(value, 6_781_619_004);
        assert_eq!(ids.len() as u64, lines);
        assert_eq!(expected, Some(lines));
    }
}

//! The check of rows of links, as `checks.rs`. `crates/bulk/tests/corpus.rs` runs it on the inputs
//! in `fuzz/corpus/rows`.

use std::collections::BTreeMap;
use std::io::Cursor;

use wxlink::Lang;
use wxlink_bulk::{BadRow, Format, ReadOptions, Row, RowDefaults, read_rows};

/// Input: a byte that chooses the format and the defaults, then a file of rows.
pub fn rows(data: &[u8]) {
    let Some((choice, file)) = data.split_first() else {
        return;
    };
    let format = [None, Some(Format::Csv), Some(Format::Json)][usize::from(choice % 3)];
    let default = [None, Some(false), Some(true)][usize::from(choice / 3 % 3)];
    let defaults = RowDefaults {
        notify_users: default,
        show_profile: default,
    };
    let lines = file
        .iter()
        .filter(|byte| matches!(byte, b'\n' | b'\r'))
        .count() as u64
        + 1;
    // The rows of a workbook are no lines.
    let is_workbook = file.starts_with(b"PK");
    let lines = if is_workbook { u64::MAX } else { lines };
    let items = match read(file, format, defaults) {
        Ok(items) => items,
        Err(bad) => return check_bad(&bad, lines),
    };
    let mut good = Vec::new();
    let mut last = 0;
    for row in items {
        let line = row.as_ref().map_or_else(|bad| bad.line, |row| row.line);
        assert!(last <= line, "line {line} after line {last}");
        last = line;
        match row {
            Err(bad) => check_bad(&bad, lines),
            Ok(row) => {
                assert!((1..=lines).contains(&row.line), "{row:?}");
                assert!(!row.account.is_empty() && !row.appid.is_empty());
                good.push(row);
            }
        }
    }
    if good.is_empty() {
        return;
    }
    // What was read is written and read again, without defaults.
    let mut csv = "account,appid,notify_users,show_profile\n".to_owned();
    let mut jsonl = String::new();
    for row in &good {
        let (account, appid) = (&row.account, &row.appid);
        let flags = [row.notify_users, row.show_profile].map(u8::from);
        let [notify_users, show_profile] = flags;
        csv += &format!("\"{account}\",\"{appid}\",{notify_users},{show_profile}\n");
        let mut json = serde_json::json!({
            "account": account,
            "appid": appid,
            "notify_users": notify_users,
            "show_profile": show_profile,
        });
        for cell in row.other.iter() {
            json[&cell.name] = cell.text.as_str().into();
        }
        jsonl += &format!("{json}\n");
    }
    for (text, format) in [(csv, Format::Csv), (jsonl, Format::Json)] {
        let again = read(text.as_bytes(), Some(format), RowDefaults::default()).unwrap();
        let again: Vec<Row> = again.into_iter().map(Result::unwrap).collect();
        assert_eq!(again.len(), good.len());
        for (again, row) in again.into_iter().zip(&good) {
            if format == Format::Json {
                assert_eq!(sorted(&again), sorted(row));
            }
            let (line, other) = (row.line, row.other.clone());
            let again = Row {
                line,
                other,
                ..again
            };
            assert_eq!(again, *row);
        }
    }
}

/// The other cells of a row by their names, which a JSON object does not keep in order.
fn sorted(row: &Row) -> BTreeMap<&str, &str> {
    let cells = row.other.iter();
    cells.map(|cell| (&*cell.name, &*cell.text)).collect()
}

type Rows = Vec<Result<Row, BadRow>>;

fn read(file: &[u8], format: Option<Format>, defaults: RowDefaults) -> Result<Rows, BadRow> {
    let file = Cursor::new(file.to_vec());
    let options = ReadOptions {
        format,
        defaults,
        ..ReadOptions::default()
    };
    Ok(read_rows(file, &options)?.collect())
}

/// The message of an invalid row names a line that exists.
fn check_bad(bad: &BadRow, lines: u64) {
    assert!((1..=lines).contains(&bad.line), "{bad:?} of {lines} lines");
    for lang in [Lang::En, Lang::Zh] {
        assert!(!bad.why.get(lang).is_empty());
        assert!(bad.message().get(lang).contains(&bad.line.to_string()));
    }
}

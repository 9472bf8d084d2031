//! Cells of CSV files that spreadsheets open.

use std::borrow::Cow;
use std::io::Write;

/// Spreadsheets recognise UTF-8 only by this mark.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// A cell that no spreadsheet runs as a formula: one that could be a formula begins with an
/// apostrophe instead. [`unescape`] restores it.
pub(crate) fn escape(cell: &str) -> Cow<'_, str> {
    // A NUL would end the cell in some programs, and readers of CSV refuse it.
    let cell = if cell.contains('\0') {
        Cow::from(cell.replace('\0', "\u{fffd}"))
    } else {
        Cow::from(cell)
    };
    if may_be_formula(&cell) {
        format!("'{cell}").into()
    } else {
        cell
    }
}

/// The cell that [`escape`] was given.
pub(crate) fn unescape(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if may_be_formula(rest) => rest,
        _ => cell,
    }
}

/// A line of a CSV file that spreadsheets open, with its line end: no cell is run as a formula.
pub fn csv_line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut csv = csv::Writer::from_writer(Vec::new());
    write_record(&mut csv, cells.into_iter().map(escape))
        .ok()
        .and_then(|()| csv.into_inner().ok())
        .and_then(|line| String::from_utf8(line).ok())
        // Writing text to memory cannot fail.
        .unwrap_or_default()
}

/// Writes a record of cells that are escaped.
pub(crate) fn write_record<'a>(
    csv: &mut csv::Writer<impl Write>,
    cells: impl Iterator<Item = Cow<'a, str>>,
) -> csv::Result<()> {
    for cell in cells {
        csv.write_field(cell.as_bytes())?;
    }
    csv.write_record(None::<&[u8]>)
}

/// Whether a spreadsheet might run a cell as a formula. Apostrophes before it are part of it, so
/// that escaping can be undone.
fn may_be_formula(cell: &str) -> bool {
    let first = cell.trim_start_matches('\'').chars().next();
    // Some spreadsheets also accept the full-width forms.
    first.is_some_and(|first| "=+-@\t\r\n＝＋－＠".contains(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_could_be_a_formula_begins_with_an_apostrophe() {
        for cell in [
            "=1+1", "+86 10", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1",
            "＠A1", "'=1", "''-1",
        ] {
            let escaped = escape(cell);
            assert_eq!(escaped, format!("'{cell}"));
            assert_eq!(unescape(&escaped), cell);
        }
    }

    #[test]
    fn a_line_is_read_back_as_the_cells_that_were_written() {
        assert_eq!(csv_line(["a", "=1,2", "\"", ""]), "a,\"'=1,2\",\"\"\"\",\n");
        assert_eq!(csv_line([""]), "\"\"\n");
    }

    #[test]
    fn other_cells_stay_unchanged() {
        for cell in ["", "a=b", " =1", "1-2", "'", "''", "'text'", "茶"] {
            assert_eq!(escape(cell), cell);
            assert_eq!(unescape(cell), cell);
        }
        assert_eq!(escape("a\0b"), "a\u{fffd}b");
    }
}

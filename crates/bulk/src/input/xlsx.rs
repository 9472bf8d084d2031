//! Reads the rows of a sheet of an XLSX workbook.

use std::io::Cursor;

use calamine::{DataRef, ExcelDateTime, Reader, Sheet, SheetType, SheetVisible, Xlsx, XlsxError};

use super::records::CsvRecord;
use crate::message::{Message, message};
use crate::row::is_blank;

/// The largest workbook that is read (bytes). It is in memory while its rows are read.
pub(super) const MAX_WORKBOOK_BYTES: u64 = 1 << 28;
/// How many columns a sheet can have.
const MAX_COLUMNS: usize = 16_384;

/// The rows of a sheet that have text.
pub(super) struct SheetRows {
    /// The sheet's name.
    pub sheet: String,
    /// The rows. All have the same number of cells.
    pub rows: Vec<CsvRecord>,
}

/// Reads a sheet: the one with this name, or the first one that is visible.
///
/// # Errors
/// The file is no XLSX workbook, is protected by a password or damaged, or has no such sheet.
pub(super) fn read_sheet(file: Vec<u8>, name: Option<&str>) -> Result<SheetRows, Message> {
    // The reader may panic on a damaged file.
    let read = wxlink::catch_panic(|| {
        let mut workbook = Xlsx::new(Cursor::new(file)).map_err(|e| unreadable(&e))?;
        let sheet = find_sheet(workbook.sheets_metadata(), name)?;
        let rows = rows_of(&mut workbook, &sheet).map_err(|e| unreadable(&e))?;
        Ok(SheetRows { sheet, rows })
    });
    read.unwrap_or_else(|| {
        Err(message!(
            "the workbook is damaged. Open it in the spreadsheet and save it again, or save it as \
             CSV UTF-8",
            "工作簿已损坏。请在表格软件中打开并重新保存，或另存为“CSV UTF-8”格式"
        ))
    })
}

/// What is wrong with a file that is a spreadsheet in the format of older ones, which also contains
/// workbooks that are protected by a password.
pub(super) fn old_spreadsheet(file: &[u8]) -> Message {
    let name: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    if file.windows(name.len()).any(|part| part == name) {
        message!(
            "the workbook is protected by a password. Remove the password in the spreadsheet, or \
             save the sheet as CSV UTF-8",
            "工作簿有密码保护。请在表格软件中取消密码，或将工作表另存为“CSV UTF-8”格式"
        )
    } else {
        message!(
            "the file is a spreadsheet of the old format XLS. In the spreadsheet, choose Save as \
             and the format XLSX or CSV UTF-8",
            "文件是旧格式 XLS 的电子表格。请在表格软件中另存为 XLSX 或“CSV UTF-8”格式"
        )
    }
}

fn find_sheet(sheets: &[Sheet], name: Option<&str>) -> Result<String, Message> {
    let worksheets = || sheets.iter().filter(|s| s.typ == SheetType::WorkSheet);
    let found = match name {
        Some(name) => worksheets().find(|sheet| sheet.name == name),
        None => worksheets()
            .find(|sheet| sheet.visible == SheetVisible::Visible)
            .or_else(|| worksheets().next()),
    };
    if let Some(sheet) = found {
        return Ok(sheet.name.clone());
    }
    let names: Vec<String> = worksheets()
        .map(|sheet| format!("{:?}", sheet.name))
        .collect();
    let names = names.join(", ");
    Err(match name {
        Some(name) => message!(
            "the workbook has no sheet {name:?}; it has {names}. Choose one with --sheet",
            "工作簿中没有名为 {name:?} 的工作表，现有：{names}。请用 --sheet 指定"
        ),
        None => message!("the workbook has no sheet", "工作簿中没有工作表"),
    })
}

fn rows_of(workbook: &mut Xlsx<Cursor<Vec<u8>>>, sheet: &str) -> Result<Vec<CsvRecord>, XlsxError> {
    let mut rows: Vec<CsvRecord> = Vec::new();
    let mut width = 0;
    let mut cells = workbook.worksheet_cells_reader(sheet)?;
    while let Some(cell) = cells.next_cell()? {
        let text = text_of(cell.get_value());
        if text.trim().is_empty() {
            continue;
        }
        let (row, column) = cell.get_position();
        let (line, column) = (u64::from(row) + 1, column as usize);
        if column >= MAX_COLUMNS {
            return Err(XlsxError::ColumnNumberOverflow);
        }
        if rows.last().is_none_or(|last| last.line != line) {
            if rows.last().is_some_and(|last| last.line > line) {
                return Err(XlsxError::Unexpected("rows are not in order"));
            }
            rows.push(CsvRecord {
                line,
                cells: Vec::new(),
                lines: Vec::new(),
            });
        }
        if let Some(CsvRecord { cells, .. }) = rows.last_mut() {
            cells.resize(cells.len().max(column + 1), String::new());
            cells[column] = text;
        }
        width = width.max(column + 1);
    }
    for row in &mut rows {
        row.cells.resize(width, String::new());
    }
    Ok(rows)
}

/// The text of a cell, as far as the file contains it: without the number format that the user
/// chose, but with at most the 15 digits that a spreadsheet shows.
fn text_of(cell: &DataRef<'_>) -> String {
    match cell {
        DataRef::Empty => String::new(),
        DataRef::String(text) => text.trim_matches(is_blank).to_owned(),
        DataRef::SharedString(text) => text.trim_matches(is_blank).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => text_of_number(*number),
        DataRef::Bool(true) => "TRUE".to_owned(),
        DataRef::Bool(false) => "FALSE".to_owned(),
        DataRef::DateTime(time) => text_of_time(time),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => error.to_string(),
    }
}

fn text_of_number(number: f64) -> String {
    let rounded = format!("{number:.14e}").parse().unwrap_or(number);
    // Not a negative zero.
    (rounded + 0.0).to_string()
}

fn text_of_time(time: &ExcelDateTime) -> String {
    if time.is_duration() {
        let seconds = (time.as_f64() * 86_400.0).round() as i64;
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        return format!("{}:{:02}:{seconds:02}", minutes / 60, minutes % 60);
    }
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let clock = format!("{hour:02}:{minute:02}:{second:02}");
    match (time.as_f64() < 1.0, clock.as_str()) {
        (true, _) => clock,
        (false, "00:00:00") => date,
        (false, _) => format!("{date} {clock}"),
    }
}

fn unreadable(error: &XlsxError) -> Message {
    message!(
        "the workbook cannot be read: {error}. In the spreadsheet, choose Save as and the format \
         XLSX or CSV UTF-8",
        "无法读取工作簿：{error}。请在表格软件中另存为 XLSX 或“CSV UTF-8”格式"
    )
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    #[test]
    fn numbers_and_times_have_the_text_that_a_spreadsheet_shows() {
        for (number, expected) in [
            (1.0, "1"),
            (0.1 + 0.2, "0.3"),
            (-0.0, "0"),
            (13_800_138_000.0, "13800138000"),
            (1.1, "1.1"),
            (123_456_789_012_345_680.0, "123456789012346000"),
        ] {
            assert_eq!(text_of_number(number), expected);
        }
        let time = |value, kind| text_of_time(&ExcelDateTime::new(value, kind, false));
        let date = ExcelDateTimeType::DateTime;
        assert_eq!(time(45_943.0, date), "2025-10-13");
        assert_eq!(time(45_943.5, date), "2025-10-13 12:00:00");
        assert_eq!(time(0.25, date), "06:00:00");
        assert_eq!(time(1.5, ExcelDateTimeType::TimeDelta), "36:00:00");
    }
}

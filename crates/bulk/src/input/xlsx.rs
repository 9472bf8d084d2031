//! Reads the rows of a sheet of an XLSX workbook.

use std::io::{Cursor, Read};

use calamine::{DataRef, ExcelDateTime, Reader, Sheet, SheetType, SheetVisible, Xlsx, XlsxError};
use zip::ZipArchive;

use super::records::CsvRecord;
use crate::message::{Message, message};
use crate::row::is_blank;

/// The largest workbook that is read (bytes). It is in memory while its rows are read.
pub(super) const MAX_WORKBOOK_BYTES: u64 = 1 << 28;
/// How many columns a sheet can have.
const MAX_COLUMNS: usize = 16_384;
/// How much of a file is unpacked at once (bytes).
const UNPACK_BUFFER_SIZE: usize = 1 << 16;

/// Limits on the memory that a workbook needs. Its file may be a thousand times smaller.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// How large all parts of the workbook are when they are unpacked (bytes).
    unpacked_bytes: u64,
    /// How much memory the cells of the sheet need (bytes).
    cell_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            unpacked_bytes: 1 << 30,
            cell_bytes: 1 << 30,
        }
    }
}

/// The rows of a sheet that have text.
pub(super) struct SheetRows {
    /// The sheet's name.
    pub sheet: String,
    /// How many columns it has.
    pub width: usize,
    /// The rows. Empty cells at their ends are missing.
    pub rows: Vec<CsvRecord>,
}

/// Reads a sheet: the one with this name, or the first one that is visible.
///
/// # Errors
/// The file is no XLSX workbook, is protected by a password, damaged or too large, or has no such
/// sheet.
pub(super) fn read_sheet(
    file: Vec<u8>,
    name: Option<&str>,
    limits: Limits,
) -> Result<SheetRows, Message> {
    // The reader may panic on a damaged file.
    let read = wxlink::catch_panic(|| {
        check_unpacked_size(&file, limits.unpacked_bytes)?;
        let mut workbook = Xlsx::new(Cursor::new(file)).map_err(|e| unreadable(&e))?;
        let sheet = find_sheet(workbook.sheets_metadata(), name)?;
        let (width, rows) = rows_of(&mut workbook, &sheet, limits.cell_bytes)?;
        Ok(SheetRows { sheet, width, rows })
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

/// Checks how large the parts of the workbook are when they are unpacked. The sizes that the file
/// declares may be wrong, so they are unpacked.
fn check_unpacked_size(file: &[u8], limit: u64) -> Result<(), Message> {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(file)) else {
        // The reader reports what is wrong with it.
        return Ok(());
    };
    let mut unpacked = 0;
    let mut buffer = vec![0; UNPACK_BUFFER_SIZE];
    for index in 0..archive.len() {
        // The reader reports a part that cannot be unpacked, if it needs that part.
        let Ok(mut part) = archive.by_index(index) else {
            continue;
        };
        while let Ok(length @ 1..) = part.read(&mut buffer) {
            unpacked += length as u64;
            if unpacked > limit {
                let limit = limit >> 20;
                return Err(message!(
                    "the workbook is larger than {limit} MiB when it is unpacked. Save the sheet \
                     as CSV UTF-8",
                    "工作簿解压后超过 {limit} MiB。请将工作表另存为“CSV UTF-8”格式"
                ));
            }
        }
    }
    Ok(())
}

/// How many columns the sheet has, and its rows.
fn rows_of(
    workbook: &mut Xlsx<Cursor<Vec<u8>>>,
    sheet: &str,
    max_bytes: usize,
) -> Result<(usize, Vec<CsvRecord>), Message> {
    let failed = |error: XlsxError| unreadable(&error);
    let mut rows: Vec<CsvRecord> = Vec::new();
    let (mut width, mut bytes) = (0, 0);
    let mut cells = workbook.worksheet_cells_reader(sheet).map_err(failed)?;
    while let Some(cell) = cells.next_cell().map_err(failed)? {
        let text = text_of(cell.get_value());
        if text.trim().is_empty() {
            continue;
        }
        let (row, column) = cell.get_position();
        let (line, column) = (u64::from(row) + 1, column as usize);
        if column >= MAX_COLUMNS {
            return Err(unreadable(&XlsxError::ColumnNumberOverflow));
        }
        if rows.last().is_none_or(|last| last.line != line) {
            if rows.last().is_some_and(|last| last.line > line) {
                return Err(unreadable(&XlsxError::Unexpected("rows are not in order")));
            }
            rows.push(CsvRecord {
                line,
                cells: Vec::new(),
                lines: Vec::new(),
            });
            bytes += size_of::<CsvRecord>();
        }
        if let Some(CsvRecord { cells, .. }) = rows.last_mut() {
            // The cells before this one need memory too.
            let more = (column + 1).saturating_sub(cells.len());
            bytes += more * size_of::<String>() + text.len();
            if bytes > max_bytes {
                let limit = max_bytes >> 20;
                return Err(message!(
                    "the sheet {sheet:?} needs more than {limit} MiB of memory at line {line}. \
                     Delete cells far to the right that are no columns, or save the sheet as CSV \
                     UTF-8",
                    "工作表 {sheet:?} 读到第 {line} 行时占用的内存超过 {limit} MiB。\
                     请删除右侧远处多余的单元格，或将工作表另存为“CSV UTF-8”格式"
                ));
            }
            cells.resize(cells.len().max(column + 1), String::new());
            cells[column] = text;
        }
        width = width.max(column + 1);
    }
    Ok((width, rows))
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
    use std::io::Write as _;

    use calamine::ExcelDateTimeType;
    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    /// The parts of a workbook with one sheet, which has these rows.
    fn workbook(rows: &str) -> Vec<(String, Vec<u8>)> {
        let parts = crate::template::parts(wxlink::Lang::En);
        let parts = parts.into_iter().map(|part| {
            let text = match part.name {
                crate::template::SHEET => {
                    format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")
                }
                _ => part.text,
            };
            (part.name.to_owned(), text.into_bytes())
        });
        parts.collect()
    }

    fn packed(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for (name, text) in parts {
            archive.start_file(name.as_str(), options).unwrap();
            archive.write_all(text).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn cell(place: &str, text: &str) -> String {
        format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
    }

    #[test]
    fn a_workbook_that_is_too_large_when_it_is_unpacked_is_refused() {
        let limits = Limits {
            unpacked_bytes: 1 << 20,
            ..Limits::default()
        };
        let row = format!("<row>{}</row>", cell("A1", "account"));
        let mut parts = workbook(&row);
        assert!(read_sheet(packed(&parts), None, limits).is_ok());
        // Spaces are packed a thousandfold. The part is not even one that is read.
        parts.push(("bomb".to_owned(), vec![b' '; 1 << 20]));
        let mut file = packed(&parts);
        assert!(file.len() < 10_000, "{}", file.len());
        let refused = |file: &[u8]| read_sheet(file.to_vec(), None, limits).err().unwrap();
        let why = refused(&file);
        let expected = "the workbook is larger than 1 MiB when it is unpacked. Save the sheet as";
        assert!(why.to_string().starts_with(expected), "{why}");
        // The size that the file declares does not matter.
        let declared = (1_u32 << 20).to_le_bytes();
        let places: Vec<usize> = (0..file.len() - 4)
            .filter(|at| file[*at..at + 4] == declared)
            .collect();
        assert!(!places.is_empty());
        for at in places {
            file[at..at + 4].copy_from_slice(&1_u32.to_le_bytes());
        }
        assert_eq!(refused(&file), why);
        assert!(read_sheet(file, None, Limits::default()).is_ok());
    }

    #[test]
    fn rows_with_cells_far_to_the_right_do_not_take_all_memory() {
        let limits = Limits {
            cell_bytes: 1 << 20,
            ..Limits::default()
        };
        let sheet = |last: &str| {
            let rows = (1..=9).map(|n| {
                let cells = [
                    cell(&format!("A{n}"), "x"),
                    cell(&format!("{last}{n}"), "y"),
                ];
                format!("<row r=\"{n}\">{}</row>", cells.concat())
            });
            packed(&workbook(&rows.collect::<String>()))
        };
        let near = read_sheet(sheet("B"), None, limits).ok().unwrap();
        assert_eq!((near.width, near.rows.len()), (2, 9));
        let far = read_sheet(sheet("XFD"), None, limits).err().unwrap();
        let expected = "the sheet \"links\" needs more than 1 MiB of memory at line 3.";
        assert!(far.to_string().starts_with(expected), "{far}");
        assert!(read_sheet(sheet("XFD"), None, Limits::default()).is_ok());
        // One cell far to the right costs nothing in the other rows.
        let rows =
            (1..=99).map(|n| format!("<row r=\"{n}\">{}</row>", cell(&format!("A{n}"), "x")));
        let rows = format!(
            "{}<row r=\"100\">{}</row>",
            rows.collect::<String>(),
            cell("XFD100", "y")
        );
        let stray = read_sheet(packed(&workbook(&rows)), None, limits)
            .ok()
            .unwrap();
        assert_eq!((stray.width, stray.rows.len()), (MAX_COLUMNS, 100));
    }

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

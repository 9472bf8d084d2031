//! Empty files of rows, which people fill in with a spreadsheet.

use wxlink::{Lang, Text};

use crate::columns::LINK_COLUMNS;
use crate::spreadsheet::BYTE_ORDER_MARK;

/// The part of a workbook that is its sheet.
pub(crate) const SHEET: &str = "xl/worksheets/sheet1.xml";
/// The name of the sheet.
const SHEET_NAME: Text = Text {
    en: "links",
    zh: "关联",
};
/// What the cells for choices offer. Other words for yes and no can be typed.
const CHOICES: Text = Text {
    en: "yes,no",
    zh: "是,否",
};
/// The cells for choices: two columns, from the second row to the last one that a sheet can have.
const CHOICE_CELLS: &str = "C2:D1048576";
/// The widths of the columns (characters).
const WIDTHS: [u32; 4] = [24, 24, 14, 14];
const XML_HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
/// What the names of XML and of relationships in workbooks start with.
const SCHEMAS: &str = "http://schemas.openxmlformats.org";

/// A file of XML in a workbook.
pub(crate) struct Part {
    pub name: &'static str,
    pub text: String,
}

/// An empty CSV file of rows: the names of the columns, so that spreadsheets recognise the
/// encoding.
pub fn csv_template(lang: Lang) -> String {
    format!("{BYTE_ORDER_MARK}{}\r\n", column_names(lang).join(","))
}

/// An empty workbook (XLSX) of rows: the names of the columns, which stay visible, above cells that
/// are text, so that a spreadsheet keeps what is typed. The cells for yes and no offer both.
pub fn xlsx_template(lang: Lang) -> Vec<u8> {
    archive(&parts(lang))
}

fn column_names(lang: Lang) -> [&'static str; 4] {
    LINK_COLUMNS.map(|column| match lang {
        Lang::En => column.name,
        Lang::Zh => column.chinese,
    })
}

/// The parts of the workbook.
pub(crate) fn parts(lang: Lang) -> Vec<Part> {
    let part = |name, text: String| Part {
        name,
        text: format!("{XML_HEAD}{text}"),
    };
    let main = format!("{SCHEMAS}/spreadsheetml/2006/main");
    let office = format!("{SCHEMAS}/officeDocument/2006/relationships");
    let package = format!("{SCHEMAS}/package/2006");
    let relationship = |id: &str, kind: &str, target: &str| {
        format!("<Relationship Id=\"{id}\" Type=\"{office}/{kind}\" Target=\"{target}\"/>")
    };
    let content = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    let content_type = |name: &str, kind: &str| {
        format!("<Override PartName=\"/{name}\" ContentType=\"{content}.{kind}+xml\"/>")
    };
    vec![
        part(
            "[Content_Types].xml",
            format!(
                "<Types xmlns=\"{package}/content-types\">\
                 <Default Extension=\"rels\" \
                 ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
                 {}{}{}</Types>",
                content_type("xl/workbook.xml", "sheet.main"),
                content_type(SHEET, "worksheet"),
                content_type("xl/styles.xml", "styles"),
            ),
        ),
        part(
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{package}/relationships\">{}</Relationships>",
                relationship("rId1", "officeDocument", "xl/workbook.xml"),
            ),
        ),
        part(
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets>\
                 <sheet name=\"{}\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>",
                SHEET_NAME.get(lang),
            ),
        ),
        part(
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{package}/relationships\">{}{}</Relationships>",
                relationship("rId1", "worksheet", "worksheets/sheet1.xml"),
                relationship("rId2", "styles", "styles.xml"),
            ),
        ),
        part("xl/styles.xml", styles(&main)),
        part(SHEET, sheet(&main, lang)),
    ]
}

/// The formats of cells: 0 is the default, 1 is text (the built-in number format 49), 2 is text in
/// bold on grey.
fn styles(main: &str) -> String {
    let font = |bold| format!("<font>{bold}<sz val=\"11\"/><name val=\"Calibri\"/></font>");
    let fill = |pattern| format!("<fill><patternFill {pattern}</fill>");
    format!(
        "<styleSheet xmlns=\"{main}\">\
         <fonts count=\"2\">{}{}</fonts>\
         <fills count=\"3\">{}{}{}</fills>\
         <borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
         <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/>\
         </cellStyleXfs>\
         <cellXfs count=\"3\">\
         <xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>\
         <xf numFmtId=\"49\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" \
         applyNumberFormat=\"1\"/>\
         <xf numFmtId=\"49\" fontId=\"1\" fillId=\"2\" borderId=\"0\" xfId=\"0\" \
         applyNumberFormat=\"1\" applyFont=\"1\" applyFill=\"1\"/>\
         </cellXfs>\
         <cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/>\
         </cellStyles></styleSheet>",
        font(""),
        font("<b/>"),
        // Every workbook has the first two.
        fill("patternType=\"none\"/>"),
        fill("patternType=\"gray125\"/>"),
        fill("patternType=\"solid\"><fgColor rgb=\"FFE7E6E6\"/></patternFill>"),
    )
}

fn sheet(main: &str, lang: Lang) -> String {
    let cells = ["A1", "B1", "C1", "D1"].into_iter().zip(column_names(lang));
    let cells = cells.map(|(place, name)| {
        format!("<c r=\"{place}\" s=\"2\" t=\"inlineStr\"><is><t>{name}</t></is></c>")
    });
    let columns = (1..).zip(WIDTHS).map(|(n, width)| {
        format!("<col min=\"{n}\" max=\"{n}\" width=\"{width}\" style=\"1\" customWidth=\"1\"/>")
    });
    format!(
        "<worksheet xmlns=\"{main}\"><sheetViews><sheetView workbookViewId=\"0\">\
         <pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/>\
         <selection pane=\"bottomLeft\" activeCell=\"A2\" sqref=\"A2\"/></sheetView></sheetViews>\
         <cols>{}</cols><sheetData><row r=\"1\">{}</row></sheetData>\
         <dataValidations count=\"1\"><dataValidation type=\"list\" allowBlank=\"1\" \
         sqref=\"{CHOICE_CELLS}\"><formula1>\"{}\"</formula1></dataValidation></dataValidations>\
         </worksheet>",
        columns.collect::<String>(),
        cells.collect::<String>(),
        CHOICES.get(lang),
    )
}

/// A ZIP file of these parts, which are not compressed: compressing them would make the program
/// larger than the file becomes smaller. The names are ASCII.
fn archive(parts: &[Part]) -> Vec<u8> {
    const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
    const DIRECTORY_HEADER: &[u8] = b"PK\x01\x02";
    const END: &[u8] = b"PK\x05\x06";
    // The version of the format that a reader needs, 2.0; no flags; not compressed; the first day
    // that a ZIP file can express.
    const PROPERTIES: [u16; 5] = [20, 0, 0, 0, 0x21];
    let short = |number: usize| u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes();
    let long = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for Part { name, text } in parts {
        let start = file.len();
        let mut description: Vec<u8> = PROPERTIES.iter().flat_map(|n| n.to_le_bytes()).collect();
        description.extend(crc32fast::hash(text.as_bytes()).to_le_bytes());
        description.extend([long(text.len()), long(text.len())].concat());
        // No extra field.
        description.extend([short(name.len()), short(0)].concat());
        file.extend([LOCAL_HEADER, &description, name.as_bytes(), text.as_bytes()].concat());
        // Made by version 2.0. No comment, the first disk, and no attributes.
        directory.extend([DIRECTORY_HEADER, &short(20), &description].concat());
        directory.extend([[0; 10].as_slice(), &long(start), name.as_bytes()].concat());
    }
    let (start, size, count) = (file.len(), directory.len(), short(parts.len()));
    file.extend(directory);
    // One disk, and no comment.
    file.extend(
        [
            END,
            &[0; 4],
            &count,
            &count,
            &long(size),
            &long(start),
            &[0; 2],
        ]
        .concat(),
    );
    file
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::input::{ReadOptions, read_rows};
    use crate::row::{BadRow, Row};

    fn read(file: Vec<u8>) -> Result<Vec<Row>, BadRow> {
        read_rows(Cursor::new(file), &ReadOptions::default())?.collect()
    }

    /// The workbook after someone has typed these rows below the names.
    fn filled_in(lang: Lang, rows: &[[&str; 4]]) -> Vec<u8> {
        let mut parts = parts(lang);
        let sheet = parts.iter_mut().find(|part| part.name == SHEET).unwrap();
        let mut typed = String::new();
        for (line, cells) in (2..).zip(rows) {
            let cells = ["A", "B", "C", "D"]
                .iter()
                .zip(cells)
                .map(|(column, text)| {
                    format!(
                        "<c r=\"{column}{line}\" s=\"1\" t=\"inlineStr\"><is><t>{text}</t></is></c>"
                    )
                });
            typed += &format!("<row r=\"{line}\">{}</row>", cells.collect::<String>());
        }
        sheet.text = sheet
            .text
            .replace("</sheetData>", &format!("{typed}</sheetData>"));
        archive(&parts)
    }

    #[test]
    fn a_workbook_that_was_filled_in_is_read() {
        for (lang, [yes, no]) in [(Lang::En, ["yes", "no"]), (Lang::Zh, ["是", "否"])] {
            assert_eq!(CHOICES.get(lang), format!("{yes},{no}"));
            assert_eq!(read(xlsx_template(lang)), Ok(vec![]));
            let rows = [
                ["wx0a00000000000001", "12345678901234567890", no, yes],
                ["wx0a00000000000001", "1e5", yes, "0"],
            ];
            let rows = read(filled_in(lang, &rows)).unwrap();
            let read: Vec<_> = rows
                .iter()
                .map(|row| (&*row.appid, row.notify_users, row.show_profile))
                .collect();
            assert_eq!(
                read,
                [("12345678901234567890", false, true), ("1e5", true, false)]
            );
        }
    }

    #[test]
    fn what_is_typed_below_the_names_stays_text() {
        let parts = parts(Lang::En);
        let text = |name| &parts.iter().find(|part| part.name == name).unwrap().text;
        let attribute = |element: &str, name: &str| -> usize {
            let (_, value) = element.split_once(&format!("{name}=\"")).unwrap();
            value.split('"').next().unwrap().parse().unwrap()
        };
        let (_, styles) = text("xl/styles.xml").split_once("<cellXfs").unwrap();
        let styles: Vec<&str> = styles.split("<xf ").skip(1).collect();
        let mut columns = Vec::new();
        for column in text(SHEET).split("<col ").skip(1) {
            // The built-in number format 49 is text.
            assert_eq!(
                attribute(styles[attribute(column, "style")], "numFmtId"),
                49
            );
            columns.extend(attribute(column, "min")..=attribute(column, "max"));
        }
        assert_eq!(columns, [1, 2, 3, 4]);
    }
}

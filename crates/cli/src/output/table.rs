//! Tables with aligned columns, for any script: the width of a Chinese character is two columns.

use std::fmt;

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use super::style::{HEADING, sanitize};

/// Columns of space between two cells.
const GAP: usize = 2;

/// A table with a row of headings.
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

/// A text and its colour on a terminal.
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub fn new(text: &str, style: Style) -> Cell {
        Cell {
            text: sanitize(text),
            style,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::new(text, Style::new())
    }
}

impl Table {
    pub fn new<'a>(headings: impl IntoIterator<Item = &'a str>) -> Table {
        let headings = headings.into_iter();
        let headings = headings.map(|text| Cell::new(text, HEADING)).collect();
        Table {
            rows: vec![headings],
        }
    }

    pub fn without_headings() -> Table {
        Table { rows: Vec::new() }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The width of each column.
    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|c| c.text.width()).max().unwrap_or_default()
        };
        (0..columns).map(width).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                let style = cell.style;
                write!(f, "{style}{}{style:#}", cell.text)?;
                if column + 1 < row.len() {
                    let padding = widths[column] - cell.text.width() + GAP;
                    write!(f, "{:padding$}", "")?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_with_chinese_text_are_aligned() {
        let mut table = Table::new(["A", "NAME", "C"]);
        table.row(["x".into(), "示例".into(), "end".into()]);
        table.row(["longer".into(), "ab\x1b[2J".into(), "end".into()]);
        let text = anstream::adapter::strip_str(&table.to_string()).to_string();
        let lines: Vec<&str> = text.lines().collect();
        let column = |line: &str, word| line[..line.find(word).unwrap()].width();
        assert_eq!(column(lines[1], "示例"), column(lines[0], "NAME"));
        assert_eq!(column(lines[1], "end"), column(lines[2], "end"));
        assert!(!text.contains('\x1b'), "{text:?}");
    }
}

//! Tables whose columns line up, whatever they are written in.

use std::fmt;

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use crate::output::{HEAD, harmless};

const GAP: usize = 2;

/// A table with a head.
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

/// A text, and how it looks on a terminal.
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub fn new(text: &str, style: Style) -> Cell {
        Cell {
            text: harmless(text),
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
    pub fn new<'a>(head: impl IntoIterator<Item = &'a str>) -> Table {
        let head = head.into_iter().map(|text| Cell::new(text, HEAD)).collect();
        Table { rows: vec![head] }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The width of each column.
    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |at: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            cells.map(|c| c.text.width()).max().unwrap_or_default()
        };
        (0..columns).map(width).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.rows {
            for (at, cell) in row.iter().enumerate() {
                let style = cell.style;
                write!(f, "{style}{}{style:#}", cell.text)?;
                if at + 1 < row.len() {
                    let blanks = widths[at] - cell.text.width() + GAP;
                    write!(f, "{:blanks$}", "")?;
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
    fn columns_line_up_in_chinese_too() {
        let mut table = Table::new(["A", "NAME", "C"]);
        table.row(["x".into(), "示例".into(), "end".into()]);
        table.row(["longer".into(), "ab\x1b[2J".into(), "end".into()]);
        let told = anstream::adapter::strip_str(&table.to_string()).to_string();
        let lines: Vec<&str> = told.lines().collect();
        let place = |line: &str, what| line[..line.find(what).unwrap()].width();
        assert_eq!(place(lines[1], "示例"), place(lines[0], "NAME"));
        assert_eq!(place(lines[1], "end"), place(lines[2], "end"));
        assert!(!told.contains('\x1b'), "{told:?}");
    }
}

//! Colours, and text that is safe to print.

use anstyle::{AnsiColor, Style};

pub(crate) const SUCCESS: Style = AnsiColor::Green.on_default();
pub(crate) const PENDING: Style = AnsiColor::Yellow.on_default();
pub(crate) const FAILURE: Style = AnsiColor::Red.on_default();
pub(crate) const HEADING: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();

/// Replaces control characters and changes of writing direction by spaces, so that a name chosen
/// by a stranger cannot move the cursor, colour the terminal or reorder the rest of the line.
pub(crate) fn sanitize(text: &str) -> String {
    let is_control =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.replace(is_control, " ")
}

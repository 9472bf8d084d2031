//! The help in Chinese: what clap itself writes into it, and lines that fit a terminal.
//!
//! The text of each argument is next to the argument, in both languages. clap writes headings,
//! defaults and the flags for help and version in English only, and breaks lines at spaces, of
//! which Chinese has none.

use clap::builder::StyledStr;
use clap::{Arg, ArgAction, Command};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The width of the help. Every terminal has it.
const COLUMNS: usize = 80;
/// How far clap indents the help of an argument.
const INDENT: usize = 10;
/// How clap describes a command, with a Chinese heading for its usage.
const TEMPLATE: &str = "{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}";

/// The command with help in Chinese. `arguments` are those that all its subcommands take too.
pub(crate) fn in_chinese(command: Command, arguments: Vec<Arg>) -> Command {
    let version = Arg::new("version")
        .short('V')
        .long("version")
        .action(ArgAction::Version)
        .help("显示版本");
    let arguments = std::iter::once(version).chain(arguments);
    translate(command.disable_version_flag(true)).args(arguments.map(translate_argument))
}

/// The rest of what clap writes about the usage.
pub(crate) fn translate_usage(text: &str) -> String {
    text.replace("[OPTIONS]", "[选项]")
}

fn translate(mut command: Command) -> Command {
    if let Some(about) = command.get_about().map(ToString::to_string) {
        command = command.about(wrap(&about, COLUMNS));
    }
    if let Some(about) = command.get_long_about().map(ToString::to_string) {
        command = command.long_about(wrap(&about, COLUMNS));
    }
    if !command.is_disable_help_flag_set() {
        let help = Arg::new("help")
            .short('h')
            .long("help")
            .action(ArgAction::Help)
            .help("显示帮助（--help 更详细）")
            .long_help("显示帮助（-h 更简短）");
        command = command.disable_help_flag(true).arg(help);
    }
    command
        .help_template(TEMPLATE)
        .subcommand_help_heading("命令")
        .subcommand_value_name("命令")
        .mut_args(translate_argument)
        .mut_subcommands(translate)
}

fn translate_argument(mut arg: Arg) -> Arg {
    if arg.get_help_heading().is_none() {
        let heading = if arg.is_positional() {
            "参数"
        } else {
            "选项"
        };
        arg = arg.help_heading(heading);
    }
    let values = shown_values(&arg);
    let complete = |help: &StyledStr| wrap(&format!("{help}{values}"), COLUMNS - INDENT);
    if let Some(help) = arg.get_help().map(complete) {
        arg = arg.help(help);
    }
    if let Some(help) = arg.get_long_help().map(complete) {
        arg = arg.long_help(help);
    }
    if arg.get_action().takes_values() {
        arg = arg.hide_default_value(true).hide_possible_values(true);
    }
    arg.next_line_help(true)
}

/// The default and the possible values, where clap would show them.
fn shown_values(arg: &Arg) -> String {
    let mut text = String::new();
    let defaults = arg.get_default_values().iter();
    let defaults: Vec<_> = defaults.map(|value| value.to_string_lossy()).collect();
    if !defaults.is_empty() && !arg.is_hide_default_value_set() {
        text += &format!(" [默认：{}]", defaults.join(" "));
    }
    let possible = arg.get_possible_values();
    let possible: Vec<&str> = possible.iter().map(|value| value.get_name()).collect();
    let takes_values = arg.get_action().takes_values();
    if takes_values && !possible.is_empty() && !arg.is_hide_possible_values_set() {
        text += &format!(" [可选值：{}]", possible.join("、"));
    }
    text
}

/// Breaks lines that are wider than `columns`: at a space, or next to a Chinese character, but not
/// where punctuation would start or end a line.
fn wrap(text: &str, columns: usize) -> String {
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| wrap_line(line, columns))
        .collect();
    lines.join("\n")
}

fn wrap_line(line: &str, columns: usize) -> String {
    let mut wrapped = String::new();
    let mut width = 0;
    for piece in pieces(line) {
        let visible = piece.trim_end();
        if width > 0 && width + visible.width() > columns {
            wrapped.truncate(wrapped.trim_end().len());
            wrapped.push('\n');
            width = 0;
        }
        wrapped += piece;
        width += piece.width();
    }
    wrapped
}

/// The parts of a line between which it may be broken.
fn pieces(line: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (at, next) in line.char_indices() {
        if last.is_some_and(|last| may_break(last, next)) {
            pieces.push(&line[start..at]);
            start = at;
        }
        last = Some(next);
    }
    pieces.push(&line[start..]);
    pieces
}

fn may_break(last: char, next: char) -> bool {
    let is_wide = |c: char| c.width() == Some(2);
    let starts_no_line = "，。、；：！？）”…] ".contains(next);
    let ends_no_line = "（“[".contains(last);
    (last == ' ' || is_wide(last) || is_wide(next)) && !starts_no_line && !ends_no_line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_and_between_chinese_characters() {
        assert_eq!(wrap("短", 10), "短");
        assert_eq!(wrap("一二三四五六", 10), "一二三四五\n六");
        assert_eq!(wrap("一二三四五。六", 10), "一二三四\n五。六");
        assert_eq!(wrap("一二（三四）", 6), "一二\n（三\n四）");
        assert_eq!(wrap("用 --token-file 指定", 14), "用\n--token-file\n指定");
        assert_eq!(wrap("aa bb cc", 5), "aa bb\ncc");
        assert_eq!(wrap("一二\n三四", 4), "一二\n三四");
    }
}

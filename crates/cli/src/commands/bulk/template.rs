//! `wxlink bulk template`: writes an empty file of rows to fill in.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};

use clap::{Arg, ArgMatches, Command};
use serde_json::json;
use wxlink::Lang;

use crate::args;
use crate::command::examples;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::ExitCode;
use crate::message::{Message, text};

pub(super) fn command(lang: Lang) -> Command {
    Command::new("template")
        .about(text(
            lang,
            "Write an empty file of rows to fill in with a spreadsheet",
            "写出一个空白的行文件，供表格软件填写",
        ))
        .long_about(text(
            lang,
            "Write an empty file of rows to fill in with a spreadsheet: CSV with the names of the \
             columns, in the language of --lang. Add columns of your own as you like; the reports \
             show them. An existing file is not replaced.",
            "写出一个空白的行文件，供表格软件填写：CSV 格式，列名使用 --lang 的\
             语言。可以任意添加自己的列，报告会保留它们。不会覆盖已有的文件。",
        ))
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .default_value("links.csv")
                .help(text(lang, "The file to write", "要写出的文件")),
        )
        .after_help(examples(
            lang,
            &[
                (
                    text(lang, "links.csv", "写出 links.csv"),
                    "wxlink bulk template",
                ),
                (
                    text(lang, "with Chinese column names", "使用中文列名"),
                    "wxlink bulk template --lang zh links-zh.csv",
                ),
            ],
        ))
}

pub(super) fn run(context: &Context, matches: &ArgMatches) -> Result<ExitCode, CommandError> {
    let out = context.out;
    let path = args::required(matches, "file");
    if !path.to_ascii_lowercase().ends_with(".csv") {
        return Err(CommandError::usage(Message::new(
            format!(
                "{path}: templates are CSV, which spreadsheets open. Name a file ending in .csv"
            ),
            format!("{path}：模板为 CSV 格式，可用表格软件打开。请指定以 .csv 结尾的文件"),
        )));
    }
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(wxlink_bulk::template(out.lang()).as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| {
        CommandError::usage(match error.kind() {
            ErrorKind::AlreadyExists => Message::new(
                format!("{path} exists and is not replaced. Name another file"),
                format!("{path} 已存在，不会被覆盖。请指定其他文件"),
            ),
            _ => Message::new(
                format!("{path} could not be written: {error}"),
                format!("无法写入 {path}：{error}"),
            ),
        })
    })?;
    out.result(&json!({"file": path}), || {
        let line = Message::new(
            format!("{path} is written. Fill it in, then check it: wxlink bulk {path} --dry-run"),
            format!("已写入 {path}。填写后可先检查：wxlink bulk {path} --dry-run"),
        );
        out.line(line.get(out.lang()));
    });
    Ok(ExitCode::Done)
}

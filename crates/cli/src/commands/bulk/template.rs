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
            "Write an empty file of rows to fill in with a spreadsheet: CSV or XLSX, as the name \
             of the file ends, with the names of the columns in the language of --lang. In XLSX, \
             the cells are text and offer the choices. Add columns of your own as you like; the \
             reports show them. An existing file is not replaced.",
            "写出一个空白的行文件，供表格软件填写：按文件名的结尾为 CSV 或 XLSX \
             格式，列名使用 --lang 的语言。XLSX 的单元格为文本格式，可选择是或否。\
             可以任意添加自己的列，报告会保留它们。不会覆盖已有的文件。",
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
                    text(lang, "a workbook", "写出工作簿"),
                    "wxlink bulk template links.xlsx",
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
    let name = path.to_ascii_lowercase();
    let template = if name.ends_with(".csv") {
        wxlink_bulk::csv_template(out.lang()).into_bytes()
    } else if name.ends_with(".xlsx") {
        wxlink_bulk::xlsx_template(out.lang())
    } else {
        return Err(CommandError::usage(Message::new(
            format!("{path}: a template is CSV or XLSX. Name a file ending in .csv or .xlsx"),
            format!("{path}：模板为 CSV 或 XLSX 格式。请指定以 .csv 或 .xlsx 结尾的文件"),
        )));
    };
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(&template)?;
        file.sync_all()
    });
    written.map_err(|error| {
        CommandError::usage(match error.kind() {
            ErrorKind::AlreadyExists => Message::new(
                format!("{path} exists and is not replaced. Name another file"),
                format!("{path} 已存在，不会被覆盖。请指定其他文件"),
            ),
            _ => {
                let (en, zh) = (
                    format!("{path} could not be written"),
                    format!("无法写入 {path}"),
                );
                Message::from(error).after(en, zh)
            }
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

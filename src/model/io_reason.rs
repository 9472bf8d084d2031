//! Errors of input and output as messages. The standard library has their texts in English only.

use std::io::{self, ErrorKind};

use super::lang::Lang;
use super::message::Message;

impl From<&io::Error> for Message {
    /// The error's own text in English. In Chinese the reason and the system's number; a reason
    /// that is not the system's stays as it is, unless it is a [`Message`] itself.
    fn from(error: &io::Error) -> Message {
        let en = error.to_string();
        let inner = error.get_ref().map(|inner| inner.downcast_ref::<Message>());
        let zh = match (inner, error.raw_os_error()) {
            (Some(Some(message)), _) => Some(message.get(Lang::Zh).to_owned()),
            (Some(None), _) => None,
            (None, Some(code)) => {
                let reason = reason_of_code(code).or_else(|| reason_of_kind(error.kind()));
                reason.map(|reason| format!("{reason}（系统错误 {code}）"))
            }
            (None, None) => reason_of_kind(error.kind()).map(str::to_owned),
        };
        Message::new(en.clone(), zh.unwrap_or(en))
    }
}

impl From<io::Error> for Message {
    fn from(error: io::Error) -> Message {
        Message::from(&error)
    }
}

impl From<ErrorKind> for Message {
    fn from(kind: ErrorKind) -> Message {
        Message::from(io::Error::from(kind))
    }
}

impl std::error::Error for Message {}

/// The reasons that have no kind of their own.
#[cfg(unix)]
fn reason_of_code(code: i32) -> Option<&'static str> {
    Some(match code {
        libc::EIO => "输入输出错误",
        libc::EMFILE => "进程打开的文件过多",
        libc::ENFILE => "系统打开的文件过多",
        libc::ENAMETOOLONG => "文件名过长",
        libc::ELOOP => "符号链接的层数过多",
        libc::ENXIO | libc::ENODEV => "没有该设备",
        libc::ENOEXEC => "不是可执行文件",
        libc::ENOLCK => "没有可用的文件锁",
        libc::EAFNOSUPPORT => "系统不支持该类地址",
        libc::EPROTO => "协议错误",
        _ => return None,
    })
}

/// The kinds cover the common reasons.
#[cfg(not(unix))]
fn reason_of_code(_: i32) -> Option<&'static str> {
    None
}

fn reason_of_kind(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::NotFound => "文件或目录不存在",
        ErrorKind::PermissionDenied => "没有权限",
        ErrorKind::ConnectionRefused => "连接被拒绝",
        ErrorKind::ConnectionReset => "连接被重置",
        ErrorKind::HostUnreachable => "主机不可达",
        ErrorKind::NetworkUnreachable => "网络不可达",
        ErrorKind::ConnectionAborted => "连接被中止",
        ErrorKind::NotConnected => "尚未连接",
        ErrorKind::AddrInUse => "地址已被占用",
        ErrorKind::AddrNotAvailable => "地址不可用",
        ErrorKind::NetworkDown => "网络已断开",
        ErrorKind::BrokenPipe => "管道或连接已断开",
        ErrorKind::AlreadyExists => "已存在",
        ErrorKind::WouldBlock => "资源暂时不可用",
        ErrorKind::NotADirectory => "不是目录",
        ErrorKind::IsADirectory => "是目录",
        ErrorKind::DirectoryNotEmpty => "目录不为空",
        ErrorKind::ReadOnlyFilesystem => "文件系统只读",
        ErrorKind::StaleNetworkFileHandle => "网络文件句柄已失效",
        ErrorKind::InvalidInput => "参数无效",
        ErrorKind::InvalidData => "数据无效",
        ErrorKind::TimedOut => "超时",
        ErrorKind::WriteZero => "无法写入全部数据",
        ErrorKind::StorageFull => "磁盘空间不足",
        ErrorKind::NotSeekable => "不支持定位",
        ErrorKind::QuotaExceeded => "超出磁盘配额",
        ErrorKind::FileTooLarge => "文件过大",
        ErrorKind::ResourceBusy => "资源正被使用",
        ErrorKind::ExecutableFileBusy => "程序文件正被使用",
        ErrorKind::Deadlock => "会造成死锁",
        ErrorKind::CrossesDevices => "不在同一个文件系统中",
        ErrorKind::TooManyLinks => "链接过多",
        ErrorKind::ArgumentListTooLong => "参数列表过长",
        ErrorKind::Interrupted => "被中断",
        ErrorKind::Unsupported => "系统不支持该操作",
        ErrorKind::UnexpectedEof => "数据提前结束",
        ErrorKind::OutOfMemory => "内存不足",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(error: io::Error) -> [String; 2] {
        let message = Message::from(&error);
        [Lang::En, Lang::Zh].map(|lang| message.get(lang).to_owned())
    }

    #[cfg(unix)]
    #[test]
    fn a_reason_of_the_system_is_chinese_and_keeps_its_number() {
        for (code, expected) in [
            (libc::ENOENT, "文件或目录不存在"),
            (libc::ECONNREFUSED, "连接被拒绝"),
            (libc::EADDRINUSE, "地址已被占用"),
            (libc::EMFILE, "进程打开的文件过多"),
        ] {
            let error = io::Error::from_raw_os_error(code);
            let en = error.to_string();
            assert!(en.ends_with(&format!(" (os error {code})")), "{en}");
            assert_eq!(both(error), [en, format!("{expected}（系统错误 {code}）")]);
        }
        // One without a Chinese text keeps the English one.
        let error = io::Error::from_raw_os_error(9999);
        let en = error.to_string();
        assert_eq!(both(error), [en.clone(), en]);
    }

    #[test]
    fn a_reason_that_is_not_the_systems_keeps_its_text() {
        let [en, zh] = both(ErrorKind::UnexpectedEof.into());
        assert_eq!([&*en, &*zh], ["unexpected end of file", "数据提前结束"]);
        assert_eq!(both(io::Error::other("why")), ["why", "why"]);
        let message = Message::new("why", "原因");
        assert_eq!(both(io::Error::other(message)), ["why", "原因"]);
    }
}

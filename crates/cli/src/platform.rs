//! The settings of commands that keep what WeChat gives a third-party platform.

use crate::context::Context;
use crate::message::Message;

/// Checks that there is a platform, and a store outside this process.
///
/// # Errors
/// What to set.
pub(crate) fn check(context: &Context) -> Result<(), Message> {
    let settings = &context.settings;
    let is_set = |key| settings.set().iter().any(|s| s.key == key);
    if !is_set("component_appid") || !is_set("component_appsecret") {
        return Err(no_platform(context));
    }
    if settings.redacted("store") == "memory" {
        return Err(Message::new(
            "the option store is memory, whose content is lost when this \
             command exits. Set it to file:PATH or redis://HOST (--store, WXLINK_STORE or the \
             config file)",
            "选项 store 为 memory，命令结束后内容即丢失。请将其设为 file:PATH 或 redis://HOST\
             （--store、WXLINK_STORE 或配置文件）",
        ));
    }
    Ok(())
}

fn no_platform(context: &Context) -> Message {
    let other = context.settings.token_source();
    let other = other.filter(|s| !s.key.starts_with("component_"));
    let (hint_en, hint_zh) = match other {
        Some(s) => (
            format!(
                " {} ({}) replaces the platform's settings: unset it.",
                s.key, s.source
            ),
            format!(
                "{}（{}）会取代第三方平台的设置：请先取消它。",
                s.key, s.source
            ),
        ),
        None => Default::default(),
    };
    Message::new(
        format!(
            "no third-party platform is set. Set component_appid and \
             component_appsecret (WXLINK_COMPONENT_APPID and WXLINK_COMPONENT_APPSECRET, or the \
             config file).{hint_en}"
        ),
        format!(
            "未设置第三方平台。请设置 component_appid 和 component_appsecret\
             （WXLINK_COMPONENT_APPID 和 WXLINK_COMPONENT_APPSECRET，或配置文件）。{hint_zh}"
        ),
    )
}

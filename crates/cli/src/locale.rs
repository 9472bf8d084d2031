//! The language that the environment asks for with POSIX's variables of the locale.

use wxlink::Lang;

/// The variables, in the order of their precedence.
const VARIABLES: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

/// A language, and the variable that asks for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Locale {
    pub variable: &'static str,
    pub lang: Lang,
}

/// The language of the first variable that is set and not empty, as POSIX defines it. `None` if
/// none is.
pub(crate) fn from_environment() -> Option<Locale> {
    from_variables(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
}

fn from_variables(value_of: impl Fn(&str) -> Option<String>) -> Option<Locale> {
    VARIABLES.into_iter().find_map(|variable| {
        let value = value_of(variable).filter(|value| !value.is_empty())?;
        let lang = lang_of(&value);
        Some(Locale { variable, lang })
    })
}

/// The language of a locale such as `zh_CN.UTF-8`. Every Chinese one is Chinese, and all others
/// are English.
fn lang_of(locale: &str) -> Lang {
    let language = locale.split(['_', '.', '@', '-']).next();
    match language {
        Some("zh") => Lang::Zh,
        _ => Lang::En,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_not_empty_decides() {
        let find = |set: &[(&str, &str)]| {
            let find = |name: &str| set.iter().find(|(known, _)| *known == name);
            let locale = from_variables(|name| find(name).map(|(_, value)| (*value).to_owned()));
            locale.map(|Locale { variable, lang }| (variable, lang))
        };
        assert_eq!(find(&[]), None);
        assert_eq!(find(&[("LANG", "")]), None);
        assert_eq!(find(&[("LANG", "zh_CN.UTF-8")]), Some(("LANG", Lang::Zh)));
        let all = [("LC_ALL", "zh_TW"), ("LC_MESSAGES", "C"), ("LANG", "C")];
        assert_eq!(find(&all), Some(("LC_ALL", Lang::Zh)));
        let messages = [("LC_ALL", ""), ("LC_MESSAGES", "zh"), ("LANG", "en_GB")];
        assert_eq!(find(&messages), Some(("LC_MESSAGES", Lang::Zh)));
        let english = [("LC_MESSAGES", "C.UTF-8"), ("LANG", "zh_CN.UTF-8")];
        assert_eq!(find(&english), Some(("LC_MESSAGES", Lang::En)));
    }

    #[test]
    fn every_chinese_locale_is_chinese() {
        for locale in [
            "zh",
            "zh_CN",
            "zh_TW.Big5",
            "zh_HK.UTF-8",
            "zh@pinyin",
            "zh-Hans",
        ] {
            assert_eq!(lang_of(locale), Lang::Zh, "{locale}");
        }
        for locale in [
            "C",
            "POSIX",
            "C.UTF-8",
            "en_US.UTF-8",
            "zhuang",
            "ja_JP",
            "de@zh",
        ] {
            assert_eq!(lang_of(locale), Lang::En, "{locale}");
        }
    }
}

// wxlink for C++: a thin layer over wxlink.h, header-only, C++17.
//
//     wxlink::client client;
//     client.link_miniprogram(token, "wx0b00000000000001",
//                             wxlink::notify_users::no, wxlink::show_profile::yes);
//     for (const wxlink::mini_program &item : client.get_linked(token).items())
//         std::cout << item.appid.value_or("-") << '\n';
//
// Each call has two forms. The plain one throws a wxlink::error unless the answer is a yes; the one
// that begins with try_ throws nothing but std::bad_alloc and returns the result whatever it is.
//
// What a call does, what it may answer and how it may be shared among threads is told in wxlink.h.
// Objects are moved, not copied, and free what they hold.

#ifndef WXLINK_HPP
#define WXLINK_HPP

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wxlink.h"

namespace wxlink {

/// Whether WeChat messages every follower of the Official Account.
enum class notify_users : bool { no, yes };
/// Whether the mini program is shown in the Official Account's page.
enum class show_profile : bool { no, yes };
/// Whether WeChat may have seen a request.
enum class delivery { never_sent, unknown, answered };

/// A capability of a mini program: verification (id 1), WeChat Pay (id 2).
struct func_info {
    std::optional<std::int64_t> id;
    std::optional<std::int64_t> status;
    std::optional<std::string> name;
};

/// One item of the list. Any field may be missing.
struct mini_program {
    /// The numbers a status may have; others may come.
    enum : std::int64_t {
        linked = 1,
        awaiting_mini_program = 2,
        refused = 3,
        awaiting_official_account = 12
    };

    std::optional<std::int64_t> status;
    /// The original id, gh_...
    std::optional<std::string> username;
    /// Refused items have none.
    std::optional<std::string> appid;
    std::optional<std::string> source;
    std::optional<std::string> nickname;
    std::optional<std::int64_t> selected;
    std::optional<std::int64_t> nearby_display_status;
    std::optional<std::int64_t> released;
    std::optional<std::string> headimg_url;
    std::vector<func_info> func_infos;
    std::optional<std::int64_t> copy_verify_status;
    std::optional<std::string> email;
};

namespace detail {

template <auto Free> struct freed_by {
    template <typename T> void operator()(T *handle) const noexcept { Free(handle); }
};

inline bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

/// An argument as C takes it. C would cut it at a NUL: with another control character in its place the
/// library refuses it, and says which argument it was.
inline std::string argument(std::string_view text) {
    std::string copy(text);
    std::replace(copy.begin(), copy.end(), '\0', '\1');
    return copy;
}

/// Milliseconds as C takes them: none below 0, and more than 49 days are 49 days.
inline std::uint32_t count(std::chrono::milliseconds time) {
    constexpr std::chrono::milliseconds most{std::numeric_limits<std::uint32_t>::max()};
    if (time < std::chrono::milliseconds::zero()) return 0;
    return static_cast<std::uint32_t>((time < most ? time : most).count());
}

} // namespace detail

/// What became of a call. Immutable; outlives its client; readable from any thread.
class result {
public:
    result(result &&) = default;
    result &operator=(result &&) = default;
    /// WX_OK, or WX_E_...
    std::int32_t status() const noexcept { return status_; }
    /// Whether it is a yes.
    explicit operator bool() const noexcept { return status_ == WX_OK; }
    /// WeChat's errcode if WeChat answered, else the status.
    std::int32_t errcode() const noexcept { return judged() ? status_ : wx_result_errcode(get()); }
    /// ok, pending, token, busy, quota, human, caller, or nothing.
    std::string_view class_() const noexcept { return judged() ? "" : wx_result_class(get()); }
    /// The HTTP status of the last answer, 0 if there was none.
    int http_status() const noexcept { return wx_result_http_status(get()); }
    wxlink::delivery delivery() const noexcept {
        if (judged() && handle_) return wxlink::delivery::unknown;
        return static_cast<wxlink::delivery>(wx_result_delivery(get()));
    }
    /// What happened and what to do about it; empty after a yes.
    std::string_view message() const noexcept {
        return judged() ? std::string_view(message_) : wx_result_message(get());
    }
    /// The id WeChat's support asks for.
    std::string_view rid() const noexcept { return wx_result_rid(get()); }
    /// Every attempt with host, phase and milliseconds, as JSON.
    std::string_view trace() const noexcept { return wx_result_trace(get()); }
    /// WeChat's answer byte for byte, or one of the library's own making.
    std::string_view json() const noexcept {
        std::size_t length = 0;
        const char *text = wx_result_json(get(), &length);
        return {text, length};
    }

    /// The value at a JSON pointer: a string's text, else the JSON of it.
    std::optional<std::string> get(std::string_view pointer) const {
        if (detail::has_nul(pointer)) return std::nullopt;
        const std::string place(pointer);
        const std::int32_t length = wx_result_get(get(), place.c_str(), nullptr, 0);
        if (length < 0) return std::nullopt;
        std::string value(static_cast<std::size_t>(length) + 1, '\0');
        wx_result_get(get(), place.c_str(), value.data(), value.size());
        value.pop_back();
        return value;
    }

    /// The number at a JSON pointer, also if it is written as a string.
    std::optional<std::int64_t> get_number(std::string_view pointer) const {
        const auto text = get(pointer);
        std::int64_t number = 0;
        if (!text) return std::nullopt;
        const char *end = text->data() + text->size();
        const auto read = std::from_chars(text->data(), end, number);
        if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
        return number;
    }

    /// The items of a list. Throws if the list could not be read: that is not an empty one.
    std::vector<mini_program> items() const {
        or_throw();
        std::vector<mini_program> items;
        for (std::string place; get(place = "/wxopens/items/" + std::to_string(items.size()));)
            items.push_back(item(place));
        return items;
    }

    /// Throws the error that fits, unless it is a yes.
    void or_throw() const;

protected:
    friend class client;
    friend class error;

    result(std::int32_t status, wx_result *handle)
        : handle_(handle, detail::freed_by<wx_result_free>()), status_(status) {}
    result(std::int32_t status, std::string message)
        : message_(std::move(message)), status_(status) {}
    result(std::shared_ptr<wx_result> handle, std::int32_t status, std::string message) noexcept
        : handle_(std::move(handle)), message_(std::move(message)), status_(status) {}

    const wx_result *get() const noexcept { return handle_.get(); }

    /// The same answer, but no yes if it holds no list where one was asked for: who took that for an
    /// empty list would link what is linked.
    result as_list() && {
        if (*this && !holds_list()) {
            status_ = WX_E_BAD_ANSWER;
            message_ = wx_status_text(WX_E_BAD_ANSWER);
        }
        return std::move(*this);
    }

    /// The same result once more, for an error's copies: all read the same answer.
    result shared() const { return result(handle_, status_, message_); }

private:
    /// Whether the status is of this header's making, and the library's result does not know of it.
    bool judged() const noexcept { return !message_.empty(); }

    /// What kind of JSON is at a place: its first character, or 0 if nothing or null is there.
    char kind(const std::string &pointer) const {
        const auto json = text(pointer);
        return json && !json->empty() ? json->front() : '\0';
    }

    /// Whether the answer holds a list, or none in a form WeChat gives to an account without links.
    bool holds_list() const {
        if (kind("") != '{') return false;
        if (const char wxopens = kind("/wxopens"); wxopens != '{')
            return wxopens == '\0' || result::get("/wxopens") == "[]";
        if (const char items = kind("/wxopens/items"); items != '[') return items == '\0';
        for (std::size_t i = 0;; i++) {
            const std::string place = "/wxopens/items/" + std::to_string(i);
            if (!get(place)) return true;
            if (kind(place) != '{') return false;
        }
    }

    /// A field that is null is as good as missing.
    std::optional<std::string> text(const std::string &pointer) const {
        auto text = get(pointer);
        return text && *text != "null" ? text : std::nullopt;
    }

    mini_program item(const std::string &at) const {
        mini_program item;
        item.status = get_number(at + "/status");
        item.username = text(at + "/username");
        item.appid = text(at + "/appid");
        item.source = text(at + "/source");
        item.nickname = text(at + "/nickname");
        item.selected = get_number(at + "/selected");
        item.nearby_display_status = get_number(at + "/nearby_display_status");
        item.released = get_number(at + "/released");
        item.headimg_url = text(at + "/headimg_url");
        item.copy_verify_status = get_number(at + "/copy_verify_status");
        item.email = text(at + "/email");
        // The true name first, then those that WeChat's pages have printed.
        for (const char *name : {"/func_infos/", "/func_info/", "/func_News/"}) {
            std::vector<func_info> &infos = item.func_infos;
            for (std::string place; get(place = at + name + std::to_string(infos.size()));)
                infos.push_back({get_number(place + "/id"), get_number(place + "/status"),
                                 text(place + "/name")});
            if (!infos.empty()) break;
        }
        return item;
    }

    std::shared_ptr<wx_result> handle_;
    std::string message_;
    std::int32_t status_;
};

/// How far a link has come: what ensure_linked and wait_linked answer.
class progress : public result {
public:
    /// linked, pending, declined, vanished or unknown.
    std::string state() const { return result::get("/state").value_or("unknown"); }
    /// Who has to act: official_account, mini_program, or nobody.
    std::string waits_for() const { return result::get("/waits_for").value_or(""); }
    /// How many links were posted of which WeChat may have seen something.
    std::int64_t posts() const { return get_number("/posts").value_or(0); }
    bool linked() const noexcept { return status() == WX_OK; }
    /// Whether it is known how far the link has come: linked, pending, declined or vanished.
    bool known() const noexcept {
        return status() == WX_OK || (status() <= WX_E_PENDING && status() > WX_E_CANCELLED);
    }

private:
    friend class client;
    using result::result;
};

/// Why a call did not end with a yes. Copies share the result. Never holds a token.
class error : public std::runtime_error {
public:
    explicit error(const result &why)
        : std::runtime_error(std::string(why.message())),
          result_(std::make_shared<const result>(why.shared())) {}

    /// All there is to know of it.
    const result &why() const noexcept { return *result_; }
    std::int32_t status() const noexcept { return result_->status(); }
    std::int32_t errcode() const noexcept { return result_->errcode(); }
    std::string_view class_() const noexcept { return result_->class_(); }
    std::string_view rid() const noexcept { return result_->rid(); }
    wxlink::delivery delivery() const noexcept { return result_->delivery(); }

private:
    std::shared_ptr<const result> result_;
};

// What the caller may do next:
/// Correct the call; nothing was sent.
struct argument_error : error { using error::error; };
/// Call again: nothing was sent.
struct not_sent : error { using error::error; };
/// Read the list before linking again: it was sent, and no verdict came back.
struct outcome_unknown : error { using error::error; };
/// The same: what came back is no answer of WeChat's.
struct bad_answer : outcome_unknown { using outcome_unknown::outcome_unknown; };
/// WeChat answered an errcode other than 0.
struct api_error : error { using error::error; };
/// On its way already, or done: wait, do not link again.
struct pending_error : api_error { using api_error::api_error; };
/// Get another access token and call again, once.
struct token_error : api_error { using api_error::api_error; };
/// Wait a little and call again.
struct busy_error : api_error { using api_error::api_error; };
/// Call again when the minute, day or month is over.
struct quota_error : api_error { using api_error::api_error; };
/// An administrator or operator must act first.
struct action_required_error : api_error { using api_error::api_error; };
/// Correct the call.
struct invalid_request_error : api_error { using api_error::api_error; };
/// The handle was cancelled; delivery() says whether anything was sent.
struct cancelled : error { using error::error; };

inline void result::or_throw() const {
    if (status_ == WX_OK) return;
    if (status_ == WX_E_API) {
        const std::string_view kind = class_();
        if (kind == "ok" || kind == "pending") throw pending_error(*this);
        if (kind == "token") throw token_error(*this);
        if (kind == "busy") throw busy_error(*this);
        if (kind == "quota") throw quota_error(*this);
        if (kind == "action_required") throw action_required_error(*this);
        if (kind == "invalid_request") throw invalid_request_error(*this);
        throw api_error(*this);
    }
    // By group, so that statuses to come have a place.
    if (status_ > -20) throw argument_error(*this);
    if (status_ > -40) throw not_sent(*this);
    if (status_ > -60) throw outcome_unknown(*this);
    if (status_ > -70) throw bad_answer(*this);
    if (status_ == WX_E_CANCELLED) throw cancelled(*this);
    throw error(*this);
}

/// What is known about an errcode, in static texts.
struct explanation {
    std::string_view name;
    /// What to do, in the words of wx_result_class.
    std::string_view class_;
    std::string_view meaning;
    std::string_view remedy;
};

/// Looks an errcode up. The endpoint is link, get or unlink, or nullptr for none in particular; the
/// language of meaning and remedy is en or zh.
inline std::optional<explanation> explain(std::int32_t errcode, const char *api = nullptr,
                                          const char *lang = "en") noexcept {
    const auto text = [&](const char *field) {
        return std::string_view(wx_errcode_text(api, errcode, field, lang));
    };
    const explanation known{text("name"), text("class"), text("meaning"), text("remedy")};
    if (known.name.empty()) return std::nullopt;
    return known;
}

/// Settings for clients; each is checked when it is set and throws an argument_error that says what it
/// takes. What they mean is told at wx_options_set.
class options {
public:
    options() : handle_(wx_options_new()) {
        if (!handle_) throw std::bad_alloc();
    }

    options &set(std::string_view key, std::string_view value) {
        check(try_set(key, value));
        return *this;
    }
    /// WX_OK, or why not; message() then says what to do.
    [[nodiscard]] std::int32_t try_set(std::string_view key, std::string_view value) {
        nul_ = detail::has_nul(key) || detail::has_nul(value);
        if (nul_) return WX_E_BAD_OPTION;
        return wx_options_set(get(), std::string(key).c_str(), std::string(value).c_str());
    }
    /// Why the last setting or client failed, and what to do.
    std::string message() const {
        return nul_ ? "BAD_OPTION: a key or value holds a NUL. Pass text without one."
                    : wx_options_message(get());
    }

    options &base_url(std::string_view urls) { return set("base_url", urls); }
    options &timeout(std::chrono::milliseconds time) { return set_time("timeout_ms", time); }
    options &connect_timeout(std::chrono::milliseconds time) {
        return set_time("connect_timeout_ms", time);
    }
    options &max_retries(unsigned number) { return set("max_retries", std::to_string(number)); }
    options &keep_alive(std::chrono::milliseconds time) { return set_time("keep_alive_ms", time); }
    options &proxy(std::string_view proxy) { return set("proxy", proxy); }
    options &ca_file(std::string_view path) { return set("ca_file", path); }
    options &trust(std::string_view roots) { return set("trust", roots); }
    options &user_agent(std::string_view name) { return set("user_agent", name); }
    options &max_response_bytes(std::size_t bytes) {
        return set("max_response_bytes", std::to_string(bytes));
    }
    options &lang(std::string_view code) { return set("lang", code); }
    /// The account, by its appid, that calls with an empty access token are for; their tokens come from one
    /// of the three sources below.
    options &account(std::string_view appid) { return set("account", appid); }
    options &access_token(std::string_view token) { return set("access_token", token); }
    options &token_command(std::string_view line) { return set("token_command", line); }
    options &component(std::string_view appid, std::string_view appsecret) {
        return set("component_appid", appid).set("component_appsecret", appsecret);
    }
    /// Where the component's tickets and tokens are kept.
    options &store(std::string_view url) { return set("store", url); }

private:
    friend class client;
    struct failed : result {
        failed(std::int32_t status, std::string message) : result(status, std::move(message)) {}
    };

    wx_options *get() const noexcept { return handle_.get(); }
    options &set_time(std::string_view key, std::chrono::milliseconds time) {
        return set(key, std::to_string(time.count()));
    }
    /// Throws the error that fits, unless it is a yes.
    void check(std::int32_t status) const {
        if (status == WX_OK) return;
        std::string why = message();
        if (why.empty()) why = wx_status_text(status);
        failed(status, std::move(why)).or_throw();
    }

    std::unique_ptr<wx_options, detail::freed_by<wx_options_free>> handle_;
    /// Whether the last setting held a NUL, which the library was not told of.
    bool nul_ = false;
};

/// Calls WeChat. Make one and share it: any number of threads may call at once.
class client {
public:
    client() : client(options()) {}
    /// Throws an argument_error if certificates cannot be read or the environment's proxy is no URL.
    explicit client(const options &options) {
        wx_client *made = nullptr;
        const std::int32_t status = wx_client_new(options.get(), &made);
        own(status, made, options);
    }

    /// A handle on the same connections with its own cancellation and, where the options set them, its own
    /// timeout, connect_timeout, max_retries and lang.
    [[nodiscard]] client with(const options &options) const {
        wx_client *made = nullptr;
        const std::int32_t status = wx_client_derive(handle_.get(), options.get(), &made);
        return client(status, made, options);
    }
    [[nodiscard]] client with(std::chrono::milliseconds timeout) const {
        return with(std::move(options().timeout(timeout)));
    }

    /// The same handle for calls on that account with an empty access token, which the client then gets.
    [[nodiscard]] client account(std::string_view appid) const {
        return with(std::move(options().account(appid)));
    }

    /// Keeps the ticket that WeChat pushes to a third-party platform every 10 minutes.
    void set_ticket(std::string_view ticket) const {
        put(wx_client_set_ticket(handle_.get(), detail::argument(ticket).c_str()));
    }
    /// Keeps the refresh token that an account gave when it authorised the platform.
    void add_account(std::string_view appid, std::string_view refresh_token) const {
        put(wx_client_add_account(handle_.get(), detail::argument(appid).c_str(),
                                  detail::argument(refresh_token).c_str()));
    }

    /// Ends the calls that run on this handle, within 100 ms, and all later ones, with cancelled.
    void cancel() const noexcept { wx_client_cancel(handle_.get()); }

    /// An empty access token is none, here as in every call: the client gets one for its account.
    result link_miniprogram(std::string_view access_token, std::string_view appid,
                            notify_users notify, show_profile show) const {
        return yes(try_link_miniprogram(access_token, appid, notify, show));
    }
    [[nodiscard]] result try_link_miniprogram(std::string_view access_token, std::string_view appid,
                                notify_users notify, show_profile show) const {
        return call<result>({access_token, appid}, [&](const texts &t, wx_result **out) {
            return wx_link_miniprogram(handle_.get(), t.token(), t.appid(), flag(notify),
                                       flag(show), out);
        });
    }

    /// See items() of the result.
    [[nodiscard]] result get_linked(std::string_view access_token) const {
        return yes(try_get_linked(access_token));
    }
    [[nodiscard]] result try_get_linked(std::string_view access_token) const {
        return call<result>({access_token, ""}, [&](const texts &t, wx_result **out) {
                   return wx_get_linked(handle_.get(), t.token(), out);
               }).as_list();
    }

    result unlink_miniprogram(std::string_view access_token, std::string_view appid) const {
        return yes(try_unlink_miniprogram(access_token, appid));
    }
    [[nodiscard]] result try_unlink_miniprogram(std::string_view access_token, std::string_view appid) const {
        return call<result>({access_token, appid}, [&](const texts &t, wx_result **out) {
            return wx_unlink_miniprogram(handle_.get(), t.token(), t.appid(), out);
        });
    }

    /// Safe to repeat. Throws unless it is known how far the link has come.
    [[nodiscard]] progress ensure_linked(std::string_view access_token, std::string_view appid,
                           notify_users notify, show_profile show,
                           std::chrono::milliseconds wait = {}) const {
        return known(try_ensure_linked(access_token, appid, notify, show, wait));
    }
    [[nodiscard]] progress try_ensure_linked(std::string_view access_token, std::string_view appid,
                               notify_users notify, show_profile show,
                               std::chrono::milliseconds wait = {}) const {
        return call<progress>({access_token, appid}, [&](const texts &t, wx_result **out) {
            return wx_ensure_linked(handle_.get(), t.token(), t.appid(), flag(notify), flag(show),
                                    detail::count(wait), out);
        });
    }

    /// Waits until a mini program is linked or will not be; links nothing.
    [[nodiscard]] progress wait_linked(std::string_view access_token, std::string_view appid_or_username,
                         std::chrono::milliseconds wait) const {
        return known(try_wait_linked(access_token, appid_or_username, wait));
    }
    [[nodiscard]] progress try_wait_linked(std::string_view access_token, std::string_view appid_or_username,
                             std::chrono::milliseconds wait) const {
        return call<progress>({access_token, appid_or_username},
                              [&](const texts &t, wx_result **out) {
                                  return wx_wait_linked(handle_.get(), t.token(), t.appid(),
                                                        detail::count(wait), out);
                              });
    }

private:
    /// A call's texts as C takes them.
    class texts {
    public:
        texts(std::string_view token, std::string_view appid)
            : token_(detail::argument(token)), appid_(detail::argument(appid)) {}
        const char *token() const noexcept { return token_.c_str(); }
        const char *appid() const noexcept { return appid_.c_str(); }

    private:
        std::string token_, appid_;
    };

    client(std::int32_t status, wx_client *made, const options &options) {
        own(status, made, options);
    }

    static void put(std::int32_t status) {
        if (status != WX_OK) options::failed(status, wx_status_text(status)).or_throw();
    }

    void own(std::int32_t status, wx_client *made, const options &options) {
        handle_.reset(made);
        options.check(status);
    }

    template <typename Result, typename Call>
    static Result call(const texts &texts, const Call &call) {
        wx_result *made = nullptr;
        const std::int32_t status = call(texts, &made);
        return Result(status, made);
    }

    static result yes(result outcome) {
        outcome.or_throw();
        return outcome;
    }
    static progress known(progress outcome) {
        if (!outcome.known()) outcome.or_throw();
        return outcome;
    }
    template <typename Flag> static std::int32_t flag(Flag flag) noexcept {
        return flag == Flag::yes ? 1 : 0;
    }

    std::unique_ptr<wx_client, detail::freed_by<wx_client_free>> handle_;
};

} // namespace wxlink

#endif // WXLINK_HPP

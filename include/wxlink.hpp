// wxlink for C++: a thin, header-only layer over wxlink.h. C++17.
//
//     const wxlink::client client;
//     const wxlink::progress link =
//         client.ensure_linked(token, "wx0b00000000000001", wxlink::notify_users::no,
//                              wxlink::show_profile::yes, std::chrono::minutes(1));
//     if (!link.linked()) std::cout << link.message() << '\n';
//
// Each call has two forms. The plain form throws a wxlink::error if the call fails. The form that
// starts with try_ returns every result and throws nothing but std::bad_alloc.
//
// wxlink.h documents what a call does, which results it has and how threads may share it. Objects
// of this header are moved, not copied, and free what they own.

#ifndef WXLINK_HPP
#define WXLINK_HPP

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
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

// BEGIN generated: constants. Written by `make generate`; do not edit.
/// Whether WeChat may have received the request.
enum class delivery {
    /// Nothing was sent: calling again cannot do anything twice.
    never_sent = WX_DELIVERY_NEVER_SENT,
    /// The request was sent, but no answer came from WeChat: read the list before calling again.
    unknown = WX_DELIVERY_UNKNOWN,
    /// WeChat answered with an errcode, which is the outcome of the request.
    answered = WX_DELIVERY_ANSWERED,
};

/// What to do next about WeChat's errcode.
enum class error_class {
    /// WeChat did not answer, or answered with an errcode that the library does not know.
    none = WX_CLASS_UNKNOWN,
    /// Done, or done before: continue.
    ok = WX_CLASS_OK,
    /// Not a failure, it is in progress: wait for the administrators and read the list; do not
    /// repeat the call.
    pending = WX_CLASS_PENDING,
    /// Get another access token and call again, once.
    token = WX_CLASS_TOKEN,
    /// Wait and try again, a bounded number of times; read the list before repeating a link or
    /// unlink.
    busy = WX_CLASS_BUSY,
    /// Call again when the minute, the day or the month is over.
    quota = WX_CLASS_QUOTA,
    /// An administrator or operator must act first.
    action_required = WX_CLASS_ACTION_REQUIRED,
    /// Correct the call; the same call would be refused again.
    invalid_request = WX_CLASS_INVALID_REQUEST,
    /// Pass on the component_verify_ticket that WeChat pushes to the platform, then call again.
    ticket = WX_CLASS_TICKET,
};

/// The word for a class, such as "action_required"; empty for none.
constexpr std::string_view to_string(error_class value) noexcept {
    switch (value) {
    case error_class::none: return "";
    case error_class::ok: return "ok";
    case error_class::pending: return "pending";
    case error_class::token: return "token";
    case error_class::busy: return "busy";
    case error_class::quota: return "quota";
    case error_class::action_required: return "action_required";
    case error_class::invalid_request: return "invalid_request";
    case error_class::ticket: return "ticket";
    }
    return "";
}

/// The values of the option trust.
enum class trust { system, bundled };

/// The value as the library takes it.
constexpr std::string_view to_string(trust value) noexcept {
    switch (value) {
    case trust::system: return "system";
    case trust::bundled: return "bundled";
    }
    return "";
}

/// The values of the option lang.
enum class lang { en, zh };

/// The value as the library takes it.
constexpr std::string_view to_string(lang value) noexcept {
    switch (value) {
    case lang::en: return "en";
    case lang::zh: return "zh";
    }
    return "";
}

/// The endpoints of WeChat that answer errcodes: those for links, and those for the tokens of a
/// third-party platform.
enum class endpoint {
    link,
    get,
    unlink,
    component_token,
    authorizer_token,
    authorizer_list,
    create_preauthcode,
    query_auth,
    authorizer_info,
    rid
};

/// The endpoint as the library takes it.
constexpr std::string_view to_string(endpoint value) noexcept {
    switch (value) {
    case endpoint::link: return "link";
    case endpoint::get: return "get";
    case endpoint::unlink: return "unlink";
    case endpoint::component_token: return "component_token";
    case endpoint::authorizer_token: return "authorizer_token";
    case endpoint::authorizer_list: return "authorizer_list";
    case endpoint::create_preauthcode: return "create_preauthcode";
    case endpoint::query_auth: return "query_auth";
    case endpoint::authorizer_info: return "authorizer_info";
    case endpoint::rid: return "rid";
    }
    return "";
}

namespace detail {

/// The class with a number of wx_result_class. A class of a later library is none.
constexpr error_class class_from(std::int32_t number) noexcept {
    if (number < WX_CLASS_UNKNOWN || number > WX_CLASS_TICKET) return error_class::none;
    return static_cast<error_class>(number);
}

} // namespace detail
// END generated: constants.

// BEGIN generated: link statuses. Written by `make generate`; do not edit.
/// The status of an item of the list. WeChat may add values that have no name here.
enum class link_status : std::int64_t {
    /// The mini program is linked.
    linked = WX_LINK_LINKED,
    /// The mini program's administrator has to agree.
    awaiting_mini_program = WX_LINK_AWAITING_MINI_PROGRAM,
    /// The mini program's administrator refused.
    refused = WX_LINK_REFUSED,
    /// The Official Account's administrator has to agree.
    awaiting_official_account = WX_LINK_AWAITING_OFFICIAL_ACCOUNT,
};
// END generated: link statuses.

/// How far a link has come. unknown: the list could not be read. absent: the list shows no trace of
/// the mini program; only progress::found() returns it.
/// in_doubt: an earlier invitation may still take effect; see progress::retry_after_ms().
enum class link_state { unknown, absent, pending, linked, declined, vanished, in_doubt };
/// The administrator who must agree to a link before it can go further.
enum class administrator { none, official_account, mini_program };

/// The state as the library's JSON has it, such as "pending".
constexpr std::string_view to_string(link_state value) noexcept {
    constexpr std::string_view words[] = {"unknown",  "absent",   "pending", "linked",
                                          "declined", "vanished", "in_doubt"};
    return words[static_cast<std::size_t>(value)];
}
/// The administrator as the library's JSON has it, such as "official_account"; empty for none.
constexpr std::string_view to_string(administrator value) noexcept {
    constexpr std::string_view words[] = {"", "official_account", "mini_program"};
    return words[static_cast<std::size_t>(value)];
}

/// A capability of a mini program: verification (id 1), WeChat Pay (id 2).
struct func_info {
    std::optional<std::int64_t> id;
    std::optional<std::int64_t> status;
    std::optional<std::string> name;
};

/// One item of the list. Any field may be missing.
struct mini_program {
    std::optional<link_status> status;
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

/// The enumerator whose to_string is that word, or the first one if there is none.
template <typename Enum, int Count> constexpr Enum from_string(std::string_view word) noexcept {
    for (int i = 1; i < Count; i++)
        if (to_string(static_cast<Enum>(i)) == word) return static_cast<Enum>(i);
    return Enum{};
}
inline error_class class_from(std::string_view word) noexcept {
    for (std::int32_t number = 1;; number++) {
        const error_class known = class_from(number);
        if (known == error_class::none || to_string(known) == word) return known;
    }
}

/// An argument as C takes it. C would cut the text at a NUL. Another control character in the NUL's
/// place makes the library refuse the argument with a message that names it.
inline std::string argument(std::string_view text) {
    std::string copy(text);
    std::replace(copy.begin(), copy.end(), '\0', '\1');
    return copy;
}

/// The whole number that a text is.
inline std::optional<std::int64_t> number_from(std::string_view text) noexcept {
    std::int64_t number = 0;
    const char *end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
    return number;
}

/// Milliseconds as C takes them: from 0 to 2^32 - 1, about 49 days.
inline std::uint32_t count(std::chrono::milliseconds time) {
    constexpr std::chrono::milliseconds most{std::numeric_limits<std::uint32_t>::max()};
    if (time < std::chrono::milliseconds::zero()) return 0;
    return static_cast<std::uint32_t>((time < most ? time : most).count());
}

} // namespace detail

/// The result of a call. Immutable; outlives its client; any number of threads may read it.
class result {
public:
    result(result &&) = default;
    result &operator=(result &&) = default;
    /// WX_OK, or WX_E_...
    std::int32_t status() const noexcept { return status_; }
    /// Whether the status is WX_OK.
    explicit operator bool() const noexcept { return status_ == WX_OK; }
    /// WeChat's errcode if WeChat answered, else the status.
    std::int32_t errcode() const noexcept {
        return overruled() ? status_ : wx_result_errcode(get());
    }
    /// What to do about WeChat's errcode.
    error_class class_() const noexcept {
        return overruled() ? error_class::none : detail::class_from(wx_result_class(get()));
    }
    /// The HTTP status of the last answer, 0 if there was none.
    int http_status() const noexcept { return wx_result_http_status(get()); }
    wxlink::delivery delivery() const noexcept {
        return static_cast<wxlink::delivery>(wx_result_delivery(get()));
    }
    /// What happened and what to do about it, for people; empty after WX_OK.
    std::string_view message() const noexcept {
        return overruled() ? std::string_view(message_) : wx_result_message(get());
    }
    /// The id that WeChat's support asks for; empty if WeChat sent none.
    std::string_view rid() const noexcept { return wx_result_rid(get()); }
    /// Every attempt with host, phase and milliseconds, as JSON.
    std::string_view trace() const noexcept { return wx_result_trace(get()); }
    /// WeChat's answer byte for byte, or JSON made by the library: see wx_result_json.
    std::string_view json() const noexcept {
        std::size_t length = 0;
        const char *text = wx_result_json(get(), &length);
        return {text, length};
    }

    /// The value at a JSON pointer: the text of a string, the JSON of anything else.
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

    /// The whole number at a JSON pointer, or in the string there.
    std::optional<std::int64_t> get_number(std::string_view pointer) const {
        const auto text = get(pointer);
        return text ? detail::number_from(*text) : std::nullopt;
    }

    /// The items of a list. Throws if the call failed: a list that could not be read is not empty.
    std::vector<mini_program> items() const {
        or_throw();
        std::vector<mini_program> items(wx_list_length(get()));
        for (std::size_t index = 0; index < items.size(); index++) items[index] = item(index);
        return items;
    }

    /// Throws the error that belongs to the status, unless it is WX_OK.
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

    /// A second result on the same answer, for an error and its copies.
    result shared() const { return result(handle_, status_, message_); }

private:
    /// Whether this header refused the call, so that there is no result of the library.
    bool overruled() const noexcept { return !message_.empty(); }

    mini_program item(std::size_t index) const {
        mini_program item;
        if (const auto status = number(index, "status"))
            item.status = static_cast<link_status>(*status);
        item.username = text(index, "username");
        item.appid = text(index, "appid");
        item.source = text(index, "source");
        item.nickname = text(index, "nickname");
        item.selected = number(index, "selected");
        item.nearby_display_status = number(index, "nearby_display_status");
        item.released = number(index, "released");
        item.headimg_url = text(index, "headimg_url");
        item.copy_verify_status = number(index, "copy_verify_status");
        item.email = text(index, "email");
        const std::size_t infos = wx_list_size(get(), index, "func_infos");
        for (std::size_t i = 0; i < infos; i++) {
            const std::string path = "func_infos/" + std::to_string(i);
            item.func_infos.push_back({number(index, (path + "/id").c_str()),
                                       number(index, (path + "/status").c_str()),
                                       text(index, (path + "/name").c_str())});
        }
        return item;
    }

    /// A field of a list's item.
    std::optional<std::string> text(std::size_t index, const char *field) const {
        if (!wx_list_has(get(), index, field)) return std::nullopt;
        return wx_list_text(get(), index, field);
    }
    std::optional<std::int64_t> number(std::size_t index, const char *field) const {
        return detail::number_from(wx_list_text(get(), index, field));
    }

    std::shared_ptr<wx_result> handle_;
    std::string message_;
    std::int32_t status_;
};

/// The result of ensure_linked and wait_linked.
class progress : public result {
public:
    link_state state() const noexcept { return read<link_state, 7>("/state"); }
    administrator waits_for() const noexcept { return read<administrator, 3>("/waits_for"); }
    /// What the list showed before anything was posted.
    link_state found() const noexcept { return read<link_state, 7>("/found"); }
    /// How many links were posted of which WeChat may have seen something.
    std::int64_t posts() const { return get_number("/posts").value_or(0); }
    /// How long an earlier invitation may still take effect; 0 unless the state is in_doubt.
    std::int64_t retry_after_ms() const { return get_number("/retry_after_ms").value_or(0); }
    bool linked() const noexcept { return status() == WX_OK; }
    /// Whether the call determined the state: linked, pending, declined, vanished or in doubt.
    bool known() const noexcept {
        return status() == WX_OK || status() == WX_E_IN_DOUBT ||
               (status() <= WX_E_PENDING && status() > WX_E_CANCELLED);
    }

private:
    friend class client;
    using result::result;

    template <typename Enum, int Count> Enum read(const char *pointer) const noexcept {
        char word[32];
        const std::int32_t length = wx_result_get(result::get(), pointer, word, sizeof word);
        return length < 0 ? Enum{} : detail::from_string<Enum, Count>(word);
    }
};

/// The calls that took less than below, and not less than below of the bucket before it. The limits
/// of a bucket differ by at most an eighth.
struct latency_bucket {
    std::chrono::microseconds below{};
    std::int64_t calls = 0;
};

/// The calls of one endpoint. A call includes the fetch of its token, its retries and their pauses.
/// Calls with an invalid argument are not counted.
struct endpoint_stats {
    std::int64_t calls = 0;
    /// How many calls ended with each status: WX_OK or WX_E_...
    std::map<std::int32_t, std::int64_t> outcomes;
    /// The attempts after the first ones of their calls, at the same or another host.
    std::int64_t retries = 0;
    /// The calls whose request was sent and not answered by WeChat.
    std::int64_t delivery_unknown = 0;
    /// How long all calls took together, and how long the longest one took.
    std::chrono::microseconds total{}, longest{};
    /// How long the calls took, in ascending order. Empty buckets are left out.
    std::vector<latency_bucket> buckets;
};

/// What a client, and the clients that share its connections, have done since it was created.
struct stats {
    std::chrono::system_clock::time_point since;
    /// The endpoints that were called.
    std::map<endpoint, endpoint_stats> endpoints;
    /// The calls of ensure_linked that ended in doubt.
    std::int64_t in_doubt = 0;
    /// The access tokens that were fetched from the client's token source.
    std::int64_t tokens_fetched = 0;
    std::int64_t connections_opened = 0;
    /// The attempts that used a connection of an earlier one.
    std::int64_t connections_reused = 0;
    /// The connections that are open now and not in use.
    std::int64_t connections_idle = 0;
};

namespace detail {
inline endpoint_stats read_endpoint_stats(const result &from, const std::string &place) {
    const auto number = [&](const std::string &field) {
        return from.get_number(place + field).value_or(0);
    };
    endpoint_stats to;
    to.calls = number("/calls");
    for (std::int32_t status = WX_OK; status > -100; status--) {
        const std::string_view text = wx_status_text(status);
        const std::string name(text.substr(0, text.find(':')));
        const std::int64_t calls = name.empty() ? 0 : number("/outcomes/" + name);
        if (calls > 0) to.outcomes[status] = calls;
    }
    to.retries = number("/retries");
    to.delivery_unknown = number("/delivery_unknown");
    to.total = std::chrono::microseconds(number("/latency/sum_us"));
    to.longest = std::chrono::microseconds(number("/latency/max_us"));
    for (std::size_t i = 0;; i++) {
        const std::string bucket = "/latency/buckets/" + std::to_string(i);
        const std::int64_t calls = number(bucket + "/calls");
        if (calls == 0) return to;
        to.buckets.push_back({std::chrono::microseconds(number(bucket + "/below_us")), calls});
    }
}

inline stats read_stats(const result &from) {
    const auto number = [&](const char *place) { return from.get_number(place).value_or(0); };
    stats to;
    to.since = std::chrono::system_clock::time_point(std::chrono::seconds(number("/since")));
    for (int i = 0; !to_string(static_cast<endpoint>(i)).empty(); i++) {
        const auto called = static_cast<endpoint>(i);
        const std::string place = "/endpoints/" + std::string(to_string(called));
        if (from.get_number(place + "/calls"))
            to.endpoints[called] = read_endpoint_stats(from, place);
    }
    to.in_doubt = number("/in_doubt");
    to.tokens_fetched = number("/tokens_fetched");
    to.connections_opened = number("/connections/opened");
    to.connections_reused = number("/connections/reused");
    to.connections_idle = number("/connections/idle");
    return to;
}
} // namespace detail

/// A call that failed. Copies share the result. Never contains a token.
class error : public std::runtime_error {
public:
    explicit error(const result &why)
        : std::runtime_error(std::string(why.message())),
          result_(std::make_shared<const result>(why.shared())) {}

    /// The whole result of the call.
    const result &why() const noexcept { return *result_; }
    std::int32_t status() const noexcept { return result_->status(); }
    std::int32_t errcode() const noexcept { return result_->errcode(); }
    error_class class_() const noexcept { return result_->class_(); }
    std::string_view rid() const noexcept { return result_->rid(); }
    wxlink::delivery delivery() const noexcept { return result_->delivery(); }

private:
    std::shared_ptr<const result> result_;
};

// The kinds of error, by what the caller may do next.

/// Correct the call; nothing was sent.
struct argument_error : error {
    using error::error;
};
/// Nothing was sent: it is safe to call again.
struct not_sent_error : error {
    using error::error;
};
/// WeChat refuses the platform's ticket, so there is no access token: pass the pushed one to
/// client::set_ticket and call again.
struct ticket_error : not_sent_error {
    using not_sent_error::not_sent_error;
};
/// The request was sent, but no answer came from WeChat: read the list before calling again.
struct outcome_unknown_error : error {
    using error::error;
};
/// The response is not a valid answer of WeChat's; the outcome is unknown as well.
struct bad_answer_error : outcome_unknown_error {
    using outcome_unknown_error::outcome_unknown_error;
};
/// WeChat answered an errcode other than 0.
struct api_error : error {
    using error::error;
};
/// On its way already, or done: wait, do not link again.
struct pending_error : api_error {
    using api_error::api_error;
};
/// Get another access token and call again, once.
struct token_error : api_error {
    using api_error::api_error;
};
/// Wait a little and call again.
struct busy_error : api_error {
    using api_error::api_error;
};
/// Call again when the minute, day or month is over.
struct quota_error : api_error {
    using api_error::api_error;
};
/// An administrator or operator must act first.
struct action_required_error : api_error {
    using api_error::api_error;
};
/// Correct the call.
struct invalid_request_error : api_error {
    using api_error::api_error;
};
/// The handle was cancelled; delivery() shows whether anything was sent.
struct cancelled_error : error {
    using error::error;
};
/// The client was made before a fork and used in the child: make a client there.
struct forked_error : error {
    using error::error;
};

inline void result::or_throw() const {
    if (status_ == WX_OK) return;
    if (status_ == WX_E_API) {
        switch (class_()) {
        case error_class::ok:
        case error_class::pending: throw pending_error(*this);
        case error_class::token: throw token_error(*this);
        case error_class::busy: throw busy_error(*this);
        case error_class::quota: throw quota_error(*this);
        case error_class::action_required: throw action_required_error(*this);
        case error_class::invalid_request: throw invalid_request_error(*this);
        case error_class::ticket:
        case error_class::none: throw api_error(*this);
        }
    }
    // By group, so that a status of a later library has an error, too.
    if (status_ > -20) throw argument_error(*this);
    if (status_ == WX_E_NO_TOKEN && class_() == error_class::ticket) throw ticket_error(*this);
    if (status_ > -40) throw not_sent_error(*this);
    if (status_ > -60) throw outcome_unknown_error(*this);
    if (status_ > -70) throw bad_answer_error(*this);
    if (status_ == WX_E_CANCELLED) throw cancelled_error(*this);
    if (status_ == WX_E_FORKED) throw forked_error(*this);
    throw error(*this);
}

/// The description of an errcode. The texts are static.
struct explanation {
    std::string_view name;
    error_class class_;
    std::string_view meaning;
    std::string_view remedy;
};

/// Looks up an errcode that the endpoint answered; without an endpoint, the description that holds
/// for every endpoint. lang is the language of meaning and remedy. Empty for an unknown errcode.
inline std::optional<explanation> explain(std::int32_t errcode,
                                          std::optional<endpoint> answered_by = std::nullopt,
                                          wxlink::lang lang = wxlink::lang::en) noexcept {
    // The texts of to_string are literals, which end in a NUL.
    const char *const endpoint_word = answered_by ? to_string(*answered_by).data() : nullptr;
    const auto text = [&](const char *field) {
        return std::string_view(
            wx_errcode_text(endpoint_word, errcode, field, to_string(lang).data()));
    };
    const explanation known{text("name"), detail::class_from(text("class")), text("meaning"),
                            text("remedy")};
    if (known.name.empty()) return std::nullopt;
    return known;
}

/// Settings for clients: wx_options_set documents them. Each is checked when it is set. An invalid
/// value throws an argument_error whose message lists the valid ones.
class options {
public:
    options() : handle_(wx_options_new()) {
        if (!handle_) throw std::bad_alloc();
    }

    options &set(std::string_view key, std::string_view value) {
        check(try_set(key, value));
        return *this;
    }
    /// Returns WX_OK or an error; message() then describes what to do.
    [[nodiscard]] std::int32_t try_set(std::string_view key, std::string_view value) {
        nul_ = detail::has_nul(key) || detail::has_nul(value);
        if (nul_) return WX_E_BAD_OPTION;
        return wx_options_set(get(), std::string(key).c_str(), std::string(value).c_str());
    }
    /// Why the last option or client failed, and what to do.
    std::string message() const {
        return nul_ ? "BAD_OPTION: a key or value contains a NUL. Pass text without one."
                    : wx_options_message(get());
    }

    // BEGIN generated: options. Written by `make generate`; do not edit.
    /// WeChat's API hosts, the preferred one first. If a request could not be sent to one host, the
    /// next is tried. Takes 1 to 16 URLs separated by commas: https://HOST[:PORT], or
    /// http://HOST[:PORT] if HOST is a loopback address. Default: https://api.weixin.qq.com.
    options &base_url(std::string_view value) { return set("base_url", value); }
    /// Time limit for a whole call: name resolution, connecting, retries and reading the response.
    /// Takes 1 to 3600000 ms. Default: 10000.
    options &timeout(std::chrono::milliseconds time) { return set_time("timeout_ms", time); }
    /// Time limit for opening one connection: name resolution, TCP, proxy and TLS handshakes. Takes
    /// 1 to 3600000 ms. Default: 3000.
    options &connect_timeout(std::chrono::milliseconds time) {
        return set_time("connect_timeout_ms", time);
    }
    /// How often a call retries automatically. Only requests that cannot take effect twice are
    /// retried: those that were never sent, and reads. Takes 0 to 10. Default: 2.
    options &max_retries(unsigned number) { return set_number("max_retries", number); }
    /// How long after a post no other one is made for the same account and mini program by the
    /// calls that ensure a link: an invitation may take effect long after its request seemed to
    /// fail. See reliability.md. Takes 0 to 3600000 ms; 0 switches link claims and the memory of
    /// invitations off. Default: 90000.
    options &settle(std::chrono::milliseconds time) { return set_time("settle_ms", time); }
    /// Whether a mini program whose earlier invitation is no longer in the list is invited again.
    /// The store remembers invitations for 90 days. Takes no or yes. Default: no.
    options &reinvite(bool value) { return set("reinvite", value ? "yes" : "no"); }
    /// How long an idle connection is kept open for later calls. Takes 0 to 3600000 ms; 0 opens a
    /// new connection for every call. Default: 15000.
    options &keep_alive(std::chrono::milliseconds time) { return set_time("keep_alive_ms", time); }
    /// The proxy for https hosts. With env, the client reads HTTPS_PROXY (or ALL_PROXY) and
    /// NO_PROXY once, when it is created, by curl's rules. Plain http is used for loopback hosts
    /// only and never through a proxy. Takes none, env, http://[USER:PASSWORD@]HOST:PORT or
    /// socks5://[USER:PASSWORD@]HOST:PORT; percent-encode special characters in USER and PASSWORD.
    /// Default: none.
    options &proxy(std::string_view value) { return set("proxy", value); }
    /// CA certificates to trust in addition to the roots that trust selects. Read when the client
    /// is created. Takes a path to a PEM file; empty for none.
    options &ca_file(std::string_view value) { return set("ca_file", value); }
    /// The root certificates to trust: system uses the operating system's, and the bundled ones if
    /// it has none; bundled uses Mozilla's, which are part of the library. Takes system or bundled.
    /// Default: system.
    options &trust(wxlink::trust value) { return set("trust", to_string(value)); }
    /// The User-Agent header of every request. Takes 1 to 256 printable ASCII characters. Default:
    /// wxlink/VERSION.
    options &user_agent(std::string_view value) { return set("user_agent", value); }
    /// The largest response that is read. A call fails if the response is larger. Takes 1024 to
    /// 1073741824 bytes. Default: 4194304.
    options &max_response_bytes(std::size_t bytes) {
        return set_number("max_response_bytes", bytes);
    }
    /// The language of messages: English or Chinese. Takes en or zh. Default: en.
    options &lang(wxlink::lang value) { return set("lang", to_string(value)); }
    /// The Official Account for calls that pass no access token. Its token comes from one of three
    /// sources: access_token, token_command or component_appid. Of a token that is passed it names
    /// the owner, so that invitations are remembered. Takes the appid of an Official Account; empty
    /// for none.
    options &account(std::string_view value) { return set("account", value); }
    /// Token source 1: this access token, for calls that pass none. Takes an access token; empty
    /// for none.
    options &access_token(std::string_view value) { return set("access_token", value); }
    /// Token source 2: a program that prints an access token. It reads the lines account=APPID and
    /// refused_token=TOKEN, then an empty line, from standard input. It prints the token alone, or
    /// the lines access_token=TOKEN and expires_in=SECONDS, or JSON with these two fields. It is
    /// killed after timeout_ms. See tokens.md. Takes a shell command; empty for none.
    options &token_command(std::string_view value) { return set("token_command", value); }
    /// Token source 3: this third-party platform. The client fetches and refreshes the access
    /// tokens of the accounts that authorised it. Needs component_appsecret. Takes the appid of a
    /// third-party platform; empty for none.
    options &component_appid(std::string_view value) { return set("component_appid", value); }
    /// The appsecret of the platform that component_appid names. Takes the platform's appsecret;
    /// empty for none.
    options &component_appsecret(std::string_view value) {
        return set("component_appsecret", value);
    }
    /// The token in the platform's settings that signs WeChat's pushes. To change it, set the new
    /// one and the previous one: pushes signed with either are accepted. See authorization.md.
    /// Takes 1 to 8 tokens separated by commas, the current one first; empty for none.
    options &push_token(std::string_view value) { return set("push_token", value); }
    /// The EncodingAESKey in the platform's settings that encrypts WeChat's pushes. To change it,
    /// set the new one and the previous one. Takes 1 to 8 keys of 43 characters separated by
    /// commas, the current one first; empty for none.
    options &push_aes_key(std::string_view value) { return set("push_aes_key", value); }
    /// Where link claims, and a platform's tickets and tokens, are kept: memory for this process
    /// only, file for all processes of one machine, redis or rediss (TLS) for several machines.
    /// Takes memory, file:PATH, redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://… Default:
    /// memory.
    options &store(std::string_view value) { return set("store", value); }
    // END generated: options.
    /// The third-party platform that gets the tokens of its accounts: component_appid and
    /// component_appsecret.
    options &component(std::string_view appid, std::string_view appsecret) {
        return component_appid(appid).component_appsecret(appsecret);
    }

private:
    friend class client;
    struct failed : result {
        failed(std::int32_t status, std::string message) : result(status, std::move(message)) {}
    };

    wx_options *get() const noexcept { return handle_.get(); }
    options &set_time(std::string_view key, std::chrono::milliseconds time) {
        return set(key, std::to_string(time.count()));
    }
    options &set_number(std::string_view key, std::size_t number) {
        return set(key, std::to_string(number));
    }
    /// Throws the error that belongs to the status, unless it is WX_OK.
    void check(std::int32_t status) const {
        if (status == WX_OK) return;
        std::string why = message();
        if (why.empty()) why = wx_status_text(status);
        failed(status, std::move(why)).or_throw();
    }

    std::unique_ptr<wx_options, detail::freed_by<wx_options_free>> handle_;
    /// Whether the last option contained a NUL and so was not passed to the library.
    bool nul_ = false;
};

/// Calls WeChat and keeps connections for later calls. Make one client and share it: any number of
/// threads may call at once.
class client {
public:
    client() : client(options()) {}
    /// Throws an argument_error if certificates cannot be read or the proxy in the environment is
    /// not a URL.
    explicit client(const options &options) {
        wx_client *made = nullptr;
        const std::int32_t status = wx_client_new(options.get(), &made);
        own(status, made, options);
    }

    /// A handle on the same connections with its own cancellation and, if the options set them, its
    /// own timeout, connect_timeout, max_retries, lang and account.
    [[nodiscard]] client derive(const options &options) const {
        wx_client *made = nullptr;
        const std::int32_t status = wx_client_derive(handle_.get(), options.get(), &made);
        return client(status, made, options);
    }
    [[nodiscard]] client derive(std::chrono::milliseconds timeout) const {
        return derive(std::move(options().timeout(timeout)));
    }

    /// A handle on the same connections for calls on that account with an empty access token. The
    /// client gets the token from the source that its options name.
    [[nodiscard]] client account(std::string_view appid) const {
        return derive(std::move(options().account(appid)));
    }

    /// Stores the ticket that WeChat pushes to a third-party platform every 10 minutes.
    void set_ticket(std::string_view ticket) const {
        call<result>({ticket, ""}, [&](const texts &t, wx_result **out) {
            return wx_client_set_ticket(handle_.get(), t.token(), out);
        }).or_throw();
    }
    /// Stores the refresh token that an account gave when it authorised the platform.
    void add_account(std::string_view appid, std::string_view refresh_token) const {
        call<result>({refresh_token, appid}, [&](const texts &t, wx_result **out) {
            return wx_client_add_account(handle_.get(), t.appid(), t.token(), out);
        }).or_throw();
    }

    /// Accepts a push of WeChat's to a third-party platform: the query string and the body of its
    /// request, unchanged. Answer success if it returns, HTTP 403 for an argument_error with
    /// WX_E_BAD_PUSH, else 503. wx_client_accept_push describes the result's JSON.
    result accept_push(std::string_view query, std::string_view body) const {
        return accepted(try_accept_push(query, body));
    }
    [[nodiscard]] result try_accept_push(std::string_view query, std::string_view body) const {
        return call<result>({"", query}, [&](const texts &t, wx_result **out) {
            // An empty view may have no data.
            const char *bytes = body.empty() ? "" : body.data();
            return wx_client_accept_push(handle_.get(), t.appid(), bytes, body.size(), out);
        });
    }
    /// Makes the URLs of the pages on which an account authorises the platform: any Official
    /// Account, or the one with that appid. wx_client_authorization_url describes the result's
    /// JSON.
    [[nodiscard]] result authorization_url(
        std::string_view redirect_uri, std::optional<std::string_view> account = {}) const {
        return accepted(call<result>(
            {account.value_or(""), redirect_uri}, [&](const texts &t, wx_result **out) {
                const char *one = account ? t.token() : nullptr;
                return wx_client_authorization_url(handle_.get(), t.appid(), one, out);
            }));
    }
    /// Exchanges the code of a redirect for the account's tokens and stores them.
    /// wx_client_accept_authorization describes the result's JSON.
    result accept_authorization(std::string_view code) const {
        return accepted(call<result>({code, ""}, [&](const texts &t, wx_result **out) {
            return wx_client_accept_authorization(handle_.get(), t.token(), out);
        }));
    }
    /// Describes an account that has authorised the platform. wx_client_account_info describes the
    /// result's JSON.
    [[nodiscard]] result account_info(std::string_view appid) const {
        return accepted(call<result>({"", appid}, [&](const texts &t, wx_result **out) {
            return wx_client_account_info(handle_.get(), t.appid(), out);
        }));
    }

    /// What this client, and the clients that share its connections, have done so far. Makes no
    /// request and does not wait.
    [[nodiscard]] wxlink::stats stats() const {
        const auto read = [&](const texts &, wx_result **out) {
            return wx_client_stats(handle_.get(), out);
        };
        return detail::read_stats(accepted(call<result>({"", ""}, read)));
    }

    /// Ends the running calls of this handle within 100 ms, and all later ones, with
    /// cancelled_error.
    void cancel() const noexcept { wx_client_cancel(handle_.get()); }

    /// Invites a mini program to be linked; posts once. With an empty access token, here as in
    /// every call, the client gets a token for its account.
    result link_miniprogram(std::string_view access_token, std::string_view appid,
                            notify_users notify, show_profile show) const {
        return accepted(try_link_miniprogram(access_token, appid, notify, show));
    }
    [[nodiscard]] result try_link_miniprogram(std::string_view access_token, std::string_view appid,
                                              notify_users notify, show_profile show) const {
        return call<result>({access_token, appid}, [&](const texts &t, wx_result **out) {
            return wx_link_miniprogram(handle_.get(), t.token(), t.appid(), flag(notify),
                                       flag(show), out);
        });
    }

    /// Reads the list: see items() of the result.
    [[nodiscard]] result get_linked(std::string_view access_token) const {
        return accepted(try_get_linked(access_token));
    }
    [[nodiscard]] result try_get_linked(std::string_view access_token) const {
        return call<result>({access_token, ""}, [&](const texts &t, wx_result **out) {
            return wx_get_linked(handle_.get(), t.token(), out);
        });
    }

    /// Asks the Official Account's administrator to unlink a mini program; posts once.
    result unlink_miniprogram(std::string_view access_token, std::string_view appid) const {
        return accepted(try_unlink_miniprogram(access_token, appid));
    }
    [[nodiscard]] result try_unlink_miniprogram(std::string_view access_token,
                                                std::string_view appid) const {
        return call<result>({access_token, appid}, [&](const texts &t, wx_result **out) {
            return wx_unlink_miniprogram(handle_.get(), t.token(), t.appid(), out);
        });
    }

    /// Makes sure that a mini program is linked: reads the list, posts a link if it is not there,
    /// and waits for the administrators. Safe to repeat. A link that is pending, declined, vanished
    /// or in doubt is returned; throws only if the state of the link is not known.
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

    /// Waits until a mini program is linked, declined or vanished; posts nothing.
    [[nodiscard]] progress wait_linked(std::string_view access_token,
                                       std::string_view appid_or_gh_id,
                                       std::chrono::milliseconds wait) const {
        return known(try_wait_linked(access_token, appid_or_gh_id, wait));
    }
    [[nodiscard]] progress try_wait_linked(std::string_view access_token,
                                           std::string_view appid_or_gh_id,
                                           std::chrono::milliseconds wait) const {
        return call<progress>({access_token, appid_or_gh_id}, [&](const texts &t, wx_result **out) {
            return wx_wait_linked(handle_.get(), t.token(), t.appid(), detail::count(wait), out);
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

    static result accepted(result outcome) {
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

// Tests what the C++ layer adds to the C interface, against a sandbox at WXLINK_BASE_URL.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <type_traits>
#include <typeinfo>
#include <vector>

#include "wxlink.hpp"

using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<wxlink::client>);
static_assert(!std::is_copy_constructible_v<wxlink::options>);
static_assert(!std::is_copy_constructible_v<wxlink::result>);
static_assert(std::is_nothrow_move_constructible_v<wxlink::client>);
static_assert(std::is_nothrow_move_constructible_v<wxlink::result>);
static_assert(std::is_nothrow_copy_constructible_v<wxlink::error>);
// The errors that a program may want to catch together.
static_assert(std::is_base_of_v<std::runtime_error, wxlink::error>);
static_assert(std::is_base_of_v<wxlink::outcome_unknown_error, wxlink::bad_answer_error>);
static_assert(!std::is_base_of_v<wxlink::api_error, wxlink::not_sent_error>);

#define EXPECT(truth)                                                                              \
    do {                                                                                           \
        if (!(truth)) {                                                                            \
            std::cerr << "line " << __LINE__ << ": " << #truth << '\n';                            \
            std::exit(1);                                                                          \
        }                                                                                          \
    } while (false)

template <typename Error, typename Call> static Error thrown(const Call &call) {
    try {
        call();
    } catch (const Error &error) {
        return error;
    } catch (const std::exception &other) {
        std::cerr << "another error: " << other.what() << '\n';
    }
    std::cerr << "no such error\n";
    std::exit(1);
}

static const char *const appid = "wx0b00000000000001";
static const char *const token = "SANDBOX-TOKEN";

// Sends a request to the sandbox's admin interface, a POST if there is a body. Returns the whole
// response, headers included.
static std::string admin(const std::string &path, const std::string &body = {}) {
    const std::string url = std::getenv("WXLINK_BASE_URL");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT(socket >= 0);
    EXPECT(connect(socket, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0);
    const std::string request =
        (body.empty() ? "GET" : "POST") + (" /__sandbox/" + path) +
        " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    EXPECT(send(socket, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size()));
    std::string answer;
    char bytes[4096];
    for (ssize_t n; (n = recv(socket, bytes, sizeof bytes, 0)) > 0;)
        answer.append(bytes, static_cast<std::size_t>(n));
    close(socket);
    EXPECT(answer.find(" 200 ") == 8);
    return answer;
}

static wxlink::client sandbox() {
    return wxlink::client(wxlink::options().base_url(std::getenv("WXLINK_BASE_URL")).timeout(30s));
}

static wxlink::result link(const wxlink::client &client, std::string_view with_token,
                           std::string_view to) {
    return client.try_link_miniprogram(with_token, to, wxlink::notify_users::no,
                                       wxlink::show_profile::yes);
}

static void options_are_checked() {
    wxlink::options options;
    const auto error = thrown<wxlink::argument_error>([&] { options.set("timeout_ms", "0"); });
    EXPECT(error.status() == WX_E_BAD_OPTION);
    EXPECT(std::string(error.what()).find("timeout_ms") != std::string::npos);
    EXPECT(options.try_set("no such option", "1") == WX_E_BAD_OPTION && !options.message().empty());
    const auto nul = thrown<wxlink::argument_error>([&] { options.set("lang", {"en\0x", 4}); });
    EXPECT(std::string(nul.what()).find("NUL") != std::string::npos);
    EXPECT(options.try_set("lang", "fr") == WX_E_BAD_OPTION);
    EXPECT(options.message().find("en or zh") != std::string::npos);
    thrown<wxlink::argument_error>([] { wxlink::options().timeout(-1ms); });
    thrown<wxlink::argument_error>([] { wxlink::client(wxlink::options().ca_file("/nowhere")); });
    wxlink::options moved = std::move(wxlink::options()
                                          .connect_timeout(1s)
                                          .max_retries(0)
                                          .keep_alive(0ms)
                                          .proxy("none")
                                          .trust(wxlink::trust::bundled)
                                          .user_agent("test")
                                          .max_response_bytes(65536)
                                          .lang(wxlink::lang::zh));
    EXPECT(wx_abi_version() >= WX_ABI_VERSION);
    wxlink::client client(moved);
    thrown<wxlink::argument_error>([&] { (void)client.derive(wxlink::options().proxy("none")); });
}

static void tokens() {
    const auto platform = [](wxlink::options &options) -> wxlink::options & {
        return options.base_url(std::getenv("WXLINK_BASE_URL")).account("wx0a00000000000001");
    };
    wxlink::options options;
    const wxlink::client client(platform(options)
                                    .component("wx0c00000000000001", "SANDBOX-COMPONENT-SECRET")
                                    .store("memory"));
    EXPECT(thrown<wxlink::not_sent_error>([&] { (void)client.get_linked(""); }).status() ==
           WX_E_NO_TOKEN);
    thrown<wxlink::argument_error>([&] { client.set_ticket(""); });
    client.set_ticket("REFUSED-TICKET");
    const auto refused = thrown<wxlink::ticket_error>([&] { (void)client.get_linked(""); });
    EXPECT(refused.status() == WX_E_NO_TOKEN && refused.class_() == wxlink::error_class::ticket);
    EXPECT(refused.delivery() == wxlink::delivery::never_sent);
    client.set_ticket("SANDBOX-TICKET");
    client.add_account("wx0a00000000000001", "SANDBOX-REFRESH-1");
    EXPECT(client.get_linked("").errcode() == 0);
    const auto other = client.account("wx0a00000000000003");
    EXPECT(other.get_linked("").json() == other.get_linked("SANDBOX-TOKEN-3").json());
    EXPECT(other.get_linked("").json() != client.get_linked("").json());
    const auto there = other.get_linked("").items().at(0).appid.value();
    EXPECT(thrown<wxlink::pending_error>([&] { link(other, "", there).or_throw(); }).errcode() ==
           89015);
    thrown<wxlink::argument_error>([&] { (void)client.account("").get_linked(""); });
    thrown<wxlink::argument_error>([&] { (void)sandbox().get_linked(""); });
    wxlink::options command;
    EXPECT(wxlink::client(platform(command).token_command("echo SANDBOX-TOKEN"))
               .get_linked("")
               .errcode() == 0);
    wxlink::options fixed;
    EXPECT(wxlink::client(platform(fixed).access_token("SANDBOX-TOKEN")).get_linked("").errcode() ==
           0);
}

static void links_and_refusals() {
    const wxlink::client client = sandbox();
    const auto yes = link(client, token, appid);
    EXPECT(yes && yes.errcode() == 0 && yes.class_() == wxlink::error_class::ok &&
           yes.message().empty());
    EXPECT(yes.delivery() == wxlink::delivery::answered && yes.http_status() == 200);

    const auto pending =
        thrown<wxlink::pending_error>([&] { link(client, token, appid).or_throw(); });
    EXPECT(pending.errcode() == 89010 && pending.delivery() == wxlink::delivery::answered);
    EXPECT(std::string(pending.what()).find(pending.rid()) != std::string::npos);
    const wxlink::error copy = pending;
    EXPECT(copy.why().json().find("89010") != std::string_view::npos);
    EXPECT(copy.why().get_number("/errcode") == 89010);

    const auto expired =
        thrown<wxlink::token_error>([&] { (void)client.get_linked("SANDBOX-EXPIRED"); });
    EXPECT(expired.errcode() == 42001 && expired.class_() == wxlink::error_class::token);

    const auto cut = link(client, std::string_view("a\0b", 3), appid);
    EXPECT(cut.status() == WX_E_BAD_VALUE && cut.delivery() == wxlink::delivery::never_sent);
    EXPECT(cut.message().find("access_token contains a control character") !=
           std::string_view::npos);
    EXPECT(link(client, token, {"wx0b\0", 5}).message().find("appid") != std::string_view::npos);
    thrown<wxlink::argument_error>([&] { cut.or_throw(); });
    thrown<wxlink::argument_error>([&] { (void)client.get_linked(""); });
    const wxlink::client nowhere(wxlink::options().base_url("http://127.0.0.1:1").max_retries(0));
    const auto unsent = thrown<wxlink::not_sent_error>([&] { (void)nowhere.get_linked(token); });
    EXPECT(unsent.delivery() == wxlink::delivery::never_sent);
}

// The text as the content of a JSON string.
static std::string escaped(const std::string &text) {
    std::string json;
    for (const char c : text) (c == '"' || c == '\\' ? json += '\\' : json) += c;
    return json;
}

static void refusals_by_class() {
    const wxlink::client client = sandbox();
    const auto refused = [&](const char *to) {
        return [&client, to] { link(client, token, to).or_throw(); };
    };
    EXPECT(thrown<wxlink::action_required_error>(refused("wx0b000000000000e3")).errcode() == 89245);
    EXPECT(thrown<wxlink::invalid_request_error>(refused("wx-no-such-appid")).errcode() == 40013);
    const auto busy = thrown<wxlink::busy_error>(refused("wx0a00000000000004"));
    EXPECT(busy.errcode() == -1 && busy.status() == WX_E_API);
    admin("faults", R"({"fault":{"errcode":{"code":45009}}})");
    EXPECT(thrown<wxlink::quota_error>(refused(appid)).class_() == wxlink::error_class::quota);
    admin("faults", R"({"fault":{"errcode":{"code":98765,"errmsg":"novel"}}})");
    bool of_no_class = false;
    try {
        link(client, token, appid).or_throw();
    } catch (const wxlink::error &error) {
        of_no_class = typeid(error) == typeid(wxlink::api_error) &&
                      error.class_() == wxlink::error_class::none;
    }
    EXPECT(of_no_class);
}

static void outcomes_are_unknown() {
    const wxlink::client client = sandbox();
    const char *const other = "wx0b00000000000002";
    admin("faults", R"({"endpoint":"link","when":"after","fault":{"drop":"reset"}})");
    const auto lost =
        thrown<wxlink::outcome_unknown_error>([&] { link(client, token, other).or_throw(); });
    EXPECT(lost.status() == WX_E_CONNECTION_LOST && lost.errcode() == WX_E_CONNECTION_LOST);
    EXPECT(lost.delivery() == wxlink::delivery::unknown && lost.rid().empty());
    // ensure reads the list first and does not post again.
    const auto found =
        client.ensure_linked(token, other, wxlink::notify_users::no, wxlink::show_profile::yes);
    EXPECT(found.state() == wxlink::link_state::pending && found.posts() == 0);

    admin("faults", R"({"endpoint":"unlink","when":"before","fault":"hang"})");
    const auto late = thrown<wxlink::outcome_unknown_error>(
        [&] { client.derive(200ms).unlink_miniprogram(token, other); });
    EXPECT(late.status() == WX_E_TIMEOUT);
    admin("faults",
          R"({"endpoint":"unlink","fault":{"status":{"code":404,"html":"<p>gone</p>"}}})");
    const auto page =
        thrown<wxlink::bad_answer_error>([&] { client.unlink_miniprogram(token, other); });
    EXPECT(page.why().http_status() == 404);
}

// If an answer without a list passed for an empty list, a program would link again.
static void answers_without_a_list() {
    const wxlink::client client = sandbox();
    const auto answer_with = [](const std::string &answer) {
        admin("faults", R"({"fault":{"body":{"text":")" + escaped(answer) + R"("}}})");
    };
    for (const std::string answer :
         {R"({"errcode":0,"wxopens":"none"})", R"({"errcode":0,"wxopens":{"items":[{},1]}})",
          R"({"errcode":0,"wxopens":{"items":[{"appid":5}]}})", R"({})", R"({"code":0})"}) {
        answer_with(answer);
        const auto list = client.try_get_linked(token);
        EXPECT(!list && list.status() == WX_E_BAD_ANSWER && list.errcode() == WX_E_BAD_ANSWER);
        EXPECT(list.class_() == wxlink::error_class::none &&
               list.delivery() == wxlink::delivery::unknown);
        EXPECT(list.message().find("BAD_ANSWER") != std::string_view::npos);
        thrown<wxlink::bad_answer_error>([&] { (void)list.items(); });
    }
    for (const std::string answer : {R"({"errcode":0})", R"({"errcode":0,"wxopens":null})",
                                     R"({"errcode":0,"wxopens":{"items":[]}})"}) {
        answer_with(answer);
        EXPECT(client.get_linked(token).items().empty());
    }
    thrown<wxlink::token_error>([&] { (void)client.try_get_linked("SANDBOX-EXPIRED").items(); });
}

static void moves() {
    wxlink::client first = sandbox();
    const wxlink::client second = std::move(first);
    auto list = second.get_linked("SANDBOX-TOKEN-3");
    list = second.get_linked("SANDBOX-TOKEN-2");
    EXPECT(list.items().empty());
    thrown<wxlink::argument_error>([&] { (void)first.get_linked(token); });
    // Results outlive their client, and errors their results.
    const auto kept = [] { return sandbox().get_linked("SANDBOX-TOKEN-3"); }();
    EXPECT(kept.items().size() == 6);
    const auto error = [] { return wxlink::error(link(sandbox(), "SANDBOX-EXPIRED", appid)); }();
    EXPECT(error.errcode() == 42001 && !error.rid().empty());
}

static void closed_sets_have_words() {
    static_assert(to_string(wxlink::error_class::none).empty());
    static_assert(to_string(wxlink::error_class::invalid_request) == "invalid_request");
    static_assert(to_string(wxlink::link_state::vanished) == "vanished");
    static_assert(to_string(wxlink::administrator::mini_program) == "mini_program");
    static_assert(to_string(wxlink::trust::bundled) == "bundled");
    static_assert(to_string(wxlink::lang::zh) == "zh");
    static_assert(to_string(wxlink::endpoint::unlink) == "unlink");
    for (int i = 0; i < 8; i++) {
        const auto value = static_cast<wxlink::error_class>(i);
        EXPECT(wxlink::detail::class_from(to_string(value)) == value);
    }
    EXPECT(wxlink::detail::class_from("of a later library") == wxlink::error_class::none);
}

static void errcodes_are_explained() {
    using wxlink::endpoint;
    const auto known = wxlink::explain(89010, endpoint::link);
    EXPECT(known && known->name == "LINK_MESSAGE_SENT" &&
           known->class_ == wxlink::error_class::pending);
    EXPECT(!known->meaning.empty() &&
           known->remedy != wxlink::explain(89010, endpoint::link, wxlink::lang::zh)->remedy);
    EXPECT(wxlink::explain(89015)->class_ == wxlink::error_class::ok);
    EXPECT(wxlink::explain(89015, endpoint::unlink)->class_ ==
           wxlink::error_class::invalid_request);
    EXPECT(!wxlink::explain(98765) && !wxlink::explain(98765, endpoint::get));
}

static void lists() {
    const wxlink::client client = sandbox();
    const auto list = client.get_linked("SANDBOX-TOKEN-3");
    const auto items = list.items();
    EXPECT(items.size() == 6);
    EXPECT(items[0].status == wxlink::link_status::linked && items[0].appid && items[0].nickname);
    EXPECT(!items[0].func_infos.empty() && items[0].func_infos[0].id);
    std::size_t nameless = 0;
    for (const auto &item : items) nameless += !item.appid;
    EXPECT(nameless == 1);
    EXPECT(list.get("/wxopens/items/0/appid") == items[0].appid);
    EXPECT(!list.get("/wxopens/items/9") && !list.get("no pointer") &&
           !list.get(std::string_view("/\0", 2)));
    EXPECT(!list.get_number("/wxopens/items/0/nickname"));
}

static void ensuring() {
    const wxlink::client client = sandbox();
    const auto progress =
        client.ensure_linked(token, appid, wxlink::notify_users::no, wxlink::show_profile::yes);
    EXPECT(progress.known() && !progress.linked() &&
           progress.state() == wxlink::link_state::pending);
    EXPECT(progress.waits_for() == wxlink::administrator::official_account &&
           progress.posts() == 0);
    EXPECT(progress.found() == wxlink::link_state::pending && !progress.message().empty());
    EXPECT(client.wait_linked(token, appid, 50ms).status() == WX_E_PENDING);
    EXPECT(client.wait_linked(token, "wx-no-such-appid", 0ms).state() ==
           wxlink::link_state::vanished);
    thrown<wxlink::token_error>([&] { (void)client.wait_linked("SANDBOX-EXPIRED", appid, 1s); });
    const auto failed = client.try_wait_linked("SANDBOX-EXPIRED", appid, 0ms);
    EXPECT(!failed.known() && failed.state() == wxlink::link_state::unknown);
    EXPECT(failed.waits_for() == wxlink::administrator::none);
}

static void cancelling() {
    const wxlink::client client = sandbox();
    const wxlink::client handle = client.derive(60s);
    const auto received = [] {
        const std::string counts = admin("journal/counts");
        return counts.substr(counts.find("received"),
                             counts.find("processed") - counts.find("received"));
    };
    const std::string before = received();
    admin("faults", R"({"endpoint":"get","when":"before","fault":"hang"})");
    std::chrono::steady_clock::time_point asked;
    std::thread canceller([&] {
        while (received() == before) std::this_thread::yield();
        asked = std::chrono::steady_clock::now();
        handle.cancel();
    });
    const auto error = thrown<wxlink::cancelled_error>([&] { (void)handle.get_linked(token); });
    const auto ended = std::chrono::steady_clock::now();
    canceller.join();
    EXPECT(ended - asked < 2s); // The library takes 100 ms; a busy machine may take longer.
    EXPECT(error.status() == WX_E_CANCELLED && error.delivery() == wxlink::delivery::unknown);
    EXPECT(handle.try_get_linked(token).delivery() == wxlink::delivery::never_sent);
    EXPECT(client.try_get_linked(token)); // Other handles are not cancelled.
}

static void counting() {
    const auto before = std::chrono::system_clock::now() - 1s;
    const wxlink::client client = sandbox();
    EXPECT(client.stats().endpoints.empty());
    (void)client.get_linked(token);
    (void)client.derive(1min).get_linked(token);
    EXPECT(client.try_get_linked("wrong").status() == WX_E_API);
    (void)link(client, token, "wx0b000000000000e1");
    const wxlink::stats stats = client.stats();
    EXPECT(stats.since > before && stats.since <= std::chrono::system_clock::now());
    EXPECT(stats.endpoints.size() == 2);
    EXPECT(stats.endpoints.at(wxlink::endpoint::link).outcomes.at(WX_E_API) == 1);
    const wxlink::endpoint_stats &lists = stats.endpoints.at(wxlink::endpoint::get);
    EXPECT(lists.calls == 3 && lists.retries == 0 && lists.delivery_unknown == 0);
    EXPECT(lists.outcomes.size() == 2);
    EXPECT(lists.outcomes.at(WX_OK) == 2 && lists.outcomes.at(WX_E_API) == 1);
    EXPECT(lists.longest < lists.total && lists.longest < lists.buckets.back().below);
    std::int64_t calls = 0;
    for (const wxlink::latency_bucket &bucket : lists.buckets) calls += bucket.calls;
    EXPECT(calls == 3);
    EXPECT(stats.in_doubt == 0 && stats.tokens_fetched == 0);
    EXPECT(stats.connections_opened + stats.connections_reused == 4);
    EXPECT(stats.connections_idle == 1);
}

static void forks() {
    const wxlink::client client = sandbox();
    const pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        try {
            (void)client.get_linked(token);
        } catch (const wxlink::forked_error &error) {
            _exit(error.status() == WX_E_FORKED ? 0 : 2);
        } catch (...) {
        }
        _exit(1);
    }
    int status = 0;
    EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT(client.try_get_linked(token));
}

static void many_threads() {
    const wxlink::client client = sandbox();
    std::atomic<int> failures{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 32; i++) {
        threads.emplace_back([&client, &failures, i] {
            const bool full = i % 2 == 1;
            for (int round = 0; round < 20; round++) {
                const auto list =
                    client.try_get_linked(full ? "SANDBOX-TOKEN-3" : "SANDBOX-TOKEN-2");
                if (!list || list.items().size() != (full ? 6 : 0)) failures++;
            }
        });
    }
    for (std::thread &thread : threads) thread.join();
    EXPECT(failures == 0);
}

int main() {
    options_are_checked();
    closed_sets_have_words();
    errcodes_are_explained();
    tokens();
    links_and_refusals();
    refusals_by_class();
    outcomes_are_unknown();
    answers_without_a_list();
    moves();
    lists();
    ensuring();
    cancelling();
    counting();
    forks();
    many_threads();
    std::cout << "c++: all passed\n";
}

// What C++ adds to the C interface, against a live sandbox at WXLINK_BASE_URL.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <type_traits>
#include <vector>

#include "wxlink.hpp"

using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<wxlink::client>);
static_assert(!std::is_copy_constructible_v<wxlink::options>);
static_assert(!std::is_copy_constructible_v<wxlink::result>);
static_assert(std::is_nothrow_move_constructible_v<wxlink::client>);
static_assert(std::is_nothrow_copy_constructible_v<wxlink::error>);

#define EXPECT(truth)                                                                              \
    do {                                                                                           \
        if (!(truth)) {                                                                            \
            std::cerr << "line " << __LINE__ << ": " << #truth << '\n';                             \
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

static wxlink::client sandbox() {
    return wxlink::client(wxlink::options().base_url(std::getenv("WXLINK_BASE_URL")).timeout(30s));
}

static wxlink::result link(const wxlink::client &client, std::string_view with_token, std::string_view to) {
    return client.try_link_miniprogram(with_token, to, wxlink::notify_users::no, wxlink::show_profile::yes);
}

static void options_are_checked() {
    wxlink::options options;
    const auto error = thrown<wxlink::argument_error>([&] { options.set("timeout_ms", "0"); });
    EXPECT(error.status() == WX_E_BAD_OPTION);
    EXPECT(std::string(error.what()).find("timeout_ms") != std::string::npos);
    EXPECT(options.try_set("no such option", "1") == WX_E_BAD_OPTION && !options.message().empty());
    EXPECT(options.try_set("lang", std::string_view("en\0x", 4)) == WX_E_BAD_OPTION);
    thrown<wxlink::argument_error>([] { wxlink::options().timeout(-1ms); });
    thrown<wxlink::argument_error>([] { wxlink::client(wxlink::options().ca_file("/nowhere")); });
    wxlink::options moved = std::move(wxlink::options().connect_timeout(1s).max_retries(0).keep_alive(0ms)
                                          .proxy("none").trust("bundled").user_agent("test")
                                          .max_response_bytes(65536).lang("zh"));
    EXPECT(wx_abi_version() >= WX_ABI_VERSION);
    wxlink::client client(moved);
    thrown<wxlink::argument_error>([&] { (void)client.with(wxlink::options().proxy("none")); });
}

static void links_and_refusals() {
    const wxlink::client client = sandbox();
    const auto yes = link(client, token, appid);
    EXPECT(yes && yes.errcode() == 0 && yes.class_() == "ok" && yes.message().empty());
    EXPECT(yes.delivery() == wxlink::delivery::answered && yes.http_status() == 200);

    const auto pending = thrown<wxlink::pending_error>([&] { link(client, token, appid).or_throw(); });
    EXPECT(pending.errcode() == 89010 && pending.delivery() == wxlink::delivery::answered);
    EXPECT(std::string(pending.what()).find(pending.rid()) != std::string::npos);
    const wxlink::error copy = pending;
    EXPECT(copy.why().json().find("89010") != std::string_view::npos);
    EXPECT(copy.why().get_number("/errcode") == 89010);

    const auto expired = thrown<wxlink::token_error>([&] { (void)client.get_linked("SANDBOX-EXPIRED"); });
    EXPECT(expired.errcode() == 42001 && expired.class_() == "token");

    const auto cut = link(client, std::string_view("a\0b", 3), appid);
    EXPECT(cut.status() == WX_E_BAD_VALUE && cut.delivery() == wxlink::delivery::never_sent);
    EXPECT(cut.message().find("NUL") != std::string_view::npos && cut.json().empty());
    thrown<wxlink::argument_error>([&] { cut.or_throw(); });
    thrown<wxlink::argument_error>([&] { (void)client.get_linked(""); });
    const wxlink::client nowhere(wxlink::options().base_url("http://127.0.0.1:1").max_retries(0));
    const auto unsent = thrown<wxlink::not_sent>([&] { (void)nowhere.get_linked(token); });
    EXPECT(unsent.delivery() == wxlink::delivery::never_sent);
}

static void lists() {
    const wxlink::client client = sandbox();
    const auto list = client.get_linked("SANDBOX-TOKEN-3");
    const auto items = list.items();
    EXPECT(items.size() == 6);
    EXPECT(items[0].status == wxlink::mini_program::linked && items[0].appid && items[0].nickname);
    EXPECT(!items[0].func_infos.empty() && items[0].func_infos[0].id);
    std::size_t nameless = 0;
    for (const auto &item : items) nameless += !item.appid;
    EXPECT(nameless == 1);
    EXPECT(list.get("/wxopens/items/0/appid") == items[0].appid);
    EXPECT(!list.get("/wxopens/items/9") && !list.get("no pointer") && !list.get(std::string_view("/\0", 2)));
    EXPECT(!list.get_number("/wxopens/items/0/nickname"));
}

static void ensuring() {
    const wxlink::client client = sandbox();
    const auto progress = client.ensure_linked(token, appid, wxlink::notify_users::no, wxlink::show_profile::yes);
    EXPECT(progress.known() && !progress.linked() && progress.state() == "pending");
    EXPECT(progress.waits_for() == "official_account" && progress.posts() == 0);
    EXPECT(client.wait_linked(token, appid, 50ms).status() == WX_E_PENDING);
    EXPECT(client.wait_linked(token, "wx-nobody", 0ms).state() == "vanished");
    thrown<wxlink::token_error>([&] { (void)client.wait_linked("SANDBOX-EXPIRED", appid, 1s); });
}

static void cancelling() {
    const wxlink::client client = sandbox();
    const wxlink::client handle = client.with(60s);
    std::thread canceller([&] {
        std::this_thread::sleep_for(100ms);
        handle.cancel();
    });
    const auto started = std::chrono::steady_clock::now();
    thrown<wxlink::cancelled>([&] { (void)handle.wait_linked(token, appid, 60s); });
    EXPECT(std::chrono::steady_clock::now() - started < 10s);
    canceller.join();
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
                const auto list = client.try_get_linked(full ? "SANDBOX-TOKEN-3" : "SANDBOX-TOKEN-2");
                if (!list || list.items().size() != (full ? 6 : 0)) failures++;
            }
        });
    }
    for (std::thread &thread : threads) thread.join();
    EXPECT(failures == 0);
}

int main() {
    options_are_checked();
    links_and_refusals();
    lists();
    ensuring();
    cancelling();
    many_threads();
    std::cout << "all went well\n";
}

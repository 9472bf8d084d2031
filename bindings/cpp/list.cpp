// Lists the mini programs linked to an Official Account, and those on their way.
//
//   WXLINK_ACCESS_TOKEN=... list
//
// WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
// Exits with 0, 1 if the list could not be read, 2 after wrong arguments or options.
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <optional>
#include <string>

#include "wxlink.hpp"

using wxlink::link_status;

static std::string status_text(std::optional<link_status> status) {
    if (!status) return "";
    switch (*status) {
    case link_status::linked: return "linked";
    case link_status::awaiting_mini_program: return "waiting for the mini program's administrator";
    case link_status::refused: return "refused by the mini program's administrator";
    case link_status::awaiting_official_account:
        return "waiting for the Official Account's administrator";
    }
    // A status that WeChat added later.
    return std::to_string(static_cast<std::int64_t>(*status));
}

static std::string or_dash(const std::string &text) { return text.empty() ? "-" : text; }

static void print_row(const std::string &appid, const std::string &username,
                      const std::string &status, const std::string &name) {
    std::cout << std::left << "  " << std::setw(18) << or_dash(appid) << "  " << std::setw(18)
              << or_dash(username) << "  " << std::setw(48) << or_dash(status) << "  "
              << or_dash(name) << '\n';
}

static int list(const wxlink::client &client, const char *token) {
    try {
        const auto items = client.get_linked(token).items();
        print_row("APPID", "ORIGINAL ID", "STATUS", "NAME");
        for (const wxlink::mini_program &item : items)
            print_row(item.appid.value_or(""), item.username.value_or(""), status_text(item.status),
                      item.nickname.value_or(""));
        if (items.empty()) std::cout << "  (none)\n";
        return 0;
    } catch (const wxlink::error &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

int main() {
    const char *token = std::getenv("WXLINK_ACCESS_TOKEN");
    if (token == nullptr) {
        std::cerr << "usage: WXLINK_ACCESS_TOKEN=... list\n";
        return 2;
    }
    try {
        wxlink::options options;
        if (const char *base_url = std::getenv("WXLINK_BASE_URL")) options.base_url(base_url);
        return list(wxlink::client(options), token);
    } catch (const wxlink::error &error) {
        std::cerr << error.what() << '\n';
        return 2;
    }
}

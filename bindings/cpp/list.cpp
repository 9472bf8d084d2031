// Lists the mini programs linked to an Official Account, and those on their way.
//
//   WXLINK_TOKEN=... list
//
// WXLINK_BASE_URL, if set, leads elsewhere than to WeChat: to the sandbox, say.
// Exits with 0, 1 if the list could not be read, 2 if called wrongly.
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <optional>
#include <string>

#include "wxlink.hpp"

static std::string status_text(std::optional<std::int64_t> status) {
    if (!status) return "-";
    switch (*status) {
    case wxlink::mini_program::linked: return "linked";
    case wxlink::mini_program::awaiting_mini_program: return "waiting for the mini program's administrator";
    case wxlink::mini_program::refused: return "refused by the mini program's administrator";
    case wxlink::mini_program::awaiting_official_account: return "waiting for the Official Account's administrator";
    default: return std::to_string(*status);
    }
}

static void print_row(const std::string &appid, const std::string &username, const std::string &status,
                      const std::string &name) {
    std::cout << std::left << "  " << std::setw(18) << appid << "  " << std::setw(18) << username
              << "  " << std::setw(48) << status << "  " << name << '\n';
}

int main() {
    const char *token = std::getenv("WXLINK_TOKEN");
    if (token == nullptr) {
        std::cerr << "usage: WXLINK_TOKEN=... list\n";
        return 2;
    }
    try {
        wxlink::options options;
        if (const char *base_url = std::getenv("WXLINK_BASE_URL")) options.base_url(base_url);
        const auto items = wxlink::client(options).get_linked(token).items();
        print_row("APPID", "ORIGINAL ID", "STATUS", "NAME");
        for (const wxlink::mini_program &item : items)
            print_row(item.appid.value_or("-"), item.username.value_or("-"), status_text(item.status),
                      item.nickname.value_or("-"));
        if (items.empty()) std::cout << "  (none)\n";
    } catch (const wxlink::argument_error &error) {
        std::cerr << error.what() << '\n';
        return 2;
    } catch (const wxlink::error &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    return 0;
}

// Links one mini program to an Official Account.
//
//   WXLINK_ACCESS_TOKEN=... link APPID NOTIFY_USERS SHOW_PROFILE
//
// WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
// Exits with 0 if the mini program is linked or on its way, 1 if not, 2 after wrong arguments or
// options.
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "wxlink.hpp"

static int link(const wxlink::client &client, const char *token, const char *appid,
                wxlink::notify_users notify, wxlink::show_profile show) {
    try {
        client.link_miniprogram(token, appid, notify, show);
        std::cout << "The invitation is out.\n";
        return 0;
    } catch (const wxlink::pending_error &error) {
        std::cout << error.what() << '\n';
        return 0;
    } catch (const wxlink::error &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

// A flag decides whether followers are messaged: only 0 and 1 are valid.
static bool is_flag(std::string_view text) { return text == "0" || text == "1"; }

int main(int argc, char **argv) {
    const char *token = std::getenv("WXLINK_ACCESS_TOKEN");
    if (token == nullptr || argc != 4 || !is_flag(argv[2]) || !is_flag(argv[3])) {
        std::cerr << "usage: WXLINK_ACCESS_TOKEN=... link APPID NOTIFY_USERS(0|1) "
                     "SHOW_PROFILE(0|1)\n";
        return 2;
    }
    try {
        wxlink::options options;
        if (const char *base_url = std::getenv("WXLINK_BASE_URL")) options.base_url(base_url);
        return link(wxlink::client(options), token, argv[1],
                    *argv[2] == '1' ? wxlink::notify_users::yes : wxlink::notify_users::no,
                    *argv[3] == '1' ? wxlink::show_profile::yes : wxlink::show_profile::no);
    } catch (const wxlink::error &error) {
        std::cerr << error.what() << '\n';
        return 2;
    }
}

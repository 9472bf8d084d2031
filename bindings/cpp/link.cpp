// Links one mini program to an Official Account.
//
//   WXLINK_TOKEN=... link APPID NOTIFY_USERS SHOW_PROFILE
//
// WXLINK_BASE_URL, if set, leads elsewhere than to WeChat: to the sandbox, say.
// Exits with 0 if the mini program is linked or on its way, 1 if not, 2 if called wrongly.
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "wxlink.hpp"

int main(int argc, char **argv) {
    const auto is_flag = [&](int i) { return std::string_view(argv[i]) == "0" || std::string_view(argv[i]) == "1"; };
    const char *token = std::getenv("WXLINK_TOKEN");
    if (token == nullptr || argc != 4 || !is_flag(2) || !is_flag(3)) {
        std::cerr << "usage: WXLINK_TOKEN=... link APPID NOTIFY_USERS(0|1) SHOW_PROFILE(0|1)\n";
        return 2;
    }
    try {
        wxlink::options options;
        if (const char *base_url = std::getenv("WXLINK_BASE_URL")) options.base_url(base_url);
        const wxlink::client client(options);
        client.link_miniprogram(
            token, argv[1],
            *argv[2] == '1' ? wxlink::notify_users::yes : wxlink::notify_users::no,
            *argv[3] == '1' ? wxlink::show_profile::yes : wxlink::show_profile::no);
        std::cout << "The invitation is out.\n";
    } catch (const wxlink::pending_error &error) {
        std::cout << error.what() << '\n';
    } catch (const wxlink::argument_error &error) {
        std::cerr << error.what() << '\n';
        return 2;
    } catch (const wxlink::error &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
    return 0;
}

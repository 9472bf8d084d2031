// Asks to unlink a mini program from an Official Account.
//
//   WXLINK_ACCESS_TOKEN=... unlink APPID
//
// WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
// Exits with 0 if the administrator has been asked, 1 if not, 2 after wrong arguments or options.
#include <cstdlib>
#include <iostream>

#include "wxlink.hpp"

static int unlink(const wxlink::client &client, const char *token, const char *appid) {
    try {
        client.unlink_miniprogram(token, appid);
        std::cout << "The Official Account's administrator has been asked.\n";
        return 0;
    } catch (const wxlink::pending_error &error) {
        std::cout << error.what() << '\n';
        return 0;
    } catch (const wxlink::error &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

int main(int argc, char **argv) {
    const char *token = std::getenv("WXLINK_ACCESS_TOKEN");
    if (token == nullptr || argc != 2) {
        std::cerr << "usage: WXLINK_ACCESS_TOKEN=... unlink APPID\n";
        return 2;
    }
    try {
        wxlink::options options;
        if (const char *base_url = std::getenv("WXLINK_BASE_URL")) options.base_url(base_url);
        return unlink(wxlink::client(options), token, argv[1]);
    } catch (const wxlink::error &error) {
        std::cerr << error.what() << '\n';
        return 2;
    }
}

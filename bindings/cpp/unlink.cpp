// Asks to unlink a mini program from an Official Account.
//
//   WXLINK_TOKEN=... unlink APPID
//
// WXLINK_BASE_URL, if set, leads elsewhere than to WeChat: to the sandbox, say.
// Exits with 0 if the administrator has been asked, 1 if not, 2 if called wrongly.
#include <cstdlib>
#include <iostream>

#include "wxlink.hpp"

int main(int argc, char **argv) {
    const char *token = std::getenv("WXLINK_TOKEN");
    if (token == nullptr || argc != 2) {
        std::cerr << "usage: WXLINK_TOKEN=... unlink APPID\n";
        return 2;
    }
    try {
        wxlink::options options;
        if (const char *base_url = std::getenv("WXLINK_BASE_URL")) options.base_url(base_url);
        wxlink::client(options).unlink_miniprogram(token, argv[1]);
        std::cout << "The Official Account's administrator has been asked.\n";
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

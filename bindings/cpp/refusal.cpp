// Links a mini program and decides by the class of the error what to do after a refusal.
//
//   WXLINK_ACCESS_TOKEN=... refusal APPID
//
// WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's. Exits with 0 if
// the mini program is linked or on its way, 1 if a person must act first, 2 after wrong arguments
// or options, 3 if another token is needed, 4 if the call may be repeated later, 5 if the outcome
// is unknown.
#include <cstdlib>
#include <iostream>

#include "wxlink.hpp"

static int link(const wxlink::client &client, const char *token, const char *appid) {
    try {
        client.link_miniprogram(token, appid, wxlink::notify_users::no, wxlink::show_profile::yes);
        std::cout << "done: the invitation is out\n";
        return 0;
    } catch (const wxlink::pending_error &error) {
        std::cout << "done: " << error.what() << '\n';
        return 0;
    } catch (const wxlink::token_error &) {
        std::cout << "token: get another access token, then call again\n";
        return 3;
    } catch (const wxlink::busy_error &) {
        std::cout << "busy: wait a little, then call again\n";
        return 4;
    } catch (const wxlink::quota_error &) {
        std::cout << "quota: call again when it is renewed\n";
        return 4;
    } catch (const wxlink::action_required_error &error) {
        std::cout << "action_required: " << error.what() << '\n';
        return 1;
    } catch (const wxlink::invalid_request_error &error) {
        std::cout << "invalid_request: " << error.what() << '\n';
        return 1;
    } catch (const wxlink::error &error) {
        std::cout << "unknown: " << error.what() << '\n';
        return 5;
    }
}

int main(int argc, char **argv) {
    const char *token = std::getenv("WXLINK_ACCESS_TOKEN");
    if (token == nullptr || argc != 2) {
        std::cerr << "usage: WXLINK_ACCESS_TOKEN=... refusal APPID\n";
        return 2;
    }
    try {
        wxlink::options options;
        if (const char *base_url = std::getenv("WXLINK_BASE_URL")) options.base_url(base_url);
        return link(wxlink::client(options), token, argv[1]);
    } catch (const wxlink::error &error) {
        std::cerr << error.what() << '\n';
        return 2;
    }
}

// Makes the calls of the shared test vectors: one request per line on stdin, one answer per line on
// stdout. tests/conformance.rs describes the lines.
#include <chrono>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "wxlink.hpp"

using fields = std::map<std::string, std::string>;

static std::string decoded(const std::string &text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i++) {
        if (text[i] == '%') {
            bytes += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
            i += 2;
        } else {
            bytes += text[i];
        }
    }
    return bytes;
}

class line {
public:
    void put(const std::string &key, std::string_view value) {
        static constexpr char digits[] = "0123456789ABCDEF";
        if (!text_.empty()) text_ += '\t';
        text_ += key + '=';
        for (const char c : value) {
            const auto byte = static_cast<unsigned char>(c);
            if (byte < ' ' || byte > '~' || c == '%') {
                text_ += '%';
                text_ += digits[byte / 16];
                text_ += digits[byte % 16];
            } else {
                text_ += c;
            }
        }
    }
    void put(const std::string &key, std::int64_t value) {
        put(key, std::string_view(std::to_string(value)));
    }
    template <typename T> void put(const std::string &key, const std::optional<T> &value) {
        if (value) put(key, *value);
    }
    const std::string &text() const { return text_; }

private:
    std::string text_;
};

static std::string status_name(std::int32_t status) {
    const std::string text = wx_status_text(status);
    return text.substr(0, text.find_first_of(": "));
}

static void put_items(line &line, const std::vector<wxlink::mini_program> &items) {
    line.put("items", static_cast<std::int64_t>(items.size()));
    for (std::size_t i = 0; i < items.size(); i++) {
        const wxlink::mini_program &item = items[i];
        const std::string at = "item." + std::to_string(i) + '.';
        if (item.status) line.put(at + "status", static_cast<std::int64_t>(*item.status));
        line.put(at + "username", item.username);
        line.put(at + "appid", item.appid);
        line.put(at + "source", item.source);
        line.put(at + "nickname", item.nickname);
        line.put(at + "selected", item.selected);
        line.put(at + "nearby_display_status", item.nearby_display_status);
        line.put(at + "released", item.released);
        line.put(at + "headimg_url", item.headimg_url);
        line.put(at + "copy_verify_status", item.copy_verify_status);
        line.put(at + "email", item.email);
        line.put(at + "func_infos", static_cast<std::int64_t>(item.func_infos.size()));
        for (std::size_t j = 0; j < item.func_infos.size(); j++) {
            const std::string place = at + "func_infos." + std::to_string(j) + '.';
            line.put(place + "id", item.func_infos[j].id);
            line.put(place + "status", item.func_infos[j].status);
            line.put(place + "name", item.func_infos[j].name);
        }
    }
}

static void put_result(line &line, const wxlink::result &result) {
    static constexpr const char *deliveries[] = {"never sent", "unknown", "answered"};
    line.put("status", status_name(result.status()));
    if (result || result.status() == WX_E_API) line.put("errcode", result.errcode());
    line.put("class", to_string(result.class_()));
    line.put("delivery", std::string_view(deliveries[static_cast<int>(result.delivery())]));
    line.put("http_status", result.http_status());
    line.put("rid", result.rid());
    line.put("message", result.message());
    line.put("body", result.json());
}

static void put_progress(line &line, const wxlink::progress &progress) {
    put_result(line, progress);
    line.put("state", to_string(progress.state()));
    line.put("waits_for", to_string(progress.waits_for()));
    line.put("posts", progress.posts());
}

static void call(line &line, const std::string &verb, fields &given) {
    wxlink::options options;
    for (const auto &[key, value] : given)
        if (key.rfind("option.", 0) == 0) options.set(key.substr(7), value);
    const wxlink::client client(options);
    const std::string &token = given["access_token"], &appid = given["appid"];
    const auto notify =
        given["notify_users"] == "1" ? wxlink::notify_users::yes : wxlink::notify_users::no;
    const auto show =
        given["show_profile"] == "1" ? wxlink::show_profile::yes : wxlink::show_profile::no;
    const std::chrono::milliseconds wait(given["wait_ms"].empty() ? 0
                                                                  : std::stol(given["wait_ms"]));
    if (verb == "link") {
        put_result(line, client.try_link_miniprogram(token, appid, notify, show));
    } else if (verb == "unlink") {
        put_result(line, client.try_unlink_miniprogram(token, appid));
    } else if (verb == "ensure") {
        put_progress(line, client.try_ensure_linked(token, appid, notify, show, wait));
    } else if (verb == "wait") {
        put_progress(line, client.try_wait_linked(token, appid, wait));
    } else if (verb == "push") {
        put_result(line, client.try_accept_push(given["query"], given["body"]));
    } else {
        const auto list = client.try_get_linked(token);
        put_result(line, list);
        if (list) put_items(line, list.items());
    }
}

static wxlink::endpoint endpoint_from(const std::string &word) {
    using wxlink::endpoint;
    for (const auto known : {endpoint::link, endpoint::get, endpoint::component_token,
                             endpoint::authorizer_token, endpoint::authorizer_list,
                             endpoint::create_preauthcode, endpoint::query_auth,
                             endpoint::authorizer_info})
        if (to_string(known) == word) return known;
    return endpoint::unlink;
}

static line answer(const std::string &request) {
    line line;
    std::istringstream parts(request);
    std::string verb, field;
    fields given;
    std::getline(parts, verb, '\t');
    while (std::getline(parts, field, '\t')) {
        const auto equals = field.find('=');
        given[field.substr(0, equals)] = decoded(field.substr(equals + 1));
    }
    if (verb == "errcodes") {
        const auto known =
            wxlink::explain(std::stoi(given["errcode"]), endpoint_from(given["endpoint"]));
        line.put("status", std::string_view(known ? "OK" : "NOT_FOUND"));
        if (known) {
            line.put("name", known->name);
            line.put("class", to_string(known->class_));
            line.put("meaning", known->meaning);
            line.put("remedy", known->remedy);
        }
        return line;
    }
    try {
        if (verb == "option") {
            wxlink::options().set(given["key"], given["value"]);
            line.put("status", std::string_view("OK"));
        } else {
            call(line, verb, given);
        }
    } catch (const wxlink::error &error) {
        line.put("status", status_name(error.status()));
        line.put("message", std::string_view(error.what()));
    }
    return line;
}

int main() {
    for (std::string request; std::getline(std::cin, request);)
        std::cout << answer(request).text() << std::endl;
}

// The DOM parser, since the other one would not check what it does not read.
#include <simdjson.h>
#include "peer.h"

static_assert(PADDING >= simdjson::SIMDJSON_PADDING, "the parser would copy");

void *parser_new(void) { return new simdjson::dom::parser; }
void parser_free(void *parser) { delete static_cast<simdjson::dom::parser *>(parser); }

int parser_errcode(void *parser, const char *json, size_t len)
{
    int64_t code;
    auto answer = static_cast<simdjson::dom::parser *>(parser)->parse(json, len, false);
    return answer["errcode"].get(code) == simdjson::SUCCESS ? static_cast<int>(code) : -1;
}

int parser_items(void *parser, const char *json, size_t len)
{
    simdjson::dom::array items;
    int complete = 0;
    auto answer = static_cast<simdjson::dom::parser *>(parser)->parse(json, len, false);
    if (answer["wxopens"]["items"].get(items) != simdjson::SUCCESS)
        return -1;
    for (auto item : items) {
        std::string_view appid, nickname;
        int64_t status;
        complete += item["appid"].get(appid) == simdjson::SUCCESS && !appid.empty() &&
                    item["status"].get(status) == simdjson::SUCCESS && status == 1 &&
                    item["nickname"].get(nickname) == simdjson::SUCCESS && !nickname.empty();
    }
    return complete;
}

#include "peer.h"
#include <cjson/cJSON.h>

void *parser_new(void)
{
    return NULL;
}
void parser_free(void *parser)
{
    (void)parser;
}

int parser_errcode(void *parser, const char *json, size_t len)
{
    cJSON *answer = cJSON_ParseWithLength(json, len);
    const cJSON *errcode = cJSON_GetObjectItemCaseSensitive(answer, "errcode");
    int code = cJSON_IsNumber(errcode) ? errcode->valueint : -1;
    (void)parser;
    cJSON_Delete(answer);
    return code;
}

int parser_items(void *parser, const char *json, size_t len)
{
    cJSON *answer = cJSON_ParseWithLength(json, len);
    const cJSON *wxopens = cJSON_GetObjectItemCaseSensitive(answer, "wxopens"), *item;
    int complete = 0;
    (void)parser;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(wxopens, "items"))
    {
        const char *appid =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "appid"));
        const char *nickname =
            cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "nickname"));
        const cJSON *status = cJSON_GetObjectItemCaseSensitive(item, "status");
        complete += appid && *appid && nickname && *nickname && cJSON_IsNumber(status) &&
                    status->valueint == 1;
    }
    cJSON_Delete(answer);
    return complete;
}

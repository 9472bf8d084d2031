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

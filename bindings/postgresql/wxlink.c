/*
 * The SQL functions of the extension: arguments, results and errors. wxlink--0.1.sql declares them.
 */

#include "postgres.h"

#include <limits.h>

#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"

#include "call.h"
#include "client.h"
#include "text.h"

#if PG_VERSION_NUM < 150000
#error "PostgreSQL 15 or newer is required"
#endif

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(wxlink_link_miniprogram);
PG_FUNCTION_INFO_V1(wxlink_unlink_miniprogram);
PG_FUNCTION_INFO_V1(wxlink_ensure_linked);
PG_FUNCTION_INFO_V1(wxlink_wait_linked);
PG_FUNCTION_INFO_V1(wxlink_get_linked);
PG_FUNCTION_INFO_V1(wxlink_library_version);

extern void _PG_init(void);

/* May run in the postmaster (shared_preload_libraries), which must not create a client. */
void _PG_init(void)
{
    if (wx_abi_version() < WX_ABI_VERSION)
        ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                errmsg("libwxlink %s is older than the extension", wx_version()));
    client_define_settings();
}

/* Arguments. */

static void refuse_null(FunctionCallInfo fcinfo, int index, const char *name)
{
    if (PG_ARGISNULL(index))
        ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s is null", name));
}

/* A text in UTF-8. */
static const char *text_argument(FunctionCallInfo fcinfo, int index, const char *name)
{
    const char *value;

    refuse_null(fcinfo, index, name);
    value = text_to_utf8(text_to_cstring(PG_GETARG_TEXT_PP(index)));
    if (*value == '\0')
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is empty", name));
    return value;
}

static bool bool_argument(FunctionCallInfo fcinfo, int index, const char *name)
{
    refuse_null(fcinfo, index, name);
    return PG_GETARG_BOOL(index);
}

static uint32_t wait_ms_argument(FunctionCallInfo fcinfo, int index)
{
    refuse_null(fcinfo, index, "wait_ms");
    if (PG_GETARG_INT32(index) < 0)
        ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("wait_ms is negative"));
    return PG_GETARG_INT32(index);
}

/* NULL stands for the token source of the configuration file. */
static const char *access_token_argument(FunctionCallInfo fcinfo, int index)
{
    return PG_ARGISNULL(index) ? NULL : text_argument(fcinfo, index, "access_token");
}

/* Results. */

static void append_text(StringInfo json, const char *name, const char *value)
{
    appendStringInfo(json, "\"%s\":", name);
    escape_json(json, value);
    appendStringInfoChar(json, ',');
}

/* Appends a field of the result's JSON; null if it is missing. */
static void append_field(StringInfo json, const wx_result *result, const char *name, bool is_text)
{
    char *pointer = psprintf("/%s", name);
    int32_t len = wx_result_get(result, pointer, NULL, 0);
    char *value;

    if (len < 0) {
        appendStringInfo(json, "\"%s\":null,", name);
        return;
    }
    value = palloc(len + 1);
    wx_result_get(result, pointer, value, len + 1);
    if (is_text)
        append_text(json, name, value);
    else
        appendStringInfo(json, "\"%s\":%s,", name, value);
}

/* Whether the call finds out the state of a link. */
static bool has_state(CallKind kind)
{
    return kind == CALL_ENSURE || kind == CALL_WAIT;
}

static const char *delivery_name(int32_t delivery)
{
    switch (delivery) {
    case WX_DELIVERY_NEVER_SENT:
        return "never sent";
    case WX_DELIVERY_UNKNOWN:
        return "unknown";
    case WX_DELIVERY_ANSWERED:
        return "answered";
    default: /* of a later library */
        return "unknown";
    }
}

/*
 * The result, with the names of `wxlink --json`. The detail of an error lacks what the error has as
 * its message, and the item, which WeChat sent: errors are logged.
 */
static Jsonb *result_jsonb(const Call *call, bool is_detail)
{
    const wx_result *result = call->result;
    const char *class_name = wx_class_text(wx_result_class(result), NULL, NULL);
    StringInfoData json;

    initStringInfo(&json);
    appendStringInfoChar(&json, '{');
    append_text(&json, "status", status_name(call->status));
    append_text(&json, "delivery", delivery_name(wx_result_delivery(result)));
    if (class_name[0] != '\0')
        append_text(&json, "class", class_name);
    else
        appendStringInfoString(&json, "\"class\":null,");
    append_text(&json, "rid", wx_result_rid(result));
    if (!is_detail)
        append_text(&json, "message", wx_result_message(result));
    if (has_state(call->kind)) {
        append_field(&json, result, "state", true);
        append_field(&json, result, "waits_for", true);
        append_field(&json, result, "found", true);
        append_field(&json, result, "posts", false);
        append_field(&json, result, "retry_after_ms", false);
    }
    if (has_state(call->kind) && !is_detail) {
        const char *item = wx_list_text(result, 0, "");

        appendStringInfo(&json, "\"item\":%s,", item[0] != '\0' ? item : "null");
    }
    appendStringInfo(&json, "\"errcode\":%d}", wx_result_errcode(result));
    return DatumGetJsonbP(jsonb_from_utf8(json.data));
}

/* Whether the status is an answer of ensure or wait, and not a failure. */
static bool is_state(const Call *call)
{
    switch (call->status) {
    case WX_OK:
        return true;
    case WX_E_PENDING:
    case WX_E_DECLINED:
    case WX_E_VANISHED:
    case WX_E_IN_DOUBT:
        return has_state(call->kind);
    default:
        return false;
    }
}

/* WX and the three digits of the status, unless SQL has a code for it. */
static int sqlstate(int32_t status)
{
    int number = -status;

    if (status > -20)
        return ERRCODE_INVALID_PARAMETER_VALUE;
    if (status == WX_E_CANCELLED)
        return ERRCODE_QUERY_CANCELED;
    return MAKE_SQLSTATE('W', 'X', '0' + number / 100 % 10, '0' + number / 10 % 10,
                         '0' + number % 10);
}

/* Raises the error of a call that failed. */
static void raise_error(const Call *call)
{
    const char *message = wx_result_message(call->result);
    const char *advice = wx_class_text(wx_result_class(call->result), "advice", client_lang());
    char *detail = "";

    if (call->result != NULL) {
        Jsonb *json = result_jsonb(call, true);

        detail = JsonbToCString(NULL, &json->root, VARSIZE(json));
    }
    if (message[0] == '\0')
        message = wx_status_text(call->status);
    /* The statement may contain the token. */
    ereport(ERROR, errcode(sqlstate(call->status)), errmsg("%s", text_from_utf8(message)),
            detail[0] != '\0' ? errdetail("%s", detail) : 0,
            advice[0] != '\0' ? errhint("%s", text_from_utf8(advice)) : 0,
            errhidestmt(call->access_token != NULL));
}

/* Logs the attempts of a call, which support may ask for. */
static void log_trace(const Call *call)
{
    if (message_level_is_interesting(DEBUG1))
        ereport(DEBUG1,
                errmsg_internal("%s: %s", call_name(call->kind),
                                text_from_utf8(wx_result_trace(call->result))),
                errhidestmt(true));
}

/* Makes a call that has one result. */
static Datum run(Call *call, const char *account, bool raise)
{
    Jsonb *json = NULL;

    PG_TRY();
    {
        call_run(call, account);
        log_trace(call);
        if (!is_state(call) && (raise || call->result == NULL || call->status == WX_E_CANCELLED))
            raise_error(call);
        json = result_jsonb(call, false);
    }
    PG_FINALLY();
    {
        call_end(call);
    }
    PG_END_TRY();
    PG_RETURN_JSONB_P(json);
}

Datum wxlink_link_miniprogram(PG_FUNCTION_ARGS)
{
    Call call = {.kind = CALL_LINK};
    const char *account = text_argument(fcinfo, 0, "account");

    call.appid = text_argument(fcinfo, 1, "appid");
    call.notify_users = bool_argument(fcinfo, 2, "notify_users");
    call.show_profile = bool_argument(fcinfo, 3, "show_profile");
    call.access_token = access_token_argument(fcinfo, 4);
    PreventCommandIfReadOnly("wxlink.link_miniprogram");
    return run(&call, account, bool_argument(fcinfo, 5, "raise"));
}

Datum wxlink_unlink_miniprogram(PG_FUNCTION_ARGS)
{
    Call call = {.kind = CALL_UNLINK};
    const char *account = text_argument(fcinfo, 0, "account");

    call.appid = text_argument(fcinfo, 1, "appid");
    call.access_token = access_token_argument(fcinfo, 2);
    PreventCommandIfReadOnly("wxlink.unlink_miniprogram");
    return run(&call, account, bool_argument(fcinfo, 3, "raise"));
}

/*
 * Refuses calls of ensure_linked that other backends could not see: each has its own memory, in
 * which the claims would be kept, so that two backends could invite the same mini program.
 */
static void require_store(void)
{
    client_of_backend();
    if (!client_has_store())
        ereport(
            ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
            errmsg("wxlink.ensure_linked needs the option store"),
            errdetail("Sessions share the record of their invitations through a store. Without "
                      "one, two sessions could invite the same mini program."),
            errhint("Write store = \"file:PATH\" or store = \"redis://HOST\" into the file that "
                    "wxlink.config_file names."));
}

Datum wxlink_ensure_linked(PG_FUNCTION_ARGS)
{
    Call call = {.kind = CALL_ENSURE};
    const char *account = text_argument(fcinfo, 0, "account");

    call.appid = text_argument(fcinfo, 1, "appid");
    call.notify_users = bool_argument(fcinfo, 2, "notify_users");
    call.show_profile = bool_argument(fcinfo, 3, "show_profile");
    call.wait_ms = wait_ms_argument(fcinfo, 4);
    call.access_token = access_token_argument(fcinfo, 5);
    PreventCommandIfReadOnly("wxlink.ensure_linked");
    require_store();
    return run(&call, account, bool_argument(fcinfo, 6, "raise"));
}

Datum wxlink_wait_linked(PG_FUNCTION_ARGS)
{
    Call call = {.kind = CALL_WAIT};
    const char *account = text_argument(fcinfo, 0, "account");

    call.appid = text_argument(fcinfo, 1, "appid_or_gh_id");
    call.wait_ms = wait_ms_argument(fcinfo, 2);
    call.access_token = access_token_argument(fcinfo, 3);
    return run(&call, account, bool_argument(fcinfo, 4, "raise"));
}

/* A text of an item of the list; NULL if the field is missing. */
static NullableDatum item_text(const wx_result *result, size_t i, const char *field)
{
    NullableDatum datum = {.isnull = !wx_list_has(result, i, field)};

    if (!datum.isnull)
        datum.value = CStringGetTextDatum(text_from_utf8(wx_list_text(result, i, field)));
    return datum;
}

/* Likewise a number; NULL also if it is none, or beyond the range of integer. */
static NullableDatum item_number(const wx_result *result, size_t i, const char *field)
{
    int32_t number = wx_list_number(result, i, field, INT_MAX);
    NullableDatum datum = {.value = Int32GetDatum(number)};

    datum.isnull = number == INT_MAX && wx_list_number(result, i, field, 0) != INT_MAX;
    return datum;
}

static void put_items(ReturnSetInfo *set, const wx_result *result)
{
    size_t i;
    int j;

    for (i = 0; i < wx_list_length(result); i++) {
        NullableDatum columns[5] = {
            item_number(result, i, "status"),
            item_text(result, i, "appid"),
            item_text(result, i, "username"),
            item_text(result, i, "nickname"),
            {.value = jsonb_from_utf8(wx_list_text(result, i, ""))},
        };
        Datum values[lengthof(columns)];
        bool nulls[lengthof(columns)];

        for (j = 0; j < (int)lengthof(columns); j++) {
            values[j] = columns[j].value;
            nulls[j] = columns[j].isnull;
        }
        tuplestore_putvalues(set->setResult, set->setDesc, values, nulls);
    }
}

Datum wxlink_get_linked(PG_FUNCTION_ARGS)
{
    Call call = {.kind = CALL_GET_LINKED};
    const char *account = text_argument(fcinfo, 0, "account");

    call.access_token = access_token_argument(fcinfo, 1);
    InitMaterializedSRF(fcinfo, 0);
    PG_TRY();
    {
        call_run(&call, account);
        log_trace(&call);
        if (!is_state(&call))
            raise_error(&call);
        put_items((ReturnSetInfo *)fcinfo->resultinfo, call.result);
    }
    PG_FINALLY();
    {
        call_end(&call);
    }
    PG_END_TRY();
    return (Datum)0;
}

Datum wxlink_library_version(PG_FUNCTION_ARGS)
{
    PG_RETURN_TEXT_P(cstring_to_text(wx_version()));
}

/* Converts texts between the encodings of the library (UTF-8) and of the database. */

#include "postgres.h"

#include "catalog/namespace.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "text.h"

/*
 * The most bytes of a number, and of its exponent with the e and the sign, that are passed to
 * jsonb: those of any double. The type numeric takes not all that are longer.
 */
#define MAX_NUMBER_LEN 32
#define MAX_EXPONENT_LEN 5

/* How many bytes are converted in one step. */
#define CHUNK 1024

#define REPLACEMENT_CHARACTER 0xFFFD

char *text_to_utf8(const char *text)
{
    const char *end = text;

    /* ASCII is the same in all encodings of a database, also in one without a conversion. */
    while (*end != '\0' && !IS_HIGHBIT_SET(*end))
        end++;
    return *end == '\0' ? pstrdup(text) : pg_server_to_any(text, strlen(text), PG_UTF8);
}

/*
 * Converts the first part of in, at most CHUNK bytes, up to the first character that the encoding
 * lacks. Returns the number of bytes that were converted.
 */
static int convert_part(StringInfo out, Oid conversion, int encoding, unsigned char *in, int len)
{
    unsigned char part[CHUNK * MAX_CONVERSION_GROWTH + 1];
    int done = 0;

    if (OidIsValid(conversion)) {
        len = pg_encoding_mbcliplen(PG_UTF8, (char *)in, len, CHUNK);
        done = pg_do_encoding_conversion_buf(conversion, PG_UTF8, encoding, in, len, part,
                                             sizeof part, true);
        appendStringInfoString(out, (char *)part);
    } else {
        /* Only the characters that all encodings of a database share. */
        while (done < len && in[done] < 0x80)
            appendStringInfoChar(out, in[done++]);
    }
    return done;
}

char *text_from_utf8(const char *utf8)
{
    int encoding = GetDatabaseEncoding();
    unsigned char *in = (unsigned char *)pstrdup(utf8);
    int left = strlen(utf8);
    StringInfoData out;
    Oid conversion;

    /* A database without an encoding keeps the bytes. */
    if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
        return (char *)in;
    conversion = FindDefaultConversionProc(PG_UTF8, encoding);
    initStringInfo(&out);
    while (left > 0) {
        int done = convert_part(&out, conversion, encoding, in, left);

        if (done == 0) {
            appendStringInfoChar(&out, '?');
            done = pg_utf_mblen(in);
        }
        in += done;
        left -= done;
    }
    return out.data;
}

/* The code unit of the \uXXXX at json. */
static pg_wchar code_unit(const char *json)
{
    char digits[5];

    strlcpy(digits, json + 2, sizeof digits);
    return strtoul(digits, NULL, 16);
}

/*
 * Copies the escape at json, and returns the end of it. Characters beyond ASCII are written
 * themselves: jsonb refuses their escapes if the database's encoding lacks them.
 */
static const char *copy_escape(StringInfo out, const char *json)
{
    unsigned char utf8[MAX_MULTIBYTE_CHAR_LEN];
    pg_wchar character;

    if (json[1] != 'u') {
        appendBinaryStringInfo(out, json, 2);
        return json + 2;
    }
    character = code_unit(json);
    if (character != 0 && character < 0x80) {
        appendBinaryStringInfo(out, json, 6);
        return json + 6;
    }
    json += 6;
    if (is_utf16_surrogate_first(character)) {
        pg_wchar second = json[0] == '\\' && json[1] == 'u' ? code_unit(json) : 0;

        if (is_utf16_surrogate_second(second)) {
            character = surrogate_pair_to_codepoint(character, second);
            json += 6;
        }
    }
    if (character == 0 || (character >= 0xD800 && character <= 0xDFFF))
        character = REPLACEMENT_CHARACTER;
    unicode_to_utf8(character, utf8);
    appendBinaryStringInfo(out, (char *)utf8, pg_utf_mblen(utf8));
    return json;
}

/* Copies the number at json, as a text if jsonb may not take it, and returns the end of it. */
static const char *copy_number(StringInfo out, const char *json)
{
    size_t len = strspn(json, "+-.0123456789eE");
    size_t mantissa_len = strcspn(json, "eE");
    bool is_usual =
        len <= MAX_NUMBER_LEN && (mantissa_len >= len || len - mantissa_len <= MAX_EXPONENT_LEN);
    const char *quote = is_usual ? "" : "\"";

    appendStringInfoString(out, quote);
    appendBinaryStringInfo(out, json, len);
    appendStringInfoString(out, quote);
    return json + len;
}

Datum jsonb_from_utf8(const char *json)
{
    StringInfoData clean;
    bool in_text = false;

    initStringInfo(&clean);
    while (*json != '\0') {
        if (in_text && json[0] == '\\' && json[1] != '\0') {
            json = copy_escape(&clean, json);
        } else if (!in_text && (*json == '-' || (*json >= '0' && *json <= '9'))) {
            json = copy_number(&clean, json);
        } else {
            in_text ^= *json == '"';
            appendStringInfoCharMacro(&clean, *json++);
        }
    }
    return DirectFunctionCall1(jsonb_in, CStringGetDatum(text_from_utf8(clean.data)));
}

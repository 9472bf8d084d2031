/*
 * The client of this backend, and the file that configures it.
 *
 * The options of the client, which include secrets and the host that calls go to, are in a file
 * that the setting wxlink.config_file names. Only superusers can change the setting, and no option
 * can be set in SQL: an SQL text may be in logs, in pg_stat_activity and in the history of psql,
 * and a user who could change the host could have the tokens sent to it.
 *
 * Every backend has a client of its own, because a client does not survive a fork: the postmaster
 * must not create one.
 */

#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "client.h"
#include "text.h"

/* The largest file that is read, in bytes. */
#define MAX_FILE_SIZE (64 * 1024)

/*
 * The file descriptors that a client and its calls use: connections, wakers, the store, a token
 * command. They are subtracted from those that PostgreSQL keeps open for files.
 */
#define CLIENT_FDS 12

/* The file that the options of a client come from, and what this module needs to know of them. */
typedef struct Source {
    char *path; /* empty: no file */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
    bool has_store;
    bool is_chinese;
} Source;

/* A reason why the file cannot be used. */
typedef struct FileError {
    int line;            /* 0: none in particular */
    const char *message; /* NULL: no error */
} FileError;

static char *config_file;

static wx_client *client;
static Source client_source;

void client_define_settings(void)
{
    DefineCustomStringVariable(
        "wxlink.config_file", "The file with the options of the wxlink client.",
        "The file has lines KEY = \"VALUE\". It is read by the first call of a session, and again "
        "after it has changed.",
        &config_file, "", PGC_SUSET, 0, NULL, NULL, NULL);
    MarkGUCPrefixReserved("wxlink");
}

bool client_has_store(void)
{
    return client_source.has_store;
}

const char *client_lang(void)
{
    return client_source.is_chinese ? "zh" : "en";
}

/* Whether the file's options are those of the client. */
static bool is_source_of_client(const struct stat *file)
{
    return strcmp(client_source.path, config_file) == 0 && client_source.device == file->st_dev &&
           client_source.inode == file->st_ino && client_source.size == file->st_size &&
           client_source.changed.tv_sec == file->st_ctim.tv_sec &&
           client_source.changed.tv_nsec == file->st_ctim.tv_nsec;
}

static char *skip_blanks(char *text)
{
    return text + strspn(text, " \t");
}

/*
 * Reads a value of TOML in place: "TEXT", 'TEXT' or a whole number, and then the end of the line or
 * a comment. Returns NULL if it is not one of these.
 */
static char *read_value(char *text)
{
    char quote = *text;
    char *value = text;
    char *out;
    char *end;

    if (quote != '"' && quote != '\'') {
        size_t len = strcspn(text, " \t#");

        end = text + len;
        if (len == 0 || strspn(text, "+-0123456789") < len)
            return NULL;
    } else {
        out = value = ++text;
        for (; *text != quote; text++) {
            if (*text == '\0')
                return NULL;
            if (quote == '"' && *text == '\\') {
                text++;
                if (*text != '"' && *text != '\\')
                    return NULL;
            }
            *out++ = *text;
        }
        end = text + 1;
        *out = '\0';
    }
    text = skip_blanks(end);
    if (*text != '\0' && *text != '#')
        return NULL;
    *end = '\0';
    return value;
}

/* Sets the option of one line, which it changes. Returns what is wrong with it, or NULL. */
static const char *read_line(wx_options *options, Source *source, char *line)
{
    char *key = skip_blanks(line);
    size_t key_len = strspn(key, "abcdefghijklmnopqrstuvwxyz_");
    char *after = skip_blanks(key + key_len);
    char *value;

    if (*key == '\0' || *key == '#')
        return NULL;
    value = *after == '=' ? read_value(skip_blanks(after + 1)) : NULL;
    if (key_len == 0 || value == NULL)
        return "expected KEY = \"VALUE\" or KEY = NUMBER";
    key[key_len] = '\0';
    if (strcmp(key, "account") == 0)
        return "account cannot be set: every call names its account";
    if (strcmp(key, "access_token") == 0)
        return "access_token cannot be set, because it belongs to one account: set token_command "
               "or component_appid, or pass the token of the account to the call";
    if (wx_options_set(options, key, value) != WX_OK)
        return pstrdup(wx_options_message(options));
    if (strcmp(key, "store") == 0)
        source->has_store = true;
    if (strcmp(key, "lang") == 0)
        source->is_chinese = strcmp(value, "zh") == 0;
    return NULL;
}

/* Sets the options of the file's text, which it changes. */
static FileError read_lines(wx_options *options, Source *source, char *text)
{
    FileError error = {0, NULL};
    char *next = text;

    while (next != NULL && error.message == NULL) {
        char *line = next;
        size_t len = strcspn(line, "\n");

        next = line[len] == '\n' ? line + len + 1 : NULL;
        if (len > 0 && line[len - 1] == '\r')
            len--;
        line[len] = '\0';
        error.line++;
        error.message = read_line(options, source, line);
    }
    return error;
}

/*
 * Whether a user other than the server's could read or change the file. The rule is that for the
 * server's TLS key: mode 0600, or 0640 if it belongs to root.
 */
static bool is_exposed(const struct stat *file)
{
    if (file->st_uid == 0)
        return (file->st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) != 0;
    return file->st_uid != geteuid() || (file->st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

/* Reads the whole file, and describes it. */
static char *read_file(struct stat *file)
{
    char *text;
    size_t len;
    FILE *stream = AllocateFile(config_file, "r");

    if (stream == NULL || fstat(fileno(stream), file) != 0)
        ereport(ERROR, errcode_for_file_access(),
                errmsg("could not read wxlink.config_file \"%s\": %m", config_file));
    if (!S_ISREG(file->st_mode) || file->st_size > MAX_FILE_SIZE)
        ereport(ERROR, errcode(ERRCODE_CONFIG_FILE_ERROR),
                errmsg("wxlink.config_file \"%s\" is not a file of at most %d bytes", config_file,
                       MAX_FILE_SIZE));
    if (is_exposed(file))
        ereport(ERROR, errcode(ERRCODE_CONFIG_FILE_ERROR),
                errmsg("other users may read or change wxlink.config_file \"%s\"", config_file),
                errhint("The file must belong to the server's user and have mode 0600, or to root "
                        "and have mode 0640 or less."));
    text = palloc(file->st_size + 1);
    len = fread(text, 1, file->st_size, stream);
    FreeFile(stream);
    text[len] = '\0';
    /* Changed meanwhile, or not a text: some of its options would be ignored. */
    if (strlen(text) != file->st_size)
        ereport(ERROR, errcode(ERRCODE_CONFIG_FILE_ERROR),
                errmsg("wxlink.config_file \"%s\" could not be read to its end", config_file));
    return text;
}

/* Sets the options that the file contains, and remembers the file. */
static FileError read_options(wx_options *options, Source *source)
{
    struct stat file;
    char *text = read_file(&file);
    FileError error = read_lines(options, source, text);

    /* It has secrets. */
    explicit_bzero(text, file.st_size);
    pfree(text);
    source->device = file.st_dev;
    source->inode = file.st_ino;
    source->size = file.st_size;
    source->changed = file.st_ctim;
    return error;
}

/* Makes a new client the one of this backend. */
static void replace(wx_client *new_client, Source *source)
{
    int i;

    source->path = MemoryContextStrdup(TopMemoryContext, config_file);
    if (client == NULL) {
        for (i = 0; i < CLIENT_FDS; i++)
            ReserveExternalFD();
    }
    wx_client_free(client);
    client = new_client;
    if (client_source.path != NULL)
        pfree(client_source.path);
    client_source = *source;
}

static void create(void)
{
    Source source = {0};
    FileError error = {0, NULL};
    wx_client *new_client = NULL;
    wx_options *options = wx_options_new();

    PG_TRY();
    {
        if (config_file[0] != '\0')
            error = read_options(options, &source);
        if (error.message == NULL && wx_client_new(options, &new_client) != WX_OK) {
            error.line = 0;
            error.message = pstrdup(wx_options_message(options));
        }
    }
    PG_FINALLY();
    {
        wx_options_free(options);
    }
    PG_END_TRY();
    if (error.message != NULL) {
        ereport(ERROR, errcode(ERRCODE_CONFIG_FILE_ERROR),
                error.line > 0 ? errmsg("wxlink.config_file \"%s\", line %d: %s", config_file,
                                        error.line, text_from_utf8(error.message))
                               : errmsg("could not create the wxlink client: %s",
                                        text_from_utf8(error.message)));
    }
    replace(new_client, &source);
}

wx_client *client_of_backend(void)
{
    struct stat file;

    if (config_file[0] == '\0') {
        if (client == NULL || client_source.path[0] != '\0')
            create();
    } else if (client == NULL || stat(config_file, &file) != 0 || !is_source_of_client(&file)) {
        create();
    }
    return client;
}

void client_free(void)
{
    wx_client_free(client);
    client = NULL;
}

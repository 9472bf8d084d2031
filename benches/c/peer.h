/* The interface of a measured HTTP client: three functions. Each peer is a program of its own,
 * built from driver.c and the file that defines them. */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>

/* READ50 is LIST50, and the appid, the status and the nickname of each item are read. ENSURE is for
 * wxlink alone. */
enum kind { LINK, LIST50, LIST500, READ50, ENSURE };

/* Tokens as long as WeChat's; the first letter selects the responder's list. */
#define FILL "0123456789_abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define TOKEN50 "A" FILL FILL
#define TOKEN500 "B" FILL FILL
#define LINK_BODY "{\"appid\":\"wx0b00000000000001\",\"notify_users\":0,\"show_profile\":1}"

/* Creates a client for a URL without a path; ca is a PEM file, or NULL. Connects at first use. */
void *peer_open(const char *url, const char *ca);
/* Makes one call and returns its errcode, or another number than 0 if there is none. */
int peer_call(void *peer, enum kind kind);
void peer_close(void *peer);

#ifdef __cplusplus
extern "C" {
#endif
/* For curl.c. The text has PADDING writable bytes to spare. */
#define PADDING 64
void *parser_new(void);
/* Reads the errcode from an answer. */
int parser_errcode(void *parser, const char *json, size_t len);
/* Returns the number of items of a list that have an appid, a status and a nickname. */
int parser_items(void *parser, const char *json, size_t len);
void parser_free(void *parser);
#ifdef __cplusplus
}
#endif

#endif

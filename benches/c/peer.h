/* What is measured: one HTTP client behind three functions. Each peer is a program of its own, made of
 * driver.c and the one file that holds these. */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>

enum kind { LINK, LIST50, LIST500 };

/* As long as WeChat's; the first letter tells the responder which list is wanted. */
#define FILL "0123456789_abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define TOKEN50 "A" FILL FILL
#define TOKEN500 "B" FILL FILL
#define LINK_BODY "{\"appid\":\"wx0b00000000000001\",\"notify_users\":0,\"show_profile\":1}"

/* Makes a client for a URL without a path; ca is a PEM file, or NULL. Connects when it is first used. */
void *peer_open(const char *url, const char *ca);
/* Makes one call and answers its errcode, or something else than 0 if there is none. */
int peer_call(void *peer, enum kind kind);
void peer_close(void *peer);

#ifdef __cplusplus
extern "C" {
#endif
/* Reads the errcode from an answer; for curl.c. The text has PADDING writable bytes to spare. */
#define PADDING 64
void *parser_new(void);
int parser_errcode(void *parser, const char *json, size_t len);
void parser_free(void *parser);
#ifdef __cplusplus
}
#endif

#endif

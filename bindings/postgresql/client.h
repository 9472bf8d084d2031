/* The client of this backend, and the file that configures it. */

#ifndef WXLINK_CLIENT_H
#define WXLINK_CLIENT_H

#include "wxlink.h"

/* PostgreSQL puts what a module exports into one namespace with all other modules. */
#pragma GCC visibility push(hidden)

/* Defines the setting wxlink.config_file. Called when the module is loaded. */
extern void client_define_settings(void);

/*
 * The client of this backend. It is created by the first call, kept, and created again if the
 * configuration file has changed. Raises an error if the file cannot be used.
 */
extern wx_client *client_of_backend(void);

/* Whether the configuration file sets the option store. Valid after client_of_backend. */
extern bool client_has_store(void);

/* The language of messages for wx_class_text. Valid after client_of_backend. */
extern const char *client_lang(void);

/* Frees the client. Only for the end of the backend. */
extern void client_free(void);

#pragma GCC visibility pop

#endif

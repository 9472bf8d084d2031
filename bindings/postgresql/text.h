/* Converts texts between the encodings of the library (UTF-8) and of the database. */

#ifndef WXLINK_TEXT_H
#define WXLINK_TEXT_H

/* PostgreSQL puts what a module exports into one namespace with all other modules. */
#pragma GCC visibility push(hidden)

/* An argument in UTF-8. Raises an error if it cannot be converted. */
extern char *text_to_utf8(const char *text);

/*
 * A text of the library in the database's encoding. Never raises an error because of the text: what
 * the encoding lacks becomes '?'. An error would hide what a call has done.
 */
extern char *text_from_utf8(const char *utf8);

/*
 * JSON of the library as a jsonb, likewise: a NUL in a text becomes U+FFFD, and a number that jsonb
 * may not take becomes a text. The JSON must be valid.
 */
extern Datum jsonb_from_utf8(const char *json);

#pragma GCC visibility pop

#endif

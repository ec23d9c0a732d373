/* SIP headers that come from a configuration or an API and go into our requests and answers: checked once, by
 * one function, since the stack writes what it is given and a line end in a value begins the next header. */
#pragma once

#include <glib.h>

#define CFG_HEADER_MAX_NAME  64
#define CFG_HEADER_MAX_VALUE 2048

typedef struct
{
  const char *name; /* as received, or as it is to be sent */
  const char *value;
} CfgHeader;

/**
 * cfg_header_check:
 * @name: (nullable)
 * @value: (nullable)
 *
 * Refuses names that are no token (RFC 3261 25.1), compact forms, headers that make the dialog, the
 * transaction, the body or the credentials (Via, From, To, Call-ID, CSeq, Contact, Route, Content-* ...), and
 * values that are too long, not UTF-8 or have control characters.
 *
 * Returns: FALSE with CFG_ERROR_INVALID_ARGUMENT.
 */
gboolean cfg_header_check (const char *name, const char *value, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Certificates for the listeners of ours, SIP's and the web's: from files, or made in memory. They are given
 * to OpenSSL here, not by the libraries, so that a mistake has words and a key never touches the disk. */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>

/** sig_tls_fail: @error is INVALID_ARGUMENT "@what @path: " and what OpenSSL says, whose queue of errors is
 * emptied. Returns: FALSE */
gboolean sig_tls_fail (GError **error, const char *what, const char *path);

/** sig_tls_use_files: @whose: "SIP" or "TLS", for the words of @error. A context that has begun may have half
 * of them when it fails: try them on another one first. */
gboolean sig_tls_use_files (SSL_CTX *context, const char *whose, const char *cert, const char *key,
                            GError **error);

/** sig_tls_use_self_signed: @names: as in "DNS:a.example,IP:127.0.0.1"; @days: from now, and one before. */
gboolean sig_tls_use_self_signed (SSL_CTX *context, const char *names, guint days, GError **error);

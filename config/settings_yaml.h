/* YAML text → a libyaml document, within bounds. Internal to config/. */
#pragma once

#include <glib.h>
#include <yaml.h>

/* The deepest settings nest five levels; a list of lists of lists is no configuration. */
#define CFG_YAML_MAX_DEPTH 16
#define CFG_YAML_MAX_NODES 100000
/* libyaml looks each anchor and each alias up among all anchors. */
#define CFG_YAML_MAX_ANCHORS 100
#define CFG_YAML_MAX_ALIASES 1000

/**
 * cfg_yaml_load:
 * @document: (out): to be cleared with yaml_document_delete when TRUE is returned; an empty file has no root
 *
 * Returns: FALSE with CFG_ERROR_INVALID_ARGUMENT naming @file_name and the line for what is no YAML, more
 * than one document, or above a bound.
 */
gboolean cfg_yaml_load (const char *text, gsize len, const char *file_name, yaml_document_t *document,
                        GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** cfg_yaml_line: the line of the key or item @path ("trunks[0].tls.cert"), counted from 1; 0: it is not
 * there.
 */
guint cfg_yaml_line (yaml_document_t *document, const char *path);

/* A YAML document → members of structs, by tables of keys. Internal to config/.
 *
 * A table row names a key, the function that reads its value and the member's offset. The reader keeps the
 * path of the key it is in ("trunks[0].numbers[2]") and the line of every key it has read, so that checks
 * made after reading can still say where. The first error ends the reading. */
#pragma once

#include <glib.h>
#include <yaml.h>

#include "config/settings.h"

typedef struct
{
  yaml_document_t *document;
  const char *file_name;
  GString *path;
  GHashTable *lines; /* path → line */
  gboolean in_entry; /* what is read stands in no file: no lines (0) */
  guint n_left;      /* values that may still be visited: aliases multiply them */
  GPtrArray *warnings;
  GError *error;
} CfgReader;

typedef struct _CfgKey CfgKey;
typedef gboolean (*CfgReadFunc) (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member);

typedef struct
{
  const char *word;
  int value;
} CfgWord;

struct _CfgKey
{
  const char *name; /* NULL ends a table */
  CfgReadFunc read;
  gsize offset;
  gint64 min, max;      /* of numbers (durations: seconds), of a text's bytes, of a list's items */
  const char *expected; /* "must be …", of a text with a check */
  gboolean (*check) (const char *text); /* nullable */
  const CfgWord *words;                 /* of a word or a list of words; ended by a NULL word */
  const CfgKey *keys;                   /* of a section or a list of sections */
  gsize item_size, count_offset;        /* of a list of sections: the array's element; the count's member */
  gsize line_offset;                    /* of a list of sections: > 0: a guint member of the element */
  void (*item_init) (gpointer item);    /* nullable: its defaults */
  gboolean is_secret;                   /* never repeated in a message */
};

void cfg_reader_init (CfgReader *reader, yaml_document_t *document, const char *file_name);
void cfg_reader_clear (CfgReader *reader);

/** cfg_reader_is_null: nothing, `~` or `null` without quotes: the key counts as not given. */
gboolean cfg_reader_is_null (const yaml_node_t *node);

/** cfg_reader_mapping: reads the mapping @node into @object; unknown and repeated keys are errors. */
gboolean cfg_reader_mapping (CfgReader *reader, const CfgKey *keys, yaml_node_t *node, gpointer object);

/* The functions for tables. Each replaces the member's default; what it replaces is freed. */
gboolean cfg_read_text (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member);
gboolean cfg_read_texts (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member);
gboolean cfg_read_bool (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member);
gboolean cfg_read_port (CfgReader *reader, const CfgKey *key, yaml_node_t *node,
                        gpointer member); /* guint16 */
gboolean cfg_read_count (CfgReader *reader, const CfgKey *key, yaml_node_t *node,
                         gpointer member); /* guint */
gboolean cfg_read_real (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member);
gboolean cfg_read_seconds (CfgReader *reader, const CfgKey *key, yaml_node_t *node,
                           gpointer member); /* guint */
gboolean cfg_read_duration (CfgReader *reader, const CfgKey *key, yaml_node_t *node,
                            gpointer member); /* gint64 µs */
gboolean cfg_read_word (CfgReader *reader, const CfgKey *key, yaml_node_t *node,
                        gpointer member); /* an enum */
gboolean cfg_read_flags (CfgReader *reader, const CfgKey *key, yaml_node_t *node,
                         gpointer member); /* words ORed */
gboolean cfg_read_word_list (CfgReader *reader, const CfgKey *key, yaml_node_t *node,
                             gpointer member); /* char ** */
gboolean cfg_read_section (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer member);
/* @member is the object that holds the array (at offset) and the count (at count_offset). */
gboolean cfg_read_section_list (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer object);
/* A mapping of free names to secrets, into a CfgApiKey array; the same shape as a list of sections. */
gboolean cfg_read_api_keys (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer object);
/* A mapping of free names to texts, into a CfgPair array; max: how many. An empty text is one. */
gboolean cfg_read_pairs (CfgReader *reader, const CfgKey *key, yaml_node_t *node, gpointer object);

/** cfg_reader_entry: reads @text, one mapping, as one element more of the list of sections @key. What it says
 * and what is said of it later names no file and no line. */
gboolean cfg_reader_entry (CfgReader *reader, const CfgKey *key, const char *text, gpointer object);

/** cfg_reader_items: calls @read with @user as the member for each item of the list @node. */
gboolean cfg_reader_items (CfgReader *reader, const CfgKey *key, yaml_node_t *node, CfgReadFunc read,
                           gpointer user);

/** cfg_reader_fail_value: keeps the error "must be EXPECTED, not VALUE" for @node at the reader's path; a
 * secret's value is left out. Returns: FALSE. */
gboolean cfg_reader_fail_value (CfgReader *reader, const CfgKey *key, const yaml_node_t *node,
                                const char *expected);
/** cfg_reader_line: the line of @path, or of the nearest path above it that was read; 1 for none. */
guint cfg_reader_line (const CfgReader *reader, const char *path);
/** cfg_reader_was_given: whether @path was read with a value. */
gboolean cfg_reader_was_given (const CfgReader *reader, const char *path);
/** cfg_reader_fail_at: keeps the error "file:line: path: sentence". Returns: FALSE. */
gboolean cfg_reader_fail_at (CfgReader *reader, const char *path, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
/** cfg_reader_warn_at: the same as a warning. */
void cfg_reader_warn_at (CfgReader *reader, const char *path, const char *format, ...) G_GNUC_PRINTF (3, 4);

/** cfg_reader_check_supported: FALSE with an error when the value at the reader's path asks for a feature
 * that this version does not have; see settings_unsupported.c. */
gboolean cfg_reader_check_supported (CfgReader *reader, const yaml_node_t *node);

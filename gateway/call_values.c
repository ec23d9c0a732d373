#include "gateway/call_values.h"

#include <stddef.h>
#include <string.h>

#include "config/base/error.h"

/* Written into the text: a reader with another layout refuses it. */
#define LAYOUT_VERSION 3

typedef enum
{
  TEXT,
  LIST,
  BOOLEAN, /* gboolean */
  INT32,   /* int, guint, enum, guint32 */
  INT16,
  INT8,
  INT64,
} Type;

/* One table for writing, reading and clearing, so that no member is forgotten in one of them. */
typedef struct
{
  const char *name;
  Type type;
  gsize offset;
} Member;

#define CALL(name, type)                                                                                     \
  {                                                                                                          \
#name, type, offsetof(GwCallValues, name)                                                                \
  }
static const Member call_members[] = {
  CALL (id, TEXT),
  CALL (inbound, BOOLEAN),
  CALL (state, INT32),
  CALL (sip_call_id, TEXT),
  CALL (from, TEXT),
  CALL (to, TEXT),
  CALL (peer, TEXT),
  CALL (trunk_id, TEXT),
  CALL (trunk_number, TEXT),
  CALL (rule_id, TEXT),
  CALL (room_name, TEXT),
  CALL (identity, TEXT),
  CALL (participant_id, TEXT),
  CALL (is_private, BOOLEAN),
  CALL (include_headers, INT32),
  CALL (track, INT64),
  CALL (ports.rtp_port, INT16),
  CALL (ports.rtcp_port, INT16),
  CALL (local_address, TEXT),
  CALL (announced_address, TEXT),
  CALL (codecs, LIST),
  CALL (encryption, INT32),
  CALL (our_codec_order, BOOLEAN),
  CALL (normalizes, BOOLEAN),
  CALL (dtmf, INT32),
  CALL (srtp_keys, LIST),
  CALL (sdp_session_id, INT64),
  CALL (sdp_version, INT64),
  CALL (sdp, TEXT),
  CALL (remote_sdp, TEXT),
  CALL (n_local, INT32),
  CALL (created_wall.us, INT64),
  CALL (answered_wall.us, INT64),
  CALL (ended_wall.us, INT64),
  CALL (was_answered, BOOLEAN),
  CALL (max_duration_s, INT32),
  CALL (n_dtmf, INT32),
  CALL (is_held, BOOLEAN),
  CALL (peer_holds, BOOLEAN),
  CALL (timer.due_us, INT64),
  CALL (timer.started_us, INT64),
  CALL (timer.next_us, INT64),
  CALL (timer.expires_us, INT64),
  CALL (timer.last_us, INT64),
  CALL (timer.interval_s, INT32),
  CALL (timer.min_se_s, INT32),
  CALL (timer.dial_s, INT32),
  CALL (timer.agreed_s, INT32),
  CALL (timer.last_status, INT16),
  CALL (timer.phase, INT8),
  CALL (timer.we_refresh, INT8),
  CALL (timer.is_caller, INT8),
  CALL (timer.allows_update, INT8),
  CALL (timer.in_flight, INT8),
  CALL (timer.in_flight_is_refresh, INT8),
  CALL (timer.is_rescue, INT8),
  CALL (timer.peer_request, INT8),
  CALL (timer.agreed_refresher, INT8),
  CALL (timer.agreed_require, INT8),
  CALL (timer.last_method, INT8),
  CALL (timer.last_was_ours, INT8),
  CALL (timer.dialled_plain, INT8),
  CALL (timer.update_refused, INT8),
  CALL (timer.tried_again, INT8),
  CALL (timer.n_retries, INT8),
  CALL (timer.tells_start, INT8),
  CALL (timer.waits_for_turn, INT8),
};

#define DIALOG(name, type)                                                                                   \
  {                                                                                                          \
#name, type, offsetof(SigSipDialogState, name)                                                           \
  }
static const Member dialog_members[] = {
  DIALOG (call_id, TEXT),       DIALOG (local_uri, TEXT),  DIALOG (local_tag, TEXT),
  DIALOG (local_contact, TEXT), DIALOG (remote_uri, TEXT), DIALOG (remote_tag, TEXT),
  DIALOG (remote_target, TEXT), DIALOG (route_set, LIST),  DIALOG (local_cseq, INT32),
  DIALOG (remote_cseq, INT32),  DIALOG (transport, TEXT),  DIALOG (peer_address, TEXT),
  DIALOG (peer_port, INT16),
};

#define LOCAL(name, type)                                                                                    \
  {                                                                                                          \
#name, type, offsetof(GwLocalSection, name)                                                              \
  }
static const Member local_members[] = {
  LOCAL (ssrc, INT32),
  LOCAL (source_track, INT64),
  LOCAL (sink, INT32),
  LOCAL (sink_track, INT64),
};

static json_t *
write_list (char **list)
{
  json_t *array = json_array ();

  for (; *list != NULL; list++)
    json_array_append_new (array, json_string (*list));
  return array;
}

static json_t *
write_member (const Member *member, const void *base)
{
  const char *at = (const char *)base + member->offset;

  switch (member->type)
    {
    case TEXT:
      return *(char *const *)at != NULL ? json_string (*(char *const *)at) : json_null ();
    case LIST:
      return *(char **const *)at != NULL ? write_list (*(char **const *)at) : json_null ();
    case BOOLEAN:
      return json_boolean (*(const gboolean *)at);
    case INT32:
      return json_integer (*(const guint32 *)at);
    case INT16:
      return json_integer (*(const guint16 *)at);
    case INT8:
      return json_integer (*(const guint8 *)at);
    case INT64:
      return json_integer ((json_int_t) * (const guint64 *)at);
    default:
      g_assert_not_reached ();
    }
}

static json_t *
write_members (const Member *members, gsize n, const void *base)
{
  json_t *object = json_object ();

  for (gsize i = 0; i < n; i++)
    json_object_set_new (object, members[i].name, write_member (&members[i], base));
  return object;
}

static char **
read_list (json_t *array)
{
  char **list = g_new0 (char *, json_array_size (array) + 1);
  json_t *item;
  size_t i;

  json_array_foreach (array, i, item)
  {
    list[i] = g_strdup (json_is_string (item) ? json_string_value (item) : "");
  }
  return list;
}

static gboolean
read_member (const Member *member, json_t *value, void *base)
{
  char *at = (char *)base + member->offset;

  switch (member->type)
    {
    case TEXT:
      *(char **)at = g_strdup (json_string_value (value));
      return json_is_string (value) || json_is_null (value);
    case LIST:
      *(char ***)at = json_is_array (value) ? read_list (value) : NULL;
      return json_is_array (value) || json_is_null (value);
    case BOOLEAN:
      *(gboolean *)at = json_is_true (value);
      return json_is_boolean (value);
    case INT32:
      *(guint32 *)at = (guint32)json_integer_value (value);
      return json_is_integer (value);
    case INT16:
      *(guint16 *)at = (guint16)json_integer_value (value);
      return json_is_integer (value);
    case INT8:
      *(guint8 *)at = (guint8)json_integer_value (value);
      return json_is_integer (value);
    case INT64:
      *(guint64 *)at = (guint64)json_integer_value (value);
      return json_is_integer (value);
    default:
      g_assert_not_reached ();
    }
}

static gboolean
read_members (const Member *members, gsize n, json_t *object, void *base, GError **error)
{
  gboolean good = TRUE;

  for (gsize i = 0; i < n; i++)
    if (!read_member (&members[i], json_object_get (object, members[i].name), base) && good)
      {
        good = FALSE;
        g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                     "call state: %s is missing or of a wrong type", members[i].name);
      }
  return good;
}

void
gw_call_values_clear (GwCallValues *values)
{
  for (gsize i = 0; i < G_N_ELEMENTS (call_members); i++)
    {
      char *at = (char *)values + call_members[i].offset;

      if (call_members[i].type == TEXT)
        g_free (*(char **)at);
      else if (call_members[i].type == LIST)
        g_strfreev (*(char ***)at);
    }
  memset (values, 0, sizeof *values);
}

/* The media's values have no pointers in them: as they are, with their size as a check of the layout. */
static json_t *
write_media (const MediaLegState *media)
{
  g_autofree char *text = g_base64_encode ((const guchar *)media, sizeof *media);

  return json_string (text);
}

static gboolean
read_media (json_t *value, MediaLegState *media, GError **error)
{
  g_autofree guchar *bytes = NULL;
  gsize size = 0;

  if (value == NULL)
    return TRUE;
  if (json_is_string (value))
    bytes = g_base64_decode (json_string_value (value), &size);
  if (size != sizeof *media)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "call state: media was written with another layout");
      return FALSE;
    }
  memcpy (media, bytes, sizeof *media);
  return TRUE;
}

json_t *
gw_call_values_to_json (const GwCallValues *values, const SigSipDialogState *dialog,
                        const MediaLegState *media)
{
  json_t *object = json_object (), *local = json_array ();

  json_object_set_new (object, "version", json_integer (LAYOUT_VERSION));
  json_object_set_new (object, "call", write_members (call_members, G_N_ELEMENTS (call_members), values));
  for (guint i = 0; i < values->n_local; i++)
    json_array_append_new (local,
                           write_members (local_members, G_N_ELEMENTS (local_members), &values->local[i]));
  json_object_set_new (object, "local", local);
  if (dialog != NULL)
    json_object_set_new (object, "dialog",
                         write_members (dialog_members, G_N_ELEMENTS (dialog_members), dialog));
  if (media != NULL)
    json_object_set_new (object, "media", write_media (media));
  return object;
}

static gboolean
read_local (json_t *list, GwCallValues *values, GError **error)
{
  if (values->n_local > SIG_SDP_MAX_SECTIONS || json_array_size (list) != values->n_local)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "call state: local does not fit n_local");
      return FALSE;
    }
  for (guint i = 0; i < values->n_local; i++)
    if (!read_members (local_members, G_N_ELEMENTS (local_members), json_array_get (list, i),
                       &values->local[i], error))
      return FALSE;
  return TRUE;
}

gboolean
gw_call_values_from_json (json_t *object, GwCallValues *values, SigSipDialogState *dialog,
                          MediaLegState *media, GError **error)
{
  json_t *dialog_object = json_object_get (object, "dialog");

  memset (values, 0, sizeof *values);
  memset (dialog, 0, sizeof *dialog);
  memset (media, 0, sizeof *media);
  if (json_integer_value (json_object_get (object, "version")) != LAYOUT_VERSION)
    {
      g_set_error_literal (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT,
                           "call state: written by another version");
      return FALSE;
    }
  return read_members (call_members, G_N_ELEMENTS (call_members), json_object_get (object, "call"), values,
                       error)
         && read_local (json_object_get (object, "local"), values, error)
         && (dialog_object == NULL
             || read_members (dialog_members, G_N_ELEMENTS (dialog_members), dialog_object, dialog, error))
         && read_media (json_object_get (object, "media"), media, error);
}

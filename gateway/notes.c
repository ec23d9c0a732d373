#include "gateway/notes.h"

#include <string.h>

#include "gateway/events.h"
#include "gateway/sdp_media.h"

static gboolean
has_codec (const SigSdpPlanSection *section, const char *name)
{
  for (guint i = 0; i < section->n_codecs; i++)
    if (g_ascii_strcasecmp (section->codecs[i].codec, name) == 0)
      return TRUE;
  return FALSE;
}

/* Not codecs of speech, but what goes beside one. */
static gboolean
is_beside (const char *name)
{
  static const char *const names[] = { "telephone-event", "CN", "red", "ulpfec", "rtx" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_ascii_strcasecmp (names[i], name) == 0)
      return TRUE;
  return FALSE;
}

static void
append_word (GString *list, const char *word)
{
  if (list->len > 0)
    g_string_append_c (list, ',');
  g_string_append (list, word);
}

/* What the peer named and did not get: codecs of its audio, and other media. (transfer full) */
static char *
refused_names (const SigSdp *remote, const SigSdpPlan *plan)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < remote->n_sections && i < plan->n_sections; i++)
    {
      const SigSdpSection *section = &remote->sections[i];

      if (!plan->sections[i].accepted)
        {
          if (section->port != 0)
            append_word (names, section->kind_text);
          continue;
        }
      for (guint p = 0; p < section->n_payloads; p++)
        if (!has_codec (&plan->sections[i], section->payloads[p].name)
            && !is_beside (section->payloads[p].name))
          append_word (names, section->payloads[p].name);
    }
  return g_string_free (names, FALSE);
}

static const char *
direction_word (SigSdpDirection direction)
{
  static const char *const words[] = { "inactive", "sendonly", "recvonly", "sendrecv" };

  return words[direction & 3];
}

static void
set_text (json_t *fields, const char *name, const char *text)
{
  json_t *value = text != NULL && text[0] != '\0' ? json_string (text) : NULL;

  if (value != NULL)
    json_object_set_new (fields, name, value);
}

static void
add_agreed (json_t *fields, const SigSdpPlan *plan, gboolean peers_order)
{
  const SigSdpPlanSection *audio = &plan->sections[plan->first_audio];
  const gboolean is_webrtc = plan->remote_fingerprint[0] != '\0';
  const char *host = audio->remote_address;
  g_autofree char *media
      = g_strdup_printf (strchr (host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, audio->remote_port);
  g_autofree char *dtmf
      = audio->dtmf_send_pt != 0 ? g_strdup_printf ("telephone-event/%u", audio->dtmf_send_pt) : NULL;

  set_text (fields, "codec", audio->n_codecs > 0 ? audio->codecs[0].codec : NULL);
  set_text (fields, "why",
            peers_order ? "the first of theirs that we allow" : "the first of ours that they have");
  set_text (fields, "dtmf", dtmf != NULL ? dtmf : "no telephone-event");
  set_text (fields, "encryption", is_webrtc ? "DTLS-SRTP" : audio->encrypted ? audio->crypto.suite : "none");
  set_text (fields, "direction", direction_word (audio->direction));
  set_text (fields, "media", is_webrtc ? NULL : media); /* else ICE says it */
  json_object_set_new (fields, "ptime_ms", json_integer (audio->ptime_ms));
}

json_t *
gw_note_sdp (const char *what, const SigSdp *remote, const SigSdpPlan *plan, gboolean peers_order,
             const GError *error)
{
  json_t *fields = json_pack ("{s:s, s:s}", "what", what, "result", plan != NULL ? "agreed" : "refused");
  g_autofree char *codecs = plan != NULL ? gw_sdp_codec_names (plan) : NULL;
  g_autofree char *refused = plan != NULL && remote != NULL ? refused_names (remote, plan) : NULL;

  if (plan != NULL && plan->first_audio >= 0)
    add_agreed (fields, plan, peers_order);
  set_text (fields, "codecs", codecs);
  set_text (fields, "refused", refused);
  if (error != NULL)
    set_text (fields, "reason", error->message);
  return fields;
}

static void
add_entry (gpointer user, CfgWall time, json_t *entry)
{
  g_autofree char *text = gw_time_text (time);

  json_object_set_new (entry, "time", json_string (text));
  json_array_append_new (user, entry);
}

json_t *
gw_timeline_json (const GwTimeline *timeline)
{
  json_t *list = json_array ();

  gw_timeline_foreach (timeline, add_entry, list);
  return list;
}

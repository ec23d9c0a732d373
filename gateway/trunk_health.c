#include "gateway/trunk_health.h"

#include "gateway/core/metric_text.h"

#include <string.h>

#include "config/base/clock.h"
#include "config/base/log.h"
#include "gateway/events.h"
#include "signaling/sip/probe.h"

#define MIN_PATIENCE_MS  1000
#define MAX_PATIENCE_MS  4000
#define MAX_AT_ONCE      10 /* begun in one tick */
#define SPREAD_PERCENT   10
#define MAX_METRIC_LABEL 128

typedef enum
{
  UNKNOWN,
  REACHABLE,
  UNREACHABLE,
} Reach;

static const char *const reach_words[] = { "unknown", "reachable", "unreachable" };

typedef struct
{
  char *id, *name, *uri;
  Reach reach;
  CfgWall since;
  int status;    /* 0: none yet */
  char *reason;  /* (nullable): why nobody answered */
  gint64 rtt_us; /* -1: unknown */
  CfgMonotonic next;
  gboolean is_asked, is_seen;
  guint64 question; /* the one that counts */
} Health;

struct _GwTrunkHealth
{
  GHashTable *trunks; /* char* id -> Health*, owned */
  guint64 last_question;
};

typedef struct
{
  Gateway *gateway;
  char *id;
  guint64 number;
  CfgMonotonic sent;
} Question;

static void
health_free (gpointer data)
{
  Health *health = data;

  g_free (health->id);
  g_free (health->name);
  g_free (health->uri);
  g_free (health->reason);
  g_free (health);
}

static void
question_free (gpointer data)
{
  Question *question = data;

  g_free (question->id);
  g_free (question);
}

GwTrunkHealth *
gw_trunk_health_new (void)
{
  GwTrunkHealth *health = g_new0 (GwTrunkHealth, 1);

  health->trunks = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, health_free);
  return health;
}

void
gw_trunk_health_free (GwTrunkHealth *health)
{
  g_hash_table_unref (health->trunks);
  g_free (health);
}

static gboolean
is_wanted (const CfgTrunkSettings *trunk)
{
  return (trunk->direction & CFG_TRUNK_OUTBOUND) && trunk->qualify_interval_us > 0;
}

static char *
uri_of (const CfgTrunkSettings *trunk)
{
  const char *transport = trunk->transport == CFG_SIP_TLS   ? ";transport=tls"
                          : trunk->transport == CFG_SIP_TCP ? ";transport=tcp"
                          : trunk->transport == CFG_SIP_UDP ? ";transport=udp"
                                                            : "";

  const char *address = trunk->outbound_address, *colon = strchr (address, ':');
  gboolean is_bare = *address != '[' && colon != NULL && strchr (colon + 1, ':') != NULL; /* IPv6 */

  return g_strconcat (is_bare ? "sip:[" : "sip:", address, is_bare ? "]" : "", transport, NULL);
}

/* What is known of a server is of no use for another one. */
static Health *
take (GwTrunkHealth *all, const CfgTrunkSettings *trunk)
{
  g_autofree char *uri = uri_of (trunk);
  Health *health = g_hash_table_lookup (all->trunks, trunk->id);

  if (health == NULL || strcmp (health->uri, uri) != 0)
    {
      health = g_new0 (Health, 1);
      health->id = g_strdup (trunk->id);
      health->uri = g_steal_pointer (&uri);
      health->rtt_us = -1;
      g_hash_table_replace (all->trunks, health->id, health);
    }
  g_free (health->name);
  health->name = g_strdup (trunk->name);
  health->is_seen = TRUE;
  return health;
}

static void
log_change (const Health *health)
{
  if (health->reach == REACHABLE)
    cfg_info ("sip", NULL, "Trunk is reachable", CFG_STR ("trunk", health->name),
              CFG_INT ("status", health->status), CFG_INT ("rtt_ms", health->rtt_us / 1000));
  else
    cfg_warn ("sip", NULL, "Trunk does not answer", CFG_STR ("trunk", health->name),
              CFG_STR ("reason", health->reason));
}

static void
note (Health *health, int status, const char *phrase, gint64 rtt_us)
{
  Reach reach = status == 408 ? UNREACHABLE : REACHABLE;
  gboolean has_changed = health->reach != reach;

  health->reach = reach;
  health->status = status == 408 ? 0 : status;
  health->rtt_us = status == 408 ? -1 : rtt_us;
  g_free (health->reason);
  health->reason = status == 408 ? g_strdup (phrase) : NULL;
  if (!has_changed)
    return;
  health->since = cfg_wall_now ();
  log_change (health);
}

static void
on_answer (gpointer data, int status, const char *phrase)
{
  const Question *question = data;
  Health *health = g_hash_table_lookup (question->gateway->trunk_health->trunks, question->id);

  if (health == NULL || health->question != question->number)
    return;
  health->is_asked = FALSE;
  note (health, status, phrase, cfg_monotonic_diff_us (cfg_monotonic_now (), question->sent));
}

/* Trunks that began together are not asked together for ever. */
static CfgMonotonic
next_time (const CfgTrunkSettings *trunk, CfgMonotonic now)
{
  gint32 percent = g_random_int_range (100 - SPREAD_PERCENT, 101);

  return cfg_monotonic_add_us (now, trunk->qualify_interval_us / 100 * percent);
}

static void
ask (Gateway *gateway, Health *health, gint64 interval_us)
{
  gint64 patience_ms = CLAMP (interval_us / 1000, MIN_PATIENCE_MS, MAX_PATIENCE_MS);
  g_autoptr (GError) error = NULL;
  Question *question = g_new0 (Question, 1);

  question->gateway = gateway;
  question->id = g_strdup (health->id);
  question->number = health->question = ++gateway->trunk_health->last_question;
  question->sent = cfg_monotonic_now ();
  health->is_asked = sig_sip_probe (gateway->sip, health->uri, (guint)patience_ms, on_answer, question,
                                    question_free, &error);
  if (health->is_asked)
    return;
  question_free (question);
  note (health, 408, error->message, -1);
}

static gboolean
is_gone (gpointer key, gpointer value, gpointer user)
{
  return !((const Health *)value)->is_seen;
}

void
gw_trunk_health_tick (Gateway *gateway, CfgMonotonic now)
{
  const CfgSettings *settings = gateway->settings;
  GwTrunkHealth *all = gateway->trunk_health;
  GHashTableIter iter;
  gpointer value;
  guint n = 0;

  if (gateway->stopping)
    return;
  g_hash_table_iter_init (&iter, all->trunks);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    ((Health *)value)->is_seen = FALSE;
  for (gsize i = 0; i < settings->n_trunks; i++)
    {
      const CfgTrunkSettings *trunk = &settings->trunks[i];
      Health *health = is_wanted (trunk) ? take (all, trunk) : NULL;

      if (health == NULL || health->is_asked || n >= MAX_AT_ONCE
          || cfg_monotonic_diff_us (now, health->next) < 0)
        continue;
      n++;
      health->next = next_time (trunk, now);
      ask (gateway, health, trunk->qualify_interval_us);
    }
  g_hash_table_foreach_remove (all->trunks, is_gone, NULL);
}

json_t *
gw_trunk_health_json (Gateway *gateway, const char *trunk_id)
{
  const Health *health = g_hash_table_lookup (gateway->trunk_health->trunks, trunk_id);

  if (health == NULL)
    return NULL;
  g_autofree char *since = gw_time_text (health->since);
  return json_pack ("{s:s, s:o, s:o, s:s?, s:o}", "state", reach_words[health->reach], "rtt_ms",
                    health->rtt_us >= 0 ? json_real ((double)health->rtt_us / 1000) : json_null (),
                    "sip_status_code", health->status > 0 ? json_integer (health->status) : json_null (),
                    "reason", health->reason, "since",
                    health->reach != UNKNOWN ? json_string (since) : json_null ());
}

/* Names are the operator's own: quotes, backslashes and line ends are escaped as the format asks. */
static char *
label (const char *name)
{
  GString *out = g_string_new (NULL);

  for (const char *c = name; *c != '\0' && out->len < MAX_METRIC_LABEL; c++)
    if (*c == '"' || *c == '\\')
      g_string_append_printf (out, "\\%c", *c);
    else if (*c == '\n')
      g_string_append (out, "\\n");
    else
      g_string_append_c (out, *c);
  return g_string_free (out, FALSE);
}

void
gw_trunk_health_metrics (Gateway *gateway, GString *text)
{
  GHashTableIter iter;
  gpointer value;

  gw_metric_head (text, "trunk_reachable", "gauge", "Whether a server of the trunk answers OPTIONS.");
  g_hash_table_iter_init (&iter, gateway->trunk_health->trunks);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Health *health = value;
      g_autofree char *name = label (health->name);

      if (health->reach == UNKNOWN)
        continue;
      g_string_append_printf (text, "switchroom_trunk_reachable{trunk=\"%s\"} %d\n", name,
                              health->reach == REACHABLE);
    }
}

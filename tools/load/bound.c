#include "tools/load/bound.h"

#include "tools/load/describe.h"
#include "tools/load/plain.h"

typedef struct
{
  LoadPlain *plain;
  guint nth;
} Bound;

static void
join (LoadParticipant *participant)
{
  Bound *bound = participant->driving;
  const LoadOptions *options = participant->load->options;
  const guint port = options->relay_port + bound->nth / 2 * LOAD_BOUND_PORTS + bound->nth % 2 * 2;
  const gboolean secure = options->relay_listen ? options->relay_srtp : bound->nth % 2 == 1;
  LoadFlow *flow = &participant->flow;
  GError *error = NULL;
  MediaSrtpKeys keys;

  load_bound_keys (&keys);
  bound->plain = load_plain_new (participant, "127.0.0.1", &error);
  if (bound->plain == NULL || !load_plain_set_remote (bound->plain, "127.0.0.1", (guint16)port)
      || (secure && !load_plain_set_keys (bound->plain, &keys, &keys, &error)))
    load_participant_fail (participant, "relay: %s", error != NULL ? error->message : "no address");
  else
    {
      flow->payload_type = load_describe_payload_type (flow->frames->codec);
      for (MediaCodecId codec = 0; codec < MEDIA_CODEC_N; codec++)
        load_flow_add_format (flow, load_describe_payload_type (codec), codec);
      load_participant_set_up (participant);
    }
  g_clear_error (&error);
}

static void
send_media (LoadParticipant *participant, guint8 *packet, gsize length)
{
  Bound *bound = participant->driving;

  load_plain_send (bound->plain, packet, length);
}

static void
leave (LoadParticipant *participant)
{
  participant->state = LOAD_GONE;
}

static void
free_bound (LoadParticipant *participant)
{
  Bound *bound = participant->driving;

  load_plain_free (bound->plain);
  g_free (bound);
}

static const LoadDriver driver = { .join = join, .send = send_media, .leave = leave, .free = free_bound };

void
load_bound_take (LoadParticipant *participant, guint nth)
{
  Bound *bound = g_new0 (Bound, 1);

  bound->nth = nth;
  participant->driver = &driver;
  participant->driving = bound;
}

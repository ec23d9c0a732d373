#include "media/engine_private.h"

#include <netdb.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/base/clock.h"
#include "config/base/error.h"
#include "media/core/dtmf.h"
#include "media/io/udp.h"

#define EVENTS_LIMIT     16384
#define JOIN_SECONDS     5
#define FILES_SECONDS    5 /* played and recorded ones together */
#define FILE_THREADS_MAX 8

/* Where a leg is, or will be when all commands so far have run. */
typedef struct
{
  guint worker;
  gboolean is_rtc;
  gboolean closing; /* only its last word is still passed on */
} LegEntry;

typedef struct
{
  guint worker;
} RoomEntry;

typedef struct
{
  MediaLegId leg; /* 0: to the room */
  MediaRoomId room;
} PlayEntry;

static gboolean
resolve_stun (MediaEngine *engine, const char *server, GError **error)
{
  g_autofree char *host = g_strdup (server);
  const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM };
  struct addrinfo *found = NULL;
  char ip[NI_MAXHOST];
  char *colon = strrchr (host, ':');
  guint64 port = 3478;
  int failed;

  if (colon != NULL && colon == strchr (host, ':'))
    {
      *colon = '\0';
      if (!g_ascii_string_to_unsigned (colon + 1, 10, 1, 65535, &port, NULL))
        {
          g_set_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT, "STUN server %s: bad port", server);
          return FALSE;
        }
    }
  failed = getaddrinfo (host, NULL, &hints, &found);
  if (failed == 0)
    failed = getnameinfo (found->ai_addr, found->ai_addrlen, ip, sizeof ip, NULL, 0, NI_NUMERICHOST);
  if (found != NULL)
    freeaddrinfo (found);
  if (failed != 0)
    {
      g_set_error (error, CFG_ERROR, CFG_ERROR_UNAVAILABLE, "STUN server %s: %s", server,
                   gai_strerror (failed));
      return FALSE;
    }
  engine->stun_ip = g_strdup (ip);
  engine->stun_port = (guint16)port;
  return TRUE;
}

static void
pass_on (MediaEngine *engine, const MediaEvent *event)
{
  const MediaEngineOps *ops = engine->ops;
  const MediaRtcLocal local = { .ufrag = event->ufrag,
                                .pwd = event->pwd,
                                .candidates = (const char *const *)event->candidates,
                                .complete = event->complete };

  switch (event->kind)
    {
    case MEDIA_EVENT_GATHERED:
      ops->leg_gathered (engine->owner, event->leg, &local);
      break;
    case MEDIA_EVENT_CANDIDATE:
      ops->leg_candidate (engine->owner, event->leg, event->text);
      break;
    case MEDIA_EVENT_CONNECTED:
      ops->leg_connected (engine->owner, event->leg,
                          &(MediaRtcPath){ event->cipher, event->remote, event->pair, event->dtls });
      break;
    case MEDIA_EVENT_DISCONNECTED:
      ops->leg_disconnected (engine->owner, event->leg);
      break;
    case MEDIA_EVENT_FAILED:
      ops->leg_failed (engine->owner, event->leg, event->text);
      break;
    case MEDIA_EVENT_STARTED:
      ops->leg_media_started (engine->owner, event->leg, event->text, event->cipher, event->remote);
      break;
    case MEDIA_EVENT_DTMF:
      ops->leg_dtmf (engine->owner, event->leg, event->digit, event->duration_ms);
      break;
    case MEDIA_EVENT_TIMEOUT:
      ops->leg_timeout (engine->owner, event->leg, event->initial);
      break;
    case MEDIA_EVENT_STATS:
      ops->leg_stats (engine->owner, event->leg, event->stats);
      break;
    case MEDIA_EVENT_CLOSED:
    case MEDIA_EVENT_EXPORTED:
    case MEDIA_EVENT_SPEAKERS:
    case MEDIA_EVENT_PLAY_ENDED:
    default:
      g_assert_not_reached ();
    }
}

static void
pass_on_speakers (MediaEngine *engine, const MediaEvent *event)
{
  g_autofree MediaSpeakerList *list = media_newest_take (event->speakers);

  if (list != NULL && g_hash_table_contains (engine->rooms, &event->room))
    engine->ops->room_speakers (engine->owner, event->room, list->speakers, list->n);
}

static void
on_event (gpointer user, const MediaEvent *event)
{
  MediaEngine *engine = user;
  const LegEntry *entry;

  if (event->kind == MEDIA_EVENT_EXPORTED)
    {
      event->done (event->user, event->state);
      return;
    }
  if (event->kind == MEDIA_EVENT_SPEAKERS)
    {
      pass_on_speakers (engine, event);
      return;
    }
  if (event->kind == MEDIA_EVENT_PLAY_ENDED)
    {
      if (g_hash_table_remove (engine->plays, &event->play) && engine->ops->play_ended != NULL)
        engine->ops->play_ended (engine->owner, event->play, event->end, event->text);
      return;
    }
  entry = g_hash_table_lookup (engine->legs, &event->leg);
  if (entry == NULL)
    return;
  if (event->kind == MEDIA_EVENT_CLOSED)
    {
      engine->load[entry->worker]--;
      g_hash_table_remove (engine->legs, &event->leg);
      engine->ops->leg_closed (engine->owner, event->leg, event->stats);
    }
  else if (!entry->closing)
    pass_on (engine, event);
}

static void
copy_config (MediaEngine *engine, const MediaEngineConfig *config)
{
  engine->config = *config;
  engine->rtc_bind = g_strdupv ((char **)config->rtc_bind);
  engine->external_address = g_strdup (config->rtc_external_address);
  engine->config.rtc_bind = (const char *const *)engine->rtc_bind;
  engine->config.rtc_external_address = engine->external_address;
  engine->config.stun_server = NULL;
}

static gboolean
start_workers (MediaEngine *engine, GError **error)
{
  guint n = engine->config.n_workers != 0 ? engine->config.n_workers : g_get_num_processors ();

  n = CLAMP (n, 1, MEDIA_ENGINE_MAX_WORKERS);
  for (guint i = 0; i < n; i++)
    {
      const MediaWorkerConfig config = { .index = i,
                                         .engine = &engine->config,
                                         .stun_ip = engine->stun_ip,
                                         .stun_port = engine->stun_port,
                                         .certificate = engine->certificate,
                                         .to_main = engine->mailbox,
                                         .event = on_event };

      engine->workers[i] = media_worker_new (&config, error);
      if (engine->workers[i] == NULL)
        return FALSE;
      engine->n_workers++;
    }
  return TRUE;
}

MediaEngine *
media_engine_new (const MediaEngineConfig *config, const MediaEngineOps *ops, gpointer owner, GError **error)
{
  MediaEngine *engine = g_new0 (MediaEngine, 1);

  copy_config (engine, config);
  engine->ops = ops;
  engine->owner = owner;
  engine->legs = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  engine->rooms = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  engine->plays = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  engine->mailbox = cfg_mailbox_new (EVENTS_LIMIT);
  engine->source = cfg_mailbox_source_new (engine->mailbox, engine);
  g_source_attach (engine->source, NULL);
  engine->certificate = media_certificate_new (error);
  if (engine->certificate == NULL
      || (config->stun_server != NULL && !resolve_stun (engine, config->stun_server, error))
      || !start_workers (engine, error))
    {
      media_engine_free (engine);
      return NULL;
    }
  return engine;
}

/* A worker that does not end keeps what it uses: better a leak than a crash on the way out. */
static gboolean
join_workers (MediaEngine *engine)
{
  struct timespec deadline;
  gboolean all = TRUE;

  for (guint i = 0; i < engine->n_workers; i++)
    media_worker_quit (engine->workers[i]);
  clock_gettime (CLOCK_REALTIME, &deadline);
  deadline.tv_sec += JOIN_SECONDS;
  for (guint i = 0; i < engine->n_workers; i++)
    if (!media_worker_join (engine->workers[i], &deadline))
      {
        g_warning ("media worker %u did not end in time", i);
        all = FALSE;
      }
  return all;
}

static void
free_files (MediaEngine *engine, CfgMonotonic until)
{
  if (engine->files != NULL && !media_file_reader_free (engine->files, until))
    g_warning ("a file that was played is still being read: the disk does not answer");
}

void
media_engine_free (MediaEngine *engine)
{
  CfgMonotonic until;

  g_source_destroy (engine->source);
  g_source_unref (engine->source);
  if (!join_workers (engine))
    return;
  for (guint i = 0; i < engine->n_workers; i++)
    media_worker_free (engine->workers[i]);
  until = cfg_monotonic_add_us (cfg_monotonic_now (), FILES_SECONDS * CFG_US_PER_S);
  media_engine_records_quit (engine); /* while the others are waited for */
  free_files (engine, until);
  if (!media_engine_records_free (engine, until))
    return;
  cfg_mailbox_free (engine->mailbox);
  g_clear_pointer (&engine->certificate, media_certificate_free);
  g_hash_table_unref (engine->legs);
  g_hash_table_unref (engine->rooms);
  g_hash_table_unref (engine->plays);
  g_strfreev (engine->rtc_bind);
  g_free (engine->external_address);
  g_free (engine->stun_ip);
  g_free (engine);
}

const char *
media_engine_fingerprint (const MediaEngine *engine)
{
  return media_certificate_fingerprint (engine->certificate);
}

guint
media_engine_n_workers (const MediaEngine *engine)
{
  return engine->n_workers;
}

static guint
least_loaded (const MediaEngine *engine)
{
  guint best = 0;

  for (guint i = 1; i < engine->n_workers; i++)
    if (engine->avoided[i] != engine->avoided[best] ? engine->avoided[best]
                                                    : engine->load[i] < engine->load[best])
      best = i;
  return best;
}

guint
media_engine_next_worker (const MediaEngine *engine)
{
  return least_loaded (engine);
}

guint
media_engine_worker_placed (const MediaEngine *engine, guint index)
{
  return engine->load[index];
}

void
media_engine_avoid_worker (MediaEngine *engine, guint index, gboolean avoid)
{
  engine->avoided[index] = avoid;
}

void
media_engine_set_opus_complexity (MediaEngine *engine, guint index, guint complexity)
{
  media_worker_post (engine->workers[index], media_command_set_opus_complexity (complexity));
}

int
media_engine_room_worker (const MediaEngine *engine, MediaRoomId room)
{
  const RoomEntry *entry = g_hash_table_lookup (engine->rooms, &room);

  return entry != NULL ? (int)entry->worker : -1;
}

MediaRoomId
media_engine_room_new (MediaEngine *engine)
{
  const MediaRoomId id = ++engine->last_id;
  RoomEntry *entry = g_new0 (RoomEntry, 1);

  entry->worker = least_loaded (engine);
  engine->load[entry->worker]++;
  g_hash_table_insert (engine->rooms, g_memdup2 (&id, sizeof id), entry);
  media_worker_post (engine->workers[entry->worker], media_command_room_new (id));
  return id;
}

void
media_engine_room_free (MediaEngine *engine, MediaRoomId room)
{
  const RoomEntry *entry = g_hash_table_lookup (engine->rooms, &room);

  if (entry == NULL)
    return;
  engine->load[entry->worker]--;
  media_worker_post (engine->workers[entry->worker], media_command_room_free (room));
  g_hash_table_remove (engine->rooms, &room);
}

void
media_engine_room_tell_speakers (MediaEngine *engine, MediaRoomId room, gboolean tell)
{
  const RoomEntry *entry = g_hash_table_lookup (engine->rooms, &room);

  if (entry != NULL)
    media_worker_post (engine->workers[entry->worker], media_command_room_tell_speakers (room, tell));
}

void
media_engine_tidy (MediaEngine *engine)
{
  for (guint i = 0; i < engine->n_workers; i++)
    media_worker_post (engine->workers[i], media_command_tidy ());
}

static MediaLegId
add_leg (MediaEngine *engine, guint worker, gboolean is_rtc)
{
  const MediaLegId id = ++engine->last_id;
  LegEntry *entry = g_new0 (LegEntry, 1);

  entry->worker = worker;
  entry->is_rtc = is_rtc;
  engine->load[worker]++;
  g_hash_table_insert (engine->legs, g_memdup2 (&id, sizeof id), entry);
  return id;
}

MediaLegId
media_engine_leg_new_rtp (MediaEngine *engine, const MediaRtpLegConfig *config, MediaRtpLocal *local,
                          GError **error)
{
  const MediaPortRange range = { .start = engine->config.rtp_port_start, .end = engine->config.rtp_port_end };
  const guint worker = least_loaded (engine);
  MediaUdp *udp = media_udp_new (config->local_address, range, error);
  MediaAddress rtp, rtcp;
  MediaLegId id;

  if (udp == NULL)
    return 0;
  rtp = media_udp_local (udp, MEDIA_UDP_RTP);
  rtcp = media_udp_local (udp, MEDIA_UDP_RTCP);
  local->rtp_port = media_address_port (&rtp);
  local->rtcp_port = media_address_port (&rtcp);
  id = add_leg (engine, worker, FALSE);
  media_worker_post (engine->workers[worker], media_command_leg_new_rtp (id, udp));
  return id;
}

MediaLegId
media_engine_leg_new_rtc (MediaEngine *engine, MediaRoomId room, const MediaRtcLegConfig *config)
{
  const RoomEntry *entry = g_hash_table_lookup (engine->rooms, &room);
  const guint worker = entry != NULL ? entry->worker : least_loaded (engine);
  const MediaLegId id = add_leg (engine, worker, TRUE);

  media_worker_post (engine->workers[worker], media_command_leg_new_rtc (id, config));
  return id;
}

static LegEntry *
find_leg (const MediaEngine *engine, MediaLegId leg)
{
  LegEntry *entry = g_hash_table_lookup (engine->legs, &leg);

  return entry == NULL || entry->closing ? NULL : entry;
}

void
media_engine_leg_add_candidate (MediaEngine *engine, MediaLegId leg, const char *candidate)
{
  const LegEntry *entry = find_leg (engine, leg);

  if (entry != NULL)
    media_worker_post (engine->workers[entry->worker], media_command_leg_add_candidate (leg, candidate));
}

void
media_engine_leg_restart_ice (MediaEngine *engine, MediaLegId leg, const char *remote_ufrag,
                              const char *remote_pwd)
{
  const LegEntry *entry = find_leg (engine, leg);

  if (entry != NULL)
    media_worker_post (engine->workers[entry->worker],
                       media_command_leg_restart_ice (leg, remote_ufrag, remote_pwd));
}

void
media_engine_leg_configure (MediaEngine *engine, MediaLegId leg, const MediaPlan *plan)
{
  const LegEntry *entry = find_leg (engine, leg);

  if (entry != NULL)
    media_worker_post (engine->workers[entry->worker], media_command_leg_configure (leg, plan));
}

static void
move_leg (MediaEngine *engine, MediaLegId leg, LegEntry *entry, guint worker)
{
  media_worker_post (engine->workers[worker], media_command_leg_expect (leg));
  media_worker_post (engine->workers[entry->worker], media_command_leg_move (leg, engine->workers[worker]));
  engine->load[entry->worker]--;
  engine->load[worker]++;
  entry->worker = worker;
}

void
media_engine_leg_attach (MediaEngine *engine, MediaLegId leg, MediaRoomId room)
{
  LegEntry *entry = find_leg (engine, leg);
  const RoomEntry *target = room == 0 ? NULL : g_hash_table_lookup (engine->rooms, &room);

  if (entry == NULL || (room != 0 && target == NULL))
    return;
  if (target != NULL && target->worker != entry->worker)
    {
      g_assert (!entry->is_rtc);
      move_leg (engine, leg, entry, target->worker);
    }
  media_worker_post (engine->workers[entry->worker], media_command_leg_attach (leg, room));
}

int
media_engine_leg_worker (const MediaEngine *engine, MediaLegId leg)
{
  const LegEntry *entry = find_leg (engine, leg);

  return entry != NULL ? (int)entry->worker : -1;
}

gboolean
media_engine_leg_can_attach (MediaEngine *engine, MediaLegId leg, MediaRoomId room)
{
  const LegEntry *entry = find_leg (engine, leg);
  const RoomEntry *target = g_hash_table_lookup (engine->rooms, &room);

  return entry != NULL && target != NULL && (!entry->is_rtc || entry->worker == target->worker);
}

void
media_engine_leg_set_muted (MediaEngine *engine, MediaLegId leg, gboolean muted)
{
  const LegEntry *entry = find_leg (engine, leg);

  if (entry != NULL)
    media_worker_post (engine->workers[entry->worker], media_command_leg_set_muted (leg, muted));
}

void
media_engine_leg_set_gain (MediaEngine *engine, MediaLegId leg, MediaLegId listener, double gain_db)
{
  const LegEntry *entry = find_leg (engine, leg);

  if (entry != NULL)
    media_worker_post (engine->workers[entry->worker], media_command_leg_set_gain (leg, listener, gain_db));
}

void
media_engine_leg_unset_gain (MediaEngine *engine, MediaLegId leg, MediaLegId listener)
{
  const LegEntry *entry = find_leg (engine, leg);

  if (entry != NULL)
    media_worker_post (engine->workers[entry->worker], media_command_leg_unset_gain (leg, listener));
}

void
media_engine_leg_set_deaf (MediaEngine *engine, MediaLegId leg, gboolean is_deaf)
{
  const LegEntry *entry = find_leg (engine, leg);

  if (entry != NULL)
    media_worker_post (engine->workers[entry->worker], media_command_leg_set_deaf (leg, is_deaf));
}

static MediaPlay *
make_play (MediaEngine *engine, MediaPlayId id, const MediaPlaySource *source,
           const MediaPlayOptions *options)
{
  MediaTonePattern pattern;

  if (source->file == NULL && source->bytes == NULL)
    {
      media_tone_pattern (source->tone, source->region, &pattern);
      return media_play_new_tone (id, &pattern, options->gain_db);
    }
  return media_play_new_file (
      id,
      media_file_reader_open (engine->files, &(MediaFileSource){ .path = source->file,
                                                                 .bytes = source->bytes,
                                                                 .directory = source->directory,
                                                                 .loop = options->loop }),
      options->gain_db);
}

/* The threads are there from the first file on. */
static gboolean
ensure_files (MediaEngine *engine)
{
  g_autoptr (GError) error = NULL;

  if (engine->files == NULL)
    engine->files = media_file_reader_new (MIN (engine->n_workers, FILE_THREADS_MAX), NULL, &error);
  if (engine->files == NULL)
    g_warning ("%s", error->message);
  return engine->files != NULL;
}

MediaPlayId
media_engine_play (MediaEngine *engine, MediaLegId leg, MediaRoomId room, const MediaPlaySource *source,
                   const MediaPlayOptions *options)
{
  static const MediaPlayOptions plain = { 0 };
  const LegEntry *to_leg = leg != 0 ? find_leg (engine, leg) : NULL;
  const RoomEntry *to_room = leg == 0 ? g_hash_table_lookup (engine->rooms, &room) : NULL;
  PlayEntry *entry;
  MediaPlay *play;
  MediaPlayId id;

  if ((to_leg == NULL && to_room == NULL)
      || ((source->file != NULL || source->bytes != NULL) && !ensure_files (engine)))
    return 0;
  id = ++engine->last_id;
  entry = g_new0 (PlayEntry, 1);
  entry->leg = leg;
  entry->room = leg == 0 ? room : 0;
  g_hash_table_insert (engine->plays, g_memdup2 (&id, sizeof id), entry);
  play = make_play (engine, id, source, options != NULL ? options : &plain);
  if (to_leg != NULL)
    media_worker_post (engine->workers[to_leg->worker], media_command_leg_play (leg, play));
  else
    media_worker_post (engine->workers[to_room->worker], media_command_room_play (room, play));
  return id;
}

void
media_engine_play_stop (MediaEngine *engine, MediaPlayId play)
{
  const PlayEntry *entry = g_hash_table_lookup (engine->plays, &play);
  const LegEntry *leg = entry != NULL && entry->leg != 0 ? find_leg (engine, entry->leg) : NULL;
  const RoomEntry *room
      = entry != NULL && entry->leg == 0 ? g_hash_table_lookup (engine->rooms, &entry->room) : NULL;

  if (leg != NULL)
    media_worker_post (engine->workers[leg->worker], media_command_leg_stop_play (entry->leg, play));
  else if (room != NULL)
    media_worker_post (engine->workers[room->worker], media_command_room_stop_play (entry->room, play));
}

gboolean
media_engine_leg_send_dtmf (MediaEngine *engine, MediaLegId leg, const char *digits)
{
  const LegEntry *entry = find_leg (engine, leg);

  if (entry == NULL || media_dtmf_duration_ms (digits, MEDIA_DTMF_TONE_MS, MEDIA_DTMF_GAP_MS) < 0)
    return FALSE;
  media_worker_post (engine->workers[entry->worker], media_command_leg_send_dtmf (leg, digits));
  return TRUE;
}

void
media_engine_leg_stop_dtmf (MediaEngine *engine, MediaLegId leg)
{
  const LegEntry *entry = find_leg (engine, leg);

  if (entry != NULL)
    media_worker_post (engine->workers[entry->worker], media_command_leg_stop_dtmf (leg));
}

void
media_engine_leg_free (MediaEngine *engine, MediaLegId leg)
{
  LegEntry *entry = find_leg (engine, leg);

  if (entry == NULL)
    return;
  entry->closing = TRUE;
  media_worker_post (engine->workers[entry->worker], media_command_leg_free (leg));
}

static gboolean
tell_gone (gpointer user)
{
  const MediaEvent *event = user;

  event->done (event->user, NULL);
  return G_SOURCE_REMOVE;
}

void
media_engine_leg_export (MediaEngine *engine, MediaLegId leg,
                         void (*done) (gpointer user, const MediaLegState *state), gpointer user)
{
  const LegEntry *entry = find_leg (engine, leg);

  if (entry != NULL)
    media_worker_post (engine->workers[entry->worker], media_command_leg_export (leg, done, user));
  else
    {
      MediaEvent *event = g_new0 (MediaEvent, 1);

      event->done = done;
      event->user = user;
      g_idle_add_full (G_PRIORITY_DEFAULT, tell_gone, event, g_free);
    }
}

void
media_engine_worker_stats (MediaEngine *engine, guint index, MediaWorkerStats *stats)
{
  g_assert (index < engine->n_workers);
  media_worker_get_stats (engine->workers[index], stats);
}

void
media_engine_events (const MediaEngine *engine, guint *waiting, guint64 *dropped)
{
  *waiting = cfg_mailbox_waiting (engine->mailbox);
  *dropped = cfg_mailbox_dropped (engine->mailbox);
}

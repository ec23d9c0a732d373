/* The inside of the engine, for media/engine*.c only. Main thread. */
#pragma once

#include "config/base/mailbox.h"
#include "media/engine.h"
#include "media/file_reader.h"
#include "media/io/certificate.h"
#include "media/worker.h"

#define MEDIA_ENGINE_MAX_WORKERS 64

struct _MediaEngine
{
  MediaEngineConfig config;
  char **rtc_bind;
  char *external_address;
  char *stun_ip;
  guint16 stun_port;
  const MediaEngineOps *ops;
  gpointer owner;
  MediaCertificate *certificate;
  CfgMailbox *mailbox;
  GSource *source;
  MediaWorker *workers[MEDIA_ENGINE_MAX_WORKERS];
  guint load[MEDIA_ENGINE_MAX_WORKERS]; /* rooms and legs placed there */
  gboolean avoided[MEDIA_ENGINE_MAX_WORKERS];
  guint n_workers;
  GHashTable *legs;              /* id → LegEntry */
  GHashTable *rooms;             /* id → RoomEntry */
  GHashTable *plays;             /* id → PlayEntry */
  MediaFileReader *files;        /* NULL before the first file */
  struct _MediaRecords *records; /* engine_record.c; NULL before the first recording */
  guint64 last_id;
};

/* engine_record.c */
/** media_engine_records_look: each second; @now: monotonic: ends what waits for a disk that does not answer.
 * There must have been a recording. */
void media_engine_records_look (MediaEngine *engine, CfgMonotonic now);
/** media_engine_records_quit: files are finished from now on; the workers must have ended. */
void media_engine_records_quit (MediaEngine *engine);
/** media_engine_records_free: waits for that. Returns: FALSE when the disk does not answer @until then: the
 * mailbox is still written to. */
gboolean media_engine_records_free (MediaEngine *engine, CfgMonotonic until);

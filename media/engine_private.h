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
/** media_engine_records_free: files are finished; the workers must have ended. Returns: FALSE when the disk
 * does not answer: then the mailbox is still written to. */
gboolean media_engine_records_free (MediaEngine *engine);

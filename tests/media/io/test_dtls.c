/* DTLS between two ends in memory, over a seeded lossy link, in virtual time. */
#include <glib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "config/base/error.h"
#include "media/io/dtls.h"
#include "tests/media/io/virtual_clock.h"

#define MAX_STEPS 2000

typedef struct
{
  MediaCertificate *certificate;
  MediaDtlsContext *context;
  MediaDtls *dtls;
  GQueue to_me; /* of GBytes */
  GQueue *to_peer;
  GRand *random;
  double loss;
  double reorder;
  gsize largest;
  guint n_sent;
} End;

static void
send_datagram (const guint8 *data, gsize length, gpointer user)
{
  End *end = user;

  end->n_sent++;
  end->largest = MAX (end->largest, length);
  if (end->random != NULL && g_rand_double (end->random) < end->loss)
    return;
  if (end->random != NULL && g_rand_double (end->random) < end->reorder)
    g_queue_push_head (end->to_peer, g_bytes_new (data, length));
  else
    g_queue_push_tail (end->to_peer, g_bytes_new (data, length));
}

static MediaFingerprint
fingerprint_of (const MediaCertificate *certificate)
{
  MediaFingerprint fingerprint;

  g_assert_true (media_fingerprint_parse (media_certificate_fingerprint (certificate), &fingerprint, NULL));
  return fingerprint;
}

static void
end_prepare (End *end, End *peer)
{
  memset (end, 0, sizeof *end);
  g_queue_init (&end->to_me);
  end->to_peer = &peer->to_me;
  end->certificate = media_certificate_new (NULL);
  end->context = media_dtls_context_new (end->certificate, NULL);
  g_assert_nonnull (end->context);
}

static void
pair_open (End *client, End *server)
{
  MediaFingerprint of_client;
  MediaFingerprint of_server;

  end_prepare (client, server);
  end_prepare (server, client);
  of_client = fingerprint_of (client->certificate);
  of_server = fingerprint_of (server->certificate);
  client->dtls = media_dtls_new (client->context, MEDIA_DTLS_ACTIVE, &of_server, send_datagram, client, NULL);
  server->dtls
      = media_dtls_new (server->context, MEDIA_DTLS_PASSIVE, &of_client, send_datagram, server, NULL);
  g_assert_nonnull (client->dtls);
  g_assert_nonnull (server->dtls);
}

static void
end_close (End *end)
{
  g_queue_clear_full (&end->to_me, (GDestroyNotify)g_bytes_unref);
  g_clear_pointer (&end->dtls, media_dtls_free);
  g_clear_pointer (&end->context, media_dtls_context_free);
  g_clear_pointer (&end->certificate, media_certificate_free);
  g_clear_pointer (&end->random, g_rand_free);
}

static gboolean
deliver_one (End *end)
{
  GBytes *datagram = g_queue_pop_head (&end->to_me);
  const guint8 *data;
  gsize length;

  if (datagram == NULL)
    return FALSE;
  data = g_bytes_get_data (datagram, &length);
  (void)media_dtls_input (end->dtls, data, length, cfg_monotonic_now ());
  g_bytes_unref (datagram);
  return TRUE;
}

static gboolean
is_final (const End *end)
{
  return media_dtls_state (end->dtls) > MEDIA_DTLS_HANDSHAKING;
}

static void
advance_to_next_deadline (End *a, End *b)
{
  const CfgMonotonic now = cfg_monotonic_now ();
  const gint64 at = MIN (media_dtls_deadline (a->dtls, now).us, media_dtls_deadline (b->dtls, now).us);

  g_assert_cmpint (at, <, G_MAXINT64);
  virtual_clock_advance (MAX (0, at - now.us) + 1000);
  (void)media_dtls_timeout (a->dtls, cfg_monotonic_now ());
  (void)media_dtls_timeout (b->dtls, cfg_monotonic_now ());
}

/* Until both are CONNECTED or FAILED. Returns: how much virtual time it took. */
static gint64
run (End *client, End *server)
{
  const CfgMonotonic begin = cfg_monotonic_now ();

  (void)media_dtls_start (client->dtls, begin);
  (void)media_dtls_start (server->dtls, begin);
  for (guint i = 0; i < MAX_STEPS; i++)
    {
      const gboolean moved = deliver_one (client) | deliver_one (server);

      if (!moved && is_final (client) && is_final (server))
        break;
      if (!moved)
        advance_to_next_deadline (client, server);
    }
  return cfg_monotonic_diff_us (cfg_monotonic_now (), begin);
}

static void
assert_same_keys (const End *client, const End *server)
{
  MediaSrtpKeys keys[4];

  g_assert_true (media_dtls_export_keys (client->dtls, &keys[0], &keys[1]));
  g_assert_true (media_dtls_export_keys (server->dtls, &keys[2], &keys[3]));
  g_assert_cmpint (keys[0].profile, ==, MEDIA_SRTP_AEAD_AES_128_GCM);
  g_assert_cmpmem (&keys[0], sizeof keys[0], &keys[3], sizeof keys[3]);
  g_assert_cmpmem (&keys[1], sizeof keys[1], &keys[2], sizeof keys[2]);
  g_assert_cmpint (memcmp (keys[0].key, keys[1].key, sizeof keys[0].key), !=, 0);
}

static void
test_handshake (void)
{
  End client;
  End server;
  MediaSrtpKeys none;
  gint64 took_us;

  pair_open (&client, &server);
  g_assert_false (media_dtls_export_keys (client.dtls, &none, &none));
  took_us = run (&client, &server);
  g_assert_cmpint (media_dtls_state (client.dtls), ==, MEDIA_DTLS_CONNECTED);
  g_assert_cmpint (media_dtls_state (server.dtls), ==, MEDIA_DTLS_CONNECTED);
  g_assert_cmpint (took_us, <, 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (MAX (client.largest, server.largest), <=, MEDIA_DTLS_MTU);
  assert_same_keys (&client, &server);
  g_assert_cmpint (media_dtls_deadline (client.dtls, cfg_monotonic_now ()).us, ==, G_MAXINT64);
  g_assert_null (media_dtls_failure (client.dtls));
  media_dtls_close (client.dtls);
  g_assert_true (deliver_one (&server));
  g_assert_cmpint (media_dtls_state (server.dtls), ==, MEDIA_DTLS_CLOSED);
  end_close (&client);
  end_close (&server);
}

/* A third of the datagrams is lost, a fifth overtakes: it takes longer, and connects. */
static void
test_loss (void)
{
  guint n_connected = 0;

  for (guint32 seed = 0; seed < 40; seed++)
    {
      End client;
      End server;

      pair_open (&client, &server);
      client.random = g_rand_new_with_seed (seed);
      server.random = g_rand_new_with_seed (seed + 1000);
      client.loss = server.loss = 0.3;
      client.reorder = server.reorder = 0.2;
      (void)run (&client, &server);
      if (media_dtls_state (client.dtls) == MEDIA_DTLS_CONNECTED
          && media_dtls_state (server.dtls) == MEDIA_DTLS_CONNECTED)
        {
          assert_same_keys (&client, &server);
          n_connected++;
        }
      end_close (&client);
      end_close (&server);
    }
  g_assert_cmpuint (n_connected, ==, 40);
}

/* Output before ICE is connected waits, and goes out at once then. */
static void
test_queues_until_started (void)
{
  End client;
  End server;

  pair_open (&client, &server);
  (void)media_dtls_start (client.dtls, cfg_monotonic_now ());
  while (deliver_one (&server))
    ;
  g_assert_cmpuint (server.n_sent, ==, 0);
  g_assert_cmpint (media_dtls_state (server.dtls), ==, MEDIA_DTLS_HANDSHAKING);
  (void)media_dtls_start (server.dtls, cfg_monotonic_now ());
  g_assert_cmpuint (server.n_sent, >, 0);
  (void)run (&client, &server);
  assert_same_keys (&client, &server);
  end_close (&client);
  end_close (&server);
}

static void
check_wrong_fingerprint (gboolean at_client)
{
  End client;
  End server;
  End *strict = at_client ? &client : &server;
  MediaFingerprint wrong;
  MediaSrtpKeys keys;

  pair_open (&client, &server);
  media_dtls_free (strict->dtls);
  wrong = fingerprint_of (strict->certificate);
  strict->dtls = media_dtls_new (strict->context, at_client ? MEDIA_DTLS_ACTIVE : MEDIA_DTLS_PASSIVE, &wrong,
                                 send_datagram, strict, NULL);
  (void)run (&client, &server);
  g_assert_cmpint (media_dtls_state (strict->dtls), ==, MEDIA_DTLS_FAILED);
  g_assert_nonnull (media_dtls_failure (strict->dtls));
  g_assert_false (media_dtls_export_keys (strict->dtls, &keys, &keys));
  end_close (&client);
  end_close (&server);
}

static void
test_wrong_fingerprint (void)
{
  check_wrong_fingerprint (TRUE);
  check_wrong_fingerprint (FALSE);
}

static void
test_unknown_fingerprint (void)
{
  End client;
  End server;
  MediaFingerprint of_client;
  CfgMonotonic now = cfg_monotonic_now ();

  pair_open (&client, &server);
  media_dtls_free (server.dtls);
  server.dtls = media_dtls_new (server.context, MEDIA_DTLS_PASSIVE, NULL, send_datagram, &server, NULL);
  (void)media_dtls_start (client.dtls, now);
  (void)media_dtls_start (server.dtls, now);
  while (deliver_one (&server))
    ;
  g_assert_cmpint (media_dtls_state (server.dtls), ==, MEDIA_DTLS_NEW);
  of_client = fingerprint_of (client.certificate);
  media_dtls_set_remote_fingerprint (server.dtls, &of_client);
  (void)run (&client, &server);
  assert_same_keys (&client, &server);
  end_close (&client);
  end_close (&server);
}

static void
test_silent_peer (void)
{
  End client;
  End server;
  CfgMonotonic begin = cfg_monotonic_now ();

  pair_open (&client, &server);
  client.random = g_rand_new_with_seed (1);
  client.loss = 1;
  (void)run (&client, &server);
  g_assert_cmpint (media_dtls_state (client.dtls), ==, MEDIA_DTLS_FAILED);
  g_assert_cmpint (media_dtls_state (server.dtls), ==, MEDIA_DTLS_FAILED);
  g_assert_cmpint (cfg_monotonic_diff_us (cfg_monotonic_now (), begin), >=, MEDIA_DTLS_HANDSHAKE_TIMEOUT_US);
  g_assert_cmpint (cfg_monotonic_diff_us (cfg_monotonic_now (), begin), <,
                   2 * MEDIA_DTLS_HANDSHAKE_TIMEOUT_US);
  g_assert_cmpuint (client.n_sent, <, 30);
  end_close (&client);
  end_close (&server);
}

/* OpenSSL as it comes, on memory BIOs, with or without SRTP profiles. */
typedef struct
{
  SSL_CTX *ctx;
  SSL *ssl;
} Foreign;

static int
accept_any (int preverified, X509_STORE_CTX *store)
{
  (void)preverified;
  (void)store;
  return 1;
}

static void
foreign_open (Foreign *foreign, const MediaCertificate *certificate, const char *profiles)
{
  foreign->ctx = SSL_CTX_new (DTLS_client_method ());
  SSL_CTX_set_options (foreign->ctx, SSL_OP_NO_QUERY_MTU);
  SSL_CTX_set_verify (foreign->ctx, SSL_VERIFY_PEER, accept_any);
  if (certificate != NULL)
    {
      g_assert_cmpint (SSL_CTX_use_certificate (foreign->ctx, media_certificate_x509 (certificate)), ==, 1);
      g_assert_cmpint (SSL_CTX_use_PrivateKey (foreign->ctx, media_certificate_key (certificate)), ==, 1);
    }
  if (profiles != NULL)
    g_assert_cmpint (SSL_CTX_set_tlsext_use_srtp (foreign->ctx, profiles), ==, 0);
  foreign->ssl = SSL_new (foreign->ctx);
  SSL_set_bio (foreign->ssl, BIO_new (BIO_s_mem ()), BIO_new (BIO_s_mem ()));
  BIO_set_mem_eof_return (SSL_get_rbio (foreign->ssl), -1);
  SSL_set_mtu (foreign->ssl, MEDIA_DTLS_MTU);
  SSL_set_connect_state (foreign->ssl);
}

static void
foreign_run (Foreign *foreign, End *server)
{
  const CfgMonotonic now = cfg_monotonic_now ();

  (void)media_dtls_start (server->dtls, now);
  for (guint i = 0; i < 20 && !is_final (server); i++)
    {
      guint8 data[4096];
      GBytes *datagram;
      int length;

      (void)SSL_do_handshake (foreign->ssl);
      length = BIO_read (SSL_get_wbio (foreign->ssl), data, 1500);
      if (length > 0)
        (void)media_dtls_input (server->dtls, data, (gsize)length, now);
      while ((datagram = g_queue_pop_head (server->to_peer)) != NULL)
        {
          gsize size;
          const void *bytes = g_bytes_get_data (datagram, &size);

          (void)BIO_write (SSL_get_rbio (foreign->ssl), bytes, (int)size);
          g_bytes_unref (datagram);
          (void)SSL_do_handshake (foreign->ssl);
        }
    }
}

static void
foreign_close (Foreign *foreign)
{
  SSL_free (foreign->ssl);
  SSL_CTX_free (foreign->ctx);
}

static void
check_foreign (const char *profiles, gboolean with_certificate, MediaDtlsState expected,
               MediaSrtpProfile profile)
{
  End client;
  End server;
  Foreign foreign;
  MediaSrtpKeys local;
  MediaSrtpKeys remote;

  pair_open (&client, &server);
  foreign_open (&foreign, with_certificate ? client.certificate : NULL, profiles);
  foreign_run (&foreign, &server);
  g_test_message ("%s: %s", profiles != NULL ? profiles : "no SRTP",
                  media_dtls_failure (server.dtls) != NULL ? media_dtls_failure (server.dtls) : "connected");
  g_assert_cmpint (media_dtls_state (server.dtls), ==, expected);
  g_assert_cmpint (media_dtls_export_keys (server.dtls, &local, &remote), ==,
                   expected == MEDIA_DTLS_CONNECTED);
  g_assert_cmpint (local.profile, ==, profile);
  foreign_close (&foreign);
  end_close (&client);
  end_close (&server);
}

static void
test_profiles (void)
{
  check_foreign (NULL, TRUE, MEDIA_DTLS_FAILED, MEDIA_SRTP_NONE);
  check_foreign ("SRTP_AES128_CM_SHA1_32", TRUE, MEDIA_DTLS_FAILED, MEDIA_SRTP_NONE);
  check_foreign ("SRTP_AES128_CM_SHA1_80", TRUE, MEDIA_DTLS_CONNECTED, MEDIA_SRTP_AES128_CM_SHA1_80);
  check_foreign ("SRTP_AEAD_AES_256_GCM", TRUE, MEDIA_DTLS_CONNECTED, MEDIA_SRTP_AEAD_AES_256_GCM);
  check_foreign ("SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM", TRUE,
                 MEDIA_DTLS_CONNECTED, MEDIA_SRTP_AEAD_AES_128_GCM);
  check_foreign ("SRTP_AEAD_AES_128_GCM", FALSE, MEDIA_DTLS_FAILED, MEDIA_SRTP_NONE);
}

/* What OpenSSL's side has written; @is_damaged: first with a wrong bit in each byte, and cut. */
static MediaDtlsState
hand_over (Foreign *foreign, End *server, gboolean is_damaged)
{
  guint8 data[1500];
  const int length = BIO_read (SSL_get_wbio (foreign->ssl), data, sizeof data);

  g_assert_cmpint (length, >, 13);
  for (int i = 0; is_damaged && i < length; i++)
    {
      data[i] ^= 1;
      g_assert_cmpint (media_dtls_input (server->dtls, data, (gsize)length, cfg_monotonic_now ()), ==,
                       MEDIA_DTLS_CONNECTED);
      data[i] ^= 1;
      g_assert_cmpint (media_dtls_input (server->dtls, data, (gsize)i, cfg_monotonic_now ()), ==,
                       MEDIA_DTLS_CONNECTED);
    }
  return media_dtls_input (server->dtls, data, (gsize)length, cfg_monotonic_now ());
}

static void
check_settled (const char *cipher, gboolean we_close, gboolean is_damaged)
{
  char text[MEDIA_DTLS_CIPHER_TEXT_SIZE];
  MediaSrtpKeys local, remote;
  GBytes *datagram;
  Foreign foreign;
  End client, server;
  gsize size;

  pair_open (&client, &server);
  foreign_open (&foreign, client.certificate, "SRTP_AEAD_AES_128_GCM");
  g_assert_cmpint (SSL_set_cipher_list (foreign.ssl, cipher), ==, 1);
  foreign_run (&foreign, &server);
  g_assert_true (media_dtls_export_keys (server.dtls, &local, &remote));
  media_dtls_settle (server.dtls);
  media_dtls_settle (server.dtls);
  g_assert_cmpint (media_dtls_state (server.dtls), ==, MEDIA_DTLS_CONNECTED);
  g_assert_true (g_str_has_suffix (media_dtls_cipher (server.dtls, text), cipher));
  g_assert_true (g_queue_is_empty (server.to_peer));
  if (we_close)
    {
      media_dtls_close (server.dtls);
      datagram = g_queue_pop_head (server.to_peer);
      g_assert_nonnull (datagram);
      (void)BIO_write (SSL_get_rbio (foreign.ssl), g_bytes_get_data (datagram, &size),
                       (int)g_bytes_get_size (datagram));
      g_assert_cmpint (SSL_get_error (foreign.ssl, SSL_read (foreign.ssl, text, sizeof text)), ==,
                       SSL_ERROR_ZERO_RETURN);
      g_bytes_unref (datagram);
    }
  else
    {
      (void)SSL_shutdown (foreign.ssl);
      g_assert_cmpint (hand_over (&foreign, &server, is_damaged), ==, MEDIA_DTLS_CLOSED);
    }
  g_assert_cmpint (media_dtls_state (server.dtls), ==, MEDIA_DTLS_CLOSED);
  foreign_close (&foreign);
  end_close (&client);
  end_close (&server);
}

/* The end is heard and told without OpenSSL's connection; with a cipher that needs it, with it. */
static void
test_settled (void)
{
  for (int we_close = 0; we_close <= 1; we_close++)
    {
      check_settled ("ECDHE-ECDSA-AES128-GCM-SHA256", we_close, TRUE);
      check_settled ("ECDHE-ECDSA-AES256-GCM-SHA384", we_close, TRUE);
      check_settled ("ECDHE-ECDSA-CHACHA20-POLY1305", we_close, FALSE);
    }
}

static void
test_settled_pair (void)
{
  End client, server;

  pair_open (&client, &server);
  (void)run (&client, &server);
  media_dtls_settle (server.dtls);
  media_dtls_settle (client.dtls);
  media_dtls_close (server.dtls);
  while (deliver_one (&client))
    ;
  g_assert_cmpint (media_dtls_state (client.dtls), ==, MEDIA_DTLS_CLOSED);
  end_close (&client);
  end_close (&server);
  pair_open (&client, &server);
  (void)run (&client, &server);
  media_dtls_settle (server.dtls);
  media_dtls_close (client.dtls);
  while (deliver_one (&server))
    ;
  g_assert_cmpint (media_dtls_state (server.dtls), ==, MEDIA_DTLS_CLOSED);
  end_close (&client);
  end_close (&server);
}

/* Mutated, cut and invented records: the handshake may fail, the process not; a connection stays. */
static void
test_garbage (void)
{
  for (guint32 seed = 0; seed < 100; seed++)
    {
      g_autoptr (GRand) random = g_rand_new_with_seed (seed);
      End client;
      End server;

      pair_open (&client, &server);
      (void)media_dtls_start (client.dtls, cfg_monotonic_now ());
      (void)media_dtls_start (server.dtls, cfg_monotonic_now ());
      for (guint i = 0; i < 30; i++)
        {
          GBytes *datagram = g_queue_pop_head (i % 2 == 0 ? &server.to_me : &client.to_me);
          End *to = i % 2 == 0 ? &server : &client;
          guint8 data[1600] = { 22, 254, 253 };
          gsize length = (gsize)g_rand_int_range (random, 0, 1600);

          if (datagram != NULL)
            {
              length = g_bytes_get_size (datagram);
              memcpy (data, g_bytes_get_data (datagram, NULL), length);
              g_bytes_unref (datagram);
            }
          if (seed >= 20)
            for (guint n = 0; n < 3; n++)
              data[g_rand_int_range (random, 0, (gint)MAX (length, 1))] = (guint8)g_rand_int (random);
          (void)media_dtls_input (to->dtls, data, length, cfg_monotonic_now ());
        }
      end_close (&client);
      end_close (&server);
    }
}

/* Encrypted records that are too short to be any, from the first hello on: RFC 6347 4.1.2.7. */
static void
test_short_records (void)
{
  static const guint8 types[] = { 20, 21, 22, 23 };
  End client;
  End server;

  pair_open (&client, &server);
  (void)media_dtls_start (client.dtls, cfg_monotonic_now ());
  (void)media_dtls_start (server.dtls, cfg_monotonic_now ());
  for (guint i = 0; i < 1000; i++)
    {
      guint8 record[13 + 23] = { types[i % G_N_ELEMENTS (types)], 254, 253, 0, 1, 0, 0, 0, 0 };

      record[9] = (guint8)(i >> 8);
      record[10] = (guint8)i;
      record[12] = (guint8)(i % 24);
      (void)media_dtls_input (server.dtls, record, 13 + i % 24, cfg_monotonic_now ());
      (void)media_dtls_input (client.dtls, record, 13 + i % 24, cfg_monotonic_now ());
      if (!(deliver_one (&client) | deliver_one (&server)) && !(is_final (&client) && is_final (&server)))
        advance_to_next_deadline (&client, &server);
    }
  assert_same_keys (&client, &server);
  end_close (&client);
  end_close (&server);
}

static void
test_garbage_when_connected (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  End client;
  End server;

  pair_open (&client, &server);
  (void)run (&client, &server);
  for (guint i = 0; i < 5000; i++)
    {
      guint8 data[256];
      const gsize length = (gsize)g_rand_int_range (random, 0, sizeof data);

      for (guint j = 0; j < sizeof data; j++)
        data[j] = (guint8)g_rand_int (random);
      /* Alerts, handshakes, application data and close_notify in the clear, of both epochs. */
      data[0] = (guint8)g_rand_int_range (random, 20, 26);
      data[1] = 254;
      data[2] = 253;
      data[3] = 0;
      data[4] = (guint8)(i % 2);
      data[11] = 0;
      data[12] = (guint8)(i % 3 == 0 ? 2 : 200);
      data[13] = 1;
      data[14] = 0;
      (void)media_dtls_input (server.dtls, data, length, cfg_monotonic_now ());
      if (i == 2500)
        {
          assert_same_keys (&client, &server);
          media_dtls_settle (server.dtls);
        }
    }
  g_assert_cmpint (media_dtls_state (server.dtls), ==, MEDIA_DTLS_CONNECTED);
  end_close (&client);
  end_close (&server);
}

static void
test_fingerprint_texts (void)
{
  static const struct
  {
    const char *text;
    gboolean valid;
  } rows[] = {
    { "sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33", FALSE },
    { "md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF", FALSE },
    { "sha-256 00:11", FALSE },
    { "sha-256", FALSE },
    { "sha-256 ", FALSE },
    { "", FALSE },
    { "SHA-256 "
      "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
      TRUE },
    { "sha-256 "
      "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:",
      FALSE },
    { "sha-256 "
      "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:F",
      FALSE },
    { "sha-256 "
      "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00",
      FALSE },
    { "sha-384 "
      "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF",
      FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      MediaFingerprint fingerprint;
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (media_fingerprint_parse (rows[i].text, &fingerprint, &error), ==, rows[i].valid);
      g_assert_cmpint (error == NULL, ==, rows[i].valid);
      g_assert_cmpint (fingerprint.algorithm, ==,
                       rows[i].valid ? MEDIA_FINGERPRINT_SHA256 : MEDIA_FINGERPRINT_NONE);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/dtls/shakes_hands", test_handshake);
  g_test_add_func ("/media/dtls/survives_loss_and_reordering", test_loss);
  g_test_add_func ("/media/dtls/queues_until_started", test_queues_until_started);
  g_test_add_func ("/media/dtls/refuses_another_fingerprint", test_wrong_fingerprint);
  g_test_add_func ("/media/dtls/waits_for_a_fingerprint", test_unknown_fingerprint);
  g_test_add_func ("/media/dtls/gives_up_on_a_silent_peer", test_silent_peer);
  g_test_add_func ("/media/dtls/needs_an_srtp_profile", test_profiles);
  g_test_add_func ("/media/dtls/ends_when_settled", test_settled);
  g_test_add_func ("/media/dtls/ends_when_both_are_settled", test_settled_pair);
  g_test_add_func ("/media/dtls/survives_garbage", test_garbage);
  g_test_add_func ("/media/dtls/drops_short_records", test_short_records);
  g_test_add_func ("/media/dtls/stays_connected_under_garbage", test_garbage_when_connected);
  g_test_add_func ("/media/fingerprint/parses", test_fingerprint_texts);
  return g_test_run ();
}

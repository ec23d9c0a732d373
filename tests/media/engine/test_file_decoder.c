/* Files to be played as somebody may put them there: cut off, damaged, empty, of any rate and number of
 * channels. */
#include <fcntl.h>
#include <math.h>
#include <sndfile.h>
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "media/file_decoder.h"

#define SAMPLES_MAX (48000 * 20)
#define PLAIN_WAV   (SF_FORMAT_WAV | SF_FORMAT_PCM_16)

static const int formats[] = { PLAIN_WAV,
                               SF_FORMAT_WAV | SF_FORMAT_ULAW,
                               SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM,
                               SF_FORMAT_W64 | SF_FORMAT_FLOAT,
                               SF_FORMAT_AIFF | SF_FORMAT_ALAW,
                               SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
                               SF_FORMAT_OGG | SF_FORMAT_VORBIS,
                               SF_FORMAT_OGG | SF_FORMAT_OPUS,
                               SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III };

typedef struct
{
  char *directory, *path;
} Place;

static void
place_init (Place *place)
{
  place->directory = g_dir_make_tmp ("decoder-XXXXXX", NULL);
  place->path = g_build_filename (place->directory, "a", NULL);
}

static void
place_clear (Place *place)
{
  g_unlink (place->path);
  g_assert_cmpint (g_rmdir (place->directory), ==, 0);
  g_free (place->directory);
  g_free (place->path);
}

/* @samples: of one channel, that all have. */
static void
write_file (const Place *place, int rate_hz, int channels, int format, const float *samples, gsize n)
{
  SF_INFO info = { .samplerate = rate_hz, .channels = channels, .format = format };
  SNDFILE *file = sf_open (place->path, SFM_WRITE, &info);
  float frame[16];

  if (file == NULL)
    g_error ("%s", sf_strerror (NULL));
  for (gsize i = 0; i < n; i++)
    {
      for (int c = 0; c < channels; c++)
        frame[c] = samples[i];
      g_assert_cmpint (sf_writef_float (file, frame, 1), ==, 1);
    }
  sf_close (file);
}

static void
write_tone (const Place *place, int rate_hz, int channels, int format, gsize n)
{
  g_autofree float *samples = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    samples[i] = 0.25f * (float)sin (2 * G_PI * 500 * (double)i / rate_hz);
  write_file (place, rate_hz, channels, format, samples, n);
}

static MediaFileDecoder *
open_file (const Place *place, gboolean loop, char **error)
{
  const MediaFileSource source = { .path = place->path, .directory = place->directory, .loop = loop };

  return media_file_decoder_new (&source, error);
}

/* Returns: how many samples there were, SAMPLES_MAX and a read's at most. @pcm: (nullable) */
static gsize
read_all (MediaFileDecoder *decoder, GArray *pcm)
{
  g_autofree gint16 *some = g_new (gint16, MEDIA_FILE_DECODER_SAMPLES_MAX);
  gsize all = 0, n;

  while (all < SAMPLES_MAX && (n = media_file_decoder_read (decoder, some)) > 0)
    {
      g_assert_cmpuint (n, <=, MEDIA_FILE_DECODER_SAMPLES_MAX);
      if (pcm != NULL)
        g_array_append_vals (pcm, some, (guint)n);
      all += n;
    }
  return all;
}

/* From the disk and from memory, once and for ever: it is refused in words, or plays to its end. */
static void
try_file (const Place *place, const char *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);

  g_assert_true (g_file_set_contents (place->path, data, (gssize)size, NULL));
  for (guint i = 0; i < 4; i++)
    {
      const MediaFileSource source
          = { .path = i / 2 ? NULL : place->path, .bytes = i / 2 ? bytes : NULL, .loop = i % 2 };
      g_autofree char *error = NULL;
      g_autoptr (MediaFileDecoder) decoder = media_file_decoder_new (&source, &error);

      g_assert_cmpint (decoder == NULL, ==, error != NULL);
      if (decoder == NULL)
        g_assert_null (strstr (error, place->directory));
      else if (i % 2 == 0)
        (void)read_all (decoder, NULL);
      else
        for (guint n = 0; n < 30; n++)
          {
            gint16 pcm[MEDIA_FILE_DECODER_SAMPLES_MAX];

            (void)media_file_decoder_read (decoder, pcm);
          }
    }
}

static void
test_cut_off_and_damaged (void)
{
  Place place;

  place_init (&place);
  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    {
      g_autofree char *data = NULL;
      gsize size;
      GRand *random = g_rand_new_with_seed (f + 1);

      write_tone (&place, 16000, 1, formats[f], 6000);
      g_assert_true (g_file_get_contents (place.path, &data, &size, NULL));
      for (gsize cut = 0; cut < size; cut += cut < 64 ? 7 : size / 9 + 1)
        try_file (&place, data, cut);
      for (guint i = 0; i < 12; i++)
        {
          g_autofree char *damaged = g_memdup2 (data, size);
          const gsize within = i % 2 ? size : MIN (size, 128);

          for (guint k = 0; k < 4; k++)
            damaged[(gsize)g_rand_int_range (random, 0, (gint32)within)] = (char)g_rand_int (random);
          try_file (&place, damaged, size);
        }
      g_rand_free (random);
    }
  place_clear (&place);
}

/* Where a WAV file ends before its header says so, what is there is played. */
static void
test_cut_off_is_played (void)
{
  Place place;
  g_autofree char *data = NULL, *error = NULL;
  g_autoptr (MediaFileDecoder) decoder = NULL;
  gsize size;

  place_init (&place);
  write_tone (&place, 8000, 1, PLAIN_WAV, 8000);
  g_assert_true (g_file_get_contents (place.path, &data, &size, NULL));
  g_assert_true (g_file_set_contents (place.path, data, (gssize)(size - 8001), NULL));
  decoder = open_file (&place, FALSE, &error);
  g_assert_nonnull (decoder);
  g_assert_cmpuint (read_all (decoder, NULL), ==, 3999);
  place_clear (&place);
}

static void
test_rates_and_channels (void)
{
  static const struct
  {
    int rate_hz, channels;
    guint out_hz; /* 0: refused */
  } rows[] = {
    { 3999, 1, 0 },      { 4000, 1, 8000 },   { 8000, 8, 8000 },    { 8001, 1, 16000 },  { 11025, 3, 16000 },
    { 16000, 1, 16000 }, { 16001, 2, 48000 }, { 22050, 2, 48000 },  { 32000, 6, 48000 }, { 48000, 8, 48000 },
    { 48000, 9, 0 },     { 88200, 2, 48000 }, { 192000, 8, 48000 }, { 192001, 1, 0 },    { 384000, 1, 0 },
  };
  Place place;

  place_init (&place);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *error = NULL;
      g_autoptr (MediaFileDecoder) decoder = NULL;
      g_autoptr (GArray) pcm = g_array_new (FALSE, FALSE, sizeof (gint16));
      gint peak = 0;

      write_tone (&place, rows[i].rate_hz, rows[i].channels, PLAIN_WAV, (gsize)rows[i].rate_hz / 2);
      decoder = open_file (&place, FALSE, &error);
      g_assert_cmpint (decoder != NULL, ==, rows[i].out_hz != 0);
      if (decoder == NULL)
        {
          g_assert_nonnull (strstr (error, "at most 8 channels at 4000 to 192000 Hz"));
          continue;
        }
      g_assert_cmpuint (media_file_decoder_rate_hz (decoder), ==, rows[i].out_hz);
      g_assert_cmpuint (read_all (decoder, pcm), >, rows[i].out_hz / 2 - rows[i].out_hz / 50);
      g_assert_cmpuint (pcm->len, <=, rows[i].out_hz / 2 + 1);
      for (guint k = pcm->len / 2; k < pcm->len; k++)
        peak = MAX (peak, ABS (g_array_index (pcm, gint16, k)));
      g_assert_cmpint (peak, >, 7400);
      g_assert_cmpint (peak, <, 9000);
    }
  place_clear (&place);
}

static void
test_beyond_full_scale (void)
{
  static const float values[] = { 0.5f, 3, -3, NAN, INFINITY, -INFINITY, -0.25f };
  static const gint16 heard[] = { 16384, G_MAXINT16, G_MININT16, 0, G_MAXINT16, G_MININT16, -8192 };
  g_autoptr (GArray) pcm = g_array_new (FALSE, FALSE, sizeof (gint16));
  g_autoptr (MediaFileDecoder) decoder = NULL;
  g_autofree char *error = NULL;
  Place place;

  place_init (&place);
  write_file (&place, 8000, 1, SF_FORMAT_WAV | SF_FORMAT_FLOAT, values, G_N_ELEMENTS (values));
  decoder = open_file (&place, FALSE, &error);
  g_assert_nonnull (decoder);
  g_assert_cmpuint (read_all (decoder, pcm), ==, G_N_ELEMENTS (heard));
  for (guint i = 0; i < G_N_ELEMENTS (heard); i++)
    g_assert_cmpint (g_array_index (pcm, gint16, i), ==, heard[i]);
  place_clear (&place);
}

/* What loops has each of its samples in its place; of a few samples alone whole chunks come, so that nobody
 * seeks in a file for each. */
static void
test_short_loops (void)
{
  static const gsize lengths[] = { 1, 3, 160, 4095, 4096, 4097, 9000 };
  Place place;

  place_init (&place);
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      const gsize length = lengths[i];
      g_autofree float *samples = g_new (float, length);
      g_autoptr (MediaFileDecoder) decoder = NULL;
      g_autofree char *error = NULL;
      gint16 pcm[MEDIA_FILE_DECODER_SAMPLES_MAX];
      gsize at = 0;

      for (gsize k = 0; k < length; k++)
        samples[k] = (float)(k + 1) / 32768;
      write_file (&place, 8000, 1, PLAIN_WAV, samples, length);
      decoder = open_file (&place, TRUE, &error);
      g_assert_nonnull (decoder);
      for (guint round = 0; round < 12; round++)
        {
          const gsize n = media_file_decoder_read (decoder, pcm);

          g_assert_cmpuint (n, >, 0);
          if (round > 1 && length <= 4096)
            g_assert_cmpuint (n, ==, 4096);
          for (gsize k = 0; k < n; k++, at++)
            g_assert_cmpint (pcm[k], ==, (gint16)(at % length + 1));
        }
    }
  place_clear (&place);
}

/* A file of a header alone has nothing to begin anew with. */
static void
test_nothing_to_loop (void)
{
  Place place;

  place_init (&place);
  for (guint f = 0; f < G_N_ELEMENTS (formats); f++)
    {
      g_autofree char *error = NULL;
      g_autoptr (MediaFileDecoder) decoder = NULL;

      write_tone (&place, 16000, 1, formats[f], 0);
      decoder = open_file (&place, TRUE, &error);
      if (decoder != NULL)
        g_assert_cmpuint (read_all (decoder, NULL), <, SAMPLES_MAX);
      else
        g_assert_nonnull (error);
    }
  place_clear (&place);
}

/* In words of its own: the library's are those of whatever file of the process failed last. */
static void
test_refused_in_words (void)
{
  static const struct
  {
    const char *data, *error;
  } cases[] = { { "", "the file is empty" },
                { "No audio at all, but a file of text.", "the file is no audio that can be read" },
                { "RIFF\x04\x00\x00\x00WAVE", "the file is no audio that can be read" } };
  Place place;

  place_init (&place);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (cases); i++)
    {
      const char *data = cases[i / 2].data;
      const gsize size = data[0] == 'R' ? 12 : strlen (data);
      g_autoptr (GBytes) bytes = g_bytes_new (data, size);
      const MediaFileSource memory = { .bytes = bytes };
      g_autofree char *error = NULL;

      g_assert_true (g_file_set_contents (place.path, data, (gssize)size, NULL));
      g_assert_null (i % 2 ? media_file_decoder_new (&memory, &error) : open_file (&place, FALSE, &error));
      g_assert_true (g_str_has_prefix (error, cases[i / 2].error));
    }
  place_clear (&place);
}

/* What the disk does not give is no end, and is not begun anew. */
static void
test_disk_gives_an_error (void)
{
  Place place;

  place_init (&place);
  for (guint loop = 0; loop < 2; loop++)
    {
      g_autoptr (MediaFileDecoder) decoder = NULL;
      g_autofree char *error = NULL;
      gint16 pcm[MEDIA_FILE_DECODER_SAMPLES_MAX];
      int folder, fd;

      write_tone (&place, 8000, 1, PLAIN_WAV, 40000);
      folder = open (place.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
      close (fd); /* the next one: the decoder's */
      decoder = open_file (&place, loop == 1, &error);
      g_assert_nonnull (decoder);
      g_assert_cmpuint (media_file_decoder_read (decoder, pcm), ==, 4096);
      g_assert_null (media_file_decoder_error (decoder));
      g_assert_cmpint (dup2 (folder, fd), ==, fd); /* no read gives anything of a directory but an error */
      g_assert_cmpuint (media_file_decoder_read (decoder, pcm), ==, 0);
      g_assert_nonnull (media_file_decoder_error (decoder));
      close (folder);
    }
  place_clear (&place);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/media/file_decoder/cut_off_and_damaged", test_cut_off_and_damaged);
  g_test_add_func ("/media/file_decoder/cut_off_is_played", test_cut_off_is_played);
  g_test_add_func ("/media/file_decoder/rates_and_channels", test_rates_and_channels);
  g_test_add_func ("/media/file_decoder/beyond_full_scale", test_beyond_full_scale);
  g_test_add_func ("/media/file_decoder/short_loops", test_short_loops);
  g_test_add_func ("/media/file_decoder/nothing_to_loop", test_nothing_to_loop);
  g_test_add_func ("/media/file_decoder/refused_in_words", test_refused_in_words);
  g_test_add_func ("/media/file_decoder/disk_gives_an_error", test_disk_gives_an_error);
  return g_test_run ();
}

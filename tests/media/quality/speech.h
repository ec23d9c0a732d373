/* Speech for measurements: spoken by espeak-ng where that is installed, else made of tones in the rhythm of
 * speech; always the same. And mono sound files. */
#pragma once

#include <glib.h>

typedef struct
{
  guint rate_hz;
  gsize n;
  gint16 *pcm;
} TestSpeech;

/** test_speech_new: about twelve seconds at @rate_hz. @spoken: (out) (nullable): by espeak-ng. */
TestSpeech *test_speech_new (guint rate_hz, gboolean *spoken);
/** test_speech_read: the first channel of a sound file, converted to @rate_hz. NULL with @error. */
TestSpeech *test_speech_read (const char *path, guint rate_hz, char **error);
/** test_speech_write: a WAV file. */
gboolean test_speech_write (const TestSpeech *speech, const char *path);
/** test_speech_convert: to @rate_hz; a long windowed sinc, for tests only. */
TestSpeech *test_speech_convert (const gint16 *pcm, gsize n, guint from_hz, guint to_hz);
void test_speech_free (TestSpeech *speech);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestSpeech, test_speech_free)

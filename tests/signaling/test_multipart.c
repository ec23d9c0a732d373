/* A session description among the parts of a body. */
#include "signaling/core/multipart.h"

#include <string.h>

#define SDP                 "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n"
#define PART(headers, text) "--b\r\n" headers "\r\n" text "\r\n"
#define SDP_PART            PART ("Content-Type: application/sdp\r\n", SDP)
#define END                 "--b--\r\n"

static void
check (const char *body, const char *boundary, const char *expected)
{
  /* exactly so many bytes: reading on is found by the sanitizer */
  gsize length = strlen (body);
  g_autofree char *exact = g_memdup2 (body, length);
  const char *part = NULL;
  gsize part_length = 0;

  if (!sig_multipart_find (exact, length, boundary, "application/sdp", &part, &part_length))
    {
      g_assert_null (expected);
      return;
    }
  g_autofree char *found = g_strndup (part, part_length);
  g_assert_cmpstr (found, ==, expected);
}

static void
test_found (void)
{
  check (SDP_PART END, "b", SDP);
  check (SDP_PART END, "\"b\"", SDP);
  check ("a preamble\r\n" SDP_PART END "an epilogue", "b", SDP);
  check (SDP_PART PART ("Content-Type: application/isup;version=itu-t92+\r\n", "\x01\x02") END, "b", SDP);
  check (PART ("Content-Type: application/pidf+xml\r\nContent-ID: <a@b>\r\n"
               "Content-Disposition: by-reference;handling=optional\r\n",
               "<presence/>") SDP_PART END,
         "b", SDP);
  check (PART ("content-type : Application/SDP ; charset=utf-8\r\nContent-Disposition: session; "
               "handling=required\r\n",
               SDP) END,
         "b", SDP);
  check ("--b\nContent-Type: application/sdp\n\nv=0\no=x\n--b--", "b", "v=0\no=x");
  check ("--b  \r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b-- ", "b", "v=0");
  check (PART ("Content-Type: application/sdp\r\n", "") END, "b", "");
  check (PART ("Content-Type: application/sdp\r\n", "--bb\r\n-b") END, "b", "--bb\r\n-b");
  check (SDP_PART PART ("Content-Type: application/sdp\r\n", "another") END, "b", SDP);
}

static void
test_not_found (void)
{
  const char *part = NULL;
  gsize length = 0;

  check ("", "b", NULL);
  check ("--b", "b", NULL);
  check ("--b--", "b", NULL);
  check (END, "b", NULL);
  check (SDP_PART, "b", NULL); /* cut off */
  check (SDP_PART END, "c", NULL);
  check (SDP_PART END, "", NULL);
  check (SDP_PART END, "\"\"", NULL);
  check (SDP_PART END, "\"", NULL);
  check (PART ("", SDP) END, "b", NULL);
  check (PART ("Content-Type: text/plain\r\n", SDP) END, "b", NULL);
  check ("--b\r\nContent-Type: application/sdp\r\n" END, "b", NULL);
  check (PART ("Content-Type: application/sdpx\r\n", SDP) END, "b", NULL);
  check (PART ("Content-Type: application/sdp\r\nContent-Transfer-Encoding: base64\r\n", "dj0w") END, "b",
         NULL);
  /* what must be understood and is not (RFC 5621 8) */
  check (SDP_PART PART (
             "Content-Type: application/x-key\r\nContent-Disposition: key; handling = Required\r\n", "k") END,
         "b", NULL);
  g_autofree char *long_boundary = g_strnfill (71, 'b');
  g_assert_false (sig_multipart_find ("--b", 3, long_boundary, "application/sdp", &part, &length));

  g_autoptr (GString) many = g_string_new (NULL);
  for (guint i = 0; i < SIG_MULTIPART_MAX_PARTS; i++)
    g_string_append (many, PART ("Content-Type: text/plain\r\n", "x"));
  g_autofree char *enough = g_strconcat (many->str, END, NULL);
  check (enough, "b", NULL);
  g_string_append (many, SDP_PART END);
  check (many->str, "b", NULL);
}

/* Any bytes: nothing is read beyond them, and what is found lies within them. */
static void
test_any_bytes (void)
{
  static const char alphabet[] = "-b\r\n:; =CT/";
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  static const char body[] = SDP_PART PART ("Content-Type: text/plain\r\n", "x") END;

  for (guint i = 0; i < 20000; i++)
    {
      gsize length = (gsize)g_rand_int_range (random, 0, (gint32)sizeof body);
      g_autofree char *bytes = g_memdup2 (body, length > 0 ? length : 1);
      const char *part = NULL;
      gsize part_length = 0;

      for (guint change = 0; length > 0 && change < i % 4; change++)
        bytes[g_rand_int_range (random, 0, (gint32)length)]
            = alphabet[g_rand_int_range (random, 0, (gint32)sizeof alphabet - 1)];
      if (sig_multipart_find (bytes, length, "b", "application/sdp", &part, &part_length))
        g_assert_true (part >= bytes && part + part_length <= bytes + length);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signaling/multipart/found", test_found);
  g_test_add_func ("/signaling/multipart/not_found", test_not_found);
  g_test_add_func ("/signaling/multipart/any_bytes", test_any_bytes);
  return g_test_run ();
}

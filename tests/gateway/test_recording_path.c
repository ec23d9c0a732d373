/* Names of recordings: nothing of a room's name or a request leads out of the directory. */
#include <glib.h>
#include <string.h>

#include "config/base/error.h"
#include "gateway/core/recording_path.h"

/* 2026-11-21 07:05:09 UTC */
static const CfgWall at = { (gint64)1795244709 * CFG_US_PER_S };

typedef struct
{
  const char *template, *room, *identity, *expected; /* NULL: refused */
} Case;

static void
test_paths (void)
{
  static const Case cases[] = {
    { "{date}/{room}-{time}", "hall", NULL, "2026-11-21/hall-07-05-09.ogg" },
    { "{room}/{identity}_{id}", "hall", "sip_+15550001", "hall/sip_+15550001_RC_1.ogg" },
    { "{identity}", "hall", NULL, "all.ogg" },
    { "plain", "hall", NULL, "plain.ogg" },
    { "plain.ogg", "hall", NULL, "plain.ogg" },
    { "a b/ü.x", "hall", NULL, "a b/ü.x.ogg" },
    { "{room}", "../../etc/passwd", NULL, "_._.._etc_passwd.ogg" },
    { "{room}", "..", NULL, "_..ogg" },
    { "x/{room}/y", "..", NULL, "x/_./y.ogg" },
    { "{room}", ".hidden", NULL, "_hidden.ogg" },
    { "{room}{room}", "..", NULL, "_....ogg" },
    { "{room}", "a/b\\c\nd", NULL, "a_b_c_d.ogg" },
    { "{room}", "Grüße", NULL, "Gr____e.ogg" },
    { "{room}", "{date}", NULL, "_date_.ogg" },
    { "{room}", "", NULL, "_.ogg" },
    { "", "hall", NULL, NULL },
    { "/etc/x", "hall", NULL, NULL },
    { "../x", "hall", NULL, NULL },
    { "a/../x", "hall", NULL, NULL },
    { "a/./x", "hall", NULL, NULL },
    { "a//x", "hall", NULL, NULL },
    { "a/", "hall", NULL, NULL },
    { ".x", "hall", NULL, NULL },
    { "a\\..\\x", "hall", NULL, NULL },
    { "a\tb", "hall", NULL, NULL },
    { "{rom}", "hall", NULL, NULL },
    { "{room", "hall", NULL, NULL },
    { "room}", "hall", NULL, NULL },
    { "{{room}}", "hall", NULL, NULL },
    { "{}", "hall", NULL, NULL },
    { "a/b/c/d/e/f/g/h/i", "hall", NULL, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const GwRecordingFacts facts
          = { .room = cases[i].room, .identity = cases[i].identity, .id = "RC_1", .at = at };
      g_autoptr (GError) error = NULL;
      g_autofree char *path = gw_recording_path (cases[i].template, &facts, "ogg", &error);

      g_test_message ("%s", cases[i].template);
      g_assert_cmpstr (path, ==, cases[i].expected);
      if (path == NULL)
        g_assert_error (error, CFG_ERROR, CFG_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_long_names (void)
{
  g_autofree char *room = g_strnfill (256, 'x');
  const GwRecordingFacts facts = { .room = room, .id = "RC_1", .at = at };
  g_autofree char *path = gw_recording_path ("{room}-{room}", &facts, "wav", NULL);

  g_assert_cmpuint (strlen (path), ==, 80 + 1 + 80 + 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gateway/recording_path/paths", test_paths);
  g_test_add_func ("/gateway/recording_path/long_names", test_long_names);
  return g_test_run ();
}

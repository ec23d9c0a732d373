/* Runs a fuzz target without a fuzzer, always in the same way: seeds, recorded inputs, mutations. When one of
 * them ends the process, its input stands in the file that the message before names (FUZZ_INPUT_DIR, or the
 * directory for temporary files). */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_ROUNDS  3000
#define MAX_INPUT_BYTES (64 * 1024)

static GPtrArray *seeds; /* of GByteArray */

/* The input that is running, for the crash handler. */
static const guint8 *current_data;
static gsize current_size;
static char current_path[512];

/* Of the sanitizers' run time, where there is one: it ends the process without a signal. */
extern void __sanitizer_set_death_callback (void (*callback) (void)) __attribute__ ((weak));

/* Only what may be called in a signal handler. */
static void
save_current (void)
{
  static const char message[] = "\n# the input is kept in ";
  int fd = open (current_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

  if (fd >= 0 && write (fd, current_data, current_size) == (gssize)current_size
      && write (STDERR_FILENO, message, sizeof message - 1) > 0
      && write (STDERR_FILENO, current_path, strlen (current_path)) > 0 && write (STDERR_FILENO, "\n", 1) > 0)
    close (fd);
}

static void
on_signal (int signal_number)
{
  save_current ();
  signal (signal_number, SIG_DFL);
  raise (signal_number);
}

static void
run_input (const guint8 *data, gsize size)
{
  /* A copy of exactly this size: a read too far is then outside of it. */
  guint8 *copy = g_malloc (MAX (size, 1));

  if (size > 0)
    memcpy (copy, data, size);
  current_data = copy;
  current_size = size;
  fuzz_target.run (copy, size);
  current_size = 0;
  g_free (copy);
}

static void
add_seed (const void *data, gsize size)
{
  GByteArray *seed = g_byte_array_new ();

  g_byte_array_append (seed, data, (guint)size);
  g_ptr_array_add (seeds, seed);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* Calls @take with each file of @directory whose name ends with @suffix, in the order of names. */
static guint
each_file (const char *directory, const char *suffix, void (*take) (const void *data, gsize size))
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, suffix))
      g_ptr_array_add (names, g_build_filename (directory, name, NULL));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *content = NULL;
      gsize size;

      g_assert_true (g_file_get_contents (names->pdata[i], &content, &size, NULL));
      g_test_message ("%s", (const char *)names->pdata[i]);
      take (content, size);
    }
  return names->len;
}

static void
run_seeds (void)
{
  for (guint i = 0; i < seeds->len; i++)
    {
      const GByteArray *seed = seeds->pdata[i];

      run_input (seed->data, seed->len);
    }
  run_input (NULL, 0);
}

static void
run_recorded (const void *data, gsize size)
{
  run_input (data, size);
}

static void
run_corpus (void)
{
  const char *directory = g_getenv ("FUZZ_CORPUS_DIR");
  g_autofree char *own = NULL;

  if (directory == NULL)
    {
      g_test_skip ("FUZZ_CORPUS_DIR is not set");
      return;
    }
  own = g_build_filename (directory, fuzz_target.name, NULL);
  each_file (own, "", run_recorded);
}

/* --- mutations ----------------------------------------------------------------------------------------- */

static guint
below (GRand *random, guint limit)
{
  return limit > 1 ? (guint)g_rand_int_range (random, 0, (gint32)limit) : 0;
}

/* From 1 to @limit, but no more than there is. A function, since MIN() would throw the dice twice. */
static guint
length_below (GRand *random, guint limit, guint available)
{
  guint length = 1 + below (random, limit);

  return MIN (length, available);
}

static void
insert (GByteArray *input, guint at, const void *data, guint size)
{
  guint tail = input->len - at;

  g_byte_array_set_size (input, input->len + size);
  memmove (input->data + at + size, input->data + at, tail);
  memcpy (input->data + at, data, size);
}

static void
set_boundary (GRand *random, GByteArray *input, guint at)
{
  static const guint8 values[] = { 0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff, 0x20, 0x0a, '0', '9' };
  guint n = length_below (random, 4, input->len - at);

  memset (input->data + at, values[below (random, G_N_ELEMENTS (values))], n);
}

static void
insert_word (GRand *random, GByteArray *input, guint at)
{
  static const char *const numbers[] = { "0", "-1", "65535", "65536", "4294967296", "99999999999999999999" };
  const char *word;

  if (fuzz_target.words != NULL && below (random, 4) > 0)
    word = fuzz_target.words[below (random, g_strv_length ((char **)fuzz_target.words))];
  else
    word = numbers[below (random, G_N_ELEMENTS (numbers))];
  insert (input, at, word, (guint)strlen (word));
}

static void
splice_seed (GRand *random, GByteArray *input, guint at)
{
  const GByteArray *other = seeds->pdata[below (random, seeds->len)];
  guint from = below (random, other->len);
  guint n = length_below (random, 200, other->len - from);

  if (n > 0 && other->len > 0)
    insert (input, at, other->data + from, n);
}

static void
repeat_piece (GRand *random, GByteArray *input, guint at)
{
  guint n = length_below (random, 64, input->len - at);
  guint8 piece[64];

  memcpy (piece, input->data + at, n);
  for (guint i = 1 + below (random, 20); i > 0; i--)
    insert (input, at, piece, n);
}

static void
mutate (GRand *random, GByteArray *input)
{
  guint at = below (random, input->len);
  guint8 byte = (guint8)below (random, 256);

  if (input->len == 0)
    {
      g_byte_array_append (input, &byte, 1);
      return;
    }
  switch (below (random, 9))
    {
    case 0:
      input->data[at] = (guint8)(input->data[at] ^ 1 << below (random, 8));
      break;
    case 1:
      input->data[at] = byte;
      break;
    case 2:
      set_boundary (random, input, at);
      break;
    case 3:
      g_byte_array_remove_range (input, at, length_below (random, 40, input->len - at));
      break;
    case 4:
      insert (input, at, &byte, 1);
      break;
    case 5:
      insert_word (random, input, at);
      break;
    case 6:
      splice_seed (random, input, at);
      break;
    case 7:
      repeat_piece (random, input, at);
      break;
    default:
      g_byte_array_set_size (input, at);
    }
}

static void
run_mutations (void)
{
  guint rounds = fuzz_target.rounds != 0 ? fuzz_target.rounds : DEFAULT_ROUNDS;
  GRand *random = g_rand_new_with_seed (4028);

  for (guint round = 0; round < rounds; round++)
    {
      const GByteArray *seed = seeds->pdata[below (random, seeds->len)];
      g_autoptr (GByteArray) input = g_byte_array_new ();

      g_byte_array_append (input, seed->data, seed->len);
      /* Mostly a few changes, so that the deeper checks are reached; sometimes many. */
      for (guint n = 1 + below (random, below (random, 8) == 0 ? 40 : 4);
           n > 0 && input->len < MAX_INPUT_BYTES; n--)
        mutate (random, input);
      run_input (input->data, input->len);
    }
  g_rand_free (random);
}

static void
catch_crashes (void)
{
  static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
  const char *directory = g_getenv ("FUZZ_INPUT_DIR");

  g_snprintf (current_path, sizeof current_path, "%s/fuzz-%s-%d",
              directory != NULL ? directory : g_get_tmp_dir (), fuzz_target.name, (int)getpid ());
  signal (SIGABRT, on_signal);
  if (__sanitizer_set_death_callback != NULL)
    __sanitizer_set_death_callback (save_current);
  else
    for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
      signal (signals[i], on_signal);
}

static void
read_seeds (void)
{
  const char *directory = g_getenv ("FUZZ_SEED_DIR");

  for (gsize i = 0; i < fuzz_target.n_seeds; i++)
    add_seed (fuzz_target.seeds[i].data, fuzz_target.seeds[i].size);
  if (fuzz_target.seed_glob != NULL && directory != NULL)
    g_assert_cmpuint (each_file (directory, fuzz_target.seed_glob, add_seed), >, 0);
  if (fuzz_target.more_seeds != NULL)
    fuzz_target.more_seeds (add_seed);
}

/* So that libFuzzer starts from them too. */
static int
write_seeds (const char *directory)
{
  for (guint i = 0; i < seeds->len; i++)
    {
      const GByteArray *seed = seeds->pdata[i];
      g_autofree char *name = g_strdup_printf ("%s/seed-%u", directory, i);

      if (!g_file_set_contents (name, (const char *)seed->data, (gssize)seed->len, NULL))
        return 1;
    }
  return 0;
}

int
main (int argc, char **argv)
{
  g_autofree char *seeds_path = g_strdup_printf ("/fuzz/%s/seeds", fuzz_target.name);
  g_autofree char *corpus_path = g_strdup_printf ("/fuzz/%s/corpus", fuzz_target.name);
  g_autofree char *mutations_path = g_strdup_printf ("/fuzz/%s/mutations", fuzz_target.name);
  int status;

  seeds = g_ptr_array_new_with_free_func ((GDestroyNotify)g_byte_array_unref);
  g_test_init (&argc, &argv, NULL);
  read_seeds ();
  if (argc == 3 && strcmp (argv[1], "--write-seeds") == 0)
    {
      status = write_seeds (argv[2]);
      g_ptr_array_unref (seeds);
      return status;
    }
  catch_crashes ();
  g_test_add_func (seeds_path, run_seeds);
  g_test_add_func (corpus_path, run_corpus);
  g_test_add_func (mutations_path, run_mutations);
  status = g_test_run ();
  g_ptr_array_unref (seeds);
  return status;
}

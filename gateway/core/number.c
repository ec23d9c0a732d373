#include "gateway/core/number.h"

#include <string.h>

#define MAX_DIGITS   40 /* longer ones are names */
#define TAIL_DIGITS  5  /* of a hundred thousand numbers one has them */
#define MAX_COUNTRY  3  /* digits of a country's code (E.164 6.2.1) */
#define SEPARATORS   " -.()/"
#define CODE_DIGITS  "0123456789*#" /* *43: a service */
#define OMITTED_ZERO "(0)"          /* +49 (0)30: not dialled from abroad */

/* The digits alone, without what stands for "a country's code follows". */
typedef struct
{
  char digits[MAX_DIGITS + 1];
  gsize n;
  gboolean is_number;
} Number;

/* Behind a separator, if there is one; else @at. */
static const char *
skip_separator (const char *at)
{
  if (*at != '\0' && strchr (SEPARATORS, *at) != NULL)
    return at + 1;
  return strncmp (at, "\u00a0", 2) == 0 ? at + 2 : at; /* a space that does not break, off a web page */
}

/* @len: bytes of @text */
static Number
number_of (const char *text, gsize len)
{
  const char *const end = text + len;
  Number number = { .is_number = FALSE };
  gboolean is_abroad = FALSE, has_digit = FALSE;

  while (text < end && skip_separator (text) != text)
    text = skip_separator (text);
  if (text < end && *text == '+')
    is_abroad = *text++ == '+';
  else if (end - text > 2 && strncmp (text, "00", 2) == 0)
    {
      is_abroad = TRUE;
      text += 2;
    }
  while (text < end)
    {
      const char *next = skip_separator (text);

      if (is_abroad && number.n > 0 && g_str_has_prefix (text, OMITTED_ZERO))
        text += strlen (OMITTED_ZERO);
      else if (next != text)
        text = next;
      else if (strchr (CODE_DIGITS, *text) == NULL || number.n == MAX_DIGITS)
        return number;
      else
        {
          has_digit = has_digit || g_ascii_isdigit (*text);
          number.digits[number.n++] = *text++;
        }
    }
  number.is_number = has_digit;
  return number;
}

static char *
tail_of (const Number *number, const char *text)
{
  if (!number->is_number)
    return g_strdup (text);
  return g_strdup (number->digits + (number->n > TAIL_DIGITS ? number->n - TAIL_DIGITS : 0));
}

char *
gw_number_tail (const char *text)
{
  const Number number = number_of (text, strlen (text));

  return tail_of (&number, text);
}

char *
gw_number_wanted_tail (const char *wanted)
{
  const gsize len = strlen (wanted);
  Number number;

  if (g_str_has_suffix (wanted, "*"))
    return NULL;
  if (*wanted != '*')
    return gw_number_tail (wanted);
  number = number_of (wanted + 1, len - 1);
  return number.is_number && number.n >= TAIL_DIGITS ? tail_of (&number, wanted) : NULL;
}

/* @national: with its 0; @other: with a country's code */
static gboolean
is_at_home (const Number *national, const Number *other)
{
  const gsize n = national->n - 1;

  return national->digits[0] == '0' && national->digits[1] != '0' && n >= TAIL_DIGITS
         && other->digits[0] != '0' && other->n > n && other->n <= n + MAX_COUNTRY
         && strcmp (other->digits + other->n - n, national->digits + 1) == 0;
}

static gboolean
part_fits (const char *part, gsize n, gboolean any_before, gboolean any_behind, const char *text, gsize len)
{
  if (any_before && any_behind)
    return g_strstr_len (text, (gssize)len, part) != NULL;
  return n <= len && memcmp (any_before ? text + len - n : text, part, n) == 0;
}

/* @wanted: with a `*` at one end or both */
static gboolean
pattern_fits (const char *wanted, const char *text)
{
  const gboolean any_before = *wanted == '*';
  const char *begin = wanted + any_before;
  const gboolean any_behind = g_str_has_suffix (begin, "*");
  g_autofree char *part = g_strndup (begin, strlen (begin) - any_behind);
  const Number number = number_of (part, strlen (part)), other = number_of (text, strlen (text));

  if (number.is_number && other.is_number)
    return part_fits (number.digits, number.n, any_before, any_behind, other.digits, other.n);
  /* Looked for by gw_number_wanted_tail: among numbers, not among names that end so. */
  if (any_before && !any_behind && number.is_number && number.n >= TAIL_DIGITS)
    return FALSE;
  return part_fits (part, strlen (part), any_before, any_behind, text, strlen (text));
}

gboolean
gw_number_fits (const char *wanted, const char *text)
{
  Number number, other;

  if (text == NULL)
    return FALSE;
  if (strcmp (wanted, text) == 0)
    return TRUE;
  if (*wanted == '*' || g_str_has_suffix (wanted, "*"))
    return pattern_fits (wanted, text);
  number = number_of (wanted, strlen (wanted));
  other = number_of (text, strlen (text));
  return number.is_number && other.is_number
         && (strcmp (number.digits, other.digits) == 0 || is_at_home (&number, &other)
             || is_at_home (&other, &number));
}

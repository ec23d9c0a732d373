#include "signaling/sip/repair.h"

#include <sofia-sip/bnf.h>
#include <sofia-sip/msg_header.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/su_alloc.h>

#include <dlfcn.h>
#include <glib.h>
#include <string.h>

#define EXPORTED __attribute__ ((visibility ("default")))

/* RFC 3261 25.1 */
static gsize
token_length (const char *s)
{
  gsize n = 0;

  while (g_ascii_isalnum (s[n]) || (s[n] != '\0' && strchr ("-.!%*_+`'~", s[n]) != NULL))
    n++;
  return n;
}

/* ---- the first line of a request ---- */

/* @line: METHOD, something, SIP/x.y. What is between the two is no URI of any kind, or the method has a name
 * that the stack cannot read. */
static issize_t
read_line (sip_request_t *request, char *line)
{
  gsize method = token_length (line);
  char *uri, *version;

  g_strchomp (line);
  version = strrchr (line, ' ');
  if (method == 0 || line[method] != ' ' || version == NULL || version <= line + method
      || g_ascii_strncasecmp (version + 1, "SIP/", 4) != 0)
    return -1;
  line[method] = *version++ = '\0';
  uri = g_strstrip (line + method + 1);
  request->rq_method = MAX (sip_method_code (line), sip_method_unknown);
  request->rq_method_name = line;
  request->rq_version = version;
  if (*uri == '\0' || strpbrk (uri, " \t") != NULL || url_d (request->rq_url, uri) < 0)
    {
      memset (request->rq_url, 0, sizeof request->rq_url);
      request->rq_url->url_type = url_invalid;
      request->rq_url->url_scheme = "invalid";
    }
  return 0;
}

static issize_t
request_d (su_home_t *home, msg_header_t *header, char *line, isize_t length)
{
  char *copy = su_strndup (home, line, length);
  sip_request_t *request = (sip_request_t *)header;

  ((msg_common_t *)header)->h_class = sip_request_class;
  if (copy == NULL)
    return -1;
  if (sip_request_class->hc_parse (home, header, line, length) >= 0)
    return g_ascii_strncasecmp (request->rq_version, "SIP/", 4) == 0 ? 0 : -1; /* it takes HTTP as well */
  request->rq_method_name = request->rq_version = NULL;
  memset (request->rq_url, 0, sizeof request->rq_url);
  return read_line (request, copy);
}

int
sig_sip_repair_is_bad (const sip_request_t *request)
{
  return request->rq_url->url_type == url_invalid;
}

/* ---- CSeq of a method that the stack cannot read ---- */

static issize_t
cseq_d (su_home_t *home, msg_header_t *header, char *line, isize_t length)
{
  char *copy = su_strndup (home, line, length), *at = copy;
  sip_cseq_t *cseq = (sip_cseq_t *)header;

  ((msg_common_t *)header)->h_class = sip_cseq_class;
  if (copy == NULL || sip_cseq_class->hc_parse (home, header, line, length) >= 0)
    return copy != NULL ? 0 : -1;
  guint64 number = g_ascii_strtoull (copy, &at, 10);
  if (!g_ascii_isdigit (*copy) || number > G_MAXUINT32)
    return -1;
  cseq->cs_seq = (guint32)number;
  g_strstrip (at);
  if (*at == '\0' || at[token_length (at)] != '\0')
    return -1;
  cseq->cs_method = sip_method_unknown;
  cseq->cs_method_name = at;
  return 0;
}

/* ---- Via with separators that separate nothing ---- */

static gboolean
separates_nothing (const char *at)
{
  if (*at != ';' && *at != ',')
    return FALSE;
  at += 1 + strspn (at + 1, " \t\r\n");
  return *at == ';' || *at == ',' || *at == '\0';
}

static void
remove_empty_parts (char *line)
{
  gboolean quoted = FALSE;
  char *to = line;

  for (const char *at = line; *at != '\0'; at++)
    {
      if (*at == '"')
        quoted = !quoted;
      if (quoted || !separates_nothing (at))
        *to++ = *at;
    }
  *to = '\0';
}

static issize_t
via_d (su_home_t *home, msg_header_t *header, char *line, isize_t length)
{
  char *copy = su_strndup (home, line, length);
  sip_via_t *via = (sip_via_t *)header;

  ((msg_common_t *)header)->h_class = sip_via_class;
  if (copy == NULL || sip_via_class->hc_parse (home, header, line, length) >= 0)
    return copy != NULL ? 0 : -1;
  via->v_next = NULL;
  via->v_params = NULL;
  via->v_protocol = via->v_host = via->v_port = via->v_comment = NULL;
  remove_empty_parts (copy);
  return sip_via_class->hc_parse (home, header, copy, (isize_t)strlen (copy));
}

/* ---- where the stack finds them ---- */

/* The rows of a parser's table are compared by class when a header is added, so they stay as they are: others
 * are shown to who looks for a header by its name, which is what reading a message does. */
static struct msg_hclass_s request_class, cseq_class, via_class;
static msg_href_t cseq_row, via_row;
static GHashTable *parsers;

EXPORTED msg_href_t const *
msg_find_hclass (msg_mclass_t const *parser, char const *name, isize_t *length)
{
  static msg_href_t const *(*real) (msg_mclass_t const *, char const *, isize_t *);
  msg_href_t const *row;

  if (real == NULL)
    *(void **)&real = dlsym (RTLD_NEXT, "msg_find_hclass");
  g_assert (real != NULL);
  row = real (parser, name, length);
  if (row == NULL || (row->hr_class != sip_cseq_class && row->hr_class != sip_via_class) || parsers == NULL
      || !g_hash_table_contains (parsers, parser))
    return row;
  if (row->hr_class == sip_via_class)
    return &via_row;
  return &cseq_row;
}

void
sig_sip_repair_install (msg_mclass_t *parser)
{
  request_class = *sip_request_class;
  request_class.hc_parse = request_d;
  cseq_class = *sip_cseq_class;
  cseq_class.hc_parse = cseq_d;
  via_class = *sip_via_class;
  via_class.hc_parse = via_d;

  parser->mc_request->hr_class = &request_class;
  cseq_row = *msg_find_hclass (parser, "CSeq", NULL);
  cseq_row.hr_class = &cseq_class;
  via_row = *msg_find_hclass (parser, "Via", NULL);
  via_row.hr_class = &via_class;
  if (parsers == NULL)
    parsers = g_hash_table_new (NULL, NULL);
  g_hash_table_add (parsers, parser);
}

void
sig_sip_repair_clear (msg_mclass_t *parser)
{
  g_hash_table_remove (parsers, parser);
}

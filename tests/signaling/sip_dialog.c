/* The messages of the peer made of a socket. */
#include "tests/signaling/sip_harness.h"

#include <string.h>

static const char *
transport_parameter (const Wire *wire)
{
  return wire->secure != NULL ? ";transport=tls" : wire->is_tcp ? ";transport=tcp" : "";
}

void
wire_answer (Wire *wire, const char *status, const char *tag, const char *headers, const char *sdp)
{
  g_autofree char *via = wire_header (wire, "Via");
  g_autofree char *from = wire_header (wire, "From");
  g_autofree char *to = wire_header (wire, "To");
  g_autofree char *call_id = wire_header (wire, "Call-ID");
  g_autofree char *cseq = wire_header (wire, "CSeq");
  const char *with_tag = strstr (to, ";tag=") == NULL && tag != NULL ? tag : NULL;
  g_autofree char *text = g_strdup_printf (
      "SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s%s%s\r\nCall-ID: %s\r\nCSeq: %s\r\n"
      "Contact: <sip:wire@127.0.0.1:%u%s>\r\n%s%sContent-Length: %zu\r\n\r\n%s",
      status, via, from, to, with_tag != NULL ? ";tag=" : "", with_tag != NULL ? with_tag : "", call_id, cseq,
      wire->port, transport_parameter (wire), headers != NULL ? headers : "",
      sdp != NULL ? "Content-Type: application/sdp\r\n" : "", sdp != NULL ? strlen (sdp) : 0,
      sdp != NULL ? sdp : "");

  wire_send (wire, text);
}

/* -------------------------------------------------------------------- dialog */

static const char *
wire_host (const Wire *wire)
{
  return wire->is_ipv6 ? "[::1]" : "127.0.0.1";
}

Dialog *
dialog_new (Wire *wire)
{
  static guint n;
  Dialog *dialog = g_new0 (Dialog, 1);

  dialog->wire = wire;
  dialog->call_id = g_strdup_printf ("call-%u-%u", wire->n, ++n);
  dialog->target = g_strdup_printf ("sip:lobby@%s:%u", wire_host (wire), wire->remote_port);
  dialog->cseq = 100;
  return dialog;
}

void
dialog_free (Dialog *dialog)
{
  g_free (dialog->call_id);
  g_free (dialog->to_tag);
  g_free (dialog->target);
  g_free (dialog);
}

static void
add_default (GString *text, const char *headers, const char *name, const char *value)
{
  g_autofree char *start = g_strdup_printf ("%s:", name);
  g_autofree char *inner = g_strdup_printf ("\r\n%s:", name);

  if (headers != NULL && (g_str_has_prefix (headers, start) || strstr (headers, inner) != NULL))
    return;
  g_string_append_printf (text, "%s: %s\r\n", name, value);
}

void
dialog_request (Dialog *dialog, const char *method, const char *headers, const char *content_type,
                const char *body)
{
  Wire *wire = dialog->wire;
  GString *text = g_string_new (NULL);
  gboolean same_branch = g_str_equal (method, "CANCEL");
  gboolean same_cseq = same_branch || g_str_equal (method, "ACK");

  if (!same_cseq)
    dialog->cseq++;
  if (!same_branch)
    dialog->branch++;
  g_autofree char *via = g_strdup_printf ("SIP/2.0/%s %s:%u;branch=z9hG4bK-%s-%u;rport",
                                          wire->secure != NULL ? "TLS"
                                          : wire->is_tcp       ? "TCP"
                                                               : "UDP",
                                          wire_host (wire), wire->port, dialog->call_id, dialog->branch);
  g_autofree char *from
      = g_strdup_printf ("\"The \\\"Caller\\\"\" <sip:alice@%s>;tag=alice", wire_host (wire));
  g_autofree char *to
      = g_strdup_printf ("<sip:lobby@%s>%s%s", wire_host (wire), dialog->to_tag != NULL ? ";tag=" : "",
                         dialog->to_tag != NULL ? dialog->to_tag : "");
  g_autofree char *cseq = g_strdup_printf ("%u %s", dialog->cseq, method);
  g_autofree char *contact
      = g_strdup_printf ("<sip:alice@%s:%u%s>", wire_host (wire), wire->port, transport_parameter (wire));
  g_string_append_printf (text, "%s %s SIP/2.0\r\n", method, dialog->target);
  add_default (text, headers, "Via", via);
  add_default (text, headers, "From", from);
  add_default (text, headers, "To", to);
  add_default (text, headers, "Call-ID", dialog->call_id);
  add_default (text, headers, "CSeq", cseq);
  add_default (text, headers, "Max-Forwards", "70");
  if (!g_str_equal (method, "CANCEL") && !g_str_equal (method, "ACK") && !g_str_equal (method, "BYE"))
    add_default (text, headers, "Contact", contact);
  if (headers != NULL)
    g_string_append (text, headers);
  if (content_type != NULL)
    g_string_append_printf (text, "Content-Type: %s\r\n", content_type);
  g_string_append_printf (text, "Content-Length: %zu\r\n\r\n%s", body != NULL ? strlen (body) : 0,
                          body != NULL ? body : "");
  wire_send (wire, text->str);
  g_string_free (text, TRUE);
}

void
dialog_invite (Dialog *dialog, const char *sdp)
{
  dialog_request (dialog, "INVITE", NULL, sdp != NULL ? "application/sdp" : NULL, sdp);
}

void
dialog_learn (Dialog *dialog)
{
  g_autofree char *to = wire_header (dialog->wire, "To");
  g_autofree char *contact = wire_header (dialog->wire, "Contact");
  const char *tag = strstr (to, ";tag=");

  g_assert_nonnull (tag);
  g_free (dialog->to_tag);
  dialog->to_tag = g_strdup (tag + 5);
  if (contact != NULL)
    {
      char *end = strchr (contact, '>');
      g_assert_true (contact[0] == '<' && end != NULL);
      *end = '\0';
      g_free (dialog->target);
      dialog->target = g_strdup (contact + 1);
    }
}

void
dialog_ack (Dialog *dialog, const char *sdp)
{
  dialog_request (dialog, "ACK", NULL, sdp != NULL ? "application/sdp" : NULL, sdp);
}

/* The ACK of a refusal and the CANCEL repeat the branch and the target of their INVITE. */
void
dialog_cancel (Dialog *dialog)
{
  dialog_request (dialog, "CANCEL", NULL, NULL, NULL);
}

void
dialog_establish (Dialog *dialog)
{
  dialog_invite (dialog, OFFER);
  wire_expect (dialog->wire, "SIP/2.0 200");
  dialog_learn (dialog);
  dialog_ack (dialog, NULL);
}

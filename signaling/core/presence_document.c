#include "signaling/core/presence_document.h"

#include "signaling/core/xml.h"

char *
sig_presence_write (const SigPresence *presence)
{
  GString *out = g_string_new (SIG_XML_HEAD "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" "
                                            "xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" "
                                            "xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\"");

  sig_xml_attribute (out, "entity", presence->entity);
  g_string_append_printf (out, ">\n<tuple id=\"phone\"><status><basic>%s</basic></status>",
                          presence->is_available ? "open" : "closed");
  if (presence->is_available)
    sig_xml_element (out, "contact", presence->entity);
  sig_xml_element (out, "note", presence->note);
  sig_xml_element (out, "timestamp", presence->timestamp);
  g_string_append (out, "</tuple>\n");
  if (presence->is_busy)
    g_string_append (
        out,
        "<dm:person id=\"person\"><rpid:activities><rpid:on-the-phone/></rpid:activities></dm:person>\n");
  g_string_append (out, "</presence>\n");
  return g_string_free (out, FALSE);
}

static void
write_end (GString *out, const char *name, const char *uri, const char *display)
{
  if (uri == NULL)
    return;
  g_string_append_printf (out, "<%s><identity", name);
  if (display != NULL && *display != '\0')
    sig_xml_attribute (out, "display", display);
  g_string_append_c (out, '>');
  sig_xml_append (out, uri, 1024);
  g_string_append (out, "</identity><target");
  sig_xml_attribute (out, "uri", uri);
  g_string_append_printf (out, "/></%s>", name);
}

char *
sig_dialog_info_write (const char *entity, guint version, const SigDialogInfo *dialogs, gsize n)
{
  static const char *const states[] = { "trying", "early", "confirmed" };
  GString *out = g_string_new (SIG_XML_HEAD "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\"");

  g_string_append_printf (out, " version=\"%u\" state=\"full\"", version);
  sig_xml_attribute (out, "entity", entity);
  g_string_append (out, ">\n");
  for (gsize i = 0; i < MIN (n, SIG_DIALOG_INFO_MAX); i++)
    {
      const SigDialogInfo *dialog = &dialogs[i];

      g_string_append (out, "<dialog");
      sig_xml_attribute (out, "id", dialog->id);
      g_string_append_printf (out, " direction=\"%s\"><state>%s</state>",
                              dialog->is_initiator ? "initiator" : "recipient", states[dialog->state]);
      write_end (out, "local", dialog->local_uri, dialog->local_display);
      write_end (out, "remote", dialog->remote_uri, dialog->remote_display);
      g_string_append (out, "</dialog>\n");
    }
  g_string_append (out, "</dialog-info>\n");
  return g_string_free (out, FALSE);
}

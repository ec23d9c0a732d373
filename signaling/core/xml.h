/* Text for XML documents. Pure. */
#pragma once

#include <glib.h>

#define SIG_XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

/** sig_xml_append: @text (nullable) with what would be markup escaped, and what XML 1.0 cannot hold (control
 * characters, broken UTF-8) replaced, at most @max_bytes of it. Good inside of elements and attributes. */
void sig_xml_append (GString *out, const char *text, gsize max_bytes);
/** sig_xml_element: <name>text</name>; nothing for NULL. */
void sig_xml_element (GString *out, const char *name, const char *text);
/** sig_xml_attribute: name="text" with a space before; nothing for NULL. */
void sig_xml_attribute (GString *out, const char *name, const char *text);

/* The arguments of a method, key=value, as the JSON that the method's schema wants. */
#pragma once

#include <glib.h>
#include <jansson.h>

/**
 * ctl_params_add:
 * @params: (inout): an object
 * @schema: (nullable): the JSON Schema of the method's parameters
 * @argument: one of
 *   key=value    a value of the type that the schema gives key; else a text. A list is JSON, or its members
 *                with commas between them
 *   a.b=value    member b of the object a. Where a has members of any name, all that follows is its name
 *   key:=JSON    JSON, whatever the schema says
 *   key=@FILE    what is in FILE; key=@- standard input; key=@@text is the text "@text"
 *   @FILE        a JSON object with several parameters; @- standard input
 *
 * Returns: FALSE with CTL_ERROR_USAGE.
 */
gboolean ctl_params_add (json_t *params, const json_t *schema, const char *argument,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/** ctl_schema_allows: whether @schema (nullable) takes a value of JSON Schema's @type. */
gboolean ctl_schema_allows (const json_t *schema, const char *type);

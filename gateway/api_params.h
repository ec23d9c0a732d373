/* Request parameters against their table. Pure. */
#pragma once

#include "gateway/api.h"

/**
 * gw_params_check:
 * @table: (nullable): no parameters at all
 * @keys: (nullable): names that are taken too, with any value: the configuration checks those
 * @params: (inout): an object; aliases are renamed to the names of the table, null members of it removed
 * @field: (out) (nullable) (transfer full): the parameter that is wrong, as trunk or trunk.hostname
 *
 * Returns: FALSE with CFG_ERROR_INVALID_ARGUMENT: a required one is missing, one has the wrong type or range,
 * or one is unknown.
 */
gboolean gw_params_check (const GwParam *table, const CfgKey *keys, json_t *params, char **field,
                          GError **error);
/** gw_params_field_of: the parameter that an error of the method itself is about: @message begins with it and
 * ": ". (transfer full) (nullable) */
char *gw_params_field_of (const GwParam *table, const CfgKey *keys, const char *message);
/** gw_params_schema: the JSON Schema of @table and @keys (nullable). (transfer full) */
json_t *gw_params_schema (const GwParam *table, const CfgKey *keys);

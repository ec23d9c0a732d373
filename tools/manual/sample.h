/* What a request and its answer may look like, made of the tables of the API. */
#pragma once

#include "gateway/api.h"

/** sample_params: the required parameters of @method. (transfer full) */
json_t *sample_params (const GwMethod *method) G_GNUC_WARN_UNUSED_RESULT;
/** sample_fields: an object with the members that are always there. (transfer full) */
json_t *sample_fields (const GwField *fields) G_GNUC_WARN_UNUSED_RESULT;

#define SAMPLE_COLUMNS 118
/** sample_append: writes @value in lines of SAMPLE_COLUMNS where it can be broken. @value: (transfer full).
 */
void sample_append (GString *text, json_t *value);

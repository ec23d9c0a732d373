/* Lines that the stack's parser gives up on, and with them the message, although the standard wants them
 * answered (RFC 4475): for these this parser comes behind its own. */
#pragma once

#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/sip.h>

/** sig_sip_repair_install: @parser: a copy that is nobody else's. */
void sig_sip_repair_install (msg_mclass_t *parser);
/** sig_sip_repair_clear: before @parser is freed. */
void sig_sip_repair_clear (msg_mclass_t *parser);
/** sig_sip_repair_is_bad: the Request-URI of @request could not be read, and what is in its place means
 * nothing. */
int sig_sip_repair_is_bad (const sip_request_t *request);

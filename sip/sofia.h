/* SPDX-License-Identifier: MIT */
/*
 * sip/sofia.h - the library's headers, with our types behind its "magic"
 * pointers and without its own warnings.
 *
 * Owner:  nobody; declarations only.
 * Loop:   control, whatever of it is called.
 */
#ifndef RIPTIDE_SIP_SOFIA_H
#define RIPTIDE_SIP_SOFIA_H

struct network;
struct nuauser;
struct siploop_watch;

#define NUA_MAGIC_T struct network
#define NUA_HMAGIC_T struct nuauser
#define SU_WAKEUP_ARG_T struct siploop_watch
#define SU_ROOT_MAGIC_T void

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <sofia-sip/su.h>
#include <sofia-sip/su_wait.h>
#include <sofia-sip/su_log.h>
#include <sofia-sip/su_tagarg.h>
#include <sofia-sip/msg.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_buffer.h>
#include <sofia-sip/msg_mclass.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_extra.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/nua.h>
#include <sofia-sip/nua_tag.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/tport.h>
#include <sofia-sip/tport_tag.h>
#pragma GCC diagnostic pop

#endif

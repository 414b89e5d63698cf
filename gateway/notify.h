/* SPDX-License-Identifier: MIT */
/*
 * gateway/notify.h - word to the service manager (sd_notify(3)), without its
 * library: one datagram to $NOTIFY_SOCKET.
 *
 * Owner:  no state.
 * Loop:   any.
 */
#ifndef RIPTIDE_GATEWAY_NOTIFY_H
#define RIPTIDE_GATEWAY_NOTIFY_H

/* "READY=1", "STOPPING=1", ...  Nothing happens without a service manager. */
void notify_manager(const char *state);

#endif

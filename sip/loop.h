/* SPDX-License-Identifier: MIT */
/*
 * sip/loop.h - what sip/ needs of the control loop beyond base/loop.h.
 *
 * Owner:  siproot_loop_new() (sip/root.h); one a process.
 * Loop:   control.
 */
#ifndef RIPTIDE_SIP_LOOP_H
#define RIPTIDE_SIP_LOOP_H

struct loop;
struct su_root_s;

/* Sofia's root behind @loop; NULL if it is another kind of loop. */
struct su_root_s *siploop_root(const struct loop *loop);

/*
 * Every callback of the library begins with this: it opens the turn (reads
 * the clock) if this is the first one after the wait.
 */
void siploop_enter(struct loop *loop);

#endif

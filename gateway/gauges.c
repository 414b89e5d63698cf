/* SPDX-License-Identifier: MIT */
#include "gateway/gauges.h"

#include <stdio.h>

#include "base/metric.h"
#include "conf/conf.h"
#include "config.h"
#include "gateway/gateway.h"
#include "media/rtp_port.h"
#include "ript/ript.h"

static struct metric *party_gauge(const char *name, const char *kind,
				  const char *party, const char *help)
{
	char labels[160];

	snprintf(labels, sizeof(labels), "%s=\"%.120s\"", kind, party);
	return metric_gauge(name, labels, help);
}

static struct metric *port_gauge(const char *network, const char *state)
{
	char labels[200];

	snprintf(labels, sizeof(labels), "network=\"%.120s\",state=\"%s\"",
		 network, state);
	return metric_gauge("rtp_port_pairs", labels,
			    "Pairs of ports for RTP and RTCP.");
}

static void refresh_ports(const struct gateway *gw, unsigned index)
{
	const char *name = gw->conf->network[index].name;
	unsigned used, resting, unused;

	rtp_range_count(gw->range[index], &used, &resting, &unused);
	metric_gauge_set(port_gauge(name, "used"), used);
	metric_gauge_set(port_gauge(name, "resting"), resting);
	metric_gauge_set(port_gauge(name, "free"), unused);
}

void gauges_refresh(const struct gateway *gw)
{
	for (unsigned i = 0; i < gw->conf->network_cnt; i++)
		refresh_ports(gw, i);
	for (unsigned i = 0; i < gw->conf->trunk_cnt; i++)
		metric_gauge_set(party_gauge("trunk_up", "trunk",
					     gw->conf->trunk[i].name,
					     "Whether a trunk can be called."),
				 gw->trunk[i].up);
	for (unsigned i = 0; i < gw->conf->peer_cnt; i++) {
		const struct gw_peer *peer = &gw->peer[i];

		if (peer->ript)
			metric_gauge_set(
				party_gauge("peer_up", "peer",
					    peer->conf->name,
					    "Whether a RIPT peer can be "
					    "called."),
				peer->up &&
					!ript_peer_connection(peer->ript,
							      NULL));
	}
}

void gauges_make(const struct gateway *gw)
{
	metric_gauge_set(metric_gauge("build_info",
				      "version=\"" PACKAGE_VERSION "\"",
				      "The version that runs."), 1);
	gauges_refresh(gw);
}

/* SPDX-License-Identifier: MIT */
#include "riptcall/help.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "riptcall/fault.h"
#include "riptcall/refusal.h"

static const char overview[] =
	"usage: riptcall COMMAND [OPTION...]\n"
	"\n"
	"A RIPT endpoint for people and tests.\n"
	"\n"
	"  riptcall tgs               which terminal groups a provider offers\n"
	"  riptcall handler           register a handler there, list or delete\n"
	"  riptcall call NUMBER       place a call, play and record\n"
	"  riptcall serve             be a provider and answer calls\n"
	"\n"
	"riptcall COMMAND --help tells the options. Try it without anything "
	"else:\n"
	"  riptide init --lab lab\n"
	"  riptcall serve --lab lab/lab.json --play hello.wav &\n"
	"  riptcall call +14089520001 --lab lab/lab.json --record heard.wav\n"
	"\n"
	"Exit code: 0 the call went as asked, 1 it was refused or failed and "
	"the reason\nis printed, 2 the command line is wrong.\n";

static const char connection[] =
	"\n"
	"The provider:\n"
	"  --lab LAB.json         everything below, from `riptide init --lab`\n"
	"  --authority HOST:PORT  its name in URIs\n"
	"  --address IP:PORT      where that is; else by DNS\n"
	"  --ca FILE              who signed its certificate; else the "
	"system's CAs\n"
	"  --token-file FILE      bearer token\n"
	"  --tg URL               terminal group\n"
	"  --key FILE             key of the caller's number,\n"
	"  --cert FILE            its certificate,\n"
	"  --x5u URL              and where others find that\n"
	"\n"
	"  --json                 one JSON object on stdout, nothing else\n"
	"  -v, --verbose          log lines on stderr; twice: each message\n"
	"  --fault NAME           misbehave, for tests; --fault help lists "
	"them\n";

static const char media[] =
	"  --play FILE            sound file to play once\n"
	"  --record FILE          WAV of what is heard\n"
	"  --dtmf DIGITS          keys to press: 0-9 * # A-D, a comma waits\n"
	"  --cn N                 stay silent for N packets of comfort noise "
	"behind it,\n"
	"                         one every 2 s\n"
	"  --codec PCMU|PCMA      the only codec; else both are offered\n"
	"  --transport wt|byway   WebTransport (where both have it), or HTTP "
	"requests\n";

static const struct {
	const char *command;
	const char *text;
	bool media;
} texts[] = {
	{ "tgs",
	  "usage: riptcall tgs --lab LAB.json\n\n"
	  "Lists the terminal groups that the token opens, and where each "
	  "leads.\n",
	  false },
	{ "handler",
	  "usage: riptcall handler [--list | --delete ID] --lab LAB.json\n\n"
	  "Registers a handler at the terminal group and prints its URI.\n\n"
	  "  --list                 the handlers that are there\n"
	  "  --delete ID            remove one: last part of its URI\n",
	  false },
	{ "call",
	  "usage: riptcall call NUMBER [OPTION...] --lab LAB.json\n\n"
	  "Places a call, plays, presses, records, and hangs up half a "
	  "second after\nthe last of it; without anything to play, when the other "
	  "end does.\n\n"
	  "  --from NUMBER          the caller; else a number of the lab's "
	  "origins\n"
	  "  --seconds N            hang up N seconds after the answer\n",
	  true },
	{ "serve",
	  "usage: riptcall serve [OPTION...] --lab LAB.json\n\n"
	  "Is a RIPT provider with one terminal group and answers each "
	  "call.\n\n"
	  "  --ring N               ring N seconds before the answer\n"
	  "  --early                play while it rings\n"
	  "  --refuse HOW           " REFUSALS "\n"
	  "  --seconds N            hang up N seconds after the answer; else "
	  "the caller does\n"
	  "  --calls N              end after N calls\n"
	  "  --keepalive N          ask for a ping every N seconds\n"
	  "  --listen IP:PORT       UDP; else the lab's\n"
	  "  --server-cert FILE     certificate of the authority,\n"
	  "  --server-key FILE      its key\n"
	  "  --stir-ca FILE         who may vouch for callers\n",
	  true },
};

void help_print(const char *command)
{
	unsigned i;

	if (command && strcmp(command, "faults") == 0) {
		fault_print_list();
		return;
	}
	for (i = 0; command && i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i].command, command) != 0)
			continue;
		fputs(texts[i].text, stdout);
		if (texts[i].media)
			fputs(media, stdout);
		fputs(connection, stdout);
		return;
	}
	fputs(overview, stdout);
}

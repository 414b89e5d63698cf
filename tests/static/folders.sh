#!/bin/bash
# SPDX-License-Identifier: MIT
# The folders are a DAG: base <- conf, store, media, sip, ript <- gateway;
# sip, ript and media never include each other, but for media/desc.h.
. "$(dirname "$0")/../lib.sh"
cd "$root"

allowed() {	# allowed FOLDER INCLUDED-FOLDER HEADER
	case $1:$2 in
	base:base) ;;
	conf:base | conf:conf) ;;
	store:base | store:store) ;;
	media:base | media:media) ;;
	sip:base | sip:sip) ;;
	ript:base | ript:ript) ;;
	sip:media | ript:media) [ "$3" = media/desc.h ] ;;
	gateway:* | riptcall:* | bench:* | tests:*) ;;
	*) return 1 ;;
	esac
}

bad=0
while IFS=: read -r file line; do
	header=$(sed -n 's/.*"\(.*\)".*/\1/p' <<<"$line")
	allowed "${file%%/*}" "${header%%/*}" "$header" || {
		fail "$file" "includes $header"
		bad=1
	}
done < <(grep -H '^#include "[a-z]*/' base/*.[ch] conf/*.[ch] store/*.[ch] \
	media/*.[ch] sip/*.[ch] ript/*.[ch] 2>/dev/null)
[ $bad = 0 ] && pass "each folder includes only the floors below it"
finish

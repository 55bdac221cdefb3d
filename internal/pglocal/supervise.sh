# Runs the server of the current folder for as long as any process holds the writing end of the pipe on
# standard input, which is also the fifo "users". A line in it is empty (a process attached) or the mode of
# a restart. Descriptor 3 is locked while this supervisor is alive: no other process inherits it.
# $1: the folder of PostgreSQL's programs.
bin=$1

ctl() {
	"$bin/pg_ctl" "$@" -D data -s -w </dev/null >>log 2>&1 3>&-
}

ctl start -t 120 || exit 1
echo ready
exec >/dev/null

while :; do
	while read -r mode; do
		case $mode in
		fast | immediate) ctl restart -m "$mode" -t 120 ;;
		esac
	done
	# All have left. Move the fifo away, then check whether a process has attached meanwhile.
	mv users closing || break
	if read -r mode; then
		mv closing users
	else
		break
	fi
done

ctl stop -m fast -t 10 ||
	ctl stop -m immediate -t 10 ||
	"$bin/pg_ctl" kill KILL "$(head -n 1 data/postmaster.pid)" </dev/null >>log 2>&1
rm -f closing
if [ -L socket ]; then
	rmdir "$(readlink socket)"
	rm -f socket
fi
